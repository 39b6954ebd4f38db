/* Losses. Each is a sum over rows times `scale`; the slope with respect to the input is computed in
 * the forward pass (it costs little there) and multiplied by the incoming gradient on the way back.
 */
#include "nn/tape.h"

typedef struct loss_node {
    nn_node node;
    nn_tensor *a, *b, *y;
    nn_real *slope_a, *slope_b;
} loss_node;

static void loss_backward(nn_tape *tape, nn_node *note) {
    loss_node *op = (loss_node *)note;
    if (!op->y->grad) return;
    nn_real *da = nn_grad_zeroed(tape, op->a);
    if (da) tape->kernels->axpy(op->a->count, *op->y->grad, op->slope_a, da);
    nn_real *db = op->b ? nn_grad_zeroed(tape, op->b) : NULL;
    if (db) tape->kernels->axpy(op->b->count, *op->y->grad, op->slope_b, db);
}

/* Makes the scalar and its note; NULL on failure. */
static nn_tensor *finish(nn_tape *tape, nn_tensor *a, nn_real *slope_a, nn_tensor *b,
                         nn_real *slope_b, double loss) {
    nn_tensor *y = nn_new(tape, NN_SHAPE(1));
    if (!y) return NULL;
    *y->data = (nn_real)loss;
    loss_node *op = nn_note(tape, sizeof *op, loss_backward);
    if (op) {
        op->a = a;
        op->b = b;
        op->y = y;
        op->slope_a = slope_a;
        op->slope_b = slope_b;
    }
    return y;
}

/* A zeroed array like x, for the slope. */
static nn_real *slope_of(nn_tape *tape, const nn_tensor *x) {
    nn_real *slope = nn_tape_alloc(tape, x->count);
    if (slope) memset(slope, 0, x->count * sizeof *slope);
    return slope;
}

static bool is_matrix(nn_tape *tape, const char *operation, const nn_tensor *x) {
    if (x->shape.rank == 2 && x->count) return true;
    nn_fail_shapes(tape, operation, "x", x->shape, "wanted [n, c] such as", NN_SHAPE(1, 1));
    return false;
}

nn_tensor *nn_cross_entropy(nn_tape *tape, nn_tensor *logits, const nn_real *target,
                            const nn_real *weight, double scale) {
    if (!logits || !is_matrix(tape, "cross_entropy", logits)) return NULL;
    size_t n = logits->shape.d[0], c = logits->shape.d[1];
    nn_real *slope = slope_of(tape, logits);
    if (!slope) return NULL;
    double loss = 0;
    for (size_t r = 0; r < n; r++) {
        const nn_real *x = logits->data + r * c, *t = target + r * c;
        nn_real *d = slope + r * c, top = x[0];
        double sum = 0, mass = 0;
        for (size_t i = 1; i < c; i++) top = BASE_MAX(top, x[i]);
        for (size_t i = 0; i < c; i++) {
            sum += d[i] = NN_EXP(x[i] - top);
            mass += (double)t[i] * (weight ? weight[i] : 1);
        }
        double log_sum = top + log(sum);
        for (size_t i = 0; i < c; i++) {
            double part = (double)t[i] * (weight ? weight[i] : 1);
            if (part != 0) loss += part * (log_sum - x[i]);
            d[i] = (nn_real)(scale * (mass * d[i] / sum - part));
        }
    }
    return finish(tape, logits, slope, NULL, NULL, loss * scale);
}
