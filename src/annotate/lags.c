/* How late each rater is. With features of what was watched: the lag of the trace behind them (Gaussian mutual
 * information; Mariooryad & Busso 2015). Without: the lag behind the mean of the others, until it stands; that fixes the
 * lags but for one number, how late all are together, which their own spread must tell. */
#include <math.h>
#include <string.h>

#include "affect/align.h"
#include "affect/score.h"
#include "annotate/annotate_private.h"

enum { ROUNDS = 5 };

/* Reaction times of people spread in proportion to their mean (Wagenmakers & Brown 2007): raters who lie far apart are
 * late. By how much of the mean is a round number, chosen with the two tasks of docs/gold.md in view, which says what a
 * third and a fifth give. */
#define LAG_SPREAD 0.25
/* Fixed delays of 1 to 3 s are what Mariooryad & Busso (2015) found to help. */
#define MOST_COMMON_S 3.0
/* A rater who follows the others less than that has no place in time. */
#define LEAST_CORRELATION 0.5

/* Takes the middle away from the lags and returns how far the raters lie apart. Raters without a place get 0. */
static double settle(annotate_grid *g, size_t *placed) {
    double n = 0, middle = 0, square = 0;
    for (size_t i = 0; i < g->raters; i++)
        if (isfinite(g->lag_sd_s[i])) middle += g->lag_s[i], n++;
    *placed = (size_t)n;
    for (size_t i = 0; i < g->raters; i++) {
        g->lag_s[i] = isfinite(g->lag_sd_s[i]) ? g->lag_s[i] - middle / n : 0;
        square += g->lag_s[i] * g->lag_s[i];
    }
    return n > 1 ? sqrt(square / n) : 0;
}

/* R^2 of a trace at a lag on the features by least squares: Gaussian mutual information is -ln(1 - R^2) / 2. `levels` is
 * channels x n, standardised; `normal` has room for (channels + 1) x channels. 0 where too little overlaps. */
static double explained(const double *levels, size_t channels, const double *y, size_t n,
                        double *normal) {
    double *right = normal + channels * channels, count = 0, mean = 0, square = 0;
    memset(normal, 0, (channels + 1) * channels * sizeof *normal);
    for (size_t k = 0; k < n; k++)
        if (!isnan(y[k]) && !isnan(levels[k])) count++, mean += y[k];
    if (count < 10) return 0;
    mean /= count;
    for (size_t k = 0; k < n; k++) {
        if (isnan(y[k]) || isnan(levels[k])) continue;
        square += (y[k] - mean) * (y[k] - mean);
        for (size_t i = 0; i < channels; i++) {
            right[i] += levels[i * n + k] * (y[k] - mean);
            for (size_t j = 0; j <= i; j++)
                normal[i * channels + j] += levels[i * n + k] * levels[j * n + k];
        }
    }
    if (!(square > 0)) return 0;
    double sum = 0; /* right' normal^-1 right, by Cholesky */
    for (size_t i = 0; i < channels; i++) {
        normal[i * channels + i] += 1e-9 * count;
        for (size_t j = 0; j <= i; j++) {
            double v = normal[i * channels + j];
            for (size_t k = 0; k < j; k++) v -= normal[i * channels + k] * normal[j * channels + k];
            normal[i * channels + j] =
                i == j ? sqrt(fmax(v, 1e-12 * count)) : v / normal[j * channels + j];
        }
        for (size_t k = 0; k < i; k++) right[i] -= normal[i * channels + k] * right[k];
        right[i] /= normal[i * channels + i];
        sum += right[i] * right[i];
    }
    return BASE_MIN(sum / square, 1 - 1e-12);
}

/* The features on the grid, standardised; the first is NaN where one is missing. */
static void feature_levels(const annotate_grid *g, const affect_gold_options *options,
                           double *levels) {
    size_t n = g->n, channels = options->feature_count;
    for (size_t c = 0; c < channels; c++) {
        double *level = levels + c * n;
        annotate_read(&options->features[c], g->t0_s, g->step_s, n, level);
        annotate_moments m = annotate_describe(level, n);
        for (size_t k = 0; k < n; k++) level[k] = m.sd > 0 ? (level[k] - m.mean) / m.sd : 0;
    }
    for (size_t k = 0; k < n; k++)
        for (size_t c = 0; c < channels; c++)
            if (isnan(levels[c * n + k])) levels[k] = NAN;
}

