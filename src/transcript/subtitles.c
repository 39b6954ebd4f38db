/* SubRip, WebVTT and SBV. SubRip has no standard: what players accept is accepted here (missing hours,
 * '.' for ',', blank lines inside a cue, missing numbers, voice tags and inline times of WebVTT). WebVTT follows W3C's "WebVTT: The Web
 * Video Text Tracks Format" (2019): header, NOTE, STYLE and REGION blocks, cue ids and settings,
 * voice tags as speakers, inline timestamps as word times, character references. */
#include <math.h>
#include <string.h>

#include "transcript/transcript_private.h"

/* ---- lines ---- */

static const char *find(const char *s, size_t n, const char *what) {
    size_t m = strlen(what);
    for (size_t i = 0; i + m <= n; i++)
        if (!memcmp(s + i, what, m)) return s + i;
    return NULL;
}

/* Also what cannot be seen: marks of direction and joiners (U+200B..200F, U+202A..202E,
 * U+2066..2069), which right-to-left files have at both ends of a line, and U+FEFF, U+00A0. */
static void skip_blanks(const char *s, size_t n, size_t *at) {
    while (*at < n) {
        const unsigned char *c = (const unsigned char *)s + *at;
        size_t left = n - *at;
        bool unseen =
            left >= 3 && ((c[0] == 0xE2 && c[1] == 0x80 &&
                           ((c[2] >= 0x8B && c[2] <= 0x8F) || (c[2] >= 0xAA && c[2] <= 0xAE))) ||
                          (c[0] == 0xE2 && c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9) ||
                          (c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF));
        if (unseen)
            *at += 3;
        else if (left >= 2 && c[0] == 0xC2 && c[1] == 0xA0)
            *at += 2;
        else if (*c == ' ' || *c == '\t' || *c == '\f' || *c == 0)
            ++*at;
        else
            break;
    }
}

/* The arrow as typed, and as editors make it: "-->", "->", an en or em dash with ">", U+2192. */
static const char *arrow(const char *s, size_t n, size_t *length) {
    static const char *const arrows[] = {"-->",           "--&gt;",        "->",
                                         "\xE2\x80\x93>", "\xE2\x80\x94>", "\xE2\x86\x92"};
    for (size_t i = 0; i < BASE_COUNT(arrows); i++) {
        const char *found = find(s, n, arrows[i]);
        *length = strlen(arrows[i]);
        if (found) return found;
    }
    return NULL;
}

/* Seconds of 60 come from rounding 59.9996; SubRip's readers add up whatever is there. */
enum { MOST_SRT = 99, MOST_VTT = 60 };

/* "T --> T settings"; false if it is not one. */
static bool timing_line(const char *s, size_t n, int64_t most, affect_time *t0, affect_time *t1) {
    size_t at = 0, length;
    const char *between = arrow(s, n, &length);
    if (!between) return false;
    skip_blanks(s, n, &at);
    if (!transcript_clock(s, n, &at, most, t0)) return false;
    skip_blanks(s, n, &at);
    if (s + at != between) return false;
    at += length;
    skip_blanks(s, n, &at);
    if (!transcript_clock(s, n, &at, most, t1)) return false;
    size_t end = at;
    skip_blanks(s, n, &end);
    return at == n || end > at;
}

/* Was this meant for one? Then it begins with a number and a colon before the arrow, or a time and
 * nothing else follows the arrow. "turn left --> you" is what somebody said. */
static bool timing_meant(const char *s, size_t n) {
    size_t at = 0, length;
    affect_time unused;
    const char *between = arrow(s, n, &length);
    if (!between) return false;
    size_t left = (size_t)(between - s), right = left + length;
    skip_blanks(s, left, &at);
    if (at < left && (s[at] == '-' || s[at] == '+')) at++;
    bool colon = memchr(s, ':', left) != NULL;
    if (at < left && s[at] >= '0' && s[at] <= '9' && colon) return true;
    skip_blanks(s, n, &right);
    if (!colon || !transcript_clock(s, n, &right, MOST_SRT, &unused)) return false;
    skip_blanks(s, n, &right);
    return right == n;
}

static bool number_line(const char *s, size_t n) {
    size_t at = 0, start;
    skip_blanks(s, n, &at);
    start = at;
    while (at < n && s[at] >= '0' && s[at] <= '9') at++;
    if (at == start) return false;
    skip_blanks(s, n, &at);
    return at == n;
}

/* ---- cue text ---- */

