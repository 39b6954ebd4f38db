/* Long arrays whose older part lies in a file without a name. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/base.h"

struct base_spill {
    size_t users;
    int fd;      /* -1 before the first block */
    bool failed; /* no room or no folder: what comes stays in memory */
    off_t end;   /* of what arrays have been given */
};

/* Below this an array is a block of the heap like others. */
enum { HEAP_MOST = 16 * 1024 };

base_spill *base_spill_create(void) {
    base_spill *spill = base_calloc(1, sizeof *spill);
    if (!spill) return NULL;
    spill->users = 1;
    spill->fd = -1;
    return spill;
}

base_spill *base_spill_share(base_spill *spill) {
    if (spill) spill->users++;
    return spill;
}

void base_spill_release(base_spill *spill) {
    if (!spill || --spill->users) return;
    if (spill->fd >= 0) close(spill->fd);
    base_free(spill);
}

static size_t page_size(void) {
    long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

/* A file that nobody can open by name, so that nothing is left however the process ends. */
static int open_nameless(const char *folder) {
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd >= 0) return fd;
    char *name = base_path_join(folder, ".affect-rows-XXXXXX"); /* where the file system has none */
    fd = name ? mkostemp(name, O_CLOEXEC) : -1;
    if (fd >= 0 && unlink(name) != 0) {
        close(fd);
        fd = -1;
    }
    base_free(name);
    return fd;
}

static bool is_open(base_spill *spill) {
    /* /tmp is memory on many systems, /var/tmp is not. */
    const char *const folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    for (size_t i = 0; i < BASE_COUNT(folders) && spill->fd < 0 && !spill->failed; i++)
        if (folders[i] && *folders[i]) spill->fd = open_nameless(folders[i]);
    spill->failed = spill->failed || spill->fd < 0;
    return !spill->failed;
}

/* A write over the process's limit of file sizes would end it by a signal. */
static bool may_reach(off_t end) {
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
           (limit.rlim_cur == RLIM_INFINITY || (rlim_t)end <= limit.rlim_cur);
}

static bool write_all(int fd, const char *bytes, size_t count, off_t at) {
    if (!may_reach(at + (off_t)count)) return false;
    while (count) {
        ssize_t n = pwrite(fd, bytes, count, at);
        if (n <= 0) return false; /* a signal between is no reason to try again: memory will do */
        bytes += n;
        count -= (size_t)n;
        at += n;
    }
    return true;
}

/* Where byte `at` of an array stands in the file, and how many from there on stand together. The
 * array is in pieces, each as long as all before it: so are its doublings. */
static off_t place(const base_spilled *a, size_t at, size_t *together) {
    size_t begin = 0, end = a->first;
    int i = 0;
    for (; at >= end; i++, end *= 2) begin = end;
    *together = end - at;
    return a->pieces[i] + (off_t)(at - begin);
}

static bool map_file(const base_spilled *a, const base_spill *spill, char *to, size_t from,
                     size_t end) {
    for (size_t n; from < end; from += n) {
        off_t at = place(a, from, &n);
        n = BASE_MIN(n, end - from);
        if (mmap(to + from, n, PROT_READ, MAP_SHARED | MAP_FIXED, spill->fd, at) == MAP_FAILED)
            return false;
    }
    return true;
}

static char *map_memory(size_t size) {
    void *probe = base_alloc(1); /* so that tests can make this fail, too */
    if (!probe) return NULL;
    base_free(probe);
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return made == MAP_FAILED ? NULL : made;
}

/* Another place for the array, of `size` bytes; the part that lies in the file is not read for it. */
static bool move(base_spilled *a, const base_spill *spill, size_t size, size_t in_file,
                 size_t used) {
    char *made = map_memory(size);
    if (!made) return false;
    if (in_file && !map_file(a, spill, made, 0, in_file)) {
        munmap(made, size);
        return false;
    }
    if (used > in_file) memcpy(made + in_file, (char *)a->data + in_file, used - in_file);
    if (a->mapped)
        munmap(a->data, a->capacity);
    else
        base_free(a->data);
    a->data = made;
    a->capacity = size;
    a->in_file = in_file;
    a->mapped = true;
    return true;
}

bool base_spilled_grow(base_spilled *a, const base_spill *spill, size_t used, size_t needed) {
    if (needed <= a->capacity) return true;
    size_t wanted = a->capacity ? a->capacity : 64;
    while (wanted < needed) {
        if (wanted > SIZE_MAX / 4) return false;
        wanted *= 2;
    }
    if (!a->mapped && wanted <= HEAP_MOST) {
        void *grown = base_realloc(a->data, wanted);
        if (!grown) return false;
        a->data = grown;
        a->capacity = wanted;
        return true;
    }
    size_t page = page_size();
    if (!a->mapped) wanted = (wanted + page - 1) / page * page;
    return move(a, spill, wanted, a->in_file, used);
}

/* The pieces of the file for the first `end` bytes. */
static bool reserve(base_spilled *a, base_spill *spill, size_t end) {
    if (!a->first) a->first = page_size() * 16;
    size_t covered = a->piece_count ? a->first << (a->piece_count - 1) : 0;
    while (covered < end) {
        size_t length = covered ? covered : a->first;
        if (a->piece_count == (int)BASE_COUNT(a->pieces)) return false;
        a->pieces[a->piece_count++] = spill->end;
        spill->end += (off_t)length;
        covered += length;
    }
    return true;
}

void base_spilled_write(base_spilled *a, base_spill *spill, size_t end) {
    size_t page = page_size(), from = a->in_file;
    end = end / page * page;
    if (!spill || !a->mapped || end <= from || !is_open(spill)) return;
    bool good = reserve(a, spill, end);
    for (size_t n; good && from < end; from += n) {
        off_t to = place(a, from, &n);
        n = BASE_MIN(n, end - from);
        good = write_all(spill->fd, (const char *)a->data + from, n, to) &&
               map_file(a, spill, a->data, from, from + n);
        if (good) a->in_file = from + n;
    }
    spill->failed = !good;
    base_spilled_leave(a);
}

void base_spilled_leave(const base_spilled *a) {
    if (a->in_file) (void)madvise(a->data, a->in_file, MADV_DONTNEED);
}

bool base_spilled_own(base_spilled *a, size_t used) {
    return !a->in_file || move(a, NULL, a->capacity, 0, used);
}

void base_spilled_free(base_spilled *a) {
    if (a->mapped)
        munmap(a->data, a->capacity);
    else
        base_free(a->data);
    *a = (base_spilled){0};
}
