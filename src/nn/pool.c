/* Pooling over space and time. */
#include "nn/tape.h"

typedef struct pool_node {
    nn_node node;
    nn_tensor *x, *y, *scores;
    size_t ky, kx;
    uint32_t *argmax;
    const size_t *length;
    bool deviation;
    nn_real *weights;
} pool_node;

static pool_node *note_pool(nn_tape *tape, nn_tensor *x, nn_tensor *y,
                            void (*backward)(nn_tape *, nn_node *)) {
    pool_node *op = nn_note(tape, sizeof *op, backward);
    if (op) {
        op->x = x;
        op->y = y;
    }
    return op;
}

static void max_backward(nn_tape *tape, nn_node *note) {
    pool_node *op = (pool_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->x) : NULL;
    if (!dx) return;
    for (size_t i = 0; i < op->y->count; i++) dx[op->argmax[i]] += op->y->grad[i];
}

static void mean_backward(nn_tape *tape, nn_node *note) {
    pool_node *op = (pool_node *)note;
    bool add;
    nn_real *dx = op->y->grad ? nn_grad_into(tape, op->x, &add) : NULL;
    if (!dx) return;
    if (!add) memset(dx, 0, op->x->count * sizeof *dx);
    size_t h = op->x->shape.d[1], w = op->x->shape.d[2], c = op->x->shape.d[3];
    size_t ho = op->y->shape.d[1], wo = op->y->shape.d[2];
    nn_real share = 1 / (nn_real)(op->ky * op->kx);
    for (size_t n = 0; n < op->x->shape.d[0]; n++)
        for (size_t y = 0; y < ho * op->ky; y++)
            for (size_t x = 0; x < wo * op->kx; x++)
                tape->kernels->axpy(c, share,
                                    op->y->grad + ((n * ho + y / op->ky) * wo + x / op->kx) * c,
                                    dx + ((n * h + y) * w + x) * c);
}

static nn_tensor *pool(nn_tape *tape, nn_tensor *x, size_t ky, size_t kx, bool largest) {
    if (!x) return NULL;
    nn_shape s = x->shape;
    if (s.rank != 4 || ky == 0 || kx == 0 || s.d[1] < ky || s.d[2] < kx || x->count > UINT32_MAX)
        return nn_fail_shapes(tape, largest ? "max_pool2d" : "mean_pool2d", "x [n, h, w, c]", s,
                              "the window", NN_SHAPE(ky, kx));
    size_t h = s.d[1], w = s.d[2], c = s.d[3], ho = h / ky, wo = w / kx;
    nn_tensor *y = nn_new(tape, NN_SHAPE(s.d[0], ho, wo, c));
    pool_node *op = y ? note_pool(tape, x, y, largest ? max_backward : mean_backward) : NULL;
    uint32_t *argmax = largest && op ? nn_tape_bytes_alloc(tape, y->count * sizeof *argmax) : NULL;
    if (!y || tape->status != AFFECT_OK) return NULL;
    for (size_t n = 0; n < s.d[0]; n++)
        for (size_t oy = 0; oy < ho; oy++)
            for (size_t ox = 0; ox < wo; ox++) {
                size_t to = ((n * ho + oy) * wo + ox) * c;
                for (size_t i = 0; i < ky; i++)
                    for (size_t j = 0; j < kx; j++) {
                        size_t from = ((n * h + oy * ky + i) * w + ox * kx + j) * c;
                        const nn_real *in = x->data + from;
                        nn_real *out = y->data + to;
                        if (i + j == 0) {
                            memcpy(out, in, c * sizeof *out);
                            for (size_t k = 0; argmax && k < c; k++)
                                argmax[to + k] = (uint32_t)(from + k);
                        } else if (!largest) {
                            for (size_t k = 0; k < c; k++) out[k] += in[k];
                        } else {
                            for (size_t k = 0; k < c; k++)
                                if (in[k] > out[k]) {
                                    out[k] = in[k];
                                    if (argmax) argmax[to + k] = (uint32_t)(from + k);
                                }
                        }
                    }
                if (!largest)
                    for (size_t k = 0; k < c; k++) y->data[to + k] /= (nn_real)(ky * kx);
            }
    if (op) {
        op->ky = ky;
        op->kx = kx;
        op->argmax = argmax;
    }
    return y;
}

nn_tensor *nn_max_pool2d(nn_tape *tape, nn_tensor *x, size_t ky, size_t kx) {
    return pool(tape, x, ky, kx, true);
}

