/* The next packet of the recording goes to the queue of its stream; damage and the end are noted. */
#include <string.h>

#include "media/media_private.h"

/* A demultiplexer that meets damage may fail once and go on behind it; one that fails this often in
 * a row will not. */
enum { MAX_READ_ERRORS = 32 };

/* Overwritten bytes of a Matroska file may by chance read as an element that nobody knows, and what
 * it seems to hold is passed over without a word. Packets lie there one behind the other, with some
 * 50 bytes of headers between them; so a large step tells, if no stream is left out. */
static bool skipped_bytes(media_reader *reader, const AVPacket *packet) {
    enum { HEADERS = 2048 };
    const AVFormatContext *format = reader->format;
    if (packet->pos < 0 || strncmp(format->iformat->name, "matroska", 8) != 0) return false;
    bool skipped = reader->read_to > 0 && packet->pos > reader->read_to + HEADERS;
    reader->read_to = packet->pos + packet->size;
    for (unsigned i = 0; skipped && i < format->nb_streams; i++)
        skipped = format->streams[i]->discard < AVDISCARD_ALL;
    return skipped;
}

affect_status media_reader_demux(media_reader *reader) {
    media_stream *streams[] = {&reader->audio.stream, &reader->video.stream};
    AVPacket *packet = reader->packet;
    long errors = media_ffmpeg_log_errors();
    int result = reader->input_ended ? AVERROR_EOF
                 : reader->webp      ? media_webp_read(reader->webp, packet)
                                     : media_ff.av_read_frame(reader->format, packet);
    if (affect_context_cancelled(reader->ctx)) {
        if (result >= 0) media_ff.av_packet_unref(packet);
        return base_fail(reader->ctx, AFFECT_ERROR_CANCELLED, "%s: interrupted", reader->path);
    }
    if (result == AVERROR(ENOMEM)) return base_fail_memory(reader->ctx);
    /* Some demultiplexers find their way past damage without a word but in the log. */
    bool lost = result < 0
                    ? result != AVERROR_EOF
                    : (packet->flags & AV_PKT_FLAG_CORRUPT) || media_ffmpeg_log_errors() > errors;
    if (result >= 0) lost |= skipped_bytes(reader, packet);
    for (size_t i = 0; i < BASE_COUNT(streams); i++) streams[i]->lost |= lost;
    if (result < 0) {
        bool over = result == AVERROR_EOF || media_input_error(reader->input) ||
                    ++reader->read_errors >= MAX_READ_ERRORS;
        for (size_t i = 0; i < BASE_COUNT(streams); i++) streams[i]->input_ended |= over;
        reader->input_ended |= over;
        return AFFECT_OK;
    }
    reader->read_errors = 0;
    affect_status status = AFFECT_OK;
    if (reader->subtitles && packet->stream_index == reader->subtitles->index)
        status = media_subtitles_take(reader, packet);
    for (size_t i = 0; i < BASE_COUNT(streams); i++) {
        media_stream *stream = streams[i];
        if (!stream->av || stream->av->index != packet->stream_index) continue;
        if (!stream->decoded_all) status = media_stream_queue(stream, packet);
        break;
    }
    media_ff.av_packet_unref(packet);
    return status;
}
