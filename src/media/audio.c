/* Decoded audio -> mono blocks with exact times.
 *
 * A run is a stretch without holes. Inside it, the time of a sample follows from counting (time
 * stamps of containers are rounded, to a millisecond in Matroska), outside it from the time stamp
 * of the run's first frame. libswresample aligns its first output sample with its first input
 * sample and keeps its phase as an exact fraction, so output sample i is at out_t0 + i / rate, to
 * be sure by tests/media/resample.c. */
#include <math.h>
#include <string.h>

#include "media/media_private.h"

__extension__ typedef __int128 wide;

/* Smaller disagreements between time stamps and sample counts are jitter: no codec loses less than
 * this when it loses a packet (Opus and AMR lose 20 ms, AAC 21, MP3 24). */
#define TOLERANCE (8 * AFFECT_MILLISECOND)
/* MIN_RATE bounds what a hostile header can make of a packet. */
enum { BLOCKS_PER_SECOND = 10, MAX_CHANNELS = MEDIA_MAX_CHANNELS, MIN_RATE = 1000 };
#define DAMAGE_TEXT "audio: the data cannot be decoded"

static affect_time samples_time(int64_t samples, int rate) {
    return time_from_ticks(samples, 1, rate);
}

static affect_time expected_time(const media_run *run) {
    return run->in_t0 + samples_time(run->in_count, run->in_rate);
}

static size_t block_size(const media_audio *audio) {
    return (size_t)BASE_MAX(audio->rate / BLOCKS_PER_SECOND, 1);
}

/* ---- mixing ---- */

/* ITU-R BS.775 weights towards the middle: centre 1, left and right -3 dB, surround -6 dB, no
 * low-frequency effects. Divided by their sum, so that the mix cannot clip. */
static double channel_weight(enum AVChannel channel) {
    switch (channel) {
    case AV_CHAN_LOW_FREQUENCY:
    case AV_CHAN_LOW_FREQUENCY_2: return 0;
    case AV_CHAN_FRONT_CENTER: return 1;
    case AV_CHAN_FRONT_LEFT:
    case AV_CHAN_FRONT_RIGHT:
    case AV_CHAN_FRONT_LEFT_OF_CENTER:
    case AV_CHAN_FRONT_RIGHT_OF_CENTER:
    case AV_CHAN_STEREO_LEFT:
    case AV_CHAN_STEREO_RIGHT: return M_SQRT1_2;
    default: return .5;
    }
}

static void mix_matrix(const AVChannelLayout *layout, double matrix[MAX_CHANNELS]) {
    double sum = 0;
    for (int c = 0; c < layout->nb_channels; c++) {
        double weight = 1; /* channels without names: their mean */
        if (layout->order == AV_CHANNEL_ORDER_NATIVE) {
            uint64_t mask = layout->u.mask;
            for (int skip = 0; skip < c; skip++) mask &= mask - 1;
            weight = mask ? channel_weight((enum AVChannel)__builtin_ctzll(mask)) : 1;
        } else if (layout->order == AV_CHANNEL_ORDER_CUSTOM) {
            weight = channel_weight(layout->u.map[c].id);
        } else if (layout->order == AV_CHANNEL_ORDER_AMBISONIC) {
            weight = c == 0; /* W hears all directions */
        }
        matrix[c] = weight;
        sum += weight;
    }
    for (int c = 0; c < layout->nb_channels; c++)
        matrix[c] = sum > 0 ? matrix[c] / sum : 1. / layout->nb_channels;
}

