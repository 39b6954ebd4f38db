/* Files of annotation programs, what of them is wanted, and comparisons. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/annotate.h"
#include "annotate/annotate_private.h"
#include "data/frame.h"
#include "report/report.h"
#include "transcript/transcript.h"

static double number(const data_table *table, size_t row, size_t column) {
    const char *text = data_table_cell(table, row, column);
    double value;
    return base_parse_double(text, strlen(text), &value) && isfinite(value) ? value : NAN;
}

static size_t time_column(const data_table *table) {
    static const char *const names[] = {"time", "Time(sec)", "time_s", "timestamp", "seconds", "t"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        int column = data_table_column(table, names[i]);
        if (column >= 0) return (size_t)column;
    }
    return 0;
}

typedef struct moment {
    double time;
    size_t row;
} moment;
static int by_time(const void *a, const void *b) {
    const moment *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

/* "folder/rater1.csv" -> "rater1" */
static char *name_of_file(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path,
               *dot = strrchr(name, '.');
    return base_strndup(name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

/* A trace a column of numbers. */
static affect_status take_columns(affect_context *ctx, const data_table *table,
                                  data_annotation *out) {
    moment *order = base_alloc(BASE_MAX(table->rows, 1) * sizeof *order);
    bool *holds = base_calloc(BASE_MAX(table->columns, 1), sizeof *holds);
    char *file = name_of_file(table->path);
    size_t rows = 0, columns = 0, time = time_column(table);
    affect_status status = order && holds && file ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t r = 0; r < table->rows && !status; r++) {
        double t = number(table, r, time);
        if (isfinite(t)) order[rows++] = (moment){t, r};
    }
    for (size_t c = 0; c < table->columns && !status; c++) {
        for (size_t i = 0; i < rows && c != time && !holds[c]; i++)
            holds[c] = !isnan(number(table, order[i].row, c));
        columns += holds[c];
    }
    if (!status && (rows < 2 || !columns))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                           "%s: wants a column of times in seconds, a column of numbers beside it, "
                           "and two rows or more",
                           table->path);
    if (!status) qsort(order, rows, sizeof *order, by_time);
    for (size_t c = 0; c < table->columns && !status; c++) {
        const data_trace like = {
            .rater = columns == 1 ? file : table->names[c], .low = NAN, .high = NAN};
        data_trace *trace;
        if (!holds[c]) continue;
        status = data_annotation_add_trace(ctx, out, &like, rows, &trace);
        for (size_t i = 0; i < rows && !status; i++) {
            trace->times_s[i] = order[i].time;
            trace->values[i] = number(table, order[i].row, c);
            trace->rows = i + 1;
        }
    }
    out->left_out += table->rows - rows;
    base_free(order);
    base_free(holds);
    base_free(file);
    return status;
}

static affect_status read_transcript(affect_context *ctx, const char *path, data_annotation *out) {
    transcript t = {0};
    affect_status status = transcript_read(ctx, path, &t);
    for (size_t i = 0; i < t.note_count && !status; i++)
        base_log(ctx, AFFECT_LOG_WARNING, "%s: %s", path, t.notes[i]);
    if (!status && t.skipped)
        base_log(ctx, AFFECT_LOG_WARNING, "%s: %zu intervals left out, the first at line %zu: %s",
                 path, t.skipped, t.skipped_line, t.skipped_reason);
    for (size_t i = 0; i < t.cue_count && !status; i++) {
        const transcript_cue *cue = &t.cues[i];
        const data_mark mark = {.tier = cue->tier,
                                .rater = cue->speaker,
                                .label = cue->text,
                                .t0_s = (double)cue->t0 / AFFECT_SECOND,
                                .t1_s = (double)cue->t1 / AFFECT_SECOND,
                                .confidence = (double)cue->confidence};
        if (*cue->text) status = data_annotation_add_mark(ctx, out, &mark);
    }
    transcript_destroy(&t);
    return status;
}

/* A timeline that we wrote: its tiers. */
static affect_status read_timeline(affect_context *ctx, const affect_timeline *timeline,
                                   data_annotation *out) {
    affect_status status = AFFECT_OK;
    for (size_t k = 0; k < affect_timeline_tier_count(timeline); k++) {
        const affect_tier *tier = affect_timeline_tier(timeline, k);
        for (size_t i = 0; i < affect_tier_count(tier) && !status; i++) {
            const affect_interval *a = affect_tier_interval(tier, i);
            const data_mark mark = {.tier = affect_tier_id(tier),
                                    .rater = "affect",
                                    .label = a->label,
                                    .t0_s = (double)a->t0 / AFFECT_SECOND,
                                    .t1_s = (double)a->t1 / AFFECT_SECOND,
                                    .confidence = (double)a->score};
            status = data_annotation_add_mark(ctx, out, &mark);
        }
    }
    return status;
}

