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

/* ---- context.c: errors and log lines ---- */

/* Stores the formatted text on the context (NULL context: drops it) and returns `status`, so that
 * a failing function ends with `return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: ...", path)`. */
AFFECT_PRINTF(3, 4)
affect_status base_fail(affect_context *ctx, affect_status status, const char *format, ...);
affect_status base_fail_memory(affect_context *ctx); /* ERROR_MEMORY with its standard text */

/* At the begin of a public function: what must not be NULL, as a condition. */
#define BASE_NEED(ctx, condition)                                                                  \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return base_fail((ctx), AFFECT_ERROR_ARGUMENT, "%s: an argument is NULL", __func__);   \
    } while (0)

AFFECT_PRINTF(3, 4)
void base_log(affect_context *ctx, affect_log_level level, const char *format, ...);

/* The folder set by affect_context_set_models, or NULL. Borrowed until it is set again. */
const char *base_models_folder(const affect_context *ctx);
/* Were models that may not be used commercially ruled out (affect_context_set_commercial)? */
bool base_commercial_only(const affect_context *ctx);

/* ---- keep.c: what was dear to make, for the next who wants the same ----
 *
 * Only where affect_context_keep_models switched it on. `key` names kind, model and whatever else an
 * object depends on. */

/* An object that was given with that key and is the caller's now, or one that is shared and stays the
 * context's until that is destroyed; NULL: none, make one. */
AFFECT_MUST_USE void *base_kept_take(affect_context *ctx, const char *key);
/* Leaves an object that nobody uses any more to the context, which destroys it at its end. False: it
 * is still the caller's, who destroys it. */
AFFECT_MUST_USE bool base_kept_give(affect_context *ctx, const char *key, void *object,
                                    void (*destroy)(void *object));
/* The same of an object that several threads may use at once, this one going on. */
AFFECT_MUST_USE bool base_kept_share(affect_context *ctx, const char *key, void *object,
                                     void (*destroy)(void *object));

/* ---- memory.c ---- */

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

/* ---- spill.c: long arrays whose older part lies in a file without a name ----
 *
 * For what grows as long as a recording does. The array is read as any other: the file's part is mapped
 * where it stood (and must not be written to: base_spilled_own first), so that it takes no memory while
 * nobody reads it. The file has no name ($TMPDIR, /var/tmp or /tmp) and is gone with the process. Where
 * there is none or no room in it, the array stays in memory: nothing fails for it. */

typedef struct base_spill base_spill; /* the file, of several arrays of one thread at a time */
AFFECT_MUST_USE base_spill *base_spill_create(void); /* no file is made yet; NULL: no memory */
base_spill *base_spill_share(base_spill *spill);     /* one user more */
void base_spill_release(base_spill *spill);          /* one less; NULL is fine */

typedef struct base_spilled {
    void *data;
    size_t capacity, in_file; /* bytes; in_file is a whole number of pages */
    size_t first;             /* bytes of the first piece of the file */
    int64_t pieces[40];       /* where they begin */
    int piece_count;
    bool mapped; /* no block of the heap any more */
} base_spilled;

/* Room for `needed` bytes, of which `used` are kept; false on no memory, and then nothing changed. */
AFFECT_MUST_USE bool base_spilled_grow(base_spilled *array, const base_spill *spill, size_t used,
                                       size_t needed);
/* The first `end` bytes (as far as they fill pages) go to the file. */
void base_spilled_write(base_spilled *array, base_spill *spill, size_t end);
/* What was read of the file's part takes no memory any more. */
void base_spilled_leave(const base_spilled *array);
/* Everything is memory again, to be written to; false on no memory. */
AFFECT_MUST_USE bool base_spilled_own(base_spilled *array, size_t used);
void base_spilled_free(base_spilled *array);

/* ---- text.c ---- */

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
AFFECT_PRINTF(2, 0)
void base_text_vprintf(base_text *text, const char *format, va_list arguments);
void base_text_append_base64(base_text *text, const void *bytes, size_t n); /* RFC 4648 */
void base_text_clear(base_text *text);                                      /* keeps the memory */
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

/* A control character: U+0000 to U+001F, U+007F to U+009F. */
bool base_control(uint32_t code_point);
/* What a terminal could take for a command or what forges a line: control characters (also U+0080
 * to U+009F), line and paragraph separators, marks that turn the writing direction around. */
bool base_harmful(uint32_t code_point);
/* `text` as one line of printable UTF-8, at most `size` bytes with the NUL (size > 0), cut between
 * code points: tabs and line ends become spaces, what else is harmful or malformed becomes '?'.
 * Text from inside files goes through this before it leaves the program: base_fail, base_log,
 * warnings and the tables of the command do. Returns `out`. */
char *base_clean_line(const char *text, char *out, size_t size);
/* The same appended to growing text. */
void base_text_append_clean(base_text *out, const char *text);

/* A JSON string with its quotes. Malformed UTF-8 becomes U+FFFD; what a terminal could take for a
 * command is escaped. */
void base_text_append_json(base_text *out, const char *text);
/* The text of an XML element or attribute: what would end it is escaped, what XML 1.0 has no place
 * for becomes U+FFFD. */
void base_text_append_xml(base_text *out, const char *text);
/* JSON that somebody wrote, with what a terminal could take for a command escaped in its strings. */
void base_text_append_safe_json(base_text *out, const char *json);
/* Prints one clean line and its end. What it could not be printed for is found by who closes `out`.
 */
