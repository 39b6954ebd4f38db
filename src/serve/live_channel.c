/* The channel at which a browser gives its camera and microphone, and gets what is known of them. */
#include <math.h>
#include <string.h>

#include "serve/live.h"
#include "serve/serve_private.h"

enum { LIVE_MOST = 2 }; /* at once: each takes a processor or two */

typedef struct channel channel;

/* The part of the server: who is at it. */
typedef struct lives {
    serve_server *server;
    pthread_mutex_t mutex;
    pthread_cond_t fewer;
    int count;
    channel *ended; /* whose threads are to be waited for */
} lives;

struct channel {
    lives *of;
    serve_socket *socket; /* held */
    serve_live *live;     /* NULL before the start */
    affect_context *ctx;  /* of the engine's thread at its end */
    bool stopped;
    bool over,
        gone;      /* the engine ended; the socket closed: with both it is freed. Under the mutex */
    double told_s; /* when counts were said last */
    channel *next;
};

affect_status serve_live_open(affect_context *ctx, serve_server *server) {
    lives *l = base_calloc(1, sizeof *l);
    if (!l) return base_fail_memory(ctx);
    l->server = server;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->fewer, NULL);
    serve_keep(server, SERVE_PART_LIVE, l);
    return AFFECT_OK;
}

static void free_channel(channel *c) {
    serve_live_destroy(c->live);
    affect_context_destroy(c->ctx);
    serve_socket_release(c->socket);
    base_free(c);
}

static void reap(lives *l) {
    pthread_mutex_lock(&l->mutex);
    channel *first = l->ended;
    l->ended = NULL;
    pthread_mutex_unlock(&l->mutex);
    while (first) {
        channel *next = first->next;
        free_channel(first);
        first = next;
    }
}

void serve_live_close(serve_server *server) {
    lives *l = serve_kept(server, SERVE_PART_LIVE);
    if (!l) return;
    pthread_mutex_lock(&l->mutex);
    while (l->count > 0) pthread_cond_wait(&l->fewer, &l->mutex);
    pthread_mutex_unlock(&l->mutex);
    reap(l);
    pthread_cond_destroy(&l->fewer);
    pthread_mutex_destroy(&l->mutex);
    serve_keep(server, SERVE_PART_LIVE, NULL);
    base_free(l);
}

/* Its thread has ended or is about to, and nobody speaks to it: who comes next frees it. */
static void put_away(channel *c) { /* mutex held */
    if (!c->over || !c->gone) return;
    c->next = c->of->ended;
    c->of->ended = c;
}

/* ---- on the engine's thread ---- */

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static void on_now(void *user, const serve_live_now *now) {
    channel *c = user;
    json_t *out = json_pack("{ss sf si ss}", "type", "now", "t", time_to_seconds(now->at), "person",
                            now->person, "label", now->label);
    json_object_set_new(out, "valence", number(now->valence));
    json_object_set_new(out, "arousal", number(now->arousal));
    json_object_set_new(out, "valence_sd", number(now->valence_sd));
    json_object_set_new(out, "arousal_sd", number(now->arousal_sd));
    (void)serve_socket_send_json(c->socket, out);
    if (base_now_s() - c->told_s < 1) return;
    c->told_s = base_now_s();
    serve_live_counts n = serve_live_count(c->live);
    (void)serve_socket_send_json(c->socket,
                                 json_pack("{ss sI sI sf sf}", "type", "counts", "pictures",
                                           (json_int_t)n.pictures, "dropped", (json_int_t)n.dropped,
                                           "lost", n.lost_s, "waiting", n.waiting_s));
}

static void on_ready(void *user) {
    channel *c = user;
    (void)serve_socket_send_json(c->socket, json_pack("{ss}", "type", "ready"));
}

static void on_ended(void *user, affect_status status, const char *message,
                     affect_timeline *timeline) {
    channel *c = user;
    lives *l = c->of;
    char *id = NULL;
    serve_live_counts n = serve_live_count(c->live);
    if (status == AFFECT_OK) {
        status = serve_recordings_keep(c->ctx, l->server, timeline, &id);
        message = affect_context_message(c->ctx);
    }
    affect_timeline_destroy(timeline);
    json_t *out = status == AFFECT_OK ? json_pack("{ss ss sI sI sf}", "type", "kept", "id", id,
                                                  "pictures", (json_int_t)n.pictures, "dropped",
                                                  (json_int_t)n.dropped, "lost", n.lost_s)
                                      : json_pack("{ss ss}", "type", "failed", "error",
                                                  *message ? message : affect_status_text(status));
    (void)serve_socket_send_json(c->socket, out);
    base_free(id);
    pthread_mutex_lock(&l->mutex);
    c->over = true;
    put_away(c);
    l->count--;
    pthread_cond_broadcast(&l->fewer);
    pthread_mutex_unlock(&l->mutex);
}

