/* Answers to questions about a timeline, from its episodes, events, tracks and links. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "reason/question.h"
#include "reason/reason.h"

enum { MOST_EVIDENCE = 32 };
static const double FITS = 0.7; /* of a label: the best, or nearly */

typedef struct reply {
    affect_answer public;
    base_text text, value;
    char *ids[MOST_EVIDENCE];
    size_t count;
    bool failed;
} reply;

typedef struct asking {
    const reason_graph *g;
    const words_emotions *lexicon;
    const reason_question *q;
    reply *r;
} asking;

/* ---- putting an answer together ---- */

static void cite(reply *r, const reason_node *n) {
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->ids[i], n->id) == 0) return;
    if (r->count == MOST_EVIDENCE) return;
    r->ids[r->count] = base_strdup(n->id);
    if (r->ids[r->count])
        r->count++;
    else
        r->failed = true;
}

static void refuse(reply *r, const char *why) {
    r->public.refused = 1;
    r->public.kind = "refused";
    r->public.confidence = NAN;
    base_text_clear(&r->text);
    base_text_clear(&r->value);
    base_text_printf(&r->text, "This cannot be answered: %s.", why);
    for (size_t i = 0; i < r->count; i++) base_free(r->ids[i]);
    r->count = 0;
}

AFFECT_PRINTF(4, 5)
static void answer(reply *r, const char *kind, double confidence, const char *value, ...) {
    va_list arguments;
    va_start(arguments, value);
    base_text_clear(&r->value);
    base_text_vprintf(&r->value, value, arguments);
    va_end(arguments);
    r->public.kind = kind;
    r->public.confidence = isfinite(confidence) ? fmax(0, fmin(1, confidence)) : 0.5;
}

static void say(asking *a, const char *format, ...) AFFECT_PRINTF(2, 3);
static void say(asking *a, const char *format, ...) {
    base_text line = {0};
    va_list arguments;
    va_start(arguments, format);
    base_text_vprintf(&line, format, arguments);
    va_end(arguments);
    if (a->r->text.length) base_text_append(&a->r->text, " ");
    base_text_append_clean(&a->r->text, line.data ? line.data : "");
    a->r->failed = a->r->failed || line.failed;
    base_text_destroy(&line);
}

static double at(affect_time t) { return time_to_seconds(t); }
static const char *title(const asking *a, int person, bool begin, char out[64]) {
    return reason_person_title(a->g->timeline, person, begin, out);
}

/* P(x > 0) of a normal with that mean and deviation: how sure a difference is. */
static double surely(double mean, double sd) {
    return 0.5 * erfc(-fabs(mean) / (fmax(sd, 1e-6) * 1.4142135623730951));
}

static double score_of(const reason_node *n) {
    if (n->event) return n->event->confidence;
    return isfinite(n->interval->score) ? (double)n->interval->score : 0.5;
}

/* ---- finding ---- */

static bool own(const asking *a, const reason_node *n) {
    return a->q->person == AFFECT_PERSON_NONE || n->person == a->q->person ||
           (n->person == AFFECT_PERSON_NONE && a->g->person_count <= 1);
}

/* Does it lie in the window? An instant takes what is around it. */
static bool in_window(const asking *a, const reason_node *n) {
    affect_time slack = n->event && a->q->t0 == a->q->t1 ? 500 * AFFECT_MILLISECOND : 0;
    return n->t0 <= a->q->t1 + slack && n->t1 + slack >= a->q->t0;
}

/* The episode of a person at an instant: of two that meet there, the later. */
static const reason_node *episode_at(const asking *a, int person, affect_time t) {
    const reason_node *found = reason_episode_at(a->g, person, t);
    if (found) return found;
    affect_time best = 500 * AFFECT_MILLISECOND;
    for (size_t i = 0; i < a->g->episode_count; i++) { /* just outside one */
        const reason_node *e = a->g->episodes[i];
        if (person != AFFECT_PERSON_NONE && e->person != person) continue;
        affect_time off = t < e->t0 ? e->t0 - t : t - e->t1;
        if (off <= best) {
            best = off;
            found = e;
        }
    }
    return found;
}

static bool is_label(const asking *a, const reason_node *e, size_t k) {
    const reason_facts *f = &a->q->facts;
    return reason_label_fit(a->g, a->lexicon, f->labels[k], f->tokens[f->label_at[k]].text, e) >=
           FITS;
}

static bool any_label(const asking *a, const reason_node *e) {
    for (size_t k = 0; k < a->q->facts.label_count; k++)
        if (is_label(a, e, k)) return true;
    return false;
}

static const char *asked_word(const asking *a, size_t k) {
    return a->q->facts.tokens[a->q->facts.label_at[k]].text;
}

/* The kind of event that is asked for: the one that does not only say when. */
static const char *asked_kind(const asking *a) {
    const reason_facts *f = &a->q->facts;
    for (size_t i = 0; i < f->kind_count; i++)
        if (!a->q->anchor ||
            strcmp(f->kinds[i].kind, a->q->anchor_kind ? a->q->anchor_kind : "") != 0)
            return f->kinds[i].kind;
    return f->kind_count ? f->kinds[0].kind : NULL;
}

/* ---- states ---- */

/* "angry" for "anger", where a label is a category's noun. */
static const char *adjective(const char *label) {
    static const char *const forms[][2] = {{"happiness", "happy"},      {"surprise", "surprised"},
                                           {"sadness", "sad"},          {"anger", "angry"},
                                           {"disgust", "disgusted"},    {"fear", "afraid"},
                                           {"contempt", "contemptuous"}};
    for (size_t i = 0; i < BASE_COUNT(forms); i++)
        if (strcmp(label, forms[i][0]) == 0) return forms[i][1];
    return label;
}

static void say_state(asking *a, const reason_node *e) {
    char who[64];
    say(a, "%s appears %s from %.1f s to %.1f s (%.0f %%) [%s].", title(a, e->person, true, who),
        adjective(e->interval->label), at(e->t0), at(e->t1), 100 * score_of(e), e->id);
    cite(a->r, e);
}

/* What the question says of a level, as a sign: +1 "positive", -1 "negative", 0 nothing. */
static int asked_sign(const asking *a) {
    for (size_t i = 0; i < a->q->facts.token_count; i++) {
        const char *w = a->q->facts.tokens[i].text;
        if (REASON_IS(w, "positive", "pleasant")) return 1;
        if (REASON_IS(w, "negative", "unpleasant")) return -1;
    }
    return 0;
}

static int asked_dimension(const asking *a) {
    for (size_t i = 0; i < a->q->facts.token_count; i++)
        for (int d = REASON_VALENCE; d <= REASON_DOMINANCE; d++)
            if (strcmp(a->q->facts.tokens[i].text, reason_dimension_names[d]) == 0) return d;
    return -1;
}

