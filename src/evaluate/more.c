/* Tasks whose items are sets of labels, units with several raters, or probabilities. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/svg.h"
#include "evaluate/evaluate.h"

/* ---- several labels an item ---- */

static const char *const multilabel_values[] = {
    "micro_f1",     "macro_f1",        "weighted_f1",  "samples_f1",      "micro_precision",
    "micro_recall", "macro_precision", "macro_recall", "subset_accuracy", "hamming_loss"};

static bool multilabel_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    size_t w = d->width;
    affect_score_multilabel m;
    const uint8_t *gold = evaluate_gather(d, 0, d->gold_set, w, index, n);
    const uint8_t *predicted = evaluate_gather(d, 1, d->predicted_set, w, index, n);
    if (!gold || !predicted) return false;
    d->status = affect_score_multilabel_from(d->call->ctx, gold, predicted, n, w, &m, NULL);
    if (d->status) return false;
    const double values[] = {m.micro_f1,        m.macro_f1,     m.weighted_f1,     m.samples_f1,
                             m.micro_precision, m.micro_recall, m.macro_precision, m.macro_recall,
                             m.subset_accuracy, m.hamming_loss};
    memcpy(out, values, sizeof values);
    return true;
}

/* Calls back for each label of "['a', 'b']", "a,b", "a;b" or "a|b"; columns of 0/1 have one column
 * a label. */
static affect_status read_sets(const evaluate_call *call, const data_frame *frame, size_t column,
                               const uint32_t *row, size_t n, evaluate_names *names, uint8_t *out,
                               int64_t *unknown) {
    char buffer[DATA_FRAME_CELL];
    for (size_t i = 0; i < n; i++) {
        const char *at = data_frame_text(frame, row[i], column, buffer);
        if (data_frame_missing(at)) continue;
        for (;;) {
            at += strspn(at, " \t[](){}'\",;|");
            size_t length = strcspn(at, "[](){}'\",;|"), next = length;
            if (!length) break;
            while (length && isspace((unsigned char)at[length - 1])) length--;
            if (!out) {
                affect_status status = evaluate_names_add(call->ctx, names, at, length);
                if (status) return status;
            } else {
                int32_t k = evaluate_names_find(names, at, length);
                if (k < 0)
                    ++*unknown;
                else
                    out[i * names->count + (size_t)k] = 1;
            }
            at += next;
        }
    }
    return AFFECT_OK;
}

/* A file has a column a label where no column of sets is named and there are several. */
static bool is_matrix(const evaluate_call *call, const evaluate_join *j, bool predicted) {
    const data_frame *frame = predicted ? j->predicted : j->gold;
    size_t column, values = 0;
    if (frame->array) return frame->array->values.type < DATA_CHARS;
    if (call->column || (predicted ? call->predicted_column : call->gold_column)) return false;
    for (size_t c = 0; c < frame->columns; c++) values += evaluate_is_value(j, frame, c);
    evaluate_call silent = *call; /* a question, whose "no" is no failure */
    silent.ctx = NULL;
    return values > 1 && evaluate_value_column(&silent, j, predicted, &column) != AFFECT_OK;
}

static bool has_names(const data_frame *frame) { return frame->table && frame->table->names; }

/* The columns of a matrix name the labels; without a header they are numbered. */
static affect_status matrix_names(const evaluate_call *call, const evaluate_join *j, bool predicted,
                                  evaluate_names *names) {
    const data_frame *frame = predicted ? j->predicted : j->gold;
    char buffer[DATA_FRAME_CELL];
    affect_status status = AFFECT_OK;
    for (size_t c = 0; c < frame->columns && !status; c++) {
        const char *name = data_frame_name(frame, c, buffer);
        if (evaluate_is_value(j, frame, c))
            status = evaluate_names_add(call->ctx, names, name, strlen(name));
    }
    names->fixed = true;
    return status;
}

