/* Products with matrices that are kept quantised. A block of rows is made into numbers, packed and multiplied; for
 * a few rows of x (one token after the other) each row of the matrix goes straight into dot products. */
#include "nn/matrix.h"

#include "nn/tape.h"

enum {
    BLOCK = 64, /* rows of the matrix that are numbers at one time */
    FEW = 4,    /* up to so many rows of x packing costs more than it saves */
    LOSS_ROWS =
        128, /* rows of logits held at a time: with fewer, packing the head costs more than it is multiplied by */
    KEPT = 1 << 21 /* so many probabilities are kept for the way back; more are computed again */
};

static const struct {
    uint32_t type;
    unsigned short block, bytes;
    const char *name;
} numbers[] = {{NN_NUMBER_F32, 1, 4, "F32"},       {NN_NUMBER_F16, 1, 2, "F16"},
               {NN_NUMBER_BF16, 1, 2, "BF16"},     {NN_NUMBER_Q8_0, 32, 34, "Q8_0"},
               {NN_NUMBER_Q4_K, 256, 144, "Q4_K"}, {NN_NUMBER_Q6_K, 256, 210, "Q6_K"}};

const char *nn_number_name(uint32_t type) {
    for (size_t i = 0; i < BASE_COUNT(numbers); i++)
        if (numbers[i].type == type) return numbers[i].name;
    return NULL;
}

/* Bytes of `count` values; 0 where they are no whole blocks. */
static size_t number_bytes(uint32_t type, size_t count) {
    for (size_t i = 0; i < BASE_COUNT(numbers); i++)
        if (numbers[i].type == type)
            return count % numbers[i].block ? 0 : count / numbers[i].block * numbers[i].bytes;
    return 0;
}

void nn_number_read(uint32_t type, size_t count, const unsigned char *data, nn_real *out) {
    nn_kernels_get()->read_numbers(type, count, data, out);
}

/* `count` rows from `row` on: where they are if they are numbers already, else in `room`. */
static const nn_real *rows_of(const nn_tape *tape, const nn_matrix *m, size_t row, size_t count,
                              nn_real *room) {
    if (m->param >= 0) return nn_param_value(tape->params, m->param) + row * m->in;
    size_t bytes = number_bytes((uint32_t)m->type, m->in);
#ifndef NN_DOUBLE
    const unsigned char *stored = m->data + row * bytes;
    if (m->type == NN_NUMBER_F32 && (uintptr_t)stored % sizeof(float) == 0)
        return (const nn_real *)(const void *)stored;
#endif
    tape->kernels->read_numbers((uint32_t)m->type, count * m->in, m->data + row * bytes, room);
    return room;
}

/* Row `row` as numbers. */
static void matrix_row(const nn_tape *tape, const nn_matrix *m, size_t row, nn_real *out) {
    const nn_real *values = rows_of(tape, m, row, 1, out);
    if (values != out) memcpy(out, values, m->in * sizeof *out);
}

/* Room for a block of rows, and for the same packed either way (in whole panels of columns). */
static nn_real *take_room(nn_tape *tape, const nn_matrix *w) {
    size_t panels = (w->in + NN_PANEL - 1) / NN_PANEL * NN_PANEL;
    return nn_tape_alloc(tape, BLOCK * (w->in + panels));
}

/* y[rows, out] = x w^T */
static void product(const nn_tape *tape, const nn_matrix *w, const nn_real *x, size_t rows,
                    nn_real *y, nn_real *room) {
    size_t stride = w->out;
    for (size_t at = 0; at < w->out; at += BLOCK) {
        size_t n = BASE_MIN((size_t)BLOCK, w->out - at);
        const nn_real *values = rows_of(tape, w, at, n, room);
        if (rows <= FEW) {
            for (size_t o = 0; o < n; o++)
                for (size_t r = 0; r < rows; r++)
                    y[r * stride + at + o] =
                        tape->kernels->dot(w->in, x + r * w->in, values + o * w->in);
            continue;
        }
        nn_real *packed = room + BLOCK * w->in;
        nn_pack(values, w->in, n, w->in, true, packed);
        nn_multiply(rows, n, w->in, x, w->in, packed, y + at, stride, false);
    }
}

