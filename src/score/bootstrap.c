/* Percentile bootstrap over units (clips, speakers): items of a unit are not independent, units
 * are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/score.h"
#include "base/base.h"
#include "score/score_private.h"

enum { FEWEST = 10 /* defined rounds */ };

static int compare_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Linear between order statistics, as numpy's default percentile. */
static double quantile(const double *sorted, size_t n, double q) {
    double at = q * (double)(n - 1);
    size_t low = (size_t)at;
    if (low + 1 >= n) return sorted[n - 1];
    return sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]);
}

void score_percentiles(double *results, size_t rounds, size_t values, double level,
                       affect_score_interval *out) {
    for (size_t v = 0; v < values; v++) {
        double *column = results + v * rounds;
        size_t kept = 0;
        out[v] = (affect_score_interval){NAN, NAN};
        for (size_t r = 0; r < rounds; r++)
            if (!isnan(column[r])) column[kept++] = column[r];
        if (kept < FEWEST) continue;
        qsort(column, kept, sizeof *column, compare_double);
        out[v].low = quantile(column, kept, (1 - level) / 2);
        out[v].high = quantile(column, kept, (1 + level) / 2);
    }
}

affect_status affect_score_bootstrap(affect_context *ctx, const int32_t *unit, size_t n,
                                     size_t units, size_t rounds, uint64_t seed, double level,
                                     affect_score_metric metric, void *user, size_t values,
                                     affect_score_interval *out) {
    BASE_NEED(ctx, (!n || unit) && metric && out);
    for (size_t v = 0; v < values; v++) out[v] = (affect_score_interval){NAN, NAN};
    if (n == 0 || units == 0 || rounds == 0) return AFFECT_OK;
    if (n > UINT32_MAX || units > n)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "bootstrap over %zu items in %zu units", n,
                         units);
    size_t *start = base_calloc(units + 1, sizeof *start);
    uint32_t *by_unit = base_alloc(n * sizeof *by_unit), *index = NULL;
    double *results = base_alloc(rounds * values * sizeof *results);
    double *one = base_alloc(values * sizeof *one);
    size_t index_capacity = 0;
    affect_status status = AFFECT_OK;
    if (!start || !by_unit || !results || !one) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    for (size_t i = 0; i < n; i++) {
        if (unit[i] < 0 || (size_t)unit[i] >= units) {
            status = base_fail(ctx, AFFECT_ERROR_ARGUMENT, "item %zu: unit %d of %zu", i, unit[i],
                               units);
            goto cleanup;
        }
        start[unit[i] + 1]++;
    }
    for (size_t u = 0; u < units; u++) start[u + 1] += start[u];
    for (size_t i = 0; i < n; i++) by_unit[start[unit[i]]++] = (uint32_t)i;
    for (size_t u = units; u > 0; u--) start[u] = start[u - 1];
    start[0] = 0;

    for (size_t r = 0; r < rounds; r++) {
        size_t count = 0;
        if (affect_context_cancelled(ctx)) {
            status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
            goto cleanup;
        }
        for (size_t k = 0; k < units; k++) {
            size_t u = score_random_below(&seed, units);
            size_t m = start[u + 1] - start[u];
            if (!base_grow((void **)&index, &index_capacity, count + m + 1, sizeof *index)) {
                status = base_fail_memory(ctx);
                goto cleanup;
            }
            if (m) memcpy(index + count, by_unit + start[u], m * sizeof *index);
            count += m;
        }
        bool defined = metric(user, index, count, one);
        for (size_t v = 0; v < values; v++) results[v * rounds + r] = defined ? one[v] : NAN;
    }
    score_percentiles(results, rounds, values, level, out);
cleanup:
    base_free(start);
    base_free(by_unit);
    base_free(index);
    base_free(results);
    base_free(one);
    return status;
}
