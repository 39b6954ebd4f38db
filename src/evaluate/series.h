/* Tables of values or events with times, and warping one to another. In: CSV with a column time (or
 * apex). Out: rows in order of time. */
#ifndef EVALUATE_SERIES_H
#define EVALUATE_SERIES_H

#include "affect/align.h"
#include "data/table.h"

enum { EVALUATE_SERIES_DIGITS = 9 }; /* of a number: a millisecond after eleven days */

typedef struct evaluate_series {
    const char *name;
    double *times, *values; /* values: rows x channels */
    size_t rows, channels;
    char **names; /* of the channels; borrowed from the table */
    data_table *table;
    affect_align_event *events;
} evaluate_series;

/* Rows without a time are left out; of `columns` (several with commas, NULL: all) those that hold
 * numbers, or with `events` strength, sd, valence and arousal. Errors: those of data_table_open,
 * FORMAT, MEMORY. Destroy it either way. */
AFFECT_MUST_USE affect_status evaluate_series_read(affect_context *ctx, const char *path,
                                                   const char *columns, bool events,
                                                   evaluate_series *in);
void evaluate_series_destroy(evaluate_series *in); /* of a zeroed one too */
/* Writes rows x columns numbers under a header. Errors: OUTPUT. */
AFFECT_MUST_USE affect_status evaluate_series_write(affect_context *ctx, const char *path,
                                                    const char *header, const double *rows,
                                                    size_t count, size_t columns);
/* Writes the times of both along the warping path: dynamic time warping of one channel each,
 * canonical time warping of several. Rows with a missing value take no part (and are gone after). */
AFFECT_MUST_USE affect_status evaluate_series_warp(affect_context *ctx, evaluate_series *a,
                                                   evaluate_series *b, double band,
                                                   const char *file);

#endif
