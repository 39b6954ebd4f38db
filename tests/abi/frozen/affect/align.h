/* When did the same thing happen in two streams? Lags with their error and p-value, a lag that
 * drifts, time warping, and matching of events. In: plain arrays of the caller. Out: numbers and
 * paths in his arrays. Every function may be called from several threads at once, gives the same
 * bytes for the same input, and needs memory in proportion to its input, as each says.
 *
 *     affect_align_lag lag;
 *     affect_align_options options = AFFECT_ALIGN_DEFAULTS;
 *     affect_align_lag_estimate(context, &face, &voice, &options, &lag);
 *     if (lag.p < .05) printf("voice %+.0f ms, sd %.0f\n", lag.lag_s * 1e3, lag.sd_s * 1e3);
 *
 * The sign of a lag: positive means that B comes later than A.
 * `context` carries the error's text and may be NULL. Errors common to all: ARGUMENT (NULL, a size
 * or option out of its range, times that decrease), MEMORY. */
#ifndef AFFECT_ALIGN_H
#define AFFECT_ALIGN_H

#include <stddef.h>
#include <stdint.h>

#include "affect/context.h"
#include "affect/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows with a time, in order of time, at any sampling; NaN is a missing value. */
typedef struct affect_align_series {
    size_t rows, channels; /* channels 1..64 */
    const double *times_s; /* rows, finite, never decreasing */
    const double *values;  /* rows x channels, row-major */
} affect_align_series;

/* ---- lag ------------------------------------------------------------------------------------ */

typedef enum affect_align_measure {
    AFFECT_ALIGN_CORRELATION, /* Pearson's r: both rise together */
    AFFECT_ALIGN_MAGNITUDE,   /* |r|: together or against each other */
    /* Gaussian mutual information of level and slope of every channel (Mariooryad & Busso 2015);
     * taken by itself where a series has several channels */
    AFFECT_ALIGN_INFORMATION
} affect_align_measure;

typedef struct affect_align_options {
    size_t size;      /* of this struct; AFFECT_ALIGN_DEFAULTS sets it */
    double max_lag_s; /* lags in -max..max are tried; > 0 */
    double step_s;    /* of the common grid; 0: that of the denser series, at least 10 ms and
                         at most max_lag_s / 20 */
    double block_s;   /* one value of the lag's path in so much time; 0: max_lag_s, at least .5 s */
    double drift_s;   /* standard deviation of the lag's change over one second; 0 = .06 */
    affect_align_measure measure;
} affect_align_options;

#define AFFECT_ALIGN_DEFAULTS                                                                      \
    { sizeof(affect_align_options), 1.5, 0, 0, 0, AFFECT_ALIGN_CORRELATION }

/* One lag for the whole of the time that both series cover.
 * p is the probability that two unrelated series of the same kind show a peak as high somewhere in
 * the search range. Its null are the correlations at circular shifts of B beyond the range, and at
 * all shifts of B turned round in time; above the highest of them their tail is continued by a
 * generalised Pareto distribution (peaks over threshold). */
typedef struct affect_align_lag {
    double lag_s;       /* parabolic peak */
    double sd_s;        /* spread of the lags that the data leave likely */
    double correlation; /* at the peak, over the overlap (for INFORMATION: sqrt(1 - e^-2I)) */
    double p;           /* 0..1; NaN where the series are too short or constant */
    double width_s;     /* of the peak at half its height */
    double overlap_s;   /* time in which both have values at that lag */
    int at_bound;       /* 1: the peak is the end of the range: look further */
} affect_align_lag;

/* Time O(n log n), memory O(n). A pair without overlap or without variation gives lag NaN and p
 * NaN, not an error. `options` may be NULL. */
AFFECT_API AFFECT_MUST_USE affect_status affect_align_lag_estimate(
    affect_context *context, const affect_align_series *a, const affect_align_series *b,
    const affect_align_options *options, affect_align_lag *out);

/* The lag as it drifts: a hidden Markov chain over the lags, one step a block, Gaussian random walk
 * between blocks, evidence from the products of the two series. */
typedef struct affect_align_step {
    double t0_s, t1_s;  /* the block, in A's time */
    double lag_s;       /* of the most likely path */
    double sd_s;        /* posterior, all paths considered */
    double correlation; /* of the block along the path; NaN without values */
} affect_align_step;

typedef struct affect_align_lags affect_align_lags;
/* Series of several channels are first projected onto their best pair of canonical variates at the
 * best single lag. Time O(n log n + blocks x lags^2), memory O(n + blocks x lags). Errors besides the
 * common ones: LIMIT (over 2^21 grid points: 5.8 hours in steps of 10 ms). */
AFFECT_API AFFECT_MUST_USE affect_status affect_align_lags_estimate(
    affect_context *context, const affect_align_series *a, const affect_align_series *b,
    const affect_align_options *options, affect_align_lags **out);
AFFECT_API void affect_align_lags_destroy(affect_align_lags *lags); /* NULL is fine */
AFFECT_API const affect_align_lag *affect_align_lags_constant(const affect_align_lags *lags);
AFFECT_API size_t affect_align_lags_count(const affect_align_lags *lags);
/* NULL beyond the count. */
AFFECT_API const affect_align_step *affect_align_lags_step(const affect_align_lags *lags,
                                                           size_t index);
/* How likely unrelated series show so much relation at any lag, constant or drifting. A path is worth
 * reading where this is small. */
AFFECT_API double affect_align_lags_p(const affect_align_lags *lags);

/* ---- warping: a is n x channels, b is m x channels, row-major, all finite ------------------- */

/* Pairs (i, j) of a warping path, from (0, 0) to (n - 1, m - 1). */
typedef struct affect_align_pair {
    size_t i, j;
} affect_align_pair;

