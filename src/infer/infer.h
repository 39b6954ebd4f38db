/* infer: one small interface to pre-trained models. In: a model folder (card.json + weights). Out:
 * tensors. ONNX Runtime's C API is found by dlopen when the first model is loaded; without it
 * everything else of the program works and the error says what is missing.
 *
 * A model is named ("face.detect") or given as a folder. A name is looked up as
 * FOLDER/NAME/card.json in the context's model folder, $AFFECT_MODELS, the build's and the
 * installed data folder. In the first two, which the user names, a card that is there and cannot be
 * used is an error; elsewhere the search goes on. */
#ifndef INFER_H
#define INFER_H

#include "base/base.h"

/* card.json, documented in docs/model-card.md. */
typedef struct infer_card {
    char *name, *version, *task, *licence, *training_data, *source;
    bool commercial; /* may be used commercially */
    size_t label_count;
    char **labels;
    size_t file_count;
    struct infer_file {
        char *name, *sha256;
    } * files;    /* files[0] is the weights */
    char *folder; /* where it was found */
    char *json;   /* the whole card, for fields of one task ("input", "temperature", ...) */
} infer_card;

/* Finds, reads and checks a card (fields, file presence; sha-256 only when `verify`). Errors: MODEL
 * with a text that names the folder, the field and what to do; and where only models for commercial
 * use are allowed (affect_context_set_commercial) and this is none. The caller destroys the card.
 */
AFFECT_MUST_USE affect_status infer_card_load(affect_context *ctx, const char *name_or_folder,
                                              bool verify, infer_card **out);
void infer_card_destroy(infer_card *card);
/* Path of one of the card's files, new memory (base_free). */
AFFECT_MUST_USE char *infer_card_path(const infer_card *card, const char *file);

/* Names of all models that can be found, in order of the alphabet; each and the array are the
 * caller's (base_free). Errors: MEMORY. */
AFFECT_MUST_USE affect_status infer_model_names(affect_context *ctx, char ***names, size_t *count);

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

/* Loads an ONNX model; `threads` <= 0 means 1. Errors: MODEL, RUNTIME (ONNX Runtime missing),
 * MEMORY. */
AFFECT_MUST_USE affect_status infer_model_load(affect_context *ctx, const char *name_or_folder,
                                               int threads, infer_model **out);
const infer_card *infer_model_card(const infer_model *model);
size_t infer_model_input_count(const infer_model *model);
size_t infer_model_output_count(const infer_model *model);
/* Name, type, rank and shape (-1 = free) of input i; data is NULL. */
infer_tensor infer_model_input(const infer_model *model, size_t i);
infer_tensor infer_model_output(const infer_model *model, size_t i);
/* Runs once. A model belongs to one thread at a time. Errors: SHAPE (naming both shapes), RUNTIME.
 */
AFFECT_MUST_USE affect_status infer_model_run(affect_context *ctx, infer_model *model,
                                              const infer_tensor *inputs, size_t input_count,
                                              infer_tensor *outputs, size_t output_count);
void infer_model_destroy(infer_model *model);

/* Where a run-time library is looked for: the path in the environment variable (then only that),
 * the build's lib folder, `npm` from the source root (may be NULL), the installed folders, and last
 * its bare name. Calls visit with each, most wanted first, until it returns true; false when none
 * did. `tried` (may be NULL) collects them for the error text. */
bool infer_find_library(const char *variable, const char *file, const char *npm, base_text *tried,
                        bool (*visit)(void *user, const char *path), void *user);

#endif
