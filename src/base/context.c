/* Context: error texts (one for each thread that failed), log, cancel flag. One mutex guards the
 * texts; cancel is a lone atomic so that a signal handler may set it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_private.h"

enum { MESSAGE_SIZE = 1024 };

/* What a thread failed with last. Two threads on one context never read each other's. */
typedef struct message {
    struct message *next;
    pthread_t thread;
    char text[MESSAGE_SIZE];
} message;

struct affect_context {
    pthread_mutex_t lock;
    message *messages; /* of the threads that have failed; never removed before the end */
    message spare;     /* of the thread whose own could not be allocated, the latest such */
    bool spare_used;
    affect_log_fn log;
    void *log_user;
    affect_log_level log_level;
    char *models;
    atomic_int threads;
    atomic_int cancelled, commercial;
    base_store store;
};

const char *affect_status_name(affect_status status) {
    switch (status) {
#define STATUS_NAME(symbol, number, text)                                                          \
    case AFFECT_##symbol: return #symbol;
        AFFECT_STATUS_TABLE(STATUS_NAME)
#undef STATUS_NAME
    }
    return "UNKNOWN";
}

const char *affect_status_text(affect_status status) {
    switch (status) {
#define STATUS_TEXT(symbol, number, text)                                                          \
    case AFFECT_##symbol: return text;
        AFFECT_STATUS_TABLE(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

#define VERSION_TEXT_(a, b, c) #a "." #b "." #c
#define VERSION_TEXT(a, b, c) VERSION_TEXT_(a, b, c)
const char *affect_version(void) {
    return VERSION_TEXT(AFFECT_VERSION_MAJOR, AFFECT_VERSION_MINOR, AFFECT_VERSION_PATCH);
}
int affect_version_number(void) { return AFFECT_VERSION_NUMBER; }

affect_status affect_context_create(affect_context **out) {
    if (!out) return AFFECT_ERROR_ARGUMENT;
    *out = NULL;
    affect_context *ctx = base_calloc(1, sizeof *ctx);
    if (!ctx) return AFFECT_ERROR_MEMORY;
    if (pthread_mutex_init(&ctx->lock, NULL) != 0) {
        base_free(ctx);
        return AFFECT_ERROR_MEMORY;
    }
    if (pthread_mutex_init(&ctx->store.lock, NULL) != 0) {
        pthread_mutex_destroy(&ctx->lock);
        base_free(ctx);
        return AFFECT_ERROR_MEMORY;
    }
    *out = ctx;
    return AFFECT_OK;
}

void affect_context_destroy(affect_context *ctx) {
    if (!ctx) return;
    if (ctx->store.clear) ctx->store.clear(&ctx->store);
    pthread_mutex_destroy(&ctx->store.lock);
    pthread_mutex_destroy(&ctx->lock);
    for (message *m = ctx->messages, *next; m; m = next) {
        next = m->next;
        base_free(m);
    }
    base_free(ctx->models);
    base_free(ctx);
}

/* The calling thread's own, or NULL. With the lock held. */
static const message *own_message(const affect_context *ctx) {
    pthread_t self = pthread_self();
    if (ctx->spare_used && pthread_equal(ctx->spare.thread, self)) return &ctx->spare;
    for (const message *m = ctx->messages; m; m = m->next)
        if (pthread_equal(m->thread, self)) return m;
    return NULL;
}

const char *affect_context_message(const affect_context *context) {
    affect_context *ctx = (affect_context *)(uintptr_t)context; /* for its lock */
    if (!ctx) return "";
    pthread_mutex_lock(&ctx->lock);
    const message *m = own_message(ctx);
    pthread_mutex_unlock(&ctx->lock);
    return m ? m->text : "";
}

/* With the lock held. */
static void keep_message(affect_context *ctx, const char text[MESSAGE_SIZE]) {
    message *m = (message *)(uintptr_t)own_message(ctx);
    if (!m) {
        m = base_calloc(1, sizeof *m);
        if (m) {
            m->next = ctx->messages;
            ctx->messages = m;
        } else {
            m = &ctx->spare;
            ctx->spare_used = true;
        }
        m->thread = pthread_self();
    }
    memcpy(m->text, text, strlen(text) + 1);
}

void affect_context_set_log(affect_context *ctx, affect_log_level level, affect_log_fn log,
                            void *user) {
    if (!ctx) return;
    pthread_mutex_lock(&ctx->lock);
    ctx->log = log;
    ctx->log_user = user;
    ctx->log_level = level;
    pthread_mutex_unlock(&ctx->lock);
}

void affect_context_set_threads(affect_context *ctx, int threads) {
    if (ctx) atomic_store(&ctx->threads, threads < 0 ? 0 : threads);
}

int affect_context_threads(const affect_context *ctx) {
    int threads = ctx ? atomic_load(&ctx->threads) : 0;
    if (threads > 0) return threads;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (int)online;
}

affect_status affect_context_set_models(affect_context *ctx, const char *folder) {
    if (!ctx) return AFFECT_ERROR_ARGUMENT;
    char *copy = base_strdup(folder);
    if (folder && !copy) return base_fail_memory(ctx);
    pthread_mutex_lock(&ctx->lock);
    base_free(ctx->models);
    ctx->models = copy;
    pthread_mutex_unlock(&ctx->lock);
    return AFFECT_OK;
}

void affect_context_set_commercial(affect_context *ctx, int only) {
    if (ctx) atomic_store(&ctx->commercial, only != 0);
}

bool base_commercial_only(const affect_context *ctx) {
    return ctx && atomic_load(&ctx->commercial);
}

void affect_context_keep_models(affect_context *ctx, int keep) {
    if (!ctx) return;
    pthread_mutex_lock(&ctx->store.lock);
    ctx->store.on = keep != 0;
    pthread_mutex_unlock(&ctx->store.lock);
    if (!keep && ctx->store.clear) ctx->store.clear(&ctx->store);
}

base_store *base_store_of(affect_context *ctx) { return ctx ? &ctx->store : NULL; }

const char *base_models_folder(const affect_context *ctx) { return ctx ? ctx->models : NULL; }

void affect_context_cancel(affect_context *ctx) {
    if (ctx) atomic_store(&ctx->cancelled, 1);
}

void affect_context_reset(affect_context *ctx) {
    if (ctx) atomic_store(&ctx->cancelled, 0);
}

int affect_context_cancelled(const affect_context *ctx) {
    return ctx ? atomic_load(&ctx->cancelled) : 0;
}

affect_status base_fail(affect_context *ctx, affect_status status, const char *format, ...) {
    if (!ctx) return status;
    char text[MESSAGE_SIZE], line[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    base_clean_line(text, line, sizeof line);
    pthread_mutex_lock(&ctx->lock);
    keep_message(ctx, line);
    pthread_mutex_unlock(&ctx->lock);
    return status;
}

affect_status base_fail_memory(affect_context *ctx) {
    return base_fail(ctx, AFFECT_ERROR_MEMORY, "out of memory");
}

void base_log(affect_context *ctx, affect_log_level level, const char *format, ...) {
    if (!ctx) return;
    char text[MESSAGE_SIZE], line[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    base_clean_line(text, line, sizeof line);
    pthread_mutex_lock(&ctx->lock);
    if (ctx->log && level >= ctx->log_level) ctx->log(ctx->log_user, level, line);
    pthread_mutex_unlock(&ctx->lock);
}
