/* FER+: gold is a table of raters' votes, which a convention turns into targets. */
#include <math.h>
#include <string.h>

#include "datasets/datasets.h"
#include "evaluate/evaluate.h"

static const char *const vote_values[] = {
    "accuracy", "target_accuracy", "uar", "macro_f1", "weighted_f1", "nll", "ece"};
static const char ferplus_labels[] =
    "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt";

static affect_score_votes convention_of(const evaluate_call *call) {
    return strcmp(call->convention, "probability") == 0    ? AFFECT_SCORE_PROBABILITY
           : strcmp(call->convention, "multi-target") == 0 ? AFFECT_SCORE_MULTI_TARGET
                                                           : AFFECT_SCORE_MAJORITY;
}

/* Scores of the items that the convention keeps and that have a prediction. */
static bool votes_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    affect_context *ctx = d->call->ctx;
    size_t w = d->classes, kept = 0;
    uint32_t *valid = evaluate_draw(d, 0, (n + 1) * sizeof *valid);
    if (!valid) return false;
    for (size_t i = 0; i < n; i++)
        if (d->gold_class[index[i]] >= 0 && d->predicted_class[index[i]] >= 0)
            valid[kept++] = index[i];
    const int32_t *gold = evaluate_gather(d, 1, d->gold_class, sizeof *gold, valid, kept);
    const int32_t *said = evaluate_gather(d, 2, d->predicted_class, sizeof *said, valid, kept);
    if (!gold || !said) return false;
    affect_score_confusion confusion = {0};
    affect_score_classes c;
    d->status = affect_score_confusion_init(ctx, w, &confusion);
    if (!d->status) d->status = affect_score_confusion_add(ctx, &confusion, gold, said, kept);
    if (!d->status) {
        affect_score_classes_from(&confusion, evaluate_average_of(d->call), &c, NULL);
        double hits = 0;
        for (size_t i = 0; i < kept; i++)
            hits += d->gold[valid[i] * w + (size_t)d->predicted_class[valid[i]]] > 0;
        const double values[] = {
            c.accuracy, kept ? hits / (double)kept : NAN, c.uar, c.macro_f1, c.weighted_f1, NAN,
            NAN};
        memcpy(out, values, sizeof values);
    }
    affect_score_confusion_clear(&confusion);
    if (d->status || !d->predicted) return !d->status;
    affect_score_calibration calibration;
    const double *probability =
        evaluate_gather(d, 2, d->predicted, w * sizeof *probability, valid, kept);
    if (!probability) return false;
    affect_score_calibration_from(probability, gold, kept, w, (size_t)d->call->bins, &calibration,
                                  NULL);
    const double *target = evaluate_gather(d, 1, d->gold, w * sizeof *target, valid, kept);
    if (!target) return false;
    out[5] = affect_score_soft_nll(probability, target, kept, w);
    out[6] = calibration.ece;
    return true;
}

static affect_status read_votes(evaluate_data *d, const evaluate_names *names, evaluate_report *r) {
    const evaluate_join *j = d->join;
    const evaluate_call *call = d->call;
    size_t w = names->count;
    datasets_votes columns;
    int64_t unknown = 0, no_face = 0;
    affect_status status =
        datasets_votes_find(call->ctx, j->gold, (const char *const *)names->items, w, &columns);
    if (status) return status;
    d->gold = base_calloc(j->n + 1, w * sizeof *d->gold);
    d->gold_class = base_alloc((j->n + 1) * sizeof *d->gold_class);
    if (!d->gold || !d->gold_class) return base_fail_memory(call->ctx);
    for (size_t i = 0; i < j->n; i++) {
        double votes[DATASETS_MOST_CLASSES + 2];
        bool not_a_face;
        status = datasets_votes_row(call->ctx, j->gold, &columns, j->gold_row[i], votes);
        if (status) return status;
        if (!affect_score_votes_target(votes, w, convention_of(call), d->gold + i * w,
                                       &d->gold_class[i], &not_a_face)) {
            no_face += not_a_face;
            unknown += !not_a_face;
        }
    }
    evaluate_report_skip(r, "items whose votes the convention calls unknown", unknown);
    evaluate_report_skip(r, "items whose votes say that there is no face", no_face);
    return AFFECT_OK;
}

