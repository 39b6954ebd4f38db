/* evaluate: files of gold and of predictions, scored. In: a call (which task, which files, which
 * columns). Out: a report as text, Markdown, LaTeX or JSON. The metrics themselves are score/'s.
 *
 * join.c brings gold and predictions together, data.c reads columns, intervals.c runs the bootstrap,
 * report.c writes; the tasks are in tasks.c (classes, numbers, sentiment), more.c (sets, raters,
 * probabilities), votes.c (FER+), dynamics.c (traces), spans.c (intervals, pairs) and open.c (open
 * vocabulary). */
#ifndef EVALUATE_H
#define EVALUATE_H

#include "affect/score.h"
#include "base/base.h"
#include "data/frame.h"
#include "score/resample.h"

typedef struct evaluate_call {
    affect_context *ctx;
    base_text *out; /* what the task has to say goes here; warnings are log lines of `ctx` */
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
    const char *by; /* a column of the gold file: figures of each of its values */
} evaluate_call;

evaluate_call evaluate_call_default(void); /* what affect score does without options; no files */

/* ---- what is printed ---- */

enum { EVALUATE_MOST_VALUES = 64, EVALUATE_MOST_SKIPS = 12, EVALUATE_MOST_TABLES = 4 };

/* A small table beside the values: a transition matrix, thresholds, folds. */
typedef struct evaluate_table {
    const char *title; /* a JSON key too */
    const char *const *rows, *const *columns;
    size_t row_count, column_count;
    double *values; /* row-major; the report frees it */
} evaluate_table;

typedef struct evaluate_report {
    const char *task;
    const char *const *names; /* of the values */
    size_t count;
    double value[EVALUATE_MOST_VALUES], majority[EVALUATE_MOST_VALUES]; /* NaN = does not exist */
    affect_score_interval interval[EVALUATE_MOST_VALUES];
    const char *majority_name; /* "most frequent gold class" ...; NULL = the task has none */
    char majority_label[64];   /* which class */
    const char *item, *unit;   /* "items", "clips": what is counted, what the bootstrap draws */
    int64_t items, units;
    struct {
        const char *reason;
        int64_t count;
    } skip[EVALUATE_MOST_SKIPS]; /* rows left out; a count of 0 is not printed in text */
    size_t skips;
    const char *const *class_names; /* per-class table, or NULL */
    const affect_score_class *class_rows;
    size_t classes;
    evaluate_table table[EVALUATE_MOST_TABLES];
    size_t tables;
    bool with_intervals;
    base_arena texts; /* names of a table's rows that the report made */
} evaluate_report;

void evaluate_report_begin(const evaluate_call *call, evaluate_report *report,
                           const char *const *names, size_t count, const char *majority_name);
void evaluate_report_skip(evaluate_report *report, const char *reason, int64_t count);
/* Room for rows x columns values, all NaN; NULL = no memory, or no room for another table. */
double *evaluate_report_table(evaluate_report *report, const char *title, const char *const *rows,
                              size_t row_count, const char *const *columns, size_t column_count);
/* Appends the report to call->out in the form that the call asks for. Errors: MEMORY. */
AFFECT_MUST_USE affect_status evaluate_report_write(const evaluate_call *call,
                                                    const evaluate_report *report);
/* A log line for each kind of rows that were left out. */
void evaluate_report_log(const evaluate_call *call, const evaluate_report *report);
void evaluate_report_clear(evaluate_report *report);
/* The task of a preset, or NULL when there is no such preset. */
const char *evaluate_paper_task(const char *paper);
/* The classes whose columns a preset prints, in their order, or NULL. */
const char *evaluate_paper_labels(const char *paper);
extern const char evaluate_papers[]; /* "mosi|mosei|..." */
/* As JSON: all digits; null where it is not finite. */
void evaluate_append_number(base_text *out, double x);

/* ---- names of classes and clips ---- */

