/* What stands in the text of a cue and is not its words: the repeats of captions that roll up, tags
 * of recognisers (SenseVoice's <|HAPPY|>, Whisper's <|0.00|>), and marks of who speaks. */
#include <string.h>
#include <strings.h>

#include "transcript/transcript_private.h"

static bool white(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Moves both behind their common tokens; false if they differ before one of them ends. */
static bool pass_common(const char **a, const char **b) {
    const char *x = *a, *y = *b;
    for (;;) {
        while (white(*x)) x++;
        while (white(*y)) y++;
        *a = x;
        *b = y;
        if (!*x || !*y) return true;
        while (*x && !white(*x) && *x == *y) x++, y++;
        if ((*x && !white(*x)) || (*y && !white(*y))) return false;
    }
}

/* Takes the first `n` bytes of the cue's text away, and the words that were made of them. */
static affect_status drop_front(affect_context *ctx, transcript *t, transcript_cue *cue, size_t n) {
    char *front = transcript_copy(t, cue->text, n);
    if (!front) return base_fail_memory(ctx);
    const char *left = front;
    cue->text += n;
    while (white(*cue->text)) cue->text++;
    while (cue->word_count) {
        transcript_word *w = &t->words[cue->first_word];
        const char *word = w->text;
        if (!pass_common(&left, &word)) break;
        w->text = word;
        if (*word) break; /* the front ended in the middle of this piece */
        cue->first_word++;
        cue->word_count--;
        if (!*left) break;
    }
    return AFFECT_OK;
}

/* ---- captions that roll up ---- */

enum { MOST_ROLLED = 2000 }; /* bytes of a caption that could be on a screen */

/* How many bytes of `text` say again what the last lines of `before` said: the most lines that do,
 * whole; 0 if none. */
static size_t repeated(const char *before, const char *text) {
    if (strlen(before) > MOST_ROLLED) return 0;
    for (const char *line = before; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *x = line, *y = text;
        if (*line && pass_common(&x, &y) && !*x) return (size_t)(y - text);
    }
    return 0;
}

/* YouTube shows each line twice: while it is spoken and, moved up, while the next one is; between
 * the two stands a cue of 10 ms. Converters to SubRip keep all of it. Whoever really says a thing
 * twice is safe: only a file in which this is the rule is taken so. */
affect_status transcript_unroll(affect_context *ctx, transcript *t) {
    const affect_time flash = 60 * AFFECT_MILLISECOND, near = AFFECT_SECOND / 2;
    size_t pairs = 0, rolls = 0, dropped = 0, cut = 0;
    for (size_t i = 1; i < t->cue_count; i++) {
        const transcript_cue *a = &t->cues[i - 1], *b = &t->cues[i];
        if (b->t0 > a->t1 + near || b->t0 < a->t0) continue;
        pairs++;
        size_t n = repeated(a->text, b->text);
        rolls += n && (b->text[n] || b->t1 - b->t0 <= flash);
    }
    if (rolls < 2 || rolls * 3 < pairs) return AFFECT_OK;
    const char *before = "";
    affect_time before_t0 = 0, before_t1 = INT64_MIN / 2;
    size_t kept = 0;
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < t->cue_count && !status; i++) {
        transcript_cue cue = t->cues[i];
        size_t n =
            cue.t0 <= before_t1 + near && cue.t0 >= before_t0 ? repeated(before, cue.text) : 0;
        before = cue.text;
        before_t0 = cue.t0;
        before_t1 = cue.t1;
        bool whole = n && !cue.text[n];
        dropped += whole;
        cut += n && !whole;
        if (whole) continue;
        if (n) status = drop_front(ctx, t, &cue, n);
        t->cues[kept++] = cue;
    }
    t->cue_count = kept;
    if (status) return status;
    return transcript_note(
        ctx, t,
        "the captions roll up: lines that %zu cues repeat, and %zu cues that say "
        "nothing new, were read once",
        cut, dropped);
}

/* ---- tags ---- */

static bool is_language_tag(const char *s, size_t n) {
    if (n == 4 && !strncmp(s, "auto", 4)) return false;
    return (n == 2 || n == 3) && s[0] >= 'a' && s[0] <= 'z' && s[1] >= 'a' && s[1] <= 'z' &&
           s[n - 1] >= 'a' && s[n - 1] <= 'z' && strncmp(s, "itn", n) != 0;
}

/* Switches and times of the recogniser, which say nothing about what was heard. */
static bool is_switch(const char *s, size_t n) {
    static const char *const names[] = {
        "withitn",           "woitn",     "nospeech",    "auto",      "transcribe",  "translate",
        "startoftranscript", "endoftext", "EMO_UNKNOWN", "Event_UNK", "startofprev", "startoflm",
        "notimestamps"};
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (strlen(names[i]) == n && !strncasecmp(s, names[i], n)) return true;
    return n && s[0] >= '0' && s[0] <= '9';
}

