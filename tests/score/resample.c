/* The fast bootstrap against the plain one: both draw the same thing, so their intervals agree to what
 * 20,000 rounds leave to chance. */
#include <string.h>

#include "tests/test.h"

#include "affect/context.h"
#include "score/resample.h"

enum { ROUNDS = 20000, ITEMS = 400, CLASSES = 4, VALUES = 4 };

/* A linear congruential generator: the data are the same everywhere. */
static double chance(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) / 16777216.0;
}

static double normal(uint32_t *state) {
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += chance(state);
    return sum - 6;
}

/* Half of the items lie in a fifth of the units; the last unit has none. */
static size_t lopsided(int32_t *unit, size_t n) {
    uint32_t state = 5;
    size_t units = n / 5;
    for (size_t i = 0; i < n; i++)
        unit[i] = (int32_t)(chance(&state) * (double)(i % 2 ? units - 1 : units / 5));
    return units;
}

static size_t singles(int32_t *unit, size_t n) {
    for (size_t i = 0; i < n; i++)
        unit[i] = (int32_t)((i * 7) % n); /* 7 and n have no common factor */
    return n;
}

static void near_each_other(const affect_score_interval *a, const affect_score_interval *b,
                            size_t values) {
    for (size_t v = 0; v < values; v++) {
        double sd = (b[v].high - b[v].low) / 3.92;
        print_message("  %zu: %.4f to %.4f, plain %.4f to %.4f\n", v, a[v].low, a[v].high, b[v].low,
                      b[v].high);
        assert_near(a[v].low, b[v].low, .1 * sd);
        assert_near(a[v].high, b[v].high, .1 * sd);
    }
}

/* ---- classes ---- */

typedef struct labels {
    int32_t gold[ITEMS], predicted[ITEMS];
} labels;

static void of_table(void *user, const affect_score_confusion *drawn, double *out) {
    (void)user;
    affect_score_classes c;
    affect_score_classes_from(drawn, AFFECT_SCORE_CLASSES_GOLD, &c, NULL);
    const double values[VALUES] = {c.accuracy, c.uar, c.macro_f1, c.cohen_kappa};
    memcpy(out, values, sizeof values);
}