/* n x labels numbers: by the names of the columns, else in their order. */
static affect_status read_label_matrix(const evaluate_call *call, const evaluate_join *j,
                                       bool predicted, const evaluate_names *names, double *out,
                                       int64_t *missing) {
    const data_frame *frame = predicted ? j->predicted : j->gold;
    const uint32_t *row = predicted ? j->predicted_row : j->gold_row;
    size_t at = 0, values = 0;
    for (size_t c = 0; c < frame->columns; c++) values += evaluate_is_value(j, frame, c);
    if (!has_names(frame) && values != names->count)
        return base_fail(call->ctx, AFFECT_ERROR_SHAPE, "%s: %zu columns for %zu labels",
                         frame->path, values, names->count);
    for (size_t k = 0; k < names->count; k++) {
        int column = -1;
        affect_status status = AFFECT_OK;
        if (has_names(frame)) {
            status = evaluate_named_column(call->ctx, frame, names->items[k], &column);
        } else {
            while (!evaluate_is_value(j, frame, at)) at++;
            column = (int)at++;
        }
        if (!status)
            status = evaluate_read_numbers(call, frame, (size_t)column, row, j->n, names->count,
                                           out + k);
        if (status) return status;
    }
    for (size_t i = 0; i < j->n * names->count; i++)
        if (isnan(out[i])) {
            ++*missing;
            out[i] = 0;
        }
    return AFFECT_OK;
}

/* Gold of one side as 0/1, from sets or from a matrix of which more than one half is yes. */
static affect_status read_label_sets(const evaluate_call *call, const evaluate_join *j,
                                     bool predicted, const evaluate_names *names, uint8_t *out,
                                     int64_t *unknown, int64_t *missing) {
    size_t column;
    affect_status status;
    if (!is_matrix(call, j, predicted)) {
        status = evaluate_value_column(call, j, predicted, &column);
        return status ? status
                      : read_sets(call, predicted ? j->predicted : j->gold, column,
                                  predicted ? j->predicted_row : j->gold_row, j->n,
                                  (evaluate_names *)names, out, unknown);
    }
    double *values = base_alloc((j->n * names->count + 1) * sizeof *values);
    if (!values) return base_fail_memory(call->ctx);
    status = read_label_matrix(call, j, predicted, names, values, missing);
    for (size_t i = 0; i < j->n * names->count && !status; i++) out[i] = values[i] > 0.5;
    base_free(values);
    return status;
}

/* The thresholds that are best on --dev-gold and --dev-pred. */
static affect_status tune(const evaluate_call *call, const evaluate_names *names, bool single,
                          double *threshold) {
    evaluate_call dev = *call;
    evaluate_join join;
    int64_t unknown = 0, missing = 0;
    dev.gold = call->dev_gold;
    dev.predicted = call->dev_predicted;
    dev.unit = dev.fold = NULL;
    affect_status status = evaluate_join_open(&dev, &join);
    size_t cells = join.n * names->count;
    uint8_t *gold = base_calloc(cells + 1, 1);
    double *probability = base_alloc((cells + 1) * sizeof *probability);
    if (!status && (!gold || !probability)) status = base_fail_memory(call->ctx);
    if (!status && !is_matrix(&dev, &join, true))
        status =
            base_fail(call->ctx, AFFECT_ERROR_USAGE,
                      "%s: a threshold needs a column of probabilities a label", dev.predicted);
    if (!status) status = read_label_sets(&dev, &join, false, names, gold, &unknown, &missing);
    if (!status) status = read_label_matrix(&dev, &join, true, names, probability, &missing);
    if (!status)
        status = affect_score_tune_threshold(call->ctx, probability, gold, join.n, names->count,
                                             single, threshold);
    if (!status && (unknown || missing))
        base_log(call->ctx, AFFECT_LOG_WARNING,
                 "%s, %s: %lld labels without a column, %lld empty cells", dev.gold, dev.predicted,
                 (long long)unknown, (long long)missing);
    base_free(gold);
    base_free(probability);
    evaluate_join_clear(&join);
    return status;
}

