/* Squares cut out of a frame: with and without the processor's wide instructions the same bits, for regions inside, across the
 * edge and outside, of all sizes and turns; and nothing beyond the frame's rows is read (the sanitizers see to it). */
#include <math.h>

#include "face/face_private.h"
#include "face/image_lanes.h"
#include "tests/face/clip.h"

static uint32_t random_state = 20261130;
static float within(float low, float high) {
    random_state = random_state * 1664525u + 1013904223u;
    return low + (high - low) * (float)(random_state >> 8) / (1 << 24);
}

static media_frame noise(int width, int height, size_t pad) {
    size_t stride = 3 * (size_t)width + pad;
    /* The last row ends with its last pixel. */
    size_t size = stride * (size_t)(height - 1) + 3 * (size_t)width;
    uint8_t *rgb = malloc(size);
    assert_non_null(rgb);
    for (size_t i = 0; i < size; i++) rgb[i] = (uint8_t)within(0, 256);
    return (media_frame){.width = width, .height = height, .stride = stride, .rgb = rgb};
}

static void compare(const media_frame *frame, const face_roi *roi, int size) {
    size_t count = 3 * (size_t)size * (size_t)size;
    float *plain = malloc(count * sizeof *plain), *lanes = malloc(count * sizeof *lanes);
    assert_true(plain && lanes);
    face_image_crop_by(frame, roi, size, 2.0f / 255, -1, false, plain);
    face_image_crop_by(frame, roi, size, 2.0f / 255, -1, face_image_has_avx2(), lanes);
    for (size_t i = 0; i < count; i++)
        if (memcmp(plain + i, lanes + i, sizeof *plain) != 0)
            fail_msg(
                "%d x %d, square of %g at %g, %g turned by %g to %d: value %zu is %.9g, and %.9g",
                frame->width, frame->height, (double)roi->side, (double)roi->x, (double)roi->y,
                (double)roi->angle, size, i, (double)lanes[i], (double)plain[i]);
    free(plain);
    free(lanes);
}

static void test_same_bits(void **state) {
    (void)state;
    if (!face_image_has_avx2())
        print_message("this processor has no AVX2: one way is compared with itself\n");
    static const int sizes[] = {1, 2, 3, 12, 48, 112, 192};
    for (int n = 0; n < 1000; n++) {
        int width = n % 10 ? (int)within(1, 300) : (int)within(1, 6);
        int height = n % 7 ? (int)within(1, 300) : (int)within(1, 6);
        media_frame frame = noise(width, height, n % 3 ? 0 : (size_t)within(0, 64));
        face_roi roi = {.x = within(-0.3f, 1.3f) * (float)width,
                        .y = within(-0.3f, 1.3f) * (float)height,
                        .side = powf(2, within(0, 10)),
                        .angle = n % 5 ? within(-4, 4) : 0};
        compare(&frame, &roi, sizes[n % BASE_COUNT(sizes)]);
        free((void *)(uintptr_t)frame.rgb);
    }
}

/* What the interpolation should be, in doubles: the middle of the crop against a plain computation. */
static void test_bilinear(void **state) {
    (void)state;
    media_frame frame = noise(64, 48, 5);
    const face_roi roi = {.x = 30, .y = 22, .side = 20, .angle = 0.3f};
    enum { SIZE = 20 };
    float crop[3 * SIZE * SIZE];
    face_image_crop(&frame, &roi, SIZE, 1, 0, crop);
    for (int v = 0; v < SIZE; v++)
        for (int u = 0; u < SIZE; u++) {
            double c = cos((double)roi.angle), s = sin((double)roi.angle);
            double du = u + .5 - SIZE / 2., dv = v + .5 - SIZE / 2.;
            double x = 30 + c * du - s * dv - .5, y = 22 + s * du + c * dv - .5;
            int x0 = (int)floor(x), y0 = (int)floor(y);
            const uint8_t *p = frame.rgb + (size_t)y0 * frame.stride + 3 * (size_t)x0;
            double fx = x - x0, fy = y - y0;
            double want = (p[0] * (1 - fx) + p[3] * fx) * (1 - fy) +
                          (p[frame.stride] * (1 - fx) + p[frame.stride + 3] * fx) * fy;
            assert_float_equal(crop[3 * (v * SIZE + u)], (float)want, 2.1f); /* 1/256 of a pixel */
        }
    free((void *)(uintptr_t)frame.rgb);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_bilinear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
