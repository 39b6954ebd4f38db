/* Sequences whose steps have times of their own: attention that knows how far apart in time a query
 * and a key are, and means and choices of rows. */
#include "nn/tape.h"

/* ---- sine, for embeddings of time ---- */

typedef struct sine_node {
    nn_node node;
    nn_tensor *x, *y;
} sine_node;

static void sine_backward(nn_tape *tape, nn_node *note) {
    sine_node *op = (sine_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->x) : NULL;
    for (size_t i = 0; dx && i < op->x->count; i++)
        dx[i] += op->y->grad[i] * (nn_real)cos((double)op->x->data[i]);
}

nn_tensor *nn_sine(nn_tape *tape, nn_tensor *x) {
    nn_tensor *y = x ? nn_new(tape, x->shape) : NULL;
    if (!y) return NULL;
    for (size_t i = 0; i < y->count; i++) y->data[i] = (nn_real)sin((double)x->data[i]);
    sine_node *op = nn_note(tape, sizeof *op, sine_backward);
    if (op) {
        op->x = x;
        op->y = y;
    }
    return y;
}

/* ---- rows of a matrix: chosen, and averaged by group ---- */

typedef struct rows_node {
    nn_node node;
    nn_tensor *x, *y;
    int32_t *index; /* rows: where output row r is from; groups: where input row r goes */
    nn_real *share; /* groups: 1 / members */
    size_t rows, width;
} rows_node;

static void rows_backward(nn_tape *tape, nn_node *note) {
    rows_node *op = (rows_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->x) : NULL;
    for (size_t r = 0; dx && r < op->rows; r++)
        if (op->index[r] >= 0)
            tape->kernels->axpy(op->width, 1, op->y->grad + r * op->width,
                                dx + (size_t)op->index[r] * op->width);
}

static int32_t *copy_rows(nn_tape *tape, const char *operation, const int32_t *index, size_t count,
                          size_t below) {
    int32_t *copy = nn_tape_bytes_alloc(tape, BASE_MAX(count, (size_t)1) * sizeof *copy);
    for (size_t i = 0; copy && i < count; i++) {
        if (index[i] >= 0 && (size_t)index[i] >= below) {
            nn_fail(tape, AFFECT_ERROR_ARGUMENT, "%s: row %d of %zu", operation, (int)index[i],
                    below);
            return NULL;
        }
        copy[i] = index[i];
    }
    return copy;
}

/* The last axis and the rows before it. */
static size_t width_of(const nn_tensor *x) { return x->shape.d[x->shape.rank - 1]; }

nn_tensor *nn_rows(nn_tape *tape, nn_tensor *x, const int32_t *index, size_t count) {
    if (!x) return NULL;
    size_t width = width_of(x);
    if (!count || !width) return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "rows: none are asked for");
    int32_t *copy = copy_rows(tape, "rows", index, count, x->count / width);
    nn_tensor *y = copy ? nn_new(tape, NN_SHAPE(count, width)) : NULL;
    if (!y) return NULL;
    for (size_t r = 0; r < count; r++) {
        if (copy[r] >= 0)
            memcpy(y->data + r * width, x->data + (size_t)copy[r] * width, width * sizeof(nn_real));
        else
            memset(y->data + r * width, 0, width * sizeof(nn_real));
    }
    rows_node *op = nn_note(tape, sizeof *op, rows_backward);
    if (op)
        *op = (rows_node){
            .node = op->node, .x = x, .y = y, .index = copy, .rows = count, .width = width};
    return y;
}

static void group_backward(nn_tape *tape, nn_node *note) {
    rows_node *op = (rows_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->x) : NULL;
    for (size_t r = 0; dx && r < op->rows; r++)
        if (op->index[r] >= 0)
            tape->kernels->axpy(op->width, op->share[op->index[r]],
                                op->y->grad + (size_t)op->index[r] * op->width, dx + r * op->width);
}

