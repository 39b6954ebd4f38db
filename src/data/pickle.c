/* The pickle machine: a stack of values, a stack of marks and a memo. Opcodes and their meaning are
 * those of Python's pickletools (protocols 0 to 5). */
#include "data/pickle.h"

#include <math.h>
#include <string.h>

#include "data/data_private.h"

/* Things live on the stack that are no values: names of the few classes and functions we know, numpy
 * dtypes, and pandas' frames, series and managers whose state has not come yet. What is left of them in the
 * finished tree becomes text, or an empty dict. */
enum { KIND_GLOBAL = 100, KIND_DTYPE, KIND_FRAME, KIND_SERIES, KIND_MANAGER };

typedef enum global {
    GLOBAL_RECONSTRUCT,
    GLOBAL_NDARRAY,
    GLOBAL_DTYPE,
    GLOBAL_SCALAR,
    GLOBAL_FROMBUFFER,
    GLOBAL_CODECS_ENCODE,
    GLOBAL_ORDERED_DICT,
    GLOBAL_DEFAULT_DICT,
    GLOBAL_SET,
    GLOBAL_FROZENSET,
    GLOBAL_BYTEARRAY,
    GLOBAL_BYTES,
    GLOBAL_LIST,
    GLOBAL_DICT,
    GLOBAL_TUPLE,
    GLOBAL_SLICE,
    GLOBAL_FRAME, /* pandas.c */
    GLOBAL_SERIES,
    GLOBAL_MANAGER,
    GLOBAL_BLOCK,
    GLOBAL_NEW_INDEX,
    GLOBAL_INDEX,
    GLOBAL_TYPE /* int, float, str, ...: only ever an argument of defaultdict, or a leaf */
} global;

static const struct {
    const char *module, *name;
    global id;
} globals[] = {
    {"numpy.core.multiarray", "_reconstruct", GLOBAL_RECONSTRUCT},
    {"numpy._core.multiarray", "_reconstruct", GLOBAL_RECONSTRUCT},
    {"numpy", "ndarray", GLOBAL_NDARRAY},
    {"numpy", "dtype", GLOBAL_DTYPE},
    {"numpy.core.multiarray", "scalar", GLOBAL_SCALAR},
    {"numpy._core.multiarray", "scalar", GLOBAL_SCALAR},
    {"numpy.core.numeric", "_frombuffer", GLOBAL_FROMBUFFER},
    {"numpy._core.numeric", "_frombuffer", GLOBAL_FROMBUFFER},
    {"_codecs", "encode", GLOBAL_CODECS_ENCODE},
    {"collections", "OrderedDict", GLOBAL_ORDERED_DICT},
    {"collections", "defaultdict", GLOBAL_DEFAULT_DICT},
    {"__builtin__", "set", GLOBAL_SET},
    {"builtins", "set", GLOBAL_SET},
    {"__builtin__", "frozenset", GLOBAL_FROZENSET},
    {"builtins", "frozenset", GLOBAL_FROZENSET},
    {"__builtin__", "bytearray", GLOBAL_BYTEARRAY},
    {"builtins", "bytearray", GLOBAL_BYTEARRAY},
    {"__builtin__", "bytes", GLOBAL_BYTES},
    {"builtins", "bytes", GLOBAL_BYTES},
    {"__builtin__", "list", GLOBAL_LIST},
    {"builtins", "list", GLOBAL_LIST},
    {"__builtin__", "dict", GLOBAL_DICT},
    {"builtins", "dict", GLOBAL_DICT},
    {"__builtin__", "tuple", GLOBAL_TUPLE},
    {"builtins", "tuple", GLOBAL_TUPLE},
    {"__builtin__", "slice", GLOBAL_SLICE},
    {"builtins", "slice", GLOBAL_SLICE},
    {"pandas.core.frame", "DataFrame", GLOBAL_FRAME},
    {"pandas.core.series", "Series", GLOBAL_SERIES},
    {"pandas.core.internals.managers", "BlockManager", GLOBAL_MANAGER},
    {"pandas.core.internals.managers", "SingleBlockManager", GLOBAL_MANAGER},
    {"pandas._libs.internals", "_unpickle_block", GLOBAL_BLOCK},
    {"pandas.core.indexes.base", "_new_Index", GLOBAL_NEW_INDEX},
    {"pandas.core.indexes.base", "Index", GLOBAL_INDEX},
    {"pandas.core.indexes.range", "RangeIndex", GLOBAL_INDEX},
    {"pandas.core.indexes.numeric", "Int64Index", GLOBAL_INDEX},
    {"pandas.core.indexes.numeric", "UInt64Index", GLOBAL_INDEX},
    {"pandas.core.indexes.numeric", "Float64Index", GLOBAL_INDEX},
    {"__builtin__", "int", GLOBAL_TYPE},
    {"builtins", "int", GLOBAL_TYPE},
    {"__builtin__", "float", GLOBAL_TYPE},
    {"builtins", "float", GLOBAL_TYPE},
    {"__builtin__", "str", GLOBAL_TYPE},
    {"builtins", "str", GLOBAL_TYPE},
};

enum { SMALL_INTS = 256 };

typedef struct machine {
    affect_context *ctx;
    const char *name;
    data_document *document;
    const uint8_t *bytes;
    size_t length, at;
    size_t opcode_at;
    data_value **stack;
    size_t depth, stack_capacity;
    size_t *marks;
    size_t mark_count, mark_capacity;
    data_value **memo;
    size_t memo_size, memo_capacity, memo_puts;
    data_value **specials; /* globals and dtypes, made text at the end */
    size_t special_count, special_capacity;
    data_value *none, *truth[2], *small[SMALL_INTS]; /* shared: nothing changes them */
} machine;

