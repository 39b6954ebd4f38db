/* nn: the network library. In: tensors and named parameters. Out: values, gradients, trained
 * weights.
 *
 * The mechanism. Parameters live in one flat vector (nn_params). A forward pass is a sequence of
 * calls on a tape; each computes its result at once and, when training, notes how to send gradients
 * back; nn_backward walks the notes in reverse. Everything a pass needs comes from the tape's
 * arena, which is sized by the first pass: later passes of the same size allocate nothing.
 *
 * Parallelism is over shards of a batch (nn_engine): each shard runs the whole pass on one thread
 * with its own gradient vector; these are added in shard order. So results do not depend on the
 * number of threads. Batch statistics are those of a shard.
 *
 * Errors: an operation that fails returns NULL, notes the first failure on the tape
 * (nn_tape_status) and its text on the context; operations given NULL return NULL. So a network is
 * written without checks and checked once at its end. Shape errors name both shapes.
 *
 * Layout: row-major; images are [n, height, width, channels]; sequences [n, time, channels]. */
#ifndef NN_NN_H
#define NN_NN_H

#include "nn/real.h"

enum { NN_MAX_RANK = 4 };

typedef struct nn_shape {
    size_t rank, d[NN_MAX_RANK];
} nn_shape;
#define NN_SHAPE(...) ((nn_shape){sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), {__VA_ARGS__}})

size_t nn_shape_count(nn_shape shape);
bool nn_shape_equal(nn_shape a, nn_shape b);
/* "[2, 3]" into `out`; returns out. */
const char *nn_shape_text(nn_shape shape, char out[96]);

/* ---- params.c: named parameters in one flat vector ---- */

typedef enum nn_kind {
    NN_WEIGHT,   /* trained, decayed */
    NN_BIAS,     /* trained, not decayed: biases, gains, embeddings */
    NN_STATISTIC /* not trained: running mean of what the shards of a step report */
} nn_kind;

typedef struct nn_param {
    char *name;
    nn_shape shape;
    nn_kind kind;
    size_t offset, count;
    bool frozen; /* gets no update */
} nn_param;

typedef struct nn_params {
    affect_context *ctx;
    nn_param *items;
    size_t count, capacity;
    nn_real *value; /* `size` values; 64-byte aligned; every parameter starts at a multiple of 16 */
    size_t size, room;
    uint64_t seed;
    affect_status status; /* first failure */
} nn_params;

/* A seed for weights that are read from a file next: nothing is drawn, which for a vocabulary of
 * vectors takes longer than reading them. */
#define NN_UNSEEDED UINT64_MAX

AFFECT_MUST_USE affect_status nn_params_create(affect_context *ctx, uint64_t seed, nn_params **out);
void nn_params_destroy(nn_params *params);
/* Adds a parameter and returns its id, or -1 (noted in params->status). Values are drawn from
 * N(0, deviation^2) by the set's seed, the parameter's name and position in it; deviation 0 fills
 * with `fill`. Changing the order of other parameters does not change a parameter's values. */
int nn_param_add(nn_params *params, const char *name, nn_shape shape, nn_kind kind,
                 double deviation, double fill);
int nn_param_find(const nn_params *params, const char *name); /* -1 when absent */
nn_real *nn_param_value(const nn_params *params, int id);

/* ---- tape.c ---- */

typedef struct nn_tensor {
    nn_real *data, *grad; /* grad is NULL until something flows back */
    nn_shape shape;
    size_t count;
    bool constant; /* wants no gradient */
} nn_tensor;

typedef struct nn_tape nn_tape;

AFFECT_MUST_USE affect_status nn_tape_create(affect_context *ctx, nn_params *params, nn_tape **out);
void nn_tape_destroy(nn_tape *tape);
/* Starts a pass: what the tape handed out before is gone. `grad` (params->size values, added to) or
 * NULL for inference. `training` switches dropout and batch statistics on. */
void nn_tape_begin(nn_tape *tape, bool training, uint64_t seed, nn_real *grad);
affect_status nn_tape_status(const nn_tape *tape);
/* Uninitialised memory that lives until the next begin; NULL on failure (noted). */
nn_real *nn_tape_alloc(nn_tape *tape, size_t count);
/* Promises that the parameters no longer change (until false is given): packed forms of the weights
 * are then kept between passes. For inference. */
void nn_tape_freeze(nn_tape *tape, bool frozen);

