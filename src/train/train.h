/* train: what `affect train`, `evaluate` and `predict` share: recipes, data sets as the networks
 * eat them, and the run itself. */
#ifndef TRAIN_H
#define TRAIN_H

#include "base/base.h"
#include "datasets/datasets.h"
#include "nn/net.h"
#include "words/units.h"

/* ---- recipe.c: an ini file; every mistake is reported with its line ---- */

typedef struct train_recipe_item {
    char *section, *key, *value;
    size_t line;
    bool used;
} train_recipe_item;

typedef struct train_recipe {
    affect_context *ctx;
    char *path, *text;
    train_recipe_item *items;
    size_t count, capacity;
    affect_status status; /* first mistake, its text on the context */
} train_recipe;

/* Relative paths of the recipe start from the current folder, not from its own. Errors: NOT_FOUND,
 * FORMAT (with the line), LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status train_recipe_open(affect_context *ctx, const char *path,
                                                train_recipe **out);
/* The same from text; `name` is for messages. Errors: FORMAT (with the line), LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status train_recipe_parse(affect_context *ctx, const char *name,
                                                 const char *text, size_t length,
                                                 train_recipe **out);
void train_recipe_destroy(train_recipe *recipe);
/* Value of section.key, or `fallback` (NULL: it must be there). Borrowed. */
const char *train_recipe_text(train_recipe *recipe, const char *section, const char *key,
                              const char *fallback);
double train_recipe_number(train_recipe *recipe, const char *section, const char *key,
                           double fallback, double least, double most);
size_t train_recipe_count(train_recipe *recipe, const char *section, const char *key,
                          size_t fallback, size_t least, size_t most);
/* One of `choices`, separated by '|'. */
const char *train_recipe_choice(train_recipe *recipe, const char *section, const char *key,
                                const char *fallback, const char *choices);
/* Whether the second of two choices was made, "first|second"; the first where none was. */
bool train_recipe_second(train_recipe *recipe, const char *section, const char *key,
                         const char *choices);
/* Up to `room` numbers separated by blanks; returns how many. */
size_t train_recipe_counts(train_recipe *recipe, const char *section, const char *key, size_t *out,
                           size_t room);
/* Notes a mistake at the line of section.key. */
AFFECT_PRINTF(4, 5)
void train_recipe_mistake(train_recipe *recipe, const char *section, const char *key,
                          const char *format, ...);
/* The first mistake, or a key that nobody asked for. */
AFFECT_MUST_USE affect_status train_recipe_finish(train_recipe *recipe);

/* ---- data.c: samples with targets ---- */

typedef enum train_kind { TRAIN_FACES, TRAIN_AUDIO, TRAIN_TEXT, TRAIN_FEATURES } train_kind;

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
    size_t bands;      /* audio; features: numbers a row, 0 = as many as the data have */
    double step_s;     /* audio */
    double trim_db;    /* audio: quieter ends are cut off; 0 = kept */
    bool functionals;  /* audio: the 88 eGeMAPS functionals of the clip go in as well */
    bool summary;      /* audio: the clip's summary goes in, and no spectrogram */
    size_t copies;     /* summary: as the clip might have been made elsewhere, so many times */
    const char *cache; /* summary: a folder that keeps them; NULL or "" = none */
    const float *usual, *spread; /* summary: mean and deviation over the training; NULL
                                    while they are not known */
    bool surface;                /* text: what it looks like goes in as well */
    const float *places;      /* audio: classes x values, what a class stands for; NULL = unknown */
    const words_units *words; /* text; NULL while the vocabulary is still to be made */
    const datasets_map *map;  /* labels by other names; NULL = as they are */
    const char *modalities;   /* features: "text audio video" or fewer; NULL = all */
    bool pooled;              /* features: a sequence becomes the mean of its rows */
    const char *by;           /* a column of the data whose values are groups; NULL = none */
} train_spec;

typedef struct train_set {
    affect_context *ctx;
    train_spec spec;
    size_t count, width;   /* samples; classes + values */
    float *target;         /* count x width; classes: shares or 0/1, -1 = unknown; values: NaN
                                    = unknown */
    int32_t *gold;         /* the class, or -1 (none, several, unknown) */
    int32_t *group;        /* speaker; -1 = unknown */
    bool *clear;           /* faces: the class has an absolute majority; NULL = not asked */
    char **names;          /* file or line, for messages and predictions */
    unsigned char *pixels; /* faces: count x 48 x 48 */
    float *frames;         /* audio: log-mel rows of all clips; features: rows of all samples */
    size_t *first;         /* both: sample i owns rows first[i] .. first[i + 1) */
    size_t frame_capacity;
    float *side;     /* audio: count x (1 + copies) x side; text: count x what it looks like */
    int32_t *source; /* which of the files it comes from */
    uint32_t *voice; /* summary: clips, those of a speaker together */
    uint32_t *voice_at,
        *voice_size; /* summary: where a clip's speaker begins there, and how many */
    bool alone;      /* each clip by itself, though its speaker is known */
    float *relative; /* audio: the same against the mean and deviation of the speaker's clips; NaN
                        where the speaker is not known or has too few */
    char **texts;    /* text */
    size_t capacity;
    int32_t *by; /* with spec.by: the group of each sample, -1 = none; else NULL */
    size_t by_capacity, by_count, by_room;
    char **by_names; /* of the groups, in order of appearance */
} train_set;

