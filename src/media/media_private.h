/* What the files of media/ share: the reader, its two streams and what each file does for it.
 *
 *   input.c   bytes of a file or pipe, interruptible
 *   packets.c packets of one stream that wait, and their times
 *   demux.c   bytes -> packets of both streams
 *   webp.c    the same for an animated WebP
 *   stream.c  packets in, decoded frames of one stream out, with their times
 *   audio.c   decoded audio frames -> runs of resampled mono samples -> blocks and gaps
 *   video.c   decoded pictures -> times, durations, gaps -> RGB
 *   reader.c  opens, merges the two streams in order of time
 *
 * Inside, times are nanoseconds on the container's own clock; media_next subtracts the origin. */
#ifndef MEDIA_PRIVATE_H
#define MEDIA_PRIVATE_H

#include "media/ffmpeg.h"
#include "media/media.h"

/* Compressed data that waits for its turn while the other stream is looked for; see docs/media.md.
 */
#define MEDIA_QUEUE_BYTES ((size_t)32 << 20)
enum { MEDIA_QUEUE_PACKETS = 1 << 16 };
/* A frame larger than this is refused (8K is 33 million). */
#define MEDIA_MAX_PIXELS INT64_C(67108864)

/* ---- input.c ---- */

typedef struct media_input media_input;
/* Errors: NOT_FOUND, FORMAT (folder, empty), MEMORY. */
AFFECT_MUST_USE affect_status media_input_open(affect_context *ctx, const char *path,
                                               media_input **out);
AFFECT_MUST_USE affect_status media_input_of(affect_context *ctx, const media_source *source,
                                             media_input **out);
AVIOContext *media_input_avio(media_input *input);
/* errno of the read that failed, after which nothing more comes; 0 while all is well. */
int media_input_error(const media_input *input);
/* An error met while a file was opened (its end is looked at for its length) is no error of the part
 * before it: reading comes to that place again. */
void media_input_forgive(media_input *input);
bool media_input_seekable(const media_input *input);
/* Exactly `size` bytes from a place in the recording; the next read goes on where it was. */
bool media_input_read_at(const media_input *input, void *out, size_t size, int64_t at);
/* Length of the sound in bytes that the header of a WAV file claims, 0 if it is none or does not
 * say. libavformat replaces a claim that the file does not hold, and with it the trace of a cut. */
int64_t media_input_wav_bytes(const media_input *input);
/* Is there more behind the sound than the header of a WAV says? */
bool media_input_wav_is_longer(const media_input *input);
void media_input_close(media_input *input); /* NULL is fine */

/* ---- stream.c ---- */

#define STREAM_CUT_TEXT                                                                            \
    "the recording ends before the end that it announces; the file is cut or damaged"

typedef struct media_stream {
    media_reader *reader;
    AVStream *av; /* NULL: there is none */
    AVCodecContext *decoder;
    bool wanted; /* false: opened only to find the origin */
    struct {
        AVPacket **items; /* ring */
        size_t capacity, first, count, bytes;
    } queue;
    bool input_ended; /* no packet will follow those in the queue */
    bool draining;    /* the decoder knows it */
    bool decoded_all;
    int drain_errors;
    bool lost;          /* the container was damaged before the next packet */
    bool damaged;       /* since this was last cleared, something could not be decoded */
    bool discontinuous; /* the time stamps jumped and were joined: a mark is due */
    bool joined;        /* that has happened, now or before */
    affect_time shift;  /* added to every time stamp; changes where time stamps start anew */
    affect_time earliest, latest; /* start and end of the packets seen, NONE at first */
    affect_time announced_end;    /* by the container's own account, NONE if it gives none */
} media_stream;

AFFECT_MUST_USE affect_status media_stream_open(media_reader *reader, media_stream *stream,
                                                AVStream *av, bool wanted);
void media_stream_close(media_stream *stream);
/* Takes over the reference in `packet` (which is blank afterwards). */
AFFECT_MUST_USE affect_status media_stream_queue(media_stream *stream, AVPacket *packet);
/* The first packet of a queue that is not empty; the caller's. */
AVPacket *media_stream_unqueue(media_stream *stream);
bool media_stream_full(const media_stream *stream); /* nothing more may wait */

