/* Lines that begin with a time in brackets. Lyrics (.lrc): "[01:02.50]text", several times a line
 * for what comes back, "<01:02.80>" before single words, [offset:MS]; a line lasts until the next.
 * And what Whisper and whisper.cpp print: "[00:00.000 --> 00:02.500]  text". */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "transcript/transcript_private.h"

/* "[T]" or "[T --> U]" at s[*at], moved behind it. *t1 is AFFECT_TIME_NONE in the first form. */
static bool stamp(const char *s, size_t n, size_t *at, char open, affect_time *t0,
                  affect_time *t1) {
    size_t i = *at;
    *t1 = AFFECT_TIME_NONE;
    if (i >= n || s[i] != open) return false;
    i++;
    while (i < n && s[i] == ' ') i++;
    if (!transcript_clock(s, n, &i, 99, t0)) return false;
    while (i < n && s[i] == ' ') i++;
    if (i + 3 < n && !memcmp(s + i, "-->", 3)) {
        i += 3;
        while (i < n && s[i] == ' ') i++;
        if (!transcript_clock(s, n, &i, 99, t1)) return false;
        while (i < n && s[i] == ' ') i++;
    }
    if (i >= n || s[i] != (open == '[' ? ']' : '>')) return false;
    *at = i + 1;
    return true;
}

bool transcript_is_lrc(const char *line, size_t length) {
    affect_time t0, t1;
    size_t at = 0, tag = 1;
    while (tag < length && ((line[tag] | 32) >= 'a' && (line[tag] | 32) <= 'z')) tag++;
    if (length && line[0] == '[' && tag > 1 && tag < length && line[tag] == ':')
        return true; /* [ar: */
    return stamp(line, length, &at, '[', &t0, &t1);
}

static int by_time(const void *a, const void *b) {
    const transcript_cue *x = a, *y = b;
    if (x->t0 != y->t0) return x->t0 < y->t0 ? -1 : 1;
    return x->first_word < y->first_word ? -1 : x->first_word > y->first_word;
}

/* The line's text without its word times, which become words. */
static affect_status add_line(affect_context *ctx, transcript *t, transcript_cue *cue,
                              const char *s, size_t n, affect_time offset) {
    base_text plain = {0};
    affect_status status = AFFECT_OK;
    affect_time t0, t1;
    for (size_t i = 0; i < n;) {
        if (!stamp(s, n, &i, '<', &t0, &t1)) base_text_append_n(&plain, s + i++, 1);
    }
    if (plain.failed) status = base_fail_memory(ctx);
    size_t a = 0, b = plain.length;
    while (a < b && plain.data[a] == ' ') a++;
    while (b > a && plain.data[b - 1] == ' ') b--;
    if (!status && !(cue->text = transcript_copy(t, plain.length ? plain.data + a : "", b - a)))
        status = base_fail_memory(ctx);
    base_text_destroy(&plain);
    if (!status) status = transcript_add_cue(ctx, t, cue);
    for (size_t i = 0; i < n && !status;) {
        if (!stamp(s, n, &i, '<', &t0, &t1)) {
            i++;
            continue;
        }
        size_t from = i, end = i;
        while (end < n && s[end] != '<') end++;
        while (from < end && s[from] == ' ') from++;
        size_t to = end;
        while (to > from && s[to - 1] == ' ') to--;
        if (to == from) continue;
        char *text = transcript_copy(t, s + from, to - from);
        size_t behind = end;
        affect_time next;
        if (!stamp(s, n, &behind, '<', &next, &t1))
            next = AFFECT_TIME_NONE;
        else
            next += offset;
        status = text ? transcript_add_word(
                            ctx, t,
                            &(transcript_word){
                                .t0 = t0 + offset, .t1 = next, .text = text, .confidence = NAN})
                      : base_fail_memory(ctx);
    }
    return status;
}

/* Lines last until the next one, the last as long as a line takes to say; words likewise. */
static void set_ends(transcript *t) {
    const affect_time last = 3 * AFFECT_SECOND;
    for (size_t i = 0; i < t->cue_count; i++) {
        transcript_cue *cue = &t->cues[i];
        if (cue->t1 == AFFECT_TIME_NONE) {
            affect_time next = i + 1 < t->cue_count ? t->cues[i + 1].t0 : cue->t0 + last;
            cue->t1 = *cue->text ? BASE_MIN(next, cue->t0 + 10 * last) : cue->t0;
        }
        affect_time before = cue->t0;
        for (size_t k = 0; k < cue->word_count; k++) {
            transcript_word *w = &t->words[cue->first_word + k];
            if (w->t1 == AFFECT_TIME_NONE) w->t1 = cue->t1;
            w->t0 = BASE_MIN(BASE_MAX(w->t0, before), cue->t1);
            w->t1 = BASE_MIN(BASE_MAX(w->t1, w->t0), cue->t1);
            before = w->t0;
        }
    }
}

affect_status transcript_parse_lrc(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t) {
    enum { MOST_TIMES = 64 }; /* a line comes back */
    transcript_lines lines = {.text = text, .length = length};
    affect_status status = AFFECT_OK;
    affect_time offset = 0;
    bool any = false, sorted = true;
    while (!status && transcript_next_line(&lines)) {
        const char *s = lines.line;
        size_t n = lines.line_length, at = 0, count = 0;
        transcript_cue cues[MOST_TIMES];
        int64_t ms;
        while (n && *s == ' ') s++, n--;
        if (n > 9 && !strncasecmp(s, "[offset:", 8) && s[n - 1] == ']') {
            const char *number = s + 8 + (s[8] == '+');
            size_t m = n - 1 - (size_t)(number - s);
            while (m && *number == ' ') number++, m--;
            /* "a positive value causes lyrics to appear sooner" */
            if (base_parse_int64(number, m, &ms) && ms > -86400000 && ms < 86400000)
                offset = -ms * AFFECT_MILLISECOND;
            continue;
        }
        while (count < MOST_TIMES) {
            transcript_cue *cue = &cues[count];
            *cue = (transcript_cue){.confidence = NAN};
            if (!stamp(s, n, &at, '[', &cue->t0, &cue->t1)) break;
            cue->t0 += offset;
            if (cue->t1 != AFFECT_TIME_NONE) cue->t1 += offset;
            count++;
        }
        any |= count > 0;
        /* [ar:...] and the like are about the file; a blank line is nothing. */
        if (!count && n && *s != '[')
            transcript_malformed(t, lines.number, "expected a line that begins with [MM:SS.cc]");
        for (size_t i = 0; i < count && !status; i++) {
            if (cues[i].t1 != AFFECT_TIME_NONE && cues[i].t1 < cues[i].t0) {
                transcript_skip(t, lines.number, "the end is before the start");
                continue;
            }
            sorted &= !t->cue_count || t->cues[t->cue_count - 1].t0 <= cues[i].t0;
            status = add_line(ctx, t, &cues[i], s + at, n - at, offset);
        }
    }
    if (status) return status;
    if (!any)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: line 1: no line begins with [MM:SS.cc]",
                         name);
    if (!sorted) qsort(t->cues, t->cue_count, sizeof *t->cues, by_time);
    set_ends(t);
    return AFFECT_OK;
}
