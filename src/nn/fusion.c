/* The fusion network's pass and its losses. */
#include "nn/fusion.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/tape.h"

enum { STREAMS = NN_FUSION_STREAMS };

typedef struct affine {
    int w, b;
} affine;

typedef struct encoder {
    int mean, deviation; /* of the rows */
    affine rows, key_content, key_time, query_time, absent, project;
    int frequency, phase, slope;
    affine own, lift, skip;   /* its own trajectory, and what the others see of it */
    affine query, key, value; /* between modalities */
    affine out;
    int between; /* slope of the bias between modalities */
} encoder;

typedef struct recurrence {
    int w_in, w_h, b_in, b_h;
} recurrence;

struct nn_fusion {
    affect_context *ctx;
    nn_fusion_options o;
    nn_params *params;
    encoder streams[STREAMS];
    affine join, project, said, base;
    recurrence forward, backward;
};

/* ---- parameters ---- */

static int add(nn_fusion *net, const char *where, const char *what, nn_shape shape, nn_kind kind,
               double deviation, double fill) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", where, what);
    return nn_param_add(net->params, name, shape, kind, deviation, fill);
}

static affine add_affine(nn_fusion *net, const char *where, const char *what, size_t in, size_t out,
                         bool bias) {
    char name[48];
    snprintf(name, sizeof name, "%s.w", what);
    affine a = {.b = -1};
    a.w = add(net, where, name, NN_SHAPE(in, out), NN_WEIGHT, 1 / sqrt((double)in), 0);
    snprintf(name, sizeof name, "%s.b", what);
    if (bias) a.b = add(net, where, name, NN_SHAPE(out), NN_BIAS, 0, 0);
    return a;
}

static nn_tensor *apply(nn_tape *tape, nn_tensor *x, affine a) {
    return nn_linear(tape, x, a.w, a.b);
}

/* Heads look at narrow and at wide surroundings: softplus of the slopes is `first` a unit of time,
 * then `ratio` of the one before. */
static int add_slopes(nn_fusion *net, const char *where, const char *what, double first,
                      double ratio) {
    int id = add(net, where, what, NN_SHAPE(net->o.heads), NN_BIAS, 0, 0);
    for (size_t h = 0; id >= 0 && h < net->o.heads; h++)
        nn_param_value(net->params, id)[h] = (nn_real)log(expm1(first * pow(ratio, (double)h)));
    return id;
}

static int add_frozen(nn_fusion *net, const char *where, const char *what, size_t count,
                      double fill) {
    int id = add(net, where, what, NN_SHAPE(count), NN_BIAS, 0, fill);
    if (id >= 0) net->params->items[id].frozen = true;
    return id;
}

static void add_encoder(nn_fusion *net, size_t m) {
    encoder *e = &net->streams[m];
    size_t d = net->o.width, p = net->o.path, in = net->o.inputs[m];
    size_t said = net->o.classes + net->o.values;
    char where[24];
    snprintf(where, sizeof where, "stream%zu", m);
    e->mean = add_frozen(net, where, "mean", in, 0);
    e->deviation = add_frozen(net, where, "deviation", in, 1);
    e->rows = add_affine(net, where, "rows", in, d, true);
    e->absent = add_affine(net, where, "absent", 1, d, false);
    e->project = add_affine(net, where, "project", d, d, true);
    if (!net->o.nearest) {
        e->key_content = add_affine(net, where, "key_content", d, d, true);
        e->key_time = add_affine(net, where, "key_time", d, d, false);
        e->query_time = add_affine(net, where, "query_time", d, d, true);
        e->frequency = add(net, where, "frequency", NN_SHAPE(1, d), NN_BIAS, 1, 0);
        e->phase = add(net, where, "phase", NN_SHAPE(d), NN_BIAS, 1, 0);
        e->slope = add_slopes(net, where, "slope", net->o.steep, .5);
    }
    e->own = add_affine(net, where, "own", d, said, true);
    e->lift = add_affine(net, where, "lift", said, p, true);
    e->skip = add_affine(net, where, "skip", said, said, false);
    for (size_t k = 0; e->skip.w >= 0 && k < said * said; k++) /* at first: the mean of all */
        nn_param_value(net->params, e->skip.w)[k] =
            k % (said + 1) || net->o.based ? 0 : 1 / (nn_real)net->o.streams;
    if (net->o.apart) return;
    e->query = add_affine(net, where, "query", p, p, true);
    e->key = add_affine(net, where, "key", p, p, true);
    e->value = add_affine(net, where, "value", p, p, true);
    e->out = add_affine(net, where, "out", p, p, true);
    e->between = add_slopes(net, where, "between", net->o.steep, .1);
}

