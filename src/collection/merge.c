/* The tables of a collection, made of its recordings' parts: one recording in memory at a time. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collection/collection_private.h"

static const data_table_options comma = {.delimiter = ','};

typedef struct merge {
    affect_context *ctx;
    collection_entry *entries; /* in order of id */
    size_t count, capacity;
    collection_participants who;
    collection_column columns[COLLECTION_TABLES][COLUMNS_MOST];
    size_t column_counts[COLLECTION_TABLES];
    base_output out[COLLECTION_SUMMARY + 1];
    struct pooled *people; /* rows of the summary */
    size_t people_count, people_capacity;
} merge;

/* A row of the summary, for the participants' own table. */
typedef struct pooled {
    char *participant;
    size_t recording, row; /* entry; row of the table of participants, or SIZE_MAX */
    double values[COLUMNS_MOST];
} pooled;

/* ---- which recordings there are ---- */

static void clear_entry(collection_entry *e) {
    char *texts[] = {e->id,       e->file,    e->folder, e->status,  e->error,
                     e->duration, e->persons, e->label,  e->valence, e->arousal,
                     e->bytes,    e->video,   e->audio,  e->warnings};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) base_free(texts[i]);
}

static bool set(char **slot, const char *text) {
    base_free(*slot);
    return (*slot = base_strdup(text)) != NULL;
}

