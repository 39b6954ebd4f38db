/* The networks of net.c as ONNX graphs. Batch normalisation is folded into the convolutions; the
 * parts that both sequence networks share are written once. */
#include "nn/onnx.h"

#include <math.h>
#include <string.h>

#include "nn/onnx_proto.h"

typedef nn_onnx_graph graph;

/* ---- pieces ---- */

/* y = conv(x) with the normalisation folded in: w' = w a, b' = bias - mean a, a = gain / sqrt(var +
 * e) */
static void conv_norm(graph *g, const char *stem, const char *x, int64_t stride, const char *y) {
    nn_shape s, c;
    const float *w = nn_onnx_values(g, stem, "weight", &s),
                *gain = nn_onnx_values(g, stem, "gain", &c),
                *bias = nn_onnx_values(g, stem, "bias", &c),
                *mean = nn_onnx_values(g, stem, "mean", &c),
                *var = nn_onnx_values(g, stem, "var", &c);
    if (g->missing) return;
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
    nn_onnx_constant(g, weight, ONNX_FLOAT, (size_t[]){out, in, kh, kw}, 4, folded,
                     kh * kw * in * out * sizeof *folded);
    nn_onnx_constant(g, offset, ONNX_FLOAT, &out, 1, shift, out * sizeof *shift);
    base_free(folded);
    const int64_t ky = (int64_t)kh, kx = (int64_t)kw;
    const nn_onnx_attribute attributes[] = {
        {.name = "kernel_shape", .values = {ky, kx}, .count = 2},
        {.name = "strides", .values = {stride, stride}, .count = 2},
        {.name = "pads", .values = {ky / 2, kx / 2, ky / 2, kx / 2}, .count = 4}};
    nn_onnx_node(g, "Conv", y, ONNX_IN(x, weight, offset), attributes, 3);
}

/* y = x w + b, over the last axis */
static void linear(graph *g, const char *stem, const char *x, const char *y) {
    char w[96], b[96], product[112];
    snprintf(w, sizeof w, "%s.weight", stem);
    snprintf(b, sizeof b, "%s.bias", stem);
    snprintf(product, sizeof product, "%s.product", stem);
    nn_onnx_parameter(g, stem, "weight");
    nn_onnx_parameter(g, stem, "bias");
    ONNX_NODE(g, "MatMul", product, x, w);
    ONNX_NODE(g, "Add", y, product, b);
}

static void reduce_sum(graph *g, const char *x, int64_t axis, bool keep, const char *y) {
    char axes[32];
    nn_onnx_node(g, "ReduceSum", y, ONNX_IN(x, nn_onnx_integers(g, &axis, 1, axes)),
                 &(nn_onnx_attribute){.name = "keepdims", .values = {keep}}, 1);
}

static void insert_axis(graph *g, const char *x, int64_t axis, const char *y) {
    char axes[32];
    ONNX_NODE(g, "Unsqueeze", y, x, nn_onnx_integers(g, &axis, 1, axes));
}

/* Keeps the first `kept` axes and joins the rest. */
static void join_axes(graph *g, const char *x, size_t kept, const char *y) {
    int64_t shape[3] = {0, 0, 0};
    char name[32];
    shape[kept] = -1;
    ONNX_NODE(g, "Reshape", y, x, nn_onnx_integers(g, shape, kept + 1, name));
}

static void transpose(graph *g, const char *x, const int64_t *order, size_t rank, const char *y) {
    nn_onnx_attribute a = {.name = "perm", .count = rank};
    memcpy(a.values, order, rank * sizeof *order);
    nn_onnx_node(g, "Transpose", y, ONNX_IN(x), &a, 1);
}

static void concat(graph *g, const char *const *x, const char *y) {
    nn_onnx_node(g, "Concat", y, x, &(nn_onnx_attribute){.name = "axis", .values = {-1}}, 1);
}

