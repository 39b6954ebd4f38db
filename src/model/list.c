/* Which models there are: every NAME/card.json in the folders where models are looked for. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_private.h"

typedef struct names {
    char **items;
    size_t count, capacity;
    bool failed;
} names;

static bool add(names *n, const char *name) {
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->items[i], name) == 0) return true;
    if (!base_grow((void **)&n->items, &n->capacity, n->count + 1, sizeof *n->items)) return false;
    char *copy = base_strdup(name);
    if (copy) n->items[n->count++] = copy;
    return copy != NULL;
}

/* Takes every folder; never says that it is enough. */
static bool look(void *user, const char *path) {
    names *n = user;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && !n->failed && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        char *model = base_path_join(path, entry->d_name);
        char *card = model ? base_path_join(model, "card.json") : NULL;
        if (!card || (base_file_exists(card) && !add(n, entry->d_name))) n->failed = true;
        base_free(card);
        base_free(model);
    }
    if (folder) closedir(folder);
    return false;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

affect_status model_names(affect_context *ctx, char ***out, size_t *count) {
    names n = {0};
    model_locate(ctx, ".", NULL, look, &n);
    if (n.count) qsort(n.items, n.count, sizeof *n.items, by_name);
    *out = n.items;
    *count = n.count;
    if (!n.failed) return AFFECT_OK;
    for (size_t i = 0; i < n.count; i++) base_free(n.items[i]);
    base_free(n.items);
    *out = NULL;
    *count = 0;
    return base_fail_memory(ctx);
}
