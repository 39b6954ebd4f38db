/* Line by line: the header's declarations, then rows that are held against them. */
#include "data/arff.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/data_private.h"

typedef struct reader {
    affect_context *ctx;
    const char *path;
    size_t line;
    data_arff arff;
    char *text; /* of the line: values are unquoted in place */
    size_t text_capacity;
    const char **cells;
    size_t length, implied; /* bytes of the file, values of the sparse rows */
} reader;

AFFECT_PRINTF(3, 4)
static affect_status refuse(const reader *r, affect_status status, const char *format, ...) {
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return base_fail(r->ctx, status, "%s:%zu: %s", r->path, r->line, text);
}

static void skip_blanks(char **at) {
    while (**at == ' ' || **at == '\t') (*at)++;
}

/* Takes the value at *at, which ends at a comma, `closing` (0 = none), a tab, or, with `blank`, a
 * blank. It is unquoted in place, but its end is only marked by *end: *at is left on what ended it.
 * False where a quote is not closed. */
static bool take_value(char **at, char closing, bool blank, char **value, char **end,
                       bool *was_quoted) {
    char *from, *to;
    skip_blanks(at);
    from = to = *at;
    *was_quoted = *from == '\'' || *from == '"';
    if (*was_quoted) {
        char quote = *from;
        from++;
        for (; *from != quote; *to++ = *from++) {
            if (*from == '\\' && from[1]) {
                from++;
                *from = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from;
            }
            if (!*from) return false;
        }
        *value = *at;
        *end = to;
        *at = from + 1;
        while (**at == ' ') (*at)++;
        return true;
    }
    while (*from && *from != ',' && *from != '\t' && *from != closing && !(blank && *from == ' '))
        from++;
    *value = *at;
    *end = from;
    while (*end > *value && (*end)[-1] == ' ') (*end)--;
    *at = from;
    while (**at == ' ') (*at)++;
    return true;
}

/* ---- declarations ---- */

