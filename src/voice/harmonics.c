/* Harmonics of a decided pitch: harmonics-to-noise ratio from the autocorrelation, level
 * differences between harmonics, and the level of the strongest harmonic near each formant. */
#include <math.h>
#include <string.h>

#include "voice/tracking.h"

/* ---- harmonics to noise ---- */

typedef struct correlation {
    const voice_plan *plan;
    const voice_kernels *kernels;
    const float *x; /* windowed frame, long_size samples */
    float *value;   /* by lag, NaN = not computed yet */
} correlation;

/* |circular autocorrelation| over one transform length: what the squared spectrum transforms to. */
static float correlation_at(const correlation *c, size_t lag) {
    if (isnan(c->value[lag])) {
        size_t n = c->plan->long_size, wrapped = c->plan->long_fft.size - lag;
        double sum = c->kernels->dot(c->x, c->x + lag, n > lag ? n - lag : 0);
        if (wrapped < n) sum += c->kernels->dot(c->x, c->x + wrapped, n - wrapped);
        c->value[lag] = (float)fabs(sum);
    }
    return c->value[lag];
}

static bool is_peak(const correlation *c, size_t lag) {
    size_t last = c->plan->long_bins - 1;
    float here = correlation_at(c, lag);
    return (lag == 0 || here > correlation_at(c, lag - 1)) &&
           (lag == last || here > correlation_at(c, lag + 1));
}

/* The local maximum closest to `lag`; below before above. Lag 0 and the last one are only taken if
 * nothing else is there. */
static size_t closest_peak(const correlation *c, size_t lag) {
    size_t last = c->plan->long_bins - 1;
    if (is_peak(c, lag)) return lag;
    for (size_t away = 1; lag > away || lag + away < last; away++) {
        if (lag > away && is_peak(c, lag - away)) return lag - away;
        if (lag + away < last && is_peak(c, lag + away)) return lag + away;
    }
    bool low = correlation_at(c, 0) > correlation_at(c, lag);
    bool high = correlation_at(c, last) > correlation_at(c, lag);
    if (low && high) return lag < c->plan->long_bins / 2 ? 0 : last;
    return low ? 0 : high ? last : lag;
}

float voice_harmonics_noise(const voice_plan *plan, const voice_kernels *kernels,
                            const float *samples, float f0, float *scratch) {
    if (!(f0 > 0.0f)) return 0.0f;
    size_t lag = (size_t)floor((double)plan->sample_rate / (double)f0);
    if (lag >= plan->long_bins) return 0.0f;
    float *x = scratch, *value = scratch + plan->long_fft.size;
    for (size_t i = 0; i < plan->long_size; i++) x[i] = samples[i] * plan->long_window[i];
    for (size_t i = 0; i < plan->long_bins; i++) value[i] = NAN;
    correlation c = {plan, kernels, x, value};
    size_t peak = closest_peak(&c, lag);
    if (peak == 0) return 0.0f;
    double harmonic = (double)correlation_at(&c, peak);
    double noise = (double)correlation_at(&c, 0) - harmonic;
    double ratio = noise == 0.0 ? 1e11 : harmonic / noise;
    ratio = ratio > 1e11 ? 1e11 : ratio < 1e-9 ? 1e-9 : ratio;
    return (float)(10.0 * log10(ratio));
}

/* ---- levels of harmonics ---- */

enum { MOST_HARMONICS = 100 };
static const float UNKNOWN = -201.0f;

typedef struct harmonic {
    long bin;
    float hz, magnitude,
        peak; /* refined frequency, magnitude at the bin and at the parabola's top */
} harmonic;

typedef struct spectrum {
    const float *magnitude;
    long bins;
    double hz; /* of one bin */
} spectrum;

static float at(const spectrum *s, long k) { return s->magnitude[k * VOICE_LANES]; }

static bool is_local_maximum(const spectrum *s, long k) {
    if (k < 0 || k >= s->bins) return false;
    return (k == 0 || at(s, k) > at(s, k - 1)) && (k == s->bins - 1 || at(s, k) > at(s, k + 1));
}

/* The bin nearest to a frequency, searched upwards from `from`; 0 beyond the spectrum. */
static long nearest_bin(const spectrum *s, float hz, long from) {
    long above = (long)floor((double)hz / s->hz) + 1;
    if (above < from) above = from;
    if (above >= s->bins) return 0;
    if (above == 0) return 0;
    double over = (double)above * s->hz - (double)hz;
    double under = (double)hz - (double)(above - 1) * s->hz;
    return over > under ? above - 1 : above;
}

