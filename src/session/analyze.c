/* affect_analyze: reads a recording and pushes it into a session. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "session/session_private.h"

static affect_status say_properties(affect_context *ctx, affect_session *session, const char *path,
                                    const media_info *info) {
    char text[128];
    affect_status status = session_property(session, "input", path);
    if (status == AFFECT_OK)
        status = session_property(session, "program", "affect " AFFECT_VERSION);
    if (status == AFFECT_OK) status = session_property(session, "media/format", info->format);
    if (status == AFFECT_OK && info->comment[0]) {
        char *comment = base_utf8_clean(info->comment, strlen(info->comment));
        if (!comment) return base_fail_memory(ctx);
        status = session_property(session, "media/comment", comment);
        base_free(comment);
    }
    if (status == AFFECT_OK && info->has_video) {
        if (info->is_picture)
            snprintf(text, sizeof text, "%s %dx%d, one picture", info->video_codec, info->width,
                     info->height);
        else
            snprintf(text, sizeof text, "%s %dx%d, %.3f frames/s", info->video_codec, info->width,
                     info->height, info->fps);
        status = session_property(session, "media/video", text);
    }
    if (status == AFFECT_OK && info->has_audio) {
        snprintf(text, sizeof text, "%s %d Hz, %d channel%s", info->audio_codec, info->native_rate,
                 info->channels, info->channels == 1 ? "" : "s");
        status = session_property(session, "media/audio", text);
    }
    return status;
}

/* What the stages that are wanted say of a recording that has nothing for them, each sentence once. */
static affect_status say_unfed(affect_session *session, const affect_options *o,
                               const media_info *info) {
    const session_perception *const *kinds = o->plan->perception;
    affect_status status = AFFECT_OK;
    for (size_t k = 0; kinds[k] && status == AFFECT_OK; k++) {
        bool there = kinds[k]->takes == MEDIA_FRAME ? info->has_video : info->has_audio;
        bool said = there || !kinds[k]->wanted(o) || !kinds[k]->unfed;
        for (size_t i = 0; i < k && !said; i++)
            said = kinds[i]->wanted(o) && kinds[i]->unfed &&
                   strcmp(kinds[i]->unfed, kinds[k]->unfed) == 0;
        if (!said)
            status = session_gap(session, AFFECT_TIME_NONE, AFFECT_TIME_NONE, kinds[k]->unfed);
    }
    return status;
}

/* Seconds left, from the pace so far; NaN until there is a second of it. */
static double estimate(double elapsed_s, affect_time done, affect_time total) {
    if (total == AFFECT_TIME_NONE || done <= 0 || elapsed_s < 0.5) return NAN;
    double left = time_to_seconds(total - done) / time_to_seconds(done) * elapsed_s;
    return left > 0 ? left : 0;
}

static affect_status read_all(affect_context *ctx, const affect_options *o, media_reader *reader,
                              affect_session *session, double *decode_s) {
    const media_info *info = media_reader_info(reader);
    double start = base_now_s(), told = 0;
    affect_time done = 0;
    affect_status status = AFFECT_OK;
    for (media_item item = {0}; status == AFFECT_OK;) {
        double before = base_now_s();
        status = media_next(reader, &item);
        *decode_s += base_now_s() - before;
        if (status != AFFECT_OK || item.kind == MEDIA_END) break;
        if (item.kind == MEDIA_GAP) {
            status = session_gap(session, item.gap.t0, item.gap.t1, item.gap.text);
            continue;
        }
        done = BASE_MAX(done, item.kind == MEDIA_FRAME ? item.frame.time : item.audio.t0);
        status = session_push_item(session, &item);
        double now = base_now_s() - start;
        if (o && o->on_progress && now - told > 0.1) {
            told = now;
            o->on_progress(o->progress_user, done, info->duration,
                           estimate(now, done, info->duration));
        }
        if (status == AFFECT_OK && affect_context_cancelled(ctx))
            status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    }
    return status;
}

/* Faces are looked at so often when speed is wanted: half of 25 frames. */
static const double FAST_FPS = 12.5;

