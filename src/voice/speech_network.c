/* Samples to network to categories. Our own networks take the summary of a stretch, or, as others of
 * these inputs, a log-mel spectrogram; another model's first input may also be the samples
 * themselves. */
#include "voice/speech_network.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "infer/infer.h"
#include "nn/net.h"
#include "voice/egemaps.h"

enum { VALUES = 3, OUTPUTS = VOICE_NETWORK_CLASSES + 8 };
static const char *const value_names[VALUES] = {"valence", "arousal", "dominance"};

struct voice_network {
    infer_model *model;
    infer_classes outputs;
    voice_log_mel *mel; /* NULL: the network takes samples */
    bool normalise;     /* samples: to mean 0 and deviation 1 */
    bool lengths;       /* the second input says how many rows count */
    double low, high;   /* the range of the values */
    double trim_db;     /* 0 = the clips of the training kept their ends */
    size_t bands;
    const char *labels[VOICE_NETWORK_CLASSES]; /* borrowed: ours or the card's */
    size_t label_count, label_of[VOICE_NETWORK_CLASSES];
    int column[VALUES]; /* of the output row; -1 = none */
    float sd[VALUES];
    float *frames;
    size_t frame_capacity;
    voice_egemaps *whole;   /* NULL: the network wants no functionals */
    voice_summary *summary; /* NULL: the network takes something else; then it has no spectrogram */
    size_t side;            /* numbers of the one or the other */
    bool known;             /* what they are usually like; else they go in as they are */
    float usual[VOICE_SUMMARY_WIDTH], spread[VOICE_SUMMARY_WIDTH]; /* of the training */
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

static void take_labels(voice_network *n, const model_card *card) {
    for (size_t i = 0; i < n->outputs.classes; i++) {
        const char *name = category_of(card->labels[i]);
        size_t at = 0;
        while (at < n->label_count && strcmp(n->labels[at], name) != 0) at++;
        if (at == n->label_count) n->labels[n->label_count++] = name;
        n->label_of[i] = at;
    }
}

/* The card's validation.errors are root mean square errors; without them a value says little. */
static void take_values(voice_network *n, const model_card *card) {
    json_t *root = json_loads(card->json, 0, NULL);
    const json_t *errors = json_object_get(json_object_get(root, "validation"), "errors");
    for (size_t v = 0; v < VALUES; v++) {
        n->column[v] = -1;
        for (size_t i = n->outputs.classes; i < card->label_count; i++)
            if (strcmp(card->labels[i], value_names[v]) == 0) n->column[v] = (int)i;
        double sd = json_number_value(json_object_get(errors, value_names[v]));
        n->sd[v] = sd > 0 ? (float)sd : 0.5F;
    }
    json_decref(root);
}

/* Whether the inputs are ones that can be given: samples; a spectrogram; with it lengths and the
 * functionals. */
static bool take_inputs(voice_network *n, bool *functionals) {
    const infer_tensor first = infer_model_input(n->model, 0);
    const size_t count = infer_model_input_count(n->model);
    if (first.type != INFER_F32) return false;
    if (first.rank == 2 && strcmp(first.name, "side") == 0) {
        n->side = VOICE_SUMMARY_WIDTH;
        return count == 1 && first.shape[1] == VOICE_SUMMARY_WIDTH;
    }
    if (first.rank == 2) return count == 1;
    if (first.rank != 3 || first.shape[2] < 8 || first.shape[2] > 512 || count > 3) return false;
    n->bands = (size_t)first.shape[2];
    for (size_t i = 1; i < count; i++) {
        const infer_tensor in = infer_model_input(n->model, i);
        if (strcmp(in.name, "length") == 0)
            n->lengths = in.type == INFER_I64;
        else if (strcmp(in.name, "side") == 0)
            *functionals = in.rank == 2 && in.shape[1] == VOICE_EGEMAPS_FUNCTIONALS;
        else
            return false;
    }
    return count == 1 + (size_t)n->lengths + (size_t)*functionals;
}

static affect_status take_card(affect_context *ctx, voice_network *n) {
    const model_card *card = infer_model_card(n->model);
    const infer_classes *o = &n->outputs;
    bool functionals = false;
    affect_status status = infer_model_classes(ctx, n->model, &n->outputs);
    if (status != AFFECT_OK) return status;
    if (!take_inputs(n, &functionals) || o->several || o->classes < 2 ||
        o->classes > VOICE_NETWORK_CLASSES || o->classes + o->values > OUTPUTS)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "model %s is no voice emotion model: expected samples [n, t], a "
                         "spectrogram [n, t, bands] "
                         "or our summary as input, one label a sample and 2 to %d classes, "
                         "not %zu",
                         card->name, VOICE_NETWORK_CLASSES, o->classes);
    take_labels(n, card);
    take_values(n, card);
    json_t *root = json_loads(card->json, 0, NULL);
    const json_t *input = json_object_get(root, "input"),
                 *range = json_object_get(root, "value_range");
    double step = json_number_value(json_object_get(input, "step_s"));
    n->trim_db = json_number_value(json_object_get(input, "trim_db"));
    n->normalise = json_is_true(json_object_get(input, "normalise"));
    n->low = range ? json_number_value(json_array_get(range, 0)) : -1;
    n->high = range ? json_number_value(json_array_get(range, 1)) : 1;
    json_decref(root);
    if (!(n->low < n->high))
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "%s/card.json: 'value_range': expected the lowest and the highest value",
                         card->folder);
    if (n->bands) {
        voice_log_mel_options mel = voice_log_mel_network(n->bands, step > 0 ? step : .016);
        status = voice_log_mel_create(ctx, &mel, &n->mel);
    }
    if (status == AFFECT_OK && n->side) {
        n->known = infer_model_side(n->model, n->usual, n->spread);
        return voice_summary_create(ctx, &n->summary);
    }
    if (status == AFFECT_OK && functionals) {
        n->side = VOICE_EGEMAPS_FUNCTIONALS;
        n->known = infer_model_side(n->model, n->usual, n->spread);
        status = voice_egemaps_create(ctx, VOICE_NETWORK_RATE, &n->whole);
    }
    return status;
}

