/* What a training of this room does besides its steps: epochs, early stop, log and curves, the checkpoint from which a
 * killed run goes on with the same bytes. */
#include <math.h>
#include <nettle/sha2.h>
#include <string.h>
#include <unistd.h>

#include "nn/safetensors.h"
#include "tune/tune_private.h"

void tune_loop_configure(tune_loop *l, train_recipe *r, double rate, size_t patience) {
    l->recipe = r;
    l->epochs = train_recipe_count(r, "train", "epochs", 10, 1, 100000);
    l->batch = train_recipe_count(r, "train", "batch", 8, 1, 1024);
    l->rate = train_recipe_number(r, "train", "rate", rate, 1e-8, 1);
    l->final_rate = train_recipe_number(r, "train", "final_rate", .1, 0, 1);
    l->warm_up = train_recipe_count(r, "train", "warm_up_steps", 20, 0, 1000000);
    l->patience = train_recipe_count(r, "train", "patience", patience, 0, 100000);
    l->seed = train_recipe_count(r, "train", "seed", 1, 0, SIZE_MAX / 2);
    l->optimiser = (nn_optimiser){.beta1 = .9,
                                  .beta2 = .98,
                                  .epsilon = 1e-8,
                                  .decay = train_recipe_number(r, "train", "decay", .01, 0, 1),
                                  .clip = train_recipe_number(r, "train", "clip", 1, 0, 1e6)};
    /* Read when the card is written. */
    static const char *const card[] = {"name", "licence", "training_data", "source"};
    for (size_t i = 0; i < BASE_COUNT(card); i++) (void)train_recipe_text(r, "card", card[i], "");
    (void)train_recipe_choice(r, "card", "commercial", "no", "yes|no");
}

affect_status tune_write_at(const tune_loop *l, const char *name, const void *data, size_t length) {
    char *path = base_path_join(l->folder, name);
    if (!path) return base_fail_memory(l->ctx);
    affect_status status = base_write_file(l->ctx, path, data, length);
    base_free(path);
    return status;
}

affect_status tune_sum_of(affect_context *ctx, const char *path, char out[65]) {
    enum { PIECE = 1 << 16 };
    int descriptor = base_open_regular(path);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "rb");
    unsigned char *piece = base_alloc(PIECE);
    struct sha256_ctx sum;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&sum);
    affect_status status = piece ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t n = 1; !status && file && n;) {
        n = fread(piece, 1, PIECE, file);
        sha256_update(&sum, n, piece);
        if (affect_context_cancelled(ctx))
            status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    }
    if (!status && (!file || ferror(file)))
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    sha256_digest(&sum, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
    base_free(piece);
    if (file)
        fclose(file);
    else if (descriptor >= 0)
        close(descriptor);
    return status;
}

/* ---- the checkpoint ---- */

static affect_status save_checkpoint(tune_loop *l) {
    const nn_engine_state *state = nn_engine_get_state(l->engine);
    nn_writer *w = NULL;
    char *path = base_path_join(l->folder, "checkpoint.safetensors"), text[64];
    affect_status status = path ? nn_writer_create(l->ctx, path, &w) : base_fail_memory(l->ctx);
    base_free(path);
    if (status) return status;
    nn_params_write(w, l->params, "value.", NULL, NN_F32, 0);
    if (state->m) nn_params_write(w, l->params, "m.", state->m, NN_F32, 0);
    if (state->v) nn_params_write(w, l->params, "v.", state->v, NN_F32, 0);
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"epoch", (double)l->epoch},
                   {"step", (double)state->step},
                   {"best", l->best},
                   {"best_second", l->best_second},
                   {"best_epoch", (double)l->best_epoch},
                   {"seconds", l->seconds}};
    for (size_t i = 0; i < BASE_COUNT(numbers); i++) {
        snprintf(text, sizeof text, "%.17g", numbers[i].value);
        nn_writer_metadata(w, numbers[i].key, text);
    }
    nn_writer_metadata(w, "recipe", l->recipe->text);
    nn_writer_metadata(w, "base", l->base_sum);
    nn_writer_metadata(w, "data", l->data_sum);
    nn_writer_metadata(w, "log", l->log.data ? l->log.data : "");
    return nn_writer_commit(l->ctx, w);
}

static double number_of(const nn_file *f, const char *key) {
    const char *text = nn_file_metadata(f, key);
    double value = 0;
    if (text) (void)base_parse_double(text, strlen(text), &value);
    return value;
}

static bool same(const nn_file *f, const char *key, const char *value) {
    const char *text = nn_file_metadata(f, key);
    return text && strcmp(text, value) == 0;
}

static affect_status load_vector(const tune_loop *l, const nn_file *f, const char *prefix,
                                 float **out) {
    const nn_params *p = l->params;
    if (!*out) *out = base_alloc_aligned(64, p->size * sizeof(float));
    if (!*out) return base_fail_memory(l->ctx);
    memset(*out, 0, p->size * sizeof(float));
    return nn_params_read(l->ctx, f, p, prefix, *out);
}

