/* A training step over shards: each shard runs its pass on one thread, gradients are added in shard
 * order, AdamW updates slices of the parameters. Which thread did what leaves no trace. */
#include "nn/tape.h"

struct nn_engine {
    affect_context *ctx;
    nn_params *params;
    base_pool *pool;
    nn_engine_state state;
    nn_real **gradient; /* one vector a shard */
    double *loss;
    affect_status *shard_status;
    size_t shard_capacity;
    nn_tape **tapes; /* free ones: [0, free_count) */
    size_t tape_count, free_count;
    pthread_mutex_t lock;
};

affect_status nn_engine_create(affect_context *ctx, nn_params *params, base_pool *pool, int threads,
                               nn_engine **out) {
    *out = NULL;
    if (params->status != AFFECT_OK) return params->status;
    nn_engine *e = base_calloc(1, sizeof *e);
    if (!e) return base_fail_memory(ctx);
    e->ctx = ctx;
    e->params = params;
    e->pool = pool;
    pthread_mutex_init(&e->lock, NULL);
    size_t tapes = pool && threads > 1 ? (size_t)threads : 1;
    e->tapes = base_calloc(tapes, sizeof *e->tapes);
    affect_status status = e->tapes ? AFFECT_OK : base_fail_memory(ctx);
    for (; status == AFFECT_OK && e->tape_count < tapes; e->tape_count++) {
        status = nn_tape_create(ctx, params, &e->tapes[e->tape_count]);
        if (status != AFFECT_OK) break;
    }
    e->free_count = e->tape_count;
    if (status != AFFECT_OK) {
        nn_engine_destroy(e);
        return status;
    }
    *out = e;
    return AFFECT_OK;
}

void nn_engine_destroy(nn_engine *e) {
    if (!e) return;
    for (size_t i = 0; i < e->tape_count; i++) nn_tape_destroy(e->tapes[i]);
    for (size_t i = 0; i < e->shard_capacity; i++) base_free(e->gradient[i]);
    base_free(e->gradient);
    base_free(e->loss);
    base_free(e->shard_status);
    base_free(e->tapes);
    base_free(e->state.m);
    base_free(e->state.v);
    base_free(e->state.average);
    pthread_mutex_destroy(&e->lock);
    base_free(e);
}

static nn_real *vector(const nn_engine *e) {
    size_t bytes = BASE_MAX(e->params->size, (size_t)16) * sizeof(nn_real);
    nn_real *v = base_alloc_aligned(64, bytes);
    if (v) memset(v, 0, bytes);
    return v;
}

static affect_status reserve(nn_engine *e, size_t shards, bool gradients) {
    if (shards > e->shard_capacity) {
        nn_real **gradient = base_calloc(shards, sizeof *gradient);
        double *loss = base_calloc(shards, sizeof *loss);
        affect_status *status = base_calloc(shards, sizeof *status);
        if (!gradient || !loss || !status) {
            base_free(gradient);
            base_free(loss);
            base_free(status);
            return base_fail_memory(e->ctx);
        }
        if (e->shard_capacity) memcpy(gradient, e->gradient, e->shard_capacity * sizeof(nn_real *));
        base_free(e->gradient);
        base_free(e->loss);
        base_free(e->shard_status);
        e->gradient = gradient;
        e->loss = loss;
        e->shard_status = status;
        e->shard_capacity = shards;
    }
    for (size_t i = 0; gradients && i < shards; i++)
        if (!e->gradient[i] && !(e->gradient[i] = vector(e))) return base_fail_memory(e->ctx);
    return AFFECT_OK;
}

typedef struct run {
    nn_engine *e;
    nn_build_fn build;
    void *user;
    uint64_t seed;
    bool train;
} run;

