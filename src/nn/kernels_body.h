/* The kernels themselves, compiled once per build with -ffp-contract=fast and that build's
 * instruction set. The file that includes this defines NN_VECTOR (bytes of a vector), NN_ROWS (rows
 * of the multiply tile) and NN_TABLE (the table's name). Plain GCC vector extensions: no
 * intrinsics, so that any processor the compiler knows gets the same source. */
#include <math.h>
#include <string.h>

#include "nn/kernels.h"

enum { LANES = NN_VECTOR / sizeof(nn_real), PANEL_VECTORS = NN_PANEL / LANES };

typedef nn_real vec __attribute__((vector_size(NN_VECTOR)));
typedef nn_real vec_u __attribute__((vector_size(NN_VECTOR), aligned(sizeof(nn_real)), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const nn_real *x) { return (vec) * (const vec_u *)x; }
INLINE void store(nn_real *x, vec v) { *(vec_u *)x = v; }
INLINE vec splat(nn_real x) { return x - (vec){0}; }
#ifdef NN_DOUBLE
typedef int64_t ivec __attribute__((vector_size(NN_VECTOR)));
#else
typedef int32_t ivec __attribute__((vector_size(NN_VECTOR)));
#endif
INLINE vec select(ivec mask, vec a, vec b) { return (vec)(((ivec)a & mask) | ((ivec)b & ~mask)); }
/* v where x > 0, else 0 */
INLINE vec where_positive(vec x, vec v) { return (vec)((ivec)v & (ivec)(x > (vec){0})); }
INLINE nn_real sum_of(vec v) {
    nn_real s = 0;
    for (int i = 0; i < LANES; i++) s += v[i];
    return s;
}

/* ---- matrix products ---------------------------------------------------------------------------
 * Tile: NN_ROWS rows x 16 columns of accumulators; a row's value is broadcast, the panel is read in
 * order. 6 x 16 on AVX2 makes 12 fused multiply-adds of 8 loads: bound by arithmetic, not by loads.
 */

INLINE void multiply_rows(const int rows, size_t taps, size_t depth, const nn_real *const *a,
                          const nn_real *panel, nn_real *const *c, size_t columns, bool add) {
    vec sum[NN_ROWS][PANEL_VECTORS];
    for (int r = 0; r < rows; r++)
        for (int p = 0; p < PANEL_VECTORS; p++) sum[r][p] = (vec){0};
    for (size_t t = 0; t < taps; t++, a += rows, panel += depth * NN_PANEL) {
        if (!a[0]) continue;
        const nn_real *row[NN_ROWS];
        for (int r = 0; r < rows; r++) row[r] = a[r];
        for (size_t k = 0; k < depth; k++) {
            vec b[PANEL_VECTORS];
            for (int p = 0; p < PANEL_VECTORS; p++)
                b[p] = *(const vec *)(panel + k * NN_PANEL + p * LANES);
            for (int r = 0; r < rows; r++) {
                vec x = splat(row[r][k]);
                for (int p = 0; p < PANEL_VECTORS; p++) sum[r][p] += x * b[p];
            }
        }
    }
    if (columns == NN_PANEL) {
        for (int r = 0; r < rows; r++)
            for (int p = 0; p < PANEL_VECTORS; p++) {
                nn_real *at = c[r] + p * LANES;
                store(at, add ? load(at) + sum[r][p] : sum[r][p]);
            }
        return;
    }
    for (int r = 0; r < rows; r++) {
        nn_real line[NN_PANEL];
        for (int p = 0; p < PANEL_VECTORS; p++) store(line + p * LANES, sum[r][p]);
        for (size_t n = 0; n < columns; n++) c[r][n] = add ? c[r][n] + line[n] : line[n];
    }
}

static void multiply(size_t rows, size_t taps, size_t depth, const nn_real *const *a,
                     const nn_real *panel, nn_real *const *c, size_t columns, bool add) {
    switch (rows) {
#define ROWS_CASE(n)                                                                               \
    case n:                                                                                        \
        if (n <= NN_ROWS)                                                                          \
            multiply_rows(n <= NN_ROWS ? n : 1, taps, depth, a, panel, c, columns, add);           \
        break;
        ROWS_CASE(1)
        ROWS_CASE(2)
        ROWS_CASE(3)
        ROWS_CASE(4)
        ROWS_CASE(5)
        ROWS_CASE(6)
        ROWS_CASE(7)
        ROWS_CASE(8)
        ROWS_CASE(9)
        ROWS_CASE(10)
        ROWS_CASE(11)
        ROWS_CASE(12)
    default: break;
    }
}

INLINE void transposed_tile(const int rows, size_t count, size_t at, const nn_real *const *x,
                            const nn_real *y, size_t y_stride, nn_real *w, size_t stride,
                            size_t columns) {
    vec sum[NN_ROWS][PANEL_VECTORS];
    for (int r = 0; r < rows; r++)
        for (int p = 0; p < PANEL_VECTORS; p++) sum[r][p] = (vec){0};
    for (size_t i = 0; i < count; i++) {
        const nn_real *row = x[i];
        if (!row) continue;
        row += at;
        vec b[PANEL_VECTORS];
        for (int p = 0; p < PANEL_VECTORS; p++) b[p] = load(y + i * y_stride + p * LANES);
        for (int r = 0; r < rows; r++) {
            vec s = splat(row[r]);
            for (int p = 0; p < PANEL_VECTORS; p++) sum[r][p] += s * b[p];
        }
    }
    for (int r = 0; r < rows; r++) {
        nn_real *out = w + (at + (size_t)r) * stride;
        if (columns == NN_PANEL) {
            for (int p = 0; p < PANEL_VECTORS; p++)
                store(out + p * LANES, load(out + p * LANES) + sum[r][p]);
        } else {
            nn_real line[NN_PANEL];
            for (int p = 0; p < PANEL_VECTORS; p++) store(line + p * LANES, sum[r][p]);
            for (size_t n = 0; n < columns; n++) out[n] += line[n];
        }
    }
}

static void multiply_transposed(size_t count, size_t depth, const nn_real *const *x,
                                const nn_real *y, size_t y_stride, nn_real *w, size_t stride,
                                size_t columns) {
    size_t at = 0;
    for (; at + NN_ROWS <= depth; at += NN_ROWS)
        transposed_tile(NN_ROWS, count, at, x, y, y_stride, w, stride, columns);
    switch (depth - at) {
#define TAIL_CASE(n)                                                                               \
    case n:                                                                                        \
        if (n < NN_ROWS)                                                                           \
            transposed_tile(n < NN_ROWS ? n : 1, count, at, x, y, y_stride, w, stride, columns);   \
        break;
        TAIL_CASE(1)
        TAIL_CASE(2)
        TAIL_CASE(3)
        TAIL_CASE(4)
        TAIL_CASE(5)
        TAIL_CASE(6)
        TAIL_CASE(7)
        TAIL_CASE(8)
        TAIL_CASE(9)
        TAIL_CASE(10)
        TAIL_CASE(11)
    default: break;
    }
}

/* ---- elementwise ---- */

#ifdef NN_DOUBLE
INLINE vec vector_exp(vec x) {
    for (int i = 0; i < LANES; i++) x[i] = exp(x[i]);
    return x;
}
INLINE vec vector_exp_below(vec x) { return vector_exp(x); }
#else
/* exp(x) = 2^n * exp(r), r = x - n ln 2 in two parts, |r| <= ln 2 / 2; degree-6 polynomial (Taylor
 * coefficients adjusted by a minimax fit: Cephes). Clamped to the finite range; -inf gives 0. */
INLINE vec vector_exp_of(vec x, const bool bounded) {
    const vec magic = splat(12582912.f); /* 1.5 * 2^23: adding it rounds to nearest */
    ivec low = x < splat(-87.3f);
    vec clamped = select(low, splat(-87.3f), x);
    if (!bounded) clamped = select(x > splat(88.3f), splat(88.3f), clamped);
    vec shifted = clamped * splat(1.44269504f) + magic;
    vec n = shifted - magic;
    vec r = clamped - n * splat(0.693359375f);
    r = r + n * splat(2.12194440e-4f);
    vec p = splat(1.9875691500e-4f);
    p = p * r + splat(1.3981999507e-3f);
    p = p * r + splat(8.3334519073e-3f);
    p = p * r + splat(4.1665795894e-2f);
    p = p * r + splat(1.6666665459e-1f);
    p = p * r + splat(5.0000001201e-1f);
    p = p * (r * r) + (r + splat(1.f));
    ivec power = ((ivec)shifted - (ivec)magic + 127) << 23;
    return (vec)((ivec)(p * (vec)power) & ~low); /* below -87.3: 0, also for -inf */
}
INLINE vec vector_exp(vec x) { return vector_exp_of(x, false); }
INLINE vec vector_exp_below(vec x) { return vector_exp_of(x, true); } /* for x <= 88 */
#endif

static void exponential(size_t n, const nn_real *x, nn_real *y) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) store(y + i, vector_exp(load(x + i)));
    if (i < n) {
        nn_real line[LANES] = {0};
        memcpy(line, x + i, (n - i) * sizeof *x);
        store(line, vector_exp(load(line)));
        memcpy(y + i, line, (n - i) * sizeof *y);
    }
}

