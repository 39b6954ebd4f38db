/* Metrics that judge movement, not only level: a CCC alone cannot tell a late trace from a wrong
 * one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/score.h"
#include "base/base.h"
#include "score/sort.h"

double affect_score_derivative_ccc(const double *gold, const double *predicted, size_t n,
                                   affect_score_variance variance) {
    if (!(!n || (gold && predicted))) return NAN;
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

/* A point is a word: its kind (0 a trough, 1 a peak, or the label that begins) above its place. */

/* Zigzag: an extreme counts once the trace has moved `prominence` away from it on both sides. NaN
 * samples are passed over: nothing compares with them. Writes troughs, then peaks, each in order of
 * time, and returns how many points there are. They alternate, so `points` holds n + 1 and `peaks`
 * half of that. */
static size_t turning_points(const double *x, size_t n, double prominence, int place_bits,
                             uint64_t *points, uint64_t *peaks) {
    size_t low = 0, high = 0, troughs = 0, count = 0, i = 0;
    while (low < n && isnan(x[low])) low++;
    if (low == n) return 0;
    high = i = low;
    bool rising = false, falling = false;
    for (; i < n && !rising && !falling; i++) {
        if (x[i] < x[low]) low = i;
        if (x[i] > x[high]) high = i;
        falling = x[high] - x[i] >= prominence && x[high] > x[i];
        rising = !falling && x[i] - x[low] >= prominence && x[i] > x[low];
        if (falling) low = i;
        if (rising) high = i;
    }
    while (i < n) {
        size_t at = rising ? high : low;
        double sign = rising ? 1 : -1, top = sign * x[at];
        bool turned = false;
        for (; i < n && !turned; i++) {
            double y = sign * x[i];
            if (y > top) {
                top = y;
                at = i;
            }
            turned = top - y >= prominence && top > y;
        }
        if (!turned) break;
        if (rising)
            peaks[count++] = UINT64_C(1) << place_bits | at;
        else
            points[troughs++] = at;
        low = high = i - 1;
        rising = !rising;
    }
    if (count) memcpy(points + troughs, peaks, count * sizeof *points);
    return troughs + count;
}

/* Peaks with peaks, troughs with troughs. With one tolerance for all, taking for each gold point in
 * order of time the earliest free prediction inside it gives the most matches. */
static void match_points(const uint64_t *points, size_t a, const uint64_t *other, size_t b,
                         int place_bits, double tolerance, affect_score_f1 *out,
                         double *onset_error) {
    uint64_t place = (UINT64_C(1) << place_bits) - 1;
    double error = 0;
    for (size_t i = 0, j = 0; i < a && j < b;) {
        uint64_t kind = points[i] >> place_bits, other_kind = other[j] >> place_bits;
        double late = (double)(other[j] & place) - (double)(points[i] & place);
        if (kind != other_kind) {
            if (other_kind < kind)
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
    BASE_NEED(ctx, (!n || (gold && predicted)) && out && onset_error);
    *out = (affect_score_f1){0};
    *onset_error = NAN;
    uint64_t *points = base_alloc(3 * (n + 1) * sizeof *points);
    if (!points) return base_fail_memory(ctx);
    uint64_t *other = points + n + 1, *spare = other + n + 1;
    int place_bits = score_bits(n);
    size_t a = turning_points(gold, n, prominence, place_bits, points, spare);
    size_t b = turning_points(predicted, n, prominence, place_bits, other, spare);
    match_points(points, a, other, b, place_bits, tolerance, out, onset_error);
    base_free(points);
    return AFFECT_OK;
}

static size_t label_changes(const int32_t *labels, size_t n, int place_bits, uint64_t *points) {
    int32_t before = -1;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (labels[i] < 0) continue;
        if (before >= 0 && labels[i] != before)
            points[count++] = (uint64_t)(uint32_t)labels[i] << place_bits | i;
        before = labels[i];
    }
    return count;
}

affect_status affect_score_label_changes(affect_context *ctx, const int32_t *gold,
                                         const int32_t *predicted, size_t n, double tolerance,
                                         affect_score_f1 *out, double *onset_error) {
    BASE_NEED(ctx, (!n || (gold && predicted)) && out && onset_error);
    *out = (affect_score_f1){0};
    *onset_error = NAN;
    int place_bits = score_bits(n);
    if (place_bits > 32)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "changes among %zu labels: fewer than 2^32", n);
    uint64_t *points = base_alloc(4 * (n + 1) * sizeof *points);
    if (!points) return base_fail_memory(ctx);
    uint64_t *other = points + n + 1, *spare = other + n + 1;
    size_t a = label_changes(gold, n, place_bits, points);
    size_t b = label_changes(predicted, n, place_bits, other);
    const uint64_t *first = score_sort_words(points, spare, a, place_bits);
    const uint64_t *second = score_sort_words(other, spare + n + 1, b, place_bits);
    match_points(first, a, second, b, place_bits, tolerance, out, onset_error);
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
    if (!((!n || (gold && predicted)) && correlation && on_bound)) return NAN;
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
    if (!((!n || labels) && counts)) return;
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
    if (!(!classes || (gold && predicted))) return NAN;
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