static bool add_value(data_arff_attribute *a, const char *value, size_t n) {
    if (!base_grow((void **)&a->values, &a->value_capacity, a->value_count + 1, sizeof *a->values))
        return false;
    a->values[a->value_count] = base_strndup(value, n);
    return a->values[a->value_count] && ++a->value_count;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static affect_status read_nominal(reader *r, data_arff_attribute *a, char *at) {
    a->kind = DATA_ARFF_NOMINAL;
    for (at++;; at++) {
        char *value, *end;
        bool quoted;
        if (!take_value(&at, '}', false, &value, &end, &quoted))
            return refuse(r, AFFECT_ERROR_FORMAT, "a quote is not closed");
        char after = *at;
        if (after != ',' && after != '}')
            return refuse(r, AFFECT_ERROR_FORMAT, "expected ',' or '}' after a value of '%.60s'",
                          a->name);
        if ((end > value || quoted) && !add_value(a, value, (size_t)(end - value)))
            return base_fail_memory(r->ctx);
        if (after == '}') break;
    }
    a->sorted = base_calloc(a->value_count + 1, sizeof *a->sorted);
    if (!a->sorted) return base_fail_memory(r->ctx);
    if (a->value_count) {
        memcpy(a->sorted, a->values, a->value_count * sizeof *a->sorted);
        qsort(a->sorted, a->value_count, sizeof *a->sorted, by_text);
    }
    return AFFECT_OK;
}

static affect_status read_attribute(reader *r, char *at) {
    static const char *const numeric[] = {"numeric", "real", "integer"};
    data_arff *f = &r->arff;
    char *value, *end;
    bool quoted;
    if (!take_value(&at, '{', true, &value, &end, &quoted))
        return refuse(r, AFFECT_ERROR_FORMAT, "a quote is not closed");
    if (end == value) return refuse(r, AFFECT_ERROR_FORMAT, "expected a name after @attribute");
    if (!base_grow((void **)&f->attributes, &f->capacity, f->count + 1, sizeof *f->attributes))
        return base_fail_memory(r->ctx);
    data_arff_attribute *a = &f->attributes[f->count];
    *a = (data_arff_attribute){.name = base_strndup(value, (size_t)(end - value))};
    if (!a->name) return base_fail_memory(r->ctx);
    f->count++;
    skip_blanks(&at);
    if (*at == '{') return read_nominal(r, a, at);
    size_t n = strcspn(at, " \t");
    for (size_t i = 0; i < BASE_COUNT(numeric); i++)
        if (n == strlen(numeric[i]) && strncasecmp(at, numeric[i], n) == 0) return AFFECT_OK;
    a->kind = DATA_ARFF_STRING;
    if (n == 6 && strncasecmp(at, "string", n) == 0) return AFFECT_OK;
    bool known = (n == 4 && strncasecmp(at, "date", n) == 0) ||
                 (n == 10 && strncasecmp(at, "relational", n) == 0);
    return refuse(r, known ? AFFECT_ERROR_UNSUPPORTED : AFFECT_ERROR_FORMAT,
                  "attribute '%.60s' is '%.*s', expected numeric, string or {values}", a->name,
                  (int)BASE_MIN(n, (size_t)40), at);
}

/* ---- rows ---- */

/* Holds a value against its declaration and stores it; an unquoted '?' is missing. */
static affect_status store(reader *r, size_t i, char *value, char *end, bool quoted) {
    const data_arff_attribute *a = &r->arff.attributes[i];
    double number;
    *end = 0;
    r->cells[i] = value;
    if (!quoted && strcmp(value, "?") == 0) {
        r->cells[i] = NULL;
        return AFFECT_OK;
    }
    if (a->kind == DATA_ARFF_NUMERIC && !base_parse_double(value, (size_t)(end - value), &number))
        return refuse(r, AFFECT_ERROR_FORMAT, "'%.60s' is '%.60s', expected a number or ?", a->name,
                      value);
    if (a->kind != DATA_ARFF_NOMINAL) return AFFECT_OK;
    if (a->value_count && bsearch(&value, a->sorted, a->value_count, sizeof value, by_text))
        return AFFECT_OK;
    return refuse(r, AFFECT_ERROR_FORMAT, "'%.60s' is '%.60s', which is not among its values",
                  a->name, value);
}

static affect_status read_dense(reader *r, char *at) {
    for (size_t i = 0;; i++) {
        char *value, *end;
        bool quoted;
        if (!take_value(&at, 0, false, &value, &end, &quoted))
            return refuse(r, AFFECT_ERROR_FORMAT, "a quote is not closed");
        char after = *at;
        if (after && after != ',' && after != '\t')
            return refuse(r, AFFECT_ERROR_FORMAT, "expected ',' after value %zu", i + 1);
        if (i == r->arff.count)
            return refuse(r, AFFECT_ERROR_FORMAT, "has more than %zu values", i);
        affect_status status = store(r, i, value, end, quoted);
        if (status) return status;
        if (!after)
            return i + 1 == r->arff.count
                       ? AFFECT_OK
                       : refuse(r, AFFECT_ERROR_FORMAT, "has %zu values, expected %zu", i + 1,
                                r->arff.count);
        at++;
    }
}

/* {3 1.5, 7 joy}: indices from 0 in rising order; what is not named is 0, or the first value of a
 * nominal attribute. */
static affect_status read_sparse(reader *r, char *at) {
    size_t next = 0;
    /* "{}" is a whole row: a small file must not stand for any number of values. */
    r->implied += r->arff.count;
    if (r->implied / 32 > r->length + ((size_t)1 << 17))
        return refuse(r, AFFECT_ERROR_LIMIT, "sparse rows stand for over %zu values", r->implied);
    for (size_t i = 0; i < r->arff.count; i++) {
        const data_arff_attribute *a = &r->arff.attributes[i];
        r->cells[i] = a->kind == DATA_ARFF_NUMERIC                     ? "0"
                      : a->kind == DATA_ARFF_NOMINAL && a->value_count ? a->values[0]
                                                                       : NULL;
    }
    at++;
    skip_blanks(&at);
    while (*at != '}') {
        size_t i = 0, digits = 0;
        for (; *at >= '0' && *at <= '9' && digits < 9; at++, digits++)
            i = i * 10 + (size_t)(*at - '0');
        if (!digits || (*at != ' ' && *at != '\t') || i < next || i >= r->arff.count)
            return refuse(r, AFFECT_ERROR_FORMAT,
                          "expected a rising index below %zu and a value in a sparse row",
                          r->arff.count);
        char *value, *end;
        bool quoted;
        if (!take_value(&at, '}', false, &value, &end, &quoted))
            return refuse(r, AFFECT_ERROR_FORMAT, "a quote is not closed");
        char after = *at;
        if (after != ',' && after != '}')
            return refuse(r, AFFECT_ERROR_FORMAT, "expected ',' or '}' in a sparse row");
        affect_status status = store(r, i, value, end, quoted);
        if (status) return status;
        next = i + 1;
        if (after == '}') return AFFECT_OK; /* which `store` may have overwritten */
        at++;
        skip_blanks(&at);
    }
    return AFFECT_OK;
}

/* ---- lines ---- */

static bool is_word(const char *text, const char *word) {
    size_t n = strlen(word);
    return strncasecmp(text, word, n) == 0 && (!text[n] || isspace((unsigned char)text[n]));
}

static affect_status read_lines(reader *r, const char *text, size_t length,
                                affect_status (*begin)(void *, const data_arff *),
                                data_arff_row row, void *user) {
    bool data = false;
    affect_status status = AFFECT_OK;
    for (size_t from = 0, n; from < length && !status; from += n + 1) {
        const char *stop = memchr(text + from, '\n', length - from);
        n = stop ? (size_t)(stop - text) - from : length - from;
        r->line++;
        size_t skip = r->line == 1 && n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        if (!base_grow((void **)&r->text, &r->text_capacity, n + 1, 1))
            return base_fail_memory(r->ctx);
        memcpy(r->text, text + from + skip, n - skip);
        r->text[n - skip] = 0;
        char *at = r->text, *end = at + strlen(at);
        while (end > at && isspace((unsigned char)end[-1])) *--end = 0;
        skip_blanks(&at);
        if (!*at || *at == '%') continue;
        if (data) {
            status = *at == '{' ? read_sparse(r, at) : read_dense(r, at);
            if (!status) status = row(user, &r->arff, r->cells, r->line);
        } else if (is_word(at, "@attribute")) {
            status = read_attribute(r, at + strlen("@attribute"));
        } else if (is_word(at, "@data")) {
            data = true;
            if (!r->arff.count) return refuse(r, AFFECT_ERROR_FORMAT, "no attribute before @data");
            r->cells = base_calloc(r->arff.count, sizeof *r->cells);
            status = !r->cells ? base_fail_memory(r->ctx) : begin ? begin(user, &r->arff) : 0;
        } else if (!is_word(at, "@relation")) {
            status = refuse(r, AFFECT_ERROR_FORMAT, "expected @relation, @attribute or @data");
        }
    }
    if (!status && !data)
        status = base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: has no @data", r->path);
    return status;
}

affect_status data_arff_parse(affect_context *ctx, const char *name, const char *text,
                              size_t length, affect_status (*begin)(void *, const data_arff *),
                              data_arff_row row, void *user) {
    reader r = {.ctx = ctx, .path = name, .length = length};
    affect_status status = read_lines(&r, text, length, begin, row, user);
    for (size_t i = 0; i < r.arff.count; i++) {
        data_arff_attribute *a = &r.arff.attributes[i];
        for (size_t k = 0; k < a->value_count; k++) base_free(a->values[k]);
        base_free(a->values);
        base_free(a->sorted);
        base_free(a->name);
    }
    base_free(r.arff.attributes);
    base_free(r.cells);
    base_free(r.text);
    return status;
}

affect_status data_arff_read(affect_context *ctx, const char *path,
                             affect_status (*begin)(void *, const data_arff *), data_arff_row row,
                             void *user) {
    data_mapping map;
    affect_status status = data_map(ctx, path, &map);
    if (status) return status;
    status = data_arff_parse(ctx, path, map.bytes, map.length, begin, row, user);
    data_unmap(&map);
    return status;
}

/* ---- as a table ---- */

typedef struct written {
    affect_context *ctx;
    base_text text;
    struct {
        size_t *items, count, capacity;
    } lines;
} written;

static void put(base_text *out, const char *text, bool first) {
    base_text_append(out, first ? "\"" : ",\"");
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        base_text_append_n(out, text, (size_t)(quote - text));
        base_text_append(out, "\"\"");
    }
    base_text_append(out, text);
    base_text_append(out, "\"");
}

