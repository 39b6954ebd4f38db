/* Streams as soft tokens: see projector.h. */
#include "nn/projector.h"

#include "nn/matrix.h"
#include "nn/tape.h"

enum { WAVES = 8 }; /* a time is told as sine and cosine of periods .5, 1, 2, ... 64 s */

struct nn_projector {
    nn_projector_options o;
    char name[32];
    int w_in, b_in, w_hidden, b_hidden, w_out, b_out; /* to hidden; in it; to the model's width */
    int absent, gain, bias;
    int query, w_time, w_q, w_k, w_v, slope; /* QUERIES */
};

static int add(nn_params *params, const nn_projector *p, const char *key, nn_shape shape,
               double deviation) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", p->name, key);
    return nn_param_add(params, name, shape, deviation > 0 ? NN_WEIGHT : NN_BIAS, deviation, 0);
}

static void add_linear(nn_params *params, const nn_projector *p, const char *key, size_t in,
                       size_t out, int *w, int *b) {
    char name[32];
    snprintf(name, sizeof name, "%s.weight", key);
    *w = add(params, p, name, NN_SHAPE(in, out), 1 / sqrt((double)in));
    if (!b) return;
    snprintf(name, sizeof name, "%s.bias", key);
    *b = add(params, p, name, NN_SHAPE(out), 0);
}

static void add_queries(nn_params *params, nn_projector *p) {
    const nn_projector_options *o = &p->o;
    p->query = add(params, p, "query", NN_SHAPE(o->soft, o->hidden), 1);
    add_linear(params, p, "time", (size_t)2 * WAVES, o->hidden, &p->w_time, NULL);
    add_linear(params, p, "q", o->hidden, o->hidden, &p->w_q, NULL);
    add_linear(params, p, "k", o->hidden, o->hidden, &p->w_k, NULL);
    add_linear(params, p, "v", o->hidden, o->hidden, &p->w_v, NULL);
    p->slope = add(params, p, "slope", NN_SHAPE(o->heads), 0);
    char name[64];
    snprintf(name, sizeof name, "%s.norm.gain", p->name);
    p->gain = nn_param_add(params, name, NN_SHAPE(o->hidden), NN_BIAS, 0, 1);
    p->bias = add(params, p, "norm.bias", NN_SHAPE(o->hidden), 0);
}

affect_status nn_projector_create(affect_context *ctx, nn_params *params,
                                  const nn_projector_options *o, nn_projector **out) {
    *out = NULL;
    bool queries = o->kind == NN_PROJECTOR_QUERIES, deep = o->kind != NN_PROJECTOR_LINEAR;
    if (!o->features || !o->width || !o->soft || (deep && !o->hidden) || strlen(o->name) > 20 ||
        (queries && (!o->heads || o->hidden % o->heads)))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no projector is of that shape");
    nn_projector *p = base_calloc(1, sizeof *p);
    if (!p) return base_fail_memory(ctx);
    p->o = *o;
    snprintf(p->name, sizeof p->name, "%s", o->name);
    p->o.name = p->name;
    if (deep) add_linear(params, p, "in", o->features, o->hidden, &p->w_in, &p->b_in);
    if (queries) {
        add_queries(params, p);
        add_linear(params, p, "hidden", o->hidden, o->hidden, &p->w_hidden, &p->b_hidden);
    }
    add_linear(params, p, "out", deep ? o->hidden : o->features, o->width, &p->w_out, &p->b_out);
    p->absent = add(params, p, "absent", NN_SHAPE(o->soft, o->width), .02);
    if (params->status) {
        nn_projector_destroy(p);
        return params->status;
    }
    *out = p;
    return AFFECT_OK;
}

void nn_projector_destroy(nn_projector *p) { base_free(p); }

int nn_projector_map(const nn_projector *p) { return p->w_out; }

/* ---- equal parts ---- */

/* The part of its stream's length in which a time lies. */
static size_t part_of(const nn_stream *s, size_t i, size_t parts) {
    double span = s->times[s->count - 1] - s->times[0];
    if (!(span > 0)) return 0;
    double at = (s->times[i] - s->times[0]) / span * (double)parts;
    return BASE_MIN((size_t)BASE_MAX(at, 0), parts - 1);
}

