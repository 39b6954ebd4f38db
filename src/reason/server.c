/* A language model behind an OpenAI-compatible server: one question, one answer, with retries. */
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "reason/attach.h"
#include "reason/http.h"
#include "reason/reason_private.h"

enum { ATTEMPTS = 4, ANSWER_LIMIT = 8 << 20 };
static const double FIRST_WAIT_S = 0.5;

/* How the answer's form is asked for; servers that do not know one are asked with the next. */
enum { FORM_BOUNDED, FORM_SCHEMA, FORM_JSON, FORM_FREE };

static bool is_sent(const reason_attachment *item, const reason_server_form *form) {
    return item->chosen && item->data.length && !(item->sound ? form->no_sound : form->no_pictures);
}

static bool has(const reason_question_to *q, const reason_server_form *form, bool sound) {
    for (size_t i = 0; q->attached && i < q->attached->count; i++)
        if (q->attached->items[i].sound == sound && is_sent(&q->attached->items[i], form))
            return true;
    return false;
}

static void put_text(const char *text, base_text *out) {
    base_text_append(out, "{\"type\":\"text\",\"text\":");
    base_text_append_json(out, text);
    base_text_append(out, "}");
}

/* Text alone is a string, which every server knows; else a list of parts. */
static void put_content(const reason_question_to *q, const reason_server_form *form,
                        base_text *out) {
    if (!has(q, form, false) && !has(q, form, true)) {
        base_text_append_json(out, q->prompt);
        return;
    }
    base_text caption = {0};
    base_text_append(out, "[");
    put_text(q->prompt, out);
    for (size_t i = 0; i < q->attached->count; i++) {
        const reason_attachment *item = &q->attached->items[i];
        if (!is_sent(item, form)) continue;
        base_text_clear(&caption);
        reason_attach_caption(item, &caption);
        base_text_append(&caption, ":");
        base_text_append(out, ",");
        put_text(caption.data ? caption.data : "", out);
        base_text_append(out, !item->sound ? ",{\"type\":\"image_url\",\"image_url\":{\"url\":"
                                             "\"data:image/png;base64,"
                              : form->sound_by_url
                                  ? ",{\"type\":\"audio_url\",\"audio_url\":{\"url\":"
                                    "\"data:audio/wav;base64,"
                                  : ",{\"type\":\"input_audio\",\"input_audio\":{\"format\":"
                                    "\"wav\",\"data\":\"");
        base_text_append_base64(out, item->data.data, item->data.length);
        base_text_append(out, "\"}}");
    }
    base_text_append(out, "]");
    out->failed |= caption.failed;
    base_text_destroy(&caption);
}

static void put_body(const affect_llm_options *o, const reason_question_to *q,
                     const reason_server_form *how, base_text *out) {
    const int form = how->answer;
    base_text_append(out, "{\"model\":");
    base_text_append_json(out, o->model ? o->model : "default");
    base_text_append(out, ",\"messages\":[{\"role\":\"user\",\"content\":");
    put_content(q, how, out);
    base_text_printf(out, "}],\"stream\":true,\"temperature\":%s,\"seed\":%d",
                     o->votes > 1 ? "0.7" : "0", q->vote + 1);
    if (form == FORM_BOUNDED || form == FORM_SCHEMA) {
        base_text_append(out, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
                              "\"name\":\"explanation\",\"strict\":true,\"schema\":");
        reason_put_form(o, q, form == FORM_BOUNDED, out);
        base_text_append(out, "}}");
    }
    if (form == FORM_JSON) base_text_append(out, ",\"response_format\":{\"type\":\"json_object\"}");
    base_text_append(out, "}");
}

static affect_status wait_for(affect_context *ctx, double seconds) {
    const double until = base_now_s() + seconds;
    while (base_now_s() < until) {
        if (affect_context_cancelled(ctx))
            return base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
        double left = fmin(0.05, until - base_now_s());
        if (left > 0) nanosleep(&(struct timespec){.tv_nsec = (long)(left * 1e9)}, NULL);
    }
    return AFFECT_OK;
}

/* ---- what a server refuses is left away ---- */

/* Is it spoken of in the answer? Servers that take none give 400 or 500 with a sentence. */
static bool speaks_of(const base_text *body, const char *const *words) {
    const char *text = body->data ? body->data : "";
    for (; *words; words++)
        for (const char *at = text; *at; at++)
            if (strncasecmp(at, *words, strlen(*words)) == 0) return true;
    return false;
}

static void leave_away(affect_context *ctx, const reason_http_reply *reply, bool sound,
                       reason_server_form *form) {
    *(sound ? &form->no_sound : &form->no_pictures) = true;
    base_log(ctx, AFFECT_LOG_WARNING,
             "the server refuses %s (status %ld); it is asked without, on the measurements alone",
             sound ? "sound" : "pictures", reply->status);
}

/* The next way to ask a server that has refused the last; false: there is none. Sound has two forms. What is
 * refused without a word about pictures or sound is first taken for a refusal of the answer's form. */
static bool ask_otherwise(affect_context *ctx, const reason_question_to *q,
                          const reason_http_reply *reply, reason_server_form *form) {
    static const char *const pictures[] = {"image",  "picture", "vision", "multimodal",
                                           "mmproj", "content", NULL};
    static const char *const sounds[] = {"audio", "sound", "multimodal", "mmproj", "content", NULL};
    const long status = reply->status;
    const bool refused = status == 400 || status == 413 || status == 415 || status == 422;
    if (!refused && status != 500 && status != 501) return false;
    const bool sound = has(q, form, true), picture = has(q, form, false);
    const bool about_sound = sound && speaks_of(&reply->body, sounds);
    const bool about_pictures = picture && speaks_of(&reply->body, pictures);
    const bool about = about_sound || about_pictures || status == 413 || status == 415;
    if (!about && refused && form->answer != FORM_FREE) {
        form->answer++;
        return true;
    }
    if ((!sound && !picture) || (!about && !refused)) return false;
    if (!about) form->answer = FORM_BOUNDED; /* it was not that */
    if (sound && (about_sound || !about_pictures)) {
        if (form->sound_by_url)
            leave_away(ctx, reply, true, form);
        else
            form->sound_by_url = true;
    } else {
        leave_away(ctx, reply, false, form);
    }
    return true;
}

