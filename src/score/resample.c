#include "score/resample.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/base.h"
#include "score/score_private.h"
#include "score/sort.h"

/* ---- rounds on all threads ---- */

typedef struct rounds {
    affect_context *ctx;
    const score_draws *draws;
    size_t workers, values;
    double *results;     /* values x rounds */
    atomic_bool no_more; /* the user interrupted */
    /* One draw: numbers from `state` on, the scratch of `worker`, `values` numbers out. */
    void (*one)(void *user, size_t worker, uint64_t state, double *out);
    void *user;
} rounds;

enum { MOST_VALUES = 64 };

static void work(void *user, size_t worker) {
    rounds *a = user;
    const size_t count = a->draws->rounds;
    for (size_t r = worker; r < count; r += a->workers) {
        if (affect_context_cancelled(a->ctx)) atomic_store(&a->no_more, true);
        if (atomic_load(&a->no_more)) return;
        uint64_t place = a->draws->seed + r * SCORE_RANDOM_STEP;
        double out[MOST_VALUES];
        a->one(a->user, worker, score_random(&place), out);
        for (size_t v = 0; v < a->values; v++) a->results[v * count + r] = out[v];
    }
}

static affect_status run(rounds *a, affect_score_interval *out) {
    base_pool *pool = NULL;
    a->results = base_alloc((a->draws->rounds * a->values + 1) * sizeof *a->results);
    if (!a->results) return base_fail_memory(a->ctx);
    affect_status status = base_pool_create(a->ctx, (int)a->workers, &pool);
    if (!status) base_pool_for(pool, a->workers, work, a);
    base_pool_destroy(pool);
    if (!status && atomic_load(&a->no_more))
        status = base_fail(a->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    if (!status) score_percentiles(a->results, a->draws->rounds, a->values, a->draws->level, out);
    base_free(a->results);
    return status;
}

/* False where there is nothing to draw: the intervals are NaN then. */
static bool begin(rounds *a, size_t n, affect_score_interval *out) {
    for (size_t v = 0; v < a->values; v++) out[v] = (affect_score_interval){NAN, NAN};
    int threads = affect_context_threads(a->ctx);
    a->workers = BASE_MIN(threads > 1 ? (size_t)threads : 1, BASE_MAX(a->draws->rounds, (size_t)1));
    return n && a->draws->units && a->draws->rounds;
}

static affect_status check(const rounds *a, size_t n) {
    const score_draws *d = a->draws;
    if (n > UINT32_MAX || d->units > n || a->values > MOST_VALUES)
        return base_fail(a->ctx, AFFECT_ERROR_LIMIT,
                         "bootstrap of %zu values over %zu items in %zu units", a->values, n,
                         d->units);
    for (size_t i = 0; i < n; i++)
        if (d->unit[i] < 0 || (size_t)d->unit[i] >= d->units)
            return base_fail(a->ctx, AFFECT_ERROR_ARGUMENT, "item %zu: unit %d of %zu", i,
                             d->unit[i], d->units);
    return AFFECT_OK;
}

/* How often each unit is drawn. More than 65,535 times is more often than chance ever draws one of as
 * many, or than there are draws. */
static void draw_weights(uint64_t state, size_t units, uint16_t *weight) {
    memset(weight, 0, units * sizeof *weight);
    for (size_t k = 0; k < units; k++) weight[score_random_below(&state, units)]++;
}

/* ---- classes ---- */

/* A kind of item: a pair of classes, or one that is in no table. */
typedef struct kinds {
    rounds all;
    size_t classes, count;
    size_t *place;  /* in the table; SIZE_MAX: in none */
    uint64_t *most; /* items of the kind */
    /* Where units have several items: the kinds of unit u's are kind[start[u]..start[u + 1]). */
    size_t *start;
    uint32_t *kind;
    bool singles;
    affect_score_confusion *table; /* one a worker */
    uint16_t *weight;              /* units a worker */
    score_of_classes values_of;
    void *user;
} kinds;

static double uniform(uint64_t *state) { return (double)(score_random(state) >> 11) * 0x1p-53; }

static double log_factorial(double n) {
    int sign;
    return lgamma_r(n + 1, &sign);
}

/* A binomial number of n trials of probability p: below a mean of 10 by walking up the probabilities,
 * above by transformed rejection (BTRS, Hormann 1993, "The generation of binomial random variates"). */
static uint64_t binomial(uint64_t n, double p, uint64_t *state) {
    if (!(p > 0) || !n) return 0;
    if (p >= 1) return n;
    if (p > .5) return n - binomial(n, 1 - p, state);
    const double trials = (double)n, odds = p / (1 - p);
    if (trials * p < 10) {
        double u = uniform(state), here = exp(trials * log1p(-p));
        uint64_t k = 0;
        while (u > here && k < n) {
            u -= here;
            k++;
            here *= odds * (trials + 1 - (double)k) / (double)k;
            if (here < 1e-300) break; /* what is left is rounding */
        }
        return k;
    }
    const double spread = sqrt(trials * p * (1 - p)), b = 1.15 + 2.53 * spread;
    const double a = -.0873 + .0248 * b + .01 * p, centre = trials * p + .5;
    const double alpha = (2.83 + 5.1 / b) * spread, sure = .92 - 4.2 / b;
    const double mode = floor((trials + 1) * p);
    const double at_mode = log_factorial(mode) + log_factorial(trials - mode);
    for (;;) {
        double u = uniform(state) - .5, v = uniform(state), side = .5 - fabs(u);
        double k = floor((2 * a / side + b) * u + centre);
        if (!(k >= 0 && k <= trials)) continue;
        if (side >= .07 && v <= sure) return (uint64_t)k;
        v = log(v * alpha / (a / (side * side) + b));
        if (v <= at_mode - log_factorial(k) - log_factorial(trials - k) + (k - mode) * log(odds))
            return (uint64_t)k;
    }
}

static void draw_table(void *user, size_t worker, uint64_t state, double *out) {
    kinds *a = user;
    affect_score_confusion *table = &a->table[worker];
    const size_t units = a->all.draws->units;
    for (size_t c = 0; c < a->count; c++)
        if (a->place[c] != SIZE_MAX) table->counts[a->place[c]] = 0;
    table->items = 0;
    if (a->singles) { /* the counts of the kinds are multinomial: one binomial after another */
        uint64_t left = units, mass = units;
        for (size_t c = 0; c < a->count; c++) {
            uint64_t drawn = binomial(left, (double)a->most[c] / (double)mass, &state);
            left -= drawn;
            mass -= a->most[c];
            if (a->place[c] == SIZE_MAX) continue;
            table->counts[a->place[c]] = (int64_t)drawn;
            table->items += (int64_t)drawn;
        }
    } else {
        uint16_t *weight = a->weight + worker * units;
        draw_weights(state, units, weight);
        for (size_t u = 0; u < units; u++) {
            if (!weight[u]) continue;
            for (size_t i = a->start[u]; i < a->start[u + 1]; i++) {
                size_t place = a->place[a->kind[i]];
                if (place == SIZE_MAX) continue;
                table->counts[place] += weight[u];
                table->items += weight[u];
            }
        }
    }
    a->values_of(a->user, table, out);
}

/* Numbers the pairs that occur; kind_of[i] is the number of item i's. */
static affect_status number_kinds(kinds *a, const int32_t *gold, const int32_t *predicted, size_t n,
                                  uint32_t *kind_of) {
    affect_score_confusion numbers = {0};
    size_t room = 0, most_room = 0;
    affect_status status = affect_score_confusion_init(a->all.ctx, a->classes, &numbers);
    if (!status) status = affect_score_confusion_add(a->all.ctx, &numbers, gold, predicted, n);
    if (!status) memset(numbers.counts, 0, a->classes * a->classes * sizeof *numbers.counts);
    int64_t none = 0; /* a number plus one, as in the table */
    for (size_t i = 0; i < n && !status; i++) {
        bool some = gold[i] >= 0 && predicted[i] >= 0;
        size_t place = some ? (size_t)gold[i] * a->classes + (size_t)predicted[i] : SIZE_MAX;
        int64_t *number = some ? &numbers.counts[place] : &none;
        if (!*number) {
            if (!base_grow((void **)&a->place, &room, a->count + 1, sizeof *a->place) ||
                !base_grow((void **)&a->most, &most_room, a->count + 1, sizeof *a->most)) {
                status = base_fail_memory(a->all.ctx);
                break;
            }
            a->place[a->count] = place;
            a->most[a->count] = 0;
            *number = (int64_t)++a->count;
        }
        kind_of[i] = (uint32_t)(*number - 1);
        a->most[kind_of[i]]++;
    }
    affect_score_confusion_clear(&numbers);
    return status;
}

/* The items unit by unit. `singles` where each unit has just one. */
static affect_status sort_by_unit(kinds *a, const uint32_t *kind_of, size_t n) {
    const score_draws *d = a->all.draws;
    a->start = base_calloc(d->units + 2, sizeof *a->start);
    if (!a->start) return base_fail_memory(a->all.ctx);
    for (size_t i = 0; i < n; i++) a->start[d->unit[i] + 2]++;
    a->singles = d->units == n;
    for (size_t u = 0; u < d->units && a->singles; u++) a->singles = a->start[u + 2] == 1;
    if (a->singles) return AFFECT_OK;
    a->kind = base_alloc(n * sizeof *a->kind);
    a->weight = base_alloc(a->all.workers * d->units * sizeof *a->weight);
    if (!a->kind || !a->weight) return base_fail_memory(a->all.ctx);
    for (size_t u = 0; u < d->units; u++) a->start[u + 2] += a->start[u + 1];
    for (size_t i = 0; i < n; i++) a->kind[a->start[d->unit[i] + 1]++] = kind_of[i];
    return AFFECT_OK;
}

affect_status score_resample_classes(affect_context *ctx, const score_draws *draws,
                                     const int32_t *gold, const int32_t *predicted, size_t n,
                                     size_t classes, score_of_classes values_of, void *user,
                                     size_t values, affect_score_interval *out) {
    BASE_NEED(ctx, draws && (!n || (draws->unit && gold && predicted)) && values_of && out);
    kinds a = {.all = {.ctx = ctx, .draws = draws, .values = values, .one = draw_table, .user = &a},
               .classes = classes,
               .values_of = values_of,
               .user = user};
    if (!begin(&a.all, n, out)) return AFFECT_OK;
    uint32_t *kind_of = base_alloc(n * sizeof *kind_of);
    a.table = base_calloc(a.all.workers, sizeof *a.table);
    affect_status status = kind_of && a.table ? check(&a.all, n) : base_fail_memory(ctx);
    if (!status) status = number_kinds(&a, gold, predicted, n, kind_of);
    if (!status) status = sort_by_unit(&a, kind_of, n);
    for (size_t w = 0; w < a.all.workers && !status; w++)
        status = affect_score_confusion_init(ctx, classes, &a.table[w]);
    if (!status) status = run(&a.all, out);
    for (size_t w = 0; a.table && w < a.all.workers; w++) affect_score_confusion_clear(&a.table[w]);
    base_free(a.table);
    base_free(a.place);
    base_free(a.most);
    base_free(a.start);
    base_free(a.kind);
    base_free(a.weight);
    base_free(kind_of);
    return status;
}

/* ---- numbers ---- */

/* One pair, in the order of gold. Which group of equal values each side is in gives its rank in any
 * draw; the means are taken off, so that one pass over a draw is exact enough. */
typedef struct pair {
    double gold, predicted;
    uint32_t unit, gold_group, predicted_group;
} pair;

typedef struct pairs {
    rounds all;
    pair *item;
    size_t count, predicted_groups;
    double mean_gold, mean_predicted;
    uint16_t *weight; /* units a worker */
    double *rank;     /* predicted_groups a worker */
    affect_score_variance variance;
    score_of_numbers values_of;
    void *user;
} pairs;

/* From the weight of each group in order to its mid-rank less the mean rank; the sum of their squares
 * over the items, and whether more than one group was drawn. */
static double to_ranks(double *group, size_t count, double drawn, bool *several) {
    double below = 0, squares = 0;
    size_t groups = 0;
    for (size_t g = 0; g < count; g++) {
        double w = group[g], rank = below + (w + 1) / 2 - (drawn + 1) / 2;
        below += w;
        squares += w * rank * rank;
        groups += w > 0;
        group[g] = rank;
    }
    *several = groups > 1;
    return squares;
}

static void draw_pairs(void *user, size_t worker, uint64_t state, double *out) {
    pairs *a = user;
    const size_t units = a->all.draws->units;
    uint16_t *weight = a->weight + worker * units;
    double *rank = a->rank + worker * a->predicted_groups;
    affect_score_regression result = {
        .mae = NAN, .rmse = NAN, .pearson = NAN, .spearman = NAN, .ccc = NAN};
    draw_weights(state, units, weight);
    memset(rank, 0, a->predicted_groups * sizeof *rank);

    score_moments m = {0};
    double x = 0, y = 0;
    const double shift = a->mean_predicted - a->mean_gold;
    for (size_t i = 0; i < a->count; i++) {
        const pair *p = &a->item[i];
        double w = weight[p->unit], e = p->predicted - p->gold + shift;
        m.n += w;
        x += w * p->gold;
        y += w * p->predicted;
        m.xx += w * p->gold * p->gold;
        m.yy += w * p->predicted * p->predicted;
        m.xy += w * p->gold * p->predicted;
        m.absolute += w * fabs(e);
        m.square += w * e * e;
        rank[p->predicted_group] += w;
    }
    if (m.n > 0) {
        bool several_x = false, several_y;
        double yy = to_ranks(rank, a->predicted_groups, m.n, &several_y), xx = 0, xy = 0, below = 0;
        for (size_t i = 0; i < a->count;) { /* a group of gold at a time */
            uint32_t group = a->item[i].gold_group;
            double inside = 0, other = 0;
            for (; i < a->count && a->item[i].gold_group == group; i++) {
                double w = weight[a->item[i].unit];
                inside += w;
                other += w * rank[a->item[i].predicted_group];
            }
            double own = below + (inside + 1) / 2 - (m.n + 1) / 2;
            several_x |= inside > 0 && inside < m.n;
            below += inside;
            xx += inside * own * own;
            xy += own * other;
        }
        m.mean_x = a->mean_gold + x / m.n;
        m.mean_y = a->mean_predicted + y / m.n;
        /* A constant has no variance, whatever rounding left. */
        m.xx = several_x ? fmax(m.xx - x * x / m.n, 0) : 0;
        m.yy = several_y ? fmax(m.yy - y * y / m.n, 0) : 0;
        m.xy = several_x && several_y ? m.xy - x * y / m.n : 0;
        score_regression_of(m, a->variance, &result);
        result.items = (int64_t)m.n;
        if (several_x && several_y) result.spearman = xy / (sqrt(xx) * sqrt(yy));
    }
    a->values_of(a->user, &result, out);
}

/* Numbers the groups of equal values in their order; rank, words and spare are scratch of n. `order`
 * has the items in order in its lower 32 bits. */
static affect_status group(affect_context *ctx, const double *values, size_t n, uint32_t *rank,
                           uint64_t *words, uint64_t *spare, uint32_t *group_of, size_t *groups,
                           uint64_t **order) {
    affect_status status = score_ranks(ctx, values, n, rank);
    if (status) return status;
    for (size_t i = 0; i < n; i++) words[i] = (uint64_t)rank[i] << 32 | i;
    *order = score_sort_words(words, spare, n, 32);
    *groups = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = (uint32_t)(*order)[i];
        if (i == 0 || (*order)[i] >> 32 != (*order)[i - 1] >> 32) ++*groups;
        group_of[at] = (uint32_t)(*groups - 1);
    }
    return AFFECT_OK;
}

