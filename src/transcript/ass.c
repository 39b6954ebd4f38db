/* SubStation Alpha (.ssa, .ass): the lines "Dialogue:" of [Events], in the order of fields that the
 * line "Format:" gives (Aegisub's "ASS File Format Specification"). Override blocks {...} and
 * drawings are no text; {\k20} is karaoke: the time of a syllable in hundredths of a second. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "transcript/transcript_private.h"

enum { MOST_FIELDS = 32 };

typedef struct layout {
    size_t fields, start, end, name, text;
} layout;

static const layout standard = {.fields = 10, .start = 1, .end = 2, .name = 4, .text = 9};

static void trim(const char **s, size_t *n) {
    while (*n && (**s == ' ' || **s == '\t')) ++*s, --*n;
    while (*n && ((*s)[*n - 1] == ' ' || (*s)[*n - 1] == '\t')) --*n;
}

static bool key(const char *s, size_t n, const char *name, size_t *after) {
    size_t m = strlen(name);
    if (n < m || strncasecmp(s, name, m) != 0) return false;
    *after = m;
    return true;
}

static layout read_layout(const char *s, size_t n) {
    layout l = {.start = SIZE_MAX, .end = SIZE_MAX, .name = SIZE_MAX, .text = SIZE_MAX};
    for (size_t at = 0; at <= n && l.fields < MOST_FIELDS; l.fields++) {
        const char *comma = memchr(s + at, ',', n - at), *from = s + at;
        size_t m = comma ? (size_t)(comma - from) : n - at;
        at += m + 1;
        trim(&from, &m);
        size_t *to = m == 5 && !strncasecmp(from, "Start", 5)   ? &l.start
                     : m == 3 && !strncasecmp(from, "End", 3)   ? &l.end
                     : m == 4 && !strncasecmp(from, "Name", 4)  ? &l.name
                     : m == 5 && !strncasecmp(from, "Actor", 5) ? &l.name
                     : m == 4 && !strncasecmp(from, "Text", 4)  ? &l.text
                                                                : NULL;
        if (to) *to = l.fields;
    }
    return l.start == SIZE_MAX || l.end == SIZE_MAX || l.text == SIZE_MAX ? standard : l;
}

/* Plain text, and the pieces between {\k} marks. */
static affect_status take_text(affect_context *ctx, transcript *t, transcript_cue *cue,
                               const char *s, size_t n) {
    base_text plain = {0};
    struct {
        transcript_word *items;
        size_t count, capacity;
    } words = {0};
    affect_status status = AFFECT_OK;
    affect_time at = cue->t0, length = 0;
    size_t from = 0;
    bool drawing = false, karaoke = false;
    for (size_t i = 0; i <= n && !status;) {
        const char *end = i < n && s[i] == '{' ? memchr(s + i, '}', n - i) : NULL;
        bool beat = false;
        affect_time next = 0;
        if (end) {
            for (const char *c = s + i; c + 2 < end; c++) {
                if (*c != '\\') continue;
                if (c[1] == 'p' && c[2] >= '0' && c[2] <= '9') drawing = c[2] != '0';
                const char *number = c + 2 + (c[2] == 'f' || c[2] == 'o');
                if ((c[1] == 'k' || c[1] == 'K') && number < end && *number >= '0' &&
                    *number <= '9') {
                    int64_t hundredths = 0;
                    for (; number < end && *number >= '0' && *number <= '9' && hundredths < 1000000;
                         number++)
                        hundredths = hundredths * 10 + (*number - '0');
                    next += hundredths * (AFFECT_SECOND / 100);
                    beat = true;
                }
            }
            i = (size_t)(end - s) + 1;
        }
        if ((beat || i == n) && karaoke) { /* the piece that ends here */
            affect_time t1 = BASE_MIN(at + length, cue->t1);
            size_t first = from, last = plain.length;
            while (first < last && strchr(" \n", plain.data[first])) first++;
            while (last > first && strchr(" \n", plain.data[last - 1])) last--;
            /* A syllable goes on the word that it is part of. */
            bool inside =
                first == from && from && !strchr(" \n", plain.data[from - 1]) && words.count;
            size_t start = first;
            if (inside)
                while (start && !strchr(" \n", plain.data[start - 1])) start--;
            if (last > first) {
                char *text = transcript_copy(t, plain.data + start, last - start);
                if (!text || (!inside && !base_grow((void **)&words.items, &words.capacity,
                                                    words.count + 1, sizeof *words.items))) {
                    status = base_fail_memory(ctx);
                } else {
                    if (!inside)
                        words.items[words.count++] =
                            (transcript_word){.t0 = BASE_MIN(at, cue->t1), .confidence = NAN};
                    words.items[words.count - 1].text = text;
                    words.items[words.count - 1].t1 = t1;
                }
            }
            at = t1;
            from = plain.length;
        }
        if (beat) {
            karaoke = true;
            length = next;
            from = plain.length;
        }
        if (end) continue;
        if (i == n) break;
        if (s[i] == '\\' && i + 1 < n && strchr("Nnh", s[i + 1])) {
            base_text_append(&plain, s[i + 1] == 'h' ? " " : "\n");
            i += 2;
        } else {
            if (!drawing) base_text_append_n(&plain, s + i, 1);
            i++;
        }
    }
    if (!status && plain.failed) status = base_fail_memory(ctx);
    if (!status && !(cue->text = transcript_copy(t, plain.length ? plain.data : "", plain.length)))
        status = base_fail_memory(ctx);
    if (!status) status = transcript_add_cue(ctx, t, cue);
    for (size_t i = 0; i < words.count && !status; i++)
        status = transcript_add_word(ctx, t, &words.items[i]);
    base_text_destroy(&plain);
    base_free(words.items);
    return status;
}