affect_status voice_network_create(affect_context *ctx, const char *model, voice_network **out) {
    *out = NULL;
    voice_network *n = base_calloc(1, sizeof *n);
    if (!n) return base_fail_memory(ctx);
    affect_status status = infer_model_load(ctx, model, 1, &n->model);
    if (status == AFFECT_OK) status = take_card(ctx, n);
    if (status != AFFECT_OK) {
        voice_network_destroy(n);
        return status;
    }
    *out = n;
    return AFFECT_OK;
}

void voice_network_destroy(voice_network *n) {
    if (!n) return;
    infer_model_destroy(n->model);
    voice_log_mel_destroy(n->mel);
    voice_egemaps_destroy(n->whole);
    voice_summary_destroy(n->summary);
    base_free(n->frames);
    base_free(n);
}

const char *voice_network_model(const voice_network *n) { return infer_model_card(n->model)->name; }

const char *const *voice_network_labels(const voice_network *n, size_t *count) {
    *count = n->label_count;
    return n->labels;
}

bool voice_network_has_values(const voice_network *n) {
    return n->column[0] >= 0 && n->column[1] >= 0;
}

/* Adds the numbers to what is known of the voice and standardises them against that. */
static void stand_against(const voice_network *n, voice_speaker_statistics *h, double fresh,
                          float side[]) {
    const double longest = 60; /* clips */
    for (size_t k = 0; k < n->side; k++) {
        double x = (double)side[k];
        if (isnan(x)) continue;
        double fade = fmin(1, longest / (h->weight[k] + fresh));
        h->weight[k] = fade * (h->weight[k] + fresh);
        h->sum[k] = fade * (h->sum[k] + fresh * x);
        h->square[k] = fade * (h->square[k] + fresh * x * x);
        side[k] = voice_against(side[k], n->usual[k], n->spread[k], h->weight[k], h->sum[k],
                                h->square[k]);
    }
}

/* The raw output as categories and values. */
static void give(const voice_network *n, const float *row, voice_heard *out) {
    for (size_t i = 0; i < n->outputs.classes; i++) out->posteriors[n->label_of[i]] += row[i];
    for (size_t v = 0; v < VALUES; v++) {
        bool says = n->column[v] >= 0 && isfinite(row[n->column[v]]);
        double x = says ? (double)row[n->column[v]] : 0;
        if (n->low != -1 || n->high != 1) x = (2 * x - n->low - n->high) / (n->high - n->low);
        out->value[v] = says ? fmaxf(-1, fminf(1, (float)x)) : NAN;
        out->sd[v] = says ? n->sd[v] : NAN;
    }
}

