/* Metrics that judge movement, not only level: a CCC alone cannot tell a late trace from a wrong
 * one. */
#include <math.h>
#include <stdlib.h>

#include "affect/score.h"
#include "base/base.h"

double affect_score_derivative_ccc(const double *gold, const double *predicted, size_t n,
                                   affect_score_variance variance) {
    double count = 0, mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 1; i < n; i++) {
        double x = gold[i] - gold[i - 1], y = predicted[i] - predicted[i - 1];
        if (isnan(x) || isnan(y)) continue;
        count++;
        mean_x += x;
        mean_y += y;
    }
    double divisor = variance == AFFECT_SCORE_SAMPLE ? count - 1 : count;
    if (divisor <= 0) return NAN;
    mean_x /= count;
    mean_y /= count;
    for (size_t i = 1; i < n; i++) {
        double x = gold[i] - gold[i - 1] - mean_x, y = predicted[i] - predicted[i - 1] - mean_y;
        if (isnan(x) || isnan(y)) continue;
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    double shift = mean_x - mean_y, below = (xx + yy) / divisor + shift * shift;
    return below > 0 ? 2 * xy / divisor / below : NAN;
}

/* ---- turning points ---- */

typedef struct turning_point {
    size_t at;
    int direction; /* +1 a peak, -1 a trough; or the label that begins */
} turning_point;

/* Zigzag: an extreme counts once the trace has moved `prominence` away from it on both sides. NaN
 * samples are passed over. Returns how many points; `points` holds at most n. */
static size_t turning_points(const double *x, size_t n, double prominence, turning_point *points) {
    size_t low = SIZE_MAX, high = SIZE_MAX, count = 0;
    int direction = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i])) continue;
        if (low == SIZE_MAX) low = high = i;
        if (x[i] < x[low]) low = i;
        if (x[i] > x[high]) high = i;
        if (direction >= 0 && x[high] - x[i] >= prominence && x[high] > x[i]) {
            if (direction > 0) points[count++] = (turning_point){high, 1};
            direction = -1;
            low = i;
        } else if (direction <= 0 && x[i] - x[low] >= prominence && x[i] > x[low]) {
            if (direction < 0) points[count++] = (turning_point){low, -1};
            direction = 1;
            high = i;
        }
    }
    return count;
}

static int by_direction(const void *a, const void *b) {
    const turning_point *x = a, *y = b;
    if (x->direction != y->direction) return x->direction < y->direction ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Peaks with peaks, troughs with troughs. With one tolerance for all, taking for each gold point in
 * order of time the earliest free prediction inside it gives the most matches. Sorts both. */
static void match_points(turning_point *points, size_t a, turning_point *other, size_t b,
                         double tolerance, affect_score_f1 *out, double *onset_error) {
    double error = 0;
    qsort(points, a, sizeof *points, by_direction);
    qsort(other, b, sizeof *other, by_direction);
    for (size_t i = 0, j = 0; i < a && j < b;) {
        double late = (double)other[j].at - (double)points[i].at;
        if (other[j].direction != points[i].direction) {
            if (other[j].direction < points[i].direction)
                j++;
            else
                i++;
        } else if (late < -tolerance) {
            j++;
        } else if (late > tolerance) {
            i++;
        } else {
            error += fabs(late);
            out->matched++;
            i++;
            j++;
        }
    }
    out->gold = (int64_t)a;
    out->predicted = (int64_t)b;
    out->precision = b ? (double)out->matched / (double)b : 0;
    out->recall = a ? (double)out->matched / (double)a : 0;
    out->f1 = a + b ? 2 * (double)out->matched / (double)(a + b) : NAN;
    if (out->matched) *onset_error = error / (double)out->matched;
}

affect_status affect_score_turning_points(affect_context *ctx, const double *gold,
                                          const double *predicted, size_t n, double prominence,
                                          double tolerance, affect_score_f1 *out,
                                          double *onset_error) {
    *out = (affect_score_f1){0};
    *onset_error = NAN;
    turning_point *points = base_alloc(2 * (n + 1) * sizeof *points);
    if (!points) return base_fail_memory(ctx);
    turning_point *other = points + n + 1;
    size_t a = turning_points(gold, n, prominence, points);
    size_t b = turning_points(predicted, n, prominence, other);
    match_points(points, a, other, b, tolerance, out, onset_error);
    base_free(points);
    return AFFECT_OK;
}

/* Changes of label: `direction` is the label that begins. */
static size_t label_changes(const int32_t *labels, size_t n, turning_point *points) {
    int32_t before = -1;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (labels[i] < 0) continue;
        if (before >= 0 && labels[i] != before) points[count++] = (turning_point){i, labels[i]};
        before = labels[i];
    }
    return count;
}

