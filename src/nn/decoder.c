/* Decoders and adapters out of files, and new ones: see decoder.h. */
#include "nn/decoder_private.h"

static const char *const targets[NN_TARGETS] = {"attn_q",   "attn_k", "attn_v",  "attn_output",
                                                "ffn_gate", "ffn_up", "ffn_down"};

/* Inputs and outputs of a product. */
static void target_sizes(const nn_decoder_shape *s, nn_target target, size_t *in, size_t *out) {
    size_t keys = s->kv_heads * s->head_width, queries = s->heads * s->head_width;
    *in = target == NN_TARGET_OUTPUT ? queries : target == NN_TARGET_DOWN ? s->hidden : s->width;
    *out = target == NN_TARGET_Q                                ? queries
           : target == NN_TARGET_K || target == NN_TARGET_V     ? keys
           : target == NN_TARGET_GATE || target == NN_TARGET_UP ? s->hidden
                                                                : s->width;
}

static const nn_matrix none = {.param = -1};

typedef struct loader {
    affect_context *ctx;
    const nn_gguf *file;
    nn_decoder *d;
    affect_status status;
    nn_params *params; /* of a new one */
} loader;

/* A matrix of the file; where it is not there: none if it is optional. */
static nn_matrix from_file(loader *l, const char *name, size_t out, size_t in, bool optional) {
    nn_matrix m = none;
    if (l->status) return m;
    const nn_gguf_tensor *t = nn_gguf_find(l->file, name);
    if (!t && optional) return m;
    if (!t) {
        l->status = base_fail(l->ctx, AFFECT_ERROR_MODEL, "it has no tensor %s", name);
    } else if (t->d[0] != in || t->d[1] != out || t->d[2] != 1 || t->d[3] != 1) {
        char had[96];
        l->status = base_fail(l->ctx, AFFECT_ERROR_MODEL, "its tensor %s is %s, not [%zu, %zu]",
                              name, nn_shape_text(NN_SHAPE(t->d[1], t->d[0]), had), out, in);
    } else if (!nn_number_name(t->type)) {
        l->status = base_fail(l->ctx, AFFECT_ERROR_MODEL,
                              "its tensor %s is of a type that is not read here (F32, F16, BF16, "
                              "Q8_0, Q4_K and Q6_K are)",
                              name);
    } else {
        m = (nn_matrix){.data = t->data, .out = out, .in = in, .type = (int)t->type, .param = -1};
    }
    return m;
}

/* A parameter: `deviation` 0 fills with `fill`. */
static nn_matrix from_params(loader *l, const char *name, size_t out, size_t in, double deviation,
                             double fill) {
    bool vector = out == 1;
    int id = nn_param_add(l->params, name, vector ? NN_SHAPE(in) : NN_SHAPE(out, in),
                          vector ? NN_BIAS : NN_WEIGHT, deviation, fill);
    if (id < 0 && !l->status) l->status = l->params->status;
    return (nn_matrix){.out = out, .in = in, .param = id};
}

typedef enum part { PART_WEIGHT, PART_GAIN, PART_BIAS, PART_OPTIONAL_GAIN } part;

/* One of the model's matrices, from wherever they come. */
static nn_matrix get(loader *l, part what, size_t out, size_t in, const char *name) {
    const nn_decoder_shape *s = &l->d->shape;
    if (!l->params)
        return from_file(l, name, out, in, what == PART_BIAS || what == PART_OPTIONAL_GAIN);
    bool keys = strstr(name, "attn_q.") || strstr(name, "attn_k.") || strstr(name, "attn_v.");
    if (what == PART_BIAS && (strcmp(s->architecture, "qwen2") != 0 || !keys)) return none;
    if (what == PART_OPTIONAL_GAIN && strcmp(s->architecture, "qwen3") != 0) return none;
    /* GPT-2's: .02, and what is added to the stream less the deeper the model is. */
    double deviation = .02;
    if (strstr(name, "attn_output.") || strstr(name, "ffn_down."))
        deviation /= sqrt(2 * (double)s->layers);
    return from_params(l, name, out, in, what == PART_WEIGHT ? deviation : 0,
                       what == PART_BIAS ? 0 : 1);
}

