/* The emotion lexicon: its file, and what can be asked of it. */
#include "words/emotions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer/infer.h"

struct words_emotions {
    char *text; /* all strings point into it */
    size_t count, capacity, family_count, family_capacity, group_count;
    words_emotion_word *entries; /* sorted by word */
    const char **heads;          /* of each entry while parsing: its group's name */
    emotion_family *families;
    const char **group_names; /* sorted */
    size_t *members, *first;  /* group g owns members[first[g] .. first[g + 1]) */
    size_t head_capacity;
    bool kept; /* by the context, which destroys it */
};

/* ---- the file ---- */

static affect_status bad_line(affect_context *ctx, const char *name, size_t line,
                              const char *expected) {
    return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: line %zu: expected %s", name, line, expected);
}

static size_t cut(char *line, char separator, char *fields[], size_t most) {
    size_t n = 0;
    for (char *at = line; at; n++) {
        if (n == most) return most + 1;
        fields[n] = at;
        at = strchr(at, separator);
        if (at) *at++ = 0;
    }
    return n;
}

static bool number(const char *text, double least, double most, float *out) {
    double value;
    if (!base_parse_double(text, strlen(text), &value) || !(value >= least && value <= most))
        return false;
    *out = (float)value;
    return true;
}

static bool place(char *const fields[3], float vad[3]) {
    for (int k = 0; k < 3; k++)
        if (!number(fields[k], -1, 1, &vad[k])) return false;
    return true;
}

static long find_family(const words_emotions *w, const char *name) {
    for (size_t k = 0; k < w->family_count; k++)
        if (!strcmp(w->families[k].name, name)) return (long)k;
    return WORDS_EMOTION_NONE;
}

static affect_status parse_family(affect_context *ctx, const char *name, size_t line,
                                  char *fields[], size_t n, words_emotions *w) {
    float vad[3];
    if (n != 6 || !*fields[1] || !*fields[2] || !place(fields + 3, vad))
        return bad_line(ctx, name, line, "=family, name, category, three numbers in -1..1");
    if (find_family(w, fields[1]) != WORDS_EMOTION_NONE)
        return bad_line(ctx, name, line, "each family once");
    if (!base_grow((void **)&w->families, &w->family_capacity, w->family_count + 1,
                   sizeof *w->families))
        return base_fail_memory(ctx);
    emotion_family *f = &w->families[w->family_count++];
    f->name = fields[1];
    f->category = fields[2];
    memcpy(f->vad, vad, sizeof vad);
    return AFFECT_OK;
}

/* "joy:0.71,contentment:0.20" */
static bool parse_weights(char *text, const words_emotions *w, words_emotion_word *e) {
    char *parts[WORDS_EMOTION_FAMILIES];
    e->family_count = cut(text, ',', parts, WORDS_EMOTION_FAMILIES);
    if (e->family_count > WORDS_EMOTION_FAMILIES) return false;
    for (size_t i = 0; i < e->family_count; i++) {
        char *colon = strchr(parts[i], ':');
        if (!colon) return false;
        *colon = 0;
        long family = find_family(w, parts[i]);
        if (family < 0 || !number(colon + 1, 0, 1, &e->families[i].weight)) return false;
        e->families[i].family = (size_t)family;
    }
    return true;
}

static affect_status parse_line(affect_context *ctx, const char *name, char *line, size_t at,
                                words_emotions *w) {
    char *fields[8];
    size_t n = cut(line, '\t', fields, BASE_COUNT(fields));
    if (!strcmp(fields[0], "=family")) return parse_family(ctx, name, at, fields, n, w);
    words_emotion_word e = {.word = fields[0]};
    if (n != 8 || !*e.word || !place(fields + 2, e.vad) || !*fields[5] ||
        strspn(fields[1], "nvar") != strlen(fields[1]) || !parse_weights(fields[6], w, &e))
        return bad_line(ctx, name, at,
                        "word, parts of speech, three numbers in -1..1, group, families, sources");
    e.pos = fields[1];
    e.sources = fields[7];
    if (w->count && strcmp(w->entries[w->count - 1].word, e.word) >= 0)
        return bad_line(ctx, name, at, "words in order, each once"); /* the search relies on it */
    if (!base_grow((void **)&w->entries, &w->capacity, w->count + 1, sizeof e) ||
        !base_grow((void **)&w->heads, &w->head_capacity, w->count + 1, sizeof *w->heads))
        return base_fail_memory(ctx);
    w->heads[w->count] = fields[5];
    w->entries[w->count++] = e;
    return AFFECT_OK;
}

