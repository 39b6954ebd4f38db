/* Statistics of a contour that the functionals are made of. Private to voice/. */
#ifndef VOICE_CONTOUR_H
#define VOICE_CONTOUR_H

#include "base/base.h"

/* ---- mean and deviation, one value at a time ---- */

typedef struct voice_contour_moments {
    size_t count;
    double shift, sum, squares; /* of value - shift, the first value */
} voice_contour_moments;

void voice_contour_moments_add(voice_contour_moments *moments, float value);
float voice_contour_mean(const voice_contour_moments *moments); /* 0 for none */
float voice_contour_variation(
    const voice_contour_moments *moments); /* deviation / mean, sign of the mean */

/* ---- whole contours ---- */

typedef struct voice_contour_values {
    float *items;
    size_t count, capacity;
} voice_contour_values;

AFFECT_MUST_USE bool voice_contour_values_add(voice_contour_values *values, float value);
void voice_contour_sort(const voice_contour_values *values, float *sorted);
/* Linear between ranks; p 0..1; 0 for an empty contour. */
float voice_contour_percentile(const float *sorted, size_t count, double p);

/* Maxima that stand out by a tenth of the contour's range, and the slopes between them and the
 * minima on the way, in units per second. */
typedef struct voice_contour_peaks {
    size_t maxima;
    float rising_mean, rising_deviation, falling_mean, falling_deviation;
} voice_contour_peaks;

/* false if out of memory. */
AFFECT_MUST_USE bool voice_contour_find_peaks(const voice_contour_values *values, float period,
                                              voice_contour_peaks *out);

/* ---- runs of frames of one kind ---- */

/* A run begins with four frames of the kind (gaps of one frame are bridged) and ends with two
 * others; lengths are in frames. At most the first 1000 count, as in the set. */
typedef struct voice_contour_runs {
    size_t frame, start;
    int state, in, out;
    size_t count, total;
    double squares;
} voice_contour_runs;

void voice_contour_runs_reset(voice_contour_runs *runs);
void voice_contour_runs_add(voice_contour_runs *runs, bool kind);
void voice_contour_runs_finish(voice_contour_runs *runs);
float voice_contour_runs_mean(const voice_contour_runs *runs);
float voice_contour_runs_deviation(const voice_contour_runs *runs);

#endif
