/* Scores of predictions on the items of a split, each with an interval of the bootstrap over recordings. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/score.h"
#include "benchmark/benchmark_private.h"

enum { FRAMES_A_SECOND = 10, MOST_LABELS = 64, MOST_VALUES = 4 };
/* Traces whose samples lie further apart than this say nothing in between, unless both say the same. */
#define NEAR_S 2.0

typedef struct board {
    affect_context *ctx;
    const benchmark_run_options *options;
    const benchmark_item *items;
    size_t count;
    double *gold, *predicted; /* samples of all items, one after the other */
    int32_t *unit;            /* the item of each */
    size_t n, capacity_g, capacity_p, capacity_u;
    json_t *rows; /* what is printed */
    size_t classes;
    const char *labels[MOST_LABELS];
} board;

static const data_trace *trace_of(const data_annotation *a, const char *dimension, const char *id) {
    for (size_t k = 0; k < a->trace_count; k++)
        if (strcmp(a->traces[k].dimension, dimension) == 0 &&
            (!*a->traces[k].recording || strcmp(a->traces[k].recording, id) == 0))
            return &a->traces[k];
    return NULL;
}

static double value_at(const data_trace *t, double time) {
    size_t low = 0, high = t ? t->rows : 0;
    while (low < high) { /* the first row after `time` */
        size_t middle = low + (high - low) / 2;
        if (t->times_s[middle] <= time + 1e-9)
            low = middle + 1;
        else
            high = middle;
    }
    if (!t || !low) return NAN;
    double from = t->times_s[low - 1], value = t->values[low - 1];
    if (low == t->rows) return time - from <= NEAR_S / 2 ? value : NAN;
    double next = t->values[low], gap = t->times_s[low] - from;
    if (isnan(next) || isnan(value)) return time - from < 1e-9 ? value : NAN;
    if (gap > NEAR_S && next != value) return time - from <= NEAR_S / 2 ? value : NAN;
    return gap > 0 ? value + (time - from) / gap * (next - value) : next;
}

static affect_status add(board *b, double gold, double predicted, size_t item) {
    if (!base_grow((void **)&b->gold, &b->capacity_g, b->n + 1, sizeof *b->gold) ||
        !base_grow((void **)&b->predicted, &b->capacity_p, b->n + 1, sizeof *b->predicted) ||
        !base_grow((void **)&b->unit, &b->capacity_u, b->n + 1, sizeof *b->unit))
        return base_fail_memory(b->ctx);
    b->gold[b->n] = gold;
    b->predicted[b->n] = predicted;
    b->unit[b->n++] = (int32_t)item;
    return AFFECT_OK;
}

/* ---- the figures of a sample of samples ---- */

typedef struct figures {
    const board *b;
    enum { LEVELS, DISTANCE, LABELS, SPANS } kind;
    double *x, *y; /* room */
} figures;

static bool measure(void *user, const uint32_t *index, size_t n, double *out) {
    figures *f = user;
    const board *b = f->b;
    double hits[MOST_LABELS] = {0}, gold[MOST_LABELS] = {0}, said[MOST_LABELS] = {0}, right = 0;
    if (!n) return false;
    if (f->kind == LEVELS || f->kind == DISTANCE) {
        double square = 0, absolute = 0, counted = 0;
        for (size_t i = 0; i < n; i++) {
            f->x[i] = b->gold[index[i]];
            f->y[i] = b->predicted[index[i]];
            if (isnan(f->y[i])) continue;
            square += (f->x[i] - f->y[i]) * (f->x[i] - f->y[i]);
            absolute += fabs(f->x[i] - f->y[i]);
            counted++;
        }
        if (f->kind == LEVELS) {
            out[0] = affect_score_ccc(f->x, f->y, n, AFFECT_SCORE_POPULATION);
            out[1] = affect_score_pearson(f->x, f->y, n);
            out[2] = sqrt(square / counted);
        } else {
            out[0] = absolute / counted;
        }
        return counted > 0;
    }
    for (size_t i = 0; i < n; i++) {
        size_t g = (size_t)b->gold[index[i]];
        double p = b->predicted[index[i]];
        gold[g]++;
        if (isnan(p)) continue;
        said[(size_t)p]++;
        if ((size_t)p == g) hits[g]++, right++;
    }
    if (f->kind == SPANS) {
        out[0] = gold[1] + said[1] > 0 ? 2 * hits[1] / (gold[1] + said[1]) : NAN;
        out[1] = said[1] > 0 ? hits[1] / said[1] : NAN;
        out[2] = gold[1] > 0 ? hits[1] / gold[1] : NAN;
        return gold[1] > 0;
    }
    double recall = 0, present = 0, weighted = 0;
    for (size_t c = 0; c < b->classes; c++) {
        if (!(gold[c] > 0)) continue;
        recall += hits[c] / gold[c];
        present++;
        weighted += gold[c] * 2 * hits[c] / (gold[c] + said[c]);
    }
    out[0] = right / (double)n;
    out[1] = recall / present;
    out[2] = weighted / (double)n;
    return true;
}