/* x / (1 + exp(-2 u)) with u = sqrt(2 / pi) (x + .044715 x^3): nn_gelu's tanh form */
static void gelu(graph *g, const char *x, const char *y) {
    char a[32], b[32];
    ONNX_NODE(g, "Mul", "gelu.square", x, x);
    ONNX_NODE(g, "Mul", "gelu.cube", "gelu.square", x);
    ONNX_NODE(g, "Mul", "gelu.part", "gelu.cube", nn_onnx_number(g, .044715, a));
    ONNX_NODE(g, "Add", "gelu.sum", x, "gelu.part");
    ONNX_NODE(g, "Mul", "gelu.u", "gelu.sum", nn_onnx_number(g, 2 * .7978845608028654, b));
    ONNX_NODE(g, "Sigmoid", "gelu.gate", "gelu.u"); /* (1 + tanh u) / 2 */
    ONNX_NODE(g, "Mul", y, x, "gelu.gate");
}

/* "mask" [n, t, 1]: 1 for the steps that count, of tensor x [n, t, c] with `length` [n] int64;
 * "count" [n, 1, 1] float. */
static void mask(graph *g, const char *x, const char *length) {
    char zero[32], one[32], index[32];
    const int64_t first = 0, second = 1;
    ONNX_NODE(g, "Shape", "mask.shape", x);
    ONNX_NODE(g, "Gather", "mask.steps", "mask.shape", nn_onnx_integers(g, &second, 1, index));
    ONNX_NODE(g, "Squeeze", "mask.end", "mask.steps");
    snprintf(zero, sizeof zero, "mask.zero");
    snprintf(one, sizeof one, "mask.one");
    nn_onnx_constant(g, zero, ONNX_INT64, NULL, 0, &first, sizeof first);
    nn_onnx_constant(g, one, ONNX_INT64, NULL, 0, &second, sizeof second);
    ONNX_NODE(g, "Range", "mask.time", zero, "mask.end", one);
    insert_axis(g, length, 1, "mask.length");
    ONNX_NODE(g, "Less", "mask.flags", "mask.time", "mask.length"); /* [n, t] */
    const nn_onnx_attribute to = {.name = "to", .values = {ONNX_FLOAT}};
    nn_onnx_node(g, "Cast", "mask.flat", ONNX_IN("mask.flags"), &to, 1);
    insert_axis(g, "mask.flat", 2, "mask");
    nn_onnx_constant(g, "mask.unit", ONNX_FLOAT, NULL, 0, &(float){1}, sizeof(float));
    ONNX_NODE(g, "Sub", "mask.beyond", "mask", "mask.unit"); /* -1 beyond the end, else 0 */
    nn_onnx_node(g, "Cast", "mask.float", ONNX_IN("mask.length"), &to, 1);
    insert_axis(g, "mask.float", 2, "count");
}

/* Mean and deviation over the steps that count -> `mean` and `deviation` [n, c]. */
static void moments(graph *g, const char *x, const char *mean, const char *deviation) {
    char epsilon[32];
    ONNX_NODE(g, "Mul", "moments.kept", x, "mask");
    reduce_sum(g, "moments.kept", 1, true, "moments.sum");
    ONNX_NODE(g, "Div", "moments.mean", "moments.sum", "count");
    ONNX_NODE(g, "Sub", "moments.gap", x, "moments.mean");
    ONNX_NODE(g, "Mul", "moments.gaps", "moments.gap", "mask");
    ONNX_NODE(g, "Mul", "moments.squares", "moments.gaps", "moments.gaps");
    reduce_sum(g, "moments.squares", 1, true, "moments.square");
    ONNX_NODE(g, "Div", "moments.variance", "moments.square", "count");
    ONNX_NODE(g, "Add", "moments.raised", "moments.variance", nn_onnx_number(g, 1e-6, epsilon));
    ONNX_NODE(g, "Sqrt", "moments.root", "moments.raised");
    join_axes(g, "moments.mean", 1, mean);
    join_axes(g, "moments.root", 1, deviation);
}

