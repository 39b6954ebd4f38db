/* The process that runs llama.cpp (llama_child.c): started, asked, ended. */
#ifndef REASON_LLAMA_WORKER_H
#define REASON_LLAMA_WORKER_H

#include "base/base.h"
#include "reason/llama_pipe.h"

typedef struct llama_worker llama_worker;

/* Starts affect-llama on a library (llama_shim.h) and a model's open file, and its projector's (-1: none). Errors: RUNTIME (there is no such program), MEMORY. */
AFFECT_MUST_USE affect_status reason_worker_start(affect_context *ctx, const char *library,
                                                  int model, int projector, llama_worker **out);
/* One message and what it is answered with: *message and `body`. `heard` (may be NULL) is told shares of loading on the
 * way. From `deadline` on (base_now_s's clock) and when the context is cancelled it is told to stop, and if it does not
 * within seconds, it is ended. Errors: MODEL (it has ended, with how), NOT_FOUND (it did not stop), MEMORY. */
AFFECT_MUST_USE affect_status reason_worker_ask(llama_worker *worker, llama_message question,
                                                const void *bytes, size_t length, double deadline,
                                                void (*heard)(void *user, float share), void *user,
                                                llama_message *message, base_text *body);
bool reason_worker_lives(const llama_worker *worker);
void reason_worker_end(llama_worker *worker); /* NULL is fine */

#endif
