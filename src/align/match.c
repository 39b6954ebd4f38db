/* Matching of events by partial optimal transport. Each event has one unit of mass; an event may
 * give it to events of the other side, at the cost of the distance in time (a squared z-score) and
 * of affective incongruity and of intensity, or to nobody, at half the cost `unmatched` a side. The plan is the
 * entropic one, by Sinkhorn's iterations in the log domain over the pairs within reach. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "align/align_private.h"

enum { SINKHORN_ROUNDS = 1000, REFINE_ROUNDS = 30 };

typedef struct pair {
    size_t a, b; /* ranks in time */
    double cost, plan;
} pair;

typedef struct transport {
    size_t n, m, count, capacity;
    const affect_align_event **a, **b; /* in order of time */
    pair *pairs;                       /* ordered by a */
    size_t *by_b;                      /* pair indices ordered by b */
    size_t *start_a, *start_b;
    double *f, *g;             /* potentials */
    double bin_f, bin_g;       /* of the place for the unmatched, on either side */
    double *alone_a, *alone_b; /* mass that each gives to nobody */
    double *force_a, *force_b; /* ln(strength), among their own */
} transport;

static int by_time(const void *x, const void *y) {
    const affect_align_event *a = *(const affect_align_event *const *)x;
    const affect_align_event *b = *(const affect_align_event *const *)y;
    if (a->time_s != b->time_s) return a->time_s < b->time_s ? -1 : 1;
    return (a > b) - (a < b); /* both point into one array */
}

static double square(double x) { return x * x; }

static double incongruity(const affect_align_event *a, const affect_align_event *b) {
    double sum = 0.0;
    if (isfinite(a->valence) && isfinite(b->valence)) sum += square(a->valence - b->valence);
    if (isfinite(a->arousal) && isfinite(b->arousal)) sum += square(a->arousal - b->arousal);
    return sum;
}

/* How differently strong they are among their own. */
static double intensity(const transport *t, size_t i, size_t j) {
    return fmin(square(t->force_a[i] - t->force_b[j]), 4.0);
}

/* ln(strength) less its mean. */
static void forces(const affect_align_event *const *events, size_t count, double *out) {
    double mean = 0.0;
    for (size_t i = 0; i < count; i++) mean += out[i] = log(events[i]->strength);
    for (size_t i = 0; i < count; i++) out[i] -= mean / (double)count;
}

/* The pairs within reach of the lag, and their costs. */
static bool pairs_find(transport *t, const affect_align_match_options *o) {
    size_t low = 0;
    t->count = 0;
    for (size_t i = 0; i < t->n; i++) {
        const affect_align_event *a = t->a[i];
        double widest = fmax(1.0, 6.0 * o->lag_sd_s);
        t->start_a[i] = t->count;
        while (low < t->m && t->b[low]->time_s - a->time_s - o->lag_s < -widest) low++;
        for (size_t j = low; j < t->m; j++) {
            const affect_align_event *b = t->b[j];
            double off = b->time_s - a->time_s - o->lag_s;
            if (off > widest) break;
            double variance = square(o->lag_sd_s) + square(a->sd_s) + square(b->sd_s);
            double cost = square(off) / variance + o->incongruity * incongruity(a, b) +
                          o->intensity * intensity(t, i, j);
            if (cost > 4.0 * o->unmatched) continue; /* the bins are far cheaper */
            if (!base_grow((void **)&t->pairs, &t->capacity, t->count + 1, sizeof *t->pairs))
                return false;
            t->pairs[t->count++] = (pair){i, j, cost, 0.0};
        }
    }
    t->start_a[t->n] = t->count;
    size_t *grown = base_realloc(t->by_b, BASE_MAX(t->count, 1) * sizeof *grown);
    if (!grown) return false;
    t->by_b = grown;
    memset(t->start_b, 0, (t->m + 1) * sizeof *t->start_b);
    for (size_t k = 0; k < t->count; k++) t->start_b[t->pairs[k].b + 1]++;
    for (size_t j = 0; j < t->m; j++) t->start_b[j + 1] += t->start_b[j];
    for (size_t k = 0; k < t->count; k++) t->by_b[t->start_b[t->pairs[k].b]++] = k;
    for (size_t j = t->m; j > 0; j--) t->start_b[j] = t->start_b[j - 1];
    t->start_b[0] = 0;
    return true;
}

