/* One stretch of speech in numbers, by several front ends: eGeMAPS functionals, moments of the
 * speech embedding's rows, moments of a log-mel spectrogram. In: samples. Out: a row of fixed width.
 * The stretch is first brought to one level, so that how loud it was recorded does not matter; the
 * level itself is the row's last number, for whoever knows what is usual for the voice. */
#ifndef VOICE_SUMMARY_H
#define VOICE_SUMMARY_H

#include "voice/egemaps.h"
#include "voice/embedding.h"

enum {
    VOICE_SUMMARY_RATE = 16000,
    VOICE_SUMMARY_BANDS = 40,
    VOICE_SUMMARY_EMBEDDING = VOICE_EGEMAPS_FUNCTIONALS, /* mean, deviation */
    VOICE_SUMMARY_MEL = VOICE_SUMMARY_EMBEDDING + 2 * VOICE_EMBEDDING_WIDTH,
    VOICE_SUMMARY_LEVEL = VOICE_SUMMARY_MEL + 3 * VOICE_SUMMARY_BANDS,
    VOICE_SUMMARY_WIDTH = VOICE_SUMMARY_LEVEL + 1
};

typedef struct voice_summary voice_summary;

/* Errors: MODEL (the embedding's), MEMORY. */
AFFECT_MUST_USE affect_status voice_summary_create(affect_context *ctx, voice_summary **out);
void voice_summary_destroy(voice_summary *summary);
/* NaN where the stretch is too short or silent. One call at a time on an object. Errors: FORMAT for
 * a sample that is not finite, MEMORY. */
AFFECT_MUST_USE affect_status voice_summary_describe(voice_summary *summary, const float *samples,
                                                     size_t count, float out[VOICE_SUMMARY_WIDTH]);

/* A number against what is usual of one voice, in its deviations: the sum and the sum of squares of
 * what was heard of it so far, `weight` clips' worth with this one, and as if VOICE_BORROWED clips
 * of the training's voices (mean, deviation) had been heard besides. So a voice known by little, or
 * by one mood only, stands near all voices. */
float voice_against(float x, float mean, float deviation, double weight, double sum, double square);
enum { VOICE_BORROWED = 4 };

#endif
