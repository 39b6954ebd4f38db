/* Expression posteriors: the one place where a network drops in. At present the picture is read by
 * the expression model if there is one, the geometry by a softmax regression fitted on FER+ votes
 * (Barsoum et al. 2016, arXiv 1608.01041), and the two are multiplied as experts. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "face/internal.h"

const char *const face_category_names[FACE_CATEGORIES] = {
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"};

/* Valence, arousal, dominance of the categories: means of Russell & Mehrabian 1977 (J. Research in
 * Personality 11, 273-294), table 2; neutral is the origin with lowered arousal, contempt is ours.
 */
static const float positions[FACE_CATEGORIES][3] = {
    {0.0f, -0.10f, 0.0f},     {0.81f, 0.51f, 0.46f},  {0.40f, 0.67f, -0.13f},
    {-0.63f, -0.27f, -0.33f}, {-0.51f, 0.59f, 0.25f}, {-0.60f, 0.35f, 0.11f},
    {-0.64f, 0.60f, -0.43f},  {-0.45f, 0.10f, 0.25f}};
static const float inner_sd = 0.25f; /* of one person's state within a category, per dimension */

void expression_posteriors(const face_population *p, const float deviation[FACE_MEASURES],
                           const float looked[FACE_CATEGORIES], float out[FACE_CATEGORIES]) {
    double logit[FACE_CATEGORIES], best = -INFINITY, sum = 0;
    for (int c = 0; c < FACE_CATEGORIES; c++) {
        double v = (double)p->weights[c][FACE_MEASURES] + (looked ? (double)looked[c] : 0);
        for (int k = 0; k < FACE_MEASURES; k++)
            v += (double)p->weights[c][k] * fmax(-6, fmin(6, (double)deviation[k]));
        logit[c] = v;
        best = fmax(best, v);
    }
    for (int c = 0; c < FACE_CATEGORIES; c++) sum += logit[c] = exp(logit[c] - best);
    for (int c = 0; c < FACE_CATEGORIES; c++) out[c] = (float)(logit[c] / sum);
}

void expression_affect(const float posteriors[FACE_CATEGORIES], float confidence, float out[6]) {
    for (int d = 0; d < 3; d++) {
        float mean = 0, square = 0;
        for (int c = 0; c < FACE_CATEGORIES; c++) mean += posteriors[c] * positions[c][d];
        for (int c = 0; c < FACE_CATEGORIES; c++) {
            float away = positions[c][d] - mean;
            square += posteriors[c] * away * away;
        }
        out[d] = mean;
        out[3 + d] = sqrtf((square + inner_sd * inner_sd) / fmaxf(confidence, 0.05f));
    }
}

/* ---- the picture ---- */

enum { LABELS_MAX = 32 };

struct expresser {
    infer_model *model;
    bool raw;
    int size, channels; /* square input, 1 or 3 channels, values -1..1 */
    size_t label_count;
    float (*weights)[FACE_CATEGORIES]; /* label_count rows: log-odds per log-probability */
    float constant[FACE_CATEGORIES];
    float *crop, *input;
};

static bool read_row(const json_t *array, float out[FACE_CATEGORIES]) {
    if (!json_is_array(array) || json_array_size(array) != FACE_CATEGORIES) return false;
    for (size_t c = 0; c < FACE_CATEGORIES; c++) {
        out[c] = (float)json_number_value(json_array_get(array, c));
        if (!json_is_number(json_array_get(array, c)) || !isfinite(out[c])) return false;
    }
    return true;
}

/* The card may say how the model's log-probabilities count ("calibration": {"constant": [8],
 * "weights": {LABEL: [8], ...}}); without that, a label that is one of our categories counts for
 * it, fully. */
static affect_status read_calibration(affect_context *ctx, expresser *e) {
    const infer_card *card = infer_model_card(e->model);
    json_t *root = json_loads(card->json, 0, NULL);
    const json_t *calibration = json_object_get(root, "calibration");
    affect_status status = AFFECT_OK;
    bool good = true;
    if (calibration) good = read_row(json_object_get(calibration, "constant"), e->constant);
    for (size_t i = 0; good && i < e->label_count; i++) {
        if (calibration) {
            const json_t *rows = json_object_get(calibration, "weights");
            good = read_row(json_object_get(rows, card->labels[i]), e->weights[i]);
        } else
            for (int c = 0; c < FACE_CATEGORIES; c++)
                e->weights[i][c] = strcmp(card->labels[i], face_category_names[c]) == 0;
    }
    if (!good)
        status =
            base_fail(ctx, AFFECT_ERROR_MODEL,
                      "model %s: \"calibration\" should hold \"constant\" and, for each label, "
                      "a row of %d numbers",
                      card->name, FACE_CATEGORIES);
    json_decref(root);
    return status;
}

