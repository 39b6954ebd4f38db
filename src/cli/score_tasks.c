/* The tasks on columns: each reads its columns, computes its values on any selection of items (all,
 * or a bootstrap draw), and hands a report to the printer. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "cli/score.h"

/* What the metrics of a task need; `gold` and `predicted` are n, or n x width. */
typedef struct task_data {
    const score_call *call;
    size_t n, width, classes, drawn; /* drawn: items that the draw buffers hold */
    double *gold, *predicted, *gold_draw, *predicted_draw;
    int32_t *gold_class, *predicted_class, *gold_class_draw, *predicted_class_draw;
    affect_status status;
} task_data;

static void task_data_clear(task_data *d) {
    base_free(d->gold);
    base_free(d->predicted);
    base_free(d->gold_draw);
    base_free(d->predicted_draw);
    base_free(d->gold_class);
    base_free(d->predicted_class);
    base_free(d->gold_class_draw);
    base_free(d->predicted_class_draw);
}

/* A draw can have more items than the set, where units differ in size. Makes room for n items of
 * `width` numbers, a class each. */
static bool draw_room(task_data *d, size_t n) {
    if (n <= d->drawn) return true;
    size_t room = n + n / 4, width = d->width ? d->width : 1;
    double *gold = base_realloc(d->gold_draw, room * sizeof *gold);
    if (gold) d->gold_draw = gold;
    double *predicted = base_realloc(d->predicted_draw, room * width * sizeof *predicted);
    if (predicted) d->predicted_draw = predicted;
    int32_t *gold_class = base_realloc(d->gold_class_draw, room * sizeof *gold_class);
    if (gold_class) d->gold_class_draw = gold_class;
    int32_t *predicted_class = base_realloc(d->predicted_class_draw, room * sizeof *gold_class);
    if (predicted_class) d->predicted_class_draw = predicted_class;
    if (!gold || !predicted || !gold_class || !predicted_class) {
        d->status = base_fail_memory(d->call->ctx);
        return false;
    }
    d->drawn = room;
    return true;
}

static void report_begin(const score_call *call, score_report *r, const char *const *names,
                         size_t count, const char *majority_name) {
    *r = (score_report){.task = call->task,
                        .names = names,
                        .count = count,
                        .majority_name = majority_name,
                        .item = "items",
                        .unit = "items"};
    for (size_t k = 0; k < SCORE_MOST_VALUES; k++) {
        r->value[k] = r->majority[k] = NAN;
        r->interval[k] = (score_interval){NAN, NAN};
    }
}

/* Point values and intervals. */
static affect_status report_values(const score_call *call, const score_join *join,
                                   score_metric metric, task_data *data, score_report *r) {
    uint32_t *all = base_alloc((join->n + 1) * sizeof *all);
    if (!all) return base_fail_memory(call->ctx);
    for (size_t i = 0; i < join->n; i++) all[i] = (uint32_t)i;
    (void)metric(data, all, join->n, r->value);
    base_free(all);
    if (data->status || !call->rounds || !join->n) return data->status;
    r->with_intervals = true;
    affect_status status =
        score_bootstrap(call->ctx, join->unit, join->n, join->units, (size_t)call->rounds,
                        (uint64_t)call->seed, 0.95, metric, data, r->count, r->interval);
    return status ? status : data->status;
}

static size_t trimmed(const char **text) {
    while (isspace((unsigned char)**text)) (*text)++;
    size_t n = strlen(*text);
    while (n && isspace((unsigned char)(*text)[n - 1])) n--;
    return n;
}

/* ---- classes ---- */

static const char *const class_values[] = {
    "accuracy", "uar", "macro_f1",    "weighted_f1",        "macro_precision", "macro_recall",
    "micro_f1", "uf1", "cohen_kappa", "weighted_precision", "weighted_recall",
};

static void put_classes(const score_classes *c, double *out) {
    const double values[] = {
        c->accuracy,       c->uar,      c->macro_f1, c->weighted_f1, c->macro_precision,
        c->macro_recall,   c->micro_f1, c->uf1,      c->cohen_kappa, c->weighted_precision,
        c->weighted_recall};
    memcpy(out, values, sizeof values);
}

