/* Are left and right two speakers, each with a microphone (an interview, a telephone call recorded on
 * both sides), or one sound heard twice? In: the samples of a stretch, (left + right) / 2 and
 * (left - right) / 2. Out: a decision that may come and go, and, for each window of 32 ms, how loud
 * each channel is.
 *
 * Channels are speakers where each has had speech to itself (10 dB over the other, for 0.3 s in all,
 * while somebody speaks by the network of voice/activity.h), and where in the loud windows of the
 * last 10 s the two waves are hardly ever alike (correlation above 0.8 at a delay up to 1 ms in less
 * than a tenth). An ordinary stereo recording is alike in nearly all of them. Once taken apart they
 * stay so until half of the loud windows are alike.
 *
 * The network is loaded when both channels have been alone; a sound with one channel, and ordinary
 * stereo, cost next to nothing. What is decided does not depend on how the samples were cut. */
#ifndef VOICE_CHANNELS_H
#define VOICE_CHANNELS_H

#include "track/track.h"

enum { VOICE_CHANNELS_WINDOW = 512, VOICE_CHANNELS_KEPT = 2048 };

typedef struct voice_channels voice_channels;

/* `model` as of voice_activity_create; a model that is missing leaves channels together. */
AFFECT_MUST_USE affect_status voice_channels_create(affect_context *ctx, const char *model,
                                                    voice_channels **out);
/* Samples at 16 kHz that follow those before. `side` NULL: there is one channel. Errors: MEMORY,
 * RUNTIME. */
AFFECT_MUST_USE affect_status voice_channels_push(voice_channels *channels, const float *samples,
                                                  const float *side, size_t count);
/* A new stretch begins: windows are counted from 0 again, the decision stays. */
void voice_channels_begin(voice_channels *channels);
bool voice_channels_separate(const voice_channels *channels);

typedef struct voice_channels_window {
    float level_db[2]; /* left, right; -100 at least */
    bool alike;        /* the two waves */
    bool separate;     /* what was decided up to here */
} voice_channels_window;
/* Windows of the stretch that are there; the latest VOICE_CHANNELS_KEPT can be read. */
size_t voice_channels_count(const voice_channels *channels);
const voice_channels_window *voice_channels_at(const voice_channels *channels, size_t window);
/* Does the channel (0 left, 1 right) have a sound of its own in that window, and not what leaks over
 * from the other? */
bool voice_channels_own(const voice_channels_window *window, int channel);
extern const char *const voice_channels_names[2]; /* "left", "right" */
void voice_channels_destroy(voice_channels *channels);

#endif
