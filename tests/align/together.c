/* Lips and voices together, of stretches that are made here. */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "align/together.h"
#include "align/voices.h"

static affect_context *ctx;
static align_voices weights;
static const align_together_rule rule = {
    .lips = 1, .voice = 1, .nobody = 0, .new_voice = .5, .bond = 0};

static int setup(void **state) {
    (void)state;
    for (size_t d = 0; d < ALIGN_VOICE_MEASURES; d++) {
        weights.scale[d] = weights.project[d][d] = 1;
        weights.between[d] = d < 4 ? 4 : .01;
    }
    return affect_context_create(&ctx) != AFFECT_OK;
}
static int teardown(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

/* A voice at +-2 of the first four coordinates. */
static align_stretch sounds(int voice, double noise) {
    align_stretch s = {.heard = true};
    for (int d = 0; d < 4; d++) s.voice[d] = (voice >> d & 1 ? 2 : -2) + noise;
    return s;
}

enum { FACES = 2, WIDTH = FACES + 1 };

static void a_voice_decides_what_lips_cannot(void **state) {
    (void)state;
    /* Face 0 has voice 3, face 1 voice 12; the last two stretches' lips say nothing, or a little of what is wrong. */
    align_stretch s[] = {sounds(3, .1),  sounds(12, 0), sounds(3, -.2),
                         sounds(12, .2), sounds(3, .3), sounds(12, .1)};
    double lips[][FACES] = {{6, -3}, {-3, 6}, {5, -2}, {-2, 5}, {.5, .5}, {1, .5}}, out[6][WIDTH];
    assert_int_equal(align_together(ctx, &rule, &weights, s, 6, FACES, lips[0], out[0]), AFFECT_OK);
    for (int i = 0; i < 6; i++) {
        double sum = 0;
        for (int f = 0; f < WIDTH; f++) sum += out[i][f];
        assert_true(fabs(sum - 1) < 1e-9);
        assert_true(out[i][i % 2] > .9);
    }
    /* By lips alone the last would be face 0's. */
    assert_int_equal(align_together(ctx, &rule, NULL, s, 6, FACES, lips[0], out[0]), AFFECT_OK);
    assert_true(out[5][0] > out[5][1]);
    assert_true(fabs(out[5][0] - exp(1) / (exp(1) + exp(.5) + 1)) < 1e-4);
}

static void a_strange_voice_is_nobodys(void **state) {
    (void)state;
    /* Voice 9 is heard three times, and the lips of some face always happen to fit a little. */
    align_stretch s[] = {sounds(3, .1), sounds(12, 0), sounds(9, -.2), sounds(3, .2),
                         sounds(9, .3), sounds(9, .1), sounds(12, .1)};
    double lips[][FACES] = {{6, -3}, {-3, 6}, {.8, -1}, {5, -2}, {-1, .8}, {.8, .2}, {-2, 5}};
    double out[7][WIDTH];
    static const int truth[] = {0, 1, 2, 0, 2, 2, 1};
    assert_int_equal(align_together(ctx, &rule, &weights, s, 7, FACES, lips[0], out[0]), AFFECT_OK);
    for (int i = 0; i < 7; i++) assert_true(out[i][truth[i]] > .8);
    /* Of what is too short to be described lips alone tell. */
    s[2].heard = false;
    assert_int_equal(align_together(ctx, &rule, &weights, s, 7, FACES, lips[0], out[0]), AFFECT_OK);
    assert_true(out[2][0] > out[2][2]);
}

static void a_short_stretch_goes_on_as_the_one_before(void **state) {
    (void)state;
    align_stretch s[3] = {{.heard = false}, {.bound = true}, {.bound = false}};
    double lips[][FACES] = {{6, -3}, {-.5, .5}, {-.5, .5}}, out[3][WIDTH];
    align_together_rule bound = rule;
    bound.bond = 3;
    assert_int_equal(align_together(ctx, &bound, NULL, s, 3, FACES, lips[0], out[0]), AFFECT_OK);
    assert_true(out[1][0] > .8); /* in the shot */
    assert_true(out[2][1] > out[2][0]);
}

static void many_stretches_and_no_faces(void **state) {
    (void)state;
    enum { MANY = 400 };
    static align_stretch s[MANY];
    static double lips[MANY][FACES], out[MANY][WIDTH], alone[MANY];
    for (int i = 0; i < MANY; i++) {
        s[i] = sounds(i % 2 ? 12 : 3, .01 * (i % 20));
        lips[i][0] = i % 2 ? -1 : 3;
        lips[i][1] = i % 2 ? 3 : -1;
    }
    assert_int_equal(align_together(ctx, &rule, &weights, s, MANY, FACES, lips[0], out[0]),
                     AFFECT_OK);
    for (int i = 0; i < MANY; i++) assert_true(out[i][i % 2] > .9);
    assert_int_equal(align_together(ctx, &rule, &weights, s, MANY, 0, NULL, alone), AFFECT_OK);
    for (int i = 0; i < MANY; i++) assert_true(alone[i] == 1);
    assert_int_equal(align_together(ctx, &rule, &weights, s, 0, FACES, NULL, NULL), AFFECT_OK);
}

static void every_failed_allocation_is_an_error(void **state) {
    (void)state;
    align_stretch s[2] = {sounds(3, 0), sounds(12, 0)};
    double lips[][FACES] = {{6, -3}, {-3, 6}}, out[2][WIDTH];
    for (long n = 1;; n++) {
        base_alloc_fail_at(n);
        affect_status status = align_together(ctx, &rule, &weights, s, 2, FACES, lips[0], out[0]);
        bool failed = base_alloc_count() >= n;
        base_alloc_fail_at(0);
        assert_int_equal(status, failed ? AFFECT_ERROR_MEMORY : AFFECT_OK);
        if (!failed) break;
    }
}

/* ---- how a voice sounds ---- */

static affect_timeline *voice(double level_db, double hz, size_t rows) {
    static const char *const names[] = {
        "f0_hz",  "voicing",       "energy_db",      "loudness", "jitter", "shimmer_db",
        "hnr_db", "spectral_flux", "alpha_ratio_db", "f1_hz",    "f2_hz",  "f3_hz"};
    affect_timeline *t;
    affect_track *prosody;
    assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
    assert_int_equal(timeline_add_role(ctx, t, TRACK_ROLE_PROSODY, AFFECT_MODALITY_VOICE, 0, "",
                                       names, 12, &prosody),
                     AFFECT_OK);
    for (size_t i = 0; i < rows; i++) {
        float x = (float)sin((double)i);
        float row[12] = {(float)hz + 5 * x,
                         .9F,
                         (float)level_db + 3 * x,
                         1 + x,
                         .02F,
                         1,
                         10,
                         .2F,
                         -15,
                         600 + 50 * x,
                         1500,
                         2500};
        if (i % 3 == 0) row[1] = .1F; /* a consonant */
        if (i % 7 == 0) row[0] = NAN;
        assert_int_equal(
            track_append(ctx, prosody, (affect_time)i * 10 * AFFECT_MILLISECOND, 1, row),
            AFFECT_OK);
    }
    return t;
}

static void the_level_of_a_recording_is_not_its_voice(void **state) {
    (void)state;
    double a[ALIGN_VOICE_MEASURES], b[ALIGN_VOICE_MEASURES];
    affect_timeline *soft = voice(-60, 120, 100), *loud = voice(-20, 120, 100);
    const affect_timeline *const views[] = {soft, loud};
    assert_true(align_voice_measure(&(timeline_view){&views[0], 1}, 0, AFFECT_SECOND, a));
    assert_true(align_voice_measure(&(timeline_view){&views[1], 1}, 0, AFFECT_SECOND, b));
    for (size_t i = 0; i < ALIGN_VOICE_MEASURES; i++)
        assert_true(isfinite(a[i]) && fabs(a[i] - b[i]) < 1e-4);
    assert_true(fabs(exp(a[0]) - 120) < 2);
    /* A fifth of a second says nothing. */
    assert_false(align_voice_measure(&(timeline_view){&views[0], 1}, 0, AFFECT_SECOND / 5, a));
    affect_timeline_destroy(soft);
    affect_timeline_destroy(loud);
}

static void the_shipped_weights_tell_high_from_low(void **state) {
    (void)state;
    align_voices *v;
    double x[3][ALIGN_VOICE_MEASURES];
    static const double hz[] = {110, 115, 260};
    assert_int_equal(align_voices_load(ctx, "models/align.voices", &v), AFFECT_OK);
    for (int i = 0; i < 3; i++) {
        affect_timeline *t = voice(-40, hz[i], 200);
        const affect_timeline *const seen = t;
        assert_true(
            align_voice_describe(v, &(timeline_view){&seen, 1}, 0, 2 * AFFECT_SECOND, x[i]));
        affect_timeline_destroy(t);
    }
    double same = align_voice_ratio(v, x[0], 1, x[1]), other = align_voice_ratio(v, x[0], 1, x[2]);
    assert_true(same > 1 && same > other + 1);
    /* It is symmetric. */
    assert_true(fabs(align_voice_ratio(v, x[2], 1, x[0]) - other) < 1e-6);
    align_voices_destroy(v);
    assert_int_equal(align_voices_load(ctx, "models/align.synchrony", &v), AFFECT_ERROR_MODEL);
    assert_null(v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_voice_decides_what_lips_cannot),
        cmocka_unit_test(a_strange_voice_is_nobodys),
        cmocka_unit_test(a_short_stretch_goes_on_as_the_one_before),
        cmocka_unit_test(many_stretches_and_no_faces),
        cmocka_unit_test(every_failed_allocation_is_an_error),
        cmocka_unit_test(the_level_of_a_recording_is_not_its_voice),
        cmocka_unit_test(the_shipped_weights_tell_high_from_low),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
