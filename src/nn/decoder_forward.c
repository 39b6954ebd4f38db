/* A decoder on a tape: see decoder.h. */
#include "nn/decoder_private.h"

typedef struct pass {
    const nn_decoder *d;
    const nn_lora *lora;
    const nn_cache *cache;
    nn_real *turn;
} pass;

static nn_tensor *apply(const pass *p, size_t layer, nn_target target, nn_tape *tape,
                        nn_tensor *x) {
    const nn_decoder_layer *l = &p->d->layers[layer];
    nn_tensor *y = nn_project(tape, x, &l->weight[target], &l->bias[target]);
    if (!p->lora) return y;
    const nn_matrix *a = &p->lora->a[layer * NN_TARGETS + target],
                    *b = &p->lora->b[layer * NN_TARGETS + target];
    if (!nn_matrix_given(a)) return y;
    nn_tensor *low = nn_project(tape, x, a, NULL);
    return nn_add(tape, y, nn_scale(tape, nn_project(tape, low, b, NULL), p->lora->scale));
}

/* Keys or values of all steps so far. */
static nn_tensor *remember(const pass *p, size_t layer, nn_real *all, nn_tape *tape, nn_tensor *x) {
    if (!x) return NULL;
    size_t width = x->shape.d[2];
    nn_real *own = all + layer * p->cache->context * width;
    memcpy(own + p->cache->used * width, x->data, x->count * sizeof *own);
    return nn_input(tape, NN_SHAPE(1, p->cache->used + x->shape.d[1], width), own);
}

static nn_tensor *run_layer(void *user, size_t i, nn_tape *tape, nn_tensor *x) {
    const pass *p = user;
    const nn_decoder_shape *s = &p->d->shape;
    const nn_decoder_layer *l = &p->d->layers[i];
    const nn_attention_options attention = {
        .heads = s->heads, .kv_heads = s->kv_heads, .causal = true};
    nn_rotary rotary = {.heads = s->heads,
                        .width = s->head_width,
                        .rotated = s->rotated,
                        .halves = s->halves,
                        .turn = p->turn};
    nn_tensor *h = nn_rms_norm(tape, x, &l->attention_norm, s->epsilon);
    nn_tensor *q = apply(p, i, NN_TARGET_Q, tape, h), *k = apply(p, i, NN_TARGET_K, tape, h);
    nn_tensor *v = apply(p, i, NN_TARGET_V, tape, h);
    if (nn_matrix_given(&l->q_norm)) q = nn_rms_norm(tape, q, &l->q_norm, s->epsilon);
    if (nn_matrix_given(&l->k_norm)) k = nn_rms_norm(tape, k, &l->k_norm, s->epsilon);
    q = nn_rotate(tape, q, &rotary);
    rotary.heads = s->kv_heads;
    k = nn_rotate(tape, k, &rotary);
    if (p->cache) {
        k = remember(p, i, p->cache->keys, tape, k);
        v = remember(p, i, p->cache->values, tape, v);
    }
    x = nn_add(tape, x,
               apply(p, i, NN_TARGET_OUTPUT, tape, nn_attention(tape, q, k, v, &attention)));
    h = nn_rms_norm(tape, x, &l->feed_norm, s->epsilon);
    h = nn_swiglu(tape, apply(p, i, NN_TARGET_GATE, tape, h), apply(p, i, NN_TARGET_UP, tape, h));
    return nn_add(tape, x, apply(p, i, NN_TARGET_DOWN, tape, h));
}

/* Cosines and sines of t steps from `first` on. The angle comes about by repeated products in float, as in
 * llama.cpp (ggml_rope_cache_init): far out in a text its rounding is more than what else differs. */
static nn_real *make_turn(const nn_decoder *d, nn_tape *tape, size_t first, size_t t) {
    size_t rotated = d->shape.rotated;
    nn_real *turn = nn_tape_alloc(tape, t * rotated);
    float ratio = powf((float)d->shape.base, -2.F / (float)rotated);
    for (size_t i = 0; turn && i < t; i++) {
        float angle = (float)(first + i);
        for (size_t j = 0; j < rotated / 2; j++, angle *= ratio) {
            float at =
                angle / (d->stretch ? (float)d->stretch[j] : 1.F) * (float)(1 / d->shape.stretch);
            turn[i * rotated + 2 * j] = (nn_real)cosf(at);
            turn[i * rotated + 2 * j + 1] = (nn_real)sinf(at);
        }
    }
    return turn;
}

nn_tensor *nn_decoder_run(const nn_decoder *d, nn_tape *tape, const nn_lora *lora, nn_tensor *x,
                          bool recompute, const nn_cache *cache) {
    if (!x) return NULL;
    if (x->shape.rank != 3 || x->shape.d[2] != d->shape.width)
        return nn_fail_shapes(tape, "decoder", "x [n, t, width]", x->shape, "width",
                              NN_SHAPE(d->shape.width));
    pass *p = nn_tape_bytes_alloc(tape, sizeof *p);
    nn_real *turn = make_turn(d, tape, cache ? cache->used : 0, x->shape.d[1]);
    if (!p || !turn) return NULL;
    *p = (pass){.d = d, .lora = lora, .cache = cache, .turn = turn};
    for (size_t i = 0; i < d->shape.layers; i++)
        x = recompute ? nn_checkpoint(tape, x, run_layer, p, i) : run_layer(p, i, tape, x);
    return nn_rms_norm(tape, x, &d->norm, d->shape.epsilon);
}

nn_tensor *nn_decoder_hidden(const nn_decoder *d, nn_tape *tape, const nn_lora *lora, nn_tensor *x,
                             bool recompute) {
    return nn_decoder_run(d, tape, lora, x, recompute, NULL);
}

nn_tensor *nn_decoder_logits(const nn_decoder *d, nn_tape *tape, nn_tensor *hidden) {
    return nn_project(tape, hidden, &d->head, NULL);
}

nn_tensor *nn_decoder_loss(const nn_decoder *d, nn_tape *tape, nn_tensor *hidden,
                           const int32_t *target, double scale) {
    return nn_token_loss(tape, hidden, &d->head, target, scale);
}

nn_tensor *nn_decoder_embed(const nn_decoder *d, nn_tape *tape, const int32_t *tokens,
                            nn_shape shape, nn_tensor *soft) {
    size_t n = nn_shape_count(shape), rows = soft ? soft->shape.d[0] : 0;
    int32_t *index = nn_tape_bytes_alloc(tape, 2 * n * sizeof *index), *at = index + n;
    if (!index) return NULL;
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        index[i] = tokens[i];
        at[i] = tokens[i] <= -2 ? -2 - tokens[i] : -1;
        any |= at[i] >= 0;
        if (at[i] >= 0 && (size_t)at[i] >= rows)
            return nn_fail(tape, AFFECT_ERROR_ARGUMENT, "decoder: soft token %d of %zu", (int)at[i],
                           rows);
    }
    nn_tensor *x = nn_lookup(tape, &d->table, index, shape);
    if (!any) return x;
    shape.d[shape.rank++] = d->shape.width;
    return nn_add(tape, x, nn_reshape(tape, nn_rows(tape, soft, at, n), shape));
}
