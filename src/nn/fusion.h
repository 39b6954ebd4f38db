/* The trajectory-aware fusion network. In: streams of rows at times of their own (any number of
 * rows, any sampling) and reference times. Out: at each reference time classes and values; and the
 * losses that train it.
 *
 * 1. Each stream is encoded row by row and attended onto the reference times by a learned embedding
 *    of time (mTAND: Shukla & Marlin 2021) and a bias that falls with distance in time: nothing is
 *    resampled first.
 * 2. Each modality says by itself what it sees at each reference time: classes and values, its own
 *    trajectory, trained for itself. What follows sees these alone and sends no gradient back, so it
 *    cannot learn a training video by heart, only what trajectories are like.
 * 3. Each modality's trajectory attends to all (MulT: Tsai et al. 2019) with the same kind of bias,
 *    the distance being taken after the estimated lag between the two.
 * 4. The modalities side by side, a GRU in both directions, output layers.
 * A stream that a sample has not (length 0), or has not within reach, is replaced by a learned
 * vector: any subset works, provided that training has dropped modalities.
 *
 * Losses: 1 - concordance and derivatives of the values, cross-entropy of the classes, and contrast
 * at several scales (frame, utterance, episode) between the modalities' representations, whose soft
 * targets whoever trains makes from the distance between affect trajectories (SoftCLT: Lee et al.
 * 2024), and Rank-N-Contrast (Zha et al. 2023) by level and derivative on the fused ones. */
#ifndef NN_FUSION_H
#define NN_FUSION_H

#include "nn/nn.h"

enum { NN_FUSION_STREAMS = 6, NN_FUSION_LEVELS = 3 };

typedef struct nn_fusion_options {
    size_t streams, inputs[NN_FUSION_STREAMS]; /* how many, and the width of a row of each */
    size_t width, path, heads; /* of the representations before and after step 2; heads of every
                                  attention, divides both */
    size_t context;            /* of the GRU, each direction; 0 = none */
    size_t classes, values;
    double reach; /* in the unit of the times: rows farther from a reference are not seen by its
                     encoder; 0 = all are */
    double steep; /* how fast the narrowest head's weights fall, e-folds a unit of time */
    double dropout;
    bool nearest;  /* instead of time attention: the row nearest to the reference time */
    bool attached; /* gradients do go back through step 2 */
    bool apart;    /* no attention between modalities */
    bool
        based; /* values are corrections of a trajectory that is known already (`base`), taken through
                      a matrix that begins as the identity; so the network begins as that trajectory */
} nn_fusion_options;

typedef struct nn_fusion_stream {
    size_t rows;           /* of the longest sample */
    const nn_real *values; /* [n, rows, inputs], NaN = unknown */
    const nn_real *times;  /* [n, rows] */
    const size_t *length;  /* [n]; 0 = the sample has not the stream */
    const nn_real *lag;    /* [n]: how far the stream comes behind; NULL = 0 */
} nn_fusion_stream;

typedef struct nn_fusion_batch {
    size_t count, references; /* samples; reference times of the longest */
    const nn_real *times;     /* [n, references], rising */
    const size_t *length;     /* [n] */
    const nn_real *base;      /* [n, references, values], of a network that is `based`; NULL: the
                                 result is the correction alone */
    nn_fusion_stream streams[NN_FUSION_STREAMS];
} nn_fusion_batch;

typedef struct nn_fusion_result {
    nn_tensor *streams[NN_FUSION_STREAMS]; /* [n, references, width]: for the contrast */
    nn_tensor *own[NN_FUSION_STREAMS]; /* [n, references, classes + values]: of a modality alone */
    nn_tensor *fused;                  /* [n, references, path]: of all, for the contrast */
    nn_tensor *classes, *values;       /* [n, references, .], NULL where there are none */
} nn_fusion_result;

typedef struct nn_fusion nn_fusion;

/* Errors: ARGUMENT (an option out of range), MEMORY. */
AFFECT_MUST_USE affect_status nn_fusion_create(affect_context *ctx,
                                               const nn_fusion_options *options, uint64_t seed,
                                               nn_fusion **out);
void nn_fusion_destroy(nn_fusion *net);
nn_params *nn_fusion_params(nn_fusion *net);
const nn_fusion_options *nn_fusion_get_options(const nn_fusion *net);
/* Of a network that is `based`, before training: value k is `gain` times that of the base, and `offset`. */
void nn_fusion_set_base(nn_fusion *net, size_t value, double gain, double offset);
/* Of a network that is `based`: row k of [values, values] is what value k of the base counts in each; else NULL. */
const nn_real *nn_fusion_base(const nn_fusion *net);
/* What standardises the rows of a stream (inputs values each); kept among the parameters. */
void nn_fusion_set_usual(nn_fusion *net, size_t stream, const nn_real *mean,
                         const nn_real *deviation);
/* False on failure (noted on the tape). The batch is borrowed until the pass ends. */
bool nn_fusion_forward(nn_fusion *net, nn_tape *tape, const nn_fusion_batch *batch,
                       nn_fusion_result *out);

/* One scale of the contrast: references in groups. */
typedef struct nn_fusion_level {
    const int32_t *group; /* [n * references]: which group, -1 = none; NULL = no such level */
    size_t groups;
    const nn_real
        *likeness;        /* [groups, groups]: soft targets; NULL: a group is like itself alone */
    const nn_real *label; /* [groups, label_width]: for Rank-N-Contrast; NULL = none */
    size_t label_width;
    const bool *present[NN_FUSION_STREAMS]; /* [groups]: the stream is there */
} nn_fusion_level;

typedef struct nn_fusion_target {
    const nn_real *classes; /* [n * references, classes]; rows of zeros are skipped */
    const nn_real *values;  /* [n * references, values]; NaN = unknown */
    double class_weight, value_weight, error_weight; /* cross-entropy, 1 - CCC, squared error */
    double slope_weight; /* squared error of the derivative between neighbouring references */
    double contrast_weight, rank_weight, temperature;
    double own_weight; /* of what each modality says by itself, beside what all say */
    nn_fusion_level levels[NN_FUSION_LEVELS];
} nn_fusion_target;

/* The joint loss times `scale`, or NULL. */
nn_tensor *nn_fusion_loss(nn_fusion *net, nn_tape *tape, const nn_fusion_batch *batch,
                          const nn_fusion_result *result, const nn_fusion_target *target,
                          double scale);

#endif