static bool retried(long status) { return status == 408 || status == 429 || status >= 500; }

/* What went wrong with the server, as the context's message, is said to the user once. */
static affect_status judge_reply(affect_context *ctx, const reason_http_reply *reply) {
    if (reply->status == 200) return AFFECT_OK;
    if (reply->status >= 300 && reply->status < 400)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND,
                         "it redirects to another address (%ld), which is not followed",
                         reply->status);
    if (reply->status == 401 || reply->status == 403)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND,
                         "it refuses the key (%ld; AFFECT_LLM_KEY or OPENAI_API_KEY holds one)",
                         reply->status);
    return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "it answers with status %ld", reply->status);
}

static void put_address(const char *url, base_text *out) {
    size_t n = strlen(url);
    while (n && url[n - 1] == '/') n--;
    base_text_append_n(out, url, n);
    if (!base_ends_with(out->data ? out->data : "", "/chat/completions"))
        base_text_append(out, "/chat/completions");
}

/* One answer, with retries until `deadline`. */
static affect_status exchange(affect_context *ctx, const affect_llm_options *o,
                              const reason_question_to *q, double deadline,
                              reason_server_form *form, reason_http_reply *reply) {
    affect_status status = AFFECT_OK;
    base_text address = {0}, body = {0};
    double wait = FIRST_WAIT_S;
    put_address(o->url, &address);
    for (int attempt = 0;; attempt++) {
        base_text_clear(&body);
        put_body(o, q, form, &body);
        if (address.failed || body.failed) {
            status = base_fail_memory(ctx);
            break;
        }
        const reason_http_request request = {.url = address.data,
                                             .key = o->key,
                                             .body = body.data,
                                             .timeout_s = fmax(0.001, deadline - base_now_s()),
                                             .limit = ANSWER_LIMIT};
        status = reason_http_ask(ctx, &request, reply);
        if (status == AFFECT_OK && ask_otherwise(ctx, q, reply, form)) {
            attempt--;
            reason_http_clear(reply);
            continue;
        }
        bool again =
            status == AFFECT_OK ? retried(reply->status) : status == AFFECT_ERROR_NOT_FOUND;
        if (status == AFFECT_OK) status = judge_reply(ctx, reply);
        double pause = isfinite(reply->retry_after_s) ? fmax(reply->retry_after_s, wait) : wait;
        if (status == AFFECT_OK || !again || attempt + 1 == ATTEMPTS ||
            base_now_s() + pause >= deadline)
            break;
        reason_http_clear(reply);
        affect_status waited = wait_for(ctx, pause);
        if (waited != AFFECT_OK) {
            status = waited;
            break;
        }
        wait *= 2;
    }
    base_text_destroy(&address);
    base_text_destroy(&body);
    return status;
}

/* An answer in pieces (server-sent events): lines "data: {...}" until one that says how it ended. */
static bool in_pieces(const base_text *body) {
    const char *at = body->data ? body->data : "";
    while (*at == '\n' || *at == '\r') at++;
    return *at == ':' || base_starts_with(at, "data:") || base_starts_with(at, "event:");
}

static affect_status read_pieces(affect_context *ctx, const base_text *body, base_text *out) {
    bool ended = false;
    json_error_t error;
    for (const char *line = body->data; line && *line && !ended;) {
        size_t length = strcspn(line, "\n");
        if (base_starts_with(line, "data:")) {
            const char *text = line + 5;
            json_t *root = json_loadb(text, length - 5, 0, &error);
            const json_t *choice = json_array_get(json_object_get(root, "choices"), 0);
            const char *piece =
                json_string_value(json_object_get(json_object_get(choice, "delta"), "content"));
            if (piece) base_text_append(out, piece);
            ended = json_is_string(json_object_get(choice, "finish_reason")) ||
                    base_starts_with(text + strspn(text, " "), "[DONE]");
            json_decref(root);
        }
        line += length + (line[length] == '\n');
    }
    if (out->failed) return base_fail_memory(ctx);
    return ended ? AFFECT_OK : base_fail(ctx, AFFECT_ERROR_FORMAT, "its answer ends in the middle");
}

affect_status reason_server_ask(affect_context *ctx, const affect_llm_options *o,
                                const reason_question_to *q, double deadline,
                                reason_server_form *form, base_text *out) {
    reason_http_reply reply = {0};
    json_error_t error;
    affect_status status = exchange(ctx, o, q, deadline, form, &reply);
    if (status == AFFECT_OK && in_pieces(&reply.body)) {
        status = read_pieces(ctx, &reply.body, out);
        reason_http_clear(&reply);
        return status;
    }
    json_t *root = status == AFFECT_OK ? json_loadb(reply.body.data ? reply.body.data : "",
                                                    reply.body.length, 0, &error)
                                       : NULL;
    const json_t *choice = json_array_get(json_object_get(root, "choices"), 0);
    const char *content =
        json_string_value(json_object_get(json_object_get(choice, "message"), "content"));
    if (status == AFFECT_OK && !content)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "its answer is no chat completion");
    if (content) base_text_append(out, content);
    json_decref(root);
    reason_http_clear(&reply);
    return out->failed ? base_fail_memory(ctx) : status;
}
