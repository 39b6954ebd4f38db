/* serve, private: what a page of the server is written with. docs/serve.md tells how to add one.
 *
 * - A route is a row of a table (run.c): method, path, handler. "/api/recordings/X" is matched by
 *   "/api/recordings/?", and the handler finds "X" in request->parts[0]. A handler runs on a worker
 *   thread, may block, and answers once by a serve_reply_ function, or fails: its status becomes the
 *   HTTP status and its message {"error": "..."}.
 * - A channel is a row too: a path at which WebSockets are opened. Its functions run on the one
 *   thread that serves everybody, so they must not block: they queue. serve_socket_send_json may be called
 *   by any thread.
 * - The project is the folder: its files are reached by serve_project_open_file only, its database by
 *   serve_store_ functions, on any thread. */
#ifndef SERVE_PRIVATE_H
#define SERVE_PRIVATE_H

#include <jansson.h>
#include <sqlite3.h>

#include "serve/serve.h"
#include "track/track.h"

typedef struct serve_server serve_server;
typedef struct serve_project serve_project;
typedef struct serve_socket serve_socket;

/* ---- project.c: the folder ---- */

#define SERVE_STATE ".affect" /* the folder in the project that is ours */

struct serve_project {
    char *folder; /* absolute */
    int fd;       /* of it */
    int lock;     /* held while the process lives */
    sqlite3 *db;
    pthread_mutex_t mutex; /* of db, recursive */
};

/* Errors: NOT_FOUND, EXISTS (served by another process), OUTPUT, FORMAT (the database is none, or of a
 * newer version), MEMORY. */
AFFECT_MUST_USE affect_status serve_project_open(affect_context *ctx, const char *folder,
                                                 serve_project **out);
void serve_project_close(serve_project *project); /* NULL is fine */
/* Opens a regular file by its path below the folder, for reading. Nothing outside the folder is
 * reached, whatever the path says and whatever links lie in it; hidden names are not there. The caller
 * closes *fd. Errors: NOT_FOUND. */
AFFECT_MUST_USE affect_status serve_project_open_file(affect_context *ctx,
                                                      const serve_project *project,
                                                      const char *path, int *fd);
/* The same below FOLDER/.affect, for our own files. */
AFFECT_MUST_USE affect_status serve_project_open_state(affect_context *ctx,
                                                       const serve_project *project,
                                                       const char *path, int *fd);
/* FOLDER/.affect/PATH in new memory (base_free); NULL: no memory. */
AFFECT_MUST_USE char *serve_project_state_path(const serve_project *project, const char *path);
/* Can this be the last part of a path: not empty, not hidden, no slash, nothing harmful? */
bool serve_project_is_name(const char *name);

/* ---- store.c: the database of the project. All functions may be called on any thread. ---- */

/* Between lock and unlock other threads wait: for several statements that belong together. */
void serve_store_lock(serve_project *project);
void serve_store_unlock(serve_project *project);
/* Several statements as one: begin locks (also where it fails), end writes them if `status` is OK and takes them all back
 * otherwise, or if they cannot be written, and unlocks. It returns what went wrong first. */
AFFECT_MUST_USE affect_status serve_store_begin(affect_context *ctx, serve_project *project);
AFFECT_MUST_USE affect_status serve_store_end(affect_context *ctx, serve_project *project,
                                              affect_status status);
/* Runs statements without values. Errors: OUTPUT with SQLite's message. */
AFFECT_MUST_USE affect_status serve_store_run(affect_context *ctx, serve_project *project,
                                              const char *sql);
/* Runs one statement with values, which `types` names in order: i int64_t, d double, s const char *
 * (NULL is NULL). *rows (may be NULL) becomes a new array of arrays, a value a column. Errors: OUTPUT,
 * MEMORY. */
AFFECT_MUST_USE affect_status serve_store_ask(affect_context *ctx, serve_project *project,
                                              json_t **rows, const char *sql, const char *types,
                                              ...);

/* ---- reply.c: requests and their answers ---- */

typedef enum serve_method { SERVE_GET, SERVE_POST, SERVE_PUT, SERVE_DELETE } serve_method;