/* Input tensors. The data are borrowed until the pass ends. */
nn_tensor *nn_input(nn_tape *tape, nn_shape shape, const nn_real *data);
nn_tensor *nn_variable(nn_tape *tape, nn_shape shape, const nn_real *data); /* gets a gradient */
/* Sends the gradient of the scalar `loss` back to every variable and parameter. */
affect_status nn_backward(nn_tape *tape, nn_tensor *loss);

/* ---- operations: the shape of each argument is in the comment ---- */

/* x[..., in] * w[in, out] (+ b[out]; -1 = none) -> [..., out] */
nn_tensor *nn_linear(nn_tape *tape, nn_tensor *x, int w, int b);
/* x[n,h,w,ci], w[kh,kw,ci,co] (+ b[co]), zero padding -> [n,ho,wo,co], ho = (h+2p-kh)/stride + 1 */
nn_tensor *nn_conv2d(nn_tape *tape, nn_tensor *x, int w, int b, size_t stride, size_t pad);
/* x[n,h,w,c], w[kh,kw,c] -> [n,ho,wo,c] */
nn_tensor *nn_depthwise2d(nn_tape *tape, nn_tensor *x, int w, int b, size_t stride, size_t pad);
/* x[n,t,ci], w[k,ci,co] -> [n,to,co] */
nn_tensor *nn_conv1d(nn_tape *tape, nn_tensor *x, int w, int b, size_t stride, size_t pad);
/* Over all axes but the last: (x - mean) / sqrt(var + 1e-5) * gain + bias, then + other (NULL =
 * none), then max(0, .) if relu. mean, var: NN_STATISTIC parameters [c]. When training, the batch's
 * moments are used and reported; else the running ones. */
nn_tensor *nn_batch_norm(nn_tape *tape, nn_tensor *x, int gain, int bias, int mean, int var,
                         nn_tensor *other, bool relu);
/* Over the last axis; epsilon 1e-5. */
nn_tensor *nn_layer_norm(nn_tape *tape, nn_tensor *x, int gain, int bias);
nn_tensor *nn_add(nn_tape *tape, nn_tensor *a, nn_tensor *b); /* equal shapes */
nn_tensor *nn_mul(nn_tape *tape, nn_tensor *a, nn_tensor *b); /* equal shapes */
nn_tensor *nn_scale(nn_tape *tape, nn_tensor *x, double factor);
nn_tensor *nn_relu(nn_tape *tape, nn_tensor *x);
nn_tensor *nn_gelu(nn_tape *tape, nn_tensor *x); /* tanh form */
nn_tensor *nn_tanh(nn_tape *tape, nn_tensor *x);
nn_tensor *nn_sigmoid(nn_tape *tape, nn_tensor *x);
nn_tensor *nn_softmax(nn_tape *tape, nn_tensor *x); /* last axis */
nn_tensor *nn_dropout(nn_tape *tape, nn_tensor *x, double probability);
nn_tensor *nn_reshape(nn_tape *tape, nn_tensor *x, nn_shape shape);          /* shares the data */
nn_tensor *nn_concat(nn_tape *tape, nn_tensor *const *x, size_t count);      /* last axis */
nn_tensor *nn_max_pool2d(nn_tape *tape, nn_tensor *x, size_t ky, size_t kx); /* window = stride */
nn_tensor *nn_mean_pool2d(nn_tape *tape, nn_tensor *x, size_t ky, size_t kx);
/* x[n,t,c] -> [n,c]: mean over the first length[i] steps (NULL = all); with `deviation` [n,2c]:
 * mean and standard deviation. */
nn_tensor *nn_time_pool(nn_tape *tape, nn_tensor *x, const size_t *length, bool deviation);
/* x[n,t,c] -> [n,c]: the largest of the first length[i] steps (NULL = all) */
nn_tensor *nn_time_max(nn_tape *tape, nn_tensor *x, const size_t *length);
/* x[n,t,c], scores[n,t,1] -> [n,c]: weighted by softmax of the scores over valid steps. */
nn_tensor *nn_attentive_pool(nn_tape *tape, nn_tensor *x, nn_tensor *scores, const size_t *length);
nn_tensor *nn_step(nn_tape *tape, nn_tensor *x, const size_t *index); /* x[n,t,c] -> [n,c] */
/* table[rows, d], index[count] -> shape + [d]; index < 0 gives zeros. */
nn_tensor *nn_embedding(nn_tape *tape, int table, const int32_t *index, nn_shape shape);
/* Sums of embeddings: bag i is index[start[i] .. start[i+1]), each times weight (NULL = 1 / size of
 * the bag) -> [bags, d] */
