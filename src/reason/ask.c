/* Answers to questions about a timeline, from its episodes, events, tracks and links. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reason/ask.h"
#include "reason/reason.h"

/* The label that holds for the longest part of the window. */
static const reason_node *dominant(const asking *a, double *share) {
    double most = 0, all = 0;
    const reason_node *best = NULL;
    for (size_t i = 0; i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        if (!reason_ask_own(a, e) || !reason_ask_in_window(a, e)) continue;
        double sum = 0;
        for (size_t k = 0; k < a->g->episode_count; k++) {
            const reason_node *o = a->g->episodes[k];
            if (reason_ask_own(a, o) && reason_ask_in_window(a, o) &&
                strcmp(o->interval->label, e->interval->label) == 0)
                sum += reason_ask_s(BASE_MIN(o->t1, a->q->t1)) -
                       reason_ask_s(BASE_MAX(o->t0, a->q->t0));
        }
        all += reason_ask_s(BASE_MIN(e->t1, a->q->t1)) - reason_ask_s(BASE_MAX(e->t0, a->q->t0));
        if (!best || sum > most) {
            most = sum;
            best = e;
        }
    }
    *share = all > 0 ? most / all : 1;
    return best;
}

/* Puts a person behind those who came before; false: one of them, or there is no room. */
static bool take_person(int *persons, size_t *count, size_t room, int person) {
    for (size_t i = 0; i < *count; i++)
        if (persons[i] == person) return false;
    if (*count == room) return false;
    persons[(*count)++] = person;
    return true;
}

/* "Are they all in the same mood?": by the labels, at an instant or for the larger part of a window. */
static void answer_same(asking *a) {
    const reason_facts *f = &a->q->facts;
    const affect_time step = AFFECT_SECOND / 2;
    enum { MOST = 16 };
    int persons[MOST];
    size_t n = 0;
    for (size_t i = 0; i < f->person_count && n < MOST; i++) {
        const int one = affect_timeline_resolve_person(a->g->timeline, f->persons[i]);
        take_person(persons, &n, MOST, one);
    }
    if (!n)
        for (size_t i = 0; i < a->g->person_count && n < MOST; i++) persons[n++] = a->g->persons[i];
    size_t same = 0, all = 0;
    double sure = 1;
    for (affect_time t = a->q->t0; n > 1 && t <= a->q->t1; t += step) {
        const reason_node *first = NULL;
        size_t there = 0;
        bool alike = true;
        for (size_t p = 0; p < n; p++) {
            const reason_node *e = reason_ask_episode_at(a, persons[p], t);
            if (!e) continue; /* of those who are there, unless they are named */
            if (!first) first = e;
            there++;
            alike = alike && strcmp(e->interval->label, first->interval->label) == 0;
        }
        if (there < 2 || (f->person_count && there < n)) continue;
        all++;
        same += alike;
        for (size_t p = 0; p < n; p++) {
            const reason_node *e = reason_ask_episode_at(a, persons[p], t);
            if (!e) continue;
            sure = fmin(sure, reason_ask_score_of(a, e));
            if (a->q->t0 == a->q->t1) reason_ask_say_state(a, e);
            reason_ask_cite(a->r, e);
        }
    }
    if (!all) {
        reason_ask_refuse(a->r, "there are no two persons whom the timeline could compare there");
        return;
    }
    if (a->q->t0 != a->q->t1)
        reason_ask_say(a, "For %.0f %% of that time %s the same label.",
                       100 * (double)same / (double)all,
                       n > 2 ? "all who are there have" : "both have");
    bool alike = 2 * same > all;
    if (THERE(a, "differ*", "different*")) alike = !alike;
    reason_ask_give(a->r, "comparison", sure, "%s", alike ? "yes" : "no");
}

/* What happens at an instant may be that something changes. */
static bool change_near(asking *a);

static void answer_state(asking *a) {
    const reason_question *q = a->q;
    if (reason_ask_for_level(a)) {
        reason_ask_level(a);
        return;
    }
    if (q->same) {
        answer_same(a);
        return;
    }
    bool instant = q->timed && q->t0 == q->t1;
    if (q->facts.label_count && (q->yes_no || !instant)) { /* is, when, ever */
        double best = 0;
        size_t n = 0;
        base_text when = {0};
        for (size_t i = 0; i < a->g->episode_count; i++) {
            const reason_node *e = a->g->episodes[i];
            if (!reason_ask_own(a, e)) continue;
            if (instant ? e != reason_ask_episode_at(a, e->person, q->t0)
                        : !reason_ask_in_window(a, e))
                continue;
            if (!instant && q->timed && e->t0 >= q->t1) continue;
            if (!reason_ask_any_label(a, e)) {
                if (instant)
                    reason_ask_say_state(a, e), best = fmax(best, reason_ask_score_of(a, e));
                continue;
            }
            if (!n) base_text_printf(&when, "%.1f", reason_ask_s(q->ends ? e->t1 : e->t0));
            if (++n <= 8) reason_ask_say_state(a, e);
            if (q->ends && n == 1) reason_ask_say(a, "It ends at %.1f s.", reason_ask_s(e->t1));
            best = fmax(best, reason_ask_score_of(a, e));
        }
        if (instant && !a->r->count) { /* nobody is there: that is no "no" */
            reason_ask_refuse(a->r, "no episode is there");
            base_text_destroy(&when);
            return;
        }
        if (!n && !a->r->text.length)
            reason_ask_say(a, "Nothing in the timeline is called %s there.",
                           reason_ask_asked_word(a, 0));
        if (q->yes_no)
            reason_ask_give(a->r, "state", n || instant ? best : 0.6, "%s", n ? "yes" : "no");
        else
            reason_ask_give(a->r, "state", n ? best : 0.6, "%s", n ? when.data : "never");
        base_text_destroy(&when);
        return;
    }
    if (!instant) {
        double share;
        const reason_node *e = dominant(a, &share);
        if (!e) {
            reason_ask_refuse(a->r, "no episode is there");
            return;
        }
        reason_ask_give(a->r, "state", reason_ask_score_of(a, e) * share, "%s", e->interval->label);
        reason_ask_say(a, "For %.0f %% of that time the expression is %s.", 100 * share,
                       reason_ask_adjective(e->interval->label));
        for (size_t i = 0; i < a->g->episode_count; i++)
            if (reason_ask_own(a, a->g->episodes[i]) &&
                reason_ask_in_window(a, a->g->episodes[i]) && a->r->count < 8)
                reason_ask_say_state(a, a->g->episodes[i]);
        return;
    }
    if (THERE(a, "happen*") && change_near(a)) return;
    for (size_t p = 0; p <= a->g->person_count; p++) {
        int person = p < a->g->person_count ? a->g->persons[p] : AFFECT_PERSON_NONE;
        if (person == AFFECT_PERSON_NONE && a->g->person_count) break;
        if (q->person != AFFECT_PERSON_NONE && person != q->person) continue;
        const reason_node *e = reason_ask_episode_at(a, person, q->t0);
        if (!e) continue;
        if (!a->r->count)
            reason_ask_give(a->r, "state", reason_ask_score_of(a, e), "%s", e->interval->label);
        reason_ask_say_state(a, e);
    }
    if (!a->r->count) {
        reason_ask_refuse(a->r, "no episode is there");
        return;
    }
    for (size_t i = 0, n = 0; i < a->g->event_count && n < 3; i++)
        if (reason_ask_own(a, a->g->events[i]) && reason_ask_in_window(a, a->g->events[i])) {
            reason_ask_say(a, "There is a %s at %.1f s [%s].",
                           reason_kind_phrase(a->g->events[i]->event->kind),
                           reason_ask_s(a->g->events[i]->apex), a->g->events[i]->id);
            reason_ask_cite(a->r, a->g->events[i]);
            n++;
        }
}