static bool of_items(void *user, const uint32_t *index, size_t n, double *out) {
    const labels *l = user;
    affect_score_confusion table;
    assert_int_equal(affect_score_confusion_init(NULL, CLASSES, &table), AFFECT_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(affect_score_confusion_add(NULL, &table, &l->gold[index[i]],
                                                    &l->predicted[index[i]], 1),
                         AFFECT_OK);
    of_table(NULL, &table, out);
    affect_score_confusion_clear(&table);
    return true;
}

static void make_labels(labels *l) {
    uint32_t state = 1;
    for (size_t i = 0; i < ITEMS; i++) { /* rare and common pairs, and some that have no label */
        double u = chance(&state);
        l->gold[i] = u < .6 ? 0 : u < .85 ? 1 : u < .97 ? 2 : 3;
        l->predicted[i] = chance(&state) < .65 ? l->gold[i] : (int32_t)(chance(&state) * CLASSES);
        if (i % 19 == 0) l->gold[i] = -1;
        if (i % 23 == 0) l->predicted[i] = -1;
    }
}

static void classes_like_the_plain_one(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    static labels l;
    static int32_t unit[ITEMS];
    make_labels(&l);
    for (int several = 0; several < 2; several++) {
        size_t units = several ? lopsided(unit, ITEMS) : singles(unit, ITEMS - 1);
        size_t n = several ? ITEMS : ITEMS - 1;
        affect_score_interval fast[VALUES], plain[VALUES], again[VALUES];
        score_draws draws = {unit, units, ROUNDS, 3, .95};
        assert_int_equal(score_resample_classes(ctx, &draws, l.gold, l.predicted, n, CLASSES,
                                                of_table, NULL, VALUES, fast),
                         AFFECT_OK);
        assert_int_equal(affect_score_bootstrap(ctx, unit, n, units, ROUNDS, 3, .95, of_items, &l,
                                                VALUES, plain),
                         AFFECT_OK);
        near_each_other(fast, plain, VALUES);
        affect_context_set_threads(ctx, several ? 1 : 3);
        assert_int_equal(score_resample_classes(ctx, &draws, l.gold, l.predicted, n, CLASSES,
                                                of_table, NULL, VALUES, again),
                         AFFECT_OK);
        assert_memory_equal(fast, again, sizeof fast); /* whatever the number of threads */
        draws.seed = 4;
        assert_int_equal(score_resample_classes(ctx, &draws, l.gold, l.predicted, n, CLASSES,
                                                of_table, NULL, VALUES, again),
                         AFFECT_OK);
        assert_memory_not_equal(fast, again, sizeof fast);
    }
    affect_context_destroy(ctx);
}

/* The share of right answers is binomial, so its interval is known: for few rare ones and for many. */
static void counts_are_binomial(void **state) {
    (void)state;
    enum { MANY = 100000 };
    static int32_t gold[MANY], predicted[MANY], unit[MANY];
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    for (size_t i = 0; i < MANY; i++) unit[i] = (int32_t)i;
    static const double right[] = {.00004, .01, .3, .5, .9, .9999};
    for (size_t k = 0; k < BASE_COUNT(right); k++) {
        double n = MANY, p = right[k], sd = sqrt(p * (1 - p) / n);
        for (size_t i = 0; i < MANY; i++) predicted[i] = (double)i >= p * n;
        affect_score_interval found[VALUES];
        score_draws draws = {unit, MANY, ROUNDS, 9, .95};
        assert_int_equal(score_resample_classes(ctx, &draws, gold, predicted, MANY, 2, of_table,
                                                NULL, VALUES, found),
                         AFFECT_OK);
        print_message("  %g: %.7f to %.7f\n", p, found[0].low, found[0].high);
        if (p < .001) { /* Poisson with a mean of 4: 1 to 8 */
            assert_near(found[0].low * n, 1, 1e-6);
            assert_near(found[0].high * n, 8, 1e-6);
        } else if (p > .999) { /* and of 10 wrong ones: 4 to 17 */
            assert_near((1 - found[0].high) * n, 4, 1e-6);
            assert_near((1 - found[0].low) * n, 17, 1e-6);
        } else {
            assert_near(found[0].low, p - 1.96 * sd, .07 * sd);
            assert_near(found[0].high, p + 1.96 * sd, .07 * sd);
        }
    }
    affect_context_destroy(ctx);
}

/* ---- numbers ---- */

enum { NUMBERS = 9 };

typedef struct columns {
    double gold[ITEMS], predicted[ITEMS];
    affect_score_variance variance;
} columns;

static void of_regression(void *user, const affect_score_regression *r, double *out) {
    (void)user;
    const double values[NUMBERS] = {r->ccc,     r->pearson,        r->spearman,
                                    r->mae,     r->rmse,           r->mean_gold,
                                    r->sd_gold, r->mean_predicted, r->sd_predicted};
    memcpy(out, values, sizeof values);
}

static bool of_pairs(void *user, const uint32_t *index, size_t n, double *out) {
    const columns *c = user;
    static double gold[ITEMS * ITEMS], predicted[ITEMS * ITEMS];
    for (size_t i = 0; i < n; i++) {
        gold[i] = c->gold[index[i]];
        predicted[i] = c->predicted[index[i]];
    }
    affect_score_regression r;
    assert_int_equal(affect_score_regression_from(NULL, gold, predicted, n, c->variance, &r),
                     AFFECT_OK);
    of_regression(NULL, &r, out);
    return true;
}

static void numbers_like_the_plain_one(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    static columns c;
    static int32_t unit[ITEMS];
    uint32_t seed = 2;
    for (size_t i = 0; i < ITEMS; i++) { /* far from zero, with ties and gaps */
        double x = normal(&seed);
        c.gold[i] = i % 31 == 0 ? NAN : 1000 + floor(4 * x) / 4;
        c.predicted[i] = i % 37 == 0 ? NAN : 999.8 + floor(3 * (.7 * x + .6 * normal(&seed)));
    }
    for (int several = 0; several < 2; several++) {
        size_t units = several ? lopsided(unit, ITEMS) : singles(unit, ITEMS - 1);
        size_t n = several ? ITEMS : ITEMS - 1;
        c.variance = several ? AFFECT_SCORE_SAMPLE : AFFECT_SCORE_POPULATION;
        affect_score_interval fast[NUMBERS], plain[NUMBERS], again[NUMBERS];
        score_draws draws = {unit, units, ROUNDS, 3, .95};
        assert_int_equal(score_resample_numbers(ctx, &draws, c.gold, c.predicted, n, c.variance,
                                                of_regression, NULL, NUMBERS, fast),
                         AFFECT_OK);
        assert_int_equal(affect_score_bootstrap(ctx, unit, n, units, ROUNDS, 3, .95, of_pairs, &c,
                                                NUMBERS, plain),
                         AFFECT_OK);
        near_each_other(fast, plain, NUMBERS);
        affect_context_set_threads(ctx, several ? 1 : 3);
        assert_int_equal(score_resample_numbers(ctx, &draws, c.gold, c.predicted, n, c.variance,
                                                of_regression, NULL, NUMBERS, again),
                         AFFECT_OK);
        assert_memory_equal(fast, again, sizeof fast);
    }
    affect_context_destroy(ctx);
}

/* Without chance: one unit is drawn whole each time, so both ends are the value itself. */
static void one_unit_is_the_value(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    static columns c;
    static int32_t unit[ITEMS];
    uint32_t seed = 8;
    for (size_t i = 0; i < ITEMS; i++) {
        c.gold[i] = floor(5 * normal(&seed));
        c.predicted[i] = c.gold[i] + floor(3 * normal(&seed));
    }
    double whole[NUMBERS];
    uint32_t index[ITEMS];
    for (uint32_t i = 0; i < ITEMS; i++) index[i] = i;
    assert_true(of_pairs(&c, index, ITEMS, whole));
    affect_score_interval found[NUMBERS];
    score_draws draws = {unit, 1, 10, 1, .95};
    assert_int_equal(score_resample_numbers(ctx, &draws, c.gold, c.predicted, ITEMS, c.variance,
                                            of_regression, NULL, NUMBERS, found),
                     AFFECT_OK);
    for (size_t v = 0; v < NUMBERS; v++) {
        assert_near(found[v].low, whole[v], 1e-12 * (1 + fabs(whole[v])));
        assert_near(found[v].high, whole[v], 1e-12 * (1 + fabs(whole[v])));
    }
    /* A constant has no correlation; no pair at all has nothing. */
    for (size_t i = 0; i < ITEMS; i++) c.predicted[i] = .1;
    assert_int_equal(score_resample_numbers(ctx, &draws, c.gold, c.predicted, ITEMS, c.variance,
                                            of_regression, NULL, NUMBERS, found),
                     AFFECT_OK);
    assert_true(isnan(found[1].low) && isnan(found[2].low) && found[0].low == 0 &&
                found[8].low == 0);
    for (size_t i = 0; i < ITEMS; i++) c.predicted[i] = NAN;
    assert_int_equal(score_resample_numbers(ctx, &draws, c.gold, c.predicted, ITEMS, c.variance,
                                            of_regression, NULL, NUMBERS, found),
                     AFFECT_OK);
    assert_true(isnan(found[0].low) && isnan(found[3].high));
    affect_context_destroy(ctx);
}

static void says_what_is_wrong(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    const int32_t unit[] = {0, 2}, label[] = {0, 1};
    const double number[] = {0, 1};
    affect_score_interval out[NUMBERS];
    score_draws draws = {unit, 2, 100, 1, .95};
    assert_int_equal(
        score_resample_classes(ctx, &draws, label, label, 2, 2, of_table, NULL, VALUES, out),
        AFFECT_ERROR_ARGUMENT);
    assert_int_equal(score_resample_numbers(ctx, &draws, number, number, 2, AFFECT_SCORE_POPULATION,
                                            of_regression, NULL, NUMBERS, out),
                     AFFECT_ERROR_ARGUMENT);
    draws.units = 3; /* more than items */
    assert_int_equal(
        score_resample_classes(ctx, &draws, label, label, 2, 2, of_table, NULL, VALUES, out),
        AFFECT_ERROR_LIMIT);
    const int32_t good[] = {0, 1};
    draws = (score_draws){good, 2, 9, 1, .95}; /* too few rounds for an interval */
    assert_int_equal(
        score_resample_classes(ctx, &draws, label, label, 2, 2, of_table, NULL, VALUES, out),
        AFFECT_OK);
    assert_true(isnan(out[0].low) && isnan(out[0].high));
    draws.rounds = 10;
    assert_int_equal(
        score_resample_classes(ctx, &draws, label, label, 0, 2, of_table, NULL, VALUES, out),
        AFFECT_OK); /* nothing */
    assert_true(isnan(out[0].low));
    affect_context_cancel(ctx);
    assert_int_equal(
        score_resample_classes(ctx, &draws, label, label, 2, 2, of_table, NULL, VALUES, out),
        AFFECT_ERROR_CANCELLED);
    affect_context_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_like_the_plain_one), cmocka_unit_test(counts_are_binomial),
        cmocka_unit_test(numbers_like_the_plain_one), cmocka_unit_test(one_unit_is_the_value),
        cmocka_unit_test(says_what_is_wrong)};
    return cmocka_run_group_tests_name("score/resample", tests, NULL, NULL);
}
