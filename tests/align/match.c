/* Matching of events with known partners. */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "affect/align.h"

static uint64_t state = 5;
static double uniform(void) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) { return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform()); }

static affect_align_event event(double t) { return (affect_align_event){t, 0, 1, NAN, NAN}; }

enum { MOST = 200 };

/* n events a second apart or so; B has 70 % of them, late by lag, jittered, and some of its own. */
typedef struct scene {
    affect_align_event a[MOST], b[2 * MOST];
    size_t n, m, partner[2 * MOST]; /* of b; MOST = none */
    double length_s;
} scene;

static scene scene_make(size_t n, double lag_s, double jitter_s) {
    scene s = {.n = n};
    double t = 1;
    for (size_t k = 0; k < n; k++) {
        t += 0.6 + 1.6 * uniform();
        s.a[k] = event(t);
        if (uniform() < 0.7) {
            s.partner[s.m] = k;
            s.b[s.m++] = event(t + lag_s + jitter_s * normal());
        }
        if (uniform() < 0.2) {
            s.partner[s.m] = MOST;
            s.b[s.m++] = event(t + lag_s + 0.8 + 0.5 * uniform());
        }
    }
    s.length_s = t + 2;
    return s;
}

static double f1(const scene *s, const affect_align_match *matches, size_t count) {
    size_t hits = 0, pairs = 0;
    for (size_t k = 0; k < s->m; k++) pairs += s->partner[k] != MOST;
    for (size_t k = 0; k < count; k++) hits += s->partner[matches[k].b] == matches[k].a;
    return 2.0 * (double)hits / (double)(pairs + count);
}

/* Breaks when lag, matching or the place for the unmatched are wrong. */
static void finds_partners_and_their_lag(void **unused) {
    (void)unused;
    const double lags[] = {-0.9, -0.25, 0, 0.45, 1.1};
    double sum = 0;
    for (size_t k = 0; k < BASE_COUNT(lags); k++) {
        scene s = scene_make(60, lags[k], 0.06);
        affect_align_lag lag, fine;
        assert_int_equal(
            affect_align_event_lag(NULL, s.a, s.n, s.b, s.m, 0, s.length_s, 0.15, NULL, &lag),
            AFFECT_OK);
        assert_true(lag.p < 0.01);
        assert_near(lag.lag_s, lags[k], 0.04);
        affect_align_match matches[MOST];
        affect_align_match_options o = AFFECT_ALIGN_MATCH_DEFAULTS;
        o.lag_s = lag.lag_s;
        o.lag_sd_s = 0.15;
        size_t count;
        assert_int_equal(
            affect_align_match_events(NULL, s.a, s.n, s.b, s.m, &o, matches, &count, &fine),
            AFFECT_OK);
        assert_true(count <= BASE_MIN(s.n, s.m));
        sum += f1(&s, matches, count) / BASE_COUNT(lags);
        assert_near(fine.lag_s, lags[k], 0.03);
        assert_true(fine.sd_s > 0.003 && fine.sd_s < 0.04);
        for (size_t i = 1; i < count; i++) assert_true(matches[i].a > matches[i - 1].a);
    }
    if (sum < 0.9) fail_msg("F1 %.3f", sum);
}

/* Breaks when the order of the input matters. */
static void order_does_not_matter(void **unused) {
    (void)unused;
    scene s = scene_make(40, 0.3, 0.05), turned = s;
    for (size_t k = 0; k < s.m; k++) turned.b[k] = s.b[s.m - 1 - k];
    affect_align_match_options o = AFFECT_ALIGN_MATCH_DEFAULTS;
    affect_align_match one[MOST], two[MOST];
    size_t n, m;
    o.lag_s = 0.3;
    assert_int_equal(affect_align_match_events(NULL, s.a, s.n, s.b, s.m, &o, one, &n, NULL),
                     AFFECT_OK);
    assert_int_equal(
        affect_align_match_events(NULL, turned.a, s.n, turned.b, s.m, &o, two, &m, NULL),
        AFFECT_OK);
    assert_int_equal(n, m);
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(one[k].a, two[k].a);
        assert_int_equal(one[k].b, s.m - 1 - two[k].b);
        assert_true(one[k].score == two[k].score);
    }
}

