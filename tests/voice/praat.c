/* The second opinion: Praat on the same recordings. Its methods are others, so agreement is loose
 * (loosest for formants); what would show is a wrong scale, a shift in time, octave errors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"
#include "tests/voice/wave.h"
#include "voice/descriptors.h"

enum { MOST = 4096 };

typedef struct comparison {
    size_t count, gross;                 /* frames voiced for both; F0 more than 20 % apart */
    double f0[MOST], f1[MOST], f2[MOST]; /* relative difference */
    double hnr[2][MOST];
    double voiced_for_praat;
    double jitter, shimmer, praat_jitter, praat_shimmer;
} comparison;

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n) {
    qsort(x, n, sizeof *x, ascending);
    return x[n / 2];
}

static double correlation(const double *x, const double *y, size_t n) {
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        mx += x[i] / (double)n;
        my += y[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return xy / sqrt(xx * yy);
}

static void compare(const char *name, comparison *c) {
    memset(c, 0, sizeof *c);
    char path[512], command[1200], line[256];
    size_t count = 0, n = 0;
    int rate = 0;
    snprintf(path, sizeof path, "%s/reference_egemaps/%s.wav", test_data(), name);
    float *samples = test_wave(path, &count, &rate);
    assert_non_null(samples);
    affect_context *ctx;
    voice_descriptors *stream;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(voice_descriptors_create(ctx, rate, &stream), AFFECT_OK);
    static voice_frame frames[MOST];
    for (int end = 0; end < 2; end++) {
        if (end)
            assert_int_equal(voice_descriptors_finish(stream), AFFECT_OK);
        else
            assert_int_equal(voice_descriptors_push(stream, samples, count), AFFECT_OK);
        size_t more;
        const voice_frame *ready = voice_descriptors_take(stream, &more);
        assert_true(n + more <= MOST);
        memcpy(frames + n, ready, more * sizeof *ready);
        n += more;
    }
    size_t measured = 0;
    for (size_t i = 0; i < n; i++)
        if (frames[i].f0 > 0.0f) {
            c->jitter += (double)frames[i].jitter;
            c->shimmer += (double)frames[i].shimmer_db;
            measured++;
        }
    c->jitter /= (double)measured;
    c->shimmer /= (double)measured;

    char *whole = realpath(path, NULL);
    snprintf(command, sizeof command, "praat --run tests/voice/measure.praat '%s'", whole);
    free(whole);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while (fgets(line, sizeof line, pipe)) {
        double t, f0, f1, f2, hnr;
        if (sscanf(line, "whole %lf %lf", &c->praat_jitter, &c->praat_shimmer) == 2) continue;
        if (sscanf(line, "frame %lf %lf %lf %lf %lf", &t, &f0, &f1, &f2, &hnr) != 5) continue;
        c->voiced_for_praat += 1.0;
        /* Praat's times are centres: ours are 30 ms after the start for pitch, 10 for formants. */
        size_t i = (size_t)lround((t - 0.03) / 0.01), j = (size_t)lround((t - 0.01) / 0.01);
        if (t < 0.03 || i >= n || j >= n || c->count == MOST) continue;
        double ours = (double)frames[i].f0;
        if (ours <= 0.0 || frames[j].formant[1] <= 0.0f) continue;
        size_t k = c->count++;
        c->f0[k] = fabs(ours - f0) / f0;
        if (c->f0[k] > 0.2) c->gross++;
        c->f1[k] = fabs((double)frames[j].formant[0] - f1) / f1;
        c->f2[k] = fabs((double)frames[j].formant[1] - f2) / f2;
        c->hnr[0][k] = (double)frames[i].hnr_db;
        c->hnr[1][k] = hnr;
    }
    assert_int_equal(pclose(pipe), 0);
    voice_descriptors_destroy(stream);
    affect_context_destroy(ctx);
    base_free(samples);
}

static void agrees_with_praat(void **state) {
    (void)state;
    TEST_NEED_DATA();
    if (system("command -v praat >/dev/null 2>&1") != 0) {
        print_message("skipped: praat is not installed\n");
        skip();
    }
    static const char *const names[] = {"jfk", "ravdess_neutral_f", "japanese"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        static comparison c;
        compare(names[i], &c);
        double both = (double)c.count / c.voiced_for_praat;
        double gross = (double)c.gross / (double)c.count;
        double hnr = correlation(c.hnr[0], c.hnr[1], c.count);
        double f0 = median(c.f0, c.count), f1 = median(c.f1, c.count), f2 = median(c.f2, c.count);
        print_message(
            "%s: voiced for both %.2f, F0 median %.4f gross %.3f, F1 %.3f, F2 %.3f, HNR r "
            "%.2f, jitter %.4f/%.4f, shimmer %.2f/%.2f\n",
            names[i], both, f0, gross, f1, f2, hnr, c.jitter, c.praat_jitter, c.shimmer,
            c.praat_shimmer);
        assert_true(both > 0.75 && f0 < 0.01 && gross < 0.05);
        assert_true(fabs(log(c.jitter / c.praat_jitter)) < log(1.4));
        assert_true(fabs(log(c.shimmer / c.praat_shimmer)) < log(1.5));
        /* Formants and HNR are openSMILE's: no pre-emphasis, another window. docs/egemaps.md. */
        assert_true(f1 < 0.7 && f2 < 0.3 && hnr > 0.2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_praat)};
    return cmocka_run_group_tests_name("voice/praat", tests, NULL, NULL);
}
