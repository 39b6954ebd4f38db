/* Tasks whose items are sets of labels, units with several raters, or probabilities. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "cli/score.h"

typedef struct more_data {
    const score_call *call;
    const score_join *join;
    size_t width;                      /* labels, raters or classes */
    uint8_t *gold_set, *predicted_set; /* n x width */
    double *numbers;                   /* n x width */
    int32_t *gold_class;
    bool nominal;
    void *draw, *draw_more; /* what a draw is gathered into */
    size_t draw_items;
    affect_status status;
} more_data;

static void more_clear(more_data *d) {
    base_free(d->gold_set);
    base_free(d->predicted_set);
    base_free(d->numbers);
    base_free(d->gold_class);
    base_free(d->draw);
    base_free(d->draw_more);
}

/* A draw can have more items than the set. `item` and `more` are bytes an item. */
static bool draw_room(more_data *d, size_t n, size_t item, size_t more) {
    if (n <= d->draw_items) return true;
    size_t room = n + n / 4;
    void *draw = base_realloc(d->draw, room * item);
    if (draw) d->draw = draw;
    void *second = base_realloc(d->draw_more, room * more);
    if (second) d->draw_more = second;
    if (!draw || !second) {
        d->status = base_fail_memory(d->call->ctx);
        return false;
    }
    d->draw_items = room;
    return true;
}

static void begin(const score_call *call, score_report *r, const char *const *names, size_t count,
                  const char *majority) {
    *r = (score_report){.task = call->task,
                        .names = names,
                        .count = count,
                        .majority_name = majority,
                        .item = "items",
                        .unit = "items"};
    for (size_t k = 0; k < SCORE_MOST_VALUES; k++) {
        r->value[k] = r->majority[k] = NAN;
        r->interval[k] = (score_interval){NAN, NAN};
    }
}

static affect_status finish(more_data *d, score_metric metric, score_report *r) {
    const score_call *call = d->call;
    const score_join *j = d->join;
    uint32_t *all = base_alloc((j->n + 1) * sizeof *all);
    if (!all) return base_fail_memory(call->ctx);
    for (size_t i = 0; i < j->n; i++) all[i] = (uint32_t)i;
    (void)metric(d, all, j->n, r->value);
    base_free(all);
    if (!d->status && call->rounds && j->n) {
        r->with_intervals = true;
        affect_status status =
            score_bootstrap(call->ctx, j->unit, j->n, j->units, (size_t)call->rounds,
                            (uint64_t)call->seed, 0.95, metric, d, r->count, r->interval);
        if (status) return status;
    }
    return d->status ? d->status : score_report_print(call, r);
}

/* ---- several labels an item ---- */

static const char *const multilabel_values[] = {
    "micro_f1",     "macro_f1",        "weighted_f1",  "samples_f1",      "micro_precision",
    "micro_recall", "macro_precision", "macro_recall", "subset_accuracy", "hamming_loss"};

static bool multilabel_metric(void *user, const uint32_t *index, size_t n, double *out) {
    more_data *d = user;
    size_t w = d->width;
    score_multilabel m;
    if (!draw_room(d, n, w, w)) return false;
    uint8_t *gold = d->draw, *predicted = d->draw_more;
    for (size_t i = 0; i < n; i++) {
        memcpy(gold + i * w, d->gold_set + index[i] * w, w);
        memcpy(predicted + i * w, d->predicted_set + index[i] * w, w);
    }
    d->status = score_multilabel_from(d->call->ctx, gold, predicted, n, w, &m, NULL);
    if (d->status) return false;
    const double values[] = {m.micro_f1,        m.macro_f1,     m.weighted_f1,     m.samples_f1,
                             m.micro_precision, m.micro_recall, m.macro_precision, m.macro_recall,
                             m.subset_accuracy, m.hamming_loss};
    memcpy(out, values, sizeof values);
    return true;
}

/* Calls back for each label of "['a', 'b']", "a,b", "a;b" or "a|b"; columns of 0/1 have one column
 * a label. */