/* Largest over the steps that count, of x times `sign`. */
static void time_max(graph *g, const char *stem, const char *x, double sign, const char *y) {
    char signed_x[64], fallen[64], masked[64], factor[32], deep[32];
    snprintf(signed_x, sizeof signed_x, "%s.signed", stem);
    snprintf(fallen, sizeof fallen, "%s.fall", stem);
    snprintf(masked, sizeof masked, "%s.masked", stem);
    ONNX_NODE(g, "Mul", signed_x, x, nn_onnx_number(g, sign, factor));
    ONNX_NODE(g, "Mul", fallen, "mask.beyond", nn_onnx_number(g, 1e30, deep));
    ONNX_NODE(g, "Add", masked, signed_x, fallen);
    const nn_onnx_attribute how[] = {{.name = "axes", .values = {1}, .count = 1},
                                     {.name = "keepdims", .values = {0}}};
    nn_onnx_node(g, "ReduceMax", y, ONNX_IN(masked), how, 2);
}

/* ---- face_cnn ---- */

static void relu(graph *g, const char *x, const char *y) { ONNX_NODE(g, "Relu", y, x); }

/* relu(second(relu(first x)) + shortcut x) of the block `stem`; the first convolution has the
 * stride. */
static void residual(graph *g, const char *stem, const char *x, int64_t stride, bool shortcut,
                     const char *y) {
    char name[96], part[5][112];
    const char *leaves[5] = {"first", "active", "second", "shortcut", "sum"};
    for (int k = 0; k < 5; k++) snprintf(part[k], sizeof part[k], "%s.%s.y", stem, leaves[k]);
    snprintf(name, sizeof name, "%s.first", stem);
    conv_norm(g, name, x, stride, part[0]);
    relu(g, part[0], part[1]);
    snprintf(name, sizeof name, "%s.second", stem);
    conv_norm(g, name, part[1], 1, part[2]);
    snprintf(name, sizeof name, "%s.shortcut", stem);
    if (shortcut) conv_norm(g, name, x, stride, part[3]);
    ONNX_NODE(g, "Add", part[4], part[2], shortcut ? part[3] : x);
    relu(g, part[4], y);
}

static void face_graph(graph *g, const nn_net_options *o) {
    char x[96] = "stem.out", stem[64];
    nn_onnx_port(g, true, "image", ONNX_FLOAT, (const char *[]){"n", "1", "48", "48"}, 4);
    conv_norm(g, "stem", "image", 2, "stem.conv");
    relu(g, "stem.conv", x);
    size_t channels = o->width;
    for (size_t stage = 0; stage < 4; stage++)
        for (size_t i = 0; i < o->blocks[stage]; i++) {
            int64_t stride = stage && i == 0 ? 2 : 1;
            char y[96];
            snprintf(stem, sizeof stem, "stage%zu.block%zu", stage + 1, i + 1);
            snprintf(y, sizeof y, "%s.out", stem);
            residual(g, stem, x, stride, stride != 1 || channels != o->width << stage, y);
            memcpy(x, y, sizeof x);
            channels = o->width << stage;
        }
    ONNX_NODE(g, "GlobalAveragePool", "pooled", x);
    ONNX_NODE(g, "Flatten", "flat", "pooled");
    linear(g, "head", "flat", "logits");
}

/* ---- what the sequence networks share ---- */

/* Both directions of the GRU over x [n, t, c] -> "states" [n, t, 2h]. ONNX orders the gates update,
 * reset, new where we have reset, update, new, and wants its weights transposed. */
