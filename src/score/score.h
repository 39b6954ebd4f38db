/* score: the field's metrics. In: gold and predictions as plain arrays. Out: numbers, always with
 * the count of what was skipped. Definitions follow the code that the papers used, quirks as named
 * options; each function names its source. Nothing here allocates more than it says; sums are in
 * double precision.
 *
 * Missing values: a class label < 0 and a NaN are missing; an item with a missing gold or
 * prediction is skipped and counted. A metric that is not defined (one class, constant input,
 * nothing left) is NaN. */
#ifndef SCORE_H
#define SCORE_H

#include "base/base.h"

/* ---- classes (classify.c) ----------------------------------------------------------------------
 */

/* Counts of gold x predicted class, row-major classes x classes. */
typedef struct score_confusion {
    size_t classes;
    int64_t *counts; /* counts[gold * classes + predicted] */
    int64_t items, skipped;
} score_confusion;

/* Zeroed matrix; free with score_confusion_clear. Errors: MEMORY. */
AFFECT_MUST_USE affect_status score_confusion_init(affect_context *ctx, size_t classes,
                                                   score_confusion *out);
void score_confusion_clear(score_confusion *confusion);
/* Adds n items; call again to pool folds (UF1, UAR of MEGC are pooled, not averaged). A label >=
 * classes is ERROR_ARGUMENT. */
AFFECT_MUST_USE affect_status score_confusion_add(affect_context *ctx, score_confusion *confusion,
                                                  const int32_t *gold, const int32_t *predicted,
                                                  size_t n);

typedef struct score_class {
    double precision, recall, f1; /* 0 where scikit-learn's zero_division=0 says so */
    int64_t support;              /* gold items */
    int64_t predicted;
} score_class;

/* Over which classes the unweighted means run. */
typedef enum score_average {
    SCORE_CLASSES_UNION, /* classes that occur in gold or predictions: scikit-learn's default */
    SCORE_CLASSES_GOLD,  /* classes that occur in gold: balanced accuracy, "UA" of speech emotion */
    SCORE_CLASSES_ALL    /* every class of the label set, seen or not */
} score_average;

typedef struct score_classes {
    double accuracy;                                /* WA = WAR = accuracy */
    double uar;                                     /* UA = UAR: mean recall over gold classes */
    double macro_precision, macro_recall, macro_f1; /* over `average` */
    double weighted_precision, weighted_recall, weighted_f1; /* WAF: weighted by gold support */
    double micro_f1;
    double uf1; /* mean over gold-or-predicted classes of 2TP/(2TP+FP+FN) on pooled counts */
    double cohen_kappa;
    double majority_accuracy, majority_weighted_f1, majority_uar, majority_macro_f1;
    int32_t majority_class;
    int64_t items, skipped;
} score_classes;

/* `per_class` (classes entries) may be NULL. */
void score_classes_from(const score_confusion *confusion, score_average average, score_classes *out,
                        score_class *per_class);

typedef enum score_weighting { SCORE_UNWEIGHTED, SCORE_LINEAR, SCORE_QUADRATIC } score_weighting;
double score_cohen_kappa(const score_confusion *confusion, score_weighting weighting);

/* ---- several labels an item (multilabel.c) -----------------------------------------------------
 */

typedef struct score_multilabel {
    double micro_precision, micro_recall, micro_f1;
    double macro_precision, macro_recall, macro_f1; /* over all labels, zero where undefined */
    double weighted_f1, samples_f1, subset_accuracy, hamming_loss;
    int64_t items, skipped;
} score_multilabel;

/* gold and predicted: n x labels of 0/1. `per_label` (labels entries) may be NULL. */
AFFECT_MUST_USE affect_status score_multilabel_from(affect_context *ctx, const uint8_t *gold,
                                                    const uint8_t *predicted, size_t n,
                                                    size_t labels, score_multilabel *out,
                                                    score_class *per_label);
/* Threshold rules for probabilities (n x labels): above `threshold[label]` (or threshold[0] for all
 * when `single`), and, with `at_least_one`, the best label where none is above. */
void score_apply_threshold(const float *probability, size_t n, size_t labels,
                           const float *threshold, bool single, bool at_least_one, uint8_t *out);
void score_apply_top_k(const float *probability, size_t n, size_t labels, size_t k, uint8_t *out);

/* ---- numbers (regress.c) -----------------------------------------------------------------------
 */

typedef enum score_variance { SCORE_POPULATION, SCORE_SAMPLE } score_variance;

