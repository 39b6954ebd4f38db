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

/* ---- data.c: clips of analyzed recordings with labels ---- */

typedef struct tune_data_options {
    const char *const *timelines; /* files, or folders of them */
    size_t timeline_count;
    const char *const *labels; /* files; docs/tuning.md */
    size_t label_count;
    const char *output; /* clips.jsonl */
    const char
        *kinds; /* "label,words,explanation,masked,question" (NULL), fewer, or "description" too */
    double rate_hz;       /* most rows a second of a stream */
    double longest_s;     /* longer segments are taken by episode */
    int64_t claims;       /* of an explanation, at most */
    int64_t valid_every;  /* one participant in so many validates where the labels name no part */
    const char *hold_out; /* participants whose name contains it are the part "test"; or NULL */
} tune_data_options;

typedef struct tune_data_counts {
    size_t recordings, clips, train, valid; /* recordings: that have labels */
    size_t unmatched, bad;                  /* rows without a timeline; rows left out */
} tune_data_counts;

/* Makes the clips, in the order of the timelines. What cannot be used is a warning on the context's log, and the rest goes on.
 * Errors: USAGE (an unknown kind), NOT_FOUND, FORMAT (labels without names; a participant in two parts; nothing is
 * left), OUTPUT, CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status tune_data_make(affect_context *ctx, const tune_data_options *options,
                                             tune_data_counts *counts);

#endif
