/* The field's metrics. In: gold and predictions as plain arrays of the caller. Out: numbers, always
 * with the count of what was skipped. Definitions follow the code that the papers used, quirks as
 * named options; each function names its source. Sums are in double precision. Every function may
 * be called from several threads at once.
 *
 *     double gold[] = {0.1, 0.4, -0.2}, predicted[] = {0.2, 0.3, -0.1};
 *     double ccc = affect_score_ccc(gold, predicted, 3, AFFECT_SCORE_POPULATION);
 *
 * Missing values: a class label < 0 and a NaN are missing; an item with a missing gold or
 * prediction is skipped and counted. A metric that is not defined (one class, constant input,
 * nothing left) is NaN. Arrays of n x m are row-major: item i's values stand at [i * m].
 *
 * Functions that return an affect_status can run out of memory (ERROR_MEMORY); what else they
 * refuse stands beside them. `context` carries the error's text and may be NULL. Another pointer that is
 * NULL where nothing says that it may be is ERROR_ARGUMENT, or NaN or false, or nothing is done;
 * arrays may be NULL if they have no entries. */
#ifndef AFFECT_SCORE_H
#define AFFECT_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "affect/context.h"
#include "affect/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- one class an item ---------------------------------------------------------------------- */

/* Counts of gold x predicted class: counts[gold * classes + predicted]. */
typedef struct affect_score_confusion {
    size_t classes;
    int64_t *counts;
    int64_t items, skipped;
} affect_score_confusion;

/* A zeroed matrix of 1 to 65536 classes (else ERROR_LIMIT); the caller clears it. */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_confusion_init(affect_context *context,
                                                                     size_t classes,
                                                                     affect_score_confusion *out);
AFFECT_API void
affect_score_confusion_clear(affect_score_confusion *confusion); /* zeroed is fine */
/* Adds n items; call again to pool folds (UF1 and UAR of MEGC are pooled, not averaged). A label >=
 * classes is ERROR_ARGUMENT. */
AFFECT_API AFFECT_MUST_USE affect_status
affect_score_confusion_add(affect_context *context, affect_score_confusion *confusion,
                           const int32_t *gold, const int32_t *predicted, size_t n);

/* Of one class or label; 0 where scikit-learn's zero_division=0 says so. */
typedef struct affect_score_class {
    double precision, recall, f1; /* 0..1 */
    int64_t support;              /* gold items */
    int64_t predicted;
} affect_score_class;

/* Over which classes the unweighted means run. */
typedef enum affect_score_average {
    AFFECT_SCORE_CLASSES_UNION, /* that occur in gold or predictions: scikit-learn's default */
    AFFECT_SCORE_CLASSES_GOLD,  /* that occur in gold: balanced accuracy, "UA" of speech emotion */
    AFFECT_SCORE_CLASSES_ALL    /* every class of the label set, seen or not */
} affect_score_average;

/* All 0..1 but kappa (-1..1). Equal to scikit-learn 1.2 with zero_division=0. */
typedef struct affect_score_classes {
    double accuracy;                                /* = WA = WAR */
    double uar;                                     /* = UA: mean recall over gold classes */
    double macro_precision, macro_recall, macro_f1; /* over `average` */
    double weighted_precision, weighted_recall, weighted_f1; /* WAF: weighted by gold support */
    double micro_f1;
    double uf1; /* mean over gold-or-predicted classes of 2TP/(2TP+FP+FN) on pooled counts (MEGC) */
    double cohen_kappa;
    /* What always saying the most frequent gold class scores. */
    double majority_accuracy, majority_weighted_f1, majority_uar, majority_macro_f1;
    int32_t majority_class; /* -1 without items */
    int64_t items, skipped;
} affect_score_classes;

/* `per_class` (classes entries) may be NULL. */
AFFECT_API void affect_score_classes_from(const affect_score_confusion *confusion,
                                          affect_score_average average, affect_score_classes *out,
                                          affect_score_class *per_class);

