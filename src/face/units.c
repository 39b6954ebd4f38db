/* Action units (FACS: Ekman, Friesen & Hager 2002) from geometry: each unit is a weighted sum of
 * deviations from the person's neutral, in spreads between people, with a dead zone for measuring
 * noise and speech and a scale from which on it is at its maximum. docs/face.md lists what each sum
 * can and cannot see. */
#include <math.h>

#include "face/face_private.h"

const char *const face_unit_names[FACE_UNITS] = {
#define FACE_UNIT_NAME(name) #name,
    FACE_UNIT_TABLE(FACE_UNIT_NAME)
#undef FACE_UNIT_NAME
};

enum { TERMS = 5 };

typedef struct unit_sum {
    face_unit unit;
    float dead, full; /* spreads: 0 below, 5 from here on */
    struct {
        face_measure measure;
        float weight;
        char sign; /* '+': only what is above neutral counts, '-': only below, 0: both */
    } terms[2 * TERMS];
} unit_sum;

#define BOTH(name, w)                                                                              \
    {MEASURE_##name##_r, w, 0}, { MEASURE_##name##_l, w, 0 }
#define ONE(name, w)                                                                               \
    { MEASURE_##name, w, 0 }
#define UP(name, w)                                                                                \
    { MEASURE_##name, w, '+' }
#define UP_BOTH(name, w)                                                                           \
    {MEASURE_##name##_r, w, '+'}, { MEASURE_##name##_l, w, '+' }

/* Weights of a pair are halves: the mean of both sides. */
static const unit_sum sums[] = {
    {UNIT_AU01, 0.25f, 2.2f, {BOTH(brow_inner, 0.5f)}},
    {UNIT_AU02, 0.25f, 2.2f, {BOTH(brow_outer, 0.5f)}},
    {UNIT_AU04,
     0.25f,
     1.6f,
     {BOTH(brow_inner, -0.3f), BOTH(brow_middle, -0.2f), ONE(brow_gap, -0.15f),
      UP(mouth_open, -0.05f)}}, /* a falling jaw tilts the fit of the head: brows seem lower */
    {UNIT_AU05, 0.6f, 2.5f, {BOTH(lid_upper, 0.35f), BOTH(eye_open, 0.15f)}},
    {UNIT_AU06, 0.5f, 2.6f, {BOTH(cheek, 0.35f), BOTH(lid_lower, 0.15f)}},
    {UNIT_AU07,
     0.5f,
     2.4f,
     {BOTH(lid_lower, 0.25f), BOTH(eye_open, -0.25f), UP_BOTH(cheek, -0.15f)}},
    {UNIT_AU09, 0.5f, 2.2f, {BOTH(alar, 0.35f), BOTH(brow_inner, -0.15f), UP(mouth_width, -0.2f)}},
    {UNIT_AU10,
     0.5f,
     2.5f,
     {ONE(lip_upper, -0.8f), ONE(lip_upper_sides, -0.2f), UP(mouth_width, -0.45f)}},
    {UNIT_AU12,
     0.6f,
     3.6f,
     {BOTH(corner_up, 0.225f), UP(mouth_open, -0.17f), BOTH(corner_eye, 0.15f),
      ONE(mouth_width, 0.35f), ONE(corner_depth, 0.2f)}},
    {UNIT_AU15, 0.6f, 2.5f, {BOTH(corner_up, -0.5f), UP(mouth_open, 0.3f)}},
    {UNIT_AU17,
     0.6f,
     2.5f,
     {ONE(lip_lower, 0.5f), ONE(lip_lower_curve, 0.5f), UP(mouth_open, -0.3f)}},
    {UNIT_AU20,
     0.8f,
     2.8f,
     {ONE(mouth_width, 0.9f), UP_BOTH(corner_up, -0.35f), UP(corner_depth, -0.2f)}},
    {UNIT_AU23,
     0.7f,
     2.5f,
     {ONE(lip_thick_upper, -0.5f), ONE(lip_thick_lower, -0.5f), UP(mouth_width, -0.5f)}},
    {UNIT_AU25, 0.5f, 6.0f, {ONE(mouth_open, 1.0f)}},
    {UNIT_AU26, 0.5f, 3.5f, {ONE(jaw_drop, 0.8f), ONE(mouth_open, 0.2f)}},
    {UNIT_AU43, 1.2f, 3.5f, {BOTH(eye_open, -0.5f)}},
};

void face_units_measure(const float deviation[FACE_MEASURES], float out[FACE_UNITS]) {
    for (int u = 0; u < FACE_UNITS; u++) out[u] = NAN; /* AU14 is a dimple: no geometry */
    for (size_t i = 0; i < BASE_COUNT(sums); i++) {
        const unit_sum *s = &sums[i];
        float sum = 0;
        for (size_t t = 0; t < BASE_COUNT(s->terms); t++) {
            float d = deviation[s->terms[t].measure];
            if (s->terms[t].sign == '+') d = fmaxf(d, 0);
            sum += s->terms[t].weight * d; /* unused terms weigh 0 */
        }
        out[s->unit] = 5 * fmaxf(0, fminf(1, (sum - s->dead) / (s->full - s->dead)));
    }
}
