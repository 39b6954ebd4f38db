/* Sequences: embeddings, 1-d convolution, GRU. */
#include "nn/tape.h"

/* ---- embedding ---- */

typedef struct embedding_node {
    nn_node node;
    nn_tensor *y;
    int table;
    size_t count, width;
    int32_t *index;
    size_t *start;
    nn_real *weight; /* of each unit */
} embedding_node;

static int32_t *copy_index(nn_tape *tape, const char *operation, const int32_t *index, size_t count,
                           size_t rows) {
    int32_t *copy = nn_tape_bytes_alloc(tape, BASE_MAX(count, (size_t)1) * sizeof *copy);
    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = index[i];
        if (index[i] >= 0 && (size_t)index[i] >= rows) {
            nn_fail(tape, AFFECT_ERROR_SHAPE, "%s: index %d at %zu, the table has %zu rows",
                    operation, (int)index[i], i, rows);
            return NULL;
        }
    }
    return copy;
}

static void embedding_backward(nn_tape *tape, nn_node *note) {
    embedding_node *op = (embedding_node *)note;
    nn_real *table = op->y->grad ? nn_param_grad(tape, op->table) : NULL;
    for (size_t i = 0; table && i < op->count; i++)
        if (op->index[i] >= 0)
            tape->kernels->axpy(op->width, 1, op->y->grad + i * op->width,
                                table + (size_t)op->index[i] * op->width);
}

nn_tensor *nn_embedding(nn_tape *tape, int table, const int32_t *index, nn_shape shape) {
    if (nn_bad_param(tape, table))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "embedding: no table");
    nn_shape ts = nn_param_of(tape, table)->shape;
    if (ts.rank != 2 || shape.rank >= NN_MAX_RANK)
        return nn_fail_shapes(tape, "embedding", "table [rows, d]", ts, "index", shape);
    size_t count = nn_shape_count(shape), d = ts.d[1];
    shape.d[shape.rank++] = d;
    nn_tensor *y = nn_new(tape, shape);
    int32_t *copy = copy_index(tape, "embedding", index, count, ts.d[0]);
    if (!y || !copy) return NULL;
    const nn_real *rows = nn_param_value(tape->params, table);
    for (size_t i = 0; i < count; i++) {
        if (copy[i] < 0)
            memset(y->data + i * d, 0, d * sizeof(nn_real));
        else
            memcpy(y->data + i * d, rows + (size_t)copy[i] * d, d * sizeof(nn_real));
    }
    embedding_node *op = nn_note(tape, sizeof *op, embedding_backward);
    if (op)
        *op = (embedding_node){
            .node = op->node, .y = y, .table = table, .count = count, .width = d, .index = copy};
    return y;
}

static void bag_backward(nn_tape *tape, nn_node *note) {
    embedding_node *op = (embedding_node *)note;
    nn_real *table = op->y->grad ? nn_param_grad(tape, op->table) : NULL;
    for (size_t b = 0; table && b < op->count; b++)
        for (size_t i = op->start[b]; i < op->start[b + 1]; i++)
            if (op->index[i - op->start[0]] >= 0)
                tape->kernels->axpy(op->width, op->weight[i - op->start[0]],
                                    op->y->grad + b * op->width,
                                    table + (size_t)op->index[i - op->start[0]] * op->width);
}