static recurrence add_recurrence(nn_fusion *net, const char *where, size_t in, size_t h) {
    recurrence r;
    r.w_in = add(net, where, "w_in", NN_SHAPE(in, 3 * h), NN_WEIGHT, 1 / sqrt((double)in), 0);
    r.w_h = add(net, where, "w_h", NN_SHAPE(h, 3 * h), NN_WEIGHT, 1 / sqrt((double)h), 0);
    r.b_in = add(net, where, "b_in", NN_SHAPE(3 * h), NN_BIAS, 0, 0);
    r.b_h = add(net, where, "b_h", NN_SHAPE(3 * h), NN_BIAS, 0, 0);
    return r;
}

/* What the network adds to its base is nothing at first. */
static void add_base(nn_fusion *net) {
    size_t v = net->o.values;
    net->base = add_affine(net, "base", "all", v, v, false);
    if (net->params->status != AFFECT_OK) return;
    const nn_param *said = &net->params->items[net->said.w];
    memset(net->params->value + said->offset, 0, said->count * sizeof(nn_real));
    for (size_t k = 0; k < v * v; k++)
        nn_param_value(net->params, net->base.w)[k] = k % (v + 1) ? 0 : 1;
}

affect_status nn_fusion_create(affect_context *ctx, const nn_fusion_options *o, uint64_t seed,
                               nn_fusion **out) {
    *out = NULL;
    bool fits = o->streams >= 1 && o->streams <= STREAMS && o->width >= 1 && o->width <= 1024 &&
                o->path >= 1 && o->path <= 1024 && o->heads >= 1 && o->width % o->heads == 0 &&
                o->path % o->heads == 0 && o->classes <= 256 && o->values <= 16 &&
                o->classes + o->values > 0 && o->context <= 1024 && o->dropout >= 0 &&
                o->dropout < 1 && (!o->based || o->values) && o->reach >= 0 && o->steep > 0 &&
                o->steep <= 100;
    for (size_t m = 0; fits && m < o->streams; m++)
        fits = o->inputs[m] >= 1 && o->inputs[m] <= 4096;
    if (!fits)
        return base_fail(
            ctx, AFFECT_ERROR_ARGUMENT,
            "a fusion network of %zu streams, width %zu, %zu heads, %zu classes and "
            "%zu values: out of range (1 to %d streams of up to 4096 numbers, width to "
            "1024 in whole heads)",
            o->streams, o->width, o->heads, o->classes, o->values, STREAMS);
    nn_fusion *net = base_calloc(1, sizeof *net);
    if (!net) return base_fail_memory(ctx);
    net->ctx = ctx;
    net->o = *o;
    affect_status status = nn_params_create(ctx, seed, &net->params);
    if (status == AFFECT_OK) {
        size_t d = o->path, last = d + 2 * o->context;
        for (size_t m = 0; m < o->streams; m++) add_encoder(net, m);
        net->join = add_affine(net, "join", "all", o->streams * d, d, true);
        if (o->context) {
            net->forward = add_recurrence(net, "forward", d, o->context);
            net->backward = add_recurrence(net, "backward", d, o->context);
        }
        net->project = add_affine(net, "join", "project", last, d, true);
        net->said = add_affine(net, "join", "said", last, o->classes + o->values, true);
        if (o->based) add_base(net);
        status = net->params->status;
    }
    if (status != AFFECT_OK) {
        nn_fusion_destroy(net);
        return status;
    }
    *out = net;
    return AFFECT_OK;
}

void nn_fusion_destroy(nn_fusion *net) {
    if (!net) return;
    nn_params_destroy(net->params);
    base_free(net);
}

nn_params *nn_fusion_params(nn_fusion *net) { return net->params; }
const nn_fusion_options *nn_fusion_get_options(const nn_fusion *net) { return &net->o; }
void nn_fusion_set_base(nn_fusion *net, size_t value, double gain, double offset) {
    nn_param_value(net->params, net->base.w)[value * (net->o.values + 1)] = (nn_real)gain;
    nn_param_value(net->params, net->said.b)[net->o.classes + value] = (nn_real)offset;
}
const nn_real *nn_fusion_base(const nn_fusion *net) {
    return net->o.based ? nn_param_value(net->params, net->base.w) : NULL;
}

