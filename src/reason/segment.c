/* What a tuned language model is told of a segment, asked about it, and taught to answer: prompts with the evidence by its
 * ids, and claims of our own explanation that the checker supports. */
#include <math.h>
#include <string.h>

#include "reason/segment.h"

/* The prompt is short: so many events, the strongest; what was said up to so long before may be a cause (cause.c). */
enum { MOST_EVENTS = 12 };
static const double LEAST_STRENGTH = 0.2;
static const affect_time BACK = 12 * AFFECT_SECOND;

/* ---- a recording ---- */

static const reason_node *strongest_of(const reason_graph *g, const reason_node *episode,
                                       const reason_node *but) {
    const reason_node *best = NULL;
    for (size_t i = 0; i < g->event_count; i++) {
        const reason_node *n = g->events[i];
        if (n->apex < episode->t0 || n->apex >= episode->t1 || n->strength < LEAST_STRENGTH ||
            n->person != episode->person || strcmp(n->event->kind, "blink") == 0 ||
            n->modality == AFFECT_MODALITY_FUSED)
            continue;
        if (but && (strcmp(n->event->kind, but->event->kind) == 0 ||
                    (n->t0 < but->t0) != (n->apex < but->apex)))
            continue;
        if (!best || n->strength > best->strength) best = n;
    }
    return best;
}

/* Which of the two strongest events of an episode came first, if that is clear: explain.c says nothing of it. */
static affect_status add_order(reason_recording *r, const reason_node *episode) {
    static const affect_time CLEAR = 500 * AFFECT_MILLISECOND;
    const reason_node *a = strongest_of(&r->graph, episode, NULL),
                      *b = a ? strongest_of(&r->graph, episode, a) : NULL;
    char p[64], q[64];
    base_text text = {0};
    if (b && b->apex < a->apex) {
        const reason_node *swap = a;
        a = b;
        b = swap;
    }
    if (!b || b->apex - a->apex < CLEAR) return AFFECT_OK;
    base_clean_line(reason_kind_phrase(a->event->kind), p, sizeof p);
    base_clean_line(reason_kind_phrase(b->event->kind), q, sizeof q);
    base_text_printf(&text, "The %s at %.1f s comes before the %s at %.1f s.", p,
                     time_to_seconds(a->apex), q, time_to_seconds(b->apex));
    const char *ids[] = {a->id, b->id};
    const affect_claim claim = {.text = text.data,
                                .kind = AFFECT_CLAIM_ORDER,
                                .person = episode->person,
                                .modality = a->modality == b->modality ? a->modality
                                                                       : AFFECT_MODALITY_FUSED,
                                .t0 = BASE_MIN(a->t0, b->t0),
                                .t1 = BASE_MAX(a->t1, b->t1),
                                .evidence = ids,
                                .evidence_count = 2};
    affect_status status =
        text.failed ? base_fail_memory(r->reasoner->ctx)
                    : reason_explanation_add(r->reasoner->ctx, r->claims, &claim, episode->id);
    base_text_destroy(&text);
    return status;
}

affect_status reason_recording_open(affect_reasoner *reasoner, const affect_timeline *timeline,
                                    reason_recording **out) {
    reason_recording *r = base_calloc(1, sizeof *r);
    *out = NULL;
    if (!r) return base_fail_memory(reasoner->ctx);
    r->reasoner = reasoner;
    affect_status status = reason_graph_build(reasoner, timeline, &r->graph);
    if (!status) status = affect_explain(reasoner, timeline, NULL, 0, &r->claims);
    for (size_t i = 0; i < r->graph.episode_count && !status; i++)
        status = add_order(r, r->graph.episodes[i]);
    if (!status) status = affect_explanation_check(reasoner, timeline, r->claims);
    if (status)
        reason_recording_close(r);
    else
        *out = r;
    return status;
}

void reason_recording_close(reason_recording *r) {
    if (!r) return;
    affect_explanation_destroy(r->claims);
    reason_graph_clear(&r->graph);
    base_free(r);
}