static void run_shard(void *user, size_t shard) {
    run *r = user;
    nn_engine *e = r->e;
    pthread_mutex_lock(&e->lock);
    nn_tape *tape = e->tapes[--e->free_count];
    pthread_mutex_unlock(&e->lock);
    nn_real *grad = r->train ? e->gradient[shard] : NULL;
    if (grad) memset(grad, 0, e->params->size * sizeof *grad);
    nn_tape_begin(tape, r->train, r->seed + shard * 0x9e3779b97f4a7c15u, grad);
    nn_tensor *loss = r->build(r->user, tape, shard);
    if (loss && r->train) (void)nn_backward(tape, loss);
    e->shard_status[shard] = tape->status;
    if (!loss && tape->status == AFFECT_OK && r->train)
        e->shard_status[shard] = AFFECT_ERROR_INTERNAL;
    e->loss[shard] = loss && tape->status == AFFECT_OK ? *loss->data : 0;
    pthread_mutex_lock(&e->lock);
    e->tapes[e->free_count++] = tape;
    pthread_mutex_unlock(&e->lock);
}

static void for_each(nn_engine *e, size_t n, void (*body)(void *, size_t), void *user) {
    if (e->pool && e->tape_count > 1)
        base_pool_for(e->pool, n, body, user);
    else
        for (size_t i = 0; i < n; i++) body(user, i);
}

static affect_status first_failure(const nn_engine *e, size_t shards) {
    for (size_t i = 0; i < shards; i++)
        if (e->shard_status[i] != AFFECT_OK) return e->shard_status[i];
    return AFFECT_OK;
}

affect_status nn_engine_map(nn_engine *e, size_t shards, nn_build_fn build, void *user) {
    affect_status status = reserve(e, shards, false);
    if (status != AFFECT_OK) return status;
    run r = {e, build, user, 0, false};
    for (size_t i = 0; i < e->tape_count; i++) nn_tape_freeze(e->tapes[i], true);
    for_each(e, shards, run_shard, &r);
    return first_failure(e, shards);
}

/* ---- reduction and update, in slices of the parameters ---- */

enum { SLICE = 16384 };

typedef struct update {
    nn_engine *e;
    size_t shards;
    double *norms; /* of each slice's gradient */
    const nn_optimiser *o;
    nn_real shrink; /* clipping */
    nn_real c1, c2;
} update;

static size_t slice_count(const nn_engine *e) { return (e->params->size + SLICE - 1) / SLICE; }

static void reduce_slice(void *user, size_t slice) {
    update *u = user;
    size_t at = slice * SLICE, n = BASE_MIN((size_t)SLICE, u->e->params->size - at);
    nn_real *sum = u->e->gradient[0] + at;
    const nn_kernels *kernels = nn_kernels_get();
    for (size_t s = 1; s < u->shards; s++) kernels->axpy(n, 1, u->e->gradient[s] + at, sum);
}

void nn_engine_thaw(nn_engine *e) {
    for (size_t i = 0; i < e->tape_count; i++) nn_tape_freeze(e->tapes[i], false);
}

affect_status nn_engine_gradient(nn_engine *e, size_t shards, nn_build_fn build, void *user,
                                 uint64_t seed, double *loss, const nn_real **gradient) {
    *loss = 0;
    affect_status status = reserve(e, BASE_MAX(shards, (size_t)1), true);
    if (status != AFFECT_OK) return status;
    nn_engine_thaw(e);
    run r = {e, build, user, seed, true};
    for_each(e, shards, run_shard, &r);
    status = first_failure(e, shards);
    if (status != AFFECT_OK) return status;
    for (size_t i = 0; i < shards; i++) *loss += e->loss[i];
    update u = {.e = e, .shards = shards};
    for_each(e, slice_count(e), reduce_slice, &u);
    if (gradient) *gradient = e->gradient[0];
    return AFFECT_OK;
}

