/* The multimodal transformer of Tsai et al. 2019 (MulT) at a given size, for the speed comparison
 * and the parity test: 6 cross-modal and 3 self-attention encoders, the last time step, two
 * residual linear layers. bench/mult.py is the same network in PyTorch; parameters have the same
 * names. */
#ifndef BENCH_MULT_H
#define BENCH_MULT_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/nn.h"

enum { MULT_MODALITIES = 3, MULT_MAX_LAYERS = 8 };

typedef struct mult_layer {
    int norm_a, norm_a_bias, norm_b, norm_b_bias;
    int q, q_bias, k, k_bias, v, v_bias, out, out_bias;
    int fc1, fc1_bias, fc2, fc2_bias;
} mult_layer;

typedef struct mult_encoder {
    mult_layer layer[MULT_MAX_LAYERS];
    int norm, norm_bias;
    size_t width;
} mult_encoder;

typedef struct mult {
    size_t input[MULT_MODALITIES], length[MULT_MODALITIES], width, heads, layers, outputs;
    double dropout;
    nn_params *params;
    int project[MULT_MODALITIES];
    mult_encoder cross[MULT_MODALITIES][MULT_MODALITIES], self[MULT_MODALITIES];
    int fc1, fc1_bias, fc2, fc2_bias, out, out_bias;
    nn_real *position[MULT_MODALITIES][2]; /* sinusoids of width and 2 width */
} mult;

static inline int mult_weight(mult *m, const char *stem, const char *leaf, size_t in, size_t out) {
    char name[96];
    snprintf(name, sizeof name, "%s.%s", stem, leaf);
    return nn_param_add(m->params, name, NN_SHAPE(in, out), NN_WEIGHT,
                        sqrt(2. / (double)(in + out)), 0);
}

static inline int mult_vector(mult *m, const char *stem, const char *leaf, size_t n, double fill) {
    char name[96];
    snprintf(name, sizeof name, "%s.%s", stem, leaf);
    return nn_param_add(m->params, name, NN_SHAPE(n), NN_BIAS, 0, fill);
}

static inline void mult_add_encoder(mult *m, mult_encoder *e, const char *stem, size_t d) {
    e->width = d;
    for (size_t i = 0; i < m->layers; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.%zu", stem, i);
        mult_layer *l = &e->layer[i];
        l->norm_a = mult_vector(m, name, "norm_a", d, 1);
        l->norm_a_bias = mult_vector(m, name, "norm_a_bias", d, 0);
        l->norm_b = mult_vector(m, name, "norm_b", d, 1);
        l->norm_b_bias = mult_vector(m, name, "norm_b_bias", d, 0);
        l->q = mult_weight(m, name, "q", d, d);
        l->q_bias = mult_vector(m, name, "q_bias", d, 0);
        l->k = mult_weight(m, name, "k", d, d);
        l->k_bias = mult_vector(m, name, "k_bias", d, 0);
        l->v = mult_weight(m, name, "v", d, d);
        l->v_bias = mult_vector(m, name, "v_bias", d, 0);
        l->out = mult_weight(m, name, "out", d, d);
        l->out_bias = mult_vector(m, name, "out_bias", d, 0);
        l->fc1 = mult_weight(m, name, "fc1", d, 4 * d);
        l->fc1_bias = mult_vector(m, name, "fc1_bias", 4 * d, 0);
        l->fc2 = mult_weight(m, name, "fc2", 4 * d, d);
        l->fc2_bias = mult_vector(m, name, "fc2_bias", d, 0);
    }
    e->norm = mult_vector(m, stem, "norm", d, 1);
    e->norm_bias = mult_vector(m, stem, "norm_bias", d, 0);
}

/* The caller has filled in sizes and params. False on failure. */
static inline bool mult_init(mult *m) {
    for (size_t a = 0; a < MULT_MODALITIES; a++) {
        char name[32];
        snprintf(name, sizeof name, "project%zu", a);
        m->project[a] = mult_weight(m, name, "w", m->input[a], m->width);
        for (size_t b = 0; b < MULT_MODALITIES; b++) {
            snprintf(name, sizeof name, "cross%zu%zu", a, b);
            if (a != b) mult_add_encoder(m, &m->cross[a][b], name, m->width);
        }
        snprintf(name, sizeof name, "self%zu", a);
        mult_add_encoder(m, &m->self[a], name, 2 * m->width);
        for (size_t k = 0; k < 2; k++) {
            size_t d = m->width << k, t = m->length[a];
            nn_real *p = m->position[a][k] = base_alloc(t * d * sizeof *p);
            if (!p) return false;
            for (size_t i = 0; i < t; i++)
                for (size_t c = 0; c < d; c++) {
                    double angle = (double)(i + 1) * pow(10000, -(double)(c / 2 * 2) / (double)d);
                    p[i * d + c] = (nn_real)(c % 2 ? cos(angle) : sin(angle));
                }
        }
    }
    size_t d = 2 * m->width * MULT_MODALITIES;
    m->fc1 = mult_weight(m, "head", "fc1", d, d);
    m->fc1_bias = mult_vector(m, "head", "fc1_bias", d, 0);
    m->fc2 = mult_weight(m, "head", "fc2", d, d);
    m->fc2_bias = mult_vector(m, "head", "fc2_bias", d, 0);
    m->out = mult_weight(m, "head", "out", d, m->outputs);
    m->out_bias = mult_vector(m, "head", "out_bias", m->outputs, 0);
    return m->params->status == AFFECT_OK;
}

