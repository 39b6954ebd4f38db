/* The fusion network's training: steps, soft targets, stopping. */
#include "train/fusion.h"

#include <math.h>
#include <string.h>

#include "affect/align.h"
#include "nn/kernels.h"
#include "nn/tape.h"
#include "train/train.h"

enum { STREAMS = NN_FUSION_STREAMS, AROUND = 2 /* references to both sides of a frame */ };

train_fusion_options train_fusion_default(const train_sequences *set) {
    train_fusion_options o = {
        .net = {.streams = set->streams,
                .width = 32,
                .path = 16,
                .heads = 4,
                .context = 32,
                .classes = set->classes,
                .values = set->values,
                .steep = 4,
                .dropout = .3},
        .epochs = 60,
        .patience = 12,
        .batch = 8,
        .rate = 2e-3,
        .decay = .02,
        .clip = 1,
        .drop = .2,
        .draws = 1,
        .class_weight = 1,
        .value_weight = .5,
        .slope_weight = .05,
        .contrast_weight = .1,
        .rank_weight = .05,
        .temperature = .2,
        .own_weight = 1,
        .utterance = 3,
        .frames = 32,
        .softness = 2,
    };
    memcpy(o.net.inputs, set->inputs, sizeof o.net.inputs);
    return o;
}

/* ---- soft targets ---- */

affect_status train_soft_targets(affect_context *ctx, const double *pieces, size_t count,
                                 size_t steps, size_t width, double softness, double *out) {
    enum { GAMMA_PART = 10 };
    size_t size = steps * width;
    double sum = 0, *own = base_alloc(BASE_MAX(count, (size_t)1) * sizeof *own);
    affect_status status = own ? AFFECT_OK : base_fail_memory(ctx);
    double gamma = 1. / GAMMA_PART;
    for (size_t i = 0; i < count && status == AFFECT_OK; i++)
        status = affect_align_soft_dtw(ctx, pieces + i * size, steps, pieces + i * size, steps,
                                       width, gamma, &own[i], NULL, NULL);
    for (size_t i = 0; i < count && status == AFFECT_OK; i++)
        for (size_t j = i + 1; j < count && status == AFFECT_OK; j++) {
            double both;
            status = affect_align_soft_dtw(ctx, pieces + i * size, steps, pieces + j * size, steps,
                                           width, gamma, &both, NULL, NULL);
            if (status != AFFECT_OK) break;
            double far = BASE_MAX(both - .5 * (own[i] + own[j]), 0);
            out[i * count + j] = out[j * count + i] = far;
            sum += far;
        }
    double mean = count > 1 ? sum / ((double)count * (double)(count - 1) / 2) : 1;
    for (size_t i = 0; i < count && status == AFFECT_OK; i++)
        for (size_t j = 0; j < count; j++)
            out[i * count + j] =
                i == j ? 1 : 1 / (1 + exp(softness * out[i * count + j] / BASE_MAX(mean, 1e-9)));
    base_free(own);
    return status;
}

/* Level and derivative of value k at reference r, the ends held. Unknown values count as 0. */
static double level(const train_sequence *s, size_t values, ptrdiff_t r, size_t k) {
    ptrdiff_t last = (ptrdiff_t)s->references - 1;
    float v = s->values[(size_t)BASE_MAX(0, BASE_MIN(r, last)) * values + k];
    return isnan(v) ? 0 : (double)v;
}

static double slope_at(const train_sequence *s, size_t values, ptrdiff_t r, size_t k) {
    ptrdiff_t last = (ptrdiff_t)s->references - 1, from = BASE_MAX(0, r - 1),
              to = BASE_MIN(last, r + 1);
    if (to <= from || r < 0 || r > last) return 0;
    double gap = (double)s->times[to] - (double)s->times[from];
    return gap > 0 ? (level(s, values, to, k) - level(s, values, from, k)) / gap : 0;
}