static score_average average_of(const score_call *call) {
    return strcmp(call->average, "gold") == 0  ? SCORE_CLASSES_GOLD
           : strcmp(call->average, "all") == 0 ? SCORE_CLASSES_ALL
                                               : SCORE_CLASSES_UNION;
}

static affect_status count_classes(task_data *d, const uint32_t *index, size_t n,
                                   score_confusion *confusion) {
    if (!draw_room(d, n)) return d->status;
    affect_status status = score_confusion_init(d->call->ctx, d->classes, confusion);
    for (size_t i = 0; i < n; i++) {
        d->gold_class_draw[i] = d->gold_class[index[i]];
        d->predicted_class_draw[i] = d->predicted_class[index[i]];
    }
    if (!status)
        status = score_confusion_add(d->call->ctx, confusion, d->gold_class_draw,
                                     d->predicted_class_draw, n);
    return status;
}

static bool classes_metric(void *user, const uint32_t *index, size_t n, double *out) {
    task_data *d = user;
    score_confusion confusion = {0};
    score_classes c;
    affect_status status = count_classes(d, index, n, &confusion);
    if (!status) {
        score_classes_from(&confusion, average_of(d->call), &c, NULL);
        put_classes(&c, out);
    } else {
        d->status = status;
    }
    score_confusion_clear(&confusion);
    return status == AFFECT_OK;
}

/* The classes of one column; labels that --labels does not name are missing. */
static affect_status read_classes(const score_call *call, const data_frame *frame, size_t column,
                                  const uint32_t *row, size_t n, score_names *names, bool collect,
                                  int32_t *out, int64_t *empty, int64_t *unknown) {
    char buffer[DATA_FRAME_CELL];
    for (size_t i = 0; i < n; i++) {
        const char *text = data_frame_text(frame, row[i], column, buffer);
        size_t length = trimmed(&text);
        if (!length || data_frame_missing(text)) {
            if (!collect) {
                out[i] = -1;
                ++*empty;
            }
        } else if (collect) {
            affect_status status = score_names_add(call->ctx, names, text, length);
            if (status) return status;
        } else {
            out[i] = score_names_find(names, text, length);
            *unknown += out[i] < 0;
        }
    }
    return AFFECT_OK;
}

static affect_status read_class_pairs(const score_call *call, const score_join *j,
                                      score_names *names, task_data *d, score_report *r) {
    size_t gold, predicted;
    int64_t empty[2] = {0}, unknown[2] = {0};
    affect_status status =
        score_value_column(call, j->gold, call->gold_column, j->gold_id, j->gold_unit, &gold);
    if (!status)
        status = score_value_column(call, j->predicted, call->predicted_column, j->predicted_id, -1,
                                    &predicted);
    if (!status) status = score_names_from_option(call->ctx, call->labels, names);
    if (status) return status;
    size_t bytes = (j->n + 1) * sizeof(int32_t);
    d->gold_class = base_alloc(bytes);
    d->predicted_class = base_alloc(bytes);
    if (!d->gold_class || !d->predicted_class) return base_fail_memory(call->ctx);
    for (int pass = names->fixed; pass < 2 && !status; pass++) {
        status = read_classes(call, j->gold, gold, j->gold_row, j->n, names, !pass, d->gold_class,
                              &empty[0], &unknown[0]);
        if (!status)
            status = read_classes(call, j->predicted, predicted, j->predicted_row, j->n, names,
                                  !pass, d->predicted_class, &empty[1], &unknown[1]);
        if (!pass) score_names_sort(names);
    }
    score_report_skip(r, "items with an empty gold label", empty[0]);
    score_report_skip(r, "items with an empty prediction", empty[1]);
    if (names->fixed) {
        score_report_skip(r, "items with a gold label outside --labels", unknown[0]);
        score_report_skip(r, "items with a prediction outside --labels", unknown[1]);
    }
    d->classes = names->count;
    d->n = j->n;
    if (!status && !names->count)
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s has no label", call->gold);
    return status;
}