static affect_status broken(machine *m, const char *what) {
    return base_fail(m->ctx, AFFECT_ERROR_FORMAT, "%s: %s at byte %zu", m->name, what,
                     m->opcode_at);
}

/* The opcodes that name or call something, as pickletools writes them. */
static const char *opcode_name(uint8_t opcode) {
    static const struct {
        uint8_t opcode;
        const char *name;
    } names[] = {
        {0x80, "PROTO"},     {'c', "GLOBAL"}, {0x93, "STACK_GLOBAL"}, {'R', "REDUCE"},
        {'b', "BUILD"},      {'i', "INST"},   {'o', "OBJ"},           {0x81, "NEWOBJ"},
        {0x92, "NEWOBJ_EX"}, {'P', "PERSID"}, {'Q', "BINPERSID"},     {0x82, "EXT1"},
        {0x83, "EXT2"},      {0x84, "EXT4"},  {0x97, "NEXT_BUFFER"},  {0x98, "READONLY_BUFFER"},
    };
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (names[i].opcode == opcode) return names[i].name;
    return "?";
}

static affect_status refused(machine *m, const char *what) {
    return base_fail(
        m->ctx, AFFECT_ERROR_UNSUPPORTED,
        "%s: refused %s (opcode %s at byte %zu): only plain data and numpy arrays are read from a "
        "pickle, nothing is executed",
        m->name, what, opcode_name(m->bytes[m->opcode_at]), m->opcode_at);
}

static affect_status spent(machine *m) {
    if (m->document->spent)
        return base_fail(m->ctx, AFFECT_ERROR_LIMIT, "%s: holds more values than fit into %zu MiB",
                         m->name, m->document->arena_limit >> 20);
    return base_fail_memory(m->ctx);
}

/* ---- input ---- */

static bool take(machine *m, size_t n, const uint8_t **out) {
    if (n > m->length - m->at) return false;
    *out = m->bytes + m->at;
    m->at += n;
    return true;
}

/* n little-endian bytes. */
static bool take_number(machine *m, size_t n, uint64_t *out) {
    const uint8_t *at;
    if (!take(m, n, &at)) return false;
    *out = 0;
    for (size_t i = 0; i < n; i++) *out |= (uint64_t)at[i] << 8 * i;
    return true;
}

static bool take_line(machine *m, const char **line, size_t *n) {
    const uint8_t *from = m->bytes + m->at;
    const uint8_t *end = m->at < m->length ? memchr(from, '\n', m->length - m->at) : NULL;
    if (!end) return false;
    *line = (const char *)from;
    *n = (size_t)(end - from);
    m->at += *n + 1;
    return true;
}

/* ---- stack and memo ---- */

static affect_status push(machine *m, data_value *v) {
    if (!v) return spent(m);
    if (!base_grow((void **)&m->stack, &m->stack_capacity, m->depth + 1, sizeof *m->stack))
        return base_fail_memory(m->ctx);
    m->stack[m->depth++] = v;
    return AFFECT_OK;
}

/* Values above the innermost mark (or the bottom). */
static size_t floor_of(const machine *m) { return m->mark_count ? m->marks[m->mark_count - 1] : 0; }

static data_value *pop(machine *m) { return m->depth > floor_of(m) ? m->stack[--m->depth] : NULL; }

static data_value *top(const machine *m) {
    return m->depth > floor_of(m) ? m->stack[m->depth - 1] : NULL;
}

static affect_status memo_put(machine *m, uint64_t index) {
    if (!top(m)) return broken(m, "memo of nothing");
    /* Picklers number what they remember; a wild index is a bomb. */
    if (index > 4 * (uint64_t)m->memo_puts + 4096)
        return base_fail(m->ctx, AFFECT_ERROR_LIMIT, "%s: memo index %llu at byte %zu", m->name,
                         (unsigned long long)index, m->opcode_at);
    if (!base_grow((void **)&m->memo, &m->memo_capacity, (size_t)index + 1, sizeof *m->memo))
        return base_fail_memory(m->ctx);
    while (m->memo_size <= index) m->memo[m->memo_size++] = NULL;
    m->memo[index] = top(m);
    m->memo_puts++;
    return AFFECT_OK;
}

static affect_status memo_get(machine *m, uint64_t index) {
    if (index >= m->memo_size || !m->memo[index]) return broken(m, "unknown memo entry");
    return push(m, m->memo[index]);
}

/* ---- making values ---- */

static data_value *new_text(machine *m, data_kind kind, const void *bytes, size_t n) {
    data_value *v = data_document_value(m->document, kind);
    if (v) {
        v->as.text.bytes = bytes;
        v->as.text.length = n;
    }
    return v;
}

/* Python 2's str is both: text where it is UTF-8, else bytes. */
static data_value *new_str(machine *m, const void *bytes, size_t n) {
    bool text = n <= 4096 && base_utf8_valid(bytes, n);
    return new_text(m, text ? DATA_TEXT : DATA_BYTES, bytes, n);
}

static data_value *new_special(machine *m, int kind) {
    data_value *v = kind == KIND_DTYPE ? data_document_array(m->document)
                                       : data_document_value(m->document, DATA_NONE);
    if (v) v->kind = (data_kind)kind;
    if (!v || !base_grow((void **)&m->specials, &m->special_capacity, m->special_count + 1,
                         sizeof *m->specials))
        return NULL;
    m->specials[m->special_count++] = v;
    return v;
}

