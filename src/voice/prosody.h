/* How a stretch of speech sounds: valence and arousal with their error. In: descriptor frames. Out:
 * one estimate per window of speech.
 *
 * First form: ridge regression on how pitch, dynamics, spectral balance and voice quality behave
 * over 3 s; fitted on RAVDESS with speakers held out (tools/fit-voice, model voice.prosody).
 * Nothing in it depends on the gain of the recording. A trained network replaces it behind the same
 * three functions. */
#ifndef VOICE_PROSODY_H
#define VOICE_PROSODY_H

#include "track/track.h"
#include "voice/descriptors.h"

enum {
    VOICE_PROSODY_FEATURES = 26,
    VOICE_PROSODY_WINDOW = 300,
    VOICE_PROSODY_HOP = 50
}; /* frames */

/* Places of the two features that are of interest by themselves. */
enum { VOICE_PROSODY_VOICED_SHARE = 23, VOICE_PROSODY_SYLLABLE_RATE = 24 };

/* Names of the features, in order. */
extern const char *const voice_prosody_feature_names[VOICE_PROSODY_FEATURES];

/* Summary of `count` frames of 10 ms. False if fewer than 60 frames are speech or fewer than 25 are
 * voiced. `speech` (count entries) tells which frames are speech; NULL = those within 30 dB of the
 * loudest. */
bool voice_prosody_features(const voice_frame *frames, const bool *speech, size_t count,
                            float out[VOICE_PROSODY_FEATURES]);

enum { VOICE_PROSODY_TARGETS = 3 }; /* valence, arousal, dominance */

typedef struct voice_prosody voice_prosody;
/* `model` NULL = "voice.prosody". Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status voice_prosody_create(affect_context *ctx, const char *model,
                                                   voice_prosody **out);
void voice_prosody_destroy(voice_prosody *emotion);
const char *voice_prosody_model(const voice_prosody *emotion);
/* Mean and standard deviation for one window's features. */
void voice_prosody_estimate(const voice_prosody *emotion,
                            const float features[VOICE_PROSODY_FEATURES],
                            float mean[VOICE_PROSODY_TARGETS], float sd[VOICE_PROSODY_TARGETS]);

#endif
