/* What faces are like: the measures of neutral faces at each pose, how much they differ between
 * people, and what deviations say about expression. Fitted by tools/face-fit on FER+ (see the card
 * of face.geometry) and read from weights.json of that model. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "face/face_private.h"

static bool read_numbers(const json_t *array, size_t count, float *out) {
    if (!json_is_array(array) || json_array_size(array) != count) return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, i);
        if (!json_is_number(value)) return false;
        out[i] = (float)json_number_value(value);
        if (!isfinite(out[i])) return false;
    }
    return true;
}

static bool read_measures(const json_t *measures, face_population *out) {
    for (size_t k = 0; k < FACE_MEASURES; k++) {
        const json_t *one = json_object_get(measures, face_measure_names[k]);
        if (!read_numbers(json_object_get(one, "pose"), 6, out->pose[k]) ||
            !json_is_number(json_object_get(one, "spread")))
            return false;
        out->spread[k] = (float)json_number_value(json_object_get(one, "spread"));
        if (!(out->spread[k] > 1e-6f) || !isfinite(out->spread[k])) return false;
        float column[FACE_CATEGORIES];
        if (!read_numbers(json_object_get(one, "weights"), FACE_CATEGORIES, column)) return false;
        for (int c = 0; c < FACE_CATEGORIES; c++) out->weights[c][k] = column[c];
    }
    return true;
}

affect_status face_population_load(affect_context *ctx, const char *model, face_population *out) {
    char *path = NULL, *text = NULL;
    size_t length = 0;
    affect_status status = model_card_text(ctx, model, true, &path, &text, &length);
    if (status) return status;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    float constant[FACE_CATEGORIES];
    if (!read_measures(json_object_get(root, "measures"), out) ||
        !read_numbers(json_object_get(root, "constant"), FACE_CATEGORIES, constant))
        status = base_fail(ctx, AFFECT_ERROR_MODEL,
                           "model %s: %s is not what this version reads: run \"make setup\"", model,
                           path);
    else
        for (int c = 0; c < FACE_CATEGORIES; c++) out->weights[c][FACE_MEASURES] = constant[c];
    json_decref(root);
    base_free(text);
    base_free(path);
    return status;
}

void face_population_deviation(const face_population *p, const face_geometry *g,
                               float out[FACE_MEASURES]) {
    /* Beyond what the fit has seen, the pose is held at the border. */
    float y = fmaxf(-2.5f, fminf(2.5f, g->yaw / 20)), x = fmaxf(-2, fminf(2, g->pitch / 20));
    /* Part of what changes with pitch in the pictures of the fit is expression and gaze (who lifts
     * the head looks down at the camera), not the mesh's own error: of these terms half are taken,
     * with which neither real turned heads nor meshes turned in space read as expressions
     * (docs/notes/face.md). */
    const float part = 0.5f;
    const float basis[6] = {1, y, part * x, y * y, part * x * x, part * y * x};
    for (int k = 0; k < FACE_MEASURES; k++) {
        float expected = 0;
        for (int b = 0; b < 6; b++) expected += p->pose[k][b] * basis[b];
        float d = (g->measures[k] - expected) / p->spread[k];
        out[k] = isfinite(d) ? fmaxf(-8, fminf(8, d)) : 0;
    }
}
