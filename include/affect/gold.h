/* One gold standard from the traces of several people who watched the same recording, with a band that says how sure
 * it is, and with what each of them was like: how late, how strong, how reliable. And how well they agree, before and
 * after their lags are taken off.
 *
 *     affect_gold_options options = AFFECT_GOLD_DEFAULTS;
 *     affect_gold *gold;
 *     affect_gold_make(context, traces, 10, &options, &gold);
 *     for (size_t i = 0; i < affect_gold_count(gold); i++)
 *         printf("%g,%g,%g\n", affect_gold_time(gold, i), affect_gold_value(gold, i), affect_gold_sd(gold, i));
 *     affect_gold_destroy(gold);
 *
 * `context` carries the error's text and may be NULL. Errors common to all: ARGUMENT, MEMORY, LIMIT (more than 256
 * raters, or 2^21 points of time). Same input, same bytes. docs/gold.md has the methods and their references. */
#ifndef AFFECT_GOLD_H
#define AFFECT_GOLD_H

#include <stddef.h>

#include "affect/context.h"
#include "affect/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum affect_gold_method {
    AFFECT_GOLD_LATENT, /* one hidden value, raters as streams with lag, gain, noise and lasting error (docs/latent.md) */
    AFFECT_GOLD_MEAN,
    AFFECT_GOLD_MEDIAN,
    AFFECT_GOLD_EWE, /* evaluator weighted estimator: weights are correlations with the mean of the others */
    AFFECT_GOLD_DBA, /* barycentre under dynamic time warping (Petitjean 2011) */
    AFFECT_GOLD_MI_LAG, /* each trace earlier by the lag at which it tells most of the features (Mariooryad & Busso 2015);
                           wants features */
    AFFECT_GOLD_CTW, /* each trace warped onto the mean of all (canonical time warping), then the mean */
    AFFECT_GOLD_RAAW /* the same, weighted as EWE (Stappen et al. 2021) */
} affect_gold_method;

/* A trace of a rater, or a feature of what they watched: values at times that never decrease, NaN = missing. */
typedef struct affect_gold_trace {
    const char *name; /* for messages and results; NULL = its number from 1 */
    size_t rows;
    const double *times_s, *values;
} affect_gold_trace;

/* "Is A or B more like the reference?", each a stretch of the recording in seconds. */
typedef struct affect_gold_comparison {
    double reference[2], a[2], b[2]; /* begin and end, begin < end */
    int closer;                      /* 0 = A, 1 = B */
} affect_gold_comparison;

/* What a reaction task said of a rater: how late he follows what he sees, and how far that varies. */
typedef struct affect_gold_reaction {
    const char *rater; /* a trace's name */
    double lag_s, sd_s;
} affect_gold_reaction;

typedef struct affect_gold_options {
    size_t size; /* of this struct; AFFECT_GOLD_DEFAULTS sets it */
    affect_gold_method method;
    double step_s;    /* of the result; 0: the median step of the traces, .01 or more */
    double max_lag_s; /* no rater is later than that; > 0 */
    double
        common_lag_s; /* how late the raters are on average, where no feature tells; NAN: from how far they lie apart
                            (docs/gold.md) */
    size_t
        feature_count; /* of what was watched; all are used to find the lags; LATENT takes the first as one
                             stream more
                             where feature_stream is set */
    const affect_gold_trace *features;
    int feature_stream;
    size_t comparison_count; /* bend the result to their order, any method */
    const affect_gold_comparison *comparisons;
    size_t
        reaction_count; /* each is the prior of that rater's lag; their mean is common_lag_s where that is NAN */
    const affect_gold_reaction *reactions;
} affect_gold_options;

#define AFFECT_GOLD_DEFAULTS                                                                       \
    { sizeof(affect_gold_options), AFFECT_GOLD_LATENT, 0, 6, NAN, 0, NULL, 1, 0, NULL, 0, NULL }

typedef struct affect_gold_rater {
    const char *name;
    double lag_s, lag_sd_s; /* NaN where the method finds none */
    double gain, offset;    /* trace = offset + gain x gold, by regression at that lag */
    double noise_sd;        /* of trace - offset - gain x gold, in the trace's units */
    double lasting_s;       /* how long an error lasts (LATENT); else NaN */
    double weight;      /* share of this trace in the result, sums to 1; NaN for MEDIAN and DBA */
    double reliability; /* correlation with the gold standard of the others */
    double covered;     /* 0..1: share of the time for which the trace has values */
} affect_gold_rater;

typedef struct affect_gold affect_gold;
AFFECT_API AFFECT_MUST_USE affect_status affect_gold_make(affect_context *context,
                                                          const affect_gold_trace *traces,
                                                          size_t count,
                                                          const affect_gold_options *options,
                                                          affect_gold **out);
AFFECT_API void affect_gold_destroy(affect_gold *gold); /* NULL is fine */
AFFECT_API size_t affect_gold_count(const affect_gold *gold);
/* NaN beyond the count. */
AFFECT_API double affect_gold_time(const affect_gold *gold, size_t index);
AFFECT_API double affect_gold_value(const affect_gold *gold,
                                    size_t index); /* in the raters' units */
/* The band of 95 % is value +- 1.96 sd: how far the raters' consensus is known. An error that all of them share (all
 * overshoot) is not in it, for nothing in their traces tells. */
AFFECT_API double affect_gold_sd(const affect_gold *gold, size_t index);
AFFECT_API size_t affect_gold_rater_count(const affect_gold *gold);
/* NULL beyond the count. */
AFFECT_API const affect_gold_rater *affect_gold_rater_at(const affect_gold *gold, size_t index);

/* Agreement on the grid of the result, before and after the lags of LATENT's search are taken off: mean CCC of all pairs
 * of raters, Krippendorff's alpha (interval), ICC(2,1) and ICC(2,k). */
typedef struct affect_gold_agreement {
    double pairwise_ccc, alpha, icc21, icc2k;
} affect_gold_agreement;
AFFECT_API AFFECT_MUST_USE affect_status
affect_gold_agree(affect_context *context, const affect_gold_trace *traces, size_t count,
                  const affect_gold_options *options, affect_gold_agreement *before,
                  affect_gold_agreement *after, double *lags_s /* count of them, or NULL */);

#ifdef __cplusplus
}
#endif
#endif
