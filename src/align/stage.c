/* The stage: what it is told in order of time, block by block, and whose it is. */
#include <math.h>
#include <string.h>

#include "align/align_private.h"
#include "align/speaking.h"

/* Whose voice it is depends on rows two seconds later, a lag reaches one and a half. */
#define MARGIN (4 * AFFECT_SECOND)
/* A last block of less is understood together with what was before it. */
#define LEAST_BLOCK (60 * AFFECT_SECOND)
/* A word with less valence is no event. */
static const double LEAST_VALENCE = 0.3;

affect_status align_create(affect_context *ctx, affect_timeline *out, align_stage **stage) {
    static const char *const tiers[] = {"alignment/recording", "alignment/episodes",
                                        "alignment/utterances", "alignment/moments"};
    *stage = NULL;
    align_stage *s = base_calloc(1, sizeof *s);
    if (!s) return base_fail_memory(ctx);
    s->ctx = ctx;
    s->out = out;
    s->end = INT64_MAX;
    affect_status status = AFFECT_OK;
    for (size_t k = 0; k < BASE_COUNT(tiers) && status == AFFECT_OK; k++)
        status = timeline_tier(ctx, out, tiers[k], AFFECT_MODALITY_FUSED, &s->nodes[k]);
    if (status == AFFECT_OK)
        status = timeline_tier(ctx, out, "contradictions", AFFECT_MODALITY_FUSED, &s->sides);
    if (status != AFFECT_OK)
        align_destroy(s);
    else
        *stage = s;
    return status;
}

void align_destroy(align_stage *s) {
    if (!s) return;
    for (size_t i = 0; i < s->persons.count; i++) {
        base_free(s->persons.items[i]->blocks.items);
        base_free(s->persons.items[i]);
    }
    base_free(s->persons.items);
    base_free(s->happenings.items);
    base_free(s->taken.items);
    base_free(s->waiting.items);
    base_free(s->placed.items);
    base_free(s);
}

/* ---- what happened ---- */

static bool comes_before(const align_happening *a, const align_happening *b) {
    if (a->apex != b->apex) return a->apex < b->apex;
    if (a->modality != b->modality) return a->modality < b->modality;
    return strcmp(a->id, b->id) < 0;
}

static affect_status add(align_stage *s, const align_happening *new) {
    if (!base_grow((void **)&s->happenings.items, &s->happenings.capacity, s->happenings.count + 1,
                   sizeof *s->happenings.items))
        return base_fail_memory(s->ctx);
    size_t at = s->happenings.count++;
    for (; at && comes_before(new, &s->happenings.items[at - 1]); at--)
        s->happenings.items[at] = s->happenings.items[at - 1];
    s->happenings.items[at] = *new;
    return AFFECT_OK;
}

static affect_status add_event(align_stage *s, const affect_event *e) {
    if (e->modality < AFFECT_MODALITY_FACE || e->modality > AFFECT_MODALITY_WORDS) return AFFECT_OK;
    /* Blinks and pauses are everywhere: they meet something of the other side by chance. */
    if (strcmp(e->kind, "blink") == 0 || strcmp(e->kind, "pause") == 0) return AFFECT_OK;
    event_kind kind = event_kind_of(e->kind);
    double strength = (double)e->strength * (double)e->confidence;
    if (!(strength > 0)) return AFFECT_OK;
    return add(s, &(align_happening){.onset = e->onset,
                                     .apex = e->apex,
                                     .offset = e->offset,
                                     .modality = e->modality,
                                     .person = e->person,
                                     .settled = e->person != AFFECT_PERSON_NONE,
                                     .event = {time_to_seconds(e->apex), 0.0, strength,
                                               kind.valence, kind.arousal},
                                     .id = e->id,
                                     .kind = e->kind});
}

/* A word of feeling; its time is known as well as the word is short. */
static affect_status add_word(align_stage *s, const affect_interval *w) {
    double valence = affect_attributes_number(w->attributes, "valence");
    double arousal = affect_attributes_number(w->attributes, "arousal");
    bool guessed = affect_attributes_boolean(w->attributes, "interpolated", 0) == 1;
    if (!(fabs(valence) >= LEAST_VALENCE)) return AFFECT_OK;
    affect_time middle = w->t0 + (w->t1 - w->t0) / 2;
    double sd = time_to_seconds(w->t1 - w->t0) / (guessed ? 1.0 : 4.0);
    return add(s, &(align_happening){.onset = w->t0,
                                     .apex = middle,
                                     .offset = w->t1,
                                     .modality = AFFECT_MODALITY_WORDS,
                                     .person = w->person,
                                     .settled = w->person != AFFECT_PERSON_NONE,
                                     .event = {time_to_seconds(middle), sd, fmin(fabs(valence), 1),
                                               valence, arousal},
                                     .id = w->id,
                                     .kind = w->label});
}