static affect_status read_sets(const score_call *call, const data_frame *frame, size_t column,
                               const uint32_t *row, size_t n, score_names *names, uint8_t *out,
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
                affect_status status = score_names_add(call->ctx, names, at, length);
                if (status) return status;
            } else {
                int32_t k = score_names_find(names, at, length);
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

affect_status score_task_multilabel(const score_call *call) {
    score_join join;
    score_report report;
    score_names names = {0};
    score_class *rows = NULL;
    more_data d = {.call = call, .join = &join};
    size_t gold, predicted;
    int64_t unknown[2] = {0};
    begin(call, &report, multilabel_values, BASE_COUNT(multilabel_values),
          "the most frequent label for every item");
    affect_status status = score_join_open(call, &join);
    score_join_report(&join, &report);
    if (!status)
        status = score_value_column(call, join.gold, call->gold_column, join.gold_id,
                                    join.gold_unit, &gold);
    if (!status)
        status = score_value_column(call, join.predicted, call->predicted_column, join.predicted_id,
                                    -1, &predicted);
    if (!status) status = score_names_from_option(call->ctx, call->labels, &names);
    if (!status && !names.fixed) {
        status = read_sets(call, join.gold, gold, join.gold_row, join.n, &names, NULL, NULL);
        if (!status)
            status = read_sets(call, join.predicted, predicted, join.predicted_row, join.n, &names,
                               NULL, NULL);
        score_names_sort(&names);
    }
    if (!status && !names.count)
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s has no label", call->gold);
    if (status) goto cleanup;
    d.width = names.count;
    d.gold_set = base_calloc(join.n + 1, d.width);
    d.predicted_set = base_calloc(join.n + 1, d.width);
    rows = base_calloc(d.width, sizeof *rows);
    if (!d.gold_set || !d.predicted_set || !rows) {
        status = base_fail_memory(call->ctx);
        goto cleanup;
    }
    status =
        read_sets(call, join.gold, gold, join.gold_row, join.n, &names, d.gold_set, &unknown[0]);
    if (!status)
        status = read_sets(call, join.predicted, predicted, join.predicted_row, join.n, &names,
                           d.predicted_set, &unknown[1]);
    score_multilabel m;
    if (!status)
        status = score_multilabel_from(call->ctx, d.gold_set, d.predicted_set, join.n, d.width, &m,
                                       rows);
    if (status) goto cleanup;
    if (names.fixed) {
        score_report_skip(&report, "gold labels outside --labels", unknown[0]);
        score_report_skip(&report, "predicted labels outside --labels", unknown[1]);
    }
    size_t best = 0;
    for (size_t k = 1; k < d.width; k++)
        if (rows[k].support > rows[best].support) best = k;
    uint8_t *constant = base_calloc(join.n + 1, d.width);
    if (!constant) {
        status = base_fail_memory(call->ctx);
        goto cleanup;
    }
    for (size_t i = 0; i < join.n; i++) constant[i * d.width + best] = 1;
    score_multilabel c;
    status = score_multilabel_from(call->ctx, d.gold_set, constant, join.n, d.width, &c, NULL);
    base_free(constant);
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
    status = finish(&d, multilabel_metric, &report);
cleanup:
    base_free(rows);
    score_names_clear(&names);
    more_clear(&d);
    score_join_clear(&join);
    return status;
}

/* ---- a column a rater or class ---- */

static bool is_value_column(const score_join *j, const data_frame *frame, size_t c) {
    return (int)c != (frame == j->gold ? j->gold_id : j->predicted_id) &&
           (frame != j->gold || (int)c != j->gold_unit);
}

/* Numbers of all columns but id and unit, n x width. With `names` (agreement) a text is a category.
 */
static affect_status read_matrix(more_data *d, const data_frame *frame, const uint32_t *row,
                                 score_names *names) {
    char buffer[DATA_FRAME_CELL];
    const score_join *j = d->join;
    for (size_t c = 0; c < frame->columns; c++) d->width += is_value_column(j, frame, c);
    if (!d->width)
        return base_fail(d->call->ctx, AFFECT_ERROR_FORMAT, "%s: no column of values", frame->path);
    d->numbers = base_calloc(j->n + 1, d->width * sizeof *d->numbers);
    if (!d->numbers) return base_fail_memory(d->call->ctx);
    for (int pass = 0; pass < 2; pass++) {
        size_t at = 0;
        for (size_t c = 0; c < frame->columns; c++) {
            if (!is_value_column(j, frame, c)) continue;
            for (size_t i = 0; i < j->n; i++) {
                double *x = &d->numbers[i * d->width + at];
                if (!d->nominal && data_frame_number(frame, row[i], c, x)) continue;
                if (!names) return data_frame_fail(d->call->ctx, frame, row[i], c, "a number");
                d->nominal = true;
                const char *text = data_frame_text(frame, row[i], c, buffer);
                *x = NAN;
                if (data_frame_missing(text)) continue;
                affect_status status = score_names_add(d->call->ctx, names, text, strlen(text));
                if (status) return status;
                *x = (double)score_names_find(names, text, strlen(text));
            }
            at++;
        }
        if (!d->nominal) break; /* the second pass makes categories of numbers too */
    }
    return AFFECT_OK;
}

static const char *const agreement_values[] = {"alpha_nominal", "alpha_ordinal", "alpha_interval",
                                               "icc21",         "icc2k",         "pairwise_ccc"};

static bool agreement_metric(void *user, const uint32_t *index, size_t n, double *out) {
    more_data *d = user;
    size_t w = d->width;
    if (!draw_room(d, n, w * sizeof(double), 1)) return false;
    double *ratings = d->draw; /* raters x units */
    for (size_t k = 0; k < w; k++)
        for (size_t i = 0; i < n; i++) ratings[k * n + i] = d->numbers[index[i] * w + k];
    for (size_t k = 0; k < BASE_COUNT(agreement_values); k++) out[k] = NAN;
    affect_context *ctx = d->call->ctx;
    d->status = score_krippendorff(ctx, ratings, w, n, SCORE_NOMINAL, &out[0]);
    if (!d->nominal && !d->status) {
        int64_t dropped;
        d->status = score_krippendorff(ctx, ratings, w, n, SCORE_ORDINAL, &out[1]);
        if (!d->status) d->status = score_krippendorff(ctx, ratings, w, n, SCORE_INTERVAL, &out[2]);
        score_icc2(ratings, w, n, &out[3], &out[4], &dropped);
        out[5] = score_pairwise_ccc(ratings, w, n,
                                    strcmp(d->call->variance, "sample") == 0 ? SCORE_SAMPLE
                                                                             : SCORE_POPULATION);
    }
    return d->status == AFFECT_OK;
}

affect_status score_task_agreement(const score_call *call) {
    score_join join;
    score_report report;
    score_names names = {0};
    more_data d = {.call = call, .join = &join};
    begin(call, &report, agreement_values, BASE_COUNT(agreement_values), NULL);
    affect_status status = score_join_open(call, &join);
    score_join_report(&join, &report);
    if (!status) status = read_matrix(&d, join.gold, join.gold_row, &names);
    if (!status) {
        int64_t missing = 0, incomplete = 0;
        for (size_t i = 0; i < join.n; i++) {
            int64_t here = 0;
            for (size_t k = 0; k < d.width; k++) here += isnan(d.numbers[i * d.width + k]);
            missing += here;
            incomplete += here > 0;
        }
        report.items = (int64_t)join.n;
        score_report_skip(&report, "missing ratings", missing);
        score_report_skip(&report, "rows with a missing rating, in the ICC only", incomplete);
        status = finish(&d, agreement_metric, &report);
    }
    score_names_clear(&names);
    more_clear(&d);
    score_join_clear(&join);
    return status;
}

/* ---- calibration ---- */

static const char *const calibration_values[] = {"ece", "mce", "nll", "brier"};

static bool calibration_metric(void *user, const uint32_t *index, size_t n, double *out) {
    more_data *d = user;
    size_t w = d->width;
    score_calibration c;
    if (!draw_room(d, n, w * sizeof(double), sizeof(int32_t))) return false;
    double *probability = d->draw;
    int32_t *gold = d->draw_more;
    for (size_t i = 0; i < n; i++) {
        memcpy(probability + i * w, d->numbers + index[i] * w, w * sizeof *probability);
        gold[i] = d->gold_class[index[i]];
    }
    score_calibration_from(probability, gold, n, w, (size_t)d->call->bins, &c, NULL);
    const double values[] = {c.ece, c.mce, c.nll, c.brier};
    memcpy(out, values, sizeof values);
    return true;
}

/* Accuracy over confidence; a bar a bin, its width the bin's and its shade the share of items. */
static affect_status write_chart(const more_data *d, const char *path) {
    size_t bins = (size_t)d->call->bins;
    score_calibration c;
    score_bin *bin = base_calloc(bins, sizeof *bin);
    if (!bin) return base_fail_memory(d->call->ctx);
    score_calibration_from(d->numbers, d->gold_class, d->join->n, d->width, bins, &c, bin);
    base_text svg = {0};
    base_text_printf(
        &svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 460 460\" "
        "font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n<title>Reliability: ECE %.4f, "
        "%lld items</title>\n<rect width=\"460\" height=\"460\" fill=\"#fff\"/>\n",
        c.ece, (long long)c.items);
    for (size_t k = 0; k < bins; k++) {
        if (!bin[k].items) continue;
        double share = c.items ? (double)bin[k].items / (double)c.items : 0;
        base_text_printf(&svg,
                         "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
                         "fill=\"#2b6cb0\" fill-opacity=\"%.3f\"><title>confidence %.4f, accuracy "
                         "%.4f, %lld items</title></rect>\n",
                         50 + 380 * (double)k / (double)bins, 410 - 380 * bin[k].accuracy,
                         380 / (double)bins - 1, 380 * bin[k].accuracy, 0.25 + 0.75 * share,
                         bin[k].confidence, bin[k].accuracy, (long long)bin[k].items);
        base_text_printf(&svg, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"3\" fill=\"#c05621\"/>\n",
                         50 + 380 * bin[k].confidence, 410 - 380 * bin[k].accuracy);
    }
    base_text_printf(&svg, "<path d=\"M50 410L430 30M50 30V410H430\" fill=\"none\" "
                           "stroke=\"#444\"/>\n");
    for (int k = 0; k <= 4; k++)
        base_text_printf(
            &svg,
            "<text x=\"%d\" y=\"428\" text-anchor=\"middle\">%.2f</text><text x=\"44\" "
            "y=\"%d\" text-anchor=\"end\">%.2f</text>\n",
            50 + 95 * k, k / 4.0, 414 - 95 * k, k / 4.0);
    base_text_printf(&svg,
                     "<text x=\"240\" y=\"450\" text-anchor=\"middle\">confidence</text>\n<text "
                     "x=\"14\" y=\"220\" text-anchor=\"middle\" transform=\"rotate(-90 14 "
                     "220)\">accuracy</text>\n</svg>\n");
    affect_status status = svg.failed ? base_fail_memory(d->call->ctx)
                                      : base_write_file(d->call->ctx, path, svg.data, svg.length);
    base_text_destroy(&svg);
    base_free(bin);
    return status;
}

affect_status score_task_calibration(const score_call *call) {
    score_join join;
    score_report report;
    score_names names = {.fixed = true};
    more_data d = {.call = call, .join = &join};
    size_t gold;
    int64_t empty = 0, unknown = 0, unsure = 0;
    char buffer[DATA_FRAME_CELL];
    begin(call, &report, calibration_values, BASE_COUNT(calibration_values),
          "the class frequencies of gold for every item");
    affect_status status = score_join_open(call, &join);
    score_join_report(&join, &report);
    if (!status)
        status = score_value_column(call, join.gold, call->gold_column, join.gold_id,
                                    join.gold_unit, &gold);
    if (!status) status = read_matrix(&d, join.predicted, join.predicted_row, NULL);
    for (size_t c = 0; !status && c < join.predicted->columns; c++)
        if (is_value_column(&join, join.predicted, c)) {
            const char *name = data_frame_name(join.predicted, c, buffer);
            status = score_names_add(call->ctx, &names, name, strlen(name));
        }
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
        d.gold_class[i] = score_names_find(&names, text, strlen(text));
        unknown += d.gold_class[i] < 0;
        double sum = 0;
        for (size_t k = 0; k < d.width; k++) sum += d.numbers[i * d.width + k];
        unsure += !(fabs(sum - 1) < 1e-3);
        if (d.gold_class[i] >= 0) {
            share[d.gold_class[i]]++;
            report.items++;
        }
    }
    score_report_skip(&report, "items with an empty gold label", empty);
    score_report_skip(&report, "items whose gold label has no column", unknown);
    if (unsure && !status)
        fprintf(stderr, "affect score: %lld rows of probabilities do not sum to one\n",
                (long long)unsure);
    if (!status && !report.items)
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "no gold label names a column of %s",
                           call->predicted);
    if (!status) prior = base_alloc((join.n + 1) * d.width * sizeof *prior);
    if (!status && !prior) status = base_fail_memory(call->ctx);
    if (!status) {
        score_calibration c;
        for (size_t i = 0; i < join.n; i++)
            for (size_t k = 0; k < d.width; k++)
                prior[i * d.width + k] = share[k] / (double)report.items;
        score_calibration_from(prior, d.gold_class, join.n, d.width, (size_t)call->bins, &c, NULL);
        report.majority[0] = c.ece;
        report.majority[1] = c.mce;
        report.majority[2] = c.nll;
        report.majority[3] = c.brier;
        if (call->chart) status = write_chart(&d, call->chart);
    }
    base_free(prior);
    base_free(share);
    if (!status) status = finish(&d, calibration_metric, &report);
cleanup:
    score_names_clear(&names);
    more_clear(&d);
    score_join_clear(&join);
    return status;
}
