/* Traces: does the prediction move when gold moves? Samples of both files are joined by clip and
 * time, onto gold's samples. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/evaluate.h"

typedef struct sample {
    int32_t clip;
    double time;
    uint32_t row;
} sample;

typedef struct trace_file {
    data_frame *frame;
    int clip, time, value;
    sample *samples; /* sorted by clip and time */
    size_t count;
} trace_file;

/* What a clip adds to the sums of the bootstrap. */
typedef struct clip_sums {
    double matched, gold, predicted, error; /* points */
    double ccc, has_ccc, lag, lag_size, correlation, has_lag;
    double right, labels;
} clip_sums;

typedef struct traces {
    trace_file file[2];
    evaluate_names clips, labels;
    size_t *start; /* of each clip in gold's samples; clips.count + 1 */
    clip_sums *sums;
    int64_t *transitions; /* labels: clips x 2 x classes x classes */
    double step;          /* seconds between samples */
    bool is_labels, timed;
} traces;

static const char *const time_names[] = {"time", "time_s", "timestamp", "t", "frame"};
static const char *const value_names[] = {"value",      "label",     "emotion", "gold",
                                          "prediction", "predicted", "pred"};
enum { GOLD, PREDICTED, MOST_CLASSES = 200, MOST_LISTED = 100 };
static const double same_time = 0.0005; /* times are written with milliseconds */

