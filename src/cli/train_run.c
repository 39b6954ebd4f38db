/* One training run: epochs of shuffled batches over shards, validation with the averaged weights,
 * early stop, a checkpoint each epoch from which a killed run goes on bit for bit. Everything
 * random is a function of the seed, the epoch and the sample, so a checkpoint holds no generator.
 */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/train.h"
#include "nn/kernels.h"
#include "nn/safetensors.h"
#include "nn/tape.h"

enum { MAX_LABELS = 64, EVALUATE_SHARD = 64 };

typedef struct training {
    affect_context *ctx;
    const train_options *o;
    recipe *recipe;
    char *folder, *label_text;
    const char *labels[MAX_LABELS];
    size_t classes;
    train_set *train, *valid;
    nn_net *net;
    nn_engine *engine;
    base_pool *pool;
    /* schedule */
    size_t epochs, batch, shard, warm_up, patience;
    double rate, final_rate;
    size_t small_epochs, small_size; /* the first epochs see smaller pictures */
    uint64_t seed;
    nn_optimiser optimiser;
    train_augment augment;
    /* state */
    uint32_t *order;
    size_t order_count, epoch;
    double best, seconds;
    size_t best_epoch;
    bool higher_is_better;
    const char *monitor;
    base_text log;
    float *logits;
    /* of the step under way */
    size_t at;
} training;

/* ---- from the recipe ---- */

static void read_labels(training *t) {
    const char *text = recipe_text(t->recipe, "data", "labels", NULL);
    t->label_text = base_strdup(text);
    if (!t->label_text) {
        t->recipe->status = base_fail_memory(t->ctx);
        return;
    }
    char *rest = t->label_text;
    for (char *word; (word = strsep(&rest, " ,"));)
        if (*word) {
            if (t->classes == MAX_LABELS) {
                recipe_mistake(t->recipe, "data", "labels", "more than %d labels", MAX_LABELS);
                return;
            }
            t->labels[t->classes++] = word;
        }
    if (t->classes < 2) recipe_mistake(t->recipe, "data", "labels", "expected at least two labels");
}

/* "IMAGES.npz VOTES.csv" */
static affect_status open_faces(training *t, const char *key, bool drop, train_set **out) {
    char *text = base_strdup(recipe_text(t->recipe, "data", key, NULL));
    if (!text) return base_fail_memory(t->ctx);
    char *votes = strpbrk(text, " \t");
    if (!votes) {
        recipe_mistake(t->recipe, "data", key, "expected two files: IMAGES.npz VOTES.csv");
        base_free(text);
        return t->recipe->status;
    }
    *votes++ = '\0';
    votes += strspn(votes, " \t");
    affect_status status =
        train_set_open_faces(t->ctx, text, votes, t->labels, t->classes, drop, out);
    base_free(text);
    return status;
}

static void read_schedule(training *t) {
    recipe *r = t->recipe;
    t->epochs = recipe_count(r, "train", "epochs", 30, 1, 10000);
    t->batch = recipe_count(r, "train", "batch", 128, 1, 65536);
    t->shard = recipe_count(r, "train", "shard", 32, 1, 65536);
    t->seed = (uint64_t)recipe_number(r, "train", "seed", 1, 0, 1e15);
    t->rate = recipe_number(r, "train", "rate", 1e-3, 1e-9, 10);
    t->final_rate = recipe_number(r, "train", "final_rate", .01, 0, 1);
    t->warm_up = recipe_count(r, "train", "warm_up_steps", 0, 0, 1000000);
    t->patience = recipe_count(r, "train", "patience", 0, 0, 10000);
    t->monitor = recipe_choice(r, "train", "monitor", "loss", "loss|accuracy|uar");
    t->higher_is_better = strcmp(t->monitor, "loss") != 0;
    t->optimiser = (nn_optimiser){
        .beta1 = recipe_number(r, "train", "beta1", .9, 0, .9999),
        .beta2 = recipe_number(r, "train", "beta2", .999, 0, .999999),
        .epsilon = 1e-8,
        .decay = recipe_number(r, "train", "decay", .01, 0, 10),
        .clip = recipe_number(r, "train", "clip", 0, 0, 1e9),
        .average = recipe_number(r, "train", "average", 0, 0, .999999),
    };
    t->small_epochs = recipe_count(r, "train", "small_epochs", 0, 0, 10000);
    t->small_size = recipe_count(r, "train", "small_size", 32, 16, 48);
    if (t->batch % t->shard)
        recipe_mistake(r, "train", "shard", "expected a divisor of batch = %zu", t->batch);
    t->augment = (train_augment){
        .flip = recipe_number(r, "augment", "flip", 0, 0, 1),
        .rotate = recipe_number(r, "augment", "rotate_degrees", 0, 0, 180),
        .scale = recipe_number(r, "augment", "scale", 0, 0, .9),
        .shift = recipe_number(r, "augment", "shift_pixels", 0, 0, 24),
        .shear = recipe_number(r, "augment", "shear", 0, 0, 1),
        .gamma = recipe_number(r, "augment", "gamma", 0, 0, 3),
        .erase = recipe_number(r, "augment", "erase", 0, 0, 1),
        .noise = recipe_number(r, "augment", "noise", 0, 0, 100),
    };
}

