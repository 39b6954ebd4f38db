/* The operations of TF.js face graphs, one function a family, in terms of ONNX's (opset 13). */
#include <string.h>

#include "tfjs2onnx/emit.h"
#include "tfjs2onnx/tfjs2onnx.h"

/* What is known of a node's output while the graph is written. */
typedef struct value {
    const char *name;         /* in the ONNX graph, NULL until it is written */
    const char *other_layout; /* the same tensor in the other layout, once it was asked for */
    size_t rank;
    bool nchw; /* a 4-D tensor in ONNX's order of dimensions */
} value;

typedef struct converter {
    affect_context *ctx;
    const tfjs_model *model;
    emit_graph out;
    value *values;  /* one for each node of the model */
    uint8_t *state; /* 0 not visited, 1 being visited, 2 written */
} converter;

typedef affect_status operation(converter *c, const tfjs_node *node, value *out, const char *onnx);

static affect_status refuse(const converter *c, const tfjs_node *node, const char *why) {
    return base_fail(c->ctx, AFFECT_ERROR_MODEL, "operation %s at %s: %s", node->op, node->name,
                     why);
}

static const tfjs_node *find_node(const converter *c, const char *name) {
    for (size_t k = 0; name && k < c->model->node_count; k++)
        if (strcmp(c->model->nodes[k].name, name) == 0) return &c->model->nodes[k];
    return NULL;
}

static value *value_of(const converter *c, const tfjs_node *node, size_t input) {
    const tfjs_node *from = input < node->input_count ? find_node(c, node->inputs[input]) : NULL;
    return from ? &c->values[from - c->model->nodes] : NULL;
}

/* The constant at an input, or NULL. */
static const tfjs_tensor *constant(const converter *c, const tfjs_node *node, size_t input) {
    if (input >= node->input_count) return NULL;
    const tfjs_node *from = find_node(c, node->inputs[input]);
    if (!from || strcmp(from->op, "Const") != 0) return NULL;
    for (size_t k = 0; k < c->model->tensor_count; k++)
        if (strcmp(c->model->tensors[k].name, from->name) == 0) return &c->model->tensors[k];
    return NULL;
}

/* ---- layouts ---- */

static const int64_t to_nchw[4] = {0, 3, 1, 2}, to_nhwc[4] = {0, 2, 3, 1};

/* Where dimension k of an NHWC tensor stands in its NCHW form. */
static const int64_t axis_in_nchw[4] = {0, 2, 3, 1};

static const char *in_layout(converter *c, value *v, bool nchw) {
    if (v->rank != 4 || v->nchw == nchw) return v->name;
    if (!v->other_layout) {
        v->other_layout = emit_name(&c->out, "%s/%s", v->name, nchw ? "nchw" : "nhwc");
        Onnx__Node *turn = emit_node(&c->out, "Transpose", v->other_layout, v->name, NULL, NULL);
        emit_ints(&c->out, turn, "perm", nchw ? to_nchw : to_nhwc, 4);
    }
    return v->other_layout;
}

/* A tensor's values with its dimensions permuted: out dimension k is dimension order[k]. */
static const char *emit_permuted(converter *c, const char *name, const tfjs_tensor *t,
                                 const int64_t dims[4], const int64_t order[4]) {
    int64_t turned[4];
    for (int k = 0; k < 4; k++) turned[k] = dims[order[k]];
    size_t stride[4] = {(size_t)(dims[1] * dims[2] * dims[3]), (size_t)(dims[2] * dims[3]),
                        (size_t)dims[3], 1};
    float *values = base_alloc((t->count + 1) * sizeof *values);
    if (!values) {
        c->out.failed = true;
        return "";
    }
    size_t at = 0;
    for (int64_t i = 0; i < turned[0]; i++)
        for (int64_t j = 0; j < turned[1]; j++)
            for (int64_t k = 0; k < turned[2]; k++)
                for (int64_t l = 0; l < turned[3]; l++)
                    values[at++] =
                        t->f[(size_t)i * stride[order[0]] + (size_t)j * stride[order[1]] +
                             (size_t)k * stride[order[2]] + (size_t)l * stride[order[3]]];
    emit_floats(&c->out, name, turned, 4, values);
    base_free(values);
    return name;
}

