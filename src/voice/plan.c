/* Tables of the descriptors for one sample rate: windows, transforms, the octave axis of the pitch
 * detector, mel filters, resampling. Computed once, in double, stored in float. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "voice/kernels.h"

static const double PI = 3.14159265358979323846;

double voice_mel_from_hz(double hz) { return 1127.0 * log(1.0 + hz / 700.0); }
static double mel_to_hz(double mel) { return 700.0 * (exp(mel / 1127.0) - 1.0); }

static size_t power_of_two(size_t n) {
    size_t size = 16;
    while (size < n) size *= 2;
    return size;
}

/* ---- transforms ---- */

bool voice_fft_init(voice_fft *fft, size_t size) {
    size_t half = size / 2, count = 0;
    for (size_t n = half; n >= 4; n /= 4) count += 6 * (n / 4);
    count += 2 * (half / 2 + 1);
    fft->size = size;
    fft->twiddle = base_alloc(count * sizeof *fft->twiddle);
    if (!fft->twiddle) return false;
    float *w = fft->twiddle;
    for (size_t n = half; n >= 4; n /= 4)
        for (size_t p = 0; p < n / 4; p++)
            for (int power = 1; power <= 3; power++) {
                double angle = -2.0 * PI * (double)(p * (size_t)power) / (double)n;
                *w++ = (float)cos(angle);
                *w++ = (float)sin(angle);
            }
    for (size_t k = 0; k <= half / 2; k++) {
        *w++ = (float)cos(-2.0 * PI * (double)k / (double)size);
        *w++ = (float)sin(-2.0 * PI * (double)k / (double)size);
    }
    return true;
}

void voice_fft_destroy(voice_fft *fft) {
    base_free(fft->twiddle);
    fft->twiddle = NULL;
}

/* ---- mel filters ---- */

bool voice_mel_init(voice_mel *mel, size_t bands, size_t bins, double bin_hz, double low_hz,
                    double high_hz) {
    double nyquist = bin_hz * (double)(bins - 1);
    if (high_hz > nyquist || high_hz <= low_hz) high_hz = nyquist;
    mel->bands = bands;
    mel->band = base_alloc(bins * sizeof *mel->band);
    mel->weight = base_alloc(bins * sizeof *mel->weight);
    float *centre = base_alloc((bands + 2) * sizeof *centre);
    if (!mel->band || !mel->weight || !centre) {
        base_free(centre);
        return false;
    }
    float low = (float)voice_mel_from_hz(low_hz), high = (float)voice_mel_from_hz(high_hz);
    float width = (high - low) / ((float)bands + 1.0f);
    for (size_t m = 0; m < bands + 2; m++) centre[m] = low + (float)m * width;
    mel->first_bin = (size_t)lround(low_hz / bin_hz);
    mel->end_bin = BASE_MIN((size_t)lround(high_hz / bin_hz), bins);
    size_t m = 0;
    for (size_t k = 0; k < bins; k++) {
        float at = (float)voice_mel_from_hz((double)k * bin_hz);
        while (m < bands && at > centre[m + 1]) m++;
        mel->band[k] = (int)m - 1;
        mel->weight[k] = (centre[m + 1] - at) / (centre[m + 1] - centre[m]);
    }
    /* The lowest bin stands at or below the foot of the first filter and belongs to none. */
    if (mel->first_bin < mel->end_bin) mel->first_bin++;
    base_free(centre);
    return true;
}

void voice_mel_destroy(voice_mel *mel) {
    base_free(mel->band);
    base_free(mel->weight);
    mel->band = NULL;
    mel->weight = NULL;
}

/* ---- pitch: the octave axis ---- */

typedef struct arena {
    base_arena base;
    bool failed;
} arena;

static void *take(arena *memory, size_t count, size_t size) {
    void *p = memory->failed ? NULL : base_arena_alloc(&memory->base, count * size);
    if (!p) memory->failed = true;
    return p;
}

