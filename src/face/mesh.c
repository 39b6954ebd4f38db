/* The 468-point face mesh (Kartynnik et al. 2019, arXiv 1907.06724): one square crop in, points in
 * crop pixels and a score that there is a face out. */
#include <math.h>

#include "face/face_private.h"

struct face_mesher {
    face_square net;
};

/* Outer corners of the right and left eye (as the person has them) in the mesh's numbering. */
enum { RIGHT_EYE = 33, LEFT_EYE = 263 };

affect_status face_mesher_create(affect_context *ctx, const char *model, face_mesher **out) {
    *out = NULL;
    face_mesher *m = base_calloc(1, sizeof *m);
    if (!m) return base_fail_memory(ctx);
    affect_status status = face_square_open(ctx, model, 4096, &m->net);
    if (!status && (!m->net.size || infer_model_output_count(m->net.model) < 2))
        status = base_fail(ctx, AFFECT_ERROR_MODEL,
                           "model %s is no face mesh: it should take [1,S,S,3] and give 468 "
                           "points and a score",
                           infer_model_card(m->net.model)->name);
    if (status) {
        face_mesher_destroy(m);
        return status;
    }
    *out = m;
    return AFFECT_OK;
}

void face_mesher_destroy(face_mesher *m) {
    if (!m) return;
    face_square_close(&m->net);
    base_free(m);
}

affect_status face_mesher_run(affect_context *ctx, face_mesher *m, const media_frame *frame,
                              const face_roi *roi, face_mesh *out) {
    infer_tensor outputs[FACE_SQUARE_OUTPUTS];
    size_t count;
    affect_status status =
        face_square_run(ctx, &m->net, frame, roi, 1.0f / 255.0f, 0, outputs, &count);
    if (status) return status;
    const float *points = NULL, *presence = NULL;
    for (size_t k = 0; k < count; k++) { /* by size: names and order differ between exports */
        int64_t n = 1;
        for (size_t d = 0; d < outputs[k].rank; d++) n *= outputs[k].shape[d];
        if (outputs[k].type == INFER_F32 && n == 3 * MESH_POINTS) points = outputs[k].data;
        if (outputs[k].type == INFER_F32 && n == 1) presence = outputs[k].data;
    }
    if (!points || !presence)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "model %s gives no 468 points with a score",
                         infer_model_card(m->net.model)->name);
    out->presence = isfinite(*presence) ? *presence : 0;
    float unit = roi->side / (float)m->net.size;
    for (int i = 0; i < MESH_POINTS; i++) {
        face_image_to_frame(roi, m->net.size, points[3 * i], points[3 * i + 1], &out->points[i][0],
                            &out->points[i][1]);
        out->points[i][2] = points[3 * i + 2] * unit;
        if (!isfinite(out->points[i][0] + out->points[i][1] + out->points[i][2])) out->presence = 0;
    }
    return AFFECT_OK;
}

void face_mesh_box(const face_mesh *mesh, float box[4]) {
    box[0] = box[2] = mesh->points[0][0];
    box[1] = box[3] = mesh->points[0][1];
    for (int i = 1; i < MESH_POINTS; i++) {
        box[0] = fminf(box[0], mesh->points[i][0]);
        box[1] = fminf(box[1], mesh->points[i][1]);
        box[2] = fmaxf(box[2], mesh->points[i][0]);
        box[3] = fmaxf(box[3], mesh->points[i][1]);
    }
}

/* The point of the mesh that lies where the scheme's point is, to the eye, on the canonical face. The two sides
 * mirror each other. The mesh's rim lies at the edge of the face that is seen; where a jaw is turned away, the
 * scheme's is the edge of the picture's, the mesh's that of the head. */
static const short landmarks[FACE_LANDMARKS] = {
    127, 234, 93,  132, 172, 136, 150, 176, 152, 400, 379, 365, 397, 361, 323, 454, 356, /* jaw */
    70,  63,  105, 66,  107, 336, 296, 334, 293, 300,                                    /* brows */
    168, 197, 5,   4,   75,  97,  2,   326, 305,                                         /* nose */
    33,  160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,                          /* eyes */
    61,  39,  37,  0,   267, 269, 291, 405, 314, 17,  84,  181,                          /* lips */
    78,  82,  13,  312, 308, 317, 14,  87,                                               /* inner */
};

void face_mesh_landmarks(const face_mesh *mesh, float width, float height,
                         float out[2 * FACE_LANDMARKS]) {
    for (int i = 0; i < FACE_LANDMARKS; i++) {
        out[i] = mesh->points[landmarks[i]][0] / width;
        out[FACE_LANDMARKS + i] = mesh->points[landmarks[i]][1] / height;
    }
}

face_roi face_mesh_roi(const face_mesh *mesh) {
    float dx = mesh->points[LEFT_EYE][0] - mesh->points[RIGHT_EYE][0];
    float dy = mesh->points[LEFT_EYE][1] - mesh->points[RIGHT_EYE][1];
    float angle = atan2f(dy, dx), c = cosf(angle), s = sinf(angle);
    /* Bounds in the turned frame, so that a tilted head is not seen smaller than an upright one. */
    float lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
    for (int i = 0; i < MESH_POINTS; i++) {
        float x = mesh->points[i][0], y = mesh->points[i][1];
        float u = c * x + s * y, v = -s * x + c * y;
        lo[0] = fminf(lo[0], u);
        lo[1] = fminf(lo[1], v);
        hi[0] = fmaxf(hi[0], u);
        hi[1] = fmaxf(hi[1], v);
    }
    float u = 0.5f * (lo[0] + hi[0]), v = 0.5f * (lo[1] + hi[1]);
    return (face_roi){.x = c * u - s * v,
                      .y = s * u + c * v,
                      .side = 1.5f * fmaxf(hi[0] - lo[0], hi[1] - lo[1]),
                      .angle = angle};
}