/* Among the first `count`, which are in order. */
static collection_entry *find_entry(merge *m, const char *id, size_t count) {
    for (size_t low = 0, high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(m->entries[middle].id, id);
        if (!order) return &m->entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int by_id(const void *a, const void *b) {
    return strcmp(((const collection_entry *)a)->id, ((const collection_entry *)b)->id);
}

static affect_status add_entry(merge *m, const char *id, const char *file, const char *bytes,
                               const char *folder, const char *status) {
    if (!base_grow((void **)&m->entries, &m->capacity, m->count + 1, sizeof *m->entries))
        return base_fail_memory(m->ctx);
    collection_entry *e = &m->entries[m->count];
    *e = (collection_entry){0};
    bool good = set(&e->id, id) && set(&e->file, file) && set(&e->bytes, bytes) &&
                set(&e->folder, folder) && set(&e->status, status) && set(&e->error, "") &&
                set(&e->duration, "") && set(&e->persons, "") && set(&e->label, "") &&
                set(&e->valence, "") && set(&e->arousal, "") && set(&e->video, "") &&
                set(&e->audio, "") && set(&e->warnings, "");
    if (!good) {
        clear_entry(e);
        return base_fail_memory(m->ctx);
    }
    m->count++;
    return AFFECT_OK;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder that begin so, in order; none where there is no such folder. */
static affect_status names_in(affect_context *ctx, const char *folder, const char *prefix,
                              char ***out, size_t *count) {
    size_t capacity = 0;
    *out = NULL;
    *count = 0;
    DIR *dir = opendir(folder);
    affect_status status = AFFECT_OK;
    for (struct dirent *e; dir && status == AFFECT_OK && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.' || !base_starts_with(e->d_name, prefix)) continue;
        char *name = base_strdup(e->d_name);
        if (!name || !base_grow((void **)out, &capacity, *count + 1, sizeof **out)) {
            base_free(name);
            status = base_fail_memory(ctx);
        } else {
            (*out)[(*count)++] = name;
        }
    }
    if (dir) closedir(dir);
    if (*count) qsort(*out, *count, sizeof **out, by_text);
    return status;
}

static void free_names(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) base_free(names[i]);
    base_free(names);
}

static const char *cell_of(const data_table *t, size_t row, const char *column) {
    int c = data_table_column(t, column);
    return c < 0 ? "" : data_table_cell(t, row, (size_t)c);
}

static affect_status open_part(affect_context *ctx, const char *folder, const char *file,
                               data_table **out) {
    char *tables = base_path_join(folder, "tables");
    char *path = tables ? base_path_join(tables, file) : NULL;
    affect_status status = path ? data_table_open(ctx, path, &comma, out) : base_fail_memory(ctx);
    base_free(tables);
    base_free(path);
    return status;
}

/* The complete recordings of one room, those with their own row. */
static affect_status add_recordings(merge *m, const char *room) {
    char *rooms = base_path_join(room, "recordings");
    if (!rooms) return base_fail_memory(m->ctx);
    char **names;
    size_t count, known = m->count;
    affect_status status = names_in(m->ctx, rooms, "", &names, &count);
    for (size_t i = 0; status == AFFECT_OK && i < count; i++) {
        char *folder = base_path_join(rooms, names[i]);
        char *mark = folder ? base_path_join(folder, "tables/recording.csv") : NULL;
        data_table *t = NULL;
        bool doubled = find_entry(m, names[i], known); /* shards of another count have it too */
        if (!mark)
            status = base_fail_memory(m->ctx);
        else if (!doubled && base_file_exists(mark)) {
            status = data_table_open(m->ctx, mark, &comma, &t);
            if (status == AFFECT_OK && t->rows) {
                status = add_entry(m, names[i], cell_of(t, 0, "file"), cell_of(t, 0, "bytes"),
                                   folder, *cell_of(t, 0, "error") ? "partial" : "done");
                collection_entry *e = status == AFFECT_OK ? &m->entries[m->count - 1] : NULL;
                if (e && !(set(&e->error, cell_of(t, 0, "error")) &&
                           set(&e->duration, cell_of(t, 0, "duration")) &&
                           set(&e->persons, cell_of(t, 0, "persons")) &&
                           set(&e->video, cell_of(t, 0, "video")) &&
                           set(&e->audio, cell_of(t, 0, "audio")) &&
                           set(&e->warnings, cell_of(t, 0, "warnings"))))
                    status = base_fail_memory(m->ctx);
            }
        }
        data_table_destroy(t);
        base_free(mark);
        base_free(folder);
    }
    if (m->count) qsort(m->entries, m->count, sizeof *m->entries, by_id);
    free_names(names, count);
    base_free(rooms);
    return status;
}

/* What a room was to analyze, and what failed there. */
static affect_status add_list(merge *m, const char *room, const char *file, bool failed) {
    char *path = base_path_join(room, file);
    if (!path) return base_fail_memory(m->ctx);
    data_table *t = NULL;
    affect_status status = AFFECT_OK;
    if (base_file_exists(path)) status = data_table_open(m->ctx, path, &comma, &t);
    const size_t known = m->count; /* these are in order; ids in one list are different */
    for (size_t row = 0; status == AFFECT_OK && t && row < t->rows; row++) {
        const char *id = cell_of(t, row, "recording");
        collection_entry *e = *id ? find_entry(m, id, known) : NULL;
        if (*id && !e) {
            status =
                add_entry(m, id, cell_of(t, row, "file"), cell_of(t, row, "bytes"), "", "missing");
            e = status == AFFECT_OK ? &m->entries[m->count - 1] : NULL;
        }
        if (e && failed && !*e->folder &&
            !(set(&e->status, "failed") && set(&e->error, cell_of(t, row, "error"))))
            status = base_fail_memory(m->ctx);
    }
    if (m->count) qsort(m->entries, m->count, sizeof *m->entries, by_id);
    data_table_destroy(t);
    base_free(path);
    return status;
}

/* `folder` and its shards. */
static affect_status each_room(merge *m, const char *folder,
                               affect_status (*visit)(merge *m, const char *room)) {
    char **shards;
    size_t count;
    affect_status status = names_in(m->ctx, folder, "shard-", &shards, &count);
    if (status == AFFECT_OK) status = visit(m, folder);
    for (size_t i = 0; status == AFFECT_OK && i < count; i++) {
        char *room = base_path_join(folder, shards[i]);
        status = room ? visit(m, room) : base_fail_memory(m->ctx);
        base_free(room);
    }
    free_names(shards, count);
    return status;
}

static affect_status add_inputs(merge *m, const char *room) {
    return add_list(m, room, "inputs.csv", false);
}

static affect_status add_failures(merge *m, const char *room) {
    return add_list(m, room, "failed.csv", true);
}

static affect_status gather(merge *m, const char *const *folders, size_t count) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; status == AFFECT_OK && i < count; i++) {
        if (!base_is_folder(folders[i]))
            return base_fail(m->ctx, AFFECT_ERROR_NOT_FOUND, "%s: is no folder", folders[i]);
        status = each_room(m, folders[i], add_recordings);
    }
    for (size_t i = 0; status == AFFECT_OK && i < count; i++)
        status = each_room(m, folders[i], add_inputs);
    for (size_t i = 0; status == AFFECT_OK && i < count; i++)
        status = each_room(m, folders[i], add_failures);
    if (status == AFFECT_OK && !m->count)
        status = base_fail(m->ctx, AFFECT_ERROR_NOT_FOUND,
                           "%s: is no collection: affect analyze FILES... -o FOLDER makes one",
                           folders[0]);
    return status;
}

