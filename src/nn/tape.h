/* Private to nn/: what operations need of a tape. */
#ifndef NN_TAPE_H
#define NN_TAPE_H

#include <math.h>
#include <string.h>

#include "nn/kernels.h"
#include "nn/nn.h"

/* Recurrent layers: the time of a sequence of that length at step s of the walk over it, or SIZE_MAX beyond its end. */
static inline size_t nn_walk_time(size_t length, bool reverse, size_t s) {
    if (s >= length) return SIZE_MAX;
    return reverse ? length - 1 - s : s;
}

/* How to send gradients back; the first member of every operation's own note. */
typedef struct nn_node {
    void (*backward)(nn_tape *tape, struct nn_node *node);
    struct nn_node *previous;
} nn_node;

struct nn_packed {
    int param;
    int form; /* 0 = as it is, other values are the operation's */
    nn_real *data;
};

struct nn_block {
    unsigned char *bytes;
    size_t size, used;
};

struct nn_tape {
    affect_context *ctx;
    nn_params *params;
    const nn_kernels *kernels;
    nn_real *grad; /* NULL: inference */
    bool training, frozen;
    uint64_t seed, draws; /* dropout: each draw has its own counter */
    nn_node *last;
    affect_status status;
    const nn_tensor *features; /* what entered the output layer of the last network */
    struct nn_block *blocks;
    size_t block_count, block_capacity;
    struct nn_packed *packed;
    size_t packed_count, packed_capacity;
    nn_tape *inner; /* on which checkpointed parts run (transformer.c), or NULL */
};

/* Walks back over the notes; gradients of results must be there already. */
void nn_tape_walk(nn_tape *tape);
void *nn_tape_bytes_alloc(nn_tape *tape, size_t size); /* 64-byte aligned, uninitialised */
/* Scratch that may be given back, in reverse order of taking. */
typedef struct nn_mark {
    size_t block, used;
} nn_mark;
nn_mark nn_tape_mark(const nn_tape *tape);
void nn_tape_release(nn_tape *tape, nn_mark mark);

nn_tensor *nn_new(nn_tape *tape, nn_shape shape);
/* Notes an operation: returns a note of `size` bytes (zeroed, linked), or NULL when none is needed
 * (inference, nothing wants a gradient) or on failure. */
void *nn_note(nn_tape *tape, size_t size, void (*backward)(nn_tape *, nn_node *));
/* Where x's gradient goes. *add says whether there is something to add to already. NULL if x wants
 * none. */
nn_real *nn_grad_into(nn_tape *tape, nn_tensor *x, bool *add);
nn_real *nn_grad_zeroed(nn_tape *tape, nn_tensor *x); /* to be added to; NULL if x wants none */
/* Hands y's gradient buffer over to x when x has none yet (equal counts; y's is dead afterwards):
 * true if so. */
bool nn_grad_take(nn_tensor *x, nn_tensor *y);
nn_real *nn_param_grad(nn_tape *tape, int id); /* to be added to; NULL if frozen */

/* The next dropout seed of this pass. */
static inline uint64_t nn_draw(nn_tape *tape) {
    uint64_t at = 2 * tape->draws++;
    return ((uint64_t)nn_hash64(tape->seed, at) << 32) ^ nn_hash64(tape->seed, at + 1);
}
/* conv1d as an image of height 1: x[n,t,ci], w[k,ci,co] -> [n,1,to,co] */
nn_tensor *nn_conv_rows(nn_tape *tape, nn_tensor *x, int w, int b, size_t stride, size_t pad);
size_t *nn_copy_lengths(nn_tape *tape, const size_t *length, size_t n, size_t t);

AFFECT_PRINTF(3, 4)
nn_tensor *nn_fail(nn_tape *tape, affect_status status, const char *format, ...);
/* "linear: x is [2, 3], weight 'fc.w' is [4, 8]" and NULL */
nn_tensor *nn_fail_shapes(nn_tape *tape, const char *operation, const char *a_name, nn_shape a,
                          const char *b_name, nn_shape b);
static inline const nn_param *nn_param_of(const nn_tape *tape, int id) {
    return &tape->params->items[id];
}
static inline bool nn_bad_param(const nn_tape *tape, int id) {
    return id < 0 || (size_t)id >= tape->params->count;
}
/* The packed form of a parameter: from the cache if the tape is frozen, else in the arena. *fresh
 * says that the caller has to fill it. */
nn_real *nn_tape_packed(nn_tape *tape, int param, int form, size_t size, bool *fresh);

#endif