affect_status annotate_read_file(affect_context *ctx, const char *path, data_annotation *out) {
    static const char *const transcripts[] = {".eaf", ".TextGrid", ".textgrid", ".srt",
                                              ".vtt", ".ass",      ".ssa",      ".sbv",
                                              ".lrc", ".ttml",     ".dfxp"};
    bool known, cues = false;
    affect_status status = data_annotation_open(ctx, path, out, &known);
    if (status) return status;
    for (size_t i = 0; i < BASE_COUNT(transcripts); i++)
        cues |= base_ends_with(path, transcripts[i]);
    if (!known) {
        base_arena_init(&out->arena, 0);
        out->format = cues ? "transcript" : "table";
        data_frame *frame = NULL;
        affect_timeline *timeline = NULL;
        if (base_ends_with(path, ".json") && report_read_json(ctx, path, &timeline) == AFFECT_OK) {
            out->format = "timeline";
            status = read_timeline(ctx, timeline, out);
            affect_timeline_destroy(timeline);
        } else if (cues || base_ends_with(path, ".json")) {
            status = read_transcript(ctx, path, out);
        } else if (base_ends_with(path, ".csv") || base_ends_with(path, ".tsv") ||
                   base_ends_with(path, ".txt")) {
            data_table *table = NULL; /* strict: a row of another width is a mistake */
            status = data_table_open(ctx, path, NULL, &table);
            if (!status) status = take_columns(ctx, table, out);
            data_table_destroy(table);
        } else {
            status = data_frame_open(ctx, path, false, &frame);
            if (!status && !frame->table)
                status =
                    base_fail(ctx, AFFECT_ERROR_FORMAT,
                              "%s: wants the arrays times and values (docs/annotate.md)", path);
            if (!status) status = take_columns(ctx, frame->table, out);
            data_frame_destroy(frame);
        }
    }
    if (!status && out->left_out)
        base_log(ctx, AFFECT_LOG_WARNING, "%s: %zu rows are left out: no time, or nobody's", path,
                 out->left_out);
    if (status) data_annotation_destroy(out);
    return status;
}

affect_status annotate_add_file(affect_context *ctx, const char *path, data_annotation *out) {
    data_annotation one;
    affect_status status = annotate_read_file(ctx, path, &one);
    if (status) return status;
    for (size_t k = 0; k < one.trace_count && !status; k++) {
        const data_trace *from = &one.traces[k];
        data_trace *to;
        status = data_annotation_add_trace(ctx, out, from, from->rows, &to);
        if (status) break;
        to->rows = from->rows;
        memcpy(to->times_s, from->times_s, from->rows * sizeof(double));
        memcpy(to->values, from->values, from->rows * sizeof(double));
        if (to->confidence) memcpy(to->confidence, from->confidence, from->rows * sizeof(float));
    }
    for (size_t k = 0; k < one.mark_count && !status; k++)
        status = data_annotation_add_mark(ctx, out, &one.marks[k]);
    data_annotation_destroy(&one);
    return status;
}

/* ---- which ---- */

static bool wanted(const char *said, const char *choice) {
    return !choice || strcmp(said, choice) == 0;
}

static affect_status nothing_left(affect_context *ctx, const data_annotation *a,
                                  const annotate_choice *choice) {
    base_text there = {0};
    for (size_t i = 0; i < BASE_MIN(a->trace_count, 6); i++)
        base_text_printf(&there, "%s'%s' of '%s' by '%s'", i ? ", " : "", a->traces[i].dimension,
                         a->traces[i].recording, a->traces[i].rater);
    affect_status status = base_fail(
        ctx, AFFECT_ERROR_NOT_FOUND,
        "no trace or interval of recording '%s', dimension '%s', rater '%s'%s%s",
        choice->recording ? choice->recording : "(any)",
        choice->dimension ? choice->dimension : "(any)", choice->rater ? choice->rater : "(any)",
        there.length ? "; there is " : "", there.length ? there.data : "");
    base_text_destroy(&there);
    return status;
}

