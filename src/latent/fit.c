/* Expectation: a Kalman filter over the distinct times and the Rauch-Tung-Striebel smoother, which gives mean and
 * covariance of the state at each time and of neighbours in time. Maximisation: gain, offset and noise of a stream in
 * closed form (regression of y - b on z with the uncertainty of both), its lasting error and the length scale by a
 * search in one variable, on what the smoother says of the steps from one time to the next. */
#include "latent/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "latent/kalman.h"

enum { MOST_DOUBLES = 1 << 26 };

/* An observation at its latent time. */
typedef struct row {
    affect_time at;
    size_t stream, step;
    double value, confidence;
} row;

typedef struct fit {
    affect_context *ctx;
    latent_model *model;
    latent_stream *streams;
    row *rows;
    size_t count, steps, n;
    double *dt;      /* steps; seconds since the step before, 0 at the first */
    double *x, *p;   /* steps x n and steps x n x n: filtered, then smoothed */
    double *xp, *pp; /* the same, predicted */
    double *
        neighbour; /* steps x (n + 2): covariance of a state with the next: (0,0) (0,1) (1,0) (1,1), then each b */
    double *a, *g, *t; /* n x n: transition, smoother gain, room */
    size_t *drift;     /* place of each stream's lasting error in the state, 0 = none */
    double log_likelihood;
} fit;

static void fit_clear(fit *f) {
    void *const all[] = {f->rows,      f->dt, f->x, f->p, f->xp,   f->pp,
                         f->neighbour, f->a,  f->g, f->t, f->drift};
    for (size_t i = 0; i < BASE_COUNT(all); i++) base_free(all[i]);
}

static int by_time(const void *a, const void *b) {
    const row *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    if (x->stream != y->stream) return x->stream < y->stream ? -1 : 1;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->confidence > y->confidence) - (x->confidence < y->confidence);
}

static affect_status prepare(fit *f, const latent_observation *observations, size_t count) {
    f->rows = base_alloc(BASE_MAX(count, 1) * sizeof *f->rows);
    f->drift = base_calloc(f->model->stream_count, sizeof *f->drift);
    if (!f->rows || !f->drift) return base_fail_memory(f->ctx);
    f->n = 2;
    for (size_t s = 0; s < f->model->stream_count; s++)
        if (f->streams[s].drift_sd > 0) f->drift[s] = f->n++;
    for (size_t i = 0; i < count; i++) {
        const latent_observation *o = &observations[i];
        if (o->stream >= f->model->stream_count)
            return base_fail(f->ctx, AFFECT_ERROR_ARGUMENT, "latent: no stream %zu", o->stream);
        if (!isfinite(o->value) || !(o->confidence > 0)) continue;
        f->rows[f->count++] =
            (row){.at = o->time - time_from_seconds(f->streams[o->stream].delay_s),
                  .stream = o->stream,
                  .value = o->value,
                  .confidence = BASE_MIN(o->confidence, 1.0)};
    }
    if (!f->count) return base_fail(f->ctx, AFFECT_ERROR_ARGUMENT, "latent: nothing to fit to");
    qsort(f->rows, f->count, sizeof *f->rows, by_time);
    for (size_t i = 0; i < f->count; i++)
        f->rows[i].step =
            i && f->rows[i].at == f->rows[i - 1].at ? f->rows[i - 1].step : f->steps++;
    size_t n = f->n, square = n * n;
    if (f->steps > MOST_DOUBLES / square)
        return base_fail(f->ctx, AFFECT_ERROR_LIMIT,
                         "latent: %zu times of %zu streams are too many to fit to", f->steps,
                         f->model->stream_count);
    double **const vectors[] = {&f->x, &f->xp};
    double **const squares[] = {&f->p, &f->pp};
    double **const rooms[] = {&f->a, &f->g, &f->t};
    bool fine = (f->dt = base_calloc(f->steps, sizeof(double))) != NULL;
    for (size_t i = 0; i < 2; i++) {
        fine &= (*vectors[i] = base_alloc(f->steps * n * sizeof(double))) != NULL;
        fine &= (*squares[i] = base_alloc(f->steps * square * sizeof(double))) != NULL;
    }
    for (size_t i = 0; i < 3; i++)
        fine &= (*rooms[i] = base_alloc(square * sizeof(double))) != NULL;
    fine &= (f->neighbour = base_calloc(f->steps * (n + 2), sizeof(double))) != NULL;
    if (!fine) return base_fail_memory(f->ctx);
    for (size_t i = 1; i < f->count; i++)
        if (f->rows[i].step != f->rows[i - 1].step)
            f->dt[f->rows[i].step] = time_to_seconds(f->rows[i].at - f->rows[i - 1].at);
    return AFFECT_OK;
}

