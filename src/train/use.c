/* A trained model in the trainer's hands: outputs on a whole set, in parallel. */
#include <jansson.h>
#include <string.h>

#include "nn/model.h"
#include "nn/tape.h"
#include "train/train.h"
#include "voice/summary.h"

enum { SHARD = 32 };

struct train_model {
    nn_model *model;
    train_spec spec;
    words_units *words;
    char *modalities;
    nn_tape *tape; /* of single inputs */
    double threshold;
    float *moments; /* of the summary over the training */
};

affect_status train_model_open(affect_context *ctx, const char *name, train_model **out) {
    *out = NULL;
    train_model *m = base_calloc(1, sizeof *m);
    if (!m) return base_fail_memory(ctx);
    affect_status status = nn_model_load(ctx, name, &m->model);
    if (status == AFFECT_OK) {
        const model_card *card = nn_model_card(m->model);
        const char *kind = nn_net_get_options(nn_model_net(m->model))->kind;
        json_t *root = json_loads(card->json, 0, NULL);
        const json_t *input = json_object_get(root, "input");
        double step = json_number_value(json_object_get(input, "step_s"));
        m->threshold = json_number_value(json_object_get(root, "threshold"));
        m->spec = (train_spec){
            .kind = base_starts_with(kind, "voice")      ? TRAIN_AUDIO
                    : base_starts_with(kind, "text")     ? TRAIN_TEXT
                    : base_starts_with(kind, "features") ? TRAIN_FEATURES
                                                         : TRAIN_FACES,
            .labels = (const char *const *)card->labels,
            .classes = nn_model_classes(m->model),
            .values = nn_model_values(m->model),
            .multi_label = nn_model_multi_label(m->model),
            .drop_single_votes = false,
            .bands = nn_net_get_options(nn_model_net(m->model))->inputs,
            .step_s = step > 0 ? step : .016,
            .functionals = strcmp(kind, "voice_crnn") == 0 &&
                           nn_net_get_options(nn_model_net(m->model))->side > 0,
            .summary = strcmp(kind, "voice_mlp") == 0,
            .surface = nn_net_get_options(nn_model_net(m->model))->side == WORDS_UNITS_SURFACE,
            .trim_db = json_number_value(json_object_get(input, "trim_db")),
        };
        if (m->spec.kind == TRAIN_FEATURES) {
            const char *text = json_string_value(json_object_get(input, "modalities")),
                       *pool = json_string_value(json_object_get(input, "pool"));
            m->spec.modalities = m->modalities = base_strdup(text ? text : "");
            m->spec.pooled = pool && strcmp(pool, "mean") == 0;
            if (!m->modalities) status = base_fail_memory(ctx);
        }
        if (m->spec.summary) {
            const size_t side = nn_net_get_options(nn_model_net(m->model))->side;
            m->moments = base_calloc(2 * side, sizeof *m->moments);
            if (!m->moments)
                status = base_fail_memory(ctx);
            else if (side != VOICE_SUMMARY_WIDTH)
                status = base_fail(ctx, AFFECT_ERROR_MODEL,
                                   "%s/card.json: 'network.side' is %zu, a summary has %d numbers",
                                   card->folder, side, VOICE_SUMMARY_WIDTH);
            else
                nn_net_get_side(nn_model_net(m->model), m->moments, m->moments + side);
            m->spec.usual = m->moments;
            m->spec.spread = m->moments + side;
        }
        json_decref(root);
        if (status == AFFECT_OK && card->label_count != m->spec.classes + m->spec.values)
            status = base_fail(ctx, AFFECT_ERROR_MODEL,
                               "%s/card.json: 'labels' has %zu names, the network %zu outputs",
                               card->folder, card->label_count, m->spec.classes + m->spec.values);
        if (status == AFFECT_OK && m->spec.kind == TRAIN_TEXT && card->file_count < 2)
            status = base_fail(ctx, AFFECT_ERROR_MODEL,
                               "%s/card.json: 'files' names no vocabulary after the weights",
                               card->folder);
        if (status == AFFECT_OK && m->spec.kind == TRAIN_TEXT) {
            char *path = model_card_path(card, card->files[1].name);
            status = path ? words_units_open(ctx, path, &m->words) : base_fail_memory(ctx);
            base_free(path);
            m->spec.words = m->words;
            if (status == AFFECT_OK && words_units_count(m->words) !=
                                           nn_net_get_options(nn_model_net(m->model))->vocabulary)
                status = base_fail(ctx, AFFECT_ERROR_MODEL,
                                   "%s: the vocabulary has %zu units, the network %zu",
                                   card->folder, words_units_count(m->words),
                                   nn_net_get_options(nn_model_net(m->model))->vocabulary);
        }
    }
    if (status != AFFECT_OK) {
        train_model_close(m);
        return status;
    }
    *out = m;
    return AFFECT_OK;
}

