/* A transcript file into the timeline. Cues become utterances; words take the file's times where it
 * has them, and else times in proportion to their letters, marked as interpolated. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "transcript/transcript.h"
#include "words/tokens.h"
#include "words/words_private.h"

typedef struct importer {
    affect_context *ctx;
    words_emitter *emitter;
    size_t emitted;   /* utterances */
    base_arena arena; /* of one utterance */
    size_t count, capacity;
    words_item *items;
} importer;

/* Splits a piece of text at blanks and shares out [t0, t1) by letters. */
static affect_status add_words(importer *m, const char *text, affect_time t0, affect_time t1,
                               float confidence, bool single_is_exact) {
    size_t length = strlen(text), at = 0, total = 0, words = 0;
    words_token token = {0};
    while (words_next_token(text, length, &at, &token)) {
        if (token.end == token.start) continue; /* a dash on its own */
        total += token.weight;
        words++;
    }
    if (!words) return AFFECT_OK;
    size_t before = 0;
    at = 0;
    token = (words_token){0};
    while (words_next_token(text, length, &at, &token)) {
        if (token.end == token.start) continue;
        size_t n = token.end - token.start;
        char *copy = base_arena_alloc(&m->arena, n + 1);
        if (!copy || !base_grow((void **)&m->items, &m->capacity, m->count + 1, sizeof *m->items))
            return base_fail_memory(m->ctx);
        memcpy(copy, text + token.start, n);
        double from = (double)before / (double)total;
        before += token.weight;
        double to = (double)before / (double)total;
        double span_ns = (double)(t1 - t0);
        m->items[m->count++] =
            (words_item){.t0 = t0 + (affect_time)(span_ns * from),
                         .t1 = before == total ? t1 : t0 + (affect_time)(span_ns * to),
                         .text = copy,
                         .confidence = confidence,
                         .described = token.described,
                         .interpolated = words > 1 || !single_is_exact};
    }
    return AFFECT_OK;
}

/* Line ends become blanks. */
static char *one_line(importer *m, const char *text) {
    size_t n = strlen(text);
    char *copy = base_arena_alloc(&m->arena, n + 1);
    if (!copy) return NULL;
    for (size_t i = 0; i <= n; i++) copy[i] = text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
    return copy;
}

/* ---- which tier holds what ---- */

typedef enum tier_kind { TIER_IGNORED, TIER_UTTERANCES, TIER_WORDS } tier_kind;

typedef struct tier {
    const char *name;
    tier_kind kind;
    bool is_child;
    size_t cues, tokens; /* of cues with text */
    affect_time length;
} tier;

enum { MOST_TIERS = 256, MOST_WORDS = 4096 }; /* of a file; looked at for one cue */

typedef struct tier_list {
    size_t count, capacity;
    tier *items;
} tier_list;

static bool names(const char *name, const char *const *parts) {
    for (; *parts; parts++) {
        size_t n = strlen(*parts);
        for (const char *at = name; *at; at++)
            if (!strncasecmp(at, *parts, n)) return true;
    }
    return false;
}

/* Silence as aligners write it. */
static bool is_silence(const char *text) {
    static const char *const marks[] = {"sil",   "sp",    "<sil>", "<p:>", "<p>", "#", "_",
                                        "<eps>", "[sil]", "-",     "",     "spn", NULL};
    for (size_t i = 0; marks[i]; i++)
        if (!strcasecmp(text, marks[i])) return true;
    return false;
}

static affect_status list_tiers(importer *m, const transcript *t, tier_list *out) {
    for (size_t i = 0; i < t->cue_count; i++) {
        const transcript_cue *cue = &t->cues[i];
        size_t k = out->count; /* cues of a tier stand together: the last is the likely one */
        while (k && strcmp(out->items[k - 1].name, cue->tier) != 0) k--;
        if (!k) {
            if (out->count == MOST_TIERS || !base_grow((void **)&out->items, &out->capacity,
                                                       out->count + 1, sizeof *out->items))
                return out->count == MOST_TIERS
                           ? base_fail(m->ctx, AFFECT_ERROR_LIMIT, "more than %d tiers", MOST_TIERS)
                           : base_fail_memory(m->ctx);
            out->items[out->count++] = (tier){.name = cue->tier, .is_child = cue->is_child};
            k = out->count;
        }
        if (cue->is_point || is_silence(cue->text)) continue;
        tier *of = &out->items[k - 1];
        size_t at = 0, length = strlen(cue->text);
        words_token token = {0};
        of->cues++;
        of->length += cue->t1 - cue->t0;
        while (words_next_token(cue->text, length, &at, &token)) of->tokens++;
    }
    return AFFECT_OK;
}

