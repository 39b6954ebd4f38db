/* GGUF: see gguf.h. llama.cpp trusts some of a file: lists that belong to the vocabulary are read at the
 * vocabulary's length, sizes are divided by. */
#include "nn/gguf.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
    MOST_VALUES = 1 << 16,
    MOST_TENSORS = 1 << 16,
    MOST_TOKENS = 1 << 20,
    MOST_NAME = 256, /* of a value; a tensor's is shorter than NN_GGUF_NAME */
    KIND_INT32 = 5,
    KIND_UINT32 = 4,
    KIND_FLOAT32 = 6,
    KIND_STRING = 8,
    KIND_ARRAY = 9,
    KIND_FLOAT64 = 12
};

typedef struct named_value {
    const unsigned char *name, *at; /* a number's bytes, a text's first */
    size_t name_length, length;     /* of a text; of a list its entries */
    uint32_t kind, of;              /* of: a list's entries */
} named_value;

struct nn_gguf {
    void *mapped;
    size_t size;
    named_value *values;
    size_t value_count, value_capacity;
    nn_gguf_tensor *tensors;
    size_t tensor_count, tensor_capacity;
};

typedef struct reader {
    const unsigned char *bytes, *next;
    size_t left;
} reader;

static const char no_memory[] = "out of memory";

static const unsigned char *skip(reader *r, uint64_t bytes) {
    if (bytes > r->left) return NULL;
    const unsigned char *at = r->next;
    r->next += bytes;
    r->left -= (size_t)bytes;
    return at;
}

static bool take(reader *r, void *out, size_t bytes) {
    const unsigned char *at = skip(r, bytes);
    if (at) memcpy(out, at, bytes);
    return at != NULL;
}

static const unsigned char *take_string(reader *r, uint64_t *length) {
    return take(r, length, sizeof *length) ? skip(r, *length) : NULL;
}

/* Bytes of a value of that kind; 0 for strings, lists and what is none. */
static size_t value_bytes(uint32_t kind) {
    static const unsigned char bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return kind < sizeof bytes ? bytes[kind] : 0;
}

typedef struct facts {
    uint64_t tokens, scores, kinds; /* lengths; UINT64_MAX where there is none */
    uint64_t alignment;
    bool architecture;
} facts;

/* Lists that are read at the length of the vocabulary, and of which kind they must be. */
static const char *note_list(facts *f, const char *name, uint32_t kind, uint64_t count) {
    if (strcmp(name, "tokenizer.ggml.tokens") == 0) {
        f->tokens = count;
        return kind == KIND_STRING && count && count <= MOST_TOKENS ? NULL
                                                                    : "its vocabulary is damaged";
    }
    if (strcmp(name, "tokenizer.ggml.scores") == 0) {
        f->scores = count;
        return kind == KIND_FLOAT32 ? NULL : "its vocabulary is damaged";
    }
    if (strcmp(name, "tokenizer.ggml.token_type") == 0) {
        f->kinds = count;
        return kind == KIND_INT32 ? NULL : "its vocabulary is damaged";
    }
    return NULL;
}

static const char *note_number(facts *f, const char *name, uint32_t kind, uint64_t value) {
    static const struct {
        const char *end;
        uint64_t least, most;
    } bounds[] = {{".block_count", 1, 1024},
                  {".embedding_length", 1, 1 << 20},
                  {".context_length", 1, UINT64_C(1) << 31},
                  {".attention.head_count", 0, 1 << 16},
                  {".attention.head_count_kv", 0, 1 << 16},
                  {".attention.key_length", 0, 1 << 16},
                  {".attention.value_length", 0, 1 << 16},
                  {".rope.dimension_count", 0, 1 << 16},
                  {".expert_count", 0, 1 << 14},
                  {".vocab_size", 1, MOST_TOKENS}};
    if (strcmp(name, "split.count") == 0 && value > 1)
        return "it is a part of a model in several files";
    if (strcmp(name, "general.alignment") == 0) {
        f->alignment = value;
        return kind == KIND_UINT32 && value && (value & (value - 1)) == 0 && value <= 1 << 16
                   ? NULL
                   : "its alignment is damaged";
    }
    for (size_t i = 0; i < BASE_COUNT(bounds); i++)
        if (base_ends_with(name, bounds[i].end) &&
            (value < bounds[i].least || value > bounds[i].most))
            return "its sizes are damaged";
    return NULL;
}

