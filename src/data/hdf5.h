/* data/hdf5: HDF5 files (h5py, MATLAB 7.3, CMU-SDK .csd) through the HDF Group's library.
 *
 * In: a path. Out: what the file holds (groups, datasets with type and shape, small attributes) and
 * the elements of a dataset by ranges of rows, so that a file larger than memory can be read.
 *
 * libhdf5 has a history of crashes on damaged files, so it never runs in this process: a program
 * of its own, affect-hdf5 (found like the run-time libraries, or named in AFFECT_HDF5), loads it, reads,
 * and answers over a socket, which is all that it has of this process; a seccomp filter leaves it no
 * other call. It is bounded in memory (1 GiB above what it starts with) and in processor time: 1 s between two answers (more where a large chunk is
 * unpacked for it), and for the whole file 10 s, 0.5 ms an answer and 1 s for each 16 MiB answered.
 * Each chunk is unpacked once where those beside each other fit 384 MiB. It writes nothing, loads no
 * plug-ins and follows no links to other files. Where it crashes or hangs, the caller gets FORMAT.
 * What it answers is checked like any other input.
 *
 * The library is loaded at run time (RUNTIME where it is not installed). A file belongs to one
 * thread at a time. */
#ifndef DATA_HDF5_H
#define DATA_HDF5_H

#include "data/value.h"

enum { DATA_HDF5_MOST = 1 << 20 }; /* groups and datasets in a file */

typedef enum data_hdf5_content {
    DATA_HDF5_GROUP,
    DATA_HDF5_NUMBERS, /* integers, floats, booleans: `type` says which */
    DATA_HDF5_TEXTS,
    DATA_HDF5_OTHER /* compounds, references, ... and links, which are listed but not read */
} data_hdf5_content;

typedef struct data_hdf5_attribute {
    char *name, *value; /* UTF-8; numbers and short lists as text */
} data_hdf5_attribute;

typedef struct data_hdf5_item {
    char *path; /* "/data/video/features" */
    data_hdf5_content content;
    data_type type; /* of DATA_HDF5_NUMBERS */
    size_t rank, shape[DATA_MAX_RANK], count;
    bool chunked, compressed;
    char *problem; /* why it cannot be read (a missing filter, data in another file), or NULL */
    data_hdf5_attribute *attributes;
    size_t attribute_count;
} data_hdf5_item;

typedef struct data_hdf5 data_hdf5;

/* Lists the file: groups before what is in them, names of a group in alphabetical order, item 0 is
 * "/". Errors: NOT_FOUND, FORMAT (no HDF5, damaged), LIMIT, RUNTIME (no libhdf5, no
 * affect-hdf5), MEMORY. */
AFFECT_MUST_USE affect_status data_hdf5_open(affect_context *ctx, const char *path,
                                             data_hdf5 **out);
void data_hdf5_destroy(data_hdf5 *file);
size_t data_hdf5_count(const data_hdf5 *file);
const data_hdf5_item *data_hdf5_item_at(const data_hdf5 *file, size_t i);
/* Index of an item by its path; SIZE_MAX when absent. */
size_t data_hdf5_find(const data_hdf5 *file, const char *path);
/* Rows [row, row + rows) along the first axis of a dataset of numbers (a scalar is one row), in C
 * order, as doubles (64-bit integers are rounded); `out` has room for rows times the product of the
 * other axes. Errors: SHAPE (rows that are not there), UNSUPPORTED (no numbers, unreadable),
 * FORMAT, LIMIT (a row over 256 MiB), MEMORY. */
AFFECT_MUST_USE affect_status data_hdf5_numbers(affect_context *ctx, data_hdf5 *file, size_t item,
                                                size_t row, size_t rows, double *out);
/* Text element i of a dataset of texts, as valid UTF-8 in new memory (base_free). */
AFFECT_MUST_USE affect_status data_hdf5_text(affect_context *ctx, data_hdf5 *file, size_t item,
                                             size_t i, char **out);

#endif
