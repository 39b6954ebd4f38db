/* People say better which of two stretches is more like a third than they say a level (Yannakakis, Cowie & Busso 2018;
 * Booth & Narayanan 2020). From "A is closer to the reference than B" each stretch gets a level: ordinal embedding in
 * one dimension, P(A closer) = logistic(sharpness (|r - b| - |r - a|)), with the traces' own level as a normal prior.
 * How sharp people are and how wide that prior is are chosen by comparisons left out. The result is bent: by the
 * correction of a stretch within it, linearly between stretches. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/annotate_private.h"

enum { FOLDS = 5, SWEEPS = 30, CANDIDATES = 60 };

typedef struct stretch {
    double t0, t1, level, prior, curvature;
} stretch;

typedef struct triple {
    size_t reference, a, b; /* stretches */
    int closer;
    size_t fold;
} triple;

typedef struct embedding {
    stretch *stretches;
    triple *triples;
    size_t stretch_count, count;
    double scale; /* spread of the levels */
} embedding;

static double log_logistic(double x) { return x > 0 ? -log1p(exp(-x)) : x - log1p(exp(x)); }

static double log_p(const embedding *e, const triple *t, double sharpness) {
    double r = e->stretches[t->reference].level;
    double margin = fabs(r - e->stretches[t->b].level) - fabs(r - e->stretches[t->a].level);
    return log_logistic(sharpness * (t->closer ? -margin : margin));
}

/* Minus the log posterior of one stretch's level, the others being as they are. */
static double loss_at(embedding *e, size_t s, double level, double sharpness, double width,
                      size_t without) {
    stretch *x = &e->stretches[s];
    double kept = x->level, sum = 0.5 * (level - x->prior) * (level - x->prior) / (width * width);
    x->level = level;
    for (size_t i = 0; i < e->count; i++) {
        const triple *t = &e->triples[i];
        if (t->fold != without && (t->reference == s || t->a == s || t->b == s))
            sum -= log_p(e, t, sharpness);
    }
    x->level = kept;
    return sum;
}

/* Coordinate by coordinate: the loss has corners and local minima, so each level is looked for along the whole scale. */
static void embed(embedding *e, double sharpness, double width, size_t without) {
    for (size_t s = 0; s < e->stretch_count; s++) e->stretches[s].level = e->stretches[s].prior;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double moved = 0;
        for (size_t s = 0; s < e->stretch_count; s++) {
            stretch *x = &e->stretches[s];
            double best = x->level, least = loss_at(e, s, best, sharpness, width, without);
            double reach = sweep < SWEEPS / 2 ? 3 * e->scale : e->scale / 10,
                   middle = sweep < SWEEPS / 2 ? x->prior : best;
            for (int k = 0; k <= CANDIDATES; k++) {
                double level = middle + reach * (2.0 * k / CANDIDATES - 1);
                double loss = loss_at(e, s, level, sharpness, width, without);
                if (loss < least) least = loss, best = level;
            }
            moved = fmax(moved, fabs(best - x->level));
            x->level = best;
        }
        if (moved < 1e-4 * e->scale && sweep > SWEEPS / 2) break;
    }
}

/* Mean log likelihood of the comparisons that were left out, over all folds. */
static double left_out(embedding *e, double sharpness, double width) {
    double sum = 0;
    for (size_t fold = 0; fold < FOLDS; fold++) {
        embed(e, sharpness, width, fold);
        for (size_t i = 0; i < e->count; i++)
            if (e->triples[i].fold == fold) sum += log_p(e, &e->triples[i], sharpness);
    }
    return sum / (double)e->count;
}

static size_t find(embedding *e, const double bounds[2]) {
    for (size_t s = 0; s < e->stretch_count; s++)
        if (fabs(e->stretches[s].t0 - bounds[0]) < 1e-6 &&
            fabs(e->stretches[s].t1 - bounds[1]) < 1e-6)
            return s;
    e->stretches[e->stretch_count] = (stretch){.t0 = bounds[0], .t1 = bounds[1], .prior = NAN};
    return e->stretch_count++;
}

static int by_time(const void *a, const void *b) {
    const stretch *x = a, *y = b;
    if (x->t0 != y->t0) return x->t0 < y->t0 ? -1 : 1;
    return (x->t1 > y->t1) - (x->t1 < y->t1);
}

