/* Worksheets of Office Open XML (ECMA-376 part 1, SpreadsheetML; .xlsx). In: a workbook. Out: the
 * cells of its first sheet as a table. Formulas give their stored result, numbers the text they are
 * stored as (dates are day numbers), booleans 0 or 1, errors nothing. */
#ifndef DATA_XLSX_H
#define DATA_XLSX_H

#include "data/table.h"

/* The first row with a cell is the header unless options say otherwise (the delimiter is not used);
 * rows may be ragged. `line` of a row is its number in the sheet. Errors: NOT_FOUND, FORMAT,
 * LIMIT (over 256 MiB of cells), MEMORY. */
AFFECT_MUST_USE affect_status data_xlsx_open(affect_context *ctx, const char *path,
                                             const data_table_options *options, data_table **out);
/* The same from memory; `name` is for messages. */
AFFECT_MUST_USE affect_status data_xlsx_parse(affect_context *ctx, const char *name,
                                              const void *bytes, size_t length,
                                              const data_table_options *options, data_table **out);

#endif
