/* Sequences for the fusion network: kept, read, and as a pass sees them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/kernels.h"
#include "nn/tape.h"
#include "train/fusion.h"
#include "train/train.h"

affect_status train_sequences_create(affect_context *ctx, size_t streams, const size_t *inputs,
                                     size_t classes, size_t values, train_sequences **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    **out = (train_sequences){.ctx = ctx, .streams = streams, .classes = classes, .values = values};
    memcpy((*out)->inputs, inputs, streams * sizeof *inputs);
    return AFFECT_OK;
}

static void clear(train_sequence *s) {
    base_free(s->name);
    base_free(s->group);
    base_free(s->times);
    base_free(s->classes);
    base_free(s->values);
    base_free(s->base);
    for (size_t m = 0; m < NN_FUSION_STREAMS; m++) {
        base_free(s->row_times[m]);
        base_free(s->row_values[m]);
    }
}

void train_sequences_destroy(train_sequences *set) {
    if (!set) return;
    for (size_t i = 0; i < set->count; i++) clear(&set->items[i]);
    base_free(set->items);
    base_free(set);
}

static float *numbers(size_t count, float fill, bool *failed) {
    float *x = base_alloc(BASE_MAX(count, (size_t)1) * sizeof *x);
    *failed |= !x;
    for (size_t i = 0; x && i < count; i++) x[i] = fill;
    return x;
}

affect_status train_sequences_add(train_sequences *set, const char *name, const char *group,
                                  size_t references, const size_t *rows, train_sequence **out) {
    if (!base_grow((void **)&set->items, &set->capacity, set->count + 1, sizeof *set->items))
        return base_fail_memory(set->ctx);
    bool failed = false;
    train_sequence s = {.name = base_strdup(name), .group = base_strdup(group)};
    s.references = references;
    s.times = numbers(references, 0, &failed);
    s.classes = numbers(references * set->classes, 0, &failed);
    s.values = numbers(references * set->values, (float)NAN, &failed);
    s.base = numbers(references * set->values, 0, &failed);
    for (size_t m = 0; m < set->streams; m++) {
        s.rows[m] = rows[m];
        s.row_times[m] = numbers(rows[m], 0, &failed);
        s.row_values[m] = numbers(rows[m] * set->inputs[m], (float)NAN, &failed);
    }
    if (failed || !s.name || !s.group) {
        clear(&s);
        return base_fail_memory(set->ctx);
    }
    set->items[set->count] = s;
    *out = &set->items[set->count++];
    return AFFECT_OK;
}

/* ---- CMU-MOSI ---- */

typedef struct utterance {
    int32_t video;
    double number;
    size_t sample;
} utterance;