static int compare_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Numbers the groups in the order of their names and lists their members. */
static affect_status make_groups(affect_context *ctx, words_emotions *w) {
    w->group_names = base_alloc(w->count * sizeof *w->group_names);
    w->members = base_alloc(w->count * sizeof *w->members);
    w->first = base_calloc(w->count + 1, sizeof *w->first);
    if (!w->group_names || !w->members || !w->first) return base_fail_memory(ctx);
    memcpy(w->group_names, w->heads, w->count * sizeof *w->heads);
    qsort(w->group_names, w->count, sizeof *w->group_names, compare_text);
    for (size_t i = 0; i < w->count; i++)
        if (!i || strcmp(w->group_names[i], w->group_names[w->group_count - 1]) != 0)
            w->group_names[w->group_count++] = w->group_names[i];
    for (size_t i = 0; i < w->count; i++) {
        const char **found = bsearch(&w->heads[i], w->group_names, w->group_count,
                                     sizeof *w->group_names, compare_text);
        w->entries[i].group = (size_t)(found - w->group_names);
        w->first[w->entries[i].group + 1]++;
    }
    for (size_t g = 0; g < w->group_count; g++) w->first[g + 1] += w->first[g];
    for (size_t i = w->count; i-- > 0;) /* backwards: first[g + 1] runs down to the start of g */
        w->members[--w->first[w->entries[i].group + 1]] = i;
    /* now first[g + 1] is the start of g */
    memmove(w->first, w->first + 1, w->group_count * sizeof *w->first);
    w->first[w->group_count] = w->count;
    base_free(w->heads);
    w->heads = NULL;
    return AFFECT_OK;
}

affect_status words_emotions_parse(affect_context *ctx, const char *name, const char *text,
                                   size_t length, words_emotions **out) {
    *out = NULL;
    words_emotions *w = base_calloc(1, sizeof *w);
    if (!w) return base_fail_memory(ctx);
    w->text = base_strndup(text, length);
    affect_status status = w->text ? AFFECT_OK : base_fail_memory(ctx);
    size_t at = 0;
    for (char *line = w->text; !status && line && *line;) {
        char *end = strchr(line, '\n');
        if (end) *end = 0;
        at++;
        if (at == 1 && strcmp(line, "# affect emotion words 1") != 0)
            status = bad_line(ctx, name, 1, "\"# affect emotion words 1\"");
        else if (*line && *line != '#')
            status = parse_line(ctx, name, line, at, w);
        line = end ? end + 1 : NULL;
    }
    if (!status && !w->count) status = bad_line(ctx, name, at ? at : 1, "words");
    if (!status) status = make_groups(ctx, w);
    if (status) {
        words_emotions_destroy(w);
        return status;
    }
    *out = w;
    return AFFECT_OK;
}

static void destroy(void *kept) {
    words_emotions *w = kept;
    if (!w) return;
    base_free(w->entries);
    base_free(w->heads);
    base_free(w->families);
    base_free(w->group_names);
    base_free(w->members);
    base_free(w->first);
    base_free(w->text);
    base_free(w);
}

affect_status words_emotions_load(affect_context *ctx, const char *model, words_emotions **out) {
    *out = NULL;
    model_card *card = NULL;
    char *path = NULL, *text = NULL;
    size_t length = 0;
    const char *file = model ? model : "words.emotions";
    base_text key = {0};
    model_key("emotion words", ctx, file, &key);
    affect_status status = key.failed ? base_fail_memory(ctx) : AFFECT_OK;
    if (!status && (*out = base_kept_take(ctx, key.data)) != NULL) goto cleanup;
    if (!status) status = model_card_load(ctx, file, false, &card);
    if (!status && !card->file_count)
        status = base_fail(ctx, AFFECT_ERROR_MODEL, "model %s names no file", card->name);
    if (!status && !(path = model_card_path(card, card->files[0].name)))
        status = base_fail_memory(ctx);
    if (!status) status = base_read_file(ctx, path, 0, &text, &length);
    if (!status) status = words_emotions_parse(ctx, path, text, length, out);
    if (!status) {
        (*out)->kept = true; /* before others can see it */
        if (!base_kept_share(ctx, key.data, *out, destroy)) (*out)->kept = false;
    }
cleanup:
    base_text_destroy(&key);
    base_free(text);
    base_free(path);
    model_card_destroy(card);
    return status;
}

void words_emotions_destroy(words_emotions *w) {
    if (w && !w->kept) destroy(w);
}

/* ---- words ---- */

size_t words_emotions_count(const words_emotions *w) { return w->count; }
const words_emotion_word *words_emotions_at(const words_emotions *w, size_t i) {
    return &w->entries[i];
}

static int compare_entry(const void *key, const void *item) {
    return strcmp(key, ((const words_emotion_word *)item)->word);
}

long words_emotions_find(const words_emotions *w, const char *word) {
    const words_emotion_word *e =
        bsearch(word, w->entries, w->count, sizeof *w->entries, compare_entry);
    return e ? (long)(e - w->entries) : WORDS_EMOTION_NONE;
}

/* stem[0, n) + ending */
static long find_stem(const words_emotions *w, char *word, size_t n, const char *ending) {
    memcpy(word + n, ending, strlen(ending) + 1);
    return words_emotions_find(w, word);
}

/* English suffixes taken off: the stem as it is, with an e, with y for i, with one of two
 * consonants
 * ("saddest"). */
