/* One utterance with its words goes into tiers, track and events. */
#include <math.h>
#include <string.h>

#include "infer/infer.h"
#include "words/emotion.h"
#include "words/private.h"

struct words_emitter {
    affect_context *ctx;
    affect_timeline *timeline;
    bool affect;
    words_emotion *emotion; /* NULL: nothing is scored by words */
    words_network *network; /* NULL: nothing is scored by a network */
    affect_tier *words, *utterances;
    affect_track *track, *labels; /* words/affect, words/emotion */
    affect_time last_row;
    base_text text, attributes;
    size_t token_capacity;
    lexical_token *tokens;
};

static affect_status make_network(words_emitter *e, const char *model) {
    const char *name = model ? model : "text.emotion";
    affect_status status = words_network_create(e->ctx, name, &e->network);
    if (status == AFFECT_ERROR_MEMORY) return status;
    if (status)
        return timeline_warn(e->ctx, e->timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                             "no emotions from the text: %s", affect_context_message(e->ctx));
    size_t count;
    const char *const *labels = words_network_labels(e->network, &count);
    return timeline_add_track(e->ctx, e->timeline, "words/emotion", AFFECT_MODALITY_WORDS,
                              AFFECT_PERSON_NONE, words_network_model(e->network), labels, count,
                              &e->labels);
}

affect_status words_emitter_create(affect_context *ctx, const words_options *options,
                                   affect_timeline *timeline, words_emitter **out) {
    static const char *const channels[] = {"valence",    "arousal",    "dominance",
                                           "valence_sd", "arousal_sd", "dominance_sd"};
    *out = NULL;
    words_emitter *e = base_calloc(1, sizeof *e);
    if (!e) return base_fail_memory(ctx);
    e->ctx = ctx;
    e->timeline = timeline;
    e->affect = options->affect;
    affect_status status = timeline_tier(ctx, timeline, "words", AFFECT_MODALITY_WORDS, &e->words);
    if (!status)
        status = timeline_tier(ctx, timeline, "utterances", AFFECT_MODALITY_WORDS, &e->utterances);
    if (!status && e->affect) {
        status = words_emotion_load(ctx, options->lexicon, &e->emotion);
        if (status && status != AFFECT_ERROR_MEMORY)
            status = timeline_warn(ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                                   "words were not scored: %s", affect_context_message(ctx));
    }
    if (!status && e->affect) status = make_network(e, options->emotion_model);
    bool values = e->network && words_network_has_values(e->network);
    if (!status && (e->emotion || values))
        status = timeline_add_track(
            ctx, timeline, "words/affect", AFFECT_MODALITY_WORDS, AFFECT_PERSON_NONE,
            values ? words_network_model(e->network) : words_emotion_model(e->emotion), channels,
            BASE_COUNT(channels), &e->track);
    e->last_row = INT64_MIN;
    if (status) {
        words_emitter_destroy(e);
        return status;
    }
    *out = e;
    return AFFECT_OK;
}

/* ---- attributes: a JSON object, begun by its first member ---- */

static void member(base_text *a, const char *key) {
    base_text_printf(a, "%s\"%s\":", a->length ? "," : "{", key);
}

static void add_flag(base_text *a, const char *key, bool value) {
    member(a, key);
    base_text_append(a, value ? "true" : "false");
}

/* Three decimals; no "-0.000". */
static void add_number(base_text *a, const char *key, float value) {
    member(a, key);
    double rounded = round((double)value * 1000) / 1000;
    base_text_printf(a, "%.3f", rounded + 0.0);
}

static void quote(base_text *a, const char *s) {
    base_text_append(a, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            base_text_printf(a, "\\%c", c);
        else if (c < 0x20)
            base_text_printf(a, "\\u%04x", c);
        else
            base_text_append_n(a, s, 1);
    }
    base_text_append(a, "\"");
}

static void add_string(base_text *a, const char *key, const char *s) {
    member(a, key);
    quote(a, s);
}

static const char *closed(base_text *a) {
    if (a->length) base_text_append(a, "}");
    return a->length ? a->data : NULL;
}

/* ---- */

