/* The two loops of a crop for processors with AVX2. The sums are whole numbers below 2^24, which floats hold exactly: the same bits
 * as image.c's own loops give. */
#include "face/image_lanes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define WITH_AVX2 __attribute__((target("avx2")))

/* Red, green and blue of two neighbours as pairs of 16-bit numbers. */
#define PAIRS 0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1

static WITH_AVX2 inline __m256i two(const uint8_t *low, const uint8_t *high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadl_epi64((const void *)low)),
                                   _mm_loadl_epi64((const void *)high), 1);
}

WITH_AVX2 int face_image_samples_avx2(const media_frame *frame, face_image_line line, int count,
                                      float gain, float offset, float *out) {
    const __m256i pairs = _mm256_setr_epi8(PAIRS, PAIRS);
    const __m256 all = _mm256_set1_ps(256), gains = _mm256_set1_ps(gain);
    const __m256 offsets = _mm256_set1_ps(offset);
    int u = 0;
    for (; u + 2 < count; u += 2, out += 6) {
        const uint8_t *at[2];
        int fx[2], fy[2];
        for (int k = 0; k < 2; k++, line.x += line.step_x, line.y += line.step_y) {
            at[k] =
                frame->rgb + (size_t)(line.y >> 16) * frame->stride + 3 * (size_t)(line.x >> 16);
            fx[k] = line.x >> 8 & 255;
            fy[k] = line.y >> 8 & 255;
        }
        __m256i across = _mm256_set_m128i(_mm_set1_epi32(fx[1] << 16 | (256 - fx[1])),
                                          _mm_set1_epi32(fx[0] << 16 | (256 - fx[0])));
        __m256 down = _mm256_set_m128(_mm_set1_ps((float)fy[1]), _mm_set1_ps((float)fy[0]));
        __m256i upper = _mm256_shuffle_epi8(two(at[0], at[1]), pairs);
        __m256i lower =
            _mm256_shuffle_epi8(two(at[0] + frame->stride, at[1] + frame->stride), pairs);
        __m256 a = _mm256_cvtepi32_ps(_mm256_madd_epi16(upper, across));
        __m256 b = _mm256_cvtepi32_ps(_mm256_madd_epi16(lower, across));
        __m256 sum =
            _mm256_add_ps(_mm256_mul_ps(a, _mm256_sub_ps(all, down)), _mm256_mul_ps(b, down));
        __m256 made = _mm256_add_ps(_mm256_mul_ps(sum, gains), offsets);
        _mm_storeu_ps(out, _mm256_castps256_ps128(made)); /* the fourth is written over */
        _mm_storeu_ps(out + 3, _mm256_extractf128_ps(made, 1));
    }
    return u;
}

WITH_AVX2 void face_image_sum_rows_avx2(const uint8_t *from, size_t stride, int rows, int repeated,
                                        size_t count, uint16_t *sums) {
    size_t k = 0;
    for (; k + 16 <= count; k += 16) {
        const uint8_t *row = from + k;
        __m256i sum = _mm256_setzero_si256(), one = sum;
        for (int j = 0; j < rows; j++, row += stride) {
            one = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)row));
            sum = _mm256_add_epi16(sum, one);
        }
        for (int j = 0; j < repeated; j++) sum = _mm256_add_epi16(sum, one);
        _mm256_storeu_si256((void *)(sums + k), sum);
    }
    for (; k < count; k++) {
        uint32_t sum = 0;
        for (int j = 0; j < rows; j++) sum += from[(size_t)j * stride + k];
        sums[k] = (uint16_t)(sum + (uint32_t)repeated * from[(size_t)(rows - 1) * stride + k]);
    }
}

static WITH_AVX2 inline __attribute__((always_inline)) void means(const uint16_t *sums, int count,
                                                                  int factor, uint8_t *to) {
    const __m128i half = _mm_set1_epi16((short)(factor * factor / 2));
    const __m128i inverse = _mm_set1_epi16((short)((1 << 16) / (factor * factor)));
    for (int x = 0; x < count; x++, to += 3) {
        __m128i sum = half;
        for (int i = 0; i < factor; i++, sums += 3)
            sum = _mm_add_epi16(sum, _mm_loadu_si128((const void *)sums));
        sum = _mm_mulhi_epu16(sum, inverse);
        int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
        memcpy(to, &bytes, sizeof bytes); /* the fourth is written over */
    }
}

WITH_AVX2 void face_image_means_avx2(const uint16_t *sums, int count, int factor, uint8_t *to) {
    switch (factor) { /* known factors are unrolled */
    case 2: means(sums, count, 2, to); break;
    case 3: means(sums, count, 3, to); break;
    case 4: means(sums, count, 4, to); break;
    default: means(sums, count, factor, to);
    }
}

bool face_image_has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }
#else
int face_image_samples_avx2(const media_frame *frame, face_image_line line, int count, float gain,
                            float offset, float *out) {
    (void)frame, (void)line, (void)count, (void)gain, (void)offset, (void)out;
    return 0;
}
void face_image_sum_rows_avx2(const uint8_t *from, size_t stride, int rows, int repeated,
                              size_t count, uint16_t *sums) {
    (void)from, (void)stride, (void)rows, (void)repeated, (void)count, (void)sums;
}
void face_image_means_avx2(const uint16_t *sums, int count, int factor, uint8_t *to) {
    (void)sums, (void)count, (void)factor, (void)to;
}
bool face_image_has_avx2(void) { return false; }
#endif
