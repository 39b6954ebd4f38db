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
    int value_w[2], value_b[2];
    /* voice_crnn, text_gru */
    int mix_w, mix_b; /* per-step features before the recurrence */
    int gru[2][4];    /* forward and backward: w_in, w_h, b_in, b_h */
    int score_w, score_b;
    int side_mean, side_scale;
    size_t moments; /* how many numbers they standardise: the side numbers, or features */
    int table;
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
    tape->features = x = nn_reshape(tape, x, NN_SHAPE(batch->count, channels));
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

/* ---- what the sequence networks share: two GRUs, attentive and statistics pooling, one layer ----
 * */

static void add_sequence_head(nn_net *net, size_t in, size_t hidden, size_t side) {
    const char *way[2] = {"gru.forward", "gru.backward"};
    double spread = sqrt(1. / (double)hidden);
    for (int i = 0; i < 2; i++) {
        net->gru[i][0] =
            add(net, way[i], "w_in", NN_SHAPE(in, 3 * hidden), NN_WEIGHT, sqrt(1. / (double)in), 0);
        net->gru[i][1] =
            add(net, way[i], "w_h", NN_SHAPE(hidden, 3 * hidden), NN_WEIGHT, spread, 0);
        net->gru[i][2] = add(net, way[i], "b_in", NN_SHAPE(3 * hidden), NN_BIAS, 0, 0);
        net->gru[i][3] = add(net, way[i], "b_h", NN_SHAPE(3 * hidden), NN_BIAS, 0, 0);
    }
    net->score_w = add(net, "score", "weight", NN_SHAPE(2 * hidden, 1), NN_WEIGHT, spread, 0);
    net->score_b = add(net, "score", "bias", NN_SHAPE(1), NN_BIAS, 0, 0);
    size_t width = 6 * hidden + side, between = net->options.value_hidden,
           outputs = net->options.outputs - (between ? net->options.values : 0);
    net->head_w = add(net, "head", "weight", NN_SHAPE(width, outputs), NN_WEIGHT,
                      sqrt(1. / (double)width), 0);
    net->head_b = add(net, "head", "bias", NN_SHAPE(outputs), NN_BIAS, 0, 0);
    if (!between) return;
    width += outputs;
    net->value_w[0] = add(net, "value.hidden", "weight", NN_SHAPE(width, between), NN_WEIGHT,
                          sqrt(1. / (double)width), 0);
    net->value_b[0] = add(net, "value.hidden", "bias", NN_SHAPE(between), NN_BIAS, 0, 0);
    net->value_w[1] = add(net, "value", "weight", NN_SHAPE(between, net->options.values), NN_WEIGHT,
                          sqrt(1. / (double)between), 0);
    net->value_b[1] = add(net, "value", "bias", NN_SHAPE(net->options.values), NN_BIAS, 0, 0);
}

/* `side` [n, c], or NULL, goes beside the pooled states. */
static nn_tensor *run_sequence_head(nn_net *net, nn_tape *tape, nn_tensor *x, nn_tensor *side,
                                    const size_t *length) {
    nn_tensor *ways[2];
    for (int i = 0; i < 2; i++)
        ways[i] = nn_gru(tape, x, net->gru[i][0], net->gru[i][1], net->gru[i][2], net->gru[i][3],
                         length, i == 1);
    nn_tensor *y = nn_concat(tape, ways, 2);
    nn_tensor *pooled[3] = {
        nn_attentive_pool(tape, y, nn_linear(tape, y, net->score_w, net->score_b), length),
        nn_time_pool(tape, y, length, true), side};
    tape->features = y = nn_concat(tape, pooled, side ? 3 : 2);
    y = nn_dropout(tape, y, net->options.dropout);
    nn_tensor *out = nn_linear(tape, y, net->head_w, net->head_b);
    if (!net->options.value_hidden) return out;
    y = nn_concat(tape, (nn_tensor *[]){y, nn_sigmoid(tape, out)}, 2);
    y = nn_gelu(tape, nn_linear(tape, y, net->value_w[0], net->value_b[0]));
    y = nn_dropout(tape, y, net->options.dropout);
    return nn_concat(tape,
                     (nn_tensor *[]){out, nn_linear(tape, y, net->value_w[1], net->value_b[1])}, 2);
}

