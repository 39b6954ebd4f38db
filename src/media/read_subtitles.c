/* The text of one subtitle stream of a recording, read to its end. */
#include "media/media_private.h"

affect_status media_read_subtitles(affect_context *ctx, const char *path, int stream,
                                   base_text *out, affect_time *origin) {
    media_options options = media_options_default();
    media_reader *reader = NULL;
    options.want_subtitles = true;
    options.subtitle_stream = stream;
    options.max_height = 0;
    affect_status status = media_open(ctx, path, &options, &reader);
    if (status) return status;
    media_ffmpeg_log_begin(ctx);
    /* Sound and picture have told where the recording begins: from here only its text is read. */
    *origin = reader->origin;
    for (unsigned i = 0; i < reader->format->nb_streams; i++)
        if (reader->format->streams[i] != reader->subtitles)
            reader->format->streams[i]->discard = AVDISCARD_ALL;
    while (!status && !reader->input_ended) status = media_reader_demux(reader);
    media_ffmpeg_log_end();
    if (!status && !reader->subtitle_text.length)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: its subtitle stream holds no text", path);
    if (!status) {
        *out = reader->subtitle_text;
        reader->subtitle_text = (base_text){0};
    }
    media_close(reader);
    return status;
}
