/* Private to annotate/: the traces on one grid, their lags, and the ways to make one of them. */
#ifndef ANNOTATE_PRIVATE_H
#define ANNOTATE_PRIVATE_H

#include "affect/gold.h"
#include "base/base.h"

/* Raters' traces on one grid. A value at time t is what the rater said at t + lag. */
typedef struct annotate_grid {
    size_t raters, n;
    double t0_s, step_s;
    const affect_gold_trace *traces; /* borrowed */
    double *lag_s, *lag_sd_s;        /* raters; 0 and NaN before they were looked for */
    double *y;                       /* raters x n, NaN = nothing said */
} annotate_grid;

/* ---- grid.c ---- */

/* Checks the traces and makes the grid that they span. */
AFFECT_MUST_USE affect_status annotate_grid_make(affect_context *ctx,
                                                 const affect_gold_trace *traces, size_t count,
                                                 const affect_gold_options *options,
                                                 annotate_grid *out);
void annotate_grid_destroy(annotate_grid *grid);
/* Reads every trace again at its present lag. */
void annotate_grid_shift(annotate_grid *grid);
/* One trace at times first, first + step, ...: linear between rows that are near or equal, NaN elsewhere. */
void annotate_read(const affect_gold_trace *trace, double first, double step, size_t n,
                   double *out);
static inline double *annotate_row(const annotate_grid *grid, size_t rater) {
    return grid->y + rater * grid->n;
}

/* For qsort: doubles, rising. */
int annotate_by_value(const void *a, const void *b);

typedef struct annotate_moments {
    double mean, sd;
    size_t count;
} annotate_moments;
annotate_moments annotate_describe(const double *x, size_t n); /* of what is not NaN; sd with 1/n */
/* Over what both have; NaN where one is constant. */
double annotate_correlation(const double *x, const double *y, size_t n);

/* ---- lags.c ---- */

/* How late each rater is: into grid->lag_s and lag_sd_s, and the traces are shifted. */
AFFECT_MUST_USE affect_status annotate_lags_find(affect_context *ctx, annotate_grid *grid,
                                                 const affect_gold_options *options);

/* ---- latent.c, simple.c: value and sd (n each) of the result, weight and lasting_s of each rater ---- */

AFFECT_MUST_USE affect_status annotate_latent(affect_context *ctx, const annotate_grid *grid,
                                              const affect_gold_options *options, double *value,
                                              double *sd, affect_gold_rater *raters);
AFFECT_MUST_USE affect_status annotate_simple(affect_context *ctx, annotate_grid *grid,
                                              affect_gold_method method, double *value, double *sd,
                                              affect_gold_rater *raters);

/* ---- comparisons.c ---- */

/* Bends value (and sd) so that the stretches named by comparisons lie as those say. */
AFFECT_MUST_USE affect_status annotate_compare(affect_context *ctx, const annotate_grid *grid,
                                               const affect_gold_options *options, double *value,
                                               double *sd);

#endif
