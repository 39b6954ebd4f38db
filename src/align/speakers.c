/* What the tiers "speaking" and "av_offset" say, and whose what is heard is by them. */
#include <math.h>
#include <string.h>

#include "align/speaking.h"

static const affect_tier *tier_of(const timeline_view *view, const char *id) {
    for (size_t i = 0; i < view->count; i++) {
        const affect_tier *tier = affect_timeline_find_tier(view->items[i], id);
        if (tier) return tier;
    }
    return NULL;
}

const affect_tier *align_speaking_tier(const timeline_view *view) {
    return tier_of(view, "speaking");
}

affect_time align_offset_at(const timeline_view *view, affect_time time) {
    const affect_tier *tier = tier_of(view, "av_offset");
    double offset_s = 0;
    for (size_t i = 0; tier && i < tier->count && (i == 0 || tier->items[i].t0 <= time); i++)
        offset_s = affect_attributes_number(tier->items[i].attributes, "offset_s");
    return time_from_seconds(offset_s);
}

void align_speakers_in(const timeline_view *view, affect_time t0, affect_time t1,
                       align_speakers *out) {
    align_speakers_of(view, NULL, t0, t1, out);
}

void align_speakers_of(const timeline_view *view, const char *channel, affect_time t0,
                       affect_time t1, align_speakers *out) {
    *out = (align_speakers){.count = 0};
    const affect_tier *tier = align_speaking_tier(view);
    affect_time offset = tier ? align_offset_at(view, t0) : 0;
    t0 -= offset;
    t1 -= offset;
    size_t low = 0, high = tier ? tier->count : 0;
    while (low < high) { /* the first that can reach into it */
        size_t middle = low + (high - low) / 2;
        if (tier->items[middle].t0 + ALIGN_SPEAKING_LONGEST < t0)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; tier && i < tier->count && tier->items[i].t0 < t1; i++) {
        const affect_interval *in = &tier->items[i];
        affect_time time = BASE_MIN(in->t1, t1) - BASE_MAX(in->t0, t0);
        const char *own = channel ? affect_attributes_text(in->attributes, "channel") : NULL;
        if (time <= 0 || (own && strcmp(own, channel) != 0)) continue;
        out->spoken += time;
        size_t k = 0;
        while (k < out->count && out->items[k].person != in->person) k++;
        if (k == ALIGN_SPEAKERS_MOST) continue;
        if (k == out->count) {
            out->items[out->count].person = in->person;
            out->items[out->count].sure = 0;
            out->items[out->count++].time = 0;
        }
        double before = (double)out->items[k].time, more = (double)time;
        out->items[k].sure =
            (out->items[k].sure * before + (double)in->score * more) / (before + more);
        out->items[k].time += time;
        for (; k > 0 && out->items[k].time > out->items[k - 1].time; k--) {
            double sure = out->items[k].sure;
            int person = out->items[k].person;
            affect_time longer = out->items[k].time;
            out->items[k] = out->items[k - 1];
            out->items[k - 1].person = person;
            out->items[k - 1].time = longer;
            out->items[k - 1].sure = sure;
        }
    }
}

const char *align_utterance_channel(const timeline_view *view, affect_time time) {
    const affect_tier *tier = tier_of(view, "utterances");
    enum { NEAR = 16 }; /* those of two channels are nearly in order of time */
    size_t low = 0, high = tier ? tier->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tier->items[middle].t0 < time)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low > NEAR ? low - NEAR : 0; tier && i < BASE_MIN(low + NEAR, tier->count);
         i++) {
        const affect_interval *u = &tier->items[i];
        if (u->t0 + (u->t1 - u->t0) / 2 == time)
            return affect_attributes_text(u->attributes, "channel");
    }
    return NULL;
}

double align_speakers_share(const timeline_view *view, affect_time t0, affect_time t1, int person) {
    align_speakers speakers;
    align_speakers_in(view, t0, t1, &speakers);
    for (size_t k = 0; k < speakers.count; k++)
        if (speakers.items[k].person == person)
            return (double)speakers.items[k].time / (double)speakers.spoken;
    return 0;
}

/* ---- whose what is heard is ---- */

