/* What is known about the words: ratings of words, ratings and labels of sentences, a network. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/table.h"
#include "tools/lexicon/emotions.h"

/* GoEmotions' labels in their order, then what XED has beside them. */
const label labels[] = {{"admiration", "admiration"},
                        {"amusement", "amusement"},
                        {"anger", "anger"},
                        {"annoyance", "annoyance"},
                        {"approval", "admiration"},
                        {"caring", "compassion"},
                        {"confusion", "confusion"},
                        {"curiosity", "interest"},
                        {"desire", "desire"},
                        {"disappointment", "disappointment"},
                        {"disapproval", "dislike"},
                        {"disgust", "disgust"},
                        {"embarrassment", "shame"},
                        {"excitement", "excitement"},
                        {"fear", "fear"},
                        {"gratitude", "gratitude"},
                        {"grief", "grief"},
                        {"joy", "joy"},
                        {"love", "love"},
                        {"nervousness", "anxiety"},
                        {"optimism", "hope"},
                        {"pride", "pride"},
                        {"realization", NULL},
                        {"relief", "relief"},
                        {"remorse", "guilt"},
                        {"sadness", "sadness"},
                        {"surprise", "surprise"},
                        {"neutral", NULL},
                        {"anticipation", "hope"},
                        {"trust", "trust"}};
const size_t label_count = BASE_COUNT(labels);

static int label_of(const char *name) {
    for (size_t i = 0; i < label_count; i++)
        if (!strcmp(labels[i].name, name)) return (int)i;
    return -1;
}

static double *no_values(size_t n) {
    double *v = lexicon_calloc(n, sizeof *v);
    for (size_t i = 0; i < n; i++) v[i] = NAN;
    return v;
}

static double *source_values(lexicon *lx, source s) {
    if (!lx->value[s]) lx->value[s] = no_values(lx->term_count * DIMS);
    return lx->value[s];
}

static data_table *open_table(const char *path, const data_table_options *options) {
    affect_context *ctx;
    data_table *table;
    if (affect_context_create(&ctx)) lexicon_die("out of memory");
    if (data_table_open(ctx, path, options, &table)) lexicon_die("%s", affect_context_message(ctx));
    affect_context_destroy(ctx);
    return table;
}

/* ---- words ---- */

void sources_anchors(lexicon *lx, const char *path) {
    double *value = source_values(lx, FROM_ANCHOR);
    char *text = lexicon_load(path, "anchors.tsv"), *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *tab = strchr(line, '\t');
        double v[DIMS];
        if (*line == '#' || !tab) continue;
        *tab = 0;
        const term *t = term_find(lx, line);
        if (!t || sscanf(tab + 1, "%lf %lf %lf", &v[0], &v[1], &v[2]) != DIMS)
            lexicon_die("anchors.tsv: %s: no such word or no three numbers", line);
        memcpy(value + (size_t)(t - lx->terms) * DIMS, v, sizeof v);
    }
    base_free(text);
}

static void note_rating(lexicon *lx, source s, const char *word, double value, double *sum,
                        unsigned char *count) {
    const term *t = term_find(lx, word);
    if (t) source_values(lx, s)[(size_t)(t - lx->terms) * DIMS] = value;
    size_t rank;
    if (vector_find(lx, word, &rank)) {
        sum[rank] += value;
        count[rank]++;
    }
}

void sources_ratings(lexicon *lx, const char *vader, const char *afinn) {
    double *sum = lexicon_calloc(lx->vector_count, sizeof *sum);
    unsigned char *count = lexicon_calloc(lx->vector_count, 1);
    char *text = lexicon_load(vader, "vader_lexicon.txt"), *save = NULL, word[64];
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *tab = strchr(line, '\t');
        if (!tab) continue;
        *tab = 0;
        note_rating(lx, FROM_VADER, line, strtod(tab + 1, NULL) / 4, sum, count);
    }
    base_free(text);
    text = lexicon_load(afinn, "index.js");
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        int score;
        if (sscanf(line, " '%63[^']': %d", word, &score) == 2 ||
            sscanf(line, " %63[a-z]: %d", word, &score) == 2)
            note_rating(lx, FROM_AFINN, word, score / 5.0, sum, count);
    }
    base_free(text);
    lx->polarity = no_values(lx->vector_count);
    for (size_t i = 0; i < lx->vector_count; i++)
        if (count[i]) lx->polarity[i] = sum[i] / count[i];
    base_free(sum);
    base_free(count);
}

/* ---- sentences ---- */

