/* words/tokens: a text cut at blanks, without the punctuation around each word. */
#ifndef WORDS_TOKENS_H
#define WORDS_TOKENS_H

#include "base/base.h"

typedef struct words_token {
    size_t start, end; /* bytes of the text; equal for punctuation on its own */
    size_t weight;     /* letters and digits in it */
    bool described;    /* inside brackets: a sound or a remark, not speech */
    int depth;         /* of brackets left open; carried to the next call */
} words_token;

/* The next token of text[*at, length); false at the end. Zero *out before the first call and hand
 * the same one in again. */
bool words_next_token(const char *text, size_t length, size_t *at, words_token *out);

#endif
