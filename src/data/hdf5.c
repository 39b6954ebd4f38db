/* The caller's side of data/hdf5: starts the program that runs libhdf5, asks, and checks every answer. */
#include "data/hdf5.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn.h"
#include "data/hdf5_pipe.h"
#include "model/model.h"

struct data_hdf5 {
    char *path;
    int socket; /* -1 when the child is gone */
    pid_t child;
    struct {
        data_hdf5_item *items;
        size_t count, capacity;
    } list;
    size_t *by_path; /* indices in the order of their paths */
};

/* ---- the child ---- */

static int end_child(data_hdf5 *f) {
    int code = 0;
    if (f->socket >= 0) close(f->socket);
    f->socket = -1;
    if (f->child > 0) {
        kill(f->child, SIGKILL);
        while (waitpid(f->child, &code, 0) < 0 && errno == EINTR) {
        }
    }
    f->child = 0;
    return code;
}

/* With the socket as its standard input and what finds libraries. Returns errno. */
static int spawn(const char *program, const char *path, int socket, pid_t *child) {
    static const char *const kept[] = {"LD_LIBRARY_PATH=", "ASAN_OPTIONS=", NULL};
    /* Files on read-only and network disks cannot be locked. */
    static const char *const added[] = {"HDF5_USE_FILE_LOCKING=FALSE", NULL};
    /* libhdf5 and the C library may say things while they crash. */
    const int fds[] = {socket, -1, -1};
    const base_program p = {program, "affect-hdf5", path, kept, added, fds, BASE_COUNT(fds)};
    return base_spawn(&p, child);
}

typedef struct starter {
    data_hdf5 *file;
    int socket; /* the program's end */
    int error;  /* errno of the most wanted candidate that could not be started */
} starter;

static bool try_program(void *user, const char *path) {
    starter *s = user;
    if (!strchr(path, '/') || !base_file_exists(path))
        return false; /* no bare name: not by $PATH */
    int error = spawn(path, s->file->path, s->socket, &s->file->child);
    if (error) s->file->child = 0;
    if (error && !s->error) s->error = error;
    return error == 0;
}

static affect_status start_child(affect_context *ctx, data_hdf5 *f) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return base_fail(ctx, AFFECT_ERROR_RUNTIME, "%s: no socket: %s", f->path, strerror(errno));
    f->socket = pair[0];
    starter s = {f, pair[1], 0};
    base_text tried = {0};
    bool started = model_find_library("AFFECT_HDF5", "affect-hdf5", NULL, &tried, try_program, &s);
    close(pair[1]);
    affect_status status = tried.failed ? base_fail_memory(ctx) : AFFECT_OK;
    if (!started && !status)
        status = base_fail(ctx, AFFECT_ERROR_RUNTIME,
                           "%s: the program that reads HDF5 was not found or cannot be started "
                           "(%s%slooked for %s): install Affect again, or name affect-hdf5 in "
                           "AFFECT_HDF5",
                           f->path, s.error ? strerror(s.error) : "", s.error ? "; " : "",
                           tried.data ? tried.data : "");
    base_text_destroy(&tried);
    if (status) end_child(f);
    return status;
}

/* The child is gone without a word: what its end says. It may just have died, so give the kernel
 * the moment to say how before it is killed. */
static affect_status lost(affect_context *ctx, data_hdf5 *f, const char *doing) {
    int code = 0;
    pid_t done = 0;
    for (int i = 0; i < 100 && done == 0; i++) {
        done = waitpid(f->child, &code, WNOHANG);
        if (done == 0) usleep(1000);
    }
    if (done == f->child) f->child = 0;
    int later = end_child(f);
    if (done <= 0) code = later;
    const char *why = WIFSIGNALED(code) && WTERMSIG(code) == SIGPROF ? "takes no end"
                      : WIFSIGNALED(code)                            ? "crashes libhdf5"
                                                                     : "makes libhdf5 stop";
    return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: %s %s: the file is damaged or hostile", f->path,
                     doing, why);
}

/* Receives an answer of one of two kinds; *bytes (base_free) has `length` bytes and a NUL. */
static affect_status receive(affect_context *ctx, data_hdf5 *f, const char *doing, uint64_t most,
                             data_hdf5_header *header, char **bytes) {
    struct pollfd waiting = {.fd = f->socket, .events = POLLIN};
    int ready;
    *bytes = NULL;
    /* The child bounds its own processor time; this is for a disk that never answers. */
    while ((ready = poll(&waiting, 1, 60000)) < 0 && errno == EINTR) {
    }
    if (ready == 0) {
        end_child(f);
        return base_fail(ctx, AFFECT_ERROR_RUNTIME, "%s: no answer within a minute", f->path);
    }
    if (!data_hdf5_receive(f->socket, header, sizeof *header)) return lost(ctx, f, doing);
    if (header->length > most) {
        end_child(f);
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: %s gives nonsense", f->path, doing);
    }
    *bytes = base_alloc((size_t)header->length + 1);
    if (!*bytes) {
        end_child(f);
        return base_fail_memory(ctx);
    }
    (*bytes)[header->length] = 0;
    if (!data_hdf5_receive(f->socket, *bytes, (size_t)header->length)) {
        base_free(*bytes);
        *bytes = NULL;
        return lost(ctx, f, doing);
    }
    if (header->answer == HDF5_FAILED) {
        char *clean = base_utf8_clean(*bytes, strlen(*bytes));
        affect_status status = header->status == AFFECT_ERROR_RUNTIME ||
                                       header->status == AFFECT_ERROR_LIMIT ||
                                       header->status == AFFECT_ERROR_SHAPE
                                   ? (affect_status)header->status
                                   : AFFECT_ERROR_FORMAT;
        if (clean && header->status != AFFECT_ERROR_MEMORY)
            base_fail(ctx, status, "%s: %s", f->path, clean);
        else
            status = base_fail_memory(ctx);
        base_free(clean);
        base_free(*bytes);
        *bytes = NULL;
        return status;
    }
    return AFFECT_OK;
}

