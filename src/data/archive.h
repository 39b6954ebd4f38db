/* ZIP archives (PKWARE APPNOTE 6.3: stored and deflated members, ZIP64), as npz and xlsx use them.
 * In: a path, or bytes in memory. Out: members by name; what is stored is mapped, not copied.
 *
 * Sizes are checked against the file before anything is allocated. Members that lie over each other
 * are refused, and so are those above 256 MiB that are packed to under a 200th: what is unpacked
 * has at most 256 MiB or 200 times the file. */
#ifndef DATA_ARCHIVE_H
#define DATA_ARCHIVE_H

#include "base/base.h"

typedef struct data_archive data_archive;

/* Errors: NOT_FOUND, FORMAT, MEMORY. */
AFFECT_MUST_USE affect_status data_archive_open(affect_context *ctx, const char *path,
                                                data_archive **out);
/* The same from memory, which must outlive the archive. `name` is for error texts. */
AFFECT_MUST_USE affect_status data_archive_parse(affect_context *ctx, const char *name,
                                                 const void *bytes, size_t length,
                                                 data_archive **out);
void data_archive_destroy(data_archive *archive);
const char *data_archive_path(const data_archive *archive);
size_t data_archive_count(const data_archive *archive);
const char *data_archive_name(const data_archive *archive, size_t i);
size_t data_archive_find(const data_archive *archive, const char *name); /* SIZE_MAX when absent */

/* The bytes of a member. *owned is NULL where they lie in the archive (and die with it), else what
 * to base_free. Errors: FORMAT, LIMIT (larger than `most`; 0 = no limit), MEMORY. */
AFFECT_MUST_USE affect_status data_archive_read(affect_context *ctx, const data_archive *archive,
                                                size_t i, size_t most, const uint8_t **bytes,
                                                size_t *length, void **owned);

#endif
