/* The lag as it drifts. Time is cut into blocks; the state is the lag of a block, on the grid; it
 * walks at random between blocks. Evidence of block k for lag s is the log ratio of "B at t + s
 * tells A at t, with correlation rho" to "they are unrelated", for standardised Gaussian values:
 *     sum over t of [rho x y - rho^2 (x^2 + y^2) / 2] / (1 - rho^2) - ln(1 - rho^2) / 2,
 * scaled to the number of independent points, since neighbours say the same. rho is re-estimated
 * along the best path. */
#include <math.h>
#include <string.h>

#include "align/align_private.h"

enum { ROUNDS = 4, MAX_CELLS = 1 << 23 };

struct affect_align_lags {
    affect_align_lag constant;
    double p;
    size_t count;
    affect_align_step *steps;
};

/* Sums of a block at every lag. */
typedef struct block_sums {
    size_t blocks, lags, block_points, reach;
    float *xy, *xx, *yy, *points; /* blocks x lags */
} block_sums;

static bool block_sums_init(block_sums *s, size_t n, size_t reach, size_t block_points) {
    s->reach = reach;
    s->lags = 2 * reach + 1;
    s->block_points = block_points;
    s->blocks = BASE_MAX(n / block_points, 1); /* the rest belongs to the last block */
    float *all = base_alloc(4 * s->blocks * s->lags * sizeof *all);
    s->xy = all;
    if (!all) return false;
    s->xx = all + s->blocks * s->lags;
    s->yy = s->xx + s->blocks * s->lags;
    s->points = s->yy + s->blocks * s->lags;
    return true;
}

static void block_sums_fill(block_sums *s, const align_grid *a, const align_grid *b) {
    size_t n = a->n;
    for (size_t k = 0; k < s->blocks; k++) {
        size_t from = k * s->block_points, to = k + 1 < s->blocks ? from + s->block_points : n;
        for (size_t l = 0; l < s->lags; l++) {
            double xy = 0.0, xx = 0.0, yy = 0.0, points = 0.0;
            ptrdiff_t lag = (ptrdiff_t)l - (ptrdiff_t)s->reach;
            size_t low = lag < 0 ? BASE_MAX(from, (size_t)-lag) : from;
            size_t high = lag > 0 ? BASE_MIN(to, n > (size_t)lag ? n - (size_t)lag : 0) : to;
            for (size_t t = low; t < high; t++) {
                size_t u = (size_t)((ptrdiff_t)t + lag);
                double w = (double)(a->valid[t] * b->valid[u]);
                xy += a->x[t] * b->x[u];
                xx += w * a->x[t] * a->x[t];
                yy += w * b->x[u] * b->x[u];
                points += w;
            }
            s->xy[k * s->lags + l] = (float)xy;
            s->xx[k * s->lags + l] = (float)xx;
            s->yy[k * s->lags + l] = (float)yy;
            s->points[k * s->lags + l] = (float)points;
        }
    }
}

typedef struct chain {
    size_t blocks, lags, spread;           /* transitions reach `spread` lags to each side */
    double *step, *log_step;               /* transition and its logarithm, spread + 1 */
    double *emission, *forward, *backward; /* blocks x lags */
    size_t *from, *path;                   /* Viterbi */
} chain;

static bool chain_init(chain *c, const block_sums *s, double sd_lags) {
    c->blocks = s->blocks;
    c->lags = s->lags;
    c->spread = (size_t)BASE_MIN(ceil(4.0 * sd_lags), (double)(s->lags - 1));
    size_t cells = c->blocks * c->lags;
    c->step = base_alloc((2 * (c->spread + 1) + 3 * cells) * sizeof *c->step);
    c->from = base_alloc((cells + c->blocks) * sizeof *c->from);
    if (!c->step || !c->from) return false;
    c->log_step = c->step + c->spread + 1;
    c->emission = c->log_step + c->spread + 1;
    c->forward = c->emission + cells;
    c->backward = c->forward + cells;
    c->path = c->from + cells;
    double total = 0.0;
    for (size_t k = 0; k <= c->spread; k++) {
        c->step[k] = exp(-0.5 * (double)(k * k) / (sd_lags * sd_lags));
        total += k ? 2.0 * c->step[k] : c->step[k];
    }
    for (size_t k = 0; k <= c->spread; k++) {
        c->step[k] /= total;
        c->log_step[k] = log(c->step[k]);
    }
    return true;
}

