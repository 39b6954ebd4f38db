/* What the public builder refuses, the total order, rows and numbers that move from one person to another, and the tables. */
#include <math.h>
#include <string.h>

#include "tests/test.h"
#include "track/track.h"

static affect_context *ctx;
static affect_timeline *t;

static int set_up(void **state) {
    (void)state;
    return affect_context_create(&ctx) != AFFECT_OK || timeline_create(ctx, &t) != AFFECT_OK;
}

static int tear_down(void **state) {
    (void)state;
    affect_timeline_destroy(t);
    affect_context_destroy(ctx);
    return 0;
}

#define REFUSED(call) assert_int_equal(call, AFFECT_ERROR_ARGUMENT)
#define TAKEN(call) assert_int_equal(call, AFFECT_OK)

static void the_builder_refuses_what_it_cannot_keep(void **state) {
    (void)state;
    static const char *const names[] = {"x", "y"}, *const hole[] = {"x", NULL};
    static const float row[] = {1, 2};
    affect_timeline *own;
    affect_track *track;
    affect_tier *tier;
    REFUSED(affect_timeline_create(ctx, 0, NULL));
    REFUSED(affect_timeline_create(ctx, -1, &own));
    assert_null(own);
    TAKEN(affect_timeline_create(ctx, 0, &own));
    assert_true(affect_timeline_duration(own) == 0);
    affect_timeline_destroy(own);
    TAKEN(affect_timeline_create(ctx, 5, &own));
    assert_true(affect_timeline_duration(own) == 5);

    REFUSED(
        affect_timeline_add_track(ctx, own, "a", AFFECT_MODALITY_FACE, 0, NULL, names, 2, NULL));
    assert_non_null(strstr(affect_context_message(ctx), "the place for a track at NULL"));
    REFUSED(
        affect_timeline_add_track(ctx, own, NULL, AFFECT_MODALITY_FACE, 0, NULL, names, 2, &track));
    REFUSED(
        affect_timeline_add_track(ctx, own, "a", AFFECT_MODALITY_FACE, 0, NULL, NULL, 2, &track));
    REFUSED(
        affect_timeline_add_track(ctx, NULL, "a", AFFECT_MODALITY_FACE, 0, NULL, names, 2, &track));
    REFUSED(
        affect_timeline_add_track(ctx, own, "a", AFFECT_MODALITY_FACE, 0, NULL, names, 0, &track));
    REFUSED(affect_timeline_add_track(ctx, own, "a", AFFECT_MODALITY_FACE, 0, NULL, names, 4097,
                                      &track));
    REFUSED(
        affect_timeline_add_track(ctx, own, "", AFFECT_MODALITY_FACE, 0, NULL, names, 2, &track));
    REFUSED(
        affect_timeline_add_track(ctx, own, "a", AFFECT_MODALITY_FACE, -1, NULL, names, 2, &track));
    REFUSED(
        affect_timeline_add_track(ctx, own, "a", AFFECT_MODALITY_FACE, 0, NULL, hole, 2, &track));
    REFUSED(
        affect_timeline_add_track(ctx, own, "a", (affect_modality)5, 0, NULL, names, 2, &track));
    assert_null(track);
    assert_int_equal(affect_timeline_track_count(own), 0);
    TAKEN(
        affect_timeline_add_track(ctx, own, "a", AFFECT_MODALITY_FUSED, 0, NULL, names, 2, &track));
    REFUSED(
        affect_timeline_add_track(ctx, own, "a", AFFECT_MODALITY_FACE, 0, NULL, names, 2, &track));
    track = own->tracks[0];
    REFUSED(affect_track_append(ctx, NULL, 0, 1, row));
    REFUSED(affect_track_append(ctx, track, 0, 1, NULL));
    REFUSED(affect_track_append(ctx, track, AFFECT_TIME_NONE, 1, row));
    TAKEN(affect_track_append(ctx, track, 3, 0.5F, row));
    TAKEN(affect_track_append(ctx, track, 3, -0.5F, row)); /* the same instant again */
    REFUSED(affect_track_append(ctx, track, 2, 1, row));
    assert_int_equal(affect_track_rows(track), 2);
    assert_true(affect_track_confidence(track, 0) == 0.5F &&
                affect_track_confidence(track, 1) == 0);

    REFUSED(affect_timeline_add_tier(ctx, own, "", AFFECT_MODALITY_FACE, &tier));
    REFUSED(affect_timeline_add_tier(ctx, own, "warnings", AFFECT_MODALITY_FACE, &tier));
    REFUSED(affect_timeline_add_tier(ctx, own, "words", (affect_modality)-1, &tier));
    REFUSED(affect_timeline_add_tier(ctx, own, "words", AFFECT_MODALITY_FACE, NULL));
    TAKEN(affect_timeline_add_tier(ctx, own, "words", AFFECT_MODALITY_WORDS, &tier));
    const affect_interval backwards = {.t0 = 2, .t1 = 1}, instant = {.t0 = 2, .t1 = 2};
    REFUSED(affect_tier_append(ctx, tier, &backwards, sizeof backwards));
    TAKEN(affect_tier_append(ctx, tier, &instant, sizeof instant));
    /* A struct that ends with its last published member is whole; one byte less is not. */
    size_t least = offsetof(affect_interval, parent) + sizeof(char *);
    TAKEN(affect_tier_append(ctx, tier, &instant, least));
    REFUSED(affect_tier_append(ctx, tier, &instant, least - 1));
    REFUSED(affect_tier_append(ctx, tier, NULL, least));
    REFUSED(affect_tier_append(ctx, NULL, &instant, least));
    /* What a larger struct has is not read. */
    struct {
        affect_interval known;
        char more[64];
    } larger = {.known = {.t0 = 4, .t1 = 5, .label = "x", .parent = "p"}, .more = "?"};
    TAKEN(affect_tier_append(ctx, tier, &larger.known, sizeof larger));
    assert_string_equal(affect_tier_interval(tier, 2)->parent, "p");
    assert_string_equal(affect_tier_interval(tier, 2)->label, "x");

    affect_event event = {.onset = 1, .apex = 1, .offset = 1, .kind = "nod"};
    TAKEN(affect_timeline_add_event(ctx, own, &event, sizeof event));
    event.offset = 0;
    REFUSED(affect_timeline_add_event(ctx, own, &event, sizeof event));
    event = (affect_event){.onset = 2, .apex = 1, .offset = 3, .kind = "nod"};
    REFUSED(affect_timeline_add_event(ctx, own, &event, sizeof event));
    event = (affect_event){.offset = 1};
    REFUSED(affect_timeline_add_event(ctx, own, &event, sizeof event));
    event = (affect_event){.offset = 1, .kind = "nod", .modality = (affect_modality)9};
    REFUSED(affect_timeline_add_event(ctx, own, &event, sizeof event));
    affect_link link = {.from = "a", .to = "b", .kind = AFFECT_LINK_CITES};
    TAKEN(affect_timeline_add_link(ctx, own, &link, sizeof link));
    link.kind = (affect_link_kind)(AFFECT_LINK_CITES + 1);
    REFUSED(affect_timeline_add_link(ctx, own, &link, sizeof link));
    link = (affect_link){.from = "a", .to = ""};
    REFUSED(affect_timeline_add_link(ctx, own, &link, sizeof link));
    REFUSED(affect_timeline_set_property(ctx, own, "k", NULL));
    REFUSED(affect_timeline_set_property(ctx, own, NULL, "v"));
    REFUSED(affect_timeline_set_property(ctx, NULL, "k", "v"));
    affect_timeline_destroy(own);
}

