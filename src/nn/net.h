/* The project's networks, built from nn's operations: what the trainer trains and what face, voice
 * and words run. A network is a kind plus options; its parameters are named, so that a safetensors
 * file with the same kind and options brings it back. */
#ifndef NN_NET_H
#define NN_NET_H

#include "nn/nn.h"

/* What a forward pass is given. A kind reads the fields it needs. */
typedef struct nn_batch {
    size_t count;          /* samples */
    const nn_real *data;   /* images [n,h,w,1]; spectrograms or features [n,t,bands] */
    size_t height, width;  /* images */
    size_t steps, bands;   /* sequences; steps = longest */
    const size_t *length;  /* of each sequence, or NULL */
    const int32_t *index;  /* text: units of all samples, in order */
    const size_t *start;   /* text: sample i owns index[start[i] .. start[i+1]) */
    const nn_real *weight; /* text: of each unit, or NULL */
    const nn_real *side;   /* numbers of the whole clip or text, [n, side]; NaN = unknown */
    const bool *relative;  /* whether row i of them is standardised already; NULL = none */
} nn_batch;

typedef struct nn_net_options {
    const char
        *kind; /* "face_cnn", "voice_crnn", "voice_mlp", "text_bag", "text_gru", "features_mlp",
                          "features_gru" */
    size_t outputs;    /* width of the output: classes, then values */
    size_t inputs;     /* bands of a spectrogram; width of a word vector or of a row of features */
    size_t vocabulary; /* text */
    size_t width;      /* channels of the first stage, or hidden size */
    size_t blocks[4];  /* residual blocks of each stage (face); 0 = none */
    size_t side;   /* voice_crnn, text_gru: numbers of the whole that enter the output layer; 0 =
                      none. voice_mlp: all that it is given */
    size_t values; /* how many of the outputs, the last ones, are values rather than classes; read
                      where value_hidden is not 0 */
    size_t value_hidden; /* text_gru: the values have a hidden layer of their own, of this width,
                            which sees the features and what the classes came out as; 0 = none */
    size_t pooled;       /* text: 1 = mean, largest and least of the word vectors go past the
                            recurrence (text_bag: beside the moments); 0 = they do not */
    double dropout;
} nn_net_options;

typedef struct nn_net nn_net;

/* Errors: ARGUMENT (unknown kind, option out of range: the text says what was expected), MEMORY. */
AFFECT_MUST_USE affect_status nn_net_create(affect_context *ctx, const nn_net_options *options,
                                            uint64_t seed, nn_net **out);
void nn_net_destroy(nn_net *net);
nn_params *nn_net_params(nn_net *net);
const nn_net_options *nn_net_get_options(const nn_net *net);
/* Mean and deviation that standardise the side numbers (side values each) or features (inputs
 * each); they are stored as parameters that are not trained. */
void nn_net_set_side(nn_net *net, const nn_real *mean, const nn_real *deviation);
/* The same back, a deviation of 0 where a number did not vary. */
void nn_net_get_side(const nn_net *net, nn_real *mean, nn_real *deviation);
/* -> [count, outputs] (logits and values), or NULL. */
nn_tensor *nn_net_forward(nn_net *net, nn_tape *tape, const nn_batch *batch);

/* Width of the last features, what enters the output layer; and those of the last pass on a tape
 * (count x width, the tape's until it begins again). */
size_t nn_net_features(nn_net *net);
const float *nn_net_seen(const nn_tape *tape);

/* Zero mean and unit variance of n values, in place; a constant input becomes zeros. Faces go
 * through this in training and in use. */
void nn_standardise(nn_real *x, size_t n);

#endif