/* ---- events ---- */

static void answer_event(asking *a) {
    const char *kind = reason_ask_asked_kind(a);
    const bool chooses = a->q->order || reason_ask_picks(a);
    const reason_node *one = chooses ? reason_ask_chosen(a, kind) : NULL;
    size_t n = 0;
    double best = 0, first = 0;
    for (size_t i = 0; i < a->g->event_count; i++) {
        const reason_node *e = a->g->events[i];
        if (!reason_ask_asked_event(a, e, kind) || (chooses && e != one)) continue;
        if (!n++) first = reason_ask_s(a->q->ends ? e->t1 : e->t0);
        best = fmax(best, reason_ask_score_of(a, e));
        if (n <= 8) reason_ask_say_event(a, e);
    }
    if (one && (reason_ask_picks(a) || THERE(a, "strong*", "intens*")))
        reason_ask_say(a, "It lasts %.1f s, with strength %.2f.", reason_ask_s(one->t1 - one->t0),
                       (double)one->event->strength);
    if (!n) reason_ask_say(a, "There is no %s there.", reason_kind_phrase(kind));
    if (one && THERE(a, "how") && THERE(a, "strong*", "intens*"))
        reason_ask_give(a->r, "event", best, "%.2f", (double)one->event->strength);
    else if (a->q->yes_no)
        reason_ask_give(a->r, "event", n ? best : 0.6, "%s", n ? "yes" : "no");
    else if (n)
        reason_ask_give(a->r, "event", best, "%.1f", first);
    else
        reason_ask_give(a->r, "event", 0.6, "never");
}

/* Are the words in a text, in whatever case and with whatever apostrophes? */
static bool holds_words(asking *a, const char *text, const base_text *words) {
    base_text said = {0}, wanted = {0};
    reason_question_words(text, &said);
    reason_question_words(words->data ? words->data : "", &wanted);
    const bool found = said.data && wanted.data && wanted.length > 2
                           ? strstr(said.data, wanted.data) != NULL
                           : words->data && strstr(text, words->data) != NULL;
    a->r->failed = a->r->failed || said.failed || wanted.failed;
    base_text_destroy(&said);
    base_text_destroy(&wanted);
    return found;
}

/* Is it of a person whom the question names, where it names several? */
static bool among(const asking *a, const reason_node *n) {
    const reason_facts *f = &a->q->facts;
    for (size_t i = 0; i < f->person_count; i++)
        if (affect_timeline_resolve_person(a->g->timeline, f->persons[i]) == n->person) return true;
    return !f->person_count;
}

/* Who speaks then, or who says what stands in quotation marks. */
static void answer_speaker(asking *a) {
    const affect_tier *u = affect_timeline_find_tier(a->g->timeline, "utterances");
    const base_text *quote = &a->q->facts.quote;
    char who[64];
    if (!u || !u->count) u = affect_timeline_find_tier(a->g->timeline, "speaking");
    const bool last = a->q->order < 0;
    int seen[8];
    size_t persons = 0;
    for (size_t k = 0; u && k < u->count && a->r->count < (a->q->order ? 1 : 8); k++) {
        const size_t i = last ? u->count - 1 - k : k;
        const reason_node *n = reason_graph_find(a->g, u->items[i].id);
        if (!n || !n->person || !reason_ask_in_window(a, n) || !among(a, n)) continue;
        if (quote->length && !holds_words(a, n->interval->label, quote)) continue;
        if (a->q->order > 0) { /* of the persons, in the order in which each first speaks */
            if (!take_person(seen, &persons, BASE_COUNT(seen), n->person) ||
                (int)persons != a->q->order)
                continue;
        }
        if (!a->r->count)
            reason_ask_give(a->r, "who", reason_ask_score_of(a, n), "%s",
                            reason_ask_title(a, n->person, false, who));
        reason_ask_say(a, "%s speaks from %.1f s to %.1f s [%s].",
                       reason_ask_title(a, n->person, true, who), reason_ask_s(n->t0),
                       reason_ask_s(n->t1), n->id);
        reason_ask_cite(a->r, n);
    }
    if (a->r->count) return;
    reason_ask_say(a, "Nobody, as far as the timeline shows.");
    reason_ask_give(a->r, "who", 0.6, "nobody");
}