/* The trajectory around the references [from, to), as `steps` rows of levels and derivatives. */
static void put_piece(const train_sequence *s, size_t values, ptrdiff_t from, ptrdiff_t to,
                      size_t steps, double *out) {
    for (size_t i = 0; i < steps; i++) {
        double at = (double)from + ((double)i + .5) * (double)(to - from) / (double)steps - .5;
        ptrdiff_t r = (ptrdiff_t)floor(at + .5);
        for (size_t k = 0; k < values; k++) {
            *out++ = level(s, values, r, k);
            *out++ = slope_at(s, values, r, k);
        }
    }
}

/* ---- a step ---- */

typedef struct step {
    affect_context *ctx;
    nn_fusion *net;
    const train_fusion_options *o;
    train_view view;
} step;

/* Groups of one scale: `size` references in turn (0 = all of a sequence); of frames at most `most`,
 * drawn. */
typedef struct grouping {
    int32_t *group;
    size_t groups, steps;
    double *pieces; /* groups x steps x 2 values */
} grouping;

static bool group_references(const step *s, nn_tape *tape, const nn_fusion_batch *b, size_t size,
                             size_t most, grouping *g) {
    const train_sequences *set = s->view.set;
    size_t total = b->count * b->references, known = 0, width = 2 * set->values;
    for (size_t i = 0; i < b->count; i++) known += b->length[i];
    g->group = nn_tape_bytes_alloc(tape, total * sizeof *g->group);
    g->steps = size == 1 ? 2 * AROUND + 1 : 8;
    g->pieces = nn_tape_bytes_alloc(tape, (known + 1) * g->steps * width * sizeof *g->pieces);
    g->groups = 0;
    if (!g->group || !g->pieces) return false;
    train_dice dice = {s->view.seed ^ 0x5eed, 0};
    for (size_t r = 0; r < total; r++) g->group[r] = -1;
    for (size_t i = 0; i < b->count; i++) {
        const train_sequence *q = &set->items[s->view.index[i]];
        size_t n = b->length[i], each = size ? size : n;
        for (size_t from = 0; from < n; from += each) {
            size_t to = BASE_MIN(n, from + each);
            if (most && train_roll(&dice) * (double)known >= (double)(most * each)) continue;
            if (set->values && isnan(q->values[(from + to) / 2 * set->values])) continue;
            for (size_t r = from; r < to; r++) g->group[i * b->references + r] = (int32_t)g->groups;
            ptrdiff_t margin = size == 1 ? AROUND : 0;
            put_piece(q, set->values, (ptrdiff_t)from - margin, (ptrdiff_t)to + margin, g->steps,
                      g->pieces + g->groups++ * g->steps * width);
        }
    }
    return true;
}

/* Which groups have stream m: those of samples that have it. */
static bool *groups_with(nn_tape *tape, const nn_fusion_batch *b, const grouping *g, size_t m) {
    bool *there = nn_tape_bytes_alloc(tape, g->groups + 1);
    for (size_t r = 0; there && r < b->count * b->references; r++)
        if (g->group[r] >= 0) there[g->group[r]] = b->streams[m].length[r / b->references] > 0;
    return there;
}

static bool make_level(const step *s, nn_tape *tape, const nn_fusion_batch *b, size_t size,
                       size_t most, nn_fusion_level *out) {
    grouping g;
    size_t width = 2 * s->view.set->values;
    if (!group_references(s, tape, b, size, most, &g)) return false;
    *out = (nn_fusion_level){.group = g.group, .groups = g.groups};
    for (size_t m = 0; m < s->view.set->streams; m++)
        if (!(out->present[m] = groups_with(tape, b, &g, m))) return false;
    if (!width || g.groups < 2) return true;
    if (s->o->rank_weight > 0) { /* by level and derivative in the middle */
        nn_real *label = nn_tape_alloc(tape, g.groups * width);
        if (!label) return false;
        for (size_t i = 0; i < g.groups; i++)
            for (size_t k = 0; k < width; k++)
                label[i * width + k] = (nn_real)g.pieces[(i * g.steps + g.steps / 2) * width + k];
        out->label = label;
        out->label_width = width;
    }
    if (s->o->hard || !(s->o->contrast_weight > 0)) return true;
    double *soft = nn_tape_bytes_alloc(tape, g.groups * g.groups * sizeof *soft);
    nn_real *likeness = nn_tape_alloc(tape, g.groups * g.groups);
    if (!soft || !likeness) return false;
    affect_status status =
        train_soft_targets(s->ctx, g.pieces, g.groups, g.steps, width, s->o->softness, soft);
    if (status != AFFECT_OK) return false;
    for (size_t i = 0; i < g.groups * g.groups; i++) likeness[i] = (nn_real)soft[i];
    out->likeness = likeness;
    return true;
}