/* dx[rows, in] (+)= dy w, and the gradient of w where it is a parameter. */
static void product_backward(nn_tape *tape, const nn_matrix *w, const nn_real *x, size_t rows,
                             const nn_real *dy, nn_real *dx, bool add, nn_real *room) {
    for (size_t at = 0; dx && at < w->out; at += BLOCK) {
        size_t n = BASE_MIN((size_t)BLOCK, w->out - at);
        const nn_real *values = rows_of(tape, w, at, n, room);
        nn_real *packed = room + BLOCK * w->in;
        nn_pack(values, n, w->in, w->in, false, packed);
        nn_multiply(rows, w->in, n, dy + at, w->out, packed, dx, w->in, add || at);
    }
    nn_real *dw = w->param >= 0 ? nn_param_grad(tape, w->param) : NULL;
    if (!dw) return;
    nn_mark mark = nn_tape_mark(tape);
    nn_real *scratch = nn_tape_alloc(tape, nn_transposed_scratch(w->in));
    if (scratch)
        nn_multiply_transposed(rows, w->out, w->in, dy, w->out, x, w->in, dw, w->in, scratch);
    nn_tape_release(tape, mark);
}

static bool bad_matrix(const nn_tape *tape, const nn_matrix *m) {
    return m->param >= 0 &&
           (nn_bad_param(tape, m->param) || nn_param_of(tape, m->param)->count != m->in * m->out);
}

typedef struct matrix_node {
    nn_node node;
    nn_tensor *x, *y;
    nn_matrix w, bias;
    size_t rows;
    const int32_t *index;
    nn_real *saved, *kept;
    double number;
} matrix_node;

static matrix_node *note(nn_tape *tape, nn_tensor *x, nn_tensor *y, const nn_matrix *w, size_t rows,
                         void (*backward)(nn_tape *, nn_node *)) {
    matrix_node *op = nn_note(tape, sizeof *op, backward);
    if (op) {
        op->x = x;
        op->y = y;
        op->w = *w;
        op->bias.param = -1;
        op->rows = rows;
    }
    return op;
}

/* ---- product ---- */

static void project_backward(nn_tape *tape, nn_node *node) {
    matrix_node *op = (matrix_node *)node;
    const nn_real *dy = op->y->grad;
    if (!dy) return;
    bool add;
    nn_real *dx = nn_grad_into(tape, op->x, &add);
    nn_real *db = op->bias.param >= 0 ? nn_param_grad(tape, op->bias.param) : NULL;
    for (size_t r = 0; db && r < op->rows; r++)
        tape->kernels->axpy(op->w.out, 1, dy + r * op->w.out, db);
    nn_mark mark = nn_tape_mark(tape);
    nn_real *room = take_room(tape, &op->w);
    if (room) product_backward(tape, &op->w, op->x->data, op->rows, dy, dx, add, room);
    nn_tape_release(tape, mark);
}

nn_tensor *nn_project(nn_tape *tape, nn_tensor *x, const nn_matrix *w, const nn_matrix *bias) {
    if (!x) return NULL;
    nn_shape shape = x->shape;
    bool biased = bias && nn_matrix_given(bias);
    if (!shape.rank || shape.d[shape.rank - 1] != w->in || bad_matrix(tape, w))
        return nn_fail_shapes(tape, "project", "x [..., in]", x->shape, "weight [out, in]",
                              NN_SHAPE(w->out, w->in));
    if (biased && (bias->in != w->out || bias->out != 1 || bad_matrix(tape, bias)))
        return nn_fail_shapes(tape, "project", "bias", NN_SHAPE(bias->out, bias->in),
                              "weight [out, in]", NN_SHAPE(w->out, w->in));
    shape.d[shape.rank - 1] = w->out;
    size_t rows = x->count / w->in;
    nn_tensor *y = nn_new(tape, shape);
    if (!y) return NULL;
    nn_mark mark = nn_tape_mark(tape);
    nn_real *room = take_room(tape, w), *line = nn_tape_alloc(tape, w->out);
    if (!room || !line) return NULL;
    product(tape, w, x->data, rows, y->data, room);
    if (biased) {
        matrix_row(tape, bias, 0, line);
        for (size_t r = 0; r < rows; r++)
            tape->kernels->axpy(w->out, 1, line, y->data + r * w->out);
    }
    nn_tape_release(tape, mark);
    matrix_node *op = note(tape, x, y, w, rows, project_backward);
    if (op && biased) op->bias = *bias;
    return y;
}

/* ---- rows of a table ---- */

static void lookup_backward(nn_tape *tape, nn_node *node) {
    matrix_node *op = (matrix_node *)node;
    nn_real *dw = op->y->grad && op->w.param >= 0 ? nn_param_grad(tape, op->w.param) : NULL;
    for (size_t r = 0; dw && r < op->rows; r++)
        if (op->index[r] >= 0)
            tape->kernels->axpy(op->w.in, 1, op->y->grad + r * op->w.in,
                                dw + (size_t)op->index[r] * op->w.in);
}

