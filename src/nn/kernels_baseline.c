/* Kernels for any processor: 16-byte vectors. */
#define NN_VECTOR 16
#define NN_ROWS 2
#define NN_TABLE nn_kernels_baseline
#define NN_NAME "baseline"
#include "nn/kernels_body.h"
