/* Transcripts in rows. With a header: columns for start, end (or duration) and text, and a speaker
 * if there is one, as Whisper's .tsv (milliseconds), and exports of transcribers and spreadsheets
 * have them. Without one: Audacity's labels, "start<TAB>end<TAB>text" in seconds. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "data/table.h"
#include "transcript/transcript_private.h"

typedef struct columns {
    int start, end, duration, text, speaker;
    bool milliseconds;
} columns;

static int find(const data_table *t, const char *const *names) {
    int at = -1;
    for (; *names && at < 0; names++) at = data_table_column(t, *names);
    return at;
}

static columns find_columns(const data_table *t) {
    static const char *const start[] = {
        "start", "start_time", "begin",     "start time",           "start (s)", "start_s", "t0",
        "onset", "begin time", "starttime", "Begin Time - ss.msec", "in",        NULL};
    static const char *const start_ms[] = {"start_ms", "start (ms)", "startms", "begin_ms", NULL};
    static const char *const end[] = {
        "end",     "end_time",           "stop", "end time", "end (s)", "end_s", "t1", "offset",
        "endtime", "End Time - ss.msec", "out",  "finish",   NULL};
    static const char *const end_ms[] = {"end_ms", "end (ms)", "endms", NULL};
    static const char *const duration[] = {"duration", "duration_s", "length", NULL};
    static const char *const text[] = {"text",          "transcript", "sentence", "utterance",
                                       "transcription", "content",    "caption",  "subtitle",
                                       "label",         "words",      "word",     NULL};
    static const char *const speaker[] = {
        "speaker", "speaker_id", "speaker name", "participant", "name", "who", NULL};
    columns c = {.start = find(t, start),
                 .end = find(t, end),
                 .duration = find(t, duration),
                 .text = find(t, text),
                 .speaker = find(t, speaker)};
    if (c.start < 0 && (c.start = find(t, start_ms)) >= 0) {
        c.milliseconds = true;
        c.end = find(t, end_ms);
    }
    return c;
}

/* Seconds, or [h:]m:s. */
static bool read_time(const char *s, affect_time *out) {
    while (isspace((unsigned char)*s)) s++;
    size_t n = strlen(s), at = 0;
    while (n && isspace((unsigned char)s[n - 1])) n--;
    if (memchr(s, ':', n)) return transcript_clock(s, n, &at, 99, out) && at == n;
    return n && transcript_seconds(s, n, out);
}

/* Whisper writes whole milliseconds under the same names under which others write seconds: a cue
 * that lasts at least 100 s by the median is none. */
static bool in_milliseconds(const data_table *t, const columns *c) {
    if (c->milliseconds || c->end < 0) return c->milliseconds;
    size_t whole = 0, longer = 0, all = 0;
    for (size_t r = 0; r < t->rows; r++) {
        affect_time t0, t1;
        const char *a = data_table_cell(t, r, (size_t)c->start);
        const char *b = data_table_cell(t, r, (size_t)c->end);
        if (!read_time(a, &t0) || !read_time(b, &t1)) continue;
        all++;
        whole += !strpbrk(a, ".:,") && !strpbrk(b, ".:,");
        longer += t1 - t0 >= 100 * AFFECT_SECOND;
    }
    return all && whole == all && longer * 2 >= all;
}

static bool has_header(const char *text, size_t length) {
    size_t n = 0;
    while (n < length && text[n] != '\t' && text[n] != '\n') n++;
    affect_time unused;
    if (n < length && text[n] == '\t' && transcript_seconds(text, n, &unused)) return false;
    return true;
}

bool transcript_is_table(const char *name, const char *text, size_t length) {
    const char *end = memchr(text, '\n', length);
    size_t n = end ? (size_t)(end - text) : length;
    data_table *t = NULL;
    const data_table_options options = {.ragged = true, .plain = true};
    if (!has_header(text, length)) {
        const char *tab = memchr(text, '\t', n);
        return tab && memchr(tab + 1, '\t', n - (size_t)(tab + 1 - text));
    }
    if (n < 8 || data_table_parse(NULL, name ? name : "", text, n, &options, &t)) return false;
    columns c = find_columns(t);
    bool good = c.start >= 0 && c.text >= 0 && (c.end >= 0 || c.duration >= 0);
    data_table_destroy(t);
    return good;
}

affect_status transcript_parse_table(affect_context *ctx, const char *name, const char *text,
                                     size_t length, transcript *t) {
    bool header = has_header(text, length);
    /* Whisper's and Audacity's tabs come without quotes; other tables quote. */
    const char *line = memchr(text, '\n', length);
    bool tabs = memchr(text, '\t', line ? (size_t)(line - text) : length) != NULL;
    const data_table_options options = {
        .ragged = true, .plain = tabs, .no_header = !header, .delimiter = tabs ? '\t' : 0};
    data_table *table = NULL;
    affect_status status = data_table_parse(ctx, name, text, length, &options, &table);
    if (status) return status;
    columns c = header ? find_columns(table)
                       : (columns){.start = 0, .end = 1, .duration = -1, .text = 2, .speaker = -1};
    if (c.start < 0 || c.text < 0 || (c.end < 0 && c.duration < 0)) {
        data_table_destroy(table);
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "%s: line 1: expected columns start, end and text", name);
    }
    affect_time unit = in_milliseconds(table, &c) ? 1000 : 1;
    for (size_t r = 0; r < table->rows && !status; r++) {
        transcript_cue cue = {.confidence = NAN};
        bool good =
            read_time(data_table_cell(table, r, (size_t)c.start), &cue.t0) &&
            read_time(data_table_cell(table, r, (size_t)(c.end < 0 ? c.duration : c.end)), &cue.t1);
        if (!good) {
            transcript_malformed(t, table->line[r],
                                 "expected a start and an end in seconds or "
                                 "h:m:s");
            continue;
        }
        cue.t0 /= unit;
        cue.t1 /= unit;
        if (c.end < 0) cue.t1 += cue.t0;
        if (cue.t1 < cue.t0) {
            transcript_skip(t, table->line[r], "the end is before the start");
            continue;
        }
        const char *words = data_table_cell(table, r, (size_t)c.text);
        const char *who = c.speaker < 0 ? "" : data_table_cell(table, r, (size_t)c.speaker);
        while (isspace((unsigned char)*words)) words++;
        while (isspace((unsigned char)*who)) who++;
        cue.text = transcript_copy(t, words, strlen(words));
        cue.speaker = transcript_copy(t, who, strlen(who));
        status = cue.text && cue.speaker ? transcript_add_cue(ctx, t, &cue) : base_fail_memory(ctx);
    }
    data_table_destroy(table);
    return status;
}