nn_tensor *nn_embedding_bag(nn_tape *tape, int table, const int32_t *index, const size_t *start,
                            const nn_real *weight, size_t bags);
/* x[n,t,c] -> [n,t,h]; w_in[c,3h], w_h[h,3h], b_in[3h], b_h[3h]; gates in the order reset, update,
 * new (as cuDNN: the new gate's recurrent part is multiplied by reset after its bias). `reverse`
 * runs from the end of each sequence (length[i], NULL = t). Steps beyond the length are 0. */
nn_tensor *nn_gru(nn_tape *tape, nn_tensor *x, int w_in, int w_h, int b_in, int b_h,
                  const size_t *length, bool reverse);

typedef struct nn_attention_options {
    size_t heads;
    size_t kv_heads; /* of keys and values, each for heads / kv_heads of the queries; 0 = heads */
    bool causal;
    double dropout;           /* of the weights */
    const size_t *key_length; /* valid keys of each sample; NULL = all */
    const nn_real *time_bias; /* [n, keys] added to the scores, or NULL */
} nn_attention_options;
/* q[n,tq,d], k and v[n,tk,d kv_heads/heads] (already projected), d divisible by heads -> [n,tq,d];
 * softmax(q k^T / sqrt(d / heads)) v per head, in tiles: no tq x tk matrix is made. */
nn_tensor *nn_attention(nn_tape *tape, nn_tensor *q, nn_tensor *k, nn_tensor *v,
                        const nn_attention_options *options);
/* x[n,t,c] -> [n,t,h]; w_in[c,4h], w_h[h,4h], bias[4h]; gates in the order input, forget, output,
 * new. `length` and `reverse` as for nn_gru. */
nn_tensor *nn_lstm(nn_tape *tape, nn_tensor *x, int w_in, int w_h, int bias, const size_t *length,
                   bool reverse);

typedef struct nn_time_attention_options {
    size_t heads;
    int slope; /* parameter [heads]: softplus of it, times the distance, is taken off; -1 = none */
    const nn_real *query_time, *key_time; /* [n, tq], [n, tk], one unit; a lag is already in them */
    const size_t *key_length;             /* valid keys of each sample; NULL = all */
    double reach;                         /* keys farther away are not seen; 0 = all are */
} nn_time_attention_options;
/* q[n,tq,d], k and v[n,tk,d], d divisible by heads -> [n,tq,d]: softmax over the keys in reach of
 * q k^T / sqrt(d / heads) - softplus(slope) |query_time - key_time| (time attention of Shukla &
 * Marlin 2021, a linear bias as in Press et al. 2022 but in time); zeros where no key is in reach. */
nn_tensor *nn_time_attention(nn_tape *tape, nn_tensor *q, nn_tensor *k, nn_tensor *v,
                             const nn_time_attention_options *options);
nn_tensor *nn_sine(nn_tape *tape, nn_tensor *x);
/* Rows of x (all axes but the last are rows): row index[r] -> [count, c]; index < 0 gives zeros. */
nn_tensor *nn_rows(nn_tape *tape, nn_tensor *x, const int32_t *index, size_t count);
/* Mean of the rows of each group: row r belongs to group[r] (< 0: to none) -> [groups, c]; zeros
 * where a group is empty. */
nn_tensor *nn_group_mean(nn_tape *tape, nn_tensor *x, const int32_t *group, size_t groups);
/* Columns [from, from + count) of the last axis. */
nn_tensor *nn_slice(nn_tape *tape, nn_tensor *x, size_t from, size_t count);

/* ---- losses: scalars, each a sum over rows times `scale` (so that shards add up to a batch mean)
 * ---- */

/* logits[n,c], target[n,c] (rows sum to 1, or to 0: the row is skipped); with `weight` [c] per
 * class.*/
nn_tensor *nn_cross_entropy(nn_tape *tape, nn_tensor *logits, const nn_real *target,
                            const nn_real *weight, double scale);
/* logits[n,c], target[n,c] in [0,1]; weight [c] multiplies the positive part (NULL = 1). Negative
 * targets are skipped. */
nn_tensor *nn_binary_cross_entropy(nn_tape *tape, nn_tensor *logits, const nn_real *target,
                                   const nn_real *weight, double scale);