INLINE vec vector_sigmoid(vec x) { return splat(1) / (splat(1) + vector_exp(-x)); }
INLINE vec vector_tanh(vec x) { return splat(2) * vector_sigmoid(x + x) - splat(1); }

/* gelu(x) = x/2 (1 + tanh(c (x + .044715 x^3))), Hendrycks & Gimpel 2016; = x sigmoid(2c(...)) */
#define GELU_C ((nn_real)0.7978845608028654)
INLINE vec vector_gelu(vec x) {
    vec u = splat(2 * GELU_C) * (x + splat((nn_real)0.044715) * x * x * x);
    return x * vector_sigmoid(u);
}
INLINE vec vector_gelu_slope(vec x) {
    vec u = splat(2 * GELU_C) * (x + splat((nn_real)0.044715) * x * x * x);
    vec s = vector_sigmoid(u);
    vec du = splat(2 * GELU_C) * (splat(1) + splat((nn_real)0.134145) * x * x);
    return s + x * s * (splat(1) - s) * du;
}

#define UNARY(name, function)                                                                      \
    static void name(size_t n, const nn_real *x, nn_real *y) {                                     \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES) store(y + i, function(load(x + i)));                    \
        if (i < n) {                                                                               \
            nn_real line[LANES] = {0};                                                             \
            memcpy(line, x + i, (n - i) * sizeof *x);                                              \
            store(line, function(load(line)));                                                     \
            memcpy(y + i, line, (n - i) * sizeof *y);                                              \
        }                                                                                          \
    }
