/* Attributes: typed key-value pairs. While they are made, keys and texts lie in an arena; the copy
 * that an interval keeps is one block of memory, since a long recording has a set for each word. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "track/track.h"

struct affect_value {
    const char *key; /* of a list's item: NULL */
    affect_value_kind kind;
    size_t count; /* of a list */
    union {
        const char *text;
        double number;
        int boolean;
        affect_value *items;
    } as;
};

struct affect_attributes {
    size_t count, capacity;
    affect_value *values;
    base_arena arena; /* not used by a copy, whose values and texts lie behind it */
    bool copied;
};

affect_status affect_attributes_create(affect_context *ctx, affect_attributes **out) {
    if (!out) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "attributes at NULL");
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    base_arena_init(&(*out)->arena, 1024);
    return AFFECT_OK;
}

void affect_attributes_destroy(affect_attributes *a) {
    if (!a) return;
    if (!a->copied) {
        base_arena_destroy(&a->arena);
        base_free(a->values);
    }
    base_free(a);
}

void attributes_clear(affect_attributes *a) {
    a->count = 0;
    base_arena_reset(&a->arena);
}

/* ---- making ---- */

static const char *keep_text(affect_attributes *a, const char *text) {
    size_t length = strlen(text);
    char *clean = NULL;
    if (!base_utf8_valid(text, length)) {
        text = clean = base_utf8_clean(text, length);
        if (!clean) return NULL;
        length = strlen(clean);
    }
    char *kept = base_arena_alloc(&a->arena, length + 1);
    if (kept) memcpy(kept, text, length + 1);
    base_free(clean);
    return kept;
}

/* The place for the value at a key, new or used again. */
static affect_status place(affect_context *ctx, affect_attributes *a, const char *key,
                           affect_value **out) {
    if (!a || !key || a->copied)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "an attribute needs a set and a key");
    *out = (affect_value *)(uintptr_t)affect_attributes_find(a, key);
    if (*out) return AFFECT_OK;
    if (a->count == ATTRIBUTES_LIMIT)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "more than %d attributes", ATTRIBUTES_LIMIT);
    const char *kept = keep_text(a, key);
    if (!kept || !base_grow((void **)&a->values, &a->capacity, a->count + 1, sizeof *a->values))
        return base_fail_memory(ctx);
    *out = &a->values[a->count];
    **out = (affect_value){.key = kept};
    return AFFECT_OK;
}

static affect_status put(affect_attributes *a, affect_value *at, affect_value value) {
    if (at == &a->values[a->count]) a->count++; /* it is new */
    value.key = at->key;
    *at = value;
    return AFFECT_OK;
}

affect_status affect_attributes_set_text(affect_context *ctx, affect_attributes *a, const char *key,
                                         const char *text) {
    affect_value *at;
    affect_status status = place(ctx, a, key, &at);
    if (status != AFFECT_OK) return status;
    if (!text) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "attribute %s: a text at NULL", key);
    const char *kept = keep_text(a, text);
    if (!kept) return base_fail_memory(ctx);
    return put(a, at, (affect_value){.kind = AFFECT_VALUE_TEXT, .as.text = kept});
}

affect_status affect_attributes_set_number(affect_context *ctx, affect_attributes *a,
                                           const char *key, double number) {
    affect_value *at;
    affect_status status = place(ctx, a, key, &at);
    if (status != AFFECT_OK) return status;
    if (!isfinite(number))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "attribute %s: a number that is not finite",
                         key);
    return put(a, at, (affect_value){.kind = AFFECT_VALUE_NUMBER, .as.number = number + 0.0});
}

affect_status affect_attributes_set_boolean(affect_context *ctx, affect_attributes *a,
                                            const char *key, int boolean) {
    affect_value *at;
    affect_status status = place(ctx, a, key, &at);
    if (status != AFFECT_OK) return status;
    return put(a, at, (affect_value){.kind = AFFECT_VALUE_BOOLEAN, .as.boolean = boolean != 0});
}

