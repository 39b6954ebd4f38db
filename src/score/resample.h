/* The bootstrap of affect_score_bootstrap for metrics that need not see a list of items: what a draw
 * does to a confusion table, or to sums and ranks, follows from how often each unit was drawn. For a
 * million items that is a hundredfold faster, and the rounds run on all threads of the context; each
 * has a stream of random numbers of its own, so the intervals are the same for any number of them.
 * The draws are others than those of affect_score_bootstrap, of the same distribution. */
#ifndef SCORE_RESAMPLE_H
#define SCORE_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "affect/score.h"

typedef struct score_draws {
    const int32_t *unit; /* of each item, in [0, units), else ERROR_ARGUMENT */
    size_t units, rounds;
    uint64_t seed;
    double level; /* .95 */
} score_draws;

/* What is wanted of a draw, `values` numbers, NaN where undefined. Called from several threads. */
typedef void (*score_of_classes)(void *user, const affect_score_confusion *drawn, double *out);
typedef void (*score_of_numbers)(void *user, const affect_score_regression *drawn, double *out);

/* Items with a negative label count as drawn, and are in no table. out: `values` intervals, NaN where
 * fewer than 10 rounds were defined. Errors: ARGUMENT, LIMIT, MEMORY, CANCELLED. */
AFFECT_MUST_USE affect_status score_resample_classes(affect_context *ctx, const score_draws *draws,
                                                     const int32_t *gold, const int32_t *predicted,
                                                     size_t n, size_t classes,
                                                     score_of_classes values_of, void *user,
                                                     size_t values, affect_score_interval *out);
/* Pairs with a NaN count as drawn, and are in no sum; no infinities (the caller looks). */
AFFECT_MUST_USE affect_status score_resample_numbers(affect_context *ctx, const score_draws *draws,
                                                     const double *gold, const double *predicted,
                                                     size_t n, affect_score_variance variance,
                                                     score_of_numbers values_of, void *user,
                                                     size_t values, affect_score_interval *out);

#endif
