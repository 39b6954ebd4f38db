/* Delimited text: one pass that unquotes in place. */
#include "data/table.h"

#include <string.h>
#include <strings.h>

#include "data/data_private.h"
#include "data/encoding.h"

static bool ends_with_any(const char *path, const char *a, const char *b) {
    return base_ends_with(path, a) || base_ends_with(path, b);
}

static char guess_delimiter(const char *path, const char *text, size_t length) {
    if (ends_with_any(path, ".tsv", ".txt") || ends_with_any(path, ".tsv.gz", ".txt.gz"))
        return '\t';
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

bool data_table_formula(const char *text) {
    text += strspn(text, "'");
    return *text && strchr("=+-@\t\r", *text);
}

typedef struct builder {
    data_table *t;
    size_t cell_count, cell_capacity, start_capacity, line_capacity;
} builder;

/* ---- what programs do to tables ---- */

/* Names and cells behind a blank ("frame, face_id, timestamp", as OpenFace 2 writes): so when every
 * delimiter of the first line has one behind it. */
static bool has_blanks(const char *text, size_t length, char delimiter) {
    size_t with = 0, without = 0;
    if (delimiter != ',' && delimiter != ';') return false;
    for (size_t i = 0; i + 1 < length && text[i] != '\n'; i++) {
        if (text[i] == '"') return false;
        if (text[i] != delimiter) continue;
        if (text[i + 1] == ' ')
            with++;
        else
            without++;
    }
    return with && !without;
}

/* Excel's first line "sep=;". Returns its bytes, 0 if it is none. */
static size_t sep_line(const char *text, size_t length, char *delimiter) {
    bool quoted = length && *text == '"';
    size_t at = quoted;
    if (length < at + 6 || strncasecmp(text + at, "sep=", 4) != 0) return 0;
    *delimiter = text[at + 4];
    at += 5;
    if (quoted && at < length && text[at] == '"') at++;
    if (at < length && text[at] == '\r') at++;
    if (at >= length || text[at] != '\n') return 0;
    return at + 1;
}

/* "12,5" or "-0,25e3": a number with a decimal comma. */
static const char *decimal_comma(const char *s) {
    const char *comma;
    s += *s == '-' || *s == '+';
    size_t whole = strspn(s, "0123456789");
    comma = s + whole;
    if (!whole || *comma != ',') return NULL;
    size_t part = strspn(comma + 1, "0123456789");
    s = comma + 1 + part;
    if (!part) return NULL;
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '-' || s[1] == '+');
        if (!strspn(s, "0123456789")) return NULL;
        s += strspn(s, "0123456789");
    }
    return *s ? NULL : comma;
}