static affect_status put_names(void *user, const data_arff *arff) {
    written *w = user;
    for (size_t i = 0; i < arff->count; i++) put(&w->text, arff->attributes[i].name, i == 0);
    base_text_append(&w->text, "\n");
    return AFFECT_OK;
}

static affect_status put_row(void *user, const data_arff *arff, const char *const *cells,
                             size_t line) {
    written *w = user;
    for (size_t i = 0; i < arff->count; i++) put(&w->text, cells[i] ? cells[i] : "", i == 0);
    base_text_append(&w->text, "\n");
    if (w->text.failed || !base_grow((void **)&w->lines.items, &w->lines.capacity,
                                     w->lines.count + 1, sizeof *w->lines.items))
        return base_fail_memory(w->ctx);
    w->lines.items[w->lines.count++] = line;
    return AFFECT_OK;
}

affect_status data_arff_open(affect_context *ctx, const char *path, data_table **out) {
    written w = {.ctx = ctx};
    const data_table_options options = {.delimiter = ','};
    *out = NULL;
    affect_status status = data_arff_read(ctx, path, put_names, put_row, &w);
    if (!status) status = data_table_parse(ctx, path, w.text.data, w.text.length, &options, out);
    for (size_t i = 0; !status && i < w.lines.count && i < (*out)->rows; i++)
        (*out)->line[i] = w.lines.items[i];
    base_text_destroy(&w.text);
    base_free(w.lines.items);
    return status;
}
