/* Byte pair encoding: see vocabulary.h. A word's neighbours are merged, of all pairs that have a rank the one of the least
 * first, the leftmost among equals, until none is left. */
#include "nn/vocabulary.h"

#include <string.h>

#include "nn/unicode_classes.h"

enum {
    BYTES = 256,
    VISIBLE = 0x100,     /* what bytes that cannot be seen are shifted to */
    MOST_MARKS = 1 << 14 /* each place of a text is held against all of them */
};

typedef struct span {
    size_t at, length; /* in `bytes` */
    bool mark;
} span;

typedef struct merge {
    int32_t left, right, result; /* left -1: the slot is free */
    uint32_t rank;
} merge;

struct nn_vocabulary {
    char *bytes; /* of all tokens */
    size_t byte_count, byte_capacity;
    span *tokens;
    size_t count, capacity;
    int32_t byte[BYTES]; /* the token of each */
    merge *merges;       /* slots by the hash of the pair, a power of two of them */
    size_t slots;
    int32_t *marks; /* longest first */
    size_t mark_count;
    int32_t first; /* token at the begin of a text, or -1 */
};

/* ---- the words of a text ---- */

static bool within(const uint32_t (*ranges)[2], size_t count, uint32_t c) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > ranges[middle][1])
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && c >= ranges[low][0];
}

static bool is_letter(uint32_t c) {
    if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    return within(letters, BASE_COUNT(letters), c);
}

static bool is_number(uint32_t c) {
    if (c < 0x80) return c >= '0' && c <= '9';
    return within(numbers, BASE_COUNT(numbers), c);
}

