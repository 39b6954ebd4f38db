/* affect score: what its files share. cmd_score.c has the verb and the open-vocabulary task,
 * score_tasks.c and score_more.c the others, score_join.c brings gold and predictions together,
 * score_print.c prints.
 */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include "data/frame.h"
#include "score/score.h"

typedef struct score_call {
    affect_context *ctx;
    const char *task;
    const char *gold, *predicted, *synonyms, *wheels;
    const char *edition;
    bool json;
    int64_t rounds, seed;
    /* the tasks on columns */
    const char *id, *column, *gold_column, *predicted_column, *unit, *labels, *format, *paper, *set,
        *variance, *average, *chart;
    bool no_header, classes, table_bug;
    int64_t bins;
} score_call;

/* ---- what is printed ---- */

enum { SCORE_MOST_VALUES = 64, SCORE_MOST_SKIPS = 8 };

typedef struct score_report {
    const char *task;
    const char *const *names; /* of the values */
    size_t count;
    double value[SCORE_MOST_VALUES], majority[SCORE_MOST_VALUES]; /* NaN = does not exist */
    score_interval interval[SCORE_MOST_VALUES];
    const char *majority_name; /* "majority class" ...; NULL = the task has none */
    char majority_label[64];   /* which class */
    const char *item, *unit;   /* "items", "clips": what is counted, what the bootstrap draws */
    int64_t items, units;
    struct {
        const char *reason;
        int64_t count;
    } skip[SCORE_MOST_SKIPS]; /* rows left out; a count of 0 is not printed in text */
    size_t skips;
    const char *const *class_names; /* per-class table, or NULL */
    const score_class *class_rows;
    size_t classes;
    bool with_intervals;
} score_report;

void score_report_skip(score_report *report, const char *reason, int64_t count);
affect_status score_report_print(const score_call *call, const score_report *report);
/* The task of a preset, or NULL when there is no such preset. */
const char *score_paper_task(const char *paper);
extern const char score_papers[]; /* "mosi|mosei|..." */

/* ---- gold beside predictions ---- */

typedef struct score_join {
    data_frame *gold, *predicted; /* predicted is NULL for tasks of one file */
    size_t n;                     /* pairs */
    uint32_t *gold_row, *predicted_row;
    int32_t *unit; /* of each pair, in [0, units) */
    size_t units;
    const char *unit_name;
    int gold_id, predicted_id, gold_unit; /* columns, -1 = none */
    int64_t gold_alone, predicted_alone, repeated;
} score_join;

AFFECT_MUST_USE affect_status score_join_open(const score_call *call, score_join *out);
void score_join_clear(score_join *join);
void score_join_report(const score_join *join, score_report *report);
/* The column of values: the option, else a well-known name, else the only one left. */
AFFECT_MUST_USE affect_status score_value_column(const score_call *call, const data_frame *frame,
                                                 const char *wanted, int id, int unit, size_t *out);

/* Names of classes; `fixed` (from --labels) keeps their order, else they are sorted. */
typedef struct score_names {
    char **items;
    size_t count, capacity;
    bool fixed;
} score_names;
AFFECT_MUST_USE affect_status score_names_from_option(affect_context *ctx, const char *text,
                                                      score_names *out);
AFFECT_MUST_USE affect_status score_names_add(affect_context *ctx, score_names *names,
                                              const char *text, size_t n);
void score_names_sort(score_names *names); /* numbers by value, else by bytes */
int32_t score_names_find(const score_names *names, const char *text, size_t n); /* -1 = absent */
void score_names_clear(score_names *names);

/* Tasks on columns. */
affect_status score_task_classes(const score_call *call);
affect_status score_task_multilabel(const score_call *call);
affect_status score_task_regression(const score_call *call);
affect_status score_task_sentiment(const score_call *call);
affect_status score_task_agreement(const score_call *call);
affect_status score_task_calibration(const score_call *call);

#endif