enum { EVENTS, WORDS, EPISODES, LISTS };

static affect_status collect(align_stage *s, const timeline_view *view) {
    affect_status status = AFFECT_OK;
    size_t needed = view->count * LISTS, had = s->taken.count;
    if (!base_grow((void **)&s->taken.items, &s->taken.capacity, needed, sizeof *s->taken.items))
        return base_fail_memory(s->ctx);
    for (; had < needed; had++) s->taken.items[had] = 0;
    s->taken.count = needed;
    for (size_t i = 0; i < view->count; i++) {
        const affect_timeline *t = view->items[i];
        size_t *taken = s->taken.items + i * LISTS;
        for (; taken[EVENTS] < t->event_count && status == AFFECT_OK; taken[EVENTS]++)
            status = add_event(s, &t->events[taken[EVENTS]]);
        const affect_tier *words = affect_timeline_find_tier(t, "words");
        for (; words && taken[WORDS] < words->count && status == AFFECT_OK; taken[WORDS]++)
            status = add_word(s, &words->items[taken[WORDS]]);
        const affect_tier *episodes = affect_timeline_find_tier(t, "episodes");
        for (; episodes && taken[EPISODES] < episodes->count && status == AFFECT_OK;
             taken[EPISODES]++) {
            if (!base_grow((void **)&s->waiting.items, &s->waiting.capacity, s->waiting.count + 1,
                           sizeof *s->waiting.items))
                return base_fail_memory(s->ctx);
            s->waiting.items[s->waiting.count++] = episodes->items[taken[EPISODES]];
        }
    }
    return status;
}

/* Voice and words get their person, and the picture's time. */
static void settle(align_stage *s, const timeline_view *view, affect_time until) {
    for (size_t k = align_happening_at(s, s->done); k < s->happenings.count; k++) {
        align_happening *h = &s->happenings.items[k];
        if (h->apex >= until) break;
        if (!h->settled) h->person = align_speaker(view, h->apex);
        h->settled = true;
        /* What is technical is no lag: the sound's times as the picture's. */
        if (h->modality != AFFECT_MODALITY_FACE)
            h->event.time_s = time_to_seconds(h->apex - align_offset_at(view, h->apex));
    }
}

/* ---- blocks ---- */

static affect_status find_person(align_stage *s, int number, align_person **out) {
    size_t at = 0;
    while (at < s->persons.count && s->persons.items[at]->number < number) at++;
    if (at < s->persons.count && s->persons.items[at]->number == number) {
        *out = s->persons.items[at];
        return AFFECT_OK;
    }
    if (!base_grow((void **)&s->persons.items, &s->persons.capacity, s->persons.count + 1,
                   sizeof *s->persons.items))
        return base_fail_memory(s->ctx);
    align_person *p = base_calloc(1, sizeof *p);
    if (!p) return base_fail_memory(s->ctx);
    *p = (align_person){.number = number, .first = INT64_MAX, .last = INT64_MIN};
    memmove(s->persons.items + at + 1, s->persons.items + at,
            (s->persons.count - at) * sizeof *s->persons.items);
    s->persons.items[at] = *out = p;
    s->persons.count++;
    return AFFECT_OK;
}

/* Everybody with a trajectory in [t0, t1]. */
static affect_status find_persons(align_stage *s, const timeline_view *view, affect_time t0,
                                  affect_time t1) {
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->items[i]->track_count; k++) {
            const affect_track *track = view->items[i]->tracks[k];
            if (!track->kind || track->kind->role != TRACK_ROLE_TRAJECTORY) continue;
            size_t first = track_row_at(track, t0), end = track_row_at(track, t1 + 1);
            if (first == end) continue;
            align_person *p = NULL;
            affect_status status = find_person(s, track->person, &p);
            if (status != AFFECT_OK) return status;
            p->first = BASE_MIN(p->first, track->times[first]);
            p->last = BASE_MAX(p->last, track->times[end - 1]);
        }
    return AFFECT_OK;
}