/* ---- expectation ---- */

static affect_status filter(fit *f) {
    latent_kalman k;
    affect_status status = latent_kalman_init(f->ctx, &k, f->model);
    size_t n = f->n, at = 0;
    double residual, variance;
    f->log_likelihood = 0;
    for (size_t s = 0; s < f->steps && !status; s++) {
        latent_kalman_predict(&k, f->dt[s]);
        memcpy(f->xp + s * n, k.state.x, n * sizeof(double));
        memcpy(f->pp + s * n * n, k.state.p, n * n * sizeof(double));
        for (; at < f->count && f->rows[at].step == s; at++)
            f->log_likelihood +=
                latent_kalman_update(&k, f->rows[at].stream, f->rows[at].value,
                                     f->rows[at].confidence, &residual, &variance, f->g);
        memcpy(f->x + s * n, k.state.x, n * sizeof(double));
        memcpy(f->p + s * n * n, k.state.p, n * n * sizeof(double));
    }
    latent_kalman_clear(&k);
    return status;
}

/* The transition over dt, dense. */
static void transition(const fit *f, double dt) {
    size_t n = f->n;
    double m[4];
    latent_matern_transition(f->model->length_s, dt, m);
    memset(f->a, 0, n * n * sizeof(double));
    f->a[0] = m[0];
    f->a[1] = m[1];
    f->a[n] = m[2];
    f->a[n + 1] = m[3];
    for (size_t s = 0; s < f->model->stream_count; s++)
        if (f->drift[s]) f->a[f->drift[s] * n + f->drift[s]] = exp(-dt / f->streams[s].drift_s);
}

/* Lower Cholesky factor in place, with as much on the diagonal as rounding took away. */
static void cholesky(double *m, size_t n) {
    for (size_t j = 0; j < n; j++) {
        double least = 1e-14 * m[j * n + j], d = m[j * n + j];
        for (size_t k = 0; k < j; k++) d -= m[j * n + k] * m[j * n + k];
        d = sqrt(BASE_MAX(d, BASE_MAX(least, 1e-300)));
        m[j * n + j] = d;
        for (size_t i = j + 1; i < n; i++) {
            double v = m[i * n + j];
            for (size_t k = 0; k < j; k++) v -= m[i * n + k] * m[j * n + k];
            m[i * n + j] = v / d;
        }
    }
}

/* Rauch, Tung & Striebel: G = P A' / P+, x += G (x+ - A x), P += G (P+ smoothed - P+ predicted) G'. */
static void smooth(fit *f) {
    size_t n = f->n;
    for (size_t s = f->steps - 1; s-- > 0;) {
        double *x = f->x + s * n, *p = f->p + s * n * n, *next = f->p + (s + 1) * n * n;
        const double *xn = f->x + (s + 1) * n, *xp = f->xp + (s + 1) * n;
        double *pp = f->pp + (s + 1) * n * n, *g = f->g, *t = f->t;
        transition(f, f->dt[s + 1]);
        /* G' = (P+)^-1 (A P), column by column of the factor. */
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                g[i * n + j] = i < 2 ? f->a[i * n] * p[j] + f->a[i * n + 1] * p[n + j]
                                     : f->a[i * n + i] * p[i * n + j];
        memcpy(t, pp, n * n * sizeof(double));
        cholesky(t, n);
        for (size_t i = 0; i < n; i++) { /* L y = A P */
            for (size_t k = 0; k < i; k++)
                for (size_t j = 0; j < n; j++) g[i * n + j] -= t[i * n + k] * g[k * n + j];
            for (size_t j = 0; j < n; j++) g[i * n + j] /= t[i * n + i];
        }
        for (size_t i = n; i-- > 0;) { /* L' G' = y */
            for (size_t k = i + 1; k < n; k++)
                for (size_t j = 0; j < n; j++) g[i * n + j] -= t[k * n + i] * g[k * n + j];
            for (size_t j = 0; j < n; j++) g[i * n + j] /= t[i * n + i];
        }
        for (size_t j = 0; j < n; j++) {
            double v = 0;
            for (size_t i = 0; i < n; i++) v += g[i * n + j] * (xn[i] - xp[i]);
            x[j] += v;
        }
        /* The covariance with the next: G P+ smoothed. Only what the maximisation needs. */
        double *c = f->neighbour + s * (n + 2);
        for (size_t j = 0; j < 2; j++)
            for (size_t i = 0; i < 2; i++) {
                double v = 0;
                for (size_t k = 0; k < n; k++) v += g[k * n + j] * next[k * n + i];
                c[2 * j + i] = v;
            }
        for (size_t d = 2; d < n; d++) {
            double v = 0;
            for (size_t k = 0; k < n; k++) v += g[k * n + d] * next[k * n + d];
            c[2 + d] = v;
        }
        for (size_t i = 0; i < n * n; i++) pp[i] = next[i] - pp[i];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                double v = 0;
                for (size_t k = 0; k < n; k++) v += pp[i * n + k] * g[k * n + j];
                t[i * n + j] = v;
            }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++) {
                double v = 0;
                for (size_t k = 0; k < n; k++) v += g[k * n + i] * t[k * n + j];
                p[i * n + j] += v;
                p[j * n + i] = p[i * n + j];
            }
    }
}

