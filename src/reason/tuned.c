/* A tuned model is asked: the prompt's text in tokens, and where a stream's mark stands its soft tokens, as in training (tune/clips.c). */
#include <string.h>

#include "reason/adapter.h"

enum { ANSWER = 1024, MOST_PARTS = 32 };

struct reason_tuned {
    affect_context *ctx;
    reason_llama *llama;
    reason_adapter *adapter;
    reason_recording *recording;
};

affect_status reason_tuned_open(affect_context *ctx, reason_llama *llama, const char *folder,
                                reason_recording *recording, reason_tuned **out) {
    reason_tuned *t = base_calloc(1, sizeof *t);
    *out = NULL;
    if (!t) return base_fail_memory(ctx);
    *t = (reason_tuned){.ctx = ctx, .llama = llama};
    affect_status status = reason_adapter_open(ctx, folder, &t->adapter);
    size_t width = status ? 0 : reason_adapter_width(t->adapter);
    if (!status && width && width != reason_llama_width(llama))
        status = base_fail(ctx, AFFECT_ERROR_MODEL,
                           "%s was tuned on a model of width %zu, and this one's is %zu", folder,
                           width, reason_llama_width(llama));
    const char *file = status ? NULL : reason_adapter_file(t->adapter);
    if (file) status = reason_llama_adapt(llama, file);
    if (status) {
        reason_tuned_close(t);
        return status;
    }
    t->recording = recording;
    *out = t;
    return AFFECT_OK;
}

void reason_tuned_close(reason_tuned *t) {
    if (!t) return;
    reason_adapter_close(t->adapter);
    reason_recording_close(t->recording);
    base_free(t);
}

/* A prompt as it is made: tokens of its texts one after the other, and copies of soft tokens. */
typedef struct mixed {
    reason_part parts[MOST_PARTS];
    float *soft[MOST_PARTS]; /* the caller's */
    size_t from[MOST_PARTS]; /* where the tokens of a part begin */
    size_t count;
    int32_t *tokens;
    size_t token_count, capacity;
} mixed;

static void clear(mixed *m) {
    for (size_t i = 0; i < m->count; i++) base_free(m->soft[i]);
    base_free(m->tokens);
}

static affect_status add_text(const reason_tuned *t, mixed *m, const char *text, size_t length,
                              bool begin) {
    if (!length && !begin) return AFFECT_OK;
    char *piece = base_strndup(text, length);
    if (!piece) return base_fail_memory(t->ctx);
    size_t before = m->token_count;
    affect_status status =
        reason_llama_tokens(t->llama, piece, begin, &m->tokens, &m->token_count, &m->capacity);
    base_free(piece);
    if (status || m->token_count == before) return status;
    m->from[m->count] = before;
    m->parts[m->count++].count = m->token_count - before;
    return AFFECT_OK;
}

static affect_status add_soft(const reason_tuned *t, mixed *m, const reason_segment *segment,
                              int stream) {
    const float *soft;
    size_t rows, width = reason_adapter_width(t->adapter);
    affect_status status =
        reason_adapter_soft(t->adapter, t->recording, segment, (size_t)stream, &soft, &rows);
    if (status) return status;
    float *copy = base_calloc(rows * width, sizeof *copy);
    if (!copy) return base_fail_memory(t->ctx);
    memcpy(copy, soft, rows * width * sizeof *copy);
    m->soft[m->count] = copy;
    m->parts[m->count].embeddings = copy;
    m->parts[m->count++].count = rows;
    return AFFECT_OK;
}

static affect_status mix(const reason_tuned *t, const reason_segment *segment, const char *text,
                         mixed *m) {
    affect_status status = AFFECT_OK;
    const char *from = text, *at = text;
    bool begin = true;
    while (!status && *at) {
        size_t length;
        int stream = reason_adapter_mark(t->adapter, at, &length);
        if (stream < 0 || m->count + 3 > MOST_PARTS) { /* what was said may hold marks, too */
            at++;
            continue;
        }
        status = add_text(t, m, from, (size_t)(at - from), begin);
        if (!status) status = add_soft(t, m, segment, stream);
        begin = false;
        from = at += length;
    }
    if (!status) status = add_text(t, m, from, (size_t)(at - from), begin);
    for (size_t i = 0; i < m->count; i++)
        if (!m->soft[i]) m->parts[i].tokens = m->tokens + m->from[i];
    return status;
}

affect_status reason_tuned_ask(reason_tuned *t, const reason_segment *segment, reason_task task,
                               const char *question, double timeout_s, base_text *out) {
    base_text prompt = {0};
    mixed m = {.count = 0};
    bool complete = false;
    size_t begin = out->length;
    reason_put_task(t->recording, segment, task, question, &prompt);
    affect_status status =
        prompt.failed ? base_fail_memory(t->ctx) : mix(t, segment, prompt.data, &m);
    if (!status)
        status = reason_llama_go_on(t->llama, m.parts, m.count, ANSWER, timeout_s, out, &complete);
    if (!status && !complete) { /* a line that was cut off says something else */
        while (out->length > begin && out->data[out->length - 1] != '\n')
            out->data[--out->length] = '\0';
    }
    base_text_destroy(&prompt);
    clear(&m);
    return status;
}