/* Arousal and dominance of a word are its weights as if it stood alone. */
static void word_attributes(words_emitter *e, const words_item *w, const lexical_token *t,
                            bool scored) {
    base_text *a = &e->attributes;
    base_text_clear(a);
    if (e->emotion) {
        bool known = scored && t->entry;
        if (known) {
            add_number(a, "valence", t->polarity);
            add_number(a, "arousal", t->entry->weight[1]);
            add_number(a, "dominance", t->entry->weight[2]);
            if (t->negated) add_flag(a, "negated", true);
        }
        add_flag(a, "scored", known);
    }
    if (w->interpolated) add_flag(a, "interpolated", true);
}

static affect_status add_events(words_emitter *e, const words_item *w, const lexical_token *t) {
    const struct {
        unsigned role;
        const char *kind;
        float strength;
    } kinds[] = {
        /* A negation or degree word that changes a word of feeling counts in full. */
        {LEXICAL_NEGATION, "negation", t->bearing ? 1.0F : 0.5F},
        {LEXICAL_INTENSIFIER, "intensifier", t->bearing ? 1.0F : 0.5F},
        {LEXICAL_SWEARING, "swearing", 1.0F},
        {LEXICAL_LAUGHTER, "laughter", 1.0F},
    };
    affect_status status = AFFECT_OK;
    for (size_t i = 0; !status && i < BASE_COUNT(kinds); i++)
        if (t->roles & kinds[i].role)
            status = timeline_add_event(
                e->ctx, e->timeline,
                &(affect_event){.onset = w->t0,
                                .apex = w->t0 + (w->t1 - w->t0) / 2,
                                .offset = w->t1,
                                .kind = kinds[i].kind,
                                .modality = AFFECT_MODALITY_WORDS,
                                .strength = kinds[i].strength,
                                .confidence = isnan(w->confidence) ? 1.0F : w->confidence});
    return status;
}

static affect_status add_word(words_emitter *e, const words_item *w, const lexical_token *t,
                              bool scored) {
    word_attributes(e, w, t, scored);
    const char *attributes = closed(&e->attributes);
    if (e->attributes.failed) return base_fail_memory(e->ctx);
    affect_status status = tier_append(e->ctx, e->words,
                                       &(affect_interval){.t0 = w->t0,
                                                          .t1 = w->t1,
                                                          .label = w->text,
                                                          .score = w->confidence,
                                                          .attributes = attributes});
    /* Roles are read from English lists: in an utterance of another language "die" is no word of
     * ours. Laughter is the same everywhere. */
    lexical_token shown = *t;
    if (!scored) shown.roles &= LEXICAL_LAUGHTER;
    if (!status && e->affect) status = add_events(e, w, &shown);
    return status;
}

static affect_status add_row(words_emitter *e, const words_utterance *u,
                             const words_affect *affect) {
    float row[6];
    for (size_t k = 0; k < 3; k++) {
        row[k] = affect->value[k];
        row[3 + k] = affect->sd[k];
    }
    affect_time middle = u->t0 + (u->t1 - u->t0) / 2;
    /* Overlapping cues: times of a track must not go back. */
    e->last_row = BASE_MAX(e->last_row, middle);
    float confidence =
        affect->scored ? affect->coverage * (isnan(u->confidence) ? 1.0F : u->confidence) : 0;
    return track_append(e->ctx, e->track, e->last_row, confidence, row);
}

/* The labels that hold, at most three, best first. */
static void add_labels(words_emitter *e, const words_reading *r) {
    size_t count, chosen[3], n = 0;
    const char *const *labels = words_network_labels(e->network, &count);
    while (n < BASE_COUNT(chosen)) {
        size_t best = count;
        for (size_t i = 0; i < count; i++) {
            bool taken = false;
            for (size_t k = 0; k < n; k++) taken |= chosen[k] == i;
            if (!taken && r->posteriors[i] >= words_network_threshold(e->network) &&
                (best == count || r->posteriors[i] > r->posteriors[best]))
                best = i;
        }
        if (best == count) break;
        chosen[n++] = best;
    }
    base_text *a = &e->attributes;
    member(a, "labels");
    base_text_append(a, "[");
    for (size_t k = 0; k < n; k++)
        base_text_printf(a, "%s{\"label\":\"%s\",\"score\":%.3f}", k ? "," : "", labels[chosen[k]],
                         (double)r->posteriors[chosen[k]]);
    base_text_append(a, "]");
}