/* By name where the name says it; else by what is in them: one word a label and short means words.
 * Our own files, and those of the usual aligners, name their tiers. */
static void classify(tier_list *tiers) {
    static const char *const word[] = {"word", NULL};
    static const char *const text[] = {"utter",  "transcri", "sentence", "phrase", "text",
                                       "subtit", "caption",  "ortho",    NULL};
    static const char *const other[] = {"phon",    "segment", "syll",       "tone", "speaker",
                                        "episode", "media",   "expression", "gaze", "gesture",
                                        "emotion", "comment", "event",      NULL};
    bool named = false;
    for (size_t i = 0; i < tiers->count; i++) {
        tier *t = &tiers->items[i];
        t->kind = names(t->name, word)   ? TIER_WORDS
                  : names(t->name, text) ? TIER_UTTERANCES
                                         : TIER_IGNORED;
        named |= t->kind != TIER_IGNORED && t->cues > 0;
    }
    if (named) return;
    for (size_t i = 0; i < tiers->count; i++) {
        tier *t = &tiers->items[i];
        if (!t->cues || t->is_child || (names(t->name, other) && tiers->count > 1)) continue;
        bool short_ones =
            t->tokens * 10 <= t->cues * 11 && t->length / (affect_time)t->cues < AFFECT_SECOND;
        t->kind = short_ones && t->cues > 3 ? TIER_WORDS : TIER_UTTERANCES;
    }
}

static const tier *tier_of(const tier_list *tiers, const transcript_cue *cue) {
    for (size_t k = tiers->count; k-- > 0;)
        if (!strcmp(tiers->items[k].name, cue->tier)) return &tiers->items[k];
    return NULL;
}

static int by_time(const void *a, const void *b) {
    const transcript_cue *x = *(const transcript_cue *const *)a;
    const transcript_cue *y = *(const transcript_cue *const *)b;
    if (x->t0 != y->t0) return x->t0 < y->t0 ? -1 : 1;
    if (x->t1 != y->t1) return x->t1 < y->t1 ? -1 : 1;
    return x < y ? -1 : x > y; /* file order */
}

typedef struct cue_list {
    size_t count;
    const transcript_cue **items;
} cue_list;

static affect_status pick(importer *m, const transcript *t, const tier_list *tiers, tier_kind kind,
                          cue_list *out) {
    out->items = base_alloc((t->cue_count + 1) * sizeof *out->items);
    if (!out->items) return base_fail_memory(m->ctx);
    for (size_t i = 0; i < t->cue_count; i++) {
        const transcript_cue *cue = &t->cues[i];
        if (cue->is_point || tier_of(tiers, cue)->kind != kind) continue;
        if (kind == TIER_WORDS ? is_silence(cue->text) : !*cue->text) continue;
        out->items[out->count++] = cue;
    }
    qsort(out->items, out->count, sizeof *out->items, by_time);
    return AFFECT_OK;
}

/* ---- utterances ---- */

static affect_status emit(importer *m, const transcript *t, const transcript_cue *cue,
                          const char *text, affect_time t0, affect_time t1) {
    const char *language = *cue->language ? cue->language : t->language;
    bool foreign = *language && strncasecmp(language, "en", 2) != 0;
    m->emitted++;
    return words_emit(m->emitter, &(words_utterance){.t0 = t0,
                                                     .t1 = t1,
                                                     .text = text,
                                                     .speaker = cue->speaker,
                                                     .tags = cue->tags,
                                                     .confidence = cue->confidence,
                                                     .understood = true,
                                                     .foreign = foreign,
                                                     .interpolated = cue->interpolated,
                                                     .count = m->count,
                                                     .items = m->items});
}

