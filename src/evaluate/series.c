/* Tables of values or events with times, as `affect align` takes them, and warping one to another. */
#include "evaluate/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void evaluate_series_destroy(evaluate_series *in) {
    base_free(in->times);
    base_free(in->values);
    base_free(in->names);
    base_free(in->events);
    data_table_destroy(in->table);
}

static double cell_number(const evaluate_series *in, size_t row, int column) {
    const char *text = data_table_cell(in->table, row, (size_t)column);
    double value;
    return base_parse_double(text, strlen(text), &value) ? value : NAN;
}

/* Is the column named in the comma-separated list, or are all of them wanted? */
static bool is_wanted(const char *list, const char *name) {
    if (!list) return true;
    size_t length = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && strncmp(at, name, length) == 0) return true;
    return false;
}

static bool is_numeric(const evaluate_series *in, int column) {
    for (size_t row = 0; row < in->table->rows; row++)
        if (!isnan(cell_number(in, row, column))) return true;
    return false;
}

/* The rows in order of time; those without a time are left out. */
typedef struct row_time {
    double time;
    size_t row;
} row_time;
static int by_time(const void *a, const void *b) {
    const row_time *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static affect_status read_times(affect_context *ctx, evaluate_series *in, row_time **order) {
    int time = data_table_column(in->table, "time");
    if (time < 0) time = data_table_column(in->table, "apex");
    if (time < 0) return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no column 'time'", in->name);
    *order = base_alloc(BASE_MAX(in->table->rows, 1) * sizeof **order);
    if (!*order) return base_fail_memory(ctx);
    for (size_t row = 0; row < in->table->rows; row++) {
        double t = cell_number(in, row, time);
        if (isfinite(t)) (*order)[in->rows++] = (row_time){t, row};
    }
    qsort(*order, in->rows, sizeof **order, by_time);
    if (!in->rows) return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no row has a time", in->name);
    return AFFECT_OK;
}

static affect_status read_values(affect_context *ctx, evaluate_series *in, const row_time *order,
                                 const char *columns) {
    size_t width = in->table->columns;
    int *column = base_alloc(BASE_MAX(width, 1) * sizeof *column);
    in->names = base_alloc(BASE_MAX(width, 1) * sizeof *in->names);
    in->times = base_alloc(in->rows * sizeof *in->times);
    affect_status status = column && in->names && in->times ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t c = 0; c < width && !status; c++) {
        const char *name = in->table->names[c];
        if (!strcmp(name, "time") || !is_wanted(columns, name) || !is_numeric(in, (int)c)) continue;
        column[in->channels] = (int)c;
        in->names[in->channels++] = in->table->names[c];
    }
    if (!status && !in->channels)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no column of numbers%s%s", in->name,
                           columns ? " among " : " beside 'time'", columns ? columns : "");
    if (!status) {
        in->values = base_alloc(in->rows * in->channels * sizeof *in->values);
        if (!in->values) status = base_fail_memory(ctx);
    }
    for (size_t r = 0; r < in->rows && !status; r++) {
        in->times[r] = order[r].time;
        for (size_t c = 0; c < in->channels; c++)
            in->values[r * in->channels + c] = cell_number(in, order[r].row, column[c]);
    }
    base_free(column);
    return status;
}

static affect_status read_events(affect_context *ctx, evaluate_series *in, const row_time *order) {
    static const char *const names[] = {"sd", "strength", "valence", "arousal"};
    int column[BASE_COUNT(names)];
    for (size_t k = 0; k < BASE_COUNT(names); k++)
        column[k] = data_table_column(in->table, names[k]);
    in->events = base_alloc(in->rows * sizeof *in->events);
    if (!in->events) return base_fail_memory(ctx);
    for (size_t r = 0; r < in->rows; r++) {
        double value[BASE_COUNT(names)];
        for (size_t k = 0; k < BASE_COUNT(names); k++)
            value[k] = column[k] < 0 ? NAN : cell_number(in, order[r].row, column[k]);
        in->events[r] = (affect_align_event){order[r].time, isnan(value[0]) ? 0 : value[0],
                                             isnan(value[1]) ? 1 : value[1], value[2], value[3]};
    }
    return AFFECT_OK;
}