enum { SERVE_PARTS = 4, SERVE_BODY_LIMIT = 1 << 20, SERVE_PATH_SIZE = 2048 };

typedef struct serve_request {
    affect_context *ctx; /* of the worker */
    serve_server *server;
    serve_project *project;
    serve_method method;
    char path[SERVE_PATH_SIZE];     /* decoded, begins with '/' */
    char query[SERVE_PATH_SIZE];    /* as it came, without '?' */
    char range[128];                /* header Range, or "" */
    const char *parts[SERVE_PARTS]; /* what '?' of the route's path stood for */
    char split[SERVE_PATH_SIZE];    /* where they stand */
    char *body;                     /* NUL-terminated; NULL where there is none */
    size_t body_length;
    int upload; /* of routes that take a file: a file without a name, at its begin; else -1 */
    int64_t upload_length;
    /* ---- the answer ---- */
    int code; /* 0: none yet */
    char type[96];
    base_text text;                /* what is sent, or */
    const unsigned char *constant; /* this, which outlives the server, or */
    size_t constant_length;
    int file;                       /* -1, or this file */
    int64_t file_length, from, end; /* bytes [from, end) of it */
    char extra[512];                /* further header lines "name: value\n" */
} serve_request;

/* The value of a key of the query, decoded into `out`; false where it is not there or too long. */
bool serve_request_query(const serve_request *request, const char *key, char *out, size_t size);
/* The body as a JSON object of at most 32 levels; the caller gives it up. Errors: FORMAT. */
AFFECT_MUST_USE affect_status serve_request_json(serve_request *request, json_t **out);

/* The same of any text, for messages of WebSockets. */
AFFECT_MUST_USE affect_status serve_parse_object(affect_context *ctx, const char *text,
                                                 size_t length, json_t **out);

/* Answers. Each takes what it is given and returns OK, or MEMORY. */
AFFECT_MUST_USE affect_status serve_reply_json(serve_request *request, json_t *given_up);
AFFECT_MUST_USE affect_status serve_reply_text(serve_request *request, const char *type,
                                               const char *text, size_t length);
/* Bytes that outlive the server (embedded files). */
AFFECT_MUST_USE affect_status serve_reply_constant(serve_request *request, const char *type,
                                                   const unsigned char *bytes, size_t length);
/* An open file, whose descriptor is given up; Range is honoured (one range). */
AFFECT_MUST_USE affect_status serve_reply_file(serve_request *request, const char *type, int fd);
/* A further header of the answer. */
void serve_reply_header(serve_request *request, const char *name, const char *value);
/* What a failed handler's status means in HTTP, with its message as JSON. */
void serve_reply_failure(serve_request *request, affect_status status, const char *message);

/* Which bytes [from, end) of a file of that length a header Range asks for, and with which code (200, 206,
 * 416: none) it is answered. */
typedef struct serve_range {
    int code;
    int64_t from, end;
} serve_range;
void serve_range_parse(const char *text, int64_t length, serve_range *out);

/* Is `path` matched by `pattern`, whose '?' stand for one part each? Fills request->parts. */
bool serve_request_matches(serve_request *request, const char *pattern);

/* ---- server.c: connections; what is sent to a WebSocket ---- */

typedef struct serve_channel {
    const char *path;
    size_t limit; /* bytes of the longest message that is taken */
    /* `user` of the socket is the channel's own. A message that is not OK closes the connection, with the
     * message of the context as its reason; a
     * channel without `message` only speaks. `closed` is called once for every `opened` that was OK. */
    affect_status (*opened)(serve_socket *socket, const serve_request *request);
    affect_status (*message)(serve_socket *socket, const void *data, size_t length, bool binary);
    void (*closed)(serve_socket *socket);
    bool open; /* as in serve_route */
} serve_channel;

struct serve_socket {
    void *user;
    affect_context *ctx; /* of the serving thread */
    serve_server *server;
    serve_project *project;
    const serve_channel *channel;
};

/* Queues a message; any thread. Copied. False where the connection is gone, or so much waits already
 * (4 MiB) that the other side does not keep up: it is closed then. */
