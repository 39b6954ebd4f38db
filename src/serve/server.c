/* Connections: libwebsockets on one thread, handlers on workers. What is checked before a handler
 * sees a request: Host and Origin (so that no page of another site reaches us, whatever name it gives
 * this machine), the token, the length of the body, the room on the disk. */
#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "serve/serve_private.h"

enum {
    WORKERS = 4,
    PENDING_MOST = 256,      /* requests that wait for a worker; more are told to come again */
    CONNECTIONS_MOST = 1000, /* more wait in the kernel's queue */
    HEADER_SECONDS = 10, /* for all of a request's header lines, and between pieces of its body */
    BODY_SECONDS = 60,   /* for all of a body that is no upload */
    WRITE_SECONDS = 120, /* in which a reader must take a piece of the answer */
    PIECE = 64 << 10,
    SOCKET_WAITING_MOST = 4 << 20,
    DRAINED_MOST = 16 << 20, /* of a refused body, taken so that the answer is read */
    DISK_RESERVE = 64 << 20  /* bytes that an upload leaves free */
};

typedef struct exchange exchange;
struct exchange {
    serve_request request;
    const serve_route *route;
    struct lws *wsi; /* the serving thread's; NULL: the connection is gone */
    int64_t expected, received;
    double begun_s;
    bool dispatched, done, headed, draining, head_only, answered;
    size_t sent; /* of text or constant */
    exchange *next;
};

typedef struct message {
    struct message *next;
    size_t length;
    unsigned char bytes[]; /* LWS_PRE, then the message */
} message;

/* What stands behind a serve_socket. */
typedef struct wire {
    serve_socket socket;
    struct lws *wsi;
    int references;
    bool open, overflown; /* under the server's mutex, as the queue is */
    message *first, **last;
    size_t waiting;
    unsigned char *part; /* a message that comes in pieces */
    size_t part_length, part_capacity;
    struct wire *next; /* of all that are open */
} wire;

typedef struct session {
    exchange *http;
    wire *ws;
} session;

struct serve_server {
    affect_context *ctx;
    const serve_options *options;
    serve_project *project;
    const serve_table *table;
    struct lws_context *lws;
    int port, connections;
    base_queue *work;
    pthread_t workers[WORKERS];
    affect_context *contexts[WORKERS];
    int worker_count;
    atomic_int pending;
    pthread_mutex_t mutex;
    exchange *finished;
    wire *wires;
    void *kept[SERVE_PARTS_KEPT];
};

void *serve_kept(const serve_server *server, serve_part part) { return server->kept[part]; }
void serve_keep(serve_server *server, serve_part part, void *what) { server->kept[part] = what; }
serve_project *serve_project_of(serve_server *server) { return server->project; }
int serve_jobs_of(const serve_server *server) { return (int)server->options->jobs; }
const char *serve_study_of(const serve_server *server) { return server->options->study; }

/* The serving thread looks what there is to do; any thread, also after the end. */
static void wake(serve_server *server) {
    pthread_mutex_lock(&server->mutex);
    if (server->lws) lws_cancel_service(server->lws);
    pthread_mutex_unlock(&server->mutex);
}

/* ---- who may ask ---- */

/* The same time for any wrong token of that length. */
static bool same_secret(const char *a, const char *b) {
    size_t length = strlen(b);
    unsigned char different = strlen(a) != length;
    for (size_t i = 0; i < length && a[i]; i++) different |= (unsigned char)(a[i] ^ b[i]);
    return !different;
}

static bool header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t size) {
    *out = '\0';
    int n = lws_hdr_copy(wsi, out, (int)size, token);
    return n > 0;
}

static bool custom_header(struct lws *wsi, const char *name, char *out, size_t size) {
    *out = '\0';
    return lws_hdr_custom_copy(wsi, out, (int)size, name, (int)strlen(name)) > 0;
}

/* Host is what the page was called by: a name of ours or, where other machines may come, a numeric
 * address, which no name server can point elsewhere. */
static bool host_is_ours(const serve_server *server, const char *host) {
    char wanted[64];
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        snprintf(wanted, sizeof wanted, "%s:%d", names[i], server->port);
        if (strcmp(host, wanted) == 0) return true;
        if (server->port == 80 && strcmp(host, names[i]) == 0) return true;
    }
    if (!server->options->address) return false;
    size_t length = strlen(host);
    snprintf(wanted, sizeof wanted, ":%d", server->port);
    if (length > strlen(wanted) && base_ends_with(host, wanted)) length -= strlen(wanted);
    return length == strspn(host, "0123456789.") || (*host == '[' && host[length - 1] == ']');
}

