/* Rows of tables as samples: what is known of each label and value, in what range, and who speaks; rules choose
 * rows; without memory a reading is an error. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/datasets.h"
#include "tests/test.h"

static affect_context *ctx;
static char folder[64] = "/tmp/affect-samples-XXXXXX";

typedef struct seen {
    size_t count, classes, values;
    float shares[8][4], numbers[8][3];
    int32_t label[8], speaker[8];
    char text[8][32];
} seen;

static affect_status see(void *user, const datasets_sample *sample) {
    seen *s = user;
    size_t i = s->count++;
    assert_true(i < 8);
    memcpy(s->shares[i], sample->shares, s->classes * sizeof(float));
    memcpy(s->numbers[i], sample->values, s->values * sizeof(float));
    s->label[i] = sample->label;
    s->speaker[i] = sample->speaker;
    snprintf(s->text[i], sizeof s->text[i], "%s", sample->text ? sample->text : sample->file);
    return AFFECT_OK;
}

static const char *put(const char *name, const char *text) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

static affect_status read_one(const datasets_request *q, const char *path, seen *out) {
    *out = (seen){.classes = q->classes, .values = q->values};
    return datasets_read(ctx, q, &path, 1, see, out);
}

static const char *const names[] = {"anger", "joy", "neutral", "valence", "arousal", "dominance"};
static const datasets_request texts = {
    .kind = DATASETS_TEXT, .labels = names, .classes = 3, .values = 3};

static void values_by_range(void **state) {
    (void)state;
    seen s;
    const char *path =
        put("a.tsv", "id\tvalence\tsd\tratings\ttext\n1\t-4\t0\t-4\t\"low\n2\t1\t0\t1\thigh\n");
    assert_int_equal(read_one(&texts, path, &s), AFFECT_OK);
    assert_int_equal(s.count, 2);
    assert_true(s.numbers[0][0] == -1 && s.numbers[1][0] == .25f && isnan(s.numbers[0][1]));
    assert_true(s.shares[0][0] == -1 && s.label[0] == -1);
    assert_string_equal(s.text[0], "\"low");
    path = put("bank.csv", "id,split,V,A,D,text\n1,train,1,3,5,x\n2,dev,4,2,3,y\n");
    datasets_request q = texts;
    q.only = "split dev";
    assert_int_equal(read_one(&q, path, &s), AFFECT_OK);
    assert_int_equal(s.count, 1);
    assert_true(s.numbers[0][0] == .5f && s.numbers[0][1] == -.5f && s.numbers[0][2] == 0);
    /* values are taken by name, not by place */
    static const char *const other[] = {"anger", "joy", "neutral", "dominance", "valence"};
    q = (datasets_request){.kind = DATASETS_TEXT, .labels = other, .classes = 3, .values = 2};
    assert_int_equal(read_one(&q, path, &s), AFFECT_OK);
    assert_true(s.count == 2 && s.numbers[0][0] == 1 && s.numbers[0][1] == -1);
}

static void intensities(void **state) {
    (void)state;
    seen s;
    const char *path =
        put("b.tsv", "id\tanger\tfear\tjoy\tsadness\ttext\n1\t3\t0\t1\t0\tx\n2\t0\t0\t0\t0\ty\n"
                     "3\t2\t0\t2\t0\tz\n");
    assert_int_equal(read_one(&texts, path, &s), AFFECT_OK);
    assert_true(s.label[0] == 0 && s.shares[0][0] == .75f && s.shares[0][1] == .25f);
    assert_true(s.shares[0][2] == 0);
    assert_true(s.label[1] == 2 && s.shares[1][2] == 1 && s.shares[1][0] == 0);
    assert_true(s.label[2] == -1 && s.shares[2][0] == .5f && s.shares[2][1] == .5f);
    datasets_request q = texts;
    q.several = true;
    assert_int_equal(read_one(&q, path, &s), AFFECT_OK);
    assert_true(s.shares[0][0] == 1 && fabsf(s.shares[0][1] - 1 / 3.f) < 1e-7f);
    assert_true(s.shares[0][2] == -1); /* nobody was asked whether it is neutral */
    path = put("joy_dev.tsv", "id\tintensity\ttext\n1\t0.25\tx\n");
    assert_int_equal(read_one(&q, path, &s), AFFECT_OK);
    assert_true(s.shares[0][1] == .25f && s.shares[0][0] == -1 && s.label[0] == 1);
    assert_int_equal(read_one(&texts, path, &s), AFFECT_OK);
    assert_true(s.shares[0][1] == 1 && s.shares[0][0] == 0);
    static const char *const others[] = {"calm", "pride"};
    q = (datasets_request){.kind = DATASETS_TEXT, .labels = others, .classes = 2};
    assert_int_equal(read_one(&q, path, &s), AFFECT_ERROR_FORMAT);
}

