/* Shared by the readers that build value trees. */
#ifndef DATA_DOCUMENT_H
#define DATA_DOCUMENT_H

#include "data/value.h"

struct data_document {
    base_arena arena;
    size_t arena_used, arena_limit;
    data_value *root;
    void *mapping; /* munmap at the end, or NULL */
    size_t mapping_length;
    void *owned; /* base_free at the end, or NULL */
};

AFFECT_MUST_USE data_document *data_document_new(void);
/* Zeroed memory that lives as long as the document; NULL when memory or the document's limit is
 * spent. */
AFFECT_MUST_USE void *data_document_alloc(data_document *document, size_t size);
AFFECT_MUST_USE data_value *data_document_value(data_document *document, data_kind kind);
/* Refuses cycles and trees whose written-out form is too large. Errors: FORMAT, LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status data_document_check(affect_context *ctx, const char *name,
                                                  data_document *document);
/* Parses a numpy type string such as "<f4", "|S12" or "O". False if it is not one we read. */
bool data_type_parse(const char *text, size_t length, data_array *out);
/* Sets count from the shape; false on overflow. */
bool data_array_measure(data_array *array);

/* Maps a file read-only. Errors: NOT_FOUND. An empty file maps to a valid pointer and length 0. */
AFFECT_MUST_USE affect_status data_map(affect_context *ctx, const char *path, void **bytes,
                                       size_t *length);
void data_unmap(void *bytes, size_t length);

#endif
