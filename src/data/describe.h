/* What a data file is: which published set, its shapes, splits, label balance, licence note and
 * oddities. In: a file or a folder. Out: a report as text lines or JSON. Recognition goes by the
 * names of columns and keys, not by file names alone, so that renamed copies are known too. */
#ifndef DATA_DESCRIBE_H
#define DATA_DESCRIBE_H

#include "base/base.h"

/* Appends to `out`: one JSON array of objects with `json`, else text. A folder is walked (symbolic
 * links are not followed, at most 8 levels); media files are counted by what their names say, and a
 * file that cannot be read is reported as such inside the report. Errors: NOT_FOUND, MEMORY; for a
 * single file also those of its reader.
 *
 * With `check`, files of sets whose publishers give SHA-256 sums are held against them; *mismatches
 * counts those of such a set that have another one. */
AFFECT_MUST_USE affect_status data_describe(affect_context *ctx, const char *path, bool json,
                                            bool check, base_text *out, size_t *mismatches);

#endif
