/* Gold beside predictions: by an id column that both have, else by the order of the rows. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/datasets.h"
#include "evaluate/evaluate.h"

/* ---- names ---- */

enum { MOST_NAMES = 1 << 24 };

static size_t slot_of(const evaluate_names *names, const char *text, size_t n) {
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)text[i]) * 1099511628211U;
    for (size_t slot = (size_t)hash & (names->slot_count - 1);;
         slot = (slot + 1) & (names->slot_count - 1)) {
        int32_t at = names->slots[slot];
        if (at < 0 || (strncmp(names->items[at], text, n) == 0 && names->items[at][n] == 0))
            return slot;
    }
}

static void fill_slots(evaluate_names *names) {
    for (size_t k = 0; k < names->slot_count; k++) names->slots[k] = -1;
    for (size_t i = 0; i < names->count; i++)
        names->slots[slot_of(names, names->items[i], strlen(names->items[i]))] = (int32_t)i;
}

affect_status evaluate_names_add(affect_context *ctx, evaluate_names *names, const char *text,
                                 size_t n) {
    if (evaluate_names_find(names, text, n) >= 0) return AFFECT_OK;
    if (names->count >= MOST_NAMES)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "more than %d different names", MOST_NAMES);
    if (2 * (names->count + 1) > names->slot_count) {
        size_t slots = names->slot_count ? 2 * names->slot_count : 64;
        int32_t *larger = base_realloc(names->slots, slots * sizeof *larger);
        if (!larger) return base_fail_memory(ctx);
        names->slots = larger;
        names->slot_count = slots;
        fill_slots(names);
    }
    char *copy = base_strndup(text, n);
    if (!copy || !base_grow((void **)&names->items, &names->capacity, names->count + 1,
                            sizeof *names->items)) {
        base_free(copy);
        return base_fail_memory(ctx);
    }
    names->slots[slot_of(names, copy, n)] = (int32_t)names->count;
    names->items[names->count++] = copy;
    return AFFECT_OK;
}

int32_t evaluate_names_find(const evaluate_names *names, const char *text, size_t n) {
    return names->slot_count ? names->slots[slot_of(names, text, n)] : -1;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_number(const void *a, const void *b) {
    double x = 0, y = 0;
    const char *s = *(char *const *)a, *t = *(char *const *)b;
    (void)base_parse_double(s, strlen(s), &x);
    (void)base_parse_double(t, strlen(t), &y);
    return x < y ? -1 : x > y;
}

void evaluate_names_sort(evaluate_names *names) {
    if (names->fixed || !names->count) return;
    bool numbers = true;
    double x;
    for (size_t i = 0; i < names->count; i++)
        numbers &= base_parse_double(names->items[i], strlen(names->items[i]), &x);
    qsort(names->items, names->count, sizeof *names->items, numbers ? by_number : by_bytes);
    fill_slots(names);
}

affect_status evaluate_names_from_option(affect_context *ctx, const char *text,
                                         evaluate_names *out) {
    *out = (evaluate_names){.fixed = text != NULL};
    for (const char *at = text; at && *at;) {
        size_t n = strcspn(at, ",");
        affect_status status = evaluate_names_add(ctx, out, at, n);
        if (status) return status;
        at += n + (at[n] == ',');
    }
    return AFFECT_OK;
}

void evaluate_names_clear(evaluate_names *names) {
    for (size_t i = 0; i < names->count; i++) base_free(names->items[i]);
    base_free(names->items);
    base_free(names->slots);
    *names = (evaluate_names){0};
}

/* ---- columns ---- */

static const char *const id_names[] = {"id",   "name",     "clip",      "clip_id", "file",
                                       "path", "filename", "sample_id", "key",     "index"};
static const char *const value_names[] = {"label",     "emotion", "gold",  "pred",  "prediction",
                                          "predicted", "value",   "score", "labels"};

affect_status evaluate_named_column(affect_context *ctx, const data_frame *frame, const char *name,
                                    int *out) {
    *out = data_frame_column(frame, name);
    if (*out >= 0) return AFFECT_OK;
    base_text list = {0};
    char buffer[DATA_FRAME_CELL];
    for (size_t c = 0; c < frame->columns && c < 20; c++)
        base_text_printf(&list, c ? ", %s" : "%s", data_frame_name(frame, c, buffer));
    affect_status status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no column '%s'; it has %s",
                                     frame->path, name, list.data ? list.data : "none");
    base_text_destroy(&list);
    return status;
}