static affect_status resample(affect_context *ctx, data_annotation *a, double step) {
    double from = INFINITY, to = -INFINITY;
    for (size_t k = 0; k < a->trace_count; k++)
        if (a->traces[k].rows) {
            from = fmin(from, a->traces[k].times_s[0]);
            to = fmax(to, a->traces[k].times_s[a->traces[k].rows - 1]);
        }
    if (!(to >= from)) return AFFECT_OK;
    from = ceil(from / step - 1e-6) * step; /* whole steps from the recording's begin */
    double points = floor((to - from) / step + 1e-6) + 1;
    if (points > (1 << 21))
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "%.0f points of time: a larger step is needed",
                         points);
    size_t n = points > 0 ? (size_t)points : 0;
    for (size_t k = 0; k < a->trace_count; k++) {
        data_trace *t = &a->traces[k];
        const affect_gold_trace trace = {NULL, t->rows, t->times_s, t->values};
        double *times = base_arena_alloc(&a->arena, BASE_MAX(n, 1) * sizeof *times),
               *values = base_arena_alloc(&a->arena, BASE_MAX(n, 1) * sizeof *values);
        if (!times || !values) return base_fail_memory(ctx);
        for (size_t i = 0; i < n; i++) times[i] = from + (double)i * step, values[i] = NAN;
        if (t->rows) annotate_read(&trace, from, step, n, values);
        t->times_s = times;
        t->values = values;
        t->rows = n;
        t->bin_s = 0;
        t->confidence = NULL;
    }
    return AFFECT_OK;
}

affect_status annotate_choose(affect_context *ctx, data_annotation *a,
                              const annotate_choice *choice) {
    size_t traces = 0, marks = 0;
    if (!choice) return AFFECT_OK;
    for (size_t k = 0; k < a->trace_count; k++)
        traces += wanted(a->traces[k].recording, choice->recording) &&
                  wanted(a->traces[k].dimension, choice->dimension) &&
                  wanted(a->traces[k].rater, choice->rater);
    for (size_t k = 0; k < a->mark_count; k++)
        marks += wanted(a->marks[k].recording, choice->recording) &&
                 wanted(a->marks[k].tier, choice->dimension) &&
                 wanted(a->marks[k].rater, choice->rater);
    if (!traces && !marks) return nothing_left(ctx, a, choice);
    traces = marks = 0;
    for (size_t k = 0; k < a->trace_count; k++)
        if (wanted(a->traces[k].recording, choice->recording) &&
            wanted(a->traces[k].dimension, choice->dimension) &&
            wanted(a->traces[k].rater, choice->rater))
            a->traces[traces++] = a->traces[k];
    for (size_t k = 0; k < a->mark_count; k++)
        if (wanted(a->marks[k].recording, choice->recording) &&
            wanted(a->marks[k].tier, choice->dimension) && wanted(a->marks[k].rater, choice->rater))
            a->marks[marks++] = a->marks[k];
    a->trace_count = traces;
    a->mark_count = marks;
    return choice->step_s > 0 ? resample(ctx, a, choice->step_s) : AFFECT_OK;
}

/* ---- for a gold standard ---- */

static affect_status add(affect_context *ctx, const data_annotation *a, const data_trace *t,
                         annotate_traces *out) {
    base_text name = {0};
    bool raters = false;
    for (size_t k = 1; k < a->trace_count; k++)
        raters |= strcmp(a->traces[k].rater, a->traces[0].rater) != 0;
    base_text_append(&name, raters || !*t->dimension || *t->rater ? t->rater : t->dimension);
    char *copy = name.failed ? NULL : base_strdup(name.length ? name.data : "");
    base_text_destroy(&name);
    double *times = base_alloc(BASE_MAX(t->rows, 1) * sizeof *times),
           *values = base_alloc(BASE_MAX(t->rows, 1) * sizeof *values);
    if (!copy || !times || !values ||
        !base_grow((void **)&out->items, &out->capacity, out->count + 1, sizeof *out->items)) {
        base_free(copy);
        base_free(times);
        base_free(values);
        return base_fail_memory(ctx);
    }
    memcpy(times, t->times_s, t->rows * sizeof *times);
    memcpy(values, t->values, t->rows * sizeof *values);
    out->items[out->count++] = (affect_gold_trace){copy, t->rows, times, values};
    return AFFECT_OK;
}

affect_status annotate_traces_read(affect_context *ctx, const char *path,
                                   const annotate_choice *choice, annotate_traces *out) {
    data_annotation a;
    affect_status status = annotate_read_file(ctx, path, &a);
    if (status) return status;
    status = annotate_choose(ctx, &a, choice);
    if (!status && !a.trace_count)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: holds intervals, no traces", path);
    for (size_t k = 1; k < a.trace_count && !status; k++)
        if (strcmp(a.traces[k].recording, a.traces[0].recording) != 0)
            status =
                base_fail(ctx, AFFECT_ERROR_USAGE,
                          "%s: holds traces of several recordings ('%s', '%s'): choose one with "
                          "--recording",
                          path, a.traces[0].recording, a.traces[k].recording);
        else if (strcmp(a.traces[k].dimension, a.traces[0].dimension) != 0)
            status =
                base_fail(ctx, AFFECT_ERROR_USAGE,
                          "%s: holds traces of several dimensions ('%s', '%s'): choose one with "
                          "--dimension",
                          path, a.traces[0].dimension, a.traces[k].dimension);
    size_t relative = status ? 0 : data_annotation_normalise(&a);
    if (relative)
        base_log(ctx, AFFECT_LOG_WARNING, "%s: %zu relative traces were normalised to 0..1 each",
                 path, relative);
    for (size_t k = 0; k < a.trace_count && !status; k++) status = add(ctx, &a, &a.traces[k], out);
    data_annotation_destroy(&a);
    return status;
}