/* ln(sum of e^x), one term at a time. */
typedef struct log_sum {
    double best, sum;
} log_sum;
static void log_sum_add(log_sum *s, double x) {
    if (x <= s->best) {
        s->sum += exp(x - s->best);
    } else {
        s->sum = s->sum * exp(s->best - x) + 1.0;
        s->best = x;
    }
}
static double log_sum_get(const log_sum *s) { return s->best + log(s->sum); }

/* Rows: n events of mass 1 and a bin of mass m; columns: m events and a bin of mass n. Potentials in
 * units of the entropy. */
static void sinkhorn(transport *t, double unmatched, double entropy) {
    double half = unmatched / 2.0 / entropy;
    memset(t->f, 0, t->n * sizeof *t->f);
    memset(t->g, 0, t->m * sizeof *t->g);
    t->bin_f = t->bin_g = 0.0;
    for (int round = 0; round < SINKHORN_ROUNDS; round++) {
        double moved = 0.0;
        for (size_t i = 0; i < t->n; i++) {
            log_sum s = {t->bin_g - half, 1.0};
            for (size_t k = t->start_a[i]; k < t->start_a[i + 1]; k++)
                log_sum_add(&s, t->g[t->pairs[k].b] - t->pairs[k].cost / entropy);
            double next = -log_sum_get(&s);
            moved = fmax(moved, fabs(next - t->f[i]));
            t->f[i] = next;
        }
        log_sum bin = {t->bin_g, 1.0};
        for (size_t j = 0; j < t->m; j++) log_sum_add(&bin, t->g[j] - half);
        t->bin_f = log((double)BASE_MAX(t->m, 1)) - log_sum_get(&bin);
        for (size_t j = 0; j < t->m; j++) {
            log_sum s = {t->bin_f - half, 1.0};
            for (size_t q = t->start_b[j]; q < t->start_b[j + 1]; q++) {
                const pair *p = &t->pairs[t->by_b[q]];
                log_sum_add(&s, t->f[p->a] - p->cost / entropy);
            }
            t->g[j] = -log_sum_get(&s);
        }
        bin = (log_sum){t->bin_f, 1.0};
        for (size_t i = 0; i < t->n; i++) log_sum_add(&bin, t->f[i] - half);
        t->bin_g = log((double)BASE_MAX(t->n, 1)) - log_sum_get(&bin);
        if (round && moved < 1e-9) break;
    }
    for (size_t k = 0; k < t->count; k++) {
        pair *p = &t->pairs[k];
        p->plan = exp(t->f[p->a] + t->g[p->b] - p->cost / entropy);
    }
    for (size_t i = 0; i < t->n; i++) t->alone_a[i] = exp(t->f[i] + t->bin_g - half);
    for (size_t j = 0; j < t->m; j++) t->alone_b[j] = exp(t->bin_f + t->g[j] - half);
}

/* Does the pair hold more of both than anything else does? */
static bool is_match(const transport *t, size_t index) {
    const pair *p = &t->pairs[index];
    if (p->plan <= t->alone_a[p->a] || p->plan <= t->alone_b[p->b]) return false;
    for (size_t k = t->start_a[p->a]; k < t->start_a[p->a + 1]; k++)
        if (k != index && t->pairs[k].plan >= p->plan) return false;
    for (size_t q = t->start_b[p->b]; q < t->start_b[p->b + 1]; q++)
        if (t->by_b[q] != index && t->pairs[t->by_b[q]].plan >= p->plan) return false;
    return true;
}

typedef struct plan_lag {
    double lag_s, spread_s, mean_sd_s; /* of the matched pairs; the sd of their mean */
    size_t pairs;
} plan_lag;

/* A matched pair counts by its plan, its strengths and its events' own precision. */
static double pair_weight(const transport *t, const pair *p, double own_sd) {
    const affect_align_event *a = t->a[p->a], *b = t->b[p->b];
    return p->plan * sqrt(a->strength * b->strength) /
           (square(own_sd) + square(a->sd_s) + square(b->sd_s));
}

static plan_lag plan_lag_get(const transport *t, double believed_sd) {
    plan_lag out = {NAN, NAN, NAN, 0};
    double sum = 0.0, squares = 0.0, mean = 0.0, var = 0.0;
    for (size_t k = 0; k < t->count; k++) {
        if (!is_match(t, k)) continue;
        double w = pair_weight(t, &t->pairs[k], believed_sd);
        sum += w;
        squares += w * w;
        mean += w * (t->b[t->pairs[k].b]->time_s - t->a[t->pairs[k].a]->time_s);
        out.pairs++;
    }
    if (!(sum > 0.0)) return out;
    out.lag_s = mean / sum;
    for (size_t k = 0; k < t->count; k++)
        if (is_match(t, k))
            var += pair_weight(t, &t->pairs[k], believed_sd) / sum *
                   square(t->b[t->pairs[k].b]->time_s - t->a[t->pairs[k].a]->time_s - out.lag_s);
    /* As many pairs as equal weights would be; what was believed counts as one more, since one pair
     * tells nothing of the spread. */
    double pairs = sum * sum / squares;
    out.spread_s = sqrt((var * pairs + square(believed_sd)) / (pairs + 1.0));
    out.mean_sd_s = out.spread_s / sqrt(pairs);
    return out;
}

