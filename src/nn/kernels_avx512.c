/* Kernels for AVX-512; the build adds -mavx512f and friends for this file alone. */
#define NN_VECTOR 64
#define NN_ROWS 12
#define NN_TABLE nn_kernels_avx512
#define NN_NAME "avx512"
#include "nn/kernels_body.h"
