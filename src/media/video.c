/* Decoded pictures -> upright RGB frames of square pixels, with times and durations.
 *
 * One picture is held back so that a frame's duration is known from the next one's time, whatever
 * the frame rate does. */
#include <math.h>
#include <string.h>

#include "media/media_private.h"

/* A picture this much later than the next one had a wrong time stamp. */
#define STRAY (1 * AFFECT_SECOND)
/* A decoder tells of damage when it meets it, while it still holds back pictures from before (at
 * most 16 for reordering): a hole so many pictures later may come from it. */
enum { DAMAGE_REACH = 20 };
enum { MAX_SIDE = 16384, ROW_ALIGN = 64 };

/* ---- shape ---- */

static void shape_of(int width, int height, AVRational aspect, const int32_t *matrix,
                     int max_height, media_video_shape *out) {
    memset(out, 0, sizeof *out);
    double w = width, h = height;
    if (aspect.num > 0 && aspect.den > 0) {
        double ratio = (double)aspect.num / aspect.den;
        if (ratio >= 1. / 16 && ratio <= 16) w *= ratio; /* else it is nonsense */
    }
    if (matrix) {
        /* Point (x, y) is shown at (a x + c y, b x + d y), y downward: the nearest of the eight
         * ways in which a rectangle can lie. */
        double a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
        out->swap = fabs(a) + fabs(d) < fabs(b) + fabs(c);
        out->flip_x = (out->swap ? c : a) < 0;
        out->flip_y = (out->swap ? b : d) < 0;
    }
    double shown_height = out->swap ? w : h;
    double scale = max_height > 0 && shown_height > max_height ? max_height / shown_height : 1;
    double side = BASE_MAX(w, h) * scale;
    if (side > MAX_SIDE) scale *= MAX_SIDE / side;
    out->scaled_width = (int)BASE_MAX(1, lrint(w * scale));
    out->scaled_height = (int)BASE_MAX(1, lrint(h * scale));
    out->width = out->swap ? out->scaled_height : out->scaled_width;
    out->height = out->swap ? out->scaled_width : out->scaled_height;
}

