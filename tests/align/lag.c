/* Lags with a known answer: recovered at any sampling, with an honest error and p-value. */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "affect/align.h"

static uint64_t state = 7;
static double uniform(void) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) { return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform()); }

enum { BUMPS = 64, ROWS = 4000 };
typedef struct signal {
    double at[BUMPS], height[BUMPS];
} signal;

static signal signal_make(double length_s) {
    signal s;
    for (int k = 0; k < BUMPS; k++) {
        s.at[k] = uniform() * length_s;
        s.height[k] = 0.3 + uniform();
    }
    return s;
}
static double signal_at(const signal *s, double t) {
    double sum = 0;
    for (int k = 0; k < BUMPS; k++)
        sum += s->height[k] * exp(-0.5 * (t - s->at[k]) * (t - s->at[k]) / 0.0225);
    return sum;
}

/* Rows of a signal that comes `lag_s` late, at a jittered step, with noise. */
static affect_align_series rows_make(const signal *s, double length_s, double step_s, double lag_s,
                                     double noise, double *times, double *values) {
    size_t n = 0;
    for (double t = uniform() * step_s; t < length_s && n < ROWS;
         t += step_s * (0.7 + 0.6 * uniform())) {
        times[n] = t;
        values[n++] = signal_at(s, t - lag_s) + noise * normal();
    }
    return (affect_align_series){n, 1, times, values};
}

static double ta[ROWS], va[ROWS], tb[ROWS], vb[ROWS];

/* Breaks when the sign, the sub-step peak or the common grid of two samplings is wrong. */
static void recovers_a_constant_lag(void **unused) {
    (void)unused;
    const double lags[] = {-1.13, -0.4, 0.0, 0.085, 0.777};
    for (size_t k = 0; k < BASE_COUNT(lags); k++) {
        signal s = signal_make(60);
        affect_align_series a = rows_make(&s, 60, 0.040, 0, 0.2, ta, va);
        affect_align_series b = rows_make(&s, 60, 0.025, lags[k], 0.2, tb, vb);
        affect_align_lag lag, back;
        assert_int_equal(affect_align_lag_estimate(NULL, &a, &b, NULL, &lag), AFFECT_OK);
        assert_int_equal(affect_align_lag_estimate(NULL, &b, &a, NULL, &back), AFFECT_OK);
        assert_near(lag.lag_s, lags[k], 0.02);
        assert_near(back.lag_s, -lag.lag_s, 0.01);
        assert_true(lag.p < 0.001 && lag.sd_s < 0.05 && lag.correlation > 0.6 && !lag.at_bound);
        assert_true(lag.overlap_s > 50 && lag.width_s > 0.1 && lag.width_s < 1.0);
    }
}

/* Breaks when a lag outside the range is passed off as one inside. */
static void says_when_the_peak_is_the_bound(void **unused) {
    (void)unused;
    signal s = signal_make(60);
    affect_align_series a = rows_make(&s, 60, 0.04, 0, 0.05, ta, va);
    affect_align_series b = rows_make(&s, 60, 0.04, 0.62, 0.05, tb, vb);
    affect_align_options options = AFFECT_ALIGN_DEFAULTS;
    options.max_lag_s = 0.5;
    affect_align_lag lag;
    assert_int_equal(affect_align_lag_estimate(NULL, &a, &b, &options, &lag), AFFECT_OK);
    assert_true(lag.at_bound);
    assert_near(lag.lag_s, 0.5, 0.05);
}

/* Breaks when the p-value is not one: of unrelated pairs about one in twenty lies below .05. The
 * bound is four standard errors of 400 such pairs above it. */
static void unrelated_series_have_no_lag(void **unused) {
    (void)unused;
    int below = 0, path_below = 0, pairs = 400;
    for (int k = 0; k < pairs; k++) {
        signal s = signal_make(40), other = signal_make(40);
        affect_align_series a = rows_make(&s, 40, 0.05, 0, 0.2, ta, va);
        affect_align_series b = rows_make(&other, 40, 0.05, 0, 0.2, tb, vb);
        affect_align_lags *lags;
        assert_int_equal(affect_align_lags_estimate(NULL, &a, &b, NULL, &lags), AFFECT_OK);
        below += affect_align_lags_constant(lags)->p < 0.05;
        path_below += affect_align_lags_p(lags) < 0.05;
        affect_align_lags_destroy(lags);
    }
    double bound = 0.05 * pairs + 4 * sqrt(0.05 * 0.95 * pairs);
    if (below > bound || path_below > bound || below < 4)
        fail_msg("%d and %d of %d unrelated pairs have p < .05", below, path_below, pairs);
}

