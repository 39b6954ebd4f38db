/* GGUF files out: see gguf_write.h. The numbers are version 3's, little-endian. */
#include "nn/gguf_write.h"

#include <string.h>

enum {
    KIND_UINT32 = 4,
    KIND_INT32 = 5,
    KIND_FLOAT32 = 6,
    KIND_BOOL = 7,
    KIND_STRING = 8,
    KIND_ARRAY = 9,
    ALIGNMENT = 32
};

static void put(base_text *out, const void *bytes, size_t n) { base_text_append_n(out, bytes, n); }

static void put_u32(base_text *out, uint32_t x) { put(out, &x, sizeof x); }

static void put_u64(base_text *out, uint64_t x) { put(out, &x, sizeof x); }

static void put_string(base_text *out, const char *text) {
    put_u64(out, strlen(text));
    base_text_append(out, text);
}

static void begin_value(nn_gguf_writer *w, const char *name, uint32_t kind) {
    put_string(&w->values, name);
    put_u32(&w->values, kind);
    w->value_count++;
}

void nn_gguf_put_text(nn_gguf_writer *w, const char *name, const char *value) {
    begin_value(w, name, KIND_STRING);
    put_string(&w->values, value);
}

void nn_gguf_put_number(nn_gguf_writer *w, const char *name, float value) {
    begin_value(w, name, KIND_FLOAT32);
    put(&w->values, &value, sizeof value);
}

void nn_gguf_put_count(nn_gguf_writer *w, const char *name, uint32_t value) {
    begin_value(w, name, KIND_UINT32);
    put_u32(&w->values, value);
}

void nn_gguf_put_flag(nn_gguf_writer *w, const char *name, bool value) {
    begin_value(w, name, KIND_BOOL);
    put(&w->values, value ? "\1" : "\0", 1);
}

static void begin_list(nn_gguf_writer *w, const char *name, uint32_t kind, size_t count) {
    begin_value(w, name, KIND_ARRAY);
    put_u32(&w->values, kind);
    put_u64(&w->values, count);
}

void nn_gguf_put_texts(nn_gguf_writer *w, const char *name, size_t count) {
    begin_list(w, name, KIND_STRING, count);
}

void nn_gguf_put_entry(nn_gguf_writer *w, const char *text, size_t length) {
    put_u64(&w->values, length);
    put(&w->values, text, length);
}

void nn_gguf_put_ints(nn_gguf_writer *w, const char *name, const int32_t *values, size_t count) {
    begin_list(w, name, KIND_INT32, count);
    put(&w->values, values, count * sizeof *values);
}

void nn_gguf_put_matrix(nn_gguf_writer *w, const char *name, size_t rows, size_t columns,
                        const float *data) {
    if (!base_grow((void **)&w->data, &w->capacity, w->count + 1, sizeof *w->data)) {
        w->failed = true;
        return;
    }
    size_t count = columns * BASE_MAX(rows, (size_t)1);
    w->data[w->count++] = (struct nn_gguf_data){data, count};
    put_string(&w->heads, name);
    put_u32(&w->heads, rows ? 2 : 1);
    put_u64(&w->heads, columns);
    if (rows) put_u64(&w->heads, rows);
    put_u32(&w->heads, 0); /* F32 */
    put_u64(&w->heads, w->end);
    w->end += (count * sizeof *data + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void put_padding(FILE *file, size_t written) {
    static const char zeros[ALIGNMENT];
    fwrite(zeros, 1, (ALIGNMENT - written % ALIGNMENT) % ALIGNMENT, file);
}

affect_status nn_gguf_write(affect_context *ctx, const char *path, nn_gguf_writer *w) {
    base_text head = {0};
    base_output out = {0};
    base_text_append(&head, "GGUF");
    put_u32(&head, 3);
    put_u64(&head, w->count);
    put_u64(&head, w->value_count);
    if (w->values.length) put(&head, w->values.data, w->values.length);
    if (w->heads.length) put(&head, w->heads.data, w->heads.length);
    affect_status status = head.failed || w->values.failed || w->heads.failed || w->failed
                               ? base_fail_memory(ctx)
                               : base_output_open(ctx, path, &out);
    if (!status) { /* what cannot be written is found by the commit */
        fwrite(head.data, 1, head.length, out.file);
        put_padding(out.file, head.length);
        for (size_t i = 0; i < w->count; i++) {
            fwrite(w->data[i].data, sizeof(float), w->data[i].count, out.file);
            put_padding(out.file, w->data[i].count * sizeof(float));
        }
        status = base_output_commit(ctx, &out);
    }
    base_text_destroy(&head);
    base_text_destroy(&w->values);
    base_text_destroy(&w->heads);
    base_free(w->data);
    *w = (nn_gguf_writer){0};
    return status;
}