/* ---- rows ---- */

static void put_cell(FILE *out, const char *text) {
    double unused;
    putc(',', out);
    if (base_parse_double(text, strlen(text), &unused))
        fputs(text, out); /* a number with its sign is no formula */
    else
        report_put_csv_field(out, text);
}

static void put_conditions(const merge *m, size_t row, FILE *out) {
    for (size_t i = 0; i < m->who.condition_count; i++)
        put_cell(out, row == SIZE_MAX ? ""
                                      : data_table_cell(m->who.table, row,
                                                        (size_t)m->who.condition_columns[i]));
}

/* Who a person of a recording is. `persons` are how many the recording has: a row of the table that
 * names no person is about the only one. Empty for what is nobody's. False: no memory. */
static bool identify(merge *m, const collection_entry *e, const char *person, size_t persons,
                     base_text *out, size_t *row) {
    bool own;
    *row = collection_participants_find(&m->who, e->id, e->file, person, &own);
    const char *id = *row == SIZE_MAX || m->who.participant < 0
                         ? ""
                         : data_table_cell(m->who.table, *row, (size_t)m->who.participant);
    base_text_clear(out);
    base_text_append(out, "");
    bool sole = persons <= 1 && (*person || !persons);
    if (*id && ((*person && own) || sole))
        base_text_append(out, id);
    else if (*person)
        base_text_printf(out, "%s/%s", e->id, person);
    return !out->failed;
}

/* Columns of a part by the names that they have now. */
static affect_status map_columns(merge *m, const data_table *t, collection_table table,
                                 int map[COLUMNS_MOST]) {
    for (size_t i = 0; i < m->column_counts[table]; i++) {
        map[i] = data_table_column(t, m->columns[table][i].name);
        if (map[i] < 0)
            return base_fail(m->ctx, AFFECT_ERROR_FORMAT,
                             "%s: has no column %s: another version of affect wrote it; --force "
                             "analyzes the recording again",
                             t->path, m->columns[table][i].name);
    }
    return AFFECT_OK;
}

static affect_status keep_for_pool(merge *m, const data_table *t, size_t row, const int *map,
                                   const char *participant, size_t entry, size_t who) {
    if (!*participant) return AFFECT_OK;
    if (!base_grow((void **)&m->people, &m->people_capacity, m->people_count + 1,
                   sizeof *m->people))
        return base_fail_memory(m->ctx);
    pooled *p = &m->people[m->people_count];
    p->participant = base_strdup(participant);
    if (!p->participant) return base_fail_memory(m->ctx);
    p->recording = entry;
    p->row = who;
    for (size_t i = 0; i < m->column_counts[COLLECTION_SUMMARY]; i++) {
        const char *cell = data_table_cell(t, row, (size_t)map[i]);
        if (!*cell || !base_parse_double(cell, strlen(cell), &p->values[i])) p->values[i] = NAN;
    }
    m->people_count++;
    return AFFECT_OK;
}