static affect_status build(training *t) {
    recipe *r = t->recipe;
    recipe_choice(r, "data", "kind", NULL, "faces");
    read_labels(t);
    bool drop = strcmp(recipe_choice(r, "data", "single_votes", "drop", "drop|keep"), "drop") == 0;
    nn_net_options n = {.kind = recipe_choice(r, "model", "kind", NULL, "face_cnn"),
                        .outputs = t->classes};
    n.width = recipe_count(r, "model", "width", 32, 1, 4096);
    n.dropout = recipe_number(r, "model", "dropout", 0, 0, .95);
    recipe_counts(r, "model", "blocks", n.blocks, 4);
    read_schedule(t);
    recipe_text(r, "card", "licence", "");
    recipe_text(r, "card", "training_data", "");
    recipe_text(r, "card", "commercial", "no");
    recipe_text(r, "card", "name", "");
    if (r->status != AFFECT_OK) return r->status;
    affect_status status = open_faces(t, "train", drop, &t->train);
    if (status == AFFECT_OK) status = open_faces(t, "valid", drop, &t->valid);
    if (status == AFFECT_OK) status = recipe_finish(r);
    if (status == AFFECT_OK) status = nn_net_create(t->ctx, &n, t->seed, &t->net);
    if (status == AFFECT_OK) status = base_pool_create(t->ctx, t->o->threads, &t->pool);
    if (status == AFFECT_OK)
        status =
            nn_engine_create(t->ctx, nn_net_params(t->net), t->pool, t->o->threads, &t->engine);
    if (status != AFFECT_OK) return status;
    t->order = base_calloc(t->train->count, sizeof *t->order);
    t->logits = base_calloc(BASE_MAX(t->train->count, t->valid->count) * t->classes, sizeof(float));
    if (!t->order || !t->logits) return base_fail_memory(t->ctx);
    for (size_t i = 0; i < t->train->count; i++)
        if (t->train->gold[i] >= 0) t->order[t->order_count++] = (uint32_t)i;
    if (t->order_count < t->batch)
        return base_fail(t->ctx, AFFECT_ERROR_ARGUMENT,
                         "the training set has %zu usable samples, less than one batch of %zu",
                         t->order_count, t->batch);
    return AFFECT_OK;
}

/* ---- passes ---- */

static nn_tensor *train_shard(void *user, nn_tape *tape, size_t shard) {
    training *t = user;
    nn_batch batch;
    float *target;
    const uint32_t *index = t->order + t->at + shard * t->shard;
    if (!train_set_batch(t->train, tape, index, t->shard, &t->augment, t->seed * 1000003 + t->epoch,
                         &batch, &target))
        return NULL;
    nn_tensor *logits = nn_net_forward(t->net, tape, &batch);
    return nn_cross_entropy(tape, logits, target, NULL, 1. / (double)t->batch);
}

