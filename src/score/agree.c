/* Agreement between raters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/score.h"
#include "base/base.h"
#include "score/sort.h"

/* Krippendorff 2004, 11.3: alpha = 1 - Do / De over pairable values (units with two or more
 * ratings).
 *
 * The ordinal distance between values c and k is the number of ratings from c to k less half of
 * those at the two ends, squared: that is the squared difference of mean ranks. So ordinal is
 * interval on mean ranks, and interval needs no pairs: the sum of squared differences over all
 * pairs of n is 2 (n sum x^2 - (sum x)^2), which one pass over the ratings yields, a few units at a
 * time. */
typedef struct coincidences {
    double n, sum, square; /* pairable values, less the origin */
    double observed;
    double low, high;
} coincidences;

enum { STRIP = 256 }; /* units that are looked at together */

static coincidences coincide(const double *ratings, size_t raters, size_t units, double origin) {
    coincidences c = {.low = INFINITY, .high = -INFINITY};
    for (size_t from = 0; from < units; from += STRIP) {
        size_t here = BASE_MIN(units - from, STRIP);
        double count[STRIP] = {0}, sum[STRIP] = {0}, square[STRIP] = {0};
        double low[STRIP], high[STRIP];
        for (size_t u = 0; u < here; u++) {
            low[u] = INFINITY;
            high[u] = -INFINITY;
        }
        for (size_t r = 0; r < raters; r++) {
            const double *row = ratings + r * units + from;
            for (size_t u = 0; u < here; u++) {
                bool given = !isnan(row[u]);
                double x = given ? row[u] - origin : 0;
                count[u] += given;
                sum[u] += x;
                square[u] += x * x;
                low[u] = row[u] < low[u] ? row[u] : low[u];
                high[u] = row[u] > high[u] ? row[u] : high[u];
            }
        }
        coincidences strip = {.low = c.low, .high = c.high};
        for (size_t u = 0; u < here; u++) {
            bool pairs = count[u] >= 2;
            double m = pairs ? count[u] : 2, x = pairs ? sum[u] : 0, xx = pairs ? square[u] : 0;
            strip.n += pairs ? count[u] : 0;
            strip.sum += x;
            strip.square += xx;
            strip.observed += 2 * (m * xx - x * x) / (m - 1);
            strip.low = pairs && low[u] < strip.low ? low[u] : strip.low;
            strip.high = pairs && high[u] > strip.high ? high[u] : strip.high;
        }
        /* Sums of sums: fewer roundings than one after the other. */
        c.n += strip.n;
        c.sum += strip.sum;
        c.square += strip.square;
        c.observed += strip.observed;
        c.low = strip.low;
        c.high = strip.high;
    }
    return c;
}

static double interval_alpha(const double *ratings, size_t raters, size_t units, double origin) {
    coincidences c = coincide(ratings, raters, units, origin);
    if (!(c.low < c.high)) return NAN; /* no variation at all: not defined */
    double expected = 2 * (c.n * c.square - c.sum * c.sum) / (c.n - 1), mean = c.sum / c.n;
    /* An origin far from the rest drowns the differences: once more from where the ratings are, on
     * a power of two, which leaves whole numbers exact. */
    if (isfinite(mean) && c.n * c.n * mean * mean > 64 * expected) {
        double grain = exp2(floor(log2(c.high - c.low)) - 3);
        origin = rint((origin + mean) / grain) * grain;
        c = coincide(ratings, raters, units, origin);
        expected = 2 * (c.n * c.square - c.sum * c.sum) / (c.n - 1);
    }
    return 1 - c.observed / expected;
}

/* Ordered pairs of unequal values inside the units and among all n, from the values' ranks. */
static affect_status nominal_alpha(affect_context *ctx, const double *rank, size_t raters,
                                   size_t units, double n, double *alpha) {
    /* Twice the mean ranks lie in [2, 2 n]. */
    uint32_t *times = base_calloc(2 * (size_t)n + 1, sizeof *times);
    if (!times) return base_fail_memory(ctx);
    double observed = 0, all_same = 0;
    for (size_t u = 0; u < units; u++) {
        double count = 0, same = 0;
        for (size_t r = 0; r < raters; r++) count += !isnan(rank[r * units + u]);
        if (count < 2) continue;
        /* Ordered pairs of equal values: as each comes, twice those before it and itself. */
        for (size_t r = 0; r < raters; r++) {
            double value = rank[r * units + u];
            if (!isnan(value)) same += 2 * (double)times[(size_t)value]++ + 1;
        }
        for (size_t r = 0; r < raters; r++)
            if (!isnan(rank[r * units + u])) times[(size_t)rank[r * units + u]] = 0;
        observed += (count * count - same) / (count - 1);
    }
    for (size_t i = 0; i < raters * units; i++)
        if (!isnan(rank[i])) all_same += 2 * (double)times[(size_t)rank[i]]++ + 1;
    base_free(times);
    double expected = (n * n - all_same) / (n - 1);
    *alpha = expected > 0 ? 1 - observed / expected : NAN;
    return AFFECT_OK;
}

affect_status affect_score_krippendorff(affect_context *ctx, const double *ratings, size_t raters,
                                        size_t units, affect_score_level level, double *alpha) {
    BASE_NEED(ctx, (!raters || !units || ratings) && alpha);
    *alpha = NAN;
    if (level == AFFECT_SCORE_INTERVAL) {
        size_t first = 0;
        while (first < raters * units && !isfinite(ratings[first])) first++;
        double origin = first < raters * units ? ratings[first] : 0;
        *alpha = interval_alpha(ratings, raters, units, origin);
        return AFFECT_OK;
    }
    /* Twice the mean ranks of the pairable values take their places. */
    size_t all = raters * units, n = 0;
    uint32_t *count = base_calloc(units + 1, sizeof *count), *rank = NULL;
    double *values = base_alloc(all * sizeof *values), *ranked = base_alloc(all * sizeof *ranked);
    affect_status status = count && values && ranked ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t r = 0; r < raters && !status; r++)
        for (size_t u = 0; u < units; u++) count[u] += !isnan(ratings[r * units + u]);
    for (size_t r = 0; r < raters && !status; r++)
        for (size_t u = 0; u < units; u++) {
            double value = count[u] < 2 ? NAN : ratings[r * units + u];
            ranked[r * units + u] = value;
            if (!isnan(value)) values[n++] = value;
        }
    if (status || n < 2) goto cleanup;
    rank = base_alloc(n * sizeof *rank);
    status = rank ? score_ranks(ctx, values, n, rank) : base_fail_memory(ctx);
    for (size_t i = 0, at = 0; i < all && !status; i++)
        if (!isnan(ranked[i])) ranked[i] = rank[at++];
    if (!status && level == AFFECT_SCORE_ORDINAL)
        *alpha = interval_alpha(ranked, raters, units, (double)n + 1); /* the mean */
    else if (!status)
        status = nominal_alpha(ctx, ranked, raters, units, (double)n, alpha);
cleanup:
    base_free(count);
    base_free(values);
    base_free(ranked);
    base_free(rank);
    return status;
}

/* Shrout & Fleiss 1979: mean squares of units, raters and the rest. */
void affect_score_icc2(const double *ratings, size_t raters, size_t units, double *icc21,
                       double *icc2k, int64_t *dropped) {
    if (!((!raters || !units || ratings) && icc21 && icc2k)) return;
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
    if (!(!items || !classes || counts)) return NAN;
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
    if (!(!raters || !units || ratings)) return NAN;
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
