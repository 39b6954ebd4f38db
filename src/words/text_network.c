/* Text to tokens to units to network. */
#include "words/text_network.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "infer/infer.h"
#include "words/units.h"

enum { VALUES = 3, OUTPUTS = WORDS_NETWORK_LABELS + 8 };
static const char *const value_names[VALUES] = {"valence", "arousal", "dominance"};

/* Below this share of known words the text is of another language, or names. */
static const float least_coverage = 0.5F;

struct words_network {
    infer_model *model;
    infer_classes outputs;
    words_units *units;
    bool surface;       /* the network takes what the text looks like */
    int column[VALUES]; /* of the output row; -1 = none */
    float sd[VALUES], threshold;
    int64_t index[WORDS_UNITS_TOKENS * WORDS_UNITS_PIECES];
};

static affect_status take_card(affect_context *ctx, words_network *n) {
    const model_card *card = infer_model_card(n->model);
    const infer_classes *o = &n->outputs;
    const infer_tensor units = infer_model_input(n->model, 0);
    affect_status status = infer_model_classes(ctx, n->model, &n->outputs);
    if (status != AFFECT_OK) return status;
    n->surface = infer_model_input_count(n->model) == 3;
    if (units.type != INFER_I64 || units.rank != 3 || infer_model_input_count(n->model) < 2 ||
        !o->several || o->classes < 1 || o->classes > WORDS_NETWORK_LABELS ||
        o->classes + o->values > OUTPUTS || card->file_count < 2)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "model %s is no text emotion model: its input is \"%s\", expected units "
                         "[n, t, p] and length, several labels and a vocabulary beside its weights",
                         card->name, units.name ? units.name : "none");
    char *path = model_card_path(card, card->files[1].name);
    status = path ? words_units_open(ctx, path, &n->units) : base_fail_memory(ctx);
    base_free(path);
    if (status != AFFECT_OK) return status;
    const size_t vocabulary = infer_model_vocabulary(n->model);
    if (vocabulary && words_units_count(n->units) != vocabulary)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "model %s: the vocabulary has %zu units, the network %zu", card->name,
                         words_units_count(n->units), vocabulary);
    json_t *root = json_loads(card->json, 0, NULL);
    const json_t *errors = json_object_get(json_object_get(root, "validation"), "errors");
    double threshold = json_number_value(json_object_get(root, "threshold"));
    n->threshold = threshold > 0 ? (float)threshold : 0.5F;
    for (size_t v = 0; v < VALUES; v++) {
        n->column[v] = -1;
        for (size_t i = o->classes; i < card->label_count; i++)
            if (strcmp(card->labels[i], value_names[v]) == 0) n->column[v] = (int)i;
        double sd = json_number_value(json_object_get(errors, value_names[v]));
        n->sd[v] = sd > 0 ? (float)sd : 0.3F;
    }
    json_decref(root);
    return AFFECT_OK;
}

affect_status words_network_create(affect_context *ctx, const char *model, words_network **out) {
    *out = NULL;
    words_network *n = base_calloc(1, sizeof *n);
    if (!n) return base_fail_memory(ctx);
    affect_status status = infer_model_load(ctx, model, 1, &n->model);
    if (status == AFFECT_OK) status = take_card(ctx, n);
    if (status != AFFECT_OK) {
        words_network_destroy(n);
        return status;
    }
    *out = n;
    return AFFECT_OK;
}

void words_network_destroy(words_network *n) {
    if (!n) return;
    infer_model_destroy(n->model);
    words_units_destroy(n->units);
    base_free(n);
}

const char *words_network_model(const words_network *n) { return infer_model_card(n->model)->name; }

const char *const *words_network_labels(const words_network *n, size_t *count) {
    *count = n->outputs.classes;
    return (const char *const *)infer_model_card(n->model)->labels;
}

float words_network_threshold(const words_network *n) { return n->threshold; }
bool words_network_has_values(const words_network *n) {
    return n->column[0] >= 0 && n->column[1] >= 0;
}

/* Fills index, -1 behind the units of a token; returns the number of tokens. */
static size_t take_tokens(words_network *n, const char *text) {
    size_t tokens = 0;
    char token[WORDS_UNITS_TOKEN_SIZE];
    for (size_t at = 0; tokens < WORDS_UNITS_TOKENS && words_units_token(text, &at, token);) {
        int32_t units[WORDS_UNITS_PIECES];
        size_t count = words_units_of(n->units, token, false, units, WORDS_UNITS_PIECES);
        int64_t *row = n->index + tokens++ * WORDS_UNITS_PIECES;
        for (size_t k = 0; k < WORDS_UNITS_PIECES; k++) row[k] = k < count ? units[k] : -1;
    }
    return tokens;
}

affect_status words_network_read(affect_context *ctx, words_network *n, const char *text,
                                 words_reading *out) {
    *out = (words_reading){.value = {NAN, NAN, NAN}, .sd = {NAN, NAN, NAN}};
    size_t tokens = take_tokens(n, text);
    out->coverage = words_units_coverage(n->units, text);
    out->common = words_units_common(n->units, text);
    out->scored = tokens && out->coverage >= least_coverage;
    if (!out->scored) return AFFECT_OK;
    float row[OUTPUTS], surface[WORDS_UNITS_SURFACE];
    words_units_surface(text, surface);
    int64_t length = (int64_t)tokens;
    const infer_tensor inputs[] = {
        {.name = NULL,
         .type = INFER_I64,
         .rank = 3,
         .shape = {1, length, WORDS_UNITS_PIECES},
         .data = n->index},
        {.name = "length", .type = INFER_I64, .rank = 1, .shape = {1}, .data = &length},
        {.name = "side",
         .type = INFER_F32,
         .rank = 2,
         .shape = {1, WORDS_UNITS_SURFACE},
         .data = surface}};
    affect_status status = infer_model_classify(ctx, n->model, &n->outputs, inputs,
                                                n->surface ? 3 : 2, 1, row, &out->in_distribution);
    if (status != AFFECT_OK) return status;
    memcpy(out->posteriors, row, n->outputs.classes * sizeof *row);
    for (size_t v = 0; v < VALUES; v++) {
        if (n->column[v] < 0 || !isfinite(row[n->column[v]])) continue;
        out->value[v] = fmaxf(-1, fminf(1, row[n->column[v]]));
        out->sd[v] = n->sd[v];
    }
    return AFFECT_OK;
}