bool reason_recording_episode(const reason_recording *r, size_t i, reason_segment *out) {
    if (i >= r->graph.episode_count) return false;
    const reason_node *e = r->graph.episodes[i];
    *out = (reason_segment){e->person, e->t0, e->t1, 0};
    return true;
}

int reason_recording_person(const reason_recording *r) {
    int best = AFFECT_PERSON_NONE;
    affect_time longest = -1;
    for (size_t p = 0; p < r->graph.person_count; p++) {
        affect_time sum = 0;
        for (size_t i = 0; i < r->graph.episode_count; i++)
            if (r->graph.episodes[i]->person == r->graph.persons[p])
                sum += r->graph.episodes[i]->t1 - r->graph.episodes[i]->t0;
        if (sum > longest) longest = sum, best = r->graph.persons[p];
    }
    return best;
}

bool reason_recording_has_person(const reason_recording *r, int person) {
    return reason_graph_has_person(&r->graph, person);
}

/* ---- what is told ---- */

static bool overlaps(const reason_node *n, affect_time t0, affect_time t1) {
    return n->t0 < t1 && n->t1 > t0;
}

/* His, or nobody's in particular. */
static bool is_of(const reason_node *n, const reason_segment *g) {
    return n->person == g->person || n->person == AFFECT_PERSON_NONE ||
           g->person == AFFECT_PERSON_NONE;
}

static bool is_event_told(const reason_node *n, const reason_segment *g) {
    return n->event && n->modality != AFFECT_MODALITY_FUSED && n->strength >= LEAST_STRENGTH &&
           strcmp(n->event->kind, "blink") != 0 && !(g->hidden & 1U << n->modality) &&
           is_of(n, g) && n->apex >= g->t0 && n->apex < g->t1;
}

static bool is_told(const reason_graph *g, const reason_segment *s, const reason_node *n) {
    if (reason_is_episode(n)) {
        if (!is_of(n, s)) return false;
        if (overlaps(n, s->t0, s->t1)) return true;
        const reason_node *first = NULL; /* the one before the segment's first */
        for (size_t i = 0; i < g->episode_count && !first; i++)
            if (is_of(g->episodes[i], s) && overlaps(g->episodes[i], s->t0, s->t1))
                first = g->episodes[i];
        return first && reason_episode_before(g, first) == n;
    }
    if (n->interval)
        return strcmp(n->tier, "utterances") == 0 && *n->interval->label &&
               !(s->hidden & 1U << AFFECT_MODALITY_WORDS) && n->t1 >= s->t0 - BACK && n->t0 < s->t1;
    if (!is_event_told(n, s)) return false;
    size_t stronger = 0;
    for (size_t i = 0; i < g->event_count; i++)
        stronger += is_event_told(g->events[i], s) &&
                    (g->events[i]->strength > n->strength ||
                     (g->events[i]->strength == n->strength && g->events[i] < n));
    return stronger < MOST_EVENTS;
}

static void put_span(const reason_node *n, base_text *out) {
    base_text_printf(out, ", %.1f to %.1f s", time_to_seconds(n->t0), time_to_seconds(n->t1));
}

static void put_node(const reason_graph *g, const reason_node *n, base_text *out) {
    double v, sd;
    base_text_append(out, n->id);
    if (n->person) base_text_printf(out, " person %d", n->person);
    base_text_append(out, " ");
    if (n->event) {
        base_text_append_clean(out, reason_kind_phrase(n->event->kind));
        base_text_printf(out, ", %s", affect_modality_name(n->modality));
        put_span(n, out);
        base_text_printf(out, ", peak %.1f s, strength %.0f %%, confidence %.0f %%\n",
                         time_to_seconds(n->apex), 100 * (double)n->event->strength,
                         100 * (double)n->event->confidence);
        return;
    }
    if (reason_is_episode(n)) {
        base_text_append_clean(out, n->interval->label);
        if (isfinite(n->interval->score))
            base_text_printf(out, " %.0f %%", 100 * (double)n->interval->score);
        for (int d = REASON_VALENCE; d <= REASON_AROUSAL; d++)
            if (reason_episode_level(g, n, d, &v, &sd))
                base_text_printf(out, ", %s %+.2f ± %.2f", reason_dimension_names[d], v, sd);
    } else {
        base_text_append_json(out, n->interval->label);
        v = affect_attributes_number(n->interval->attributes, "valence");
        if (isfinite(v)) base_text_printf(out, ", valence %+.2f", v);
    }
    put_span(n, out);
    base_text_append(out, "\n");
}

