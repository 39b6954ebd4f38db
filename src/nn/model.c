/* Cards to networks and back. */
#include "nn/model.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "nn/ood.h"

struct nn_model {
    model_card *card;
    json_t *root;
    nn_net *net;
    nn_tape *tape;
    nn_ood *ood;      /* NULL: the weights do not say */
    float *ood_score; /* of the rows of the last run */
    size_t ood_count, ood_capacity;
    size_t classes, values;
    bool multi_label;
    double temperature;
};

static affect_status bad(affect_context *ctx, const model_card *card, const char *field,
                         const char *expected) {
    return base_fail(ctx, AFFECT_ERROR_MODEL, "%s/card.json: '%s': expected %s", card->folder,
                     field, expected);
}

/* An optional whole number of the network object. */
static bool whole(const json_t *network, const char *key, size_t *out) {
    const json_t *value = json_object_get(network, key);
    if (!value) return true;
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < 0 || n > 100000000) return false;
    *out = (size_t)n;
    return true;
}

static affect_status read_network(affect_context *ctx, nn_model *m, nn_net_options *o) {
    const json_t *network = json_object_get(m->root, "network");
    if (!json_is_object(network)) return bad(ctx, m->card, "network", "an object with a kind");
    o->kind = json_string_value(json_object_get(network, "kind"));
    if (!o->kind) return bad(ctx, m->card, "network.kind", "the name of a network");
    if (!whole(network, "outputs", &o->outputs) || !whole(network, "inputs", &o->inputs) ||
        !whole(network, "vocabulary", &o->vocabulary) || !whole(network, "width", &o->width) ||
        !whole(network, "side", &o->side) || !whole(network, "value_hidden", &o->value_hidden) ||
        !whole(network, "pooled", &o->pooled) || !whole(network, "classes", &m->classes) ||
        m->classes > o->outputs)
        return bad(ctx, m->card, "network", "whole numbers, classes not above outputs");
    const json_t *blocks = json_object_get(network, "blocks");
    for (size_t i = 0; i < BASE_MIN(json_array_size(blocks), (size_t)4); i++)
        o->blocks[i] = (size_t)BASE_MAX(json_integer_value(json_array_get(blocks, i)), 0);
    m->multi_label = json_is_true(json_object_get(network, "multi_label"));
    o->values = m->values = o->outputs - m->classes;
    const json_t *temperature = json_object_get(m->root, "temperature");
    m->temperature = temperature ? json_number_value(temperature) : 1;
    if (!(m->temperature > 0) || !isfinite(m->temperature))
        return bad(ctx, m->card, "temperature", "a number above 0");
    return AFFECT_OK;
}

bool nn_model_describes(const model_card *card) {
    json_t *root = json_loads(card->json, 0, NULL);
    bool found = json_is_object(json_object_get(root, "network"));
    json_decref(root);
    return found;
}

affect_status nn_model_load(affect_context *ctx, const char *name_or_folder, nn_model **out) {
    *out = NULL;
    nn_model *m = base_calloc(1, sizeof *m);
    if (!m) return base_fail_memory(ctx);
    nn_net_options o = {0};
    nn_file *file = NULL;
    char *path = NULL;
    affect_status status = model_card_load(ctx, name_or_folder, false, &m->card);
    if (status == AFFECT_OK) {
        m->root = json_loads(m->card->json, 0, NULL);
        status = m->root ? read_network(ctx, m, &o) : bad(ctx, m->card, "card", "JSON");
    }
    if (status == AFFECT_OK) status = nn_net_create(ctx, &o, NN_UNSEEDED, &m->net);
    if (status == AFFECT_OK) {
        path = model_card_path(m->card, m->card->files[0].name);
        status = path ? nn_file_open(ctx, path, &file) : base_fail_memory(ctx);
    }
    if (status == AFFECT_OK)
        status = nn_params_read(ctx, file, nn_net_params(m->net), "", nn_net_params(m->net)->value);
    if (status == AFFECT_OK) status = nn_ood_read(ctx, file, &m->ood);
    if (status == AFFECT_OK && m->ood && nn_ood_width(m->ood) != nn_net_features(m->net))
        status = bad(ctx, m->card, "network", "as many last features as the weights' known.mean");
    if (status == AFFECT_OK) status = nn_tape_create(ctx, nn_net_params(m->net), &m->tape);
    nn_file_close(file);
    base_free(path);
    if (m->net &&
        (status == AFFECT_ERROR_NOT_FOUND || status == AFFECT_ERROR_FORMAT ||
         status == AFFECT_ERROR_SHAPE)) { /* of the weights: to the caller it is the model's */
        char why[512];
        snprintf(why, sizeof why, "%s", affect_context_message(ctx));
        status = base_fail(ctx, AFFECT_ERROR_MODEL, "model %s: %s", m->card->name, why);
    }
    if (status != AFFECT_OK) {
        nn_model_destroy(m);
        return status;
    }
    nn_tape_freeze(m->tape, true);
    *out = m;
    return AFFECT_OK;
}

