/* data/pickle: the safe subset of Python pickles that the field's feature files use.
 *
 * In: protocols 0 to 5 with None, bool, numbers, text, bytes, lists, tuples, dicts, sets,
 * OrderedDict, defaultdict, numpy arrays, scalars and dtypes, as Python 2 and 3 write them, and
 * pandas' DataFrame and Series of numbers, truth values and objects, which become a
 * dict of columns: first the index, unless it only counts the rows. Out: a value tree. Nothing in a pickle is ever executed: a reference to any other class or function is
 * refused with its name, and so are opcodes that call into Python (persistent ids, extension codes,
 * REDUCE of anything else).
 *
 * Bounds: a tree of at most 64 bytes a byte of the file (and 64 MiB), 4 GiB in all, and no cycles.
 * A structure whose written-out form would have more than 2^22 + 16 values a byte of the file (a
 * "billion laughs", one array shared a million times) is refused. */
#ifndef DATA_PICKLE_H
#define DATA_PICKLE_H

#include "data/value.h"

/* Maps and reads a file. Errors: NOT_FOUND, FORMAT (with the byte offset), UNSUPPORTED (a refused
 * name or opcode), LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status data_pickle_read(affect_context *ctx, const char *path,
                                               data_document **out);
/* The same from memory, which the caller keeps alive as long as the document. `name` stands in
 * errors; `used` (may be NULL) receives the bytes up to and including STOP. */
AFFECT_MUST_USE affect_status data_pickle_parse(affect_context *ctx, const char *name,
                                                const void *bytes, size_t length, size_t *used,
                                                data_document **out);

#endif
