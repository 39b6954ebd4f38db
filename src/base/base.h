/* base: what every room stands on. In: nothing. Out: status with text, memory, growable arrays,
 * text, atomic files, threads. No module invents its own.
 *
 * Memory: no bare malloc in the library. base_alloc and friends can be made to fail at the n-th
 * call, which is how tests prove that out-of-memory is an error like others. */
#ifndef BASE_H
#define BASE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "affect/context.h"
#include "affect/status.h"

#ifdef __FAST_MATH__
#error "affect relies on IEEE semantics (NaN as missing value): build without -ffast-math"
#endif

/* ---- context.c: errors and log lines -----------------------------------------------------------
 */

/* Stores the formatted text on the context (NULL context: drops it) and returns `status`, so that
 * a failing function ends with `return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: ...", path)`. */
AFFECT_PRINTF(3, 4)
affect_status base_fail(affect_context *ctx, affect_status status, const char *format, ...);
affect_status base_fail_memory(affect_context *ctx); /* ERROR_MEMORY with its standard text */

AFFECT_PRINTF(3, 4)
void base_log(affect_context *ctx, affect_log_level level, const char *format, ...);

/* The folder set by affect_context_set_models, or NULL. Borrowed until it is set again. */
const char *base_models_folder(const affect_context *ctx);
/* Were models that may not be used commercially ruled out (affect_context_set_commercial)? */
bool base_commercial_only(const affect_context *ctx);

/* ---- memory.c ----------------------------------------------------------------------------------
 */

AFFECT_MUST_USE void *base_alloc(size_t size); /* uninitialised; size 0 gives 1 byte */
AFFECT_MUST_USE void *base_calloc(size_t count, size_t size); /* zeroed; overflow gives NULL */
AFFECT_MUST_USE void *base_realloc(void *memory, size_t size);
AFFECT_MUST_USE void *base_alloc_aligned(size_t alignment, size_t size); /* free with base_free */
AFFECT_MUST_USE char *base_strdup(const char *text);                     /* NULL gives NULL */
AFFECT_MUST_USE char *base_strndup(const char *text, size_t length);
void base_free(void *memory);

/* Tests only: the n-th allocation from now (1 = the next) fails, once; 0 switches it off.
 * Process-wide. base_alloc_count() counts allocations since the last call of base_alloc_fail_at. */
void base_alloc_fail_at(long n);
long base_alloc_count(void);

/* Arena: what dies together. Pointers stay valid until reset or destroy. */
typedef struct base_arena {
    struct base_arena_block *block;
    size_t block_size;
} base_arena;

void base_arena_init(base_arena *arena, size_t block_size);             /* 0 = 64 KiB */
AFFECT_MUST_USE void *base_arena_alloc(base_arena *arena, size_t size); /* 16-aligned, zeroed */
void base_arena_reset(base_arena *arena); /* keeps the largest block */
void base_arena_destroy(base_arena *arena);

/* Growable array of any element type:
 *     struct { float *items; size_t count, capacity; } a = {0};
 *     if (!base_grow((void **)&a.items, &a.capacity, a.count + 1, sizeof *a.items)) ...
 * Doubles; false on overflow or out of memory, and then nothing changed. */
AFFECT_MUST_USE bool base_grow(void **items, size_t *capacity, size_t needed, size_t item_size);

/* ---- text.c ------------------------------------------------------------------------------------
 */

/* Growable text. `data` is NUL-terminated whenever length > 0. A failed append sets `failed`, later
 * appends do nothing, so that a writer checks once at its end. */
typedef struct base_text {
    char *data;
    size_t length, capacity;
    bool failed;
} base_text;

void base_text_append(base_text *text, const char *string);
void base_text_append_n(base_text *text, const char *bytes, size_t n);
AFFECT_PRINTF(2, 3) void base_text_printf(base_text *text, const char *format, ...);
void base_text_clear(base_text *text);   /* keeps the memory */
void base_text_destroy(base_text *text); /* frees; the struct can be used again */

/* Decodes one code point at text[*at] (at most `length` bytes) and moves *at on; malformed input
 * yields U+FFFD and moves one byte. Never reads past length. */