/* What is known of a pass's references, [n, references] with the padding unknown. */
static bool put_targets(const train_view *v, nn_tape *tape, const nn_fusion_batch *b,
                        const nn_real **classes, const nn_real **values) {
    const train_sequences *set = v->set;
    size_t rows = b->count * b->references;
    nn_real *c = nn_tape_alloc(tape, BASE_MAX(rows * set->classes, (size_t)1)),
            *x = nn_tape_alloc(tape, BASE_MAX(rows * set->values, (size_t)1));
    if (!c || !x) return false;
    for (size_t i = 0; i < rows * set->classes; i++) c[i] = 0;
    for (size_t i = 0; i < rows * set->values; i++) x[i] = (nn_real)NAN;
    for (size_t i = 0; i < b->count; i++) {
        const train_sequence *s = &set->items[v->index[i]];
        memcpy(c + i * b->references * set->classes, s->classes,
               s->references * set->classes * sizeof *c);
        memcpy(x + i * b->references * set->values, s->values,
               s->references * set->values * sizeof *x);
    }
    *classes = set->classes ? c : NULL;
    *values = set->values ? x : NULL;
    return true;
}

static nn_tensor *build_step(void *user, nn_tape *tape, size_t shard) {
    (void)shard;
    const step *s = user;
    const train_fusion_options *o = s->o;
    nn_fusion_batch batch;
    nn_fusion_result result;
    nn_fusion_target target = {.class_weight = o->class_weight,
                               .value_weight = o->value_weight,
                               .error_weight = o->error_weight,
                               .slope_weight = o->slope_weight,
                               .contrast_weight = o->contrast_weight,
                               .rank_weight = o->rank_weight,
                               .temperature = o->temperature,
                               .own_weight = o->own_weight};
    if (!train_sequences_batch(&s->view, tape, &batch) ||
        !put_targets(&s->view, tape, &batch, &target.classes, &target.values))
        return NULL;
    if ((o->contrast_weight > 0 || o->rank_weight > 0) &&
        (!make_level(s, tape, &batch, 1, o->frames, &target.levels[0]) ||
         !make_level(s, tape, &batch, o->utterance, o->frames, &target.levels[1]) ||
         !make_level(s, tape, &batch, o->episode, 0, &target.levels[2])))
        return NULL;
    if (!nn_fusion_forward(s->net, tape, &batch, &result)) return NULL;
    return nn_fusion_loss(s->net, tape, &batch, &result, &target, 1);
}

/* ---- prediction ---- */

typedef struct prediction {
    nn_fusion *net;
    train_view view;
    float *out;
} prediction;

static nn_tensor *build_prediction(void *user, nn_tape *tape, size_t shard) {
    (void)shard;
    prediction *p = user;
    nn_fusion_batch b;
    nn_fusion_result r;
    size_t classes = p->view.set->classes, values = p->view.set->values, width = classes + values;
    if (!train_sequences_batch(&p->view, tape, &b) || !nn_fusion_forward(p->net, tape, &b, &r))
        return NULL;
    nn_tensor *shares = classes ? nn_softmax(tape, r.classes) : NULL;
    if (classes && !shares) return NULL;
    for (size_t i = 0; i < b.count; i++)
        for (size_t k = 0; k < b.length[i]; k++, p->out += width) {
            size_t row = i * b.references + k;
            if (classes) memcpy(p->out, shares->data + row * classes, classes * sizeof(float));
            if (values)
                memcpy(p->out + classes, r.values->data + row * values, values * sizeof(float));
        }
    return r.fused;
}