/* "How positive", "how strongly aroused": the level that an adjective after "how" asks for; -1: none. */
static int level_asked(const asking *a) {
    const reason_facts *f = &a->q->facts;
    for (size_t i = 0; i + 1 < f->token_count; i++) {
        if (strcmp(f->tokens[i].text, "how") != 0) continue;
        const char *w = f->tokens[i + 1].text;
        if (i + 2 < f->token_count && REASON_IS(w, "strongly", "very", "much"))
            w = f->tokens[i + 2].text;
        if (REASON_IS(w, "positive*", "negative*", "pleasant*", "unpleasant*"))
            return REASON_VALENCE;
        if (REASON_IS(w, "aroused", "activated", "energetic", "agitated")) return REASON_AROUSAL;
        if (REASON_IS(w, "dominant")) return REASON_DOMINANCE;
    }
    return -1;
}

static void answer_level(asking *a, int dimension, int sign) {
    double mean, sd;
    char who[64];
    const reason_node *e = episode_at(a, a->q->person, (a->q->t0 + a->q->t1) / 2);
    affect_time t0 = a->q->t0, t1 = a->q->t1;
    int person = a->q->person ? a->q->person : e ? e->person : AFFECT_PERSON_NONE;
    if (t1 - t0 < AFFECT_SECOND) t0 -= AFFECT_SECOND / 2, t1 += AFFECT_SECOND / 2;
    if (!reason_level(a->g, person, AFFECT_MODALITY_FUSED, dimension, t0, t1, &mean, &sd) &&
        !(e && reason_episode_level(a->g, e, dimension, &mean, &sd))) {
        refuse(a->r, "the timeline has no level there");
        return;
    }
    if (e) cite(a->r, e);
    if (sign)
        answer(a->r, "state", surely(mean, sd), "%s", mean * sign > 0 ? "yes" : "no");
    else
        answer(a->r, "state", 0.68, "%+.2f", mean); /* one deviation to both sides */
    say(a, "The %s of %s is %+.2f ± %.2f there.", reason_dimension_names[dimension],
        title(a, person, false, who), mean, sd);
}

/* The label that holds for the longest part of the window. */
static const reason_node *dominant(const asking *a, double *share) {
    double most = 0, all = 0;
    const reason_node *best = NULL;
    for (size_t i = 0; i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        if (!own(a, e) || !in_window(a, e)) continue;
        double sum = 0;
        for (size_t k = 0; k < a->g->episode_count; k++) {
            const reason_node *o = a->g->episodes[k];
            if (own(a, o) && in_window(a, o) && strcmp(o->interval->label, e->interval->label) == 0)
                sum += at(BASE_MIN(o->t1, a->q->t1)) - at(BASE_MAX(o->t0, a->q->t0));
        }
        all += at(BASE_MIN(e->t1, a->q->t1)) - at(BASE_MAX(e->t0, a->q->t0));
        if (!best || sum > most) {
            most = sum;
            best = e;
        }
    }
    *share = all > 0 ? most / all : 1;
    return best;
}

static void answer_state(asking *a) {
    const reason_question *q = a->q;
    int dimension = asked_dimension(a), sign = asked_sign(a);
    if (level_asked(a) >= 0) {
        answer_level(a, level_asked(a), 0);
        return;
    }
    if (dimension >= 0 || (sign && !q->facts.label_count && q->yes_no)) {
        answer_level(a, dimension >= 0 ? dimension : REASON_VALENCE, sign);
        return;
    }
    bool instant = q->timed && q->t0 == q->t1;
    if (q->facts.label_count && (q->yes_no || !instant)) { /* is, when, ever */
        double best = 0;
        size_t n = 0;
        base_text when = {0};
        for (size_t i = 0; i < a->g->episode_count; i++) {
            const reason_node *e = a->g->episodes[i];
            if (!own(a, e)) continue;
            if (instant ? e != episode_at(a, e->person, q->t0) : !in_window(a, e)) continue;
            if (!instant && q->timed && e->t0 >= q->t1) continue;
            if (!any_label(a, e)) {
                if (instant) say_state(a, e), best = fmax(best, score_of(e));
                continue;
            }
            if (!n) base_text_printf(&when, "%.1f", at(q->ends ? e->t1 : e->t0));
            if (++n <= 8) say_state(a, e);
            best = fmax(best, score_of(e));
        }
        if (!n && !a->r->text.length)
            say(a, "Nothing in the timeline is called %s there.", asked_word(a, 0));
        if (q->yes_no)
            answer(a->r, "state", n || instant ? best : 0.6, "%s", n ? "yes" : "no");
        else
            answer(a->r, "state", n ? best : 0.6, "%s", n ? when.data : "never");
        base_text_destroy(&when);
        return;
    }
    if (!instant) {
        double share;
        const reason_node *e = dominant(a, &share);
        if (!e) {
            refuse(a->r, "no episode is there");
            return;
        }
        answer(a->r, "state", score_of(e) * share, "%s", e->interval->label);
        say(a, "For %.0f %% of that time the expression is %s.", 100 * share,
            adjective(e->interval->label));
        for (size_t i = 0; i < a->g->episode_count; i++)
            if (own(a, a->g->episodes[i]) && in_window(a, a->g->episodes[i]) && a->r->count < 8)
                say_state(a, a->g->episodes[i]);
        return;
    }
    for (size_t p = 0; p <= a->g->person_count; p++) {
        int person = p < a->g->person_count ? a->g->persons[p] : AFFECT_PERSON_NONE;
        if (person == AFFECT_PERSON_NONE && a->g->person_count) break;
        if (q->person != AFFECT_PERSON_NONE && person != q->person) continue;
        const reason_node *e = episode_at(a, person, q->t0);
        if (!e) continue;
        if (!a->r->count) answer(a->r, "state", score_of(e), "%s", e->interval->label);
        say_state(a, e);
    }
    if (!a->r->count) {
        refuse(a->r, "no episode is there");
        return;
    }
    for (size_t i = 0, n = 0; i < a->g->event_count && n < 3; i++)
        if (own(a, a->g->events[i]) && in_window(a, a->g->events[i])) {
            say(a, "There is a %s at %.1f s [%s].",
                reason_kind_phrase(a->g->events[i]->event->kind), at(a->g->events[i]->apex),
                a->g->events[i]->id);
            cite(a->r, a->g->events[i]);
            n++;
        }
}

/* ---- events ---- */

static void say_event(asking *a, const reason_node *n) {
    char who[64];
    if (n->person)
        say(a, "There is a %s of %s from %.1f s to %.1f s (confidence %.0f %%) [%s].",
            reason_kind_phrase(n->event->kind), title(a, n->person, false, who), at(n->t0),
            at(n->t1), 100 * (double)n->event->confidence, n->id);
    else
        say(a, "There is a %s from %.1f s to %.1f s (confidence %.0f %%) [%s].",
            reason_kind_phrase(n->event->kind), at(n->t0), at(n->t1),
            100 * (double)n->event->confidence, n->id);
    cite(a->r, n);
}