static void add_opinion(lexicon *lx, const char *text, opinion o) {
    char word[48];
    uint32_t found[256];
    for (const char *at = text; *at && o.count < BASE_COUNT(found);) {
        size_t n = 0;
        while (*at && !isalpha((unsigned char)*at)) at++;
        for (; isalpha((unsigned char)*at) || (*at == '-' && isalpha((unsigned char)at[1])); at++)
            if (n < sizeof word - 1) word[n++] = (char)tolower((unsigned char)*at);
        word[n] = 0;
        const term *t = n ? term_find(lx, word) : NULL;
        if (!t && n > 3 && word[n - 1] == 's') { /* plural, third person */
            word[n - 1] = 0;
            t = term_find(lx, word);
        }
        if (!t) continue;
        uint32_t index = (uint32_t)(t - lx->terms);
        bool known = false;
        for (size_t k = 0; k < o.count; k++) known |= found[k] == index;
        if (!known) found[o.count++] = index;
    }
    o.terms = lexicon_calloc(o.count, sizeof *o.terms);
    memcpy(o.terms, found, o.count * sizeof *o.terms);
    if (!base_grow((void **)&lx->opinions, &lx->opinion_capacity, lx->opinion_count + 1, sizeof o))
        lexicon_die("out of memory");
    lx->opinions[lx->opinion_count++] = o;
}

static const opinion no_opinion = {.value = {NAN, NAN, NAN}};

static void read_emobank(lexicon *lx, const char *data) {
    char *path = base_path_join(data, "emobank/emobank.csv");
    data_table *t = open_table(path, NULL);
    for (size_t r = 0; r < t->rows; r++) {
        const char *split = data_table_cell(t, r, 1);
        if (!strcmp(split, "test")) continue;
        opinion o = no_opinion;
        o.set = SET_EMOBANK;
        o.held_out = !strcmp(split, "dev");
        for (size_t k = 0; k < DIMS; k++)
            o.value[k] = (strtod(data_table_cell(t, r, 2 + k), NULL) - 3) / 2;
        add_opinion(lx, data_table_cell(t, r, 5), o);
    }
    data_table_destroy(t);
    base_free(path);
}

static void read_labelled(lexicon *lx, const char *data, const char *file, int set, bool held_out) {
    static const char *const plutchik[] = {"",    "anger",   "anticipation", "disgust", "fear",
                                           "joy", "sadness", "surprise",     "trust"};
    char *path = base_path_join(data, file);
    data_table *t = open_table(
        path,
        &(data_table_options){.delimiter = '\t', .no_header = true, .ragged = true, .plain = true});
    for (size_t r = 0; r < t->rows; r++) {
        opinion o = no_opinion;
        o.set = set;
        o.held_out = held_out;
        for (const char *at = data_table_cell(t, r, 1); *at;) {
            char *end;
            unsigned long n = strtoul(at, &end, 10);
            if (end == at) break;
            int l = set == SET_XED ? n < BASE_COUNT(plutchik) ? label_of(plutchik[n]) : -1
                    : n < 28       ? (int)n
                                   : -1;
            if (l < 0) lexicon_die("%s: unknown label %lu", path, n);
            o.labels |= UINT64_C(1) << l;
            at = end + strspn(end, ", ");
        }
        add_opinion(lx, data_table_cell(t, r, 0), o);
    }
    data_table_destroy(t);
    base_free(path);
}

void sources_sentences(lexicon *lx, const char *data) {
    read_emobank(lx, data);
    read_labelled(lx, data, "goemotions/train.tsv", SET_GOEMOTIONS, false);
    read_labelled(lx, data, "goemotions/dev.tsv", SET_GOEMOTIONS, true);
    read_labelled(lx, data, "xed/en-annotated.tsv", SET_XED, false);
}

/* Mean of what is left of an opinion after its set's mean, shrunk by `prior` sentences that say
 * nothing. */
