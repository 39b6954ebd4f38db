/* Columns of values, whatever file they lie in. In: CSV, TSV, xlsx (its first sheet), ARFF, JSON
 * Lines, npy, npz (PATH:MEMBER), or a pickle of columns or of rows. Out: rows x columns as text or
 * as numbers. An empty cell, "nan" and a JSON null are missing.
 *
 * A table keeps its text; an npy keeps its mapped bytes; JSON Lines and pickles are written out as
 * a table in memory. */
#ifndef DATA_FRAME_H
#define DATA_FRAME_H

#include "base/base.h"
#include "data/npy.h"
#include "data/table.h"

typedef struct data_frame {
    char *path;
    size_t rows, columns;
    data_table *table; /* or NULL: then `array` */
    data_npy *array;
    data_npz *zip;
} data_frame;

enum { DATA_FRAME_CELL = 64 }; /* room that data_frame_text needs for a number */

/* `no_header` says that the first line of a CSV or TSV is data. Errors: NOT_FOUND, FORMAT (with the
 * line), UNSUPPORTED, LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status data_frame_open(affect_context *ctx, const char *path, bool no_header,
                                              data_frame **out);
void data_frame_destroy(data_frame *frame);
/* JSON Lines as a table: the columns are the keys of the first object; what is no text or number
 * stands as compact JSON. Errors: as above. */
AFFECT_MUST_USE affect_status data_json_lines_open(affect_context *ctx, const char *path,
                                                   data_table **out);
AFFECT_MUST_USE affect_status data_json_lines_parse(affect_context *ctx, const char *name,
                                                    const char *text, size_t length,
                                                    data_table **out);
/* By name (ASCII case), or by number from 0; -1 when absent. */
int data_frame_column(const data_frame *frame, const char *name);
/* The name, or the number from 0 as text. `buffer` has DATA_FRAME_CELL bytes. */
const char *data_frame_name(const data_frame *frame, size_t column, char *buffer);
/* The cell as text; numbers are written so that they read back the same. `buffer` has
 * DATA_FRAME_CELL bytes. Text of an npy of strings is cut to fit. */
const char *data_frame_text(const data_frame *frame, size_t row, size_t column, char *buffer);
bool data_frame_missing(const char *text);
/* The cell as a number, NaN when missing; false where it is neither. */
bool data_frame_number(const data_frame *frame, size_t row, size_t column, double *out);
/* FORMAT with "path:line: column 'x' is 'y', expected ...". */
affect_status data_frame_fail(affect_context *ctx, const data_frame *frame, size_t row,
                              size_t column, const char *expected);

#endif
