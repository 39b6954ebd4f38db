/* Every operation's gradient against central differences, in double precision: the same source as
 * the library, compiled over double. A failure names the operation and the tensor. */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "nn/decoder.h"
#include "nn/fusion.h"
#include "nn/kernels.h"
#include "nn/nn.h"
#include "nn/projector.h"
#include "nn/transformer.h"

enum { MAX_INPUTS = 4 };

typedef struct bench {
    affect_context *ctx;
    nn_params *params;
    nn_tape *tape;
    nn_real *data[MAX_INPUTS];
    nn_shape shape[MAX_INPUTS];
    nn_tensor *in[MAX_INPUTS];
    size_t inputs;
    uint64_t draws;
    bool inference;
    nn_fusion *net; /* owns the parameters, and copies its inputs */
} bench;

static double uniform(uint64_t *draws) {
    return ((double)nn_hash64(77, (*draws)++) + .5) / 4294967296. * 2 - 1;
}

static void start(bench *b) {
    memset(b, 0, sizeof *b);
    assert_int_equal(affect_context_create(&b->ctx), AFFECT_OK);
    assert_int_equal(nn_params_create(b->ctx, 5, &b->params), AFFECT_OK);
}

static void input(bench *b, nn_shape shape) {
    size_t n = nn_shape_count(shape);
    b->shape[b->inputs] = shape;
    b->data[b->inputs] = base_alloc_aligned(64, n * sizeof(nn_real));
    assert_non_null(b->data[b->inputs]);
    for (size_t i = 0; i < n; i++) b->data[b->inputs][i] = uniform(&b->draws);
    b->inputs++;
}

/* The scalar: a fixed random projection of the operation's result, so that no slope is lost by
 * symmetry. */
static nn_tensor *project(bench *b, nn_tensor *y) {
    if (!y || y->count == 1) return y;
    nn_real *weights = nn_tape_alloc(b->tape, y->count);
    assert_non_null(weights);
    uint64_t draws = 1000000;
    for (size_t i = 0; i < y->count; i++) weights[i] = uniform(&draws);
    return nn_sum(b->tape, nn_mul(b->tape, y, nn_input(b->tape, y->shape, weights)));
}

typedef nn_tensor *(*case_fn)(bench *b);

static double value(bench *b, case_fn run, nn_real *grad) {
    nn_tape_begin(b->tape, !b->inference, 42, grad);
    for (size_t i = 0; i < b->inputs; i++) b->in[i] = nn_variable(b->tape, b->shape[i], b->data[i]);
    nn_tensor *y = project(b, run(b));
    if (!y) fail_msg("%s", affect_context_message(b->ctx));
    if (grad) assert_int_equal(nn_backward(b->tape, y), AFFECT_OK);
    return *y->data;
}

static void compare(const char *name, const char *tensor, size_t i, double analytic, double slope,
                    double scale) {
    double error = fabs(analytic - slope);
    if (!(error <= 2e-6 * BASE_MAX(scale, 1)))
        fail_msg("%s: gradient of %s[%zu] is %.9g, differences give %.9g", name, tensor, i,
                 analytic, slope);
}

static void check(bench *b, const char *name, case_fn run) {
    assert_int_equal(b->params->status, AFFECT_OK);
    assert_int_equal(nn_tape_create(b->ctx, b->params, &b->tape), AFFECT_OK);
    size_t size = BASE_MAX(b->params->size, (size_t)16);
    nn_real *grad = base_calloc(size, sizeof *grad), *scratch = base_calloc(size, sizeof *scratch);
    assert_non_null(grad);
    assert_non_null(scratch);
    value(b, run, grad);
    nn_real *slopes[MAX_INPUTS] = {0};
    for (size_t k = 0; k < b->inputs; k++) {
        size_t n = nn_shape_count(b->shape[k]);
        slopes[k] = base_calloc(n, sizeof(nn_real));
        if (b->in[k]->grad) memcpy(slopes[k], b->in[k]->grad, n * sizeof(nn_real));
    }
    const double h = 1e-5;
    double largest = 0;
    for (size_t i = 0; i < size; i++) largest = BASE_MAX(largest, fabs(grad[i]));
    for (size_t k = 0; k < b->inputs && !b->net; k++) {
        char label[16];
        snprintf(label, sizeof label, "input %zu", k);
        size_t n = nn_shape_count(b->shape[k]), step = n > 400 ? n / 200 : 1;
        for (size_t i = 0; i < n; i += step) {
            nn_real keep = b->data[k][i];
            b->data[k][i] = keep + h;
            double up = value(b, run, scratch);
            b->data[k][i] = keep - h;
            double down = value(b, run, scratch);
            b->data[k][i] = keep;
            compare(name, label, i, slopes[k][i], (up - down) / (2 * h), fabs(slopes[k][i]));
        }
    }
    bool any = b->inputs > 0;
    for (size_t p = 0; p < b->params->count; p++) {
        const nn_param *item = &b->params->items[p];
        if (item->kind == NN_STATISTIC || item->frozen) continue;
        size_t step = item->count > 400 ? item->count / 200 : 1;
        for (size_t i = 0; i < item->count; i += step) {
            nn_real *at = b->params->value + item->offset + i, keep = *at;
            *at = keep + h;
            double up = value(b, run, scratch);
            *at = keep - h;
            double down = value(b, run, scratch);
            *at = keep;
            compare(name, item->name, i, grad[item->offset + i], (up - down) / (2 * h), largest);
            any = true;
        }
    }
    assert_true(any);
    for (size_t k = 0; k < b->inputs; k++) {
        base_free(slopes[k]);
        base_free(b->data[k]);
    }
    base_free(grad);
    base_free(scratch);
    nn_tape_destroy(b->tape);
    if (b->net)
        nn_fusion_destroy(b->net);
    else
        nn_params_destroy(b->params);
    affect_context_destroy(b->ctx);
}

