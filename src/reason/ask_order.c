/* Answers about order: which of two things came first, what followed, in which sequence the emotions come. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reason/ask.h"

/* The person of the event or label that token i names: "Ann's smile", "Ann is sad", "the smile of Ann"; of two that
 * are near the one in front. */
static int tied_to(const asking *a, size_t i) {
    const reason_facts *f = &a->q->facts;
    size_t best = SIZE_MAX;
    int person = AFFECT_PERSON_NONE;
    for (size_t p = 0; p < f->person_count; p++) {
        size_t at = f->person_at[p], far = SIZE_MAX;
        if (at <= i && at + 3 >= i) far = i - at;
        if (at > i && at <= i + 4 && REASON_IS(f->tokens[at - 1].text, "of", "by", "person", "in"))
            far = 0;
        if (far >= best) continue;
        best = far;
        person = affect_timeline_resolve_person(a->g->timeline, f->persons[p]);
    }
    return person;
}

/* "The second happy phase": which of them, from 1; -1: the last. */
static int nth_before(const reason_facts *f, size_t i) {
    for (size_t k = 1; k <= 2 && k <= i; k++) {
        const char *w = f->tokens[i - k].text;
        if (strcmp(w, "second") == 0) return 2;
        if (strcmp(w, "third") == 0) return 3;
        if (strcmp(w, "last") == 0) return -1;
    }
    return 1;
}

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
                int person = tied_to(a, i);
                for (size_t e = 0; e < a->g->event_count && !nodes[n]; e++)
                    if (strcmp(a->g->events[e]->event->kind, names[n]) == 0 &&
                        (person == AFFECT_PERSON_NONE
                             ? reason_ask_own(a, a->g->events[e]) || f->person_count > 1
                             : a->g->events[e]->person == person))
                        nodes[n] = a->g->events[e];
                n++;
            }
        for (size_t k = 0; k < f->label_count && n < 2; k++)
            if (f->label_at[k] == i) {
                int person = tied_to(a, i);
                const int wanted = nth_before(f, i);
                int seen = 0;
                names[n] = f->tokens[i].text;
                nodes[n] = NULL;
                for (size_t e = 0; e < a->g->episode_count; e++) {
                    const reason_node *one = a->g->episodes[e];
                    if (!(person == AFFECT_PERSON_NONE ? reason_ask_own(a, one)
                                                       : one->person == person) ||
                        !reason_ask_is_label(a, one, k))
                        continue;
                    if (++seen == wanted || wanted < 0) nodes[n] = one;
                }
                n++;
            }
    }
    return n == 2 && nodes[0] && nodes[1];
}

/* "Does she smile after she frowns?": yes where the first named comes second. */
static bool asks_later(const asking *a) {
    return THERE(a, "after", "follow*", "later", "second", "last") &&
           !THERE(a, "before", "precede*");
}