static data_value *new_int(machine *m, int64_t number) {
    bool small = number >= 0 && number < SMALL_INTS;
    if (small && m->small[number]) return m->small[number];
    data_value *v = data_document_value(m->document, DATA_INT);
    if (v) v->as.integer = number;
    if (small) m->small[number] = v;
    return v;
}

static data_value *new_float(machine *m, double number) {
    data_value *v = data_document_value(m->document, DATA_FLOAT);
    if (v) v->as.number = number;
    return v;
}

static data_value *new_bool(machine *m, bool truth) {
    data_value *v = m->truth[truth];
    if (!v) v = m->truth[truth] = data_document_value(m->document, DATA_BOOL);
    if (v) v->as.truth = truth;
    return v;
}

static data_value *new_none(machine *m) {
    if (!m->none) m->none = data_document_value(m->document, DATA_NONE);
    return m->none;
}

/* Little-endian two's complement of any length. What does not fit 64 bits becomes the nearest
 * double. */
static data_value *new_long(machine *m, const uint8_t *bytes, size_t n) {
    if (n == 0) return new_int(m, 0);
    bool negative = bytes[n - 1] & 0x80;
    if (n <= 8) {
        uint64_t bits = negative ? UINT64_MAX : 0;
        for (size_t i = 0; i < n; i++) {
            bits &= ~((uint64_t)255 << 8 * i);
            bits |= (uint64_t)bytes[i] << 8 * i;
        }
        return new_int(m, (int64_t)bits);
    }
    double value = negative ? -1 : 0; /* ...ff */
    for (size_t i = n; i-- > 0;) value = value * 256 + (double)bytes[i];
    return new_float(m, value);
}

static bool list_append(machine *m, data_value *list, data_value *const *items, size_t n) {
    size_t needed = list->as.list.count + n;
    if (needed > list->as.list.capacity) {
        size_t capacity = BASE_MAX(needed, list->as.list.capacity * 2);
        data_value **grown = data_document_alloc(m->document, capacity * sizeof *grown);
        if (!grown) return false;
        if (list->as.list.count)
            memcpy(grown, list->as.list.items, list->as.list.count * sizeof *grown);
        list->as.list.items = grown;
        list->as.list.capacity = capacity;
    }
    if (n) memcpy(list->as.list.items + list->as.list.count, items, n * sizeof *items);
    list->as.list.count = needed;
    return true;
}

/* Everything above the innermost mark, which is taken off too. */
static affect_status pop_mark(machine *m, data_value ***items, size_t *n) {
    if (!m->mark_count) return broken(m, "no mark");
    size_t mark = m->marks[--m->mark_count];
    *items = m->stack ? m->stack + mark : NULL; /* an empty stack has no memory yet */
    *n = m->depth - mark;
    m->depth = mark;
    return AFFECT_OK;
}

static affect_status push_list(machine *m, data_kind kind, data_value *const *items, size_t n) {
    data_value *v = data_document_value(m->document, kind);
    if (!v || !list_append(m, v, items, n)) return spent(m);
    return push(m, v);
}

static affect_status push_marked(machine *m, data_kind kind) {
    data_value **items = NULL;
    size_t n = 0;
    affect_status status = pop_mark(m, &items, &n);
    if (status != AFFECT_OK) return status;
    if (kind == DATA_DICT && n % 2) return broken(m, "dict with half a pair");
    data_value *v = data_document_value(m->document, kind);
    if (!v || !list_append(m, v, items, n)) return spent(m);
    return push(m, v);
}

static affect_status extend(machine *m, data_kind kind, data_value *const *items, size_t n) {
    data_value *target = top(m);
    if (!target || target->kind != kind) return broken(m, "items for something that takes none");
    if (kind == DATA_DICT && n % 2) return broken(m, "dict with half a pair");
    return list_append(m, target, items, n) ? AFFECT_OK : spent(m);
}

/* ---- classes and functions that are known ---- */

static affect_status push_global(machine *m, const char *module, size_t module_length,
                                 const char *name, size_t name_length) {
    for (size_t i = 0; i < BASE_COUNT(globals); i++) {
        if (strlen(globals[i].module) != module_length || strlen(globals[i].name) != name_length ||
            memcmp(globals[i].module, module, module_length) != 0 ||
            memcmp(globals[i].name, name, name_length) != 0)
            continue;
        data_value *v = new_special(m, KIND_GLOBAL);
        if (!v) return spent(m);
        v->as.integer = (int64_t)i;
        return push(m, v);
    }
    char what[160];
    char *clean_module = base_utf8_clean(module, BASE_MIN(module_length, 60));
    char *clean_name = base_utf8_clean(name, BASE_MIN(name_length, 60));
    snprintf(what, sizeof what, "the name %s.%s", clean_module ? clean_module : "?",
             clean_name ? clean_name : "?");
    base_free(clean_module);
    base_free(clean_name);
    return refused(m, what);
}

static bool is_text(const data_value *v) {
    return v && (v->kind == DATA_TEXT || v->kind == DATA_BYTES);
}

static bool read_shape(const data_value *tuple, data_array *a) {
    if (!tuple || tuple->kind != DATA_TUPLE || tuple->as.list.count > DATA_MAX_RANK) return false;
    a->rank = tuple->as.list.count;
    for (size_t i = 0; i < a->rank; i++) {
        const data_value *v = tuple->as.list.items[i];
        if (v->kind != DATA_INT || v->as.integer < 0) return false;
        a->shape[i] = (size_t)v->as.integer;
    }
    return true;
}