static int by_time(const void *a, const void *b) {
    const sample *x = a, *y = b;
    if (x->clip != y->clip) return x->clip < y->clip ? -1 : 1;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static affect_status find_columns(const evaluate_call *call, trace_file *f, const char *value) {
    affect_status status = evaluate_find_column(call->ctx, f->frame, call->clip,
                                                evaluate_clip_names, EVALUATE_CLIP_NAMES, &f->clip);
    if (!status)
        status = evaluate_find_column(call->ctx, f->frame, call->time, time_names,
                                      BASE_COUNT(time_names), &f->time);
    if (!status)
        status = evaluate_find_column(call->ctx, f->frame, value ? value : call->column,
                                      value_names, BASE_COUNT(value_names), &f->value);
    size_t left = 0;
    int unit = call->unit ? data_frame_column(f->frame, call->unit) : -1, last = -1;
    for (size_t c = 0; c < f->frame->columns && !status; c++)
        if ((int)c != f->clip && (int)c != f->time && (int)c != unit) {
            last = (int)c;
            left++;
        }
    if (!status && f->value < 0 && left != 1)
        return base_fail(call->ctx, AFFECT_ERROR_USAGE,
                         "%s has %zu columns that could hold the trace: name one with --column, "
                         "--gold-column or --pred-column",
                         f->frame->path, left);
    if (f->value < 0) f->value = last;
    return status;
}

/* Samples of the clips that gold names; gold names them all. */
static affect_status read_samples(const evaluate_call *call, traces *t, int side, int64_t *no_time,
                                  int64_t *no_clip) {
    trace_file *f = &t->file[side];
    char buffer[DATA_FRAME_CELL];
    f->samples = base_alloc((f->frame->rows + 1) * sizeof *f->samples);
    size_t *counts = NULL;
    affect_status status = f->samples ? AFFECT_OK : base_fail_memory(call->ctx);
    if (f->frame->rows > UINT32_MAX / 2)
        status = base_fail(call->ctx, AFFECT_ERROR_LIMIT, "more than 2^31 rows");
    for (size_t r = 0; r < f->frame->rows && !status; r++) {
        const char *clip =
            f->clip < 0 ? "recording" : data_frame_text(f->frame, r, (size_t)f->clip, buffer);
        if (side == GOLD) status = evaluate_names_add(call->ctx, &t->clips, clip, strlen(clip));
        int32_t at = evaluate_names_find(&t->clips, clip, strlen(clip));
        double time = 0;
        if (!status && t->timed && !data_frame_number(f->frame, r, (size_t)f->time, &time))
            status = data_frame_fail(call->ctx, f->frame, r, (size_t)f->time, "seconds");
        *no_clip += at < 0;
        *no_time += at >= 0 && isnan(time);
        if (!status && at >= 0 && !isnan(time))
            f->samples[f->count++] = (sample){at, time, (uint32_t)r};
    }
    if (!status && !t->timed) { /* the k-th row of a clip is its k-th sample */
        counts = base_calloc(t->clips.count + 1, sizeof *counts);
        if (!counts) status = base_fail_memory(call->ctx);
        for (size_t i = 0; i < f->count && counts; i++)
            f->samples[i].time = (double)counts[f->samples[i].clip]++ * t->step;
        base_free(counts);
    }
    if (!status) qsort(f->samples, f->count, sizeof *f->samples, by_time);
    return status;
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median distance of samples; says so when they are uneven. */
static affect_status find_step(const evaluate_call *call, traces *t) {
    const trace_file *f = &t->file[GOLD];
    if (!t->timed) return AFFECT_OK;
    double *d = base_alloc((f->count + 1) * sizeof *d);
    size_t n = 0, uneven = 0;
    if (!d) return base_fail_memory(call->ctx);
    for (size_t i = 1; i < f->count; i++)
        if (f->samples[i].clip == f->samples[i - 1].clip)
            d[n++] = f->samples[i].time - f->samples[i - 1].time;
    qsort(d, n, sizeof *d, by_number);
    t->step = n && d[n / 2] > 0 ? d[n / 2] : 1;
    for (size_t i = 0; i < n; i++) uneven += fabs(d[i] - t->step) > 0.01 * t->step + same_time;
    if (uneven)
        base_log(call->ctx, AFFECT_LOG_WARNING,
                 "%zu of %zu steps between samples are not %g s; lags and tolerances "
                 "count samples of %g s",
                 uneven, n, t->step, t->step);
    base_free(d);
    return AFFECT_OK;
}

/* Is every cell of gold a number? */
static bool holds_labels(const trace_file *f) {
    double x;
    for (size_t r = 0; r < f->frame->rows; r++)
        if (!data_frame_number(f->frame, r, (size_t)f->value, &x)) return true;
    return false;
}

static affect_status read_cell(const evaluate_call *call, traces *t, int side, uint32_t row,
                               double *out) {
    const trace_file *f = &t->file[side];
    char buffer[DATA_FRAME_CELL];
    if (!t->is_labels)
        return data_frame_number(f->frame, row, (size_t)f->value, out)
                   ? AFFECT_OK
                   : data_frame_fail(call->ctx, f->frame, row, (size_t)f->value, "a number");
    const char *text = data_frame_text(f->frame, row, (size_t)f->value, buffer);
    *out = -1;
    if (data_frame_missing(text)) return AFFECT_OK;
    if (!t->labels.fixed) {
        affect_status status = evaluate_names_add(call->ctx, &t->labels, text, strlen(text));
        if (status) return status;
    }
    *out = evaluate_names_find(&t->labels, text, strlen(text));
    return AFFECT_OK;
}

/* d->gold and d->predicted on gold's samples, NaN (or label -1) where there is no prediction. */
static affect_status join_samples(evaluate_data *d, traces *t, evaluate_report *r) {
    const evaluate_call *call = d->call;
    const trace_file *g = &t->file[GOLD], *p = &t->file[PREDICTED];
    double nothing = t->is_labels ? -1 : NAN;
    int64_t alone = 0, used = 0, holes = 0;
    d->n = g->count;
    d->gold = base_alloc((d->n + 1) * sizeof *d->gold);
    d->predicted = base_alloc((d->n + 1) * sizeof *d->predicted);
    t->start = base_calloc(t->clips.count + 2, sizeof *t->start);
    if (!d->gold || !d->predicted || !t->start) return base_fail_memory(call->ctx);
    affect_status status = AFFECT_OK;
    for (size_t i = 0, j = 0; i < g->count && !status; i++) {
        const sample *s = &g->samples[i];
        t->start[s->clip + 1] = i + 1;
        while (j < p->count &&
               (p->samples[j].clip < s->clip ||
                (p->samples[j].clip == s->clip && p->samples[j].time < s->time - same_time)))
            j++;
        bool found = j < p->count && p->samples[j].clip == s->clip &&
                     p->samples[j].time <= s->time + same_time;
        d->predicted[i] = nothing;
        status = read_cell(call, t, GOLD, s->row, &d->gold[i]);
        if (!status && found) {
            status = read_cell(call, t, PREDICTED, p->samples[j++].row, &d->predicted[i]);
            used++;
        }
        alone += !found;
        bool empty = t->is_labels ? d->gold[i] < 0 || (found && d->predicted[i] < 0)
                                  : isnan(d->gold[i]) || (found && isnan(d->predicted[i]));
        holes += empty;
        r->items += found && !empty;
    }
    for (size_t c = 0; c < t->clips.count; c++)
        t->start[c + 1] = BASE_MAX(t->start[c + 1], t->start[c]);
    evaluate_report_skip(r, "gold samples without a prediction", alone);
    evaluate_report_skip(r, "predicted samples without a gold sample", (int64_t)p->count - used);
    evaluate_report_skip(r,
                         t->labels.fixed ? "samples with an empty or unknown label"
                                         : "samples with an empty value",
                         holes);
    if (!status && !r->items)
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT,
                           "%s and %s have no sample of one clip at one time", call->gold,
                           call->predicted);
    return status;
}

/* ---- numbers ---- */

static const char *const trace_values[] = {"ccc",
                                           "ccc_mean_of_clips",
                                           "derivative_ccc",
                                           "turning_f1",
                                           "turning_precision",
                                           "turning_recall",
                                           "onset_error_s",
                                           "lag_s",
                                           "lag_size_s",
                                           "lag_correlation"};
static const char *const clip_columns[] = {"samples",       "ccc",   "derivative_ccc", "turning_f1",
                                           "onset_error_s", "lag_s", "lag_correlation"};

static double f1_of(const clip_sums *s) {
    return s->gold + s->predicted > 0 ? 2 * s->matched / (s->gold + s->predicted) : NAN;
}

static void add_sums(clip_sums *a, const clip_sums *b) {
    double *x = (double *)a;
    const double *y = (const double *)b;
    for (size_t k = 0; k < sizeof *a / sizeof *x; k++) x[k] += y[k];
}

static double share(double a, double b) { return b > 0 ? a / b : NAN; }

static bool trace_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    const traces *t = d->more;
    size_t length = 0, at = 0;
    clip_sums s = {0};
    for (size_t i = 0; i < n; i++) length += t->start[index[i] + 1] - t->start[index[i]] + 1;
    double *gold = evaluate_draw(d, 0, (length + 1) * sizeof *gold);
    double *predicted = evaluate_draw(d, 1, (length + 1) * sizeof *predicted);
    if (!gold || !predicted) return false;
    for (size_t i = 0; i < n; i++) {
        size_t from = t->start[index[i]], m = t->start[index[i] + 1] - from;
        memcpy(gold + at, d->gold + from, m * sizeof *gold);
        memcpy(predicted + at, d->predicted + from, m * sizeof *gold);
        at += m;
        gold[at] = predicted[at] = NAN; /* no difference from one clip to the next */
        at++;
        add_sums(&s, &t->sums[index[i]]);
    }
    affect_score_variance variance = evaluate_variance_of(d->call);
    const double values[] = {affect_score_ccc(gold, predicted, at, variance),
                             share(s.ccc, s.has_ccc),
                             affect_score_derivative_ccc(gold, predicted, at, variance),
                             f1_of(&s),
                             s.predicted > 0 ? s.matched / s.predicted : 0,
                             s.gold > 0 ? s.matched / s.gold : 0,
                             share(s.error, s.matched),
                             share(s.lag, s.has_lag),
                             share(s.lag_size, s.has_lag),
                             share(s.correlation, s.has_lag)};
    memcpy(out, values, sizeof values);
    return true;
}

