/* Opens a recording and merges its audio and its video in order of time. */
#include "media/media.h"

#include <string.h>

#include "media/media_private.h"

#define NO_PROTOCOL "none" /* a list of allowed protocols with a name that none has */

media_options media_options_default(void) {
    return (media_options){.want_audio = true,
                           .want_video = true,
                           .audio_stream = -1,
                           .sample_rate = 16000,
                           .max_height = 720,
                           .subtitle_stream = -1};
}

const media_info *media_reader_info(const media_reader *reader) { return &reader->info; }

static int interrupted(void *user) { return affect_context_cancelled(user); }

/* ---- opening ---- */

/* Formats that are not a recording but say where one is. */
static bool is_list(const AVInputFormat *format) {
    static const char *const lists[] = {"concat", "dash", "hls", "imf", "rtsp", "sdp"};
    for (size_t i = 0; format && i < BASE_COUNT(lists); i++)
        if (strcmp(format->name, lists[i]) == 0) return true;
    return false;
}

static affect_status fail_read(media_reader *reader) {
    return base_fail(reader->ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read: %s", reader->path,
                     strerror(media_input_error(reader->input)));
}

/* Why libavformat refused, in one line. */
static affect_status fail_open(media_reader *reader, const AVInputFormat *format, int result) {
    affect_context *ctx = reader->ctx;
    const char *path = reader->path, *detail = media_ffmpeg_log_error();
    if (affect_context_cancelled(ctx))
        return base_fail(ctx, AFFECT_ERROR_CANCELLED, "%s: interrupted", path);
    if (result == AVERROR(ENOMEM)) return base_fail_memory(ctx);
    if (media_input_error(reader->input)) return fail_read(reader);
    if (is_list(format))
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "%s: a list of recordings (%s), and what it names is not opened; make one "
                         "file of it first: ffmpeg -i LIST -c copy all.mkv",
                         path, format->name);
    if (reader->format_guessed)
        result = AVERROR_INVALIDDATA;
    else if (strstr(detail, "moov atom not found"))
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "%s: the index of this MP4 or MOV (moov) is missing: the file is cut%s",
                         path,
                         media_input_seekable(reader->input)
                             ? " or its recording was never finished"
                             : ", or it stands at the end and the file must be read by name "
                               "instead of through a pipe");
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    media_ff.av_strerror(result, text, sizeof text);
    return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: not a recording that FFmpeg can read (%s)",
                     path, result == AVERROR_INVALIDDATA ? "no known audio or video format" : text);
}

/* By content; by name only where the content says nothing sure (raw streams). Names alone would let
 * libavformat take "%03d.jpg" for a pattern of files and any words in "x.mp4" for a damaged MP4. */
static int find_format(media_reader *reader, AVIOContext *bytes, const AVInputFormat **found) {
    int score = media_ff.av_probe_input_buffer2(bytes, found, "", NULL, 0, 0);
    if (score > AVPROBE_SCORE_RETRY || score == AVERROR(ENOMEM) || score == AVERROR_EXIT)
        return score;
    const AVInputFormat *named = NULL;
    int by_name = media_ff.av_probe_input_buffer2(bytes, &named, reader->path, NULL, 0, 0);
    if (by_name < 0 || (named->flags & AVFMT_NOFILE)) return score;
    reader->format_guessed = score < 0;
    *found = named;
    return by_name;
}

