/* The forms of a file of columns. */
#include "data/frame.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "data/annotation.h"
#include "data/arff.h"
#include "data/data_private.h"
#include "data/pickle.h"
#include "data/xlsx.h"

/* ---- JSON Lines and pickles are written out as a table ---- */

static void add_cell(base_text *out, const char *bytes, size_t n, bool first) {
    if (!first) base_text_append_n(out, ",", 1);
    base_text_append_n(out, "\"", 1);
    for (size_t i = 0, from = 0; i <= n; i++)
        if (i == n || bytes[i] == '"') {
            base_text_append_n(out, bytes + from, i - from);
            if (i < n) base_text_append_n(out, "\"\"", 2);
            from = i + 1;
        }
    base_text_append_n(out, "\"", 1);
}

static void add_json(base_text *out, const json_t *value, bool first) {
    char number[DATA_FRAME_CELL];
    if (json_is_string(value)) {
        add_cell(out, json_string_value(value), json_string_length(value), first);
    } else if (json_is_real(value)) {
        int n = snprintf(number, sizeof number, "%.17g", json_real_value(value));
        add_cell(out, number, (size_t)n, first);
    } else if (!value || json_is_null(value)) {
        add_cell(out, "", 0, first);
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (!text) out->failed = true;
        if (text) add_cell(out, text, strlen(text), first);
        free(text);
    }
}

/* The columns are the keys of the first object, in its order. */
static affect_status write_json_lines(affect_context *ctx, const char *path, const char *text,
                                      size_t length, base_text *out) {
    size_t line = 0;
    affect_status status = AFFECT_OK;
    json_t *first = NULL;
    for (size_t at = 0; at < length && !status; line++) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t n = end ? (size_t)(end - text) - at : length - at, blank = 0;
        while (blank < n && isspace((unsigned char)text[at + blank])) blank++;
        json_error_t error;
        if (blank < n) {
            json_t *row = json_loadb(text + at, n, 0, &error);
            if (!json_is_object(row)) {
                status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s:%zu: expected a JSON object%s%s",
                                   path, line + 1, row ? "" : ": ", row ? "" : error.text);
            } else {
                const char *key;
                json_t *value;
                bool start = true;
                if (!first) {
                    first = json_incref(row);
                    json_object_foreach(first, key, value) {
                        add_cell(out, key, strlen(key), start);
                        start = false;
                    }
                    base_text_append(out, "\n");
                    start = true;
                }
                json_object_foreach(first, key, value) {
                    add_json(out, json_object_get(row, key), start);
                    start = false;
                }
                base_text_append(out, "\n");
                if (out->length / 16 > length + ((size_t)1 << 20))
                    status = base_fail(ctx, AFFECT_ERROR_LIMIT,
                                       "%s:%zu: rows lack most of the columns: as a table they "
                                       "are over 16 times as large",
                                       path, line + 1);
            }
            json_decref(row);
        }
        at += n + 1;
    }
    json_decref(first);
    return status;
}

static affect_status read_json_lines(affect_context *ctx, const char *path, base_text *out) {
    data_mapping map;
    affect_status status = data_map(ctx, path, &map);
    if (status) return status;
    status = write_json_lines(ctx, path, map.bytes, map.length, out);
    data_unmap(&map);
    return status;
}

static void add_value(base_text *out, const data_value *value, bool first) {
    char number[DATA_FRAME_CELL];
    double x;
    int n = 0;
    if (value && (value->kind == DATA_TEXT || value->kind == DATA_BYTES)) {
        add_cell(out, value->as.text.bytes, value->as.text.length, first);
    } else if (value && value->kind == DATA_INT) {
        n = snprintf(number, sizeof number, "%lld", (long long)value->as.integer);
        add_cell(out, number, (size_t)n, first);
    } else {
        if (data_number(value, &x)) n = snprintf(number, sizeof number, "%.17g", x);
        add_cell(out, number, (size_t)n, first);
    }
}

