/* Canonical correlation analysis (Hotelling 1936) from covariances, and canonical time warping. */
#include <math.h>
#include <string.h>

#include "align/align_private.h"

size_t align_canonical_scratch(size_t da, size_t db) { return 2 * da * db + 2 * da * da + da; }

/* Adds a share of the mean variance to the diagonal. */
static void shrink(double *c, size_t n, double share) {
    double trace = 0.0;
    for (size_t i = 0; i < n; i++) trace += c[i * n + i];
    double add = share * trace / (double)n + 1e-12 * trace;
    for (size_t i = 0; i < n; i++) c[i * n + i] += add;
}

bool align_canonical(double *caa, size_t da, double *cbb, size_t db, const double *cab,
                     double regularise, size_t dims, double *direction_a, double *direction_b,
                     double *correlation, double *scratch) {
    double *k = scratch, *kt = k + da * db, *kk = kt + da * db, *vectors = kk + da * da;
    double *values = vectors + da * da;
    shrink(caa, da, regularise);
    shrink(cbb, db, regularise);
    if (!align_cholesky(caa, da) || !align_cholesky(cbb, db)) return false;
    /* K = La^-1 Cab Lb^-T; its singular vectors are the whitened directions. */
    memcpy(k, cab, da * db * sizeof *k);
    align_solve_lower(caa, da, k, db);
    for (size_t i = 0; i < da; i++)
        for (size_t j = 0; j < db; j++) kt[j * da + i] = k[i * db + j];
    align_solve_lower(cbb, db, kt, da);
    for (size_t i = 0; i < da; i++)
        for (size_t j = 0; j < da; j++) {
            double sum = 0.0;
            for (size_t m = 0; m < db; m++) sum += kt[m * da + i] * kt[m * da + j];
            kk[i * da + j] = sum;
        }
    align_eigen(kk, da, values, vectors);
    for (size_t q = 0; q < dims; q++) {
        double singular = sqrt(fmax(values[q], 0.0));
        correlation[q] = fmin(singular, 1.0);
        for (size_t i = 0; i < da; i++) direction_a[i * dims + q] = vectors[i * da + q];
        for (size_t j = 0; j < db; j++) {
            double sum = 0.0;
            for (size_t i = 0; i < da; i++) sum += kt[j * da + i] * vectors[i * da + q];
            direction_b[j * dims + q] = singular > 1e-12 ? sum / singular : 0.0;
        }
    }
    align_solve_upper(caa, da, direction_a, dims);
    align_solve_upper(cbb, db, direction_b, dims);
    return true;
}

/* ---- canonical time warping ---- */

static void centre(const double *x, size_t n, size_t d, double *out) {
    for (size_t c = 0; c < d; c++) {
        double mean = 0.0;
        for (size_t t = 0; t < n; t++) mean += x[t * d + c] / (double)n;
        for (size_t t = 0; t < n; t++) out[t * d + c] = x[t * d + c] - mean;
    }
}

static void outer(double *sum, const double *x, size_t dx, const double *y, size_t dy) {
    for (size_t i = 0; i < dx; i++)
        for (size_t j = 0; j < dy; j++) sum[i * dy + j] += x[i] * y[j];
}

static void project(const double *x, size_t n, size_t d, const double *direction, size_t dims,
                    double *out) {
    for (size_t t = 0; t < n; t++)
        for (size_t q = 0; q < dims; q++) {
            double sum = 0.0;
            for (size_t c = 0; c < d; c++) sum += x[t * d + c] * direction[c * dims + q];
            out[t * dims + q] = sum;
        }
}

enum { CTW_ROUNDS = 50 };

affect_status affect_align_ctw(affect_context *ctx, const double *a, size_t n, size_t da,
                               const double *b, size_t m, size_t db, size_t dims, double band,
                               double regularise, double *projection_a, double *projection_b,
                               affect_align_pair *path, size_t *path_length, double *correlation) {
    if (!a || !b || !projection_a || !projection_b || !path || !path_length || !correlation)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "canonical time warping: a pointer is NULL");
    if (n < 2 || m < 2 || !da || !db || da > 1024 || db > 1024 || !dims ||
        dims > BASE_MIN(da, db) || !(regularise >= 0.0 && regularise <= 1.0))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "canonical time warping: wants two rows or more, 1 to 1024 channels, "
                         "1 to min(channels) dims, 0 <= regularise <= 1");
    size_t cells = n * da + m * db + (n + m) * dims + da * da + db * db + da * db + dims +
                   align_canonical_scratch(da, db);
    double *ca = base_alloc(cells * sizeof *ca);
    if (!ca) return base_fail_memory(ctx);
    double *cb = ca + n * da, *pa = cb + m * db, *pb = pa + n * dims, *caa = pb + m * dims;
    double *cbb = caa + da * da, *cab = cbb + db * db, *r = cab + da * db, *scratch = r + dims;
    centre(a, n, da, ca);
    centre(b, m, db, cb);
    /* The first path is the diagonal of the rectangle. */
    *path_length = BASE_MAX(n, m);
    for (size_t k = 0; k < *path_length; k++)
        path[k] =
            (affect_align_pair){k * (n - 1) / (*path_length - 1), k * (m - 1) / (*path_length - 1)};
    affect_status status = AFFECT_OK;
    double before = INFINITY;
    for (int round = 0; round < CTW_ROUNDS && !status; round++) {
        memset(caa, 0, (da * da + db * db + da * db) * sizeof *caa);
        double share = 1.0 / (double)*path_length;
        for (size_t k = 0; k < *path_length; k++) {
            const double *x = ca + path[k].i * da, *y = cb + path[k].j * db;
            outer(caa, x, da, x, da);
            outer(cbb, y, db, y, db);
            outer(cab, x, da, y, db);
        }
        for (size_t k = 0; k < da * da + db * db + da * db; k++) caa[k] *= share;
        if (!align_canonical(caa, da, cbb, db, cab, regularise, dims, projection_a, projection_b, r,
                             scratch)) {
            status = base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                               "canonical time warping: a series is constant, or has fewer "
                               "independent channels than it says (raise regularise)");
            break;
        }
        *correlation = 0.0;
        for (size_t q = 0; q < dims; q++) *correlation += r[q] / (double)dims;
        project(ca, n, da, projection_a, dims, pa);
        project(cb, m, db, projection_b, dims, pb);
        double distance;
        status = affect_align_dtw(ctx, pa, n, pb, m, dims, band, &distance, path, path_length);
        distance /= (double)*path_length;
        if (!(distance < before * (1.0 - 1e-9))) break;
        before = distance;
    }
    base_free(ca);
    return status;
}