static affect_status load_layers(loader *l) {
    const nn_decoder_shape *s = &l->d->shape;
    char name[NN_GGUF_NAME];
    l->d->layers = base_calloc(s->layers, sizeof *l->d->layers);
    if (!l->d->layers) return base_fail_memory(l->ctx);
    for (size_t i = 0; i < s->layers && !l->status; i++) {
        nn_decoder_layer *layer = &l->d->layers[i];
        const struct {
            const char *name;
            nn_matrix *out;
            size_t width;
            part what;
        } gains[] = {{"attn_norm", &layer->attention_norm, s->width, PART_GAIN},
                     {"ffn_norm", &layer->feed_norm, s->width, PART_GAIN},
                     {"attn_q_norm", &layer->q_norm, s->head_width, PART_OPTIONAL_GAIN},
                     {"attn_k_norm", &layer->k_norm, s->head_width, PART_OPTIONAL_GAIN}};
        for (size_t g = 0; g < BASE_COUNT(gains); g++) {
            snprintf(name, sizeof name, "blk.%zu.%s.weight", i, gains[g].name);
            *gains[g].out = get(l, gains[g].what, 1, gains[g].width, name);
        }
        for (nn_target t = 0; t < NN_TARGETS; t++) {
            size_t in, out;
            target_sizes(s, t, &in, &out);
            snprintf(name, sizeof name, "blk.%zu.%s.weight", i, targets[t]);
            layer->weight[t] = get(l, PART_WEIGHT, out, in, name);
            snprintf(name, sizeof name, "blk.%zu.%s.bias", i, targets[t]);
            layer->bias[t] = get(l, PART_BIAS, 1, out, name);
        }
    }
    l->d->table = get(l, PART_WEIGHT, s->vocabulary, s->width, "token_embd.weight");
    l->d->norm = get(l, PART_GAIN, 1, s->width, "output_norm.weight");
    l->d->head =
        s->tied ? l->d->table : get(l, PART_WEIGHT, s->vocabulary, s->width, "output.weight");
    return l->status;
}

/* ---- what a file says of its model ---- */

/* A whole number between the bounds; `usual` where there is none, unless that is 0. */
static size_t read_size(loader *l, const char *key, size_t least, size_t most, size_t usual) {
    char name[96];
    double x = (double)usual;
    snprintf(name, sizeof name, "%s.%s", l->d->shape.architecture, key);
    bool given = nn_gguf_number(l->file, name, &x);
    if (l->status) return 0;
    if (!given && (!usual || nn_gguf_has(l->file, name)))
        l->status = base_fail(l->ctx, AFFECT_ERROR_MODEL, "it has no number %s", name);
    else if (!(x >= (double)least && x <= (double)most) || x != floor(x))
        l->status = base_fail(l->ctx, AFFECT_ERROR_MODEL, "its %s is %.6g", name, x);
    return l->status ? 0 : (size_t)x;
}

static double read_real(loader *l, const char *key, double usual) {
    char name[96];
    double x = usual;
    snprintf(name, sizeof name, "%s.%s", l->d->shape.architecture, key);
    nn_gguf_number(l->file, name, &x);
    if (!l->status && !(x > 0 && x < 1e12))
        l->status = base_fail(l->ctx, AFFECT_ERROR_MODEL, "its %s is %.6g", name, x);
    return x;
}

static void read_rotary(loader *l) {
    nn_decoder_shape *s = &l->d->shape;
    char name[96], kind[16] = "none";
    snprintf(name, sizeof name, "%s.rope.scaling.type", s->architecture);
    nn_gguf_text(l->file, name, kind, sizeof kind);
    s->base = read_real(l, "rope.freq_base", 10000);
    s->stretch = 1;
    if (strcmp(kind, "linear") == 0)
        s->stretch = read_real(l, "rope.scaling.factor", 1);
    else if (strcmp(kind, "none") != 0 && !l->status)
        l->status =
            base_fail(l->ctx, AFFECT_ERROR_MODEL,
                      "its rotary positions are stretched by a rule that is not known here");
    s->rotated = read_size(l, "rope.dimension_count", 2, s->head_width, s->head_width);
    if (s->rotated % 2 && !l->status)
        l->status = base_fail(l->ctx, AFFECT_ERROR_MODEL, "its number of rotated values is odd");
    nn_matrix factors = from_file(l, "rope_freqs.weight", 1, s->rotated / 2, true);
    if (l->status || !nn_matrix_given(&factors)) return;
    l->d->stretch = base_calloc(s->rotated / 2, sizeof *l->d->stretch);
    if (!l->d->stretch)
        l->status = base_fail_memory(l->ctx);
    else
        nn_number_read((uint32_t)factors.type, s->rotated / 2, factors.data, l->d->stretch);
}