/* Gives an array its elements: bytes for numbers, a list of values for objects. */
static affect_status fill_array(machine *m, data_array *a, const data_value *content) {
    if (!data_array_measure(a)) return broken(m, "array of impossible size");
    if (a->type == DATA_OBJECT) {
        if (!content || content->kind != DATA_LIST || content->as.list.count != a->count)
            return broken(m, "object array without its objects");
        a->items = content->as.list.items;
        return AFFECT_OK;
    }
    if (!is_text(content)) return broken(m, "array without bytes");
    if (content->as.text.length != a->count * a->item_size)
        return broken(m, "array of another size than its shape");
    a->bytes = (const uint8_t *)content->as.text.bytes;
    return AFFECT_OK;
}

static void copy_type(data_array *to, const data_array *from) {
    to->type = from->type;
    to->item_size = from->item_size;
    to->big_endian = from->big_endian;
}

/* numpy.core.multiarray.scalar(dtype, bytes) */
static affect_status push_scalar(machine *m, const data_value *dtype, const data_value *bytes) {
    if (!dtype || (int)dtype->kind != KIND_DTYPE || !is_text(bytes))
        return broken(m, "numpy scalar without type");
    data_array a = {.rank = 0};
    copy_type(&a, dtype->as.array);
    if (a.type == DATA_OBJECT) return refused(m, "a numpy object scalar");
    affect_status status = fill_array(m, &a, bytes);
    if (status != AFFECT_OK) return status;
    if (a.type == DATA_CHARS) return push(m, new_str(m, a.bytes, a.item_size));
    if (a.type == DATA_UNICODE) {
        char *text = data_array_text(&a, 0);
        size_t n = text ? strlen(text) : 0;
        char *kept = text ? data_document_alloc(m->document, n + 1) : NULL;
        if (kept) memcpy(kept, text, n);
        base_free(text);
        return kept ? push(m, new_text(m, DATA_TEXT, kept, n)) : spent(m);
    }
    double number = data_array_number(&a, 0);
    if (a.type == DATA_BOOL8) return push(m, new_bool(m, number != 0));
    if (a.type <= DATA_F64) return push(m, new_float(m, number));
    if (a.type == DATA_I64 && a.item_size == 8 && !a.big_endian)
        return push(m, new_long(m, a.bytes, 8));
    return push(m, new_int(m, (int64_t)number));
}

/* A character of the first 256 from the low end of `word`; how many bytes it had. `bad` gets bits where
 * it is another. No branch tells one byte from two: in the bytes of numbers it would be taken at random. */
static inline size_t latin1_byte(uint64_t word, uint8_t *to, uint64_t *bad) {
    uint64_t two = word >> 7 & 1, mask = 0 - two;
    *bad |= mask & ((word & 0xC0FE) ^ 0x80C2);
    *to = (uint8_t)((word & 0x7F & ~mask) | (mask & (word << 6 | (word >> 8 & 0x3F))));
    return 1 + (size_t)two;
}

/* Text of the first 256 characters in UTF-8 to a byte each; false where it is no such text. */
static bool latin1_bytes(const uint8_t *from, size_t length, uint8_t *to, size_t *count) {
    size_t at = 0, n = 0;
    uint64_t bad = 0, word;
    while (at + sizeof word <= length) { /* which holds four at least */
        memcpy(&word, from + at, sizeof word);
        if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) word = __builtin_bswap64(word);
        for (int k = 0; k < 4; k++) {
            size_t used = latin1_byte(word, to + n++, &bad);
            word >>= 8 * used;
            at += used;
        }
    }
    while (at < length) { /* behind the end stands a zero, which is no second byte */
        word = from[at] | (at + 1 < length ? (uint64_t)from[at + 1] << 8 : 0);
        at += latin1_byte(word, to + n++, &bad);
    }
    *count = n;
    return !bad;
}

/* _codecs.encode(text, "latin1"): how Python 3 writes bytes in protocol 2. */
static affect_status push_latin1(machine *m, const data_value *text) {
    if (!is_text(text)) return broken(m, "codec without text");
    uint8_t *bytes = data_document_alloc(m->document, text->as.text.length + 1);
    if (!bytes) return spent(m);
    size_t n = 0;
    if (!latin1_bytes((const uint8_t *)text->as.text.bytes, text->as.text.length, bytes, &n))
        return broken(m, "a character outside Latin-1 in bytes");
    return push(m, new_text(m, DATA_BYTES, bytes, n));
}

static affect_status push_dict_of(machine *m, const data_value *pairs) {
    data_value *dict = data_document_value(m->document, DATA_DICT);
    if (!dict) return spent(m);
    for (size_t i = 0; i < data_length(pairs); i++) {
        const data_value *pair = data_item(pairs, i);
        if (!pair || data_length(pair) != 2 ||
            (pair->kind != DATA_LIST && pair->kind != DATA_TUPLE))
            return broken(m, "dict of something else than pairs");
        if (!list_append(m, dict, pair->as.list.items, 2)) return spent(m);
    }
    return push(m, dict);
}

static affect_status push_dict_copy(machine *m, const data_value *dict) {
    return push_list(m, DATA_DICT, dict->as.list.items, dict->as.list.count);
}

