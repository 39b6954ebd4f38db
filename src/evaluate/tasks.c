/* The tasks on columns: each reads its columns, computes its values on any selection of items (all,
 * or a bootstrap draw), and hands a report to the printer. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "evaluate/evaluate.h"

/* ---- classes ---- */

static const char *const class_values[] = {
    "accuracy", "uar", "macro_f1",    "weighted_f1",        "macro_precision", "macro_recall",
    "micro_f1", "uf1", "cohen_kappa", "weighted_precision", "weighted_recall",
};

static void put_classes(const affect_score_classes *c, double *out) {
    const double values[] = {
        c->accuracy,       c->uar,      c->macro_f1, c->weighted_f1, c->macro_precision,
        c->macro_recall,   c->micro_f1, c->uf1,      c->cohen_kappa, c->weighted_precision,
        c->weighted_recall};
    memcpy(out, values, sizeof values);
}

/* Gold and predicted classes of the items index[0..n); false: no memory, d->status says so. */
static bool gather_classes(evaluate_data *d, const uint32_t *index, size_t n, const int32_t **gold,
                           const int32_t **predicted) {
    *gold = evaluate_gather(d, 0, d->gold_class, sizeof **gold, index, n);
    *predicted = evaluate_gather(d, 1, d->predicted_class, sizeof **gold, index, n);
    return *gold && *predicted;
}

/* The same of numbers. */
static bool gather_numbers(evaluate_data *d, const uint32_t *index, size_t n, const double **gold,
                           const double **predicted) {
    *gold = evaluate_gather(d, 0, d->gold, sizeof **gold, index, n);
    *predicted = evaluate_gather(d, 1, d->predicted, sizeof **gold, index, n);
    return *gold && *predicted;
}

static affect_status count_classes(evaluate_data *d, const uint32_t *index, size_t n,
                                   affect_score_confusion *confusion) {
    const int32_t *gold, *predicted;
    if (!gather_classes(d, index, n, &gold, &predicted)) return d->status;
    affect_status status = affect_score_confusion_init(d->call->ctx, d->classes, confusion);
    return status ? status
                  : affect_score_confusion_add(d->call->ctx, confusion, gold, predicted, n);
}

static bool classes_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    affect_score_confusion confusion = {0};
    affect_score_classes c;
    affect_status status = count_classes(d, index, n, &confusion);
    if (!status) {
        affect_score_classes_from(&confusion, evaluate_average_of(d->call), &c, NULL);
        put_classes(&c, out);
    } else {
        d->status = status;
    }
    affect_score_confusion_clear(&confusion);
    return status == AFFECT_OK;
}

static void values_of_classes(void *user, const affect_score_confusion *drawn, double *out) {
    affect_score_classes c;
    affect_score_classes_from(drawn, evaluate_average_of(user), &c, NULL);
    put_classes(&c, out);
}

static affect_status resample_classes(evaluate_data *d, const uint32_t *index, size_t n,
                                      const score_draws *draws, size_t values,
                                      affect_score_interval *out) {
    const int32_t *gold, *predicted;
    if (!gather_classes(d, index, n, &gold, &predicted)) return d->status;
    return score_resample_classes(d->call->ctx, draws, gold, predicted, n, d->classes,
                                  values_of_classes, (void *)(uintptr_t)d->call, values, out);
}

/* A row a fold: what the pooled values would be if each fold stood alone. The means of these rows
 * are the usual mistake where a fold lacks classes (RESEARCH: UF1 is pooled). */
static const char *const fold_values[] = {"items",    "accuracy",    "uar",
                                          "macro_f1", "weighted_f1", "uf1"};

