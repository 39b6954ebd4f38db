/* SubRip and WebVTT. SubRip has no standard: what players accept is accepted here (missing hours,
 * '.' for ',', blank lines inside a cue, missing numbers). WebVTT follows W3C's "WebVTT: The Web
 * Video Text Tracks Format" (2019): header, NOTE, STYLE and REGION blocks, cue ids and settings,
 * voice tags as speakers, inline timestamps as word times, character references. */
#include <math.h>
#include <string.h>

#include "data/transcript_private.h"

/* ---- times ---- */

static bool digits(const char *s, size_t n, size_t *at, size_t most, int64_t *out, size_t *count) {
    size_t start = *at;
    *out = 0;
    while (*at < n && s[*at] >= '0' && s[*at] <= '9' && *at - start < most)
        *out = *out * 10 + (s[(*at)++] - '0');
    *count = *at - start;
    return *count > 0;
}

/* [h:]m:s[.,]fff at s[*at]; moves *at behind it. */
static bool clock_time(const char *s, size_t n, size_t *at, affect_time *out) {
    int64_t field[3] = {0}, part = 0;
    size_t fields = 0, count;
    while (fields < 3) {
        if (!digits(s, n, at, 6, &field[fields], &count)) return false;
        fields++;
        if (*at >= n || s[*at] != ':') break;
        if (fields == 3) return false;
        (*at)++;
    }
    if (fields < 2) return false;
    int64_t hours = fields == 3 ? field[0] : 0;
    int64_t minutes = field[fields - 2], seconds = field[fields - 1];
    if (minutes > 59 && fields == 3) return false;
    if (seconds > 59) return false;
    if (*at < n && (s[*at] == '.' || s[*at] == ',')) {
        (*at)++;
        if (!digits(s, n, at, 9, &part, &count)) return false;
        for (; count < 9; count++) part *= 10;
    }
    *out = ((hours * 60 + minutes) * 60 + seconds) * AFFECT_SECOND + part;
    return true;
}

static const char *find(const char *s, size_t n, const char *what) {
    size_t m = strlen(what);
    for (size_t i = 0; i + m <= n; i++)
        if (!memcmp(s + i, what, m)) return s + i;
    return NULL;
}

static void skip_blanks(const char *s, size_t n, size_t *at) {
    while (*at < n && (s[*at] == ' ' || s[*at] == '\t')) (*at)++;
}

/* "T --> T settings"; false if it is not one. */
static bool timing_line(const char *s, size_t n, affect_time *t0, affect_time *t1) {
    size_t at = 0;
    skip_blanks(s, n, &at);
    if (!clock_time(s, n, &at, t0)) return false;
    skip_blanks(s, n, &at);
    if (at + 3 > n || memcmp(s + at, "-->", 3) != 0) return false;
    at += 3;
    skip_blanks(s, n, &at);
    if (!clock_time(s, n, &at, t1)) return false;
    return at == n || s[at] == ' ' || s[at] == '\t';
}