static affect_status sum_traces(evaluate_data *d, traces *t, evaluate_report *r) {
    const evaluate_call *call = d->call;
    affect_score_variance variance = evaluate_variance_of(call);
    size_t shift = (size_t)(call->longest_lag / t->step), on_bound = 0,
           k = BASE_COUNT(clip_columns);
    double *table = t->clips.count <= MOST_LISTED
                        ? evaluate_report_table(r, "clips", (const char *const *)t->clips.items,
                                                t->clips.count, clip_columns, k)
                        : NULL;
    if (!table && t->clips.count <= MOST_LISTED) return base_fail_memory(call->ctx);
    for (size_t c = 0; c < t->clips.count; c++) {
        const double *x = d->gold + t->start[c], *y = d->predicted + t->start[c];
        size_t n = t->start[c + 1] - t->start[c];
        clip_sums *s = &t->sums[c];
        affect_score_f1 f;
        double error, correlation;
        bool bound;
        affect_status status = affect_score_turning_points(
            call->ctx, x, y, n, call->prominence, call->tolerance / t->step + 1e-9, &f, &error);
        if (status) return status;
        double ccc = affect_score_ccc(x, y, n, variance);
        double lag = affect_score_residual_lag(x, y, n, shift, &correlation, &bound) * t->step;
        *s = (clip_sums){.matched = (double)f.matched,
                         .gold = (double)f.gold,
                         .predicted = (double)f.predicted,
                         .error = f.matched ? error * t->step * (double)f.matched : 0,
                         .ccc = isnan(ccc) ? 0 : ccc,
                         .has_ccc = !isnan(ccc),
                         .lag = isnan(lag) ? 0 : lag,
                         .lag_size = isnan(lag) ? 0 : fabs(lag),
                         .correlation = isnan(lag) ? 0 : correlation,
                         .has_lag = !isnan(lag)};
        on_bound += s->has_lag > 0 && bound;
        if (table) {
            const double row[] = {(double)n,
                                  ccc,
                                  affect_score_derivative_ccc(x, y, n, variance),
                                  f1_of(s),
                                  error * t->step,
                                  lag,
                                  correlation};
            memcpy(table + c * k, row, sizeof row);
        }
    }
    if (on_bound)
        base_log(call->ctx, AFFECT_LOG_WARNING,
                 "the lag of %zu of %zu clips lies on the bound of %g s", on_bound, t->clips.count,
                 call->longest_lag);
    r->majority[0] = r->majority[2] = r->majority[3] = 0;
    return AFFECT_OK;
}