affect_status train_fusion_predict(affect_context *ctx, nn_fusion *net, const train_view *view,
                                   float *out) {
    nn_engine *engine = NULL;
    prediction p = {net, *view, out};
    affect_status status = nn_engine_create(ctx, nn_fusion_params(net), NULL, 1, &engine);
    enum { TOGETHER = 16 };
    for (size_t from = 0; from < view->n && status == AFFECT_OK; from += TOGETHER) {
        p.view.index = view->index + from;
        p.view.n = BASE_MIN((size_t)TOGETHER, view->n - from);
        p.view.seed = view->seed + from;
        status = nn_engine_map(engine, 1, build_prediction, &p);
    }
    nn_engine_destroy(engine);
    return status;
}

/* ---- the run ---- */

static size_t references_of(const train_sequences *set, const uint32_t *index, size_t n) {
    size_t total = 0;
    for (size_t i = 0; i < n; i++) total += set->items[index[i]].references;
    return total;
}

/* Sums for one concordance coefficient. */
typedef struct pairs {
    double n, x, y, xx, yy, xy;
} pairs;

static double concordance(const pairs *p) {
    if (p->n < 2) return NAN;
    double mx = p->x / p->n, my = p->y / p->n, vx = p->xx / p->n - mx * mx,
           vy = p->yy / p->n - my * my, cov = p->xy / p->n - mx * my;
    return 2 * cov / (vx + vy + (mx - my) * (mx - my) + 1e-12);
}

/* Judges rows of shares and values; sums go on from draw to draw. */
typedef struct judge {
    double loss, right, known;
    pairs values[16];
} judge;

static void add_rows(const train_sequences *set, const uint32_t *index, size_t n, const float *row,
                     judge *j) {
    size_t classes = set->classes, values = set->values;
    for (size_t i = 0; i < n; i++) {
        const train_sequence *s = &set->items[index[i]];
        for (size_t r = 0; r < s->references; r++, row += classes + values) {
            const float *target = s->classes + r * classes;
            size_t best = 0, gold = 0;
            double mass = 0;
            for (size_t c = 0; c < classes; c++) {
                mass += (double)target[c];
                if (row[c] > row[best]) best = c;
                if (target[c] > target[gold]) gold = c;
                if (target[c] > 0)
                    j->loss -= (double)target[c] * log(BASE_MAX((double)row[c], 1e-12));
            }
            j->known += mass > 0;
            j->right += mass > 0 && best == gold;
            for (size_t k = 0; k < values && k < BASE_COUNT(j->values); k++) {
                double y = (double)s->values[r * values + k], x = (double)row[classes + k];
                pairs *p = &j->values[k];
                if (isnan(y)) continue;
                *p = (pairs){p->n + 1,      p->x + x,      p->y + y,
                             p->xx + x * x, p->yy + y * y, p->xy + x * y};
            }
        }
    }
}

typedef struct run {
    affect_context *ctx;
    const train_sequences *set;
    const uint32_t *index, *valid;
    size_t count, valid_count;
    const train_fusion_options *o;
    nn_fusion *net;
    nn_engine *engine;
    uint32_t *order;
    float *rows;
    nn_real *best;
} run;

