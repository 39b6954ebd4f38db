/* Which tokens a new language model has: byte pair encoding learned from texts (Sennrich et al. 2016). Pairs are counted within
 * words, a word as often as it occurs; of pairs that occur equally often the one of the older tokens comes first. */
#include <string.h>

#include "tune/tune_private.h"

enum { BYTES = 256, LEAST = 2 /* a pair that occurs once makes no text shorter */ };

static const char *const marks[TUNE_MARKS] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};

typedef struct word {
    const char *text; /* borrowed */
    size_t length;    /* bytes; later: tokens */
    int64_t times;
    int32_t *tokens;
} word;

typedef struct pair {
    int32_t left, right; /* left -1: the slot is free */
    int64_t times;
} pair;

typedef struct learner {
    word *words; /* slots by hash; length 0: free */
    size_t word_slots, word_count;
    pair *pairs; /* slots by hash */
    size_t pair_slots, pair_count;
    int32_t *room; /* of all words' tokens */
} learner;

static uint64_t hash_bytes(const char *text, size_t length) {
    uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a */
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3U;
    return hash ^ hash >> 32;
}

static word *word_slot(const learner *l, const char *text, size_t length) {
    size_t at = hash_bytes(text, length) & (l->word_slots - 1);
    for (; l->words[at].length; at = (at + 1) & (l->word_slots - 1))
        if (l->words[at].length == length && memcmp(l->words[at].text, text, length) == 0) break;
    return &l->words[at];
}

static bool grow_words(learner *l) {
    learner more = {.word_slots = l->word_slots ? 2 * l->word_slots : 1024};
    more.words = base_calloc(more.word_slots, sizeof *more.words);
    if (!more.words) return false;
    for (size_t i = 0; i < l->word_slots; i++)
        if (l->words[i].length)
            *word_slot(&more, l->words[i].text, l->words[i].length) = l->words[i];
    base_free(l->words);
    l->words = more.words;
    l->word_slots = more.word_slots;
    return true;
}

static bool count_words(learner *l, const char *text) {
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        size_t from = at;
        nn_vocabulary_next_word(text, length, &at);
        if (2 * l->word_count >= l->word_slots && !grow_words(l)) return false;
        word *w = word_slot(l, text + from, at - from);
        l->word_count += !w->length;
        *w = (word){text + from, at - from, w->times + 1, NULL};
    }
    return true;
}

static pair *pair_slot(const learner *l, int32_t left, int32_t right) {
    uint64_t hash = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15U;
    size_t at = (size_t)(hash >> 32) & (l->pair_slots - 1);
    while (l->pairs[at].left >= 0 && (l->pairs[at].left != left || l->pairs[at].right != right))
        at = (at + 1) & (l->pair_slots - 1);
    return &l->pairs[at];
}

static bool grow_pairs(learner *l) {
    learner more = {.pair_slots = l->pair_slots ? 2 * l->pair_slots : 1024};
    more.pairs = base_calloc(more.pair_slots, sizeof *more.pairs);
    if (!more.pairs) return false;
    for (size_t i = 0; i < more.pair_slots; i++) more.pairs[i].left = -1;
    l->pair_count = 0;
    for (size_t i = 0; i < l->pair_slots; i++)
        if (l->pairs[i].left >= 0 && l->pairs[i].times > 0) {
            *pair_slot(&more, l->pairs[i].left, l->pairs[i].right) = l->pairs[i];
            l->pair_count++;
        }
    base_free(l->pairs);
    l->pairs = more.pairs;
    l->pair_slots = more.pair_slots;
    return true;
}

static bool count_pair(learner *l, int32_t left, int32_t right, int64_t times) {
    if (2 * l->pair_count >= l->pair_slots && !grow_pairs(l)) return false;
    pair *p = pair_slot(l, left, right);
    l->pair_count += p->left < 0;
    *p = (pair){left, right, p->times + times};
    return true;
}

/* Every word as its bytes, and how often each pair stands in it. The words move together. */
static bool spell_words(learner *l) {
    size_t total = 0, n = 0;
    for (size_t i = 0; i < l->word_slots; i++) total += l->words[i].length;
    int32_t *next = l->room = base_calloc(total + 1, sizeof *l->room);
    if (!next) return false;
    for (size_t i = 0; i < l->word_slots; i++) {
        if (!l->words[i].length) continue;
        word *w = &l->words[n++];
        *w = l->words[i];
        w->tokens = next;
        next += w->length;
        for (size_t k = 0; k < w->length; k++) w->tokens[k] = (unsigned char)w->text[k];
        for (size_t k = 1; k < w->length; k++)
            if (!count_pair(l, w->tokens[k - 1], w->tokens[k], w->times)) return false;
    }
    return true;
}

static const pair *best_pair(const learner *l) {
    const pair *best = NULL;
    for (size_t i = 0; i < l->pair_slots; i++) {
        const pair *p = &l->pairs[i];
        if (p->left < 0 || p->times < LEAST || (best && p->times < best->times)) continue;
        if (!best || p->times > best->times || p->left < best->left ||
            (p->left == best->left && p->right < best->right))
            best = p;
    }
    return best;
}

