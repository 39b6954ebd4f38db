/* From what the user names to a list of recordings. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "collection/collection.h"

/* What cameras, phones, recorders and conference programs write, and what FFmpeg reads of it. */
static const char *const endings[] = {
    "3g2", "3gp",  "aac",  "ac3",  "aif", "aiff", "amr",  "asf",  "au",   "avi",  "avif", "bmp",
    "caf", "dv",   "eac3", "flac", "flv", "gif",  "heic", "jpeg", "jpg",  "m2ts", "m4a",  "m4v",
    "mka", "mkv",  "mov",  "mp2",  "mp3", "mp4",  "mpeg", "mpg",  "mts",  "mxf",  "oga",  "ogg",
    "ogv", "opus", "png",  "rm",   "tif", "tiff", "ts",   "wav",  "webm", "webp", "wma",  "wmv"};

enum { DEPTH = 32 };

typedef struct finder {
    affect_context *ctx;
    collection_list *list;
} finder;

bool collection_is_recording(const char *name) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < BASE_COUNT(endings); i++)
        if (base_equal_ignore_case(dot + 1, endings[i])) return true;
    return false;
}

/* `below` is the path below what was named; it becomes the id. */
static affect_status add(finder *f, const char *path, const char *below, int64_t bytes) {
    collection_list *list = f->list;
    collection_recording new = {base_strdup(below), base_strdup(path), bytes};
    if (!new.id || !new.path ||
        !base_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
        base_free(new.id);
        base_free(new.path);
        return base_fail_memory(f->ctx);
    }
    list->items[list->count++] = new;
    return AFFECT_OK;
}

static affect_status walk(finder *f, const char *folder, const char *below, int depth) {
    DIR *dir = opendir(folder);
    if (!dir) return base_fail(f->ctx, AFFECT_ERROR_NOT_FOUND, "%s: %s", folder, strerror(errno));
    affect_status status = AFFECT_OK;
    /* Hidden files are none of the user's recordings. */
    for (struct dirent *e; status == AFFECT_OK && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        char *path = base_path_join(folder, e->d_name);
        char *inner = *below ? base_path_join(below, e->d_name) : base_strdup(e->d_name);
        struct stat info, link;
        if (!path || !inner)
            status = base_fail_memory(f->ctx);
        else if (stat(path, &info) != 0 || lstat(path, &link) != 0)
            ; /* went away, or a link to nowhere */
        else if (S_ISREG(info.st_mode) && collection_is_recording(e->d_name))
            status = add(f, path, inner, info.st_size);
        else if (S_ISDIR(info.st_mode) && !S_ISLNK(link.st_mode) && depth < DEPTH &&
                 !collection_is(path))
            status = walk(f, path, inner, depth + 1);
        base_free(path);
        base_free(inner);
    }
    closedir(dir);
    return status;
}

bool collection_is(const char *folder) {
    char *mark = base_path_join(folder, "inputs.csv"),
         *rooms = base_path_join(folder, "recordings");
    bool is = mark && rooms && base_file_exists(mark) && base_is_folder(rooms);
    base_free(mark);
    base_free(rooms);
    return is;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const collection_recording *)a)->path, ((const collection_recording *)b)->path);
}

static int by_id(const void *a, const void *b) {
    return strcmp(((const collection_recording *)a)->id, ((const collection_recording *)b)->id);
}

typedef struct place {
    dev_t device;
    ino_t inode;
    size_t at;
} place;

static int by_place(const void *a, const void *b) {
    const place *x = a, *y = b;
    if (x->device != y->device) return x->device < y->device ? -1 : 1;
    if (x->inode != y->inode) return x->inode < y->inode ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The same file named in two ways ("a.mp4", "./a.mp4", the folder that it is in) is one. Hard links
 * are several: who made them wanted that. */
static affect_status drop_doubles(affect_context *ctx, collection_list *list) {
    qsort(list->items, list->count, sizeof *list->items, by_path);
    place *places = base_calloc(list->count, sizeof *places);
    if (!places) return base_fail_memory(ctx);
    size_t known = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct stat info;
        bool there = stat(list->items[i].path, &info) == 0 && info.st_nlink == 1;
        if (there) places[known++] = (place){info.st_dev, info.st_ino, i};
        if (!there && i && strcmp(list->items[i].path, list->items[i - 1].path) == 0)
            base_free(list->items[i].id), list->items[i].id = NULL;
    }
    qsort(places, known, sizeof *places, by_place);
    for (size_t k = 1; k < known; k++)
        if (places[k].device == places[k - 1].device && places[k].inode == places[k - 1].inode)
            base_free(list->items[places[k].at].id), list->items[places[k].at].id = NULL;
    base_free(places);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].id)
            list->items[kept++] = list->items[i];
        else
            base_free(list->items[i].path);
    list->count = kept;
    return AFFECT_OK;
}

