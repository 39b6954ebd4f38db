/* Matrices that stay as a file stores them, quantised in blocks, and are made into numbers a few rows at a time
 * inside the product. Row-major, [out, in]: a row makes one output, as ggml has it. */
#ifndef NN_MATRIX_H
#define NN_MATRIX_H

#include "nn/nn.h"

/* ggml's numbers of the types that are known here. */
typedef enum nn_number {
    NN_NUMBER_F32 = 0,
    NN_NUMBER_F16 = 1,
    NN_NUMBER_Q8_0 = 8,  /* 32 values: half d, 32 bytes; x = d q */
    NN_NUMBER_Q4_K = 12, /* 256 values in 144 bytes */
    NN_NUMBER_Q6_K = 14, /* 256 values in 210 bytes */
    NN_NUMBER_BF16 = 30
} nn_number;

typedef struct nn_matrix {
    const unsigned char
        *data; /* of the type; may lie at any address; NULL: there is no such matrix */
    size_t out, in;
    int type;  /* nn_number */
    int param; /* >= 0: instead the values of that parameter [out, in], which get a gradient */
} nn_matrix;

static inline bool nn_matrix_given(const nn_matrix *m) { return m->data || m->param >= 0; }
const char *nn_number_name(uint32_t type); /* "Q8_0"; NULL where it is not known here */
/* Values of that type, whole blocks. */
void nn_number_read(uint32_t type, size_t count, const unsigned char *data, nn_real *out);

/* x[..., in] * w^T (+ bias [1, out], may be none) -> [..., out] */
nn_tensor *nn_project(nn_tape *tape, nn_tensor *x, const nn_matrix *w, const nn_matrix *bias);
/* Rows of the table w[rows, d] at index[shape] -> shape + [d]; index < 0 gives zeros. */
nn_tensor *nn_lookup(nn_tape *tape, const nn_matrix *w, const int32_t *index, nn_shape shape);
/* x in rows of `gain->in` values (of the last axis a whole number of them): x / sqrt(mean x^2 + epsilon) * gain
 * [1, in]. Zhang & Sennrich 2019. */
nn_tensor *nn_rms_norm(nn_tape *tape, nn_tensor *x, const nn_matrix *gain, double epsilon);
/* Cross-entropy of x[rows, in] * w^T against target[rows] (< 0: the row is skipped), summed over the rows, times
 * `scale`. The logits of a few rows are held at a time. */
nn_tensor *nn_token_loss(nn_tape *tape, nn_tensor *x, const nn_matrix *w, const int32_t *target,
                         double scale);

#endif