static size_t put_reference(const char *s, size_t n, char out[4], size_t *taken) {
    static const struct {
        const char *name;
        uint32_t point;
    } names[] = {{"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},     {"&nbsp;", 0xA0},
                 {"&quot;", '"'}, {"&apos;", '\''}, {"&lrm;", 0x200E}, {"&rlm;", 0x200F}};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        size_t m = strlen(names[i].name);
        if (m <= n && !memcmp(s, names[i].name, m)) {
            *taken = m;
            return base_utf8_put(names[i].point, out);
        }
    }
    if (n > 3 && s[1] == '#') {
        bool hex = s[2] == 'x' || s[2] == 'X';
        uint32_t point = 0;
        size_t i = hex ? 3 : 2, first = i;
        for (; i < n && i < first + 7; i++) {
            int digit = s[i] >= '0' && s[i] <= '9'          ? s[i] - '0'
                        : hex && s[i] >= 'a' && s[i] <= 'f' ? s[i] - 'a' + 10
                        : hex && s[i] >= 'A' && s[i] <= 'F' ? s[i] - 'A' + 10
                                                            : -1;
            if (digit < 0) break;
            point = point * (hex ? 16 : 10) + (uint32_t)digit;
        }
        if (i > first && i < n && s[i] == ';' && point && point < 0x110000 &&
            (point < 0xD800 || point > 0xDFFF)) {
            *taken = i + 1;
            return base_utf8_put(point, out);
        }
    }
    *taken = 0;
    return 0;
}

typedef struct cue_text {
    affect_context *ctx;
    transcript *t;
    transcript_cue *cue; /* being made; not yet in the list */
    bool vtt;
    base_text plain; /* the whole text */
    base_text piece; /* since the last inline time */
    affect_time piece_t0;
    bool timed; /* an inline time was seen */
    struct {
        transcript_word *items;
        size_t count, capacity;
    } words;
    affect_status status;
} cue_text;

static void end_piece(cue_text *c, affect_time t1) {
    size_t i = 0, n = c->piece.length;
    const char *s = c->piece.data;
    if (c->piece.failed && !c->status) c->status = base_fail_memory(c->ctx);
    while (i < n && (s[i] == ' ' || s[i] == '\n')) i++;
    while (n > i && (s[n - 1] == ' ' || s[n - 1] == '\n')) n--;
    if (n > i && !c->status) {
        char *text = transcript_copy(c->t, s + i, n - i);
        if (!text || !base_grow((void **)&c->words.items, &c->words.capacity, c->words.count + 1,
                                sizeof *c->words.items))
            c->status = base_fail_memory(c->ctx);
        else
            c->words.items[c->words.count++] =
                (transcript_word){.t0 = c->piece_t0, .t1 = t1, .text = text, .confidence = NAN};
    }
    base_text_clear(&c->piece);
    c->piece_t0 = t1;
}

/* A tag without its angle brackets. */
static void tag(cue_text *c, const char *s, size_t n) {
    size_t at = 0;
    affect_time time;
    if (transcript_clock(s, n, &at, MOST_VTT, &time) && at == n) {
        /* The standard wants inline times to rise within the cue; others are ignored. */
        if (time >= c->piece_t0 && time <= c->cue->t1) {
            end_piece(c, time);
            c->timed = true;
        }
        return;
    }
    if (n > 1 && s[0] == 'v' && (s[1] == ' ' || s[1] == '.' || s[1] == '\t')) {
        size_t i = 1;
        while (i < n && s[i] != ' ' && s[i] != '\t') i++; /* classes */
        while (i < n && (s[i] == ' ' || s[i] == '\t')) i++;
        while (n > i && s[n - 1] == ' ') n--;
        if (n > i && !c->cue->speaker) {
            char *speaker = transcript_copy(c->t, s + i, n - i);
            if (!speaker) c->status = base_fail_memory(c->ctx);
            c->cue->speaker = speaker;
        }
    }
}

/* '<' opens a tag if it could be one of those that SubRip files carry or WebVTT defines. */
static bool tag_opens(const cue_text *c, const char *s, size_t n) {
    if (n < 3 || s[0] != '<' || s[1] == '|') return false; /* <|HAPPY|>: marks.c */
    if (c->vtt || (s[1] >= '0' && s[1] <= '9' && memchr(s, ':', BASE_MIN(n, (size_t)8))))
        return true;
    return (s[1] >= 'a' && s[1] <= 'z') || (s[1] >= 'A' && s[1] <= 'Z') || s[1] == '/';
}

static bool blank(const char *s, size_t n) {
    size_t at = 0;
    skip_blanks(s, n, &at);
    return at == n;
}

