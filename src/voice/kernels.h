/* What the descriptor stream asks of the numeric kernels: everything about a frame that can be
 * computed without knowing its neighbours, for VOICE_LANES frames at once. Private to voice/.
 *
 * Definitions: F. Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for Voice
 * Research and Affective Computing", IEEE TAFFC 7(2), 2016; F. Eyben, "Real-time Speech and Music
 * Classification by Large Audio Feature Space Extraction", Springer 2016 (chapter 2). Constants are
 * those of the published eGeMAPS v02 configuration. */
#ifndef VOICE_KERNELS_H
#define VOICE_KERNELS_H

#include "base/base.h"

enum {
    VOICE_LANES = 8,
    VOICE_CANDIDATES = 6,
    VOICE_MEL_BANDS = 26,
    VOICE_HARMONICS = 15, /* summed by the pitch detector */
    VOICE_LPC_ORDER = 11,
    VOICE_FORMANTS = 3,
    VOICE_MFCC = 4
};

/* A real transform of `size` points (a power of two >= 16) over lanes. */
typedef struct voice_fft {
    size_t size;
    float *twiddle; /* stages of radix 4, then the recombination of the real transform */
} voice_fft;

/* Triangular filters, equidistant in mel; bin k adds weight[k] of its power to band[k] and the rest
 * to band[k] + 1. band -1 is the rising flank of the first filter. */
typedef struct voice_mel {
    size_t bands, first_bin, end_bin;
    int *band;
    float *weight;
} voice_mel;

typedef struct voice_line {
    /* Least-squares line over bins first..last of a log spectrum: the sums that do not depend on it
     */
    size_t first, last;
    double weight_first, weight_last, count, sum_f, sum_f2;
} voice_line;

/* Tables for one sample rate. Immutable once made; shared by every stream of that rate. */
typedef struct voice_plan {
    int sample_rate;
    size_t step;
    /* 60 ms, Gaussian: pitch and harmonics */
    size_t long_size, long_bins;
    float *long_window;
    voice_fft long_fft;
    double long_hz; /* of one bin */
    /* octave axis */
    float *spline_sigma, *spline_p, *spline_c, *spline_r1, *spline_r2; /* tridiagonal system */
    int *octave_bin;                                                   /* left knot of each point */
    float *octave_a, *octave_c, *octave_d, *octave_weight;
    int octave_shift[VOICE_HARMONICS];
    float octave_start, octave_step;
    /* 20 ms, Hamming: spectrum */
    size_t short_size, short_bins;
    float *short_window;
    voice_fft short_fft;
    double short_hz;
    voice_mel mel;
    float equal_loudness[VOICE_MEL_BANDS];
    float cepstrum[VOICE_MFCC][VOICE_MEL_BANDS];
    voice_line line[2];                                       /* 0-500 and 500-1500 Hz */
    size_t flux_end, alpha_split, hammarberg_split, band_end; /* bins */
    /* band-limited resampling to 11 kHz for linear prediction */
    size_t resampled, resample_bins; /* output samples, input bins used */
    float resample_gain;
    float *resample_table; /* [resampled][resample_bins][2] */
    double resample_rate;
    void *memory; /* all tables */
} voice_plan;

/* Error: ARGUMENT for a rate outside 8000..192000 Hz, MEMORY. The caller destroys it. */
AFFECT_MUST_USE affect_status voice_plan_create(affect_context *ctx, int sample_rate,
                                                voice_plan **out);
void voice_plan_destroy(voice_plan *plan);

/* What a block of frames gives; lane l is frame first + l. */
typedef struct voice_block {
    float rms[VOICE_LANES];                  /* of the windowed 60 ms frame */
    float f0[VOICE_LANES][VOICE_CANDIDATES]; /* Hz, best first, 0 = none */
    float voicing[VOICE_LANES][VOICE_CANDIDATES];
    float energy[VOICE_LANES]; /* mean square of the 20 ms frame */
    float loudness[VOICE_LANES];
    float mfcc[VOICE_MFCC][VOICE_LANES];
    float slope[2][VOICE_LANES];
    float alpha[VOICE_LANES], hammarberg[VOICE_LANES], flux[VOICE_LANES];
    float formant[VOICE_FORMANTS][VOICE_LANES], bandwidth[VOICE_FORMANTS][VOICE_LANES];
} voice_block;

/* Room for one block in flight; 64-byte aligned. */
size_t voice_scratch_size(const voice_plan *plan);

typedef struct voice_kernels {
    const char *name;
    /* The first sample of lane l is samples[l * plan->step]; lanes >= count repeat the last one.
     * `magnitude` receives [long_bins][VOICE_LANES]. */
    void (*long_frames)(const voice_plan *plan, const float *samples, size_t count, void *scratch,
                        float *magnitude, voice_block *out);
    /* `previous` holds the magnitudes of the frame before the block (short_bins, or first = true
     * for none) and is replaced by those of the block's last frame. */
    void (*short_frames)(const voice_plan *plan, const float *samples, size_t count, bool first,
                         float *previous, void *scratch, voice_block *out);
    /* Sum of a[i] * b[i] in double, in a fixed order. */
    double (*dot)(const float *a, const float *b, size_t n);
    /* Log-mel of `count` frames: out[l * stride + band] = ln(max(energy, floor)). */
    void (*log_mel)(const voice_fft *fft, const float *window, size_t window_size, size_t step,
                    const voice_mel *mel, float floor, const float *samples, size_t count,
                    void *scratch, float *out, size_t stride);
} voice_kernels;

/* The fastest set this processor can run, or "baseline" by name; NULL asks AFFECT_KERNELS in the
 * environment, as nn does (baseline picks the portable one). Both give the same bits. */
const voice_kernels *voice_kernels_get(const char *name);

extern const voice_kernels voice_kernels_baseline, voice_kernels_avx2;

/* Tables that log-mel shares. Zeroed structs can be destroyed. */
AFFECT_MUST_USE bool voice_fft_init(voice_fft *fft, size_t size);
void voice_fft_destroy(voice_fft *fft);
/* Filters between low_hz and high_hz over `bins` bins of bin_hz. */
AFFECT_MUST_USE bool voice_mel_init(voice_mel *mel, size_t bands, size_t bins, double bin_hz,
                                    double low_hz, double high_hz);
void voice_mel_destroy(voice_mel *mel);
double voice_mel_from_hz(double hz);

#endif