/* ---- voice_crnn: log-mel [n, t, bands] as a picture, residual stages that halve time and bands,
 * then the sequence head ---- */

enum { VOICE_STAGES = 3 }; /* stem and two stages: time and bands are divided by 8 */

/* Rows of numbers standardised by the moments and kept within four deviations; what is unknown is
 * the mean. */
static nn_real *standardised(nn_net *net, nn_tape *tape, const nn_real *rows, size_t count,
                             const bool *ready) {
    size_t width = net->moments;
    nn_real *z = nn_tape_alloc(tape, count * width);
    const nn_real *mean = nn_param_value(net->params, net->side_mean),
                  *scale = nn_param_value(net->params, net->side_scale);
    if (!z) return NULL;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < width; k++) {
            nn_real x = rows ? rows[i * width + k] : (nn_real)NAN;
            if (!ready || !ready[i]) x = (x - mean[k]) * scale[k];
            z[i * width + k] = isnan(x) ? 0 : x > 4 ? 4 : x < -4 ? -4 : x;
        }
    return z;
}

/* Numbers of the whole clip or text. */
static nn_tensor *side_input(nn_net *net, nn_tape *tape, const nn_batch *batch) {
    nn_real *z = standardised(net, tape, batch->side, batch->count, batch->relative);
    return z ? nn_input(tape, NN_SHAPE(batch->count, net->options.side), z) : NULL;
}

void nn_net_set_side(nn_net *net, const nn_real *mean, const nn_real *deviation) {
    nn_real *m = nn_param_value(net->params, net->side_mean),
            *scale = nn_param_value(net->params, net->side_scale);
    for (size_t k = 0; k < net->moments; k++) {
        m[k] = mean[k];
        scale[k] = deviation[k] > 0 ? 1 / deviation[k] : 0;
    }
}

void nn_net_get_side(const nn_net *net, nn_real *mean, nn_real *deviation) {
    const nn_real *m = nn_param_value(net->params, net->side_mean),
                  *scale = nn_param_value(net->params, net->side_scale);
    for (size_t k = 0; k < net->moments; k++) {
        mean[k] = m[k];
        deviation[k] = scale[k] > 0 ? 1 / scale[k] : 0;
    }
}

/* The moments that standardise numbers as they come in: kept with the weights, not trained. */
static void add_moments(nn_net *net, const char *name, size_t width) {
    net->moments = width;
    if (!width) return;
    net->side_mean = add(net, name, "mean", NN_SHAPE(width), NN_BIAS, 0, 0);
    net->side_scale = add(net, name, "scale", NN_SHAPE(width), NN_BIAS, 0, 1);
    if (net->side_mean < 0 || net->side_scale < 0) return;
    net->params->items[net->side_mean].frozen = true;
    net->params->items[net->side_scale].frozen = true;
}

static nn_tensor *voice_forward(nn_net *net, nn_tape *tape, const nn_batch *batch) {
    size_t n = batch->count;
    if (batch->bands != net->options.inputs)
        return nn_fail_shapes(tape, "voice_crnn", "spectrogram [n, t, bands]",
                              NN_SHAPE(n, batch->steps, batch->bands), "the network's bands",
                              NN_SHAPE(net->options.inputs));
    nn_tensor *x = nn_input(tape, NN_SHAPE(n, batch->steps, batch->bands, 1), batch->data);
    x = run_conv_norm(tape, &net->stem, x, NULL, true);
    for (size_t i = 0; i < net->block_count; i++) {
        const residual *b = &net->blocks[i];
        nn_tensor *side = b->has_shortcut ? run_conv_norm(tape, &b->shortcut, x, NULL, false) : x;
        x = run_conv_norm(tape, &b->second, run_conv_norm(tape, &b->first, x, NULL, true), side,
                          true);
    }
    if (!x) return NULL;
    size_t t = x->shape.d[1], *length = nn_tape_bytes_alloc(tape, n * sizeof *length);
    if (!length) return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t steps = batch->length ? batch->length[i] : batch->steps;
        length[i] = BASE_MIN(BASE_MAX((steps + 7) / 8, (size_t)1), t);
    }
    x = nn_reshape(tape, x, NN_SHAPE(n, t, x->shape.d[2] * x->shape.d[3]));
    x = nn_relu(tape, nn_linear(tape, x, net->mix_w, net->mix_b));
    x = nn_dropout(tape, x, net->options.dropout);
    nn_tensor *side = net->options.side ? side_input(net, tape, batch) : NULL;
    return run_sequence_head(net, tape, x, side, length);
}

