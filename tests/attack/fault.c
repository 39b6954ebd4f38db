/* Preloaded by tools/attack and tests/cli/bad-input: lets calls of the C library fail or come short.
 * AFFECT_FAULT="SEED KIND" (eio, enospc, short, eintr): at call numbers that the seed chooses; what happens only
 * depends on the seed and on the order of calls. AFFECT_FAULT_AT="BYTE NAME": a disc with a scratch, reads of the files
 * whose path ends with NAME fail with EIO from that byte on. Calls inside the C library itself (the read of fread) do not come
 * through here, so the buffered calls are caught by their own names. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#undef _FILE_OFFSET_BITS /* pread and pread64 are two functions here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#pragma GCC visibility push(default)

enum { NONE, EIO_READS, ENOSPC_WRITES, SHORT, EINTR_CALLS };

static int kind;
static uint64_t seed;
static long long scratch = -1; /* the first byte that cannot be read */
static char scratched[256];    /* end of the file's path */
static atomic_uint_fast64_t calls;

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("AFFECT_FAULT_AT");
    if (!text || sscanf(text, "%lld %255s", &scratch, scratched) != 2) scratch = -1;
    text = getenv("AFFECT_FAULT");
    char word[16] = "";
    unsigned long long number = 0;
    if (!text || sscanf(text, "%llu %15s", &number, word) != 2) return;
    seed = number;
    kind = strcmp(word, "eio") == 0      ? EIO_READS
           : strcmp(word, "enospc") == 0 ? ENOSPC_WRITES
           : strcmp(word, "short") == 0  ? SHORT
           : strcmp(word, "eintr") == 0  ? EINTR_CALLS
                                         : NONE;
}

/* splitmix64 of the seed and the call's number. */
static uint64_t drawn(uint64_t n) {
    uint64_t z = seed + n * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* One call in 2^(seed % 8): some runs fail at once, some late. EINTR must end, so it comes rarely. */
static int strikes(int wanted) {
    if (kind != wanted) return 0;
    uint64_t n = drawn(atomic_fetch_add(&calls, 1) + 1);
    unsigned rare = wanted == EINTR_CALLS || wanted == SHORT ? 1 : (unsigned)(seed % 8);
    return (n & ((UINT64_C(1) << rare) - 1)) == 0;
}

#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

static int fails(int number) {
    errno = number;
    return 1;
}

/* Files of the system that libraries read when they start are left alone. ONNX Runtime asks
 * /sys/devices/system/cpu/present twice and takes a signal when one answer fails and the other does not; without
 * the file, without /sys or without /proc it runs. The kernel makes these files up in memory: no disc that fails and
 * no signal handler makes them answer so. */
static int of_system(int fd) {
    char link[32], path[64] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) < 0) return 0;
    return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0;
}

static int on_scratch(int fd, off64_t at) {
    char link[32], path[4096] = "";
    if (scratch < 0 || at < scratch) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    size_t end = strlen(scratched);
    return n > (ssize_t)end && strcmp(path + n - end, scratched) == 0;
}

static size_t shorter(size_t n) { return n > 1 && strikes(SHORT) ? 1 + n / 3 : n; }

ssize_t read(int fd, void *to, size_t n) {
    REAL(read);
    if (on_scratch(fd, lseek(fd, 0, SEEK_CUR)) && fails(EIO)) return -1;
    if (of_system(fd)) return real(fd, to, n);
    if (strikes(EIO_READS) && fails(EIO)) return -1;
    if (strikes(EINTR_CALLS) && fails(EINTR)) return -1;
    return real(fd, to, shorter(n));
}

ssize_t pread(int fd, void *to, size_t n, off_t at) {
    REAL(pread);
    if (on_scratch(fd, at) && fails(EIO)) return -1;
    if (of_system(fd)) return real(fd, to, n, at);
    if (strikes(EIO_READS) && fails(EIO)) return -1;
    if (strikes(EINTR_CALLS) && fails(EINTR)) return -1;
    return real(fd, to, shorter(n), at);
}

ssize_t pread64(int fd, void *to, size_t n, off64_t at) {
    REAL(pread64);
    if (on_scratch(fd, at) && fails(EIO)) return -1;
    if (of_system(fd)) return real(fd, to, n, at);
    if (strikes(EIO_READS) && fails(EIO)) return -1;
    if (strikes(EINTR_CALLS) && fails(EINTR)) return -1;
    return real(fd, to, shorter(n), at);
}

size_t fread(void *to, size_t size, size_t n, FILE *file) {
    REAL(fread);
    /* Comes short as at an end of the file: the flag of the stream can only be set from inside. */
    if (!of_system(fileno(file)) && strikes(EIO_READS) && fails(EIO)) return 0;
    return real(to, size, n, file);
}

ssize_t write(int fd, const void *from, size_t n) {
    REAL(write);
    if (fd > 2 && strikes(ENOSPC_WRITES) && fails(ENOSPC)) return -1;
    return real(fd, from, shorter(n));
}

int fflush(FILE *file) {
    REAL(fflush);
    if (file != stderr && strikes(ENOSPC_WRITES) && fails(ENOSPC)) return EOF;
    return real(file);
}

int fsync(int fd) {
    REAL(fsync);
    if (strikes(ENOSPC_WRITES) && fails(ENOSPC)) return -1;
    return real(fd);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    if (strikes(ENOSPC_WRITES) && fails(ENOSPC)) return -1;
    return real(from, to);
}

int mkostemp(char *name, int flags) {
    REAL(mkostemp);
    if (strikes(ENOSPC_WRITES) && fails(ENOSPC)) return -1;
    return real(name, flags);
}

int fclose(FILE *file) {
    REAL(fclose);
    int result = real(file);
    if (file == stdout && strikes(ENOSPC_WRITES) && fails(ENOSPC)) return EOF;
    return result;
}
