/* A trained fusion network (nn/fusion.h) as a model folder. In: a card whose "network" is of the kind "fusion", and its
 * safetensors weights. Out: the network. Float build only. */
#ifndef NN_FUSION_MODEL_H
#define NN_FUSION_MODEL_H

#include "model/model.h"
#include "nn/fusion.h"

/* The card's "network" object, as JSON text appended to `out`. */
void nn_fusion_describe(const nn_fusion_options *options, base_text *out);
/* Network and weights of a card. Errors: MODEL (which field, or what is wrong with the weights), MEMORY. */
AFFECT_MUST_USE affect_status nn_fusion_load(affect_context *ctx, const model_card *card,
                                             nn_fusion **out);

#endif