/* Is an episode positive or negative, as the question has it? */
static bool on_side(const asking *a, const reason_node *e, int sign) {
    double mean, sd;
    return reason_episode_level(a->g, e, REASON_VALENCE, &mean, &sd) &&
           sign * mean >= reason_steady(REASON_VALENCE);
}

/* Who does it first, second, last (of the persons in the order in which each first does it), longest, most strongly. */
static void answer_who_of(asking *a, const char *kind, int sign) {
    const int order = a->q->order;
    const bool picks = kind && reason_ask_picks(a);
    const reason_node *found = picks ? reason_ask_chosen(a, kind) : NULL;
    int persons[8];
    size_t n = 0;
    char who[64];
    for (size_t i = 0; !picks && i < (kind ? a->g->event_count : a->g->episode_count); i++) {
        const reason_node *e = kind ? a->g->events[i] : a->g->episodes[i];
        if (!e->person || !among(a, e)) continue;
        if (kind ? !reason_ask_asked_event(a, e, kind)
                 : !reason_ask_in_window(a, e) ||
                       !(sign ? on_side(a, e, sign) : reason_ask_any_label(a, e)))
            continue;
        if (take_person(persons, &n, BASE_COUNT(persons), e->person) && (int)n == order) found = e;
        if (order < 0) found = e;
    }
    if (!found) {
        reason_ask_say(a, "Nobody, as far as the timeline shows.");
        reason_ask_give(a->r, "who", 0.6, "nobody");
        return;
    }
    if (kind)
        reason_ask_say_event(a, found);
    else
        reason_ask_say_state(a, found);
    reason_ask_give(a->r, "who", reason_ask_score_of(a, found), "%s",
                    reason_ask_title(a, found->person, false, who));
}

static void answer_who(asking *a) {
    const int sign =
        a->q->facts.label_count || a->q->facts.kind_count ? 0 : reason_ask_asked_sign(a);
    if (a->q->tells && !a->q->facts.kind_count) {
        answer_speaker(a);
        return;
    }
    const char *kind = reason_ask_asked_kind(a);
    char who[64];
    if ((a->q->order && !a->q->anchor) || (kind && reason_ask_picks(a))) {
        answer_who_of(a, kind, sign);
        return;
    }
    const reason_node *best = NULL;
    for (size_t i = 0; kind && i < a->g->event_count; i++)
        if (reason_ask_asked_event(a, a->g->events[i], kind) && a->g->events[i]->person) {
            if (!best || (a->q->order < 0)) best = a->g->events[i];
            if (a->r->count < 8) reason_ask_say_event(a, a->g->events[i]);
        }
    for (size_t i = 0; !kind && i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        bool there = a->q->timed && a->q->t0 == a->q->t1
                         ? e == reason_ask_episode_at(a, e->person, a->q->t0)
                         : reason_ask_in_window(a, e);
        if (!there || !(sign ? on_side(a, e, sign) : reason_ask_any_label(a, e))) continue;
        if (!best || a->q->order < 0) best = e;
        if (a->r->count < 8) reason_ask_say_state(a, e);
    }
    if (!best) {
        reason_ask_say(a, "Nobody, as far as the timeline shows.");
        reason_ask_give(a->r, "who", 0.6, "nobody");
        return;
    }
    reason_ask_give(a->r, "who", reason_ask_score_of(a, best), "%s",
                    reason_ask_title(a, best->person, false, who));
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
    reason_ask_say(a, "At %.1f s %s changes from %s to %s", reason_ask_s(c->after->t0),
                   reason_ask_title(a, c->after->person, false, who), c->before->interval->label,
                   c->after->interval->label);
    if (isfinite(c->move[0]) && isfinite(c->move[1]))
        base_text_printf(&a->r->text, " (valence %+.2f, arousal %+.2f)", c->move[0], c->move[1]);
    base_text_append(&a->r->text, " [");
    base_text_append_clean(&a->r->text, c->before->id);
    base_text_append(&a->r->text, ", ");
    base_text_append_clean(&a->r->text, c->after->id);
    base_text_append(&a->r->text, "].");
    reason_ask_cite(a->r, c->before);
    reason_ask_cite(a->r, c->after);
}

static double sure_of(const asking *a, const change *c) {
    return c->size > 0
               ? reason_ask_surely(c->size, c->sd)
               : 0.5 * (reason_ask_score_of(a, c->before) + reason_ask_score_of(a, c->after));
}

static bool takes_change(const asking *a, const change *c, affect_direction d, int dimension) {
    const reason_question *q = a->q;
    affect_time slack = q->t0 == q->t1 && q->timed ? 2 * AFFECT_SECOND : 0;
    if (!reason_ask_own(a, c->after)) return false;
    if (q->timed && (c->after->t0 < q->t0 - slack || c->after->t0 > q->t1 + slack)) return false;
    if (q->facts.label_count && !reason_ask_any_label(a, c->after)) return false;
    if (q->facts.label_count && reason_ask_any_label(a, c->before) && q->facts.label_count == 1)
        return false;
    if (d == AFFECT_DIRECTION_RISE || d == AFFECT_DIRECTION_FALL) {
        double move = c->move[dimension < 0 || dimension > 2 ? 0 : dimension];
        if (!(d == AFFECT_DIRECTION_RISE ? move >= 0.05 : move <= -0.05)) return false;
    }
    return true;
}

static bool change_near(asking *a) {
    change c;
    size_t n = 0;
    for (size_t i = 0; i < a->g->episode_count; i++)
        if (make_change(a, a->g->episodes[i], &c) &&
            takes_change(a, &c, AFFECT_DIRECTION_NONE, -1)) {
            say_change(a, &c);
            reason_ask_give(a->r, "change", sure_of(a, &c), "%s", c.after->interval->label);
            n++;
        }
    return n > 0;
}