static bool has_token(const serve_server *server, struct lws *wsi, const char *query,
                      bool *in_query) {
    const char *token = server->options->token;
    char text[2048];
    *in_query = false;
    if (!token) return true;
    if (header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text, sizeof text) &&
        base_starts_with(text, "Bearer ") && same_secret(text + 7, token))
        return true;
    if (header(wsi, WSI_TOKEN_HTTP_COOKIE, text, sizeof text))
        for (char *at = text; at;) {
            char *end = strchr(at, ';');
            if (end) *end++ = '\0';
            while (*at == ' ') at++;
            if (base_starts_with(at, "affect-token=") && same_secret(at + 13, token)) return true;
            at = end;
        }
    for (const char *at = query; (at = strstr(at, "token=")); at++) {
        size_t length = strcspn(at + 6, "&");
        if ((at == query || at[-1] == '&') && length < sizeof text) {
            memcpy(text, at + 6, length);
            text[length] = '\0';
            if (same_secret(text, token)) return *in_query = true;
        }
    }
    return false;
}

/* NULL, or why not. */
static const char *refuse(const serve_server *server, struct lws *wsi) {
    char host[256], text[512];
    if (!header(wsi, WSI_TOKEN_HOST, host, sizeof host) || !host_is_ours(server, host))
        return "this server is not called by that name (header Host)";
    if (header(wsi, WSI_TOKEN_ORIGIN, text, sizeof text)) {
        if (!base_starts_with(text, "http://") || strcmp(text + 7, host) != 0)
            return "a page of another site asked (header Origin)";
    }
    if (custom_header(wsi, "sec-fetch-site:", text, sizeof text) &&
        strcmp(text, "same-origin") != 0 && strcmp(text, "none") != 0) {
        /* A link on another page may lead here, if it opens the page itself. */
        char mode[64];
        if (!custom_header(wsi, "sec-fetch-mode:", mode, sizeof mode) ||
            strcmp(mode, "navigate") != 0)
            return "a page of another site asked (header Sec-Fetch-Site)";
    }
    return NULL;
}

/* ---- requests ---- */

/* The library hands out the parts between the &, decoded; here they become one text again, in which
 * what could be taken for a separator is encoded. */
/* The library hands out the parts between the &, decoded; here they become one text again, in which
 * what could be taken for a separator is encoded. */
static void query_of(struct lws *wsi, char *out, size_t size) {
    size_t used = 0;
    char part[SERVE_PATH_SIZE];
    *out = '\0';
    for (int i = 0;; i++) {
        int n = lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n <= 0 || used + 3 * (size_t)n + 2 > size) break;
        if (used) out[used++] = '&';
        for (const char *c = part; *c; c++)
            if (strchr("%&+", *c))
                used += (size_t)snprintf(out + used, size - used, "%%%02X", (unsigned)*c);
            else
                out[used++] = *c;
        out[used] = '\0';
    }
}

static void free_exchange(exchange *e) {
    if (!e) return;
    base_free(e->request.body);
    base_text_destroy(&e->request.text);
    if (e->request.upload >= 0) close(e->request.upload);
    if (e->request.file >= 0) close(e->request.file);
    base_free(e);
}

static void fill_request(serve_server *server, struct lws *wsi, serve_request *r,
                         const char *path) {
    r->ctx = server->ctx;
    r->server = server;
    r->project = server->project;
    r->upload = r->file = -1;
    snprintf(r->path, sizeof r->path, "%s", path);
    query_of(wsi, r->query, sizeof r->query);
    header(wsi, WSI_TOKEN_HTTP_RANGE, r->range, sizeof r->range);
}

static int answer(exchange *e, int code, const char *why) {
    serve_reply_failure(&e->request, AFFECT_ERROR_USAGE, why);
    e->request.code = code;
    e->done = true;
    lws_callback_on_writable(e->wsi);
    return 0;
}

