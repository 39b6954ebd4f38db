/* Private to latent/: the state-space form of the model and its two passes.
 *
 * State x = [z - mean, dz/dt, b_1, b_2, ...], one b for each stream with a lasting error. */
#ifndef LATENT_KALMAN_H
#define LATENT_KALMAN_H

#include "latent/latent.h"

enum { KALMAN_MAX = LATENT_MAX_STREAMS + 2 };

typedef struct kalman_state {
    double x[KALMAN_MAX];
    double p[KALMAN_MAX * KALMAN_MAX]; /* covariance, n x n, symmetric */
} kalman_state;

/* What the backward pass needs to know about one step forward; `dt` comes before the rest. */
typedef struct kalman_step {
    double dt_s;
    bool is_query;
    size_t stream;
    double residual, variance; /* innovation and its variance */
    size_t gain_at;            /* n values in the pool: the Kalman gain */
    affect_time time;
} kalman_step;

/* The adjoint of the backward pass. */
typedef struct kalman_adjoint {
    double l[KALMAN_MAX], m[KALMAN_MAX * KALMAN_MAX];
} kalman_adjoint;

typedef struct kalman {
    latent_model model;
    size_t n;                         /* size of the state */
    size_t drift[LATENT_MAX_STREAMS]; /* place of b_m in the state, 0 = none */
} kalman;

void kalman_init(kalman *k, const latent_model *model, kalman_state *prior);
/* Moves the state dt seconds on (dt >= 0). */
void kalman_predict(const kalman *k, double dt_s, kalman_state *state);
/* Takes in one value; writes residual and variance, and the gain (n values). Returns ln p(value).
 */
double kalman_update(const kalman *k, size_t stream, double value, double confidence,
                     kalman_state *state, double *residual, double *variance, double *gain);
void kalman_adjoint_observe(const kalman *k, size_t stream, double residual, double variance,
                            const double *gain, kalman_adjoint *adjoint);
void kalman_adjoint_predict(const kalman *k, double dt_s, kalman_adjoint *adjoint);
/* The smoothed estimate of z from the filtered state and the adjoint at the same place. */
void kalman_smoothed(const kalman *k, const double *x, const double *p,
                     const kalman_adjoint *adjoint, double *mean, double *sd);

#endif