void nn_fusion_set_usual(nn_fusion *net, size_t stream, const nn_real *mean,
                         const nn_real *deviation) {
    const encoder *e = &net->streams[stream];
    size_t bytes = net->o.inputs[stream] * sizeof *mean;
    memcpy(nn_param_value(net->params, e->mean), mean, bytes);
    memcpy(nn_param_value(net->params, e->deviation), deviation, bytes);
}

/* ---- the pass ---- */

/* Rows as they are usual: unknown and constant numbers become 0, none is beyond +-5. */
static nn_tensor *usual_rows(nn_fusion *net, nn_tape *tape, const nn_fusion_batch *b, size_t m) {
    const nn_fusion_stream *s = &b->streams[m];
    size_t in = net->o.inputs[m], rows = BASE_MAX(s->rows, (size_t)1), count = b->count * rows * in;
    nn_real *x = nn_tape_alloc(tape, count);
    if (!x) return NULL;
    memset(x, 0, count * sizeof *x);
    const nn_real *mean = nn_param_value(net->params, net->streams[m].mean),
                  *deviation = nn_param_value(net->params, net->streams[m].deviation);
    for (size_t i = 0; i < b->count; i++)
        for (size_t r = 0; r < s->length[i]; r++)
            for (size_t k = 0; k < in; k++) {
                size_t at = (i * rows + r) * in + k;
                nn_real v = (s->values[at] - mean[k]) / deviation[k];
                x[at] = deviation[k] > 0 && isfinite(v) ? BASE_MAX(-5, BASE_MIN(5, v)) : 0;
            }
    return nn_input(tape, NN_SHAPE(b->count, rows, in), x);
}

static nn_tensor *embed_time(nn_tape *tape, const encoder *e, const nn_real *times, size_t n,
                             size_t t) {
    return nn_sine(
        tape, nn_linear(tape, nn_input(tape, NN_SHAPE(n, t, 1), times), e->frequency, e->phase));
}

/* [n, references, 1]: 1 where no row is in reach; and the nearest row, -1 for those. */
static nn_tensor *absence(nn_fusion *net, nn_tape *tape, const nn_fusion_batch *b, size_t m,
                          int32_t **nearest) {
    const nn_fusion_stream *s = &b->streams[m];
    size_t rows = BASE_MAX(s->rows, (size_t)1);
    nn_real *flag = nn_tape_alloc(tape, b->count * b->references);
    *nearest = nn_tape_bytes_alloc(tape, b->count * b->references * sizeof **nearest);
    if (!flag || !*nearest) return NULL;
    for (size_t i = 0; i < b->count; i++) {
        size_t at = 0, length = s->length[i];
        const nn_real *t = s->times + i * rows;
        for (size_t r = 0; r < b->references; r++) {
            nn_real now = b->times[i * b->references + r];
            while (at + 1 < length && NN_FABS(t[at + 1] - now) <= NN_FABS(t[at] - now)) at++;
            bool there = length && r < b->length[i] &&
                         (net->o.reach <= 0 || NN_FABS(t[at] - now) <= (nn_real)net->o.reach);
            flag[i * b->references + r] = there ? 0 : 1;
            (*nearest)[i * b->references + r] = there ? (int32_t)(i * rows + at) : -1;
        }
    }
    return nn_input(tape, NN_SHAPE(b->count, b->references, 1), flag);
}

/* Stream m on the reference times -> [n, references, width] */
static nn_tensor *encode(nn_fusion *net, nn_tape *tape, const nn_fusion_batch *b, size_t m) {
    const encoder *e = &net->streams[m];
    const nn_fusion_stream *s = &b->streams[m];
    size_t d = net->o.width, rows = BASE_MAX(s->rows, (size_t)1);
    int32_t *nearest = NULL;
    nn_tensor *absent = absence(net, tape, b, m, &nearest);
    nn_tensor *x = absent ? usual_rows(net, tape, b, m) : NULL;
    nn_tensor *h = nn_dropout(tape, nn_gelu(tape, apply(tape, x, e->rows)), net->o.dropout);
    nn_tensor *z;
    if (net->o.nearest) {
        z = nn_rows(tape, h, nearest, b->count * b->references);
        z = z ? nn_reshape(tape, z, NN_SHAPE(b->count, b->references, d)) : NULL;
    } else {
        nn_tensor *query =
            apply(tape, embed_time(tape, e, b->times, b->count, b->references), e->query_time);
        nn_tensor *key =
            nn_add(tape, apply(tape, embed_time(tape, e, s->times, b->count, rows), e->key_time),
                   apply(tape, h, e->key_content));
        z = nn_time_attention(tape, query, key, h,
                              &(nn_time_attention_options){.heads = net->o.heads,
                                                           .slope = e->slope,
                                                           .query_time = b->times,
                                                           .key_time = s->times,
                                                           .key_length = s->length,
                                                           .reach = net->o.reach});
    }
    return nn_add(tape, z, apply(tape, absent, e->absent));
}

