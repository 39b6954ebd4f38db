/* The field's other ways from traces to one: mean, median, weighted, warped. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/align.h"
#include "annotate/annotate_private.h"

enum { BARYCENTRE_ROUNDS = 10, WARP_ROUNDS = 3 };
#define BAND 0.1 /* of the length, for warping */

/* Correlation of each rater with the mean of the others; below 0 is 0. All alike where none has one. */
static void weigh(const annotate_grid *g, double *others, double *weight, double *reliability) {
    double total = 0;
    for (size_t i = 0; i < g->raters; i++) {
        for (size_t k = 0; k < g->n; k++) {
            double sum = 0, count = 0;
            for (size_t j = 0; j < g->raters; j++)
                if (j != i && !isnan(annotate_row(g, j)[k])) sum += annotate_row(g, j)[k], count++;
            others[k] = count > 0 ? sum / count : NAN;
        }
        reliability[i] = annotate_correlation(annotate_row(g, i), others, g->n);
        weight[i] = reliability[i] > 0 ? reliability[i] : 0;
        total += weight[i];
    }
    for (size_t i = 0; i < g->raters; i++)
        weight[i] = total > 0 ? weight[i] / total : 1 / (double)g->raters;
}

/* Weighted mean and its standard error at each point. */
static void average(const annotate_grid *g, const double *weight, double *value, double *sd) {
    for (size_t k = 0; k < g->n; k++) {
        double sum = 0, total = 0, squares = 0, spread = 0;
        for (size_t i = 0; i < g->raters; i++) {
            double y = annotate_row(g, i)[k];
            if (!isnan(y))
                sum += weight[i] * y, total += weight[i], squares += weight[i] * weight[i];
        }
        value[k] = total > 0 ? sum / total : NAN;
        for (size_t i = 0; i < g->raters; i++) {
            double y = annotate_row(g, i)[k];
            if (!isnan(y)) spread += weight[i] * (y - value[k]) * (y - value[k]);
        }
        double share =
            total > 0 ? squares / (total * total) : 1; /* 1 / the effective number of raters */
        sd[k] = share < 1 ? sqrt(spread / total * share / (1 - share)) : NAN;
    }
}

static void median(const annotate_grid *g, double *room, double *value, double *sd) {
    for (size_t k = 0; k < g->n; k++) {
        size_t count = 0;
        for (size_t i = 0; i < g->raters; i++)
            if (!isnan(annotate_row(g, i)[k])) room[count++] = annotate_row(g, i)[k];
        qsort(room, count, sizeof *room, annotate_by_value);
        value[k] = count ? (room[(count - 1) / 2] + room[count / 2]) / 2 : NAN;
        annotate_moments m = annotate_describe(room, count);
        /* The median of n normal values is sqrt(pi / 2) times less exact than their mean. */
        sd[k] = count > 1 ? m.sd * sqrt(M_PI / 2 / (double)(count - 1)) : NAN;
    }
}

/* Gaps are no shape: every trace is filled between what it said, and held before and after. */
static void fill(double *y, size_t n) {
    size_t last = SIZE_MAX;
    for (size_t k = 0; k < n; k++) {
        if (isnan(y[k])) continue;
        if (last == SIZE_MAX)
            for (size_t j = 0; j < k; j++) y[j] = y[k];
        else
            for (size_t j = last + 1; j < k; j++)
                y[j] = y[last] + (y[k] - y[last]) * (double)(j - last) / (double)(k - last);
        last = k;
    }
    for (size_t j = last + 1; last != SIZE_MAX && j < n; j++) y[j] = y[last];
}

static affect_status barycentre(affect_context *ctx, annotate_grid *g, double *value) {
    const double **series = base_alloc(g->raters * sizeof *series);
    size_t *lengths = base_alloc(g->raters * sizeof *lengths);
    affect_status status = series && lengths ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t i = 0; i < g->raters && !status; i++) {
        fill(annotate_row(g, i), g->n);
        series[i] = annotate_row(g, i);
        lengths[i] = g->n;
    }
    if (!status)
        status = affect_align_barycentre(ctx, series, lengths, g->raters, 1, NULL, BAND,
                                         BARYCENTRE_ROUNDS, value, g->n, NULL);
    base_free(series);
    base_free(lengths);
    return status;
}