static bool is_heard(affect_modality modality) {
    return modality == AFFECT_MODALITY_VOICE || modality == AFFECT_MODALITY_WORDS;
}

static int speaker_in(const timeline_view *view, const char *channel, affect_time t0,
                      affect_time t1) {
    align_speakers speakers;
    align_speakers_of(view, channel, t0, BASE_MAX(t1, t0 + 1), &speakers);
    return speakers.count ? speakers.items[0].person : AFFECT_PERSON_NONE;
}

/* ---- utterances of several ---- */

/* The words of an utterance, in order of time: their places in the tier. */
typedef struct wording {
    affect_tier *tier;
    size_t *items;
    size_t count, capacity;
} wording;

static const affect_interval *word(const wording *w, size_t i) {
    return &w->tier->items[w->items[i]];
}

static bool collect(wording *w, const affect_interval *utterance) {
    size_t low = 0, high = w->tier->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (w->tier->items[middle].t0 < utterance->t0)
            low = middle + 1;
        else
            high = middle;
    }
    w->count = 0;
    for (size_t i = low; i < w->tier->count && w->tier->items[i].t0 <= utterance->t1; i++) {
        const char *parent = w->tier->items[i].parent;
        if (!parent || strcmp(parent, utterance->id) != 0) continue;
        if (!base_grow((void **)&w->items, &w->capacity, w->count + 1, sizeof *w->items))
            return false;
        w->items[w->count++] = i;
    }
    return true;
}

/* Words [first, end) as an utterance of their own. What was read in the whole text is not true of a part:
 * it keeps what its words say one by one. */
static affect_status make_part(affect_context *ctx, const wording *w, size_t first, size_t end,
                               affect_interval *out, base_text *text,
                               affect_attributes *attributes) {
    double valence = 0, scored = 0, score = 0;
    base_text_clear(text);
    attributes_clear(attributes);
    for (size_t i = first; i < end; i++) {
        double v = affect_attributes_number(word(w, i)->attributes, "valence");
        if (isfinite(v)) valence += v, scored++;
        score += (double)word(w, i)->score;
        base_text_printf(text, "%s%s", i > first ? " " : "", word(w, i)->label);
    }
    if (text->failed) return base_fail_memory(ctx);
    affect_status status = affect_attributes_set_boolean(ctx, attributes, "scored", scored > 0);
    if (status == AFFECT_OK && scored > 0)
        status = attributes_set_rounded(ctx, attributes, "valence", valence / scored);
    *out = (affect_interval){.t0 = word(w, first)->t0,
                             .t1 = BASE_MAX(word(w, end - 1)->t1, word(w, first)->t0),
                             .label = text->data,
                             .score = (float)(score / (double)(end - first)),
                             .person = word(w, first)->person,
                             .attributes = attributes};
    return status;
}

/* A stretch of one person's words shorter than this, inside another's, is a doubt and no turn. */
#define SHORTEST_TURN (400 * AFFECT_MILLISECOND)

/* Where the next speaker's words begin. Words of nobody in view belong to those before them. */
static size_t end_of_turn(const wording *w, size_t first) {
    int person = word(w, first)->person;
    for (size_t i = first + 1; i < w->count; i++) {
        int next = word(w, i)->person;
        if (person == AFFECT_PERSON_NONE) person = next;
        if (next == AFFECT_PERSON_NONE || next == person) continue;
        size_t end = i;
        while (end + 1 < w->count && word(w, end + 1)->person == next) end++;
        if (word(w, end)->t1 - word(w, i)->t0 >= SHORTEST_TURN) return i;
        i = end;
    }
    return w->count;
}

