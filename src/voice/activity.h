/* Speech activity. In: 16 kHz mono blocks. Out: the track "voice/activity" (channel "speech",
 * probability of speech per 32 ms) and the tier "speech" (intervals with someone speaking).
 *
 * The probability is Silero VAD's (a small recurrent network over 32 ms windows with 4 ms of
 * context); intervals come from two thresholds with hysteresis, so that a short dip does not cut a
 * word. */
#ifndef VOICE_ACTIVITY_H
#define VOICE_ACTIVITY_H

#include "infer/infer.h"
#include "media/media.h"
#include "track/track.h"

typedef struct voice_activity voice_activity;

/* `model` NULL = "voice.activity". Errors: MODEL and RUNTIME when the network cannot be had,
 * MEMORY. */
AFFECT_MUST_USE affect_status voice_activity_create(affect_context *ctx, const char *model,
                                                    affect_timeline *timeline,
                                                    voice_activity **out);
/* Takes any block length; a jump of t0 against the end of the last block starts afresh. Errors:
 * ARGUMENT (sample rate is not 16000), RUNTIME, MEMORY. */
AFFECT_MUST_USE affect_status voice_activity_push(voice_activity *activity,
                                                  const media_block *block);
AFFECT_MUST_USE affect_status voice_activity_finish(voice_activity *activity);
void voice_activity_destroy(voice_activity *activity);

#endif
