/* Metrics of numbers: concordance, correlation, errors, and the sentiment tables built on them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/score.h"
#include "base/base.h"
#include "score/score_private.h"
#include "score/sort.h"

/* Sums run in eight lanes, so that one addition need not wait for the one before. The order is the
 * same for every machine. */
typedef double lanes __attribute__((vector_size(64)));
typedef int64_t lane_masks __attribute__((vector_size(64)));
enum { LANES = 8 };

static lanes load(const double *x) {
    lanes v;
    memcpy(&v, x, sizeof v);
    return v;
}

static double sum_of(lanes v) {
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

static bool any_nan(const double *x, const double *y, size_t n) {
    lane_masks found = {0};
    size_t i = 0;
    bool tail = false;
    for (; i + LANES <= n; i += LANES) {
        lanes a = load(x + i), b = load(y + i);
        /* only NaN differs from itself */
        found |= (a != a) | (b != b); /* NOLINT(misc-redundant-expression) */
    }
    for (; i < n; i++) tail |= isnan(x[i]) || isnan(y[i]);
    for (int k = 0; k < LANES; k++) tail |= found[k] != 0;
    return tail;
}

/* Two passes: exact enough that a constant gives a variance of zero, which one pass does not. */
static score_moments moments_of_all(const double *x, const double *y, size_t n) {
    lanes sum_x = {0}, sum_y = {0}, xx = {0}, yy = {0}, xy = {0}, absolute = {0}, square = {0};
    lane_masks other_x = {0}, other_y = {0};
    const lane_masks no_sign = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX,
                                INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    score_moments m = {.n = (double)n};
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        sum_x += load(x + i);
        sum_y += load(y + i);
    }
    m.mean_x = sum_of(sum_x);
    m.mean_y = sum_of(sum_y);
    for (size_t i = whole; i < n; i++) {
        m.mean_x += x[i];
        m.mean_y += y[i];
    }
    m.mean_x /= m.n;
    m.mean_y /= m.n;
    for (size_t i = 0; i < whole; i += LANES) {
        lanes a = load(x + i), b = load(y + i), e = b - a;
        other_x |= a != x[0];
        other_y |= b != y[0];
        absolute += (lanes)((lane_masks)e & no_sign);
        square += e * e;
        a -= m.mean_x;
        b -= m.mean_y;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    bool constant_x = true, constant_y = true;
    for (int k = 0; k < LANES; k++) {
        constant_x &= !other_x[k];
        constant_y &= !other_y[k];
    }
    m.xx = sum_of(xx);
    m.yy = sum_of(yy);
    m.xy = sum_of(xy);
    m.absolute = sum_of(absolute);
    m.square = sum_of(square);
    for (size_t i = whole; i < n; i++) {
        double a = x[i] - m.mean_x, b = y[i] - m.mean_y, e = y[i] - x[i];
        constant_x &= x[i] == x[0];
        constant_y &= y[i] == y[0];
        m.xx += a * a;
        m.yy += b * b;
        m.xy += a * b;
        m.absolute += fabs(e);
        m.square += e * e;
    }
    /* sum / n of a constant may differ from it by rounding. */
    if (constant_x) m.xx = m.xy = 0;
    if (constant_y) m.yy = m.xy = 0;
    return m;
}

/* The same past items with a NaN. */
static score_moments moments_of_some(const double *x, const double *y, size_t n) {
    score_moments m = {0};
    double first_x = NAN, first_y = NAN;
    bool constant_x = true, constant_y = true;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]) || isnan(y[i])) continue;
        m.n++;
        m.mean_x += x[i];
        m.mean_y += y[i];
    }
    if (m.n == 0) return m;
    m.mean_x /= m.n;
    m.mean_y /= m.n;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]) || isnan(y[i])) continue;
        if (isnan(first_x)) {
            first_x = x[i];
            first_y = y[i];
        }
        constant_x &= x[i] == first_x;
        constant_y &= y[i] == first_y;
        double a = x[i] - m.mean_x, b = y[i] - m.mean_y, e = y[i] - x[i];
        m.xx += a * a;
        m.yy += b * b;
        m.xy += a * b;
        m.absolute += fabs(e);
        m.square += e * e;
    }
    if (constant_x) m.xx = m.xy = 0;
    if (constant_y) m.yy = m.xy = 0;
    return m;
}

static score_moments moments_of(const double *x, const double *y, size_t n) {
    if (!n) return (score_moments){0};
    score_moments m = moments_of_all(x, y, n);
    /* A NaN, or infinities of both signs, make a mean NaN. */
    return isnan(m.mean_x + m.mean_y) && any_nan(x, y, n) ? moments_of_some(x, y, n) : m;
}

static double pearson_of(score_moments m) {
    return m.xx > 0 && m.yy > 0 ? m.xy / sqrt(m.xx * m.yy) : NAN;
}