/* The same content in another order of writing gives the same order. */
static void order_does_not_depend_on_who_wrote_first(void **state) {
    (void)state;
    static const affect_interval intervals[] = {
        /* each comes before the next by one thing only */
        {.t0 = 1, .t1 = 2, .person = 1, .label = "a", .id = "w9"},
        {.t0 = 1, .t1 = 2, .person = 1, .label = "a", .id = "w10"},
        {.t0 = 1, .t1 = 2, .person = 1, .label = "b", .id = "w3"},
        {.t0 = 1, .t1 = 2, .person = 2, .label = "a", .id = "w2"},
        {.t0 = 1, .t1 = 3, .person = 1, .label = "a", .id = "w1"},
        {.t0 = 2, .t1 = 2, .person = 1, .label = "a", .id = "w0"}};
    static const affect_event events[] = {
        {.onset = 1, .apex = 1, .offset = 2, .kind = "nod", .person = 1, .id = "f9"},
        {.onset = 1, .apex = 1, .offset = 2, .kind = "nod", .person = 1, .id = "f10"},
        {.onset = 1, .apex = 1, .offset = 3, .kind = "nod", .person = 1, .id = "f8"},
        {.onset = 1, .apex = 2, .offset = 2, .kind = "nod", .person = 1, .id = "f7"},
        {.onset = 1, .apex = 1, .offset = 2, .kind = "nod", .person = 2, .id = "f6"},
        {.onset = 1, .apex = 1, .offset = 2, .kind = "smile", .person = 1, .id = "f5"},
        {.onset = 1,
         .apex = 1,
         .offset = 2,
         .kind = "nod",
         .modality = AFFECT_MODALITY_VOICE,
         .id = "f4"},
        {.onset = 2, .apex = 2, .offset = 2, .kind = "nod", .person = 1, .id = "f3"}};
    static const affect_link links[] = {{.from = "w2", .to = "f1", .lag = 4},
                                        {.from = "w2", .to = "f1", .lag = 5},
                                        {.from = "w2", .to = "f1", .person = 1, .lag = 3},
                                        {.from = "w2", .to = "f1", .kind = AFFECT_LINK_LEADS},
                                        {.from = "w2", .to = "f10"},
                                        {.from = "w10", .to = "f1"}};
    static const char *const ids[] = {"a", "b", "c"}, *const x[] = {"x"};
    for (int backwards = 0; backwards < 2; backwards++) {
        affect_timeline *made;
        affect_tier *tier;
        affect_track *track;
        TAKEN(timeline_create(ctx, &made));
#define EACH(list, i)                                                                              \
    for (size_t k = 0, i; i = backwards ? BASE_COUNT(list) - 1 - k : k, k < BASE_COUNT(list); k++)
        EACH(ids, i) {
            TAKEN(
                timeline_add_track(ctx, made, ids[i], AFFECT_MODALITY_NONE, 0, NULL, x, 1, &track));
            TAKEN(timeline_tier(ctx, made, ids[i], AFFECT_MODALITY_NONE, &tier));
            TAKEN(timeline_set_property(ctx, made, ids[i], ids[i]));
        }
        EACH(intervals, i) TAKEN(tier_append(ctx, made->tiers[1], &intervals[i]));
        EACH(events, i) TAKEN(timeline_add_event(ctx, made, &events[i]));
        EACH(links, i) TAKEN(timeline_add_link(ctx, made, &links[i]));
        TAKEN(timeline_warn(ctx, made, 9, 9, "late"));
        TAKEN(timeline_warn(ctx, made, 1, 1, "early"));
        timeline_sort(made);
        for (size_t i = 0; i < BASE_COUNT(ids); i++) {
            assert_string_equal(affect_track_id(affect_timeline_track(made, i)), ids[i]);
            assert_string_equal(affect_tier_id(affect_timeline_tier(made, i)), ids[i]);
            assert_string_equal(affect_timeline_property_key(made, i), ids[i]);
        }
        for (size_t i = 0; i < BASE_COUNT(intervals); i++)
            assert_string_equal(made->tiers[1]->items[i].id, intervals[i].id);
        for (size_t i = 0; i < BASE_COUNT(events); i++)
            assert_string_equal(affect_timeline_event(made, i)->id, events[i].id);
        for (size_t i = 0; i < BASE_COUNT(links); i++) {
            const affect_link *link = affect_timeline_link(made, i);
            assert_string_equal(link->from, links[i].from);
            assert_string_equal(link->to, links[i].to);
            assert_int_equal(link->kind, links[i].kind);
            assert_int_equal(link->lag, links[i].lag);
        }
        assert_string_equal(affect_timeline_warning(made, 0)->label, "early");
        assert_string_equal(affect_timeline_warning(made, 1)->label, "late");
        affect_timeline_destroy(made);
    }
}