typedef struct score_regression {
    double mae, rmse, pearson, spearman, ccc;
    double mean_gold, mean_predicted, sd_gold, sd_predicted; /* population */
    int64_t items, skipped;
} score_regression;

AFFECT_MUST_USE affect_status score_regression_from(affect_context *ctx, const double *gold,
                                                    const double *predicted, size_t n,
                                                    score_variance variance, score_regression *out);
/* Lin's concordance correlation: 2 cov / (var + var + (difference of means)^2). NaN when both are
 * constant and equal is 0/0; a constant prediction gives 0. */
double score_ccc(const double *gold, const double *predicted, size_t n, score_variance variance);
double score_pearson(const double *gold, const double *predicted, size_t n);
/* Per clip: clip[i] in [0, clips). mean of the clips' CCC, clips without a defined one are skipped.
 */
AFFECT_MUST_USE affect_status score_ccc_by_clip(affect_context *ctx, const double *gold,
                                                const double *predicted, const int32_t *clip,
                                                size_t n, size_t clips, score_variance variance,
                                                double *mean, double *per_clip, int64_t *undefined);

/* MOSI, MOSEI and SIMS (MMSA's metricsTop.py; RESEARCH 3.3). Values that do not exist for the set
 * are NaN. Rounding is half to even, as numpy's. */
typedef enum score_sentiment_set { SCORE_MOSI, SCORE_SIMS } score_sentiment_set;
typedef struct score_sentiment {
    double acc2_has0, f1_has0; /* MOSI: y >= 0; SIMS: 0 is negative (only this pair exists) */
    double acc2_non0, f1_non0; /* MOSI: items with y = 0 dropped */
    double acc3, acc5, acc7, mae, corr;
    double majority_acc2_has0, majority_f1_has0, majority_acc2_non0, majority_f1_non0;
    int64_t items, skipped, zeros;
} score_sentiment;
AFFECT_MUST_USE affect_status score_sentiment_from(affect_context *ctx, const double *gold,
                                                   const double *predicted, size_t n,
                                                   score_sentiment_set set, score_sentiment *out);
/* The classification form of the MMSA tables for three classes 0 negative, 1 neutral, 2 positive.
 * Has-0 puts neutral with negative; `table_bug` compares an argmax over two columns (0/1) with
 * truths left at 0/2, as the printed "Non0" columns did: no positive item can match. */
typedef struct score_sentiment_classes {
    double acc2_has0, f1_has0, acc2_non0, f1_non0, acc3, f1_3;
    int64_t items, skipped;
} score_sentiment_classes;
AFFECT_MUST_USE affect_status score_sentiment_classes_from(affect_context *ctx, const int32_t *gold,
                                                           const double *scores /* n x 3 */,
                                                           size_t n, bool table_bug,
                                                           score_sentiment_classes *out);

/* ---- agreement (agree.c): ratings are raters x units, row-major, NaN = missing
 * ------------------- */

typedef enum score_level { SCORE_NOMINAL, SCORE_ORDINAL, SCORE_INTERVAL } score_level;

/* Krippendorff's alpha. O(raters x units log). Errors: MEMORY. */
AFFECT_MUST_USE affect_status score_krippendorff(affect_context *ctx, const double *ratings,
                                                 size_t raters, size_t units, score_level level,
                                                 double *alpha);
/* Shrout & Fleiss two-way random effects: single rater and mean of raters. Units with a missing
 * rating are dropped and counted. */
void score_icc2(const double *ratings, size_t raters, size_t units, double *icc21, double *icc2k,
                int64_t *dropped);
/* counts: items x classes, how many raters chose each; every item the same number of raters (else
 * NaN). */
double score_fleiss_kappa(const int32_t *counts, size_t items, size_t classes);
/* Mean CCC over all pairs of raters on the units both rated. */
double score_pairwise_ccc(const double *ratings, size_t raters, size_t units,
                          score_variance variance);

/* ---- calibration (calibrate.c): probabilities are n x classes, rows sum to one
 * ------------------- */

typedef struct score_bin {
    double confidence, accuracy; /* means inside the bin */
    int64_t items;
} score_bin;
typedef struct score_calibration {
    double ece, mce, nll, brier;
    int64_t items, skipped;
} score_calibration;
/* Expected calibration error over `bins` equal-width bins of the top probability ((lo, hi], Guo et
 * al. 2017), negative log likelihood (probabilities clipped at 1e-15 like scikit-learn's log_loss
 * for doubles), Brier (sum over classes). `bin` has `bins` entries and may be NULL. */
void score_calibration_from(const double *probability, const int32_t *gold, size_t n,
                            size_t classes, size_t bins, score_calibration *out, score_bin *bin);