/* A constant that broadcasts against a tensor of rank 4 in NCHW, or against any other as it is. */
static const char *emit_broadcast(converter *c, const char *name, const tfjs_tensor *t, bool nchw) {
    if (!nchw || t->count == 1)
        return emit_floats(&c->out, name, t->dims, t->count == 1 ? 0 : t->rank, t->f);
    int64_t dims[4] = {1, 1, 1, 1};
    for (size_t k = 0; k < t->rank; k++) dims[4 - t->rank + k] = t->dims[k];
    return emit_permuted(c, name, t, dims, to_nchw);
}

static value made(const char *name, size_t rank, bool nchw) {
    return (value){.name = name, .rank = rank, .nchw = nchw};
}

/* ---- operations ---- */

/* TensorFlow pads as ONNX's SAME_UPPER does: the odd pixel goes to the end. */
static affect_status emit_padding(converter *c, const tfjs_node *node, Onnx__Node *to) {
    char padding[32];
    if (!tfjs_string(node, "padding", 0, padding)) return refuse(c, node, "no padding");
    if (strcmp(padding, "SAME") != 0 && strcmp(padding, "VALID") != 0)
        return refuse(c, node, "explicit padding is not supported");
    emit_text(&c->out, to, "auto_pad", strcmp(padding, "SAME") == 0 ? "SAME_UPPER" : "VALID");
    return AFFECT_OK;
}

static affect_status spatial(converter *c, const tfjs_node *node, const char *name, bool required,
                             int64_t out[2]) {
    int64_t four[4] = {1, 1, 1, 1};
    size_t n = tfjs_ints(node, name, four, 4);
    if (n != 4 && (required || n != 0)) return refuse(c, node, "needs four strides or sizes");
    out[0] = four[1];
    out[1] = four[2];
    if (four[0] != 1 || four[3] != 1 || out[0] < 1 || out[1] < 1)
        return refuse(c, node, "strides over batch or channels");
    return AFFECT_OK;
}

/* A convolution with 1 x 1 kernels: `kernel` is [outputs, inputs / groups]. */
static void emit_pointwise(converter *c, const char *name, const char *from, int64_t outputs,
                           int64_t inputs, int64_t groups, const float *kernel) {
    const int64_t dims[4] = {outputs, inputs / groups, 1, 1}, ones[2] = {1, 1};
    const char *weights =
        emit_floats(&c->out, emit_name(&c->out, "%s/kernel", name), dims, 4, kernel);
    Onnx__Node *conv = emit_node(&c->out, "Conv", name, from, weights, NULL);
    emit_ints(&c->out, conv, "kernel_shape", ones, 2);
    if (groups > 1) emit_int(&c->out, conv, "group", groups);
}

/* ONNX Runtime's PRelu goes through its input one number and one branch at a time, and in a layout
 * of its own beside the convolutions': half of the face mesh's time. With a slope a for each
 * channel it is a x + (1 - a) relu(x): two scalings of channels, which run as convolutions in the
 * layout of their neighbours, and their sum, which is fused into the second. */
static void emit_prelu(converter *c, const char *name, const char *from, const tfjs_tensor *alpha,
                       bool nchw) {
    size_t n = alpha->count;
    bool channels = nchw && n > 1 && alpha->rank > 0 && (size_t)alpha->dims[alpha->rank - 1] == n;
    float *rest = channels ? base_alloc(n * sizeof *rest) : NULL;
    if (!channels) {
        emit_node(&c->out, "PRelu", name, from,
                  emit_broadcast(c, emit_name(&c->out, "%s/slope", name), alpha, nchw), NULL);
        return;
    }
    if (!rest) {
        c->out.failed = true;
        return;
    }
    for (size_t k = 0; k < n; k++) rest[k] = 1.0f - alpha->f[k];
    const char *relu = emit_name(&c->out, "%s/relu", name);
    const char *sloped = emit_name(&c->out, "%s/sloped", name);
    const char *positive = emit_name(&c->out, "%s/positive", name);
    emit_node(&c->out, "Relu", relu, from, NULL, NULL);
    emit_pointwise(c, sloped, from, (int64_t)n, (int64_t)n, (int64_t)n, alpha->f);
    emit_pointwise(c, positive, relu, (int64_t)n, (int64_t)n, (int64_t)n, rest);
    emit_node(&c->out, "Add", name, sloped, positive, NULL);
    base_free(rest);
}