nn_tensor *nn_embedding_bag(nn_tape *tape, int table, const int32_t *index, const size_t *start,
                            const nn_real *weight, size_t bags) {
    if (nn_bad_param(tape, table))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "embedding_bag: no table");
    nn_shape ts = nn_param_of(tape, table)->shape;
    if (ts.rank != 2 || bags == 0)
        return nn_fail_shapes(tape, "embedding_bag", "table [rows, d]", ts, "bags", NN_SHAPE(bags));
    size_t d = ts.d[1], units = start[bags] - start[0];
    nn_tensor *y = nn_new(tape, NN_SHAPE(bags, d));
    int32_t *copy = copy_index(tape, "embedding_bag", index + start[0], units, ts.d[0]);
    size_t *starts = nn_tape_bytes_alloc(tape, (bags + 1) * sizeof *starts);
    nn_real *weights = nn_tape_alloc(tape, BASE_MAX(units, (size_t)1));
    if (!y || !copy || !starts || !weights) return NULL;
    memcpy(starts, start, (bags + 1) * sizeof *starts);
    memset(y->data, 0, y->count * sizeof(nn_real));
    const nn_real *rows = nn_param_value(tape->params, table);
    for (size_t b = 0; b < bags; b++)
        for (size_t i = start[b]; i < start[b + 1]; i++) {
            size_t at = i - start[0];
            weights[at] = weight ? weight[i] : 1 / (nn_real)(start[b + 1] - start[b]);
            if (copy[at] >= 0)
                tape->kernels->axpy(d, weights[at], rows + (size_t)copy[at] * d, y->data + b * d);
        }
    embedding_node *op = nn_note(tape, sizeof *op, bag_backward);
    if (op)
        *op = (embedding_node){.node = op->node,
                               .y = y,
                               .table = table,
                               .count = bags,
                               .width = d,
                               .index = copy,
                               .start = starts,
                               .weight = weights};
    return y;
}

/* ---- conv1d: a 2-d convolution of height 1 ---- */

nn_tensor *nn_conv1d(nn_tape *tape, nn_tensor *x, int w, int b, size_t stride, size_t pad) {
    if (!x) return NULL;
    if (nn_bad_param(tape, w))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "conv1d: no such weight");
    nn_shape s = x->shape, ws = nn_param_of(tape, w)->shape;
    if (s.rank != 3 || ws.rank != 3 || s.d[2] != ws.d[1])
        return nn_fail_shapes(tape, "conv1d", "x [n, t, ci]", s, "weight [k, ci, co]", ws);
    nn_tensor *y = nn_conv_rows(tape, x, w, b, stride, pad);
    return y ? nn_reshape(tape, y, NN_SHAPE(y->shape.d[0], y->shape.d[2], y->shape.d[3])) : NULL;
}

/* ---- GRU (Cho et al. 2014, in cuDNN's form) ----
 * r = s(x Wr + br + h Ur + cr), u = s(x Wu + bu + h Uu + cu), c = tanh(x Wc + bc + r (h Uc + cc)),
 * h' = (1 - u) c + u h */

typedef struct gru_node {
    nn_node node;
    nn_tensor *x, *y;
    int w_in, w_h, b_in, b_h;
    size_t n, t, c, h;
    size_t *length;
    bool reverse;
    nn_real *gates; /* [t][n][4h]: r, u, c, and h Uc + cc */
} gru_node;

static void gru_step(nn_tape *tape, const gru_node *op, size_t s, const nn_real *in,
                     const nn_real *state_part, nn_real *state, nn_real *gates) {
    size_t h = op->h;
    for (size_t i = 0; i < op->n; i++) {
        size_t time = nn_walk_time(op->length[i], op->reverse, s);
        nn_real *g = gates + (s * op->n + i) * 4 * h, *hidden = state + i * h;
        if (time == SIZE_MAX) {
            memset(g, 0, 4 * h * sizeof *g);
            continue;
        }
        const nn_real *a = in + (i * op->t + time) * 3 * h, *b = state_part + i * 3 * h;
        for (size_t k = 0; k < 2 * h; k++) g[k] = a[k] + b[k];
        tape->kernels->sigmoid(2 * h, g, g);
        memcpy(g + 3 * h, b + 2 * h, h * sizeof *g);
        for (size_t k = 0; k < h; k++) g[2 * h + k] = a[2 * h + k] + g[k] * g[3 * h + k];
        tape->kernels->tanh(h, g + 2 * h, g + 2 * h);
        for (size_t k = 0; k < h; k++)
            hidden[k] = (1 - g[h + k]) * g[2 * h + k] + g[h + k] * hidden[k];
        memcpy(op->y->data + (i * op->t + time) * h, hidden, h * sizeof *hidden);
    }
}