affect_status media_audio_mixer(affect_context *ctx, const AVChannelLayout *in, int format,
                                int in_rate, int rate, struct SwrContext **out, bool *pairs) {
    AVChannelLayout mono = {0};
    media_ff.av_channel_layout_default(&mono, 1);
    double matrix[2 * MAX_CHANNELS];
    mix_matrix(in, matrix);
    *pairs = in->nb_channels == 2 && matrix[0] == matrix[1];
    if (*pairs) { /* the second row: the side */
        matrix[2] = matrix[0];
        matrix[3] = -matrix[1];
    }
    /* Only the matrix decides how channels mix; libswresample need not know what they mean. */
    int channels = in->nb_channels;
    AVChannelLayout plain = {.order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = channels};
    int result = media_ff.swr_alloc_set_opts2(out, *pairs ? &plain : &mono, AV_SAMPLE_FMT_FLT, rate,
                                              channels == 1 ? &mono : &plain,
                                              (enum AVSampleFormat)format, in_rate, 0, NULL);
    if (result >= 0 && channels > 1) result = media_ff.swr_set_matrix(*out, matrix, channels);
    if (result >= 0) result = media_ff.swr_init(*out);
    return result < 0 ? base_fail_memory(ctx) : AFFECT_OK;
}

/* ---- runs ---- */

static affect_status start_resampler(media_audio *audio, const AVFrame *frame) {
    affect_context *ctx = audio->stream.reader->ctx;
    media_run *run = &audio->run;
    media_ff.swr_free(&run->swr);
    media_ff.av_channel_layout_uninit(&run->in_layout);
    int channels = frame->ch_layout.nb_channels;
    AVChannelLayout in = {0};
    /* Two channels without names are left and right, six are 5.1, and so on. */
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        media_ff.av_channel_layout_default(&in, channels);
    else if (media_ff.av_channel_layout_copy(&in, &frame->ch_layout) < 0)
        return base_fail_memory(ctx);
    affect_status status = media_audio_mixer(ctx, &in, frame->format, frame->sample_rate,
                                             audio->rate, &run->swr, &run->pairs);
    media_ff.av_channel_layout_uninit(&in);
    if (status != AFFECT_OK) return status;
    if (media_ff.av_channel_layout_copy(&run->in_layout, &frame->ch_layout) < 0)
        return base_fail_memory(ctx);
    run->in_rate = frame->sample_rate;
    run->in_format = frame->format;
    return AFFECT_OK;
}

static bool same_format(const media_run *run, const AVFrame *frame) {
    return run->in_rate == frame->sample_rate && run->in_format == frame->format &&
           media_ff.av_channel_layout_compare(&run->in_layout, &frame->ch_layout) == 0;
}

/* ---- samples ---- */

static affect_status fifo_room(media_audio *audio, size_t more) {
    if (audio->start > 0) {
        memmove(audio->fifo, audio->fifo + audio->start, audio->count * sizeof *audio->fifo);
        if (audio->run.pairs)
            memmove(audio->side, audio->side + audio->start, audio->count * sizeof *audio->side);
        audio->start = 0;
    }
    if (!base_grow((void **)&audio->fifo, &audio->capacity, audio->count + more,
                   sizeof *audio->fifo) ||
        (audio->run.pairs && !base_grow((void **)&audio->side, &audio->side_capacity,
                                        audio->count + more, sizeof *audio->side)))
        return base_fail_memory(audio->stream.reader->ctx);
    return AFFECT_OK;
}

static void fifo_added(media_audio *audio, int count) {
    float *samples = audio->fifo + audio->count;
    for (int i = 0; i < count; i++) {
        float x = samples[i];
        samples[i] = x > 1 ? 1 : x < -1 ? -1 : x;
    }
    audio->count += (size_t)count;
    audio->run.made += count;
}

static affect_status convert(media_audio *audio, const uint8_t **data, int count) {
    media_run *run = &audio->run;
    int room = media_ff.swr_get_out_samples(run->swr, count);
    if (room < 0) return base_fail_memory(audio->stream.reader->ctx);
    affect_status status = fifo_room(audio, ((size_t)room + 1) * (run->pairs ? 2 : 1));
    if (status != AFFECT_OK) return status;
    uint8_t *out = (uint8_t *)(audio->fifo + audio->count);
    int made = media_ff.swr_convert(run->swr, &out, room, data, count);
    if (made < 0) return base_fail_memory(audio->stream.reader->ctx);
    if (run->pairs)
        media_downmix_pairs(&audio->downmix, audio->rate, audio->fifo + audio->count, (size_t)made,
                            audio->side + audio->count);
    fifo_added(audio, made);
    return AFFECT_OK;
}

