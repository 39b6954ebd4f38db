/* Dynamic time warping in a band. The distance keeps two rows. The path keeps every so-many-th row
 * and computes the rows between two of them again when it comes by from the end, so memory grows
 * with the root of the length. */
#include <math.h>
#include <string.h>

#include "align/align_private.h"

typedef struct warp {
    const double *a, *b;
    size_t n, m, channels, radius, width; /* a row holds columns first(i) .. first(i) + width - 1 */
    double *b_columns;                    /* channels x m: b turned, so that a row reads in order */
    double *cost, *open;                  /* of one row */
} warp;

enum { STEP_BOTH, STEP_A, STEP_B }; /* which index moved to reach a cell */

static size_t row_centre(const warp *w, size_t i) {
    return w->n > 1 ? (size_t)((double)i * (double)(w->m - 1) / (double)(w->n - 1) + 0.5) : 0;
}
static size_t row_first(const warp *w, size_t i) {
    size_t centre = row_centre(w, i);
    return centre > w->radius ? centre - w->radius : 0;
}
static size_t row_end(const warp *w, size_t i) { /* one past the last column */
    return w->n > 1 ? BASE_MIN(row_centre(w, i) + w->radius + 1, w->m) : w->m;
}

static affect_status warp_init(affect_context *ctx, warp *w, const double *a, size_t n,
                               const double *b, size_t m, size_t channels, double band) {
    *w = (warp){.a = a, .b = b, .n = n, .m = m, .channels = channels};
    size_t longest = BASE_MAX(n, m);
    w->radius = band > 0.0 ? (size_t)ceil(band * (double)longest) : longest;
    /* Neighbouring rows must overlap, whatever the slope of the diagonal. */
    w->radius = BASE_MAX(w->radius, m / n + 1);
    w->width = BASE_MIN(2 * w->radius + 1, m);
    w->b_columns = base_alloc((channels * m + 2 * m) * sizeof *w->b_columns);
    if (!w->b_columns) return base_fail_memory(ctx);
    w->cost = w->b_columns + channels * m;
    w->open = w->cost + m;
    for (size_t j = 0; j < m; j++)
        for (size_t c = 0; c < channels; c++) w->b_columns[c * m + j] = b[j * channels + c];
    return AFFECT_OK;
}

/* Row i from the row before it: sums[j - row_first(i)]. `moves` (may be NULL) gets the step by which
 * each cell is reached. */
static void warp_row(const warp *w, size_t i, const double *before, double *sums, uint8_t *moves) {
    size_t first = row_first(w, i), end = row_end(w, i), count = end - first;
    double *cost = w->cost, *open = w->open;
    const double *a = w->a + i * w->channels;
    memset(cost, 0, count * sizeof *cost);
    for (size_t c = 0; c < w->channels; c++) {
        const double *b = w->b_columns + c * w->m + first;
        for (size_t j = 0; j < count; j++) cost[j] += (a[c] - b[j]) * (a[c] - b[j]);
    }
    if (i == 0) {
        double sum = 0.0;
        for (size_t j = 0; j < count; j++) {
            sum += cost[j];
            sums[j] = sum;
            if (moves) moves[j] = STEP_B;
        }
        return;
    }
    /* The best of the two steps that come from the row before. */
    size_t old_first = row_first(w, i - 1), old_end = row_end(w, i - 1);
    for (size_t j = 0; j < count; j++) {
        size_t column = first + j;
        double both =
            column > old_first && column <= old_end ? before[column - 1 - old_first] : INFINITY;
        double one =
            column >= old_first && column < old_end ? before[column - old_first] : INFINITY;
        open[j] = both <= one ? both : one;
        if (moves) moves[j] = both <= one ? STEP_BOTH : STEP_A;
    }
    double sum = INFINITY;
    if (!moves) {
        for (size_t j = 0; j < count; j++) {
            sum = (open[j] <= sum ? open[j] : sum) + cost[j];
            sums[j] = sum;
        }
        return;
    }
    for (size_t j = 0; j < count; j++) {
        if (sum < open[j])
            moves[j] = STEP_B;
        else
            sum = open[j];
        sum += cost[j];
        sums[j] = sum;
    }
}

static affect_status warp_distance(affect_context *ctx, const warp *w, double *distance) {
    double *rows = base_alloc(2 * w->width * sizeof *rows);
    if (!rows) return base_fail_memory(ctx);
    double *before = rows, *now = rows + w->width;
    for (size_t i = 0; i < w->n; i++) {
        warp_row(w, i, before, now, NULL);
        double *swap = before;
        before = now;
        now = swap;
    }
    *distance = before[row_end(w, w->n - 1) - 1 - row_first(w, w->n - 1)];
    base_free(rows);
    return AFFECT_OK;
}

