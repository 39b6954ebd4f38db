/* Traces come as {"trace": id, "from": seq, "samples": [[t, v, w], ...]}: media time in seconds, value, and for the plane a second
 * value. They are queued by the serving thread and written by one of their own, everything that waits in one transaction;
 * then each message is answered {"trace": id, "ack": last seq}. A sample that comes twice is written once, so that a page
 * sends again what was not answered. The log of the database is written before the answer: a killed server has lost nothing
 * that was answered. */
#include <math.h>
#include <string.h>

#include "serve/traces.h"

enum { MOST_SAMPLES = 2000 };
#define MOST_WAITING ((size_t)64 << 20)

/* ---- the channel ---- */

affect_status serve_trace_opened(serve_socket *socket, const serve_request *request) {
    char token[2 * SERVE_TOKEN_SIZE], label[SERVE_LABEL_SIZE];
    int64_t *id = base_alloc(sizeof *id);
    if (!id) return base_fail_memory(socket->ctx);
    affect_status status =
        serve_kept(socket->server, SERVE_PART_TRACES) &&
                serve_request_query(request, "rater", token, sizeof token)
            ? serve_rater_find(socket->ctx, socket->project, token, id, label)
            : base_fail(socket->ctx, AFFECT_ERROR_NOT_FOUND, "this link is no rater's");
    if (status)
        base_free(id);
    else
        socket->user = id;
    return status;
}

affect_status serve_trace_message(serve_socket *socket, const void *data, size_t length,
                                  bool binary) {
    serve_traces *t = serve_kept(socket->server, SERVE_PART_TRACES);
    if (binary) return base_fail(socket->ctx, AFFECT_ERROR_FORMAT, "samples are text");
    serve_samples *s = base_alloc(sizeof *s + length + 1);
    if (!s) return base_fail_memory(socket->ctx);
    *s = (serve_samples){.socket = serve_socket_hold(socket),
                         .rater = *(const int64_t *)socket->user,
                         .length = length};
    if (length) memcpy(s->text, data, length);
    s->text[length] = 0;
    pthread_mutex_lock(&t->mutex);
    bool room = t->waiting + length <= MOST_WAITING;
    if (room) {
        if (t->last)
            t->last->next = s;
        else
            t->first = s;
        t->last = s;
        t->waiting += length;
        pthread_cond_signal(&t->more);
    }
    pthread_mutex_unlock(&t->mutex);
    if (room) return AFFECT_OK;
    serve_socket_release(s->socket);
    base_free(s);
    return base_fail(socket->ctx, AFFECT_ERROR_LIMIT, "too much waits to be written");
}

void serve_trace_closed(serve_socket *socket) {
    base_free(socket->user);
    socket->user = NULL;
}

/* ---- the writer ---- */

typedef struct writer {
    serve_traces *of;
    serve_project *project;
    sqlite3_stmt *mine, *put; /* is it the rater's trace; a sample */
} writer;

static affect_status sql_failed(const writer *w) {
    return base_fail(w->of->ctx, AFFECT_ERROR_OUTPUT, "project.db: %s",
                     sqlite3_errmsg(w->project->db));
}

static bool is_mine(const writer *w, int64_t trace, int64_t rater) {
    sqlite3_reset(w->mine);
    sqlite3_bind_int64(w->mine, 1, trace);
    sqlite3_bind_int64(w->mine, 2, rater);
    bool found = sqlite3_step(w->mine) == SQLITE_ROW;
    sqlite3_reset(w->mine);
    return found;
}

/* Writes a message's samples; *trace and *last are what is answered. */
static affect_status write_one(const writer *w, const serve_samples *s, int64_t *trace,
                               int64_t *last) {
    json_t *message = NULL;
    affect_status status = serve_parse_object(w->of->ctx, s->text, s->length, &message);
    const json_t *samples = json_object_get(message, "samples");
    *trace = json_integer_value(json_object_get(message, "trace"));
    int64_t from = json_integer_value(json_object_get(message, "from"));
    size_t n = json_array_size(samples);
    *last = from + (int64_t)n - 1;
    if (!status && (!n || n > MOST_SAMPLES || from < 0 || from > INT64_C(1) << 40 ||
                    !is_mine(w, *trace, s->rater)))
        status = base_fail(w->of->ctx, AFFECT_ERROR_ARGUMENT, "no such trace, or no samples");
    for (size_t i = 0; i < n && !status; i++) {
        const json_t *one = json_array_get(samples, i);
        double t = json_number_value(json_array_get(one, 0)),
               v = json_number_value(json_array_get(one, 1)),
               second = json_number_value(json_array_get(one, 2));
        if (json_array_size(one) < 2 || !(t >= 0 && t < 1e6) || !(fabs(v) < 1e9) ||
            !(fabs(second) < 1e9)) {
            status = base_fail(w->of->ctx, AFFECT_ERROR_ARGUMENT, "a sample is [seconds, value]");
            break;
        }
        sqlite3_reset(w->put);
        sqlite3_bind_int64(w->put, 1, *trace);
        sqlite3_bind_int64(w->put, 2, from + (int64_t)i);
        sqlite3_bind_double(w->put, 3, t);
        sqlite3_bind_double(w->put, 4, v);
        if (json_array_size(one) > 2)
            sqlite3_bind_double(w->put, 5, second);
        else
            sqlite3_bind_null(w->put, 5);
        if (sqlite3_step(w->put) != SQLITE_DONE) status = sql_failed(w);
        sqlite3_reset(w->put);
    }
    json_decref(message);
    return status;
}