/* By time, as the arrays of the graph are. */
static void put_evidence(const reason_graph *g, const reason_segment *s, base_text *out) {
    const reason_node **const lists[] = {g->episodes, g->events, g->utterances};
    const size_t counts[] = {g->episode_count, g->event_count, g->utterance_count};
    base_text_append(out, "Evidence:\n");
    for (size_t l = 0; l < BASE_COUNT(lists); l++)
        for (size_t i = 0; i < counts[l]; i++)
            if (is_told(g, s, lists[l][i])) put_node(g, lists[l][i], out);
}

/* What the person says in the segment. Quoted, for it is data. */
static void put_words(const reason_graph *g, const reason_segment *s, base_text *out) {
    base_text said = {0};
    for (size_t i = 0; i < g->utterance_count; i++) {
        const reason_node *u = g->utterances[i];
        if (s->hidden & 1U << AFFECT_MODALITY_WORDS || !overlaps(u, s->t0, s->t1) || !is_of(u, s) ||
            !*u->interval->label)
            continue;
        base_text_append(&said, said.length ? " " : "");
        base_text_append(&said, u->interval->label);
    }
    if (said.length) {
        base_text_append(out, "Words: ");
        base_text_append_json(out, said.data);
        base_text_append(out, "\n");
    }
    out->failed |= said.failed;
    base_text_destroy(&said);
}

void reason_put_task(const reason_recording *r, const reason_segment *s, reason_task task,
                     const char *question, base_text *out) {
    static const char *const asked[] = {"Which emotion is expressed?\n",
                                        "Which emotions are expressed, in several words?\n",
                                        "Which emotions are expressed, and on what evidence?\n"};
    base_text_append(out, "Face: <face>\nVoice: <voice>\n");
    const size_t told = out->length;
    put_words(&r->graph, s, out);
    if (task >= REASON_TASK_EXPLAIN) put_evidence(&r->graph, s, out);
    base_text_append(out, task == REASON_TASK_ANSWER ? question : asked[task]);
    base_text_append(out, task == REASON_TASK_ANSWER ? "\nAnswer:\n" : "Answer:\n");
    /* Who says "<face>" puts no stream there. */
    for (size_t i = told; out->data && i < out->length; i++)
        if (out->data[i] == '<' || out->data[i] == '>')
            out->data[i] = out->data[i] == '<' ? '(' : ')';
}

/* ---- claims ---- */

static int category_of(const reason_recording *r, const char *label) {
    char low[64];
    size_t n = BASE_MIN(strlen(label), sizeof low - 1);
    for (size_t i = 0; i < n; i++)
        low[i] = (char)(label[i] >= 'A' && label[i] <= 'Z' ? label[i] | 32 : label[i]);
    low[n] = '\0';
    int c = category_of_label(low);
    long w = c < 0 ? words_emotions_lookup(r->reasoner->lexicon, low) : -1;
    if (w < 0) return c;
    const words_emotion_word *e = words_emotions_at(r->reasoner->lexicon, (size_t)w);
    return e->family_count
               ? category_of_label(
                     words_emotions_family(r->reasoner->lexicon, e->families[0].family)->category)
               : -1;
}

