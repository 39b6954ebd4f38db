/* tune: teaches a language model to answer about streams of a face and a voice. In: a recipe, a language model as a
 * GGUF file, clips with streams and answers. Out: a folder with an adapter that llama.cpp loads, projectors, a card.
 * Encoder, projector, language model with adapters, as in AffectGPT (Lian et al. 2025) and
 * Emotion-LLaMA (Cheng et al. 2024). */
#ifndef TUNE_TUNE_H
#define TUNE_TUNE_H

#include "base/base.h"
#include "train/train.h"

typedef struct tune_options {
    const char *recipe; /* docs/tuning.md */
    const char *base;   /* GGUF */
    const char *data;   /* clips.jsonl */
    const char *folder; /* of the run */
    bool fresh;         /* throw an existing run there away */
    int threads;        /* results do not depend on it */
    size_t stop_after;  /* epochs; 0 = all */
    /* NULL, or called after each step, in the thread that called tune_run; the loss is in nats a token */
    void (*progress)(void *user, const train_progress *now);
    void *user;
    /* Puts text into the model's own tokens: appends to *tokens (base_grow) and *count; `begin`: with what the model
     * wants at the begin of a text. NULL: clips with text are refused, lists of tokens are not. */
    affect_status (*tokenise)(void *user, const char *text, bool begin, int32_t **tokens,
                              size_t *count, size_t *capacity);
    void *tokenise_user;
} tune_options;

/* Trains; goes on where a run in that folder stopped. A line an epoch goes to the context's log (INFO). Errors: those of
 * the recipe and the data (with the line), MODEL, EXISTS (a run of other things is there), CANCELLED,
 * OUTPUT, MEMORY. */
AFFECT_MUST_USE affect_status tune_run(affect_context *ctx, const tune_options *options);

/* Does the recipe ask for a language model from nothing ([data] kind = language)? Errors: those of the recipe. */
AFFECT_MUST_USE affect_status tune_is_language(affect_context *ctx, const char *recipe, bool *is);
/* Makes one; the options are train_run's (hold_out is not read), and so is *folder, in which model.gguf lies. Errors as
 * tune_run. */
AFFECT_MUST_USE affect_status tune_language(affect_context *ctx, const train_options *options,
                                            char **folder);

#endif
