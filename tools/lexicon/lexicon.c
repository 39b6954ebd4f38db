/* Builds and judges models/words.lexicon/lexicon.tsv.
 *
 *   lexicon build VADER.txt AFINN/index.js WORDNET/dict EMOBANK.csv OUT.tsv
 *   lexicon evaluate LEXICON.tsv EMOBANK.csv      correlation with the dev split, per dimension
 *
 * 1. Polarity: the mean of VADER's rater mean / 4 and AFINN's score / 5. A word that neither lists
 *    takes half the mean polarity of its WordNet synonyms if at least half of its synsets hold a
 *    listed word and all agree in sign.
 * 2. Weights on V, A, D: least squares of EmoBank's train sentences ((rating - 3) / 2) on P, |P|
 *    and 1, then ridge regression of what is left on the words (count / sqrt(n)), solved by
 * conjugate gradients. The error is that of five folds over train. All steps are deterministic: the
 * same inputs give the same file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "words/estimator.h"
#include "words/tokens.h"

enum { MIN_SENTENCES = 2, FOLDS = 5, MAX_TOKENS = 4096, RIDGE = 3 };

typedef struct entry {
    char *word;
    double polarity[2]; /* VADER, AFINN; NaN */
    double votes, vote_sum, synsets;
    bool clash;
    double prior;
    double weight[3];
    size_t sentences;
    bool rated;
} entry;

static struct {
    size_t count, capacity;
    entry *items;
    size_t *cells, size;
} words;

static void die(const char *what) {
    fprintf(stderr, "lexicon: %s\n", what);
    exit(1);
}

static size_t slot_of(const char *word) {
    uint64_t h = UINT64_C(14695981039346656037);
    for (const char *s = word; *s; s++) h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    size_t at = (size_t)(h ^ h >> 29) & (words.size - 1);
    while (words.cells[at] && strcmp(words.items[words.cells[at] - 1].word, word) != 0)
        at = (at + 1) & (words.size - 1);
    return at;
}

static entry *find(const char *word, bool make) {
    if (!words.size) {
        words.size = 1 << 20; /* WordNet has 150,000 */
        words.cells = calloc(words.size, sizeof *words.cells);
        if (!words.cells) die("out of memory");
    }
    size_t at = slot_of(word);
    if (words.cells[at]) return &words.items[words.cells[at] - 1];
    if (!make) return NULL;
    if (!base_grow((void **)&words.items, &words.capacity, words.count + 1, sizeof *words.items))
        die("out of memory");
    words.items[words.count] = (entry){.word = strdup(word), .polarity = {NAN, NAN}};
    words.cells[at] = ++words.count;
    return &words.items[words.count - 1];
}

static bool plain_word(const char *s) {
    if (!(*s >= 'a' && *s <= 'z')) return false;
    for (; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || *s == '\'' || *s == '-')) return false;
    return true;
}

static char *load(const char *path, size_t *length) {
    char *text = NULL;
    if (base_read_file(NULL, path, 0, &text, length)) {
        fprintf(stderr, "lexicon: cannot read %s\n", path);
        exit(1);
    }
    return text;
}

static void read_vader(const char *path) {
    size_t n;
    char *text = load(path, &n), *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *tab = strchr(line, '\t');
        if (!tab) continue;
        *tab = 0;
        if (plain_word(line)) find(line, true)->polarity[0] = atof(tab + 1) / 4;
    }
    base_free(text);
}

static void read_afinn(const char *path) {
    size_t n;
    char *text = load(path, &n), *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char word[64];
        int score;
        if ((sscanf(line, " '%63[^']': %d", word, &score) == 2 ||
             sscanf(line, " %63[a-z]: %d", word, &score) == 2) &&
            plain_word(word))
            find(word, true)->polarity[1] = score / 5.0;
    }
    base_free(text);
}

static void set_priors(void) {
    for (size_t i = 0; i < words.count; i++) {
        entry *e = &words.items[i];
        bool v = !isnan(e->polarity[0]), a = !isnan(e->polarity[1]);
        e->rated = v || a;
        e->prior = v && a ? (e->polarity[0] + e->polarity[1]) / 2
                   : v    ? e->polarity[0]
                   : a    ? e->polarity[1]
                          : 0;
    }
}