/* A cue with the words of the word tier whose middle lies in it, or its own, or none. Words come in
 * order of time; *next is the first that no earlier cue passed by. */
static affect_status import_cue(importer *m, const transcript *t, const transcript_cue *cue,
                                const cue_list *words, size_t *next) {
    base_arena_reset(&m->arena);
    m->count = 0;
    affect_status status = AFFECT_OK;
    while (*next < words->count && (!words->items[*next] || words->items[*next]->t1 <= cue->t0))
        ++*next;
    size_t end = BASE_MIN(words->count, *next + MOST_WORDS);
    for (size_t i = *next; !status && i < end; i++) {
        const transcript_cue *w = words->items[i];
        if (!w) continue;
        if (w->t0 >= cue->t1) break;
        affect_time middle = w->t0 + (w->t1 - w->t0) / 2;
        bool same = !*w->speaker || !strcmp(w->speaker, cue->speaker);
        if (middle < cue->t0 || middle >= cue->t1 || !same) continue;
        status = add_words(m, w->text, w->t0, w->t1, w->confidence, !w->interpolated);
        words->items[i] = NULL; /* a word belongs to one utterance */
    }
    bool taken = m->count > 0;
    for (size_t i = 0; !status && !taken && i < cue->word_count; i++) {
        const transcript_word *w = &t->words[cue->first_word + i];
        status = add_words(m, w->text, w->t0, w->t1, w->confidence, !w->interpolated);
    }
    if (!status && !taken && !cue->word_count)
        status = add_words(m, cue->text, cue->t0, cue->t1, cue->confidence, false);
    char *text = status ? NULL : one_line(m, cue->text);
    if (!status && !text) status = base_fail_memory(m->ctx);
    return status ? status : emit(m, t, cue, text, cue->t0, cue->t1);
}

/* Words without utterances: a pause of half a second ends one (as Vosk's endpointing does). */
static affect_status import_words(importer *m, const transcript *t, const cue_list *words) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < words->count;) {
        base_arena_reset(&m->arena);
        m->count = 0;
        const transcript_cue *first = words->items[i];
        affect_time t1 = first->t1;
        for (; !status && i < words->count && words->items[i]->t0 - t1 < AFFECT_SECOND / 2 &&
               m->count < 64;
             i++) {
            const transcript_cue *w = words->items[i];
            status = add_words(m, w->text, w->t0, w->t1, w->confidence, !w->interpolated);
            t1 = BASE_MAX(t1, w->t1);
        }
        if (!status && m->count) status = emit(m, t, first, NULL, first->t0, t1);
    }
    return status;
}

static affect_status import_all(importer *m, const transcript *t) {
    tier_list tiers = {0};
    cue_list utterances = {0}, words = {0};
    affect_status status = list_tiers(m, t, &tiers);
    if (!status) classify(&tiers);
    if (!status) status = pick(m, t, &tiers, TIER_UTTERANCES, &utterances);
    if (!status) status = pick(m, t, &tiers, TIER_WORDS, &words);
    size_t next = 0;
    for (size_t i = 0; !status && i < utterances.count; i++)
        status = import_cue(m, t, utterances.items[i], &words, &next);
    if (!status && !utterances.count) status = import_words(m, t, &words);
    base_free(utterances.items);
    base_free(words.items);
    base_free(tiers.items);
    return status;
}

/* ---- cues and the recording ---- */

/* No recording that this program can hold is longer, and everything after this room has a row for
 * each instant up to the last word: one cue at 99999 hours would cost gigabytes. */
#define LATEST (100 * 3600 * AFFECT_SECOND)

typedef struct placement {
    affect_time length; /* AFFECT_TIME_NONE: unknown */
    size_t all, outside, late, cut;
    affect_time first_outside, first_late, first, last; /* of all cues */
} placement;

static affect_time clamp(affect_time t, affect_time length) {
    if (length != AFFECT_TIME_NONE && t > length) t = length;
    return BASE_MAX(t, (affect_time)0);
}