/* A column of labels, or probabilities: columns named like the classes, or an array of as many. */
static affect_status read_predictions(evaluate_data *d, const evaluate_names *names,
                                      evaluate_report *r) {
    const evaluate_join *j = d->join;
    const evaluate_call *call = d->call;
    size_t w = names->count, column;
    char buffer[DATA_FRAME_CELL];
    bool array = j->predicted->array && j->predicted->columns == w && w > 1;
    bool matrix = array || (j->predicted->table && j->predicted->table->names &&
                            data_table_column(j->predicted->table, names->items[0]) >= 0);
    affect_status status = AFFECT_OK;
    int64_t missing = 0;
    d->predicted_class = base_alloc((j->n + 1) * sizeof *d->predicted_class);
    if (matrix) d->predicted = base_alloc((j->n * w + 1) * sizeof *d->predicted);
    if (!d->predicted_class || (matrix && !d->predicted)) return base_fail_memory(call->ctx);
    for (size_t k = 0; k < w && matrix && !status; k++) {
        int at = (int)k;
        if (!array) status = evaluate_named_column(call->ctx, j->predicted, names->items[k], &at);
        if (!status)
            status = evaluate_read_numbers(call, j->predicted, (size_t)at, j->predicted_row, j->n,
                                           w, d->predicted + k);
    }
    if (!matrix) status = evaluate_value_column(call, j, true, &column);
    for (size_t i = 0; i < j->n && !status; i++) {
        int32_t *said = &d->predicted_class[i];
        if (!matrix) {
            const char *text = data_frame_text(j->predicted, j->predicted_row[i], column, buffer);
            *said = data_frame_missing(text) ? -1 : evaluate_names_find(names, text, strlen(text));
            double number;
            if (*said < 0 && base_parse_double(text, strlen(text), &number) && number >= 0 &&
                number < (double)w && number == floor(number))
                *said = (int32_t)number; /* classes by number */
        } else {
            const double *p = d->predicted + i * w;
            *said = 0;
            for (size_t k = 0; k < w && *said >= 0; k++) {
                if (isnan(p[k]))
                    *said = -1;
                else if (p[k] > p[*said])
                    *said = (int32_t)k;
            }
        }
        missing += *said < 0 && d->gold_class[i] >= 0;
        r->items += *said >= 0 && d->gold_class[i] >= 0;
    }
    evaluate_report_skip(r, "items without a prediction of one of the classes", missing);
    return status;
}

affect_status evaluate_task_ferplus(const evaluate_call *call) {
    evaluate_join join;
    evaluate_report report;
    evaluate_names names = {0};
    affect_score_class *rows = NULL;
    affect_score_confusion confusion = {0};
    evaluate_data d = {.call = call, .join = &join};
    evaluate_report_begin(call, &report, vote_values, BASE_COUNT(vote_values),
                          "most frequent gold class; nll of gold's mean shares");
    affect_status status = evaluate_join_open(call, &join);
    evaluate_join_report(&join, &report);
    if (!status)
        status = evaluate_names_from_option(call->ctx, call->labels ? call->labels : ferplus_labels,
                                            &names);
    d.classes = names.count;
    if (!status) status = read_votes(&d, &names, &report);
    if (!status) status = read_predictions(&d, &names, &report);
    if (!status) status = evaluate_values(&d, votes_metric, &report);
    if (status) goto cleanup;
    size_t w = names.count;
    double share[DATASETS_MOST_CLASSES] = {0}, nll = 0, hits[DATASETS_MOST_CLASSES] = {0};
    rows = base_calloc(w, sizeof *rows);
    status =
        rows ? affect_score_confusion_init(call->ctx, w, &confusion) : base_fail_memory(call->ctx);
    if (!status)
        status = affect_score_confusion_add(call->ctx, &confusion, d.gold_class, d.predicted_class,
                                            join.n);
    if (status) goto cleanup;
    affect_score_classes c;
    affect_score_classes_from(&confusion, evaluate_average_of(call), &c, rows);
    for (size_t i = 0; i < join.n; i++)
        for (size_t k = 0; k < w && d.gold_class[i] >= 0 && d.predicted_class[i] >= 0; k++) {
            share[k] += d.gold[i * w + k] / (double)report.items;
            hits[k] += d.gold[i * w + k] > 0;
        }
    for (size_t k = 0; k < w; k++)
        if (share[k] > 0) nll -= share[k] * log(share[k]);
    if (report.items) {
        const double majority[] = {
            c.majority_accuracy,    hits[c.majority_class] / (double)report.items,
            c.majority_uar,         c.majority_macro_f1,
            c.majority_weighted_f1, nll};
        memcpy(report.majority, majority, sizeof majority);
        snprintf(report.majority_label, sizeof report.majority_label, "%s",
                 names.items[c.majority_class]);
    }
    report.class_names = (const char *const *)names.items;
    report.class_rows = rows;
    report.classes = w;
    status = evaluate_report_write(call, &report);
cleanup:
    affect_score_confusion_clear(&confusion);
    base_free(rows);
    evaluate_report_clear(&report);
    evaluate_names_clear(&names);
    evaluate_data_clear(&d);
    evaluate_join_clear(&join);
    return status;
}