/* What the resampler still holds; then the run has exactly the samples whose time is inside the
 * input: ceil(in_count * rate / in_rate). */
static affect_status finish_run(media_audio *audio) {
    media_run *run = &audio->run;
    if (!run->swr) return AFFECT_OK;
    affect_status status = convert(audio, NULL, 0);
    if (status != AFFECT_OK) return status;
    affect_time end = expected_time(run);
    wide scaled = (wide)(end - run->out_t0) * audio->rate;
    /* -1: a nanosecond of rounding must not add a sample. */
    int64_t wanted = (int64_t)((scaled - audio->rate - 1) / AFFECT_SECOND) + 1;
    if (run->in_t0 == run->out_t0)
        wanted = (int64_t)(((wide)run->in_count * audio->rate + run->in_rate - 1) / run->in_rate);
    if (run->in_count == 0) wanted = 0;
    while (run->made > wanted && audio->count > 0) {
        run->made--;
        audio->count--;
    }
    if (run->made < wanted) {
        size_t missing = (size_t)(wanted - run->made);
        status = fifo_room(audio, missing);
        if (status != AFFECT_OK) return status;
        memset(audio->fifo + audio->count, 0, missing * sizeof *audio->fifo);
        if (run->pairs) memset(audio->side + audio->count, 0, missing * sizeof *audio->side);
        fifo_added(audio, (int)missing);
    }
    media_ff.swr_free(&run->swr);
    return AFFECT_OK;
}

/* ---- samples that are no numbers ---- */

/* Anything beyond this is no sound but a broken file; it would drown what is near it. */
#define LARGEST 1e6
#define SMALLEST 1e-30 /* -600 dB: denormal numbers only cost time */

static int64_t clean_floats(float *samples, int64_t n, int64_t *first, int64_t *last) {
    int64_t broken = 0;
    for (int64_t i = 0; i < n; i++) {
        float size = fabsf(samples[i]);
        if (size <= (float)LARGEST) {
            if (size < (float)SMALLEST) samples[i] = 0;
            continue;
        }
        samples[i] = 0;
        if (broken++ == 0 || i < *first) *first = i;
        if (i > *last) *last = i;
    }
    return broken;
}

static int64_t clean_doubles(double *samples, int64_t n, int64_t *first, int64_t *last) {
    int64_t broken = 0;
    for (int64_t i = 0; i < n; i++) {
        double size = fabs(samples[i]);
        if (size <= LARGEST) {
            if (size < SMALLEST) samples[i] = 0;
            continue;
        }
        samples[i] = 0;
        if (broken++ == 0 || i < *first) *first = i;
        if (i > *last) *last = i;
    }
    return broken;
}

static affect_status clean_frame(media_audio *audio, AVFrame *frame) {
    enum AVSampleFormat format = frame->format;
    bool doubles = format == AV_SAMPLE_FMT_DBL || format == AV_SAMPLE_FMT_DBLP;
    bool planar = format == AV_SAMPLE_FMT_FLTP || format == AV_SAMPLE_FMT_DBLP;
    if (!doubles && format != AV_SAMPLE_FMT_FLT && format != AV_SAMPLE_FMT_FLTP) return AFFECT_OK;
    if (media_ff.av_frame_make_writable(frame) < 0)
        return base_fail_memory(audio->stream.reader->ctx);
    int channels = frame->ch_layout.nb_channels;
    int64_t per_plane = (int64_t)frame->nb_samples * (planar ? 1 : channels);
    int64_t first = INT64_MAX, last = -1, broken = 0;
    for (int plane = 0; plane < (planar ? channels : 1); plane++) {
        void *samples = frame->extended_data[plane];
        int64_t from = INT64_MAX, to = -1;
        int64_t count = doubles ? clean_doubles(samples, per_plane, &from, &to)
                                : clean_floats(samples, per_plane, &from, &to);
        if (count == 0) continue;
        broken += count;
        first = BASE_MIN(first, from / (planar ? 1 : channels));
        last = BASE_MAX(last, to / (planar ? 1 : channels));
    }
    if (broken == 0) return AFFECT_OK;
    affect_time t0 = expected_time(&audio->run);
    if (audio->broken.count == 0) audio->broken.t0 = t0 + samples_time(first, frame->sample_rate);
    audio->broken.t1 = t0 + samples_time(last + 1, frame->sample_rate);
    audio->broken.count += broken;
    return AFFECT_OK;
}