static const int32_t *display_matrix(const media_video *video, const AVFrame *frame) {
    const AVFrameSideData *side =
        media_ff.av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
    if (side && side->size >= 9 * sizeof(int32_t)) return (const int32_t *)(void *)side->data;
    size_t size = 0;
    const uint8_t *data =
        media_ff.av_stream_get_side_data(video->stream.av, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data : NULL;
}

/* ---- pixels ---- */

static size_t row_stride(int width) {
    return ((size_t)width * 3 + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
}

static affect_status room(media_video *video, media_pixels *buffer, size_t size) {
    if (size <= buffer->capacity) return AFFECT_OK;
    base_free(buffer->bytes);
    buffer->capacity = 0;
    buffer->bytes = base_alloc_aligned(ROW_ALIGN, size);
    if (!buffer->bytes) return base_fail_memory(video->stream.reader->ctx);
    buffer->capacity = size;
    return AFFECT_OK;
}

static affect_status picture_room(media_video *video, media_pixels *buffer, int width, int height) {
    /* swscale may write beyond */
    return room(video, buffer, row_stride(width) * (size_t)height + ROW_ALIGN);
}

static int colour_space(const AVFrame *frame) {
    if (frame->colorspace != AVCOL_SPC_UNSPECIFIED && frame->colorspace != AVCOL_SPC_RGB)
        return frame->colorspace;
    return frame->height >= 720 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

static bool full_range(const AVFrame *frame) {
    switch ((enum AVPixelFormat)frame->format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P: return true;
    default: return frame->color_range == AVCOL_RANGE_JPEG;
    }
}

/* libswscale turns 4:2:0 into RGB quickly where the size stays, and slowly while it scales; so such
 * pictures are scaled as they are and turned into RGB after (1080 lines to 720: 1.5 ms, not 6.4).
 */
static bool scales_first(const AVFrame *frame, const media_video_shape *shape) {
    bool planar = frame->format == AV_PIX_FMT_YUV420P ||
                  (enum AVPixelFormat)frame->format == AV_PIX_FMT_YUVJ420P;
    return planar &&
           (frame->width != shape->scaled_width || frame->height != shape->scaled_height) &&
           shape->scaled_width >= 16 && shape->scaled_height >= 16 &&
           shape->scaled_width % 2 == 0 && shape->scaled_height % 2 == 0;
}

/* Makes the scalers for pictures like `frame`; false if libswscale cannot. */
static bool make_scalers(media_video *video, const AVFrame *frame, const media_video_shape *shape) {
    int space = colour_space(frame), range = full_range(frame);
    if (video->sws && video->sws_width == frame->width && video->sws_height == frame->height &&
        video->sws_format == frame->format && video->sws_space == space &&
        video->sws_range == range && video->out_width == shape->scaled_width &&
        video->out_height == shape->scaled_height)
        return true;
    media_ff.sws_freeContext(video->resize);
    media_ff.sws_freeContext(video->sws);
    video->resize = video->sws = NULL;
    int width = frame->width, height = frame->height;
    if (scales_first(frame, shape)) {
        video->resize = media_ff.sws_getContext(width, height, frame->format, shape->scaled_width,
                                                shape->scaled_height, frame->format, SWS_BILINEAR,
                                                NULL, NULL, NULL);
        if (!video->resize) return false;
        width = shape->scaled_width;
        height = shape->scaled_height;
    }
    video->sws = media_ff.sws_getContext(width, height, frame->format, shape->scaled_width,
                                         shape->scaled_height, AV_PIX_FMT_RGB24, SWS_BILINEAR, NULL,
                                         NULL, NULL);
    if (!video->sws) return false;
    media_ff.sws_setColorspaceDetails(video->sws, media_ff.sws_getCoefficients(space), range,
                                      media_ff.sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16,
                                      1 << 16);
    video->sws_width = frame->width;
    video->sws_height = frame->height;
    video->sws_format = frame->format;
    video->sws_space = space;
    video->sws_range = range;
    video->out_width = shape->scaled_width;
    video->out_height = shape->scaled_height;
    return true;
}

/* The picture in its planes, scaled if that comes first. */
typedef struct planes {
    const uint8_t *data[4];
    int strides[4], height;
} planes;

static affect_status resized(media_video *video, const AVFrame *frame, planes *out, bool *ok) {
    *ok = true;
    for (int k = 0; k < 4; k++) {
        out->data[k] = frame->data[k];
        out->strides[k] = frame->linesize[k];
    }
    out->height = frame->height;
    if (!video->resize) return AFFECT_OK;
    size_t luma = ((size_t)video->out_width + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
    size_t chroma = ((size_t)video->out_width / 2 + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
    size_t height = (size_t)video->out_height, size = luma * height + chroma * height + ROW_ALIGN;
    affect_status status = room(video, &video->resized, size);
    if (status != AFFECT_OK) return status;
    uint8_t *first = video->resized.bytes;
    uint8_t *to[4] = {first, first + luma * height, first + luma * height + chroma * (height / 2)};
    const int strides[4] = {(int)luma, (int)chroma, (int)chroma};
    *ok = media_ff.sws_scale(video->resize, out->data, out->strides, 0, frame->height, to,
                             strides) > 0;
    for (int k = 0; k < 4; k++) {
        out->data[k] = to[k];
        out->strides[k] = strides[k];
    }
    out->height = video->out_height;
    return AFFECT_OK;
}

/* Copies scaled (before turning) to turned. Square tiles keep both sides in the cache. */
static void turn(const media_video_shape *shape, const uint8_t *from, size_t from_stride,
                 uint8_t *to, size_t to_stride) {
    enum { TILE = 16 };
    for (int y0 = 0; y0 < shape->height; y0 += TILE)
        for (int x0 = 0; x0 < shape->width; x0 += TILE)
            for (int y = y0; y < BASE_MIN(y0 + TILE, shape->height); y++)
                for (int x = x0; x < BASE_MIN(x0 + TILE, shape->width); x++) {
                    int fx = shape->flip_x ? shape->width - 1 - x : x;
                    int fy = shape->flip_y ? shape->height - 1 - y : y;
                    int row = shape->swap ? fx : fy, column = shape->swap ? fy : fx;
                    memcpy(to + (size_t)y * to_stride + (size_t)x * 3,
                           from + (size_t)row * from_stride + (size_t)column * 3, 3);
                }
}

void media_video_measure(const media_video *video, int max_height, media_video_shape *out) {
    const AVFrame *frame = video->frame;
    AVRational aspect = frame->sample_aspect_ratio;
    if (aspect.num <= 0) aspect = video->stream.av->sample_aspect_ratio;
    shape_of(frame->width, frame->height, aspect, display_matrix(video, frame), max_height, out);
}

affect_status media_video_convert(media_video *video, bool *ok) {
    const AVFrame *frame = video->frame;
    *ok = false;
    media_video_shape shape;
    media_video_measure(video, video->stream.reader->options.max_height, &shape);
    if (!make_scalers(video, frame, &shape)) return AFFECT_OK;
    size_t stride = row_stride(shape.scaled_width);
    media_pixels *made = &video->scaled;
    affect_status status = picture_room(video, made, shape.scaled_width, shape.scaled_height);
    planes from;
    bool scaled = false;
    if (status == AFFECT_OK) status = resized(video, frame, &from, &scaled);
    if (status != AFFECT_OK || !scaled) return status;
    uint8_t *to[4] = {made->bytes};
    int strides[4] = {(int)stride};
    if (media_ff.sws_scale(video->sws, from.data, from.strides, 0, from.height, to, strides) <= 0)
        return AFFECT_OK;
    if (shape.swap || shape.flip_x || shape.flip_y) {
        status = picture_room(video, &video->turned, shape.width, shape.height);
        if (status != AFFECT_OK) return status;
        turn(&shape, made->bytes, stride, video->turned.bytes, row_stride(shape.width));
        stride = row_stride(shape.width);
        made = &video->turned;
    }
    video->head.frame.rgb = made->bytes;
    video->head.frame.lent = made;
    video->head.frame.width = shape.width;
    video->head.frame.height = shape.height;
    video->head.frame.stride = stride;
    *ok = true;
    return AFFECT_OK;
}

/* ---- times ---- */

/* So far apart may pictures be that are left when `sparse` leaves out others: six a second are looked at at least. */
static const affect_time SPARSE_MOST = 165 * AFFECT_MILLISECOND;

/* The latest time that is taken: of the picture held, or of the one handed on. */
static affect_time latest_time(const media_video *video) {
    return video->have_frame ? video->frame_time : video->last_time;
}

/* Finds the time of video->next; false: it is to be dropped. */
static bool place_next(media_video *video) {
    media_stream *stream = &video->stream;
    const AVFrame *next = video->next;
    affect_time duration = media_stream_frame_duration(stream, next);
    affect_time latest = latest_time(video);
    affect_time time = media_stream_frame_time(stream, next);
    if (time == AFFECT_TIME_NONE)
        time = latest == AFFECT_TIME_NONE ? stream->shift : latest + BASE_MAX(duration, 1);
    if (latest != AFFECT_TIME_NONE) {
        affect_time jump = time - latest;
        bool between =
            video->have_frame && video->last_time != AFFECT_TIME_NONE && time > video->last_time;
        if (jump < -STRAY && between) {
            media_ff.av_frame_unref(
                video->frame); /* the picture held had a time stamp of its own */
            video->have_frame = false;
        } else if (media_stream_starts_anew(stream, jump)) {
            media_stream_join(stream, time, latest + duration);
            time = media_stream_frame_time(stream, next);
        }
        latest = latest_time(video);
        if (latest != AFFECT_TIME_NONE && time <= latest) return false;
    }
    double fps = stream->reader->options.max_fps;
    if (fps > 0) {
        affect_time step = time_from_seconds(1 / fps);
        /* A microsecond of grace: frame times are rounded. */
        if (video->due != AFFECT_TIME_NONE && time + 1000 < video->due) return false;
        bool late = video->due == AFFECT_TIME_NONE || time > video->due + step;
        video->due = (late ? time : video->due) + step;
    }
    /* Pictures that others are made from are too far apart in this recording: all are wanted from here on. */
    if (stream->reader->options.sparse && latest != AFFECT_TIME_NONE && time - latest > SPARSE_MOST)
        stream->decoder->skip_frame = AVDISCARD_DEFAULT;
    video->next_time = time;
    return true;
}

static void make_gap(media_video *video, affect_time t0, affect_time t1, const char *text) {
    video->gap_due = t1 > t0;
    video->gap_t0 = t0;
    video->gap_t1 = t1;
    video->gap_text = text;
}

static void make_gap_head(media_video *video, affect_time t0, affect_time t1, const char *text) {
    video->head = (media_item){.kind = MEDIA_GAP, .gap = {.t0 = t0, .t1 = t1, .text = text}};
    video->have_head = true;
}

static void make_head(media_video *video, affect_time duration) {
    video->head = (media_item){.kind = MEDIA_FRAME,
                               .frame = {.time = video->frame_time, .duration = duration}};
    video->have_head = true;
}

/* The next picture into video->next. */
static affect_status advance(media_video *video, bool *starved) {
    while (!video->have_next && !video->stream.decoded_all) {
        media_stream_result result;
        affect_status status = media_stream_decode(&video->stream, video->next, &result);
        if (status != AFFECT_OK) return status;
        if (result == STREAM_STARVED) {
            *starved = true;
            return AFFECT_OK;
        }
        if (result == STREAM_END) break;
        if (video->stream.damaged)
            video->suspect = DAMAGE_REACH;
        else if (video->suspect > 0)
            video->suspect--;
        video->stream.damaged = false;
        if (video->next->width > 0 && video->next->height > 0 && place_next(video))
            video->have_next = true;
        else
            media_ff.av_frame_unref(video->next);
    }
    return AFFECT_OK;
}

/* The first picture: what came before it and was not understood is a gap. */
static void first_frame(media_video *video) {
    affect_time earliest = video->stream.earliest;
    if (video->suspect > 0 && earliest != AFFECT_TIME_NONE)
        make_gap(video, earliest, video->next_time, "video: the data cannot be decoded");
}

static void end_stream(media_video *video) {
    video->ended = true;
    if (video->last_time == AFFECT_TIME_NONE) return;
    affect_time now = video->last_time + video->last_duration;
    /* The last pictures may be such as were left out. */
    if (video->stream.reader->options.sparse && video->stream.latest != AFFECT_TIME_NONE)
        now = BASE_MAX(now, video->stream.latest);
    affect_time until = media_stream_missing_until(&video->stream, now);
    if (until != AFFECT_TIME_NONE) make_gap(video, now, until, "video: " STREAM_CUT_TEXT);
}

affect_status media_video_fill(media_video *video, bool *starved) {
    *starved = false;
    while (!video->have_head) {
        if (video->stream.discontinuous && video->have_frame) {
            video->stream.discontinuous = false;
            affect_time now = video->have_next ? video->next_time : video->frame_time;
            make_gap_head(video, now, now, "video: the time stamps start anew; joined here");
            break;
        }
        if (video->gap_due) {
            video->gap_due = false;
            make_gap_head(video, video->gap_t0, video->gap_t1, video->gap_text);
            break;
        }
        if (video->ended) break;
        affect_status status = advance(video, starved);
        if (status != AFFECT_OK || *starved) return status;
        if (!video->have_frame) {
            if (!video->have_next) {
                end_stream(video);
                continue;
            }
            if (video->last_time == AFFECT_TIME_NONE) first_frame(video);
            media_ff.av_frame_move_ref(video->frame, video->next);
            video->have_frame = true;
            video->have_next = false;
            video->frame_time = video->next_time;
            continue;
        }
        affect_time nominal = media_stream_frame_duration(&video->stream, video->frame);
        if (video->stream.reader->info.is_picture) nominal = 0;
        affect_time duration = video->have_next ? video->next_time - video->frame_time : nominal;
        if (video->have_next && video->suspect > 0 && nominal > 0 && duration > nominal * 3 / 2) {
            make_gap(video, video->frame_time + nominal, video->next_time,
                     "video: the data cannot be decoded");
            duration = nominal;
        }
        make_head(video, duration);
    }
    return AFFECT_OK;
}

void media_video_take(media_video *video) {
    if (video->have_head && video->head.kind == MEDIA_FRAME) {
        media_ff.av_frame_unref(video->frame);
        video->have_frame = false;
        video->last_time = video->frame_time;
        video->last_duration = video->head.frame.duration;
    }
    video->have_head = false;
}

void media_video_close(media_video *video) {
    if (video->resize) media_ff.sws_freeContext(video->resize);
    if (video->sws) media_ff.sws_freeContext(video->sws);
    if (video->frame) media_ff.av_frame_free(&video->frame);
    if (video->next) media_ff.av_frame_free(&video->next);
    base_free(video->resized.bytes);
    base_free(video->scaled.bytes);
    base_free(video->turned.bytes);
    media_stream_close(&video->stream);
}