static bool asked_event(const asking *a, const reason_node *n, const char *kind) {
    return strcmp(n->event->kind, kind) == 0 && own(a, n) && (!a->q->timed || in_window(a, n)) &&
           n != a->q->anchor;
}

/* The n-th (1 first, -1 last) event of a kind in the window. */
static const reason_node *nth_event(const asking *a, const char *kind, int n) {
    const reason_node *found = NULL;
    int seen = 0;
    for (size_t i = 0; i < a->g->event_count; i++) {
        if (!asked_event(a, a->g->events[i], kind)) continue;
        if (++seen == n) return a->g->events[i];
        found = a->g->events[i];
    }
    return n < 0 ? found : NULL;
}

static void answer_event(asking *a) {
    const char *kind = asked_kind(a);
    const reason_node *one = a->q->order ? nth_event(a, kind, a->q->order) : NULL;
    size_t n = 0;
    double best = 0, first = 0;
    for (size_t i = 0; i < a->g->event_count; i++) {
        const reason_node *e = a->g->events[i];
        if (!asked_event(a, e, kind) || (a->q->order && e != one)) continue;
        if (!n++) first = at(e->t0);
        best = fmax(best, e->event->confidence);
        if (n <= 8) say_event(a, e);
    }
    if (!n) say(a, "There is no %s there.", reason_kind_phrase(kind));
    if (a->q->yes_no)
        answer(a->r, "event", n ? best : 0.6, "%s", n ? "yes" : "no");
    else if (n)
        answer(a->r, "event", best, "%.1f", first);
    else
        answer(a->r, "event", 0.6, "never");
}

/* Are the words (with blanks around them, perhaps) in a text, in whatever case? */
static bool holds_words(const char *text, const base_text *words) {
    size_t begin = 0, end = words->length;
    while (begin < end && words->data[begin] == ' ') begin++;
    while (end > begin && words->data[end - 1] == ' ') end--;
    for (; begin < end && *text; text++)
        if (strncasecmp(text, words->data + begin, end - begin) == 0) return true;
    return begin == end;
}

/* Who speaks then, or who says what stands in quotation marks. */
static void answer_speaker(asking *a) {
    const affect_tier *u = affect_timeline_find_tier(a->g->timeline, "utterances");
    const base_text *quote = &a->q->facts.quote;
    char who[64];
    if (!u || !u->count) u = affect_timeline_find_tier(a->g->timeline, "speaking");
    for (size_t i = 0; u && i < u->count && a->r->count < 8; i++) {
        const reason_node *n = reason_graph_find(a->g, u->items[i].id);
        if (!n || !n->person || !in_window(a, n)) continue;
        if (quote->length && !holds_words(n->interval->label, quote)) continue;
        if (!a->r->count) answer(a->r, "who", score_of(n), "%s", title(a, n->person, false, who));
        say(a, "%s speaks from %.1f s to %.1f s [%s].", title(a, n->person, true, who), at(n->t0),
            at(n->t1), n->id);
        cite(a->r, n);
    }
    if (a->r->count) return;
    say(a, "Nobody, as far as the timeline shows.");
    answer(a->r, "who", 0.6, "nobody");
}

static void answer_who(asking *a) {
    if (a->q->tells && !a->q->facts.kind_count) {
        answer_speaker(a);
        return;
    }
    const char *kind = asked_kind(a);
    char who[64];
    const reason_node *best = NULL;
    for (size_t i = 0; kind && i < a->g->event_count; i++)
        if (asked_event(a, a->g->events[i], kind) && a->g->events[i]->person) {
            if (!best || (a->q->order < 0)) best = a->g->events[i];
            if (a->r->count < 8) say_event(a, a->g->events[i]);
        }
    for (size_t i = 0; !kind && i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        bool there = a->q->timed && a->q->t0 == a->q->t1 ? e == episode_at(a, e->person, a->q->t0)
                                                         : in_window(a, e);
        if (!there || !any_label(a, e)) continue;
        if (!best || a->q->order < 0) best = e;
        if (a->r->count < 8) say_state(a, e);
    }
    if (!best) {
        say(a, "Nobody, as far as the timeline shows.");
        answer(a->r, "who", 0.6, "nobody");
        return;
    }
    answer(a->r, "who", score_of(best), "%s", title(a, best->person, false, who));
}

/* ---- changes ---- */

typedef struct change {
    const reason_node *before, *after;
    double size, sd; /* in valence and arousal together */
    double move[3];
} change;

static bool make_change(const asking *a, const reason_node *after, change *c) {
    const reason_node *before = reason_episode_before(a->g, after);
    double sum = 0;
    if (!before) return false;
    *c = (change){.before = before, .after = after};
    for (int d = 0; d < 3; d++) {
        double x, y, sx, sy;
        if (!reason_episode_level(a->g, before, d, &x, &sx) ||
            !reason_episode_level(a->g, after, d, &y, &sy)) {
            c->move[d] = NAN;
            continue;
        }
        c->move[d] = y - x;
        if (d < 2) sum += (y - x) * (y - x);
        c->sd = fmax(c->sd, hypot(sx, sy));
    }
    c->size = sqrt(sum);
    return true;
}

static void say_change(asking *a, const change *c) {
    char who[64];
    say(a, "At %.1f s %s changes from %s to %s", at(c->after->t0),
        title(a, c->after->person, false, who), c->before->interval->label,
        c->after->interval->label);
    if (isfinite(c->move[0]) && isfinite(c->move[1]))
        base_text_printf(&a->r->text, " (valence %+.2f, arousal %+.2f)", c->move[0], c->move[1]);
    base_text_append(&a->r->text, " [");
    base_text_append_clean(&a->r->text, c->before->id);
    base_text_append(&a->r->text, ", ");
    base_text_append_clean(&a->r->text, c->after->id);
    base_text_append(&a->r->text, "].");
    cite(a->r, c->before);
    cite(a->r, c->after);
}

static double sure_of(const change *c) {
    return c->size > 0 ? surely(c->size, c->sd) : 0.5 * (score_of(c->before) + score_of(c->after));
}