void sources_effects(lexicon *lx) {
    enum { PRIOR_READERS = 5, PRIOR_LABELS = 8, LEAST = 3 };
    size_t n = lx->term_count, width = DIMS + label_count;
    double *mean = lexicon_calloc(SETS * width, sizeof *mean), sets[SETS] = {0};
    double *sum = lexicon_calloc(n * width, sizeof *sum);
    double *rated = lexicon_calloc(n, sizeof *rated), *labelled = lexicon_calloc(n, sizeof *rated);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < lx->opinion_count; i++) {
            const opinion *o = &lx->opinions[i];
            if (o->held_out) continue;
            double *m = mean + (size_t)o->set * width;
            for (size_t k = 0; k < width; k++) {
                double v = k < DIMS ? o->value[k] : (double)(o->labels >> (k - DIMS) & 1);
                if (isnan(v)) continue;
                if (pass == 0)
                    m[k] += v;
                else
                    for (size_t j = 0; j < o->count; j++)
                        sum[o->terms[j] * width + k] += v - m[k] / sets[o->set];
            }
            if (pass == 0) sets[o->set]++;
            for (size_t j = 0; pass == 1 && j < o->count; j++)
                (o->set == SET_EMOBANK ? rated : labelled)[o->terms[j]]++;
        }
    double position[MAX_LABELS][DIMS];
    for (size_t l = 0; l < label_count; l++) {
        const term *t = term_find(lx, labels[l].name);
        for (size_t k = 0; k < DIMS; k++) {
            double v = t ? lx->value[FROM_ANCHOR][(size_t)(t - lx->terms) * DIMS + k] : NAN;
            position[l][k] = isnan(v) ? 0 : v;
        }
    }
    double *readers = source_values(lx, FROM_READERS), *said = source_values(lx, FROM_LABELS);
    lx->leaning = lexicon_calloc(n * MAX_LABELS, sizeof *lx->leaning);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < DIMS && rated[i] >= LEAST; k++)
            readers[i * DIMS + k] = sum[i * width + k] / (rated[i] + PRIOR_READERS);
        if (labelled[i] < LEAST) continue;
        for (size_t k = 0; k < DIMS; k++) said[i * DIMS + k] = 0;
        for (size_t l = 0; l < label_count; l++) {
            double e = sum[i * width + DIMS + l] / (labelled[i] + PRIOR_LABELS);
            lx->leaning[i * MAX_LABELS + l] = e;
            for (size_t k = 0; k < DIMS; k++) said[i * DIMS + k] += e * position[l][k];
        }
    }
    base_free(mean);
    base_free(sum);
    base_free(rated);
    base_free(labelled);
}

/* ---- the text network ---- */

static const char *const carriers[][3] = {
    /* noun, verb, adjective or adverb */
    {"All I feel is %s.", "I %s.", "I feel so %s."},
    {"There was nothing but %s in her voice.", "They %s, and so do I.", "She looked %s."},
    {"His %s was plain to see.", "He began to %s.", "He was %s when he heard it."},
};

static size_t carrier_of(const term *t) {
    return t->pos & 4 ? 2 : t->pos & 1 ? 0 : t->pos & 8 ? 2 : 1;
}

void sources_carriers(const lexicon *lx, FILE *out) {
    for (size_t i = 0; i < lx->term_count; i++)
        for (size_t c = 0; c < BASE_COUNT(carriers); c++) {
            const char *form = carriers[c][carrier_of(&lx->terms[i])], *gap = strstr(form, "%s");
            fprintf(out, "%.*s%s%s\n", (int)(gap - form), form, lx->terms[i].word, gap + 2);
        }
}

/* The number after "name": in a line of JSON, NaN if it is not there. */
static double member(const char *line, const char *name) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\": ", name);
    const char *at = strstr(line, key);
    return at ? strtod(at + strlen(key), NULL) : NAN;
}

void sources_posteriors(lexicon *lx, const char *path) {
    static const char *const names[] = {"valence", "arousal", "dominance"};
    char *text, *save = NULL;
    size_t length, lines = 0, per = BASE_COUNT(carriers), n = lx->term_count;
    if (base_read_file(NULL, path, 0, &text, &length)) lexicon_die("cannot read %s", path);
    double *value = source_values(lx, FROM_MODEL), *guess = source_values(lx, FROM_GUESSES);
    double *share = lexicon_calloc(n * MAX_LABELS, sizeof *share), mean[MAX_LABELS] = {0};
    for (size_t i = 0; i < n * DIMS; i++) value[i] = guess[i] = 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        size_t i = lines++ / per;
        if (i >= n) lexicon_die("%s: more lines than carrier sentences", path);
        if (!strstr(line, lx->terms[i].word))
            lexicon_die("%s:%zu: expected \"%s\": carriers of another vocabulary", path, lines,
                        lx->terms[i].word);
        for (size_t k = 0; k < DIMS; k++)
            value[i * DIMS + k] += member(line, names[k]) / (double)per;
        const char *classes = strstr(line, "\"classes\"");
        for (size_t l = 0; l < label_count && classes; l++) {
            double p = member(classes, labels[l].name);
            if (isnan(p)) continue;
            share[i * MAX_LABELS + l] += p / (double)per;
            mean[l] += p / (double)(per * n);
        }
    }
    if (lines != n * per) lexicon_die("%s: expected %zu lines", path, n * per);
    for (size_t i = 0; i < n; i++)
        for (size_t l = 0; l < label_count; l++) {
            const term *t = term_find(lx, labels[l].name);
            double e = share[i * MAX_LABELS + l] - mean[l];
            lx->leaning[i * MAX_LABELS + l] += e;
            for (size_t k = 0; k < DIMS && t; k++) {
                double v = lx->value[FROM_ANCHOR][(size_t)(t - lx->terms) * DIMS + k];
                if (!isnan(v)) guess[i * DIMS + k] += e * v;
            }
        }
    base_free(share);
    base_free(text);
}