/* Breaks when feeling does not count: of two candidates equally near the congruent one is chosen. */
static void congruent_events_are_preferred(void **unused) {
    (void)unused;
    affect_align_event a[] = {{10, 0, 1, 0.8, 0.5}};
    affect_align_event b[] = {{9.9, 0, 1, -0.7, 0.4}, {10.1, 0, 1, 0.7, 0.4}};
    affect_align_match match;
    size_t count;
    assert_int_equal(affect_align_match_events(NULL, a, 1, b, 2, NULL, &match, &count, NULL),
                     AFFECT_OK);
    assert_int_equal(count, 1);
    assert_int_equal(match.b, 1);
    assert_near(match.lag_s, 0.1, 1e-12);
    b[1].strength = 0; /* takes no part */
    b[0].time_s = 12;  /* and this is too far */
    assert_int_equal(affect_align_match_events(NULL, a, 1, b, 2, NULL, &match, &count, NULL),
                     AFFECT_OK);
    assert_int_equal(count, 0);
    assert_int_equal(affect_align_match_events(NULL, a, 0, b, 2, NULL, &match, &count, NULL),
                     AFFECT_OK);
    assert_int_equal(count, 0);
}

/* Breaks when strength does not count, or the scale of one side does: of two candidates equally near
 * the one that is as strong among its own is chosen, whatever the unit. */
static void events_as_strong_are_preferred(void **unused) {
    (void)unused;
    for (int scale = 0; scale < 3; scale++) {
        double unit = scale == 0 ? 1 : scale == 1 ? 100 : 0.001;
        affect_align_event a[] = {{10, 0, 1, NAN, NAN}, {20, 0, 0.1, NAN, NAN}};
        affect_align_event b[] = {{9.9, 0, 0.1 * unit, NAN, NAN},
                                  {10.1, 0, unit, NAN, NAN},
                                  {19.9, 0, 0.1 * unit, NAN, NAN},
                                  {20.1, 0, unit, NAN, NAN}};
        affect_align_match matches[2];
        affect_align_match_options o = AFFECT_ALIGN_MATCH_DEFAULTS;
        size_t count;
        o.refine = 0;
        assert_int_equal(affect_align_match_events(NULL, a, 2, b, 4, &o, matches, &count, NULL),
                         AFFECT_OK);
        assert_int_equal(count, 2);
        assert_int_equal(matches[0].b, 1);
        assert_int_equal(matches[1].b, 2);
    }
}

static void bad_arguments_are_refused(void **unused) {
    (void)unused;
    affect_align_event a = event(1), bad = event(NAN);
    affect_align_match match;
    affect_align_match_options o = AFFECT_ALIGN_MATCH_DEFAULTS;
    affect_align_lag lag;
    size_t count;
    assert_int_equal(affect_align_match_events(NULL, &a, 1, &bad, 1, NULL, &match, &count, NULL),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_match_events(NULL, NULL, 1, &a, 1, NULL, &match, &count, NULL),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_match_events(NULL, &a, 1, &a, 1, NULL, NULL, &count, NULL),
                     AFFECT_ERROR_ARGUMENT);
    o.lag_sd_s = 0;
    assert_int_equal(affect_align_match_events(NULL, &a, 1, &a, 1, &o, &match, &count, NULL),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_event_lag(NULL, &a, 1, &a, 1, 0, 10, 0, NULL, &lag),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_align_event_lag(NULL, &a, 1, &a, 1, 0, 1e9, 0.1, NULL, &lag),
                     AFFECT_ERROR_LIMIT);
    assert_int_equal(affect_align_event_lag(NULL, &a, 1, &a, 1, 0, 10, 0.1, NULL, &lag), AFFECT_OK);
}

static affect_status work(void *user) {
    scene *s = user;
    affect_align_lag lag;
    return affect_align_event_lag(NULL, s->a, s->n, s->b, s->m, 0, s->length_s, 0.15, NULL, &lag);
}

static void each_allocation_may_fail(void **unused) {
    (void)unused;
    scene s = scene_make(20, 0.3, 0.05);
    assert_true(test_fail_each_allocation("matching", work, &s) > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_partners_and_their_lag),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(congruent_events_are_preferred),
        cmocka_unit_test(events_as_strong_are_preferred),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