/* "Does valence rise between 10 and 20 s?", "is the mood steady?" */
static void answer_trend(asking *a, int dimension, affect_direction d) {
    affect_time t0 = a->q->t0, t1 = a->q->t1;
    int person = a->q->person;
    double delta = 0, x, y, sx = 0, sy = 0;
    if (t1 - t0 < AFFECT_SECOND) t0 -= 2 * AFFECT_SECOND, t1 += 2 * AFFECT_SECOND;
    const reason_node *first = episode_at(a, person, BASE_MAX(t0, 0)),
                      *last = episode_at(a, person, t1);
    if (!person && first) person = first->person;
    if (dimension < 0) dimension = REASON_VALENCE;
    if (!reason_change(a->g, person, AFFECT_MODALITY_FUSED, dimension, BASE_MAX(t0, 0), t1,
                       &delta)) {
        if (!first || !last || !reason_episode_level(a->g, first, dimension, &x, &sx) ||
            !reason_episode_level(a->g, last, dimension, &y, &sy)) {
            refuse(a->r, "the timeline has no level there");
            return;
        }
        delta = y - x;
    } else if (first) {
        (void)(reason_episode_level(a->g, first, dimension, &x, &sx) && last &&
               reason_episode_level(a->g, last, dimension, &y, &sy));
    }
    affect_direction real = delta >= reason_steady(dimension)    ? AFFECT_DIRECTION_RISE
                            : delta <= -reason_steady(dimension) ? AFFECT_DIRECTION_FALL
                                                                 : AFFECT_DIRECTION_STEADY;
    if (first) cite(a->r, first);
    if (last) cite(a->r, last);
    say(a, "The %s %s there: it changes by %+.2f.", reason_dimension_names[dimension],
        real == AFFECT_DIRECTION_RISE   ? "rises"
        : real == AFFECT_DIRECTION_FALL ? "falls"
                                        : "is steady",
        delta);
    double sure = surely(delta, hypot(sx, sy));
    if (a->q->yes_no && d != AFFECT_DIRECTION_NONE)
        answer(a->r, "change", sure, "%s", d == real ? "yes" : "no");
    else
        answer(a->r, "change", sure, "%s", affect_direction_name(real));
}

static bool word_there(const asking *a, const char *const *list) {
    for (size_t i = 0; i < a->q->facts.token_count; i++)
        if (!a->q->facts.tokens[i].quoted && reason_is(a->q->facts.tokens[i].text, list))
            return true;
    return false;
}
#define THERE(a, ...) word_there((a), (const char *const[]){__VA_ARGS__, NULL})

static bool takes_change(const asking *a, const change *c, affect_direction d, int dimension) {
    const reason_question *q = a->q;
    affect_time slack = q->t0 == q->t1 && q->timed ? 2 * AFFECT_SECOND : 0;
    if (!own(a, c->after)) return false;
    if (q->timed && (c->after->t0 < q->t0 - slack || c->after->t0 > q->t1 + slack)) return false;
    if (q->facts.label_count && !any_label(a, c->after)) return false;
    if (q->facts.label_count && any_label(a, c->before) && q->facts.label_count == 1) return false;
    if (d == AFFECT_DIRECTION_RISE || d == AFFECT_DIRECTION_FALL) {
        double move = c->move[dimension < 0 || dimension > 2 ? 0 : dimension];
        if (!(d == AFFECT_DIRECTION_RISE ? move >= 0.05 : move <= -0.05)) return false;
    }
    return true;
}

static void answer_change(asking *a) {
    const reason_question *q = a->q;
    affect_direction d = q->facts.move_count ? q->facts.moves[0].direction : AFFECT_DIRECTION_NONE;
    int dimension = q->facts.move_count ? q->facts.moves[0].dimension : asked_dimension(a);
    bool level = d != AFFECT_DIRECTION_NONE ||
                 (dimension >= 0 && dimension <= REASON_DOMINANCE && THERE(a, "how"));
    bool when = THERE(a, "when", "where") || THERE(a, "time", "moment", "point");
    if (level && !when && !q->facts.label_count &&
        (q->timed || q->yes_no || d == AFFECT_DIRECTION_STEADY)) {
        answer_trend(a, dimension, d);
        return;
    }
    change c, best = {0}, chosen = {0};
    size_t n = 0;
    bool strongest = THERE(a, "biggest", "largest", "strongest", "greatest", "most", "main", "big");
    for (size_t i = 0; i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        bool first = !reason_episode_before(a->g, e);
        /* "When is she first sad": the recording may begin so. */
        if (first && q->facts.label_count && own(a, e) && !q->timed && any_label(a, e) &&
            !q->yes_no) {
            if (!n++) chosen = (change){.before = e, .after = e};
            say_state(a, e);
            if (q->order == 1) break;
            continue;
        }
        if (!make_change(a, e, &c) || !takes_change(a, &c, d, dimension)) continue;
        n++;
        if (c.size >= best.size || !best.after) best = c;
        if (q->order < 0 || (int)n == BASE_MAX(1, q->order)) chosen = c;
        if (!strongest && !q->order && n <= 8) say_change(a, &c);
    }
    if (!n || (q->order > 1 && (int)n < q->order)) {
        say(a, "Nothing of the kind changes there.");
        answer(a->r, "change", 0.6, "%s", q->yes_no ? "no" : "none");
        return;
    }
    if (strongest) chosen = best;
    if ((strongest || q->order) && chosen.before != chosen.after) say_change(a, &chosen);
    double sure = chosen.before == chosen.after ? score_of(chosen.after) : sure_of(&chosen);
    if (q->yes_no)
        answer(a->r, "change", sure, "yes");
    else if (q->timed && !when)
        answer(a->r, "change", sure, "%s", chosen.after->interval->label);
    else
        answer(a->r, "change", sure, "%.1f", at(chosen.after->t0));
}

static void answer_cause(asking *a) {
    change c, best = {0};
    double nearest = INFINITY;
    for (size_t i = 0; i < a->g->episode_count; i++) {
        if (!make_change(a, a->g->episodes[i], &c) || !own(a, c.after)) continue;
        if (a->q->facts.label_count && !any_label(a, c.after)) continue;
        double off = !a->q->timed             ? -c.size
                     : c.after->t0 < a->q->t0 ? at(a->q->t0 - c.after->t0)
                     : c.after->t0 > a->q->t1 ? at(c.after->t0 - a->q->t1)
                                              : 0;
        if (off < nearest) {
            nearest = off;
            best = c;
        }
    }
    if (!best.after || nearest > 3) {
        refuse(a->r, "nothing changes there whose reason could be looked for");
        return;
    }
    double score;
    const reason_node *cause = reason_cause_find(a->g, best.after, &score);
    if (!cause || score * 100 < REASON_CAUSE_PERCENT) {
        refuse(a->r, "nothing before the change speaks for being its reason");
        return;
    }
    say_change(a, &best);
    cite(a->r, cause);
    if (cause->interval)
        say(a,
            "A candidate for the reason is what is said at %.1f s: \"%.200s\" (score %.2f) [%s].",
            at(cause->t0), cause->interval->label, score, cause->id);
    else
        say(a, "A candidate for the reason is the %s at %.1f s (score %.2f) [%s].",
            reason_kind_phrase(cause->event->kind), at(cause->apex), score, cause->id);
    answer(a->r, "cause", score, "%s", cause->id);
}