static int dispatch(serve_server *server, exchange *e) {
    e->dispatched = true;
    lws_set_timeout(e->wsi, NO_PENDING_TIMEOUT, 0);
    if (atomic_fetch_add(&server->pending, 1) >= PENDING_MOST) {
        atomic_fetch_sub(&server->pending, 1);
        e->dispatched = false;
        return answer(e, 503, "too much is being asked for at once; ask again");
    }
    (void)!base_queue_push(server->work, e); /* has room for all that may wait */
    return 0;
}

static bool room_for(const serve_project *project, int64_t bytes) {
    struct statvfs disk;
    int fd = open(project->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool room = fd >= 0 && fstatvfs(fd, &disk) == 0 &&
                (double)disk.f_bavail * (double)disk.f_frsize > (double)bytes + DISK_RESERVE;
    if (fd >= 0) close(fd);
    return room;
}

/* The body's place, before any of it is taken. NULL, or a code in *code and why not. */
static const char *expect_body(serve_server *server, exchange *e, int *code) {
    char text[64];
    if (!header(e->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text)) {
        *code = 411;
        return header(e->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING, text, sizeof text) ||
                       e->route->upload
                   ? "a body must say its length (header Content-Length)"
                   : NULL;
    }
    *code = 400;
    if (!base_parse_int64(text, strlen(text), &e->expected) || e->expected < 0)
        return "Content-Length is no length";
    if (e->route->upload) {
        *code = 507;
        if (!room_for(server->project, e->expected))
            return "there is no room on the disk for a file of that size";
        e->request.upload = open(server->project->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (e->request.upload < 0) return "the folder cannot be written into";
        return NULL;
    }
    *code = 413;
    if (e->expected > SERVE_BODY_LIMIT) return "the body is too long";
    *code = 503;
    e->request.body = base_alloc((size_t)e->expected + 1);
    if (!e->request.body) return "out of memory";
    *e->request.body = '\0';
    return NULL;
}

static bool method_of(struct lws *wsi, serve_method *method, bool *head) {
    static const struct {
        enum lws_token_indexes token;
        serve_method method;
    } known[] = {{WSI_TOKEN_GET_URI, SERVE_GET},
                 {WSI_TOKEN_HEAD_URI, SERVE_GET},
                 {WSI_TOKEN_POST_URI, SERVE_POST},
                 {WSI_TOKEN_PUT_URI, SERVE_PUT},
                 {WSI_TOKEN_DELETE_URI, SERVE_DELETE}};
    for (size_t i = 0; i < BASE_COUNT(known); i++)
        if (lws_hdr_total_length(wsi, known[i].token)) {
            *method = known[i].method;
            *head = known[i].token == WSI_TOKEN_HEAD_URI;
            return true;
        }
    return false;
}

/* The header lines are there. */
static int begin(serve_server *server, struct lws *wsi, session *s, const char *path) {
    free_exchange(s->http); /* of an earlier request on this connection */
    exchange *e = s->http = base_calloc(1, sizeof *e);
    if (!e) return -1;
    e->wsi = wsi;
    e->begun_s = base_now_s();
    fill_request(server, wsi, &e->request, path);
    const char *why = refuse(server, wsi);
    e->draining = true; /* until a body is wanted */
    if (why) return answer(e, 403, why);
    if (strlen(path) >= SERVE_PATH_SIZE) return answer(e, 414, "the address is too long");
    serve_method method;
    if (!method_of(wsi, &method, &e->head_only))
        return answer(e, 405, "only GET, HEAD, POST, PUT and DELETE are answered");
    bool path_known = false;
    for (const serve_route *route = server->table->routes; route->path && !e->route; route++)
        if (serve_request_matches(&e->request, route->path)) {
            path_known = true;
            if (route->method == method) e->route = route;
        }
    e->request.method = method;
    bool in_query;
    if (!(e->route && e->route->open) && !has_token(server, wsi, e->request.query, &in_query))
        return answer(e, 401, "the token is missing or wrong");
    if (!e->route)
        return answer(e, path_known ? 405 : 404,
                      path_known ? "that address has no such method" : "there is no such address");
    if (!e->route->open && server->options->token && in_query && method == SERVE_GET) {
        /* The token leaves the address line (and so the history) for a cookie. */
        char cookie[320];
        (void)answer(e, 303, "moved");
        snprintf(cookie, sizeof cookie, "affect-token=%s; HttpOnly; SameSite=Strict; Path=/",
                 server->options->token);
        serve_reply_header(&e->request, "set-cookie", cookie);
        serve_reply_header(&e->request, "location", e->request.path);
        return 0;
    }
    int code = 400;
    if (method == SERVE_POST || method == SERVE_PUT) why = expect_body(server, e, &code);
    if (why) return answer(e, code, why);
    e->draining = false;
    return e->expected > 0 ? 0 : dispatch(server, e);
}

static int take_body(serve_server *server, exchange *e, const unsigned char *data, size_t length) {
    (void)server;
    e->received += (int64_t)length;
    if (e->draining || e->done) /* refused: the rest is taken, so that the answer is read */
        return e->received > DRAINED_MOST || (e->answered && e->received >= e->expected) ? -1 : 0;
    if (e->received > e->expected) return -1;
    if (e->dispatched)
        return 0; /* the library tells of no further bytes when a worker has the body already */
    if (e->request.upload < 0) {
        if (base_now_s() - e->begun_s > BODY_SECONDS) return -1;
        if (length) memcpy(e->request.body + e->request.body_length, data, length);
        e->request.body_length += length;
        e->request.body[e->request.body_length] = '\0';
        return 0;
    }
    while (length > 0) {
        ssize_t n = write(e->request.upload, data, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            e->draining = true;
            return answer(e, 507, "the file could not be written: the disk is full");
        }
        data += n;
        length -= (size_t)n;
    }
    return 0;
}

static int end_body(serve_server *server, exchange *e) {
    if (e->answered) return -1;
    if (e->done || e->dispatched || e->draining) return 0;
    if (e->request.upload >= 0) {
        e->request.upload_length = e->received;
        if (lseek(e->request.upload, 0, SEEK_SET) != 0) return -1;
    }
    return dispatch(server, e);
}

/* ---- answers ---- */

static bool put(struct lws *wsi, const char *name, const char *value, unsigned char **at,
                unsigned char *end) {
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                       (const unsigned char *)value, (int)strlen(value), at,
                                       end) == 0;
}

static bool send_head(exchange *e, uint64_t length) {
    /* Scripts, frames, pictures, sound: from here alone. */
    static const char *const fixed[][2] = {
        {"content-security-policy:",
         "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' "
         "'unsafe-inline'; "
         "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
         "manifest-src 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; "
         "form-action 'none'"},
        {"x-content-type-options:", "nosniff"},
        {"referrer-policy:", "no-referrer"},
        {"cross-origin-resource-policy:", "same-origin"},
        {"cross-origin-opener-policy:", "same-origin"},
        {"permissions-policy:",
         "camera=(self), microphone=(self), gamepad=(self), geolocation=()"}};
    unsigned char buffer[LWS_PRE + 4096], *from = buffer + LWS_PRE, *at = from,
                                          *end = buffer + sizeof buffer - 1;
    serve_request *r = &e->request;
    bool good = lws_add_http_header_status(e->wsi, (unsigned)r->code, &at, end) == 0 &&
                put(e->wsi, "content-type:", r->type, &at, end);
    for (size_t i = 0; good && i < BASE_COUNT(fixed); i++)
        good = put(e->wsi, fixed[i][0], fixed[i][1], &at, end);
    if (good && !strstr(r->extra, "cache-control"))
        good = put(e->wsi, "cache-control:", r->constant ? "no-cache" : "no-store", &at, end);
    for (char *line = r->extra; good && *line;) {
        char *stop = strchr(line, '\n'), *colon = strchr(line, ':');
        if (!stop || !colon || colon > stop) break;
        *stop = '\0';
        char name[64];
        snprintf(name, sizeof name, "%.*s:", (int)(colon - line), line);
        good = put(e->wsi, name, colon + 2, &at, end);
        line = stop + 1;
    }
    return good && lws_add_http_header_content_length(e->wsi, length, &at, end) == 0 &&
           lws_finalize_write_http_header(e->wsi, from, &at, end) == 0;
}

static int finish(struct lws *wsi, session *s) {
    if (s->http->draining && s->http->received < s->http->expected) {
        s->http->answered = true; /* the connection ends with the body */
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, HEADER_SECONDS);
        return 0;
    }
    free_exchange(s->http);
    s->http = NULL;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int write_answer(struct lws *wsi, session *s) {
    exchange *e = s->http;
    if (!e || !e->done || e->answered) return 0;
    serve_request *r = &e->request;
    const unsigned char *bytes = r->constant ? r->constant : (const unsigned char *)r->text.data;
    uint64_t length = r->file >= 0  ? (uint64_t)(r->end - r->from)
                      : r->constant ? r->constant_length
                                    : r->text.length;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, WRITE_SECONDS);
    if (!e->headed) {
        e->headed = true;
        if (!send_head(e, length)) return -1;
        if (!length || e->head_only) return finish(wsi, s);
        lws_callback_on_writable(wsi);
        return 0;
    }
    static _Thread_local unsigned char buffer[LWS_PRE + PIECE];
    size_t n = (size_t)BASE_MIN(length - e->sent, (uint64_t)PIECE);
    if (r->file >= 0) {
        ssize_t got = pread(r->file, buffer + LWS_PRE, n, r->from + (int64_t)e->sent);
        if (got <= 0)
            return -1; /* it became shorter: the connection is cut, which the length shows */
        n = (size_t)got;
    } else {
        memcpy(buffer + LWS_PRE, bytes + e->sent, n);
    }
    bool last = e->sent + n == length;
    if (lws_write(wsi, buffer + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
        return -1;
    e->sent += n;
    if (last) return finish(wsi, s);
    lws_callback_on_writable(wsi);
    return 0;
}

static void *work(void *user) {
    serve_server *server = user;
    pthread_mutex_lock(&server->mutex);
    affect_context *ctx = server->contexts[server->worker_count++];
    pthread_mutex_unlock(&server->mutex);
    void *item;
    while (base_queue_pop(server->work, &item)) {
        exchange *e = item;
        e->request.ctx = ctx;
        affect_status status = e->route->handle(&e->request);
        if (status != AFFECT_OK)
            serve_reply_failure(&e->request, status, affect_context_message(ctx));
        else if (!e->request.code)
            serve_reply_failure(&e->request, AFFECT_ERROR_INTERNAL, "the handler gave no answer");
        atomic_fetch_sub(&server->pending, 1);
        pthread_mutex_lock(&server->mutex);
        e->next = server->finished;
        server->finished = e;
        pthread_mutex_unlock(&server->mutex);
        wake(server);
    }
    return NULL;
}

/* ---- WebSockets ---- */

static void free_message(message *m) { base_free(m); }

static void drop(wire *w) { /* with the mutex held, or alone */
    if (--w->references > 0) return;
    while (w->first) {
        message *next = w->first->next;
        free_message(w->first);
        w->first = next;
    }
    base_free(w->part);
    base_free(w);
}

serve_socket *serve_socket_hold(serve_socket *socket) {
    wire *w = (wire *)socket;
    pthread_mutex_lock(&socket->server->mutex);
    w->references++;
    pthread_mutex_unlock(&socket->server->mutex);
    return socket;
}

void serve_socket_release(serve_socket *socket) {
    if (!socket) return;
    serve_server *server = socket->server;
    pthread_mutex_lock(&server->mutex);
    drop((wire *)socket);
    pthread_mutex_unlock(&server->mutex);
}

static bool queue(wire *w, const void *data, size_t length) { /* mutex held */
    if (!w->open || w->overflown) return false;
    if (w->waiting + length > SOCKET_WAITING_MOST) {
        w->overflown = true;
        return false;
    }
    message *m = base_alloc(sizeof *m + LWS_PRE + length);
    if (!m) return false;
    m->next = NULL;
    m->length = length;
    if (length) memcpy(m->bytes + LWS_PRE, data, length);
    *w->last = m;
    w->last = &m->next;
    w->waiting += length;
    return true;
}

bool serve_socket_send_json(serve_socket *socket, json_t *given_up) {
    char *text = given_up ? json_dumps(given_up, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(given_up);
    if (!text) return false;
    serve_server *server = socket->server;
    pthread_mutex_lock(&server->mutex);
    bool good = queue((wire *)socket, text, strlen(text));
    pthread_mutex_unlock(&server->mutex);
    wake(server);
    free(text); /* Jansson's own */
    return good;
}

void serve_broadcast(serve_server *server, const char *channel, json_t *given_up) {
    char *text = given_up ? json_dumps(given_up, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(given_up);
    if (!text) return;
    pthread_mutex_lock(&server->mutex);
    for (wire *w = server->wires; w; w = w->next)
        if (strcmp(w->socket.channel->path, channel) == 0) (void)queue(w, text, strlen(text));
    pthread_mutex_unlock(&server->mutex);
    free(text); /* Jansson's own */
    wake(server);
}

static const serve_channel *channel_of(const serve_server *server, struct lws *wsi, char *path,
                                       size_t size) {
    if (!header(wsi, WSI_TOKEN_GET_URI, path, size)) return NULL;
    for (const serve_channel *c = server->table->channels; c->path; c++)
        if (strcmp(c->path, path) == 0) return c;
    return NULL;
}

/* May this connection become a WebSocket? */
static int filter(serve_server *server, struct lws *wsi) {
    char path[SERVE_PATH_SIZE], query[SERVE_PATH_SIZE];
    const serve_channel *channel = channel_of(server, wsi, path, sizeof path);
    bool in_query;
    const char *why = refuse(server, wsi);
    unsigned code = 403;
    query_of(wsi, query, sizeof query);
    if (!why && !channel) why = "there is no such channel", code = 404;
    if (!why && !channel->open && !has_token(server, wsi, query, &in_query))
        why = "the token is missing or wrong", code = 401;
    if (!why) return 0;
    (void)lws_return_http_status(wsi, code, why);
    return -1;
}

static int close_with(struct lws *wsi, enum lws_close_status code, const char *reason) {
    char text[120];
    base_clean_line(reason, text, sizeof text);
    lws_close_reason(wsi, code, (unsigned char *)text, strlen(text));
    return -1;
}

static int established(serve_server *server, struct lws *wsi, session *s) {
    char path[SERVE_PATH_SIZE];
    const serve_channel *channel = channel_of(server, wsi, path, sizeof path);
    wire *w = channel ? base_calloc(1, sizeof *w) : NULL;
    serve_request *request = w ? base_calloc(1, sizeof *request) : NULL;
    s->http = NULL;
    s->ws = NULL;
    if (!request) {
        base_free(w);
        return -1;
    }
    fill_request(server, wsi, request, path);
    w->socket = (serve_socket){NULL, server->ctx, server, server->project, channel};
    w->wsi = wsi;
    w->references = 1;
    w->open = true;
    w->last = &w->first;
    affect_status status = channel->opened ? channel->opened(&w->socket, request) : AFFECT_OK;
    base_free(request);
    if (status != AFFECT_OK) {
        w->open = false;
        drop(w);
        return close_with(wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION,
                          affect_context_message(server->ctx));
    }
    s->ws = w;
    pthread_mutex_lock(&server->mutex);
    w->next = server->wires;
    server->wires = w;
    pthread_mutex_unlock(&server->mutex);
    lws_callback_on_writable(wsi);
    return 0;
}

static int received(serve_server *server, struct lws *wsi, session *s, const void *data,
                    size_t length) {
    wire *w = s->ws;
    if (!w) return -1;
    if (!w->socket.channel->message)
        return close_with(wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, "this channel only speaks");
    if (w->part_length + length > w->socket.channel->limit)
        return close_with(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "the message is too long");
    bool whole = lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi);
    if (w->part_length || !whole) {
        if (!base_grow((void **)&w->part, &w->part_capacity, w->part_length + length + 1, 1))
            return close_with(wsi, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
        if (length) memcpy(w->part + w->part_length, data, length);
        w->part_length += length;
        if (!whole) return 0;
        data = w->part;
        length = w->part_length;
    }
    w->part_length = 0;
    affect_status status =
        w->socket.channel->message(&w->socket, data, length, lws_frame_is_binary(wsi) != 0);
    if (status == AFFECT_OK) return 0;
    return close_with(wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, affect_context_message(server->ctx));
}

static int write_message(serve_server *server, struct lws *wsi, session *s) {
    wire *w = s->ws;
    if (!w) return 0;
    pthread_mutex_lock(&server->mutex);
    message *m = w->first;
    bool overflown = w->overflown;
    if (m) {
        w->first = m->next;
        if (!w->first) w->last = &w->first;
        w->waiting -= m->length;
    }
    bool more = w->first != NULL;
    pthread_mutex_unlock(&server->mutex);
    if (overflown) {
        base_free(m);
        return close_with(wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, "what was sent was not read");
    }
    if (!m) return 0;
    int n = lws_write(wsi, m->bytes + LWS_PRE, m->length, LWS_WRITE_TEXT);
    free_message(m);
    if (n < 0) return -1;
    if (more) lws_callback_on_writable(wsi);
    return 0;
}

static void closed(serve_server *server, session *s) {
    wire *w = s->ws;
    if (!w) return;
    s->ws = NULL;
    pthread_mutex_lock(&server->mutex);
    w->open = false;
    for (wire **at = &server->wires; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    pthread_mutex_unlock(&server->mutex);
    if (w->socket.channel->closed) w->socket.channel->closed(&w->socket);
    pthread_mutex_lock(&server->mutex);
    drop(w);
    pthread_mutex_unlock(&server->mutex);
}

/* ---- the loop ---- */

/* Workers are done with requests, or there is something to send. */
static void woken(serve_server *server) {
    pthread_mutex_lock(&server->mutex);
    exchange *e = server->finished;
    server->finished = NULL;
    for (wire *w = server->wires; w; w = w->next)
        if (w->first || w->overflown) lws_callback_on_writable(w->wsi);
    pthread_mutex_unlock(&server->mutex);
    while (e) {
        exchange *next = e->next;
        e->dispatched = false;
        e->done = true;
        if (e->wsi)
            lws_callback_on_writable(e->wsi);
        else
            free_exchange(e);
        e = next;
    }
}

static void gone(session *s) {
    if (!s || !s->http) return;
    if (s->http->dispatched)
        s->http->wsi = NULL; /* the worker has it still */
    else
        free_exchange(s->http);
    s->http = NULL;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length) {
    session *s = user;
    struct lws_context *lws = lws_get_context(wsi);
    serve_server *server = lws ? lws_context_user(lws) : NULL;
    if (!server) return 0;
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return server->connections >= CONNECTIONS_MOST ? -1 : 0;
    case LWS_CALLBACK_WSI_CREATE: server->connections++; return 0;
    case LWS_CALLBACK_WSI_DESTROY: server->connections--; return 0;
    case LWS_CALLBACK_HTTP: return begin(server, wsi, s, in ? in : "");
    case LWS_CALLBACK_HTTP_BODY: return s->http ? take_body(server, s->http, in, length) : -1;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return s->http ? end_body(server, s->http) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE: return write_answer(wsi, s);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL: gone(s); return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return filter(server, wsi);
    case LWS_CALLBACK_ESTABLISHED: return established(server, wsi, s);
    case LWS_CALLBACK_RECEIVE: return received(server, wsi, s, in, length);
    case LWS_CALLBACK_SERVER_WRITEABLE: return write_message(server, wsi, s);
    case LWS_CALLBACK_CLOSED: closed(server, s); return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED: woken(server); return 0;
    default: return 0;
    }
}

static void no_log(int level, const char *line) {
    (void)level;
    (void)line;
}

/* Wakes the loop now and then, so that a cancelled context ends it. */
static void tick(lws_sorted_usec_list_t *timer);

typedef struct ticker {
    lws_sorted_usec_list_t timer;
    serve_server *server;
} ticker;

static void tick(lws_sorted_usec_list_t *timer) {
    ticker *t = (ticker *)(void *)timer;
    lws_sul_schedule(t->server->lws, 0, &t->timer, tick, 200 * LWS_US_PER_MS);
}

static affect_status check(affect_context *ctx, const serve_options *o) {
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (o->token && (strlen(o->token) < 16 || strlen(o->token) > 200 ||
                     strspn(o->token, allowed) != strlen(o->token)))
        return base_fail(ctx, AFFECT_ERROR_USAGE,
                         "a token is 16 to 200 characters of A-Z, a-z, 0-9, - and _");
    if (o->address && !o->token && strcmp(o->address, "127.0.0.1") != 0 &&
        strcmp(o->address, "::1") != 0)
        return base_fail(ctx, AFFECT_ERROR_USAGE,
                         "%s: others could read the recordings of this folder: an address other "
                         "than this machine's own wants a --token",
                         o->address);
    return AFFECT_OK;
}

static affect_status start_workers(serve_server *server) {
    affect_context *ctx = server->ctx;
    affect_status status = base_queue_create(ctx, PENDING_MOST + 8, &server->work);
    for (int i = 0; status == AFFECT_OK && i < WORKERS; i++) {
        status = affect_context_create(&server->contexts[i]);
        const char *models = base_models_folder(ctx);
        if (status == AFFECT_OK && models)
            status = affect_context_set_models(server->contexts[i], models);
    }
    int started = 0;
    while (status == AFFECT_OK && started < WORKERS)
        if (pthread_create(&server->workers[started], NULL, work, server) != 0)
            status = base_fail(ctx, AFFECT_ERROR_MEMORY, "a thread could not be started");
        else
            started++;
    if (status == AFFECT_OK) return status;
    base_queue_close(server->work);
    for (int i = 0; i < started; i++) pthread_join(server->workers[i], NULL);
    for (int i = 0; i < WORKERS; i++) affect_context_destroy(server->contexts[i]);
    base_queue_destroy(server->work);
    return status;
}

static void stop_workers(serve_server *server) {
    for (int i = 0; i < WORKERS; i++) affect_context_cancel(server->contexts[i]);
    base_queue_close(server->work);
    for (int i = 0; i < WORKERS; i++) pthread_join(server->workers[i], NULL);
    for (int i = 0; i < WORKERS; i++) affect_context_destroy(server->contexts[i]);
    woken(server); /* what nobody waits for is freed; the rest when its connection closes */
    base_queue_destroy(server->work);
}

static affect_status open_port(serve_server *server) {
    const serve_options *o = server->options;
    static const struct lws_protocols protocols[] = {
        {"affect", on_event, sizeof(session), 16 << 10, 0, NULL, 0},
        {NULL, NULL, 0, 0, 0, NULL, 0}};
    static const lws_retry_bo_t idle = {.secs_since_valid_ping = 20, .secs_since_valid_hangup = 60};
    struct lws_context_creation_info info = {
        .port = (int)o->port,
        .iface = o->address ? o->address : "127.0.0.1",
        .protocols = protocols,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .user = server,
        .alpn = "http/1.1",
        .options = LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                   LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .fd_limit_per_thread = CONNECTIONS_MOST + 64,
        .max_http_header_data = 8192,
        .max_http_header_pool = CONNECTIONS_MOST,
        .timeout_secs = HEADER_SECONDS,
        .keepalive_timeout = 60,
        .retry_and_idle_policy = &idle,
        .pt_serv_buf_size = PIECE,
    };
    /* With IPv6 on, libwebsockets 4.1 takes an address of IPv4 for none, and would listen on all. */
    if (!strchr(info.iface, ':')) info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    lws_set_log_level(0, no_log);
    server->lws = lws_create_context(&info);
    if (!server->lws) return base_fail_memory(server->ctx);
    struct lws_vhost *host = lws_create_vhost(server->lws, &info);
    if (!host) {
        lws_context_destroy(server->lws);
        return base_fail(server->ctx, AFFECT_ERROR_OUTPUT,
                         "%s port %d cannot be listened on: it is taken, or the address is not "
                         "this machine's",
                         info.iface, (int)o->port);
    }
    server->port = lws_get_vhost_listen_port(host);
    return AFFECT_OK;
}

affect_status serve_loop(affect_context *ctx, const serve_options *options, serve_project *project,
                         const serve_table *table) {
    affect_status status = check(ctx, options);
    if (status != AFFECT_OK) return status;
    serve_server server = {.ctx = ctx, .options = options, .project = project, .table = table};
    pthread_mutex_init(&server.mutex, NULL);
    status = open_port(&server);
    if (status == AFFECT_OK && (status = start_workers(&server)) != AFFECT_OK)
        lws_context_destroy(server.lws);
    if (status == AFFECT_OK) {
        status = table->start ? table->start(ctx, &server) : AFFECT_OK;
        ticker t = {.server = &server};
        tick(&t.timer);
        char address[300];
        const char *host = options->address ? options->address : "127.0.0.1";
        snprintf(address, sizeof address, strchr(host, ':') ? "http://[%s]:%d/" : "http://%s:%d/",
                 host, server.port);
        if (status == AFFECT_OK && options->on_ready) options->on_ready(options->user, address);
        while (status == AFFECT_OK && !affect_context_cancelled(ctx))
            if (lws_service(server.lws, 0) < 0) break;
        lws_sul_schedule(server.lws, 0, &t.timer, NULL, LWS_SET_TIMER_USEC_CANCEL);
        stop_workers(&server);
        /* Connections close while the parts are there still, which may go on speaking to nobody. */
        struct lws_context *lws = server.lws;
        pthread_mutex_lock(&server.mutex);
        server.lws = NULL;
        pthread_mutex_unlock(&server.mutex);
        lws_context_destroy(lws);
        if (table->stop) table->stop(&server);
    }
    pthread_mutex_destroy(&server.mutex);
    return status;
}
