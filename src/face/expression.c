/* Expression posteriors: the one place where a network drops in. The picture is read by our own
 * network or by any ONNX model (infer/infer.h) whose card names its labels, the geometry by the
 * softmax regression of the model that was asked for (face.geometry: fitted on FER+ votes, Barsoum
 * et al. 2016, arXiv 1608.01041; face.geometry.open: on acted clips), and the two are multiplied as
 * experts. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "face/face_private.h"

static const float inner_sd = 0.25f; /* of one person's state within a category, per dimension */

void face_expression_posteriors(const face_population *p, const float deviation[FACE_MEASURES],
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

void face_expression_affect(const float posteriors[FACE_CATEGORIES], float confidence,
                            float out[6]) {
    for (int d = 0; d < 3; d++) {
        float mean = 0, square = 0;
        for (int c = 0; c < FACE_CATEGORIES; c++)
            mean += posteriors[c] * (float)category_table[c].place[d];
        for (int c = 0; c < FACE_CATEGORIES; c++) {
            float away = (float)category_table[c].place[d] - mean;
            square += posteriors[c] * away * away;
        }
        out[d] = mean;
        out[3 + d] = sqrtf((square + inner_sd * inner_sd) / fmaxf(confidence, 0.05f));
    }
}

/* ---- the picture ---- */

enum { LABELS_MAX = 32 };

/* What is beyond this (radians) of a head's roll is turned back even where the picture is not turned
 * upright: nine in ten of FER's faces lean by less (medians of FER+ valid, tools/face/face-frame). */
static const float frame_lean = 0.18f;

/* How a model wants its picture, and what it counts beside the geometry. */
typedef struct manner {
    float gain, offset;           /* of a byte of the picture */
    float side, up, upright;      /* of its square, as face_expression_roi takes them */
    float weight;                 /* of its log-probabilities, where the card says nothing */
    float geometry;               /* of the geometry's log-odds beside it */
    const char *output, *trained; /* names of the outputs; NULL = the first, none */
} manner;

/* Our own networks: the square that FER's faces have, in units of the tight square around the mesh
 * (medians of FER+ valid, printed by tools/face/face-frame), and how their log-posteriors and the
 * geometry's log-odds count together, fitted on FER+ valid (two-fold; tools/face/face-fit --join
 * prints it). */
static const manner own_network = {.gain = 1,
                                   .side = 1.08f,
                                   .up = 0.05f,
                                   .weight = 0.75f,
                                   .geometry = 0.1f,
                                   .output = "posteriors",
                                   .trained = "in_distribution"};
/* Other networks are mostly trained on the tight upright square, in -1..1. */
static const manner other_network = {
    .gain = 2.0f / 255.0f, .offset = -1.0f, .side = 1, .upright = 1, .weight = 1, .geometry = 1};

struct face_classifier {
    infer_model *model;
    const manner *manner;
    bool raw;
    int size, channels; /* square input, 1 or 3 channels */
    size_t label_count;
    float (*weights)[FACE_CATEGORIES]; /* label_count rows: log-odds per log-probability */
    float constant[FACE_CATEGORIES];
    float *crop, *input;
};

face_roi face_expression_roi(const face_mesh *mesh, float side, float up, float upright) {
    face_roi roi = face_mesh_roi(mesh);
    float tight = roi.side / 1.5f, shift = up * tight;
    roi.x += shift * sinf(roi.angle);
    roi.y -= shift * cosf(roi.angle);
    roi.side = side * tight;
    float lean = fmaxf(-frame_lean, fminf(frame_lean, roi.angle));
    roi.angle -= (1 - upright) * lean;
    return roi;
}

face_roi face_expression_own_roi(const face_mesh *mesh) {
    return face_expression_roi(mesh, own_network.side, own_network.up, own_network.upright);
}

static const model_card *card_of(const face_classifier *e) { return infer_model_card(e->model); }

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
static affect_status read_calibration(affect_context *ctx, face_classifier *e) {
    const model_card *card = card_of(e);
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
                e->weights[i][c] =
                    strcmp(card->labels[i], category_names[c]) == 0 ? e->manner->weight : 0;
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

/* Are the labels not exclusive? Then their shares are no posterior. */
static bool several_labels(const face_classifier *e) {
    json_t *root = json_loads(card_of(e)->json, 0, NULL);
    bool several = json_is_true(json_object_get(json_object_get(root, "network"), "multi_label"));
    json_decref(root);
    return several;
}

static affect_status open_model(affect_context *ctx, const char *model, face_classifier *e) {
    affect_status status = infer_model_load(ctx, model, 1, &e->model);
    if (status) return status;
    infer_tensor in = infer_model_input(e->model, 0);
    bool own = infer_model_has_output(e->model, "in_distribution");
    e->manner = own ? &own_network : &other_network;
    e->size = in.rank == 4 ? (int)in.shape[1] : 0;
    e->channels = in.rank == 4 ? (int)in.shape[3] : 0;
    e->label_count =
        own ? (size_t)infer_model_output(e->model, 0).shape[1] : card_of(e)->label_count;
    if (e->size < 16 || e->size > 1024 || in.shape[2] != e->size ||
        (e->channels != 1 && e->channels != 3) || in.type != INFER_F32 || !e->label_count ||
        e->label_count > LABELS_MAX || e->label_count > card_of(e)->label_count ||
        several_labels(e))
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "model %s is no expression model: it should take [1,S,S,1 or 3] and "
                         "its card should name its labels",
                         card_of(e)->name);
    return AFFECT_OK;
}

static affect_status create(affect_context *ctx, const char *model, bool raw,
                            face_classifier **out) {
    *out = NULL;
    face_classifier *e = base_calloc(1, sizeof *e);
    if (!e) return base_fail_memory(ctx);
    e->raw = raw;
    affect_status status = open_model(ctx, model, e);
    if (!status) {
        size_t pixels = (size_t)e->size * (size_t)e->size;
        e->crop = base_alloc(pixels * 3 * sizeof(float));
        e->input = base_alloc(pixels * 3 * sizeof(float));
        e->weights = base_calloc(e->label_count, sizeof *e->weights);
        if (!e->crop || !e->input || !e->weights) status = base_fail_memory(ctx);
    }
    if (!status && !raw) status = read_calibration(ctx, e);
    if (status) {
        face_classifier_destroy(e);
        return status;
    }
    *out = e;
    return AFFECT_OK;
}

affect_status face_classifier_create(affect_context *ctx, const char *model,
                                     face_classifier **out) {
    return create(ctx, model, false, out);
}

affect_status face_classifier_create_raw(affect_context *ctx, const char *model,
                                         face_classifier **out) {
    return create(ctx, model, true, out);
}

void face_classifier_destroy(face_classifier *e) {
    if (!e) return;
    infer_model_destroy(e->model);
    base_free(e->weights);
    base_free(e->crop);
    base_free(e->input);
    base_free(e);
}

float face_classifier_geometry_weight(const face_classifier *e) {
    return e ? e->manner->geometry : 1;
}

/* Probabilities of the labels; *in_distribution may be NULL. */
static affect_status run_model(affect_context *ctx, face_classifier *e, const media_frame *frame,
                               const face_roi *roi, float out[], float *in_distribution) {
    size_t pixels = (size_t)e->size * (size_t)e->size;
    face_image_crop(frame, roi, e->size, e->manner->gain, e->manner->offset, e->crop);
    float *input = e->crop;
    if (e->channels == 1) {
        input = e->input;
        face_image_grey(e->crop, pixels, input);
    }
    infer_tensor in = {
        .type = INFER_F32, .rank = 4, .shape = {1, e->size, e->size, e->channels}, .data = input};
    infer_tensor result[2] = {{.name = e->manner->output}, {.name = e->manner->trained}};
    affect_status status =
        infer_model_run(ctx, e->model, &in, 1, result, e->manner->trained ? 2 : 1);
    if (status) return status;
    int64_t n = 1;
    for (size_t d = 0; d < result[0].rank; d++) n *= result[0].shape[d];
    if (n != (int64_t)e->label_count || result[0].type != INFER_F32)
        return base_fail(ctx, AFFECT_ERROR_MODEL,
                         "model %s: the card names %zu labels, but %lld come", card_of(e)->name,
                         e->label_count, (long long)n);
    memcpy(out, result[0].data, e->label_count * sizeof *out);
    if (in_distribution) *in_distribution = e->manner->trained ? *(const float *)result[1].data : 1;
    return AFFECT_OK;
}

static affect_status classify(affect_context *ctx, face_classifier *e, const media_frame *frame,
                              const face_roi *roi, float out[], float *in_distribution) {
    float logs[LABELS_MAX], mean = 0;
    affect_status status = run_model(ctx, e, frame, roi, logs, in_distribution);
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

affect_status face_classifier_run_at(affect_context *ctx, face_classifier *e,
                                     const media_frame *frame, const face_roi *roi, float out[]) {
    return classify(ctx, e, frame, roi, out, NULL);
}

affect_status face_classifier_run(affect_context *ctx, face_classifier *e, const media_frame *frame,
                                  const face_mesh *mesh, float out[], float *in_distribution) {
    const manner *m = e->manner;
    face_roi roi = face_expression_roi(mesh, m->side, m->up, m->upright);
    *in_distribution = 1;
    return classify(ctx, e, frame, &roi, out, in_distribution);
}
