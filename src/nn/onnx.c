/* ONNX out: the few protobuf messages of onnx.proto that a feed-forward network needs, written by
 * field number (github.com/onnx/onnx). Batch normalisation is folded into the convolutions. */
#include "nn/onnx.h"

#include <math.h>
#include <string.h>

typedef struct graph {
    affect_context *ctx;
    const nn_params *params;
    base_text nodes, initializers;
    size_t counter;
    bool failed; /* a parameter is missing */
} graph;

/* ---- protobuf ---- */

static void varint(base_text *out, uint64_t v) {
    do {
        char byte = (char)((v & 127) | (v > 127 ? 128 : 0));
        base_text_append_n(out, &byte, 1);
        v >>= 7;
    } while (v);
}

static void number(base_text *out, unsigned field, uint64_t v) {
    varint(out, field << 3);
    varint(out, v);
}

static void bytes(base_text *out, unsigned field, const void *data, size_t n) {
    varint(out, field << 3 | 2);
    varint(out, n);
    if (n) base_text_append_n(out, data, n);
}

static void text(base_text *out, unsigned field, const char *string) {
    bytes(out, field, string, strlen(string));
}

/* Appends a finished message and clears it for the next. */
static void message(base_text *out, unsigned field, base_text *inner) {
    bytes(out, field, inner->data, inner->length);
    out->failed |= inner->failed;
    base_text_destroy(inner);
}

/* ---- graph parts ---- */

static void initializer(graph *g, const char *name, const uint64_t *dims, size_t rank,
                        const float *values, size_t count) {
    base_text t = {0};
    for (size_t i = 0; i < rank; i++) number(&t, 1, dims[i]);
    number(&t, 2, 1); /* float */
    text(&t, 8, name);
    bytes(&t, 9, values, count * sizeof *values);
    message(&g->initializers, 5, &t);
}

typedef struct attribute {
    const char *name;
    uint64_t values[4];
    size_t count; /* 0 = one whole number */
} attribute;

static void node(graph *g, const char *type, const char *const *inputs, size_t input_count,
                 const char *output, const attribute *attributes, size_t attribute_count) {
    base_text n = {0};
    for (size_t i = 0; i < input_count; i++) text(&n, 1, inputs[i]);
    text(&n, 2, output);
    text(&n, 3, output);
    text(&n, 4, type);
    for (size_t i = 0; i < attribute_count; i++) {
        const attribute *a = &attributes[i];
        base_text t = {0};
        text(&t, 1, a->name);
        if (a->count == 0) number(&t, 3, a->values[0]);
        for (size_t k = 0; k < a->count; k++) number(&t, 8, a->values[k]);
        number(&t, 20, a->count ? 7 : 2);
        message(&n, 5, &t);
    }
    message(&g->nodes, 1, &n);
}

static const float *values_of(graph *g, const char *stem, const char *leaf, nn_shape *shape) {
    char name[96];
    *shape = (nn_shape){0};
    snprintf(name, sizeof name, "%s.%s", stem, leaf);
    int id = nn_param_find(g->params, name);
    if (id < 0) {
        g->failed = true;
        return NULL;
    }
    *shape = g->params->items[id].shape;
    return nn_param_value(g->params, id);
}

/* y = conv(x) with the normalisation folded in: w' = w a, b' = bias - mean a, a = gain / sqrt(var +
 * e) */
static void conv_norm(graph *g, const char *stem, const char *x, uint64_t stride, const char *y) {
    nn_shape s, c;
    const float *w = values_of(g, stem, "weight", &s), *gain = values_of(g, stem, "gain", &c),
                *bias = values_of(g, stem, "bias", &c), *mean = values_of(g, stem, "mean", &c),
                *var = values_of(g, stem, "var", &c);
    if (g->failed) return;
    size_t kh = s.d[0], kw = s.d[1], in = s.d[2], out = s.d[3];
    float *folded = base_alloc((kh * kw * in * out + out) * sizeof *folded);
    if (!folded) {
        g->nodes.failed = true;
        return;
    }
    float *shift = folded + kh * kw * in * out;
    for (size_t o = 0; o < out; o++) {
        double a = gain[o] / sqrt((double)var[o] + 1e-5);
        shift[o] = (float)(bias[o] - mean[o] * a);
        for (size_t i = 0; i < in; i++)
            for (size_t k = 0; k < kh * kw; k++)
                folded[(o * in + i) * kh * kw + k] = (float)(w[(k * in + i) * out + o] * a);
    }
    char weight[112], offset[112];
    snprintf(weight, sizeof weight, "%s.w", stem);
    snprintf(offset, sizeof offset, "%s.b", stem);
    initializer(g, weight, (uint64_t[]){out, in, kh, kw}, 4, folded, kh * kw * in * out);
    initializer(g, offset, (uint64_t[]){out}, 1, shift, out);
    base_free(folded);
    const attribute attributes[] = {{"kernel_shape", {kh, kw}, 2},
                                    {"strides", {stride, stride}, 2},
                                    {"pads", {kh / 2, kw / 2, kh / 2, kw / 2}, 4}};
    node(g, "Conv", (const char *[]){x, weight, offset}, 3, y, attributes, 3);
}

