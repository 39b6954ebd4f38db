/* What is odd about raters' traces, each by itself and against the others. Nothing is left out here: who reads the findings
 * decides. docs/annotate.md has the rules and what each threshold trades. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/annotate_private.h"
#include "annotate/quality.h"

const char *const annotate_oddity_names[] = {
#define ODDITY_NAME(symbol, word, text) word,
    ANNOTATE_ODDITY_TABLE(ODDITY_NAME)
#undef ODDITY_NAME
};
const char *const annotate_oddity_texts[] = {
#define ODDITY_TEXT(symbol, word, text) text,
    ANNOTATE_ODDITY_TABLE(ODDITY_TEXT)
#undef ODDITY_TEXT
};

static affect_status found(affect_context *ctx, annotate_quality *out, size_t rater,
                           annotate_oddity_kind kind, double from, double to, double value,
                           size_t other) {
    if (!base_grow((void **)&out->items, &out->capacity, out->count + 1, sizeof *out->items))
        return base_fail_memory(ctx);
    out->items[out->count++] = (annotate_oddity){rater, kind, from, to, value, other};
    return AFFECT_OK;
}

/* ---- each by itself ---- */

/* Late starts, early ends and blanks, from the trace's own rows: a row holds until the next one, and a gap
 * between rows that are near or say the same is none (annotate_read). */
static affect_status gaps(affect_context *ctx, const annotate_grid *g, size_t i,
                          const annotate_quality_options *o, annotate_quality *out) {
    const double *y = annotate_row(g, i);
    size_t first = 0, last = g->n;
    affect_status status = AFFECT_OK;
    while (first < g->n && isnan(y[first])) first++;
    while (last > first && isnan(y[last - 1])) last--;
    double begin = g->t0_s, end = g->t0_s + (double)(g->n - 1) * g->step_s;
    double starts = begin + (double)first * g->step_s,
           stops = begin + (double)(last ? last - 1 : 0) * g->step_s;
    if (starts - begin > o->late_s)
        status = found(ctx, out, i, ANNOTATE_ODDITY_LATE, begin, starts, starts - begin, SIZE_MAX);
    if (!status && end - stops > o->late_s)
        status = found(ctx, out, i, ANNOTATE_ODDITY_EARLY, stops, end, end - stops, SIZE_MAX);
    for (size_t k = first; k < last && !status; k++) {
        size_t to = k;
        while (to < last && isnan(y[to])) to++;
        double length = (double)(to - k) * g->step_s;
        if (to > k && length >= o->blank_s)
            status = found(ctx, out, i, ANNOTATE_ODDITY_BLANK, begin + (double)k * g->step_s,
                           begin + (double)to * g->step_s, length, SIZE_MAX);
        if (to > k) k = to;
    }
    return status;
}

/* A stretch without any movement in which the others' mean (standardised) moved over flat_moved of its deviation. Alone,
 * every such stretch. */
static affect_status flat(affect_context *ctx, const annotate_grid *g, size_t i,
                          const double *others, double others_sd, const annotate_quality_options *o,
                          annotate_quality *out) {
    const double *y = annotate_row(g, i);
    affect_status status = AFFECT_OK;
    for (size_t k = 0; k < g->n && !status;) {
        size_t to = k + 1;
        if (isnan(y[k])) {
            k++;
            continue;
        }
        while (to < g->n && y[to] == y[k]) to++;
        double length = (double)(to - k) * g->step_s, low = INFINITY, high = -INFINITY;
        for (size_t j = k; j < to; j++)
            if (!isnan(others[j])) low = fmin(low, others[j]), high = fmax(high, others[j]);
        bool moved = g->raters == 1 || (others_sd > 0 && high - low > o->flat_moved * others_sd);
        if (length >= o->flat_s && moved)
            status = found(ctx, out, i, ANNOTATE_ODDITY_FLAT, g->t0_s + (double)k * g->step_s,
                           g->t0_s + (double)(to - 1) * g->step_s, length, SIZE_MAX);
        k = to;
    }
    return status;
}

/* ---- against the others ---- */

/* Standardised mean of the others at each point. */
static void mean_of_others(const annotate_grid *g, size_t without, const annotate_moments *m,
                           double *out) {
    for (size_t k = 0; k < g->n; k++) {
        double sum = 0, count = 0;
        for (size_t i = 0; i < g->raters; i++) {
            double y = annotate_row(g, i)[k];
            if (i == without || isnan(y) || !(m[i].sd > 0)) continue;
            sum += (y - m[i].mean) / m[i].sd;
            count++;
        }
        out[k] = count > 0 ? sum / count : NAN;
    }
}

/* The same values at the same times but for what rounding does; not of two that hardly move. */
static bool duplicate(const double *x, const double *y, size_t n, double sd) {
    size_t both = 0, same = 0;
    for (size_t k = 0; k < n; k++)
        if (!isnan(x[k]) && !isnan(y[k])) {
            both++;
            same += fabs(x[k] - y[k]) <= 1e-4 * sd;
        }
    return both >= 20 && sd > 0 && (double)same >= .98 * (double)both;
}