/* The pairs without NaN, in the order of gold, with their units numbered as they come: then what a
 * draw asks for lies side by side. */
static affect_status sort_pairs(pairs *a, const double *gold, const double *predicted, size_t n) {
    const score_draws *d = a->all.draws;
    affect_context *ctx = a->all.ctx;
    affect_status status = AFFECT_OK;
    double *x = base_alloc(2 * n * sizeof *x), *y = x ? x + n : NULL;
    uint64_t *words = base_alloc(2 * n * sizeof *words), *order = NULL;
    uint32_t *numbers = base_alloc((4 * n + d->units) * sizeof *numbers);
    a->item = base_alloc(n * sizeof *a->item);
    if (!x || !words || !numbers || !a->item) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    uint32_t *unit = numbers, *rank = unit + n, *x_group = rank + n, *y_group = x_group + n;
    uint32_t *renumbered = y_group + n;
    size_t kept = 0, groups = 0, seen = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(gold[i]) || isnan(predicted[i])) continue;
        unit[kept] = (uint32_t)d->unit[i];
        x[kept] = gold[i];
        y[kept] = predicted[i];
        a->mean_gold += (gold[i] - a->mean_gold) / (double)(kept + 1);
        a->mean_predicted += (predicted[i] - a->mean_predicted) / (double)(kept + 1);
        kept++;
    }
    a->count = kept;
    if (!kept) goto cleanup;
    status = group(ctx, y, kept, rank, words, words + n, y_group, &a->predicted_groups, &order);
    if (!status) status = group(ctx, x, kept, rank, words, words + n, x_group, &groups, &order);
    if (status) goto cleanup;
    memset(renumbered, 0xFF, d->units * sizeof *renumbered);
    for (size_t i = 0; i < kept; i++) {
        size_t at = (uint32_t)order[i];
        uint32_t *mine = &renumbered[unit[at]];
        if (*mine == UINT32_MAX) *mine = (uint32_t)seen++;
        a->item[i] = (pair){x[at] - a->mean_gold, y[at] - a->mean_predicted, *mine, x_group[at],
                            y_group[at]};
    }
cleanup:
    base_free(x);
    base_free(words);
    base_free(numbers);
    return status;
}

affect_status score_resample_numbers(affect_context *ctx, const score_draws *draws,
                                     const double *gold, const double *predicted, size_t n,
                                     affect_score_variance variance, score_of_numbers values_of,
                                     void *user, size_t values, affect_score_interval *out) {
    BASE_NEED(ctx, draws && (!n || (draws->unit && gold && predicted)) && values_of && out);
    pairs a = {.all = {.ctx = ctx, .draws = draws, .values = values, .one = draw_pairs, .user = &a},
               .variance = variance,
               .values_of = values_of,
               .user = user};
    if (!begin(&a.all, n, out)) return AFFECT_OK;
    affect_status status = check(&a.all, n);
    if (!status) status = sort_pairs(&a, gold, predicted, n);
    if (!status) {
        a.weight = base_alloc(a.all.workers * draws->units * sizeof *a.weight);
        a.rank = base_alloc((a.all.workers * a.predicted_groups + 1) * sizeof *a.rank);
        status = a.weight && a.rank ? run(&a.all, out) : base_fail_memory(ctx);
    }
    base_free(a.item);
    base_free(a.weight);
    base_free(a.rank);
    return status;
}
