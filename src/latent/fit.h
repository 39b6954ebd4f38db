/* The parameters of a latent model from the observations themselves: maximum likelihood by expectation and
 * maximisation (Shumway & Stoffer 1982), on the exact smoother of the state-space form. */
#ifndef LATENT_FIT_H
#define LATENT_FIT_H

#include "latent/latent.h"

typedef struct latent_fit_options {
    int iterations; /* at most; 1 or more */
    double
        tolerance; /* stops when ln p(observations) rises by less than so much a row and iteration */
    double least_noise_sd; /* > 0; no stream is believed to be more exact than that */
    bool
        keep_offsets; /* offsets begin as they are given, not at the rows' mean: for going on with a fit */
    bool fit_gain;   /* gain and offset of each stream */
    bool fit_noise;  /* noise_sd, and drift_sd and drift_s where drift_sd is above 0 */
    bool fit_length; /* length_s */
} latent_fit_options;

/* How the fit went. */
typedef struct latent_fit_report {
    double log_likelihood; /* of the parameters before the last step */
    int iterations;
    bool converged;
} latent_fit_report;

/* Changes the fields of `model` and `streams` (the model's own, writable) that the options name. z keeps mean and sd,
 * which fixes the scale: of gains and sd only the product is known. Delays stay. Observations of one latent time are
 * one step. Errors: ARGUMENT, MEMORY, LIMIT (where distinct times x (2 + streams)^2 is above 2^26: take fewer rows).
 * Time O(iterations x times x streams^3), memory O(times x streams^2). */
AFFECT_MUST_USE affect_status latent_fit(affect_context *ctx, latent_model *model,
                                         latent_stream *streams,
                                         const latent_observation *observations, size_t count,
                                         const latent_fit_options *options,
                                         latent_fit_report *report);

#endif
