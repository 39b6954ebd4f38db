/* A program in a process of its own, which is given no more than it needs. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "base/spawn.h"

enum { MOST_ENVIRONMENT = 8 };

static void put_environment(const base_program *p, char *out[MOST_ENVIRONMENT + 1]) {
    size_t n = 0;
    for (const char *const *a = p->added; a && *a && n < MOST_ENVIRONMENT; a++)
        out[n++] = (char *)(uintptr_t)*a;
    for (char **e = environ; e && *e; e++)
        for (const char *const *k = p->kept; *k && n < MOST_ENVIRONMENT; k++)
            if (base_starts_with(*e, *k)) out[n++] = *e;
    out[n] = NULL;
}

static int put_descriptors(const base_program *p, posix_spawn_file_actions_t *actions) {
    int error = 0;
    for (size_t i = 0; i < p->fd_count && !error; i++)
        error = p->fds[i] >= 0
                    ? posix_spawn_file_actions_adddup2(actions, p->fds[i], (int)i)
                    : posix_spawn_file_actions_addopen(actions, (int)i, "/dev/null", O_RDONLY, 0);
    return error ? error : posix_spawn_file_actions_addclosefrom_np(actions, (int)p->fd_count);
}

int base_spawn(const base_program *p, pid_t *child) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char *arguments[] = {(char *)(uintptr_t)p->name, (char *)(uintptr_t)p->argument, NULL};
    char *environment[MOST_ENVIRONMENT + 1];
    put_environment(p, environment);
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    error = put_descriptors(p, &actions);
    if (!error) error = posix_spawn(child, p->path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}
