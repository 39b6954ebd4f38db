/* words/lexicon: what a text expresses by its words alone.
 *
 * In: tokens. Out: valence, arousal, dominance with standard deviations, and per token its polarity
 * after negation and intensifiers. The lexicon file (models/words.lexicon, made by tools/lexicon)
 * holds for each word a polarity and its weights on V, A, D; see docs/words.md. */
#ifndef WORDS_LEXICON_H
#define WORDS_LEXICON_H

#include "base/base.h"

typedef struct words_lexicon words_lexicon;

typedef struct words_lexicon_entry {
    const char *word; /* lower case */
    float polarity;   /* -1..1; 0 for words without one */
    float weight[3];  /* on valence, arousal, dominance */
} words_lexicon_entry;

/* A dimension is b0 + b1 P + b2 |P| + sum of weights / sqrt(n), P = sum of polarities / sqrt(n) */
typedef struct words_lexicon_fit {
    float b[3];
    float sd; /* of the error, held out */
} words_lexicon_fit;

typedef enum words_lexicon_role {
    LEXICAL_PLAIN = 0,
    LEXICAL_NEGATION = 1,
    LEXICAL_INTENSIFIER = 2, /* raises or lowers */
    LEXICAL_SWEARING = 4,
    LEXICAL_LAUGHTER = 8
} words_lexicon_role;

typedef struct words_lexicon_token {
    /* in */
    const char *text; /* one word without punctuation, UTF-8 */
    bool described;   /* in brackets: a sound, not speech ("[laughter]") */
    /* out */
    char word[40];                    /* lower case, apostrophes as ' ; "" if it is not Latin */
    const words_lexicon_entry *entry; /* NULL: unknown */
    unsigned roles;                   /* words_lexicon_role bits */
    bool negated, bearing;            /* bearing: a negation or intensifier that changes a word */
    float polarity;                   /* after negation and intensifiers; 0 for unknown words */
} words_lexicon_token;

typedef struct words_affect {
    float value[3]; /* valence, arousal, dominance in -1..1; NaN if not scored */
    float sd[3];
    float coverage; /* share of the words that the lexicon knows */
    bool scored;
} words_affect;

/* Parses the file's text. Errors: MODEL (with line), MEMORY. */
AFFECT_MUST_USE affect_status words_lexicon_parse(affect_context *ctx, const char *name,
                                                  const char *text, size_t length,
                                                  words_lexicon **out);
/* Finds the model by name or folder (NULL = "words.lexicon"). Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status words_lexicon_load(affect_context *ctx, const char *model,
                                                 words_lexicon **out);
void words_lexicon_destroy(words_lexicon *lexicon);
const words_lexicon_entry *words_lexicon_find(const words_lexicon *lexicon, const char *word);

/* Fills the out fields of the tokens of one utterance. A NULL lexicon gives roles only. */
void words_lexicon_read(const words_lexicon *lexicon, words_lexicon_token *tokens, size_t count);
/* P of the formula above, from read tokens. */
double words_lexicon_polarity(const words_lexicon_token *tokens, size_t count);
/* V, A, D of read tokens. Not scored where fewer than LEXICAL_MIN_COVERAGE of the words are known:
 * then it is another language, or names. */
void words_lexicon_affect(const words_lexicon *lexicon, const words_lexicon_token *tokens,
                          size_t count, words_affect *out);

#endif
