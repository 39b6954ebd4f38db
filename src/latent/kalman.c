/* The state-space form: transition, Joseph update and backward adjoint recursion.
 *
 * Matern-3/2 with lambda = sqrt(3)/length (Hartikainen & Sarkka 2010, eq. 13 with p = 1):
 *     A(dt) = e^{-a} [ 1 + a, dt; -lambda^2 dt, 1 - a ],  a = lambda dt
 *     Q(dt) = P - A P A',  P = sd^2 diag(1, lambda^2)
 * Ornstein-Uhlenbeck: A = e^{-dt/tau}, Q = sd^2 (1 - e^{-2 dt/tau}). */
#include "latent/kalman.h"

#include <math.h>
#include <string.h>

void kalman_init(kalman *k, const latent_model *model, kalman_state *prior) {
    k->model = *model;
    k->n = 2;
    for (size_t s = 0; s < model->stream_count; s++)
        k->drift[s] = model->streams[s].drift_sd > 0 ? k->n++ : 0;
    double lambda = sqrt(3.0) / model->length_s, variance = model->sd * model->sd;
    *prior = (kalman_state){0};
    prior->p[0] = variance;
    prior->p[k->n + 1] = variance * lambda * lambda;
    for (size_t s = 0; s < model->stream_count; s++) {
        size_t d = k->drift[s];
        if (d) prior->p[d * k->n + d] = model->streams[s].drift_sd * model->streams[s].drift_sd;
    }
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

typedef struct transition {
    double a00, a01, a10, a11; /* the block of (z, dz/dt) */
    double decay[KALMAN_MAX];  /* of each lasting error */
    double q00, q01, q11;
    double noise[KALMAN_MAX];
} transition;

static void transition_make(const kalman *k, double dt, transition *t) {
    double lambda = sqrt(3.0) / k->model.length_s, a = lambda * dt, e = exp(-a);
    double variance = k->model.sd * k->model.sd, x = 2.0 * a;
    t->a00 = e * (1.0 + a);
    t->a01 = e * dt;
    t->a10 = -e * lambda * a;
    t->a11 = e * (1.0 - a);
    t->q00 = variance * gamma3(x);
    t->q01 = 2.0 * variance * lambda * a * a * e * e;
    t->q11 = variance * lambda * lambda * (gamma3(x) + 2.0 * x * e * e);
    for (size_t s = 0; s < k->model.stream_count; s++) {
        size_t d = k->drift[s];
        if (!d) continue;
        const latent_stream *stream = &k->model.streams[s];
        t->decay[d] = exp(-dt / stream->drift_s);
        t->noise[d] = -expm1(-2.0 * dt / stream->drift_s) * stream->drift_sd * stream->drift_sd;
    }
}

void kalman_predict(const kalman *k, double dt, kalman_state *state) {
    if (!(dt > 0.0)) return;
    size_t n = k->n;
    double *x = state->x, *p = state->p;
    transition t;
    transition_make(k, dt, &t);
    double x0 = t.a00 * x[0] + t.a01 * x[1], x1 = t.a10 * x[0] + t.a11 * x[1];
    x[0] = x0;
    x[1] = x1;
    for (size_t i = 2; i < n; i++) x[i] *= t.decay[i];
    for (size_t j = 0; j < n; j++) { /* rows: P <- A P */
        double p0 = p[j], p1 = p[n + j];
        p[j] = t.a00 * p0 + t.a01 * p1;
        p[n + j] = t.a10 * p0 + t.a11 * p1;
        for (size_t i = 2; i < n; i++) p[i * n + j] *= t.decay[i];
    }
    for (size_t i = 0; i < n; i++) { /* columns: P <- P A' */
        double p0 = p[i * n], p1 = p[i * n + 1];
        p[i * n] = t.a00 * p0 + t.a01 * p1;
        p[i * n + 1] = t.a10 * p0 + t.a11 * p1;
        for (size_t j = 2; j < n; j++) p[i * n + j] *= t.decay[j];
    }
    p[0] += t.q00;
    p[1] += t.q01;
    p[n] = p[1];
    p[n + 1] += t.q11;
    for (size_t i = 2; i < n; i++) p[i * n + i] += t.noise[i];
}

double kalman_update(const kalman *k, size_t stream, double value, double confidence,
                     kalman_state *state, double *residual, double *variance, double *gain) {
    size_t n = k->n, d = k->drift[stream];
    const latent_stream *s = &k->model.streams[stream];
    double *x = state->x, *p = state->p, ph[KALMAN_MAX] = {0};
    double r = s->noise_sd * s->noise_sd / confidence;
    for (size_t i = 0; i < n; i++) ph[i] = s->gain * p[i * n] + (d ? p[i * n + d] : 0.0);
    double v = s->gain * ph[0] + (d ? ph[d] : 0.0) + r;
    double y = value - s->offset - s->gain * (x[0] + k->model.mean) - (d ? x[d] : 0.0);
    for (size_t i = 0; i < n; i++) gain[i] = ph[i] / v;
    for (size_t i = 0; i < n; i++) x[i] += gain[i] * y;
    /* Joseph: (I - K H) P (I - K H)' + K r K', one factor at a time. It stays positive where
     * P - K ph' would not: tiny noise on a wide prior, rows nanoseconds apart. */
    double t[KALMAN_MAX], u[KALMAN_MAX * KALMAN_MAX];
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
    return -0.5 * (log(2.0 * M_PI * v) + y * y / v);
}

void kalman_adjoint_observe(const kalman *k, size_t stream, double residual, double variance,
                            const double *gain, kalman_adjoint *adjoint) {
    /* With C = I - K H: l <- C' l - H' y / v, M <- C' M C + H' H / v. H has two entries. */
    size_t n = k->n, d = k->drift[stream];
    double h0 = k->model.streams[stream].gain, *l = adjoint->l, *m = adjoint->m;
    double kl = 0.0, mk[KALMAN_MAX], kmk = 0.0;
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

void kalman_adjoint_predict(const kalman *k, double dt, kalman_adjoint *adjoint) {
    if (!(dt > 0.0)) return;
    size_t n = k->n;
    double *l = adjoint->l, *m = adjoint->m;
    transition t;
    transition_make(k, dt, &t);
    double l0 = t.a00 * l[0] + t.a10 * l[1], l1 = t.a01 * l[0] + t.a11 * l[1];
    l[0] = l0;
    l[1] = l1;
    for (size_t i = 2; i < n; i++) l[i] *= t.decay[i];
    for (size_t j = 0; j < n; j++) {
        double m0 = m[j], m1 = m[n + j];
        m[j] = t.a00 * m0 + t.a10 * m1;
        m[n + j] = t.a01 * m0 + t.a11 * m1;
        for (size_t i = 2; i < n; i++) m[i * n + j] *= t.decay[i];
    }
    for (size_t i = 0; i < n; i++) {
        double m0 = m[i * n], m1 = m[i * n + 1];
        m[i * n] = t.a00 * m0 + t.a10 * m1;
        m[i * n + 1] = t.a01 * m0 + t.a11 * m1;
        for (size_t j = 2; j < n; j++) m[i * n + j] *= t.decay[j];
    }
}

void kalman_smoothed(const kalman *k, const double *x, const double *p,
                     const kalman_adjoint *adjoint, double *mean, double *sd) {
    size_t n = k->n;
    double shift = 0.0, shrink = 0.0;
    for (size_t i = 0; i < n; i++) {
        double row = 0.0;
        for (size_t j = 0; j < n; j++) row += adjoint->m[i * n + j] * p[j];
        shift += p[i] * adjoint->l[i];
        shrink += p[i] * row;
    }
    *mean = k->model.mean + x[0] - shift;
    *sd = sqrt(fmax(p[0] - shrink, 0.0));
}
