/* Which recordings there are: the files of the folder as rows of the database. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collection/collection.h"
#include "serve/serve_private.h"

static const char *text_at(const json_t *rows, size_t row, size_t column) {
    const char *text = json_string_value(json_array_get(json_array_get(rows, row), column));
    return text ? text : "";
}

static json_int_t number_at(const json_t *rows, size_t row, size_t column) {
    return json_integer_value(json_array_get(json_array_get(rows, row), column));
}

/* An id that nobody has: what the collection would call it, else with a number. */
static affect_status add(affect_context *ctx, serve_project *project, const char *wanted,
                         const char *path, int64_t bytes, int64_t changed) {
    for (int n = 1; n < 10000; n++) {
        char id[256];
        snprintf(id, sizeof id, n > 1 ? "%.200s-%d" : "%.200s", wanted, n);
        json_t *rows;
        affect_status status =
            serve_store_ask(ctx, project, &rows, "SELECT 1 FROM recordings WHERE id=?", "s", id);
        if (status != AFFECT_OK) return status;
        bool taken = json_array_size(rows) > 0;
        json_decref(rows);
        if (!taken)
            return serve_store_ask(ctx, project, NULL,
                                   "INSERT INTO recordings (id, path, bytes, changed, state) "
                                   "VALUES (?, ?, ?, ?, 'new')",
                                   "ssii", id, path, bytes, changed);
    }
    return base_fail(ctx, AFFECT_ERROR_LIMIT, "%s: too many recordings of one name", wanted);
}

static affect_status note(affect_context *ctx, serve_project *project,
                          const collection_recording *found) {
    size_t folder = strlen(project->folder);
    const char *path = found->path + folder + (folder > 1);
    struct stat about;
    int fd;
    /* What a link leads to is nobody's recording if it lies elsewhere. */
    if (serve_project_open_file(ctx, project, path, &fd) != AFFECT_OK) return AFFECT_OK;
    bool known = fstat(fd, &about) == 0;
    close(fd);
    if (!known || !base_utf8_valid(path, strlen(path))) return AFFECT_OK;
    int64_t changed = (int64_t)about.st_mtim.tv_sec * 1000 + about.st_mtim.tv_nsec / 1000000;
    json_t *rows;
    affect_status status =
        serve_store_ask(ctx, project, &rows,
                        "SELECT bytes, changed, state FROM recordings WHERE path=?", "s", path);
    if (status != AFFECT_OK) return status;
    bool there = json_array_size(rows) > 0;
    bool same = there && number_at(rows, 0, 0) == about.st_size && number_at(rows, 0, 1) == changed;
    bool gone = there && strcmp(text_at(rows, 0, 2), "gone") == 0;
    json_decref(rows);
    if (!there) return add(ctx, project, found->id, path, about.st_size, changed);
    if (same && !gone)
        return serve_store_ask(ctx, project, NULL, "UPDATE recordings SET seen=1 WHERE path=?", "s",
                               path);
    return serve_store_ask(ctx, project, NULL,
                           "UPDATE recordings SET seen=1, bytes=?, changed=?, error='', "
                           "state=CASE WHEN seconds IS NOT NULL AND ? THEN 'done' ELSE 'new' END "
                           "WHERE path=?",
                           "iiis", (int64_t)about.st_size, changed, (int64_t)same, path);
}

affect_status serve_recordings_find(affect_context *ctx, serve_project *project) {
    const char *const folders[] = {project->folder};
    collection_list list;
    affect_status status = collection_find(ctx, folders, 1, &list);
    if (status == AFFECT_ERROR_NOT_FOUND) status = AFFECT_OK; /* an empty folder */
    if (status != AFFECT_OK) return status;
    status = serve_store_begin(ctx, project);
    if (status == AFFECT_OK)
        status = serve_store_run(ctx, project, "UPDATE recordings SET seen=0;");
    for (size_t i = 0; status == AFFECT_OK && i < list.count; i++)
        status = note(ctx, project, &list.items[i]);
    if (status == AFFECT_OK)
        status = serve_store_run(
            ctx, project,
            "UPDATE recordings SET state='gone' WHERE seen=0 AND path NOT LIKE ':%';");
    status = serve_store_end(ctx, project, status);
    collection_list_destroy(&list);
    return status;
}

affect_status serve_recordings_path(affect_context *ctx, serve_project *project, const char *id,
                                    char **path) {
    json_t *rows;
    *path = NULL;
    affect_status status = serve_store_ask(
        ctx, project, &rows, "SELECT path FROM recordings WHERE id=? AND state<>'gone'", "s", id);
    if (status != AFFECT_OK) return status;
    if (json_array_size(rows))
        *path = base_strdup(text_at(rows, 0, 0));
    else
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "there is no recording %s", id);
    json_decref(rows);
    return status == AFFECT_OK && !*path ? base_fail_memory(ctx) : status;
}
