/* Whole files in, atomic files out. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

affect_status base_output_open(affect_context *ctx, const char *path, base_output *out) {
    *out = (base_output){0};
    const char *slash = strrchr(path, '/');
    base_text temporary = {0};
    if (slash) base_text_append_n(&temporary, path, (size_t)(slash - path) + 1);
    base_text_printf(&temporary, ".%s.XXXXXX", slash ? slash + 1 : path);
    out->path = base_strdup(path);
    if (temporary.failed || !out->path) {
        base_text_destroy(&temporary);
        base_free(out->path);
        *out = (base_output){0};
        return base_fail_memory(ctx);
    }
    int fd = mkstemp(temporary.data);
    if (fd < 0) {
        affect_status status =
            base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: cannot write: %s", path, strerror(errno));
        base_text_destroy(&temporary);
        base_free(out->path);
        *out = (base_output){0};
        return status;
    }
    out->temporary = temporary.data;
    mode_t mask = umask(0); /* mkstemp makes 0600; give what open() would have given */
    umask(mask);
    (void)fchmod(fd, 0666 & ~mask);
    out->file = fdopen(fd, "wb");
    if (!out->file) {
        close(fd);
        base_output_abort(out);
        return base_fail_memory(ctx);
    }
    return AFFECT_OK;
}

affect_status base_output_commit(affect_context *ctx, base_output *out) {
    int failed = ferror(out->file);
    if (fclose(out->file) != 0) failed = 1;
    out->file = NULL;
    if (failed || rename(out->temporary, out->path) != 0) {
        affect_status status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: cannot write: %s",
                                         out->path, errno ? strerror(errno) : "write failed");
        base_output_abort(out);
        return status;
    }
    base_free(out->temporary);
    base_free(out->path);
    *out = (base_output){0};
    return AFFECT_OK;
}

void base_output_abort(base_output *out) {
    if (out->file) fclose(out->file);
    if (out->temporary) unlink(out->temporary);
    base_free(out->temporary);
    base_free(out->path);
    *out = (base_output){0};
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