/* What is lost by it stands in the result. */
static affect_status say_fast(affect_session *session, const affect_options *o,
                              const media_info *info) {
    if (!o->fast || !info->has_video || info->is_picture || !session_wants(o, MEDIA_FRAME))
        return AFFECT_OK;
    return session_gap(
        session, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
        "fast: at most 12.5 pictures a second were looked at (six at least, where there "
        "are so many): blinks and expressions shorter than a fifth of a second are "
        "missed or seen late");
}

/* "stream" or "stream:N": the text inside the recording, which takes the place of a file. */
static affect_status take_stream(affect_context *ctx, const media_source *source, const char *path,
                                 affect_options *o, base_text *text) {
    const char *which = o->subtitles;
    int64_t n = -1;
    if (!which || strncmp(which, "stream", 6) != 0 || (which[6] && which[6] != ':'))
        return AFFECT_OK;
    if (which[6] && (!base_parse_int64(which + 7, strlen(which + 7), &n) || n < 0 || n > 999))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "subtitles \"%s\": stream or stream:N expected, N from 0", which);
    if (source || !strcmp(path, "-"))
        return base_fail(ctx, AFFECT_ERROR_UNSUPPORTED,
                         "%s: subtitles inside a recording can only be read from a file", path);
    affect_time origin;
    affect_status status = media_read_subtitles(ctx, path, (int)n, text, &origin);
    if (status != AFFECT_OK) return status;
    char *name;
    base_text said = {0};
    base_text_printf(&said, "%s, subtitle %s", path, which);
    name = said.failed ? NULL : said.data;
    status = name ? affect_options_set_subtitles(o, name) : base_fail_memory(ctx);
    base_text_destroy(&said);
    o->transcript = text;
    o->subtitles_offset -= origin;
    return status;
}

static affect_status analyze(affect_context *ctx, const media_source *source, const char *path,
                             const affect_options *o, session_times *times, affect_timeline **out) {
    *out = NULL;
    media_options media = media_options_default();
    affect_options *defaults = NULL;
    affect_session *session = NULL;
    media_reader *reader = NULL;
    base_text inside = {0};
    affect_status status = session_options_copy(ctx, o, &defaults);
    if (status != AFFECT_OK) return status;
    o = defaults;
    if (!o->face && !o->voice && !o->words) {
        status = base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                           "face, voice and words are all switched off: nothing is left to do");
        goto cleanup;
    }
    media.audio_stream = o->audio_stream;
    media.want_video = session_wants(o, MEDIA_FRAME);
    media.sparse = o->fast;
    media.max_fps = o->fast ? FAST_FPS : 0;
    /* With words from a transcript the sound is only for the length of the recording. */
    media.want_audio = session_wants(o, MEDIA_AUDIO) || o->words;
    if (!media.want_video && !media.want_audio) media.want_audio = true; /* for the length */
    status = media_open_source(ctx, source, path, &media, &reader);
    if (status == AFFECT_OK) status = take_stream(ctx, source, path, defaults, &inside);
    if (status != AFFECT_OK) goto cleanup;
    const media_info *info = media_reader_info(reader);
    if (info->duration > 0) defaults->length = info->duration; /* a picture has no end */
    defaults->no_pictures = !info->has_video;
    defaults->no_sound = !info->has_audio;
    status = affect_session_create(ctx, o, &session);
    if (status != AFFECT_OK) goto cleanup;
    if (!o->look_ahead_ms) session_wait_for_everything(session);
    status = say_properties(ctx, session, path, info);
    if (status == AFFECT_OK) status = say_unfed(session, o, info);
    if (status == AFFECT_OK) status = say_fast(session, o, info);
    if (status == AFFECT_OK && info->size_too_small)
        status =
            session_gap(session, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                        "the size in the header of this WAV is too small: everything to the end "
                        "of the file was read as sound");
    if (status == AFFECT_OK && o->words && !o->subtitles && info->text_subtitles >= 0) {
        char offer[320];
        snprintf(
            offer, sizeof offer,
            "the recording has subtitles inside (%s): --subtitles stream takes them instead of "
            "recognising speech",
            info->subtitles);
        status = session_gap(session, AFFECT_TIME_NONE, AFFECT_TIME_NONE, offer);
    }
    double decode_s = 0;
    if (status == AFFECT_OK) status = read_all(ctx, o, reader, session, &decode_s);
    if (status == AFFECT_OK && media_reader_error(reader))
        status = session_property(session, "media/error", strerror(media_reader_error(reader)));
    if (status == AFFECT_OK) status = affect_session_finish(session, out);
    if (times) {
        session_timing(session, times);
        times->decode = decode_s;
    }
    if (status == AFFECT_ERROR_NO_STREAM)
        status = base_fail(ctx, status,
                           "%s: no sound and no picture could be decoded; is it damaged?", path);
