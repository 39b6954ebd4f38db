/* Statistics of a contour that the functionals are made of. Private to voice/. */
#ifndef VOICE_CONTOUR_H
#define VOICE_CONTOUR_H

#include "base/base.h"

/* ---- mean and deviation, one value at a time ---- */

typedef struct contour_moments {
    size_t count;
    double shift, sum, squares; /* of value - shift, the first value */
} contour_moments;

void contour_moments_add(contour_moments *moments, float value);
float contour_mean(const contour_moments *moments);      /* 0 for none */
float contour_variation(const contour_moments *moments); /* deviation / mean, sign of the mean */

/* ---- whole contours ---- */

typedef struct contour_values {
    float *items;
    size_t count, capacity;
} contour_values;

AFFECT_MUST_USE bool contour_values_add(contour_values *values, float value);
void contour_sort(const contour_values *values, float *sorted);
/* Linear between ranks; p 0..1; 0 for an empty contour. */
float contour_percentile(const float *sorted, size_t count, double p);

/* Maxima that stand out by a tenth of the contour's range, and the slopes between them and the
 * minima on the way, in units per second. */
typedef struct contour_peaks {
    size_t maxima;
    float rising_mean, rising_deviation, falling_mean, falling_deviation;
} contour_peaks;

/* false if out of memory. */
AFFECT_MUST_USE bool contour_find_peaks(const contour_values *values, float period,
                                        contour_peaks *out);

/* ---- runs of frames of one kind ---- */

/* A run begins with four frames of the kind (gaps of one frame are bridged) and ends with two
 * others; lengths are in frames. At most the first 1000 count, as in the set. */
typedef struct contour_runs {
    size_t frame, start;
    int state, in, out;
    size_t count, total;
    double squares;
} contour_runs;

void contour_runs_reset(contour_runs *runs);
void contour_runs_add(contour_runs *runs, bool kind);
void contour_runs_finish(contour_runs *runs);
float contour_runs_mean(const contour_runs *runs);
float contour_runs_deviation(const contour_runs *runs);

#endif