static int weight(bench *b, const char *name, nn_shape shape) {
    return nn_param_add(b->params, name, shape, NN_WEIGHT, .5, 0);
}

/* ---- cases ---- */

static nn_tensor *run_linear(bench *b) { return nn_linear(b->tape, b->in[0], 0, 1); }
static void linear(void **state) {
    (void)state;
    bench b;
    start(&b);
    input(&b, NN_SHAPE(2, 7, 5));
    weight(&b, "w", NN_SHAPE(5, 19));
    weight(&b, "b", NN_SHAPE(19));
    check(&b, "linear", run_linear);
}

static size_t stride, pad;
static nn_tensor *run_conv(bench *b) { return nn_conv2d(b->tape, b->in[0], 0, 1, stride, pad); }
static void conv2d(void **state) {
    (void)state;
    const size_t cases[][8] = {
        /* n h w ci co k stride pad */
        {2, 7, 6, 3, 5, 3, 1, 1},
        {1, 9, 8, 2, 17, 5, 2, 2},
        {2, 5, 5, 4, 4, 1, 2, 0},
        {1, 6, 7, 3, 2, 3, 2, 1},
        {2, 9, 6, 16, 32, 3, 1, 1} /* Winograd */,
        {1, 4, 4, 2, 3, 4, 1, 0},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        const size_t *c = cases[i];
        bench b;
        start(&b);
        input(&b, NN_SHAPE(c[0], c[1], c[2], c[3]));
        weight(&b, "w", NN_SHAPE(c[5], c[5], c[3], c[4]));
        weight(&b, "b", NN_SHAPE(c[4]));
        stride = c[6];
        pad = c[7];
        check(&b, "conv2d", run_conv);
    }
}

static nn_tensor *run_depthwise(bench *b) {
    return nn_depthwise2d(b->tape, b->in[0], 0, 1, stride, pad);
}
static void depthwise2d(void **state) {
    (void)state;
    for (stride = 1; stride <= 2; stride++) {
        bench b;
        start(&b);
        input(&b, NN_SHAPE(2, 6, 5, 9));
        weight(&b, "w", NN_SHAPE(3, 3, 9));
        weight(&b, "b", NN_SHAPE(9));
        pad = 1;
        check(&b, "depthwise2d", run_depthwise);
    }
}

static bool use_other, use_relu;
static nn_tensor *run_batch(bench *b) {
    return nn_batch_norm(b->tape, b->in[0], 0, 1, 2, 3, use_other ? b->in[1] : NULL, use_relu);
}
static void batch_norm(void **state) {
    (void)state;
    for (int i = 0; i < 8; i++) {
        bench b;
        start(&b);
        use_other = i & 1;
        use_relu = i & 2;
        b.inference = i & 4;
        input(&b, NN_SHAPE(2, 5, 3, 6));
        if (use_other) input(&b, NN_SHAPE(2, 5, 3, 6));
        weight(&b, "gain", NN_SHAPE(6));
        weight(&b, "bias", NN_SHAPE(6));
        nn_param_add(b.params, "mean", NN_SHAPE(6), NN_STATISTIC, .1, 0);
        nn_param_add(b.params, "var", NN_SHAPE(6), NN_STATISTIC, 0, 1.3);
        check(&b, "batch_norm", run_batch);
    }
}

static nn_tensor *run_layer(bench *b) { return nn_layer_norm(b->tape, b->in[0], 0, 1); }
static void layer_norm(void **state) {
    (void)state;
    bench b;
    start(&b);
    input(&b, NN_SHAPE(3, 4, 11));
    weight(&b, "gain", NN_SHAPE(11));
    weight(&b, "bias", NN_SHAPE(11));
    check(&b, "layer_norm", run_layer);
}

