/* Fast Fourier transform, radix 4 over radix 2, decimation in time. */
#include <math.h>

#include "align/align_private.h"

bool align_fft_init(align_fft *fft, size_t size) {
    fft->size = size;
    fft->root = base_alloc((size / 2 + 1) * sizeof *fft->root);
    if (!fft->root) return false;
    for (size_t k = 0; k < size / 2 + 1; k++) {
        double angle = -2.0 * 3.14159265358979323846 * (double)k / (double)size;
        fft->root[k] = (align_complex){cos(angle), sin(angle)};
    }
    return true;
}

void align_fft_destroy(align_fft *fft) {
    base_free(fft->root);
    fft->root = NULL;
}

static void bit_reverse(align_complex *data, size_t size) {
    for (size_t i = 1, j = 0; i < size; i++) {
        size_t bit = size >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            align_complex swap = data[i];
            data[i] = data[j];
            data[j] = swap;
        }
    }
}

static inline align_complex times(align_complex a, align_complex b) {
    return (align_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* Two levels of radix 2 in one sweep over the data: half the traffic to memory. */
static void two_levels(const align_fft *fft, align_complex *data, size_t quarter) {
    size_t stride = fft->size / (4 * quarter);
    for (size_t at = 0; at < fft->size; at += 4 * quarter) {
        align_complex *p = data + at;
        for (size_t k = 0; k < quarter; k++) {
            align_complex w1 = fft->root[2 * k * stride], w2 = fft->root[k * stride];
            align_complex w3 = {w2.im, -w2.re}; /* -i w2: the root a quarter turn on */
            align_complex a = p[k], b = times(p[k + quarter], w1);
            align_complex c = p[k + 2 * quarter], d = times(p[k + 3 * quarter], w1);
            align_complex s = {a.re + b.re, a.im + b.im}, t = {a.re - b.re, a.im - b.im};
            align_complex u = times((align_complex){c.re + d.re, c.im + d.im}, w2);
            align_complex v = times((align_complex){c.re - d.re, c.im - d.im}, w3);
            p[k] = (align_complex){s.re + u.re, s.im + u.im};
            p[k + 2 * quarter] = (align_complex){s.re - u.re, s.im - u.im};
            p[k + quarter] = (align_complex){t.re + v.re, t.im + v.im};
            p[k + 3 * quarter] = (align_complex){t.re - v.re, t.im - v.im};
        }
    }
}

static void one_level(const align_fft *fft, align_complex *data, size_t half) {
    size_t stride = fft->size / (2 * half);
    for (size_t at = 0; at < fft->size; at += 2 * half)
        for (size_t k = 0; k < half; k++) {
            align_complex *p = data + at + k, *q = p + half;
            align_complex t = times(*q, fft->root[k * stride]);
            *q = (align_complex){p->re - t.re, p->im - t.im};
            *p = (align_complex){p->re + t.re, p->im + t.im};
        }
}

void align_fft_forward(const align_fft *fft, align_complex *data) {
    bit_reverse(data, fft->size);
    size_t done = 1;
    for (; done * 4 <= fft->size; done *= 4) two_levels(fft, data, done);
    if (done < fft->size) one_level(fft, data, done);
}

void align_fft_inverse(const align_fft *fft, align_complex *data) {
    double scale = 1.0 / (double)fft->size;
    for (size_t i = 0; i < fft->size; i++) data[i].im = -data[i].im;
    align_fft_forward(fft, data);
    for (size_t i = 0; i < fft->size; i++)
        data[i] = (align_complex){data[i].re * scale, -data[i].im * scale};
}
