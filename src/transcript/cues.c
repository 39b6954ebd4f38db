/* What the readers of transcripts share: lines and numbers, the list of cues. */
#include <math.h>
#include <string.h>

#include "transcript/transcript_private.h"

/* ---- lines and numbers ---- */

bool transcript_next_line(transcript_lines *lines) {
    /* Files that were put together carry the byte-order marks of their parts. */
    while (lines->length - lines->at >= 3 && !memcmp(lines->text + lines->at, "\xEF\xBB\xBF", 3))
        lines->at += 3;
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
    if (!c->tags) c->tags = "";
    if (!c->language) c->language = "";
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

AFFECT_PRINTF(2, 0)
static char *format_copy(transcript *t, const char *format, va_list arguments) {
    char text[300];
    vsnprintf(text, sizeof text, format, arguments);
    return transcript_copy(t, text, strlen(text));
}

AFFECT_PRINTF(3, 0)
static void skip(transcript *t, size_t line, const char *format, va_list arguments) {
    if (t->skipped++) return;
    const char *reason = format_copy(t, format, arguments);
    t->skipped_line = line;
    t->skipped_reason = reason ? reason : "";
}

void transcript_skip(transcript *t, size_t line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    skip(t, line, format, arguments);
    va_end(arguments);
}

void transcript_malformed(transcript *t, size_t line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    skip(t, line, format, arguments);
    va_end(arguments);
    t->malformed = true;
}

affect_status transcript_note(affect_context *ctx, transcript *t, const char *format, ...) {
    if (!base_grow((void **)&t->notes, &t->note_capacity, t->note_count + 1, sizeof *t->notes))
        return base_fail_memory(ctx);
    va_list arguments;
    va_start(arguments, format);
    const char *note = format_copy(t, format, arguments);
    va_end(arguments);
    if (!note) return base_fail_memory(ctx);
    t->notes[t->note_count++] = note;
    return AFFECT_OK;
}

void transcript_destroy(transcript *t) {
    if (!t) return;
    base_free(t->cues);
    base_free(t->words);
    base_free(t->notes);
    base_arena_destroy(&t->arena);
    *t = (transcript){0};
}
