/* Praat TextGrid, long and short form. Both are one stream of free-standing numbers, quoted strings
 * and <flags>; all else in the long form ("xmin =", "intervals [1]:") is comment to Praat itself
 * (Praat manual, "TextGrid file formats"), so one reader serves both. */
#include <math.h>
#include <string.h>

#include "transcript/transcript_private.h"

typedef struct reader {
    affect_context *ctx;
    const char *name, *text;
    size_t length, at, line;
    transcript *t;
    base_text string; /* the last quoted string */
} reader;

typedef enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_STRING, TOKEN_FLAG } token_kind;

typedef struct token {
    token_kind kind;
    const char *start;
    size_t length, line;
} token;

static bool white(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0; }

static affect_status quoted(reader *r, token *out) {
    size_t from = ++r->at;
    base_text_clear(&r->string);
    for (; r->at < r->length; r->at++) {
        char c = r->text[r->at];
        if (c == '\n') r->line++;
        if (c != '"') continue;
        base_text_append_n(&r->string, r->text + from, r->at - from);
        if (r->at + 1 >= r->length || r->text[r->at + 1] != '"') {
            r->at++;
            out->kind = TOKEN_STRING;
            return r->string.failed ? base_fail_memory(r->ctx) : AFFECT_OK;
        }
        from = ++r->at; /* a doubled quote is one */
    }
    return base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: line %zu: a quoted string does not end",
                     r->name, out->line);
}

static affect_status next(reader *r, token *out) {
    for (;;) {
        while (r->at < r->length && white(r->text[r->at])) r->line += r->text[r->at++] == '\n';
        *out = (token){.kind = TOKEN_END, .start = r->text + r->at, .line = r->line};
        if (r->at >= r->length) return AFFECT_OK;
        char c = r->text[r->at];
        if (c == '"') return quoted(r, out);
        if (c == '!') {
            while (r->at < r->length && r->text[r->at] != '\n') r->at++;
            continue;
        }
        while (r->at < r->length && !white(r->text[r->at]) && r->text[r->at] != '"') r->at++;
        out->length = (size_t)(r->text + r->at - out->start);
        affect_time unused;
        if (c == '<')
            out->kind = TOKEN_FLAG;
        else if ((c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9')) &&
                 transcript_seconds(out->start, out->length, &unused))
            out->kind = TOKEN_NUMBER;
        if (out->kind != TOKEN_END) return AFFECT_OK;
    }
}

static affect_status expected(reader *r, const token *got, const char *what) {
    return base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: line %zu: expected %s%s", r->name, got->line,
                     what, got->kind == TOKEN_END ? ", but the file ends" : "");
}

static affect_status number(reader *r, const char *what, affect_time *out, size_t *line) {
    token k;
    affect_status status = next(r, &k);
    if (status) return status;
    if (k.kind != TOKEN_NUMBER || !transcript_seconds(k.start, k.length, out))
        return expected(r, &k, what);
    if (line) *line = k.line;
    return AFFECT_OK;
}

/* Into the arena. */
static affect_status string(reader *r, const char *what, const char **out) {
    token k;
    affect_status status = next(r, &k);
    if (status) return status;
    if (k.kind != TOKEN_STRING) return expected(r, &k, what);
    *out = transcript_copy(r->t, r->string.length ? r->string.data : "", r->string.length);
    return *out ? AFFECT_OK : base_fail_memory(r->ctx);
}

static affect_status count(reader *r, const char *what, size_t *out) {
    affect_time value;
    size_t line = 0;
    affect_status status = number(r, what, &value, &line);
    if (status) return status;
    if (value < 0 || value % AFFECT_SECOND != 0)
        return base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: line %zu: %s is not a count", r->name,
                         line, what);
    *out = (size_t)(value / AFFECT_SECOND);
    return AFFECT_OK;
}

static affect_status read_tier(reader *r) {
    token k;
    affect_status status = next(r, &k);
    if (status) return status;
    bool points = r->string.length == 8 && !memcmp(r->string.data, "TextTier", 8);
    bool intervals = r->string.length == 12 && !memcmp(r->string.data, "IntervalTier", 12);
    if (k.kind != TOKEN_STRING || (!points && !intervals))
        return expected(r, &k, "\"IntervalTier\" or \"TextTier\"");
    const char *tier = NULL;
    affect_time unused;
    size_t items = 0;
    status = string(r, "the tier's name", &tier);
    if (!status) status = number(r, "the tier's xmin", &unused, NULL);
    if (!status) status = number(r, "the tier's xmax", &unused, NULL);
    if (!status) status = count(r, "the tier's size", &items);
    for (size_t i = 0; !status && i < items; i++) {
        transcript_cue cue = {.tier = tier, .confidence = NAN, .is_point = points};
        size_t line = 0;
        status = number(r, points ? "a point's time" : "an interval's xmin", &cue.t0, &line);
        if (!status && !points) status = number(r, "an interval's xmax", &cue.t1, NULL);
        if (points) cue.t1 = cue.t0;
        if (!status)
            status = string(r, points ? "a point's mark" : "an interval's text", &cue.text);
        if (status) break;
        if (cue.t1 < cue.t0)
            transcript_skip(r->t, line, "the end is before the start");
        else
            status = transcript_add_cue(r->ctx, r->t, &cue);
    }
    return status;
}

static affect_status read_all(reader *r) {
    token k;
    const char *text = NULL;
    affect_time unused;
    size_t tiers = 0;
    affect_status status = string(r, "\"ooTextFile\"", &text);
    if (!status && strncmp(text, "ooTextFile", 10) != 0)
        status =
            base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s: line 1: expected \"ooTextFile\"", r->name);
    if (!status) status = string(r, "\"TextGrid\"", &text);
    if (!status && strcmp(text, "TextGrid") != 0)
        status = base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                           "%s: line %zu: the object is a \"%.40s\", expected a \"TextGrid\"",
                           r->name, r->line, text);
    if (!status) status = number(r, "xmin", &unused, NULL);
    if (!status) status = number(r, "xmax", &unused, NULL);
    if (!status) status = next(r, &k);
    if (!status && k.kind != TOKEN_FLAG) status = expected(r, &k, "<exists>");
    /* "<absent>": a TextGrid without tiers */
    if (!status && k.length >= 8 && !memcmp(k.start, "<absent>", 8)) return AFFECT_OK;
    if (!status) status = count(r, "the number of tiers", &tiers);
    for (size_t i = 0; !status && i < tiers; i++) status = read_tier(r);
    return status;
}

affect_status transcript_parse_textgrid(affect_context *ctx, const char *name, const char *text,
                                        size_t length, transcript *t) {
    reader r = {.ctx = ctx, .name = name, .text = text, .length = length, .line = 1, .t = t};
    affect_status status = read_all(&r);
    /* The file is one stream: after a break in the middle, what came before is good. A file that
     * ends before its own counts say so is refused, since nobody knows what is missing. */
    if (status == AFFECT_ERROR_FORMAT && t->cue_count && r.at < r.length) {
        transcript_malformed(t, r.line, "something else was expected; what follows was not read");
        status = AFFECT_OK;
    }
    base_text_destroy(&r.string);
    return status;
}
