/* safetensors in and out. */
#include "nn/safetensors.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [NN_F32] = {"F32", 4}, [NN_F16] = {"F16", 2}, [NN_BF16] = {"BF16", 2}, [NN_I8] = {"I8", 1}};

typedef struct entry {
    char *name;
    nn_storage type;
    nn_shape shape;
    const unsigned char *data;
} entry;

struct nn_file {
    char *path;
    unsigned char *bytes;
    size_t length;
    entry *items;
    size_t count;
    json_t *header;
};

static affect_status bad(affect_context *ctx, const nn_file *f, const char *what,
                         const char *name) {
    return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: not a usable safetensors file: %s%s%s", f->path,
                     what, name ? " in " : "", name ? name : "");
}

static affect_status read_entry(affect_context *ctx, nn_file *f, size_t base, const char *name,
                                const json_t *value, entry *e) {
    const char *type = json_string_value(json_object_get(value, "dtype"));
    const json_t *shape = json_object_get(value, "shape"),
                 *span = json_object_get(value, "data_offsets");
    size_t k = 0;
    while (k < BASE_COUNT(types) && (!type || strcmp(types[k].name, type) != 0)) k++;
    if (k == BASE_COUNT(types)) return bad(ctx, f, "dtype is not F32, F16, BF16 or I8", name);
    e->type = (nn_storage)k;
    if (!json_is_array(shape) || json_array_size(shape) > NN_MAX_RANK)
        return bad(ctx, f, "shape is missing or has more than 4 sizes", name);
    size_t count = 1;
    e->shape.rank = json_array_size(shape);
    for (size_t i = 0; i < e->shape.rank; i++) {
        json_int_t n = json_integer_value(json_array_get(shape, i));
        if (n < 0 || __builtin_mul_overflow(count, (size_t)n, &count))
            return bad(ctx, f, "shape is out of range", name);
        e->shape.d[i] = (size_t)n;
    }
    json_int_t from = json_integer_value(json_array_get(span, 0)),
               to = json_integer_value(json_array_get(span, 1));
    if (!json_is_array(span) || from < 0 || to < from || (size_t)to > f->length - base ||
        (size_t)(to - from) / types[k].size != count || (size_t)(to - from) % types[k].size)
        return bad(ctx, f, "data_offsets do not fit the shape or the file", name);
    e->data = f->bytes + base + from;
    e->name = base_strdup(name);
    return e->name ? AFFECT_OK : base_fail_memory(ctx);
}

static affect_status read_header(affect_context *ctx, nn_file *f) {
    if (f->length < 8) return bad(ctx, f, "shorter than 8 bytes", NULL);
    uint64_t size = 0;
    for (int i = 7; i >= 0; i--) size = size << 8 | f->bytes[i];
    if (size > f->length - 8 || size > 100u << 20)
        return bad(ctx, f, "the header does not fit into the file", NULL);
    json_error_t error;
    f->header = json_loadb((const char *)f->bytes + 8, (size_t)size, 0, &error);
    if (!json_is_object(f->header)) return bad(ctx, f, "the header is no JSON object", NULL);
    f->items = base_calloc(json_object_size(f->header), sizeof *f->items);
    if (!f->items) return base_fail_memory(ctx);
    const char *name;
    json_t *value;
    json_object_foreach(f->header, name, value) {
        if (strcmp(name, "__metadata__") == 0) continue;
        affect_status status =
            read_entry(ctx, f, 8 + (size_t)size, name, value, &f->items[f->count]);
        if (status != AFFECT_OK) return status;
        f->count++;
    }
    return AFFECT_OK;
}

affect_status nn_file_open(affect_context *ctx, const char *path, nn_file **out) {
    *out = NULL;
    nn_file *f = base_calloc(1, sizeof *f);
    if (f) f->path = base_strdup(path);
    if (!f || !f->path) {
        base_free(f);
        return base_fail_memory(ctx);
    }
    affect_status status = AFFECT_OK;
    int file = base_open_regular(path);
    struct stat info;
    if (file < 0 || fstat(file, &info) != 0)
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read: %s", path,
                           errno == EINVAL ? "not a regular file" : strerror(errno));
    else if (info.st_size == 0)
        status = bad(ctx, f, "empty", NULL);
    if (status == AFFECT_OK) {
        void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes == MAP_FAILED) {
            status = base_fail(ctx, AFFECT_ERROR_MEMORY, "%s: cannot be mapped", path);
        } else {
            f->bytes = bytes;
            f->length = (size_t)info.st_size;
            status = read_header(ctx, f);
        }
    }
    if (file >= 0) close(file);
    if (status != AFFECT_OK) {
        nn_file_close(f);
        return status;
    }
    *out = f;
    return AFFECT_OK;
}

