/* What training and running a language model costs, for bench/language.py. Prints one line: seconds of each step (processor time of
 * the process, the best of them last), and the peak of memory in MiB.
 *     build/bench/bench-language new LAYERS WIDTH HIDDEN HEADS KV_HEADS VOCABULARY WINDOWS TOKENS STEPS
 *     build/bench/bench-language adapter MODEL.gguf RANK CLIPS TOKENS STEPS
 *     build/bench/bench-language say MODEL.gguf TOKENS
 * new: every weight of a new model of Qwen2's architecture is trained, four windows at a time; adapter: LoRA on all seven
 * products of a model that is there; say: that many tokens, one after the other the likeliest. One thread. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "nn/decoder.h"
#include "nn/tape.h"

enum { SHARD = 4 };

typedef struct bench {
    affect_context *ctx;
    nn_params *params;
    nn_decoder *decoder;
    nn_lora *lora;
    nn_gguf *file;
    size_t windows, tokens, shard;
    int32_t *text;
} bench;

static double cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static nn_tensor *shard_loss(void *user, nn_tape *tape, size_t shard) {
    const bench *b = user;
    const int32_t *from = b->text + shard * b->shard * b->tokens;
    nn_tensor *x = nn_decoder_embed(b->decoder, tape, from, NN_SHAPE(b->shard, b->tokens), NULL);
    x = nn_decoder_hidden(b->decoder, tape, b->lora, x, b->lora != NULL);
    return nn_decoder_loss(b->decoder, tape, x, from, 1 / (double)(b->windows * b->tokens));
}

static affect_status train(bench *b, size_t steps) {
    nn_engine *engine = NULL;
    const nn_optimiser o = {.rate = 1e-3, .beta1 = .9, .beta2 = .98, .epsilon = 1e-8, .clip = 1};
    double best = 0, loss;
    size_t count = b->windows * b->tokens;
    b->text = base_calloc(count, sizeof *b->text);
    if (!b->text) return base_fail_memory(b->ctx);
    for (size_t i = 0; i < count; i++)
        b->text[i] = (int32_t)(nn_hash64(5, i) % nn_decoder_get_shape(b->decoder)->vocabulary);
    affect_status status = nn_engine_create(b->ctx, b->params, NULL, 1, &engine);
    for (size_t i = 0; !status && i < steps; i++) {
        double began = cpu_now();
        status = nn_engine_step(engine, b->windows / b->shard, shard_loss, b, i, &o, &loss);
        double took = cpu_now() - began;
        if (!i || took < best) best = took;
        if (!status) printf("%.4f ", took);
    }
    if (!status) printf("%.4f ", best);
    nn_engine_destroy(engine);
    return status;
}

static affect_status open_model(bench *b, const char *path) {
    int descriptor = base_open_regular(path);
    if (descriptor < 0) return base_fail(b->ctx, AFFECT_ERROR_NOT_FOUND, "no file %s", path);
    affect_status status = nn_gguf_open(b->ctx, descriptor, NN_GGUF_MODEL, &b->file);
    close(descriptor);
    return status ? status : nn_decoder_create(b->ctx, b->file, &b->decoder);
}

static affect_status say(bench *b, size_t count) {
    size_t vocabulary = nn_decoder_get_shape(b->decoder)->vocabulary, said = 0;
    nn_session *session = NULL;
    float *logits = base_calloc(vocabulary, sizeof *logits);
    b->text = base_calloc(count + 1, sizeof *b->text);
    affect_status status = logits && b->text ? AFFECT_OK : base_fail_memory(b->ctx);
    if (!status) status = nn_session_create(b->ctx, b->decoder, NULL, NULL, count + 8, &session);
    if (!status) status = nn_session_feed(session, b->text, 1, NULL, 0, false, logits);
    double began = cpu_now();
    if (!status) status = nn_session_greedy(session, logits, -1, count, b->text, &said);
    if (!status) printf("%.4f ", cpu_now() - began);
    nn_session_destroy(session);
    base_free(logits);
    return status;
}

static size_t number(const char *text) { return (size_t)strtoul(text, NULL, 10); }

static affect_status run(bench *b, int n, char **a) {
    if (n == 11 && strcmp(a[1], "new") == 0) {
        nn_decoder_shape s = {.architecture = "qwen2",
                              .layers = number(a[2]),
                              .width = number(a[3]),
                              .hidden = number(a[4]),
                              .heads = number(a[5]),
                              .kv_heads = number(a[6]),
                              .vocabulary = number(a[7]),
                              .context = number(a[9]),
                              .epsilon = 1e-6,
                              .base = 10000,
                              .stretch = 1,
                              .halves = true,
                              .tied = true};
        s.head_width = s.rotated = s.width / BASE_MAX(s.heads, (size_t)1);
        b->shard = SHARD;
        b->windows = number(a[8]);
        b->tokens = number(a[9]);
        affect_status status = nn_params_create(b->ctx, 1, &b->params);
        if (!status) status = nn_decoder_new(b->ctx, &s, b->params, &b->decoder);
        return status ? status : train(b, number(a[10]));
    }
    if (n == 7 && strcmp(a[1], "adapter") == 0) {
        affect_status status = open_model(b, a[2]);
        b->shard = 1;
        b->windows = number(a[4]);
        b->tokens = number(a[5]);
        size_t rank = number(a[3]);
        if (!status) status = nn_params_create(b->ctx, 1, &b->params);
        if (!status)
            status = nn_lora_new(b->ctx, b->decoder, b->params, rank, 2 * (double)rank,
                                 (1U << NN_TARGETS) - 1, &b->lora);
        return status ? status : train(b, number(a[6]));
    }
    if (n != 4 || strcmp(a[1], "say") != 0)
        return base_fail(b->ctx, AFFECT_ERROR_USAGE, "usage: see its first lines");
    affect_status status = open_model(b, a[2]);
    return status ? status : say(b, number(a[3]));
}

int main(int argc, char **argv) {
    bench b = {0};
    if (argc < 2 || affect_context_create(&b.ctx)) return 2;
    affect_status status = run(&b, argc, argv);
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    if (status)
        fprintf(stderr, "bench-language: %s\n", affect_context_message(b.ctx));
    else
        printf("%.1f\n", (double)use.ru_maxrss / 1024);
    nn_lora_destroy(b.lora);
    nn_decoder_destroy(b.decoder);
    nn_params_destroy(b.params);
    nn_gguf_close(b.file);
    base_free(b.text);
    affect_context_destroy(b.ctx);
    return status ? 1 : 0;
}
