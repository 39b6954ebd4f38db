/* The kernels for any processor. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi" /* 32-byte vectors never cross a compiled call */
#endif
#define KERNEL(name) name##_baseline
#include "voice/kernels_body.h"

const voice_kernels voice_kernels_baseline = {
    "baseline", long_frames_baseline, short_frames_baseline, dot_baseline, log_mel_baseline};