static affect_status load_checkpoint(tune_loop *l, const char *path) {
    nn_file *f = NULL;
    affect_status status = nn_file_open(l->ctx, path, &f);
    if (status) return status;
    nn_engine_state *state = nn_engine_get_state(l->engine);
    const char *log = nn_file_metadata(f, "log");
    if (!log || !same(f, "recipe", l->recipe->text) || !same(f, "base", l->base_sum) ||
        !same(f, "data", l->data_sum))
        status = base_fail(l->ctx, AFFECT_ERROR_EXISTS,
                           "%s was made with another recipe, base or data: give --fresh to throw "
                           "that run away, or another folder",
                           l->folder);
    if (!status) status = nn_params_read(l->ctx, f, l->params, "value.", l->params->value);
    if (!status) status = load_vector(l, f, "m.", &state->m);
    if (!status) status = load_vector(l, f, "v.", &state->v);
    if (!status) {
        state->step = (uint64_t)number_of(f, "step");
        l->epoch = (size_t)number_of(f, "epoch");
        l->best = number_of(f, "best");
        l->best_second = number_of(f, "best_second");
        l->best_epoch = (size_t)number_of(f, "best_epoch");
        l->seconds = number_of(f, "seconds");
        base_text_clear(&l->log);
        base_text_append(&l->log, log);
    }
    nn_file_close(f);
    return status;
}

/* ---- epochs ---- */

static size_t begin_step(void *user, size_t i, uint64_t step, uint64_t *seed) {
    tune_loop *l = user;
    l->step_seed = *seed = l->seed * 31 + step;
    l->optimiser.rate =
        nn_cosine(l->rate, l->final_rate, step, l->warm_up, (uint64_t)l->steps * l->epochs);
    return l->begin(l->user, i);
}

static nn_tensor *build_shard(void *user, nn_tape *tape, size_t shard) {
    const tune_loop *l = user;
    return l->build(l->user, tape, shard);
}

static affect_status run_epoch(tune_loop *l, double *loss) {
    l->shuffle(l->user);
    const train_epoch e = {.ctx = l->ctx,
                           .engine = l->engine,
                           .optimiser = &l->optimiser,
                           .epoch = l->epoch,
                           .epochs = l->epochs,
                           .steps = l->steps,
                           .begin = begin_step,
                           .build = build_shard,
                           .user = l,
                           .progress = l->progress,
                           .progress_user = l->progress_user};
    return train_epoch_run(&e, loss);
}

static affect_status after_epoch(tune_loop *l, double train_loss, double started) {
    double loss = 0, second = 0;
    nn_engine_thaw(l->engine);
    affect_status status = l->validate(l->user, &loss, &second);
    if (status) return status;
    l->epoch++;
    l->seconds += base_now_s() - started;
    bool better = !l->best_epoch || loss < l->best;
    base_text_printf(&l->log, "%zu,%.1f,%.6g,%.6f,%.6f,%.6f\n", l->epoch, l->seconds,
                     l->optimiser.rate, train_loss, loss, second);
    if (better) {
        l->best = loss;
        l->best_second = second;
        l->best_epoch = l->epoch;
        status = l->save(l->user);
    }
    base_text svg = {0};
    train_curves_svg(l->log.data, l->second, &svg);
    if (!status) status = svg.failed || l->log.failed ? base_fail_memory(l->ctx) : AFFECT_OK;
    if (!status) status = tune_write_at(l, "log.csv", l->log.data, l->log.length);
    if (!status) status = tune_write_at(l, "curves.svg", svg.data, svg.length);
    base_text_destroy(&svg);
    if (!status) status = save_checkpoint(l); /* last: what it says is there */
    base_log(l->ctx, AFFECT_LOG_INFO, "epoch %zu/%zu  loss %.4f  validation %.4f  %s %.3f%s",
             l->epoch, l->epochs, train_loss, loss, l->second, second, better ? "  best" : "");
    return status;
}

static affect_status prepare_folder(tune_loop *l) {
    affect_status status = base_make_folder(l->ctx, l->folder);
    char *path = base_path_join(l->folder, "checkpoint.safetensors");
    if (!path) return base_fail_memory(l->ctx);
    base_text_printf(&l->log, "epoch,seconds,rate,train_loss,valid_loss,%s\n", l->second);
    if (!status && base_file_exists(path)) {
        if (l->fresh)
            unlink(path);
        else
            status = load_checkpoint(l, path);
        if (!status && l->epoch)
            base_log(l->ctx, AFFECT_LOG_INFO, "goes on after epoch %zu", l->epoch);
    }
    base_free(path);
    if (!status) status = tune_write_at(l, "recipe.ini", l->recipe->text, strlen(l->recipe->text));
    return status;
}

affect_status tune_loop_run(tune_loop *l, nn_params *params, int threads) {
    affect_status status = AFFECT_OK;
    l->params = params;
    if (threads > 1) status = base_pool_create(l->ctx, threads, &l->pool);
    if (!status)
        status = nn_engine_create(l->ctx, params, l->pool, BASE_MAX(threads, 1), &l->engine);
    if (!status) status = prepare_folder(l);
    while (!status && l->epoch < l->epochs) {
        if (l->stop_after && l->epoch >= l->stop_after) break;
        if (l->patience && l->best_epoch && l->epoch >= l->best_epoch + l->patience) break;
        double loss = 0, started = base_now_s();
        status = run_epoch(l, &loss);
        if (!status) status = after_epoch(l, loss, started);
    }
    return status;
}

void tune_loop_end(tune_loop *l) {
    nn_engine_destroy(l->engine);
    base_pool_destroy(l->pool);
    train_recipe_destroy(l->recipe);
    base_text_destroy(&l->log);
    *l = (tune_loop){0};
}
