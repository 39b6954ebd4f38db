/* Named parameters in one flat vector, and their first values. */
#include <math.h>
#include <string.h>

#include "nn/kernels.h"
#include "nn/nn.h"

size_t nn_shape_count(nn_shape shape) {
    size_t n = 1;
    for (size_t i = 0; i < shape.rank; i++) n *= shape.d[i];
    return n;
}

bool nn_shape_equal(nn_shape a, nn_shape b) {
    return a.rank == b.rank && memcmp(a.d, b.d, a.rank * sizeof *a.d) == 0;
}

const char *nn_shape_text(nn_shape shape, char out[96]) {
    int n = snprintf(out, 96, "[");
    for (size_t i = 0; i < shape.rank; i++)
        n += snprintf(out + n, 96 - (size_t)n, "%s%zu", i ? ", " : "", shape.d[i]);
    snprintf(out + n, 96 - (size_t)n, "]");
    return out;
}

affect_status nn_params_create(affect_context *ctx, uint64_t seed, nn_params **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    (*out)->ctx = ctx;
    (*out)->seed = seed;
    return AFFECT_OK;
}

void nn_params_destroy(nn_params *params) {
    if (!params) return;
    for (size_t i = 0; i < params->count; i++) base_free(params->items[i].name);
    base_free(params->items);
    base_free(params->value);
    base_free(params);
}

static uint64_t hash_name(const char *name) { /* FNV-1a */
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

static bool reserve(nn_params *params, size_t size) {
    if (size <= params->room) return true;
    size_t room = BASE_MAX(size, params->room * 2);
    nn_real *value = base_alloc_aligned(64, room * sizeof *value);
    if (!value) return false;
    if (params->size) memcpy(value, params->value, params->size * sizeof *value);
    base_free(params->value);
    params->value = value;
    params->room = room;
    return true;
}

int nn_param_add(nn_params *params, const char *name, nn_shape shape, nn_kind kind,
                 double deviation, double fill) {
    if (params->status != AFFECT_OK) return -1;
    if (nn_param_find(params, name) >= 0) {
        params->status =
            base_fail(params->ctx, AFFECT_ERROR_ARGUMENT, "two parameters are named '%s'", name);
        return -1;
    }
    nn_param item = {.name = base_strdup(name), .shape = shape, .kind = kind};
    item.count = nn_shape_count(shape);
    item.offset = params->size;
    size_t padded = (item.count + 15) / 16 * 16;
    if (!item.name || !reserve(params, params->size + padded) ||
        !base_grow((void **)&params->items, &params->capacity, params->count + 1,
                   sizeof *params->items)) {
        base_free(item.name);
        params->status = base_fail_memory(params->ctx);
        return -1;
    }
    nn_real *value = params->value + item.offset;
    uint64_t seed = params->seed ^ hash_name(name);
    for (size_t i = 0; i < padded; i++)
        value[i] = i >= item.count ? 0
                   : deviation > 0 && params->seed != NN_UNSEEDED
                       ? (nn_real)(deviation * nn_normal(seed, i))
                       : (nn_real)fill;
    params->size += padded;
    params->items[params->count] = item;
    return (int)params->count++;
}

int nn_param_find(const nn_params *params, const char *name) {
    for (size_t i = 0; i < params->count; i++)
        if (strcmp(params->items[i].name, name) == 0) return (int)i;
    return -1;
}

nn_real *nn_param_value(const nn_params *params, int id) {
    return params->value + params->items[id].offset;
}