void nn_file_close(nn_file *f) {
    if (!f) return;
    for (size_t i = 0; f->items && i < f->count; i++) base_free(f->items[i].name);
    base_free(f->items);
    json_decref(f->header);
    if (f->bytes) munmap(f->bytes, f->length);
    base_free(f->path);
    base_free(f);
}

size_t nn_file_count(const nn_file *f) { return f->count; }
const char *nn_file_name(const nn_file *f, size_t i) { return f->items[i].name; }
nn_shape nn_file_shape(const nn_file *f, size_t i) { return f->items[i].shape; }

int nn_file_find(const nn_file *f, const char *name) {
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].name, name) == 0) return (int)i;
    return -1;
}

const char *nn_file_metadata(const nn_file *f, const char *key) {
    return json_string_value(json_object_get(json_object_get(f->header, "__metadata__"), key));
}

/* ---- number formats ---- */

static float bits_to_float(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t float_to_bits(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static float from_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 31) return bits_to_float(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0) return bits_to_float(sign | float_to_bits((float)fraction * 0x1p-24f));
    return bits_to_float(sign | (exponent + 112) << 23 | fraction << 13);
}

/* Round to nearest, ties to even. */
static uint16_t to_half(float f) {
    uint32_t bits = float_to_bits(f), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* rounds to infinity */
    if (magnitude < 0x38800000)                                    /* subnormal */
        return (uint16_t)(sign | (uint32_t)lrintf(bits_to_float(magnitude) * 0x1p24f));
    uint32_t odd = magnitude >> 13 & 1;
    return (uint16_t)(sign | ((magnitude - 0x38000000 + 0xfff + odd) >> 13));
}

static uint16_t to_bfloat(float f) {
    uint32_t bits = float_to_bits(f);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

affect_status nn_file_read(affect_context *ctx, const nn_file *f, size_t i, float *out,
                           size_t count) {
    const entry *e = &f->items[i];
    if (nn_shape_count(e->shape) != count)
        return base_fail(ctx, AFFECT_ERROR_SHAPE, "%s: '%s' has %zu values, expected %zu", f->path,
                         e->name, nn_shape_count(e->shape), count);
    const unsigned char *b = e->data;
    switch (e->type) {
    case NN_F32: memcpy(out, b, count * sizeof *out); return AFFECT_OK;
    case NN_F16:
        for (size_t k = 0; k < count; k++)
            out[k] = from_half((uint16_t)(b[2 * k] | b[2 * k + 1] << 8));
        return AFFECT_OK;
    case NN_BF16:
        for (size_t k = 0; k < count; k++)
            out[k] = bits_to_float((uint32_t)(b[2 * k] | b[2 * k + 1] << 8) << 16);
        return AFFECT_OK;
    case NN_I8: break;
    }
    char name[128];
    snprintf(name, sizeof name, "%s.scale", e->name);
    int scale = nn_file_find(f, name);
    size_t width = e->shape.rank ? e->shape.d[e->shape.rank - 1] : 1;
    if (scale < 0 || f->items[scale].type != NN_F32 ||
        nn_shape_count(f->items[scale].shape) != width)
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "%s: '%s' is I8 and wants %zu F32 values in '%s'", f->path, e->name, width,
                         name);
    for (size_t k = 0; k < count; k++) {
        float s;
        memcpy(&s, f->items[scale].data + k % width * sizeof s, sizeof s);
        out[k] = (float)(int8_t)b[k] * s;
    }
    return AFFECT_OK;
}

/* ---- writing ---- */

struct nn_writer {
    affect_context *ctx;
    char *path;
    base_text header, data, metadata;
    bool failed;
};

affect_status nn_writer_create(affect_context *ctx, const char *path, nn_writer **out) {
    *out = base_calloc(1, sizeof **out);
    if (*out) (*out)->path = base_strdup(path);
    if (!*out || !(*out)->path) {
        base_free(*out);
        *out = NULL;
        return base_fail_memory(ctx);
    }
    (*out)->ctx = ctx;
    return AFFECT_OK;
}

static void append_json(base_text *text, const char *string) {
    base_text_append(text, "\"");
    for (const char *at = string; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\')
            base_text_printf(text, "\\%c", c);
        else if (c < 32)
            base_text_printf(text, "\\u%04x", c);
        else
            base_text_append_n(text, at, 1);
    }
    base_text_append(text, "\"");
}

static void add_raw(nn_writer *w, const char *name, nn_storage storage, nn_shape shape,
                    const void *bytes, size_t length) {
    size_t from = w->data.length;
    base_text_append_n(&w->data, bytes, length);
    if (w->header.length) base_text_append(&w->header, ",");
    append_json(&w->header, name);
    base_text_printf(&w->header, ":{\"dtype\":\"%s\",\"shape\":[", types[storage].name);
    for (size_t i = 0; i < shape.rank; i++)
        base_text_printf(&w->header, "%s%zu", i ? "," : "", shape.d[i]);
    base_text_printf(&w->header, "],\"data_offsets\":[%zu,%zu]}", from, from + length);
}