/* Writes what is fused behind a convolution or product; `alpha` is the Prelu's input, if any. */
static affect_status emit_activation(converter *c, const tfjs_node *node, const char *op,
                                     const char *from, value *out) {
    const char *name = node->name;
    if (strcmp(op, "Relu") == 0 || strcmp(op, "Sigmoid") == 0 || strcmp(op, "Elu") == 0 ||
        strcmp(op, "Tanh") == 0) {
        emit_node(&c->out, op, name, from, NULL, NULL);
    } else if (strcmp(op, "Relu6") == 0) {
        const float low = 0, high = 6;
        emit_node(&c->out, "Clip", name, from,
                  emit_floats(&c->out, emit_name(&c->out, "%s/low", name), NULL, 0, &low),
                  emit_floats(&c->out, emit_name(&c->out, "%s/high", name), NULL, 0, &high));
    } else if (strcmp(op, "Prelu") == 0) {
        const tfjs_tensor *alpha = constant(c, node, node->input_count - 1);
        if (!alpha || !alpha->f || alpha->rank > 3)
            return refuse(c, node, "the Prelu's slope must be a constant");
        emit_prelu(c, name, from, alpha, out->nchw);
    } else {
        return refuse(c, node, "unknown activation");
    }
    out->name = name;
    return AFFECT_OK;
}

/* The list fused_ops is BiasAdd, an activation, or both in this order; none for plain operations.
 */
static affect_status read_fused(converter *c, const tfjs_node *node, bool *bias,
                                char activation[32]) {
    char text[32];
    *bias = false;
    activation[0] = '\0';
    for (size_t k = 0; tfjs_string(node, "fused_ops", k, text); k++) {
        if (strcmp(text, "BiasAdd") == 0)
            *bias = true;
        else if (activation[0])
            return refuse(c, node, "two fused activations");
        else
            memcpy(activation, text, sizeof text);
    }
    return AFFECT_OK;
}

/* Conv2D, _FusedConv2D, DepthwiseConv2dNative, FusedDepthwiseConv2dNative. Kernels are
 * [h, w, in, out] (depthwise: [h, w, in, multiplier]); ONNX wants [out, in / groups, h, w]. */
static affect_status convolution(converter *c, const tfjs_node *node, value *out,
                                 const char *onnx) {
    const bool depthwise = strstr(node->op, "Depthwise") != NULL;
    value *x = value_of(c, node, 0);
    const tfjs_tensor *w = constant(c, node, 1), *b = NULL;
    bool bias;
    char activation[32], format[32];
    affect_status status = read_fused(c, node, &bias, activation);
    if (status) return status;
    if (tfjs_string(node, "data_format", 0, format) && strcmp(format, "NHWC") != 0)
        return refuse(c, node, "only NHWC graphs are supported");
    if (!x || x->rank != 4 || !w || !w->f || w->rank != 4)
        return refuse(c, node, "needs a 4-D input and a constant 4-D kernel");
    if (bias && (!(b = constant(c, node, 2)) || !b->f || b->rank != 1))
        return refuse(c, node, "the bias must be a constant vector");

    const char *kernel = emit_name(&c->out, "%s/kernel", node->name);
    int64_t channels = w->dims[2];
    if (depthwise) {
        /* Output channel in * multiplier + m, so [in, m] is already in order: out, 1, h, w. */
        const int64_t dims[4] = {1, w->dims[0], w->dims[1], channels * w->dims[3]};
        const int64_t order[4] = {3, 0, 1, 2};
        emit_permuted(c, kernel, w, dims, order);
    } else {
        const int64_t order[4] = {3, 2, 0, 1};
        emit_permuted(c, kernel, w, w->dims, order);
    }
    const char *offset =
        b ? emit_floats(&c->out, emit_name(&c->out, "%s/bias", node->name), b->dims, 1, b->f)
          : NULL;
    const char *name = activation[0] ? emit_name(&c->out, "%s/linear", node->name) : node->name;
    Onnx__Node *conv = emit_node(&c->out, onnx, name, in_layout(c, x, true), kernel, offset);
    int64_t strides[2], dilations[2];
    status = emit_padding(c, node, conv);
    if (!status) status = spatial(c, node, "strides", true, strides);
    if (!status) status = spatial(c, node, "dilations", false, dilations);
    if (status) return status;
    emit_ints(&c->out, conv, "kernel_shape", w->dims, 2);
    emit_ints(&c->out, conv, "strides", strides, 2);
    emit_ints(&c->out, conv, "dilations", dilations, 2);
    if (depthwise) emit_int(&c->out, conv, "group", channels);
    *out = made(name, 4, true);
    return activation[0] ? emit_activation(c, node, activation, name, out) : AFFECT_OK;
}

