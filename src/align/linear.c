/* Small dense linear algebra: Cholesky, triangular solves, symmetric eigenvectors. */
#include <math.h>

#include "align/align_private.h"

bool align_cholesky(double *a, size_t n) {
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            if (i == j) {
                if (!(sum > 0.0) || !isfinite(sum)) return false;
                a[i * n + j] = sqrt(sum);
            } else {
                a[i * n + j] = sum / a[j * n + j];
            }
        }
        for (size_t i = 0; i < j; i++) a[i * n + j] = 0.0;
    }
    return true;
}

void align_solve_lower(const double *l, size_t n, double *b, size_t columns) {
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < columns; c++) {
            double sum = b[i * columns + c];
            for (size_t k = 0; k < i; k++) sum -= l[i * n + k] * b[k * columns + c];
            b[i * columns + c] = sum / l[i * n + i];
        }
}

void align_solve_upper(const double *l, size_t n, double *b, size_t columns) {
    for (size_t i = n; i-- > 0;)
        for (size_t c = 0; c < columns; c++) {
            double sum = b[i * columns + c];
            for (size_t k = i + 1; k < n; k++) sum -= l[k * n + i] * b[k * columns + c];
            b[i * columns + c] = sum / l[i * n + i];
        }
}

/* One rotation that makes a[p][q] zero. */
static void rotate(double *a, double *vectors, size_t n, size_t p, size_t q) {
    double apq = a[p * n + q];
    if (apq == 0.0) return;
    double theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
    double t = copysign(1.0, theta) / (fabs(theta) + sqrt(theta * theta + 1.0));
    double c = 1.0 / sqrt(t * t + 1.0), s = t * c;
    for (size_t k = 0; k < n; k++) {
        double kp = a[k * n + p], kq = a[k * n + q];
        a[k * n + p] = c * kp - s * kq;
        a[k * n + q] = s * kp + c * kq;
    }
    for (size_t k = 0; k < n; k++) {
        double pk = a[p * n + k], qk = a[q * n + k];
        a[p * n + k] = c * pk - s * qk;
        a[q * n + k] = s * pk + c * qk;
        double vp = vectors[k * n + p], vq = vectors[k * n + q];
        vectors[k * n + p] = c * vp - s * vq;
        vectors[k * n + q] = s * vp + c * vq;
    }
}

void align_eigen(double *a, size_t n, double *values, double *vectors) {
    for (size_t i = 0; i < n * n; i++) vectors[i] = i % (n + 1) == 0 ? 1.0 : 0.0;
    for (int sweep = 0; sweep < 60; sweep++) {
        double off = 0.0, all = 0.0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                all += a[i * n + j] * a[i * n + j];
                if (i != j) off += a[i * n + j] * a[i * n + j];
            }
        if (!(off > 1e-30 * all)) break;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++) rotate(a, vectors, n, p, q);
    }
    for (size_t i = 0; i < n; i++) values[i] = a[i * n + i];
    for (size_t i = 0; i < n; i++) {
        size_t best = i;
        for (size_t j = i + 1; j < n; j++)
            if (values[j] > values[best]) best = j;
        double swap = values[i];
        values[i] = values[best];
        values[best] = swap;
        size_t largest = 0;
        for (size_t k = 0; k < n; k++) {
            swap = vectors[k * n + i];
            vectors[k * n + i] = vectors[k * n + best];
            vectors[k * n + best] = swap;
            if (fabs(vectors[k * n + i]) > fabs(vectors[largest * n + i])) largest = k;
        }
        if (vectors[largest * n + i] < 0.0)
            for (size_t k = 0; k < n; k++) vectors[k * n + i] = -vectors[k * n + i];
    }
}