/* ---- maximisation ---- */

/* Gain and offset by regression on what z may have been, then the noise. */
static void fit_rows(fit *f, size_t stream, const latent_fit_options *options) {
    latent_stream *s = &f->streams[stream];
    size_t n = f->n, d = f->drift[stream], rows = 0;
    double weight = 0, z1 = 0, zz = 0, y1 = 0, zy = 0;
    for (size_t i = 0; i < f->count; i++) {
        const row *r = &f->rows[i];
        if (r->stream != stream) continue;
        const double *x = f->x + r->step * n, *p = f->p + r->step * n * n;
        double z = f->model->mean + x[0], y = r->value - (d ? x[d] : 0), w = r->confidence;
        weight += w;
        z1 += w * z;
        zz += w * (z * z + p[0]);
        y1 += w * y;
        zy += w * (z * y - (d ? p[d] : 0));
        rows++;
    }
    if (rows < 3) return;
    if (options->fit_gain) {
        double spread = zz - z1 * z1 / weight;
        if (spread > 0) s->gain = (zy - z1 * y1 / weight) / spread;
        s->offset = (y1 - s->gain * z1) / weight;
    }
    if (!options->fit_noise) return;
    double square = 0;
    for (size_t i = 0; i < f->count; i++) {
        const row *r = &f->rows[i];
        if (r->stream != stream) continue;
        const double *x = f->x + r->step * n, *p = f->p + r->step * n * n;
        double e = r->value - s->offset - s->gain * (f->model->mean + x[0]) - (d ? x[d] : 0);
        double v = s->gain * s->gain * p[0] + (d ? p[d * n + d] + 2 * s->gain * p[d] : 0);
        square += r->confidence * (e * e + v);
    }
    s->noise_sd = BASE_MAX(sqrt(square / (double)rows), options->least_noise_sd);
}

/* Minus the expected log likelihood of a stream's lasting error, per step, at its best variance for that time. */
static double drift_loss(const fit *f, size_t d, double tau, double *sd) {
    size_t n = f->n;
    double total = 0, logs = 0;
    for (size_t s = 0; s + 1 < f->steps; s++) {
        const double *x = f->x + s * n, *y = x + n, *p = f->p + s * n * n, *q = p + n * n;
        double a = exp(-f->dt[s + 1] / tau), left = -expm1(-2 * f->dt[s + 1] / tau);
        double s00 = x[d] * x[d] + p[d * n + d], s11 = y[d] * y[d] + q[d * n + d];
        double s10 = x[d] * y[d] + f->neighbour[s * (n + 2) + 2 + d];
        total += (s11 - 2 * a * s10 + a * a * s00) / left;
        logs += log(left);
    }
    double first = f->x[d] * f->x[d] + f->p[d * n + d], steps = (double)f->steps;
    double variance = BASE_MAX((total + first) / steps, 1e-12);
    *sd = sqrt(variance);
    return log(variance) + logs / steps;
}

