/* Lanes: a thread that sleeps on a queue of copied blocks or frames and works through its stages.
 *
 * The stages write into timelines of their own. A reader (the session, for its callbacks and for
 * fuse) takes the lane's lock; `readers` makes the worker stand back between two items, since a
 * plain mutex would let it take the lock again at once and starve the reader. */
#include <math.h>
#include <string.h>

#include "session/internal.h"

struct session_buffer {
    media_item item;
    void *bytes;
    size_t capacity;
};

/* Out of memory and cancelling end everything; any other failure ends the stage alone. */
static affect_status stage_failed(session_lane *lane, session_stage *stage, affect_status status) {
    if (status == AFFECT_OK || status == AFFECT_ERROR_MEMORY || status == AFFECT_ERROR_CANCELLED)
        return status;
    char text[512];
    const char *message = affect_context_message(lane->ctx);
    snprintf(text, sizeof text, "%s", *message ? message : affect_status_text(status));
    stage->kind->destroy(stage->impl);
    stage->impl = NULL;
    affect_time from = stage->fed ? stage->at : AFFECT_TIME_NONE;
    return timeline_warn(lane->ctx, stage->timeline, from, from, "%s stopped: %s",
                         stage->kind->name, text);
}

static affect_status work(session_lane *lane, const media_item *item) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < lane->stage_count && status == AFFECT_OK; i++) {
        session_stage *stage = &lane->stages[i];
        double start = base_now_s();
        if (stage->impl) status = stage_failed(lane, stage, stage->kind->push(stage->impl, item));
        stage->seconds += base_now_s() - start;
        stage->fed = true;
        stage->at = item->kind == MEDIA_FRAME
                        ? item->frame.time
                        : item->audio.t0 + time_from_ticks((int64_t)item->audio.count, 1,
                                                           item->audio.sample_rate);
    }
    return status;
}

static affect_status finish(session_lane *lane) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < lane->stage_count && status == AFFECT_OK; i++) {
        session_stage *stage = &lane->stages[i];
        if (!stage->impl) continue;
        double start = base_now_s();
        status = stage_failed(lane, stage, stage->kind->finish(stage->impl));
        stage->seconds += base_now_s() - start;
    }
    return status;
}

static void *lane_thread(void *user) {
    session_lane *lane = user;
    void *next;
    while (base_queue_pop(lane->full, &next)) {
        struct session_buffer *buffer = next;
        if (atomic_load(&lane->status) == AFFECT_OK) {
            pthread_mutex_lock(&lane->lock);
            while (atomic_load(&lane->readers) > 0) pthread_cond_wait(&lane->turn, &lane->lock);
            affect_status status = affect_context_cancelled(lane->ctx)
                                       ? base_fail(lane->ctx, AFFECT_ERROR_CANCELLED, "interrupted")
                                       : work(lane, &buffer->item);
            pthread_mutex_unlock(&lane->lock);
            atomic_store(&lane->status, (int)status);
        }
        if (!base_queue_push(lane->empty, buffer)) break;
    }
    if (atomic_load(&lane->status) == AFFECT_OK) {
        pthread_mutex_lock(&lane->lock);
        atomic_store(&lane->status, (int)finish(lane));
        pthread_mutex_unlock(&lane->lock);
    }
    return NULL;
}

affect_status session_lane_start(session_lane *lane, affect_context *ctx, bool threaded,
                                 size_t capacity) {
    lane->ctx = ctx;
    if (!threaded) return AFFECT_OK;
    affect_status status = base_queue_create(ctx, capacity, &lane->full);
    if (status == AFFECT_OK) status = base_queue_create(ctx, capacity, &lane->empty);
    if (status != AFFECT_OK) return status;
    lane->buffers = base_calloc(capacity, sizeof *lane->buffers);
    if (!lane->buffers) return base_fail_memory(ctx);
    lane->buffer_count = capacity;
    for (size_t i = 0; i < capacity; i++)
        if (!base_queue_push(lane->empty, &lane->buffers[i])) return AFFECT_ERROR_INTERNAL;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->turn, NULL);
    if (pthread_create(&lane->thread, NULL, lane_thread, lane) != 0) {
        pthread_mutex_destroy(&lane->lock);
        pthread_cond_destroy(&lane->turn);
        return base_fail(ctx, AFFECT_ERROR_MEMORY, "could not start a thread");
    }
    lane->threaded = true;
    return AFFECT_OK;
}