static const char *walk_list(reader *r, facts *f, const char *name, named_value *v) {
    static const char damaged[] = "its header is damaged";
    uint64_t count, length;
    uint32_t kind;
    if (!take(r, &kind, sizeof kind) || !take(r, &count, sizeof count) || count > r->left)
        return damaged;
    v->length = (size_t)count;
    v->of = kind;
    v->at = r->next;
    const char *why = note_list(f, name, kind, count);
    if (why) return why;
    if (kind != KIND_STRING) {
        size_t bytes = value_bytes(kind);
        return bytes && count <= r->left / bytes && skip(r, count * bytes) ? NULL : damaged;
    }
    for (uint64_t i = 0; i < count; i++)
        if (!take_string(r, &length) || length > 1 << 20) return damaged;
    return NULL;
}

static const char *walk_value(reader *r, facts *f, named_value *v) {
    static const char damaged[] = "its header is damaged";
    char name[MOST_NAME];
    uint64_t length, value = 0;
    v->name = take_string(r, &length);
    if (!v->name || length >= sizeof name || !take(r, &v->kind, sizeof v->kind)) return damaged;
    memcpy(name, v->name, v->name_length = (size_t)length);
    name[length] = '\0';
    if (v->kind == KIND_STRING) {
        v->at = take_string(r, &length);
        if (!v->at) return damaged;
        v->length = (size_t)length;
        if (strcmp(name, "general.architecture") == 0) f->architecture = length && length < 64;
        return NULL;
    }
    if (v->kind == KIND_ARRAY) return walk_list(r, f, name, v);
    size_t bytes = value_bytes(v->kind);
    v->at = r->next;
    if (!bytes || !take(r, &value, bytes)) return damaged; /* little-endian, as the file */
    if (v->kind == KIND_FLOAT32 || v->kind == KIND_FLOAT64) return NULL;
    return note_number(f, name, v->kind, value);
}

/* Bytes of a tensor's data by ggml's number of its type (ggml.c, type_traits); UINT64_MAX for others. */
static uint64_t data_bytes(uint32_t type, uint64_t elements, uint64_t row) {
    static const struct {
        unsigned char type;
        unsigned short block, bytes;
    } types[] = {{0, 1, 4},      {1, 1, 2},      {2, 32, 18},    {3, 32, 20},    {6, 32, 22},
                 {7, 32, 24},    {8, 32, 34},    {9, 32, 36},    {10, 256, 84},  {11, 256, 110},
                 {12, 256, 144}, {13, 256, 176}, {14, 256, 210}, {15, 256, 292}, {16, 256, 66},
                 {17, 256, 74},  {18, 256, 98},  {19, 256, 50},  {20, 32, 18},   {21, 256, 110},
                 {22, 256, 82},  {23, 256, 136}, {24, 1, 1},     {25, 1, 2},     {26, 1, 4},
                 {27, 1, 8},     {28, 1, 8},     {29, 256, 56},  {30, 1, 2},     {34, 256, 54},
                 {35, 256, 66},  {39, 32, 17}};
    for (size_t i = 0; i < BASE_COUNT(types); i++)
        if (types[i].type == type && row % types[i].block == 0)
            return elements / types[i].block * types[i].bytes;
    return UINT64_MAX;
}

