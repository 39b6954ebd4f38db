/* One stream: a queue of packets, a decoder, and the times of what it gives. */
#include <string.h>

#include "media/media_private.h"

/* Each thread of a decoder may still hold a frame that fails. */
enum { MAX_DRAIN_ERRORS = 64 };
/* A file is called cut where this much of what its container announces is missing: the stream's own
 * length is exact, that of the whole is at times the longest of streams that are not read. */
#define STREAM_SLACK (150 * AFFECT_MILLISECOND)
#define CONTAINER_SLACK (AFFECT_SECOND / 2)
/* Time stamps that go back by more than BACKWARD, or in broadcast formats (whose clocks are reset
 * at will) forward by more than LEAP, start anew. */
#define BACKWARD (1 * AFFECT_SECOND)
#define LEAP (10 * AFFECT_SECOND)
/* Two streams that jump together are kept together when they would be at most this far apart. */
#define SAME_JUMP (1 * AFFECT_SECOND)

affect_time media_stream_frame_time(const media_stream *stream, const AVFrame *frame) {
    return media_stream_time(stream, frame->best_effort_timestamp);
}

affect_time media_stream_frame_duration(const media_stream *stream, const AVFrame *frame) {
    int64_t ticks = frame_ticks(frame);
    if (ticks > 0) return media_ticks_time(ticks, stream->av->time_base);
    AVRational rate = stream->av->avg_frame_rate;
    if (rate.num <= 0 || rate.den <= 0) rate = stream->av->r_frame_rate;
    return rate.num > 0 && rate.den > 0 ? time_from_ticks(1, rate.den, rate.num) : 0;
}

static int64_t pixels(const AVCodecParameters *p) { return (int64_t)p->width * p->height; }

/* One thread decodes 720p many times faster than real time, and with one thread damaged data give
 * the same pictures every time (concealment in frame threads depends on who is first). Larger
 * pictures need two; beyond 4K only threads that share one frame, for memory's sake. */
#define ONE_THREAD (1280 * 800)
#define FOUR_K (4096 * 2304)

static int decoder_threads(const media_reader *reader, const AVCodecParameters *parameters) {
    return pixels(parameters) <= ONE_THREAD ? 1 : BASE_MIN(affect_context_threads(reader->ctx), 2);
}

affect_status media_stream_open(media_reader *reader, media_stream *stream, AVStream *av,
                                bool wanted) {
    const AVCodec *codec = media_ff.avcodec_find_decoder(av->codecpar->codec_id);
    const char *name = media_ff.avcodec_get_name(av->codecpar->codec_id);
    if (!codec)
        return base_fail(reader->ctx, AFFECT_ERROR_UNSUPPORTED, "%s: no decoder for %s",
                         reader->path, name);
    stream->decoder = media_ff.avcodec_alloc_context3(codec);
    if (!stream->decoder ||
        media_ff.avcodec_parameters_to_context(stream->decoder, av->codecpar) < 0)
        return base_fail_memory(reader->ctx);
    AVCodecContext *decoder = stream->decoder;
    bool video = av->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    if (pixels(av->codecpar) > MEDIA_MAX_PIXELS)
        return base_fail(reader->ctx, AFFECT_ERROR_LIMIT,
                         "%s: its pictures have %dx%d pixels, more than the limit of %lld million; "
                         "scale them down first",
                         reader->path, av->codecpar->width, av->codecpar->height,
                         (long long)(MEDIA_MAX_PIXELS / 1000000));
    decoder->pkt_timebase = av->time_base;
    /* Frames from before the first key frame come marked instead of not at all, so that the gap is
     * known; video.c drops them. */
    decoder->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    decoder->max_pixels = MEDIA_MAX_PIXELS;
    decoder->thread_count = video ? decoder_threads(reader, av->codecpar) : 1;
    if (pixels(av->codecpar) > FOUR_K) decoder->thread_type = FF_THREAD_SLICE;
    /* FLAC frames carry a checksum: a wrong one is damage, not noise to be analysed. */
    if (av->codecpar->codec_id == AV_CODEC_ID_FLAC)
        decoder->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE;
    /* Pictures that no other is made from go without the filter that smooths their blocks: an
     * eighth of the decoder's time, and less in the results than the coding itself
     * (docs/notes/speed.md). */
    decoder->skip_loop_filter = AVDISCARD_NONREF;
    if (video && reader->options.sparse) decoder->skip_frame = AVDISCARD_NONREF;
    if (media_ff.avcodec_open2(decoder, codec, NULL) < 0)
        return base_fail(reader->ctx, AFFECT_ERROR_UNSUPPORTED,
                         "%s: the %s decoder refuses it (%s)", reader->path, name,
                         media_ffmpeg_log_error());
    stream->reader = reader;
    stream->av = av;
    stream->wanted = wanted;
    stream->earliest = stream->latest = AFFECT_TIME_NONE;
    stream->announced_end = AFFECT_TIME_NONE;
    return AFFECT_OK;
}

