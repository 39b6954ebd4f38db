/* The public face of annotate/: checks, the method asked for, and what each rater was like against the result. */
#include "affect/gold.h"

#include <math.h>
#include <string.h>

#include "affect/score.h"
#include "annotate/annotate_private.h"

struct affect_gold {
    size_t count, raters;
    double t0_s, step_s;
    double *value, *sd;
    affect_gold_rater *rater;
    char **names;
};

static affect_status settle(affect_context *ctx, const affect_gold_options *given,
                            affect_gold_options *out) {
    *out = (affect_gold_options)AFFECT_GOLD_DEFAULTS;
    if (given) memcpy(out, given, BASE_MIN(given->size, sizeof *out));
    out->size = sizeof *out;
    if ((unsigned)out->method > AFFECT_GOLD_RAAW)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no such method: %d", (int)out->method);
    if (out->method == AFFECT_GOLD_MI_LAG && !out->feature_count)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "mi-lag needs a feature of what was watched");
    if (out->feature_count > 32)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "%zu features, at most 32 are taken",
                         out->feature_count);
    return AFFECT_OK;
}

/* Gain, offset and noise of each trace against the result. */
static void describe(const annotate_grid *g, const double *value, affect_gold_rater *raters) {
    for (size_t i = 0; i < g->raters; i++) {
        const double *y = annotate_row(g, i);
        double n = 0, mx = 0, my = 0, xx = 0, xy = 0, square = 0;
        for (size_t k = 0; k < g->n; k++)
            if (!isnan(y[k]) && !isnan(value[k])) n++, mx += value[k], my += y[k];
        mx /= fmax(n, 1);
        my /= fmax(n, 1);
        for (size_t k = 0; k < g->n; k++)
            if (!isnan(y[k]) && !isnan(value[k])) {
                xx += (value[k] - mx) * (value[k] - mx);
                xy += (value[k] - mx) * (y[k] - my);
            }
        affect_gold_rater *r = &raters[i];
        r->gain = xx > 0 ? xy / xx : NAN;
        r->offset = my - (isnan(r->gain) ? 0 : r->gain) * mx;
        for (size_t k = 0; k < g->n; k++)
            if (!isnan(y[k]) && !isnan(value[k])) {
                double e = y[k] - r->offset - r->gain * value[k];
                square += e * e;
            }
        r->noise_sd = n > 0 ? sqrt(square / n) : NAN;
        r->covered = n / (double)g->n;
    }
}

affect_status affect_gold_make(affect_context *ctx, const affect_gold_trace *traces, size_t count,
                               const affect_gold_options *given, affect_gold **out) {
    BASE_NEED(ctx, traces && out);
    *out = NULL;
    affect_gold_options options;
    annotate_grid g = {0};
    affect_status status = settle(ctx, given, &options);
    if (!status) status = annotate_grid_make(ctx, traces, count, &options, &g);
    if (status) return status;
    affect_gold *gold = base_calloc(1, sizeof *gold);
    bool fine = gold != NULL;
    if (fine) {
        gold->count = g.n;
        gold->raters = g.raters;
        gold->t0_s = g.t0_s;
        gold->step_s = g.step_s;
        fine &= (gold->value = base_alloc(g.n * sizeof(double))) != NULL;
        fine &= (gold->sd = base_alloc(g.n * sizeof(double))) != NULL;
        fine &= (gold->rater = base_calloc(g.raters, sizeof *gold->rater)) != NULL;
        fine &= (gold->names = base_calloc(g.raters, sizeof *gold->names)) != NULL;
    }
    if (!fine) status = base_fail_memory(ctx);
    bool late = options.method == AFFECT_GOLD_LATENT || options.method == AFFECT_GOLD_MI_LAG;
    if (!status && late) status = annotate_lags_find(ctx, &g, &options);
    if (!status && options.method == AFFECT_GOLD_LATENT)
        status = annotate_latent(ctx, &g, &options, gold->value, gold->sd, gold->rater);
    else if (!status)
        status = annotate_simple(ctx, &g, late ? AFFECT_GOLD_MEAN : options.method, gold->value,
                                 gold->sd, gold->rater);
    if (!status && options.comparison_count)
        status = annotate_compare(ctx, &g, &options, gold->value, gold->sd);
    if (!status) describe(&g, gold->value, gold->rater);
    for (size_t i = 0; i < g.raters && !status; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i + 1);
        gold->names[i] = base_strdup(traces[i].name ? traces[i].name : number);
        if (!gold->names[i]) status = base_fail_memory(ctx);
        gold->rater[i].name = gold->names[i];
        gold->rater[i].lag_s = late && isfinite(g.lag_sd_s[i]) ? g.lag_s[i] : NAN;
        gold->rater[i].lag_sd_s = late ? g.lag_sd_s[i] : NAN;
    }
    annotate_grid_destroy(&g);
    if (status) {
        affect_gold_destroy(gold);
        return status;
    }
    *out = gold;
    return AFFECT_OK;
}

void affect_gold_destroy(affect_gold *gold) {
    if (!gold) return;
    for (size_t i = 0; gold->names && i < gold->raters; i++) base_free(gold->names[i]);
    base_free(gold->names);
    base_free(gold->value);
    base_free(gold->sd);
    base_free(gold->rater);
    base_free(gold);
}

size_t affect_gold_count(const affect_gold *gold) { return gold ? gold->count : 0; }
double affect_gold_time(const affect_gold *gold, size_t i) {
    return gold && i < gold->count ? gold->t0_s + (double)i * gold->step_s : NAN;
}
double affect_gold_value(const affect_gold *gold, size_t i) {
    return gold && i < gold->count ? gold->value[i] : NAN;
}
double affect_gold_sd(const affect_gold *gold, size_t i) {
    return gold && i < gold->count ? gold->sd[i] : NAN;
}
size_t affect_gold_rater_count(const affect_gold *gold) { return gold ? gold->raters : 0; }
const affect_gold_rater *affect_gold_rater_at(const affect_gold *gold, size_t i) {
    return gold && i < gold->raters ? &gold->rater[i] : NULL;
}

static affect_status agreement(affect_context *ctx, const annotate_grid *g,
                               affect_gold_agreement *out) {
    int64_t dropped;
    out->pairwise_ccc =
        affect_score_pairwise_ccc(g->y, g->raters, g->n, AFFECT_SCORE_POPULATION, NULL);
    affect_score_icc2(g->y, g->raters, g->n, &out->icc21, &out->icc2k, &dropped);
    return affect_score_krippendorff(ctx, g->y, g->raters, g->n, AFFECT_SCORE_INTERVAL,
                                     &out->alpha);
}

affect_status affect_gold_agree(affect_context *ctx, const affect_gold_trace *traces, size_t count,
                                const affect_gold_options *given, affect_gold_agreement *before,
                                affect_gold_agreement *after, double *lags_s) {
    BASE_NEED(ctx, traces && before && after);
    affect_gold_options options;
    annotate_grid g = {0};
    affect_status status = settle(ctx, given, &options);
    if (!status && count < 2)
        status = base_fail(ctx, AFFECT_ERROR_ARGUMENT, "agreement wants two traces or more");
    if (!status) status = annotate_grid_make(ctx, traces, count, &options, &g);
    if (status) return status;
    status = agreement(ctx, &g, before);
    if (!status) status = annotate_lags_find(ctx, &g, &options);
    if (!status) status = agreement(ctx, &g, after);
    for (size_t i = 0; i < count && !status && lags_s; i++)
        lags_s[i] = isfinite(g.lag_sd_s[i]) ? g.lag_s[i] : NAN;
    annotate_grid_destroy(&g);
    return status;
}