static void gru_backward(nn_tape *tape, nn_node *note) {
    gru_node *op = (gru_node *)note;
    const nn_real *dy = op->y->grad;
    if (!dy) return;
    size_t n = op->n, h = op->h, rows = n * op->t;
    bool add;
    nn_real *dx = nn_grad_into(tape, op->x, &add);
    nn_mark mark = nn_tape_mark(tape);
    nn_real *din = nn_tape_alloc(tape, rows * 3 * h); /* of x W + b */
    nn_real *dpart = nn_tape_alloc(tape, n * 3 * h);  /* of h U + c */
    nn_real *dstate = nn_tape_alloc(tape, n * h), *before = nn_tape_alloc(tape, n * h);
    nn_real *packed = nn_tape_alloc(tape, nn_packed_size(3 * h, BASE_MAX(h, op->c)));
    nn_real *scratch = nn_tape_alloc(tape, nn_transposed_scratch(3 * h));
    if (!din || !dpart || !dstate || !before || !packed || !scratch) return;
    memset(din, 0, rows * 3 * h * sizeof *din);
    memset(dstate, 0, n * h * sizeof *dstate);
    nn_real *dw_h = nn_param_grad(tape, op->w_h), *db_h = nn_param_grad(tape, op->b_h);
    nn_pack(nn_param_value(tape->params, op->w_h), 3 * h, h, 3 * h, true, packed);
    for (size_t s = op->t; s-- > 0;) {
        memset(dpart, 0, n * 3 * h * sizeof *dpart);
        memset(before, 0, n * h * sizeof *before);
        for (size_t i = 0; i < n; i++) {
            size_t time = nn_walk_time(op->length[i], op->reverse, s);
            if (time == SIZE_MAX) continue;
            const nn_real *g = op->gates + (s * n + i) * 4 * h;
            nn_real *d = dstate + i * h, *a = din + (i * op->t + time) * 3 * h;
            nn_real *p = dpart + i * 3 * h, *old = before + i * h;
            if (s > 0)
                memcpy(old,
                       op->y->data +
                           (i * op->t + nn_walk_time(op->length[i], op->reverse, s - 1)) * h,
                       h * sizeof *old);
            tape->kernels->axpy(h, 1, dy + (i * op->t + time) * h, d);
            for (size_t k = 0; k < h; k++) {
                nn_real r = g[k], u = g[h + k], c = g[2 * h + k], part = g[3 * h + k];
                nn_real dc = d[k] * (1 - u) * (1 - c * c);
                nn_real du = d[k] * (old[k] - c) * u * (1 - u);
                nn_real dr = dc * part * r * (1 - r);
                a[k] = p[k] = dr;
                a[h + k] = p[h + k] = du;
                a[2 * h + k] = dc;
                p[2 * h + k] = dc * r;
                d[k] *= u;
            }
        }
        if (dw_h)
            nn_multiply_transposed(n, h, 3 * h, before, h, dpart, 3 * h, dw_h, 3 * h, scratch);
        if (db_h)
            for (size_t i = 0; i < n; i++) tape->kernels->axpy(3 * h, 1, dpart + i * 3 * h, db_h);
        nn_multiply(n, h, 3 * h, dpart, 3 * h, packed, dstate, h, true);
    }
    nn_real *dw = nn_param_grad(tape, op->w_in), *db = nn_param_grad(tape, op->b_in);
    if (db)
        for (size_t r = 0; r < rows; r++) tape->kernels->axpy(3 * h, 1, din + r * 3 * h, db);
    if (dw)
        nn_multiply_transposed(rows, op->c, 3 * h, op->x->data, op->c, din, 3 * h, dw, 3 * h,
                               scratch);
    if (dx) {
        nn_pack(nn_param_value(tape->params, op->w_in), 3 * h, op->c, 3 * h, true, packed);
        nn_multiply(rows, op->c, 3 * h, din, 3 * h, packed, dx, op->c, add);
    }
    nn_tape_release(tape, mark);
}

