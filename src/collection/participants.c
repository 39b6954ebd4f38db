/* Who is who: the user's table of participants and conditions. */
#include <stdlib.h>
#include <string.h>

#include "collection/collection_private.h"

typedef struct key {
    const char *recording, *person;
    size_t row;
} key;

static int by_key(const void *a, const void *b) {
    const key *x = a, *y = b;
    int order = strcmp(x->recording, y->recording);
    if (!order) order = strcmp(x->person, y->person);
    return order ? order : x->row < y->row ? -1 : x->row > y->row;
}

static const char *person_cell(const collection_participants *p, size_t row) {
    return p->person < 0 ? "" : data_table_cell(p->table, row, (size_t)p->person);
}

/* Rows in order of recording and person; two for the same person are a mistake. */
static affect_status sort_rows(affect_context *ctx, collection_participants *p) {
    const data_table *t = p->table;
    key *keys = base_calloc(t->rows, sizeof *keys);
    p->order = base_calloc(t->rows, sizeof *p->order);
    p->used = base_calloc(t->rows, sizeof *p->used);
    affect_status status = keys && p->order && p->used ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t row = 0; status == AFFECT_OK && row < t->rows; row++) {
        const char *person = person_cell(p, row);
        int64_t number;
        if (*person && (!base_parse_int64(person, strlen(person), &number) || number < 1))
            status = data_table_fail(ctx, t, row, (size_t)p->person,
                                     "the number of a person in the recording, or nothing");
        keys[row] = (key){data_table_cell(t, row, (size_t)p->recording), person, row};
    }
    if (status == AFFECT_OK && t->rows) qsort(keys, t->rows, sizeof *keys, by_key);
    for (size_t i = 0; status == AFFECT_OK && i < t->rows; i++) {
        p->order[i] = keys[i].row;
        if (i && !strcmp(keys[i].recording, keys[i - 1].recording) &&
            !strcmp(keys[i].person, keys[i - 1].person))
            status = base_fail(
                ctx, AFFECT_ERROR_FORMAT, "%s:%zu: recording %s%s%s has a row already, in line %zu",
                t->path, t->line[keys[i].row], keys[i].recording,
                *keys[i].person ? ", person " : "", keys[i].person, t->line[keys[i - 1].row]);
    }
    base_free(keys);
    return status;
}

affect_status collection_participants_read(affect_context *ctx, const char *path,
                                           collection_participants *out) {
    *out = (collection_participants){.recording = -1, .person = -1, .participant = -1};
    if (!path) return AFFECT_OK;
    affect_status status = data_table_open(ctx, path, NULL, &out->table);
    if (status != AFFECT_OK) return status;
    const data_table *t = out->table;
    out->recording = data_table_column(t, "recording");
    out->person = data_table_column(t, "person");
    out->participant = data_table_column(t, "participant");
    if (out->recording < 0)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                           "%s: wants a column recording (and person, participant and "
                           "conditions, as there are any); has %zu columns, the first is '%s'",
                           path, t->columns, t->columns ? t->names[0] : "");
    out->conditions = base_calloc(t->columns, sizeof *out->conditions);
    out->condition_columns = base_calloc(t->columns, sizeof *out->condition_columns);
    if (status == AFFECT_OK && (!out->conditions || !out->condition_columns))
        status = base_fail_memory(ctx);
    for (size_t c = 0; status == AFFECT_OK && c < t->columns; c++) {
        if ((int)c == out->recording || (int)c == out->person || (int)c == out->participant)
            continue;
        if (!*t->names[c] || collection_has_column(t->names[c]) ||
            data_table_column(t, t->names[c]) != (int)c)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                               "%s: the name of column %zu, '%s', is %s: give it another", path,
                               c + 1, t->names[c],
                               !*t->names[c] ? "empty" : "one that the tables have already");
        out->conditions[out->condition_count] = t->names[c];
        out->condition_columns[out->condition_count++] = (int)c;
    }
    if (status == AFFECT_OK) status = sort_rows(ctx, out);
    if (status != AFFECT_OK) collection_participants_destroy(out);
    return status;
}

/* The row of exactly these two, or SIZE_MAX. */
static size_t find(collection_participants *p, const char *recording, const char *person) {
    size_t low = 0, high = p->table->rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2, row = p->order[middle];
        int order = strcmp(data_table_cell(p->table, row, (size_t)p->recording), recording);
        if (!order) order = strcmp(person_cell(p, row), person);
        if (!order) {
            p->used[row] = true;
            return row;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

size_t collection_participants_find(collection_participants *p, const char *id, const char *path,
                                    const char *person, bool *own) {
    *own = true;
    if (!p->table) return SIZE_MAX;
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    const char *dot = strrchr(file, '.');
    char *stem = base_strndup(file, dot && dot > file ? (size_t)(dot - file) : strlen(file));
    const char *names[] = {id, file, stem ? stem : file, path};
    size_t row = SIZE_MAX;
    for (size_t i = 0; row == SIZE_MAX && i < BASE_COUNT(names); i++)
        row = find(p, names[i], person);
    for (size_t i = 0; row == SIZE_MAX && *person && i < BASE_COUNT(names); i++) {
        *own = false;
        row = find(p, names[i], "");
    }
    base_free(stem);
    return row;
}

void collection_participants_warn(affect_context *ctx, const collection_participants *p) {
    size_t unused = 0, first = 0;
    for (size_t row = 0; p->table && row < p->table->rows; row++)
        if (!p->used[row] && unused++ == 0) first = row;
    if (unused)
        base_log(ctx, AFFECT_LOG_WARNING, "%s:%zu: %s%s%s is in no recording of this collection%s",
                 p->table->path, p->table->line[first],
                 data_table_cell(p->table, first, (size_t)p->recording),
                 *person_cell(p, first) ? ", person " : "", person_cell(p, first),
                 unused > 1 ? ", nor are others" : "");
}

void collection_participants_destroy(collection_participants *p) {
    data_table_destroy(p->table);
    base_free(p->order);
    base_free(p->used);
    base_free(p->conditions);
    base_free(p->condition_columns);
    *p = (collection_participants){0};
}
