/* Private to words/. */
#ifndef WORDS_PRIVATE_H
#define WORDS_PRIVATE_H

#include "words/words.h"

/* ---- heard.c: what was heard ---- */

typedef struct words_heard_word {
    char *text;
    double t0_s, t1_s; /* in the audio fed since the last words_recogniser_take with `last` */
    float confidence;  /* 0..1 */
} words_heard_word;

typedef struct words_heard {
    size_t count, capacity;
    words_heard_word *items;
    base_text text; /* the sentence with its punctuation; empty: the words joined by blanks */
    bool judged;  /* the recogniser itself left out what is no speech: words/judge.h is not asked */
    bool foreign; /* it heard another language than English */
    size_t speaker_count, speaker_capacity;
    float *speaker;   /* x-vector of the utterance; speaker_count is 0 without a speaker model */
    double speaker_s; /* seconds of speech behind it */
} words_heard;
void words_heard_clear(words_heard *heard); /* keeps the memory of the lists */
void words_heard_destroy(words_heard *heard);

/* ---- recogniser.c: speech becomes words, whoever recognises ---- */

typedef struct words_recogniser words_recogniser;

/* `model`: a card of Vosk or its name (NULL = "words.recognition.en"), or "whisper:FILE" with the file of
 * a Whisper model as whisper.cpp reads it. Errors: MODEL, RUNTIME, ARGUMENT, MEMORY. */
AFFECT_MUST_USE affect_status words_recogniser_open(affect_context *ctx, const char *model,
                                                    int rate_hz, words_recogniser **out);
/* Adds speaker vectors to the results. Errors: MODEL. */
AFFECT_MUST_USE affect_status words_recogniser_speakers(affect_context *ctx, words_recogniser *r,
                                                        const char *model);
/* Samples in -1..1. *ended: an utterance is over, take its result. Errors: RUNTIME. */
AFFECT_MUST_USE affect_status words_recogniser_feed(words_recogniser *r, const float *samples,
                                                    size_t count, bool *ended);
/* Words of the utterance that is over; *out is replaced. With `last` of whatever was fed: what comes then
 * is heard without regard to what came before, and word times count from there. */
AFFECT_MUST_USE affect_status words_recogniser_take(words_recogniser *r, bool last,
                                                    words_heard *out);
void words_recogniser_close(words_recogniser *r); /* NULL is fine */

/* ---- vosk.c, whisper.c: the two of them, with the contract above ---- */

typedef struct words_vosk words_vosk;
AFFECT_MUST_USE affect_status words_vosk_open(affect_context *ctx, const char *model, int rate_hz,
                                              words_vosk **out);
AFFECT_MUST_USE affect_status words_vosk_speakers(words_vosk *vosk, const char *model);
AFFECT_MUST_USE affect_status words_vosk_feed(words_vosk *vosk, const float *samples, size_t count,
                                              bool *ended);
AFFECT_MUST_USE affect_status words_vosk_take(words_vosk *vosk, bool last, words_heard *out);
void words_vosk_close(words_vosk *vosk);

typedef struct words_whisper words_whisper;
AFFECT_MUST_USE affect_status words_whisper_open(affect_context *ctx, const char *file, int rate_hz,
                                                 words_whisper **out);
AFFECT_MUST_USE affect_status words_whisper_feed(words_whisper *whisper, const float *samples,
                                                 size_t count, bool *ended);
AFFECT_MUST_USE affect_status words_whisper_take(words_whisper *whisper, bool last,
                                                 words_heard *out);
void words_whisper_close(words_whisper *whisper);

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
    const char *channel; /* "left", "right"; NULL = both. Not copied: a constant */
    const char *tags;    /* what a recogniser said of it, blanks between; "" or NULL = nothing */
    float confidence;    /* NaN unknown */
    bool understood;
    bool foreign;      /* the file says that it is not English: carried through, not scored */
    bool interpolated; /* its own times are not in the file */
    size_t count;
    const words_item *items;
} words_utterance;

typedef struct words_emitter words_emitter;

/* Makes tiers and track; loads the lexicon if options->affect (a missing one is a warning). */
AFFECT_MUST_USE affect_status words_emitter_create(affect_context *ctx,
                                                   const words_options *options,
                                                   affect_timeline *timeline, words_emitter **out);
AFFECT_MUST_USE affect_status words_emit(words_emitter *emitter, const words_utterance *utterance);
/* Utterances with words that were not scored since they are not taken for English, and where the
 * first of them begins. */
size_t words_emitter_unscored(const words_emitter *emitter, affect_time *first);
void words_emitter_destroy(words_emitter *emitter);

#endif
