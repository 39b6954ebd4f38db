/* Which reader a file needs. */
#include <string.h>
#include <strings.h>

#include "data/encoding.h"
#include "transcript/transcript_private.h"

/* ---- which reader ---- */

static bool holds(const char *text, size_t length, const char *what) {
    return memmem(text, length, what, strlen(what)) != NULL;
}

static bool has_ending(const char *name, const char *ending) {
    size_t n = name ? strlen(name) : 0, m = strlen(ending);
    return n >= m && !strcasecmp(name + n - m, ending);
}

/* By what the first kilobytes hold, else by the name's ending. */
static transcript_format detect(const char *name, const char *s, size_t left) {
    left = BASE_MIN(left, (size_t)4096);
    while (left && *s && strchr(" \t\r\n", *s)) s++, left--;
    const char *end = memchr(s, '\n', left);
    size_t line = end ? (size_t)(end - s) : left;
    if (line && s[line - 1] == '\r') line--;
    if (left >= 6 && !strncmp(s, "WEBVTT", 6)) return TRANSCRIPT_VTT;
    if (holds(s, BASE_MIN(left, (size_t)200), "ooTextFile")) return TRANSCRIPT_TEXTGRID;
    if (left && *s == '<') {
        if (holds(s, left, "<ANNOTATION_DOCUMENT")) return TRANSCRIPT_EAF;
        if (holds(s, left, "<tt") || holds(s, left, ":tt ")) return TRANSCRIPT_TTML;
    }
    if (holds(s, BASE_MIN(left, (size_t)200), "[Script Info]") || holds(s, left, "\nDialogue:") ||
        (left > 9 && !strncmp(s, "Dialogue:", 9)))
        return TRANSCRIPT_ASS;
    bool srt = has_ending(name, ".srt");
    if (!srt && (transcript_is_lrc(s, line) || has_ending(name, ".lrc"))) return TRANSCRIPT_LRC;
    if (left && (*s == '{' || *s == '[') && !srt) return TRANSCRIPT_JSON;
    if (transcript_is_sbv(s, line)) return TRANSCRIPT_SBV;
    if (holds(s, left, "-->")) return TRANSCRIPT_SRT;
    if (line && transcript_is_table(name, s, left)) return TRANSCRIPT_TABLE;
    static const struct {
        const char *ending;
        transcript_format format;
    } endings[] = {
        {".srt", TRANSCRIPT_SRT},   {".vtt", TRANSCRIPT_VTT},   {".textgrid", TRANSCRIPT_TEXTGRID},
        {".eaf", TRANSCRIPT_EAF},   {".json", TRANSCRIPT_JSON}, {".ass", TRANSCRIPT_ASS},
        {".ssa", TRANSCRIPT_ASS},   {".sbv", TRANSCRIPT_SBV},   {".ttml", TRANSCRIPT_TTML},
        {".dfxp", TRANSCRIPT_TTML}, {".tsv", TRANSCRIPT_TABLE}, {".csv", TRANSCRIPT_TABLE}};
    for (size_t i = 0; i < BASE_COUNT(endings); i++)
        if (has_ending(name, endings[i].ending)) return endings[i].format;
    return TRANSCRIPT_UNKNOWN;
}

transcript_format transcript_detect(const char *name, const char *bytes, size_t length) {
    data_text text;
    if (data_text_decode(NULL, bytes, BASE_MIN(length, (size_t)4096), &text))
        return detect(name, "", 0);
    transcript_format format = detect(name, text.bytes, text.length);
    data_text_destroy(&text);
    return format;
}

/* The encoding that an XML file declares, "" if none. */
static void declared(const char *bytes, size_t length, char out[32]) {
    size_t n = BASE_MIN(length, (size_t)200);
    const char *end = memchr(bytes, '>', n), *at = NULL;
    out[0] = 0;
    if (end && n > 5 && !memcmp(bytes, "<?xml", 5))
        at = memmem(bytes, (size_t)(end - bytes), "encoding=", 9);
    if (!at) return;
    at += 9;
    char quote = *at++;
    for (size_t i = 0; i < 31 && at < end && *at != quote; i++) {
        out[i] = *at++;
        out[i + 1] = 0;
    }
}

