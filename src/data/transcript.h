/* data/transcript: what was said and when, from the files people keep it in.
 *
 * In: SubRip (.srt), WebVTT, Praat TextGrid (long and short form), ELAN EAF, JSON transcripts
 * (Whisper, whisper.cpp, Vosk, Affect's own timeline, a list of {start, end, text}), as bytes of
 * any of UTF-8, UTF-16 with or without a byte-order mark, or Windows-1252. Out: one list of cues in
 * file order, with valid UTF-8 text. A cue is an interval of a tier; it may carry words with times
 * of their own.
 *
 * Nothing is guessed silently: what had to be left out is counted with its first line, and times
 * that the file does not hold (ELAN slots without a value) are marked. */
#ifndef DATA_TRANSCRIPT_H
#define DATA_TRANSCRIPT_H

#include "track/track.h"

typedef enum transcript_format {
    TRANSCRIPT_UNKNOWN = 0,
    TRANSCRIPT_SRT,
    TRANSCRIPT_VTT,
    TRANSCRIPT_TEXTGRID,
    TRANSCRIPT_EAF,
    TRANSCRIPT_JSON
} transcript_format;

const char *transcript_format_name(transcript_format format); /* "SubRip", "WebVTT", ... */

typedef struct transcript_word {
    affect_time t0, t1; /* t0 <= t1 */
    const char *text;   /* may hold several words (a WebVTT piece between two inline times) */
    float confidence;   /* 0..1, NaN if the file holds none */
} transcript_word;

typedef struct transcript_cue {
    affect_time t0, t1;  /* t0 <= t1; equal for a TextGrid point */
    const char *text;    /* tags and escapes resolved, line ends as '\n', may be "" */
    const char *tier;    /* "" where the format has none */
    const char *speaker; /* "" if unknown */
    float confidence;    /* 0..1, NaN if the file holds none */
    bool interpolated;   /* t0 or t1 is not in the file but was placed between its neighbours */
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
    size_t skipped;      /* cues left out: end before start, or no number */
    size_t skipped_line; /* where the first of them stands, from 1 (0: unknown) */
    base_arena arena;
} transcript;

enum { TRANSCRIPT_LIMIT = 64 << 20 }; /* bytes of a file */

/* What the bytes look like; the name's ending decides where the bytes do not (may be NULL). */
transcript_format transcript_detect(const char *name, const char *bytes, size_t length);

/* Reads a file ("-" = standard input). Errors: NOT_FOUND, FORMAT (with file and line), LIMIT,
 * MEMORY. On error *out is empty; else the caller calls transcript_destroy. */
AFFECT_MUST_USE affect_status transcript_read(affect_context *ctx, const char *path,
                                              transcript *out);
/* The same from memory. `name` stands in error texts. */
AFFECT_MUST_USE affect_status transcript_parse(affect_context *ctx, const char *name,
                                               transcript_format format, const char *bytes,
                                               size_t length, transcript *out);
void transcript_destroy(transcript *transcript); /* leaves it zeroed */

/* The bytes as UTF-8 in new memory (base_free), without byte-order mark and with a NUL behind: a
 * mark decides; else UTF-16 shows by its zero bytes; else valid UTF-8 is taken as it is, and
 * anything else is read as Windows-1252. NULL on no memory. */
AFFECT_MUST_USE char *transcript_to_utf8(const char *bytes, size_t length, size_t *out_length);

#endif