static void gru(graph *g, const char *x, size_t in, size_t h) {
    static const char *const ways[2] = {"gru.forward", "gru.backward"};
    static const size_t order[3] = {1, 0, 2};
    size_t sizes[3] = {3 * h * in, 3 * h * h, 6 * h};
    float *all = base_alloc(2 * (sizes[0] + sizes[1] + sizes[2]) * sizeof *all);
    if (!all) {
        g->nodes.failed = true;
        return;
    }
    float *w = all, *r = w + 2 * sizes[0], *b = r + 2 * sizes[1];
    for (size_t d = 0; d < 2; d++) {
        nn_shape s;
        const float *w_in = nn_onnx_values(g, ways[d], "w_in", &s),
                    *w_h = nn_onnx_values(g, ways[d], "w_h", &s),
                    *b_in = nn_onnx_values(g, ways[d], "b_in", &s),
                    *b_h = nn_onnx_values(g, ways[d], "b_h", &s);
        for (size_t gate = 0; !g->missing && gate < 3; gate++)
            for (size_t k = 0; k < h; k++) {
                size_t from = order[gate] * h + k, to = gate * h + k;
                for (size_t i = 0; i < in; i++)
                    w[d * sizes[0] + to * in + i] = w_in[i * 3 * h + from];
                for (size_t i = 0; i < h; i++) r[d * sizes[1] + to * h + i] = w_h[i * 3 * h + from];
                b[d * sizes[2] + to] = b_in[from];
                b[d * sizes[2] + 3 * h + to] = b_h[from];
            }
    }
    nn_onnx_constant(g, "gru.w", ONNX_FLOAT, (size_t[]){2, 3 * h, in}, 3, w,
                     2 * sizes[0] * sizeof *w);
    nn_onnx_constant(g, "gru.r", ONNX_FLOAT, (size_t[]){2, 3 * h, h}, 3, r,
                     2 * sizes[1] * sizeof *r);
    nn_onnx_constant(g, "gru.b", ONNX_FLOAT, (size_t[]){2, 6 * h}, 2, b, 2 * sizes[2] * sizeof *b);
    base_free(all);
    transpose(g, x, (const int64_t[]){1, 0, 2}, 3, "gru.x");
    const nn_onnx_attribute attributes[] = {{.name = "direction", .text = "bidirectional"},
                                            {.name = "hidden_size", .values = {(int64_t)h}},
                                            {.name = "linear_before_reset", .values = {1}}};
    nn_onnx_node(g, "GRU", "gru.y", ONNX_IN("gru.x", "gru.w", "gru.r", "gru.b", "gru.length"),
                 attributes, 3); /* [t, 2, n, h] */
    transpose(g, "gru.y", (const int64_t[]){2, 0, 1, 3}, 4, "gru.turned");
    join_axes(g, "gru.turned", 2, "states");
}

/* Raw "side" to "side.ready", as net.c's side_input. */
static void side_numbers(graph *g, size_t width) {
    char size[24], low[32], high[32];
    snprintf(size, sizeof size, "%zu", width);
    nn_onnx_port(g, true, "side", ONNX_FLOAT, (const char *[]){"n", size}, 2);
    nn_onnx_parameter(g, "side", "mean");
    nn_onnx_parameter(g, "side", "scale");
    ONNX_NODE(g, "Sub", "side.gap", "side", "side.mean");
    ONNX_NODE(g, "Mul", "side.scaled", "side.gap", "side.scale");
    ONNX_NODE(g, "IsNaN", "side.unknown", "side.scaled");
    ONNX_NODE(g, "Clip", "side.clipped", "side.scaled", nn_onnx_number(g, -4, low),
              nn_onnx_number(g, 4, high));
    ONNX_NODE(g, "Where", "side.ready", "side.unknown", "side.zero", "side.clipped");
    nn_onnx_constant(g, "side.zero", ONNX_FLOAT, NULL, 0, &(float){0}, sizeof(float));
}

/* What goes past the recurrence -> "beside": what the vectors x look like, and the side numbers.
 * False where there is nothing. */
