/* W3C's Timed Text Markup Language (.ttml, .dfxp, .xml; TTML1 to TTML2, EBU-TT-D, IMSC), read with
 * expat. A <p> with times is a cue; times of <body>, <div> and <p> add up, as timeContainer="par"
 * has it. <br/> is a line end, ttm:agent (or what its <ttm:name> says) the speaker. Spans with
 * times of their own in a <p> become its words. */
#include <expat.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "transcript/transcript_private.h"

enum { MOST_DEPTH = 64, MOST_AGENTS = 64 };

typedef struct level {
    affect_time t0, t1; /* t1: AFFECT_TIME_NONE if open */
} level;

typedef struct reader {
    affect_context *ctx;
    const char *name;
    transcript *t;
    XML_Parser parser;
    affect_status status;
    double frame_rate, tick_rate, sub_frame_rate;
    size_t depth;
    level levels[MOST_DEPTH];
    bool root, in_p, in_agent_name, good;
    size_t p_depth, span_depth, line;
    transcript_cue cue;
    base_text text, word, agent_name;
    affect_time word_t0, word_t1;
    struct {
        transcript_word *items;
        size_t count, capacity;
    } words;
    struct {
        const char *id, *name;
    } agents[MOST_AGENTS];
    size_t agent_count;
    const char *open_agent;
} reader;

static void stop(reader *r, affect_status status) {
    if (!r->status) r->status = status;
    XML_StopParser(r->parser, XML_FALSE);
}

/* Names of elements and attributes without their prefix: producers differ in it. */
static const char *local(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

static const char *attribute(const XML_Char **a, const char *name) {
    for (size_t i = 0; a[i]; i += 2)
        if (!strcmp(local(a[i]), name)) return a[i + 1];
    return NULL;
}

static size_t line_now(const reader *r) { return XML_GetCurrentLineNumber(r->parser); }

/* <timeExpression>: hh:mm:ss[.fff], hh:mm:ss:ff, or a number with h, m, s, ms, f or t. */
static bool time_expression(const reader *r, const char *s, affect_time *out) {
    size_t n = strlen(s), at = 0;
    while (n && strchr(" \t\n", s[n - 1])) n--;
    while (n && strchr(" \t\n", *s)) s++, n--;
    const char *last = memrchr(s, ':', n);
    size_t colons = 0;
    for (size_t i = 0; i < n; i++) colons += s[i] == ':';
    double value;
    if (colons == 3) {
        size_t head = (size_t)(last - s);
        if (!transcript_clock(s, head, &at, 60, out) || at != head ||
            !base_parse_double(last + 1, n - head - 1, &value) || !(value >= 0) || value > 1e6)
            return false;
        *out += time_from_seconds(value / r->frame_rate);
        return true;
    }
    if (colons) return transcript_clock(s, n, &at, 60, out) && at == n;
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"ms", .001}, {"h", 3600}, {"m", 60}, {"s", 1}, {"f", 0}, {"t", -1}};
    for (size_t i = 0; i < BASE_COUNT(units); i++) {
        size_t m = strlen(units[i].unit);
        if (n <= m || memcmp(s + n - m, units[i].unit, m) != 0) continue;
        if (units[i].seconds == 1) return transcript_seconds(s, n - 1, out);
        if (!base_parse_double(s, n - m, &value)) return false;
        value = units[i].seconds > 0    ? value * units[i].seconds
                : units[i].seconds == 0 ? value / r->frame_rate
                                        : value / r->tick_rate;
        if (!isfinite(value) || fabs(value) > 1e9) return false;
        *out = time_from_seconds(value);
        return true;
    }
    return transcript_seconds(s, n, out); /* without a unit: seconds, as players take it */
}

/* An element's interval from its parent's; *timed if it has a time of its own. False: not a time. */
static bool interval(const reader *r, const XML_Char **a, level parent, level *out, bool *timed) {
    const char *begin = attribute(a, "begin"), *end = attribute(a, "end"),
               *duration = attribute(a, "dur");
    affect_time value;
    *out = parent;
    *timed = begin || end || duration;
    if (begin) {
        if (!time_expression(r, begin, &value)) return false;
        out->t0 = parent.t0 + value;
    }
    if (end) {
        if (!time_expression(r, end, &value)) return false;
        out->t1 = parent.t0 + value;
    }
    if (duration) {
        if (!time_expression(r, duration, &value)) return false;
        if (!end || out->t0 + value < out->t1) out->t1 = out->t0 + value;
    }
    return true;
}

static double positive(const char *text, double otherwise) {
    double value;
    return text && base_parse_double(text, strlen(text), &value) && value > 0 && value < 1e12
               ? value
               : otherwise;
}