static affect_status push_array(machine *m, const data_value *dtype, const data_value *shape,
                                const data_value *order, const data_value *content) {
    data_value *v = data_document_array(m->document);
    if (!v) return spent(m);
    if (!dtype || (int)dtype->kind != KIND_DTYPE || !read_shape(shape, v->as.array))
        return broken(m, "array without type or shape");
    copy_type(v->as.array, dtype->as.array);
    v->as.array->fortran = data_text_equals(order, "F");
    affect_status status = fill_array(m, v->as.array, content);
    return status == AFFECT_OK ? push(m, v) : status;
}

static affect_status call(machine *m, const data_value *function, const data_value *arguments) {
    if (!function || (int)function->kind != KIND_GLOBAL)
        return refused(m, "a call of something that is no known name");
    if (!arguments || arguments->kind != DATA_TUPLE) return broken(m, "a call without arguments");
    const data_value *first = data_item(arguments, 0), *second = data_item(arguments, 1);
    size_t n = data_length(arguments);
    size_t known = (size_t)function->as.integer;
    char what[96];
    switch (globals[known].id) {
    case GLOBAL_RECONSTRUCT: {
        /* (ndarray, (0,), b"b"): an empty array that BUILD fills. */
        if (!first || (int)first->kind != KIND_GLOBAL ||
            globals[first->as.integer].id != GLOBAL_NDARRAY)
            return refused(m, "the reconstruction of something that is no ndarray");
        data_value *v = data_document_array(m->document);
        if (!v) return spent(m);
        v->as.array->rank = 1;
        v->as.array->type = DATA_U8;
        v->as.array->item_size = 1;
        return push(m, v);
    }
    case GLOBAL_DTYPE: {
        data_value *v = new_special(m, KIND_DTYPE);
        if (!v) return spent(m);
        if (!is_text(first) ||
            !data_type_parse(first->as.text.bytes, first->as.text.length, v->as.array)) {
            snprintf(what, sizeof what, "the array type %.*s",
                     is_text(first) ? (int)BASE_MIN(first->as.text.length, 32) : 1,
                     is_text(first) ? first->as.text.bytes : "?");
            return refused(m, what);
        }
        return push(m, v);
    }
    case GLOBAL_SCALAR: return push_scalar(m, first, second);
    case GLOBAL_FROMBUFFER:
        return push_array(m, second, data_item(arguments, 2), data_item(arguments, 3), first);
    case GLOBAL_CODECS_ENCODE:
        if (n == 2 && !data_text_equals(second, "latin1") && !data_text_equals(second, "latin-1"))
            return refused(m, "another codec than latin1");
        return push_latin1(m, first);
    case GLOBAL_BYTEARRAY:
    case GLOBAL_BYTES:
        if (n == 0) return push(m, new_text(m, DATA_BYTES, "", 0));
        if (n == 2) return push_latin1(m, first);
        if (n == 1 && is_text(first))
            return push(m, new_text(m, DATA_BYTES, first->as.text.bytes, first->as.text.length));
        break;
    case GLOBAL_ORDERED_DICT:
    case GLOBAL_DICT:
        if (n <= 1) return push_dict_of(m, first);
        break;
    case GLOBAL_DEFAULT_DICT: return push_dict_of(m, n == 2 ? second : NULL);
    case GLOBAL_SET:
    case GLOBAL_FROZENSET:
    case GLOBAL_LIST:
    case GLOBAL_TUPLE: {
        data_kind kind = globals[known].id == GLOBAL_LIST    ? DATA_LIST
                         : globals[known].id == GLOBAL_TUPLE ? DATA_TUPLE
                                                             : DATA_SET;
        if (n == 0) return push_list(m, kind, NULL, 0);
        if (n == 1 &&
            (first->kind == DATA_LIST || first->kind == DATA_TUPLE || first->kind == DATA_SET))
            return push_list(m, kind, first->as.list.items, first->as.list.count);
        break;
    }
    case GLOBAL_FRAME:
    case GLOBAL_SERIES:
        if (n == 0) { /* what it holds comes with BUILD */
            data_value *v =
                new_special(m, globals[known].id == GLOBAL_FRAME ? KIND_FRAME : KIND_SERIES);
            return v ? push(m, v) : spent(m);
        }
        break;
    case GLOBAL_MANAGER:
        if (n == 0) {
            data_value *v = new_special(m, KIND_MANAGER);
            return v ? push(m, v) : spent(m);
        }
        if (n == 2) return push_list(m, DATA_TUPLE, arguments->as.list.items, n);
        break;
    case GLOBAL_SLICE: /* start, stop, step */
        if (n == 3) return push_list(m, DATA_TUPLE, arguments->as.list.items, n);
        break;
    case GLOBAL_BLOCK: /* values, places, 1 or 2 */
        if (n == 3) return push_list(m, DATA_TUPLE, arguments->as.list.items, 2);
        break;
    case GLOBAL_NEW_INDEX: /* class, what it is made of */
        if (n == 2 && (int)first->kind == KIND_GLOBAL &&
            globals[first->as.integer].id == GLOBAL_INDEX && second->kind == DATA_DICT)
            return push_dict_copy(m, second);
        break;
    case GLOBAL_INDEX:
    case GLOBAL_NDARRAY:
    case GLOBAL_TYPE: break;
    }
    snprintf(what, sizeof what, "a call of %s.%s with %zu arguments", globals[known].module,
             globals[known].name, n);
    return refused(m, what);
}

