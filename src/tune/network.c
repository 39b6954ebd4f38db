/* The language model with projectors before it and adapters in it. */
#include <string.h>
#include <unistd.h>

#include "nn/tape.h"
#include "tune/tune_private.h"

affect_status tune_network_open(affect_context *ctx, const char *path, tune_network *out) {
    out->ctx = ctx;
    int descriptor = base_open_regular(path);
    if (descriptor < 0)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: there is no such file", path);
    affect_status status = nn_gguf_open(ctx, descriptor, NN_GGUF_MODEL, &out->file);
    close(descriptor);
    if (!status) status = nn_decoder_create(ctx, out->file, &out->decoder);
    return tune_network_fail(ctx, path, status);
}

affect_status tune_network_fail(affect_context *ctx, const char *path, affect_status status) {
    if (status != AFFECT_ERROR_MODEL) return status;
    char why[300];
    snprintf(why, sizeof why, "%s", affect_context_message(ctx));
    return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: %s", path, why);
}

void tune_network_close(tune_network *n) {
    for (size_t s = 0; s < TUNE_STREAMS; s++) nn_projector_destroy(n->projector[s]);
    nn_lora_destroy(n->lora);
    nn_params_destroy(n->params);
    base_free(n->maps);
    nn_decoder_destroy(n->decoder);
    nn_gguf_close(n->file);
    *n = (tune_network){0};
}

/* "attn_q attn_v" as bits; a mistake where a word is none. */
static unsigned read_targets(train_recipe *recipe) {
    const char *text =
        train_recipe_text(recipe, "lora", "targets", "attn_q attn_k attn_v attn_output");
    unsigned bits = 0;
    while (*text) {
        size_t n = strcspn(text, " ");
        nn_target found = NN_TARGETS;
        for (nn_target t = 0; t < NN_TARGETS; t++)
            if (strlen(nn_target_name(t)) == n && strncmp(text, nn_target_name(t), n) == 0)
                found = t;
        if (n && found == NN_TARGETS)
            train_recipe_mistake(
                recipe, "lora", "targets",
                "attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up and ffn_down are known");
        else if (n)
            bits |= 1U << found;
        text += n + (text[n] != '\0');
    }
    return bits;
}

void tune_network_configure(tune_network *n, train_recipe *recipe) {
    const char *kind =
        train_recipe_choice(recipe, "projector", "kind", "mlp", "linear|mlp|queries|ridge");
    n->ridge = strcmp(kind, "ridge") == 0;
    n->shape = (nn_projector_options){
        .kind = n->ridge || strcmp(kind, "linear") == 0 ? NN_PROJECTOR_LINEAR
                : strcmp(kind, "mlp") == 0              ? NN_PROJECTOR_MLP
                                                        : NN_PROJECTOR_QUERIES,
        .soft = train_recipe_count(recipe, "projector", "tokens", 8, 1, 256),
        .hidden = train_recipe_count(recipe, "projector", "hidden", 64, 1, 1 << 14),
        .heads = train_recipe_count(recipe, "projector", "heads", 4, 1, 64)};
    if (n->shape.kind == NN_PROJECTOR_QUERIES && n->shape.hidden % n->shape.heads)
        train_recipe_mistake(recipe, "projector", "heads", "a divisor of hidden");
    n->rank = train_recipe_count(recipe, "lora", "rank", 16, 0, 1024);
    n->alpha = train_recipe_number(recipe, "lora", "alpha",
                                   2 * (double)BASE_MAX(n->rank, (size_t)1), 1e-3, 1e5);
    n->targets = read_targets(recipe);
    if (n->rank && !n->targets) train_recipe_mistake(recipe, "lora", "targets", "at least one");
}

