/* Squares cut out of a frame, turned and scaled, as float tensors. */
#include <math.h>
#include <string.h>

#include "face/face_private.h"
#include "face/image_lanes.h"

void face_image_to_frame(const face_roi *roi, int size, float u, float v, float *x, float *y) {
    float scale = roi->side / (float)size, half = 0.5f * (float)size;
    float c = cosf(roi->angle) * scale, s = sinf(roi->angle) * scale;
    *x = roi->x + c * (u - half) - s * (v - half);
    *y = roi->y + s * (u - half) + c * (v - half);
}

/* Positions are 16.16 fixed point of pixels, with pixel centres at whole numbers; pictures of up to
 * 15000 pixels a side fit. Integer sums are quicker and the same on every machine. */
enum { FRACTION = 16, FARTHEST = 15000 };

/* Held within +-15000 pixels, so that a row of steps from there stays an int32; only what is
 * outside any picture is held. */
static int32_t fixed(float v) {
    return (int32_t)lrintf(fmaxf(-FARTHEST, fminf(FARTHEST, v)) * (1 << FRACTION));
}

/* 65536 times the bilinear sample at (x, y). Outside the frame is black. */
static inline void sample(const media_frame *frame, int32_t x, int32_t y, uint32_t sum[3]) {
    int x0 = x >> FRACTION, y0 = y >> FRACTION;
    uint32_t fx = (uint32_t)x >> (FRACTION - 8) & 255, fy = (uint32_t)y >> (FRACTION - 8) & 255;
    uint32_t w[4] = {(256 - fx) * (256 - fy), fx * (256 - fy), (256 - fx) * fy, fx * fy};
    if (x0 >= 0 && y0 >= 0 && x0 < frame->width - 1 && y0 < frame->height - 1) {
        const uint8_t *a = frame->rgb + (size_t)y0 * frame->stride + 3 * (size_t)x0;
        const uint8_t *b = a + frame->stride;
        for (int c = 0; c < 3; c++)
            sum[c] = w[0] * a[c] + w[1] * a[c + 3] + w[2] * b[c] + w[3] * b[c + 3];
        return;
    }
    sum[0] = sum[1] = sum[2] = 0;
    for (int k = 0; k < 4; k++) {
        int px = x0 + (k & 1), py = y0 + (k >> 1);
        if (px < 0 || py < 0 || px >= frame->width || py >= frame->height) continue;
        const uint8_t *pixel = frame->rgb + (size_t)py * frame->stride + 3 * (size_t)px;
        for (int c = 0; c < 3; c++) sum[c] += w[k] * pixel[c];
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

/* A row of means: each of factor x factor pixels, whose columns `sums` holds. */
static void average(const uint16_t *sums, int width, int factor, bool lanes, uint8_t *to) {
    uint32_t half = (uint32_t)(factor * factor) / 2;
    uint32_t inverse = (1U << 16) / (uint32_t)(factor * factor);
    int x = lanes ? width - 1 : 0; /* the lanes' last write is one byte too long */
    if (x) face_image_means_avx2(sums, x, factor, to);
    sums += 3 * (size_t)x * (size_t)factor;
    to += 3 * (size_t)x;
    for (; x < width; x++, to += 3) {
        uint32_t r = half, g = half, b = half;
        for (int i = 0; i < factor; i++, sums += 3) {
            r += sums[0];
            g += sums[1];
            b += sums[2];
        }
        /* 2^16 / n is cut, never rounded up: 255 stays within a byte. */
        to[0] = (uint8_t)(r * inverse >> 16);
        to[1] = (uint8_t)(g * inverse >> 16);
        to[2] = (uint8_t)(b * inverse >> 16);
    }
}

static void sum_rows(const uint8_t *from, size_t stride, int rows, int repeated, size_t count,
                     uint16_t *sums) {
    for (size_t k = 0; k < count; k++) sums[k] = from[k];
    for (int j = 1; j < rows + repeated; j++) {
        if (j < rows) from += stride;
        for (size_t k = 0; k < count; k++) sums[k] = (uint16_t)(sums[k] + from[k]);
    }
}

static bool shrink(const media_frame *frame, float corners[4][2], int factor, bool lanes,
                   shrunk *out) {
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
    if (right - left < 2 * factor || bottom - top < 2 * factor) return false;
    /* Where no whole block is left at the right and at the bottom, the last pixels are repeated. */
    int width = (right - left + factor - 1) / factor, height = (bottom - top + factor - 1) / factor;
    size_t there = 3 * (size_t)(right - left);
    size_t row = (size_t)width * 3, columns = row * (size_t)factor;
    enum { BEHIND = 8 }; /* sums that the lanes read and do not use */
    uint16_t *sums = base_alloc((columns + BEHIND) * sizeof *sums + row * (size_t)height);
    if (!sums) return false; /* slower, not wrong */
    memset(sums + columns, 0, BEHIND * sizeof *sums);
    uint8_t *pixels = (uint8_t *)(sums + columns + BEHIND);
    for (int y = 0; y < height; y++) {
        const uint8_t *from =
            frame->rgb + (size_t)(top + y * factor) * frame->stride + 3 * (size_t)left;
        int rows = BASE_MIN(factor, bottom - top - y * factor);
        (lanes ? face_image_sum_rows_avx2 : sum_rows)(from, frame->stride, rows, factor - rows,
                                                      there, sums);
        for (size_t k = there; k < columns; k++) sums[k] = sums[k - 3];
        average(sums, width, factor, lanes, pixels + (size_t)y * row);
    }
    out->frame = (media_frame){.width = width, .height = height, .stride = row, .rgb = pixels};
    out->left = left;
    out->top = top;
    out->memory = sums;
    return true;
}

static bool is_inside(const media_frame *frame, int32_t x, int32_t y) {
    int px = x >> FRACTION, py = y >> FRACTION;
    return px >= 0 && py >= 0 && px < frame->width - 2 && py < frame->height - 1;
}

static float *scalar(const media_frame *frame, face_image_line *line, int count, float gain,
                     float offset, float *out) {
    for (int u = 0; u < count; u++, line->x += line->step_x, line->y += line->step_y) {
        uint32_t sum[3];
        sample(frame, line->x, line->y, sum);
        for (int c = 0; c < 3; c++) *out++ = (float)sum[c] * gain + offset;
    }
    return out;
}

/* A row of the crop. What lies inside the frame is one stretch of it. */
static float *sample_row(const media_frame *frame, face_image_line line, int size, float gain,
                         float offset, bool lanes, float *out) {
    int first = 0, end = size;
    while (lanes && first < size &&
           !is_inside(frame, line.x + first * line.step_x, line.y + first * line.step_y))
        first++;
    while (lanes && end > first &&
           !is_inside(frame, line.x + (end - 1) * line.step_x, line.y + (end - 1) * line.step_y))
        end--;
    out = scalar(frame, &line, lanes ? first : size, gain, offset, out);
    if (!lanes) return out;
    int made = face_image_samples_avx2(frame, line, end - first, gain, offset, out);
    line.x += made * line.step_x;
    line.y += made * line.step_y;
    return scalar(frame, &line, size - first - made, gain, offset, out + 3 * (size_t)made);
}

void face_image_crop(const media_frame *frame, const face_roi *roi, int size, float gain,
                     float offset, float *out) {
    face_image_crop_by(frame, roi, size, gain, offset, face_image_has_avx2(), out);
}

void face_image_crop_by(const media_frame *frame, const face_roi *roi, int size, float gain,
                        float offset, bool lanes, float *out) {
    /* A square that no picture has (a mesh gone wild) is black; so no sum below overflows. */
    if (!(roi->side > 0 && roi->side <= FARTHEST && fabsf(roi->x) <= FARTHEST &&
          fabsf(roi->y) <= FARTHEST)) {
        for (size_t i = 0; i < (size_t)size * (size_t)size * 3; i++) out[i] = offset;
        return;
    }
    float scale = roi->side / (float)size;
    /* Bilinear reaches about two pixels; what is shrunk more is averaged first: by a whole factor
     * along the frame's own rows, which costs one pass over the region. */
    int taps = (int)ceilf(scale * 0.5f);
    taps = taps < 1 ? 1 : taps > 16 ? 16 : taps;
    float corners[4][2], origin[2], edge[2];
    for (int i = 0; i < 4; i++)
        face_image_to_frame(roi, size, i & 1 ? (float)size : 0, i & 2 ? (float)size : 0,
                            &corners[i][0], &corners[i][1]);
    face_image_to_frame(roi, size, 0.5f, 0.5f, &origin[0], &origin[1]);
    face_image_to_frame(roi, size, 1.5f, 0.5f, &edge[0], &edge[1]);
    float dux = edge[0] - origin[0], duy = edge[1] - origin[1];
    shrunk small = {.memory = NULL};
    if (taps > 1 && shrink(frame, corners, taps, lanes, &small)) {
        float inverse = 1.0f / (float)taps;
        origin[0] = (origin[0] - (float)small.left) * inverse;
        origin[1] = (origin[1] - (float)small.top) * inverse;
        dux *= inverse;
        duy *= inverse;
        frame = &small.frame;
    }
    /* One crop pixel to the right is (dux, duy); down is this turned by 90 degrees. */
    int32_t step_x = fixed(dux), step_y = fixed(duy);
    gain *= 1.0f / (1 << FRACTION);
    for (int v = 0; v < size; v++) {
        face_image_line line = {.x = fixed(origin[0] - 0.5f - (float)v * duy),
                                .y = fixed(origin[1] - 0.5f + (float)v * dux),
                                .step_x = step_x,
                                .step_y = step_y};
        out = sample_row(frame, line, size, gain, offset, lanes, out);
    }
    base_free(small.memory);
}

void face_image_grey(const float *rgb, size_t pixels, float *grey) {
    for (size_t i = 0; i < pixels; i++)
        grey[i] = 0.299f * rgb[3 * i] + 0.587f * rgb[3 * i + 1] + 0.114f * rgb[3 * i + 2];
}
