/* Words to units: a table of known words, and hashed character n-grams that spell all others. */
#include "words/units.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct words_units {
    char **words;
    size_t count, capacity, buckets;
    uint32_t *slots; /* open addressing: word + 1, 0 = empty */
    size_t slot_count;
};

static uint32_t hash_bytes(const char *text, size_t n) { /* FNV-1a */
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)text[i]) * 16777619u;
    return h;
}

static size_t slot_of(const words_units *w, const char *word) {
    size_t at = hash_bytes(word, strlen(word)) & (w->slot_count - 1);
    while (w->slots[at] && strcmp(w->words[w->slots[at] - 1], word) != 0)
        at = (at + 1) & (w->slot_count - 1);
    return at;
}

static bool rehash(words_units *w, size_t slots) {
    uint32_t *fresh = base_calloc(slots, sizeof *fresh);
    if (!fresh) return false;
    base_free(w->slots);
    w->slots = fresh;
    w->slot_count = slots;
    for (size_t i = 0; i < w->count; i++) w->slots[slot_of(w, w->words[i])] = (uint32_t)i + 1;
    return true;
}

/* Adds a word if it is new; *index is its place. */
static bool add_word(words_units *w, const char *word, size_t *index) {
    if (w->count * 2 >= w->slot_count && !rehash(w, BASE_MAX(w->slot_count * 2, (size_t)1024)))
        return false;
    size_t slot = slot_of(w, word);
    if (w->slots[slot]) {
        *index = w->slots[slot] - 1;
        return true;
    }
    char *copy = base_strdup(word);
    if (!copy || !base_grow((void **)&w->words, &w->capacity, w->count + 1, sizeof *w->words)) {
        base_free(copy);
        return false;
    }
    *index = w->count;
    w->words[w->count++] = copy;
    w->slots[slot] = (uint32_t)w->count;
    return true;
}

void words_units_destroy(words_units *w) {
    if (!w) return;
    for (size_t i = 0; i < w->count; i++) base_free(w->words[i]);
    base_free(w->words);
    base_free(w->slots);
    base_free(w);
}

size_t words_units_count(const words_units *w) { return w->count + w->buckets; }

static bool knows(const words_units *w, const char *token) {
    return w->slot_count && w->slots[slot_of(w, token)];
}

/* ---- tokens ---- */

static bool is_word_byte(unsigned char c) { return isalnum(c) || c >= 0xC0; }

bool words_units_token(const char *text, size_t *at, char token[48]) {
    const unsigned char *t = (const unsigned char *)text;
    size_t i = *at, n = 0;
    while (t[i] && (isspace(t[i]) || t[i] < 32)) i++;
    if (!t[i]) return false;
    size_t start = i;
    if (isdigit(t[i])) { /* every number is one token */
        while (isdigit(t[i]) || ((t[i] == '.' || t[i] == ',') && isdigit(t[i + 1]))) i++;
        *at = i;
        memcpy(token, "0", 2);
        return true;
    }
    if (t[i] == 0xE2 && t[i + 1] == 0x80 && (t[i + 2] == 0x99 || t[i + 2] == 0x98)) {
        *at = i + 3; /* typographic apostrophe on its own */
        memcpy(token, "'", 2);
        return true;
    }
    if (t[i] >= 0xF0 || t[i] == 0xE2) { /* emoji and symbols: one code point, one token */
        (void)base_utf8_next(text, start + strlen(text + start), &i);
        n = BASE_MIN(i - start, (size_t)40);
        memcpy(token, text + start, n);
    } else if (is_word_byte(t[i])) {
        while (t[i]) {
            size_t quote = t[i] == '\''                                           ? 1
                           : t[i] == 0xE2 && t[i + 1] == 0x80 && t[i + 2] == 0x99 ? 3
                                                                                  : 0;
            if (quote && isalpha(t[i + quote])) { /* don't, it's */
                if (n < 40) token[n++] = '\'';
                i += quote;
            } else if (is_word_byte(t[i]) && t[i] < 0xF0 && t[i] != 0xE2) {
                size_t length = t[i] < 0x80 ? 1 : t[i] < 0xE0 ? 2 : 3;
                for (size_t k = 0; k < length && t[i]; k++, i++)
                    if (n < 40) token[n++] = (char)tolower(t[i]);
            } else {
                break;
            }
        }
    } else if (t[i] == '[') { /* [NAME], [RELIGION] */
        while (t[i] && t[i] != ']' && !isspace(t[i]) && n < 40) token[n++] = (char)tolower(t[i++]);
        if (t[i] == ']') token[n++] = (char)t[i++];
    } else { /* punctuation: runs of one sign count as at most three */
        unsigned char c = t[i];
        while (t[i] == c) {
            if (n < 3) token[n++] = (char)c;
            i++;
        }
    }
    token[n] = '\0';
    *at = i;
    return true;
}

