/* The association of two series at every lag at once, by FFT, with what unrelated series of the same
 * kind would show: B shifted in a circle beyond the search range, and B turned round in time.
 *
 * All sums run over the points that both have. With u the validity of A's points and v of B's, and
 * invalid values set to 0, each sum over t of f(t) g(t + s) is a cross-correlation:
 *     count = u*v, Sx = x*v, Sy = u*y, Sxx = xx*v, Syy = u*yy, Sxy = x*y.
 * The sum at circular shift s is that at lag s plus that at lag s - n. */
#include <math.h>
#include <string.h>

#include "align/align_private.h"

enum { COMPONENTS = 3, FEATURES = 2 * COMPONENTS }; /* of a series of several channels */

typedef struct correlator {
    align_fft fft; /* size >= 2 n: linear lags do not wrap */
    size_t n;
    align_complex *work;
} correlator;

/* The spectrum of one real signal. */
static align_complex *spectrum(const correlator *c, const double *x, const float *valid) {
    align_complex *out = base_calloc(c->fft.size, sizeof *out);
    if (!out) return NULL;
    for (size_t k = 0; k < c->n; k++) out[k].re = x ? x[k] : (double)valid[k];
    align_fft_forward(&c->fft, out);
    return out;
}

/* Sums of a(t) b(t + s) into out[s mod size]; `reversed`: of a(t) b(n - 1 - t - s), at the same
 * place. */
static void correlate(const correlator *c, const align_complex *a, const align_complex *b,
                      bool reversed, double *out) {
    size_t size = c->fft.size;
    for (size_t k = 0; k < size; k++) {
        double im = reversed ? a[k].im : -a[k].im;
        c->work[k] =
            (align_complex){a[k].re * b[k].re - im * b[k].im, a[k].re * b[k].im + im * b[k].re};
    }
    align_fft_inverse(&c->fft, c->work);
    for (size_t k = 0; k < size; k++) {
        size_t s = reversed ? (c->n - 1 + size - k) % size : k;
        out[s] = c->work[k].re;
    }
}

/* The sum at lag s, or at circular shift s (0 <= s < n). */
static double at_lag(const correlator *c, const double *sums, ptrdiff_t s) {
    return sums[s < 0 ? (size_t)((ptrdiff_t)c->fft.size + s) : (size_t)s];
}
static double at_shift(const correlator *c, const double *sums, size_t s) {
    return s ? sums[s] + sums[c->fft.size - (c->n - s)] : sums[0];
}

/* ---- one channel each: Pearson's r over the overlap ---- */

enum { COUNT, SX, SY, SXX, SYY, SXY, SUMS };

static double pearson(const double s[SUMS]) {
    if (!(s[COUNT] >= 3.0)) return NAN;
    double vx = s[SXX] - s[SX] * s[SX] / s[COUNT], vy = s[SYY] - s[SY] * s[SY] / s[COUNT];
    /* Both are standardised: what is left of one that stands still in the overlap is rounding. */
    if (!(vx > 1e-9 * s[COUNT] && vy > 1e-9 * s[COUNT])) return NAN;
    double r = (s[SXY] - s[SX] * s[SY] / s[COUNT]) / sqrt(vx * vy);
    return fmin(fmax(r, -1.0), 1.0);
}

typedef struct pair_sums {
    double *sum[SUMS]; /* each of the transform's size */
    align_complex *a[3], *b[3];
} pair_sums;

static affect_status pair_sums_make(affect_context *ctx, const correlator *c, const align_grid *a,
                                    const align_grid *b, pair_sums *out) {
    double *square = base_alloc(BASE_MAX(c->n, 1) * sizeof *square);
    if (!square) return base_fail_memory(ctx);
    bool ok = true;
    for (int side = 0; side < 2; side++) {
        const align_grid *g = side ? b : a;
        align_complex **to = side ? out->b : out->a;
        for (size_t k = 0; k < c->n; k++) square[k] = g->x[k] * g->x[k];
        to[0] = spectrum(c, NULL, g->valid);
        to[1] = spectrum(c, g->x, NULL);
        to[2] = spectrum(c, square, NULL);
        ok = ok && to[0] && to[1] && to[2];
    }
    for (int k = 0; k < SUMS; k++) {
        out->sum[k] = base_alloc(c->fft.size * sizeof *out->sum[k]);
        ok = ok && out->sum[k];
    }
    base_free(square);
    return ok ? AFFECT_OK : base_fail_memory(ctx);
}

static void pair_sums_fill(const correlator *c, pair_sums *p, bool reversed) {
    static const int from[SUMS][2] = {{0, 0}, {1, 0}, {0, 1}, {2, 0}, {0, 2}, {1, 1}};
    for (int k = 0; k < SUMS; k++)
        correlate(c, p->a[from[k][0]], p->b[from[k][1]], reversed, p->sum[k]);
}

static void pair_sums_destroy(pair_sums *p) {
    for (int k = 0; k < SUMS; k++) base_free(p->sum[k]);
    for (int k = 0; k < 3; k++) {
        base_free(p->a[k]);
        base_free(p->b[k]);
    }
}

