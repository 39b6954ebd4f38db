/* What a trained network hears in a stretch of speech: categories, and where the network has them
 * valence, arousal and dominance. In: samples. The spectrogram is the trainer's
 * (voice_log_mel_network), so that what was learnt holds here. */
#ifndef VOICE_SPEECH_NETWORK_H
#define VOICE_SPEECH_NETWORK_H

#include "base/base.h"
#include "voice/summary.h"

enum { VOICE_NETWORK_CLASSES = 32, VOICE_NETWORK_RATE = 16000 };

typedef struct voice_network voice_network;

typedef struct voice_heard {
    float posteriors[VOICE_NETWORK_CLASSES]; /* of voice_network_labels; sum 1 */
    float value[3], sd[3]; /* valence, arousal, dominance; NaN = the network does not say */
    float in_distribution; /* 0..1: how far this is of the kind the network was trained on */
} voice_heard;

/* What the numbers of one voice (a summary's, or the functionals alone) are usually like: weighted
 * sums over what was heard of it. All zero to begin with. */
typedef struct voice_speaker_statistics {
    double weight[VOICE_SUMMARY_WIDTH], sum[VOICE_SUMMARY_WIDTH], square[VOICE_SUMMARY_WIDTH];
} voice_speaker_statistics;

/* Errors: MODEL (no voice network, or labels missing), MEMORY. */
AFFECT_MUST_USE affect_status voice_network_create(affect_context *ctx, const char *model,
                                                   voice_network **out);
void voice_network_destroy(voice_network *network);
const char *voice_network_model(const voice_network *network);
/* The labels that posteriors are of: our eight categories where the card's labels mean one ("calm"
 * counts as neutral), else the card's own. */
const char *const *voice_network_labels(const voice_network *network, size_t *count);
bool voice_network_has_values(const voice_network *network);
/* Samples of one stretch at 16 kHz, at least VOICE_NETWORK_LEAST of them, cut as the card's input
 * says. A network that takes functionals or a summary gets them against `statistics`, to which the stretch is
 * added first with the weight `fresh` (1: all of it is new, less where it overlaps what was heard
 * before, 0: nothing is added); while little is known of the voice the training's voices stand in.
 * NULL: against those alone. Errors: ARGUMENT, MEMORY. */
enum { VOICE_NETWORK_LEAST = VOICE_NETWORK_RATE * 2 / 5 };
AFFECT_MUST_USE affect_status voice_network_hear(affect_context *ctx, voice_network *network,
                                                 const float *samples, size_t count,
                                                 voice_speaker_statistics *statistics, double fresh,
                                                 voice_heard *out);

#endif