static int32_t bucket_of(const words_units *w, const char *text, size_t n) {
    return (int32_t)(w->count + hash_bytes(text, n) % w->buckets);
}

size_t words_units_of(const words_units *w, const char *token, bool spelled, int32_t *out,
                      size_t room) {
    uint32_t known = w->slot_count ? w->slots[slot_of(w, token)] : 0;
    if (known && (!spelled || !w->buckets)) {
        out[0] = (int32_t)known - 1;
        return 1;
    }
    if (!w->buckets) return 0;
    char framed[64];
    int length = snprintf(framed, sizeof framed, "<%s>", token);
    size_t count = 0;
    for (size_t n = 3; n <= 5; n++)
        for (size_t i = 0; i + n <= (size_t)length && count < room; i++)
            out[count++] = bucket_of(w, framed + i, n);
    if (count == 0 && room) out[count++] = bucket_of(w, framed, (size_t)length);
    return count;
}

float words_units_coverage(const words_units *w, const char *text) {
    size_t words = 0, known = 0, tokens = 0;
    char token[WORDS_UNITS_TOKEN_SIZE];
    for (size_t at = 0; tokens < WORDS_UNITS_TOKENS && words_units_token(text, &at, token);
         tokens++) {
        if (!isalpha((unsigned char)*token) && (unsigned char)*token < 0xC0) continue;
        words++;
        known += knows(w, token);
    }
    return words ? (float)known / (float)words : 0;
}

bool words_units_common(const words_units *w, const char *text) {
    size_t words = 0;
    char token[WORDS_UNITS_TOKEN_SIZE];
    for (size_t at = 0; words_units_token(text, &at, token);) {
        if (!isalpha((unsigned char)*token) && (unsigned char)*token < 0xC0) continue;
        const uint32_t known =
            w->slot_count ? w->slots[slot_of(w, token)] : 0; /* its place, from 1 */
        if (!known || known > w->count / 10) return false;
        words++;
    }
    return words > 0;
}

void words_units_surface(const char *text, float out[WORDS_UNITS_SURFACE]) {
    size_t tokens = 0, words = 0, signs = 0, numbers = 0, letters = 0, bytes = 0, capitals = 0;
    char token[WORDS_UNITS_TOKEN_SIZE];
    for (const char *c = text; *c; c++) {
        bytes++;
        capitals += *c >= 'A' && *c <= 'Z';
    }
    for (size_t at = 0; words_units_token(text, &at, token); tokens++) {
        if (isdigit((unsigned char)*token)) {
            numbers++;
        } else if (is_word_byte((unsigned char)*token)) {
            words++;
            letters += strlen(token);
        } else {
            signs++;
        }
    }
    float n = (float)BASE_MAX(tokens, (size_t)1);
    const float all[WORDS_UNITS_SURFACE] = {(float)tokens,
                                            sqrtf((float)tokens),
                                            logf((float)tokens + 1),
                                            (float)letters / (float)BASE_MAX(words, (size_t)1),
                                            (float)capitals / (float)BASE_MAX(bytes, (size_t)1),
                                            (float)signs / n,
                                            strchr(text, '!') != NULL,
                                            strchr(text, '?') != NULL,
                                            strchr(text, '"') != NULL,
                                            numbers > 0};
    memcpy(out, all, sizeof all);
}

/* ---- making, saving, reading ---- */

typedef struct tally {
    uint32_t *items;
    size_t capacity;
} tally;

affect_status words_units_build(affect_context *ctx, const char *const *texts, size_t count,
                                size_t least, size_t buckets, words_units **out) {
    *out = NULL;
    words_units *all = base_calloc(1, sizeof *all), *kept = base_calloc(1, sizeof *kept);
    tally seen = {0};
    bool fine = all && kept;
    for (size_t i = 0; fine && i < count; i++) {
        char token[48];
        for (size_t at = 0; fine && words_units_token(texts[i], &at, token);) {
            size_t before = all->count, index;
            fine = add_word(all, token, &index) &&
                   base_grow((void **)&seen.items, &seen.capacity, all->count, sizeof *seen.items);
            if (fine && all->count > before) seen.items[index] = 0;
            if (fine) seen.items[index]++;
        }
    }
    for (size_t i = 0, index; fine && i < all->count; i++)
        if (seen.items[i] >= least) fine = add_word(kept, all->words[i], &index);
    base_free(seen.items);
    words_units_destroy(all);
    if (!fine) {
        words_units_destroy(kept);
        return base_fail_memory(ctx);
    }
    kept->buckets = buckets;
    *out = kept;
    return AFFECT_OK;
}

affect_status words_units_save(affect_context *ctx, const words_units *w, const char *path) {
    base_text text = {0};
    base_text_printf(&text, "#buckets %zu\n", w->buckets);
    for (size_t i = 0; i < w->count; i++) base_text_printf(&text, "%s\n", w->words[i]);
    affect_status status =
        text.failed ? base_fail_memory(ctx) : base_write_file(ctx, path, text.data, text.length);
    base_text_destroy(&text);
    return status;
}