static affect_status divide(affect_context *ctx, affect_tier *utterances, size_t u, wording *w) {
    base_text text = {0}, id = {0};
    affect_attributes *attributes = NULL;
    affect_status status = affect_attributes_create(ctx, &attributes);
    size_t end = end_of_turn(w, 0);
    bool several = end < w->count;
    for (size_t first = 0; several && first < w->count && status == AFFECT_OK; first = end) {
        affect_interval part;
        end = end_of_turn(w, first);
        status = make_part(ctx, w, first, end, &part, &text, attributes);
        base_text_clear(&id);
        if (first == 0)
            base_text_append(&id, utterances->items[u].id);
        else
            tier_take_id(utterances, &id);
        if (status == AFFECT_OK && id.failed) status = base_fail_memory(ctx);
        if (status != AFFECT_OK) break;
        part.id = id.data;
        /* The first part keeps id and place. */
        status =
            first ? tier_append(ctx, utterances, &part) : tier_replace(ctx, utterances, u, &part);
        for (size_t i = first; first && i < end && status == AFFECT_OK; i++) {
            affect_interval own = *word(w, i);
            own.parent = id.data;
            status = tier_replace(ctx, w->tier, w->items[i], &own);
        }
    }
    affect_attributes_destroy(attributes);
    base_text_destroy(&text);
    base_text_destroy(&id);
    return status;
}

static affect_status divide_all(affect_context *ctx, affect_timeline *timeline) {
    affect_tier *utterances = (affect_tier *)affect_timeline_find_tier(timeline, "utterances");
    wording w = {.tier = (affect_tier *)affect_timeline_find_tier(timeline, "words")};
    affect_status status = AFFECT_OK;
    size_t count = utterances && w.tier ? utterances->count : 0;
    for (size_t u = 0; u < count && status == AFFECT_OK; u++) {
        const affect_attributes *a = utterances->items[u].attributes;
        /* Who a transcript names is known better; times that were made up tell of no change. */
        if (affect_attributes_text(a, "speaker") ||
            affect_attributes_boolean(a, "interpolated", 0) == 1)
            continue;
        if (!collect(&w, &utterances->items[u]))
            status = base_fail_memory(ctx);
        else if (w.count > 1)
            status = divide(ctx, utterances, u, &w);
    }
    base_free(w.items);
    return status;
}

/* Voices of nobody in view get the lowest numbers that are free, in order of their own. */
static affect_status number_voices(affect_context *ctx, affect_timeline *timeline) {
    const affect_tier *speaking = affect_timeline_find_tier(timeline, "speaking");
    int most = 0, voices = 0;
    for (size_t i = 0; i < timeline->track_count; i++)
        if (timeline->tracks[i]->person < ALIGN_VOICE_FIRST)
            most = BASE_MAX(most, timeline->tracks[i]->person);
    for (size_t i = 0; i < timeline->person_count; i++)
        if (timeline->persons[i].id < ALIGN_VOICE_FIRST)
            most = BASE_MAX(most, timeline->persons[i].id);
    for (size_t i = 0; i < speaking->count; i++) {
        if (speaking->items[i].person < ALIGN_VOICE_FIRST)
            most = BASE_MAX(most, speaking->items[i].person);
        else
            voices = BASE_MAX(voices, speaking->items[i].person - ALIGN_VOICE_FIRST + 1);
    }
    affect_status status = AFFECT_OK;
    for (int v = 0; v < voices && status == AFFECT_OK; v++) {
        bool there = false;
        for (size_t i = 0; i < speaking->count && !there; i++)
            there = speaking->items[i].person == ALIGN_VOICE_FIRST + v;
        if (there) status = timeline_renumber(ctx, timeline, ALIGN_VOICE_FIRST + v, ++most);
    }
    return status;
}

affect_status align_speakers_apply(affect_context *ctx, affect_timeline *timeline) {
    timeline_view view = {(const affect_timeline *const[]){timeline}, 1};
    if (!align_speaking_tier(&view)) return AFFECT_OK;
    for (size_t i = 0; i < timeline->tier_count; i++) {
        affect_tier *tier = timeline->tiers[i];
        for (size_t k = 0; k < tier->count && is_heard(tier->modality); k++)
            if (tier->items[k].person == AFFECT_PERSON_NONE)
                tier->items[k].person =
                    speaker_in(&view, affect_attributes_text(tier->items[k].attributes, "channel"),
                               tier->items[k].t0, tier->items[k].t1);
    }
    for (size_t i = 0; i < timeline->event_count; i++) {
        affect_event *e = &timeline->events[i];
        if (e->person == AFFECT_PERSON_NONE && is_heard(e->modality))
            e->person = speaker_in(&view, NULL, e->onset, e->offset);
    }
    affect_status status = divide_all(ctx, timeline);
    return status == AFFECT_OK ? number_voices(ctx, timeline) : status;
}