/* "offset file type count(hex) word lex_id word lex_id ...": WordNet's wndb(5WN). */
static void read_wordnet(const char *folder) {
    static const char *const files[] = {"data.adj", "data.adv", "data.noun", "data.verb"};
    for (size_t f = 0; f < BASE_COUNT(files); f++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, files[f]);
        size_t n;
        char *text = load(path, &n), *save = NULL;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
            unsigned count = 0;
            int at = 0;
            if (line[0] == ' ' || sscanf(line, "%*s %*s %*s %x%n", &count, &at) != 1) continue;
            char members[64][64];
            size_t kept = 0;
            double sum = 0, rated = 0;
            for (unsigned k = 0; k < count && kept < 64; k++) {
                char word[64];
                int used = 0;
                if (sscanf(line + at, " %63s %*s%n", word, &used) != 1 || !used) break;
                at += used;
                char *mark = strchr(word, '(');
                if (mark) *mark = 0;
                if (!plain_word(word)) continue; /* names and phrases */
                strcpy(members[kept++], word);
                const entry *e = find(word, false);
                if (e && e->rated) {
                    sum += e->prior;
                    rated++;
                }
            }
            for (size_t k = 0; k < kept; k++) {
                entry *e = find(members[k], true);
                e->synsets++;
                if (e->rated || rated == 0) continue;
                if (e->votes > 0 && (e->vote_sum > 0) != (sum > 0)) e->clash = true;
                e->votes++;
                e->vote_sum += sum / rated;
            }
        }
        base_free(text);
    }
    for (size_t i = 0; i < words.count; i++) {
        entry *e = &words.items[i];
        if (!e->rated && e->votes > 0 && !e->clash && e->votes * 2 >= e->synsets)
            e->prior = e->vote_sum / e->votes / 2;
    }
}

/* ---- EmoBank ---- */

typedef struct sentence {
    double rating[3];
    bool dev;
    size_t count;
    words_lexicon_token *tokens;
    double polarity;
    size_t features, *columns; /* in the ridge's vocabulary */
} sentence;

static struct {
    size_t count, capacity;
    sentence *items;
} bank;

static void read_emobank(const char *path) {
    size_t n;
    char *text = load(path, &n), *at = strchr(text, '\n');
    while (at && *++at) {
        char split[16];
        double rating[3];
        int used = 0;
        if (sscanf(at, "%*[^,],%15[^,],%lf,%lf,%lf,%n", split, &rating[0], &rating[1], &rating[2],
                   &used) != 4)
            die("the EmoBank file has an unexpected line");
        at += used;
        base_text said = {0};
        if (*at == '"') { /* quoted: "" is a quote, line ends belong to it */
            for (at++; *at && !(*at == '"' && at[1] != '"'); at++) {
                if (*at == '"') at++;
                base_text_append_n(&said, at, 1);
            }
            at = strchr(at, '\n');
        } else {
            char *end = strchr(at, '\n');
            base_text_append_n(&said, at, end ? (size_t)(end - at) : strlen(at));
            at = end;
        }
        if (!strcmp(split, "test")) {
            base_text_destroy(&said);
            continue;
        }
        sentence s = {.dev = !strcmp(split, "dev")};
        for (size_t k = 0; k < 3; k++) s.rating[k] = (rating[k] - 3) / 2;
        words_token token = {0};
        size_t byte = 0;
        s.tokens = calloc(MAX_TOKENS, sizeof *s.tokens);
        while (s.tokens && said.length && s.count < MAX_TOKENS &&
               words_next_token(said.data, said.length, &byte, &token))
            if (token.end > token.start)
                s.tokens[s.count++].text =
                    strndup(said.data + token.start, token.end - token.start);
        /* Prose has remarks in brackets, not sounds: all of it counts. */
        s.tokens = realloc(s.tokens, BASE_MAX(s.count, (size_t)1) * sizeof *s.tokens);
        base_text_destroy(&said);
        if (!s.tokens ||
            !base_grow((void **)&bank.items, &bank.capacity, bank.count + 1, sizeof *bank.items))
            die("out of memory");
        bank.items[bank.count++] = s;
    }
    base_free(text);
}

static int compare(const void *a, const void *b) {
    return strcmp(((const entry *)a)->word, ((const entry *)b)->word);
}

static char *render(double fit[3][4]) {
    static const char *const names[] = {"valence", "arousal", "dominance"};
    base_text out = {0};
    base_text_append(&out, "# affect lexicon 1\n# word polarity valence arousal dominance\n");
    for (size_t k = 0; k < 3; k++)
        base_text_printf(&out, "=%s\t%.5f\t%.5f\t%.5f\t%.4f\n", names[k], fit[k][0], fit[k][1],
                         fit[k][2], fit[k][3]);
    for (size_t i = 0; i < words.count; i++) {
        const entry *e = &words.items[i];
        if (fabs(e->prior) < .005 && e->sentences < MIN_SENTENCES) continue;
        base_text_printf(&out, "%s\t%.3f\t%.3f\t%.3f\t%.3f\n", e->word, e->prior + 0.0,
                         e->weight[0] + 0.0, e->weight[1] + 0.0, e->weight[2] + 0.0);
    }
    if (out.failed) die("out of memory");
    return out.data;
}

