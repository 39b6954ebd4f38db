/* Change points by PELT.
 *
 * A stretch of rows i..j at one level costs sum_t w_t |z_t - m|^2 / 2 over the three dimensions
 * with w_t = (dt / TAU) / (sd_t^2 + LEVEL_SD^2): the negative log-likelihood of a constant level,
 * where the rows of TAU seconds count as one opinion, because the smoothed path is smooth by
 * construction. Each further stretch costs BETA. */
#include <math.h>
#include <string.h>

#include "fuse/fuse.h"

#define STEP (200 * AFFECT_MILLISECOND) /* the detector's own rate: 5 Hz */
#define LOOK_BACK (60 * AFFECT_SECOND)  /* changes older than this are not reconsidered */
static const double TAU_S = 0.8;        /* half the latent length scale */
static const double LEVEL_SD = 0.10;    /* movement that is no change of level */
static const double BETA = 1.5;         /* fitted by bench/localisation.py --fit */
enum { MIN_ROWS = 5 };                  /* 1 s */

typedef struct row {
    affect_time time;
    double weight[3], first[3], second[3]; /* prefix sums of w, w z, w z^2, this row included */
    double cost;                           /* of the best segmentation that ends after this row */
    size_t from;                           /* where its last stretch begins */
    size_t dropped_at;                     /* PELT: as a start, of no use from this row on */
} row;

struct fuse_changes {
    affect_context *ctx;
    struct {
        row *items;
        size_t count, capacity;
    } rows; /* rows.items[0] is a zero row before the first */
    struct {
        size_t *items;
        size_t count, capacity;
    } starts; /* candidates: a stretch may begin after this row */
    struct {
        affect_time *items;
        size_t count, capacity, next;
    } edges; /* final edges; stretch k is [edges k, edges k + 1) */
};

affect_status fuse_changes_create(affect_context *ctx, fuse_changes **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    (*out)->ctx = ctx;
    return AFFECT_OK;
}

void fuse_changes_destroy(fuse_changes *c) {
    if (!c) return;
    base_free(c->rows.items);
    base_free(c->starts.items);
    base_free(c->edges.items);
    base_free(c);
}

static double stretch_cost(const row *before, const row *last) {
    double cost = 0.0;
    for (int d = 0; d < 3; d++) {
        double w = last->weight[d] - before->weight[d];
        if (!(w > 0.0)) continue;
        double f = last->first[d] - before->first[d], s = last->second[d] - before->second[d];
        cost += 0.5 * fmax(s - f * f / w, 0.0);
    }
    return cost;
}

static affect_status add_edge(fuse_changes *c, affect_time time) {
    if (!base_grow((void **)&c->edges.items, &c->edges.capacity, c->edges.count + 1,
                   sizeof *c->edges.items))
        return base_fail_memory(c->ctx);
    c->edges.items[c->edges.count++] = time;
    return AFFECT_OK;
}

/* The second edge of the best segmentation that ends at `end`, or `end` if it is one stretch. */
static size_t first_change(const fuse_changes *c, size_t end) {
    while (c->rows.items[end].from != 0) end = c->rows.items[end].from;
    return end;
}

/* Makes row `start` the new zero row: everything up to it is final. */
static affect_status settle(fuse_changes *c, size_t start) {
    affect_status status = add_edge(c, c->rows.items[start + 1].time);
    if (status != AFFECT_OK) return status;
    row base = c->rows.items[start];
    c->rows.count -= start;
    memmove(c->rows.items, c->rows.items + start, c->rows.count * sizeof *c->rows.items);
    for (size_t i = 0; i < c->rows.count; i++) {
        row *r = &c->rows.items[i];
        for (int d = 0; d < 3; d++) {
            r->weight[d] -= base.weight[d];
            r->first[d] -= base.first[d];
            r->second[d] -= base.second[d];
        }
        r->cost -= base.cost;
        r->from = r->from > start ? r->from - start : 0;
        r->dropped_at = r->dropped_at > start ? r->dropped_at - start : 0;
    }
    size_t kept = 0;
    for (size_t i = 0; i < c->starts.count; i++)
        if (c->starts.items[i] >= start) c->starts.items[kept++] = c->starts.items[i] - start;
    c->starts.count = kept;
    return AFFECT_OK;
}

