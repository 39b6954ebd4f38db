/* Options: defaults, setters, copies. */
#include <math.h>
#include <string.h>

#include "session/internal.h"

affect_status affect_options_create(affect_context *ctx, affect_options **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    **out = (struct affect_options){.ctx = ctx,
                                    .face = true,
                                    .voice = true,
                                    .words = true,
                                    .rate_hz = fuse_options_default().rate_hz,
                                    .audio_stream = -1};
    return AFFECT_OK;
}

void affect_options_destroy(affect_options *o) {
    if (!o) return;
    base_free(o->subtitles);
    for (size_t i = 0; i < o->models.count; i++) {
        base_free(o->models.items[i].task);
        base_free(o->models.items[i].model);
    }
    base_free(o->models.items);
    base_free(o);
}

affect_status session_options_copy(affect_context *ctx, const affect_options *options,
                                   affect_options **out) {
    affect_status status = affect_options_create(ctx, out);
    if (status != AFFECT_OK || !options) return status;
    **out = *options;
    (*out)->ctx = ctx;
    (*out)->subtitles = NULL;
    memset(&(*out)->models, 0, sizeof(*out)->models);
    status = affect_options_set_subtitles(*out, options->subtitles);
    for (size_t i = 0; i < options->models.count && status == AFFECT_OK; i++)
        status = affect_options_set_model(*out, options->models.items[i].task,
                                          options->models.items[i].model);
    if (status != AFFECT_OK) {
        affect_options_destroy(*out);
        *out = NULL;
    }
    return status;
}

void affect_options_set_face(affect_options *o, int on) { o->face = on != 0; }
void affect_options_set_voice(affect_options *o, int on) { o->voice = on != 0; }
void affect_options_set_words(affect_options *o, int on) { o->words = on != 0; }

affect_status affect_options_set_rate(affect_options *o, double rate_hz) {
    if (!(rate_hz >= 0.1 && rate_hz <= 1000.0))
        return base_fail(o->ctx, AFFECT_ERROR_ARGUMENT, "a rate of %g Hz is outside 0.1..1000",
                         rate_hz);
    o->rate_hz = rate_hz;
    return AFFECT_OK;
}

affect_status affect_options_set_audio_stream(affect_options *o, int stream) {
    if (stream < -1)
        return base_fail(o->ctx, AFFECT_ERROR_ARGUMENT,
                         "audio stream %d: streams are counted from 0, -1 is the best", stream);
    o->audio_stream = stream;
    return AFFECT_OK;
}

affect_status affect_options_set_subtitles(affect_options *o, const char *path) {
    char *copy = base_strdup(path);
    if (path && !copy) return base_fail_memory(o->ctx);
    base_free(o->subtitles);
    o->subtitles = copy;
    return AFFECT_OK;
}

/* The tasks that a stage asks session_option_model for. */
static const char *const tasks[] = {
    "face.detect",          "face.mesh",     "face.geometry", "face.emotion",
    "voice.activity",       "voice.speaker", "voice.prosody", "voice.emotion",
    "words.recognition.en", "words.lexicon", "text.emotion",
};

static bool is_task(const char *task) {
    for (size_t i = 0; task && i < BASE_COUNT(tasks); i++)
        if (strcmp(tasks[i], task) == 0) return true;
    return false;
}

static affect_status unknown_task(affect_context *ctx, const char *task) {
    base_text all = {0};
    for (size_t i = 0; i < BASE_COUNT(tasks); i++)
        base_text_printf(&all, "%s%s", i ? ", " : "", tasks[i]);
    affect_status status =
        base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no model can be named for the task '%s'; tasks: %s",
                  task ? task : "(none)", all.failed ? "" : all.data);
    base_text_destroy(&all);
    return status;
}

affect_status affect_options_set_model(affect_options *o, const char *task, const char *model) {
    if (!is_task(task)) return unknown_task(o->ctx, task);
    for (size_t i = 0; i < o->models.count; i++)
        if (strcmp(o->models.items[i].task, task) == 0) {
            char *copy = base_strdup(model);
            if (model && !copy) return base_fail_memory(o->ctx);
            base_free(o->models.items[i].model);
            o->models.items[i].model = copy;
            return AFFECT_OK;
        }
    if (!model) return AFFECT_OK;
    session_model new = {base_strdup(task), base_strdup(model)};
    if (!new.task || !new.model ||
        !base_grow((void **)&o->models.items, &o->models.capacity, o->models.count + 1,
                   sizeof *o->models.items)) {
        base_free(new.task);
        base_free(new.model);
        return base_fail_memory(o->ctx);
    }
    o->models.items[o->models.count++] = new;
    return AFFECT_OK;
}

const char *session_option_model(const affect_options *o, const char *task) {
    for (size_t i = 0; i < o->models.count; i++)
        if (strcmp(o->models.items[i].task, task) == 0) return o->models.items[i].model;
    return NULL;
}

affect_status affect_options_set_look_ahead_ms(affect_options *o, int ms) {
    if (ms < 2000 || ms > 600000)
        return base_fail(o->ctx, AFFECT_ERROR_ARGUMENT,
                         "a look-ahead of %d ms is outside 2000..600000", ms);
    o->look_ahead_ms = ms;
    return AFFECT_OK;
}

void affect_options_on_rows(affect_options *o, affect_rows_fn call, void *user) {
    o->on_rows = call;
    o->rows_user = user;
}

void affect_options_on_intervals(affect_options *o, affect_intervals_fn call, void *user) {
    o->on_intervals = call;
    o->intervals_user = user;
}

void affect_options_on_event(affect_options *o, affect_event_fn call, void *user) {
    o->on_event = call;
    o->event_user = user;
}

void affect_options_on_warning(affect_options *o, affect_warning_fn call, void *user) {
    o->on_warning = call;
    o->warning_user = user;
}

void affect_options_on_progress(affect_options *o, affect_progress_fn call, void *user) {
    o->on_progress = call;
    o->progress_user = user;
}