/* Moves all times; cues that lie outside are taken out, those that reach beyond are cut. */
static placement place_cues(transcript *t, affect_time offset, affect_time length) {
    const affect_time usual = 2 * AFFECT_SECOND; /* that a last line stays on the screen */
    placement p = {.length = length, .all = t->cue_count, .first = INT64_MAX, .last = INT64_MIN};
    size_t kept = 0;
    for (size_t i = 0; i < p.all; i++) {
        transcript_cue cue = t->cues[i];
        if (cue.t1 > LATEST || cue.t0 < -LATEST) {
            if (!p.late++) p.first_late = cue.t0;
            continue;
        }
        cue.t0 += offset;
        cue.t1 += offset;
        p.first = BASE_MIN(p.first, cue.t0);
        p.last = BASE_MAX(p.last, cue.t1);
        bool before = cue.t1 <= 0 && cue.t0 < 0;
        if (before || (length != AFFECT_TIME_NONE && cue.t0 >= length)) {
            if (!p.outside++) p.first_outside = cue.t0;
            continue;
        }
        p.cut += cue.t0 < 0 || (length != AFFECT_TIME_NONE && cue.t1 > length + usual);
        cue.t0 = clamp(cue.t0, length);
        cue.t1 = clamp(cue.t1, length);
        for (size_t k = 0; k < cue.word_count; k++) {
            transcript_word *w = &t->words[cue.first_word + k];
            w->t0 = clamp(w->t0 + offset, length);
            w->t1 = clamp(w->t1 + offset, length);
        }
        t->cues[kept++] = cue;
    }
    t->cue_count = kept;
    return p;
}

/* Programme time codes begin at a whole hour (1:00:00, often 10:00:00): the hours to take away so
 * that all cues lie in the recording, 0 if there are none. */
static int64_t hours_that_fit(const placement *p) {
    const affect_time hour = 3600 * AFFECT_SECOND;
    if (p->length == AFFECT_TIME_NONE || p->outside + p->late != p->all || p->first < hour)
        return 0;
    int64_t hours = p->first / hour;
    return p->last - hours * hour <= p->length + 2 * AFFECT_SECOND ? hours : 0;
}

static affect_status say_placement(affect_context *ctx, const char *path, const placement *p,
                                   affect_time offset, affect_timeline *timeline) {
    affect_status status = AFFECT_OK;
    char clock[TIME_TEXT_SIZE], end[TIME_TEXT_SIZE], advice[120] = "";
    if (p->late)
        status = timeline_warn(
            ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
            "%s: %zu cues left out: they lie beyond 100 hours, the first at %.0f hours", path,
            p->late, time_to_seconds(p->first_late) / 3600);
    if (p->outside && !status) {
        int64_t hours = hours_that_fit(p);
        if (hours)
            snprintf(advice, sizeof advice, "; they fit with --subtitles-offset %g",
                     time_to_seconds(offset) - 3600.0 * (double)hours);
        bool known = p->length != AFFECT_TIME_NONE;
        bool negative = p->first_outside < 0;
        status = timeline_warn(
            ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
            "%s: %zu of %zu cues lie outside of the recording%s%s%s and were left out, the first "
            "at "
            "%s%s%s",
            path, p->outside, p->all, known ? " (its end is " : "",
            known ? time_to_clock(p->length, end) : "", known ? ")" : "", negative ? "-" : "",
            time_to_clock(negative ? -p->first_outside : p->first_outside, clock), advice);
    }
    if (p->cut && !status)
        status =
            timeline_warn(ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                          "%s: %zu cues reach beyond the recording and were cut", path, p->cut);
    return status;
}

/* What the reader left out or took for granted. */
static affect_status say_reading(affect_context *ctx, const char *path, const transcript *t,
                                 affect_timeline *timeline) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < t->note_count && !status; i++)
        status = timeline_warn(ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE, "%s: %s", path,
                               t->notes[i]);
    if (!t->skipped || status) return status;
    char line[40] = "";
    if (t->skipped_line) snprintf(line, sizeof line, " at line %zu", t->skipped_line);
    return timeline_warn(ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                         "%s: %zu cue%s or stray line%s left out, the first%s: %s", path,
                         t->skipped, t->skipped == 1 ? "" : "s", t->skipped == 1 ? "" : "s", line,
                         t->skipped_reason);
}

