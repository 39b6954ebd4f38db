/* Vectors of LANES floats, one lane a frame: the numeric kernels work on LANES consecutive frames
 * at once, so that recurrences (splines, Levinson, root finding) run side by side and nothing has
 * to be shuffled. GCC and clang vector extensions: the same source is compiled for each instruction
 * set, and because no operation is fused or reassociated, every build gives the same bits.
 *
 * Private to the kernels. */
#ifndef VOICE_LANES_H
#define VOICE_LANES_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <immintrin.h>
#define LANES_X86 1
#endif

enum { LANES = 8 };

typedef float lanes __attribute__((vector_size(32)));
typedef int32_t lanes_int __attribute__((vector_size(32)));
typedef double lanes_double __attribute__((vector_size(64)));

#define LANES_INLINE static inline __attribute__((always_inline))

LANES_INLINE lanes lanes_all(float value) {
    return (lanes){value, value, value, value, value, value, value, value};
}

LANES_INLINE lanes lanes_select(lanes_int mask, lanes yes, lanes no) {
    return (lanes)(((lanes_int)yes & mask) | ((lanes_int)no & ~mask));
}

LANES_INLINE lanes lanes_max(lanes a, lanes b) { return lanes_select(a > b, a, b); }

LANES_INLINE lanes lanes_sqrt(lanes x) {
#if defined(LANES_X86) && defined(KERNEL_AVX2)
    return (lanes)_mm256_sqrt_ps((__m256)x);
#elif defined(LANES_X86)
    __m128 half[2];
    memcpy(half, &x, sizeof half);
    half[0] = _mm_sqrt_ps(half[0]);
    half[1] = _mm_sqrt_ps(half[1]);
    memcpy(&x, half, sizeof half);
    return x;
#else
    for (int i = 0; i < LANES; i++) x[i] = sqrtf(x[i]);
    return x;
#endif
}

/* Bit l is set where lane l of the mask is. */
LANES_INLINE unsigned lanes_bits(lanes_int mask) {
#if defined(LANES_X86) && defined(KERNEL_AVX2)
    return (unsigned)_mm256_movemask_ps((__m256)mask);
#elif defined(LANES_X86)
    __m128 half[2];
    memcpy(half, &mask, sizeof half);
    return (unsigned)_mm_movemask_ps(half[0]) | ((unsigned)_mm_movemask_ps(half[1]) << 4);
#else
    unsigned bits = 0;
    for (int i = 0; i < LANES; i++) bits |= (unsigned)(mask[i] != 0) << i;
    return bits;
#endif
}

/* Natural logarithm of positive normal numbers, relative error below 2e-7. The mantissa is brought
 * to [sqrt(1/2), sqrt(2)) and log(1+t) is summed as 2 atanh(t / (2 + t)). */
LANES_INLINE lanes lanes_log(lanes x) {
    lanes_int bits = (lanes_int)x;
    lanes_int shifted = bits - 0x3f3504f3; /* the bits of sqrt(1/2) */
    lanes_int exponent = shifted >> 23;
    lanes mantissa = (lanes)((shifted & 0x007fffff) + 0x3f3504f3);
    lanes t = mantissa - 1.0f;
    lanes s = t / (2.0f + t);
    lanes z = s * s;
    lanes series = 2.0f / 11.0f + lanes_all(0.0f);
    series = series * z + 2.0f / 9.0f;
    series = series * z + 2.0f / 7.0f;
    series = series * z + 2.0f / 5.0f;
    series = series * z + 2.0f / 3.0f;
    lanes e = __builtin_convertvector(exponent, lanes);
    /* ln 2 in two parts, so that e * LN2_HIGH is exact. */
    return e * 0.693145752f + (s * 2.0f + (s * z * series + e * 1.42860677e-6f));
}

/* e^x for |x| < 80, relative error below 3e-7. */
LANES_INLINE lanes lanes_exp(lanes x) {
    lanes n = x * 1.44269504f;
    lanes_int k = __builtin_convertvector(
        n + lanes_select(n < 0.0f, lanes_all(-0.5f), lanes_all(0.5f)), lanes_int);
    lanes kf = __builtin_convertvector(k, lanes);
    lanes r = (x - kf * 0.693145752f) - kf * 1.42860677e-6f;
    lanes series = 1.0f / 5040.0f + lanes_all(0.0f);
    series = series * r + 1.0f / 720.0f;
    series = series * r + 1.0f / 120.0f;
    series = series * r + 1.0f / 24.0f;
    series = series * r + 1.0f / 6.0f;
    series = series * r + 0.5f;
    series = series * r + 1.0f;
    series = series * r + 1.0f;
    return series * (lanes)((k + 127) << 23);
}

#endif
