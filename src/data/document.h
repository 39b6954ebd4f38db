/* Shared by the readers that build value trees. */
#ifndef DATA_DOCUMENT_H
#define DATA_DOCUMENT_H

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

#endif