/* Probabilities become sets by the rule. */
static affect_status read_by_rule(const evaluate_call *call, const evaluate_join *j,
                                  const evaluate_names *names, uint8_t *out, int64_t *missing,
                                  evaluate_report *r) {
    static const char *const column[] = {"threshold"};
    size_t w = names->count;
    affect_status status = AFFECT_OK;
    double *probability = base_alloc((j->n * w + 1) * sizeof *probability);
    double *threshold = base_alloc((w + 1) * sizeof *threshold);
    bool each = strcmp(call->rule, "tuned") == 0, single = strcmp(call->rule, "tuned-single") == 0;
    if (!probability || !threshold) {
        status = base_fail_memory(call->ctx);
        goto cleanup;
    }
    status = read_label_matrix(call, j, true, names, probability, missing);
    for (size_t k = 0; k < w; k++) threshold[k] = call->threshold;
    if (!status && (each || single)) {
        if (!call->dev_gold || !call->dev_predicted)
            status = base_fail(call->ctx, AFFECT_ERROR_USAGE,
                               "--rule %s wants --dev-gold and --dev-pred", call->rule);
        else
            status = tune(call, names, single, threshold);
        for (size_t k = 1; k < w && single; k++) threshold[k] = threshold[0];
    }
    if (status) goto cleanup;
    if (strcmp(call->rule, "top-k") == 0) {
        affect_score_apply_top_k(probability, j->n, w, (size_t)call->top, out);
    } else {
        affect_score_apply_threshold(probability, j->n, w, threshold, false, call->at_least_one,
                                     out);
        double *values =
            evaluate_report_table(r, "thresholds", (const char *const *)names->items, w, column, 1);
        if (values)
            memcpy(values, threshold, w * sizeof *values);
        else
            status = base_fail_memory(call->ctx);
    }
cleanup:
    base_free(probability);
    base_free(threshold);
    return status;
}

static affect_status label_names(const evaluate_call *call, const evaluate_join *j,
                                 evaluate_names *names) {
    affect_status status = evaluate_names_from_option(call->ctx, call->labels, names);
    if (status || names->fixed) return status;
    bool gold = is_matrix(call, j, false), predicted = is_matrix(call, j, true);
    if (gold && (has_names(j->gold) || !predicted || !has_names(j->predicted)))
        return matrix_names(call, j, false, names);
    if (predicted) return matrix_names(call, j, true, names);
    for (int side = 0; side < 2 && !status; side++) {
        size_t column;
        status = evaluate_value_column(call, j, side, &column);
        if (!status)
            status = read_sets(call, side ? j->predicted : j->gold, column,
                               side ? j->predicted_row : j->gold_row, j->n, names, NULL, NULL);
    }
    evaluate_names_sort(names);
    return status;
}

affect_status evaluate_task_multilabel(const evaluate_call *call) {
    evaluate_join join;
    evaluate_report report;
    evaluate_names names = {0};
    affect_score_class *rows = NULL;
    uint8_t *constant = NULL;
    evaluate_data d = {.call = call, .join = &join};
    int64_t unknown[2] = {0}, missing[2] = {0};
    evaluate_report_begin(call, &report, multilabel_values, BASE_COUNT(multilabel_values),
                          "the most frequent label for every item");
    affect_status status = evaluate_join_open(call, &join);
    evaluate_join_report(&join, &report);
    if (!status) status = label_names(call, &join, &names);
    if (!status && !names.count)
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s has no label", call->gold);
    if (status) goto cleanup;
    d.width = names.count;
    d.gold_set = base_calloc(join.n + 1, d.width);
    d.predicted_set = base_calloc(join.n + 1, d.width);
    constant = base_calloc(join.n + 1, d.width);
    rows = base_calloc(d.width, sizeof *rows);
    if (!d.gold_set || !d.predicted_set || !rows || !constant) {
        status = base_fail_memory(call->ctx);
        goto cleanup;
    }
    status = read_label_sets(call, &join, false, &names, d.gold_set, &unknown[0], &missing[0]);
    if (!status && is_matrix(call, &join, true))
        status = read_by_rule(call, &join, &names, d.predicted_set, &missing[1], &report);
    else if (!status)
        status =
            read_label_sets(call, &join, true, &names, d.predicted_set, &unknown[1], &missing[1]);
    affect_score_multilabel m, c;
    if (!status)
        status = affect_score_multilabel_from(call->ctx, d.gold_set, d.predicted_set, join.n,
                                              d.width, &m, rows);
    if (status) goto cleanup;
    if (names.fixed) {
        evaluate_report_skip(&report, "gold labels outside the set of labels", unknown[0]);
        evaluate_report_skip(&report, "predicted labels outside the set of labels", unknown[1]);
    }
    evaluate_report_skip(&report, "gold cells without a value, taken as no", missing[0]);
    evaluate_report_skip(&report, "predicted cells without a value, taken as no", missing[1]);
    size_t best = 0;
    for (size_t k = 1; k < d.width; k++)
        if (rows[k].support > rows[best].support) best = k;
    for (size_t i = 0; i < join.n; i++) constant[i * d.width + best] = 1;
    status =
        affect_score_multilabel_from(call->ctx, d.gold_set, constant, join.n, d.width, &c, NULL);
    if (status) goto cleanup;
    const double majority[] = {c.micro_f1,        c.macro_f1,     c.weighted_f1,     c.samples_f1,
                               c.micro_precision, c.micro_recall, c.macro_precision, c.macro_recall,
                               c.subset_accuracy, c.hamming_loss};
    memcpy(report.majority, majority, sizeof majority);
    snprintf(report.majority_label, sizeof report.majority_label, "%s", names.items[best]);
    report.items = m.items;
    report.class_names = (const char *const *)names.items;
    report.class_rows = rows;
    report.classes = names.count;
    status = evaluate_values(&d, multilabel_metric, &report);
    if (!status) status = evaluate_report_write(call, &report);
cleanup:
    base_free(rows);
    base_free(constant);
    evaluate_report_clear(&report);
    evaluate_names_clear(&names);
    evaluate_data_clear(&d);
    evaluate_join_clear(&join);
    return status;
}

