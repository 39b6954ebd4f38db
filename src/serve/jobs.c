/* Analyses in the background: a few threads, each with a context of its own, take the recordings that
 * are queued in the database. What a killed process was at is queued again when the next one starts;
 * what was whole stays. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "collection/collection.h"
#include "report/report.h"
#include "serve/serve_private.h"

enum { JOBS_MOST = 64 };

typedef struct jobs jobs;

typedef struct slot {
    jobs *of;
    affect_context *ctx;
    pthread_t thread;
    char id[256]; /* "": idle; under the mutex, as is share */
    double share, told_s;
    bool wanted; /* nobody has stopped it */
} slot;

struct jobs {
    serve_server *server;
    serve_project *project;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stop;
    int count, started;
    slot slots[JOBS_MOST];
};

static void tell_state(jobs *j, const char *id, const char *state, const char *error) {
    serve_broadcast(
        j->server, "/ws/events",
        json_pack("{ssssssss}", "type", "recording", "id", id, "state", state, "error", error));
}

static void on_progress(void *user, const collection_progress *progress) {
    slot *s = user;
    pthread_mutex_lock(&s->of->mutex);
    s->share = progress->share;
    bool tell = base_now_s() - s->told_s > .25;
    if (tell) s->told_s = base_now_s();
    pthread_mutex_unlock(&s->of->mutex);
    if (tell)
        serve_broadcast(
            s->of->server, "/ws/events",
            json_pack("{sssssf}", "type", "progress", "id", s->id, "share", progress->share));
}

static affect_status analyze(slot *s, const char *id, const char *path, int64_t bytes) {
    affect_context *ctx = s->ctx;
    serve_project *project = s->of->project;
    char *whole = base_path_join(project->folder, path);
    char *folder = base_path_join(project->folder, SERVE_STATE);
    affect_options *options = NULL;
    collection_recording one = {(char *)(uintptr_t)id, whole, bytes};
    collection_list list = {&one, 1, 1};
    collection_counts counts = {0};
    collection_options how = {.folder = folder,
                              .formats = 1U << REPORT_JSON,
                              .alone = true,
                              .jobs = 1,
                              .shard = {1, 1, NULL},
                              .on_progress = on_progress,
                              .user = s};
    affect_status status = whole && folder ? AFFECT_OK : base_fail_memory(ctx);
    if (status == AFFECT_OK) status = affect_options_create(ctx, &options);
    if (status == AFFECT_OK) status = collection_analyze(ctx, &list, options, &how, &counts);
    if (status == AFFECT_ERROR_EXISTS) { /* by an earlier version, or of an earlier file */
        how.force = true;
        status = collection_analyze(ctx, &list, options, &how, &counts);
    }
    if (status == AFFECT_OK && counts.failed) status = counts.first;
    affect_options_destroy(options);
    base_free(whole);
    base_free(folder);
    return status;
}

static void settle(slot *s, const char *id, affect_status status) {
    jobs *j = s->of;
    char error[512] = "";
    const char *state = "done";
    if (status != AFFECT_OK) base_clean_line(affect_context_message(s->ctx), error, sizeof error);
    pthread_mutex_lock(&j->mutex);
    bool stopping = j->stop, wanted = s->wanted;
    *s->id = '\0';
    pthread_mutex_unlock(&j->mutex);
    if (status == AFFECT_ERROR_CANCELLED && stopping) return; /* goes on at the next start */
    if (status == AFFECT_ERROR_CANCELLED && !wanted)
        state = "new", *error = '\0';
    else if (status != AFFECT_OK)
        state = "failed";
    if (serve_store_ask(s->ctx, j->project, NULL,
                        "UPDATE recordings SET state=?, error=? WHERE id=? AND state='running'",
                        "sss", state, error, id) == AFFECT_OK)
        tell_state(j, id, state, error);
}

/* The next one that is queued; false where there is none. With the mutex held. */
static bool take(slot *s, char *path, size_t size, int64_t *bytes) {
    jobs *j = s->of;
    json_t *rows = NULL;
    bool found = false;
    if (serve_store_ask(s->ctx, j->project, &rows,
                        "UPDATE recordings SET state='running' WHERE id=(SELECT id FROM recordings "
                        "WHERE state='queued' ORDER BY rowid LIMIT 1) RETURNING id, path, bytes",
                        "") == AFFECT_OK &&
        json_array_size(rows)) {
        const json_t *row = json_array_get(rows, 0);
        snprintf(s->id, sizeof s->id, "%s", json_string_value(json_array_get(row, 0)));
        snprintf(path, size, "%s", json_string_value(json_array_get(row, 1)));
        *bytes = json_integer_value(json_array_get(row, 2));
        s->share = 0;
        s->wanted = found = true;
        affect_context_reset(s->ctx);
    }
    json_decref(rows);
    return found;
}

