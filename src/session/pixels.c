/* Pixels of a caller as RGB, and samples as float. */
#include "session/session_private.h"

static uint8_t clip(int value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

/* ITU-R BT.601, luma 16..235 and chroma 16..240, in 1/256ths. */
static void from_luma(int y, int cb, int cr, uint8_t *rgb) {
    int c = 298 * (y - 16) + 128, d = cb - 128, e = cr - 128;
    rgb[0] = clip((c + 409 * e) / 256);
    rgb[1] = clip((c - 100 * d - 208 * e) / 256);
    rgb[2] = clip((c + 516 * d) / 256);
}

static void convert_row(affect_pixels pixels, const uint8_t *row, const uint8_t *chroma, int width,
                        uint8_t *out) {
    for (int x = 0; x < width; x++, out += 3) {
        switch (pixels) {
        case AFFECT_PIXELS_RGB:
            out[0] = row[3 * x], out[1] = row[3 * x + 1], out[2] = row[3 * x + 2];
            break;
        case AFFECT_PIXELS_BGR:
            out[0] = row[3 * x + 2], out[1] = row[3 * x + 1], out[2] = row[3 * x];
            break;
        case AFFECT_PIXELS_GREY: out[0] = out[1] = out[2] = row[x]; break;
        case AFFECT_PIXELS_NV12:
            from_luma(row[x], chroma[x & ~1], chroma[(x & ~1) + 1], out);
            break;
        case AFFECT_PIXELS_YUYV: {
            const uint8_t *two = row + 4 * (x / 2);
            from_luma(two[x & 1 ? 2 : 0], two[1], two[3], out);
            break;
        }
        }
    }
}

affect_status session_pixels(affect_context *ctx, affect_pixels pixels, int width, int height,
                             const uint8_t *const *planes, const size_t *strides, uint8_t *out) {
    size_t w = (size_t)width, least = pixels == AFFECT_PIXELS_RGB || pixels == AFFECT_PIXELS_BGR
                                          ? 3 * w
                                      : pixels == AFFECT_PIXELS_YUYV ? 2 * w
                                                                     : w;
    bool two = pixels == AFFECT_PIXELS_NV12;
    if (!planes || !strides || !planes[0] || (two && !planes[1]))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "pixels at NULL");
    if (strides[0] < least || (two && strides[1] < (w + 1) / 2 * 2) ||
        (pixels == AFFECT_PIXELS_YUYV && width % 2))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "rows of %zu bytes are too short for %d pixels, or their number is odd",
                         strides[0], width);
    for (size_t y = 0; y < (size_t)height; y++)
        convert_row(pixels, planes[0] + y * strides[0], two ? planes[1] + y / 2 * strides[1] : NULL,
                    width, out + y * w * 3);
    return AFFECT_OK;
}
