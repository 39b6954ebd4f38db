/* Workers: a thread that sleeps on a queue of copied blocks or frames and works through its stages.
 *
 * The stages write into timelines of their own. A reader (the session, for its callbacks and for
 * understanding) takes the worker's lock; `readers` makes the worker stand back between two items, since a
 * plain mutex would let it take the lock again at once and starve the reader. */
#include <math.h>
#include <string.h>

#include "session/session_private.h"

struct session_buffer {
    media_item item;
    media_pixels own; /* its samples or pixels */
};

static affect_status stage_failed(session_worker *worker, session_stage *stage,
                                  affect_status status) {
    return session_stage_failed(worker->ctx, stage, stage->fed ? stage->at : AFFECT_TIME_NONE,
                                status);
}

static affect_status work(session_worker *worker, const media_item *item) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < worker->stage_count && status == AFFECT_OK; i++) {
        session_stage *stage = &worker->stages[i];
        double start = base_now_s();
        if (stage->impl) status = stage_failed(worker, stage, stage->kind->push(stage->impl, item));
        stage->seconds += base_now_s() - start;
        stage->fed = true;
        stage->at = item->kind == MEDIA_FRAME
                        ? item->frame.time
                        : item->audio.t0 + time_from_ticks((int64_t)item->audio.count, 1,
                                                           item->audio.sample_rate);
    }
    return status;
}

static affect_status finish(session_worker *worker) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < worker->stage_count && status == AFFECT_OK; i++) {
        session_stage *stage = &worker->stages[i];
        if (!stage->impl) continue;
        double start = base_now_s();
        status = stage_failed(worker, stage, stage->kind->finish(stage->impl));
        stage->seconds += base_now_s() - start;
    }
    return status;
}

/* On the worker: its text goes along, because messages are the thread's own. */
static void set_status(session_worker *worker, affect_status status) {
    if (status != AFFECT_OK)
        snprintf(worker->message, sizeof worker->message, "%s",
                 affect_context_message(worker->ctx));
    atomic_store(&worker->status, (int)status);
}

/* On the caller: what the worker failed with, as the caller's own failure. */
static affect_status get_status(session_worker *worker) {
    affect_status status = (affect_status)atomic_load(&worker->status);
    return status == AFFECT_OK ? status : base_fail(worker->ctx, status, "%s", worker->message);
}

static void *worker_thread(void *user) {
    session_worker *worker = user;
    void *next;
    while (base_queue_pop(worker->full, &next)) {
        struct session_buffer *buffer = next;
        if (atomic_load(&worker->status) == AFFECT_OK) {
            pthread_mutex_lock(&worker->lock);
            while (atomic_load(&worker->readers) > 0)
                pthread_cond_wait(&worker->turn, &worker->lock);
            affect_status status =
                affect_context_cancelled(worker->ctx)
                    ? base_fail(worker->ctx, AFFECT_ERROR_CANCELLED, "interrupted")
                    : work(worker, &buffer->item);
            pthread_mutex_unlock(&worker->lock);
            set_status(worker, status);
        }
        if (!base_queue_push(worker->empty, buffer)) break;
    }
    if (atomic_load(&worker->status) == AFFECT_OK) {
        pthread_mutex_lock(&worker->lock);
        set_status(worker, finish(worker));
        pthread_mutex_unlock(&worker->lock);
    }
    return NULL;
}

affect_status session_worker_start(session_worker *worker, affect_context *ctx, bool threaded,
                                   size_t capacity) {
    worker->ctx = ctx;
    if (!threaded) return AFFECT_OK;
    affect_status status = base_queue_create(ctx, capacity, &worker->full);
    if (status == AFFECT_OK) status = base_queue_create(ctx, capacity, &worker->empty);
    if (status != AFFECT_OK) return status;
    worker->buffers = base_calloc(capacity, sizeof *worker->buffers);
    if (!worker->buffers) return base_fail_memory(ctx);
    worker->buffer_count = capacity;
    for (size_t i = 0; i < capacity; i++)
        if (!base_queue_push(worker->empty, &worker->buffers[i])) return AFFECT_ERROR_INTERNAL;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->turn, NULL);
    if (pthread_create(&worker->thread, NULL, worker_thread, worker) != 0) {
        pthread_mutex_destroy(&worker->lock);
        pthread_cond_destroy(&worker->turn);
        return base_fail(ctx, AFFECT_ERROR_MEMORY, "could not start a thread");
    }
    worker->threaded = true;
    return AFFECT_OK;
}

