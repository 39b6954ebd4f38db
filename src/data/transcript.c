/* What the transcript readers share: encodings, lines, the list, and which reader a file needs. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "data/transcript_private.h"

const char *transcript_format_name(transcript_format format) {
    switch (format) {
    case TRANSCRIPT_SRT: return "SubRip";
    case TRANSCRIPT_VTT: return "WebVTT";
    case TRANSCRIPT_TEXTGRID: return "TextGrid";
    case TRANSCRIPT_EAF: return "EAF";
    case TRANSCRIPT_JSON: return "JSON";
    case TRANSCRIPT_UNKNOWN: break;
    }
    return "unknown";
}

/* ---- encodings ---- */

/* 0x80..0x9F of Windows-1252; 0 where it defines nothing (then the C1 control is kept). */
static const uint16_t windows_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

static char *from_windows_1252(const char *bytes, size_t length, size_t *out_length) {
    char *out = base_alloc(length * 3 + 1);
    if (!out) return NULL;
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        uint32_t point =
            c >= 0x80 && c < 0xA0 && windows_1252[c - 0x80] ? windows_1252[c - 0x80] : c;
        n += base_utf8_put(point, out + n);
    }
    out[n] = 0;
    *out_length = n;
    return out;
}

static char *from_utf16(const char *bytes, size_t length, bool big_endian, size_t *out_length) {
    size_t units = length / 2, n = 0;
    char *out = base_alloc(units * 3 + 1); /* a surrogate pair (2 units) gives 4 bytes */
    if (!out) return NULL;
    const unsigned char *b = (const unsigned char *)bytes;
    for (size_t i = 0; i < units; i++) {
        uint32_t unit = big_endian ? (uint32_t)(b[2 * i] << 8 | b[2 * i + 1])
                                   : (uint32_t)(b[2 * i + 1] << 8 | b[2 * i]);
        if (unit >= 0xD800 && unit < 0xDC00 && i + 1 < units) {
            uint32_t low = big_endian ? (uint32_t)(b[2 * i + 2] << 8 | b[2 * i + 3])
                                      : (uint32_t)(b[2 * i + 3] << 8 | b[2 * i + 2]);
            if (low >= 0xDC00 && low < 0xE000) {
                unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                i++;
            }
        }
        if (unit >= 0xD800 && unit < 0xE000) unit = 0xFFFD;
        n += base_utf8_put(unit, out + n);
    }
    out[n] = 0;
    *out_length = n;
    return out;
}

/* Text in UTF-16 has a zero in nearly every other byte wherever it is Latin, and line ends and
 * spaces always are: enough to tell without a mark. */
static int utf16_by_zeros(const char *bytes, size_t length) {
    size_t n = BASE_MIN(length, (size_t)4096) & ~(size_t)1, even = 0, odd = 0;
    for (size_t i = 0; i < n; i += 2) {
        even += bytes[i] == 0;
        odd += bytes[i + 1] == 0;
    }
    if (n < 4) return 0;
    if (odd > n / 8 && even * 8 < odd) return 1; /* little endian */
    if (even > n / 8 && odd * 8 < even) return 2;
    return 0;
}

char *transcript_to_utf8(const char *bytes, size_t length, size_t *out_length) {
    const unsigned char *b = (const unsigned char *)bytes;
    if (length >= 2 && b[0] == 0xFF && b[1] == 0xFE)
        return from_utf16(bytes + 2, length - 2, false, out_length);
    if (length >= 2 && b[0] == 0xFE && b[1] == 0xFF)
        return from_utf16(bytes + 2, length - 2, true, out_length);
    bool marked = length >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF;
    if (!marked) {
        int order = utf16_by_zeros(bytes, length);
        if (order) return from_utf16(bytes, length, order == 2, out_length);
        if (!base_utf8_valid(bytes, length)) return from_windows_1252(bytes, length, out_length);
    } else {
        bytes += 3;
        length -= 3;
    }
    char *out = marked ? base_utf8_clean(bytes, length) : base_strndup(bytes, length);
    if (out) *out_length = marked ? strlen(out) : length;
    return out;
}

/* ---- lines and numbers ---- */

bool transcript_next_line(transcript_lines *lines) {
    if (lines->at >= lines->length) return false;
    lines->line = lines->text + lines->at;
    size_t n = 0, left = lines->length - lines->at;
    while (n < left && lines->line[n] != '\n' && lines->line[n] != '\r') n++;
    lines->line_length = n;
    if (n < left) n += lines->line[n] == '\r' && n + 1 < left && lines->line[n + 1] == '\n' ? 2 : 1;
    lines->at += n;
    lines->number++;
    return true;
}

bool transcript_seconds(const char *text, size_t length, affect_time *out) {
    /* Plain decimals by integers: 0.1 s is 100000000 ns, not what a double makes of hours of it. */
    size_t i = 0;
    bool negative = false;
    if (i < length && (text[i] == '-' || text[i] == '+')) negative = text[i++] == '-';
    int64_t whole = 0, part = 0, unit = AFFECT_SECOND;
    size_t digits = 0;
    for (; i < length && text[i] >= '0' && text[i] <= '9' && digits < 9; i++, digits++)
        whole = whole * 10 + (text[i] - '0');
    if (i < length && text[i] == '.') {
        i++;
        for (; i < length && text[i] >= '0' && text[i] <= '9'; i++, digits++) {
            if (unit > 1) {
                unit /= 10;
                part += (text[i] - '0') * unit;
            } else if (unit == 1) {
                part += text[i] >= '5';
                unit = 0;
            }
        }
    }
    if (i == length && digits) {
        *out = (whole * AFFECT_SECOND + part) * (negative ? -1 : 1);
        return true;
    }
    double value;
    if (!base_parse_double(text, length, &value) || !isfinite(value) || fabs(value) > 1e9)
        return false;
    *out = time_from_seconds(value);
    return true;
}

