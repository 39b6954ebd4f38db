/* Animated WebP: frames of a canvas -> packets of raw pictures with their times.
 *
 * FFmpeg decodes still WebP only (5.1, and no release so far reads the animation). So the container
 * is read here, each frame is given to FFmpeg's decoder as if it were a file by itself, and is laid
 * on the canvas as the specification says (https://developers.google.com/speed/webp/docs/riff_container:
 * ANMF, disposal, alpha blending of colours that are not premultiplied). Where the canvas stays
 * transparent it is black, as stills are. A frame that is shown for 10 ms or less stays for 100 ms,
 * as browsers show it and as FFmpeg reads GIF. The animation is shown once. */
#include <string.h>

#include "media/media_private.h"

enum {
    CHUNK_HEAD = 8,
    RIFF_HEAD = 12,
    CANVAS_CHUNK = 10, /* bytes of VP8X behind its head */
    FRAME_HEAD = 16,
    FLAG_ALPHA = 0x10,
    FLAG_ANIMATION = 0x02,
    FRAME_KEEPS_ALPHA = 2, /* do not blend */
    FRAME_DISPOSED = 1,
    BRIEF_MS = 10,
    BRIEF_SHOWN_MS = 100,
    MAX_SCANNED = 1 << 16 /* chunks looked at for the length */
};
/* A frame that claims more than its pixels take uncompressed is damaged. */
#define PAYLOAD_SLACK (INT64_C(1) << 20)

typedef struct rectangle {
    int x, y, width, height;
} rectangle;

struct media_webp {
    affect_context *ctx;
    AVIOContext *bytes;
    int width, height;
    uint8_t *canvas;    /* RGBA, width * height; NULL before the first frame */
    rectangle disposed; /* is cleared before the next frame; of no width: nothing */
    int64_t time_ms;
    bool still;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame;
    struct SwsContext *sws;
    int sws_width, sws_height, sws_format;
    uint8_t *picture; /* RGBA of a frame, rows of `stride` bytes */
    size_t capacity, stride;
};

/* The one whose name the reader's description takes; nothing is opened by it. */
static const AVInputFormat webp_format = {.name = "webp", .long_name = "animated WebP"};

static uint32_t little24(const uint8_t *b) {
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16;
}

static uint32_t little32(const uint8_t *b) { return little24(b) | (uint32_t)b[3] << 24; }

static void put24(uint8_t *b, uint32_t value) {
    for (int i = 0; i < 3; i++) b[i] = (uint8_t)(value >> 8 * i);
}

static void put32(uint8_t *b, uint32_t value) {
    put24(b, value);
    b[3] = (uint8_t)(value >> 24);
}

static int64_t shown_ms(const uint8_t *frame_head) {
    int64_t ms = little24(frame_head + 12);
    return ms <= BRIEF_MS ? BRIEF_SHOWN_MS : ms;
}

/* ---- opening ---- */

/* What the chunks of a file say before they are read: length in ms, 0 if that is not known; frames.
 * Of a file that ends before the end in its header the length is taken to have been in proportion. */
static int64_t scan(const media_reader *reader, uint32_t riff_bytes, int64_t *frames) {
    const media_input *input = reader->input;
    int64_t ms = 0, at = RIFF_HEAD, end = CHUNK_HEAD + (int64_t)riff_bytes;
    uint8_t head[CHUNK_HEAD + FRAME_HEAD];
    *frames = 0;
    if (!media_input_seekable(input)) return 0;
    for (int chunk = 0; at < end && media_input_read_at(input, head, CHUNK_HEAD, at); chunk++) {
        if (chunk == MAX_SCANNED) return 0;
        int64_t size = little32(head + 4);
        if (memcmp(head, "ANMF", 4) == 0 && media_input_read_at(input, head, sizeof head, at)) {
            ms += shown_ms(head + CHUNK_HEAD);
            ++*frames;
        }
        at += CHUNK_HEAD + size + (size & 1);
    }
    int64_t length = media_ff.avio_size(media_input_avio(reader->input));
    return length > 0 && length < end && ms < INT32_MAX ? ms * end / length : ms;
}