typedef enum media_stream_result {
    STREAM_FRAME,
    STREAM_STARVED, /* it needs packets and the other stream's queue is full: ask again later */
    STREAM_END
} media_stream_result;
/* The next decoded frame in `frame` (blank before). Damage is noted in stream->damaged. */
AFFECT_MUST_USE affect_status media_stream_decode(media_stream *stream, AVFrame *frame,
                                                  media_stream_result *result);
/* A time or a duration of the container, kept within 36 years of zero. */
affect_time media_ticks_time(int64_t ticks, AVRational base);
/* Time stamp `ticks` of the stream in nanoseconds with the shift; NONE for AV_NOPTS_VALUE. */
affect_time media_stream_time(const media_stream *stream, int64_t ticks);
/* Duration in ticks of the stream, 0 if unknown. */
static inline int64_t frame_ticks(const AVFrame *frame) {
#if LIBAVUTIL_VERSION_MAJOR >= 58
    return frame->duration;
#else
    return frame->pkt_duration;
#endif
}
affect_time media_stream_frame_time(const media_stream *stream, const AVFrame *frame);
affect_time media_stream_frame_duration(const media_stream *stream,
                                        const AVFrame *frame); /* 0 unknown */

/* The time stamps start anew (a joined recording, a wrapped or reset clock): what has `time` now
 * is to have `expected`. */
void media_stream_join(media_stream *stream, affect_time time, affect_time expected);
/* Whether a jump of the time stamps by `jump` means that. */
bool media_stream_starts_anew(const media_stream *stream, affect_time jump);
/* At the end of the stream, which was decoded up to `now`: until when data are missing, or NONE. */
affect_time media_stream_missing_until(const media_stream *stream, affect_time now);

/* ---- audio.c ---- */

/* downmix.c: of a stream, from its first sample on. */
#define DOWNMIX_TEXT                                                                               \
    "audio: left and right cancel each other (one is the other turned over): where they do, the "  \
    "left channel is taken"
typedef struct media_downmix {
    double middle, side;     /* powers */
    float gain;              /* of the side in the sum, 0..1 */
    bool one_channel;        /* where the gain goes to 1 */
    int64_t held, cancelled; /* samples */
    enum { DOWNMIX_FINE, DOWNMIX_DUE, DOWNMIX_TOLD } warning;
} media_downmix;
/* `count` pairs become `count` samples, in place; `side`: the second of each. */
void media_downmix_pairs(media_downmix *downmix, int rate, float *samples, size_t count,
                         float *side);

typedef struct media_run {
    SwrContext *swr;
    bool pairs; /* of middle and side come out of it */
    int in_rate, in_format;
    AVChannelLayout in_layout;
    affect_time in_t0, out_t0; /* of the first sample that goes in, and that comes out */
    int64_t in_count;          /* samples that went in */
    int64_t made, given;       /* samples that came out, that were handed on */
} media_run;

typedef struct media_audio {
    media_stream stream;
    int rate; /* of the blocks */
    media_run run;
    media_downmix downmix;
    float *fifo; /* samples [run.given, run.made) start at fifo + start */
    float *side; /* and their sides, in the same places, of a run of pairs */
    size_t start, count, capacity, side_capacity;
    AVFrame *frame, *next; /* being looked at, and the one after it */
    bool have_frame, have_next;
    bool frame_damaged, next_damaged; /* something before it could not be decoded */
    bool placed;                      /* part of `frame` is used already */
    bool closing, gap_due, ended;
    affect_time gap_t0, gap_t1;
    const char *gap_text;
    int64_t skip; /* samples of the input to drop: they overlap what was heard */
    struct {      /* samples that were no numbers */
        int64_t count;
        affect_time t0, t1;
    } broken;
    bool have_head;
    media_item head;
    char text[160];
} media_audio;

/* Channels of this layout and format to floats of `rate`: mono, or, for left and right, pairs of
 * their middle and their side (*pairs). */
AFFECT_MUST_USE affect_status media_audio_mixer(affect_context *ctx, const AVChannelLayout *in,
                                                int format, int in_rate, int rate,
                                                struct SwrContext **out, bool *pairs);