void media_stream_close(media_stream *stream) {
    while (stream->queue.count > 0) {
        AVPacket *packet = media_stream_unqueue(stream);
        media_ff.av_packet_free(&packet);
    }
    base_free(stream->queue.items);
    if (stream->decoder) media_ff.avcodec_free_context(&stream->decoder);
    memset(stream, 0, sizeof *stream);
}

/* What damages one stream has as a rule taken bytes of the other as well. */
static void note_damage(media_stream *stream) {
    media_reader *reader = stream->reader;
    stream->damaged = true;
    if (stream == &reader->audio.stream)
        reader->video.stream.lost = true;
    else
        reader->audio.stream.lost = true;
}

/* Gives the decoder the next packet, or the news that there is none. */
static affect_status feed(media_stream *stream, bool *starved) {
    media_reader *reader = stream->reader;
    *starved = false;
    while (stream->queue.count == 0 && !stream->input_ended) {
        if (media_stream_full(&reader->audio.stream) || media_stream_full(&reader->video.stream)) {
            *starved = true;
            return AFFECT_OK;
        }
        affect_status status = media_reader_demux(reader);
        if (status != AFFECT_OK) return status;
    }
    AVPacket *packet = stream->queue.count > 0 ? media_stream_unqueue(stream) : NULL;
    if (!packet) stream->draining = true;
    stream->damaged |= packet ? packet->opaque != NULL : stream->lost;
    if (packet) packet->opaque = NULL;
    int result = media_ff.avcodec_send_packet(stream->decoder, packet);
    media_ff.av_packet_free(&packet);
    if (result == AVERROR(ENOMEM)) return base_fail_memory(reader->ctx);
    if (result < 0 && result != AVERROR_EOF) note_damage(stream);
    return AFFECT_OK;
}

affect_status media_stream_decode(media_stream *stream, AVFrame *frame,
                                  media_stream_result *result) {
    media_reader *reader = stream->reader;
    while (!stream->decoded_all) {
        if (affect_context_cancelled(reader->ctx))
            return base_fail(reader->ctx, AFFECT_ERROR_CANCELLED, "%s: interrupted", reader->path);
        int got = media_ff.avcodec_receive_frame(stream->decoder, frame);
        if (got >= 0) {
            if (!(frame->flags & AV_FRAME_FLAG_CORRUPT) && frame->decode_error_flags == 0) {
                *result = STREAM_FRAME;
                return AFFECT_OK;
            }
            note_damage(stream);
            media_ff.av_frame_unref(frame);
        } else if (got == AVERROR(EAGAIN)) {
            bool starved = false;
            affect_status status = feed(stream, &starved);
            if (status != AFFECT_OK) return status;
            if (starved) {
                *result = STREAM_STARVED;
                return AFFECT_OK;
            }
        } else if (got == AVERROR_EOF) {
            stream->decoded_all = true;
        } else if (got == AVERROR(ENOMEM)) {
            return base_fail_memory(reader->ctx);
        } else {
            note_damage(stream);
            /* A decoder that fails while it is drained might do so for ever. */
            if (stream->draining && ++stream->drain_errors > MAX_DRAIN_ERRORS)
                stream->decoded_all = true;
        }
    }
    *result = STREAM_END;
    return AFFECT_OK;
}

bool media_stream_starts_anew(const media_stream *stream, affect_time jump) {
    bool broadcast = stream->reader->format->iformat->flags & AVFMT_TS_DISCONT;
    return jump < -BACKWARD || (broadcast && jump > LEAP);
}

void media_stream_join(media_stream *stream, affect_time time, affect_time expected) {
    media_reader *reader = stream->reader;
    const media_stream *other =
        stream == &reader->audio.stream ? &reader->video.stream : &reader->audio.stream;
    affect_time raw = time - stream->shift;
    affect_time shift = expected - raw;
    /* The other stream may have met the jump already: with its shift the two stay together. */
    if (other->av && other->shift != stream->shift) {
        affect_time apart = raw + other->shift - expected;
        if (apart < SAME_JUMP && apart > -SAME_JUMP) shift = other->shift;
    }
    stream->shift = shift;
    stream->discontinuous = stream->joined = true;
}

affect_time media_stream_missing_until(const media_stream *stream, affect_time now) {
    media_reader *reader = stream->reader;
    /* What a read error has cost is said once for both streams. */
    if (reader->info.is_picture || media_input_error(reader->input)) return AFFECT_TIME_NONE;
    affect_time end = AFFECT_TIME_NONE;
    if (stream->joined) {
        /* What the container announces is on a clock that is no longer valid. */
    } else if (stream->announced_end != AFFECT_TIME_NONE) {
        if (stream->announced_end - now > STREAM_SLACK) end = stream->announced_end;
    } else if (reader->container_end != AFFECT_TIME_NONE) {
        affect_time seen = BASE_MAX(reader->audio.stream.latest, reader->video.stream.latest);
        seen = BASE_MAX(seen, now);
        if (reader->container_end - seen > CONTAINER_SLACK) end = reader->container_end;
    }
    if (end == AFFECT_TIME_NONE && stream->damaged && stream->latest != AFFECT_TIME_NONE &&
        stream->latest > now)
        end = stream->latest;
    return end;
}