static bool pooled_and_side(graph *g, const nn_net_options *o, const char *x) {
    const char *parts[5] = {NULL};
    size_t count = 0;
    if (o->pooled) {
        ONNX_NODE(g, "Mul", "pooled.kept", x, "mask");
        reduce_sum(g, "pooled.kept", 1, true, "pooled.sum");
        ONNX_NODE(g, "Div", "pooled.average", "pooled.sum", "count");
        join_axes(g, "pooled.average", 1, "pooled.mean");
        time_max(g, "pooled.largest", x, 1, "pooled.max");
        time_max(g, "pooled.least", x, -1, "pooled.min");
        parts[count++] = "pooled.mean";
        parts[count++] = "pooled.max";
        parts[count++] = "pooled.min";
    }
    if (o->side) {
        side_numbers(g, o->side);
        parts[count++] = "side.ready";
    }
    if (count) concat(g, parts, "beside");
    return count > 0;
}

/* x [n, t, in], "steps" [n] int64 -> logits */
static void sequence_head(graph *g, const nn_net_options *o, const char *x, size_t in, size_t h) {
    char low[32];
    const nn_onnx_attribute to = {.name = "to", .values = {ONNX_INT32}};
    nn_onnx_node(g, "Cast", "gru.length", ONNX_IN("steps"), &to, 1);
    gru(g, x, in, h);
    mask(g, "states", "steps");
    linear(g, "score", "states", "scores");
    /* a step beyond the end scores so low that its weight is 0 */
    ONNX_NODE(g, "Mul", "score.fall", "mask.beyond", nn_onnx_number(g, 1e30, low));
    ONNX_NODE(g, "Add", "score.masked", "scores", "score.fall");
    nn_onnx_node(g, "Softmax", "score.share", ONNX_IN("score.masked"),
                 &(nn_onnx_attribute){.name = "axis", .values = {1}}, 1);
    ONNX_NODE(g, "Mul", "attended.parts", "states", "score.share");
    reduce_sum(g, "attended.parts", 1, false, "attended");
    moments(g, "states", "states.mean", "states.deviation");
    const bool beside = pooled_and_side(g, o, x);
    concat(g, ONNX_IN("attended", "states.mean", "states.deviation", beside ? "beside" : NULL),
           "features");
    linear(g, "head", "features", o->value_hidden ? "classes" : "logits");
    if (!o->value_hidden) return;
    ONNX_NODE(g, "Sigmoid", "shares", "classes");
    concat(g, ONNX_IN("features", "shares"), "value.in");
    linear(g, "value.hidden", "value.in", "value.raw");
    gelu(g, "value.raw", "value.active");
    linear(g, "value", "value.active", "values");
    concat(g, ONNX_IN("classes", "values"), "logits");
}

static void lengths(graph *g) {
    nn_onnx_port(g, true, "length", ONNX_INT64, (const char *[]){"n"}, 1);
}

/* ---- voice_crnn ---- */

static void voice_graph(graph *g, const nn_net_options *o) {
    char bands[24], names[4][32];
    snprintf(bands, sizeof bands, "%zu", o->inputs);
    nn_onnx_port(g, true, "spectrogram", ONNX_FLOAT, (const char *[]){"n", "t", bands}, 3);
    lengths(g);
    insert_axis(g, "spectrogram", 1, "picture");
    conv_norm(g, "stem", "picture", 2, "stem.conv");
    relu(g, "stem.conv", "stem.out");
    residual(g, "stage1", "stem.out", 2, true, "stage1.out");
    residual(g, "stage2", "stage1.out", 2, true, "stage2.out");
    transpose(g, "stage2.out", (const int64_t[]){0, 2, 3, 1}, 4, "stage2.rows");
    join_axes(g, "stage2.rows", 2, "rows");
    linear(g, "mix", "rows", "mix.raw");
    relu(g, "mix.raw", "mixed");
    /* steps = min(max((length + 7) / 8, 1), steps there are) */
    const int64_t seven = 7, eight = 8, one = 1;
    ONNX_NODE(g, "Add", "steps.raised", "length", nn_onnx_integers(g, &seven, 1, names[0]));
    ONNX_NODE(g, "Div", "steps.eighth", "steps.raised", nn_onnx_integers(g, &eight, 1, names[1]));
    ONNX_NODE(g, "Max", "steps.some", "steps.eighth", nn_onnx_integers(g, &one, 1, names[2]));
    ONNX_NODE(g, "Shape", "mixed.shape", "mixed");
    ONNX_NODE(g, "Gather", "mixed.steps", "mixed.shape", nn_onnx_integers(g, &one, 1, names[3]));
    ONNX_NODE(g, "Min", "steps", "steps.some", "mixed.steps");
    sequence_head(g, o, "mixed", 4 * o->width, 2 * o->width);
}