/* Item i of a list, or element i of an array of any kind along its only axis. */
static void add_item(base_text *out, const data_value *list, size_t i, bool first) {
    char number[DATA_FRAME_CELL];
    if (list && list->kind == DATA_ARRAY && list->as.array->type != DATA_OBJECT) {
        data_type type = list->as.array->type;
        char *text = data_array_text(list->as.array, i);
        int n = 0;
        if (!text && (type == DATA_CHARS || type == DATA_UNICODE)) out->failed = true;
        if (!text)
            n = snprintf(number, sizeof number, "%.17g", data_array_number(list->as.array, i));
        add_cell(out, text ? text : number, text ? strlen(text) : (size_t)n, first);
        base_free(text);
    } else {
        add_value(out, data_item(list, i), first);
    }
}

enum { MOST_COMPARED = 1 << 26 };

static bool same_text(const data_value *a, const data_value *b) {
    return a->kind == DATA_TEXT && b->kind == DATA_TEXT && a->as.text.length == b->as.text.length &&
           memcmp(a->as.text.bytes, b->as.text.bytes, a->as.text.length) == 0;
}

static bool is_sequence(const data_value *value) {
    return value && (value->kind == DATA_LIST || value->kind == DATA_TUPLE ||
                     (value->kind == DATA_ARRAY && value->as.array->rank == 1));
}

/* A dict of equally long sequences, a list of dicts, a list of lists, a list of values or an array.
 */
static affect_status write_value(affect_context *ctx, const char *path, const data_value *root,
                                 base_text *out) {
    size_t rows = data_length(root);
    if (root && root->kind == DATA_DICT) {
        size_t columns = root->as.list.count / 2, common = 0;
        for (size_t c = 0; c < columns; c++) {
            const data_value *key = root->as.list.items[2 * c],
                             *column = root->as.list.items[2 * c + 1];
            if (!is_sequence(column) || (c && data_length(column) != common))
                return base_fail(ctx, AFFECT_ERROR_FORMAT,
                                 "%s: expected a dict of equally long sequences", path);
            common = data_length(column);
            add_value(out, key, c == 0);
        }
        base_text_append(out, "\n");
        for (size_t r = 0; r < common; r++) {
            for (size_t c = 0; c < columns; c++)
                add_item(out, root->as.list.items[2 * c + 1], r, c == 0);
            base_text_append(out, "\n");
        }
        return AFFECT_OK;
    }
    if (root && root->kind == DATA_ARRAY && root->as.array->type != DATA_OBJECT &&
        root->as.array->rank >= 1 && root->as.array->rank <= 2) {
        const data_array *a = root->as.array;
        size_t columns = a->rank == 2 ? a->shape[1] : 1;
        for (size_t c = 0; c < columns; c++) base_text_printf(out, c ? ",%zu" : "%zu", c);
        for (size_t i = 0; i < a->count; i++) {
            if (i % columns == 0) base_text_append(out, "\n");
            base_text_printf(out, i % columns ? ",%.17g" : "%.17g", data_array_number(a, i));
        }
        base_text_append(out, "\n");
        return AFFECT_OK;
    }
    if (!is_sequence(root))
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "%s: expected columns or rows, the pickle holds a %s", path,
                         root ? data_kind_name(root->kind) : "nothing");
    const data_value *first = data_item(root, 0);
    bool dicts = first && first->kind == DATA_DICT, lists = is_sequence(first);
    size_t columns = dicts ? first->as.list.count / 2 : lists ? data_length(first) : 1;
    for (size_t c = 0; c < columns; c++) {
        if (dicts)
            add_value(out, first->as.list.items[2 * c], c == 0);
        else
            base_text_printf(out, c ? ",%zu" : "%zu", c);
    }
    base_text_append(out, "\n");
    size_t compared = 0;
    for (size_t r = 0; r < rows; r++) {
        const data_value *row = data_item(root, r);
        if ((dicts && (!row || row->kind != DATA_DICT)) || (lists && !is_sequence(row)))
            return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: row %zu is not like row 0", path, r);
        for (size_t c = 0; c < columns; c++) {
            if (lists) {
                add_item(out, row, c, c == 0);
            } else if (dicts) {
                const data_value *key = first->as.list.items[2 * c], *cell = NULL;
                if (c < data_length(row) && same_text(row->as.list.items[2 * c], key))
                    cell = row->as.list.items[2 * c + 1];
                for (size_t k = 0; k + 1 < row->as.list.count && !cell; k += 2, compared++)
                    if (same_text(row->as.list.items[k], key)) cell = row->as.list.items[k + 1];
                if (compared > MOST_COMPARED)
                    return base_fail(ctx, AFFECT_ERROR_LIMIT,
                                     "%s: too many columns in too many orders", path);
                add_value(out, cell, c == 0);
            } else {
                add_item(out, root, r, true);
            }
        }
        base_text_append(out, "\n");
    }
    return AFFECT_OK;
}

