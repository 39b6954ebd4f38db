/* What a run leaves on disk: the model folder (weights, card, pictures) and the checkpoint. */
#include <jansson.h>
#include <math.h>
#include <nettle/sha2.h>
#include <string.h>

#include "nn/model.h"
#include "nn/ood.h"
#include "nn/tape.h"
#include "train/train_private.h"

enum { PASS_SHARD = 64, FIT_SAMPLES = 4096 };

float *train_judged(training *t) {
    nn_engine_state *state = nn_engine_get_state(t->engine);
    return state->average ? state->average : nn_net_params(t->net)->value;
}

/* ---- a pass over a set ---- */

typedef struct pass {
    training *t;
    const train_set *set;
    const uint32_t *index;
    size_t n;
    float *outputs, *features;
} pass;

static nn_tensor *pass_shard(void *user, nn_tape *tape, size_t shard) {
    pass *p = user;
    uint32_t index[PASS_SHARD];
    size_t from = shard * PASS_SHARD, n = BASE_MIN((size_t)PASS_SHARD, p->n - from),
           width = p->set->width, wide = nn_net_features(p->t->net);
    for (size_t i = 0; i < n; i++) index[i] = p->index ? p->index[from + i] : (uint32_t)(from + i);
    nn_batch batch;
    float *target;
    if (!train_set_batch(p->set, tape, index, n, NULL, 0, &batch, &target)) return NULL;
    nn_tensor *y = nn_net_forward(p->t->net, tape, &batch);
    for (size_t i = 0; y && i < n; i++)
        memcpy(p->outputs + index[i] * width, y->data + i * width, width * sizeof(float));
    if (y && p->features)
        memcpy(p->features + from * wide, nn_net_seen(tape), n * wide * sizeof(float));
    return y;
}

affect_status train_pass(training *t, const train_set *set, const uint32_t *index, size_t n,
                         float *outputs, float *features) {
    pass p = {t, set, index, n, outputs, features};
    nn_engine_thaw(t->engine);
    return nn_engine_map(t->engine, (n + PASS_SHARD - 1) / PASS_SHARD, pass_shard, &p);
}

/* ---- files ---- */

affect_status train_write_at(training *t, const char *name, const void *data, size_t length) {
    char *path = base_path_join(t->folder, name);
    if (!path) return base_fail_memory(t->ctx);
    affect_status status = base_write_file(t->ctx, path, data, length);
    base_free(path);
    return status;
}

static affect_status save_weights(training *t, const float *values, const nn_ood *known) {
    const char *form = train_recipe_choice(t->recipe, "card", "storage", "f16", "f32|f16|bf16|i8");
    nn_storage storage = strcmp(form, "f16") == 0    ? NN_F16
                         : strcmp(form, "bf16") == 0 ? NN_BF16
                         : strcmp(form, "i8") == 0   ? NN_I8
                                                     : NN_F32;
    char *path = base_path_join(t->folder, "weights.safetensors");
    nn_writer *w = NULL;
    affect_status status = path ? nn_writer_create(t->ctx, path, &w) : base_fail_memory(t->ctx);
    if (status == AFFECT_OK) {
        nn_params_write(w, nn_net_params(t->net), "", values, storage, 256);
        if (known) nn_ood_write(known, w);
        status = nn_writer_commit(t->ctx, w);
    }
    base_free(path);
    return status;
}

affect_status train_sha256(affect_context *ctx, const char *path, char out[65]) {
    char *bytes;
    size_t length;
    affect_status status = base_read_file(ctx, path, (size_t)1 << 30, &bytes, &length);
    if (status != AFFECT_OK) return status;
    struct sha256_ctx sum;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&sum);
    sha256_update(&sum, length, (const uint8_t *)bytes);
    sha256_digest(&sum, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
    base_free(bytes);
    return AFFECT_OK;
}