/* ---- agreement: a column a rater ---- */

/* Ratings, n x width: numbers, or categories where any cell is text. */
static affect_status read_ratings(evaluate_data *d, evaluate_names *raters,
                                  evaluate_names *categories) {
    const evaluate_join *j = d->join;
    char buffer[DATA_FRAME_CELL];
    affect_status status = matrix_names(d->call, j, false, raters);
    d->width = raters->count;
    if (!status && d->width < 1)
        status =
            base_fail(d->call->ctx, AFFECT_ERROR_FORMAT, "%s: no column of ratings", j->gold->path);
    if (status) return status;
    d->gold = base_calloc(j->n + 1, d->width * sizeof *d->gold);
    if (!d->gold) return base_fail_memory(d->call->ctx);
    for (size_t c = 0; c < j->gold->columns && categories->fixed == false; c++)
        for (size_t i = 0; i < j->n && evaluate_is_value(j, j->gold, c); i++) {
            double x;
            if (!data_frame_number(j->gold, j->gold_row[i], c, &x)) {
                categories->fixed = true; /* text: nominal */
                break;
            }
        }
    for (size_t c = 0, at = 0; c < j->gold->columns; c++) {
        if (!evaluate_is_value(j, j->gold, c)) continue;
        for (size_t i = 0; i < j->n; i++) {
            double *x = &d->gold[i * d->width + at];
            if (!categories->fixed) {
                (void)data_frame_number(j->gold, j->gold_row[i], c, x);
                continue;
            }
            const char *text = data_frame_text(j->gold, j->gold_row[i], c, buffer);
            *x = NAN;
            if (data_frame_missing(text)) continue;
            status = evaluate_names_add(d->call->ctx, categories, text, strlen(text));
            if (status) return status;
            *x = (double)evaluate_names_find(categories, text, strlen(text));
        }
        at++;
    }
    return AFFECT_OK;
}

static const char *const agreement_values[] = {
    "alpha_nominal", "alpha_ordinal", "alpha_interval", "icc21",
    "icc2k",         "pairwise_ccc",  "fleiss_kappa",   "pairwise_cohen_kappa"};
enum { MOST_CATEGORIES = 1000 }; /* kappa of more is a metric of numbers */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct agreement {
    const double *category; /* sorted distinct ratings; NULL = too many for kappa */
    size_t categories;
    bool nominal;
} agreement;

static int32_t category_of(const agreement *a, double x) {
    const double *at =
        isnan(x) ? NULL : bsearch(&x, a->category, a->categories, sizeof *a->category, by_value);
    return at ? (int32_t)(at - a->category) : -1;
}

