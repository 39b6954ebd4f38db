/* The nodes of the tree: recording, episodes, utterances, and moments, which are events of several
 * modalities that belong together. */
#include <math.h>
#include <string.h>

#include "align/align_private.h"

enum { RECORDING, EPISODES, UTTERANCES, MOMENTS };
enum { MODALITIES = 3, MOST_MEMBERS = 1000 };
/* An episode that fills its block has no other data than the block: it is searched by itself. */
static const double MOST_OF_BLOCK = 0.7;
static const char *const pair_names[ALIGN_PAIRS] = {"face_voice", "face_words", "voice_words"};

/* ---- attributes ---- */

static affect_status put_belief(affect_context *ctx, affect_attributes *a, int pair,
                                const align_belief *b) {
    char key[48];
    if (!isfinite(b->lag_s) || !isfinite(b->sd_s)) return AFFECT_OK;
    snprintf(key, sizeof key, "lag_%s_s", pair_names[pair]);
    affect_status status = attributes_set_rounded(ctx, a, key, b->lag_s);
    snprintf(key, sizeof key, "lag_%s_sd_s", pair_names[pair]);
    if (status == AFFECT_OK) status = attributes_set_rounded(ctx, a, key, b->sd_s);
    snprintf(key, sizeof key, "lag_%s_p", pair_names[pair]);
    if (status == AFFECT_OK && isfinite(b->p)) status = attributes_set_rounded(ctx, a, key, b->p);
    return status;
}

static affect_status put_members(affect_context *ctx, affect_attributes *a,
                                 affect_modality modality, const char *const *ids, size_t count) {
    char key[32];
    snprintf(key, sizeof key, "members_%s", affect_modality_name(modality));
    if (!count) return AFFECT_OK;
    return affect_attributes_set_texts(ctx, a, key, ids, BASE_MIN(count, MOST_MEMBERS));
}

/* Mean agreement in [t0, t1), all pairs together; NaN where nothing was compared. */
static float agreement(const align_person *p, affect_time t0, affect_time t1) {
    double sum = 0, n = 0;
    const affect_track *track = p->consistency;
    for (size_t i = track ? track_row_at(track, t0) : 0;
         track && i < track->rows && track->times[i] < BASE_MAX(t1, t0 + 1); i++)
        for (size_t k = 0; k < ALIGN_PAIRS; k++) {
            double value = track->values[i * track->channel_count + k];
            if (isfinite(value)) sum += value, n++;
        }
    return n > 0 ? (float)(sum / n) : NAN;
}

/* ---- one part of time: its events and what they say of lags ---- */

typedef struct part {
    affect_time t0, t1;
    size_t count[MODALITIES];
    affect_align_event *events[MODALITIES];
    size_t *index[MODALITIES]; /* of the happening */
    const char **ids;          /* scratch */
    align_belief lags[ALIGN_PAIRS];
    affect_align_match *matches; /* of all pairs, one after the other */
    size_t match_count[ALIGN_PAIRS];
} part;

static void part_destroy(part *x) {
    base_free(x->events[0]);
    base_free(x->index[0]);
    base_free(x->ids);
    base_free(x->matches);
}

static affect_status part_make(const align_stage *s, int person, affect_time t0, affect_time t1,
                               const align_belief *parents, part *out) {
    size_t room = align_happening_at(s, t1) - align_happening_at(s, t0) + 1;
    *out = (part){.t0 = t0, .t1 = t1};
    affect_align_event *events = out->events[0] =
        base_alloc(MODALITIES * room * sizeof **out->events);
    size_t *index = out->index[0] = base_alloc(MODALITIES * room * sizeof **out->index);
    out->ids = base_alloc(room * sizeof *out->ids);
    affect_align_match *matches = out->matches =
        base_alloc(ALIGN_PAIRS * room * sizeof *out->matches);
    if (!events || !index || !out->ids || !matches) return base_fail_memory(s->ctx);
    for (int m = 0; m < MODALITIES; m++) {
        out->events[m] = events + (size_t)m * room;
        out->index[m] = index + (size_t)m * room;
        out->count[m] = align_events_of(s, person, (affect_modality)(m + 1), t0, t1, out->events[m],
                                        out->index[m]);
    }
    affect_status status = AFFECT_OK;
    for (int k = 0; k < ALIGN_PAIRS && status == AFFECT_OK; k++) {
        int a = (int)align_pair_of[k][0] - 1, b = (int)align_pair_of[k][1] - 1;
        status =
            align_node_lag(s->ctx, out->events[a], out->count[a], out->events[b], out->count[b],
                           time_to_seconds(t0), time_to_seconds(t1), parents ? &parents[k] : NULL,
                           &out->lags[k], matches, &out->match_count[k]);
        matches += out->match_count[k];
    }
    return status;
}