affect_status fuse_changes_push(fuse_changes *c, affect_time time, const double mean[3],
                                const double sd[3]) {
    size_t n = c->rows.count;
    if (n > 1 && time - c->rows.items[n - 1].time < STEP - AFFECT_MILLISECOND) return AFFECT_OK;
    if (!base_grow((void **)&c->rows.items, &c->rows.capacity, n + 2, sizeof *c->rows.items) ||
        !base_grow((void **)&c->starts.items, &c->starts.capacity, c->starts.count + 2,
                   sizeof *c->starts.items))
        return base_fail_memory(c->ctx);
    if (n == 0) {
        affect_status status = add_edge(c, time);
        if (status != AFFECT_OK) return status;
        c->rows.items[0] = (row){.time = time, .cost = -BETA};
        c->rows.count = n = 1;
        c->starts.items[c->starts.count++] = 0;
    }
    row *last = &c->rows.items[n], *before = &c->rows.items[n - 1];
    double dt = n > 1 ? time_to_seconds(time - before->time) : time_to_seconds(STEP);
    *last = *before;
    last->time = time;
    last->dropped_at = 0;
    for (int d = 0; d < 3; d++) {
        if (!isfinite(mean[d]) || !isfinite(sd[d])) continue;
        double w = BASE_MIN(dt, 1.0) / TAU_S / (sd[d] * sd[d] + LEVEL_SD * LEVEL_SD);
        last->weight[d] += w;
        last->first[d] += w * mean[d];
        last->second[d] += w * mean[d] * mean[d];
    }
    c->rows.count = n + 1;
    /* The best start of the last stretch. Rows 1 .. MIN_ROWS - 1 can only be of the first one. */
    double best = INFINITY;
    size_t from = 0;
    for (size_t i = 0; i < c->starts.count; i++) {
        size_t s = c->starts.items[i];
        if (s != 0 && n - s < MIN_ROWS) continue;
        double cost = c->rows.items[s].cost + stretch_cost(&c->rows.items[s], last) + BETA;
        if (cost < best) best = cost, from = s;
    }
    last->cost = best;
    last->from = from;
    /* Pruning: a start that is worse even without the penalty of one more stretch never wins; it
     * may still be needed until the start that beats it is MIN_ROWS old. */
    size_t kept = 0;
    for (size_t i = 0; i < c->starts.count; i++) {
        size_t s = c->starts.items[i];
        row *r = &c->rows.items[s];
        if (r->dropped_at == 0 && n - s >= MIN_ROWS && r->cost + stretch_cost(r, last) > best)
            r->dropped_at = n;
        bool gone = r->dropped_at != 0 && n >= r->dropped_at + MIN_ROWS;
        bool ancient = s != 0 && time - r->time > LOOK_BACK && first_change(c, n) != s;
        if (!gone && !ancient) c->starts.items[kept++] = s;
    }
    c->starts.count = kept;
    if (n >= MIN_ROWS) c->starts.items[c->starts.count++] = n;
    /* A change is final when every start that is still possible lies behind it: the first change of
     * the path to each of them is then the same. */
    for (;;) {
        size_t common = c->starts.count ? c->starts.items[0] : 0;
        common = common ? first_change(c, common) : 0;
        for (size_t i = 1; i < c->starts.count && common; i++)
            if (first_change(c, c->starts.items[i]) != common) common = 0;
        if (common == 0 || common + 1 >= c->rows.count) return AFFECT_OK;
        affect_status status = settle(c, common);
        if (status != AFFECT_OK) return status;
    }
}

affect_status fuse_changes_end(fuse_changes *c, affect_time end) {
    while (c->rows.count > 1) {
        size_t change = first_change(c, c->rows.count - 1);
        if (change + 1 >= c->rows.count) break;
        affect_status status = settle(c, change);
        if (status != AFFECT_OK) return status;
    }
    affect_status status = c->rows.count ? add_edge(c, end) : AFFECT_OK;
    c->rows.count = 0;
    c->starts.count = 0;
    return status;
}

bool fuse_changes_next(fuse_changes *c, affect_time *t0, affect_time *t1) {
    if (c->edges.next + 1 >= c->edges.count) {
        if (c->rows.count == 0) c->edges.next = c->edges.count = 0;
        return false;
    }
    *t0 = c->edges.items[c->edges.next++];
    *t1 = c->edges.items[c->edges.next];
    return true;
}
