/* Events from made-up moments: a smile, a brow, a blink, a micro-expression, and what is none. */
#include <math.h>

#include "face/face_private.h"
#include "tests/test.h"

static affect_context *ctx;

static int set_up(void **state) {
    (void)state;
    return affect_context_create(&ctx) != AFFECT_OK;
}

static int tear_down(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

/* 1 at `middle`, 0 beyond half the width: a raised cosine. */
static float bump(double t, double middle, double width) {
    double x = (t - middle) / width;
    return fabs(x) >= 0.5 ? 0 : (float)(0.5 + 0.5 * cos(2 * 3.14159265358979323846 * x));
}

/* Six seconds at `fps` of a face that does what `act` says. */
static affect_timeline *play(double fps, void (*act)(double t, face_moment *m)) {
    affect_timeline *t;
    face_events *e;
    assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
    assert_int_equal(face_events_create(ctx, t, 1, "m", &e), AFFECT_OK);
    uint32_t seed = 1;
    for (int k = 0; k < (int)(6 * fps); k++) {
        double s = k / fps;
        face_moment m = {.time = time_from_seconds(s), .confidence = 1, .eye_open = 0.35f};
        for (int u = 0; u < FACE_UNITS; u++) {
            seed = seed * 1664525u + 1013904223u;
            m.units[u] = 0.04f * (float)(seed >> 24) / 256;
        }
        act(s, &m);
        assert_int_equal(face_events_push(ctx, e, &m), AFFECT_OK);
    }
    assert_int_equal(face_events_finish(ctx, e), AFFECT_OK);
    face_events_destroy(e);
    return t;
}

static void expect_one(affect_timeline *t, const char *kind, double onset, double apex,
                       double offset) {
    assert_int_equal(affect_timeline_event_count(t), 1);
    affect_event e = *affect_timeline_event(t, 0);
    assert_string_equal(e.kind, kind);
    assert_true(fabs(time_to_seconds(e.onset) - onset) < 0.09);
    assert_true(fabs(time_to_seconds(e.apex) - apex) < 0.06);
    assert_true(fabs(time_to_seconds(e.offset) - offset) < 0.09);
    assert_true(e.strength > 0 && e.strength <= 1 && e.confidence > 0 && e.confidence <= 1);
    affect_timeline_destroy(t);
}

static void act_smile(double t, face_moment *m) { m->units[UNIT_AU12] += 4 * bump(t, 3, 2); }
static void act_brow(double t, face_moment *m) {
    m->units[UNIT_AU01] += 3 * bump(t, 2, 1.2);
    m->units[UNIT_AU02] += 3 * bump(t, 2, 1.2);
}
static void act_blink(double t, face_moment *m) {
    m->eye_open -= 0.12f * bump(t, 3, 0.25);
    m->units[UNIT_AU04] += 1.2f * bump(t, 3, 0.25); /* lids pull the brows */
}
static void act_micro(double t, face_moment *m) { m->units[UNIT_AU04] += 1.4f * bump(t, 3, 0.4); }
static void act_rest(double t, face_moment *m) { (void)t, (void)m; }
static void act_slow_lids(double t, face_moment *m) { m->eye_open -= 0.1f * bump(t, 3, 2.5); }
static void act_talk(double t, face_moment *m) {
    m->mouth_open = 3 * bump(fmod(t, 0.4), 0.2, 0.4);
    m->units[UNIT_AU12] += 1.3f * bump(fmod(t, 0.4), 0.2, 0.4);
}

static void each_kind_is_found_once(void **state) {
    (void)state;
    static const double rates[] = {15, 25, 30, 60};
    for (size_t i = 0; i < BASE_COUNT(rates); i++) {
        expect_one(play(rates[i], act_smile), "smile", 2.3, 3, 3.7);
        expect_one(play(rates[i], act_brow), "brow_raise", 1.6, 2, 2.4);
        if (rates[i] < 20) continue; /* 15 frames a second are too few for what is shorter */
        expect_one(play(rates[i], act_blink), "blink", 2.9, 3, 3.1);
        expect_one(play(rates[i], act_micro), "micro_expression", 2.86, 3, 3.14);
    }
}

static void the_rest_is_nothing(void **state) {
    (void)state;
    void (*const acts[])(double, face_moment *) = {act_rest, act_slow_lids, act_talk};
    for (size_t i = 0; i < BASE_COUNT(acts); i++) {
        affect_timeline *t = play(25, acts[i]);
        assert_int_equal(affect_timeline_event_count(t), 0);
        affect_timeline_destroy(t);
    }
}

static void the_neutral_is_learnt_and_smiles_are_not(void **state) {
    (void)state;
    face_neutral n = {0};
    float d[FACE_MEASURES] = {0}, out[FACE_MEASURES];
    for (int k = 0; k < 25 * 30; k++) { /* half a minute; every sixth second is a smile */
        d[MEASURE_brow_inner_r] = -1.2f;
        d[MEASURE_mouth_width] = k / 25 % 6 == 5 ? 3.5f : 0.4f;
        face_neutral_add(&n, d, 1, 1 / 25.0);
    }
    face_neutral_get(&n, out);
    assert_true(fabsf(out[MEASURE_brow_inner_r] + 1.2f) < 0.15f);
    assert_true(fabsf(out[MEASURE_mouth_width] - 0.4f) < 0.15f);
    face_neutral one = {0}; /* a single picture says nothing about a person's neutral */
    face_neutral_add(&one, d, 1, 0);
    face_neutral_get(&one, out);
    assert_true(fabsf(out[MEASURE_brow_inner_r]) < 1e-6f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_found_once),
        cmocka_unit_test(the_rest_is_nothing),
        cmocka_unit_test(the_neutral_is_learnt_and_smiles_are_not),
    };
    return cmocka_run_group_tests_name("face/events", tests, set_up, tear_down);
}