/* NLL of soft targets (n x classes, rows sum to one). */
double score_soft_nll(const double *probability, const double *target, size_t n, size_t classes);
/* Share of gold values inside mean +- z * sd. */
double score_coverage(const double *gold, const double *mean, const double *sd, size_t n, double z,
                      int64_t *skipped);

/* ---- time (dynamics.c, segments.c)
 * ---------------------------------------------------------------- */

/* CCC of first differences. */
double score_derivative_ccc(const double *gold, const double *predicted, size_t n,
                            score_variance variance);
typedef struct score_f1 {
    double precision, recall, f1;
    int64_t matched, gold, predicted;
} score_f1;
/* Turning points: extremes from which the trace moves away by at least `prominence` on both sides.
 * Times in samples. Points match one to one, same direction, within `tolerance` samples.
 * `onset_error` is the mean absolute difference of matched points, in samples (NaN if none). */
AFFECT_MUST_USE affect_status score_turning_points(affect_context *ctx, const double *gold,
                                                   const double *predicted, size_t n,
                                                   double prominence, double tolerance,
                                                   score_f1 *out, double *onset_error);
/* The shift of `predicted` against `gold` (in samples, positive = late) with the highest
 * correlation over the overlap, |shift| <= max_shift; parabolic peak. `on_bound` tells that the
 * peak touches the bound. */
double score_residual_lag(const double *gold, const double *predicted, size_t n, size_t max_shift,
                          double *correlation, bool *on_bound);
/* counts[a * classes + b]: label a followed by b inside one sequence. */
void score_transitions(const int32_t *labels, const int32_t *sequence, size_t n, size_t classes,
                       int64_t *counts);

typedef struct score_segment {
    double t0, t1; /* seconds */
    int32_t label;
    int32_t clip; /* segments of different clips never overlap */
} score_segment;
/* Emotion diarization error rate (Wang et al. 2023; SpeechBrain utils/EDER.py): one minus the time
 * on which both say the same label, over the total duration of the clips. Segments of a clip must
 * not overlap. */
AFFECT_MUST_USE affect_status score_eder(affect_context *ctx, const score_segment *gold,
                                         size_t gold_count, const score_segment *predicted,
                                         size_t predicted_count, const double *clip_duration,
                                         size_t clips, double *out);
/* Spotting (MEGC): a predicted interval is right when its IoU with a gold interval of the clip is
 * at least `iou`, one to one (the pairing with most matches). `labels_right` counts matched pairs
 * with equal labels, for the analysis F1; STRS = spotting F1 x analysis F1. */
typedef struct score_spotting {
    score_f1 spot;
    double analysis_f1, strs; /* analysis: macro F1 of the labels of matched pairs (UF1) */
    int64_t labels_right;
} score_spotting;
AFFECT_MUST_USE affect_status score_spotting_from(affect_context *ctx, const score_segment *gold,
                                                  size_t gold_count, const score_segment *predicted,
                                                  size_t predicted_count, double iou,
                                                  size_t classes, score_spotting *out);
/* Emotion-cause pairs: (clip, emotion utterance, cause utterance, emotion). Exact match. `weighted`
 * is the SemEval-2024 task 3 mean over emotions by gold frequency, neutral left out. */
typedef struct score_pair {
    int32_t clip, emotion_utterance, cause_utterance, emotion;
} score_pair;
AFFECT_MUST_USE affect_status score_cause_pairs(affect_context *ctx, const score_pair *gold,
                                                size_t gold_count, const score_pair *predicted,
                                                size_t predicted_count, size_t emotions,
                                                int32_t neutral, score_f1 *overall,
                                                double *weighted);

/* ---- bootstrap (bootstrap.c)
 * ----------------------------------------------------------------------- */

/* Computes `values` metrics over the items in `index` (repeats allowed). Returns false where
 * undefined. */
typedef bool (*score_metric)(void *user, const uint32_t *index, size_t n, double *out);
typedef struct score_interval {
    double low, high;
} score_interval;
/* Percentile bootstrap: resamples units (clips, speakers; unit[i] in [0, units)) with replacement
 * `rounds` times. `seed` makes it repeatable. out has `values` entries; NaN where fewer than 10
 * rounds were defined. */
AFFECT_MUST_USE affect_status score_bootstrap(affect_context *ctx, const int32_t *unit, size_t n,
                                              size_t units, size_t rounds, uint64_t seed,
                                              double level, score_metric metric, void *user,
                                              size_t values, score_interval *out);

#endif