static void answer_change(asking *a) {
    const reason_question *q = a->q;
    affect_direction d = q->facts.move_count ? q->facts.moves[0].direction : AFFECT_DIRECTION_NONE;
    int dimension =
        q->facts.move_count ? q->facts.moves[0].dimension : reason_ask_asked_dimension(a);
    bool when = THERE(a, "when", "where") || THERE(a, "time", "moment", "point");
    if (dimension < 0 && q->of_voice) dimension = REASON_PITCH;
    if (dimension >= REASON_PITCH && when) {
        if (dimension == REASON_PITCH && q->facts.kind_count)
            answer_event(a);
        else
            reason_ask_refuse(a->r,
                              "of the voice the timeline knows when its pitch rises or falls");
        return;
    }
    bool level = d != AFFECT_DIRECTION_NONE || dimension >= REASON_PITCH ||
                 (dimension >= 0 && THERE(a, "how"));
    if (level && !when && (!q->facts.label_count || dimension >= REASON_PITCH) &&
        (q->timed || q->yes_no || q->either || d == AFFECT_DIRECTION_STEADY ||
         dimension >= REASON_PITCH)) {
        reason_ask_trend(a, dimension, d);
        return;
    }
    change c, best = {0}, chosen = {0};
    double most = 0;
    char who[64];
    size_t n = 0;
    bool strongest = THERE(a, "biggest", "largest", "strongest", "greatest", "most", "main", "big");
    for (size_t i = 0; i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        bool first = !reason_episode_before(a->g, e);
        /* "When is she first sad": the recording may begin so. */
        if (first && q->facts.label_count && reason_ask_own(a, e) && !q->timed &&
            reason_ask_any_label(a, e) && !q->yes_no) {
            if (!n++) chosen = (change){.before = e, .after = e};
            reason_ask_say_state(a, e);
            if (q->order == 1) break;
            continue;
        }
        if (!make_change(a, e, &c) || !takes_change(a, &c, d, dimension)) continue;
        n++;
        double size = d == AFFECT_DIRECTION_RISE || d == AFFECT_DIRECTION_FALL
                          ? fabs(c.move[dimension < 0 ? 0 : dimension])
                          : c.size;
        if (size >= most) best = c, most = size;
        if (q->order < 0 || (int)n == BASE_MAX(1, q->order)) chosen = c;
        if (!strongest && !q->order && n <= 8) say_change(a, &c);
    }
    if (!n || (q->order > 1 && (int)n < q->order)) {
        reason_ask_say(a, "Nothing of the kind changes there.");
        reason_ask_give(a->r, "change", 0.6, "%s", q->yes_no ? "no" : "none");
        return;
    }
    if (strongest) chosen = best;
    if ((strongest || q->order) && chosen.before != chosen.after) say_change(a, &chosen);
    double sure =
        chosen.before == chosen.after ? reason_ask_score_of(a, chosen.after) : sure_of(a, &chosen);
    if (THERE(a, "who", "whose"))
        reason_ask_give(a->r, "change", sure, "%s",
                        reason_ask_title(a, chosen.after->person, false, who));
    else if (q->yes_no)
        reason_ask_give(a->r, "change", sure, "yes");
    else if (q->timed && !when)
        reason_ask_give(a->r, "change", sure, "%s", chosen.after->interval->label);
    else
        reason_ask_give(a->r, "change", sure, "%.1f", reason_ask_s(chosen.after->t0));
}

static void answer_cause(asking *a) {
    change c, best = {0};
    double nearest = INFINITY;
    for (size_t i = 0; i < a->g->episode_count; i++) {
        if (!make_change(a, a->g->episodes[i], &c) || !reason_ask_own(a, c.after)) continue;
        if (a->q->facts.label_count && !reason_ask_any_label(a, c.after)) continue;
        double off = !a->q->timed             ? -c.size
                     : c.after->t0 < a->q->t0 ? reason_ask_s(a->q->t0 - c.after->t0)
                     : c.after->t0 > a->q->t1 ? reason_ask_s(c.after->t0 - a->q->t1)
                                              : 0;
        if (off < nearest) {
            nearest = off;
            best = c;
        }
    }
    if (!best.after || nearest > 3) {
        reason_ask_refuse(a->r, "nothing changes there whose reason could be looked for");
        return;
    }
    double score;
    const reason_node *cause = reason_cause_find(a->g, best.after, &score);
    if (!cause || score * 100 < REASON_CAUSE_PERCENT) {
        reason_ask_refuse(a->r, "nothing before the change speaks for being its reason");
        return;
    }
    say_change(a, &best);
    reason_ask_cite(a->r, cause);
    if (cause->interval)
        reason_ask_say(
            a,
            "A candidate for the reason is what is said at %.1f s: \"%.200s\" (score %.2f) [%s].",
            reason_ask_s(cause->t0), cause->interval->label, score, cause->id);
    else
        reason_ask_say(a, "A candidate for the reason is the %s at %.1f s (score %.2f) [%s].",
                       reason_kind_phrase(cause->event->kind), reason_ask_s(cause->apex), score,
                       cause->id);
    reason_ask_give(a->r, "cause", score, "%s", cause->id);
}

/* ---- order, lag, duration, count ---- */

/* "The longest happy phase": the episode of the label by its length; NULL: it is not asked for. */
static const reason_node *longest_label(const asking *a) {
    const reason_node *best = NULL;
    const bool least = THERE(a, "shortest", "briefest");
    if (!a->q->facts.label_count || !(least || THERE(a, "longest"))) return NULL;
    for (size_t i = 0; i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        if (!reason_ask_own(a, e) || !reason_ask_in_window(a, e) || !reason_ask_any_label(a, e))
            continue;
        if (!best ||
            (least ? e->t1 - e->t0 < best->t1 - best->t0 : e->t1 - e->t0 > best->t1 - best->t0))
            best = e;
    }
    return best;
}