/* Each trace onto the mean: its value at a point is the mean of those that the path joins to it. */
static affect_status warp_all(affect_context *ctx, annotate_grid *g, const double *weight,
                              double *value, double *sd) {
    size_t n = g->n;
    affect_align_pair *path = base_alloc(2 * n * sizeof *path);
    double *warped = base_alloc(n * sizeof *warped), *count = base_alloc(n * sizeof *count), a, b,
           r;
    affect_status status = path && warped && count ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t i = 0; i < g->raters && !status; i++) fill(annotate_row(g, i), n);
    for (int round = 0; round < WARP_ROUNDS && !status; round++) {
        average(g, weight, value, sd);
        for (size_t i = 0; i < g->raters && !status; i++) {
            double *y = annotate_row(g, i);
            if (!(annotate_describe(y, n).sd > 0)) continue;
            size_t length = 0;
            status = affect_align_ctw(ctx, value, n, 1, y, n, 1, 1, BAND, 0.01, &a, &b, path,
                                      &length, &r);
            if (status) break;
            memset(warped, 0, n * sizeof *warped);
            memset(count, 0, n * sizeof *count);
            for (size_t k = 0; k < length; k++)
                warped[path[k].i] += y[path[k].j], count[path[k].i]++;
            for (size_t k = 0; k < n; k++) y[k] = warped[k] / count[k];
        }
    }
    base_free(path);
    base_free(warped);
    base_free(count);
    return status;
}

/* Each rater's own level and spread give way to those that all have on average. */
static void put_on_one_scale(annotate_grid *g) {
    double mean = 0, sd = 0, count = (double)g->raters;
    for (size_t i = 0; i < g->raters; i++) {
        annotate_moments m = annotate_describe(annotate_row(g, i), g->n);
        mean += m.mean / count;
        sd += m.sd / count;
    }
    for (size_t i = 0; i < g->raters; i++) {
        double *y = annotate_row(g, i);
        annotate_moments m = annotate_describe(y, g->n);
        for (size_t k = 0; k < g->n; k++)
            y[k] = m.sd > 0 ? mean + sd * (y[k] - m.mean) / m.sd : NAN;
    }
}

affect_status annotate_simple(affect_context *ctx, annotate_grid *g, affect_gold_method method,
                              double *value, double *sd, affect_gold_rater *raters) {
    double *room = base_alloc(BASE_MAX(g->n, g->raters) * sizeof *room);
    double *weight = base_alloc(g->raters * sizeof *weight),
           *reliability = base_alloc(g->raters * sizeof *reliability);
    affect_status status = room && weight && reliability ? AFFECT_OK : base_fail_memory(ctx);
    bool weighted = method == AFFECT_GOLD_EWE || method == AFFECT_GOLD_RAAW, alike = true;
    if (!status && method == AFFECT_GOLD_RAAW) put_on_one_scale(g);
    if (!status) {
        weigh(g, room, weight, reliability);
        for (size_t i = 0; i < g->raters && !weighted; i++) weight[i] = 1 / (double)g->raters;
    }
    if (!status && (method == AFFECT_GOLD_CTW || method == AFFECT_GOLD_RAAW))
        status = warp_all(ctx, g, weight, value, sd);
    if (!status && method == AFFECT_GOLD_RAAW) weigh(g, room, weight, reliability);
    if (!status && method == AFFECT_GOLD_MEDIAN) {
        median(g, room, value, sd);
        alike = false;
    } else if (!status) {
        average(g, weight, value, sd);
    }
    if (!status && method == AFFECT_GOLD_DBA) {
        status = barycentre(ctx, g, value);
        alike = false;
    }
    for (size_t i = 0; i < g->raters && !status; i++) {
        raters[i].weight = alike ? weight[i] : NAN;
        raters[i].reliability = reliability[i];
        raters[i].lasting_s = NAN;
    }
    base_free(room);
    base_free(weight);
    base_free(reliability);
    return status;
}
