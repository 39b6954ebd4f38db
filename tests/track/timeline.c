#include "tests/test.h"

#include <math.h>

#include "track/track.h"

static void ticks_are_exact_where_doubles_are_not(void **state) {
    (void)state;
    assert_true(time_from_ticks(1, 1, 3) == 333333333);
    assert_true(time_from_ticks(2, 1, 3) == 666666667);
    assert_true(time_from_ticks(-1, 1, 3) == -333333333);
    assert_true(time_from_ticks(INT64_C(90000) * 86400 * 365, 1, 90000) ==
                AFFECT_SECOND * 86400 * 365);
    assert_true(time_from_ticks(INT64_C(30000001001), 1001, 30000) ==
                INT64_C(1001000033400033333)); /* 30000001001 * 1001 / 30000 s */
    assert_true(time_from_ticks(INT64_MAX, 1000, 1) == INT64_MAX);
    assert_true(time_from_ticks(5, 1, 0) == AFFECT_TIME_NONE);
}

static void text_has_three_decimals(void **state) {
    (void)state;
    char text[TIME_TEXT_SIZE];
    assert_string_equal(time_to_text(1234500000, text), "1.235");
    assert_string_equal(time_to_text(-1 * AFFECT_MILLISECOND, text), "-0.001");
    assert_string_equal(time_to_text(0, text), "0.000");
    assert_string_equal(time_to_clock(INT64_C(3723004) * AFFECT_MILLISECOND, text), "01:02:03.004");
}

static affect_status build(affect_timeline **out) {
    const char *channels[] = {"valence", "arousal"};
    affect_track *track;
    affect_tier *tier;
    affect_status status = timeline_create(NULL, out);
    if (status) return status;
    status =
        timeline_add_track(NULL, *out, "b", AFFECT_MODALITY_FACE, 1, NULL, channels, 2, &track);
    for (int i = 0; !status && i < 100; i++)
        status = track_append(NULL, track, i * AFFECT_SECOND, 2.0F, (float[]){(float)i, INFINITY});
    if (!status)
        status =
            timeline_add_track(NULL, *out, "a", AFFECT_MODALITY_VOICE, 0, "m", channels, 2, &track);
    if (!status) status = timeline_tier(NULL, *out, "words", AFFECT_MODALITY_WORDS, &tier);
    for (int i = 10; !status && i-- > 0;)
        status = tier_append(
            NULL, tier,
            &(affect_interval){.t0 = i, .t1 = i + 1, .label = "w\xff", .attributes = "{}"});
    if (!status)
        status = timeline_add_event(NULL, *out, &(affect_event){.kind = "smile", .offset = 3});
    if (!status) status = timeline_warn(NULL, *out, 1, 2, "nothing from %d", 1);
    if (!status) status = timeline_set_property(NULL, *out, "input", "x");
    if (!status) status = timeline_set_property(NULL, *out, "input", "y");
    if (!status) timeline_sort(*out);
    return status;
}

static void a_timeline_is_ordered_and_clean(void **state) {
    (void)state;
    affect_timeline *timeline;
    assert_int_equal(build(&timeline), AFFECT_OK);
    assert_string_equal(affect_track_id(affect_timeline_track(timeline, 0)), "a");
    const affect_track *b = affect_timeline_find_track(timeline, "b");
    assert_int_equal(affect_track_rows(b), 100);
    assert_true(affect_track_confidence(b, 5) == 1);
    assert_true(isnan(affect_track_row(b, 5)[1]));
    const affect_tier *words = affect_timeline_find_tier(timeline, "words");
    assert_int_equal(affect_tier_interval(words, 0).t0, 0);
    assert_string_equal(affect_tier_interval(words, 0).label, "w\xef\xbf\xbd");
    assert_string_equal(timeline_property_get(timeline, "input"), "y");
    assert_string_equal(affect_timeline_warning(timeline, 0).label, "nothing from 1");
    affect_track *track = timeline->tracks[1];
    assert_int_equal(track_append(NULL, track, 0, 1, (float[]){0, 0}), AFFECT_ERROR_ARGUMENT);
    affect_timeline_destroy(timeline);
}

static void every_failed_allocation_is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    for (long n = 1;; n++) {
        affect_timeline *timeline = NULL;
        base_alloc_fail_at(n);
        affect_status status = build(&timeline);
        bool failed = base_alloc_count() >= n;
        base_alloc_fail_at(0);
        affect_timeline_destroy(timeline);
        if (!failed) {
            assert_int_equal(status, AFFECT_OK);
            break;
        }
        assert_int_equal(status, AFFECT_ERROR_MEMORY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_exact_where_doubles_are_not),
        cmocka_unit_test(text_has_three_decimals),
        cmocka_unit_test(a_timeline_is_ordered_and_clean),
        cmocka_unit_test(every_failed_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
