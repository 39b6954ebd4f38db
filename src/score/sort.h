/* Putting a million small things in order: metrics are asked of whole corpora. In: words of 64
 * bits, or numbers. Out: the words in order (sort.c), the numbers' ranks (rank.c). */
#ifndef SCORE_SORT_H
#define SCORE_SORT_H

#include <stddef.h>
#include <stdint.h>

#include "affect/context.h"
#include "affect/status.h"

/* How many bits a number needs: 0 for 0, 3 for 5. */
static inline int score_bits(uint64_t x) { return x ? 64 - __builtin_clzll(x) : 0; }

/* Orders n words by their bits from `low` (0 to 63) on; words that are equal there keep their
 * order. Returns where they are now: `words` or `spare`, which has n entries too. */
uint64_t *score_sort_words(uint64_t *words, uint64_t *spare, size_t n, int low);

/* rank[i] is twice the mean rank of values[i], 2 to 2 n; equal values share it. No NaN; n < 2^31
 * (else ERROR_LIMIT). Errors: MEMORY. */
AFFECT_MUST_USE affect_status score_ranks(affect_context *ctx, const double *values, size_t n,
                                          uint32_t *rank);

#endif
