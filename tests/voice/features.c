/* The command affect features, run as users run it: columns and numbers of the reference, segments,
 * windows, formats, batches, errors. argv[1] is the command. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/base.h"
#include "tests/test.h"

static const char *command;
static char folder[64], reference[512];

/* Runs `affect features ARGS` in the scratch folder; returns the exit code. */
static int features(const char *arguments) {
    char line[4096], here[1024];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(line, sizeof line, "exec '%s' features --quiet %s >'%s/stdout' 2>'%s/stderr'", command,
             arguments, folder, folder);
    int status = system(line);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static char *read_text(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *text;
    size_t length;
    return base_read_file(NULL, path, 0, &text, &length) == AFFECT_OK ? text : NULL;
}

static size_t lines_in(const char *text) {
    size_t n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

static const char *format(const char *text, ...) AFFECT_PRINTF(1, 2);
static const char *format(const char *text, ...) {
    static char line[4096];
    va_list arguments;
    va_start(arguments, text);
    vsnprintf(line, sizeof line, text, arguments);
    va_end(arguments);
    return line;
}

static void columns_are_opensmiles(void **state) {
    (void)state;
    TEST_NEED_DATA();
    assert_int_equal(
        features(format("%s/nemo_fear.wav -o %s/f.csv --lld %s/l.csv", reference, folder, folder)),
        0);
    const char *pairs[][2] = {{"f.csv", "nemo_fear_functionals.csv"},
                              {"l.csv", "nemo_fear_lld.csv"}};
    for (int i = 0; i < 2; i++) {
        char *mine = read_text(pairs[i][0]), *theirs;
        size_t length;
        assert_non_null(mine);
        assert_int_equal(
            base_read_file(NULL, format("%s/%s", reference, pairs[i][1]), 0, &theirs, &length),
            AFFECT_OK);
        size_t header = strcspn(mine, "\n");
        assert_true(header == strcspn(theirs, "\r\n"));
        assert_memory_equal(mine, theirs, header);
        assert_int_equal(lines_in(mine), lines_in(theirs));
        /* Name, time and the first value (F0 mean, loudness) to the last printed digit but one. */
        const char *a = mine + header + 1, *b = strchr(theirs, '\n') + 1;
        double x, y;
        assert_int_equal(sscanf(a, "'nemo_fear';0.000000;%lf", &x), 1);
        assert_int_equal(sscanf(b, "'nemo_fear';0.000000;%lf", &y), 1);
        assert_true(fabs(x / y - 1.0) < 2e-6);
        base_free(mine);
        base_free(theirs);
    }
    /* Existing files are kept unless told otherwise. */
    assert_int_equal(features(format("%s/nemo_fear.wav -o %s/f.csv", reference, folder)),
                     AFFECT_ERROR_EXISTS);
    assert_int_equal(features(format("%s/nemo_fear.wav -o %s/f.csv --force", reference, folder)),
                     0);
}

static void segments_are_recordings_of_their_own(void **state) {
    (void)state;
    TEST_NEED_DATA();
    FILE *srt = fopen(format("%s/s.srt", folder), "w");
    assert_non_null(srt);
    fputs("1\n00:00:00,000 --> 00:00:11,000\nall; of 'it'\n\n"
          "2\n00:00:02,000 --> 00:00:02,020\ntoo short\n\n"
          "3\n00:00:02,000 --> 00:00:04,500\npart\n",
          srt);
    fclose(srt);
    assert_int_equal(features(format("%s/jfk.wav --segments %s/s.srt", reference, folder)), 0);
    char *segments = read_text("stdout");
    assert_int_equal(features(format("%s/jfk.wav", reference)), 0);
    char *whole = read_text("stdout");
    assert_non_null(segments);
    assert_non_null(whole);
    assert_int_equal(lines_in(segments), 3); /* header, part, all: in order of their end */
    assert_non_null(strstr(segments, "'jfk';2.000000;4.500000;'part';"));
    const char *all = strstr(segments, "'jfk';0.000000;11.000000;'all_ of _it_';");
    assert_non_null(all);
    const char *values = strstr(all, "_';") + 3, *expected = strstr(whole, "'jfk';0.000000;") + 15;
    assert_memory_equal(values, expected, strcspn(expected, "\n"));
    base_free(segments);
    base_free(whole);
    assert_int_equal(
        features(format("%s/jfk.wav --segments %s/s.srt --tier none", reference, folder)),
        AFFECT_ERROR_FORMAT);
}

static void windows_slide(void **state) {
    (void)state;
    TEST_NEED_DATA();
    assert_int_equal(features(format("%s/jfk.wav --window 2 --step 0.5", reference)), 0);
    char *text = read_text("stdout");
    assert_int_equal(lines_in(text), 1 + 22); /* every half second of 11 s */
    assert_non_null(strstr(text, "'jfk';0.500000;2.500000;'';"));
    base_free(text);
}

static void formats_hold_the_same_table(void **state) {
    (void)state;
    TEST_NEED_DATA();
    assert_int_equal(features(format("%s/nemo_fear.wav -o %s/a.arff --lld %s/a.npy --force",
                                     reference, folder, folder)),
                     0);
    char *arff = read_text("a.arff"), *npy = read_text("a.npy");
    assert_non_null(strstr(arff, "@attribute F0semitoneFrom27.5Hz_sma3nz_amean numeric\n"));
    assert_non_null(strstr(arff, "@data\n\n'nemo_fear',0.000000,"));
    assert_memory_equal(npy, "\x93NUMPY\x01\x00\x76\x00", 10);
    assert_non_null(strstr(npy + 10, "'shape': (155, 25)"));
    assert_int_equal(npy[127], '\n');
    float first;
    memcpy(&first, npy + 128, sizeof first);
    assert_true(first > 0.0f && first < 10.0f); /* loudness */
    base_free(arff);
    base_free(npy);
    assert_int_equal(
        features(format("--set prosody %s/nemo_fear.wav -o %s/p.csv", reference, folder)), 0);
    char *prosody = read_text("p.csv");
    assert_int_equal(lines_in(prosody), 1 + 154);
    assert_non_null(strstr(prosody, ";nan;")); /* declared: unvoiced frames have no F0 */
    base_free(prosody);
    assert_int_equal(
        features(format("--set logmel --bands 40 %s/nemo_fear.wav -o %s/m.npy", reference, folder)),
        0);
    char *mel = read_text("m.npy");
    assert_non_null(strstr(mel + 10, "'shape': (157, 40)"));
    base_free(mel);
}

static void batches_equal_single_files(void **state) {
    (void)state;
    TEST_NEED_DATA();
    const char *names[] = {"jfk", "nemo_fear", "ravdess_sad_f"};
    base_text expected = {0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(features(format("%s/%s.wav", reference, names[i])), 0);
        char *text = read_text("stdout");
        base_text_append(&expected, i ? strchr(text, '\n') + 1 : text);
        base_free(text);
    }
    for (int threads = 1; threads <= 3; threads++) {
        assert_int_equal(
            features(format("--threads %d %s/jfk.wav %s/nemo_fear.wav %s/ravdess_sad_f.wav",
                            threads, reference, reference, reference)),
            0);
        char *text = read_text("stdout");
        assert_string_equal(text, expected.data);
        base_free(text);
    }
    base_text_destroy(&expected);
}

static void mistakes_are_told(void **state) {
    (void)state;
    assert_int_equal(features(""), AFFECT_ERROR_USAGE);
    assert_int_equal(features("--set loud x.wav"), AFFECT_ERROR_USAGE);
    assert_int_equal(features("--set prosody --lld x.csv x.wav"), AFFECT_ERROR_USAGE);
    assert_int_equal(features("--window 0.01 x.wav"), AFFECT_ERROR_USAGE);
    assert_int_equal(features(format("%s/missing.wav -o %s/none.csv", folder, folder)),
                     AFFECT_ERROR_NOT_FOUND);
    assert_null(read_text("none.csv"));
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    command = argv[1];
    snprintf(folder, sizeof folder, "/tmp/affect-features-XXXXXX");
    if (!mkdtemp(folder)) return 2;
    snprintf(reference, sizeof reference, "%s/reference_egemaps", test_data());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_opensmiles),
        cmocka_unit_test(segments_are_recordings_of_their_own),
        cmocka_unit_test(windows_slide),
        cmocka_unit_test(formats_hold_the_same_table),
        cmocka_unit_test(batches_equal_single_files),
        cmocka_unit_test(mistakes_are_told),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char line[128];
    snprintf(line, sizeof line, "rm -rf %s", folder);
    return system(line) != 0 ? 1 : failed;
}
