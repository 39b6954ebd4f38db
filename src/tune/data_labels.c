/* Labels of recordings: tables, and the forms in which MERR (Cheng et al. 2024), EMER (Lian et al. 2023) and MER-Caption (Lian et
 * al. 2025) are published. Their columns and keys have other names for the same. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/frame.h"
#include "tune/data_private.h"

enum {
    MOST_WARNINGS = 20,
    MOST_ROWS = 1 << 22,
    LONGEST_CELL = 1 << 15 /* bytes; nobody writes a longer description */
};
static const size_t MOST_BYTES = (size_t)1 << 30;

static const char *const aliases[TUNE_FIELDS][10] = {
    [TUNE_RECORDING] = {"recording", "name", "names", "path", "file", "clip", "filename", "video"},
    [TUNE_LABEL] = {"label", "emotion", "emotions", "pseu_emotion", "discrete"},
    [TUNE_WORDS] = {"words", "openset", "ovlabel", "labels"},
    [TUNE_DESCRIPTION] = {"description", "reason", "reasons", "smp_reason_caption", "caption",
                          "english"},
    [TUNE_PARTICIPANT] = {"participant", "speaker", "actor", "group"},
    [TUNE_SPLIT] = {"split"},
    [TUNE_PERSON] = {"person"},
    [TUNE_START] = {"start"},
    [TUNE_END] = {"end"}};

void tune_warn(affect_context *ctx, size_t *count, const char *format, ...) {
    char text[400];
    va_list arguments;
    if (++*count > MOST_WARNINGS) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    base_log(ctx, AFFECT_LOG_WARNING, "%s%s", text,
             *count == MOST_WARNINGS ? " (no more of these are shown)" : "");
}

const char *tune_name_in(const char *path, size_t *length) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    /* "clip.v2" has no ending that says what kind of file it is */
    size_t ending = dot && dot > name ? strlen(dot + 1) : 0;
    *length = ending && ending <= 5 &&
                      strspn(dot + 1, "abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ending
                  ? (size_t)(dot - name)
                  : strlen(name);
    return name;
}

/* "glad, calm" of what a cell of words holds, appended. Brackets are dropped wherever they stand: a word with them in it could be
 * read as a marker of a stream. */
static void put_words(const char *cell, base_text *out) {
    static const char brackets[] = "[]<>", around[] = " \t[]<>'\"";
    const char *before = "";
    while (*cell) {
        size_t n = strcspn(cell, ",;|"), at = BASE_MIN(strspn(cell, around), n), end = n;
        while (end > at && strchr(around, cell[end - 1])) end--;
        if (end > at) base_text_append(out, before), before = ", ";
        while (at < end) {
            size_t plain = BASE_MIN(strcspn(cell + at, brackets), end - at);
            base_text_append_n(out, cell + at, plain);
            at += plain + 1;
        }
        cell += n + (cell[n] != '\0');
    }
}

/* ---- a row ---- */