static affect_status make_format(media_reader *reader, const uint8_t *canvas, uint32_t riff_bytes) {
    AVFormatContext *format = reader->format;
    media_webp *webp = reader->webp;
    int64_t frames = 0, ms = scan(reader, riff_bytes, &frames);
    webp->width = (int)little24(canvas + 4) + 1;
    webp->height = (int)little24(canvas + 7) + 1;
    webp->still = frames == 1;
    format->iformat = &webp_format;
    format->start_time = 0;
    format->duration = ms > 0 ? ms * 1000 : AV_NOPTS_VALUE;
    AVStream *av = media_ff.avformat_new_stream(format, NULL);
    if (!av) return base_fail_memory(reader->ctx);
    av->time_base = (AVRational){1, 1000};
    av->start_time = 0;
    av->duration = ms > 0 ? ms : AV_NOPTS_VALUE;
    if (ms > 0 && ms <= INT32_MAX && frames * 1000 <= INT32_MAX)
        av->avg_frame_rate = (AVRational){(int)(frames * 1000), (int)ms};
    av->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    av->codecpar->codec_id = AV_CODEC_ID_RAWVIDEO;
    av->codecpar->format = AV_PIX_FMT_RGB24;
    av->codecpar->width = webp->width;
    av->codecpar->height = webp->height;
    return AFFECT_OK;
}

static affect_status make_decoder(media_webp *webp, const char *path) {
    const AVCodec *codec = media_ff.avcodec_find_decoder(AV_CODEC_ID_WEBP);
    if (!codec)
        return base_fail(webp->ctx, AFFECT_ERROR_UNSUPPORTED, "%s: FFmpeg has no decoder for WebP",
                         path);
    webp->decoder = media_ff.avcodec_alloc_context3(codec);
    webp->packet = media_ff.av_packet_alloc();
    webp->frame = media_ff.av_frame_alloc();
    if (!webp->decoder || !webp->packet || !webp->frame) return base_fail_memory(webp->ctx);
    webp->decoder->thread_count = 1;
    webp->decoder->max_pixels = MEDIA_MAX_PIXELS;
    if (media_ff.avcodec_open2(webp->decoder, codec, NULL) < 0)
        return base_fail(webp->ctx, AFFECT_ERROR_UNSUPPORTED, "%s: %s", path,
                         media_ffmpeg_log_error());
    return AFFECT_OK;
}

affect_status media_webp_open(media_reader *reader) {
    AVIOContext *bytes = media_input_avio(reader->input);
    uint8_t head[RIFF_HEAD + CHUNK_HEAD + CANVAS_CHUNK];
    bool whole = media_ff.avio_read(bytes, head, sizeof head) == (int)sizeof head;
    const uint8_t *chunk = head + RIFF_HEAD, *canvas = chunk + CHUNK_HEAD;
    if (!whole || memcmp(chunk, "VP8X", 4) != 0 || little32(chunk + 4) < CANVAS_CHUNK ||
        !(canvas[0] & FLAG_ANIMATION)) {
        media_ff.avio_seek(bytes, 0, SEEK_SET);
        return AFFECT_OK;
    }
    media_webp *webp = reader->webp = base_calloc(1, sizeof *webp);
    if (!webp) return base_fail_memory(reader->ctx);
    webp->ctx = reader->ctx;
    webp->bytes = bytes;
    affect_status status = make_decoder(webp, reader->path);
    if (status == AFFECT_OK) status = make_format(reader, canvas, little32(head + 4));
    int64_t rest = (int64_t)little32(chunk + 4) - CANVAS_CHUNK;
    if (status == AFFECT_OK) media_ff.avio_skip(bytes, rest + (rest & 1));
    return status;
}

bool media_webp_is_still(const media_webp *webp) { return webp && webp->still; }

