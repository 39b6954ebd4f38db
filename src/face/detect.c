/* BlazeFace (Bazarevsky et al. 2019, arXiv 1907.05047). The network sees the whole frame in a
 * square and scores 896 anchors: a grid of 16 x 16 cells with two and one of 8 x 8 with six, each
 * with a box and six points given as pixel offsets from the cell's centre. Overlapping answers are
 * blended, weighted by their score, as the paper does in place of non-maximum suppression. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/face_private.h"

enum { VALUES = 16, GRIDS = 2 };

static const struct { int cells, anchors; } grids[GRIDS] = {{16, 2}, {8, 6}};

static const float quarter = 1.57079633f; /* a right angle, radians */
static const float threshold = 0.5f, overlap = 0.3f;

struct face_detector {
    face_square net;
};

affect_status face_detector_create(affect_context *ctx, const char *model, face_detector **out) {
    *out = NULL;
    face_detector *d = base_calloc(1, sizeof *d);
    if (!d) return base_fail_memory(ctx);
    affect_status status = face_square_open(ctx, model, 4096, &d->net);
    if (!status && (!d->net.size || infer_model_output_count(d->net.model) != 2 * GRIDS))
        status = base_fail(ctx, AFFECT_ERROR_MODEL,
                           "model %s is no BlazeFace: it should take [1,S,S,3] and give scores "
                           "and boxes of two grids",
                           infer_model_card(d->net.model)->name);
    if (status) {
        face_detector_destroy(d);
        return status;
    }
    *out = d;
    return AFFECT_OK;
}

void face_detector_destroy(face_detector *d) {
    if (!d) return;
    face_square_close(&d->net);
    base_free(d);
}