static const char rated[] =
    "path\tspeaker\temotion\ta1_V\ta2_V\ta3_V\ta1_A\ta2_A\ta3_A\ta1_D\ta2_D\ta3_D\n"
    "r.wav\tx\tangry\t1\t2\t\t3\t3\t3\t5\t5\t2\nr.wav\ty\tneutral\t5\t5\t5\t1\t1\t1\t3\t3\t3\n"
    "r.wav\tx\tneutral\t3\t3\t3\t3\t3\t3\t3\t3\t3\n";
static const float places[] = {.5f, .5f, .5f, 0, 0, 0, .25f, -.25f, 0};

static void recordings(void **state) {
    (void)state;
    seen s;
    put("r.wav", "not heard here");
    datasets_request q = texts;
    q.kind = DATASETS_RECORDING;
    q.places = places;
    const char *path = put("rated.tsv", rated);
    assert_int_equal(read_one(&q, path, &s), AFFECT_OK);
    assert_int_equal(s.count, 3);
    /* the raters' mean; who gave no number is passed over */
    assert_true(s.numbers[0][0] == -.75f && s.numbers[0][1] == 0 && s.numbers[0][2] == .5f);
    assert_true(s.label[0] == 0 && s.label[1] == 2);
    assert_true(s.speaker[0] == 0 && s.speaker[1] == 1 && s.speaker[2] == 0);
    q.except = "speaker x";
    assert_int_equal(read_one(&q, path, &s), AFFECT_OK);
    assert_true(s.count == 1 && s.numbers[0][0] == 1);
    q.except = "zebra x";
    assert_int_equal(read_one(&q, path, &s), AFFECT_ERROR_FORMAT);
    /* a list without ratings has what its classes stand for */
    q.except = "rated: speaker x"; /* another file's rule */
    path = put("plain.csv", "path,label,speaker\nr,neutral,z\n");
    assert_int_equal(read_one(&q, path, &s), AFFECT_OK);
    assert_true(s.count == 1 && s.numbers[0][0] == .25f && s.numbers[0][1] == -.25f);
}

static affect_status read_all(void *user) {
    (void)user;
    seen s;
    datasets_request q = texts;
    char path[2][128];
    snprintf(path[0], sizeof path[0], "%s/rated.tsv", folder);
    snprintf(path[1], sizeof path[1], "%s/b.tsv", folder);
    q.only = "split 1 | b: id 1";
    affect_status status = read_one(&q, path[1], &s);
    q.kind = DATASETS_RECORDING;
    q.only = "speaker x";
    return status ? status : read_one(&q, path[0], &s);
}

static void out_of_memory_is_an_error(void **state) {
    (void)state;
    assert_int_equal(read_all(NULL), AFFECT_OK);
    assert_true(test_fail_each_allocation("samples", read_all, NULL) > 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_by_range),
                                       cmocka_unit_test(intensities), cmocka_unit_test(recordings),
                                       cmocka_unit_test(out_of_memory_is_an_error)};
    if (!mkdtemp(folder)) return 1;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    int failed = cmocka_run_group_tests_name("datasets/samples", tests, NULL, NULL);
    affect_context_destroy(ctx);
    static const char *const made[] = {"a.tsv", "bank.csv",  "b.tsv",    "joy_dev.tsv",
                                       "r.wav", "rated.tsv", "plain.csv"};
    for (size_t i = 0; i < BASE_COUNT(made); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, made[i]);
        unlink(path);
    }
    rmdir(folder);
    return failed;
}