/* Mean rows of the parts [n * soft, features]; a part without rows has those of the part before it. */
static nn_tensor *parts_of(const nn_projector *p, nn_tape *tape, const nn_stream *streams,
                           size_t n) {
    size_t f = p->o.features, soft = p->o.soft;
    nn_real *mean = nn_tape_alloc(tape, n * soft * f);
    if (!mean) return NULL;
    memset(mean, 0, n * soft * f * sizeof *mean);
    for (size_t i = 0; i < n; i++) {
        const nn_stream *s = &streams[i];
        for (size_t at = 0, part = 0; part < soft && s->count; part++) {
            nn_real *to = mean + (i * soft + part) * f;
            size_t first = at;
            for (; at < s->count && part_of(s, at, soft) <= part; at++)
                tape->kernels->axpy(f, 1, s->rows + at * f, to);
            for (size_t k = 0; k < f && at > first; k++) to[k] /= (nn_real)(at - first);
            if (at == first && part) memcpy(to, to - f, f * sizeof *to);
        }
    }
    return nn_input(tape, NN_SHAPE(n * soft, f), mean);
}

/* ---- queries ---- */

typedef struct laid { /* n streams side by side, padded to the longest */
    nn_real *rows, *times, *waves, *query_times;
    size_t *length, longest;
} laid;

static bool lay(const nn_projector *p, nn_tape *tape, const nn_stream *streams, size_t n, laid *l) {
    size_t f = p->o.features;
    l->longest = 1;
    for (size_t i = 0; i < n; i++) l->longest = BASE_MAX(l->longest, streams[i].count);
    size_t t = l->longest;
    l->rows = nn_tape_alloc(tape, n * t * f);
    l->times = nn_tape_alloc(tape, n * t);
    l->waves = nn_tape_alloc(tape, n * t * 2 * WAVES);
    l->query_times = nn_tape_alloc(tape, n * p->o.soft);
    l->length = nn_tape_bytes_alloc(tape, n * sizeof *l->length);
    if (!l->rows || !l->times || !l->waves || !l->query_times || !l->length) return false;
    memset(l->rows, 0, n * t * f * sizeof *l->rows);
    memset(l->times, 0, n * t * sizeof *l->times);
    memset(l->waves, 0, n * t * 2 * WAVES * sizeof *l->waves);
    for (size_t i = 0; i < n; i++) {
        const nn_stream *s = &streams[i];
        l->length[i] = s->count;
        if (s->count) memcpy(l->rows + i * t * f, s->rows, s->count * f * sizeof *l->rows);
        double span = s->count ? (double)(s->times[s->count - 1] - s->times[0]) : 0;
        for (size_t j = 0; j < s->count; j++) { /* from the stream's own begin on */
            double at = (double)(s->times[j] - s->times[0]), period = .5;
            nn_real *waves = l->waves + (i * t + j) * 2 * WAVES;
            l->times[i * t + j] = (nn_real)at;
            for (size_t k = 0; k < WAVES; k++, period *= 2) {
                waves[2 * k] = (nn_real)sin(2 * M_PI * at / period);
                waves[2 * k + 1] = (nn_real)cos(2 * M_PI * at / period);
            }
        }
        for (size_t q = 0; q < p->o.soft; q++)
            l->query_times[i * p->o.soft + q] =
                (nn_real)(span * ((double)q + .5) / (double)p->o.soft);
    }
    return true;
}