static void chain_destroy(chain *c) {
    base_free(c->step);
    base_free(c->from);
}

/* log sum over j of exp(values[j]) step[|j - i|], for every i. */
static void blur(const chain *c, const double *values, double *linear, double *out) {
    double best = -INFINITY;
    for (size_t j = 0; j < c->lags; j++) best = fmax(best, values[j]);
    for (size_t j = 0; j < c->lags; j++) linear[j] = exp(values[j] - best);
    for (size_t i = 0; i < c->lags; i++) {
        size_t low = i > c->spread ? i - c->spread : 0;
        size_t high = BASE_MIN(i + c->spread, c->lags - 1);
        double sum = 0.0;
        for (size_t j = low; j <= high; j++) sum += linear[j] * c->step[j > i ? j - i : i - j];
        out[i] = best + log(fmax(sum, 1e-300));
    }
}

static void chain_emissions(chain *c, const block_sums *s, double rho, double per_point) {
    double scale = per_point / (1.0 - rho * rho);
    for (size_t k = 0; k < c->blocks * c->lags; k++)
        c->emission[k] =
            scale * (rho * (double)s->xy[k] - 0.5 * rho * rho * (double)(s->xx[k] + s->yy[k])) -
            0.5 * per_point * (double)s->points[k] * log1p(-rho * rho);
}

/* The evidence for any path: ln sum over paths of prior times likelihood ratio. `scratch` holds
 * 2 lags. */
static double chain_forward(chain *c, double *scratch) {
    double *blurred = scratch, *linear = scratch + c->lags, prior = -log((double)c->lags);
    for (size_t k = 0; k < c->blocks; k++) {
        double *now = c->forward + k * c->lags;
        if (k) blur(c, now - c->lags, linear, blurred);
        for (size_t l = 0; l < c->lags; l++)
            now[l] = (k ? blurred[l] : prior) + c->emission[k * c->lags + l];
    }
    const double *last = c->forward + (c->blocks - 1) * c->lags;
    double best = -INFINITY, sum = 0.0;
    for (size_t l = 0; l < c->lags; l++) best = fmax(best, last[l]);
    for (size_t l = 0; l < c->lags; l++) sum += exp(last[l] - best);
    return best + log(sum);
}

static void chain_backward(chain *c, double *scratch) {
    double *values = scratch, *linear = scratch + c->lags;
    double *last = c->backward + (c->blocks - 1) * c->lags;
    for (size_t l = 0; l < c->lags; l++) last[l] = 0.0;
    for (size_t k = c->blocks - 1; k-- > 0;) {
        const double *next = c->backward + (k + 1) * c->lags;
        for (size_t l = 0; l < c->lags; l++)
            values[l] = next[l] + c->emission[(k + 1) * c->lags + l];
        blur(c, values, linear, c->backward + k * c->lags);
    }
}

/* The most likely path. Uses `forward` for its scores. */
static void chain_viterbi(chain *c) {
    for (size_t k = 0; k < c->blocks; k++)
        for (size_t l = 0; l < c->lags; l++) {
            double best = 0.0;
            size_t from = l;
            if (k) {
                const double *before = c->forward + (k - 1) * c->lags;
                size_t low = l > c->spread ? l - c->spread : 0;
                size_t high = BASE_MIN(l + c->spread, c->lags - 1);
                best = -INFINITY;
                for (size_t j = low; j <= high; j++) {
                    double score = before[j] + c->log_step[j > l ? j - l : l - j];
                    if (score > best) best = score, from = j;
                }
            }
            c->forward[k * c->lags + l] = best + c->emission[k * c->lags + l];
            c->from[k * c->lags + l] = from;
        }
    size_t at = 0;
    const double *last = c->forward + (c->blocks - 1) * c->lags;
    for (size_t l = 1; l < c->lags; l++)
        if (last[l] > last[at]) at = l;
    for (size_t k = c->blocks; k-- > 0;) {
        c->path[k] = at;
        at = c->from[k * c->lags + at];
    }
}

/* The correlation along a path, and so the rho of the next round. */
static double path_rho(const chain *c, const block_sums *s) {
    double xy = 0.0, xx = 0.0, yy = 0.0;
    for (size_t k = 0; k < c->blocks; k++) {
        size_t at = k * c->lags + c->path[k];
        xy += (double)s->xy[at], xx += (double)s->xx[at], yy += (double)s->yy[at];
    }
    double rho = xx > 0.0 && yy > 0.0 ? xy / sqrt(xx * yy) : 0.0;
    return fmin(fmax(rho, 0.05), 0.95);
}