static affect_status pooling(converter *c, const tfjs_node *node, value *out, const char *onnx) {
    value *x = value_of(c, node, 0);
    if (!x || x->rank != 4) return refuse(c, node, "needs a 4-D input");
    Onnx__Node *pool = emit_node(&c->out, onnx, node->name, in_layout(c, x, true), NULL, NULL);
    int64_t size[2], strides[2];
    affect_status status = emit_padding(c, node, pool);
    if (!status) status = spatial(c, node, "ksize", true, size);
    if (!status) status = spatial(c, node, "strides", true, strides);
    if (status) return status;
    emit_ints(&c->out, pool, "kernel_shape", size, 2);
    emit_ints(&c->out, pool, "strides", strides, 2);
    *out = made(node->name, 4, true);
    return AFFECT_OK;
}

/* Add, Sub, Mul, Div, Minimum, Maximum of two tensors, or of a tensor and a constant. */
static affect_status binary(converter *c, const tfjs_node *node, value *out, const char *onnx) {
    const char *names[2] = {NULL, NULL};
    value *v[2] = {value_of(c, node, 0), value_of(c, node, 1)};
    const tfjs_tensor *k[2] = {constant(c, node, 0), constant(c, node, 1)};
    if (!v[0] || !v[1] || (k[0] && k[1]))
        return refuse(c, node, "needs two inputs, one not constant");
    bool nchw;
    size_t rank;
    if (k[0] || k[1]) {
        int which = k[0] ? 0 : 1;
        value *x = v[1 - which];
        if (!k[which]->f || k[which]->rank > x->rank)
            return refuse(c, node, "the constant does not broadcast");
        nchw = x->nchw;
        rank = x->rank;
        names[1 - which] = x->name;
        names[which] =
            emit_broadcast(c, emit_name(&c->out, "%s/constant", node->name), k[which], nchw);
    } else {
        nchw = v[0]->rank == 4 && v[1]->rank == 4 && (v[0]->nchw || v[1]->nchw);
        rank = BASE_MAX(v[0]->rank, v[1]->rank);
        for (int i = 0; i < 2; i++) names[i] = in_layout(c, v[i], nchw);
    }
    emit_node(&c->out, onnx, node->name, names[0], names[1], NULL);
    *out = made(node->name, rank, nchw);
    return AFFECT_OK;
}

static affect_status elementwise(converter *c, const tfjs_node *node, value *out,
                                 const char *onnx) {
    value *x = value_of(c, node, 0);
    if (!x) return refuse(c, node, "needs an input");
    *out = made(node->name, x->rank, x->nchw);
    return emit_activation(c, node, onnx, x->name, out);
}

static affect_status softmax(converter *c, const tfjs_node *node, value *out, const char *onnx) {
    value *x = value_of(c, node, 0);
    if (!x || x->rank == 0) return refuse(c, node, "needs an input");
    Onnx__Node *to = emit_node(&c->out, onnx, node->name, x->name, NULL, NULL);
    emit_int(&c->out, to, "axis", x->nchw ? 1 : -1);
    *out = made(node->name, x->rank, x->nchw);
    return AFFECT_OK;
}