static long find_form(const words_emotions *w, const char *word, size_t n) {
    static const char *const endings[] = {"s", "es", "ed", "ing", "er", "est", "ly", "'s"};
    char stem[72];
    for (size_t k = 0; k < BASE_COUNT(endings); k++) {
        size_t cut_off = strlen(endings[k]);
        if (n < cut_off + 3 || strcmp(word + n - cut_off, endings[k]) != 0) continue;
        size_t m = n - cut_off;
        memcpy(stem, word, m);
        long found = find_stem(w, stem, m, "");
        if (found < 0 && strcmp(endings[k], "s") != 0) found = find_stem(w, stem, m, "e");
        if (found < 0 && stem[m - 1] == 'i') found = find_stem(w, stem, m - 1, "y");
        if (found < 0 && stem[m - 1] == stem[m - 2]) found = find_stem(w, stem, m - 1, "");
        if (found >= 0) return found;
    }
    return WORDS_EMOTION_NONE;
}

long words_emotions_lookup(const words_emotions *w, const char *text) {
    char word[64];
    size_t n = 0;
    while (*text == ' ') text++;
    for (; *text; text++) {
        char c = *text == '_' ? ' ' : *text;
        if (c >= 'A' && c <= 'Z') c = (char)(c | 32);
        if (n + 1 == sizeof word) return WORDS_EMOTION_NONE;
        word[n++] = c;
    }
    while (n && word[n - 1] == ' ') n--;
    word[n] = 0;
    long found = words_emotions_find(w, word);
    return found >= 0 ? found : find_form(w, word, n);
}

/* ---- families and groups ---- */

size_t words_emotions_family_count(const words_emotions *w) { return w->family_count; }
const emotion_family *words_emotions_family(const words_emotions *w, size_t family) {
    return &w->families[family];
}

size_t words_emotions_group_count(const words_emotions *w) { return w->group_count; }
const char *words_emotions_group_name(const words_emotions *w, size_t group) {
    return w->group_names[group];
}

const size_t *words_emotions_group_members(const words_emotions *w, size_t group, size_t *count) {
    *count = w->first[group + 1] - w->first[group];
    return w->members + w->first[group];
}

/* ---- distances ---- */

static const float AXIS[3] = {1, .5F, .25F};

static float place_distance(const float a[3], const float b[3]) {
    float sum = 0, most = 0;
    for (int k = 0; k < 3; k++) {
        if (isnan(a[k]) || isnan(b[k])) continue;
        sum += AXIS[k] * (a[k] - b[k]) * (a[k] - b[k]);
        most += AXIS[k] * 4;
    }
    return most > 0 ? sqrtf(sum / most) : 0;
}

/* Bhattacharyya's coefficient of the weights that are known, each word's made to sum to 1. */
static float family_overlap(const words_emotion_word *a, const words_emotion_word *b) {
    float overlap = 0, all_a = 0, all_b = 0;
    for (size_t i = 0; i < a->family_count; i++) all_a += a->families[i].weight;
    for (size_t k = 0; k < b->family_count; k++) all_b += b->families[k].weight;
    if (all_a <= 0 || all_b <= 0) return 0;
    for (size_t i = 0; i < a->family_count; i++)
        for (size_t k = 0; k < b->family_count; k++)
            if (a->families[i].family == b->families[k].family)
                overlap += sqrtf(a->families[i].weight * b->families[k].weight / (all_a * all_b));
    return BASE_MIN(overlap, 1.0F);
}

float words_emotions_distance(const words_emotions *w, size_t a, size_t b) {
    if (a == b) return 0;
    const words_emotion_word *x = &w->entries[a], *y = &w->entries[b];
    float d = (place_distance(x->vad, y->vad) + 1 - family_overlap(x, y)) / 2;
    return x->group == y->group ? d / 2 : d;
}

/* Keeps the n nearest in order; equals stay in the order of the words. */
static size_t keep_nearest(size_t *out, float *far, size_t kept, size_t n, size_t word, float d) {
    if (kept == n && (n == 0 || d >= far[n - 1])) return kept;
    size_t at = kept < n ? kept++ : kept - 1;
    for (; at > 0 && far[at - 1] > d; at--) {
        far[at] = far[at - 1];
        out[at] = out[at - 1];
    }
    far[at] = d;
    out[at] = word;
    return kept;
}

enum { MOST_NEIGHBOURS = 256 };

size_t words_emotions_nearest(const words_emotions *w, const float vad[3], size_t n, size_t *out,
                              float *distance) {
    float far[MOST_NEIGHBOURS];
    size_t kept = 0;
    n = BASE_MIN(n, (size_t)MOST_NEIGHBOURS);
    for (size_t i = 0; i < w->count; i++)
        kept = keep_nearest(out, far, kept, n, i, place_distance(vad, w->entries[i].vad));
    if (distance) memcpy(distance, far, kept * sizeof *far);
    return kept;
}

size_t words_emotions_neighbours(const words_emotions *w, size_t word, size_t n, size_t *out,
                                 float *distance) {
    float far[MOST_NEIGHBOURS];
    size_t kept = 0;
    n = BASE_MIN(n, (size_t)MOST_NEIGHBOURS);
    for (size_t i = 0; i < w->count; i++)
        if (i != word)
            kept = keep_nearest(out, far, kept, n, i, words_emotions_distance(w, word, i));
    if (distance) memcpy(distance, far, kept * sizeof *far);
    return kept;
}
