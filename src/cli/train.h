/* train: what `affect train`, `evaluate` and `predict` share: recipes, data sets as the networks
 * eat them, and the run itself. */
#ifndef CLI_TRAIN_H
#define CLI_TRAIN_H

#include "base/base.h"
#include "nn/net.h"

/* ---- train_recipe.c: an ini file; every mistake is reported with its line
 * ------------------------ */

typedef struct recipe_item {
    char *section, *key, *value;
    size_t line;
    bool used;
} recipe_item;

typedef struct recipe {
    affect_context *ctx;
    char *path, *text;
    recipe_item *items;
    size_t count, capacity;
    affect_status status; /* first mistake, its text on the context */
} recipe;

/* `base` names the folder that relative paths of the recipe start from: the current one. */
AFFECT_MUST_USE affect_status recipe_open(affect_context *ctx, const char *path, recipe **out);
void recipe_destroy(recipe *recipe);
/* Value of section.key, or `fallback` (NULL: it must be there). Borrowed. */
const char *recipe_text(recipe *recipe, const char *section, const char *key, const char *fallback);
double recipe_number(recipe *recipe, const char *section, const char *key, double fallback,
                     double least, double most);
size_t recipe_count(recipe *recipe, const char *section, const char *key, size_t fallback,
                    size_t least, size_t most);
/* One of `choices`, separated by '|'. */
const char *recipe_choice(recipe *recipe, const char *section, const char *key,
                          const char *fallback, const char *choices);
/* Up to `room` numbers separated by blanks; returns how many. */
size_t recipe_counts(recipe *recipe, const char *section, const char *key, size_t *out,
                     size_t room);
/* Notes a mistake at the line of section.key. */
AFFECT_PRINTF(4, 5)
void recipe_mistake(recipe *recipe, const char *section, const char *key, const char *format, ...);
/* The first mistake, or a key that nobody asked for. */
AFFECT_MUST_USE affect_status recipe_finish(recipe *recipe);

/* ---- train_data.c: samples with targets
 * ---------------------------------------------------------- */

typedef enum train_kind { TRAIN_FACES, TRAIN_AUDIO, TRAIN_TEXT } train_kind;

typedef struct train_augment {
    double flip, rotate, scale, shift, shear, gamma, erase, noise;
    size_t size; /* of the picture that is made: 48, or less in the first epochs */
} train_augment;

typedef struct train_set {
    affect_context *ctx;
    train_kind kind;
    size_t count, classes, values; /* samples; classes and values of the target */
    const char *const *labels;     /* classes names, then values names; borrowed */
    float *target;                 /* count x (classes + values); NaN = unknown */
    int32_t *gold;                 /* count; the majority class, or -1 */
    const unsigned char *pixels;   /* faces: count x 48 x 48 */
    void *owned[4];                /* private */
} train_set;

/* `paths`: what stands in the recipe or on the command line, separated by blanks. */
AFFECT_MUST_USE affect_status train_set_open_faces(affect_context *ctx, const char *images,
                                                   const char *votes, const char *const *labels,
                                                   size_t classes, bool drop_single_votes,
                                                   train_set **out);
void train_set_destroy(train_set *set);
/* Fills a batch with `n` samples; memory is the tape's. `augment` NULL = as they are; `seed` makes
 * the augmentation of sample index[i]. False on failure (noted on the tape). */
bool train_set_batch(const train_set *set, nn_tape *tape, const uint32_t *index, size_t n,
                     const train_augment *augment, uint64_t seed, nn_batch *batch, float **target);

/* ---- train_score.c: what a set of outputs is worth
 * ----------------------------------------------- */

typedef struct train_scores {
    double loss;     /* mean cross-entropy to the target distribution, nats */
    double accuracy; /* of the majority class */
    double uar;      /* mean recall over classes that occur */
    double ece;      /* expected calibration error of the top class, 15 equal bins */
    double majority; /* accuracy of always saying the most frequent class */
    size_t scored;
} train_scores;

/* logits: count x outputs. `temperature` divides the class logits. */
void train_score(const train_set *set, const float *logits, size_t outputs, double temperature,
                 train_scores *out);
/* The temperature that makes the loss least on this set (golden-section search in its logarithm).
 */
double train_temperature(const train_set *set, const float *logits, size_t outputs);

/* ---- train_run.c
 * ----------------------------------------------------------------------------------- */

typedef struct train_options {
    const char *recipe;
    const char *folder; /* of the run; NULL = runs/NAME */
    bool fresh;         /* throw an existing run of the same name away */
    bool quiet;
    int threads;
    size_t stop_after; /* epochs; 0 = all (tests) */
} train_options;

AFFECT_MUST_USE affect_status train_run(affect_context *ctx, const train_options *options);

#endif