static affect_status copy_rows(merge *m, size_t entry, collection_table table, size_t persons) {
    const collection_entry *e = &m->entries[entry];
    int map[COLUMNS_MOST];
    data_table *t = NULL;
    base_text participant = {0};
    affect_status status = open_part(m->ctx, e->folder, collection_file(table), &t);
    if (status == AFFECT_OK) status = map_columns(m, t, table, map);
    FILE *out = m->out[table].file;
    for (size_t row = 0; status == AFFECT_OK && row < t->rows; row++) {
        size_t who;
        const char *person = data_table_cell(t, row, (size_t)map[1]);
        if (!identify(m, e, person, persons, &participant, &who)) {
            status = base_fail_memory(m->ctx);
            break;
        }
        report_put_csv_field(out, participant.length ? participant.data : "");
        put_conditions(m, who, out);
        put_cell(out, e->id);
        for (size_t i = 1; i < m->column_counts[table]; i++)
            put_cell(out, data_table_cell(t, row, (size_t)map[i]));
        fputs("\r\n", out);
        if (table == COLLECTION_SUMMARY)
            status = keep_for_pool(m, t, row, map, participant.length ? participant.data : "",
                                   entry, who);
    }
    base_text_destroy(&participant);
    data_table_destroy(t);
    return status;
}

static void put_header(merge *m, collection_table table) {
    FILE *out = m->out[table].file;
    fputs("participant", out);
    for (size_t i = 0; i < m->who.condition_count; i++) put_cell(out, m->who.conditions[i]);
    for (size_t i = 0; i < m->column_counts[table]; i++)
        fprintf(out, ",%s", m->columns[table][i].name);
    fputs("\r\n", out);
}

/* What the page says of a recording: the person of whom most was labelled. */
static affect_status take_glance(merge *m, size_t entry, size_t *persons) {
    collection_entry *e = &m->entries[entry];
    data_table *t = NULL;
    affect_status status = open_part(m->ctx, e->folder, collection_file(COLLECTION_SUMMARY), &t);
    size_t best = 0;
    double most = -1;
    *persons = 0;
    for (size_t row = 0; status == AFFECT_OK && row < t->rows; row++) {
        const char *time = cell_of(t, row, "labelled_s");
        double s = 0;
        *persons += *cell_of(t, row, "person") != '\0';
        if (*time && base_parse_double(time, strlen(time), &s) && s > most) most = s, best = row;
    }
    if (status == AFFECT_OK && t->rows &&
        !(set(&e->label, cell_of(t, best, "label")) &&
          set(&e->valence, cell_of(t, best, "valence_mean")) &&
          set(&e->arousal, cell_of(t, best, "arousal_mean"))))
        status = base_fail_memory(m->ctx);
    if (status == AFFECT_OK && *persons > 1 && m->who.participant >= 0) {
        bool own;
        size_t row = collection_participants_find(&m->who, e->id, e->file, "", &own);
        if (row != SIZE_MAX && *data_table_cell(m->who.table, row, (size_t)m->who.participant))
            base_log(m->ctx, AFFECT_LOG_WARNING,
                     "%s:%zu: recording %s has %zu persons: a column person must say which of "
                     "them is %s; the conditions hold for all",
                     m->who.table->path, m->who.table->line[row], e->id, *persons,
                     data_table_cell(m->who.table, row, (size_t)m->who.participant));
    }
    data_table_destroy(t);
    return status;
}

/* ---- one participant in several recordings ---- */

static int by_participant(const void *a, const void *b) {
    const pooled *x = a, *y = b;
    int order = strcmp(x->participant, y->participant);
    if (order) return order;
    return x->recording < y->recording ? -1 : x->recording > y->recording;
}

static size_t column_named(const merge *m, const char *name) {
    size_t i = 0;
    while (strcmp(m->columns[COLLECTION_SUMMARY][i].name, name) != 0) i++;
    return i;
}