static affect_status build(machine *m, const data_value *state) {
    data_value *object = top(m);
    if (!object || !state) return broken(m, "state for nothing");
    if ((int)object->kind == KIND_DTYPE) {
        /* (3, "<", subdtype, names, fields, ...) */
        const data_value *order = data_item(state, 1), *names = data_item(state, 3);
        if (state->kind != DATA_TUPLE || !is_text(order))
            return broken(m, "array type without byte order");
        if (names && names->kind != DATA_NONE) return refused(m, "an array type with named fields");
        object->as.array->big_endian = data_text_equals(order, ">");
        return AFFECT_OK;
    }
    if (object->kind == DATA_ARRAY) {
        /* (version, shape, dtype, is_fortran, data) */
        size_t from = data_length(state) == 5 ? 1 : 0;
        const data_value *dtype = data_item(state, from + 1), *fortran = data_item(state, from + 2);
        data_array *a = object->as.array;
        double is_fortran = 0;
        if (state->kind != DATA_TUPLE || data_length(state) < 4 ||
            !read_shape(data_item(state, from), a) || !dtype || (int)dtype->kind != KIND_DTYPE ||
            !data_number(fortran, &is_fortran))
            return broken(m, "array state of another form");
        copy_type(a, dtype->as.array);
        a->fortran = is_fortran != 0;
        return fill_array(m, a, data_item(state, from + 3));
    }
    if ((int)object->kind == KIND_MANAGER) {
        const char *wrong = data_pandas_manager(m->document, state, object);
        if (wrong == data_pandas_memory()) return spent(m);
        return wrong ? broken(m, wrong) : AFFECT_OK;
    }
    if ((int)object->kind == KIND_FRAME || (int)object->kind == KIND_SERIES) {
        const data_value *manager = data_get(state, "_mgr"), *name = data_get(state, "_name");
        if (!manager) manager = data_get(state, "_data"); /* before pandas 1.1 */
        if (!name) name = data_get(state, "name");
        if (state->kind != DATA_DICT || !manager)
            return refused(m, "a pandas object of another version");
        const char *wrong = data_pandas_columns(m->document, manager,
                                                (int)object->kind == KIND_SERIES, name, object);
        if (wrong == data_pandas_memory()) return spent(m);
        return wrong ? broken(m, wrong) : AFFECT_OK;
    }
    if (object->kind == DATA_DICT &&
        (state->kind == DATA_NONE || (state->kind == DATA_DICT && !data_length(state))))
        return AFFECT_OK;
    return refused(m, "an object with a state of its own");
}

/* ---- texts of protocol 0 ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* 'quoted', with the escapes of Python's repr. */
static affect_status push_quoted(machine *m, const char *line, size_t n) {
    while (n && (line[n - 1] == ' ' || line[n - 1] == '\r')) n--;
    if (n < 2 || (line[0] != '\'' && line[0] != '"') || line[n - 1] != line[0])
        return broken(m, "a string without quotes");
    char *out = data_document_alloc(m->document, n);
    if (!out) return spent(m);
    size_t length = 0;
    for (size_t i = 1; i + 1 < n; i++) {
        char c = line[i];
        if (c != '\\' || i + 2 >= n) {
            out[length++] = c;
            continue;
        }
        c = line[++i];
        switch (c) {
        case 'n': out[length++] = '\n'; break;
        case 't': out[length++] = '\t'; break;
        case 'r': out[length++] = '\r'; break;
        case 'x': {
            int high = i + 2 < n ? hex_digit(line[i + 1]) : -1,
                low = i + 2 < n ? hex_digit(line[i + 2]) : -1;
            if (high < 0 || low < 0) return broken(m, "a malformed \\x escape");
            out[length++] = (char)(high * 16 + low);
            i += 2;
            break;
        }
        default: out[length++] = c; break;
        }
    }
    return push(m, new_str(m, out, length));
}

/* Raw-unicode-escape: Latin-1 bytes with \uXXXX and \UXXXXXXXX. */
static affect_status push_unicode_line(machine *m, const char *line, size_t n) {
    if (n > SIZE_MAX / 4) return broken(m, "a text without end");
    char *out = data_document_alloc(m->document, 2 * n + 4);
    if (!out) return spent(m);
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t c = (unsigned char)line[i];
        size_t digits = c == '\\' && i + 1 < n ? (line[i + 1] == 'u'   ? 4
                                                  : line[i + 1] == 'U' ? 8
                                                                       : 0)
                                               : 0;
        if (digits) {
            uint32_t code = 0;
            bool good = i + 2 + digits <= n;
            for (size_t k = 0; k < digits && good; k++) {
                int d = hex_digit(line[i + 2 + k]);
                good = d >= 0;
                code = code * 16 + (uint32_t)(d & 15);
            }
            if (!good) return broken(m, "a malformed \\u escape");
            c = code;
            i += 1 + digits;
        }
        length += base_utf8_put(c, out + length);
    }
    return push(m, new_text(m, DATA_TEXT, out, length));
}

/* ---- the opcodes ---- */

static affect_status sized_text(machine *m, size_t size_bytes, data_kind kind, bool python2) {
    uint64_t n;
    const uint8_t *at;
    if (!take_number(m, size_bytes, &n) || n > m->length || !take(m, (size_t)n, &at))
        return broken(m, "a text longer than the file");
    return push(m, python2 ? new_str(m, at, (size_t)n) : new_text(m, kind, at, (size_t)n));
}

