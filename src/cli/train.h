/* train: what `affect train`, `evaluate` and `predict` share: recipes, data sets as the networks
 * eat them, and the run itself. */
#ifndef CLI_TRAIN_H
#define CLI_TRAIN_H

#include "base/base.h"
#include "nn/net.h"
#include "words/units.h"

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
/* The same from text; `name` is for messages. Errors: FORMAT (with the line), LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status recipe_parse(affect_context *ctx, const char *name, const char *text,
                                           size_t length, recipe **out);
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
/* Whether the second of two choices was made, "first|second"; the first where none was. */
bool recipe_second(recipe *recipe, const char *section, const char *key, const char *choices);
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
    /* faces */
    double flip, rotate, scale, shift, shear, gamma, erase, noise;
    size_t size; /* of the picture that is made: 48, or less in the first epochs */
    /* audio, on the log-mel spectrogram: largest change of tempo (share) and pitch (bands), chance
     * of noise, reverberation and a narrow band, chance of masks, longest crop in seconds (0 =
     * whole) */
    double tempo, pitch, noisy, reverb, narrow, mask, crop_s;
    /* text: chance that a word is spelled by its pieces, chance that it is left out */
    double pieces, drop;
} train_augment;

/* What a set is read as; the same for training, validation and evaluation. */
typedef struct train_spec {
    train_kind kind;
    const char *const *labels; /* classes, then values */
    size_t classes, values;
    bool multi_label, drop_single_votes;
    size_t bands;            /* audio */
    double step_s;           /* audio */
    double trim_db;          /* audio: quieter ends are cut off; 0 = kept */
    bool functionals;        /* audio: the 88 eGeMAPS functionals of the clip go in as well */
    bool surface;            /* text: what it looks like goes in as well */
    const float *places;     /* audio: classes x values, what a class stands for; NULL = unknown */
    const word_units *words; /* text; NULL while the vocabulary is still to be made */
} train_spec;

typedef struct train_set {
    affect_context *ctx;
    train_spec spec;
    size_t count, width;         /* samples; classes + values */
    float *target;               /* count x width; classes: shares or 0/1, -1 = unknown; values: NaN
                                    = unknown */
    int32_t *gold;               /* the class, or -1 (none, several, unknown) */
    int32_t *group;              /* speaker; -1 = unknown */
    bool *clear;                 /* faces: the class has an absolute majority; NULL = not asked */
    char **names;                /* file or line, for messages and predictions */
    const unsigned char *pixels; /* faces: count x 48 x 48 */
    float *frames;               /* audio: log-mel rows of all clips */
    size_t *first;               /* audio: clip i owns rows first[i] .. first[i + 1) */
    float *side;     /* audio: count x 88 functionals; text: count x what it looks like */
    float *relative; /* audio: the same against the mean and deviation of the speaker's clips; NaN
                        where the speaker is not known or has too few */
    char **texts;    /* text */
    size_t capacity;
    void *owned[2]; /* private */
} train_set;

/* `sources`: files separated by blanks (faces: IMAGES.npz VOTES.csv). `only` and `except`: NULL, or
 * "COLUMN VALUE,VALUE" to choose rows of audio manifests and tables; audio takes several rules,
 * "PART: COLUMN VALUES | ...", each for the manifests whose path contains PART. Errors: NOT_FOUND,
 * FORMAT (file, line, what was expected), MEMORY. */
AFFECT_MUST_USE affect_status train_set_open(affect_context *ctx, const train_spec *spec,
                                             const char *sources, const char *only,
                                             const char *except, train_set **out);
void train_set_destroy(train_set *set);
/* For one clip or text outside any set (predict): a set of one. */
AFFECT_MUST_USE affect_status train_set_single(affect_context *ctx, const train_spec *spec,
                                               const char *input, train_set **out);
/* Fills a batch with `n` samples; memory is the tape's. `augment` NULL = as they are; `seed` makes
 * the augmentation of sample index[i]. False on failure (noted on the tape). */
bool train_set_batch(const train_set *set, nn_tape *tape, const uint32_t *index, size_t n,
                     const train_augment *augment, uint64_t seed, nn_batch *batch, float **target);
/* The category called `name` in any of the field's spellings (angry, ANG, anger ...), -1 if none.
 */
int train_label(const train_spec *spec, const char *name);

/* The kinds' own parts. */
affect_status train_faces_open(train_set *set, const char *images, const char *votes);
bool train_faces_batch(const train_set *set, nn_tape *tape, const uint32_t *index, size_t n,
                       const train_augment *augment, uint64_t seed, nn_batch *batch);
