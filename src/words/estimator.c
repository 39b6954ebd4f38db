/* Text to valence, arousal, dominance: by the lexicon, and by the network where there is one. */
#include <math.h>
#include <string.h>

#include "model/model.h"
#include "words/estimator.h"
#include "words/tokens.h"

/* Nothing changes it once it is read: any number of recordings may use one at once. */
struct words_estimator {
    words_lexicon *lexicon;
    char *model;
    bool kept; /* by the context, which destroys it */
};

static void destroy(void *kept) {
    words_estimator *e = kept;
    if (!e) return;
    words_lexicon_destroy(e->lexicon);
    base_free(e->model);
    base_free(e);
}

affect_status words_estimator_load(affect_context *ctx, const char *model, words_estimator **out) {
    *out = NULL;
    const char *name = model ? model : "words.lexicon";
    words_estimator *e = NULL;
    base_text key = {0};
    model_key("lexicon", ctx, name, &key);
    affect_status status = key.failed ? base_fail_memory(ctx) : AFFECT_OK;
    if (!status && (*out = base_kept_take(ctx, key.data)) != NULL) goto cleanup;
    if (!status && !(e = base_calloc(1, sizeof *e))) status = base_fail_memory(ctx);
    if (!status) status = words_lexicon_load(ctx, name, &e->lexicon);
    if (!status && !(e->model = base_strdup(name))) status = base_fail_memory(ctx);
    if (!status) {
        e->kept = true; /* before others can see it */
        if (!base_kept_share(ctx, key.data, e, destroy)) e->kept = false;
        *out = e;
        e = NULL;
    }
cleanup:
    destroy(e);
    base_text_destroy(&key);
    return status;
}

void words_estimator_destroy(words_estimator *e) {
    if (e && !e->kept) destroy(e);
}

const char *words_estimator_model(const words_estimator *e) { return e ? e->model : ""; }
const words_lexicon *words_estimator_lexicon(const words_estimator *e) {
    return e ? e->lexicon : NULL;
}

void words_estimator_tokens(const words_estimator *e, words_lexicon_token *tokens, size_t count,
                            words_affect *out) {
    words_lexicon_read(e ? e->lexicon : NULL, tokens, count);
    words_lexicon_affect(e ? e->lexicon : NULL, tokens, count, out);
}

/* Share of the network in the combined estimate: best on EmoBank dev, printed by
 * tests/words/bench_words_affect. */
static const float network_share[3] = {0.35F, 0.3F, 0.15F};

void words_estimator_combine(words_affect *a, const words_reading *r) {
    if (!r->scored) return;
    for (size_t d = 0; d < 3; d++) {
        if (!isfinite(r->value[d])) continue;
        bool both = a->scored && isfinite(a->value[d]);
        a->value[d] = both ? network_share[d] * r->value[d] + (1 - network_share[d]) * a->value[d]
                           : r->value[d];
        a->sd[d] = both ? fminf(r->sd[d], a->sd[d]) : r->sd[d];
    }
    a->coverage = fmaxf(a->coverage, r->coverage) * r->in_distribution;
    a->scored = a->scored || isfinite(r->value[0]);
}

affect_status words_estimator_text(affect_context *ctx, const words_estimator *e, const char *text,
                                   words_affect *out) {
    size_t length = strlen(text), at = 0, count = 0, capacity = 0;
    words_lexicon_token *tokens = NULL;
    base_arena arena;
    base_arena_init(&arena, 0);
    words_token token = {0};
    affect_status status = AFFECT_OK;
    while (!status && words_next_token(text, length, &at, &token)) {
        size_t n = token.end - token.start;
        if (!n) continue;
        char *copy = base_arena_alloc(&arena, n + 1);
        if (!copy || !base_grow((void **)&tokens, &capacity, count + 1, sizeof *tokens)) {
            status = base_fail_memory(ctx);
            break;
        }
        memcpy(copy, text + token.start, n);
        tokens[count++] = (words_lexicon_token){.text = copy, .described = token.described};
    }
    if (!status) words_estimator_tokens(e, tokens, count, out);
    base_free(tokens);
    base_arena_destroy(&arena);
    return status;
}
