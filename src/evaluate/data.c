/* Columns of a task as plain arrays, and the draws of the bootstrap. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "evaluate/evaluate.h"

evaluate_call evaluate_call_default(void) {
    return (evaluate_call){.edition = "2026",
                           .rounds = 1000,
                           .seed = 1,
                           .bins = 15,
                           .format = "text",
                           .paper = "none",
                           .set = "mosi",
                           .variance = "population",
                           .average = "union",
                           .rule = "fixed",
                           .threshold = 0.5,
                           .top = 1,
                           .convention = "majority",
                           .tolerance = 1,
                           .prominence = 0.1,
                           .longest_lag = 5,
                           .iou = 0.5};
}

void evaluate_data_clear(evaluate_data *d) {
    base_free(d->gold);
    base_free(d->predicted);
    base_free(d->gold_class);
    base_free(d->predicted_class);
    base_free(d->gold_set);
    base_free(d->predicted_set);
    for (int k = 0; k < EVALUATE_DRAWS; k++) base_free(d->draw[k]);
}

/* ---- draws ---- */

void *evaluate_draw(evaluate_data *d, int slot, size_t bytes) {
    if (bytes >= d->draw_bytes[slot] || !d->draw[slot]) {
        /* Units differ in size, so a draw can be larger than the set; leave room for the next. */
        size_t room = bytes + bytes / 4 + 1;
        void *larger = base_realloc(d->draw[slot], room);
        if (!larger) {
            d->status = base_fail_memory(d->call->ctx);
            return NULL;
        }
        d->draw[slot] = larger;
        d->draw_bytes[slot] = room;
    }
    return d->draw[slot];
}

void *evaluate_gather(evaluate_data *d, int slot, const void *source, size_t size,
                      const uint32_t *index, size_t n) {
    char *out = evaluate_draw(d, slot, n * size);
    if (!out) return NULL;
    const char *from = source;
    if (size == sizeof(double)) /* a fixed size becomes one move */
        for (size_t i = 0; i < n; i++)
            memcpy(out + i * sizeof(double), from + index[i] * sizeof(double), sizeof(double));
    else if (size == sizeof(int32_t))
        for (size_t i = 0; i < n; i++)
            memcpy(out + i * sizeof(int32_t), from + index[i] * sizeof(int32_t), sizeof(int32_t));
    else
        for (size_t i = 0; i < n; i++) memcpy(out + i * size, from + index[i] * size, size);
    return out;
}

/* Once a draw has run out of memory, the others need not be tried, nor may they forget it. */
static bool until_failure(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    return !d->status && d->metric(d, index, n, out);
}

affect_status evaluate_values_over(evaluate_data *d, affect_score_metric metric,
                                   const int32_t *unit, size_t items, size_t units,
                                   evaluate_report *r) {
    const evaluate_call *call = d->call;
    uint32_t *all = base_alloc((items + 1) * sizeof *all);
    if (!all) return base_fail_memory(call->ctx);
    for (size_t i = 0; i < items; i++) all[i] = (uint32_t)i;
    d->metric = metric;
    if (!metric(d, all, items, r->value))
        for (size_t k = 0; k < r->count; k++) r->value[k] = NAN;
    affect_status status = d->status;
    if (!status && call->rounds && items) {
        r->with_intervals = true;
        status =
            evaluate_intervals(d, all, items, unit, units, until_failure, d, r->count, r->interval);
    }
    base_free(all);
    return status;
}

affect_status evaluate_values(evaluate_data *d, affect_score_metric metric, evaluate_report *r) {
    affect_status status =
        evaluate_values_over(d, metric, d->join->unit, d->join->n, d->join->units, r);
    return status || !d->call->by ? status : evaluate_groups(d, metric, r);
}

/* ---- classes ---- */

static size_t trimmed(const char **text) {
    while (isspace((unsigned char)**text)) (*text)++;
    size_t n = strlen(*text);
    while (n && isspace((unsigned char)(*text)[n - 1])) n--;
    return n;
}