affect_status words_units_open(affect_context *ctx, const char *path, words_units **out) {
    *out = NULL;
    char *text;
    size_t length;
    affect_status status = base_read_file(ctx, path, (size_t)64 << 20, &text, &length);
    if (status != AFFECT_OK) return status;
    words_units *w = base_calloc(1, sizeof *w);
    if (!w) status = base_fail_memory(ctx);
    char *rest = text, *line = strsep(&rest, "\n");
    int64_t buckets;
    if (w && (!base_starts_with(line, "#buckets ") ||
              !base_parse_int64(line + 9, strlen(line + 9), &buckets) || buckets < 0 ||
              buckets > 100000000))
        status = base_fail(ctx, AFFECT_ERROR_MODEL, "%s:1: expected '#buckets N'", path);
    else if (w)
        w->buckets = (size_t)buckets;
    for (size_t index; status == AFFECT_OK && rest && (line = strsep(&rest, "\n"));)
        if (*line && !add_word(w, line, &index)) status = base_fail_memory(ctx);
    base_free(text);
    if (status != AFFECT_OK) {
        words_units_destroy(w);
        return status;
    }
    *out = w;
    return AFFECT_OK;
}

/* ---- pre-trained vectors ---- */

/* The JSON is one object whose "vectors" member maps a word to [100 numbers, norm, index]; at 300
 * MB it is scanned, not parsed. */
affect_status words_units_vectors(affect_context *ctx, const words_units *w, const char *path,
                                  float *table, size_t stride, size_t width, size_t *found) {
    *found = 0;
    char *text;
    size_t length;
    affect_status status = base_read_file(ctx, path, (size_t)1 << 30, &text, &length);
    if (status != AFFECT_OK) return status;
    uint32_t *hits = base_calloc(BASE_MAX(w->buckets, (size_t)1), sizeof *hits);
    float *sum = base_calloc(BASE_MAX(w->buckets * width, (size_t)1), sizeof *sum);
    char *at = hits && sum ? strstr(text, "\"vectors\":{") : NULL;
    if (!hits || !sum)
        status = base_fail_memory(ctx);
    else if (!at)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: expected a member \"vectors\"", path);
    else
        at += strlen("\"vectors\":{");
    float *row = base_calloc(width, sizeof *row);
    if (!row) status = base_fail_memory(ctx);
    while (status == AFFECT_OK && *at == '"') {
        char word[64];
        size_t n = 0;
        for (at++; *at && *at != '"'; at++) {
            if (*at == '\\' && at[1]) at++;
            if (n < sizeof word - 1) word[n++] = *at;
        }
        word[n] = '\0';
        at += strcspn(at, "[");
        for (size_t k = 0; k < width && *at && *at != ']'; k++) row[k] = strtof(at + 1, &at);
        at += strcspn(at, "]");
        if (*at) at++;
        if (*at == ',') at++;
        uint32_t known = w->slot_count ? w->slots[slot_of(w, word)] : 0;
        if (known) {
            memcpy(table + (size_t)(known - 1) * stride, row, width * sizeof *row);
            (*found)++;
        }
        if (n >= sizeof word - 3 || !w->buckets) continue;
        int32_t pieces[64];
        size_t count = words_units_of(w, word, true, pieces, 64);
        for (size_t i = 0; i < count; i++) {
            size_t b = (size_t)pieces[i] - w->count;
            hits[b]++;
            for (size_t k = 0; k < width; k++) sum[b * width + k] += row[k];
        }
    }
    for (size_t b = 0; status == AFFECT_OK && b < w->buckets; b++)
        for (size_t k = 0; hits[b] && k < width; k++)
            table[(w->count + b) * stride + k] = sum[b * width + k] / (float)hits[b];
    base_free(row);
    base_free(hits);
    base_free(sum);
    base_free(text);
    return status;
}

void words_units_lexicon(const words_units *w, const words_lexicon *lexicon, float *table,
                         size_t stride, size_t first) {
    double square[WORDS_UNITS_LEXICON] = {0}, found = 0;
    for (size_t i = 0; i < w->count + w->buckets; i++) {
        const words_lexicon_entry *e =
            i < w->count ? words_lexicon_find(lexicon, w->words[i]) : NULL;
        float *row = table + i * stride + first;
        for (size_t k = 0; k < WORDS_UNITS_LEXICON; k++) {
            row[k] = !e ? 0 : k ? e->weight[k - 1] : e->polarity;
            square[k] += (double)(row[k] * row[k]);
        }
        found += e != NULL;
    }
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k < WORDS_UNITS_LEXICON; k++)
            if (square[k] > 0)
                table[i * stride + first + k] *= (float)(.4 / sqrt(square[k] / found));
}