/* Breaks when the chain of lags does not follow. */
static void follows_a_lag_that_drifts(void **unused) {
    (void)unused;
    signal s = signal_make(100);
    affect_align_series a = rows_make(&s, 100, 0.04, 0, 0.1, ta, va);
    size_t n = 0;
    for (double t = 0; t < 100; t += 0.04, n++) { /* what A shows at t, B shows at t + lag(t) */
        double u = t;
        for (int k = 0; k < 20; k++) u = t - 0.6 * sin(2 * M_PI * u / 80);
        tb[n] = t;
        vb[n] = signal_at(&s, u) + 0.1 * normal();
    }
    affect_align_series b = {n, 1, tb, vb};
    affect_align_lags *lags;
    assert_int_equal(affect_align_lags_estimate(NULL, &a, &b, NULL, &lags), AFFECT_OK);
    assert_true(affect_align_lags_p(lags) < 0.001);
    double worst = 0, covered = 0;
    size_t count = affect_align_lags_count(lags);
    assert_true(count > 40);
    for (size_t k = 1; k + 1 < count; k++) {
        const affect_align_step *step = affect_align_lags_step(lags, k);
        double t = (step->t0_s + step->t1_s) / 2, off = step->lag_s - 0.6 * sin(2 * M_PI * t / 80);
        worst = fmax(worst, fabs(off));
        covered += fabs(off) < 2 * step->sd_s + 0.02;
    }
    if (worst > 0.3 || covered < 0.9 * (double)count)
        fail_msg("off by %.3f s, %.0f of %zu within two sd", worst, covered, count);
    assert_null(affect_align_lags_step(lags, count));
    affect_align_lags_destroy(lags);
}

/* Breaks when gaps are bridged or count as values. */
static void missing_values_say_nothing(void **unused) {
    (void)unused;
    signal s = signal_make(60);
    affect_align_series a = rows_make(&s, 60, 0.04, 0, 0.1, ta, va);
    affect_align_series b = rows_make(&s, 60, 0.04, 0.3, 0.1, tb, vb);
    for (size_t k = 0; k < b.rows; k++)
        if (fmod(tb[k], 7) < 2) vb[k] = NAN;
    for (size_t k = 0; k < a.rows; k++)
        if (k % 11 == 0) va[k] = NAN;
    affect_align_lag lag;
    assert_int_equal(affect_align_lag_estimate(NULL, &a, &b, NULL, &lag), AFFECT_OK);
    assert_near(lag.lag_s, 0.3, 0.03);
    assert_true(lag.p < 0.001 && lag.overlap_s < 55);

    for (size_t k = 0; k < b.rows; k++) vb[k] = 4.2;
    assert_int_equal(affect_align_lag_estimate(NULL, &a, &b, NULL, &lag), AFFECT_OK);
    assert_true(isnan(lag.p) && isnan(lag.lag_s));
    for (size_t k = 0; k < b.rows; k++) vb[k] = NAN;
    assert_int_equal(affect_align_lag_estimate(NULL, &a, &b, NULL, &lag), AFFECT_OK);
    assert_true(isnan(lag.p) && isnan(lag.lag_s));
    affect_align_series empty = {0, 1, NULL, NULL};
    assert_int_equal(affect_align_lag_estimate(NULL, &a, &empty, NULL, &lag), AFFECT_OK);
    assert_true(isnan(lag.lag_s));
    affect_align_lags *lags;
    assert_int_equal(affect_align_lags_estimate(NULL, &a, &empty, NULL, &lags), AFFECT_OK);
    assert_int_equal(affect_align_lags_count(lags), 0);
    affect_align_lags_destroy(lags);
}