/* ---- the list ---- */

static void free_item(data_hdf5_item *item) {
    for (size_t i = 0; i < item->attribute_count; i++) {
        base_free(item->attributes[i].name);
        base_free(item->attributes[i].value);
    }
    base_free(item->attributes);
    base_free(item->path);
    base_free(item->problem);
}

/* Takes the next NUL-terminated text of an answer as valid UTF-8; FORMAT when there is none. */
static affect_status next_text(const char **at, const char *end, char **out) {
    const char *stop = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
    if (!stop) return AFFECT_ERROR_FORMAT;
    *out = base_utf8_clean(*at, (size_t)(stop - *at));
    *at = stop + 1;
    return *out ? AFFECT_OK : AFFECT_ERROR_MEMORY;
}

static affect_status take_item(affect_context *ctx, data_hdf5 *f, const char *bytes,
                               size_t length) {
    data_hdf5_described d;
    data_hdf5_item item = {0};
    const char *at = bytes + sizeof d, *end = bytes + length;
    affect_status status = AFFECT_ERROR_FORMAT;
    if (length < sizeof d) goto failed;
    memcpy(&d, bytes, sizeof d);
    if (d.content > DATA_HDF5_OTHER || d.type > DATA_BOOL8 || d.rank > DATA_MAX_RANK ||
        d.attributes > 64 || f->list.count == DATA_HDF5_MOST + 1)
        goto failed;
    item.content = (data_hdf5_content)d.content;
    item.type = (data_type)d.type;
    item.chunked = d.chunked;
    item.compressed = d.compressed;
    item.rank = d.rank;
    item.count = 1;
    for (size_t i = 0; i < d.rank; i++) {
        item.shape[i] = (size_t)d.shape[i];
        if (__builtin_mul_overflow(item.count, item.shape[i], &item.count)) goto failed;
    }
    if ((status = next_text(&at, end, &item.path)) || (status = next_text(&at, end, &item.problem)))
        goto failed;
    if (!*item.problem) {
        base_free(item.problem);
        item.problem = NULL;
    }
    if (d.attributes) {
        item.attributes = base_calloc(d.attributes, sizeof *item.attributes);
        if (!item.attributes) status = AFFECT_ERROR_MEMORY;
        if (status) goto failed;
    }
    for (uint32_t i = 0; i < d.attributes; i++) {
        item.attribute_count = i + 1;
        if ((status = next_text(&at, end, &item.attributes[i].name)) ||
            (status = next_text(&at, end, &item.attributes[i].value)))
            goto failed;
    }
    if (!base_grow((void **)&f->list.items, &f->list.capacity, f->list.count + 1,
                   sizeof *f->list.items)) {
        status = AFFECT_ERROR_MEMORY;
        goto failed;
    }
    f->list.items[f->list.count++] = item;
    return AFFECT_OK;
failed:
    free_item(&item);
    if (status == AFFECT_ERROR_MEMORY) return base_fail_memory(ctx);
    return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: its list cannot be read", f->path);
}

static int by_path(const void *a, const void *b, void *user) {
    const data_hdf5 *f = user;
    return strcmp(f->list.items[*(const size_t *)a].path, f->list.items[*(const size_t *)b].path);
}

affect_status data_hdf5_open(affect_context *ctx, const char *path, data_hdf5 **out) {
    *out = NULL;
    int file = base_open_regular(path);
    if (file < 0)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: %s", path,
                         errno == EINVAL ? "is not a regular file" : strerror(errno));
    close(file);
    data_hdf5 *f = base_calloc(1, sizeof *f);
    if (!f) return base_fail_memory(ctx);
    f->socket = -1;
    f->path = base_strdup(path);
    affect_status status = f->path ? start_child(ctx, f) : base_fail_memory(ctx);
    data_hdf5_header header = {0};
    while (!status && header.answer != HDF5_LISTED) {
        char *bytes;
        status = receive(ctx, f, "listing it", HDF5_MOST_TEXT, &header, &bytes);
        if (!status && header.answer == HDF5_ITEM)
            status = take_item(ctx, f, bytes, (size_t)header.length);
        else if (!status && header.answer != HDF5_LISTED)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: its list cannot be read", path);
        base_free(bytes);
    }
    if (!status) {
        f->by_path = base_alloc(f->list.count * sizeof *f->by_path);
        if (!f->by_path) status = base_fail_memory(ctx);
    }
    for (size_t i = 0; !status && i < f->list.count; i++) f->by_path[i] = i;
    if (!status) qsort_r(f->by_path, f->list.count, sizeof *f->by_path, by_path, f);
    if (status)
        data_hdf5_destroy(f);
    else
        *out = f;
    return status;
}