/* ---- text ---- */

/* Mean vector of each token's units -> "tokens" [n, t, d]; a token without units is zeros. */
static void token_vectors(graph *g) {
    char one[32];
    const int64_t zero = 0;
    nn_onnx_port(g, true, "units", ONNX_INT64, (const char *[]){"n", "t", "p"}, 3);
    nn_onnx_parameter(g, "vectors", "weight");
    nn_onnx_constant(g, "units.none", ONNX_INT64, NULL, 0, &zero, sizeof zero);
    ONNX_NODE(g, "Less", "units.absent", "units", "units.none");
    ONNX_NODE(g, "Not", "units.there", "units.absent");
    const nn_onnx_attribute to = {.name = "to", .values = {ONNX_FLOAT}};
    nn_onnx_node(g, "Cast", "units.weight", ONNX_IN("units.there"), &to, 1);
    ONNX_NODE(g, "Max", "units.index", "units", "units.none");
    ONNX_NODE(g, "Gather", "units.vectors", "vectors.weight", "units.index");
    insert_axis(g, "units.weight", 3, "units.wide");
    ONNX_NODE(g, "Mul", "units.kept", "units.vectors", "units.wide");
    reduce_sum(g, "units.kept", 2, false, "tokens.sum");
    reduce_sum(g, "units.weight", 2, true, "tokens.units");
    ONNX_NODE(g, "Max", "tokens.count", "tokens.units", nn_onnx_number(g, 1, one));
    ONNX_NODE(g, "Div", "tokens", "tokens.sum", "tokens.count");
}

static void text_gru_graph(graph *g, const nn_net_options *o) {
    token_vectors(g);
    lengths(g);
    ONNX_NODE(g, "Identity", "steps", "length");
    sequence_head(g, o, "tokens", o->inputs, o->width);
}

static void text_bag_graph(graph *g, const nn_net_options *o) {
    token_vectors(g);
    lengths(g);
    ONNX_NODE(g, "Identity", "steps", "length");
    mask(g, "tokens", "steps");
    moments(g, "tokens", "tokens.mean", "tokens.deviation");
    const bool beside = pooled_and_side(g, o, "tokens");
    concat(g, ONNX_IN("tokens.mean", "tokens.deviation", beside ? "beside" : NULL), "features");
    linear(g, "mix", "features", "mix.raw");
    gelu(g, "mix.raw", "mixed");
    linear(g, "head", "mixed", "logits");
}

affect_status nn_onnx_write(affect_context *ctx, nn_net *net, const char *path) {
    const nn_net_options *o = nn_net_get_options(net);
    graph g = {.params = nn_net_params(net)};
    if (strcmp(o->kind, "face_cnn") == 0)
        face_graph(&g, o);
    else if (strcmp(o->kind, "voice_crnn") == 0)
        voice_graph(&g, o);
    else if (strcmp(o->kind, "text_gru") == 0)
        text_gru_graph(&g, o);
    else if (strcmp(o->kind, "text_bag") == 0)
        text_bag_graph(&g, o);
    else
        return base_fail(ctx, AFFECT_ERROR_UNSUPPORTED, "%s: no ONNX graph is known for a %s", path,
                         o->kind);
    char outputs[24];
    snprintf(outputs, sizeof outputs, "%zu", o->outputs);
    nn_onnx_port(&g, false, "logits", ONNX_FLOAT, (const char *[]){"n", outputs}, 2);
    return nn_onnx_file(ctx, &g, path);
}