static void read_sentences(const char *text) {
    words_lexicon *lexicon = NULL;
    if (words_lexicon_parse(NULL, "lexicon", text, strlen(text), &lexicon))
        die("own output unreadable");
    for (size_t i = 0; i < bank.count; i++) {
        sentence *s = &bank.items[i];
        words_lexicon_read(lexicon, s->tokens, s->count);
        s->polarity = words_lexicon_polarity(s->tokens, s->count);
        for (size_t k = 0; k < s->count; k++) s->tokens[k].entry = NULL;
    }
    words_lexicon_destroy(lexicon);
}

/* Words of the train sentences become columns, those of two sentences or more. */
static size_t make_columns(void) {
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < bank.count; i++) {
            sentence *s = &bank.items[i];
            if (pass == 1) s->columns = calloc(s->count + 1, sizeof *s->columns);
            for (size_t k = 0; k < s->count; k++) {
                const char *word = s->tokens[k].word;
                if (!plain_word(word)) continue;
                entry *e = find(word, pass == 0 && !s->dev);
                if (!e) continue;
                if (pass == 1) {
                    if (e->sentences >= MIN_SENTENCES)
                        s->columns[s->features++] = (size_t)(e - words.items);
                } else if (!s->dev) {
                    bool first = true;
                    for (size_t j = 0; j < k; j++) first &= strcmp(s->tokens[j].word, word) != 0;
                    e->sentences += first;
                }
            }
        }
    return words.count;
}

static bool in_fold(size_t i, int fold) { return !bank.items[i].dev && (int)(i % FOLDS) == fold; }

/* b of [P, |P|, 1] by the normal equations, on sentences outside the fold. */
static void fit_base(size_t k, int fold, double b[3]) {
    double a[3][4] = {{0}};
    for (size_t i = 0; i < bank.count; i++) {
        const sentence *s = &bank.items[i];
        if (s->dev || in_fold(i, fold)) continue;
        double x[3] = {1, s->polarity, fabs(s->polarity)};
        for (int r = 0; r < 3; r++) {
            for (int c = 0; c < 3; c++) a[r][c] += x[r] * x[c];
            a[r][3] += x[r] * s->rating[k];
        }
    }
    for (int r = 0; r < 3; r++) /* Gauss-Jordan; positive definite, so no pivoting */
        for (int q = 0; q < 3; q++) {
            if (q == r) continue;
            double f = a[q][r] / a[r][r];
            for (int c = r; c < 4; c++) a[q][c] -= f * a[r][c];
        }
    for (int r = 0; r < 3; r++) b[r] = a[r][3] / a[r][r];
}

static double base_value(const sentence *s, const double b[3]) {
    return b[0] + b[1] * s->polarity + b[2] * fabs(s->polarity);
}

static double dot_words(const sentence *s, const double *w) {
    double sum = 0;
    for (size_t j = 0; j < s->features; j++) sum += w[s->columns[j]];
    return s->count ? sum / sqrt((double)s->count) : 0;
}

static void add_words(const sentence *s, double value, double *w) {
    double scaled = s->count ? value / sqrt((double)s->count) : 0;
    for (size_t j = 0; j < s->features; j++) w[s->columns[j]] += scaled;
}

/* (X'X + RIDGE I) w = X'r by conjugate gradients. */
static void fit_words(size_t k, int fold, const double b[3], double *w) {
    size_t n = words.count;
    double *r = calloc(n, sizeof *r), *p = calloc(n, sizeof *p), *q = calloc(n, sizeof *q);
    if (!r || !p || !q) die("out of memory");
    memset(w, 0, n * sizeof *w);
    for (size_t i = 0; i < bank.count; i++) {
        const sentence *s = &bank.items[i];
        if (!s->dev && !in_fold(i, fold)) add_words(s, s->rating[k] - base_value(s, b), r);
    }
    memcpy(p, r, n * sizeof *p);
    double rr = 0;
    for (size_t i = 0; i < n; i++) rr += r[i] * r[i];
    double stop = rr * 1e-14;
    for (int step = 0; step < 300 && rr > stop; step++) {
        for (size_t i = 0; i < n; i++) q[i] = RIDGE * p[i];
        for (size_t i = 0; i < bank.count; i++) {
            const sentence *s = &bank.items[i];
            if (!s->dev && !in_fold(i, fold)) add_words(s, dot_words(s, p), q);
        }
        double pq = 0, next = 0;
        for (size_t i = 0; i < n; i++) pq += p[i] * q[i];
        double alpha = rr / pq;
        for (size_t i = 0; i < n; i++) {
            w[i] += alpha * p[i];
            r[i] -= alpha * q[i];
            next += r[i] * r[i];
        }
        for (size_t i = 0; i < n; i++) p[i] = r[i] + next / rr * p[i];
        rr = next;
    }
    free(r);
    free(p);
    free(q);
}

