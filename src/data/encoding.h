/* data/encoding: the bytes of a text file as UTF-8, whatever it was written in.
 *
 * A byte-order mark decides. Without one: UTF-16 shows by its zero bytes; valid UTF-8 is taken as
 * it is; text of which nine tenths are UTF-8 is UTF-8 with damage; anything else is what Mozilla's
 * detector (libuchardet) finds in it, and Windows-1252 where it finds nothing. A guess is a guess:
 * readers say what a file was read as. */
#ifndef DATA_ENCODING_H
#define DATA_ENCODING_H

#include "base/base.h"

typedef struct data_text {
    char *bytes; /* valid UTF-8, no mark, a NUL behind (and none within unless the file has it) */
    size_t length;
    char encoding[32]; /* "UTF-8", "UTF-16LE", "WINDOWS-1251", "GB18030", ... */
    bool guessed;      /* by what the bytes look like; worth saying */
    size_t replaced;   /* bytes or units that meant nothing: U+FFFD stands for each */
} data_text;

/* *out is the caller's to destroy, and empty after an error. Errors: MEMORY. */
AFFECT_MUST_USE affect_status data_text_decode(affect_context *ctx, const char *bytes,
                                               size_t length, data_text *out);
/* The same where the file itself names its encoding (an XML declaration). A name that nobody knows
 * counts as none. */
AFFECT_MUST_USE affect_status data_text_decode_as(affect_context *ctx, const char *encoding,
                                                  const char *bytes, size_t length, data_text *out);
/* "it is not UTF-8: read as GB18030 (a guess)", or "" when there is nothing to say. */
void data_text_remark(const data_text *text, char *out, size_t size);
void data_text_destroy(data_text *text); /* leaves it zeroed */

#endif