static void answer(const writer *w, serve_socket *socket, affect_status status, int64_t trace,
                   int64_t last) {
    json_t *out =
        status ? json_pack("{s:s}", "error", affect_context_message(w->of->ctx))
               : json_pack("{s:I, s:I}", "trace", (json_int_t)trace, "ack", (json_int_t)last);
    (void)serve_socket_send_json(socket, out); /* gone: it asks again when it is back */
}

enum { AT_ONCE = 4096 };

/* Everything that waits, in one transaction. Answers go out when it is committed. */
static void write_all(const writer *w, serve_samples *list) {
    while (list) {
        struct {
            affect_status status;
            int64_t trace, last;
            char message[160];
        } *done = base_calloc(AT_ONCE, sizeof *done);
        serve_samples *end = list;
        size_t n = 0;
        serve_store_lock(w->project);
        affect_status begun = done ? serve_store_run(w->of->ctx, w->project, "BEGIN IMMEDIATE;")
                                   : base_fail_memory(w->of->ctx);
        for (; end && n < AT_ONCE && !begun; end = end->next, n++) {
            done[n].status = write_one(w, end, &done[n].trace, &done[n].last);
            if (done[n].status)
                base_clean_line(affect_context_message(w->of->ctx), done[n].message,
                                sizeof done[n].message);
        }
        affect_status committed =
            begun ? begun : serve_store_run(w->of->ctx, w->project, "COMMIT;");
        if (committed && !begun && serve_store_run(NULL, w->project, "ROLLBACK;"))
            base_log(w->of->ctx, AFFECT_LOG_WARNING, "samples could not be written");
        serve_store_unlock(w->project);
        for (size_t i = 0; list && (i < n || begun); i++) {
            serve_samples *next = list->next;
            affect_status status = committed ? committed : done[i].status;
            if (!committed && status) (void)base_fail(w->of->ctx, status, "%s", done[i].message);
            answer(w, list->socket, status, begun ? 0 : done[i].trace, begun ? 0 : done[i].last);
            serve_socket_release(list->socket);
            base_free(list);
            list = next;
        }
        base_free(done);
    }
}

static void *write_on(void *user) {
    serve_traces *t = user;
    writer w = {.of = t, .project = serve_project_of(t->server)};
    sqlite3_prepare_v2(w.project->db, "SELECT 1 FROM traces WHERE id = ? AND rater = ?", -1,
                       &w.mine, NULL);
    sqlite3_prepare_v2(w.project->db,
                       "INSERT OR IGNORE INTO samples (trace, seq, t, v, w) VALUES (?, ?, ?, ?, ?)",
                       -1, &w.put, NULL);
    for (bool over = false; !over;) {
        pthread_mutex_lock(&t->mutex);
        while (!t->first && !t->stopping) pthread_cond_wait(&t->more, &t->mutex);
        serve_samples *list = t->first;
        t->first = t->last = NULL;
        t->waiting = 0;
        over = t->stopping && !list;
        pthread_mutex_unlock(&t->mutex);
        if (list && w.mine && w.put) write_all(&w, list);
        while (list &&
               (!w.mine || !w.put)) { /* a database that cannot be asked: nothing is answered */
            serve_samples *next = list->next;
            serve_socket_release(list->socket);
            base_free(list);
            list = next;
        }
    }
    sqlite3_finalize(w.mine);
    sqlite3_finalize(w.put);
    return NULL;
}

/* ---- start and stop ---- */

static affect_status read_study(affect_context *ctx, serve_server *server, const char *name,
                                json_t **out) {
    char *path = base_path_join(serve_project_of(server)->folder, name), *text = NULL;
    size_t length = 0;
    json_error_t error;
    affect_status status =
        path ? base_read_file(ctx, path, (size_t)16 << 20, &text, &length) : base_fail_memory(ctx);
    if (!status && !(*out = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error)))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s:%d: %s", path, error.line, error.text);
    const char *schema = json_string_value(json_object_get(*out, "schema"));
    if (!status && (!schema || strcmp(schema, "affect-study/1") != 0 ||
                    !json_array_size(json_object_get(*out, "recordings"))))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                           "%s: expected \"schema\": \"affect-study/1\" and \"recordings\"", path);
    base_free(text);
    base_free(path);
    return status;
}

affect_status serve_traces_start(affect_context *ctx, serve_server *server, const char *study) {
    if (!study) return AFFECT_OK;
    serve_traces *t = base_calloc(1, sizeof *t);
    if (!t) return base_fail_memory(ctx);
    t->server = server;
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->more, NULL);
    serve_keep(server, SERVE_PART_TRACES, t);
    affect_status status = read_study(ctx, server, study, &t->study);
    if (!status) status = serve_raters_prepare(ctx, serve_project_of(server), t->study);
    if (!status) status = affect_context_create(&t->ctx);
    if (!status && pthread_create(&t->thread, NULL, write_on, t) != 0)
        status = base_fail(ctx, AFFECT_ERROR_RUNTIME, "no thread");
    t->started = !status;
    return status;
}

void serve_traces_stop(serve_server *server) {
    serve_traces *t = serve_kept(server, SERVE_PART_TRACES);
    if (!t) return;
    pthread_mutex_lock(&t->mutex);
    t->stopping = true;
    pthread_cond_signal(&t->more);
    pthread_mutex_unlock(&t->mutex);
    if (t->started) pthread_join(t->thread, NULL);
    affect_context_destroy(t->ctx);
    json_decref(t->study);
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->more);
    base_free(t);
    serve_keep(server, SERVE_PART_TRACES, NULL);
}