static affect_status validate(run *r, train_fusion_fit *fit) {
    judge j = {0};
    bool mixed = false;
    for (size_t m = 0; m < r->set->streams; m++) mixed |= r->o->mixing[m].most > 0;
    size_t draws = mixed ? BASE_MAX(r->o->draws, (size_t)1) : 1;
    for (size_t d = 0; d < draws; d++) {
        const train_view view = {.set = r->set,
                                 .index = r->valid,
                                 .n = r->valid_count,
                                 .pool = r->index,
                                 .pool_count = r->count,
                                 .mixing = mixed ? r->o->mixing : NULL,
                                 .seed = 7777 + 97 * d};
        affect_status status = train_fusion_predict(r->ctx, r->net, &view, r->rows);
        if (status != AFFECT_OK) return status;
        add_rows(r->set, r->valid, r->valid_count, r->rows, &j);
    }
    double ccc = 0;
    size_t values = BASE_MIN(r->set->values, BASE_COUNT(j.values));
    for (size_t k = 0; k < values; k++) ccc += concordance(&j.values[k]) / (double)values;
    fit->ccc = values ? ccc : NAN;
    fit->accuracy = j.known > 0 ? j.right / j.known : NAN;
    fit->loss = 0;
    if (j.known > 0) fit->loss += r->o->class_weight * j.loss / j.known;
    if (values) fit->loss += r->o->value_weight * (1 - ccc);
    return AFFECT_OK;
}

/* Mean and deviation of every number of every stream over the training sequences. */
static affect_status set_usual(run *r) {
    for (size_t m = 0; m < r->set->streams; m++) {
        size_t width = r->set->inputs[m];
        double *sum = base_calloc(3 * width, sizeof *sum);
        float *mean = base_calloc(2 * width, sizeof *mean);
        for (size_t i = 0; sum && mean && i < r->count; i++) {
            const train_sequence *s = &r->set->items[r->index[i]];
            for (size_t k = 0; k < s->rows[m] * width; k++) {
                double x = (double)s->row_values[m][k], *at = sum + 3 * (k % width);
                if (!isfinite(x)) continue;
                at[0]++;
                at[1] += x;
                at[2] += x * x;
            }
        }
        for (size_t k = 0; sum && mean && k < width; k++) {
            const double *at = sum + 3 * k;
            double centre = at[0] > 0 ? at[1] / at[0] : 0,
                   variance = at[0] > 0 ? at[2] / at[0] - centre * centre : 0;
            mean[k] = (float)centre;
            mean[width + k] = variance > 1e-12 * (1 + centre * centre) ? (float)sqrt(variance) : 0;
        }
        bool failed = !sum || !mean;
        if (!failed) nn_fusion_set_usual(r->net, m, mean, mean + width);
        base_free(sum);
        base_free(mean);
        if (failed) return base_fail_memory(r->ctx);
    }
    return AFFECT_OK;
}

/* A base is brought to mean and deviation of what is known at the training references: the best that one line a value can do
 * for concordance. */
static void set_base(run *r) {
    size_t v = r->set->values;
    for (size_t k = 0; k < v; k++) {
        double n = 0, x = 0, xx = 0, y = 0, yy = 0;
        for (size_t i = 0; i < r->count; i++) {
            const train_sequence *s = &r->set->items[r->index[i]];
            for (size_t j = 0; j < s->references; j++) {
                double a = (double)s->base[j * v + k], b = (double)s->values[j * v + k];
                if (isnan(b)) continue;
                n++, x += a, xx += a * a, y += b, yy += b * b;
            }
        }
        n = fmax(n, 1);
        double variance = xx / n - x / n * (x / n), wanted = yy / n - y / n * (y / n),
               gain = variance > 1e-9 ? sqrt(fmax(wanted, 0) / variance) : 1;
        nn_fusion_set_base(r->net, k, gain, y / n - gain * x / n);
    }
}

static void shuffle(run *r, size_t epoch) {
    train_dice dice = {r->o->seed * 7919 + epoch, 0};
    for (size_t i = r->count; i-- > 1;) {
        size_t j = (size_t)(train_roll(&dice) * (double)(i + 1));
        uint32_t keep = r->order[i];
        r->order[i] = r->order[BASE_MIN(j, i)];
        r->order[BASE_MIN(j, i)] = keep;
    }
}

