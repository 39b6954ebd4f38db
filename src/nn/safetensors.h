/* safetensors files (huggingface.co/docs/safetensors): an 8-byte header length, a JSON header, raw
 * little-endian data. In and out: float32 values, stored as F32, BF16, F16 or I8 with one scale per
 * entry of the last axis (a second tensor NAME.scale). Float build only. */
#ifndef NN_SAFETENSORS_H
#define NN_SAFETENSORS_H

#include "nn/nn.h"

typedef enum nn_storage { NN_F32, NN_F16, NN_BF16, NN_I8 } nn_storage;

typedef struct nn_file nn_file;
/* Maps the file and checks every offset. Errors: NOT_FOUND, FORMAT, MEMORY. */
AFFECT_MUST_USE affect_status nn_file_open(affect_context *ctx, const char *path, nn_file **out);
void nn_file_close(nn_file *file);
size_t nn_file_count(const nn_file *file);
const char *nn_file_name(const nn_file *file, size_t i);
nn_shape nn_file_shape(const nn_file *file, size_t i);
int nn_file_find(const nn_file *file, const char *name); /* -1 when absent */
/* Value of a key of __metadata__, or NULL. Borrowed. */
const char *nn_file_metadata(const nn_file *file, const char *key);
/* Values of tensor i as float32; `count` must be its number of elements. */
AFFECT_MUST_USE affect_status nn_file_read(affect_context *ctx, const nn_file *file, size_t i,
                                           float *out, size_t count);

typedef struct nn_writer nn_writer;
AFFECT_MUST_USE affect_status nn_writer_create(affect_context *ctx, const char *path,
                                               nn_writer **out);
/* Adds a tensor; the data are converted and copied at once. Failures are kept for the commit. */
void nn_writer_add(nn_writer *writer, const char *name, nn_storage storage, nn_shape shape,
                   const float *data);
void nn_writer_metadata(nn_writer *writer, const char *key, const char *value);
/* Writes the file under its name only when it is complete; destroys the writer either way. */
AFFECT_MUST_USE affect_status nn_writer_commit(affect_context *ctx, nn_writer *writer);

/* All parameters of a set, values taken from `values` (params->size) or the set's own when NULL.
 * `least` is the smallest number of elements that is worth storing in `storage`; smaller ones
 * (biases, norms) stay F32. */
void nn_params_write(nn_writer *writer, const nn_params *params, const char *prefix,
                     const float *values, nn_storage storage, size_t least);
/* Reads every parameter of the set from the file. Errors: MODEL, naming the parameter and both
 * shapes. */
AFFECT_MUST_USE affect_status nn_params_read(affect_context *ctx, const nn_file *file,
                                             const nn_params *params, const char *prefix,
                                             float *values);

#endif