/* One pass over everything that works on elements; x is used twice, so gradients must add up. */
static nn_tensor *run_elements(bench *b) {
    nn_tape *t = b->tape;
    nn_tensor *x = b->in[0], *y = b->in[1];
    nn_tensor *parts[6] = {
        nn_gelu(t, nn_add(t, x, y)),
        nn_tanh(t, nn_mul(t, x, y)),
        nn_sigmoid(t, nn_scale(t, x, 1.7)),
        nn_softmax(t, nn_add(t, y, x)),
        nn_dropout(t, nn_relu(t, x), .3),
        nn_slice(t, nn_reshape(t, nn_reshape(t, y, NN_SHAPE(36)), NN_SHAPE(4, 9)), 2, 5)};
    return nn_concat(t, parts, 6);
}
static void elements(void **state) {
    (void)state;
    bench b;
    start(&b);
    input(&b, NN_SHAPE(4, 9));
    input(&b, NN_SHAPE(4, 9));
    check(&b, "elements", run_elements);
}

static nn_tensor *run_pools(bench *b) {
    nn_tensor *parts[2] = {nn_max_pool2d(b->tape, b->in[0], 2, 3),
                           nn_mean_pool2d(b->tape, b->in[0], 2, 3)};
    return nn_concat(b->tape, parts, 2);
}
static nn_tensor *run_time_pools(bench *b) {
    const size_t length[2] = {5, 3}, last[2] = {4, 2};
    nn_tensor *parts[6] = {nn_time_pool(b->tape, b->in[0], length, true),
                           nn_time_pool(b->tape, b->in[0], NULL, false),
                           nn_attentive_pool(b->tape, b->in[0], b->in[1], length),
                           nn_step(b->tape, b->in[0], last),
                           nn_time_max(b->tape, b->in[0], length),
                           nn_time_max(b->tape, b->in[0], NULL)};
    return nn_concat(b->tape, parts, 6);
}
static void pools(void **state) {
    (void)state;
    bench b;
    start(&b);
    input(&b, NN_SHAPE(2, 5, 6, 3));
    check(&b, "pool2d", run_pools);
    start(&b);
    input(&b, NN_SHAPE(2, 5, 4));
    input(&b, NN_SHAPE(2, 5, 1));
    check(&b, "time pools", run_time_pools);
}

static const nn_real soft[] = {.2, .5, .3, 0, 0, 0, 0, 1, 0, .25, .25, .5};
static const nn_real class_weight[] = {1, 2.5, .4};
static nn_tensor *run_cross_entropy(bench *b) {
    return nn_cross_entropy(b->tape, b->in[0], soft, class_weight, .7);
}
static void cross_entropy(void **state) {
    (void)state;
    bench b;
    start(&b);
    input(&b, NN_SHAPE(4, 3));
    check(&b, "cross_entropy", run_cross_entropy);
}

/* ---- sequences ---- */

static bool causal, with_lengths, with_bias;
static double dropping;
static nn_tensor *run_attention(bench *b) {
    const size_t length[2] = {19, 7};
    static const nn_real bias[2 * 19] = {.3, -.2, .1, 0, .4};
    nn_attention_options o = {.heads = 2,
                              .causal = causal,
                              .dropout = dropping,
                              .key_length = with_lengths ? length : NULL,
                              .time_bias = with_bias ? bias : NULL};
    return nn_attention(b->tape, b->in[0], b->in[1], b->in[2], &o);
}
static nn_tensor *run_self_attention(bench *b) {
    nn_attention_options o = {.heads = 3};
    return nn_attention(b->tape, b->in[0], b->in[0], b->in[0], &o);
}
static void attention(void **state) {
    (void)state;
    for (int i = 0; i < 16; i++) {
        bench b;
        start(&b);
        causal = i & 1;
        with_lengths = i & 2;
        with_bias = i & 4;
        dropping = i & 8 ? .3 : 0;
        input(&b, NN_SHAPE(2, 6, 8));
        input(&b, NN_SHAPE(2, 19, 8));
        input(&b, NN_SHAPE(2, 19, 8));
        check(&b, "attention", run_attention);
    }
    bench b;
    start(&b);
    input(&b, NN_SHAPE(2, 9, 12));
    check(&b, "self-attention", run_self_attention);
}

static bool reverse;
static nn_tensor *run_gru(bench *b) {
    const size_t length[3] = {5, 1, 3};
    return nn_gru(b->tape, b->in[0], 0, 1, 2, 3, length, reverse);
}
static void gru(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        bench b;
        start(&b);
        reverse = i;
        input(&b, NN_SHAPE(3, 5, 4));
        weight(&b, "w_in", NN_SHAPE(4, 21));
        weight(&b, "w_h", NN_SHAPE(7, 21));
        weight(&b, "b_in", NN_SHAPE(21));
        weight(&b, "b_h", NN_SHAPE(21));
        check(&b, "gru", run_gru);
    }
}