static double ccc_of(score_moments m, affect_score_variance variance) {
    double n = variance == AFFECT_SCORE_SAMPLE ? m.n - 1 : m.n;
    if (n <= 0) return NAN;
    double shift = m.mean_x - m.mean_y;
    double below = m.xx / n + m.yy / n + shift * shift;
    return below > 0 ? 2 * m.xy / n / below : NAN;
}

double affect_score_ccc(const double *gold, const double *predicted, size_t n,
                        affect_score_variance variance) {
    if (!(!n || (gold && predicted))) return NAN;
    return ccc_of(moments_of(gold, predicted, n), variance);
}

double affect_score_pearson(const double *gold, const double *predicted, size_t n) {
    if (!(!n || (gold && predicted))) return NAN;
    return pearson_of(moments_of(gold, predicted, n));
}

/* ---- Spearman's rho ---- */

__extension__ typedef unsigned __int128 wide;

enum { MANY = 1 << 17 /* items from which a second thread pays */ };

/* Both sides of a correlation; each is ranked on its own, on two threads where there are many. */
typedef struct ranked_pair {
    const double *values[2];
    size_t n;
    uint32_t *rank[2];
    affect_status status[2];
} ranked_pair;

static void rank_side(void *user, size_t k) {
    ranked_pair *p = user;
    p->status[k] = score_ranks(NULL, p->values[k], p->n, p->rank[k]);
}

/* Twice the ranks are whole numbers, so that all sums are exact. */
static double rho_of(const ranked_pair *p) {
    /* Products of up to (2n)^2; as many of them as fit are summed in 64 bits. */
    uint64_t n = p->n, room = UINT64_MAX / (4 * n * n);
    wide xx = 0, yy = 0, xy = 0, sum = (wide)n * (n + 1);
    for (size_t i = 0; i < n;) {
        size_t end = n - i > room ? i + (size_t)room : n;
        uint64_t part_xx = 0, part_yy = 0, part_xy = 0;
        for (; i < end; i++) {
            uint64_t x = p->rank[0][i], y = p->rank[1][i];
            part_xx += x * x;
            part_yy += y * y;
            part_xy += x * y;
        }
        xx += part_xx;
        yy += part_yy;
        xy += part_xy;
    }
    double a = (double)(n * xx - sum * sum), b = (double)(n * yy - sum * sum);
    double both =
        n * xy >= sum * sum ? (double)(n * xy - sum * sum) : -(double)(sum * sum - n * xy);
    return a > 0 && b > 0 ? both / (sqrt(a) * sqrt(b)) : NAN;
}

/* x and y hold no NaN. */
static affect_status spearman_of(affect_context *ctx, const double *x, const double *y, size_t n,
                                 double *out) {
    *out = NAN;
    if (!n) return AFFECT_OK;
    if (n >= INT32_MAX)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "Spearman's rho of %zu items: fewer than 2^31",
                         n);
    uint32_t *rank = base_alloc(2 * n * sizeof *rank);
    if (!rank) return base_fail_memory(ctx);
    ranked_pair p = {.values = {x, y}, .n = n, .rank = {rank, rank + n}};
    base_pool *pool = NULL;
    bool two = n >= MANY && ctx && affect_context_threads(ctx) != 1;
    if (two && base_pool_create(ctx, 2, &pool) == AFFECT_OK) {
        base_pool_for(pool, 2, rank_side, &p);
        base_pool_destroy(pool);
    } else {
        rank_side(&p, 0);
        rank_side(&p, 1);
    }
    bool good = !p.status[0] && !p.status[1];
    if (good) *out = rho_of(&p);
    base_free(rank);
    return good ? AFFECT_OK : base_fail_memory(ctx);
}

void score_regression_of(score_moments m, affect_score_variance variance,
                         affect_score_regression *out) {
    out->mae = m.absolute / m.n;
    out->rmse = sqrt(m.square / m.n);
    out->pearson = pearson_of(m);
    out->ccc = ccc_of(m, variance);
    out->mean_gold = m.mean_x;
    out->mean_predicted = m.mean_y;
    out->sd_gold = sqrt(m.xx / m.n);
    out->sd_predicted = sqrt(m.yy / m.n);
}