/* A network that takes samples. */
static affect_status hear_samples(affect_context *ctx, voice_network *n, const float *samples,
                                  size_t count, voice_heard *out) {
    float row[OUTPUTS], usual;
    if (!base_grow((void **)&n->frames, &n->frame_capacity, count, sizeof *n->frames))
        return base_fail_memory(ctx);
    memcpy(n->frames, samples, count * sizeof *n->frames);
    if (n->normalise) nn_standardise(n->frames, count);
    const infer_tensor in = {
        .type = INFER_F32, .rank = 2, .shape = {1, (int64_t)count}, .data = n->frames};
    affect_status status = infer_model_classify(ctx, n->model, &n->outputs, &in, 1, 1, row, &usual);
    if (status != AFFECT_OK) return status;
    *out = (voice_heard){.in_distribution = usual};
    give(n, row, out);
    return AFFECT_OK;
}

/* A network that takes the summary: against the voice's own, where that is known. How usual it is for
 * the network does not count: as fitted, on clips whose voices are known by all their others, it
 * calls two in three single clips of an unheard actor unusual, the right answers with the wrong. */
static affect_status hear_summary(affect_context *ctx, voice_network *n, const float *samples,
                                  size_t count, voice_speaker_statistics *statistics, double fresh,
                                  voice_heard *out) {
    float side[VOICE_SUMMARY_WIDTH], row[OUTPUTS], usual;
    bool relative = statistics && n->known;
    affect_status status = voice_summary_describe(n->summary, samples, count, side);
    if (status != AFFECT_OK) return status;
    if (relative)
        stand_against(n, statistics, fresh, side);
    else
        side[VOICE_SUMMARY_LEVEL] = NAN; /* of a recording that nothing is known about */
    const infer_tensor inputs[] = {
        {.name = "side",
         .type = INFER_F32,
         .rank = 2,
         .shape = {1, VOICE_SUMMARY_WIDTH},
         .data = side},
        {.name = "relative", .type = INFER_BOOL, .rank = 1, .shape = {1}, .data = &relative}};
    status = infer_model_classify(ctx, n->model, &n->outputs, inputs, 2, 1, row, &usual);
    if (status != AFFECT_OK) return status;
    *out = (voice_heard){.in_distribution = 1};
    give(n, row, out);
    return AFFECT_OK;
}

affect_status voice_network_hear(affect_context *ctx, voice_network *n, const float *samples,
                                 size_t count, voice_speaker_statistics *statistics, double fresh,
                                 voice_heard *out) {
    if (n->trim_db > 0) voice_trim(&samples, &count, n->trim_db);
    if (!n->mel) {
        if (n->summary && count >= VOICE_NETWORK_LEAST)
            return hear_summary(ctx, n, samples, count, statistics, fresh, out);
        if (n->summary || count < VOICE_NETWORK_RATE / 8)
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%zu samples of speech are too few",
                             count);
        return hear_samples(ctx, n, samples, count, out);
    }
    size_t rows = voice_log_mel_frames(n->mel, count), steps = (rows + 7) / 8 * 8;
    if (rows < 8)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%zu samples of speech are too few", count);
    /* With statistics the stretch goes in twice, against the voice's own and by itself: a strange
     * voice is no stranger to itself, so how usual it is is told by the less usual of the two. */
    enum { OWN, ALONE, MOST };
    bool relative[MOST] = {statistics && n->whole && n->known, false};
    size_t ways = relative[OWN] ? MOST : 1, size = steps * n->bands;
    int64_t lengths[MOST] = {(int64_t)rows, (int64_t)rows};
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
            stand_against(n, statistics, fresh, side);
        }
    }
    infer_tensor inputs[4] = {{.type = INFER_F32,
                               .rank = 3,
                               .shape = {(int64_t)ways, (int64_t)steps, (int64_t)n->bands},
                               .data = n->frames}};
    size_t given = 1;
    if (n->lengths)
        inputs[given++] = (infer_tensor){.name = "length",
                                         .type = INFER_I64,
                                         .rank = 1,
                                         .shape = {(int64_t)ways},
                                         .data = lengths};
    if (n->whole)
        inputs[given++] = (infer_tensor){.name = "side",
                                         .type = INFER_F32,
                                         .rank = 2,
                                         .shape = {(int64_t)ways, VOICE_EGEMAPS_FUNCTIONALS},
                                         .data = side};
    if (relative[OWN])
        inputs[given++] = (infer_tensor){.name = "relative",
                                         .type = INFER_BOOL,
                                         .rank = 1,
                                         .shape = {(int64_t)ways},
                                         .data = relative};
    float usual[MOST];
    status = infer_model_classify(ctx, n->model, &n->outputs, inputs, given, ways, row, usual);
    if (status != AFFECT_OK) return status;
    *out = (voice_heard){.in_distribution = fminf(usual[OWN], usual[ways - 1])};
    give(n, row, out);
    return AFFECT_OK;
}
