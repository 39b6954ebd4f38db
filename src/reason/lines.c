/* Answers of a tuned model: a line of words, then claims, a line each. What kind a claim is, whose, when and of which modality is
 * taken from what it cites; whether its text agrees with that is the checker's question. */
#include <string.h>

#include "reason/adapter.h"

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* ---- fields from the evidence ---- */

typedef struct cited {
    const char *ids[REASON_EVIDENCE_LIMIT];
    const reason_node *nodes[REASON_EVIDENCE_LIMIT];
    size_t count, known;
} cited;

static affect_modality modality_of(const cited *c) {
    affect_modality m = c->known ? c->nodes[0]->modality : AFFECT_MODALITY_FUSED;
    for (size_t i = 1; i < c->known; i++)
        if (c->nodes[i]->modality != m) return AFFECT_MODALITY_FUSED;
    return m == AFFECT_MODALITY_NONE ? AFFECT_MODALITY_FUSED : m;
}

static int person_of(const reason_graph *g, const cited *c, affect_claim_kind kind) {
    int person = AFFECT_PERSON_NONE;
    if (!c->known) return person;
    if (kind == AFFECT_CLAIM_CAUSE) return c->nodes[c->known - 1]->person;
    for (size_t i = 0; i < c->known; i++) {
        int p = c->nodes[i]->person;
        if (p && person && p != person) return AFFECT_PERSON_NONE;
        if (p) person = p;
    }
    return person || g->person_count != 1 ? person : g->persons[0];
}

static affect_claim_kind kind_of(const cited *c, const reason_facts *facts, const char *text) {
    size_t episodes = 0, events = 0;
    for (size_t i = 0; i < c->known; i++) {
        episodes += reason_is_episode(c->nodes[i]);
        events += c->nodes[i]->event != NULL;
    }
    if (strstr(text, "contradiction") && c->known > 1) return AFFECT_CLAIM_CONTRADICTION;
    if (c->known <= 1 && episodes)
        return facts->move_count && !facts->label_count ? AFFECT_CLAIM_CHANGE : AFFECT_CLAIM_STATE;
    if (episodes == c->known && c->known) return AFFECT_CLAIM_CHANGE;
    if (episodes) return AFFECT_CLAIM_CAUSE;
    if (events > 1) return facts->lag_count ? AFFECT_CLAIM_LAG : AFFECT_CLAIM_ORDER;
    return AFFECT_CLAIM_EVENT;
}

static affect_direction direction_of(const cited *c, affect_claim_kind kind,
                                     const reason_facts *facts) {
    if (kind == AFFECT_CLAIM_CHANGE && facts->move_count) return facts->moves[0].direction;
    if (kind != AFFECT_CLAIM_EVENT || !c->known || !c->nodes[0]->event)
        return AFFECT_DIRECTION_NONE;
    const char *event = c->nodes[0]->event->kind;
    return strcmp(event, "pitch_rise") == 0   ? AFFECT_DIRECTION_RISE
           : strcmp(event, "pitch_fall") == 0 ? AFFECT_DIRECTION_FALL
                                              : AFFECT_DIRECTION_NONE;
}

/* ---- lines ---- */

/* Splits "SENTENCE [ID, ID]" in its memory; false where there are no brackets at its end. */
static bool split(char *line, const reason_graph *g, cited *c) {
    size_t n = strlen(line);
    char *open = n && line[n - 1] == ']' ? strrchr(line, '[') : NULL;
    *c = (cited){.count = 0};
    if (!open) return false;
    line[n - 1] = '\0';
    for (char *rest = open + 1, *id;
         (id = strsep(&rest, ",")) && c->count < REASON_EVIDENCE_LIMIT;) {
        while (is_blank(*id)) id++;
        if (!*id) continue;
        c->ids[c->count++] = id;
        const reason_node *node = reason_graph_find(g, id);
        if (node) c->nodes[c->known++] = node;
    }
    while (open > line && is_blank(open[-1])) open--;
    *open = '\0';
    return true;
}

static affect_status add_claim(affect_context *ctx, const reason_graph *g,
                               const words_emotions *lexicon, const char *text, const cited *c,
                               const char *episode, affect_explanation *out) {
    reason_facts facts;
    affect_claim claim = {.text = text, .evidence = c->ids, .evidence_count = c->count};
    reason_facts_read(g, lexicon, text, &facts);
    claim.kind = kind_of(c, &facts, text);
    claim.modality = modality_of(c);
    claim.person = person_of(g, c, claim.kind);
    claim.direction = direction_of(c, claim.kind, &facts);
    for (size_t i = 0; i < c->known; i++) {
        claim.t0 = i ? BASE_MIN(claim.t0, c->nodes[i]->t0) : c->nodes[i]->t0;
        claim.t1 = i ? BASE_MAX(claim.t1, c->nodes[i]->t1) : c->nodes[i]->t1;
    }
    reason_facts_clear(&facts);
    if (out->count >= REASON_CLAIMS_LIMIT) return AFFECT_OK;
    return reason_explanation_add(ctx, out, &claim, episode);
}

static affect_status add_words(affect_context *ctx, char *line, const char *episode,
                               json_t *named) {
    json_t *words = json_object();
    for (char *rest = line, *word; words && (word = strsep(&rest, ","));) {
        while (is_blank(*word)) word++;
        size_t n = strlen(word);
        while (n && is_blank(word[n - 1])) word[--n] = '\0';
        for (size_t i = 0; i < n; i++)
            if (word[i] >= 'A' && word[i] <= 'Z') word[i] |= 32;
        if (n && n <= REASON_LABEL_LETTERS && json_object_size(words) < REASON_LABEL_WORDS)
            json_object_set_new(words, word, json_integer(1));
    }
    if (!words) return base_fail_memory(ctx);
    return json_object_set_new(named, episode, words) ? base_fail_memory(ctx) : AFFECT_OK;
}

affect_status reason_lines_read(affect_context *ctx, const reason_graph *g,
                                const words_emotions *lexicon, const char *model, const char *text,
                                const char *episode, json_t *named, affect_explanation **out) {
    char *copy = base_utf8_clean(text, strlen(text));
    *out = NULL;
    if (!copy) return base_fail_memory(ctx);
    affect_status status = reason_explanation_create(ctx, "", model, out);
    bool first = true;
    for (char *rest = copy, *line; !status && (line = strsep(&rest, "\n"));) {
        cited c;
        while (is_blank(*line)) line++;
        size_t n = strlen(line);
        while (n && is_blank(line[n - 1])) line[--n] = '\0';
        if (!n) continue;
        if (split(line, g, &c))
            status = *line ? add_claim(ctx, g, lexicon, line, &c, episode, *out) : AFFECT_OK;
        else if (!first)
            status = add_claim(ctx, g, lexicon, line, &c, episode, *out);
        else if (named && episode)
            status = add_words(ctx, line, episode, named);
        first = false;
    }
    base_free(copy);
    if (!status && !(*out)->count)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "its answer holds no claim");
    if (!status) return AFFECT_OK;
    affect_explanation_destroy(*out);
    *out = NULL;
    return status;
}