static affect_status block_lags(align_stage *s, align_person *p, affect_time t0, affect_time t1,
                                align_belief out[ALIGN_PAIRS]) {
    size_t room = align_happening_at(s, t1) - align_happening_at(s, t0) + 1;
    affect_align_event *a = base_alloc(2 * room * sizeof *a), *b = a ? a + room : NULL;
    affect_align_match *matches = base_alloc(room * sizeof *matches);
    affect_status status = a && matches ? AFFECT_OK : base_fail_memory(s->ctx);
    for (int k = 0; k < ALIGN_PAIRS && status == AFFECT_OK; k++) {
        size_t count;
        size_t n = align_events_of(s, p->number, align_pair_of[k][0], t0, t1, a, NULL);
        size_t m = align_events_of(s, p->number, align_pair_of[k][1], t0, t1, b, NULL);
        status = align_node_lag(s->ctx, a, n, b, m, time_to_seconds(t0), time_to_seconds(t1), NULL,
                                &out[k], matches, &count);
    }
    base_free(a);
    base_free(matches);
    return status;
}

static affect_status understand_block(align_stage *s, const timeline_view *view, affect_time t0,
                                      affect_time t1) {
    affect_time from = t1 - t0 < LEAST_BLOCK ? BASE_MAX(t1 - ALIGN_BLOCK, 0) : t0;
    settle(s, view, t1);
    affect_status status = find_persons(s, view, t0, t1);
    for (size_t i = 0; i < s->persons.count && status == AFFECT_OK; i++) {
        align_person *p = s->persons.items[i];
        if (!base_grow((void **)&p->blocks.items, &p->blocks.capacity, s->block + 1,
                       sizeof *p->blocks.items))
            return base_fail_memory(s->ctx);
        for (; p->blocks.count < s->block; p->blocks.count++)
            for (int k = 0; k < ALIGN_PAIRS; k++)
                p->blocks.items[p->blocks.count][k] = (align_belief){NAN, NAN, NAN};
        for (int k = 0; k < ALIGN_PAIRS; k++)
            p->blocks.items[s->block][k] = (align_belief){NAN, NAN, NAN};
        p->blocks.count = s->block + 1;
        if (p->last < t0) continue; /* nothing of this person here; hours may pass so */
        status = block_lags(s, p, from, t1, p->blocks.items[s->block]);
        if (status == AFFECT_OK)
            status = align_consistency_block(s, view, p, t0, t1, p->blocks.items[s->block]);
    }
    s->done = t1;
    s->block++;
    return status;
}

static affect_status place_episodes(align_stage *s, const timeline_view *view) {
    size_t kept = 0;
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < s->waiting.count; i++) {
        affect_interval e = s->waiting.items[i];
        if (status == AFFECT_OK && e.t1 <= s->done)
            status = align_tree_episode(s, view, &e);
        else
            s->waiting.items[kept++] = e;
    }
    s->waiting.count = kept;
    return status;
}

affect_status align_advance(align_stage *s, const timeline_view *view, affect_time horizon) {
    affect_status status = collect(s, view);
    for (affect_time t0 = (affect_time)s->block * ALIGN_BLOCK;
         status == AFFECT_OK && horizon >= t0 + ALIGN_BLOCK + MARGIN; t0 += ALIGN_BLOCK)
        status = understand_block(s, view, t0, t0 + ALIGN_BLOCK);
    return status == AFFECT_OK ? place_episodes(s, view) : status;
}

affect_status align_finish(align_stage *s, const timeline_view *view, affect_time end) {
    s->end = end;
    affect_status status = collect(s, view);
    for (affect_time t0 = (affect_time)s->block * ALIGN_BLOCK; status == AFFECT_OK && t0 <= end;
         t0 += ALIGN_BLOCK)
        status = understand_block(s, view, t0, BASE_MIN(t0 + ALIGN_BLOCK, end + 1));
    s->done = INT64_MAX;
    if (status == AFFECT_OK) status = place_episodes(s, view);
    for (size_t i = 0; i < s->persons.count && status == AFFECT_OK; i++)
        status = align_consistency_end(s, view, s->persons.items[i]);
    return status == AFFECT_OK ? align_tree_end(s, view) : status;
}