/* card.json: what the model is, from what, how good; numbers are those of the weights as stored. */
static affect_status save_card(training *t, double temperature, double threshold) {
    train_recipe *r = t->recipe;
    base_text card = {0}, text = {0};
    const char *files[] = {"weights.safetensors", "words.txt"};
    base_text_append(&card, "{\n  \"name\": ");
    base_text_append_json(&card, train_recipe_text(r, "card", "name", "unnamed"));
    base_text_append(&card, ",\n  \"version\": \"1\",\n  \"task\": ");
    base_text_append_json(&card, train_recipe_text(r, "card", "task", "classification"));
    base_text_append(&card, ",\n  \"licence\": ");
    base_text_append_json(&card, train_recipe_text(r, "card", "licence", "unknown"));
    base_text_printf(
        &card, ",\n  \"commercial\": %s,\n  \"training_data\": ",
        strcmp(train_recipe_text(r, "card", "commercial", "no"), "yes") == 0 ? "true" : "false");
    base_text_append_json(&card, train_recipe_text(r, "card", "training_data", "not stated"));
    base_text_append(&card, ",\n  \"source\": ");
    base_text_append_json(
        &card,
        train_recipe_text(r, "card", "source", "trained with affect train; recipe.ini beside it"));
    const char *elsewhere = train_recipe_text(r, "card", "measured_elsewhere", "");
    if (*elsewhere) {
        base_text_append(&card, ",\n  \"measured_elsewhere\": ");
        base_text_append_json(&card, elsewhere);
    }
    base_text_append(&card, ",\n  \"labels\": [");
    for (size_t i = 0; i < t->classes + t->values; i++) {
        if (i) base_text_append(&card, ", ");
        base_text_append_json(&card, t->labels[i]);
    }
    base_text_append(&card, "],\n  \"files\": [");
    affect_status status = AFFECT_OK;
    for (size_t i = 0; status == AFFECT_OK && i < (t->spec.kind == TRAIN_TEXT ? 2 : 1); i++) {
        char sum[65], *path = base_path_join(t->folder, files[i]);
        status = path ? train_sha256(t->ctx, path, sum) : base_fail_memory(t->ctx);
        base_free(path);
        if (status == AFFECT_OK)
            base_text_printf(&card, "%s{\"name\": \"%s\", \"sha256\": \"%s\"}", i ? ", " : "",
                             files[i], sum);
    }
    base_text_append(&card, "],\n  \"network\": ");
    nn_model_describe(&t->net_options, t->classes, t->spec.multi_label, &card);
    base_text_printf(&card, ",\n  \"temperature\": %.6g,\n", temperature);
    if (t->spec.multi_label) base_text_printf(&card, "  \"threshold\": %.4f,\n", threshold);
    if (t->spec.summary)
        base_text_printf(&card, "  \"input\": {\"summary\": %zu, \"trim_db\": %.6g},\n",
                         t->net_options.side, t->spec.trim_db);
    else if (t->spec.kind == TRAIN_AUDIO)
        base_text_printf(&card,
                         "  \"input\": {\"bands\": %zu, \"step_s\": %.6g, \"trim_db\": %.6g, "
                         "\"functionals\": \"%s\"},\n",
                         t->spec.bands, t->spec.step_s, t->spec.trim_db,
                         t->spec.functionals ? "egemaps" : "none");
    if (t->spec.kind == TRAIN_FEATURES) {
        base_text_append(&card, "  \"input\": {\"modalities\": ");
        base_text_append_json(&card, t->spec.modalities);
        base_text_printf(&card, ", \"pool\": \"%s\"},\n", t->spec.pooled ? "mean" : "none");
    }
    base_text_printf(&card, "  \"best_epoch\": %zu,\n  \"validation\": ", t->best_epoch);
    if (status == AFFECT_OK)
        status = train_report(t->valid, t->logits, temperature, threshold, 200, &card, &text);
    base_text_append(&card, "}\n");
    if (status == AFFECT_OK && card.failed) status = base_fail_memory(t->ctx);
    if (status == AFFECT_OK) status = train_write_at(t, "card.json", card.data, card.length);
    if (status == AFFECT_OK) status = train_write_at(t, "validation.txt", text.data, text.length);
    base_text_destroy(&card);
    base_text_destroy(&text);
    return status;
}

