/* Allocation with a switchable failure for tests, arenas and growable arrays. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* The one piece of process-wide state in the library, used by tests alone. */
static atomic_long fail_at;
static atomic_long count;

void base_alloc_fail_at(long n) {
    atomic_store(&count, 0);
    atomic_store(&fail_at, n);
}

long base_alloc_count(void) { return atomic_load(&count); }

static bool must_fail(void) {
    long now = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) + 1;
    return now == atomic_load_explicit(&fail_at, memory_order_relaxed);
}

void *base_alloc(size_t size) { return must_fail() ? NULL : malloc(size ? size : 1); }

void *base_calloc(size_t items, size_t size) {
    if (size && items > SIZE_MAX / size) return NULL;
    return must_fail() ? NULL : calloc(items ? items : 1, size ? size : 1);
}

void *base_realloc(void *memory, size_t size) {
    return must_fail() ? NULL : realloc(memory, size ? size : 1);
}

void *base_alloc_aligned(size_t alignment, size_t size) {
    if (must_fail() || size > SIZE_MAX - alignment) return NULL;
    size_t rounded = (size + alignment - 1) / alignment * alignment;
    return aligned_alloc(alignment, rounded ? rounded : alignment);
}

void base_free(void *memory) { free(memory); }

char *base_strndup(const char *text, size_t length) {
    if (!text) return NULL;
    char *copy = base_alloc(length + 1);
    if (!copy) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *base_strdup(const char *text) { return text ? base_strndup(text, strlen(text)) : NULL; }

bool base_grow(void **items, size_t *capacity, size_t needed, size_t item_size) {
    if (needed <= *capacity) return true;
    size_t wanted = *capacity ? *capacity : 8;
    while (wanted < needed) {
        if (wanted > SIZE_MAX / 2) return false;
        wanted *= 2;
    }
    if (wanted > SIZE_MAX / item_size) return false;
    void *grown = base_realloc(*items, wanted * item_size);
    if (!grown) return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

/* ---- arena ---- */

struct base_arena_block {
    struct base_arena_block *next;
    size_t size, used;
    _Alignas(16) unsigned char bytes[];
};

void base_arena_init(base_arena *arena, size_t block_size) {
    arena->block = NULL;
    arena->block_size = block_size ? block_size : (size_t)64 * 1024;
}

void *base_arena_alloc(base_arena *arena, size_t size) {
    if (size > SIZE_MAX / 2) return NULL;
    size = (size + 15) & ~(size_t)15;
    struct base_arena_block *block = arena->block;
    if (!block || block->size - block->used < size) {
        size_t wanted = BASE_MAX(size, arena->block_size);
        block = base_alloc(sizeof *block + wanted);
        if (!block) return NULL;
        block->next = arena->block;
        block->size = wanted;
        block->used = 0;
        arena->block = block;
    }
    void *memory = block->bytes + block->used;
    block->used += size;
    memset(memory, 0, size);
    return memory;
}

void base_arena_reset(base_arena *arena) {
    struct base_arena_block *largest = NULL;
    for (struct base_arena_block *b = arena->block; b; b = b->next)
        if (!largest || b->size > largest->size) largest = b;
    for (struct base_arena_block *b = arena->block, *next; b; b = next) {
        next = b->next;
        if (b != largest) base_free(b);
    }
    arena->block = largest;
    if (largest) {
        largest->next = NULL;
        largest->used = 0;
    }
}

void base_arena_destroy(base_arena *arena) {
    for (struct base_arena_block *b = arena->block, *next; b; b = next) {
        next = b->next;
        base_free(b);
    }
    arena->block = NULL;
}