static const char *const names[][MOST_VALUES] = {{"ccc", "pearson", "rmse"},
                                                 {"mae"},
                                                 {"accuracy", "uar", "weighted_f1"},
                                                 {"f1", "precision", "recall"}};

static affect_status finish(board *b, int kind, const char *what, json_t *more) {
    figures f = {.b = b, .kind = kind};
    uint32_t *all = base_alloc(BASE_MAX(b->n, 1) * sizeof *all);
    size_t values = 0;
    double value[MOST_VALUES] = {NAN, NAN, NAN, NAN};
    affect_score_interval interval[MOST_VALUES];
    for (size_t k = 0; k < MOST_VALUES; k++) interval[k] = (affect_score_interval){NAN, NAN};
    while (values < MOST_VALUES && names[kind][values]) values++;
    size_t longest = 0,
           length = 0; /* so that a draw always fits: of one recording, times their number */
    for (size_t i = 0; i < b->n; i++) {
        length = i && b->unit[i] == b->unit[i - 1] ? length + 1 : 1;
        longest = BASE_MAX(longest, length);
    }
    size_t most = BASE_MAX(longest * BASE_MAX(b->count, 1), b->n) + 1;
    f.x = base_alloc(most * sizeof *f.x);
    f.y = base_alloc(most * sizeof *f.y);
    affect_status status = all && f.x && f.y ? AFFECT_OK : base_fail_memory(b->ctx);
    for (size_t i = 0; i < b->n && !status; i++) all[i] = (uint32_t)i;
    if (!status && b->n) {
        if (!measure(&f, all, b->n, value))
            for (size_t k = 0; k < MOST_VALUES; k++) value[k] = NAN;
        if (b->options->rounds > 0 && b->count > 1)
            status =
                affect_score_bootstrap(b->ctx, b->unit, b->n, b->count, (size_t)b->options->rounds,
                                       1, .95, measure, &f, values, interval);
    }
    size_t missing = 0;
    for (size_t i = 0; i < b->n; i++) missing += isnan(b->predicted[i]);
    for (size_t k = 0; k < values && !status; k++) {
        json_t *row = json_pack("{s:s, s:s, s:i}", "what", what, "metric", names[kind][k],
                                "samples", (int)BASE_MIN(b->n, INT32_MAX));
        if (isfinite(value[k])) json_object_set_new(row, "value", json_real(value[k]));
        if (isfinite(interval[k].low)) {
            json_object_set_new(row, "low", json_real(interval[k].low));
            json_object_set_new(row, "high", json_real(interval[k].high));
        }
        if (missing) json_object_set_new(row, "unanswered", json_integer((json_int_t)missing));
        if (json_array_append_new(b->rows, row)) status = base_fail_memory(b->ctx);
    }
    if (more && !status) json_array_extend(b->rows, more);
    json_decref(more);
    base_free(all);
    base_free(f.x);
    base_free(f.y);
    b->n = 0;
    return status;
}

/* ---- dimensions ---- */