static affect_status pad(converter *c, const tfjs_node *node, value *out, const char *onnx) {
    value *x = value_of(c, node, 0);
    const tfjs_tensor *amounts = constant(c, node, 1);
    if (!x || !amounts || !amounts->i || amounts->count != 2 * x->rank || x->rank > TFJS_MAX_RANK)
        return refuse(c, node, "needs constant paddings, two a dimension");
    int64_t pads[2 * TFJS_MAX_RANK];
    for (size_t k = 0; k < x->rank; k++) {
        size_t from = x->nchw ? (size_t)to_nchw[k] : k;
        pads[k] = amounts->i[2 * from];
        pads[x->rank + k] = amounts->i[2 * from + 1];
    }
    emit_node(&c->out, onnx, node->name, x->name,
              emit_whole(&c->out, emit_name(&c->out, "%s/pads", node->name), pads, 2 * x->rank),
              NULL);
    *out = made(node->name, x->rank, x->nchw);
    return AFFECT_OK;
}

static affect_status reshape(converter *c, const tfjs_node *node, value *out, const char *onnx) {
    value *x = value_of(c, node, 0);
    const tfjs_tensor *shape = constant(c, node, 1);
    if (!x || !shape || !shape->i || shape->count > TFJS_MAX_RANK)
        return refuse(c, node, "needs a constant shape");
    emit_node(
        &c->out, onnx, node->name, in_layout(c, x, false),
        emit_whole(&c->out, emit_name(&c->out, "%s/shape", node->name), shape->i, shape->count),
        NULL);
    *out = made(node->name, shape->count, false);
    return AFFECT_OK;
}

static affect_status mean(converter *c, const tfjs_node *node, value *out, const char *onnx) {
    value *x = value_of(c, node, 0);
    const tfjs_tensor *over = constant(c, node, 1);
    const bool keep = tfjs_bool(node, "keep_dims", false);
    if (!x || !over || !over->i || over->count > x->rank)
        return refuse(c, node, "needs constant axes");
    /* Without kept dimensions only the mean over height and width leaves channels in order. */
    bool nchw = x->nchw && (keep || over->count == 2);
    int64_t axes[TFJS_MAX_RANK];
    for (size_t k = 0; k < over->count; k++) {
        int64_t axis = over->i[k] < 0 ? over->i[k] + (int64_t)x->rank : over->i[k];
        if (axis < 0 || axis >= (int64_t)x->rank) return refuse(c, node, "axis out of range");
        if (!keep && axis != 1 && axis != 2) nchw = false;
        axes[k] = axis;
    }
    for (size_t k = 0; nchw && k < over->count; k++) axes[k] = axis_in_nchw[axes[k]];
    Onnx__Node *to = emit_node(&c->out, onnx, node->name, in_layout(c, x, nchw), NULL, NULL);
    emit_ints(&c->out, to, "axes", axes, over->count);
    emit_int(&c->out, to, "keepdims", keep);
    *out = made(node->name, keep ? x->rank : x->rank - over->count, keep && nchw);
    return AFFECT_OK;
}

/* ConcatV2: tensors and, last, the axis. */
static affect_status concat(converter *c, const tfjs_node *node, value *out, const char *onnx) {
    const tfjs_tensor *axis = node->input_count ? constant(c, node, node->input_count - 1) : NULL;
    if (node->input_count < 2 || !axis || !axis->i || axis->count != 1)
        return refuse(c, node, "needs a constant axis");
    value *first = value_of(c, node, 0);
    bool nchw = true;
    for (size_t k = 0; k + 1 < node->input_count; k++) {
        value *v = value_of(c, node, k);
        if (!v || !v->name || v->rank != first->rank) return refuse(c, node, "unequal ranks");
        nchw = nchw && v->nchw;
    }
    int64_t at = axis->i[0] < 0 ? axis->i[0] + (int64_t)first->rank : axis->i[0];
    if (at < 0 || at >= (int64_t)first->rank) return refuse(c, node, "axis out of range");
    Onnx__Node *to = emit_node(&c->out, onnx, node->name, NULL, NULL, NULL);
    for (size_t k = 0; k + 1 < node->input_count; k++)
        emit_input(&c->out, to, in_layout(c, value_of(c, node, k), nchw));
    emit_int(&c->out, to, "axis", nchw ? axis_in_nchw[at] : at);
    *out = made(node->name, first->rank, nchw);
    return AFFECT_OK;
}

