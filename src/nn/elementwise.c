/* Operations on single elements, and those that only move data. */
#include "nn/tape.h"

typedef struct pair_node {
    nn_node node;
    nn_tensor *a, *b, *y;
    double number;
    uint64_t seed;
    size_t from;
} pair_node;

static pair_node *note_pair(nn_tape *tape, nn_tensor *a, nn_tensor *b, nn_tensor *y,
                            void (*backward)(nn_tape *, nn_node *)) {
    pair_node *op = nn_note(tape, sizeof *op, backward);
    if (op) {
        op->a = a;
        op->b = b;
        op->y = y;
    }
    return op;
}

/* ---- add, mul, scale ---- */

static void flow(nn_tape *tape, nn_tensor *x, const nn_real *dy) {
    bool add;
    nn_real *dx = nn_grad_into(tape, x, &add);
    if (!dx) return;
    if (add)
        tape->kernels->axpy(x->count, 1, dy, dx);
    else
        memcpy(dx, dy, x->count * sizeof *dx);
}

static void add_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    if (!op->y->grad) return;
    flow(tape, op->b, op->y->grad);
    if (!nn_grad_take(op->a, op->y)) flow(tape, op->a, op->y->grad);
}

nn_tensor *nn_add(nn_tape *tape, nn_tensor *a, nn_tensor *b) {
    if (!a || !b) return NULL;
    if (!nn_shape_equal(a->shape, b->shape))
        return nn_fail_shapes(tape, "add", "a", a->shape, "b", b->shape);
    nn_tensor *y = nn_new(tape, a->shape);
    if (!y) return NULL;
    for (size_t i = 0; i < y->count; i++) y->data[i] = a->data[i] + b->data[i];
    note_pair(tape, a, b, y, add_backward);
    return y;
}

static void mul_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    const nn_real *dy = op->y->grad;
    if (!dy) return;
    nn_real *da = nn_grad_zeroed(tape, op->a);
    if (da)
        for (size_t i = 0; i < op->y->count; i++) da[i] += dy[i] * op->b->data[i];
    nn_real *db = nn_grad_zeroed(tape, op->b);
    if (db)
        for (size_t i = 0; i < op->y->count; i++) db[i] += dy[i] * op->a->data[i];
}

nn_tensor *nn_mul(nn_tape *tape, nn_tensor *a, nn_tensor *b) {
    if (!a || !b) return NULL;
    if (!nn_shape_equal(a->shape, b->shape))
        return nn_fail_shapes(tape, "mul", "a", a->shape, "b", b->shape);
    nn_tensor *y = nn_new(tape, a->shape);
    if (!y) return NULL;
    for (size_t i = 0; i < y->count; i++) y->data[i] = a->data[i] * b->data[i];
    note_pair(tape, a, b, y, mul_backward);
    return y;
}

static void scale_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    if (!op->y->grad) return;
    nn_real *dx = nn_grad_zeroed(tape, op->a);
    if (dx) tape->kernels->axpy(op->y->count, (nn_real)op->number, op->y->grad, dx);
}

nn_tensor *nn_scale(nn_tape *tape, nn_tensor *x, double factor) {
    nn_tensor *y = x ? nn_new(tape, x->shape) : NULL;
    if (!y) return NULL;
    for (size_t i = 0; i < y->count; i++) y->data[i] = (nn_real)factor * x->data[i];
    pair_node *op = note_pair(tape, x, NULL, y, scale_backward);
    if (op) op->number = factor;
    return y;
}

static void sum_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    if (!op->y->grad) return;
    nn_real *dx = nn_grad_zeroed(tape, op->a);
    if (dx)
        for (size_t i = 0; i < op->a->count; i++) dx[i] += *op->y->grad;
}

nn_tensor *nn_sum(nn_tape *tape, nn_tensor *x) {
    nn_tensor *y = x ? nn_new(tape, NN_SHAPE(1)) : NULL;
    if (!y) return NULL;
    double sum = 0;
    for (size_t i = 0; i < x->count; i++) sum += x->data[i];
    *y->data = (nn_real)sum;
    note_pair(tape, x, NULL, y, sum_backward);
    return y;
}

/* ---- activations ---- */

static void relu_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    nn_real *dy = op->y->grad;
    if (!dy) return;
    const nn_real *y = op->y->data;
    if (nn_grad_take(op->a, op->y)) {
        for (size_t i = 0; i < op->y->count; i++) dy[i] = y[i] > 0 ? dy[i] : 0;
        return;
    }
    nn_real *dx = nn_grad_zeroed(tape, op->a);
    if (dx)
        for (size_t i = 0; i < op->y->count; i++) dx[i] += y[i] > 0 ? dy[i] : 0;
}