/* The events with mass, in order of time. */
static size_t sorted(const affect_align_event *events, size_t count,
                     const affect_align_event **out) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (events[i].strength > 0.0) out[kept++] = &events[i];
    qsort(out, kept, sizeof *out, by_time);
    return kept;
}

static affect_status transport_init(affect_context *ctx, transport *t, const affect_align_event *a,
                                    size_t n, const affect_align_event *b, size_t m) {
    *t = (transport){0};
    t->a = base_alloc((n + m + 1) * sizeof *t->a);
    t->start_a = base_calloc(n + m + 4, sizeof *t->start_a);
    t->f = base_calloc(3 * (n + m) + 1, sizeof *t->f);
    if (!t->a || !t->start_a || !t->f) return base_fail_memory(ctx);
    t->b = t->a + n;
    t->start_b = t->start_a + n + 2;
    t->g = t->f + n;
    t->alone_a = t->g + m;
    t->alone_b = t->alone_a + n;
    t->force_a = t->alone_b + m;
    t->force_b = t->force_a + n;
    t->n = sorted(a, n, t->a);
    t->m = sorted(b, m, t->b);
    forces(t->a, t->n, t->force_a);
    forces(t->b, t->m, t->force_b);
    return AFFECT_OK;
}

static void transport_destroy(transport *t) {
    base_free(t->a);
    base_free(t->start_a);
    base_free(t->f);
    base_free(t->pairs);
    base_free(t->by_b);
}

static affect_status events_check(affect_context *ctx, const affect_align_event *events,
                                  size_t count) {
    if (count && !events) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "events are missing");
    for (size_t i = 0; i < count; i++)
        if (!isfinite(events[i].time_s) || !(events[i].sd_s >= 0.0 && isfinite(events[i].sd_s)) ||
            !(events[i].strength >= 0.0 && isfinite(events[i].strength)))
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                             "event %zu: time, sd and strength must be finite and not below 0", i);
    return AFFECT_OK;
}

affect_status affect_align_match_events(affect_context *ctx, const affect_align_event *a, size_t n,
                                        const affect_align_event *b, size_t m,
                                        const affect_align_match_options *options,
                                        affect_align_match *matches, size_t *count,
                                        affect_align_lag *lag) {
    affect_align_match_options o = AFFECT_ALIGN_MATCH_DEFAULTS;
    if (options) memcpy(&o, options, BASE_MIN(options->size, sizeof o));
    if (!count || (!matches && n && m))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no place for the matches");
    *count = 0;
    if (!isfinite(o.lag_s) || !(o.lag_sd_s > 0.0 && isfinite(o.lag_sd_s)) || !(o.unmatched > 0.0) ||
        !(o.incongruity >= 0.0) || !(o.intensity >= 0.0) || !(o.entropy > 0.0))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "matching: the lag's sd, the cost of no partner and the entropy must lie "
                         "above 0");
    affect_status status = events_check(ctx, a, n);
    if (!status) status = events_check(ctx, b, m);
    if (status) return status;

    transport t;
    plan_lag found = {NAN, NAN, NAN, 0};
    status = transport_init(ctx, &t, a, n, b, m);
    /* Pairs tell the lag and its spread, and these tell the pairs, until both stand still. */
    for (int round = 0; round < REFINE_ROUNDS && !status; round++) {
        if (!pairs_find(&t, &o)) {
            status = base_fail_memory(ctx);
            break;
        }
        sinkhorn(&t, o.unmatched, o.entropy);
        found = plan_lag_get(&t, o.lag_sd_s);
        if (!o.refine || !found.pairs) break;
        double moved = fabs(found.lag_s - o.lag_s) + fabs(found.spread_s - o.lag_sd_s);
        o.lag_s = found.lag_s;
        o.lag_sd_s = fmax(found.spread_s, 0.02); /* half a frame: no event is dated better */
        if (moved < 1e-4) break;
    }
    for (size_t k = 0; k < t.count && !status; k++) {
        if (!is_match(&t, k)) continue;
        const pair *p = &t.pairs[k];
        const affect_align_event *x = t.a[p->a], *y = t.b[p->b];
        matches[(*count)++] = (affect_align_match){(size_t)(x - a), (size_t)(y - b),
                                                   y->time_s - x->time_s, fmin(p->plan, 1.0)};
    }
    if (!status && lag)
        *lag =
            (affect_align_lag){.lag_s = found.lag_s,
                               .sd_s = found.mean_sd_s,
                               .correlation = (double)*count / (double)BASE_MAX(BASE_MAX(n, m), 1),
                               .p = NAN,
                               .width_s = NAN,
                               .overlap_s = NAN};
    transport_destroy(&t);
    return status;
}

