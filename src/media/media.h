/* media: any file FFmpeg opens, or standard input, in; audio blocks and RGB frames with exact times
 * out.
 *
 * Times are nanoseconds from the first instant of the recording (the earliest presentation time of
 * the chosen streams after edit lists), computed from rational stream time. Audio and video keep
 * their own offsets to that instant. */
#ifndef MEDIA_H
#define MEDIA_H

#include "track/track.h"

/* Mono samples of constant rate; sample i is at t0 + i / sample_rate. Consecutive blocks of a
 * recording meet exactly unless a gap item stands between them. */
typedef struct media_block {
    affect_time t0;
    int sample_rate; /* Hz */
    size_t count;
    const float *samples; /* -1..1, finite; borrowed until the next call on the reader */
    /* Of a recording with a left and a right channel: (left - right) / 2, `count` samples, where
     * samples are (left + right) / 2; NULL otherwise. */
    const float *side;
} media_block;

/* Memory of a picture, from base_alloc_aligned. */
typedef struct media_pixels {
    uint8_t *bytes;
    size_t capacity;
} media_pixels;

/* 8-bit RGB, rotation applied, square pixels. */
typedef struct media_frame {
    affect_time time;     /* when it appears */
    affect_time duration; /* until the next one, 0 if unknown */
    int width, height;
    size_t stride; /* bytes from one row to the next */
    const uint8_t
        *rgb; /* height rows of width x 3 bytes; borrowed until the next call on the reader */
    /* Where `rgb` lies, if whoever takes the frame may keep it and leave another there (or none): the reader makes the next frame
     * in what it finds. NULL: it may not. */
    media_pixels *lent;
} media_frame;

typedef enum media_kind {
    MEDIA_AUDIO,
    MEDIA_FRAME,
    /* A warning about [t0, t1): nothing could be decoded there, or (t1 may then lie before items
     * that came already) samples that were no numbers became silence; t0 = t1 marks a place where
     * the time stamps start anew. `text` begins with "audio: " or "video: " (or "input: ", when the
     * file could not be read any further; t1 = t0 if its length is not known), says why, and is
     * borrowed until the next call on the reader. */
    MEDIA_GAP,
    MEDIA_END
} media_kind;

typedef struct media_item {
    media_kind kind;
    media_block audio;
    media_frame frame;
    struct {
        affect_time t0, t1;
        const char *text;
    } gap;
} media_item;

typedef struct media_options {
    bool want_audio, want_video;
    int audio_stream; /* index among the audio streams, -1 = the best */
    int sample_rate;  /* Hz of the blocks; 0 = the stream's own; 16000 for perception */
    int max_height;   /* frames larger than this are scaled down, keeping the aspect; 0 = never */
    double max_fps;   /* frames beyond this rate are dropped; 0 = never */
    bool sparse;      /* pictures that no other is made from are not decoded */
    bool want_subtitles; /* media_read_subtitles only */
    int subtitle_stream; /* index among the subtitle streams, -1 = the first that holds text */
} media_options;

/* { both wanted, best stream, 16000 Hz, 720 lines, no frame-rate limit } */
media_options media_options_default(void);

typedef struct media_info {
    affect_time duration; /* AFFECT_TIME_NONE if the container does not say (a pipe) */
    affect_time start;    /* the origin on the container's own clock; a player's zero may differ */
    bool has_audio, has_video, is_picture; /* is_picture: one still image */
    int audio_streams;
    int native_rate, channels;
    int width, height; /* as shown: rotation and pixel aspect applied */
    double fps;        /* average, 0 if unknown */
    char format[32], audio_codec[32], video_codec[32];
    bool size_too_small; /* a WAV whose header gives less than there is: all of it is read */
    int subtitle_streams;
    int text_subtitles;  /* the first of them that holds text and not pictures of it, or -1 */
    char subtitles[200]; /* those of text: "0: subrip eng \"Director\", 2: ass" */
    char comment[512]; /* what the container says about itself, UTF-8 as far as it is; "" if nothing
                        */
} media_info;

typedef struct media_reader media_reader;