/* Applies `f` to the parts of one slice that belong to one parameter each. */
static void update_slice(void *user, size_t slice) {
    update *u = user;
    nn_engine *e = u->e;
    const nn_kernels *kernels = nn_kernels_get();
    size_t from = slice * SLICE, to = BASE_MIN(from + SLICE, e->params->size);
    for (size_t i = 0; i < e->params->count; i++) {
        const nn_param *p = &e->params->items[i];
        size_t start = BASE_MAX(from, p->offset), end = BASE_MIN(to, p->offset + p->count);
        if (start >= end || p->frozen) continue;
        size_t n = end - start;
        nn_real *value = e->params->value + start, *grad = e->gradient[0] + start;
        if (p->kind == NN_STATISTIC) {
            nn_real share = (nn_real)(u->o->statistic > 0 ? u->o->statistic : .1);
            for (size_t k = 0; k < n; k++)
                value[k] += share * (grad[k] / (nn_real)u->shards - value[k]);
            if (e->state.average) memcpy(e->state.average + start, value, n * sizeof *value);
            continue;
        }
        if (u->shrink < 1)
            for (size_t k = 0; k < n; k++) grad[k] *= u->shrink;
        kernels->adamw(n, value, grad, e->state.m + start, e->state.v + start, (nn_real)u->o->rate,
                       (nn_real)u->o->beta1, (nn_real)u->o->beta2, u->c1, u->c2,
                       (nn_real)u->o->epsilon, p->kind == NN_WEIGHT ? (nn_real)u->o->decay : 0);
        if (e->state.average) {
            nn_real *average = e->state.average + start;
            /* follows quickly at first: early weights are no good average */
            double d = BASE_MIN(u->o->average,
                                (1. + (double)e->state.step) / (10. + (double)e->state.step));
            nn_real share = (nn_real)(1 - d);
            for (size_t k = 0; k < n; k++) average[k] += share * (value[k] - average[k]);
        }
    }
}

affect_status nn_engine_step(nn_engine *e, size_t shards, nn_build_fn build, void *user,
                             uint64_t seed, const nn_optimiser *o, double *loss) {
    affect_status status = nn_engine_gradient(e, shards, build, user, seed, loss, NULL);
    if (status != AFFECT_OK) return status;
    if (!isfinite(*loss))
        return base_fail(e->ctx, AFFECT_ERROR_ARGUMENT,
                         "the loss is not finite at update %llu: lower the rate or check the data",
                         (unsigned long long)e->state.step);
    if (!e->state.m && !(e->state.m = vector(e))) return base_fail_memory(e->ctx);
    if (!e->state.v && !(e->state.v = vector(e))) return base_fail_memory(e->ctx);
    if (o->average > 0 && !e->state.average) {
        if (!(e->state.average = vector(e))) return base_fail_memory(e->ctx);
        memcpy(e->state.average, e->params->value, e->params->size * sizeof(nn_real));
    }
    e->state.step++;
    update u = {.e = e, .shards = shards, .o = o, .shrink = 1};
    u.c1 = (nn_real)(1 / (1 - pow(o->beta1, (double)e->state.step)));
    u.c2 = (nn_real)(1 / (1 - pow(o->beta2, (double)e->state.step)));
    if (o->clip > 0) {
        double square = 0;
        for (size_t i = 0; i < e->params->count; i++) {
            const nn_param *p = &e->params->items[i];
            if (p->kind == NN_STATISTIC || p->frozen) continue;
            const nn_real *g = e->gradient[0] + p->offset;
            for (size_t k = 0; k < p->count; k += 1024) {
                size_t n = BASE_MIN((size_t)1024, p->count - k);
                square += nn_kernels_get()->dot(n, g + k, g + k);
            }
        }
        if (square > o->clip * o->clip) u.shrink = (nn_real)(o->clip / sqrt(square));
    }
    for_each(e, slice_count(e), update_slice, &u);
    return AFFECT_OK;
}

nn_engine_state *nn_engine_get_state(nn_engine *e) { return &e->state; }

double nn_cosine(double peak, double final, uint64_t step, uint64_t warm_up, uint64_t total) {
    if (step < warm_up) return peak * (double)(step + 1) / (double)warm_up;
    if (total <= warm_up) return peak;
    double share = BASE_MIN(1., (double)(step - warm_up) / (double)(total - warm_up));
    return peak * (final + (1 - final) * .5 * (1 + cos(3.141592653589793 * share)));
}

double nn_plateau(double peak, uint64_t step, uint64_t warm_up) {
    return step < warm_up ? peak * (double)(step + 1) / (double)warm_up : peak;
}