/* The reference times as modality `to` sees those of `from`: shifted by what `from` comes behind. */
static const nn_real *shifted(nn_tape *tape, const nn_fusion_batch *b, size_t from, size_t to) {
    const nn_real *lag_from = b->streams[from].lag, *lag_to = b->streams[to].lag;
    if (!lag_from && !lag_to) return b->times;
    nn_real *t = nn_tape_alloc(tape, b->count * b->references);
    for (size_t i = 0; t && i < b->count; i++)
        for (size_t r = 0; r < b->references; r++)
            t[i * b->references + r] = b->times[i * b->references + r] -
                                       (lag_from ? lag_from[i] : 0) + (lag_to ? lag_to[i] : 0);
    return t;
}

/* What modality m takes from all, itself at other times among them, added to its own. */
static nn_tensor *take_all(nn_fusion *net, nn_tape *tape, const nn_fusion_batch *b,
                           nn_tensor *const *z, size_t m) {
    const encoder *e = &net->streams[m];
    nn_tensor *sum = NULL, *query = apply(tape, z[m], e->query);
    for (size_t k = 0; k < net->o.streams; k++) {
        const nn_real *times = shifted(tape, b, k, m);
        if (!times) return NULL;
        nn_tensor *part = nn_time_attention(tape, query, apply(tape, z[k], net->streams[k].key),
                                            apply(tape, z[k], net->streams[k].value),
                                            &(nn_time_attention_options){.heads = net->o.heads,
                                                                         .slope = e->between,
                                                                         .query_time = b->times,
                                                                         .key_time = times,
                                                                         .key_length = b->length});
        sum = sum ? nn_add(tape, sum, part) : part;
    }
    return nn_add(tape, z[m], apply(tape, sum, e->out));
}

static nn_tensor *recur(nn_tape *tape, nn_tensor *x, const recurrence *r, const size_t *length,
                        bool reverse) {
    return nn_gru(tape, x, r->w_in, r->w_h, r->b_in, r->b_h, length, reverse);
}

bool nn_fusion_forward(nn_fusion *net, nn_tape *tape, const nn_fusion_batch *b,
                       nn_fusion_result *out) {
    *out = (nn_fusion_result){.fused = NULL};
    size_t streams = net->o.streams;
    nn_tensor *said[STREAMS], *path[STREAMS], *y[STREAMS];
    for (size_t m = 0; m < streams; m++) {
        const encoder *e = &net->streams[m];
        nn_tensor *z = encode(net, tape, b, m);
        out->streams[m] = apply(tape, z, e->project);
        out->own[m] = apply(tape, z, e->own);
        if (!out->own[m]) return false;
        said[m] =
            net->o.attached ? out->own[m] : nn_input(tape, out->own[m]->shape, out->own[m]->data);
        path[m] = apply(tape, said[m], e->lift);
    }
    for (size_t m = 0; m < streams; m++)
        y[m] = net->o.apart ? path[m] : take_all(net, tape, b, path, m);
    nn_tensor *all = nn_concat(tape, y, streams);
    nn_tensor *fused = nn_gelu(tape, apply(tape, all, net->join));
    if (net->o.context) {
        nn_tensor *parts[3] = {fused, recur(tape, fused, &net->forward, b->length, false),
                               recur(tape, fused, &net->backward, b->length, true)};
        fused = nn_concat(tape, parts, 3);
    }
    out->fused = apply(tape, fused, net->project);
    nn_tensor *all_said = apply(tape, fused, net->said);
    for (size_t m = 0; m < streams; m++)
        all_said = nn_add(tape, all_said, apply(tape, said[m], net->streams[m].skip));
    size_t c = net->o.classes, v = net->o.values;
    if (c) out->classes = nn_slice(tape, all_said, 0, c);
    if (v) out->values = nn_slice(tape, all_said, c, v);
    if (net->o.based && b->base)
        out->values = nn_add(
            tape, out->values,
            apply(tape, nn_input(tape, NN_SHAPE(b->count, b->references, v), b->base), net->base));
    return nn_tape_status(tape) == AFFECT_OK && out->fused;
}

