/* words/judge: was the speech understood, or did the recogniser find English words in something
 * else?
 *
 * In: utterances with word confidences, in order of time. Out: the same utterances, each with its
 * verdict, to the emitter; a timeline warning for each stretch that was not understood. The rule
 * and its measured errors are in docs/words.md. */
#ifndef WORDS_JUDGE_H
#define WORDS_JUDGE_H

#include "words/words_private.h"

enum {
    JUDGE_HOLD_WORDS = 12, /* the first verdict waits for this many words ... */
    JUDGE_HOLD_S = 15,     /* ... or this long */
    JUDGE_WINDOW_S = 60,   /* how far back other utterances count */
    JUDGE_WINDOW_WORDS = 40
};

typedef struct words_judge words_judge;

/* The log odds of a word's confidence, kept finite. */
double words_judge_word(float confidence);
/* Whether words with the given sum of log odds are believed, beside others of the same stretch. */
bool words_judge_decide(double own_sum, size_t own_count, double other_sum, double other_count,
                        double threshold);

AFFECT_MUST_USE affect_status words_judge_create(affect_context *ctx, affect_timeline *timeline,
                                                 words_emitter *emitter, words_judge **out);
/* Takes a copy; what is decided by it goes to the emitter. */
AFFECT_MUST_USE affect_status words_judge_add(words_judge *judge, const words_utterance *utterance);
/* The audio has reached `now`: decides what has waited long enough. */
AFFECT_MUST_USE affect_status words_judge_advance(words_judge *judge, affect_time now);
AFFECT_MUST_USE affect_status words_judge_finish(words_judge *judge);
void words_judge_destroy(words_judge *judge);

#endif
