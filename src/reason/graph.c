/* The evidence graph: everything that can be cited, by id, by time and by link, and the levels of
 * the tracks between two instants. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reason/reason_private.h"

const char *const reason_dimension_names[] = {"valence", "arousal", "dominance", "pitch",
                                              "loudness"};

/* ---- building ---- */

static int by_id(const void *a, const void *b) {
    return strcmp(((const reason_node *)a)->id, ((const reason_node *)b)->id);
}

static int by_time(const void *a, const void *b) {
    const reason_node *x = *(const reason_node *const *)a, *y = *(const reason_node *const *)b;
    if (x->t0 != y->t0) return x->t0 < y->t0 ? -1 : 1;
    return strcmp(x->id, y->id);
}

static int by_number(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

bool reason_is_episode(const reason_node *node) {
    return node->interval &&
           (strcmp(node->tier, "episodes") == 0 || strcmp(node->tier, "emotions") == 0);
}

static bool add_person(reason_graph *g, int person) {
    if (person == AFFECT_PERSON_NONE || reason_graph_has_person(g, person)) return true;
    if (!base_grow((void **)&g->persons, &g->person_capacity, g->person_count + 1,
                   sizeof *g->persons))
        return false;
    g->persons[g->person_count++] = person;
    return true;
}

/* A side of a contradiction is of the modality that it names; a tier without a modality of its own
 * speaks for the one that its name says. */
static affect_modality modality_of(const affect_tier *tier, const affect_interval *v) {
    const char *own = strcmp(tier->id, "contradictions") == 0
                          ? affect_attributes_text(v->attributes, "modality")
                          : NULL;
    for (affect_modality m = AFFECT_MODALITY_FACE; own && m <= AFFECT_MODALITY_FUSED; m++)
        if (strcmp(own, affect_modality_name(m)) == 0) return m;
    if (tier->modality != AFFECT_MODALITY_NONE) return tier->modality;
    if (strcmp(tier->id, "words") == 0 || strcmp(tier->id, "utterances") == 0)
        return AFFECT_MODALITY_WORDS;
    if (strcmp(tier->id, "speech") == 0 || strcmp(tier->id, "speakers") == 0 ||
        strcmp(tier->id, "speaking") == 0)
        return AFFECT_MODALITY_VOICE;
    if (strcmp(tier->id, "episodes") == 0 || strcmp(tier->id, "emotions") == 0)
        return AFFECT_MODALITY_FUSED;
    return AFFECT_MODALITY_NONE;
}

/* The emotion of an utterance, as its words tell it. */
static void read_turn(const reason_node *node, reason_turn *turn) {
    const affect_interval *v = node->interval;
    const affect_value *labels = affect_attributes_find(v->attributes, "labels");
    const affect_value *scores = affect_attributes_find(v->attributes, "label_scores");
    turn->text = v->label ? v->label : "";
    turn->speaker = v->person;
    for (size_t i = 0; i < affect_value_count(labels); i++) {
        const char *label = affect_value_text(affect_value_item(labels, i));
        double score = affect_value_number(affect_value_item(scores, i));
        int c = label ? category_of_label(label) : -1;
        if (c >= 0 && score > turn->emotion[c]) turn->emotion[c] = fmin(score, 1);
    }
}

affect_status reason_graph_build(const affect_reasoner *reasoner, const affect_timeline *timeline,
                                 reason_graph *out) {
    affect_context *ctx = reasoner->ctx;
    *out = (reason_graph){.model = reasoner->turns};
    affect_status status = timeline_resolve(ctx, timeline, &out->made, &out->timeline);
    if (status != AFFECT_OK) return status;
    const affect_timeline *t = out->timeline;
    size_t most = t->event_count;
    for (size_t i = 0; i < t->tier_count; i++) most += t->tiers[i]->count;
    out->nodes = base_calloc(most + 1, sizeof *out->nodes);
    out->events = base_calloc(most + 1, sizeof *out->events);
    out->episodes = base_calloc(most + 1, sizeof *out->episodes);
    out->utterances = base_calloc(most + 1, sizeof *out->utterances);
    out->turns = base_calloc(most + 1, sizeof *out->turns);
    bool whole = out->nodes && out->events && out->episodes && out->utterances && out->turns;
    for (size_t i = 0; whole && i < t->tier_count; i++)
        for (size_t k = 0; k < t->tiers[i]->count; k++) {
            const affect_interval *v = &t->tiers[i]->items[k];
            out->nodes[out->count++] = (reason_node){.id = v->id,
                                                     .t0 = v->t0,
                                                     .apex = v->t0,
                                                     .t1 = v->t1,
                                                     .modality = modality_of(t->tiers[i], v),
                                                     .person = v->person,
                                                     .interval = v,
                                                     .tier = t->tiers[i]->id};
            whole = whole && add_person(out, v->person);
        }
    for (size_t i = 0; whole && i < t->event_count; i++) {
        const affect_event *e = &t->events[i];
        out->nodes[out->count++] = (reason_node){.id = e->id,
                                                 .t0 = e->onset,
                                                 .apex = e->apex,
                                                 .t1 = e->offset,
                                                 .modality = e->modality,
                                                 .person = e->person,
                                                 .strength = (double)e->strength * e->confidence,
                                                 .event = e,
                                                 .tier = ""};
        whole = add_person(out, e->person);
    }
    for (size_t i = 0; whole && i < t->track_count; i++)
        whole = add_person(out, t->tracks[i]->person);
    for (size_t i = 0; whole && i < t->person_count; i++)
        if (t->persons[i].merged_into == AFFECT_PERSON_NONE)
            whole = add_person(out, t->persons[i].id);
    if (!whole) {
        reason_graph_clear(out);
        return base_fail_memory(ctx);
    }
    qsort(out->nodes, out->count, sizeof *out->nodes, by_id);
    for (size_t i = 0; i < out->count; i++) {
        if (out->nodes[i].event) out->events[out->event_count++] = &out->nodes[i];
        if (reason_is_episode(&out->nodes[i])) out->episodes[out->episode_count++] = &out->nodes[i];
        if (strcmp(out->nodes[i].tier, "utterances") == 0)
            out->utterances[out->utterance_count++] = &out->nodes[i];
    }
    qsort(out->events, out->event_count, sizeof *out->events, by_time);
    qsort(out->episodes, out->episode_count, sizeof *out->episodes, by_time);
    qsort(out->utterances, out->utterance_count, sizeof *out->utterances, by_time);
    for (size_t i = 0; i < out->utterance_count; i++) read_turn(out->utterances[i], &out->turns[i]);
    if (out->person_count) qsort(out->persons, out->person_count, sizeof *out->persons, by_number);
    return AFFECT_OK;
}

void reason_graph_clear(reason_graph *g) {
    base_free(g->nodes);
    base_free(g->events);
    base_free(g->episodes);
    base_free(g->utterances);
    base_free(g->turns);
    base_free(g->persons);
    affect_timeline_destroy(g->made);
    *g = (reason_graph){0};
}

/* ---- finding ---- */

const reason_node *reason_graph_find(const reason_graph *g, const char *id) {
    const reason_node key = {.id = id};
    return g->count ? bsearch(&key, g->nodes, g->count, sizeof key, by_id) : NULL;
}

bool reason_graph_has_person(const reason_graph *g, int person) {
    for (size_t i = 0; i < g->person_count; i++)
        if (g->persons[i] == person) return true;
    return false;
}

const affect_link *reason_graph_link(const reason_graph *g, affect_link_kind kind, const char *a,
                                     const char *b) {
    for (size_t i = 0; i < g->timeline->link_count; i++) {
        const affect_link *l = &g->timeline->links[i];
        if (l->kind != kind) continue;
        if ((strcmp(l->from, a) == 0 && strcmp(l->to, b) == 0) ||
            (strcmp(l->from, b) == 0 && strcmp(l->to, a) == 0))
            return l;
    }
    return NULL;
}

const reason_node *reason_episode_at(const reason_graph *g, int person, affect_time time) {
    const reason_node *found = NULL;
    for (size_t i = 0; i < g->episode_count && g->episodes[i]->t0 <= time; i++)
        if ((person == AFFECT_PERSON_NONE || g->episodes[i]->person == person) &&
            g->episodes[i]->t1 >= time)
            found = g->episodes[i];
    return found;
}

const reason_node *reason_episode_before(const reason_graph *g, const reason_node *episode) {
    const reason_node *found = NULL;
    for (size_t i = 0; i < g->episode_count && g->episodes[i] != episode; i++)
        if (g->episodes[i]->person == episode->person) found = g->episodes[i];
    return found;
}

/* ---- levels ---- */

double reason_moved(int dimension) {
    if (dimension == REASON_PITCH) return 1.0;    /* semitones */
    if (dimension == REASON_LOUDNESS) return 1.0; /* decibels */
    return 0.05;
}

double reason_steady(int dimension) { return dimension >= REASON_PITCH ? 2.0 : 0.1; }

static const affect_track *track_of(const reason_graph *g, int person, affect_modality modality,
                                    int dimension) {
    if (dimension >= REASON_PITCH)
        return timeline_role(g->timeline, TRACK_ROLE_PROSODY, AFFECT_MODALITY_VOICE,
                             AFFECT_PERSON_NONE);
    track_role role = modality == AFFECT_MODALITY_FUSED ? TRACK_ROLE_TRAJECTORY : TRACK_ROLE_AFFECT;
    const affect_track *track = timeline_role(g->timeline, role, modality, person);
    if (!track && person != AFFECT_PERSON_NONE && g->person_count < 2)
        track = timeline_role(g->timeline, role, modality, AFFECT_PERSON_NONE);
    return track;
}

/* Who speaks when, where a voice may be one of several persons': NULL where it can be nobody else's. */
static const affect_tier *speech_of(const reason_graph *g, int person, int dimension) {
    const affect_tier *tier;
    if (dimension < REASON_PITCH || person == AFFECT_PERSON_NONE || g->person_count < 2)
        return NULL;
    tier = affect_timeline_find_tier(g->timeline, "speaking");
    return tier && tier->count ? tier : affect_timeline_find_tier(g->timeline, "utterances");
}

/* Does the person speak then? `tier` of speech_of. */
static bool speaks(const affect_timeline *t, const affect_tier *tier, int person,
                   affect_time time) {
    for (size_t i = 0; i < tier->count && tier->items[i].t0 <= time; i++)
        if (tier->items[i].t1 > time && tier->items[i].person &&
            affect_timeline_resolve_person(t, tier->items[i].person) == person)
            return true;
    return false;
}

bool reason_level(const reason_graph *g, int person, affect_modality modality, int dimension,
                  affect_time t0, affect_time t1, double *mean, double *sd) {
    static const char *const channels[] = {"valence", "arousal", "dominance", "f0_hz", "energy_db"};
    static const char *const deviations[] = {"valence_sd", "arousal_sd", "dominance_sd", "", ""};
    const affect_track *track = track_of(g, person, modality, dimension);
    size_t c = affect_track_find_channel(track, channels[dimension]);
    size_t d = affect_track_find_channel(track, deviations[dimension]);
    const affect_tier *speech = speech_of(g, person, dimension);
    double weight = 0, sum = 0, spread = 0;
    if (!track || c == AFFECT_CHANNEL_NONE) return false;
    for (size_t i = track_row_at(track, t0);
         i < track->rows && track->times[i] < BASE_MAX(t1, t0 + 1); i++) {
        const float *row = track->values + i * track->channel_count;
        double w = track->confidence[i], value = row[c];
        if (!(w > 0) || !isfinite(value)) continue;
        if (speech && !speaks(g->timeline, speech, person, track->times[i])) continue;
        if (dimension == REASON_PITCH) {
            if (!(value > 0)) continue;
            value = 12 * log2(value / 100);
        }
        weight += w;
        sum += w * value;
        spread += w * (d != AFFECT_CHANNEL_NONE && isfinite(row[d]) ? (double)row[d] : 0);
    }
    if (!(weight > 0)) return false;
    *mean = sum / weight;
    *sd = spread / weight;
    return true;
}

bool reason_episode_level(const reason_graph *g, const reason_node *episode, int dimension,
                          double *mean, double *sd) {
    static const char *const deviations[] = {"valence_sd", "arousal_sd", "dominance_sd"};
    if (dimension <= REASON_DOMINANCE && episode->interval) {
        const affect_attributes *a = episode->interval->attributes;
        *mean = affect_attributes_number(a, reason_dimension_names[dimension]);
        *sd = affect_attributes_number(a, deviations[dimension]);
        if (!isfinite(*sd)) *sd = 0;
        if (isfinite(*mean)) return true;
    }
    return reason_level(g, episode->person, AFFECT_MODALITY_FUSED, dimension, episode->t0,
                        episode->t1, mean, sd);
}

/* From the first to after the last row of the person's voice in a stretch: what a voice does between begins and ends
 * where it is heard. */
static bool voiced(const reason_graph *g, int person, int dimension, affect_time *t0,
                   affect_time *t1) {
    const affect_track *track = track_of(g, person, AFFECT_MODALITY_FUSED, dimension);
    const size_t c =
        affect_track_find_channel(track, dimension == REASON_PITCH ? "f0_hz" : "energy_db");
    const affect_tier *speech = speech_of(g, person, dimension);
    affect_time first = AFFECT_TIME_NONE, last = AFFECT_TIME_NONE;
    if (!track || c == AFFECT_CHANNEL_NONE) return false;
    for (size_t i = track_row_at(track, *t0); i < track->rows && track->times[i] < *t1; i++) {
        if (track->times[i] < *t0 || !(track->confidence[i] > 0) ||
            !isfinite(track->values[i * track->channel_count + c]) ||
            (speech && !speaks(g->timeline, speech, person, track->times[i])))
            continue;
        if (first == AFFECT_TIME_NONE) first = track->times[i];
        last = track->times[i];
    }
    if (first == AFFECT_TIME_NONE || last - first < 200 * AFFECT_MILLISECOND) return false;
    *t0 = first;
    *t1 = last + AFFECT_MILLISECOND;
    return true;
}

bool reason_change(const reason_graph *g, int person, affect_modality modality, int dimension,
                   affect_time t0, affect_time t1, double *change) {
    double first, last, sd;
    if (dimension >= REASON_PITCH && !voiced(g, person, dimension, &t0, &t1)) return false;
    const affect_time part = (t1 - t0) / 4;
    if (!reason_level(g, person, modality, dimension, t0, t0 + part, &first, &sd) ||
        !reason_level(g, person, modality, dimension, t1 - part, t1, &last, &sd))
        return false;
    *change = last - first;
    return true;
}

const char *reason_kind_phrase(const char *kind) {
    static const char *const phrases[][2] = {{"smile", "smile"},
                                             {"brow_raise", "raise of the eyebrows"},
                                             {"brow_furrow", "frown"},
                                             {"blink", "blink"},
                                             {"micro_expression", "micro-expression"},
                                             {"pitch_rise", "rise of pitch"},
                                             {"pitch_fall", "fall of pitch"},
                                             {"emphasis", "stressed stretch"},
                                             {"pause", "pause"},
                                             {"negation", "negation"},
                                             {"intensifier", "intensifier"},
                                             {"swearing", "swear word"},
                                             {"laughter", "laugh"},
                                             {"contradiction", "contradiction"}};
    for (size_t i = 0; i < BASE_COUNT(phrases); i++)
        if (strcmp(kind, phrases[i][0]) == 0) return phrases[i][1];
    return kind;
}
