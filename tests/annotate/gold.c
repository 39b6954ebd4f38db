/* Gold standards of raters who were made: what is found of their lags and errors, whether the band holds, and what
 * becomes of raters of kinds that the model does not assume. */
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/gold.h"
#include "base/base.h"
#include "latent/fit.h"

static uint64_t seed_state;
static double uniform(void) {
    uint64_t z = seed_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) { return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform()); }

enum { ROWS = 1500, RATERS = 8, WAVES = 7 };
#define STEP 0.1

typedef struct study {
    double times[ROWS], truth[ROWS], values[RATERS][ROWS], lag[RATERS];
    affect_gold_trace traces[RATERS];
} study;

static double wave[WAVES][2];
static double truth_at(double t) {
    double z = 0;
    for (int w = 0; w < WAVES; w++)
        z += sin(2 * M_PI * t / (9 + 5.3 * w) + wave[w][0]) * wave[w][1];
    return z;
}

/* Raters with a lag, a gain, an offset, an error that lasts and noise. */
static void make(study *s, uint64_t seed) {
    seed_state = seed;
    for (int w = 0; w < WAVES; w++)
        wave[w][0] = 6.28 * uniform(), wave[w][1] = 0.3 + uniform() * 0.4;
    for (int i = 0; i < RATERS; i++) {
        s->lag[i] = fmax(1.6 + 0.4 * normal(), 0.3);
        double gain = 0.6 + 0.8 * uniform(), offset = 0.3 * normal(), error = 0;
        for (int k = 0; k < ROWS; k++) {
            s->times[k] = k * STEP;
            s->truth[k] = truth_at(k * STEP);
            error += -error * STEP / 6 + 0.4 * sqrt(2 * STEP / 6) * normal();
            s->values[i][k] =
                offset + gain * truth_at(k * STEP - s->lag[i]) + error + 0.02 * normal();
        }
        s->traces[i] = (affect_gold_trace){NULL, ROWS, s->times, s->values[i]};
    }
}

