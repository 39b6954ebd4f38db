/* Token by token, with the keys and values of those before: see decoder.h. */
#include "nn/decoder_private.h"

enum {
    CHUNK = 256
}; /* tokens that go through the layers at once: bounds the memory of long prompts */

struct nn_session {
    affect_context *ctx;
    const nn_decoder *decoder;
    const nn_lora *lora;
    nn_tape *tape;
    nn_cache cache;
};

affect_status nn_session_create(affect_context *ctx, const nn_decoder *decoder, const nn_lora *lora,
                                nn_params *params, size_t context, nn_session **out) {
    *out = NULL;
    nn_session *s = base_calloc(1, sizeof *s);
    if (!s) return base_fail_memory(ctx);
    const nn_decoder_shape *shape = &decoder->shape;
    s->ctx = ctx;
    s->decoder = decoder;
    s->lora = lora;
    s->cache.context = BASE_MIN(context, shape->context);
    size_t count = shape->layers * shape->kv_heads * shape->head_width, bytes;
    if (!__builtin_mul_overflow(count, s->cache.context * sizeof(nn_real), &bytes)) {
        s->cache.keys = base_alloc_aligned(64, bytes);
        s->cache.values = base_alloc_aligned(64, bytes);
    }
    affect_status status = s->cache.keys && s->cache.values ? nn_tape_create(ctx, params, &s->tape)
                                                            : base_fail_memory(ctx);
    if (status) {
        nn_session_destroy(s);
        return status;
    }
    *out = s;
    return AFFECT_OK;
}

void nn_session_destroy(nn_session *s) {
    if (!s) return;
    nn_tape_destroy(s->tape);
    base_free(s->cache.keys);
    base_free(s->cache.values);
    base_free(s);
}

/* `logits`: NULL where nobody asks for those of these tokens. */
static affect_status feed(nn_session *s, const int32_t *tokens, size_t n, const nn_real *soft,
                          size_t soft_rows, bool all, nn_real *logits) {
    nn_tape *tape = s->tape;
    size_t width = s->decoder->shape.width;
    nn_tape_begin(tape, false, 0, NULL);
    nn_tensor *rows = soft ? nn_input(tape, NN_SHAPE(soft_rows, width), soft) : NULL;
    nn_tensor *x = nn_decoder_embed(s->decoder, tape, tokens, NN_SHAPE(1, n), rows);
    x = nn_decoder_run(s->decoder, tape, s->lora, x, true, &s->cache);
    if (x && logits) {
        const nn_real *from = all ? x->data : x->data + (n - 1) * width;
        nn_tensor *asked = nn_input(tape, NN_SHAPE(all ? n : 1, width), from);
        nn_tensor *y = nn_decoder_logits(s->decoder, tape, asked);
        if (y) memcpy(logits, y->data, y->count * sizeof *logits);
    }
    if (nn_tape_status(tape)) return nn_tape_status(tape);
    s->cache.used += n;
    return AFFECT_OK;
}

affect_status nn_session_feed(nn_session *s, const int32_t *tokens, size_t n, const nn_real *soft,
                              size_t soft_rows, bool all, nn_real *logits) {
    if (!n) return base_fail(s->ctx, AFFECT_ERROR_ARGUMENT, "no token to go on by");
    if (n > s->cache.context - s->cache.used)
        return base_fail(s->ctx, AFFECT_ERROR_LIMIT,
                         "%zu tokens and %zu more are over the %zu that the model's context holds",
                         s->cache.used, n, s->cache.context);
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t count = BASE_MIN((size_t)CHUNK, n - at);
        nn_real *out = all               ? logits + at * s->decoder->shape.vocabulary
                       : at + count == n ? logits
                                         : NULL;
        affect_status status = feed(s, tokens + at, count, soft, soft_rows, all, out);
        if (status) return status;
        if (affect_context_cancelled(s->ctx))
            return base_fail(s->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    }
    return AFFECT_OK;
}

affect_status nn_session_greedy(nn_session *s, nn_real *logits, int32_t end, size_t most,
                                int32_t *tokens, size_t *count) {
    *count = 0;
    while (*count < most) {
        size_t best = 0;
        for (size_t i = 1; i < s->decoder->shape.vocabulary; i++)
            if (logits[i] > logits[best]) best = i;
        if ((int32_t)best == end) return AFFECT_OK;
        tokens[(*count)++] = (int32_t)best;
        if (*count == most || s->cache.used == s->cache.context) return AFFECT_OK;
        affect_status status = nn_session_feed(s, &tokens[*count - 1], 1, NULL, 0, false, logits);
        if (status) return status;
    }
    return AFFECT_OK;
}
