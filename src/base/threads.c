/* A bounded queue and a pool. Everybody who waits sleeps on a condition: spinning costs more than
 * it saves on machines with few, virtual, processors. */
#include "base/base.h"

struct base_queue {
    pthread_mutex_t lock;
    pthread_cond_t room, filled;
    void **items;
    size_t capacity, first, count;
    bool closed;
};

affect_status base_queue_create(affect_context *ctx, size_t capacity, base_queue **out) {
    *out = NULL;
    base_queue *q = base_calloc(1, sizeof *q);
    if (!q) return base_fail_memory(ctx);
    q->items = base_calloc(capacity, sizeof *q->items);
    if (!q->items) {
        base_free(q);
        return base_fail_memory(ctx);
    }
    q->capacity = capacity;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->room, NULL);
    pthread_cond_init(&q->filled, NULL);
    *out = q;
    return AFFECT_OK;
}

void base_queue_destroy(base_queue *q) {
    if (!q) return;
    pthread_cond_destroy(&q->filled);
    pthread_cond_destroy(&q->room);
    pthread_mutex_destroy(&q->lock);
    base_free(q->items);
    base_free(q);
}

bool base_queue_push(base_queue *q, void *item) {
    pthread_mutex_lock(&q->lock);
    while (q->count == q->capacity && !q->closed) pthread_cond_wait(&q->room, &q->lock);
    bool open = !q->closed;
    if (open) {
        q->items[(q->first + q->count++) % q->capacity] = item;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    return open;
}

bool base_queue_pop(base_queue *q, void **item) {
    pthread_mutex_lock(&q->lock);
    while (q->count == 0 && !q->closed) pthread_cond_wait(&q->filled, &q->lock);
    bool got = q->count > 0;
    if (got) {
        *item = q->items[q->first];
        q->first = (q->first + 1) % q->capacity;
        q->count--;
        pthread_cond_signal(&q->room);
    }
    pthread_mutex_unlock(&q->lock);
    return got;
}

void base_queue_close(base_queue *q) {
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->room);
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

struct base_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    pthread_t *workers;
    int worker_count;
    void (*body)(void *user, size_t i);
    void *user;
    size_t n, next, finished;
    unsigned long round; /* tells a sleeping worker that a new job is there */
    bool stop;
};

/* Takes items until none is left. Called and returns with the lock held. */
static void pool_work(base_pool *pool) {
    while (pool->next < pool->n) {
        size_t i = pool->next++;
        pthread_mutex_unlock(&pool->lock);
        pool->body(pool->user, i);
        pthread_mutex_lock(&pool->lock);
        if (++pool->finished == pool->n) pthread_cond_signal(&pool->done);
    }
}

static void *pool_main(void *argument) {
    base_pool *pool = argument;
    pthread_mutex_lock(&pool->lock);
    unsigned long seen = 0;
    while (!pool->stop) {
        if (seen == pool->round) {
            pthread_cond_wait(&pool->work, &pool->lock);
            continue;
        }
        seen = pool->round;
        pool_work(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

affect_status base_pool_create(affect_context *ctx, int threads, base_pool **out) {
    *out = NULL;
    base_pool *pool = base_calloc(1, sizeof *pool);
    int extra = threads > 1 ? threads - 1 : 0;
    if (pool) pool->workers = base_calloc((size_t)extra, sizeof *pool->workers);
    if (!pool || !pool->workers) {
        base_free(pool);
        return base_fail_memory(ctx);
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (int i = 0; i < extra; i++) {
        if (pthread_create(&pool->workers[i], NULL, pool_main, pool) != 0) break;
        pool->worker_count++; /* fewer workers than asked for is slower, not wrong */
    }
    *out = pool;
    return AFFECT_OK;
}

void base_pool_destroy(base_pool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->worker_count; i++) pthread_join(pool->workers[i], NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    base_free(pool->workers);
    base_free(pool);
}

void base_pool_for(base_pool *pool, size_t n, void (*body)(void *user, size_t i), void *user) {
    if (!pool || pool->worker_count == 0) {
        for (size_t i = 0; i < n; i++) body(user, i);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->body = body;
    pool->user = user;
    pool->n = n;
    pool->next = pool->finished = 0;
    pool->round++;
    pthread_cond_broadcast(&pool->work);
    pool_work(pool);
    while (pool->finished < pool->n) pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
