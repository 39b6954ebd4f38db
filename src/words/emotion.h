/* words/emotion: the seam between a text and what it expresses. Behind it stand the lexicon, which
 * also says which words speak, and a trained network (labels and V/A/D). */
#ifndef WORDS_EMOTION_H
#define WORDS_EMOTION_H

#include "words/lexicon.h"
#include "words/network.h"

typedef struct words_emotion words_emotion;

/* `model` NULL = "words.lexicon". Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status words_emotion_load(affect_context *ctx, const char *model,
                                                 words_emotion **out);
void words_emotion_destroy(words_emotion *emotion);
const char *words_emotion_model(const words_emotion *emotion); /* its name */
const words_lexicon *words_emotion_lexicon(const words_emotion *emotion);

/* One utterance, given as its tokens, to V/A/D with standard deviations. Fills the tokens' out
 * fields. A NULL emotion gives roles only and a result that is not scored. */
void words_emotion_tokens(const words_emotion *emotion, lexical_token *tokens, size_t count,
                          words_affect *out);
/* Adds to what the lexicon says what the network read: the estimates are combined in the share that
 * was fitted on EmoBank dev. Either may be unscored. */
void words_emotion_combine(words_affect *affect, const words_reading *reading);
/* The same from UTF-8 text. Errors: MEMORY. */
AFFECT_MUST_USE affect_status words_emotion_text(affect_context *ctx, const words_emotion *emotion,
                                                 const char *text, words_affect *out);

#endif