UNARY(gelu, vector_gelu)
UNARY(hyperbolic_tangent, vector_tanh)
UNARY(sigmoid, vector_sigmoid)

static void gelu_backward(size_t n, const nn_real *x, const nn_real *dy, nn_real *dx) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        store(dx + i, load(dx + i) + load(dy + i) * vector_gelu_slope(load(x + i)));
    if (i < n) {
        nn_real line[LANES] = {0};
        memcpy(line, x + i, (n - i) * sizeof *x);
        store(line, vector_gelu_slope(load(line)));
        for (size_t j = 0; i + j < n; j++) dx[i + j] += dy[i + j] * line[j];
    }
}

static nn_real dot(size_t n, const nn_real *x, const nn_real *y) {
    vec s = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) s += load(x + i) * load(y + i);
    nn_real sum = sum_of(s);
    for (; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static void axpy(size_t n, nn_real a, const nn_real *x, nn_real *y) {
    vec s = splat(a);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) store(y + i, load(y + i) + s * load(x + i));
    for (; i < n; i++) y[i] += a * x[i];
}

/* ---- batch normalisation ------------------------------------------------------------------------
 * Column sums run over blocks of 64 rows in vectors and are added up in double. */
enum { BLOCK_ROWS = 64 };

static void column_moments(size_t rows, size_t columns, const nn_real *x, double *sum,
                           double *square) {
    for (size_t c = 0; c < columns; c++) sum[c] = square[c] = 0;
    for (size_t start = 0; start < rows; start += BLOCK_ROWS) {
        size_t end = BASE_MIN(rows, start + BLOCK_ROWS), c = 0;
        for (; c + LANES <= columns; c += LANES) {
            vec s = {0}, q = {0};
            for (size_t r = start; r < end; r++) {
                vec v = load(x + r * columns + c);
                s += v;
                q += v * v;
            }
            for (size_t i = 0; i < LANES; i++) {
                sum[c + i] += s[i];
                square[c + i] += q[i];
            }
        }
        for (; c < columns; c++)
            for (size_t r = start; r < end; r++) {
                nn_real v = x[r * columns + c];
                sum[c] += v;
                square[c] += (double)v * v;
            }
    }
}

INLINE vec positive(vec v) { return where_positive(v, v); }

static void scale_shift(size_t rows, size_t columns, const nn_real *x, const nn_real *a,
                        const nn_real *b, const nn_real *other, bool relu, nn_real *y) {
    for (size_t r = 0; r < rows; r++) {
        const nn_real *in = x + r * columns, *add = other ? other + r * columns : NULL;
        nn_real *out = y + r * columns;
        size_t c = 0;
        for (; c + LANES <= columns; c += LANES) {
            vec v = load(in + c) * load(a + c) + load(b + c);
            if (add) v += load(add + c);
            store(out + c, relu ? positive(v) : v);
        }
        for (; c < columns; c++) {
            nn_real v = in[c] * a[c] + b[c] + (add ? add[c] : 0);
            out[c] = relu && !(v > 0) ? 0 : v;
        }
    }
}

