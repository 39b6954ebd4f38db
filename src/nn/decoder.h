/* Language models of the Llama, Qwen2 and Qwen3 families out of GGUF files: RMS norms, rotary positions, attention with
 * shared keys, gated units. The weights stay in the file, quantised (matrix.h); what is trained are adapters (Hu et
 * al. 2021), what goes in as embeddings, or, of a model that begins anew, everything. */
#ifndef NN_DECODER_H
#define NN_DECODER_H

#include "nn/gguf.h"
#include "nn/matrix.h"

typedef struct nn_decoder_shape {
    char architecture[16]; /* "llama", "qwen2", "qwen3" */
    size_t layers, width, hidden, heads, kv_heads, head_width, vocabulary, context, rotated;
    double epsilon;       /* of the norms */
    double base, stretch; /* of the angles: base^(-2i/rotated) * position / stretch */
    bool halves;          /* which values make a pair: see nn_rotary */
    bool tied;            /* the table of the tokens is the head */
} nn_decoder_shape;

typedef enum nn_target {
    NN_TARGET_Q,
    NN_TARGET_K,
    NN_TARGET_V,
    NN_TARGET_OUTPUT,
    NN_TARGET_GATE,
    NN_TARGET_UP,
    NN_TARGET_DOWN,
    NN_TARGETS
} nn_target;

typedef struct nn_decoder nn_decoder;
/* The file is borrowed and outlives the decoder. Errors: MODEL (what is wrong, in words that follow a
 * file's name), MEMORY. */
AFFECT_MUST_USE affect_status nn_decoder_create(affect_context *ctx, const nn_gguf *file,
                                                nn_decoder **out);
/* A new one, whose weights are parameters: to be trained from the start. Errors: ARGUMENT, MEMORY. */
AFFECT_MUST_USE affect_status nn_decoder_new(affect_context *ctx, const nn_decoder_shape *shape,
                                             nn_params *params, nn_decoder **out);
void nn_decoder_destroy(nn_decoder *decoder);
const nn_decoder_shape *nn_decoder_get_shape(const nn_decoder *decoder);

/* ---- adapters: y = W x + scale B (A x) ---- */

typedef struct nn_lora nn_lora;
/* Adds parameters "blk.0.attn_q.weight.lora_a" [rank, in] and ".lora_b" [out, rank], as GGUF has them; A is drawn,
 * B is 0. `targets`: bit 1 << nn_target each. scale = alpha / rank. */
AFFECT_MUST_USE affect_status nn_lora_new(affect_context *ctx, const nn_decoder *decoder,
                                          nn_params *params, size_t rank, double alpha,
                                          unsigned targets, nn_lora **out);
/* An adapter as llama.cpp has it; the file is borrowed and outlives it. Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status nn_lora_create(affect_context *ctx, const nn_decoder *decoder,
                                             const nn_gguf *file, nn_lora **out);
void nn_lora_destroy(nn_lora *lora);

/* ---- on a tape ---- */

/* tokens[shape] -> shape + [width]: the table's row of a token, zeros for -1, and row i of soft[rows, width] (NULL
 * = none) for -2 - i. */
nn_tensor *nn_decoder_embed(const nn_decoder *decoder, nn_tape *tape, const int32_t *tokens,
                            nn_shape shape, nn_tensor *soft);
/* x[n, t, width] -> [n, t, width], normed: what the head takes. `lora` may be NULL. A step sees those before
 * it; so what stands behind a sequence's end changes nothing in it. With `recompute` each layer keeps its
 * input alone (nn_checkpoint). */
nn_tensor *nn_decoder_hidden(const nn_decoder *decoder, nn_tape *tape, const nn_lora *lora,
                             nn_tensor *x, bool recompute);
nn_tensor *nn_decoder_logits(const nn_decoder *decoder, nn_tape *tape, nn_tensor *hidden);
/* See nn_token_loss: target[n * t] is the token that follows each step, or -1. */
nn_tensor *nn_decoder_loss(const nn_decoder *decoder, nn_tape *tape, nn_tensor *hidden,
                           const int32_t *target, double scale);

/* ---- token by token ---- */

typedef struct nn_session nn_session;
/* Holds keys and values of up to `context` steps (fewer where the model knows fewer). `params`: of the adapter
 * or of a new decoder, else NULL; everything is borrowed. Errors: MEMORY. */
AFFECT_MUST_USE affect_status nn_session_create(affect_context *ctx, const nn_decoder *decoder,
                                                const nn_lora *lora, nn_params *params,
                                                size_t context, nn_session **out);
void nn_session_destroy(nn_session *session);
/* Goes on by n > 0 tokens (see nn_decoder_embed; soft[rows, width] or NULL). `logits`: of the last token
 * [vocabulary], or with `all` of each [n, vocabulary]. Errors: LIMIT (more than fit), ARGUMENT, MEMORY. */
AFFECT_MUST_USE affect_status nn_session_feed(nn_session *session, const int32_t *tokens, size_t n,
                                              const nn_real *soft, size_t soft_rows, bool all,
                                              nn_real *logits);
/* The likeliest next token, one after the other, from the logits of the last feed on; ends before `end` (-1 = none)
 * and at `most`. *count tokens in `tokens`. `logits` [vocabulary] is overwritten. */
AFFECT_MUST_USE affect_status nn_session_greedy(nn_session *session, nn_real *logits, int32_t end,
                                                size_t most, int32_t *tokens, size_t *count);

#endif
