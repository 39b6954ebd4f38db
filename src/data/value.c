/* Value trees: access, arrays, checks. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/data_private.h"

static const size_t ARENA_LIMIT = (size_t)4 << 30;

data_document *data_document_new(void) {
    data_document *document = base_calloc(1, sizeof *document);
    if (!document) return NULL;
    base_arena_init(&document->arena, (size_t)64 * 1024);
    document->arena_limit = ARENA_LIMIT;
    return document;
}

void data_document_destroy(data_document *document) {
    if (!document) return;
    base_arena_destroy(&document->arena);
    data_unmap(&document->map);
    base_free(document->owned);
    base_free(document);
}

const data_value *data_document_root(const data_document *document) {
    return document ? document->root : NULL;
}

void *data_document_alloc(data_document *document, size_t size) {
    if (size > document->arena_limit - document->arena_used) {
        document->spent = true;
        return NULL;
    }
    document->arena_used += size;
    return base_arena_alloc(&document->arena, size);
}

data_value *data_document_value(data_document *document, data_kind kind) {
    data_value *value = data_document_alloc(document, sizeof *value);
    if (value) value->kind = kind;
    return value;
}

data_value *data_document_array(data_document *document) {
    data_value *value = data_document_value(document, DATA_ARRAY);
    data_array *array = value ? data_document_alloc(document, sizeof *array) : NULL;
    if (array) value->as.array = array;
    return array ? value : NULL;
}

affect_status data_map(affect_context *ctx, const char *path, data_mapping *out) {
    static const char empty[1] = "";
    *out = (data_mapping){0};
    int fd = base_open_regular(path);
    if (fd < 0)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: %s", path,
                         errno == EINVAL ? "is not a regular file" : strerror(errno));
    struct stat info;
    if (fstat(fd, &info) != 0) {
        close(fd);
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    if (info.st_size == 0) {
        close(fd);
        out->bytes = (void *)(uintptr_t)empty;
        return AFFECT_OK;
    }
    void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot map: %s", path, strerror(errno));
    *out = (data_mapping){map, (size_t)info.st_size};
    affect_status status = data_refuse_pointer(ctx, path, map, (size_t)info.st_size);
    if (status) data_unmap(out);
    return status;
}

affect_status data_refuse_pointer(affect_context *ctx, const char *path, const void *bytes,
                                  size_t length) {
    static const char begin[] = "version https://git-lfs.github.com/spec/";
    if (length < sizeof begin || length > 1024 || memcmp(bytes, begin, sizeof begin - 1) != 0)
        return AFFECT_OK;
    const char *size = memmem(bytes, length, "\nsize ", 6);
    size_t n = size ? strspn(size + 6, "0123456789") : 0;
    return base_fail(ctx, AFFECT_ERROR_FORMAT,
                     "%s: a pointer of Git LFS, not the file itself (%.*s bytes); git lfs pull "
                     "fetches it",
                     path, n ? (int)BASE_MIN(n, (size_t)20) : 1, n ? size + 6 : "?");
}

void data_unmap(data_mapping *map) {
    if (map->length) munmap(map->bytes, map->length);
    *map = (data_mapping){0};
}

/* ---- access ---- */

const char *data_kind_name(data_kind kind) {
    static const char *const names[] = {"None", "bool",  "int", "float", "text", "bytes",
                                        "list", "tuple", "set", "dict",  "array"};
    return (size_t)kind < BASE_COUNT(names) ? names[kind] : "?";
}

const char *data_type_name(data_type type) {
    static const char *const names[] = {"float16", "float32", "float64", "int8",   "int16",
                                        "int32",   "int64",   "uint8",   "uint16", "uint32",
                                        "uint64",  "bool",    "bytes",   "text",   "object"};
    return (size_t)type < BASE_COUNT(names) ? names[type] : "?";
}

size_t data_length(const data_value *v) {
    if (!v) return 0;
    switch (v->kind) {
    case DATA_LIST:
    case DATA_TUPLE:
    case DATA_SET: return v->as.list.count;
    case DATA_DICT: return v->as.list.count / 2;
    case DATA_ARRAY: return v->as.array->rank ? v->as.array->shape[0] : 0;
    default: return 0;
    }
}