nn_tensor *nn_relu(nn_tape *tape, nn_tensor *x) {
    nn_tensor *y = x ? nn_new(tape, x->shape) : NULL;
    if (!y) return NULL;
    for (size_t i = 0; i < y->count; i++) y->data[i] = x->data[i] > 0 ? x->data[i] : 0;
    note_pair(tape, x, NULL, y, relu_backward);
    return y;
}

static void gelu_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->a) : NULL;
    if (dx) tape->kernels->gelu_backward(op->y->count, op->a->data, op->y->grad, dx);
}

nn_tensor *nn_gelu(nn_tape *tape, nn_tensor *x) {
    nn_tensor *y = x ? nn_new(tape, x->shape) : NULL;
    if (!y) return NULL;
    tape->kernels->gelu(y->count, x->data, y->data);
    note_pair(tape, x, NULL, y, gelu_backward);
    return y;
}

static void tanh_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->a) : NULL;
    if (!dx) return;
    const nn_real *y = op->y->data, *dy = op->y->grad;
    for (size_t i = 0; i < op->y->count; i++) dx[i] += dy[i] * (1 - y[i] * y[i]);
}

nn_tensor *nn_tanh(nn_tape *tape, nn_tensor *x) {
    nn_tensor *y = x ? nn_new(tape, x->shape) : NULL;
    if (!y) return NULL;
    tape->kernels->tanh(y->count, x->data, y->data);
    note_pair(tape, x, NULL, y, tanh_backward);
    return y;
}

static void sigmoid_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->a) : NULL;
    if (!dx) return;
    const nn_real *y = op->y->data, *dy = op->y->grad;
    for (size_t i = 0; i < op->y->count; i++) dx[i] += dy[i] * y[i] * (1 - y[i]);
}

nn_tensor *nn_sigmoid(nn_tape *tape, nn_tensor *x) {
    nn_tensor *y = x ? nn_new(tape, x->shape) : NULL;
    if (!y) return NULL;
    tape->kernels->sigmoid(y->count, x->data, y->data);
    note_pair(tape, x, NULL, y, sigmoid_backward);
    return y;
}

/* Softmax of one row, in place on y; stable for any finite input. */
static void softmax_row(const nn_kernels *kernels, size_t n, const nn_real *x, nn_real *y) {
    nn_real top = x[0], sum = 0;
    for (size_t i = 1; i < n; i++) top = BASE_MAX(top, x[i]);
    for (size_t i = 0; i < n; i++) y[i] = x[i] - top;
    kernels->exponential(n, y, y);
    for (size_t i = 0; i < n; i++) sum += y[i];
    for (size_t i = 0; i < n; i++) y[i] /= sum;
}

static void softmax_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->a) : NULL;
    if (!dx) return;
    size_t n = op->y->shape.d[op->y->shape.rank - 1];
    for (size_t at = 0; at < op->y->count; at += n) {
        const nn_real *y = op->y->data + at, *dy = op->y->grad + at;
        nn_real total = tape->kernels->dot(n, y, dy);
        for (size_t i = 0; i < n; i++) dx[at + i] += y[i] * (dy[i] - total);
    }
}

nn_tensor *nn_softmax(nn_tape *tape, nn_tensor *x) {
    nn_tensor *y = x ? nn_new(tape, x->shape) : NULL;
    if (!y) return NULL;
    size_t n = x->shape.d[x->shape.rank - 1];
    for (size_t at = 0; at < x->count; at += n)
        softmax_row(tape->kernels, n, x->data + at, y->data + at);
    note_pair(tape, x, NULL, y, softmax_backward);
    return y;
}

/* ---- dropout ---- */

static void dropout_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    if (!op->y->grad) return;
    if (nn_grad_take(op->a, op->y)) {
        tape->kernels->dropout(op->y->count, op->seed, (nn_real)op->number, false, op->y->grad,
                               op->y->grad);
        return;
    }
    bool add;
    nn_real *dx = nn_grad_into(tape, op->a, &add);
    if (dx)
        tape->kernels->dropout(op->y->count, op->seed, (nn_real)op->number, add, op->y->grad, dx);
}

nn_tensor *nn_dropout(nn_tape *tape, nn_tensor *x, double probability) {
    if (!x || !tape->training || !(probability > 0)) return x;
    if (probability >= 1)
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "dropout: probability %g, wanted below 1",
                       probability);
    nn_tensor *y = nn_new(tape, x->shape);
    if (!y) return NULL;
    uint64_t seed = nn_draw(tape);
    nn_real keep = (nn_real)(1 - probability);
    tape->kernels->dropout(y->count, seed, keep, false, x->data, y->data);
    pair_node *op = note_pair(tape, x, NULL, y, dropout_backward);
    if (op) {
        op->seed = seed;
        op->number = keep;
    }
    return y;
}

