/* Does a server's model take pictures and sound? llama-server tells it in /props, others, if at all, in the list of
 * models: `input_modalities` (OpenRouter's form), `capabilities` as a list or as an object (Mistral's). */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/media.h"
#include "reason/attach.h"
#include "reason/http.h"

typedef struct takes {
    bool known, pictures, sound; /* known: the server, or the user, has said it */
    bool late;                   /* it was asked and did not answer in time */
} takes;

enum { LIST_LIMIT = 8 << 20 };
static const double LONGEST_S = 10; /* a server that is slow to say what it is has not said it */

/* GET of an address beside the one for chats; NULL: nothing of use. `root`: beside /v1, not in it. */
static json_t *get(affect_context *ctx, const affect_llm_options *o, const char *name, bool root,
                   double deadline, bool *late, affect_status *status) {
    static const char chat[] = "/chat/completions";
    base_text url = {0};
    reason_http_reply reply = {0};
    json_error_t error;
    json_t *found = NULL;
    size_t n = strlen(o->url);
    while (n && o->url[n - 1] == '/') n--;
    if (n >= strlen(chat) && strncmp(o->url + n - strlen(chat), chat, strlen(chat)) == 0)
        n -= strlen(chat);
    if (root && n > 3 && strncmp(o->url + n - 3, "/v1", 3) == 0) n -= 3;
    base_text_append_n(&url, o->url, n);
    base_text_append(&url, name);
    const reason_http_request request = {.url = url.data,
                                         .key = o->key,
                                         .timeout_s =
                                             fmin(LONGEST_S, fmax(0.001, deadline - base_now_s())),
                                         .limit = LIST_LIMIT};
    const double began = base_now_s();
    if (url.failed)
        *status = base_fail_memory(ctx);
    else
        *status = reason_http_ask(ctx, &request, &reply);
    if (*status == AFFECT_OK && reply.status == 200)
        found = json_loadb(reply.body.data ? reply.body.data : "", reply.body.length, 0, &error);
    *late = *late ||
            (*status == AFFECT_ERROR_NOT_FOUND && base_now_s() - began >= 0.95 * request.timeout_s);
    if (*status != AFFECT_ERROR_MEMORY && *status != AFFECT_ERROR_CANCELLED) *status = AFFECT_OK;
    reason_http_clear(&reply);
    base_text_destroy(&url);
    return found;
}

/* A list that holds a word, or an object in which it is true. */
static bool names(const json_t *value, const char *word) {
    size_t i;
    const json_t *item;
    if (json_is_object(value)) return json_is_true(json_object_get(value, word));
    json_array_foreach(value, i, item) {
        const char *text = json_string_value(item);
        if (text && strcmp(text, word) == 0) return true;
    }
    return false;
}

static void read_model(const json_t *model, takes *out) {
    static const char *const forms[] = {"input_modalities", "modalities", "capabilities"};
    for (size_t i = 0; i < BASE_COUNT(forms); i++) {
        const json_t *one = json_object_get(model, forms[i]);
        if (!one) one = json_object_get(json_object_get(model, "architecture"), forms[i]);
        if (!one) continue;
        out->pictures |= names(one, "image") || names(one, "vision");
        out->sound |= names(one, "audio");
        out->known |= json_is_array(one) || json_is_object(one);
    }
}

/* The model that is asked, or the only one. */
static void read_models(const json_t *list, const char *name, takes *out) {
    size_t i;
    const json_t *model;
    json_array_foreach(list, i, model) {
        const char *id = json_string_value(json_object_get(model, "id"));
        if (json_array_size(list) == 1 || (id && name && strcmp(id, name) == 0))
            read_model(model, out);
    }
}

static affect_status ask_server(affect_context *ctx, const affect_llm_options *o, double deadline,
                                takes *out) {
    affect_status status = AFFECT_OK;
    *out = (takes){0};
    if (o->attach) {
        *out = (takes){.known = true,
                       .pictures = reason_list_names(o->attach, "pictures"),
                       .sound = reason_list_names(o->attach, "audio")};
        return AFFECT_OK;
    }
    json_t *props = get(ctx, o, "/props", true, deadline, &out->late, &status);
    if (json_is_object(json_object_get(props, "modalities"))) read_model(props, out);
    json_decref(props);
    if (status || out->known) return status;
    json_t *models = get(ctx, o, "/models", false, deadline, &out->late, &status);
    read_models(json_object_get(models, "data"), o->model, out);
    json_decref(models);
    return status;
}

