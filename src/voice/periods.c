/* Jitter and shimmer: consecutive pitch periods are matched in the waveform by normalised
 * cross-correlation, within 10 % of the period that the pitch path gives, and compared in length
 * and in peak-to-peak amplitude. */
#include <math.h>
#include <string.h>

#include "voice/tracking.h"

void voice_pitch_periods_reset(voice_pitch_periods *periods) {
    memset(periods, 0, sizeof *periods);
}

typedef struct match {
    bool found;
    size_t length;    /* whole samples */
    double refined_s; /* parabola through the correlation */
    double correlation;
} match;

enum { MOST_LAGS = 1024 };

/* Correlation of [x, x+t) with [x+t, x+2t) for each t in [least, most]; the highest local maximum.
 */
static match match_period(const voice_kernels *kernels, const float *x, size_t least, size_t most,
                          double sample_rate) {
    double correlation[MOST_LAGS];
    size_t lags = most - least + 1;
    if (lags > MOST_LAGS) lags = MOST_LAGS;
    double sum_a = 0.0, sum_b = 0.0, power_a, power_b;
    for (size_t i = 0; i < least; i++) {
        sum_a += (double)x[i];
        sum_b += (double)x[least + i];
    }
    power_a = kernels->dot(x, x, least);
    power_b = kernels->dot(x + least, x + least, least);
    for (size_t i = 0; i < lags; i++) {
        size_t t = least + i;
        double n = (double)t;
        double cross = kernels->dot(x, x + t, t) - sum_a * sum_b / n;
        double spread_a = power_a - sum_a * sum_a / n, spread_b = power_b - sum_b * sum_b / n;
        correlation[i] = cross / (sqrt(spread_a) * sqrt(spread_b));
        /* The first half grows by x[t]; the second loses it and gains two. */
        double gone = (double)x[t], new1 = (double)x[2 * t], new2 = (double)x[2 * t + 1];
        sum_a += gone;
        power_a += gone * gone;
        sum_b += new1 + new2 - gone;
        power_b += new1 * new1 + new2 * new2 - gone * gone;
    }
    size_t best = 0;
    for (size_t i = 1; i + 2 < lags; i++)
        if (correlation[i - 1] < correlation[i] && correlation[i] > correlation[i + 1] &&
            (best == 0 || correlation[i] > correlation[best]))
            best = i;
    if (best == 0) return (match){0};
    double y0 = correlation[best - 1], y1 = correlation[best], y2 = correlation[best + 1];
    double slope = 0.5 * (y2 - y0), curve = 0.5 * (y2 + y0) - y1;
    double offset = -slope / (2.0 * curve);
    return (match){.found = true,
                   .length = least + best,
                   .refined_s = fabs((double)(least + best) + offset) / sample_rate,
                   .correlation = y1 + 0.5 * slope * offset};
}

static float peak_to_peak(const float *x, size_t n) {
    float high = x[1], low = x[1];
    for (size_t i = 1; i + 1 < n; i++) {
        high = x[i] > high ? x[i] : high;
        low = x[i] < low ? x[i] : low;
    }
    return high - low;
}

static float clip(float x) { return x > 1.0f ? 1.0f : x; }

void voice_pitch_periods_frame(voice_pitch_periods *periods, const voice_plan *plan,
                               const voice_kernels *kernels, const float *samples, float f0,
                               float *jitter, float *shimmer_db) {
    *jitter = *shimmer_db = 0.0f;
    size_t span = plan->step + periods->behind;
    if (!(f0 > 0.0f)) {
        periods->position += span;
        periods->behind = 0;
        periods->last_period = periods->last_jitter = periods->last_shimmer = 0.0f;
        return;
    }
    double rate = (double)plan->sample_rate;
    double expected = rate / (double)f0;
    size_t typical = (size_t)lround(expected);
    size_t least = (size_t)floor(0.9 * expected), most = (size_t)ceil(1.1 * expected);
    size_t available = periods->behind + plan->long_size;
    size_t need = BASE_MIN(BASE_MAX(span, 2 * most + 2), available);

    float periods_found = 0.0f, differences = 0.0f, length_sum = 0.0f, difference_sum = 0.0f;
    float amplitude_sum = 0.0f, amplitude_difference = 0.0f;
    size_t at = 0, end = 0;
    while (at + 2 * most + 1 < need) {
        match m = match_period(kernels, samples + at, least, most, rate);
        if (m.found) {
            const float *one = samples + at, *two = one + m.length;
            at += m.length;
            if ((float)m.correlation > 0.5f) {
                float length = (float)m.refined_s;
                float a = peak_to_peak(one, m.length), b = peak_to_peak(two, m.length);
                length_sum += length;
                periods_found += 1.0f;
                if (periods->last_period > 0.0f) {
                    difference_sum += fabsf(periods->last_period - length);
                    differences += 1.0f;
                }
                periods->last_period = length;
                amplitude_sum += (a + b) / 2.0f;
                amplitude_difference += fabsf(a - b);
            }
        } else {
            at += typical;
        }
        if (at + 1 < span) end = at;
    }
    periods->behind = span - end;
    periods->position += end;

    if (periods_found > 0.0f && differences > 0.0f) {
        periods->last_jitter = (difference_sum / differences) / (length_sum / periods_found);
        *jitter = clip(periods->last_jitter);
    } else if (periods_found == 0.0f) {
        *jitter = clip(periods->last_jitter);
    }
    if (periods_found > 0.0f)
        periods->last_shimmer = amplitude_sum > 0.0f ? amplitude_difference / amplitude_sum : 0.0f;
    *shimmer_db = (float)(20.0 * log10((double)clip(periods->last_shimmer) + 1.0));
}