static affect_status read_shape(loader *l) {
    nn_decoder_shape *s = &l->d->shape;
    double experts = 0;
    char name[96], kind[16];
    if (!nn_gguf_text(l->file, "general.architecture", kind, sizeof kind) ||
        (strcmp(kind, "llama") != 0 && strcmp(kind, "qwen2") != 0 && strcmp(kind, "qwen3") != 0))
        return base_fail(l->ctx, AFFECT_ERROR_MODEL,
                         "its architecture is none that is known here (llama, qwen2, qwen3)");
    snprintf(s->architecture, sizeof s->architecture, "%s", kind);
    s->halves = strcmp(kind, "llama") != 0;
    snprintf(name, sizeof name, "%s.expert_count", kind);
    if (nn_gguf_number(l->file, name, &experts) && experts != 0)
        return base_fail(l->ctx, AFFECT_ERROR_MODEL, "it is a mixture of experts");
    s->layers = read_size(l, "block_count", 1, 1024, 0);
    s->width = read_size(l, "embedding_length", 1, 1 << 20, 0);
    s->hidden = read_size(l, "feed_forward_length", 1, 1 << 22, 0);
    s->context = read_size(l, "context_length", 1, UINT64_C(1) << 31, 0);
    s->heads = read_size(l, "attention.head_count", 1, 1 << 16, 0);
    s->kv_heads = read_size(l, "attention.head_count_kv", 1, 1 << 16, s->heads);
    if (l->status) return l->status;
    s->head_width = read_size(l, "attention.key_length", 1, 1 << 16, s->width / s->heads);
    if (read_size(l, "attention.value_length", 1, 1 << 16, s->head_width) != s->head_width &&
        !l->status)
        return base_fail(l->ctx, AFFECT_ERROR_MODEL, "its keys and values are of different widths");
    if (!l->status && s->heads % s->kv_heads)
        return base_fail(l->ctx, AFFECT_ERROR_MODEL, "its %zu heads cannot share %zu heads of keys",
                         s->heads, s->kv_heads);
    s->epsilon = read_real(l, "attention.layer_norm_rms_epsilon", 0);
    s->vocabulary = nn_gguf_length(l->file, "tokenizer.ggml.tokens");
    s->tied = !nn_gguf_find(l->file, "output.weight");
    if (!l->status) read_rotary(l);
    return l->status;
}

affect_status nn_decoder_create(affect_context *ctx, const nn_gguf *file, nn_decoder **out) {
    *out = NULL;
    loader l = {.ctx = ctx, .file = file, .d = base_calloc(1, sizeof *l.d)};
    if (!l.d) return base_fail_memory(ctx);
    affect_status status = read_shape(&l);
    if (!status) status = load_layers(&l);
    if (status) {
        nn_decoder_destroy(l.d);
        return status;
    }
    *out = l.d;
    return AFFECT_OK;
}

affect_status nn_decoder_new(affect_context *ctx, const nn_decoder_shape *shape, nn_params *params,
                             nn_decoder **out) {
    *out = NULL;
    if (!shape->layers || !shape->width || !shape->hidden || !shape->kv_heads ||
        !shape->head_width || !shape->vocabulary || !shape->context ||
        shape->heads % shape->kv_heads || !shape->heads || !shape->rotated || shape->rotated % 2 ||
        shape->rotated > shape->head_width || !(shape->epsilon > 0) || !(shape->base > 0) ||
        !(shape->stretch > 0))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no decoder is of that shape");
    loader l = {.ctx = ctx, .params = params, .d = base_calloc(1, sizeof *l.d)};
    if (!l.d) return base_fail_memory(ctx);
    l.d->shape = *shape;
    affect_status status = load_layers(&l);
    if (status) {
        nn_decoder_destroy(l.d);
        return status;
    }
    *out = l.d;
    return AFFECT_OK;
}

void nn_decoder_destroy(nn_decoder *d) {
    if (!d) return;
    base_free(d->layers);
    base_free(d->stretch);
    base_free(d);
}

const nn_decoder_shape *nn_decoder_get_shape(const nn_decoder *d) { return &d->shape; }

/* ---- adapters ---- */

static affect_status lora_begin(affect_context *ctx, const nn_decoder *d, nn_lora **out) {
    nn_lora *lora = base_calloc(1, sizeof *lora);
    size_t count = d->shape.layers * NN_TARGETS;
    if (lora) {
        lora->layers = d->shape.layers;
        lora->a = base_calloc(count, sizeof *lora->a);
        lora->b = base_calloc(count, sizeof *lora->b);
    }
    if (!lora || !lora->a || !lora->b) {
        nn_lora_destroy(lora);
        return base_fail_memory(ctx);
    }
    for (size_t i = 0; i < count; i++) lora->a[i] = lora->b[i] = none;
    *out = lora;
    return AFFECT_OK;
}

