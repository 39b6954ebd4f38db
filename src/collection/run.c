/* The analysis of a collection: a few recordings at once, on models that are loaded once. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collection/collection_private.h"

/* What a power cut may cost. A killed run loses nothing: its files are the system's. */
static const double SYNC_EVERY_S = 10;

typedef struct run run;

/* One of the threads that analyze. */
typedef struct job {
    run *of;
    size_t at;    /* the recording, SIZE_MAX: none */
    double share; /* of it */
} job;

typedef enum outcome { TODO, DONE, FAILED } outcome;

struct run {
    affect_context *ctx;
    const collection_list *list;
    const affect_options *analysis;
    const collection_options *options;
    collection_counts *counts;
    const char *settings;
    char *room;   /* folder of this shard */
    size_t *todo; /* of this shard, the largest first */
    size_t todo_count, next;
    outcome *outcomes; /* of todo */
    char **errors;
    affect_status *codes; /* of those that failed */
    double total, before,
        done; /* bytes (each counted as a little more): all, of earlier runs, now */
    double start_s, told_s, synced_s;
    pthread_mutex_t lock;
    job *jobs;
    int job_count;
    affect_status fatal; /* what ends the whole run */
    char message[512];
};

/* Opening a file is worth some bytes: a picture takes time too. */
static double weight(const collection_recording *r) { return (double)r->bytes + 200e3; }

static void tell(run *r) { /* with the lock held */
    if (!r->options->on_progress || base_now_s() - r->told_s < .1) return;
    r->told_s = base_now_s();
    double done = r->done;
    collection_progress p = {.total = r->counts->recordings, .failed = r->counts->failed};
    for (int i = 0; i < r->job_count; i++)
        if (r->jobs[i].at != SIZE_MAX)
            done += r->jobs[i].share * weight(&r->list->items[r->todo[r->jobs[i].at]]);
    p.done = r->counts->recordings - r->todo_count;
    for (size_t i = 0; i < r->todo_count; i++) p.done += r->outcomes[i] != TODO;
    p.share = r->total > 0 ? (r->before + done) / r->total : 1;
    double elapsed = base_now_s() - r->start_s, left = r->total - r->before - done;
    p.left_s = done > 0 && elapsed > 1 ? BASE_MAX(0, left) / done * elapsed : NAN;
    r->options->on_progress(r->options->user, &p);
}

static void on_progress(void *user, affect_time done, affect_time total, double left_s) {
    job *j = user;
    (void)left_s;
    if (total == AFFECT_TIME_NONE || total <= 0) return;
    pthread_mutex_lock(&j->of->lock);
    j->share = BASE_MIN(1.0, (double)done / (double)total);
    tell(j->of);
    pthread_mutex_unlock(&j->of->lock);
}

/* ---- one recording ---- */

static char *folder_of(const run *r, const collection_recording *recording) {
    char *rooms = base_path_join(r->room, "recordings");
    char *folder = rooms ? base_path_join(rooms, recording->id) : NULL;
    base_free(rooms);
    return folder;
}