/* Counts and lengths of the events or episodes that are asked for. */
static size_t sum_up(asking *a, double *total, double *sure, const reason_node **single) {
    const char *kind = reason_ask_asked_kind(a);
    size_t n = 0;
    *total = 0;
    *sure = 0;
    const bool chooses = a->q->order || reason_ask_picks(a);
    const reason_node *one = kind && chooses ? reason_ask_chosen(a, kind) : NULL;
    const reason_node *longest = kind ? NULL : longest_label(a);
    for (size_t i = 0; kind && i < a->g->event_count; i++) {
        const reason_node *e = a->g->events[i];
        if (!reason_ask_asked_event(a, e, kind) || (chooses && e != one)) continue;
        n++;
        *total += reason_ask_s(e->t1 - e->t0);
        *sure += reason_ask_score_of(a, e);
        *single = e;
        if (n <= 8) reason_ask_say_event(a, e);
    }
    bool instant = a->q->timed && a->q->t0 == a->q->t1;
    size_t seen = 0;
    for (size_t i = 0; !kind && i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        if (!reason_ask_own(a, e) || (a->q->facts.label_count && !reason_ask_any_label(a, e)))
            continue;
        if (instant ? e != reason_ask_episode_at(a, e->person, a->q->t0)
                    : !reason_ask_in_window(a, e))
            continue;
        bool cut = a->q->timed && !instant;
        double length = cut ? reason_ask_s(BASE_MIN(e->t1, a->q->t1) - BASE_MAX(e->t0, a->q->t0))
                            : reason_ask_s(e->t1 - e->t0);
        if ((cut && length <= 0) || (longest && e != longest)) continue;
        if (a->q->order > 0 && (int)++seen != a->q->order && a->q->facts.label_count) continue;
        n++;
        *total += length;
        *sure += reason_ask_score_of(a, e);
        *single = e;
        if (n <= 8) reason_ask_say_state(a, e);
    }
    if (n) *sure /= (double)n;
    return n;
}

/* The episode that lasts longest, or shortest. */
static void answer_longest(asking *a, bool shortest) {
    const reason_node *best = NULL;
    for (size_t i = 0; i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        if (!reason_ask_own(a, e) || !reason_ask_in_window(a, e)) continue;
        affect_time length = e->t1 - e->t0, least = best ? best->t1 - best->t0 : 0;
        if (!best || (shortest ? length < least : length > least)) best = e;
    }
    if (!best) {
        reason_ask_refuse(a->r, "no episode is there");
        return;
    }
    double length = reason_ask_s(best->t1 - best->t0);
    reason_ask_say_state(a, best);
    reason_ask_say(a, "That is the %s episode: %.1f s.", shortest ? "shortest" : "longest", length);
    if (THERE(a, "how", "duration", "length"))
        reason_ask_give(a->r, "duration", reason_ask_score_of(a, best), "%.1f", length);
    else
        reason_ask_give(a->r, "duration", reason_ask_score_of(a, best), "%s",
                        best->interval->label);
}

static void answer_duration(asking *a) {
    double total, sure;
    const reason_node *single = NULL;
    char who[64];
    if (!reason_ask_asked_kind(a) && !a->q->facts.label_count &&
        THERE(a, "recording", "video", "clip")) {
        reason_ask_give(a->r, "duration", 1, "%.1f", reason_ask_s(a->q->end));
        reason_ask_say(a, "The recording lasts %.1f s.", reason_ask_s(a->q->end));
        return;
    }
    if (THERE(a, "speak*", "talk*", "spoke") && a->q->order) {
        reason_ask_speech_times(a);
        return;
    }
    if (THERE(a, "speak*", "talk*", "spoke")) {
        total = 0;
        const affect_tier *u = affect_timeline_find_tier(a->g->timeline, "utterances");
        if (!u || !u->count) u = affect_timeline_find_tier(a->g->timeline, "speaking");
        for (size_t i = 0; u && i < u->count; i++) {
            const reason_node *n = reason_graph_find(a->g, u->items[i].id);
            if (!n || !reason_ask_own(a, n) || !reason_ask_in_window(a, n)) continue;
            total += reason_ask_s(BASE_MIN(n->t1, a->q->t1) - BASE_MAX(n->t0, a->q->t0));
            reason_ask_cite(a->r, n);
        }
        reason_ask_give(a->r, "duration", 0.7, "%.1f", total);
        reason_ask_say(a, "%s speaks for %.1f s.", reason_ask_title(a, a->q->person, true, who),
                       total);
        return;
    }
    if (!reason_ask_asked_kind(a) && !a->q->facts.label_count && THERE(a, "longest", "shortest")) {
        answer_longest(a, THERE(a, "shortest"));
        return;
    }
    size_t n = sum_up(a, &total, &sure, &single);
    if (!n && !reason_ask_asked_kind(a) && !a->q->facts.label_count) {
        reason_ask_refuse(a->r, "no episode is there");
        return;
    }
    if (!n) {
        reason_ask_say(a, "There is nothing of the kind there.");
        reason_ask_give(a->r, "duration", 0.6, "0");
        return;
    }
    if (THERE(a, "share", "percent*", "proportion", "fraction", "portion")) {
        double whole = reason_ask_s(a->q->t1 - a->q->t0);
        double share = whole > 0 ? 100 * total / whole : 100;
        reason_ask_say(a, "That is %.1f s, %.0f %% of %.1f s.", total, share, whole);
        reason_ask_give(a->r, "duration", sure, "%.0f %%", share);
        return;
    }
    if (n > 1) reason_ask_say(a, "Together that is %.1f s in %zu stretches.", total, n);
    if (n == 1) reason_ask_say(a, "That is %.1f s.", total);
    reason_ask_give(a->r, "duration", sure, "%.1f", total);
}

/* The evidence that a person does what is counted; NULL: does not. */
static const reason_node *takes_part(const asking *a, int person, bool speaks, bool seen) {
    const char *kind = reason_ask_asked_kind(a);
    for (size_t i = 0; kind && i < a->g->event_count; i++)
        if (a->g->events[i]->person == person && reason_ask_asked_event(a, a->g->events[i], kind))
            return a->g->events[i];
    const affect_tier *u = speaks && !kind ? reason_ask_speech(a) : NULL;
    for (size_t i = 0; u && i < u->count; i++) {
        const reason_node *n = reason_graph_find(a->g, u->items[i].id);
        if (n && n->person == person && reason_ask_in_window(a, n)) return n;
    }
    if (kind || speaks || (seen && !reason_ask_observed(a, person, AFFECT_MODALITY_FACE)))
        return NULL;
    for (size_t i = 0; i < a->g->episode_count; i++)
        if (a->g->episodes[i]->person == person && reason_ask_in_window(a, a->g->episodes[i]) &&
            (!a->q->facts.label_count || reason_ask_any_label(a, a->g->episodes[i])))
            return a->g->episodes[i];
    return NULL;
}