static double middle_of(const json_t *dimension) {
    return (json_number_value(json_object_get(dimension, "low")) +
            json_number_value(json_object_get(dimension, "high"))) /
           2;
}

/* The median over recordings of how late the prediction is, by cross-correlation within 5 s. */
static affect_status lag_row(board *b, const char *name, json_t **out) {
    double *lags = base_alloc(BASE_MAX(b->count, 1) * sizeof *lags);
    size_t found = 0;
    if (!lags) return base_fail_memory(b->ctx);
    for (size_t from = 0, to; from < b->n; from = to) {
        for (to = from + 1; to < b->n && b->unit[to] == b->unit[from];) to++;
        const benchmark_item *item = &b->items[b->unit[from]];
        const data_trace *t = trace_of(&item->gold, name, item->id);
        double step = t && t->rows > 1
                          ? (t->times_s[t->rows - 1] - t->times_s[0]) / (double)(t->rows - 1)
                          : 0;
        bool bound = false;
        double r, shift = step > 0
                              ? affect_score_residual_lag(b->gold + from, b->predicted + from,
                                                          to - from, (size_t)(5 / step), &r, &bound)
                              : NAN;
        if (isfinite(shift) && !bound) lags[found++] = shift * step;
    }
    for (size_t i = 1; i < found; i++) /* few: sorted by insertion */
        for (size_t j = i; j && lags[j] < lags[j - 1]; j--) {
            double swap = lags[j];
            lags[j] = lags[j - 1];
            lags[j - 1] = swap;
        }
    if (found)
        *out = json_pack("[{s:s, s:s, s:f, s:i}]", "what", name, "metric", "lag_s", "value",
                         (lags[(found - 1) / 2] + lags[found / 2]) / 2, "samples", (int)found);
    base_free(lags);
    return AFFECT_OK;
}

static affect_status dimension(board *b, const json_t *d) {
    const char *name = benchmark_text(d, "name");
    bool distance = strcmp(benchmark_text(d, "metric"), "mae") == 0;
    size_t unanswered = 0, asked = 0;
    affect_status status = AFFECT_OK;
    json_t *more = NULL;
    for (size_t i = 0; i < b->count && !status; i++) {
        const data_trace *gold = trace_of(&b->items[i].gold, name, b->items[i].id),
                         *said = trace_of(&b->items[i].predicted, name, b->items[i].id);
        for (size_t r = 0; gold && r < gold->rows && !status; r++) {
            double value = distance && said && said->rows == 1 ? said->values[0]
                                                               : value_at(said, gold->times_s[r]);
            if (isnan(gold->values[r])) continue;
            asked++;
            unanswered += isnan(value);
            /* who says nothing says the middle of the scale */
            if (!distance && isnan(value)) value = middle_of(d);
            status = add(b, gold->values[r], value, i);
        }
    }
    if (!status && !distance) status = lag_row(b, name, &more);
    if (!status && !distance && asked) {
        json_t *row = json_pack("{s:s, s:s, s:f, s:i}", "what", name, "metric", "answered", "value",
                                1 - (double)unanswered / (double)asked, "samples", (int)asked);
        if (!more) more = json_array();
        json_array_append_new(more, row);
    }
    if (!status) return finish(b, distance ? DISTANCE : LEVELS, name, more);
    json_decref(more);
    return status;
}

/* ---- tiers ---- */

static double class_of(board *b, const char *label) {
    for (size_t c = 0; c < b->classes; c++)
        if (base_equal_ignore_case(b->labels[c], label)) return (double)c;
    if (b->classes == MOST_LABELS) return NAN;
    b->labels[b->classes] = label;
    return (double)b->classes++;
}

/* The label at an instant: of several the one that began last. NULL: none. */
static const char *label_at(const data_annotation *a, const char *tier, const char *id, double t) {
    const data_mark *best = NULL;
    for (size_t i = 0; i < a->mark_count; i++) {
        const data_mark *m = &a->marks[i];
        if (t < m->t0_s || t >= m->t1_s || strcmp(m->tier, tier) != 0 ||
            (*m->recording && strcmp(m->recording, id) != 0))
            continue;
        if (!best || m->t0_s >= best->t0_s) best = m;
    }
    return best ? best->label : NULL;
}

