/* One utterance with its words goes into tiers, track and events. */
#include <math.h>
#include <string.h>

#include "infer/infer.h"
#include "words/estimator.h"
#include "words/words_private.h"

struct words_emitter {
    affect_context *ctx;
    affect_timeline *timeline;
    bool affect;
    words_estimator *emotion; /* NULL: nothing is scored by words */
    words_network *network;   /* NULL: nothing is scored by a network */
    affect_tier *words, *utterances;
    affect_track *track, *labels; /* words/affect, words/emotion */
    affect_time last_row;
    const char *channel; /* of the utterance that is being written; NULL = both */
    size_t unscored;     /* utterances not taken for English */
    affect_time first_unscored;
    base_text text, parent;
    affect_attributes *attributes;
    size_t token_capacity;
    words_lexicon_token *tokens;
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
    return timeline_add_role(e->ctx, e->timeline, TRACK_ROLE_CATEGORIES, AFFECT_MODALITY_WORDS,
                             AFFECT_PERSON_NONE, words_network_model(e->network), labels, count,
                             &e->labels);
}

affect_status words_emitter_create(affect_context *ctx, const words_options *options,
                                   affect_timeline *timeline, words_emitter **out) {
    *out = NULL;
    words_emitter *e = base_calloc(1, sizeof *e);
    if (!e) return base_fail_memory(ctx);
    e->ctx = ctx;
    e->timeline = timeline;
    e->affect = options->affect;
    affect_status status = affect_attributes_create(ctx, &e->attributes);
    if (!status) status = timeline_tier(ctx, timeline, "words", AFFECT_MODALITY_WORDS, &e->words);
    if (!status)
        status = timeline_tier(ctx, timeline, "utterances", AFFECT_MODALITY_WORDS, &e->utterances);
    if (!status && e->affect) {
        status = words_estimator_load(ctx, options->lexicon, &e->emotion);
        if (status && status != AFFECT_ERROR_MEMORY)
            status = timeline_warn(ctx, timeline, AFFECT_TIME_NONE, AFFECT_TIME_NONE,
                                   "words were not scored: %s", affect_context_message(ctx));
    }
    if (!status && e->affect) status = make_network(e, options->emotion_model);
    bool values = e->network && words_network_has_values(e->network);
    if (!status && (e->emotion || values))
        status = timeline_add_role(
            ctx, timeline, TRACK_ROLE_AFFECT, AFFECT_MODALITY_WORDS, AFFECT_PERSON_NONE,
            values ? words_network_model(e->network) : words_estimator_model(e->emotion), NULL, 0,
            &e->track);
    e->last_row = INT64_MIN;
    if (status) {
        words_emitter_destroy(e);
        return status;
    }
    *out = e;
    return AFFECT_OK;
}

/* Arousal and dominance of a word are its weights as if it stood alone. */
static affect_status word_attributes(words_emitter *e, const words_item *w,
                                     const words_lexicon_token *t, bool scored) {
    affect_context *ctx = e->ctx;
    affect_attributes *a = e->attributes;
    affect_status status = AFFECT_OK;
    attributes_clear(a);
    if (e->emotion) {
        bool known = scored && t->entry;
        if (known) {
            status = attributes_set_rounded(ctx, a, "valence", (double)t->polarity);
            if (!status)
                status = attributes_set_rounded(ctx, a, "arousal", (double)t->entry->weight[1]);
            if (!status)
                status = attributes_set_rounded(ctx, a, "dominance", (double)t->entry->weight[2]);
            if (!status && t->negated) status = affect_attributes_set_boolean(ctx, a, "negated", 1);
        }
        if (!status) status = affect_attributes_set_boolean(ctx, a, "scored", known);
    }
    if (!status && w->interpolated)
        status = affect_attributes_set_boolean(ctx, a, "interpolated", 1);
    if (!status && e->channel) status = affect_attributes_set_text(ctx, a, "channel", e->channel);
    return status;
}

static affect_status add_events(words_emitter *e, const words_item *w,
                                const words_lexicon_token *t) {
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
                                .confidence = isnan(w->confidence) ? 1.0F : w->confidence,
                                .model = e->emotion ? words_estimator_model(e->emotion) : ""});
    return status;
}