typedef enum affect_score_weighting {
    AFFECT_SCORE_UNWEIGHTED,
    AFFECT_SCORE_LINEAR,
    AFFECT_SCORE_QUADRATIC
} affect_score_weighting;
/* Cohen 1960, weighted 1968. NaN where chance agreement is certain. */
AFFECT_API double affect_score_cohen_kappa(const affect_score_confusion *confusion,
                                           affect_score_weighting weighting);

/* ---- several labels an item ----------------------------------------------------------------- */

typedef struct affect_score_multilabel {
    double micro_precision, micro_recall, micro_f1;
    double macro_precision, macro_recall, macro_f1; /* over all labels, zero where undefined */
    double weighted_f1, samples_f1, subset_accuracy, hamming_loss;
    int64_t items, skipped;
} affect_score_multilabel;

/* gold and predicted: n x labels of 0/1. `per_label` (labels entries) may be NULL. */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_multilabel_from(
    affect_context *context, const uint8_t *gold, const uint8_t *predicted, size_t n, size_t labels,
    affect_score_multilabel *out, affect_score_class *per_label);

/* Threshold rules for probabilities (n x labels): out is 1 above threshold[label] (or threshold[0]
 * for all when `single`); with `at_least_one` the best label counts where none is above. A NaN is
 * above nothing. */
AFFECT_API void affect_score_apply_threshold(const double *probability, size_t n, size_t labels,
                                             const double *threshold, bool single,
                                             bool at_least_one, uint8_t *out);
/* The k best labels of each item, the first of equals. */
AFFECT_API void affect_score_apply_top_k(const double *probability, size_t n, size_t labels,
                                         size_t k, uint8_t *out);
/* The thresholds with the best F1 on a development set: one a label, or with `single` one for all
 * (threshold[0]) by micro F1. Candidates lie midway between neighbouring probabilities; of equals
 * the highest wins. A label that no item has gets 1, so that nothing is above. */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_tune_threshold(affect_context *context,
                                                                     const double *probability,
                                                                     const uint8_t *gold, size_t n,
                                                                     size_t labels, bool single,
                                                                     double *threshold);

/* ---- votes (FER+) --------------------------------------------------------------------------- */

/* What ten raters' votes become (Barsoum et al. 2016 and their code). All drop single votes first.
 */
typedef enum affect_score_votes {
    AFFECT_SCORE_MAJORITY,    /* one class with more than half of the votes */
    AFFECT_SCORE_PROBABILITY, /* the shares of the (at most three) classes that make up 75 % */
    AFFECT_SCORE_MULTI_TARGET /* every class with 30 % or more */
} affect_score_votes;
/* votes: classes emotions, then unknown, then not-a-face (classes + 2 counts). target (classes
 * entries) gets shares that sum to one, and *label the largest, the first of equals. False, with
 * label -1, where the convention throws the item away; *not_a_face (may be NULL) tells the two
 * reasons apart. */
AFFECT_API bool affect_score_votes_target(const double *votes, size_t classes,
                                          affect_score_votes convention, double *target,
                                          int32_t *label, bool *not_a_face);

/* ---- numbers -------------------------------------------------------------------------------- */

typedef enum affect_score_variance {
    AFFECT_SCORE_POPULATION,
    AFFECT_SCORE_SAMPLE
} affect_score_variance;

typedef struct affect_score_regression {
    double mae, rmse, pearson, spearman, ccc;
    double mean_gold, mean_predicted, sd_gold, sd_predicted; /* population */
    int64_t items, skipped;
} affect_score_regression;

/* n < 2^31 (else ERROR_LIMIT). `variance` is of the CCC. */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_regression_from(
    affect_context *context, const double *gold, const double *predicted, size_t n,
    affect_score_variance variance, affect_score_regression *out);
/* Lin's (1989) concordance correlation: 2 cov / (var + var + (difference of means)^2). NaN when
 * both are constant and equal (0/0); a constant prediction gives 0. */
