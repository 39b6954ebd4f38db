/* words/units: a text as a text network reads it. In: UTF-8. Out: tokens, and for each token its
 * units. Unit 0..words-1: known words; then `buckets` hashed character n-grams (Bojanowski et al.
 * 2017, arXiv 1607.04606), which spell words that are not known. Trainer and stage share it. */
#ifndef WORDS_UNITS_H
#define WORDS_UNITS_H

#include "words/lexicon.h"

/* A text is read up to this many tokens, a token up to this many units. */
enum { WORDS_UNITS_TOKENS = 64, WORDS_UNITS_PIECES = 24, WORDS_UNITS_TOKEN_SIZE = 48 };

typedef struct words_units words_units;
/* Errors: MODEL, NOT_FOUND, MEMORY. */
AFFECT_MUST_USE affect_status words_units_open(affect_context *ctx, const char *path,
                                               words_units **out);
AFFECT_MUST_USE affect_status words_units_save(affect_context *ctx, const words_units *words,
                                               const char *path);
void words_units_destroy(words_units *words);
size_t words_units_count(const words_units *words); /* words and buckets */
/* Next token of lower-cased text at *at (words, numbers as one token, punctuation, emoji); false at
 * the end. */
bool words_units_token(const char *text, size_t *at, char token[WORDS_UNITS_TOKEN_SIZE]);
/* Units of one token: its word, or (`spelled`, or not known) its pieces. At most `room`; returns
 * how many. */
size_t words_units_of(const words_units *words, const char *token, bool spelled, int32_t *out,
                      size_t room);
/* Share of the words of a text (numbers and signs aside) that are known, 0..1; 0 without words. */
float words_units_coverage(const words_units *words, const char *text);
/* Every word of a text (numbers and signs aside) is among the first tenth of the vocabulary, which lists words as they first
 * occur in its texts: a common word of theirs. False without words. */
bool words_units_common(const words_units *words, const char *text);
/* Makes a vocabulary of the words that occur at least `least` times in the texts. */
AFFECT_MUST_USE affect_status words_units_build(affect_context *ctx, const char *const *texts,
                                                size_t count, size_t least, size_t buckets,
                                                words_units **out);
/* Fills the first `width` columns of table[units x stride] from a wink-embeddings JSON: known words
 * take their vector, n-gram buckets the mean of the vectors of all words that contain them. *found:
 * words with a vector. */
AFFECT_MUST_USE affect_status words_units_vectors(affect_context *ctx, const words_units *words,
                                                  const char *path, float *table, size_t stride,
                                                  size_t width, size_t *found);
/* Fills columns first .. first + 3 with what the lexicon says of each word (polarity, weights on
 * valence, arousal, dominance), each brought to a root mean square of .4 over the words it knows; 0
 * for all other units. */
enum { WORDS_UNITS_LEXICON = 4 };
void words_units_lexicon(const words_units *words, const words_lexicon *lexicon, float *table,
                         size_t stride, size_t first);

/* What a text looks like rather than says: its length in tokens in three forms, the mean length of
 * its words, shares of capitals and of signs, and whether there are exclamation, question and
 * quotation marks and numbers. */
enum { WORDS_UNITS_SURFACE = 10 };
void words_units_surface(const char *text, float out[WORDS_UNITS_SURFACE]);

#endif
