/* The state-space form: transition, Joseph update and backward adjoint recursion.
 *
 * Matern-3/2 with lambda = sqrt(3)/length (Hartikainen & Sarkka 2010, eq. 13 with p = 1):
 *     A(dt) = e^{-a} [ 1 + a, dt; -lambda^2 dt, 1 - a ],  a = lambda dt
 *     Q(dt) = P - A P A',  P = sd^2 diag(1, lambda^2)
 * Ornstein-Uhlenbeck: A = e^{-dt/tau}, Q = sd^2 (1 - e^{-2 dt/tau}). */
#include "latent/kalman.h"

#include <math.h>
#include <string.h>

affect_status latent_kalman_init(affect_context *ctx, latent_kalman *k, const latent_model *model) {
    *k = (latent_kalman){.model = *model, .n = 2};
    latent_stream *streams = base_calloc(model->stream_count, sizeof *streams);
    k->model.streams = streams;
    k->drift = base_calloc(model->stream_count, sizeof *k->drift);
    if (!streams || !k->drift) return base_fail_memory(ctx);
    for (size_t s = 0; s < model->stream_count; s++) {
        streams[s] = model->streams[s];
        k->drift[s] = streams[s].drift_sd > 0 ? k->n++ : 0;
    }
    size_t n = k->n;
    k->room = n < SIZE_MAX / 4 / n ? base_calloc(3 * n * n + 6 * n, sizeof *k->room) : NULL;
    if (!k->room) return base_fail_memory(ctx);
    double **const vectors[] = {&k->state.x, &k->adjoint.l, &k->decay, &k->noise, &k->ph, &k->t};
    double **const squares[] = {&k->state.p, &k->adjoint.m, &k->u};
    double *next = k->room;
    for (size_t i = 0; i < BASE_COUNT(vectors); i++, next += n) *vectors[i] = next;
    for (size_t i = 0; i < BASE_COUNT(squares); i++, next += n * n) *squares[i] = next;
    double lambda = sqrt(3.0) / model->length_s, variance = model->sd * model->sd;
    double *p = k->state.p;
    p[0] = variance;
    p[n + 1] = variance * lambda * lambda;
    for (size_t s = 0; s < model->stream_count; s++) {
        size_t d = k->drift[s];
        if (d) p[d * n + d] = streams[s].drift_sd * streams[s].drift_sd;
    }
    return AFFECT_OK;
}

void latent_kalman_clear(latent_kalman *k) {
    base_free((void *)k->model.streams); /* made as the filter's own above */
    base_free(k->drift);
    base_free(k->room);
    *k = (latent_kalman){0};
}

/* 1 - e^{-x}(1 + x + x^2/2), by its all-positive series where the difference would cancel. */
static double gamma3(double x) {
    if (x > 1.0) return 1.0 - exp(-x) * (1.0 + x + 0.5 * x * x);
    double term = x * x * x / 6.0, sum = 0.0;
    for (int i = 4; i < 32 && term > sum * 1e-18; i++) {
        sum += term;
        term *= x / i;
    }
    return exp(-x) * sum;
}

void latent_matern_transition(double length_s, double dt_s, double a[4]) {
    double lambda = sqrt(3.0) / length_s, x = lambda * dt_s, e = exp(-x);
    a[0] = e * (1.0 + x);
    a[1] = e * dt_s;
    a[2] = -e * lambda * x;
    a[3] = e * (1.0 - x);
}

typedef struct transition {
    double a00, a01, a10, a11; /* the block of (z, dz/dt) */
    double q00, q01, q11;
} transition;

