/* Traces at any sampling onto one grid. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "align/step.h"
#include "annotate/annotate_private.h"

enum { MOST_RATERS = 256, MOST_POINTS = 1 << 21 };

static const char *name_of(const affect_gold_trace *trace, const char *kind, char room[32],
                           size_t index) {
    if (trace->name) return trace->name;
    snprintf(room, 32, "%s %zu", kind, index + 1);
    return room;
}

static affect_status check(affect_context *ctx, const affect_gold_trace *trace, const char *kind,
                           size_t index) {
    char room[32];
    const char *name = name_of(trace, kind, room, index);
    size_t said = 0;
    if (!trace->rows || !trace->times_s || !trace->values)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%s has no rows", name);
    for (size_t i = 0; i < trace->rows; i++) {
        if (!isfinite(trace->times_s[i]) || fabs(trace->times_s[i]) > 1e7 ||
            (i && trace->times_s[i] < trace->times_s[i - 1]))
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                             "%s: the time of row %zu is no time, or goes back", name, i + 1);
        said += isfinite(trace->values[i]) && fabs(trace->values[i]) < 1e100;
    }
    if (said < 2)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%s has fewer than two values", name);
    return AFFECT_OK;
}

affect_status annotate_grid_make(affect_context *ctx, const affect_gold_trace *traces, size_t count,
                                 const affect_gold_options *options, annotate_grid *out) {
    *out = (annotate_grid){.raters = count, .traces = traces, .step_s = options->step_s};
    if (count < 1 || !traces) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no traces");
    if (count > MOST_RATERS)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "%zu traces, at most %d are taken", count,
                         MOST_RATERS);
    if (!(options->max_lag_s > 0 && options->max_lag_s <= 3600) ||
        !(options->step_s >= 0 && options->step_s <= 3600) || isinf(options->common_lag_s))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "the largest lag must lie above 0 s and up to an hour, the step too");
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < count && !status; i++) status = check(ctx, &traces[i], "trace", i);
    for (size_t i = 0; i < options->feature_count && !status; i++)
        status = check(ctx, &options->features[i], "feature", i);
    if (status) return status;
    double from = INFINITY, to = -INFINITY, steps[MOST_RATERS];
    for (size_t i = 0; i < count; i++) {
        from = fmin(from, traces[i].times_s[0]);
        to = fmax(to, traces[i].times_s[traces[i].rows - 1]);
        steps[i] = align_typical_step(traces[i].times_s, traces[i].rows);
    }
    qsort(steps, count, sizeof *steps, annotate_by_value);
    if (out->step_s <= 0) out->step_s = fmax(steps[count / 2], 0.01);
    double points = floor((to - from) / out->step_s + 1e-6) + 1;
    if (points > MOST_POINTS)
        return base_fail(ctx, AFFECT_ERROR_LIMIT,
                         "%.0f points of time, at most %d are taken: a larger step is needed",
                         points, MOST_POINTS);
    out->n = (size_t)points;
    out->t0_s = from;
    out->lag_s = base_calloc(count, sizeof(double));
    out->lag_sd_s = base_calloc(count, sizeof(double));
    out->y = base_alloc(count * out->n * sizeof(double));
    if (!out->lag_s || !out->lag_sd_s || !out->y) {
        annotate_grid_destroy(out);
        return base_fail_memory(ctx);
    }
    for (size_t i = 0; i < count; i++) out->lag_sd_s[i] = NAN;
    annotate_grid_shift(out);
    return AFFECT_OK;
}

void annotate_grid_destroy(annotate_grid *grid) {
    base_free(grid->lag_s);
    base_free(grid->lag_sd_s);
    base_free(grid->y);
    *grid = (annotate_grid){0};
}

void annotate_read(const affect_gold_trace *trace, double first, double step, size_t n,
                   double *out) {
    /* Programs that write a row only where the slider moved leave gaps between equal values. */
    double longest = fmax(1.0, 4 * align_typical_step(trace->times_s, trace->rows));
    size_t row = 0;
    for (size_t k = 0; k < n; k++) {
        double t = first + (double)k * step;
        while (row + 1 < trace->rows && trace->times_s[row + 1] <= t + 1e-9) row++;
        double from = trace->times_s[row], value = trace->values[row];
        out[k] = NAN;
        if (from > t + 1e-9 || !isfinite(value)) continue;
        if (t <= from + 1e-9) {
            out[k] = value;
        } else if (row + 1 < trace->rows && isfinite(trace->values[row + 1])) {
            double gap = trace->times_s[row + 1] - from, next = trace->values[row + 1];
            if (gap <= longest || next == value) out[k] = value + (t - from) / gap * (next - value);
        }
    }
}

void annotate_grid_shift(annotate_grid *grid) {
    for (size_t i = 0; i < grid->raters; i++)
        annotate_read(&grid->traces[i], grid->t0_s + grid->lag_s[i], grid->step_s, grid->n,
                      annotate_row(grid, i));
}

int annotate_by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

annotate_moments annotate_describe(const double *x, size_t n) {
    annotate_moments m = {0};
    double square = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) m.mean += x[i], m.count++;
    m.mean /= (double)BASE_MAX(m.count, 1);
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) square += (x[i] - m.mean) * (x[i] - m.mean);
    m.sd = sqrt(square / (double)BASE_MAX(m.count, 1));
    if (m.sd < 1e-12 * fabs(m.mean)) m.sd = 0; /* rounding of a constant */
    return m;
}

double annotate_correlation(const double *x, const double *y, size_t n) {
    double count = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]) && !isnan(y[i])) count++, mx += x[i], my += y[i];
    if (count < 3) return NAN;
    mx /= count;
    my /= count;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]) && !isnan(y[i])) {
            xx += (x[i] - mx) * (x[i] - mx);
            yy += (y[i] - my) * (y[i] - my);
            xy += (x[i] - mx) * (y[i] - my);
        }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}
