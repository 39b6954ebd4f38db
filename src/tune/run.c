/* The run: epochs of steps over the training clips, validation, what is kept. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "nn/tape.h"
#include "tune/tune_private.h"

static void read_streams(tuning *t) {
    const char *text = train_recipe_text(t->recipe, "streams", "names", "");
    while (*text) {
        size_t n = strcspn(text, " ");
        bool plain = strspn(text, "abcdefghijklmnopqrstuvwxyz_") >= n;
        if (n && (n >= TUNE_NAME || !plain || t->clips.streams == TUNE_STREAMS)) {
            train_recipe_mistake(t->recipe, "streams", "names",
                                 "up to %d names of up to %d small letters", TUNE_STREAMS,
                                 TUNE_NAME - 1);
            return;
        }
        if (n) snprintf(t->clips.names[t->clips.streams++], TUNE_NAME, "%.*s", (int)n, text);
        text += n + (text[n] != '\0');
    }
}

static void read_schedule(tuning *t) {
    train_recipe *r = t->recipe;
    t->epochs = train_recipe_count(r, "train", "epochs", 10, 1, 100000);
    t->batch = train_recipe_count(r, "train", "batch", 8, 1, 1024);
    t->rate = train_recipe_number(r, "train", "rate", 1e-3, 1e-8, 1);
    t->final_rate = train_recipe_number(r, "train", "final_rate", .1, 0, 1);
    t->warm_up = train_recipe_count(r, "train", "warm_up_steps", 20, 0, 1000000);
    t->patience = train_recipe_count(r, "train", "patience", 3, 0, 100000);
    t->drop = train_recipe_number(r, "train", "drop", .1, 0, .9);
    t->seed = train_recipe_count(r, "train", "seed", 1, 0, SIZE_MAX / 2);
    t->optimiser = (nn_optimiser){.beta1 = .9,
                                  .beta2 = .98,
                                  .epsilon = 1e-8,
                                  .decay = train_recipe_number(r, "train", "decay", .01, 0, 1),
                                  .clip = train_recipe_number(r, "train", "clip", 1, 0, 1e6)};
    /* Read when the card is written. */
    static const char *const card[] = {"name", "licence", "training_data", "source"};
    for (size_t i = 0; i < BASE_COUNT(card); i++) (void)train_recipe_text(r, "card", card[i], "");
    (void)train_recipe_choice(r, "card", "commercial", "no", "yes|no");
}

/* Clips of each part, and that the longest fits. */
static affect_status choose_clips(tuning *t) {
    size_t longest = 0, context = nn_decoder_get_shape(t->network.decoder)->context;
    t->order = base_calloc(t->clips.count + 1, sizeof *t->order);
    t->valid = base_calloc(t->clips.count + 1, sizeof *t->valid);
    t->sums = base_calloc(3 * t->clips.count + 1, sizeof *t->sums);
    if (!t->order || !t->valid || !t->sums) return base_fail_memory(t->ctx);
    for (size_t i = 0; i < t->clips.count; i++) {
        const tune_clip *c = &t->clips.items[i];
        if (c->split == TUNE_TRAIN) t->order[t->order_count++] = (uint32_t)i;
        if (c->split == TUNE_VALID) t->valid[t->valid_count++] = (uint32_t)i;
        longest = BASE_MAX(longest, tune_network_length(&t->network, c));
    }
    if (!t->order_count || !t->valid_count)
        return base_fail(t->ctx, AFFECT_ERROR_FORMAT,
                         "%s: %zu clips train and %zu validate (\"split\"): at least one of each",
                         t->o->data, t->order_count, t->valid_count);
    if (longest > context)
        return base_fail(t->ctx, AFFECT_ERROR_LIMIT,
                         "%s: a clip of %zu tokens is over the %zu that the model knows",
                         t->o->data, longest, context);
    t->batch = BASE_MIN(t->batch, t->order_count);
    return AFFECT_OK;
}

