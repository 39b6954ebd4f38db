/* Options: defaults, setters, copies. */
#include <math.h>
#include <string.h>

#include "session/session_private.h"

affect_status affect_options_create(affect_context *ctx, affect_options **out) {
    BASE_NEED(ctx, out);
    *out = NULL;
    BASE_NEED(ctx, ctx);
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    **out = (struct affect_options){.ctx = ctx,
                                    .plan = &session_default_plan,
                                    .face = true,
                                    .voice = true,
                                    .words = true,
                                    .identity = true,
                                    .rate_hz = 10,
                                    .audio_stream = -1,
                                    .length = AFFECT_TIME_NONE};
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

void affect_options_set_face(affect_options *o, int on) {
    if (o) o->face = on != 0;
}
affect_status affect_options_set_person_count(affect_options *o, int count) {
    BASE_NEED(NULL, o);
    if (count < 0 || count > 1000)
        return base_fail(o->ctx, AFFECT_ERROR_ARGUMENT, "a count of %d persons is outside 0..1000",
                         count);
    o->person_count = count;
    return AFFECT_OK;
}
void affect_options_set_identity(affect_options *o, int on) {
    if (o) o->identity = on != 0;
}
void affect_options_set_landmarks(affect_options *o, int on) {
    if (o) o->landmarks = on != 0;
}
void affect_options_set_fast(affect_options *o, int on) {
    if (o) o->fast = on != 0;
}
void affect_options_set_keep_offset(affect_options *o, int on) {
    if (o) o->keep_offset = on != 0;
}
void affect_options_set_voice(affect_options *o, int on) {
    if (o) o->voice = on != 0;
}
void affect_options_set_words(affect_options *o, int on) {
    if (o) o->words = on != 0;
}

affect_status affect_options_set_rate(affect_options *o, double rate_hz) {
    BASE_NEED(NULL, o);
    if (!(rate_hz >= 0.1 && rate_hz <= 1000.0))
        return base_fail(o->ctx, AFFECT_ERROR_ARGUMENT, "a rate of %g Hz is outside 0.1..1000",
                         rate_hz);
    o->rate_hz = rate_hz;
    return AFFECT_OK;
}

affect_status affect_options_set_audio_stream(affect_options *o, int stream) {
    BASE_NEED(NULL, o);
    if (stream < -1)
        return base_fail(o->ctx, AFFECT_ERROR_ARGUMENT,
                         "audio stream %d: streams are counted from 0, -1 is the best", stream);
    o->audio_stream = stream;
    return AFFECT_OK;
}

affect_status affect_options_set_subtitles(affect_options *o, const char *path) {
    BASE_NEED(NULL, o);
    char *copy = base_strdup(path);
    if (path && !copy) return base_fail_memory(o->ctx);
    base_free(o->subtitles);
    o->subtitles = copy;
    return AFFECT_OK;
}

affect_status affect_options_set_subtitles_offset(affect_options *o, double seconds) {
    BASE_NEED(NULL, o);
    if (!(fabs(seconds) <= 360000))
        return base_fail(o->ctx, AFFECT_ERROR_ARGUMENT,
                         "subtitles offset %g s: -360000 to 360000 expected", seconds);
    o->subtitles_offset = time_from_seconds(seconds);
    return AFFECT_OK;
}

static bool is_task(const session_plan *plan, const char *task) {
    const session_task *t;
    for (size_t i = 0; task && (t = session_task_at(plan, i)); i++)
        if (strcmp(t->task, task) == 0) return true;
    return false;
}

static affect_status unknown_task(affect_context *ctx, const session_plan *plan, const char *task) {
    base_text all = {0};
    const session_task *t;
    for (size_t i = 0; (t = session_task_at(plan, i)); i++)
        base_text_printf(&all, "%s%s", i ? ", " : "", t->task);
    affect_status status =
        base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no model can be named for the task '%s'; tasks: %s",
                  task ? task : "(none)", all.failed ? "" : all.data);
    base_text_destroy(&all);
    return status;
}

affect_status affect_options_set_model(affect_options *o, const char *task, const char *model) {
    BASE_NEED(NULL, o);
    if (!is_task(o->plan, task)) return unknown_task(o->ctx, o->plan, task);
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

affect_status affect_options_set_look_ahead_ms(affect_options *o, int ms) {
    BASE_NEED(NULL, o);
    if (ms < 2000 || ms > 600000)
        return base_fail(o->ctx, AFFECT_ERROR_ARGUMENT,
                         "a look-ahead of %d ms is outside 2000..600000", ms);
    o->look_ahead_ms = ms;
    return AFFECT_OK;
}

void affect_options_on_rows(affect_options *o, affect_rows_fn call, void *user) {
    if (!o) return;
    o->on_rows = call;
    o->rows_user = user;
}

void affect_options_on_intervals(affect_options *o, affect_intervals_fn call, void *user) {
    if (!o) return;
    o->on_intervals = call;
    o->intervals_user = user;
}

void affect_options_on_event(affect_options *o, affect_event_fn call, void *user) {
    if (!o) return;
    o->on_event = call;
    o->event_user = user;
}

void affect_options_on_warning(affect_options *o, affect_warning_fn call, void *user) {
    if (!o) return;
    o->on_warning = call;
    o->warning_user = user;
}

void affect_options_on_link(affect_options *o, affect_link_fn call, void *user) {
    if (!o) return;
    o->on_link = call;
    o->link_user = user;
}

void affect_options_on_provisional(affect_options *o, affect_provisional_fn call, void *user) {
    if (!o) return;
    o->on_provisional = call;
    o->provisional_user = user;
}

void affect_options_on_progress(affect_options *o, affect_progress_fn call, void *user) {
    if (!o) return;
    o->on_progress = call;
    o->progress_user = user;
}

affect_status affect_options_copy(affect_context *ctx, const affect_options *options,
                                  affect_options **out) {
    BASE_NEED(ctx, out);
    *out = NULL;
    BASE_NEED(ctx, ctx);
    return session_options_copy(ctx, options, out);
}

static const char *on_off(bool on) { return on ? "on" : "off"; }

size_t affect_options_describe(const affect_options *options, char *text, size_t size) {
    affect_options defaults = {.face = true,
                               .voice = true,
                               .words = true,
                               .identity = true,
                               .rate_hz = 10,
                               .audio_stream = -1};
    const affect_options *o = options ? options : &defaults;
    base_text line = {0};
    base_text_printf(&line, "face %s, voice %s, words %s, identity %s, rate %g, audio stream %d",
                     on_off(o->face), on_off(o->voice), on_off(o->words), on_off(o->identity),
                     o->rate_hz, o->audio_stream);
    if (o->keep_offset) base_text_append(&line, ", offset kept");
    if (o->landmarks) base_text_append(&line, ", landmarks");
    if (o->fast) base_text_append(&line, ", fast");
    if (o->person_count) base_text_printf(&line, ", %d persons", o->person_count);
    if (o->look_ahead_ms) base_text_printf(&line, ", look-ahead %d ms", o->look_ahead_ms);
    if (o->subtitles)
        base_text_printf(&line, ", subtitles %s offset %g s", o->subtitles,
                         time_to_seconds(o->subtitles_offset));
    for (size_t i = 0; i < o->models.count; i++)
        if (o->models.items[i].model)
            base_text_printf(&line, ", %s %s", o->models.items[i].task, o->models.items[i].model);
    size_t length = line.length;
    if (text && size) snprintf(text, size, "%s", line.length ? line.data : "");
    base_text_destroy(&line);
    return length;
}
