/* A language model from nothing: vocabulary and weights from texts of data sets, each followed by the token that ends a text. Its
 * architecture is Qwen2's (Yang et al. 2024), so that llama.cpp, and `affect tune --base`, read what comes out. */
#include <math.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "nn/tape.h"
#include "tune/tune_private.h"

typedef struct texts {
    affect_context *ctx;
    char **items;
    size_t count, capacity, bytes;
} texts;

typedef struct stream { /* tokens of many texts */
    int32_t *tokens;
    size_t count, capacity;
} stream;

typedef struct language {
    affect_context *ctx;
    tune_loop loop;
    nn_decoder_shape shape;
    size_t vocabulary_size, window, shard; /* tokens a window; windows a shard */
    texts train_texts, valid_texts;
    stream train, valid;
    nn_vocabulary *vocabulary;
    int32_t (*merges)[2];
    size_t merge_count;
    nn_params *params;
    nn_decoder *decoder;
    uint32_t *order; /* windows of this epoch */
    size_t windows, valid_windows, offset, at;
    double *sums; /* of each validation shard: loss, tokens */
} language;

/* ---- texts ---- */

static affect_status keep_text(void *user, const datasets_sample *sample) {
    texts *t = user;
    if (!sample->text || !*sample->text) return AFFECT_OK;
    char *copy = base_utf8_clean(sample->text, strlen(sample->text));
    if (!copy || !base_grow((void **)&t->items, &t->capacity, t->count + 1, sizeof *t->items)) {
        base_free(copy);
        return base_fail_memory(t->ctx);
    }
    t->bytes += strlen(copy);
    t->items[t->count++] = copy;
    return AFFECT_OK;
}

/* The labels are not asked for, but the sets' readers want to know those that a set may have. */
static affect_status read_texts(affect_context *ctx, const char *sources, const char *only,
                                texts *out) {
    static const char *const labels[] = {"admiration",
                                         "amusement",
                                         "anger",
                                         "annoyance",
                                         "approval",
                                         "caring",
                                         "confusion",
                                         "curiosity",
                                         "desire",
                                         "disappointment",
                                         "disapproval",
                                         "disgust",
                                         "embarrassment",
                                         "excitement",
                                         "fear",
                                         "gratitude",
                                         "grief",
                                         "joy",
                                         "love",
                                         "nervousness",
                                         "optimism",
                                         "pride",
                                         "realization",
                                         "relief",
                                         "remorse",
                                         "sadness",
                                         "surprise",
                                         "neutral",
                                         "guilt",
                                         "love_including_like",
                                         "negative_anticipation_including_pessimism",
                                         "negative_surprise",
                                         "positive_anticipation_including_optimism",
                                         "positive_surprise",
                                         "shame",
                                         "trust",
                                         "valence",
                                         "arousal",
                                         "dominance"};
    const datasets_request request = {.kind = DATASETS_TEXT,
                                      .labels = labels,
                                      .classes = BASE_COUNT(labels) - 3,
                                      .values = 3,
                                      .several = true,
                                      .only = only};
    char *copy = base_strdup(sources);
    affect_status status = copy ? AFFECT_OK : base_fail_memory(ctx);
    out->ctx = ctx;
    for (char *rest = copy, *path; !status && rest && (path = strsep(&rest, " \t"));) {
        const char *paths[] = {path};
        if (*path) status = datasets_read(ctx, &request, paths, 1, keep_text, out);
    }
    base_free(copy);
    if (!status && !out->count)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: there is no text of '%s'", sources, only);
    return status;
}