static void start_root(reader *r, const XML_Char **a) {
    r->frame_rate = positive(attribute(a, "frameRate"), 30);
    const char *multiplier =
        attribute(a, "frameRateMultiplier"); /* "1000 1001", once "1000:1001" */
    const char *gap = multiplier ? strpbrk(multiplier, " :") : NULL;
    double top, bottom;
    if (gap && base_parse_double(multiplier, (size_t)(gap - multiplier), &top) &&
        base_parse_double(gap + 1, strlen(gap + 1), &bottom) && top > 0 && bottom > 0)
        r->frame_rate *= top / bottom;
    r->tick_rate =
        positive(attribute(a, "tickRate"), attribute(a, "frameRate") ? r->frame_rate : 1);
    const char *language = attribute(a, "lang");
    if (language && *language) {
        char *copy = transcript_copy(r->t, language, strlen(language));
        if (!copy) stop(r, base_fail_memory(r->ctx));
        if (copy) r->t->language = copy;
    }
}

static const char *agent(const reader *r, const char *id) {
    for (size_t i = 0; i < r->agent_count; i++)
        if (!strcmp(r->agents[i].id, id)) return r->agents[i].name;
    return id;
}

static void start_p(reader *r, const XML_Char **a, const level *l, bool good) {
    const char *who = attribute(a, "agent");
    r->in_p = true;
    r->p_depth = r->depth;
    r->good = good;
    r->line = line_now(r);
    r->words.count = 0;
    base_text_clear(&r->text);
    r->cue = (transcript_cue){.t0 = l->t0, .t1 = l->t1, .confidence = NAN};
    if (who) who = agent(r, who);
    if (who && !(r->cue.speaker = transcript_copy(r->t, who, strlen(who))))
        stop(r, base_fail_memory(r->ctx));
}

static void XMLCALL on_start(void *user, const XML_Char *full, const XML_Char **a) {
    reader *r = user;
    const char *name = local(full);
    if (r->status) return;
    if (!r->root) {
        r->root = true;
        if (strcmp(name, "tt") != 0) {
            stop(r, base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                              "%s: line %zu: expected <tt>, found <%.40s>", r->name, line_now(r),
                              full));
            return;
        }
        start_root(r, a);
    }
    if (r->depth + 1 >= MOST_DEPTH) {
        stop(r, base_fail(r->ctx, AFFECT_ERROR_LIMIT, "%s: line %zu: elements %d deep", r->name,
                          line_now(r), MOST_DEPTH));
        return;
    }
    bool timed = false,
         good = interval(r, a, r->levels[r->depth], &r->levels[r->depth + 1], &timed);
    r->depth++;
    const level *l = &r->levels[r->depth];
    if (!strcmp(name, "p")) {
        start_p(r, a, l, good);
    } else if (!strcmp(name, "br") && r->in_p) {
        base_text_append(&r->text, "\n");
        if (r->span_depth) base_text_append(&r->word, " ");
    } else if (!strcmp(name, "span") && r->in_p && timed && good && !r->span_depth) {
        r->span_depth = r->depth;
        r->word_t0 = l->t0;
        r->word_t1 = l->t1;
        base_text_clear(&r->word);
    } else if (!strcmp(name, "agent")) {
        r->open_agent = attribute(a, "id");
        if (r->open_agent &&
            !(r->open_agent = transcript_copy(r->t, r->open_agent, strlen(r->open_agent))))
            stop(r, base_fail_memory(r->ctx));
    } else if (!strcmp(name, "name") && r->open_agent) {
        r->in_agent_name = true;
        base_text_clear(&r->agent_name);
    }
}

/* Runs of white space are one blank (xml:space="default"); kept line ends come from <br/>. */
static void XMLCALL on_text(void *user, const XML_Char *text, int length) {
    reader *r = user;
    for (int i = 0; i < length; i++) {
        char c = text[i] == '\n' || text[i] == '\t' || text[i] == '\r' ? ' ' : text[i];
        if (r->in_agent_name) base_text_append_n(&r->agent_name, &c, 1);
        if (!r->in_p) continue;
        size_t n = r->text.length;
        if (c != ' ' || (n && r->text.data[n - 1] != ' ' && r->text.data[n - 1] != '\n'))
            base_text_append_n(&r->text, &c, 1);
        if (r->span_depth) base_text_append_n(&r->word, &c, 1);
    }
}

static char *trimmed(reader *r, const base_text *text) {
    size_t a = 0, b = text->length;
    while (a < b && strchr(" \n", text->data[a])) a++;
    while (b > a && strchr(" \n", text->data[b - 1])) b--;
    char *copy = text->failed ? NULL : transcript_copy(r->t, b ? text->data + a : "", b - a);
    if (!copy) stop(r, base_fail_memory(r->ctx));
    return copy;
}

static void end_span(reader *r) {
    affect_time t1 = r->word_t1 == AFFECT_TIME_NONE ? r->cue.t1 : r->word_t1;
    char *text = trimmed(r, &r->word);
    r->span_depth = 0;
    if (!text || !*text || t1 == AFFECT_TIME_NONE || t1 < r->word_t0) return;
    if (!base_grow((void **)&r->words.items, &r->words.capacity, r->words.count + 1,
                   sizeof *r->words.items)) {
        stop(r, base_fail_memory(r->ctx));
        return;
    }
    r->words.items[r->words.count++] =
        (transcript_word){.t0 = r->word_t0, .t1 = t1, .text = text, .confidence = NAN};
}

