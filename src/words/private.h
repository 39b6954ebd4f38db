/* Private to words/. */
#ifndef WORDS_PRIVATE_H
#define WORDS_PRIVATE_H

#include "words/words.h"

/* ---- vosk.c: the recogniser behind a C interface of ours ---- */

typedef struct words_vosk words_vosk;

typedef struct vosk_word {
    char *text;
    double t0_s, t1_s; /* in the audio fed since words_vosk_restart */
    float confidence;  /* 0..1 */
} vosk_word;

typedef struct vosk_result {
    size_t count, capacity;
    vosk_word *items;
    size_t speaker_count, speaker_capacity;
    float *speaker;   /* x-vector of the utterance; speaker_count is 0 without a speaker model */
    double speaker_s; /* seconds of speech behind it */
} vosk_result;

/* Errors: MODEL, RUNTIME, MEMORY. */
AFFECT_MUST_USE affect_status words_vosk_open(affect_context *ctx, const char *model, int rate_hz,
                                              words_vosk **out);
/* Adds speaker vectors to the results. Errors: MODEL. */
AFFECT_MUST_USE affect_status words_vosk_speakers(words_vosk *vosk, const char *model);
const char *words_vosk_language(const words_vosk *vosk); /* of the model: "en" */
/* A new recogniser: word times count from here. Errors: RUNTIME. */
AFFECT_MUST_USE affect_status words_vosk_restart(words_vosk *vosk);
/* Samples in -1..1. *ended: an utterance is over, take its result. Errors: RUNTIME. */
AFFECT_MUST_USE affect_status words_vosk_feed(words_vosk *vosk, const float *samples, size_t count,
                                              bool *ended);
/* Words of the utterance that is over, or with `last` of whatever was fed; *out is replaced. */
AFFECT_MUST_USE affect_status words_vosk_take(words_vosk *vosk, bool last, vosk_result *out);
void vosk_result_clear(vosk_result *result); /* frees the words, keeps the array */
void vosk_result_destroy(vosk_result *result);
void words_vosk_close(words_vosk *vosk);

/* ---- emit.c: an utterance with its words goes into the timeline ---- */

typedef struct words_item {
    affect_time t0, t1;
    const char *text;
    float confidence; /* NaN unknown */
    bool described;   /* in brackets: a sound, not speech */
    bool interpolated;
} words_item;

typedef struct words_utterance {
    affect_time t0, t1;
    const char *text;    /* NULL = the words joined by blanks */
    const char *speaker; /* "" or NULL = unknown */
    float confidence;    /* NaN unknown */
    bool understood;
    bool foreign;      /* the file says that it is not English: carried through, not scored */
    bool interpolated; /* its own times are not in the file */
    size_t count;
    const words_item *items;
} words_utterance;

typedef struct words_emitter words_emitter;

/* Makes tiers and track; loads the lexicon if `affect` (a missing one is a warning). */
AFFECT_MUST_USE affect_status words_emitter_create(affect_context *ctx,
                                                   const words_options *options,
                                                   affect_timeline *timeline, words_emitter **out);
AFFECT_MUST_USE affect_status words_emit(words_emitter *emitter, const words_utterance *utterance);
void words_emitter_destroy(words_emitter *emitter);

#endif