static void make_octave_axis(voice_plan *plan, arena *memory) {
    size_t n = plan->long_bins;
    float **tables[] = {&plan->spline_sigma, &plan->spline_p,  &plan->spline_c,
                        &plan->spline_r1,    &plan->spline_r2, &plan->octave_a,
                        &plan->octave_c,     &plan->octave_d,  &plan->octave_weight};
    for (size_t t = 0; t < BASE_COUNT(tables); t++) *tables[t] = take(memory, n, sizeof(float));
    plan->octave_bin = take(memory, n, sizeof(int));
    double *knot = take(memory, n, sizeof(double));
    if (memory->failed) return;

    double bin = plan->long_hz, lowest = 25.0, highest = bin * (double)(n - 1);
    for (size_t i = 1; i < n; i++) knot[i] = log2((double)i * bin);
    knot[0] = 2.0 * knot[1] - knot[2]; /* bin 0 has no logarithm */
    /* Natural spline: what the tridiagonal elimination needs that does not depend on the data. */
    double c = 0.0;
    for (size_t i = 1; i + 1 < n; i++) {
        double span = knot[i + 1] - knot[i - 1];
        double sigma = (knot[i] - knot[i - 1]) / span;
        double p = 1.0 / (sigma * c + 2.0);
        c = (sigma - 1.0) * p;
        plan->spline_sigma[i] = (float)sigma;
        plan->spline_p[i] = (float)p;
        plan->spline_c[i] = (float)c;
        plan->spline_r1[i] = (float)(1.0 / ((knot[i + 1] - knot[i]) * span));
        plan->spline_r2[i] = (float)(1.0 / ((knot[i] - knot[i - 1]) * span));
    }
    double start = log2(lowest), step = (log2(highest) - start) / (double)(n - 1);
    double octaves = log2(highest / lowest), points = (double)n / octaves;
    size_t right = 1;
    for (size_t i = 0; i < n; i++) {
        double x = start + (double)i * step;
        while (right < n - 1 && knot[right] < x) right++;
        double range = knot[right] - knot[right - 1];
        double a = (knot[right] - x) / range, b = 1.0 - a;
        plan->octave_bin[i] = (int)right - 1;
        plan->octave_a[i] = (float)a;
        plan->octave_c[i] = (float)((a * a * a - a) * range * range / 6.0);
        plan->octave_d[i] = (float)((b * b * b - b) * range * range / 6.0);
        /* The ear's sensitivity rises as an arc tangent over the octaves. */
        double bend = points * log2(65.0 / 50.0) - 1.0;
        plan->octave_weight[i] = (float)(0.5 + atan(3.0 * ((double)i + 1.0 - bend) / points) / PI);
    }
    for (int h = 1; h < VOICE_HARMONICS; h++)
        plan->octave_shift[h] = (int)floor((double)(float)points * (log(h + 1.0) / log(2.0)));
    plan->octave_start = (float)start;
    plan->octave_step = ((float)log2(highest) - (float)start) / (float)(n - 1);
}

/* ---- spectrum ---- */

/* Hermansky's equal-loudness curve with its term for high frequencies, scaled to about 1. */
static double equal_loudness(double hz) {
    double w = 2.0 * PI * hz, w2 = w * w, c = w2 + 6.3e6;
    return 1e32 * (w2 + 56.8e6) * w2 * w2 / (c * c * (w2 + 0.38e9) * (w2 * w2 * w2 * w + 1.7e31));
}

static void make_line(voice_line *line, double hz, size_t bins, double from, double to) {
    size_t k = 0;
    while (k < bins && (double)k * hz <= from) k++;
    line->first = k ? k - 1 : 0;
    line->weight_first = k < bins ? ((double)k * hz - from) / hz : 1.0;
    for (k = 0; k < bins && (double)k * hz < to;) k++;
    line->weight_last = k < bins && k > 0 ? (to - (double)(k - 1) * hz) / hz : 1.0;
    line->last = k < bins && (double)k * hz == to ? k : k - 1;
    if (line->last >= bins) line->last = bins - 1;
    if (line->weight_first == 0.0) line->weight_first = 1.0;
    if (line->weight_last == 0.0) line->weight_last = 1.0;
    line->count = (double)line->last - (double)line->first;
    line->sum_f = line->sum_f2 = 0.0;
    for (k = line->first; k <= line->last; k++) {
        double weight = k == line->first  ? line->weight_first
                        : k == line->last ? line->weight_last
                                          : 1.0;
        double f = (double)k * hz * weight;
        line->sum_f += f;
        line->sum_f2 += f * f;
    }
}

