/* Private to the decoder's files. */
#ifndef NN_DECODER_PRIVATE_H
#define NN_DECODER_PRIVATE_H

#include "nn/decoder.h"
#include "nn/tape.h"
#include "nn/transformer.h"

typedef struct nn_decoder_layer {
    nn_matrix weight[NN_TARGETS], bias[NN_TARGETS];
    nn_matrix attention_norm, feed_norm, q_norm, k_norm; /* the last two may not be there */
} nn_decoder_layer;

struct nn_decoder {
    nn_decoder_shape shape;
    nn_decoder_layer *layers;
    nn_matrix table, head, norm;
    nn_real *stretch; /* [rotated / 2]: what divides each angle besides, or NULL */
};

struct nn_lora {
    double scale;
    size_t layers;
    nn_matrix *a, *b; /* [layers][NN_TARGETS] */
};

typedef struct nn_cache {
    nn_real *keys, *values; /* [layers][context][kv_heads * head_width] */
    size_t context, used;
} nn_cache;
/* As nn_decoder_hidden; with a cache x is [1, t, width], stands behind what is in it, and is added to it (`used`
 * is the caller's to move on). */
nn_tensor *nn_decoder_run(const nn_decoder *decoder, nn_tape *tape, const nn_lora *lora,
                          nn_tensor *x, bool recompute, const nn_cache *cache);

#endif