static affect_track *filled(const char *id, const int *times, size_t count, float first) {
    static const char *const names[] = {"x", "y"};
    affect_track *track;
    TAKEN(timeline_add_track(ctx, t, id, AFFECT_MODALITY_FACE, 1, NULL, names, 2, &track));
    for (size_t i = 0; i < count; i++) {
        float value = first + (float)i;
        TAKEN(track_append(ctx, track, times[i], value / 100, (float[]){value, -value}));
    }
    return track;
}

static void rows_move_in_order_of_time(void **state) {
    (void)state;
    affect_track *from = filled("from", (const int[]){1, 3, 5, 7, 9}, 5, 10);
    affect_track *to = filled("to", (const int[]){0, 3, 4, 8}, 4, 50), *other;
    TAKEN(track_move_rows(ctx, from, 1, 1, to)); /* none */
    assert_int_equal(to->rows, 4);
    TAKEN(track_move_rows(ctx, from, 1, 4, to));
    static const int left[] = {1, 9}, joined[] = {0, 3, 3, 4, 5, 7, 8};
    static const float left_values[] = {10, 14}, values[] = {50, 51, 11, 52, 12, 13, 53};
    assert_int_equal(from->rows, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(from->times[i], left[i]);
        assert_true(affect_track_row(from, i)[1] == -left_values[i]);
        assert_true(affect_track_confidence(from, i) == left_values[i] / 100);
    }
    assert_int_equal(to->rows, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(to->times[i], joined[i]);
        assert_true(affect_track_row(to, i)[0] == values[i]);
        assert_true(affect_track_row(to, i)[1] == -values[i]);
        assert_true(affect_track_confidence(to, i) == values[i] / 100);
    }
    assert_int_equal(track_row_at(to, 3), 1);
    assert_int_equal(track_row_at(to, 6), 5);
    assert_int_equal(track_row_at(to, 9), 7);
    TAKEN(timeline_add_track(ctx, t, "other", AFFECT_MODALITY_FACE, 1, NULL,
                             (const char *const[]){"x", "z"}, 2, &other));
    REFUSED(track_move_rows(ctx, from, 0, 1, other));
    assert_int_equal(from->rows, 2);
    TAKEN(track_move_rows(ctx, from, 0, 2, to)); /* all */
    assert_int_equal(from->rows, 0);
    assert_int_equal(to->times[8], 9);
}

