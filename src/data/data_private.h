/* Shared by the readers that build value trees. */
#ifndef DATA_PRIVATE_H
#define DATA_PRIVATE_H

#include "data/value.h"

struct data_document {
    base_arena arena;
    size_t arena_used, arena_limit;
    bool spent; /* the limit was met */
    data_value *root;
    data_mapping map;
    void *owned; /* base_free at the end, or NULL */
};

AFFECT_MUST_USE data_document *data_document_new(void);
/* Zeroed memory that lives as long as the document; NULL when memory or the document's limit is
 * spent. */
AFFECT_MUST_USE void *data_document_alloc(data_document *document, size_t size);
AFFECT_MUST_USE data_value *data_document_value(data_document *document, data_kind kind);
/* The same with an array of zeros and rank 0. */
AFFECT_MUST_USE data_value *data_document_array(data_document *document);
/* Refuses cycles and trees whose written-out form has over `most` values, elements of arrays
 * counted. Errors: FORMAT, LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status data_document_check(affect_context *ctx, const char *name,
                                                  data_document *document, uint64_t most);
/* Parses a numpy type string such as "<f4", "|S12" or "O". False if it is not one we read. */
bool data_type_parse(const char *text, size_t length, data_array *out);
/* Sets count from the shape; false on overflow, and for many elements of no bytes. */
bool data_array_measure(data_array *array);

/* Maps a file read-only. Errors: NOT_FOUND. An empty file maps to a valid pointer and length 0. */
AFFECT_MUST_USE affect_status data_map(affect_context *ctx, const char *path, data_mapping *out);
void data_unmap(data_mapping *map);

/* What `git lfs` leaves where the file itself was not fetched: FORMAT, with what to do; else OK. */
AFFECT_MUST_USE affect_status data_refuse_pointer(affect_context *ctx, const char *path,
                                                  const void *bytes, size_t length);
/* gzip in memory is unpacked in its place (base_free); anything else stays. At most 256 MiB or 200
 * times the packed bytes. Errors: FORMAT, LIMIT, MEMORY; then *bytes is freed and NULL. */
AFFECT_MUST_USE affect_status data_gunzip(affect_context *ctx, const char *path, char **bytes,
                                          size_t *length);

/* pandas.c: fills the dict `into` with the columns of a frame, or the one of a series called `name`,
 * from its manager (blocks, axes). NULL, data_pandas_memory() or what is wrong. */
const char *data_pandas_columns(data_document *document, const data_value *manager, bool series,
                                const data_value *name, data_value *into);
/* The manager from the state that it is given, as series have it, and frames of pandas before 1.3. */
const char *data_pandas_manager(data_document *document, const data_value *state, data_value *into);
const char *data_pandas_memory(void);

#endif
