/* words/estimator: the seam between a text and what it expresses. Behind it stand the lexicon,
 * which also says which words speak, and a trained network (labels and V/A/D). */
#ifndef WORDS_ESTIMATOR_H
#define WORDS_ESTIMATOR_H

#include "words/lexicon.h"
#include "words/text_network.h"

typedef struct words_estimator words_estimator;

/* `model` NULL = "words.lexicon". Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status words_estimator_load(affect_context *ctx, const char *model,
                                                   words_estimator **out);
void words_estimator_destroy(words_estimator *emotion);
const char *words_estimator_model(const words_estimator *emotion); /* its name */
const words_lexicon *words_estimator_lexicon(const words_estimator *emotion);

/* One utterance, given as its tokens, to V/A/D with standard deviations. Fills the tokens' out
 * fields. A NULL emotion gives roles only and a result that is not scored. */
void words_estimator_tokens(const words_estimator *emotion, words_lexicon_token *tokens,
                            size_t count, words_affect *out);
/* Adds to what the lexicon says what the network read: the estimates are combined in the share that
 * was fitted on EmoBank dev. Either may be unscored. */
void words_estimator_combine(words_affect *affect, const words_reading *reading);
/* Marks and halves the labels (and a valence) whose direction has only words that the text denies
 * ("I am not sad"), from tokens that words_estimator_tokens has read. The other half of a share goes
 * to "neutral" where there is such a label. */
void words_estimator_deny(const words_estimator *emotion, const words_network *network,
                          const words_lexicon_token *tokens, size_t count, words_reading *reading);
/* The same from UTF-8 text. Errors: MEMORY. */
AFFECT_MUST_USE affect_status words_estimator_text(affect_context *ctx,
                                                   const words_estimator *emotion, const char *text,
                                                   words_affect *out);

#endif
