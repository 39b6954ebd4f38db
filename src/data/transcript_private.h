/* Shared by the readers behind data/transcript.h. */
#ifndef DATA_TRANSCRIPT_PRIVATE_H
#define DATA_TRANSCRIPT_PRIVATE_H

#include "data/transcript.h"

/* Lines of a NUL-terminated text: \n, \r\n and \r end a line. */
typedef struct transcript_lines {
    const char *text;
    size_t length, at;
    const char *line; /* the current one, without its end */
    size_t line_length, number;
} transcript_lines;

bool transcript_next_line(transcript_lines *lines); /* false at the end */

/* Copies of text in the arena; NULL on no memory. */
char *transcript_copy(transcript *t, const char *text, size_t length);

/* Appends a cue (tier, speaker and text must live in the arena or be static; NULL becomes "").
 * Errors: MEMORY. */
AFFECT_MUST_USE affect_status transcript_add_cue(affect_context *ctx, transcript *t,
                                                 const transcript_cue *cue);
/* Appends a word to the last cue. */
AFFECT_MUST_USE affect_status transcript_add_word(affect_context *ctx, transcript *t,
                                                  const transcript_word *word);
void transcript_skip(transcript *t, size_t line);

/* Seconds as decimal text ("12.5", "1e2"), exact to the nanosecond for plain decimals. False if it
 * is not a finite number or does not fit. */
bool transcript_seconds(const char *text, size_t length, affect_time *out);

affect_status transcript_parse_srt(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t);
affect_status transcript_parse_vtt(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t);
affect_status transcript_parse_textgrid(affect_context *ctx, const char *name, const char *text,
                                        size_t length, transcript *t);
/* The raw bytes: XML declares its own encoding. */
affect_status transcript_parse_eaf(affect_context *ctx, const char *name, const char *bytes,
                                   size_t length, transcript *t);
affect_status transcript_parse_json(affect_context *ctx, const char *name, const char *text,
                                    size_t length, transcript *t);

#endif
