/* GGUF files out: named values and float32 tensors. */
#ifndef NN_GGUF_WRITE_H
#define NN_GGUF_WRITE_H

#include "base/base.h"

typedef struct nn_gguf_writer {
    base_text values, heads; /* as the file has them */
    struct nn_gguf_data {
        const float *data;
        size_t count;
    } * data;
    size_t value_count, count, capacity;
    uint64_t end; /* of the data so far */
    bool failed;
} nn_gguf_writer;

/* All begin with a zeroed writer; failures are kept for the write. */
void nn_gguf_put_text(nn_gguf_writer *writer, const char *name, const char *value);
void nn_gguf_put_number(nn_gguf_writer *writer, const char *name, float value);
void nn_gguf_put_count(nn_gguf_writer *writer, const char *name, uint32_t value);
void nn_gguf_put_flag(nn_gguf_writer *writer, const char *name, bool value);
/* A list: begun with its length, then as many entries of the same kind. */
void nn_gguf_put_texts(nn_gguf_writer *writer, const char *name, size_t count);
void nn_gguf_put_entry(nn_gguf_writer *writer, const char *text, size_t length);
void nn_gguf_put_ints(nn_gguf_writer *writer, const char *name, const int32_t *values,
                      size_t count);
/* data[rows, columns] is borrowed until the write; rows 0: a vector of `columns`. */
void nn_gguf_put_matrix(nn_gguf_writer *writer, const char *name, size_t rows, size_t columns,
                        const float *data);
/* Writes the file under its name when it is complete, and clears the writer either way. Errors: OUTPUT,
 * MEMORY. */
AFFECT_MUST_USE affect_status nn_gguf_write(affect_context *ctx, const char *path,
                                            nn_gguf_writer *writer);

#endif