static void a_person_gets_another_number_everywhere(void **state) {
    (void)state;
    static const char *const x[] = {"x"};
    affect_track *own, *role;
    affect_tier *tier;
    TAKEN(timeline_add_track(ctx, t, "mine", AFFECT_MODALITY_FACE, 2, NULL, x, 1, &own));
    TAKEN(
        timeline_add_role(ctx, t, TRACK_ROLE_POSE, AFFECT_MODALITY_FACE, 2, NULL, NULL, 0, &role));
    TAKEN(timeline_tier(ctx, t, "persons", AFFECT_MODALITY_FACE, &tier));
    for (int p = 1; p <= 2; p++) {
        TAKEN(tier_append(ctx, tier, &(affect_interval){.t1 = 1, .person = p}));
        TAKEN(timeline_add_event(ctx, t, &(affect_event){.kind = "nod", .person = p}));
        TAKEN(timeline_add_link(ctx, t, &(affect_link){.from = "a", .to = "b", .person = p}));
    }
    TAKEN(timeline_set_person(ctx, t, &(affect_person){.id = 5, .name = "five", .merged_into = 2}));
    TAKEN(timeline_set_person(ctx, t, &(affect_person){.id = 2, .name = "two"}));
    TAKEN(timeline_set_person(ctx, t, &(affect_person){.id = 3, .name = "three"}));
    for (int k = 0; k < 3; k++)
        assert_int_equal(affect_timeline_person(t, (size_t)k)->id, k == 2 ? 5 : k + 2);
    TAKEN(timeline_renumber(ctx, t, 2, 7));
    assert_int_equal(own->person, 7);
    assert_string_equal(own->id, "mine");
    assert_int_equal(role->person, 7);
    assert_string_equal(role->id, "face/7/pose");
    for (int p = 0; p < 2; p++) {
        assert_int_equal(tier->items[p].person, p ? 7 : 1);
        assert_int_equal(t->events[p].person, p ? 7 : 1);
        assert_int_equal(t->links[p].person, p ? 7 : 1);
    }
    static const int numbers[] = {3, 5, 7};
    static const char *const names[] = {"three", "five", "two"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(affect_timeline_person(t, i)->id, numbers[i]);
        assert_string_equal(affect_timeline_person(t, i)->name, names[i]);
    }
    assert_int_equal(affect_timeline_resolve_person(t, 5), 7);
    TAKEN(timeline_set_person(ctx, t,
                              &(affect_person){.id = 5, .name = "V"})); /* replaced, split again */
    assert_int_equal(affect_timeline_person_count(t), 3);
    assert_string_equal(affect_timeline_person_name(t, 5), "V");
}

