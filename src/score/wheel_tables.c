/* Pairs of words out of tables, sorted into dictionaries. */
#include "score/wheel_tables.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_private.h"
#include "data/table.h"
#include "data/xlsx.h"
#include "score/wheel.h"

typedef struct pair {
    const data_value *key, *value;
    size_t order;
} pair;

typedef struct pairs {
    affect_context *ctx;
    data_document *document; /* keeps the words */
    pair *items;
    size_t count, capacity;
} pairs;

static affect_status open_table(affect_context *ctx, const char *folder, const char *name,
                                data_table **out) {
    *out = NULL;
    base_text sheet = {0}, text = {0};
    base_text_printf(&sheet, "%s/%s.xlsx", folder, name);
    base_text_printf(&text, "%s/%s.csv", folder, name);
    const data_table_options options = {.ragged = true};
    affect_status status = AFFECT_OK;
    if (sheet.failed || text.failed)
        status = base_fail_memory(ctx);
    else if (base_file_exists(sheet.data))
        status = data_xlsx_open(ctx, sheet.data, NULL, out);
    else if (base_file_exists(text.data))
        status = data_table_open(ctx, text.data, &options, out);
    else
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND,
                           "%s: expected wheel_mapping.npz, or %s.xlsx or %s.csv among the tables",
                           folder, name, name);
    base_text_destroy(&sheet);
    base_text_destroy(&text);
    return status;
}

static affect_status find_column(affect_context *ctx, const data_table *t, const char *name,
                                 size_t *out) {
    int at = data_table_column(t, name);
    if (at < 0) return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: has no column '%s'", t->path, name);
    *out = (size_t)at;
    return AFFECT_OK;
}

