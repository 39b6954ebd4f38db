/* The tape: arena, notes, gradients. */
#include <stdlib.h>

#include "nn/tape.h"

affect_status nn_tape_create(affect_context *ctx, nn_params *params, nn_tape **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    (*out)->ctx = ctx;
    (*out)->params = params;
    (*out)->kernels = nn_kernels_get();
    return AFFECT_OK;
}

static void drop_packed(nn_tape *tape) {
    for (size_t i = 0; i < tape->packed_count; i++) base_free(tape->packed[i].data);
    tape->packed_count = 0;
}

void nn_tape_destroy(nn_tape *tape) {
    if (!tape) return;
    nn_tape_destroy(tape->inner);
    for (size_t i = 0; i < tape->block_count; i++) base_free(tape->blocks[i].bytes);
    drop_packed(tape);
    base_free(tape->packed);
    base_free(tape->blocks);
    base_free(tape);
}

void nn_tape_freeze(nn_tape *tape, bool frozen) {
    if (!frozen) drop_packed(tape);
    tape->frozen = frozen;
}

static bool add_block(nn_tape *tape, size_t size) {
    if (!base_grow((void **)&tape->blocks, &tape->block_capacity, tape->block_count + 1,
                   sizeof *tape->blocks))
        return false;
    unsigned char *bytes = base_alloc_aligned(64, size);
    if (!bytes) return false;
    tape->blocks[tape->block_count++] = (struct nn_block){bytes, size, 0};
    return true;
}

/* After a pass that needed several blocks: one block of their size, so that the next pass finds
 * room. */
static void coalesce(nn_tape *tape) {
    if (tape->block_count <= 1) return;
    size_t total = 0;
    for (size_t i = 0; i < tape->block_count; i++) {
        total += tape->blocks[i].size;
        base_free(tape->blocks[i].bytes);
    }
    tape->block_count = 0;
    (void)add_block(tape, total); /* on failure the pass itself will try and report */
}

void nn_tape_begin(nn_tape *tape, bool training, uint64_t seed, nn_real *grad) {
    tape->features = NULL;
    coalesce(tape);
    if (tape->block_count) tape->blocks[0].used = 0;
    tape->training = training;
    tape->grad = grad;
    tape->seed = seed;
    tape->draws = 0;
    tape->last = NULL;
    tape->status = AFFECT_OK;
}

affect_status nn_tape_status(const nn_tape *tape) { return tape->status; }

void *nn_tape_bytes_alloc(nn_tape *tape, size_t size) {
    if (tape->status != AFFECT_OK) return NULL;
    size = (size + 63) / 64 * 64;
    struct nn_block *block = tape->block_count ? &tape->blocks[tape->block_count - 1] : NULL;
    if (!block || block->size - block->used < size) {
        size_t least = (size_t)1 << 20;
        if (!add_block(tape, BASE_MAX(size, least))) {
            nn_fail(tape, AFFECT_ERROR_MEMORY,
                    "out of memory: a network pass wanted %zu bytes more", size);
            return NULL;
        }
        block = &tape->blocks[tape->block_count - 1];
    }
    void *memory = block->bytes + block->used;
    block->used += size;
    return memory;
}

nn_real *nn_tape_alloc(nn_tape *tape, size_t count) {
    return nn_tape_bytes_alloc(tape, count * sizeof(nn_real));
}

nn_mark nn_tape_mark(const nn_tape *tape) {
    if (!tape->block_count) return (nn_mark){0, 0};
    return (nn_mark){tape->block_count - 1, tape->blocks[tape->block_count - 1].used};
}

void nn_tape_release(nn_tape *tape, nn_mark mark) {
    /* Only within the same block: a block that was added stays used up, which the next begin mends.
     */
    if (tape->block_count && tape->block_count - 1 == mark.block)
        tape->blocks[mark.block].used = mark.used;
    else if (tape->block_count - 1 == mark.block + 1)
        tape->blocks[tape->block_count - 1].used = 0;
}

nn_tensor *nn_fail(nn_tape *tape, affect_status status, const char *format, ...) {
    if (tape->status != AFFECT_OK) return NULL;
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tape->status = base_fail(tape->ctx, status, "%s", text);
    return NULL;
}