AFFECT_PRINTF(2, 3) void base_put_line(FILE *out, const char *format, ...);

/* Locale-independent number parsing of the whole of [text, text+length); false if anything is left
 * over. Accepts "nan" and "inf" with sign in any case. */
bool base_parse_double(const char *text, size_t length, double *out);
bool base_parse_int64(const char *text, size_t length, int64_t *out);

bool base_starts_with(const char *text, const char *prefix);
bool base_ends_with(const char *text, const char *suffix);
bool base_equal_ignore_case(const char *a, const char *b); /* ASCII */

/* ---- file.c ---- */

/* Reads a whole file (at most `limit` bytes; 0 = 256 MiB) into *out with a NUL behind it. *out is
 * the caller's (base_free). Errors: NOT_FOUND, LIMIT, MEMORY. "-" reads standard input. */
AFFECT_MUST_USE affect_status base_read_file(affect_context *ctx, const char *path, size_t limit,
                                             char **out, size_t *length);

/* An output file that appears under its final name only when it is complete: written to a hidden
 * temporary neighbour (.NAME.affect-partial-XXXXXX), which is on the disk before it is renamed, and
 * so is the name. base_output_abort removes the temporary. A symbolic link of that name is
 * replaced, not followed. What a killed run left in the folder is removed first: temporaries of
 * this user that no living process has locked. */
typedef struct base_output {
    FILE *file;
    char *path, *temporary;
    bool unsynced; /* set after opening: the file lies in a base_folder, which is synced as a whole
                    */
} base_output;

AFFECT_MUST_USE affect_status base_output_open(affect_context *ctx, const char *path,
                                               base_output *out);
/* Errors: OUTPUT, CANCELLED (affect_context_cancel was called); the temporary is removed then. */
AFFECT_MUST_USE affect_status base_output_commit(affect_context *ctx, base_output *out);
void base_output_abort(base_output *out); /* fine on a zeroed or committed one */
/* The three steps in one, for text that is already in memory. */
AFFECT_MUST_USE affect_status base_write_file(affect_context *ctx, const char *path,
                                              const void *data, size_t length);

/* The same for a folder that does not exist yet: fill `temporary`, then commit it under its name.
 */
typedef struct base_folder {
    char *path, *temporary;
    int lock;
    bool unsynced; /* set after opening: it may reach the disk later, see base_sync_all */
} base_folder;

AFFECT_MUST_USE affect_status base_folder_open(affect_context *ctx, const char *path,
                                               base_folder *out);
/* Everything in it goes to the disk. For who moves the files out himself. */
AFFECT_MUST_USE affect_status base_folder_sync(affect_context *ctx, const base_folder *folder);
AFFECT_MUST_USE affect_status base_folder_commit(affect_context *ctx, base_folder *folder);
void base_folder_abort(base_folder *folder); /* removes it; fine on a zeroed or committed one */
/* The names in a folder go to the disk (best effort: not every file system can). */
void base_sync_names(const char *folder);
/* Everything that was written to the file system that this folder is on goes to the disk: for many
 * small files, of which each alone takes as long (best effort). */
void base_sync_all(const char *folder);

/* A symbolic link, whatever slashes stand behind the name: a folder that is written into must be
 * none, for whoever made the link chooses where the files go. */
bool base_is_link(const char *path);
bool base_file_exists(const char *path);
bool base_is_folder(const char *path);
/* Opens a regular file for reading; -1 with errno where that cannot be done, EINVAL where it is none.
 * A FIFO does not keep the caller waiting, and no device is read. The caller closes it. */
int base_open_regular(const char *path);
/* The regular file (no link to one) that stands in the folder of `file` under the last part of the name `path`, or
 * NULL: there is none, an argument is NULL, or out of memory. base_free. */
AFFECT_MUST_USE char *base_beside(const char *file, const char *path);
/* Creates the folder and its parents; existing is fine. Errors: OUTPUT. */
AFFECT_MUST_USE affect_status base_make_folder(affect_context *ctx, const char *path);
/* Could a folder of that name be made and written into? The nearest that exists must allow it; for a
 * command that wants to know before it works for minutes. Errors: OUTPUT. */
AFFECT_MUST_USE affect_status base_check_writable(affect_context *ctx, const char *folder);
/* folder + "/" + name in new memory (base_free), NULL on no memory. */
AFFECT_MUST_USE char *base_path_join(const char *folder, const char *name);

/* ---- threads.c ---- */

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

/* ---- environment.c ---- */

/* Between begin and end every getenv of this process finds `entry` ("NAME=VALUE", static, its name
 * below 64 bytes), whatever the host said of that name; what begin returned goes to end. For
 * libraries that read it while they are loaded. NULL: no memory. The two bracket a lock: keep it
 * short, and never nest them. */
typedef struct base_environment base_environment;
AFFECT_MUST_USE base_environment *base_environment_begin(const char *entry);
void base_environment_end(base_environment *environment);

/* ---- clock.c ---- */
double base_now_s(void); /* monotonic seconds, for progress and benchmarks, never for results */

#define BASE_MIN(a, b) ((a) < (b) ? (a) : (b))
#define BASE_MAX(a, b) ((a) > (b) ? (a) : (b))
#define BASE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