static void a_resolved_copy_has_all_that_is_left(void **state) {
    (void)state;
    affect_timeline *made;
    const affect_timeline *resolved;
    affect_tier *tier;
    t->duration = 12;
    TAKEN(timeline_tier(ctx, t, "words", AFFECT_MODALITY_WORDS, &tier));
    TAKEN(tier_append(ctx, tier, &(affect_interval){.t0 = 3, .t1 = 4, .person = 2}));
    TAKEN(timeline_warn(ctx, t, 1, 2, "one"));
    TAKEN(timeline_add_link(ctx, t, &(affect_link){.from = "a", .to = "b", .person = 2}));
    TAKEN(timeline_set_property(ctx, t, "input", "x"));
    TAKEN(timeline_set_person(ctx, t, &(affect_person){.id = 1, .name = "Ann", .score = 0.5F}));
    TAKEN(timeline_set_person(ctx, t, &(affect_person){.id = 2, .merged_into = 1}));
    TAKEN(timeline_resolve(ctx, t, &made, &resolved));
    assert_true(resolved->duration == 12);
    assert_int_equal(affect_timeline_warning_count(resolved), 1);
    assert_int_equal(affect_timeline_link(resolved, 0)->person, 1);
    assert_string_equal(affect_timeline_property(resolved, "input"), "x");
    assert_int_equal(affect_timeline_person_count(resolved), 1);
    assert_string_equal(affect_timeline_person(resolved, 0)->name, "Ann");
    affect_timeline_destroy(made);
}