static affect_status read_pickle(affect_context *ctx, const char *path, base_text *out) {
    data_document *document;
    affect_status status = data_pickle_read(ctx, path, &document);
    if (status) return status;
    status = write_value(ctx, path, data_document_root(document), out);
    data_document_destroy(document);
    return status;
}

/* ---- the frame ---- */

/* Empties the text into a table. */
static affect_status take_written(affect_context *ctx, const char *path, affect_status status,
                                  base_text *text, data_table **out) {
    if (!status && text->failed) status = base_fail_memory(ctx);
    if (!status && !text->length)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: holds no row", path);
    const data_table_options options = {.delimiter = ','};
    if (!status) status = data_table_parse(ctx, path, text->data, text->length, &options, out);
    base_text_destroy(text);
    return status;
}

affect_status data_json_lines_open(affect_context *ctx, const char *path, data_table **out) {
    base_text text = {0};
    *out = NULL;
    return take_written(ctx, path, read_json_lines(ctx, path, &text), &text, out);
}

affect_status data_json_lines_parse(affect_context *ctx, const char *name, const char *text,
                                    size_t length, data_table **out) {
    base_text written = {0};
    *out = NULL;
    return take_written(ctx, name, write_json_lines(ctx, name, text, length, &written), &written,
                        out);
}

static affect_status open_array(affect_context *ctx, data_frame *f, const char *member) {
    affect_status status = AFFECT_OK;
    if (base_ends_with(f->path, ".npz")) {
        status = data_npz_open(ctx, f->path, &f->zip);
        if (!status && !member && data_npz_count(f->zip) == 1) member = data_npz_name(f->zip, 0);
        if (!status) status = data_npz_array(ctx, f->zip, member ? member : "", &f->array);
    } else {
        status = data_npy_open(ctx, f->path, &f->array);
    }
    if (status) return status;
    const data_array *a = &f->array->values;
    if (a->type == DATA_OBJECT)
        return base_fail(ctx, AFFECT_ERROR_UNSUPPORTED, "%s: holds pickled objects, not numbers",
                         f->path);
    if (a->rank < 1 || a->rank > 2)
        return base_fail(ctx, AFFECT_ERROR_SHAPE, "%s: has %zu axes, expected 1 or 2", f->path,
                         a->rank);
    f->rows = a->shape[0];
    f->columns = a->rank == 2 ? a->shape[1] : 1;
    return AFFECT_OK;
}

/* What annotation programs write becomes a table of its samples. */
static affect_status take_annotation(affect_context *ctx, data_frame *f) {
    data_annotation annotation;
    data_table *samples = NULL;
    bool known;
    affect_status status = f->table ? data_annotation_take(ctx, f->table, &annotation, &known)
                                    : data_annotation_open(ctx, f->path, &annotation, &known);
    if (status || !known) return status;
    if (strcmp(annotation.format, "csv") != 0) { /* which is a table already */
        size_t relative = data_annotation_normalise(&annotation);
        if (relative)
            base_log(ctx, AFFECT_LOG_WARNING,
                     "%s: %zu relative traces were normalised to 0..1 each", f->path, relative);
        status = data_annotation_table(ctx, f->path, &annotation, &samples);
    }
    data_annotation_destroy(&annotation);
    if (status || !samples) return status;
    data_table_destroy(f->table);
    f->table = samples;
    return AFFECT_OK;
}