static void *work(void *user) {
    slot *s = user;
    jobs *j = s->of;
    char path[SERVE_PATH_SIZE], id[256];
    int64_t bytes;
    for (;;) {
        pthread_mutex_lock(&j->mutex);
        while (!j->stop && !take(s, path, sizeof path, &bytes))
            pthread_cond_wait(&j->wake, &j->mutex);
        bool stop = j->stop;
        snprintf(id, sizeof id, "%s", s->id);
        pthread_mutex_unlock(&j->mutex);
        if (stop) return NULL;
        tell_state(j, id, "running", "");
        affect_status status = analyze(s, id, path, bytes);
        if (status == AFFECT_OK) status = serve_view_renew(s->ctx, j->server, id);
        settle(s, id, status);
    }
}

affect_status serve_jobs_start(affect_context *ctx, serve_server *server) {
    jobs *j = base_calloc(1, sizeof *j);
    if (!j) return base_fail_memory(ctx);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    j->server = server;
    j->project = serve_project_of(server);
    j->count = serve_jobs_of(server);
    if (j->count <= 0) j->count = (int)BASE_MAX(1, processors / 2);
    j->count = BASE_MIN(j->count, JOBS_MOST);
    pthread_mutex_init(&j->mutex, NULL);
    pthread_cond_init(&j->wake, NULL);
    serve_keep(server, SERVE_PART_JOBS, j);
    affect_status status = serve_store_run(
        ctx, j->project, "UPDATE recordings SET state='queued' WHERE state='running'");
    for (int i = 0; status == AFFECT_OK && i < j->count; i++) {
        slot *s = &j->slots[i];
        s->of = j;
        status = affect_context_create(&s->ctx);
        if (status == AFFECT_OK && base_models_folder(ctx))
            status = affect_context_set_models(s->ctx, base_models_folder(ctx));
        if (status != AFFECT_OK) break;
        affect_context_set_threads(s->ctx, (int)BASE_MAX(1, processors / j->count));
        if (pthread_create(&s->thread, NULL, work, s) != 0)
            status = base_fail(ctx, AFFECT_ERROR_MEMORY, "a thread could not be started");
        else
            j->started++;
    }
    return status; /* the caller stops what was started */
}

void serve_jobs_stop(serve_server *server) {
    jobs *j = serve_kept(server, SERVE_PART_JOBS);
    if (!j) return;
    pthread_mutex_lock(&j->mutex);
    j->stop = true;
    for (int i = 0; i < j->started; i++) affect_context_cancel(j->slots[i].ctx);
    pthread_cond_broadcast(&j->wake);
    pthread_mutex_unlock(&j->mutex);
    for (int i = 0; i < j->started; i++) pthread_join(j->slots[i].thread, NULL);
    for (int i = 0; i < j->count; i++) affect_context_destroy(j->slots[i].ctx);
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->mutex);
    serve_keep(server, SERVE_PART_JOBS, NULL);
    base_free(j);
}

void serve_jobs_wake(serve_server *server) {
    jobs *j = serve_kept(server, SERVE_PART_JOBS);
    pthread_mutex_lock(&j->mutex);
    pthread_cond_broadcast(&j->wake);
    pthread_mutex_unlock(&j->mutex);
}

double serve_jobs_share(serve_server *server, const char *id) {
    jobs *j = serve_kept(server, SERVE_PART_JOBS);
    double share = NAN;
    pthread_mutex_lock(&j->mutex);
    for (int i = 0; i < j->started; i++)
        if (strcmp(j->slots[i].id, id) == 0) share = j->slots[i].share;
    pthread_mutex_unlock(&j->mutex);
    return share;
}

void serve_jobs_cancel(serve_server *server, const char *id) {
    jobs *j = serve_kept(server, SERVE_PART_JOBS);
    pthread_mutex_lock(&j->mutex);
    for (int i = 0; i < j->started; i++)
        if (strcmp(j->slots[i].id, id) == 0) {
            j->slots[i].wanted = false;
            affect_context_cancel(j->slots[i].ctx);
        }
    pthread_mutex_unlock(&j->mutex);
}
