/* A transcript file into the timeline. Cues become utterances; words take the file's times where it
 * has them, and else times in proportion to their letters, marked as interpolated. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "data/transcript.h"
#include "words/private.h"
#include "words/tokens.h"

typedef struct importer {
    affect_context *ctx;
    words_emitter *emitter;
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

static affect_status import_cue(importer *m, const transcript *t, const transcript_cue *cue) {
    base_arena_reset(&m->arena);
    m->count = 0;
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < cue->word_count; i++) {
        const transcript_word *w = &t->words[cue->first_word + i];
        status = add_words(m, w->text, w->t0, w->t1, w->confidence, true);
    }
    if (!status && !cue->word_count)
        status = add_words(m, cue->text, cue->t0, cue->t1, cue->confidence, false);
    char *text = status ? NULL : one_line(m, cue->text);
    if (!status && !text) status = base_fail_memory(m->ctx);
    if (status) return status;
    return words_emit(m->emitter, &(words_utterance){.t0 = cue->t0,
                                                     .t1 = cue->t1,
                                                     .text = text,
                                                     .speaker = cue->speaker,
                                                     .confidence = cue->confidence,
                                                     .understood = true,
                                                     .interpolated = cue->interpolated,
                                                     .count = m->count,
                                                     .items = m->items});
}

affect_status words_import_with(affect_context *ctx, const char *path, const words_options *options,
                                affect_timeline *timeline) {
    transcript t;
    affect_status status = transcript_read(ctx, path, &t);
    if (status) return status;
    words_options chosen = options ? *options : words_options_default();
    importer m = {.ctx = ctx};
    base_arena_init(&m.arena, 0);
    status = words_emitter_create(ctx, &chosen, timeline, &m.emitter);
    for (size_t i = 0; !status && i < t.cue_count; i++)
        if (*t.cues[i].text && !t.cues[i].is_point) status = import_cue(&m, &t, &t.cues[i]);
    if (!status && t.skipped)
        status =
            timeline_warn(ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                          "%s: %zu cues left out, the first at line %zu: the end is before the "
                          "start",
                          path, t.skipped, t.skipped_line);
    words_emitter_destroy(m.emitter);
    base_arena_destroy(&m.arena);
    base_free(m.items);
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
    const transcript nothing = {0};
    affect_status status = import_cue(
        &w->importer, &nothing,
        &(transcript_cue){
            .t0 = t0, .t1 = t1, .text = clean, .tier = "", .speaker = "", .confidence = NAN});
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
