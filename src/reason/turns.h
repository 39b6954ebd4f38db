/* What a dialogue tells about its turns: which of them caused what another expresses, and which
 * category comes next. Logistic regressions on what everybody can see of a turn (place, speaker,
 * emotion words, questions, words in common); bench/turns.c fits them, docs/reason.md says on what
 * and how well. In: turns in order of time. Out: probabilities. */
#ifndef REASON_TURNS_H
#define REASON_TURNS_H

#include "affect/affect.h"
#include "track/track.h"

typedef struct reason_turn {
    const char *text; /* UTF-8; "" where nothing was understood */
    int speaker;
    double emotion[CATEGORIES]; /* how much of each category, each 0..1; all 0 = nothing is known */
} reason_turn;

enum {
    REASON_CAUSE_FEATURES = 64,
    REASON_NEXT_FEATURES = 4 * CATEGORIES + 8,
    REASON_TURNS_BACK = 24 /* turns before the one that is explained */
};

typedef struct reason_turns_model {
    double cause[REASON_CAUSE_FEATURES];
    double next[CATEGORIES][REASON_NEXT_FEATURES];
    double threshold; /* from which probability on a turn counts as a cause */
} reason_turns_model;

/* `model`: a card or its name, NULL = "reason.turns". Errors: those of the card; MODEL (weights that
 * are not there, of another number, or not finite); MEMORY. The caller frees *out (base_free). */
AFFECT_MUST_USE affect_status reason_turns_load(affect_context *ctx, const char *model,
                                                reason_turns_model **out);

/* Of the pair: did turn `cause` (at most `target`) bring about what turn `target` expresses? */
void reason_cause_features(const reason_turn *turns, size_t target, size_t cause,
                           double out[REASON_CAUSE_FEATURES]);
double reason_turn_caused(const reason_turns_model *model, const reason_turn *turns, size_t target,
                          size_t cause);

/* Of the turn after the `count` first: what will its speaker express? `speaker` < 0: not known who. */
void reason_next_features(const reason_turn *turns, size_t count, int speaker,
                          double out[REASON_NEXT_FEATURES]);
void reason_turn_next(const reason_turns_model *model, const reason_turn *turns, size_t count,
                      int speaker, double out[CATEGORIES]);

#endif