/* The classes of one column; labels that --labels does not name are missing. */
static affect_status read_classes(const evaluate_call *call, const data_frame *frame, size_t column,
                                  const uint32_t *row, size_t n, evaluate_names *names,
                                  bool collect, int32_t *out, int64_t *empty, int64_t *unknown) {
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
            affect_status status = evaluate_names_add(call->ctx, names, text, length);
            if (status) return status;
        } else {
            out[i] = evaluate_names_find(names, text, length);
            *unknown += out[i] < 0;
        }
    }
    return AFFECT_OK;
}

/* ---- labels that gold never has ---- */

/* Letters and digits in small ASCII letters; what stands between is a blank less. */
static size_t plain(const char *text, size_t n, char *out, size_t size) {
    size_t k = 0;
    for (size_t i = 0; i < n && k + 1 < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (isalnum(c) || c >= 0x80) out[k++] = (char)(c < 0x80 ? tolower(c) : c);
    }
    out[k] = 0;
    return k;
}

/* Levenshtein's distance of two short texts. */
static size_t distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b), row[64];
    for (size_t k = 0; k <= m; k++) row[k] = k;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= m; k++) {
            size_t change = corner + (a[i - 1] != b[k - 1]);
            corner = row[k];
            row[k] = BASE_MIN(change, BASE_MIN(row[k], row[k - 1]) + 1);
        }
    }
    return row[m];
}

/* How unlike: 0 the same but for case and signs; a part between slashes ("\xE5\xBC\x80\xE5\xBF\x83/happy")
 * counts as the label; above 1 there is nothing alike. */
static double unlike(const char *label, const char *gold) {
    char x[64], y[64];
    double least = 2;
    plain(gold, strlen(gold), y, sizeof y);
    for (const char *at = label; at;) {
        size_t n = strcspn(at, "/|");
        size_t length = BASE_MAX(plain(at, n, x, sizeof x), strlen(y));
        double d = (double)distance(x, y) * 2.5 / (double)BASE_MAX(length, (size_t)1);
        if (*x) least = BASE_MIN(least, d);
        at = at[n] ? at + n + 1 : NULL;
    }
    return least;
}

/* Nothing is matched by itself: the score stays as it is, and a line says what might be meant. */
static affect_status say_unknown_labels(const evaluate_data *d, const evaluate_names *names) {
    enum { MOST_SAID = 6 };
    size_t count = names->count, n = d->join->n, labels = 0;
    int64_t rows = 0;
    int64_t *times = base_calloc(count + 1, sizeof *times);
    bool *in_gold = base_calloc(count + 1, sizeof *in_gold);
    base_text list = {0};
    affect_status status = times && in_gold ? AFFECT_OK : base_fail_memory(d->call->ctx);
    for (size_t i = 0; i < n && !status; i++) {
        if (d->gold_class[i] >= 0) in_gold[d->gold_class[i]] = true;
        if (d->predicted_class[i] >= 0) times[d->predicted_class[i]]++;
    }
    for (size_t c = 0; c < count && !status; c++) {
        if (in_gold[c] || !times[c]) continue;
        rows += times[c];
        if (labels++ >= MOST_SAID) continue;
        const char *nearest = NULL;
        double least = 1;
        for (size_t g = 0; g < count; g++) {
            double u = in_gold[g] ? unlike(names->items[c], names->items[g]) : 2;
            if (u < least) nearest = names->items[g], least = u;
        }
        base_text_printf(&list, "%s'%.40s'", list.length ? ", " : "", names->items[c]);
        if (nearest) base_text_printf(&list, " (gold has '%.40s')", nearest);
    }
    if (labels > MOST_SAID) base_text_printf(&list, " and %zu more", labels - MOST_SAID);
    if (!status && list.failed) status = base_fail_memory(d->call->ctx);
    if (!status && rows)
        base_log(d->call->ctx, AFFECT_LOG_WARNING,
                 "%lld of %zu predictions have labels that gold never has: %s", (long long)rows, n,
                 list.data);
    base_text_destroy(&list);
    base_free(times);
    base_free(in_gold);
    return status;
}

