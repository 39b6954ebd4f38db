/* A language model in a file of the user's, by llama.cpp, through dlopen of our narrow library (llama_shim.h;
 * tools/build-llama makes it). It is asked with a grammar, so that whatever the model is, its answer
 * is an object of claims. The file is walked through before llama.cpp sees it (nn/gguf.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/model.h"
#include "nn/gguf.h"
#include "reason/llama_shim.h"
#include "reason/reason_private.h"

enum {
    CONTEXT =
        8192, /* tokens: an episode with what surrounds it takes some hundred, and the memory for it grows with this */
    ANSWER = CONTEXT / 2,
    MOST_THREADS = 8
};
static const int64_t SMALL = INT64_C(256)
                             << 20; /* bytes of a model that several threads only slow down */

struct reason_llama {
    affect_context *ctx;
    const affect_llama_api *api;
    void *model;
};

static affect_status load_api(affect_context *ctx, const affect_llama_api **out) {
    static const model_shim shim = {"llama.cpp", "make llama", "AFFECT_LLAMA", "libaffect-llama.so",
                                    "affect_llama"};
    affect_llama_entry *entry;
    affect_status status = model_open_shim(ctx, &shim, &entry);
    if (status) return status;
    *out = entry();
    return (*out)->interface == AFFECT_LLAMA_INTERFACE ? AFFECT_OK : model_fail_shim(ctx, &shim);
}

typedef struct teller {
    affect_context *ctx;
    const affect_llm_options *options;
} teller;

static int tell(void *user, float share) {
    const teller *t = user;
    if (t->options->progress)
        t->options->progress(t->options->progress_user, "loading the model", (double)share);
    return !affect_context_cancelled(t->ctx);
}

affect_status reason_llama_open(affect_context *ctx, const affect_llm_options *o,
                                reason_llama **out) {
    const affect_llama_api *api = NULL;
    char why[AFFECT_LLAMA_WHY] = "";
    struct stat info;
    teller t = {ctx, o};
    *out = NULL;
    int descriptor = base_open_regular(o->url);
    FILE *f = descriptor < 0 ? NULL : fdopen(descriptor, "rb");
    if (!f) {
        if (descriptor >= 0) close(descriptor);
        return base_fail(ctx, AFFECT_ERROR_MODEL, "there is no such file");
    }
    nn_gguf *walked = NULL;
    affect_status status = fstat(fileno(f), &info) == 0
                               ? nn_gguf_open(ctx, fileno(f), NN_GGUF_MODEL, &walked)
                               : base_fail(ctx, AFFECT_ERROR_MODEL, "it cannot be read");
    nn_gguf_close(walked);
    if (!status) status = load_api(ctx, &api);
    reason_llama *l = status ? NULL : base_calloc(1, sizeof *l);
    if (!status && !l) status = base_fail_memory(ctx);
    if (!status) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        int threads =
            info.st_size < SMALL ? 1 : (int)BASE_MAX(1, BASE_MIN(processors, MOST_THREADS));
        *l = (reason_llama){.ctx = ctx, .api = api};
        l->model = api->open(fileno(f), CONTEXT, threads, tell, &t, why);
        if (!l->model && affect_context_cancelled(ctx))
            status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
        else if (!l->model)
            status = base_fail(ctx, AFFECT_ERROR_MODEL, "llama.cpp %s cannot load it: %s",
                               api->version, why);
    }
    fclose(f);
    if (status) {
        base_free(l);
        return status;
    }
    *out = l;
    return AFFECT_OK;
}

void reason_llama_close(reason_llama *l) {
    if (!l) return;
    l->api->close(l->model);
    base_free(l);
}

bool reason_llama_fits(const reason_llama *l, const char *prompt) {
    int tokens = l->api->count(l->model, prompt);
    return tokens >= 0 && tokens <= l->api->context(l->model) / 2;
}

typedef struct limit {
    affect_context *ctx;
    double deadline;
} limit;

static int stops(void *user) {
    const limit *l = user;
    return affect_context_cancelled(l->ctx) || base_now_s() > l->deadline;
}

/* What a call of llama.cpp that came back means; AFFECT_OK where it went well. */
static affect_status outcome(const limit *end, int failed, double timeout_s, const char *why) {
    if (affect_context_cancelled(end->ctx))
        return base_fail(end->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    if (base_now_s() > end->deadline)
        return base_fail(end->ctx, AFFECT_ERROR_NOT_FOUND, "no complete answer within %.3g s",
                         timeout_s);
    return failed ? base_fail(end->ctx, AFFECT_ERROR_MODEL, "%s", why) : AFFECT_OK;
}

affect_status reason_llama_ask(reason_llama *l, const affect_llm_options *o,
                               const reason_question_to *q, double timeout_s, base_text *out) {
    affect_context *ctx = l->ctx;
    limit end = {ctx, base_now_s() + timeout_s};
    char why[AFFECT_LLAMA_WHY] = "";
    base_text schema = {0}, grammar = {0};
    affect_llama_reply reply = {0};
    reason_put_form(o, q, true, &schema);
    affect_status status =
        schema.failed ? base_fail_memory(ctx) : reason_grammar(ctx, schema.data, &grammar);
    if (!status) {
        const affect_llama_request request = {.prompt = q->prompt,
                                              .grammar = grammar.data,
                                              .most_tokens = ANSWER,
                                              .temperature = o->votes > 1 ? 0.7F : 0,
                                              .seed = (uint32_t)q->vote + 1,
                                              .stop = stops,
                                              .user = &end};
        int failed = l->api->answer(l->model, &request, &reply, why);
        status = outcome(&end, failed, timeout_s, why);
        if (!status && !reply.complete)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "its answer is cut off after %d tokens",
                               reply.answer_tokens);
    }
    if (!status) {
        base_log(ctx, AFFECT_LOG_INFO, "llama.cpp: prompt of %d tokens (%d known), answer of %d",
                 reply.prompt_tokens, reply.reused_tokens, reply.answer_tokens);
        char *clean = base_utf8_clean(reply.text, reply.length); /* the grammar knows no UTF-8 */
        if (clean) base_text_append(out, clean);
        if (!clean || out->failed) status = base_fail_memory(ctx);
        base_free(clean);
    }
    base_text_destroy(&schema);
    base_text_destroy(&grammar);
    return status;
}

