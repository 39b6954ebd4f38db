/* Kernels for AVX2 with FMA; the build adds -mavx2 -mfma for this file alone. */
#define NN_VECTOR 32
#define NN_ROWS 6
#define NN_TABLE nn_kernels_avx2
#define NN_NAME "avx2"
#include "nn/kernels_body.h"
