#include "tests/test.h"

#include <math.h>
#include <string.h>

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
    affect_attributes *attributes = NULL;
    if (!status) status = affect_attributes_create(NULL, &attributes);
    if (!status) status = affect_attributes_set_text(NULL, attributes, "text", "w\xff");
    if (!status)
        status = affect_attributes_set_numbers(NULL, attributes, "list", (double[]){1, 2}, 2);
    if (!status) status = affect_attributes_set_boolean(NULL, attributes, "yes", 1);
    for (int i = 10; !status && i-- > 0;)
        status = tier_append(
            NULL, tier,
            &(affect_interval){
                .t0 = i, .t1 = i + 1, .label = "w\xff", .attributes = attributes, .parent = "u1"});
    affect_attributes_destroy(attributes);
    if (!status)
        status = timeline_add_event(NULL, *out, &(affect_event){.kind = "smile", .offset = 3});
    if (!status) status = timeline_warn(NULL, *out, 1, 2, "nothing from %d", 1);
    if (!status) status = timeline_set_property(NULL, *out, "input", "x");
    if (!status) status = timeline_set_property(NULL, *out, "input", "y");
    if (!status)
        status = timeline_add_link(
            NULL, *out, &(affect_link){.from = "w1", .to = "f1", .kind = AFFECT_LINK_MATCHES});
    if (!status) status = timeline_set_person(NULL, *out, &(affect_person){.id = 2, .name = "Ann"});
    if (!status)
        status = timeline_set_person(
            NULL, *out, &(affect_person){.id = 1, .name = "", .merged_into = 2, .score = .5F});
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
    assert_int_equal(affect_tier_interval(words, 0)->t0, 0);
    assert_string_equal(affect_tier_interval(words, 0)->label, "w\xef\xbf\xbd");
    assert_string_equal(affect_timeline_property(timeline, "input"), "y");
    assert_string_equal(affect_timeline_warning(timeline, 0)->label, "nothing from 1");
    affect_track *track = timeline->tracks[1];
    assert_int_equal(track_append(NULL, track, 0, 1, (float[]){0, 0}), AFFECT_ERROR_ARGUMENT);
    affect_timeline_destroy(timeline);
}

static void ids_stay_with_what_they_name(void **state) {
    (void)state;
    affect_timeline *t, *other;
    assert_int_equal(build(&t), AFFECT_OK);
    /* Appended from the last to the first: sorted, the first was the tenth. */
    const affect_tier *words = affect_timeline_find_tier(t, "words");
    assert_string_equal(affect_tier_interval(words, 0)->id, "w10");
    assert_string_equal(affect_tier_interval(words, 9)->id, "w1");
    assert_string_equal(affect_tier_interval(words, 9)->parent, "u1");
    assert_null(affect_tier_interval(words, 10));
    assert_string_equal(affect_timeline_event(t, 0)->id, "n1");
    assert_string_equal(affect_timeline_warning(t, 0)->id, "");
    /* An id that was given counts for the next one; joining keeps both. */
    assert_int_equal(timeline_create(NULL, &other), AFFECT_OK);
    affect_tier *tier;
    assert_int_equal(timeline_tier(NULL, other, "words", AFFECT_MODALITY_WORDS, &tier), AFFECT_OK);
    assert_int_equal(
        tier_append(NULL, tier, &(affect_interval){.t1 = 1, .label = "x", .id = "w41"}), AFFECT_OK);
    assert_int_equal(tier_append(NULL, tier, &(affect_interval){.t1 = 1, .label = "y"}), AFFECT_OK);
    assert_int_equal(timeline_add_event(NULL, other, &(affect_event){.kind = "nod", .id = "mine"}),
                     AFFECT_OK);
    assert_int_equal(timeline_join(NULL, t, other), AFFECT_OK);
    affect_timeline_destroy(other);
    timeline_sort(t);
    assert_int_equal(timeline_check_ids(NULL, t), AFFECT_OK);
    const affect_tier *where;
    assert_string_equal(affect_timeline_find_interval(t, "w42", &where)->label, "y");
    assert_ptr_equal(where, words);
    assert_null(affect_timeline_find_interval(t, "w43", &where));
    assert_null(where);
    assert_string_equal(affect_timeline_find_event(t, "mine")->kind, "nod");
    assert_int_equal(timeline_add_event(NULL, t, &(affect_event){.kind = "nod", .id = "w42"}),
                     AFFECT_OK);
    assert_int_equal(timeline_check_ids(NULL, t), AFFECT_ERROR_ARGUMENT);
    /* A tier of somebody's own. */
    assert_int_equal(timeline_tier(NULL, t, "gold", AFFECT_MODALITY_NONE, &tier), AFFECT_OK);
    assert_int_equal(tier_append(NULL, tier, &(affect_interval){.t1 = 1}), AFFECT_OK);
    assert_string_equal(affect_tier_interval(tier, 0)->id, "gold/1");
    affect_timeline_destroy(t);
}