affect_status score_task_classes(const score_call *call) {
    score_join join;
    score_names names = {0};
    score_report report;
    score_class *rows = NULL;
    score_confusion confusion = {0};
    task_data data = {.call = call};
    report_begin(call, &report, class_values, BASE_COUNT(class_values), "most frequent gold class");
    affect_status status = score_join_open(call, &join);
    score_join_report(&join, &report);
    if (!status) status = read_class_pairs(call, &join, &names, &data, &report);
    if (!status) status = report_values(call, &join, classes_metric, &data, &report);
    if (status) goto cleanup;
    score_classes c;
    rows = base_calloc(names.count, sizeof *rows);
    status = rows ? score_confusion_init(call->ctx, names.count, &confusion)
                  : base_fail_memory(call->ctx);
    if (!status)
        status = score_confusion_add(call->ctx, &confusion, data.gold_class, data.predicted_class,
                                     join.n);
    if (status) goto cleanup;
    score_classes_from(&confusion, average_of(call), &c, rows);
    report.items = c.items;
    if (c.items) {
        report.majority[0] = c.majority_accuracy;
        report.majority[1] = c.majority_uar;
        report.majority[2] = c.majority_macro_f1;
        report.majority[3] = c.majority_weighted_f1;
        snprintf(report.majority_label, sizeof report.majority_label, "%s",
                 names.items[c.majority_class]);
    }
    report.class_names = (const char *const *)names.items;
    report.class_rows = rows;
    report.classes = names.count;
    status = score_report_print(call, &report);
cleanup:
    score_confusion_clear(&confusion);
    base_free(rows);
    score_names_clear(&names);
    task_data_clear(&data);
    score_join_clear(&join);
    return status;
}

/* ---- numbers ---- */

static affect_status read_numbers(const score_call *call, const data_frame *frame, size_t column,
                                  const uint32_t *row, size_t n, size_t stride, double *out) {
    for (size_t i = 0; i < n; i++)
        if (!data_frame_number(frame, row[i], column, &out[i * stride]))
            return data_frame_fail(call->ctx, frame, row[i], column, "a number");
    return AFFECT_OK;
}

static affect_status read_number_pairs(const score_call *call, const score_join *j, task_data *d,
                                       score_report *r) {
    size_t gold, predicted, bytes = (j->n + 1) * sizeof(double);
    affect_status status =
        score_value_column(call, j->gold, call->gold_column, j->gold_id, j->gold_unit, &gold);
    if (!status)
        status = score_value_column(call, j->predicted, call->predicted_column, j->predicted_id, -1,
                                    &predicted);
    if (status) return status;
    d->gold = base_alloc(bytes);
    d->predicted = base_alloc(bytes);
    if (!d->gold || !d->predicted) return base_fail_memory(call->ctx);
    status = read_numbers(call, j->gold, gold, j->gold_row, j->n, 1, d->gold);
    if (!status)
        status =
            read_numbers(call, j->predicted, predicted, j->predicted_row, j->n, 1, d->predicted);
    int64_t no_gold = 0, no_prediction = 0;
    for (size_t i = 0; i < j->n && !status; i++) {
        no_gold += isnan(d->gold[i]);
        no_prediction += isnan(d->predicted[i]);
    }
    score_report_skip(r, "items without a gold value", no_gold);
    score_report_skip(r, "items without a predicted value", no_prediction);
    d->n = j->n;
    return status;
}

static bool draw_numbers(task_data *d, const uint32_t *index, size_t n) {
    if (!draw_room(d, n)) return false;
    for (size_t i = 0; i < n; i++) {
        d->gold_draw[i] = d->gold[index[i]];
        d->predicted_draw[i] = d->predicted[index[i]];
    }
    return true;
}

static const char *const regression_values[] = {
    "ccc",       "pearson",        "spearman", "mae",          "rmse",
    "mean_gold", "mean_predicted", "sd_gold",  "sd_predicted", "ccc_mean_of_units"};

static score_variance variance_of(const score_call *call) {
    return strcmp(call->variance, "sample") == 0 ? SCORE_SAMPLE : SCORE_POPULATION;
}

static bool regression_metric(void *user, const uint32_t *index, size_t n, double *out) {
    task_data *d = user;
    score_regression r;
    if (!draw_numbers(d, index, n)) return false;
    affect_status status = score_regression_from(d->call->ctx, d->gold_draw, d->predicted_draw, n,
                                                 variance_of(d->call), &r);
    if (status) {
        d->status = status;
        return false;
    }
    const double values[] = {r.ccc,       r.pearson,        r.spearman, r.mae,          r.rmse,
                             r.mean_gold, r.mean_predicted, r.sd_gold,  r.sd_predicted, NAN};
    memcpy(out, values, sizeof values);
    return true;
}