/* ---- time stamps ---- */

static void close_run(media_audio *audio, affect_time gap_t1, const char *text) {
    audio->closing = true;
    audio->gap_due = text != NULL;
    audio->gap_t0 = audio->run.swr || audio->run.in_count > 0 ? expected_time(&audio->run) : gap_t1;
    audio->gap_t1 = BASE_MAX(gap_t1, audio->gap_t0);
    audio->gap_text = text;
}

static const char *hole_text(media_audio *audio) {
    return audio->frame_damaged ? DAMAGE_TEXT : "audio: the time stamps leave a hole";
}

/* Starts a run at `frame`, or, if `at` is a time, there. */
static affect_status start_run(media_audio *audio, const AVFrame *frame, affect_time t0) {
    media_run *run = &audio->run;
    affect_status status = start_resampler(audio, frame);
    if (status != AFFECT_OK) return status;
    run->in_t0 = run->out_t0 = t0;
    run->in_count = run->made = run->given = 0;
    audio->start = audio->count = 0;
    return AFFECT_OK;
}

/* Compares the time stamp of audio->frame with the count of samples and decides: the same run goes
 * on, samples are skipped, or the run closes. */
static void place_frame(media_audio *audio) {
    media_stream *stream = &audio->stream;
    const media_run *run = &audio->run;
    affect_time time = media_stream_frame_time(stream, audio->frame);
    affect_time expected = expected_time(run);
    if (time == AFFECT_TIME_NONE) return;
    affect_time jump = time - expected;
    if (jump <= TOLERANCE && jump >= -TOLERANCE) return;
    /* One odd time stamp is not believed: the next frame has to agree. */
    if (audio->have_next) {
        affect_time next = media_stream_frame_time(stream, audio->next);
        affect_time after = samples_time(audio->frame->nb_samples, audio->frame->sample_rate);
        if (next != AFFECT_TIME_NONE) {
            affect_time disagreement = next - (time + after);
            affect_time without = next - (expected + after);
            if ((disagreement > TOLERANCE || disagreement < -TOLERANCE) && without <= TOLERANCE &&
                without >= -TOLERANCE)
                return;
        }
    }
    if (media_stream_starts_anew(stream, jump)) {
        media_stream_join(stream, time, expected);
        time = media_stream_frame_time(stream, audio->frame);
        jump = time - expected;
        if (jump <= TOLERANCE && jump >= -TOLERANCE) return;
    }
    if (jump < 0) {
        audio->skip = -jump * run->in_rate / AFFECT_SECOND;
        return;
    }
    close_run(audio, time, hole_text(audio));
}

/* ---- frames in, items out ---- */

static void shift_frames(media_audio *audio) {
    media_ff.av_frame_move_ref(audio->frame, audio->next);
    audio->frame_damaged = audio->next_damaged;
    audio->have_frame = true;
    audio->have_next = audio->next_damaged = audio->placed = false;
}

static bool usable(const AVFrame *frame) {
    return frame->nb_samples > 0 && frame->sample_rate >= MIN_RATE &&
           frame->ch_layout.nb_channels > 0 && frame->ch_layout.nb_channels <= MAX_CHANNELS;
}