static affect_status say_unscored(const importer *m, const char *path, const transcript *t,
                                  affect_timeline *timeline) {
    affect_time first;
    char clock[TIME_TEXT_SIZE];
    size_t n = words_emitter_unscored(m->emitter, &first);
    if (!n) return AFFECT_OK;
    bool said = *t->language && strncasecmp(t->language, "en", 2) != 0;
    return timeline_warn(m->ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                         "%s: %zu of %zu lines were not scored, the first at %s: %s%s%s", path, n,
                         m->emitted, time_to_clock(first, clock),
                         said ? "the file says that its language is \""
                              : "they are not English, or hold too few words that are known",
                         said ? t->language : "", said ? "\", and only English is scored" : "");
}

static affect_status import_transcript(affect_context *ctx, const char *path,
                                       const words_options *options, transcript *t,
                                       affect_timeline *timeline) {
    words_options chosen = options ? *options : words_options_default();
    importer m = {.ctx = ctx};
    base_arena_init(&m.arena, 0);
    affect_status status = words_emitter_create(ctx, &chosen, timeline, &m.emitter);
    if (!status) status = say_reading(ctx, path, t, timeline);
    if (!status) {
        placement p = place_cues(t, chosen.offset, chosen.length);
        status = say_placement(ctx, path, &p, chosen.offset, timeline);
    }
    if (!status) status = import_all(&m, t);
    if (!status) status = say_unscored(&m, path, t, timeline);
    words_emitter_destroy(m.emitter);
    base_arena_destroy(&m.arena);
    base_free(m.items);
    return status;
}

affect_status words_import_with(affect_context *ctx, const char *path, const words_options *options,
                                affect_timeline *timeline) {
    transcript t;
    affect_status status = transcript_read(ctx, path, &t);
    if (status) return status;
    status = import_transcript(ctx, path, options, &t, timeline);
    transcript_destroy(&t);
    return status;
}

affect_status words_import_bytes(affect_context *ctx, const char *name, const char *bytes,
                                 size_t length, const words_options *options,
                                 affect_timeline *timeline) {
    transcript t;
    transcript_format format = transcript_detect(name, bytes, length);
    affect_status status = transcript_parse(ctx, name, format, bytes, length, &t);
    if (status) return status;
    status = import_transcript(ctx, name, options, &t, timeline);
    transcript_destroy(&t);
    return status;
}

affect_status words_import(affect_context *ctx, const char *path, affect_timeline *timeline) {
    return words_import_with(ctx, path, NULL, timeline);
}

/* ---- text that comes piece by piece: the importer without a file ---- */

struct words_text {
    importer importer;
};

affect_status words_text_create(affect_context *ctx, const words_options *options,
                                affect_timeline *timeline, words_text **out) {
    words_options chosen = options ? *options : words_options_default();
    *out = NULL;
    words_text *w = base_calloc(1, sizeof *w);
    if (!w) return base_fail_memory(ctx);
    w->importer.ctx = ctx;
    base_arena_init(&w->importer.arena, 0);
    affect_status status = words_emitter_create(ctx, &chosen, timeline, &w->importer.emitter);
    if (status != AFFECT_OK) {
        words_text_destroy(w);
        return status;
    }
    *out = w;
    return AFFECT_OK;
}

affect_status words_text_push(words_text *w, affect_time t0, affect_time t1, const char *text) {
    char *clean = base_utf8_clean(text, strlen(text));
    if (!clean) return base_fail_memory(w->importer.ctx);
    const transcript nothing = {.language = ""};
    const cue_list none = {0};
    size_t next = 0;
    const transcript_cue cue = {.t0 = t0,
                                .t1 = t1,
                                .text = clean,
                                .tier = "",
                                .speaker = "",
                                .tags = "",
                                .language = "",
                                .confidence = NAN};
    affect_status status = import_cue(&w->importer, &nothing, &cue, &none, &next);
    base_free(clean);
    return status;
}

void words_text_destroy(words_text *w) {
    if (!w) return;
    words_emitter_destroy(w->importer.emitter);
    base_arena_destroy(&w->importer.arena);
    base_free(w->importer.items);
    base_free(w);
}
