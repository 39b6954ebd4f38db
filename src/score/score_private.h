/* What the files of this room share. */
#ifndef SCORE_PRIVATE_H
#define SCORE_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "affect/score.h"

/* splitmix64 (Steele, Lea & Flood 2014): a counter-based stream, the same on every machine. The state
 * after k numbers is the first one plus k times SCORE_RANDOM_STEP. */
#define SCORE_RANDOM_STEP 0x9E3779B97F4A7C15U
static inline uint64_t score_random(uint64_t *state) {
    uint64_t z = (*state += SCORE_RANDOM_STEP);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}
/* Uniform in [0, n). */
static inline size_t score_random_below(uint64_t *state, size_t n) {
    __extension__ typedef unsigned __int128 wide;
    return (size_t)(((wide)score_random(state) * n) >> 64);
}

/* Percentile intervals of `values` columns of `rounds` results, which are put in order on the way;
 * results[v * rounds + r], NaN where undefined. */
void score_percentiles(double *results, size_t rounds, size_t values, double level,
                       affect_score_interval *out);

/* Sums of centred squares and products of two columns, and of their errors. */
typedef struct score_moments {
    double n, mean_x, mean_y, xx, yy, xy, absolute, square;
} score_moments;
/* All but rho and the skipped items. n > 0. */
void score_regression_of(score_moments moments, affect_score_variance variance,
                         affect_score_regression *out);

#endif