nn_tensor *nn_lookup(nn_tape *tape, const nn_matrix *w, const int32_t *index, nn_shape shape) {
    size_t rows = nn_shape_count(shape);
    if (shape.rank >= NN_MAX_RANK || bad_matrix(tape, w))
        return nn_fail_shapes(tape, "lookup", "index", shape, "table", NN_SHAPE(w->out, w->in));
    shape.d[shape.rank++] = w->in;
    nn_tensor *y = nn_new(tape, shape);
    int32_t *copy = nn_tape_bytes_alloc(tape, rows * sizeof *copy);
    if (!y || !copy) return NULL;
    for (size_t r = 0; r < rows; r++) {
        copy[r] = index[r];
        if (index[r] >= 0 && (size_t)index[r] >= w->out)
            return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "lookup: row %d of a table of %zu",
                           (int)index[r], w->out);
        if (index[r] < 0)
            memset(y->data + r * w->in, 0, w->in * sizeof *y->data);
        else
            matrix_row(tape, w, (size_t)index[r], y->data + r * w->in);
    }
    if (w->param < 0) {
        y->constant = true;
        return y;
    }
    matrix_node *op = note(tape, NULL, y, w, rows, lookup_backward);
    if (op) op->index = copy;
    return y;
}

/* ---- RMS norm ---- */

static void rms_norm_backward(nn_tape *tape, nn_node *node) {
    matrix_node *op = (matrix_node *)node;
    const nn_real *dy = op->y->grad;
    size_t d = op->w.in;
    if (!dy) return;
    nn_real *dx = nn_grad_zeroed(tape, op->x);
    nn_real *dg = op->w.param >= 0 ? nn_param_grad(tape, op->w.param) : NULL;
    nn_mark mark = nn_tape_mark(tape);
    nn_real *gain = nn_tape_alloc(tape, d);
    if (!gain) return;
    matrix_row(tape, &op->w, 0, gain);
    for (size_t r = 0; r < op->rows; r++) {
        const nn_real *x = op->x->data + r * d, *g = dy + r * d;
        nn_real scale = op->saved[r];
        double sum = 0;
        for (size_t i = 0; i < d; i++) sum += (double)(x[i] * g[i] * gain[i]);
        nn_real back = scale * scale * scale * (nn_real)(sum / (double)d);
        for (size_t i = 0; dx && i < d; i++) dx[r * d + i] += g[i] * gain[i] * scale - x[i] * back;
        for (size_t i = 0; dg && i < d; i++) dg[i] += g[i] * x[i] * scale;
    }
    nn_tape_release(tape, mark);
}

nn_tensor *nn_rms_norm(nn_tape *tape, nn_tensor *x, const nn_matrix *gain, double epsilon) {
    if (!x) return NULL;
    size_t d = gain->in;
    if (!x->shape.rank || !d || x->shape.d[x->shape.rank - 1] % d || bad_matrix(tape, gain))
        return nn_fail_shapes(tape, "rms_norm", "x", x->shape, "gain", NN_SHAPE(gain->out, d));
    size_t rows = x->count / d;
    nn_tensor *y = nn_new(tape, x->shape);
    nn_real *saved = nn_tape_alloc(tape, rows), *values = nn_tape_alloc(tape, d);
    if (!y || !saved || !values) return NULL;
    matrix_row(tape, gain, 0, values);
    for (size_t r = 0; r < rows; r++) {
        const nn_real *in = x->data + r * d;
        double square = 0;
        for (size_t i = 0; i < d; i++) square += (double)in[i] * (double)in[i];
        saved[r] = (nn_real)(1 / sqrt(square / (double)d + epsilon));
        for (size_t i = 0; i < d; i++) y->data[r * d + i] = in[i] * saved[r] * values[i];
    }
    matrix_node *op = note(tape, x, y, gain, rows, rms_norm_backward);
    if (op) op->saved = saved;
    return y;
}

/* ---- loss over a vocabulary ---- */

typedef struct loss_scratch {
    nn_real *room, *logits, *x, *dx;
} loss_scratch;

static bool take_scratch(nn_tape *tape, const nn_matrix *w, loss_scratch *s) {
    s->room = take_room(tape, w);
    s->logits = nn_tape_alloc(tape, LOSS_ROWS * w->out);
    s->x = nn_tape_alloc(tape, LOSS_ROWS * w->in);
    s->dx = nn_tape_alloc(tape, LOSS_ROWS * w->in);
    return s->room && s->logits && s->x && s->dx;
}

/* The next rows with a target, at most LOSS_ROWS: their numbers in `row`. */
static size_t next_rows(const int32_t *target, size_t rows, size_t *at, size_t row[LOSS_ROWS]) {
    size_t n = 0;
    for (; *at < rows && n < LOSS_ROWS; ++*at)
        if (target[*at] >= 0) row[n++] = *at;
    return n;
}

