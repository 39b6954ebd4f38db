/* npy and npz files (NumPy's format 1-3). In: a path. Out: an array whose bytes are mapped where
 * the file allows it (npy, stored members of an npz) and inflated into memory otherwise. */
#ifndef DATA_NPY_H
#define DATA_NPY_H

#include "data/value.h"

typedef struct data_npy {
    data_array values; /* of DATA_OBJECT: no items, `bytes` are a pickle (data_pickle_parse) */
    size_t length;     /* of values.bytes */
    void *owned;       /* private: what to free */
    data_mapping map;  /* private: what to unmap */
} data_npy;

/* Errors: NOT_FOUND, FORMAT (with what was expected), MEMORY. */
AFFECT_MUST_USE affect_status data_npy_open(affect_context *ctx, const char *path, data_npy **out);
/* The same from bytes in memory, which must outlive the array. `name` is for error texts. */
AFFECT_MUST_USE affect_status data_npy_parse(affect_context *ctx, const char *name,
                                             const void *bytes, size_t length, data_npy **out);
void data_npy_destroy(data_npy *array);

typedef struct data_npz data_npz;
AFFECT_MUST_USE affect_status data_npz_open(affect_context *ctx, const char *path, data_npz **out);
AFFECT_MUST_USE affect_status data_npz_parse(affect_context *ctx, const char *name,
                                             const void *bytes, size_t length, data_npz **out);
void data_npz_destroy(data_npz *npz); /* after its arrays */
size_t data_npz_count(const data_npz *npz);
const char *data_npz_name(const data_npz *npz, size_t i); /* without ".npy" */
/* Errors: NOT_FOUND (lists the names that are there), FORMAT, LIMIT (packed like a bomb), MEMORY.
 */
AFFECT_MUST_USE affect_status data_npz_array(affect_context *ctx, data_npz *npz, const char *name,
                                             data_npy **out);
/* The same by number. */
AFFECT_MUST_USE affect_status data_npz_array_at(affect_context *ctx, data_npz *npz, size_t i,
                                                data_npy **out);

#endif