static float intersection_over_union(const face_detection *a, const face_detection *b) {
    float w = fminf(a->x1, b->x1) - fmaxf(a->x0, b->x0);
    float h = fminf(a->y1, b->y1) - fmaxf(a->y0, b->y0);
    if (w <= 0 || h <= 0) return 0;
    float inner = w * h;
    return inner / ((a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - inner);
}

static int by_score(const void *a, const void *b) {
    const face_detection *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->x0 < y->x0 ? -1 : x->x0 > y->x0; /* a total order, so that sorting is stable */
}

/* The float fields of a detection behind its score, for blending. */
enum { BLEND = 4 + 2 * DETECT_POINTS };

static void blend(face_detection *best, face_detection *rest, size_t count) {
    double sum[BLEND], weight = best->score;
    float *mine = &best->x0;
    for (int k = 0; k < BLEND; k++) sum[k] = (double)best->score * (double)mine[k];
    face_detection reference = *best;
    for (size_t i = 0; i < count; i++) {
        if (rest[i].score <= 0 || intersection_over_union(&reference, &rest[i]) < overlap) continue;
        const float *other = &rest[i].x0;
        for (int k = 0; k < BLEND; k++) sum[k] += (double)rest[i].score * (double)other[k];
        weight += (double)rest[i].score;
        rest[i].score = 0;
    }
    for (int k = 0; k < BLEND; k++) mine[k] = (float)(sum[k] / weight);
}

/* From where a face was seen in the turned square to where it is in the frame. */
static void turn_point(const face_roi *whole, int turns, float *x, float *y) {
    static const float c[] = {1, 0, -1, 0}, s[] = {0, 1, 0, -1};
    float dx = *x - whole->x, dy = *y - whole->y;
    *x = whole->x + c[turns & 3] * dx - s[turns & 3] * dy;
    *y = whole->y + s[turns & 3] * dx + c[turns & 3] * dy;
}

static void turn_back(face_detection *f, const face_roi *whole, int turns) {
    float x0 = f->x0, y0 = f->y0, x1 = f->x1, y1 = f->y1;
    turn_point(whole, turns, &x0, &y0);
    turn_point(whole, turns, &x1, &y1);
    f->x0 = fminf(x0, x1);
    f->x1 = fmaxf(x0, x1);
    f->y0 = fminf(y0, y1);
    f->y1 = fmaxf(y0, y1);
    for (int p = 0; p < DETECT_POINTS; p++)
        turn_point(whole, turns, &f->points[p][0], &f->points[p][1]);
}

affect_status face_detector_run(affect_context *ctx, face_detector *d, const media_frame *frame,
                                int turns, face_detection *out, size_t *count) {
    *count = 0;
    float side = (float)BASE_MAX(frame->width, frame->height);
    face_roi whole = {0.5f * (float)frame->width, 0.5f * (float)frame->height, side,
                      (float)turns * quarter};
    infer_tensor outputs[FACE_SQUARE_OUTPUTS];
    size_t made;
    affect_status status =
        face_square_run(ctx, &d->net, frame, &whole, 2.0f / 255.0f, -1.0f, outputs, &made);
    if (status) return status;

    face_detection found[DETECT_MAX * 4];
    size_t n = 0;
    float unit = side / (float)d->net.size, left = whole.x - 0.5f * side,
          top = whole.y - 0.5f * side;
    for (int g = 0; g < GRIDS; g++) {
        int cells = grids[g].cells, anchors = grids[g].anchors;
        const float *scores = NULL, *boxes = NULL;
        for (int k = 0; k < 2 * GRIDS; k++) { /* by shape: names differ between exports */
            if (outputs[k].rank != 3 || outputs[k].shape[1] != (int64_t)cells * cells * anchors)
                continue;
            if (outputs[k].shape[2] == 1) scores = outputs[k].data;
            if (outputs[k].shape[2] == VALUES) boxes = outputs[k].data;
        }
        if (!scores || !boxes)
            return base_fail(ctx, AFFECT_ERROR_MODEL, "model %s is no BlazeFace: a grid is missing",
                             infer_model_card(d->net.model)->name);
        for (int a = 0; a < cells * cells * anchors; a++) {
            float score = 1.0f / (1.0f + expf(-scores[a]));
            if (!(score > threshold) || n == BASE_COUNT(found)) continue;
            const float *v = boxes + (size_t)a * VALUES;
            int column = a / anchors % cells, row = a / anchors / cells;
            float pitch = (float)d->net.size / (float)cells;
            float ax = ((float)column + 0.5f) * pitch;
            float ay = ((float)row + 0.5f) * pitch;
            face_detection *f = &found[n++];
            f->score = score;
            f->x0 = left + (ax + v[0] - 0.5f * v[2]) * unit;
            f->y0 = top + (ay + v[1] - 0.5f * v[3]) * unit;
            f->x1 = left + (ax + v[0] + 0.5f * v[2]) * unit;
            f->y1 = top + (ay + v[1] + 0.5f * v[3]) * unit;
            for (int p = 0; p < DETECT_POINTS; p++) {
                f->points[p][0] = left + (ax + v[4 + 2 * p]) * unit;
                f->points[p][1] = top + (ay + v[5 + 2 * p]) * unit;
            }
        }
    }
    qsort(found, n, sizeof *found, by_score);
    for (size_t i = 0; i < n && *count < DETECT_MAX; i++) {
        if (found[i].score <= 0) continue;
        blend(&found[i], found + i + 1, n - i - 1);
        if (turns) turn_back(&found[i], &whole, turns);
        out[(*count)++] = found[i];
    }
    return AFFECT_OK;
}

face_roi face_detection_roi(const face_detection *f) {
    /* Upright by the eyes; half as large again as the box, which ends at brows and chin. */
    float dx = f->points[1][0] - f->points[0][0], dy = f->points[1][1] - f->points[0][1];
    return (face_roi){.x = 0.5f * (f->x0 + f->x1),
                      .y = 0.5f * (f->y0 + f->y1),
                      .side = 1.5f * fmaxf(f->x1 - f->x0, f->y1 - f->y0),
                      .angle = atan2f(dy, dx)};
}