/* A copy of the item that owns its samples or pixels (in `buffer`, which is used again). */
static affect_status copy_item(session_lane *lane, struct session_buffer *buffer,
                               const media_item *item) {
    bool frame = item->kind == MEDIA_FRAME;
    size_t row = frame ? (size_t)item->frame.width * 3 : 0;
    size_t need =
        frame ? row * (size_t)item->frame.height : item->audio.count * sizeof *item->audio.samples;
    if (need > buffer->capacity) {
        base_free(buffer->bytes);
        buffer->capacity = 0;
        buffer->bytes = base_alloc(need);
        if (!buffer->bytes) return base_fail_memory(lane->ctx);
        buffer->capacity = need;
    }
    buffer->item = *item;
    if (frame) {
        for (int y = 0; y < item->frame.height; y++)
            memcpy((uint8_t *)buffer->bytes + (size_t)y * row,
                   item->frame.rgb + (size_t)y * item->frame.stride, row);
        buffer->item.frame.rgb = buffer->bytes;
        buffer->item.frame.stride = row;
    } else {
        if (need) memcpy(buffer->bytes, item->audio.samples, need);
        buffer->item.audio.samples = buffer->bytes;
    }
    return AFFECT_OK;
}

affect_status session_lane_push(session_lane *lane, const media_item *item) {
    bool wanted = false;
    if (!lane->threaded) return work(lane, item);
    for (size_t i = 0; i < lane->stage_count; i++) wanted = wanted || lane->stages[i].kind != NULL;
    if (!wanted) return AFFECT_OK;
    affect_status status = (affect_status)atomic_load(&lane->status);
    if (status != AFFECT_OK) return status;
    void *next;
    if (!base_queue_pop(lane->empty, &next)) return AFFECT_ERROR_INTERNAL;
    status = copy_item(lane, next, item);
    if (status != AFFECT_OK) {
        if (!base_queue_push(lane->empty, next)) return AFFECT_ERROR_INTERNAL;
        return status;
    }
    return base_queue_push(lane->full, next) ? AFFECT_OK : AFFECT_ERROR_INTERNAL;
}

void session_lane_close(session_lane *lane) {
    if (lane->threaded) base_queue_close(lane->full);
}

affect_status session_lane_finish(session_lane *lane) {
    if (!lane->threaded) return finish(lane);
    session_lane_close(lane);
    pthread_join(lane->thread, NULL);
    lane->threaded = false;
    pthread_mutex_destroy(&lane->lock);
    pthread_cond_destroy(&lane->turn);
    return (affect_status)atomic_load(&lane->status);
}

bool session_lane_read(session_lane *lane, bool wait) {
    if (!lane->threaded) return true;
    if (!wait) return pthread_mutex_trylock(&lane->lock) == 0;
    atomic_fetch_add(&lane->readers, 1);
    pthread_mutex_lock(&lane->lock);
    atomic_fetch_sub(&lane->readers, 1);
    return true;
}

void session_lane_leave(session_lane *lane) {
    if (!lane->threaded) return;
    pthread_cond_signal(&lane->turn);
    pthread_mutex_unlock(&lane->lock);
}

void session_lane_destroy(session_lane *lane) {
    if (lane->threaded) { /* given up half way: nothing more is worked on */
        atomic_store(&lane->status, AFFECT_ERROR_CANCELLED);
        affect_status ignored = session_lane_finish(lane);
        (void)ignored;
    }
    for (size_t i = 0; i < lane->stage_count; i++) {
        session_stage *stage = &lane->stages[i];
        if (stage->impl) stage->kind->destroy(stage->impl);
        affect_timeline_destroy(stage->timeline);
        base_free(stage->seen.rows.items);
        base_free(stage->seen.intervals.items);
    }
    base_queue_destroy(lane->full);
    base_queue_destroy(lane->empty);
    for (size_t i = 0; i < lane->buffer_count; i++) base_free(lane->buffers[i].bytes);
    base_free(lane->buffers);
    *lane = (session_lane){0};
}
