/* Delimited text: one pass that unquotes in place. */
#include "data/table.h"

#include <string.h>

static bool ends_with_any(const char *path, const char *a, const char *b) {
    return base_ends_with(path, a) || base_ends_with(path, b);
}

static char guess_delimiter(const char *path, const char *text, size_t length) {
    if (ends_with_any(path, ".tsv", ".txt")) return '\t';
    const char candidates[] = ",;\t";
    size_t best = 0;
    char delimiter = ',';
    for (int k = 0; k < 3; k++) {
        size_t count = 0;
        for (size_t i = 0; i < length && text[i] != '\n'; i++) count += text[i] == candidates[k];
        if (count > best) {
            best = count;
            delimiter = candidates[k];
        }
    }
    return delimiter;
}

typedef struct builder {
    data_table *t;
    size_t cell_count, cell_capacity, start_capacity, line_capacity;
} builder;

static bool add_cell(builder *b, const char *cell) {
    if (!base_grow((void **)&b->t->cells, &b->cell_capacity, b->cell_count + 1,
                   sizeof *b->t->cells))
        return false;
    b->t->cells[b->cell_count++] = cell;
    return true;
}

static bool begin_row(builder *b, size_t line) {
    data_table *t = b->t;
    if (!base_grow((void **)&t->start, &b->start_capacity, t->rows + 2, sizeof *t->start) ||
        !base_grow((void **)&t->line, &b->line_capacity, t->rows + 1, sizeof *t->line))
        return false;
    t->start[t->rows] = b->cell_count;
    t->line[t->rows] = line;
    return true;
}

/* Reads one cell at *at, unquoting in place; leaves *at on the delimiter or line end. Returns the
 * text, or NULL when a quote is never closed. */
static char *read_cell(char *text, size_t length, size_t *at, char delimiter, bool plain,
                       size_t *line, char **end) {
    size_t i = *at;
    char *start = text + i, *to = start;
    bool quoted = !plain && i < length && text[i] == '"';
    if (quoted) {
        for (i++;; i++) {
            if (i >= length) return NULL;
            if (text[i] == '"') {
                if (i + 1 < length && text[i + 1] == '"')
                    i++;
                else
                    break;
            }
            *line += text[i] == '\n';
            *to++ = text[i];
        }
        i++;
    }
    for (; i < length && text[i] != delimiter && text[i] != '\n' && text[i] != '\r'; i++)
        *to++ = text[i]; /* after a closing quote: kept as it is */
    while (i < length && text[i] == '\r' && !(i + 1 < length && text[i + 1] == '\n')) {
        *to++ = text[i++]; /* a lone CR belongs to the cell */
        for (; i < length && text[i] != delimiter && text[i] != '\n' && text[i] != '\r'; i++)
            *to++ = text[i];
    }
    *at = i;
    *end = to;
    return start;
}

static affect_status parse(affect_context *ctx, data_table *t, size_t length,
                           const data_table_options *o) {
    builder b = {.t = t};
    char *text = t->text;
    size_t at = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, line = 1;
    while (at < length) {
        if (text[at] == '\n' || (text[at] == '\r' && at + 1 < length && text[at + 1] == '\n')) {
            at += text[at] == '\r' ? 2 : 1;
            line++;
            continue;
        }
        size_t row_line = line;
        if (!begin_row(&b, row_line)) return base_fail_memory(ctx);
        bool more = true;
        while (more) {
            char *end;
            char *cell = read_cell(text, length, &at, t->delimiter, o->plain, &line, &end);
            if (!cell)
                return base_fail(ctx, AFFECT_ERROR_FORMAT,
                                 "%s:%zu: a quote is opened and never closed", t->path, row_line);
            more = at < length && text[at] == t->delimiter;
            if (at < length && !more && text[at] == '\r') at++;
            line += !more; /* the line end itself */
            at++;
            *end = '\0'; /* at or before the delimiter */
            if (!add_cell(&b, cell)) return base_fail_memory(ctx);
        }
        size_t width = b.cell_count - t->start[t->rows];
        if (t->rows == 0) t->columns = width;
        if (o->no_header && o->ragged) t->columns = BASE_MAX(t->columns, width);
        if (!o->ragged && width != t->columns)
            return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s:%zu: has %zu columns, expected %zu",
                             t->path, row_line, width, t->columns);
        t->start[++t->rows] = b.cell_count;
    }
    if (t->rows == 0 && !begin_row(&b, 1)) return base_fail_memory(ctx);
    if (t->rows == 0) t->start[0] = 0;
    return AFFECT_OK;
}

