/* What a tuned model answers, for bench/tune.py:
 *     build/bench/bench-tune RUN BASE.gguf CLIPS.jsonl TOKENS
 * RUN: a folder of `affect tune`. Prints one JSON text a clip whose part is neither train nor valid: up to TOKENS tokens, one
 * after the other the likeliest. The base's vocabulary must be one that is read here. */
#include <stdlib.h>
#include <string.h>

#include "nn/safetensors.h"
#include "nn/tape.h"
#include "tune/tune_private.h"

typedef struct bench {
    affect_context *ctx;
    tune_options o;
    tune_network network;
    tune_clips clips;
    nn_vocabulary *vocabulary;
    train_recipe *recipe;
    uint32_t *asked;
    size_t asked_count, most;
} bench;

static affect_status read_text(void *user, const char *text, bool begin, int32_t **tokens,
                               size_t *count, size_t *capacity) {
    const bench *b = user;
    return nn_vocabulary_read(b->ctx, b->vocabulary, text, strlen(text), begin, tokens, count,
                              capacity);
}

static void name_streams(bench *b) {
    const char *names = train_recipe_text(b->recipe, "streams", "names", "");
    for (size_t n; *names && b->clips.streams < TUNE_STREAMS; names += n + (names[n] == ' ')) {
        n = strcspn(names, " ");
        if (n)
            snprintf(b->clips.names[b->clips.streams++], TUNE_NAME, "%.*s",
                     (int)BASE_MIN(n, (size_t)TUNE_NAME - 1), names);
    }
}

static char *file_of(const bench *b, const char *name) { return base_path_join(b->o.folder, name); }

/* The values that the run kept: the adapter's out of its GGUF file, the projectors' out of the other one. */
static affect_status load_values(bench *b) {
    nn_params *p = b->network.params;
    nn_file *projectors = NULL;
    nn_gguf *adapter = NULL;
    char *path = file_of(b, "projector.safetensors"), *other = file_of(b, "adapter.gguf");
    affect_status status = b->clips.streams ? nn_file_open(b->ctx, path, &projectors) : AFFECT_OK;
    int descriptor = b->network.lora ? base_open_regular(other) : -1;
    if (!status && descriptor >= 0)
        status = nn_gguf_open(b->ctx, descriptor, NN_GGUF_ADAPTER, &adapter);
    for (size_t i = 0; !status && i < p->count; i++) {
        const nn_param *item = &p->items[i];
        const nn_gguf_tensor *t = adapter ? nn_gguf_find(adapter, item->name) : NULL;
        int at = projectors ? nn_file_find(projectors, item->name) : -1;
        if (t && t->bytes == item->count * sizeof(float))
            memcpy(p->value + item->offset, t->data, t->bytes);
        else if (at >= 0)
            status =
                nn_file_read(b->ctx, projectors, (size_t)at, p->value + item->offset, item->count);
        else
            status =
                base_fail(b->ctx, AFFECT_ERROR_MODEL, "%s: %s is missing", b->o.folder, item->name);
    }
    nn_file_close(projectors);
    nn_gguf_close(adapter);
    base_free(path);
    base_free(other);
    return status;
}

static affect_status open_all(bench *b) {
    char *path = file_of(b, "recipe.ini");
    affect_status status = train_recipe_open(b->ctx, path, &b->recipe);
    base_free(path);
    if (status) return status;
    name_streams(b);
    tune_network_configure(&b->network, b->recipe);
    status = tune_network_open(b->ctx, b->o.base, &b->network);
    if (!status && nn_vocabulary_known(b->network.file))
        status = nn_vocabulary_create(b->ctx, b->network.file, &b->vocabulary);
    double end = 0;
    nn_gguf_number(b->network.file, "tokenizer.ggml.eos_token_id", &end);
    b->clips.ctx = b->ctx;
    b->clips.vocabulary = nn_decoder_get_shape(b->network.decoder)->vocabulary;
    b->clips.end = (int32_t)end;
    b->o.tokenise = b->vocabulary ? read_text : NULL;
    b->o.tokenise_user = b;
    if (!status) status = tune_clips_read(&b->clips, &b->o);
    if (!status) status = tune_network_build(&b->network, &b->clips, 1);
    if (!status) status = load_values(b);
    b->asked = base_calloc(b->clips.count + 1, sizeof *b->asked);
    for (size_t i = 0; b->asked && i < b->clips.count; i++)
        if (b->clips.items[i].split == TUNE_OTHER) b->asked[b->asked_count++] = (uint32_t)i;
    return status || b->asked ? status : base_fail_memory(b->ctx);
}