static affect_status create(affect_context *ctx, const char *model, bool raw, expresser **out) {
    *out = NULL;
    expresser *e = base_calloc(1, sizeof *e);
    if (!e) return base_fail_memory(ctx);
    e->raw = raw;
    affect_status status = infer_model_load(ctx, model, 1, &e->model);
    if (!status) {
        infer_tensor in = infer_model_input(e->model, 0);
        e->size = in.rank == 4 ? (int)in.shape[1] : 0;
        e->channels = in.rank == 4 ? (int)in.shape[3] : 0;
        e->label_count = infer_model_card(e->model)->label_count;
        if (e->size < 16 || e->size > 1024 || in.shape[2] != e->size ||
            (e->channels != 1 && e->channels != 3) || in.type != INFER_F32 || !e->label_count ||
            e->label_count > LABELS_MAX)
            status = base_fail(ctx, AFFECT_ERROR_MODEL,
                               "model %s is no expression model: it should take [1,S,S,1 or 3] and "
                               "its card should name its labels",
                               infer_model_card(e->model)->name);
    }
    if (!status) {
        size_t pixels = (size_t)e->size * (size_t)e->size;
        e->crop = base_alloc(pixels * 3 * sizeof(float));
        e->input = base_alloc(pixels * 3 * sizeof(float));
        e->weights = base_calloc(e->label_count, sizeof *e->weights);
        if (!e->crop || !e->input || !e->weights) status = base_fail_memory(ctx);
    }
    if (!status && !raw) status = read_calibration(ctx, e);
    if (status) {
        expresser_destroy(e);
        return status;
    }
    *out = e;
    return AFFECT_OK;
}

affect_status expresser_create(affect_context *ctx, const char *model, expresser **out) {
    return create(ctx, model, false, out);
}

affect_status expresser_create_raw(affect_context *ctx, const char *model, expresser **out) {
    return create(ctx, model, true, out);
}

void expresser_destroy(expresser *e) {
    if (!e) return;
    infer_model_destroy(e->model);
    base_free(e->weights);
    base_free(e->crop);
    base_free(e->input);
    base_free(e);
}

affect_status expresser_look(affect_context *ctx, expresser *e, const media_frame *frame,
                             const face_mesh *mesh, float out[]) {
    face_roi roi = mesh_roi(mesh);
    roi.side /= 1.5f; /* the tight square on which such networks are trained */
    image_crop(frame, &roi, e->size, 2.0f / 255.0f, -1.0f, e->crop);
    size_t pixels = (size_t)e->size * (size_t)e->size;
    float *input = e->crop;
    if (e->channels == 1) { /* luma of ITU-R BT.601 */
        input = e->input;
        for (size_t i = 0; i < pixels; i++)
            input[i] =
                0.299f * e->crop[3 * i] + 0.587f * e->crop[3 * i + 1] + 0.114f * e->crop[3 * i + 2];
    }
    infer_tensor in = {
        .type = INFER_F32, .rank = 4, .shape = {1, e->size, e->size, e->channels}, .data = input};
    infer_tensor result = {0};
    affect_status status = infer_model_run(ctx, e->model, &in, 1, &result, 1);
    if (status) return status;
    int64_t n = 1;
    for (size_t d = 0; d < result.rank; d++) n *= result.shape[d];
    if (n != (int64_t)e->label_count || result.type != INFER_F32)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "model %s: the card names %zu labels, but %lld come",
                         infer_model_card(e->model)->name, e->label_count, (long long)n);
    float logs[LABELS_MAX], mean = 0;
    for (size_t i = 0; i < e->label_count; i++) {
        float p = ((const float *)result.data)[i];
        logs[i] = logf(fmaxf(1e-4f, fminf(1, isfinite(p) ? p : 0)));
        mean += logs[i] / (float)e->label_count;
    }
    for (size_t i = 0; e->raw && i < e->label_count; i++) out[i] = logs[i] - mean;
    for (int c = 0; !e->raw && c < FACE_CATEGORIES; c++) {
        out[c] = e->constant[c];
        for (size_t i = 0; i < e->label_count; i++) out[c] += e->weights[i][c] * (logs[i] - mean);
    }
    return AFFECT_OK;
}