/* ---- the list ---- */

char *transcript_copy(transcript *t, const char *text, size_t length) {
    char *copy = base_arena_alloc(&t->arena, length + 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

affect_status transcript_add_cue(affect_context *ctx, transcript *t, const transcript_cue *cue) {
    if (!base_grow((void **)&t->cues, &t->cue_capacity, t->cue_count + 1, sizeof *t->cues))
        return base_fail_memory(ctx);
    transcript_cue *c = &t->cues[t->cue_count++];
    *c = *cue;
    if (!c->text) c->text = "";
    if (!c->tier) c->tier = "";
    if (!c->speaker) c->speaker = "";
    c->first_word = t->word_count;
    c->word_count = 0;
    return AFFECT_OK;
}

affect_status transcript_add_word(affect_context *ctx, transcript *t, const transcript_word *word) {
    if (!base_grow((void **)&t->words, &t->word_capacity, t->word_count + 1, sizeof *t->words))
        return base_fail_memory(ctx);
    t->words[t->word_count++] = *word;
    t->cues[t->cue_count - 1].word_count++;
    return AFFECT_OK;
}

void transcript_skip(transcript *t, size_t line) {
    if (!t->skipped++) t->skipped_line = line;
}

void transcript_destroy(transcript *t) {
    if (!t) return;
    base_free(t->cues);
    base_free(t->words);
    base_arena_destroy(&t->arena);
    *t = (transcript){0};
}

/* ---- which reader ---- */

static bool holds(const char *text, size_t length, const char *what) {
    size_t n = strlen(what);
    for (size_t i = 0; i + n <= length; i++)
        if (!strncmp(text + i, what, n)) return true;
    return false;
}

static bool has_ending(const char *name, const char *ending) {
    size_t n = name ? strlen(name) : 0, m = strlen(ending);
    return n >= m && !strcasecmp(name + n - m, ending);
}

transcript_format transcript_detect(const char *name, const char *bytes, size_t length) {
    size_t n = 0;
    char *text = transcript_to_utf8(bytes, BASE_MIN(length, (size_t)4096), &n);
    transcript_format format = TRANSCRIPT_UNKNOWN;
    if (text) {
        size_t i = 0;
        while (i < n && strchr(" \t\r\n", text[i]) && text[i]) i++;
        const char *s = text + i;
        size_t left = n - i;
        if (left >= 6 && !strncmp(s, "WEBVTT", 6))
            format = TRANSCRIPT_VTT;
        else if (holds(s, BASE_MIN(left, (size_t)200), "ooTextFile"))
            format = TRANSCRIPT_TEXTGRID;
        else if (left && *s == '<' && holds(s, left, "<ANNOTATION_DOCUMENT"))
            format = TRANSCRIPT_EAF;
        else if (left && (*s == '{' || *s == '[') && !has_ending(name, ".srt"))
            format = TRANSCRIPT_JSON;
        else if (holds(s, left, "-->"))
            format = TRANSCRIPT_SRT;
    }
    base_free(text);
    if (format) return format;
    static const struct {
        const char *ending;
        transcript_format format;
    } endings[] = {{".srt", TRANSCRIPT_SRT},
                   {".vtt", TRANSCRIPT_VTT},
                   {".textgrid", TRANSCRIPT_TEXTGRID},
                   {".eaf", TRANSCRIPT_EAF},
                   {".json", TRANSCRIPT_JSON}};
    for (size_t i = 0; i < BASE_COUNT(endings); i++)
        if (has_ending(name, endings[i].ending)) return endings[i].format;
    return TRANSCRIPT_UNKNOWN;
}

affect_status transcript_parse(affect_context *ctx, const char *name, transcript_format format,
                               const char *bytes, size_t length, transcript *out) {
    *out = (transcript){.format = format, .language = ""};
    if (length > TRANSCRIPT_LIMIT)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "%s: larger than %d MiB", name,
                         TRANSCRIPT_LIMIT >> 20);
    if (format == TRANSCRIPT_UNKNOWN)
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "%s: line 1: no transcript (SubRip, WebVTT, TextGrid, EAF or JSON "
                         "expected)",
                         name);
    base_arena_init(&out->arena, 0);
    affect_status status;
    if (format == TRANSCRIPT_EAF) {
        status = transcript_parse_eaf(ctx, name, bytes, length, out);
    } else {
        size_t n = 0;
        char *text = transcript_to_utf8(bytes, length, &n);
        if (!text)
            status = base_fail_memory(ctx);
        else if (format == TRANSCRIPT_SRT)
            status = transcript_parse_srt(ctx, name, text, n, out);
        else if (format == TRANSCRIPT_VTT)
            status = transcript_parse_vtt(ctx, name, text, n, out);
        else if (format == TRANSCRIPT_TEXTGRID)
            status = transcript_parse_textgrid(ctx, name, text, n, out);
        else
            status = transcript_parse_json(ctx, name, text, n, out);
        base_free(text);
    }
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