AFFECT_API double affect_score_ccc(const double *gold, const double *predicted, size_t n,
                                   affect_score_variance variance);
AFFECT_API double affect_score_pearson(const double *gold, const double *predicted, size_t n);
/* The mean of the clips' CCC; clip[i] in [0, clips), else ERROR_ARGUMENT. Clips without a defined
 * one are left out and counted in *undefined. per_clip (clips entries) and undefined may be NULL.
 */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_ccc_by_clip(
    affect_context *context, const double *gold, const double *predicted, const int32_t *clip,
    size_t n, size_t clips, affect_score_variance variance, double *mean, double *per_clip,
    int64_t *undefined);

/* MOSI, MOSEI (-3..3) and SIMS (-1..1) as MMSA's tables compute them (Mao et al. 2022). Rounding is
 * half to even. Values that do not exist for the set are NaN. */
typedef enum affect_score_sentiment_set {
    AFFECT_SCORE_MOSI,
    AFFECT_SCORE_SIMS
} affect_score_sentiment_set;
typedef struct affect_score_sentiment {
    double acc2_has0, f1_has0; /* MOSI: y >= 0; SIMS: 0 is negative (only this pair exists) */
    double acc2_non0, f1_non0; /* MOSI: items with y = 0 dropped */
    double acc3, acc5, acc7, mae, corr;
    double majority_acc2_has0, majority_f1_has0, majority_acc2_non0, majority_f1_non0;
    int64_t items, skipped, zeros; /* zeros: gold exactly 0 */
} affect_score_sentiment;
AFFECT_API AFFECT_MUST_USE affect_status
affect_score_sentiment_from(affect_context *context, const double *gold, const double *predicted,
                            size_t n, affect_score_sentiment_set set, affect_score_sentiment *out);
/* The classification form of the MMSA tables for three classes 0 negative, 1 neutral, 2 positive
 * (others are ERROR_ARGUMENT); scores is n x 3. Has-0 puts neutral with negative. `table_bug`
 * compares an argmax over two columns (0/1) with truths left at 0/2, as the printed "Non0" columns
 * did: no positive item can match. */
typedef struct affect_score_sentiment_classes {
    double acc2_has0, f1_has0, acc2_non0, f1_non0, acc3, f1_3;
    int64_t items, skipped;
} affect_score_sentiment_classes;
AFFECT_API AFFECT_MUST_USE affect_status affect_score_sentiment_classes_from(
    affect_context *context, const int32_t *gold, const double *scores, size_t n, bool table_bug,
    affect_score_sentiment_classes *out);

/* ---- agreement: ratings are raters x units, NaN = missing ----------------------------------- */

typedef enum affect_score_level {
    AFFECT_SCORE_NOMINAL,
    AFFECT_SCORE_ORDINAL,
    AFFECT_SCORE_INTERVAL
} affect_score_level;

/* Krippendorff's (2004) alpha over units with two or more ratings, in O(raters x units log). */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_krippendorff(affect_context *context,
                                                                   const double *ratings,
                                                                   size_t raters, size_t units,
                                                                   affect_score_level level,
                                                                   double *alpha);
/* Shrout & Fleiss (1979), two-way random effects: a single rater and the mean of raters. Units with
 * a missing rating are dropped and counted (dropped may be NULL). */
AFFECT_API void affect_score_icc2(const double *ratings, size_t raters, size_t units, double *icc21,
                                  double *icc2k, int64_t *dropped);
/* Fleiss 1971. counts: items x classes, how many raters chose each; every item the same number of
 * raters, two or more (else NaN). */
AFFECT_API double affect_score_fleiss_kappa(const int32_t *counts, size_t items, size_t classes);
/* Mean CCC over all pairs of raters, each on the units both rated. pairs (raters x raters, the
 * diagonal 1) may be NULL. */
AFFECT_API double affect_score_pairwise_ccc(const double *ratings, size_t raters, size_t units,
                                            affect_score_variance variance, double *pairs);

/* ---- calibration ---------------------------------------------------------------------------- */