static double median(double *x, size_t n) {
    if (!n) return NAN;
    qsort(x, n, sizeof *x, annotate_by_value);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Median correlation of one with each other, lags taken off, and of all the other pairs. */
static void agreement_of(const annotate_grid *g, const double *pairs, size_t i, double *room,
                         double *own, double *rest) {
    size_t n = 0;
    for (size_t j = 0; j < g->raters; j++)
        if (j != i && !isnan(pairs[i * g->raters + j])) room[n++] = pairs[i * g->raters + j];
    *own = median(room, n);
    n = 0;
    for (size_t a = 0; a < g->raters; a++)
        for (size_t b = a + 1; b < g->raters; b++)
            if (a != i && b != i && !isnan(pairs[a * g->raters + b]))
                room[n++] = pairs[a * g->raters + b];
    *rest = median(room, n);
}

static affect_status disagreement(affect_context *ctx, const annotate_grid *g, double *pairs,
                                  double *room, const annotate_quality_options *o,
                                  annotate_quality *out) {
    affect_status status = AFFECT_OK;
    double end = g->t0_s + (double)(g->n - 1) * g->step_s;
    for (size_t i = 0; i < g->raters; i++)
        for (size_t j = 0; j < g->raters; j++)
            pairs[i * g->raters + j] =
                i == j ? NAN : annotate_correlation(annotate_row(g, i), annotate_row(g, j), g->n);
    for (size_t i = 0; i < g->raters && !status && g->raters > 2; i++) {
        double own, rest;
        agreement_of(g, pairs, i, room, &own, &rest);
        out->agreement[i] = own;
        if (isnan(own) || isnan(rest) || rest < o->agree) continue;
        if (own < -o->agree)
            status = found(ctx, out, i, ANNOTATE_ODDITY_REVERSED, g->t0_s, end, own, SIZE_MAX);
        else if (own < o->disagree)
            status = found(ctx, out, i, ANNOTATE_ODDITY_DISAGREES, g->t0_s, end, own, SIZE_MAX);
    }
    return status;
}

static affect_status lags(affect_context *ctx, const annotate_grid *g,
                          const annotate_quality_options *o, double *room, annotate_quality *out) {
    size_t n = 0;
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < g->raters; i++) {
        out->lag_s[i] = isfinite(g->lag_sd_s[i]) ? g->lag_s[i] : NAN;
        if (!isnan(out->lag_s[i])) room[n++] = out->lag_s[i];
    }
    double middle = median(room, n);
    for (size_t i = 0; i < g->raters && !status && n > 2; i++)
        if (fabs(out->lag_s[i] - middle) > o->sync_s)
            status =
                found(ctx, out, i, ANNOTATE_ODDITY_SYNC, g->t0_s,
                      g->t0_s + (double)(g->n - 1) * g->step_s, out->lag_s[i] - middle, SIZE_MAX);
    return status;
}

static affect_status against_others(affect_context *ctx, annotate_grid *g,
                                    const annotate_quality_options *o, annotate_quality *out) {
    size_t n = g->n, raters = g->raters;
    double *others = base_alloc(n * sizeof *others),
           *pairs = base_alloc(raters * raters * sizeof *pairs),
           *room = base_alloc(BASE_MAX(raters * raters, 1) * sizeof *room);
    annotate_moments *m = base_calloc(raters, sizeof *m);
    affect_status status = others && pairs && room && m ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t i = 0; i < raters && !status; i++) m[i] = annotate_describe(annotate_row(g, i), n);
    for (size_t i = 0; i < raters && !status; i++) {
        mean_of_others(g, i, m, others);
        status = flat(ctx, g, i, others, annotate_describe(others, n).sd, o, out);
    }
    for (size_t i = 0; i < raters && !status; i++)
        for (size_t j = i + 1; j < raters && !status; j++)
            if (duplicate(annotate_row(g, i), annotate_row(g, j), n, m[i].sd))
                status = found(ctx, out, j, ANNOTATE_ODDITY_DUPLICATE, g->t0_s,
                               g->t0_s + (double)(n - 1) * g->step_s, 1, i);
    affect_gold_options gold = AFFECT_GOLD_DEFAULTS;
    gold.max_lag_s = o->max_lag_s;
    gold.common_lag_s = 0; /* how far apart they lie is wanted, not how late all are */
    if (!status && raters > 1) status = annotate_lags_find(ctx, g, &gold);
    if (!status && raters > 1) status = lags(ctx, g, o, room, out);
    if (!status) status = disagreement(ctx, g, pairs, room, o, out);
    base_free(others);
    base_free(pairs);
    base_free(room);
    base_free(m);
    return status;
}