/* The same of z: how its steps look under a length scale, its variance being given. */
static double length_loss(const fit *f, double length) {
    size_t n = f->n;
    double lambda = sqrt(3.0) / length, variance = f->model->sd * f->model->sd, loss = 0;
    for (size_t s = 0; s + 1 < f->steps; s++) {
        const double *x = f->x + s * n, *y = x + n, *p = f->p + s * n * n, *q = p + n * n;
        const double *c = f->neighbour + s * (n + 2);
        double m[4];
        latent_matern_transition(length, f->dt[s + 1], m);
        const double t[2][2] = {{m[0], m[1]}, {m[2], m[3]}};
        double pz = variance, pv = variance * lambda * lambda;
        double q00 = pz - t[0][0] * t[0][0] * pz - t[0][1] * t[0][1] * pv;
        double q01 = -t[0][0] * t[1][0] * pz - t[0][1] * t[1][1] * pv;
        double q11 = pv - t[1][0] * t[1][0] * pz - t[1][1] * t[1][1] * pv;
        q00 = BASE_MAX(q00, 1e-14 * pz); /* neighbours so near that the difference cancels */
        double determinant = BASE_MAX(q00 * q11 - q01 * q01, 1e-12 * q00 * q11);
        /* E[(y - T x)(y - T x)'] */
        double sxx[2][2], syy[2][2], sxy[2][2], r[2][2];
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++) {
                sxx[i][j] = x[i] * x[j] + p[(size_t)i * n + (size_t)j];
                syy[i][j] = y[i] * y[j] + q[(size_t)i * n + (size_t)j];
                sxy[i][j] = x[i] * y[j] + c[2 * i + j];
            }
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++) {
                r[i][j] = syy[i][j];
                for (int k = 0; k < 2; k++) {
                    r[i][j] -= t[i][k] * sxy[k][j] + t[j][k] * sxy[k][i];
                    for (int l = 0; l < 2; l++) r[i][j] += t[i][k] * sxx[k][l] * t[j][l];
                }
            }
        loss +=
            log(determinant) + (q11 * r[0][0] - 2 * q01 * r[0][1] + q00 * r[1][1]) / determinant;
    }
    double pv = variance * lambda * lambda;
    loss += log(pv) + (f->x[1] * f->x[1] + f->p[n + 1]) / pv;
    return loss / (double)f->steps;
}

/* The minimum over the logarithm of one variable: golden section. */
static double best_of(const fit *f, size_t drift, double from, double to) {
    double low = log(from), high = log(to), golden = (sqrt(5.0) - 1) / 2, unused;
    double a = high - golden * (high - low), b = low + golden * (high - low);
    double fa = drift ? drift_loss(f, drift, exp(a), &unused) : length_loss(f, exp(a));
    double fb = drift ? drift_loss(f, drift, exp(b), &unused) : length_loss(f, exp(b));
    for (int i = 0; i < 24; i++) {
        if (fa < fb) {
            high = b, b = a, fb = fa;
            a = high - golden * (high - low);
            fa = drift ? drift_loss(f, drift, exp(a), &unused) : length_loss(f, exp(a));
        } else {
            low = a, a = b, fa = fb;
            b = low + golden * (high - low);
            fb = drift ? drift_loss(f, drift, exp(b), &unused) : length_loss(f, exp(b));
        }
    }
    return exp((low + high) / 2);
}

static void maximise(fit *f, const latent_fit_options *options) {
    for (size_t s = 0; s < f->model->stream_count; s++) {
        if (options->fit_gain || options->fit_noise) fit_rows(f, s, options);
        if (!options->fit_noise || !f->drift[s] || f->steps < 3) continue;
        f->streams[s].drift_s = best_of(f, f->drift[s], 0.2, 600);
        (void)drift_loss(f, f->drift[s], f->streams[s].drift_s, &f->streams[s].drift_sd);
    }
    if (options->fit_length && f->steps >= 3) f->model->length_s = best_of(f, 0, 0.1, 120);
}

/* Offsets begin where the rows lie: a lasting error that takes their place gives it up only slowly. */
static void begin_offsets(fit *f) {
    for (size_t s = 0; s < f->model->stream_count; s++) {
        double sum = 0, weight = 0;
        for (size_t i = 0; i < f->count; i++)
            if (f->rows[i].stream == s)
                sum += f->rows[i].confidence * f->rows[i].value, weight += f->rows[i].confidence;
        if (weight > 0) f->streams[s].offset = sum / weight - f->streams[s].gain * f->model->mean;
    }
}

affect_status latent_fit(affect_context *ctx, latent_model *model, latent_stream *streams,
                         const latent_observation *observations, size_t count,
                         const latent_fit_options *options, latent_fit_report *report) {
    model->streams = streams;
    affect_status status = latent_model_check(ctx, model);
    if (status) return status;
    if (options->iterations < 1 || !(options->least_noise_sd > 0))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "latent: wants one iteration or more, and a least noise above 0");
    fit f = {.ctx = ctx, .model = model, .streams = streams};
    status = prepare(&f, observations, count);
    if (!status && options->fit_gain && !options->keep_offsets) begin_offsets(&f);
    *report = (latent_fit_report){0};
    double before = -INFINITY;
    for (int i = 0; i < options->iterations && !status && !report->converged; i++) {
        status = filter(&f);
        if (status) break;
        report->converged = f.log_likelihood - before < options->tolerance * (double)f.count;
        before = report->log_likelihood = f.log_likelihood;
        report->iterations = i + 1;
        smooth(&f);
        maximise(&f, options);
    }
    fit_clear(&f);
    return status;
}
