/* The lag between two modalities in one node of the alignment tree: top-down the lag of the node
 * above says where to look, bottom-up the pairs that are found there correct it. */
#include <math.h>
#include <string.h>

#include "align/align.h"
#include "align/align_private.h"

enum { LEAST_EVENTS = 5, LEAST_FEW = 2, SURROGATES = 99 };
/* How far the lag of a part lies from that of the whole: the drift of .06 s after one second that
 * the lag's path assumes, over a few seconds. */
static const double BELOW_SD_S = 0.1;
static const double SMOOTH_S = 0.15; /* of the correlogram: apexes are dated to some frames */
static const double SHIFT_S = 1.0;   /* surrogates are at least so far from the truth */

/* A lag that is known no better is of no use: a third of the range that is searched. */
static const double MOST_SD_S = 0.5;

bool align_claimed(const align_belief *b) {
    return isfinite(b->lag_s) && b->sd_s < MOST_SD_S && b->p < 0.05;
}

/* Differences of the pairs near the parent's lag, with weights; B is turned by `shift` in the node. */
typedef struct window {
    double low, high, *difference, *weight;
    size_t count;
} window;

static void window_fill(window *w, const affect_align_event *a, size_t n,
                        const affect_align_event *b, size_t m, double t0_s, double length_s,
                        double shift_s) {
    w->count = 0;
    for (size_t j = 0; j < m; j++) {
        double t = t0_s + fmod(b[j].time_s - t0_s + shift_s, length_s);
        for (size_t i = 0; i < n; i++) {
            double d = t - a[i].time_s;
            if (d < w->low || d > w->high) continue;
            w->difference[w->count] = d;
            w->weight[w->count++] = sqrt(a[i].strength * b[j].strength);
        }
    }
}

/* The highest sum of weights in a triangle of SMOOTH_S anywhere in the window. */
static double window_peak(const window *w) {
    double best = 0.0;
    for (size_t k = 0; k < w->count; k++) {
        double sum = 0.0;
        for (size_t l = 0; l < w->count; l++)
            sum += w->weight[l] *
                   fmax(1.0 - fabs(w->difference[l] - w->difference[k]) / (2.0 * SMOOTH_S), 0.0);
        best = fmax(best, sum);
    }
    return best;
}

static affect_status coincidence_p(affect_context *ctx, const affect_align_event *a, size_t n,
                                   const affect_align_event *b, size_t m, double t0_s, double t1_s,
                                   const align_belief *at, double *p) {
    double length = t1_s - t0_s;
    *p = NAN;
    if (n < LEAST_FEW || m < LEAST_FEW || n * m > 250000 || !(length > 3.0 * SHIFT_S))
        return AFFECT_OK;
    double reach = 2.0 * sqrt(at->sd_s * at->sd_s + BELOW_SD_S * BELOW_SD_S);
    window w = {.low = at->lag_s - reach, .high = at->lag_s + reach};
    w.difference = base_alloc(2 * n * m * sizeof *w.difference);
    if (!w.difference) return base_fail_memory(ctx);
    w.weight = w.difference + n * m;
    window_fill(&w, a, n, b, m, t0_s, length, 0.0);
    double here = window_peak(&w);
    size_t as_high = 0;
    for (int k = 0; k < SURROGATES; k++) {
        double share = ((double)k + 0.5) / SURROGATES;
        window_fill(&w, a, n, b, m, t0_s, length, SHIFT_S + share * (length - 2.0 * SHIFT_S));
        as_high += window_peak(&w) >= here;
    }
    *p = (1.0 + (double)as_high) / (1.0 + SURROGATES);
    base_free(w.difference);
    return AFFECT_OK;
}

affect_status align_node_lag(affect_context *ctx, const affect_align_event *a, size_t n,
                             const affect_align_event *b, size_t m, double t0_s, double t1_s,
                             const align_belief *parent, align_belief *out,
                             affect_align_match *matches, size_t *count) {
    *out = (align_belief){NAN, NAN, NAN};
    *count = 0;
    if (!n || !m) return AFFECT_OK;
    bool told = parent && align_claimed(parent);
    affect_status status = AFFECT_OK;
    if (told) {
        *out = (align_belief){parent->lag_s, hypot(parent->sd_s, BELOW_SD_S), NAN};
        status = coincidence_p(ctx, a, n, b, m, t0_s, t1_s, parent, &out->p);
    } else if (n >= LEAST_EVENTS && m >= LEAST_EVENTS) {
        affect_align_lag lag;
        status = affect_align_event_lag(ctx, a, n, b, m, t0_s, t1_s, SMOOTH_S, NULL, &lag);
        if (!status && isfinite(lag.lag_s)) *out = (align_belief){lag.lag_s, lag.sd_s, lag.p};
    }
    if (status) return status;
    affect_align_match_options o = AFFECT_ALIGN_MATCH_DEFAULTS;
    affect_align_lag found;
    bool known = told || align_claimed(out);
    o.intensity = 0.5; /* a smile's strength and a pitch's are hardly comparable */
    o.lag_s = known ? out->lag_s : 0.0;
    o.lag_sd_s = known ? hypot(out->sd_s, SMOOTH_S) : o.lag_sd_s;
    o.refine = known && n >= LEAST_EVENTS && m >= LEAST_EVENTS;
    status = affect_align_match_events(ctx, a, n, b, m, &o, matches, count, &found);
    if (status || !told || !*count || !(found.sd_s > 0.0)) return status;
    /* A few pairs may agree by chance better than apexes are dated. */
    double error = fmax(found.sd_s, M_SQRT2 * ALIGN_APEX_SD_S / sqrt((double)*count));
    double prior = 1.0 / (out->sd_s * out->sd_s), own = 1.0 / (error * error);
    out->lag_s = (prior * out->lag_s + own * found.lag_s) / (prior + own);
    out->sd_s = sqrt(1.0 / (prior + own));
    return AFFECT_OK;
}