/* Mean over columns of huber(x - target); delta <= 0 is squared error. NaN targets are skipped. */
nn_tensor *nn_huber(nn_tape *tape, nn_tensor *x, const nn_real *target, double delta, double scale);
/* 1 - concordance (Lin 1989) of each column over the rows, averaged over columns; rows with NaN
 * targets are skipped. */
nn_tensor *nn_ccc_loss(nn_tape *tape, nn_tensor *x, const nn_real *target, double scale);
/* InfoNCE (van den Oord 2018) between rows of a[n,d] and b[n,d] after L2 normalisation: row i of b
 * is the positive of row i of a, others negatives; both directions, averaged. */
nn_tensor *nn_info_nce(nn_tape *tape, nn_tensor *a, nn_tensor *b, double temperature, double scale);
/* SoftCLT (Lee et al. 2024), instance-wise: as InfoNCE, with soft targets target[n,n] (rows are
 * normalised here). */
nn_tensor *nn_soft_contrast(nn_tape *tape, nn_tensor *a, nn_tensor *b, const nn_real *target,
                            double temperature, double scale);
/* Rank-N-Contrast (Zha et al. 2023): x[n,d], label[n,l]; negatives of a pair (i,j) are those
 * farther from i in label (L2) than j; similarity is minus L2 distance. */
nn_tensor *nn_rank_n_contrast(nn_tape *tape, nn_tensor *x, const nn_real *label, size_t label_width,
                              double temperature, double scale);
/* soft-DTW (Cuturi & Blondel 2017) between x[t,d] and target[s,d], squared Euclidean cost. */
nn_tensor *nn_soft_dtw(nn_tape *tape, nn_tensor *x, const nn_real *target, size_t target_length,
                       double gamma, double scale);
nn_tensor *nn_sum(nn_tape *tape, nn_tensor *x); /* of all elements, for tests and joint losses */

/* ---- engine.c: one training step over shards ---- */

typedef struct nn_optimiser {
    double rate, beta1, beta2, epsilon, decay;
    double clip;      /* largest norm of the whole gradient; 0 = none */
    double average;   /* decay of the running average of the weights (EMA); 0 = none */
    double statistic; /* share of a step's statistics in the running ones; 0 = .1 */
} nn_optimiser;

typedef struct nn_engine nn_engine;
/* Builds the pass of one shard on the tape and returns its loss (NULL on failure). */
typedef nn_tensor *(*nn_build_fn)(void *user, nn_tape *tape, size_t shard);

/* `pool` may be NULL (one thread). The engine holds the optimiser's state. */
AFFECT_MUST_USE affect_status nn_engine_create(affect_context *ctx, nn_params *params,
                                               base_pool *pool, int threads, nn_engine **out);
void nn_engine_destroy(nn_engine *engine);
/* Forward, backward, reduce, update. *loss receives the sum of the shards' losses. A loss that is
 * not finite changes no weight and gives ERROR_ARGUMENT. */
AFFECT_MUST_USE affect_status nn_engine_step(nn_engine *engine, size_t shards, nn_build_fn build,
                                             void *user, uint64_t seed,
                                             const nn_optimiser *optimiser, double *loss);
/* The same without update: gradients in engine's first vector, returned (params->size values). */
AFFECT_MUST_USE affect_status nn_engine_gradient(nn_engine *engine, size_t shards,
                                                 nn_build_fn build, void *user, uint64_t seed,
                                                 double *loss, const nn_real **gradient);
/* nn_engine_map keeps packed forms of the weights until the next gradient or this call, which
 * whoever changes the parameters in between makes. */
void nn_engine_thaw(nn_engine *engine);
/* Runs body for every shard with a tape each (inference), in parallel; shards must be independent.
 */
AFFECT_MUST_USE affect_status nn_engine_map(nn_engine *engine, size_t shards, nn_build_fn build,
                                            void *user);
/* Optimiser state as flat vectors (params->size each) for checkpoints: first and second moments and
 * the averaged weights; `step` counts updates. */
typedef struct nn_engine_state {
    nn_real *m, *v, *average;
    uint64_t step;
} nn_engine_state;
nn_engine_state *nn_engine_get_state(nn_engine *engine);

/* Learning rate at `step` of `total`: linear warm-up, then cosine to `final` (a share of peak). */
double nn_cosine(double peak, double final, uint64_t step, uint64_t warm_up, uint64_t total);
/* Linear warm-up to `peak`, which whoever watches the score lowers. */
double nn_plateau(double peak, uint64_t step, uint64_t warm_up);

#endif