static void answer_persons_order(asking *a) {
    const reason_facts *f = &a->q->facts;
    const char *kind = reason_ask_asked_kind(a);
    const reason_node *best = NULL;
    const bool later = !a->q->yes_no && !a->q->either && THERE(a, "later", "last", "second") &&
                       !THERE(a, "first", "before", "earlier");
    char who[64];
    for (size_t p = 0; p < f->person_count; p++) {
        int person = affect_timeline_resolve_person(a->g->timeline, f->persons[p]);
        const reason_node *first = NULL;
        for (size_t i = 0; kind && i < a->g->event_count && !first; i++)
            if (a->g->events[i]->person == person &&
                strcmp(a->g->events[i]->event->kind, kind) == 0)
                first = a->g->events[i];
        for (size_t i = 0; !kind && f->label_count && i < a->g->episode_count && !first; i++)
            if (a->g->episodes[i]->person == person && reason_ask_any_label(a, a->g->episodes[i]))
                first = a->g->episodes[i];
        const bool speaks = THERE(a, "speak*", "spoke", "talk*", "say", "says");
        const affect_tier *u = speaks && !kind && !f->label_count ? reason_ask_speech(a) : NULL;
        for (size_t i = 0; u && i < u->count && !first; i++) {
            const reason_node *n = reason_graph_find(a->g, u->items[i].id);
            if (n && n->person == person) first = n;
        }
        if (!first && a->q->yes_no) {
            reason_ask_refuse(a->r, "not both of them do");
            return;
        }
        if (!first) continue;
        reason_ask_cite(a->r, first);
        reason_ask_say(a, "%s at %.1f s [%s].", reason_ask_title(a, person, true, who),
                       reason_ask_s(first->t0), first->id);
        if (!best || (later ? first->t0 > best->t0 : first->t0 < best->t0)) best = first;
    }
    if (!best) {
        reason_ask_refuse(a->r, "what it compares is not in the timeline");
        return;
    }
    const int named = affect_timeline_resolve_person(a->g->timeline, f->persons[0]);
    double sure = reason_ask_score_of(a, best);
    if (a->q->either)
        reason_ask_give(a->r, "order", sure, "%s", best->person == named ? "before" : "after");
    else if (a->q->yes_no)
        reason_ask_give(a->r, "order", sure, "%s",
                        (best->person == named) != asks_later(a) ? "yes" : "no");
    else
        reason_ask_give(a->r, "order", sure, "%s", reason_ask_title(a, best->person, false, who));
}

static const char *name_of(const reason_node *n, const char *name) {
    return n->event ? reason_kind_phrase(n->event->kind) : name;
}

void reason_ask_order(asking *a) {
    const reason_node *nodes[2] = {NULL, NULL};
    const char *names[2] = {"", ""};
    if (!two_things(a, nodes, names)) {
        if (a->q->facts.person_count >= 2 && a->q->person == AFFECT_PERSON_NONE)
            answer_persons_order(a);
        else
            reason_ask_refuse(a->r, "what it compares is not in the timeline");
        return;
    }
    bool first = nodes[0]->t0 <= nodes[1]->t0;
    double sure = fmin(reason_ask_score_of(a, nodes[0]), reason_ask_score_of(a, nodes[1]));
    reason_ask_say(a, "The %s comes first, at %.1f s [%s]; the %s at %.1f s [%s].",
                   name_of(nodes[!first], names[!first]), reason_ask_s(nodes[!first]->t0),
                   nodes[!first]->id, name_of(nodes[first], names[first]),
                   reason_ask_s(nodes[first]->t0), nodes[first]->id);
    reason_ask_cite(a->r, nodes[!first]);
    reason_ask_cite(a->r, nodes[first]);
    const bool later = asks_later(a);
    if (a->q->either)
        reason_ask_give(a->r, "order", sure, "%s", first ? "before" : "after");
    else if (a->q->yes_no)
        reason_ask_give(a->r, "order", sure, "%s", first != later ? "yes" : "no");
    else
        reason_ask_give(a->r, "order", sure, "%s",
                        names[(later && !THERE(a, "first")) ? first : !first]);
}

/* "From the first smile to the second": two of one kind by their places; false: it does not name two places. */
static bool two_of_kind(const asking *a, const reason_node *nodes[2], const char *names[2]) {
    static const char *const places[] = {"first", "second", "third", "fourth", "fifth"};
    const reason_facts *f = &a->q->facts;
    const char *kind = f->kind_count ? f->kinds[0].kind : NULL;
    size_t n = 0;
    for (size_t k = 1; k < f->kind_count; k++)
        if (strcmp(f->kinds[k].kind, kind) != 0) return false;
    if (!kind || f->label_count || !THERE(a, "from", "between", "since")) return false;
    for (size_t i = 0; i < f->token_count && n < 2; i++) {
        int place =
            REASON_IS(f->tokens[i].text, "last", "final") && i + 1 < f->token_count ? -1 : 0;
        for (int p = 0; p < 5; p++)
            if (strcmp(f->tokens[i].text, places[p]) == 0) place = p + 1;
        if (REASON_IS(f->tokens[i].text, "last") && i + 1 == f->token_count && n == 1) place = -1;
        if (!place || (i && isfinite(f->tokens[i - 1].value))) continue;
        names[n] = kind;
        nodes[n++] = reason_ask_nth_event(a, kind, place);
    }
    return n == 2;
}

