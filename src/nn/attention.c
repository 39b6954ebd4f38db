/* Multi-head attention over the tiled kernels: heads are laid out [width][time] once, so that the
 * inner loops run along time. */
#include "nn/tape.h"

typedef struct attention_node {
    nn_node node;
    nn_tensor *q, *k, *v, *y;
    size_t n, queries, keys, heads, kv_heads, width, query_stride, key_stride;
    nn_real *qt, *kt, *vt, *yt, *lse, *bias; /* per sample and head; bias per sample */
    nn_real keep;
    bool causal;
    uint64_t seed;
} attention_node;

/* x[t][d] of one sample -> out[d][stride], zero-padded */
static void to_lanes(const nn_real *x, size_t t, size_t d, size_t stride, nn_real *out) {
    for (size_t c = 0; c < d; c++) memset(out + c * stride + t, 0, (stride - t) * sizeof *out);
    for (size_t start = 0; start < t; start += 16) { /* blocks of 16 steps stay in cache */
        size_t end = BASE_MIN(t, start + 16);
        for (size_t c = 0; c < d; c++)
            for (size_t i = start; i < end; i++) out[c * stride + i] = x[i * d + c];
    }
}

static void from_lanes(const nn_real *x, size_t t, size_t d, size_t stride, bool add,
                       nn_real *out) {
    for (size_t start = 0; start < t; start += 16) {
        size_t end = BASE_MIN(t, start + 16);
        for (size_t c = 0; c < d; c++)
            for (size_t i = start; i < end; i++)
                out[i * d + c] = add ? out[i * d + c] + x[c * stride + i] : x[c * stride + i];
    }
}

/* The head of keys that a head of queries asks: neighbours share one (Ainslie et al. 2023). */
static size_t key_head(const attention_node *op, size_t head) {
    return head / (op->heads / op->kv_heads);
}

static nn_attention_shape shape_of(const attention_node *op, size_t n, size_t head) {
    return (nn_attention_shape){
        .queries = op->queries,
        .keys = op->keys,
        .width = op->width,
        .scale = 1 / NN_SQRT((nn_real)op->width),
        .causal = op->causal,
        .bias = op->bias + n * op->key_stride,
        .keep = op->keep,
        .seed = op->seed + 0x9e3779b97f4a7c15u * (n * op->heads + head),
    };
}

static void attention_backward(nn_tape *tape, nn_node *note) {
    attention_node *op = (attention_node *)note;
    if (!op->y->grad) return;
    size_t d = op->heads * op->width, qs = op->query_stride, ks = op->key_stride;
    size_t kd = op->kv_heads * op->width;
    bool add_q, add_k, add_v;
    nn_real *dq = nn_grad_into(tape, op->q, &add_q);
    nn_real *dk = nn_grad_into(tape, op->k, &add_k);
    nn_real *dv = nn_grad_into(tape, op->v, &add_v);
    /* q, k and v may be one tensor: then each writes after the other and must add */
    add_k |= op->k == op->q;
    add_v |= op->v == op->q || op->v == op->k;
    nn_mark mark = nn_tape_mark(tape);
    nn_real *lanes = nn_tape_alloc(tape, 2 * d * qs + 2 * kd * ks);
    nn_real *scratch = nn_tape_alloc(tape, nn_attention_scratch(op->keys, op->width));
    if (!lanes || !scratch) return;
    nn_real *dyt = lanes, *dqt = dyt + d * qs, *dkt = dqt + d * qs, *dvt = dkt + kd * ks;
    for (size_t n = 0; n < op->n; n++) {
        to_lanes(op->y->grad + n * op->queries * d, op->queries, d, qs, dyt);
        memset(dqt, 0, (d * qs + 2 * kd * ks) * sizeof *dqt);
        for (size_t h = 0; h < op->heads; h++) {
            nn_attention_shape shape = shape_of(op, n, h);
            size_t q_at = h * op->width * qs, k_at = key_head(op, h) * op->width * ks;
            tape->kernels->attention_backward(
                &shape, op->qt + n * d * qs + q_at, op->kt + n * kd * ks + k_at,
                op->vt + n * kd * ks + k_at, qs, ks, op->yt + n * d * qs + q_at, dyt + q_at,
                op->lse + (n * op->heads + h) * qs, dqt + q_at, dkt + k_at, dvt + k_at, scratch);
        }
        if (dq) from_lanes(dqt, op->queries, d, qs, add_q, dq + n * op->queries * d);
        if (dk) from_lanes(dkt, op->keys, kd, ks, add_k, dk + n * op->keys * kd);
        if (dv) from_lanes(dvt, op->keys, kd, ks, add_v, dv + n * op->keys * kd);
    }
    nn_tape_release(tape, mark);
}