/* "How many people smile, speak, are seen, are there?" */
static void answer_people(asking *a) {
    const bool speaks = THERE(a, "speak", "speaks", "spoke", "speaking", "talk*", "heard", "hear",
                              "audible", "speakers", "say", "says");
    const bool seen = THERE(a, "seen", "see", "visible", "face*", "picture*", "shown");
    const bool all =
        !speaks && !seen && !a->q->timed && !a->q->facts.label_count && !reason_ask_asked_kind(a);
    double sure = 0.7;
    char who[64];
    size_t n = 0;
    for (size_t i = 0; i < a->g->person_count; i++) {
        const reason_node *node = takes_part(a, a->g->persons[i], speaks, seen);
        if (!node && !all) continue;
        n++;
        if (!node || n > 8) continue;
        if (speaks || reason_ask_asked_kind(a) || a->q->facts.label_count)
            sure = fmin(sure, reason_ask_score_of(a, node));
        reason_ask_cite(a->r, node);
        reason_ask_say(a, "%s [%s].", reason_ask_title(a, node->person, true, who), node->id);
    }
    reason_ask_say(a, "Altogether %zu person%s%s.", n, n == 1 ? "" : "s",
                   all ? " in the timeline" : "");
    reason_ask_give(a->r, "count", sure, "%zu", n);
}

static void answer_count(asking *a) {
    double total, sure;
    const reason_node *single = NULL;
    const reason_facts *f = &a->q->facts;
    bool of_them = false; /* "how many of them smile" */
    for (size_t i = 0; i + 2 < f->token_count; i++)
        of_them = of_them || (strcmp(f->tokens[i].text, "many") == 0 &&
                              strcmp(f->tokens[i + 1].text, "of") == 0 &&
                              REASON_IS(f->tokens[i + 2].text, "them", "these", "those"));
    if ((of_them || THERE(a, "persons", "people", "speakers", "participants")) &&
        !THERE(a, "times", "often", "frequently")) {
        answer_people(a);
        return;
    }
    if (!reason_ask_asked_kind(a) && !a->q->facts.label_count &&
        THERE(a, "chang*", "shift*", "turn*", "switch*")) {
        size_t n = 0;
        double all = 0;
        change c;
        for (size_t i = 0; i < a->g->episode_count; i++)
            if (make_change(a, a->g->episodes[i], &c) &&
                takes_change(a, &c, AFFECT_DIRECTION_NONE, -1)) {
                all += sure_of(a, &c);
                if (++n <= 8) say_change(a, &c);
            }
        reason_ask_say(a, "That is %zu change%s.", n, n == 1 ? "" : "s");
        reason_ask_give(a->r, "count", n ? all / (double)n : 0.6, "%zu", n);
        return;
    }
    if (!reason_ask_asked_kind(a) && !a->q->facts.label_count &&
        !THERE(a, "episode*", "state*", "emotion*")) {
        reason_ask_refuse(a->r, "it does not say of what");
        return;
    }
    size_t n = sum_up(a, &total, &sure, &single);
    reason_ask_say(a, "That is %zu.", n);
    reason_ask_give(a->r, "count", n ? sure : 0.6, "%zu", n);
}

/* ---- comparison ---- */

typedef struct scale {
    int dimension; /* or -1: how often `kind` or a change, or, without these, how long `label`, or speaking */
    double sign;
    const char *kind;
    bool label, speaking, changes;
    const char *name, *refusal;
} scale;

