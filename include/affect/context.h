/* The context: where error texts, log lines, the model folder and the thread budget live. There is
 * no global state; two contexts know nothing of each other. A context may be used from several
 * threads. */
#ifndef AFFECT_CONTEXT_H
#define AFFECT_CONTEXT_H

#include <stddef.h>

#include "affect/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct affect_context affect_context;

typedef enum affect_log_level {
    AFFECT_LOG_DEBUG = 0,
    AFFECT_LOG_INFO = 1,
    AFFECT_LOG_WARNING = 2,
    AFFECT_LOG_ERROR = 3
} affect_log_level;

/* Called with one line without a line end. `line` is valid during the call only. May be called from
 * a worker thread, but never from two threads at once. */
typedef void (*affect_log_fn)(void *user, affect_log_level level, const char *line);

/* Creates a context. Errors: ERROR_MEMORY (then *out is NULL). The caller destroys it, after every
 * object that was made with it. */
AFFECT_API AFFECT_MUST_USE affect_status affect_context_create(affect_context **out);
AFFECT_API void affect_context_destroy(affect_context *context); /* NULL is fine */

/* The text of the calling thread's most recent failure on this context, or "": each thread has its
 * own, and a session hands what failed on its worker threads to the thread that calls it. The
 * pointer stays valid until this thread's next failure on this context or the context's
 * destruction; copy it to keep it. */
AFFECT_API const char *affect_context_message(const affect_context *context);

/* Log lines at or above `level` go to `log`. A NULL log (the default) is silence. */
AFFECT_API void affect_context_set_log(affect_context *context, affect_log_level level,
                                       affect_log_fn log, void *user);

/* How many compute threads sessions of this context may use; 0 (the default) means one per online
 * processor. Results do not depend on it. */
AFFECT_API void affect_context_set_threads(affect_context *context, int threads);
AFFECT_API int affect_context_threads(const affect_context *context);

/* Where models are looked for, first hit first: the folder set here, $AFFECT_MODELS, the installed
 * data folder. `folder` is copied; NULL removes it. */
AFFECT_API AFFECT_MUST_USE affect_status affect_context_set_models(affect_context *context,
                                                                   const char *folder);

/* `keep` not 0: models that a session is done with stay loaded for the next session of this context
 * that wants them, so that of many short recordings only the first waits for them (each of several
 * sessions at once has its own of those that belong to one thread). Their files are not looked at
 * again. 0 (the default) frees what is kept; not while a session of this context is at work. */
AFFECT_API void affect_context_keep_models(affect_context *context, int keep);

/* `only` not 0: models whose card does not allow commercial use are refused from now on, with a
 * warning for each that would have been used, and what remains is used. Default 0. */
AFFECT_API void affect_context_set_commercial(affect_context *context, int only);

/* Asks everything that runs on this context to stop soon with ERROR_CANCELLED. Async-signal-safe.
 * The request stands until affect_context_reset: sessions that were stopped can only be destroyed,
 * and what is started meanwhile is stopped too. */
AFFECT_API void affect_context_cancel(affect_context *context);
/* Takes the request back, so that the context can be used again. To be called when everything that
 * ran on it has returned; what still runs may otherwise miss the request and go on. */
AFFECT_API void affect_context_reset(affect_context *context);
AFFECT_API int affect_context_cancelled(const affect_context *context);

#ifdef __cplusplus
}
#endif
#endif