static affect_status build(tuning *t) {
    affect_status status = train_recipe_open(t->ctx, t->o->recipe, &t->recipe);
    if (status) return status;
    read_streams(t);
    read_schedule(t);
    tune_network_configure(&t->network, t->recipe);
    status = train_recipe_finish(t->recipe);
    if (status) return status;
    status = tune_network_open(t->ctx, t->o->base, &t->network);
    if (status) return status;
    double end = -1;
    t->clips.ctx = t->ctx;
    t->clips.vocabulary = nn_decoder_get_shape(t->network.decoder)->vocabulary;
    if (!nn_gguf_number(t->network.file, "tokenizer.ggml.eos_token_id", &end) || end < 0 ||
        end >= (double)t->clips.vocabulary)
        return base_fail(t->ctx, AFFECT_ERROR_MODEL, "%s: it does not say what ends an answer",
                         t->o->base);
    t->clips.end = (int32_t)end;
    status = tune_clips_read(&t->clips, t->o);
    if (!status) status = tune_network_build(&t->network, &t->clips, t->seed);
    if (!status) status = choose_clips(t);
    if (!status) status = tune_sum_of(t->ctx, t->o->base, t->base_sum);
    if (!status) status = tune_sum_of(t->ctx, t->o->data, t->data_sum);
    int threads = BASE_MAX(t->o->threads, 1);
    if (!status && threads > 1) status = base_pool_create(t->ctx, threads, &t->pool);
    if (!status) status = nn_engine_create(t->ctx, t->network.params, t->pool, threads, &t->engine);
    return status;
}

/* ---- steps ---- */

static nn_tensor *train_shard(void *user, nn_tape *tape, size_t shard) {
    tuning *t = user;
    const tune_clip *c = &t->clips.items[t->order[t->at + shard]];
    unsigned left_out = 0;
    for (size_t s = 0; s < t->network.streams; s++) {
        uint32_t drawn = nn_hash64(t->step_seed, shard * TUNE_STREAMS + s);
        if ((double)drawn < t->drop * 4294967296.) left_out |= 1U << s;
    }
    int32_t *target;
    nn_tensor *x = tune_network_hidden(&t->network, tape, c, left_out, &target);
    return nn_decoder_loss(t->network.decoder, tape, x, target, t->scale);
}

static void shuffle(tuning *t) {
    size_t n = 0;
    for (size_t i = 0; i < t->clips.count; i++)
        if (t->clips.items[i].split == TUNE_TRAIN) t->order[n++] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = nn_hash64(t->seed * 7919 + t->epoch, i) % i;
        uint32_t keep = t->order[i - 1];
        t->order[i - 1] = t->order[j];
        t->order[j] = keep;
    }
}

static void show(const tuning *t, double share, double loss, double started) {
    if (!t->o->progress) return;
    double spent = base_now_s() - started;
    train_progress now = {t->epoch + 1, t->epochs, share, loss, 0};
    now.left_s = spent / share * (1 - share + (double)(t->epochs - t->epoch - 1));
    t->o->progress(t->o->user, &now);
}

static affect_status run_epoch(tuning *t, double *mean_loss) {
    shuffle(t);
    size_t steps = t->order_count / t->batch;
    double sum = 0, started = base_now_s();
    for (size_t i = 0; i < steps; i++) {
        if (affect_context_cancelled(t->ctx))
            return base_fail(t->ctx, AFFECT_ERROR_CANCELLED,
                             "interrupted; the same command goes on after epoch %zu", t->epoch);
        uint64_t step = nn_engine_get_state(t->engine)->step;
        size_t answer = 0;
        t->at = i * t->batch;
        for (size_t k = 0; k < t->batch; k++) {
            const tune_clip *c = &t->clips.items[t->order[t->at + k]];
            answer += c->count - c->answer;
        }
        t->scale = 1 / (double)answer;
        t->step_seed = t->seed * 31 + step;
        t->optimiser.rate =
            nn_cosine(t->rate, t->final_rate, step, t->warm_up, (uint64_t)steps * t->epochs);
        double loss;
        affect_status status =
            nn_engine_step(t->engine, t->batch, train_shard, t, t->step_seed, &t->optimiser, &loss);
        if (status) return status;
        sum += loss;
        show(t, (double)(i + 1) / (double)steps, sum / (double)(i + 1), started);
    }
    *mean_loss = sum / (double)steps;
    return AFFECT_OK;
}

/* ---- validation ---- */

static void judge(const float *logits, size_t n, int32_t target, double *loss, bool *right) {
    double sum = 0;
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    const double top = (double)logits[best];
    for (size_t i = 0; i < n; i++) sum += exp((double)logits[i] - top);
    *loss += top + log(sum) - (double)logits[target];
    *right = *right && best == (size_t)target;
}