bool reason_ask_two_of_kind(const asking *a) {
    const reason_node *nodes[2];
    const char *names[2];
    return two_of_kind(a, nodes, names);
}

void reason_ask_lag(asking *a) {
    const reason_node *nodes[2] = {NULL, NULL};
    const char *names[2] = {"", ""};
    if (two_of_kind(a, nodes, names)) {
        if (!nodes[0] || !nodes[1]) {
            reason_ask_refuse(a->r, "there are not so many of them");
            return;
        }
        const double off = fabs(reason_ask_s(nodes[1]->t0 - nodes[0]->t0));
        reason_ask_say(a,
                       "From the begin of the %s at %.1f s [%s] to that of the one at %.1f s [%s] "
                       "it is %.2f s, between end and begin %.2f s.",
                       reason_kind_phrase(names[0]), reason_ask_s(nodes[0]->t0), nodes[0]->id,
                       reason_ask_s(nodes[1]->t0), nodes[1]->id, off,
                       reason_ask_s(nodes[1]->t0 > nodes[0]->t0 ? nodes[1]->t0 - nodes[0]->t1
                                                                : nodes[0]->t0 - nodes[1]->t1));
        reason_ask_cite(a->r, nodes[0]);
        reason_ask_cite(a->r, nodes[1]);
        reason_ask_give(a->r, "lag",
                        fmin(reason_ask_score_of(a, nodes[0]), reason_ask_score_of(a, nodes[1])),
                        "%.2f", off);
        return;
    }
    if (!two_things(a, nodes, names)) {
        reason_ask_refuse(a->r, "what it compares is not in the timeline");
        return;
    }
    if (THERE(a, "from") && THERE(a, "to") && nodes[0]->interval && nodes[1]->interval) {
        /* "How long from happy to sad": between the end of the one and the begin of the other */
        double gap = reason_ask_s(nodes[1]->t0 - nodes[0]->t1);
        reason_ask_cite(a->r, nodes[0]);
        reason_ask_cite(a->r, nodes[1]);
        if (gap < 0) {
            reason_ask_refuse(a->r, "the second comes before the end of the first");
            return;
        }
        reason_ask_say(
            a,
            "Between the end of %s at %.1f s [%s] and the begin of %s at %.1f s [%s] lie %.1f s.",
            names[0], reason_ask_s(nodes[0]->t1), nodes[0]->id, names[1],
            reason_ask_s(nodes[1]->t0), nodes[1]->id, gap);
        reason_ask_give(a->r, "lag",
                        fmin(reason_ask_score_of(a, nodes[0]), reason_ask_score_of(a, nodes[1])),
                        "%.1f", gap);
        return;
    }
    const affect_link *l = reason_graph_link(a->g, AFFECT_LINK_MATCHES, nodes[0]->id, nodes[1]->id);
    double lag = fabs(reason_ask_s(nodes[1]->t0 - nodes[0]->t0));
    if (l && l->lag != AFFECT_TIME_NONE) lag = fabs(reason_ask_s(l->lag));
    reason_ask_say(a, "Between the %s at %.1f s [%s] and the %s at %.1f s [%s] lie %.2f s.",
                   name_of(nodes[0], names[0]), reason_ask_s(nodes[0]->t0), nodes[0]->id,
                   name_of(nodes[1], names[1]), reason_ask_s(nodes[1]->t0), nodes[1]->id, lag);
    reason_ask_cite(a->r, nodes[0]);
    reason_ask_cite(a->r, nodes[1]);
    reason_ask_give(a->r, "lag",
                    fmin(reason_ask_score_of(a, nodes[0]), reason_ask_score_of(a, nodes[1])),
                    "%.2f", lag);
}

/* ---- what follows ---- */

