/* LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000):
 * i, f, o = s(x W + h U + b), g = tanh(x W + h U + b), c' = f c + i g, h' = o tanh(c'). */
#include "nn/tape.h"

typedef struct lstm_node {
    nn_node node;
    nn_tensor *x, *y;
    int w_in, w_h, bias;
    size_t n, t, c, h;
    size_t *length;
    bool reverse;
    nn_real *gates; /* [t][n][6h]: i, f, o, g, tanh c', c before */
} lstm_node;

static void lstm_step(nn_tape *tape, const lstm_node *op, size_t s, const nn_real *in,
                      const nn_real *part, nn_real *state, nn_real *cell) {
    size_t h = op->h;
    for (size_t i = 0; i < op->n; i++) {
        size_t time = nn_walk_time(op->length[i], op->reverse, s);
        if (time == SIZE_MAX) continue;
        nn_real *g = op->gates + (s * op->n + i) * 6 * h;
        const nn_real *a = in + (i * op->t + time) * 4 * h, *b = part + i * 4 * h;
        for (size_t k = 0; k < 4 * h; k++) g[k] = a[k] + b[k];
        tape->kernels->sigmoid(3 * h, g, g);
        tape->kernels->tanh(h, g + 3 * h, g + 3 * h);
        for (size_t k = 0; k < h; k++) {
            g[5 * h + k] = cell[i * h + k];
            cell[i * h + k] = g[h + k] * cell[i * h + k] + g[k] * g[3 * h + k];
        }
        tape->kernels->tanh(h, cell + i * h, g + 4 * h);
        for (size_t k = 0; k < h; k++) state[i * h + k] = g[2 * h + k] * g[4 * h + k];
        memcpy(op->y->data + (i * op->t + time) * h, state + i * h, h * sizeof *state);
    }
}

static void lstm_backward(nn_tape *tape, nn_node *note) {
    lstm_node *op = (lstm_node *)note;
    const nn_real *dy = op->y->grad;
    if (!dy) return;
    size_t n = op->n, h = op->h, rows = n * op->t;
    bool add;
    nn_real *dx = nn_grad_into(tape, op->x, &add);
    nn_mark mark = nn_tape_mark(tape);
    nn_real *din = nn_tape_alloc(tape, rows * 4 * h);
    nn_real *dpart = nn_tape_alloc(tape, n * 4 * h);
    nn_real *dstate = nn_tape_alloc(tape, n * h), *dcell = nn_tape_alloc(tape, n * h);
    nn_real *before = nn_tape_alloc(tape, n * h);
    nn_real *packed = nn_tape_alloc(tape, nn_packed_size(4 * h, BASE_MAX(h, op->c)));
    nn_real *scratch = nn_tape_alloc(tape, nn_transposed_scratch(4 * h));
    if (!din || !dpart || !dstate || !dcell || !before || !packed || !scratch) return;
    memset(din, 0, rows * 4 * h * sizeof *din);
    memset(dstate, 0, n * h * sizeof *dstate);
    memset(dcell, 0, n * h * sizeof *dcell);
    nn_real *dw_h = nn_param_grad(tape, op->w_h), *db = nn_param_grad(tape, op->bias);
    nn_pack(nn_param_value(tape->params, op->w_h), 4 * h, h, 4 * h, true, packed);
    for (size_t s = op->t; s-- > 0;) {
        memset(dpart, 0, n * 4 * h * sizeof *dpart);
        memset(before, 0, n * h * sizeof *before);
        for (size_t i = 0; i < n; i++) {
            size_t time = nn_walk_time(op->length[i], op->reverse, s);
            if (time == SIZE_MAX) continue;
            const nn_real *g = op->gates + (s * n + i) * 6 * h;
            nn_real *ds = dstate + i * h, *dc = dcell + i * h, *p = dpart + i * 4 * h;
            if (s > 0)
                memcpy(before + i * h,
                       op->y->data +
                           (i * op->t + nn_walk_time(op->length[i], op->reverse, s - 1)) * h,
                       h * sizeof *before);
            tape->kernels->axpy(h, 1, dy + (i * op->t + time) * h, ds);
            for (size_t k = 0; k < h; k++) {
                nn_real in = g[k], forget = g[h + k], out = g[2 * h + k], new = g[3 * h + k],
                        tanh_c = g[4 * h + k];
                nn_real d = dc[k] + ds[k] * out * (1 - tanh_c * tanh_c);
                p[k] = d * new *in *(1 - in);
                p[h + k] = d * g[5 * h + k] * forget * (1 - forget);
                p[2 * h + k] = ds[k] * tanh_c * out * (1 - out);
                p[3 * h + k] = d * in * (1 - new *new);
                dc[k] = d * forget;
                ds[k] = 0;
            }
            memcpy(din + (i * op->t + time) * 4 * h, p, 4 * h * sizeof *p);
        }
        if (dw_h)
            nn_multiply_transposed(n, h, 4 * h, before, h, dpart, 4 * h, dw_h, 4 * h, scratch);
        nn_multiply(n, h, 4 * h, dpart, 4 * h, packed, dstate, h, true);
    }
    nn_real *dw = nn_param_grad(tape, op->w_in);
    if (db)
        for (size_t r = 0; r < rows; r++) tape->kernels->axpy(4 * h, 1, din + r * 4 * h, db);
    if (dw)
        nn_multiply_transposed(rows, op->c, 4 * h, op->x->data, op->c, din, 4 * h, dw, 4 * h,
                               scratch);
    if (dx) {
        nn_pack(nn_param_value(tape->params, op->w_in), 4 * h, op->c, 4 * h, true, packed);
        nn_multiply(rows, op->c, 4 * h, din, 4 * h, packed, dx, op->c, add);
    }
    nn_tape_release(tape, mark);
}