/* Rows [first, end) of one column as one number. */
static double pool(const merge *m, size_t column, size_t first, size_t end) {
    const collection_column *c = &m->columns[COLLECTION_SUMMARY][column];
    size_t weights = c->weight ? column_named(m, c->weight) : 0;
    double n = 0, sum = 0, square = 0, plain = 0, plain_n = 0;
    for (size_t i = first; i < end; i++) {
        double value = m->people[i].values[column];
        double w = c->weight ? m->people[i].values[weights] : 1;
        if (c->pool == POOL_SD) { /* the mean stands in the column before */
            double mean = m->people[i].values[column - 1];
            if (!isfinite(mean) || !(w > 0)) continue;
            n += w;
            sum += w * mean;
            square += w * mean * mean + (isfinite(value) ? (w - 1) * value * value : 0);
            continue;
        }
        if (!isfinite(value)) continue;
        plain += value;
        plain_n++;
        if (!(w > 0)) continue;
        n += w;
        sum += w * value;
    }
    if (c->pool == POOL_SUM) return plain;
    if (c->pool == POOL_MEAN) return n > 0 ? sum / n : plain_n > 0 ? plain / plain_n : NAN;
    return n > 1 ? sqrt(BASE_MAX(0.0, square - sum * sum / n) / (n - 1)) : NAN;
}

/* A condition of one participant: what all recordings say, else nothing. */
static const char *common_condition(const merge *m, size_t condition, size_t first, size_t end) {
    const char *common = NULL;
    for (size_t i = first; i < end; i++) {
        const char *text = m->people[i].row == SIZE_MAX
                               ? ""
                               : data_table_cell(m->who.table, m->people[i].row,
                                                 (size_t)m->who.condition_columns[condition]);
        if (common && strcmp(common, text) != 0) return "";
        common = text;
    }
    return common ? common : "";
}

static void put_participants(merge *m, FILE *out) {
    size_t n = m->column_counts[COLLECTION_SUMMARY];
    const collection_column *columns = m->columns[COLLECTION_SUMMARY];
    fputs("participant", out);
    for (size_t i = 0; i < m->who.condition_count; i++) put_cell(out, m->who.conditions[i]);
    fputs(",recordings", out);
    for (size_t i = 0; i < n; i++)
        if (columns[i].pool != POOL_NOT) fprintf(out, ",%s", columns[i].name);
    fputs("\r\n", out);
    if (m->people_count) qsort(m->people, m->people_count, sizeof *m->people, by_participant);
    for (size_t first = 0, end; first < m->people_count; first = end) {
        size_t recordings = 1;
        for (end = first + 1; end < m->people_count &&
                              !strcmp(m->people[end].participant, m->people[first].participant);
             end++)
            recordings += m->people[end].recording != m->people[end - 1].recording;
        report_put_csv_field(out, m->people[first].participant);
        for (size_t i = 0; i < m->who.condition_count; i++)
            put_cell(out, common_condition(m, i, first, end));
        fprintf(out, ",%zu", recordings);
        for (size_t i = 0; i < n; i++) {
            char text[NUMBER_TEXT_SIZE];
            if (columns[i].pool == POOL_NOT) continue;
            bool count = strcmp(columns[i].unit, "count") == 0;
            fprintf(out, ",%s", report_fixed(pool(m, i, first, end), count ? 0 : 4, text));
        }
        fputs("\r\n", out);
    }
}

/* ---- files ---- */

static void put_recordings(merge *m, FILE *out) {
    const collection_column *columns = m->columns[COLLECTION_RECORDING];
    for (size_t i = 0; i + 1 < m->column_counts[COLLECTION_RECORDING]; i++)
        fprintf(out, "%s,", columns[i].name);
    fputs("status\r\n", out);
    for (size_t i = 0; i < m->count; i++) {
        const collection_entry *e = &m->entries[i];
        report_put_csv_field(out, e->id);
        const char *cells[] = {e->file,  e->bytes,    e->duration, e->persons, e->video,
                               e->audio, e->warnings, e->error,    e->status};
        for (size_t k = 0; k < BASE_COUNT(cells); k++) put_cell(out, cells[k]);
        fputs("\r\n", out);
    }
}