static bool gives_up(affect_status status) {
    return status == AFFECT_ERROR_MEMORY || status == AFFECT_ERROR_CANCELLED;
}

/* ---- what may be attached, and what is ---- */

/* A recording that is not as long as the timeline is another one: its pictures would be of other things. */
static bool of_timeline(const affect_timeline *timeline, const media_info *info) {
    const affect_time most = BASE_MAX(AFFECT_SECOND, timeline->duration / 50);
    return info->is_picture || info->duration == AFFECT_TIME_NONE || info->duration <= 0 ||
           timeline->duration <= 0 || llabs(info->duration - timeline->duration) <= most;
}

affect_status reason_attach_offer(affect_context *ctx, const reason_graph *g,
                                  const affect_llm_options *o, const reason_scope *scopes,
                                  size_t scope_count, reason_attachments *out) {
    bool pictures = reason_sends(o, "pictures") && (!o->attach || strstr(o->attach, "pictures"));
    bool sound = reason_sends(o, "audio") && (!o->attach || strstr(o->attach, "audio"));
    *out = (reason_attachments){0};
    if (reason_is_file(o->url) || !(pictures || sound)) return AFFECT_OK;
    if (!o->media) {
        if (o->send || o->attach)
            snprintf(out->trouble, sizeof out->trouble,
                     "none is named (--media), nor does one lie beside the timeline");
        return AFFECT_OK;
    }
    const media_options options = media_options_default();
    media_reader *reader = NULL;
    affect_status status = media_open(ctx, o->media, &options, &reader);
    if (gives_up(status)) return status;
    if (status) {
        snprintf(out->trouble, sizeof out->trouble, "%s", affect_context_message(ctx));
        return AFFECT_OK;
    }
    if (!of_timeline(g->timeline, media_reader_info(reader))) {
        snprintf(out->trouble, sizeof out->trouble,
                 "%.150s lasts %.1f s and the timeline %.1f s: it is another recording", o->media,
                 time_to_seconds(media_reader_info(reader)->duration),
                 time_to_seconds(g->timeline->duration));
        media_close(reader);
        return AFFECT_OK;
    }
    pictures = pictures && media_reader_info(reader)->has_video;
    sound = sound && media_reader_info(reader)->has_audio;
    media_close(reader);
    return reason_attach_plan(ctx, g, pictures, sound, scopes, scope_count, out);
}

affect_status reason_attach_fill(affect_context *ctx, const affect_llm_options *o, double timeout_s,
                                 reason_attachments *a) {
    takes said = {0};
    affect_status status =
        a->count ? ask_server(ctx, o, base_now_s() + timeout_s, &said) : AFFECT_OK;
    if (status) return status;
    if (a->count && !said.known && said.late)
        base_log(ctx, AFFECT_LOG_WARNING,
                 "the server did not say in time whether its model takes pictures or sound: it is "
                 "asked with text alone; where it takes them, --attach pictures,audio says so");
    else if (a->count && !said.known && o->send)
        base_log(
            ctx, AFFECT_LOG_WARNING,
            "the server does not say whether its model takes pictures or sound; where it does, "
            "--attach pictures,audio says so");
    size_t kept = 0;
    for (size_t i = 0; i < a->count; i++) {
        reason_attachment *item = &a->items[i];
        item->wanted = item->wanted && (item->sound ? said.sound : said.pictures);
        kept += item->wanted;
    }
    if (o->progress && kept) o->progress(o->progress_user, "reading the recording", 0);
    if (kept) status = reason_attach_read(ctx, o->media, a);
    if (gives_up(status)) return status;
    if (status) snprintf(a->trouble, sizeof a->trouble, "%s", affect_context_message(ctx));
    if (*a->trouble)
        base_log(ctx, AFFECT_LOG_WARNING, "no picture and no sound of the recording is sent: %s",
                 a->trouble);
    return AFFECT_OK;
}