typedef struct affect_score_bin {
    double confidence, accuracy; /* means inside the bin */
    int64_t items;
} affect_score_bin;
typedef struct affect_score_calibration {
    double ece, mce, nll, brier;
    int64_t items, skipped;
} affect_score_calibration;
/* probability: n x classes, rows sum to one. Expected and maximal calibration error over `bins` (1
 * to 1000) equal-width bins of the top probability, each (lo, hi] (Guo et al. 2017); negative log
 * likelihood (probabilities clipped at 1e-15 as scikit-learn's log_loss); Brier score summed over
 * classes. `bin` has `bins` entries and may be NULL. */
AFFECT_API void affect_score_calibration_from(const double *probability, const int32_t *gold,
                                              size_t n, size_t classes, size_t bins,
                                              affect_score_calibration *out, affect_score_bin *bin);
/* Mean cross entropy of probability to the shares in target (both n x classes). */
AFFECT_API double affect_score_soft_nll(const double *probability, const double *target, size_t n,
                                        size_t classes);
/* Share of gold values inside mean +- z sd. skipped may be NULL. */
AFFECT_API double affect_score_coverage(const double *gold, const double *mean, const double *sd,
                                        size_t n, double z, int64_t *skipped);

/* ---- time ----------------------------------------------------------------------------------- */

/* CCC of first differences; a difference with a NaN is left out, so a NaN between two clips keeps
 * them apart. */
AFFECT_API double affect_score_derivative_ccc(const double *gold, const double *predicted, size_t n,
                                              affect_score_variance variance);

/* F1 of two sets of points or intervals; f1 is NaN when both are empty. */
typedef struct affect_score_f1 {
    double precision, recall, f1;
    int64_t matched, gold, predicted;
} affect_score_f1;
/* Turning points: extremes from which the trace moves away by at least `prominence` (in units of
 * the trace) on both sides. Points match one to one, peaks with peaks, within `tolerance` samples.
 * onset_error is the mean absolute distance of matched points in samples (NaN if none). */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_turning_points(
    affect_context *context, const double *gold, const double *predicted, size_t n,
    double prominence, double tolerance, affect_score_f1 *out, double *onset_error);
/* The same for labels: the samples at which the label changes, matched when they change to the same
 * label. A missing label (< 0) keeps the one before it. n < 2^32 (else ERROR_LIMIT). */
AFFECT_API AFFECT_MUST_USE affect_status
affect_score_label_changes(affect_context *context, const int32_t *gold, const int32_t *predicted,
                           size_t n, double tolerance, affect_score_f1 *out, double *onset_error);
/* The shift of `predicted` against `gold` (in samples, positive = late) with the highest
 * correlation over the overlap, |shift| <= max_shift, with a parabola through the peak. `on_bound`
 * tells that the peak touches the bound. NaN where no shift has a defined correlation. */
AFFECT_API double affect_score_residual_lag(const double *gold, const double *predicted, size_t n,
                                            size_t max_shift, double *correlation, bool *on_bound);
/* counts[a * classes + b]: label a followed by b inside one sequence (sequence may be NULL). */
AFFECT_API void affect_score_transitions(const int32_t *labels, const int32_t *sequence, size_t n,
                                         size_t classes, int64_t *counts);
/* How far predicted transition counts are from gold's: half the sum of absolute differences of the
 * rows' probabilities, averaged over rows by gold's counts. 0 = alike, 1 = nothing in common; a row
 * that the predictions never enter counts 1. NaN without a gold transition. */
AFFECT_API double affect_score_transition_distance(const int64_t *gold, const int64_t *predicted,
                                                   size_t classes);

typedef struct affect_score_segment {
    double t0, t1; /* seconds, t0 <= t1 (else ERROR_ARGUMENT); quickest in order of clip and t0 */
    int32_t label;
    int32_t clip; /* segments of different clips never overlap */
} affect_score_segment;
/* Emotion diarization error rate (Wang et al. 2023, ZED): one minus the time on which both say the
 * same label, over the total duration of the clips (clip_duration: clips entries, seconds).
 * Segments of a clip must not overlap (else ERROR_ARGUMENT). */