/* The pair becomes one token in a word; its neighbours make other pairs. */
static bool merge_in(learner *l, word *w, int32_t left, int32_t right, int32_t result) {
    int32_t *t = w->tokens;
    for (size_t i = 0; i + 1 < w->length; i++) {
        if (t[i] != left || t[i + 1] != right) continue;
        bool fits = count_pair(l, left, right, -w->times);
        if (fits && i)
            fits = count_pair(l, t[i - 1], left, -w->times) &&
                   count_pair(l, t[i - 1], result, w->times);
        if (fits && i + 2 < w->length)
            fits = count_pair(l, right, t[i + 2], -w->times) &&
                   count_pair(l, result, t[i + 2], w->times);
        if (!fits) return false;
        t[i] = result;
        w->length--;
        memmove(t + i + 1, t + i + 2, (w->length - i - 1) * sizeof *t);
    }
    return true;
}

static bool learn(learner *l, size_t most, int32_t (*merges)[2], size_t *count) {
    bool fits = spell_words(l);
    for (*count = 0; fits && *count < most; ++*count) {
        const pair *p = best_pair(l);
        if (!p) break;
        int32_t left = p->left, right = p->right, result = (int32_t)(BYTES + *count);
        merges[*count][0] = left;
        merges[*count][1] = right;
        for (size_t i = 0; fits && i < l->word_count; i++)
            fits = merge_in(l, &l->words[i], left, right, result);
    }
    return fits;
}

affect_status tune_vocabulary_learn(affect_context *ctx, const char *const *texts, size_t count,
                                    size_t size, int32_t (**merges)[2], size_t *merge_count,
                                    nn_vocabulary **out) {
    learner l = {0};
    size_t most = size > BYTES + TUNE_MARKS ? size - BYTES - TUNE_MARKS : 0;
    *out = NULL;
    *merges = base_calloc(most + 1, sizeof **merges);
    bool fits = *merges && grow_words(&l) && grow_pairs(&l);
    for (size_t i = 0; fits && i < count; i++) fits = count_words(&l, texts[i]);
    if (fits) fits = learn(&l, most, *merges, merge_count);
    base_free(l.words);
    base_free(l.pairs);
    base_free(l.room);
    if (!fits) return base_fail_memory(ctx);
    return nn_vocabulary_make(ctx, (const int32_t(*)[2]) * merges, *merge_count, marks, TUNE_MARKS,
                              out);
}

/* A token's bytes as GPT-2 writes them; a mark's text as it stands. */
static void spell(const nn_vocabulary *v, int32_t token, base_text *out) {
    size_t length;
    const char *bytes = nn_vocabulary_token(v, token, &length);
    for (size_t i = 0; i < length; i++) {
        char character[4];
        if (nn_vocabulary_is_mark(v, token))
            base_text_append_n(out, bytes + i, 1);
        else
            base_text_append_n(out, character,
                               nn_vocabulary_put_byte((unsigned char)bytes[i], character));
    }
}

void tune_vocabulary_put(const nn_vocabulary *v, const int32_t (*merges)[2], size_t merge_count,
                         nn_gguf_writer *w) {
    enum { NORMAL = 1, CONTROL = 3 };
    static const char chat[] =
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + "
        "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
        "{{ '<|im_start|>assistant\n' }}{% endif %}";
    size_t size = nn_vocabulary_size(v);
    base_text text = {0};
    int32_t *kinds = base_calloc(size, sizeof *kinds);
    nn_gguf_put_text(w, "tokenizer.ggml.model", "gpt2");
    nn_gguf_put_text(w, "tokenizer.ggml.pre", "qwen2");
    nn_gguf_put_texts(w, "tokenizer.ggml.tokens", size);
    for (size_t i = 0; i < size; i++) {
        base_text_clear(&text);
        spell(v, (int32_t)i, &text);
        nn_gguf_put_entry(w, text.length ? text.data : "", text.length);
        if (kinds) kinds[i] = nn_vocabulary_is_mark(v, (int32_t)i) ? CONTROL : NORMAL;
    }
    if (kinds) nn_gguf_put_ints(w, "tokenizer.ggml.token_type", kinds, size);
    nn_gguf_put_texts(w, "tokenizer.ggml.merges", merge_count);
    for (size_t i = 0; i < merge_count; i++) {
        base_text_clear(&text);
        spell(v, merges[i][0], &text);
        base_text_append(&text, " ");
        spell(v, merges[i][1], &text);
        nn_gguf_put_entry(w, text.length ? text.data : "", text.length);
    }
    static const struct {
        const char *key;
        int mark;
    } ends[] = {{"tokenizer.ggml.bos_token_id", TUNE_END},
                {"tokenizer.ggml.eos_token_id", TUNE_END},
                {"tokenizer.ggml.padding_token_id", TUNE_END},
                {"tokenizer.ggml.eot_token_id", TUNE_TURN_END}};
    for (size_t i = 0; i < BASE_COUNT(ends); i++)
        nn_gguf_put_count(w, ends[i].key, (uint32_t)nn_vocabulary_mark(v, marks[ends[i].mark]));
    nn_gguf_put_flag(w, "tokenizer.ggml.add_bos_token", false);
    nn_gguf_put_text(w, "tokenizer.chat_template", chat);
    w->failed |= text.failed || !kinds;
    base_text_destroy(&text);
    base_free(kinds);
}