/* Decodes until `frame` is the one to be used and `next` the one behind it. */
static affect_status advance(media_audio *audio, bool *starved) {
    *starved = false;
    while (!audio->have_frame || !audio->have_next) {
        if (audio->have_next) {
            shift_frames(audio);
            continue;
        }
        media_stream_result result;
        affect_status status = media_stream_decode(&audio->stream, audio->next, &result);
        if (status != AFFECT_OK) return status;
        *starved = result == STREAM_STARVED;
        if (result != STREAM_FRAME) return AFFECT_OK;
        audio->next_damaged |= audio->stream.damaged;
        audio->stream.damaged = false;
        audio->have_next = usable(audio->next);
        if (!audio->have_next) media_ff.av_frame_unref(audio->next);
    }
    return AFFECT_OK;
}

static bool is_planar(int format) {
    return format >= AV_SAMPLE_FMT_U8P && format != AV_SAMPLE_FMT_S64;
}

/* The encoder fills the last frame up; MP4 tells how much of it counts by that packet's duration.
 * Only a time base of one sample is fine enough to believe it. */
static void trim_last(const media_audio *audio) {
    AVFrame *frame = audio->frame;
    const AVRational base = audio->stream.av->time_base;
    if (base.num != 1 || base.den != frame->sample_rate) return;
    int64_t counts = frame_ticks(frame);
    if (counts > 0 && counts < frame->nb_samples) frame->nb_samples = (int)counts;
}

static void drop_samples(AVFrame *frame, int count) {
    bool planar = is_planar(frame->format);
    int channels = frame->ch_layout.nb_channels;
    static const int sizes[] = {1, 2, 4, 4, 8, 1, 2, 4, 4, 8, 8, 8}; /* by AVSampleFormat */
    size_t size = (size_t)sizes[frame->format] * (size_t)count * (planar ? 1 : (size_t)channels);
    for (int plane = 0; plane < (planar ? channels : 1); plane++)
        frame->extended_data[plane] += size;
    frame->nb_samples -= count;
}

/* Resamples the frame, at most a second of it at a time so that memory stays bounded. */
static affect_status use_frame(media_audio *audio) {
    AVFrame *frame = audio->frame;
    media_run *run = &audio->run;
    affect_status status = AFFECT_OK;
    if (!audio->placed && !audio->have_next) trim_last(audio);
    int drop = (int)BASE_MIN(audio->skip, frame->nb_samples);
    drop_samples(frame, drop);
    audio->skip -= drop;
    int count = BASE_MIN(frame->nb_samples, frame->sample_rate);
    if (!audio->placed && count > 0) status = clean_frame(audio, frame);
    audio->placed = true;
    if (status == AFFECT_OK && count > 0) {
        status = convert(audio, (const uint8_t **)frame->extended_data, count);
        run->in_count += count;
        drop_samples(frame, count);
    }
    if (status == AFFECT_OK && frame->nb_samples == 0) {
        media_ff.av_frame_unref(frame);
        audio->have_frame = false;
    }
    return status;
}

static void make_block(media_audio *audio, size_t count) {
    audio->head = (media_item){
        .kind = MEDIA_AUDIO,
        .audio = {.t0 = audio->run.out_t0 + samples_time(audio->run.given, audio->rate),
                  .sample_rate = audio->rate,
                  .count = count,
                  .samples = audio->fifo + audio->start,
                  .side = audio->run.pairs ? audio->side + audio->start : NULL}};
    audio->have_head = true;
}

static void make_gap(media_audio *audio, affect_time t0, affect_time t1, const char *text) {
    audio->head = (media_item){.kind = MEDIA_GAP, .gap = {.t0 = t0, .t1 = t1, .text = text}};
    audio->have_head = true;
}