static affect_status parse_text(affect_context *ctx, const char *name, const char *text, size_t n,
                                transcript *out) {
    switch (out->format) {
    case TRANSCRIPT_SRT: return transcript_parse_srt(ctx, name, text, n, out);
    case TRANSCRIPT_VTT: return transcript_parse_vtt(ctx, name, text, n, out);
    case TRANSCRIPT_TEXTGRID: return transcript_parse_textgrid(ctx, name, text, n, out);
    case TRANSCRIPT_EAF: return transcript_parse_eaf(ctx, name, text, n, out);
    case TRANSCRIPT_JSON: return transcript_parse_json(ctx, name, text, n, out);
    case TRANSCRIPT_ASS: return transcript_parse_ass(ctx, name, text, n, out);
    case TRANSCRIPT_SBV: return transcript_parse_sbv(ctx, name, text, n, out);
    case TRANSCRIPT_LRC: return transcript_parse_lrc(ctx, name, text, n, out);
    case TRANSCRIPT_TTML: return transcript_parse_ttml(ctx, name, text, n, out);
    case TRANSCRIPT_TABLE: return transcript_parse_table(ctx, name, text, n, out);
    case TRANSCRIPT_UNKNOWN: break;
    }
    return base_fail(
        ctx, AFFECT_ERROR_FORMAT,
        "%s: line 1: no transcript (SubRip, WebVTT, ASS, SBV, LRC, TTML, TSV, TextGrid, "
        "EAF or JSON expected)",
        name);
}

/* Did anything come out of the file? */
static bool says_nothing(const transcript *t) {
    for (size_t i = 0; i < t->cue_count; i++)
        if (*t->cues[i].text) return false;
    return true;
}

static affect_status parse_bytes(affect_context *ctx, const char *name, const char *bytes,
                                 size_t length, transcript *out) {
    data_text text;
    char encoding[32] = "", remark[200];
    if (out->format == TRANSCRIPT_EAF || out->format == TRANSCRIPT_TTML)
        declared(bytes, length, encoding);
    affect_status status =
        data_text_decode_as(ctx, *encoding ? encoding : NULL, bytes, length, &text);
    if (status) return status;
    status = parse_text(ctx, name, text.bytes, text.length, out);
    data_text_remark(&text, remark, sizeof remark);
    data_text_destroy(&text);
    if (!status && *remark) status = transcript_note(ctx, out, "%s", remark);
    if (!status && out->malformed && says_nothing(out))
        return out->skipped_line
                   ? base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: line %zu: %s", name,
                               out->skipped_line, out->skipped_reason)
                   : base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: %s", name, out->skipped_reason);
    bool rolls = out->format == TRANSCRIPT_SRT || out->format == TRANSCRIPT_VTT ||
                 out->format == TRANSCRIPT_SBV || out->format == TRANSCRIPT_TTML;
    if (!status && rolls) status = transcript_unroll(ctx, out);
    if (!status) status = transcript_take_marks(ctx, out);
    return status;
}

affect_status transcript_parse(affect_context *ctx, const char *name, transcript_format format,
                               const char *bytes, size_t length, transcript *out) {
    *out = (transcript){.format = format, .language = "", .skipped_reason = ""};
    if (length > TRANSCRIPT_LIMIT)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "%s: larger than %d MiB", name,
                         TRANSCRIPT_LIMIT >> 20);
    base_arena_init(&out->arena, 0);
    affect_status status = parse_bytes(ctx, name, bytes, length, out);
    if (status) transcript_destroy(out);
    return status;
}

affect_status transcript_read(affect_context *ctx, const char *path, transcript *out) {
    *out = (transcript){0};
    char *bytes = NULL;
    size_t length = 0;
    affect_status status = base_read_file(ctx, path, TRANSCRIPT_LIMIT, &bytes, &length);
    if (!status) {
        transcript_format format = transcript_detect(path, bytes, length);
        status = transcript_parse(ctx, path, format, bytes, length, out);
    }
    base_free(bytes);
    return status;
}