static affect_status add_folds(evaluate_data *d, evaluate_names *folds, evaluate_report *r) {
    const evaluate_join *j = d->join;
    char buffer[DATA_FRAME_CELL];
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < j->n && !status; i++) {
        const char *text = data_frame_text(j->gold, j->gold_row[i], (size_t)j->gold_fold, buffer);
        status = evaluate_names_add(d->call->ctx, folds, text, strlen(text));
    }
    if (status) return status;
    evaluate_names_sort(folds);
    uint32_t *index = base_alloc((j->n + 1) * sizeof *index);
    double *values = evaluate_report_table(r, "folds", (const char *const *)folds->items,
                                           folds->count, fold_values, BASE_COUNT(fold_values));
    if (!index || !values) status = base_fail_memory(d->call->ctx);
    for (size_t f = 0; f < folds->count && !status; f++) {
        size_t n = 0;
        for (size_t i = 0; i < j->n; i++) {
            const char *text =
                data_frame_text(j->gold, j->gold_row[i], (size_t)j->gold_fold, buffer);
            if (strcmp(text, folds->items[f]) == 0) index[n++] = (uint32_t)i;
        }
        affect_score_confusion confusion = {0};
        affect_score_classes c;
        status = count_classes(d, index, n, &confusion);
        if (!status) {
            affect_score_classes_from(&confusion, evaluate_average_of(d->call), &c, NULL);
            const double row[] = {(double)c.items, c.accuracy,    c.uar,
                                  c.macro_f1,      c.weighted_f1, c.uf1};
            memcpy(values + f * BASE_COUNT(row), row, sizeof row);
        }
        affect_score_confusion_clear(&confusion);
    }
    base_free(index);
    return status;
}

affect_status evaluate_task_classes(const evaluate_call *call) {
    evaluate_join join;
    evaluate_names names = {0}, folds = {0};
    evaluate_report report;
    affect_score_class *rows = NULL;
    affect_score_confusion confusion = {0};
    evaluate_data data = {.call = call, .join = &join, .resample = resample_classes};
    evaluate_report_begin(call, &report, class_values, BASE_COUNT(class_values),
                          "most frequent gold class");
    affect_status status = evaluate_join_open(call, &join);
    evaluate_join_report(&join, &report);
    if (!status) status = evaluate_read_class_pairs(&data, &names, &report);
    if (!status) status = evaluate_values(&data, classes_metric, &report);
    if (!status && join.gold_fold >= 0) status = add_folds(&data, &folds, &report);
    if (status) goto cleanup;
    affect_score_classes c;
    rows = base_calloc(names.count, sizeof *rows);
    status = rows ? affect_score_confusion_init(call->ctx, names.count, &confusion)
                  : base_fail_memory(call->ctx);
    if (!status)
        status = affect_score_confusion_add(call->ctx, &confusion, data.gold_class,
                                            data.predicted_class, join.n);
    if (status) goto cleanup;
    affect_score_classes_from(&confusion, evaluate_average_of(call), &c, rows);
    report.items = c.items;
    if (c.items) {
        report.majority[0] = c.majority_accuracy;
        report.majority[1] = c.majority_uar;
        report.majority[2] = c.majority_macro_f1;
        report.majority[3] = c.majority_weighted_f1;
        snprintf(report.majority_label, sizeof report.majority_label, "%s",
                 names.items[c.majority_class]);
        report.majority[6] = c.majority_accuracy; /* micro F1 */
        report.majority[7] = c.majority_macro_f1; /* UF1 */
        report.majority[8] = c.majority_accuracy < 1 ? 0 : NAN;
    }
    report.class_names = (const char *const *)names.items;
    report.class_rows = rows;
    report.classes = names.count;
    status = evaluate_report_write(call, &report);
cleanup:
    affect_score_confusion_clear(&confusion);
    base_free(rows);
    evaluate_names_clear(&names);
    evaluate_names_clear(&folds);
    evaluate_report_clear(&report);
    evaluate_data_clear(&data);
    evaluate_join_clear(&join);
    return status;
}

/* ---- numbers ---- */

static const char *const regression_values[] = {
    "ccc",       "pearson",        "spearman", "mae",          "rmse",
    "mean_gold", "mean_predicted", "sd_gold",  "sd_predicted", "ccc_mean_of_units"};