affect_status train_audio_open(train_set *set, const char *manifest, const char *only,
                               const char *except);
affect_status train_audio_add(train_set *set, const char *path);
/* When all clips are there: what each speaker with at least eight clips sounds like on the whole.
 */
affect_status train_audio_speakers(train_set *set);
void train_audio_forget(train_set *set);
bool train_audio_batch(const train_set *set, nn_tape *tape, const uint32_t *index, size_t n,
                       const train_augment *augment, uint64_t seed, nn_batch *batch);
affect_status train_text_open(train_set *set, const char *path, const char *only,
                              const char *except);
affect_status train_text_add(train_set *set, const char *text);
bool train_text_batch(const train_set *set, nn_tape *tape, const uint32_t *index, size_t n,
                      const train_augment *augment, uint64_t seed, nn_batch *batch);
/* Makes room for one more sample (target unknown, gold -1) and takes `name` over. */
affect_status train_set_add(train_set *set, char *name);

/* Random numbers of one sample's augmentation. */
typedef struct train_dice {
    uint64_t seed, at;
} train_dice;
double train_roll(train_dice *dice);                /* 0..1 */
double train_spread(train_dice *dice, double most); /* -most..most */

/* ---- train_score.c: what a set of outputs is worth
 * ----------------------------------------------- */

typedef struct train_scores {
    /* one class a sample */
    double loss;           /* mean cross-entropy to the target distribution (or labels), nats */
    double accuracy;       /* of the majority class */
    double clear_accuracy; /* the same on samples with an absolute majority; NaN if none is known */
    double uar;            /* mean recall over classes that occur */
    double weighted_f1, macro_f1; /* several labels: macro F1 at `threshold` */
    double micro_f1;
    double ece, brier; /* top class, 15 equal bins */
    double majority;   /* accuracy (several labels: macro F1) of always saying the most frequent */
    double r[3], ccc[3], rmse[3]; /* of the values */
    double threshold;
    size_t scored, skipped; /* samples with and without a class */
} train_scores;

/* logits: count x width, raw. `temperature` divides the class logits. `index` (n entries) chooses
 * samples, with repeats; NULL = all. `threshold` <= 0 takes the one with the best macro F1 here. */
AFFECT_MUST_USE affect_status train_score(const train_set *set, const float *logits,
                                          double temperature, double threshold,
                                          const uint32_t *index, size_t n, train_scores *out);
/* The temperature that makes the loss least on this set (golden-section search in its logarithm):
 * the loss to the targets, or `by_class` that to the majority class, which makes the posterior of
 * the top class agree with its accuracy where votes are split. */
double train_temperature(const train_set *set, const float *logits, bool by_class);

typedef struct train_interval {
    double low, high;
} train_interval;
/* Everything about a set of outputs as JSON and as text: scores with bootstrap intervals (over
 * speakers where known, else samples), per class, confusion, calibration, majority baseline. */
AFFECT_MUST_USE affect_status train_report(const train_set *set, const float *logits,
                                           double temperature, double threshold, size_t rounds,
                                           base_text *json, base_text *text);
/* Confusion matrix (single label) or per-class F1 bars as a self-contained SVG. */
AFFECT_MUST_USE affect_status train_confusion_svg(const train_set *set, const float *logits,
                                                  base_text *svg);
/* Curves of a run from its log.csv text: losses and the monitored score over epochs. */
void train_curves_svg(const char *log, const char *monitor, base_text *svg);

/* ---- train_use.c: a trained model and data of its kind ---- */

typedef struct train_model train_model;
typedef struct nn_model nn_model;
/* A model folder or name whose card has a "network". Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status train_model_open(affect_context *ctx, const char *name,
                                               train_model **out);
void train_model_close(train_model *model);
const train_spec *train_model_spec(const train_model *model);
nn_model *train_model_network(train_model *model);
double train_model_threshold(const train_model *model); /* several labels; 0 = none in the card */
/* Posteriors and values of one audio file or text (classes + values); nn_model_known of row 0 says
 * how usual it was. Errors: those of reading, UNSUPPORTED (faces). */
AFFECT_MUST_USE affect_status train_model_predict(affect_context *ctx, train_model *model,
                                                  const char *input, float *row);
/* Raw outputs, set->count x set->width. */
AFFECT_MUST_USE affect_status train_model_outputs(affect_context *ctx, train_model *model,
                                                  const train_set *set, int threads,
                                                  float *outputs);

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