void media_webp_close(media_webp *webp) {
    if (!webp) return;
    if (webp->decoder) media_ff.avcodec_free_context(&webp->decoder);
    if (webp->packet) media_ff.av_packet_free(&webp->packet);
    if (webp->frame) media_ff.av_frame_free(&webp->frame);
    if (webp->sws) media_ff.sws_freeContext(webp->sws);
    base_free(webp->picture);
    base_free(webp->canvas);
    base_free(webp);
}

/* ---- frames ---- */

/* The frame's chunks as a file by themselves into webp->packet. */
static int read_payload(media_webp *webp, const rectangle *at, int64_t size) {
    enum { BEFORE = RIFF_HEAD + CHUNK_HEAD + CANVAS_CHUNK };
    int result = media_ff.av_new_packet(webp->packet, (int)(BEFORE + size));
    if (result < 0) return result;
    uint8_t *to = webp->packet->data;
    memcpy(to, "RIFF\0\0\0\0WEBPVP8X", RIFF_HEAD + 4);
    put32(to + 4, (uint32_t)(BEFORE + size - CHUNK_HEAD));
    uint8_t *canvas = to + RIFF_HEAD + CHUNK_HEAD;
    put32(canvas - 4, CANVAS_CHUNK);
    memset(canvas, 0, CANVAS_CHUNK);
    put24(canvas + 4, (uint32_t)at->width - 1);
    put24(canvas + 7, (uint32_t)at->height - 1);
    if (media_ff.avio_read(webp->bytes, to + BEFORE, (int)size) != size) return AVERROR_EOF;
    if (size >= 4 && memcmp(to + BEFORE, "ALPH", 4) == 0) canvas[0] = FLAG_ALPHA;
    return 0;
}

/* webp->packet -> webp->picture. */
static int decode(media_webp *webp, const rectangle *at) {
    AVFrame *frame = webp->frame;
    int result = media_ff.avcodec_send_packet(webp->decoder, webp->packet);
    if (result >= 0) result = media_ff.avcodec_receive_frame(webp->decoder, frame);
    if (result == AVERROR(ENOMEM)) return result;
    if (result < 0 || frame->width != at->width || frame->height != at->height)
        return AVERROR_INVALIDDATA;
    if (!webp->sws || webp->sws_width != frame->width || webp->sws_height != frame->height ||
        webp->sws_format != frame->format) {
        if (webp->sws) media_ff.sws_freeContext(webp->sws);
        webp->sws = media_ff.sws_getContext(frame->width, frame->height, frame->format,
                                            frame->width, frame->height, AV_PIX_FMT_RGBA,
                                            SWS_BILINEAR | SWS_FULL_CHR_H_INT | SWS_ACCURATE_RND,
                                            NULL, NULL, NULL);
        if (!webp->sws) return AVERROR(ENOMEM);
        webp->sws_width = frame->width;
        webp->sws_height = frame->height;
        webp->sws_format = frame->format;
    }
    enum { ALIGN = 64 };
    webp->stride = ((size_t)frame->width * 4 + ALIGN - 1) / ALIGN * ALIGN;
    size_t size = webp->stride * (size_t)frame->height + ALIGN;
    if (size > webp->capacity) {
        base_free(webp->picture);
        webp->capacity = 0;
        webp->picture = base_alloc_aligned(ALIGN, size);
        if (!webp->picture) return AVERROR(ENOMEM);
        webp->capacity = size;
    }
    uint8_t *to[4] = {webp->picture};
    int strides[4] = {(int)webp->stride};
    const uint8_t *from[4] = {frame->data[0], frame->data[1], frame->data[2], frame->data[3]};
    bool fine =
        media_ff.sws_scale(webp->sws, from, frame->linesize, 0, frame->height, to, strides) > 0;
    return fine ? 0 : AVERROR_INVALIDDATA;
}

static uint8_t *canvas_row(const media_webp *webp, int x, int y) {
    return webp->canvas + ((size_t)y * (size_t)webp->width + (size_t)x) * 4;
}

static void dispose(media_webp *webp) {
    rectangle *r = &webp->disposed;
    for (int y = 0; y < r->height && r->width > 0; y++)
        memset(canvas_row(webp, r->x, r->y + y), 0, (size_t)r->width * 4);
    r->width = 0;
}