/* Takes the first row away and makes it the names. */
static affect_status take_header(affect_context *ctx, data_table *t) {
    if (t->rows == 0)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s:1: is empty, expected a header line",
                         t->path);
    t->names = base_calloc(t->columns, sizeof *t->names);
    if (!t->names) return base_fail_memory(ctx);
    for (size_t c = 0; c < t->columns; c++) {
        t->names[c] = base_strdup(t->cells[c]);
        if (!t->names[c]) return base_fail_memory(ctx);
    }
    t->rows--;
    memmove(t->start, t->start + 1, (t->rows + 1) * sizeof *t->start);
    memmove(t->line, t->line + 1, t->rows * sizeof *t->line);
    return AFFECT_OK;
}

/* Takes `text` over. */
static affect_status finish(affect_context *ctx, const char *name, char *text, size_t length,
                            const data_table_options *options, data_table **out) {
    const data_table_options defaults = {0};
    if (!options) options = &defaults;
    *out = NULL;
    data_table *t = base_calloc(1, sizeof *t);
    if (!t) {
        base_free(text);
        return base_fail_memory(ctx);
    }
    t->text = text;
    t->path = base_strdup(name);
    affect_status status = t->path ? AFFECT_OK : base_fail_memory(ctx);
    if (status == AFFECT_OK) {
        t->delimiter =
            options->delimiter ? options->delimiter : guess_delimiter(name, text, length);
        status = parse(ctx, t, length, options);
    }
    if (status == AFFECT_OK && !options->no_header) status = take_header(ctx, t);
    if (status != AFFECT_OK) {
        data_table_destroy(t);
        return status;
    }
    *out = t;
    return AFFECT_OK;
}

affect_status data_table_parse(affect_context *ctx, const char *name, const char *text,
                               size_t length, const data_table_options *options, data_table **out) {
    *out = NULL;
    char *copy = base_strndup(text, length);
    if (!copy) return base_fail_memory(ctx);
    return finish(ctx, name, copy, length, options, out);
}

affect_status data_table_open(affect_context *ctx, const char *path,
                              const data_table_options *options, data_table **out) {
    *out = NULL;
    char *text;
    size_t length;
    affect_status status = base_read_file(ctx, path, (size_t)2 << 30, &text, &length);
    if (status != AFFECT_OK) return status;
    return finish(ctx, path, text, length, options, out);
}

void data_table_destroy(data_table *t) {
    if (!t) return;
    for (size_t c = 0; t->names && c < t->columns; c++) base_free(t->names[c]);
    base_free(t->names);
    base_free(t->cells);
    base_free(t->start);
    base_free(t->line);
    base_free(t->text);
    base_free(t->path);
    base_free(t);
}

int data_table_column(const data_table *t, const char *name) {
    for (size_t c = 0; t->names && c < t->columns; c++)
        if (base_equal_ignore_case(t->names[c], name)) return (int)c;
    return -1;
}

const char *data_table_cell(const data_table *t, size_t row, size_t column) {
    if (row >= t->rows || column >= data_table_width(t, row)) return "";
    return t->cells[t->start[row] + column];
}

affect_status data_table_fail(affect_context *ctx, const data_table *t, size_t row, size_t column,
                              const char *expected, ...) {
    char text[256], number[32];
    va_list arguments;
    va_start(arguments, expected);
    vsnprintf(text, sizeof text, expected, arguments);
    va_end(arguments);
    snprintf(number, sizeof number, "%zu", column + 1);
    return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s:%zu: column '%s' is '%.60s', expected %s",
                     t->path, t->line[row],
                     t->names && column < t->columns ? t->names[column] : number,
                     data_table_cell(t, row, column), text);
}