/* Fleiss' kappa over the units that all rated, and the mean of Cohen's over the pairs of raters. */
static affect_status kappas(evaluate_data *d, const double *ratings, size_t n, double *fleiss,
                            double *cohen) {
    const agreement *a = d->more;
    size_t w = d->width, complete = 0, c = a->categories, defined = 0;
    int32_t *counts = evaluate_draw(d, 1, (n * c + 1) * sizeof *counts);
    int32_t *label = evaluate_draw(d, 2, (n * w + 1) * sizeof *label);
    double sum = 0;
    affect_status status = d->status;
    if (!counts || !label) return status;
    for (size_t i = 0; i < n; i++) {
        bool all = true;
        for (size_t k = 0; k < w; k++) {
            label[k * n + i] = category_of(a, ratings[k * n + i]);
            all &= label[k * n + i] >= 0;
        }
        if (!all) continue;
        memset(counts + complete * c, 0, c * sizeof *counts);
        for (size_t k = 0; k < w; k++) counts[complete * c + (size_t)label[k * n + i]]++;
        complete++;
    }
    *fleiss = affect_score_fleiss_kappa(counts, complete, c);
    for (size_t x = 0; x < w && !status; x++)
        for (size_t y = x + 1; y < w && !status; y++) {
            affect_score_confusion confusion = {0};
            status = affect_score_confusion_init(d->call->ctx, c, &confusion);
            if (!status)
                status = affect_score_confusion_add(d->call->ctx, &confusion, label + x * n,
                                                    label + y * n, n);
            double kappa =
                status ? NAN : affect_score_cohen_kappa(&confusion, AFFECT_SCORE_UNWEIGHTED);
            if (!isnan(kappa)) {
                sum += kappa;
                defined++;
            }
            affect_score_confusion_clear(&confusion);
        }
    *cohen = defined ? sum / (double)defined : NAN;
    return status;
}

static bool agreement_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    const agreement *a = d->more;
    size_t w = d->width;
    double *ratings = evaluate_draw(d, 0, (n * w + 1) * sizeof *ratings); /* raters x units */
    if (!ratings) return false;
    for (size_t k = 0; k < w; k++)
        for (size_t i = 0; i < n; i++) ratings[k * n + i] = d->gold[index[i] * w + k];
    for (size_t k = 0; k < BASE_COUNT(agreement_values); k++) out[k] = NAN;
    affect_context *ctx = d->call->ctx;
    d->status = affect_score_krippendorff(ctx, ratings, w, n, AFFECT_SCORE_NOMINAL, &out[0]);
    if (!a->nominal && !d->status) {
        int64_t dropped;
        d->status = affect_score_krippendorff(ctx, ratings, w, n, AFFECT_SCORE_ORDINAL, &out[1]);
        if (!d->status)
            d->status =
                affect_score_krippendorff(ctx, ratings, w, n, AFFECT_SCORE_INTERVAL, &out[2]);
        affect_score_icc2(ratings, w, n, &out[3], &out[4], &dropped);
        out[5] = affect_score_pairwise_ccc(ratings, w, n, evaluate_variance_of(d->call), NULL);
    }
    if (a->category && !d->status) d->status = kappas(d, ratings, n, &out[6], &out[7]);
    return d->status == AFFECT_OK;
}

/* The distinct ratings, sorted, while they are few. */
static affect_status find_categories(evaluate_data *d, agreement *a, double **out) {
    size_t cells = d->join->n * d->width, n = 0;
    double *x = base_alloc((cells + 1) * sizeof *x);
    if (!x) return base_fail_memory(d->call->ctx);
    for (size_t i = 0; i < cells; i++)
        if (!isnan(d->gold[i])) x[n++] = d->gold[i];
    qsort(x, n, sizeof *x, by_value);
    for (size_t i = 0; i < n; i++)
        if (!i || x[i] != x[a->categories - 1]) x[a->categories++] = x[i];
    *out = x;
    if (a->categories && a->categories <= MOST_CATEGORIES) a->category = x;
    return AFFECT_OK;
}