/* Of the lasting errors into k->decay and k->noise. */
static void transition_make(const latent_kalman *k, double dt, transition *t) {
    double lambda = sqrt(3.0) / k->model.length_s, a = lambda * dt, e = exp(-a);
    double variance = k->model.sd * k->model.sd, x = 2.0 * a, m[4];
    latent_matern_transition(k->model.length_s, dt, m);
    t->a00 = m[0], t->a01 = m[1], t->a10 = m[2], t->a11 = m[3];
    t->q00 = variance * gamma3(x);
    t->q01 = 2.0 * variance * lambda * a * a * e * e;
    t->q11 = variance * lambda * lambda * (gamma3(x) + 2.0 * x * e * e);
    for (size_t s = 0; s < k->model.stream_count; s++) {
        size_t d = k->drift[s];
        if (!d) continue;
        const latent_stream *stream = &k->model.streams[s];
        k->decay[d] = exp(-dt / stream->drift_s);
        k->noise[d] = -expm1(-2.0 * dt / stream->drift_s) * stream->drift_sd * stream->drift_sd;
    }
}

void latent_kalman_predict(latent_kalman *k, double dt) {
    if (!(dt > 0.0)) return;
    size_t n = k->n;
    double *x = k->state.x, *p = k->state.p;
    transition t;
    transition_make(k, dt, &t);
    double x0 = t.a00 * x[0] + t.a01 * x[1], x1 = t.a10 * x[0] + t.a11 * x[1];
    x[0] = x0;
    x[1] = x1;
    for (size_t i = 2; i < n; i++) x[i] *= k->decay[i];
    for (size_t j = 0; j < n; j++) { /* rows: P <- A P */
        double p0 = p[j], p1 = p[n + j];
        p[j] = t.a00 * p0 + t.a01 * p1;
        p[n + j] = t.a10 * p0 + t.a11 * p1;
        for (size_t i = 2; i < n; i++) p[i * n + j] *= k->decay[i];
    }
    for (size_t i = 0; i < n; i++) { /* columns: P <- P A' */
        double p0 = p[i * n], p1 = p[i * n + 1];
        p[i * n] = t.a00 * p0 + t.a01 * p1;
        p[i * n + 1] = t.a10 * p0 + t.a11 * p1;
        for (size_t j = 2; j < n; j++) p[i * n + j] *= k->decay[j];
    }
    p[0] += t.q00;
    p[1] += t.q01;
    p[n] = p[1];
    p[n + 1] += t.q11;
    for (size_t i = 2; i < n; i++) p[i * n + i] += k->noise[i];
}

double latent_kalman_update(latent_kalman *k, size_t stream, double value, double confidence,
                            double *residual, double *variance, double *gain) {
    size_t n = k->n, d = k->drift[stream];
    const latent_stream *s = &k->model.streams[stream];
    double *x = k->state.x, *p = k->state.p, *ph = k->ph, *t = k->t, *u = k->u;
    double r = s->noise_sd * s->noise_sd / confidence;
    for (size_t i = 0; i < n; i++) ph[i] = s->gain * p[i * n] + (d ? p[i * n + d] : 0.0);
    double known = s->gain * ph[0] + (d ? ph[d] : 0.0), v = known + r;
    double y = value - s->offset - s->gain * (x[0] + k->model.mean) - (d ? x[d] : 0.0);
    double log_p = -0.5 * (log(2.0 * M_PI * v) + y * y / v);
    if (s->tail > 0.0) {
        double nu = s->tail, weight = (nu + 1.0) / (nu + y * y / v);
        int sign; /* lgamma itself writes a global */
        log_p = lgamma_r(0.5 * (nu + 1.0), &sign) - lgamma_r(0.5 * nu, &sign) -
                0.5 * log(nu * M_PI * v) - 0.5 * (nu + 1.0) * log1p(y * y / (nu * v));
        if (weight < 1.0) {
            r /= weight;
            v = known + r;
        }
    }
    for (size_t i = 0; i < n; i++) gain[i] = ph[i] / v;
    for (size_t i = 0; i < n; i++) x[i] += gain[i] * y;
    /* Joseph: (I - K H) P (I - K H)' + K r K', one factor at a time. It stays positive where
     * P - K ph' would not: tiny noise on a wide prior, rows nanoseconds apart. */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) u[i * n + j] = p[i * n + j] - gain[i] * ph[j];
    for (size_t i = 0; i < n; i++) t[i] = s->gain * u[i * n] + (d ? u[i * n + d] : 0.0);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double lower = u[i * n + j] - t[i] * gain[j], upper = u[j * n + i] - t[j] * gain[i];
            p[i * n + j] = p[j * n + i] = 0.5 * (lower + upper) + gain[i] * gain[j] * r;
        }
    *residual = y;
    *variance = v;
    return log_p;
}

