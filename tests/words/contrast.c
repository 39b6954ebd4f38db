/* words/contrast: pairs of sentences of which the first has more of a feeling: negation, degree, "but", hypotheticals, the past,
 * others' feelings, politeness, irony. In: contrast.tsv (columns kind, more, less, what: a label, "valence" or "-valence").
 * A pair is right where the text network gives the first sentence more. usage: contrast FILE [MODEL]
 *
 * The pairs have none of the sentence frames, feelings and things of recipes/contrast.txt, by which training texts were made;
 * only function words ("not", "but", "if") are in both, and the words of politeness ("thanks"). Fails where one of the
 * ways to read falls below the share that is wanted. */
#include <math.h>
#include <string.h>

#include "data/table.h"
#include "words/estimator.h"
#include "words/tokens.h"

enum { MOST_KINDS = 16, WAYS = 3, MOST_TOKENS = 64 };
static const char *const ways[WAYS] = {"network", "with the lexicon", "and its denials"};
static const double wanted = .85;

typedef struct tally {
    char name[32];
    size_t pairs, right[WAYS];
} tally;

typedef struct reader {
    affect_context *ctx;
    words_estimator *lexicon;
    words_network *network;
} reader;

static double score_of(const reader *r, const words_reading *reading, double valence,
                       const char *what) {
    if (strcmp(what, "valence") == 0) return valence;
    if (strcmp(what, "-valence") == 0) return -valence;
    size_t count;
    const char *const *labels = words_network_labels(r->network, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(labels[i], what) == 0) return (double)reading->posteriors[i];
    return NAN;
}

/* How much of `what` a sentence has, by the network alone and as the timeline shows it with and without denials. */
static affect_status read_sentence(const reader *r, const char *text, const char *what,
                                   double out[WAYS]) {
    static char words[MOST_TOKENS][64];
    words_lexicon_token tokens[MOST_TOKENS];
    size_t at = 0, count = 0;
    words_token token = {0};
    while (count < MOST_TOKENS && words_next_token(text, strlen(text), &at, &token)) {
        size_t n = BASE_MIN(token.end - token.start, sizeof words[0] - 1);
        if (!n) continue;
        memcpy(words[count], text + token.start, n);
        words[count][n] = '\0';
        tokens[count] = (words_lexicon_token){.text = words[count], .described = token.described};
        count++;
    }
    words_affect lexical;
    words_reading reading;
    words_estimator_tokens(r->lexicon, tokens, count, &lexical);
    affect_status status = words_network_read(r->ctx, r->network, text, &reading);
    if (status != AFFECT_OK) return status;
    if (!reading.scored) fprintf(stderr, "not read: %s\n", text);
    for (int way = 0; way < WAYS; way++) {
        words_affect both = lexical;
        if (way == 2) words_estimator_deny(r->lexicon, r->network, tokens, count, &reading);
        words_estimator_combine(&both, &reading);
        out[way] = score_of(r, &reading, (double)(way ? both.value[0] : reading.value[0]), what);
    }
    return AFFECT_OK;
}

static tally *tally_of(tally *all, size_t *count, const char *name) {
    for (size_t k = 0; k < *count; k++)
        if (strcmp(all[k].name, name) == 0) return &all[k];
    if (*count == MOST_KINDS) return &all[MOST_KINDS - 1];
    snprintf(all[*count].name, sizeof all[*count].name, "%s", name);
    return &all[(*count)++];
}

static affect_status run(reader *r, const char *path, const char *model, bool *good) {
    tally kinds[MOST_KINDS] = {0}, sum = {.name = "all"};
    size_t count = 0;
    data_table *t = NULL;
    const data_table_options plain = {.plain = true};
    affect_status status = data_table_open(r->ctx, path, &plain, &t);
    if (!status) status = words_estimator_load(r->ctx, NULL, &r->lexicon);
    if (!status) status = words_network_create(r->ctx, model, &r->network);
    for (size_t i = 0; !status && i < t->rows; i++) {
        const char *more = data_table_cell(t, i, 1), *less = data_table_cell(t, i, 2),
                   *what = data_table_cell(t, i, 3);
        tally *kind = tally_of(kinds, &count, data_table_cell(t, i, 0));
        double first[WAYS], second[WAYS];
        status = read_sentence(r, more, what, first);
        if (!status) status = read_sentence(r, less, what, second);
        if (status) break;
        kind->pairs++, sum.pairs++;
        for (int way = 0; way < WAYS; way++) {
            bool right = first[way] > second[way];
            kind->right[way] += right, sum.right[way] += right;
        }
        if (!(first[0] > second[0]))
            printf("not: %s | %s | %s (%.2f, %.2f)\n", more, less, what, first[0], second[0]);
    }
    for (size_t k = 0; !status && k <= count; k++) {
        const tally *one = k < count ? &kinds[k] : &sum;
        printf("%-14s %3zu pairs;", one->name, one->pairs);
        for (int way = 0; way < WAYS; way++)
            printf(" %s %.3f", ways[way], (double)one->right[way] / (double)one->pairs);
        printf("\n");
    }
    *good = sum.pairs >= 300;
    for (int way = 0; way < WAYS; way++)
        *good = *good && (double)sum.right[way] >= wanted * (double)sum.pairs;
    words_network_destroy(r->network);
    words_estimator_destroy(r->lexicon);
    data_table_destroy(t);
    return status;
}

int main(int count, char **arguments) {
    reader r = {0};
    bool good = false;
    if (count < 2 || affect_context_create(&r.ctx)) return AFFECT_ERROR_USAGE;
    affect_status status = run(&r, arguments[1], count > 2 ? arguments[2] : "text.emotion", &good);
    if (status) fprintf(stderr, "contrast: %s\n", affect_context_message(r.ctx));
    affect_context_destroy(r.ctx);
    return status ? (int)status : !good;
}
