/* Shared by the readers behind transcript/transcript.h. */
#ifndef TRANSCRIPT_PRIVATE_H
#define TRANSCRIPT_PRIVATE_H

#include "transcript/transcript.h"

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
/* One element is left out and the rest goes on; the first one's line (0: none) and reason are kept.
 */
AFFECT_PRINTF(3, 4) void transcript_skip(transcript *t, size_t line, const char *format, ...);
/* The same for what could not be understood: a file that holds nothing else is an error. */
AFFECT_PRINTF(3, 4) void transcript_malformed(transcript *t, size_t line, const char *format, ...);
/* Something that the user must hear of the file as a whole. Errors: MEMORY. */
AFFECT_PRINTF(3, 4)
AFFECT_MUST_USE affect_status transcript_note(affect_context *ctx, transcript *t,
                                              const char *format, ...);

/* clock.c: [h:]m:s[.,:]fff at s[*at], moved behind it; a minus is allowed. `most` is the largest
 * number of seconds and of minutes behind hours. */
bool transcript_clock(const char *s, size_t n, size_t *at, int64_t most, affect_time *out);

/* marks.c, after any reader: captions that repeat what rolled up, tags of recognisers, marks of
 * who speaks. */
AFFECT_MUST_USE affect_status transcript_unroll(affect_context *ctx, transcript *t);
AFFECT_MUST_USE affect_status transcript_take_marks(affect_context *ctx, transcript *t);

/* Seconds as decimal text ("12.5", "1e2"), exact to the nanosecond for plain decimals. False if it
 * is not a finite number or does not fit. */
bool transcript_seconds(const char *text, size_t length, affect_time *out);

affect_status transcript_parse_srt(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t);
affect_status transcript_parse_vtt(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t);
affect_status transcript_parse_textgrid(affect_context *ctx, const char *name, const char *text,
                                        size_t length, transcript *t);
affect_status transcript_parse_eaf(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t);
affect_status transcript_parse_ass(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t);
affect_status transcript_parse_sbv(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t);
bool transcript_is_sbv(const char *line, size_t length); /* one of its timing lines */
affect_status transcript_parse_lrc(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t);
bool transcript_is_lrc(const char *line, size_t length); /* begins with such a time */
bool transcript_is_table(const char *name, const char *text, size_t length);
affect_status transcript_parse_ttml(affect_context *ctx, const char *name, const char *text,
                                    size_t length, transcript *t);
affect_status transcript_parse_table(affect_context *ctx, const char *name, const char *text,
                                     size_t length, transcript *t);
affect_status transcript_parse_json(affect_context *ctx, const char *name, const char *text,
                                    size_t length, transcript *t);

#endif