static affect_status write_card_and_pictures(training *t, double temperature, double threshold) {
    affect_status status = save_card(t, temperature, threshold);
    base_text svg = {0};
    if (status == AFFECT_OK) status = train_confusion_svg(t->valid, t->logits, &svg);
    if (status == AFFECT_OK) status = train_write_at(t, "confusion.svg", svg.data, svg.length);
    base_text_destroy(&svg);
    return status;
}

/* The recipe's, else what fits the validation samples. */
static double temperature_of(const training *t) {
    return t->temperature > 0 ? t->temperature
                              : train_temperature(t->valid, t->logits, t->by_class);
}

/* Each time the validation score improves. The card's numbers are those of the weights before they
 * were rounded for storage; train_finish replaces them. */
affect_status train_save_model(training *t) {
    affect_status status = save_weights(t, train_judged(t), NULL);
    if (status == AFFECT_OK && t->words) {
        char *path = base_path_join(t->folder, "words.txt");
        status = path ? words_units_save(t->ctx, t->words, path) : base_fail_memory(t->ctx);
        base_free(path);
    }
    if (status != AFFECT_OK) return status;
    double temperature = temperature_of(t);
    train_scores s;
    status = train_score(t->valid, t->logits, temperature, 0, NULL, 0, &s);
    return status == AFFECT_OK ? write_card_and_pictures(t, temperature, s.threshold) : status;
}

static affect_status read_weights(training *t, const char *folder, float *values) {
    char *path = base_path_join(folder, "weights.safetensors");
    nn_file *file = NULL;
    affect_status status = path ? nn_file_open(t->ctx, path, &file) : base_fail_memory(t->ctx);
    if (status == AFFECT_OK)
        status = nn_params_read(t->ctx, file, nn_net_params(t->net), "", values);
    nn_file_close(file);
    base_free(path);
    return status;
}

affect_status train_load_weights(training *t, const char *folder) {
    return read_weights(t, folder, nn_net_params(t->net)->value);
}

/* What is usual, from training samples and (how usual) the validation samples' features; the
 * threshold that makes macro F1 largest on those training samples. */
static affect_status learn_limits(training *t, const float *valid, double temperature,
                                  nn_ood **known, double *threshold) {
    size_t n = BASE_MIN(t->order_count, (size_t)FIT_SAMPLES), wide = nn_net_features(t->net);
    uint32_t *index = base_calloc(n, sizeof *index);
    float *features = base_calloc(n * wide, sizeof *features),
          *outputs = base_calloc(t->train->count * t->train->width, sizeof *outputs);
    affect_status status = index && features && outputs ? AFFECT_OK : base_fail_memory(t->ctx);
    size_t taken = 0, seen = 0;
    for (size_t i = 0; index && i < t->train->count; i++) {
        if (!train_usable(t->train, i)) continue;
        if (seen++ * n / t->order_count >= taken && taken < n) index[taken++] = (uint32_t)i;
    }
    if (status == AFFECT_OK) status = train_pass(t, t->train, index, taken, outputs, features);
    if (status == AFFECT_OK && t->spec.multi_label) {
        train_scores s;
        float *taught = t->train->target;
        if (t->untaught) t->train->target = t->untaught;
        status = train_score(t->train, outputs, temperature, 0, index, taken, &s);
        t->train->target = taught;
        *threshold = s.threshold;
    }
    if (status == AFFECT_OK) status = nn_ood_fit(t->ctx, features, taken, wide, known);
    if (status == AFFECT_OK) status = nn_ood_calibrate(t->ctx, *known, valid, t->valid->count);
    base_free(index);
    base_free(features);
    base_free(outputs);
    return status;
}

/* ---- a threshold for each label ---- */

static bool all_known(const training *t, const float *target, size_t sample) {
    for (size_t c = 0; c < t->classes; c++)
        if (target[sample * t->train->width + c] < 0) return false;
    return true;
}

/* Training samples of which every label is known, evenly over the set, as many as fit. */
static size_t choose_known(const training *t, uint32_t *out, size_t room) {
    const float *target = t->untaught ? t->untaught : t->train->target;
    size_t all = 0, seen = 0, n = 0;
    for (size_t i = 0; i < t->train->count; i++) all += all_known(t, target, i);
    const size_t most = BASE_MIN(all, room);
    for (size_t i = 0; i < t->train->count; i++)
        if (all_known(t, target, i) && seen++ * most / all >= n && n < most) out[n++] = (uint32_t)i;
    return n;
}