/* May this claim of ours be said of the segment? */
static bool is_fit(const reason_recording *r, const reason_segment *s, const affect_claim *c,
                   const char *label) {
    const reason_graph *g = &r->graph;
    bool inside = false;
    if (c->verdict != AFFECT_VERDICT_SUPPORTED || s->hidden & 1U << c->modality ||
        (c->person && s->person && c->person != s->person))
        return false;
    for (size_t i = 0; i < c->evidence_count; i++) {
        const reason_node *n = reason_graph_find(g, c->evidence[i]);
        if (!n || !is_told(g, s, n)) return false;
        inside = inside || overlaps(n, s->t0, s->t1);
        if (!label || c->kind != AFFECT_CLAIM_STATE || !reason_is_episode(n)) continue;
        int wanted = category_of(r, label);
        if (wanted >= 0 && category_of(r, n->interval->label) != wanted) return false;
    }
    return inside;
}

/* One claim of each kind and modality first, then others, in the order of the account. */
static void choose(const reason_recording *r, const reason_segment *s, const char *label,
                   size_t most, bool *chosen) {
    bool seen[AFFECT_CLAIM_CONTRADICTION + 1][AFFECT_MODALITY_FUSED + 1] = {{false}};
    size_t count = 0;
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < r->claims->count && count < most; i++) {
            const affect_claim *c = &r->claims->claims[i].public;
            if (chosen[i] || (!again && seen[c->kind][c->modality]) || !is_fit(r, s, c, label))
                continue;
            seen[c->kind][c->modality] = true;
            chosen[i] = true;
            count++;
        }
}

static affect_status begin(const reason_recording *r, affect_explanation **out) {
    return reason_explanation_create(r->reasoner->ctx, r->claims->input, r->claims->generator, out);
}

static affect_status add(const reason_recording *r, size_t i, affect_explanation *out) {
    affect_claim c = r->claims->claims[i].public;
    c.verdict = AFFECT_VERDICT_NONE;
    c.reason = "";
    return reason_explanation_add(r->reasoner->ctx, out, &c, r->claims->claims[i].episode);
}

affect_status reason_recording_explain(const reason_recording *r, const reason_segment *s,
                                       const char *label, size_t most, affect_explanation **out) {
    bool *chosen = base_calloc(r->claims->count + 1, sizeof *chosen);
    affect_status status = begin(r, out);
    if (!status && !chosen) status = base_fail_memory(r->reasoner->ctx);
    if (!status) choose(r, s, label, most, chosen);
    for (size_t i = 0; !status && i < r->claims->count; i++)
        if (chosen[i]) status = add(r, i, *out);
    base_free(chosen);
    if (status) {
        affect_explanation_destroy(*out);
        *out = NULL;
    }
    return status;
}

/* ---- questions ---- */

/* How many told events are of that kind: of one alone it can be asked when it is. */
static size_t count_kind(const reason_recording *r, const reason_segment *s, const char *kind) {
    size_t n = 0;
    for (size_t i = 0; i < r->graph.event_count; i++)
        n += is_told(&r->graph, s, r->graph.events[i]) &&
             strcmp(r->graph.events[i]->event->kind, kind) == 0;
    return n;
}

