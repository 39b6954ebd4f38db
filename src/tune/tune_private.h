/* What the files of this room share. */
#ifndef TUNE_PRIVATE_H
#define TUNE_PRIVATE_H

#include "nn/decoder.h"
#include "nn/gguf_write.h"
#include "nn/projector.h"
#include "nn/vocabulary.h"
#include "train/train.h"
#include "tune/tune.h"

enum { TUNE_STREAMS = 4, TUNE_NAME = 16 };

/* ---- clips.c: a line each: {"id", "split", "prompt", "answer", "streams": {NAME: {"times", "rows"}}} ---- */

typedef enum tune_split { TUNE_TRAIN, TUNE_VALID, TUNE_OTHER } tune_split;

typedef struct tune_clip {
    tune_split split;
    int32_t *tokens; /* the prompt, the answer, the model's end; -2 - i: stream i stands here */
    size_t count, capacity, answer; /* answer: where it begins, > 0 */
    float *times[TUNE_STREAMS], *rows[TUNE_STREAMS];
    size_t steps[TUNE_STREAMS]; /* 0: the stream is absent */
    uint64_t participant;       /* a sum of the name; 0: not said */
    const float *map
        [TUNE_STREAMS]; /* how the stream is projected in training (ridge.c); NULL: as it will be */
} tune_clip;

typedef struct tune_clips {
    affect_context *ctx;
    char names[TUNE_STREAMS][TUNE_NAME]; /* set before reading */
    size_t streams;
    size_t vocabulary; /* of the model */
    int32_t end;       /* token that ends an answer */
    tune_clip *items;
    size_t count, capacity;
    size_t features[TUNE_STREAMS];                       /* of a row; 0: no clip has the stream */
    float *mean[TUNE_STREAMS], *deviation[TUNE_STREAMS]; /* over the training clips' rows */
    char *channels[TUNE_STREAMS]; /* their names as JSON, where a clip says them; or NULL */
    double rate_hz[TUNE_STREAMS]; /* rows a second; 0: not said */
} tune_clips;

/* Reads the clips and standardises their rows. Errors: NOT_FOUND, FORMAT (with the line), LIMIT, MEMORY. */
AFFECT_MUST_USE affect_status tune_clips_read(tune_clips *clips, const tune_options *options);
/* The same from memory, which has a NUL behind it; options->data is what messages call it. */
AFFECT_MUST_USE affect_status tune_clips_parse(tune_clips *clips, const tune_options *options,
                                               const char *text, size_t length);
void tune_clips_clear(tune_clips *clips);

/* ---- network.c ---- */

typedef struct tune_network {
    affect_context *ctx;
    nn_gguf *file;
    nn_decoder *decoder;
    nn_params *params;
    nn_lora *lora; /* or NULL */
    nn_projector *projector[TUNE_STREAMS];
    size_t streams;
    nn_projector_options shape; /* of every projector; name, features and width are each one's */
    bool ridge;                 /* projectors are found by ridge.c and stay so */
    float *maps;                /* of ridge.c; tune_clip.map points into it */
    size_t rank;                /* 0: no adapter */
    double alpha;
    unsigned targets;
} tune_network;

/* What the recipe says of [projector] and [lora]; mistakes are noted there. */
void tune_network_configure(tune_network *network, train_recipe *recipe);
/* Opens the base. Errors: NOT_FOUND, MODEL, MEMORY. */
AFFECT_MUST_USE affect_status tune_network_open(affect_context *ctx, const char *path,
                                                tune_network *out);
/* What went wrong in that file, with its name before it. */
affect_status tune_network_fail(affect_context *ctx, const char *path, affect_status status);
/* Projectors and adapter. Errors: FORMAT (a stream that no clip has), ARGUMENT, MEMORY. */
AFFECT_MUST_USE affect_status tune_network_build(tune_network *network, const tune_clips *clips,
                                                 uint64_t seed);
void tune_network_close(tune_network *network);
/* ridge.c: gives projectors of kind `ridge` their values, and training clips their maps. Errors: LIMIT, CANCELLED, MEMORY. */
AFFECT_MUST_USE affect_status tune_network_fit(tune_network *network, tune_clips *clips);
/* Steps of a clip with its streams' tokens. */
size_t tune_network_length(const tune_network *network, const tune_clip *clip);
/* The hidden states of a clip [1, t, width] and what follows each step of the answer, target[t] (-1 elsewhere; the
 * tape's). `hidden_streams`: bit i: stream i is left out. */
