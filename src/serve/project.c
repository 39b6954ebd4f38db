/* The folder that is served: whose it is, and files below it that nobody is led out by. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "serve/serve_private.h"

bool serve_project_is_name(const char *name) {
    size_t length = strlen(name);
    if (!length || length > 255 || *name == '.' || strchr(name, '/')) return false;
    if (!base_utf8_valid(name, length)) return false;
    for (size_t at = 0; at < length;)
        if (base_harmful(base_utf8_next(name, length, &at))) return false;
    return true;
}

/* Every part of the path is a name: so no "..", nothing hidden, no empty part. */
static bool is_path(const char *path) {
    char part[256];
    if (strlen(path) >= SERVE_PATH_SIZE) return false;
    for (;;) {
        size_t length = strcspn(path, "/");
        if (!length || length >= sizeof part) return false;
        memcpy(part, path, length);
        part[length] = '\0';
        if (!serve_project_is_name(part)) return false;
        if (!path[length]) return true;
        path += length + 1;
    }
}

/* The kernel itself holds the way below `root`: ".." and links out of it fail with EXDEV, also when
 * somebody changes folders meanwhile. */
static int open_beneath(int root, const char *path) {
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || errno != ENOSYS) return fd;
    /* A kernel before 5.6: part by part, and no link at all. */
    int at = dup(root);
    while (at >= 0) {
        char part[256];
        size_t length = strcspn(path, "/");
        if (length >= sizeof part) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, path, length);
        part[length] = '\0';
        int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
        int next = openat(at, part, path[length] ? flags | O_DIRECTORY : flags);
        close(at);
        if (!path[length]) return next;
        at = next;
        path += length + 1;
    }
    return -1;
}

static affect_status open_regular(affect_context *ctx, int root, const char *path, int *fd) {
    struct stat about;
    *fd = is_path(path) ? open_beneath(root, path) : -1;
    if (*fd >= 0 && fstat(*fd, &about) == 0 && S_ISREG(about.st_mode)) return AFFECT_OK;
    if (*fd >= 0) close(*fd);
    *fd = -1;
    return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: there is no such file in the folder", path);
}

affect_status serve_project_open_file(affect_context *ctx, const serve_project *project,
                                      const char *path, int *fd) {
    return open_regular(ctx, project->fd, path, fd);
}

