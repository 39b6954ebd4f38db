/* One lag: the peak of the correlogram, its error, and how likely unrelated series show as high a
 * one. */
#include <math.h>
#include <stdlib.h>

#include "align/align_private.h"

/* r as a log likelihood ratio for one independent point: -ln(1 - r^2), with the sign of r. For
 * unrelated Gaussian series, n times it is about chi-squared with one degree of freedom, whose tail
 * is close to exponential. */
static double evidence(double r) {
    if (isnan(r)) return NAN;
    double square = fmin(r * r, 1.0 - 1e-12);
    return copysign(-log1p(-square), r);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- how high unrelated series rise ----
 *
 * Excursions of the null above a high level come as a Poisson process (Leadbetter 1983), and their
 * tops above it follow a generalised Pareto distribution (Pickands 1975), fitted by probability
 * weighted moments (Hosking & Wallis 1987). Its shape is not let below 0, and not below what so few
 * tops could hide. Where the null itself rises as high as the peak, it is simply counted. */

enum { MIN_TOPS = 5 };

typedef struct tail {
    double level, scale, shape;
    double *tops; /* falling, above the level */
    size_t count, steps;
} tail;

static void tops_find(const double *null, size_t count, tail *t) {
    double top = NAN;
    for (size_t k = 0; k <= count; k++) {
        double v = k < count ? null[k] : NAN;
        if (v > t->level) {
            top = isnan(top) ? v : fmax(top, v);
        } else if (!isnan(top)) {
            t->tops[t->count++] = top - t->level;
            top = NAN;
        }
    }
    t->steps += count;
}

static void pareto_fit(tail *t) {
    double mean = 0.0, weighted = 0.0, k = (double)t->count;
    for (size_t i = 0; i < t->count; i++) { /* falling: rank from the top is i + 1 */
        mean += t->tops[i] / k;
        weighted += t->tops[i] * ((double)i + 0.35) / k / k; /* of x (1 - F(x)) */
    }
    double bend = mean - 2.0 * weighted;
    t->shape = bend > 0.0 ? 2.0 - mean / bend : 1.0;
    t->shape = fmin(fmax(t->shape + 1.0 / sqrt(k), 0.0), 0.9);
    t->scale = mean * (1.0 - t->shape);
}

/* The chance that a stretch of `steps` of the null rises to `peak`. */
static double tail_p(const tail *t, double peak, double steps) {
    if (t->count < MIN_TOPS || !(t->scale > 0.0)) return NAN;
    double excess = fmax(peak - t->level, 0.0);
    double above = (double)t->count * pow(1.0 + t->shape * excess / t->scale, -1.0 / t->shape);
    size_t counted = 0;
    while (counted < t->count && t->tops[counted] >= excess) counted++;
    return -expm1(-steps / (double)t->steps * fmax(above, (double)counted));
}

/* Means over `half` steps to each side; NaN where there are not so many: a mean of fewer would vary
 * more than the null's. */
static void smooth(const double *in, size_t count, size_t half, double *out) {
    double sum = 0.0, values = 0.0;
    size_t low = 0, high = 0;
    for (size_t k = 0; k < count; k++) {
        for (; high < count && high <= k + half; high++)
            if (!isnan(in[high])) sum += in[high], values += 1.0;
        for (; low + half < k; low++)
            if (!isnan(in[low])) sum -= in[low], values -= 1.0;
        bool whole = k >= half && k + half < count && !isnan(in[k]);
        out[k] = whole && values > 0.0 ? sum / values : NAN;
    }
}

/* How likely is a correlogram whose mean over 2 half + 1 neighbouring lags is anywhere as high? */
static affect_status scale_p(affect_context *ctx, const align_correlogram *c, size_t half,
                             double *p) {
    size_t lags = 2 * c->reach + 1, all = c->null_count[0] + c->null_count[1];
    double *values = base_alloc(2 * (lags + all + 1) * sizeof *values);
    *p = NAN;
    if (!values) return base_fail_memory(ctx);
    double *null = values + lags, *sorted = null + all;
    smooth(c->r, lags, half, values);
    smooth(c->null[0], c->null_count[0], half, null);
    smooth(c->null[1], c->null_count[1], half, null + c->null_count[0]);
    /* The null's shifts rest on all points; a lag rests on fewer, and its evidence counts by them. */
    double peak = -1.0, most = 1.0;
    size_t count = 0;
    for (size_t k = 0; k < lags; k++) most = fmax(most, c->overlap[k]);
    for (size_t k = 0; k < lags; k++)
        peak = fmax(peak, evidence(values[k]) * c->overlap[k] / most); /* NaN loses */
    for (size_t k = 0; k < all; k++) {
        null[k] = evidence(null[k]);
        if (!isnan(null[k])) sorted[count++] = null[k];
    }
    tail t = {.tops = sorted};
    if (count >= 20) {
        /* The 70th percentile: high enough for a tail, low enough for some dozens of tops in half a
         * minute of speech. */
        qsort(sorted, count, sizeof *sorted, by_value);
        t.level = sorted[count * 7 / 10];
        tops_find(null, c->null_count[0], &t);
        tops_find(null + c->null_count[0], c->null_count[1], &t);
        qsort(t.tops, t.count, sizeof *t.tops, by_value);
        for (size_t k = 0; k < t.count / 2; k++) {
            double swap = t.tops[k];
            t.tops[k] = t.tops[t.count - 1 - k];
            t.tops[t.count - 1 - k] = swap;
        }
        if (t.count >= MIN_TOPS) pareto_fit(&t);
        *p = tail_p(&t, peak, (double)(lags - 2 * half));
    }
    base_free(values);
    return AFFECT_OK;
}

/* One p of several that lean on the same data (Liu & Xie 2020, the Cauchy combination). */
static double combined_p(const double *p, size_t count) {
    const double pi = 3.14159265358979323846, low = 1e-15;
    double sum = 0.0, known = 0.0;
    for (size_t k = 0; k < count; k++) {
        if (isnan(p[k])) continue;
        sum += tan((0.5 - fmin(fmax(p[k], low), 1.0 - low)) * pi);
        known += 1.0;
    }
    return known > 0.0 ? fmin(fmax(0.5 - atan(sum / known) / pi, 0.0), 1.0) : NAN;
}

affect_status align_drift_p(affect_context *ctx, const align_correlogram *c, double *p) {
    double scales[4];
    affect_status status = AFFECT_OK;
    for (size_t k = 0; k < BASE_COUNT(scales) && !status; k++)
        status = scale_p(ctx, c, k ? c->reach >> (4 - k) : 0, &scales[k]);
    if (!status) *p = combined_p(scales, BASE_COUNT(scales));
    return status;
}

/* Unrelated Gaussian series show E[-ln(1 - r^2)] = 1 / points, were all points independent. */
static double independent_points(const align_correlogram *c) {
    double sum = 0.0, count = 0.0;
    for (int side = 0; side < 2; side++)
        for (size_t k = 0; k < c->null_count[side]; k++)
            if (!isnan(c->null[side][k])) {
                sum += fabs(evidence(c->null[side][k]));
                count += 1.0;
            }
    return count > 0.0 ? fmax(count / fmax(sum, 1e-300), 1.0) : 0.0;
}

/* Where a parabola through three points has its top, -0.5..0.5 from the middle one. */
static double parabola(double left, double middle, double right) {
    double bend = left - 2.0 * middle + right;
    return bend < 0.0 ? fmin(fmax(0.5 * (left - right) / bend, -0.5), 0.5) : 0.0;
}

/* The time from the peak to where the correlation has fallen to half, both sides together. */
static double width(const align_correlogram *c, size_t peak, double step_s) {
    size_t low = peak, high = peak, end = 2 * c->reach;
    double half = c->r[peak] / 2.0;
    while (low > 0 && c->r[low - 1] > half) low--;
    while (high < end && c->r[high + 1] > half) high++;
    return (double)(high - low + 1) * step_s;
}

affect_status align_lag_from(affect_context *ctx, const align_correlogram *c, double step_s,
                             affect_align_lag *out, double *independent) {
    *out = (affect_align_lag){NAN, NAN, NAN, NAN, NAN, 0.0, 0};
    *independent = 0.0;
    size_t end = 2 * c->reach, peak = end + 1;
    for (size_t k = 0; k <= end; k++)
        if (!isnan(c->r[k]) && (peak > end || c->r[k] > c->r[peak])) peak = k;
    if (peak > end) return AFFECT_OK;
    *independent = independent_points(c);
    affect_status status = scale_p(ctx, c, 0, &out->p);
    if (status) return status;

    bool inside = peak > 0 && peak < end && !isnan(c->r[peak - 1]) && !isnan(c->r[peak + 1]);
    double shift = inside ? parabola(c->r[peak - 1], c->r[peak], c->r[peak + 1]) : 0.0;
    out->lag_s = ((double)peak - (double)c->reach + shift) * step_s;
    out->correlation = c->r[peak];
    out->overlap_s = c->overlap[peak] * step_s;
    out->at_bound = !inside;
    out->width_s = width(c, peak, step_s);

    /* The posterior over lags under a flat prior: each independent point adds its evidence. */
    double sum = 0.0, square = 0.0, best = evidence(c->r[peak]);
    for (size_t k = 0; k <= end; k++) {
        if (!(c->r[k] > 0.0)) continue;
        double w = exp(0.3 * *independent * (evidence(c->r[k]) - best));
        double lag = ((double)k - (double)c->reach) * step_s - out->lag_s;
        sum += w;
        square += w * lag * lag;
    }
    /* A grid cannot tell less than the spread of one of its cells. */
    if (sum > 0.0) out->sd_s = sqrt(fmax(square / sum, step_s * step_s / 12.0));
    return AFFECT_OK;
}

affect_status affect_align_lag_estimate(affect_context *ctx, const affect_align_series *a,
                                        const affect_align_series *b,
                                        const affect_align_options *options,
                                        affect_align_lag *out) {
    if (!out) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no place for the lag");
    affect_align_options o;
    align_grid grid_a = {0}, grid_b = {0};
    align_correlogram c = {0};
    double independent;
    affect_status status = align_series_check(ctx, "a", a);
    if (!status) status = align_series_check(ctx, "b", b);
    if (!status) status = align_options_settle(ctx, options, a, b, &o);
    if (!status) status = align_grids_make(ctx, a, b, o.step_s, &grid_a, &grid_b);
    if (!status)
        status = align_correlogram_make(ctx, &grid_a, &grid_b, o.measure,
                                        (size_t)(o.max_lag_s / o.step_s + 0.5), &c);
    if (!status) status = align_lag_from(ctx, &c, o.step_s, out, &independent);
    align_correlogram_destroy(&c);
    align_grid_destroy(&grid_a);
    align_grid_destroy(&grid_b);
    return status;
}
