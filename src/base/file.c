/* Whole files in, atomic files out. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

affect_status base_read_file(affect_context *ctx, const char *path, size_t limit, char **out,
                             size_t *length) {
    *out = NULL;
    *length = 0;
    if (!limit) limit = (size_t)256 << 20;
    bool standard_input = strcmp(path, "-") == 0;
    if (!standard_input && base_is_folder(path))
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: is a folder, not a file", path);
    FILE *file = standard_input ? stdin : fopen(path, "rb");
    if (!file && ctx && affect_context_cancelled(ctx))
        return base_fail(ctx, AFFECT_ERROR_CANCELLED, "%s: interrupted", path);
    if (!file) return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    affect_status status = AFFECT_OK;
    char *data = NULL;
    size_t n = 0, capacity = 0;
    for (;;) {
        if (!base_grow((void **)&data, &capacity, n + 65536 + 1, 1)) {
            status = base_fail_memory(ctx);
            break;
        }
        size_t got = fread(data + n, 1, 65536, file);
        n += got;
        if (n > limit) {
            status = base_fail(ctx, AFFECT_ERROR_LIMIT, "%s: larger than %zu bytes", path, limit);
            break;
        }
        if (ctx && affect_context_cancelled(ctx)) {
            status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "%s: interrupted", path);
            break;
        }
        if (got == 0 && ferror(file) && errno == EINTR) {
            clearerr(file);
            continue;
        }
        if (got == 0) {
            if (ferror(file))
                status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
            break;
        }
    }
    if (!standard_input) fclose(file);
    if (status != AFFECT_OK) {
        base_free(data);
        return status;
    }
    data[n] = '\0';
    *out = data;
    *length = n;
    return AFFECT_OK;
}

/* ---- hidden temporaries ----
 *
 * A file or folder is made as .NAME.affect-partial-XXXXXX beside its place and locked (flock) by
 * the process that fills it. The lock ends with the process, however that ends: so a temporary that
 * can be locked belongs to nobody, and the next run removes it. */

#define PARTIAL ".affect-partial-"
enum { RANDOM = 6, NAME_SHOWN = 100, TRIES = 8 };

/* The folder part of a path with its slash, "" for the working folder. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static char *folder_of(const char *path) {
    size_t n = folder_length(path);
    return n ? base_strndup(path, n) : base_strdup(".");
}

/* The pattern of mkstemp for a path. The name is cut (between characters) to leave room. */
static char *partial_name(const char *path) {
    size_t n = folder_length(path), length = strlen(path + n), shown = BASE_MIN(length, NAME_SHOWN);
    while (shown < length && shown > 0 && ((unsigned char)path[n + shown] & 0xC0) == 0x80) shown--;
    base_text text = {0};
    base_text_append_n(&text, path, n);
    base_text_append(&text, ".");
    base_text_append_n(&text, path + n, shown);
    base_text_append(&text, PARTIAL "XXXXXX");
    if (text.failed) base_text_destroy(&text);
    return text.data;
}

static bool is_partial(const char *name) {
    size_t n = strlen(name), tail = strlen(PARTIAL) + RANDOM;
    return name[0] == '.' && n > tail && strncmp(name + n - tail, PARTIAL, strlen(PARTIAL)) == 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

/* Never follows a link. */
static void remove_tree(const char *path) { nftw(path, remove_one, 3, FTW_DEPTH | FTW_PHYS); }

static void remove_if_dead(int folder, const char *path, const char *name) {
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    if (fd < 0) return;
    bool dead = fstat(fd, &info) == 0 && info.st_uid == geteuid() &&
                (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) &&
                flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (dead && S_ISREG(info.st_mode)) {
        unlinkat(folder, name, 0);
    } else if (dead) {
        char *whole = base_path_join(path, name);
        if (whole) remove_tree(whole);
        base_free(whole);
    }
    close(fd);
}

static void remove_dead(const char *folder) {
    DIR *open = opendir(folder);
    if (!open) return;
    for (const struct dirent *entry; (entry = readdir(open));)
        if (is_partial(entry->d_name)) remove_if_dead(dirfd(open), folder, entry->d_name);
    closedir(open);
}

/* Locks what was just made; false if another run took it for dead in between. A file system without
 * locks is no hindrance: there nobody can lock it, and so nobody removes it. */
static bool hold(int fd) {
    struct stat info;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    return fstat(fd, &info) == 0 && info.st_nlink > 0;
}

/* Makes a locked temporary for `path`; its name in *name (base_free), -1 with errno if it fails. */
static int make_partial(const char *path, bool as_folder, char **name) {
    for (int k = 0; k < TRIES; k++) {
        *name = partial_name(path);
        if (!*name) {
            errno = ENOMEM;
            return -1;
        }
        int fd = -1;
        if (!as_folder)
            fd = mkostemp(*name, O_CLOEXEC);
        else if (mkdtemp(*name))
            fd = open(*name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && hold(fd)) {
            mode_t mask = umask(0); /* mkstemp makes 0600; give what open() would have given */
            umask(mask);
            (void)fchmod(fd, (as_folder ? 0777 : 0666) & ~mask);
            return fd;
        }
        int error = errno;
        if (fd >= 0)
            close(fd);
        else if (as_folder)
            rmdir(*name);
        base_free(*name);
        *name = NULL;
        errno = error;
        /* A folder that is gone before it was opened was taken for dead like one that is held late. */
        if (fd < 0 && !(as_folder && error == ENOENT)) return -1;
    }
    errno = EAGAIN;
    return -1;
}

/* To the disk; what cannot be synced (a pipe, some network file systems) is left to itself. */
static bool sync_descriptor(int fd) {
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;
}

void base_sync_names(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)sync_descriptor(fd);
    close(fd);
}

