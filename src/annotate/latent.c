/* Raters as streams of the latent model: each has a gain, an offset, a noise and an error that lasts, all fitted by
 * maximum likelihood to the traces alone; a feature of what was watched may be one more stream. */
#include <math.h>
#include <string.h>

#include "annotate/annotate_private.h"
#include "latent/fit.h"

enum { ITERATIONS = 20, FIT_DOUBLES = 1 << 22 };

typedef struct work {
    const annotate_grid *grid;
    size_t streams;
    latent_model model;
    latent_stream *stream;
    annotate_moments *moments; /* of each stream, which is standardised */
    double *feature;           /* n, or NULL */
    latent_observation *rows;
    affect_time *times;
    latent_estimate *estimates;
    double *left_out, *jack, *jack_mean; /* n each: without one rater; sums over raters */
} work;

static void work_clear(work *w) {
    void *const all[] = {w->stream,    w->moments,  w->feature, w->rows,     w->times,
                         w->estimates, w->left_out, w->jack,    w->jack_mean};
    for (size_t i = 0; i < BASE_COUNT(all); i++) base_free(all[i]);
}

static const double *values_of(const work *w, size_t stream) {
    return stream < w->grid->raters ? annotate_row(w->grid, stream) : w->feature;
}

/* The observations of all streams but one (SIZE_MAX: all), every hop-th point of the grid. */
static size_t gather(const work *w, size_t without, size_t hop) {
    size_t count = 0;
    for (size_t s = 0; s < w->streams; s++) {
        const double *y = values_of(w, s);
        if (s == without || !(w->moments[s].sd > 0)) continue;
        for (size_t k = 0; k < w->grid->n; k += hop)
            if (!isnan(y[k]))
                w->rows[count++] =
                    (latent_observation){.time = w->times[k],
                                         .stream = s,
                                         .value = (y[k] - w->moments[s].mean) / w->moments[s].sd,
                                         .confidence = 1};
    }
    return count;
}

static affect_status estimate(affect_context *ctx, const work *w, size_t without) {
    size_t count = gather(w, without, 1);
    return latent_smooth(ctx, &w->model, w->rows, count, w->times, w->grid->n, w->estimates, NULL);
}

static affect_status work_make(affect_context *ctx, const annotate_grid *g,
                               const affect_gold_options *options, work *w) {
    size_t n = g->n;
    bool takes = options->feature_stream && options->feature_count;
    *w = (work){.grid = g, .streams = g->raters + (takes ? 1 : 0)};
    w->stream = base_calloc(w->streams, sizeof *w->stream);
    w->moments = base_calloc(w->streams, sizeof *w->moments);
    w->rows = base_alloc(w->streams * n * sizeof *w->rows);
    w->times = base_alloc(n * sizeof *w->times);
    w->estimates = base_calloc(n, sizeof *w->estimates);
    w->left_out = base_alloc(n * sizeof(double));
    w->jack = base_calloc(n, sizeof(double));
    w->jack_mean = base_calloc(n, sizeof(double));
    if (takes) w->feature = base_alloc(n * sizeof(double));
    if (!w->stream || !w->moments || !w->rows || !w->times || !w->estimates || !w->left_out ||
        !w->jack || !w->jack_mean || (takes && !w->feature))
        return base_fail_memory(ctx);
    if (takes) annotate_read(&options->features[0], g->t0_s, g->step_s, n, w->feature);
    for (size_t k = 0; k < n; k++) w->times[k] = time_from_seconds((double)k * g->step_s);
    for (size_t s = 0; s < w->streams; s++) {
        w->moments[s] = annotate_describe(values_of(w, s), n);
        w->stream[s] = (latent_stream){.gain = .8, .noise_sd = .2, .drift_sd = .5, .drift_s = 10};
    }
    w->model =
        (latent_model){.sd = 1, .length_s = 2, .stream_count = w->streams, .streams = w->stream};
    return AFFECT_OK;
}

affect_status annotate_latent(affect_context *ctx, const annotate_grid *g,
                              const affect_gold_options *options, double *value, double *sd,
                              affect_gold_rater *raters) {
    work w;
    size_t n = g->n;
    affect_status status = work_make(ctx, g, options, &w);
    size_t room = (2 + w.streams) * (2 + w.streams), hop = n * room / FIT_DOUBLES + 1, usable = 0;
    for (size_t s = 0; s < g->raters && !status; s++) usable += w.moments[s].sd > 0;
    if (!status && !usable)
        status =
            base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no trace moves: there is nothing to agree on");
    if (!status) {
        latent_fit_options o = {.iterations = ITERATIONS,
                                .tolerance = 1e-4,
                                .least_noise_sd =
                                    .02, /* a slider has some fifty steps a standard deviation */
                                .fit_gain = usable > 1,
                                .fit_noise = usable > 1,
                                .fit_length = true};
        latent_fit_report report;
        size_t count = gather(&w, SIZE_MAX, hop);
        status = latent_fit(ctx, &w.model, w.stream, w.rows, count, &o, &report);
    }
    if (!status) status = estimate(ctx, &w, SIZE_MAX);
    /* What a trace adds: how much of z is in it against its errors. From z to the raters' own scale by the same weights. */
    double at0 = 0, per1 = 0, total = 0;
    for (size_t s = 0; s < g->raters && !status; s++) {
        const latent_stream *m = &w.stream[s];
        double errors = m->noise_sd * m->noise_sd + m->drift_sd * m->drift_sd;
        raters[s].weight = w.moments[s].sd > 0 ? m->gain * m->gain / errors : 0;
        raters[s].lasting_s = w.moments[s].sd > 0 ? m->drift_s : NAN;
        total += raters[s].weight;
    }
    for (size_t s = 0; s < g->raters && !status; s++) {
        raters[s].weight = total > 0 ? raters[s].weight / total : 1 / (double)g->raters;
        at0 += raters[s].weight * (w.moments[s].mean + w.moments[s].sd * w.stream[s].offset);
        per1 += raters[s].weight * w.moments[s].sd * w.stream[s].gain;
    }
    double turn = per1 < 0 ? -1 : 1;
    for (size_t k = 0; k < n && !status; k++) {
        value[k] = at0 + per1 * w.estimates[k].mean;
        sd[k] = fabs(per1) * w.estimates[k].sd;
    }
    /* Without each rater in turn: how reliable he is by the others, and how far the result hangs on single ones. */
    for (size_t s = 0; s < g->raters && !status; s++) {
        if (usable < 2 || !(w.moments[s].sd > 0)) {
            raters[s].reliability = NAN;
            continue;
        }
        status = estimate(ctx, &w, s);
        if (status) break;
        for (size_t k = 0; k < n; k++) {
            double z = w.estimates[k].mean;
            w.left_out[k] = turn * z;
            w.jack_mean[k] += z / (double)usable;
            w.jack[k] += z * z;
        }
        raters[s].reliability = annotate_correlation(annotate_row(g, s), w.left_out, n);
    }
    for (size_t k = 0; k < n && !status && usable > 2; k++) {
        double m = (double)usable,
               spread = fmax(w.jack[k] - m * w.jack_mean[k] * w.jack_mean[k], 0);
        sd[k] = fmax(sd[k], fabs(per1) * sqrt((m - 1) / m * spread));
    }
    work_clear(&w);
    return status;
}
