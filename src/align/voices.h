/* How a voice sounds in a stretch of speech, and how likely two stretches are one person's. In: the rows of
 * voice/prosody. Out: a short vector in which one person's stretches scatter with variance 1, and log
 * likelihood ratios.
 *
 * A stretch is described by means and deviations of pitch, voicing, level, jitter, shimmer, harmonicity, flux, tilt
 * and formants over its voiced rows. They are Gaussian within a person around that person's own mean,
 * and persons' means are Gaussian (two-covariance model: Brummer & de Villiers 2010; PLDA: Prince & Elder 2007),
 * in coordinates in which both covariances are diagonal. Unlike an x-vector it needs no recogniser and says something
 * of a second of speech. bench/speakers.py fits the weights (`voices`). They describe a person: they
 * stay in memory, and are not made where identity is off. */
#ifndef ALIGN_VOICES_H
#define ALIGN_VOICES_H

#include "track/track.h"

enum {
    ALIGN_VOICE_MEASURES = 22, /* means and deviations; of level and loudness the deviation alone */
    ALIGN_VOICE_LEAST = 20     /* voiced rows (0.2 s) without which nothing is said */
};

/* weights.json of a model folder. */
typedef struct align_voices {
    double mean[ALIGN_VOICE_MEASURES], scale[ALIGN_VOICE_MEASURES];
    double project[ALIGN_VOICE_MEASURES][ALIGN_VOICE_MEASURES];
    double between[ALIGN_VOICE_MEASURES]; /* variance of persons' means; 1 = that within one */
} align_voices;

/* By name or folder, NULL = "align.voices"; the caller destroys *out. Errors: MODEL, NOT_FOUND, MEMORY. */
AFFECT_MUST_USE affect_status align_voices_load(affect_context *ctx, const char *model,
                                                align_voices **out);
void align_voices_destroy(align_voices *voices);

/* The measures in [t0, t1) of the sound; false where too little is voiced. */
bool align_voice_measure(const timeline_view *view, affect_time t0, affect_time t1,
                         double out[ALIGN_VOICE_MEASURES]);
/* The same in the coordinates of the weights. */
bool align_voice_describe(const align_voices *voices, const timeline_view *view, affect_time t0,
                          affect_time t1, double out[ALIGN_VOICE_MEASURES]);
/* Log likelihood of x from the person of whom `count` (> 0, a sum of shares) stretches with this mean are, against
 * from anybody. */
double align_voice_ratio(const align_voices *voices, const double x[ALIGN_VOICE_MEASURES],
                         double count, const double mean[ALIGN_VOICE_MEASURES]);

#endif
