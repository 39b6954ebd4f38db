/* Samples to spectrogram to network to categories. */
#include "voice/network.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "nn/model.h"
#include "voice/egemaps.h"

enum { VALUES = 3, OUTPUTS = VOICE_NETWORK_CLASSES + 8 };
static const char *const value_names[VALUES] = {"valence", "arousal", "dominance"};

struct voice_network {
    nn_model *model;
    voice_log_mel *mel;
    double trim_db; /* 0 = the clips of the training kept their ends */
    size_t bands, classes;
    const char *labels[VOICE_NETWORK_CLASSES]; /* borrowed: ours or the card's */
    size_t label_count, label_of[VOICE_NETWORK_CLASSES];
    int column[VALUES]; /* of the output row; -1 = none */
    float sd[VALUES];
    float *frames;
    size_t frame_capacity;
    voice_egemaps *whole; /* NULL: the network wants no functionals */
    float usual[VOICE_EGEMAPS_FUNCTIONALS], spread[VOICE_EGEMAPS_FUNCTIONALS]; /* of the training */
};

/* Spellings of our categories that the field's corpora use. */
static const char *category_of(const char *label) {
    static const char *const spellings[][2] = {{"calm", "neutral"},      {"happy", "happiness"},
                                               {"joy", "happiness"},     {"surprised", "surprise"},
                                               {"sad", "sadness"},       {"angry", "anger"},
                                               {"disgusted", "disgust"}, {"fearful", "fear"}};
    for (size_t i = 0; i < BASE_COUNT(spellings); i++)
        if (base_equal_ignore_case(label, spellings[i][0])) return spellings[i][1];
    return label;
}

static void take_labels(voice_network *n, const infer_card *card) {
    for (size_t i = 0; i < n->classes; i++) {
        const char *name = category_of(card->labels[i]);
        size_t at = 0;
        while (at < n->label_count && strcmp(n->labels[at], name) != 0) at++;
        if (at == n->label_count) n->labels[n->label_count++] = name;
        n->label_of[i] = at;
    }
}

/* The card's validation.errors are root mean square errors; without them a value says little. */
static void take_values(voice_network *n, const infer_card *card) {
    json_t *root = json_loads(card->json, 0, NULL);
    const json_t *errors = json_object_get(json_object_get(root, "validation"), "errors");
    for (size_t v = 0; v < VALUES; v++) {
        n->column[v] = -1;
        for (size_t i = n->classes; i < card->label_count; i++)
            if (strcmp(card->labels[i], value_names[v]) == 0) n->column[v] = (int)i;
        double sd = json_number_value(json_object_get(errors, value_names[v]));
        n->sd[v] = sd > 0 ? (float)sd : 0.5F;
    }
    json_decref(root);
}

affect_status voice_network_create(affect_context *ctx, const char *model, voice_network **out) {
    *out = NULL;
    voice_network *n = base_calloc(1, sizeof *n);
    if (!n) return base_fail_memory(ctx);
    affect_status status = nn_model_load(ctx, model, &n->model);
    if (status == AFFECT_OK) {
        const infer_card *card = nn_model_card(n->model);
        const nn_net_options *o = nn_net_get_options(nn_model_net(n->model));
        n->bands = o->inputs;
        n->classes = nn_model_classes(n->model);
        if (!base_starts_with(o->kind, "voice") || nn_model_multi_label(n->model) ||
            n->classes < 2 || n->classes > VOICE_NETWORK_CLASSES || o->outputs > OUTPUTS ||
            (o->side && o->side != VOICE_EGEMAPS_FUNCTIONALS) || card->label_count != o->outputs)
            status = base_fail(
                ctx, AFFECT_ERROR_MODEL,
                "model %s is no voice emotion model: its network is \"%s\" with %zu "
                "outputs and %zu labels, expected a voice network of 2 to %d classes",
                card->name, o->kind, o->outputs, card->label_count, VOICE_NETWORK_CLASSES);
        if (status == AFFECT_OK) {
            take_labels(n, card);
            take_values(n, card);
            json_t *root = json_loads(card->json, 0, NULL);
            const json_t *input = json_object_get(root, "input");
            double step = json_number_value(json_object_get(input, "step_s"));
            n->trim_db = json_number_value(json_object_get(input, "trim_db"));
            json_decref(root);
            voice_log_mel_options mel = voice_log_mel_network(n->bands, step > 0 ? step : .016);
            status = voice_log_mel_create(ctx, &mel, &n->mel);
            if (status == AFFECT_OK && o->side) {
                nn_net_get_side(nn_model_net(n->model), n->usual, n->spread);
                status = voice_egemaps_create(ctx, VOICE_NETWORK_RATE, &n->whole);
            }
        }
    }
    if (status != AFFECT_OK) {
        voice_network_destroy(n);
        return status;
    }
    *out = n;
    return AFFECT_OK;
}

