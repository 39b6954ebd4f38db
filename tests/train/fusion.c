/* The fusion network's training: soft targets against a second implementation; a hidden path that two
 * streams show at times of their own is learnt, and each stream alone will do. */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "train/fusion.h"
#include "train/train.h"

/* ---- soft targets ---- */

enum { PIECES = 4, STEPS = 5, WIDTH = 2 };

static double least_soft(double a, double b, double c, double gamma) {
    double least = fmin(a, fmin(b, c));
    if (isinf(least)) return least;
    return least - gamma * log(exp((least - a) / gamma) + exp((least - b) / gamma) +
                               exp((least - c) / gamma));
}

static double soft_dtw(const double *a, const double *b, double gamma) {
    double r[STEPS + 1][STEPS + 1];
    for (int i = 0; i <= STEPS; i++)
        for (int j = 0; j <= STEPS; j++) r[i][j] = i || j ? INFINITY : 0;
    for (int i = 1; i <= STEPS; i++)
        for (int j = 1; j <= STEPS; j++) {
            double far = 0;
            for (int k = 0; k < WIDTH; k++)
                far += pow(a[(i - 1) * WIDTH + k] - b[(j - 1) * WIDTH + k], 2);
            r[i][j] = far + least_soft(r[i - 1][j - 1], r[i - 1][j], r[i][j - 1], gamma);
        }
    return r[STEPS][STEPS];
}

static void soft_targets_follow_the_distance_of_trajectories(void **state) {
    (void)state;
    affect_context *ctx = NULL;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    double x[PIECES][STEPS * WIDTH], far[PIECES][PIECES], mean = 0, out[PIECES * PIECES];
    train_dice dice = {3, 0};
    for (int i = 0; i < PIECES; i++)
        for (int k = 0; k < STEPS * WIDTH; k++) x[i][k] = train_spread(&dice, 1);
    for (int i = 0; i < PIECES; i++)
        for (int j = 0; j < PIECES; j++) {
            far[i][j] = fmax(0, soft_dtw(x[i], x[j], .1) -
                                    .5 * (soft_dtw(x[i], x[i], .1) + soft_dtw(x[j], x[j], .1)));
            if (i < j) mean += far[i][j] / (PIECES * (PIECES - 1) / 2.);
        }
    assert_int_equal(train_soft_targets(ctx, x[0], PIECES, STEPS, WIDTH, 2, out), AFFECT_OK);
    for (int i = 0; i < PIECES; i++)
        for (int j = 0; j < PIECES; j++) {
            /* 2 a sigma(-tau d / mean) with a = 1/2 */
            double expected = i == j ? 1 : 1 / (1 + exp(2 * far[i][j] / mean));
            assert_float_equal(out[i * PIECES + j], expected, 1e-9);
        }
    affect_context_destroy(ctx);
}

/* ---- a hidden path ---- */

static double path(const double *wave, double t) {
    return .6 * sin(wave[0] * t + wave[1]) + .4 * sin(wave[2] * t + wave[3]);
}

/* Sequences of 30 references a second apart; stream 0: the path and noise at some 45 irregular times;
 * stream 1: its negative, less noisy, at 20. */
static train_sequences *make_set(affect_context *ctx, size_t count) {
    static const size_t inputs[2] = {2, 1};
    train_sequences *set = NULL;
    train_dice dice = {11, 0};
    assert_int_equal(train_sequences_create(ctx, 2, inputs, 2, 1, &set), AFFECT_OK);
    for (size_t i = 0; i < count; i++) {
        const size_t rows[2] = {45, 20};
        train_sequence *s = NULL;
        const double wave[4] = {.2 + .3 * train_roll(&dice), 6 * train_roll(&dice),
                                .5 + .4 * train_roll(&dice), 6 * train_roll(&dice)};
        assert_int_equal(train_sequences_add(set, "s", "g", 30, rows, &s), AFFECT_OK);
        for (size_t r = 0; r < 30; r++) {
            double y = path(wave, (double)r);
            s->times[r] = (float)r;
            s->values[r] = (float)y;
            s->classes[2 * r + (y > 0)] = 1;
        }
        for (size_t m = 0; m < 2; m++)
            for (size_t r = 0; r < rows[m]; r++) {
                double t = 30 * ((double)r + train_roll(&dice)) / (double)rows[m];
                s->row_times[m][r] = (float)t;
                if (m == 0) {
                    s->row_values[0][2 * r] = (float)(path(wave, t) + train_spread(&dice, .6));
                    s->row_values[0][2 * r + 1] = (float)train_spread(&dice, 1);
                } else {
                    s->row_values[1][r] = (float)(-path(wave, t) + train_spread(&dice, .3));
                }
            }
    }
    return set;
}

