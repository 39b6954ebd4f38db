/* The recordings of the folder as the page asks for them: their list, files and pictures, new ones. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collection/collection.h"
#include "media/media.h"
#include "report/report.h"
#include "serve/serve_private.h"

static const char *text_at(const json_t *rows, size_t row, size_t column) {
    const char *text = json_string_value(json_array_get(json_array_get(rows, row), column));
    return text ? text : "";
}

/* ---- what a live session gave ---- */

affect_status serve_recordings_keep(affect_context *ctx, serve_server *server,
                                    const affect_timeline *timeline, char **id) {
    serve_project *project = serve_project_of(server);
    char name[64], path[80], within[96];
    time_t now = time(NULL);
    struct tm here;
    *id = NULL;
    strftime(name, sizeof name, "live-%Y-%m-%d-%H%M%S", localtime_r(&now, &here));
    json_t *rows = NULL;
    affect_status status = AFFECT_OK;
    serve_store_lock(project);
    for (int n = 1; n < 100 && status == AFFECT_OK && !*id; n++) {
        char wanted[72];
        snprintf(wanted, sizeof wanted, n > 1 ? "%s-%d" : "%s", name, n);
        snprintf(path, sizeof path, ":%s", wanted); /* no file begins so: hidden ones are none */
        status = serve_store_ask(ctx, project, &rows, "SELECT 1 FROM recordings WHERE id=?", "s",
                                 wanted);
        if (status == AFFECT_OK && !json_array_size(rows)) *id = base_strdup(wanted);
        json_decref(rows);
    }
    if (status == AFFECT_OK && !*id) status = base_fail_memory(ctx);
    if (status == AFFECT_OK)
        status = serve_store_ask(ctx, project, NULL,
                                 "INSERT INTO recordings (id, path, bytes, changed, state) "
                                 "VALUES (?, ?, 0, ?, 'running')",
                                 "ssi", *id, path, (int64_t)now * 1000);
    serve_store_unlock(project);
    if (status != AFFECT_OK) return status;
    snprintf(within, sizeof within, "recordings/%s", *id);
    char *folder = serve_project_state_path(project, within);
    const report_options how = {.force = true};
    status = folder ? report_write(ctx, timeline, folder, 1U << REPORT_JSON, &how)
                    : base_fail_memory(ctx);
    base_free(folder);
    if (status == AFFECT_OK) status = serve_view_renew(ctx, server, *id);
    if (status == AFFECT_OK)
        status = serve_store_ask(ctx, project, NULL,
                                 "UPDATE recordings SET state='done' WHERE id=?", "s", *id);
    if (status == AFFECT_OK)
        serve_broadcast(server, "/ws/events",
                        json_pack("{ssssss}", "type", "recording", "id", *id, "state", "done"));
    return status;
}

/* ---- addresses ---- */

affect_status serve_get_recordings(serve_request *request) {
    affect_status status = serve_recordings_find(request->ctx, request->project);
    json_t *rows = NULL;
    if (status == AFFECT_OK)
        status = serve_store_ask(request->ctx, request->project, &rows,
                                 "SELECT id, path, bytes, state, error, seconds, persons, label "
                                 "FROM recordings WHERE state<>'gone' ORDER BY path",
                                 "");
    if (status != AFFECT_OK) return status;
    static const char *const names[] = {"id",    "path",    "bytes",   "state",
                                        "error", "seconds", "persons", "label"};
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i), *one = json_object();
        for (size_t k = 0; k < BASE_COUNT(names); k++)
            json_object_set(one, names[k], json_array_get(row, k));
        double share = serve_jobs_share(request->server, text_at(rows, i, 0));
        if (isfinite(share)) json_object_set_new(one, "share", json_real(share));
        json_object_set_new(one, "kind", json_string(report_mime(text_at(rows, i, 1))));
        json_array_append_new(list, one);
    }
    json_decref(rows);
    return serve_reply_json(request, json_pack("{so}", "recordings", list));
}

affect_status serve_get_media(serve_request *request) {
    char *path;
    int fd = -1;
    affect_status status =
        serve_recordings_path(request->ctx, request->project, request->parts[0], &path);
    if (status == AFFECT_OK)
        status = serve_project_open_file(request->ctx, request->project, path, &fd);
    if (status == AFFECT_OK) status = serve_reply_file(request, report_mime(path), fd);
    base_free(path);
    return status;
}

