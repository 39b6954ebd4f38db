/* The parts of the descriptor stream that need neighbouring frames: the pitch path, pitch periods
 * in the waveform, harmonics of the decided pitch. Private to voice/. */
#ifndef VOICE_TRACKING_H
#define VOICE_TRACKING_H

#include "voice/kernels.h"

/* ---- voice_pitch_path.c ---- */

enum {
    PITCH_STATES = VOICE_CANDIDATES + 1, /* the last one is "unvoiced" */
    PITCH_LAG = 40                       /* frames after which a decision is forced */
};

typedef struct voice_pitch_path {
    size_t pushed, decided; /* frames */
    double cost[PITCH_STATES];
    double log_f0[VOICE_CANDIDATES]; /* of the frame before */
    float f0_before[VOICE_CANDIDATES];
    signed char from[PITCH_LAG + 1][PITCH_STATES]; /* back pointers, ring */
    signed char state[PITCH_LAG + 1];              /* decisions, ring */
} voice_pitch_path;

void voice_pitch_path_reset(voice_pitch_path *path);
/* Adds the candidates of one frame (f0 0 = none). Frames [path->decided before, after) are final.
 */
void voice_pitch_path_push(voice_pitch_path *path, const float f0[VOICE_CANDIDATES],
                           const float voicing[VOICE_CANDIDATES]);
void voice_pitch_path_finish(voice_pitch_path *path); /* decides the rest */
/* Candidate chosen for a decided frame that is at most PITCH_LAG old; VOICE_CANDIDATES = unvoiced.
 */
int voice_pitch_path_state(const voice_pitch_path *path, size_t frame);

/* ---- periods.c ---- */

typedef struct voice_pitch_periods {
    size_t position;   /* next sample to match from, absolute */
    size_t behind;     /* how far that lies before the frame */
    float last_period; /* s, 0 = none */
    float last_jitter, last_shimmer;
} voice_pitch_periods;

void voice_pitch_periods_reset(voice_pitch_periods *periods);
/* Matches consecutive periods in the waveform around one frame. `samples` is the waveform at
 * absolute index periods->position; at least (frame start - position) + long_size samples follow.
 */
void voice_pitch_periods_frame(voice_pitch_periods *periods, const voice_plan *plan,
                               const voice_kernels *kernels, const float *samples, float f0,
                               float *jitter, float *shimmer_db);

/* ---- harmonics.c ---- */

/* Harmonics-to-noise ratio in dB of a frame of plan->long_size samples. `scratch` holds
 * 2 * plan->long_fft.size floats. */
float voice_harmonics_noise(const voice_plan *plan, const voice_kernels *kernels,
                            const float *samples, float f0, float *scratch);
/* magnitude[k * VOICE_LANES] is bin k. */
void voice_harmonics_levels(const voice_plan *plan, const float *magnitude, float f0,
                            const float formant[VOICE_FORMANTS], float *h1_h2, float *h1_a3,
                            float level[VOICE_FORMANTS]);

#endif