static train_fusion_options options_for(const train_sequences *set) {
    train_fusion_options o = train_fusion_default(set);
    o.net.width = 16;
    o.net.path = 8;
    o.net.context = 4;
    o.net.dropout = .1;
    o.net.reach = 3;
    o.epochs = 12;
    o.patience = 0;
    o.rate = 1e-2;
    o.frames = 8;
    o.seed = 5;
    return o;
}

static double concordance(const train_sequences *set, const uint32_t *index, size_t n,
                          const float *rows) {
    double c[6] = {0};
    for (size_t i = 0, at = 0; i < n; i++)
        for (size_t r = 0; r < set->items[index[i]].references; r++, at++) {
            double x = (double)rows[3 * at + 2], y = (double)set->items[index[i]].values[r];
            const double by[6] = {1, x, y, x * x, y * y, x * y};
            for (int k = 0; k < 6; k++) c[k] += by[k];
        }
    double mx = c[1] / c[0], my = c[2] / c[0];
    return 2 * (c[5] / c[0] - mx * my) /
           (c[3] / c[0] - mx * mx + c[4] / c[0] - my * my + (mx - my) * (mx - my));
}

static void a_path_is_learnt_from_streams_at_their_own_times(void **state) {
    (void)state;
    enum { ALL = 32, TRAIN = 22, VALID = 4, TEST = ALL - TRAIN - VALID };
    affect_context *ctx = NULL;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    train_sequences *set = make_set(ctx, ALL);
    uint32_t index[ALL];
    for (uint32_t i = 0; i < ALL; i++) index[i] = i;
    train_fusion_options o = options_for(set);
    train_fusion_fit fit;
    assert_int_equal(train_fusion_run(ctx, set, index, TRAIN, index + TRAIN, VALID, &o, &fit),
                     AFFECT_OK);
    const uint32_t *test = index + TRAIN + VALID;
    train_view view = {.set = set, .index = test, .n = TEST};
    static float rows[3 * 30 * TEST], again[3 * 30 * TEST];
    assert_int_equal(train_fusion_predict(ctx, fit.net, &view, rows), AFFECT_OK);
    double both = concordance(set, test, TEST, rows), alone[2];
    for (size_t m = 0; m < 2; m++) { /* the other stream is not there */
        size_t keep[TEST];
        for (size_t i = 0; i < TEST; i++) {
            keep[i] = set->items[test[i]].rows[1 - m];
            set->items[test[i]].rows[1 - m] = 0;
        }
        assert_int_equal(train_fusion_predict(ctx, fit.net, &view, again), AFFECT_OK);
        alone[m] = concordance(set, test, TEST, again);
        for (size_t i = 0; i < TEST; i++) set->items[test[i]].rows[1 - m] = keep[i];
    }
    if (!(both > .85 && alone[0] > .6 && alone[1] > .6))
        fail_msg("concordance %.3f with both streams, %.3f and %.3f with one", both, alone[0],
                 alone[1]);
    /* the same once more: the same bits; and one sequence by itself is what it is among others */
    train_fusion_fit second;
    assert_int_equal(train_fusion_run(ctx, set, index, TRAIN, index + TRAIN, VALID, &o, &second),
                     AFFECT_OK);
    assert_int_equal(train_fusion_predict(ctx, second.net, &view, again), AFFECT_OK);
    assert_memory_equal(rows, again, sizeof rows);
    view = (train_view){.set = set, .index = test + 2, .n = 1};
    assert_int_equal(train_fusion_predict(ctx, second.net, &view, again), AFFECT_OK);
    for (size_t k = 0; k < 3 * 30; k++) assert_float_equal(again[k], rows[2 * 3 * 30 + k], 1e-5);
    nn_fusion_destroy(fit.net);
    nn_fusion_destroy(second.net);
    train_sequences_destroy(set);
    affect_context_destroy(ctx);
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    affect_context *ctx = NULL;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    train_sequences *set = make_set(ctx, 2);
    train_fusion_options o = options_for(set);
    train_fusion_fit fit;
    const uint32_t index[2] = {0, 1};
    assert_int_equal(train_fusion_run(ctx, set, index, 0, index, 1, &o, &fit),
                     AFFECT_ERROR_ARGUMENT);
    o.net.heads = 3; /* does not divide the width */
    assert_int_equal(train_fusion_run(ctx, set, index, 1, index + 1, 1, &o, &fit),
                     AFFECT_ERROR_ARGUMENT);
    assert_non_null(strstr(affect_context_message(ctx), "3 heads"));
    train_sequences_destroy(set);
    affect_context_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(soft_targets_follow_the_distance_of_trajectories),
        cmocka_unit_test(a_path_is_learnt_from_streams_at_their_own_times),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