static affect_status gather(affect_context *ctx, const annotate_grid *g,
                            const affect_gold_options *options, const double *value, embedding *e) {
    size_t count = options->comparison_count;
    e->stretches = base_calloc(3 * count, sizeof *e->stretches);
    e->triples = base_calloc(count, sizeof *e->triples);
    if (!e->stretches || !e->triples) return base_fail_memory(ctx);
    for (size_t i = 0; i < count; i++) {
        const affect_gold_comparison *c = &options->comparisons[i];
        const double *const all[] = {c->reference, c->a, c->b};
        for (int k = 0; k < 3; k++)
            if (!(all[k][0] < all[k][1]) || !isfinite(all[k][0]) || !isfinite(all[k][1]))
                return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                                 "comparison %zu: a stretch does not end after its begin", i + 1);
        triple t = {find(e, c->reference), find(e, c->a), find(e, c->b), c->closer != 0, i % FOLDS};
        e->triples[e->count++] = t;
    }
    for (size_t s = 0; s < e->stretch_count; s++) {
        stretch *x = &e->stretches[s];
        double sum = 0, n = 0;
        for (size_t k = 0; k < g->n; k++) {
            double t = g->t0_s + (double)k * g->step_s;
            if (t >= x->t0 && t <= x->t1 && !isnan(value[k])) sum += value[k], n++;
        }
        if (n > 0) x->prior = sum / n;
    }
    /* A comparison of a stretch that no trace covers says nothing here. */
    size_t kept = 0;
    for (size_t i = 0; i < e->count; i++) {
        triple t = e->triples[i];
        if (isnan(e->stretches[t.reference].prior) || isnan(e->stretches[t.a].prior) ||
            isnan(e->stretches[t.b].prior))
            continue;
        e->triples[kept++] = t;
    }
    if (kept < e->count)
        base_log(ctx, AFFECT_LOG_WARNING,
                 "%zu of %zu comparisons name a stretch without traces: left out", e->count - kept,
                 e->count);
    e->count = kept;
    e->scale = annotate_describe(value, g->n).sd;
    return AFFECT_OK;
}

static void bend(const annotate_grid *g, const embedding *e, double *value, double *sd) {
    const stretch *before = NULL;
    size_t at = 0;
    for (size_t k = 0; k < g->n; k++) {
        double t = g->t0_s + (double)k * g->step_s;
        while (at < e->stretch_count && e->stretches[at].t1 < t) before = &e->stretches[at++];
        const stretch *here = at < e->stretch_count ? &e->stretches[at] : before;
        double share = 1;
        if (here->t0 > t && before) share = (t - before->t1) / (here->t0 - before->t1);
        const stretch *from = before ? before : here;
        value[k] += share * (here->level - here->prior) + (1 - share) * (from->level - from->prior);
        double error = share / sqrt(here->curvature) + (1 - share) / sqrt(from->curvature);
        if (!isnan(sd[k])) sd[k] = fmax(fmin(sd[k], error), error / 2);
    }
}

affect_status annotate_compare(affect_context *ctx, const annotate_grid *g,
                               const affect_gold_options *options, double *value, double *sd) {
    static const double sharp[] = {1, 2, 4, 8, 16, 32}, wide[] = {.125, .25, .5, 1, 2};
    embedding e = {0};
    annotate_moments before = annotate_describe(value, g->n);
    affect_status status = gather(ctx, g, options, value, &e);
    if (!status && e.count && e.scale > 0) {
        double best = -INFINITY, sharpness = 1, width = 1;
        for (size_t i = 0; i < BASE_COUNT(sharp); i++)
            for (size_t k = 0; k < BASE_COUNT(wide); k++) {
                double score = left_out(&e, sharp[i] / e.scale, wide[k] * e.scale);
                if (score > best)
                    best = score, sharpness = sharp[i] / e.scale, width = wide[k] * e.scale;
            }
        embed(&e, sharpness, width, SIZE_MAX);
        double h = e.scale / 20;
        for (size_t s = 0; s < e.stretch_count; s++) {
            stretch *x = &e.stretches[s];
            double middle = loss_at(&e, s, x->level, sharpness, width, SIZE_MAX);
            double sides = loss_at(&e, s, x->level - h, sharpness, width, SIZE_MAX) +
                           loss_at(&e, s, x->level + h, sharpness, width, SIZE_MAX);
            x->curvature = fmax((sides - 2 * middle) / (h * h), 1 / (width * width));
            if (isnan(x->prior)) x->level = x->prior = 0;
        }
        qsort(e.stretches, e.stretch_count, sizeof *e.stretches, by_time);
        bend(g, &e, value, sd);
        /* Order fixes no scale: level and spread stay what the traces say. */
        annotate_moments now = annotate_describe(value, g->n);
        for (size_t k = 0; k < g->n && now.sd > 0; k++)
            value[k] = before.mean + (value[k] - now.mean) * before.sd / now.sd;
        for (size_t k = 0; k < g->n && now.sd > 0; k++) sd[k] *= before.sd / now.sd;
    }
    base_free(e.stretches);
    base_free(e.triples);
    return status;
}
