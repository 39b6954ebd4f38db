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

nn_tensor *nn_binary_cross_entropy(nn_tape *tape, nn_tensor *logits, const nn_real *target,
                                   const nn_real *weight, double scale) {
    if (!logits || !is_matrix(tape, "binary_cross_entropy", logits)) return NULL;
    size_t n = logits->shape.d[0], c = logits->shape.d[1];
    nn_real *slope = slope_of(tape, logits);
    if (!slope) return NULL;
    double loss = 0;
    for (size_t i = 0; i < n * c; i++) {
        double x = logits->data[i], t = target[i], w = weight ? weight[i % c] : 1;
        if (!(t >= 0)) continue; /* unknown */
        /* softplus(z) = max(z, 0) + log(1 + exp(-|z|)) */
        double soft = log1p(exp(-fabs(x))), plus = BASE_MAX(x, 0) + soft, minus = plus - x;
        double p = x > 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
        loss += w * t * minus + (1 - t) * plus;
        slope[i] = (nn_real)(scale * (w * t * (p - 1) + (1 - t) * p));
    }
    return finish(tape, logits, slope, NULL, NULL, loss * scale);
}

nn_tensor *nn_huber(nn_tape *tape, nn_tensor *x, const nn_real *target, double delta,
                    double scale) {
    if (!x || !is_matrix(tape, "huber", x)) return NULL;
    size_t n = x->shape.d[0], c = x->shape.d[1];
    nn_real *slope = slope_of(tape, x);
    if (!slope) return NULL;
    double loss = 0, share = scale / (double)c;
    for (size_t i = 0; i < n * c; i++) {
        if (isnan(target[i])) continue;
        double e = (double)x->data[i] - target[i];
        if (delta <= 0) {
            loss += e * e;
            slope[i] = (nn_real)(2 * e * share);
        } else if (fabs(e) <= delta) {
            loss += .5 * e * e;
            slope[i] = (nn_real)(e * share);
        } else {
            loss += delta * (fabs(e) - .5 * delta);
            slope[i] = (nn_real)((e > 0 ? delta : -delta) * share);
        }
    }
    return finish(tape, x, slope, NULL, NULL, loss * share);
}

nn_tensor *nn_ccc_loss(nn_tape *tape, nn_tensor *x, const nn_real *target, double scale) {
    if (!x || !is_matrix(tape, "ccc_loss", x)) return NULL;
    size_t n = x->shape.d[0], c = x->shape.d[1];
    nn_real *slope = slope_of(tape, x);
    if (!slope) return NULL;
    double loss = 0;
    for (size_t k = 0; k < c; k++) {
        double m = 0, mx = 0, mt = 0, vx = 0, vt = 0, cov = 0;
        for (size_t r = 0; r < n; r++) {
            double t = target[r * c + k];
            if (isnan(t)) continue;
            m++;
            mx += x->data[r * c + k];
            mt += t;
        }
        if (m < 2) continue;
        mx /= m;
        mt /= m;
        for (size_t r = 0; r < n; r++) {
            double t = target[r * c + k], a = x->data[r * c + k] - mx;
            if (isnan(t)) continue;
            vx += a * a;
            vt += (t - mt) * (t - mt);
            cov += a * (t - mt);
        }
        vx /= m;
        vt /= m;
        cov /= m;
        double gap = mx - mt, below = vx + vt + gap * gap + 1e-12, ccc = 2 * cov / below;
        loss += 1 - ccc;
        for (size_t r = 0; r < n; r++) {
            double t = target[r * c + k];
            if (isnan(t)) continue;
            /* d cov = (t - mt)/m, d below = 2 (x - mx)/m + 2 gap/m */
            double d = (2 * (t - mt) - ccc * 2 * (x->data[r * c + k] - mx + gap)) / (m * below);
            slope[r * c + k] = (nn_real)(-d * scale / (double)c);
        }
    }
    return finish(tape, x, slope, NULL, NULL, loss * scale / (double)c);
}

/* ---- contrast ---- */

/* Rows of x scaled to length 1; `norm` receives the lengths. */
static nn_real *unit_rows(nn_tape *tape, const nn_tensor *x, nn_real *norm) {
    size_t n = x->shape.d[0], d = x->shape.d[1];
    nn_real *unit = nn_tape_alloc(tape, n * d);
    for (size_t r = 0; unit && r < n; r++) {
        norm[r] = NN_SQRT(tape->kernels->dot(d, x->data + r * d, x->data + r * d) + (nn_real)1e-12);
        for (size_t k = 0; k < d; k++) unit[r * d + k] = x->data[r * d + k] / norm[r];
    }
    return unit;
}