/* What it is that something follows: the event or the words behind "after", "follows". */
typedef struct anchor {
    const reason_node *node;
    size_t at; /* token behind which it is named */
    const char *kind;
} anchor;

static bool find_anchor(const asking *a, anchor *out) {
    const reason_facts *f = &a->q->facts;
    size_t at = SIZE_MAX;
    *out = (anchor){0};
    for (size_t i = 0; i < f->token_count && at == SIZE_MAX; i++)
        if (!f->tokens[i].quoted &&
            REASON_IS(f->tokens[i].text, "after", "follow*", "succeed*", "when", "once"))
            at = i;
    if (at == SIZE_MAX) return false;
    out->at = at;
    if (a->q->phrase != SIZE_MAX) {
        out->node = a->q->anchor;
        return out->node != NULL;
    }
    for (size_t k = 0; k < f->kind_count && !out->kind; k++) {
        if (f->kinds[k].at <= at) continue;
        const int person = tied_to(a, f->kinds[k].at);
        int wanted = a->q->order, seen = 0;
        double nearest = INFINITY;
        out->kind = f->kinds[k].kind;
        for (size_t e = 0; e < a->g->event_count; e++) {
            const reason_node *n = a->g->events[e];
            if (strcmp(n->event->kind, out->kind) != 0 || (person && n->person != person)) continue;
            if (f->time_count) {
                double t = f->times[0].value,
                       off = fmax(reason_ask_s(n->t0) - t, t - reason_ask_s(n->t1));
                if (off < fmin(nearest, 2)) nearest = off, out->node = n;
            } else if (++seen == wanted || wanted < 0 || (!wanted && !out->node)) {
                out->node = n;
            }
        }
    }
    return out->node != NULL;
}

/* The person of whom it is asked what comes: one who is named before "after". */
static int subject(const asking *a, size_t before) {
    const reason_facts *f = &a->q->facts;
    for (size_t p = 0; p < f->person_count; p++)
        if (f->person_at[p] < before)
            return affect_timeline_resolve_person(a->g->timeline, f->persons[p]);
    return AFFECT_PERSON_NONE;
}

static void say_next(asking *a, const anchor *from, const reason_node *next, const char *what) {
    char who[64], whose_[64];
    if (from->node->event)
        reason_ask_say(
            a, "After the %s of %s at %.1f s [%s] the next is %s, with %s at %.1f s [%s].",
            reason_kind_phrase(from->node->event->kind),
            reason_ask_title(a, from->node->person, false, whose_), reason_ask_s(from->node->t0),
            from->node->id, reason_ask_title(a, next->person, false, who), what,
            reason_ask_s(next->t0), next->id);
    else
        reason_ask_say(a, "After \"%.100s\" at %.1f s [%s] the next is %s, with %s at %.1f s [%s].",
                       from->node->interval->label, reason_ask_s(from->node->t0), from->node->id,
                       reason_ask_title(a, next->person, false, who), what, reason_ask_s(next->t0),
                       next->id);
    reason_ask_cite(a->r, from->node);
    reason_ask_cite(a->r, next);
}

static const reason_node *next_words(const asking *a, const reason_node *from, int person) {
    const affect_tier *u = reason_ask_speech(a);
    for (size_t i = 0; u && i < u->count; i++) {
        const reason_node *n = reason_graph_find(a->g, u->items[i].id);
        if (!n || !n->person || n->t0 < from->t0 || n == from) continue;
        if (person ? n->person == person : n->person != from->person) return n;
    }
    return NULL;
}

