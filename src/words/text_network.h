/* What a trained network reads in an utterance: the shares of its labels (several may hold at once)
 * and, where it has them, valence, arousal and dominance. In: UTF-8. Tokens and units are the
 * trainer's (words/units.h). */
#ifndef WORDS_TEXT_NETWORK_H
#define WORDS_TEXT_NETWORK_H

#include "words/lexicon.h"

enum { WORDS_NETWORK_LABELS = 64 };

typedef struct words_network words_network;

typedef struct words_reading {
    float posteriors[WORDS_NETWORK_LABELS]; /* of words_network_labels, each 0..1 */
    bool denied[WORDS_NETWORK_LABELS];      /* words_estimator_deny: the text denies it */
    float value[3], sd[3]; /* valence, arousal, dominance; NaN = the network does not say */
    float in_distribution; /* 0..1: how far this is of the kind the network was trained on */
    float coverage;        /* share of the tokens that are words of its vocabulary */
    bool common;           /* all are words that it met early and often (words_units_common) */
    bool scored;           /* enough of them are */
} words_reading;

/* Errors: MODEL (no text network, labels or vocabulary that do not fit), MEMORY. */
AFFECT_MUST_USE affect_status words_network_create(affect_context *ctx, const char *model,
                                                   words_network **out);
void words_network_destroy(words_network *network);
const char *words_network_model(const words_network *network);
const char *const *words_network_labels(const words_network *network, size_t *count);
/* The card's threshold above which a label holds. */
float words_network_threshold(const words_network *network);
bool words_network_has_values(const words_network *network);
/* Text without any word gives a reading that is not scored. Errors: MEMORY. */
AFFECT_MUST_USE affect_status words_network_read(affect_context *ctx, words_network *network,
                                                 const char *text, words_reading *out);

#endif