/* Slope through x / |x|: (g - u (u.g)) / |x|, in place. */
static void through_norm(nn_tape *tape, size_t n, size_t d, const nn_real *unit,
                         const nn_real *norm, nn_real *slope) {
    for (size_t r = 0; r < n; r++) {
        nn_real along = tape->kernels->dot(d, unit + r * d, slope + r * d);
        for (size_t k = 0; k < d; k++)
            slope[r * d + k] = (slope[r * d + k] - unit[r * d + k] * along) / norm[r];
    }
}

/* Both directions of a softmax over similarities against soft targets. */
static nn_tensor *contrast(nn_tape *tape, const char *operation, nn_tensor *a, nn_tensor *b,
                           const nn_real *target, double temperature, double scale) {
    if (!a || !b || !is_matrix(tape, operation, a)) return NULL;
    if (!nn_shape_equal(a->shape, b->shape))
        return nn_fail_shapes(tape, operation, "a [n, d]", a->shape, "b [n, d]", b->shape);
    if (!(temperature > 0))
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "%s: temperature %g, wanted above 0", operation,
                       temperature);
    size_t n = a->shape.d[0], d = a->shape.d[1];
    nn_real *slope_a = slope_of(tape, a), *slope_b = slope_of(tape, b);
    nn_real *norm_a = nn_tape_alloc(tape, n), *norm_b = nn_tape_alloc(tape, n);
    if (!slope_a || !slope_b || !norm_a || !norm_b) return NULL;
    nn_real *ua = unit_rows(tape, a, norm_a), *ub = unit_rows(tape, b, norm_b);
    nn_real *s = nn_tape_alloc(tape, n * n), *ds = nn_tape_alloc(tape, n * n);
    if (!ua || !ub || !s || !ds) return NULL;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            s[i * n + j] = tape->kernels->dot(d, ua + i * d, ub + j * d) / (nn_real)temperature;
            ds[i * n + j] = 0;
        }
    double loss = 0;
    for (int way = 0; way < 2; way++) {
        size_t row = way ? 1 : n, column = way ? n : 1;
        for (size_t i = 0; i < n; i++) {
            double top = -(double)INFINITY, sum = 0, mass = 0;
            for (size_t j = 0; j < n; j++) {
                top = BASE_MAX(top, (double)s[i * row + j * column]);
                mass += target ? (double)target[i * row + j * column] : i == j;
            }
            if (mass <= 0) continue;
            for (size_t j = 0; j < n; j++) sum += exp(s[i * row + j * column] - top);
            for (size_t j = 0; j < n; j++) {
                size_t at = i * row + j * column;
                double t = (target ? (double)target[at] : i == j) / mass;
                double log_p = s[at] - top - log(sum);
                if (t > 0) loss -= .5 * t * log_p;
                ds[at] += (nn_real)(.5 * (exp(log_p) - t) * scale / temperature);
            }
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            tape->kernels->axpy(d, ds[i * n + j], ub + j * d, slope_a + i * d);
            tape->kernels->axpy(d, ds[i * n + j], ua + i * d, slope_b + j * d);
        }
    through_norm(tape, n, d, ua, norm_a, slope_a);
    through_norm(tape, n, d, ub, norm_b, slope_b);
    return finish(tape, a, slope_a, b, slope_b, loss * scale);
}

nn_tensor *nn_info_nce(nn_tape *tape, nn_tensor *a, nn_tensor *b, double temperature,
                       double scale) {
    return contrast(tape, "info_nce", a, b, NULL, temperature, scale);
}

nn_tensor *nn_soft_contrast(nn_tape *tape, nn_tensor *a, nn_tensor *b, const nn_real *target,
                            double temperature, double scale) {
    return contrast(tape, "soft_contrast", a, b, target, temperature, scale);
}

