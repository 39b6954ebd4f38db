/* annotate: from traces of raters to one gold standard (affect/gold.h), and the files that traces come in. */
#ifndef ANNOTATE_H
#define ANNOTATE_H

#include <jansson.h>

#include "affect/gold.h"
#include "base/base.h"
#include "data/annotation.h"

/* ---- files of annotation programs (docs/annotate.md) ---- */

/* X(symbol, word, file's ending, holds traces, holds intervals). The word names it for --format. */
#define ANNOTATE_FORMAT_TABLE(X)                                                                   \
    X(CSV, "csv", ".csv", true, true)                                                              \
    X(JSON, "json", ".json", true, true)                                                           \
    X(NPZ, "npz", ".npz", true, false)                                                             \
    X(CARMA, "carma", ".csv", true, false)                                                         \
    X(DARMA, "darma", ".csv", true, false)                                                         \
    X(PAGAN, "pagan", ".csv", true, false)                                                         \
    X(MUSE, "muse", ".csv", true, false)                                                           \
    X(NOVA, "nova", ".annotation", true, true)                                                     \
    X(NOVA_BINARY, "nova-binary", ".annotation", true, true)                                       \
    X(EAF, "eaf", ".eaf", false, true)                                                             \
    X(TEXTGRID, "textgrid", ".TextGrid", false, true)
#define ANNOTATE_FORMAT_WORDS "csv|json|npz|carma|darma|pagan|muse|nova|nova-binary|eaf|textgrid"

/* Reads any of them; also ELAN, Praat, other transcripts and the tiers of our timelines (intervals), and any other table with a column of times in
 * seconds (named "time", "Time(sec)", "timestamp" or "t"; else the first) and a trace a column of numbers: a table with one
 * gives it the file's name, one with several their columns' names. What had to be left out is said in a log line.
 * *out is the caller's to destroy. Errors: NOT_FOUND, FORMAT, LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status annotate_read_file(affect_context *ctx, const char *path,
                                                 data_annotation *out);

/* The same, added to what is there (whose arena was begun). */
AFFECT_MUST_USE affect_status annotate_add_file(affect_context *ctx, const char *path,
                                                data_annotation *out);

/* Which of what was read, NULL: all; and on which grid. */
typedef struct annotate_choice {
    const char *recording, *dimension, *rater; /* dimension: of an interval its tier */
    double
        step_s; /* 0: as they are; else traces from their common begin to end, linear between samples that are near */
} annotate_choice;
/* Errors: NOT_FOUND (nothing is left; says what there is), LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status annotate_choose(affect_context *ctx, data_annotation *annotation,
                                              const annotate_choice *choice);
/* Writes `path` (NOVA: and path~). Programs that hold one trace a file (two with the same times: DARMA) refuse more. What
 * a format has no place for is said in a log line. Errors: USAGE (unknown word), UNSUPPORTED (nothing in it fits, or too
 * much), OUTPUT, MEMORY. */
AFFECT_MUST_USE affect_status annotate_export(affect_context *ctx,
                                              const data_annotation *annotation, const char *format,
                                              const char *path);

/* Appends the JSON form. Errors: MEMORY. */
AFFECT_MUST_USE affect_status annotate_append_json(affect_context *ctx,
                                                   const data_annotation *annotation,
                                                   base_text *out);

/* Reads files, chooses, writes. Errors: those of the three. */
AFFECT_MUST_USE affect_status annotate_convert(affect_context *ctx, const char *const *paths,
                                               size_t count, const annotate_choice *choice,
                                               const char *format, const char *output);

/* ---- traces for a gold standard ---- */

typedef struct annotate_traces {
    affect_gold_trace *items;
    size_t count, capacity;
} annotate_traces;

/* Adds the traces of a file, relative ones normalised (data/annotation.h, said in a log line). Traces of several recordings
 * or dimensions are refused where the choice names none. Errors: as annotate_read_file, USAGE. */
AFFECT_MUST_USE affect_status annotate_traces_read(affect_context *ctx, const char *path,
                                                   const annotate_choice *choice,
                                                   annotate_traces *out);
void annotate_traces_destroy(annotate_traces *traces);

/* Triplet comparisons: columns ref_start, ref_end, a_start, a_end, b_start, b_end (seconds) and closer_to_ref (A or B).
 * *out is the caller's (base_free). */
AFFECT_MUST_USE affect_status annotate_comparisons_read(affect_context *ctx, const char *path,
                                                        affect_gold_comparison **out,
                                                        size_t *count);

/* Reaction times: columns rater, lag_s and, if known, sd_s. *out and its names are one allocation, the caller's (base_free).
 * Errors: NOT_FOUND, FORMAT, MEMORY. */
AFFECT_MUST_USE affect_status annotate_reactions_read(affect_context *ctx, const char *path,
                                                      affect_gold_reaction **out, size_t *count);

/* Agreement before and after lags as a table for people, or as JSON ("before", "after", "lag_s"), NULL on no memory. */
void annotate_print_agreement(FILE *out, const affect_gold_agreement *before,
                              const affect_gold_agreement *after, size_t raters);
json_t *annotate_agreement_json(const affect_gold_agreement *before,
                                const affect_gold_agreement *after, const affect_gold_trace *traces,
                                const double *lags_s, size_t raters);

/* The method of a word of --method; LATENT of others, and of NULL. */
affect_gold_method annotate_method(const char *word);

/* time,value,sd under that header; missing values are empty cells. Who closes `out` finds what was lost. Errors of
 * the others: OUTPUT, MEMORY. */
void annotate_print_gold(FILE *out, const affect_gold *gold);
AFFECT_MUST_USE affect_status annotate_write_gold(affect_context *ctx, const char *path,
                                                  const affect_gold *gold);
/* The result and its raters as JSON ("method", "raters" and, with `rows`, "gold": [time, value, sd]), NULL on no memory; a
 * number or null; and the raters as a table for people. */
json_t *annotate_gold_json(const affect_gold *gold, const char *method, bool rows);
json_t *annotate_json_real(double x);
void annotate_print_raters(FILE *out, const affect_gold *gold, const char *method);
/* A row a rater: his name, then lag, gain, offset, noise and weight with their errors. */
AFFECT_MUST_USE affect_status annotate_write_raters(affect_context *ctx, const char *path,
                                                    const affect_gold *gold);

#endif