void annotate_traces_destroy(annotate_traces *traces) {
    for (size_t i = 0; i < traces->count; i++) {
        base_free((void *)traces->items[i].name); /* all three were made above */
        base_free((void *)traces->items[i].times_s);
        base_free((void *)traces->items[i].values);
    }
    base_free(traces->items);
    *traces = (annotate_traces){0};
}

affect_status annotate_comparisons_read(affect_context *ctx, const char *path,
                                        affect_gold_comparison **out, size_t *count) {
    static const char *const names[] = {"ref_start", "ref_end", "a_start",      "a_end",
                                        "b_start",   "b_end",   "closer_to_ref"};
    int column[BASE_COUNT(names)];
    data_table *table = NULL;
    *out = NULL;
    *count = 0;
    affect_status status = data_table_open(ctx, path, NULL, &table);
    for (size_t i = 0; i < BASE_COUNT(names) && !status; i++) {
        column[i] = data_table_column(table, names[i]);
        if (column[i] < 0)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no column '%s'", path, names[i]);
    }
    if (!status && !(*out = base_calloc(BASE_MAX(table->rows, 1), sizeof **out)))
        status = base_fail_memory(ctx);
    for (size_t r = 0; r < (status ? 0 : table->rows) && !status; r++) {
        affect_gold_comparison *c = &(*out)[r];
        double *const into[] = {&c->reference[0], &c->reference[1], &c->a[0],
                                &c->a[1],         &c->b[0],         &c->b[1]};
        for (size_t i = 0; i < BASE_COUNT(into) && !status; i++) {
            *into[i] = number(table, r, (size_t)column[i]);
            if (isnan(*into[i]))
                status = data_table_fail(ctx, table, r, (size_t)column[i], "a time in seconds");
        }
        const char *closer = data_table_cell(table, r, (size_t)column[6]);
        c->closer = base_equal_ignore_case(closer, "b");
        if (!status && !c->closer && !base_equal_ignore_case(closer, "a"))
            status = data_table_fail(ctx, table, r, (size_t)column[6], "A or B");
    }
    if (!status) *count = table->rows;
    if (status) {
        base_free(*out);
        *out = NULL;
    }
    data_table_destroy(table);
    return status;
}

affect_status annotate_reactions_read(affect_context *ctx, const char *path,
                                      affect_gold_reaction **out, size_t *count) {
    data_table *t = NULL;
    *out = NULL;
    *count = 0;
    affect_status status = data_table_open(ctx, path, NULL, &t);
    if (status) return status;
    int rater = data_table_column(t, "rater"), lag = data_table_column(t, "lag_s"),
        sd = data_table_column(t, "sd_s");
    size_t bytes = BASE_MAX(t->rows, 1) * sizeof **out;
    if (rater < 0 || lag < 0)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: wants the columns rater and lag_s", path);
    for (size_t r = 0; r < t->rows && !status; r++)
        bytes += strlen(data_table_cell(t, r, (size_t)rater)) + 1;
    if (!status && !(*out = base_calloc(1, bytes))) status = base_fail_memory(ctx);
    char *name = status ? NULL : (char *)(*out + t->rows);
    for (size_t r = 0; r < t->rows && !status; r++) {
        const char *text = data_table_cell(t, r, (size_t)rater);
        affect_gold_reaction *one = &(*out)[r];
        one->rater = memcpy(name, text, strlen(text) + 1);
        name += strlen(text) + 1;
        one->lag_s = number(t, r, (size_t)lag);
        one->sd_s = sd < 0 ? NAN : number(t, r, (size_t)sd);
        if (!(fabs(one->lag_s) <= 60))
            status = data_table_fail(ctx, t, r, (size_t)lag, "seconds, at most 60");
    }
    if (!status) *count = t->rows;
    data_table_destroy(t);
    if (status) {
        base_free(*out);
        *out = NULL;
    }
    return status;
}

affect_gold_method annotate_method(const char *word) {
    static const char *const words[] = {"latent", "mean",   "median", "ewe",
                                        "dba",    "mi-lag", "ctw",    "raaw"};
    for (size_t i = 0; word && i < BASE_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0) return (affect_gold_method)i;
    return AFFECT_GOLD_LATENT;
}
