/* affect score: what its files share. cmd_score.c has the verb; score_join.c brings gold and
 * predictions together, score_data.c reads columns and runs the bootstrap, score_print.c prints;
 * the tasks are in score_tasks.c (classes, numbers, sentiment), score_more.c (sets, raters,
 * probabilities), score_votes.c (FER+), score_dynamics.c (traces), score_spans.c (intervals, pairs)
 * and score_open.c (open vocabulary). */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include "affect/score.h"
#include "base/base.h"
#include "data/frame.h"

typedef struct score_call {
    affect_context *ctx;
    const char *task;
    const char *gold, *predicted, *synonyms, *wheels;
    const char *edition;
    bool json;
    int64_t rounds, seed;
    const char *id, *column, *gold_column, *predicted_column, *unit, *fold, *labels, *format,
        *paper, *set, *variance, *average, *chart;
    bool no_header, classes, table_bug;
    int64_t bins;
    /* sets of labels */
    const char *rule, *dev_gold, *dev_predicted;
    double threshold;
    int64_t top;
    bool at_least_one;
    /* numbers with error bars; votes; time */
    const char *sd, *convention, *clip, *time, *durations, *fill;
    double tolerance, prominence, longest_lag, rate, iou;
} score_call;

score_call score_call_default(void); /* what affect score does without options; no files */

/* ---- what is printed ---- */

enum { SCORE_MOST_VALUES = 64, SCORE_MOST_SKIPS = 12, SCORE_MOST_TABLES = 4 };

/* A small table beside the values: a transition matrix, thresholds, folds. */
typedef struct score_table {
    const char *title; /* a JSON key too */
    const char *const *rows, *const *columns;
    size_t row_count, column_count;
    double *values; /* row-major; the report frees it */
} score_table;

typedef struct score_report {
    const char *task;
    const char *const *names; /* of the values */
    size_t count;
    double value[SCORE_MOST_VALUES], majority[SCORE_MOST_VALUES]; /* NaN = does not exist */
    affect_score_interval interval[SCORE_MOST_VALUES];
    const char *majority_name; /* "most frequent gold class" ...; NULL = the task has none */
    char majority_label[64];   /* which class */
    const char *item, *unit;   /* "items", "clips": what is counted, what the bootstrap draws */
    int64_t items, units;
    struct {
        const char *reason;
        int64_t count;
    } skip[SCORE_MOST_SKIPS]; /* rows left out; a count of 0 is not printed in text */
    size_t skips;
    const char *const *class_names; /* per-class table, or NULL */
    const affect_score_class *class_rows;
    size_t classes;
    score_table table[SCORE_MOST_TABLES];
    size_t tables;
    bool with_intervals;
} score_report;

void score_report_begin(const score_call *call, score_report *report, const char *const *names,
                        size_t count, const char *majority_name);
void score_report_skip(score_report *report, const char *reason, int64_t count);
/* Room for rows x columns values, all NaN; NULL = no memory, or no room for another table. */
double *score_report_table(score_report *report, const char *title, const char *const *rows,
                           size_t row_count, const char *const *columns, size_t column_count);
affect_status score_report_print(const score_call *call, const score_report *report);
void score_report_clear(score_report *report);
/* The task of a preset, or NULL when there is no such preset. */
const char *score_paper_task(const char *paper);
/* The classes whose columns a preset prints, in their order, or NULL. */
const char *score_paper_labels(const char *paper);
extern const char score_papers[]; /* "mosi|mosei|..." */
void score_put_json_text(const char *text);
void score_put_json_number(double x); /* all digits; null where it is not finite */

/* ---- names of classes and clips ---- */

/* `fixed` (from --labels) keeps their order, else score_names_sort orders them. */
typedef struct score_names {
    char **items;
    size_t count, capacity;
    int32_t *slots; /* private: a hash table of places */
    size_t slot_count;
    bool fixed;
} score_names;
AFFECT_MUST_USE affect_status score_names_from_option(affect_context *ctx, const char *text,
                                                      score_names *out);
AFFECT_MUST_USE affect_status score_names_add(affect_context *ctx, score_names *names,
                                              const char *text, size_t n);
void score_names_sort(score_names *names); /* numbers by value, else by bytes */
int32_t score_names_find(const score_names *names, const char *text, size_t n); /* -1 = absent */
void score_names_clear(score_names *names);

/* ---- gold beside predictions ---- */

typedef struct score_join {
    data_frame *gold, *predicted; /* predicted is NULL for tasks of one file */
    size_t n;                     /* pairs */
    uint32_t *gold_row, *predicted_row;
    int32_t *unit; /* of each pair, in [0, units) */
    size_t units;
    const char *unit_name;
    int gold_id, predicted_id, gold_unit, gold_fold; /* columns, -1 = none */
    int64_t gold_alone, predicted_alone, repeated;
} score_join;