static affect_status build_voice(nn_net *net) {
    const nn_net_options *o = &net->options;
    if (o->width == 0 || o->width % 8 || o->width > 512 || o->inputs < 8 || o->inputs > 512)
        return base_fail(
            net->ctx, AFFECT_ERROR_ARGUMENT,
            "voice_crnn: width %zu and %zu bands, wanted a multiple of 8 up to 512 and 8 "
            "to 512 bands",
            o->width, o->inputs);
    size_t channels = o->width, bands = (o->inputs + 1) / 2;
    net->stem = add_conv_norm(net, "stem", 5, 1, channels, 2, 1);
    for (size_t stage = 1; stage < VOICE_STAGES; stage++) {
        char name[64];
        size_t out = o->width << stage;
        residual *b = &net->blocks[net->block_count++];
        b->has_shortcut = true;
        snprintf(name, sizeof name, "stage%zu.shortcut", stage);
        b->shortcut = add_conv_norm(net, name, 1, channels, out, 2, 1);
        snprintf(name, sizeof name, "stage%zu.first", stage);
        b->first = add_conv_norm(net, name, 3, channels, out, 2, 1);
        snprintf(name, sizeof name, "stage%zu.second", stage);
        b->second = add_conv_norm(net, name, 3, out, out, 1, 1);
        channels = out;
        bands = (bands + 1) / 2;
    }
    size_t hidden = 4 * o->width;
    net->mix_w = add(net, "mix", "weight", NN_SHAPE(bands * channels, hidden), NN_WEIGHT,
                     sqrt(2. / (double)(bands * channels)), 0);
    net->mix_b = add(net, "mix", "bias", NN_SHAPE(hidden), NN_BIAS, 0, 0);
    add_moments(net, "side", o->side);
    add_sequence_head(net, hidden, 2 * o->width, o->side);
    net->forward = voice_forward;
    return AFFECT_OK;
}

/* ---- voice_mlp: numbers of the whole clip through one hidden layer ---- */

static nn_tensor *voice_mlp_forward(nn_net *net, nn_tape *tape, const nn_batch *batch) {
    /* Whole numbers are hidden with less care than the hidden layer's: many say the same. */
    nn_tensor *x = nn_dropout(tape, side_input(net, tape, batch), net->options.dropout / 2);
    tape->features = x = nn_gelu(tape, nn_linear(tape, x, net->mix_w, net->mix_b));
    return nn_linear(tape, nn_dropout(tape, x, net->options.dropout), net->head_w, net->head_b);
}

static affect_status build_voice_mlp(nn_net *net) {
    const nn_net_options *o = &net->options;
    if (o->side == 0 || o->side > 100000 || o->width == 0 || o->width > 4096)
        return base_fail(net->ctx, AFFECT_ERROR_ARGUMENT,
                         "voice_mlp: width %zu and %zu numbers, wanted 1 to 4096 and 1 to 100000",
                         o->width, o->side);
    add_moments(net, "side", o->side);
    net->mix_w = add(net, "mix", "weight", NN_SHAPE(o->side, o->width), NN_WEIGHT,
                     sqrt(2. / (double)o->side), 0);
    net->mix_b = add(net, "mix", "bias", NN_SHAPE(o->width), NN_BIAS, 0, 0);
    net->head_w = add(net, "head", "weight", NN_SHAPE(o->width, o->outputs), NN_WEIGHT,
                      sqrt(1. / (double)o->width), 0);
    net->head_b = add(net, "head", "bias", NN_SHAPE(o->outputs), NN_BIAS, 0, 0);
    net->forward = voice_mlp_forward;
    return AFFECT_OK;
}

