/* A language model in a file of the user's, by llama.cpp, through our narrow library (llama_shim.h;
 * tools/build-llama makes it) in a process of its own (llama_worker.h): what crashes there, or takes all
 * memory, ends that one. It is asked with a grammar, so that whatever the model is, its answer
 * is an object of claims. The file is walked through before llama.cpp sees it (nn/gguf.h). */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/model.h"
#include "nn/gguf.h"
#include "reason/attach.h"
#include "reason/llama_shim.h"
#include "reason/llama_worker.h"
#include "reason/reason_private.h"

enum {
    CONTEXT =
        8192, /* tokens: an episode with what surrounds it takes some hundred, and the memory for it grows with this */
    ANSWER = CONTEXT / 2,
    MOST_THREADS = 8
};
static const int64_t SMALL = INT64_C(256)
                             << 20; /* bytes of a model that several threads only slow down */

/* In a process of its own; with an adapter, whose streams are embeddings, in this one. */
struct reason_llama {
    affect_context *ctx;
    llama_worker *worker;
    int context; /* tokens */
    bool pictures, sound,
        blind; /* what the projector takes; blind: what it was shown was refused */
    const affect_llama_api *api;
    void *model; /* NULL: in a process of its own */
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

static void tell(void *user, float share) {
    const affect_llm_options *o = user;
    if (o->progress) o->progress(o->progress_user, "loading the model", (double)share);
}

/* The file that the library came from: the process of its own opens the same. */
static affect_status start(affect_context *ctx, int model, int projector, const char **version,
                           llama_worker **out) {
    const affect_llama_api *api = NULL;
    Dl_info info;
    affect_status status = load_api(ctx, &api);
    if (status) return status;
    *version = api->version;
    if (!dladdr(api, &info) || !info.dli_fname)
        return base_fail(ctx, AFFECT_ERROR_RUNTIME, "libaffect-llama.so has no name");
    return reason_worker_start(ctx, info.dli_fname, model, projector, out);
}

/* What is cancelled says so, whatever else went wrong meanwhile. */
static affect_status ask(reason_llama *l, llama_message question, const void *bytes, size_t length,
                         double deadline, const affect_llm_options *o, llama_message expected,
                         base_text *body) {
    llama_message message = LLAMA_FAILED;
    affect_status status = reason_worker_ask(l->worker, question, bytes, length, deadline,
                                             o ? tell : NULL, (void *)(uintptr_t)o, &message, body);
    if (affect_context_cancelled(l->ctx))
        return base_fail(l->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    if (status) return status;
    if (base_now_s() > deadline && message != expected)
        return base_fail(l->ctx, AFFECT_ERROR_NOT_FOUND, "no complete answer in time");
    if (message == LLAMA_FAILED)
        return base_fail(l->ctx, AFFECT_ERROR_MODEL, "%s", body->data ? body->data : "");
    return message == expected
               ? AFFECT_OK
               : base_fail(l->ctx, AFFECT_ERROR_MODEL, "llama.cpp answers nonsense");
}

static int threads_of(int64_t bytes) {
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return bytes < SMALL ? 1 : (int)BASE_MAX(1, BASE_MIN(processors, MOST_THREADS));
}

static affect_status load(reason_llama *l, const affect_llm_options *o, int descriptor,
                          int projector, int64_t bytes) {
    const char *version = "";
    base_text body = {0};
    llama_opened opened = {0};
    const llama_open open = {
        .context = CONTEXT, .threads = threads_of(bytes), .projector = projector >= 0};
    affect_status status = start(l->ctx, descriptor, projector, &version, &l->worker);
    if (status) return status;
    status = ask(l, LLAMA_OPEN, &open, sizeof open, INFINITY, o, LLAMA_OPENED, &body);
    if (!status && body.length == sizeof opened) memcpy(&opened, body.data, sizeof opened);
    l->context = opened.context;
    l->pictures = opened.pictures, l->sound = opened.sound;
    if (status == AFFECT_ERROR_MODEL)
        status = base_fail(l->ctx, AFFECT_ERROR_MODEL, "llama.cpp %s cannot load it: %s", version,
                           body.length ? body.data : affect_context_message(l->ctx));
    base_text_destroy(&body);
    return status;
}

typedef struct teller {
    affect_context *ctx;
    const affect_llm_options *options;
} teller;

static int tell_here(void *user, float share) {
    const teller *t = user;
    tell((void *)(uintptr_t)t->options, share);
    return !affect_context_cancelled(t->ctx);
}

static affect_status load_here(reason_llama *l, const affect_llm_options *o, int descriptor,
                               int64_t bytes) {
    char why[AFFECT_LLAMA_WHY] = "";
    teller t = {l->ctx, o};
    affect_status status = load_api(l->ctx, &l->api);
    if (status) return status;
    l->model = l->api->open(descriptor, CONTEXT, threads_of(bytes), tell_here, &t, why);
    if (l->model) return AFFECT_OK;
    if (affect_context_cancelled(l->ctx))
        return base_fail(l->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    return base_fail(l->ctx, AFFECT_ERROR_MODEL, "llama.cpp %s cannot load it: %s", l->api->version,
                     why);
}

/* A file that is walked through before llama.cpp sees it. */
static affect_status open_walked(affect_context *ctx, const char *path, nn_gguf_use use,
                                 int *descriptor, int64_t *bytes) {
    struct stat info;
    nn_gguf *walked = NULL;
    *descriptor = base_open_regular(path);
    if (*descriptor < 0) return base_fail(ctx, AFFECT_ERROR_MODEL, "there is no such file");
    affect_status status = fstat(*descriptor, &info) == 0
                               ? nn_gguf_open(ctx, *descriptor, use, &walked)
                               : base_fail(ctx, AFFECT_ERROR_MODEL, "it cannot be read");
    nn_gguf_close(walked);
    if (status == AFFECT_OK) *bytes = info.st_size;
    return status;
}

affect_status reason_llama_open(affect_context *ctx, const affect_llm_options *o,
                                reason_llama **out) {
    int descriptor = -1, projector = -1;
    int64_t bytes = 0, more = 0;
    *out = NULL;
    affect_status status = open_walked(ctx, o->url, NN_GGUF_MODEL, &descriptor, &bytes);
    if (!status && o->mmproj) {
        status = open_walked(ctx, o->mmproj, NN_GGUF_PROJECTOR, &projector, &more);
        if (status == AFFECT_ERROR_MODEL) {
            char why[256];
            snprintf(why, sizeof why, "%s", affect_context_message(ctx));
            status = base_fail(ctx, AFFECT_ERROR_MODEL, "the projector %s: %s", o->mmproj, why);
        }
    }
    reason_llama *l = status ? NULL : base_calloc(1, sizeof *l);
    if (!status && !l) status = base_fail_memory(ctx);
    if (!status) {
        l->ctx = ctx;
        status = o->adapter ? load_here(l, o, descriptor, bytes)
                            : load(l, o, descriptor, projector, bytes + more);
    }
    if (descriptor >= 0) close(descriptor);
    if (projector >= 0) close(projector);
    if (status)
        reason_llama_close(l);
    else
        *out = l;
    return status;
}

void reason_llama_takes(const reason_llama *l, bool *pictures, bool *sound) {
    *pictures = l->pictures;
    *sound = l->sound;
}

void reason_llama_close(reason_llama *l) {
    if (!l) return;
    if (l->model) l->api->close(l->model);
    reason_worker_end(l->worker);
    base_free(l);
}

bool reason_llama_fits(const reason_llama *l, const char *prompt) {
    base_text body = {0};
    llama_message message = LLAMA_FAILED;
    int32_t tokens = -1;
    affect_status status = reason_worker_ask(l->worker, LLAMA_COUNT, prompt, strlen(prompt),
                                             INFINITY, NULL, NULL, &message, &body);
    /* Where it is gone the question itself says so. */
    const bool gone = status != AFFECT_OK;
    if (!gone && message == LLAMA_COUNTED && body.length == sizeof tokens)
        memcpy(&tokens, body.data, sizeof tokens);
    base_text_destroy(&body);
    return gone || (tokens >= 0 && tokens <= l->context / 2);
}

/* Is the item shown with the question? */
static bool is_shown(const reason_llama *l, const reason_attachment *item) {
    return !l->blind && item->chosen && item->data.length && (item->sound ? l->sound : l->pictures);
}

/* The prompt, and behind it the places of pictures and sound with what they are; none where the prompt holds the byte
 * that stands for a place. */
static uint32_t put_prompt(const reason_llama *l, const reason_question_to *q, base_text *out) {
    uint32_t media = 0;
    base_text_append(out, q->prompt);
    if (strchr(q->prompt, AFFECT_LLAMA_PLACE)) return 0;
    for (size_t i = 0; q->attached && i < q->attached->count; i++) {
        const reason_attachment *item = &q->attached->items[i];
        const char place[] = {':', '\n', AFFECT_LLAMA_PLACE, '\n', '\0'};
        if (!is_shown(l, item) || media == AFFECT_LLAMA_MEDIA) continue;
        reason_attach_caption(item, out);
        base_text_append(out, place);
        media++;
    }
    return media;
}

/* A question as it goes through the pipe. */
static void put_question(const reason_llama *l, const affect_llm_options *o,
                         const reason_question_to *q, const char *grammar, base_text *out,
                         uint32_t *media) {
    base_text prompt = {0};
    *media = put_prompt(l, q, &prompt);
    const llama_answer a = {.most_tokens = ANSWER,
                            .temperature = o->votes > 1 ? 0.7F : 0,
                            .seed = (uint32_t)q->vote + 1,
                            .prompt = (uint32_t)prompt.length + 1,
                            .grammar = (uint32_t)strlen(grammar) + 1,
                            .media = *media};
    base_text_append_n(out, (const char *)&a, sizeof a);
    base_text_append_n(out, prompt.data ? prompt.data : "", a.prompt);
    base_text_append_n(out, grammar, a.grammar);
    uint32_t left = *media;
    for (size_t i = 0; left && i < q->attached->count; i++) {
        const reason_attachment *item = &q->attached->items[i];
        if (!is_shown(l, item)) continue;
        const uint32_t length = (uint32_t)item->data.length;
        base_text_append_n(out, (const char *)&length, sizeof length);
        base_text_append_n(out, item->data.data, length);
        left--;
    }
    out->failed = out->failed || prompt.failed;
    base_text_destroy(&prompt);
}

/* The text of an answer after its numbers. */
static affect_status take_answer(affect_context *ctx, const base_text *body, base_text *out) {
    llama_answered reply;
    if (body->length < sizeof reply)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "llama.cpp answers nonsense");
    memcpy(&reply, body->data, sizeof reply);
    if (!reply.complete)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "its answer is cut off after %d tokens",
                         reply.answer_tokens);
    base_log(ctx, AFFECT_LOG_INFO, "llama.cpp: prompt of %d tokens (%d known), answer of %d",
             reply.prompt_tokens, reply.reused_tokens, reply.answer_tokens);
    char *clean = base_utf8_clean(body->data + sizeof reply, body->length - sizeof reply);
    if (clean) base_text_append(out, clean); /* the grammar knows no UTF-8 */
    const bool failed = !clean || out->failed;
    base_free(clean);
    return failed ? base_fail_memory(ctx) : AFFECT_OK;
}

affect_status reason_llama_ask(reason_llama *l, const affect_llm_options *o,
                               const reason_question_to *q, double timeout_s, base_text *out) {
    affect_context *ctx = l->ctx;
    base_text schema = {0}, grammar = {0}, question = {0}, body = {0};
    uint32_t media = 0;
    reason_put_form(o, q, true, &schema);
    affect_status status =
        schema.failed ? base_fail_memory(ctx) : reason_grammar(ctx, schema.data, &grammar);
    if (!status) put_question(l, o, q, grammar.data, &question, &media);
    if (!status && question.failed) status = base_fail_memory(ctx);
    if (!status)
        status = ask(l, LLAMA_ANSWER, question.data, question.length, base_now_s() + timeout_s,
                     NULL, LLAMA_ANSWERED, &body);
    if (status == AFFECT_ERROR_MODEL && media && reason_worker_lives(l->worker)) {
        /* Shown too much for its context, or what it cannot read: the measurements alone are left. */
        base_log(ctx, AFFECT_LOG_WARNING,
                 "the model cannot be shown pictures and sound (%s); it is asked without, on the "
                 "measurements alone",
                 affect_context_message(ctx));
        l->blind = true;
        base_text_clear(&question);
        put_question(l, o, q, grammar.data, &question, &media);
        status = question.failed ? base_fail_memory(ctx)
                                 : ask(l, LLAMA_ANSWER, question.data, question.length,
                                       base_now_s() + timeout_s, NULL, LLAMA_ANSWERED, &body);
    }
    if (status == AFFECT_ERROR_NOT_FOUND)
        status =
            base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "no complete answer within %.3g s", timeout_s);
    if (!status) status = take_answer(ctx, &body, out);
    base_text_destroy(&schema);
    base_text_destroy(&grammar);
    base_text_destroy(&question);
    base_text_destroy(&body);
    return status;
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

static affect_status open_vocabulary(reason_vocabulary *v) {
    char why[AFFECT_LLAMA_WHY] = "";
    nn_gguf *walked = NULL;
    int descriptor = base_open_regular(v->path);
    if (descriptor < 0)
        return base_fail(v->ctx, AFFECT_ERROR_MODEL, "%s: there is no such file", v->path);
    affect_status status = nn_gguf_open(v->ctx, descriptor, NN_GGUF_MODEL, &walked);
    nn_gguf_close(walked);
    if (!status) status = load_api(v->ctx, &v->api);
    if (!status && !(v->model = v->api->vocabulary(descriptor, why)))
        status = base_fail(v->ctx, AFFECT_ERROR_MODEL, "%s: llama.cpp %s cannot load it: %s",
                           v->path, v->api->version, why);
    close(descriptor);
    return status;
}

void reason_vocabulary_close(reason_vocabulary *v) {
    if (v->model) v->api->close(v->model);
    v->model = NULL;
}

affect_status reason_vocabulary_read(void *vocabulary, const char *text, bool begin,
                                     int32_t **tokens, size_t *count, size_t *capacity) {
    reason_vocabulary *v = vocabulary;
    affect_status status = v->model ? AFFECT_OK : open_vocabulary(v);
    return status ? status
                  : read_tokens(v->ctx, v->api, v->model, text, begin, tokens, count, capacity);
}
