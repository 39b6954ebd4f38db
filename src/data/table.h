/* Tables of text: CSV (RFC 4180: quotes, line breaks inside quotes), TSV and other delimiters. In:
 * a path. Out: cells as NUL-terminated text, with the line each row starts on, for error messages.
 */
#ifndef DATA_TABLE_H
#define DATA_TABLE_H

#include "base/base.h"

typedef struct data_table {
    char *path;
    char delimiter;
    size_t rows, columns; /* columns = of the header, or of the widest row without one */
    char **names;         /* of the columns; NULL without a header */
    const char **cells;   /* of all rows, one after the other; NUL-terminated */
    size_t *start;        /* row r owns cells[start[r] .. start[r + 1]) */
    size_t *line;         /* 1-based line of row r */
    char *text, *added;   /* private */
} data_table;

typedef struct data_table_options {
    char delimiter; /* 0 = tab for .tsv and .txt, else the one of , ; tab that the first line has
                       most */
    bool no_header;
    bool ragged; /* rows may have other widths than the header */
    bool plain;  /* quotes mean nothing (most TSV files), and no comma is a decimal one */
} data_table_options;

/* NULL options = defaults. Blank lines are skipped, a byte-order mark and Excel's line "sep=;" are
 * removed. Bytes that are not UTF-8 are converted (data/encoding.h), which a log line says, as it
 * says that numbers with a decimal comma were read. Line ends of CR alone, one blank behind every
 * delimiter, and gzip are taken as what they are. A Git LFS pointer is refused. Errors: NOT_FOUND, FORMAT (with the line), LIMIT (over 2 GiB), MEMORY. */
AFFECT_MUST_USE affect_status data_table_open(affect_context *ctx, const char *path,
                                              const data_table_options *options, data_table **out);
/* The same from text in memory; `name` is for messages. */
AFFECT_MUST_USE affect_status data_table_parse(affect_context *ctx, const char *name,
                                               const char *text, size_t length,
                                               const data_table_options *options, data_table **out);
/* Would a spreadsheet take the text of a cell for a formula (=, +, -, @, TAB or CR at its begin),
 * or for one that was made harmless (apostrophes before that)? Our CSV writers put an apostrophe
 * before such text, and reading a table takes one away, so that what was written comes back.
 * Numbers are written and read as they are. */
bool data_table_formula(const char *text);
/* Gives every row `count` columns more, behind its own: `texts` holds the cells row by row, each with
 * its NUL, and is emptied. Only for a table with names. Errors: MEMORY. */
AFFECT_MUST_USE affect_status data_table_add_columns(affect_context *ctx, data_table *table,
                                                     const char *const *names, size_t count,
                                                     base_text *texts);
void data_table_destroy(data_table *table);
int data_table_column(const data_table *table, const char *name); /* -1 when absent; ASCII case */
/* "" beyond the row's end. */
const char *data_table_cell(const data_table *table, size_t row, size_t column);
static inline size_t data_table_width(const data_table *table, size_t row) {
    return table->start[row + 1] - table->start[row];
}
/* FORMAT with "path:line: column 'x' is 'y', expected ..." */
AFFECT_PRINTF(5, 6)
affect_status data_table_fail(affect_context *ctx, const data_table *table, size_t row,
                              size_t column, const char *expected, ...);

#endif
