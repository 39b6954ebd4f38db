/* Open-vocabulary scores of MER-UniBench and the MER challenges: set overlap of free emotion labels
 * after grouping.
 *
 *   2024  groups come from a file a sample, made once by a language model (a zip of npy texts);
 *         score = mean of set accuracy and recall over samples (MERTools MER2024/main-ov.py)
 *   2025  five emotion wheels, levels 1 and 2; score = mean over the ten of F(mean precision, mean
 *         recall)
 *   2026  five emotion wheels, level 1 only (MERTools MER2026, evaluation/wheel.py)
 *
 * A label goes surface word -> base forms -> synonym representatives -> sector of the wheel; of
 * several representatives the alphabetically first that has a sector counts; a label without one is
 * dropped. A sample whose gold set is empty then is left out (2025, 2026); an empty prediction
 * counts 0. Means are summed in the pairwise order of numpy, so that the last digit agrees. */
#ifndef SCORE_WHEEL_H
#define SCORE_WHEEL_H

#include "affect/score.h"
#include "base/base.h"

enum { SCORE_WHEELS = 5, SCORE_WHEEL_LEVELS = 2 };

typedef struct score_labels { /* the labels of one sample */
    char **items;
    size_t count, capacity;
} score_labels;

enum { SCORE_LABELS_LOWER = 1, SCORE_LABELS_STRIP = 2 };

/* Reads "['happy', 'sad']" as MERTools does (cut at every quote), or "happy, sad". `form` says
 * whether labels are made lower-case and freed of blanks around them: both in 2025 and 2026, only
 * lower-case in 2024. Errors: MEMORY. */
AFFECT_MUST_USE affect_status score_labels_parse(affect_context *ctx, const char *text,
                                                 unsigned form, score_labels *out);
void score_labels_clear(score_labels *labels);

typedef affect_score_wheels score_wheels;
/* From wheel_mapping.npz, a folder with it, or a folder with the tables that it was made from:
 * format, synonym and wheel1 to wheel5, each .xlsx or .csv. Both give the same sectors. Errors:
 * NOT_FOUND, FORMAT, LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status score_wheels_open(affect_context *ctx, const char *path,
                                                score_wheels **out);
void score_wheels_destroy(score_wheels *wheels);

typedef struct score_open_sets {
    size_t samples;
    const score_labels *gold, *predicted;
} score_open_sets;

typedef struct score_wheel_row {
    double precision, recall, f;
    size_t samples; /* with a gold set on this wheel */
} score_wheel_row;

/* rows[wheel][level]; mean[] = f, precision, recall over the wheels (and levels of the edition).
 * `index` (may be NULL) selects `count` samples, repeats allowed, for the bootstrap. Errors:
 * MEMORY. */
AFFECT_MUST_USE affect_status
score_wheel_sets(affect_context *ctx, const score_wheels *wheels, const score_open_sets *sets,
                 const uint32_t *index, size_t count, size_t levels,
                 score_wheel_row rows[SCORE_WHEELS][SCORE_WHEEL_LEVELS], double mean[3]);

/* Hit rate: mean over wheels and samples of |predicted sectors with gold's| / |gold's sectors| at
 * level 1; samples whose only gold label is "neutral" are left out (RESEARCH: non-neutral hit
 * rate). */
AFFECT_MUST_USE affect_status score_hit_rate(affect_context *ctx, const score_wheels *wheels,
                                             const score_open_sets *sets, double *out,
                                             size_t *used);

typedef struct score_hits {
    double hit_rate, mscore;
    size_t samples; /* with a gold label on this wheel */
} score_hits;

/* MER-UniBench's scores of sets with one basic label a sample: on each wheel (level 1) the mean
 * number of gold sectors that are predicted, and of that number over the predicted sectors that any
 * of `candidates`, the corpus's labels, has (0 where there is none). Samples whose gold is on no
 * sector (neutral) are left out. hit_rate and mscore are the means over the five wheels. `index` as
 * above. */
AFFECT_MUST_USE affect_status score_hit_rates(affect_context *ctx, const score_wheels *wheels,
                                              const score_open_sets *sets,
                                              const score_labels *candidates, const uint32_t *index,
                                              size_t count, score_hits hits[SCORE_WHEELS],
                                              double *hit_rate, double *mscore);

/* 2024: `groups` holds a sample's groups as text "[['a', 'b'], ['c']]"; the first of a group stands
 * for it. */
AFFECT_MUST_USE affect_status score_grouped_sets(affect_context *ctx, const score_open_sets *sets,
                                                 const char *const *groups, double *accuracy,
                                                 double *recall);

#endif
