/* Metrics of several labels an item. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/score.h"
#include "base/base.h"

static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

affect_status affect_score_multilabel_from(affect_context *ctx, const uint8_t *gold,
                                           const uint8_t *predicted, size_t n, size_t labels,
                                           affect_score_multilabel *out,
                                           affect_score_class *per_label) {
    BASE_NEED(ctx, (!n || (gold && predicted)) && out);
    *out = (affect_score_multilabel){.items = (int64_t)n};
    int64_t *sums = base_calloc(labels * 3, sizeof *sums); /* gold, predicted, both: per label */
    if (!sums) return base_fail_memory(ctx);
    int64_t wrong = 0, exact = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *g = gold + i * labels, *p = predicted + i * labels;
        int64_t in_gold = 0, in_predicted = 0, both = 0, differ = 0;
        for (size_t k = 0; k < labels; k++) {
            int64_t a = g[k] != 0, b = p[k] != 0;
            sums[k * 3] += a;
            sums[k * 3 + 1] += b;
            sums[k * 3 + 2] += a & b;
            in_gold += a;
            in_predicted += b;
            both += a & b;
            differ += a ^ b;
        }
        wrong += differ;
        exact += differ == 0;
        out->samples_f1 += ratio(2 * (double)both, (double)(in_gold + in_predicted));
    }
    int64_t all_gold = 0, all_predicted = 0, all_both = 0;
    for (size_t k = 0; k < labels; k++) {
        double g = (double)sums[k * 3], p = (double)sums[k * 3 + 1], b = (double)sums[k * 3 + 2];
        affect_score_class one = {.precision = ratio(b, p),
                                  .recall = ratio(b, g),
                                  .f1 = ratio(2 * b, g + p),
                                  .support = sums[k * 3],
                                  .predicted = sums[k * 3 + 1]};
        if (per_label) per_label[k] = one;
        out->macro_precision += one.precision / (double)labels;
        out->macro_recall += one.recall / (double)labels;
        out->macro_f1 += one.f1 / (double)labels;
        out->weighted_f1 += one.f1 * g;
        all_gold += sums[k * 3];
        all_predicted += sums[k * 3 + 1];
        all_both += sums[k * 3 + 2];
    }
    base_free(sums);
    out->micro_precision = ratio((double)all_both, (double)all_predicted);
    out->micro_recall = ratio((double)all_both, (double)all_gold);
    out->micro_f1 = ratio(2 * (double)all_both, (double)(all_gold + all_predicted));
    out->weighted_f1 = ratio(out->weighted_f1, (double)all_gold);
    out->samples_f1 = n ? out->samples_f1 / (double)n : NAN;
    out->subset_accuracy = n ? (double)exact / (double)n : NAN;
    out->hamming_loss = n && labels ? (double)wrong / ((double)n * (double)labels) : NAN;
    return AFFECT_OK;
}

void affect_score_apply_threshold(const double *probability, size_t n, size_t labels,
                                  const double *threshold, bool single, bool at_least_one,
                                  uint8_t *out) {
    if (!(!n || !labels || (probability && threshold && out))) return;
    for (size_t i = 0; i < n; i++) {
        const double *p = probability + i * labels;
        uint8_t *row = out + i * labels;
        size_t best = 0;
        bool any = false;
        for (size_t k = 0; k < labels; k++) {
            row[k] = p[k] > threshold[single ? 0 : k];
            any |= row[k];
            if (p[k] > p[best]) best = k;
        }
        if (at_least_one && !any && labels) row[best] = 1;
    }
}

void affect_score_apply_top_k(const double *probability, size_t n, size_t labels, size_t k,
                              uint8_t *out) {
    if (!(!n || !labels || (probability && out))) return;
    memset(out, 0, n * labels);
    for (size_t i = 0; i < n; i++)
        for (size_t round = 0; round < k && round < labels; round++) {
            size_t best = SIZE_MAX;
            for (size_t j = 0; j < labels; j++)
                if (!out[i * labels + j] &&
                    (best == SIZE_MAX ||
                     probability[i * labels + j] > probability[i * labels + best]))
                    best = j;
            out[i * labels + best] = 1;
        }
}

/* ---- thresholds from a development set ---- */

typedef struct candidate {
    double probability;
    uint8_t gold;
} candidate;

static int highest_first(const void *a, const void *b) {
    double x = ((const candidate *)a)->probability, y = ((const candidate *)b)->probability;
    return (x < y) - (x > y);
}

/* Lowering the threshold past one probability after the other lets one item in at a time, so one
 * sweep down the sorted items sees every F1 there is. */
static double best_threshold(candidate *items, size_t n, size_t positives) {
    double best = 1;
    size_t right = 0;
    double best_f1 = 0;
    qsort(items, n, sizeof *items, highest_first);
    for (size_t i = 0; i < n; i++) {
        right += items[i].gold;
        if (i + 1 < n && items[i + 1].probability == items[i].probability) continue;
        double f1 = ratio(2 * (double)right, (double)(i + 1 + positives));
        if (!(f1 > best_f1)) continue;
        double here = items[i].probability, below = i + 1 < n ? items[i + 1].probability : 0;
        double middle = below + (here - below) / 2;
        best_f1 = f1;
        best = middle < here ? middle : below; /* neighbours with no double between them */
    }
    return best;
}

affect_status affect_score_tune_threshold(affect_context *ctx, const double *probability,
                                          const uint8_t *gold, size_t n, size_t labels, bool single,
                                          double *threshold) {
    BASE_NEED(ctx, (!n || (probability && gold)) && threshold);
    size_t groups = single ? 1 : labels;
    candidate *items = base_alloc((n * (single ? labels : 1) + 1) * sizeof *items);
    if (!items) return base_fail_memory(ctx);
    for (size_t g = 0; g < groups; g++) {
        size_t count = 0, positives = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t k = single ? 0 : g; k < (single ? labels : g + 1); k++) {
                positives += gold[i * labels + k] != 0;
                if (isnan(probability[i * labels + k])) continue;
                items[count++] =
                    (candidate){probability[i * labels + k], gold[i * labels + k] != 0};
            }
        threshold[g] = best_threshold(items, count, positives);
    }
    base_free(items);
    return AFFECT_OK;
}