static void ids_of_one_form_never_come_twice(void **state) {
    (void)state;
    static const struct {
        const char *tier, *first;
    } tiers[] = {{"words", "w1"},    {"utterances", "u1"}, {"speech", "s1"},
                 {"speakers", "t1"}, {"episodes", "e1"},   {"own", "own/1"}};
    static const char *const events[] = {"n1", "f1", "v1", "l1", "j1"};
    affect_tier *tier;
    for (size_t i = 0; i < BASE_COUNT(tiers); i++) {
        TAKEN(timeline_tier(ctx, t, tiers[i].tier, AFFECT_MODALITY_NONE, &tier));
        TAKEN(tier_append(ctx, tier, &(affect_interval){.t1 = 1}));
        assert_string_equal(tier->items[0].id, tiers[i].first);
        assert_string_equal(tier->items[0].label, "");
    }
    for (int m = 0; m <= AFFECT_MODALITY_FUSED; m++) {
        TAKEN(timeline_add_event(ctx, t,
                                 &(affect_event){.kind = "nod", .modality = (affect_modality)m}));
        assert_string_equal(t->events[m].id, events[m]);
        assert_string_equal(t->events[m].model, "");
    }
    /* Numbers of other forms, or of more digits than any maker gives, do not count. */
    TAKEN(timeline_tier(ctx, t, "words", AFFECT_MODALITY_NONE, &tier));
    static const char *const given[] = {"x99", "w", "w-7", "w1234567890123456", "w999999999999999",
                                        "w5"};
    static const char *const next[] = {
        "w2", "w3", "w4", "w5", "w1000000000000000", "w1000000000000001"};
    for (size_t i = 0; i < BASE_COUNT(given); i++) {
        TAKEN(tier_append(ctx, tier, &(affect_interval){.t1 = 1, .id = given[i]}));
        TAKEN(tier_append(ctx, tier, &(affect_interval){.t1 = 1}));
        assert_string_equal(tier->items[tier->count - 1].id, next[i]);
    }
    TAKEN(tier_replace(ctx, tier, 1, &(affect_interval){.t1 = 2, .id = "x99", .label = "new"}));
    assert_int_equal(tier->count, 13);
    assert_string_equal(tier->items[1].label, "new");
    assert_string_equal(tier->items[2].id, "w2");
    tier_clear(tier);
    assert_int_equal(tier->count, 0);
    TAKEN(tier_append(ctx, tier, &(affect_interval){.t1 = 1}));
    assert_string_equal(tier->items[0].id, "w1");
}

static void accessors_answer_beyond_the_end(void **state) {
    (void)state;
    static const char *const names[] = {"x", "y"};
    affect_track *track;
    TAKEN(timeline_add_track(ctx, t, "a", AFFECT_MODALITY_WORDS, 3, "m", names, 2, &track));
    TAKEN(track_append(ctx, track, 5, 0.25F, (float[]){1, 2}));
    assert_string_equal(affect_track_model(track), "m");
    assert_int_equal(affect_track_person(track), 3);
    assert_int_equal(affect_track_modality(track), AFFECT_MODALITY_WORDS);
    assert_string_equal(affect_track_channel_name(track, 1), "y");
    assert_null(affect_track_channel_name(track, 2));
    assert_int_equal(affect_track_find_channel(track, "y"), 1);
    assert_true(affect_track_find_channel(track, "z") == AFFECT_CHANNEL_NONE);
    assert_true(affect_track_time(track, 0) == 5 &&
                affect_track_time(track, 1) == AFFECT_TIME_NONE);
    assert_true(affect_track_confidence(track, 1) == 0);
    assert_null(affect_track_row(track, 1));
    assert_null(affect_timeline_track(t, 1));
    assert_null(affect_timeline_tier(t, 0));
    assert_null(affect_timeline_event(t, 0));
    assert_null(affect_timeline_link(t, 0));
    assert_null(affect_timeline_person(t, 0));
    assert_null(affect_timeline_property_key(t, 0));
    assert_null(affect_timeline_warning(t, 0));
    assert_null(affect_timeline_find_event(t, "f1"));
    assert_string_equal(affect_modality_name(AFFECT_MODALITY_WORDS), "words");
    assert_string_equal(affect_modality_name((affect_modality)77), "unknown");
    assert_string_equal(affect_link_kind_name((affect_link_kind)77), "unknown");
    assert_null(track_kind_of(TRACK_ROLE_BOX, AFFECT_MODALITY_VOICE));
    assert_null(track_kind_of_id("face/1234567890/pose")); /* ten digits are no person */
    assert_non_null(track_kind_of_id("face/123456789/pose"));
    REFUSED(
        timeline_add_role(ctx, t, TRACK_ROLE_BOX, AFFECT_MODALITY_VOICE, 1, NULL, NULL, 0, &track));
}