static affect_status open_format(media_reader *reader) {
    reader->format = media_ff.avformat_alloc_context();
    if (!reader->format) return base_fail_memory(reader->ctx);
    reader->format->interrupt_callback = (AVIOInterruptCB){interrupted, reader->ctx};
    AVIOContext *bytes = media_input_avio(reader->input);
    reader->format->pb = bytes;
    reader->format->flags |= AVFMT_FLAG_CUSTOM_IO; /* ours to close, whatever happens */
    const AVInputFormat *found = NULL;
    int result = find_format(reader, bytes, &found);
    /* A recording is one file. A playlist, a session description or a reference inside it may name
     * neither hosts (nothing leaves the machine) nor other files (a stranger's recording does not
     * choose what is read): no protocol of libavformat's is allowed at all. */
    if (result >= 0 && found && strcmp(found->name, "webp_pipe") == 0) {
        affect_status status = media_webp_open(reader);
        if (status != AFFECT_OK || reader->webp) return status;
    }
    AVDictionary *options = NULL;
    if (result >= 0 && media_ff.av_dict_set(&options, "protocol_whitelist", NO_PROTOCOL, 0) < 0)
        result = AVERROR(ENOMEM);
    if (result >= 0 && found && strcmp(found->name, "wav") == 0 &&
        media_input_wav_is_longer(reader->input)) {
        reader->info.size_too_small = true;
        if (media_ff.av_dict_set(&options, "ignore_length", "1", 0) < 0) result = AVERROR(ENOMEM);
    }
    if (result >= 0)
        result = media_ff.avformat_open_input(&reader->format, reader->path, found, &options);
    media_ff.av_dict_free(&options);
    if (result < 0) return fail_open(reader, found, result);
    /* Plain text passes for subtitles or for the ANSI art of terminals. */
    if (strcmp(reader->format->iformat->name, "tty") == 0)
        return fail_open(reader, found, AVERROR_INVALIDDATA);
    result = media_ff.avformat_find_stream_info(reader->format, NULL);
    if (result < 0) return fail_open(reader, found, result);
    return AFFECT_OK;
}

static AVStream *nth_audio(media_reader *reader, int n) {
    for (unsigned i = 0; i < reader->format->nb_streams; i++) {
        AVStream *av = reader->format->streams[i];
        if (av->codecpar->codec_type == AVMEDIA_TYPE_AUDIO && n-- == 0) return av;
    }
    return NULL;
}

static bool is_cover(const AVStream *av) {
    return av->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS);
}

static AVStream *best(media_reader *reader, enum AVMediaType type, int related) {
    int index = media_ff.av_find_best_stream(reader->format, type, -1, related, NULL, 0);
    if (index < 0) return NULL;
    AVStream *av = reader->format->streams[index];
    return is_cover(av) ? NULL : av;
}

static affect_status choose_streams(media_reader *reader, AVStream **audio, AVStream **video) {
    const media_options *options = &reader->options;
    affect_context *ctx = reader->ctx;
    while (nth_audio(reader, reader->info.audio_streams)) reader->info.audio_streams++;
    *video = best(reader, AVMEDIA_TYPE_VIDEO, -1);
    *audio = options->audio_stream >= 0
                 ? nth_audio(reader, options->audio_stream)
                 : best(reader, AVMEDIA_TYPE_AUDIO, *video ? (*video)->index : -1);
    if (options->audio_stream >= reader->info.audio_streams && options->want_audio)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "%s: there is no audio stream %d; it has %d, numbered from 0",
                         reader->path, options->audio_stream, reader->info.audio_streams);
    if (!*audio && !*video)
        return base_fail(ctx, AFFECT_ERROR_NO_STREAM, "%s: holds neither audio nor video (%s)",
                         reader->path, reader->format->iformat->long_name);
    return AFFECT_OK;
}

static affect_status fail_unwanted(media_reader *reader) {
    return base_fail(reader->ctx, AFFECT_ERROR_NO_STREAM,
                     "%s: holds no %s, which is all that was asked for", reader->path,
                     reader->options.want_audio ? "audio" : "video");
}

/* Ends by the container's own account, on its clock; NONE where it only guesses from the bit rate.
 */