static nn_tensor *run_lstm(bench *b) {
    const size_t length[3] = {5, 1, 3};
    return nn_lstm(b->tape, b->in[0], 0, 1, 2, length, reverse);
}
static void lstm(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        bench b;
        start(&b);
        reverse = i;
        input(&b, NN_SHAPE(3, 5, 4));
        weight(&b, "w_in", NN_SHAPE(4, 24));
        weight(&b, "w_h", NN_SHAPE(6, 24));
        weight(&b, "bias", NN_SHAPE(24));
        check(&b, "lstm", run_lstm);
    }
}

static double reach;
static int slope;
static nn_tensor *run_time_attention(bench *b) {
    const size_t length[2] = {7, 3};
    static const nn_real query[2 * 4] = {0, .5, 1.5, 2, .1, .2, .3, 9},
                                   key[2 * 7] = {.1, .4,  .45, 1.1, 1.9, 2.5, 3,
                                                 .2, .25, 1.3, 0,   0,   0,   0};
    return nn_time_attention(b->tape, b->in[0], b->in[1], b->in[2],
                             &(nn_time_attention_options){.heads = 2,
                                                          .slope = slope,
                                                          .query_time = query,
                                                          .key_time = key,
                                                          .key_length = length,
                                                          .reach = reach});
}
static nn_tensor *run_time_attention_self(bench *b) {
    static const nn_real at[2 * 5] = {0, .5, 1.5, 2, 4, 1, 2, 3, 4, 5};
    return nn_time_attention(
        b->tape, b->in[0], b->in[0], b->in[0],
        &(nn_time_attention_options){
            .heads = 3, .slope = -1, .query_time = at, .key_time = at, .reach = 2});
}
static void time_attention(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        bench b;
        start(&b);
        reach = i & 1 ? .8 : 0;
        slope = i & 2 ? 0 : -1;
        input(&b, NN_SHAPE(2, 4, 6));
        input(&b, NN_SHAPE(2, 7, 6));
        input(&b, NN_SHAPE(2, 7, 6));
        weight(&b, "slope", NN_SHAPE(2));
        check(&b, "time_attention", run_time_attention);
    }
    bench b;
    start(&b);
    input(&b, NN_SHAPE(2, 5, 6));
    check(&b, "time_attention of itself", run_time_attention_self);
}

static nn_tensor *run_rows(bench *b) {
    static const int32_t rows[4] = {5, 0, -1, 5}, group[6] = {0, 2, 2, -1, 0, 2};
    nn_tensor *parts[2] = {nn_rows(b->tape, nn_sine(b->tape, b->in[0]), rows, 4),
                           nn_group_mean(b->tape, b->in[0], group, 4)};
    return nn_concat(b->tape, parts, 2);
}
static void rows(void **state) {
    (void)state;
    bench b;
    start(&b);
    input(&b, NN_SHAPE(2, 3, 5));
    check(&b, "rows", run_rows);
}

static nn_tensor *run_conv1d(bench *b) { return nn_conv1d(b->tape, b->in[0], 0, 1, stride, pad); }
static void conv1d(void **state) {
    (void)state;
    for (stride = 1; stride <= 2; stride++) {
        bench b;
        start(&b);
        pad = 2;
        input(&b, NN_SHAPE(2, 11, 5));
        weight(&b, "w", NN_SHAPE(5, 5, 6));
        weight(&b, "b", NN_SHAPE(6));
        check(&b, "conv1d", run_conv1d);
    }
}

static nn_tensor *run_embeddings(bench *b) {
    static const int32_t index[] = {3, 0, -1, 3, 5, 2};
    static const size_t starts[] = {0, 2, 2, 6};
    static const nn_real weights[] = {.5, 2, 1, -1, .3, .7};
    nn_tensor *parts[3] = {nn_embedding(b->tape, 0, index, NN_SHAPE(3)),
                           nn_embedding_bag(b->tape, 0, index, starts, NULL, 3),
                           nn_embedding_bag(b->tape, 0, index, starts, weights, 3)};
    return nn_concat(b->tape, parts, 3);
}
static void embeddings(void **state) {
    (void)state;
    bench b;
    start(&b);
    weight(&b, "table", NN_SHAPE(6, 4));
    check(&b, "embedding", run_embeddings);
}

/* ---- the fusion network, whole ---- */