static affect_status sized_long(machine *m, size_t size_bytes) {
    uint64_t n;
    const uint8_t *at;
    if (!take_number(m, size_bytes, &n) || n > m->length || !take(m, (size_t)n, &at))
        return broken(m, "a number longer than the file");
    return push(m, new_long(m, at, (size_t)n));
}

static affect_status number_line(machine *m, char opcode) {
    const char *line;
    size_t n;
    if (!take_line(m, &line, &n)) return broken(m, "a line without end");
    if (opcode == 'S') return push_quoted(m, line, n);
    if (opcode == 'V') return push_unicode_line(m, line, n);
    if (opcode == 'I' && n == 2 && line[0] == '0' && (line[1] == '0' || line[1] == '1'))
        return push(m, new_bool(m, line[1] == '1'));
    if (opcode == 'L' && n && line[n - 1] == 'L') n--;
    int64_t whole;
    double number;
    if (opcode != 'F' && base_parse_int64(line, n, &whole)) return push(m, new_int(m, whole));
    if (base_parse_double(line, n, &number)) return push(m, new_float(m, number));
    return broken(m, "a malformed number");
}

static affect_status memo_line(machine *m, char opcode) {
    const char *line;
    size_t n;
    int64_t index;
    if (!take_line(m, &line, &n) || !base_parse_int64(line, n, &index) || index < 0)
        return broken(m, "a malformed memo index");
    return opcode == 'g' ? memo_get(m, (uint64_t)index) : memo_put(m, (uint64_t)index);
}

static affect_status tuple_of(machine *m, size_t n) {
    if (m->depth < floor_of(m) + n) return broken(m, "a tuple of too few values");
    m->depth -= n;
    return push_list(m, DATA_TUPLE, m->stack + m->depth, n);
}

static affect_status step(machine *m, uint8_t opcode, bool *stop) {
    uint64_t number;
    const uint8_t *at;
    data_value **items = NULL;
    size_t n = 0;
    affect_status status;
    switch (opcode) {
    case 0x80: /* PROTO */
        if (!take_number(m, 1, &number)) return broken(m, "cut off");
        if (number > 5) return refused(m, "a pickle protocol newer than 5");
        return AFFECT_OK;
    case 0x95: /* FRAME: how much follows, which is of no use to a mapped file */
        if (!take_number(m, 8, &number)) return broken(m, "cut off");
        return number > m->length - m->at ? broken(m, "a frame longer than the file") : AFFECT_OK;
    case '.': *stop = true; return AFFECT_OK;
    case '(':
        if (!base_grow((void **)&m->marks, &m->mark_capacity, m->mark_count + 1, sizeof *m->marks))
            return base_fail_memory(m->ctx);
        m->marks[m->mark_count++] = m->depth;
        return AFFECT_OK;
    case '0': /* POP: of a mark, where nothing lies above it */
        if (pop(m)) return AFFECT_OK;
        if (!m->mark_count) return broken(m, "nothing to take off");
        m->mark_count--;
        return AFFECT_OK;
    case '1': return pop_mark(m, &items, &n);
    case '2': return top(m) ? push(m, top(m)) : broken(m, "nothing to repeat");
    case 'N': return push(m, new_none(m));
    case 0x88: return push(m, new_bool(m, true));
    case 0x89: return push(m, new_bool(m, false));
    case 'I':
    case 'L':
    case 'F':
    case 'S':
    case 'V': return number_line(m, (char)opcode);
    case 'J':
        if (!take_number(m, 4, &number)) return broken(m, "cut off");
        return push(m, new_int(m, (int32_t)number));
    case 'K':
        if (!take_number(m, 1, &number)) return broken(m, "cut off");
        return push(m, new_int(m, (int64_t)number));
    case 'M':
        if (!take_number(m, 2, &number)) return broken(m, "cut off");
        return push(m, new_int(m, (int64_t)number));
    case 0x8a: return sized_long(m, 1);
    case 0x8b: return sized_long(m, 4);
    case 'G': { /* BINFLOAT, big-endian */
        if (!take(m, 8, &at)) return broken(m, "cut off");
        uint64_t bits = 0;
        for (size_t i = 0; i < 8; i++) bits = bits << 8 | at[i];
        double value;
        memcpy(&value, &bits, sizeof value);
        return push(m, new_float(m, value));
    }
    case 'U': return sized_text(m, 1, DATA_BYTES, true);
    case 'T': return sized_text(m, 4, DATA_BYTES, true);
    case 'C': return sized_text(m, 1, DATA_BYTES, false);
    case 'B': return sized_text(m, 4, DATA_BYTES, false);
    case 0x8e: return sized_text(m, 8, DATA_BYTES, false);
    case 0x96: return sized_text(m, 8, DATA_BYTES, false); /* BYTEARRAY8 */
    case 0x8c: return sized_text(m, 1, DATA_TEXT, false);
    case 'X': return sized_text(m, 4, DATA_TEXT, false);
    case 0x8d: return sized_text(m, 8, DATA_TEXT, false);
    case ']': return push_list(m, DATA_LIST, NULL, 0);
    case ')': return push_list(m, DATA_TUPLE, NULL, 0);
    case '}': return push_list(m, DATA_DICT, NULL, 0);
    case 0x8f: return push_list(m, DATA_SET, NULL, 0);
    case 'l': return push_marked(m, DATA_LIST);
    case 't': return push_marked(m, DATA_TUPLE);
    case 'd': return push_marked(m, DATA_DICT);
    case 0x91: return push_marked(m, DATA_SET);
    case 0x85: return tuple_of(m, 1);
    case 0x86: return tuple_of(m, 2);
    case 0x87: return tuple_of(m, 3);
    case 'a': {
        data_value *item = pop(m);
        return item ? extend(m, DATA_LIST, &item, 1) : broken(m, "nothing to append");
    }
    case 's': {
        data_value *value = pop(m), *key = pop(m);
        data_value *pair[] = {key, value};
        return key && value ? extend(m, DATA_DICT, pair, 2) : broken(m, "nothing to set");
    }
    case 'e':
    case 'u':
    case 0x90:
        status = pop_mark(m, &items, &n);
        if (status != AFFECT_OK) return status;
        return extend(m,
                      opcode == 'e'   ? DATA_LIST
                      : opcode == 'u' ? DATA_DICT
                                      : DATA_SET,
                      items, n);
    case 'p':
    case 'g': return memo_line(m, (char)opcode);
    case 'q':
    case 'r':
        if (!take_number(m, opcode == 'q' ? 1 : 4, &number)) return broken(m, "cut off");
        return memo_put(m, number);
    case 'h':
    case 'j':
        if (!take_number(m, opcode == 'h' ? 1 : 4, &number)) return broken(m, "cut off");
        return memo_get(m, number);
    case 0x94: return memo_put(m, m->memo_puts);
    case 'c': {
        const char *module, *name;
        size_t name_length;
        if (!take_line(m, &module, &n) || !take_line(m, &name, &name_length))
            return broken(m, "cut off");
        return push_global(m, module, n, name, name_length);
    }
    case 0x93: {
        const data_value *name = pop(m), *module = pop(m);
        if (!is_text(name) || !is_text(module)) return broken(m, "a global without a name");
        return push_global(m, module->as.text.bytes, module->as.text.length, name->as.text.bytes,
                           name->as.text.length);
    }
    case 'R':
    case 0x81: { /* REDUCE, NEWOBJ */
        const data_value *arguments = pop(m), *function = pop(m);
        return call(m, function, arguments);
    }
    case 'b': {
        const data_value *state = pop(m);
        return build(m, state);
    }
    case 'P':
    case 'Q': return refused(m, "a persistent id");
    case 'i':
    case 'o':
    case 0x92: return refused(m, "an instance of a class");
    case 0x82:
    case 0x83:
    case 0x84: return refused(m, "an extension code");
    case 0x97:
    case 0x98: return refused(m, "a buffer outside the pickle");
    default: return broken(m, "no pickle opcode");
    }
}