/* Soft tokens of all streams [streams * soft, width], on the tape. */
static nn_real *project(const bench *b, nn_tape *tape, const tune_clip *from) {
    size_t soft = b->network.shape.soft, width = nn_decoder_get_shape(b->network.decoder)->width;
    nn_tape_begin(tape, false, 0, NULL);
    nn_real *all = nn_tape_alloc(tape, (b->network.streams * soft + 1) * width);
    for (size_t s = 0; all && s < b->network.streams; s++) {
        nn_stream stream = {from->times[s], from->rows[s], from->steps[s], NULL};
        nn_tensor *x = nn_projector_forward(b->network.projector[s], tape, &stream, 1);
        if (!x) return NULL;
        memcpy(all + s * soft * width, x->data, x->count * sizeof *all);
    }
    return all;
}

static affect_status answer(const bench *b, nn_tape *tape, size_t k) {
    const tune_clip *c = &b->clips.items[b->asked[k]];
    size_t soft = b->network.shape.soft, n = 0, said = 0;
    size_t vocabulary = b->clips.vocabulary, room = c->answer * soft + b->most + 1;
    nn_session *session = NULL;
    int32_t *tokens = base_calloc(room, sizeof *tokens);
    float *logits = base_calloc(vocabulary, sizeof *logits);
    nn_real *rows = project(b, tape, c);
    affect_status status = tokens && logits && rows ? AFFECT_OK : base_fail_memory(b->ctx);
    for (size_t i = 0; !status && i < c->answer; i++) {
        if (c->tokens[i] >= 0) tokens[n++] = c->tokens[i];
        for (size_t r = 0; c->tokens[i] < -1 && r < soft; r++)
            tokens[n++] = -2 - (int32_t)((size_t)(-2 - c->tokens[i]) * soft + r);
    }
    if (!status)
        status = nn_session_create(b->ctx, b->network.decoder, b->network.lora, b->network.params,
                                   n + b->most, &session);
    if (!status)
        status = nn_session_feed(session, tokens, n, b->network.streams ? rows : NULL,
                                 b->network.streams * soft, false, logits);
    if (!status) status = nn_session_greedy(session, logits, b->clips.end, b->most, tokens, &said);
    base_text text = {0}, line = {0};
    for (size_t i = 0; !status && i < said; i++) {
        size_t length;
        const char *bytes = nn_vocabulary_token(b->vocabulary, tokens[i], &length);
        base_text_append_n(&text, bytes, length);
    }
    base_text_append_json(&line, text.length ? text.data : "");
    if (!status && !text.failed && !line.failed) printf("%s\n", line.data);
    base_text_destroy(&text);
    base_text_destroy(&line);
    nn_session_destroy(session);
    base_free(tokens);
    base_free(logits);
    return status;
}

int main(int argc, char **argv) {
    bench b = {0};
    nn_tape *tape = NULL;
    if (argc != 5 || affect_context_create(&b.ctx)) return 2;
    b.o = (tune_options){.folder = argv[1], .base = argv[2], .data = argv[3]};
    b.most = (size_t)strtoul(argv[4], NULL, 10);
    affect_status status = open_all(&b);
    if (!status && !b.vocabulary)
        status = base_fail(b.ctx, AFFECT_ERROR_MODEL, "its vocabulary is of another kind");
    if (!status) status = nn_tape_create(b.ctx, b.network.params, &tape);
    for (size_t k = 0; !status && k < b.asked_count; k++) status = answer(&b, tape, k);
    if (status) fprintf(stderr, "bench-tune: %s\n", affect_context_message(b.ctx));
    nn_tape_destroy(tape);
    tune_network_close(&b.network);
    tune_clips_clear(&b.clips);
    nn_vocabulary_destroy(b.vocabulary);
    train_recipe_destroy(b.recipe);
    base_free(b.asked);
    affect_context_destroy(b.ctx);
    return status ? 1 : 0;
}