/* The item with samples or pixels of its own, in `buffer`, which is used again: pixels that are lent change places with what it
 * holds, the rest is copied. */
static affect_status copy_item(session_worker *worker, struct session_buffer *buffer,
                               const media_item *item) {
    bool frame = item->kind == MEDIA_FRAME;
    size_t row = frame ? (size_t)item->frame.width * 3 : 0;
    size_t sound = item->audio.count * sizeof *item->audio.samples;
    size_t need = frame ? row * (size_t)item->frame.height : sound * (item->audio.side ? 2 : 1);
    buffer->item = *item;
    if (frame && item->frame.lent) {
        media_pixels free = buffer->own;
        buffer->own = *item->frame.lent;
        *item->frame.lent = free;
        buffer->item.frame.lent = NULL;
        return AFFECT_OK;
    }
    if (need > buffer->own.capacity) {
        base_free(buffer->own.bytes);
        buffer->own.capacity = 0;
        buffer->own.bytes = base_alloc_aligned(64, need);
        if (!buffer->own.bytes) return base_fail_memory(worker->ctx);
        buffer->own.capacity = need;
    }
    if (frame) {
        for (int y = 0; y < item->frame.height; y++)
            memcpy(buffer->own.bytes + (size_t)y * row,
                   item->frame.rgb + (size_t)y * item->frame.stride, row);
        buffer->item.frame.rgb = buffer->own.bytes;
        buffer->item.frame.stride = row;
    } else {
        float *samples = (float *)(void *)buffer->own.bytes;
        if (sound) memcpy(samples, item->audio.samples, sound);
        if (sound && item->audio.side) memcpy(samples + item->audio.count, item->audio.side, sound);
        buffer->item.audio.samples = samples;
        buffer->item.audio.side = item->audio.side ? samples + item->audio.count : NULL;
    }
    return AFFECT_OK;
}

affect_status session_worker_push(session_worker *worker, const media_item *item) {
    bool wanted = false;
    if (!worker->threaded) return work(worker, item);
    for (size_t i = 0; i < worker->stage_count; i++)
        wanted = wanted || worker->stages[i].kind != NULL;
    if (!wanted) return AFFECT_OK;
    affect_status status = get_status(worker);
    if (status != AFFECT_OK) return status;
    void *next;
    if (!base_queue_pop(worker->empty, &next)) return AFFECT_ERROR_INTERNAL;
    status = copy_item(worker, next, item);
    if (status != AFFECT_OK) {
        if (!base_queue_push(worker->empty, next)) return AFFECT_ERROR_INTERNAL;
        return status;
    }
    return base_queue_push(worker->full, next) ? AFFECT_OK : AFFECT_ERROR_INTERNAL;
}

void session_worker_close(session_worker *worker) {
    if (worker->threaded) base_queue_close(worker->full);
}

static void end_thread(session_worker *worker) {
    session_worker_close(worker);
    pthread_join(worker->thread, NULL);
    worker->threaded = false;
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->turn);
}

affect_status session_worker_finish(session_worker *worker) {
    if (!worker->threaded) return finish(worker);
    end_thread(worker);
    return get_status(worker);
}

bool session_worker_read(session_worker *worker, bool wait) {
    if (!worker->threaded) return true;
    if (!wait) return pthread_mutex_trylock(&worker->lock) == 0;
    atomic_fetch_add(&worker->readers, 1);
    pthread_mutex_lock(&worker->lock);
    atomic_fetch_sub(&worker->readers, 1);
    return true;
}

void session_worker_leave(session_worker *worker) {
    if (!worker->threaded) return;
    pthread_cond_signal(&worker->turn);
    pthread_mutex_unlock(&worker->lock);
}

void session_worker_destroy(session_worker *worker) {
    if (worker->threaded) { /* given up half way: nothing more is worked on */
        atomic_store(&worker->status, AFFECT_ERROR_CANCELLED);
        end_thread(worker);
    }
    for (size_t i = 0; i < worker->stage_count; i++) {
        session_stage *stage = &worker->stages[i];
        if (stage->impl) stage->kind->destroy(stage->impl);
        affect_timeline_destroy(stage->timeline);
        base_free(stage->seen.rows.items);
        base_free(stage->seen.intervals.items);
    }
    base_free(worker->stages);
    base_queue_destroy(worker->full);
    base_queue_destroy(worker->empty);
    for (size_t i = 0; i < worker->buffer_count; i++) base_free(worker->buffers[i].own.bytes);
    base_free(worker->buffers);
    *worker = (session_worker){0};
}