static nn_tensor *run_fusion(bench *b) {
    static const nn_real times[2 * 4] = {0, 1, 2, 3, .5, 1.5, 0, 0},
                                   stream_times[2 * 5] = {.1, .4, 1.2, 2.5, 3, .3, .6, 1.4, 0, 0},
                                   lag[2] = {.3, -.2};
    static const nn_real base[8] = {.2, -.4, .1, .3, -.6, .5, 0, 0};
    static const size_t length[2] = {4, 2}, first[2] = {5, 3}, second[2] = {4, 0};
    static const nn_real classes[8 * 2] = {1, 0, .3, .7, 0, 0, 0, 1, .5, .5, 1, 0, 0, 0, 0, 0};
    static const nn_real values[8] = {.1, .5, (nn_real)NAN, -.3,
                                      .7, .2, (nn_real)NAN, (nn_real)NAN};
    static const int32_t frames[8] = {0, 1, 2, 3, 4, 5, -1, -1},
                         episodes[8] = {0, 0, 1, 1, 2, 2, -1, -1};
    static const bool there[6] = {true, true, true, true, false, false};
    static const nn_real label[3 * 2] = {.3, .4, -.2, .1, .6, -.5};
    static const nn_real soft_targets[9] = {1, .3, .2, .3, 1, .6, .2, .6, 1};
    const nn_fusion_batch batch = {.count = 2,
                                   .references = 4,
                                   .times = times,
                                   .length = length,
                                   .base = base,
                                   .streams = {{5, b->data[0], stream_times, first, NULL},
                                               {5, b->data[1], stream_times, second, lag}}};
    const nn_fusion_target target = {
        .classes = classes,
        .values = values,
        .class_weight = .8,
        .value_weight = .7,
        .error_weight = .3,
        .slope_weight = .4,
        .contrast_weight = .5,
        .rank_weight = .3,
        .temperature = .4,
        .own_weight = .6,
        .levels = {{.group = frames, .groups = 6, .present = {NULL, there}},
                   {.group = episodes,
                    .groups = 3,
                    .likeness = soft_targets,
                    .label = label,
                    .label_width = 2}}};
    nn_fusion_result result;
    if (!nn_fusion_forward(b->net, b->tape, &batch, &result)) return NULL;
    return nn_fusion_loss(b->net, b->tape, &batch, &result, &target, 1.3);
}
static void fusion(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        bench b;
        start(&b);
        nn_params_destroy(b.params);
        const nn_fusion_options o = {.streams = 2,
                                     .inputs = {3, 4},
                                     .width = 4,
                                     .path = 6,
                                     .heads = 2,
                                     .context = 3,
                                     .classes = 2,
                                     .values = 1,
                                     .reach = i & 1 ? 1.1 : 0,
                                     .dropout = i & 1 ? .2 : 0,
                                     .nearest = i & 2,
                                     .apart = i & 2,
                                     .based = i & 4,
                                     .steep = 4,
                                     .attached = true};
        assert_int_equal(nn_fusion_create(b.ctx, &o, 3, &b.net), AFFECT_OK);
        b.params = nn_fusion_params(b.net);
        input(&b, NN_SHAPE(2, 5, 3));
        input(&b, NN_SHAPE(2, 5, 4));
        check(&b, "fusion", run_fusion);
    }
}

/* ---- losses ---- */

static const nn_real many[] = {.1, .9, -1, 0,  1, .4, .3,  .8, 0,   1,  .5, .2,
                               .7, .1, .6, .2, 1, 0,  .35, .9, .15, .8, .4, .6};
static nn_tensor *run_binary(bench *b) {
    return nn_binary_cross_entropy(b->tape, b->in[0], many, class_weight, .3);
}
static nn_tensor *run_squared(bench *b) { return nn_huber(b->tape, b->in[0], many, 0, .9); }
static nn_tensor *run_huber(bench *b) { return nn_huber(b->tape, b->in[0], many, .4, .9); }
static nn_tensor *run_ccc(bench *b) {
    nn_real target[12];
    for (int i = 0; i < 12; i++) target[i] = i == 4 ? (nn_real)NAN : many[i];
    return nn_ccc_loss(b->tape, b->in[0], target, 1.1);
}
static nn_tensor *run_nce(bench *b) { return nn_info_nce(b->tape, b->in[0], b->in[1], .2, .5); }
static nn_tensor *run_soft_contrast(bench *b) {
    nn_real target[16];
    for (int i = 0; i < 16; i++) target[i] = fabs(many[i]);
    return nn_soft_contrast(b->tape, b->in[0], b->in[1], target, .3, .5);
}
static nn_tensor *run_rank(bench *b) {
    return nn_rank_n_contrast(b->tape, b->in[0], many + 8, 2, .7, .5);
}
static nn_tensor *run_dtw(bench *b) { return nn_soft_dtw(b->tape, b->in[0], many, 5, .3, .5); }
static void losses(void **state) {
    (void)state;
    const struct {
        const char *name;
        case_fn run;
        bool two;
    } cases[] = {{"binary_cross_entropy", run_binary, false},
                 {"squared", run_squared, false},
                 {"huber", run_huber, false},
                 {"ccc_loss", run_ccc, false},
                 {"info_nce", run_nce, true},
                 {"soft_contrast", run_soft_contrast, true},
                 {"rank_n_contrast", run_rank, false},
                 {"soft_dtw", run_dtw, false}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        bench b;
        start(&b);
        input(&b, NN_SHAPE(4, 3));
        if (cases[i].two) input(&b, NN_SHAPE(4, 3));
        check(&b, cases[i].name, cases[i].run);
    }
}