nn_tensor *nn_mean_pool2d(nn_tape *tape, nn_tensor *x, size_t ky, size_t kx) {
    return pool(tape, x, ky, kx, false);
}

/* ---- over time ---- */

/* A copy of the lengths (or all t) that lives as long as the pass; each at least 1 and at most t.
 */
size_t *nn_copy_lengths(nn_tape *tape, const size_t *length, size_t n, size_t t) {
    size_t *copy = nn_tape_bytes_alloc(tape, n * sizeof *copy);
    if (!copy) return NULL;
    for (size_t i = 0; i < n; i++) {
        copy[i] = length ? length[i] : t;
        if (copy[i] > t || copy[i] == 0) {
            nn_fail(tape, AFFECT_ERROR_SHAPE,
                    "sequence %zu has length %zu, the tensor has %zu steps", i, copy[i], t);
            return NULL;
        }
    }
    return copy;
}

static const double POOL_EPSILON = 1e-6; /* added to the variance before the root */

static void time_backward(nn_tape *tape, nn_node *note) {
    pool_node *op = (pool_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->x) : NULL;
    if (!dx) return;
    size_t t = op->x->shape.d[1], c = op->x->shape.d[2], out = op->y->shape.d[1];
    for (size_t n = 0; n < op->x->shape.d[0]; n++) {
        const nn_real *dy = op->y->grad + n * out, *y = op->y->data + n * out;
        nn_real share = 1 / (nn_real)op->length[n];
        for (size_t i = 0; i < op->length[n]; i++) {
            const nn_real *x = op->x->data + (n * t + i) * c;
            nn_real *d = dx + (n * t + i) * c;
            for (size_t k = 0; k < c; k++) {
                d[k] += dy[k] * share;
                if (op->deviation) d[k] += dy[c + k] * share * (x[k] - y[k]) / y[c + k];
            }
        }
    }
}

nn_tensor *nn_time_pool(nn_tape *tape, nn_tensor *x, const size_t *length, bool deviation) {
    if (!x) return NULL;
    if (x->shape.rank != 3)
        return nn_fail_shapes(tape, "time_pool", "x", x->shape, "wanted [n, t, c] such as",
                              NN_SHAPE(1, 1, 1));
    size_t n = x->shape.d[0], t = x->shape.d[1], c = x->shape.d[2], width = deviation ? 2 * c : c;
    size_t *valid = nn_copy_lengths(tape, length, n, t);
    nn_tensor *y = nn_new(tape, NN_SHAPE(n, width));
    if (!y || !valid) return NULL;
    memset(y->data, 0, y->count * sizeof *y->data);
    for (size_t i = 0; i < n; i++) {
        nn_real *out = y->data + i * width, share = 1 / (nn_real)valid[i];
        for (size_t s = 0; s < valid[i]; s++)
            tape->kernels->axpy(c, share, x->data + (i * t + s) * c, out);
        for (size_t s = 0; deviation && s < valid[i]; s++)
            for (size_t k = 0; k < c; k++) {
                nn_real d = x->data[(i * t + s) * c + k] - out[k];
                out[c + k] += share * d * d;
            }
        for (size_t k = 0; deviation && k < c; k++)
            out[c + k] = NN_SQRT(out[c + k] + (nn_real)POOL_EPSILON);
    }
    pool_node *op = note_pool(tape, x, y, time_backward);
    if (op) {
        op->length = valid;
        op->deviation = deviation;
    }
    return y;
}

nn_tensor *nn_time_max(nn_tape *tape, nn_tensor *x, const size_t *length) {
    if (!x) return NULL;
    if (x->shape.rank != 3)
        return nn_fail_shapes(tape, "time_max", "x", x->shape, "wanted [n, t, c] such as",
                              NN_SHAPE(1, 1, 1));
    size_t n = x->shape.d[0], t = x->shape.d[1], c = x->shape.d[2];
    size_t *valid = nn_copy_lengths(tape, length, n, t);
    nn_tensor *y = nn_new(tape, NN_SHAPE(n, c));
    uint32_t *argmax = nn_tape_bytes_alloc(tape, n * c * sizeof *argmax);
    if (!y || !valid || !argmax) return NULL;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c; k++) {
            size_t best = i * t * c + k;
            for (size_t s = 1; s < valid[i]; s++)
                if (x->data[(i * t + s) * c + k] > x->data[best]) best = (i * t + s) * c + k;
            y->data[i * c + k] = x->data[best];
            argmax[i * c + k] = (uint32_t)best;
        }
    pool_node *op = note_pool(tape, x, y, max_backward);
    if (op) op->argmax = argmax;
    return y;
}