static affect_time stream_end(const media_reader *reader, const AVStream *av) {
    if (!av || reader->format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
        return AFFECT_TIME_NONE;
    int64_t ticks = av->duration == AV_NOPTS_VALUE ? 0 : av->duration;
    /* What an AVI without its index holds replaces the duration, not the count in its header. */
    if (strcmp(reader->format->iformat->name, "avi") == 0) ticks = BASE_MAX(ticks, av->nb_frames);
    if (ticks <= 0) return AFFECT_TIME_NONE;
    int64_t start = av->start_time != AV_NOPTS_VALUE ? av->start_time : 0;
    return media_ticks_time(start, av->time_base) + media_ticks_time(ticks, av->time_base);
}

/* Matroska announces one end, of all its streams: a last subtitle that stays on the screen is part
 * of it, and of no recording. Where there are such streams, the ends that the writer gave in the tag
 * DURATION of sound and picture count ("00:00:05.088000000", mkvmerge's and FFmpeg's); without them
 * nobody knows the end. */
static affect_time tagged_end(const AVStream *av, affect_time start) {
    const AVDictionaryEntry *tag =
        av ? media_ff.av_dict_get(av->metadata, "DURATION", NULL, 0) : NULL;
    int hours, minutes;
    double seconds;
    if (!tag || sscanf(tag->value, "%4d:%2d:%lf", &hours, &minutes, &seconds) != 3 || hours < 0 ||
        minutes < 0 || !(seconds >= 0 && seconds < 60))
        return AFFECT_TIME_NONE;
    return start + (affect_time)(hours * 60 + minutes) * 60 * AFFECT_SECOND +
           time_from_seconds(seconds);
}

static affect_time without_others(const media_reader *reader, affect_time end, affect_time start) {
    const AVFormatContext *format = reader->format;
    const AVStream *audio = reader->audio.stream.av, *video = reader->video.stream.av;
    bool others = false;
    if (strncmp(format->iformat->name, "matroska", 8) != 0) return end;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        enum AVMediaType type = format->streams[i]->codecpar->codec_type;
        others |= type != AVMEDIA_TYPE_AUDIO && type != AVMEDIA_TYPE_VIDEO;
    }
    if (!others) return end;
    affect_time a = tagged_end(audio, start), v = tagged_end(video, start);
    if ((audio && a == AFFECT_TIME_NONE) || (video && v == AFFECT_TIME_NONE))
        return AFFECT_TIME_NONE;
    return BASE_MIN(end, BASE_MAX(a, v));
}

