/* What decoders of the Llama family are made of besides products and norms (matrix.h). */
#ifndef NN_TRANSFORMER_H
#define NN_TRANSFORMER_H

#include "nn/nn.h"

typedef struct nn_rotary {
    size_t heads, width; /* width of a head */
    size_t rotated;      /* its first so many values turn, in pairs; even */
    bool halves;         /* pairs (i, i + rotated/2) as NeoX and Qwen have it; else (2i, 2i+1) */
    /* [t][rotated/2][2]: cosine and sine of the angle of each step; lives as long as the tape's pass */
    const nn_real *turn;
} nn_rotary;
/* x[n, t, heads * width] -> the same; Su et al. 2021. */
nn_tensor *nn_rotate(nn_tape *tape, nn_tensor *x, const nn_rotary *rotary);
/* silu(gate) * up, equal shapes; Shazeer 2020. */
nn_tensor *nn_swiglu(nn_tape *tape, nn_tensor *gate, nn_tensor *up);

/* A part of a network that keeps its input alone and is computed once more on the way back (Chen et al. 2016):
 * memory grows with the number of parts by their inputs, not by what is inside. `build` is called on
 * another tape, with the same parameters, and must do the same both times; it may look at what lives until the
 * pass ends. Returns its result there. */
typedef nn_tensor *(*nn_part_fn)(void *user, size_t number, nn_tape *tape, nn_tensor *x);
nn_tensor *nn_checkpoint(nn_tape *tape, nn_tensor *x, nn_part_fn build, void *user, size_t number);

#endif