/* `sources`: files of data sets separated by blanks (faces: IMAGES.npz VOTES.csv; features: see
 * datasets_kind). `only` and `except`: NULL, or the rules of datasets_request. Errors: NOT_FOUND,
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
/* The kinds' own parts. */
affect_status train_faces_add(train_set *set, const unsigned char *pixels);
bool train_faces_batch(const train_set *set, nn_tape *tape, const uint32_t *index, size_t n,
                       const train_augment *augment, uint64_t seed, nn_batch *batch);
affect_status train_audio_add(train_set *set, const char *path);
/* When all clips are there: what each speaker with at least eight clips sounds like on the whole.
 */
affect_status train_audio_speakers(train_set *set);
/* Whether clips stand against others of their voice unless `alone`. */
bool train_audio_ways(const train_set *set);
/* The clips of a speaker beside each other, for the summary. */
affect_status train_audio_voices(train_set *set);
bool train_audio_batch(const train_set *set, nn_tape *tape, const uint32_t *index, size_t n,
                       const train_augment *augment, uint64_t seed, nn_batch *batch);
affect_status train_text_add(train_set *set, const char *text);
bool train_text_batch(const train_set *set, nn_tape *tape, const uint32_t *index, size_t n,
                      const train_augment *augment, uint64_t seed, nn_batch *batch);
affect_status train_features_add(train_set *set, const char *name, const float *rows, size_t count,
                                 size_t width);
bool train_features_batch(const train_set *set, nn_tape *tape, const uint32_t *index, size_t n,
                          nn_batch *batch);
/* Makes room for one more sample (target unknown, gold -1) and takes `name` over. */
affect_status train_set_add(train_set *set, char *name);

/* Random numbers of one sample's augmentation. */
typedef struct train_dice {
    uint64_t seed, at;
} train_dice;
double train_roll(train_dice *dice);                /* 0..1 */
double train_spread(train_dice *dice, double most); /* -most..most */

/* ---- wave.c: a recording as it might have been made elsewhere ---- */

/* Played faster or slower, cut short, in a room, with music, noise or a telephone's band, at another
 * level; *out in new memory (base_free). `samples` at 16 kHz. Errors: MEMORY. */
AFFECT_MUST_USE affect_status train_wave_disturb(affect_context *ctx, const float *samples,
                                                 size_t count, train_dice *dice, float **out,
                                                 size_t *out_count);

/* ---- map.c: labels by other names ---- */

/* A table "LABEL TAB LABEL": what stands first, in the data or of the model, counts as what stands
 * second, "-" as nothing. train_map_close ends it. Errors: NOT_FOUND, FORMAT (with the line), LIMIT,
 * MEMORY. */
AFFECT_MUST_USE affect_status train_map_open(affect_context *ctx, const char *path,
                                             datasets_map *out);
void train_map_close(datasets_map *map);
/* A model's spec in other names: labels that become the same are one. It points into itself and to
 * the map. Errors: LIMIT, FORMAT (fewer than two are left). */
typedef struct train_mapped {
    train_spec spec;
    const char *labels[72];
    int column[64]; /* of the model's labels; -1 = none */
} train_mapped;
AFFECT_MUST_USE affect_status train_map_labels(affect_context *ctx, const train_spec *spec,
                                               const datasets_map *map, train_mapped *out);
/* Raw outputs of the model to raw outputs of the mapped labels, whose posteriors are the sums. What
 * is mapped to nothing cannot be answered. */
void train_map_outputs(const train_spec *own, const train_mapped *mapped, size_t count,
                       double temperature, const float *outputs, float *out);

/* ---- score.c: what a set of outputs is worth ---- */

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

/* ---- use.c: a trained model and data of its kind ---- */

typedef struct train_model train_model;
typedef struct nn_model nn_model;
/* A model folder or name whose card has a "network". Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status train_model_open(affect_context *ctx, const char *name,
                                               train_model **out);
void train_model_close(train_model *model);
const train_spec *train_model_spec(const train_model *model);
nn_model *train_model_network(train_model *model);
double train_model_threshold(const train_model *model); /* several labels; 0 = none in the card */
/* Posteriors and values of one audio file or text (classes + values); nn_model_in_distribution of
 * row 0 says how usual it was. Errors: those of reading, UNSUPPORTED (faces). */