nn_tensor *nn_gru(nn_tape *tape, nn_tensor *x, int w_in, int w_h, int b_in, int b_h,
                  const size_t *length, bool reverse) {
    if (!x) return NULL;
    if (nn_bad_param(tape, w_in) || nn_bad_param(tape, w_h) || nn_bad_param(tape, b_in) ||
        nn_bad_param(tape, b_h))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "gru: no such parameter");
    nn_shape s = x->shape, wi = nn_param_of(tape, w_in)->shape, wh = nn_param_of(tape, w_h)->shape;
    if (s.rank != 3 || wi.rank != 2 || s.d[2] != wi.d[0] || wi.d[1] % 3)
        return nn_fail_shapes(tape, "gru", "x [n, t, c]", s, "w_in [c, 3h]", wi);
    size_t n = s.d[0], t = s.d[1], c = s.d[2], h = wi.d[1] / 3;
    if (!nn_shape_equal(wh, NN_SHAPE(h, 3 * h)))
        return nn_fail_shapes(tape, "gru", "w_in [c, 3h]", wi, "w_h [h, 3h]", wh);
    if (nn_param_of(tape, b_in)->count != 3 * h || nn_param_of(tape, b_h)->count != 3 * h)
        return nn_fail_shapes(tape, "gru", "w_in [c, 3h]", wi, "bias [3h]",
                              nn_param_of(tape, b_in)->shape);
    gru_node local = {.x = x,
                      .w_in = w_in,
                      .w_h = w_h,
                      .b_in = b_in,
                      .b_h = b_h,
                      .n = n,
                      .t = t,
                      .c = c,
                      .h = h,
                      .reverse = reverse};
    local.y = nn_new(tape, NN_SHAPE(n, t, h));
    local.length = nn_copy_lengths(tape, length, n, t);
    local.gates = nn_tape_alloc(tape, t * n * 4 * h);
    if (!local.y || !local.length || !local.gates) return NULL;
    memset(local.y->data, 0, local.y->count * sizeof(nn_real));
    nn_mark mark = nn_tape_mark(tape);
    bool fresh_in, fresh_h;
    nn_real *packed_in = nn_tape_packed(tape, w_in, 1, nn_packed_size(c, 3 * h), &fresh_in);
    nn_real *packed_h = nn_tape_packed(tape, w_h, 1, nn_packed_size(h, 3 * h), &fresh_h);
    nn_real *in = nn_tape_alloc(tape, n * t * 3 * h), *part = nn_tape_alloc(tape, n * 3 * h);
    nn_real *state = nn_tape_alloc(tape, n * h);
    if (!packed_in || !packed_h || !in || !part || !state) return NULL;
    if (fresh_in) nn_pack(nn_param_value(tape->params, w_in), c, 3 * h, 3 * h, false, packed_in);
    if (fresh_h) nn_pack(nn_param_value(tape->params, w_h), h, 3 * h, 3 * h, false, packed_h);
    for (size_t r = 0; r < n * t; r++)
        memcpy(in + r * 3 * h, nn_param_value(tape->params, b_in), 3 * h * sizeof *in);
    nn_multiply(n * t, 3 * h, c, x->data, c, packed_in, in, 3 * h, true);
    memset(state, 0, n * h * sizeof *state);
    for (size_t step = 0; step < t; step++) {
        for (size_t i = 0; i < n; i++)
            memcpy(part + i * 3 * h, nn_param_value(tape->params, b_h), 3 * h * sizeof *part);
        nn_multiply(n, 3 * h, h, state, h, packed_h, part, 3 * h, true);
        gru_step(tape, &local, step, in, part, state, local.gates);
    }
    nn_tape_release(tape, mark);
    gru_node *op = nn_note(tape, sizeof *op, gru_backward);
    if (op) {
        local.node = op->node;
        *op = local;
    }
    return tape->status == AFFECT_OK ? local.y : NULL;
}