affect_status affect_score_regression_from(affect_context *ctx, const double *gold,
                                           const double *predicted, size_t n,
                                           affect_score_variance variance,
                                           affect_score_regression *out) {
    BASE_NEED(ctx, (!n || (gold && predicted)) && out);
    *out = (affect_score_regression){
        .mae = NAN, .rmse = NAN, .pearson = NAN, .spearman = NAN, .ccc = NAN};
    score_moments m = moments_of(gold, predicted, n);
    out->items = (int64_t)m.n;
    out->skipped = (int64_t)n - out->items;
    if (m.n == 0) return AFFECT_OK;
    score_regression_of(m, variance, out);
    if (!out->skipped) return spearman_of(ctx, gold, predicted, n, &out->spearman);
    /* Ranks are among the items that count. */
    double *x = base_alloc(2 * n * sizeof *x);
    if (!x) return base_fail_memory(ctx);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(gold[i]) || isnan(predicted[i])) continue;
        x[kept] = gold[i];
        x[n + kept++] = predicted[i];
    }
    affect_status status = spearman_of(ctx, x, x + n, kept, &out->spearman);
    base_free(x);
    return status;
}

affect_status affect_score_ccc_by_clip(affect_context *ctx, const double *gold,
                                       const double *predicted, const int32_t *clip, size_t n,
                                       size_t clips, affect_score_variance variance, double *mean,
                                       double *per_clip, int64_t *undefined) {
    BASE_NEED(ctx, (!n || (gold && predicted && clip)) && mean);
    /* Bucket the items so that each clip is contiguous; two passes over the data in all. */
    size_t *start = base_calloc(clips + 1, sizeof *start);
    double *x = base_alloc(n * sizeof *x), *y = base_alloc(n * sizeof *y);
    affect_status status = AFFECT_OK;
    if (!start || !x || !y) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    for (size_t i = 0; i < n; i++) {
        if (clip[i] < 0 || (size_t)clip[i] >= clips) {
            status = base_fail(ctx, AFFECT_ERROR_ARGUMENT, "item %zu: clip %d of %zu", i, clip[i],
                               clips);
            goto cleanup;
        }
        start[clip[i] + 1]++;
    }
    for (size_t c = 0; c < clips; c++) start[c + 1] += start[c];
    for (size_t i = 0; i < n; i++) {
        size_t at = start[clip[i]]++; /* afterwards start[c] is the end of clip c */
        x[at] = gold[i];
        y[at] = predicted[i];
    }
    double sum = 0;
    int64_t defined = 0;
    for (size_t c = 0; c < clips; c++) {
        size_t from = c ? start[c - 1] : 0;
        double value = affect_score_ccc(x + from, y + from, start[c] - from, variance);
        if (per_clip) per_clip[c] = value;
        if (!isnan(value)) {
            sum += value;
            defined++;
        }
    }
    *mean = defined ? sum / (double)defined : NAN;
    if (undefined) *undefined = (int64_t)clips - defined;
cleanup:
    base_free(start);
    base_free(x);
    base_free(y);
    return status;
}

/* ---- sentiment ---- */

/* Weighted F1 and accuracy of a two-class or k-class comparison that is given as a small table. */
typedef struct small_table {
    int64_t counts[8][8];
    int64_t n;
} small_table;

static void table_add(small_table *t, int gold, int predicted) {
    t->counts[gold][predicted]++;
    t->n++;
}

static void table_score(const small_table *t, double *accuracy, double *weighted_f1,
                        double *majority_accuracy, double *majority_f1) {
    int64_t right = 0, best = 0;
    double f1 = 0;
    for (int k = 0; k < 8; k++) {
        int64_t gold = 0, predicted = 0;
        for (int j = 0; j < 8; j++) {
            gold += t->counts[k][j];
            predicted += t->counts[j][k];
        }
        right += t->counts[k][k];
        if (gold + predicted)
            f1 += (double)gold * 2 * (double)t->counts[k][k] / (double)(gold + predicted);
        best = BASE_MAX(best, gold);
    }
    double n = (double)t->n, p = n > 0 ? (double)best / n : NAN;
    *accuracy = n > 0 ? (double)right / n : NAN;
    *weighted_f1 = n > 0 ? f1 / n : NAN;
    if (majority_accuracy) *majority_accuracy = p;
    if (majority_f1) *majority_f1 = p * 2 * p / (1 + p);
}

static double clip_to(double v, double bound) {
    return v < -bound ? -bound : v > bound ? bound : v;
}

/* Left-open bins: the number of cuts that lie strictly below v. */
static int bin_of(double v, const double *cuts, int count) {
    int bin = 0;
    while (bin < count && v > cuts[bin]) bin++;
    return bin;
}

static void sentiment_mosi(const double *y, const double *p, size_t n,
                           affect_score_sentiment *out) {
    small_table has0 = {0}, non0 = {0};
    int64_t right5 = 0, right7 = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(y[i]) || isnan(p[i])) continue;
        table_add(&has0, y[i] >= 0, p[i] >= 0);
        if (y[i] != 0)
            table_add(&non0, y[i] > 0, p[i] > 0);
        else
            out->zeros++;
        right5 += rint(clip_to(y[i], 2)) == rint(clip_to(p[i], 2));
        right7 += rint(clip_to(y[i], 3)) == rint(clip_to(p[i], 3));
    }
    table_score(&has0, &out->acc2_has0, &out->f1_has0, &out->majority_acc2_has0,
                &out->majority_f1_has0);
    table_score(&non0, &out->acc2_non0, &out->f1_non0, &out->majority_acc2_non0,
                &out->majority_f1_non0);
    double kept = (double)out->items;
    out->acc3 = NAN;
    out->acc5 = kept > 0 ? (double)right5 / kept : NAN;
    out->acc7 = kept > 0 ? (double)right7 / kept : NAN;
}