/* Breaks when the mutual information of several channels does not see what one projection hides. */
static void several_channels_share_information(void **unused) {
    (void)unused;
    static double a3[3 * ROWS], b2[2 * ROWS];
    signal s = signal_make(60), noise = signal_make(60);
    size_t n = 0;
    for (double t = 0; t < 60; t += 0.04, n++) {
        ta[n] = t;
        a3[3 * n] = signal_at(&noise, t) + 0.5 * signal_at(&s, t);
        a3[3 * n + 1] = signal_at(&noise, t) - 0.5 * signal_at(&s, t);
        a3[3 * n + 2] = normal();
        b2[2 * n] = normal();
        b2[2 * n + 1] = -signal_at(&s, t + 0.5) + 0.2 * normal(); /* earlier, and against it */
    }
    affect_align_series a = {n, 3, ta, a3}, b = {n, 2, ta, b2};
    affect_align_lags *lags;
    assert_int_equal(affect_align_lags_estimate(NULL, &a, &b, NULL, &lags), AFFECT_OK);
    const affect_align_lag *lag = affect_align_lags_constant(lags);
    assert_near(lag->lag_s, -0.5, 0.03);
    assert_true(lag->p < 0.001);
    for (size_t k = 1; k + 1 < affect_align_lags_count(lags); k++)
        assert_near(affect_align_lags_step(lags, k)->lag_s, -0.5, 0.15);
    affect_align_lags_destroy(lags);
}

static void bad_arguments_are_refused(void **unused) {
    (void)unused;
    affect_align_lag lag;
    affect_align_lags *lags;
    double t[] = {0, 1, 0.5}, v[] = {1, 2, 3};
    affect_align_series back = {3, 1, t, v}, fine = {2, 1, t, v}, none = {2, 0, t, v};
    affect_align_series nowhere = {2, 1, NULL, v};
    affect_align_options o = AFFECT_ALIGN_DEFAULTS;
    assert_int_equal(affect_align_lag_estimate(NULL, &back, &fine, NULL, &lag),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_lag_estimate(NULL, &fine, &none, NULL, &lag),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_lag_estimate(NULL, &fine, &nowhere, NULL, &lag),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_lag_estimate(NULL, NULL, &fine, NULL, &lag),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_lag_estimate(NULL, &fine, &fine, NULL, NULL),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_lags_estimate(NULL, &fine, NULL, NULL, &lags),
                     AFFECT_ERROR_ARGUMENT);
    o.max_lag_s = NAN;
    assert_int_equal(affect_align_lag_estimate(NULL, &fine, &fine, &o, &lag),
                     AFFECT_ERROR_ARGUMENT);
    o.max_lag_s = 1;
    o.step_s = 1e-9;
    assert_int_equal(affect_align_lag_estimate(NULL, &fine, &fine, &o, &lag),
                     AFFECT_ERROR_ARGUMENT);
    o.step_s = 0.1;
    o.block_s = 0.05;
    assert_int_equal(affect_align_lag_estimate(NULL, &fine, &fine, &o, &lag),
                     AFFECT_ERROR_ARGUMENT);
    double far[] = {0, 1e9};
    affect_align_series wide = {2, 1, far, v};
    assert_int_equal(affect_align_lag_estimate(NULL, &wide, &wide, NULL, &lag), AFFECT_ERROR_LIMIT);
    affect_align_lags_destroy(NULL);
}

static affect_status estimate(void *user) {
    affect_align_series *pair = user;
    affect_align_lags *lags;
    affect_status status = affect_align_lags_estimate(NULL, &pair[0], &pair[1], NULL, &lags);
    if (!status) affect_align_lags_destroy(lags);
    return status;
}

static void each_allocation_may_fail(void **unused) {
    (void)unused;
    static double two[2 * ROWS];
    signal s = signal_make(20);
    affect_align_series pair[2] = {rows_make(&s, 20, 0.05, 0, 0.1, ta, va),
                                   rows_make(&s, 20, 0.05, 0.1, 0.1, tb, vb)};
    assert_true(test_fail_each_allocation("lags of one channel", estimate, pair) > 20);
    for (size_t k = 0; k < pair[0].rows; k++) two[2 * k] = va[k], two[2 * k + 1] = normal();
    pair[0].channels = 2;
    pair[0].values = two;
    assert_true(test_fail_each_allocation("lags of several channels", estimate, pair) > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recovers_a_constant_lag),
        cmocka_unit_test(says_when_the_peak_is_the_bound),
        cmocka_unit_test(unrelated_series_have_no_lag),
        cmocka_unit_test(follows_a_lag_that_drifts),
        cmocka_unit_test(missing_values_say_nothing),
        cmocka_unit_test(several_channels_share_information),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