/* Fits rho, leaves the best path in the chain, returns the evidence. */
static double chain_solve(chain *c, const block_sums *s, double rho, double per_point,
                          double *scratch) {
    for (int round = 0; round < ROUNDS; round++) {
        chain_emissions(c, s, rho, per_point);
        chain_viterbi(c);
        double next = path_rho(c, s);
        bool still = fabs(next - rho) < 1e-3;
        rho = next;
        if (still) break;
    }
    chain_emissions(c, s, rho, per_point);
    return chain_forward(c, scratch);
}

/* Series of several channels become one each: their first canonical variates at the best single
 * lag. */
static affect_status project(affect_context *ctx, align_grid *a, align_grid *b, ptrdiff_t lag) {
    size_t da = a->channels, db = b->channels, n = a->n;
    if (da == 1 && db == 1) return AFFECT_OK;
    size_t cells = da * da + db * db + da * db + da + db + 1 + align_canonical_scratch(da, db);
    double *caa = base_calloc(cells, sizeof *caa);
    double *xa = base_calloc(n, sizeof *xa), *xb = base_calloc(n, sizeof *xb);
    affect_status status = AFFECT_OK;
    if (!caa || !xa || !xb) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    double *cbb = caa + da * da, *cab = cbb + db * db, *wa = cab + da * db, *wb = wa + da;
    double *correlation = wb + db, *scratch = correlation + 1;
    for (size_t t = 0; t < n; t++) {
        ptrdiff_t u = (ptrdiff_t)t + lag;
        if (u < 0 || u >= (ptrdiff_t)n || a->valid[t] == 0.0f || b->valid[u] == 0.0f) continue;
        for (size_t i = 0; i < da; i++) {
            for (size_t j = 0; j < da; j++) caa[i * da + j] += a->x[i * n + t] * a->x[j * n + t];
            for (size_t j = 0; j < db; j++)
                cab[i * db + j] += a->x[i * n + t] * b->x[j * n + (size_t)u];
        }
        for (size_t i = 0; i < db; i++)
            for (size_t j = 0; j < db; j++)
                cbb[i * db + j] += b->x[i * n + (size_t)u] * b->x[j * n + (size_t)u];
    }
    if (align_canonical(caa, da, cbb, db, cab, 0.01, 1, wa, wb, correlation, scratch)) {
        for (size_t t = 0; t < n; t++) {
            for (size_t i = 0; i < da; i++) xa[t] += wa[i] * a->x[i * n + t];
            for (size_t i = 0; i < db; i++) xb[t] += wb[i] * b->x[i * n + t];
        }
    }
    memcpy(a->x, xa, n * sizeof *xa);
    memcpy(b->x, xb, n * sizeof *xb);
    a->channels = b->channels = 1;
    align_grid_standardise(a);
    align_grid_standardise(b);
cleanup:
    base_free(caa);
    base_free(xa);
    base_free(xb);
    return status;
}

static void steps_fill(affect_align_lags *lags, const chain *c, const block_sums *s,
                       const align_grid *a) {
    for (size_t k = 0; k < c->blocks; k++) {
        affect_align_step *step = &lags->steps[k];
        const double *f = c->forward + k * c->lags, *b = c->backward + k * c->lags;
        double best = -INFINITY, sum = 0.0, square = 0.0;
        for (size_t l = 0; l < c->lags; l++) best = fmax(best, f[l] + b[l]);
        size_t at = c->path[k], cell = k * c->lags + at;
        double shift = 0.0;
        if (at > 0 && at + 1 < c->lags) {
            double left = f[at - 1] + b[at - 1], middle = f[at] + b[at];
            double bend = left - 2.0 * middle + f[at + 1] + b[at + 1];
            if (bend < 0.0)
                shift = fmin(fmax(0.5 * (left - f[at + 1] - b[at + 1]) / bend, -0.5), 0.5);
        }
        for (size_t l = 0; l < c->lags; l++) {
            double w = exp(f[l] + b[l] - best), d = (double)l - (double)at - shift;
            sum += w;
            square += w * d * d;
        }
        size_t from = k * s->block_points, to = k + 1 < c->blocks ? from + s->block_points : a->n;
        step->t0_s = a->t0_s + (double)from * a->step_s;
        step->t1_s = a->t0_s + (double)to * a->step_s;
        step->lag_s = ((double)at + shift - (double)s->reach) * a->step_s;
        step->sd_s = sqrt(fmax(square / sum, 1.0 / 12.0)) * a->step_s;
        double energy = sqrt((double)s->xx[cell] * (double)s->yy[cell]);
        step->correlation = energy > 0.0 ? (double)s->xy[cell] / energy : NAN;
    }
}