affect_status evaluate_task_agreement(const evaluate_call *call) {
    evaluate_join join;
    evaluate_report report;
    evaluate_names categories = {0}, raters = {0};
    agreement more = {0};
    double *distinct = NULL, *ratings = NULL;
    evaluate_data d = {.call = call, .join = &join, .more = &more};
    evaluate_report_begin(call, &report, agreement_values, BASE_COUNT(agreement_values), NULL);
    affect_status status = evaluate_join_open(call, &join);
    evaluate_join_report(&join, &report);
    if (!status) status = read_ratings(&d, &raters, &categories);
    more.nominal = categories.count > 0;
    if (!status) status = find_categories(&d, &more, &distinct);
    if (status) goto cleanup;
    int64_t missing = 0, incomplete = 0;
    for (size_t i = 0; i < join.n; i++) {
        int64_t here = 0;
        for (size_t k = 0; k < d.width; k++) here += isnan(d.gold[i * d.width + k]);
        missing += here;
        incomplete += here > 0;
    }
    report.items = (int64_t)join.n;
    evaluate_report_skip(&report, "missing ratings", missing);
    evaluate_report_skip(&report, "rows with a missing rating, in ICC and Fleiss' kappa only",
                         incomplete);
    status = evaluate_values(&d, agreement_metric, &report);
    if (!status && !more.nominal && d.width > 1) {
        const char *const *names = (const char *const *)raters.items;
        double *pairs =
            evaluate_report_table(&report, "pairwise_ccc", names, d.width, names, d.width);
        ratings = base_alloc((join.n * d.width + 1) * sizeof *ratings);
        if (!pairs || !ratings) {
            status = base_fail_memory(call->ctx);
            goto cleanup;
        }
        for (size_t k = 0; k < d.width; k++)
            for (size_t i = 0; i < join.n; i++) ratings[k * join.n + i] = d.gold[i * d.width + k];
        (void)affect_score_pairwise_ccc(ratings, d.width, join.n, evaluate_variance_of(call),
                                        pairs);
    }
    if (!status) status = evaluate_report_write(call, &report);
cleanup:
    base_free(distinct);
    base_free(ratings);
    evaluate_report_clear(&report);
    evaluate_names_clear(&categories);
    evaluate_names_clear(&raters);
    evaluate_data_clear(&d);
    evaluate_join_clear(&join);
    return status;
}

/* ---- calibration ---- */

static const char *const calibration_values[] = {"ece", "mce", "nll", "brier"};

static bool calibration_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    size_t w = d->width;
    affect_score_calibration c;
    const double *probability =
        evaluate_gather(d, 0, d->predicted, w * sizeof *probability, index, n);
    const int32_t *gold = evaluate_gather(d, 1, d->gold_class, sizeof *gold, index, n);
    if (!probability || !gold) return false;
    affect_score_calibration_from(probability, gold, n, w, (size_t)d->call->bins, &c, NULL);
    const double values[] = {c.ece, c.mce, c.nll, c.brier};
    memcpy(out, values, sizeof values);
    return true;
}

/* Accuracy over confidence; a bar a bin, its width the bin's and its shade the share of items. */
static affect_status write_chart(const evaluate_data *d, const char *path) {
    size_t bins = (size_t)d->call->bins;
    affect_score_calibration c;
    affect_score_bin *bin = base_calloc(bins, sizeof *bin);
    if (!bin) return base_fail_memory(d->call->ctx);
    affect_score_calibration_from(d->predicted, d->gold_class, d->join->n, d->width, bins, &c, bin);
    base_text svg = {0};
    char text[160];
    snprintf(text, sizeof text, "Reliability: ECE %.4f, %lld items", c.ece, (long long)c.items);
    base_svg_begin(&svg, 460, 460, "font-family=\"sans-serif\" font-size=\"13\" role=\"img\"",
                   text);
    base_svg_rect(&svg, "fill=\"#fff\"", 0, 0, 460, 460, "", NULL);
    for (size_t k = 0; k < bins; k++) {
        if (!bin[k].items) continue;
        double share = c.items ? (double)bin[k].items / (double)c.items : 0;
        char fill[64];
        snprintf(fill, sizeof fill, "fill=\"#2b6cb0\" fill-opacity=\"%.3f\"", 0.25 + 0.75 * share);
        snprintf(text, sizeof text, "confidence %.4f, accuracy %.4f, %lld items", bin[k].confidence,
                 bin[k].accuracy, (long long)bin[k].items);
        base_svg_rect(&svg, fill, 50 + 380 * (double)k / (double)bins, 410 - 380 * bin[k].accuracy,
                      380 / (double)bins - 1, 380 * bin[k].accuracy, "", text);
        base_svg_circle(&svg, "fill=\"#c05621\"", 50 + 380 * bin[k].confidence,
                        410 - 380 * bin[k].accuracy, 3);
    }
    const char *stroke = "fill=\"none\" stroke=\"#444\"";
    base_svg_line(&svg, stroke, 50, 410, 430, 30);
    base_svg_line(&svg, stroke, 50, 30, 50, 410);
    base_svg_line(&svg, stroke, 50, 410, 430, 410);
    for (int k = 0; k <= 4; k++) {
        snprintf(text, sizeof text, "%.2f", k / 4.0);
        base_svg_text(&svg, "text-anchor=\"middle\"", 50 + 95 * k, 428, text);
        base_svg_text(&svg, "text-anchor=\"end\"", 44, 414 - 95 * k, text);
    }
    base_svg_text(&svg, "text-anchor=\"middle\"", 240, 450, "confidence");
    base_svg_text(&svg, "text-anchor=\"middle\" transform=\"rotate(-90 14 220)\"", 14, 220,
                  "accuracy");
    base_svg_end(&svg);
    affect_status status = svg.failed ? base_fail_memory(d->call->ctx)
                                      : base_write_file(d->call->ctx, path, svg.data, svg.length);
    base_text_destroy(&svg);
    base_free(bin);
    return status;
}