static double duration(const benchmark_item *item) {
    double end = 0;
    for (size_t i = 0; i < item->gold.mark_count; i++) end = fmax(end, item->gold.marks[i].t1_s);
    for (size_t k = 0; k < item->gold.trace_count; k++)
        if (item->gold.traces[k].rows)
            end = fmax(end, item->gold.traces[k].times_s[item->gold.traces[k].rows - 1]);
    return fmin(end, 1e5);
}

enum {
    MOST_SAID = 12
}; /* names of one recording that may stand for gold's; further ones stand for nobody */

/* Names of persons mean nothing outside of a program, so those that were said of one recording are taken for gold's in the way
 * that agrees longest, one for one, as NIST's md-eval does for speakers. Changes predicted[from..]; gold has `people` of them. */
static affect_status match_names(board *b, size_t from, size_t people) {
    size_t said[MOST_SAID], count = 0;
    for (size_t i = from; i < b->n; i++) {
        size_t k = 0;
        while (k < count && (double)said[k] != b->predicted[i]) k++;
        if (k == count && count < MOST_SAID && !isnan(b->predicted[i]))
            said[count++] = (size_t)b->predicted[i];
    }
    /* best[m]: frames that agree when the names in m are given away to the labels seen so far; chosen: to which of them the
     * last label's name went */
    size_t masks = (size_t)1 << count;
    uint32_t *best = base_calloc(masks, sizeof *best),
             *overlap = base_calloc(count + 1, sizeof *overlap);
    unsigned char *chosen = base_alloc(masks * people + 1);
    if (!best || !overlap || !chosen) {
        base_free(best);
        base_free(overlap);
        base_free(chosen);
        return base_fail_memory(b->ctx);
    }
    for (size_t g = 0; g < people; g++) {
        memset(overlap, 0, (count + 1) * sizeof *overlap);
        for (size_t i = from; i < b->n; i++)
            for (size_t k = 0; k < count; k++)
                overlap[k] += (size_t)b->gold[i] == g && b->predicted[i] == (double)said[k];
        for (size_t m = masks;
             m-- > 0;) { /* from the largest: what it builds on has not been changed yet */
            chosen[g * masks + m] = MOST_SAID;
            for (size_t k = 0; k < count; k++) {
                size_t without = m & ~((size_t)1 << k);
                if (without == m || best[without] + overlap[k] <= best[m]) continue;
                best[m] = best[without] + overlap[k];
                chosen[g * masks + m] = (unsigned char)k;
            }
        }
    }
    double to[MOST_SAID];
    for (size_t k = 0; k < count; k++) to[k] = NAN;
    size_t mask = masks - 1;
    for (size_t g = people; g-- > 0;) {
        size_t k = chosen[g * masks + mask];
        if (k == MOST_SAID) continue;
        to[k] = (double)g;
        mask &= ~((size_t)1 << k);
    }
    for (size_t i = from; i < b->n; i++) {
        double now = NAN;
        for (size_t k = 0; k < count; k++)
            if (b->predicted[i] == (double)said[k]) now = to[k];
        b->predicted[i] = now;
    }
    base_free(best);
    base_free(overlap);
    base_free(chosen);
    return AFFECT_OK;
}