static affect_time container_end(const media_reader *reader) {
    const AVFormatContext *format = reader->format;
    if (format->duration == AV_NOPTS_VALUE || format->duration <= 0 ||
        format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
        return AFFECT_TIME_NONE;
    int64_t start = format->start_time != AV_NOPTS_VALUE ? format->start_time : 0;
    /* Some writers of Matroska mean the end by "duration", not the length: of the two possible ends
     * the earlier one, so that no file is called cut that is not. */
    bool is_end = start > 0 && format->duration > start;
    const AVRational base = {1, AV_TIME_BASE};
    affect_time end = media_ticks_time(format->duration, base);
    if (!is_end) end += media_ticks_time(start, base);
    return without_others(reader, end, media_ticks_time(start, base));
}

static affect_status open_stream(media_reader *reader, media_stream *stream, AVStream *av,
                                 bool wanted, bool alone) {
    if (!av) return AFFECT_OK;
    affect_status status = media_stream_open(reader, stream, av, wanted);
    /* A stream that cannot be decoded is as good as absent while there is another. */
    if ((status == AFFECT_ERROR_UNSUPPORTED || status == AFFECT_ERROR_LIMIT) && !alone) {
        base_log(reader->ctx, AFFECT_LOG_WARNING, "%s", affect_context_message(reader->ctx));
        media_stream_close(stream);
        return AFFECT_OK;
    }
    return status;
}

static affect_status open_streams(media_reader *reader) {
    AVStream *audio = NULL, *video = NULL;
    const media_options *options = &reader->options;
    affect_status status = choose_streams(reader, &audio, &video);
    if (status != AFFECT_OK) return status;
    if (!(audio && options->want_audio) && !(video && options->want_video))
        return fail_unwanted(reader);
    /* The stream that is not wanted is opened too, for its first time stamp: the origin must not
     * depend on what a run of the program asks for. */
    bool audio_alone = options->want_audio && !(video && options->want_video);
    bool video_alone = options->want_video && !(audio && options->want_audio);
    status = open_stream(reader, &reader->audio.stream, audio, options->want_audio, audio_alone);
    if (status == AFFECT_OK)
        status =
            open_stream(reader, &reader->video.stream, video, options->want_video, video_alone);
    if (status != AFFECT_OK) return status;
    for (unsigned i = 0; i < reader->format->nb_streams; i++) {
        AVStream *av = reader->format->streams[i];
        if (av != reader->audio.stream.av && av != reader->video.stream.av)
            av->discard = AVDISCARD_ALL;
    }
    media_subtitles_describe(reader);
    status = media_subtitles_choose(reader);
    if (status != AFFECT_OK) return status;
    media_audio *a = &reader->audio;
    media_video *v = &reader->video;
    a->frame = media_ff.av_frame_alloc();
    a->next = media_ff.av_frame_alloc();
    v->frame = media_ff.av_frame_alloc();
    v->next = media_ff.av_frame_alloc();
    v->last_time = v->due = AFFECT_TIME_NONE;
    a->broken.t1 = 0;
    a->ended = !a->stream.av;
    v->ended = !v->stream.av;
    if (!a->frame || !a->next || !v->frame || !v->next) return base_fail_memory(reader->ctx);
    if (a->stream.av)
        a->rate =
            options->sample_rate > 0 ? options->sample_rate : a->stream.av->codecpar->sample_rate;
    if (a->stream.av && a->rate <= 0) a->rate = 16000;
    return AFFECT_OK;
}

static void copy_name(char out[32], const char *name) {
    if (name) snprintf(out, 32, "%s", name);
}

/* Readers of single images are png_pipe, jpeg_pipe and so on in FFmpeg; an animation of one frame is
 * a picture as well. */
static bool is_picture(const media_reader *reader, const AVStream *video) {
    const char *name = reader->format->iformat->name;
    return base_ends_with(name, "_pipe") || strcmp(name, "image2") == 0 ||
           media_webp_is_still(reader->webp) || (strcmp(name, "gif") == 0 && video->nb_frames == 1);
}

static void describe(media_reader *reader) {
    media_info *info = &reader->info;
    const AVStream *audio = reader->audio.stream.av, *video = reader->video.stream.av;
    copy_name(info->format, reader->format->iformat->name);
    const AVDictionaryEntry *comment =
        media_ff.av_dict_get(reader->format->metadata, "comment", NULL, 0);
    if (comment) snprintf(info->comment, sizeof info->comment, "%s", comment->value);
    info->has_audio = audio != NULL;
    info->has_video = video != NULL;
    if (audio) {
        info->native_rate = audio->codecpar->sample_rate;
        info->channels = audio->codecpar->ch_layout.nb_channels;
        copy_name(info->audio_codec, media_ff.avcodec_get_name(audio->codecpar->codec_id));
    }
    if (video) {
        copy_name(info->video_codec, media_ff.avcodec_get_name(video->codecpar->codec_id));
        AVRational rate = video->avg_frame_rate;
        if (rate.num > 0 && rate.den > 0) info->fps = (double)rate.num / rate.den;
        info->is_picture = is_picture(reader, video);
        if (info->is_picture) info->fps = 0;
    }
    info->duration = AFFECT_TIME_NONE;
    reader->container_end = container_end(reader);
    reader->audio.stream.announced_end = stream_end(reader, audio);
    reader->video.stream.announced_end = stream_end(reader, video);
    if (audio && strcmp(reader->format->iformat->name, "wav") == 0 &&
        audio->codecpar->block_align > 0 && audio->codecpar->bits_per_coded_sample >= 8) {
        int64_t frames = media_input_wav_bytes(reader->input) / audio->codecpar->block_align;
        affect_time end = time_from_ticks(frames, 1, audio->codecpar->sample_rate);
        /* Compressed WAV (ADPCM) has more than one sample in a block: then this is too short. */
        if (end > reader->audio.stream.announced_end) reader->audio.stream.announced_end = end;
    }
}

/* After the origin is known. */
static void describe_times(media_reader *reader) {
    media_info *info = &reader->info;
    affect_time end =
        BASE_MAX(reader->audio.stream.announced_end, reader->video.stream.announced_end);
    if (end == AFFECT_TIME_NONE) end = reader->container_end;
    info->start = reader->origin;
    if (end != AFFECT_TIME_NONE && reader->origin != AFFECT_TIME_NONE && end > reader->origin)
        info->duration = end - reader->origin;
    else if (!info->subtitle_streams && reader->format->duration != AV_NOPTS_VALUE &&
             reader->format->duration > 0)
        info->duration = time_from_ticks(reader->format->duration, 1, AV_TIME_BASE);
    if (info->is_picture) info->duration = 0;
}

static affect_status fill(media_reader *reader) {
    bool audio_starved = false, video_starved = false;
    affect_status status = media_audio_fill(&reader->audio, &audio_starved);
    if (status == AFFECT_OK) status = media_video_fill(&reader->video, &video_starved);
    /* The video may have made room for the audio. */
    if (status == AFFECT_OK && audio_starved)
        status = media_audio_fill(&reader->audio, &audio_starved);
    if ((audio_starved || video_starved) && !reader->starving_told) {
        reader->starving_told = true;
        base_log(reader->ctx, AFFECT_LOG_INFO,
                 "%s: audio and video lie far apart in the file; items may come out of order",
                 reader->path);
    }
    return status;
}

static affect_time head_time(const media_item *item) {
    switch (item->kind) {
    case MEDIA_AUDIO: return item->audio.t0;
    case MEDIA_FRAME: return item->frame.time;
    default: return item->gap.t0;
    }
}

/* Decodes the first items, which tell where the recording begins, and shuts the stream that was
 * opened for that only. */
static affect_status find_origin(media_reader *reader) {
    media_audio *audio = &reader->audio;
    media_video *video = &reader->video;
    affect_status status = fill(reader);
    if (status != AFFECT_OK) return status;
    reader->origin = AFFECT_TIME_NONE;
    if (audio->have_head) reader->origin = head_time(&audio->head);
    if (video->have_head &&
        (reader->origin == AFFECT_TIME_NONE || head_time(&video->head) < reader->origin))
        reader->origin = head_time(&video->head);
    if (video->have_head && video->have_frame) {
        media_video_shape shape;
        media_video_measure(video, 0, &shape);
        reader->info.width = shape.width;
        reader->info.height = shape.height;
    }
    reader->info.has_audio = audio->stream.av && !(audio->ended && !audio->have_head);
    reader->info.has_video = video->stream.av && !(video->ended && !video->have_head);
    bool nothing = !audio->have_head && !video->have_head;
    if (nothing && media_input_error(reader->input)) return fail_read(reader);
    if (nothing && !media_input_seekable(reader->input) &&
        strstr(reader->format->iformat->name, "mp4"))
        return base_fail(reader->ctx, AFFECT_ERROR_FORMAT,
                         "%s: the index of this MP4 or MOV stands at its end; such a file must be "
                         "read by name instead of through a pipe",
                         reader->path);
    if (nothing)
        return base_fail(
            reader->ctx, AFFECT_ERROR_NO_STREAM,
            "%s: nothing in its streams can be decoded; the file is empty, cut or damaged",
            reader->path);
    describe_times(reader);
    if (reader->options.want_audio && !reader->options.want_video && !reader->info.has_audio)
        return fail_unwanted(reader);
    if (reader->options.want_video && !reader->options.want_audio && !reader->info.has_video)
        return fail_unwanted(reader);
    if (audio->stream.av && !audio->stream.wanted) {
        audio->stream.av->discard = AVDISCARD_ALL;
        media_audio_close(audio);
        *audio = (media_audio){.ended = true};
    }
    if (video->stream.av && !video->stream.wanted) {
        video->stream.av->discard = AVDISCARD_ALL;
        media_video_close(video);
        *video = (media_video){.ended = true};
    }
    return AFFECT_OK;
}

static affect_status open_reader(media_reader *reader, const media_source *source) {
    affect_status status = source ? media_input_of(reader->ctx, source, &reader->input)
                                  : media_input_open(reader->ctx, reader->path, &reader->input);
    if (status == AFFECT_OK) status = open_format(reader);
    if (status == AFFECT_OK) media_input_forgive(reader->input);
    if (status == AFFECT_OK) status = open_streams(reader);
    if (status != AFFECT_OK) return status;
    reader->packet = media_ff.av_packet_alloc();
    if (!reader->packet) return base_fail_memory(reader->ctx);
    describe(reader);
    return find_origin(reader);
}

affect_status media_open(affect_context *ctx, const char *path, const media_options *options,
                         media_reader **out) {
    return media_open_source(ctx, NULL, path, options, out);
}

affect_status media_open_source(affect_context *ctx, const media_source *source, const char *path,
                                const media_options *options, media_reader **out) {
    *out = NULL;
    media_options chosen = options ? *options : media_options_default();
    if (!path || (!chosen.want_audio && !chosen.want_video) || chosen.sample_rate < 0 ||
        chosen.sample_rate > 768000 || chosen.max_height < 0 || !(chosen.max_fps >= 0))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "media_open: an option is out of its range");
    affect_status status = media_ffmpeg_load(ctx);
    if (status != AFFECT_OK) return status;
    media_reader *reader = base_calloc(1, sizeof *reader);
    if (!reader) return base_fail_memory(ctx);
    reader->ctx = ctx;
    reader->options = chosen;
    reader->path = base_strdup(strcmp(path, "-") == 0 ? "-" : path);
    media_ffmpeg_log_begin(ctx);
    status = reader->path ? open_reader(reader, source) : base_fail_memory(ctx);
    media_ffmpeg_log_end();
    if (status != AFFECT_OK) {
        media_close(reader);
        return status;
    }
    *out = reader;
    return AFFECT_OK;
}