/* Additive bias per key: time bias, -inf beyond each sample's length and in the padding. */
static nn_real *make_bias(nn_tape *tape, size_t n, size_t keys, size_t stride,
                          const nn_attention_options *o) {
    nn_real *bias = nn_tape_alloc(tape, n * stride);
    if (!bias) return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t valid = o->key_length ? o->key_length[i] : keys;
        if (valid > keys) {
            nn_fail(tape, AFFECT_ERROR_SHAPE, "attention: sample %zu has %zu valid keys of %zu", i,
                    valid, keys);
            return NULL;
        }
        for (size_t j = 0; j < stride; j++)
            bias[i * stride + j] = j >= valid     ? -(nn_real)INFINITY
                                   : o->time_bias ? o->time_bias[i * keys + j]
                                                  : 0;
    }
    return bias;
}

nn_tensor *nn_attention(nn_tape *tape, nn_tensor *q, nn_tensor *k, nn_tensor *v,
                        const nn_attention_options *o) {
    if (!q || !k || !v) return NULL;
    nn_shape a = q->shape, b = k->shape;
    size_t kv_heads = o->kv_heads ? o->kv_heads : o->heads;
    bool shared = o->heads && o->heads % kv_heads == 0 && kv_heads != o->heads;
    size_t key_width = shared ? a.d[2] / o->heads * kv_heads : a.d[2];
    if (a.rank != 3 || b.rank != 3 || a.d[0] != b.d[0] || b.d[2] != key_width)
        return nn_fail_shapes(tape, "attention", "q [n, tq, d]", a, "k [n, tk, d]", b);
    if (!nn_shape_equal(b, v->shape))
        return nn_fail_shapes(tape, "attention", "k [n, tk, d]", b, "v [n, tk, d]", v->shape);
    if (o->heads == 0 || a.d[2] % o->heads || o->heads % kv_heads)
        return nn_fail_shapes(tape, "attention", "q", a, "the number of heads", NN_SHAPE(o->heads));
    size_t n = a.d[0], d = a.d[2], kd = b.d[2], qs = nn_attention_padded(a.d[1]),
           ks = nn_attention_padded(b.d[1]);
    bool dropping = tape->training && o->dropout > 0;
    attention_node local = {.q = q,
                            .k = k,
                            .v = v,
                            .n = n,
                            .queries = a.d[1],
                            .keys = b.d[1],
                            .heads = o->heads,
                            .kv_heads = kv_heads,
                            .width = d / o->heads,
                            .query_stride = qs,
                            .key_stride = ks,
                            .causal = o->causal,
                            .keep = dropping ? (nn_real)(1 - o->dropout) : 1};
    local.seed = dropping ? nn_draw(tape) : 0;
    nn_tensor *y = local.y = nn_new(tape, a);
    local.bias = make_bias(tape, n, b.d[1], ks, o);
    /* Training keeps the laid-out inputs of every sample for the way back; inference needs one. */
    size_t kept = tape->grad ? n : 1;
    nn_mark mark = nn_tape_mark(tape);
    local.qt = nn_tape_alloc(tape, kept * 2 * (d * qs + kd * ks));
    local.lse = nn_tape_alloc(tape, kept * o->heads * qs);
    if (!y || !local.bias || !local.qt || !local.lse) return NULL;
    local.kt = local.qt + kept * d * qs;
    local.vt = local.kt + kept * kd * ks;
    local.yt = local.vt + kept * kd * ks;
    attention_node *op = nn_note(tape, sizeof *op, attention_backward);
    if (tape->status != AFFECT_OK) return NULL;
    nn_mark inner = nn_tape_mark(tape);
    nn_real *scratch = nn_tape_alloc(tape, nn_attention_scratch(b.d[1], local.width));
    if (!scratch) return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t at = tape->grad ? i : 0;
        nn_real *qt = local.qt + at * d * qs, *kt = local.kt + at * kd * ks,
                *vt = local.vt + at * kd * ks, *yt = local.yt + at * d * qs;
        to_lanes(q->data + i * a.d[1] * d, a.d[1], d, qs, qt);
        to_lanes(k->data + i * b.d[1] * kd, b.d[1], kd, ks, kt);
        to_lanes(v->data + i * b.d[1] * kd, b.d[1], kd, ks, vt);
        for (size_t h = 0; h < o->heads; h++) {
            nn_attention_shape shape = shape_of(&local, i, h);
            size_t q_at = h * local.width * qs, k_at = key_head(&local, h) * local.width * ks;
            tape->kernels->attention_forward(&shape, qt + q_at, kt + k_at, vt + k_at, qs, ks,
                                             yt + q_at, local.lse + (at * o->heads + h) * qs,
                                             scratch);
        }
        from_lanes(yt, a.d[1], d, qs, false, y->data + i * a.d[1] * d);
    }
    nn_tape_release(tape, inner);
    if (op) {
        local.node = op->node;
        *op = local;
    } else {
        nn_tape_release(tape, mark);
    }
    return y;
}