/* Appends the node; its label, id, parent and the interval that it stands for (or NULL). */
static affect_status put_node(align_stage *s, const align_person *p, part *x, int level,
                              const char *label, const char *id, const char *parent,
                              const char *stands_for) {
    affect_attributes *a;
    affect_status status = affect_attributes_create(s->ctx, &a);
    if (status == AFFECT_OK && stands_for)
        status = affect_attributes_set_text(s->ctx, a, "node", stands_for);
    for (int m = 0; m < MODALITIES && status == AFFECT_OK; m++) {
        for (size_t i = 0; i < x->count[m]; i++) x->ids[i] = s->happenings.items[x->index[m][i]].id;
        status = put_members(s->ctx, a, (affect_modality)(m + 1), x->ids, x->count[m]);
    }
    for (int k = 0; k < ALIGN_PAIRS && status == AFFECT_OK; k++)
        status = put_belief(s->ctx, a, k, &x->lags[k]);
    if (status == AFFECT_OK)
        status = tier_append(s->ctx, s->nodes[level],
                             &(affect_interval){.t0 = x->t0,
                                                .t1 = x->t1,
                                                .label = label,
                                                .score = agreement(p, x->t0, x->t1),
                                                .person = p->number,
                                                .id = id,
                                                .parent = parent,
                                                .attributes = a});
    affect_attributes_destroy(a);
    return status;
}

/* ---- utterances ---- */

typedef struct utterance {
    affect_time t0, t1;
    char id[80];
} utterance;

typedef struct utterance_list {
    utterance *items;
    size_t count, capacity;
} utterance_list;

/* Nodes for the person's utterances whose middles lie in [t0, t1) and that have none yet. */
static affect_status put_utterances(align_stage *s, const timeline_view *view,
                                    const align_person *p, affect_time t0, affect_time t1,
                                    const align_belief *parents, const char *parent,
                                    utterance_list *list) {
    affect_status status = AFFECT_OK;
    size_t base = 0;
    for (size_t i = 0; i < view->count; i++) {
        const affect_tier *tier = affect_timeline_find_tier(view->items[i], "utterances");
        if (!tier) continue;
        size_t had = s->placed.count, needed = base + tier->count;
        if (!base_grow((void **)&s->placed.items, &s->placed.capacity, needed + 1,
                       sizeof *s->placed.items))
            return base_fail_memory(s->ctx);
        for (; had < needed; had++) s->placed.items[had] = false;
        s->placed.count = BASE_MAX(s->placed.count, needed);
        for (size_t k = 0; k < tier->count && status == AFFECT_OK; k++) {
            const affect_interval *u = &tier->items[k];
            affect_time middle = u->t0 + (u->t1 - u->t0) / 2;
            if (middle < t0 || middle >= t1 || s->placed.items[base + k]) continue;
            int whose = u->person != AFFECT_PERSON_NONE ? u->person : align_speaker(view, middle);
            if (whose != p->number) continue;
            s->placed.items[base + k] = true;
            if (!base_grow((void **)&list->items, &list->capacity, list->count + 1,
                           sizeof *list->items))
                return base_fail_memory(s->ctx);
            utterance *new = &list->items[list->count++];
            *new = (utterance){.t0 = u->t0, .t1 = u->t1};
            snprintf(new->id, sizeof new->id, "a%.70s", u->id);
            part x;
            status = part_make(s, p->number, u->t0, BASE_MAX(u->t1, u->t0 + 1), parents, &x);
            x.t1 = u->t1;
            if (status == AFFECT_OK)
                status = put_node(s, p, &x, UTTERANCES, "utterance", new->id, parent, u->id);
            part_destroy(&x);
        }
        base += tier->count;
    }
    return status;
}

/* ---- moments ---- */

/* Groups of happenings, by the least index in the group. */
static size_t root_of(const size_t *group, size_t k) {
    while (group[k] != k) k = group[k];
    return k;
}