void nn_writer_add(nn_writer *w, const char *name, nn_storage storage, nn_shape shape,
                   const float *data) {
    size_t count = nn_shape_count(shape), width = shape.rank ? shape.d[shape.rank - 1] : 1;
    if (storage == NN_F32) {
        add_raw(w, name, storage, shape, data, count * sizeof *data);
        return;
    }
    unsigned char *bytes = base_alloc(count * types[storage].size);
    float *scale = storage == NN_I8 ? base_calloc(width, sizeof *scale) : NULL;
    if (!bytes || (storage == NN_I8 && !scale)) {
        w->failed = true;
    } else if (storage == NN_I8) {
        for (size_t k = 0; k < count; k++)
            scale[k % width] = fmaxf(scale[k % width], fabsf(data[k]));
        for (size_t c = 0; c < width; c++) scale[c] = scale[c] > 0 ? scale[c] / 127 : 1;
        for (size_t k = 0; k < count; k++)
            bytes[k] = (unsigned char)(int8_t)lrintf(data[k] / scale[k % width]);
        char label[128];
        snprintf(label, sizeof label, "%s.scale", name);
        add_raw(w, name, storage, shape, bytes, count);
        add_raw(w, label, NN_F32, NN_SHAPE(width), scale, width * sizeof *scale);
    } else {
        for (size_t k = 0; k < count; k++) {
            uint16_t h = storage == NN_F16 ? to_half(data[k]) : to_bfloat(data[k]);
            bytes[2 * k] = (unsigned char)h;
            bytes[2 * k + 1] = (unsigned char)(h >> 8);
        }
        add_raw(w, name, storage, shape, bytes, 2 * count);
    }
    base_free(bytes);
    base_free(scale);
}

void nn_writer_metadata(nn_writer *w, const char *key, const char *value) {
    if (w->metadata.length) base_text_append(&w->metadata, ",");
    append_json(&w->metadata, key);
    base_text_append(&w->metadata, ":");
    append_json(&w->metadata, value);
}

affect_status nn_writer_commit(affect_context *ctx, nn_writer *w) {
    base_text header = {0};
    base_text_append(&header, "{");
    if (w->metadata.length)
        base_text_printf(&header, "\"__metadata__\":{%s}%s", w->metadata.data,
                         w->header.length ? "," : "");
    if (w->header.length) base_text_append_n(&header, w->header.data, w->header.length);
    base_text_append(&header, "}");
    while (!header.failed && header.length % 8) base_text_append(&header, " ");
    affect_status status = AFFECT_OK;
    if (w->failed || header.failed || w->header.failed || w->data.failed || w->metadata.failed)
        status = base_fail_memory(ctx);
    base_output out = {0};
    if (status == AFFECT_OK) status = base_output_open(ctx, w->path, &out);
    if (status == AFFECT_OK) {
        unsigned char size[8];
        for (int i = 0; i < 8; i++) size[i] = (unsigned char)((uint64_t)header.length >> 8 * i);
        fwrite(size, 1, sizeof size, out.file);
        fwrite(header.data, 1, header.length, out.file);
        if (w->data.length) fwrite(w->data.data, 1, w->data.length, out.file);
        status = base_output_commit(ctx, &out); /* checks the stream */
    }
    base_text_destroy(&header);
    base_text_destroy(&w->header);
    base_text_destroy(&w->data);
    base_text_destroy(&w->metadata);
    base_free(w->path);
    base_free(w);
    return status;
}

/* ---- parameter sets ---- */

void nn_params_write(nn_writer *w, const nn_params *params, const char *prefix, const float *values,
                     nn_storage storage, size_t least) {
    if (!values) values = params->value;
    for (size_t i = 0; i < params->count; i++) {
        const nn_param *p = &params->items[i];
        char name[160];
        snprintf(name, sizeof name, "%s%s", prefix, p->name);
        nn_writer_add(w, name, p->shape.rank >= 2 && p->count >= least ? storage : NN_F32, p->shape,
                      values + p->offset);
    }
}

affect_status nn_params_read(affect_context *ctx, const nn_file *f, const nn_params *params,
                             const char *prefix, float *values) {
    for (size_t i = 0; i < params->count; i++) {
        const nn_param *p = &params->items[i];
        char name[160], a[96], b[96];
        snprintf(name, sizeof name, "%s%s", prefix, p->name);
        int at = nn_file_find(f, name);
        if (at < 0)
            return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: holds no tensor '%s'", f->path, name);
        if (!nn_shape_equal(f->items[at].shape, p->shape))
            return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: '%s' is %s, the network wants %s",
                             f->path, name, nn_shape_text(f->items[at].shape, a),
                             nn_shape_text(p->shape, b));
        affect_status status = nn_file_read(ctx, f, (size_t)at, values + p->offset, p->count);
        if (status != AFFECT_OK) return status;
    }
    return AFFECT_OK;
}
