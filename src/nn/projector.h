/* From streams (rows of features at times of their own) to soft tokens: embeddings that a language model reads in place
 * of tokens. Three kinds: the stream in equal parts, each its mean row, by one linear map or by one with a
 * hidden layer (LLaVA: Liu et al. 2023); or learned queries that attend to the rows by content and by
 * distance in time (Q-Former: Li et al. 2023). */
#ifndef NN_PROJECTOR_H
#define NN_PROJECTOR_H

#include "nn/nn.h"

typedef enum nn_projector_kind {
    NN_PROJECTOR_LINEAR,
    NN_PROJECTOR_MLP,
    NN_PROJECTOR_QUERIES
} nn_projector_kind;

typedef struct nn_projector_options {
    const char *name; /* of the stream: "face"; its parameters are "face.KEY" */
    nn_projector_kind kind;
    size_t features, width; /* of a row; of the language model */
    size_t soft;            /* tokens a stream becomes */
    size_t hidden, heads;   /* MLP, QUERIES; heads divides hidden */
} nn_projector_options;

/* times[count], rising, in seconds; rows[count * features]. count 0: the stream is absent. */
typedef struct nn_stream {
    const nn_real *times, *rows;
    size_t count;
    const nn_real *
        map; /* [features, width]: of this stream instead of a LINEAR projector's, without a gradient (nor has the projector's one then); or NULL */
} nn_stream;

typedef struct nn_projector nn_projector;
/* Adds its parameters. Errors: ARGUMENT, MEMORY. */
AFFECT_MUST_USE affect_status nn_projector_create(affect_context *ctx, nn_params *params,
                                                  const nn_projector_options *options,
                                                  nn_projector **out);
void nn_projector_destroy(nn_projector *projector);
/* The parameter that is the last map's weight, [in, width]; in: `features` where the projector is LINEAR. */
int nn_projector_map(const nn_projector *projector);
/* n streams -> [n * soft, width]; learned tokens stand for an absent one. */
nn_tensor *nn_projector_forward(const nn_projector *projector, nn_tape *tape,
                                const nn_stream *streams, size_t n);

#endif
