/* Merging observations and questions in time order, and the window that makes smoothing bounded. */
#include "latent/latent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "latent/kalman.h"

/* The stream of a question: behind every other. */
#define QUESTION SIZE_MAX

/* A row or a question that waits for its turn. */
typedef struct pending {
    affect_time at; /* latent time */
    size_t stream;  /* QUESTION = none */
    double value, confidence;
    size_t order;
} pending;

struct latent_online {
    affect_context *ctx;
    latent_kalman k;
    affect_time lag, horizon, block_end; /* the next block to emit ends here */
    bool begun;
    affect_time now; /* of the filter */
    struct {
        pending *items;
        size_t count, capacity;
    } waiting;
    struct {
        latent_kalman_step *items;
        size_t count, capacity;
    } steps; /* since the last emission, in order */
    struct {
        double *items;
        size_t count, capacity;
    } pool; /* per row its gain (n); per question the filtered x and P (n + n^2) */
    struct {
        latent_estimate *items;
        size_t count, capacity;
    } made;
    size_t order, late;
    double log_likelihood;
};

affect_status latent_model_check(affect_context *ctx, const latent_model *m) {
    if (m->stream_count < 1 || !m->streams)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "latent: a model without streams");
    if (!isfinite(m->mean) || !(m->sd > 0) || !isfinite(m->sd) || !(m->length_s > 0) ||
        !isfinite(m->length_s))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "latent: mean %g, sd %g, length_s %g: the last two must be above 0",
                         m->mean, m->sd, m->length_s);
    for (size_t i = 0; i < m->stream_count; i++) {
        const latent_stream *s = &m->streams[i];
        bool good = isfinite(s->gain) && isfinite(s->offset) && s->noise_sd > 0 &&
                    isfinite(s->noise_sd) && fabs(s->delay_s) < 1e6 && s->drift_sd >= 0 &&
                    isfinite(s->drift_sd) && (s->drift_sd <= 0 || s->drift_s > 0) && s->tail >= 0 &&
                    isfinite(s->tail);
        if (!good)
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                             "latent: stream %zu: noise_sd %g must be above 0, drift_sd %g not "
                             "below 0, drift_s %g above 0 and tail %g not below 0",
                             i, s->noise_sd, s->drift_sd, s->drift_s, s->tail);
    }
    return AFFECT_OK;
}

affect_status latent_online_create(affect_context *ctx, const latent_model *model, affect_time lag,
                                   latent_online **out) {
    *out = NULL;
    affect_status status = latent_model_check(ctx, model);
    if (status != AFFECT_OK) return status;
    if (lag <= 0) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "latent: the lag must be above 0");
    latent_online *o = base_calloc(1, sizeof *o);
    if (!o) return base_fail_memory(ctx);
    o->ctx = ctx;
    o->lag = lag;
    o->horizon = INT64_MIN;
    status = latent_kalman_init(ctx, &o->k, model);
    if (status != AFFECT_OK) {
        latent_online_destroy(o);
        return status;
    }
    *out = o;
    return AFFECT_OK;
}

void latent_online_destroy(latent_online *o) {
    if (!o) return;
    latent_kalman_clear(&o->k);
    base_free(o->waiting.items);
    base_free(o->steps.items);
    base_free(o->pool.items);
    base_free(o->made.items);
    base_free(o);
}

size_t latent_online_late(const latent_online *o) { return o->late; }
static affect_status wait_for_turn(latent_online *o, pending item) {
    if (!base_grow((void **)&o->waiting.items, &o->waiting.capacity, o->waiting.count + 1,
                   sizeof *o->waiting.items))
        return base_fail_memory(o->ctx);
    item.order = o->order++;
    o->waiting.items[o->waiting.count++] = item;
    return AFFECT_OK;
}