affect_status tune_network_build(tune_network *n, const tune_clips *clips, uint64_t seed) {
    n->streams = clips->streams;
    affect_status status = nn_params_create(n->ctx, seed, &n->params);
    for (size_t s = 0; !status && s < clips->streams; s++) {
        if (!clips->features[s])
            return base_fail(n->ctx, AFFECT_ERROR_FORMAT, "no clip has a stream %s",
                             clips->names[s]);
        nn_projector_options o = n->shape;
        o.name = clips->names[s];
        o.features = clips->features[s];
        o.width = nn_decoder_get_shape(n->decoder)->width;
        status = nn_projector_create(n->ctx, n->params, &o, &n->projector[s]);
    }
    if (!status && n->rank)
        status =
            nn_lora_new(n->ctx, n->decoder, n->params, n->rank, n->alpha, n->targets, &n->lora);
    if (!status && !n->params->size)
        status = base_fail(n->ctx, AFFECT_ERROR_ARGUMENT,
                           "there is nothing to train: no stream, and no adapter");
    return status;
}

static size_t steps_of(const tune_network *n, int32_t token) {
    return token < -1 ? n->shape.soft : 1;
}

size_t tune_network_length(const tune_network *n, const tune_clip *clip) {
    size_t t = 0;
    for (size_t i = 0; i < clip->count; i++) t += steps_of(n, clip->tokens[i]);
    return t;
}

/* Where a stream's tokens stand: of each step its row, or -1. */
static nn_tensor *add_stream(const tune_network *n, nn_tape *tape, const tune_clip *clip, size_t s,
                             bool left_out, nn_tensor *x) {
    size_t t = x->shape.d[1], at = 0;
    int32_t *index = nn_tape_bytes_alloc(tape, t * sizeof *index);
    bool any = false;
    if (!index) return NULL;
    for (size_t i = 0; i < clip->count; i++)
        for (size_t k = 0; k < steps_of(n, clip->tokens[i]); k++, at++) {
            bool here = clip->tokens[i] == -2 - (int32_t)s;
            index[at] = here ? (int32_t)k : -1;
            any |= here;
        }
    if (!any) return x;
    nn_stream stream = {clip->times[s], clip->rows[s], left_out ? 0 : clip->steps[s], clip->map[s]};
    nn_tensor *soft = nn_projector_forward(n->projector[s], tape, &stream, 1);
    return nn_add(tape, x, nn_reshape(tape, nn_rows(tape, soft, index, t), x->shape));
}

/* Are the layers' activations, about a dozen rows of the width and four of the hidden width a token, more than 64 MiB? Then a layer is
 * computed twice. */
static bool is_large(const nn_decoder *decoder, size_t t) {
    const nn_decoder_shape *s = nn_decoder_get_shape(decoder);
    return t * s->layers * (12 * s->width + 4 * s->hidden) > (size_t)1 << 24;
}

nn_tensor *tune_network_hidden(const tune_network *n, nn_tape *tape, const tune_clip *clip,
                               unsigned left_out, int32_t **target) {
    size_t t = tune_network_length(n, clip), at = 0;
    int32_t *tokens = nn_tape_bytes_alloc(tape, t * sizeof *tokens);
    *target = nn_tape_bytes_alloc(tape, t * sizeof **target);
    if (!tokens || !*target) return NULL;
    for (size_t i = 0; i < clip->count; i++)
        for (size_t k = 0; k < steps_of(n, clip->tokens[i]); k++, at++) {
            tokens[at] = clip->tokens[i] < 0 ? -1 : clip->tokens[i];
            bool last = k + 1 == steps_of(n, clip->tokens[i]);
            (*target)[at] =
                last && i + 1 >= clip->answer && i + 1 < clip->count ? clip->tokens[i + 1] : -1;
        }
    nn_tensor *x = nn_decoder_embed(n->decoder, tape, tokens, NN_SHAPE(1, t), NULL);
    for (size_t s = 0; x && s < n->streams; s++)
        x = add_stream(n, tape, clip, s, left_out >> s & 1, x);
    return nn_decoder_hidden(n->decoder, tape, n->lora, x, is_large(n->decoder, t));
}