/* `fixed` (from --labels) keeps their order, else evaluate_names_sort orders them. */
typedef struct evaluate_names {
    char **items;
    size_t count, capacity;
    int32_t *slots; /* private: a hash table of places */
    size_t slot_count;
    bool fixed;
} evaluate_names;
AFFECT_MUST_USE affect_status evaluate_names_from_option(affect_context *ctx, const char *text,
                                                         evaluate_names *out);
AFFECT_MUST_USE affect_status evaluate_names_add(affect_context *ctx, evaluate_names *names,
                                                 const char *text, size_t n);
void evaluate_names_sort(evaluate_names *names); /* numbers by value, else by bytes */
int32_t evaluate_names_find(const evaluate_names *names, const char *text,
                            size_t n); /* -1 = absent */
void evaluate_names_clear(evaluate_names *names);

/* ---- gold beside predictions ---- */

typedef struct evaluate_join {
    data_frame *gold, *predicted; /* predicted is NULL for tasks of one file */
    size_t n;                     /* pairs */
    uint32_t *gold_row, *predicted_row;
    int32_t *unit; /* of each pair, in [0, units) */
    size_t units;
    const char *unit_name;
    int gold_id, predicted_id, gold_unit, gold_fold, gold_by; /* columns, -1 = none */
    int64_t gold_alone, predicted_alone, repeated, gold_repeated;
} evaluate_join;

AFFECT_MUST_USE affect_status evaluate_join_open(const evaluate_call *call, evaluate_join *out);
void evaluate_join_clear(evaluate_join *join);
void evaluate_join_report(const evaluate_join *join, evaluate_report *report);
/* FORMAT, with the columns that there are, when `frame` has none of this name. */
AFFECT_MUST_USE affect_status evaluate_named_column(affect_context *ctx, const data_frame *frame,
                                                    const char *name, int *out);
/* The column of the option, else the first that is there of `names`, else -1. */
AFFECT_MUST_USE affect_status evaluate_find_column(affect_context *ctx, const data_frame *frame,
                                                   const char *option, const char *const *names,
                                                   size_t count, int *out);
/* Names of columns that say which recording a row is of, and what it says. */
enum { EVALUATE_CLIP_NAMES = 12, EVALUATE_LABEL_NAMES = 6 };
extern const char *const evaluate_clip_names[EVALUATE_CLIP_NAMES];
extern const char *const evaluate_label_names[EVALUATE_LABEL_NAMES];
/* Numbers the units of clips: unit[clip] of the --unit column, or the clips themselves. */
AFFECT_MUST_USE affect_status evaluate_clip_units(const evaluate_call *call, const data_frame *gold,
                                                  int clip_column, const evaluate_names *clips,
                                                  int32_t *unit, size_t *units);
/* The column of values: the option, else a well-known name, else the only one left. */
AFFECT_MUST_USE affect_status evaluate_value_column(const evaluate_call *call,
                                                    const evaluate_join *join, bool predicted,
                                                    size_t *out);
/* Whether a column of a joined frame is neither id nor unit nor fold. */
bool evaluate_is_value(const evaluate_join *join, const data_frame *frame, size_t column);

/* ---- columns of a task, and draws of the bootstrap ---- */

enum { EVALUATE_DRAWS = 4 };

typedef struct evaluate_data evaluate_data;
/* Intervals of the items index[0..n), drawn by units. UNSUPPORTED: not for these items; ask the metric. */
typedef affect_status (*evaluate_resample)(evaluate_data *data, const uint32_t *index, size_t n,
                                           const score_draws *draws, size_t values,
                                           affect_score_interval *out);

struct evaluate_data {
    const evaluate_call *call;
    const evaluate_join *join;
    size_t n, width, classes;
    double *gold, *predicted; /* n, n x width */
    int32_t *gold_class, *predicted_class;
    uint8_t *gold_set, *predicted_set; /* n x width */
    void *draw[EVALUATE_DRAWS];        /* what a draw is gathered into */
    size_t draw_bytes[EVALUATE_DRAWS];
    affect_score_metric metric;
    /* A task whose intervals need not ask the metric a thousand times says so here (classes, numbers). */
    evaluate_resample resample;
    affect_status status; /* of a metric, which itself can only say "undefined"; stays */
    void *more;           /* the task's own */
};

