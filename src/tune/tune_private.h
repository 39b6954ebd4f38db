/* What the files of this room share. */
#ifndef TUNE_PRIVATE_H
#define TUNE_PRIVATE_H

#include "nn/decoder.h"
#include "nn/projector.h"
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
    size_t rank;                /* 0: no adapter */
    double alpha;
    unsigned targets;
} tune_network;

/* What the recipe says of [projector] and [lora]; mistakes are noted there. */
void tune_network_configure(tune_network *network, train_recipe *recipe);
/* Opens the base. Errors: NOT_FOUND, MODEL, MEMORY. */
AFFECT_MUST_USE affect_status tune_network_open(affect_context *ctx, const char *path,
                                                tune_network *out);
/* Projectors and adapter. Errors: FORMAT (a stream that no clip has), ARGUMENT, MEMORY. */
AFFECT_MUST_USE affect_status tune_network_build(tune_network *network, const tune_clips *clips,
                                                 uint64_t seed);
void tune_network_close(tune_network *network);
/* Steps of a clip with its streams' tokens. */
size_t tune_network_length(const tune_network *network, const tune_clip *clip);
/* The hidden states of a clip [1, t, width] and what follows each step of the answer, target[t] (-1 elsewhere; the
 * tape's). `hidden_streams`: bit i: stream i is left out. */
nn_tensor *tune_network_hidden(const tune_network *network, nn_tape *tape, const tune_clip *clip,
                               unsigned hidden_streams, int32_t **target);

/* ---- run.c and save.c ---- */

typedef struct tuning {
    affect_context *ctx;
    const tune_options *o;
    train_recipe *recipe;
    tune_clips clips;
    tune_network network;
    nn_engine *engine;
    base_pool *pool;
    char base_sum[65], data_sum[65];
    uint32_t *order, *valid; /* training clips as this epoch takes them; validation clips */
    size_t order_count, valid_count;
    size_t epochs, batch, warm_up, patience;
    double rate, final_rate, drop;
    uint64_t seed;
    nn_optimiser optimiser;
    /* state */
    size_t epoch, best_epoch;
    double best, best_exact, seconds; /* best: loss on validation */
    base_text log;
    /* of the step or pass under way */
    size_t at;
    double scale;
    uint64_t step_seed;
    double *sums; /* of each validation clip: loss, answer tokens, exact or not */
} tuning;

/* Adapter, projectors and card as they are now. */
AFFECT_MUST_USE affect_status tune_save_model(tuning *t);
AFFECT_MUST_USE affect_status tune_save_checkpoint(tuning *t);
/* Errors: EXISTS (of another recipe, base or data), FORMAT, MODEL. */
AFFECT_MUST_USE affect_status tune_load_checkpoint(tuning *t, const char *path);
AFFECT_MUST_USE affect_status tune_write_at(const tuning *t, const char *name, const void *data,
                                            size_t length);
AFFECT_MUST_USE affect_status tune_sum_of(affect_context *ctx, const char *path, char out[65]);

#endif
