#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "voice/events.h"

typedef struct fixture {
    affect_timeline *timeline;
    voice_events *events;
    affect_time now;
} fixture;

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    return timeline_create(NULL, &f->timeline) ||
           voice_events_create(NULL, f->timeline, &f->events);
}

static int teardown(void **state) {
    fixture *f = *state;
    voice_events_destroy(f->events);
    affect_timeline_destroy(f->timeline);
    free(f);
    return 0;
}

static void frame(fixture *f, double semitones, double level) {
    float hz = isnan(semitones) ? 0 : (float)(27.5 * exp2(semitones / 12));
    assert_int_equal(voice_events_frame(f->events, f->now, hz, (float)level), AFFECT_OK);
    f->now += 10 * AFFECT_MILLISECOND;
}

static void steady(fixture *f, int frames, double semitones, double level) {
    for (int i = 0; i < frames; i++) frame(f, semitones, level);
}

static size_t count(const fixture *f, const char *kind) {
    size_t n = 0;
    for (size_t i = 0; i < f->timeline->event_count; i++)
        n += strcmp(f->timeline->events[i].kind, kind) == 0;
    return n;
}

static void a_rise_and_a_fall_are_found_where_they_are(void **state) {
    fixture *f = *state;
    steady(f, 50, 24, 60);
    for (int i = 0; i < 30; i++) frame(f, 24 + i * 0.2, 60); /* 0.5 s .. 0.8 s: 6 semitones up */
    steady(f, 40, 30, 60);
    for (int i = 0; i < 30; i++) frame(f, 30 - i * 0.2, 60); /* 1.2 s .. 1.5 s: down again */
    steady(f, 40, 24, 60);
    steady(f, 20, NAN, 20);
    assert_int_equal(count(f, "pitch_rise"), 1);
    assert_int_equal(count(f, "pitch_fall"), 1);
    const affect_event *rise = &f->timeline->events[0];
    assert_in_range(rise->onset / AFFECT_MILLISECOND, 450, 530);
    assert_in_range(rise->apex / AFFECT_MILLISECOND, 780, 840);
    assert_true(fabs((double)rise->strength - 6.0 / 12) < 0.05);
}

static void small_movements_and_octave_flips_are_not_events(void **state) {
    fixture *f = *state;
    for (int i = 0; i < 300; i++) frame(f, 24 + sin(i * 0.05), 60);
    frame(f, 36, 60); /* one frame an octave off */
    steady(f, 50, 24, 60);
    steady(f, 50, NAN, 20);
    for (int i = 0; i < 100; i++) frame(f, i < 50 ? 24 : 36, 60); /* a jump of the tracker */
    steady(f, 50, NAN, 20);
    assert_int_equal(count(f, "pitch_rise") + count(f, "pitch_fall"), 0);
}

static void a_loud_high_syllable_is_emphasis(void **state) {
    fixture *f = *state;
    for (int syllable = 0; syllable < 20; syllable++) {
        bool strong = syllable == 15;
        for (int i = 0; i < 20; i++) {
            double bump = sin(3.14159 * i / 20);
            frame(f, 24 + (strong ? 4 * bump : 0.3 * (syllable % 3)),
                  50 + (strong ? 18 : 8) * bump);
        }
        steady(f, 12, NAN, 30);
    }
    assert_int_equal(voice_events_finish(f->events), AFFECT_OK);
    assert_int_equal(voice_events_nuclei(f->events), 20);
    assert_int_equal(count(f, "emphasis"), 1);
    const affect_event *e = NULL;
    for (size_t i = 0; i < f->timeline->event_count; i++)
        if (!strcmp(f->timeline->events[i].kind, "emphasis")) e = &f->timeline->events[i];
    assert_in_range(e->apex / AFFECT_MILLISECOND, 15 * 320 + 60, 15 * 320 + 140);
}

static void a_shift_in_time_shifts_every_event_and_changes_nothing_else(void **state) {
    fixture *f = *state, *g;
    assert_int_equal(setup((void **)&g), 0);
    g->now = 1234567 * AFFECT_MILLISECOND;
    unsigned seed = 7;
    for (int i = 0; i < 5000; i++) {
        seed = seed * 1664525U + 1013904223U;
        double pitch = i % 90 < 60 ? 24 + 5 * sin(i * 0.07) + (seed >> 24) / 256.0 : NAN;
        frame(f, pitch, 50 + 10 * sin(i * 0.2));
        frame(g, pitch, 50 + 10 * sin(i * 0.2));
    }
    assert_true(f->timeline->event_count > 10);
    assert_int_equal(f->timeline->event_count, g->timeline->event_count);
    for (size_t i = 0; i < f->timeline->event_count; i++) {
        affect_event a = f->timeline->events[i], b = g->timeline->events[i];
        assert_true(b.onset - a.onset == 1234567 * AFFECT_MILLISECOND);
        assert_true(b.offset - a.offset == 1234567 * AFFECT_MILLISECOND);
        assert_string_equal(a.kind, b.kind);
        assert_true(a.strength == b.strength);
    }
    teardown((void **)&g);
}

static void pauses_lie_between_speech(void **state) {
    fixture *f = *state;
    affect_tier *speech;
    assert_int_equal(timeline_tier(NULL, f->timeline, "speech", AFFECT_MODALITY_VOICE, &speech), 0);
    affect_time at[][2] = {{0, 1000}, {1100, 2000}, {2600, 3000}, {9000, 9500}};
    for (size_t i = 0; i < BASE_COUNT(at); i++)
        assert_int_equal(tier_append(NULL, speech,
                                     &(affect_interval){.t0 = at[i][0] * AFFECT_MILLISECOND,
                                                        .t1 = at[i][1] * AFFECT_MILLISECOND,
                                                        .label = "speech",
                                                        .score = 0.9F}),
                         AFFECT_OK);
    assert_int_equal(voice_events_pauses(NULL, f->timeline, speech, 0), AFFECT_OK);
    assert_int_equal(count(f, "pause"), 1); /* 100 ms is too short, 6 s is no pause within speech */
    assert_true(f->timeline->events[0].onset == 2000 * AFFECT_MILLISECOND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rise_and_a_fall_are_found_where_they_are, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(small_movements_and_octave_flips_are_not_events, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_loud_high_syllable_is_emphasis, setup, teardown),
        cmocka_unit_test_setup_teardown(a_shift_in_time_shifts_every_event_and_changes_nothing_else,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(pauses_lie_between_speech, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
