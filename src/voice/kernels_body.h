/* The kernels, compiled once for each instruction set by the file that includes this one and
 * defines KERNEL(name). Arrays called `x[i]` of type lanes hold value i of eight frames. */
#include "voice/kernels.h"
#include "voice/lanes.h"

/* ---- frames into lanes ---- */

LANES_INLINE void transpose(lanes row[LANES]) {
    lanes a[LANES], b[LANES];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = __builtin_shufflevector(row[2 * i], row[2 * i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        a[2 * i + 1] =
            __builtin_shufflevector(row[2 * i], row[2 * i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            b[4 * i + k] =
                __builtin_shufflevector(a[4 * i + k], a[4 * i + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            b[4 * i + k + 2] =
                __builtin_shufflevector(a[4 * i + k], a[4 * i + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int k = 0; k < 4; k++) {
        row[k] = __builtin_shufflevector(b[k], b[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        row[k + 4] = __builtin_shufflevector(b[k], b[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/* out[i] = samples[lane * step + i] * window[i]; returns the mean square of what was written, and
 * through `raw` (may be NULL) that of the samples themselves. */
LANES_INLINE lanes load_frames(const float *samples, size_t step, size_t count, const float *window,
                               size_t size, lanes *out, lanes *raw) {
    const float *frame[LANES];
    for (size_t l = 0; l < LANES; l++) frame[l] = samples + step * (l < count ? l : count - 1);
    lanes windowed_sum = lanes_all(0.0f), raw_sum = lanes_all(0.0f);
    size_t i = 0;
    for (; i + LANES <= size; i += LANES) {
        lanes row[LANES];
        for (int l = 0; l < LANES; l++) memcpy(&row[l], frame[l] + i, sizeof row[l]);
        transpose(row);
        for (int k = 0; k < LANES; k++) {
            lanes value = row[k] * window[i + (size_t)k];
            raw_sum += row[k] * row[k];
            windowed_sum += value * value;
            out[i + (size_t)k] = value;
        }
    }
    for (; i < size; i++) {
        lanes value = lanes_all(0.0f);
        for (int l = 0; l < LANES; l++) value[l] = frame[l][i];
        raw_sum += value * value;
        value *= window[i];
        windowed_sum += value * value;
        out[i] = value;
    }
    if (raw) *raw = raw_sum / (float)size;
    return windowed_sum / (float)size;
}

/* ---- real Fourier transform ---- */

/* Stockham autosort, radix 4 with a last stage of radix 2 where needed: complex transform of
 * half = size / 2 points, x and y each hold 2 * half lanes (re, im). Returns where the result is.
 */
LANES_INLINE lanes *complex_fft(const voice_fft *fft, lanes *x, lanes *y) {
    size_t n = fft->size / 2, stride = 1;
    const float *w = fft->twiddle;
    while (n >= 4) {
        size_t m = n / 4;
        for (size_t p = 0; p < m; p++, w += 6) {
            float w1r = w[0], w1i = w[1], w2r = w[2], w2i = w[3], w3r = w[4], w3i = w[5];
            for (size_t q = 0; q < stride; q++) {
                const lanes *a = x + 2 * (q + stride * p), *b = a + 2 * stride * m,
                            *c = b + 2 * stride * m, *d = c + 2 * stride * m;
                lanes *out = y + 2 * (q + stride * 4 * p);
                lanes apc_r = a[0] + c[0], apc_i = a[1] + c[1];
                lanes amc_r = a[0] - c[0], amc_i = a[1] - c[1];
                lanes bpd_r = b[0] + d[0], bpd_i = b[1] + d[1];
                lanes jbmd_r = d[1] - b[1], jbmd_i = b[0] - d[0]; /* i (b - d) */
                out[0] = apc_r + bpd_r;
                out[1] = apc_i + bpd_i;
                lanes t1r = amc_r - jbmd_r, t1i = amc_i - jbmd_i;
                lanes t2r = apc_r - bpd_r, t2i = apc_i - bpd_i;
                lanes t3r = amc_r + jbmd_r, t3i = amc_i + jbmd_i;
                lanes *out1 = out + 2 * stride, *out2 = out1 + 2 * stride,
                      *out3 = out2 + 2 * stride;
                out1[0] = t1r * w1r - t1i * w1i;
                out1[1] = t1r * w1i + t1i * w1r;
                out2[0] = t2r * w2r - t2i * w2i;
                out2[1] = t2r * w2i + t2i * w2r;
                out3[0] = t3r * w3r - t3i * w3i;
                out3[1] = t3r * w3i + t3i * w3r;
            }
        }
        n = m;
        stride *= 4;
        lanes *swap = x;
        x = y;
        y = swap;
    }
    if (n == 2) {
        for (size_t q = 0; q < stride; q++) {
            const lanes *a = x + 2 * q, *b = a + 2 * stride;
            lanes *out = y + 2 * q, *out1 = out + 2 * stride;
            out[0] = a[0] + b[0];
            out[1] = a[1] + b[1];
            out1[0] = a[0] - b[0];
            out1[1] = a[1] - b[1];
        }
        return y;
    }
    return x;
}

/* The recombination twiddles exp(-2 pi i k / size), k = 0..size / 4, follow those of the stages. */
LANES_INLINE const float *real_twiddle(const voice_fft *fft) {
    const float *w = fft->twiddle;
    for (size_t n = fft->size / 2; n >= 4; n /= 4) w += 6 * (n / 4);
    return w;
}

/* Bins k and half - k of the real transform from the complex one. */
LANES_INLINE void real_pair(const lanes *z, size_t half, size_t k, float wr, float wi, lanes low[2],
                            lanes high[2]) {
    const lanes *a = z + 2 * k, *b = z + 2 * ((half - k) & (half - 1));
    lanes even_r = (a[0] + b[0]) * 0.5f, even_i = (a[1] - b[1]) * 0.5f;
    lanes odd_r = (a[1] + b[1]) * 0.5f, odd_i = (b[0] - a[0]) * 0.5f;
    lanes turned_r = odd_r * wr - odd_i * wi, turned_i = odd_r * wi + odd_i * wr;
    low[0] = even_r + turned_r;
    low[1] = even_i + turned_i;
    high[0] = even_r - turned_r;
    high[1] = turned_i - even_i;
}

/* x holds `size` real lanes and is destroyed, like y; out[0..size / 2] complex (re, im). */
LANES_INLINE void real_fft(const voice_fft *fft, lanes *x, lanes *y, lanes *out) {
    size_t half = fft->size / 2;
    const lanes *z = complex_fft(fft, x, y);
    const float *w = real_twiddle(fft);
    for (size_t k = 0; k <= half / 2; k++)
        real_pair(z, half, k, w[2 * k], w[2 * k + 1], out + 2 * k, out + 2 * (half - k));
}

LANES_INLINE void real_fft_magnitude(const voice_fft *fft, lanes *x, lanes *y, lanes *out) {
    size_t half = fft->size / 2;
    const lanes *z = complex_fft(fft, x, y);
    const float *w = real_twiddle(fft);
    for (size_t k = 0; k <= half / 2; k++) {
        lanes low[2], high[2];
        real_pair(z, half, k, w[2 * k], w[2 * k + 1], low, high);
        out[k] = lanes_sqrt(low[0] * low[0] + low[1] * low[1]);
        out[half - k] = lanes_sqrt(high[0] * high[0] + high[1] * high[1]);
    }
}

/* ---- pitch candidates: subharmonic summation on an octave axis ---- */

/* Keeps each maximum with two bins on both sides, then smooths with 1 2 1. The last bin stays. */
LANES_INLINE void enhance_peaks(const lanes *in, size_t n, lanes *out) {
    /* A bin is cleared if it lies between two maxima and further than two bins from both. Whether a
     * maximum follows is only open behind the last one, so clear first and restore that tail. */
    lanes_int none = (lanes_int)lanes_all(0.0f);
    lanes_int behind[5] = {none, none, none, none, none}; /* maxima at i-2 .. i+2, as i advances */
    lanes_int seen = none, last = none;
    lanes_int only = none; /* exactly one maximum so far */
#define IS_MAXIMUM(i)                                                                              \
    ((i) == 0       ? (in[0] > in[1])                                                              \
     : (i) == n - 1 ? (in[n - 1] > in[n - 2])                                                      \
                    : ((in[i] > in[(i)-1]) & (in[i] >= in[(i) + 1])))
    behind[3] = IS_MAXIMUM(0);
    behind[4] = IS_MAXIMUM(1);
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < 4; k++) behind[k] = behind[k + 1];
        behind[4] = i + 2 < n ? IS_MAXIMUM(i + 2) : none;
        lanes_int here = behind[2];
        lanes_int index = none + (int32_t)i;
        only = (only & ~here) | (~seen & here);
        seen |= here;
        last = (last & ~here) | (index & here);
        lanes_int keep = behind[0] | behind[1] | here | behind[3] | behind[4] | ~seen;
        out[i] = (lanes)((lanes_int)in[i] & keep);
    }
#undef IS_MAXIMUM
    /* Behind the last maximum everything stays; with a single maximum, everything but bins 0..2 is
     * cleared, which only a spectrum without any structure meets. */
    int32_t first_tail = (int32_t)n;
    for (int l = 0; l < LANES; l++)
        if (last[l] < first_tail) first_tail = last[l];
    for (size_t i = (size_t)first_tail; i < n; i++) {
        lanes_int tail = (last < (int32_t)i) & ~only;
        out[i] = lanes_select(tail, in[i], out[i]);
    }
    if (lanes_bits(only))
        for (size_t i = 0; i < n; i++)
            out[i] = lanes_select(only, i < 3 ? in[i] : lanes_all(0.0f), out[i]);
    lanes before = lanes_all(0.0f);
    for (size_t i = 0; i + 1 < n; i++) {
        lanes value = out[i];
        out[i] = (before + 2.0f * value + out[i + 1]) * 0.25f;
        before = value;
    }
}

/* Natural cubic spline through the bins, read at equal steps of log2 f, weighted by the ear. */
LANES_INLINE void to_octaves(const voice_plan *plan, const lanes *y, lanes *m, lanes *out) {
    size_t n = plan->long_bins;
    m[0] = lanes_all(0.0f);
    for (size_t i = 1; i + 1 < n; i++) {
        lanes bend =
            (y[i + 1] - y[i]) * plan->spline_r1[i] - (y[i] - y[i - 1]) * plan->spline_r2[i];
        m[i] = plan->spline_p[i] * (6.0f * bend - plan->spline_sigma[i] * m[i - 1]);
    }
    m[n - 1] = lanes_all(0.0f);
    for (size_t i = n - 2; i > 0; i--) m[i] = m[i] + plan->spline_c[i] * m[i + 1];
    for (size_t i = 0; i < n; i++) {
        size_t k = (size_t)plan->octave_bin[i];
        float a = plan->octave_a[i], c = plan->octave_c[i], d = plan->octave_d[i];
        lanes value = y[k] * a + y[k + 1] * (1.0f - a) + m[k] * c + m[k + 1] * d;
        out[i] = lanes_max(value, lanes_all(0.0f)) * plan->octave_weight[i];
    }
}

LANES_INLINE lanes sum_subharmonics(const voice_plan *plan, const lanes *in, lanes *out) {
    size_t n = plan->long_bins;
    float weight[VOICE_HARMONICS];
    weight[0] = 1.0f;
    for (int h = 1; h < VOICE_HARMONICS; h++) weight[h] = weight[h - 1] * 0.85f;
    lanes total = lanes_all(0.0f), part = total;
    for (size_t i = 0; i < n; i++) {
        lanes sum = in[i];
        for (int h = 1; h < VOICE_HARMONICS; h++) {
            size_t k = i + (size_t)plan->octave_shift[h];
            if (k >= n) break;
            sum += in[k] * weight[h];
        }
        sum = lanes_max(sum / (float)VOICE_HARMONICS, lanes_all(0.0f));
        out[i] = sum;
        part += sum;
        if ((i & 31) == 31 || i + 1 == n) {
            total += part;
            part = lanes_all(0.0f);
        }
    }
    return total / (float)n;
}

typedef struct peak {
    float score;
    int at;
} peak;

/* The strongest maxima, best first, refined by a parabola and turned into Hz and a voicing score.
 */
static void pick_candidates(const voice_plan *plan, const lanes *sum, lanes mean,
                            voice_block *out) {
    size_t n = plan->long_bins;
    peak best[LANES][VOICE_CANDIDATES];
    memset(best, 0, sizeof best);
    float least[LANES] = {0};
    for (size_t i = 1; i + 1 < n; i++) {
        unsigned bits = lanes_bits((sum[i - 1] < sum[i]) & (sum[i] > sum[i + 1]));
        while (bits) {
            int l = __builtin_ctz(bits);
            bits &= bits - 1;
            float score = sum[i][l];
            if (!(score > least[l])) continue;
            int k = VOICE_CANDIDATES - 1;
            for (; k > 0 && best[l][k - 1].score < score; k--) best[l][k] = best[l][k - 1];
            best[l][k] = (peak){score, (int)i};
            least[l] = best[l][VOICE_CANDIDATES - 1].score;
        }
    }
    lanes hz[VOICE_CANDIDATES];
    double top[LANES][VOICE_CANDIDATES];
    for (int c = 0; c < VOICE_CANDIDATES; c++) {
        lanes octave = lanes_all(0.0f);
        for (int l = 0; l < LANES; l++) {
            int i = best[l][c].at;
            top[l][c] = 0.0;
            if (i == 0) continue;
            double y0 = (double)sum[i - 1][l], y1 = (double)sum[i][l], y2 = (double)sum[i + 1][l];
            double slope = 0.5 * (y2 - y0), curve = 0.5 * (y2 + y0) - y1;
            double offset = -slope / (2.0 * curve);
            top[l][c] = y1 + 0.5 * slope * offset;
            octave[l] = (float)((double)plan->octave_start +
                                ((double)i + offset) * (double)plan->octave_step);
        }
        hz[c] = octave;
    }
    for (int c = 0; c < VOICE_CANDIDATES; c++) {
        /* 2^x through the integer part, so that the float argument keeps its precision. */
        lanes_int whole = __builtin_convertvector(hz[c], lanes_int);
        lanes part = hz[c] - __builtin_convertvector(whole, lanes);
        hz[c] = lanes_exp(part * 0.693147181f) * (lanes)((whole + 127) << 23);
    }
    for (int l = 0; l < LANES; l++) {
        int kept = 0, strongest = 0;
        float score[VOICE_CANDIDATES];
        for (int c = 0; c < VOICE_CANDIDATES; c++) {
            out->f0[l][c] = out->voicing[l][c] = 0.0f;
            score[c] = 0.0f;
            if (best[l][c].at == 0 || hz[c][l] < 55.0f || hz[c][l] > 1000.0f) continue;
            out->f0[l][kept] = hz[c][l];
            double share = 1.0 - (double)mean[l] / top[l][c];
            out->voicing[l][kept] = top[l][c] > 0.0 && share > 0.0 ? (float)share : 0.0f;
            score[kept] = (float)top[l][c];
            if (score[kept] > score[strongest]) strongest = kept;
            kept++;
        }
        float f = out->f0[l][0], v = out->voicing[l][0];
        out->f0[l][0] = out->f0[l][strongest];
        out->voicing[l][0] = out->voicing[l][strongest];
        out->f0[l][strongest] = f;
        out->voicing[l][strongest] = v;
    }
}

static void KERNEL(long_frames)(const voice_plan *plan, const float *samples, size_t count,
                                void *scratch, float *magnitude, voice_block *out) {
    size_t size = plan->long_fft.size, bins = plan->long_bins;
    lanes *x = scratch, *y = x + size + 2, *z = y + size + 2;
    lanes power =
        load_frames(samples, plan->step, count, plan->long_window, plan->long_size, x, NULL);
    lanes rms = lanes_sqrt(power);
    memcpy(out->rms, &rms, sizeof out->rms);
    for (size_t i = plan->long_size; i < size; i++) x[i] = lanes_all(0.0f);
    lanes *spectrum = (lanes *)magnitude;
    real_fft_magnitude(&plan->long_fft, x, y, spectrum);
    enhance_peaks(spectrum, bins, x);
    to_octaves(plan, x, y, z);
    lanes mean = sum_subharmonics(plan, z, x);
    pick_candidates(plan, x, mean, out);
}

/* ---- short frames: spectrum ---- */

LANES_INLINE void mel_energies(const voice_mel *mel, const lanes *power, lanes *out) {
    for (size_t b = 0; b < mel->bands; b++) out[b] = lanes_all(0.0f);
    for (size_t k = mel->first_bin; k < mel->end_bin; k++) {
        int band = mel->band[k];
        lanes low = power[k] * mel->weight[k];
        if (band >= 0) out[band] += low;
        if (band + 1 < (int)mel->bands) out[band + 1] += power[k] - low;
    }
}

/* Mean over the bands of (equal-loudness x energy)^0.33, Hermansky's intensity to loudness. */
LANES_INLINE lanes loudness(const voice_plan *plan, const lanes *mel) {
    lanes sum = lanes_all(0.0f);
    for (int b = 0; b < VOICE_MEL_BANDS; b++) {
        lanes energy = lanes_max(mel[b], lanes_all(0.00000000093f)) * plan->equal_loudness[b];
        sum += lanes_exp(lanes_log(energy) * 0.33f);
    }
    return sum / (float)VOICE_MEL_BANDS;
}

LANES_INLINE void cepstrum(const voice_plan *plan, const lanes *mel, voice_block *out) {
    lanes log_energy[VOICE_MEL_BANDS];
    for (int b = 0; b < VOICE_MEL_BANDS; b++) /* scaled as 16-bit integers, floor 1 (HTK) */
        log_energy[b] = lanes_log(lanes_max(mel[b] * (32767.0f * 32767.0f), lanes_all(1.0f)));
    for (int c = 0; c < VOICE_MFCC; c++) {
        lanes sum = lanes_all(0.0f);
        for (int b = 0; b < VOICE_MEL_BANDS; b++) sum += log_energy[b] * plan->cepstrum[c][b];
        memcpy(out->mfcc[c], &sum, sizeof sum);
    }
}

#define POWER_FLOOR 1e-14f

LANES_INLINE lanes decibel(lanes power) { return lanes_log(power) * 4.34294482f; }

LANES_INLINE void spectral_balance(const voice_plan *plan, const lanes *power, voice_block *out) {
    lanes low = lanes_all(0.0f), high = low, low_peak = low, high_peak = low;
    for (size_t k = 0; k < plan->alpha_split; k++) low += power[k];
    for (size_t k = plan->alpha_split; k < plan->band_end; k++) high += power[k];
    for (size_t k = 0; k < plan->hammarberg_split; k++) low_peak = lanes_max(low_peak, power[k]);
    for (size_t k = plan->hammarberg_split; k < plan->band_end; k++)
        high_peak = lanes_max(high_peak, power[k]);
    lanes floor = lanes_all(POWER_FLOOR), tiny = lanes_all(1.17549435e-38f);
    lanes zero = lanes_all(0.0f);
    lanes alpha = decibel(lanes_max(high, floor)) - decibel(lanes_max(low, tiny));
    alpha = lanes_select(low > zero, alpha, zero);
    lanes hammarberg = decibel(lanes_max(low_peak, floor)) - decibel(lanes_max(high_peak, tiny));
    hammarberg = lanes_select(high_peak > zero, hammarberg, zero);
    memcpy(out->alpha, &alpha, sizeof alpha);
    memcpy(out->hammarberg, &hammarberg, sizeof hammarberg);
    for (int s = 0; s < 2; s++) {
        const voice_line *line = &plan->line[s];
        lanes sum = lanes_all(0.0f), sum_f = sum;
        for (size_t k = line->first; k <= line->last; k++) {
            float weight = k == line->first  ? (float)line->weight_first
                           : k == line->last ? (float)line->weight_last
                                             : 1.0f;
            lanes level = decibel(lanes_max(power[k], floor)) * weight;
            sum += level;
            sum_f += level * (float)((double)k * plan->short_hz);
        }
        lanes_double s0 = __builtin_convertvector(sum, lanes_double);
        lanes_double s1 = __builtin_convertvector(sum_f, lanes_double);
        double scale = line->count * line->sum_f2 - line->sum_f * line->sum_f;
        lanes_double slope = (line->count * s1 - line->sum_f * s0) / scale;
        lanes result = __builtin_convertvector(slope, lanes);
        memcpy(out->slope[s], &result, sizeof result);
    }
}

/* Root mean square change of the magnitude spectrum below 5 kHz since the frame before. */
LANES_INLINE void flux(const voice_plan *plan, const lanes *magnitude, size_t count, bool first,
                       float *previous, voice_block *out) {
    lanes sum = lanes_all(0.0f);
    for (size_t k = 0; k < plan->flux_end; k++) {
        lanes now = magnitude[k];
        lanes before = __builtin_shufflevector(now, now, 0, 0, 1, 2, 3, 4, 5, 6);
        before[0] = first ? now[0] : previous[k];
        lanes change = now - before;
        sum += change * change;
        previous[k] = now[(int)count - 1];
    }
    lanes result = lanes_sqrt(sum / (float)plan->flux_end);
    memcpy(out->flux, &result, sizeof result);
}

/* ---- short frames: formants ---- */

/* The frame, band-limited and resampled to 11 kHz by an inverse transform of its lowest bins. The
 * set keeps as many bins as the output has samples (110 of them below 3.4 kHz) and starts at the
 * zero padding; both are part of its definition. spectrum: (re, im), e^{-i w t} convention. */
LANES_INLINE void resample(const voice_plan *plan, const lanes *spectrum, lanes *out) {
    size_t bins = plan->resample_bins;
    const float *table = plan->resample_table;
    for (size_t i = 0; i < plan->resampled; i += 4) {
        size_t rows = plan->resampled - i < 4 ? plan->resampled - i : 4;
        lanes sum[4] = {spectrum[0], spectrum[0], spectrum[0], spectrum[0]};
        if (rows == 4) {
            const float *t0 = table + i * bins * 2, *t1 = t0 + bins * 2, *t2 = t1 + bins * 2,
                        *t3 = t2 + bins * 2;
            for (size_t k = 1; k < bins; k++) {
                lanes re = spectrum[2 * k], im = spectrum[2 * k + 1];
                sum[0] += re * t0[2 * k];
                sum[0] += im * t0[2 * k + 1];
                sum[1] += re * t1[2 * k];
                sum[1] += im * t1[2 * k + 1];
                sum[2] += re * t2[2 * k];
                sum[2] += im * t2[2 * k + 1];
                sum[3] += re * t3[2 * k];
                sum[3] += im * t3[2 * k + 1];
            }
        } else {
            for (size_t r = 0; r < rows; r++)
                for (size_t k = 1; k < bins; k++)
                    sum[r] += spectrum[2 * k] * table[((i + r) * bins + k) * 2] +
                              spectrum[2 * k + 1] * table[((i + r) * bins + k) * 2 + 1];
        }
        for (size_t r = 0; r < rows; r++) out[i + r] = sum[r] * plan->resample_gain;
    }
}

/* Autocorrelation method, Levinson-Durbin. A frame of zeros gives zero coefficients. */
LANES_INLINE void linear_prediction(const lanes *x, size_t n, lanes a[VOICE_LPC_ORDER]) {
    lanes r[VOICE_LPC_ORDER + 1];
    for (size_t lag = 0; lag <= VOICE_LPC_ORDER; lag++) {
        lanes sum = lanes_all(0.0f);
        for (size_t i = lag; i < n; i++) sum += x[i] * x[i - lag];
        r[lag] = sum;
    }
    lanes error = r[0];
    lanes_int dead = error == 0.0f;
    for (int m = 0; m < VOICE_LPC_ORDER; m++) {
        lanes sum = r[m + 1];
        for (int i = 0; i < m; i++) sum += a[i] * r[m - i];
        lanes k = (-1.0f / error) * sum;
        k = lanes_select(dead, lanes_all(0.0f), k);
        a[m] = k;
        for (int i = 0; i < (m + 1) / 2; i++) {
            lanes low = a[i], high = a[m - 1 - i];
            a[i] = low + k * high;
            if (m - 1 - i != i) a[m - 1 - i] = high + k * low;
        }
        error *= 1.0f - k * k;
        dead |= error == 0.0f;
    }
}

enum { ROOTS = VOICE_LPC_ORDER, ROOT_ROUNDS = 60 };

/* All roots of z^n - sum a_i z^(n-1-i), by Aberth and Ehrlich's simultaneous iteration in float,
 * each then polished by two Newton steps in double. Starts are fixed, so a frame's result depends
 * on nothing but the frame. */
LANES_INLINE void find_roots(const lanes a[ROOTS], lanes_double re[ROOTS], lanes_double im[ROOTS]) {
    lanes zr[ROOTS], zi[ROOTS];
    for (int j = 0; j < ROOTS; j++) {
        float angle = 6.28318531f * (float)j / (float)ROOTS + 0.4f;
        zr[j] = lanes_all(0.9f * cosf(angle));
        zi[j] = lanes_all(0.9f * sinf(angle));
    }
    for (int round = 0; round < ROOT_ROUNDS; round++) {
        lanes largest = lanes_all(0.0f);
        for (int j = 0; j < ROOTS; j++) {
            lanes x = zr[j], y = zi[j];
            lanes pr = lanes_all(1.0f), pi = lanes_all(0.0f), dr = pi, di = pi;
            for (int i = 0; i < ROOTS; i++) {
                lanes ndr = dr * x - di * y + pr, ndi = dr * y + di * x + pi;
                lanes npr = pr * x - pi * y - a[i], npi = pr * y + pi * x;
                dr = ndr;
                di = ndi;
                pr = npr;
                pi = npi;
            }
            /* w = p / p'; step = w / (1 - w * sum 1 / (z_j - z_k)) */
            lanes sr = lanes_all(0.0f), si = sr;
            for (int k = 0; k < ROOTS; k++) {
                if (k == j) continue;
                lanes ur = x - zr[k], ui = y - zi[k];
                lanes inverse = 1.0f / (ur * ur + ui * ui + 1e-20f);
                sr += ur * inverse;
                si -= ui * inverse;
            }
            /* p / (p' - p s) */
            lanes br = dr - (pr * sr - pi * si), bi = di - (pr * si + pi * sr);
            lanes inverse = 1.0f / (br * br + bi * bi + 1e-30f);
            lanes step_r = (pr * br + pi * bi) * inverse, step_i = (pi * br - pr * bi) * inverse;
            zr[j] = x - step_r;
            zi[j] = y - step_i;
            largest = lanes_max(largest, step_r * step_r + step_i * step_i);
        }
        if (!lanes_bits(largest > 1e-9f)) break;
    }
    for (int j = 0; j < ROOTS; j++) {
        lanes_double x = __builtin_convertvector(zr[j], lanes_double);
        lanes_double y = __builtin_convertvector(zi[j], lanes_double);
        for (int round = 0; round < 2; round++) {
            lanes_double pr = x * 0.0 + 1.0, pi = x * 0.0, dr = pi, di = pi;
            for (int i = 0; i < ROOTS; i++) {
                lanes_double c = __builtin_convertvector(a[i], lanes_double);
                lanes_double ndr = dr * x - di * y + pr, ndi = dr * y + di * x + pi;
                lanes_double npr = pr * x - pi * y - c, npi = pr * y + pi * x;
                dr = ndr;
                di = ndi;
                pr = npr;
                pi = npi;
            }
            lanes_double inverse = 1.0 / (dr * dr + di * di + 1e-60);
            x -= (pr * dr + pi * di) * inverse;
            y -= (pi * dr - pr * di) * inverse;
        }
        re[j] = x;
        im[j] = y;
    }
}

static void formants(const voice_plan *plan, const lanes a[VOICE_LPC_ORDER], voice_block *out) {
    lanes_double re[ROOTS], im[ROOTS];
    find_roots(a, re, im);
    double to_hz = plan->resample_rate / 6.283185307179586;
    for (int l = 0; l < LANES; l++) {
        double hz[ROOTS], width[ROOTS];
        int found = 0;
        bool silent = true; /* no prediction: every root is 0, and the search crawls to it */
        for (int j = 0; j < ROOTS; j++) silent &= a[j][l] == 0.0f;
        for (int j = 0; j < ROOTS && !silent; j++) {
            double x = re[j][l], y = im[j][l];
            if (!(y > 0.0)) continue;
            double f = atan2(y, x) * to_hz;
            if (f < 50.0 || f > 5450.0) continue;
            /* A root outside the unit circle is mirrored into it. */
            double b = fabs(0.5 * log(x * x + y * y)) * 2.0 * to_hz;
            int k = found++;
            for (; k > 0 && hz[k - 1] > f; k--) {
                hz[k] = hz[k - 1];
                width[k] = width[k - 1];
            }
            hz[k] = f;
            width[k] = b;
        }
        for (int k = 0; k < VOICE_FORMANTS; k++) {
            out->formant[k][l] = k < found ? (float)hz[k] : 0.0f;
            out->bandwidth[k][l] = k < found ? (float)width[k] : 0.0f;
        }
    }
}

static void KERNEL(short_frames)(const voice_plan *plan, const float *samples, size_t count,
                                 bool first, float *previous, void *scratch, voice_block *out) {
    size_t size = plan->short_fft.size, bins = plan->short_bins;
    size_t pad = (size - plan->short_size) / 2; /* half of the zeros stand before the frame */
    lanes *x = scratch, *y = x + size + 2, *spectrum = y + size + 2;
    lanes energy;
    for (size_t i = 0; i < pad; i++) x[i] = lanes_all(0.0f);
    load_frames(samples, plan->step, count, plan->short_window, plan->short_size, x + pad, &energy);
    for (size_t i = pad + plan->short_size; i < size; i++) x[i] = lanes_all(0.0f);
    memcpy(out->energy, &energy, sizeof energy);
    real_fft(&plan->short_fft, x, y, spectrum);

    lanes *power = x, *magnitude = y;
    for (size_t k = 0; k < bins; k++) {
        lanes p = spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1];
        /* Subnormal power counts as none: the reference flushes it to zero. */
        p = lanes_select(p < 1.17549435e-38f, lanes_all(0.0f), p);
        power[k] = p;
        if (k < plan->flux_end) magnitude[k] = lanes_sqrt(p);
    }
    flux(plan, magnitude, count, first, previous, out);
    lanes mel[VOICE_MEL_BANDS];
    mel_energies(&plan->mel, power, mel);
    lanes loud = loudness(plan, mel);
    memcpy(out->loudness, &loud, sizeof loud);
    cepstrum(plan, mel, out);
    spectral_balance(plan, power, out);
    lanes a[VOICE_LPC_ORDER];
    resample(plan, spectrum, x);
    linear_prediction(x, plan->resampled, a);
    formants(plan, a, out);
}

/* ---- inner product ---- */

LANES_INLINE lanes_double products(const float *a, const float *b) {
    lanes x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return __builtin_convertvector(x, lanes_double) * __builtin_convertvector(y, lanes_double);
}

static double KERNEL(dot)(const float *a, const float *b, size_t n) {
    lanes_double sum = {0}, other = {0}; /* two, so that additions need not wait for each other */
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        sum += products(a + i, b + i);
        other += products(a + i + LANES, b + i + LANES);
    }
    if (i + LANES <= n) {
        sum += products(a + i, b + i);
        i += LANES;
    }
    sum += other;
    double total =
        ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
    for (; i < n; i++) total += (double)a[i] * (double)b[i];
    return total;
}

/* ---- log-mel ---- */

static void KERNEL(log_mel)(const voice_fft *fft, const float *window, size_t window_size,
                            size_t step, const voice_mel *mel, float floor, const float *samples,
                            size_t count, void *scratch, float *out, size_t stride) {
    size_t size = fft->size, bins = size / 2 + 1;
    lanes *x = scratch, *y = x + size + 2, *spectrum = y + size + 2;
    load_frames(samples, step, count, window, window_size, x, NULL);
    for (size_t i = window_size; i < size; i++) x[i] = lanes_all(0.0f);
    real_fft(fft, x, y, spectrum);
    for (size_t k = 0; k < bins; k++)
        x[k] = spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1];
    mel_energies(mel, x, y);
    for (size_t b = 0; b < mel->bands; b++) {
        lanes value = lanes_log(lanes_max(y[b], lanes_all(floor)));
        for (size_t l = 0; l < count; l++) out[l * stride + b] = value[(int)l];
    }
}