/* Without its tags; what they say goes to the cue if there is one. NULL on no memory. */
static const char *without_tags(transcript *t, const char *text, transcript_cue *cue) {
    if (!strstr(text, "<|") && !strstr(text, "[SPEAKER_TURN]")) return text;
    size_t n = strlen(text), tags = cue ? strlen(cue->tags) : 0;
    char *plain = base_arena_alloc(&t->arena, n + 1);
    char *said = base_arena_alloc(&t->arena, tags + n + 2);
    if (!plain || !said) return NULL;
    if (tags) memcpy(said, cue->tags, tags);
    size_t out = 0;
    for (const char *s = text; *s;) {
        const char *end = !strncmp(s, "<|", 2) ? strstr(s + 2, "|>") : NULL;
        if (!strncmp(s, "[SPEAKER_TURN]", 14)) {
            s += 14;
        } else if (!end || end - s > 40) {
            plain[out++] = *s++;
        } else {
            const char *name = s + 2;
            size_t m = (size_t)(end - name);
            if (cue && is_language_tag(name, m)) {
                if (!(cue->language = transcript_copy(t, name, m))) return NULL;
            } else if (m && !is_switch(name, m)) {
                if (tags) said[tags++] = ' ';
                memcpy(said + tags, name, m);
                tags += m;
            }
            s = end + 2;
        }
    }
    while (out && white(plain[out - 1])) out--;
    plain[out] = 0;
    if (cue) cue->tags = said;
    while (white(*plain)) plain++;
    return plain;
}

/* Nothing but the recogniser's word for silence: "[BLANK_AUDIO]", "(silence)", "[ Pause ]". */
static bool is_silence(const char *s) {
    static const char *const names[] = {"blank_audio", "blank audio", "silence",
                                        "no speech",   "no_speech",   "pause"};
    size_t n = strlen(s);
    if (n < 3 || !((s[0] == '[' && s[n - 1] == ']') || (s[0] == '(' && s[n - 1] == ')')))
        return false;
    s++;
    n -= 2;
    while (n && white(*s)) s++, n--;
    while (n && white(s[n - 1])) n--;
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (strlen(names[i]) == n && !strncasecmp(s, names[i], n)) return true;
    return false;
}

/* ---- who speaks ---- */

typedef struct mark {
    const char *name;
    size_t length; /* 0: another one, nobody knows who */
    size_t taken;  /* bytes of the text, with the mark's sign */
    bool certain;  /* by its form; else it takes a second one of that name */
} mark;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* "speaker 1", "SPEAKER_00", "spk1", "S2", "Participant B", and the same in other languages. */
static bool is_role(const char *s, size_t n) {
    static const char *const roles[] = {
        "speaker",
        "spk",
        "participant",
        "person",
        "interviewer",
        "interviewee",
        "interviewed",
        "moderator",
        "host",
        "guest",
        "patient",
        "therapist",
        "unknown",
        "sprecher",
        "sprecherin",
        "locuteur",
        "hablante",
        "orador",
        "voice",
        "s",
        "\xE8\xAF\xB4\xE8\xAF\x9D\xE4\xBA\xBA",             /* 说话人 */
        "\xE8\xA9\xB1\xE8\x80\x85",                         /* 話者 */
        "\xD1\x81\xD0\xBF\xD0\xB8\xD0\xBA\xD0\xB5\xD1\x80", /* спикер */
        "\xD0\xA1\xD0\xBF\xD0\xB8\xD0\xBA\xD0\xB5\xD1\x80"};
    for (size_t i = 0; i < BASE_COUNT(roles); i++) {
        size_t m = strlen(roles[i]);
        if (n < m || strncasecmp(s, roles[i], m) != 0) continue;
        size_t at = m, numbers = 0;
        while (at < n && (s[at] == ' ' || s[at] == '_' || s[at] == '-' || s[at] == '#')) at++;
        if (m == 1 && at > m) continue; /* "S 1" is no speaker, "S1" is */
        while (at < n && (is_digit(s[at]) || s[at] == '?')) at++, numbers++;
        if (!numbers && m > 1 && at < n && at > m && ((s[at] | 32) >= 'a' && (s[at] | 32) <= 'z'))
            at++, numbers++; /* "Speaker B" */
        if (at == n && (numbers || m > 1)) return true;
    }
    return false;
}