static void attributes_change_and_have_a_limit(void **state) {
    (void)state;
    affect_attributes *a, *copy, *changed;
    TAKEN(affect_attributes_create(ctx, &a));
    REFUSED(affect_attributes_create(ctx, NULL));
    TAKEN(affect_attributes_set_text(ctx, a, "t", "x"));
    TAKEN(attributes_set_rounded(ctx, a, "n", 0.12349));
    TAKEN(affect_attributes_set_boolean(ctx, a, "b", 0));
    TAKEN(attributes_set_list(ctx, a, "l", 3));
    TAKEN(attributes_add_text(ctx, a, "l", "p"));
    TAKEN(attributes_add_number(ctx, a, "l", 2));
    TAKEN(attributes_add_boolean(a, "l", true));
    REFUSED(attributes_add_number(ctx, a, "l", INFINITY));
    REFUSED(affect_attributes_set_text(ctx, a, "t", NULL));
    REFUSED(affect_attributes_set_text(ctx, a, NULL, "x"));
    TAKEN(attributes_copy(ctx, a, &copy));
    TAKEN(attributes_change(ctx, copy, &changed));
    affect_attributes_destroy(copy);
    assert_int_equal(affect_attributes_count(changed), 4);
    assert_string_equal(affect_attributes_key(changed, 0), "t");
    assert_null(affect_attributes_key(changed, 4));
    assert_null(affect_attributes_value(changed, 4));
    assert_string_equal(affect_attributes_text(changed, "t"), "x");
    assert_true(affect_attributes_number(changed, "n") == 0.123);
    assert_int_equal(affect_attributes_boolean(changed, "b", 1), 0);
    const affect_value *list = affect_attributes_find(changed, "l");
    assert_int_equal(affect_value_count(list), 3);
    assert_string_equal(affect_value_text(affect_value_item(list, 0)), "p");
    assert_true(affect_value_number(affect_value_item(list, 1)) == 2);
    assert_int_equal(affect_value_boolean(affect_value_item(list, 2)), 1);
    TAKEN(affect_attributes_set_number(ctx, changed, "t", 4)); /* another kind at the same key */
    assert_int_equal(affect_attributes_count(changed), 4);
    assert_true(affect_attributes_number(changed, "t") == 4);
    attributes_clear(changed);
    assert_int_equal(affect_attributes_count(changed), 0);
    char key[8];
    for (int i = 0; i < ATTRIBUTES_LIMIT; i++) {
        snprintf(key, sizeof key, "k%d", i);
        TAKEN(affect_attributes_set_number(ctx, changed, key, i));
    }
    assert_int_equal(affect_attributes_set_number(ctx, changed, "more", 1), AFFECT_ERROR_LIMIT);
    TAKEN(affect_attributes_set_number(ctx, changed, "k999", 1)); /* one that is there */
    affect_attributes_destroy(changed);
    TAKEN(attributes_change(ctx, NULL, &changed));
    assert_int_equal(affect_attributes_count(changed), 0);
    affect_attributes_destroy(changed);
    affect_attributes_destroy(a);
}