/* Bytes from the caller instead of a file. `seek` NULL: a stream. */
typedef struct media_source {
    int64_t (*read)(void *user, void *buffer, size_t size); /* bytes; 0 = end; below 0 = failed */
    int64_t (*seek)(void *user, int64_t offset);            /* from the start; below 0 = failed */
    int64_t (*length)(void *user);                          /* bytes; below 0 = failed */
    void *user;
} media_source;

/* As media_open; `name` stands in messages, and its end may tell the format of a raw stream. */
AFFECT_MUST_USE affect_status media_open_source(affect_context *ctx, const media_source *source,
                                                const char *name, const media_options *options,
                                                media_reader **out);
/* Opens a file, or standard input for "-". docs/media.md tells how times, channels, damage and
 * memory are treated. Errors: NOT_FOUND, FORMAT (no recording, a folder, empty, cut before its
 * index), NO_STREAM, ARGUMENT (no such audio stream, an option out of range), LIMIT (pictures of
 * more than 67 million pixels), UNSUPPORTED (no decoder), RUNTIME (FFmpeg's libraries are missing),
 * CANCELLED, MEMORY. *out is NULL then. */
AFFECT_MUST_USE affect_status media_open(affect_context *ctx, const char *path,
                                         const media_options *options, media_reader **out);
const media_info *media_reader_info(const media_reader *reader);
/* The next item, in order of time across audio and video. After MEDIA_END it stays MEDIA_END.
 * Damage is a MEDIA_GAP item, not an error. Where audio and video lie more than 32 MiB apart in the
 * file, each is in order only by itself. Errors: CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status media_next(media_reader *reader, media_item *item);
/* errno of a read that failed (a damaged disc, a share that went away): what came before it was
 * handed on, then a gap that says so. 0 if there was none. */
int media_reader_error(const media_reader *reader);
/* NULL is fine. */
void media_close(media_reader *reader);

/* Text subtitles inside a recording, as the text of a SubRip or SubStation Alpha file. Their times
 * are on the container's own clock; *origin on it is the recording's 0, as media_next gives times.
 * `stream`: -1 = the first that holds text. *out is the caller's to destroy. Errors: those of media_open; NO_STREAM (it has none),
 * ARGUMENT (no such one), UNSUPPORTED (pictures), FORMAT (empty). */
AFFECT_MUST_USE affect_status media_read_subtitles(affect_context *ctx, const char *path,
                                                   int stream, base_text *out, affect_time *origin);

/* A frame as a PNG file, appended. False: out of memory. */
AFFECT_MUST_USE bool media_put_png(const media_frame *frame, base_text *out);

/* ---- sound that is pushed: any rate and number of channels to mono at one rate ---- */

enum { MEDIA_LOWEST_RATE = 1000, MEDIA_HIGHEST_RATE = 768000, MEDIA_MAX_CHANNELS = 64 };

typedef struct media_resampler media_resampler;

/* Channels mix as those of a file without names do (2 stereo, 6 5.1, ...; docs/media.md). Errors:
 * ARGUMENT, RUNTIME (no FFmpeg), MEMORY. */
AFFECT_MUST_USE affect_status media_resampler_create(affect_context *ctx, int in_rate, int channels,
                                                     int rate, media_resampler **out);
/* `count` times `channels` finite, interleaved samples in; *out is borrowed until the next call.
 * The first output sample of all is at the time of the first input sample. */
AFFECT_MUST_USE affect_status media_resampler_push(media_resampler *resampler, const float *samples,
                                                   size_t count, const float **out,
                                                   size_t *out_count);
/* The rest, so that ceil(n * rate / in_rate) came of n. Nothing can be pushed afterwards. */
AFFECT_MUST_USE affect_status media_resampler_finish(media_resampler *resampler, const float **out,
                                                     size_t *out_count);
/* What the user should be told, once: that left and right cancel. NULL mostly. */
const char *media_resampler_warning(media_resampler *resampler);
/* The side (left less right, halved) to what the last push or finish gave; NULL unless there are two
 * channels. Borrowed until the next call. */
const float *media_resampler_side(const media_resampler *resampler);
void media_resampler_destroy(media_resampler *resampler); /* NULL is fine */

#endif