uint32_t base_utf8_next(const char *text, size_t length, size_t *at);
bool base_utf8_valid(const char *text, size_t length);
/* Writes the UTF-8 form of a code point (at most 4 bytes) and returns its length. */
size_t base_utf8_put(uint32_t code_point, char out[4]);
/* Returns a new valid UTF-8 string with each malformed byte replaced by U+FFFD; NULL on no memory.
 */
AFFECT_MUST_USE char *base_utf8_clean(const char *text, size_t length);

/* Locale-independent number parsing of the whole of [text, text+length); false if anything is left
 * over. Accepts "nan" and "inf" with sign in any case. */
bool base_parse_double(const char *text, size_t length, double *out);
bool base_parse_int64(const char *text, size_t length, int64_t *out);

bool base_starts_with(const char *text, const char *prefix);
bool base_ends_with(const char *text, const char *suffix);
bool base_equal_ignore_case(const char *a, const char *b); /* ASCII */

/* ---- file.c ------------------------------------------------------------------------------------
 */

/* Reads a whole file (at most `limit` bytes; 0 = 256 MiB) into *out with a NUL behind it. *out is
 * the caller's (base_free). Errors: NOT_FOUND, LIMIT, MEMORY. "-" reads standard input. */
AFFECT_MUST_USE affect_status base_read_file(affect_context *ctx, const char *path, size_t limit,
                                             char **out, size_t *length);

/* An output file that appears under its final name only when it is complete: written to a hidden
 * temporary neighbour, flushed, then renamed. base_output_abort removes the temporary. */
typedef struct base_output {
    FILE *file;
    char *path, *temporary;
} base_output;

AFFECT_MUST_USE affect_status base_output_open(affect_context *ctx, const char *path,
                                               base_output *out);
AFFECT_MUST_USE affect_status base_output_commit(affect_context *ctx, base_output *out);
void base_output_abort(base_output *out); /* fine on a zeroed or committed one */
/* The three steps in one, for text that is already in memory. */
AFFECT_MUST_USE affect_status base_write_file(affect_context *ctx, const char *path,
                                              const void *data, size_t length);
bool base_file_exists(const char *path);
bool base_is_folder(const char *path);
/* Creates the folder and its parents; existing is fine. Errors: OUTPUT. */
AFFECT_MUST_USE affect_status base_make_folder(affect_context *ctx, const char *path);
/* folder + "/" + name in new memory (base_free), NULL on no memory. */
AFFECT_MUST_USE char *base_path_join(const char *folder, const char *name);

/* ---- threads.c ---------------------------------------------------------------------------------
 */

/* Bounded queue of pointers between two threads; waiting threads sleep. */
typedef struct base_queue base_queue;
AFFECT_MUST_USE affect_status base_queue_create(affect_context *ctx, size_t capacity,
                                                base_queue **out);
void base_queue_destroy(base_queue *queue);          /* items left inside are not freed */
bool base_queue_push(base_queue *queue, void *item); /* waits for room; false once closed */
bool base_queue_pop(base_queue *queue, void **item); /* waits; false once closed and empty */
void base_queue_close(base_queue *queue);

/* Pool whose workers sleep when idle. base_pool_for runs body(user, i) for i in [0, n) and returns
 * when all are done; the caller's thread works too. Which thread runs which i is not defined, so a
 * body must write only to its own i. threads <= 1 runs everything in the caller. One base_pool_for
 * at a time. */
typedef struct base_pool base_pool;
AFFECT_MUST_USE affect_status base_pool_create(affect_context *ctx, int threads, base_pool **out);
void base_pool_destroy(base_pool *pool);
void base_pool_for(base_pool *pool, size_t n, void (*body)(void *user, size_t i), void *user);

/* ---- clock.c -----------------------------------------------------------------------------------
 */
double base_now_s(void); /* monotonic seconds, for progress and benchmarks, never for results */

#define BASE_MIN(a, b) ((a) < (b) ? (a) : (b))
#define BASE_MAX(a, b) ((a) > (b) ? (a) : (b))
#define BASE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
