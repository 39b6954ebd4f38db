/* Expression posteriors: the one place where a network drops in. The picture is read by our own
 * network (nn/model.h) or by any ONNX model whose card names its labels, the geometry by a softmax
 * regression fitted on FER+ votes (Barsoum et al. 2016, arXiv 1608.01041), and the two are
 * multiplied as experts. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "face/internal.h"
#include "nn/model.h"

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
                           const float looked[FACE_CATEGORIES], float weight,
                           float out[FACE_CATEGORIES]) {
    double logit[FACE_CATEGORIES], best = -INFINITY, sum = 0;
    for (int c = 0; c < FACE_CATEGORIES; c++) {
        double v = (double)p->weights[c][FACE_MEASURES];
        for (int k = 0; k < FACE_MEASURES; k++)
            v += (double)p->weights[c][k] * fmax(-6, fmin(6, (double)deviation[k]));
        logit[c] = (double)weight * v + (looked ? (double)looked[c] : 0);
        best = fmax(best, logit[c]);
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

enum { LABELS_MAX = 32, NETWORK_SIDE = 48 };

/* How our own network's log-posteriors and the geometry's log-odds count together, fitted on FER+
 * valid (two-fold; tools/face/face-fit --join prints it). */
static const float network_weight = 0.75f, geometry_beside_network = 0.1f;

/* The square that our network was trained to see, in units of the tight square around the mesh
 * (medians of FER+ valid, printed by tools/face/face-frame). FER's faces are not turned upright;
 * nine in ten lean by less than this, and what leans more is turned back by the rest. */
static const float frame_side = 1.08f, frame_up = 0.05f, frame_lean = 0.18f;

struct expresser {
    infer_model *model; /* one of these two */
    nn_model *network;
    bool raw;
    int size, channels; /* square input, 1 or 3 channels, values -1..1 */
    size_t label_count;
    float (*weights)[FACE_CATEGORIES]; /* label_count rows: log-odds per log-probability */
    float constant[FACE_CATEGORIES];
    float *crop, *input;
};

face_roi expression_frame(const face_mesh *mesh, float side, float up, float upright) {
    face_roi roi = mesh_roi(mesh);
    float tight = roi.side / 1.5f, shift = up * tight;
    roi.x += shift * sinf(roi.angle);
    roi.y -= shift * cosf(roi.angle);
    roi.side = side * tight;
    float lean = fmaxf(-frame_lean, fminf(frame_lean, roi.angle));
    roi.angle -= (1 - upright) * lean;
    return roi;
}

static const infer_card *card_of(const expresser *e) {
    return e->network ? nn_model_card(e->network) : infer_model_card(e->model);
}

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
    const infer_card *card = card_of(e);
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
                e->weights[i][c] = strcmp(card->labels[i], face_category_names[c]) == 0
                                       ? (e->network ? network_weight : 1)
                                       : 0;
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

static affect_status open_onnx(affect_context *ctx, const char *model, expresser *e) {
    affect_status status = infer_model_load(ctx, model, 1, &e->model);
    if (status) return status;
    infer_tensor in = infer_model_input(e->model, 0);
    e->size = in.rank == 4 ? (int)in.shape[1] : 0;
    e->channels = in.rank == 4 ? (int)in.shape[3] : 0;
    e->label_count = card_of(e)->label_count;
    if (e->size < 16 || e->size > 1024 || in.shape[2] != e->size ||
        (e->channels != 1 && e->channels != 3) || in.type != INFER_F32 || !e->label_count ||
        e->label_count > LABELS_MAX)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "model %s is no expression model: it should take [1,S,S,1 or 3] and "
                         "its card should name its labels",
                         card_of(e)->name);
    return AFFECT_OK;
}

static affect_status open_network(affect_context *ctx, const char *model, expresser *e) {
    affect_status status = nn_model_load(ctx, model, &e->network);
    if (status) return status;
    const char *kind = nn_net_get_options(nn_model_net(e->network))->kind;
    e->size = NETWORK_SIDE;
    e->channels = 1;
    e->label_count = nn_model_classes(e->network);
    if (!base_starts_with(kind, "face") || nn_model_multi_label(e->network) || !e->label_count ||
        e->label_count > LABELS_MAX || card_of(e)->label_count < e->label_count)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "model %s is no expression model: its network is \"%s\", expected a face "
                         "network whose labels the card names",
                         card_of(e)->name, kind);
    return AFFECT_OK;
}

