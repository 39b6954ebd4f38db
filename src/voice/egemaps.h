/* The extended Geneva minimalistic acoustic parameter set, eGeMAPS v02: 25 descriptors every 10 ms
 * and 88 functionals of a recording, in openSMILE's names, order and numbers. In: mono samples.
 * Out: rows. docs/egemaps.md says how close the numbers are and what each means.
 *
 * F. Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for Voice Research and
 * Affective Computing", IEEE TAFFC 7(2), 2016. */
#ifndef VOICE_EGEMAPS_H
#define VOICE_EGEMAPS_H

#include "voice/descriptors.h"

enum { VOICE_EGEMAPS_DESCRIPTORS = 25, VOICE_EGEMAPS_FUNCTIONALS = 88 };

extern const char *const voice_egemaps_descriptor_names[VOICE_EGEMAPS_DESCRIPTORS];
extern const char *const voice_egemaps_functional_names[VOICE_EGEMAPS_FUNCTIONALS];

typedef struct voice_egemaps voice_egemaps;

/* Errors: ARGUMENT for a rate outside 8000..192000 Hz, MEMORY. Memory is flat but for 8 bytes a
 * frame, which the percentiles and peaks of F0 and loudness need (3 MB an hour). */
AFFECT_MUST_USE affect_status voice_egemaps_create(affect_context *ctx, int sample_rate,
                                                   voice_egemaps **out);
/* Errors: FORMAT for a sample that is not finite, MEMORY. */
AFFECT_MUST_USE affect_status voice_egemaps_push(voice_egemaps *set, const float *samples,
                                                 size_t count);
AFFECT_MUST_USE affect_status voice_egemaps_finish(voice_egemaps *set);
/* Descriptor rows that the last push or finish made final, VOICE_EGEMAPS_DESCRIPTORS values each,
 * row i at i * voice_egemaps_period; borrowed until the next call, so take after each. Look-ahead:
 * 550 ms (10 ms more than the frames, for the smoothing). */
const float *voice_egemaps_take(voice_egemaps *set, size_t *rows);
/* Functionals of everything that was pushed; call after finish. Errors: FORMAT if the recording is
 * shorter than one frame of 60 ms, MEMORY. Always finite. */
AFFECT_MUST_USE affect_status voice_egemaps_functionals(voice_egemaps *set,
                                                        float out[VOICE_EGEMAPS_FUNCTIONALS]);
void voice_egemaps_reset(voice_egemaps *set);
/* Functionals of one stretch by itself: what was pushed before is forgotten. All NaN where it is
 * too short for them. Errors: those of push and finish. */
AFFECT_MUST_USE affect_status voice_egemaps_describe(voice_egemaps *set, const float *samples,
                                                     size_t count,
                                                     float out[VOICE_EGEMAPS_FUNCTIONALS]);
void voice_egemaps_destroy(voice_egemaps *set);
double voice_egemaps_period(const voice_egemaps *set); /* s */

#endif