AFFECT_API AFFECT_MUST_USE affect_status
affect_score_eder(affect_context *context, const affect_score_segment *gold, size_t gold_count,
                  const affect_score_segment *predicted, size_t predicted_count,
                  const double *clip_duration, size_t clips, double *out);

/* Spotting (MEGC): a predicted interval is right when its IoU with a gold interval of the clip is
 * at least `iou`, one to one (the pairing with most matches). Labels are in [0, classes); classes 0
 * = no labels. STRS = spotting F1 x analysis F1. */
typedef struct affect_score_spotting {
    affect_score_f1 spot;
    double analysis_f1, strs; /* analysis: UF1 of the labels of matched pairs; NaN without labels */
    int64_t labels_right;     /* matched pairs with equal labels */
} affect_score_spotting;
AFFECT_API AFFECT_MUST_USE affect_status affect_score_spotting_from(
    affect_context *context, const affect_score_segment *gold, size_t gold_count,
    const affect_score_segment *predicted, size_t predicted_count, double iou, size_t classes,
    affect_score_spotting *out);

/* Temporal emotion localisation: an interval is right when it has the label and an IoU of at least
 * `iou` with a gold interval of its clip, one to one.
 *
 * f1: over all labels together, the pairing with most matches. map: the mean over gold's labels of the
 * average precision; predictions by falling `scores` (NULL: all alike, in the order given), each taking
 * the gold interval of highest IoU among those not yet taken, precision made monotone (as the ActivityNet
 * challenge computes it, Caba Heilbron et al. 2015). NaN without a gold interval. */
typedef struct affect_score_localisation {
    affect_score_f1 f1;
    double map;
} affect_score_localisation;
/* Labels are in [0, classes), classes >= 1 (else ERROR_ARGUMENT); segments need no order. */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_localisation_from(
    affect_context *context, const affect_score_segment *gold, size_t gold_count,
    const affect_score_segment *predicted, const double *scores, size_t predicted_count, double iou,
    size_t classes, affect_score_localisation *out);

/* An emotion-cause pair: the utterance that shows an emotion and the one that caused it. */
typedef struct affect_score_pair {
    int32_t clip, emotion_utterance, cause_utterance, emotion;
} affect_score_pair;
/* Exact match of all four; a repeated pair counts once. `weighted` is the mean F1 over emotions by
 * gold frequency with `neutral` (-1 = none) left out (SemEval-2024 task 3). An emotion outside
 * [0, emotions) is ERROR_ARGUMENT. */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_cause_pairs(
    affect_context *context, const affect_score_pair *gold, size_t gold_count,
    const affect_score_pair *predicted, size_t predicted_count, size_t emotions, int32_t neutral,
    affect_score_f1 *overall, double *weighted);

/* ---- open vocabulary: free labels on emotion wheels (MER-UniBench, the MER challenges) ----------
 */

/* A sample's labels are a text, "['happy', 'very sad']" or "happy, very sad"; "[]" is none.
 *
 *     const char *gold[] = {"['happy']", "['sad', 'angry']"}, *predicted[] = {"joyful", "sad"};
 *     affect_score_wheels *wheels;
 *     affect_score_open open;
 *     if (affect_score_wheels_open(context, "wheels/", &wheels) == AFFECT_OK &&
 *         affect_score_open_sets(context, AFFECT_SCORE_MER2026, wheels, NULL, gold, predicted, 2,
 *                                &open) == AFFECT_OK)
 *         printf("F %.6f\n", open.score);
 *     affect_score_wheels_destroy(wheels); */