/* MatMul and _FusedMatMul with a constant right side. */
static affect_status product(converter *c, const tfjs_node *node, value *out, const char *onnx) {
    value *x = value_of(c, node, 0);
    const tfjs_tensor *w = constant(c, node, 1), *b = NULL;
    bool bias;
    char activation[32];
    affect_status status = read_fused(c, node, &bias, activation);
    if (status) return status;
    if (!x || x->rank != 2 || !w || !w->f || w->rank != 2)
        return refuse(c, node, "needs a matrix and a constant matrix");
    if (bias && (!(b = constant(c, node, 2)) || !b->f))
        return refuse(c, node, "needs a constant bias");
    const char *name = activation[0] ? emit_name(&c->out, "%s/linear", node->name) : node->name;
    Onnx__Node *gemm = emit_node(
        &c->out, onnx, name, x->name,
        emit_floats(&c->out, emit_name(&c->out, "%s/kernel", node->name), w->dims, 2, w->f),
        b ? emit_floats(&c->out, emit_name(&c->out, "%s/bias", node->name), b->dims, b->rank, b->f)
          : NULL);
    emit_int(&c->out, gemm, "transA", tfjs_bool(node, "transpose_a", false));
    emit_int(&c->out, gemm, "transB", tfjs_bool(node, "transpose_b", false));
    *out = made(name, 2, false);
    return activation[0] ? emit_activation(c, node, activation, name, out) : AFFECT_OK;
}

static affect_status identity(converter *c, const tfjs_node *node, value *out, const char *onnx) {
    (void)onnx;
    value *x = value_of(c, node, 0);
    if (!x || !x->name) return refuse(c, node, "needs an input");
    *out = *x;
    return AFFECT_OK;
}

static const struct {
    const char *op;
    operation *write;
    const char *onnx;
} operations[] = {
    {"Conv2D", convolution, "Conv"},
    {"_FusedConv2D", convolution, "Conv"},
    {"DepthwiseConv2dNative", convolution, "Conv"},
    {"FusedDepthwiseConv2dNative", convolution, "Conv"},
    {"MaxPool", pooling, "MaxPool"},
    {"AvgPool", pooling, "AveragePool"},
    {"Add", binary, "Add"},
    {"AddV2", binary, "Add"},
    {"BiasAdd", binary, "Add"},
    {"Sub", binary, "Sub"},
    {"Mul", binary, "Mul"},
    {"RealDiv", binary, "Div"},
    {"Minimum", binary, "Min"},
    {"Maximum", binary, "Max"},
    {"Relu", elementwise, "Relu"},
    {"Relu6", elementwise, "Relu6"},
    {"Elu", elementwise, "Elu"},
    {"Tanh", elementwise, "Tanh"},
    {"Sigmoid", elementwise, "Sigmoid"},
    {"Prelu", elementwise, "Prelu"},
    {"Softmax", softmax, "Softmax"},
    {"Pad", pad, "Pad"},
    {"Reshape", reshape, "Reshape"},
    {"Mean", mean, "ReduceMean"},
    {"ConcatV2", concat, "Concat"},
    {"MatMul", product, "Gemm"},
    {"_FusedMatMul", product, "Gemm"},
    {"Identity", identity, NULL},
};

/* ---- the walk ---- */

static affect_status write_one(converter *c, const tfjs_node *node, value *out) {
    if (strcmp(node->op, "Const") == 0) return AFFECT_OK; /* written where it is used */
    if (strcmp(node->op, "Placeholder") == 0)
        return refuse(c, node, "is not among the signature's inputs");
    /* Tensors inside the graph end in ":0", those of its interface do not: they cannot collide. */
    tfjs_node named = *node;
    named.name = emit_name(&c->out, "%s:0", node->name);
    for (size_t k = 0; k < BASE_COUNT(operations); k++)
        if (strcmp(operations[k].op, node->op) == 0)
            return operations[k].write(c, &named, out, operations[k].onnx);
    return refuse(c, node, "the converter does not know this operation");
}

