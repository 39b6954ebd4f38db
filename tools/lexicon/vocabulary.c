/* Which words are emotion words.
 *
 * 1. Core: the synsets of WordNet's files noun.feeling and verb.emotion.
 * 2. Linked: adjectives, adverbs, attributes and states that a derivation, participle or attribute
 *    pointer ties to the core.
 * 3. Near: adjectives similar to a linked one, adverbs made from those, and adjectives whose gloss
 *    says "feeling", "emotion" or names an emotion.
 * A word is kept if its emotional senses are a fair share of its uses (counts of WordNet's tagged
 * texts, senses by rank where there are none) and, the further it is from the core, if its vector
 * lies where those of the core's words lie (a ridge regression of core against other words). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lexicon/emotions.h"

enum { NOUN = 1, VERB = 2, ADJECTIVE = 4, ADVERB = 8 };
enum { NEAR_NONE, CORE, LINKED, NEAR };
enum { FILE_ATTRIBUTE = 7, FILE_FEELING = 12, FILE_STATE = 26, FILE_EMOTION = 37 };

/* ---- word vectors ---- */

static struct {
    uint32_t *cells;
    size_t size;
} by_word;

static size_t slot_of(const lexicon *lx, const char *word) {
    uint64_t h = UINT64_C(14695981039346656037);
    for (const char *s = word; *s; s++) h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    size_t at = (size_t)(h ^ h >> 29) & (by_word.size - 1);
    while (by_word.cells[at] && strcmp(lx->vector_words[by_word.cells[at] - 1], word) != 0)
        at = (at + 1) & (by_word.size - 1);
    return at;
}

/* {"...", "vectors":{"word":[100 numbers, norm, index], ...}}: at 300 MB it is scanned. */
void vectors_open(lexicon *lx, const char *path) {
    char *text;
    size_t length, capacity = 0;
    if (base_read_file(NULL, path, (size_t)1 << 30, &text, &length))
        lexicon_die("cannot read %s", path);
    char *at = strstr(text, "\"vectors\":{");
    if (!at) lexicon_die("%s: expected a member \"vectors\"", path);
    at += strlen("\"vectors\":{");
    by_word.size = (size_t)1 << 20;
    by_word.cells = lexicon_calloc(by_word.size, sizeof *by_word.cells);
    size_t row_capacity = 0;
    while (*at == '"') {
        char word[64];
        size_t n = 0;
        for (at++; *at && *at != '"'; at++) {
            if (*at == '\\' && at[1]) at++;
            if (n < sizeof word - 1) word[n++] = *at;
        }
        word[n] = '\0';
        at += strcspn(at, "[");
        if (!base_grow((void **)&lx->vectors, &row_capacity, (lx->vector_count + 1) * WIDTH,
                       sizeof *lx->vectors) ||
            !base_grow((void **)&lx->vector_words, &capacity, lx->vector_count + 1,
                       sizeof *lx->vector_words))
            lexicon_die("out of memory");
        float *row = lx->vectors + lx->vector_count * WIDTH;
        double norm = 0;
        for (size_t k = 0; k < WIDTH && *at && *at != ']'; k++) {
            row[k] = strtof(at + 1, &at);
            norm += (double)row[k] * (double)row[k];
        }
        for (size_t k = 0; k < WIDTH && norm > 0; k++)
            row[k] = (float)((double)row[k] / sqrt(norm));
        at += strcspn(at, "]");
        if (*at) at++;
        if (*at == ',') at++;
        size_t slot = slot_of(lx, word);
        if (by_word.cells[slot]) continue;
        lx->vector_words[lx->vector_count++] = base_strdup(word);
        by_word.cells[slot] = (uint32_t)lx->vector_count;
    }
    base_free(text);
    if (lx->vector_count < 1000) lexicon_die("%s: too few vectors", path);
}

const float *vector_find(const lexicon *lx, const char *word, size_t *rank) {
    uint32_t found = by_word.cells[slot_of(lx, word)];
    if (rank) *rank = found ? found - 1 : SIZE_MAX;
    return found ? lx->vectors + (size_t)(found - 1) * WIDTH : NULL;
}

/* ---- choosing synsets ---- */

static unsigned pos_bit(char pos) {
    return pos == 'n' ? NOUN : pos == 'v' ? VERB : pos == 'a' ? ADJECTIVE : ADVERB;
}