/* ---- order, lag, duration, count ---- */

/* The two things that a question names, in the order in which it names them; false unless both are
 * there. */
static bool two_things(const asking *a, const reason_node *nodes[2], const char *names[2]) {
    const reason_facts *f = &a->q->facts;
    size_t n = 0;
    for (size_t i = 0; i < f->token_count && n < 2; i++) {
        for (size_t k = 0; k < f->kind_count && n < 2; k++)
            if (f->kinds[k].at == i && !(n && names[0] == f->kinds[k].kind)) {
                names[n] = f->kinds[k].kind;
                nodes[n] = NULL;
                int person = AFFECT_PERSON_NONE; /* "Ann's smile", "the smile of Ann" */
                for (size_t p = 0; p < f->person_count; p++)
                    if (f->person_at[p] + 3 >= i && f->person_at[p] <= i + 4)
                        person = affect_timeline_resolve_person(a->g->timeline, f->persons[p]);
                for (size_t e = 0; e < a->g->event_count && !nodes[n]; e++)
                    if (strcmp(a->g->events[e]->event->kind, names[n]) == 0 &&
                        (person == AFFECT_PERSON_NONE
                             ? own(a, a->g->events[e]) || f->person_count > 1
                             : a->g->events[e]->person == person))
                        nodes[n] = a->g->events[e];
                n++;
            }
        for (size_t k = 0; k < f->label_count && n < 2; k++)
            if (f->label_at[k] == i) {
                names[n] = f->tokens[i].text;
                nodes[n] = NULL;
                for (size_t e = 0; e < a->g->episode_count && !nodes[n]; e++)
                    if (own(a, a->g->episodes[e]) && is_label(a, a->g->episodes[e], k))
                        nodes[n] = a->g->episodes[e];
                n++;
            }
    }
    return n == 2 && nodes[0] && nodes[1];
}

static void answer_persons_order(asking *a) {
    const reason_facts *f = &a->q->facts;
    const char *kind = asked_kind(a);
    const reason_node *best = NULL;
    char who[64];
    for (size_t p = 0; p < f->person_count; p++) {
        int person = affect_timeline_resolve_person(a->g->timeline, f->persons[p]);
        const reason_node *first = NULL;
        for (size_t i = 0; kind && i < a->g->event_count && !first; i++)
            if (a->g->events[i]->person == person &&
                strcmp(a->g->events[i]->event->kind, kind) == 0)
                first = a->g->events[i];
        for (size_t i = 0; !kind && f->label_count && i < a->g->episode_count && !first; i++)
            if (a->g->episodes[i]->person == person && any_label(a, a->g->episodes[i]))
                first = a->g->episodes[i];
        if (!first) continue;
        cite(a->r, first);
        say(a, "%s at %.1f s [%s].", title(a, person, true, who), at(first->t0), first->id);
        if (!best || first->t0 < best->t0) best = first;
    }
    if (!best) {
        refuse(a->r, "what it compares is not in the timeline");
        return;
    }
    if (a->q->yes_no)
        answer(a->r, "order", score_of(best), "%s",
               best->person == affect_timeline_resolve_person(a->g->timeline, f->persons[0])
                   ? "yes"
                   : "no");
    else
        answer(a->r, "order", score_of(best), "%s", title(a, best->person, false, who));
}

static const char *name_of(const reason_node *n, const char *name) {
    return n->event ? reason_kind_phrase(n->event->kind) : name;
}

static void answer_order(asking *a) {
    const reason_node *nodes[2] = {NULL, NULL};
    const char *names[2] = {"", ""};
    if (!two_things(a, nodes, names)) {
        if (a->q->facts.person_count >= 2 && a->q->person == AFFECT_PERSON_NONE)
            answer_persons_order(a);
        else
            refuse(a->r, "what it compares is not in the timeline");
        return;
    }
    bool first = nodes[0]->t0 <= nodes[1]->t0;
    double sure = fmin(score_of(nodes[0]), score_of(nodes[1]));
    say(a, "The %s comes first, at %.1f s [%s]; the %s at %.1f s [%s].",
        name_of(nodes[!first], names[!first]), at(nodes[!first]->t0), nodes[!first]->id,
        name_of(nodes[first], names[first]), at(nodes[first]->t0), nodes[first]->id);
    cite(a->r, nodes[!first]);
    cite(a->r, nodes[first]);
    bool later =
        THERE(a, "after", "follow*", "later", "second", "last") && !THERE(a, "before", "precede*");
    if (a->q->yes_no)
        answer(a->r, "order", sure, "%s", first != later ? "yes" : "no");
    else
        answer(a->r, "order", sure, "%s", names[(later && !THERE(a, "first")) ? first : !first]);
}

static void answer_lag(asking *a) {
    const reason_node *nodes[2] = {NULL, NULL};
    const char *names[2] = {"", ""};
    if (!two_things(a, nodes, names)) {
        refuse(a->r, "what it compares is not in the timeline");
        return;
    }
    const affect_link *l = reason_graph_link(a->g, AFFECT_LINK_MATCHES, nodes[0]->id, nodes[1]->id);
    double lag = fabs(at(nodes[1]->t0 - nodes[0]->t0));
    if (l && l->lag != AFFECT_TIME_NONE) lag = fabs(at(l->lag));
    say(a, "Between the %s at %.1f s [%s] and the %s at %.1f s [%s] lie %.2f s.",
        name_of(nodes[0], names[0]), at(nodes[0]->t0), nodes[0]->id, name_of(nodes[1], names[1]),
        at(nodes[1]->t0), nodes[1]->id, lag);
    cite(a->r, nodes[0]);
    cite(a->r, nodes[1]);
    answer(a->r, "lag", fmin(score_of(nodes[0]), score_of(nodes[1])), "%.2f", lag);
}

/* Counts and lengths of the events or episodes that are asked for. */
static size_t sum_up(asking *a, double *total, double *sure, const reason_node **single) {
    const char *kind = asked_kind(a);
    size_t n = 0;
    *total = 0;
    *sure = 0;
    const reason_node *one = kind && a->q->order ? nth_event(a, kind, a->q->order) : NULL;
    for (size_t i = 0; kind && i < a->g->event_count; i++) {
        const reason_node *e = a->g->events[i];
        if (!asked_event(a, e, kind) || (a->q->order && e != one)) continue;
        n++;
        *total += at(e->t1 - e->t0);
        *sure += score_of(e);
        *single = e;
        if (n <= 8) say_event(a, e);
    }
    bool instant = a->q->timed && a->q->t0 == a->q->t1;
    for (size_t i = 0; !kind && i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        if (!own(a, e) || (a->q->facts.label_count && !any_label(a, e))) continue;
        if (instant ? e != episode_at(a, e->person, a->q->t0) : !in_window(a, e)) continue;
        bool cut = a->q->timed && !instant;
        double length =
            cut ? at(BASE_MIN(e->t1, a->q->t1) - BASE_MAX(e->t0, a->q->t0)) : at(e->t1 - e->t0);
        if (cut && length <= 0) continue;
        n++;
        if (a->q->order > 0 && (int)n != a->q->order && a->q->facts.label_count) continue;
        *total += length;
        *sure += score_of(e);
        *single = e;
        if (n <= 8) say_state(a, e);
    }
    if (n) *sure /= (double)n;
    return n;
}

