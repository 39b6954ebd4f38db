/* Packets of one stream that wait for its decoder, and the times that they and its frames carry. */
#include "media/media_private.h"

/* Time stamps farther from zero (36 years) are nonsense; the limit keeps sums of a few of them in
 * range. */
#define FARTHEST (INT64_C(1) << 60)

static affect_time within(affect_time time, affect_time limit) {
    return BASE_MAX(BASE_MIN(time, limit), -limit);
}

affect_time media_ticks_time(int64_t ticks, AVRational base) {
    return within(time_from_ticks(ticks, base.num, base.den), FARTHEST);
}

affect_time media_stream_time(const media_stream *stream, int64_t ticks) {
    if (ticks == AV_NOPTS_VALUE) return AFFECT_TIME_NONE;
    return within(media_ticks_time(ticks, stream->av->time_base) + stream->shift, 2 * FARTHEST);
}

static void note_times(media_stream *stream, const AVPacket *packet) {
    affect_time t0 = media_stream_time(stream, packet->pts);
    if (t0 == AFFECT_TIME_NONE) return;
    affect_time t1 = t0 + media_ticks_time(BASE_MAX(packet->duration, 0), stream->av->time_base);
    if (stream->earliest == AFFECT_TIME_NONE || t0 < stream->earliest) stream->earliest = t0;
    if (stream->latest == AFFECT_TIME_NONE || t1 > stream->latest) stream->latest = t1;
}

affect_status media_stream_queue(media_stream *stream, AVPacket *packet) {
    affect_context *ctx = stream->reader->ctx;
    if (stream->queue.count == stream->queue.capacity) {
        size_t capacity = stream->queue.capacity ? stream->queue.capacity * 2 : 64;
        AVPacket **items = base_calloc(capacity, sizeof *items);
        if (!items) return base_fail_memory(ctx);
        for (size_t i = 0; i < stream->queue.count; i++)
            items[i] = stream->queue.items[(stream->queue.first + i) % stream->queue.capacity];
        base_free(stream->queue.items);
        stream->queue.items = items;
        stream->queue.capacity = capacity;
        stream->queue.first = 0;
    }
    AVPacket *copy = media_ff.av_packet_alloc();
    if (!copy) return base_fail_memory(ctx);
    media_ff.av_packet_move_ref(copy, packet);
    copy->opaque = stream->lost ? stream : NULL; /* a mark, nothing more */
    stream->lost = false;
    if (!(copy->flags & AV_PKT_FLAG_DISCARD)) note_times(stream, copy);
    size_t at = (stream->queue.first + stream->queue.count) % stream->queue.capacity;
    stream->queue.items[at] = copy;
    stream->queue.count++;
    stream->queue.bytes += (size_t)copy->size;
    return AFFECT_OK;
}

AVPacket *media_stream_unqueue(media_stream *stream) {
    AVPacket *packet = stream->queue.items[stream->queue.first];
    stream->queue.first = (stream->queue.first + 1) % stream->queue.capacity;
    stream->queue.count--;
    stream->queue.bytes -= (size_t)packet->size;
    return packet;
}

bool media_stream_full(const media_stream *stream) {
    return stream->queue.bytes >= MEDIA_QUEUE_BYTES || stream->queue.count >= MEDIA_QUEUE_PACKETS;
}