static nn_tensor *valid_shard(void *user, nn_tape *tape, size_t shard) {
    training *t = user;
    uint32_t index[EVALUATE_SHARD];
    size_t from = shard * EVALUATE_SHARD,
           n = BASE_MIN((size_t)EVALUATE_SHARD, t->valid->count - from);
    for (size_t i = 0; i < n; i++) index[i] = (uint32_t)(from + i);
    nn_batch batch;
    float *target;
    if (!train_set_batch(t->valid, tape, index, n, NULL, 0, &batch, &target)) return NULL;
    nn_tensor *logits = nn_net_forward(t->net, tape, &batch);
    if (logits) memcpy(t->logits + from * t->classes, logits->data, logits->count * sizeof(float));
    return logits;
}

/* The weights that are judged and kept: the running average where there is one. */
static float *judged(training *t) {
    nn_engine_state *state = nn_engine_get_state(t->engine);
    return state->average ? state->average : nn_net_params(t->net)->value;
}

static affect_status validate(training *t, train_scores *out) {
    nn_params *params = nn_net_params(t->net);
    float *own = params->value;
    params->value = judged(t);
    nn_engine_thaw(t->engine);
    size_t shards = (t->valid->count + EVALUATE_SHARD - 1) / EVALUATE_SHARD;
    affect_status status = nn_engine_map(t->engine, shards, valid_shard, t);
    params->value = own;
    nn_engine_thaw(t->engine);
    if (status == AFFECT_OK) train_score(t->valid, t->logits, t->classes, 1, out);
    return status;
}

/* ---- files ---- */

static affect_status write_at(training *t, const char *name, const void *data, size_t length) {
    char *path = base_path_join(t->folder, name);
    if (!path) return base_fail_memory(t->ctx);
    affect_status status = base_write_file(t->ctx, path, data, length);
    base_free(path);
    return status;
}

static affect_status save_weights(training *t) {
    char *path = base_path_join(t->folder, "weights.safetensors");
    nn_writer *w = NULL;
    affect_status status = path ? nn_writer_create(t->ctx, path, &w) : base_fail_memory(t->ctx);
    if (status == AFFECT_OK) {
        nn_params_write(w, nn_net_params(t->net), "", judged(t), NN_F32, 0);
        status = nn_writer_commit(t->ctx, w);
    }
    base_free(path);
    return status;
}

static affect_status save_checkpoint(training *t) {
    char *path = base_path_join(t->folder, "checkpoint.safetensors");
    nn_writer *w = NULL;
    affect_status status = path ? nn_writer_create(t->ctx, path, &w) : base_fail_memory(t->ctx);
    if (status == AFFECT_OK) {
        const nn_engine_state *state = nn_engine_get_state(t->engine);
        const nn_params *p = nn_net_params(t->net);
        nn_params_write(w, p, "value.", NULL, NN_F32, 0);
        if (state->m) nn_params_write(w, p, "m.", state->m, NN_F32, 0);
        if (state->v) nn_params_write(w, p, "v.", state->v, NN_F32, 0);
        if (state->average) nn_params_write(w, p, "average.", state->average, NN_F32, 0);
        char text[64];
        snprintf(text, sizeof text, "%zu", t->epoch);
        nn_writer_metadata(w, "epoch", text);
        snprintf(text, sizeof text, "%llu", (unsigned long long)state->step);
        nn_writer_metadata(w, "step", text);
        snprintf(text, sizeof text, "%.17g", t->best);
        nn_writer_metadata(w, "best", text);
        snprintf(text, sizeof text, "%zu", t->best_epoch);
        nn_writer_metadata(w, "best_epoch", text);
        snprintf(text, sizeof text, "%.3f", t->seconds);
        nn_writer_metadata(w, "seconds", text);
        nn_writer_metadata(w, "recipe", t->recipe->text);
        nn_writer_metadata(w, "log", t->log.data ? t->log.data : "");
        status = nn_writer_commit(t->ctx, w);
    }
    base_free(path);
    return status;
}

static double metadata_number(const nn_file *f, const char *key) {
    const char *text = nn_file_metadata(f, key);
    double value = 0;
    if (text) (void)base_parse_double(text, strlen(text), &value);
    return value;
}

static affect_status load_vector(training *t, const nn_file *f, const char *prefix, float **out) {
    const nn_params *p = nn_net_params(t->net);
    if (!*out) {
        *out = base_alloc_aligned(64, p->size * sizeof(float));
        if (!*out) return base_fail_memory(t->ctx);
        memset(*out, 0, p->size * sizeof(float));
    }
    return nn_params_read(t->ctx, f, p, prefix, *out);
}