static affect_status calibration_of_classes(const evaluate_call *call) {
    evaluate_join join;
    evaluate_report report;
    evaluate_names names = {.fixed = true};
    evaluate_data d = {.call = call, .join = &join};
    size_t gold;
    int64_t empty = 0, unknown = 0, unsure = 0;
    char buffer[DATA_FRAME_CELL];
    evaluate_report_begin(call, &report, calibration_values, BASE_COUNT(calibration_values),
                          "the class frequencies of gold for every item");
    affect_status status = evaluate_join_open(call, &join);
    evaluate_join_report(&join, &report);
    if (!status) status = evaluate_value_column(call, &join, false, &gold);
    if (!status) status = evaluate_read_matrix(call, &join, true, &d.predicted, &d.width, &names);
    if (status) goto cleanup;
    d.gold_class = base_alloc((join.n + 1) * sizeof *d.gold_class);
    double *share = base_calloc(d.width, sizeof *share), *prior = NULL;
    if (!d.gold_class || !share) status = base_fail_memory(call->ctx);
    for (size_t i = 0; i < join.n && !status; i++) {
        const char *text = data_frame_text(join.gold, join.gold_row[i], gold, buffer);
        d.gold_class[i] = -1;
        if (data_frame_missing(text)) {
            empty++;
            continue;
        }
        d.gold_class[i] = evaluate_names_find(&names, text, strlen(text));
        unknown += d.gold_class[i] < 0;
        double sum = 0;
        for (size_t k = 0; k < d.width; k++) sum += d.predicted[i * d.width + k];
        unsure += !(fabs(sum - 1) < 1e-3);
        if (d.gold_class[i] >= 0) {
            share[d.gold_class[i]]++;
            report.items++;
        }
    }
    evaluate_report_skip(&report, "items with an empty gold label", empty);
    evaluate_report_skip(&report, "items whose gold label has no column", unknown);
    if (unsure && !status)
        base_log(call->ctx, AFFECT_LOG_WARNING, "%lld rows of probabilities do not sum to one",
                 (long long)unsure);
    if (!status && !report.items)
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "no gold label names a column of %s",
                           call->predicted);
    if (!status) prior = base_alloc((join.n + 1) * d.width * sizeof *prior);
    if (!status && !prior) status = base_fail_memory(call->ctx);
    if (!status) {
        affect_score_calibration c;
        for (size_t i = 0; i < join.n; i++)
            for (size_t k = 0; k < d.width; k++)
                prior[i * d.width + k] = share[k] / (double)report.items;
        affect_score_calibration_from(prior, d.gold_class, join.n, d.width, (size_t)call->bins, &c,
                                      NULL);
        report.majority[0] = c.ece;
        report.majority[1] = c.mce;
        report.majority[2] = c.nll;
        report.majority[3] = c.brier;
        if (call->chart) status = write_chart(&d, call->chart);
    }
    base_free(prior);
    base_free(share);
    if (!status) status = evaluate_values(&d, calibration_metric, &report);
    if (!status) status = evaluate_report_write(call, &report);
cleanup:
    evaluate_report_clear(&report);
    evaluate_names_clear(&names);
    evaluate_data_clear(&d);
    evaluate_join_clear(&join);
    return status;
}

/* ---- numbers with an error bar ---- */