static affect_status add_reading(words_emitter *e, const words_utterance *u,
                                 const words_reading *r) {
    float confidence = r->known * r->coverage * (isnan(u->confidence) ? 1.0F : u->confidence);
    e->last_row = BASE_MAX(e->last_row, u->t0 + (u->t1 - u->t0) / 2);
    return track_append(e->ctx, e->labels, e->last_row, confidence, r->posteriors);
}

static affect_status add_utterance(words_emitter *e, const words_utterance *u, const char *text,
                                   const words_affect *affect, const words_reading *reading) {
    base_text *a = &e->attributes;
    base_text_clear(a);
    if (!u->understood) add_flag(a, "understood", false);
    if (u->understood && (e->emotion || e->network)) {
        if (reading->scored) add_labels(e, reading);
        if (affect->scored) {
            add_number(a, "valence", affect->value[0]);
            add_number(a, "arousal", affect->value[1]);
            add_number(a, "dominance", affect->value[2]);
        }
        add_flag(a, "scored", affect->scored);
    }
    if (u->speaker && *u->speaker) add_string(a, "speaker", u->speaker);
    if (u->interpolated) add_flag(a, "interpolated", true);
    const char *attributes = closed(a);
    if (a->failed) return base_fail_memory(e->ctx);
    return tier_append(e->ctx, e->utterances,
                       &(affect_interval){.t0 = u->t0,
                                          .t1 = u->t1,
                                          .label = u->understood ? text : "",
                                          .score = u->confidence,
                                          .attributes = attributes});
}

affect_status words_emit(words_emitter *e, const words_utterance *u) {
    words_affect affect = {.value = {NAN, NAN, NAN}, .sd = {NAN, NAN, NAN}};
    words_reading reading = {.scored = false};
    if (!u->understood) return add_utterance(e, u, "", &affect, &reading);
    if (!base_grow((void **)&e->tokens, &e->token_capacity, BASE_MAX(u->count, (size_t)1),
                   sizeof *e->tokens))
        return base_fail_memory(e->ctx);
    base_text_clear(&e->text);
    for (size_t i = 0; i < u->count; i++) {
        e->tokens[i] =
            (lexical_token){.text = u->items[i].text, .described = u->items[i].described};
        if (!u->text && i) base_text_append(&e->text, " ");
        if (!u->text) base_text_append(&e->text, u->items[i].text);
    }
    if (e->text.failed) return base_fail_memory(e->ctx);
    const char *text = u->text ? u->text : u->count ? e->text.data : "";
    words_emotion_tokens(e->emotion, e->tokens, u->count, &affect);
    bool by_words = affect.scored && !u->foreign;
    if (u->foreign) affect = (words_affect){.value = {NAN, NAN, NAN}, .sd = {NAN, NAN, NAN}};
    affect_status status = AFFECT_OK;
    /* The lexicon's rule tells English from look-alikes better than the network's vocabulary, in
     * which words of many languages occur. */
    if (e->network && !u->foreign && u->count && (by_words || !e->emotion)) {
        status = words_network_read(e->ctx, e->network, text, &reading);
        if (!status) words_emotion_combine(&affect, &reading);
    }
    for (size_t i = 0; !status && i < u->count; i++)
        status = add_word(e, &u->items[i], &e->tokens[i], by_words || !e->emotion);
    if (!status) status = add_utterance(e, u, text, &affect, &reading);
    if (!status && reading.scored) status = add_reading(e, u, &reading);
    if (!status && e->track && u->count) status = add_row(e, u, &affect);
    return status;
}

void words_emitter_destroy(words_emitter *e) {
    if (!e) return;
    words_emotion_destroy(e->emotion);
    words_network_destroy(e->network);
    base_text_destroy(&e->text);
    base_text_destroy(&e->attributes);
    base_free(e->tokens);
    base_free(e);
}