/* ---- several channels: Gaussian mutual information of levels and slopes ---- */

typedef struct features {
    size_t count;
    align_complex *spectrum[FEATURES];
    align_complex *valid;
} features;

/* Projects onto the first principal components, adds their slopes, whitens all over the valid
 * points. Rank below full: fewer features. */
static affect_status features_make(affect_context *ctx, const correlator *c, const align_grid *g,
                                   features *out) {
    size_t d = g->channels, n = c->n, k = BASE_MIN(d, COMPONENTS), all = 2 * k;
    double *cov = base_calloc(d * d + d + d * d, sizeof *cov);
    double *f = base_calloc(all * BASE_MAX(n, 1), sizeof *f);
    double gram[FEATURES * FEATURES], value[FEATURES], vector[FEATURES * FEATURES];
    double *white = base_alloc(BASE_MAX(n, 1) * sizeof *white);
    affect_status status = AFFECT_OK;
    if (!cov || !f || !white) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    double *values = cov + d * d, *vectors = values + d;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            for (size_t t = 0; t < n; t++) cov[i * d + j] += g->x[i * n + t] * g->x[j * n + t];
    align_eigen(cov, d, values, vectors);
    for (size_t i = 0; i < k; i++) {
        double *level = f + i * n, *slope = f + (k + i) * n;
        for (size_t j = 0; j < d; j++)
            for (size_t t = 0; t < n; t++) level[t] += vectors[j * d + i] * g->x[j * n + t];
        for (size_t t = 1; t + 1 < n; t++)
            if (g->valid[t - 1] > 0.0f && g->valid[t] > 0.0f && g->valid[t + 1] > 0.0f)
                slope[t] = level[t + 1] - level[t - 1];
    }
    double points = BASE_MAX((double)g->points, 1.0);
    for (size_t i = 0; i < all; i++) { /* unit variance first, so that ranks are told by ratio */
        double square = 0.0;
        for (size_t t = 0; t < n; t++) square += f[i * n + t] * f[i * n + t];
        double scale = square > 0.0 ? 1.0 / sqrt(square / points) : 0.0;
        for (size_t t = 0; t < n; t++) f[i * n + t] *= scale;
    }
    for (size_t i = 0; i < all; i++)
        for (size_t j = 0; j < all; j++) {
            double sum = 0.0;
            for (size_t t = 0; t < n; t++) sum += f[i * n + t] * f[j * n + t];
            gram[i * all + j] = sum / points;
        }
    align_eigen(gram, all, value, vector);
    for (size_t i = 0; i < all; i++) {
        if (!(value[i] > 1e-6 * value[0])) break;
        memset(white, 0, n * sizeof *white);
        for (size_t j = 0; j < all; j++)
            for (size_t t = 0; t < n; t++)
                white[t] += vector[j * all + i] / sqrt(value[i]) * f[j * n + t];
        out->spectrum[out->count] = spectrum(c, white, NULL);
        if (!out->spectrum[out->count]) {
            status = base_fail_memory(ctx);
            goto cleanup;
        }
        out->count++;
    }
    out->valid = spectrum(c, NULL, g->valid);
    if (!out->valid) status = base_fail_memory(ctx);
cleanup:
    base_free(cov);
    base_free(f);
    base_free(white);
    return status;
}

static void features_destroy(features *f) {
    for (size_t i = 0; i < f->count; i++) base_free(f->spectrum[i]);
    base_free(f->valid);
}

/* sqrt(1 - e^{-2 I}) with e^{-2 I} = det(1 - C C'), C the cross-covariance of whitened features. */
static double information_r(const double *cross, size_t p, size_t q) {
    double m[FEATURES * FEATURES];
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++) {
            double sum = i == j ? 1.0 : 0.0;
            for (size_t k = 0; k < q; k++) sum -= cross[i * q + k] * cross[j * q + k];
            m[i * p + j] = sum;
        }
    if (!align_cholesky(m, p)) return 1.0; /* beyond perfect: a short overlap's own variance */
    double det = 1.0;
    for (size_t i = 0; i < p; i++) det *= m[i * p + i] * m[i * p + i];
    return sqrt(fmax(1.0 - det, 0.0));
}

/* ---- both ---- */

typedef struct source {
    const correlator *c;
    affect_align_measure measure;
    pair_sums pair;
    features a, b;
    double *cross; /* features a x features b x size */
    double *count;
} source;

static void source_fill(source *s, bool reversed) {
    if (s->measure != AFFECT_ALIGN_INFORMATION) {
        pair_sums_fill(s->c, &s->pair, reversed);
        return;
    }
    correlate(s->c, s->a.valid, s->b.valid, reversed, s->count);
    for (size_t i = 0; i < s->a.count; i++)
        for (size_t j = 0; j < s->b.count; j++)
            correlate(s->c, s->a.spectrum[i], s->b.spectrum[j], reversed,
                      s->cross + (i * s->b.count + j) * s->c->fft.size);
}