void media_close(media_reader *reader) {
    if (!reader) return;
    media_ffmpeg_log_begin(reader->ctx);
    media_audio_close(&reader->audio);
    media_video_close(&reader->video);
    if (reader->packet) media_ff.av_packet_free(&reader->packet);
    if (reader->format && reader->webp) reader->format->iformat = NULL; /* was never opened */
    media_webp_close(reader->webp);
    if (reader->format) media_ff.avformat_close_input(&reader->format);
    media_input_close(reader->input);
    media_ffmpeg_log_end();
    base_text_destroy(&reader->subtitle_text);
    base_free(reader->path);
    base_free(reader);
}

/* ---- reading ---- */

static affect_status next_item(media_reader *reader, media_item *item) {
    media_audio *audio = &reader->audio;
    media_video *video = &reader->video;
    for (;;) {
        if (reader->last == 1) media_audio_take(audio);
        if (reader->last == 2) media_video_take(video);
        reader->last = 0;
        affect_status status = fill(reader);
        if (status != AFFECT_OK) return status;
        if (!audio->have_head && !video->have_head) return AFFECT_OK; /* the end */
        bool first = audio->have_head &&
                     (!video->have_head || head_time(&audio->head) <= head_time(&video->head));
        reader->last = first ? 1 : 2;
        if (!first && video->head.kind == MEDIA_FRAME) {
            bool ok = false;
            status = media_video_convert(video, &ok);
            if (status != AFFECT_OK) return status;
            if (!ok) continue;
        }
        *item = first ? audio->head : video->head;
        return AFFECT_OK;
    }
}