static affect_status run(machine *m) {
    bool stop = false;
    while (!stop) {
        m->opcode_at = m->at;
        const uint8_t *opcode;
        if (!take(m, 1, &opcode)) return broken(m, "ends without STOP");
        affect_status status = step(m, *opcode, &stop);
        if (status != AFFECT_OK) return status;
        if ((m->at & 0xFFFF) < 8 && affect_context_cancelled(m->ctx))
            return base_fail(m->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    }
    m->document->root = pop(m);
    if (!m->document->root || m->depth) return broken(m, "stops with other than one value");
    return AFFECT_OK;
}

/* Names and types that were left as values become text. */
static affect_status name_specials(machine *m) {
    for (size_t i = 0; i < m->special_count; i++) {
        data_value *v = m->specials[i];
        char name[96];
        if (v->kind == DATA_DICT || v->kind == DATA_TUPLE) continue; /* what has its columns */
        if ((int)v->kind >= KIND_FRAME) {
            v->kind = DATA_DICT;
            continue;
        }
        if ((int)v->kind == KIND_GLOBAL)
            snprintf(name, sizeof name, "%s.%s", globals[v->as.integer].module,
                     globals[v->as.integer].name);
        else
            snprintf(name, sizeof name, "%s", data_type_name(v->as.array->type));
        char *kept = data_document_alloc(m->document, strlen(name) + 1);
        if (!kept) return spent(m);
        memcpy(kept, name, strlen(name));
        v->kind = DATA_TEXT;
        v->as.text.bytes = kept;
        v->as.text.length = strlen(name);
    }
    return AFFECT_OK;
}

affect_status data_pickle_parse(affect_context *ctx, const char *name, const void *bytes,
                                size_t length, size_t *used, data_document **out) {
    *out = NULL;
    machine m = {.ctx = ctx, .name = name, .bytes = bytes, .length = length};
    m.document = data_document_new();
    if (!m.document) return base_fail_memory(ctx);
    /* A value of one byte (an empty list) takes a share of some 60. */
    m.document->arena_limit =
        BASE_MIN(m.document->arena_limit / 64, length + ((size_t)1 << 20)) * 64;
    affect_status status = run(&m);
    if (status == AFFECT_OK) status = name_specials(&m);
    if (status == AFFECT_OK)
        status =
            data_document_check(ctx, name, m.document, ((uint64_t)1 << 22) + 16 * (uint64_t)length);
    base_free(m.stack);
    base_free(m.marks);
    base_free(m.memo);
    base_free(m.specials);
    if (status != AFFECT_OK) {
        data_document_destroy(m.document);
        return status;
    }
    if (used) *used = m.at;
    *out = m.document;
    return AFFECT_OK;
}

affect_status data_pickle_read(affect_context *ctx, const char *path, data_document **out) {
    data_mapping map;
    *out = NULL;
    affect_status status = data_map(ctx, path, &map);
    if (!status) status = data_pickle_parse(ctx, path, map.bytes, map.length, NULL, out);
    if (status)
        data_unmap(&map);
    else
        (*out)->map = map;
    return status;
}