/* F1 of a label over the samples when it holds above `cut`. */
static double f1_above(const training *t, const uint32_t *index, size_t n, const float *outputs,
                       size_t label, double cut) {
    const float *target = t->untaught ? t->untaught : t->train->target;
    size_t width = t->train->width, right = 0, sum = 0;
    for (size_t k = 0; k < n; k++) {
        const size_t at = index[k] * width + label;
        const bool said = (double)outputs[at] > cut, is = target[at] > .5F;
        right += said && is;
        sum += (size_t)said + is;
    }
    return sum ? 2 * (double)right / (double)sum : 0;
}

/* Moves each label's output bias so that one threshold is as good for it as a threshold of its own would be. Class weights have
 * made rare labels too likely by factors of their own; this takes that back as well. */
static affect_status settle_biases(training *t, float *values) {
    enum { SAMPLES = 16384, STEPS = 51 };
    const nn_params *params = nn_net_params(t->net);
    const int id = nn_param_find(params, "head.bias");
    uint32_t *index = base_calloc(SAMPLES, sizeof *index);
    float *outputs = base_calloc(t->train->count * t->train->width, sizeof *outputs);
    affect_status status = index && outputs ? AFFECT_OK : base_fail_memory(t->ctx);
    const size_t n = index ? choose_known(t, index, SAMPLES) : 0;
    if (status == AFFECT_OK && id >= 0 && n)
        status = train_pass(t, t->train, index, n, outputs, NULL);
    double own[MAX_LABELS] = {0}, sum[STEPS] = {0};
    size_t common = 0;
    for (size_t c = 0; status == AFFECT_OK && c < t->classes; c++) {
        double best = 0;
        for (size_t k = 0; k < STEPS; k++) {
            const double cut = -3 + .1 * (double)k, f1 = f1_above(t, index, n, outputs, c, cut);
            sum[k] += f1;
            if (f1 > best) best = f1, own[c] = cut;
        }
        if (best <= 0) own[c] = NAN; /* nothing is known of it */
    }
    for (size_t k = 1; k < STEPS; k++)
        if (sum[k] > sum[common]) common = k;
    for (size_t c = 0; status == AFFECT_OK && id >= 0 && n && c < t->classes; c++)
        if (!isnan(own[c]))
            values[params->items[id].offset + c] += (float)(-3 + .1 * (double)common - own[c]);
    base_free(index);
    base_free(outputs);
    return status;
}

/* Macro F1 when each fifth of the validation samples is cut by the threshold that fits the other four: what the threshold is
 * worth where it was not chosen. */
static affect_status cross_fit(const training *t, double temperature, double *macro) {
    enum { PARTS = 5 };
    size_t n = t->valid->count, width = t->valid->width;
    uint32_t *index = base_calloc(BASE_MAX(n, (size_t)1), sizeof *index);
    affect_status status = index ? AFFECT_OK : base_fail_memory(t->ctx);
    double right[MAX_LABELS] = {0}, sum[MAX_LABELS] = {0}, is_one[MAX_LABELS] = {0}, labels = 0;
    for (size_t part = 0; part < PARTS && status == AFFECT_OK; part++) {
        size_t others = 0;
        train_scores s;
        for (size_t i = 0; i < n; i++)
            if (i % PARTS != part) index[others++] = (uint32_t)i;
        status = train_score(t->valid, t->logits, temperature, 0, index, others, &s);
        const double cut = log(s.threshold / (1 - s.threshold)) * temperature;
        for (size_t i = part; i < n && status == AFFECT_OK; i += PARTS)
            for (size_t c = 0; c < t->classes; c++) {
                const float target = t->valid->target[i * width + c];
                if (target < 0) continue;
                const bool said = (double)t->logits[i * width + c] > cut, is = target > .5F;
                right[c] += said && is;
                sum[c] += said + is;
                is_one[c] += is;
            }
    }
    *macro = 0;
    for (size_t c = 0; c < t->classes; c++) {
        if (is_one[c] <= 0) continue;
        labels++;
        *macro += 2 * right[c] / sum[c];
    }
    *macro /= fmax(labels, 1);
    base_free(index);
    return status;
}

