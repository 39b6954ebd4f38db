/* Labels by a language model: it is asked for words first and for evidence second, and what both say is kept. A word
 * counts where more than half of the answers name it; a state is kept where it says one of the words that
 * were named of its episode; and of the words those become labels that fit what was measured. */
#include <jansson.h>
#include <string.h>

#include "reason/reason_private.h"

static const double FITS = 0.34; /* as a text's words are judged (check.c) */

/* ---- the question ---- */

void reason_put_label_question(const affect_llm_options *o, base_text *out) {
    base_text_append(out,
                     "\nBefore that, name only what was expressed, and answer with one JSON object "
                     "{\"labels\": [{\"episode\": id, \"words\": [...]}]}: for each episode one to "
                     "four words for emotions, the best first, and nothing else.\n");
    for (size_t i = 0; i < o->allowed_count; i++) {
        base_text_append(out, i ? ", " : "Use these words alone: ");
        base_text_append_clean(out, o->allowed[i]);
    }
    if (o->allowed_count) base_text_append(out, "\n");
}

void reason_put_named(json_t *named, base_text *out) {
    const char *episode, *word;
    json_t *words, *votes;
    base_text_append(
        out, "\nThese words were named before. Give the evidence for them; what it does not "
             "show is left out.\n");
    json_object_foreach(named, episode, words) {
        base_text_printf(out, "episode %s:", episode);
        const char *before = " ";
        json_object_foreach(words, word, votes) {
            base_text_append(out, before);
            base_text_append_clean(out, word);
            before = ", ";
        }
        base_text_append(out, "\n");
    }
}

/* ---- the answers ---- */

static affect_status count_word(affect_context *ctx, json_t *named, json_t *counted,
                                const char *episode, const char *word) {
    char low[REASON_LABEL_LETTERS + 1];
    size_t n = strlen(word);
    if (!n || n >= sizeof low ||
        json_object_size(json_object_get(counted, episode)) >= REASON_LABEL_WORDS)
        return AFFECT_OK;
    for (size_t i = 0; i <= n; i++)
        low[i] = (char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] | 32 : word[i]);
    json_t *mine = json_object_get(counted, episode), *all = json_object_get(named, episode);
    if (!mine) json_object_set_new(counted, episode, mine = json_object());
    if (!all) json_object_set_new(named, episode, all = json_object());
    if (json_object_get(mine, low)) return AFFECT_OK; /* named twice in one answer */
    json_int_t votes = json_integer_value(json_object_get(all, low));
    if (json_object_set_new(mine, low, json_true()) ||
        json_object_set_new(all, low, json_integer(votes + 1)))
        return base_fail_memory(ctx);
    return AFFECT_OK;
}

affect_status reason_named_read(affect_context *ctx, const reason_graph *g, const char *content,
                                json_t *named) {
    json_t *root = reason_object_in(content), *counted = json_object();
    const json_t *list = json_object_get(root, "labels");
    affect_status status = !counted ? base_fail_memory(ctx)
                           : json_is_array(list)
                               ? AFFECT_OK
                               : base_fail(ctx, AFFECT_ERROR_FORMAT, "its answer has no labels");
    for (size_t i = 0; i < json_array_size(list) && !status; i++) {
        const json_t *one = json_array_get(list, i), *words = json_object_get(one, "words");
        const char *episode = json_string_value(json_object_get(one, "episode"));
        const reason_node *node = episode ? reason_graph_find(g, episode) : NULL;
        for (size_t k = 0; k < json_array_size(words) && node && reason_is_episode(node) && !status;
             k++) {
            const char *word = json_string_value(json_array_get(words, k));
            if (word) status = count_word(ctx, named, counted, episode, word);
        }
    }
    json_decref(counted);
    json_decref(root);
    return status;
}

void reason_named_keep(json_t *named, size_t answers) {
    const char *episode, *word;
    json_t *words, *votes;
    void *next, *after;
    json_object_foreach_safe(named, next, episode, words) {
        json_object_foreach_safe(words, after, word, votes) {
            if (2 * json_integer_value(votes) <= (json_int_t)answers) json_object_del(words, word);
        }
        if (!json_object_size(words)) json_object_del(named, episode);
    }
}

/* ---- what both say ---- */

/* The same word, a synonym, or of the same family. */
static bool alike(const words_emotions *lexicon, const char *word, long entry) {
    long own = words_emotions_lookup(lexicon, word);
    if (own < 0 || entry < 0) return false;
    const words_emotion_word *a = words_emotions_at(lexicon, (size_t)own),
                             *b = words_emotions_at(lexicon, (size_t)entry);
    return own == entry || a->group == b->group ||
           (a->family_count && b->family_count && a->families[0].family == b->families[0].family);
}

static bool says_named(const affect_reasoner *r, const reason_graph *g, json_t *named,
                       const affect_claim *c) {
    reason_facts facts;
    bool found = false, other = false;
    reason_facts_read(g, r->lexicon, c->text, &facts);
    for (size_t e = 0; e < c->evidence_count; e++) {
        const char *word;
        json_t *words = json_object_get(named, c->evidence[e]), *votes;
        const reason_node *node = reason_graph_find(g, c->evidence[e]);
        other = other || (node && reason_is_episode(node) && !words);
        json_object_foreach(words, word, votes) {
            for (size_t i = 0; i < facts.label_count; i++)
                found = found || alike(r->lexicon, word, facts.labels[i]) ||
                        base_equal_ignore_case(word, facts.tokens[facts.label_at[i]].text);
        }
    }
    found = found || !facts.label_count; /* it names nothing */
    reason_facts_clear(&facts);
    return found && !other;
}

void reason_named_drop(const affect_reasoner *r, const reason_graph *g, json_t *named,
                       affect_explanation *e) {
    for (size_t i = 0; i < e->count; i++) {
        affect_claim *c = &e->claims[i].public;
        c->verdict = c->kind == AFFECT_CLAIM_STATE && !says_named(r, g, named, c)
                         ? AFFECT_VERDICT_UNSUPPORTED
                         : AFFECT_VERDICT_SUPPORTED;
    }
    affect_explanation_drop(e);
}

affect_status reason_named_fill(const affect_reasoner *r, const reason_graph *g, json_t *named,
                                affect_explanation *e) {
    affect_status status = AFFECT_OK;
    const char *episode, *word;
    json_t *words, *votes;
    json_object_foreach(named, episode, words) {
        const reason_node *node = reason_graph_find(g, episode);
        affect_labels *labels = base_calloc(1, sizeof *labels);
        if (!labels) return base_fail_memory(r->ctx);
        json_object_foreach(words, word, votes) {
            long entry = words_emotions_lookup(r->lexicon, word);
            if (entry >= 0 && !status && reason_label_fit(g, r->lexicon, entry, word, node) >= FITS)
                status = reason_labels_add(r->ctx, labels, r->lexicon, (size_t)entry, 1);
        }
        for (size_t i = 0; i < labels->count; i++)
            labels->items[i].score = 1 / (double)labels->count;
        if (!status && labels->count)
            status = reason_explanation_name(r->ctx, e, episode, node->person, labels);
        else
            affect_labels_destroy(labels);
        if (status) return status;
    }
    return AFFECT_OK;
}