static affect_status put_matches(align_stage *s, const align_person *p, const part *x,
                                 size_t *group, size_t first) {
    affect_status status = AFFECT_OK;
    const affect_align_match *match = x->matches;
    for (int k = 0; k < ALIGN_PAIRS; k++) {
        size_t a = (size_t)align_pair_of[k][0] - 1, b = (size_t)align_pair_of[k][1] - 1;
        /* A match is worth less where so many of them could be chance. */
        double sure = isfinite(x->lags[k].p) ? 1.0 - x->lags[k].p : 0.5;
        for (size_t i = 0; i < x->match_count[k] && status == AFFECT_OK; i++, match++) {
            size_t from = x->index[a][match->a], to = x->index[b][match->b];
            size_t ra = root_of(group, from - first), rb = root_of(group, to - first);
            group[BASE_MAX(ra, rb)] = BASE_MIN(ra, rb);
            double own = hypot(x->events[a][match->a].sd_s, x->events[b][match->b].sd_s);
            status = timeline_add_link(
                s->ctx, s->out,
                &(affect_link){.from = s->happenings.items[from].id,
                               .to = s->happenings.items[to].id,
                               .kind = AFFECT_LINK_MATCHES,
                               .lag = time_from_seconds(match->lag_s),
                               .lag_sd = time_from_seconds(hypot(own, M_SQRT2 * ALIGN_APEX_SD_S)),
                               .score = (float)(match->score * sure),
                               .person = p->number});
        }
    }
    return status;
}

/* The node of the happenings of group `root`, where they are several. */
static affect_status put_moment(align_stage *s, const align_person *p, const part *episode,
                                const size_t *group, size_t first, size_t root, size_t end,
                                const utterance_list *utterances, const char *parent) {
    const char *ids[MODALITIES][8];
    affect_align_event ends[MODALITIES];
    size_t count[MODALITIES] = {0}, all = 0;
    affect_time t0 = INT64_MAX, t1 = INT64_MIN;
    base_text label = {0};
    for (size_t k = root; k < end; k++) {
        const align_happening *h = &s->happenings.items[first + k];
        size_t m = (size_t)h->modality - 1;
        if (root_of(group, k) != root || count[m] == BASE_COUNT(ids[m])) continue;
        ids[m][count[m]++] = h->id;
        ends[m] = h->event;
        t0 = BASE_MIN(t0, h->onset);
        t1 = BASE_MAX(t1, h->offset);
        base_text_printf(&label, "%s%s", all++ ? " + " : "", h->kind);
    }
    if (all < 2) {
        base_text_destroy(&label);
        return AFFECT_OK;
    }
    affect_attributes *a = NULL;
    affect_status status =
        label.failed ? base_fail_memory(s->ctx) : affect_attributes_create(s->ctx, &a);
    for (int m = 0; m < MODALITIES && status == AFFECT_OK; m++)
        status = put_members(s->ctx, a, (affect_modality)(m + 1), ids[m], count[m]);
    for (int k = 0; k < ALIGN_PAIRS && status == AFFECT_OK; k++) {
        size_t x = (size_t)align_pair_of[k][0] - 1, y = (size_t)align_pair_of[k][1] - 1;
        if (!count[x] || !count[y]) continue;
        double own = hypot(ends[x].sd_s, ends[y].sd_s);
        status =
            put_belief(s->ctx, a, k,
                       &(align_belief){ends[y].time_s - ends[x].time_s,
                                       hypot(own, M_SQRT2 * ALIGN_APEX_SD_S), episode->lags[k].p});
    }
    affect_time middle = t0 + (t1 - t0) / 2;
    for (size_t u = 0; u < utterances->count; u++)
        if (middle >= utterances->items[u].t0 && middle < utterances->items[u].t1)
            parent = utterances->items[u].id;
    char id[80];
    snprintf(id, sizeof id, "am-%.70s", s->happenings.items[first + root].id);
    if (status == AFFECT_OK)
        status = tier_append(s->ctx, s->nodes[MOMENTS],
                             &(affect_interval){.t0 = t0,
                                                .t1 = t1,
                                                .label = label.data,
                                                .score = agreement(p, t0, t1),
                                                .person = p->number,
                                                .id = id,
                                                .parent = parent,
                                                .attributes = a});
    affect_attributes_destroy(a);
    base_text_destroy(&label);
    return status;
}

static affect_status put_moments(align_stage *s, const align_person *p, const part *x,
                                 const utterance_list *utterances, const char *parent) {
    size_t first = align_happening_at(s, x->t0), end = align_happening_at(s, x->t1) - first;
    size_t *group = base_alloc(BASE_MAX(end, 1) * sizeof *group);
    if (!group) return base_fail_memory(s->ctx);
    for (size_t k = 0; k < end; k++) group[k] = k;
    affect_status status = put_matches(s, p, x, group, first);
    for (size_t k = 0; k < end && status == AFFECT_OK; k++)
        if (group[k] == k) status = put_moment(s, p, x, group, first, k, end, utterances, parent);
    base_free(group);
    return status;
}

/* ---- episodes and recordings ---- */

static align_person *person_of(const align_stage *s, int number) {
    for (size_t i = 0; i < s->persons.count; i++)
        if (s->persons.items[i]->number == number) return s->persons.items[i];
    return NULL;
}