static int by_rater(const void *a, const void *b) {
    const annotate_oddity *x = a, *y = b;
    if (x->rater != y->rater) return x->rater < y->rater ? -1 : 1;
    if (x->from_s != y->from_s) return x->from_s < y->from_s ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

affect_status annotate_quality_check(affect_context *ctx, const affect_gold_trace *traces,
                                     size_t count, const annotate_quality_options *options,
                                     annotate_quality *out) {
    const annotate_quality_options o =
        options ? *options : (annotate_quality_options)ANNOTATE_QUALITY_DEFAULTS;
    affect_gold_options grid = AFFECT_GOLD_DEFAULTS;
    annotate_grid g = {0};
    *out = (annotate_quality){.raters = count};
    grid.step_s = o.step_s;
    grid.max_lag_s = o.max_lag_s;
    affect_status status = annotate_grid_make(ctx, traces, count, &grid, &g);
    if (status) return status;
    out->lag_s = base_alloc(count * sizeof *out->lag_s);
    out->agreement = base_alloc(count * sizeof *out->agreement);
    if (!out->lag_s || !out->agreement) status = base_fail_memory(ctx);
    for (size_t i = 0; i < count && !status; i++) {
        out->lag_s[i] = out->agreement[i] = NAN;
        status = gaps(ctx, &g, i, &o, out);
    }
    if (!status) status = against_others(ctx, &g, &o, out);
    annotate_grid_destroy(&g);
    if (!status && out->count) qsort(out->items, out->count, sizeof *out->items, by_rater);
    if (status) annotate_quality_destroy(out);
    return status;
}

void annotate_quality_destroy(annotate_quality *q) {
    base_free(q->items);
    base_free(q->lag_s);
    base_free(q->agreement);
    *q = (annotate_quality){0};
}

/* ---- where another rater would tell most ---- */

static int by_sd(const void *a, const void *b) {
    const annotate_unsure *x = a, *y = b;
    if (x->sd != y->sd) return x->sd > y->sd ? -1 : 1;
    return x->from_s < y->from_s ? -1 : x->from_s > y->from_s;
}

affect_status annotate_ask(affect_context *ctx, const affect_gold *gold,
                           const affect_gold_trace *traces, size_t count, double window_s,
                           annotate_unsure **out, size_t *found_count) {
    size_t n = affect_gold_count(gold);
    *out = NULL;
    *found_count = 0;
    if (n < 2 || !(window_s > 0))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "segments want a gold standard and a length");
    double step = affect_gold_time(gold, 1) - affect_gold_time(gold, 0);
    size_t width = BASE_MAX((size_t)llround(window_s / step), 1), windows = (n + width - 1) / width;
    annotate_unsure *list = base_calloc(windows, sizeof *list);
    double *y = base_alloc(n * sizeof *y), *sum = base_calloc(n, sizeof *sum),
           *square = base_calloc(n, sizeof *square), *said = base_calloc(n, sizeof *said);
    affect_status status = list && y && sum && square && said ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t i = 0; i < count && !status; i++) {
        const affect_gold_rater *r = affect_gold_rater_at(gold, i);
        double lag = r && isfinite(r->lag_s) ? r->lag_s : 0;
        annotate_read(&traces[i], affect_gold_time(gold, 0) + lag, step, n, y);
        for (size_t k = 0; k < n; k++)
            if (!isnan(y[k])) sum[k] += y[k], square[k] += y[k] * y[k], said[k]++;
    }
    for (size_t w = 0; w < windows && !status; w++) {
        size_t from = w * width, to = BASE_MIN(from + width, n);
        double variance = 0, known = 0, spread = 0, spreads = 0, raters = 0;
        for (size_t k = from; k < to; k++) {
            double sd = affect_gold_sd(gold, k), m = said[k];
            if (isfinite(sd)) variance += sd * sd, known++;
            raters += m;
            if (m > 1)
                spread += fmax(square[k] / m - sum[k] / m * (sum[k] / m), 0) * m / (m - 1),
                    spreads++;
        }
        annotate_unsure *u = &list[w];
        u->from_s = affect_gold_time(gold, from);
        u->to_s = affect_gold_time(gold, to - 1) + step;
        u->raters = raters / (double)(to - from);
        /* nobody spoke: nothing is surer to be worth a rater */
        u->sd = known > 0 ? sqrt(variance / known) : INFINITY;
        u->spread = spreads > 0 ? sqrt(spread / spreads) : NAN;
        u->sd_with_one_more = u->raters > 0 ? u->sd * sqrt(u->raters / (u->raters + 1)) : NAN;
    }
    if (!status) {
        qsort(list, windows, sizeof *list, by_sd);
        *out = list;
        *found_count = windows;
    } else {
        base_free(list);
    }
    base_free(y);
    base_free(sum);
    base_free(square);
    base_free(said);
    return status;
}