AFFECT_MUST_USE affect_status train_model_predict(affect_context *ctx, train_model *model,
                                                  const char *input, float *row);
/* Raw outputs, set->count x (classes + values of the model). */
AFFECT_MUST_USE affect_status train_model_outputs(affect_context *ctx, train_model *model,
                                                  const train_set *set, int threads,
                                                  float *outputs);

/* ---- run.c ---- */

/* Where a run is: what its steps of the epoch under way cost so far. */
typedef struct train_progress {
    size_t epoch, epochs; /* from 1 */
    double share;         /* of the epoch, 0..1 */
    double loss;          /* mean over its steps */
    double left_s;        /* of the whole run, by the time the epoch took so far */
} train_progress;

typedef struct train_options {
    const char *recipe;
    const char *folder; /* of the run; NULL = runs/NAME */
    /* NULL, or what is left out of the training and validated on: "PART", the files whose path
     * contains PART, or "PART: COLUMN VALUES", rows of theirs. valid of the recipe is not read. */
    const char *hold_out;
    bool fresh; /* throw an existing run of the same name away */
    int threads;
    size_t stop_after; /* epochs; 0 = all (tests) */
    /* NULL, or called after each step, in the thread that called train_run */
    void (*progress)(void *user, const train_progress *now);
    void *user;
} train_options;

/* Trains; *folder is the run's, in new memory (base_free), NULL on failure. A line an epoch goes to
 * the context's log (INFO). Errors: those of the recipe and the data, CANCELLED, OUTPUT, MEMORY. */
AFFECT_MUST_USE affect_status train_run(affect_context *ctx, const train_options *options,
                                        char **folder);

/* ---- epoch.c: what every training has ---- */

typedef struct train_epoch {
    affect_context *ctx;
    nn_engine *engine;
    const nn_optimiser *optimiser; /* `begin` may change it */
    size_t epoch, epochs, steps;   /* finished ones, all, steps of this one */
    /* Gets step i ready, which is number `step` of the run; returns its shards and the seed of what is random in it. */
    size_t (*begin)(void *user, size_t i, uint64_t step, uint64_t *seed);
    nn_build_fn build;
    void *user;                                              /* of both */
    void (*progress)(void *user, const train_progress *now); /* or NULL */
    void *progress_user;
} train_epoch;
/* *loss: the mean over the steps. Errors: CANCELLED, those of nn_engine_step. */
AFFECT_MUST_USE affect_status train_epoch_run(const train_epoch *epoch, double *loss);
/* `folder`, or runs/NAME of the recipe where that is NULL; new memory, NULL where there is none. */
AFFECT_MUST_USE char *train_folder_name(const char *recipe, const char *folder);

/* ---- evaluate.c ---- */

typedef struct train_evaluation {
    const char *only, *except; /* rules for rows, or NULL */
    const char *by;            /* a column whose values are judged apart, or NULL */
    const char *map;           /* a table of labels by other names, or NULL */
    const char *cache;         /* folder of summaries of clips, or NULL */
    const char *scores, *svg;  /* files to write: raw outputs; confusion matrix; or NULL */
    double temperature;        /* divides logits; 0 = the card's */
    size_t rounds;             /* of the bootstrap; 0 = no intervals */
    int threads;
    bool json;
} train_evaluation;

/* The scores of a model (name or folder) on data (paths with blanks between), as text or JSON
 * appended to `out`. */
AFFECT_MUST_USE affect_status train_evaluate(affect_context *ctx, const char *model,
                                             const char *data, const train_evaluation *how,
                                             base_text *out);

/* ---- answer.c ---- */

/* Prints what a network said of one input (`row`: its classes, then values) to standard output: a line for people, or a JSON
 * object. `box`: of face `face` of `faces` in a picture, or NULL where the input is one thing. Errors: MEMORY. */
AFFECT_MUST_USE affect_status train_print_answer(affect_context *ctx, train_model *m,
                                                 const char *name, const float *box, size_t face,
                                                 size_t faces, const float *row, bool json);

/* ---- pictures.c ---- */

typedef struct train_predictor {
    affect_context *ctx;
    train_model *model;
    struct face_finder *finder; /* made with the first picture that needs it */
    bool json;
    float row[64]; /* as many as labels and values can be */
} train_predictor;

/* Prints what the model says of one input: each face of a picture (without one, and up to 64 x 64 pixels, its middle
 * square), each picture of an npz, an audio file, a text. Errors: those of reading, LIMIT, CANCELLED. */
AFFECT_MUST_USE affect_status train_predict(train_predictor *p, const char *input);
void train_predictor_end(train_predictor *p); /* closes finder and model */

#endif
