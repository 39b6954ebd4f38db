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

/* The part of the frame that a region covers, shrunk by a whole factor: each pixel is the mean of
 * factor x factor pixels of the frame. `left` and `top` are where it starts, in pixels of the
 * frame. */
typedef struct shrunk {
    media_frame frame;
    int left, top;
    void *memory;
} shrunk;

static bool shrink(const media_frame *frame, float corners[4][2], int factor, shrunk *out) {
    float x0 = corners[0][0], x1 = x0, y0 = corners[0][1], y1 = y0;
    for (int i = 1; i < 4; i++) {
        x0 = fminf(x0, corners[i][0]);
        x1 = fmaxf(x1, corners[i][0]);
        y0 = fminf(y0, corners[i][1]);
        y1 = fmaxf(y1, corners[i][1]);
    }
    /* Two pixels of the shrunk picture around it for the interpolation; then inside the frame. */
    float margin = 2.0f * (float)factor;
    int left = (int)fmaxf(x0 - margin, 0), top = (int)fmaxf(y0 - margin, 0);
    int right = (int)fminf(x1 + margin, (float)frame->width);
    int bottom = (int)fminf(y1 + margin, (float)frame->height);
    int width = (right - left) / factor, height = (bottom - top) / factor;
    if (width < 2 || height < 2) return false;
    size_t row = (size_t)width * 3, columns = row * (size_t)factor;
    uint16_t *sums = base_alloc(columns * sizeof *sums + row * (size_t)height);
    if (!sums) return false; /* slower, not wrong */
    uint8_t *pixels = (uint8_t *)(sums + columns);
    uint32_t half = (uint32_t)(factor * factor) / 2;
    uint32_t inverse = (1U << 16) / (uint32_t)(factor * factor);
    for (int y = 0; y < height; y++) {
        const uint8_t *from =
            frame->rgb + (size_t)(top + y * factor) * frame->stride + 3 * (size_t)left;
        for (size_t k = 0; k < columns; k++) sums[k] = from[k];
        for (int j = 1; j < factor; j++) {
            from += frame->stride;
            for (size_t k = 0; k < columns; k++) sums[k] = (uint16_t)(sums[k] + from[k]);
        }
        uint8_t *to = pixels + (size_t)y * row;
        const uint16_t *sum = sums;
        for (int x = 0; x < width; x++, to += 3) {
            uint32_t r = half, g = half, b = half;
            for (int i = 0; i < factor; i++, sum += 3) {
                r += sum[0];
                g += sum[1];
                b += sum[2];
            }
            /* 2^16 / n is cut, never rounded up: 255 stays within a byte. */
            to[0] = (uint8_t)(r * inverse >> 16);
            to[1] = (uint8_t)(g * inverse >> 16);
            to[2] = (uint8_t)(b * inverse >> 16);
        }
    }
    out->frame = (media_frame){.width = width, .height = height, .stride = row, .rgb = pixels};
    out->left = left;
    out->top = top;
    out->memory = sums;
    return true;
}

void image_crop(const media_frame *frame, const face_roi *roi, int size, float gain, float offset,
                float *out) {
    float scale = roi->side / (float)size;
    /* Bilinear reaches about two pixels; what is shrunk more is averaged first: by a whole factor
     * along the frame's own rows, which costs one pass over the region. */
    int taps = (int)ceilf(scale * 0.5f);
    taps = taps < 1 ? 1 : taps > 16 ? 16 : taps;
    float corners[4][2], origin[2], edge[2];
    for (int i = 0; i < 4; i++)
        image_to_frame(roi, size, (float)(i % 2 * size), (float)(i / 2 * size), &corners[i][0],
                       &corners[i][1]);
    image_to_frame(roi, size, 0.5f, 0.5f, &origin[0], &origin[1]);
    image_to_frame(roi, size, 1.5f, 0.5f, &edge[0], &edge[1]);
    float dux = edge[0] - origin[0], duy = edge[1] - origin[1];
    shrunk small = {.memory = NULL};
    if (taps > 1 && shrink(frame, corners, taps, &small)) {
        float inverse = 1.0f / (float)taps;
        origin[0] = (origin[0] - (float)small.left) * inverse;
        origin[1] = (origin[1] - (float)small.top) * inverse;
        dux *= inverse;
        duy *= inverse;
        frame = &small.frame;
    }
    float right = (float)frame->width - 0.5f, bottom = (float)frame->height - 0.5f;
    for (int v = 0; v < size; v++)
        for (int u = 0; u < size; u++) {
            float sum[3] = {0, 0, 0};
            /* One crop pixel to the right is (dux, duy); down is this turned by 90 degrees. */
            float x = origin[0] + (float)u * dux - (float)v * duy;
            float y = origin[1] + (float)u * duy + (float)v * dux;
            if (x >= 0.5f && y >= 0.5f && x < right && y < bottom)
                add_inner(frame, x, y, sum);
            else
                add_sample(frame, x, y, sum);
            for (int c = 0; c < 3; c++) *out++ = sum[c] * gain + offset;
        }
    base_free(small.memory);
}