const data_value *data_item(const data_value *v, size_t i) {
    if (!v) return NULL;
    if (v->kind == DATA_LIST || v->kind == DATA_TUPLE || v->kind == DATA_SET)
        return i < v->as.list.count ? v->as.list.items[i] : NULL;
    if (v->kind == DATA_ARRAY && v->as.array->type == DATA_OBJECT)
        return i < v->as.array->count ? v->as.array->items[i] : NULL;
    return NULL;
}

bool data_text_equals(const data_value *v, const char *text) {
    return v && (v->kind == DATA_TEXT || v->kind == DATA_BYTES) &&
           v->as.text.length == strlen(text) &&
           memcmp(v->as.text.bytes, text, v->as.text.length) == 0;
}

const data_value *data_get(const data_value *v, const char *key) {
    if (!v || v->kind != DATA_DICT) return NULL;
    for (size_t i = 0; i + 1 < v->as.list.count; i += 2)
        if (data_text_equals(v->as.list.items[i], key)) return v->as.list.items[i + 1];
    return NULL;
}

bool data_number(const data_value *v, double *out) {
    if (!v) return false;
    switch (v->kind) {
    case DATA_BOOL: *out = v->as.truth; return true;
    case DATA_INT: *out = (double)v->as.integer; return true;
    case DATA_FLOAT: *out = v->as.number; return true;
    case DATA_ARRAY:
        if (v->as.array->count != 1) return false;
        if (v->as.array->type == DATA_OBJECT) return false;
        *out = data_array_number(v->as.array, 0);
        return v->as.array->type != DATA_CHARS && v->as.array->type != DATA_UNICODE;
    default: return false;
    }
}

/* ---- arrays ---- */

bool data_type_parse(const char *text, size_t length, data_array *out) {
    static const struct {
        char letter;
        int size;
        data_type type;
    } table[] = {
        {'f', 2, DATA_F16}, {'f', 4, DATA_F32}, {'f', 8, DATA_F64}, {'i', 1, DATA_I8},
        {'i', 2, DATA_I16}, {'i', 4, DATA_I32}, {'i', 8, DATA_I64}, {'u', 1, DATA_U8},
        {'u', 2, DATA_U16}, {'u', 4, DATA_U32}, {'u', 8, DATA_U64}, {'b', 1, DATA_BOOL8},
    };
    out->big_endian = false;
    if (length && (text[0] == '<' || text[0] == '>' || text[0] == '|' || text[0] == '=')) {
        out->big_endian = text[0] == '>';
        text++;
        length--;
    }
    if (length == 0) return false;
    char letter = text[0];
    if (letter == 'O') {
        out->type = DATA_OBJECT;
        out->item_size = 0;
        return true;
    }
    int64_t size;
    if (!base_parse_int64(text + 1, length - 1, &size) || size < 0 || size > (1 << 28))
        return false;
    if (letter == 'S' || letter == 'a' || letter == 'U') {
        out->type = letter == 'U' ? DATA_UNICODE : DATA_CHARS;
        out->item_size = (size_t)size * (letter == 'U' ? 4 : 1);
        return true;
    }
    for (size_t i = 0; i < BASE_COUNT(table); i++)
        if (table[i].letter == letter && table[i].size == size) {
            out->type = table[i].type;
            out->item_size = (size_t)size;
            return true;
        }
    return false;
}

bool data_array_measure(data_array *a) {
    size_t count = 1;
    for (size_t i = 0; i < a->rank; i++)
        if (__builtin_mul_overflow(count, a->shape[i], &count)) return false;
    size_t bytes;
    a->count = count;
    /* numpy writes empty texts with a size of 0 or 1: a file of some bytes could promise any
     * number. */
    if (a->item_size == 0 && a->type != DATA_OBJECT && count > 1 << 20) return false;
    return !__builtin_mul_overflow(count, a->item_size, &bytes) && count <= SIZE_MAX / 16;
}