nn_tensor *nn_rank_n_contrast(nn_tape *tape, nn_tensor *x, const nn_real *label, size_t label_width,
                              double temperature, double scale) {
    if (!x || !is_matrix(tape, "rank_n_contrast", x)) return NULL;
    size_t n = x->shape.d[0], d = x->shape.d[1];
    nn_real *slope = slope_of(tape, x), *distance = nn_tape_alloc(tape, n * n);
    nn_real *apart = nn_tape_alloc(tape, n * n), *ds = nn_tape_alloc(tape, n * n);
    if (!slope || !distance || !apart || !ds) return NULL;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double far = 0, label_far = 0;
            for (size_t k = 0; k < d; k++) {
                double gap = (double)x->data[i * d + k] - x->data[j * d + k];
                far += gap * gap;
            }
            for (size_t k = 0; k < label_width; k++) {
                double gap = (double)label[i * label_width + k] - label[j * label_width + k];
                label_far += gap * gap;
            }
            distance[i * n + j] = (nn_real)sqrt(far + 1e-12);
            apart[i * n + j] = (nn_real)label_far;
            ds[i * n + j] = 0; /* of -distance / temperature */
        }
    double loss = 0, share = n > 1 ? 1 / (double)(n - 1) : 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            if (i == j) continue;
            /* the set of k at least as far from i as j is, in label; j is in it */
            double top = -(double)INFINITY, sum = 0;
            for (size_t k = 0; k < n; k++)
                if (k != i && apart[i * n + k] >= apart[i * n + j])
                    top = BASE_MAX(top, -distance[i * n + k] / temperature);
            for (size_t k = 0; k < n; k++)
                if (k != i && apart[i * n + k] >= apart[i * n + j])
                    sum += exp(-distance[i * n + k] / temperature - top);
            loss += share * (distance[i * n + j] / temperature + top + log(sum));
            for (size_t k = 0; k < n; k++)
                if (k != i && apart[i * n + k] >= apart[i * n + j])
                    ds[i * n + k] +=
                        (nn_real)(share * exp(-distance[i * n + k] / temperature - top) / sum);
            ds[i * n + j] -= (nn_real)share;
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            if (i == j) continue;
            double g = -scale * ds[i * n + j] / (temperature * distance[i * n + j]);
            for (size_t k = 0; k < d; k++) {
                nn_real part = (nn_real)(g * ((double)x->data[i * d + k] - x->data[j * d + k]));
                slope[i * d + k] += part;
                slope[j * d + k] -= part;
            }
        }
    return finish(tape, x, slope, NULL, NULL, loss * scale);
}

/* ---- soft-DTW: value by the forward recursion, slope by the backward one (algorithm 2) ---- */

static double soft_min(double a, double b, double c, double gamma) {
    double least = BASE_MIN(a, BASE_MIN(b, c));
    if (isinf(least)) return least;
    return least - gamma * log(exp((least - a) / gamma) + exp((least - b) / gamma) +
                               exp((least - c) / gamma));
}

nn_tensor *nn_soft_dtw(nn_tape *tape, nn_tensor *x, const nn_real *target, size_t target_length,
                       double gamma, double scale) {
    if (!x || !is_matrix(tape, "soft_dtw", x)) return NULL;
    if (!(gamma > 0) || target_length == 0)
        return nn_fail(tape, AFFECT_ERROR_ARGUMENT,
                       "soft_dtw: gamma %g and %zu target steps, wanted both above 0", gamma,
                       target_length);
    size_t n = x->shape.d[0], m = target_length, d = x->shape.d[1], w = m + 2;
    nn_real *slope = slope_of(tape, x);
    double *cost = nn_tape_bytes_alloc(tape, (n + 2) * w * sizeof *cost);
    double *r = nn_tape_bytes_alloc(tape, (n + 2) * w * sizeof *r);
    double *e = nn_tape_bytes_alloc(tape, (n + 2) * w * sizeof *e);
    if (!slope || !cost || !r || !e) return NULL;
    for (size_t i = 0; i < (n + 2) * w; i++) {
        cost[i] = e[i] = 0;
        r[i] = INFINITY;
    }
    r[0] = 0;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            double sum = 0;
            for (size_t k = 0; k < d; k++) {
                double gap = (double)x->data[(i - 1) * d + k] - target[(j - 1) * d + k];
                sum += gap * gap;
            }
            cost[i * w + j] = sum;
            r[i * w + j] =
                sum + soft_min(r[(i - 1) * w + j], r[i * w + j - 1], r[(i - 1) * w + j - 1], gamma);
        }
    double loss = r[n * w + m];
    for (size_t i = 0; i <= n; i++) r[i * w + m + 1] = -(double)INFINITY;
    for (size_t j = 0; j <= m; j++) r[(n + 1) * w + j] = -(double)INFINITY;
    r[(n + 1) * w + m + 1] = loss;
    e[(n + 1) * w + m + 1] = 1;
    for (size_t i = n; i >= 1; i--)
        for (size_t j = m; j >= 1; j--) {
            double here = r[i * w + j];
            size_t down = (i + 1) * w + j, right = i * w + j + 1, both = (i + 1) * w + j + 1;
            double a = exp((r[down] - here - cost[down]) / gamma);
            double b = exp((r[right] - here - cost[right]) / gamma);
            double c = exp((r[both] - here - cost[both]) / gamma);
            e[i * w + j] = a * e[down] + b * e[right] + c * e[both];
            for (size_t k = 0; k < d; k++)
                slope[(i - 1) * d + k] +=
                    (nn_real)(scale * e[i * w + j] * 2 *
                              ((double)x->data[(i - 1) * d + k] - target[(j - 1) * d + k]));
        }
    return finish(tape, x, slope, NULL, NULL, loss * scale);
}