void reason_ask_follow(asking *a) {
    const reason_facts *f = &a->q->facts;
    anchor from;
    char what[160];
    const reason_node *next = NULL;
    const char *wanted = NULL;
    if (!find_anchor(a, &from)) {
        reason_ask_refuse(a->r,
                          "nothing of the kind that something could follow is in the timeline");
        return;
    }
    const bool who = THERE(a, "who", "whose");
    const int person = subject(a, from.at);
    for (size_t k = 0; k < f->kind_count; k++)
        if (f->kinds[k].at < from.at) wanted = f->kinds[k].kind;
    if (THERE(a, "speak*", "spoke", "talk*", "answer*", "repl*", "respond*", "say", "says",
              "said") &&
        !wanted && (who || person) &&
        (a->q->phrase != SIZE_MAX || !from.kind ||
         THERE(a, "speak*", "spoke", "talk*", "answer*", "repl*"))) {
        next = next_words(a, from.node, person);
        if (next) snprintf(what, sizeof what, "\"%.100s\"", next->interval->label);
    } else {
        const bool same = who && !wanted && from.kind; /* "who follows the first smile" */
        if (same) wanted = from.kind;
        for (size_t e = 0; e < a->g->event_count && !next; e++) {
            const reason_node *n = a->g->events[e];
            if (n == from.node || n->t0 < from.node->t0 || !n->person) continue;
            if (wanted && strcmp(n->event->kind, wanted) != 0) continue;
            if (person ? n->person != person : same && n->person == from.node->person) continue;
            next = n;
        }
        if (next) snprintf(what, sizeof what, "a %s", reason_kind_phrase(next->event->kind));
    }
    if (!next) {
        reason_ask_say(a, "Nothing of the kind follows, as far as the timeline shows.");
        reason_ask_cite(a->r, from.node);
        reason_ask_give(a->r, "follow", 0.6, "%s", who ? "nobody" : "nothing");
        return;
    }
    say_next(a, &from, next, what);
    char name[64];
    double sure = fmin(reason_ask_score_of(a, from.node), reason_ask_score_of(a, next));
    if (who)
        reason_ask_give(a->r, "follow", sure, "%s", reason_ask_title(a, next->person, false, name));
    else
        reason_ask_give(a->r, "follow", sure, "%s",
                        next->event ? next->event->kind : next->interval->label);
}

void reason_ask_sequence(asking *a) {
    base_text list = {0};
    double sure = 1;
    for (size_t i = 0; i < a->g->episode_count; i++) {
        const reason_node *e = a->g->episodes[i];
        if (!reason_ask_own(a, e) || !reason_ask_in_window(a, e)) continue;
        base_text_append(&list, list.length ? ", " : "");
        base_text_append(&list, e->interval->label);
        sure = fmin(sure, reason_ask_score_of(a, e));
        if (a->r->count < 16) reason_ask_say_state(a, e);
    }
    if (list.length && !list.failed)
        reason_ask_give(a->r, "sequence", sure, "%s", list.data);
    else
        reason_ask_refuse(a->r, "no episode is there");
    a->r->failed = a->r->failed || list.failed;
    base_text_destroy(&list);
}

/* ---- when somebody speaks ---- */

static const double QUIET = 0.5; /* seconds: from which on a gap between words is a silence */