/* Goes on where the checkpoint stands; a different recipe is refused. */
static affect_status load_checkpoint(training *t, const char *path) {
    nn_file *f;
    affect_status status = nn_file_open(t->ctx, path, &f);
    if (status != AFFECT_OK) return status;
    const char *made_with = nn_file_metadata(f, "recipe"), *log = nn_file_metadata(f, "log");
    if (!made_with || !log || strcmp(made_with, t->recipe->text) != 0) {
        status =
            base_fail(t->ctx, AFFECT_ERROR_EXISTS,
                      "%s was made with another recipe: give --fresh to throw that run away, or "
                      "the recipe another name",
                      t->folder);
        nn_file_close(f);
        return status;
    }
    nn_engine_state *state = nn_engine_get_state(t->engine);
    status =
        nn_params_read(t->ctx, f, nn_net_params(t->net), "value.", nn_net_params(t->net)->value);
    if (status == AFFECT_OK) status = load_vector(t, f, "m.", &state->m);
    if (status == AFFECT_OK) status = load_vector(t, f, "v.", &state->v);
    if (status == AFFECT_OK && t->optimiser.average > 0)
        status = load_vector(t, f, "average.", &state->average);
    state->step = (uint64_t)metadata_number(f, "step");
    t->epoch = (size_t)metadata_number(f, "epoch");
    t->best = metadata_number(f, "best");
    t->best_epoch = (size_t)metadata_number(f, "best_epoch");
    t->seconds = metadata_number(f, "seconds");
    base_text_clear(&t->log);
    base_text_append(&t->log, log);
    nn_file_close(f);
    return status;
}

/* ---- the loop ---- */

static void shuffle(training *t) {
    /* from the sorted order each epoch, so that it depends on seed and epoch alone */
    size_t n = 0;
    for (size_t i = 0; i < t->train->count; i++)
        if (t->train->gold[i] >= 0) t->order[n++] = (uint32_t)i;
    uint64_t seed = t->seed * 7919 + t->epoch;
    for (size_t i = n; i-- > 1;) {
        uint64_t wide = (uint64_t)nn_hash64(seed, i) * (i + 1) >> 32;
        uint32_t keep = t->order[i];
        t->order[i] = t->order[wide];
        t->order[wide] = keep;
    }
}

static void show(const training *t, size_t step, size_t steps, double loss, double started) {
    if (t->o->quiet || !isatty(2)) return;
    double share = (double)step / (double)steps, spent = base_now_s() - started;
    double left = spent / share * (1 - share + (double)(t->epochs - t->epoch - 1));
    fprintf(stderr, "\repoch %zu/%zu  %3.0f%%  loss %.4f  %.0f min left   ", t->epoch + 1,
            t->epochs, 100 * share, loss, left / 60);
    fflush(stderr);
}

static affect_status run_epoch(training *t, double *mean_loss) {
    shuffle(t);
    t->augment.size = t->epoch < t->small_epochs ? t->small_size : 48;
    size_t steps = t->order_count / t->batch;
    double sum = 0, started = base_now_s();
    for (size_t i = 0; i < steps; i++) {
        if (affect_context_cancelled(t->ctx))
            return base_fail(t->ctx, AFFECT_ERROR_CANCELLED,
                             "interrupted; the same command goes on after epoch %zu", t->epoch);
        t->at = i * t->batch;
        uint64_t step = nn_engine_get_state(t->engine)->step;
        t->optimiser.rate =
            nn_cosine(t->rate, t->final_rate, step, t->warm_up, (uint64_t)steps * t->epochs);
        double loss;
        affect_status status = nn_engine_step(t->engine, t->batch / t->shard, train_shard, t,
                                              t->seed + 31 * step + 17, &t->optimiser, &loss);
        if (status != AFFECT_OK) return status;
        sum += loss;
        show(t, i + 1, steps, sum / (double)(i + 1), started);
    }
    *mean_loss = sum / (double)steps;
    return AFFECT_OK;
}

