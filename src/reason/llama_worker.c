/* The process that runs llama.cpp: see llama_worker.h. */
#include "reason/llama_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/spawn.h"
#include "model/model.h"

struct llama_worker {
    affect_context *ctx;
    pid_t child; /* 0: it is gone */
    int to, from;
    char lost[120]; /* how it ended, once that is known */
};

enum { SLICE_MS = 50, FIRST_FREE_FD = 10 };
static const double GRACE_S = 10; /* a batch of a large model's prompt takes seconds */

/* ---- start and end ---- */

/* With two pipes, the model, perhaps its projector, and what finds libraries. Returns errno. */
static int spawn(const char *program, const char *library, const int fds[4], pid_t *child) {
    static const char *const kept[] = {"LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "LSAN_OPTIONS=", NULL};
    /* ggml says on standard error where it was when it ends a process. */
    const int all[] = {fds[0], fds[1], -1, fds[2], fds[3]};
    const base_program p = {program,
                            "affect-llama",
                            library,
                            kept,
                            NULL,
                            all,
                            fds[3] >= 0 ? LLAMA_PROJECTOR_FD + 1 : LLAMA_MODEL_FD + 1};
    return base_spawn(&p, child);
}

typedef struct starter {
    llama_worker *worker;
    const char *library;
    int fds[4]; /* standard input and output, the model, its projector or -1 */
    int error;  /* errno of the most wanted candidate that could not be started */
} starter;

static bool try_program(void *user, const char *path) {
    starter *s = user;
    if (!strchr(path, '/') || !base_file_exists(path)) return false; /* not by $PATH */
    int error = spawn(path, s->library, s->fds, &s->worker->child);
    if (error) s->worker->child = 0;
    if (error && !s->error) s->error = error;
    return error == 0;
}

/* Copies above those that the program is given, or their places would be taken. */
static int raised(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD); }

affect_status reason_worker_start(affect_context *ctx, const char *library, int model,
                                  int projector, llama_worker **out) {
    int down[2] = {-1, -1}, up[2] = {-1, -1};
    *out = NULL;
    llama_worker *w = base_calloc(1, sizeof *w);
    if (!w) return base_fail_memory(ctx);
    *w = (llama_worker){.ctx = ctx, .to = -1, .from = -1};
    affect_status status = AFFECT_OK;
    starter s = {.worker = w, .library = library, .fds = {-1, -1, -1, -1}};
    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0 ||
        (s.fds[0] = raised(down[0])) < 0 || (s.fds[1] = raised(up[1])) < 0 ||
        (s.fds[2] = raised(model)) < 0 || (projector >= 0 && (s.fds[3] = raised(projector)) < 0))
        status = base_fail(ctx, AFFECT_ERROR_RUNTIME, "no pipe: %s", strerror(errno));
    base_text tried = {0};
    if (!status &&
        !model_find_library("AFFECT_LLAMA_PROGRAM", "affect-llama", NULL, &tried, try_program, &s))
        status = base_fail(ctx, AFFECT_ERROR_RUNTIME,
                           "the program that runs llama.cpp was not found or cannot be started "
                           "(%s%slooked for %s): install Affect again, or name affect-llama in "
                           "AFFECT_LLAMA_PROGRAM",
                           s.error ? strerror(s.error) : "", s.error ? "; " : "",
                           tried.data ? tried.data : "");
    if (tried.failed) status = base_fail_memory(ctx);
    base_text_destroy(&tried);
    w->to = down[1];
    w->from = up[0];
    const int ours[] = {down[0], up[1], s.fds[0], s.fds[1], s.fds[2], s.fds[3]};
    for (size_t i = 0; i < BASE_COUNT(ours); i++)
        if (ours[i] >= 0) close(ours[i]);
    if (status)
        reason_worker_end(w);
    else
        *out = w;
    return status;
}