static affect_status sentiment_sims(affect_context *ctx, const double *y, const double *p, size_t n,
                                    affect_score_sentiment *out) {
    static const double two[] = {0}, three[] = {-0.1, 0.1}, five[] = {-0.7, -0.1, 0.1, 0.7};
    small_table table2 = {0};
    int64_t right3 = 0, right5 = 0;
    double absolute = 0;
    double *clipped = base_alloc(2 * n * sizeof *clipped);
    if (!clipped) return base_fail_memory(ctx);
    for (size_t i = 0; i < n; i++) {
        clipped[i] = clipped[n + i] = NAN;
        if (isnan(y[i]) || isnan(p[i])) continue;
        double g = clip_to(y[i], 1), q = clip_to(p[i], 1);
        clipped[i] = g;
        clipped[n + i] = q;
        absolute += fabs(g - q);
        out->zeros += g == 0;
        table_add(&table2, bin_of(g, two, 1), bin_of(q, two, 1));
        right3 += bin_of(g, three, 2) == bin_of(q, three, 2);
        right5 += bin_of(g, five, 4) == bin_of(q, five, 4);
    }
    table_score(&table2, &out->acc2_has0, &out->f1_has0, &out->majority_acc2_has0,
                &out->majority_f1_has0);
    double kept = (double)out->items;
    out->acc2_non0 = out->f1_non0 = out->majority_acc2_non0 = out->majority_f1_non0 = NAN;
    out->acc3 = kept > 0 ? (double)right3 / kept : NAN;
    out->acc5 = kept > 0 ? (double)right5 / kept : NAN;
    out->acc7 = NAN;
    out->mae = kept > 0 ? absolute / kept : NAN;
    out->corr = affect_score_pearson(clipped, clipped + n, n);
    base_free(clipped);
    return AFFECT_OK;
}

affect_status affect_score_sentiment_from(affect_context *ctx, const double *gold,
                                          const double *predicted, size_t n,
                                          affect_score_sentiment_set set,
                                          affect_score_sentiment *out) {
    BASE_NEED(ctx, (!n || (gold && predicted)) && out);
    *out = (affect_score_sentiment){0};
    score_moments m = moments_of(gold, predicted, n);
    out->items = (int64_t)m.n;
    out->skipped = (int64_t)n - out->items;
    if (set == AFFECT_SCORE_SIMS) return sentiment_sims(ctx, gold, predicted, n, out);
    sentiment_mosi(gold, predicted, n, out);
    out->mae = m.n > 0 ? m.absolute / m.n : NAN;
    out->corr = pearson_of(m);
    return AFFECT_OK;
}

affect_status affect_score_sentiment_classes_from(affect_context *ctx, const int32_t *gold,
                                                  const double *scores, size_t n, bool table_bug,
                                                  affect_score_sentiment_classes *out) {
    BASE_NEED(ctx, (!n || (gold && scores)) && out);
    *out = (affect_score_sentiment_classes){0};
    small_table three = {0}, has0 = {0}, non0 = {0};
    for (size_t i = 0; i < n; i++) {
        const double *s = scores + 3 * i;
        if (gold[i] < 0 || isnan(s[0]) || isnan(s[1]) || isnan(s[2])) {
            out->skipped++;
            continue;
        }
        if (gold[i] > 2)
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "item %zu: class %d, expected 0, 1 or 2",
                             i, gold[i]);
        out->items++;
        int best = s[1] > s[0] ? 1 : 0; /* the first maximum, as numpy's argmax */
        if (s[2] > s[best]) best = 2;
        table_add(&three, gold[i], best);
        table_add(&has0, gold[i] <= 1 ? 0 : 1, best <= 1 ? 0 : 1);
        if (gold[i] == 1) continue;
        int positive = s[2] > s[0];
        /* The table's bug: the prediction is a column number (0/1), the truth stays 0/2. */
        if (table_bug)
            table_add(&non0, gold[i], positive);
        else
            table_add(&non0, gold[i] / 2, positive);
    }
    table_score(&three, &out->acc3, &out->f1_3, NULL, NULL);
    table_score(&has0, &out->acc2_has0, &out->f1_has0, NULL, NULL);
    table_score(&non0, &out->acc2_non0, &out->f1_non0, NULL, NULL);
    return AFFECT_OK;
}