static nn_tensor *judge_clip(void *user, nn_tape *tape, size_t shard) {
    tuning *t = user;
    const tune_clip *c = &t->clips.items[t->valid[shard]];
    int32_t *target, *index;
    size_t n = 0, vocabulary = t->clips.vocabulary;
    nn_tensor *x = tune_network_hidden(&t->network, tape, c, 0, &target);
    if (!x) return NULL;
    index = nn_tape_bytes_alloc(tape, x->shape.d[1] * sizeof *index);
    if (!index) return NULL;
    for (size_t i = 0; i < x->shape.d[1]; i++)
        if (target[i] >= 0) index[n++] = (int32_t)i;
    nn_tensor *y = nn_decoder_logits(t->network.decoder, tape, nn_rows(tape, x, index, n));
    if (!y) return NULL;
    double loss = 0;
    bool right = true;
    for (size_t i = 0; i < n; i++)
        judge(y->data + i * vocabulary, vocabulary, target[index[i]], &loss, &right);
    t->sums[3 * shard] = loss;
    t->sums[3 * shard + 1] = (double)n;
    t->sums[3 * shard + 2] = right;
    return y;
}

/* Loss a token, and the share of clips whose whole answer would be said word by word. */
static affect_status validate(tuning *t, double *loss, double *exact) {
    nn_engine_thaw(t->engine);
    affect_status status = nn_engine_map(t->engine, t->valid_count, judge_clip, t);
    double sum = 0, tokens = 0, right = 0;
    for (size_t i = 0; i < t->valid_count; i++) {
        sum += t->sums[3 * i];
        tokens += t->sums[3 * i + 1];
        right += t->sums[3 * i + 2];
    }
    *loss = sum / tokens;
    *exact = right / (double)t->valid_count;
    return status;
}

static affect_status after_epoch(tuning *t, double train_loss, double started) {
    double loss = 0, exact = 0;
    affect_status status = validate(t, &loss, &exact);
    if (status) return status;
    t->epoch++;
    t->seconds += base_now_s() - started;
    bool better = !t->best_epoch || loss < t->best;
    base_text_printf(&t->log, "%zu,%.1f,%.6g,%.6f,%.6f,%.6f\n", t->epoch, t->seconds,
                     t->optimiser.rate, train_loss, loss, exact);
    if (better) {
        t->best = loss;
        t->best_exact = exact;
        t->best_epoch = t->epoch;
        status = tune_save_model(t);
    }
    base_text svg = {0};
    train_curves_svg(t->log.data, "exact", &svg);
    if (!status) status = svg.failed || t->log.failed ? base_fail_memory(t->ctx) : AFFECT_OK;
    if (!status) status = tune_write_at(t, "log.csv", t->log.data, t->log.length);
    if (!status) status = tune_write_at(t, "curves.svg", svg.data, svg.length);
    base_text_destroy(&svg);
    if (!status) status = tune_save_checkpoint(t); /* last: what it says is there */
    base_log(t->ctx, AFFECT_LOG_INFO,
             "epoch %zu/%zu  loss %.4f  validation %.4f  whole answers %.3f%s", t->epoch, t->epochs,
             train_loss, loss, exact, better ? "  best" : "");
    return status;
}

static affect_status prepare_folder(tuning *t) {
    affect_status status = base_make_folder(t->ctx, t->o->folder);
    char *path = base_path_join(t->o->folder, "checkpoint.safetensors");
    if (!path) return base_fail_memory(t->ctx);
    base_text_append(&t->log, "epoch,seconds,rate,train_loss,valid_loss,exact\n");
    if (!status && base_file_exists(path)) {
        if (t->o->fresh)
            unlink(path);
        else
            status = tune_load_checkpoint(t, path);
        if (!status && t->epoch)
            base_log(t->ctx, AFFECT_LOG_INFO, "goes on after epoch %zu", t->epoch);
    }
    base_free(path);
    if (!status) status = tune_write_at(t, "recipe.ini", t->recipe->text, strlen(t->recipe->text));
    return status;
}

affect_status tune_run(affect_context *ctx, const tune_options *options) {
    BASE_NEED(ctx, options && options->recipe && options->base && options->data && options->folder);
    tuning t = {.ctx = ctx, .o = options};
    affect_status status = build(&t);
    if (!status) status = prepare_folder(&t);
    while (!status && t.epoch < t.epochs) {
        if (options->stop_after && t.epoch >= options->stop_after) break;
        if (t.patience && t.best_epoch && t.epoch >= t.best_epoch + t.patience) break;
        double loss = 0, started = base_now_s();
        status = run_epoch(&t, &loss);
        if (!status) status = after_epoch(&t, loss, started);
    }
    nn_engine_destroy(t.engine);
    base_pool_destroy(t.pool);
    tune_network_close(&t.network);
    tune_clips_clear(&t.clips);
    train_recipe_destroy(t.recipe);
    base_text_destroy(&t.log);
    base_free(t.order);
    base_free(t.valid);
    base_free(t.sums);
    return status;
}
