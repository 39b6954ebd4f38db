/* A program of the day on which libaffect's soname became 1: compiled against the headers of that
 * day (frozen/), run with the library of today. It walks over every struct that the library hands
 * out and hands some in. If a change breaks it, the change breaks users. */
#include <affect/affect.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static size_t count_bytes(void *user, const void *bytes, size_t size) {
    (void)bytes;
    *(size_t *)user += size;
    return size;
}

int main(void) {
    affect_context *ctx;
    affect_timeline *t;
    affect_track *track;
    affect_tier *tier;
    affect_attributes *a;
    affect_options *options;
    affect_session *session;
    const char *channels[] = {"valence"};
    float value = .5F;
    size_t written = 0;
    CHECK(affect_version_number() >= AFFECT_VERSION_NUMBER);
    CHECK(affect_context_create(&ctx) == AFFECT_OK);
    CHECK(affect_timeline_create(ctx, AFFECT_SECOND, &t) == AFFECT_OK);
    CHECK(affect_timeline_add_track(ctx, t, "x", AFFECT_MODALITY_VOICE, 0, NULL, channels, 1,
                                    &track) == AFFECT_OK);
    CHECK(affect_track_append(ctx, track, 7, .25F, &value) == AFFECT_OK);
    CHECK(affect_timeline_add_tier(ctx, t, "words", AFFECT_MODALITY_WORDS, &tier) == AFFECT_OK);
    CHECK(affect_attributes_create(ctx, &a) == AFFECT_OK);
    CHECK(affect_attributes_set_text(ctx, a, "k", "v") == AFFECT_OK);
    CHECK(affect_attributes_set_boolean(ctx, a, "b", 1) == AFFECT_OK);
    affect_interval interval = {.t0 = 1,
                                .t1 = 2,
                                .label = "hello",
                                .score = .75F,
                                .person = 3,
                                .attributes = a,
                                .id = "w5",
                                .parent = "u1"};
    CHECK(affect_tier_append(ctx, tier, &interval, sizeof interval) == AFFECT_OK);
    affect_attributes_destroy(a);
    affect_event event = {.onset = 1,
                          .apex = 2,
                          .offset = 3,
                          .kind = "nod",
                          .modality = AFFECT_MODALITY_FACE,
                          .person = 4,
                          .strength = .5F,
                          .confidence = .25F,
                          .id = "f2",
                          .model = "m"};
    CHECK(affect_timeline_add_event(ctx, t, &event, sizeof event) == AFFECT_OK);
    affect_link link = {.from = "f2",
                        .to = "w5",
                        .kind = AFFECT_LINK_CITES,
                        .lag = 4,
                        .lag_sd = 5,
                        .score = .5F,
                        .person = 6};
    CHECK(affect_timeline_add_link(ctx, t, &link, sizeof link) == AFFECT_OK);
    affect_person person = {.id = 6, .name = "Bo", .merged_into = 7, .score = .5F};
    CHECK(affect_timeline_set_person(ctx, t, &person, sizeof person) == AFFECT_OK);
    affect_timeline_sort(t);

    const affect_interval *i = affect_tier_interval(affect_timeline_find_tier(t, "words"), 0);
    CHECK(i && i->t0 == 1 && i->t1 == 2 && !strcmp(i->label, "hello") && i->person == 3);
    CHECK(i->score > .7F && i->score < .8F && !strcmp(i->id, "w5") && !strcmp(i->parent, "u1"));
    CHECK(!strcmp(affect_attributes_text(i->attributes, "k"), "v"));
    CHECK(affect_attributes_boolean(i->attributes, "b", 0) == 1);
    const affect_event *e = affect_timeline_event(t, 0);
    CHECK(e && e->onset == 1 && e->apex == 2 && e->offset == 3 && !strcmp(e->kind, "nod"));
    CHECK(e->modality == AFFECT_MODALITY_FACE && e->person == 4 && e->strength > .4F);
    CHECK(e->confidence < .3F && !strcmp(e->id, "f2") && !strcmp(e->model, "m"));
    const affect_link *l = affect_timeline_link(t, 0);
    CHECK(l && !strcmp(l->from, "f2") && !strcmp(l->to, "w5") && l->kind == AFFECT_LINK_CITES);
    CHECK(l->lag == 4 && l->lag_sd == 5 && l->score > .4F && l->person == 6);
    const affect_person *p = affect_timeline_person(t, 0);
    CHECK(p && p->id == 6 && !strcmp(p->name, "Bo") && p->merged_into == 7 && p->score > .4F);
    CHECK(affect_timeline_resolve_person(t, 6) == 7);
    CHECK(affect_track_time(affect_timeline_track(t, 0), 0) == 7);
    CHECK(*affect_track_row(affect_timeline_track(t, 0), 0) == .5F);
    CHECK(affect_timeline_write_to(ctx, t, "json", count_bytes, &written) == AFFECT_OK);
    CHECK(written > 100);
    affect_timeline_destroy(t);

    CHECK(affect_options_create(ctx, &options) == AFFECT_OK);
    affect_options_set_face(options, 0);
    affect_options_set_voice(options, 0);
    affect_options_set_words(options, 0);
    CHECK(affect_session_create(ctx, options, &session) == AFFECT_OK);
    CHECK(affect_session_push_text(session, 0, AFFECT_SECOND, "fine") == AFFECT_OK);
    CHECK(affect_session_finish(session, &t) == AFFECT_OK);
    CHECK(affect_timeline_duration(t) == AFFECT_SECOND);
    affect_timeline_destroy(t);
    affect_session_destroy(session);
    affect_options_destroy(options);
    double gold[] = {.1, .4, -.2};
    CHECK(fabs(affect_score_ccc(gold, gold, 3, AFFECT_SCORE_POPULATION) - 1) < 1e-12);
    affect_context_destroy(ctx);
    return 0;
}