static inline void mult_clear(mult *m) {
    for (size_t a = 0; a < MULT_MODALITIES; a++)
        for (size_t k = 0; k < 2; k++) base_free(m->position[a][k]);
}

/* x sqrt(d) + position, for n samples */
static inline nn_tensor *mult_place(const mult *m, nn_tape *t, nn_tensor *x, size_t modality,
                                    size_t n) {
    if (!x) return NULL;
    size_t d = x->shape.d[2], count = m->length[modality] * d;
    nn_real *all = nn_tape_alloc(t, n * count);
    if (!all) return NULL;
    for (size_t i = 0; i < n; i++)
        memcpy(all + i * count, m->position[modality][d != m->width], count * sizeof *all);
    return nn_add(t, nn_scale(t, x, sqrt((double)d)), nn_input(t, x->shape, all));
}

static inline nn_tensor *mult_encode(const mult *m, nn_tape *t, const mult_encoder *e, nn_tensor *x,
                                     nn_tensor *source) {
    nn_attention_options o = {.heads = m->heads, .dropout = m->dropout};
    for (size_t i = 0; i < m->layers; i++) {
        const mult_layer *l = &e->layer[i];
        nn_tensor *y = nn_layer_norm(t, x, l->norm_a, l->norm_a_bias);
        nn_tensor *s = source ? nn_layer_norm(t, source, l->norm_a, l->norm_a_bias) : y;
        y = nn_attention(t, nn_linear(t, y, l->q, l->q_bias), nn_linear(t, s, l->k, l->k_bias),
                         nn_linear(t, s, l->v, l->v_bias), &o);
        y = nn_dropout(t, nn_linear(t, y, l->out, l->out_bias), m->dropout);
        x = nn_add(t, x, y);
        y = nn_layer_norm(t, x, l->norm_b, l->norm_b_bias);
        y = nn_dropout(t, nn_relu(t, nn_linear(t, y, l->fc1, l->fc1_bias)), m->dropout);
        y = nn_dropout(t, nn_linear(t, y, l->fc2, l->fc2_bias), m->dropout);
        x = nn_add(t, x, y);
    }
    return nn_layer_norm(t, x, e->norm, e->norm_bias);
}

/* Output of the self-attention encoder of modality a: [n, 2 width] at the last step. */
static inline nn_tensor *mult_modality(const mult *m, nn_tape *t, nn_tensor *const *projected,
                                       size_t a, size_t n) {
    nn_tensor *parts[2];
    size_t count = 0, last[64];
    for (size_t b = 0; b < MULT_MODALITIES; b++)
        if (a != b)
            parts[count++] =
                mult_encode(m, t, &m->cross[a][b], mult_place(m, t, projected[a], a, n),
                            mult_place(m, t, projected[b], b, n));
    nn_tensor *x = mult_place(m, t, nn_concat(t, parts, 2), a, n);
    x = mult_encode(m, t, &m->self[a], x, NULL);
    for (size_t i = 0; i < n; i++) last[i] = m->length[a] - 1;
    return nn_step(t, x, last);
}

static inline nn_tensor *mult_head(const mult *m, nn_tape *t, nn_tensor *const *ends) {
    nn_tensor *x = nn_concat(t, ends, MULT_MODALITIES);
    nn_tensor *y = nn_relu(t, nn_linear(t, x, m->fc1, m->fc1_bias));
    y = nn_linear(t, nn_dropout(t, y, m->dropout), m->fc2, m->fc2_bias);
    return nn_linear(t, nn_add(t, x, y), m->out, m->out_bias);
}

/* input[a]: [n, length, input] -> [n, outputs] */
static inline nn_tensor *mult_forward(const mult *m, nn_tape *t, const nn_real *const *input,
                                      size_t n) {
    nn_tensor *projected[MULT_MODALITIES], *ends[MULT_MODALITIES];
    for (size_t a = 0; a < MULT_MODALITIES; a++) {
        nn_tensor *x = nn_input(t, NN_SHAPE(n, m->length[a], m->input[a]), input[a]);
        projected[a] = nn_linear(t, x, m->project[a], -1);
    }
    for (size_t a = 0; a < MULT_MODALITIES; a++) ends[a] = mult_modality(m, t, projected, a, n);
    return mult_head(m, t, ends);
}

#endif