static double half_to_double(uint16_t h) {
    int sign = h >> 15, exponent = h >> 10 & 31, fraction = h & 1023;
    double value = exponent == 31 ? (fraction ? NAN : INFINITY)
                   : exponent     ? ldexp(1 + fraction / 1024.0, exponent - 15)
                                  : ldexp(fraction / 1024.0, -14);
    return sign ? -value : value;
}

/* Place in the file of the element that stands at i in C order. */
static size_t place_of(const data_array *a, size_t i) {
    if (!a->fortran || a->rank < 2) return i;
    size_t place = 0, stride = 1, index[DATA_MAX_RANK];
    for (size_t d = a->rank; d-- > 0;) {
        index[d] = i % a->shape[d];
        i /= a->shape[d];
    }
    for (size_t d = 0; d < a->rank; d++) {
        place += index[d] * stride;
        stride *= a->shape[d];
    }
    return place;
}

double data_array_number(const data_array *a, size_t i) {
    if (i >= a->count || a->type >= DATA_CHARS) return NAN;
    const uint8_t *at = a->bytes + place_of(a, i) * a->item_size;
    uint64_t bits = 0; /* little-endian value of the element's bytes */
    for (size_t b = 0; b < a->item_size; b++)
        bits |= (uint64_t)at[b] << 8 * (a->big_endian ? a->item_size - 1 - b : b);
    switch (a->type) {
    case DATA_F16: return half_to_double((uint16_t)bits);
    case DATA_F32: {
        uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        return (double)value;
    }
    case DATA_F64: {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    case DATA_I8: return (int8_t)bits;
    case DATA_I16: return (int16_t)bits;
    case DATA_I32: return (int32_t)bits;
    case DATA_I64: return (double)(int64_t)bits;
    case DATA_BOOL8: return bits != 0;
    default: return (double)bits;
    }
}

/* Plain copies of one element type each, which compilers make vectors of. */
#define NUMBERS_OF(type)                                                                           \
    for (size_t i = 0; i < count; i++) {                                                           \
        type x;                                                                                    \
        memcpy(&x, at + i * sizeof x, sizeof x);                                                   \
        out[i] = (double)x;                                                                        \
    }                                                                                              \
    return

void data_array_numbers(const data_array *a, size_t from, size_t count, double *out) {
    const uint8_t *at = a->bytes + from * a->item_size;
    bool little_machine = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    bool plain = (!a->big_endian || a->item_size == 1) && (!a->fortran || a->rank < 2);
    switch (plain && little_machine ? a->type : DATA_OBJECT) {
    case DATA_F32: NUMBERS_OF(float);
    case DATA_F64: NUMBERS_OF(double);
    case DATA_I8: NUMBERS_OF(int8_t);
    case DATA_I16: NUMBERS_OF(int16_t);
    case DATA_I32: NUMBERS_OF(int32_t);
    case DATA_I64: NUMBERS_OF(int64_t);
    case DATA_U8: NUMBERS_OF(uint8_t);
    case DATA_U16: NUMBERS_OF(uint16_t);
    case DATA_U32: NUMBERS_OF(uint32_t);
    default: /* halves, truth values, others' byte order, columns first */
        for (size_t i = 0; i < count; i++) out[i] = data_array_number(a, from + i);
    }
}

char *data_array_text(const data_array *a, size_t i) {
    if (i >= a->count || (a->type != DATA_CHARS && a->type != DATA_UNICODE)) return NULL;
    const uint8_t *at = a->bytes + place_of(a, i) * a->item_size;
    if (a->type == DATA_CHARS) {
        size_t length = a->item_size;
        while (length && at[length - 1] == 0) length--;
        return base_utf8_clean((const char *)at, length);
    }
    base_text text = {0};
    base_text_append_n(&text, "", 0);
    size_t length = a->item_size / 4;
    while (length && memcmp(at + 4 * (length - 1), "\0\0\0\0", 4) == 0) length--;
    for (size_t k = 0; k < length; k++) {
        uint32_t c = 0;
        for (size_t b = 0; b < 4; b++)
            c |= (uint32_t)at[4 * k + (a->big_endian ? 3 - b : b)] << 8 * b;
        char bytes[4];
        base_text_append_n(&text, bytes, base_utf8_put(c, bytes));
    }
    if (text.failed) base_text_destroy(&text);
    return text.data;
}

/* ---- checks ---- */

/* Children of a value that can itself have children. */
static void children_of(const data_value *v, data_value ***items, size_t *count) {
    *items = NULL;
    *count = 0;
    if (v->kind >= DATA_LIST && v->kind <= DATA_DICT) {
        *items = v->as.list.items;
        *count = v->as.list.count;
    } else if (v->kind == DATA_ARRAY && v->as.array->type == DATA_OBJECT) {
        *items = v->as.array->items;
        *count = v->as.array->count;
    }
}

typedef struct visit {
    data_value *value;
    size_t next;
    uint64_t size; /* of the written-out form so far */
} visit;

typedef struct visited {
    const data_value *value; /* NULL = free */
    uint64_t size;           /* 0 = on the way: meeting it again is a cycle */
} visited;

typedef struct visited_map {
    visited *slots;
    size_t count, capacity; /* capacity: a power of two, or 0 */
} visited_map;

static visited *map_slot(visited *slots, size_t capacity, const data_value *value) {
    uint64_t hash = (uint64_t)(uintptr_t)value * UINT64_C(0x9E3779B97F4A7C15);
    size_t i = (size_t)(hash >> 32) & (capacity - 1);
    while (slots[i].value && slots[i].value != value) i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static visited *map_find(visited_map *map, const data_value *value) {
    if (map->count * 2 >= map->capacity) {
        size_t capacity = map->capacity ? map->capacity * 2 : 256;
        visited *slots = base_calloc(capacity, sizeof *slots);
        if (!slots) return NULL;
        for (size_t i = 0; i < map->capacity; i++)
            if (map->slots[i].value)
                *map_slot(slots, capacity, map->slots[i].value) = map->slots[i];
        base_free(map->slots);
        map->slots = slots;
        map->capacity = capacity;
    }
    return map_slot(map->slots, map->capacity, value);
}

affect_status data_document_check(affect_context *ctx, const char *name, data_document *document,
                                  uint64_t most) {
    struct {
        visit *items;
        size_t count, capacity;
    } stack = {0};
    visited_map map = {0};
    affect_status status = AFFECT_OK;
    data_value *entering = document->root;
    uint64_t returned = 0; /* written-out size of the value just left */
    while (status == AFFECT_OK) {
        if (entering) {
            data_value **items;
            size_t count;
            children_of(entering, &items, &count);
            if (count == 0) {
                returned = entering->kind == DATA_ARRAY ? 1 + entering->as.array->count : 1;
                entering = NULL;
            } else {
                visited *seen = map_find(&map, entering);
                if (!seen || !base_grow((void **)&stack.items, &stack.capacity, stack.count + 1,
                                        sizeof *stack.items)) {
                    status = base_fail_memory(ctx);
                    break;
                }
                if (!seen->value) {
                    *seen = (visited){entering, 0};
                    map.count++;
                    stack.items[stack.count++] = (visit){entering, 0, 1};
                    entering = items[0];
                    continue;
                }
                if (seen->size == 0) {
                    status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: a %s contains itself", name,
                                       data_kind_name(entering->kind));
                    break;
                }
                returned = seen->size;
                entering = NULL;
            }
        }
        if (!stack.count) break;
        visit *top = &stack.items[stack.count - 1];
        data_value **items;
        size_t count;
        children_of(top->value, &items, &count);
        top->size += returned;
        if (top->size > most) {
            status = base_fail(ctx, AFFECT_ERROR_LIMIT,
                               "%s: shares values so often that it stands for more than %llu of "
                               "them",
                               name, (unsigned long long)most);
            break;
        }
        if (++top->next < count) {
            entering = items[top->next];
            continue;
        }
        visited *seen = map_find(&map, top->value);
        if (!seen) {
            status = base_fail_memory(ctx);
            break;
        }
        seen->size = returned = top->size;
        stack.count--;
    }
    base_free(stack.items);
    base_free(map.slots);
    return status;
}