/* `data` becomes the offset into the data; *end: the furthest byte of data that a tensor wants. */
static const char *walk_tensor(reader *r, const facts *f, nn_gguf_tensor *t, uint64_t *offset,
                               uint64_t *end) {
    static const char damaged[] = "its tensors are damaged";
    uint64_t length, dims[4], elements = 1;
    uint32_t count;
    const unsigned char *name = take_string(r, &length);
    if (!name || length >= sizeof t->name || !take(r, &count, sizeof count) || count < 1 ||
        count > 4 || !take(r, dims, count * sizeof *dims) || !take(r, &t->type, sizeof t->type) ||
        !take(r, offset, sizeof *offset))
        return damaged;
    memcpy(t->name, name, (size_t)length);
    t->name[length] = '\0';
    t->rank = count;
    for (uint32_t i = 0; i < 4; i++) {
        t->d[i] = i < count ? (size_t)dims[i] : 1;
        if (!t->d[i] || t->d[i] > UINT64_C(1) << 36 || elements > (UINT64_C(1) << 40) / t->d[i])
            return damaged;
        elements *= t->d[i];
    }
    uint64_t bytes = data_bytes(t->type, elements, t->d[0]);
    if (bytes == UINT64_MAX) return "a tensor is of a type that is not known here";
    if (*offset % f->alignment || *offset > UINT64_MAX - bytes) return damaged;
    t->bytes = (size_t)bytes;
    *end = BASE_MAX(*end, *offset + bytes);
    return NULL;
}

static const char *walk_tensors(nn_gguf *g, reader *r, const facts *f, uint64_t count) {
    const char *why = NULL;
    uint64_t end = 0, *offsets = base_calloc((size_t)count + 1, sizeof *offsets);
    if (!offsets) return no_memory;
    for (uint64_t i = 0; i < count && !why; i++) {
        if (!base_grow((void **)&g->tensors, &g->tensor_capacity, g->tensor_count + 1,
                       sizeof *g->tensors))
            why = no_memory;
        else
            why = walk_tensor(r, f, &g->tensors[g->tensor_count++], &offsets[i], &end);
    }
    if (!why) {
        uint64_t at = (uint64_t)(r->next - r->bytes);
        at += (f->alignment - at % f->alignment) % f->alignment;
        if (at > g->size || end > g->size - at) why = "it is cut off";
        for (size_t i = 0; i < g->tensor_count && !why; i++)
            g->tensors[i].data = r->bytes + at + offsets[i];
    }
    base_free(offsets);
    return why;
}

static const char *walk(nn_gguf *g, const unsigned char *bytes, nn_gguf_use use) {
    reader r = {bytes, bytes, g->size};
    facts f = {UINT64_MAX, UINT64_MAX, UINT64_MAX, 32, false};
    char magic[4];
    uint32_t version;
    uint64_t tensors, values;
    if (!take(&r, magic, 4) || memcmp(magic, "GGUF", 4) != 0)
        return "it is no model in the form GGUF";
    if (!take(&r, &version, sizeof version) || version < 2 || version > 3)
        return "it is in a version of GGUF that is not known here";
    if (!take(&r, &tensors, sizeof tensors) || !take(&r, &values, sizeof values) ||
        tensors > MOST_TENSORS || values > MOST_VALUES)
        return "its header is damaged";
    const char *why = NULL;
    for (uint64_t i = 0; i < values && !why; i++) {
        if (!base_grow((void **)&g->values, &g->value_capacity, g->value_count + 1,
                       sizeof *g->values))
            return no_memory;
        g->values[g->value_count] = (named_value){0};
        why = walk_value(&r, &f, &g->values[g->value_count++]);
    }
    if (!why) why = walk_tensors(g, &r, &f, tensors);
    if (why) return why;
    if (!f.architecture) return "it does not say which kind of model it is";
    if (use != NN_GGUF_MODEL) return tensors ? NULL : "it has no weights";
    if (f.tokens == UINT64_MAX || !tensors) return "it has a vocabulary or weights alone";
    if ((f.scores != UINT64_MAX && f.scores != f.tokens) ||
        (f.kinds != UINT64_MAX && f.kinds != f.tokens))
        return "its vocabulary is damaged";
    return NULL;
}

affect_status nn_gguf_read(affect_context *ctx, const void *bytes, size_t size, nn_gguf_use use,
                           nn_gguf **out) {
    *out = NULL;
    nn_gguf *g = base_calloc(1, sizeof *g);
    if (!g) return base_fail_memory(ctx);
    g->size = size;
    const char *why = walk(g, bytes, use);
    if (why) {
        nn_gguf_close(g);
        return why == no_memory ? base_fail_memory(ctx)
                                : base_fail(ctx, AFFECT_ERROR_MODEL, "%s", why);
    }
    *out = g;
    return AFFECT_OK;
}

