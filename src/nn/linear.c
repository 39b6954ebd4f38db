/* Linear layer, and the 1-d convolution that is one over gathered rows. */
#include "nn/tape.h"

typedef struct linear_node {
    nn_node node;
    nn_tensor *x, *y;
    int w, b;
    size_t rows, in, out;
} linear_node;

static void linear_backward(nn_tape *tape, nn_node *note) {
    linear_node *op = (linear_node *)note;
    const nn_real *dy = op->y->grad;
    if (!dy) return;
    bool add;
    nn_real *dx = nn_grad_into(tape, op->x, &add), *dw = nn_param_grad(tape, op->w);
    nn_real *db = op->b >= 0 ? nn_param_grad(tape, op->b) : NULL;
    if (db)
        for (size_t r = 0; r < op->rows; r++) tape->kernels->axpy(op->out, 1, dy + r * op->out, db);
    nn_mark mark = nn_tape_mark(tape);
    if (dw) {
        nn_real *scratch = nn_tape_alloc(tape, nn_transposed_scratch(op->out));
        if (!scratch) return;
        nn_multiply_transposed(op->rows, op->in, op->out, op->x->data, op->in, dy, op->out, dw,
                               op->out, scratch);
    }
    if (dx) {
        nn_real *packed = nn_tape_alloc(tape, nn_packed_size(op->out, op->in));
        if (!packed) return;
        nn_pack(nn_param_value(tape->params, op->w), op->out, op->in, op->out, true, packed);
        nn_multiply(op->rows, op->in, op->out, dy, op->out, packed, dx, op->in, add);
    }
    nn_tape_release(tape, mark);
}

nn_tensor *nn_linear(nn_tape *tape, nn_tensor *x, int w, int b) {
    if (!x) return NULL;
    if (nn_bad_param(tape, w))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "linear: no such weight");
    nn_shape s = x->shape, ws = nn_param_of(tape, w)->shape;
    if (s.rank < 1 || ws.rank != 2 || s.d[s.rank - 1] != ws.d[0])
        return nn_fail_shapes(tape, "linear", "x [..., in]", s, "weight [in, out]", ws);
    if (b >= 0 && nn_param_of(tape, b)->count != ws.d[1])
        return nn_fail_shapes(tape, "linear", "bias [out]", nn_param_of(tape, b)->shape,
                              "weight [in, out]", ws);
    size_t in = ws.d[0], out = ws.d[1], rows = x->count / in;
    nn_shape shape = s;
    shape.d[s.rank - 1] = out;
    nn_tensor *y = nn_new(tape, shape);
    if (!y) return NULL;
    nn_mark mark = nn_tape_mark(tape);
    bool fresh;
    nn_real *packed = nn_tape_packed(tape, w, 1, nn_packed_size(in, out), &fresh);
    if (!packed) return NULL;
    if (fresh) nn_pack(nn_param_value(tape->params, w), in, out, out, false, packed);
    if (b >= 0)
        for (size_t r = 0; r < rows; r++)
            memcpy(y->data + r * out, nn_param_value(tape->params, b), out * sizeof(nn_real));
    nn_multiply(rows, out, in, x->data, in, packed, y->data, out, b >= 0);
    nn_tape_release(tape, mark);
    linear_node *op = nn_note(tape, sizeof *op, linear_backward);
    if (op) {
        op->x = x;
        op->y = y;
        op->w = w;
        op->b = b;
        op->rows = rows;
        op->in = in;
        op->out = out;
    }
    return y;
}
