/* serve: the local page. In: a folder of recordings. Out: one process that answers a browser on this
 * machine: the recordings of the folder, their reports, live analysis, tracing. docs/serve.md has the
 * addresses, the messages and the reasons.
 *
 * HTTP and WebSocket (RFC 9110, 9112, 6455) are libwebsockets'. One thread serves all connections;
 * handlers run on a few workers; what belongs to the folder stands in FOLDER/.affect/project.db
 * (SQLite) and beside it. */
#ifndef SERVE_H
#define SERVE_H

#include "affect/session.h"
#include "base/base.h"

typedef struct serve_options {
    const char *folder;  /* the project */
    const char *address; /* to listen on; NULL: 127.0.0.1. Another one needs a token */
    const char
        *token; /* what every request must show, 16 to 200 characters of A-Z a-z 0-9 - _; or NULL */
    const char *study; /* a file of the folder (affect-study/1): raters get links; NULL: none */
    int64_t port;      /* 0: any free one */
    int64_t jobs;      /* recordings analyzed at once; 0: one for every two processors */
    /* Called once, when requests are answered: "http://127.0.0.1:8080/". */
    void (*on_ready)(void *user, const char *address);
    void *user;
} serve_options;

/* Serves until affect_context_cancel, then ends cleanly: answers in progress are cut, analyses stop
 * and go on at the next start. Errors: USAGE (address without token, a token of another form),
 * NOT_FOUND (no such folder), EXISTS (another process serves it), OUTPUT (it cannot be written, or the
 * port is taken), MEMORY; RUNTIME where the program was built without it. */
AFFECT_MUST_USE affect_status serve_run(affect_context *ctx, const serve_options *options);

/* ---- live, without a browser (watch.c) ---- */

typedef struct serve_watch_options {
    /* One or two of: camera, microphone, v4l2:DEVICE, alsa:DEVICE, pulse:DEVICE, lavfi:GRAPH, an address
     * (rtsp://, http://, https://); or one file, or "-". */
    const char *const *sources;
    size_t source_count;
    const affect_options *analysis; /* or NULL */
    const char *folder;             /* where the timeline goes; or NULL */
    const char *formats;
    bool force;
    /* What is known, once a second and person as a line to read, or every time as a line of JSON; NULL: nothing.
     * The caller looks at ferror. */
    FILE *out;
    bool json;
} serve_watch_options;

typedef struct serve_watch_counts {
    uint64_t pictures, dropped; /* analyzed; left out so that sound keeps up */
    double lost_s, seconds;     /* of sound that was lost; of the whole */
} serve_watch_counts;

/* Analyzes a live source until it ends or affect_context_cancel, which this takes back: then what came is
 * analyzed and written. A file is read whole, whatever it takes. Errors: USAGE, RUNTIME (no ffmpeg),
 * NOT_FOUND (a source cannot be read), those of media_open, affect_session_finish and
 * affect_timeline_write. */
AFFECT_MUST_USE affect_status serve_watch(affect_context *ctx, const serve_watch_options *options,
                                          serve_watch_counts *counts);

#endif