static bool put_question(const reason_recording *r, const reason_segment *s, const affect_claim *c,
                         base_text *out) {
    const reason_node *a = reason_graph_find(&r->graph, c->evidence[0]);
    const reason_node *b =
        c->evidence_count > 1 ? reason_graph_find(&r->graph, c->evidence[1]) : NULL;
    char p[64], q[64];
    base_clean_line(a->event ? reason_kind_phrase(a->event->kind) : "", p, sizeof p);
    base_clean_line(b && b->event ? reason_kind_phrase(b->event->kind) : "", q, sizeof q);
    switch (c->kind) {
    case AFFECT_CLAIM_ORDER:
        /* The answer's order is not that of the question. */
        if (strcmp(p, q) < 0)
            base_text_printf(out, "Which comes first, the %s or the %s?", p, q);
        else
            base_text_printf(out, "Which comes first, the %s or the %s?", q, p);
        return *p && *q && count_kind(r, s, a->event->kind) == 1 &&
               count_kind(r, s, b->event->kind) == 1;
    case AFFECT_CLAIM_LAG:
        base_text_printf(out, "How long after the %s comes the %s?", p, q);
        return *p && *q && count_kind(r, s, a->event->kind) == 1 &&
               count_kind(r, s, b->event->kind) == 1;
    case AFFECT_CLAIM_CHANGE: base_text_append(out, "What changes, and when?"); return true;
    case AFFECT_CLAIM_CAUSE:
        base_text_append(out, "What may be the reason of the change?");
        return true;
    case AFFECT_CLAIM_EVENT:
        base_text_printf(out, "When is there %s %s?", strchr("aeiou", *p) ? "an" : "a", p);
        return *p && count_kind(r, s, a->event->kind) == 1;
    default: return false;
    }
}

affect_status reason_recording_question(const reason_recording *r, const reason_segment *s,
                                        size_t i, base_text *question, affect_explanation **out) {
    /* Two things related before one alone. */
    static const affect_claim_kind kinds[] = {AFFECT_CLAIM_ORDER, AFFECT_CLAIM_CHANGE,
                                              AFFECT_CLAIM_LAG, AFFECT_CLAIM_CAUSE,
                                              AFFECT_CLAIM_EVENT};
    size_t length = question->length, at = 0;
    *out = NULL;
    for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
        for (size_t n = 0; n < r->claims->count; n++) {
            const affect_claim *c = &r->claims->claims[n].public;
            if (c->kind != kinds[k] || !is_fit(r, s, c, NULL)) continue;
            bool good = put_question(r, s, c, question);
            if (question->failed) return base_fail_memory(r->reasoner->ctx);
            if (good && at++ == i) {
                affect_status status = begin(r, out);
                return status ? status : add(r, n, *out);
            }
            question->length = length;
            if (question->data) question->data[length] = '\0';
            if (good && kinds[k] != AFFECT_CLAIM_EVENT) break; /* one of a kind has one question */
        }
    }
    return AFFECT_OK;
}

/* ---- words ---- */

affect_status reason_recording_words(const reason_recording *r, const reason_segment *s,
                                     const char *label, base_text *out) {
    const reason_node *longest = NULL;
    affect_time most = 0;
    affect_labels *labels = NULL;
    int wanted = category_of(r, label);
    for (size_t i = 0; i < r->graph.episode_count; i++) {
        const reason_node *e = r->graph.episodes[i];
        affect_time both = BASE_MIN(e->t1, s->t1) - BASE_MAX(e->t0, s->t0);
        if (is_of(e, s) && both > most) most = both, longest = e;
    }
    if (!longest || wanted < 0) return AFFECT_OK;
    affect_status status = reason_name_episode(r->reasoner->ctx, &r->graph, r->reasoner->lexicon,
                                               longest, NULL, 0, &labels);
    const char *before = "";
    for (size_t i = 0; !status && i < affect_labels_count(labels); i++) {
        if (category_of_label(affect_labels_category(labels, i)) != wanted) continue;
        base_text_append(out, before);
        base_text_append(out, affect_labels_word(labels, i));
        before = ", ";
    }
    affect_labels_destroy(labels);
    return status;
}

/* ---- lines ---- */

void reason_put_lines(const affect_explanation *e, base_text *out) {
    for (size_t i = 0; i < e->count; i++) {
        const affect_claim *c = &e->claims[i].public;
        base_text_append(out, out->length && out->data[out->length - 1] != '\n' ? "\n" : "");
        base_text_append_clean(out, c->text);
        for (size_t k = 0; k < c->evidence_count; k++) {
            base_text_append(out, k ? ", " : " [");
            base_text_append_clean(out, c->evidence[k]);
        }
        base_text_append(out, c->evidence_count ? "]" : "");
    }
}