static void put_numbers(void *user, const affect_score_regression *r, double *out) {
    (void)user;
    const double values[] = {r->ccc,       r->pearson,        r->spearman, r->mae,          r->rmse,
                             r->mean_gold, r->mean_predicted, r->sd_gold,  r->sd_predicted, NAN};
    memcpy(out, values, sizeof values);
}

static bool regression_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    affect_score_regression r;
    const double *gold, *predicted;
    if (!gather_numbers(d, index, n, &gold, &predicted)) return false;
    affect_status status = affect_score_regression_from(d->call->ctx, gold, predicted, n,
                                                        evaluate_variance_of(d->call), &r);
    if (status) {
        d->status = status;
        return false;
    }
    put_numbers(NULL, &r, out);
    return true;
}

static affect_status resample_regression(evaluate_data *d, const uint32_t *index, size_t n,
                                         const score_draws *draws, size_t values,
                                         affect_score_interval *out) {
    const double *gold, *predicted;
    if (!gather_numbers(d, index, n, &gold, &predicted)) return d->status;
    for (size_t i = 0; i < n; i++)
        if (isinf(gold[i]) || isinf(predicted[i])) return AFFECT_ERROR_UNSUPPORTED;
    return score_resample_numbers(d->call->ctx, draws, gold, predicted, n,
                                  evaluate_variance_of(d->call), put_numbers, NULL, values, out);
}

affect_status evaluate_task_regression(const evaluate_call *call) {
    evaluate_join join;
    evaluate_report report;
    evaluate_data data = {.call = call, .join = &join, .resample = resample_regression};
    double *constant = NULL;
    evaluate_report_begin(call, &report, regression_values, BASE_COUNT(regression_values),
                          "the mean of gold for every item");
    affect_status status = evaluate_join_open(call, &join);
    evaluate_join_report(&join, &report);
    if (!status) status = evaluate_read_number_pairs(&data, &report);
    if (!status) status = evaluate_values(&data, regression_metric, &report);
    if (status) goto cleanup;
    affect_score_regression r;
    status = affect_score_regression_from(call->ctx, data.gold, data.predicted, join.n,
                                          evaluate_variance_of(call), &r);
    report.items = r.items;
    if (!status && join.gold_unit >= 0) {
        int64_t undefined = 0;
        status = affect_score_ccc_by_clip(call->ctx, data.gold, data.predicted, join.unit, join.n,
                                          join.units, evaluate_variance_of(call), &report.value[9],
                                          NULL, &undefined);
        evaluate_report_skip(&report, "units without a defined CCC in ccc_mean_of_units",
                             undefined);
    }
    constant = base_alloc((join.n + 1) * sizeof *constant);
    if (!constant) status = base_fail_memory(call->ctx);
    for (size_t i = 0; i < join.n && constant; i++)
        constant[i] = isnan(data.predicted[i]) ? NAN : r.mean_gold;
    if (!status)
        status = affect_score_regression_from(call->ctx, data.gold, constant, join.n,
                                              evaluate_variance_of(call), &r);
    if (!status) {
        report.majority[0] = r.ccc;
        report.majority[3] = r.mae;
        report.majority[4] = r.rmse;
        status = evaluate_report_write(call, &report);
    }
cleanup:
    base_free(constant);
    evaluate_report_clear(&report);
    evaluate_data_clear(&data);
    evaluate_join_clear(&join);
    return status;
}

/* ---- sentiment ---- */

static const char *const sentiment_values[] = {
    "acc2_has0", "f1_has0", "acc2_non0", "f1_non0", "acc3", "acc5", "acc7", "mae", "corr"};

static affect_score_sentiment_set set_of(const evaluate_call *call) {
    return base_starts_with(call->set, "sims") ? AFFECT_SCORE_SIMS : AFFECT_SCORE_MOSI;
}