static double correlation(const double *x, const double *y, size_t n) {
    double mx = 0, my = 0, xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++) mx += x[i] / (double)n, my += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        xy += (x[i] - mx) * (y[i] - my);
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
    }
    return xy / sqrt(xx * yy);
}

static void build(char **argv) {
    read_vader(argv[0]);
    read_afinn(argv[1]);
    set_priors();
    read_wordnet(argv[2]);
    read_emobank(argv[3]);
    /* Only what the fit can use or has a polarity stays: rebuild the table sorted. */
    double fit[3][4] = {{0}};
    qsort(words.items, words.count, sizeof *words.items, compare);
    memset(words.cells, 0, words.size * sizeof *words.cells);
    for (size_t i = 0; i < words.count; i++) words.cells[slot_of(words.items[i].word)] = i + 1;
    char *text = render(fit);
    read_sentences(text);
    base_free(text);
    make_columns();
    double *w = calloc(words.count, sizeof *w);
    if (!w) die("out of memory");
    for (size_t k = 0; k < 3; k++) {
        double b[3], squares = 0, count = 0;
        for (int fold = 0; fold <= FOLDS; fold++) {
            fit_base(k, fold, b);
            fit_words(k, fold, b, w);
            for (size_t i = 0; i < bank.count; i++)
                if (in_fold(i, fold)) {
                    double e = bank.items[i].rating[k] - base_value(&bank.items[i], b) -
                               dot_words(&bank.items[i], w);
                    squares += e * e;
                    count++;
                }
        }
        memcpy(fit[k], b, sizeof b); /* of the last round, which leaves nothing out */
        fit[k][3] = sqrt(squares / count);
        for (size_t i = 0; i < words.count; i++) words.items[i].weight[k] = w[i];
    }
    free(w);
    qsort(words.items, words.count, sizeof *words.items, compare);
    text = render(fit);
    if (base_write_file(NULL, argv[4], text, strlen(text))) die("cannot write the output");
    base_free(text);
}

static void evaluate(char **argv) {
    static const char *const names[] = {"valence", "arousal", "dominance"};
    size_t n;
    char *text = load(argv[0], &n);
    words_lexicon *lexicon = NULL;
    if (words_lexicon_parse(NULL, argv[0], text, n, &lexicon)) die("not a lexicon");
    base_free(text);
    read_emobank(argv[1]);
    double *x = calloc(bank.count, sizeof *x), *y = calloc(bank.count, sizeof *y);
    if (!x || !y) die("out of memory");
    for (size_t k = 0; k < 3; k++) {
        size_t count = 0, unscored = 0;
        double squares = 0, sd = 0;
        for (size_t i = 0; i < bank.count; i++) {
            sentence *s = &bank.items[i];
            if (!s->dev) continue;
            words_affect affect;
            words_lexicon_read(lexicon, s->tokens, s->count);
            words_lexicon_affect(lexicon, s->tokens, s->count, &affect);
            if (!affect.scored) {
                unscored++;
                continue;
            }
            x[count] = (double)affect.value[k];
            y[count] = s->rating[k];
            squares += (x[count] - y[count]) * (x[count] - y[count]);
            sd = (double)affect.sd[k];
            count++;
        }
        printf("%-9s  r %.3f  rmse %.3f (stated sd %.3f)  on %zu sentences of EmoBank dev, %zu not "
               "scored\n",
               names[k], correlation(x, y, count), sqrt(squares / (double)count), sd, count,
               unscored);
    }
}

int main(int argc, char **argv) {
    if (argc == 7 && !strcmp(argv[1], "build"))
        build(argv + 2);
    else if (argc == 4 && !strcmp(argv[1], "evaluate"))
        evaluate(argv + 2);
    else
        die("usage: lexicon build VADER AFINN WORDNET EMOBANK OUT | lexicon evaluate LEXICON "
            "EMOBANK");
    return 0;
}