/* ---- losses ---- */

static nn_tensor *plus(nn_tape *tape, nn_tensor *sum, nn_tensor *part) {
    return sum ? nn_add(tape, sum, part) : part;
}

static nn_tensor *flat(nn_tape *tape, nn_tensor *x) {
    if (!x) return NULL;
    size_t c = x->shape.d[x->shape.rank - 1];
    return nn_reshape(tape, x, NN_SHAPE(x->count / c, c));
}

/* Squared error of the slope between neighbouring references of a sample, mean over the pairs. */
static nn_tensor *slope_loss(nn_tape *tape, const nn_fusion_batch *b, nn_tensor *values,
                             const nn_real *target, double scale) {
    size_t v = values->shape.d[2], most = b->count * b->references, pairs = 0;
    int32_t *from = nn_tape_bytes_alloc(tape, 2 * most * sizeof *from), *to = from + most;
    nn_real *over = nn_tape_alloc(tape, most * v), *slope = nn_tape_alloc(tape, most * v);
    if (!from || !over || !slope) return NULL;
    for (size_t i = 0; i < b->count; i++)
        for (size_t r = 0; r + 1 < b->length[i]; r++) {
            size_t at = i * b->references + r;
            nn_real gap = b->times[at + 1] - b->times[at];
            if (!(gap > 0)) continue;
            from[pairs] = (int32_t)at;
            to[pairs] = (int32_t)at + 1;
            for (size_t k = 0; k < v; k++) {
                over[pairs * v + k] = 1 / gap;
                slope[pairs * v + k] =
                    (target[(at + 1) * v + k] - target[at * v + k]) / gap; /* NaN stays */
            }
            pairs++;
        }
    if (!pairs) return NULL;
    nn_tensor *difference = nn_add(tape, nn_rows(tape, values, to, pairs),
                                   nn_scale(tape, nn_rows(tape, values, from, pairs), -1));
    return nn_huber(tape, nn_mul(tape, difference, nn_input(tape, NN_SHAPE(pairs, v), over)), slope,
                    0, scale / (double)pairs);
}

/* Contrast between two streams over the groups that have both. */
static nn_tensor *pair_loss(nn_tape *tape, const nn_fusion_level *level, nn_tensor *a, nn_tensor *c,
                            size_t m, size_t k, double temperature, double scale) {
    int32_t *both = nn_tape_bytes_alloc(tape, level->groups * sizeof *both);
    size_t n = 0;
    if (!both) return NULL;
    for (size_t g = 0; g < level->groups; g++)
        if ((!level->present[m] || level->present[m][g]) &&
            (!level->present[k] || level->present[k][g]))
            both[n++] = (int32_t)g;
    if (n < 2) return NULL;
    nn_real *soft = level->likeness ? nn_tape_alloc(tape, n * n) : NULL;
    for (size_t i = 0; soft && i < n; i++)
        for (size_t j = 0; j < n; j++)
            soft[i * n + j] = level->likeness[(size_t)both[i] * level->groups + (size_t)both[j]];
    a = nn_rows(tape, a, both, n);
    c = nn_rows(tape, c, both, n);
    return soft ? nn_soft_contrast(tape, a, c, soft, temperature, scale / (double)n)
                : nn_info_nce(tape, a, c, temperature, scale / (double)n);
}

static nn_tensor *level_loss(nn_fusion *net, nn_tape *tape, const nn_fusion_result *result,
                             const nn_fusion_target *t, const nn_fusion_level *level,
                             double scale) {
    nn_tensor *sum = NULL, *pooled[STREAMS];
    size_t streams = net->o.streams;
    double pairs = (double)streams * (double)(streams - 1) / 2;
    if (level->groups < 2) return NULL;
    if (t->contrast_weight > 0 && streams > 1) {
        for (size_t m = 0; m < streams; m++)
            pooled[m] = nn_group_mean(tape, result->streams[m], level->group, level->groups);
        for (size_t m = 0; m < streams; m++)
            for (size_t k = m + 1; k < streams; k++) {
                nn_tensor *part = pair_loss(tape, level, pooled[m], pooled[k], m, k, t->temperature,
                                            scale * t->contrast_weight / pairs);
                if (part) sum = plus(tape, sum, part);
            }
    }
    if (t->rank_weight > 0 && level->label) {
        nn_tensor *all = nn_group_mean(tape, result->fused, level->group, level->groups);
        sum = plus(tape, sum,
                   nn_rank_n_contrast(tape, all, level->label, level->label_width, 1,
                                      scale * t->rank_weight / (double)level->groups));
    }
    return sum;
}