/* Where commas do not part the cells and no number has a point, they part numbers. */
static void mend_decimals(affect_context *ctx, data_table *t, size_t cells) {
    size_t commas = 0;
    double unused;
    if (t->delimiter == ',') return;
    for (size_t i = 0; i < cells; i++) {
        const char *cell = t->cells[i];
        if (decimal_comma(cell))
            commas++;
        else if (strchr(cell, '.') && base_parse_double(cell, strlen(cell), &unused))
            return;
    }
    if (!commas) return;
    for (size_t i = 0; i < cells; i++) {
        const char *comma = decimal_comma(t->cells[i]);
        if (comma) t->text[comma - t->text] = '.'; /* cells are pieces of it */
    }
    base_log(ctx, AFFECT_LOG_WARNING, "%s: %zu numbers have a decimal comma and were read so",
             t->path, commas);
}

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
                       bool blanks, size_t *line, char **end) {
    size_t i = *at;
    while (blanks && i < length && text[i] == ' ') i++;
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

static affect_status parse(affect_context *ctx, data_table *t, size_t first, size_t length,
                           const data_table_options *o) {
    builder b = {.t = t};
    char *text = t->text;
    size_t at = first, line = 1;
    for (size_t i = 0; i < first; i++) line += text[i] == '\n';
    bool blanks = has_blanks(text + first, length - first, t->delimiter);
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
            char *cell = read_cell(text, length, &at, t->delimiter, o->plain, blanks, &line, &end);
            if (!cell)
                return base_fail(ctx, AFFECT_ERROR_FORMAT,
                                 "%s:%zu: a quote is opened and never closed", t->path, row_line);
            more = at < length && text[at] == t->delimiter;
            if (at < length && !more && text[at] == '\r') at++;
            line += !more; /* the line end itself */
            at++;
            *end = '\0'; /* at or before the delimiter */
            if (!o->plain && *cell == '\'' && data_table_formula(cell)) cell++;
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
    if (!o->plain) mend_decimals(ctx, t, b.cell_count); /* lists of labels stay: "3,27" */
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

/* Spreadsheets write UTF-16 ("Unicode text") and the code page of their country. */
static affect_status to_utf8(affect_context *ctx, data_table *t, size_t *length) {
    char remark[200];
    data_text text;
    bool zeros = memchr(t->text, 0, BASE_MIN(*length, (size_t)4096)) != NULL;
    if (!zeros && base_utf8_valid(t->text, *length)) return AFFECT_OK;
    affect_status status = data_text_decode(ctx, t->text, *length, &text);
    if (status) return status;
    base_free(t->text);
    t->text = text.bytes;
    *length = text.length;
    data_text_remark(&text, remark, sizeof remark);
    if (*remark) base_log(ctx, AFFECT_LOG_WARNING, "%s: %s", t->path, remark);
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
    if (status == AFFECT_OK) status = data_refuse_pointer(ctx, name, text, length);
    if (status == AFFECT_OK) status = to_utf8(ctx, t, &length);
    if (status == AFFECT_OK) {
        char said = 0;
        text = t->text;
        /* Old Macs' line ends, and today's Excel's "CSV (Macintosh)". */
        if (!memchr(text, '\n', length))
            for (size_t i = 0; i < length; i++)
                if (text[i] == '\r') text[i] = '\n';
        size_t first = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        first += sep_line(text + first, length - first, &said);
        t->delimiter = options->delimiter ? options->delimiter
                       : said             ? said
                                          : guess_delimiter(name, text + first, length - first);
        status = parse(ctx, t, first, length, options);
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
    if (status == AFFECT_OK) status = data_gunzip(ctx, path, &text, &length);
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
    base_free(t->added);
    base_free(t->path);
    base_free(t);
}

affect_status data_table_add_columns(affect_context *ctx, data_table *t, const char *const *names,
                                     size_t count, base_text *texts) {
    const size_t columns = t->columns + count;
    char **wider = base_calloc(columns, sizeof *wider);
    const char **cells = base_alloc((t->rows * columns + 1) * sizeof *cells);
    bool fine = wider && cells && !texts->failed;
    for (size_t c = 0; fine && c < count; c++)
        fine = (wider[t->columns + c] = base_strdup(names[c])) != NULL;
    if (!fine) {
        for (size_t c = 0; wider && c < columns; c++) base_free(wider[c]);
        base_free(wider);
        base_free(cells);
        base_text_destroy(texts);
        return base_fail_memory(ctx);
    }
    memcpy(wider, t->names, t->columns * sizeof *wider);
    const char *at = texts->data;
    for (size_t r = 0; r < t->rows; r++) {
        const char **row = cells + r * columns;
        for (size_t c = 0; c < t->columns; c++) row[c] = data_table_cell(t, r, c);
        for (size_t c = t->columns; c < columns; c++) {
            row[c] = at;
            at += strlen(at) + 1;
        }
    }
    for (size_t r = 0; r <= t->rows; r++) t->start[r] = r * columns;
    base_free(t->names);
    base_free(t->cells);
    base_free(t->added);
    t->names = wider;
    t->cells = cells;
    t->columns = columns;
    t->added = texts->data;
    *texts = (base_text){0};
    return AFFECT_OK;
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
