/* Which timelines: files and folders as `affect analyze`, `affect collection` and people leave them. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "tune/data_private.h"

enum { DEEPEST = 8 };

static affect_status add(affect_context *ctx, char *path, tune_paths *out) {
    if (!path ||
        !base_grow((void **)&out->items, &out->capacity, out->count + 1, sizeof *out->items)) {
        base_free(path);
        return base_fail_memory(ctx);
    }
    out->items[out->count++] = path;
    return AFFECT_OK;
}

/* Files called timeline.json below a folder, or with `any` the JSON files in it. */
static affect_status walk(affect_context *ctx, const char *folder, int depth, bool any,
                          tune_paths *out) {
    DIR *directory = opendir(folder);
    if (!directory) return AFFECT_OK;
    affect_status status = AFFECT_OK;
    for (struct dirent *entry; !status && (entry = readdir(directory));) {
        if (entry->d_name[0] == '.') continue;
        char *path = base_path_join(folder, entry->d_name);
        if (!path) {
            status = base_fail_memory(ctx);
            break;
        }
        bool wanted = any ? base_ends_with(entry->d_name, ".json")
                          : strcmp(entry->d_name, "timeline.json") == 0;
        if (base_is_folder(path)) {
            if (!any && depth < DEEPEST && !base_is_link(path))
                status = walk(ctx, path, depth + 1, any, out);
            base_free(path);
        } else if (wanted) {
            status = add(ctx, path, out);
        } else {
            base_free(path);
        }
    }
    closedir(directory);
    return status;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

affect_status tune_paths_find(affect_context *ctx, const char *const *operands, size_t count,
                              tune_paths *out) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < count && !status; i++) {
        size_t before = out->count;
        if (!base_file_exists(operands[i]))
            status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: there is no such file or folder",
                               operands[i]);
        else if (!base_is_folder(operands[i]))
            status = add(ctx, base_strdup(operands[i]), out);
        else
            status = walk(ctx, operands[i], 0, false, out);
        if (!status && out->count == before) status = walk(ctx, operands[i], 0, true, out);
        if (!status && out->count == before)
            status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: holds no timeline", operands[i]);
        if (!status && out->count > before)
            qsort(out->items + before, out->count - before, sizeof *out->items, by_text);
    }
    return status;
}

void tune_paths_clear(tune_paths *paths) {
    for (size_t i = 0; i < paths->count; i++) base_free(paths->items[i]);
    base_free(paths->items);
    *paths = (tune_paths){0};
}