affect_status evaluate_series_read(affect_context *ctx, const char *path, const char *columns,
                                   bool events, evaluate_series *in) {
    row_time *order = NULL;
    in->name = path;
    affect_status status = data_table_open(ctx, path, NULL, &in->table);
    if (!status) status = read_times(ctx, in, &order);
    if (!status && events) status = read_events(ctx, in, order);
    if (!status && !events) status = read_values(ctx, in, order, columns);
    base_free(order);
    return status;
}

affect_status evaluate_series_write(affect_context *ctx, const char *path, const char *header,
                                    const double *rows, size_t count, size_t columns) {
    base_output out = {0};
    affect_status status = base_output_open(ctx, path, &out);
    if (status) return status;
    fprintf(out.file, "%s\n", header);
    for (size_t r = 0; r < count; r++)
        for (size_t c = 0; c < columns; c++) {
            double value = rows[r * columns + c];
            if (isfinite(value)) fprintf(out.file, "%.*g", EVALUATE_SERIES_DIGITS, value);
            fputc(c + 1 < columns ? ',' : '\n', out.file);
        }
    status = base_output_commit(ctx, &out);
    base_output_abort(&out);
    return status;
}

/* ---- the two ways ---- */

/* Times of both along the warping path; canonical time warping where there are several channels. Rows
 * with a missing value take no part. */
affect_status evaluate_series_warp(affect_context *ctx, evaluate_series *a, evaluate_series *b,
                                   double band, const char *file) {
    evaluate_series *both[] = {a, b};
    for (int side = 0; side < 2; side++) {
        evaluate_series *in = both[side];
        size_t kept = 0;
        for (size_t r = 0; r < in->rows; r++) {
            bool whole = true;
            for (size_t c = 0; c < in->channels; c++)
                whole = whole && isfinite(in->values[r * in->channels + c]);
            if (!whole) continue;
            memmove(in->values + kept * in->channels, in->values + r * in->channels,
                    in->channels * sizeof *in->values);
            in->times[kept++] = in->times[r];
        }
        in->rows = kept;
        if (kept < 2)
            return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: fewer than two whole rows", in->name);
    }
    size_t most = a->rows + b->rows, length = 0;
    affect_align_pair *path = base_alloc(most * sizeof *path);
    double *rows = base_alloc(2 * most * sizeof *rows);
    double *directions = base_alloc((a->channels + b->channels) * sizeof *directions);
    affect_status status = path && rows && directions ? AFFECT_OK : base_fail_memory(ctx);
    double unused;
    if (!status && a->channels == 1 && b->channels == 1) {
        /* Level and scale are not what warping is about. */
        for (int side = 0; side < 2; side++) {
            evaluate_series *in = both[side];
            double mean = 0, square = 0;
            for (size_t r = 0; r < in->rows; r++) mean += in->values[r] / (double)in->rows;
            for (size_t r = 0; r < in->rows; r++)
                square += (in->values[r] - mean) * (in->values[r] - mean) / (double)in->rows;
            for (size_t r = 0; r < in->rows; r++)
                in->values[r] = square > 0 ? (in->values[r] - mean) / sqrt(square) : 0;
        }
        status = affect_align_dtw(ctx, a->values, a->rows, b->values, b->rows, 1, band, &unused,
                                  path, &length);
    } else if (!status) {
        status = affect_align_ctw(ctx, a->values, a->rows, a->channels, b->values, b->rows,
                                  b->channels, 1, band, 0.01, directions, directions + a->channels,
                                  path, &length, &unused);
    }
    for (size_t k = 0; k < length && !status; k++) {
        rows[2 * k] = a->times[path[k].i];
        rows[2 * k + 1] = b->times[path[k].j];
    }
    if (!status) status = evaluate_series_write(ctx, file, "time_a,time_b", rows, length, 2);
    base_free(path);
    base_free(rows);
    base_free(directions);
    return status;
}