void latent_kalman_adjoint_begin(latent_kalman *k) {
    memset(k->adjoint.l, 0, k->n * sizeof *k->adjoint.l);
    memset(k->adjoint.m, 0, k->n * k->n * sizeof *k->adjoint.m);
}

void latent_kalman_adjoint_observe(latent_kalman *k, size_t stream, double residual,
                                   double variance, const double *gain) {
    /* With C = I - K H: l <- C' l - H' y / v, M <- C' M C + H' H / v. H has two entries. */
    size_t n = k->n, d = k->drift[stream];
    double h0 = k->model.streams[stream].gain, *l = k->adjoint.l, *m = k->adjoint.m;
    double kl = 0.0, *mk = k->t, kmk = 0.0;
    for (size_t i = 0; i < n; i++) kl += gain[i] * l[i];
    for (size_t i = 0; i < n; i++) {
        mk[i] = 0.0;
        for (size_t j = 0; j < n; j++) mk[i] += m[i * n + j] * gain[j];
        kmk += gain[i] * mk[i];
    }
    double dl = -kl - residual / variance, dm = kmk + 1.0 / variance;
    size_t at[2] = {0, d};
    double h[2] = {h0, 1.0};
    for (int a = 0; a < (d ? 2 : 1); a++) {
        l[at[a]] += h[a] * dl;
        for (size_t j = 0; j < n; j++) { /* - H' (K' M) - (M K) H */
            m[at[a] * n + j] -= h[a] * mk[j];
            m[j * n + at[a]] -= h[a] * mk[j];
        }
    }
    for (int a = 0; a < (d ? 2 : 1); a++)
        for (int b = 0; b < (d ? 2 : 1); b++) m[at[a] * n + at[b]] += h[a] * h[b] * dm;
}

void latent_kalman_adjoint_predict(latent_kalman *k, double dt) {
    if (!(dt > 0.0)) return;
    size_t n = k->n;
    double *l = k->adjoint.l, *m = k->adjoint.m;
    transition t;
    transition_make(k, dt, &t);
    double l0 = t.a00 * l[0] + t.a10 * l[1], l1 = t.a01 * l[0] + t.a11 * l[1];
    l[0] = l0;
    l[1] = l1;
    for (size_t i = 2; i < n; i++) l[i] *= k->decay[i];
    for (size_t j = 0; j < n; j++) {
        double m0 = m[j], m1 = m[n + j];
        m[j] = t.a00 * m0 + t.a10 * m1;
        m[n + j] = t.a01 * m0 + t.a11 * m1;
        for (size_t i = 2; i < n; i++) m[i * n + j] *= k->decay[i];
    }
    for (size_t i = 0; i < n; i++) {
        double m0 = m[i * n], m1 = m[i * n + 1];
        m[i * n] = t.a00 * m0 + t.a10 * m1;
        m[i * n + 1] = t.a01 * m0 + t.a11 * m1;
        for (size_t j = 2; j < n; j++) m[i * n + j] *= k->decay[j];
    }
}

void latent_kalman_smoothed(const latent_kalman *k, const double *x, const double *p, double *mean,
                            double *sd) {
    size_t n = k->n;
    double shift = 0.0, shrink = 0.0;
    for (size_t i = 0; i < n; i++) {
        double row = 0.0;
        for (size_t j = 0; j < n; j++) row += k->adjoint.m[i * n + j] * p[j];
        shift += p[i] * k->adjoint.l[i];
        shrink += p[i] * row;
    }
    *mean = k->model.mean + x[0] - shift;
    *sd = sqrt(fmax(p[0] - shrink, 0.0));
}
