/* What people said of a recording, as annotation programs write it down. In: files of CARMA, DARMA, PAGAN, NOVA, the
 * MuSe challenges, and our own tables, JSON and npz. Out: traces (a value at times) and marks (labels of intervals), with
 * who said so. ELAN and Praat are transcripts (transcript/transcript.h); annotate/annotate.h has all of them in one
 * table, and the writers. docs/annotate.md describes every layout.
 *
 * Times are seconds from the begin of the recording. A program that gives means of bins (CARMA, DARMA) writes the end
 * of each bin; here a value stands at the middle of its bin. */
#ifndef DATA_ANNOTATION_H
#define DATA_ANNOTATION_H

#include "data/npy.h"
#include "data/table.h"

/* A value at times that never decrease. Texts are "" where the file does not say. */
typedef struct data_trace {
    const char *recording, *dimension, *rater;
    double low, high; /* of the scale; NAN: unknown */
    bool
        relative; /* a value means something beside the trace's own others alone (PAGAN, RankTrace) */
    double bin_s; /* values are means of bins of that length; 0: they are not */
    size_t rows;
    double *times_s, *values; /* values: NAN = nothing said */
    float *confidence;        /* 0..1, or NULL: the file holds none */
} data_trace;

typedef struct data_mark {
    const char *recording, *tier, *rater, *label;
    double t0_s, t1_s; /* t0 <= t1 */
    double confidence; /* 0..1, NAN: none */
    const char *
        made; /* by whom, where not by the rater alone: "accepted", "corrected from ..." (a model's suggestion); "" or NULL */
} data_mark;

typedef struct data_annotation {
    const char *format; /* "carma", "darma", "pagan", "nova", "muse", "csv", "json", "npz" */
    size_t trace_count, trace_capacity;
    data_trace *traces;
    size_t mark_count, mark_capacity;
    data_mark *marks;
    size_t left_out;  /* rows without a time, closing rows of PAGAN, bad lines of NOVA */
    base_arena arena; /* texts, times, values */
} data_annotation;

/* Is the file one of these? Then it is read: *known is true and *out is the caller's to destroy. Otherwise OK with *known
 * false and *out empty. Of a NOVA annotation either file may be named. Errors: NOT_FOUND (also of the other file of
 * NOVA), FORMAT (file and line), LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status data_annotation_open(affect_context *ctx, const char *path,
                                                   data_annotation *out, bool *known);
/* The same from a table that was read with `ragged`. */
AFFECT_MUST_USE affect_status data_annotation_take(affect_context *ctx, const data_table *table,
                                                   data_annotation *out, bool *known);
/* NOVA from memory: the header (XML) and the values. */
AFFECT_MUST_USE affect_status data_annotation_parse_nova(affect_context *ctx, const char *name,
                                                         const char *header, size_t header_length,
                                                         const char *values, size_t values_length,
                                                         data_annotation *out);
/* affect-annotation/1 from memory; *known is false where it is other JSON. */
AFFECT_MUST_USE affect_status data_annotation_parse_json(affect_context *ctx, const char *name,
                                                         const char *text, size_t length,
                                                         data_annotation *out, bool *known);
/* The traces, or where there are none the marks, as a table: time and a column a trace where all have the same times,
 * else recording, rater, dimension, time, value; recording, tier, rater, start, end, label, confidence. */
AFFECT_MUST_USE affect_status data_annotation_table(affect_context *ctx, const char *name,
                                                    const data_annotation *annotation,
                                                    data_table **out);
/* Relative traces each from 0 (its lowest value) to 1 (its highest), as their makers compare them (Melhart et al. 2019); one
 * that never moves becomes 0. Returns how many there were. */
size_t data_annotation_normalise(data_annotation *annotation);
void data_annotation_destroy(data_annotation *annotation); /* leaves it zeroed */

/* For makers: a trace with room for `rows` (zeroed; count what you fill), a mark. Texts are copied. Errors: MEMORY, LIMIT. */
AFFECT_MUST_USE affect_status data_annotation_add_trace(affect_context *ctx, data_annotation *out,
                                                        const data_trace *like, size_t rows,
                                                        data_trace **added);
AFFECT_MUST_USE affect_status data_annotation_add_mark(affect_context *ctx, data_annotation *out,
                                                       const data_mark *mark);

#endif