static void logits_of(const nn_tape *tape, const nn_matrix *w, const nn_tensor *x,
                      const size_t *row, size_t n, const loss_scratch *s, nn_real *logits) {
    for (size_t r = 0; r < n; r++)
        memcpy(s->x + r * w->in, x->data + row[r] * w->in, w->in * sizeof *s->x);
    if (logits) product(tape, w, s->x, n, logits, s->room);
}

static void token_loss_backward(nn_tape *tape, nn_node *node) {
    matrix_node *op = (matrix_node *)node;
    if (!op->y->grad) return;
    const nn_matrix *w = &op->w;
    nn_real *dx = nn_grad_zeroed(tape, op->x);
    nn_real scale = (nn_real)op->number * *op->y->grad;
    loss_scratch s;
    nn_mark mark = nn_tape_mark(tape);
    if (!take_scratch(tape, w, &s)) return;
    size_t row[LOSS_ROWS], n;
    nn_real *kept = op->kept;
    for (size_t at = 0; (n = next_rows(op->index, op->rows, &at, row)) > 0;) {
        nn_real *all = kept ? kept : s.logits;
        logits_of(tape, w, op->x, row, n, &s, kept ? NULL : all);
        for (size_t r = 0; r < n; r++) {
            nn_real *logits = all + r * w->out;
            for (size_t i = 0; i < w->out && !kept; i++) logits[i] -= op->saved[row[r]];
            if (!kept) tape->kernels->exponential(w->out, logits, logits);
            logits[op->index[row[r]]] -= 1;
            for (size_t i = 0; i < w->out; i++) logits[i] *= scale;
        }
        product_backward(tape, w, s.x, n, all, dx ? s.dx : NULL, false, s.room);
        if (kept) kept += n * w->out;
        for (size_t r = 0; dx && r < n; r++)
            tape->kernels->axpy(w->in, 1, s.dx + r * w->in, dx + row[r] * w->in);
    }
    nn_tape_release(tape, mark);
}

nn_tensor *nn_token_loss(nn_tape *tape, nn_tensor *x, const nn_matrix *w, const int32_t *target,
                         double scale) {
    if (!x) return NULL;
    if (!x->shape.rank || x->shape.d[x->shape.rank - 1] != w->in || bad_matrix(tape, w))
        return nn_fail_shapes(tape, "token_loss", "x [..., in]", x->shape, "weight [out, in]",
                              NN_SHAPE(w->out, w->in));
    size_t rows = x->count / w->in, wanted = 0;
    nn_tensor *y = nn_new(tape, NN_SHAPE(1));
    nn_real *lse = nn_tape_alloc(tape, rows), *kept = NULL;
    int32_t *copy = nn_tape_bytes_alloc(tape, rows * sizeof *copy);
    if (!y || !lse || !copy) return NULL;
    for (size_t r = 0; r < rows; r++) {
        copy[r] = target[r];
        wanted += target[r] >= 0;
        if (target[r] >= 0 && (size_t)target[r] >= w->out)
            return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "token_loss: token %d of %zu",
                           (int)target[r], w->out);
    }
    if (tape->grad && wanted <= KEPT / w->out) kept = nn_tape_alloc(tape, wanted * w->out);
    loss_scratch s;
    nn_mark mark = nn_tape_mark(tape);
    if (!take_scratch(tape, w, &s)) return NULL;
    double total = 0;
    size_t row[LOSS_ROWS], n, done = 0;
    for (size_t at = 0; (n = next_rows(copy, rows, &at, row)) > 0; done += n) {
        nn_real *all = kept ? kept + done * w->out : s.logits;
        logits_of(tape, w, x, row, n, &s, all);
        for (size_t r = 0; r < n; r++) {
            nn_real *logits = all + r * w->out, top = logits[0], own = logits[copy[row[r]]];
            for (size_t i = 1; i < w->out; i++) top = BASE_MAX(top, logits[i]);
            for (size_t i = 0; i < w->out; i++) logits[i] -= top;
            tape->kernels->exponential(w->out, logits, logits);
            double sum = 0;
            for (size_t i = 0; i < w->out; i++) sum += (double)logits[i];
            lse[row[r]] = top + (nn_real)log(sum);
            for (size_t i = 0; i < w->out && kept; i++) logits[i] /= (nn_real)sum;
            total += (double)(lse[row[r]] - own);
        }
    }
    nn_tape_release(tape, mark);
    *y->data = (nn_real)(total * scale);
    matrix_node *op = note(tape, x, y, w, rows, token_loss_backward);
    if (op) {
        op->index = copy;
        op->saved = lse;
        op->kept = kept;
        op->number = scale;
    }
    return y;
}