static bool is_core(const wn_synset *s) {
    return s->file == FILE_FEELING || s->file == FILE_EMOTION;
}

static bool may_be_linked(const wn_synset *s) {
    return s->pos == 'a' || s->pos == 'r' || s->file == FILE_ATTRIBUTE || s->file == FILE_STATE;
}

static bool ties(const wn_pointer *p) { return strchr("+=<\\", p->symbol[0]) && !p->symbol[1]; }

/* Marks synsets that a derivation, participle or attribute pointer ties to marked ones. */
static void mark_tied(const wordnet *net, unsigned char *mark, unsigned char from, unsigned char to,
                      bool adverbs_only) {
    for (size_t i = 0; i < net->synset_count; i++)
        for (size_t k = 0; k < net->synsets[i].pointer_count; k++) {
            const wn_pointer *p = &net->synsets[i].pointers[k];
            if (!ties(p)) continue;
            size_t other = p->synset;
            for (int turn = 0; turn < 2; turn++) {
                size_t a = turn ? other : i, b = turn ? i : other;
                if (mark[a] == from && !mark[b] && may_be_linked(&net->synsets[b]) &&
                    (!adverbs_only || net->synsets[b].pos == 'r'))
                    mark[b] = to;
            }
        }
}

static bool names_emotion(const char *gloss, const unsigned char *is_feeling, const wordnet *net) {
    char word[48];
    for (const char *at = gloss; *at && *at != ';' && *at != '"';) {
        size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz");
        if (!n) {
            at++;
            continue;
        }
        if (n < sizeof word) {
            memcpy(word, at, n);
            word[n] = 0;
            if (!strncmp(word, "feel", 4) || !strncmp(word, "emotion", 7) || !strcmp(word, "mood"))
                return true;
            size_t count, first = wordnet_senses(net, word, &count);
            /* a noun whose first sense is a feeling */
            for (size_t k = first; k < first + count; k++)
                if (net->senses[k].rank == 1 && is_feeling[net->senses[k].synset] &&
                    net->synsets[net->senses[k].synset].pos == 'n')
                    return true;
        }
        at += n;
    }
    return false;
}

/* The first sense of an anchor: as an adjective if it is one, else as a noun, else as a verb. */
static void mark_anchor(const wordnet *net, unsigned char *mark, const char *word) {
    size_t n, first = wordnet_senses(net, word, &n);
    for (const char *pos = "anv"; *pos; pos++)
        for (size_t i = first; i < first + n; i++) {
            const wn_sense *s = &net->senses[i];
            if (s->rank != 1 || net->synsets[s->synset].pos != *pos) continue;
            if (!mark[s->synset]) mark[s->synset] = LINKED;
            return;
        }
}

static unsigned char *mark_synsets(const wordnet *net, char *const *anchors, size_t anchor_count) {
    unsigned char *mark = lexicon_calloc(net->synset_count, 1);
    for (size_t i = 0; i < net->synset_count; i++)
        if (is_core(&net->synsets[i])) mark[i] = CORE;
    for (size_t i = 0; i < anchor_count; i++) mark_anchor(net, mark, anchors[i]);
    unsigned char *feeling = lexicon_calloc(net->synset_count, 1);
    for (size_t i = 0; i < net->synset_count; i++)
        feeling[i] = net->synsets[i].file == FILE_FEELING;
    mark_tied(net, mark, CORE, LINKED, false);
    for (size_t i = 0; i < net->synset_count; i++) {
        const wn_synset *s = &net->synsets[i];
        if (mark[i] || s->pos != 'a') continue;
        for (size_t k = 0; k < s->pointer_count; k++)
            if (!strcmp(s->pointers[k].symbol, "&") && mark[s->pointers[k].synset] == LINKED)
                mark[i] = NEAR;
        if (!mark[i] && names_emotion(s->gloss, feeling, net)) mark[i] = NEAR;
    }
    mark_tied(net, mark, LINKED, NEAR, false);
    mark_tied(net, mark, NEAR, NEAR, true);
    base_free(feeling);
    return mark;
}

