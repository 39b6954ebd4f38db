/* Two irregular series on one uniform grid. Where a series is denser than the grid, its values are
 * averaged over a cell (so that nothing folds down); where it is sparser, they are interpolated,
 * but not across gaps longer than four of its own typical steps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "align/align_private.h"

enum { MAX_CHANNELS = 64, MAX_POINTS = 1 << 21, MAX_PARTS = 2000 };

affect_status align_series_check(affect_context *ctx, const char *name,
                                 const affect_align_series *series) {
    if (!series || (series->rows && (!series->times_s || !series->values)))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "series %s is missing", name);
    if (series->channels < 1 || series->channels > MAX_CHANNELS)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "series %s has %zu channels, wants 1 to %d",
                         name, series->channels, MAX_CHANNELS);
    for (size_t i = 0; i < series->rows; i++)
        if (!isfinite(series->times_s[i]) || (i && series->times_s[i] < series->times_s[i - 1]))
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                             "series %s: the time of row %zu is not finite or goes back", name, i);
    return AFFECT_OK;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double align_typical_step(const double *times_s, size_t rows) {
    double steps[4096];
    size_t count = 0, hop = rows / BASE_COUNT(steps) + 1;
    for (size_t i = 1; i < rows && count < BASE_COUNT(steps); i += hop) {
        double step = times_s[i] - times_s[i - 1];
        if (step > 0.0) steps[count++] = step;
    }
    if (!count) return 0.0;
    qsort(steps, count, sizeof *steps, by_value);
    return steps[count / 2];
}

affect_status align_options_settle(affect_context *ctx, const affect_align_options *given,
                                   const affect_align_series *a, const affect_align_series *b,
                                   affect_align_options *out) {
    *out = (affect_align_options)AFFECT_ALIGN_DEFAULTS;
    if (given) memcpy(out, given, BASE_MIN(given->size, sizeof *out));
    out->size = sizeof *out;
    if (!(out->max_lag_s > 0.0 && out->max_lag_s <= 1e6))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "the largest lag must lie above 0 s");
    if (out->step_s == 0.0) {
        double step_a = align_typical_step(a->times_s, a->rows),
               step_b = align_typical_step(b->times_s, b->rows);
        double step = step_a > 0.0 && (step_a < step_b || step_b <= 0.0) ? step_a : step_b;
        step = BASE_MAX(BASE_MAX(step, 0.010), out->max_lag_s / MAX_PARTS);
        out->step_s = BASE_MIN(step, out->max_lag_s / 20.0);
    }
    if (out->block_s == 0.0) out->block_s = BASE_MAX(out->max_lag_s, 0.5);
    if (out->drift_s == 0.0) out->drift_s = 0.06;
    if (!(out->step_s > 0.0 && out->step_s <= out->max_lag_s &&
          out->max_lag_s / out->step_s <= MAX_PARTS * (1.0 + 1e-9)))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "the grid's step must divide the largest lag into 1 to %d parts",
                         MAX_PARTS);
    if (!(out->block_s >= 2.0 * out->step_s && out->drift_s > 0.0 && isfinite(out->drift_s)))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "a block must hold two grid steps, and the drift be above 0");
    if (out->measure > AFFECT_ALIGN_INFORMATION)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no such measure: %d", (int)out->measure);
    if (a->channels > 1 || b->channels > 1) out->measure = AFFECT_ALIGN_INFORMATION;
    return AFFECT_OK;
}

static bool row_valid(const affect_align_series *series, size_t row) {
    for (size_t c = 0; c < series->channels; c++)
        if (!isfinite(series->values[row * series->channels + c])) return false;
    return true;
}

static void grid_fill(const affect_align_series *series, align_grid *grid) {
    double own = align_typical_step(series->times_s, series->rows),
           longest = 4.0 * BASE_MAX(own, grid->step_s);
    bool dense = own > 0.0 && own < 0.75 * grid->step_s;
    size_t row = 0;
    for (size_t k = 0; k < grid->n; k++) {
        double t = grid->t0_s + (double)k * grid->step_s;
        if (dense) { /* the mean over the cell */
            double from = t - grid->step_s / 2.0, to = t + grid->step_s / 2.0;
            while (row < series->rows && series->times_s[row] < from) row++;
            size_t count = 0;
            for (size_t i = row; i < series->rows && series->times_s[i] < to; i++) {
                if (!row_valid(series, i)) continue;
                count++;
                for (size_t c = 0; c < grid->channels; c++)
                    grid->x[c * grid->n + k] += series->values[i * grid->channels + c];
            }
            if (!count) continue;
            grid->valid[k] = 1.0f;
            for (size_t c = 0; c < grid->channels; c++) grid->x[c * grid->n + k] /= (double)count;
            continue;
        }
        while (row + 1 < series->rows && series->times_s[row + 1] <= t) row++;
        if (row >= series->rows || series->times_s[row] > t + 1e-9 || !row_valid(series, row))
            continue;
        double from = series->times_s[row], share = 0.0;
        size_t next = row;
        if (t > from) {
            if (row + 1 >= series->rows || !row_valid(series, row + 1)) continue;
            double gap = series->times_s[row + 1] - from;
            if (gap > longest) continue;
            share = (t - from) / gap;
            next = row + 1;
        }
        grid->valid[k] = 1.0f;
        for (size_t c = 0; c < grid->channels; c++) {
            double x = series->values[row * grid->channels + c];
            grid->x[c * grid->n + k] = x + share * (series->values[next * grid->channels + c] - x);
        }
    }
}