static int script_case(uint32_t c) {
    if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE) || (c >= 0x391 && c <= 0x3A9) ||
        (c >= 0x400 && c <= 0x42F))
        return 1;
    if ((c >= 'a' && c <= 'z') || (c >= 0xDF && c <= 0xFF) || (c >= 0x3B1 && c <= 0x3C9) ||
        (c >= 0x430 && c <= 0x45F))
        return -1;
    return 0;
}

/* At most four words without punctuation, each with a capital, a number or of a script without
 * case. *shouted: no small letter in it, and more than one capital. */
static bool is_name(const char *s, size_t n, bool *shouted) {
    size_t words = 0, capitals = 0, small = 0, letters = 0;
    bool start = true;
    if (!n || n > 60) return false;
    for (size_t at = 0; at < n;) {
        uint32_t c = base_utf8_next(s, n, &at);
        if (c == ' ' || c == '_') {
            start = true;
            continue;
        }
        int which = script_case(c);
        bool joiner = c == '-' || c == '\'' || c == 0x2019 || c == '#' || c == '&' || c == '/';
        bool dot = c == '.' && capitals; /* "DR. SMITH" */
        bool letter = which || (c >= '0' && c <= '9') ||
                      (c > 0xFF && !(c >= 0x2000 && c <= 0x206F) && !(c >= 0x3000 && c <= 0x303F) &&
                       !(c >= 0xFF00 && c <= 0xFF1F));
        if (!letter && !joiner && !dot) return false;
        if (start && letter) {
            if (which < 0) return false;
            words++;
            start = false;
        }
        capitals += which > 0;
        small += which < 0;
        letters += letter;
    }
    *shouted = !small && capitals > 1;
    return letters && words <= 4 && !is_digit(s[0]);
}

static size_t colon_at(const char *s) {
    if (*s == ':') return 1;
    return !strncmp(s, "\xEF\xBC\x9A", 3) ? 3 : 0; /* the full-width one */
}

static bool read_mark(const char *text, mark *out) {
    const char *s = text;
    bool arrows = false;
    *out = (mark){0};
    while (white(*s)) s++;
    if (!strncmp(s, ">>", 2)) {
        arrows = true;
        while (*s == '>' || white(*s)) s++;
    } else if (*s == '-' && s[1] != '-') { /* "- ANNA: " in a dialogue */
        s++;
        while (white(*s)) s++;
    }
    const char *name = s;
    char close = *s == '[' ? ']' : *s == '(' ? ')' : 0;
    size_t n = 0, sign;
    bool shouted = false;
    if (close) {
        name++;
        while (name[n] && name[n] != close && name[n] != '\n') n++;
        if (name[n] == close) {
            s = name + n + 1;
            while (*s == ' ') s++;
            sign = colon_at(s);
            size_t length = n;
            while (length && white(name[length - 1])) length--;
            const char *first = name;
            while (length && white(*first)) first++, length--;
            if (is_role(first, length) || (sign && is_name(first, length, &shouted))) {
                *out = (mark){first, length, (size_t)(s - text) + sign, true};
                return true;
            }
        }
        s = name - 1; /* arrows before a remark */
    } else {
        while (s[n] && s[n] != '\n' && !colon_at(s + n) && n < 61) n++;
        sign = colon_at(s + n);
        size_t length = n;
        while (length && s[length - 1] == ' ') length--;
        char next = sign ? s[n + sign] : 0;
        bool stands = sign == 3 || (sign && (white(next) || !next));
        if (stands && (is_role(s, length) || is_name(s, length, &shouted))) {
            *out = (mark){s, length, (size_t)(s - text) + n + sign,
                          arrows || shouted || is_role(s, length)};
            return true;
        }
    }
    if (!arrows) return false;
    *out = (mark){s, 0, (size_t)(s - text), true};
    return true;
}

enum { MOST_NAMES = 256 };

typedef struct names {
    size_t count;
    struct {
        const char *name;
        size_t length, seen;
    } items[MOST_NAMES];
} names;

static size_t *seen(names *list, const mark *m) {
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].length == m->length && !memcmp(list->items[i].name, m->name, m->length))
            return &list->items[i].seen;
    if (list->count == MOST_NAMES) return NULL;
    list->items[list->count].name = m->name;
    list->items[list->count].length = m->length;
    return &list->items[list->count++].seen;
}

static const char *next_line(const char *s) {
    s = strchr(s, '\n');
    return s ? s + 1 : NULL;
}

static bool says_more(const char *s) {
    while (white(*s)) s++;
    return *s != 0;
}

static bool takes(names *list, const char *line, mark *m) {
    if (!read_mark(line, m) || !says_more(line + m->taken)) return false;
    size_t *times = m->certain || !m->length ? NULL : seen(list, m);
    return m->certain || (times && *times > 1);
}