static int by_place(const void *a, const void *b) {
    const utterance *x = a, *y = b;
    if (x->video != y->video) return x->video < y->video ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static affect_status fill_mosi(train_sequences *set, const train_set *from, const utterance *list,
                               size_t n) {
    size_t rows[NN_FUSION_STREAMS] = {n, n, n};
    const char *video = from->by_names[list->video];
    train_sequence *s = NULL;
    affect_status status = train_sequences_add(set, video, video, n, rows, &s);
    for (size_t r = 0; r < n && status == AFFECT_OK; r++) {
        size_t at = list[r].sample;
        const float *x = from->frames + from->first[at] * from->spec.bands;
        s->times[r] = (float)r;
        memcpy(s->classes + 2 * r, from->target + at * from->width, 2 * sizeof *s->classes);
        s->values[r] = from->gold[at] == 1 ? 1.f : -1.f;
        for (size_t m = 0; m < set->streams; m++) {
            s->row_times[m][r] = (float)r;
            memcpy(s->row_values[m] + r * set->inputs[m], x, set->inputs[m] * sizeof *x);
            x += set->inputs[m];
        }
    }
    return status;
}

affect_status train_sequences_mosi(affect_context *ctx, const char *folder, const char *split,
                                   train_sequences **out) {
    static const char *const labels[] = {"negative", "positive"};
    static const size_t inputs[] = {100, 73, 100}; /* text, audio, video */
    const train_spec spec = {.kind = TRAIN_FEATURES,
                             .labels = labels,
                             .classes = 2,
                             .modalities = "text audio video",
                             .by = "video"};
    char only[32];
    train_set *from = NULL;
    utterance *list = NULL;
    snprintf(only, sizeof only, "split %s", split);
    *out = NULL;
    affect_status status = train_set_open(ctx, &spec, folder, only, NULL, &from);
    if (status == AFFECT_OK && from->spec.bands != 273)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                           "%s: rows of %zu numbers, expected 100 of text, 73 of audio and 100 of "
                           "video",
                           folder, from->spec.bands);
    if (status == AFFECT_OK && !(list = base_calloc(from->count, sizeof *list)))
        status = base_fail_memory(ctx);
    if (status == AFFECT_OK) status = train_sequences_create(ctx, 3, inputs, 2, 1, out);
    for (size_t i = 0; status == AFFECT_OK && i < from->count; i++) {
        const char *cut = strrchr(from->names[i], '_');
        double number = 0;
        if (from->by[i] < 0 || !cut || !base_parse_double(cut + 1, strlen(cut + 1), &number))
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: '%s' names no utterance of a video",
                               folder, from->names[i]);
        list[i] = (utterance){from->by[i], number, i};
    }
    if (status == AFFECT_OK) qsort(list, from->count, sizeof *list, by_place);
    for (size_t i = 0, end; status == AFFECT_OK && i < from->count; i = end) {
        for (end = i + 1; end < from->count && list[end].video == list[i].video;) end++;
        status = fill_mosi(*out, from, list + i, end - i);
    }
    base_free(list);
    train_set_destroy(from);
    if (status != AFFECT_OK) {
        train_sequences_destroy(*out);
        *out = NULL;
    }
    return status;
}

/* ---- a pass ---- */

/* One stream of all samples of a pass. */
typedef struct packed {
    float *values, *times;
    size_t *length, rows;
} packed;

/* A row of another sequence for the row `to`. */
static void mix_row(const train_view *v, size_t m, train_dice *dice, float *to) {
    const train_sequences *set = v->set;
    size_t width = set->inputs[m];
    double w = v->mixing[m].least + (v->mixing[m].most - v->mixing[m].least) * train_roll(dice);
    size_t other = (size_t)(train_roll(dice) * (double)v->pool_count);
    const train_sequence *s = &set->items[v->pool[BASE_MIN(other, v->pool_count - 1)]];
    double roll = train_roll(dice);
    if (!s->rows[m]) return;
    size_t row = BASE_MIN((size_t)(roll * (double)s->rows[m]), s->rows[m] - 1);
    const float *x = s->row_values[m] + row * width;
    for (size_t k = 0; k < width; k++) to[k] = (float)((1 - w) * to[k] + w * x[k]);
}

static size_t class_of(const train_sequences *set, const train_sequence *s, size_t r) {
    size_t best = 0;
    for (size_t c = 1; c < set->classes; c++)
        if (s->classes[r * set->classes + c] > s->classes[r * set->classes + best]) best = c;
    return best;
}

/* A row of any sequence of the pool with the class of reference r of `s`. */
static void swap_row(const train_view *v, size_t m, const train_sequence *s, size_t r,
                     train_dice *dice, float *to) {
    enum { ATTEMPTS = 32 };
    const train_sequences *set = v->set;
    size_t width = set->inputs[m], wanted = class_of(set, s, r);
    if (!(train_roll(dice) < v->swap)) return;
    for (int i = 0; i < ATTEMPTS; i++) {
        size_t other = (size_t)(train_roll(dice) * (double)v->pool_count);
        const train_sequence *o = &set->items[v->pool[BASE_MIN(other, v->pool_count - 1)]];
        size_t row = (size_t)(train_roll(dice) * (double)o->references);
        if (row >= o->references || o->rows[m] != o->references || class_of(set, o, row) != wanted)
            continue;
        memcpy(to, o->row_values[m] + row * width, width * sizeof *to);
        return;
    }
}