static const char *keep(tune_rows *rows, const char *text, size_t length) {
    char *copy = base_arena_alloc(&rows->arena, length + 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

static const char *part_in_table(const tune_row *r) {
    static const char *const parts[][2] = {{"train", "train"},      {"valid", "valid"},
                                           {"dev", "valid"},        {"val", "valid"},
                                           {"validation", "valid"}, {"test", "test"}};
    for (size_t i = 0; i < BASE_COUNT(parts); i++)
        if (base_equal_ignore_case(r->text[TUNE_SPLIT], parts[i][0])) return parts[i][1];
    return NULL;
}

static const char *trouble(tune_row *r) {
    static const int numbers[] = {TUNE_PERSON, TUNE_START, TUNE_END};
    double value[] = {0, NAN, NAN};
    size_t n;
    tune_name_in(r->text[TUNE_RECORDING], &n);
    if (!n) return "it names no recording";
    if (!*r->text[TUNE_LABEL] && !*r->text[TUNE_WORDS] && !*r->text[TUNE_DESCRIPTION])
        return "it holds neither a label nor words nor a description";
    for (size_t i = 0; i < TUNE_FIELDS; i++)
        if (strlen(r->text[i]) > LONGEST_CELL) return "a cell holds more than 32 KiB of text";
    for (size_t i = 0; i < BASE_COUNT(numbers); i++) {
        const char *cell = r->text[numbers[i]];
        if (*cell && (!base_parse_double(cell, strlen(cell), &value[i]) ||
                      !(value[i] >= 0 && value[i] < 1e6)))
            return "person, start or end is no number that can be";
    }
    double number;
    if (base_parse_double(r->text[TUNE_LABEL], strlen(r->text[TUNE_LABEL]), &number))
        return "its label is a number, and no word";
    if (*r->text[TUNE_SPLIT] && !part_in_table(r))
        return "its split is none of train, valid (dev, val, validation), test";
    if (isnan(value[1]) != isnan(value[2]) || value[1] >= value[2])
        return "start and end want to be both there, the end after the start";
    if (value[0] != floor(value[0])) return "the person is a whole number";
    r->person = (int)value[0];
    r->t0 = value[1];
    r->t1 = value[2];
    return NULL;
}

/* A cell of words without brackets and quotation marks; NULL where memory ends. */
static const char *clean(tune_rows *rows, const char *cell) {
    base_text words = {0};
    put_words(cell, &words);
    const char *kept = words.failed   ? NULL
                       : words.length ? keep(rows, words.data, words.length)
                                      : "";
    base_text_destroy(&words);
    return kept;
}

/* A label is one: of a list, several are words; of none nothing is said. */
static affect_status clean_cells(tune_rows *rows, tune_row *r) {
    const char *label = clean(rows, r->text[TUNE_LABEL]), *words = clean(rows, r->text[TUNE_WORDS]);
    if (!label || !words) return base_fail_memory(rows->ctx);
    bool several = strstr(label, ", ") != NULL;
    r->text[TUNE_WORDS] = several && !*words ? label : words;
    r->text[TUNE_LABEL] = several ? "" : label;
    return AFFECT_OK;
}

/* Takes the row that stands behind the last, if it can be used. */
static affect_status take(tune_rows *rows) {
    tune_row *r = &rows->items[rows->count];
    affect_status status = clean_cells(rows, r);
    if (status) return status;
    const char *why = trouble(r);
    if (why)
        tune_warn(rows->ctx, &rows->bad, "%s:%zu: left out: %s", r->file, r->line, why);
    else
        rows->count++;
    return AFFECT_OK;
}

static tune_row *next(tune_rows *rows, const char *file, size_t line) {
    if (rows->count >= MOST_ROWS ||
        !base_grow((void **)&rows->items, &rows->capacity, rows->count + 1, sizeof *rows->items))
        return NULL;
    tune_row *r = &rows->items[rows->count];
    *r = (tune_row){.file = file, .line = line};
    for (int f = 0; f < TUNE_FIELDS; f++) r->text[f] = "";
    return r;
}

/* ---- tables ---- */

static affect_status from_table(tune_rows *rows, const char *file, const data_table *t) {
    int column[TUNE_FIELDS];
    for (int f = 0; f < TUNE_FIELDS; f++) {
        column[f] = -1;
        for (size_t k = 0; k < BASE_COUNT(aliases[0]) && aliases[f][k] && column[f] < 0; k++)
            column[f] = t->names ? data_table_column(t, aliases[f][k]) : -1;
    }
    if (column[TUNE_RECORDING] < 0)
        return base_fail(rows->ctx, AFFECT_ERROR_FORMAT,
                         "%s: has no column that names recordings (recording, name, path, ...)",
                         file);
    for (size_t i = 0; i < t->rows; i++) {
        tune_row *r = next(rows, file, t->line[i]);
        if (!r) return base_fail_memory(rows->ctx);
        for (int f = 0; f < TUNE_FIELDS; f++) {
            if (column[f] < 0) continue;
            const char *cell = data_table_cell(t, i, (size_t)column[f]);
            size_t n = strlen(cell);
            while (n && strchr(" \t", cell[n - 1])) n--;
            r->text[f] = data_frame_missing(cell) ? "" : keep(rows, cell, n);
            if (!r->text[f]) return base_fail_memory(rows->ctx);
        }
        affect_status status = take(rows);
        if (status) return status;
    }
    return AFFECT_OK;
}

/* ---- JSON ---- */

/* Text, a number, or a list of texts, with commas. */
static const char *text_of(tune_rows *rows, const json_t *value) {
    base_text text = {0};
    if (json_is_string(value)) base_text_append(&text, json_string_value(value));
    if (json_is_number(value)) base_text_printf(&text, "%.17g", json_number_value(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *one = json_string_value(json_array_get(value, i));
        if (one) base_text_printf(&text, "%s%s", text.length ? ", " : "", one);
    }
    const char *kept = text.failed ? NULL : keep(rows, text.data ? text.data : "", text.length);
    base_text_destroy(&text);
    return kept;
}

static affect_status from_sample(tune_rows *rows, const char *file, const char *name, size_t number,
                                 const json_t *sample) {
    tune_row *r = next(rows, file, number);
    if (!r) return base_fail_memory(rows->ctx);
    for (int f = 0; f < TUNE_FIELDS; f++)
        for (size_t k = 0; k < BASE_COUNT(aliases[0]) && aliases[f][k] && !*r->text[f]; k++) {
            const json_t *value = json_object_get(sample, aliases[f][k]);
            if (value) r->text[f] = text_of(rows, value);
            if (!r->text[f]) return base_fail_memory(rows->ctx);
        }
    if (name) r->text[TUNE_RECORDING] = keep(rows, name, strlen(name));
    if (!r->text[TUNE_RECORDING]) return base_fail_memory(rows->ctx);
    return take(rows);
}

static affect_status from_json(tune_rows *rows, const char *file, const char *text, size_t length) {
    json_error_t error;
    json_t *root = json_loadb(text, length, 0, &error), *sample;
    const char *name;
    size_t number = 0;
    affect_status status = AFFECT_OK;
    if (json_is_object(root)) {
        json_object_foreach(root, name, sample) {
            if (!status) status = from_sample(rows, file, name, ++number, sample);
        }
    } else if (json_is_array(root)) {
        for (; !status && number < json_array_size(root); number++)
            status = from_sample(rows, file, NULL, number + 1, json_array_get(root, number));
    } else {
        status = base_fail(rows->ctx, AFFECT_ERROR_FORMAT, "%s:%d: no JSON object or list: %s",
                           file, root ? 1 : error.line, root ? "something else" : error.text);
    }
    json_decref(root);
    return status;
}

/* A line of JSON Lines that is broken is one row that is left out. */
static affect_status from_lines(tune_rows *rows, const char *file, const char *text,
                                size_t length) {
    affect_status status = AFFECT_OK;
    size_t number = 0;
    for (size_t at = 0; at < length && !status;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t n = end ? (size_t)(end - text) - at : length - at;
        json_error_t error;
        json_t *sample = n ? json_loadb(text + at, n, 0, &error) : NULL;
        number++;
        if (json_is_object(sample))
            status = from_sample(rows, file, NULL, number, sample);
        else if (n && text[at] != '\r')
            tune_warn(rows->ctx, &rows->bad, "%s:%zu: left out: no JSON object", file, number);
        json_decref(sample);
        at += n + 1;
    }
    return status;
}

/* ---- files ---- */

affect_status tune_rows_parse(tune_rows *rows, const char *name, const char *text, size_t length,
                              bool json) {
    data_table *t = NULL;
    const data_table_options ragged = {.ragged = true};
    if (!rows->arena.block_size) base_arena_init(&rows->arena, 0);
    const char *file = keep(rows, name, strlen(name));
    if (!file) return base_fail_memory(rows->ctx);
    if (json)
        return base_ends_with(name, ".jsonl") ? from_lines(rows, file, text, length)
                                              : from_json(rows, file, text, length);
    affect_status status = data_table_parse(rows->ctx, name, text, length, &ragged, &t);
    if (!status) status = from_table(rows, file, t);
    data_table_destroy(t);
    return status;
}

affect_status tune_rows_read(tune_rows *rows, const char *path) {
    char *text = NULL;
    size_t length = 0;
    data_table *t = NULL;
    data_frame *frame = NULL;
    const data_table_options ragged = {.ragged = true};
    affect_status status = AFFECT_OK;
    if (!rows->arena.block_size) base_arena_init(&rows->arena, 0);
    if (base_ends_with(path, ".json") || base_ends_with(path, ".jsonl")) {
        status = base_read_file(rows->ctx, path, MOST_BYTES, &text, &length);
        if (!status) status = tune_rows_parse(rows, path, text, length, true);
        base_free(text);
        return status;
    }
    const char *file = keep(rows, path, strlen(path));
    if (!file) return base_fail_memory(rows->ctx);
    if (base_ends_with(path, ".xlsx")) {
        status = data_frame_open(rows->ctx, path, false, &frame);
        if (!status && frame->table) status = from_table(rows, file, frame->table);
        data_frame_destroy(frame);
        return status;
    }
    status = data_table_open(rows->ctx, path, &ragged, &t);
    if (!status) status = from_table(rows, file, t);
    data_table_destroy(t);
    return status;
}

void tune_rows_clear(tune_rows *rows) {
    if (rows->arena.block_size) base_arena_destroy(&rows->arena);
    base_free(rows->items);
    *rows = (tune_rows){.ctx = rows->ctx};
}

/* ---- parts ---- */

/* Who must not be split: the participant, else the recording. */
static const char *group_of(const tune_row *r, size_t *length) {
    if (!*r->text[TUNE_PARTICIPANT]) return tune_name_in(r->text[TUNE_RECORDING], length);
    *length = strlen(r->text[TUNE_PARTICIPANT]);
    return r->text[TUNE_PARTICIPANT];
}

static int by_group(const void *a, const void *b) {
    const tune_row *x = *(tune_row *const *)a, *y = *(tune_row *const *)b;
    size_t n, m;
    const char *p = group_of(x, &n), *q = group_of(y, &m);
    int order = memcmp(p, q, BASE_MIN(n, m));
    if (order || n != m) return order ? order : n < m ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int by_place(const void *a, const void *b) {
    const tune_row *x = *(tune_row *const *)a, *y = *(tune_row *const *)b;
    return x < y ? -1 : x > y;
}

static bool same_group(const tune_row *x, const tune_row *y) {
    size_t n, m;
    const char *p = group_of(x, &n), *q = group_of(y, &m);
    return n == m && memcmp(p, q, n) == 0;
}

/* Each group has one part, that of its first row. */
static affect_status spread(tune_rows *rows, tune_row **sorted) {
    for (size_t i = 0; i < rows->count; i++) {
        tune_row *r = sorted[i], *first = i && same_group(sorted[i - 1], r) ? sorted[i - 1] : r;
        size_t n;
        const char *group = group_of(r, &n);
        if (*r->text[TUNE_SPLIT] && strcmp(part_in_table(r), first->split) != 0)
            return base_fail(rows->ctx, AFFECT_ERROR_FORMAT,
                             "%s:%zu: %.*s is in the parts '%s' and '%s': who is known from "
                             "training tells nothing of others",
                             r->file, r->line, (int)BASE_MIN(n, (size_t)80), group, first->split,
                             part_in_table(r));
        r->split = first->split;
    }
    return AFFECT_OK;
}

affect_status tune_rows_deal(tune_rows *rows, size_t every, const char *hold_out) {
    tune_row **sorted = base_calloc(2 * rows->count + 1, sizeof *sorted);
    if (!sorted) return base_fail_memory(rows->ctx);
    tune_row **first = sorted + rows->count;
    size_t groups = 0, others = 0;
    for (size_t i = 0; i < rows->count; i++) sorted[i] = &rows->items[i];
    qsort(sorted, rows->count, sizeof(tune_row *), by_group);
    for (size_t i = 0; i < rows->count; i++)
        if (!i || !same_group(sorted[i - 1], sorted[i])) first[groups++] = sorted[i];
    qsort(first, groups, sizeof(tune_row *), by_place);
    for (size_t i = 0; i < groups; i++) {
        size_t n;
        const char *group = group_of(first[i], &n);
        bool out = hold_out && *hold_out && memmem(group, n, hold_out, strlen(hold_out)) != NULL;
        if (*first[i]->text[TUNE_SPLIT])
            first[i]->split = part_in_table(first[i]);
        else if (out)
            first[i]->split = "test";
        else
            first[i]->split = others++ % every == every - 1 ? "valid" : "train";
    }
    affect_status status = spread(rows, sorted);
    base_free(sorted);
    return status;
}