/* A word of n bytes in lower case, without blanks around it; NULL without memory. */
static data_value *make_word(data_document *document, const char *text, size_t n) {
    while (n && isspace((unsigned char)*text)) {
        text++;
        n--;
    }
    while (n && isspace((unsigned char)text[n - 1])) n--;
    data_value *word = data_document_value(document, DATA_TEXT);
    char *bytes = word ? data_document_alloc(document, n + 1) : NULL;
    if (!bytes) return NULL;
    for (size_t i = 0; i < n; i++)
        bytes[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
    word->as.text.bytes = bytes;
    word->as.text.length = n;
    return word;
}

static affect_status add_pair(pairs *p, const data_value *key, const data_value *value) {
    if (!key || !value ||
        !base_grow((void **)&p->items, &p->capacity, p->count + 1, sizeof *p->items))
        return base_fail_memory(p->ctx);
    if (!key->as.text.length || !value->as.text.length) return AFFECT_OK;
    p->items[p->count] = (pair){key, value, p->count};
    p->count++;
    return AFFECT_OK;
}

/* `word`, and each part of the comma-separated `list`, stand for `word`. */
static affect_status add_group(pairs *p, const char *word, const char *list) {
    data_value *value = make_word(p->document, word, strlen(word));
    affect_status status = add_pair(p, value, value);
    while (!status) {
        size_t n = strcspn(list, ",");
        status = add_pair(p, make_word(p->document, list, n), value);
        if (!list[n]) break;
        list += n + 1;
    }
    return status;
}

static int compare_words(const data_value *a, const data_value *b) {
    size_t n = BASE_MIN(a->as.text.length, b->as.text.length);
    int order = memcmp(a->as.text.bytes, b->as.text.bytes, n);
    return order
               ? order
               : (a->as.text.length > b->as.text.length) - (a->as.text.length < b->as.text.length);
}

static int by_key(const void *a, const void *b) {
    const pair *x = a, *y = b;
    int order = compare_words(x->key, y->key);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static bool push(data_document *document, data_value *list, const data_value *item) {
    if (list->as.list.count == list->as.list.capacity) {
        size_t capacity = BASE_MAX(2 * list->as.list.capacity, (size_t)4);
        data_value **items = data_document_alloc(document, capacity * sizeof *items);
        if (!items) return false;
        if (list->as.list.count)
            memcpy(items, list->as.list.items, list->as.list.count * sizeof *items);
        list->as.list.items = items;
        list->as.list.capacity = capacity;
    }
    list->as.list.items[list->as.list.count++] = (data_value *)(uintptr_t)item;
    return true;
}

/* Empties the pairs into a dictionary: key -> list of its values, or its last value. */
static data_value *make_dictionary(pairs *p, bool lists) {
    data_value *dict = data_document_value(p->document, DATA_DICT);
    bool fine = dict != NULL;
    if (p->count) qsort(p->items, p->count, sizeof *p->items, by_key);
    for (size_t i = 0, end; i < p->count && fine; i = end) {
        data_value *list = lists ? data_document_value(p->document, DATA_LIST) : NULL;
        fine = !lists || list;
        for (end = i; end < p->count && compare_words(p->items[end].key, p->items[i].key) == 0;
             end++)
            fine = fine && (!lists || push(p->document, list, p->items[end].value));
        fine = fine && push(p->document, dict, p->items[i].key) &&
               push(p->document, dict, lists ? list : p->items[end - 1].value);
    }
    p->count = 0;
    return fine ? dict : NULL;
}

/* ---- the tables ---- */

/* format: columns "name" and "format" (its inflections). */
static affect_status read_formats(pairs *p, const char *folder) {
    data_table *t;
    size_t name = 0, forms = 0;
    affect_status status = open_table(p->ctx, folder, "format", &t);
    if (!status) status = find_column(p->ctx, t, "name", &name);
    if (!status) status = find_column(p->ctx, t, "format", &forms);
    for (size_t r = 0; !status && r < t->rows; r++)
        status = add_group(p, data_table_cell(t, r, name), data_table_cell(t, r, forms));
    data_table_destroy(t);
    return status;
}

/* synonym: columns "word_run1" and "synonym_run1", and so on for as many runs as there are. */
static affect_status read_synonyms(pairs *p, const char *folder) {
    data_table *t;
    affect_status status = open_table(p->ctx, folder, "synonym", &t);
    for (int run = 1; !status; run++) {
        char name[32];
        size_t word = 0, list = 0;
        snprintf(name, sizeof name, "word_run%d", run);
        if (run > 1 && data_table_column(t, name) < 0) break;
        status = find_column(p->ctx, t, name, &word);
        snprintf(name, sizeof name, "synonym_run%d", run);
        if (!status) status = find_column(p->ctx, t, name, &list);
        for (size_t r = 0; !status && r < t->rows; r++)
            status = add_group(p, data_table_cell(t, r, word), data_table_cell(t, r, list));
    }
    data_table_destroy(t);
    return status;
}

/* A wheel: columns "level1" (inner ring) to "level3", where a cell holds until the next one in its
 * column. A word's sector is the inner word it lies under; at level 2 it is the one of the middle
 * ring, and an inner word has the alphabetically first of those under it. A word that lies in two
 * sectors belongs to the one further down. */
static affect_status read_wheel(pairs *p, const char *folder, int wheel, bool middle,
                                data_value **out) {
    char name[16];
    data_table *t;
    size_t column[3] = {0};
    snprintf(name, sizeof name, "wheel%d", wheel + 1);
    affect_status status = open_table(p->ctx, folder, name, &t);
    for (int level = 0; level < 3 && !status; level++) {
        snprintf(name, sizeof name, "level%d", level + 1);
        status = find_column(p->ctx, t, name, &column[level]);
    }
    const data_value *inner = NULL, *ring = NULL;
    for (size_t r = 0; !status && r < t->rows; r++) {
        const data_value *word[3] = {NULL};
        for (int level = 0; level < 3; level++) {
            const char *text = data_table_cell(t, r, column[level]);
            word[level] = make_word(p->document, text, strlen(text));
            if (!word[level]) status = base_fail_memory(p->ctx);
        }
        if (status) break;
        if (word[0]->as.text.length) {
            inner = word[0];
            ring = NULL;
            if (!middle) status = add_pair(p, inner, inner);
        }
        if (word[1]->as.text.length) ring = word[1];
        if (!inner || (middle && !ring)) continue;
        if (word[0]->as.text.length && middle) { /* the first of the ring until the next inner */
            const data_value *first = ring;
            for (size_t k = r + 1; k < t->rows && !*data_table_cell(t, k, column[0]); k++) {
                const char *text = data_table_cell(t, k, column[1]);
                data_value *other = make_word(p->document, text, strlen(text));
                if (!other) status = base_fail_memory(p->ctx);
                if (other && other->as.text.length && compare_words(other, first) < 0)
                    first = other;
            }
            if (!status) status = add_pair(p, inner, first);
        }
        for (int level = 1; level < 3 && !status; level++)
            status = add_pair(p, word[level], middle ? ring : inner);
    }
    data_table_destroy(t);
    *out = status ? NULL : make_dictionary(p, false);
    return status || *out ? status : base_fail_memory(p->ctx);
}

/* {"wheel1": {"level1": {...}, "level2": {...}}, ...} */
static affect_status read_wheels(pairs *p, const char *folder) {
    data_document *d = p->document;
    data_value *whole = data_document_value(d, DATA_DICT);
    affect_status status = whole ? AFFECT_OK : base_fail_memory(p->ctx);
    for (int k = 0; k < SCORE_WHEELS && !status; k++) {
        data_value *levels = data_document_value(d, DATA_DICT), *map = NULL;
        char name[16];
        for (int level = 0; level < SCORE_WHEEL_LEVELS && !status; level++) {
            status = read_wheel(p, folder, k, level == 1, &map);
            snprintf(name, sizeof name, "level%d", level + 1);
            data_value *key = make_word(d, name, strlen(name));
            if (!status && (!levels || !key || !push(d, levels, key) || !push(d, levels, map)))
                status = base_fail_memory(p->ctx);
        }
        snprintf(name, sizeof name, "wheel%d", k + 1);
        data_value *key = make_word(d, name, strlen(name));
        if (!status && (!key || !push(d, whole, key) || !push(d, whole, levels)))
            status = base_fail_memory(p->ctx);
    }
    d->root = whole;
    return status;
}

affect_status score_wheel_tables(affect_context *ctx, const char *folder, data_document *out[3]) {
    pairs p = {.ctx = ctx};
    affect_status status = AFFECT_OK;
    for (int i = 0; i < 3 && !status; i++) {
        p.document = out[i] = data_document_new();
        if (!p.document) {
            status = base_fail_memory(ctx);
        } else if (i == 2) {
            status = read_wheels(&p, folder);
        } else {
            status = i == 0 ? read_formats(&p, folder) : read_synonyms(&p, folder);
            if (!status) p.document->root = make_dictionary(&p, true);
            if (!status && !p.document->root) status = base_fail_memory(ctx);
        }
    }
    base_free(p.items);
    return status;
}
