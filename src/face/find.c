/* The faces of single pictures, cut out as networks of faces are shown them. */
#include <math.h>

#include "face/face_private.h"

enum { MOST = 32 };

struct face_finder {
    face_detector *detect;
    face_mesher *mesh;
    face_found found[MOST];
};

affect_status face_finder_create(affect_context *ctx, face_finder **out) {
    *out = NULL;
    face_finder *f = base_calloc(1, sizeof *f);
    if (!f) return base_fail_memory(ctx);
    affect_status status = face_detector_create(ctx, "face.detect.wide", &f->detect);
    if (!status) status = face_mesher_create(ctx, "face.mesh", &f->mesh);
    if (status)
        face_finder_destroy(f);
    else
        *out = f;
    return status;
}

void face_finder_destroy(face_finder *f) {
    if (!f) return;
    face_detector_destroy(f->detect);
    face_mesher_destroy(f->mesh);
    base_free(f);
}

static void cut_square(const media_frame *frame, const face_roi *roi, uint8_t *grey) {
    enum { PIXELS = FACE_FOUND_SIDE * FACE_FOUND_SIDE };
    float crop[PIXELS * 3], luma[PIXELS];
    face_image_crop(frame, roi, FACE_FOUND_SIDE, 1, 0, crop);
    face_image_grey(crop, PIXELS, luma);
    for (size_t i = 0; i < PIXELS; i++) grey[i] = (uint8_t)lrintf(fmaxf(0, fminf(255, luma[i])));
}

void face_middle_square(const media_frame *frame, uint8_t grey[FACE_FOUND_SIDE * FACE_FOUND_SIDE]) {
    const face_roi middle = {.x = 0.5f * (float)frame->width,
                             .y = 0.5f * (float)frame->height,
                             .side = (float)BASE_MIN(frame->width, frame->height)};
    cut_square(frame, &middle, grey);
}

static void cut_out(const media_frame *frame, const face_mesh *mesh, face_found *out) {
    float box[4];
    face_mesh_box(mesh, box);
    const float w = (float)frame->width, h = (float)frame->height;
    out->box[0] = box[0] / w;
    out->box[1] = box[1] / h;
    out->box[2] = (box[2] - box[0]) / w;
    out->box[3] = (box[3] - box[1]) / h;
    const face_roi roi = face_expression_own_roi(mesh);
    cut_square(frame, &roi, out->grey);
}

affect_status face_finder_run(affect_context *ctx, face_finder *f, const media_frame *frame,
                              const face_found **out, size_t *count) {
    const face_people_models models = {f->detect, f->mesh, NULL};
    face_people *people = NULL; /* nobody is remembered from picture to picture */
    const face_seen *faces = NULL;
    *out = f->found;
    *count = 0;
    affect_status status = face_people_create(ctx, &models, MOST, &people);
    if (!status) status = face_people_step(ctx, people, frame, &faces, count);
    for (size_t i = 0; !status && i < *count; i++) {
        face_found made;
        cut_out(frame, &faces[i].mesh, &made);
        size_t at = i; /* from left to right */
        for (; at > 0 && f->found[at - 1].box[0] > made.box[0]; at--)
            f->found[at] = f->found[at - 1];
        f->found[at] = made;
    }
    face_people_destroy(people);
    return status;
}