static void answer_duration(asking *a) {
    double total, sure;
    const reason_node *single = NULL;
    char who[64];
    if (!asked_kind(a) && !a->q->facts.label_count && THERE(a, "recording", "video", "clip")) {
        answer(a->r, "duration", 1, "%.1f", at(a->q->end));
        say(a, "The recording lasts %.1f s.", at(a->q->end));
        return;
    }
    if (THERE(a, "speak*", "talk*", "spoke")) {
        total = 0;
        const affect_tier *u = affect_timeline_find_tier(a->g->timeline, "utterances");
        if (!u || !u->count) u = affect_timeline_find_tier(a->g->timeline, "speaking");
        for (size_t i = 0; u && i < u->count; i++) {
            const reason_node *n = reason_graph_find(a->g, u->items[i].id);
            if (!n || !own(a, n) || !in_window(a, n)) continue;
            total += at(BASE_MIN(n->t1, a->q->t1) - BASE_MAX(n->t0, a->q->t0));
            cite(a->r, n);
        }
        answer(a->r, "duration", 0.7, "%.1f", total);
        say(a, "%s speaks for %.1f s.", title(a, a->q->person, true, who), total);
        return;
    }
    size_t n = sum_up(a, &total, &sure, &single);
    if (!n && !asked_kind(a) && !a->q->facts.label_count) {
        refuse(a->r, "no episode is there");
        return;
    }
    if (!n) {
        say(a, "There is nothing of the kind there.");
        answer(a->r, "duration", 0.6, "0");
        return;
    }
    if (n > 1) say(a, "Together that is %.1f s in %zu stretches.", total, n);
    if (n == 1) say(a, "That is %.1f s.", total);
    answer(a->r, "duration", sure, "%.1f", total);
}

static void answer_count(asking *a) {
    double total, sure;
    const reason_node *single = NULL;
    if (!asked_kind(a) && !a->q->facts.label_count && THERE(a, "persons", "people", "speakers")) {
        answer(a->r, "count", 0.7, "%zu", a->g->person_count);
        say(a, "There are %zu persons in the timeline.", a->g->person_count);
        for (size_t i = 0; i < a->g->episode_count && a->r->count < 8; i++)
            cite(a->r, a->g->episodes[i]);
        return;
    }
    if (!asked_kind(a) && !a->q->facts.label_count &&
        THERE(a, "chang*", "shift*", "turn*", "switch*")) {
        size_t n = 0;
        double all = 0;
        change c;
        for (size_t i = 0; i < a->g->episode_count; i++)
            if (make_change(a, a->g->episodes[i], &c) &&
                takes_change(a, &c, AFFECT_DIRECTION_NONE, -1)) {
                all += sure_of(&c);
                if (++n <= 8) say_change(a, &c);
            }
        say(a, "That is %zu change%s.", n, n == 1 ? "" : "s");
        answer(a->r, "count", n ? all / (double)n : 0.6, "%zu", n);
        return;
    }
    if (!asked_kind(a) && !a->q->facts.label_count && !THERE(a, "episode*", "state*", "emotion*")) {
        refuse(a->r, "it does not say of what");
        return;
    }
    size_t n = sum_up(a, &total, &sure, &single);
    say(a, "That is %zu.", n);
    answer(a->r, "count", n ? sure : 0.6, "%zu", n);
}

/* ---- comparison ---- */

typedef struct scale {
    int dimension; /* or -1: how often `kind`, or, without one, how long `label`, or speaking */
    double sign;
    const char *kind;
    bool label, speaking;
    const char *name;
} scale;

static scale asked_scale(const asking *a) {
    const reason_facts *f = &a->q->facts;
    scale s = {.dimension = REASON_VALENCE, .sign = 1, .name = "valence"};
    bool less = THERE(a, "less", "least", "lower", "lowest", "fewer", "fewest");
    if (f->kind_count) {
        s = (scale){.dimension = -1,
                    .sign = 1,
                    .kind = f->kinds[0].kind,
                    .name = reason_kind_phrase(f->kinds[0].kind)};
    } else if (THERE(a, "speak*", "talk*", "spoke")) {
        s = (scale){.dimension = -1, .sign = 1, .speaking = true, .name = "seconds of speech"};
    } else if (f->label_count && THERE(a, "longer", "longest")) {
        s = (scale){.dimension = -1, .sign = 1, .label = true, .name = "seconds of it"};
    } else if (asked_dimension(a) >= 0) {
        s.dimension = asked_dimension(a);
    } else if (THERE(a, "excited", "energetic", "active", "activated", "lively", "livelier",
                     "aroused", "agitated")) {
        s.dimension = REASON_AROUSAL;
    } else if (THERE(a, "calm", "calmer", "calmest", "quieter", "relaxed")) {
        s.dimension = REASON_AROUSAL;
        s.sign = -1;
    } else if (THERE(a, "dominant", "dominates", "controlling")) {
        s.dimension = REASON_DOMINANCE;
    } else if (asked_sign(a)) {
        s.sign = asked_sign(a);
    } else if (f->label_count && f->labels[0] >= 0) {
        const words_emotion_word *w = words_emotions_at(a->lexicon, (size_t)f->labels[0]);
        const char *category =
            w->family_count ? words_emotions_family(a->lexicon, w->families[0].family)->category
                            : "";
        if (strcmp(category, "happiness") == 0)
            s.sign = 1;
        else if (strcmp(category, "sadness") == 0)
            s.sign = -1;
        else
            s = (scale){.dimension = -1, .sign = 1, .label = true, .name = "seconds of it"};
    }
    if (!s.dimension || s.dimension > 0)
        s.name = s.dimension >= 0 ? reason_dimension_names[s.dimension] : s.name;
    if (less) s.sign = -s.sign;
    return s;
}