nn_tensor *nn_lstm(nn_tape *tape, nn_tensor *x, int w_in, int w_h, int bias, const size_t *length,
                   bool reverse) {
    if (!x) return NULL;
    if (nn_bad_param(tape, w_in) || nn_bad_param(tape, w_h) || nn_bad_param(tape, bias))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "lstm: no such parameter");
    nn_shape s = x->shape, wi = nn_param_of(tape, w_in)->shape, wh = nn_param_of(tape, w_h)->shape;
    if (s.rank != 3 || wi.rank != 2 || s.d[2] != wi.d[0] || wi.d[1] % 4)
        return nn_fail_shapes(tape, "lstm", "x [n, t, c]", s, "w_in [c, 4h]", wi);
    size_t n = s.d[0], t = s.d[1], c = s.d[2], h = wi.d[1] / 4;
    if (!nn_shape_equal(wh, NN_SHAPE(h, 4 * h)) || nn_param_of(tape, bias)->count != 4 * h)
        return nn_fail_shapes(tape, "lstm", "w_in [c, 4h]", wi, "w_h [h, 4h]", wh);
    lstm_node local = {.x = x, .w_in = w_in, .w_h = w_h, .bias = bias, .n = n, .t = t, .c = c};
    local.h = h;
    local.reverse = reverse;
    local.y = nn_new(tape, NN_SHAPE(n, t, h));
    local.length = nn_copy_lengths(tape, length, n, t);
    local.gates = nn_tape_alloc(tape, t * n * 6 * h);
    if (!local.y || !local.length || !local.gates) return NULL;
    memset(local.y->data, 0, local.y->count * sizeof(nn_real));
    nn_mark mark = nn_tape_mark(tape);
    bool fresh_in, fresh_h;
    nn_real *packed_in = nn_tape_packed(tape, w_in, 1, nn_packed_size(c, 4 * h), &fresh_in);
    nn_real *packed_h = nn_tape_packed(tape, w_h, 1, nn_packed_size(h, 4 * h), &fresh_h);
    nn_real *in = nn_tape_alloc(tape, n * t * 4 * h), *part = nn_tape_alloc(tape, n * 4 * h);
    nn_real *state = nn_tape_alloc(tape, 2 * n * h);
    if (!packed_in || !packed_h || !in || !part || !state) return NULL;
    if (fresh_in) nn_pack(nn_param_value(tape->params, w_in), c, 4 * h, 4 * h, false, packed_in);
    if (fresh_h) nn_pack(nn_param_value(tape->params, w_h), h, 4 * h, 4 * h, false, packed_h);
    for (size_t r = 0; r < n * t; r++)
        memcpy(in + r * 4 * h, nn_param_value(tape->params, bias), 4 * h * sizeof *in);
    nn_multiply(n * t, 4 * h, c, x->data, c, packed_in, in, 4 * h, true);
    memset(state, 0, 2 * n * h * sizeof *state);
    for (size_t step = 0; step < t; step++) {
        memset(part, 0, n * 4 * h * sizeof *part);
        nn_multiply(n, 4 * h, h, state, h, packed_h, part, 4 * h, true);
        lstm_step(tape, &local, step, in, part, state, state + n * h);
    }
    nn_tape_release(tape, mark);
    lstm_node *op = nn_note(tape, sizeof *op, lstm_backward);
    if (op) {
        local.node = op->node;
        *op = local;
    }
    return tape->status == AFFECT_OK ? local.y : NULL;
}