void nn_model_destroy(nn_model *m) {
    if (!m) return;
    nn_ood_destroy(m->ood);
    base_free(m->ood_score);
    nn_tape_destroy(m->tape);
    nn_net_destroy(m->net);
    json_decref(m->root);
    model_card_destroy(m->card);
    base_free(m);
}

const model_card *nn_model_card(const nn_model *m) { return m->card; }
nn_net *nn_model_net(nn_model *m) { return m->net; }
size_t nn_model_classes(const nn_model *m) { return m->classes; }
size_t nn_model_values(const nn_model *m) { return m->values; }
bool nn_model_multi_label(const nn_model *m) { return m->multi_label; }
double nn_model_temperature(const nn_model *m) { return m->temperature; }

/* Raw output row to posteriors (softmax, or sigmoid per class if multi-label, at the card's
 * temperature) and values (unchanged), in place. */
static void calibrate(const nn_model *m, float *row) {
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < m->classes; i++) top = fmax(top, (double)row[i]);
    for (size_t i = 0; i < m->classes; i++) {
        if (m->multi_label)
            row[i] = (float)(1 / (1 + exp(-row[i] / m->temperature)));
        else
            sum += row[i] = (float)exp((row[i] - top) / m->temperature);
    }
    for (size_t i = 0; !m->multi_label && i < m->classes; i++) row[i] = (float)(row[i] / sum);
}

affect_status nn_model_run(affect_context *ctx, nn_model *m, const nn_batch *batch, float *out) {
    nn_tape_begin(m->tape, false, 0, NULL);
    const nn_tensor *y = nn_net_forward(m->net, m->tape, batch);
    if (!y) {
        affect_status status = nn_tape_status(m->tape);
        return status != AFFECT_OK
                   ? status
                   : base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%s: the batch is empty", m->card->name);
    }
    size_t width = m->classes + m->values;
    memcpy(out, y->data, y->count * sizeof *out);
    for (size_t i = 0; i < batch->count; i++) calibrate(m, out + i * width);
    const float *seen = nn_net_seen(m->tape);
    m->ood_count = 0;
    if (!m->ood || !seen) return AFFECT_OK;
    if (!base_grow((void **)&m->ood_score, &m->ood_capacity, batch->count, sizeof *m->ood_score))
        return base_fail_memory(ctx);
    for (size_t i = 0; i < batch->count; i++)
        m->ood_score[i] = (float)nn_ood_score(m->ood, seen + i * nn_ood_width(m->ood));
    m->ood_count = batch->count;
    return AFFECT_OK;
}

float nn_model_in_distribution(const nn_model *m, size_t row) {
    return row < m->ood_count ? (float)nn_ood_in_distribution(m->ood, (double)m->ood_score[row])
                              : 1;
}

float nn_model_ood_score(const nn_model *m, size_t row) {
    return row < m->ood_count ? m->ood_score[row] : NAN;
}

affect_status nn_model_face(affect_context *ctx, nn_model *m, const uint8_t *grey, float *out) {
    float data[NN_FACE_SIDE * NN_FACE_SIDE];
    for (size_t i = 0; i < BASE_COUNT(data); i++) data[i] = grey[i];
    nn_standardise(data, BASE_COUNT(data));
    nn_batch batch = {.count = 1, .data = data, .height = NN_FACE_SIDE, .width = NN_FACE_SIDE};
    return nn_model_run(ctx, m, &batch, out);
}

void nn_model_describe(const nn_net_options *o, size_t classes, bool multi_label, base_text *out) {
    base_text_printf(
        out,
        "{\"kind\": \"%s\", \"outputs\": %zu, \"classes\": %zu, \"multi_label\": %s, "
        "\"inputs\": %zu, \"vocabulary\": %zu, \"width\": %zu, "
        "\"side\": %zu, \"value_hidden\": %zu, \"pooled\": %zu, \"blocks\": [%zu, %zu, %zu, %zu]}",
        o->kind, o->outputs, classes, multi_label ? "true" : "false", o->inputs, o->vocabulary,
        o->width, o->side, o->value_hidden, o->pooled, o->blocks[0], o->blocks[1], o->blocks[2],
        o->blocks[3]);
}