static bool on_scale(asking *a, const scale *s, int person, double *value, double *sd) {
    *value = 0;
    *sd = 0;
    if (s->dimension >= 0) {
        affect_time t0 = a->q->t0, t1 = a->q->t1;
        if (t1 - t0 < AFFECT_SECOND) t0 -= AFFECT_SECOND / 2, t1 += AFFECT_SECOND / 2;
        const reason_node *e = episode_at(a, person, (t0 + t1) / 2);
        if (e) cite(a->r, e);
        if (reason_level(a->g, person, AFFECT_MODALITY_FUSED, s->dimension, t0, t1, value, sd))
            return true;
        return e && reason_episode_level(a->g, e, s->dimension, value, sd);
    }
    for (size_t i = 0; s->kind && i < a->g->event_count; i++) {
        const reason_node *n = a->g->events[i];
        if (n->person != person || strcmp(n->event->kind, s->kind) != 0 ||
            (a->q->timed && !in_window(a, n)))
            continue;
        *value += 1;
        cite(a->r, n);
    }
    for (size_t i = 0; s->label && i < a->g->episode_count; i++) {
        const reason_node *n = a->g->episodes[i];
        if (n->person != person || !in_window(a, n) || !any_label(a, n)) continue;
        *value += at(n->t1 - n->t0);
        cite(a->r, n);
    }
    const affect_tier *u = affect_timeline_find_tier(a->g->timeline, "utterances");
    if (!u || !u->count) u = affect_timeline_find_tier(a->g->timeline, "speaking");
    for (size_t i = 0; s->speaking && u && i < u->count; i++) {
        const reason_node *n = reason_graph_find(a->g, u->items[i].id);
        if (!n || n->person != person || !in_window(a, n)) continue;
        *value += at(n->t1 - n->t0);
        cite(a->r, n);
    }
    *sd = s->kind ? sqrt(fmax(*value, 1)) / 2 : 0.2 * *value;
    return true;
}

static void answer_compare(asking *a) {
    const reason_facts *f = &a->q->facts;
    scale s = asked_scale(a);
    int best = 0, second = 0, first_named = 0;
    double top = -INFINITY, top_sd = 0, next = -INFINITY, next_sd = 0;
    char who[64];
    size_t n = f->person_count >= 2 ? f->person_count : a->g->person_count;
    for (size_t i = 0; i < n; i++) {
        int person = f->person_count >= 2
                         ? affect_timeline_resolve_person(a->g->timeline, f->persons[i])
                         : a->g->persons[i];
        double value, sd;
        if (!i) first_named = person;
        if (!on_scale(a, &s, person, &value, &sd)) continue;
        say(a, "%s: %s %.2f.", title(a, person, true, who), s.name, value);
        if (s.sign * value > top) {
            next = top, next_sd = top_sd, second = best;
            top = s.sign * value, top_sd = sd, best = person;
        } else if (s.sign * value > next) {
            next = s.sign * value, next_sd = sd, second = person;
        }
    }
    if (!best || !second) {
        refuse(a->r, "there are no two persons whom the timeline could compare on that");
        return;
    }
    double sure = surely(top - next, hypot(top_sd, next_sd));
    if (top == next) {
        say(a, "There is no difference.");
        answer(a->r, "comparison", 0.5, "%s", a->q->yes_no ? "no" : "equal");
    } else if (a->q->yes_no) {
        answer(a->r, "comparison", sure, "%s", best == first_named ? "yes" : "no");
    } else {
        answer(a->r, "comparison", sure, "%s", title(a, best, false, who));
    }
}

/* ---- what comes next, what is said ---- */

/* Where the timeline's own transitions are few, what follows a category in dialogues counts (turns.h):
 * as much as this many transitions. */
static const double FOLLOWS = 2.0;

/* The shares of the categories after the episodes until `now`, as the model of turns says; without it,
 * of all labels alike. */
static void what_follows(const asking *a, const reason_node *last, affect_time now,
                         double out[CATEGORIES]) {
    reason_turn turns[REASON_TURNS_BACK];
    size_t n = 0, first = 0;
    for (int c = 0; c < CATEGORIES; c++) out[c] = 1.0 / CATEGORIES;
    if (!a->g->model) return;
    while (first < a->g->episode_count && a->g->episodes[first]->t0 <= now) first++;
    for (first = first > REASON_TURNS_BACK ? first - REASON_TURNS_BACK : 0;
         first < a->g->episode_count && a->g->episodes[first]->t0 <= now; first++) {
        const reason_node *e = a->g->episodes[first];
        int c = category_of_label(e->interval->label);
        turns[n] = (reason_turn){.text = "", .speaker = e->person};
        if (c >= 0) turns[n].emotion[c] = 1;
        n++;
    }
    reason_turn_next(a->g->model, turns, n, last->person, out);
}

static void answer_next(asking *a) {
    const reason_node *last = NULL;
    char who[64];
    affect_time now = a->q->timed ? a->q->t1 : a->q->end;
    for (size_t i = 0; i < a->g->episode_count; i++)
        if (own(a, a->g->episodes[i]) && a->g->episodes[i]->t0 <= now &&
            (!last || a->g->episodes[i]->t1 >= last->t1))
            last = a->g->episodes[i];
    if (!last) {
        refuse(a->r, "the timeline has no episode");
        return;
    }
    const char *from = last->interval->label;
    bool *followed = base_calloc(a->g->episode_count, sizeof *followed); /* came after `from` */
    if (!followed) {
        a->r->failed = true;
        return;
    }
    for (size_t i = 0; i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i], *before = reason_episode_before(a->g, e);
        followed[i] = e->t0 <= now && before && strcmp(before->interval->label, from) == 0;
    }
    /* Candidates: every label of this recording and every category but the last one's. */
    double follows[CATEGORIES], sum = 0, most = -1;
    const char *guess = NULL;
    const reason_node *seen = NULL;
    what_follows(a, last, now, follows);
    for (size_t i = 0; i < a->g->episode_count + CATEGORIES; i++) {
        bool whole = i >= a->g->episode_count;
        const reason_node *e = whole ? NULL : a->g->episodes[i];
        const char *label = whole ? category_names[i - a->g->episode_count] : e->interval->label;
        if (strcmp(label, from) == 0 || (e && e->t0 > now)) continue;
        bool again = false; /* named before */
        for (size_t k = 0; k < i && k < a->g->episode_count && !again; k++)
            again = a->g->episodes[k]->t0 <= now &&
                    strcmp(a->g->episodes[k]->interval->label, label) == 0;
        if (again) continue;
        int c = category_of_label(label);
        double weight = FOLLOWS * (c >= 0 ? follows[c] : 1.0 / CATEGORIES);
        for (size_t k = 0; k < a->g->episode_count; k++)
            weight += followed[k] && strcmp(a->g->episodes[k]->interval->label, label) == 0;
        sum += weight;
        if (weight > most) {
            most = weight;
            guess = label;
            seen = e;
        }
    }
    base_free(followed);
    cite(a->r, last);
    if (seen) cite(a->r, seen);
    answer(a->r, "next", most / sum, "%s", guess);
    say(a,
        "Last, %s appears %s [%s]. From the transitions of this recording%s, %s is most likely "
        "next "
        "(%.0f %%)%s%s%s; this is a guess.",
        title(a, last->person, false, who), adjective(from), last->id,
        a->g->model ? " and from what follows in other dialogues" : "", guess, 100 * most / sum,
        seen ? " [" : "", seen ? seen->id : "", seen ? "]" : "");
}