/* The association at lag s (circular: at shift s), and how many points it rests on. */
static double source_r(const source *s, ptrdiff_t lag, bool circular, double *points) {
    const correlator *c = s->c;
    if (s->measure == AFFECT_ALIGN_INFORMATION) {
        size_t cells = s->a.count * s->b.count;
        double cross[FEATURES * FEATURES];
        *points = circular ? at_shift(c, s->count, (size_t)lag) : at_lag(c, s->count, lag);
        if (!(*points >= 3.0) || !cells) return NAN;
        for (size_t k = 0; k < cells; k++) {
            const double *sums = s->cross + k * c->fft.size;
            cross[k] = (circular ? at_shift(c, sums, (size_t)lag) : at_lag(c, sums, lag)) / *points;
        }
        return information_r(cross, s->a.count, s->b.count);
    }
    double sum[SUMS];
    for (int k = 0; k < SUMS; k++)
        sum[k] =
            circular ? at_shift(c, s->pair.sum[k], (size_t)lag) : at_lag(c, s->pair.sum[k], lag);
    *points = sum[COUNT];
    double r = pearson(sum);
    return s->measure == AFFECT_ALIGN_MAGNITUDE ? fabs(r) : r;
}

/* Whole numbers that the transform has rounded. */
static double whole(double count) { return floor(count + 0.5); }

affect_status align_correlogram_make(affect_context *ctx, const align_grid *a, const align_grid *b,
                                     affect_align_measure measure, size_t reach,
                                     align_correlogram *out) {
    size_t n = a->n, size = 4;
    *out = (align_correlogram){.reach = reach};
    out->r = base_alloc((2 * reach + 1) * sizeof *out->r);
    out->overlap = base_alloc((2 * reach + 1) * sizeof *out->overlap);
    if (!out->r || !out->overlap) return base_fail_memory(ctx);
    for (size_t k = 0; k <= 2 * reach; k++) out->r[k] = NAN, out->overlap[k] = 0.0;
    if (n < 3 || !a->points || !b->points) return AFFECT_OK;

    while (size < 2 * n) size *= 2;
    correlator c = {.n = n};
    source s = {.c = &c, .measure = measure};
    affect_status status = AFFECT_OK;
    bool ok = align_fft_init(&c.fft, size);
    c.work = base_alloc(size * sizeof *c.work);
    if (!ok || !c.work) status = base_fail_memory(ctx);
    if (!status && measure == AFFECT_ALIGN_INFORMATION) {
        status = features_make(ctx, &c, a, &s.a);
        if (!status) status = features_make(ctx, &c, b, &s.b);
        if (!status) {
            s.cross = base_alloc(BASE_MAX(s.a.count * s.b.count, 1) * size * sizeof *s.cross);
            s.count = base_alloc(size * sizeof *s.count);
            if (!s.cross || !s.count) status = base_fail_memory(ctx);
        }
    } else if (!status) {
        status = pair_sums_make(ctx, &c, a, b, &s.pair);
    }
    if (status) goto cleanup;

    source_fill(&s, false);
    double most = 0.0;
    size_t tried = BASE_MIN(reach, n - 1);
    for (ptrdiff_t lag = -(ptrdiff_t)tried; lag <= (ptrdiff_t)tried; lag++) {
        size_t k = (size_t)((ptrdiff_t)reach + lag);
        out->r[k] = source_r(&s, lag, false, &out->overlap[k]);
        out->overlap[k] = whole(out->overlap[k]);
        most = fmax(most, out->overlap[k]);
    }
    /* A handful of points correlates with anything. */
    for (size_t k = 0; k <= 2 * reach; k++)
        if (out->overlap[k] < fmax(10.0, 0.3 * most)) out->r[k] = NAN;

    size_t first = 2 * reach, shifts = n > 2 * first + 1 ? n - 2 * first : 0;
    out->null_count[0] = shifts;
    out->null_count[1] = n;
    for (int reversed = 0; reversed < 2; reversed++) {
        out->null[reversed] =
            base_alloc(BASE_MAX(out->null_count[reversed], 1) * sizeof *out->null[0]);
        if (!out->null[reversed]) {
            status = base_fail_memory(ctx);
            goto cleanup;
        }
        if (reversed) source_fill(&s, true);
        for (size_t k = 0; k < out->null_count[reversed]; k++) {
            double points;
            out->null[reversed][k] =
                source_r(&s, (ptrdiff_t)(reversed ? k : first + k), true, &points);
        }
    }
cleanup:
    align_fft_destroy(&c.fft);
    base_free(c.work);
    pair_sums_destroy(&s.pair);
    features_destroy(&s.a);
    features_destroy(&s.b);
    base_free(s.cross);
    base_free(s.count);
    return status;
}

void align_correlogram_destroy(align_correlogram *c) {
    base_free(c->r);
    base_free(c->overlap);
    base_free(c->null[0]);
    base_free(c->null[1]);
    *c = (align_correlogram){0};
}