/* A list without items yet, which `attributes_add_*` fill. */
affect_status attributes_set_list(affect_context *ctx, affect_attributes *a, const char *key,
                                  size_t most) {
    affect_value *at;
    affect_status status = place(ctx, a, key, &at);
    if (status != AFFECT_OK) return status;
    affect_value *items =
        most < SIZE_MAX / sizeof *items ? base_arena_alloc(&a->arena, most * sizeof *items) : NULL;
    if (!items) return base_fail_memory(ctx);
    return put(a, at, (affect_value){.kind = AFFECT_VALUE_LIST, .as.items = items});
}

affect_status affect_attributes_set_texts(affect_context *ctx, affect_attributes *a,
                                          const char *key, const char *const *texts, size_t count) {
    BASE_NEED(ctx, a && key && (texts || !count));
    for (size_t i = 0; i < count; i++) BASE_NEED(ctx, texts[i]);
    affect_status status = attributes_set_list(ctx, a, key, count);
    for (size_t i = 0; i < count && status == AFFECT_OK; i++)
        status = attributes_add_text(ctx, a, key, texts[i]);
    return status;
}

affect_status affect_attributes_set_numbers(affect_context *ctx, affect_attributes *a,
                                            const char *key, const double *numbers, size_t count) {
    BASE_NEED(ctx, a && key && (numbers || !count));
    affect_status status = attributes_set_list(ctx, a, key, count);
    for (size_t i = 0; i < count && status == AFFECT_OK; i++)
        status = attributes_add_number(ctx, a, key, numbers[i]);
    return status;
}

static affect_status add(affect_attributes *a, const char *key, affect_value item) {
    affect_value *list = (affect_value *)(uintptr_t)affect_attributes_find(a, key);
    list->as.items[list->count++] = item;
    return AFFECT_OK;
}

affect_status attributes_add_text(affect_context *ctx, affect_attributes *a, const char *key,
                                  const char *text) {
    const char *kept = keep_text(a, text);
    if (!kept) return base_fail_memory(ctx);
    return add(a, key, (affect_value){.kind = AFFECT_VALUE_TEXT, .as.text = kept});
}

affect_status attributes_add_number(affect_context *ctx, affect_attributes *a, const char *key,
                                    double number) {
    if (!isfinite(number))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "attribute %s: a number that is not finite",
                         key);
    return add(a, key, (affect_value){.kind = AFFECT_VALUE_NUMBER, .as.number = number + 0.0});
}

affect_status attributes_add_boolean(affect_attributes *a, const char *key, bool boolean) {
    return add(a, key, (affect_value){.kind = AFFECT_VALUE_BOOLEAN, .as.boolean = boolean});
}

affect_status attributes_set_rounded(affect_context *ctx, affect_attributes *a, const char *key,
                                     double number) {
    return affect_attributes_set_number(ctx, a, key, round(number * 1000) / 1000);
}

/* ---- the copy that an interval keeps ---- */

static void measure(const affect_value *v, size_t *values, size_t *bytes) {
    ++*values;
    if (v->key) *bytes += strlen(v->key) + 1;
    if (v->kind == AFFECT_VALUE_TEXT) *bytes += strlen(v->as.text) + 1;
    for (size_t i = 0; v->kind == AFFECT_VALUE_LIST && i < v->count; i++)
        measure(&v->as.items[i], values, bytes);
}

static const char *move_text(char **to, const char *text) {
    size_t size = strlen(text) + 1;
    const char *at = memcpy(*to, text, size);
    *to += size;
    return at;
}

static void copy_value(const affect_value *from, affect_value *to, affect_value **items,
                       char **texts) {
    *to = *from;
    if (from->key) to->key = move_text(texts, from->key);
    if (from->kind == AFFECT_VALUE_TEXT) to->as.text = move_text(texts, from->as.text);
    if (from->kind != AFFECT_VALUE_LIST) return;
    to->as.items = *items;
    *items += from->count;
    for (size_t i = 0; i < from->count; i++)
        copy_value(&from->as.items[i], &to->as.items[i], items, texts);
}