static void attentive_backward(nn_tape *tape, nn_node *note) {
    pool_node *op = (pool_node *)note;
    if (!op->y->grad) return;
    size_t t = op->x->shape.d[1], c = op->x->shape.d[2];
    nn_real *dx = nn_grad_zeroed(tape, op->x), *ds = nn_grad_zeroed(tape, op->scores);
    for (size_t n = 0; n < op->x->shape.d[0]; n++) {
        const nn_real *dy = op->y->grad + n * c, *w = op->weights + n * t;
        nn_real total = tape->kernels->dot(c, dy, op->y->data + n * c);
        for (size_t i = 0; i < op->length[n]; i++) {
            if (dx) tape->kernels->axpy(c, w[i], dy, dx + (n * t + i) * c);
            if (ds)
                ds[n * t + i] +=
                    w[i] * (tape->kernels->dot(c, dy, op->x->data + (n * t + i) * c) - total);
        }
    }
}

nn_tensor *nn_attentive_pool(nn_tape *tape, nn_tensor *x, nn_tensor *scores, const size_t *length) {
    if (!x || !scores) return NULL;
    if (x->shape.rank != 3 || scores->count != x->shape.d[0] * x->shape.d[1])
        return nn_fail_shapes(tape, "attentive_pool", "x [n, t, c]", x->shape, "scores [n, t, 1]",
                              scores->shape);
    size_t n = x->shape.d[0], t = x->shape.d[1], c = x->shape.d[2];
    size_t *valid = nn_copy_lengths(tape, length, n, t);
    nn_tensor *y = nn_new(tape, NN_SHAPE(n, c));
    nn_real *weights = nn_tape_alloc(tape, n * t);
    if (!y || !valid || !weights) return NULL;
    memset(y->data, 0, y->count * sizeof *y->data);
    for (size_t i = 0; i < n; i++) {
        nn_real *w = weights + i * t, top = scores->data[i * t], sum = 0;
        for (size_t s = 1; s < valid[i]; s++) top = BASE_MAX(top, scores->data[i * t + s]);
        for (size_t s = 0; s < valid[i]; s++) w[s] = scores->data[i * t + s] - top;
        tape->kernels->exponential(valid[i], w, w);
        for (size_t s = 0; s < valid[i]; s++) sum += w[s];
        for (size_t s = 0; s < valid[i]; s++) {
            w[s] /= sum;
            tape->kernels->axpy(c, w[s], x->data + (i * t + s) * c, y->data + i * c);
        }
    }
    pool_node *op = note_pool(tape, x, y, attentive_backward);
    if (op) {
        op->scores = scores;
        op->length = valid;
        op->weights = weights;
    }
    return y;
}

static void step_backward(nn_tape *tape, nn_node *note) {
    pool_node *op = (pool_node *)note;
    nn_real *dx = op->y->grad ? nn_grad_zeroed(tape, op->x) : NULL;
    if (!dx) return;
    size_t t = op->x->shape.d[1], c = op->x->shape.d[2];
    for (size_t n = 0; n < op->x->shape.d[0]; n++)
        tape->kernels->axpy(c, 1, op->y->grad + n * c, dx + (n * t + op->length[n]) * c);
}

nn_tensor *nn_step(nn_tape *tape, nn_tensor *x, const size_t *index) {
    if (!x) return NULL;
    if (x->shape.rank != 3)
        return nn_fail_shapes(tape, "step", "x", x->shape, "wanted [n, t, c] such as",
                              NN_SHAPE(1, 1, 1));
    size_t n = x->shape.d[0], t = x->shape.d[1], c = x->shape.d[2];
    size_t *copy = nn_tape_bytes_alloc(tape, n * sizeof *copy);
    nn_tensor *y = nn_new(tape, NN_SHAPE(n, c));
    if (!copy || !y) return NULL;
    for (size_t i = 0; i < n; i++) {
        copy[i] = index[i];
        if (index[i] >= t)
            return nn_fail(tape, AFFECT_ERROR_SHAPE, "step: wants step %zu of %zu", index[i], t);
        memcpy(y->data + i * c, x->data + (i * t + index[i]) * c, c * sizeof(nn_real));
    }
    pool_node *op = note_pool(tape, x, y, step_backward);
    if (op) op->length = copy;
    return y;
}