static bool sentiment_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    affect_score_sentiment s;
    const double *gold, *predicted;
    if (!gather_numbers(d, index, n, &gold, &predicted)) return false;
    affect_status status =
        affect_score_sentiment_from(d->call->ctx, gold, predicted, n, set_of(d->call), &s);
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
    evaluate_data *d = user;
    affect_score_sentiment_classes s;
    const int32_t *gold = evaluate_gather(d, 0, d->gold_class, sizeof *gold, index, n);
    const double *scores = evaluate_gather(d, 1, d->predicted, 3 * sizeof *scores, index, n);
    if (!gold || !scores) return false;
    affect_status status =
        affect_score_sentiment_classes_from(d->call->ctx, gold, scores, n, d->call->table_bug, &s);
    if (status) {
        d->status = status;
        return false;
    }
    const double values[] = {s.acc2_has0, s.f1_has0, s.acc2_non0, s.f1_non0, s.acc3, s.f1_3};
    memcpy(out, values, sizeof values);
    return true;
}

static affect_status sentiment_classes(const evaluate_call *call) {
    evaluate_join join;
    evaluate_report report;
    evaluate_data data = {.call = call, .join = &join};
    size_t gold, width;
    evaluate_report_begin(call, &report,
                          call->table_bug ? table_bug_values : sentiment_class_values, 6, NULL);
    affect_status status = evaluate_join_open(call, &join);
    evaluate_join_report(&join, &report);
    if (!status) status = evaluate_value_column(call, &join, false, &gold);
    if (!status) status = evaluate_read_matrix(call, &join, true, &data.predicted, &width, NULL);
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
    status = evaluate_read_numbers(call, join.gold, gold, join.gold_row, join.n, 1, data.gold);
    for (size_t i = 0; i < join.n && !status; i++) {
        if (!isnan(data.gold[i]) && data.gold[i] != 0 && data.gold[i] != 1 && data.gold[i] != 2)
            status = data_frame_fail(call->ctx, join.gold, join.gold_row[i], gold,
                                     "0 (negative), 1 or 2 (positive)");
        data.gold_class[i] = isnan(data.gold[i]) ? -1 : (int32_t)data.gold[i];
        report.items += data.gold_class[i] >= 0;
    }
    if (!status) status = evaluate_values(&data, sentiment_classes_metric, &report);
    if (!status) status = evaluate_report_write(call, &report);
cleanup:
    evaluate_report_clear(&report);
    evaluate_data_clear(&data);
    evaluate_join_clear(&join);
    return status;
}

affect_status evaluate_task_sentiment(const evaluate_call *call) {
    if (call->classes) return sentiment_classes(call);
    evaluate_join join;
    evaluate_report report;
    evaluate_data data = {.call = call, .join = &join};
    evaluate_report_begin(call, &report, sentiment_values, BASE_COUNT(sentiment_values),
                          "the more frequent side of each binarisation");
    affect_status status = evaluate_join_open(call, &join);
    evaluate_join_report(&join, &report);
    if (!status) status = evaluate_read_number_pairs(&data, &report);
    if (!status) status = evaluate_values(&data, sentiment_metric, &report);
    affect_score_sentiment s;
    if (!status)
        status = affect_score_sentiment_from(call->ctx, data.gold, data.predicted, join.n,
                                             set_of(call), &s);
    if (!status) {
        report.items = s.items;
        report.majority[0] = s.majority_acc2_has0;
        report.majority[1] = s.majority_f1_has0;
        report.majority[2] = s.majority_acc2_non0;
        report.majority[3] = s.majority_f1_non0;
        if (set_of(call) == AFFECT_SCORE_MOSI)
            evaluate_report_skip(&report, "items with y = 0, in the non0 columns only", s.zeros);
        status = evaluate_report_write(call, &report);
    }
    evaluate_report_clear(&report);
    evaluate_data_clear(&data);
    evaluate_join_clear(&join);
    return status;
}