static void answer_said(asking *a) {
    const affect_tier *u = affect_timeline_find_tier(a->g->timeline, "utterances");
    for (size_t i = 0; u && i < u->count && a->r->count < 8; i++) {
        const reason_node *n = reason_graph_find(a->g, u->items[i].id);
        if (!n || !own(a, n) || !in_window(a, n)) continue;
        if (!a->r->count) answer(a->r, "said", score_of(n), "%s", n->interval->label);
        say(a, "From %.1f s on: \"%.300s\" [%s].", at(n->t0), n->interval->label, n->id);
        cite(a->r, n);
    }
    if (!a->r->count) {
        answer(a->r, "said", 0.6, "nothing");
        say(a, "Nothing is said there, as far as the timeline shows.");
    }
}

/* ---- */

static void put_yes_or_no(reply *r) {
    base_text text = {0};
    if (strcmp(r->value.data, "yes") != 0 && strcmp(r->value.data, "no") != 0) return;
    base_text_printf(&text, "%s. %s", *r->value.data == 'y' ? "Yes" : "No",
                     r->text.data ? r->text.data : "");
    base_text_destroy(&r->text);
    r->text = text;
}

affect_status affect_ask(affect_reasoner *reasoner, const affect_timeline *timeline,
                         const char *question, const affect_answer **out) {
    static void (*const answers[])(asking *) = {
        [REASON_ASK_STATE] = answer_state, [REASON_ASK_EVENT] = answer_event,
        [REASON_ASK_WHO] = answer_who,     [REASON_ASK_CHANGE] = answer_change,
        [REASON_ASK_CAUSE] = answer_cause, [REASON_ASK_ORDER] = answer_order,
        [REASON_ASK_LAG] = answer_lag,     [REASON_ASK_DURATION] = answer_duration,
        [REASON_ASK_COUNT] = answer_count, [REASON_ASK_COMPARE] = answer_compare,
        [REASON_ASK_NEXT] = answer_next,   [REASON_ASK_SAID] = answer_said,
    };
    enum { LONGEST = 2000 };
    affect_context *ctx = reasoner ? reasoner->ctx : NULL;
    BASE_NEED(ctx, reasoner && timeline && question && out);
    *out = NULL;
    if (strlen(question) > LONGEST)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "the question has more than %d bytes", LONGEST);
    reason_graph g;
    affect_status status = reason_graph_build(reasoner, timeline, &g);
    if (status != AFFECT_OK) return status;
    reply *r = base_calloc(1, sizeof *r);
    reason_question *q = base_calloc(1, sizeof *q);
    if (r && q) {
        asking a = {&g, reasoner->lexicon, q, r};
        reason_question_read(&g, reasoner->lexicon, question, q);
        if (q->refusal)
            refuse(r, q->refusal);
        else
            answers[q->kind](&a);
        r->failed = r->failed || q->failed || q->facts.quote.failed;
        if (q->yes_no && r->value.data && !r->public.refused) put_yes_or_no(r);
        base_text_append(&r->text, "");
        base_text_append(&r->value, "");
        r->public.text = r->text.data ? r->text.data : "";
        r->public.value = r->value.data ? r->value.data : "";
        r->public.evidence = (const char *const *)r->ids;
        r->public.evidence_count = r->count;
        reason_question_clear(q);
    }
    if (!r || !q || r->failed || r->text.failed || r->value.failed) status = base_fail_memory(ctx);
    base_free(q);
    reason_graph_clear(&g);
    if (status == AFFECT_OK)
        *out = &r->public;
    else
        affect_answer_destroy(r ? &r->public : NULL);
    return status;
}

affect_status reason_answer_of(affect_context *ctx, const affect_explanation *claims,
                               const affect_answer **out) {
    reply *r = base_calloc(1, sizeof *r);
    *out = NULL;
    if (!r) return base_fail_memory(ctx);
    reason_put_lines(claims, &r->text);
    for (size_t i = 0; r->text.data && i < r->text.length; i++)
        if (r->text.data[i] == '\n') r->text.data[i] = ' ';
    for (size_t i = 0; i < claims->count; i++)
        for (size_t k = 0; k < claims->claims[i].public.evidence_count; k++)
            cite(r, &(reason_node){.id = claims->claims[i].public.evidence[k]});
    base_text_append(&r->text, "");
    r->public = (affect_answer){.text = r->text.data ? r->text.data : "",
                                .kind = "claims",
                                .value = "",
                                .confidence = NAN,
                                .evidence = (const char *const *)r->ids,
                                .evidence_count = r->count};
    if (!r->failed && !r->text.failed) {
        *out = &r->public;
        return AFFECT_OK;
    }
    affect_answer_destroy(&r->public);
    return base_fail_memory(ctx);
}

void affect_answer_destroy(const affect_answer *answer_) {
    if (!answer_) return;
    reply *r = (reply *)(uintptr_t)answer_; /* it is the first member */
    for (size_t i = 0; i < r->count; i++) base_free(r->ids[i]);
    base_text_destroy(&r->text);
    base_text_destroy(&r->value);
    base_free(r);
}

void reason_put_answer(const char *question, const affect_answer *answer_, bool json,
                       base_text *out) {
    if (!json) {
        base_text_append_clean(out, answer_->text);
        if (isfinite(answer_->confidence))
            base_text_printf(out, " (sure: %.0f %%)", 100 * answer_->confidence);
        base_text_append(out, "\n");
        return;
    }
    base_text_append(out, "{\"question\":");
    base_text_append_json(out, question);
    base_text_printf(out, ",\"kind\":\"%s\",\"refused\":%s,\"value\":", answer_->kind,
                     answer_->refused ? "true" : "false");
    base_text_append_json(out, answer_->value);
    if (!isfinite(answer_->confidence))
        base_text_append(out, ",\"confidence\":null,\"text\":");
    else
        base_text_printf(out, ",\"confidence\":%.3f,\"text\":", answer_->confidence);
    base_text_append_json(out, answer_->text);
    base_text_append(out, ",\"evidence\":[");
    for (size_t i = 0; i < answer_->evidence_count; i++) {
        base_text_append(out, i ? "," : "");
        base_text_append_json(out, answer_->evidence[i]);
    }
    base_text_append(out, "]}\n");
}
