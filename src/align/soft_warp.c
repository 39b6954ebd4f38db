/* Soft-DTW: R(i,j) = d(i,j) + softmin of its three predecessors. The forward pass keeps the softmin's
 * weights, so that the backward pass only multiplies and adds. */
#include <math.h>
#include <string.h>

#include "align/align_private.h"

typedef struct weights {
    double both, up, left; /* towards (i-1,j-1), (i-1,j), (i,j-1) */
} weights;

static double soft_min(double both, double up, double left, double gamma, weights *w) {
    double least = fmin(both, fmin(up, left));
    double a = both == least ? 1.0 : exp((least - both) / gamma);
    double b = up == least ? 1.0 : exp((least - up) / gamma);
    double c = left == least ? 1.0 : exp((least - left) / gamma);
    double sum = a + b + c, share = 1.0 / sum;
    *w = (weights){a * share, b * share, c * share};
    return least - gamma * log(sum);
}

static double distance(const double *a, const double *b, size_t channels) {
    double sum = 0.0;
    for (size_t c = 0; c < channels; c++) sum += (a[c] - b[c]) * (a[c] - b[c]);
    return sum;
}

/* `w` (n x m) may be NULL: then only the value. `row` holds m + 1. */
static double forward(const double *a, size_t n, const double *b, size_t m, size_t channels,
                      double gamma, double *row, weights *w) {
    for (size_t j = 0; j <= m; j++) row[j] = INFINITY;
    row[0] = 0.0;
    for (size_t i = 0; i < n; i++) {
        double diagonal = row[0];
        row[0] = INFINITY;
        for (size_t j = 0; j < m; j++) {
            weights here;
            double up = row[j + 1];
            row[j + 1] = distance(a + i * channels, b + j * channels, channels) +
                         soft_min(diagonal, up, row[j], gamma, &here);
            if (w) w[i * m + j] = here;
            diagonal = up;
        }
    }
    return row[m];
}

/* e(i,j) = d value / d d(i,j), row by row from the end. `rows` holds 2 m. */
static void backward(const double *a, size_t n, const double *b, size_t m, size_t channels,
                     const weights *w, double *rows, double *gradient_a, double *gradient_b) {
    double *below = rows, *now = rows + m;
    if (gradient_a) memset(gradient_a, 0, n * channels * sizeof *gradient_a);
    if (gradient_b) memset(gradient_b, 0, m * channels * sizeof *gradient_b);
    for (size_t i = n; i-- > 0;) {
        const weights *here = w + i * m, *next = here + m;
        for (size_t j = m; j-- > 0;) {
            double e = i + 1 == n && j + 1 == m ? 1.0 : 0.0;
            if (j + 1 < m) e += now[j + 1] * here[j + 1].left;
            if (i + 1 < n) e += below[j] * next[j].up;
            if (i + 1 < n && j + 1 < m) e += below[j + 1] * next[j + 1].both;
            now[j] = e;
            for (size_t c = 0; c < channels; c++) {
                double g = 2.0 * e * (a[i * channels + c] - b[j * channels + c]);
                if (gradient_a) gradient_a[i * channels + c] += g;
                if (gradient_b) gradient_b[j * channels + c] -= g;
            }
        }
        double *swap = below;
        below = now;
        now = swap;
    }
}

affect_status affect_align_soft_dtw(affect_context *ctx, const double *a, size_t n, const double *b,
                                    size_t m, size_t channels, double gamma, double *value,
                                    double *gradient_a, double *gradient_b) {
    if (!a || !b || !value)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "soft time warping: a pointer is NULL");
    if (!n || !m || !channels || !(gamma > 0.0 && isfinite(gamma)))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "soft time warping: wants rows, channels, and gamma above 0");
    bool wanted = gradient_a || gradient_b;
    double *row = base_alloc((3 * m + 1) * sizeof *row);
    weights *w = wanted && m <= SIZE_MAX / sizeof *w / n ? base_alloc(n * m * sizeof *w) : NULL;
    affect_status status = row && (w || !wanted) ? AFFECT_OK : base_fail_memory(ctx);
    if (!status) {
        *value = forward(a, n, b, m, channels, gamma, row, w);
        if (wanted) backward(a, n, b, m, channels, w, row, gradient_a, gradient_b);
    }
    base_free(row);
    base_free(w);
    return status;
}

affect_status affect_align_soft_dtw_divergence(affect_context *ctx, const double *a, size_t n,
                                               const double *b, size_t m, size_t channels,
                                               double gamma, double *value) {
    double ab, aa, bb;
    affect_status status = affect_align_soft_dtw(ctx, a, n, b, m, channels, gamma, &ab, NULL, NULL);
    if (!status) status = affect_align_soft_dtw(ctx, a, n, a, n, channels, gamma, &aa, NULL, NULL);
    if (!status) status = affect_align_soft_dtw(ctx, b, m, b, m, channels, gamma, &bb, NULL, NULL);
    if (status) return status;
    if (!value) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no place for the divergence");
    *value = ab - 0.5 * (aa + bb);
    return AFFECT_OK;
}