void align_grid_standardise(align_grid *grid) {
    grid->points = 0;
    for (size_t k = 0; k < grid->n; k++) grid->points += grid->valid[k] > 0.0f;
    double count = (double)grid->points;
    for (size_t c = 0; c < grid->channels; c++) {
        double *x = grid->x + c * grid->n, mean = 0.0, square = 0.0;
        for (size_t k = 0; k < grid->n; k++)
            if (grid->valid[k] > 0.0f) mean += x[k];
        mean /= BASE_MAX(count, 1.0);
        for (size_t k = 0; k < grid->n; k++)
            if (grid->valid[k] > 0.0f) square += (x[k] - mean) * (x[k] - mean);
        double sd = sqrt(square / BASE_MAX(count, 1.0));
        /* Rounding leaves a constant a spread of some 1e-16 of its level. */
        double scale = sd > 1e-12 * fabs(mean) && isfinite(sd) && sd > 0.0 ? 1.0 / sd : 0.0;
        for (size_t k = 0; k < grid->n; k++)
            x[k] = grid->valid[k] > 0.0f && scale > 0.0 ? (x[k] - mean) * scale : 0.0;
    }
}

static affect_status grid_make(affect_context *ctx, const affect_align_series *series, double t0_s,
                               double step_s, size_t n, align_grid *out) {
    *out = (align_grid){t0_s, step_s, n, series->channels, NULL, NULL, 0};
    out->valid = base_calloc(BASE_MAX(n, 1), sizeof *out->valid);
    out->x = base_calloc(BASE_MAX(n, 1) * series->channels, sizeof *out->x);
    if (!out->valid || !out->x) return base_fail_memory(ctx);
    grid_fill(series, out);
    align_grid_standardise(out);
    return AFFECT_OK;
}

affect_status align_grids_make(affect_context *ctx, const affect_align_series *a,
                               const affect_align_series *b, double step_s, align_grid *out_a,
                               align_grid *out_b) {
    *out_a = *out_b = (align_grid){0};
    size_t n = 0;
    double from = 0.0;
    if (a->rows && b->rows) {
        from = BASE_MAX(a->times_s[0], b->times_s[0]);
        double to = BASE_MIN(a->times_s[a->rows - 1], b->times_s[b->rows - 1]);
        double points = (to - from) / step_s;
        if (points > (double)MAX_POINTS)
            return base_fail(ctx, AFFECT_ERROR_LIMIT,
                             "%.0f s in steps of %g s are over %d grid points", to - from, step_s,
                             MAX_POINTS);
        if (points >= 0.0) n = (size_t)(points + 1e-6) + 1;
    }
    affect_status status = grid_make(ctx, a, from, step_s, n, out_a);
    if (!status) status = grid_make(ctx, b, from, step_s, n, out_b);
    return status;
}

void align_grid_destroy(align_grid *grid) {
    base_free(grid->valid);
    base_free(grid->x);
    *grid = (align_grid){0};
}