/* The maximum closest to `centre` between two bins, above before below; -1 if there is none. */
static long closest_maximum(const spectrum *s, long centre, long low, long high) {
    if (is_local_maximum(s, centre)) return centre;
    long left = centre - 1, right = centre + 1;
    while (left >= low || right <= high) {
        if (right <= high && is_local_maximum(s, right)) return right;
        right++;
        if (left >= low && is_local_maximum(s, left)) return left;
        left--;
    }
    return -1;
}

/* Finds harmonics 1..n (0 is F0) up to `until` Hz and returns how many entries are filled. */
static int find_harmonics(const spectrum *s, float f0, float until, harmonic *out) {
    long last = nearest_bin(s, 0.5f * f0, 1);
    long first = nearest_bin(s, 0.5f * f0, last);
    int n = 0;
    for (; n < MOST_HARMONICS; n++) {
        if (n > 2 && ((float)n + 0.5f) * f0 > until) break;
        long centre = nearest_bin(s, (float)(n + 1) * f0, last);
        long low = nearest_bin(s, ((float)n + 0.5f) * f0, last);
        long high = nearest_bin(s, ((float)n + 1.5f) * f0, centre);
        long peak = closest_maximum(s, centre, low, high);
        out[n] = (harmonic){.bin = centre};
        if (peak >= first && peak > 0 && peak < s->bins - 1) {
            double y0 = (double)at(s, peak - 1), y1 = (double)at(s, peak),
                   y2 = (double)at(s, peak + 1);
            double slope = 0.5 * (y2 - y0), curve = 0.5 * (y2 + y0) - y1;
            double offset = -slope / (2.0 * curve);
            out[n] = (harmonic){peak, (float)(((double)peak + offset) * s->hz), (float)y1,
                                (float)(y1 + 0.5 * slope * offset)};
        }
        last = centre;
    }
    return n;
}

static float limited(float x) { return x < UNKNOWN ? UNKNOWN : x > -UNKNOWN ? -UNKNOWN : x; }

void voice_harmonics_levels(const voice_plan *plan, const float *magnitude, float f0,
                            const float formant[VOICE_FORMANTS], float *h1_h2, float *h1_a3,
                            float level[VOICE_FORMANTS]) {
    *h1_h2 = *h1_a3 = 0.0f;
    for (int f = 0; f < VOICE_FORMANTS; f++) level[f] = UNKNOWN;
    if (!(f0 > 0.0f)) return;
    spectrum s = {magnitude, (long)plan->long_bins, plan->long_hz};
    harmonic found[MOST_HARMONICS];
    float highest = 0.0f;
    for (int f = 0; f < VOICE_FORMANTS; f++) highest = BASE_MAX(highest, 1.2f * formant[f]);
    int n = find_harmonics(&s, f0, highest + f0, found);

    /* Levels relative to F0; a harmonic that fell on the bin of the one before does not count. */
    float db[MOST_HARMONICS];
    bool reference = found[0].magnitude != 0.0f;
    double base = reference ? log10((double)found[0].magnitude) : 0.0;
    db[0] = 0.0f;
    for (int h = 1; h < n; h++) {
        db[h] = UNKNOWN;
        if (reference && found[h].peak > 0.0f)
            db[h] = BASE_MAX((float)(20.0 * (log10((double)found[h].peak) - base)), -200.0f);
        else if (reference)
            db[h] = -200.0f;
        if (found[h].bin == found[h - 1].bin) {
            found[h] = (harmonic){0};
            db[h] = UNKNOWN;
        }
    }
    int strongest[VOICE_FORMANTS];
    for (int f = 0; f < VOICE_FORMANTS; f++) {
        float low = 0.8f * formant[f], high = 1.2f * formant[f], most = 0.0f;
        strongest[f] = -1;
        for (int h = 0; h < n; h++)
            if (found[h].hz >= low && found[h].hz <= high && found[h].magnitude > most) {
                most = found[h].magnitude;
                strongest[f] = h;
            }
        level[f] = strongest[f] >= 0 ? db[strongest[f]] : 0.0f;
    }
    /* H0 is F0 in this set's counting, so that H1 and H2 are the second and third partials. */
    *h1_h2 = limited(db[1] - db[2]);
    int third = strongest[VOICE_FORMANTS - 1];
    *h1_a3 = limited(third >= 0 ? db[1] - db[third] : db[1] + UNKNOWN);
}