affect_status affect_score_label_changes(affect_context *ctx, const int32_t *gold,
                                         const int32_t *predicted, size_t n, double tolerance,
                                         affect_score_f1 *out, double *onset_error) {
    turning_point *points = base_alloc(2 * (n + 1) * sizeof *points);
    *out = (affect_score_f1){0};
    *onset_error = NAN;
    if (!points) return base_fail_memory(ctx);
    turning_point *other = points + n + 1;
    size_t a = label_changes(gold, n, points), b = label_changes(predicted, n, other);
    match_points(points, a, other, b, tolerance, out, onset_error);
    base_free(points);
    return AFFECT_OK;
}

/* ---- lag ---- */

static double shifted_pearson(const double *gold, const double *predicted, size_t n,
                              int64_t shift) {
    size_t from_gold = shift < 0 ? (size_t)-shift : 0,
           from_predicted = shift > 0 ? (size_t)shift : 0;
    size_t overlap = n - (from_gold + from_predicted);
    return affect_score_pearson(gold + from_gold, predicted + from_predicted, overlap);
}

double affect_score_residual_lag(const double *gold, const double *predicted, size_t n,
                                 size_t max_shift, double *correlation, bool *on_bound) {
    *correlation = NAN;
    *on_bound = false;
    if (n < 3) return NAN;
    int64_t bound = (int64_t)BASE_MIN(max_shift, n - 3), best = 0;
    double best_r = NAN;
    for (int64_t s = -bound; s <= bound; s++) {
        double r = shifted_pearson(gold, predicted, n, s);
        /* Ties go to the smaller shift, so that equal traces have lag 0. */
        if (!isnan(r) && (isnan(best_r) || r > best_r || (r == best_r && llabs(s) < llabs(best)))) {
            best_r = r;
            best = s;
        }
    }
    if (isnan(best_r)) return NAN;
    *correlation = best_r;
    *on_bound = best == bound || best == -bound;
    if (*on_bound) return (double)best;
    double left = shifted_pearson(gold, predicted, n, best - 1);
    double right = shifted_pearson(gold, predicted, n, best + 1);
    double curve = left - 2 * best_r + right;
    return isnan(curve) || curve >= 0 ? (double)best : (double)best + 0.5 * (left - right) / curve;
}

void affect_score_transitions(const int32_t *labels, const int32_t *sequence, size_t n,
                              size_t classes, int64_t *counts) {
    for (size_t i = 0; i < classes * classes; i++) counts[i] = 0;
    for (size_t i = 1; i < n; i++) {
        int32_t a = labels[i - 1], b = labels[i];
        if (sequence && sequence[i] != sequence[i - 1]) continue;
        if (a < 0 || b < 0 || (size_t)a >= classes || (size_t)b >= classes) continue;
        counts[(size_t)a * classes + (size_t)b]++;
    }
}

double affect_score_transition_distance(const int64_t *gold, const int64_t *predicted,
                                        size_t classes) {
    double sum = 0, weight = 0;
    for (size_t a = 0; a < classes; a++) {
        double g = 0, p = 0, distance = 0;
        for (size_t b = 0; b < classes; b++) {
            g += (double)gold[a * classes + b];
            p += (double)predicted[a * classes + b];
        }
        for (size_t b = 0; b < classes && g > 0 && p > 0; b++)
            distance +=
                fabs((double)gold[a * classes + b] / g - (double)predicted[a * classes + b] / p) /
                2;
        sum += g * (p > 0 ? distance : 1);
        weight += g;
    }
    return weight > 0 ? sum / weight : NAN;
}