affect_status score_task_regression(const score_call *call) {
    score_join join;
    score_report report;
    task_data data = {.call = call};
    double *constant = NULL;
    report_begin(call, &report, regression_values, BASE_COUNT(regression_values),
                 "the mean of gold for every item");
    affect_status status = score_join_open(call, &join);
    score_join_report(&join, &report);
    if (!status) status = read_number_pairs(call, &join, &data, &report);
    if (!status) status = report_values(call, &join, regression_metric, &data, &report);
    if (status) goto cleanup;
    score_regression r;
    status =
        score_regression_from(call->ctx, data.gold, data.predicted, join.n, variance_of(call), &r);
    report.items = r.items;
    if (!status && join.gold_unit >= 0) {
        int64_t undefined = 0;
        status =
            score_ccc_by_clip(call->ctx, data.gold, data.predicted, join.unit, join.n, join.units,
                              variance_of(call), &report.value[9], NULL, &undefined);
        score_report_skip(&report, "units without a defined CCC in ccc_mean_of_units", undefined);
    }
    constant = base_alloc((join.n + 1) * sizeof *constant);
    if (!constant) status = base_fail_memory(call->ctx);
    for (size_t i = 0; i < join.n && constant; i++)
        constant[i] = isnan(data.predicted[i]) ? NAN : r.mean_gold;
    if (!status)
        status =
            score_regression_from(call->ctx, data.gold, constant, join.n, variance_of(call), &r);
    if (!status) {
        report.majority[0] = r.ccc;
        report.majority[3] = r.mae;
        report.majority[4] = r.rmse;
        status = score_report_print(call, &report);
    }
cleanup:
    base_free(constant);
    task_data_clear(&data);
    score_join_clear(&join);
    return status;
}

/* ---- sentiment ---- */

static const char *const sentiment_values[] = {
    "acc2_has0", "f1_has0", "acc2_non0", "f1_non0", "acc3", "acc5", "acc7", "mae", "corr"};

static score_sentiment_set set_of(const score_call *call) {
    return strcmp(call->set, "sims") == 0 ? SCORE_SIMS : SCORE_MOSI;
}

static bool sentiment_metric(void *user, const uint32_t *index, size_t n, double *out) {
    task_data *d = user;
    score_sentiment s;
    if (!draw_numbers(d, index, n)) return false;
    affect_status status =
        score_sentiment_from(d->call->ctx, d->gold_draw, d->predicted_draw, n, set_of(d->call), &s);
    if (status) {
        d->status = status;
        return false;
    }
    const double values[] = {s.acc2_has0, s.f1_has0, s.acc2_non0, s.f1_non0, s.acc3,
                             s.acc5,      s.acc7,    s.mae,       s.corr};
    memcpy(out, values, sizeof values);
    return true;
}

static const char *const sentiment_class_values[] = {"acc2_has0", "f1_has0", "acc2_non0",
                                                     "f1_non0",   "acc3",    "f1_3"};
static const char *const table_bug_values[] = {
    "acc2_has0", "f1_has0", "acc2_non0_table_bug", "f1_non0_table_bug", "acc3", "f1_3"};

static bool sentiment_classes_metric(void *user, const uint32_t *index, size_t n, double *out) {
    task_data *d = user;
    score_sentiment_classes s;
    if (!draw_room(d, n)) return false;
    for (size_t i = 0; i < n; i++) {
        d->gold_class_draw[i] = d->gold_class[index[i]];
        memcpy(d->predicted_draw + 3 * i, d->predicted + 3 * index[i], 3 * sizeof(double));
    }
    affect_status status = score_sentiment_classes_from(
        d->call->ctx, d->gold_class_draw, d->predicted_draw, n, d->call->table_bug, &s);
    if (status) {
        d->status = status;
        return false;
    }
    const double values[] = {s.acc2_has0, s.f1_has0, s.acc2_non0, s.f1_non0, s.acc3, s.f1_3};
    memcpy(out, values, sizeof values);
    return true;
}

