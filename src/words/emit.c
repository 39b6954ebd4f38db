/* One utterance with its words goes into tiers, track and events. */
#include <math.h>
#include <string.h>

#include "words/private.h"

struct words_emitter {
    affect_context *ctx;
    affect_timeline *timeline;
    affect_tier *words, *utterances;
    base_text text, attributes;
};

affect_status words_emitter_create(affect_context *ctx, const words_options *options,
                                   affect_timeline *timeline, const char *model,
                                   words_emitter **out) {
    (void)options, (void)model;
    *out = NULL;
    words_emitter *e = base_calloc(1, sizeof *e);
    if (!e) return base_fail_memory(ctx);
    e->ctx = ctx;
    e->timeline = timeline;
    affect_status status = timeline_tier(ctx, timeline, "words", AFFECT_MODALITY_WORDS, &e->words);
    if (!status)
        status = timeline_tier(ctx, timeline, "utterances", AFFECT_MODALITY_WORDS, &e->utterances);
    if (status) {
        words_emitter_destroy(e);
        return status;
    }
    *out = e;
    return AFFECT_OK;
}

/* A JSON string with quotes. */
static void append_json(base_text *out, const char *s) {
    base_text_append(out, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            base_text_printf(out, "\\%c", c);
        else if (c < 0x20)
            base_text_printf(out, "\\u%04x", c);
        else
            base_text_append_n(out, s, 1);
    }
    base_text_append(out, "\"");
}

/* Attributes are collected as "{a,b" and closed here; none gives NULL. */
static const char *close_attributes(base_text *a) {
    if (!a->length) return NULL;
    base_text_append(a, "}");
    return a->data;
}

static void next_attribute(base_text *a) { base_text_append(a, a->length ? "," : "{"); }

affect_status words_emit(words_emitter *e, const words_utterance *u) {
    affect_status status = AFFECT_OK;
    base_text_clear(&e->text);
    for (size_t i = 0; !status && i < u->count; i++) {
        const words_item *w = &u->items[i];
        if (i) base_text_append(&e->text, " ");
        base_text_append(&e->text, w->text);
        if (!u->understood) continue;
        base_text_clear(&e->attributes);
        if (w->interpolated) {
            next_attribute(&e->attributes);
            base_text_append(&e->attributes, "\"interpolated\":true");
        }
        const char *attributes = close_attributes(&e->attributes);
        if (e->attributes.failed) return base_fail_memory(e->ctx);
        status = tier_append(e->ctx, e->words,
                             &(affect_interval){.t0 = w->t0,
                                                .t1 = w->t1,
                                                .label = w->text,
                                                .score = w->confidence,
                                                .attributes = attributes});
    }
    if (status) return status;
    base_text *a = &e->attributes;
    base_text_clear(a);
    if (!u->understood) {
        next_attribute(a);
        base_text_append(a, "\"understood\":false");
    }
    if (u->speaker && *u->speaker) {
        next_attribute(a);
        base_text_append(a, "\"speaker\":");
        append_json(a, u->speaker);
    }
    if (u->interpolated) {
        next_attribute(a);
        base_text_append(a, "\"interpolated\":true");
    }
    const char *attributes = close_attributes(a);
    if (a->failed || e->text.failed) return base_fail_memory(e->ctx);
    const char *text = u->text ? u->text : e->text.length ? e->text.data : "";
    return tier_append(e->ctx, e->utterances,
                       &(affect_interval){.t0 = u->t0,
                                          .t1 = u->t1,
                                          .label = u->understood ? text : "",
                                          .score = u->confidence,
                                          .attributes = attributes});
}

void words_emitter_destroy(words_emitter *e) {
    if (!e) return;
    base_text_destroy(&e->text);
    base_text_destroy(&e->attributes);
    base_free(e);
}
