/* emotions: the terms of the emotion lexicon while it is made. */
#ifndef LEXICON_EMOTIONS_H
#define LEXICON_EMOTIONS_H

#include "tools/lexicon/wordnet.h"

enum { WIDTH = 100, DIMS = 3, MAX_FAMILIES = 48, MAX_LABELS = 40 };

/* Where a value comes from, in the order in which the file names them. */
typedef enum source {
    FROM_ANCHOR,  /* placed by hand */
    FROM_VADER,   /* valence: ten raters */
    FROM_AFINN,   /* valence: one rater */
    FROM_VECTORS, /* ridge regression of the above on the word vectors, out of fold */
    FROM_READERS, /* EmoBank: how sentences with the word are rated */
    FROM_LABELS,  /* GoEmotions and XED: how sentences with the word are labelled */
    FROM_MODEL,   /* the text network's valence, arousal, dominance in carrier sentences */
    FROM_GUESSES, /* its label posteriors there */
    SOURCES
} source;

/* How two terms are linked. */
typedef enum link_kind {
    LINK_SYNONYM,  /* in one synset */
    LINK_DERIVED,  /* "happy", "happiness", "happily" */
    LINK_SIMILAR,  /* satellites of one adjective, "see also", verb groups */
    LINK_BROADER,  /* the hypernym */
    LINK_OPPOSITE, /* antonyms */
    LINK_KINDS
} link_kind;

typedef struct link {
    uint32_t a, b;
    link_kind kind;
} link;

typedef struct term {
    char *word;
    unsigned pos;      /* bits 1 n, 2 v, 4 a, 8 r */
    size_t rank;       /* by frequency among the word vectors; SIZE_MAX = no vector */
    float *vector;     /* WIDTH, unit length; NULL */
    double prominence; /* share of the emotional senses in the word's uses */
    double emotional;  /* what the vector says, about 0 (no emotion word) to 1 */
    double vad[DIMS];  /* the result */
    unsigned sources;  /* bits of enum source */
    double *family;    /* weight of each family, sum 1 */
    size_t group;      /* index of the group's head term */
    bool pinned;       /* checked by hand: the result is given */
} term;

typedef struct family {
    char *name, *category;
    size_t seed_count;
    char *seeds[32];
    double vad[DIMS];
} family;

/* A sentence with what its readers said. */
typedef struct opinion {
    size_t count;
    uint32_t *terms;    /* those it holds, each once */
    double value[DIMS]; /* EmoBank's V, A, D in -1..1; NaN */
    uint64_t labels;    /* bits of labels[]; 0 = none given */
    int set;            /* SET_... */
    bool held_out;
} opinion;

enum { SET_EMOBANK, SET_GOEMOTIONS, SET_XED, SETS };

typedef struct lexicon {
    wordnet *net;
    size_t term_count, term_capacity, link_count, link_capacity, family_count, opinion_count,
        opinion_capacity;
    term *terms; /* sorted by word */
    link *links;
    family families[MAX_FAMILIES];
    opinion *opinions;
    /* all word vectors, in order of frequency */
    size_t vector_count;
    char **vector_words;
    float *vectors;
    /* value[source][term * DIMS + dimension]; NaN where a source says nothing */
    double *value[SOURCES];
    double *leaning;   /* term x MAX_LABELS: what labelled sentences and the network say, about 0 */
    double *polarity;  /* of each vector's word: mean of VADER and AFINN; NaN */
    double *corrected; /* term x WIDTH: unit vectors after the correction */
} lexicon;

/* ---- vocabulary.c ---- */
void vectors_open(lexicon *lx, const char *path);
/* The vector of a word, or NULL. */
const float *vector_find(const lexicon *lx, const char *word, size_t *rank);
/* `anchors`: words that are emotion words for sure; `dropped`: words that are none. */
void vocabulary_make(lexicon *lx, char *const *anchors, size_t anchor_count, char *const *dropped,
                     size_t dropped_count);
term *term_find(const lexicon *lx, const char *word);

/* ---- sources.c ---- */
typedef struct label {
    const char *name;   /* as the data sets and the text network call it */
    const char *family; /* NULL: none */
} label;
extern const label labels[];
extern const size_t label_count;
void sources_anchors(lexicon *lx, const char *path);
void sources_ratings(lexicon *lx, const char *vader, const char *afinn);
void sources_sentences(lexicon *lx, const char *data);
/* JSON lines that `affect predict --json` printed for the lines of sources_carriers. */
void sources_posteriors(lexicon *lx, const char *path);
void sources_carriers(const lexicon *lx, FILE *out);
/* READERS and LABELS from the sentences that are not held out. */
void sources_effects(lexicon *lx);

/* ---- field.c ---- */
/* Weights of the ridge regression of y on the unit vectors and 1: WIDTH + 1 numbers. Rows with
 * NaN in y are left out, and those of `fold` of `folds` (-1: none). */
void ridge_fit(const float *const *x, const double *y, size_t n, double lambda, int fold, int folds,
               double *w);
double ridge_value(const double *w, const float *x);
/* V, A, D of all terms from all sources and links. Terms of `hidden` (of FIELD_FOLDS; -1: none) are
 * treated as if nobody had rated or anchored them. out: term x DIMS. `report`: prints the gains and
 * errors of the sources. */
enum { FIELD_FOLDS = 5 };
bool field_hides(const lexicon *lx, size_t index, int hidden);
void field_solve(lexicon *lx, int hidden, bool report, double *out);

/* ---- meaning.c ---- */
void meaning_correct(lexicon *lx);
/* Squared distance in the corrected space, V/A/D included. */
double meaning_distance(const lexicon *lx, size_t a, size_t b);
void meaning_families(lexicon *lx);
void meaning_groups(lexicon *lx);

double correlation(const double *x, const double *y, size_t n);

#endif
