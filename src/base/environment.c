/* One more entry in the environment while a library is loaded.
 *
 * Some libraries can be told something only by an environment variable that they read while they
 * are loaded. That is an entry in the environment of a program that is not ours. setenv would put
 * it there, but setenv may move the array of entries while another thread of the host stands in
 * getenv. So the array itself is never touched: `environ` is pointed at a copy with one more entry,
 * and pointed back as soon as the library stands. A reader sees the one array or the other, and
 * both are whole. What remains:
 *  - a copy is never freed (a reader may still stand in it), and used again while it fits, so a
 *    program pays for one, of eight bytes an entry;
 *  - a program started by another thread of the host in those milliseconds inherits the entry, and
 *    a library that it loads in them reads it;
 *  - a host that calls setenv in another thread in those milliseconds, which POSIX forbids beside
 *    any getenv, keeps its change: the entry is then taken out of the host's new array. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

struct base_environment {
    char **before;                  /* the host's array */
    size_t capacity;                /* pointers that `entries` has room for */
    struct base_environment *older; /* too small for today's; a reader may stand in it */
    char name[64];                  /* of the entry */
    char *entries[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* environ is one per process */
static base_environment *copies;

base_environment *base_environment_begin(const char *entry) {
    size_t length = strcspn(entry, "=");
    if (length >= sizeof copies->name) return NULL;
    pthread_mutex_lock(&lock);
    size_t count = 0;
    while (environ && environ[count]) count++;
    base_environment *e = copies;
    if (!e || e->capacity < count + 2) {
        size_t capacity = count + 64;
        e = base_calloc(1, sizeof *e + capacity * sizeof *e->entries);
        if (e) {
            e->capacity = capacity;
            e->older = copies;
            copies = e;
        }
    }
    if (!e) {
        pthread_mutex_unlock(&lock);
        return NULL;
    }
    memcpy(e->name, entry, length);
    e->name[length] = 0;
    size_t n = 0;
    e->entries[n++] = (char *)(uintptr_t)entry;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], entry, length + 1) != 0) e->entries[n++] = environ[i];
    e->entries[n] = NULL;
    e->before = environ;
    environ = e->entries;
    return e;
}

void base_environment_end(base_environment *e) {
    if (environ == e->entries)
        environ = e->before;
    else /* the host called setenv meanwhile */
        unsetenv(e->name);
    pthread_mutex_unlock(&lock);
}