/* How it ended; it is killed where it has not. */
static int reap(llama_worker *w, bool wait) {
    int code = 0;
    pid_t done = 0;
    for (int i = 0; wait && i < 200 && w->child && done == 0; i++) { /* it may just be dying */
        done = waitpid(w->child, &code, WNOHANG);
        if (done == 0) nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    if (w->child && done <= 0) {
        kill(w->child, SIGKILL);
        while (waitpid(w->child, &code, 0) < 0 && errno == EINTR) {
        }
    }
    w->child = 0;
    return code;
}

bool reason_worker_lives(const llama_worker *w) { return w->child != 0; }

void reason_worker_end(llama_worker *w) {
    if (!w) return;
    if (w->to >= 0) close(w->to);
    if (w->from >= 0) close(w->from);
    reap(w, false);
    base_free(w);
}

static affect_status lost(llama_worker *w) {
    if (w->child) {
        const int code = reap(w, true);
        if (WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL)
            snprintf(w->lost, sizeof w->lost, "killed, perhaps for the memory that it took");
        else if (WIFSIGNALED(code))
            snprintf(w->lost, sizeof w->lost, "%s", strsignal(WTERMSIG(code)));
        else
            snprintf(w->lost, sizeof w->lost, "status %d", WEXITSTATUS(code));
    }
    return base_fail(w->ctx, AFFECT_ERROR_MODEL, "llama.cpp ended in its own process (%s)",
                     w->lost);
}

/* ---- messages ---- */

/* A pipe whose reader is gone raises SIGPIPE in this thread: it is held back and taken away. */
static bool send_bytes(int fd, const void *bytes, size_t length) {
    const char *at = bytes;
    sigset_t pipe_only, before, waiting;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&waiting);
    const bool was_waiting = sigismember(&waiting, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    while (length) {
        const ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        at += n;
        length -= (size_t)n;
    }
    if (length && errno == EPIPE && !was_waiting) {
        const struct timespec now = {0};
        while (sigtimedwait(&pipe_only, NULL, &now) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return length == 0;
}

static bool send_message(llama_worker *w, llama_message message, const void *bytes, size_t length) {
    const llama_head head = {.message = message, .length = (uint32_t)length};
    return send_bytes(w->to, &head, sizeof head) && (!length || send_bytes(w->to, bytes, length));
}

typedef struct patience {
    double deadline, last; /* last: when it is ended; infinite before it was told to stop */
} patience;

/* Reads so many bytes, and stops the program where its time is over. 0: all; 1: it is gone; 2: it does not stop. */
static int receive(llama_worker *w, void *bytes, size_t length, patience *p) {
    char *at = bytes;
    while (length) {
        struct pollfd input = {.fd = w->from, .events = POLLIN};
        const int ready = poll(&input, 1, SLICE_MS);
        const double now = base_now_s();
        if (!isfinite(p->last) && (now > p->deadline || affect_context_cancelled(w->ctx))) {
            p->last = now + GRACE_S;
            if (!send_message(w, LLAMA_STOP, NULL, 0)) return 1;
        }
        if (now > p->last) return 2;
        if (ready <= 0) continue;
        const ssize_t n = read(w->from, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 1;
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

affect_status reason_worker_ask(llama_worker *w, llama_message question, const void *bytes,
                                size_t length, double deadline,
                                void (*heard)(void *user, float share), void *user,
                                llama_message *message, base_text *body) {
    if (!w->child || !send_message(w, question, bytes, length)) return lost(w);
    patience p = {deadline, INFINITY};
    for (;;) {
        llama_head head;
        char block[4096];
        float share = 0;
        base_text_clear(body);
        base_text_append_n(body, "", 0);
        int bad = receive(w, &head, sizeof head, &p);
        if (!bad && head.length > LLAMA_MESSAGE_LIMIT) bad = 1;
        for (size_t left = bad ? 0 : head.length; left && !bad;) {
            const size_t n = BASE_MIN(left, sizeof block);
            bad = receive(w, block, n, &p);
            if (!bad) base_text_append_n(body, block, n);
            left -= n;
        }
        if (bad == 2) {
            reap(w, false);
            snprintf(w->lost, sizeof w->lost, "it did not stop");
            return base_fail(w->ctx, AFFECT_ERROR_NOT_FOUND,
                             "llama.cpp did not stop in time and was ended");
        }
        if (bad) return lost(w);
        if (body->failed) return base_fail_memory(w->ctx);
        *message = (llama_message)head.message;
        if (*message != LLAMA_PROGRESS) return AFFECT_OK;
        if (head.length == sizeof share) memcpy(&share, body->data, sizeof share);
        if (heard) heard(user, share);
    }
}