/* A path as the name of a folder, on any file system and in any table: no separators, nothing
 * harmful, nothing in front that hides it or makes it an option or a formula. NULL: no memory. */
static char *tidy(const char *path, bool ending) {
    size_t length = strlen(path);
    const char *dot = strrchr(path, '.');
    if (!ending && dot && dot > path && !strchr(dot, '/')) length = (size_t)(dot - path);
    base_text text = {0};
    for (size_t at = 0; at < length && text.length < 160;) {
        uint32_t c = base_utf8_next(path, length, &at);
        bool plain =
            c != 0xFFFD && !base_harmful(c) &&
            !(c < 128 && strchr(text.length ? "/\\:*?\"<>|'" : "/\\:*?\"<>|'.- =+@", (int)c));
        char bytes[4];
        if (!text.length && !plain) continue;
        base_text_append_n(&text, bytes, base_utf8_put(plain ? c : '_', bytes));
    }
    if (!text.length) base_text_append(&text, "recording");
    if (!text.failed) return text.data;
    base_text_destroy(&text);
    return NULL;
}

static int by_name(const void *a, const void *b) {
    const collection_recording *const *x = a, *const *y = b;
    int order = strcasecmp((*x)->id, (*y)->id);
    return order ? order : strcmp((*x)->path, (*y)->path);
}

/* Ids from what stands below the folder that was named, without its ending; where two are alike, on a
 * file system that ignores case too, with it; where they still are, from the whole path; last, with
 * a number. */
static affect_status name(affect_context *ctx, collection_list *list) {
    const char **below = base_calloc(list->count, sizeof *below);
    collection_recording **order = base_calloc(list->count, sizeof *order);
    bool *twice = base_calloc(list->count, sizeof *twice);
    bool good = below && order && twice;
    for (size_t i = 0; good && i < list->count; i++) {
        below[i] = list->items[i].id; /* still the path's own */
        order[i] = &list->items[i];
        twice[i] = true;
    }
    for (size_t i = 0; good && i < list->count; i++) list->items[i].id = NULL;
    for (int stage = 0; good && stage < 4; stage++) {
        for (size_t i = 0; good && i < list->count; i++) {
            collection_recording *r = &list->items[i];
            if (!twice[i]) continue;
            char *id = NULL;
            base_text numbered = {0};
            if (stage < 3)
                id = tidy(stage == 2 ? r->path : below[i], stage > 0);
            else
                base_text_printf(&numbered, "%s-%zu", r->id, i + 1);
            if (stage == 3 && !numbered.failed) id = numbered.data;
            base_free(r->id);
            r->id = id;
            good = id != NULL;
            twice[i] = false;
        }
        if (!good) break;
        qsort(order, list->count, sizeof *order, by_name);
        for (size_t k = 1; k < list->count; k++)
            if (strcasecmp(order[k - 1]->id, order[k]->id) == 0)
                twice[order[k - 1] - list->items] = twice[order[k] - list->items] = true;
    }
    for (size_t i = 0; below && i < list->count; i++) base_free((char *)(uintptr_t)below[i]);
    base_free(below);
    base_free(order);
    base_free(twice);
    if (!good) return base_fail_memory(ctx);
    qsort(list->items, list->count, sizeof *list->items, by_id);
    return AFFECT_OK;
}

affect_status collection_find(affect_context *ctx, const char *const *operands, size_t count,
                              collection_list *out) {
    *out = (collection_list){0};
    finder f = {ctx, out};
    affect_status status = AFFECT_OK;
    for (size_t i = 0; status == AFFECT_OK && i < count; i++) {
        struct stat info;
        const char *slash = strrchr(operands[i], '/');
        if (strcmp(operands[i], "-") == 0)
            status = base_fail(ctx, AFFECT_ERROR_USAGE,
                               "standard input is one recording: it cannot be one of several");
        else if (stat(operands[i], &info) != 0)
            /* It fails like any other that cannot be read, and the rest goes on. */
            status = add(&f, operands[i], slash ? slash + 1 : operands[i], 0);
        else if (S_ISDIR(info.st_mode))
            status = walk(&f, operands[i], "", 0);
        else
            status = add(&f, operands[i], slash ? slash + 1 : operands[i], info.st_size);
    }
    if (status == AFFECT_OK && !out->count)
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: no recording is in there",
                           count ? operands[0] : "nothing");
    if (status == AFFECT_OK) status = drop_doubles(ctx, out);
    if (status == AFFECT_OK) status = name(ctx, out);
    if (status != AFFECT_OK) collection_list_destroy(out);
    return status;
}

void collection_list_destroy(collection_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        base_free(list->items[i].id);
        base_free(list->items[i].path);
    }
    base_free(list->items);
    *list = (collection_list){0};
}