/* POST /api/recordings?name=NAME: the body is the file. It appears when it is whole. */
affect_status serve_post_recording(serve_request *request) {
    affect_context *ctx = request->ctx;
    char name[256], from[64];
    if (!serve_request_query(request, "name", name, sizeof name) || !serve_project_is_name(name))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "that cannot be the name of a file here");
    if (!collection_is_recording(name))
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "%s: is no kind of recording that is known by its ending", name);
    if (!request->upload_length)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: the file is empty", name);
    snprintf(from, sizeof from, "/proc/self/fd/%d", request->upload);
    (void)fchmod(request->upload, 0644);
    if (fsync(request->upload) != 0 ||
        linkat(AT_FDCWD, from, request->project->fd, name, AT_SYMLINK_FOLLOW) != 0) {
        if (errno == EEXIST)
            return base_fail(ctx, AFFECT_ERROR_EXISTS, "%s: there is a file of that name already",
                             name);
        return base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: %s", name, strerror(errno));
    }
    affect_status status = serve_recordings_find(ctx, request->project);
    json_t *rows = NULL;
    if (status == AFFECT_OK)
        status = serve_store_ask(ctx, request->project, NULL,
                                 "UPDATE recordings SET state='queued' WHERE path=?", "s", name);
    if (status == AFFECT_OK)
        status = serve_store_ask(ctx, request->project, &rows,
                                 "SELECT id FROM recordings WHERE path=?", "s", name);
    if (status != AFFECT_OK) return status;
    serve_jobs_wake(request->server);
    json_t *id = json_incref(json_array_get(json_array_get(rows, 0), 0));
    json_decref(rows);
    return serve_reply_json(request, json_pack("{so?}", "id", id));
}

affect_status serve_post_analysis(serve_request *request) {
    const char *id = request->parts[0];
    char *path;
    affect_status status = serve_recordings_path(request->ctx, request->project, id, &path);
    base_free(path);
    if (status == AFFECT_OK)
        status = serve_store_ask(request->ctx, request->project, NULL,
                                 "UPDATE recordings SET state='queued', error='' "
                                 "WHERE id=? AND state NOT IN ('queued', 'running') AND "
                                 "path NOT LIKE ':%'",
                                 "s", id);
    if (status != AFFECT_OK) return status;
    serve_jobs_wake(request->server);
    return serve_reply_json(request, json_pack("{ss}", "state", "queued"));
}

affect_status serve_delete_analysis(serve_request *request) {
    const char *id = request->parts[0];
    char *path;
    affect_status status = serve_recordings_path(request->ctx, request->project, id, &path);
    base_free(path);
    if (status == AFFECT_OK)
        status = serve_store_ask(request->ctx, request->project, NULL,
                                 "UPDATE recordings SET state='new' WHERE id=? AND state='queued'",
                                 "s", id);
    if (status != AFFECT_OK) return status;
    serve_jobs_cancel(request->server, id);
    return serve_reply_json(request, json_pack("{sb}", "stopped", 1));
}

/* ---- pictures ---- */

/* A frame of the first seconds, not the very first, which is often black. */
static affect_status make_picture(affect_context *ctx, const char *path, base_text *out) {
    media_options options = media_options_default();
    media_reader *reader = NULL;
    options.want_audio = false;
    options.max_height = 180;
    affect_status status = media_open(ctx, path, &options, &reader);
    if (status != AFFECT_OK) return status;
    affect_time length = media_reader_info(reader)->duration;
    affect_time wanted = length == AFFECT_TIME_NONE ? AFFECT_SECOND : length / 10;
    wanted = BASE_MIN(wanted, 3 * AFFECT_SECOND);
    bool made = false;
    media_item item = {.kind = MEDIA_GAP};
    while (status == AFFECT_OK && !made && item.kind != MEDIA_END) {
        status = media_next(reader, &item);
        if (status == AFFECT_OK && item.kind == MEDIA_FRAME && item.frame.time >= wanted)
            made = media_put_png(&item.frame, out);
    }
    media_close(reader);
    if (status == AFFECT_OK && !made)
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "it has no picture");
    return status;
}

affect_status serve_get_picture(serve_request *request) {
    affect_context *ctx = request->ctx;
    char *path, name[300];
    affect_status status = serve_recordings_path(ctx, request->project, request->parts[0], &path);
    if (status != AFFECT_OK) return status;
    char *whole = base_path_join(request->project->folder, path);
    char *folder = serve_project_state_path(request->project, "pictures");
    base_free(path);
    struct stat about;
    status = whole && folder ? base_make_folder(ctx, folder) : base_fail_memory(ctx);
    int fd = -1;
    if (status == AFFECT_OK && stat(whole, &about) == 0) {
        snprintf(name, sizeof name, "pictures/%s-%llx.png", request->parts[0],
                 (unsigned long long)about.st_mtim.tv_sec);
        if (serve_project_open_state(ctx, request->project, name, &fd) != AFFECT_OK) {
            base_text png = {0};
            char *file = serve_project_state_path(request->project, name);
            status = file ? make_picture(ctx, whole, &png) : base_fail_memory(ctx);
            if (status == AFFECT_OK) status = base_write_file(ctx, file, png.data, png.length);
            if (status == AFFECT_OK)
                status = serve_project_open_state(ctx, request->project, name, &fd);
            base_text_destroy(&png);
            base_free(file);
        }
    }
    if (status == AFFECT_OK && fd >= 0) status = serve_reply_file(request, "image/png", fd);
    if (status == AFFECT_ERROR_NO_STREAM) status = AFFECT_ERROR_NOT_FOUND; /* sound alone */
    base_free(whole);
    base_free(folder);
    return status;
}
