/* Whose voice is heard: turns of speakers, told apart by the channel that each has. In: windows of
 * 32 ms with the probability of speech and, of a recording with two channels, how loud each is
 * (voice/channels.h). Out: the tier "speakers", a turn an interval, whose label (S1, S2, ... in order
 * of appearance) names the voice and whose attribute "channel" its channel; turns of two who speak
 * at once overlap. A turn is written when it has ended, none is longer than VOICE_TURN_LONGEST. */
#ifndef VOICE_VOICES_H
#define VOICE_VOICES_H

#include "voice/channels.h"

#define VOICE_TURN_LONGEST (10 * AFFECT_SECOND)

typedef struct voice_voices voice_voices;

/* Errors: MEMORY. */
AFFECT_MUST_USE affect_status voice_voices_create(affect_context *ctx, affect_timeline *timeline,
                                                  voice_voices **out);
/* The next window, which begins at t0. */
AFFECT_MUST_USE affect_status voice_voices_window(voice_voices *voices, affect_time t0,
                                                  float speech,
                                                  const voice_channels_window *channels);
/* No window follows the last one directly, or at all. */
AFFECT_MUST_USE affect_status voice_voices_end(voice_voices *voices);
void voice_voices_destroy(voice_voices *voices);

#endif
