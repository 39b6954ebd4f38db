/* Squares cut out of a frame, turned and scaled, as float tensors. */
#include <math.h>

#include "face/internal.h"

void image_to_frame(const face_roi *roi, int size, float u, float v, float *x, float *y) {
    float scale = roi->side / (float)size, half = 0.5f * (float)size;
    float c = cosf(roi->angle) * scale, s = sinf(roi->angle) * scale;
    *x = roi->x + c * (u - half) - s * (v - half);
    *y = roi->y + s * (u - half) + c * (v - half);
}

/* Adds the bilinear sample at (x, y), pixel centres at .5, to sum. Outside is black. */
static void add_sample(const media_frame *frame, float x, float y, float sum[3]) {
    x -= 0.5f;
    y -= 0.5f;
    if (!(x > -1.0f && y > -1.0f && x < (float)frame->width && y < (float)frame->height)) return;
    int x0 = (int)floorf(x), y0 = (int)floorf(y);
    float fx = x - (float)x0, fy = y - (float)y0;
    for (int dy = 0; dy < 2; dy++) {
        if (y0 + dy < 0 || y0 + dy >= frame->height) continue;
        const uint8_t *row = frame->rgb + (size_t)(y0 + dy) * frame->stride;
        float wy = dy ? fy : 1 - fy;
        for (int dx = 0; dx < 2; dx++) {
            if (x0 + dx < 0 || x0 + dx >= frame->width) continue;
            const uint8_t *pixel = row + 3 * (size_t)(x0 + dx);
            float w = wy * (dx ? fx : 1 - fx);
            sum[0] += w * (float)pixel[0];
            sum[1] += w * (float)pixel[1];
            sum[2] += w * (float)pixel[2];
        }
    }
}

/* The same for a point whose four neighbours are known to lie inside. */
static inline void add_inner(const media_frame *frame, float x, float y, float sum[3]) {
    int x0 = (int)(x - 0.5f), y0 = (int)(y - 0.5f);
    float fx = x - 0.5f - (float)x0, fy = y - 0.5f - (float)y0;
    const uint8_t *a = frame->rgb + (size_t)y0 * frame->stride + 3 * (size_t)x0;
    const uint8_t *b = a + frame->stride;
    for (int c = 0; c < 3; c++) {
        float top = (float)a[c] + fx * (float)(a[c + 3] - a[c]);
        float bottom = (float)b[c] + fx * (float)(b[c + 3] - b[c]);
        sum[c] += top + fy * (bottom - top);
    }
}

void image_crop(const media_frame *frame, const face_roi *roi, int size, float gain, float offset,
                float *out) {
    float scale = roi->side / (float)size;
    /* Bilinear reaches about two pixels; beyond that, average taps x taps samples. */
    int taps = (int)ceilf(scale * 0.5f);
    taps = taps < 1 ? 1 : taps > 8 ? 8 : taps;
    float weight = gain / (float)(taps * taps), step = 1.0f / (float)taps;
    float dux, duy, ox, oy, ex, ey;
    image_to_frame(roi, size, 0, 0, &ox, &oy);
    image_to_frame(roi, size, 1, 0, &ex, &ey);
    dux = ex - ox; /* one crop pixel to the right; down is this turned by 90 degrees */
    duy = ey - oy;
    float right = (float)frame->width - 0.5f, bottom = (float)frame->height - 0.5f;
    for (int v = 0; v < size; v++)
        for (int u = 0; u < size; u++) {
            float sum[3] = {0, 0, 0};
            for (int j = 0; j < taps; j++)
                for (int i = 0; i < taps; i++) {
                    float a = (float)u + ((float)i + 0.5f) * step;
                    float b = (float)v + ((float)j + 0.5f) * step;
                    float x = ox + a * dux - b * duy, y = oy + a * duy + b * dux;
                    if (x >= 0.5f && y >= 0.5f && x < right && y < bottom)
                        add_inner(frame, x, y, sum);
                    else
                        add_sample(frame, x, y, sum);
                }
            for (int c = 0; c < 3; c++) *out++ = sum[c] * weight + offset;
        }
}
