#include "tests/test.h"

#include <string.h>

#include "align/speaking.h"

static affect_context *ctx;
static align_rule rule;
static affect_timeline *timeline;
static affect_tier *speaking, *speakers;

static int setup(void **state) {
    (void)state;
    rule = align_rule_default();
    if (affect_context_create(&ctx) != AFFECT_OK || timeline_create(ctx, &timeline) != AFFECT_OK)
        return 1;
    return timeline_tier(ctx, timeline, "speaking", AFFECT_MODALITY_NONE, &speaking) != AFFECT_OK ||
           timeline_tier(ctx, timeline, "speakers", AFFECT_MODALITY_VOICE, &speakers) != AFFECT_OK;
}
static int teardown(void **state) {
    (void)state;
    affect_timeline_destroy(timeline);
    affect_context_destroy(ctx);
    return 0;
}

static void say(double t0_s, double t1_s, int person, double score) {
    affect_interval in = {.t0 = time_from_seconds(t0_s),
                          .t1 = time_from_seconds(t1_s),
                          .label = "",
                          .person = person,
                          .score = (float)score};
    assert_int_equal(tier_append(ctx, speaking, &in), AFFECT_OK);
}

static void hear(double t0_s, double t1_s, const char *label) {
    affect_interval in = {
        .t0 = time_from_seconds(t0_s), .t1 = time_from_seconds(t1_s), .label = label};
    assert_int_equal(tier_append(ctx, speakers, &in), AFFECT_OK);
}

static bool settle(bool faces, affect_time offset) {
    bool revised = false;
    assert_int_equal(align_settle(ctx, &rule, speaking, speakers, faces, offset, &revised),
                     AFFECT_OK);
    return revised;
}

static int person(size_t i) { return speaking->items[i].person; }

static void a_voice_without_a_face_is_a_person(void **state) {
    (void)state;
    say(0, 4, 1, 1);
    say(5, 9, AFFECT_PERSON_NONE, .9);
    say(10, 11, AFFECT_PERSON_NONE, .9);
    say(12, 13, 1, .5); /* lips were hardly sure, and the voice is the other's */
    hear(.2, 4.2, "S1");
    hear(5.2, 13.2, "S2");
    assert_true(settle(true, 200 * AFFECT_MILLISECOND));
    int absent = ALIGN_VOICE_FIRST + 2;
    assert_int_equal(person(0), 1);
    assert_int_equal(person(1), absent);
    assert_int_equal(person(2), absent);
    assert_int_equal(person(3), absent);
    assert_false(settle(true, 200 * AFFECT_MILLISECOND)); /* that is all */
}

static void a_voice_that_lips_gave_to_a_face_stays_with_it(void **state) {
    (void)state;
    say(0, 4, 2, .95);
    say(4, 8, 2, .95);
    say(8, 9, AFFECT_PERSON_NONE, .8); /* the camera shows somebody else */
    say(10, 14, 1, .9);
    hear(0, 9, "S1");
    hear(10, 14, "S2");
    assert_true(settle(true, 0));
    assert_int_equal(person(0), 2);
    assert_int_equal(person(2), 2);
    assert_int_equal(person(3), 1);
}

static void what_is_short_or_unsure_stays_nobodys(void **state) {
    (void)state;
    say(0, 2, AFFECT_PERSON_NONE, .9);
    say(3, 9, AFFECT_PERSON_NONE, .4);
    say(10, 12, 1, .9);
    say(12, 14, 2, .9); /* two faces, one voice: it cannot be told whose it is */
    say(15, 16, AFFECT_PERSON_NONE, .9);
    hear(0, 2, "S1");
    hear(3, 9, "S2");
    hear(10, 16, "S3");
    assert_false(settle(true, 0));
    for (size_t i = 0; i < 5; i++)
        if (i < 2 || i == 4) assert_int_equal(person(i), AFFECT_PERSON_NONE);
}

static void without_faces_each_voice_is_a_person(void **state) {
    (void)state;
    say(0, 4, 1, 1);
    say(5, 9, 1, 1);
    say(10, 14, 1, 1);
    hear(0, 4, "S1");
    hear(5, 9, "S2");
    hear(10, 14, "S1");
    assert_true(settle(false, 0));
    assert_int_equal(person(0), 1);
    assert_int_equal(person(1), ALIGN_VOICE_FIRST + 2);
    assert_int_equal(person(2), 1);
}

static void voices_get_the_lowest_free_numbers_at_the_end(void **state) {
    (void)state;
    affect_track *track;
    say(0, 4, 1, 1);
    say(5, 9, ALIGN_VOICE_FIRST + 7, 1);
    say(9, 12, ALIGN_VOICE_FIRST + 2, 1);
    assert_int_equal(timeline_add_role(ctx, timeline, TRACK_ROLE_BOX, AFFECT_MODALITY_FACE, 3, "",
                                       NULL, 0, &track),
                     AFFECT_OK);
    assert_int_equal(timeline_add_role(ctx, timeline, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED,
                                       ALIGN_VOICE_FIRST + 7, "", NULL, 0, &track),
                     AFFECT_OK);
    assert_int_equal(align_speakers_apply(ctx, timeline), AFFECT_OK);
    assert_int_equal(person(0), 1);
    assert_int_equal(person(1), 5);
    assert_int_equal(person(2), 4);
    assert_int_equal(track->person, 5);
    assert_string_equal(track->id, "trajectory/5");
    assert_ptr_equal(affect_timeline_find_track(timeline, "trajectory/5"), track);
}

static void every_failed_allocation_is_an_error(void **state) {
    (void)state;
    for (int i = 0; i < 40; i++) say(i, i + .5, i % 3, .9);
    hear(0, 20, "S1");
    hear(20, 40, "S2");
    for (long n = 1;; n++) {
        bool revised = false;
        base_alloc_fail_at(n);
        affect_status status = align_settle(ctx, &rule, speaking, speakers, true, 0, &revised);
        bool failed = base_alloc_count() >= n;
        base_alloc_fail_at(0);
        assert_int_equal(status, failed ? AFFECT_ERROR_MEMORY : AFFECT_OK);
        if (!failed) break;
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_voice_without_a_face_is_a_person),
        TEST(a_voice_that_lips_gave_to_a_face_stays_with_it),
        TEST(what_is_short_or_unsure_stays_nobodys),
        TEST(without_faces_each_voice_is_a_person),
        TEST(voices_get_the_lowest_free_numbers_at_the_end),
        TEST(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