/* Dynamic time warping (Sakoe & Chiba 1978): the sum of squared distances along the best path of
 * steps (1,0), (0,1), (1,1). `band` 0..1: how far from the diagonal a path may go, as a share of
 * the longer series to each side (0 = no limit). `path` (n + m - 1 pairs, or NULL) and `path_length`
 * get the path; of equal paths the one that is diagonal first. Time O(n band), memory O(band) for
 * the distance, O(band sqrt(n)) for the path. */
AFFECT_API AFFECT_MUST_USE affect_status affect_align_dtw(affect_context *context, const double *a,
                                                          size_t n, const double *b, size_t m,
                                                          size_t channels, double band,
                                                          double *distance, affect_align_pair *path,
                                                          size_t *path_length);

/* Soft-DTW (Cuturi & Blondel 2017), softened by gamma > 0; gradients with respect to a and b into
 * gradient_a and gradient_b (each may be NULL). Memory O(n m). */
AFFECT_API AFFECT_MUST_USE affect_status affect_align_soft_dtw(
    affect_context *context, const double *a, size_t n, const double *b, size_t m, size_t channels,
    double gamma, double *value, double *gradient_a, double *gradient_b);
/* soft(a,b) - soft(a,a)/2 - soft(b,b)/2 (Blondel, Mensch & Vert 2021): 0 for equal series, and not
 * below. */
AFFECT_API AFFECT_MUST_USE affect_status affect_align_soft_dtw_divergence(
    affect_context *context, const double *a, size_t n, const double *b, size_t m, size_t channels,
    double gamma, double *value);

/* DTW barycentre averaging (Petitjean 2011): the mean of `count` series under warping. `series[k]`
 * is lengths[k] x channels. `mean` (length x channels) holds the first guess and gets the result.
 * `weights` may be NULL. Stops when the sum of distances falls by less than 1e-9 of itself, or
 * after `iterations`; that sum goes to *inertia (may be NULL). */
AFFECT_API AFFECT_MUST_USE affect_status
affect_align_barycentre(affect_context *context, const double *const *series, const size_t *lengths,
                        size_t count, size_t channels, const double *weights, double band,
                        int iterations, double *mean, size_t length, double *inertia);

/* Canonical time warping (Zhou & De la Torre 2009): alternates canonical correlation and DTW, so
 * that series of different channels can be warped. `regularise` 0..1 shrinks the covariances.
 * `projection_a` (channels_a x dims) and `projection_b` get the canonical directions, the path as
 * above. dims 1..min(channels). *correlation: the mean canonical correlation along the path. */
AFFECT_API AFFECT_MUST_USE affect_status affect_align_ctw(
    affect_context *context, const double *a, size_t n, size_t channels_a, const double *b,
    size_t m, size_t channels_b, size_t dims, double band, double regularise, double *projection_a,
    double *projection_b, affect_align_pair *path, size_t *path_length, double *correlation);

/* ---- matching of events --------------------------------------------------------------------- */

typedef struct affect_align_event {
    double time_s;           /* the apex */
    double sd_s;             /* its own uncertainty; 0 = exact */
    double strength;         /* > 0: its mass; 0 takes no part */
    double valence, arousal; /* -1..1; NaN = says nothing about it */
} affect_align_event;

typedef struct affect_align_match_options {
    size_t size;            /* AFFECT_ALIGN_MATCH_DEFAULTS sets it */
    double lag_s, lag_sd_s; /* what is believed of B's lag; lag_sd_s > 0 */
    double unmatched;       /* cost of leaving an event without a partner (a squared z-score) */
    double incongruity;     /* cost of a difference of 1 in valence or arousal */
    double entropy;         /* > 0: softness of the plan */
    int refine;             /* 1: the matched pairs correct lag_s and lag_sd_s, until they stand */
} affect_align_match_options;

#define AFFECT_ALIGN_MATCH_DEFAULTS                                                                \
    { sizeof(affect_align_match_options), 0, .25, 9, 2, .25, 1 }

typedef struct affect_align_match {
    size_t a, b;
    double lag_s; /* time of b minus time of a */
    double score; /* 0..1: share of the pair's mass that the plan moves between them */
} affect_align_match;

/* Partial optimal transport with a place for the unmatched (entropic, Sinkhorn iterations in the
 * log domain; Cuturi 2013) at cost ((tb - ta - lag) / sd)^2 + incongruity. A pair is a match where
 * each is the other's best partner and more of both goes there than to the unmatched. `matches`
 * has room for min(n, m), ordered by a; `lag` (may be NULL) gets the matched pairs' lag: lag_s,
 * sd_s (of the mean), and correlation = matched share; its other fields are NaN. Events may be in
 * any order; pairs further apart than max(1 s, 6 sd) from the lag are never matched. Time O(pairs
 * within that reach), memory the same. */
AFFECT_API AFFECT_MUST_USE affect_status affect_align_match_events(
    affect_context *context, const affect_align_event *a, size_t n, const affect_align_event *b,
    size_t m, const affect_align_match_options *options, affect_align_match *matches, size_t *count,
    affect_align_lag *lag);

/* The lag between two sequences of events: their strengths, spread by `smooth_s` (and each event's
 * own sd_s), correlated as series; then matching around that peak refines it. t0_s..t1_s is the
 * time that was watched. */
AFFECT_API AFFECT_MUST_USE affect_status
affect_align_event_lag(affect_context *context, const affect_align_event *a, size_t n,
                       const affect_align_event *b, size_t m, double t0_s, double t1_s,
                       double smooth_s, const affect_align_options *options, affect_align_lag *out);

#ifdef __cplusplus
}
#endif
#endif