static bool blank(const char *s, size_t n) {
    size_t at = 0;
    skip_blanks(s, n, &at);
    return at == n;
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
    if (c->vtt && clock_time(s, n, &at, &time) && at == n) {
        /* The standard wants inline times to rise within the cue; others are ignored. */
        if (time >= c->piece_t0 && time <= c->cue->t1) {
            end_piece(c, time);
            c->timed = true;
        }
        return;
    }
    if (c->vtt && n > 1 && s[0] == 'v' && (s[1] == ' ' || s[1] == '.' || s[1] == '\t')) {
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
    if (n < 3 || s[0] != '<') return false;
    if (c->vtt) return true;
    return (s[1] >= 'a' && s[1] <= 'z') || (s[1] >= 'A' && s[1] <= 'Z') || s[1] == '/';
}

static void cue_line(cue_text *c, const char *s, size_t n) {
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
    base_text_destroy(&c->plain);
    base_text_destroy(&c->piece);
    base_free(c->words.items);
    return status;
}

static void cue_begin(cue_text *c, affect_context *ctx, transcript *t, transcript_cue *cue,
                      bool vtt) {
    *c = (cue_text){.ctx = ctx, .t = t, .cue = cue, .vtt = vtt, .piece_t0 = cue->t0};
}

static affect_status bad_timing(affect_context *ctx, const char *name, size_t line) {
    return base_fail(ctx, AFFECT_ERROR_FORMAT,
                     "%s: line %zu: expected \"HH:MM:SS.mmm --> HH:MM:SS.mmm\"", name, line);
}

/* ---- SubRip ---- */

/* Whether the text ends here: the next cue's timing line follows, at once or behind its number. A
 * blank line alone does not end a cue, since many files have them inside. */
static bool srt_cue_ahead(const transcript_lines *lines) {
    transcript_lines ahead = *lines;
    affect_time t0, t1;
    if (timing_line(ahead.line, ahead.line_length, &t0, &t1)) return true;
    if (!number_line(ahead.line, ahead.line_length) || !transcript_next_line(&ahead)) return false;
    return find(ahead.line, ahead.line_length, "-->") != NULL;
}

affect_status transcript_parse_srt(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t) {
    transcript_lines lines = {.text = text, .length = length};
    affect_status status = AFFECT_OK;
    bool more = transcript_next_line(&lines);
    while (!status && more) {
        if (!find(lines.line, lines.line_length, "-->")) {
            if (!blank(lines.line, lines.line_length) &&
                !number_line(lines.line, lines.line_length))
                return base_fail(ctx, AFFECT_ERROR_FORMAT,
                                 "%s: line %zu: expected a cue number or a timing line", name,
                                 lines.number);
            more = transcript_next_line(&lines);
            continue;
        }
        transcript_cue cue = {.confidence = NAN};
        if (!timing_line(lines.line, lines.line_length, &cue.t0, &cue.t1))
            return bad_timing(ctx, name, lines.number);
        size_t line = lines.number;
        cue_text c;
        cue_begin(&c, ctx, t, &cue, false);
        while ((more = transcript_next_line(&lines))) {
            if (find(lines.line, lines.line_length, "-->") || srt_cue_ahead(&lines)) break;
            if (!blank(lines.line, lines.line_length)) cue_line(&c, lines.line, lines.line_length);
        }
        if (cue.t1 < cue.t0) {
            transcript_skip(t, line);
            size_t count = t->cue_count;
            status = cue_end(&c);
            if (!status) t->cue_count = count;
        } else {
            status = cue_end(&c);
        }
    }
    if (!status && !t->cue_count && !t->skipped)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: line 1: no cue in the file", name);
    return status;
}

/* ---- WebVTT ---- */

static bool is_block(const transcript_lines *lines, const char *word) {
    size_t n = strlen(word);
    return lines->line_length >= n && !memcmp(lines->line, word, n) &&
           (lines->line_length == n || lines->line[n] == ' ' || lines->line[n] == '\t');
}

affect_status transcript_parse_vtt(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t) {
    transcript_lines lines = {.text = text, .length = length};
    if (!transcript_next_line(&lines) || !is_block(&lines, "WEBVTT"))
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: line 1: expected \"WEBVTT\"", name);
    affect_status status = AFFECT_OK;
    /* The header's block, like a comment's, ends at a blank line. */
    bool in_block = true, more = transcript_next_line(&lines);
    while (!status && more) {
        if (blank(lines.line, lines.line_length)) {
            in_block = false;
        } else if (find(lines.line, lines.line_length, "-->")) {
            transcript_cue cue = {.confidence = NAN};
            if (!timing_line(lines.line, lines.line_length, &cue.t0, &cue.t1))
                return bad_timing(ctx, name, lines.number);
            size_t line = lines.number;
            cue_text c;
            cue_begin(&c, ctx, t, &cue, true);
            while ((more = transcript_next_line(&lines)) && !blank(lines.line, lines.line_length) &&
                   !find(lines.line, lines.line_length, "-->"))
                cue_line(&c, lines.line, lines.line_length);
            size_t count = t->cue_count, words = t->word_count;
            status = cue_end(&c);
            if (!status && cue.t1 < cue.t0) {
                transcript_skip(t, line);
                t->cue_count = count;
                t->word_count = words;
            }
            continue;
        } else if (is_block(&lines, "NOTE") || is_block(&lines, "STYLE") ||
                   is_block(&lines, "REGION")) {
            in_block = true;
        } else if (!in_block) {
            /* A cue's id: one line, and its timing line must follow. */
            size_t line = lines.number;
            more = transcript_next_line(&lines);
            if (!more || !find(lines.line, lines.line_length, "-->"))
                return base_fail(ctx, AFFECT_ERROR_FORMAT,
                                 "%s: line %zu: expected a timing line behind the cue's id", name,
                                 line + 1);
            continue;
        }
        more = transcript_next_line(&lines);
    }
    return status;
}
