/* Columns of a task as plain arrays, and the draws of the bootstrap. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "cli/score.h"

score_call score_call_default(void) {
    return (score_call){.edition = "2026",
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

void score_data_clear(score_data *d) {
    base_free(d->gold);
    base_free(d->predicted);
    base_free(d->gold_class);
    base_free(d->predicted_class);
    base_free(d->gold_set);
    base_free(d->predicted_set);
    for (int k = 0; k < SCORE_DRAWS; k++) base_free(d->draw[k]);
}

/* ---- draws ---- */

void *score_draw(score_data *d, int slot, size_t bytes) {
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

void *score_gather(score_data *d, int slot, const void *source, size_t size, const uint32_t *index,
                   size_t n) {
    char *out = score_draw(d, slot, n * size);
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
    score_data *d = user;
    return !d->status && d->metric(d, index, n, out);
}

affect_status score_values_over(score_data *d, affect_score_metric metric, const int32_t *unit,
                                size_t items, size_t units, score_report *r) {
    const score_call *call = d->call;
    uint32_t *all = base_alloc((items + 1) * sizeof *all);
    if (!all) return base_fail_memory(call->ctx);
    for (size_t i = 0; i < items; i++) all[i] = (uint32_t)i;
    d->metric = metric;
    if (!metric(d, all, items, r->value))
        for (size_t k = 0; k < r->count; k++) r->value[k] = NAN;
    base_free(all);
    if (d->status || !call->rounds || !items) return d->status;
    r->with_intervals = true;
    affect_status status =
        affect_score_bootstrap(call->ctx, unit, items, units, (size_t)call->rounds,
                               (uint64_t)call->seed, 0.95, until_failure, d, r->count, r->interval);
    return status ? status : d->status;
}

affect_status score_values(score_data *d, affect_score_metric metric, score_report *r) {
    return score_values_over(d, metric, d->join->unit, d->join->n, d->join->units, r);
}

/* ---- classes ---- */

static size_t trimmed(const char **text) {
    while (isspace((unsigned char)**text)) (*text)++;
    size_t n = strlen(*text);
    while (n && isspace((unsigned char)(*text)[n - 1])) n--;
    return n;
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

affect_status score_read_class_pairs(score_data *d, score_names *names, score_report *r) {
    const score_call *call = d->call;
    const score_join *j = d->join;
    size_t gold, predicted;
    int64_t empty[2] = {0}, unknown[2] = {0};
    affect_status status = score_value_column(call, j, false, &gold);
    if (!status) status = score_value_column(call, j, true, &predicted);
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

affect_score_average score_average_of(const score_call *call) {
    return strcmp(call->average, "gold") == 0  ? AFFECT_SCORE_CLASSES_GOLD
           : strcmp(call->average, "all") == 0 ? AFFECT_SCORE_CLASSES_ALL
                                               : AFFECT_SCORE_CLASSES_UNION;
}

/* ---- numbers ---- */

affect_status score_read_numbers(const score_call *call, const data_frame *frame, size_t column,
                                 const uint32_t *row, size_t n, size_t stride, double *out) {
    for (size_t i = 0; i < n; i++)
        if (!data_frame_number(frame, row[i], column, &out[i * stride]))
            return data_frame_fail(call->ctx, frame, row[i], column, "a number");
    return AFFECT_OK;
}

affect_status score_read_number_pairs(score_data *d, score_report *r) {
    const score_call *call = d->call;
    const score_join *j = d->join;
    size_t gold, predicted, bytes = (j->n + 1) * sizeof(double);
    affect_status status = score_value_column(call, j, false, &gold);
    if (!status) status = score_value_column(call, j, true, &predicted);
    if (status) return status;
    d->gold = base_alloc(bytes);
    d->predicted = base_alloc(bytes);
    if (!d->gold || !d->predicted) return base_fail_memory(call->ctx);
    status = score_read_numbers(call, j->gold, gold, j->gold_row, j->n, 1, d->gold);
    if (!status)
        status = score_read_numbers(call, j->predicted, predicted, j->predicted_row, j->n, 1,
                                    d->predicted);
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

affect_status score_read_matrix(const score_call *call, const score_join *j, bool predicted,
                                double **out, size_t *width, score_names *names) {
    const data_frame *frame = predicted ? j->predicted : j->gold;
    const uint32_t *row = predicted ? j->predicted_row : j->gold_row;
    char buffer[DATA_FRAME_CELL];
    *width = 0;
    for (size_t c = 0; c < frame->columns; c++) *width += score_is_value(j, frame, c);
    if (!*width)
        return base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: no column of values", frame->path);
    *out = base_calloc(j->n + 1, *width * sizeof **out);
    if (!*out) return base_fail_memory(call->ctx);
    affect_status status = AFFECT_OK;
    for (size_t c = 0, at = 0; c < frame->columns && !status; c++) {
        if (!score_is_value(j, frame, c)) continue;
        status = score_read_numbers(call, frame, c, row, j->n, *width, *out + at++);
        const char *name = data_frame_name(frame, c, buffer);
        if (!status && names) status = score_names_add(call->ctx, names, name, strlen(name));
    }
    return status;
}

affect_score_variance score_variance_of(const score_call *call) {
    return strcmp(call->variance, "sample") == 0 ? AFFECT_SCORE_SAMPLE : AFFECT_SCORE_POPULATION;
}