/* ---- refusals ---- */

/* Every shape error names both shapes, and what follows a failure stays NULL. */
/* ---- decoders ---- */

static nn_tensor *run_grouped(bench *b) {
    nn_attention_options o = {.heads = 6, .kv_heads = 2, .causal = true};
    return nn_attention(b->tape, b->in[0], b->in[1], b->in[2], &o);
}
static void grouped_attention(void **state) {
    (void)state;
    for (size_t queries = 7; queries > 3; queries -= 3) { /* the last of the keys' steps */
        bench b;
        start(&b);
        input(&b, NN_SHAPE(2, queries, 18));
        input(&b, NN_SHAPE(2, 7, 6));
        input(&b, NN_SHAPE(2, 7, 6));
        check(&b, "grouped attention", run_grouped);
    }
}

/* 70 rows of 32 values in Q8_0: more than are made into numbers at once. */
static nn_matrix stored(void) {
    static unsigned char bytes[70 * 34];
    for (size_t i = 0; i < 70; i++) {
        const uint16_t half = (uint16_t)(0x2000 + 16 * i); /* about .01 */
        memcpy(bytes + i * 34, &half, sizeof half);
        for (size_t j = 0; j < 32; j++)
            bytes[i * 34 + 2 + j] = (unsigned char)nn_hash64(3, i * 32 + j);
    }
    return (nn_matrix){.data = bytes, .out = 70, .in = 32, .type = NN_NUMBER_Q8_0, .param = -1};
}

static nn_matrix owned(size_t out, size_t in, int param) {
    return (nn_matrix){.out = out, .in = in, .param = param};
}

static nn_tensor *run_stored(bench *b) {
    const nn_matrix w = stored(), bias = owned(1, 70, 0);
    return nn_project(b->tape, b->in[0], &w, &bias);
}
static nn_tensor *run_project(bench *b) {
    const nn_matrix w = owned(19, 5, 0);
    return nn_project(b->tape, b->in[0], &w, NULL);
}
static nn_tensor *run_lookup(bench *b) {
    const nn_matrix w = owned(9, 5, 0);
    const int32_t index[] = {3, -1, 8, 3, 0, 3};
    return nn_lookup(b->tape, &w, index, NN_SHAPE(2, 3));
}
static nn_tensor *run_rms_norm(bench *b) {
    const nn_matrix gain = owned(1, 5, 0);
    return nn_rms_norm(b->tape, b->in[0], &gain, 1e-2);
}
static const int32_t some_tokens[] = {5, -1, 18, 5,  0, 7, 1,  -1, 2,  9,
                                      3, 3,  4,  -1, 6, 8, 10, 11, 12, 13};
static nn_tensor *run_token_loss(bench *b) {
    const nn_matrix w = owned(19, 5, 0);
    return nn_token_loss(b->tape, b->in[0], &w, some_tokens, .3);
}
static nn_tensor *run_stored_loss(bench *b) {
    const nn_matrix w = stored();
    return nn_token_loss(b->tape, b->in[0], &w, some_tokens, .3);
}
static void matrices(void **state) {
    (void)state;
    bench b;
    for (size_t rows = 3; rows < 10; rows += 4) { /* few, by dot products; and more */
        start(&b);
        input(&b, NN_SHAPE(1, rows, 32));
        weight(&b, "b", NN_SHAPE(70));
        check(&b, "project by Q8_0", run_stored);
        start(&b);
        input(&b, NN_SHAPE(rows, 5));
        weight(&b, "w", NN_SHAPE(19, 5));
        check(&b, "project", run_project);
    }
    start(&b);
    weight(&b, "w", NN_SHAPE(9, 5));
    check(&b, "lookup", run_lookup);
    start(&b);
    input(&b, NN_SHAPE(2, 3, 10)); /* two heads of 5 */
    weight(&b, "g", NN_SHAPE(5));
    check(&b, "rms_norm", run_rms_norm);
    start(&b);
    input(&b, NN_SHAPE(20, 5));
    weight(&b, "w", NN_SHAPE(19, 5));
    check(&b, "token_loss", run_token_loss);
    start(&b);
    input(&b, NN_SHAPE(2, 10, 32));
    check(&b, "token_loss by Q8_0", run_stored_loss);
}