bool serve_socket_send_json(serve_socket *socket, json_t *given_up);
/* A socket that another thread keeps: it may be sent to until it is let go, even when it is closed. */
serve_socket *serve_socket_hold(serve_socket *socket);
void serve_socket_release(serve_socket *socket); /* NULL is fine */
/* To every socket that is open on the channel of that path; any thread. */
void serve_broadcast(serve_server *server, const char *channel, json_t *given_up);

typedef struct serve_route {
    serve_method method;
    const char *path; /* '?' is one part; */
    affect_status (*handle)(serve_request *request);
    bool upload; /* the body is a file of any length, in request->upload */
    bool open;   /* answers without the server's token: it has its own way to know who asks */
} serve_route;

typedef struct serve_table {
    const serve_route *routes;     /* ends with a NULL path */
    const serve_channel *channels; /* ends with a NULL path */
    /* Parts that have threads of their own: start before the first request, stop after the last. */
    affect_status (*start)(affect_context *ctx, serve_server *server);
    void (*stop)(serve_server *server);
} serve_table;

/* What the parts of the server keep, by number. */
typedef enum serve_part {
    SERVE_PART_JOBS,
    SERVE_PART_VIEWS,
    SERVE_PART_LIVE,
    SERVE_PART_TRACES,
    SERVE_PARTS_KEPT
} serve_part;
void *serve_kept(const serve_server *server, serve_part part);
void serve_keep(serve_server *server, serve_part part, void *what);
serve_project *serve_project_of(serve_server *server);
/* Analyses at once, as the options say. */
int serve_jobs_of(const serve_server *server);
/* The study's file, or NULL. */
const char *serve_study_of(const serve_server *server);

/* ---- views.c: timelines that are looked at ---- */

AFFECT_MUST_USE affect_status serve_views_start(affect_context *ctx, serve_server *server);
void serve_views_stop(serve_server *server);
/* A recording's timeline with its corrections, merged persons as one; kept for the next who asks, and to be closed.
 * Errors: NOT_FOUND (not analyzed), those of reading it. */
AFFECT_MUST_USE affect_status serve_view_open(affect_context *ctx, serve_server *server,
                                              const char *id, const affect_timeline **out);
void serve_view_close(serve_server *server, const affect_timeline *timeline); /* NULL is fine */
/* After an analysis or a correction: what the page asks for first, and what is searched, are made. */
AFFECT_MUST_USE affect_status serve_view_renew(affect_context *ctx, serve_server *server,
                                               const char *id);

/* ---- listing.c: which recordings there are ---- */

/* The files of the folder become rows of the table `recordings`; new files are `new`, changed ones
 * too, those that went away `gone`. */
AFFECT_MUST_USE affect_status serve_recordings_find(affect_context *ctx, serve_project *project);
/* Path (below the folder) of a recording, or NOT_FOUND. *path is the caller's. */
AFFECT_MUST_USE affect_status serve_recordings_path(affect_context *ctx, serve_project *project,
                                                    const char *id, char **path);

/* ---- live_channel.c: camera and microphone of the browser ---- */

AFFECT_MUST_USE affect_status serve_live_open(affect_context *ctx, serve_server *server);
void serve_live_close(serve_server *server); /* what is going on is ended and kept */
affect_status serve_live_opened(serve_socket *socket, const serve_request *request);
affect_status serve_live_message_came(serve_socket *socket, const void *data, size_t length,
                                      bool binary);
void serve_live_gone(serve_socket *socket);

/* ---- jobs.c: analyses ---- */

AFFECT_MUST_USE affect_status serve_jobs_start(affect_context *ctx, serve_server *server);
void serve_jobs_stop(serve_server *server);
void serve_jobs_wake(serve_server *server); /* rows became `queued` */
/* How far an analysis is, 0..1; NaN where none runs. */
double serve_jobs_share(serve_server *server, const char *id);
void serve_jobs_cancel(serve_server *server, const char *id);

/* ---- recordings.c ---- */

/* Keeps the timeline of a live session as a recording without a file. *id is the caller's. */
AFFECT_MUST_USE affect_status serve_recordings_keep(affect_context *ctx, serve_server *server,
                                                    const affect_timeline *timeline, char **id);

AFFECT_MUST_USE affect_status serve_loop(affect_context *ctx, const serve_options *options,
                                         serve_project *project, const serve_table *table);

#endif