/* A cue in which several persons speak, a line each, becomes several, which share its time by the
 * length of their text. */
static affect_status split_cue(affect_context *ctx, transcript *t, const transcript_cue *whole,
                               names *list) {
    size_t total = strlen(whole->text), before = 0;
    affect_status status = AFFECT_OK;
    for (const char *from = whole->text; from && !status;) {
        mark m = {0};
        bool marked = takes(list, from, &m);
        const char *end = next_line(from), *text = from + (marked ? m.taken : 0);
        mark other;
        while (end && !takes(list, end, &other)) end = next_line(end);
        size_t n = end ? (size_t)(end - from) : strlen(from);
        transcript_cue cue = *whole;
        double length = (double)(whole->t1 - whole->t0);
        while (text < from + n && white(*text)) text++;
        size_t left = text < from + n ? (size_t)(from + n - text) : 0;
        while (left && white(text[left - 1])) left--;
        from = end;
        before += n;
        if (!left) continue; /* a name, and then the next person's line */
        cue.text = transcript_copy(t, text, left);
        if (marked && m.length) cue.speaker = transcript_copy(t, m.name, m.length);
        if (!cue.text || !cue.speaker) return base_fail_memory(ctx);
        cue.interpolated = true;
        cue.t0 = whole->t0 + (affect_time)(length * (double)(before - n) / (double)total);
        cue.t1 =
            end ? whole->t0 + (affect_time)(length * (double)before / (double)total) : whole->t1;
        status = transcript_add_cue(ctx, t, &cue);
    }
    return status;
}

static affect_status take_speaker(affect_context *ctx, transcript *t, transcript_cue *cue,
                                  names *list) {
    mark m;
    if (!takes(list, cue->text, &m)) return AFFECT_OK;
    if (*cue->speaker) { /* the file says it already; a mark that says the same is no speech */
        if (m.length != strlen(cue->speaker) || strncasecmp(m.name, cue->speaker, m.length) != 0)
            return AFFECT_OK;
    } else if (m.length && !(cue->speaker = transcript_copy(t, m.name, m.length))) {
        return base_fail_memory(ctx);
    }
    return drop_front(ctx, t, cue, m.taken);
}

static bool has_several(names *list, const transcript_cue *cue) {
    mark first = {0}, m;
    size_t marks = 0;
    bool differ = false;
    if (cue->word_count || *cue->speaker) return false;
    for (const char *line = cue->text; line; line = next_line(line)) {
        if (!takes(list, line, &m)) continue;
        if (marks++ && (m.length != first.length || memcmp(m.name, first.name, m.length) != 0))
            differ = true;
        if (marks == 1) first = m;
    }
    return marks > 1 && differ;
}

affect_status transcript_take_marks(affect_context *ctx, transcript *t) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < t->cue_count; i++) {
        transcript_cue *cue = &t->cues[i];
        const char *text = without_tags(t, cue->text, cue);
        if (!text) return base_fail_memory(ctx);
        cue->text = is_silence(text) ? "" : text;
        for (size_t w = 0; w < cue->word_count; w++) {
            transcript_word *word = &t->words[cue->first_word + w];
            word->text = without_tags(t, word->text, NULL);
            if (!word->text) return base_fail_memory(ctx);
        }
    }
    names *list = base_calloc(1, sizeof *list);
    if (!list) return base_fail_memory(ctx);
    bool several = false;
    for (size_t i = 0; i < t->cue_count; i++)
        for (const char *line = t->cues[i].text; line; line = next_line(line)) {
            mark m;
            if (!read_mark(line, &m) || !m.length || !says_more(line + m.taken)) continue;
            size_t *times = seen(list, &m);
            if (times) *times += m.certain ? 2 : 1;
        }
    for (size_t i = 0; i < t->cue_count && !several; i++) several = has_several(list, &t->cues[i]);
    size_t count = t->cue_count;
    transcript_cue *old = t->cues;
    if (several) {
        t->cues = NULL;
        t->cue_count = t->cue_capacity = 0;
    }
    for (size_t i = 0; i < count && !status; i++) {
        transcript_cue *cue = &old[i];
        if (several && has_several(list, cue)) {
            status = split_cue(ctx, t, cue, list);
            continue;
        }
        status = take_speaker(ctx, t, cue, list);
        if (status || !several) continue;
        size_t first = cue->first_word, words = cue->word_count;
        status = transcript_add_cue(ctx, t, cue);
        if (status) break;
        t->cues[t->cue_count - 1].first_word = first;
        t->cues[t->cue_count - 1].word_count = words;
    }
    if (several) base_free(old);
    base_free(list);
    return status;
}
