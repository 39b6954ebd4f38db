/* Pauses: the gaps of a quarter of a second to three seconds between stretches of speech, as long as they are strong. */
#include <math.h>
#include <string.h>

#include "tests/test.h"
#include "voice/events.h"

static void gaps_between_speech_are_pauses(void **state) {
    (void)state;
    affect_context *ctx;
    affect_timeline *t;
    affect_tier *speech;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
    assert_int_equal(timeline_tier(ctx, t, "speech", AFFECT_MODALITY_VOICE, &speech), AFFECT_OK);
    /* Gaps in ms: 249, 250, 1000, 3000, 3001, 2500. */
    static const struct {
        int from, to;
        float score;
    } spoken[] = {{100, 1000, .9f},   {1249, 2000, .8f},   {2250, 3000, .6f},   {4000, 5000, .7f},
                  {8000, 9000, .95f}, {12001, 13000, .5f}, {15500, 16000, .75f}};
    for (size_t i = 0; i < BASE_COUNT(spoken); i++)
        assert_int_equal(tier_append(ctx, speech,
                                     &(affect_interval){.t0 = spoken[i].from * AFFECT_MILLISECOND,
                                                        .t1 = spoken[i].to * AFFECT_MILLISECOND,
                                                        .label = "",
                                                        .score = spoken[i].score}),
                         AFFECT_OK);
    static const struct {
        int from, to;
        double strength, confidence;
    } want[] = {
        {2000, 2250, .125, .6}, {3000, 4000, .5, .6}, {5000, 8000, 1, .7}, {13000, 15500, 1, .5}};
    assert_int_equal(voice_events_pauses(ctx, t, speech, 0), AFFECT_OK);
    assert_int_equal(t->event_count, BASE_COUNT(want));
    for (size_t i = 0; i < BASE_COUNT(want); i++) {
        const affect_event *e = &t->events[i];
        assert_string_equal(e->kind, "pause");
        assert_int_equal(e->modality, AFFECT_MODALITY_VOICE);
        assert_int_equal(e->onset, want[i].from * AFFECT_MILLISECOND);
        assert_int_equal(e->offset, want[i].to * AFFECT_MILLISECOND);
        assert_int_equal(e->apex, (want[i].from + want[i].to) * AFFECT_MILLISECOND / 2);
        assert_true(fabs((double)e->strength - want[i].strength) < 1e-6 &&
                    fabs((double)e->confidence - want[i].confidence) < 1e-6);
    }
    /* From a stretch on: the gap before it counts, those before that are not told again. */
    assert_int_equal(voice_events_pauses(ctx, t, speech, 6), AFFECT_OK);
    assert_int_equal(t->event_count, BASE_COUNT(want) + 1);
    assert_int_equal(t->events[BASE_COUNT(want)].onset, 13000 * AFFECT_MILLISECOND);
    affect_timeline_destroy(t);
    affect_context_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(gaps_between_speech_are_pauses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
