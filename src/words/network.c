/* Text to tokens to units to network. */
#include "words/network.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "nn/model.h"
#include "words/units.h"

enum { VALUES = 3, OUTPUTS = WORDS_NETWORK_LABELS + 8 };
static const char *const value_names[VALUES] = {"valence", "arousal", "dominance"};

/* Below this share of known words the text is of another language, or names. */
static const float least_coverage = 0.5F;

struct words_network {
    nn_model *model;
    word_units *units;
    size_t classes;
    int column[VALUES]; /* of the output row; -1 = none */
    float sd[VALUES], threshold;
    int32_t index[WORD_UNITS_TOKENS * WORD_UNITS_PIECES];
    size_t start[WORD_UNITS_TOKENS + 1];
};

static affect_status take_card(affect_context *ctx, words_network *n) {
    const infer_card *card = nn_model_card(n->model);
    const nn_net_options *o = nn_net_get_options(nn_model_net(n->model));
    n->classes = nn_model_classes(n->model);
    if (!base_starts_with(o->kind, "text") || !nn_model_multi_label(n->model) || n->classes < 1 ||
        n->classes > WORDS_NETWORK_LABELS || o->outputs > OUTPUTS ||
        card->label_count != o->outputs || card->file_count < 2)
        return base_fail(
            ctx, AFFECT_ERROR_MODEL,
            "model %s is no text emotion model: its network is \"%s\", expected a text "
            "network with several labels and a vocabulary beside its weights",
            card->name, o->kind);
    char *path = infer_card_path(card, card->files[1].name);
    affect_status status = path ? word_units_open(ctx, path, &n->units) : base_fail_memory(ctx);
    base_free(path);
    if (status != AFFECT_OK) return status;
    if (word_units_count(n->units) != o->vocabulary)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "model %s: the vocabulary has %zu units, the network %zu", card->name,
                         word_units_count(n->units), o->vocabulary);
    json_t *root = json_loads(card->json, 0, NULL);
    const json_t *errors = json_object_get(json_object_get(root, "validation"), "errors");
    double threshold = json_number_value(json_object_get(root, "threshold"));
    n->threshold = threshold > 0 ? (float)threshold : 0.5F;
    for (size_t v = 0; v < VALUES; v++) {
        n->column[v] = -1;
        for (size_t i = n->classes; i < card->label_count; i++)
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
    affect_status status = nn_model_load(ctx, model, &n->model);
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
    nn_model_destroy(n->model);
    word_units_destroy(n->units);
    base_free(n);
}

const char *words_network_model(const words_network *n) { return nn_model_card(n->model)->name; }

const char *const *words_network_labels(const words_network *n, size_t *count) {
    *count = n->classes;
    return (const char *const *)nn_model_card(n->model)->labels;
}

float words_network_threshold(const words_network *n) { return n->threshold; }
bool words_network_has_values(const words_network *n) {
    return n->column[0] >= 0 && n->column[1] >= 0;
}

/* Fills index and start; returns the number of tokens. */
static size_t take_tokens(words_network *n, const char *text) {
    size_t tokens = 0, total = 0;
    char token[WORD_UNITS_TOKEN_SIZE];
    for (size_t at = 0; tokens < WORD_UNITS_TOKENS && word_units_token(text, &at, token);) {
        n->start[tokens++] = total;
        total += word_units_of(n->units, token, false, n->index + total, WORD_UNITS_PIECES);
    }
    n->start[tokens] = total;
    return tokens;
}

affect_status words_network_read(affect_context *ctx, words_network *n, const char *text,
                                 words_reading *out) {
    *out = (words_reading){.value = {NAN, NAN, NAN}, .sd = {NAN, NAN, NAN}};
    size_t tokens = take_tokens(n, text);
    out->coverage = word_units_coverage(n->units, text);
    out->scored = tokens && out->coverage >= least_coverage;
    if (!out->scored) return AFFECT_OK;
    float row[OUTPUTS], surface[WORD_UNITS_SURFACE];
    word_units_surface(text, surface);
    nn_batch batch = {.count = 1,
                      .steps = tokens,
                      .length = &tokens,
                      .index = n->index,
                      .start = n->start,
                      .side = surface};
    affect_status status = nn_model_run(ctx, n->model, &batch, row);
    if (status != AFFECT_OK) return status;
    out->known = nn_model_known(n->model, 0);
    memcpy(out->posteriors, row, n->classes * sizeof *row);
    for (size_t v = 0; v < VALUES; v++) {
        if (n->column[v] < 0 || !isfinite(row[n->column[v]])) continue;
        out->value[v] = fmaxf(-1, fminf(1, row[n->column[v]]));
        out->sd[v] = n->sd[v];
    }
    return AFFECT_OK;
}