/* Walks back from the end; the path comes out turned round. */
static affect_status warp_path(affect_context *ctx, const warp *w, double *distance,
                               affect_align_pair *path, size_t *path_length) {
    size_t span = (size_t)ceil(sqrt((double)w->n)), parts = (w->n + span - 1) / span;
    double *kept = base_alloc(parts * w->width * sizeof *kept); /* the last row before each part */
    double *rows = base_alloc(2 * w->width * sizeof *rows);
    uint8_t *moves = base_alloc(span * w->width);
    affect_status status = AFFECT_OK;
    if (!kept || !rows || !moves) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    double *before = rows, *now = rows + w->width;
    for (size_t i = 0; i < w->n; i++) {
        if (i % span == 0 && i) memcpy(kept + i / span * w->width, before, w->width * sizeof *kept);
        warp_row(w, i, before, now, NULL);
        double *swap = before;
        before = now;
        now = swap;
    }
    *distance = before[row_end(w, w->n - 1) - 1 - row_first(w, w->n - 1)];

    size_t count = 0, i = w->n - 1, j = w->m - 1;
    for (size_t part = parts; part-- > 0;) {
        size_t from = part * span, to = BASE_MIN(from + span, w->n);
        if (part) memcpy(before, kept + part * w->width, w->width * sizeof *before);
        for (size_t k = from; k < to; k++) {
            warp_row(w, k, before, now, moves + (k - from) * w->width);
            double *swap = before;
            before = now;
            now = swap;
        }
        for (;;) {
            path[count++] = (affect_align_pair){i, j};
            if (i == 0 && j == 0) break;
            uint8_t move = moves[(i - from) * w->width + j - row_first(w, i)];
            if (move != STEP_A) j--;
            if (move == STEP_B) continue;
            i--;
            if (i < from) break; /* the rest is an earlier part's; i + 1 == from here */
        }
    }
    for (size_t k = 0; k < count / 2; k++) {
        affect_align_pair swap = path[k];
        path[k] = path[count - 1 - k];
        path[count - 1 - k] = swap;
    }
    *path_length = count;
cleanup:
    base_free(kept);
    base_free(rows);
    base_free(moves);
    return status;
}

affect_status affect_align_dtw(affect_context *ctx, const double *a, size_t n, const double *b,
                               size_t m, size_t channels, double band, double *distance,
                               affect_align_pair *path, size_t *path_length) {
    if (!a || !b || !distance || (path && !path_length))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "time warping: a pointer is NULL");
    if (!n || !m || !channels || !(band >= 0.0 && band <= 1.0))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "time warping: wants rows, channels, and a band of 0 to 1");
    warp w;
    affect_status status = warp_init(ctx, &w, a, n, b, m, channels, band);
    if (!status)
        status = path ? warp_path(ctx, &w, distance, path, path_length)
                      : warp_distance(ctx, &w, distance);
    base_free(w.b_columns);
    return status;
}

/* ---- barycentre (Petitjean, Ketterlin & Gancarski 2011) ---- */

affect_status affect_align_barycentre(affect_context *ctx, const double *const *series,
                                      const size_t *lengths, size_t count, size_t channels,
                                      const double *weights, double band, int iterations,
                                      double *mean, size_t length, double *inertia) {
    if (!series || !lengths || !mean || !count || !channels || !length)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "barycentre: wants series and a first guess");
    size_t longest = 0;
    for (size_t k = 0; k < count; k++) {
        if (!series[k] || !lengths[k] || (weights && !(weights[k] >= 0.0)))
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                             "barycentre: series %zu is empty or has a weight below 0", k);
        longest = BASE_MAX(longest, lengths[k]);
    }
    affect_align_pair *path = base_alloc((length + longest) * sizeof *path);
    double *sum = base_alloc((length * channels + length) * sizeof *sum);
    affect_status status = path && sum ? AFFECT_OK : base_fail_memory(ctx);
    double before = INFINITY, total = 0.0;
    for (int round = 0; round <= iterations && !status; round++) {
        double *mass = sum ? sum + length * channels : NULL;
        memset(sum, 0, (length * channels + length) * sizeof *sum);
        total = 0.0;
        for (size_t k = 0; k < count && !status; k++) {
            double distance, weight = weights ? weights[k] : 1.0;
            size_t steps;
            status = affect_align_dtw(ctx, mean, length, series[k], lengths[k], channels, band,
                                      &distance, path, &steps);
            if (status) break;
            total += weight * distance;
            for (size_t s = 0; s < steps; s++) {
                mass[path[s].i] += weight;
                for (size_t c = 0; c < channels; c++)
                    sum[path[s].i * channels + c] += weight * series[k][path[s].j * channels + c];
            }
        }
        if (status || round == iterations || !(total < before * (1.0 - 1e-9))) break;
        before = total;
        for (size_t i = 0; i < length; i++)
            if (mass[i] > 0.0)
                for (size_t c = 0; c < channels; c++)
                    mean[i * channels + c] = sum[i * channels + c] / mass[i];
    }
    if (!status && inertia) *inertia = total;
    base_free(path);
    base_free(sum);
    return status;
}
