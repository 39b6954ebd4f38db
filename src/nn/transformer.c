/* Rotary positions, gated units, parts that are computed twice: see transformer.h. */
#include "nn/transformer.h"

#include "nn/tape.h"

/* ---- rotary positions ---- */

typedef struct rotary_node {
    nn_node node;
    nn_tensor *x, *y;
    nn_rotary rotary;
} rotary_node;

/* One head of one step; `sign` -1 turns back. */
static void turn_head(const nn_rotary *r, const nn_real *turn, nn_real sign, nn_real *x) {
    size_t half = r->rotated / 2, step = r->halves ? 1 : 2, other = r->halves ? half : 1;
    for (size_t i = 0; i < half; i++) {
        nn_real a = x[i * step], b = x[i * step + other];
        nn_real cosine = turn[2 * i], sine = sign * turn[2 * i + 1];
        x[i * step] = a * cosine - b * sine;
        x[i * step + other] = a * sine + b * cosine;
    }
}

static void turn_all(const nn_rotary *r, nn_shape shape, nn_real sign, nn_real *x) {
    for (size_t n = 0; n < shape.d[0]; n++)
        for (size_t t = 0; t < shape.d[1]; t++)
            for (size_t h = 0; h < r->heads; h++, x += r->width)
                turn_head(r, r->turn + t * r->rotated, sign, x);
}

static void rotate_backward(nn_tape *tape, nn_node *node) {
    rotary_node *op = (rotary_node *)node;
    if (!op->y->grad) return;
    turn_all(&op->rotary, op->y->shape, -1, op->y->grad); /* of which nobody else knows */
    if (nn_grad_take(op->x, op->y)) return;
    nn_real *dx = nn_grad_zeroed(tape, op->x);
    if (dx) tape->kernels->axpy(op->x->count, 1, op->y->grad, dx);
}

nn_tensor *nn_rotate(nn_tape *tape, nn_tensor *x, const nn_rotary *r) {
    if (!x) return NULL;
    if (x->shape.rank != 3 || x->shape.d[2] != r->heads * r->width || r->rotated > r->width ||
        r->rotated % 2)
        return nn_fail_shapes(tape, "rotate", "x [n, t, heads * width]", x->shape,
                              "heads, width, rotated", NN_SHAPE(r->heads, r->width, r->rotated));
    nn_tensor *y = nn_new(tape, x->shape);
    if (!y) return NULL;
    memcpy(y->data, x->data, x->count * sizeof *y->data);
    turn_all(r, x->shape, 1, y->data);
    rotary_node *op = nn_note(tape, sizeof *op, rotate_backward);
    if (op) {
        op->x = x;
        op->y = y;
        op->rotary = *r;
    }
    return y;
}

/* ---- gated units ---- */

typedef struct swiglu_node {
    nn_node node;
    nn_tensor *gate, *up, *y;
    nn_real *sigmoid;
} swiglu_node;

static void swiglu_backward(nn_tape *tape, nn_node *node) {
    swiglu_node *op = (swiglu_node *)node;
    const nn_real *dy = op->y->grad, *s = op->sigmoid, *g = op->gate->data, *u = op->up->data;
    if (!dy) return;
    nn_real *dg = nn_grad_zeroed(tape, op->gate);
    for (size_t i = 0; dg && i < op->y->count; i++)
        dg[i] += dy[i] * u[i] * s[i] * (1 + g[i] * (1 - s[i]));
    nn_real *du = nn_grad_zeroed(tape, op->up);
    for (size_t i = 0; du && i < op->y->count; i++) du[i] += dy[i] * g[i] * s[i];
}

nn_tensor *nn_swiglu(nn_tape *tape, nn_tensor *gate, nn_tensor *up) {
    if (!gate || !up) return NULL;
    if (!nn_shape_equal(gate->shape, up->shape))
        return nn_fail_shapes(tape, "swiglu", "gate", gate->shape, "up", up->shape);
    nn_tensor *y = nn_new(tape, gate->shape);
    nn_real *s = nn_tape_alloc(tape, gate->count);
    if (!y || !s) return NULL;
    tape->kernels->sigmoid(gate->count, gate->data, s);
    for (size_t i = 0; i < y->count; i++) y->data[i] = gate->data[i] * s[i] * up->data[i];
    swiglu_node *op = nn_note(tape, sizeof *op, swiglu_backward);
    if (op) {
        op->gate = gate;
        op->up = up;
        op->y = y;
        op->sigmoid = s;
    }
    return y;
}

/* ---- parts that are computed twice ---- */

typedef struct checkpoint_node {
    nn_node node;
    nn_tensor *x, *y;
    nn_part_fn build;
    void *user;
    size_t number;
    uint64_t seed;
} checkpoint_node;

/* The part on the inner tape, whose arena holds one of them. */
static nn_tensor *run_part(nn_tape *tape, const checkpoint_node *op, nn_real *grad, nn_tensor **x) {
    if (!tape->inner) {
        affect_status status = nn_tape_create(tape->ctx, tape->params, &tape->inner);
        if (status) return nn_fail(tape, status, "out of memory");
    }
    nn_tape_begin(tape->inner, tape->training, op->seed, grad);
    *x = op->x->constant ? nn_input(tape->inner, op->x->shape, op->x->data)
                         : nn_variable(tape->inner, op->x->shape, op->x->data);
    nn_tensor *y = op->build(op->user, op->number, tape->inner, *x);
    if (!y) tape->status = tape->inner->status ? tape->inner->status : AFFECT_ERROR_ARGUMENT;
    return y;
}

static void checkpoint_backward(nn_tape *tape, nn_node *node) {
    checkpoint_node *op = (checkpoint_node *)node;
    if (!op->y->grad) return;
    bool add;
    nn_real *dx = nn_grad_into(tape, op->x, &add);
    nn_tensor *x = NULL, *y = run_part(tape, op, tape->grad, &x);
    if (!y) return;
    y->grad = op->y->grad;
    nn_tape_walk(tape->inner);
    if (tape->inner->status) tape->status = tape->inner->status;
    if (!dx || tape->status) return;
    if (!x->grad) {
        if (!add) memset(dx, 0, op->x->count * sizeof *dx);
    } else if (add) {
        tape->kernels->axpy(op->x->count, 1, x->grad, dx);
    } else {
        memcpy(dx, x->grad, op->x->count * sizeof *dx);
    }
}

nn_tensor *nn_checkpoint(nn_tape *tape, nn_tensor *x, nn_part_fn build, void *user, size_t number) {
    if (!x) return NULL;
    checkpoint_node local = {.x = x, .build = build, .user = user, .number = number};
    local.seed = tape->training ? nn_draw(tape) : 0;
    nn_tensor *inside = NULL, *result = run_part(tape, &local, NULL, &inside);
    if (!result) return NULL;
    nn_tensor *y = local.y = nn_new(tape, result->shape);
    if (!y) return NULL;
    memcpy(y->data, result->data, y->count * sizeof *y->data);
    checkpoint_node *op = nn_note(tape, sizeof *op, checkpoint_backward);
    if (op) {
        local.node = op->node;
        *op = local;
    }
    return y;
}
