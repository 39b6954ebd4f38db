/* Figures of each group (speaker, gender, language, corpus, ...), with intervals and the largest gap. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/evaluate.h"

enum { SHOWN_VALUES = 4 }; /* a task's first are those that papers print; JSON has all */

/* One group under the metric of the whole: its items by their places among all. */
typedef struct group {
    evaluate_data *data;
    affect_score_metric metric;
    uint32_t *items, *drawn;
    size_t count, room;
} group;

static bool group_metric(void *user, const uint32_t *index, size_t n, double *out) {
    group *g = user;
    if (g->data->status) return false;
    if (n > g->room) { /* units differ in size */
        uint32_t *larger = base_realloc(g->drawn, (n + n / 4 + 1) * sizeof *larger);
        if (!larger) {
            g->data->status = base_fail_memory(g->data->call->ctx);
            return false;
        }
        g->drawn = larger;
        g->room = n + n / 4;
    }
    for (size_t i = 0; i < n; i++) g->drawn[i] = g->items[index[i]];
    return g->metric(g->data, g->drawn, n, out);
}

/* The group's units, numbered from 0. */
static size_t own_units(const evaluate_join *j, const group *g, int32_t *number, int32_t *unit) {
    size_t units = 0;
    for (size_t i = 0; i < g->count; i++) number[j->unit[g->items[i]]] = -1;
    for (size_t i = 0; i < g->count; i++) {
        int32_t *mine = &number[j->unit[g->items[i]]];
        if (*mine < 0) *mine = (int32_t)units++;
        unit[i] = *mine;
    }
    return units;
}

typedef struct groups {
    evaluate_names names;
    double *values; /* groups x values */
    affect_score_interval *intervals;
    size_t *items;
} groups;

static affect_status measure(evaluate_data *d, affect_score_metric metric, const int32_t *of,
                             size_t width, groups *all) {
    const evaluate_call *call = d->call;
    const evaluate_join *j = d->join;
    group g = {d,
               metric,
               base_alloc((j->n + 1) * sizeof *g.items),
               base_alloc((j->n + 1) * sizeof *g.drawn),
               0,
               j->n};
    int32_t *unit = base_alloc((j->n + 1) * sizeof *unit);
    int32_t *number = base_alloc((j->units + 1) * sizeof *number);
    affect_status status =
        g.items && g.drawn && unit && number ? AFFECT_OK : base_fail_memory(call->ctx);
    for (size_t k = 0; k < all->names.count && !status; k++) {
        g.count = 0;
        for (size_t i = 0; i < j->n; i++)
            if (of[i] == (int32_t)k) g.items[g.count++] = (uint32_t)i;
        all->items[k] = g.count;
        double *values = all->values + k * width;
        if (!metric(d, g.items, g.count, values))
            for (size_t v = 0; v < width; v++) values[v] = NAN;
        status = d->status;
        size_t units = own_units(j, &g, number, unit);
        if (!status && call->rounds)
            status = evaluate_intervals(d, g.items, g.count, unit, units, group_metric, &g, width,
                                        all->intervals + k * width);
    }
    base_free(g.items);
    base_free(g.drawn);
    base_free(unit);
    base_free(number);
    return status;
}

static char *keep(evaluate_report *r, const char *text) {
    char *copy = base_arena_alloc(&r->texts, strlen(text) + 1);
    if (copy) memcpy(copy, text, strlen(text) + 1);
    return copy;
}

