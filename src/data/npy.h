/* npy and npz files (NumPy's format 1-3). In: a path. Out: an array whose bytes are mapped where
 * the file allows it (npy, stored members of an npz) and inflated into memory otherwise. */
#ifndef DATA_NPY_H
#define DATA_NPY_H

#include "base/base.h"

typedef enum data_npy_type {
    DATA_NPY_BOOL,
    DATA_NPY_U8,
    DATA_NPY_I8,
    DATA_NPY_U16,
    DATA_NPY_I16,
    DATA_NPY_U32,
    DATA_NPY_I32,
    DATA_NPY_U64,
    DATA_NPY_I64,
    DATA_NPY_F16,
    DATA_NPY_F32,
    DATA_NPY_F64,
    DATA_NPY_BYTES,   /* |S: `item` bytes, zero-padded */
    DATA_NPY_UNICODE, /* <U: `item` bytes of UCS-4, zero-padded */
    DATA_NPY_OBJECT   /* a pickle follows: data, bytes are its bytes; shape is the array's */
} data_npy_type;

enum { DATA_NPY_MAX_RANK = 16 };

typedef struct data_npy {
    data_npy_type type;
    size_t item; /* bytes of one element */
    size_t rank, shape[DATA_NPY_MAX_RANK];
    size_t count;              /* elements */
    bool fortran;              /* column-major */
    bool big_endian;           /* elements are in the other byte order; data_npy_get copes */
    const unsigned char *data; /* not necessarily aligned */
    size_t bytes;
    void *owned; /* private: what to free or unmap */
    size_t owned_bytes;
    bool mapped;
} data_npy;

/* Errors: NOT_FOUND, FORMAT (with offset and what was expected), LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status data_npy_open(affect_context *ctx, const char *path, data_npy **out);
/* The same from bytes in memory, which must outlive the array. `name` is for error texts. */
AFFECT_MUST_USE affect_status data_npy_parse(affect_context *ctx, const char *name,
                                             const void *bytes, size_t length, data_npy **out);
void data_npy_destroy(data_npy *array);
/* Element i (in the order of the file) as a number; strings and objects give NaN. */
double data_npy_get(const data_npy *array, size_t i);

typedef struct data_npz data_npz;
AFFECT_MUST_USE affect_status data_npz_open(affect_context *ctx, const char *path, data_npz **out);
void data_npz_destroy(data_npz *npz); /* after its arrays */
size_t data_npz_count(const data_npz *npz);
const char *data_npz_name(const data_npz *npz, size_t i); /* without ".npy" */
/* Errors: NOT_FOUND (lists the names that are there), FORMAT, LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status data_npz_array(affect_context *ctx, data_npz *npz, const char *name,
                                             data_npy **out);

#endif