const char *const evaluate_clip_names[EVALUATE_CLIP_NAMES] = {
    "clip", "clip_id",  "video", "video_id", "conversation", "conversation_id",
    "file", "filename", "name",  "id",       "dialogue",     "segment_id"};
const char *const evaluate_label_names[EVALUATE_LABEL_NAMES] = {"label", "emotion", "value",
                                                                "class", "gold",    "prediction"};

affect_status evaluate_find_column(affect_context *ctx, const data_frame *frame, const char *option,
                                   const char *const *names, size_t count, int *out) {
    *out = -1;
    if (option) return evaluate_named_column(ctx, frame, option, out);
    for (size_t k = 0; *out < 0 && frame->table && frame->table->names && k < count; k++)
        *out = data_table_column(frame->table, names[k]);
    return AFFECT_OK;
}

affect_status evaluate_clip_units(const evaluate_call *call, const data_frame *gold,
                                  int clip_column, const evaluate_names *clips, int32_t *unit,
                                  size_t *units) {
    evaluate_names names = {0};
    int column;
    char buffer[DATA_FRAME_CELL], other[DATA_FRAME_CELL];
    for (size_t c = 0; c < clips->count; c++) unit[c] = (int32_t)c;
    *units = clips->count;
    if (!call->unit || clip_column < 0) return AFFECT_OK;
    affect_status status = evaluate_named_column(call->ctx, gold, call->unit, &column);
    for (size_t r = 0; r < gold->rows && !status; r++) {
        const char *clip = data_frame_text(gold, r, (size_t)clip_column, buffer);
        const char *text = data_frame_text(gold, r, (size_t)column, other);
        int32_t at = evaluate_names_find(clips, clip, strlen(clip));
        if (at < 0) continue;
        status = evaluate_names_add(call->ctx, &names, text, strlen(text));
        if (!status) unit[at] = evaluate_names_find(&names, text, strlen(text));
    }
    *units = names.count;
    evaluate_names_clear(&names);
    return status;
}

bool evaluate_is_value(const evaluate_join *j, const data_frame *frame, size_t c) {
    if (frame == j->predicted) return (int)c != j->predicted_id;
    return (int)c != j->gold_by && (int)c != j->gold_id && (int)c != j->gold_unit &&
           (int)c != j->gold_fold;
}

affect_status evaluate_value_column(const evaluate_call *call, const evaluate_join *j,
                                    bool predicted, size_t *out) {
    const data_frame *frame = predicted ? j->predicted : j->gold;
    const char *wanted = predicted ? call->predicted_column : call->gold_column;
    int at = -1;
    if (!wanted) wanted = call->column;
    if (wanted) {
        affect_status status = evaluate_named_column(call->ctx, frame, wanted, &at);
        *out = (size_t)at;
        return status;
    }
    for (size_t k = 0; at < 0 && frame->table && frame->table->names && k < BASE_COUNT(value_names);
         k++)
        at = data_table_column(frame->table, value_names[k]);
    if (at < 0) {
        size_t left = 0;
        for (size_t c = 0; c < frame->columns; c++)
            if (evaluate_is_value(j, frame, c)) {
                left++;
                at = (int)c;
            }
        if (left != 1)
            return base_fail(call->ctx, AFFECT_ERROR_USAGE,
                             "%s has %zu columns that could hold the values: name one with "
                             "--column, --gold-column or --pred-column",
                             frame->path, left);
    }
    *out = (size_t)at;
    return AFFECT_OK;
}

/* ---- rows ---- */

typedef struct row_key {
    const char *text;
    uint32_t row;
} row_key;

static int by_key(const void *a, const void *b) {
    const row_key *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : x->row < y->row ? -1 : x->row > y->row;
}