/* Writes what a node stands on, then the node. A graph deeper than the limit is refused, for the
 * recursion's sake. */
static affect_status visit(converter *c, const tfjs_node *node, int depth) {
    size_t index = (size_t)(node - c->model->nodes);
    if (c->state[index] == 2) return AFFECT_OK;
    if (c->state[index] == 1) return refuse(c, node, "the graph runs in a circle");
    if (depth > 4000) return refuse(c, node, "the graph is too deep");
    c->state[index] = 1;
    for (size_t k = 0; k < node->input_count; k++) {
        const tfjs_node *from = find_node(c, node->inputs[k]);
        if (!from) return refuse(c, node, "an input names no node");
        affect_status status = visit(c, from, depth + 1);
        if (status) return status;
    }
    affect_status status = write_one(c, node, &c->values[index]);
    c->state[index] = 2;
    return status;
}

static affect_status write_input(converter *c, const tfjs_port *port) {
    const tfjs_node *node = find_node(c, port->node);
    if (!node) return base_fail(c->ctx, AFFECT_ERROR_MODEL, "input %s names no node", port->name);
    const json_t *dims = json_object_get(
        json_object_get(json_object_get(node->attributes, "shape"), "shape"), "dim");
    int64_t shape[TFJS_MAX_RANK];
    size_t rank = json_array_size(dims);
    if (rank == 0 || rank > TFJS_MAX_RANK)
        return refuse(c, node, "an input needs a shape of 1 to 6 dimensions");
    for (size_t k = 0; k < rank; k++) {
        const json_t *size = json_object_get(json_array_get(dims, k), "size");
        if (!json_is_string(size) ||
            !base_parse_int64(json_string_value(size), json_string_length(size), &shape[k]))
            return refuse(c, node, "a dimension of the input has no size");
    }
    emit_port(&c->out, false, port->name, shape, rank);
    c->values[node - c->model->nodes] = made(port->name, rank, false);
    c->state[node - c->model->nodes] = 2;
    return AFFECT_OK;
}

static affect_status write_output(converter *c, const tfjs_port *port) {
    const tfjs_node *node = find_node(c, port->node);
    if (!node) return base_fail(c->ctx, AFFECT_ERROR_MODEL, "output %s names no node", port->name);
    affect_status status = visit(c, node, 0);
    if (status) return status;
    value *v = &c->values[node - c->model->nodes];
    if (!v->name) return refuse(c, node, "a constant cannot be an output");
    emit_node(&c->out, "Identity", port->name, in_layout(c, v, false), NULL, NULL);
    emit_port(&c->out, true, port->name, NULL, SIZE_MAX);
    return AFFECT_OK;
}

affect_status tfjs_to_onnx(affect_context *ctx, tfjs_model *model, const char *graph_name,
                           uint8_t **out, size_t *length) {
    converter c = {.ctx = ctx, .model = model};
    *out = NULL;
    emit_init(&c.out, graph_name);
    c.values = base_arena_alloc(&model->arena, model->node_count * sizeof *c.values);
    c.state = base_arena_alloc(&model->arena, model->node_count);
    affect_status status = c.values && c.state ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t k = 0; k < model->input_count && !status; k++)
        status = write_input(&c, &model->inputs[k]);
    for (size_t k = 0; k < model->output_count && !status; k++)
        status = write_output(&c, &model->outputs[k]);
    if (!status) status = emit_pack(ctx, &c.out, out, length);
    emit_destroy(&c.out);
    return status;
}

affect_status tfjs_convert_file(affect_context *ctx, const char *json_path, const char *onnx_path) {
    tfjs_model model;
    uint8_t *bytes = NULL;
    size_t length = 0;
    const char *slash = strrchr(json_path, '/');
    affect_status status = tfjs_model_read(ctx, json_path, &model);
    if (!status) status = tfjs_to_onnx(ctx, &model, slash ? slash + 1 : json_path, &bytes, &length);
    if (!status) status = base_write_file(ctx, onnx_path, bytes, length);
    base_free(bytes);
    tfjs_model_destroy(&model);
    return status;
}