nn_tensor *nn_group_mean(nn_tape *tape, nn_tensor *x, const int32_t *group, size_t groups) {
    if (!x) return NULL;
    size_t width = width_of(x), rows = width ? x->count / width : 0;
    if (!groups || !rows) return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "group_mean: no groups");
    int32_t *copy = copy_rows(tape, "group_mean", group, rows, groups);
    nn_real *share = nn_tape_alloc(tape, groups);
    nn_tensor *y = copy && share ? nn_new(tape, NN_SHAPE(groups, width)) : NULL;
    if (!y) return NULL;
    memset(share, 0, groups * sizeof *share);
    memset(y->data, 0, y->count * sizeof(nn_real));
    for (size_t r = 0; r < rows; r++)
        if (copy[r] >= 0) share[copy[r]] += 1;
    for (size_t g = 0; g < groups; g++) share[g] = share[g] > 0 ? 1 / share[g] : 0;
    for (size_t r = 0; r < rows; r++)
        if (copy[r] >= 0)
            tape->kernels->axpy(width, share[copy[r]], x->data + r * width,
                                y->data + (size_t)copy[r] * width);
    rows_node *op = nn_note(tape, sizeof *op, group_backward);
    if (op)
        *op = (rows_node){.node = op->node,
                          .x = x,
                          .y = y,
                          .index = copy,
                          .share = share,
                          .rows = rows,
                          .width = width};
    return y;
}

/* ---- attention biased by distance in time ---- */

typedef struct time_node {
    nn_node node;
    nn_tensor *q, *k, *v, *y;
    int slope;
    size_t n, queries, keys, heads, width;
    size_t *length;
    nn_real *far;    /* [n, queries, keys]: distance in time; < 0 where the key is out of reach */
    nn_real *weight; /* [n, heads, queries, keys] */
} time_node;