/* Colours that are not premultiplied, `from` over `to`. */
static void blend(uint8_t *to, const uint8_t *from, int count) {
    for (int i = 0; i < count; i++, to += 4, from += 4) {
        unsigned over = from[3] * 255u, under = to[3] * (255u - from[3]), alpha = over + under;
        if (from[3] == 0) continue;
        for (int c = 0; c < 3; c++)
            to[c] = (uint8_t)((from[c] * over + to[c] * under + alpha / 2) / alpha);
        to[3] = (uint8_t)((alpha + 127) / 255);
    }
}

static void draw(media_webp *webp, const rectangle *at, bool blended) {
    for (int y = 0; y < at->height; y++) {
        uint8_t *to = canvas_row(webp, at->x, at->y + y);
        const uint8_t *from = webp->picture + (size_t)y * webp->stride;
        if (blended)
            blend(to, from, at->width);
        else
            memcpy(to, from, (size_t)at->width * 4);
    }
}

/* The canvas as it is now. */
static int give(media_webp *webp, int64_t time_ms, int64_t ms, AVPacket *packet) {
    size_t pixels = (size_t)webp->width * (size_t)webp->height;
    int result = media_ff.av_new_packet(packet, (int)(pixels * 3));
    if (result < 0) return result;
    const uint8_t *from = webp->canvas;
    uint8_t *to = packet->data;
    for (size_t i = 0; i < pixels; i++, from += 4, to += 3) memcpy(to, from, 3);
    packet->pts = packet->dts = time_ms;
    packet->duration = ms;
    packet->flags |= AV_PKT_FLAG_KEY;
    return 0;
}

/* Behind the head of a chunk ANMF of `size` bytes. */
static int read_frame(media_webp *webp, int64_t size, AVPacket *out) {
    uint8_t head[FRAME_HEAD];
    if (media_ff.avio_read(webp->bytes, head, FRAME_HEAD) != FRAME_HEAD) return AVERROR_EOF;
    const rectangle at = {(int)little24(head) * 2, (int)little24(head + 3) * 2,
                          (int)little24(head + 6) + 1, (int)little24(head + 9) + 1};
    int64_t time_ms = webp->time_ms, ms = shown_ms(head), payload = size - FRAME_HEAD;
    webp->time_ms += ms;
    dispose(webp);
    int result = AVERROR_INVALIDDATA;
    bool inside = at.x <= webp->width - at.width && at.y <= webp->height - at.height;
    if (inside && payload <= (int64_t)at.width * at.height * 4 + PAYLOAD_SLACK)
        result = read_payload(webp, &at, payload);
    else if (media_ff.avio_skip(webp->bytes, payload) < 0)
        return AVERROR_EOF;
    if (result >= 0 && (size & 1)) media_ff.avio_skip(webp->bytes, 1);
    if (result >= 0) result = decode(webp, &at);
    if (result >= 0) {
        draw(webp, &at, !(head[15] & FRAME_KEEPS_ALPHA));
        result = give(webp, time_ms, ms, out);
    }
    if (inside && (head[15] & FRAME_DISPOSED)) webp->disposed = at;
    media_ff.av_packet_unref(webp->packet);
    media_ff.av_frame_unref(webp->frame);
    return result;
}

int media_webp_read(media_webp *webp, AVPacket *packet) {
    if (!webp->canvas) webp->canvas = base_calloc((size_t)webp->width * (size_t)webp->height, 4);
    if (!webp->canvas) return AVERROR(ENOMEM);
    for (;;) {
        uint8_t head[CHUNK_HEAD];
        if (media_ff.avio_read(webp->bytes, head, CHUNK_HEAD) != CHUNK_HEAD) return AVERROR_EOF;
        int64_t size = little32(head + 4);
        if (memcmp(head, "ANMF", 4) == 0 && size >= FRAME_HEAD)
            return read_frame(webp, size, packet);
        if (media_ff.avio_skip(webp->bytes, size + (size & 1)) < 0) return AVERROR_EOF;
    }
}
