/* Frame-level voice descriptors: one front end for eGeMAPS, prosody and everything that needs F0,
 * loudness, voice quality or formants. In: mono samples as they come. Out: one voice_frame every
 * 10 ms, in order, each final.
 *
 * Look-ahead: a frame is given out at the latest 540 ms after its first sample has been pushed (60
 * ms window, 70 ms because eight frames are computed together, at most 400 ms until the pitch path
 * is decided, which is usually within 50 ms, 10 ms step). The result does not depend on how the
 * samples are cut into pushes.
 *
 * Definitions: Eyben et al., IEEE TAFFC 7(2), 2016 (GeMAPS). */
#ifndef VOICE_DESCRIPTORS_H
#define VOICE_DESCRIPTORS_H

#include "base/base.h"

/* Frame i covers [i * step, i * step + 20 ms) for the spectral values and 60 ms from the same
 * instant for pitch and voice quality; step is 10 ms (rounded to samples). */
typedef struct voice_frame {
    size_t index;
    bool complete; /* false for the last four frames: too close to the end for the 60 ms window, so
                      everything from f0 on is 0 */
    /* 20 ms */
    float energy;   /* mean square, full scale = 1 */
    float loudness; /* mean over 26 mel bands of (equal-loudness weighted energy)^0.33 */
    float alpha_ratio, hammarberg; /* dB */
    float slope[2];                /* dB/Hz in 0-500 and 500-1500 Hz */
    float flux;
    float mfcc[4];                  /* 1..4, HTK scale */
    float formant[3], bandwidth[3]; /* Hz, 0 = none */
    /* 60 ms */
    float rms;          /* of the windowed frame */
    float f0;           /* Hz, 0 = unvoiced */
    float voicing;      /* 0..1, of the best candidate */
    float jitter;       /* mean |difference of consecutive periods| / mean period, 0..1 */
    float shimmer_db;   /* mean |difference of consecutive peak amplitudes| relative to them */
    float hnr_db;       /* harmonics to noise from the autocorrelation; 0 = unvoiced */
    float h1_h2, h1_a3; /* dB, 0 = unvoiced */
    float
        formant_level[3]; /* dB of the strongest harmonic near the formant re F0; -201 = unvoiced */
} voice_frame;

typedef struct voice_descriptors voice_descriptors;

/* Errors: ARGUMENT for a rate outside 8000..192000 Hz, MEMORY. */
AFFECT_MUST_USE affect_status voice_descriptors_create(affect_context *ctx, int sample_rate,
                                                       voice_descriptors **out);
/* Appends samples (-1..1). Errors: FORMAT for a NaN or infinite sample (nothing is appended then),
 * MEMORY. */
AFFECT_MUST_USE affect_status voice_descriptors_push(voice_descriptors *stream,
                                                     const float *samples, size_t count);
/* No more samples: the remaining frames become available. */
AFFECT_MUST_USE affect_status voice_descriptors_finish(voice_descriptors *stream);
/* The frames that the last push or finish made final; borrowed until the next call on the stream,
 * so take after each. */
const voice_frame *voice_descriptors_take(voice_descriptors *stream, size_t *count);
/* After finish: how many frames had been decided when the samples ended; the others were decided
 * because nothing followed. */
size_t voice_descriptors_decided(const voice_descriptors *stream);
/* Starts over with the next recording of the same rate. */
void voice_descriptors_reset(voice_descriptors *stream);
void voice_descriptors_destroy(voice_descriptors *stream);

/* Seconds from one frame to the next. */
double voice_descriptors_period(const voice_descriptors *stream);

/* ---- the compact prosody set ---- */

enum { VOICE_PROSODY_CHANNELS = 12 };
/* f0_hz (NaN unvoiced), voicing, energy_db, loudness, jitter (NaN unvoiced), shimmer_db (NaN
 * unvoiced), hnr_db (NaN unvoiced), spectral_flux, alpha_ratio_db, f1_hz, f2_hz, f3_hz (NaN where
 * none). */
extern const char *const voice_prosody_channels[VOICE_PROSODY_CHANNELS];
void voice_prosody_row(const voice_frame *frame, float row[VOICE_PROSODY_CHANNELS]);

/* ---- log-mel spectrograms, from the same kernels ---- */

typedef struct voice_log_mel_options {
    int sample_rate;        /* 16000 */
    double window_s;        /* 0.025, Hann */
    double step_s;          /* 0.010 */
    size_t bands;           /* 64; 1..256 */
    double low_hz, high_hz; /* 20, 8000 (cut at half the rate) */
    float floor;            /* smallest energy, 1e-10: values are ln(max(energy, floor)) */
} voice_log_mel_options;

voice_log_mel_options voice_log_mel_default(void);
/* What the emotion networks are trained on and fed: windows twice the step, at least 25 ms. */
voice_log_mel_options voice_log_mel_network(size_t bands, double step_s);

/* The part of a clip at 16 kHz that is left when what is quieter than `db` below its loudest 10 ms
 * is cut off both ends, but 50 ms; the whole where less than 0.3 s would be left. */
void voice_trim(const float **samples, size_t *count, double db);

typedef struct voice_log_mel voice_log_mel;
/* Errors: ARGUMENT, MEMORY. Immutable afterwards: one object may serve several threads. */
AFFECT_MUST_USE affect_status voice_log_mel_create(affect_context *ctx,
                                                   const voice_log_mel_options *options,
                                                   voice_log_mel **out);
void voice_log_mel_destroy(voice_log_mel *mel);
/* Whole windows in `count` samples: 0 if count < window, else (count - window) / step + 1. */
size_t voice_log_mel_frames(const voice_log_mel *mel, size_t count);
size_t voice_log_mel_step(const voice_log_mel *mel); /* samples */
/* out: frames x bands, row-major. Errors: MEMORY. */
AFFECT_MUST_USE affect_status voice_log_mel_compute(affect_context *ctx, const voice_log_mel *mel,
                                                    const float *samples, size_t count, float *out);

#endif
