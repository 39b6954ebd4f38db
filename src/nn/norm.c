/* Batch and layer normalisation (Ioffe & Szegedy 2015; Ba et al. 2016), epsilon 1e-5. */
#include "nn/tape.h"

static const double EPSILON = 1e-5;

typedef struct batch_node {
    nn_node node;
    nn_tensor *x, *y, *other;
    int gain, bias;
    size_t rows, columns;
    bool relu, batch; /* batch: moments are of this batch */
    double *mean, *inverse;
} batch_node;

static void batch_backward(nn_tape *tape, nn_node *note) {
    batch_node *op = (batch_node *)note;
    nn_real *dy = op->y->grad;
    if (!dy) return;
    size_t c = op->columns, rows = op->rows;
    bool add = false;
    /* With relu the reduction masks dy in place; it is nobody else's any more. */
    nn_mark mark;
    nn_real *dx;
    bool fresh_other = false;
    bool take = op->x && !op->other && nn_grad_take(op->x, op->y);
    if (take) {
        dx = op->x->grad;
    } else {
        dx = nn_grad_into(tape, op->x, &add);
    }
    nn_real *other = NULL;
    bool add_other = false;
    if (op->other) {
        if (nn_grad_take(op->other, op->y))
            fresh_other = true;
        else
            other = nn_grad_into(tape, op->other, &add_other);
    }
    mark = nn_tape_mark(tape);
    double *sum = nn_tape_bytes_alloc(tape, 2 * c * sizeof *sum), *product = sum + c;
    nn_real *a = nn_tape_alloc(tape, 3 * c);
    if (!sum || !a) return;
    nn_real *b = a + c, *k = b + c;
    tape->kernels->norm_reduce(rows, c, op->x->data, op->y->data, op->relu, dy, sum, product);
    (void)fresh_other;
    if (other) {
        if (add_other)
            tape->kernels->axpy(op->y->count, 1, dy, other);
        else
            memcpy(other, dy, op->y->count * sizeof *dy);
    }
    const nn_real *gain = nn_param_value(tape->params, op->gain);
    nn_real *dgain = nn_param_grad(tape, op->gain), *dbias = nn_param_grad(tape, op->bias);
    for (size_t i = 0; i < c; i++) {
        double centred = (product[i] - op->mean[i] * sum[i]) * op->inverse[i]; /* sum of dy xhat */
        if (dgain) dgain[i] += (nn_real)centred;
        if (dbias) dbias[i] += (nn_real)sum[i];
        double scale = (double)gain[i] * op->inverse[i];
        /* dx = scale (dy - mean(dy) - xhat mean(dy xhat)) */
        double slope = op->batch ? -scale * centred / (double)rows * op->inverse[i] : 0;
        a[i] = (nn_real)scale;
        b[i] = (nn_real)slope;
        k[i] = op->batch ? (nn_real)(-scale * sum[i] / (double)rows - slope * op->mean[i]) : 0;
    }
    if (dx) tape->kernels->norm_apply(rows, c, op->x->data, dy, a, b, k, add, dx);
    nn_tape_release(tape, mark);
}

nn_tensor *nn_batch_norm(nn_tape *tape, nn_tensor *x, int gain, int bias, int mean, int var,
                         nn_tensor *other, bool relu) {
    if (!x) return NULL;
    if (nn_bad_param(tape, gain) || nn_bad_param(tape, bias) || nn_bad_param(tape, mean) ||
        nn_bad_param(tape, var))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "batch_norm: no such parameter");
    if (x->shape.rank < 2 || nn_param_of(tape, gain)->count != x->shape.d[x->shape.rank - 1] ||
        nn_param_of(tape, bias)->count != nn_param_of(tape, gain)->count ||
        nn_param_of(tape, mean)->count != nn_param_of(tape, gain)->count ||
        nn_param_of(tape, var)->count != nn_param_of(tape, gain)->count)
        return nn_fail_shapes(tape, "batch_norm", "x [..., c]", x->shape, "gain [c]",
                              nn_param_of(tape, gain)->shape);
    if (other && !nn_shape_equal(other->shape, x->shape))
        return nn_fail_shapes(tape, "batch_norm", "x", x->shape, "the added tensor", other->shape);
    size_t c = x->shape.d[x->shape.rank - 1], rows = x->count / c;
    nn_tensor *y = nn_new(tape, x->shape);
    double *moments = nn_tape_bytes_alloc(tape, 2 * c * sizeof *moments);
    nn_real *a = nn_tape_alloc(tape, 2 * c);
    if (!y || !moments || !a) return NULL;
    nn_real *b = a + c;
    double *m = moments, *inverse = moments + c;
    const nn_real *g = nn_param_value(tape->params, gain),
                  *shift = nn_param_value(tape->params, bias);
    if (tape->training) {
        tape->kernels->column_moments(rows, c, x->data, m, inverse);
        nn_real *report_mean = nn_param_grad(tape, mean), *report_var = nn_param_grad(tape, var);
        for (size_t i = 0; i < c; i++) {
            m[i] /= (double)rows;
            double v = BASE_MAX(inverse[i] / (double)rows - m[i] * m[i], 0);
            if (report_mean) report_mean[i] += (nn_real)m[i];
            if (report_var)
                report_var[i] += (nn_real)(v * (double)rows / BASE_MAX((double)rows - 1, 1));
            inverse[i] = 1 / sqrt(v + EPSILON);
        }
    } else {
        for (size_t i = 0; i < c; i++) {
            m[i] = nn_param_value(tape->params, mean)[i];
            inverse[i] = 1 / sqrt(nn_param_value(tape->params, var)[i] + EPSILON);
        }
    }
    for (size_t i = 0; i < c; i++) {
        a[i] = (nn_real)(g[i] * inverse[i]);
        b[i] = (nn_real)(shift[i] - g[i] * inverse[i] * m[i]);
    }
    tape->kernels->scale_shift(rows, c, x->data, a, b, other ? other->data : NULL, relu, y->data);
    batch_node *op = nn_note(tape, sizeof *op, batch_backward);
    if (op)
        *op = (batch_node){.node = op->node,
                           .x = x,
                           .y = y,
                           .other = other,
                           .gain = gain,
                           .bias = bias,
                           .rows = rows,
                           .columns = c,
                           .relu = relu,
                           .batch = tape->training,
                           .mean = m,
                           .inverse = inverse};
    return y;
}

