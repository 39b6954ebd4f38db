#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "voice/turns.h"

enum { D = 128 };

static unsigned seed;
static float noise(void) { /* sum of uniforms: near enough to normal */
    float sum = 0;
    for (int i = 0; i < 6; i++) {
        seed = seed * 1664525U + 1013904223U;
        sum += (float)(seed >> 8) / (float)(1 << 24) - 0.5F;
    }
    return sum;
}

static void vector_of(int speaker, float spread, float out[D]) {
    seed = 1000U + (unsigned)speaker;
    for (int i = 0; i < D; i++) out[i] = noise();
    seed = 77777U * (unsigned)(spread * 1000) + (unsigned)speaker;
    for (int i = 0; i < D; i++) out[i] += spread * noise();
}

static void speakers_are_told_apart_and_named_in_order_of_appearance(void **state) {
    (void)state;
    affect_timeline *timeline;
    voice_turns *turns;
    assert_int_equal(timeline_create(NULL, &timeline), AFFECT_OK);
    assert_int_equal(voice_turns_create(NULL, timeline, &turns), AFFECT_OK);
    int order[] = {2, 0, 2, 1, 0, 1, 2};
    float v[D];
    for (size_t i = 0; i < BASE_COUNT(order); i++) {
        vector_of(order[i], 0.5F + 0.05F * (float)i, v);
        assert_int_equal(voice_turns_add(turns, (affect_time)i * 4 * AFFECT_SECOND,
                                         ((affect_time)i * 4 + 3) * AFFECT_SECOND, v, D, 3),
                         AFFECT_OK);
    }
    /* A short word without a vector right after the last turn belongs to it. */
    assert_int_equal(voice_turns_add(turns, 28 * AFFECT_SECOND, 29 * AFFECT_SECOND, NULL, 0, 0.3),
                     AFFECT_OK);
    assert_int_equal(voice_turns_finish(turns), AFFECT_OK);
    const affect_tier *tier = affect_timeline_find_tier(timeline, "speakers");
    const char *expected[] = {"S1", "S2", "S1", "S3", "S2", "S3", "S1", "S1"};
    assert_int_equal(affect_tier_count(tier), BASE_COUNT(expected));
    for (size_t i = 0; i < BASE_COUNT(expected); i++)
        assert_string_equal(affect_tier_interval(tier, i)->label, expected[i]);
    voice_turns_destroy(turns);
    affect_timeline_destroy(timeline);
}

static void neighbouring_turns_of_one_speaker_become_one(void **state) {
    (void)state;
    affect_timeline *timeline;
    voice_turns *turns;
    assert_int_equal(timeline_create(NULL, &timeline), AFFECT_OK);
    assert_int_equal(voice_turns_create(NULL, timeline, &turns), AFFECT_OK);
    float v[D];
    for (affect_time i = 0; i < 3; i++) {
        vector_of(1, 0.3F + 0.1F * (float)i, v);
        assert_int_equal(voice_turns_add(turns, i * AFFECT_SECOND,
                                         i * AFFECT_SECOND + 900 * AFFECT_MILLISECOND, v, D, 2),
                         AFFECT_OK);
    }
    float other[D / 2] = {1};
    assert_int_equal(voice_turns_add(turns, 0, 1, other, D / 2, 2), AFFECT_ERROR_SHAPE);
    assert_int_equal(voice_turns_finish(turns), AFFECT_OK);
    assert_int_equal(affect_tier_count(affect_timeline_find_tier(timeline, "speakers")), 1);
    voice_turns_destroy(turns);
    affect_timeline_destroy(timeline);
}

static void every_failed_allocation_is_an_error(void **state) {
    (void)state;
    for (long n = 1;; n++) {
        affect_timeline *timeline;
        voice_turns *turns = NULL;
        assert_int_equal(timeline_create(NULL, &timeline), AFFECT_OK);
        base_alloc_fail_at(n);
        affect_status status = voice_turns_create(NULL, timeline, &turns);
        for (int i = 0; i < 12 && !status; i++) {
            float v[D];
            vector_of(i, 0.5F, v);
            status = voice_turns_add(turns, i * AFFECT_SECOND, (i + 1) * AFFECT_SECOND, v, D, 3);
        }
        if (!status) status = voice_turns_finish(turns);
        bool failed = base_alloc_count() >= n;
        base_alloc_fail_at(0);
        voice_turns_destroy(turns);
        affect_timeline_destroy(timeline);
        assert_int_equal(status, failed ? AFFECT_ERROR_MEMORY : AFFECT_OK);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speakers_are_told_apart_and_named_in_order_of_appearance),
        cmocka_unit_test(neighbouring_turns_of_one_speaker_become_one),
        cmocka_unit_test(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