static bool make_spectrum(voice_plan *plan, arena *memory) {
    size_t bins = plan->short_bins;
    double hz = plan->short_hz;
    if (!voice_mel_init(&plan->mel, VOICE_MEL_BANDS, bins, hz, 20.0, 8000.0)) return false;
    double high = BASE_MIN(8000.0, hz * (double)(bins - 1));
    double low_mel = voice_mel_from_hz(20.0);
    double width = (voice_mel_from_hz(high) - low_mel) / (VOICE_MEL_BANDS + 1.0);
    for (int b = 0; b < VOICE_MEL_BANDS; b++)
        plan->equal_loudness[b] =
            (float)equal_loudness(mel_to_hz(low_mel + width * ((double)b + 1.0)));
    for (int c = 0; c < VOICE_MFCC; c++) {
        double lift = (1.0 + 11.0 * sin(PI * (c + 1.0) / 22.0)) * sqrt(2.0 / VOICE_MEL_BANDS);
        for (int b = 0; b < VOICE_MEL_BANDS; b++)
            plan->cepstrum[c][b] =
                (float)(lift * cos(PI * (c + 1.0) / VOICE_MEL_BANDS * ((double)b + 0.5)));
    }
    make_line(&plan->line[0], hz, bins, 0.0, 500.0);
    make_line(&plan->line[1], hz, bins, 500.0, 1500.0);
    for (size_t k = 0; k < bins; k++) {
        if ((double)k * hz < 5000.0) plan->flux_end = k + 1;
        if ((double)k * hz <= 5000.0) plan->band_end = k + 1;
        if ((double)k * hz < 1000.0) plan->alpha_split = k + 1;
        if ((double)k * hz < 2000.0) plan->hammarberg_split = k + 1;
    }

    /* Resampling by an inverse transform: `points` samples of the target rate span one transform.
     */
    double size = (double)plan->short_fft.size, ratio = 11000.0 / (double)plan->sample_rate;
    double share = (double)plan->short_size / size;
    plan->resampled = (size_t)lround(size * ratio * share);
    double points = (double)plan->resampled / share;
    size_t used = BASE_MIN(plan->short_fft.size, plan->resampled);
    plan->resample_bins = (used - used % 2) / 2;
    plan->resample_rate = 11000.0;
    plan->resample_gain = (float)(2.0 / size);
    plan->resample_table = take(memory, plan->resampled * plan->resample_bins * 2, sizeof(float));
    if (memory->failed) return false;
    float *table = plan->resample_table;
    for (size_t i = 0; i < plan->resampled; i++)
        for (size_t k = 0; k < plan->resample_bins; k++) {
            double angle = 2.0 * PI * (double)(k * i) / points;
            *table++ = (float)cos(angle);
            *table++ = (float)-sin(angle); /* spectra here are of exp(-i w t) */
        }
    return true;
}

affect_status voice_plan_create(affect_context *ctx, int sample_rate, voice_plan **out) {
    *out = NULL;
    if (sample_rate < 8000 || sample_rate > 192000)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "voice descriptors need a sample rate of 8000 to 192000 Hz, not %d",
                         sample_rate);
    voice_plan *plan = base_calloc(1, sizeof *plan);
    arena *memory = base_calloc(1, sizeof *memory);
    if (!plan || !memory) {
        base_free(plan);
        base_free(memory);
        return base_fail_memory(ctx);
    }
    base_arena_init(&memory->base, 0);
    plan->memory = memory;
    plan->sample_rate = sample_rate;
    double rate = (double)sample_rate;
    plan->step = (size_t)lround(0.01 * rate);
    plan->long_size = (size_t)lround(0.06 * rate);
    plan->short_size = (size_t)lround(0.02 * rate);
    size_t long_fft = power_of_two(plan->long_size), short_fft = power_of_two(plan->short_size);
    plan->long_bins = long_fft / 2 + 1;
    plan->short_bins = short_fft / 2 + 1;
    plan->long_hz = rate / (double)long_fft;
    plan->short_hz = rate / (double)short_fft;
    plan->long_window = take(memory, plan->long_size, sizeof(float));
    plan->short_window = take(memory, plan->short_size, sizeof(float));
    bool good = !memory->failed && voice_fft_init(&plan->long_fft, long_fft) &&
                voice_fft_init(&plan->short_fft, short_fft);
    if (good) {
        double last = (double)plan->long_size - 1.0;
        for (size_t i = 0; i < plan->long_size; i++) {
            double t = ((double)i - last / 2.0) / (0.4 * last / 2.0);
            plan->long_window[i] = (float)exp(-0.5 * t * t);
        }
        last = (double)plan->short_size - 1.0;
        for (size_t i = 0; i < plan->short_size; i++)
            plan->short_window[i] = (float)(0.54 - 0.46 * cos(2.0 * PI * (double)i / last));
        make_octave_axis(plan, memory);
        good = !memory->failed && make_spectrum(plan, memory);
    }
    if (!good) {
        voice_plan_destroy(plan);
        return base_fail_memory(ctx);
    }
    *out = plan;
    return AFFECT_OK;
}

void voice_plan_destroy(voice_plan *plan) {
    if (!plan) return;
    arena *memory = plan->memory;
    voice_fft_destroy(&plan->long_fft);
    voice_fft_destroy(&plan->short_fft);
    voice_mel_destroy(&plan->mel);
    base_arena_destroy(&memory->base);
    base_free(memory);
    base_free(plan);
}

size_t voice_scratch_size(const voice_plan *plan) {
    size_t size = BASE_MAX(plan->long_fft.size, plan->short_fft.size);
    return (4 * (size + 4)) * VOICE_LANES * sizeof(float);
}

/* ---- which kernels ---- */

const voice_kernels *voice_kernels_get(const char *name) {
    const char *wish = name ? name : getenv("AFFECT_KERNELS"); /* as nn's; it has no avx512 here */
#if defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2");
#else
    bool avx2 = false;
#endif
    return avx2 && !(wish && strcmp(wish, "baseline") == 0) ? &voice_kernels_avx2
                                                            : &voice_kernels_baseline;
}
