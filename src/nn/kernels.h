/* The one dispatch table of nn/: inner loops in three builds (baseline, AVX2+FMA, AVX-512) of the
 * same vector-extension source, chosen once by what the processor has. Each build reassociates sums
 * in its own way on purpose; within one build every result is fixed, whatever the thread count. */
#ifndef NN_KERNELS_H
#define NN_KERNELS_H

#include <math.h>

#include "nn/real.h"

enum {
    NN_PANEL = 16,   /* columns of one packed panel of the right-hand matrix */
    NN_MAX_ROWS = 12 /* most rows one multiply kernel takes at once, in any build */
};

typedef struct nn_attention_shape {
    size_t queries, keys, width; /* width: of one head's queries, keys and values */
    nn_real scale;
    bool causal;         /* a query sees keys up to its own position (aligned at the end) */
    const nn_real *bias; /* nn_attention_padded(keys) values added to the scores; -INFINITY masks */
    nn_real keep;        /* probability that a weight is kept; 1 = no dropout */
    uint64_t seed;       /* of this head's dropout pattern */
} nn_attention_shape;

typedef struct nn_kernels {
    const char *name;
    size_t rows; /* rows of multiply's tile */

    /* c[r][0..columns) (+)= sum over taps t and k of a[t*rows + r][k] * panel[(t*depth + k)*16 +
     * .]. `a` holds taps x `rows` pointers, `rows` <= kernels->rows; a tap whose first pointer is
     * NULL is skipped (then all its pointers are NULL). */
    void (*multiply)(size_t rows, size_t taps, size_t depth, const nn_real *const *a,
                     const nn_real *panel, nn_real *const *c, size_t columns, bool add);

    /* gradient of a right-hand matrix: w[k*stride + n] += sum over i < count of
     * x[i][k] * y[i*y_stride + n] for k < depth, n < columns <= 16; x[i] NULL counts as zero. 16
     * values of each row of y are read whatever `columns` is. */
    void (*multiply_transposed)(size_t count, size_t depth, const nn_real *const *x,
                                const nn_real *y, size_t y_stride, nn_real *w, size_t stride,
                                size_t columns);

    /* Elementwise helpers over n values. */
    void (*exponential)(size_t n, const nn_real *x, nn_real *y); /* relative error < 3e-7 */
    nn_real (*dot)(size_t n, const nn_real *x, const nn_real *y);
    void (*axpy)(size_t n, nn_real a, const nn_real *x, nn_real *y); /* y += a x */
    void (*gelu)(size_t n, const nn_real *x, nn_real *y);            /* tanh form */
    void (*gelu_backward)(size_t n, const nn_real *x, const nn_real *dy, nn_real *dx); /* dx += */
    void (*tanh)(size_t n, const nn_real *x, nn_real *y);
    void (*sigmoid)(size_t n, const nn_real *x, nn_real *y);

    /* One head. q, k, v, out are [width][length] (transposed: lanes run along time), `stride`s are
     * the distance between rows. lse[queries] receives log-sum-exp of each query's scores.
     * `scratch` holds nn_attention_scratch(keys, width) values. Never holds more than a few rows of
     * scores. */
    void (*attention_forward)(const nn_attention_shape *s, const nn_real *q, const nn_real *k,
                              const nn_real *v, size_t q_stride, size_t k_stride, nn_real *out,
                              nn_real *lse, nn_real *scratch);
    /* dq, dk, dv are added to; `out` and `lse` are what the forward pass gave. */
    void (*attention_backward)(const nn_attention_shape *s, const nn_real *q, const nn_real *k,
                               const nn_real *v, size_t q_stride, size_t k_stride,
                               const nn_real *out, const nn_real *dout, const nn_real *lse,
                               nn_real *dq, nn_real *dk, nn_real *dv, nn_real *scratch);

    /* Batch normalisation over rows of channels-last data. */
    void (*column_moments)(size_t rows, size_t columns, const nn_real *x, double *sum,
                           double *square);
    /* y = x*a + b (+ other) (relu'd) per column */
    void (*scale_shift)(size_t rows, size_t columns, const nn_real *x, const nn_real *a,
                        const nn_real *b, const nn_real *other, bool relu, nn_real *y);
    /* Where y <= 0 and relu is set, dy is set to 0; then sum_dy += dy, sum_dyx += dy * x per
     * column.*/
    void (*norm_reduce)(size_t rows, size_t columns, const nn_real *x, const nn_real *y, bool relu,
                        nn_real *dy, double *sum_dy, double *sum_dyx);
    /* dx (+)= dy*a + x*b + c per column */
    void (*norm_apply)(size_t rows, size_t columns, const nn_real *x, const nn_real *dy,
                       const nn_real *a, const nn_real *b, const nn_real *c, bool add, nn_real *dx);

    /* y[c] (+)= sum over taps of x[t][c] * w[t*channels + c]; x[t] NULL is skipped. */
    void (*depthwise)(size_t taps, size_t channels, const nn_real *const *x, const nn_real *w,
                      bool add, nn_real *y);
    /* w[t*channels + c] += x[t][c] * y[c] */
    void (*depthwise_gradient)(size_t taps, size_t channels, const nn_real *const *x,
                               const nn_real *y, nn_real *w);

    /* y (+)= x * m / keep with m drawn per element from seed and position. */
    void (*dropout)(size_t n, uint64_t seed, nn_real keep, bool add, const nn_real *x, nn_real *y);

    /* `count` values of one of ggml's types (nn/matrix.h), whole blocks. */
    void (*read_numbers)(uint32_t type, size_t count, const unsigned char *data, nn_real *out);

    /* AdamW over n values; c1, c2 = bias corrections. Masters are float. */
    void (*adamw)(size_t n, nn_real *theta, const nn_real *grad, nn_real *m, nn_real *v,
                  nn_real rate, nn_real beta1, nn_real beta2, nn_real c1, nn_real c2,
                  nn_real epsilon, nn_real decay);

    /* Winograd F(4x4, 3x3): transforms of one tile of `channels` channels-last pixels. */
    void (*winograd_input)(size_t channels, const nn_real *const pixels[36], nn_real *out,
                           size_t out_stride);
    void (*winograd_output)(size_t channels, const nn_real *in, size_t in_stride,
                            nn_real *const pixels[16], bool add);
    /* Filters: 9 planes of `count` values, `stride` apart, to 36 planes (G w G^T), and the way back
     * of the gradient (out += G^T u G). */
    void (*winograd_filter)(size_t count, const nn_real *w, ptrdiff_t stride, nn_real *out,
                            size_t out_stride);
    void (*winograd_filter_gradient)(size_t count, const nn_real *u, size_t stride, nn_real *out,
                                     size_t out_stride);
    void (*winograd_gradient)(size_t channels, const nn_real *const pixels[16], nn_real *out,
                              size_t out_stride);
} nn_kernels;