/* ---- moving data ---- */

static void reshape_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    if (op->y->grad && !nn_grad_take(op->a, op->y)) flow(tape, op->a, op->y->grad);
}

nn_tensor *nn_reshape(nn_tape *tape, nn_tensor *x, nn_shape shape) {
    if (!x) return NULL;
    if (nn_shape_count(shape) != x->count)
        return nn_fail_shapes(tape, "reshape", "x", x->shape, "the new shape", shape);
    nn_tensor *y = nn_tape_bytes_alloc(tape, sizeof *y);
    if (!y) return NULL;
    *y = (nn_tensor){.data = x->data, .shape = shape, .count = x->count, .constant = x->constant};
    note_pair(tape, x, NULL, y, reshape_backward);
    return y;
}

typedef struct concat_node {
    nn_node node;
    nn_tensor **x, *y;
    size_t count;
} concat_node;

static void concat_backward(nn_tape *tape, nn_node *note) {
    concat_node *op = (concat_node *)note;
    if (!op->y->grad) return;
    size_t width = op->y->shape.d[op->y->shape.rank - 1], rows = op->y->count / width, from = 0;
    for (size_t k = 0; k < op->count; k++) {
        size_t w = op->x[k]->shape.d[op->x[k]->shape.rank - 1];
        nn_real *dx = nn_grad_zeroed(tape, op->x[k]);
        for (size_t r = 0; dx && r < rows; r++)
            for (size_t i = 0; i < w; i++) dx[r * w + i] += op->y->grad[r * width + from + i];
        from += w;
    }
}

nn_tensor *nn_concat(nn_tape *tape, nn_tensor *const *x, size_t count) {
    if (count == 0) return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "concat: nothing given");
    size_t width = 0;
    for (size_t k = 0; k < count; k++) {
        if (!x[k]) return NULL;
        nn_shape a = x[0]->shape, b = x[k]->shape;
        width += b.d[b.rank - 1];
        if (a.rank == b.rank) a.d[a.rank - 1] = b.d[b.rank - 1];
        if (!nn_shape_equal(a, b))
            return nn_fail_shapes(tape, "concat", "first", x[0]->shape, "another", b);
    }
    nn_shape shape = x[0]->shape;
    shape.d[shape.rank - 1] = width;
    nn_tensor *y = nn_new(tape, shape);
    nn_tensor **copy = nn_tape_bytes_alloc(tape, count * sizeof(nn_tensor *));
    if (!y || !copy) return NULL;
    memcpy(copy, x, count * sizeof(nn_tensor *));
    size_t rows = y->count / width, from = 0;
    for (size_t k = 0; k < count; k++) {
        size_t w = x[k]->shape.d[shape.rank - 1];
        for (size_t r = 0; r < rows; r++)
            memcpy(y->data + r * width + from, x[k]->data + r * w, w * sizeof(nn_real));
        from += w;
    }
    concat_node *op = nn_note(tape, sizeof *op, concat_backward);
    if (op) {
        op->x = copy;
        op->y = y;
        op->count = count;
    }
    return y;
}

static void slice_backward(nn_tape *tape, nn_node *note) {
    pair_node *op = (pair_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->a) : NULL;
    if (!dx) return;
    size_t width = op->a->shape.d[op->a->shape.rank - 1], w = op->y->shape.d[op->y->shape.rank - 1];
    for (size_t r = 0; r < op->y->count / w; r++)
        for (size_t i = 0; i < w; i++) dx[r * width + op->from + i] += op->y->grad[r * w + i];
}

nn_tensor *nn_slice(nn_tape *tape, nn_tensor *x, size_t from, size_t count) {
    if (!x) return NULL;
    nn_shape shape = x->shape;
    size_t width = shape.d[shape.rank - 1];
    if (count == 0 || from + count > width)
        return nn_fail_shapes(tape, "slice", "x", x->shape, "the wanted columns (from, to)",
                              NN_SHAPE(from, from + count));
    shape.d[shape.rank - 1] = count;
    nn_tensor *y = nn_new(tape, shape);
    if (!y) return NULL;
    for (size_t r = 0; r < y->count / count; r++)
        memcpy(y->data + r * count, x->data + r * width + from, count * sizeof(nn_real));
    pair_node *op = note_pair(tape, x, NULL, y, slice_backward);
    if (op) op->from = from;
    return y;
}