static bool is_blank(uint32_t c) { /* White_Space */
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

static const uint32_t beyond = UINT32_MAX; /* the end of the text */

static uint32_t peek(const char *text, size_t length, size_t at, size_t *next) {
    *next = at;
    return at < length ? base_utf8_next(text, length, next) : beyond;
}

/* 's 't 'm 'd 're 've 'll, whatever the case; the apostrophe stands at `at`. Its length, or 0. */
static size_t short_form(const char *text, size_t left) {
    char a = (char)(left > 1 ? text[1] | 0x20 : 0), b = (char)(left > 2 ? text[2] | 0x20 : 0);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

static bool is_sign(uint32_t c) {
    return c != beyond && !is_blank(c) && !is_letter(c) && !is_number(c);
}

static void skip_letters(const char *text, size_t length, size_t *at) {
    for (size_t next; is_letter(peek(text, length, *at, &next));) *at = next;
}

/* Signs behind at most one blank, and the line ends behind them. */
static void skip_signs(const char *text, size_t length, size_t *at) {
    for (size_t next; is_sign(peek(text, length, *at, &next));) *at = next;
    while (*at < length && (text[*at] == '\r' || text[*at] == '\n')) ++*at;
}

/* Blanks up to their last line end, else all but the one that belongs to what follows. */
static void skip_blanks(const char *text, size_t length, size_t *at) {
    size_t last = *at, behind_line = 0, end = *at, count = 0, next;
    for (uint32_t c; is_blank(c = peek(text, length, end, &next)); end = next, count++) {
        last = end;
        if (c == '\r' || c == '\n') behind_line = next;
    }
    *at = behind_line ? behind_line : count > 1 && end < length ? last : end;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
void nn_vocabulary_next_word(const char *text, size_t length, size_t *at) {
    size_t second, third, form;
    uint32_t c = peek(text, length, *at, &second), then = peek(text, length, second, &third);
    if (c == '\'' && (form = short_form(text + *at, length - *at)) > 0) {
        *at += form;
    } else if (is_letter(c) || (c != '\r' && c != '\n' && !is_number(c) && is_letter(then))) {
        *at = second;
        skip_letters(text, length, at);
    } else if (is_number(c)) {
        *at = second;
    } else if (is_sign(c) || (c == ' ' && is_sign(then))) {
        *at = second;
        skip_signs(text, length, at);
    } else {
        skip_blanks(text, length, at);
    }
}

/* ---- pairs ---- */

static merge *slot_of(const nn_vocabulary *v, int32_t left, int32_t right) {
    uint64_t hash = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15U;
    size_t at = (size_t)(hash >> 32) & (v->slots - 1);
    while (v->merges[at].left >= 0 && (v->merges[at].left != left || v->merges[at].right != right))
        at = (at + 1) & (v->slots - 1);
    return &v->merges[at];
}

static bool reserve_merges(nn_vocabulary *v, size_t count) {
    v->slots = 16;
    while (v->slots < 2 * count + 2) v->slots *= 2;
    v->merges = base_calloc(v->slots, sizeof *v->merges);
    for (size_t i = 0; v->merges && i < v->slots; i++) v->merges[i].left = -1;
    return v->merges != NULL;
}

/* The first rank of a pair holds. */
static void put_merge(nn_vocabulary *v, int32_t left, int32_t right, int32_t result,
                      uint32_t rank) {
    merge *m = slot_of(v, left, right);
    if (m->left < 0) *m = (merge){left, right, result, rank};
}

static bool add_token(nn_vocabulary *v, const char *text, size_t length, bool mark) {
    if (!base_grow((void **)&v->tokens, &v->capacity, v->count + 1, sizeof *v->tokens) ||
        !base_grow((void **)&v->bytes, &v->byte_capacity, v->byte_count + length + 1, 1))
        return false;
    if (length) memcpy(v->bytes + v->byte_count, text, length);
    v->tokens[v->count++] = (span){v->byte_count, length, mark};
    v->byte_count += length;
    return true;
}

/* Longest first: where one mark is the begin of another, the longer one is meant. */
static affect_status sort_marks(affect_context *ctx, nn_vocabulary *v) {
    size_t n = 0;
    for (size_t i = 0; i < v->count; i++) n += v->tokens[i].mark && v->tokens[i].length;
    if (n > MOST_MARKS)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "its vocabulary has %zu marks", n);
    v->marks = base_calloc(n + 1, sizeof *v->marks);
    if (!v->marks) return base_fail_memory(ctx);
    for (size_t i = 0; i < v->count; i++) {
        if (!v->tokens[i].mark || !v->tokens[i].length) continue;
        size_t at = v->mark_count++;
        for (; at && v->tokens[v->marks[at - 1]].length < v->tokens[i].length; at--)
            v->marks[at] = v->marks[at - 1];
        v->marks[at] = (int32_t)i;
    }
    return AFFECT_OK;
}

affect_status nn_vocabulary_make(affect_context *ctx, const int32_t (*merges)[2], size_t count,
                                 const char *const *marks, size_t mark_count, nn_vocabulary **out) {
    *out = NULL;
    nn_vocabulary *v = base_calloc(1, sizeof *v);
    bool fits = v && reserve_merges(v, count);
    if (v) v->first = -1;
    for (size_t i = 0; fits && i < BYTES; i++) {
        const char byte = (char)i;
        fits = add_token(v, &byte, 1, false);
        v->byte[i] = (int32_t)i;
    }
    for (size_t i = 0; fits && i < count; i++) {
        size_t left = (size_t)merges[i][0], right = (size_t)merges[i][1];
        if (left >= v->count || right >= v->count) {
            nn_vocabulary_destroy(v);
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                             "merge %zu is of a token that is not there", i);
        }
        size_t length = v->tokens[left].length + v->tokens[right].length;
        char *both = base_alloc(length);
        if (both) {
            memcpy(both, v->bytes + v->tokens[left].at, v->tokens[left].length);
            memcpy(both + v->tokens[left].length, v->bytes + v->tokens[right].at,
                   v->tokens[right].length);
        }
        put_merge(v, merges[i][0], merges[i][1], (int32_t)v->count, (uint32_t)i);
        fits = both && add_token(v, both, length, false);
        base_free(both);
    }
    for (size_t i = 0; fits && i < mark_count; i++)
        fits = add_token(v, marks[i], strlen(marks[i]), true);
    affect_status status = fits ? sort_marks(ctx, v) : base_fail_memory(ctx);
    if (status)
        nn_vocabulary_destroy(v);
    else
        *out = v;
    return status;
}

void nn_vocabulary_destroy(nn_vocabulary *v) {
    if (!v) return;
    base_free(v->bytes);
    base_free(v->tokens);
    base_free(v->merges);
    base_free(v->marks);
    base_free(v);
}

size_t nn_vocabulary_size(const nn_vocabulary *v) { return v->count; }

const char *nn_vocabulary_token(const nn_vocabulary *v, int32_t token, size_t *length) {
    *length = 0;
    if (token < 0 || (size_t)token >= v->count) return NULL;
    *length = v->tokens[token].length;
    return v->bytes + v->tokens[token].at;
}

bool nn_vocabulary_is_mark(const nn_vocabulary *v, int32_t token) {
    return token >= 0 && (size_t)token < v->count && v->tokens[token].mark;
}

int32_t nn_vocabulary_mark(const nn_vocabulary *v, const char *text) {
    size_t n = strlen(text);
    for (size_t i = 0; i < v->mark_count; i++) {
        const span *s = &v->tokens[v->marks[i]];
        if (s->length == n && memcmp(v->bytes + s->at, text, n) == 0) return v->marks[i];
    }
    return -1;
}

/* ---- a text's tokens ---- */

/* The pairs of a word that may be merged, the least rank on top, then the leftmost. */
typedef struct candidate {
    uint32_t rank, left, right;    /* places */
    int32_t first, second, result; /* tokens when it was found */
} candidate;

typedef struct reading {
    const nn_vocabulary *v;
    int32_t *token; /* of each place; -1: merged into one before it */
    uint32_t *before, *after;
    candidate *heap;
    size_t room, heap_count, heap_capacity;
} reading;

static bool sooner(const candidate *a, const candidate *b) {
    return a->rank < b->rank || (a->rank == b->rank && a->left < b->left);
}

static bool push(reading *r, uint32_t left, uint32_t right) {
    const merge *m = slot_of(r->v, r->token[left], r->token[right]);
    if (m->left < 0) return true;
    if (!base_grow((void **)&r->heap, &r->heap_capacity, r->heap_count + 1, sizeof *r->heap))
        return false;
    candidate c = {m->rank, left, right, m->left, m->right, m->result};
    size_t at = r->heap_count++;
    for (; at && sooner(&c, &r->heap[(at - 1) / 2]); at = (at - 1) / 2)
        r->heap[at] = r->heap[(at - 1) / 2];
    r->heap[at] = c;
    return true;
}

static candidate pop(reading *r) {
    candidate top = r->heap[0], last = r->heap[--r->heap_count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < r->heap_count; at = child) {
        if (child + 1 < r->heap_count && sooner(&r->heap[child + 1], &r->heap[child])) child++;
        if (!sooner(&r->heap[child], &last)) break;
        r->heap[at] = r->heap[child];
    }
    if (r->heap_count) r->heap[at] = last;
    return top;
}

static bool reserve_places(reading *r, size_t n) {
    if (n <= r->room) return true;
    int32_t *token = base_realloc(r->token, n * sizeof *token);
    if (token) r->token = token;
    uint32_t *before = base_realloc(r->before, n * sizeof *before);
    if (before) r->before = before;
    uint32_t *after = base_realloc(r->after, n * sizeof *after);
    if (after) r->after = after;
    if (!token || !before || !after) return false;
    r->room = n;
    return true;
}

/* Tokens of a word: r->token of the places that are left, by r->after from 0 on. */
static bool merge_word(reading *r, const char *word, size_t n) {
    if (n >= UINT32_MAX || !reserve_places(r, n)) return false;
    bool fits = true;
    r->heap_count = 0;
    for (size_t i = 0; i < n; i++) {
        r->token[i] = r->v->byte[(unsigned char)word[i]];
        r->before[i] = (uint32_t)i - 1; /* of the first: beyond any place */
        r->after[i] = (uint32_t)i + 1;
    }
    for (size_t i = 1; fits && i < n; i++) fits = push(r, (uint32_t)i - 1, (uint32_t)i);
    while (fits && r->heap_count) {
        candidate c = pop(r);
        if (r->token[c.left] != c.first || r->token[c.right] != c.second ||
            r->after[c.left] != c.right)
            continue; /* one of them is another token by now */
        r->token[c.left] = c.result;
        r->token[c.right] = -1;
        uint32_t next = r->after[c.left] = r->after[c.right];
        if (next < n) r->before[next] = c.left;
        if (r->before[c.left] < n) fits = push(r, r->before[c.left], c.left);
        if (fits && next < n) fits = push(r, c.left, next);
    }
    return fits;
}

static bool put_token(int32_t token, int32_t **tokens, size_t *count, size_t *capacity) {
    if (!base_grow((void **)tokens, capacity, *count + 1, sizeof **tokens)) return false;
    (*tokens)[(*count)++] = token;
    return true;
}

/* The longest mark that begins there, or -1. */
static int32_t mark_at(const nn_vocabulary *v, const char *text, size_t left) {
    for (size_t i = 0; i < v->mark_count; i++) {
        const span *s = &v->tokens[v->marks[i]];
        if (s->length <= left && memcmp(v->bytes + s->at, text, s->length) == 0) return v->marks[i];
    }
    return -1;
}

affect_status nn_vocabulary_read(affect_context *ctx, const nn_vocabulary *v, const char *text,
                                 size_t length, bool begin, int32_t **tokens, size_t *count,
                                 size_t *capacity) {
    reading r = {.v = v};
    bool fits = !begin || v->first < 0 || put_token(v->first, tokens, count, capacity);
    for (size_t from = 0; fits && from < length;) {
        int32_t mark = -1;
        size_t to = from;
        while (to < length && (mark = mark_at(v, text + to, length - to)) < 0) to++;
        for (size_t at = from; fits && at < to;) {
            size_t word = at;
            nn_vocabulary_next_word(text, to, &at);
            fits = merge_word(&r, text + word, at - word);
            for (size_t i = 0; fits && i < at - word; i = r.after[i])
                fits = put_token(r.token[i], tokens, count, capacity);
        }
        if (fits && mark >= 0) fits = put_token(mark, tokens, count, capacity);
        from = mark < 0 ? to : to + v->tokens[mark].length;
    }
    base_free(r.token);
    base_free(r.before);
    base_free(r.after);
    base_free(r.heap);
    return fits ? AFFECT_OK : base_fail_memory(ctx);
}

/* ---- out of a file ---- */

static bool stands_for_itself(unsigned byte) {
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/* The character that GPT-2 writes for each byte: itself where it can be seen, else from U+0100 on. */
static uint32_t character_of(unsigned byte) {
    uint32_t hidden = 0;
    if (stands_for_itself(byte)) return byte;
    for (unsigned b = 0; b < byte; b++) hidden += !stands_for_itself(b);
    return VISIBLE + hidden;
}

size_t nn_vocabulary_put_byte(unsigned char byte, char out[4]) {
    return base_utf8_put(character_of(byte), out);
}

typedef struct spelling {
    int16_t byte[VISIBLE + BYTES]; /* of a character, or -1 */
} spelling;

static void make_spelling(spelling *s) {
    for (size_t i = 0; i < BASE_COUNT(s->byte); i++) s->byte[i] = -1;
    for (unsigned b = 0; b < BYTES; b++) s->byte[character_of(b)] = (int16_t)b;
}

/* A token's bytes in the place of what it is spelled by; false where a character is none. */
static bool unspell(const spelling *s, const char *text, size_t length, char *out, size_t *n) {
    *n = 0;
    for (size_t at = 0; at < length;) {
        uint32_t c = base_utf8_next(text, length, &at);
        if (c >= BASE_COUNT(s->byte) || s->byte[c] < 0) return false;
        out[(*n)++] = (char)s->byte[c];
    }
    return true;
}

/* Tokens by their text, for the merges of a file. */
typedef struct index_of_tokens {
    const nn_vocabulary *v;
    int32_t *slots;
    size_t count; /* a power of two */
} index_of_tokens;

static int32_t *find_slot(const index_of_tokens *x, const char *text, size_t length) {
    uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a */
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3U;
    size_t at = (size_t)(hash ^ hash >> 32) & (x->count - 1);
    for (; x->slots[at] >= 0; at = (at + 1) & (x->count - 1)) {
        const span *s = &x->v->tokens[x->slots[at]];
        if (s->length == length && memcmp(x->v->bytes + s->at, text, length) == 0) break;
    }
    return &x->slots[at];
}

bool nn_vocabulary_known(const nn_gguf *file) {
    char model[8], rule[8];
    return nn_gguf_text(file, "tokenizer.ggml.model", model, sizeof model) &&
           nn_gguf_text(file, "tokenizer.ggml.pre", rule, sizeof rule) &&
           strcmp(model, "gpt2") == 0 && strcmp(rule, "qwen2") == 0;
}

enum { NORMAL = 1, CONTROL = 3, USER_DEFINED = 4, LONGEST = 1 << 12 };

static affect_status damaged(affect_context *ctx) {
    return base_fail(ctx, AFFECT_ERROR_MODEL, "its vocabulary is damaged");
}

static affect_status read_tokens(affect_context *ctx, const nn_gguf *file, const spelling *s,
                                 nn_vocabulary *v, const index_of_tokens *x) {
    nn_gguf_texts list;
    const char *text;
    size_t length;
    if (!nn_gguf_list(file, "tokenizer.ggml.tokens", &list)) return damaged(ctx);
    while (nn_gguf_next(&list, &text, &length)) {
        int32_t kind = nn_gguf_int(file, "tokenizer.ggml.token_type", v->count, NORMAL);
        bool mark = kind == CONTROL || kind == USER_DEFINED;
        char bytes[LONGEST];
        size_t n = 0;
        if (length > LONGEST) return damaged(ctx);
        /* what is spelled otherwise is never found in a text */
        if (!mark && !unspell(s, text, length, bytes, &n)) n = 0;
        if (!add_token(v, mark ? text : bytes, mark ? length : n, mark))
            return base_fail_memory(ctx);
        if (mark || !n) continue;
        *find_slot(x, bytes, n) = (int32_t)v->count - 1;
        if (n == 1) v->byte[(unsigned char)bytes[0]] = (int32_t)v->count - 1;
    }
    for (size_t i = 0; i < BYTES; i++)
        if (v->byte[i] < 0)
            return base_fail(ctx, AFFECT_ERROR_MODEL, "its vocabulary has no token for byte %zu",
                             i);
    return AFFECT_OK;
}

static affect_status read_merges(affect_context *ctx, const nn_gguf *file, const spelling *s,
                                 nn_vocabulary *v, const index_of_tokens *x) {
    nn_gguf_texts list;
    const char *text;
    size_t length;
    uint32_t rank = 0;
    if (!nn_gguf_list(file, "tokenizer.ggml.merges", &list)) return damaged(ctx);
    if (!reserve_merges(v, list.left)) return base_fail_memory(ctx);
    for (; nn_gguf_next(&list, &text, &length); rank++) {
        char both[LONGEST];
        const char *gap = length > 1 ? memchr(text + 1, ' ', length - 1) : NULL;
        if (!gap || length > LONGEST) return damaged(ctx);
        size_t first = (size_t)(gap - text), n, m;
        if (!unspell(s, text, first, both, &n) ||
            !unspell(s, gap + 1, length - first - 1, both + n, &m))
            return damaged(ctx);
        int32_t left = *find_slot(x, both, n), right = *find_slot(x, both + n, m),
                result = *find_slot(x, both, n + m);
        if (left < 0 || right < 0 || result < 0) return damaged(ctx);
        put_merge(v, left, right, result, rank);
    }
    return AFFECT_OK;
}

affect_status nn_vocabulary_create(affect_context *ctx, const nn_gguf *file, nn_vocabulary **out) {
    *out = NULL;
    size_t count = nn_gguf_length(file, "tokenizer.ggml.tokens");
    nn_vocabulary *v = base_calloc(1, sizeof *v);
    index_of_tokens x = {.v = v, .count = 16};
    while (x.count < 2 * count) x.count *= 2;
    x.slots = base_calloc(x.count, sizeof *x.slots);
    spelling *s = base_calloc(1, sizeof *s);
    affect_status status = v && x.slots && s ? AFFECT_OK : base_fail_memory(ctx);
    if (!status) {
        make_spelling(s);
        for (size_t i = 0; i < x.count; i++) x.slots[i] = -1;
        for (size_t i = 0; i < BYTES; i++) v->byte[i] = -1;
        status = read_tokens(ctx, file, s, v, &x);
    }
    if (!status) status = read_merges(ctx, file, s, v, &x);
    if (!status) status = sort_marks(ctx, v);
    double wanted = 0, first = -1;
    nn_gguf_number(file, "tokenizer.ggml.add_bos_token", &wanted);
    nn_gguf_number(file, "tokenizer.ggml.bos_token_id", &first);
    if (!status)
        v->first = wanted != 0 && first >= 0 && first < (double)count ? (int32_t)first : -1;
    base_free(x.slots);
    base_free(s);
    if (status)
        nn_vocabulary_destroy(v);
    else
        *out = v;
    return status;
}