static void relu(graph *g, const char *x, const char *y) {
    node(g, "Relu", (const char *[]){x}, 1, y, NULL, 0);
}

static void face_graph(graph *g, const nn_net_options *o) {
    char x[96] = "stem.out", name[64], part[4][96];
    conv_norm(g, "stem", "image", 2, "stem.conv");
    relu(g, "stem.conv", x);
    size_t channels = o->width;
    for (size_t stage = 0; stage < 4; stage++)
        for (size_t i = 0; i < o->blocks[stage]; i++) {
            uint64_t stride = stage && i == 0 ? 2 : 1;
            bool shortcut = stride != 1 || channels != o->width << stage;
            const char *leaves[4] = {"first", "second", "shortcut", "out"};
            for (int k = 0; k < 4; k++)
                snprintf(part[k], sizeof part[k], "stage%zu.block%zu.%s.y", stage + 1, i + 1,
                         leaves[k]);
            snprintf(name, sizeof name, "stage%zu.block%zu.first", stage + 1, i + 1);
            conv_norm(g, name, x, stride, part[0]);
            char active[112], sum[112];
            snprintf(active, sizeof active, "%s.relu", part[0]);
            snprintf(sum, sizeof sum, "%s.sum", part[3]);
            relu(g, part[0], active);
            snprintf(name, sizeof name, "stage%zu.block%zu.second", stage + 1, i + 1);
            conv_norm(g, name, active, 1, part[1]);
            snprintf(name, sizeof name, "stage%zu.block%zu.shortcut", stage + 1, i + 1);
            if (shortcut) conv_norm(g, name, x, stride, part[2]);
            node(g, "Add", (const char *[]){part[1], shortcut ? part[2] : x}, 2, sum, NULL, 0);
            relu(g, sum, part[3]);
            memcpy(x, part[3], sizeof x);
            channels = o->width << stage;
        }
    node(g, "GlobalAveragePool", (const char *[]){x}, 1, "pooled", NULL, 0);
    node(g, "Flatten", (const char *[]){"pooled"}, 1, "flat", NULL, 0);
    nn_shape s;
    const float *w = values_of(g, "head", "weight", &s);
    if (w) initializer(g, "head.w", (uint64_t[]){s.d[0], s.d[1]}, 2, w, s.d[0] * s.d[1]);
    const float *b = values_of(g, "head", "bias", &s);
    if (b) initializer(g, "head.b", (uint64_t[]){s.d[0]}, 1, b, s.d[0]);
    node(g, "Gemm", (const char *[]){"flat", "head.w", "head.b"}, 3, "logits", NULL, 0);
}

/* ValueInfo of a float tensor; dims of 0 are the free batch size. */
static void value_info(base_text *out, unsigned field, const char *name, const uint64_t *dims,
                       size_t rank) {
    base_text shape = {0}, tensor = {0}, type = {0}, info = {0};
    for (size_t i = 0; i < rank; i++) {
        base_text dim = {0};
        if (dims[i])
            number(&dim, 1, dims[i]);
        else
            text(&dim, 2, "n");
        message(&shape, 1, &dim);
    }
    number(&tensor, 1, 1);
    message(&tensor, 2, &shape);
    message(&type, 1, &tensor);
    text(&info, 1, name);
    message(&info, 2, &type);
    message(out, field, &info);
}

affect_status nn_onnx_write(affect_context *ctx, nn_net *net, const char *path) {
    const nn_net_options *o = nn_net_get_options(net);
    if (strcmp(o->kind, "face_cnn") != 0)
        return base_fail(ctx, AFFECT_ERROR_UNSUPPORTED,
                         "%s: only face_cnn networks can be written as ONNX, not %s", path,
                         o->kind);
    graph g = {.ctx = ctx, .params = nn_net_params(net)};
    face_graph(&g, o);
    base_text body = {0}, opset = {0}, model = {0};
    if (!g.nodes.failed && g.nodes.length) base_text_append_n(&body, g.nodes.data, g.nodes.length);
    text(&body, 2, "affect");
    if (!g.initializers.failed && g.initializers.length)
        base_text_append_n(&body, g.initializers.data, g.initializers.length);
    value_info(&body, 11, "image", (uint64_t[]){0, 1, 48, 48}, 4);
    value_info(&body, 12, "logits", (uint64_t[]){0, o->outputs}, 2);
    number(&model, 1, 7); /* IR version 7 goes with opset 13 and old run times */
    text(&model, 2, "affect");
    message(&model, 7, &body);
    text(&opset, 1, "");
    number(&opset, 2, 13);
    message(&model, 8, &opset);
    affect_status status;
    if (g.failed)
        status = base_fail(ctx, AFFECT_ERROR_INTERNAL, "%s: the network lacks a parameter", path);
    else if (g.nodes.failed || g.initializers.failed || model.failed)
        status = base_fail_memory(ctx);
    else
        status = base_write_file(ctx, path, model.data, model.length);
    base_text_destroy(&g.nodes);
    base_text_destroy(&g.initializers);
    base_text_destroy(&model);
    return status;
}