static affect_status write_file(merge *m, const char *folder, const char *name,
                                void (*put)(merge *m, FILE *out)) {
    char *path = base_path_join(folder, name);
    base_output out;
    affect_status status = path ? base_output_open(m->ctx, path, &out) : base_fail_memory(m->ctx);
    if (status == AFFECT_OK) {
        put(m, out.file);
        status = base_output_commit(m->ctx, &out);
    }
    base_free(path);
    return status;
}

static void put_codebook(merge *m, FILE *out) {
    collection_put_codebook(m->who.conditions, m->who.condition_count, out);
}

static affect_status write_page(merge *m, const char *folder) {
    base_text page = {0};
    collection_put_page(m->entries, m->count, folder, &page);
    char *path = base_path_join(folder, "index.html");
    affect_status status = page.failed || !path ? base_fail_memory(m->ctx) : AFFECT_OK;
    if (status == AFFECT_OK) status = base_write_file(m->ctx, path, page.data, page.length);
    base_free(path);
    base_text_destroy(&page);
    return status;
}

static affect_status write_tables(merge *m, const char *folder) {
    affect_status status = base_make_folder(m->ctx, folder);
    for (int t = 0; status == AFFECT_OK && t <= COLLECTION_SUMMARY; t++) {
        char *path = base_path_join(folder, collection_file((collection_table)t));
        status = path ? base_output_open(m->ctx, path, &m->out[t]) : base_fail_memory(m->ctx);
        base_free(path);
        if (status == AFFECT_OK) put_header(m, (collection_table)t);
    }
    for (size_t i = 0; status == AFFECT_OK && i < m->count; i++) {
        size_t persons;
        if (!*m->entries[i].folder) continue;
        if (affect_context_cancelled(m->ctx))
            status = base_fail(m->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
        if (status == AFFECT_OK) status = take_glance(m, i, &persons);
        for (int t = 0; status == AFFECT_OK && t <= COLLECTION_SUMMARY; t++)
            status = copy_rows(m, i, (collection_table)t, persons);
    }
    for (int t = 0; t <= COLLECTION_SUMMARY; t++) {
        if (status == AFFECT_OK)
            status = base_output_commit(m->ctx, &m->out[t]);
        else
            base_output_abort(&m->out[t]);
    }
    if (status == AFFECT_OK) status = write_file(m, folder, "by_participant.csv", put_participants);
    if (status == AFFECT_OK) status = write_file(m, folder, "recordings.csv", put_recordings);
    if (status == AFFECT_OK) status = write_file(m, folder, "codebook.csv", put_codebook);
    if (status == AFFECT_OK) status = write_page(m, folder);
    return status;
}

affect_status collection_merge(affect_context *ctx, const char *const *folders, size_t count,
                               const char *participants, const char *out,
                               collection_counts *counts) {
    *counts = (collection_counts){0};
    merge *m = base_calloc(1, sizeof *m);
    if (!m) return base_fail_memory(ctx);
    m->ctx = ctx;
    for (int t = 0; t < COLLECTION_TABLES; t++)
        m->column_counts[t] = collection_columns((collection_table)t, m->columns[t]);
    affect_status status = collection_participants_read(ctx, participants, &m->who);
    if (status == AFFECT_OK) status = gather(m, folders, count);
    if (status == AFFECT_OK) status = write_tables(m, out);
    if (status == AFFECT_OK) collection_participants_warn(ctx, &m->who);
    for (size_t i = 0; i < m->count; i++) {
        const char *how = m->entries[i].status;
        counts->recordings++;
        counts->missing += strcmp(how, "missing") == 0;
        counts->failed += strcmp(how, "failed") == 0 || strcmp(how, "partial") == 0;
        clear_entry(&m->entries[i]);
    }
    for (size_t i = 0; i < m->people_count; i++) base_free(m->people[i].participant);
    base_free(m->people);
    base_free(m->entries);
    collection_participants_destroy(&m->who);
    base_free(m);
    return status;
}