static void merges_are_records_that_readers_resolve(void **state) {
    (void)state;
    affect_timeline *t;
    assert_int_equal(build(&t), AFFECT_OK);
    assert_int_equal(affect_timeline_person_count(t), 2);
    assert_int_equal(affect_timeline_resolve_person(t, 1), 2);
    assert_int_equal(affect_timeline_resolve_person(t, 3), 3);
    assert_string_equal(affect_timeline_person_name(t, 1), "Ann");
    assert_string_equal(affect_timeline_person_name(t, 3), "");
    /* 3 is 1, who is 2; then 2 cannot be 3. */
    assert_int_equal(timeline_set_person(NULL, t, &(affect_person){.id = 3, .merged_into = 1}),
                     AFFECT_OK);
    assert_int_equal(affect_timeline_resolve_person(t, 3), 2);
    assert_int_equal(timeline_set_person(NULL, t, &(affect_person){.id = 2, .merged_into = 3}),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(timeline_set_person(NULL, t, &(affect_person){.id = 2, .merged_into = 2}),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(timeline_set_person(NULL, t, &(affect_person){.id = 0}),
                     AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_timeline_link_count(t), 1);
    assert_string_equal(affect_link_kind_name(affect_timeline_link(t, 0)->kind), "matches");
    assert_int_equal(timeline_add_link(NULL, t, &(affect_link){.from = "w1"}),
                     AFFECT_ERROR_ARGUMENT);
    affect_timeline_destroy(t);
}

static void attributes_have_kinds(void **state) {
    (void)state;
    affect_attributes *a, *copy;
    assert_int_equal(affect_attributes_create(NULL, &a), AFFECT_OK);
    assert_int_equal(affect_attributes_set_text(NULL, a, "t", "a\xff"), AFFECT_OK);
    assert_int_equal(affect_attributes_set_number(NULL, a, "n", -0.0), AFFECT_OK);
    assert_int_equal(affect_attributes_set_number(NULL, a, "n", .25), AFFECT_OK);
    assert_int_equal(affect_attributes_set_number(NULL, a, "x", NAN), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(affect_attributes_set_boolean(NULL, a, "b", 5), AFFECT_OK);
    assert_int_equal(affect_attributes_set_texts(NULL, a, "l", (const char *const[]){"p", "q"}, 2),
                     AFFECT_OK);
    assert_int_equal(attributes_copy(NULL, a, &copy), AFFECT_OK);
    affect_attributes_destroy(a);
    assert_int_equal(affect_attributes_count(copy), 4);
    assert_string_equal(affect_attributes_text(copy, "t"), "a\xef\xbf\xbd");
    assert_true(affect_attributes_number(copy, "n") == .25);
    assert_true(isnan(affect_attributes_number(copy, "t")));
    assert_int_equal(affect_attributes_boolean(copy, "b", 0), 1);
    assert_int_equal(affect_attributes_boolean(copy, "none", 7), 7);
    assert_null(affect_attributes_text(copy, "n"));
    const affect_value *list = affect_attributes_find(copy, "l");
    assert_int_equal(affect_value_kind_of(list), AFFECT_VALUE_LIST);
    assert_string_equal(affect_value_text(affect_value_item(list, 1)), "q");
    assert_null(affect_value_item(list, 2));
    assert_int_equal(affect_attributes_set_number(NULL, copy, "n", 1), AFFECT_ERROR_ARGUMENT);
    affect_attributes_destroy(copy);
    assert_int_equal(affect_attributes_count(NULL), 0);
}

static void tracks_have_roles_by_one_table(void **state) {
    (void)state;
    char *page = NULL;
    size_t length;
    assert_int_equal(base_read_file(NULL, "docs/timeline.md", 0, &page, &length), AFFECT_OK);
    affect_timeline *t, *empty;
    assert_int_equal(timeline_create(NULL, &t), AFFECT_OK);
    assert_int_equal(timeline_create(NULL, &empty), AFFECT_OK);
    for (size_t i = 0; track_kind_at(i); i++) {
        const track_kind *kind = track_kind_at(i);
        affect_track *track;
        char quoted[64];
        snprintf(quoted, sizeof quoted, "`%s`", kind->pattern);
        if (!strstr(page, quoted)) fail_msg("docs/timeline.md does not name %s", quoted);
        for (size_t c = 0; c < kind->channel_count; c++) {
            /* 68 numbered points: the page names the first and the last. */
            if (kind->role == TRACK_ROLE_LANDMARKS && c % 68 != 0 && c % 68 != 67) continue;
            snprintf(quoted, sizeof quoted, "`%s`", kind->channels[c]);
            if (!strstr(page, quoted)) fail_msg("docs/timeline.md does not name %s", quoted);
        }
        assert_ptr_equal(track_kind_of(kind->role, kind->modality), kind);
        const char *own[] = {"c"};
        assert_int_equal(timeline_add_role(NULL, t, kind->role, kind->modality, 12, "",
                                           kind->channels ? NULL : own, 1, &track),
                         AFFECT_OK);
        assert_ptr_equal(track->kind, kind);
        assert_int_equal(track->person, track_kind_personal(kind) ? 12 : 0);
        const affect_timeline *both[] = {empty, t};
        const timeline_view view = {both, 2};
        assert_ptr_equal(view_track(&view, kind->role, kind->modality, AFFECT_PERSON_NONE), track);
        if (track_kind_personal(kind))
            assert_null(view_track(&view, kind->role, kind->modality, 1));
    }
    assert_null(track_kind_of_id("face/01/pose"));
    assert_null(track_kind_of_id("face//pose"));
    assert_null(track_kind_of_id("face/1/poses"));
    assert_null(track_kind_of_id("xface/1/pose"));
    assert_ptr_equal(track_kind_of_id("face/3/pose"),
                     track_kind_of(TRACK_ROLE_POSE, AFFECT_MODALITY_FACE));
    base_free(page);
    affect_timeline_destroy(t);
    affect_timeline_destroy(empty);
}

static void categories_stand_in_one_table(void **state) {
    (void)state;
    for (int c = 0; c < CATEGORIES; c++) {
        assert_string_equal(category_names[c], category_table[c].name);
        assert_int_equal(category_of_label(category_names[c]), c);
        assert_ptr_equal(category_colour(category_names[c]), &category_table[c]);
        assert_int_equal(strlen(category_table[c].colour), 7);
        assert_int_equal(strlen(category_table[c].dark), 7);
        for (int d = 0; d < 3; d++) assert_true(fabs(category_table[c].place[d]) <= 1);
    }
    int of;
    for (size_t i = 0; category_synonym(i, &of); i++)
        assert_int_equal(category_of_label(category_synonym(i, &of)), of);
    assert_string_equal(category_colour("joy")->name, "happiness");
    assert_string_equal(category_colour("tense")->name, "fear");
    assert_ptr_equal(category_colour("purple"), &category_other);
    assert_int_equal(category_of_label("purple"), -1);
    assert_int_equal(category_of_label("tense"), -1); /* a region is no category */
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

/* Persons 1 and 3 are one: rows in order of time, the surer one where both were seen. */
static void merged_persons_have_joined_curves(void **state) {
    (void)state;
    affect_timeline *t, *made;
    const affect_timeline *resolved;
    affect_track *a, *b, *own;
    affect_tier *tier;
    static const char *const some[] = {"valence", "arousal"}, *const others[] = {"valence",
                                                                                 "extra"};
    assert_int_equal(timeline_create(NULL, &t), AFFECT_OK);
    assert_int_equal(timeline_add_role(NULL, t, TRACK_ROLE_AFFECT, AFFECT_MODALITY_FACE, 3, "late",
                                       others, 2, &b),
                     AFFECT_OK);
    assert_int_equal(timeline_add_role(NULL, t, TRACK_ROLE_AFFECT, AFFECT_MODALITY_FACE, 1, "first",
                                       some, 2, &a),
                     AFFECT_OK);
    assert_int_equal(
        timeline_add_track(NULL, t, "mine", AFFECT_MODALITY_FACE, 3, "", some, 1, &own), AFFECT_OK);
    static const float x[] = {0.1F, 0.2F}, y[] = {0.3F, 0.4F};
    for (int i = 0; i < 4; i++) /* 0, 2, 4, 6 and 3, 4, 5, 6 s */
        assert_int_equal(track_append(NULL, a, 2 * i * AFFECT_SECOND, i == 3 ? 0.9F : 0.5F, x),
                         AFFECT_OK);
    for (int i = 3; i < 7; i++)
        assert_int_equal(track_append(NULL, b, i * AFFECT_SECOND, 0.8F, y), AFFECT_OK);
    assert_int_equal(timeline_tier(NULL, t, "utterances", AFFECT_MODALITY_WORDS, &tier), AFFECT_OK);
    assert_int_equal(
        tier_append(NULL, tier, &(affect_interval){.t1 = 1, .label = "x", .person = 3}), AFFECT_OK);
    assert_int_equal(
        timeline_add_event(
            NULL, t,
            &(affect_event){.kind = "smile", .modality = AFFECT_MODALITY_FACE, .person = 3}),
        AFFECT_OK);
    assert_int_equal(timeline_resolve(NULL, t, &made, &resolved), AFFECT_OK);
    assert_null(made); /* nobody is merged: the timeline itself */
    assert_ptr_equal(resolved, t);
    assert_int_equal(timeline_set_person(NULL, t, &(affect_person){.id = 3, .merged_into = 1}),
                     AFFECT_OK);
    assert_int_equal(timeline_resolve(NULL, t, &made, &resolved), AFFECT_OK);
    assert_ptr_equal(resolved, made);
    assert_int_equal(made->track_count, 2);
    const affect_track *one = affect_timeline_find_track(made, "face/1/affect");
    assert_non_null(one);
    assert_string_equal(one->model, "first");
    assert_int_equal(one->channel_count, 3); /* valence, arousal, extra */
    static const int at[] = {0, 2, 3, 4, 5, 6};
    assert_int_equal(one->rows, BASE_COUNT(at));
    for (size_t i = 0; i < BASE_COUNT(at); i++) {
        bool late = i == 2 || i == 3 || i == 4; /* 4 s: the surer; 6 s: the first is */
        assert_true(one->times[i] == at[i] * AFFECT_SECOND);
        assert_true(one->values[3 * i] == (late ? 0.3F : 0.1F));
        assert_true(isnan(one->values[3 * i + 1]) == late);
        assert_true(isnan(one->values[3 * i + 2]) == !late);
    }
    assert_int_equal(affect_timeline_find_track(made, "mine")->person, 1);
    assert_int_equal(made->tiers[0]->items[0].person, 1);
    assert_string_equal(made->tiers[0]->items[0].id, tier->items[0].id);
    assert_int_equal(made->events[0].person, 1);
    assert_int_equal(t->events[0].person, 3); /* the timeline stays as it was */
    affect_timeline_destroy(made);
    affect_timeline_destroy(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merged_persons_have_joined_curves),
        cmocka_unit_test(ticks_are_exact_where_doubles_are_not),
        cmocka_unit_test(text_has_three_decimals),
        cmocka_unit_test(a_timeline_is_ordered_and_clean),
        cmocka_unit_test(ids_stay_with_what_they_name),
        cmocka_unit_test(merges_are_records_that_readers_resolve),
        cmocka_unit_test(attributes_have_kinds),
        cmocka_unit_test(tracks_have_roles_by_one_table),
        cmocka_unit_test(categories_stand_in_one_table),
        cmocka_unit_test(every_failed_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