/* The best build for this processor (AFFECT_KERNELS=baseline|avx2|avx512 in the environment picks a
 * lesser one, for tests). Never NULL. */
const nn_kernels *nn_kernels_get(void);

/* Keys (or queries) rounded up to what the kernels may touch; strides are at least that. */
static inline size_t nn_attention_padded(size_t length) { return (length + 15) / 16 * 16; }
size_t nn_attention_scratch(size_t keys, size_t width);

/* Counter-based random bits: a fixed function of the counter, so that a pattern can be drawn again
 * in the backward pass and does not depend on threads. */
static inline uint32_t nn_hash32(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}
static inline uint32_t nn_hash64(uint64_t seed, uint64_t counter) {
    uint64_t x = seed + counter * 0x9e3779b97f4a7c15u; /* splitmix64 */
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((x ^ x >> 31) >> 16);
}

/* A number of the normal distribution on counter-based bits (Box-Muller). */
static inline double nn_normal(uint64_t seed, uint64_t counter) {
    double u = ((double)nn_hash64(seed, 2 * counter) + .5) / 4294967296.;
    double v = ((double)nn_hash64(seed, 2 * counter + 1) + .5) / 4294967296.;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

#ifdef NN_DOUBLE
#define NN_LOG log
#define NN_EXP exp
#define NN_SQRT sqrt
#define NN_FABS fabs
#else
#define NN_LOG logf
#define NN_EXP expf
#define NN_SQRT sqrtf
#define NN_FABS fabsf
#endif

extern const nn_kernels nn_kernels_baseline;
extern const nn_kernels nn_kernels_avx2;
extern const nn_kernels nn_kernels_avx512;

/* Packs b[depth][columns] (row stride `stride`) into panels of 16 columns, zero-filled:
 * out[panel][depth][16]. With `transposed`, b is [columns][depth] instead. `out` holds
 * nn_packed_size(depth, columns) values. */
size_t nn_packed_size(size_t depth, size_t columns);
void nn_pack(const nn_real *b, size_t depth, size_t columns, size_t stride, bool transposed,
             nn_real *out);

/* c[m][n] (+)= a[m][depth] * b, b packed; row strides in values. */
void nn_multiply(size_t m, size_t n, size_t depth, const nn_real *a, size_t a_stride,
                 const nn_real *packed, nn_real *c, size_t c_stride, bool add);
/* w[k][n] += sum_m x[m][k] * y[m][n]. `scratch` holds nn_transposed_scratch(n) values. */
size_t nn_transposed_scratch(size_t n);
void nn_multiply_transposed(size_t m, size_t depth, size_t n, const nn_real *x, size_t x_stride,
                            const nn_real *y, size_t y_stride, nn_real *w, size_t w_stride,
                            nn_real *scratch);

#endif
