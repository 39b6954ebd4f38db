/* What may have caused a change: utterances and events before it. An utterance is a turn of a
 * dialogue, and the model of turns (turns.h) says how likely it holds the cause. Without that model,
 * and for events, the time between counts: people answer to what was said within seconds (gaps between
 * turns have a mode of 0.2 s and few exceed 2 s: Levinson & Torreira 2015), so the score falls with it;
 * it rises with how much the candidate expresses and where it has the direction of the change. A link
 * `causes` of the timeline decides alone. */
#include <math.h>
#include <string.h>

#include "reason/reason_private.h"

static const double REACH_S = 12.0, DECAY_S = 4.0;
/* A change is dated with this error (fuse/changes.c skips rows closer than 200 ms). */
static const double SLACK_S = 0.5;
/* Turns follow each other within this; from there on the time between counts besides. */
static const double ANSWER_S = 2.0;

static double valence_of(const reason_node *n) {
    return n->interval ? affect_attributes_number(n->interval->attributes, "valence") : NAN;
}

static size_t utterance_at(const reason_graph *g, const reason_node *node) {
    size_t i = 0;
    while (i < g->utterance_count && g->utterances[i] != node) i++;
    return i;
}

/* The probability that an utterance holds the cause of an episode. The episode is the turn in which its
 * person speaks while it begins; a listener's is a turn without words after what was said. */
static double turn_score(const reason_graph *g, const reason_node *cause,
                         const reason_node *effect) {
    size_t target = 0, at = utterance_at(g, cause);
    affect_time begin = effect->t0 + time_from_seconds(SLACK_S);
    while (target < g->utterance_count && g->utterances[target]->t0 <= begin) target++;
    for (size_t i = target; i-- > 0;)
        if (g->utterances[i]->person == effect->person && g->utterances[i]->t1 > effect->t0) {
            target = i;
            break;
        }
    if (at > target || at == g->utterance_count) return 0;
    reason_turn kept = g->turns[target];
    if (target == g->utterance_count || g->utterances[target]->person != effect->person ||
        g->utterances[target]->t0 > begin)
        g->turns[target] = (reason_turn){.text = "", .speaker = effect->person};
    reason_turn *turn = &g->turns[target];
    memset(turn->emotion, 0, sizeof turn->emotion);
    int c = category_of_label(effect->interval->label);
    if (c >= 0) turn->emotion[c] = 1;
    double p = reason_turn_caused(g->model, g->turns, target, at);
    g->turns[target] = kept;
    return p;
}

double reason_cause_score(const reason_graph *g, const reason_node *cause,
                          const reason_node *effect) {
    for (size_t i = 0; i < g->timeline->link_count; i++) {
        const affect_link *l = &g->timeline->links[i];
        if (l->kind == AFFECT_LINK_CAUSES && strcmp(l->from, cause->id) == 0 &&
            strcmp(l->to, effect->id) == 0)
            return isfinite(l->score) ? (double)l->score : 1.0;
    }
    bool said = cause->interval && strcmp(cause->tier, "utterances") == 0;
    bool strong =
        cause->event && strcmp(cause->event->kind, "blink") != 0 && cause->strength >= 0.3;
    if (cause == effect || (!said && !strong)) return 0;
    double begin = time_to_seconds(effect->t0 - cause->t0);
    double gap = time_to_seconds(effect->t0 - cause->t1);
    if (begin < -SLACK_S || gap > REACH_S) return 0;
    gap = fmax(0, gap);
    if (said && g->model && reason_is_episode(effect))
        return turn_score(g, cause, effect) * exp(-fmax(0, gap - ANSWER_S) / DECAY_S);
    double score = exp(-gap / DECAY_S) * (said ? 0.5 : 0.35 * cause->strength);
    double told = valence_of(cause), now, sd, before;
    const reason_node *last = reason_is_episode(effect) ? reason_episode_before(g, effect) : NULL;
    if (said && isfinite(told) && reason_episode_level(g, effect, REASON_VALENCE, &now, &sd)) {
        double turn = now;
        if (last && reason_episode_level(g, last, REASON_VALENCE, &before, &sd))
            turn = now - before;
        score += exp(-gap / DECAY_S) * 0.5 * fmin(1, fabs(told) * 2) * (told * turn > 0 ? 1 : -1);
    }
    return fmax(0, fmin(1, score));
}

const reason_node *reason_cause_find(const reason_graph *g, const reason_node *effect,
                                     double *score) {
    const reason_node *best = NULL;
    *score = 0;
    for (size_t i = 0; i < g->count; i++) {
        double s = reason_cause_score(g, &g->nodes[i], effect);
        if (s > *score) {
            *score = s;
            best = &g->nodes[i];
        }
    }
    return best;
}