static double correlation(const affect_gold *gold, double slope[2], double *covered) {
    double n = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0, inside = 0;
    size_t last = affect_gold_count(gold) - 30; /* where raters' lags leave nothing */
    for (size_t k = 30; k < last; k++)
        mx += affect_gold_value(gold, k), my += truth_at(affect_gold_time(gold, k)), n++;
    mx /= n;
    my /= n;
    for (size_t k = 30; k < last; k++) {
        double x = affect_gold_value(gold, k) - mx, y = truth_at(affect_gold_time(gold, k)) - my;
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    slope[0] = xy / yy; /* gold = mx + slope (truth - my) */
    for (size_t k = 30; k < last; k++) {
        double e =
            affect_gold_value(gold, k) - mx - slope[0] * (truth_at(affect_gold_time(gold, k)) - my);
        inside += fabs(e) < 1.96 * affect_gold_sd(gold, k);
    }
    if (covered) *covered = inside / n;
    return xy / sqrt(xx * yy);
}

static double root_mean_square_lag_error(const affect_gold *gold, const study *s, bool relative) {
    double mean = 0, sum = 0;
    for (size_t i = 0; i < RATERS; i++)
        mean += (affect_gold_rater_at(gold, i)->lag_s - s->lag[i]) / RATERS;
    for (size_t i = 0; i < RATERS; i++) {
        double e = affect_gold_rater_at(gold, i)->lag_s - s->lag[i] - (relative ? mean : 0);
        sum += e * e / RATERS;
    }
    return sqrt(sum);
}

static void lags_and_band_hold(void **state) {
    (void)state;
    study *s = calloc(1, sizeof *s);
    double covered = 0, mean = 0;
    enum { STUDIES = 6 };
    for (uint64_t seed = 1; seed <= STUDIES; seed++) {
        make(s, seed);
        affect_gold_options o = AFFECT_GOLD_DEFAULTS;
        affect_gold *gold, *simple;
        double slope[2], share, feature[ROWS];
        affect_gold_trace watched = {"feature", ROWS, s->times, feature};
        for (int k = 0; k < ROWS; k++) feature[k] = 5 + 2 * s->truth[k] + 0.8 * normal();
        o.features = &watched;
        o.feature_count = 1;
        o.feature_stream = 0;
        assert_int_equal(affect_gold_make(NULL, s->traces, RATERS, &o, &gold), AFFECT_OK);
        double r = correlation(gold, slope, &share);
        assert_true(root_mean_square_lag_error(gold, s, false) < 0.2);
        affect_gold_options plain = AFFECT_GOLD_DEFAULTS;
        plain.method = AFFECT_GOLD_MEAN;
        assert_int_equal(affect_gold_make(NULL, s->traces, RATERS, &plain, &simple), AFFECT_OK);
        assert_true(r > correlation(simple, slope, NULL) + 0.01);
        affect_gold_destroy(simple);
        covered += share / STUDIES;
        mean += r / STUDIES;
        affect_gold_destroy(gold);
        /* Without a feature the lags between the raters are found all the same. */
        plain.method = AFFECT_GOLD_LATENT;
        assert_int_equal(affect_gold_make(NULL, s->traces, RATERS, &plain, &gold), AFFECT_OK);
        assert_true(root_mean_square_lag_error(gold, s, true) < 0.2);
        affect_gold_destroy(gold);
    }
    print_message("r %.3f, band of 95 %% covers %.3f\n", mean, covered);
    assert_true(mean > 0.95);
    assert_true(covered > 0.91 && covered < 0.99);
    free(s);
}

/* Who gives up, whose slider saturates, whose lag grows, who turned the scale round: said, and not believed. */
static void odd_raters_weigh_little(void **state) {
    (void)state;
    study *s = calloc(1, sizeof *s);
    make(s, 11);
    for (int k = ROWS / 3; k < ROWS; k++) s->values[0][k] = s->values[0][ROWS / 3]; /* gives up */
    for (int k = 0; k < ROWS; k++) {
        s->values[1][k] = fmax(fmin(s->values[1][k], 0.4), -0.4); /* saturates */
        s->values[2][k] =
            truth_at(k * STEP - 1 - k * STEP / 50) + 0.1 * normal(); /* tires: 1 to 4 s late */
        s->values[3][k] = 0.3;                                       /* never moves */
        s->values[4][k] = k < ROWS / 2 ? NAN : s->values[4][k];      /* comes late */
    }
    affect_gold *gold;
    affect_gold_options o = AFFECT_GOLD_DEFAULTS;
    o.common_lag_s = 1.6;
    double slope[2], share;
    assert_int_equal(affect_gold_make(NULL, s->traces, RATERS, &o, &gold), AFFECT_OK);
    double r = correlation(gold, slope, &share);
    print_message("r %.3f, covers %.3f\n", r, share);
    assert_true(r > 0.9);
    assert_true(share > 0.85);
    const affect_gold_rater *flat = affect_gold_rater_at(gold, 3),
                            *quit = affect_gold_rater_at(gold, 0);
    assert_true(flat->weight == 0 && isnan(flat->reliability) && isnan(flat->lag_s));
    double best = 0;
    for (size_t i = 5; i < RATERS; i++) best = fmax(best, affect_gold_rater_at(gold, i)->weight);
    assert_true(quit->weight < best / 2);
    assert_true(affect_gold_rater_at(gold, 4)->covered < 0.6);
    affect_gold_destroy(gold);
    free(s);
}

static void comparisons_bend_towards_the_order(void **state) {
    (void)state;
    study *s = calloc(1, sizeof *s);
    make(s, 21);
    /* All raters err together: what comparisons are for. */
    for (int i = 0; i < RATERS; i++)
        for (int k = 0; k < ROWS; k++) s->values[i][k] += 0.9 * sin(k * STEP / 23);
    enum { PARTS = 30, TRIPLES = 500 };
    affect_gold_comparison *c = calloc(TRIPLES, sizeof *c);
    for (int i = 0; i < TRIPLES; i++) {
        double *const stretch[] = {c[i].reference, c[i].a, c[i].b};
        double middle[3];
        for (int j = 0; j < 3; j++) {
            int part = (int)(uniform() * PARTS);
            stretch[j][0] = part * 5.0;
            stretch[j][1] = part * 5.0 + 5;
            middle[j] = 0;
            for (int k = 0; k < 50; k++) middle[j] += truth_at(part * 5.0 + k * STEP) / 50;
        }
        c[i].closer = fabs(middle[0] - middle[2]) < fabs(middle[0] - middle[1]);
    }
    affect_gold_options o = AFFECT_GOLD_DEFAULTS;
    o.common_lag_s = 1.6;
    affect_gold *before, *after;
    double slope[2];
    assert_int_equal(affect_gold_make(NULL, s->traces, RATERS, &o, &before), AFFECT_OK);
    o.comparisons = c;
    o.comparison_count = TRIPLES;
    assert_int_equal(affect_gold_make(NULL, s->traces, RATERS, &o, &after), AFFECT_OK);
    double r0 = correlation(before, slope, NULL), r1 = correlation(after, slope, NULL);
    print_message("r %.3f, with comparisons %.3f\n", r0, r1);
    assert_true(r1 > r0 + 0.05);
    affect_gold_destroy(before);
    affect_gold_destroy(after);
    free(c);
    free(s);
}

static void every_method_gives_a_result(void **state) {
    (void)state;
    study *s = calloc(1, sizeof *s);
    make(s, 31);
    affect_gold_trace watched = {"feature", ROWS, s->times, s->truth};
    for (int m = AFFECT_GOLD_LATENT; m <= AFFECT_GOLD_RAAW; m++) {
        affect_gold_options o = AFFECT_GOLD_DEFAULTS;
        o.method = (affect_gold_method)m;
        affect_gold *gold;
        double slope[2];
        if (m == AFFECT_GOLD_MI_LAG) {
            assert_int_equal(affect_gold_make(NULL, s->traces, RATERS, &o, &gold),
                             AFFECT_ERROR_ARGUMENT);
            o.features = &watched;
            o.feature_count = 1;
        }
        assert_int_equal(affect_gold_make(NULL, s->traces, RATERS, &o, &gold), AFFECT_OK);
        assert_int_equal(affect_gold_rater_count(gold), RATERS);
        assert_true(affect_gold_count(gold) == ROWS && isnan(affect_gold_value(gold, ROWS)));
        assert_true(correlation(gold, slope, NULL) > 0.75);
        double weight = 0;
        for (size_t i = 0; i < RATERS; i++) weight += affect_gold_rater_at(gold, i)->weight;
        bool weighs = m != AFFECT_GOLD_MEDIAN && m != AFFECT_GOLD_DBA;
        assert_true(weighs ? fabs(weight - 1) < 1e-9 : isnan(weight));
        affect_gold_destroy(gold);
    }
    affect_gold_agreement before, after;
    assert_int_equal(affect_gold_agree(NULL, s->traces, RATERS, NULL, &before, &after, NULL),
                     AFFECT_OK);
    assert_true(after.pairwise_ccc > before.pairwise_ccc && after.alpha > before.alpha &&
                after.icc2k > before.icc2k);
    free(s);
}

static void refuses_what_is_no_trace(void **state) {
    (void)state;
    double t[] = {0, 1, 2, 3}, back[] = {0, 2, 1, 3}, v[] = {1, 2, 3, 4},
           none[] = {NAN, NAN, NAN, 1}, flat[] = {2, 2, 2, 2};
    double far[] = {0, 1, 2, 1e7}, endless[] = {0, 1, 2, INFINITY};
    affect_gold *gold;
    affect_gold_options o = AFFECT_GOLD_DEFAULTS;
    const struct {
        affect_gold_trace trace;
        affect_status status;
    } cases[] = {
        {{NULL, 4, back, v}, AFFECT_ERROR_ARGUMENT}, {{NULL, 4, t, none}, AFFECT_ERROR_ARGUMENT},
        {{NULL, 0, t, v}, AFFECT_ERROR_ARGUMENT},    {{NULL, 4, endless, v}, AFFECT_ERROR_ARGUMENT},
        {{NULL, 4, t, flat}, AFFECT_ERROR_ARGUMENT}, {{NULL, 4, far, v}, AFFECT_ERROR_LIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(affect_gold_make(NULL, &cases[i].trace, 1, &o, &gold), cases[i].status);
    affect_gold_trace fine = {NULL, 4, t, v};
    assert_int_equal(affect_gold_make(NULL, NULL, 1, &o, &gold), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_gold_make(NULL, &fine, 0, &o, &gold), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_gold_make(NULL, &fine, 1, &o, &gold), AFFECT_OK);
    assert_true(affect_gold_count(gold) == 4 && fabs(affect_gold_value(gold, 0) - 1) < 0.5);
    affect_gold_destroy(gold);
    o.max_lag_s = 0;
    assert_int_equal(affect_gold_make(NULL, &fine, 1, &o, &gold), AFFECT_ERROR_ARGUMENT);
}

static void stands_without_memory(void **state) {
    (void)state;
    double t[60], v[3][60];
    affect_gold_trace traces[3];
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 60; k++)
            t[k] = k * 0.5, v[i][k] = sin(k * 0.3 - i * 0.2) + 0.05 * normal();
        traces[i] = (affect_gold_trace){NULL, 60, t, v[i]};
    }
    affect_gold_comparison c = {{0, 5}, {5, 10}, {10, 20}, 1};
    affect_gold_options o = AFFECT_GOLD_DEFAULTS;
    o.comparisons = &c;
    o.comparison_count = 1;
    for (long n = 1;; n++) {
        affect_gold *gold = NULL;
        base_alloc_fail_at(n);
        affect_status status = affect_gold_make(NULL, traces, 3, &o, &gold);
        base_alloc_fail_at(0);
        affect_gold_destroy(gold);
        if (!status) break;
        assert_int_equal(status, AFFECT_ERROR_MEMORY);
    }
}

/* The fit finds the parameters that made the data, and each step makes the data more likely. */
static void fit_finds_what_made_the_data(void **state) {
    (void)state;
    enum { N = 3000, STREAMS = 2 };
    static const double gain[STREAMS] = {1.0, 0.5}, offset[STREAMS] = {0.2, -0.4},
                        noise[STREAMS] = {0.15, 0.1};
    latent_observation *rows = calloc(STREAMS * N, sizeof *rows);
    seed_state = 5;
    double lambda = sqrt(3.0) / 3.0, z = 0, v = 0, error = 0; /* Matern-3/2, Euler in small steps */
    for (int k = 0; k < N; k++) {
        for (int i = 0; i < 50; i++) {
            double dt = 0.2 / 50, push = 2 * pow(lambda, 1.5);
            z += v * dt;
            v += (-lambda * lambda * z - 2 * lambda * v) * dt + push * sqrt(dt) * normal();
        }
        error += -error * 0.2 / 5 + 0.3 * sqrt(2 * 0.2 / 5) * normal();
        for (size_t s = 0; s < STREAMS; s++)
            rows[STREAMS * (size_t)k + s] = (latent_observation){
                (affect_time)k * 200000000, s,
                offset[s] + gain[s] * z + (s ? error : 0) + noise[s] * normal(), 1};
    }
    latent_stream streams[STREAMS] = {{.gain = .5, .noise_sd = .5},
                                      {.gain = .8, .noise_sd = .5, .drift_sd = .5, .drift_s = 2}};
    latent_model model = {.sd = 1, .length_s = 1, .stream_count = STREAMS, .streams = streams};
    latent_fit_options o = {.iterations = 1,
                            .tolerance = -1,
                            .least_noise_sd = 1e-3,
                            .fit_gain = 1,
                            .fit_noise = 1,
                            .fit_length = 1};
    double before = -INFINITY;
    for (int i = 0; i < 200; i++) {
        latent_fit_report report;
        assert_int_equal(latent_fit(NULL, &model, streams, rows, STREAMS * N, &o, &report),
                         AFFECT_OK);
        assert_true(report.log_likelihood > before - 1e-3);
        before = report.log_likelihood;
        o.keep_offsets = true;
    }
    print_message("gains %.3f %.3f noise %.3f %.3f lasting %.3f for %.1f s, length %.2f s\n",
                  streams[0].gain, streams[1].gain, streams[0].noise_sd, streams[1].noise_sd,
                  streams[1].drift_sd, streams[1].drift_s, model.length_s);
    assert_true(fabs(streams[0].gain - 1) < 0.15 && fabs(streams[1].gain - 0.5) < 0.08);
    assert_true(fabs(streams[0].noise_sd - 0.15) < 0.03 && fabs(streams[1].noise_sd - 0.1) < 0.03);
    assert_true(fabs(streams[1].drift_sd - 0.3) < 0.08 && streams[1].drift_s > 2.5 &&
                streams[1].drift_s < 10);
    assert_true(model.length_s > 2.4 && model.length_s < 3.6);
    free(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lags_and_band_hold),
        cmocka_unit_test(odd_raters_weigh_little),
        cmocka_unit_test(comparisons_bend_towards_the_order),
        cmocka_unit_test(every_method_gives_a_result),
        cmocka_unit_test(refuses_what_is_no_trace),
        cmocka_unit_test(stands_without_memory),
        cmocka_unit_test(fit_finds_what_made_the_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