void base_sync_all(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)syncfs(fd);
    close(fd);
}

static affect_status fail_output(affect_context *ctx, const char *path) {
    int error = errno;
    if (error == ENOMEM) return base_fail_memory(ctx);
    return base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: cannot write: %s", path,
                     error ? strerror(error) : "write failed");
}

affect_status base_output_open(affect_context *ctx, const char *path, base_output *out) {
    *out = (base_output){0};
    char *folder = folder_of(path);
    out->path = base_strdup(path);
    if (!out->path || !folder) {
        base_free(folder);
        base_output_abort(out);
        return base_fail_memory(ctx);
    }
    remove_dead(folder);
    base_free(folder);
    int fd = make_partial(path, false, &out->temporary);
    if (fd >= 0) out->file = fdopen(fd, "wb");
    if (out->file) return AFFECT_OK;
    affect_status status = fail_output(ctx, path);
    if (fd >= 0) close(fd);
    base_output_abort(out);
    return status;
}

affect_status base_output_commit(affect_context *ctx, base_output *out) {
    affect_status status = AFFECT_OK;
    errno = 0;
    if (ctx && affect_context_cancelled(ctx))
        status = base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    /* Renamed before it is closed: closing gives up the lock. What close could find is found by
     * fflush and fsync before. */
    else if (fflush(out->file) != 0 || ferror(out->file) ||
             (!out->unsynced && !sync_descriptor(fileno(out->file))) ||
             rename(out->temporary, out->path) != 0)
        status = fail_output(ctx, out->path);
    if (status != AFFECT_OK) {
        base_output_abort(out);
        return status;
    }
    fclose(out->file);
    out->file = NULL;
    char *folder = out->unsynced ? NULL : folder_of(out->path);
    if (folder) base_sync_names(folder);
    base_free(folder);
    base_free(out->temporary);
    base_free(out->path);
    *out = (base_output){0};
    return AFFECT_OK;
}

void base_output_abort(base_output *out) {
    if (out->temporary) unlink(out->temporary);
    if (out->file) fclose(out->file);
    base_free(out->temporary);
    base_free(out->path);
    *out = (base_output){0};
}

affect_status base_folder_open(affect_context *ctx, const char *path, base_folder *out) {
    *out = (base_folder){.lock = -1};
    out->path = base_strdup(path);
    for (size_t n = out->path ? strlen(out->path) : 0; n > 1 && out->path[n - 1] == '/';)
        out->path[--n] = '\0';
    char *parent = out->path ? folder_of(out->path) : NULL;
    affect_status status = parent ? base_make_folder(ctx, parent) : base_fail_memory(ctx);
    if (status == AFFECT_OK) {
        remove_dead(parent);
        out->lock = make_partial(out->path, true, &out->temporary);
        if (out->lock < 0) status = fail_output(ctx, path);
    }
    base_free(parent);
    if (status != AFFECT_OK) base_folder_abort(out);
    return status;
}

static int sync_one(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)info;
    (void)at;
    if (type != FTW_F && type != FTW_DP) return 0;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno == EACCES ? 0 : -1;
    bool good = sync_descriptor(fd);
    int error = errno;
    close(fd);
    errno = error;
    return good ? 0 : -1;
}

affect_status base_folder_sync(affect_context *ctx, const base_folder *folder) {
    if (ctx && affect_context_cancelled(ctx))
        return base_fail(ctx, AFFECT_ERROR_CANCELLED, "interrupted");
    if (nftw(folder->temporary, sync_one, 3, FTW_DEPTH | FTW_PHYS) == 0) return AFFECT_OK;
    return fail_output(ctx, folder->path);
}

