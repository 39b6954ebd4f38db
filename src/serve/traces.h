/* Private to serve/: a study, its raters, and their traces on the way into the database. */
#ifndef SERVE_TRACES_H
#define SERVE_TRACES_H

#include "serve/serve_private.h"

enum { SERVE_TOKEN_SIZE = 25, SERVE_LABEL_SIZE = 64 };

/* What waits to be written. */
typedef struct serve_samples {
    struct serve_samples *next;
    serve_socket *socket; /* held */
    int64_t rater;
    size_t length;
    char text[];
} serve_samples;

typedef struct serve_traces {
    serve_server *server;
    json_t *study; /* as read; never changed */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t more;
    serve_samples *first, *last;
    size_t waiting; /* bytes */
    bool started, stopping;
    affect_context *ctx; /* of the thread */
} serve_traces;

/* Reads the study (a file of the folder; NULL: none, and nothing is started), makes its raters, starts the writer. Errors:
 * NOT_FOUND, FORMAT, LIMIT, OUTPUT, MEMORY. */
AFFECT_MUST_USE affect_status serve_traces_start(affect_context *ctx, serve_server *server,
                                                 const char *study);
void serve_traces_stop(serve_server *server); /* what has come is written first */

AFFECT_MUST_USE affect_status serve_raters_prepare(affect_context *ctx, serve_project *project,
                                                   const json_t *study);
/* NOT_FOUND where nobody has that token. */
AFFECT_MUST_USE affect_status serve_rater_find(affect_context *ctx, serve_project *project,
                                               const char *token, int64_t *id,
                                               char label[SERVE_LABEL_SIZE]);

affect_status serve_trace_opened(serve_socket *socket, const serve_request *request);
affect_status serve_trace_message(serve_socket *socket, const void *data, size_t length,
                                  bool binary);
void serve_trace_closed(serve_socket *socket);

affect_status serve_get_rate(serve_request *request);
affect_status serve_get_rate_media(serve_request *request);
affect_status serve_post_rate_trace(serve_request *request);
affect_status serve_post_rate_done(serve_request *request);
affect_status serve_post_rate_reactions(serve_request *request);
affect_status serve_get_rate_labels(serve_request *request);
affect_status serve_put_rate_labels(serve_request *request);
affect_status serve_post_rate_choice(serve_request *request);
affect_status serve_get_study(serve_request *request);
affect_status serve_get_study_annotations(serve_request *request);
affect_status serve_get_study_reactions(serve_request *request);
affect_status serve_get_study_gold(serve_request *request);
/* pages.c */
affect_status serve_get_rate_page(serve_request *request);
affect_status serve_get_rate_script(serve_request *request);

/* suggest.c: *out: [[tier, label, begin, end], ...] of the analysis of the study's recording with that file; empty where the study does
 * not allow suggestions, or the recording is not analyzed. The caller's. */
AFFECT_MUST_USE affect_status serve_suggestions(serve_request *request, const json_t *study,
                                                const char *file, json_t **out);

#endif