AFFECT_MUST_USE affect_status score_join_open(const score_call *call, score_join *out);
void score_join_clear(score_join *join);
void score_join_report(const score_join *join, score_report *report);
/* FORMAT, with the columns that there are, when `frame` has none of this name. */
AFFECT_MUST_USE affect_status score_named_column(affect_context *ctx, const data_frame *frame,
                                                 const char *name, int *out);
/* The column of the option, else the first that is there of `names`, else -1. */
AFFECT_MUST_USE affect_status score_find_column(affect_context *ctx, const data_frame *frame,
                                                const char *option, const char *const *names,
                                                size_t count, int *out);
/* Names of columns that say which recording a row is of, and what it says. */
enum { SCORE_CLIP_NAMES = 12, SCORE_LABEL_NAMES = 6 };
extern const char *const score_clip_names[SCORE_CLIP_NAMES];
extern const char *const score_label_names[SCORE_LABEL_NAMES];
/* Numbers the units of clips: unit[clip] of the --unit column, or the clips themselves. */
AFFECT_MUST_USE affect_status score_clip_units(const score_call *call, const data_frame *gold,
                                               int clip_column, const score_names *clips,
                                               int32_t *unit, size_t *units);
/* The column of values: the option, else a well-known name, else the only one left. */
AFFECT_MUST_USE affect_status score_value_column(const score_call *call, const score_join *join,
                                                 bool predicted, size_t *out);
/* Whether a column of a joined frame is neither id nor unit nor fold. */
bool score_is_value(const score_join *join, const data_frame *frame, size_t column);

/* ---- columns of a task, and draws of the bootstrap ---- */

enum { SCORE_DRAWS = 4 };

typedef struct score_data {
    const score_call *call;
    const score_join *join;
    size_t n, width, classes;
    double *gold, *predicted; /* n, n x width */
    int32_t *gold_class, *predicted_class;
    uint8_t *gold_set, *predicted_set; /* n x width */
    void *draw[SCORE_DRAWS];           /* what a draw is gathered into */
    size_t draw_bytes[SCORE_DRAWS];
    affect_score_metric metric;
    affect_status status; /* of a metric, which itself can only say "undefined"; stays */
    void *more;           /* the task's own */
} score_data;

void score_data_clear(score_data *data);
/* At least `bytes` in draw buffer `slot`, which lives until the next call for it; NULL = no memory
 * (then data->status says so). */
void *score_draw(score_data *data, int slot, size_t bytes);
/* Items `index` of an array whose items have `size` bytes, in draw buffer `slot`. */
void *score_gather(score_data *data, int slot, const void *source, size_t size,
                   const uint32_t *index, size_t n);
/* Values on all `items` items and their intervals over `unit` (units of them). */
AFFECT_MUST_USE affect_status score_values_over(score_data *data, affect_score_metric metric,
                                                const int32_t *unit, size_t items, size_t units,
                                                score_report *report);
/* The same over the pairs of data->join. */
AFFECT_MUST_USE affect_status score_values(score_data *data, affect_score_metric metric,
                                           score_report *report);

AFFECT_MUST_USE affect_status score_read_numbers(const score_call *call, const data_frame *frame,
                                                 size_t column, const uint32_t *row, size_t n,
                                                 size_t stride, double *out);
/* gold and predicted (both joined); skips are reported. */
AFFECT_MUST_USE affect_status score_read_number_pairs(score_data *data, score_report *report);
/* gold_class and predicted_class, classes = names->count; skips are reported. */
AFFECT_MUST_USE affect_status score_read_class_pairs(score_data *data, score_names *names,
                                                     score_report *report);
/* Every value column of a frame: n x *width numbers. A frame whose columns have names adds them to
 * `names` (may be NULL). */
AFFECT_MUST_USE affect_status score_read_matrix(const score_call *call, const score_join *join,
                                                bool predicted, double **out, size_t *width,
                                                score_names *names);

affect_score_average score_average_of(const score_call *call);
affect_score_variance score_variance_of(const score_call *call);

affect_status score_task_classes(const score_call *call);
affect_status score_task_multilabel(const score_call *call);
affect_status score_task_regression(const score_call *call);
affect_status score_task_sentiment(const score_call *call);
affect_status score_task_agreement(const score_call *call);
affect_status score_task_calibration(const score_call *call);
affect_status score_task_ferplus(const score_call *call);
affect_status score_task_dynamics(const score_call *call);
affect_status score_task_spotting(const score_call *call);
affect_status score_task_eder(const score_call *call);
affect_status score_task_cause(const score_call *call);
affect_status score_task_open(const score_call *call);
affect_status score_task_hit_rate(const score_call *call);

#endif