static affect_status after_epoch(training *t, double loss, double started) {
    train_scores s;
    affect_status status = validate(t, &s);
    if (status != AFFECT_OK) return status;
    double value = strcmp(t->monitor, "loss") == 0       ? s.loss
                   : strcmp(t->monitor, "accuracy") == 0 ? s.accuracy
                                                         : s.uar;
    bool better = t->best_epoch == 0 || (t->higher_is_better ? value > t->best : value < t->best);
    t->epoch++;
    double took = base_now_s() - started;
    t->seconds += took;
    base_text_printf(&t->log, "%zu,%.1f,%.6g,%.6f,%.6f,%.6f,%.6f,%.6f\n", t->epoch, t->seconds,
                     t->optimiser.rate, loss, s.loss, s.accuracy, s.uar, s.ece);
    if (better) {
        t->best = value;
        t->best_epoch = t->epoch;
        status = save_weights(t);
    }
    if (status == AFFECT_OK) status = save_checkpoint(t);
    if (status == AFFECT_OK) status = write_at(t, "log.csv", t->log.data, t->log.length);
    if (!t->o->quiet)
        fprintf(stderr,
                "%sepoch %zu/%zu  train %.4f  valid %.4f  accuracy %.2f%%  UAR %.2f%%  ECE %.2f%%  "
                "%.0f s, %.0f min left%s\n",
                isatty(2) ? "\r" : "", t->epoch, t->epochs, loss, s.loss, 100 * s.accuracy,
                100 * s.uar, 100 * s.ece, took, took * (double)(t->epochs - t->epoch) / 60,
                better ? "  *" : "");
    return status;
}

static affect_status prepare_folder(training *t) {
    const char *name = strrchr(t->o->recipe, '/');
    name = name ? name + 1 : t->o->recipe;
    size_t n = strcspn(name, ".");
    base_text path = {0};
    if (t->o->folder)
        base_text_append(&path, t->o->folder);
    else
        base_text_printf(&path, "runs/%.*s", (int)n, name);
    t->folder = base_strdup(path.data);
    base_text_destroy(&path);
    if (!t->folder) return base_fail_memory(t->ctx);
    affect_status status = base_make_folder(t->ctx, t->folder);
    char *checkpoint = base_path_join(t->folder, "checkpoint.safetensors");
    if (!checkpoint) return base_fail_memory(t->ctx);
    base_text_append(&t->log, "epoch,seconds,rate,train_loss,valid_loss,accuracy,uar,ece\n");
    if (status == AFFECT_OK && base_file_exists(checkpoint)) {
        if (t->o->fresh)
            unlink(checkpoint);
        else
            status = load_checkpoint(t, checkpoint);
        if (status == AFFECT_OK && t->epoch && !t->o->quiet)
            fprintf(stderr, "goes on after epoch %zu\n", t->epoch);
    }
    base_free(checkpoint);
    if (status == AFFECT_OK)
        status = write_at(t, "recipe.ini", t->recipe->text, strlen(t->recipe->text));
    return status;
}

affect_status train_run(affect_context *ctx, const train_options *options) {
    training t = {.ctx = ctx, .o = options};
    affect_status status = recipe_open(ctx, options->recipe, &t.recipe);
    if (status == AFFECT_OK) status = build(&t);
    if (status == AFFECT_OK) status = prepare_folder(&t);
    while (status == AFFECT_OK && t.epoch < t.epochs) {
        if (options->stop_after && t.epoch >= options->stop_after) break;
        if (t.patience && t.epoch >= t.best_epoch + t.patience && t.best_epoch) break;
        double loss = 0, started = base_now_s();
        status = run_epoch(&t, &loss);
        if (status == AFFECT_OK) status = after_epoch(&t, loss, started);
    }
    if (status == AFFECT_OK) printf("%s\n", t.folder);
    nn_engine_destroy(t.engine);
    base_pool_destroy(t.pool);
    nn_net_destroy(t.net);
    train_set_destroy(t.train);
    train_set_destroy(t.valid);
    recipe_destroy(t.recipe);
    base_text_destroy(&t.log);
    base_free(t.order);
    base_free(t.logits);
    base_free(t.folder);
    base_free(t.label_text);
    return status;
}