void data_hdf5_destroy(data_hdf5 *f) {
    if (!f) return;
    end_child(f);
    for (size_t i = 0; i < f->list.count; i++) free_item(&f->list.items[i]);
    base_free(f->list.items);
    base_free(f->by_path);
    base_free(f->path);
    base_free(f);
}

size_t data_hdf5_count(const data_hdf5 *f) { return f->list.count; }

const data_hdf5_item *data_hdf5_item_at(const data_hdf5 *f, size_t i) { return &f->list.items[i]; }

size_t data_hdf5_find(const data_hdf5 *f, const char *path) {
    size_t low = 0, high = f->list.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(f->list.items[f->by_path[middle]].path, path);
        if (order == 0) return f->by_path[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

/* ---- reading ---- */

static affect_status ask(affect_context *ctx, data_hdf5 *f, const data_hdf5_item *item,
                         uint64_t row, uint64_t rows, uint64_t most, data_hdf5_answer kind,
                         data_hdf5_header *header, char **bytes) {
    const data_hdf5_request request = {row, rows, (uint32_t)strlen(item->path) + 1};
    char doing[160];
    snprintf(doing, sizeof doing, "reading %.100s", item->path);
    if (f->socket < 0)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: could not be read before", f->path);
    if (!data_hdf5_send(f->socket, &request, sizeof request) ||
        !data_hdf5_send(f->socket, item->path, request.path))
        return lost(ctx, f, doing);
    affect_status status = receive(ctx, f, doing, most, header, bytes);
    if (!status && header->answer != (uint32_t)kind) {
        base_free(*bytes);
        *bytes = NULL;
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: %s gives nonsense", f->path, doing);
    }
    return status;
}

static affect_status check_readable(affect_context *ctx, const data_hdf5 *f,
                                    const data_hdf5_item *item, data_hdf5_content content) {
    if (item->content != content)
        return base_fail(ctx, AFFECT_ERROR_UNSUPPORTED, "%s: %s holds no %s", f->path, item->path,
                         content == DATA_HDF5_NUMBERS ? "numbers" : "texts");
    if (item->problem)
        return base_fail(ctx, AFFECT_ERROR_UNSUPPORTED, "%s: %s: %s", f->path, item->path,
                         item->problem);
    return AFFECT_OK;
}

affect_status data_hdf5_numbers(affect_context *ctx, data_hdf5 *f, size_t index, size_t row,
                                size_t rows, double *out) {
    const data_hdf5_item *item = &f->list.items[index];
    affect_status status = check_readable(ctx, f, item, DATA_HDF5_NUMBERS);
    size_t all = item->rank ? item->shape[0] : 1, width = item->rank && all ? item->count / all : 1;
    if (!status && (row > all || rows > all - row))
        status =
            base_fail(ctx, AFFECT_ERROR_SHAPE, "%s: %s has %zu rows", f->path, item->path, all);
    if (!status && item->count == 0) return AFFECT_OK;
    if (!status && width > ((size_t)256 << 20) / sizeof *out)
        status = base_fail(ctx, AFFECT_ERROR_LIMIT, "%s: a row of %s is over 256 MiB", f->path,
                           item->path);
    size_t most = HDF5_PIECE / sizeof *out / width;
    if (most == 0) most = 1;
    while (!status && rows) {
        size_t n = BASE_MIN(rows, most);
        data_hdf5_header header;
        char *bytes;
        status = ask(ctx, f, item, row, n, n * width * sizeof *out, HDF5_NUMBERS, &header, &bytes);
        if (status) break;
        if (header.length == n * width * sizeof *out)
            memcpy(out, bytes, (size_t)header.length);
        else
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: %s is cut off", f->path, item->path);
        base_free(bytes);
        out += n * width;
        row += n;
        rows -= n;
    }
    return status;
}

affect_status data_hdf5_text(affect_context *ctx, data_hdf5 *f, size_t index, size_t i,
                             char **out) {
    const data_hdf5_item *item = &f->list.items[index];
    affect_status status = check_readable(ctx, f, item, DATA_HDF5_TEXTS);
    data_hdf5_header header;
    char *bytes;
    *out = NULL;
    if (!status && i >= item->count)
        status = base_fail(ctx, AFFECT_ERROR_SHAPE, "%s: %s has %zu texts", f->path, item->path,
                           item->count);
    if (!status) status = ask(ctx, f, item, i, 0, HDF5_MOST_TEXT, HDF5_TEXT, &header, &bytes);
    if (status) return status;
    *out = base_utf8_clean(bytes, (size_t)header.length);
    base_free(bytes);
    return *out ? AFFECT_OK : base_fail_memory(ctx);
}