static affect_status behind_features(affect_context *ctx, annotate_grid *g,
                                     const affect_gold_options *options, double *levels,
                                     double *room) {
    size_t n = g->n, channels = options->feature_count;
    feature_levels(g, options, levels);
    size_t reach = (size_t)(options->max_lag_s / g->step_s) + 1;
    double *normal = base_alloc((channels + 1) * channels * sizeof *normal);
    double *information = base_alloc(reach * sizeof *information);
    affect_status status = normal && information ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t i = 0; i < g->raters && !status; i++) {
        size_t best = SIZE_MAX;
        for (size_t lag = 0; lag < reach; lag++) {
            annotate_read(&g->traces[i], g->t0_s + (double)lag * g->step_s, g->step_s, n, room);
            information[lag] = -log1p(-explained(levels, channels, room, n, normal)) / 2;
        }
        /* The highest peak inside the range: at its end the slope of one beyond may stand higher, where what was
         * watched repeats itself. */
        for (size_t lag = 0; lag + 1 < reach; lag++)
            if ((!lag || information[lag] >= information[lag - 1]) &&
                information[lag] > information[lag + 1] &&
                (best == SIZE_MAX || information[lag] > information[best]))
                best = lag;
        if (best == SIZE_MAX) {
            g->lag_s[i] = g->lag_sd_s[i] = NAN;
            continue;
        }
        /* Points of a trace are not independent: one in two seconds is. Lags are likely as their information is. */
        double points = (double)n * g->step_s / 2, weight = 0, mean = 0, square = 0;
        for (size_t lag = 0; lag < reach; lag++) {
            if (information[lag] > information[best]) continue;
            double w = exp(points * (information[lag] - information[best])),
                   s = (double)lag * g->step_s;
            weight += w;
            mean += w * s;
            square += w * s * s;
        }
        bool found = information[best] * points > 3;
        g->lag_s[i] = found ? (double)best * g->step_s : NAN;
        mean /= weight;
        g->lag_sd_s[i] =
            found ? fmax(sqrt(fmax(square / weight - mean * mean, 0)), g->step_s / sqrt(12)) : NAN;
    }
    base_free(normal);
    base_free(information);
    return status;
}

/* The mean of the others, each at its lag and standardised. */
static void others_mean(const annotate_grid *g, size_t without, const annotate_moments *moments,
                        double *out) {
    for (size_t k = 0; k < g->n; k++) {
        double sum = 0, count = 0;
        for (size_t i = 0; i < g->raters; i++) {
            double y = annotate_row(g, i)[k];
            if (i == without || isnan(y) || !(moments[i].sd > 0)) continue;
            sum += (y - moments[i].mean) / moments[i].sd;
            count++;
        }
        out[k] = count > 0 ? sum / count : NAN;
    }
}

static affect_status behind_each_other(affect_context *ctx, annotate_grid *g,
                                       const affect_gold_options *options, const double *times,
                                       annotate_moments *moments, double *mean, double *room,
                                       double *spread, size_t *placed) {
    affect_align_options o = AFFECT_ALIGN_DEFAULTS;
    o.max_lag_s = options->max_lag_s;
    affect_status status = AFFECT_OK;
    double before = affect_score_pairwise_ccc(g->y, g->raters, g->n, AFFECT_SCORE_POPULATION, NULL);
    for (int round = 0; round < ROUNDS && !status; round++) {
        double moved = 0;
        for (size_t i = 0; i < g->raters; i++)
            moments[i] = annotate_describe(annotate_row(g, i), g->n);
        for (size_t i = 0; i < g->raters && !status; i++) {
            others_mean(g, i, moments, mean);
            annotate_read(&g->traces[i], g->t0_s, g->step_s, g->n, room);
            affect_align_series a = {g->n, 1, times, mean}, b = {g->n, 1, times, room};
            affect_align_lag lag;
            status = affect_align_lag_estimate(ctx, &a, &b, &o, &lag);
            if (status) break;
            bool sure = isfinite(lag.lag_s) && !lag.at_bound && lag.correlation > LEAST_CORRELATION;
            moved = fmax(moved, sure ? fabs(lag.lag_s - g->lag_s[i]) : 0);
            if (sure) g->lag_s[i] = lag.lag_s;
            g->lag_sd_s[i] = sure ? lag.sd_s : NAN;
        }
        *spread = settle(g, placed);
        annotate_grid_shift(g);
        if (moved < g->step_s / 2) break;
    }
    /* Lags that bring the raters no nearer to each other are none. */
    double after = affect_score_pairwise_ccc(g->y, g->raters, g->n, AFFECT_SCORE_POPULATION, NULL);
    if (!status && !(after > before)) {
        *spread = 0;
        *placed = 0;
        for (size_t i = 0; i < g->raters; i++) g->lag_s[i] = 0, g->lag_sd_s[i] = NAN;
    }
    return status;
}

