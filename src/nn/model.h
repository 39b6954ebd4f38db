/* A trained network in use. In: a model folder whose card.json has a "network" object
 * (docs/training.md) and its safetensors weights. Out: calibrated posteriors and values. This is
 * what face, voice and words run; the forward code is the trainer's. */
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include "model/model.h"
#include "nn/net.h"

typedef struct nn_model nn_model;

/* Does the card describe a network of ours (and not, say, an ONNX file)? */
bool nn_model_describes(const model_card *card);
/* `name_or_folder` as for infer_model_load. Errors: MODEL (which field, what was expected), MEMORY.
 */
AFFECT_MUST_USE affect_status nn_model_load(affect_context *ctx, const char *name_or_folder,
                                            nn_model **out);
void nn_model_destroy(nn_model *model);
const model_card *nn_model_card(const nn_model *model);
nn_net *nn_model_net(nn_model *model);
size_t nn_model_classes(const nn_model *model); /* the first columns of an output row */
size_t nn_model_values(const nn_model *model);  /* the columns after them */
bool nn_model_multi_label(const nn_model *model);
double nn_model_temperature(const nn_model *model);
/* out: batch->count rows of classes + values. A model belongs to one thread at a time; the second
 * call of a size allocates nothing. Errors: SHAPE, MEMORY. */
AFFECT_MUST_USE affect_status nn_model_run(affect_context *ctx, nn_model *model,
                                           const nn_batch *batch, float *out);
/* How far row `row` of the last run is of the kind the model was trained on, 0..1 (nn/ood.h); 1
 * where the weights do not say. */
float nn_model_in_distribution(const nn_model *model, size_t row);
/* The out-of-distribution score behind it, near 0 where all is usual; NaN where the weights do not
 * say. */
float nn_model_ood_score(const nn_model *model, size_t row);
/* One grey face of 48 x 48 bytes, cut out as the card's input says (face/find.c does it). out: a row
 * of classes + values. */
enum { NN_FACE_SIDE = 48 };
AFFECT_MUST_USE affect_status nn_model_face(affect_context *ctx, nn_model *model,
                                            const uint8_t *grey, float *out);

/* The card's "network" object for these options, as JSON text appended to `out`. */
void nn_model_describe(const nn_net_options *options, size_t classes, bool multi_label,
                       base_text *out);

#endif