affect_status latent_online_push(latent_online *o, const latent_observation *row) {
    if (row->stream >= o->k.model.stream_count)
        return base_fail(o->ctx, AFFECT_ERROR_ARGUMENT, "latent: no stream %zu", row->stream);
    if (!isfinite(row->value) || !(row->confidence > 0)) return AFFECT_OK;
    affect_time at = row->time - time_from_seconds(o->k.model.streams[row->stream].delay_s);
    if (at < o->horizon) {
        o->late++;
        return AFFECT_OK;
    }
    return wait_for_turn(o, (pending){.at = at,
                                      .stream = row->stream,
                                      .value = row->value,
                                      .confidence = BASE_MIN(row->confidence, 1.0)});
}

affect_status latent_online_ask(latent_online *o, affect_time time) {
    if (time < o->horizon)
        return base_fail(o->ctx, AFFECT_ERROR_ARGUMENT, "latent: asked about a time gone by");
    return wait_for_turn(o, (pending){.at = time, .stream = QUESTION});
}

/* By time, rows of one time by stream and content (so that the order in which threads delivered
 * them does not matter), questions last. */
static int by_turn(const void *a, const void *b) {
    const pending *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    if (x->stream != y->stream) return x->stream < y->stream ? -1 : 1;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    if (x->confidence != y->confidence) return x->confidence < y->confidence ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static affect_status take(latent_online *o, const pending *item) {
    size_t n = o->k.n;
    bool query = item->stream == QUESTION;
    size_t need = query ? n + n * n : n;
    if (!base_grow((void **)&o->steps.items, &o->steps.capacity, o->steps.count + 1,
                   sizeof *o->steps.items) ||
        !base_grow((void **)&o->pool.items, &o->pool.capacity, o->pool.count + need,
                   sizeof *o->pool.items))
        return base_fail_memory(o->ctx);
    double dt = o->begun ? time_to_seconds(item->at - o->now) : 0.0;
    latent_kalman_step step = {.dt_s = dt,
                               .is_query = query,
                               .stream = item->stream,
                               .gain_at = o->pool.count,
                               .time = item->at};
    o->begun = true;
    o->now = item->at;
    latent_kalman_predict(&o->k, dt);
    double *room = o->pool.items + o->pool.count;
    if (query) {
        memcpy(room, o->k.state.x, n * sizeof *room);
        memcpy(room + n, o->k.state.p, n * n * sizeof *room);
    } else {
        o->log_likelihood +=
            latent_kalman_update(&o->k, item->stream, item->value, item->confidence, &step.residual,
                                 &step.variance, room);
    }
    o->pool.count += need;
    o->steps.items[o->steps.count++] = step;
    return AFFECT_OK;
}

/* Filters everything waiting with a latent time below `until`. */
static affect_status filter_until(latent_online *o, affect_time until) {
    size_t n = 0;
    for (size_t i = 0; i < o->waiting.count; i++) /* those below `until` to the front */
        if (o->waiting.items[i].at < until) {
            pending other = o->waiting.items[n];
            o->waiting.items[n] = o->waiting.items[i];
            o->waiting.items[i] = other;
            n++;
        }
    if (n == 0) return AFFECT_OK;
    qsort(o->waiting.items, n, sizeof *o->waiting.items, by_turn);
    for (size_t i = 0; i < n; i++) {
        affect_status status = take(o, &o->waiting.items[i]);
        if (status != AFFECT_OK) return status;
    }
    o->waiting.count -= n;
    memmove(o->waiting.items, o->waiting.items + n, o->waiting.count * sizeof *o->waiting.items);
    return AFFECT_OK;
}

/* Goes back over the window, emits the answers with a time below `until` and forgets that part. */
static affect_status smooth_until(latent_online *o, affect_time until, latent_emit_fn emit,
                                  void *user) {
    size_t n = o->k.n, old = 0;
    while (old < o->steps.count && o->steps.items[old].time < until) old++;
    if (old == 0) return AFFECT_OK;
    if (!base_grow((void **)&o->made.items, &o->made.capacity, old, sizeof *o->made.items))
        return base_fail_memory(o->ctx);
    o->made.count = 0;
    latent_kalman_adjoint_begin(&o->k);
    for (size_t i = o->steps.count; i-- > 0;) {
        const latent_kalman_step *step = &o->steps.items[i];
        const double *room = o->pool.items + step->gain_at;
        if (step->is_query && i < old) {
            latent_estimate *e = &o->made.items[o->made.count++];
            e->time = step->time;
            latent_kalman_smoothed(&o->k, room, room + n, &e->mean, &e->sd);
        } else if (!step->is_query) {
            latent_kalman_adjoint_observe(&o->k, step->stream, step->residual, step->variance,
                                          room);
        }
        latent_kalman_adjoint_predict(&o->k, step->dt_s);
    }
    for (size_t i = o->made.count; i-- > 0;) emit(user, &o->made.items[i]);
    size_t freed = old < o->steps.count ? o->steps.items[old].gain_at : o->pool.count;
    o->steps.count -= old;
    memmove(o->steps.items, o->steps.items + old, o->steps.count * sizeof *o->steps.items);
    for (size_t i = 0; i < o->steps.count; i++) o->steps.items[i].gain_at -= freed;
    o->pool.count -= freed;
    memmove(o->pool.items, o->pool.items + freed, o->pool.count * sizeof *o->pool.items);
    return AFFECT_OK;
}

static affect_time floor_to(affect_time t, affect_time step) {
    affect_time q = t / step;
    if (t % step < 0) q--;
    return q * step;
}

affect_status latent_online_advance(latent_online *o, affect_time horizon, latent_emit_fn emit,
                                    void *user) {
    if (horizon <= o->horizon) return AFFECT_OK;
    o->horizon = horizon;
    while (o->waiting.count || o->steps.count) {
        /* The block of the earliest thing not yet emitted; empty blocks are jumped over. */
        affect_time first = INT64_MAX;
        if (o->steps.count) first = o->steps.items[0].time;
        for (size_t i = 0; i < o->waiting.count; i++)
            first = BASE_MIN(first, o->waiting.items[i].at);
        affect_time block = floor_to(first, o->lag);
        if (horizon < block + 2 * o->lag) break;
        affect_status status = filter_until(o, block + 2 * o->lag);
        if (status == AFFECT_OK) status = smooth_until(o, block + o->lag, emit, user);
        if (status != AFFECT_OK) return status;
    }
    return AFFECT_OK;
}

affect_status latent_online_finish(latent_online *o, latent_emit_fn emit, void *user) {
    /* The last blocks see the same future as any other: block by block, then the end. */
    affect_status status = latent_online_advance(o, INT64_MAX, emit, user);
    return status;
}

struct collect {
    latent_estimate *out;
    size_t count;
};

static void collect(void *user, const latent_estimate *estimate) {
    struct collect *c = user;
    c->out[c->count++] = *estimate;
}

affect_status latent_smooth(affect_context *ctx, const latent_model *model,
                            const latent_observation *observations, size_t count,
                            const affect_time *times, size_t time_count, latent_estimate *out,
                            double *log_likelihood) {
    latent_online *o = NULL;
    affect_status status = latent_online_create(ctx, model, 1, &o);
    for (size_t i = 0; i < count && status == AFFECT_OK; i++)
        status = latent_online_push(o, &observations[i]);
    for (size_t i = 0; i < time_count && status == AFFECT_OK; i++)
        status = i && times[i] < times[i - 1]
                     ? base_fail(ctx, AFFECT_ERROR_ARGUMENT, "latent: times must not decrease")
                     : latent_online_ask(o, times[i]);
    if (status == AFFECT_OK) status = filter_until(o, INT64_MAX);
    struct collect c = {.out = out};
    if (status == AFFECT_OK) status = smooth_until(o, INT64_MAX, collect, &c);
    if (status == AFFECT_OK && log_likelihood) *log_likelihood = o->log_likelihood;
    latent_online_destroy(o);
    return status;
}
