/* A language model's file: any bytes are whole or damaged, and nothing is read behind their end; what is whole and of
 * a family that is known here runs one token, what is an adapter is read as one. */
#include <stdlib.h>
#include <string.h>

#include "nn/decoder.h"
#include "nn/vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { MOST = 1 << 20 }; /* of a model that is run: values of its widest layer */

static bool small(const nn_decoder_shape *s) {
    return s->layers <= 4 && s->vocabulary <= 4096 && s->width <= 4096 && s->hidden <= 4096 &&
           s->heads * s->head_width <= 4096 && s->vocabulary * s->width <= MOST &&
           s->hidden * s->width <= MOST;
}

static void run(affect_context *ctx, const nn_gguf *file) {
    nn_decoder *decoder = NULL;
    nn_lora *lora = NULL;
    nn_session *session = NULL;
    if (nn_decoder_create(ctx, file, &decoder) == AFFECT_OK &&
        small(nn_decoder_get_shape(decoder))) {
        float *logits = malloc(nn_decoder_get_shape(decoder)->vocabulary * sizeof *logits);
        int32_t token = 0;
        if (!nn_lora_create(ctx, decoder, file, &lora) && !lora) abort();
        if (logits && !nn_session_create(ctx, decoder, lora, NULL, 4, &session) &&
            nn_session_feed(session, &token, 1, NULL, 0, false, logits))
            abort();
        free(logits);
    }
    nn_session_destroy(session);
    nn_lora_destroy(lora);
    nn_decoder_destroy(decoder);
}

/* A text in the file's own vocabulary is that text again. */
static void read_text(affect_context *ctx, const nn_gguf *file) {
    static const char text[] = "It's 12 o'clock,\n  \xc3\xa4h.";
    nn_vocabulary *v = NULL;
    int32_t *tokens = NULL;
    size_t count = 0, capacity = 0, at = 0;
    if (!nn_vocabulary_known(file) || nn_vocabulary_create(ctx, file, &v)) return;
    if (nn_vocabulary_read(ctx, v, text, sizeof text - 1, false, &tokens, &count, &capacity))
        abort();
    for (size_t i = 0; i < count; i++) {
        size_t n;
        const char *bytes = nn_vocabulary_token(v, tokens[i], &n);
        if (!bytes || at + n > sizeof text - 1 || memcmp(bytes, text + at, n) != 0) abort();
        at += n;
    }
    if (at != sizeof text - 1) abort();
    base_free(tokens);
    nn_vocabulary_destroy(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    affect_context *ctx = NULL;
    nn_gguf *file = NULL;
    if (affect_context_create(&ctx)) return 0;
    for (nn_gguf_use use = NN_GGUF_MODEL; use <= NN_GGUF_ADAPTER; use++) {
        if (nn_gguf_read(ctx, bytes, length, use, &file)) continue;
        if (length < 24 || memcmp(bytes, "GGUF", 4) != 0) abort();
        for (size_t i = 0; i < nn_gguf_count(file); i++) {
            const nn_gguf_tensor *t = nn_gguf_at(file, i);
            if (t->data < bytes || t->bytes > length - (size_t)(t->data - bytes)) abort();
        }
        run(ctx, file);
        read_text(ctx, file);
        nn_gguf_close(file);
    }
    affect_context_destroy(ctx);
    return 0;
}
