/* The structure of a GGUF file: see gguf.h. Header, named values, tensors; then their data, each at an aligned
 * offset. llama.cpp trusts some of it: lists that belong to the vocabulary are read at the vocabulary's
 * length, sizes are divided by. */
#include "reason/gguf.h"

#include <stdbool.h>
#include <string.h>

#include "base/base.h"

enum {
    MOST_VALUES = 1 << 16,
    MOST_TENSORS = 1 << 16,
    MOST_TOKENS = 1 << 20,
    MOST_NAME = 256, /* of a value; a tensor's is shorter than 64 */
    KIND_INT32 = 5,
    KIND_UINT32 = 4,
    KIND_FLOAT32 = 6,
    KIND_STRING = 8,
    KIND_ARRAY = 9
};

typedef struct reader {
    FILE *file;
    int64_t size, left;
} reader;

static bool take(reader *r, void *out, size_t bytes) {
    if ((int64_t)bytes > r->left || fread(out, 1, bytes, r->file) != bytes) return false;
    r->left -= (int64_t)bytes;
    return true;
}

static bool skip(reader *r, uint64_t bytes) {
    if (bytes > (uint64_t)r->left || fseek(r->file, (long)bytes, SEEK_CUR) != 0) return false;
    r->left -= (int64_t)bytes;
    return true;
}

/* The begin of a string, always ended; the rest is passed over. */
static bool take_string(reader *r, char *out, size_t room, uint64_t *length) {
    if (!take(r, length, sizeof *length) || *length > (uint64_t)r->left) return false;
    size_t n = *length < room ? (size_t)*length : room - 1;
    out[n] = '\0';
    return take(r, out, n) && skip(r, *length - n);
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

static const char *walk_value(reader *r, facts *f) {
    static const char damaged[] = "its header is damaged";
    char name[MOST_NAME], text[64];
    uint64_t length, count, value = 0;
    uint32_t kind;
    if (!take_string(r, name, sizeof name, &length) || length >= sizeof name ||
        !take(r, &kind, sizeof kind))
        return damaged;
    if (kind == KIND_STRING) {
        if (!take_string(r, text, sizeof text, &length)) return damaged;
        if (strcmp(name, "general.architecture") == 0)
            f->architecture = length && length < sizeof text;
        return NULL;
    }
    if (kind != KIND_ARRAY) {
        size_t bytes = value_bytes(kind);
        if (!bytes || !take(r, &value, bytes)) return damaged; /* little-endian, as the file */
        return kind == KIND_FLOAT32 || kind == 12 ? NULL : note_number(f, name, kind, value);
    }
    if (!take(r, &kind, sizeof kind) || !take(r, &count, sizeof count) || count > (uint64_t)r->left)
        return damaged;
    const char *why = note_list(f, name, kind, count);
    if (why) return why;
    if (kind != KIND_STRING) {
        size_t bytes = value_bytes(kind);
        return bytes && count <= (uint64_t)r->left / bytes && skip(r, count * bytes) ? NULL
                                                                                     : damaged;
    }
    for (uint64_t i = 0; i < count; i++)
        if (!take_string(r, text, sizeof text, &length) || length > 1 << 20) return damaged;
    return NULL;
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

/* *end: the furthest byte of data that a tensor wants. */
static const char *walk_tensor(reader *r, const facts *f, uint64_t *end) {
    static const char damaged[] = "its tensors are damaged";
    char name[64];
    uint64_t length, dims[4], elements = 1, offset;
    uint32_t count, type;
    if (!take_string(r, name, sizeof name, &length) || length >= sizeof name ||
        !take(r, &count, sizeof count) || count < 1 || count > 4 ||
        !take(r, dims, count * sizeof *dims) || !take(r, &type, sizeof type) ||
        !take(r, &offset, sizeof offset))
        return damaged;
    for (uint32_t i = 0; i < count; i++) {
        if (!dims[i] || dims[i] > UINT64_C(1) << 36 || elements > (UINT64_C(1) << 40) / dims[i])
            return damaged;
        elements *= dims[i];
    }
    uint64_t bytes = data_bytes(type, elements, dims[0]);
    if (bytes == UINT64_MAX) return "a tensor is of a type that is not known here";
    if (offset % f->alignment || offset > UINT64_MAX - bytes) return damaged;
    *end = BASE_MAX(*end, offset + bytes);
    return NULL;
}

const char *reason_gguf_damage(FILE *file, int64_t size) {
    reader r = {file, size, size};
    facts f = {UINT64_MAX, UINT64_MAX, UINT64_MAX, 32, false};
    char magic[4];
    uint32_t version;
    uint64_t tensors, values, end = 0;
    if (fseek(file, 0, SEEK_SET) != 0 || !take(&r, magic, 4) || memcmp(magic, "GGUF", 4) != 0)
        return "it is no model in the form GGUF";
    if (!take(&r, &version, sizeof version) || version < 2 || version > 3)
        return "it is in a version of GGUF that is not known here";
    if (!take(&r, &tensors, sizeof tensors) || !take(&r, &values, sizeof values) ||
        tensors > MOST_TENSORS || values > MOST_VALUES)
        return "its header is damaged";
    const char *why = NULL;
    for (uint64_t i = 0; i < values && !why; i++) why = walk_value(&r, &f);
    for (uint64_t i = 0; i < tensors && !why; i++) why = walk_tensor(&r, &f, &end);
    if (why) return why;
    if (!f.architecture) return "it does not say which kind of model it is";
    if (f.tokens == UINT64_MAX || !tensors) return "it has a vocabulary or weights alone";
    if ((f.scores != UINT64_MAX && f.scores != f.tokens) ||
        (f.kinds != UINT64_MAX && f.kinds != f.tokens))
        return "its vocabulary is damaged";
    uint64_t at = (uint64_t)(size - r.left);
    at += (f.alignment - at % f.alignment) % f.alignment;
    return at <= (uint64_t)size && end <= (uint64_t)size - at ? NULL : "it is cut off";
}