static affect_status run_epoch(run *r, size_t epoch, uint64_t *steps) {
    size_t batch = BASE_MAX(r->o->batch, (size_t)1), each = (r->count + batch - 1) / batch;
    affect_status status = AFFECT_OK;
    shuffle(r, epoch);
    for (size_t from = 0; from < r->count && status == AFFECT_OK; from += batch) {
        uint64_t seed = r->o->seed * 1000003 + *steps;
        step s = {.ctx = r->ctx,
                  .net = r->net,
                  .o = r->o,
                  .view = {.set = r->set,
                           .index = r->order + from,
                           .n = BASE_MIN(batch, r->count - from),
                           .pool = r->index,
                           .pool_count = r->count,
                           .mixing = r->o->mixing,
                           .drop = r->o->drop,
                           .swap = r->o->swap,
                           .seed = seed}};
        const nn_optimiser optimiser = {
            .rate = nn_cosine(r->o->rate, .05, *steps, each, r->o->epochs * each),
            .beta1 = .9,
            .beta2 = .99,
            .epsilon = 1e-8,
            .decay = r->o->decay,
            .clip = r->o->clip};
        double loss;
        status = nn_engine_step(r->engine, 1, build_step, &s, seed, &optimiser, &loss);
        ++*steps;
    }
    return status;
}

affect_status train_fusion_run(affect_context *ctx, const train_sequences *set,
                               const uint32_t *index, size_t count, const uint32_t *valid,
                               size_t valid_count, const train_fusion_options *o,
                               train_fusion_fit *out) {
    run r = {ctx, set, index, valid, count, valid_count, o, NULL, NULL, NULL, NULL, NULL};
    size_t width = set->classes + set->values,
           rows = references_of(set, valid, valid_count) * width;
    *out = (train_fusion_fit){.loss = INFINITY};
    if (!count || !valid_count)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "%zu sequences to train on and %zu to stop on, wanted some of both", count,
                         valid_count);
    affect_status status = nn_fusion_create(ctx, &o->net, o->seed, &r.net);
    nn_params *params = status == AFFECT_OK ? nn_fusion_params(r.net) : NULL;
    if (status == AFFECT_OK) status = set_usual(&r);
    if (status == AFFECT_OK && o->net.based) set_base(&r);
    if (status == AFFECT_OK) status = nn_engine_create(ctx, params, NULL, 1, &r.engine);
    if (status == AFFECT_OK) {
        r.order = base_alloc(count * sizeof *r.order);
        r.rows = base_alloc(BASE_MAX(rows, (size_t)1) * sizeof *r.rows);
        r.best = base_alloc(params->size * sizeof *r.best);
        if (!r.order || !r.rows || !r.best) status = base_fail_memory(ctx);
    }
    if (status == AFFECT_OK) {
        memcpy(r.order, index, count * sizeof *r.order);
        memcpy(r.best, params->value, params->size * sizeof *r.best);
    }
    if (status == AFFECT_OK && o->net.based)
        status = validate(&r, out); /* as good as epoch 0 at least */
    uint64_t steps = 0;
    for (size_t epoch = 1; epoch <= o->epochs && status == AFFECT_OK; epoch++) {
        train_fusion_fit now = {0};
        if (o->patience && (out->epoch || o->net.based) && epoch > out->epoch + o->patience) break;
        status = run_epoch(&r, epoch, &steps);
        if (status == AFFECT_OK) status = validate(&r, &now);
        if (status == AFFECT_OK && now.loss < out->loss) {
            *out = now;
            out->epoch = epoch;
            memcpy(r.best, params->value, params->size * sizeof *r.best);
        }
    }
    if (status == AFFECT_OK) {
        memcpy(params->value, r.best, params->size * sizeof *r.best);
        out->net = r.net;
        r.net = NULL;
    }
    nn_engine_destroy(r.engine);
    nn_fusion_destroy(r.net);
    base_free(r.order);
    base_free(r.rows);
    base_free(r.best);
    return status;
}