affect_status nn_gguf_open(affect_context *ctx, int descriptor, nn_gguf_use use, nn_gguf **out) {
    struct stat info;
    *out = NULL;
    if (fstat(descriptor, &info) != 0)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "it cannot be read");
    if (info.st_size < 1)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "it is no model in the form GGUF");
    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED) return base_fail(ctx, AFFECT_ERROR_MODEL, "it cannot be mapped");
    affect_status status = nn_gguf_read(ctx, bytes, (size_t)info.st_size, use, out);
    if (status)
        munmap(bytes, (size_t)info.st_size);
    else
        (*out)->mapped = bytes;
    return status;
}

void nn_gguf_close(nn_gguf *g) {
    if (!g) return;
    if (g->mapped) munmap(g->mapped, g->size);
    base_free(g->values);
    base_free(g->tensors);
    base_free(g);
}

static const named_value *find_value(const nn_gguf *g, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < g->value_count; i++)
        if (g->values[i].name_length == length && memcmp(g->values[i].name, name, length) == 0)
            return &g->values[i];
    return NULL;
}

#define READ_AS(type)                                                                              \
    {                                                                                              \
        type x;                                                                                    \
        memcpy(&x, v->at, sizeof x);                                                               \
        *out = (double)x;                                                                          \
        return true;                                                                               \
    }

bool nn_gguf_number(const nn_gguf *g, const char *name, double *out) {
    const named_value *v = find_value(g, name);
    switch (v ? v->kind : KIND_ARRAY) {
    case 0: READ_AS(uint8_t)
    case 1: READ_AS(int8_t)
    case 2: READ_AS(uint16_t)
    case 3: READ_AS(int16_t)
    case 4: READ_AS(uint32_t)
    case 5: READ_AS(int32_t)
    case 6: READ_AS(float)
    case 7: READ_AS(uint8_t)
    case 10: READ_AS(uint64_t)
    case 11: READ_AS(int64_t)
    case 12: READ_AS(double)
    default: return false;
    }
}

bool nn_gguf_text(const nn_gguf *g, const char *name, char *out, size_t room) {
    const named_value *v = find_value(g, name);
    if (!v || v->kind != KIND_STRING) return false;
    size_t n = BASE_MIN(v->length, room - 1);
    memcpy(out, v->at, n);
    out[n] = '\0';
    return strlen(out) == n;
}

size_t nn_gguf_length(const nn_gguf *g, const char *name) {
    const named_value *v = find_value(g, name);
    return v && v->kind == KIND_ARRAY ? v->length : 0;
}

bool nn_gguf_list(const nn_gguf *g, const char *name, nn_gguf_texts *out) {
    const named_value *v = find_value(g, name);
    if (!v || v->kind != KIND_ARRAY || v->of != KIND_STRING) return false;
    *out = (nn_gguf_texts){v->at, v->length};
    return true;
}

bool nn_gguf_next(nn_gguf_texts *list, const char **text, size_t *length) {
    uint64_t n;
    if (!list->left) return false;
    memcpy(&n, list->next, sizeof n);
    *text = (const char *)list->next + sizeof n;
    *length = (size_t)n;
    list->next += sizeof n + n;
    list->left--;
    return true;
}

int32_t nn_gguf_int(const nn_gguf *g, const char *name, size_t i, int32_t usual) {
    const named_value *v = find_value(g, name);
    if (!v || v->kind != KIND_ARRAY || v->of != KIND_INT32 || i >= v->length) return usual;
    int32_t x;
    memcpy(&x, v->at + i * sizeof x, sizeof x);
    return x;
}

bool nn_gguf_has(const nn_gguf *g, const char *name) { return find_value(g, name) != NULL; }

size_t nn_gguf_count(const nn_gguf *g) { return g->tensor_count; }

const nn_gguf_tensor *nn_gguf_at(const nn_gguf *g, size_t i) { return &g->tensors[i]; }

const nn_gguf_tensor *nn_gguf_find(const nn_gguf *g, const char *name) {
    for (size_t i = 0; i < g->tensor_count; i++)
        if (strcmp(g->tensors[i].name, name) == 0) return &g->tensors[i];
    return NULL;
}