affect_status data_frame_open(affect_context *ctx, const char *path, bool no_header,
                              data_frame **out) {
    *out = NULL;
    data_frame *f = base_calloc(1, sizeof *f);
    if (f) f->path = base_strdup(path);
    if (!f || !f->path) {
        base_free(f);
        return base_fail_memory(ctx);
    }
    /* PATH.npz:MEMBER */
    char *member = strstr(f->path, ".npz:");
    if (member) {
        member[4] = 0;
        member += 5;
    }
    affect_status status;
    if (base_ends_with(path, ".annotation") || base_ends_with(path, ".annotation~")) {
        status = take_annotation(ctx, f);
    } else if (member || base_ends_with(f->path, ".npy") || base_ends_with(f->path, ".npz")) {
        status = open_array(ctx, f, member);
    } else if (base_ends_with(path, ".jsonl.gz") || base_ends_with(path, ".ndjson.gz")) {
        char *text = NULL;
        size_t length = 0;
        status = base_read_file(ctx, path, (size_t)2 << 30, &text, &length);
        if (!status) status = data_gunzip(ctx, path, &text, &length);
        if (!status) status = data_json_lines_parse(ctx, path, text, length, &f->table);
        base_free(text);
    } else if (base_ends_with(path, ".jsonl") || base_ends_with(path, ".ndjson")) {
        status = data_json_lines_open(ctx, path, &f->table);
    } else if (base_ends_with(path, ".arff")) {
        status = data_arff_open(ctx, path, &f->table);
    } else if (base_ends_with(path, ".xlsx")) {
        const data_table_options options = {.no_header = no_header};
        status = data_xlsx_open(ctx, path, &options, &f->table);
    } else if (base_ends_with(path, ".pkl") || base_ends_with(path, ".pickle")) {
        base_text text = {0};
        status = take_written(ctx, path, read_pickle(ctx, path, &text), &text, &f->table);
    } else {
        const data_table_options options = {.no_header = no_header, .ragged = true};
        status = data_table_open(ctx, path, &options, &f->table);
        if (!status && !no_header) status = take_annotation(ctx, f);
    }
    if (!status && f->table) {
        f->rows = f->table->rows;
        f->columns = f->table->columns;
    }
    if (status) {
        data_frame_destroy(f);
        return status;
    }
    *out = f;
    return AFFECT_OK;
}

void data_frame_destroy(data_frame *f) {
    if (!f) return;
    data_table_destroy(f->table);
    data_npy_destroy(f->array);
    data_npz_destroy(f->zip);
    base_free(f->path);
    base_free(f);
}

int data_frame_column(const data_frame *f, const char *name) {
    int at = f->table && f->table->names ? data_table_column(f->table, name) : -1;
    int64_t number;
    if (at < 0 && base_parse_int64(name, strlen(name), &number) && number >= 0 &&
        (uint64_t)number < f->columns)
        at = (int)number;
    return at;
}

const char *data_frame_name(const data_frame *f, size_t column, char *buffer) {
    if (f->table && f->table->names) return f->table->names[column];
    snprintf(buffer, DATA_FRAME_CELL, "%zu", column);
    return buffer;
}

const char *data_frame_text(const data_frame *f, size_t row, size_t column, char *buffer) {
    if (f->table) return data_table_cell(f->table, row, column);
    const data_array *a = &f->array->values;
    size_t i = row * f->columns + column;
    char *text = data_array_text(a, i);
    if (text)
        snprintf(buffer, DATA_FRAME_CELL, "%s", text);
    else
        snprintf(buffer, DATA_FRAME_CELL, "%.17g", data_array_number(a, i));
    base_free(text);
    return buffer;
}

bool data_frame_missing(const char *text) {
    return !*text || base_equal_ignore_case(text, "nan") || base_equal_ignore_case(text, "null") ||
           base_equal_ignore_case(text, "na");
}

bool data_frame_number(const data_frame *f, size_t row, size_t column, double *out) {
    if (f->array && f->array->values.type < DATA_CHARS) {
        *out = data_array_number(&f->array->values, row * f->columns + column);
        return true;
    }
    char buffer[DATA_FRAME_CELL];
    const char *text = data_frame_text(f, row, column, buffer);
    while (isspace((unsigned char)*text)) text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1])) n--;
    *out = NAN;
    return !n || data_frame_missing(text) || base_parse_double(text, n, out);
}

affect_status data_frame_fail(affect_context *ctx, const data_frame *f, size_t row, size_t column,
                              const char *expected) {
    if (f->table) return data_table_fail(ctx, f->table, row, column, "%s", expected);
    return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: row %zu, column %zu, expected %s", f->path, row,
                     column, expected);
}