/* Lines of blanks hold the place of a line that will come, in captions that roll up. */
static void cue_line(cue_text *c, const char *s, size_t n) {
    if (blank(s, n)) return;
    if (c->plain.length) {
        base_text_append(&c->plain, "\n");
        base_text_append(&c->piece, "\n");
    }
    for (size_t i = 0; i < n;) {
        const char *end = NULL;
        char out[4];
        size_t taken = 0, put = 0;
        if (tag_opens(c, s + i, n - i) && (end = memchr(s + i, '>', n - i))) {
            tag(c, s + i + 1, (size_t)(end - s) - i - 1);
            i = (size_t)(end - s) + 1;
            continue;
        }
        if (!c->vtt && s[i] == '{' && i + 1 < n && s[i + 1] == '\\' &&
            (end = memchr(s + i, '}', n - i))) { /* {\an8}: a position, from SubStation Alpha */
            i = (size_t)(end - s) + 1;
            continue;
        }
        if (s[i] == '&') put = put_reference(s + i, n - i, out, &taken);
        if (!put) {
            out[0] = s[i] ? s[i] : ' ';
            put = taken = 1;
        }
        base_text_append_n(&c->plain, out, put);
        base_text_append_n(&c->piece, out, put);
        i += taken;
    }
}

static void cue_drop(cue_text *c) {
    base_text_destroy(&c->plain);
    base_text_destroy(&c->piece);
    base_free(c->words.items);
}

static affect_status cue_end(cue_text *c) {
    affect_status status = c->status;
    if (!status && (c->plain.failed || c->piece.failed)) status = base_fail_memory(c->ctx);
    if (!status && c->timed) {
        end_piece(c, c->cue->t1);
        status = c->status;
    }
    size_t n = c->plain.length;
    const char *s = n ? c->plain.data : "";
    while (n && (s[n - 1] == '\n' || s[n - 1] == ' ')) n--;
    if (!status && !(c->cue->text = transcript_copy(c->t, s, n))) status = base_fail_memory(c->ctx);
    if (!status) status = transcript_add_cue(c->ctx, c->t, c->cue);
    for (size_t i = 0; !status && c->timed && i < c->words.count; i++)
        status = transcript_add_word(c->ctx, c->t, &c->words.items[i]);
    cue_drop(c);
    return status;
}

static void cue_begin(cue_text *c, affect_context *ctx, transcript *t, transcript_cue *cue,
                      bool vtt) {
    *c = (cue_text){.ctx = ctx, .t = t, .cue = cue, .vtt = vtt, .piece_t0 = cue->t0};
}

/* The cue into the list, unless its end is before its start. */
static affect_status cue_take(cue_text *c, size_t line) {
    transcript *t = c->t;
    size_t count = t->cue_count, words = t->word_count;
    affect_status status = cue_end(c);
    if (!status && c->cue->t1 < c->cue->t0) {
        transcript_skip(t, line, "the end is before the start");
        t->cue_count = count;
        t->word_count = words;
    }
    return status;
}

static void bad_timing(transcript *t, size_t line) {
    transcript_malformed(t, line, "expected \"HH:MM:SS.mmm --> HH:MM:SS.mmm\"");
}

/* ---- SubRip ---- */

/* Whether the text ends here: the next cue's timing line follows, at once or behind its number. A
 * blank line alone does not end a cue, since many files have them inside. */
static bool cue_ahead(const transcript_lines *lines, bool vtt) {
    transcript_lines ahead = *lines;
    if (timing_meant(ahead.line, ahead.line_length)) return true;
    if (!(vtt || number_line(ahead.line, ahead.line_length)) || !transcript_next_line(&ahead))
        return false;
    return timing_meant(ahead.line, ahead.line_length);
}

affect_status transcript_parse_srt(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t) {
    transcript_lines lines = {.text = text, .length = length};
    affect_status status = AFFECT_OK;
    bool more = transcript_next_line(&lines), any = false;
    while (!status && more) {
        if (!timing_meant(lines.line, lines.line_length)) {
            if (!blank(lines.line, lines.line_length) &&
                !number_line(lines.line, lines.line_length))
                transcript_malformed(t, lines.number, "expected a cue number or a timing line");
            more = transcript_next_line(&lines);
            continue;
        }
        transcript_cue cue = {.confidence = NAN};
        size_t line = lines.number;
        bool good = timing_line(lines.line, lines.line_length, MOST_SRT, &cue.t0, &cue.t1);
        any = true;
        if (!good) bad_timing(t, line);
        cue_text c;
        cue_begin(&c, ctx, t, &cue, false);
        while ((more = transcript_next_line(&lines)) && !cue_ahead(&lines, false))
            cue_line(&c, lines.line, lines.line_length);
        if (good)
            status = cue_take(&c, line);
        else
            cue_drop(&c);
    }
    if (!status && !any && !t->skipped)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: line 1: no cue in the file", name);
    return status;
}

/* ---- WebVTT ---- */

static bool is_block(const transcript_lines *lines, const char *word) {
    size_t n = strlen(word);
    return lines->line_length >= n && !memcmp(lines->line, word, n) &&
           (lines->line_length == n || lines->line[n] == ' ' || lines->line[n] == '\t');
}