/* ---- choosing words ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const term *)a)->word, ((const term *)b)->word);
}

term *term_find(const lexicon *lx, const char *word) {
    term key = {.word = (char *)(uintptr_t)word};
    return bsearch(&key, lx->terms, lx->term_count, sizeof *lx->terms, by_name);
}

/* One or two words of letters, hyphens between. */
static bool writable(const char *word) {
    size_t blanks = 0, letters = 0;
    for (const char *s = word; *s; s++) {
        if (*s == ' ')
            blanks++;
        else if (*s >= 'a' && *s <= 'z')
            letters++;
        else if (*s != '-' || s == word)
            return false;
    }
    return letters > 2 && blanks < 2;
}

static void judge_uses(const wordnet *net, const unsigned char *mark, term *t) {
    size_t n, first = wordnet_senses(net, t->word, &n);
    double all = 0, ours = 0;
    for (size_t i = first; i < first + n; i++) {
        const wn_sense *s = &net->senses[i];
        double uses = s->tagged + 1.0 / s->rank;
        all += uses;
        if (mark[s->synset]) {
            ours += uses;
            t->pos |= pos_bit(net->synsets[s->synset].pos);
        }
    }
    t->prominence = all > 0 ? ours / all : 0;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool listed(char *const *list, size_t n, const char *word) {
    return bsearch(&word, list, n, sizeof *list, by_text) != NULL;
}

/* What a vector says about a word being an emotion word. */
static void fit_emotional(const lexicon *lx, const unsigned char *mark, char *const *anchors,
                          size_t anchor_count, double *w) {
    size_t n = 0, room = 30000;
    const float **x = lexicon_calloc(room, sizeof *x);
    double *y = lexicon_calloc(room, sizeof *y);
    for (size_t i = 0; i < BASE_MIN(lx->vector_count, room); i++) {
        const char *word = lx->vector_words[i];
        if (!writable(word)) continue;
        size_t count, first = wordnet_senses(lx->net, word, &count);
        double best = 0, all = 0;
        for (size_t k = first; k < first + count; k++) {
            const wn_sense *s = &lx->net->senses[k];
            all += s->tagged + 1.0 / s->rank;
            if (mark[s->synset] == CORE || mark[s->synset] == LINKED)
                best += s->tagged + 1.0 / s->rank;
        }
        bool sure = listed(anchors, anchor_count, word) || (count && best > .7 * all);
        if (!sure && (best > 0 || i % 3)) continue;
        x[n] = lx->vectors + i * WIDTH;
        y[n++] = sure;
    }
    ridge_fit(x, y, n, 10, -1, 1, w);
    base_free(x);
    base_free(y);
}

static bool keep(const term *t, unsigned nearest, bool anchor) {
    static const double share[] = {[CORE] = .3, [LINKED] = .4, [NEAR] = .5};
    static const double lying[] = {[CORE] = .10, [LINKED] = .18, [NEAR] = .28};
    if (anchor) return true;
    if (t->prominence < share[nearest]) return false;
    if (t->pos == ADVERB && t->emotional > .08) return true;
    if (isnan(t->emotional)) /* rare words and phrases: what WordNet says */
        return nearest == CORE ? t->prominence >= .5 : nearest == LINKED && t->prominence >= .8;
    return t->emotional >= lying[nearest];
}

static void add_term(lexicon *lx, const unsigned char *mark, const char *word, unsigned nearest,
                     const double *w, bool anchor) {
    term t = {.word = base_strdup(word), .emotional = NAN};
    if (!t.word) lexicon_die("out of memory");
    judge_uses(lx->net, mark, &t);
    if (!t.pos) { /* an anchor that WordNet has under other files, or not at all */
        size_t n, first = wordnet_senses(lx->net, word, &n);
        for (size_t i = first; i < first + n; i++)
            if (lx->net->senses[i].rank == 1)
                t.pos |= pos_bit(lx->net->synsets[lx->net->senses[i].synset].pos);
        if (!t.pos) t.pos = ADJECTIVE;
    }
    const float *v = vector_find(lx, word, &t.rank);
    if (v) {
        t.vector = lexicon_calloc(WIDTH, sizeof *t.vector);
        memcpy(t.vector, v, WIDTH * sizeof *v);
        t.emotional = ridge_value(w, v);
    }
    if (!keep(&t, nearest, anchor)) {
        base_free(t.vector);
        base_free(t.word);
        return;
    }
    if (!base_grow((void **)&lx->terms, &lx->term_capacity, lx->term_count + 1, sizeof t))
        lexicon_die("out of memory");
    lx->terms[lx->term_count++] = t;
}

/* "displeased", "displeasing": forms of the core's verbs that live as adjectives. */
static size_t participle(const char *verb, bool past, char out[64]) {
    size_t n = strlen(verb);
    if (n < 3 || n > 50) return 0;
    memcpy(out, verb, n + 1);
    char last = verb[n - 1];
    if (past && last == 'y' && !strchr("aeo", verb[n - 2]))
        out[n - 1] = 'i';
    else if (last == 'e' && (past || verb[n - 2] != 'e'))
        n--;
    out[n] = 0;
    strcat(out, past ? "ed" : "ing");
    return n;
}

static void add_participles(lexicon *lx, const unsigned char *mark, const double *w, char ***pairs,
                            size_t *pair_count) {
    size_t verbs = lx->term_count, capacity = 0;
    for (size_t i = 0; i < verbs; i++)
        for (int past = 0; past < 2; past++) {
            char form[64];
            const term *t = &lx->terms[i];
            if (!(t->pos & VERB) || strchr(t->word, ' ') || !participle(t->word, past, form))
                continue;
            const float *v = vector_find(lx, form, NULL);
            if (!v || ridge_value(w, v) < (past ? .28 : .25)) continue;
            if (!base_grow((void **)pairs, &capacity, *pair_count + 2, sizeof **pairs))
                lexicon_die("out of memory");
            (*pairs)[(*pair_count)++] = base_strdup(t->word);
            (*pairs)[(*pair_count)++] = base_strdup(form);
            bool known = false; /* the terms are not in order yet */
            for (size_t k = 0; k < lx->term_count && !known; k++)
                known = !strcmp(lx->terms[k].word, form);
            if (!known) add_term(lx, mark, form, LINKED, w, true);
        }
}

/* An adverb stands or falls with its adjective. */
static bool stray_adverb(const lexicon *lx, const unsigned char *mark, const term *t) {
    if (t->pos != ADVERB) return false;
    size_t n, first = wordnet_senses(lx->net, t->word, &n);
    for (size_t i = first; i < first + n; i++) {
        const wn_synset *s = &lx->net->synsets[lx->net->senses[i].synset];
        for (size_t k = 0; mark[lx->net->senses[i].synset] && k < s->pointer_count; k++) {
            const wn_pointer *p = &s->pointers[k];
            const wn_synset *base = &lx->net->synsets[p->synset];
            if (p->symbol[0] == '\\' && p->from && !strcmp(s->words[p->from - 1], t->word) &&
                p->to && term_find(lx, base->words[p->to - 1]))
                return false;
        }
    }
    return true;
}

/* ---- links ---- */

static void add_link(lexicon *lx, const char *a, const char *b, link_kind kind) {
    const term *x = term_find(lx, a), *y = term_find(lx, b);
    if (!x || !y || x == y) return;
    if (!base_grow((void **)&lx->links, &lx->link_capacity, lx->link_count + 1, sizeof *lx->links))
        lexicon_die("out of memory");
    uint32_t i = (uint32_t)(x - lx->terms), k = (uint32_t)(y - lx->terms);
    lx->links[lx->link_count++] = (link){BASE_MIN(i, k), BASE_MAX(i, k), kind};
}

static link_kind kind_of(const wn_pointer *p) {
    switch (p->symbol[0]) {
    case '!': return LINK_OPPOSITE;
    case '+':
    case '<': /* not '=': "happiness" is the attribute of both "happy" and "unhappy" */
    case '\\': return LINK_DERIVED;
    case '&':
    case '^':
    case '$':
    case '*': return LINK_SIMILAR;
    case '@': return LINK_BROADER;
    default: return LINK_KINDS;
    }
}

static int by_ends(const void *a, const void *b) {
    const link *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    if (x->b != y->b) return x->b < y->b ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

/* Links of the marked senses only: "blue" the colour ties nobody to sadness. */
static void make_links(lexicon *lx, const unsigned char *mark) {
    for (size_t i = 0; i < lx->net->synset_count; i++) {
        const wn_synset *s = &lx->net->synsets[i];
        if (!mark[i]) continue;
        for (size_t a = 0; a < s->word_count; a++)
            for (size_t b = 0; b < a; b++) add_link(lx, s->words[a], s->words[b], LINK_SYNONYM);
        for (size_t k = 0; k < s->pointer_count; k++) {
            const wn_pointer *p = &s->pointers[k];
            const wn_synset *t = &lx->net->synsets[p->synset];
            link_kind kind = kind_of(p);
            if (!mark[p->synset] || kind == LINK_KINDS) continue;
            for (size_t a = 0; a < s->word_count; a++)
                for (size_t b = 0; b < t->word_count; b++)
                    if ((!p->from || p->from == a + 1) && (!p->to || p->to == b + 1))
                        add_link(lx, s->words[a], t->words[b], kind);
        }
    }
    qsort(lx->links, lx->link_count, sizeof *lx->links, by_ends);
    size_t kept = 0;
    for (size_t i = 0; i < lx->link_count; i++)
        if (!i || by_ends(&lx->links[i], &lx->links[kept - 1])) lx->links[kept++] = lx->links[i];
    lx->link_count = kept;
}

/* Words of which there is neither a vector nor a link: nothing could be said about them. */
static void leave_out_unknown(lexicon *lx) {
    uint32_t *place = lexicon_calloc(lx->term_count, sizeof *place);
    for (size_t i = 0; i < lx->link_count; i++) place[lx->links[i].a] = place[lx->links[i].b] = 1;
    size_t kept = 0;
    for (size_t i = 0; i < lx->term_count; i++)
        if (lx->terms[i].vector || place[i]) {
            lx->terms[kept] = lx->terms[i];
            place[i] = (uint32_t)kept++;
        }
    lx->term_count = kept;
    for (size_t i = 0; i < lx->link_count; i++) {
        lx->links[i].a = place[lx->links[i].a];
        lx->links[i].b = place[lx->links[i].b];
    }
    base_free(place);
}

void vocabulary_make(lexicon *lx, char *const *anchors, size_t anchor_count, char *const *dropped,
                     size_t dropped_count) {
    unsigned char *mark = mark_synsets(lx->net, anchors, anchor_count);
    double w[WIDTH + 1];
    char **sorted = lexicon_calloc(anchor_count, sizeof *sorted);
    memcpy(sorted, anchors, anchor_count * sizeof *sorted);
    qsort(sorted, anchor_count, sizeof *sorted, by_text);
    fit_emotional(lx, mark, sorted, anchor_count, w);
    for (size_t i = 0; i < lx->net->sense_count;) { /* lemma by lemma, in order */
        const char *word = lx->net->senses[i].lemma;
        unsigned nearest = NEAR + 1;
        size_t next = i;
        for (; next < lx->net->sense_count && !strcmp(lx->net->senses[next].lemma, word); next++) {
            unsigned m = mark[lx->net->senses[next].synset];
            if (m && m < nearest) nearest = m;
        }
        bool anchor = listed(sorted, anchor_count, word);
        bool out = false;
        for (size_t k = 0; k < dropped_count && !out; k++) out = !strcmp(dropped[k], word);
        if (!out && writable(word) && (nearest <= NEAR || anchor))
            add_term(lx, mark, word, BASE_MIN(nearest, (unsigned)NEAR), w, anchor);
        i = next;
    }
    for (size_t i = 0; i < anchor_count; i++) {
        size_t n;
        wordnet_senses(lx->net, sorted[i], &n);
        if (!n) add_term(lx, mark, sorted[i], NEAR, w, true);
    }
    char **pairs = NULL;
    size_t pair_count = 0;
    add_participles(lx, mark, w, &pairs, &pair_count);
    qsort(lx->terms, lx->term_count, sizeof *lx->terms, by_name);
    size_t kept = 0; /* a participle can be an anchor that WordNet lacks */
    for (size_t i = 0; i < lx->term_count; i++)
        if (!kept || strcmp(lx->terms[i].word, lx->terms[kept - 1].word) != 0)
            lx->terms[kept++] = lx->terms[i];
    lx->term_count = kept;
    for (size_t i = 0; i < lx->term_count; i++) /* searched while it stands: mark first */
        if (stray_adverb(lx, mark, &lx->terms[i])) lx->terms[i].pos = 0;
    kept = 0;
    for (size_t i = 0; i < lx->term_count; i++)
        if (lx->terms[i].pos) lx->terms[kept++] = lx->terms[i];
    lx->term_count = kept;
    for (size_t i = 0; i < pair_count; i += 2) add_link(lx, pairs[i], pairs[i + 1], LINK_DERIVED);
    make_links(lx, mark);
    leave_out_unknown(lx);
    base_free(sorted);
    base_free(mark);
}