static bool in_halves;
static nn_tensor *run_rotate(bench *b) {
    nn_real *turn = nn_tape_alloc(b->tape, 3 * 4);
    for (size_t i = 0; turn && i < 6; i++) {
        turn[2 * i] = cos(.3 * (double)i);
        turn[2 * i + 1] = sin(.3 * (double)i);
    }
    nn_rotary r = {.heads = 2, .width = 5, .rotated = 4, .halves = in_halves, .turn = turn};
    return nn_add(b->tape, nn_rotate(b->tape, b->in[0], &r), b->in[0]);
}
static nn_tensor *run_swiglu(bench *b) { return nn_swiglu(b->tape, b->in[0], b->in[1]); }
static nn_tensor *dropped_part(void *user, size_t number, nn_tape *tape, nn_tensor *x) {
    (void)user;
    return nn_dropout(tape, nn_tanh(tape, nn_linear(tape, x, (int)number, -1)), .4);
}
static nn_tensor *run_parts(bench *b) { /* the second's dropout is not the first's */
    nn_tensor *x = nn_checkpoint(b->tape, b->in[0], dropped_part, NULL, 0);
    return nn_add(b->tape, nn_checkpoint(b->tape, x, dropped_part, NULL, 1), x);
}
static void transformer(void **state) {
    (void)state;
    bench b;
    for (int i = 0; i < 2; i++) {
        start(&b);
        input(&b, NN_SHAPE(2, 3, 10));
        in_halves = i;
        check(&b, "rotate", run_rotate);
    }
    start(&b);
    input(&b, NN_SHAPE(3, 7));
    input(&b, NN_SHAPE(3, 7));
    check(&b, "swiglu", run_swiglu);
    start(&b);
    input(&b, NN_SHAPE(4, 6));
    weight(&b, "w0", NN_SHAPE(6, 6));
    weight(&b, "w1", NN_SHAPE(6, 6));
    check(&b, "checkpoint", run_parts);
}

/* Whole decoders whose every weight is trained, with an adapter and soft tokens: the loss of some
 * tokens. Layers that are computed twice give the same gradient. */
static nn_decoder *whole;
static nn_lora *whole_lora;
static bool whole_recompute;
static nn_tensor *run_whole(bench *b) {
    static const int32_t tokens[] = {1, -2, -3, 7, 4, 10, 3, 3, -4, 9, 2, -1};
    static const int32_t target[] = {-1, -1, 7, 4, 10, -1, 3, -1, 9, 2, 5, -1};
    nn_tensor *x = nn_decoder_embed(whole, b->tape, tokens, NN_SHAPE(2, 6), b->in[0]);
    x = nn_decoder_hidden(whole, b->tape, whole_lora, x, whole_recompute);
    return nn_decoder_loss(whole, b->tape, x, target, .25);
}
static void decoders(void **state) {
    (void)state;
    const char *const families[] = {"llama", "qwen2", "qwen3"};
    for (size_t i = 0; i < 3; i++) {
        bench b;
        start(&b);
        input(&b, NN_SHAPE(3, 12));
        nn_decoder_shape shape = {.layers = 2,
                                  .width = 12,
                                  .hidden = 10,
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .head_width = 4,
                                  .vocabulary = 11,
                                  .context = 16,
                                  .rotated = 4,
                                  .epsilon = 1e-5,
                                  .base = 100,
                                  .stretch = 1,
                                  .halves = i > 0,
                                  .tied = i == 1};
        snprintf(shape.architecture, sizeof shape.architecture, "%s", families[i]);
        assert_int_equal(nn_decoder_new(b.ctx, &shape, b.params, &whole), AFFECT_OK);
        assert_int_equal(nn_lora_new(b.ctx, whole, b.params, 3, 6, 0x7f, &whole_lora), AFFECT_OK);
        for (size_t k = 0; k < b.params->size; k++) /* nothing is 0, nothing small */
            b.params->value[k] += .3 * uniform(&b.draws);
        whole_recompute = i != 1;
        check(&b, families[i], run_whole);
        nn_lora_destroy(whole_lora);
        nn_decoder_destroy(whole);
    }
}

/* ---- streams as soft tokens ---- */

static nn_projector *projector;
static bool mapped;
static nn_tensor *run_projector(bench *b) {
    static const nn_real times[] = {3, 3.5, 4.25, 5, 8, 0, 1};
    static const nn_real rows[7 * 4] = {.1,  -.4, .9, .3,  -.2, .8, .5,  -.6, .7, .2,
                                        -.9, .4,  .6, -.1, .3,  .5, -.8, .2,  .1, .9,
                                        .4,  .4,  .7, -.3, .2,  .6, -.5, .8};
    const nn_stream streams[] = {{times, rows, 5, NULL},
                                 {NULL, NULL, 0, NULL},
                                 {times + 5, rows + 20, 2, NULL},
                                 {times + 5, rows, 1, NULL}};
    const nn_stream own = {times, rows, 5, rows}; /* with a map of its own: the bias alone learns */
    if (mapped) return nn_projector_forward(projector, b->tape, &own, 1);
    return nn_projector_forward(projector, b->tape, streams, 4);
}
static void check_projector(nn_projector_kind kind) {
    bench b;
    start(&b);
    const nn_projector_options o = {.name = "face",
                                    .kind = kind,
                                    .features = 4,
                                    .width = 7,
                                    .soft = 3,
                                    .hidden = 6,
                                    .heads = 2};
    assert_int_equal(nn_projector_create(b.ctx, b.params, &o, &projector), AFFECT_OK);
    for (size_t k = 0; k < b.params->size; k++) b.params->value[k] += .3 * uniform(&b.draws);
    check(&b, "projector", run_projector);
    nn_projector_destroy(projector);
}
static void projectors(void **state) {
    (void)state;
    for (nn_projector_kind kind = NN_PROJECTOR_LINEAR; kind <= NN_PROJECTOR_QUERIES; kind++)
        check_projector(kind);
    mapped = true;
    check_projector(NN_PROJECTOR_LINEAR);
    mapped = false;
}