/* Heads are a few numbers wide: calls through the kernels' table would cost more than the sums. */
static inline nn_real dot(size_t n, const nn_real *x, const nn_real *y) {
    nn_real sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static inline void add_scaled(size_t n, nn_real a, const nn_real *x, nn_real *y) {
    for (size_t i = 0; i < n; i++) y[i] += a * x[i];
}

static double softplus(double x) { return BASE_MAX(x, 0) + log1p(exp(-fabs(x))); }

static nn_real steepness(nn_tape *tape, int slope, size_t head) {
    return slope < 0 ? 0 : (nn_real)softplus((double)nn_param_value(tape->params, slope)[head]);
}

static void time_backward(nn_tape *tape, nn_node *note) {
    time_node *op = (time_node *)note;
    if (!op->y->grad) return;
    nn_real *dq = nn_grad_zeroed(tape, op->q), *dk = nn_grad_zeroed(tape, op->k),
            *dv = nn_grad_zeroed(tape, op->v);
    nn_real *dslope = op->slope < 0 ? NULL : nn_param_grad(tape, op->slope);
    size_t d = op->heads * op->width, w = op->width;
    nn_real scale = 1 / NN_SQRT((nn_real)w);
    nn_mark mark = nn_tape_mark(tape);
    nn_real *ds = nn_tape_alloc(tape, BASE_MAX(op->keys, (size_t)1));
    if (!ds) return;
    for (size_t i = 0; i < op->n; i++)
        for (size_t h = 0; h < op->heads; h++) {
            double slope = 0; /* of the loss, with respect to the steepness */
            for (size_t a = 0; a < op->queries; a++) {
                const nn_real *p = op->weight + ((i * op->heads + h) * op->queries + a) * op->keys;
                const nn_real *far = op->far + (i * op->queries + a) * op->keys;
                size_t qa = (i * op->queries + a) * d + h * w;
                const nn_real *dy = op->y->grad + qa;
                double mean = 0;
                for (size_t b = 0; b < op->length[i]; b++) {
                    if (far[b] < 0) continue;
                    ds[b] = dot(w, dy, op->v->data + (i * op->keys + b) * d + h * w);
                    mean += (double)(p[b] * ds[b]);
                }
                for (size_t b = 0; b < op->length[i]; b++) {
                    if (far[b] < 0) continue;
                    size_t kb = (i * op->keys + b) * d + h * w;
                    nn_real g = p[b] * (ds[b] - (nn_real)mean);
                    slope -= (double)(g * far[b]);
                    if (dv) add_scaled(w, p[b], dy, dv + kb);
                    if (dq) add_scaled(w, g * scale, op->k->data + kb, dq + qa);
                    if (dk) add_scaled(w, g * scale, op->q->data + qa, dk + kb);
                }
            }
            if (dslope) {
                double x = (double)nn_param_value(tape->params, op->slope)[h];
                dslope[h] += (nn_real)(slope / (1 + exp(-x)));
            }
        }
    nn_tape_release(tape, mark);
}

/* Distances, -1 where a key is beyond the reach. */
static void distances(const time_node *op, const nn_time_attention_options *o, size_t i,
                      nn_real *far) {
    for (size_t a = 0; a < op->queries; a++)
        for (size_t b = 0; b < op->keys; b++) {
            nn_real gap =
                NN_FABS(o->query_time[i * op->queries + a] - o->key_time[i * op->keys + b]);
            far[a * op->keys + b] = o->reach > 0 && gap > (nn_real)o->reach ? -1 : gap;
        }
}

static void attend(nn_tape *tape, const time_node *op, size_t i, const nn_real *far, bool keep,
                   nn_real *scratch) {
    size_t d = op->heads * op->width, w = op->width;
    nn_real scale = 1 / NN_SQRT((nn_real)w);
    for (size_t h = 0; h < op->heads; h++) {
        nn_real steep = steepness(tape, op->slope, h);
        for (size_t a = 0; a < op->queries; a++) {
            nn_real *p =
                keep ? op->weight + ((i * op->heads + h) * op->queries + a) * op->keys : scratch;
            const nn_real *row = far + a * op->keys;
            size_t qa = (i * op->queries + a) * d + h * w;
            nn_real top = -(nn_real)INFINITY;
            double sum = 0;
            for (size_t b = 0; b < op->length[i]; b++) {
                if (row[b] < 0) continue;
                p[b] =
                    scale * dot(w, op->q->data + qa, op->k->data + (i * op->keys + b) * d + h * w) -
                    steep * row[b];
                top = BASE_MAX(top, p[b]);
            }
            for (size_t b = 0; b < op->length[i]; b++) {
                if (row[b] < 0) continue;
                p[b] = NN_EXP(p[b] - top);
                sum += (double)p[b];
            }
            for (size_t b = 0; b < op->length[i]; b++) {
                if (row[b] < 0) continue;
                p[b] = (nn_real)((double)p[b] / sum);
                add_scaled(w, p[b], op->v->data + (i * op->keys + b) * d + h * w, op->y->data + qa);
            }
        }
    }
}

nn_tensor *nn_time_attention(nn_tape *tape, nn_tensor *q, nn_tensor *k, nn_tensor *v,
                             const nn_time_attention_options *o) {
    if (!q || !k || !v) return NULL;
    nn_shape a = q->shape, b = k->shape;
    if (a.rank != 3 || b.rank != 3 || a.d[0] != b.d[0] || a.d[2] != b.d[2])
        return nn_fail_shapes(tape, "time_attention", "q [n, tq, d]", a, "k [n, tk, d]", b);
    if (!nn_shape_equal(b, v->shape))
        return nn_fail_shapes(tape, "time_attention", "k [n, tk, d]", b, "v [n, tk, d]", v->shape);
    if (o->heads == 0 || a.d[2] % o->heads)
        return nn_fail_shapes(tape, "time_attention", "q", a, "the number of heads",
                              NN_SHAPE(o->heads));
    if (o->slope >= 0 &&
        (nn_bad_param(tape, o->slope) || nn_param_of(tape, o->slope)->count != o->heads))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT,
                       "time_attention: wants one slope for each of %zu heads", o->heads);
    time_node local = {.q = q,
                       .k = k,
                       .v = v,
                       .slope = o->slope,
                       .n = a.d[0],
                       .queries = a.d[1],
                       .keys = b.d[1],
                       .heads = o->heads,
                       .width = a.d[2] / o->heads};
    bool keep = tape->grad != NULL;
    size_t plane = BASE_MAX(local.queries * local.keys, (size_t)1);
    local.y = nn_new(tape, a);
    local.length = nn_tape_bytes_alloc(tape, local.n * sizeof *local.length);
    if (!local.y || !local.length) return NULL;
    for (size_t i = 0; i < local.n; i++) {
        local.length[i] = o->key_length ? o->key_length[i] : local.keys;
        if (local.length[i] > local.keys)
            return nn_fail(tape, AFFECT_ERROR_SHAPE,
                           "time_attention: sample %zu has %zu valid keys of %zu", i,
                           local.length[i], local.keys);
    }
    memset(local.y->data, 0, local.y->count * sizeof(nn_real));
    nn_mark mark = nn_tape_mark(tape);
    local.far = nn_tape_alloc(tape, keep ? local.n * plane : plane);
    local.weight =
        nn_tape_alloc(tape, keep ? local.n * local.heads * plane : BASE_MAX(local.keys, (size_t)1));
    if (!local.far || !local.weight) return NULL;
    for (size_t i = 0; i < local.n; i++) {
        nn_real *far = keep ? local.far + i * plane : local.far;
        distances(&local, o, i, far);
        attend(tape, &local, i, far, keep, local.weight);
    }
    if (!keep) nn_tape_release(tape, mark);
    time_node *op = nn_note(tape, sizeof *op, time_backward);
    if (op) {
        local.node = op->node;
        *op = local;
    }
    return tape->status == AFFECT_OK ? local.y : NULL;
}