void train_model_close(train_model *m) {
    if (!m) return;
    nn_tape_destroy(m->tape);
    nn_model_destroy(m->model);
    words_units_destroy(m->words);
    base_free(m->modalities);
    base_free(m->moments);
    base_free(m);
}

const train_spec *train_model_spec(const train_model *m) { return &m->spec; }
nn_model *train_model_network(train_model *m) { return m->model; }
double train_model_threshold(const train_model *m) { return m->threshold; }

affect_status train_model_predict(affect_context *ctx, train_model *m, const char *input,
                                  float *row) {
    train_set *set = NULL;
    affect_status status = train_set_single(ctx, &m->spec, input, &set);
    if (status == AFFECT_OK && !m->tape)
        status = nn_tape_create(ctx, nn_net_params(nn_model_net(m->model)), &m->tape);
    if (status == AFFECT_OK) {
        const uint32_t first = 0;
        nn_batch batch;
        float *target;
        nn_tape_begin(m->tape, false, 0, NULL);
        status = train_set_batch(set, m->tape, &first, 1, NULL, 0, &batch, &target)
                     ? nn_model_run(ctx, m->model, &batch, row)
                     : nn_tape_status(m->tape);
    }
    train_set_destroy(set);
    return status;
}

typedef struct pass {
    const train_set *set;
    nn_net *net;
    float *outputs;
    affect_context *ctx;
} pass;

static nn_tensor *run_shard(void *user, nn_tape *tape, size_t shard) {
    pass *p = user;
    uint32_t index[SHARD];
    size_t from = shard * SHARD, n = BASE_MIN((size_t)SHARD, p->set->count - from);
    for (size_t i = 0; i < n; i++) index[i] = (uint32_t)(from + i);
    nn_batch batch;
    float *target;
    if (affect_context_cancelled(p->ctx)) return NULL; /* what fails is then said to be cancelled */
    if (!train_set_batch(p->set, tape, index, n, NULL, 0, &batch, &target)) return NULL;
    nn_tensor *y = nn_net_forward(p->net, tape, &batch);
    if (y) memcpy(p->outputs + from * (y->count / n), y->data, y->count * sizeof(float));
    return y;
}

affect_status train_model_outputs(affect_context *ctx, train_model *m, const train_set *set,
                                  int threads, float *outputs) {
    base_pool *pool = NULL;
    nn_engine *engine = NULL;
    pass p = {set, nn_model_net(m->model), outputs, ctx};
    affect_status status = base_pool_create(ctx, threads, &pool);
    if (status == AFFECT_OK)
        status = nn_engine_create(ctx, nn_net_params(p.net), pool, threads, &engine);
    if (status == AFFECT_OK)
        status = nn_engine_map(engine, (set->count + SHARD - 1) / SHARD, run_shard, &p);
    if (status != AFFECT_OK && affect_context_cancelled(ctx))
        status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    nn_engine_destroy(engine);
    base_pool_destroy(pool);
    return status;
}