void voice_network_destroy(voice_network *n) {
    if (!n) return;
    nn_model_destroy(n->model);
    voice_log_mel_destroy(n->mel);
    voice_egemaps_destroy(n->whole);
    base_free(n->frames);
    base_free(n);
}

const char *voice_network_model(const voice_network *n) { return nn_model_card(n->model)->name; }

const char *const *voice_network_labels(const voice_network *n, size_t *count) {
    *count = n->label_count;
    return n->labels;
}

bool voice_network_has_values(const voice_network *n) {
    return n->column[0] >= 0 && n->column[1] >= 0;
}

/* Adds the functionals to what is known of the voice and standardises them against that: with the
 * moments of `borrowed` clips of the training's voices and of all that was heard of this one. */
static void stand_against(const voice_network *n, voice_habits *h, double fresh, float side[]) {
    const double borrowed = 4, longest = 60; /* clips */
    for (size_t k = 0; k < VOICE_EGEMAPS_FUNCTIONALS; k++) {
        double x = (double)side[k], usual = (double)n->usual[k], spread = (double)n->spread[k];
        if (isnan(x)) continue;
        double fade = fmin(1, longest / (h->weight[k] + fresh));
        h->weight[k] = fade * (h->weight[k] + fresh);
        h->sum[k] = fade * (h->sum[k] + fresh * x);
        h->square[k] = fade * (h->square[k] + fresh * x * x);
        double all = borrowed + h->weight[k], mean = (borrowed * usual + h->sum[k]) / all;
        double square = (borrowed * (spread * spread + usual * usual) + h->square[k]) / all;
        double deviation = sqrt(fmax(square - mean * mean, 0));
        side[k] = deviation > 0 ? (float)((x - mean) / deviation) : 0;
    }
}

affect_status voice_network_hear(affect_context *ctx, voice_network *n, const float *samples,
                                 size_t count, voice_habits *habits, double fresh,
                                 voice_heard *out) {
    if (n->trim_db > 0) voice_trim(&samples, &count, n->trim_db);
    size_t rows = voice_log_mel_frames(n->mel, count), steps = (rows + 7) / 8 * 8;
    if (rows < 8)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%zu samples of speech are too few", count);
    /* With habits the stretch goes in twice, against the voice's own and by itself: a strange voice
     * is no stranger to itself, so how usual it is is told by the less usual of the two. */
    enum { OWN, ALONE, MOST };
    bool relative[MOST] = {habits && n->whole, false};
    size_t ways = relative[OWN] ? MOST : 1, size = steps * n->bands;
    size_t lengths[MOST] = {rows, rows};
    if (!base_grow((void **)&n->frames, &n->frame_capacity, ways * size, sizeof *n->frames))
        return base_fail_memory(ctx);
    affect_status status = voice_log_mel_compute(ctx, n->mel, samples, count, n->frames);
    if (status != AFFECT_OK) return status;
    nn_standardise(n->frames, rows * n->bands);
    memset(n->frames + rows * n->bands, 0, (size - rows * n->bands) * sizeof *n->frames);
    if (ways == MOST) memcpy(n->frames + size, n->frames, size * sizeof *n->frames);
    float row[MOST * OUTPUTS], side[MOST * VOICE_EGEMAPS_FUNCTIONALS];
    if (n->whole) {
        float *alone = side + (ways - 1) * VOICE_EGEMAPS_FUNCTIONALS;
        status = voice_egemaps_describe(n->whole, samples, count, alone);
        if (status != AFFECT_OK) return status;
        if (relative[OWN]) {
            memcpy(side, alone, VOICE_EGEMAPS_FUNCTIONALS * sizeof *side);
            stand_against(n, habits, fresh, side);
        }
    }
    nn_batch batch = {.count = ways,
                      .data = n->frames,
                      .steps = steps,
                      .bands = n->bands,
                      .length = lengths,
                      .side = n->whole ? side : NULL,
                      .relative = relative};
    status = nn_model_run(ctx, n->model, &batch, row);
    if (status != AFFECT_OK) return status;
    *out = (voice_heard){
        .known = fminf(nn_model_known(n->model, OWN), nn_model_known(n->model, ways - 1))};
    for (size_t i = 0; i < n->classes; i++) out->posteriors[n->label_of[i]] += row[i];
    for (size_t v = 0; v < VALUES; v++) {
        bool says = n->column[v] >= 0 && isfinite(row[n->column[v]]);
        out->value[v] = says ? fmaxf(-1, fminf(1, row[n->column[v]])) : NAN;
        out->sd[v] = says ? n->sd[v] : NAN;
    }
    return AFFECT_OK;
}