static affect_status read_dialogue(affect_context *ctx, transcript *t, const layout *l,
                                   const char *s, size_t n, size_t line) {
    transcript_cue cue = {.confidence = NAN};
    const char *text = "", *name = "";
    size_t text_length = 0, name_length = 0, at = 0, c0 = 0, c1 = 0;
    bool start = false, end = false;
    for (size_t f = 0; f < l->fields && at <= n; f++) {
        const char *comma = memchr(s + at, ',', n - at), *from = s + at;
        size_t m = comma && f + 1 < l->fields ? (size_t)(comma - from) : n - at;
        at += m + 1;
        trim(&from, &m);
        if (f == l->start) start = transcript_clock(from, m, &c0, 99, &cue.t0) && c0 == m;
        if (f == l->end) end = transcript_clock(from, m, &c1, 99, &cue.t1) && c1 == m;
        if (f == l->name) name = from, name_length = m;
        if (f == l->text) text = from, text_length = m;
    }
    if (!start || !end) {
        transcript_malformed(t, line, "expected \"Dialogue: 0,H:MM:SS.cc,H:MM:SS.cc,...\"");
        return AFFECT_OK;
    }
    if (cue.t1 < cue.t0) {
        transcript_skip(t, line, "the end is before the start");
        return AFFECT_OK;
    }
    cue.speaker = transcript_copy(t, name, name_length);
    if (!cue.speaker) return base_fail_memory(ctx);
    return take_text(ctx, t, &cue, text, text_length);
}

affect_status transcript_parse_ass(affect_context *ctx, const char *name, const char *text,
                                   size_t length, transcript *t) {
    transcript_lines lines = {.text = text, .length = length};
    affect_status status = AFFECT_OK;
    layout l = standard;
    bool events = true; /* a file of "Dialogue:" lines alone is read too */
    size_t after, found = 0;
    while (!status && transcript_next_line(&lines)) {
        const char *s = lines.line;
        size_t n = lines.line_length;
        trim(&s, &n);
        if (n && *s == '[') events = key(s, n, "[Events]", &after);
        if (!events) continue;
        if (key(s, n, "Format:", &after)) l = read_layout(s + after, n - after);
        if (!key(s, n, "Dialogue:", &after)) continue;
        found++;
        status = read_dialogue(ctx, t, &l, s + after, n - after, lines.number);
    }
    if (!status && !found)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: line 1: no \"Dialogue:\" line in the file",
                         name);
    return status;
}