nn_tensor *nn_fail_shapes(nn_tape *tape, const char *operation, const char *a_name, nn_shape a,
                          const char *b_name, nn_shape b) {
    char first[96], second[96];
    return nn_fail(tape, AFFECT_ERROR_SHAPE, "%s: %s is %s, %s is %s", operation, a_name,
                   nn_shape_text(a, first), b_name, nn_shape_text(b, second));
}

nn_tensor *nn_new(nn_tape *tape, nn_shape shape) {
    nn_tensor *t = nn_tape_bytes_alloc(tape, sizeof *t);
    if (!t) return NULL;
    *t = (nn_tensor){.shape = shape, .count = nn_shape_count(shape)};
    t->data = nn_tape_alloc(tape, t->count);
    return t->data ? t : NULL;
}

static nn_tensor *wrap(nn_tape *tape, nn_shape shape, nn_real *data, bool constant) {
    nn_tensor *t = nn_tape_bytes_alloc(tape, sizeof *t);
    if (!t) return NULL;
    *t = (nn_tensor){.shape = shape, .count = nn_shape_count(shape), .data = data};
    t->constant = constant;
    return t;
}

nn_tensor *nn_input(nn_tape *tape, nn_shape shape, const nn_real *data) {
    return wrap(tape, shape, (nn_real *)(uintptr_t)data, true);
}

nn_tensor *nn_variable(nn_tape *tape, nn_shape shape, const nn_real *data) {
    return wrap(tape, shape, (nn_real *)(uintptr_t)data, false);
}

void *nn_note(nn_tape *tape, size_t size, void (*backward)(nn_tape *, nn_node *)) {
    if (!tape->grad) return NULL;
    nn_node *node = nn_tape_bytes_alloc(tape, size);
    if (!node) return NULL;
    memset(node, 0, size);
    node->backward = backward;
    node->previous = tape->last;
    tape->last = node;
    return node;
}

nn_real *nn_grad_into(nn_tape *tape, nn_tensor *x, bool *add) {
    *add = x->grad != NULL;
    if (x->constant) return NULL;
    if (!x->grad) x->grad = nn_tape_alloc(tape, x->count);
    return x->grad;
}

nn_real *nn_grad_zeroed(nn_tape *tape, nn_tensor *x) {
    bool add;
    nn_real *grad = nn_grad_into(tape, x, &add);
    if (grad && !add) memset(grad, 0, x->count * sizeof *grad);
    return grad;
}

bool nn_grad_take(nn_tensor *x, nn_tensor *y) {
    if (x->constant || x->grad || x->count != y->count) return false;
    x->grad = y->grad;
    return true;
}

nn_real *nn_param_grad(nn_tape *tape, int id) {
    const nn_param *p = nn_param_of(tape, id);
    return tape->grad && !p->frozen ? tape->grad + p->offset : NULL;
}

void nn_tape_walk(nn_tape *tape) {
    for (nn_node *node = tape->last; node && tape->status == AFFECT_OK; node = node->previous)
        node->backward(tape, node);
}

affect_status nn_backward(nn_tape *tape, nn_tensor *loss) {
    if (tape->status != AFFECT_OK) return tape->status;
    if (!loss || loss->count != 1 || !tape->grad) {
        nn_fail(tape, AFFECT_ERROR_ARGUMENT, "backward: wants a scalar on a tape with gradients");
        return tape->status;
    }
    nn_real *grad = nn_grad_zeroed(tape, loss);
    if (!grad) return tape->status;
    *grad = 1;
    nn_tape_walk(tape);
    return tape->status;
}

nn_real *nn_tape_packed(nn_tape *tape, int param, int form, size_t size, bool *fresh) {
    *fresh = true;
    if (!tape->frozen) return nn_tape_alloc(tape, size);
    for (size_t i = 0; i < tape->packed_count; i++)
        if (tape->packed[i].param == param && tape->packed[i].form == form) {
            *fresh = false;
            return tape->packed[i].data;
        }
    nn_real *data = NULL;
    if (base_grow((void **)&tape->packed, &tape->packed_capacity, tape->packed_count + 1,
                  sizeof *tape->packed))
        data = base_alloc_aligned(64, size * sizeof *data);
    if (!data) {
        nn_fail(tape, AFFECT_ERROR_MEMORY, "out of memory: packed weights of %zu bytes",
                size * sizeof *data);
        return NULL;
    }
    tape->packed[tape->packed_count++] = (struct nn_packed){param, form, data};
    return data;
}
