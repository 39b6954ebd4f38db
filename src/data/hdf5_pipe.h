/* What the two sides of data/hdf5 say to each other over their socket. Both are of the same build on
 * the same machine, so numbers go as they are. */
#ifndef DATA_HDF5_PIPE_H
#define DATA_HDF5_PIPE_H

#include "data/hdf5.h"

enum {
    HDF5_MOST_NAME = 4096,
    HDF5_MOST_TEXT = 16 << 20, /* bytes of a text element, and of an item's attributes */
    HDF5_PIECE = 4 << 20,      /* bytes of numbers in one answer */
    HDF5_DEPTH = 32
};

typedef enum data_hdf5_answer {
    HDF5_ITEM = 1, /* data_hdf5_described, then path, problem, attributes (all NUL-terminated) */
    HDF5_LISTED,   /* the list is complete */
    HDF5_NUMBERS,  /* doubles */
    HDF5_TEXT,     /* bytes */
    HDF5_FAILED    /* `status`, then its text */
} data_hdf5_answer;

typedef struct data_hdf5_header {
    uint32_t answer, status;
    uint64_t length; /* bytes that follow */
} data_hdf5_header;

typedef struct data_hdf5_described {
    uint32_t content, type, rank, chunked, compressed, path, problem, attributes;
    uint64_t shape[DATA_MAX_RANK];
} data_hdf5_described; /* path, problem: bytes with their NUL; attributes: count */

typedef struct data_hdf5_request {
    uint64_t row, rows; /* rows = 0: text element `row` */
    uint32_t path;      /* bytes that follow, with the NUL */
} data_hdf5_request;

/* All of it or false. */
bool data_hdf5_send(int socket, const void *bytes, size_t length);
bool data_hdf5_receive(int socket, void *bytes, size_t length);

#endif