affect_status serve_project_open_state(affect_context *ctx, const serve_project *project,
                                       const char *path, int *fd) {
    int root = openat(project->fd, SERVE_STATE, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    affect_status status = open_regular(ctx, root, path, fd);
    if (root >= 0) close(root);
    return status;
}

char *serve_project_state_path(const serve_project *project, const char *path) {
    char *state = base_path_join(project->folder, SERVE_STATE);
    char *out = state ? base_path_join(state, path) : NULL;
    base_free(state);
    return out;
}

/* ---- open and close ---- */

static affect_status take_lock(affect_context *ctx, serve_project *project) {
    int state = openat(project->fd, SERVE_STATE, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (state < 0)
        return base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s/%s: %s", project->folder, SERVE_STATE,
                         errno == ELOOP || errno == ENOTDIR ? "is no folder of ours"
                                                            : strerror(errno));
    project->lock = openat(state, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    close(state);
    if (project->lock < 0)
        return base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s/%s/lock: %s", project->folder, SERVE_STATE,
                         strerror(errno));
    char text[32] = "";
    if (flock(project->lock, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(project->lock, text, sizeof text - 1, 0);
        long long who = n > 0 ? strtoll(text, NULL, 10) : 0;
        return base_fail(ctx, AFFECT_ERROR_EXISTS,
                         "%s: is served by another process already (%lld); one at a time",
                         project->folder, who);
    }
    int n = snprintf(text, sizeof text, "%lld\n", (long long)getpid());
    if (ftruncate(project->lock, 0) != 0 || pwrite(project->lock, text, (size_t)n, 0) != n)
        return base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s/%s/lock: %s", project->folder, SERVE_STATE,
                         strerror(errno));
    return AFFECT_OK;
}

/* Version 1 of the database. A part of the server adds its tables here, with the next version. */
static const char *const versions[] = {
    "CREATE TABLE recordings (id TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE, bytes INTEGER NOT "
    "NULL,"
    " changed INTEGER NOT NULL, seen INTEGER NOT NULL DEFAULT 1, state TEXT NOT NULL, error TEXT "
    "NOT NULL DEFAULT '',"
    " seconds REAL, persons INTEGER, label TEXT NOT NULL DEFAULT '');"
    "CREATE TABLE finds (recording TEXT NOT NULL, what TEXT NOT NULL, id TEXT NOT NULL,"
    " person INTEGER NOT NULL, t0 REAL NOT NULL, t1 REAL NOT NULL, score REAL, text TEXT NOT NULL);"
    "CREATE INDEX finds_of ON finds (recording, t0);"
    "CREATE INDEX finds_by ON finds (what, text);",
    /* raters and what they said */
    "CREATE TABLE raters (id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, label TEXT NOT NULL "
    "UNIQUE);"
    "CREATE TABLE traces (id INTEGER PRIMARY KEY, rater INTEGER NOT NULL REFERENCES raters (id),"
    " recording TEXT NOT NULL, dimension TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE (rater, recording, dimension));"
    "CREATE TABLE samples (trace INTEGER NOT NULL, seq INTEGER NOT NULL, t REAL NOT NULL, v REAL "
    "NOT "
    "NULL, w REAL,"
    " PRIMARY KEY (trace, seq)) WITHOUT ROWID;"
    "CREATE TABLE reactions (rater INTEGER NOT NULL, trial INTEGER NOT NULL, lag_s REAL NOT NULL,"
    " PRIMARY KEY (rater, trial));"
    "CREATE TABLE labels (rater INTEGER NOT NULL, recording TEXT NOT NULL, tier TEXT NOT NULL, "
    "label "
    "TEXT NOT NULL,"
    " t0 REAL NOT NULL, t1 REAL NOT NULL, made TEXT NOT NULL);"
    "CREATE INDEX labels_of ON labels (rater, recording);"
    "CREATE TABLE choices (rater INTEGER NOT NULL, number INTEGER NOT NULL, answer TEXT NOT NULL,"
    " PRIMARY KEY (rater, number));",
};

static affect_status open_store(affect_context *ctx, serve_project *project) {
    char *path = serve_project_state_path(project, "project.db");
    if (!path) return base_fail_memory(ctx);
    affect_status status = AFFECT_OK;
    if (sqlite3_open_v2(path, &project->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX |
                            SQLITE_OPEN_NOFOLLOW,
                        NULL) != SQLITE_OK)
        status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: %s", path,
                           project->db ? sqlite3_errmsg(project->db) : "no memory");
    base_free(path);
    if (status != AFFECT_OK) return status;
    sqlite3_busy_timeout(project->db, 5000);
    sqlite3_limit(project->db, SQLITE_LIMIT_LENGTH, 64 << 20);
    sqlite3_db_config(project->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(project->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* A killed process loses nothing that was committed; a power cut may lose the last moments, never
     * more than the log since its last check point. */
    status = serve_store_run(ctx, project,
                             "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                             "PRAGMA foreign_keys=ON;");
    json_t *rows = NULL;
    if (status == AFFECT_OK)
        status = serve_store_ask(ctx, project, &rows, "PRAGMA user_version", "");
    if (status != AFFECT_OK) return status;
    json_int_t version = json_integer_value(json_array_get(json_array_get(rows, 0), 0));
    json_decref(rows);
    json_int_t newest = (json_int_t)BASE_COUNT(versions);
    if (version < 0 || version > newest)
        return base_fail(ctx, AFFECT_ERROR_FORMAT,
                         "%s/%s/project.db: is of version %lld, and this program knows up to %lld",
                         project->folder, SERVE_STATE, (long long)version, (long long)newest);
    for (; status == AFFECT_OK && version < newest; version++) {
        char mark[64];
        snprintf(mark, sizeof mark, "PRAGMA user_version=%lld; COMMIT;", (long long)version + 1);
        status = serve_store_run(ctx, project, "BEGIN IMMEDIATE;");
        if (status == AFFECT_OK) status = serve_store_run(ctx, project, versions[version]);
        if (status == AFFECT_OK) status = serve_store_run(ctx, project, mark);
    }
    return status;
}

affect_status serve_project_open(affect_context *ctx, const char *folder, serve_project **out) {
    *out = NULL;
    if (!base_is_folder(folder))
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: there is no such folder", folder);
    serve_project *project = base_calloc(1, sizeof *project);
    if (!project) return base_fail_memory(ctx);
    project->fd = project->lock = -1;
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&project->mutex, &recursive);
    pthread_mutexattr_destroy(&recursive);
    char *absolute = realpath(folder, NULL);
    project->folder = base_strdup(absolute);
    free(absolute);
    affect_status status = project->folder ? AFFECT_OK : base_fail_memory(ctx);
    if (status == AFFECT_OK) {
        project->fd = open(project->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (project->fd < 0 || (mkdirat(project->fd, SERVE_STATE, 0700) != 0 && errno != EEXIST))
            status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s/%s: %s", folder, SERVE_STATE,
                               strerror(errno));
    }
    if (status == AFFECT_OK) status = take_lock(ctx, project);
    if (status == AFFECT_OK) status = open_store(ctx, project);
    if (status == AFFECT_OK)
        *out = project;
    else
        serve_project_close(project);
    return status;
}

void serve_project_close(serve_project *project) {
    if (!project) return;
    sqlite3_close_v2(project->db);
    if (project->lock >= 0) close(project->lock);
    if (project->fd >= 0) close(project->fd);
    pthread_mutex_destroy(&project->mutex);
    base_free(project->folder);
    base_free(project);
}
