/* What was dear to make is kept on the context for the next who wants the same: models, which take
 * longer to load than a short recording takes to analyze. */
#include <string.h>

#include "base/base_private.h"

struct base_kept {
    struct base_kept *next;
    char *key;
    void *object;
    void (*destroy)(void *object);
    bool shared;
};

static struct base_kept **find(base_store *store, const char *key) {
    struct base_kept **at = &store->first;
    while (*at && strcmp((*at)->key, key) != 0) at = &(*at)->next;
    return at;
}

void *base_kept_take(affect_context *ctx, const char *key) {
    base_store *store = base_store_of(ctx);
    if (!store || !key) return NULL;
    void *object = NULL;
    struct base_kept *done = NULL;
    pthread_mutex_lock(&store->lock);
    struct base_kept **at = find(store, key), *kept = *at;
    if (kept) object = kept->object;
    if (kept && !kept->shared) {
        *at = kept->next;
        done = kept;
    }
    pthread_mutex_unlock(&store->lock);
    if (done) base_free(done->key);
    base_free(done);
    return object;
}

static void clear(base_store *store) {
    pthread_mutex_lock(&store->lock);
    struct base_kept *kept = store->first;
    store->first = NULL;
    pthread_mutex_unlock(&store->lock);
    for (struct base_kept *next; kept; kept = next) {
        next = kept->next;
        kept->destroy(kept->object);
        base_free(kept->key);
        base_free(kept);
    }
}

static bool is_on(base_store *store) {
    pthread_mutex_lock(&store->lock);
    bool on = store->on;
    pthread_mutex_unlock(&store->lock);
    return on;
}

static bool give(affect_context *ctx, const char *key, void *object, void (*destroy)(void *),
                 bool shared) {
    base_store *store = base_store_of(ctx);
    if (!store || !key || !is_on(store)) return false;
    struct base_kept *kept = base_calloc(1, sizeof *kept);
    char *copy = kept ? base_strdup(key) : NULL;
    bool keep = false;
    pthread_mutex_lock(&store->lock);
    /* Of what is shared there is one: who comes second keeps his own for as long as he needs it. */
    if (copy && store->on && !(shared && *find(store, key))) {
        *kept = (struct base_kept){store->first, copy, object, destroy, shared};
        store->first = kept;
        store->clear = clear;
        keep = true;
    }
    pthread_mutex_unlock(&store->lock);
    if (keep) return true;
    base_free(copy);
    base_free(kept);
    return false;
}

bool base_kept_give(affect_context *ctx, const char *key, void *object, void (*destroy)(void *)) {
    return give(ctx, key, object, destroy, false);
}

bool base_kept_share(affect_context *ctx, const char *key, void *object, void (*destroy)(void *)) {
    return give(ctx, key, object, destroy, true);
}