affect_status align_tree_episode(align_stage *s, const timeline_view *view,
                                 const affect_interval *episode) {
    const align_person *p = person_of(s, episode->person);
    if (!p || !p->blocks.count) return AFFECT_OK;
    affect_time t0 = episode->t0, t1 = episode->t1, middle = t0 + (t1 - t0) / 2;
    size_t block = BASE_MIN((size_t)(BASE_MAX(middle, 0) / ALIGN_BLOCK), p->blocks.count - 1);
    affect_time block_end = BASE_MIN((affect_time)(block + 1) * ALIGN_BLOCK, s->end);
    affect_time block_length = BASE_MAX(block_end - (affect_time)block * ALIGN_BLOCK, 1);
    bool alone = (double)(t1 - t0) > MOST_OF_BLOCK * (double)block_length;
    char id[80], parent[32];
    snprintf(id, sizeof id, "a%.70s", episode->id);
    snprintf(parent, sizeof parent, "ar%d", p->number);
    utterance_list utterances = {0};
    part x;
    affect_status status = part_make(s, p->number, t0, BASE_MAX(t1, t0 + 1),
                                     alone ? NULL : p->blocks.items[block], &x);
    if (status == AFFECT_OK) status = put_utterances(s, view, p, t0, t1, x.lags, id, &utterances);
    if (status == AFFECT_OK) status = put_moments(s, p, &x, &utterances, id);
    x.t1 = t1;
    if (status == AFFECT_OK)
        status = put_node(s, p, &x, EPISODES, "episode", id, parent, episode->id);
    part_destroy(&x);
    base_free(utterances.items);
    return status;
}

/* All blocks together: the lags weighted by their precision, their own spread in the error, and
 * Fisher's combination of the p-values (the survival function of chi-squared with even degrees). */
static align_belief blocks_joined(const align_person *p, int pair) {
    double weight = 0, sum = 0, spread = 0, log_p = 0, n = 0, tested = 0;
    bool any = false;
    for (size_t b = 0; b < p->blocks.count; b++) any |= align_claimed(&p->blocks.items[b][pair]);
    for (size_t b = 0; b < p->blocks.count; b++) {
        const align_belief *x = &p->blocks.items[b][pair];
        if (isfinite(x->p)) log_p += log(fmax(x->p, 1e-12)), tested++;
        if (!isfinite(x->lag_s) || !(x->sd_s > 0) || (any && !align_claimed(x))) continue;
        double w = 1 / (x->sd_s * x->sd_s);
        weight += w;
        sum += w * x->lag_s;
        n++;
    }
    align_belief out = {NAN, NAN, NAN};
    if (!(weight > 0)) return out;
    out.lag_s = sum / weight;
    for (size_t b = 0; b < p->blocks.count; b++) {
        const align_belief *x = &p->blocks.items[b][pair];
        if (!isfinite(x->lag_s) || !(x->sd_s > 0) || (any && !align_claimed(x))) continue;
        spread += (x->lag_s - out.lag_s) * (x->lag_s - out.lag_s) / (x->sd_s * x->sd_s);
    }
    out.sd_s = sqrt(fmax(n > 1 ? spread / (n - 1) : 1, 1) / weight);
    if (tested > 0) {
        double term = 1, tail = 1;
        for (double k = 1; k < tested; k++) tail += term *= -log_p / k;
        out.p = fmin(tail * exp(log_p), 1);
    }
    return out;
}

affect_status align_tree_end(align_stage *s, const timeline_view *view) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < s->persons.count && status == AFFECT_OK; i++) {
        const align_person *p = s->persons.items[i];
        align_belief lags[ALIGN_PAIRS];
        char id[32];
        snprintf(id, sizeof id, "ar%d", p->number);
        for (int k = 0; k < ALIGN_PAIRS; k++) lags[k] = blocks_joined(p, k);
        utterance_list rest = {0};
        status = put_utterances(s, view, p, INT64_MIN, INT64_MAX, lags, id, &rest);
        base_free(rest.items);
        affect_attributes *a = NULL;
        if (status == AFFECT_OK) status = affect_attributes_create(s->ctx, &a);
        for (int k = 0; k < ALIGN_PAIRS && status == AFFECT_OK; k++)
            status = put_belief(s->ctx, a, k, &lags[k]);
        if (status == AFFECT_OK && p->first <= p->last)
            status = tier_append(s->ctx, s->nodes[RECORDING],
                                 &(affect_interval){.t0 = p->first,
                                                    .t1 = p->last,
                                                    .label = "recording",
                                                    .score = agreement(p, p->first, p->last + 1),
                                                    .person = p->number,
                                                    .id = id,
                                                    .attributes = a});
        affect_attributes_destroy(a);
    }
    return status;
}