/* The threshold by the validation samples, as the temperature is. */
static affect_status settle_on_valid(training *t, double temperature, double *threshold) {
    train_scores s;
    double macro;
    affect_status status = train_score(t->valid, t->logits, temperature, 0, NULL, 0, &s);
    if (status == AFFECT_OK) status = cross_fit(t, temperature, &macro);
    if (status != AFFECT_OK) return status;
    *threshold = s.threshold;
    base_log(t->ctx, AFFECT_LOG_INFO,
             "threshold %.2f: macro F1 %.4f on the validation samples, %.4f with each fifth cut by "
             "the threshold of the others",
             s.threshold, s.macro_f1, macro);
    return AFFECT_OK;
}

affect_status train_finish(training *t) {
    nn_params *params = nn_net_params(t->net);
    float *own = params->value,
          *stored = base_alloc_aligned(64, BASE_MAX(params->size, (size_t)16) * sizeof *stored),
          *features = base_calloc(t->valid->count * nn_net_features(t->net), sizeof *features);
    if (!stored || !features) {
        base_free(stored);
        base_free(features);
        return base_fail_memory(t->ctx);
    }
    memset(stored, 0, params->size * sizeof *stored);
    nn_ood *known = NULL;
    double threshold = 0, temperature = 1;
    affect_status status = read_weights(t, t->folder, stored);
    params->value = stored;
    if (status == AFFECT_OK && t->each_threshold) status = settle_biases(t, stored);
    if (status == AFFECT_OK)
        status = train_pass(t, t->valid, NULL, t->valid->count, t->logits, features);
    if (status == AFFECT_OK) {
        temperature = temperature_of(t);
        status = learn_limits(t, features, temperature, &known, &threshold);
        if (status == AFFECT_OK && t->threshold_on_valid)
            status = settle_on_valid(t, temperature, &threshold);
    }
    if (status == AFFECT_OK) status = save_weights(t, stored, known);
    if (status == AFFECT_OK) status = write_card_and_pictures(t, temperature, threshold);
    params->value = own;
    nn_engine_thaw(t->engine);
    nn_ood_destroy(known);
    base_free(features);
    base_free(stored);
    return status;
}

affect_status train_save_checkpoint(training *t) {
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
        snprintf(text, sizeof text, "%.17g", t->rate_scale);
        nn_writer_metadata(w, "rate_scale", text);
        snprintf(text, sizeof text, "%zu", t->lowered_epoch);
        nn_writer_metadata(w, "lowered_epoch", text);
        snprintf(text, sizeof text, "%.3f", t->seconds);
        nn_writer_metadata(w, "seconds", text);
        nn_writer_metadata(w, "recipe", t->recipe->text);
        nn_writer_metadata(w, "hold_out", t->o->hold_out ? t->o->hold_out : "");
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
affect_status train_load_checkpoint(training *t, const char *path) {
    nn_file *f;
    affect_status status = nn_file_open(t->ctx, path, &f);
    if (status != AFFECT_OK) return status;
    const char *made_with = nn_file_metadata(f, "recipe"), *log = nn_file_metadata(f, "log");
    const char *held = nn_file_metadata(f, "hold_out");
    if (!made_with || !log || strcmp(made_with, t->recipe->text) != 0 ||
        strcmp(held ? held : "", t->o->hold_out ? t->o->hold_out : "") != 0) {
        status = base_fail(t->ctx, AFFECT_ERROR_EXISTS,
                           "%s was made with another recipe or --hold-out: give --fresh to throw "
                           "that run away, or "
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
    if (t->plateau) {
        t->rate_scale = metadata_number(f, "rate_scale");
        t->lowered_epoch = (size_t)metadata_number(f, "lowered_epoch");
    }
    t->seconds = metadata_number(f, "seconds");
    base_text_clear(&t->log);
    base_text_append(&t->log, log);
    nn_file_close(f);
    return status;
}