int media_reader_error(const media_reader *reader) { return media_input_error(reader->input); }

/* At the end: once, what a read error has cost. */
static void tell_error(media_reader *reader, media_item *item) {
    int error = media_input_error(reader->input);
    if (!error || reader->error_told) return;
    reader->error_told = true;
    affect_time end = reader->info.duration;
    snprintf(reader->audio.text, sizeof reader->audio.text,
             "input: the recording could not be read any further: %s", strerror(error));
    *item = (media_item){.kind = MEDIA_GAP,
                         .gap = {.t0 = reader->handed,
                                 .t1 = BASE_MAX(end, reader->handed),
                                 .text = reader->audio.text}};
}

affect_status media_next(media_reader *reader, media_item *item) {
    *item = (media_item){.kind = MEDIA_END};
    if (reader->ended) return AFFECT_OK;
    if (affect_context_cancelled(reader->ctx))
        return base_fail(reader->ctx, AFFECT_ERROR_CANCELLED, "%s: interrupted", reader->path);
    media_ffmpeg_log_begin(reader->ctx);
    affect_status status = next_item(reader, item);
    media_ffmpeg_log_end();
    if (status != AFFECT_OK) return status;
    switch (item->kind) {
    case MEDIA_AUDIO: {
        media_block *block = &item->audio;
        block->t0 -= reader->origin;
        reader->handed =
            BASE_MAX(reader->handed,
                     block->t0 + time_from_ticks((int64_t)block->count, 1, block->sample_rate));
        break;
    }
    case MEDIA_FRAME:
        item->frame.time -= reader->origin;
        reader->handed = BASE_MAX(reader->handed, item->frame.time + item->frame.duration);
        break;
    case MEDIA_GAP:
        item->gap.t0 -= reader->origin;
        item->gap.t1 -= reader->origin;
        break;
    case MEDIA_END:
        tell_error(reader, item);
        reader->ended = item->kind == MEDIA_END;
        break;
    }
    return AFFECT_OK;
}