static scale asked_scale(const asking *a) {
    const reason_facts *f = &a->q->facts;
    scale s = {.dimension = REASON_VALENCE, .sign = 1, .name = "valence"};
    bool less = THERE(a, "less", "least", "lower", "lowest", "fewer", "fewest");
    int sign;
    const int voices = reason_ask_voices(a, &sign);
    if (voices == -2) {
        s.refusal = "how fast persons speak is not compared";
    } else if (voices >= 0) {
        s.dimension = voices;
        s.sign = sign;
    } else if (f->kind_count && THERE(a, "longer", "shorter", "stronger", "weaker", "bigger")) {
        s.refusal = "of events the timeline compares how often persons do it, not how long or how "
                    "strongly";
    } else if (f->kind_count) {
        s = (scale){.dimension = -1,
                    .sign = 1,
                    .kind = f->kinds[0].kind,
                    .name = reason_kind_phrase(f->kinds[0].kind)};
    } else if (THERE(a, "speak*", "talk*", "spoke")) {
        s = (scale){.dimension = -1, .sign = 1, .speaking = true, .name = "speech"};
    } else if (!f->label_count && THERE(a, "chang*", "shift*", "switch*")) {
        s = (scale){.dimension = -1, .sign = 1, .changes = true, .name = "change"};
    } else if (f->label_count && THERE(a, "longer", "longest")) {
        s = (scale){.dimension = -1, .sign = 1, .label = true, .name = "time"};
    } else if (reason_ask_asked_dimension(a) >= 0) {
        s.dimension = reason_ask_asked_dimension(a);
    } else if (THERE(a, "excited", "energetic", "active", "activated", "lively", "livelier",
                     "aroused", "agitated")) {
        s.dimension = REASON_AROUSAL;
    } else if (THERE(a, "calm", "calmer", "calmest", "quieter", "relaxed")) {
        s.dimension = REASON_AROUSAL;
        s.sign = -1;
    } else if (THERE(a, "dominant", "dominates", "controlling")) {
        s.dimension = REASON_DOMINANCE;
    } else if (reason_ask_asked_sign(a)) {
        s.sign = reason_ask_asked_sign(a);
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
            s = (scale){.dimension = -1, .sign = 1, .label = true, .name = "time"};
    } else if (!THERE(a, "happier", "happiest", "sadder", "saddest", "better", "worse", "mood*",
                      "valence", "cheerful*", "positiv*", "negativ*", "pleasant*", "unpleasant*",
                      "emotion*", "feel*")) {
        s.refusal = "it does not say by what they are compared";
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
        const reason_node *e = reason_ask_episode_at(a, person, (t0 + t1) / 2);
        if (s->dimension >= REASON_PITCH) { /* measured alone, while that person speaks */
            const affect_tier *u = reason_ask_speech(a);
            bool cited = false;
            for (size_t i = 0; u && i < u->count && !cited; i++) {
                const reason_node *n = reason_graph_find(a->g, u->items[i].id);
                if (!n || n->person != person || n->t1 < t0 || n->t0 > t1) continue;
                reason_ask_cite(a->r, n);
                cited = true;
            }
            return reason_level(a->g, person, AFFECT_MODALITY_FUSED, s->dimension, t0, t1, value,
                                sd);
        }
        if (e) reason_ask_cite(a->r, e);
        if (reason_level(a->g, person, AFFECT_MODALITY_FUSED, s->dimension, t0, t1, value, sd))
            return true;
        return e && reason_episode_level(a->g, e, s->dimension, value, sd);
    }
    const affect_modality m = s->kind ? reason_ask_modality_of(s->kind) : AFFECT_MODALITY_NONE;
    if (m != AFFECT_MODALITY_NONE && !reason_ask_observed(a, person, m)) return false;
    for (size_t i = 0; s->kind && i < a->g->event_count; i++) {
        const reason_node *n = a->g->events[i];
        if (n->person != person || strcmp(n->event->kind, s->kind) != 0 ||
            (a->q->timed && !reason_ask_in_window(a, n)))
            continue;
        *value += 1;
        reason_ask_cite(a->r, n);
    }
    for (size_t i = 0; s->label && i < a->g->episode_count; i++) {
        const reason_node *n = a->g->episodes[i];
        if (n->person != person || !reason_ask_in_window(a, n) || !reason_ask_any_label(a, n))
            continue;
        *value += reason_ask_s(n->t1 - n->t0);
        reason_ask_cite(a->r, n);
    }
    for (size_t i = 0; s->changes && i < a->g->episode_count; i++) {
        const reason_node *n = a->g->episodes[i];
        if (n->person != person || (a->q->timed && (n->t0 < a->q->t0 || n->t0 > a->q->t1)) ||
            !reason_episode_before(a->g, n))
            continue;
        *value += 1;
        reason_ask_cite(a->r, n);
    }
    const affect_tier *u = reason_ask_speech(a);
    for (size_t i = 0; s->speaking && u && i < u->count; i++) {
        const reason_node *n = reason_graph_find(a->g, u->items[i].id);
        if (!n || n->person != person || !reason_ask_in_window(a, n)) continue;
        *value += reason_ask_s(n->t1 - n->t0);
        reason_ask_cite(a->r, n);
    }
    *sd = s->kind || s->changes ? sqrt(fmax(*value, 1)) / 2 : 0.2 * *value;
    return true;
}

static void answer_compare(asking *a) {
    const reason_facts *f = &a->q->facts;
    scale s = asked_scale(a);
    int best = 0, second = 0, first_named = 0;
    double top = -INFINITY, top_sd = 0, next = -INFINITY, next_sd = 0;
    char who[64], level[32];
    if (s.refusal) {
        reason_ask_refuse(a->r, s.refusal);
        return;
    }
    size_t n = f->person_count >= 2 ? f->person_count : a->g->person_count;
    for (size_t i = 0; i < n; i++) {
        int person = f->person_count >= 2
                         ? affect_timeline_resolve_person(a->g->timeline, f->persons[i])
                         : a->g->persons[i];
        double value, sd;
        if (!i) first_named = person;
        if (!on_scale(a, &s, person, &value, &sd)) continue;
        reason_ask_put_level(s.dimension, value, level);
        if (s.dimension >= 0)
            reason_ask_say(a, "%s: %s %s.", reason_ask_title(a, person, true, who), s.name, level);
        else if (s.kind || s.changes)
            reason_ask_say(a, "%s: %.0f × %s.", reason_ask_title(a, person, true, who), value,
                           s.name);
        else
            reason_ask_say(a, "%s: %.1f s.", reason_ask_title(a, person, true, who), value);
        if (s.sign * value > top) {
            next = top, next_sd = top_sd, second = best;
            top = s.sign * value, top_sd = sd, best = person;
        } else if (s.sign * value > next) {
            next = s.sign * value, next_sd = sd, second = person;
        }
    }
    if (!best || !second) {
        reason_ask_refuse(a->r, "there are no two persons whom the timeline could compare on that");
        return;
    }
    /* A voice's mean is off where voices overlap or pitch is mistaken: some semitones or decibels. */
    double sure = s.dimension >= REASON_PITCH
                      ? fmin(0.9, reason_ask_surely(top - next, 2 * reason_steady(s.dimension)))
                      : reason_ask_surely(top - next, hypot(top_sd, next_sd));
    if (top == next) {
        reason_ask_say(a, "There is no difference.");
        reason_ask_give(a->r, "comparison", 0.5, "%s", a->q->yes_no ? "no" : "equal");
    } else if (a->q->yes_no) {
        reason_ask_give(a->r, "comparison", sure, "%s", best == first_named ? "yes" : "no");
    } else {
        reason_ask_give(a->r, "comparison", sure, "%s", reason_ask_title(a, best, false, who));
        reason_ask_say(a, "So it is %s.", reason_ask_title(a, best, false, who));
    }
}

/* ---- what comes next, what is said ---- */

/* Where the person's own transitions are few, what follows a category in dialogues counts (turns.h):
 * as much as this many transitions. Half of that is spread evenly: of material that it was not fitted
 * on the model knows little. */