/* Which streams sample i keeps. */
static unsigned kept_streams(const train_view *v, size_t i) {
    const train_sequence *s = &v->set->items[v->index[i]];
    train_dice dice = {v->seed * 31 + i, 1u << 30};
    unsigned there = 0, kept = 0;
    for (size_t m = 0; m < v->set->streams; m++) there |= s->rows[m] ? 1u << m : 0;
    for (int attempt = 0; !kept && there && attempt < 16; attempt++)
        for (size_t m = 0; m < v->set->streams; m++)
            kept |= there & 1u << m && !(train_roll(&dice) < v->drop) ? 1u << m : 0;
    return kept ? kept : there;
}

static bool pack_stream(const train_view *v, nn_tape *tape, size_t m, packed *p) {
    const train_sequences *set = v->set;
    size_t width = set->inputs[m];
    p->rows = 1;
    for (size_t i = 0; i < v->n; i++) p->rows = BASE_MAX(p->rows, set->items[v->index[i]].rows[m]);
    p->values = nn_tape_alloc(tape, v->n * p->rows * width);
    p->times = nn_tape_alloc(tape, v->n * p->rows);
    p->length = nn_tape_bytes_alloc(tape, v->n * sizeof *p->length);
    if (!p->values || !p->times || !p->length) return false;
    memset(p->values, 0, v->n * p->rows * width * sizeof *p->values);
    memset(p->times, 0, v->n * p->rows * sizeof *p->times);
    for (size_t i = 0; i < v->n; i++) {
        const train_sequence *s = &set->items[v->index[i]];
        train_dice dice = {v->seed + 1000003 * i + m, 0};
        float *x = p->values + i * p->rows * width;
        p->length[i] = kept_streams(v, i) & 1u << m ? s->rows[m] : 0;
        memcpy(x, s->row_values[m], s->rows[m] * width * sizeof *x);
        memcpy(p->times + i * p->rows, s->row_times[m], s->rows[m] * sizeof *x);
        if (v->swap > 0 && s->rows[m] == s->references)
            for (size_t r = 0; r < s->rows[m]; r++) swap_row(v, m, s, r, &dice, x + r * width);
        if (v->mixing && v->mixing[m].most > 0)
            for (size_t r = 0; r < s->rows[m]; r++) mix_row(v, m, &dice, x + r * width);
    }
    return true;
}

bool train_sequences_batch(const train_view *v, nn_tape *tape, nn_fusion_batch *batch) {
    const train_sequences *set = v->set;
    size_t references = 1;
    for (size_t i = 0; i < v->n; i++)
        references = BASE_MAX(references, set->items[v->index[i]].references);
    float *times = nn_tape_alloc(tape, v->n * references);
    float *base = nn_tape_alloc(tape, BASE_MAX(v->n * references * set->values, (size_t)1));
    size_t *length = nn_tape_bytes_alloc(tape, v->n * sizeof *length);
    if (!times || !base || !length) return false;
    memset(times, 0, v->n * references * sizeof *times);
    memset(base, 0, v->n * references * set->values * sizeof *base);
    for (size_t i = 0; i < v->n; i++) {
        const train_sequence *s = &set->items[v->index[i]];
        length[i] = s->references;
        memcpy(times + i * references, s->times, s->references * sizeof *times);
        memcpy(base + i * references * set->values, s->base,
               s->references * set->values * sizeof *base);
    }
    *batch = (nn_fusion_batch){
        .count = v->n, .references = references, .times = times, .length = length, .base = base};
    for (size_t m = 0; m < set->streams; m++) {
        packed p;
        float *lag = nn_tape_alloc(tape, v->n);
        if (!lag || !pack_stream(v, tape, m, &p)) return false;
        for (size_t i = 0; i < v->n; i++) lag[i] = set->items[v->index[i]].lag[m];
        batch->streams[m] = (nn_fusion_stream){p.rows, p.values, p.times, p.length, lag};
    }
    return true;
}