static void shape_errors_name_both_shapes(void **state) {
    (void)state;
    affect_context *ctx;
    nn_params *params;
    nn_tape *t;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(nn_params_create(ctx, 1, &params), AFFECT_OK);
    int w = nn_param_add(params, "w", NN_SHAPE(4, 8), NN_WEIGHT, 1, 0);
    int k = nn_param_add(params, "k", NN_SHAPE(3, 3, 4, 8), NN_WEIGHT, 1, 0);
    assert_int_equal(nn_tape_create(ctx, params, &t), AFFECT_OK);
    static nn_real zero[240];
    for (int i = 0; i < 14; i++) {
        nn_tape_begin(t, true, 0, NULL);
        nn_tensor *m = nn_input(t, NN_SHAPE(2, 3), zero), *s = nn_input(t, NN_SHAPE(2, 5, 3), zero);
        nn_tensor *image = nn_input(t, NN_SHAPE(1, 5, 7, 3), zero), *y = NULL;
        nn_attention_options o = {.heads = 2};
        const char *wanted[2] = {"[2, 3]", "[2, 5, 3]"};
        if (i == 0) y = nn_add(t, m, s);
        if (i == 1) y = nn_mul(t, m, s);
        if (i == 10) y = nn_time_max(t, m, NULL), wanted[1] = "[1, 1, 1]";
        if (i == 11) y = nn_attentive_pool(t, s, m, NULL);
        if (i == 12) y = nn_gru(t, s, w, w, w, w, NULL, false), wanted[0] = "[4, 8]";
        if (i == 13) y = nn_conv1d(t, s, w, -1, 1, 0), wanted[0] = "[4, 8]";
        if (i == 2) y = nn_linear(t, m, w, -1), wanted[1] = "[4, 8]";
        if (i == 3)
            y = nn_conv2d(t, image, k, -1, 1, 1), wanted[0] = "[1, 5, 7, 3]",
            wanted[1] = "[3, 3, 4, 8]";
        if (i == 4)
            y = nn_attention(t, s, s, nn_input(t, NN_SHAPE(2, 4, 3), zero), &o),
            wanted[0] = "[2, 4, 3]";
        if (i == 5) y = nn_attention(t, s, s, s, &o), wanted[0] = "[2]";
        if (i == 6) y = nn_reshape(t, m, NN_SHAPE(7)), wanted[1] = "[7]";
        if (i == 7)
            y = nn_info_nce(t, m, nn_input(t, NN_SHAPE(3, 3), zero), 1, 1), wanted[1] = "[3, 3]";
        if (i == 8) y = nn_layer_norm(t, m, w, w), wanted[1] = "[4, 8]";
        if (i == 9) y = nn_concat(t, (nn_tensor *[]){m, s}, 2);
        assert_null(y);
        assert_null(nn_relu(t, y));
        assert_int_equal(nn_tape_status(t), AFFECT_ERROR_SHAPE);
        for (int j = 0; j < 2; j++)
            if (!strstr(affect_context_message(ctx), wanted[j]))
                fail_msg("case %d: '%s' does not name %s", i, affect_context_message(ctx),
                         wanted[j]);
    }
    nn_tape_destroy(t);
    nn_params_destroy(params);
    affect_context_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear),      cmocka_unit_test(conv2d),
        cmocka_unit_test(depthwise2d), cmocka_unit_test(batch_norm),
        cmocka_unit_test(layer_norm),  cmocka_unit_test(elements),
        cmocka_unit_test(pools),       cmocka_unit_test(cross_entropy),
        cmocka_unit_test(attention),   cmocka_unit_test(gru),
        cmocka_unit_test(lstm),        cmocka_unit_test(time_attention),
        cmocka_unit_test(rows),        cmocka_unit_test(fusion),
        cmocka_unit_test(conv1d),      cmocka_unit_test(embeddings),
        cmocka_unit_test(losses),      cmocka_unit_test(shape_errors_name_both_shapes),
        cmocka_unit_test(matrices),    cmocka_unit_test(grouped_attention),
        cmocka_unit_test(transformer), cmocka_unit_test(decoders),
        cmocka_unit_test(projectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