/* Segments of a stream that were put together bring their headers along. */
static bool is_comment(const transcript_lines *lines) {
    return is_block(lines, "NOTE") || is_block(lines, "STYLE") || is_block(lines, "REGION") ||
           is_block(lines, "WEBVTT");
}

affect_status transcript_parse_vtt(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t) {
    transcript_lines lines = {.text = text, .length = length};
    if (!transcript_next_line(&lines) || !is_block(&lines, "WEBVTT"))
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: line 1: expected \"WEBVTT\"", name);
    affect_status status = AFFECT_OK;
    /* The header's block, like a comment's, ends at a blank line. */
    bool in_block = true, in_header = true, more = transcript_next_line(&lines);
    while (!status && more) {
        if (blank(lines.line, lines.line_length)) {
            in_block = in_header = false;
        } else if (timing_meant(lines.line, lines.line_length)) {
            transcript_cue cue = {.confidence = NAN};
            size_t line = lines.number;
            bool good = timing_line(lines.line, lines.line_length, MOST_VTT, &cue.t0, &cue.t1);
            if (!good) bad_timing(t, line);
            cue_text c;
            cue_begin(&c, ctx, t, &cue, true);
            /* Only an empty line ends a cue (W3C); but where blanks stand for it, what follows
             * shows it. */
            while ((more = transcript_next_line(&lines)) && lines.line_length &&
                   !timing_meant(lines.line, lines.line_length)) {
                bool gap = blank(lines.line, lines.line_length);
                transcript_lines ahead = lines;
                if (gap && transcript_next_line(&ahead) && cue_ahead(&ahead, true)) break;
                cue_line(&c, lines.line, lines.line_length);
            }
            if (good)
                status = cue_take(&c, line);
            else
                cue_drop(&c);
            in_block = in_header = false;
            continue;
        } else if (is_comment(&lines)) {
            in_block = true;
        } else if (in_header && lines.line_length > 9 && !memcmp(lines.line, "Language:", 9)) {
            size_t at = 9, end = lines.line_length;
            skip_blanks(lines.line, end, &at);
            while (end > at && lines.line[end - 1] == ' ') end--;
            char *language = transcript_copy(t, lines.line + at, end - at);
            if (!language) return base_fail_memory(ctx);
            t->language = language;
        } else if (!in_block) {
            /* A cue's id: one line, and its timing line must follow. */
            size_t line = lines.number;
            more = transcript_next_line(&lines);
            if (!more || !timing_meant(lines.line, lines.line_length)) {
                transcript_malformed(t, line + 1, "expected a timing line behind the cue's id");
                in_block = true;
            }
            continue;
        }
        more = transcript_next_line(&lines);
    }
    return status;
}

/* ---- SBV, of YouTube's editor: "0:00:01.000,0:00:03.000" and the text until a blank line ---- */

static bool sbv_timing(const char *s, size_t n, affect_time *t0, affect_time *t1) {
    size_t at = 0, comma;
    skip_blanks(s, n, &at);
    for (comma = at; comma < n && s[comma] != ','; comma++) continue;
    if (comma == n || !transcript_clock(s, comma, &at, MOST_SRT, t0) || at != comma) return false;
    at = comma + 1;
    if (!transcript_clock(s, n, &at, MOST_SRT, t1)) return false;
    return blank(s + at, n - at);
}

bool transcript_is_sbv(const char *line, size_t length) {
    affect_time t0, t1;
    return sbv_timing(line, length, &t0, &t1);
}

affect_status transcript_parse_sbv(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t) {
    transcript_lines lines = {.text = text, .length = length};
    affect_status status = AFFECT_OK;
    (void)name;
    bool more = transcript_next_line(&lines);
    while (!status && more) {
        transcript_cue cue = {.confidence = NAN};
        size_t line = lines.number;
        if (blank(lines.line, lines.line_length)) {
            more = transcript_next_line(&lines);
            continue;
        }
        bool good = sbv_timing(lines.line, lines.line_length, &cue.t0, &cue.t1);
        if (!good) transcript_malformed(t, line, "expected \"H:MM:SS.mmm,H:MM:SS.mmm\"");
        cue_text c;
        cue_begin(&c, ctx, t, &cue, false);
        affect_time t0, t1;
        while ((more = transcript_next_line(&lines)) && !blank(lines.line, lines.line_length) &&
               !sbv_timing(lines.line, lines.line_length, &t0, &t1)) {
            static const char mark[] = "[br]"; /* its line end */
            const char *s = lines.line;
            size_t left = lines.line_length;
            for (const char *at; (at = find(s, left, mark));
                 s = at + 4, left = lines.line_length - (size_t)(s - lines.line))
                cue_line(&c, s, (size_t)(at - s));
            cue_line(&c, s, left);
        }
        if (good)
            status = cue_take(&c, line);
        else
            cue_drop(&c);
    }
    return status;
}