affect_status attributes_copy(affect_context *ctx, const affect_attributes *from,
                              affect_attributes **out) {
    *out = NULL;
    if (!from || !from->count) return AFFECT_OK;
    size_t values = 0, bytes = 0;
    for (size_t i = 0; i < from->count; i++) measure(&from->values[i], &values, &bytes);
    affect_attributes *copy = base_alloc(sizeof *copy + values * sizeof *copy->values + bytes);
    if (!copy) return base_fail_memory(ctx);
    *copy = (affect_attributes){.count = from->count, .copied = true};
    copy->values = (affect_value *)(void *)(copy + 1);
    affect_value *items = copy->values + from->count;
    char *texts = (char *)(copy->values + values);
    for (size_t i = 0; i < from->count; i++)
        copy_value(&from->values[i], &copy->values[i], &items, &texts);
    *out = copy;
    return AFFECT_OK;
}

affect_status attributes_change(affect_context *ctx, const affect_attributes *from,
                                affect_attributes **out) {
    affect_status status = affect_attributes_create(ctx, out);
    for (size_t i = 0; i < affect_attributes_count(from) && status == AFFECT_OK; i++) {
        const affect_value *v = &from->values[i];
        if (v->kind == AFFECT_VALUE_TEXT)
            status = affect_attributes_set_text(ctx, *out, v->key, v->as.text);
        if (v->kind == AFFECT_VALUE_NUMBER)
            status = affect_attributes_set_number(ctx, *out, v->key, v->as.number);
        if (v->kind == AFFECT_VALUE_BOOLEAN)
            status = affect_attributes_set_boolean(ctx, *out, v->key, v->as.boolean);
        if (v->kind != AFFECT_VALUE_LIST) continue;
        status = attributes_set_list(ctx, *out, v->key, v->count);
        for (size_t k = 0; k < v->count && status == AFFECT_OK; k++) {
            const affect_value *item = &v->as.items[k];
            if (item->kind == AFFECT_VALUE_TEXT)
                status = attributes_add_text(ctx, *out, v->key, item->as.text);
            else if (item->kind == AFFECT_VALUE_NUMBER)
                status = attributes_add_number(ctx, *out, v->key, item->as.number);
            else
                status = attributes_add_boolean(*out, v->key, item->as.boolean != 0);
        }
    }
    if (status == AFFECT_OK) return AFFECT_OK;
    affect_attributes_destroy(*out);
    *out = NULL;
    return status;
}

/* ---- reading ---- */

size_t affect_attributes_count(const affect_attributes *a) { return a ? a->count : 0; }
const affect_value *affect_attributes_value(const affect_attributes *a, size_t i) {
    return a && i < a->count ? &a->values[i] : NULL;
}
const char *affect_attributes_key(const affect_attributes *a, size_t i) {
    return a && i < a->count ? a->values[i].key : NULL;
}
const affect_value *affect_attributes_find(const affect_attributes *a, const char *key) {
    for (size_t i = 0; a && key && i < a->count; i++)
        if (strcmp(a->values[i].key, key) == 0) return &a->values[i];
    return NULL;
}
const char *affect_attributes_text(const affect_attributes *a, const char *key) {
    return affect_value_text(affect_attributes_find(a, key));
}
double affect_attributes_number(const affect_attributes *a, const char *key) {
    return affect_value_number(affect_attributes_find(a, key));
}
int affect_attributes_boolean(const affect_attributes *a, const char *key, int otherwise) {
    const affect_value *v = affect_attributes_find(a, key);
    return v && v->kind == AFFECT_VALUE_BOOLEAN ? v->as.boolean : otherwise;
}
affect_value_kind affect_value_kind_of(const affect_value *v) {
    return v ? v->kind : AFFECT_VALUE_NONE;
}
const char *affect_value_text(const affect_value *v) {
    return v && v->kind == AFFECT_VALUE_TEXT ? v->as.text : NULL;
}
double affect_value_number(const affect_value *v) {
    return v && v->kind == AFFECT_VALUE_NUMBER ? v->as.number : NAN;
}
int affect_value_boolean(const affect_value *v) {
    return v && v->kind == AFFECT_VALUE_BOOLEAN ? v->as.boolean : 0;
}
size_t affect_value_count(const affect_value *v) {
    return v && v->kind == AFFECT_VALUE_LIST ? v->count : 0;
}
const affect_value *affect_value_item(const affect_value *v, size_t i) {
    return i < affect_value_count(v) ? &v->as.items[i] : NULL;
}