void evaluate_data_clear(evaluate_data *data);
/* At least `bytes` in draw buffer `slot`, which lives until the next call for it; NULL = no memory
 * (then data->status says so). */
void *evaluate_draw(evaluate_data *data, int slot, size_t bytes);
/* Items `index` of an array whose items have `size` bytes, in draw buffer `slot`. */
void *evaluate_gather(evaluate_data *data, int slot, const void *source, size_t size,
                      const uint32_t *index, size_t n);
/* Intervals of `values` values of the items index[0..n): by data->resample, else by asking `metric`
 * (user) of each draw, whose index is of places in `index`. */
AFFECT_MUST_USE affect_status evaluate_intervals(evaluate_data *data, const uint32_t *index,
                                                 size_t n, const int32_t *unit, size_t units,
                                                 affect_score_metric metric, void *user,
                                                 size_t values, affect_score_interval *out);
/* Values on all `items` items and their intervals over `unit` (units of them). */
AFFECT_MUST_USE affect_status evaluate_values_over(evaluate_data *data, affect_score_metric metric,
                                                   const int32_t *unit, size_t items, size_t units,
                                                   evaluate_report *report);
/* The same over the pairs of data->join, and with call->by of each group (groups.c). */
AFFECT_MUST_USE affect_status evaluate_values(evaluate_data *data, affect_score_metric metric,
                                              evaluate_report *report);

/* Adds the tables "groups" and "largest gap" to the report. Errors: FORMAT (no such column), ARGUMENT
 * (as many groups as rows), MEMORY. */
AFFECT_MUST_USE affect_status evaluate_groups(evaluate_data *data, affect_score_metric metric,
                                              evaluate_report *report);

AFFECT_MUST_USE affect_status evaluate_read_numbers(const evaluate_call *call,
                                                    const data_frame *frame, size_t column,
                                                    const uint32_t *row, size_t n, size_t stride,
                                                    double *out);
/* gold and predicted (both joined); skips are reported. */
AFFECT_MUST_USE affect_status evaluate_read_number_pairs(evaluate_data *data,
                                                         evaluate_report *report);
/* gold_class and predicted_class, classes = names->count; skips are reported. */
AFFECT_MUST_USE affect_status evaluate_read_class_pairs(evaluate_data *data, evaluate_names *names,
                                                        evaluate_report *report);
/* Every value column of a frame: n x *width numbers. A frame whose columns have names adds them to
 * `names` (may be NULL). */
AFFECT_MUST_USE affect_status evaluate_read_matrix(const evaluate_call *call,
                                                   const evaluate_join *join, bool predicted,
                                                   double **out, size_t *width,
                                                   evaluate_names *names);

affect_score_average evaluate_average_of(const evaluate_call *call);
affect_score_variance evaluate_variance_of(const evaluate_call *call);

affect_status evaluate_task_classes(const evaluate_call *call);
affect_status evaluate_task_multilabel(const evaluate_call *call);
affect_status evaluate_task_regression(const evaluate_call *call);
affect_status evaluate_task_sentiment(const evaluate_call *call);
affect_status evaluate_task_agreement(const evaluate_call *call);
affect_status evaluate_task_calibration(const evaluate_call *call);
affect_status evaluate_task_ferplus(const evaluate_call *call);
affect_status evaluate_task_dynamics(const evaluate_call *call);
affect_status evaluate_task_spotting(const evaluate_call *call);
affect_status evaluate_task_localisation(const evaluate_call *call);
affect_status evaluate_task_eder(const evaluate_call *call);
affect_status evaluate_task_cause(const evaluate_call *call);
affect_status evaluate_task_open(const evaluate_call *call);
affect_status evaluate_task_hit_rate(const evaluate_call *call);

#endif