static affect_status tier(board *b, const json_t *t) {
    const char *name = benchmark_text(t, "name");
    bool spans = strcmp(benchmark_text(t, "metric"), "spans") == 0,
         persons = strcmp(benchmark_text(t, "metric"), "persons") == 0;
    affect_status status = AFFECT_OK;
    b->classes = 0;
    for (size_t i = 0; i < b->count && !status; i++) {
        const benchmark_item *item = &b->items[i];
        size_t frames = (size_t)(duration(item) * FRAMES_A_SECOND), from = b->n;
        for (size_t k = 0; k < frames && !status; k++) {
            double now = ((double)k + .5) / FRAMES_A_SECOND;
            const char *gold = label_at(&item->gold, name, item->id, now),
                       *said = label_at(&item->predicted, name, item->id, now);
            if (spans)
                status = add(b, gold != NULL, said != NULL, i);
            else if (gold) /* where nothing is right, nothing is wrong */
                status = add(b, class_of(b, gold), said ? class_of(b, said) : NAN, i);
            if (!status && !spans && gold && isnan(b->gold[b->n - 1]))
                return base_fail(b->ctx, AFFECT_ERROR_LIMIT, "over %d labels in tier '%s'",
                                 MOST_LABELS, name);
        }
        if (!status && persons) status = match_names(b, from, b->classes);
    }
    return status ? status : finish(b, spans ? SPANS : LABELS, name, NULL);
}

static affect_status whole_labels(board *b) {
    affect_status status = AFFECT_OK;
    b->classes = 0;
    for (size_t i = 0; i < b->count && !status; i++) {
        const char *said = NULL;
        for (size_t k = 0; k < b->items[i].predicted.mark_count; k++)
            if (strcmp(b->items[i].predicted.marks[k].tier, "label") == 0)
                said = b->items[i].predicted.marks[k].label;
        if (b->items[i].label)
            status = add(b, class_of(b, b->items[i].label), said ? class_of(b, said) : NAN, i);
    }
    return status || !b->n ? status : finish(b, LABELS, "label", NULL);
}

/* ---- the report ---- */

static affect_status print(const board *b, const benchmark_manifest *m, base_text *out) {
    const char *system = b->options->predictions ? b->options->predictions : b->options->system;
    if (b->options->json) {
        json_t *root = json_pack("{s:s, s:s, s:s, s:i, s:O}", "benchmark",
                                 benchmark_text(m->root, "name"), "system", system, "split",
                                 b->options->split, "items", (int)b->count, "scores", b->rows);
        char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        json_decref(root);
        if (!text) return base_fail_memory(b->ctx);
        base_text_printf(out, "%s\n", text);
        free(text);
        return AFFECT_OK;
    }
    base_text_printf(out, "%s, %s: %zu recordings, by %s\n", benchmark_text(m->root, "name"),
                     b->options->split, b->count, system);
    for (size_t i = 0; i < json_array_size(b->rows); i++) {
        const json_t *row = json_array_get(b->rows, i), *value = json_object_get(row, "value"),
                     *low = json_object_get(row, "low"), *high = json_object_get(row, "high"),
                     *gone = json_object_get(row, "unanswered");
        base_text_printf(out, "%-16s %-12s ", benchmark_text(row, "what"),
                         benchmark_text(row, "metric"));
        if (value)
            base_text_printf(out, "%8.3f", json_number_value(value));
        else
            base_text_printf(out, "%8s", "-");
        if (low)
            base_text_printf(out, "  [%.3f, %.3f]", json_number_value(low),
                             json_number_value(high));
        if (gone) base_text_printf(out, "  %lld unanswered", (long long)json_integer_value(gone));
        base_text_append(out, "\n");
    }
    return AFFECT_OK;
}

affect_status benchmark_score(affect_context *ctx, const benchmark_manifest *m,
                              const benchmark_run_options *options, const benchmark_item *items,
                              size_t count, base_text *out) {
    board b = {
        .ctx = ctx, .options = options, .items = items, .count = count, .rows = json_array()};
    affect_status status = b.rows ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t d = 0; d < json_array_size(m->dimensions) && !status; d++)
        status = dimension(&b, json_array_get(m->dimensions, d));
    for (size_t t = 0; t < json_array_size(m->tiers) && !status; t++)
        status = tier(&b, json_array_get(m->tiers, t));
    if (!status) status = whole_labels(&b);
    if (!status) status = print(&b, m, out);
    if (!status && out->failed) status = base_fail_memory(ctx);
    json_decref(b.rows);
    base_free(b.gold);
    base_free(b.predicted);
    base_free(b.unit);
    return status;
}
