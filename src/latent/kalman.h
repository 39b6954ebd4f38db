/* Private to latent/: the state-space form of the model and its two passes.
 *
 * State x = [z - mean, dz/dt, b_1, b_2, ...], one b for each stream with a lasting error. */
#ifndef LATENT_KALMAN_H
#define LATENT_KALMAN_H

#include "latent/latent.h"

typedef struct latent_kalman_state {
    double *x; /* n */
    double *p; /* covariance, n x n, symmetric */
} latent_kalman_state;

/* What the backward pass needs to know about one step forward; `dt` comes before the rest. */
typedef struct latent_kalman_step {
    double dt_s;
    bool is_query;
    size_t stream;
    double residual, variance; /* innovation and its variance */
    size_t gain_at;            /* n values in the pool: the Kalman gain */
    affect_time time;
} latent_kalman_step;

/* The adjoint of the backward pass: n and n x n. */
typedef struct latent_kalman_adjoint {
    double *l, *m;
} latent_kalman_adjoint;

typedef struct latent_kalman {
    latent_model model; /* its streams are the filter's own */
    size_t n;           /* size of the state */
    size_t *drift;      /* of each stream the place of b_m in the state, 0 = none */
    latent_kalman_state state;
    latent_kalman_adjoint adjoint;
    /* Room for one step, so that none of them allocates. */
    double *decay, *noise, *ph, *t, *u; /* n each, u n x n */
    double *room;                       /* the block that all of these lie in */
} latent_kalman;

/* The transition of (z, dz/dt) over dt_s seconds, row by row: exp(F dt) of the Matern-3/2 process. */
void latent_matern_transition(double length_s, double dt_s, double a[4]);

/* The state begins as the prior. Copies the model. Errors: MEMORY. */
AFFECT_MUST_USE affect_status latent_kalman_init(affect_context *ctx, latent_kalman *k,
                                                 const latent_model *model);
void latent_kalman_clear(latent_kalman *k); /* of a zeroed one too */
/* Moves the state dt seconds on (dt >= 0). */
void latent_kalman_predict(latent_kalman *k, double dt_s);
/* Takes in one value; writes residual and variance, and the gain (n values). Returns ln p(value).
 */
double latent_kalman_update(latent_kalman *k, size_t stream, double value, double confidence,
                            double *residual, double *variance, double *gain);
/* The backward pass, from an adjoint of zeros. */
void latent_kalman_adjoint_begin(latent_kalman *k);
void latent_kalman_adjoint_observe(latent_kalman *k, size_t stream, double residual,
                                   double variance, const double *gain);
void latent_kalman_adjoint_predict(latent_kalman *k, double dt_s);
/* The smoothed estimate of z from the filtered state and the adjoint at the same place. */
void latent_kalman_smoothed(const latent_kalman *k, const double *x, const double *p, double *mean,
                            double *sd);

#endif