static void clear_texts(texts *t) {
    for (size_t i = 0; i < t->count; i++) base_free(t->items[i]);
    base_free(t->items);
    *t = (texts){0};
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is held out is not learned from: texts that stand in both are taken out of the training. */
static affect_status take_out_common(texts *train, const texts *valid) {
    char **sorted = base_calloc(valid->count, sizeof *sorted);
    if (!sorted) return base_fail_memory(train->ctx);
    memcpy(sorted, valid->items, valid->count * sizeof *sorted);
    qsort(sorted, valid->count, sizeof *sorted, compare_texts);
    size_t n = 0;
    for (size_t i = 0; i < train->count; i++) {
        char *text = train->items[i];
        if (bsearch(&text, sorted, valid->count, sizeof *sorted, compare_texts)) {
            train->bytes -= strlen(text);
            base_free(text);
        } else {
            train->items[n++] = text;
        }
    }
    train->count = n;
    base_free(sorted);
    return AFFECT_OK;
}

static void sum_texts(const texts *a, const texts *b, char out[65]) {
    struct sha256_ctx sum;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&sum);
    for (size_t i = 0; i < a->count; i++)
        sha256_update(&sum, strlen(a->items[i]) + 1, (const uint8_t *)a->items[i]);
    for (size_t i = 0; i < b->count; i++)
        sha256_update(&sum, strlen(b->items[i]) + 1, (const uint8_t *)b->items[i]);
    sha256_digest(&sum, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static affect_status to_tokens(const language *l, const texts *from, stream *to) {
    affect_status status = AFFECT_OK;
    int32_t end = nn_vocabulary_mark(l->vocabulary, "<|endoftext|>");
    for (size_t i = 0; !status && i < from->count; i++) {
        status = nn_vocabulary_read(l->ctx, l->vocabulary, from->items[i], strlen(from->items[i]),
                                    false, &to->tokens, &to->count, &to->capacity);
        if (!status &&
            !base_grow((void **)&to->tokens, &to->capacity, to->count + 1, sizeof *to->tokens))
            status = base_fail_memory(l->ctx);
        if (!status) to->tokens[to->count++] = end;
    }
    return status;
}

/* ---- from the recipe ---- */

static affect_status configure(language *l, const char *path) {
    train_recipe *r;
    affect_status status = train_recipe_open(l->ctx, path, &r);
    if (status) return status;
    tune_loop_configure(&l->loop, r, 2e-3, 0);
    (void)train_recipe_choice(r, "data", "kind", NULL, "language");
    const char *train = train_recipe_text(r, "data", "train", NULL),
               *valid = train_recipe_text(r, "data", "valid", NULL);
    l->vocabulary_size = train_recipe_count(r, "data", "vocabulary", 4096, 300, 1 << 17);
    nn_decoder_shape *s = &l->shape;
    *s = (nn_decoder_shape){.architecture = "qwen2",
                            .layers = train_recipe_count(r, "model", "layers", 4, 1, 128),
                            .width = train_recipe_count(r, "model", "width", 192, 2, 1 << 13),
                            .hidden = train_recipe_count(r, "model", "hidden", 512, 1, 1 << 15),
                            .heads = train_recipe_count(r, "model", "heads", 6, 1, 128),
                            .kv_heads = train_recipe_count(r, "model", "kv_heads", 2, 1, 128),
                            .context = train_recipe_count(r, "model", "context", 1024, 2, 1 << 20),
                            .epsilon = 1e-6,
                            .base = 10000,
                            .stretch = 1,
                            .halves = true,
                            .tied = true};
    l->window = train_recipe_count(r, "train", "window", 128, 2, s->context);
    l->shard = train_recipe_count(r, "train", "shard", 4, 1, 1024);
    l->loop.steps = train_recipe_count(r, "train", "steps", 0, 0, 1000000);
    if (s->width % s->heads || s->width / s->heads % 2)
        train_recipe_mistake(r, "model", "heads", "width = %zu in that many even parts", s->width);
    if (s->heads % s->kv_heads)
        train_recipe_mistake(r, "model", "kv_heads", "a divisor of heads = %zu", s->heads);
    if (l->loop.batch % l->shard)
        train_recipe_mistake(r, "train", "shard", "a divisor of batch = %zu", l->loop.batch);
    status = train_recipe_finish(r);
    s->head_width = s->rotated = status ? 0 : s->width / s->heads;
    if (!status) status = read_texts(l->ctx, train, "split train", &l->train_texts);
    if (!status) status = read_texts(l->ctx, valid, "split dev,valid", &l->valid_texts);
    return status;
}

static affect_status build(language *l, const char *path) {
    affect_status status = configure(l, path);
    if (!status) status = take_out_common(&l->train_texts, &l->valid_texts);
    if (status) return status;
    sum_texts(&l->train_texts, &l->valid_texts, l->loop.data_sum);
    status = tune_vocabulary_learn(l->ctx, (const char *const *)l->train_texts.items,
                                   l->train_texts.count, l->vocabulary_size, &l->merges,
                                   &l->merge_count, &l->vocabulary);
    if (!status) status = to_tokens(l, &l->train_texts, &l->train);
    if (!status) status = to_tokens(l, &l->valid_texts, &l->valid);
    if (!status) status = nn_params_create(l->ctx, l->loop.seed, &l->params);
    if (status) return status;
    l->shape.vocabulary = nn_vocabulary_size(l->vocabulary);
    status = nn_decoder_new(l->ctx, &l->shape, l->params, &l->decoder);
    if (status) return status;
    /* a window wants the token behind it; each epoch begins elsewhere within the first one */
    l->windows = l->train.count > 2 * l->window ? (l->train.count - 1 - l->window) / l->window : 0;
    l->valid_windows = (l->valid.count - 1 + l->window - 1) / l->window;
    size_t most = l->windows / l->loop.batch;
    l->loop.steps = l->loop.steps ? BASE_MIN(l->loop.steps, most) : most;
    if (!most)
        return base_fail(l->ctx, AFFECT_ERROR_FORMAT,
                         "%zu tokens are too few for a batch of %zu windows of %zu", l->train.count,
                         l->loop.batch, l->window);
    l->order = base_calloc(l->windows, sizeof *l->order);
    l->sums = base_calloc(2 * l->valid_windows, sizeof *l->sums);
    if (!l->order || !l->sums) return base_fail_memory(l->ctx);
    base_log(l->ctx, AFFECT_LOG_INFO,
             "%zu texts of %zu tokens, %zu held out of %zu; %zu tokens are known; %zu parameters",
             l->train_texts.count, l->train.count, l->valid_texts.count, l->valid.count,
             l->shape.vocabulary, l->params->size);
    return AFFECT_OK;
}

/* ---- steps ---- */

static void shuffle(void *user) {
    language *l = user;
    uint64_t seed = l->loop.seed * 7919 + l->loop.epoch;
    l->offset = nn_hash64(seed, 0) % l->window;
    for (size_t i = 0; i < l->windows; i++) l->order[i] = (uint32_t)i;
    for (size_t i = l->windows; i > 1; i--) {
        size_t j = nn_hash64(seed, i) % i;
        uint32_t keep = l->order[i - 1];
        l->order[i - 1] = l->order[j];
        l->order[j] = keep;
    }
}

static size_t begin_step(void *user, size_t i) {
    language *l = user;
    l->at = i * l->loop.batch;
    return l->loop.batch / l->shard;
}

/* Loss of `n` windows of t steps each, side by side. */
static nn_tensor *loss_of(const language *l, nn_tape *tape, const int32_t *tokens,
                          const int32_t *target, size_t n, double scale) {
    nn_tensor *x = nn_decoder_embed(l->decoder, tape, tokens, NN_SHAPE(n, l->window), NULL);
    return nn_decoder_loss(l->decoder, tape, nn_decoder_hidden(l->decoder, tape, NULL, x, false),
                           target, scale);
}

static nn_tensor *train_shard(void *user, nn_tape *tape, size_t shard) {
    const language *l = user;
    size_t count = l->shard * l->window;
    int32_t *tokens = nn_tape_bytes_alloc(tape, 2 * count * sizeof *tokens);
    if (!tokens) return NULL;
    for (size_t w = 0; w < l->shard; w++) {
        const int32_t *from =
            l->train.tokens + l->offset + l->order[l->at + shard * l->shard + w] * l->window;
        memcpy(tokens + w * l->window, from, l->window * sizeof *tokens);
        memcpy(tokens + count + w * l->window, from + 1, l->window * sizeof *tokens);
    }
    return loss_of(l, tape, tokens, tokens + count, l->shard,
                   1 / (double)(l->loop.batch * l->window));
}

/* The last window is filled up with steps that are not judged. */
static nn_tensor *judge_window(void *user, nn_tape *tape, size_t w) {
    language *l = user;
    size_t from = w * l->window, n = BASE_MIN(l->window, l->valid.count - 1 - from);
    int32_t *tokens = nn_tape_bytes_alloc(tape, 2 * l->window * sizeof *tokens);
    if (!tokens) return NULL;
    for (size_t i = 0; i < l->window; i++) {
        tokens[i] = i < n ? l->valid.tokens[from + i] : -1;
        tokens[l->window + i] = i < n ? l->valid.tokens[from + i + 1] : -1;
    }
    nn_tensor *y = loss_of(l, tape, tokens, tokens + l->window, 1, 1);
    if (y) l->sums[2 * w] = (double)*y->data;
    l->sums[2 * w + 1] = (double)n;
    return y;
}

static affect_status validate(void *user, double *loss, double *perplexity) {
    language *l = user;
    affect_status status = nn_engine_map(l->loop.engine, l->valid_windows, judge_window, l);
    double sum = 0, tokens = 0;
    for (size_t i = 0; i < l->valid_windows; i++) {
        sum += l->sums[2 * i];
        tokens += l->sums[2 * i + 1];
    }
    *loss = sum / tokens;
    *perplexity = exp(*loss);
    return status;
}

/* ---- what is kept ---- */

static void put_shape(const language *l, nn_gguf_writer *w) {
    const nn_decoder_shape *s = &l->shape;
    const struct {
        const char *key;
        size_t value;
    } counts[] = {
        {"qwen2.block_count", s->layers},         {"qwen2.context_length", s->context},
        {"qwen2.embedding_length", s->width},     {"qwen2.feed_forward_length", s->hidden},
        {"qwen2.attention.head_count", s->heads}, {"qwen2.attention.head_count_kv", s->kv_heads}};
    nn_gguf_put_text(w, "general.architecture", s->architecture);
    nn_gguf_put_text(w, "general.type", "model");
    nn_gguf_put_text(w, "general.name",
                     train_recipe_text(l->loop.recipe, "card", "name", "unnamed"));
    nn_gguf_put_text(w, "general.license",
                     train_recipe_text(l->loop.recipe, "card", "licence", "unknown"));
    for (size_t i = 0; i < BASE_COUNT(counts); i++)
        nn_gguf_put_count(w, counts[i].key, (uint32_t)counts[i].value);
    nn_gguf_put_number(w, "qwen2.rope.freq_base", (float)s->base);
    nn_gguf_put_number(w, "qwen2.attention.layer_norm_rms_epsilon", (float)s->epsilon);
}

static affect_status save_card(const language *l) {
    base_text card = {0};
    double bytes = (double)(l->valid_texts.bytes + l->valid_texts.count);
    tune_card_begin(&card, l->loop.recipe, "language model",
                    "trained with affect train; recipe.ini beside it");
    base_text_printf(
        &card, ",\n  \"architecture\": \"%s\",\n  \"parameters\": %zu,\n  \"vocabulary\": %zu",
        l->shape.architecture, l->params->size, l->shape.vocabulary);
    base_text_printf(&card,
                     ",\n  \"data\": {\"sha256\": \"%s\", \"train_texts\": %zu, \"train_tokens\": "
                     "%zu, \"valid_texts\": %zu, \"valid_tokens\": %zu}",
                     l->loop.data_sum, l->train_texts.count, l->train.count, l->valid_texts.count,
                     l->valid.count);
    /* bits a byte can be held against models with other vocabularies */
    base_text_printf(&card,
                     ",\n  \"best_epoch\": %zu,\n  \"validation\": {\"loss\": %.6f, "
                     "\"perplexity\": %.4f, \"bits_per_byte\": %.4f}",
                     l->loop.best_epoch, l->loop.best, l->loop.best_second,
                     l->loop.best * (double)(l->valid.count - 1) / bytes / log(2));
    return tune_card_write(&l->loop, &card);
}

static affect_status save(void *user) {
    const language *l = user;
    nn_gguf_writer w = {0};
    char *path = base_path_join(l->loop.folder, "model.gguf");
    if (!path) return base_fail_memory(l->ctx);
    put_shape(l, &w);
    tune_vocabulary_put(l->vocabulary, (const int32_t(*)[2])l->merges, l->merge_count, &w);
    for (size_t i = 0; i < l->params->count; i++) {
        const nn_param *p = &l->params->items[i];
        nn_gguf_put_matrix(&w, p->name, p->shape.rank == 2 ? p->shape.d[0] : 0,
                           p->shape.d[p->shape.rank - 1], l->params->value + p->offset);
    }
    affect_status status = nn_gguf_write(l->ctx, path, &w);
    base_free(path);
    return status ? status : save_card(l);
}

affect_status tune_is_language(affect_context *ctx, const char *recipe, bool *is) {
    train_recipe *r = NULL;
    affect_status status = train_recipe_open(ctx, recipe, &r);
    *is = !status && strcmp(train_recipe_text(r, "data", "kind", ""), "language") == 0;
    train_recipe_destroy(r);
    return status;
}

affect_status tune_language(affect_context *ctx, const train_options *o, char **folder) {
    language l = {.ctx = ctx};
    *folder = train_folder_name(o->recipe, o->folder);
    l.loop = (tune_loop){.ctx = ctx,
                         .folder = *folder,
                         .fresh = o->fresh,
                         .stop_after = o->stop_after,
                         .progress = o->progress,
                         .progress_user = o->user,
                         .second = "perplexity",
                         .shuffle = shuffle,
                         .begin = begin_step,
                         .build = train_shard,
                         .validate = validate,
                         .save = save,
                         .user = &l};
    affect_status status = *folder ? build(&l, o->recipe) : base_fail_memory(ctx);
    if (!status) status = tune_loop_run(&l.loop, l.params, o->threads);
    if (!status)
        base_log(ctx, AFFECT_LOG_INFO, "kept: epoch %zu of %zu  perplexity %.2f", l.loop.best_epoch,
                 l.loop.epoch, l.loop.best_second);
    tune_loop_end(&l.loop);
    nn_decoder_destroy(l.decoder);
    nn_params_destroy(l.params);
    nn_vocabulary_destroy(l.vocabulary);
    clear_texts(&l.train_texts);
    clear_texts(&l.valid_texts);
    base_free(l.train.tokens);
    base_free(l.valid.tokens);
    base_free(l.merges);
    base_free(l.order);
    base_free(l.sums);
    if (status) {
        base_free(*folder);
        *folder = NULL;
    }
    return status;
}