typedef struct affect_score_wheels affect_score_wheels;
/* The user's copy of the five wheels: wheel_mapping.npz, a folder with it, or a folder with the
 * tables that it was made from (format, synonym, wheel1 to wheel5, each .xlsx or .csv). Wheels do
 * not change and may be shared by threads; the caller destroys them. *out is NULL on an error:
 * NOT_FOUND, FORMAT, LIMIT, MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_wheels_open(affect_context *context,
                                                                  const char *path,
                                                                  affect_score_wheels **out);
AFFECT_API void affect_score_wheels_destroy(affect_score_wheels *wheels); /* NULL is fine */

typedef enum affect_score_edition {
    AFFECT_SCORE_MER2024, /* groups of synonyms a sample */
    AFFECT_SCORE_MER2025, /* five wheels, two levels: what MER-UniBench prints */
    AFFECT_SCORE_MER2026  /* five wheels, level 1 */
} affect_score_edition;
/* All 0..1; NaN without samples (2024). 2025 and 2026: means over wheels (and levels) of the F,
 * precision and recall of the samples whose gold is on the wheel, 0 where none is. 2024: precision
 * is what the challenge calls accuracy, and score the mean of it and recall. Equal to the reference
 * code to the last digit. */
typedef struct affect_score_open {
    double score, precision, recall;
    int64_t samples;
} affect_score_open;
/* gold and predicted: n texts. 2025 and 2026 need `wheels`, 2024 needs `groups`: n texts such as
 * "[['happy', 'glad'], ['sad']]", the first of a group stands for it; else ERROR_ARGUMENT. */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_open_sets(
    affect_context *context, affect_score_edition edition, const affect_score_wheels *wheels,
    const char *const *groups, const char *const *gold, const char *const *predicted, size_t n,
    affect_score_open *out);

typedef struct affect_score_hits {
    double hit_rate, mscore;  /* means over the wheels, NaN without a sample on one */
    int64_t samples, skipped; /* skipped: gold is on no wheel (neutral, unknown words) */
} affect_score_hits;
/* MER-UniBench's sets with one basic label a sample: on each wheel (level 1) the mean number of
 * gold's sectors that are predicted, and (mscore) the mean of that number over the predicted
 * sectors that any of `labels`, the corpus's labels as one text, has. */
AFFECT_API AFFECT_MUST_USE affect_status affect_score_hit_rates(
    affect_context *context, const affect_score_wheels *wheels, const char *const *gold,
    const char *const *predicted, size_t n, const char *labels, affect_score_hits *out);

/* ---- intervals of confidence ---------------------------------------------------------------- */

/* Computes metrics over the items in `index` (repeats allowed) into out. False where undefined. */
typedef bool (*affect_score_metric)(void *user, const uint32_t *index, size_t n, double *out);
typedef struct affect_score_interval {
    double low, high;
} affect_score_interval;
/* Percentile bootstrap (Efron 1979): draws units (clips, speakers; unit[i] in [0, units), else
 * ERROR_ARGUMENT) with replacement, `rounds` times; the same seed gives the same intervals
 * anywhere. `level` is .95 for 95 %. out has `values` entries, NaN where fewer than 10 rounds were
 * defined. */
AFFECT_API AFFECT_MUST_USE affect_status
affect_score_bootstrap(affect_context *context, const int32_t *unit, size_t n, size_t units,
                       size_t rounds, uint64_t seed, double level, affect_score_metric metric,
                       void *user, size_t values, affect_score_interval *out);

/* The two groups that lie furthest apart. */
typedef struct affect_score_gap {
    size_t highest, lowest; /* places of the groups */
    double gap;             /* the highest value less the lowest; NaN with fewer than two groups */
    affect_score_interval interval; /* of that difference */
} affect_score_gap;
/* value and interval (may be NULL) of group g stand at [g * stride]; NaN is no value. The interval of
 * the difference is from those of the two (independent) groups: MOVER, Zou & Donner 2008. That the
 * two are the most distant of several is not taken into account: with many small groups a gap is
 * wide by chance. */
AFFECT_API void affect_score_gap_from(const double *value, const affect_score_interval *interval,
                                      size_t groups, size_t stride, affect_score_gap *out);

#ifdef __cplusplus
}
#endif
#endif