/* ---- on the serving thread: nothing here waits ---- */

affect_status serve_live_opened(serve_socket *socket, const serve_request *request) {
    (void)request;
    channel *c = base_calloc(1, sizeof *c);
    if (!c) return base_fail_memory(socket->ctx);
    c->of = serve_kept(socket->server, SERVE_PART_LIVE);
    c->socket = serve_socket_hold(socket);
    socket->user = c;
    return AFFECT_OK;
}

static affect_status start(serve_socket *socket, channel *c, const json_t *root) {
    lives *l = c->of;
    affect_context *ctx = socket->ctx;
    if (c->live) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "it has begun already");
    reap(l);
    pthread_mutex_lock(&l->mutex);
    bool room = l->count < LIVE_MOST;
    if (room) l->count++;
    pthread_mutex_unlock(&l->mutex);
    if (!room) return base_fail(ctx, AFFECT_ERROR_LIMIT, "%d live sessions run already", LIVE_MOST);
    affect_options *options = NULL;
    bool sound = !json_is_false(json_object_get(root, "sound")),
         pictures = !json_is_false(json_object_get(root, "pictures"));
    affect_status status = affect_context_create(&c->ctx);
    if (status == AFFECT_OK) status = affect_options_create(ctx, &options);
    if (status == AFFECT_OK) {
        affect_options_set_face(options, pictures);
        affect_options_set_voice(options, sound);
        affect_options_set_words(options, sound && !json_is_false(json_object_get(root, "words")));
        const serve_live_settings settings = {.analysis = options,
                                              .models = base_models_folder(ctx),
                                              .now = on_now,
                                              .ready = on_ready,
                                              .ended = on_ended,
                                              .user = c};
        /* The thread speaks of c->live: what it is told first comes after this lock. */
        status = serve_live_start(ctx, &settings, &c->live);
    }
    if (status == AFFECT_OK) {
        serve_live_expect(c->live, sound, pictures);
    } else {
        pthread_mutex_lock(&l->mutex);
        l->count--;
        pthread_mutex_unlock(&l->mutex);
    }
    affect_options_destroy(options);
    return status;
}

static affect_status take(serve_socket *socket, channel *c, const void *data, size_t length) {
    serve_live_message m;
    if (!serve_live_parse(data, length, &m))
        return base_fail(socket->ctx, AFFECT_ERROR_FORMAT,
                         "a message is neither sound nor a picture");
    if (!c->live || c->stopped) return AFFECT_OK; /* came after the end */
    affect_time time = time_from_seconds(m.time_s);
    if (m.picture) {
        serve_live_push_picture(c->live, time, m.width, m.height, (size_t)m.width * 4, 4, m.data);
        return AFFECT_OK;
    }
    float *samples = base_alloc(m.count * sizeof *samples); /* aligned */
    if (!samples) return base_fail_memory(socket->ctx);
    memcpy(samples, m.data, m.count * sizeof *samples);
    serve_live_push_sound(c->live, time, m.rate, samples, m.count);
    base_free(samples);
    return AFFECT_OK;
}

affect_status serve_live_message_came(serve_socket *socket, const void *data, size_t length,
                                      bool binary) {
    channel *c = socket->user;
    if (binary) return take(socket, c, data, length);
    json_t *root;
    affect_status status = serve_parse_object(socket->ctx, data, length, &root);
    if (status != AFFECT_OK) return status;
    const char *type = json_string_value(json_object_get(root, "type"));
    if (type && strcmp(type, "start") == 0) {
        status = start(socket, c, root);
    } else if (type && strcmp(type, "stop") == 0) {
        if (c->live && !c->stopped) serve_live_finish(c->live);
        c->stopped = true;
    } else {
        status = base_fail(socket->ctx, AFFECT_ERROR_ARGUMENT, "wants start or stop");
    }
    json_decref(root);
    return status;
}

/* A browser that goes away stops; what was there is kept. */
void serve_live_gone(serve_socket *socket) {
    channel *c = socket->user;
    socket->user = NULL;
    if (!c->live) {
        free_channel(c);
        return;
    }
    serve_live_finish(c->live);
    pthread_mutex_lock(&c->of->mutex);
    c->gone = true;
    put_away(c);
    pthread_mutex_unlock(&c->of->mutex);
}