/* ---- text_gru: each token is a bag of units (its word, or the pieces of an unseen word); the mean
 * of their vectors goes through the sequence head. text_bag: the mean over all units, one hidden
 * layer. ---- */

/* Columns beside what the network makes of the order of the words. */
static size_t text_beside_width(const nn_net_options *o) {
    return (o->pooled ? 3 * o->inputs : 0) + o->side;
}

static nn_tensor *text_beside(nn_net *net, nn_tape *tape, nn_tensor *x, const nn_batch *batch) {
    nn_tensor *parts[4];
    size_t count = 0;
    if (net->options.pooled) {
        parts[count++] = nn_time_pool(tape, x, batch->length, false);
        parts[count++] = nn_time_max(tape, x, batch->length);
        parts[count++] = nn_time_max(tape, nn_scale(tape, x, -1), batch->length);
    }
    if (net->options.side) parts[count++] = side_input(net, tape, batch);
    return count ? nn_concat(tape, parts, count) : NULL;
}

static nn_tensor *text_gru_forward(nn_net *net, nn_tape *tape, const nn_batch *batch) {
    nn_tensor *x = nn_embedding_bag(tape, net->table, batch->index, batch->start, batch->weight,
                                    batch->count * batch->steps);
    x = nn_reshape(tape, x, NN_SHAPE(batch->count, batch->steps, net->options.inputs));
    nn_tensor *beside = text_beside(net, tape, x, batch);
    x = nn_dropout(tape, x, net->options.dropout);
    return run_sequence_head(net, tape, x, beside, batch->length);
}

static nn_tensor *text_bag_forward(nn_net *net, nn_tape *tape, const nn_batch *batch) {
    nn_tensor *x = nn_embedding_bag(tape, net->table, batch->index, batch->start, batch->weight,
                                    batch->count * batch->steps);
    x = nn_reshape(tape, x, NN_SHAPE(batch->count, batch->steps, net->options.inputs));
    nn_tensor *parts[2] = {nn_time_pool(tape, x, batch->length, true),
                           text_beside(net, tape, x, batch)};
    x = nn_concat(tape, parts, text_beside_width(&net->options) ? 2 : 1);
    tape->features = x = nn_gelu(tape, nn_linear(tape, x, net->mix_w, net->mix_b));
    return nn_linear(tape, nn_dropout(tape, x, net->options.dropout), net->head_w, net->head_b);
}

static affect_status build_text(nn_net *net, bool bag) {
    const nn_net_options *o = &net->options;
    if (o->vocabulary == 0 || o->inputs == 0 || o->width == 0)
        return base_fail(net->ctx, AFFECT_ERROR_ARGUMENT,
                         "%s: vocabulary %zu, inputs %zu, width %zu: wanted all above 0", o->kind,
                         o->vocabulary, o->inputs, o->width);
    if (o->value_hidden && (bag || o->values == 0 || o->values >= o->outputs))
        return base_fail(
            net->ctx, AFFECT_ERROR_ARGUMENT,
            "%s: a hidden layer of %zu for %zu values of %zu outputs: wanted a text_gru "
            "with values beside its classes",
            o->kind, o->value_hidden, o->values, o->outputs);
    net->table = add(net, "vectors", "weight", NN_SHAPE(o->vocabulary, o->inputs), NN_BIAS, .1, 0);
    add_moments(net, "side", o->side);
    if (bag) {
        size_t width = 2 * o->inputs + text_beside_width(o);
        net->mix_w = add(net, "mix", "weight", NN_SHAPE(width, o->width), NN_WEIGHT,
                         sqrt(2. / (double)width), 0);
        net->mix_b = add(net, "mix", "bias", NN_SHAPE(o->width), NN_BIAS, 0, 0);
        net->head_w = add(net, "head", "weight", NN_SHAPE(o->width, o->outputs), NN_WEIGHT,
                          sqrt(1. / (double)o->width), 0);
        net->head_b = add(net, "head", "bias", NN_SHAPE(o->outputs), NN_BIAS, 0, 0);
    } else {
        add_sequence_head(net, o->inputs, o->width, text_beside_width(o));
    }
    net->forward = bag ? text_bag_forward : text_gru_forward;
    return AFFECT_OK;
}

