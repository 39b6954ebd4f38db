/* Text subtitles inside a recording: what there is, and one stream of them as the text of a
 * subtitle file. Their packets hold text already (SubRip, WebVTT, MP4's tx3g, a line of SubStation
 * Alpha), so no decoder is needed. */
#include <string.h>

#include "media/media_private.h"

typedef enum form { FORM_NONE, FORM_PLAIN, FORM_TX3G, FORM_ASS } form;

static form form_of(const AVStream *av) {
    switch (av->codecpar->codec_id) {
    case AV_CODEC_ID_SUBRIP:
    case AV_CODEC_ID_TEXT:
    case AV_CODEC_ID_WEBVTT: return FORM_PLAIN;
    case AV_CODEC_ID_MOV_TEXT: return FORM_TX3G;
    case AV_CODEC_ID_ASS:
    case AV_CODEC_ID_SSA: return FORM_ASS;
    default: return FORM_NONE;
    }
}

static AVStream *nth(const media_reader *reader, int n) {
    for (unsigned i = 0; i < reader->format->nb_streams; i++) {
        AVStream *av = reader->format->streams[i];
        if (av->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE && n-- == 0) return av;
    }
    return NULL;
}

void media_subtitles_describe(media_reader *reader) {
    media_info *info = &reader->info;
    base_text text = {0};
    info->text_subtitles = -1;
    for (AVStream *av; (av = nth(reader, info->subtitle_streams)); info->subtitle_streams++) {
        if (form_of(av) == FORM_NONE) continue;
        if (info->text_subtitles < 0) info->text_subtitles = info->subtitle_streams;
        const AVDictionaryEntry *language = media_ff.av_dict_get(av->metadata, "language", NULL, 0);
        const AVDictionaryEntry *title = media_ff.av_dict_get(av->metadata, "title", NULL, 0);
        base_text_printf(&text, "%s%d: %s%s%.16s%s%.40s%s", text.length ? ", " : "",
                         info->subtitle_streams, media_ff.avcodec_get_name(av->codecpar->codec_id),
                         language ? " " : "", language ? language->value : "", title ? " \"" : "",
                         title ? title->value : "", title ? "\"" : "");
    }
    if (text.length) snprintf(info->subtitles, sizeof info->subtitles, "%s", text.data);
    base_text_destroy(&text);
}

affect_status media_subtitles_choose(media_reader *reader) {
    int n = reader->options.subtitle_stream;
    reader->subtitles = NULL;
    if (!reader->options.want_subtitles) return AFFECT_OK;
    if (n < 0) n = reader->info.text_subtitles;
    if (n < 0 && reader->info.subtitle_streams == 0)
        return base_fail(reader->ctx, AFFECT_ERROR_NO_STREAM, "%s: has no subtitles inside",
                         reader->path);
    AVStream *av = nth(reader, BASE_MAX(n, 0));
    if (!av)
        return base_fail(reader->ctx, AFFECT_ERROR_ARGUMENT,
                         "%s: there is no subtitle stream %d; it has %d, numbered from 0",
                         reader->path, n, reader->info.subtitle_streams);
    if (form_of(av) == FORM_NONE)
        return base_fail(reader->ctx, AFFECT_ERROR_UNSUPPORTED,
                         "%s: its subtitles (%s) are pictures or of a form that is not read; only "
                         "text is",
                         reader->path, media_ff.avcodec_get_name(av->codecpar->codec_id));
    av->discard = AVDISCARD_DEFAULT;
    reader->subtitles = av;
    return AFFECT_OK;
}

static void add_clock(base_text *out, affect_time t) {
    long long ns = (long long)(t < 0 ? -t : t);
    if (t < 0) base_text_append(out, "-");
    base_text_printf(out, "%02lld:%02lld:%02lld.%09lld", ns / (3600 * AFFECT_SECOND),
                     ns / (60 * AFFECT_SECOND) % 60, ns / AFFECT_SECOND % 60, ns % AFFECT_SECOND);
}

/* Line ends inside an ASS line would end it. */
static void add_line(base_text *out, const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (s[i] == '\n')
            base_text_append(out, "\\N");
        else if (s[i] != '\r' && s[i])
            base_text_append_n(out, s + i, 1);
}

/* The packet of an ASS stream: ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text. */
static void add_ass(base_text *out, affect_time t0, affect_time t1, const char *s, size_t n) {
    size_t from[9] = {0}, fields = 1;
    for (size_t i = 0; i < n && fields < BASE_COUNT(from); i++)
        if (s[i] == ',') from[fields++] = i + 1;
    if (fields < BASE_COUNT(from)) return;
    base_text_append(out, "Dialogue: 0,");
    add_clock(out, t0);
    base_text_append(out, ",");
    add_clock(out, t1);
    base_text_append(out, ",");
    add_line(out, s + from[2], n - from[2]);
    base_text_append(out, "\n");
}

affect_status media_subtitles_take(media_reader *reader, const AVPacket *packet) {
    const affect_time unknown = 3 * AFFECT_SECOND; /* how long a line stays that does not say */
    const AVStream *av = reader->subtitles;
    base_text *out = &reader->subtitle_text;
    const char *s = (const char *)packet->data;
    size_t n = packet->size > 0 ? (size_t)packet->size : 0;
    form f = form_of(av);
    if (packet->pts == AV_NOPTS_VALUE || !s) return AFFECT_OK;
    if (f == FORM_TX3G) { /* a length, the text, boxes of style */
        if (n < 2) return AFFECT_OK;
        size_t length = (size_t)(unsigned char)s[0] << 8 | (unsigned char)s[1];
        s += 2;
        n = BASE_MIN(length, n - 2);
    }
    if (!n) return AFFECT_OK; /* MP4's way to say that nothing is shown */
    affect_time t0 = media_ticks_time(packet->pts, av->time_base);
    affect_time length = media_ticks_time(BASE_MAX(packet->duration, 0), av->time_base);
    affect_time t1 = t0 + (length > 0 ? length : unknown);
    if (f == FORM_ASS) {
        add_ass(out, t0, t1, s, n);
    } else {
        add_clock(out, t0);
        base_text_append(out, " --> ");
        add_clock(out, t1);
        base_text_append(out, "\n");
        base_text_append_n(out, s, n);
        base_text_append(out, "\n\n");
    }
    return out->failed ? base_fail_memory(reader->ctx) : AFFECT_OK;
}
