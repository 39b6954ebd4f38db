/* Agreement between raters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/score.h"
#include "base/base.h"

typedef struct rating {
    double value;
    size_t unit;
} rating;

static int compare_rating(const void *a, const void *b) {
    double x = ((const rating *)a)->value, y = ((const rating *)b)->value;
    return (x > y) - (x < y);
}

/* Krippendorff 2004, 11.3: alpha = 1 - Do / De over pairable values (units with two or more
 * ratings).
 *
 * The ordinal distance between values c and k is the number of ratings from c to k less half of
 * those at the two ends, squared: that is the squared difference of mean ranks. So ordinal is
 * interval on mean ranks, and interval needs no pairs: the sum of squared differences over all
 * pairs is 2 (n sum x^2 - (sum x)^2). */
affect_status affect_score_krippendorff(affect_context *ctx, const double *ratings, size_t raters,
                                        size_t units, affect_score_level level, double *alpha) {
    *alpha = NAN;
    rating *items = base_alloc(raters * units * sizeof *items);
    double *sum = base_calloc(units, sizeof *sum), *square = base_calloc(units, sizeof *square);
    int64_t *count = base_calloc(units, sizeof *count), *same = base_calloc(units, sizeof *same);
    affect_status status = AFFECT_OK;
    if (!items || !sum || !square || !count || !same) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    for (size_t r = 0; r < raters; r++)
        for (size_t u = 0; u < units; u++) count[u] += !isnan(ratings[r * units + u]);
    size_t n = 0;
    for (size_t r = 0; r < raters; r++)
        for (size_t u = 0; u < units; u++)
            if (count[u] >= 2 && !isnan(ratings[r * units + u]))
                items[n++] = (rating){ratings[r * units + u], u};
    if (n < 2) goto cleanup;
    qsort(items, n, sizeof *items, compare_rating);

    double total = 0, total_square = 0, all_same = 0, observed = 0, expected = 0;
    /* Differences to a value inside the range keep the squares small and the sums exact. */
    double origin = items[n / 2].value;
    for (size_t i = 0; i < n;) {
        size_t j = i + 1;
        while (j < n && items[j].value == items[i].value) j++;
        double value = level == AFFECT_SCORE_ORDINAL
                           ? ((double)i + (double)j + 1) / 2 - (double)n / 2
                           : items[i].value - origin;
        double here = (double)(j - i);
        total += here * value;
        total_square += here * value * value;
        all_same += here * here;
        if (level == AFFECT_SCORE_NOMINAL) {
            /* Ordered pairs of equal values inside a unit: m (m - 1) for each value. */
            for (size_t k = i; k < j; k++) same[items[k].unit]++;
            for (size_t k = i; k < j; k++) {
                double m = (double)same[items[k].unit];
                square[items[k].unit] += m * m;
                same[items[k].unit] = 0;
            }
        } else {
            for (size_t k = i; k < j; k++) {
                sum[items[k].unit] += value;
                square[items[k].unit] += value * value;
            }
        }
        i = j;
    }
    for (size_t u = 0; u < units; u++) {
        double m = (double)count[u];
        if (m < 2) continue;
        if (level == AFFECT_SCORE_NOMINAL)
            observed += (m * m - square[u]) / (m - 1);
        else
            observed += 2 * (m * square[u] - sum[u] * sum[u]) / (m - 1);
    }
    double all = (double)n;
    expected = level == AFFECT_SCORE_NOMINAL ? (all * all - all_same) / (all - 1)
                                             : 2 * (all * total_square - total * total) / (all - 1);
    if (items[0].value == items[n - 1].value) goto cleanup; /* no variation at all: not defined */
    *alpha = 1 - observed / expected;
cleanup:
    base_free(items);
    base_free(sum);
    base_free(square);
    base_free(count);
    base_free(same);
    return status;
}

/* Shrout & Fleiss 1979: mean squares of units, raters and the rest. */
void affect_score_icc2(const double *ratings, size_t raters, size_t units, double *icc21,
                       double *icc2k, int64_t *dropped) {
    *icc21 = *icc2k = NAN;
    double n = 0, k = (double)raters, grand = 0;
    for (size_t u = 0; u < units; u++) {
        double sum = 0;
        for (size_t r = 0; r < raters; r++) sum += ratings[r * units + u];
        if (isnan(sum)) continue;
        n++;
        grand += sum;
    }
    if (dropped) *dropped = (int64_t)units - (int64_t)n;
    if (n < 2 || raters < 2) return;
    grand /= n * k;
    double between_units = 0, total = 0, between_raters = 0;
    for (size_t u = 0; u < units; u++) {
        double sum = 0, squares = 0;
        for (size_t r = 0; r < raters; r++) {
            double d = ratings[r * units + u] - grand;
            sum += d;
            squares += d * d;
        }
        if (isnan(sum)) continue;
        between_units += sum * sum / k;
        total += squares;
    }
    for (size_t r = 0; r < raters; r++) {
        double sum = 0;
        for (size_t u = 0; u < units; u++) {
            bool complete = true;
            for (size_t q = 0; q < raters && complete; q++)
                complete = !isnan(ratings[q * units + u]);
            if (complete) sum += ratings[r * units + u] - grand;
        }
        between_raters += sum * sum / n;
    }
    double rest = total - between_units - between_raters;
    double ms_units = between_units / (n - 1), ms_raters = between_raters / (k - 1);
    double ms_rest = rest / ((n - 1) * (k - 1));
    double below1 = ms_units + (k - 1) * ms_rest + k * (ms_raters - ms_rest) / n;
    double below_k = ms_units + (ms_raters - ms_rest) / n;
    if (total > 0) {
        *icc21 = (ms_units - ms_rest) / below1;
        *icc2k = (ms_units - ms_rest) / below_k;
    }
}

double affect_score_fleiss_kappa(const int32_t *counts, size_t items, size_t classes) {
    double agreement = 0, chance = 0;
    int64_t raters = -1;
    for (size_t i = 0; i < items; i++) {
        int64_t sum = 0;
        double squares = 0;
        for (size_t c = 0; c < classes; c++) {
            int64_t m = counts[i * classes + c];
            sum += m;
            squares += (double)m * (double)m;
        }
        if (raters < 0) raters = sum;
        if (sum != raters || sum < 2) return NAN;
        agreement += (squares - (double)sum) / ((double)sum * (double)(sum - 1));
    }
    if (!items) return NAN;
    for (size_t c = 0; c < classes; c++) {
        double share = 0;
        for (size_t i = 0; i < items; i++) share += counts[i * classes + c];
        share /= (double)items * (double)raters;
        chance += share * share;
    }
    agreement /= (double)items;
    return chance < 1 ? (agreement - chance) / (1 - chance) : NAN;
}

double affect_score_pairwise_ccc(const double *ratings, size_t raters, size_t units,
                                 affect_score_variance variance, double *pairs) {
    double sum = 0;
    int64_t defined = 0;
    for (size_t a = 0; a < raters; a++) {
        if (pairs) pairs[a * raters + a] = 1;
        for (size_t b = a + 1; b < raters; b++) {
            double ccc =
                affect_score_ccc(ratings + a * units, ratings + b * units, units, variance);
            if (pairs) pairs[a * raters + b] = pairs[b * raters + a] = ccc;
            if (isnan(ccc)) continue;
            sum += ccc;
            defined++;
        }
    }
    return defined ? sum / (double)defined : NAN;
}
