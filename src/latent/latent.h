/* latent: one hidden value (valence, arousal or dominance) of one person, followed in continuous
 * time. In: observations from any number of streams, each at its own irregular times. Out: the mean
 * and standard deviation of the hidden value at any times asked for.
 *
 * The hidden value z is a Gaussian process with Matern-3/2 covariance. A row of stream m at time t
 * says
 *     y = gain_m * z(t - delay_m) + offset_m + b_m(t - delay_m) + e,   e ~ N(0, noise_m^2 / c)
 * where c is the row's confidence and b_m, an Ornstein-Uhlenbeck process, is the part of the
 * stream's error that lasts (frames 33 ms apart err together; without b_m, thirty of them would
 * look like thirty opinions).
 *
 * Where a stream has a `tail`, e is of Student's t as a scale mixture of normals, in the manner of the
 * outlier-robust filter of Agamennoni, Nieto & Nebot (2012): with the innovation y and its variance v
 * before the row is taken, its noise is that of c (nu + 1) / (nu + y^2 / v), never less than c's own. One
 * pass, so a stream and a file give the same; the smoother is exact given these weights.
 *
 * Both processes are solutions of linear stochastic differential equations, so a Kalman filter and
 * the Rauch-Tung-Striebel smoother give the exact Gaussian-process posterior in O(n) (Hartikainen &
 * Sarkka 2010). The update is in Joseph form, the backward pass in the form of Bierman (1973) and
 * of Bryson & Frazier, which inverts nothing. docs/latent.md has the equations. */
#ifndef LATENT_H
#define LATENT_H

#include "track/track.h"

typedef struct latent_stream {
    double gain, offset; /* y per z, y at z = 0 */
    double noise_sd;     /* > 0; sd of a row's own error at confidence 1, in units of y */
    double delay_s;      /* the stream shows z this late; may be negative */
    double drift_sd;     /* >= 0; sd of the lasting error b, in units of y; 0 = none */
    double drift_s;      /* > 0 where drift_sd > 0; b's correlation time */
    double tail; /* degrees of freedom of Student's t for a row's own error, > 0; 0 = normal: a
                            row far from what is expected then counts for less, see below */
} latent_stream;

typedef struct latent_model {
    double mean, sd, length_s; /* of z before anything is seen; sd > 0, length_s > 0 */
    size_t stream_count;       /* at least 1 */
    const latent_stream *streams;
} latent_model;

/* Rows whose value is not finite or whose confidence is not above 0 say nothing and are skipped. */
typedef struct latent_observation {
    affect_time time; /* when the stream says it, before the delay is taken off */
    size_t stream;    /* index into the model's streams */
    double value;
    double confidence; /* 0..1 */
} latent_observation;

typedef struct latent_estimate {
    affect_time time;
    double mean, sd; /* of z */
} latent_estimate;

/* ERROR_ARGUMENT with a text that names the field, if the model is out of range. */
AFFECT_MUST_USE affect_status latent_model_check(affect_context *ctx, const latent_model *model);

/* The exact posterior at `times` (never decreasing) given all observations (any order). `out` has
 * room for `time_count`. log_likelihood (may be NULL) is ln p(observations | model). Errors:
 * ARGUMENT, MEMORY. Time O(n log n) for the sorting, memory O(n). */
AFFECT_MUST_USE affect_status latent_smooth(affect_context *ctx, const latent_model *model,
                                            const latent_observation *observations, size_t count,
                                            const affect_time *times, size_t time_count,
                                            latent_estimate *out, double *log_likelihood);

/* The same in bounded memory, while observations come in. Estimates of [k lag, (k+1) lag) are made
 * from everything up to (k+2) lag: at least `lag` of the future is used and at most 2 lag awaited.
 * These edges are fixed, so results do not depend on how the input was cut into calls. */
typedef struct latent_online latent_online;
typedef void (*latent_emit_fn)(void *user, const latent_estimate *estimate);

/* Copies the model. */
AFFECT_MUST_USE affect_status latent_online_create(affect_context *ctx, const latent_model *model,
                                                   affect_time lag, latent_online **out);
void latent_online_destroy(latent_online *online);
/* Hands in a row, in any order as long as its latent time (time - delay) lies beyond the last
 * horizon; an older one is dropped and counted. */
AFFECT_MUST_USE affect_status latent_online_push(latent_online *online,
                                                 const latent_observation *observation);
/* Asks for an estimate at `time`, which must lie beyond the last horizon (ERROR_ARGUMENT). */
AFFECT_MUST_USE affect_status latent_online_ask(latent_online *online, affect_time time);
/* States that no row with a latent time below `horizon` will come any more; emits, in order of
 * time, what has become final. */
AFFECT_MUST_USE affect_status latent_online_advance(latent_online *online, affect_time horizon,
                                                    latent_emit_fn emit, void *user);
/* Emits the rest. */
AFFECT_MUST_USE affect_status latent_online_finish(latent_online *online, latent_emit_fn emit,
                                                   void *user);
size_t latent_online_late(const latent_online *online); /* rows dropped because they came late */
#endif
