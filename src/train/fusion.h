/* Training of the fusion network (nn/fusion.h) on sequences: streams of rows at times of their own,
 * and what is known at reference times. */
#ifndef TRAIN_FUSION_H
#define TRAIN_FUSION_H

#include "nn/fusion.h"

typedef struct train_sequence {
    char *name, *group; /* group: what must not be split (a video, an actor) */
    size_t references;  /* reference times */
    float *times;       /* [references], rising; s (or another unit, one for all) */
    float *classes;     /* [references, classes]: shares; zeros = unknown */
    float *values;      /* [references, values]; NaN = unknown */
    float *
        base; /* [references, values]: a trajectory that a network may correct (`based`), 0 where there is none */
    size_t rows[NN_FUSION_STREAMS]; /* 0 = the stream is not there */
    float *row_times[NN_FUSION_STREAMS], *row_values[NN_FUSION_STREAMS];
    float lag[NN_FUSION_STREAMS]; /* how far the stream comes behind, estimated */
} train_sequence;

typedef struct train_sequences {
    affect_context *ctx;
    size_t streams, inputs[NN_FUSION_STREAMS], classes, values;
    train_sequence *items;
    size_t count, capacity;
} train_sequences;

AFFECT_MUST_USE affect_status train_sequences_create(affect_context *ctx, size_t streams,
                                                     const size_t *inputs, size_t classes,
                                                     size_t values, train_sequences **out);
void train_sequences_destroy(train_sequences *set);
/* A new sequence with room for so many references and rows; everything is unknown. The strings are
 * copied. */
AFFECT_MUST_USE affect_status train_sequences_add(train_sequences *set, const char *name,
                                                  const char *group, size_t references,
                                                  const size_t *rows, train_sequence **out);

/* The ACL-2017 features of CMU-MOSI as sequences: a video is one, its utterances in order are
 * references 1 apart, the streams are text, audio and video with a row an utterance, the classes
 * negative and positive, the value the sentiment, -1 or 1. `split`: "train" or "test". */
AFFECT_MUST_USE affect_status train_sequences_mosi(affect_context *ctx, const char *folder,
                                                   const char *split, train_sequences **out);

/* A row of a stream may be mixed with one of another training sequence: it keeps a share of
 * 1 - w, w between these two. For features that were learnt on the training labels and so say more
 * of them than they will of others'. 0 0: no mixing. */
typedef struct train_mixing {
    double least, most;
} train_mixing;

/* What a pass sees of the sequences `index` (n of them), in memory of the tape. `seed` makes the
 * mixing, from rows of the sequences `pool` (pool_count), and the dropping of modalities, each with
 * the chance `drop` (never all). With the chance `swap` a row is first replaced by one of `pool` whose
 * reference has the same class, in each stream by itself: the same trajectory, told by others. That
 * wants a row a reference in every stream. */
typedef struct train_view {
    const train_sequences *set;
    const uint32_t *index, *pool;
    size_t n, pool_count;
    const train_mixing *mixing; /* of each stream; NULL = none */
    double drop, swap;
    uint64_t seed;
} train_view;
bool train_sequences_batch(const train_view *view, nn_tape *tape, nn_fusion_batch *batch);

typedef struct train_fusion_options {
    nn_fusion_options net;
    size_t epochs, patience, batch;       /* batch: sequences of a step */
    double rate, decay, clip, drop, swap; /* drop, swap: see train_view */
    train_mixing mixing[NN_FUSION_STREAMS];
    size_t draws; /* how often validation is mixed anew */
    double class_weight, value_weight, error_weight, slope_weight, contrast_weight, rank_weight;
    double own_weight;
    double temperature;
    size_t utterance, episode; /* references that make one; 0 = the whole sequence */
    size_t frames;             /* references of a step that take part in the contrast of frames */
    double softness;           /* of the targets: tau of SoftCLT over the mean distance */
    bool hard;                 /* a group is like itself alone: plain InfoNCE */
    uint64_t seed;
} train_fusion_options;
train_fusion_options train_fusion_default(const train_sequences *set);

typedef struct train_fusion_fit {
    nn_fusion *net;             /* at its best epoch; the caller destroys it */
    double loss, accuracy, ccc; /* on validation, NaN where there are none */
    size_t epoch;
} train_fusion_fit;
/* Trains on `index`, stops on `valid`: cross-entropy of the classes and 1 - CCC of the values, each
 * with its weight, on `draws` mixed copies. Results do not depend on the number of threads. */
AFFECT_MUST_USE affect_status train_fusion_run(affect_context *ctx, const train_sequences *set,
                                               const uint32_t *index, size_t count,
                                               const uint32_t *valid, size_t valid_count,
                                               const train_fusion_options *options,
                                               train_fusion_fit *out);
/* Shares of the classes and values at all references of the sequences `index`, one after the other:
 * rows of classes + values. `view` says what is seen of them. */
AFFECT_MUST_USE affect_status train_fusion_predict(affect_context *ctx, nn_fusion *net,
                                                   const train_view *view, float *out);

/* `affect train RECIPE TIMELINES TABLE`: trains on timelines (TIMELINES/NAME.json or TIMELINES/NAME/timeline.json) as a
 * recipe of the kind "timelines" says, and leaves a model folder for `affect analyze --fusion`. The table has the columns
 * recording, time (s) or start and end, valence, arousal or dominance (-1 to 1, empty = unknown), and where there are
 * several person (1) and group (what must not be split; the recording). `hold_out` (or NULL): the groups whose name contains it validate, instead of
 * those that the recipe's valid_every draws. What the network is worth on the groups left out
 * goes to the context's log (INFO) and the card. Errors: those of the recipe, the table and the timelines, CANCELLED,
 * OUTPUT, MEMORY. */
AFFECT_MUST_USE affect_status train_fusion_timelines(affect_context *ctx, const char *recipe,
                                                     const char *timelines, const char *table,
                                                     const char *hold_out, const char *folder);

/* 1 - likeness of trajectories (rows of levels and derivatives, one unit): soft-DTW divergences of
 * all pairs of `count` pieces of `steps` rows of `width`, to soft targets of SoftCLT in
 * out[count, count]: 1 for itself, 2 a sigma(-softness d / mean d) with a = .5 for others. */
AFFECT_MUST_USE affect_status train_soft_targets(affect_context *ctx, const double *pieces,
                                                 size_t count, size_t steps, size_t width,
                                                 double softness, double *out);

#endif