affect_status base_folder_commit(affect_context *ctx, base_folder *folder) {
    affect_status status = AFFECT_OK;
    if (!folder->unsynced) status = base_folder_sync(ctx, folder);
    if (status == AFFECT_OK && rename(folder->temporary, folder->path) != 0)
        status = fail_output(ctx, folder->path);
    if (status == AFFECT_OK) {
        char *parent = folder_of(folder->path);
        if (parent && !folder->unsynced) base_sync_names(parent);
        base_free(parent);
        base_free(folder->temporary);
        folder->temporary = NULL;
    }
    base_folder_abort(folder);
    return status;
}

void base_folder_abort(base_folder *folder) {
    /* The lock first: where no file can be opened any more, removing needs its place. */
    if ((folder->temporary || folder->path) && folder->lock >= 0) close(folder->lock);
    if (folder->temporary) remove_tree(folder->temporary);
    base_free(folder->temporary);
    base_free(folder->path);
    *folder = (base_folder){.lock = -1};
}

affect_status base_write_file(affect_context *ctx, const char *path, const void *data,
                              size_t length) {
    base_output out;
    affect_status status = base_output_open(ctx, path, &out);
    if (status != AFFECT_OK) return status;
    fwrite(data, 1, length, out.file); /* a short write sets ferror, which commit looks at */
    return base_output_commit(ctx, &out);
}

bool base_file_exists(const char *path) { return access(path, F_OK) == 0; }

bool base_is_link(const char *path) {
    char *bare = base_strdup(path);
    struct stat info;
    for (size_t n = bare ? strlen(bare) : 0; n > 1 && bare[n - 1] == '/';) bare[--n] = '\0';
    bool link = bare && lstat(bare, &info) == 0 && S_ISLNK(info.st_mode);
    base_free(bare);
    return link;
}

int base_open_regular(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat about;
    if (fd < 0) return -1;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

char *base_beside(const char *file, const char *path) {
    const char *slash = file ? strrchr(file, '/') : NULL, *last = path ? strrchr(path, '/') : NULL;
    const char *name = last ? last + 1 : path;
    struct stat about;
    base_text near = {0};
    if (!file || !name || !*name) return NULL;
    base_text_append_n(&near, file, slash ? (size_t)(slash - file) + 1 : 0);
    base_text_append(&near, name);
    if (near.failed || lstat(near.data, &about) != 0 || !S_ISREG(about.st_mode))
        base_text_destroy(&near);
    return near.data;
}

bool base_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

affect_status base_make_folder(affect_context *ctx, const char *path) {
    char *copy = base_strdup(path);
    if (!copy) return base_fail_memory(ctx);
    affect_status status = AFFECT_OK;
    for (char *at = copy + 1; status == AFFECT_OK; at++) {
        if (*at != '/' && *at != '\0') continue;
        char saved = *at;
        *at = '\0';
        if (mkdir(copy, 0777) != 0 && !base_is_folder(copy))
            status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: cannot make the folder: %s", copy,
                               strerror(errno));
        *at = saved;
        if (!saved) break;
    }
    base_free(copy);
    return status;
}

char *base_path_join(const char *folder, const char *name) {
    base_text path = {0};
    base_text_append(&path, folder);
    if (path.length && path.data && path.data[path.length - 1] != '/') base_text_append(&path, "/");
    base_text_append(&path, name);
    if (path.failed) base_text_destroy(&path);
    return path.data;
}

affect_status base_check_writable(affect_context *ctx, const char *folder) {
    char *path = base_strdup(folder);
    if (!path) return base_fail_memory(ctx);
    affect_status status = AFFECT_OK;
    for (;;) {
        struct stat info;
        size_t n = strlen(path);
        while (n > 1 && path[n - 1] == '/') path[--n] = '\0';
        if (stat(path, &info) == 0) {
            if (!S_ISDIR(info.st_mode))
                status =
                    base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s is a file: -o wants a folder", path);
            else if (access(path, W_OK | X_OK) != 0)
                status = base_fail(ctx, AFFECT_ERROR_OUTPUT,
                                   "%s: %s; choose another folder with -o", path, strerror(errno));
            break;
        }
        if (errno != ENOENT) {
            status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: %s", path, strerror(errno));
            break;
        }
        char *slash = strrchr(path, '/');
        if (slash == path) slash++;
        if (slash)
            *slash = '\0';
        else
            strcpy(path, ".");
    }
    base_free(path);
    return status;
}