/* Items that need no further frame. */
static void make_ready(media_audio *audio) {
    affect_time heard = audio->run.out_t0 + samples_time(audio->run.given, audio->rate);
    bool over = audio->closing || heard > audio->broken.t1 + AFFECT_SECOND;
    size_t size = block_size(audio);
    if (audio->stream.discontinuous) {
        audio->stream.discontinuous = false;
        affect_time now = expected_time(&audio->run);
        make_gap(audio, now, now, "audio: the time stamps start anew; joined without a hole");
    } else if (audio->downmix.warning == DOWNMIX_DUE) {
        audio->downmix.warning = DOWNMIX_TOLD;
        make_gap(audio, heard, heard, DOWNMIX_TEXT);
    } else if (audio->count >= size) {
        make_block(audio, size);
    } else if (audio->broken.count > 0 && over) {
        snprintf(audio->text, sizeof audio->text,
                 "audio: %lld samples were no numbers; silence stands in for them",
                 (long long)audio->broken.count);
        make_gap(audio, audio->broken.t0, audio->broken.t1, audio->text);
        audio->broken.count = 0;
    } else if (audio->closing && audio->count > 0) {
        make_block(audio, audio->count);
    } else if (audio->closing) {
        audio->closing = false;
        if (audio->gap_due && audio->gap_t1 > audio->gap_t0)
            make_gap(audio, audio->gap_t0, audio->gap_t1, audio->gap_text);
        audio->gap_due = false;
    }
}

static affect_status end_stream(media_audio *audio) {
    audio->ended = true;
    if (audio->run.in_count == 0) return AFFECT_OK;
    affect_status status = finish_run(audio);
    if (status != AFFECT_OK) return status;
    affect_time until = media_stream_missing_until(&audio->stream, expected_time(&audio->run));
    close_run(audio, until, until == AFFECT_TIME_NONE ? NULL : "audio: " STREAM_CUT_TEXT);
    return AFFECT_OK;
}

/* Where the run that starts with audio->frame starts. */
static affect_time run_start(media_audio *audio) {
    const media_run *run = &audio->run;
    affect_time t0 = media_stream_frame_time(&audio->stream, audio->frame);
    if (run->in_count > 0) {
        /* Only the format of the samples has changed: the blocks go on without a seam. */
        if (t0 == AFFECT_TIME_NONE || t0 - expected_time(run) <= TOLERANCE)
            return run->out_t0 + samples_time(run->made, audio->rate);
        return t0;
    }
    if (t0 == AFFECT_TIME_NONE) t0 = audio->stream.shift;
    affect_time earliest = audio->stream.earliest;
    if (audio->frame_damaged && earliest != AFFECT_TIME_NONE && t0 - earliest > TOLERANCE)
        make_gap(audio, earliest, t0, DAMAGE_TEXT);
    return t0;
}

/* One step with audio->frame: it starts a run, ends the run before it, or goes into the run. */
static affect_status step(media_audio *audio) {
    media_run *run = &audio->run;
    if (!run->swr) {
        affect_status status = start_run(audio, audio->frame, run_start(audio));
        return status == AFFECT_OK ? use_frame(audio) : status;
    }
    if (!audio->placed && audio->skip == 0) place_frame(audio);
    if (!audio->closing && !same_format(run, audio->frame))
        close_run(audio, AFFECT_TIME_NONE, NULL);
    return audio->closing ? finish_run(audio) : use_frame(audio);
}

affect_status media_audio_fill(media_audio *audio, bool *starved) {
    *starved = false;
    affect_status status = AFFECT_OK;
    while (status == AFFECT_OK && !audio->have_head) {
        make_ready(audio);
        if (audio->have_head || audio->closing) continue;
        if (audio->ended) break;
        status = advance(audio, starved);
        if (status != AFFECT_OK || *starved) break;
        status = audio->have_frame ? step(audio) : end_stream(audio);
    }
    return status;
}

void media_audio_take(media_audio *audio) {
    if (audio->have_head && audio->head.kind == MEDIA_AUDIO) {
        audio->start += audio->head.audio.count;
        audio->count -= audio->head.audio.count;
        audio->run.given += (int64_t)audio->head.audio.count;
    }
    audio->have_head = false;
}

void media_audio_close(media_audio *audio) {
    if (audio->run.swr) media_ff.swr_free(&audio->run.swr);
    if (audio->frame) media_ff.av_frame_free(&audio->frame);
    if (audio->next) media_ff.av_frame_free(&audio->next);
    if (audio->stream.av) media_ff.av_channel_layout_uninit(&audio->run.in_layout);
    base_free(audio->fifo);
    base_free(audio->side);
    media_stream_close(&audio->stream);
}