affect_status nn_lora_new(affect_context *ctx, const nn_decoder *d, nn_params *params, size_t rank,
                          double alpha, unsigned wanted, nn_lora **out) {
    *out = NULL;
    if (!rank || !wanted || wanted >> NN_TARGETS || !(alpha > 0))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "an adapter wants a rank, targets and alpha");
    nn_lora *lora = NULL;
    affect_status status = lora_begin(ctx, d, &lora);
    if (status) return status;
    loader l = {.ctx = ctx, .params = params};
    lora->scale = alpha / (double)rank;
    for (size_t i = 0; i < d->shape.layers; i++)
        for (nn_target t = 0; t < NN_TARGETS; t++) {
            if (!(wanted >> t & 1)) continue;
            size_t in, out_count, at = i * NN_TARGETS + t;
            char name[NN_GGUF_NAME];
            target_sizes(&d->shape, t, &in, &out_count);
            snprintf(name, sizeof name, "blk.%zu.%s.weight.lora_a", i, targets[t]);
            lora->a[at] = from_params(&l, name, rank, in, 1 / sqrt((double)in), 0);
            snprintf(name, sizeof name, "blk.%zu.%s.weight.lora_b", i, targets[t]);
            lora->b[at] = from_params(&l, name, out_count, rank, 0, 0);
        }
    if (l.status) {
        nn_lora_destroy(lora);
        return l.status;
    }
    *out = lora;
    return AFFECT_OK;
}

/* Both halves of one target, where the file has them; counts the tensors that it took. */
static void read_pair(loader *l, nn_lora *lora, double alpha, size_t i, nn_target t,
                      size_t *taken) {
    size_t in, out, rank, at = i * NN_TARGETS + t;
    char name[NN_GGUF_NAME];
    snprintf(name, sizeof name, "blk.%zu.%s.weight.lora_a", i, targets[t]);
    const nn_gguf_tensor *a = nn_gguf_find(l->file, name);
    if (!a || l->status) return;
    target_sizes(&l->d->shape, t, &in, &out);
    rank = a->d[1];
    lora->a[at] = from_file(l, name, rank, in, false);
    snprintf(name, sizeof name, "blk.%zu.%s.weight.lora_b", i, targets[t]);
    lora->b[at] = from_file(l, name, out, rank, false);
    *taken += 2;
    double scale = alpha != 0 ? alpha / (double)rank : 1;
    if (lora->scale != 0 && lora->scale != scale && !l->status)
        l->status = base_fail(l->ctx, AFFECT_ERROR_MODEL, "its ranks differ");
    lora->scale = scale;
}

affect_status nn_lora_create(affect_context *ctx, const nn_decoder *d, const nn_gguf *file,
                             nn_lora **out) {
    char kind[32] = "", architecture[16] = "";
    double alpha = 0;
    *out = NULL;
    nn_gguf_text(file, "adapter.type", kind, sizeof kind);
    nn_gguf_text(file, "general.architecture", architecture, sizeof architecture);
    nn_gguf_number(file, "adapter.lora.alpha", &alpha);
    if (strcmp(kind, "lora") != 0)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "it is no adapter of the kind LoRA");
    if (strcmp(architecture, d->shape.architecture) != 0)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "it is an adapter for another kind of model");
    if (!isfinite(alpha)) return base_fail(ctx, AFFECT_ERROR_MODEL, "its alpha is no number");
    nn_lora *lora = NULL;
    affect_status status = lora_begin(ctx, d, &lora);
    if (status) return status;
    loader l = {.ctx = ctx, .file = file, .d = (nn_decoder *)(uintptr_t)d};
    size_t taken = 0;
    for (size_t i = 0; i < d->shape.layers && !l.status; i++)
        for (nn_target t = 0; t < NN_TARGETS; t++) read_pair(&l, lora, alpha, i, t, &taken);
    if (!l.status && taken != nn_gguf_count(file))
        l.status = base_fail(
            ctx, AFFECT_ERROR_MODEL, "%zu of its %zu tensors belong to nothing in the model",
            nn_gguf_count(file) - BASE_MIN(taken, nn_gguf_count(file)), nn_gguf_count(file));
    if (l.status) {
        nn_lora_destroy(lora);
        return l.status;
    }
    *out = lora;
    return AFFECT_OK;
}

void nn_lora_destroy(nn_lora *lora) {
    if (!lora) return;
    base_free(lora->a);
    base_free(lora->b);
    base_free(lora);
}