/* ---- features: rows of numbers made elsewhere, standardised. features_mlp: their mean through one
 * hidden layer. features_gru: a layer, then the sequence head. ---- */

static nn_tensor *features_input(nn_net *net, nn_tape *tape, const nn_batch *batch) {
    size_t n = batch->count, steps = batch->steps, width = net->options.inputs;
    if (batch->bands != width)
        return nn_fail_shapes(tape, net->options.kind, "features [n, t, width]",
                              NN_SHAPE(n, steps, batch->bands), "the network's width",
                              NN_SHAPE(width));
    nn_real *z = standardised(net, tape, batch->data, n * steps, NULL);
    return z ? nn_input(tape, NN_SHAPE(n, steps, width), z) : NULL;
}

static nn_tensor *features_mlp_forward(nn_net *net, nn_tape *tape, const nn_batch *batch) {
    nn_tensor *x = features_input(net, tape, batch);
    x = nn_dropout(tape, nn_time_pool(tape, x, batch->length, false), net->options.dropout);
    tape->features = x = nn_gelu(tape, nn_linear(tape, x, net->mix_w, net->mix_b));
    return nn_linear(tape, nn_dropout(tape, x, net->options.dropout), net->head_w, net->head_b);
}

static nn_tensor *features_gru_forward(nn_net *net, nn_tape *tape, const nn_batch *batch) {
    nn_tensor *x = nn_dropout(tape, features_input(net, tape, batch), net->options.dropout);
    x = nn_relu(tape, nn_linear(tape, x, net->mix_w, net->mix_b));
    x = nn_dropout(tape, x, net->options.dropout);
    return run_sequence_head(net, tape, x, NULL, batch->length);
}

static affect_status build_features(nn_net *net, bool sequence) {
    const nn_net_options *o = &net->options;
    if (o->inputs == 0 || o->inputs > 100000 || o->width == 0 || o->width > 4096)
        return base_fail(net->ctx, AFFECT_ERROR_ARGUMENT,
                         "%s: width %zu and %zu features, wanted 1 to 4096 and 1 to 100000",
                         o->kind, o->width, o->inputs);
    add_moments(net, "input", o->inputs);
    net->mix_w = add(net, "mix", "weight", NN_SHAPE(o->inputs, o->width), NN_WEIGHT,
                     sqrt(2. / (double)o->inputs), 0);
    net->mix_b = add(net, "mix", "bias", NN_SHAPE(o->width), NN_BIAS, 0, 0);
    if (sequence) {
        add_sequence_head(net, o->width, o->width, 0);
    } else {
        net->head_w = add(net, "head", "weight", NN_SHAPE(o->width, o->outputs), NN_WEIGHT,
                          sqrt(1. / (double)o->width), 0);
        net->head_b = add(net, "head", "bias", NN_SHAPE(o->outputs), NN_BIAS, 0, 0);
    }
    net->forward = sequence ? features_gru_forward : features_mlp_forward;
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
        else if (strcmp(options->kind, "voice_crnn") == 0)
            status = build_voice(net);
        else if (strcmp(options->kind, "voice_mlp") == 0)
            status = build_voice_mlp(net);
        else if (strcmp(options->kind, "text_gru") == 0)
            status = build_text(net, false);
        else if (strcmp(options->kind, "text_bag") == 0)
            status = build_text(net, true);
        else if (strcmp(options->kind, "features_mlp") == 0)
            status = build_features(net, false);
        else if (strcmp(options->kind, "features_gru") == 0)
            status = build_features(net, true);
        else
            status = base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                               "unknown network kind '%s', wanted face_cnn, voice_crnn, voice_mlp, "
                               "text_bag, text_gru, features_mlp or features_gru",
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

size_t nn_net_features(nn_net *net) { return net->params->items[net->head_w].shape.d[0]; }

const float *nn_net_seen(const nn_tape *tape) {
    return tape->features ? tape->features->data : NULL;
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