/* Keys of all rows, sorted; texts of numeric frames go to the arena. */
static row_key *sorted_keys(const data_frame *frame, int column, base_arena *arena, bool sort) {
    row_key *keys = base_alloc((frame->rows + 1) * sizeof *keys);
    char buffer[DATA_FRAME_CELL];
    for (size_t r = 0; keys && r < frame->rows; r++) {
        const char *text = data_frame_text(frame, r, (size_t)column, buffer);
        if (text == buffer) {
            char *copy = base_arena_alloc(arena, strlen(text) + 1);
            if (!copy) {
                base_free(keys);
                return NULL;
            }
            memcpy(copy, text, strlen(text) + 1);
            text = copy;
        }
        keys[r] = (row_key){text, (uint32_t)r};
    }
    if (keys && sort) qsort(keys, frame->rows, sizeof *keys, by_key);
    return keys;
}

static affect_status join_by_id(const evaluate_call *call, evaluate_join *j) {
    base_arena arena;
    base_arena_init(&arena, 0);
    affect_status status = AFFECT_OK;
    row_key *gold = sorted_keys(j->gold, j->gold_id, &arena, false);
    row_key *predicted = sorted_keys(j->predicted, j->predicted_id, &arena, true);
    size_t m = j->predicted->rows;
    unsigned char *used = base_calloc(m + 1, 1);
    if (!gold || !predicted || !used) {
        status = base_fail_memory(call->ctx);
        goto cleanup;
    }
    /* An id that stands twice in gold takes the same prediction twice. */
    row_key *twice = base_alloc((j->gold->rows + 1) * sizeof *twice);
    if (!twice) {
        status = base_fail_memory(call->ctx);
        goto cleanup;
    }
    memcpy(twice, gold, j->gold->rows * sizeof *twice);
    qsort(twice, j->gold->rows, sizeof *twice, by_key);
    for (size_t k = 1; k < j->gold->rows; k++)
        j->gold_repeated += strcmp(twice[k].text, twice[k - 1].text) == 0;
    base_free(twice);
    if (j->gold_repeated)
        base_log(call->ctx, AFFECT_LOG_WARNING,
                 "%s: %lld rows repeat an id; each is compared with that id's prediction",
                 call->gold, (long long)j->gold_repeated);
    for (size_t k = 1; k < m; k++)
        j->repeated += strcmp(predicted[k].text, predicted[k - 1].text) == 0;
    for (size_t r = 0; r < j->gold->rows; r++) {
        size_t low = 0, high = m;
        while (low < high) { /* the first row with this id */
            size_t middle = low + (high - low) / 2;
            if (strcmp(predicted[middle].text, gold[r].text) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        if (low == m || strcmp(predicted[low].text, gold[r].text) != 0) {
            j->gold_alone++;
            continue;
        }
        used[low] = 1;
        j->gold_row[j->n] = (uint32_t)r;
        j->predicted_row[j->n++] = predicted[low].row;
    }
    for (size_t k = 0; k < m; k++)
        j->predicted_alone +=
            !used[k] && !(k && strcmp(predicted[k].text, predicted[k - 1].text) == 0);
    if (!j->n)
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s and %s have no id in common",
                           call->gold, call->predicted);
cleanup:
    base_free(gold);
    base_free(predicted);
    base_free(used);
    base_arena_destroy(&arena);
    return status;
}

/* Rows of one --unit value become one unit of the bootstrap. */
static affect_status number_units(const evaluate_call *call, evaluate_join *j) {
    if (j->gold_unit < 0) {
        for (size_t i = 0; i < j->n; i++) j->unit[i] = (int32_t)i;
        j->units = j->n;
        return AFFECT_OK;
    }
    base_arena arena;
    base_arena_init(&arena, 0);
    row_key *keys = sorted_keys(j->gold, j->gold_unit, &arena, true);
    int32_t *of_row = base_alloc((j->gold->rows + 1) * sizeof *of_row);
    affect_status status = keys && of_row ? AFFECT_OK : base_fail_memory(call->ctx);
    if (!status) {
        int32_t unit = -1;
        for (size_t k = 0; k < j->gold->rows; k++) {
            unit += k == 0 || strcmp(keys[k].text, keys[k - 1].text) != 0;
            of_row[keys[k].row] = unit;
        }
        /* Only units that have a pair count. */
        int32_t *number = base_calloc((size_t)unit + 2, sizeof *number);
        if (!number) status = base_fail_memory(call->ctx);
        for (size_t i = 0; i < j->n && number; i++) {
            int32_t *mine = &number[of_row[j->gold_row[i]]];
            if (!*mine) *mine = (int32_t)++j->units;
            j->unit[i] = *mine - 1;
        }
        base_free(number);
    }
    base_free(keys);
    base_free(of_row);
    base_arena_destroy(&arena);
    return status;
}

affect_status evaluate_join_open(const evaluate_call *call, evaluate_join *out) {
    evaluate_join *j = out;
    *j = (evaluate_join){.gold_id = -1,
                         .predicted_id = -1,
                         .gold_unit = -1,
                         .gold_fold = -1,
                         .gold_by = -1,
                         .unit_name = "items"};
    /* That task takes every column for a rater. */
    const bool as_is = strcmp(call->task, "agreement") == 0;
    affect_status status =
        datasets_frame_open(call->ctx, call->gold, call->no_header, as_is, &j->gold);
    if (!status && call->predicted)
        status = data_frame_open(call->ctx, call->predicted, call->no_header, &j->predicted);
    if (status) return status;
    if (j->gold->rows > UINT32_MAX / 2 || (j->predicted && j->predicted->rows > UINT32_MAX / 2))
        return base_fail(call->ctx, AFFECT_ERROR_LIMIT, "more than 2^31 rows");
    if (call->id) {
        status = evaluate_named_column(call->ctx, j->gold, call->id, &j->gold_id);
        if (!status && j->predicted)
            status = evaluate_named_column(call->ctx, j->predicted, call->id, &j->predicted_id);
    } else {
        for (size_t k = 0; j->gold_id < 0 && j->gold->table && k < BASE_COUNT(id_names); k++) {
            int g = data_frame_column(j->gold, id_names[k]);
            int p = j->predicted ? data_frame_column(j->predicted, id_names[k]) : 0;
            if (g >= 0 && p >= 0 && (!j->predicted || j->predicted->table)) {
                j->gold_id = g;
                j->predicted_id = p;
            }
        }
    }
    if (!status && call->fold)
        status = evaluate_named_column(call->ctx, j->gold, call->fold, &j->gold_fold);
    if (!status && call->by)
        status = evaluate_named_column(call->ctx, j->gold, call->by, &j->gold_by);
    if (!status && call->unit) {
        status = evaluate_named_column(call->ctx, j->gold, call->unit, &j->gold_unit);
        j->unit_name = call->unit;
    }
    if (status) return status;
    size_t rows = j->gold->rows;
    j->gold_row = base_alloc((rows + 1) * sizeof *j->gold_row);
    j->predicted_row = base_alloc((rows + 1) * sizeof *j->predicted_row);
    j->unit = base_alloc((rows + 1) * sizeof *j->unit);
    if (!j->gold_row || !j->predicted_row || !j->unit) return base_fail_memory(call->ctx);
    if (j->predicted && j->gold_id >= 0) {
        status = join_by_id(call, j);
    } else {
        if (j->predicted && j->predicted->rows != rows)
            return base_fail(call->ctx, AFFECT_ERROR_SHAPE,
                             "%s has %zu rows and %s %zu, and they share no id column (--id)",
                             call->gold, rows, call->predicted, j->predicted->rows);
        for (size_t r = 0; r < rows; r++) j->gold_row[r] = j->predicted_row[r] = (uint32_t)r;
        j->n = rows;
    }
    return status ? status : number_units(call, j);
}

void evaluate_join_clear(evaluate_join *j) {
    data_frame_destroy(j->gold);
    data_frame_destroy(j->predicted);
    base_free(j->gold_row);
    base_free(j->predicted_row);
    base_free(j->unit);
}

void evaluate_join_report(const evaluate_join *j, evaluate_report *report) {
    report->unit = j->unit_name;
    report->units = (int64_t)j->units;
    evaluate_report_skip(report, "gold rows without a prediction", j->gold_alone);
    evaluate_report_skip(report, "predictions without a gold row", j->predicted_alone);
    evaluate_report_skip(report, "predictions with a repeated id (the first counts)", j->repeated);
}
