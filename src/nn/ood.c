/* The Gaussian of the last features: covariance shrunk towards its diagonal mean, inverse Cholesky
 * factor. */
#include "nn/ood.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct nn_ood {
    size_t width;
    float *mean, *factor; /* factor: lower triangle of L^-1 (width x width) with cov = L L' */
    float usual[3];       /* median of log distance; how far from it 95 % and 99 % of inputs are */
};

static const double shrinkage = 0.02; /* share of the mean variance in every direction */

static nn_ood *create(size_t width) {
    nn_ood *k = base_calloc(1, sizeof *k);
    if (!k) return NULL;
    k->width = width;
    k->mean = base_calloc(width, sizeof *k->mean);
    k->factor = base_calloc(width * width, sizeof *k->factor);
    k->usual[1] = k->usual[2] = INFINITY;
    if (k->mean && k->factor) return k;
    nn_ood_destroy(k);
    return NULL;
}

void nn_ood_destroy(nn_ood *k) {
    if (!k) return;
    base_free(k->mean);
    base_free(k->factor);
    base_free(k);
}

size_t nn_ood_width(const nn_ood *k) { return k->width; }

/* cov (lower triangle used) becomes its Cholesky factor. */
static bool factorise(double *cov, size_t d) {
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = cov[i * d + j];
            for (size_t k = 0; k < j; k++) sum -= cov[i * d + k] * cov[j * d + k];
            if (i == j && !(sum > 0)) return false;
            cov[i * d + j] = i == j ? sqrt(sum) : sum / cov[j * d + j];
        }
    return true;
}

/* out = inverse of the lower triangular l. */
static void invert(const double *l, size_t d, float *out, double *column) {
    for (size_t c = 0; c < d; c++)
        for (size_t r = c; r < d; r++) {
            double sum = r == c ? 1 : 0;
            for (size_t k = c; k < r; k++) sum -= l[r * d + k] * column[k];
            column[r] = sum / l[r * d + r];
            out[r * d + c] = (float)column[r];
        }
}

affect_status nn_ood_fit(affect_context *ctx, const float *features, size_t n, size_t d,
                         nn_ood **out) {
    *out = NULL;
    if (n < 2 || d == 0)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%zu samples of %zu features say nothing", n,
                         d);
    nn_ood *ood = create(d);
    double *cov = base_calloc(d * d, sizeof *cov), *x = base_calloc(d, sizeof *x);
    if (!ood || !cov || !x) {
        nn_ood_destroy(ood);
        base_free(cov);
        base_free(x);
        return base_fail_memory(ctx);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) x[c] += (double)features[i * d + c] / (double)n;
    for (size_t c = 0; c < d; c++) ood->mean[c] = (float)x[c];
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < d; c++) x[c] = (double)(features[i * d + c] - ood->mean[c]);
        for (size_t r = 0; r < d; r++)
            for (size_t c = 0; c <= r; c++) cov[r * d + c] += x[r] * x[c];
    }
    double trace = 0;
    for (size_t i = 0; i < d * d; i++) cov[i] /= (double)n;
    for (size_t c = 0; c < d; c++) trace += cov[c * d + c];
    for (size_t c = 0; c < d; c++) cov[c * d + c] += fmax(shrinkage * trace / (double)d, 1e-12);
    bool fine = factorise(cov, d);
    if (fine) invert(cov, d, ood->factor, x);
    base_free(cov);
    base_free(x);
    if (!fine) {
        nn_ood_destroy(ood);
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "the features are not finite");
    }
    *out = ood;
    return AFFECT_OK;
}

double nn_ood_distance(const nn_ood *k, const float *features) {
    double sum = 0;
    for (size_t r = 0; r < k->width; r++) {
        double z = 0;
        const float *row = k->factor + r * k->width;
        for (size_t c = 0; c <= r; c++) z += (double)(row[c] * (features[c] - k->mean[c]));
        sum += z * z;
    }
    return sum / (double)k->width;
}

static double log_of(double distance) { return log(fmax(distance, 1e-12)); }

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

affect_status nn_ood_calibrate(affect_context *ctx, nn_ood *k, const float *features, size_t n) {
    if (n == 0) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no sample says what is usual");
    double *distance = base_calloc(n, sizeof *distance);
    if (!distance) return base_fail_memory(ctx);
    for (size_t i = 0; i < n; i++)
        distance[i] = log_of(nn_ood_distance(k, features + i * k->width));
    qsort(distance, n, sizeof *distance, ascending);
    k->usual[0] = (float)distance[n / 2];
    for (size_t i = 0; i < n; i++) distance[i] = fabs(distance[i] - (double)k->usual[0]);
    qsort(distance, n, sizeof *distance, ascending);
    k->usual[1] = (float)distance[(size_t)((double)(n - 1) * .95)];
    k->usual[2] = (float)distance[(size_t)((double)(n - 1) * .99)];
    base_free(distance);
    return AFFECT_OK;
}

double nn_ood_score(const nn_ood *k, const float *features) {
    return (double)(float)fabs(log_of(nn_ood_distance(k, features)) - (double)k->usual[0]);
}

double nn_ood_in_distribution(const nn_ood *k, double ood_score) {
    double over = ood_score - (double)k->usual[1];
    if (!(over > 0)) return isnan(over) ? 0 : 1;
    double tail = fmax((double)(k->usual[2] - k->usual[1]), 1e-6);
    return exp(-log(5) * over / tail);
}

void nn_ood_write(const nn_ood *k, nn_writer *w) {
    nn_writer_add(w, "known.mean", NN_F32, NN_SHAPE(k->width), k->mean);
    nn_writer_add(w, "known.factor", NN_F32, NN_SHAPE(k->width, k->width), k->factor);
    nn_writer_add(w, "known.usual", NN_F32, NN_SHAPE(3), k->usual);
}

affect_status nn_ood_read(affect_context *ctx, const nn_file *file, nn_ood **out) {
    *out = NULL;
    int mean = nn_file_find(file, "known.mean"), factor = nn_file_find(file, "known.factor"),
        usual = nn_file_find(file, "known.usual");
    if (usual < 0) return AFFECT_OK;
    nn_shape m = {0}, f = {0}, l = {0};
    if (mean >= 0) m = nn_file_shape(file, (size_t)mean);
    if (factor >= 0) f = nn_file_shape(file, (size_t)factor);
    l = nn_file_shape(file, (size_t)usual);
    size_t d = m.rank == 1 ? m.d[0] : 0;
    if (d == 0 || d > 65536 || !nn_shape_equal(f, NN_SHAPE(d, d)) ||
        !nn_shape_equal(l, NN_SHAPE(3)))
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "the weights' 'known.mean', 'known.factor' and 'known.usual' do not fit "
                         "together");
    nn_ood *k = create(d);
    if (!k) return base_fail_memory(ctx);
    affect_status status = nn_file_read(ctx, file, (size_t)mean, k->mean, d);
    if (status == AFFECT_OK) status = nn_file_read(ctx, file, (size_t)factor, k->factor, d * d);
    if (status == AFFECT_OK) status = nn_file_read(ctx, file, (size_t)usual, k->usual, 3);
    if (status == AFFECT_OK && !(k->usual[2] >= k->usual[1]))
        status = base_fail(ctx, AFFECT_ERROR_MODEL, "the weights' 'known.usual' are out of order");
    if (status == AFFECT_OK)
        *out = k;
    else
        nn_ood_destroy(k);
    return status;
}