static void times_saturate_and_round(void **state) {
    (void)state;
    char text[TIME_TEXT_SIZE];
    assert_true(time_from_ticks(INT64_MIN + 1, 1000, 1) == -INT64_MAX);
    assert_true(time_from_ticks(AFFECT_TIME_NONE, 1, 1) == AFFECT_TIME_NONE);
    assert_true(time_from_ticks(1, 1, -2) == AFFECT_TIME_NONE);
    assert_true(time_from_ticks(1, 1, 2000000000) == 1); /* half a nanosecond, away from zero */
    assert_true(time_from_ticks(-1, 1, 2000000000) == -1);
    assert_true(time_from_seconds(NAN) == AFFECT_TIME_NONE);
    assert_true(time_from_seconds(1e10) == INT64_MAX && time_from_seconds(-1e10) == -INT64_MAX);
    assert_true(time_from_seconds(9.2e9) == INT64_MAX && time_from_seconds(-9.2e9) == -INT64_MAX);
    assert_true(time_from_seconds(-1.5) == -1500000000);
    assert_true(isnan(time_to_seconds(AFFECT_TIME_NONE)) && time_to_seconds(-500000000) == -0.5);
    assert_string_equal(time_to_text(AFFECT_TIME_NONE, text), "");
    assert_string_equal(time_to_text(1499999, text), "0.001");
    assert_string_equal(time_to_text(1500000, text), "0.002");
    assert_string_equal(time_to_text(-1500000, text), "-0.001"); /* half up */
    assert_string_equal(time_to_text(-1234500001, text), "-1.235");
    assert_string_equal(time_to_clock(AFFECT_TIME_NONE, text), "");
    assert_string_equal(time_to_clock(-5 * AFFECT_SECOND, text), "00:00:00.000");
    assert_string_equal(time_to_clock(INT64_C(360000) * AFFECT_SECOND, text), "100:00:00.000");
}

/* Places by Russell & Mehrabian 1977, table 2, written here again; contempt has another source. */
static void categories_stand_where_their_source_says(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double place[3];
    } rated[] = {{"neutral", {0, 0, 0}},         {"happiness", {.81, .51, .46}},
                 {"surprise", {.40, .67, -.13}}, {"sadness", {-.63, -.27, -.33}},
                 {"anger", {-.51, .59, .25}},    {"disgust", {-.60, .35, .11}},
                 {"fear", {-.64, .60, -.43}},    {"contempt", {-.66, .29, .56}}};
    assert_int_equal(BASE_COUNT(rated), CATEGORIES);
    for (size_t c = 0; c < CATEGORIES; c++) {
        assert_string_equal(category_table[c].name, rated[c].name);
        for (int d = 0; d < 3; d++) assert_true(category_table[c].place[d] == rated[c].place[d]);
    }
    /* A region lies in the quadrant that its name says and has the colour of a category near it. */
    static const struct {
        const char *name, *colour;
        double valence, arousal;
    } regions[] = {{"neutral", "neutral", 0, 0},      {"pleased", "happiness", .55, .1},
                   {"excited", "happiness", .5, .55}, {"activated", "surprise", 0, .55},
                   {"tense", "fear", -.5, .55},       {"displeased", "anger", -.55, .1},
                   {"downcast", "sadness", -.5, -.4}, {"subdued", "neutral", 0, -.5},
                   {"calm", "neutral", .5, -.4}};
    for (size_t r = 0; r < CATEGORY_REGIONS; r++) {
        assert_string_equal(category_regions[r].name, regions[r].name);
        assert_string_equal(category_colour(regions[r].name)->name, regions[r].colour);
        assert_true(category_regions[r].valence == regions[r].valence &&
                    category_regions[r].arousal == regions[r].arousal);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        CASE(the_builder_refuses_what_it_cannot_keep),
        CASE(order_does_not_depend_on_who_wrote_first),
        CASE(rows_move_in_order_of_time),
        CASE(a_person_gets_another_number_everywhere),
        CASE(a_resolved_copy_has_all_that_is_left),
        CASE(ids_of_one_form_never_come_twice),
        CASE(accessors_answer_beyond_the_end),
        CASE(attributes_change_and_have_a_limit),
        CASE(times_saturate_and_round),
        CASE(categories_stand_where_their_source_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