/* ---- the lag between two sequences of events ---- */

/* Bumps of area `strength` at the events' times. */
static void activity(const affect_align_event *events, size_t count, double t0_s, double step_s,
                     size_t rows, double smooth_s, double *out) {
    memset(out, 0, rows * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        double sd = sqrt(square(smooth_s) + square(events[i].sd_s));
        double at = (events[i].time_s - t0_s) / step_s, reach = 4.0 * sd / step_s;
        if (at + reach < 0.0 || at - reach > (double)rows) continue;
        size_t from = (size_t)fmax(ceil(at - reach), 0.0);
        size_t to = (size_t)fmin(floor(at + reach) + 1.0, (double)rows);
        for (size_t k = from; k < to; k++)
            out[k] += events[i].strength / sd * exp(-0.5 * square(((double)k - at) * step_s / sd));
    }
}

affect_status affect_align_event_lag(affect_context *ctx, const affect_align_event *a, size_t n,
                                     const affect_align_event *b, size_t m, double t0_s,
                                     double t1_s, double smooth_s,
                                     const affect_align_options *options, affect_align_lag *out) {
    if (!out) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no place for the lag");
    *out = (affect_align_lag){NAN, NAN, NAN, NAN, NAN, 0.0, 0};
    if (!(smooth_s > 0.0 && isfinite(smooth_s)) || !isfinite(t0_s) || !(t1_s >= t0_s) ||
        !isfinite(t1_s))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "event lag: wants smoothing above 0 and t0 <= t1");
    affect_align_options o = AFFECT_ALIGN_DEFAULTS;
    if (options) memcpy(&o, options, BASE_MIN(options->size, sizeof o));
    if (o.step_s == 0.0) o.step_s = BASE_MIN(smooth_s / 5.0, o.max_lag_s / 20.0);
    double wanted = (t1_s - t0_s) / o.step_s;
    if (!(wanted < 2097152.0))
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "event lag: %.0f s are too many steps of %g s",
                         t1_s - t0_s, o.step_s);
    size_t rows = (size_t)wanted + 1;
    affect_align_match *matches = NULL;
    double *values = NULL;
    affect_status status = events_check(ctx, a, n);
    if (!status) status = events_check(ctx, b, m);
    if (status) return status;
    values = base_alloc(3 * rows * sizeof *values);
    matches = base_alloc(BASE_MAX(BASE_MIN(n, m), 1) * sizeof *matches);
    if (!values || !matches) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    double *times = values + 2 * rows;
    for (size_t k = 0; k < rows; k++) times[k] = t0_s + (double)k * o.step_s;
    activity(a, n, t0_s, o.step_s, rows, smooth_s, values);
    activity(b, m, t0_s, o.step_s, rows, smooth_s, values + rows);
    affect_align_series sa = {rows, 1, times, values}, sb = {rows, 1, times, values + rows};
    status = affect_align_lag_estimate(ctx, &sa, &sb, &o, out);
    if (status || isnan(out->lag_s)) goto cleanup;
    affect_align_match_options mo = AFFECT_ALIGN_MATCH_DEFAULTS;
    mo.lag_s = out->lag_s;
    mo.lag_sd_s = smooth_s;
    size_t count;
    affect_align_lag fine;
    status = affect_align_match_events(ctx, a, n, b, m, &mo, matches, &count, &fine);
    /* The pairs are taken at their word only near the peak that the test is about. */
    if (!status && count >= 2 && fabs(fine.lag_s - out->lag_s) <= 2.0 * smooth_s) {
        out->lag_s = fine.lag_s;
        /* Some pairs are wrong, which their own spread does not know; the series' posterior does. */
        out->sd_s = fmax(fine.sd_s, 0.7 * out->sd_s);
    }
cleanup:
    base_free(values);
    base_free(matches);
    return status;
}