typedef struct layer_node {
    nn_node node;
    nn_tensor *x, *y;
    int gain, bias;
    size_t rows, columns;
    nn_real *moments; /* mean, inverse per row */
} layer_node;

static void layer_backward(nn_tape *tape, nn_node *note) {
    layer_node *op = (layer_node *)note;
    const nn_real *dy = op->y->grad;
    if (!dy) return;
    size_t c = op->columns;
    bool add;
    nn_real *dx = nn_grad_into(tape, op->x, &add);
    nn_mark mark = nn_tape_mark(tape);
    nn_real *unused = nn_tape_alloc(tape, 2 * c);
    if (!unused) return;
    const nn_real *gain = nn_param_value(tape->params, op->gain);
    nn_real *dgain = nn_param_grad(tape, op->gain), *dbias = nn_param_grad(tape, op->bias);
    if (!dgain) dgain = unused;
    if (!dbias) dbias = unused + c;
    for (size_t r = 0; r < op->rows; r++) {
        const nn_real *g = dy + r * c, *x = op->x->data + r * c;
        nn_real mean = op->moments[2 * r], inverse = op->moments[2 * r + 1];
        nn_real sum = 0, product = 0;
        for (size_t i = 0; i < c; i++) {
            nn_real hat = (x[i] - mean) * inverse, slope = g[i] * gain[i];
            dgain[i] += g[i] * hat;
            dbias[i] += g[i];
            sum += slope;
            product += slope * hat;
        }
        if (!dx) continue;
        sum /= (nn_real)c;
        product /= (nn_real)c;
        nn_real *out = dx + r * c;
        for (size_t i = 0; i < c; i++) {
            nn_real hat = (x[i] - mean) * inverse;
            nn_real v = (g[i] * gain[i] - sum - hat * product) * inverse;
            out[i] = add ? out[i] + v : v;
        }
    }
    nn_tape_release(tape, mark);
}

nn_tensor *nn_layer_norm(nn_tape *tape, nn_tensor *x, int gain, int bias) {
    if (!x) return NULL;
    if (nn_bad_param(tape, gain) || nn_bad_param(tape, bias))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "layer_norm: no such parameter");
    if (x->shape.rank < 1 || nn_param_of(tape, gain)->count != x->shape.d[x->shape.rank - 1] ||
        nn_param_of(tape, bias)->count != nn_param_of(tape, gain)->count)
        return nn_fail_shapes(tape, "layer_norm", "x [..., c]", x->shape, "gain [c]",
                              nn_param_of(tape, gain)->shape);
    size_t c = x->shape.d[x->shape.rank - 1], rows = x->count / c;
    nn_tensor *y = nn_new(tape, x->shape);
    nn_real *moments = nn_tape_alloc(tape, 2 * rows);
    if (!y || !moments) return NULL;
    const nn_real *g = nn_param_value(tape->params, gain), *b = nn_param_value(tape->params, bias);
    for (size_t r = 0; r < rows; r++) {
        const nn_real *in = x->data + r * c;
        nn_real sum = 0, square = 0;
        for (size_t i = 0; i < c; i++) sum += in[i];
        nn_real mean = sum / (nn_real)c;
        for (size_t i = 0; i < c; i++) square += (in[i] - mean) * (in[i] - mean);
        nn_real inverse = 1 / NN_SQRT(square / (nn_real)c + (nn_real)EPSILON);
        moments[2 * r] = mean;
        moments[2 * r + 1] = inverse;
        nn_real *out = y->data + r * c;
        for (size_t i = 0; i < c; i++) out[i] = (in[i] - mean) * inverse * g[i] + b[i];
    }
    layer_node *op = nn_note(tape, sizeof *op, layer_backward);
    if (op)
        *op = (layer_node){.node = op->node,
                           .x = x,
                           .y = y,
                           .gain = gain,
                           .bias = bias,
                           .rows = rows,
                           .columns = c,
                           .moments = moments};
    return y;
}