static void norm_reduce(size_t rows, size_t columns, const nn_real *x, const nn_real *y, bool relu,
                        nn_real *dy, double *sum_dy, double *sum_dyx) {
    for (size_t c = 0; c < columns; c++) sum_dy[c] = sum_dyx[c] = 0;
    for (size_t start = 0; start < rows; start += BLOCK_ROWS) {
        size_t end = BASE_MIN(rows, start + BLOCK_ROWS), c = 0;
        for (; c + LANES <= columns; c += LANES) {
            vec s = {0}, q = {0};
            for (size_t r = start; r < end; r++) {
                size_t at = r * columns + c;
                vec g = load(dy + at);
                if (relu) {
                    g = where_positive(load(y + at), g);
                    store(dy + at, g);
                }
                s += g;
                q += g * load(x + at);
            }
            for (size_t i = 0; i < LANES; i++) {
                sum_dy[c + i] += s[i];
                sum_dyx[c + i] += q[i];
            }
        }
        for (; c < columns; c++)
            for (size_t r = start; r < end; r++) {
                size_t at = r * columns + c;
                if (relu && !(y[at] > 0)) dy[at] = 0;
                sum_dy[c] += dy[at];
                sum_dyx[c] += (double)dy[at] * x[at];
            }
    }
}

static void norm_apply(size_t rows, size_t columns, const nn_real *x, const nn_real *dy,
                       const nn_real *a, const nn_real *b, const nn_real *c, bool add,
                       nn_real *dx) {
    for (size_t r = 0; r < rows; r++) {
        size_t at = r * columns, i = 0;
        for (; i + LANES <= columns; i += LANES) {
            vec v =
                load(dy + at + i) * load(a + i) + (load(x + at + i) * load(b + i) + load(c + i));
            store(dx + at + i, add ? load(dx + at + i) + v : v);
        }
        for (; i < columns; i++) {
            nn_real v = dy[at + i] * a[i] + (x[at + i] * b[i] + c[i]);
            dx[at + i] = add ? dx[at + i] + v : v;
        }
    }
}

/* ---- AdamW (Loshchilov & Hutter 2019) ---- */

static void adamw(size_t n, nn_real *theta, const nn_real *grad, nn_real *m, nn_real *v,
                  nn_real rate, nn_real beta1, nn_real beta2, nn_real c1, nn_real c2,
                  nn_real epsilon, nn_real decay) {
    nn_real shrink = 1 - rate * decay;
    for (size_t i = 0; i < n; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * grad[i];
        v[i] = beta2 * v[i] + (1 - beta2) * grad[i] * grad[i];
#ifdef NN_DOUBLE
        nn_real root = sqrt(v[i] * c2);
#else
        nn_real root = sqrtf(v[i] * c2);
#endif
        theta[i] = theta[i] * shrink - rate * (m[i] * c1) / (root + epsilon);
    }
}

/* ---- depthwise convolution ---- */

static void depthwise(size_t taps, size_t channels, const nn_real *const *x, const nn_real *w,
                      bool add, nn_real *y) {
    size_t c = 0;
    for (; c + LANES <= channels; c += LANES) {
        vec s = add ? load(y + c) : (vec){0};
        for (size_t t = 0; t < taps; t++)
            if (x[t]) s += load(x[t] + c) * load(w + t * channels + c);
        store(y + c, s);
    }
    for (; c < channels; c++) {
        nn_real s = add ? y[c] : 0;
        for (size_t t = 0; t < taps; t++)
            if (x[t]) s += x[t][c] * w[t * channels + c];
        y[c] = s;
    }
}

static void depthwise_gradient(size_t taps, size_t channels, const nn_real *const *x,
                               const nn_real *y, nn_real *w) {
    for (size_t t = 0; t < taps; t++) {
        if (!x[t]) continue;
        nn_real *out = w + t * channels;
        size_t c = 0;
        for (; c + LANES <= channels; c += LANES)
            store(out + c, load(out + c) + load(x[t] + c) * load(y + c));
        for (; c < channels; c++) out[c] += x[t][c] * y[c];
    }
}

#include "nn/kernels_attention.h"
#include "nn/kernels_numbers.h"
#include "nn/kernels_winograd.h"

const nn_kernels NN_TABLE = {
    .name = NN_NAME,
    .rows = NN_ROWS,
    .multiply = multiply,
    .multiply_transposed = multiply_transposed,
    .exponential = exponential,
    .dot = dot,
    .axpy = axpy,
    .gelu = gelu,
    .gelu_backward = gelu_backward,
    .tanh = hyperbolic_tangent,
    .sigmoid = sigmoid,
    .attention_forward = attention_forward,
    .attention_backward = attention_backward,
    .column_moments = column_moments,
    .scale_shift = scale_shift,
    .depthwise = depthwise,
    .depthwise_gradient = depthwise_gradient,
    .dropout = dropout,
    .read_numbers = read_numbers,
    .norm_reduce = norm_reduce,
    .norm_apply = norm_apply,
    .adamw = adamw,
    .winograd_input = winograd_input,
    .winograd_output = winograd_output,
    .winograd_filter = winograd_filter,
    .winograd_filter_gradient = winograd_filter_gradient,
    .winograd_gradient = winograd_gradient,
};