/* Where nobody (the asked person) speaks: the gaps between the stretches, from the first to the last. */
static void answer_quiet(asking *a) {
    const char *const tiers[] = {"utterances", "speaking"};
    const bool most = THERE(a, "longest"), least = THERE(a, "shortest");
    const bool instant = a->q->timed && a->q->t0 == a->q->t1;
    affect_time at = a->q->t0, best0 = 0, best1 = -1;
    size_t n = 0;
    char silent[96] = "Nobody speaks", who[64];
    if (a->q->person && a->g->person_count > 1)
        snprintf(silent, sizeof silent, "%s does not speak",
                 reason_ask_title(a, a->q->person, true, who));
    while (at < a->q->t1 || (instant && at == a->q->t0)) {
        affect_time next = a->q->t1, until = at;
        const reason_node *beside = NULL;
        for (size_t k = 0; k < 2; k++) {
            const affect_tier *u = affect_timeline_find_tier(a->g->timeline, tiers[k]);
            for (size_t i = 0; u && i < u->count; i++) {
                const reason_node *v = reason_graph_find(a->g, u->items[i].id);
                if (!v || (a->q->person && v->person && v->person != a->q->person)) continue;
                if (v->t0 <= at && v->t1 > until) until = v->t1, beside = v;
                if (v->t0 > at && v->t0 < next) next = v->t0;
            }
        }
        if (instant) {
            if (beside) reason_ask_cite(a->r, beside);
            reason_ask_say(a, "%s then.", beside ? "There is speech" : silent);
            reason_ask_give(a->r, "speech", 0.7, "%s", beside ? "no" : "yes");
            return;
        }
        if (until > at) {
            if (a->r->count < 8) reason_ask_cite(a->r, beside);
            at = until;
            continue;
        }
        if (reason_ask_s(next - at) >= QUIET) {
            const bool longer = next - at > best1 - best0;
            n++;
            if (best1 < best0 || (most && longer) || (least && !longer) || a->q->order < 0 ||
                (int)n == a->q->order)
                best0 = at, best1 = next;
            if (n <= 8 && !most && !least && !a->q->order)
                reason_ask_say(a, "%s from %.1f s to %.1f s.", silent, reason_ask_s(at),
                               reason_ask_s(next));
        }
        at = next;
    }
    if (!n) {
        reason_ask_say(a, "There is no silence of %.1f s there.", QUIET);
        reason_ask_give(a->r, "speech", 0.6, "%s", a->q->yes_no ? "no" : "never");
        return;
    }
    if (most || least || a->q->order)
        reason_ask_say(a, "%s from %.1f s to %.1f s, for %.1f s.", silent, reason_ask_s(best0),
                       reason_ask_s(best1), reason_ask_s(best1 - best0));
    if (a->q->yes_no)
        reason_ask_give(a->r, "speech", 0.7, "yes");
    else if (THERE(a, "how", "duration", "length"))
        reason_ask_give(a->r, "speech", 0.7, "%.1f", reason_ask_s(best1 - best0));
    else
        reason_ask_give(a->r, "speech", 0.7, "%.1f", reason_ask_s(best0));
}

void reason_ask_speech_times(asking *a) {
    const affect_tier *u = reason_ask_speech(a);
    const bool most = THERE(a, "longest"), least = THERE(a, "shortest");
    const reason_node *best = NULL;
    char who[64];
    size_t n = 0;
    if (!u) {
        reason_ask_refuse(a->r, "the timeline does not say who speaks when");
        return;
    }
    if (THERE(a, "quiet", "silent", "silence", "nobody", "noone")) {
        answer_quiet(a);
        return;
    }
    for (size_t i = 0; i < u->count; i++) {
        const reason_node *v = reason_graph_find(a->g, u->items[i].id);
        if (!v || !reason_ask_own(a, v) || (a->q->timed && !reason_ask_in_window(a, v))) continue;
        const affect_time length = v->t1 - v->t0, kept = best ? best->t1 - best->t0 : 0;
        n++;
        if (!best || (most && length > kept) || (least && length < kept) || a->q->order < 0 ||
            (int)n == a->q->order || (a->q->ends && !a->q->order && v->t1 > best->t1))
            best = v;
    }
    if (!best || (a->q->order > 1 && (int)n < a->q->order)) {
        reason_ask_say(a, "Nothing of the kind is heard, as far as the timeline shows.");
        reason_ask_give(a->r, "speech", 0.6, "%s", a->q->yes_no ? "no" : "never");
        return;
    }
    reason_ask_cite(a->r, best);
    reason_ask_say(a, "%s speaks from %.1f s to %.1f s [%s].",
                   reason_ask_title(a, best->person, true, who), reason_ask_s(best->t0),
                   reason_ask_s(best->t1), best->id);
    const double sure = reason_ask_score_of(a, best);
    if (a->q->yes_no)
        reason_ask_give(a->r, "speech", sure, "yes");
    else if (THERE(a, "how", "duration", "length") ||
             ((most || least) && !THERE(a, "when", "at", "begin*", "start*")))
        reason_ask_give(a->r, "speech", sure, "%.1f", reason_ask_s(best->t1 - best->t0));
    else
        reason_ask_give(a->r, "speech", sure, "%.1f",
                        reason_ask_s(a->q->ends ? best->t1 : best->t0));
}
