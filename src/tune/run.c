/* A model that is there learns from clips: the steps over the training clips, validation. */
#include <math.h>
#include <string.h>

#include "nn/tape.h"
#include "tune/tune_private.h"

static void read_streams(tuning *t) {
    const char *text = train_recipe_text(t->loop.recipe, "streams", "names", "");
    while (*text) {
        size_t n = strcspn(text, " ");
        bool plain = strspn(text, "abcdefghijklmnopqrstuvwxyz_") >= n;
        if (n && (n >= TUNE_NAME || !plain || t->clips.streams == TUNE_STREAMS)) {
            train_recipe_mistake(t->loop.recipe, "streams", "names",
                                 "up to %d names of up to %d small letters", TUNE_STREAMS,
                                 TUNE_NAME - 1);
            return;
        }
        if (n) snprintf(t->clips.names[t->clips.streams++], TUNE_NAME, "%.*s", (int)n, text);
        text += n + (text[n] != '\0');
    }
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
    t->loop.batch = BASE_MIN(t->loop.batch, t->order_count);
    t->loop.steps = t->order_count / t->loop.batch;
    return AFFECT_OK;
}

/* Texts by the base's own vocabulary, where that is of the kind that is read here. */
static affect_status read_text(void *user, const char *text, bool begin, int32_t **tokens,
                               size_t *count, size_t *capacity) {
    const tuning *t = user;
    return nn_vocabulary_read(t->ctx, t->vocabulary, text, strlen(text), begin, tokens, count,
                              capacity);
}

static affect_status read_clips(tuning *t) {
    tune_options o = *t->o;
    double end = -1;
    t->clips.ctx = t->ctx;
    t->clips.vocabulary = nn_decoder_get_shape(t->network.decoder)->vocabulary;
    if (!nn_gguf_number(t->network.file, "tokenizer.ggml.eos_token_id", &end) || end < 0 ||
        end >= (double)t->clips.vocabulary)
        return base_fail(t->ctx, AFFECT_ERROR_MODEL, "%s: it does not say what ends an answer",
                         o.base);
    t->clips.end = (int32_t)end;
    if (nn_vocabulary_known(t->network.file)) {
        affect_status status = nn_vocabulary_create(t->ctx, t->network.file, &t->vocabulary);
        if (status) return tune_network_fail(t->ctx, o.base, status);
        o.tokenise = read_text;
        o.tokenise_user = t;
    }
    return tune_clips_read(&t->clips, &o);
}

static affect_status build(tuning *t) {
    train_recipe *recipe;
    affect_status status = train_recipe_open(t->ctx, t->o->recipe, &recipe);
    if (status) return status;
    tune_loop_configure(&t->loop, recipe, 1e-3, 3);
    read_streams(t);
    t->drop = train_recipe_number(recipe, "train", "drop", .1, 0, .9);
    t->noise = train_recipe_number(recipe, "train", "noise", 0, 0, 10);
    tune_network_configure(&t->network, recipe);
    status = train_recipe_finish(recipe);
    if (!status) status = tune_network_open(t->ctx, t->o->base, &t->network);
    if (!status) status = read_clips(t);
    if (!status) status = tune_network_build(&t->network, &t->clips, t->loop.seed);
    if (!status) status = choose_clips(t);
    if (!status && t->network.ridge) status = tune_network_fit(&t->network, &t->clips);
    if (!status) status = tune_sum_of(t->ctx, t->o->base, t->loop.base_sum);
    if (!status) status = tune_sum_of(t->ctx, t->o->data, t->loop.data_sum);
    return status;
}

/* ---- steps ---- */

/* The clip with another value of each feature, the same in all rows: deviations of a normal distribution. What
 * is learned of it is what a penalty would leave (Bishop 1995). */
static bool disturb(const tuning *t, nn_tape *tape, size_t shard, tune_clip *c) {
    for (size_t s = 0; s < t->network.streams; s++) {
        size_t f = t->clips.features[s], n = c->steps[s] * f;
        nn_real *rows = n ? nn_tape_alloc(tape, n) : NULL;
        if (n && !rows) return false;
        for (size_t j = 0; j < n; j++) {
            double by = nn_normal(t->loop.step_seed + s, shard * f + j % f);
            rows[j] = c->rows[s][j] + (nn_real)(t->noise * by);
        }
        c->rows[s] = rows;
    }
    return true;
}

static nn_tensor *train_shard(void *user, nn_tape *tape, size_t shard) {
    tuning *t = user;
    tune_clip c = t->clips.items[t->order[t->at + shard]];
    unsigned left_out = 0;
    for (size_t s = 0; s < t->network.streams; s++) {
        uint32_t drawn = nn_hash64(t->loop.step_seed, shard * TUNE_STREAMS + s);
        if ((double)drawn < t->drop * 4294967296.) left_out |= 1U << s;
    }
    int32_t *target;
    if (t->noise > 0 && !disturb(t, tape, shard, &c)) return NULL;
    nn_tensor *x = tune_network_hidden(&t->network, tape, &c, left_out, &target);
    return nn_decoder_loss(t->network.decoder, tape, x, target, t->scale);
}

static void shuffle(void *user) {
    tuning *t = user;
    size_t n = 0;
    for (size_t i = 0; i < t->clips.count; i++)
        if (t->clips.items[i].split == TUNE_TRAIN) t->order[n++] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = nn_hash64(t->loop.seed * 7919 + t->loop.epoch, i) % i;
        uint32_t keep = t->order[i - 1];
        t->order[i - 1] = t->order[j];
        t->order[j] = keep;
    }
}

static size_t begin_step(void *user, size_t i) {
    tuning *t = user;
    size_t answer = 0;
    t->at = i * t->loop.batch;
    for (size_t k = 0; k < t->loop.batch; k++) {
        const tune_clip *c = &t->clips.items[t->order[t->at + k]];
        answer += c->count - c->answer;
    }
    t->scale = 1 / (double)answer;
    return t->loop.batch;
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
static affect_status validate(void *user, double *loss, double *exact) {
    tuning *t = user;
    affect_status status = nn_engine_map(t->loop.engine, t->valid_count, judge_clip, t);
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

static affect_status save(void *user) { return tune_save_model(user); }

affect_status tune_run(affect_context *ctx, const tune_options *options) {
    BASE_NEED(ctx, options && options->recipe && options->base && options->data && options->folder);
    tuning t = {.ctx = ctx, .o = options};
    t.loop = (tune_loop){.ctx = ctx,
                         .folder = options->folder,
                         .fresh = options->fresh,
                         .stop_after = options->stop_after,
                         .progress = options->progress,
                         .progress_user = options->user,
                         .second = "exact",
                         .shuffle = shuffle,
                         .begin = begin_step,
                         .build = train_shard,
                         .validate = validate,
                         .save = save,
                         .user = &t};
    affect_status status = build(&t);
    if (!status) status = tune_loop_run(&t.loop, t.network.params, options->threads);
    tune_loop_end(&t.loop);
    tune_network_close(&t.network);
    tune_clips_clear(&t.clips);
    nn_vocabulary_destroy(t.vocabulary);
    base_free(t.order);
    base_free(t.valid);
    base_free(t.sums);
    return status;
}