static affect_status create(affect_context *ctx, const char *model, bool raw, expresser **out) {
    *out = NULL;
    expresser *e = base_calloc(1, sizeof *e);
    infer_card *card = NULL;
    if (!e) return base_fail_memory(ctx);
    e->raw = raw;
    affect_status status = infer_card_load(ctx, model, false, &card);
    if (!status)
        status = nn_model_describes(card) ? open_network(ctx, model, e) : open_onnx(ctx, model, e);
    infer_card_destroy(card);
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
    nn_model_destroy(e->network);
    base_free(e->weights);
    base_free(e->crop);
    base_free(e->input);
    base_free(e);
}

float expresser_geometry_weight(const expresser *e) {
    return e && e->network ? geometry_beside_network : 1;
}

/* Luma of ITU-R BT.601. */
static void to_grey(const float *rgb, size_t pixels, float *grey) {
    for (size_t i = 0; i < pixels; i++)
        grey[i] = 0.299f * rgb[3 * i] + 0.587f * rgb[3 * i + 1] + 0.114f * rgb[3 * i + 2];
}

/* Probabilities of the labels. */
static affect_status run_network(affect_context *ctx, expresser *e, const media_frame *frame,
                                 const face_roi *roi, float out[]) {
    size_t pixels = NETWORK_SIDE * NETWORK_SIDE;
    float row[64];
    if (e->label_count + nn_model_values(e->network) > BASE_COUNT(row))
        return base_fail(ctx, AFFECT_ERROR_MODEL, "model %s has too many outputs",
                         card_of(e)->name);
    image_crop(frame, roi, NETWORK_SIDE, 1, 0, e->crop);
    to_grey(e->crop, pixels, e->input);
    nn_standardise(e->input, pixels);
    nn_batch batch = {.count = 1, .data = e->input, .height = NETWORK_SIDE, .width = NETWORK_SIDE};
    affect_status status = nn_model_run(ctx, e->network, &batch, row);
    memcpy(out, row, e->label_count * sizeof *out);
    return status;
}

static affect_status run_onnx(affect_context *ctx, expresser *e, const media_frame *frame,
                              const face_roi *roi, float out[]) {
    size_t pixels = (size_t)e->size * (size_t)e->size;
    image_crop(frame, roi, e->size, 2.0f / 255.0f, -1.0f, e->crop);
    float *input = e->crop;
    if (e->channels == 1) {
        input = e->input;
        to_grey(e->crop, pixels, input);
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
                         "model %s: the card names %zu labels, but %lld come", card_of(e)->name,
                         e->label_count, (long long)n);
    memcpy(out, result.data, e->label_count * sizeof *out);
    return AFFECT_OK;
}

affect_status expresser_look_at(affect_context *ctx, expresser *e, const media_frame *frame,
                                const face_roi *roi, float out[]) {
    float logs[LABELS_MAX], mean = 0;
    affect_status status =
        e->network ? run_network(ctx, e, frame, roi, logs) : run_onnx(ctx, e, frame, roi, logs);
    if (status) return status;
    for (size_t i = 0; i < e->label_count; i++) {
        logs[i] = logf(fmaxf(1e-4f, fminf(1, isfinite(logs[i]) ? logs[i] : 0)));
        mean += logs[i] / (float)e->label_count;
    }
    for (size_t i = 0; e->raw && i < e->label_count; i++) out[i] = logs[i] - mean;
    for (int c = 0; !e->raw && c < FACE_CATEGORIES; c++) {
        out[c] = e->constant[c];
        for (size_t i = 0; i < e->label_count; i++) out[c] += e->weights[i][c] * (logs[i] - mean);
    }
    return AFFECT_OK;
}

affect_status expresser_look(affect_context *ctx, expresser *e, const media_frame *frame,
                             const face_mesh *mesh, float out[], float *known) {
    /* Other networks are mostly trained on the tight upright square. */
    face_roi roi = e->network ? expression_frame(mesh, frame_side, frame_up, 0)
                              : expression_frame(mesh, 1, 0, 1);
    affect_status status = expresser_look_at(ctx, e, frame, &roi, out);
    *known = !status && e->network ? nn_model_known(e->network, 0) : 1;
    return status;
}
