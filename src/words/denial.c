/* What a negation denies, against what a text network makes of it.
 *
 * Networks of our size hear "sad" in "I am not sad". Where all words of feeling of one direction that
 * an utterance has are denied, the labels of that direction are contradicted: each keeps half of its
 * share, the other half goes to "neutral", and it is marked. That is no reading of the opposite: who
 * is not sad need not be glad.
 *
 * The reach of a negation here is the clause, as far as words tell clauses (Huddleston & Pullum 2002,
 * chapter 9), wider than the three words after which the lexicon's polarity is turned: that number is
 * a fit of ratings, this is a veto. */
#include <math.h>
#include <string.h>

#include "words/estimator.h"

enum { REACH = 7 };              /* words */
static const float LEAST = 0.1F; /* polarity of a word or label that has a direction */
static const float KEPT = 0.5F;  /* of a contradicted share */

#define ONE_OF(word, ...) one_of(word, (const char *const[]){__VA_ARGS__, NULL})

static bool one_of(const char *word, const char *const *list) {
    for (; *list; list++)
        if (strcmp(word, *list) == 0) return true;
    return false;
}

/* "can't" is "cant". */
static void without_apostrophe(const char *word, char out[40]) {
    size_t n = 0;
    for (; *word && n < 39; word++)
        if (*word != '\'') out[n++] = *word;
    out[n] = '\0';
}

/* Does a negation end before this word? A new clause, by its conjunction or its subject. */
static bool begins_clause(const words_lexicon_token *t, const char *before) {
    if (ONE_OF(t->word, "but", "because", "although", "though", "while", "when", "if", "since",
               "unless", "until", "however", "yet", "how", "what", "why", "where", "who"))
        return true;
    bool subject = ONE_OF(t->word, "i", "he", "she", "we", "they", "you", "it", "i'm", "he's",
                          "she's", "we're", "they're", "you're", "it's", "i'll");
    /* "I don't think I am happy": the negation is raised out of the clause that it denies; in "I
     * don't love you" the pronoun is no subject, and the words behind it are of the same clause. */
    return subject &&
           !ONE_OF(before, "think", "believe", "suppose", "expect", "feel", "say", "know",
                   "that") &&
           !ONE_OF(t->word, "you", "it");
}

/* "Not only", "can't wait", "no wonder" deny nothing of what follows. */
static bool denies(const words_lexicon_token *tokens, size_t i, size_t count) {
    char word[40];
    without_apostrophe(tokens[i].word, word);
    const char *next = i + 1 < count ? tokens[i + 1].word : "";
    if (ONE_OF(next, "only", "just", "merely", "wonder", "doubt", "matter", "problem", "but"))
        return false;
    if (ONE_OF(word, "cant", "cannot", "couldnt", "can") &&
        ONE_OF(next, "wait", "help", "believe", "stop", "thank", "express", "imagine", "tell",
               "get"))
        return false;
    /* "Why don't you love me?" takes for granted what it seems to deny. */
    return !(i > 0 && ONE_OF(tokens[i - 1].word, "why", "if"));
}

/* "Never been so happy", "couldn't be happier": the most that there is. */
static bool compares(const words_lexicon_token *tokens, size_t negation, size_t i) {
    char word[40];
    without_apostrophe(tokens[negation].word, word);
    if (!ONE_OF(word, "never", "cant", "cannot", "couldnt", "nothing", "nobody", "havent", "hasnt"))
        return false;
    const char *before = tokens[i - 1].word, *earlier = i > 1 ? tokens[i - 2].word : "";
    if (i - 1 > negation && ONE_OF(before, "so", "such", "more", "this", "as")) return true;
    if (i - 1 > negation && i - 2 > negation && ONE_OF(earlier, "such", "so")) return true;
    const char *feeling = tokens[i].word;
    size_t n = strlen(feeling);
    return ONE_OF(feeling, "better", "worse") || (n > 4 && strcmp(feeling + n - 3, "ier") == 0) ||
           (n > 5 && ONE_OF(feeling, "prouder", "sadder", "madder", "gladder"));
}

static bool is_denied(const words_lexicon_token *tokens, size_t i, size_t count) {
    bool denied = false;
    for (size_t d = 1; d <= REACH && d <= i; d++) {
        const words_lexicon_token *t = &tokens[i - d];
        if (t->described) continue;
        if ((t->roles & LEXICAL_NEGATION) && denies(tokens, i - d, count) &&
            !compares(tokens, i - d, i))
            denied = !denied; /* two of them are none */
        /* "anything but happy", "far from happy" */
        if (d == 1 && i > 1 &&
            ((strcmp(t->word, "but") == 0 && strcmp(tokens[i - 2].word, "anything") == 0) ||
             (strcmp(t->word, "from") == 0 && strcmp(tokens[i - 2].word, "far") == 0)))
            return true;
        if (begins_clause(t, i > d ? tokens[i - d - 1].word : "")) break;
    }
    return denied;
}

/* Which directions, [0] down and [1] up, have only words that are denied. */
static void denied_directions(const words_lexicon_token *tokens, size_t count, bool out[2]) {
    float said[2] = {0, 0}, denied[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        const words_lexicon_token *t = &tokens[i];
        if (t->described || !t->entry || (t->roles & LEXICAL_NEGATION)) continue;
        float p = t->entry->polarity;
        if (fabsf(p) < LEAST) continue;
        *(is_denied(tokens, i, count) ? &denied[p > 0] : &said[p > 0]) += fabsf(p);
    }
    for (int k = 0; k < 2; k++) out[k] = denied[k] > said[k];
}

void words_estimator_deny(const words_estimator *e, const words_network *network,
                          const words_lexicon_token *tokens, size_t count, words_reading *r) {
    const words_lexicon *lexicon = words_estimator_lexicon(e);
    bool denied[2];
    if (!lexicon || !r->scored) return;
    denied_directions(tokens, count, denied);
    if (!denied[0] && !denied[1]) return;
    size_t labels, neutral;
    const char *const *names = words_network_labels(network, &labels);
    for (neutral = 0; neutral < labels && strcmp(names[neutral], "neutral") != 0; neutral++) {
    }
    float most = 0;
    for (size_t i = 0; i < labels; i++) {
        const words_lexicon_entry *label = words_lexicon_find(lexicon, names[i]);
        if (i == neutral || !label || fabsf(label->polarity) < LEAST ||
            !denied[label->polarity > 0])
            continue;
        r->denied[i] = true;
        r->posteriors[i] *= KEPT;
        most = fmaxf(most, r->posteriors[i]);
    }
    /* Several labels may hold: what the strongest lost, not what all did. */
    if (neutral < labels)
        r->posteriors[neutral] =
            fminf(1, fmaxf(r->posteriors[neutral], most + r->posteriors[neutral] * (1 - most)));
    if (isfinite(r->value[0]) && denied[r->value[0] > 0]) r->value[0] *= KEPT;
}