static nn_tensor *ask(const nn_projector *p, nn_tape *tape, const nn_stream *streams, size_t n) {
    size_t soft = p->o.soft, hidden = p->o.hidden;
    laid l;
    int32_t *index = nn_tape_bytes_alloc(tape, n * soft * sizeof *index);
    if (!lay(p, tape, streams, n, &l) || !index) return NULL;
    for (size_t i = 0; i < n * soft; i++) index[i] = (int32_t)(i % soft);
    const nn_matrix table = {.out = soft, .in = hidden, .param = p->query};
    nn_tensor *x = nn_input(tape, NN_SHAPE(n, l.longest, p->o.features), l.rows);
    nn_tensor *waves = nn_input(tape, NN_SHAPE(n, l.longest, (size_t)2 * WAVES), l.waves);
    x = nn_add(tape, nn_linear(tape, x, p->w_in, p->b_in), nn_linear(tape, waves, p->w_time, -1));
    nn_tensor *q = nn_lookup(tape, &table, index, NN_SHAPE(n, soft));
    const nn_time_attention_options o = {.heads = p->o.heads,
                                         .slope = p->slope,
                                         .query_time = l.query_times,
                                         .key_time = l.times,
                                         .key_length = l.length};
    nn_tensor *seen =
        nn_time_attention(tape, nn_linear(tape, q, p->w_q, -1), nn_linear(tape, x, p->w_k, -1),
                          nn_linear(tape, x, p->w_v, -1), &o);
    nn_tensor *y = nn_layer_norm(tape, nn_add(tape, q, seen), p->gain, p->bias);
    y = nn_add(tape, y, nn_gelu(tape, nn_linear(tape, y, p->w_hidden, p->b_hidden)));
    return nn_reshape(tape, y, NN_SHAPE(n * soft, hidden));
}

/* Rows [n * soft, features] by the streams' own maps, or the projector's where a stream has none. */
static nn_tensor *map_rows(const nn_projector *p, nn_tape *tape, const nn_stream *streams, size_t n,
                           nn_tensor *x) {
    size_t f = p->o.features, width = p->o.width, soft = p->o.soft;
    bool own = false;
    for (size_t i = 0; i < n; i++) own |= streams[i].map != NULL;
    if (!own) return nn_linear(tape, x, p->w_out, p->b_out);
    nn_real *y = nn_tape_alloc(tape, n * soft * width);
    int32_t *first = nn_tape_bytes_alloc(tape, n * soft * sizeof *first);
    if (!y || !first || !x) return NULL;
    for (size_t r = 0; r < n * soft; r++) {
        const nn_real *map = streams[r / soft].map, *row = x->data + r * f;
        if (!map) map = nn_param_value(tape->params, p->w_out);
        memset(y + r * width, 0, width * sizeof *y);
        for (size_t i = 0; i < f; i++)
            tape->kernels->axpy(width, row[i], map + i * width, y + r * width);
        first[r] = 0;
    }
    const nn_matrix bias = {.out = 1, .in = width, .param = p->b_out};
    return nn_add(tape, nn_input(tape, NN_SHAPE(n * soft, width), y),
                  nn_lookup(tape, &bias, first, NN_SHAPE(n * soft)));
}

nn_tensor *nn_projector_forward(const nn_projector *p, nn_tape *tape, const nn_stream *streams,
                                size_t n) {
    size_t soft = p->o.soft, width = p->o.width, rows = n * soft;
    nn_real *there = nn_tape_alloc(tape, rows * width);
    int32_t *index = nn_tape_bytes_alloc(tape, rows * sizeof *index);
    if (!there || !index) return NULL;
    for (size_t r = 0; r < rows; r++) {
        bool present = streams[r / soft].count > 0;
        index[r] = present ? -1 : (int32_t)(r % soft);
        for (size_t i = 0; i < width; i++) there[r * width + i] = present;
    }
    nn_tensor *x = p->o.kind == NN_PROJECTOR_QUERIES ? ask(p, tape, streams, n)
                                                     : parts_of(p, tape, streams, n);
    if (p->o.kind == NN_PROJECTOR_MLP) x = nn_gelu(tape, nn_linear(tape, x, p->w_in, p->b_in));
    x = p->o.kind == NN_PROJECTOR_LINEAR ? map_rows(p, tape, streams, n, x)
                                         : nn_linear(tape, x, p->w_out, p->b_out);
    const nn_matrix absent = {.out = soft, .in = width, .param = p->absent};
    return nn_add(tape, nn_mul(tape, x, nn_input(tape, NN_SHAPE(rows, width), there)),
                  nn_lookup(tape, &absent, index, NN_SHAPE(rows)));
}
