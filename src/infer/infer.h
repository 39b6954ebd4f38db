/* infer: one small interface to pre-trained models, whatever runs them. In: a model folder
 * (model/model.h). Out: tensors.
 *
 * A card with a "network" is one of the project's own networks and runs on nn/; any other is ONNX
 * and runs on ONNX Runtime, whose C API is found by dlopen when the first such model is loaded;
 * without it everything else of the program works and the error says what is missing.
 *
 * Own networks have the outputs "posteriors" float [n, classes], "in_distribution" float [n] (0..1:
 * how far the sample is of the kind the network was trained on), "ood_score" float [n] (nn/ood.h)
 * and, where they have any, "values" float [n, values]; and, by kind, these inputs (n: samples):
 *   face_cnn    "image" float [n, 48, 48, 1], grey 0..255; the back end standardises it
 *   voice_crnn  "spectrogram" float [n, t, bands], standardised, t a multiple of 8; "length" int64
 *               [n], its valid rows; with side numbers "side" float [n, side], raw, NaN = unknown,
 *               and, if they are to be taken as they are in some rows, "relative" bool [n]
 *   voice_mlp   "side" and "relative" as above, and no other
 *   text_gru,   "units" int64 [n, t, p], the units of each token, -1 behind them; "length" int64
 *   text_bag    [n], its tokens; with side numbers "side" float [n, side]
 *   features_*  "features" float [n, t, width], raw, NaN = unknown; "length" int64 [n] */
#ifndef INFER_H
#define INFER_H

#include "model/model.h"

typedef enum infer_type { INFER_F32, INFER_I64, INFER_U8, INFER_BOOL } infer_type;
enum { INFER_MAX_RANK = 6 };

typedef struct infer_tensor {
    const char *name; /* input or output name of the model; NULL = by position */
    infer_type type;
    size_t rank;
    int64_t shape[INFER_MAX_RANK];
    void *data; /* row-major; outputs: borrowed until the next run or destroy of the model */
} infer_tensor;

typedef struct infer_model infer_model;

/* Loads a model; `threads` <= 0 means 1. Errors: MODEL, RUNTIME (ONNX Runtime missing),
 * MEMORY. */
AFFECT_MUST_USE affect_status infer_model_load(affect_context *ctx, const char *name_or_folder,
                                               int threads, infer_model **out);
const model_card *infer_model_card(const infer_model *model);
size_t infer_model_input_count(const infer_model *model); /* without those that may be left out */
size_t infer_model_output_count(const infer_model *model);
/* Name, type, rank and shape (-1 = free) of input i; data is NULL. */
infer_tensor infer_model_input(const infer_model *model, size_t i);
infer_tensor infer_model_output(const infer_model *model, size_t i);
bool infer_model_has_output(const infer_model *model, const char *name);
/* Mean and deviation of the side numbers over the training of one of the project's own networks, as
 * many as its input "side" has; false where the model does not say. */
bool infer_model_side(const infer_model *model, float *mean, float *deviation);
/* Units that one of the project's own text networks knows; 0 where the model does not say. */
size_t infer_model_vocabulary(const infer_model *model);
/* Runs once. A model belongs to one thread at a time. Errors: SHAPE (naming both shapes), RUNTIME.
 */
AFFECT_MUST_USE affect_status infer_model_run(affect_context *ctx, infer_model *model,
                                              const infer_tensor *inputs, size_t input_count,
                                              infer_tensor *outputs, size_t output_count);

/* ---- classifiers (classes.c) ---- */

/* What a model's outputs are: classes, then values, named by its card's labels. Of a model that is
 * not ours the output "logits", else the first, is taken for raw, a number a label, and its last labels valence, arousal
 * and dominance for values; "temperature" and "multi_label" of the card say how it becomes
 * posteriors. */
typedef struct infer_classes {
    size_t classes, values;
    bool several, own;
    double temperature;
} infer_classes;
/* Errors: MODEL (labels that are not as many as outputs). */
AFFECT_MUST_USE affect_status infer_model_classes(affect_context *ctx, const infer_model *model,
                                                  infer_classes *out);
/* Runs once on `count` samples. rows: count x (classes + values), posteriors and values;
 * in_distribution: count (1 where the model does not say). Errors: those of infer_model_run, SHAPE. */
AFFECT_MUST_USE affect_status infer_model_classify(affect_context *ctx, infer_model *model,
                                                   const infer_classes *classes,
                                                   const infer_tensor *inputs, size_t input_count,
                                                   size_t count, float *rows,
                                                   float *in_distribution);
void infer_model_destroy(infer_model *model);

#endif