static affect_status add_word(words_emitter *e, const words_item *w, const words_lexicon_token *t,
                              bool scored) {
    affect_status status = word_attributes(e, w, t, scored);
    if (!status)
        status = tier_append(e->ctx, e->words,
                             &(affect_interval){.t0 = w->t0,
                                                .t1 = w->t1,
                                                .label = w->text,
                                                .score = w->confidence,
                                                .parent = e->parent.data,
                                                .attributes = e->attributes});
    /* Roles are read from English lists: in an utterance of another language "die" is no word of
     * ours. Laughter is the same everywhere. */
    words_lexicon_token shown = *t;
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

/* The labels that hold, at most three, best first; or, of those that the text denies, the ones that
 * would have held but for that, with what is left of their share. */
static affect_status add_labels(words_emitter *e, const words_reading *r, bool denied) {
    size_t count, chosen[3], n = 0;
    const char *const *labels = words_network_labels(e->network, &count);
    const char *names[BASE_COUNT(chosen)];
    double scores[BASE_COUNT(chosen)];
    while (n < BASE_COUNT(chosen)) {
        size_t best = count;
        for (size_t i = 0; i < count; i++) {
            bool taken = false;
            for (size_t k = 0; k < n; k++) taken |= chosen[k] == i;
            float before = r->posteriors[i] * (denied ? 2 : 1); /* half is left */
            if (!taken && r->denied[i] == denied && before >= words_network_threshold(e->network) &&
                (best == count || r->posteriors[i] > r->posteriors[best]))
                best = i;
        }
        if (best == count) break;
        names[n] = labels[best];
        scores[n] = round((double)r->posteriors[best] * 1000) / 1000;
        chosen[n++] = best;
    }
    if (denied && !n) return AFFECT_OK;
    affect_status status = affect_attributes_set_texts(
        e->ctx, e->attributes, denied ? "denied_labels" : "labels", names, n);
    if (!status)
        status = affect_attributes_set_numbers(
            e->ctx, e->attributes, denied ? "denied_scores" : "label_scores", scores, n);
    return status;
}

static affect_status add_reading(words_emitter *e, const words_utterance *u,
                                 const words_reading *r) {
    float confidence =
        r->in_distribution * r->coverage * (isnan(u->confidence) ? 1.0F : u->confidence);
    e->last_row = BASE_MAX(e->last_row, u->t0 + (u->t1 - u->t0) / 2);
    return track_append(e->ctx, e->labels, e->last_row, confidence, r->posteriors);
}

/* A recogniser's tags as what they are: its words about the utterance, not ours. Laughter is an
 * event wherever it comes from. */
static affect_status add_tags(words_emitter *e, const words_utterance *u) {
    enum { MOST_TAGS = 16 };
    const char *names[MOST_TAGS];
    size_t n = 0;
    bool laughter = false;
    char *copy = base_strdup(u->tags);
    if (!copy) return base_fail_memory(e->ctx);
    for (char *rest = NULL, *tag = strtok_r(copy, " ", &rest); tag && n < MOST_TAGS;
         tag = strtok_r(NULL, " ", &rest)) {
        names[n++] = tag;
        laughter |= base_equal_ignore_case(tag, "laughter");
    }
    affect_status status = affect_attributes_set_texts(e->ctx, e->attributes, "tags", names, n);
    base_free(copy);
    if (!status && laughter && e->affect)
        status = timeline_add_event(
            e->ctx, e->timeline,
            &(affect_event){.onset = u->t0,
                            .apex = u->t0 + (u->t1 - u->t0) / 2,
                            .offset = u->t1,
                            .kind = "laughter",
                            .modality = AFFECT_MODALITY_WORDS,
                            .strength = 1.0F,
                            .confidence = isnan(u->confidence) ? 1.0F : u->confidence,
                            .model = ""});
    return status;
}

static affect_status add_utterance(words_emitter *e, const words_utterance *u, const char *text,
                                   const words_affect *affect, const words_reading *reading) {
    affect_context *ctx = e->ctx;
    affect_attributes *a = e->attributes;
    affect_status status = AFFECT_OK;
    attributes_clear(a);
    if (!u->understood) status = affect_attributes_set_boolean(ctx, a, "understood", 0);
    if (u->understood && (e->emotion || e->network)) {
        static const char *const names[] = {"valence", "arousal", "dominance"};
        if (reading->scored) status = add_labels(e, reading, false);
        if (reading->scored && !status) status = add_labels(e, reading, true);
        for (size_t k = 0; affect->scored && k < BASE_COUNT(names) && !status; k++)
            if (isfinite(affect->value[k]))
                status = attributes_set_rounded(ctx, a, names[k], (double)affect->value[k]);
        if (!status) status = affect_attributes_set_boolean(ctx, a, "scored", affect->scored);
    }
    if (!status && u->speaker && *u->speaker)
        status = affect_attributes_set_text(ctx, a, "speaker", u->speaker);
    if (!status && u->channel) status = affect_attributes_set_text(ctx, a, "channel", u->channel);
    if (!status && u->tags && *u->tags) status = add_tags(e, u);
    if (!status && u->interpolated)
        status = affect_attributes_set_boolean(ctx, a, "interpolated", 1);
    if (status) return status;
    return tier_append(ctx, e->utterances,
                       &(affect_interval){.t0 = u->t0,
                                          .t1 = u->t1,
                                          .label = u->understood ? text : "",
                                          .score = u->confidence,
                                          .id = e->parent.data,
                                          .attributes = a});
}

/* "Hello" is a word of no emotion and in no lexicon of them. A text of so few words is of a language that nobody
 * can tell, and is read where all of them are common words of the network's English texts; these know "merci" too, but late. */
enum { BRIEF = 2 };

static size_t spoken_words(const words_utterance *u) {
    size_t n = 0;
    for (size_t i = 0; i < u->count; i++) n += !u->items[i].described;
    return n;
}

affect_status words_emit(words_emitter *e, const words_utterance *u) {
    words_affect affect = {.value = {NAN, NAN, NAN}, .sd = {NAN, NAN, NAN}};
    words_reading reading = {.scored = false};
    /* Words name the utterance that they are part of, which comes after them. */
    base_text_clear(&e->parent);
    e->channel = u->channel;
    tier_take_id(e->utterances, &e->parent);
    if (e->parent.failed) return base_fail_memory(e->ctx);
    if (!u->understood) return add_utterance(e, u, "", &affect, &reading);
    if (!base_grow((void **)&e->tokens, &e->token_capacity, BASE_MAX(u->count, (size_t)1),
                   sizeof *e->tokens))
        return base_fail_memory(e->ctx);
    base_text_clear(&e->text);
    for (size_t i = 0; i < u->count; i++) {
        e->tokens[i] =
            (words_lexicon_token){.text = u->items[i].text, .described = u->items[i].described};
        if (!u->text && i) base_text_append(&e->text, " ");
        if (!u->text) base_text_append(&e->text, u->items[i].text);
    }
    if (e->text.failed) return base_fail_memory(e->ctx);
    const char *text = u->text ? u->text : u->count ? e->text.data : "";
    words_estimator_tokens(e->emotion, e->tokens, u->count, &affect);
    bool by_words = affect.scored && !u->foreign, known = false;
    if (u->foreign) affect = (words_affect){.value = {NAN, NAN, NAN}, .sd = {NAN, NAN, NAN}};
    affect_status status = AFFECT_OK;
    /* The lexicon's rule tells English from look-alikes better than the network's vocabulary, in
     * which words of many languages occur. */
    size_t spoken = spoken_words(u);
    bool brief = !by_words && !u->foreign && spoken && spoken <= BRIEF;
    if (e->network && !u->foreign && u->count && (by_words || brief || !e->emotion)) {
        status = words_network_read(e->ctx, e->network, text, &reading);
        known = brief && reading.common;
        if (brief && !known && e->emotion) reading.scored = false;
        if (!status && reading.scored) {
            words_estimator_deny(e->emotion, e->network, e->tokens, u->count, &reading);
            words_estimator_combine(&affect, &reading);
        }
    }
    by_words |= known;
    /* "[music]" and "..." are of no language. */
    if (e->emotion && spoken && !by_words && !e->unscored++) e->first_unscored = u->t0;
    for (size_t i = 0; !status && i < u->count; i++)
        status = add_word(e, &u->items[i], &e->tokens[i], by_words || !e->emotion);
    if (!status) status = add_utterance(e, u, text, &affect, &reading);
    if (!status && reading.scored) status = add_reading(e, u, &reading);
    if (!status && e->track && u->count) status = add_row(e, u, &affect);
    return status;
}

size_t words_emitter_unscored(const words_emitter *e, affect_time *first) {
    *first = e->first_unscored;
    return e->unscored;
}

void words_emitter_destroy(words_emitter *e) {
    if (!e) return;
    words_estimator_destroy(e->emotion);
    words_network_destroy(e->network);
    base_text_destroy(&e->text);
    base_text_destroy(&e->parent);
    affect_attributes_destroy(e->attributes);
    base_free(e->tokens);
    base_free(e);
}
