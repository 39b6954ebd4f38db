/* Speaker turns. In: intervals with a speaker vector each (x-vectors of speech, Snyder et al.
 * 2018). Out: the tier "speakers" with labels S1, S2, ... in order of appearance.
 *
 * Vectors are grouped by cosine similarity, less what too little speech takes off it: first each joins the
 * nearest group or opens one (at most 256, so memory does not grow with the square of the turns),
 * then groups that are close are merged, centroid-linkage, until no pair is above the threshold, and
 * those with less than 4 s of speech into the nearest. A voice that is told from the others is so with
 * some certainty; two that are alike are one. */
#ifndef VOICE_TURNS_H
#define VOICE_TURNS_H

#include "track/track.h"

typedef struct voice_turns voice_turns;

AFFECT_MUST_USE affect_status voice_turns_create(affect_context *ctx, affect_timeline *timeline,
                                                 voice_turns **out);
/* Adds a turn. `vector` has d floats (the same d each time; ERROR_SHAPE), or is NULL when the
 * speech was too short for one: such a turn joins the nearer of its neighbours in time. `weight` is
 * how much speech is behind the vector, in seconds. */
AFFECT_MUST_USE affect_status voice_turns_add(voice_turns *turns, affect_time t0, affect_time t1,
                                              const float *vector, size_t d, double weight);
/* Groups and writes the tier; neighbouring turns of one speaker less than 0.5 s apart become one
 * interval. The score of an interval is the cosine to its speaker's mean, from 0 to 1. */
AFFECT_MUST_USE affect_status voice_turns_finish(voice_turns *turns);
void voice_turns_destroy(voice_turns *turns);

#endif
