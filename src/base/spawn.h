/* A program of ours in a process of its own. */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <sys/types.h>

#include "base/base.h"

typedef struct base_program {
    const char *path;     /* of the file: not looked for in $PATH */
    const char *name;     /* as the process is called */
    const char *argument; /* the only one */
    /* What it knows of our environment, as "NAME=" with a NULL at the end, and what is put there besides ("NAME=value"
     * with a NULL at the end, or NULL). At most 8 together. */
    const char *const *kept, *const *added;
    /* fds[i] becomes its descriptor i, in this order, -1 is /dev/null, to be read (what is written there fails); others of ours it has none. One behind the first must
     * lie above fd_count, or an earlier one takes its place. */
    const int *fds;
    size_t fd_count;
} base_program;

/* Starts it with no signal blocked or ignored. 0 and *child, or errno. */
AFFECT_MUST_USE int base_spawn(const base_program *program, pid_t *child);

#endif
