/* Faces as the network eats them: 48 x 48 grey pixels. */
#include <math.h>
#include <string.h>

#include "nn/kernels.h"
#include "train/train.h"

enum { FACE = 48 };

affect_status train_faces_add(train_set *s, const unsigned char *pixels) {
    if (s->count == s->capacity) { /* the set is about to grow */
        size_t room = s->capacity ? s->capacity * 2 : 1024;
        unsigned char *all = base_realloc(s->pixels, room * FACE * FACE);
        if (all) s->pixels = all;
        bool *clear = base_realloc(s->clear, room * sizeof *clear);
        if (clear) s->clear = clear;
        if (!all || !clear) return base_fail_memory(s->ctx);
    }
    affect_status status = train_set_add(s, NULL);
    if (status == AFFECT_OK)
        memcpy(s->pixels + (s->count - 1) * FACE * FACE, pixels, (size_t)FACE * FACE);
    return status;
}

/* ---- augmentation: one random view of a face ---- */

/* Bilinear, edges repeated. */
static float pixel_at(const unsigned char *image, float x, float y) {
    x = fminf(fmaxf(x, 0), FACE - 1);
    y = fminf(fmaxf(y, 0), FACE - 1);
    int x0 = (int)x, y0 = (int)y, x1 = BASE_MIN(x0 + 1, FACE - 1), y1 = BASE_MIN(y0 + 1, FACE - 1);
    float fx = x - (float)x0, fy = y - (float)y0;
    float top = (1 - fx) * image[y0 * FACE + x0] + fx * image[y0 * FACE + x1];
    float low = (1 - fx) * image[y1 * FACE + x0] + fx * image[y1 * FACE + x1];
    return (1 - fy) * top + fy * low;
}

static void augment_face(const unsigned char *image, const train_augment *a, uint64_t seed,
                         float *out) {
    train_dice d = {seed, 0};
    bool flip = train_roll(&d) < a->flip;
    double angle = train_spread(&d, a->rotate) * 3.141592653589793 / 180;
    double size = 1 / (1 + train_spread(&d, a->scale)), aspect = 1 + train_spread(&d, a->scale / 3);
    double shear = train_spread(&d, a->shear);
    double dx = train_spread(&d, a->shift), dy = train_spread(&d, a->shift);
    float gamma = (float)exp(train_spread(&d, a->gamma)),
          noise = (float)(train_roll(&d) * a->noise);
    double c = cos(angle) * size, s = sin(angle) * size;
    float xx = (float)(c * aspect), xy = (float)(-s + shear), yx = (float)(s * aspect),
          yy = (float)c;
    const float middle = (FACE - 1) / 2.f;
    float curve[257];
    for (int i = 0; i <= 256; i++) curve[i] = powf((float)i / 255.f, gamma) * 255.f;
    const int size_out = (int)a->size;
    const float step = (float)FACE / (float)size_out, centre = (float)(size_out - 1) / 2;
    for (int y = 0; y < size_out; y++)
        for (int x = 0; x < size_out; x++) {
            float u = (flip ? centre - (float)x : (float)x - centre) * step;
            float v = ((float)y - centre) * step;
            float value = pixel_at(image, xx * u + xy * v + middle + (float)dx,
                                   yx * u + yy * v + middle + (float)dy);
            int i = (int)value;
            out[y * size_out + x] = curve[i] + (value - (float)i) * (curve[i + 1] - curve[i]);
        }
    if (noise > 0)
        for (int i = 0; i < size_out * size_out; i++)
            out[i] += noise * (float)(train_roll(&d) + train_roll(&d) + train_roll(&d) - 1.5) * 2;
    if (train_roll(&d) < a->erase) { /* random erasing (Zhong et al. 2020), grey of its own */
        double least = size_out / 8., more = size_out * 3 / 8.;
        int w = (int)(least + train_roll(&d) * more), h = (int)(least + train_roll(&d) * more);
        int x0 = (int)(train_roll(&d) * (size_out - w)),
            y0 = (int)(train_roll(&d) * (size_out - h));
        float grey = (float)(train_roll(&d) * 255);
        for (int y = y0; y < y0 + h; y++)
            for (int x = x0; x < x0 + w; x++) out[y * size_out + x] = grey;
    }
}

bool train_faces_batch(const train_set *s, nn_tape *tape, const uint32_t *index, size_t n,
                       const train_augment *a, uint64_t seed, nn_batch *batch) {
    size_t size = a ? a->size : FACE, pixels = size * size;
    float *data = nn_tape_alloc(tape, n * pixels);
    if (!data) return false;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *image = s->pixels + (size_t)index[i] * FACE * FACE;
        float *out = data + i * pixels;
        if (a)
            augment_face(image, a, seed ^ (uint64_t)index[i] * 0x9e3779b97f4a7c15u, out);
        else
            for (size_t k = 0; k < FACE * FACE; k++) out[k] = image[k];
        nn_standardise(out, pixels);
    }
    *batch = (nn_batch){.count = n, .data = data, .height = size, .width = size};
    return true;
}