/* ---- labels ---- */

static const char *const change_values[] = {"accuracy",         "change_f1",
                                            "change_precision", "change_recall",
                                            "onset_error_s",    "transition_distance"};

static bool change_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    const traces *t = d->more;
    size_t cells = d->classes * d->classes;
    clip_sums s = {0};
    int64_t *counts = evaluate_draw(d, 0, 2 * cells * sizeof *counts);
    if (!counts) return false;
    memset(counts, 0, 2 * cells * sizeof *counts);
    for (size_t i = 0; i < n; i++) {
        add_sums(&s, &t->sums[index[i]]);
        for (size_t k = 0; k < 2 * cells; k++)
            counts[k] += t->transitions[index[i] * 2 * cells + k];
    }
    const double values[] = {share(s.right, s.labels),
                             f1_of(&s),
                             s.predicted > 0 ? s.matched / s.predicted : 0,
                             s.gold > 0 ? s.matched / s.gold : 0,
                             share(s.error, s.matched),
                             affect_score_transition_distance(counts, counts + cells, d->classes)};
    memcpy(out, values, sizeof values);
    return true;
}

static affect_status sum_labels(evaluate_data *d, traces *t, evaluate_report *r) {
    static const char *const titles[2] = {"transitions_gold", "transitions_predicted"};
    const evaluate_call *call = d->call;
    size_t k = d->classes = t->labels.count, cells = k * k;
    if (!k || k > MOST_CLASSES)
        return base_fail(call->ctx, AFFECT_ERROR_LIMIT, "%zu labels: 1 to %d are supported", k,
                         MOST_CLASSES);
    d->gold_class = base_alloc((d->n + 1) * sizeof *d->gold_class);
    d->predicted_class = base_alloc((d->n + 1) * sizeof *d->predicted_class);
    t->transitions = base_calloc((t->clips.count + 1) * 2 * cells, sizeof *t->transitions);
    int64_t *frequency = base_calloc(k, sizeof *frequency), *still = NULL;
    affect_status status = AFFECT_OK;
    if (!d->gold_class || !d->predicted_class || !t->transitions || !frequency) {
        status = base_fail_memory(call->ctx);
        goto cleanup;
    }
    double *table[2] = {NULL, NULL}, items = 0;
    for (int side = 0; side < 2; side++) {
        const char *const *names = (const char *const *)t->labels.items;
        table[side] = evaluate_report_table(r, titles[side], names, k, names, k);
        if (!table[side]) status = base_fail_memory(call->ctx);
        for (size_t i = 0; i < cells && !status; i++) table[side][i] = 0;
    }
    for (size_t i = 0; i < d->n; i++) {
        d->gold_class[i] = (int32_t)d->gold[i];
        d->predicted_class[i] = (int32_t)d->predicted[i];
    }
    for (size_t c = 0; c < t->clips.count && !status; c++) {
        const int32_t *x = d->gold_class + t->start[c], *y = d->predicted_class + t->start[c];
        size_t n = t->start[c + 1] - t->start[c];
        clip_sums *s = &t->sums[c];
        affect_score_f1 f;
        double error;
        status = affect_score_label_changes(call->ctx, x, y, n, call->tolerance / t->step + 1e-9,
                                            &f, &error);
        if (status) break;
        *s = (clip_sums){.matched = (double)f.matched,
                         .gold = (double)f.gold,
                         .predicted = (double)f.predicted,
                         .error = f.matched ? error * t->step * (double)f.matched : 0};
        for (size_t i = 0; i < n; i++) {
            if (x[i] < 0 || y[i] < 0) continue;
            s->labels++;
            s->right += x[i] == y[i];
            frequency[x[i]]++;
            items++;
        }
        for (int side = 0; side < 2; side++) {
            int64_t *counts = t->transitions + (c * 2 + (size_t)side) * cells;
            affect_score_transitions(side ? y : x, NULL, n, k, counts);
            for (size_t i = 0; i < cells; i++) table[side][i] += (double)counts[i];
        }
    }
    size_t best = 0;
    for (size_t i = 1; i < k; i++)
        if (frequency[i] > frequency[best]) best = i;
    still = base_calloc(2 * cells, sizeof *still);
    if (!status && !still) status = base_fail_memory(call->ctx);
    if (!status) {
        /* Saying one label for ever stays in it; the rows it never enters count 1. */
        for (size_t i = 0; i < cells; i++) still[i] = (int64_t)table[0][i];
        still[cells + best * k + best] = 1;
        r->majority[0] = share((double)frequency[best], items);
        r->majority[1] = 0;
        r->majority[5] = affect_score_transition_distance(still, still + cells, k);
        snprintf(r->majority_label, sizeof r->majority_label, "%s", t->labels.items[best]);
    }
cleanup:
    base_free(frequency);
    base_free(still);
    return status;
}

