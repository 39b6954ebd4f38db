/* The networks by kind. */
#include "nn/net.h"

#include <math.h>
#include <string.h>

#include "nn/tape.h"

/* Convolution without bias, then batch normalisation. */
typedef struct conv_norm {
    int w, gain, bias, mean, var;
    size_t stride, pad;
} conv_norm;

typedef struct residual {
    conv_norm first, second, shortcut;
    bool has_shortcut;
} residual;

enum { MAX_BLOCKS = 16 };

struct nn_net {
    affect_context *ctx;
    nn_net_options options;
    nn_params *params;
    nn_tensor *(*forward)(nn_net *, nn_tape *, const nn_batch *);
    conv_norm stem;
    residual blocks[MAX_BLOCKS];
    size_t block_count;
    int head_w, head_b;
};

static int add(nn_net *net, const char *stem, const char *leaf, nn_shape shape, nn_kind kind,
               double deviation, double fill) {
    char name[96];
    snprintf(name, sizeof name, "%s.%s", stem, leaf);
    return nn_param_add(net->params, name, shape, kind, deviation, fill);
}

/* He et al. 2015: deviation sqrt(2 / fan-in). `gain` 0 starts a residual branch as nothing. */
static conv_norm add_conv_norm(nn_net *net, const char *name, size_t k, size_t in, size_t out,
                               size_t stride, double gain) {
    conv_norm c = {.stride = stride, .pad = k / 2};
    c.w = add(net, name, "weight", NN_SHAPE(k, k, in, out), NN_WEIGHT,
              sqrt(2. / (double)(k * k * in)), 0);
    c.gain = add(net, name, "gain", NN_SHAPE(out), NN_BIAS, 0, gain);
    c.bias = add(net, name, "bias", NN_SHAPE(out), NN_BIAS, 0, 0);
    c.mean = add(net, name, "mean", NN_SHAPE(out), NN_STATISTIC, 0, 0);
    c.var = add(net, name, "var", NN_SHAPE(out), NN_STATISTIC, 0, 1);
    return c;
}

static nn_tensor *run_conv_norm(nn_tape *tape, const conv_norm *c, nn_tensor *x, nn_tensor *other,
                                bool relu) {
    return nn_batch_norm(tape, nn_conv2d(tape, x, c->w, -1, c->stride, c->pad), c->gain, c->bias,
                         c->mean, c->var, other, relu);
}

/* ---- face_cnn: a small residual network (He et al. 2016) on grey 48x48 faces
 * ---------------------- stem 5x5/2, then stages of basic blocks at 24, 12, 6 and 3 pixels; the
 * channels double each time. */

static nn_tensor *face_forward(nn_net *net, nn_tape *tape, const nn_batch *batch) {
    nn_tensor *x =
        nn_input(tape, NN_SHAPE(batch->count, batch->height, batch->width, 1), batch->data);
    x = run_conv_norm(tape, &net->stem, x, NULL, true);
    for (size_t i = 0; i < net->block_count; i++) {
        const residual *b = &net->blocks[i];
        nn_tensor *side = b->has_shortcut ? run_conv_norm(tape, &b->shortcut, x, NULL, false) : x;
        nn_tensor *y = run_conv_norm(tape, &b->first, x, NULL, true);
        x = run_conv_norm(tape, &b->second, y, side, true);
    }
    if (!x) return NULL;
    size_t channels = x->shape.d[3];
    x = nn_mean_pool2d(tape, x, x->shape.d[1], x->shape.d[2]);
    x = nn_reshape(tape, x, NN_SHAPE(batch->count, channels));
    x = nn_dropout(tape, x, net->options.dropout);
    return nn_linear(tape, x, net->head_w, net->head_b);
}

static affect_status build_face(nn_net *net) {
    const nn_net_options *o = &net->options;
    if (o->width == 0 || o->width % 8 || o->width > 1024)
        return base_fail(net->ctx, AFFECT_ERROR_ARGUMENT,
                         "face_cnn: width is %zu, wanted a multiple of 8 up to 1024", o->width);
    size_t channels = o->width;
    net->stem = add_conv_norm(net, "stem", 5, 1, channels, 2, 1);
    for (size_t stage = 0; stage < 4; stage++) {
        size_t out = o->width << stage;
        for (size_t i = 0; i < o->blocks[stage]; i++) {
            if (net->block_count == MAX_BLOCKS)
                return base_fail(net->ctx, AFFECT_ERROR_ARGUMENT, "face_cnn: more than %d blocks",
                                 MAX_BLOCKS);
            char name[64];
            size_t stride = stage && i == 0 ? 2 : 1;
            residual *b = &net->blocks[net->block_count++];
            b->has_shortcut = stride != 1 || channels != out;
            snprintf(name, sizeof name, "stage%zu.block%zu.shortcut", stage + 1, i + 1);
            if (b->has_shortcut)
                b->shortcut = add_conv_norm(net, name, 1, channels, out, stride, 1);
            snprintf(name, sizeof name, "stage%zu.block%zu.first", stage + 1, i + 1);
            b->first = add_conv_norm(net, name, 3, channels, out, stride, 1);
            snprintf(name, sizeof name, "stage%zu.block%zu.second", stage + 1, i + 1);
            b->second = add_conv_norm(net, name, 3, out, out, 1, b->has_shortcut ? 1 : 0);
            channels = out;
        }
    }
    net->head_w = add(net, "head", "weight", NN_SHAPE(channels, o->outputs), NN_WEIGHT,
                      sqrt(1. / (double)channels), 0);
    net->head_b = add(net, "head", "bias", NN_SHAPE(o->outputs), NN_BIAS, 0, 0);
    net->forward = face_forward;
    return AFFECT_OK;
}

/* ---- */

affect_status nn_net_create(affect_context *ctx, const nn_net_options *options, uint64_t seed,
                            nn_net **out) {
    *out = NULL;
    nn_net *net = base_calloc(1, sizeof *net);
    if (!net) return base_fail_memory(ctx);
    net->ctx = ctx;
    net->options = *options;
    affect_status status = nn_params_create(ctx, seed, &net->params);
    if (status == AFFECT_OK && options->outputs == 0)
        status = base_fail(ctx, AFFECT_ERROR_ARGUMENT, "a network needs at least one output");
    if (status == AFFECT_OK) {
        if (strcmp(options->kind, "face_cnn") == 0)
            status = build_face(net);
        else
            status =
                base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                          "unknown network kind '%s', wanted face_cnn, voice_crnn, text_bag or "
                          "text_gru",
                          options->kind);
    }
    if (status == AFFECT_OK) status = net->params->status;
    if (status != AFFECT_OK) {
        nn_net_destroy(net);
        return status;
    }
    *out = net;
    return AFFECT_OK;
}

void nn_net_destroy(nn_net *net) {
    if (!net) return;
    nn_params_destroy(net->params);
    base_free(net);
}

nn_params *nn_net_params(nn_net *net) { return net->params; }
const nn_net_options *nn_net_get_options(const nn_net *net) { return &net->options; }

nn_tensor *nn_net_forward(nn_net *net, nn_tape *tape, const nn_batch *batch) {
    return net->forward(net, tape, batch);
}

void nn_standardise(nn_real *x, size_t n) {
    double sum = 0, square = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean);
    double deviation = sqrt(square / (double)n);
    nn_real scale = (nn_real)(deviation > 1e-6 ? 1 / deviation : 0);
    for (size_t i = 0; i < n; i++) x[i] = (x[i] - (nn_real)mean) * scale;
}
