/* What the tests of decoders ask the library, in bytes. usage:
 *   tune_tool logits MODEL.gguf ADAPTER.gguf|- CHUNK TOKEN...   float32 logits of every token [n, vocabulary]; CHUNK
 *                                           tokens at a time
 *   tune_tool greedy MODEL.gguf ADAPTER.gguf|- COUNT TOKEN...   COUNT tokens that follow, as text
 *   tune_tool soft MODEL.gguf ADAPTER.gguf|- COUNT TOKEN... < ROWS   the same; -2 - i is row i of float32 on standard input
 *   tune_tool tokens MODEL.gguf             the tokens of the text on standard input, a number a line, by the model's own
 *                                           vocabulary
 * A refusal is one line on standard error and exit code 1. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/decoder.h"
#include "nn/vocabulary.h"

typedef struct opened {
    nn_gguf *file, *adapter_file;
    nn_decoder *decoder;
    nn_lora *lora;
} opened;

static affect_status open_gguf(affect_context *ctx, const char *path, nn_gguf_use use,
                               nn_gguf **out) {
    int descriptor = open(path, O_RDONLY);
    if (descriptor < 0) return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "there is no such file");
    affect_status status = nn_gguf_open(ctx, descriptor, use, out);
    close(descriptor);
    return status;
}

static affect_status open_all(affect_context *ctx, const char *model, const char *adapter,
                              opened *o) {
    affect_status status = open_gguf(ctx, model, NN_GGUF_MODEL, &o->file);
    if (!status) status = nn_decoder_create(ctx, o->file, &o->decoder);
    if (status || strcmp(adapter, "-") == 0) return status;
    status = open_gguf(ctx, adapter, NN_GGUF_ADAPTER, &o->adapter_file);
    return status ? status : nn_lora_create(ctx, o->decoder, o->adapter_file, &o->lora);
}

static affect_status run(affect_context *ctx, const opened *o, bool greedy, bool mixed,
                         size_t number, const int32_t *tokens, size_t n, float *logits) {
    enum { MOST = 4096 };
    size_t vocabulary = nn_decoder_get_shape(o->decoder)->vocabulary, count = 0, rows = 0;
    size_t width = nn_decoder_get_shape(o->decoder)->width;
    float *soft = mixed ? malloc(MOST * width * sizeof *soft) : NULL;
    if (soft) rows = fread(soft, width * sizeof *soft, MOST, stdin);
    nn_session *session = NULL;
    int32_t *said = malloc((number + 1) * sizeof *said);
    affect_status status = nn_session_create(ctx, o->decoder, o->lora, NULL, 4096, &session);
    if (!said && !status) status = base_fail_memory(ctx);
    if (!status && greedy) {
        status = nn_session_feed(session, tokens, n, soft, rows, false, logits);
        if (!status) status = nn_session_greedy(session, logits, -1, number, said, &count);
        for (size_t i = 0; !status && i < count; i++) printf("%d\n", said[i]);
    }
    for (size_t at = 0; !status && !greedy && at < n; at += number) {
        size_t k = BASE_MIN(number, n - at);
        status = nn_session_feed(session, tokens + at, k, NULL, 0, true, logits);
        if (!status && fwrite(logits, sizeof *logits, k * vocabulary, stdout) != k * vocabulary)
            status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "cannot write");
    }
    nn_session_destroy(session);
    free(said);
    free(soft);
    return status;
}

static affect_status print_tokens(affect_context *ctx, const char *model) {
    nn_gguf *file = NULL;
    nn_vocabulary *v = NULL;
    char *text = NULL;
    int32_t *tokens = NULL;
    size_t length = 0, count = 0, capacity = 0;
    affect_status status = open_gguf(ctx, model, NN_GGUF_MODEL, &file);
    if (!status && !nn_vocabulary_known(file))
        status = base_fail(ctx, AFFECT_ERROR_MODEL, "its vocabulary is of another kind");
    if (!status) status = nn_vocabulary_create(ctx, file, &v);
    if (!status) status = base_read_file(ctx, "-", 0, &text, &length);
    if (!status)
        status = nn_vocabulary_read(ctx, v, text, length, true, &tokens, &count, &capacity);
    for (size_t i = 0; !status && i < count; i++) printf("%d\n", tokens[i]);
    base_free(tokens);
    base_free(text);
    nn_vocabulary_destroy(v);
    nn_gguf_close(file);
    return status;
}

int main(int argc, char **argv) {
    affect_context *ctx = NULL;
    if (argc == 3 && strcmp(argv[1], "tokens") == 0 && !affect_context_create(&ctx)) {
        affect_status said = print_tokens(ctx, argv[2]);
        if (said) fprintf(stderr, "%s\n", affect_context_message(ctx));
        affect_context_destroy(ctx);
        return said ? 1 : 0;
    }
    if (argc < 6 || affect_context_create(&ctx)) return 2;
    opened o = {0};
    size_t n = (size_t)argc - 5, number = (size_t)strtoul(argv[4], NULL, 10);
    int32_t *tokens = malloc(n * sizeof *tokens);
    float *logits = NULL;
    for (size_t i = 0; tokens && i < n; i++) tokens[i] = (int32_t)strtol(argv[5 + i], NULL, 10);
    affect_status status = open_all(ctx, argv[2], argv[3], &o);
    if (!status) {
        logits = malloc(n * nn_decoder_get_shape(o.decoder)->vocabulary * sizeof *logits);
        status = tokens && logits && number
                     ? run(ctx, &o, strcmp(argv[1], "logits") != 0, strcmp(argv[1], "soft") == 0,
                           number, tokens, n, logits)
                     : AFFECT_ERROR_MEMORY;
    }
    if (status) fprintf(stderr, "%s\n", affect_context_message(ctx));
    free(logits);
    free(tokens);
    nn_lora_destroy(o.lora);
    nn_decoder_destroy(o.decoder);
    nn_gguf_close(o.adapter_file);
    nn_gguf_close(o.file);
    affect_context_destroy(ctx);
    return status ? 1 : 0;
}