/* Cross-entropy and errors of classes and values, `rows` of them. */
static nn_tensor *said_loss(nn_fusion *net, nn_tape *tape, const nn_fusion_batch *b,
                            nn_tensor *classes, nn_tensor *values, const nn_fusion_target *t,
                            double scale) {
    nn_tensor *sum = NULL, *part;
    size_t rows = b->count * b->references, known = 0;
    if (classes && t->classes && t->class_weight > 0) {
        for (size_t r = 0; r < rows; r++) {
            nn_real mass = 0;
            for (size_t c = 0; c < net->o.classes; c++) mass += t->classes[r * net->o.classes + c];
            known += mass > 0;
        }
        if (known)
            sum = nn_cross_entropy(tape, flat(tape, classes), t->classes, NULL,
                                   scale * t->class_weight / (double)known);
    }
    if (!values || !t->values) return sum;
    known = 0;
    for (size_t r = 0; r < rows; r++) known += !isnan(t->values[r * net->o.values]);
    if (known && t->value_weight > 0)
        sum = plus(tape, sum,
                   nn_ccc_loss(tape, flat(tape, values), t->values, scale * t->value_weight));
    if (known && t->error_weight > 0)
        sum = plus(tape, sum,
                   nn_huber(tape, flat(tape, values), t->values, 0,
                            scale * t->error_weight / (double)known));
    if (t->slope_weight > 0 &&
        (part = slope_loss(tape, b, values, t->values, scale * t->slope_weight)))
        sum = plus(tape, sum, part);
    return sum;
}

/* What a modality says by itself, where it is there. */
static nn_tensor *own_loss(nn_fusion *net, nn_tape *tape, const nn_fusion_batch *b,
                           const nn_fusion_result *result, const nn_fusion_target *t, size_t m,
                           double scale) {
    size_t rows = b->count * b->references, c = net->o.classes, v = net->o.values;
    nn_fusion_target own = *t;
    nn_real *classes = nn_tape_alloc(tape, BASE_MAX(rows * c, (size_t)1)),
            *values = nn_tape_alloc(tape, BASE_MAX(rows * v, (size_t)1));
    if (!classes || !values) return NULL;
    for (size_t r = 0; r < rows; r++) {
        bool there = b->streams[m].length[r / b->references] > 0;
        for (size_t k = 0; k < c; k++)
            classes[r * c + k] = there && t->classes ? t->classes[r * c + k] : 0;
        for (size_t k = 0; k < v; k++)
            values[r * v + k] = there && t->values ? t->values[r * v + k] : (nn_real)NAN;
    }
    own.classes = classes;
    own.values = values;
    return said_loss(net, tape, b, c ? nn_slice(tape, result->own[m], 0, c) : NULL,
                     v ? nn_slice(tape, result->own[m], c, v) : NULL, &own, scale);
}

nn_tensor *nn_fusion_loss(nn_fusion *net, nn_tape *tape, const nn_fusion_batch *b,
                          const nn_fusion_result *result, const nn_fusion_target *t, double scale) {
    nn_tensor *sum = said_loss(net, tape, b, result->classes, result->values, t, scale), *part;
    for (size_t m = 0; m < net->o.streams && t->own_weight > 0; m++)
        if ((part = own_loss(net, tape, b, result, t, m,
                             scale * t->own_weight / (double)net->o.streams)))
            sum = plus(tape, sum, part);
    for (size_t l = 0; l < NN_FUSION_LEVELS; l++)
        if (t->levels[l].group && (part = level_loss(net, tape, result, t, &t->levels[l], scale)))
            sum = plus(tape, sum, part);
    if (!sum && nn_tape_status(tape) == AFFECT_OK)
        sum = nn_scale(tape, nn_sum(tape, result->fused), 0);
    return sum;
}