cleanup:
    affect_session_destroy(session);
    media_close(reader);
    affect_options_destroy(defaults);
    base_text_destroy(&inside);
    return status;
}

affect_status session_analyze(affect_context *ctx, const char *path, const affect_options *o,
                              session_times *times, affect_timeline **out) {
    return analyze(ctx, NULL, path, o, times, out);
}

affect_status affect_analyze(affect_context *ctx, const char *path, const affect_options *o,
                             affect_timeline **out) {
    BASE_NEED(ctx, out);
    *out = NULL;
    BASE_NEED(ctx, ctx && path);
    return session_analyze(ctx, path, o, NULL, out);
}

affect_status affect_analyze_input(affect_context *ctx, const affect_input *input, size_t size,
                                   const char *name, const affect_options *o,
                                   affect_timeline **out) {
    BASE_NEED(ctx, out);
    *out = NULL;
    BASE_NEED(ctx, ctx && input && name);
    if (size < offsetof(affect_input, user) + sizeof input->user || !input->read ||
        !input->seek != !input->length)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "an input needs its size, a name, a read function, and seek and length "
                         "together or neither");
    const media_source source = {input->read, input->seek, input->length, input->user};
    return analyze(ctx, &source, name, o, NULL, out);
}

/* A FILE whose bytes go to the caller. */
typedef struct sink {
    affect_write_fn write;
    void *user;
    bool stopped;
} sink;

static ssize_t sink_write(void *cookie, const char *bytes, size_t size) {
    sink *k = cookie;
    if (!k->stopped) k->stopped = k->write(k->user, bytes, size) != size;
    if (!k->stopped) return (ssize_t)size;
    errno = EIO;
    return 0;
}

affect_status affect_timeline_write_to(affect_context *ctx, const affect_timeline *timeline,
                                       const char *format, affect_write_fn write, void *user) {
    BASE_NEED(ctx, ctx && timeline && format && write);
    int chosen = 0;
    while (chosen < REPORT_FORMAT_COUNT &&
           (chosen == REPORT_CSV || chosen >= REPORT_VIDEO ||
            strcmp(report_format_word((report_format)chosen), format) != 0))
        chosen++;
    if (chosen == REPORT_FORMAT_COUNT)
        return base_fail(
            ctx, AFFECT_ERROR_USAGE,
            "format \"%s\": one of json, eaf, textgrid, vtt, svg, html, pdf, png, openface",
            format);
    affect_status status = timeline_check_ids(ctx, timeline);
    if (status != AFFECT_OK) return status;
    sink k = {.write = write, .user = user};
    FILE *file = fopencookie(&k, "w", (cookie_io_functions_t){.write = sink_write});
    if (!file) return base_fail_memory(ctx);
    status = report_print(ctx, timeline, (report_format)chosen, NULL, NULL, file);
    bool failed = ferror(file) != 0;
    failed = fclose(file) != 0 || failed || k.stopped;
    if (status == AFFECT_OK && failed)
        status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "the function that takes the %s stopped it",
                           format);
    return status;
}

affect_status affect_timeline_write(affect_context *ctx, const affect_timeline *timeline,
                                    const char *folder, const char *formats, int overwrite) {
    unsigned chosen;
    BASE_NEED(ctx, ctx && timeline && folder && formats);
    affect_status status = report_formats_parse(ctx, formats, &chosen);
    /* A program may have made the timeline: what could not be read again is not written. */
    if (status == AFFECT_OK) status = timeline_check_ids(ctx, timeline);
    if (status != AFFECT_OK) return status;
    report_options options = {.force = overwrite != 0};
    return report_write(ctx, timeline, folder, chosen, &options);
}

affect_status affect_timeline_read(affect_context *ctx, const char *path, affect_timeline **out) {
    BASE_NEED(ctx, out);
    *out = NULL;
    BASE_NEED(ctx, ctx && path);
    return report_read_json(ctx, path, out);
}