nn_tensor *tune_network_hidden(const tune_network *network, nn_tape *tape, const tune_clip *clip,
                               unsigned hidden_streams, int32_t **target);

/* ---- loop.c: epochs, what is kept of them, the checkpoint to go on from ---- */

typedef struct tune_loop {
    affect_context *ctx;
    const char *folder;                                      /* of the run */
    bool fresh;                                              /* throw an existing run there away */
    size_t stop_after;                                       /* epochs; 0 = all */
    void (*progress)(void *user, const train_progress *now); /* or NULL */
    void *progress_user;
    train_recipe *recipe;
    char base_sum[65],
        data_sum[65]; /* SHA-256 of what it begins from ("" = from nothing) and learns from */
    /* of the kind of training */
    const char *second; /* what is judged beside the loss: a column of log.csv */
    size_t steps;       /* of an epoch */
    void (*shuffle)(void *user);
    size_t (*begin)(void *user, size_t i); /* gets step i ready; returns its shards */
    nn_build_fn build;
    affect_status (*validate)(void *user, double *loss, double *second);
    affect_status (*save)(void *user); /* the model, the best so far */
    void *user;                        /* of the last five */
    /* [train] */
    size_t epochs, batch, warm_up, patience;
    double rate, final_rate;
    uint64_t seed;
    nn_optimiser optimiser;
    /* state */
    nn_params *params; /* borrowed */
    nn_engine *engine;
    base_pool *pool;
    size_t epoch, best_epoch;
    double best, best_second, seconds; /* best: loss on validation */
    base_text log;
    uint64_t step_seed;
} tune_loop;

/* What the recipe says of [train] and [card]. */
void tune_loop_configure(tune_loop *loop, train_recipe *recipe, double rate, size_t patience);
/* Goes on where a run in the folder stopped. Errors: EXISTS (of another recipe, base or data), FORMAT, CANCELLED,
 * OUTPUT, MEMORY, those of the kind. */
AFFECT_MUST_USE affect_status tune_loop_run(tune_loop *loop, nn_params *params, int threads);
void tune_loop_end(tune_loop *loop); /* frees; the recipe, too */
AFFECT_MUST_USE affect_status tune_write_at(const tune_loop *loop, const char *name,
                                            const void *data, size_t length);
AFFECT_MUST_USE affect_status tune_sum_of(affect_context *ctx, const char *path, char out[65]);

/* ---- card.c ---- */

/* The begin of a card: name, task, licence and the like, without the last brace. */
void tune_card_begin(base_text *card, train_recipe *recipe, const char *task, const char *source);
/* Closes and writes it, and destroys the text. */
AFFECT_MUST_USE affect_status tune_card_write(const tune_loop *loop, base_text *card);

/* ---- run.c and save.c ---- */

typedef struct tuning {
    affect_context *ctx;
    const tune_options *o;
    tune_loop loop;
    tune_clips clips;
    tune_network network;
    nn_vocabulary *vocabulary; /* of the base, where it is read here; else NULL */
    uint32_t *order, *valid;   /* training clips as this epoch takes them; validation clips */
    size_t order_count, valid_count;
    double drop, noise;
    /* of the step or pass under way */
    size_t at;
    double scale;
    double *sums; /* of each validation clip: loss, answer tokens, exact or not */
} tuning;

/* Adapter, projectors and card as they are now. */
AFFECT_MUST_USE affect_status tune_save_model(tuning *t);

/* ---- vocabulary.c ---- */

enum { TUNE_END, TUNE_TURN_BEGIN, TUNE_TURN_END, TUNE_MARKS }; /* marks of a vocabulary made here */

/* Texts and how they are cut into tokens: the pairs of neighbours that occur most often become one, until there are
 * `size` tokens with bytes and marks, or none occurs twice. */
AFFECT_MUST_USE affect_status tune_vocabulary_learn(affect_context *ctx, const char *const *texts,
                                                    size_t count, size_t size,
                                                    int32_t (**merges)[2], size_t *merge_count,
                                                    nn_vocabulary **out);
/* As llama.cpp reads it. */
void tune_vocabulary_put(const nn_vocabulary *v, const int32_t (*merges)[2], size_t merge_count,
                         nn_gguf_writer *w);

#endif