static void traces_clear(traces *t) {
    for (int side = 0; side < 2; side++) {
        data_frame_destroy(t->file[side].frame);
        base_free(t->file[side].samples);
    }
    evaluate_names_clear(&t->clips);
    evaluate_names_clear(&t->labels);
    base_free(t->start);
    base_free(t->sums);
    base_free(t->transitions);
}

affect_status evaluate_task_dynamics(const evaluate_call *call) {
    traces t = {.step = call->rate > 0 ? 1 / call->rate : 1};
    evaluate_report r;
    evaluate_data d = {.call = call, .more = &t};
    int32_t *unit = NULL;
    size_t units = 0;
    int64_t no_time = 0, no_clip = 0;
    evaluate_report_begin(call, &r, trace_values, BASE_COUNT(trace_values),
                          "the mean of gold for every sample");
    affect_status status =
        data_frame_open(call->ctx, call->gold, call->no_header, &t.file[GOLD].frame);
    if (!status)
        status =
            data_frame_open(call->ctx, call->predicted, call->no_header, &t.file[PREDICTED].frame);
    if (!status) status = find_columns(call, &t.file[GOLD], call->gold_column);
    if (!status) status = find_columns(call, &t.file[PREDICTED], call->predicted_column);
    if (!status && (t.file[GOLD].clip < 0) != (t.file[PREDICTED].clip < 0))
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: no column of clips (--clip)",
                           t.file[GOLD].clip < 0 ? call->gold : call->predicted);
    if (!status && (t.file[GOLD].time < 0) != (t.file[PREDICTED].time < 0))
        status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: no column of times (--time)",
                           t.file[GOLD].time < 0 ? call->gold : call->predicted);
    t.timed = t.file[GOLD].time >= 0;
    for (int side = 0; side < 2 && !status; side++)
        status = read_samples(call, &t, side, &no_time, &no_clip);
    evaluate_report_skip(&r, "predicted samples of clips that gold does not have", no_clip);
    evaluate_report_skip(&r, "samples without a time", no_time);
    if (!status) status = find_step(call, &t);
    t.is_labels = !status && (call->labels || holds_labels(&t.file[GOLD]));
    if (!status) status = evaluate_names_from_option(call->ctx, call->labels, &t.labels);
    if (!status) status = join_samples(&d, &t, &r);
    t.sums = base_calloc(t.clips.count + 1, sizeof *t.sums);
    unit = base_alloc((t.clips.count + 1) * sizeof *unit);
    if (!status && (!t.sums || !unit)) status = base_fail_memory(call->ctx);
    if (!status)
        status = evaluate_clip_units(call, t.file[GOLD].frame, t.file[GOLD].clip, &t.clips, unit,
                                     &units);
    r.item = "samples";
    r.unit = call->unit ? call->unit : "clips";
    r.units = (int64_t)units;
    if (t.is_labels) {
        r.names = change_values;
        r.count = BASE_COUNT(change_values);
        r.majority_name = "most frequent gold label for every sample";
    }
    if (!status) status = t.is_labels ? sum_labels(&d, &t, &r) : sum_traces(&d, &t, &r);
    if (!status)
        status = evaluate_values_over(&d, t.is_labels ? change_metric : trace_metric, unit,
                                      t.clips.count, units, &r);
    if (!status) status = evaluate_report_write(call, &r);
    base_free(unit);
    evaluate_report_clear(&r);
    evaluate_data_clear(&d);
    traces_clear(&t);
    return status;
}
