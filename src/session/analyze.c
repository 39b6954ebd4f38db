/* affect_analyze: reads a recording and pushes it into a session. */
#include <math.h>
#include <string.h>

#include "report/report.h"
#include "session/internal.h"

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

affect_status affect_analyze(affect_context *ctx, const char *path, const affect_options *o,
                             affect_timeline **out) {
    return session_analyze(ctx, path, o, NULL, out);
}

affect_status session_analyze(affect_context *ctx, const char *path, const affect_options *o,
                              session_times *times, affect_timeline **out) {
    *out = NULL;
    media_options media = media_options_default();
    affect_options *defaults = NULL;
    affect_session *session = NULL;
    media_reader *reader = NULL;
    affect_status status = session_options_copy(ctx, o, &defaults);
    if (status != AFFECT_OK) return status;
    o = defaults;
    if (!o->face && !o->voice && !o->words) {
        status = base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                           "face, voice and words are all switched off: nothing is left to do");
        goto cleanup;
    }
    media.audio_stream = o->audio_stream;
    media.want_video = o->face;
    media.want_audio = o->voice || (o->words && !o->subtitles);
    if (!media.want_video && !media.want_audio) media.want_audio = true; /* for the length */
    status = media_open(ctx, path, &media, &reader);
    if (status == AFFECT_OK) status = affect_session_create(ctx, o, &session);
    if (status != AFFECT_OK) goto cleanup;
    if (!o->look_ahead_ms) session_wait_for_everything(session);
    const media_info *info = media_reader_info(reader);
    status = say_properties(ctx, session, path, info);
    if (status == AFFECT_OK && o->face && !info->has_video)
        status = session_gap(session, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                             "the recording has no picture: nothing is said about faces");
    if (status == AFFECT_OK && media.want_audio && !info->has_audio)
        status = session_gap(session, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                             "the recording has no sound: nothing is said about the voice");
    double decode_s = 0;
    if (status == AFFECT_OK) status = read_all(ctx, o, reader, session, &decode_s);
    if (status == AFFECT_OK) status = affect_session_finish(session, out);
    if (times) {
        session_timing(session, times->stages);
        times->decode = decode_s;
    }
    if (status == AFFECT_ERROR_NO_STREAM)
        status = base_fail(ctx, status,
                           "%s: no sound and no picture could be decoded; is it damaged?", path);
cleanup:
    affect_session_destroy(session);
    media_close(reader);
    affect_options_destroy(defaults);
    return status;
}

affect_status affect_timeline_write(affect_context *ctx, const affect_timeline *timeline,
                                    const char *folder, const char *formats, int overwrite) {
    unsigned chosen;
    affect_status status = report_formats_parse(ctx, formats, &chosen);
    if (status != AFFECT_OK) return status;
    report_options options = {.force = overwrite != 0};
    return report_write(ctx, timeline, folder, chosen, &options);
}

affect_status affect_timeline_read(affect_context *ctx, const char *path, affect_timeline **out) {
    return report_read_json(ctx, path, out);
}
