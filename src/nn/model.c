/* Cards to networks and back. */
#include "nn/model.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "nn/known.h"

enum { FACE = 48 };

struct nn_model {
    infer_card *card;
    json_t *root;
    nn_net *net;
    nn_tape *tape;
    nn_known *known;    /* NULL: the weights do not say */
    float *strangeness; /* of the rows of the last run */
    size_t known_count, known_capacity;
    size_t classes, values;
    bool multi_label;
    double temperature;
};

static affect_status bad(affect_context *ctx, const infer_card *card, const char *field,
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
        !whole(network, "looks", &o->looks) || !whole(network, "classes", &m->classes) ||
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

bool nn_model_describes(const infer_card *card) {
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
    affect_status status = infer_card_load(ctx, name_or_folder, false, &m->card);
    if (status == AFFECT_OK) {
        m->root = json_loads(m->card->json, 0, NULL);
        status = m->root ? read_network(ctx, m, &o) : bad(ctx, m->card, "card", "JSON");
    }
    if (status == AFFECT_OK) status = nn_net_create(ctx, &o, NN_UNSEEDED, &m->net);
    if (status == AFFECT_OK) {
        path = infer_card_path(m->card, m->card->files[0].name);
        status = path ? nn_file_open(ctx, path, &file) : base_fail_memory(ctx);
    }
    if (status == AFFECT_OK)
        status = nn_params_read(ctx, file, nn_net_params(m->net), "", nn_net_params(m->net)->value);
    if (status == AFFECT_OK) status = nn_known_read(ctx, file, &m->known);
    if (status == AFFECT_OK && m->known && nn_known_width(m->known) != nn_net_features(m->net))
        status = bad(ctx, m->card, "network", "as many last features as the weights' known.mean");
    if (status == AFFECT_OK) status = nn_tape_create(ctx, nn_net_params(m->net), &m->tape);
    nn_file_close(file);
    base_free(path);
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
    nn_known_destroy(m->known);
    base_free(m->strangeness);
    nn_tape_destroy(m->tape);
    nn_net_destroy(m->net);
    json_decref(m->root);
    infer_card_destroy(m->card);
    base_free(m);
}

const infer_card *nn_model_card(const nn_model *m) { return m->card; }
nn_net *nn_model_net(nn_model *m) { return m->net; }
size_t nn_model_classes(const nn_model *m) { return m->classes; }
size_t nn_model_values(const nn_model *m) { return m->values; }
bool nn_model_multi_label(const nn_model *m) { return m->multi_label; }
double nn_model_temperature(const nn_model *m) { return m->temperature; }

void nn_model_calibrate(const nn_model *m, float *row) {
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
    for (size_t i = 0; i < batch->count; i++) nn_model_calibrate(m, out + i * width);
    const float *seen = nn_net_seen(m->tape);
    m->known_count = 0;
    if (!m->known || !seen) return AFFECT_OK;
    if (!base_grow((void **)&m->strangeness, &m->known_capacity, batch->count,
                   sizeof *m->strangeness))
        return base_fail_memory(ctx);
    for (size_t i = 0; i < batch->count; i++)
        m->strangeness[i] =
            (float)nn_known_strangeness(m->known, seen + i * nn_known_width(m->known));
    m->known_count = batch->count;
    return AFFECT_OK;
}

float nn_model_known(const nn_model *m, size_t row) {
    return row < m->known_count ? (float)nn_known_score(m->known, (double)m->strangeness[row]) : 1;
}

float nn_model_strangeness(const nn_model *m, size_t row) {
    return row < m->known_count ? m->strangeness[row] : NAN;
}

/* Mean over the source pixels that an output pixel covers when shrinking, bilinear when growing:
 * FER's faces were shrunk from larger pictures, and aliasing would look like texture to the
 * network. */
static void resample(const uint8_t *grey, size_t width, size_t height, size_t stride, float *out) {
    double sx = (double)width / FACE, sy = (double)height / FACE;
    double rx = fmax(sx, 1), ry = fmax(sy, 1); /* half-width of the triangle, in source pixels */
    for (size_t y = 0; y < FACE; y++)
        for (size_t x = 0; x < FACE; x++) {
            double cx = ((double)x + .5) * sx - .5, cy = ((double)y + .5) * sy - .5;
            double sum = 0, weight = 0;
            for (long j = (long)ceil(cy - ry); j <= (long)floor(cy + ry); j++)
                for (long i = (long)ceil(cx - rx); i <= (long)floor(cx + rx); i++) {
                    double w = (1 - fabs((double)i - cx) / rx) * (1 - fabs((double)j - cy) / ry);
                    if (w <= 0) continue;
                    size_t u = (size_t)BASE_MIN(BASE_MAX(i, 0), (long)width - 1);
                    size_t v = (size_t)BASE_MIN(BASE_MAX(j, 0), (long)height - 1);
                    sum += w * grey[v * stride + u];
                    weight += w;
                }
            out[y * FACE + x] = (float)(sum / weight);
        }
}

affect_status nn_model_face(affect_context *ctx, nn_model *m, const uint8_t *grey, size_t width,
                            size_t height, size_t stride, float *out) {
    if (width == 0 || height == 0 || stride < width)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "a face of %zu x %zu pixels", width, height);
    float data[FACE * FACE];
    resample(grey, width, height, stride, data);
    nn_standardise(data, FACE * FACE);
    nn_batch batch = {.count = 1, .data = data, .height = FACE, .width = FACE};
    return nn_model_run(ctx, m, &batch, out);
}

void nn_model_describe(const nn_net_options *o, size_t classes, bool multi_label, base_text *out) {
    base_text_printf(
        out,
        "{\"kind\": \"%s\", \"outputs\": %zu, \"classes\": %zu, \"multi_label\": %s, "
        "\"inputs\": %zu, \"vocabulary\": %zu, \"width\": %zu, "
        "\"side\": %zu, \"value_hidden\": %zu, \"looks\": %zu, \"blocks\": [%zu, %zu, %zu, %zu]}",
        o->kind, o->outputs, classes, multi_label ? "true" : "false", o->inputs, o->vocabulary,
        o->width, o->side, o->value_hidden, o->looks, o->blocks[0], o->blocks[1], o->blocks[2],
        o->blocks[3]);
}