static affect_status put_tables(const evaluate_call *call, const groups *all, size_t width,
                                evaluate_report *r) {
    static const char *const columns[] = {"value", "low", "high", "items"};
    static const char *const gap_columns[] = {"gap", "low", "high"};
    const bool all_values = call->json || strcmp(call->format, "json") == 0;
    size_t most = all_values ? width : BASE_MIN(width, (size_t)SHOWN_VALUES), gaps = 0, shown = 0;
    size_t n = all->names.count, which[EVALUATE_MOST_VALUES];
    for (size_t v = 0; v < width && shown < most; v++)
        for (size_t k = 0; k < n; k++) /* what no group has is of the whole */
            if (isfinite(all->values[k * width + v])) {
                which[shown++] = v;
                break;
            }
    const char **rows = base_arena_alloc(&r->texts, (n * shown + 1) * sizeof *rows);
    const char **gap_rows = base_arena_alloc(&r->texts, (shown + 1) * sizeof *gap_rows);
    base_text name = {0};
    if (!rows || !gap_rows) return base_fail_memory(call->ctx);
    for (size_t v = 0; v < shown && !name.failed; v++)
        for (size_t k = 0; k < n; k++) {
            base_text_clear(&name);
            base_text_printf(&name, "%s: %s", r->names[which[v]], all->names.items[k]);
            rows[v * n + k] = name.failed ? NULL : keep(r, name.data);
            name.failed = name.failed || !rows[v * n + k];
        }
    affect_score_gap *gap = base_alloc((shown + 1) * sizeof *gap);
    for (size_t v = 0; v < shown && gap && !name.failed; v++) {
        affect_score_gap_from(all->values + which[v], all->intervals + which[v], n, width,
                              &gap[gaps]);
        if (isnan(gap[gaps].gap)) continue;
        base_text_clear(&name);
        base_text_printf(&name, "%s: %s over %s", r->names[which[v]],
                         all->names.items[gap[gaps].highest], all->names.items[gap[gaps].lowest]);
        gap_rows[gaps] = name.failed ? NULL : keep(r, name.data);
        name.failed = name.failed || !gap_rows[gaps];
        gaps++;
    }
    double *values = NULL, *gap_values = NULL;
    if (!name.failed && gap) {
        values = evaluate_report_table(r, "groups", rows, n * shown, columns, BASE_COUNT(columns));
        gap_values = evaluate_report_table(r, "largest gap", gap_rows, gaps, gap_columns,
                                           BASE_COUNT(gap_columns));
    }
    affect_status status = values && gap_values ? AFFECT_OK : base_fail_memory(call->ctx);
    for (size_t v = 0; v < shown && !status; v++)
        for (size_t k = 0; k < n; k++) {
            const double row[] = {all->values[k * width + which[v]],
                                  all->intervals[k * width + which[v]].low,
                                  all->intervals[k * width + which[v]].high, (double)all->items[k]};
            memcpy(values + (v * n + k) * BASE_COUNT(columns), row, sizeof row);
        }
    for (size_t g = 0; g < gaps && !status; g++) {
        const double row[] = {gap[g].gap, gap[g].interval.low, gap[g].interval.high};
        memcpy(gap_values + g * BASE_COUNT(gap_columns), row, sizeof row);
    }
    base_free(gap);
    base_text_destroy(&name);
    return status;
}

affect_status evaluate_groups(evaluate_data *d, affect_score_metric metric, evaluate_report *r) {
    const evaluate_call *call = d->call;
    const evaluate_join *j = d->join;
    groups all = {0};
    char buffer[DATA_FRAME_CELL];
    const size_t column = (size_t)j->gold_by;
    affect_status status = AFFECT_OK;
    int32_t *of = base_alloc((j->n + 1) * sizeof *of);
    if (!of) return base_fail_memory(call->ctx);
    int64_t none = 0;
    for (int collect = 1; collect >= 0 && !status; collect--) {
        for (size_t i = 0; i < j->n && !status; i++) {
            const char *text = data_frame_text(j->gold, j->gold_row[i], column, buffer);
            bool missing = data_frame_missing(text);
            if (collect && !missing)
                status = evaluate_names_add(call->ctx, &all.names, text, strlen(text));
            else if (!collect)
                of[i] = missing ? -1 : evaluate_names_find(&all.names, text, strlen(text));
            none += collect && missing;
        }
        if (collect) evaluate_names_sort(&all.names);
    }
    size_t n = all.names.count;
    if (!status && n > j->n / 2 && n > 50)
        status = base_fail(call->ctx, AFFECT_ERROR_ARGUMENT,
                           "--by %s: %zu groups of %zu items say nothing: name a column "
                           "whose values many rows share",
                           call->by, n, j->n);
    all.values = base_alloc((n * r->count + 1) * sizeof *all.values);
    all.intervals = base_alloc((n * r->count + 1) * sizeof *all.intervals);
    all.items = base_alloc((n + 1) * sizeof *all.items);
    if (!status && (!all.values || !all.intervals || !all.items))
        status = base_fail_memory(call->ctx);
    for (size_t i = 0; !status && i < n * r->count; i++)
        all.intervals[i] = (affect_score_interval){NAN, NAN};
    if (!status) evaluate_report_skip(r, "rows of no group (they count in the whole)", none);
    if (!status) status = measure(d, metric, of, r->count, &all);
    if (!status) status = put_tables(call, &all, r->count, r);
    evaluate_names_clear(&all.names);
    base_free(all.values);
    base_free(all.intervals);
    base_free(all.items);
    base_free(of);
    return status;
}