affect_status evaluate_read_class_pairs(evaluate_data *d, evaluate_names *names,
                                        evaluate_report *r) {
    const evaluate_call *call = d->call;
    const evaluate_join *j = d->join;
    size_t gold, predicted;
    int64_t empty[2] = {0}, unknown[2] = {0};
    affect_status status = evaluate_value_column(call, j, false, &gold);
    if (!status) status = evaluate_value_column(call, j, true, &predicted);
    if (!status) status = evaluate_names_from_option(call->ctx, call->labels, names);
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
        if (!pass) evaluate_names_sort(names);
    }
    evaluate_report_skip(r, "items with an empty gold label", empty[0]);
    evaluate_report_skip(r, "items with an empty prediction", empty[1]);
    if (names->fixed) {
        evaluate_report_skip(r, "items with a gold label outside --labels", unknown[0]);
        evaluate_report_skip(r, "items with a prediction outside --labels", unknown[1]);
    }
    d->classes = names->count;
    d->n = j->n;
    if (!status && !names->count)
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s has no label", call->gold);
    if (!status && !names->fixed) status = say_unknown_labels(d, names);
    return status;
}

affect_score_average evaluate_average_of(const evaluate_call *call) {
    return strcmp(call->average, "gold") == 0  ? AFFECT_SCORE_CLASSES_GOLD
           : strcmp(call->average, "all") == 0 ? AFFECT_SCORE_CLASSES_ALL
                                               : AFFECT_SCORE_CLASSES_UNION;
}

/* ---- numbers ---- */

affect_status evaluate_read_numbers(const evaluate_call *call, const data_frame *frame,
                                    size_t column, const uint32_t *row, size_t n, size_t stride,
                                    double *out) {
    for (size_t i = 0; i < n; i++)
        if (!data_frame_number(frame, row[i], column, &out[i * stride]))
            return data_frame_fail(call->ctx, frame, row[i], column, "a number");
    return AFFECT_OK;
}

affect_status evaluate_read_number_pairs(evaluate_data *d, evaluate_report *r) {
    const evaluate_call *call = d->call;
    const evaluate_join *j = d->join;
    size_t gold, predicted, bytes = (j->n + 1) * sizeof(double);
    affect_status status = evaluate_value_column(call, j, false, &gold);
    if (!status) status = evaluate_value_column(call, j, true, &predicted);
    if (status) return status;
    d->gold = base_alloc(bytes);
    d->predicted = base_alloc(bytes);
    if (!d->gold || !d->predicted) return base_fail_memory(call->ctx);
    status = evaluate_read_numbers(call, j->gold, gold, j->gold_row, j->n, 1, d->gold);
    if (!status)
        status = evaluate_read_numbers(call, j->predicted, predicted, j->predicted_row, j->n, 1,
                                       d->predicted);
    int64_t no_gold = 0, no_prediction = 0;
    for (size_t i = 0; i < j->n && !status; i++) {
        no_gold += isnan(d->gold[i]);
        no_prediction += isnan(d->predicted[i]);
    }
    evaluate_report_skip(r, "items without a gold value", no_gold);
    evaluate_report_skip(r, "items without a predicted value", no_prediction);
    d->n = j->n;
    return status;
}

affect_status evaluate_read_matrix(const evaluate_call *call, const evaluate_join *j,
                                   bool predicted, double **out, size_t *width,
                                   evaluate_names *names) {
    const data_frame *frame = predicted ? j->predicted : j->gold;
    const uint32_t *row = predicted ? j->predicted_row : j->gold_row;
    char buffer[DATA_FRAME_CELL];
    *width = 0;
    for (size_t c = 0; c < frame->columns; c++) *width += evaluate_is_value(j, frame, c);
    if (!*width)
        return base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: no column of values", frame->path);
    *out = base_calloc(j->n + 1, *width * sizeof **out);
    if (!*out) return base_fail_memory(call->ctx);
    affect_status status = AFFECT_OK;
    for (size_t c = 0, at = 0; c < frame->columns && !status; c++) {
        if (!evaluate_is_value(j, frame, c)) continue;
        status = evaluate_read_numbers(call, frame, c, row, j->n, *width, *out + at++);
        const char *name = data_frame_name(frame, c, buffer);
        if (!status && names) status = evaluate_names_add(call->ctx, names, name, strlen(name));
    }
    return status;
}

affect_score_variance evaluate_variance_of(const evaluate_call *call) {
    return strcmp(call->variance, "sample") == 0 ? AFFECT_SCORE_SAMPLE : AFFECT_SCORE_POPULATION;
}
