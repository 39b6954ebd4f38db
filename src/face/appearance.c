/* What a face looks like: a coarse brightness pattern of the upright face, free of light and
 * contrast, and the colours of skin, brow-to-hair and mouth region. It tells the few people of one
 * scene apart over seconds; it is no face recognition and is never written out. */
#include <math.h>
#include <string.h>

#include "face/face_private.h"

enum { PATTERN = APPEARANCE_GRID * APPEARANCE_GRID, COLOURS = APPEARANCE_SIZE - PATTERN };
static const float colour_weight = 3.0f, memory = 50.0f;

static void normalise(float *values, int n) {
    double mean = 0, square = 0;
    for (int i = 0; i < n; i++) mean += (double)values[i] / n;
    for (int i = 0; i < n; i++) {
        values[i] -= (float)mean;
        square += (double)values[i] * (double)values[i];
    }
    float gain = square > 1e-12 ? (float)(1 / sqrt(square)) : 0;
    for (int i = 0; i < n; i++) values[i] *= gain;
}

void face_appearance_measure(const media_frame *frame, const face_mesh *mesh,
                             face_appearance *out) {
    float crop[PATTERN * 3];
    face_roi roi = face_mesh_roi(mesh);
    roi.side *= 0.8f; /* 1.2 times the face: some of the hair */
    face_image_crop(frame, &roi, APPEARANCE_GRID, 1.0f / 255.0f, 0, crop);
    double sums[3][3] = {{0}};
    for (int i = 0; i < PATTERN; i++) {
        int row = i / APPEARANCE_GRID, column = i % APPEARANCE_GRID;
        int part = row < 3 ? 0 : row < 7 ? 1 : 2; /* hair and brow, eyes and cheeks, mouth */
        const float *pixel = crop + (size_t)i * 3;
        out->values[i] = (pixel[0] + pixel[1] + pixel[2]) / 3;
        if (column < 2 || column >= APPEARANCE_GRID - 2) continue; /* background */
        for (int c = 0; c < 3; c++) sums[part][c] += (double)pixel[c];
    }
    normalise(out->values, PATTERN);
    for (int part = 0; part < 3; part++) {
        double total = sums[part][0] + sums[part][1] + sums[part][2] + 1e-3;
        out->values[PATTERN + 2 * part] = (float)(sums[part][0] / total);
        out->values[PATTERN + 2 * part + 1] = (float)(sums[part][2] / total);
    }
    out->weight = 1;
}

void face_appearance_update(face_appearance *mean, const face_appearance *now) {
    float weight = fminf(mean->weight, memory);
    for (int i = 0; i < APPEARANCE_SIZE; i++)
        mean->values[i] = (mean->values[i] * weight + now->values[i]) / (weight + 1);
    normalise(mean->values, PATTERN);
    mean->weight = weight + 1;
}

float face_appearance_distance(const face_appearance *a, const face_appearance *b) {
    if (a->weight <= 0 || b->weight <= 0) return 1;
    float dot = 0, colour = 0;
    for (int i = 0; i < PATTERN; i++) dot += a->values[i] * b->values[i];
    for (int i = PATTERN; i < APPEARANCE_SIZE; i++) colour += fabsf(a->values[i] - b->values[i]);
    return 1 - dot + colour_weight * colour / COLOURS;
}
