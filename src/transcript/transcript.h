/* transcript: what was said and when, from the files people keep it in.
 *
 * In: SubRip (.srt), WebVTT, SubStation Alpha (.ass, .ssa), YouTube's SBV, lyrics (.lrc) and what
 * Whisper prints, TTML (.ttml, .dfxp), tables with start, end and text (.tsv, .csv; Audacity's
 * labels), Praat TextGrid (long and short form), ELAN EAF, JSON of recognisers (json.c names
 * them), as bytes of any encoding (data/encoding.h). Out: one list of cues in file order, with
 * valid UTF-8 text. A cue is an interval of a tier; it may carry words with times of their own.
 *
 * One bad element never voids the rest, and nothing is left out silently: what had to be is counted
 * with the first one's line and reason, and what was assumed about the file as a whole stands in
 * its notes. Times that the file does not hold (ELAN slots without a value, words between others)
 * are marked. */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include "track/track.h"

typedef enum transcript_format {
    TRANSCRIPT_UNKNOWN = 0,
    TRANSCRIPT_SRT,
    TRANSCRIPT_VTT,
    TRANSCRIPT_TEXTGRID,
    TRANSCRIPT_EAF,
    TRANSCRIPT_JSON,
    TRANSCRIPT_ASS,
    TRANSCRIPT_SBV,
    TRANSCRIPT_LRC,
    TRANSCRIPT_TTML,
    TRANSCRIPT_TABLE
} transcript_format;

typedef struct transcript_word {
    affect_time t0, t1; /* t0 <= t1 */
    const char *text;   /* may hold several words (a WebVTT piece between two inline times) */
    float confidence;   /* 0..1, NaN if the file holds none */
    bool interpolated;  /* its times are not in the file but were placed between its neighbours */
} transcript_word;

typedef struct transcript_cue {
    affect_time t0, t1;   /* t0 <= t1; equal for a TextGrid point */
    const char *text;     /* tags and escapes resolved, line ends as '\n', may be "" */
    const char *tier;     /* "" where the format has none */
    const char *speaker;  /* "" if unknown */
    const char *tags;     /* what a recogniser says of the cue ("HAPPY Speech"), blanks between */
    const char *language; /* of this cue, "" if the file does not say */
    float confidence;     /* 0..1, NaN if the file holds none */
    bool interpolated;    /* t0 or t1 is not in the file but was placed between its neighbours */
    bool is_point;
    bool is_child; /* of an EAF tier that refers to another tier */
    size_t first_word,
        word_count; /* into transcript.words; 0 words: the file holds no word times */
} transcript_cue;

/* Zero it before the first use. All strings live in the arena. */
typedef struct transcript {
    transcript_format format;
    const char *language; /* "" if the file does not say */
    size_t cue_count, cue_capacity;
    transcript_cue *cues;
    size_t word_count, word_capacity;
    transcript_word *words;
    size_t skipped;             /* cues and stray lines left out */
    size_t skipped_line;        /* where the first of them stands, from 1 (0: unknown) */
    const char *skipped_reason; /* why that one; "" while nothing is left out */
    bool malformed;             /* one of them could not be understood */
    size_t note_count, note_capacity;
    const char **notes; /* what was assumed about the file: its encoding, a time origin */
    base_arena arena;
} transcript;

enum { TRANSCRIPT_LIMIT = 64 << 20 }; /* bytes of a file */

/* What the bytes look like; the name's ending decides where the bytes do not (may be NULL). */
transcript_format transcript_detect(const char *name, const char *bytes, size_t length);

/* Reads a file ("-" = standard input). Errors: NOT_FOUND, FORMAT (with file and line: nothing in
 * the file could be read), LIMIT, MEMORY. On error *out is empty; else the caller calls transcript_destroy. */
AFFECT_MUST_USE affect_status transcript_read(affect_context *ctx, const char *path,
                                              transcript *out);
/* The same from memory. `name` stands in error texts. */
AFFECT_MUST_USE affect_status transcript_parse(affect_context *ctx, const char *name,
                                               transcript_format format, const char *bytes,
                                               size_t length, transcript *out);
void transcript_destroy(transcript *transcript); /* leaves it zeroed */

#endif
