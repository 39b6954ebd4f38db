/* Squares cut out of a frame, turned and scaled, as float tensors. */
#include <math.h>

#include "face/internal.h"

void image_to_frame(const face_roi *roi, int size, float u, float v, float *x, float *y) {
    float scale = roi->side / (float)size, half = 0.5f * (float)size;
    float c = cosf(roi->angle) * scale, s = sinf(roi->angle) * scale;
    *x = roi->x + c * (u - half) - s * (v - half);
    *y = roi->y + s * (u - half) + c * (v - half);
}

/* Positions are 16.16 fixed point of pixels, with pixel centres at whole numbers; frames of up to
 * 15000 pixels a side fit. Integer sums make the result the same on every machine. */
enum { FRACTION = 16 };

/* Held within +-15000 pixels, so that a row of steps from there stays an int32; only what is
 * outside any picture is held. */
static int32_t fixed(double v) {
    return (int32_t)lrint(fmax(-15000, fmin(15000, v)) * (1 << FRACTION));
}

/* Adds 65536 times the bilinear sample at (x, y) to sum. Outside the frame is black. */
static inline void add_bilinear(const media_frame *frame, int32_t x, int32_t y, uint32_t sum[3]) {
    int x0 = x >> FRACTION, y0 = y >> FRACTION;
    uint32_t fx = (uint32_t)x >> (FRACTION - 8) & 255, fy = (uint32_t)y >> (FRACTION - 8) & 255;
    uint32_t w[4] = {(256 - fx) * (256 - fy), fx * (256 - fy), (256 - fx) * fy, fx * fy};
    if (x0 >= 0 && y0 >= 0 && x0 < frame->width - 1 && y0 < frame->height - 1) {
        const uint8_t *a = frame->rgb + (size_t)y0 * frame->stride + 3 * (size_t)x0;
        const uint8_t *b = a + frame->stride;
        for (int c = 0; c < 3; c++)
            sum[c] += w[0] * a[c] + w[1] * a[c + 3] + w[2] * b[c] + w[3] * b[c + 3];
        return;
    }
    for (int k = 0; k < 4; k++) {
        int px = x0 + (k & 1), py = y0 + (k >> 1);
        if (px < 0 || py < 0 || px >= frame->width || py >= frame->height) continue;
        const uint8_t *pixel = frame->rgb + (size_t)py * frame->stride + 3 * (size_t)px;
        for (int c = 0; c < 3; c++) sum[c] += w[k] * pixel[c];
    }
}

/* Adds the nearest pixel. */
static inline void add_nearest(const media_frame *frame, int32_t x, int32_t y, uint32_t sum[3]) {
    int px = (x + (1 << (FRACTION - 1))) >> FRACTION, py = (y + (1 << (FRACTION - 1))) >> FRACTION;
    if (px < 0 || py < 0 || px >= frame->width || py >= frame->height) return;
    const uint8_t *pixel = frame->rgb + (size_t)py * frame->stride + 3 * (size_t)px;
    for (int c = 0; c < 3; c++) sum[c] += pixel[c];
}

void image_crop(const media_frame *frame, const face_roi *roi, int size, float gain, float offset,
                float *out) {
    float scale = roi->side / (float)size;
    /* Bilinear reaches about two pixels; where the frame is finer, taps x taps pixels are averaged.
     */
    int taps = (int)ceilf(scale * 0.5f);
    taps = taps < 1 ? 1 : taps > 8 ? 8 : taps;
    float weight = gain / (taps == 1 ? 65536.0f : (float)(taps * taps));
    double step = 1.0 / taps;
    float fx, fy, gx, gy;
    image_to_frame(roi, size, 0, 0, &fx, &fy);
    image_to_frame(roi, size, 1, 0, &gx, &gy);
    /* One crop pixel to the right; down is this turned by 90 degrees. */
    double dx = (double)gx - (double)fx, dy = (double)gy - (double)fy;
    /* A square that no picture has (a mesh gone wild) is black; so the sums below cannot overflow.
     */
    const float most = 15000;
    if (!(roi->side > 0 && roi->side < most && fabsf(roi->x) < most && fabsf(roi->y) < most)) {
        for (size_t i = 0; i < (size_t)size * (size_t)size * 3; i++) out[i] = offset;
        return;
    }
    int32_t step_x = fixed(dx), step_y = fixed(dy), tap_x = fixed(dx * step),
            tap_y = fixed(dy * step);
    double first = taps == 1 ? 0.5 : 0.5 * step; /* of the first sample in its crop pixel */
    for (int v = 0; v < size; v++) {
        int32_t x = fixed((double)fx - 0.5 + first * dx - (v + first) * dy);
        int32_t y = fixed((double)fy - 0.5 + first * dy + (v + first) * dx);
        for (int u = 0; u < size; u++, x += step_x, y += step_y) {
            uint32_t sum[3] = {0, 0, 0};
            if (taps == 1) add_bilinear(frame, x, y, sum);
            for (int j = 0; taps > 1 && j < taps; j++)
                for (int i = 0; i < taps; i++)
                    add_nearest(frame, x + i * tap_x - j * tap_y, y + i * tap_y + j * tap_x, sum);
            for (int c = 0; c < 3; c++) *out++ = (float)sum[c] * weight + offset;
        }
    }
}
