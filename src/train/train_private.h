/* One training run, as run.c (the loop) and save.c (what it leaves on disk) see it. */
#ifndef TRAIN_PRIVATE_H
#define TRAIN_PRIVATE_H

#include "train/train.h"

enum { MAX_LABELS = 64 };

typedef struct training {
    affect_context *ctx;
    const train_options *o;
    train_recipe *recipe;
    char *folder, *label_text;
    const char *labels[MAX_LABELS];
    size_t classes, values;
    train_spec spec;
    words_units *words;
    nn_net_options net_options;
    double value_weight;
    bool ccc;
    const char *class_weights;
    float *weights;          /* of the classes, or NULL */
    bool each_threshold;     /* thresholds: output biases are moved so that one fits each label */
    bool threshold_on_valid; /* threshold_on: the one threshold is that of the validation samples */
    bool by_length;          /* order: texts of like length in one batch */
    uint32_t *tokens;        /* of each training text, where by_length; else NULL */
    uint64_t *keys;          /* by_length: of a window, while it is sorted */
    float *places;           /* classes x values: what a class stands for, or NULL */
    train_set *train, *valid;
    float *untaught; /* targets of the training set before teachers had a part in them, or NULL */
    nn_net *net;
    nn_engine *engine;
    base_pool *pool;
    float *moments;   /* of the summary over the training samples, mean and deviation, or NULL */
    uint32_t *usable; /* balance: the usable samples while an order is drawn */
    double *drawn;    /* balance: cumulative chance of each usable sample, in order; or NULL */
    double balance, temperature;
    /* schedule */
    size_t epochs, batch, shard, warm_up, patience;
    double rate, final_rate;
    bool plateau; /* the rate falls when the monitored score stops getting better */
    size_t plateau_patience;
    double plateau_factor;
    size_t small_epochs, small_size; /* the first epochs see smaller pictures */
    uint64_t seed;
    nn_optimiser optimiser;
    train_augment augment;
    /* state */
    uint32_t *order;
    size_t order_count, epoch;
    double best, seconds;
    size_t best_epoch;
    train_scores kept; /* of the epoch that is kept, where it was trained now */
    bool kept_known;
    double rate_scale;    /* plateau: what the rate has fallen to, as a share */
    size_t lowered_epoch; /* plateau: when it last fell */
    bool higher_is_better, by_class;
    const char *monitor;
    base_text log;
    float *logits;
    /* of the step under way */
    size_t at;
} training;

/* The weights that are judged and kept: the running average where there is one. */
float *train_judged(training *t);
/* A sample teaches something: a class, labels or a value is known. */
bool train_usable(const train_set *set, size_t i);
/* Outputs (count x width, at the samples' own places) and, unless NULL, last features (n rows of
 * nn_net_features, in the order of `index`) of n samples with the present weights; `index` NULL =
 * the first n. */
affect_status train_pass(training *t, const train_set *set, const uint32_t *index, size_t n,
                         float *outputs, float *features);
/* Weights of another run's folder or file to start from. */
affect_status train_load_weights(training *t, const char *folder);
affect_status train_write_at(training *t, const char *name, const void *data, size_t length);
/* The model folder of the weights as they are now. */
affect_status train_save_model(training *t);
/* Teachers (folders of finished runs or models, separated by blanks) judge the training samples:
 * targets become `share` of the mean of their outputs and the rest of what was known; unknown
 * targets become the teachers' altogether (Hinton et al. 2015). `values`: of the values, else of
 * the classes. */
affect_status train_distil(training *t, const char *teachers, double share, bool values);
/* Adds `count` sentences made by the rules of the file at `path` to a set of texts; which ones follows from the seed. Errors:
 * NOT_FOUND, FORMAT (with the line), MEMORY. */
affect_status train_contrast(train_set *set, const char *path, size_t count, uint64_t seed);
/* The same of a text, which is cut up; `name` is what messages call it. */
affect_status train_contrast_parse(train_set *set, const char *name, char *text, size_t count,
                                   uint64_t seed);
/* At the end of a run: what the best weights are worth as they were stored, the threshold fixed on
 * training samples, and what is usual among inputs (nn/ood.h). */
affect_status train_finish(training *t);
/* The SHA-256 of a file of at most 1 GiB, as cards have it: 64 hexadecimal digits. */
affect_status train_sha256(affect_context *ctx, const char *path, char out[65]);
affect_status train_save_checkpoint(training *t);
affect_status train_load_checkpoint(training *t, const char *path);

#endif