affect_status affect_align_lags_estimate(affect_context *ctx, const affect_align_series *a,
                                         const affect_align_series *b,
                                         const affect_align_options *options,
                                         affect_align_lags **out) {
    if (!out) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no place for the lags");
    *out = NULL;
    affect_align_options o;
    align_grid grid_a = {0}, grid_b = {0};
    align_correlogram correlogram = {0};
    block_sums sums = {0};
    chain c = {0};
    double *scratch = NULL, independent = 0.0;
    affect_align_lags *lags = base_calloc(1, sizeof *lags);
    affect_status status = lags ? AFFECT_OK : base_fail_memory(ctx);
    if (!status) status = align_series_check(ctx, "a", a);
    if (!status) status = align_series_check(ctx, "b", b);
    if (!status) status = align_options_settle(ctx, options, a, b, &o);
    if (!status) status = align_grids_make(ctx, a, b, o.step_s, &grid_a, &grid_b);
    if (status) goto cleanup;
    size_t reach = (size_t)(o.max_lag_s / o.step_s + 0.5);
    status = align_correlogram_make(ctx, &grid_a, &grid_b, o.measure, reach, &correlogram);
    if (!status)
        status = align_lag_from(ctx, &correlogram, o.step_s, &lags->constant, &independent);
    if (status) goto cleanup;
    status = align_drift_p(ctx, &correlogram, &lags->p);
    if (status) goto cleanup;
    if (isnan(lags->constant.lag_s) || independent <= 0.0) goto done;

    status = project(ctx, &grid_a, &grid_b, (ptrdiff_t)lround(lags->constant.lag_s / o.step_s));
    if (status) goto cleanup;
    size_t block = (size_t)(o.block_s / o.step_s + 0.5);
    double sd_lags = fmax(o.drift_s * sqrt(o.block_s) / o.step_s, 0.3);
    if (grid_a.n / block > MAX_CELLS / (2 * reach + 1)) {
        status = base_fail(ctx, AFFECT_ERROR_LIMIT, "%zu blocks with %zu lags each are too many",
                           grid_a.n / block, 2 * reach + 1);
        goto cleanup;
    }
    scratch = base_alloc(2 * (2 * reach + 1) * sizeof *scratch);
    if (!scratch || !block_sums_init(&sums, grid_a.n, reach, block) ||
        !chain_init(&c, &sums, sd_lags)) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    double rho = fmin(fmax(lags->constant.correlation, 0.2), 0.9);
    double points = (double)BASE_MIN(grid_a.points, grid_b.points);
    double per_point = fmin(independent / BASE_MAX(points, 1.0), 1.0);
    block_sums_fill(&sums, &grid_a, &grid_b);
    chain_solve(&c, &sums, rho, per_point, scratch);
    chain_backward(&c, scratch);
    lags->steps = base_alloc(c.blocks * sizeof *lags->steps);
    if (!lags->steps) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    lags->count = c.blocks;
    steps_fill(lags, &c, &sums, &grid_a);
done:
    *out = lags;
    lags = NULL;
cleanup:
    affect_align_lags_destroy(lags);
    chain_destroy(&c);
    base_free(sums.xy);
    base_free(scratch);
    align_correlogram_destroy(&correlogram);
    align_grid_destroy(&grid_a);
    align_grid_destroy(&grid_b);
    return status;
}

void affect_align_lags_destroy(affect_align_lags *lags) {
    if (!lags) return;
    base_free(lags->steps);
    base_free(lags);
}
const affect_align_lag *affect_align_lags_constant(const affect_align_lags *lags) {
    return lags ? &lags->constant : NULL;
}
size_t affect_align_lags_count(const affect_align_lags *lags) { return lags ? lags->count : 0; }
const affect_align_step *affect_align_lags_step(const affect_align_lags *lags, size_t index) {
    return lags && index < lags->count ? &lags->steps[index] : NULL;
}
double affect_align_lags_p(const affect_align_lags *lags) { return lags ? lags->p : NAN; }
