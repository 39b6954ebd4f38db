/* Annotations in memory: traces and marks, and what they are as a table. */
#include "data/annotation.h"

#include <math.h>
#include <string.h>

enum { MOST_TRACES = 1 << 16, MOST_MARKS = 1 << 22 };

static const char *keep(data_annotation *a, const char *text) {
    if (!text || !*text) return "";
    size_t length = strlen(text) + 1;
    char *copy = base_arena_alloc(&a->arena, length);
    return copy ? memcpy(copy, text, length) : NULL;
}

affect_status data_annotation_add_trace(affect_context *ctx, data_annotation *out,
                                        const data_trace *like, size_t rows, data_trace **added) {
    if (out->trace_count >= MOST_TRACES)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "over %d traces in one file", MOST_TRACES);
    if (rows > SIZE_MAX / sizeof(double) / 4 ||
        !base_grow((void **)&out->traces, &out->trace_capacity, out->trace_count + 1,
                   sizeof *out->traces))
        return base_fail_memory(ctx);
    data_trace *t = &out->traces[out->trace_count];
    *t = *like;
    t->recording = keep(out, like->recording);
    t->dimension = keep(out, like->dimension);
    t->rater = keep(out, like->rater);
    t->rows = 0;
    t->times_s = base_arena_alloc(&out->arena, BASE_MAX(rows, 1) * sizeof(double));
    t->values = base_arena_alloc(&out->arena, BASE_MAX(rows, 1) * sizeof(double));
    bool confident = like->confidence != NULL;
    t->confidence =
        confident ? base_arena_alloc(&out->arena, BASE_MAX(rows, 1) * sizeof(float)) : NULL;
    if (!t->recording || !t->dimension || !t->rater || !t->times_s || !t->values ||
        (confident && !t->confidence))
        return base_fail_memory(ctx);
    out->trace_count++;
    *added = t;
    return AFFECT_OK;
}

affect_status data_annotation_add_mark(affect_context *ctx, data_annotation *out,
                                       const data_mark *mark) {
    if (out->mark_count >= MOST_MARKS)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "over %d intervals in one file", MOST_MARKS);
    if (!base_grow((void **)&out->marks, &out->mark_capacity, out->mark_count + 1,
                   sizeof *out->marks))
        return base_fail_memory(ctx);
    data_mark m = *mark;
    m.recording = keep(out, mark->recording);
    m.tier = keep(out, mark->tier);
    m.rater = keep(out, mark->rater);
    m.label = keep(out, mark->label);
    m.made = keep(out, mark->made);
    if (!m.recording || !m.tier || !m.rater || !m.label || !m.made) return base_fail_memory(ctx);
    out->marks[out->mark_count++] = m;
    return AFFECT_OK;
}

void data_annotation_destroy(data_annotation *a) {
    base_free(a->traces);
    base_free(a->marks);
    base_arena_destroy(&a->arena);
    *a = (data_annotation){0};
}

size_t data_annotation_normalise(data_annotation *a) {
    size_t changed = 0;
    for (size_t k = 0; k < a->trace_count; k++) {
        data_trace *t = &a->traces[k];
        double low = INFINITY, high = -INFINITY;
        if (!t->relative) continue;
        for (size_t i = 0; i < t->rows; i++)
            if (isfinite(t->values[i])) {
                low = fmin(low, t->values[i]);
                high = fmax(high, t->values[i]);
            }
        for (size_t i = 0; i < t->rows; i++)
            if (isfinite(
                    t->values[i])) /* halves, so that a range beyond the largest number is none */
                t->values[i] = high > low ? (t->values[i] / 2 - low / 2) / (high / 2 - low / 2) : 0;
        t->low = 0;
        t->high = 1;
        t->relative = false;
        changed++;
    }
    return changed;
}

/* ---- as a table ---- */

static void put_text(base_text *out, const char *text) {
    base_text_append(out, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"') base_text_append(out, "\"");
        base_text_append_n(out, c, 1);
    }
    base_text_append(out, "\"");
}

static bool same_times(const data_annotation *a) {
    for (size_t k = 1; k < a->trace_count; k++)
        if (a->traces[k].rows != a->traces[0].rows ||
            memcmp(a->traces[k].times_s, a->traces[0].times_s,
                   a->traces[0].rows * sizeof(double)) != 0)
            return false;
    return a->trace_count > 0;
}

static void put_number(base_text *out, double x) {
    if (isfinite(x))
        base_text_printf(out, ",%.17g", x);
    else
        base_text_append(out, ",");
}

static void put_traces(base_text *out, const data_annotation *a) {
    const data_trace *t = a->traces;
    if (same_times(a)) {
        base_text_append(out, "time");
        for (size_t k = 0; k < a->trace_count; k++) {
            bool dimensions = false;
            for (size_t j = 0; j < a->trace_count; j++)
                dimensions |= strcmp(t[j].dimension, t[0].dimension) != 0;
            base_text_append(out, ",");
            put_text(out, a->trace_count == 1 ? "value" : dimensions ? t[k].dimension : t[k].rater);
        }
        for (size_t i = 0; i < t[0].rows; i++) {
            base_text_printf(out, "\n%.17g", t[0].times_s[i]);
            for (size_t k = 0; k < a->trace_count; k++) put_number(out, t[k].values[i]);
        }
        base_text_append(out, "\n");
        return;
    }
    base_text_append(out, "recording,rater,dimension,time,value\n");
    for (size_t k = 0; k < a->trace_count; k++)
        for (size_t i = 0; i < t[k].rows; i++) {
            put_text(out, t[k].recording);
            base_text_append(out, ",");
            put_text(out, t[k].rater);
            base_text_append(out, ",");
            put_text(out, t[k].dimension);
            put_number(out, t[k].times_s[i]);
            put_number(out, t[k].values[i]);
            base_text_append(out, "\n");
        }
}

static void put_marks(base_text *out, const data_annotation *a) {
    base_text_append(out, "recording,tier,rater,label,start,end,confidence\n");
    for (size_t i = 0; i < a->mark_count; i++) {
        const data_mark *m = &a->marks[i];
        const char *const texts[] = {m->recording, m->tier, m->rater, m->label};
        for (size_t k = 0; k < BASE_COUNT(texts); k++) {
            if (k) base_text_append(out, ",");
            put_text(out, texts[k]);
        }
        put_number(out, m->t0_s);
        put_number(out, m->t1_s);
        put_number(out, m->confidence);
        base_text_append(out, "\n");
    }
}

affect_status data_annotation_table(affect_context *ctx, const char *name, const data_annotation *a,
                                    data_table **out) {
    const data_table_options options = {.delimiter = ',', .ragged = true};
    base_text text = {0};
    *out = NULL;
    if (a->trace_count)
        put_traces(&text, a);
    else
        put_marks(&text, a);
    affect_status status = text.failed
                               ? base_fail_memory(ctx)
                               : data_table_parse(ctx, name, text.data, text.length, &options, out);
    base_text_destroy(&text);
    return status;
}