/* The recording's row of an earlier run; NULL where there is none. */
static affect_status read_mark(run *r, const collection_recording *recording, data_table **out) {
    char *folder = folder_of(r, recording);
    char *tables = folder ? base_path_join(folder, "tables") : NULL;
    char *path = tables ? base_path_join(tables, collection_file(COLLECTION_RECORDING)) : NULL;
    *out = NULL;
    affect_status status = path ? AFFECT_OK : base_fail_memory(r->ctx);
    const data_table_options comma = {.delimiter = ','};
    if (path && base_file_exists(path)) status = data_table_open(r->ctx, path, &comma, out);
    /* A power cut may leave a file without its content: then the recording is not there. */
    if (status == AFFECT_ERROR_FORMAT) status = AFFECT_OK;
    base_free(folder);
    base_free(tables);
    base_free(path);
    return status;
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char *cell(const data_table *t, const char *column) {
    int c = data_table_column(t, column);
    return c < 0 || !t->rows ? "" : data_table_cell(t, 0, (size_t)c);
}

/* Is it there, whole, of this very file and made with these options? */
static affect_status check_done(run *r, const collection_recording *recording, bool *done) {
    data_table *mark;
    *done = false;
    if (r->options->force) return AFFECT_OK;
    affect_status status = read_mark(r, recording, &mark);
    if (status == AFFECT_OK && mark) {
        int64_t bytes = -1;
        const char *text = cell(mark, "bytes");
        if (strcmp(last_part(cell(mark, "file")), last_part(recording->path)) != 0)
            status =
                base_fail(r->ctx, AFFECT_ERROR_EXISTS,
                          "%s: recording %s is %s there, not %s: take another folder, or "
                          "another name",
                          r->options->folder, recording->id, cell(mark, "file"), recording->path);
        else if (strcmp(cell(mark, "settings"), r->settings) != 0)
            status = base_fail(r->ctx, AFFECT_ERROR_EXISTS,
                               "%s: recording %s was analyzed with other options (%s): --force "
                               "analyzes everything again",
                               r->options->folder, recording->id, cell(mark, "settings"));
        else
            *done = base_parse_int64(text, strlen(text), &bytes) && bytes == recording->bytes &&
                    !*cell(mark, "error");
    }
    data_table_destroy(mark);
    return status;
}

static affect_status fill(run *r, const collection_recording *recording,
                          const affect_timeline *timeline, const char *folder, bool hidden) {
    const report_options how = {
        .media = recording->path, .embed = r->options->embed, .force = true, .unsynced = hidden};
    affect_status status = report_write(r->ctx, timeline, folder, r->options->formats, &how);
    if (status != AFFECT_OK) return status;
    return collection_write_rows(r->ctx, timeline, recording, r->settings,
                                 affect_timeline_property(timeline, "media/error"), folder, hidden);
}

static affect_status write_recording(run *r, const collection_recording *recording,
                                     const affect_timeline *timeline) {
    char *folder = folder_of(r, recording);
    affect_status status = folder ? AFFECT_OK : base_fail_memory(r->ctx);
    base_folder hidden;
    if (status == AFFECT_OK && base_is_folder(folder)) {
        /* Of an earlier run, with --force or of a file that has changed: only what is ours is
         * replaced, and until it is whole it does not count. */
        char *mark = base_path_join(folder, "tables/recording.csv");
        if (mark) unlink(mark);
        base_free(mark);
        status = fill(r, recording, timeline, folder, false);
    } else if (status == AFFECT_OK) {
        status = base_folder_open(r->ctx, folder, &hidden);
        hidden.unsynced = true; /* a run syncs now and then */
        if (status == AFFECT_OK) {
            status = fill(r, recording, timeline, hidden.temporary, true);
            if (status == AFFECT_OK)
                status = base_folder_commit(r->ctx, &hidden);
            else
                base_folder_abort(&hidden);
        }
    }
    base_free(folder);
    return status;
}

static bool ends_everything(affect_status status) {
    return status == AFFECT_ERROR_CANCELLED || status == AFFECT_ERROR_MEMORY ||
           status == AFFECT_ERROR_OUTPUT || status == AFFECT_ERROR_INTERNAL;
}

/* A failure that has nothing to do with the recording: with the lock held. */
static void stop(run *r, affect_status status) {
    if (r->fatal != AFFECT_OK) return;
    r->fatal = status;
    snprintf(r->message, sizeof r->message, "%s", affect_context_message(r->ctx));
}

static void settle(run *r, size_t at, affect_status status, const affect_timeline *timeline) {
    const collection_recording *recording = &r->list->items[r->todo[at]];
    const char *error = timeline ? affect_timeline_property(timeline, "media/error") : NULL;
    if (status == AFFECT_OK) {
        r->outcomes[at] = DONE;
        r->counts->analyzed++;
        r->counts->analyzed_s += time_to_seconds(BASE_MAX(0, affect_timeline_duration(timeline)));
        if (!error) return;
        status = AFFECT_ERROR_NOT_FOUND; /* as of one recording that breaks off */
        (void)base_fail(r->ctx, status, "%s: could not be read to its end: %s", recording->path,
                        error);
    }
    r->outcomes[at] = error ? DONE : FAILED;
    r->counts->failed++;
    r->codes[at] = status;
    const char *message = affect_context_message(r->ctx);
    if (!error) r->errors[at] = base_strdup(*message ? message : affect_status_text(status));
    if (r->options->on_failure) r->options->on_failure(r->options->user, recording->path, message);
}

static void work(void *user, size_t index) {
    run *r = user;
    job *j = &r->jobs[index];
    affect_options *options = NULL;
    affect_status status = affect_options_copy(r->ctx, r->analysis, &options);
    affect_options_on_progress(options, r->options->on_progress ? on_progress : NULL, j);
    for (;;) {
        pthread_mutex_lock(&r->lock);
        if (status != AFFECT_OK) stop(r, status);
        bool end = r->fatal != AFFECT_OK || r->next == r->todo_count;
        j->at = end ? SIZE_MAX : r->next++;
        j->share = 0;
        tell(r);
        pthread_mutex_unlock(&r->lock);
        if (end) break;
        const collection_recording *recording = &r->list->items[r->todo[j->at]];
        affect_timeline *timeline = NULL;
        affect_status now = affect_analyze(r->ctx, recording->path, options, &timeline);
        if (now == AFFECT_OK) now = write_recording(r, recording, timeline);
        pthread_mutex_lock(&r->lock);
        if (ends_everything(now))
            status = now; /* said at the next turn, which has the lock too */
        else
            settle(r, j->at, now, timeline);
        r->done += weight(recording);
        bool sync = base_now_s() - r->synced_s > SYNC_EVERY_S;
        if (sync) r->synced_s = base_now_s();
        pthread_mutex_unlock(&r->lock);
        if (sync) base_sync_all(r->room);
        affect_timeline_destroy(timeline);
    }
    affect_options_destroy(options);
}

/* ---- all of them ---- */

/* The largest first: the last to end is then a short one. The same order, and so the same shards,
 * wherever it is made. */
static int by_size(const void *a, const void *b, void *user) {
    const collection_list *list = user;
    const collection_recording *x = &list->items[*(const size_t *)a];
    const collection_recording *y = &list->items[*(const size_t *)b];
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return strcmp(x->id, y->id);
}

static affect_status choose(run *r) {
    size_t n = r->list->count;
    size_t *order = base_calloc(n, sizeof *order);
    r->todo = base_calloc(n, sizeof *r->todo);
    r->outcomes = base_calloc(n, sizeof *r->outcomes);
    r->errors = base_calloc(n, sizeof *r->errors);
    r->codes = base_calloc(n, sizeof *r->codes);
    affect_status status = AFFECT_OK;
    if (!order || !r->todo || !r->outcomes || !r->errors || !r->codes)
        status = base_fail_memory(r->ctx);
    for (size_t i = 0; status == AFFECT_OK && i < n; i++) order[i] = i;
    if (status == AFFECT_OK) qsort_r(order, n, sizeof *order, by_size, (void *)(uintptr_t)r->list);
    for (size_t i = 0; status == AFFECT_OK && i < n; i++) {
        if (i % (size_t)r->options->shard.count != (size_t)r->options->shard.index - 1) continue;
        const collection_recording *recording = &r->list->items[order[i]];
        bool done;
        status = check_done(r, recording, &done);
        r->counts->recordings++;
        r->total += weight(recording);
        if (done)
            r->before += weight(recording);
        else
            r->todo[r->todo_count++] = order[i];
    }
    base_free(order);
    return status;
}

static affect_status write_list(run *r, const char *name, bool failed) {
    char *path = base_path_join(r->room, name);
    if (!path) return base_fail_memory(r->ctx);
    base_output out;
    affect_status status = base_output_open(r->ctx, path, &out);
    if (status == AFFECT_OK) {
        fprintf(out.file, "recording,file,bytes%s\r\n", failed ? ",error" : "");
        for (size_t i = 0; i < (failed ? r->todo_count : r->list->count); i++) {
            const collection_recording *one = &r->list->items[failed ? r->todo[i] : i];
            if (failed && r->outcomes[i] != FAILED) continue;
            report_put_csv_field(out.file, one->id);
            putc(',', out.file);
            report_put_csv_field(out.file, one->path);
            fprintf(out.file, ",%lld", (long long)one->bytes);
            if (failed) putc(',', out.file);
            if (failed) report_put_csv_field(out.file, r->errors[i] ? r->errors[i] : "");
            fputs("\r\n", out.file);
        }
        status = base_output_commit(r->ctx, &out);
    }
    base_free(path);
    return status;
}

static affect_status open_room(run *r) {
    const collection_shard *s = &r->options->shard;
    char name[64];
    snprintf(name, sizeof name, "shard-%d-of-%d", s->index, s->count);
    if (base_is_link(r->options->folder))
        return base_fail(r->ctx, AFFECT_ERROR_OUTPUT,
                         "%s: is a symbolic link, which is not followed for writing; name the "
                         "folder itself",
                         r->options->folder);
    r->room =
        s->count > 1 ? base_path_join(r->options->folder, name) : base_strdup(r->options->folder);
    char *rooms = r->room ? base_path_join(r->room, "recordings") : NULL;
    affect_status status = rooms ? base_make_folder(r->ctx, rooms) : base_fail_memory(r->ctx);
    base_free(rooms);
    return status;
}

static affect_status analyze_all(run *r) {
    affect_context *ctx = r->ctx;
    int threads = affect_context_threads(ctx);
    int wanted = r->options->jobs > 0 ? r->options->jobs : threads;
    r->job_count = (int)BASE_MIN((size_t)BASE_MIN(wanted, 256), BASE_MAX(r->todo_count, 1));
    r->jobs = base_calloc((size_t)r->job_count, sizeof *r->jobs);
    base_pool *pool = NULL;
    if (!r->jobs) return base_fail_memory(ctx);
    for (int i = 0; i < r->job_count; i++) r->jobs[i] = (job){r, SIZE_MAX, 0};
    affect_status status = base_pool_create(ctx, r->job_count, &pool);
    if (status != AFFECT_OK) return status;
    affect_context_keep_models(ctx, 1);
    affect_context_set_threads(ctx, BASE_MAX(1, threads / r->job_count));
    r->start_s = r->synced_s = base_now_s();
    base_pool_for(pool, (size_t)r->job_count, work, r);
    affect_context_set_threads(ctx, threads);
    affect_context_keep_models(ctx, 0);
    base_pool_destroy(pool);
    base_sync_all(r->room);
    if (r->fatal != AFFECT_OK) return base_fail(ctx, r->fatal, "%s", r->message);
    return AFFECT_OK;
}

affect_status collection_analyze(affect_context *ctx, const collection_list *list,
                                 const affect_options *analysis, const collection_options *options,
                                 collection_counts *out) {
    *out = (collection_counts){0};
    run r = {.ctx = ctx, .list = list, .analysis = analysis, .options = options, .counts = out};
    char settings[1024];
    affect_options_describe(analysis, settings, sizeof settings);
    r.settings = settings;
    collection_participants nobody;
    /* What is wrong with the table is said before hours of work. */
    affect_status status = collection_participants_read(ctx, options->participants, &nobody);
    if (status == AFFECT_OK) collection_participants_destroy(&nobody);
    if (status == AFFECT_OK && pthread_mutex_init(&r.lock, NULL) != 0) return base_fail_memory(ctx);
    if (status != AFFECT_OK) return status;
    status = open_room(&r);
    if (status == AFFECT_OK) status = choose(&r);
    if (status == AFFECT_OK && !options->alone) status = write_list(&r, "inputs.csv", false);
    if (status == AFFECT_OK && r.todo_count) status = analyze_all(&r);
    if (status == AFFECT_OK && !options->alone) status = write_list(&r, "failed.csv", true);
    size_t first = SIZE_MAX; /* in order of id, not of who was faster */
    for (size_t i = 0; i < r.todo_count && r.codes; i++)
        if (r.codes[i] != AFFECT_OK && r.todo[i] < first)
            first = r.todo[i], out->first = r.codes[i];
    for (size_t i = 0; i < r.todo_count && r.errors; i++) base_free(r.errors[i]);
    base_free(r.errors);
    base_free(r.codes);
    base_free(r.outcomes);
    base_free(r.todo);
    base_free(r.jobs);
    base_free(r.room);
    pthread_mutex_destroy(&r.lock);
    return status;
}
