/* Prosodic events. In: F0 and level every 10 ms, and speech intervals. Out: events "pitch_rise",
 * "pitch_fall", "emphasis" and "pause" with onset, apex and offset.
 *
 * Work goes phrase by phrase: a phrase is voiced speech with no unvoiced stretch above 100 ms
 * inside, cut at 5 s. An event is written when its phrase has ended, so the look-ahead is at
 * most 5.1 s. */
#ifndef VOICE_EVENTS_H
#define VOICE_EVENTS_H

#include "track/track.h"

typedef struct voice_events voice_events;

AFFECT_MUST_USE affect_status voice_events_create(affect_context *ctx, affect_timeline *timeline,
                                                  voice_events **out);
/* One frame. `f0_hz` <= 0 or NaN = unvoiced; `level_db` any reference; times must rise. */
AFFECT_MUST_USE affect_status voice_events_frame(voice_events *events, affect_time time,
                                                 float f0_hz, float level_db);
/* Writes the phrase that is still open. */
AFFECT_MUST_USE affect_status voice_events_finish(voice_events *events);
/* The speaker's running statistics: mean and deviation of F0 in semitones above 27.5 Hz and of the
 * level in dB over about the last 10 s of voiced speech. False until 1 s of voiced speech was
 * heard. */
typedef struct voice_running_statistics {
    double pitch, pitch_sd, level, level_sd;
} voice_running_statistics;
/* Syllable nuclei seen so far (level peaks in voiced speech; de Jong & Wempe 2009). */
size_t voice_events_nuclei(const voice_events *events);
void voice_events_destroy(voice_events *events);

/* "pause" events between the speech intervals [from, tier->count): silences of 250 ms to 3 s. */
AFFECT_MUST_USE affect_status voice_events_pauses(affect_context *ctx, affect_timeline *timeline,
                                                  const affect_tier *speech, size_t from);

#endif