static const double FOLLOWS = 4.0, EVEN = 0.5;

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
        if (reason_ask_own(a, a->g->episodes[i]) && a->g->episodes[i]->t0 <= now &&
            (!last || a->g->episodes[i]->t1 >= last->t1))
            last = a->g->episodes[i];
    if (!last) {
        reason_ask_refuse(a->r, "the timeline has no episode");
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
        followed[i] = e->t0 <= now && before && e->person == last->person &&
                      strcmp(before->interval->label, from) == 0;
    }
    /* Candidates: every label of this recording and every category but the last one's. */
    double follows[CATEGORIES], sum = 0, most = -1;
    const char *guess = NULL;
    const reason_node *seen = NULL;
    what_follows(a, last, now, follows);
    const int own = category_of_label(from);
    const double others = own >= 0 ? fmax(1 - follows[own], 1e-6) : 1;
    for (int c = 0; c < CATEGORIES; c++) /* of a change: the same again is no candidate */
        follows[c] = (1 - EVEN) * follows[c] / others + EVEN / (CATEGORIES - (own >= 0));
    for (size_t i = 0; i < a->g->episode_count + CATEGORIES; i++) {
        bool whole = i >= a->g->episode_count;
        const reason_node *e = whole ? NULL : a->g->episodes[i];
        const char *label = whole ? category_names[i - a->g->episode_count] : e->interval->label;
        if (strcmp(label, from) == 0 || (e && (e->t0 > now || e->person != last->person))) continue;
        bool again = false; /* named before */
        for (size_t k = 0; k < i && k < a->g->episode_count && !again; k++)
            again = a->g->episodes[k]->t0 <= now && a->g->episodes[k]->person == last->person &&
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
    reason_ask_cite(a->r, last);
    if (seen) reason_ask_cite(a->r, seen);
    reason_ask_give(a->r, "next", fmin(most / sum, reason_ask_score_of(a, last)), "%s", guess);
    reason_ask_say(
        a,
        "Last, %s appears %s [%s]. From the transitions of that person%s, %s is most likely "
        "next "
        "(%.0f %%)%s%s%s; this is a guess.",
        reason_ask_title(a, last->person, false, who), reason_ask_adjective(from), last->id,
        a->g->model ? " and from what follows in other dialogues" : "", guess, 100 * most / sum,
        seen ? " [" : "", seen ? seen->id : "", seen ? "]" : "");
}

static void answer_said(asking *a) {
    const affect_tier *u = affect_timeline_find_tier(a->g->timeline, "utterances");
    const int order = a->q->anchor ? 0 : a->q->order;
    size_t left = 0, at = 0; /* by its place: which one of those that are there */
    for (size_t i = 0; u && order && i < u->count; i++) {
        const reason_node *n = reason_graph_find(a->g, u->items[i].id);
        left += n && reason_ask_own(a, n) && reason_ask_in_window(a, n);
    }
    const size_t wanted = order > 0 ? (size_t)order : left;
    for (size_t i = 0; u && i < u->count && a->r->count < 8; i++) {
        const reason_node *n = reason_graph_find(a->g, u->items[i].id);
        if (!n || !reason_ask_own(a, n) || !reason_ask_in_window(a, n)) continue;
        if (order && ++at != wanted) continue;
        if (!a->r->count)
            reason_ask_give(a->r, "said", reason_ask_score_of(a, n), "%s", n->interval->label);
        reason_ask_say(a, "From %.1f s on: \"%.300s\" [%s].", reason_ask_s(n->t0),
                       n->interval->label, n->id);
        reason_ask_cite(a->r, n);
    }
    if (!a->r->count) {
        reason_ask_give(a->r, "said", 0.6, "nothing");
        reason_ask_say(a, "Nothing is said there, as far as the timeline shows.");
    }
}

/* ---- */

static void put_first(reply *r) {
    base_text text = {0};
    static const char *const words[][2] = {
        {"yes", "Yes"}, {"no", "No"}, {"before", "Before"}, {"after", "After"}};
    const char *word = NULL;
    for (size_t i = 0; i < BASE_COUNT(words); i++)
        if (strcmp(r->value.data, words[i][0]) == 0) word = words[i][1];
    if (!word) return;
    base_text_printf(&text, "%s. %s", word, r->text.data ? r->text.data : "");
    base_text_destroy(&r->text);
    r->text = text;
}

affect_status affect_ask(affect_reasoner *reasoner, const affect_timeline *timeline,
                         const char *question, const affect_answer **out) {
    static void (*const answers[])(asking *) = {
        [REASON_ASK_STATE] = answer_state,
        [REASON_ASK_EVENT] = answer_event,
        [REASON_ASK_WHO] = answer_who,
        [REASON_ASK_CHANGE] = answer_change,
        [REASON_ASK_CAUSE] = answer_cause,
        [REASON_ASK_ORDER] = reason_ask_order,
        [REASON_ASK_LAG] = reason_ask_lag,
        [REASON_ASK_DURATION] = answer_duration,
        [REASON_ASK_COUNT] = answer_count,
        [REASON_ASK_COMPARE] = answer_compare,
        [REASON_ASK_NEXT] = answer_next,
        [REASON_ASK_SAID] = answer_said,
        [REASON_ASK_EXTREME] = reason_ask_extreme,
        [REASON_ASK_MOMENTS] = reason_ask_moments,
        [REASON_ASK_FOLLOW] = reason_ask_follow,
        [REASON_ASK_SPEECH] = reason_ask_speech_times,
        [REASON_ASK_SEQUENCE] = reason_ask_sequence,
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
        if (!q->refusal && q->kind == REASON_ASK_DURATION && reason_ask_two_of_kind(&a))
            q->kind = REASON_ASK_LAG;
        if (!q->refusal) q->refusal = reason_ask_out_of_sight(&a);
        if (q->refusal)
            reason_ask_refuse(r, q->refusal);
        else
            answers[q->kind](&a);
        r->failed = r->failed || q->failed || q->facts.quote.failed;
        if ((q->yes_no || q->either) && r->value.data && !r->public.refused) put_first(r);
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
            reason_ask_cite(r, &(reason_node){.id = claims->claims[i].public.evidence[k]});
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