static affect_status read_tokens(affect_context *ctx, const affect_llama_api *api, void *model,
                                 const char *text, bool begin, int32_t **tokens, size_t *count,
                                 size_t *capacity) {
    for (size_t room = strlen(text) + 8;;) {
        if (room > INT32_MAX ||
            !base_grow((void **)tokens, capacity, *count + room, sizeof **tokens))
            return base_fail_memory(ctx);
        int n = api->tokens(model, text, begin, *tokens + *count, (int)room);
        if (n < 0) return base_fail(ctx, AFFECT_ERROR_MODEL, "a text cannot be put into tokens");
        if ((size_t)n > room) {
            room = (size_t)n;
            continue;
        }
        *count += (size_t)n;
        return AFFECT_OK;
    }
}

/* ---- with an adapter ---- */

affect_status reason_llama_adapt(reason_llama *l, const char *adapter) {
    char why[AFFECT_LLAMA_WHY] = "";
    if (l->api->adapt(l->model, adapter, why) == 0) return AFFECT_OK;
    return base_fail(l->ctx, AFFECT_ERROR_MODEL, "%s: llama.cpp %s cannot use it: %s", adapter,
                     l->api->version, why);
}

size_t reason_llama_width(const reason_llama *l) { return (size_t)l->api->width(l->model); }

affect_status reason_llama_tokens(const reason_llama *l, const char *text, bool begin,
                                  int32_t **tokens, size_t *count, size_t *capacity) {
    return read_tokens(l->ctx, l->api, l->model, text, begin, tokens, count, capacity);
}

affect_status reason_llama_go_on(reason_llama *l, const reason_part *parts, size_t count,
                                 size_t most, double timeout_s, base_text *out, bool *complete) {
    affect_llama_part *own = base_calloc(count + 1, sizeof *own);
    char why[AFFECT_LLAMA_WHY] = "";
    limit end = {l->ctx, base_now_s() + timeout_s};
    affect_llama_reply reply = {0};
    if (!own) return base_fail_memory(l->ctx);
    for (size_t i = 0; i < count; i++)
        own[i] = (affect_llama_part){parts[i].tokens, parts[i].embeddings, (int)parts[i].count};
    const affect_llama_mixed request = {own, (int)count, (int)most, stops, &end};
    int failed = l->api->go_on(l->model, &request, &reply, why);
    base_free(own);
    affect_status status = outcome(&end, failed, timeout_s, why);
    if (status) return status;
    base_log(l->ctx, AFFECT_LOG_INFO, "llama.cpp: prompt of %d tokens, answer of %d",
             reply.prompt_tokens, reply.answer_tokens);
    char *clean = base_utf8_clean(reply.text, reply.length);
    if (clean) base_text_append(out, clean);
    *complete = reply.complete;
    status = clean && !out->failed ? AFFECT_OK : base_fail_memory(l->ctx);
    base_free(clean);
    return status;
}

/* ---- the vocabulary alone ---- */

struct reason_vocabulary {
    affect_context *ctx;
    const affect_llama_api *api;
    void *model;
};

affect_status reason_vocabulary_open(affect_context *ctx, const char *path,
                                     reason_vocabulary **out) {
    const affect_llama_api *api = NULL;
    char why[AFFECT_LLAMA_WHY] = "";
    nn_gguf *walked = NULL;
    *out = NULL;
    int descriptor = base_open_regular(path);
    if (descriptor < 0)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: there is no such file", path);
    affect_status status = nn_gguf_open(ctx, descriptor, NN_GGUF_MODEL, &walked);
    nn_gguf_close(walked);
    if (!status) status = load_api(ctx, &api);
    reason_vocabulary *v = status ? NULL : base_calloc(1, sizeof *v);
    if (!status && !v) status = base_fail_memory(ctx);
    if (!status) {
        *v = (reason_vocabulary){ctx, api, api->vocabulary(descriptor, why)};
        if (!v->model)
            status = base_fail(ctx, AFFECT_ERROR_MODEL, "%s: llama.cpp %s cannot load it: %s", path,
                               api->version, why);
    }
    close(descriptor);
    if (status)
        base_free(v);
    else
        *out = v;
    return status;
}

void reason_vocabulary_close(reason_vocabulary *v) {
    if (!v) return;
    v->api->close(v->model);
    base_free(v);
}

affect_status reason_vocabulary_read(const reason_vocabulary *v, const char *text, bool begin,
                                     int32_t **tokens, size_t *count, size_t *capacity) {
    return read_tokens(v->ctx, v->api, v->model, text, begin, tokens, count, capacity);
}