/* What the reaction task said of a rater, or NULL. A spread below a tenth of a second is none that a few trials can tell. */
#define LEAST_REACTION_SD_S 0.1
static const affect_gold_reaction *reaction_of(const annotate_grid *g, size_t rater,
                                               const affect_gold_options *options) {
    const char *name = g->traces[rater].name;
    for (size_t i = 0; i < options->reaction_count && name; i++)
        if (options->reactions[i].rater && isfinite(options->reactions[i].lag_s) &&
            strcmp(options->reactions[i].rater, name) == 0)
            return &options->reactions[i];
    return NULL;
}

static double reaction_sd(const affect_gold_reaction *r) {
    return isfinite(r->sd_s) ? fmax(r->sd_s, LEAST_REACTION_SD_S) : LEAST_REACTION_SD_S;
}

/* Mean of the raters' reaction times and its standard error; NAN without any. */
static double mean_reaction(const annotate_grid *g, const affect_gold_options *options,
                            double *sd) {
    double sum = 0, square = 0, n = 0;
    for (size_t i = 0; i < g->raters; i++) {
        const affect_gold_reaction *r = reaction_of(g, i, options);
        if (!r) continue;
        sum += r->lag_s;
        square += reaction_sd(r) * reaction_sd(r);
        n++;
    }
    *sd = n > 0 ? sqrt(square) / n : NAN;
    return n > 0 ? sum / n : NAN;
}

/* Prior and what the trace says, weighted by their precision. */
static void take_reactions(annotate_grid *g, const affect_gold_options *options) {
    for (size_t i = 0; i < g->raters; i++) {
        const affect_gold_reaction *r = reaction_of(g, i, options);
        if (!r) continue;
        double sd = reaction_sd(r), own = g->lag_sd_s[i];
        double prior = 1 / (sd * sd), said = isfinite(own) ? 1 / fmax(own * own, 1e-6) : 0;
        g->lag_s[i] = (prior * r->lag_s + (said > 0 ? said * g->lag_s[i] : 0)) / (prior + said);
        g->lag_sd_s[i] = 1 / sqrt(prior + said);
    }
}

affect_status annotate_lags_find(affect_context *ctx, annotate_grid *g,
                                 const affect_gold_options *options) {
    size_t n = g->n, channels = BASE_MAX(options->feature_count, 1);
    double *times = base_alloc(n * sizeof *times), *mean = base_alloc(n * sizeof *mean);
    double *room = base_alloc(n * sizeof *room),
           *levels = base_alloc(n * channels * sizeof *levels);
    annotate_moments *moments = base_calloc(g->raters, sizeof *moments);
    double spread = 0;
    size_t placed = 0;
    affect_status status =
        times && mean && room && levels && moments ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t k = 0; k < n && !status; k++) times[k] = (double)k * g->step_s;
    if (status) {
    } else if (options->feature_count) {
        status = behind_features(ctx, g, options, levels, room);
    } else {
        if (g->raters > 1)
            status =
                behind_each_other(ctx, g, options, times, moments, mean, room, &spread, &placed);
        double tested_sd, tested = mean_reaction(g, options, &tested_sd);
        bool given = !isnan(options->common_lag_s), told = given || !isnan(tested),
             alone = g->raters == 1;
        double common =
            given  ? options->common_lag_s
            : told ? tested
                   : BASE_MIN(spread / LAG_SPREAD, BASE_MIN(MOST_COMMON_S, options->max_lag_s));
        double sd = given  ? 0
                    : told ? tested_sd
                           : common / sqrt(2 * (double)BASE_MAX(placed, 2) - 2);
        for (size_t i = 0; i < g->raters && !status; i++) {
            bool found = isfinite(g->lag_sd_s[i]) || (alone && told);
            g->lag_s[i] = found ? g->lag_s[i] + common : NAN;
            g->lag_sd_s[i] = found ? hypot(alone ? 0 : g->lag_sd_s[i], sd) : NAN;
        }
    }
    if (!status) take_reactions(g, options);
    /* Who cannot be placed is as late as the others are on average; his lag stays said as unknown. */
    double middle = 0, found = 0;
    for (size_t i = 0; i < g->raters && !status; i++)
        if (isfinite(g->lag_s[i])) middle += g->lag_s[i], found++;
    for (size_t i = 0; i < g->raters && !status; i++)
        if (!isfinite(g->lag_s[i])) g->lag_s[i] = found > 0 ? middle / found : 0;
    if (!status) annotate_grid_shift(g);
    base_free(times);
    base_free(mean);
    base_free(room);
    base_free(levels);
    base_free(moments);
    return status;
}