static const char *const coverage_values[] = {"coverage_50", "coverage_68", "coverage_90",
                                              "coverage_95", "coverage_99", "nll",
                                              "mean_sd",     "rmse",        "calibration_error"};
/* The normal distribution's half widths that hold these shares. */
static const double coverage_z[] = {0.6744897501960817, 0.9944578832097532, 1.6448536269514722,
                                    1.959963984540054, 2.5758293035489004};
static const double coverage_share[] = {0.50, 0.68, 0.90, 0.95, 0.99};

static bool coverage_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    const double *gold = evaluate_gather(d, 0, d->gold, sizeof *gold, index, n);
    const double *mean = evaluate_gather(d, 1, d->predicted, sizeof *mean, index, n);
    const double *sd = evaluate_gather(d, 2, d->more, sizeof *sd, index, n);
    if (!gold || !mean || !sd) return false;
    const size_t count = BASE_COUNT(coverage_z);
    const double levels = (double)count;
    double nll = 0, square = 0, width = 0, items = 0, error = 0;
    for (size_t k = 0; k < count; k++) {
        out[k] = affect_score_coverage(gold, mean, sd, n, coverage_z[k], NULL);
        error += fabs(out[k] - coverage_share[k]);
    }
    for (size_t i = 0; i < n; i++) {
        double e = gold[i] - mean[i];
        if (isnan(e) || isnan(sd[i])) continue;
        items++;
        square += e * e;
        width += sd[i];
        nll += 0.5 * (e * e / (sd[i] * sd[i]) + log(2 * acos(-1) * sd[i] * sd[i]));
    }
    out[5] = nll / items;
    out[6] = width / items;
    out[7] = sqrt(square / items);
    out[8] = error / levels;
    return items > 0;
}

static affect_status calibration_of_numbers(const evaluate_call *call) {
    evaluate_join join;
    evaluate_report report;
    evaluate_data d = {.call = call, .join = &join};
    double *sd = NULL;
    int column = -1;
    evaluate_report_begin(call, &report, coverage_values, BASE_COUNT(coverage_values),
                          "gold's mean and deviation for every item");
    affect_status status = evaluate_join_open(call, &join);
    evaluate_join_report(&join, &report);
    if (!status) status = evaluate_read_number_pairs(&d, &report);
    if (!status) status = evaluate_named_column(call->ctx, join.predicted, call->sd, &column);
    if (status) goto cleanup;
    sd = base_alloc((join.n + 1) * sizeof *sd);
    if (!sd) status = base_fail_memory(call->ctx);
    if (!status)
        status = evaluate_read_numbers(call, join.predicted, (size_t)column, join.predicted_row,
                                       join.n, 1, sd);
    int64_t useless = 0;
    double sum = 0, square = 0;
    for (size_t i = 0; i < join.n && !status; i++) {
        if (isnan(d.gold[i]) || isnan(d.predicted[i])) continue;
        if (!(sd[i] > 0)) {
            sd[i] = NAN;
            useless++;
            continue;
        }
        report.items++;
        sum += d.gold[i];
        square += d.gold[i] * d.gold[i];
    }
    evaluate_report_skip(&report, "items without a deviation above 0", useless);
    d.more = sd;
    if (!status) status = evaluate_values(&d, coverage_metric, &report);
    if (status) goto cleanup;
    double items = (double)report.items, mean = sum / items;
    double deviation = sqrt(fmax(square / items - mean * mean, 0));
    for (size_t i = 0; i < join.n; i++) {
        d.predicted[i] = isnan(d.predicted[i]) || isnan(sd[i]) ? NAN : mean;
        sd[i] = deviation;
    }
    uint32_t *all = evaluate_draw(&d, 3, (join.n + 1) * sizeof *all);
    for (size_t i = 0; i < join.n && all; i++) all[i] = (uint32_t)i;
    if (all && deviation > 0) (void)coverage_metric(&d, all, join.n, report.majority);
    status = d.status ? d.status : evaluate_report_write(call, &report);
cleanup:
    base_free(sd);
    evaluate_report_clear(&report);
    evaluate_data_clear(&d);
    evaluate_join_clear(&join);
    return status;
}

affect_status evaluate_task_calibration(const evaluate_call *call) {
    return call->sd ? calibration_of_numbers(call) : calibration_of_classes(call);
}