/* Only spans that hold all of the text are its words: others are parts that appear later. */
static bool words_say_all(const reader *r, const char *text) {
    size_t said = 0, all = 0;
    for (size_t i = 0; i < r->words.count; i++)
        for (const char *s = r->words.items[i].text; *s; s++) said += !strchr(" \n", *s);
    for (; *text; text++) all += !strchr(" \n", *text);
    return all && said == all;
}

static void end_p(reader *r) {
    transcript_cue *cue = &r->cue;
    r->in_p = false;
    char *text = trimmed(r, &r->text);
    if (!text) return;
    cue->text = text;
    bool by_words = words_say_all(r, text);
    if (by_words && (cue->t1 == AFFECT_TIME_NONE || cue->t0 == 0)) {
        /* A <p> without times around spans that have them. */
        cue->t0 = r->words.items[0].t0;
        cue->t1 = cue->t0;
        for (size_t i = 0; i < r->words.count; i++)
            cue->t1 = BASE_MAX(cue->t1, r->words.items[i].t1);
    }
    if (!r->good || cue->t1 == AFFECT_TIME_NONE) {
        if (*text)
            transcript_malformed(r->t, r->line,
                                 r->good ? "a <p> without an end"
                                         : "a <p> whose begin or end is not a time");
        return;
    }
    if (cue->t1 < cue->t0) {
        transcript_skip(r->t, r->line, "the end is before the start");
        return;
    }
    affect_status status = transcript_add_cue(r->ctx, r->t, cue);
    for (size_t i = 0; by_words && i < r->words.count && !status; i++)
        status = transcript_add_word(r->ctx, r->t, &r->words.items[i]);
    if (status) stop(r, status);
}

static void XMLCALL on_end(void *user, const XML_Char *full) {
    reader *r = user;
    const char *name = local(full);
    if (r->status) return;
    if (r->span_depth && r->depth == r->span_depth) end_span(r);
    if (r->in_p && r->depth == r->p_depth) end_p(r);
    if (r->in_agent_name && !strcmp(name, "name")) {
        r->in_agent_name = false;
        char *said = trimmed(r, &r->agent_name);
        if (said && *said && r->agent_count < MOST_AGENTS) {
            r->agents[r->agent_count].id = r->open_agent;
            r->agents[r->agent_count++].name = said;
        }
    }
    if (!strcmp(name, "agent")) r->open_agent = NULL;
    if (r->depth) r->depth--;
}

/* Nothing here needs entities of its own; a file that declares some wants to grow. */
static void XMLCALL on_entity(void *user, const XML_Char *name, int is_parameter,
                              const XML_Char *value, int value_length, const XML_Char *base,
                              const XML_Char *system, const XML_Char *public_id,
                              const XML_Char *notation) {
    (void)is_parameter, (void)value, (void)value_length, (void)base, (void)system, (void)public_id,
        (void)notation;
    reader *r = user;
    stop(r, base_fail(
                r->ctx, AFFECT_ERROR_FORMAT,
                "%s: line %zu: the file declares the entity \"%.40s\", which TTML has no use for",
                r->name, line_now(r), name));
}

affect_status transcript_parse_ttml(affect_context *ctx, const char *name, const char *text,
                                    size_t length, transcript *t) {
    static const XML_Memory_Handling_Suite memory = {base_alloc, base_realloc, base_free};
    reader *r = base_calloc(1, sizeof *r);
    if (!r) return base_fail_memory(ctx);
    r->ctx = ctx;
    r->name = name;
    r->t = t;
    r->levels[0].t1 = AFFECT_TIME_NONE;
    r->parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    affect_status status = r->parser ? AFFECT_OK : base_fail_memory(ctx);
    if (!status) {
        XML_SetUserData(r->parser, r);
        XML_SetElementHandler(r->parser, on_start, on_end);
        XML_SetCharacterDataHandler(r->parser, on_text);
        XML_SetEntityDeclHandler(r->parser, on_entity);
        if (XML_Parse(r->parser, text, (int)length, 1) != XML_STATUS_OK && !r->status) {
            enum XML_Error code = XML_GetErrorCode(r->parser);
            if (code == XML_ERROR_NO_MEMORY)
                r->status = base_fail_memory(ctx);
            else /* what came before is good */
                transcript_malformed(t, line_now(r), "%s: what follows was not read",
                                     XML_ErrorString(code));
        }
        status = r->status;
        XML_ParserFree(r->parser);
    }
    base_text_destroy(&r->text);
    base_text_destroy(&r->word);
    base_text_destroy(&r->agent_name);
    base_free(r->words.items);
    base_free(r);
    return status;
}
