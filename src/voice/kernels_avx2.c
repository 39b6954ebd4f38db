/* The same kernels for processors with AVX2: the same bits, eight lanes an instruction. */
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "voice/kernels.h"
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define KERNEL_AVX2
#define KERNEL(name) name##_avx2
#include "voice/kernels_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const voice_kernels voice_kernels_avx2 = {"avx2", long_frames_avx2, short_frames_avx2, dot_avx2,
                                          log_mel_avx2};
#else
#include "voice/kernels.h"
const voice_kernels voice_kernels_avx2 = {"avx2", NULL, NULL, NULL, NULL};
#endif