/* Makes audio->head, unless the stream has ended or starves. */
AFFECT_MUST_USE affect_status media_audio_fill(media_audio *audio, bool *starved);
void media_audio_take(media_audio *audio); /* the head was handed on */
void media_audio_close(media_audio *audio);

/* ---- video.c ---- */

typedef struct media_video {
    media_stream stream;
    AVFrame *frame, *next; /* the head's picture, and the one after it */
    bool have_frame, have_next, ended;
    affect_time frame_time, next_time;
    affect_time last_time, last_duration; /* of the latest frame handed on, NONE at first */
    affect_time due;                      /* max_fps: frames before this are dropped */
    int suspect;                          /* for so many pictures a hole is taken for damage */
    bool gap_due;
    affect_time gap_t0, gap_t1;
    const char *gap_text;
    struct SwsContext *resize, *sws; /* resize: NULL unless pictures are scaled before RGB */
    int sws_width, sws_height, sws_format, sws_space, sws_range, out_width, out_height;
    media_pixels resized, scaled, turned;
    bool have_head;
    media_item head; /* head.frame.rgb is made by media_video_convert */
} media_video;

AFFECT_MUST_USE affect_status media_video_fill(media_video *video, bool *starved);
/* Turns the head into RGB; *ok = false if that cannot be done (then it is to be skipped). */
AFFECT_MUST_USE affect_status media_video_convert(media_video *video, bool *ok);
void media_video_take(media_video *video);
void media_video_close(media_video *video);
/* Shown size of width x height pixels of the given aspect and rotation, after scaling down. */
typedef struct media_video_shape {
    int scaled_width, scaled_height; /* before turning */
    int width, height;               /* as shown */
    bool swap, flip_x, flip_y;       /* transpose first, then mirror */
} media_video_shape;
/* The shape of the picture held in video->frame. */
void media_video_measure(const media_video *video, int max_height, media_video_shape *out);

/* ---- webp.c ---- */

typedef struct media_webp media_webp;
/* Of bytes that are WebP, before any was read: an animated one gets reader->webp, and reader->format
 * a stream of raw pictures; a still one is left as it is. Errors: UNSUPPORTED, MEMORY. */
AFFECT_MUST_USE affect_status media_webp_open(media_reader *reader);
/* As av_read_frame does. A frame that cannot be decoded is AVERROR_INVALIDDATA, and its time passes. */
int media_webp_read(media_webp *webp, AVPacket *packet);
bool media_webp_is_still(const media_webp *webp); /* of one frame; false for NULL */
void media_webp_close(media_webp *webp);          /* NULL is fine */

/* ---- reader.c, demux.c ---- */

struct media_reader {
    affect_context *ctx;
    char *path;
    media_options options;
    media_info info;
    media_input *input;
    AVFormatContext *format;
    media_webp *webp; /* packets come from it, not from `format`; else NULL */
    AVPacket *packet;
    media_audio audio;
    media_video video;
    affect_time origin;
    affect_time container_end; /* announced for the recording as a whole, or NONE */
    bool format_guessed;       /* by the file's name, its content told nothing */
    bool input_ended, starving_told, ended;
    int read_errors;
    affect_time handed;  /* the end of what was handed on, from the origin */
    bool error_told;     /* that the input could not be read to its end */
    int64_t read_to;     /* Matroska: where the latest packet ends in the file */
    AVStream *subtitles; /* the one whose text is collected, or NULL */
    base_text subtitle_text;
    int last; /* which stream the last item came from: 0 none, 1 audio, 2 video */
};

/* Reads one packet into the queues, or notes the end of the input. */
AFFECT_MUST_USE affect_status media_reader_demux(media_reader *reader);

/* subtitles.c: counts them and says what they are; finds the one that is wanted (ARGUMENT, NO_STREAM,
 * UNSUPPORTED); adds a packet of it, at its time on the container's clock, to the text (MEMORY). */
void media_subtitles_describe(media_reader *reader);
AFFECT_MUST_USE affect_status media_subtitles_choose(media_reader *reader);
AFFECT_MUST_USE affect_status media_subtitles_take(media_reader *reader, const AVPacket *packet);

#endif