/* Every column of the predictions but the id, in their order. */
static affect_status read_matrix(const score_call *call, const score_join *j,
                                 const data_frame *frame, const uint32_t *row, int id, int unit,
                                 size_t *width, double **out, size_t *columns, size_t most) {
    *width = 0;
    for (size_t c = 0; c < frame->columns; c++)
        if ((int)c != id && (int)c != unit) {
            if (*width == most)
                return base_fail(call->ctx, AFFECT_ERROR_LIMIT, "%s: more than %zu columns",
                                 frame->path, most);
            columns[(*width)++] = c;
        }
    if (!*width)
        return base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: no column of values", frame->path);
    *out = base_calloc(j->n + 1, *width * sizeof **out);
    if (!*out) return base_fail_memory(call->ctx);
    affect_status status = AFFECT_OK;
    for (size_t c = 0; c < *width && !status; c++)
        status = read_numbers(call, frame, columns[c], row, j->n, *width, *out + c);
    return status;
}

enum { MOST_LABELS = 1024 };

static affect_status sentiment_classes(const score_call *call) {
    score_join join;
    score_report report;
    task_data data = {.call = call};
    size_t columns[MOST_LABELS], gold, width;
    report_begin(call, &report, call->table_bug ? table_bug_values : sentiment_class_values, 6,
                 NULL);
    affect_status status = score_join_open(call, &join);
    score_join_report(&join, &report);
    if (!status)
        status = score_value_column(call, join.gold, call->gold_column, join.gold_id,
                                    join.gold_unit, &gold);
    if (!status)
        status = read_matrix(call, &join, join.predicted, join.predicted_row, join.predicted_id, -1,
                             &width, &data.predicted, columns, MOST_LABELS);
    if (!status && width != 3)
        status = base_fail(call->ctx, AFFECT_ERROR_SHAPE,
                           "%s: %zu columns of scores, expected negative, neutral, positive",
                           call->predicted, width);
    if (status) goto cleanup;
    data.width = 3;
    data.gold = base_alloc((join.n + 1) * sizeof(double));
    data.gold_class = base_alloc((join.n + 1) * sizeof(int32_t));
    if (!data.gold || !data.gold_class) {
        status = base_fail_memory(call->ctx);
        goto cleanup;
    }
    status = read_numbers(call, join.gold, gold, join.gold_row, join.n, 1, data.gold);
    for (size_t i = 0; i < join.n && !status; i++) {
        if (!isnan(data.gold[i]) && data.gold[i] != 0 && data.gold[i] != 1 && data.gold[i] != 2)
            status = data_frame_fail(call->ctx, join.gold, join.gold_row[i], gold,
                                     "0 (negative), 1 or 2 (positive)");
        data.gold_class[i] = isnan(data.gold[i]) ? -1 : (int32_t)data.gold[i];
        report.items += data.gold_class[i] >= 0;
    }
    if (!status) status = report_values(call, &join, sentiment_classes_metric, &data, &report);
    if (!status) status = score_report_print(call, &report);
cleanup:
    task_data_clear(&data);
    score_join_clear(&join);
    return status;
}

affect_status score_task_sentiment(const score_call *call) {
    if (call->classes) return sentiment_classes(call);
    score_join join;
    score_report report;
    task_data data = {.call = call};
    report_begin(call, &report, sentiment_values, BASE_COUNT(sentiment_values),
                 "the more frequent side of each binarisation");
    affect_status status = score_join_open(call, &join);
    score_join_report(&join, &report);
    if (!status) status = read_number_pairs(call, &join, &data, &report);
    if (!status) status = report_values(call, &join, sentiment_metric, &data, &report);
    score_sentiment s;
    if (!status)
        status =
            score_sentiment_from(call->ctx, data.gold, data.predicted, join.n, set_of(call), &s);
    if (!status) {
        report.items = s.items;
        report.majority[0] = s.majority_acc2_has0;
        report.majority[1] = s.majority_f1_has0;
        report.majority[2] = s.majority_acc2_non0;
        report.majority[3] = s.majority_f1_non0;
        if (set_of(call) == SCORE_MOSI)
            score_report_skip(&report, "items with y = 0, in the non0 columns only", s.zeros);
        status = score_report_print(call, &report);
    }
    task_data_clear(&data);
    score_join_clear(&join);
    return status;
}
