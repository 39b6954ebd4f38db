/* voice: what the voice shows. In: 16 kHz mono blocks. Out, into the timeline it was given:
 *   track "voice/activity"  probability of speech per 32 ms          (voice/activity.h)
 *   tier  "speech"          intervals with someone speaking
 *   track "voice/prosody"   F0, level, loudness, voice quality, formants per 10 ms
 *                         (voice/descriptors.h)
 *   track "voice/emotion"   posteriors of categories per utterance, by a network
 *                         (voice/speech_network.h);
 *                         long utterances in windows of 4 s, one every second
 *   track "voice/affect"    valence, arousal, dominance with standard deviations: the network's,
 *                         or, where it has none, twice a second of speech from prosody
 *   events pitch_rise, pitch_fall, emphasis, pause (voice/events.h)
 * Speaker turns need speaker vectors, which come with recognition: see voice/turns.h.
 *
 * Look-ahead: prosody 0.54 s; emotion and affect 4.6 s; prosodic events 5.7 s. */
#ifndef VOICE_VOICE_H
#define VOICE_VOICE_H

#include "media/media.h"
#include "track/track.h"

typedef struct voice_options {
    const char *activity_model; /* NULL = "voice.activity" */
    const char *prosody_model;  /* NULL = "voice.prosody"; used where no network says V/A/D */
    const char *emotion_model;  /* NULL = "voice.emotion", else "voice.emotion.open" */
    bool alone; /* the network hears each utterance by itself, not against the speaker's own */
} voice_options;

voice_options voice_options_default(void);

typedef struct voice_stage voice_stage;

/* A model that is missing is a warning in the timeline, and what needs it is left out. Errors:
 * MEMORY. */
AFFECT_MUST_USE affect_status voice_create(affect_context *ctx, const voice_options *options,
                                           affect_timeline *timeline, voice_stage **out);
/* Errors: ARGUMENT (sample rate is not 16000), RUNTIME, MEMORY. */
AFFECT_MUST_USE affect_status voice_push(voice_stage *stage, const media_block *block);
AFFECT_MUST_USE affect_status voice_finish(voice_stage *stage);
void voice_destroy(voice_stage *stage);

#endif
