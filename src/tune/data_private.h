/* What the files that make clips share. */
#ifndef TUNE_DATA_PRIVATE_H
#define TUNE_DATA_PRIVATE_H

#include "base/base.h"
#include "tune/tune.h"

/* ---- data_labels.c: what people said of recordings ---- */

enum {
    TUNE_RECORDING,
    TUNE_LABEL, /* one emotion */
    TUNE_WORDS, /* several, as "glad, calm"; in files also "['glad', 'calm']" or with semicolons */
    TUNE_DESCRIPTION, /* prose */
    TUNE_PARTICIPANT, /* must be in one part alone */
    TUNE_SPLIT,
    TUNE_PERSON, /* of the timeline */
    TUNE_START,
    TUNE_END,
    TUNE_FIELDS
};

typedef struct tune_row {
    const char *text[TUNE_FIELDS]; /* "" where there is none */
    const char *file;
    size_t line;       /* or the number of the entry */
    const char *split; /* "train", "valid" or what the table says */
    int person;        /* AFFECT_PERSON_NONE: not said */
    double t0, t1;     /* NaN: the whole recording */
    bool used;
} tune_row;

typedef struct tune_rows {
    affect_context *ctx;
    base_arena arena;
    tune_row *items; /* in the order of the files */
    size_t count, capacity, bad;
} tune_rows;

/* Tables (CSV, TSV, what data_frame_open reads) and JSON in the form of MERR (an object of samples by name) or as a list; a row that
 * cannot be used is a warning. Errors: NOT_FOUND, FORMAT (no column for the recording), LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status tune_rows_read(tune_rows *rows, const char *path);
/* The same from memory, of JSON where `json`. */
AFFECT_MUST_USE affect_status tune_rows_parse(tune_rows *rows, const char *name, const char *text,
                                              size_t length, bool json);
/* Gives every row its part: what the table says; else "test" to participants whose name contains `hold_out` (NULL: none) and
 * "valid" to one in `every` of the others. Errors: FORMAT (a participant in two parts), MEMORY. */
AFFECT_MUST_USE affect_status tune_rows_deal(tune_rows *rows, size_t every, const char *hold_out);
void tune_rows_clear(tune_rows *rows);
/* The name of a recording in a path: without folders and ending. *length of it. */
const char *tune_name_in(const char *path, size_t *length);
/* A warning, of which the first twenty are logged. */
AFFECT_PRINTF(3, 4)
void tune_warn(affect_context *ctx, size_t *count, const char *format, ...);

/* ---- data_find.c: timelines ---- */

typedef struct tune_paths {
    char **items; /* in order */
    size_t count, capacity;
} tune_paths;

/* Files as they are named; of folders timeline.json, or all that are called so below, or else the JSON files in it. Errors:
 * NOT_FOUND, MEMORY. */
AFFECT_MUST_USE affect_status tune_paths_find(affect_context *ctx, const char *const *operands,
                                              size_t count, tune_paths *out);
void tune_paths_clear(tune_paths *paths);

#endif
