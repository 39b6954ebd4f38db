/* Open vocabulary: sets of free labels a sample, on emotion wheels or grouped by synonyms. */
#include <math.h>
#include <string.h>

#include "data/npy.h"
#include "data/value.h"
#include "evaluate/evaluate.h"
#include "score/wheel.h"

typedef struct open_sets {
    evaluate_join join;
    score_labels *gold, *predicted, *majority; /* of each pair; majority[] all hold one label */
    evaluate_names names;                      /* distinct gold labels */
    char best[64];                             /* the most frequent of them */
} open_sets;

static void open_sets_clear(open_sets *s) {
    for (size_t i = 0; i < s->join.n; i++) {
        if (s->gold) score_labels_clear(&s->gold[i]);
        if (s->predicted) score_labels_clear(&s->predicted[i]);
    }
    if (s->majority) score_labels_clear(&s->majority[0]);
    base_free(s->gold);
    base_free(s->predicted);
    base_free(s->majority);
    evaluate_names_clear(&s->names);
    evaluate_join_clear(&s->join);
}

/* The most frequent gold label, as the prediction for everybody. */
static affect_status set_majority(const evaluate_call *call, open_sets *s) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < s->join.n && !status; i++)
        for (size_t k = 0; k < s->gold[i].count && !status; k++)
            status = evaluate_names_add(call->ctx, &s->names, s->gold[i].items[k],
                                        strlen(s->gold[i].items[k]));
    if (status || !s->names.count) return status;
    int64_t *counts = base_calloc(s->names.count, sizeof *counts);
    if (!counts) return base_fail_memory(call->ctx);
    size_t best = 0;
    for (size_t i = 0; i < s->join.n; i++)
        for (size_t k = 0; k < s->gold[i].count; k++)
            counts[evaluate_names_find(&s->names, s->gold[i].items[k],
                                       strlen(s->gold[i].items[k]))]++;
    for (size_t k = 1; k < s->names.count; k++)
        if (counts[k] > counts[best]) best = k;
    base_free(counts);
    snprintf(s->best, sizeof s->best, "%s", s->names.items[best]);
    char list[sizeof s->best + 8];
    snprintf(list, sizeof list, "['%s']", s->best);
    status = score_labels_parse(call->ctx, list, 0, &s->majority[0]);
    for (size_t i = 1; i < s->join.n; i++) s->majority[i] = s->majority[0]; /* borrowed */
    return status;
}

static affect_status read_open_sets(const evaluate_call *call, open_sets *s, evaluate_report *r) {
    evaluate_call as = *call;
    size_t column[2] = {0};
    unsigned form = strcmp(call->edition, "2024") == 0 ? SCORE_LABELS_LOWER
                                                       : SCORE_LABELS_LOWER | SCORE_LABELS_STRIP;
    *s = (open_sets){0};
    if (!as.id) as.id = "name";
    affect_status status = evaluate_join_open(&as, &s->join);
    evaluate_join_report(&s->join, r);
    r->item = "samples";
    if (strcmp(r->unit, "items") == 0) r->unit = "samples";
    for (int side = 0; side < 2 && !status; side++) {
        const data_frame *frame = side ? s->join.predicted : s->join.gold;
        if (!as.column && !(side ? as.predicted_column : as.gold_column)) {
            int at = data_frame_column(frame, "openset");
            column[side] = (size_t)at;
            if (at >= 0) continue;
        }
        status = evaluate_value_column(&as, &s->join, side, &column[side]);
    }
    size_t n = s->join.n;
    s->gold = base_calloc(n + 1, sizeof *s->gold);
    s->predicted = base_calloc(n + 1, sizeof *s->predicted);
    s->majority = base_calloc(n + 1, sizeof *s->majority);
    if (!status && (!s->gold || !s->predicted || !s->majority))
        status = base_fail_memory(call->ctx);
    char buffer[DATA_FRAME_CELL];
    for (size_t i = 0; i < n && !status; i++) {
        status = score_labels_parse(
            call->ctx, data_frame_text(s->join.gold, s->join.gold_row[i], column[0], buffer), form,
            &s->gold[i]);
        if (!status)
            status = score_labels_parse(
                call->ctx,
                data_frame_text(s->join.predicted, s->join.predicted_row[i], column[1], buffer),
                form, &s->predicted[i]);
    }
    r->items = (int64_t)n;
    if (!status) status = set_majority(call, s);
    snprintf(r->majority_label, sizeof r->majority_label, "%s", s->best);
    return status;
}

/* ---- 2024: groups of synonyms a sample, out of a zip of npy texts ---- */

static affect_status read_groups(const evaluate_call *call, const open_sets *s, char **groups) {
    data_npz *zip;
    char buffer[DATA_FRAME_CELL];
    affect_status status = data_npz_open(call->ctx, call->synonyms, &zip);
    if (status) return status;
    for (size_t i = 0; i < s->join.n && !status; i++) {
        const char *member = NULL, *wanted = data_frame_text(s->join.gold, s->join.gold_row[i],
                                                             (size_t)s->join.gold_id, buffer);
        for (size_t k = 0; k < data_npz_count(zip) && !member; k++) {
            const char *name = data_npz_name(zip, k), *slash = strrchr(name, '/');
            if (strcmp(slash ? slash + 1 : name, wanted) == 0) member = name;
        }
        if (!member) {
            status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: no groups for sample %s",
                               call->synonyms, wanted);
            break;
        }
        data_npy *text;
        status = data_npz_array(call->ctx, zip, member, &text);
        if (status) break;
        if (text->values.type != DATA_UNICODE || !text->values.count)
            status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: %s holds no text",
                               call->synonyms, member);
        else if (!(groups[i] = data_array_text(&text->values, 0)))
            status = base_fail_memory(call->ctx);
        data_npy_destroy(text);
    }
    data_npz_destroy(zip);
    return status;
}

static const char *const grouped_values[] = {"accuracy", "recall", "mean"};

/* Means of the samples' own scores, n x 2. */
static bool grouped_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    out[0] = out[1] = 0;
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) out[k] += d->gold[2 * index[i] + k] / (double)n;
    out[2] = (out[0] + out[1]) / 2;
    return n > 0;
}

static affect_status score_grouped(evaluate_data *d, open_sets *s, evaluate_report *r) {
    const evaluate_call *call = d->call;
    size_t n = s->join.n;
    if (!call->synonyms)
        return base_fail(call->ctx, AFFECT_ERROR_USAGE, "edition 2024 wants --synonyms ZIP");
    char **groups = base_calloc(n + 1, sizeof *groups);
    d->gold = base_alloc((2 * n + 1) * sizeof *d->gold);
    affect_status status = groups && d->gold ? AFFECT_OK : base_fail_memory(call->ctx);
    if (!status) status = read_groups(call, s, groups);
    for (size_t i = 0; i < n && !status; i++) {
        const score_open_sets one = {1, &s->gold[i], &s->predicted[i]};
        status = score_grouped_sets(call->ctx, &one, (const char *const *)groups + i,
                                    &d->gold[2 * i], &d->gold[2 * i + 1]);
    }
    if (!status) status = evaluate_values(d, grouped_metric, r);
    const score_open_sets all = {n, s->gold, s->predicted}, most = {n, s->gold, s->majority};
    /* In the reference's order of summation, to the last digit. */
    if (!status)
        status = score_grouped_sets(call->ctx, &all, (const char *const *)groups, &r->value[0],
                                    &r->value[1]);
    if (!status)
        status = score_grouped_sets(call->ctx, &most, (const char *const *)groups, &r->majority[0],
                                    &r->majority[1]);
    r->value[2] = (r->value[0] + r->value[1]) / 2;
    r->majority[2] = (r->majority[0] + r->majority[1]) / 2;
    for (size_t i = 0; groups && i < n; i++) base_free(groups[i]);
    base_free(groups);
    return status;
}

/* ---- 2025, 2026: wheels ---- */

static const char *const wheel_values[] = {"f", "precision", "recall", "hit_rate"};
static const char *const wheel_columns[] = {"f", "precision", "recall", "samples"};
static const char *const wheel_rows[] = {
    "wheel 1 level 1", "wheel 2 level 1", "wheel 3 level 1", "wheel 4 level 1", "wheel 5 level 1",
    "wheel 1 level 2", "wheel 2 level 2", "wheel 3 level 2", "wheel 4 level 2", "wheel 5 level 2"};

typedef struct on_wheels {
    score_wheels *wheels;
    score_open_sets sets;
    score_labels candidates;
    size_t levels;
} on_wheels;

static bool wheel_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    const on_wheels *m = d->more;
    score_wheel_row rows[SCORE_WHEELS][SCORE_WHEEL_LEVELS];
    out[3] = NAN;
    d->status = score_wheel_sets(d->call->ctx, m->wheels, &m->sets, index, n, m->levels, rows, out);
    return d->status == AFFECT_OK;
}

static affect_status score_on_wheels(evaluate_data *d, open_sets *s, evaluate_report *r,
                                     int edition, size_t *hit_samples) {
    const evaluate_call *call = d->call;
    if (!call->wheels)
        return base_fail(call->ctx, AFFECT_ERROR_USAGE, "edition %d wants --wheels DIR", edition);
    on_wheels m = {.sets = {s->join.n, s->gold, s->predicted}, .levels = edition == 2025 ? 2 : 1};
    score_wheel_row rows[SCORE_WHEELS][SCORE_WHEEL_LEVELS], other[SCORE_WHEELS][SCORE_WHEEL_LEVELS];
    affect_status status = score_wheels_open(call->ctx, call->wheels, &m.wheels);
    if (status) return status;
    d->more = &m;
    status = evaluate_values(d, wheel_metric, r);
    const score_open_sets most = {s->join.n, s->gold, s->majority};
    if (!status) /* in the reference's order, without the index of the bootstrap */
        status = score_wheel_sets(call->ctx, m.wheels, &m.sets, NULL, 0, m.levels, rows, r->value);
    if (!status)
        status =
            score_wheel_sets(call->ctx, m.wheels, &most, NULL, 0, m.levels, other, r->majority);
    if (!status) status = score_hit_rate(call->ctx, m.wheels, &m.sets, &r->value[3], hit_samples);
    double *table = status ? NULL
                           : evaluate_report_table(r, "wheels", wheel_rows, m.levels * SCORE_WHEELS,
                                                   wheel_columns, BASE_COUNT(wheel_columns));
    if (!status && !table) status = base_fail_memory(call->ctx);
    for (size_t level = 0; level < m.levels && !status; level++)
        for (size_t k = 0; k < SCORE_WHEELS; k++) {
            const score_wheel_row *row = &rows[k][level];
            const double cells[] = {row->f, row->precision, row->recall, (double)row->samples};
            memcpy(table + (level * SCORE_WHEELS + k) * BASE_COUNT(cells), cells, sizeof cells);
        }
    score_wheels_destroy(m.wheels);
    return status;
}

/* The keys of this object are older than the other tasks' and stay. */
static void append_open_json(base_text *out, const evaluate_report *r, int edition,
                             size_t hit_samples) {
    base_text_printf(out, "{\"task\":\"mer-ov\",\"edition\":%d,\"samples\":%lld,\"skipped\":%lld",
                     edition, (long long)r->items, (long long)r->skip[0].count);
    for (size_t k = 0; k < r->count; k++) {
        base_text_printf(out, ",\"%s\":", r->names[k]);
        evaluate_append_number(out, r->value[k]);
        if (!r->with_intervals || isnan(r->interval[k].low)) continue;
        base_text_printf(out, ",\"%s_interval\":[%.17g,%.17g]", r->names[k], r->interval[k].low,
                         r->interval[k].high);
    }
    base_text_append(out, ",\"majority\":{\"label\":");
    base_text_append_json(out, r->majority_label);
    for (size_t k = 0; k < r->count && k < 3; k++) {
        base_text_printf(out, ",\"%s\":", r->names[k]);
        evaluate_append_number(out, r->majority[k]);
    }
    base_text_append(out, "}");
    if (r->tables) {
        base_text_append(out, ",\"wheels\":[");
        for (size_t i = 0; i < r->table[0].row_count; i++) {
            const double *x = r->table[0].values + i * 4;
            base_text_printf(
                out,
                "%s{\"wheel\":%zu,\"level\":%zu,\"f\":%.17g,\"precision\":%.17g,\"recall\":%.17g,"
                "\"samples\":%.0f}",
                i ? "," : "", i % SCORE_WHEELS + 1, i / SCORE_WHEELS + 1, x[0], x[1], x[2], x[3]);
        }
        base_text_printf(out, "],\"hit_rate_samples\":%zu", hit_samples);
    }
    base_text_append(out, "}\n");
}

affect_status evaluate_task_open(const evaluate_call *call) {
    open_sets sets;
    evaluate_report report;
    int edition = call->edition[3] - '0' + 2020;
    size_t hit_samples = 0;
    evaluate_data d = {.call = call, .join = &sets.join};
    evaluate_report_begin(call, &report, edition == 2024 ? grouped_values : wheel_values,
                          edition == 2024 ? BASE_COUNT(grouped_values) : BASE_COUNT(wheel_values),
                          "the most frequent gold label for every sample");
    affect_status status = read_open_sets(call, &sets, &report);
    if (!status)
        status = edition == 2024 ? score_grouped(&d, &sets, &report)
                                 : score_on_wheels(&d, &sets, &report, edition, &hit_samples);
    if (!status && (call->json || strcmp(call->format, "json") == 0)) {
        append_open_json(call->out, &report, edition, hit_samples);
        evaluate_report_log(call, &report);
        if (call->out->failed) status = base_fail_memory(call->ctx);
    } else if (!status) {
        status = evaluate_report_write(call, &report);
    }
    evaluate_report_clear(&report);
    evaluate_data_clear(&d);
    open_sets_clear(&sets);
    return status;
}

/* ---- hit rate ---- */

static const char *const hit_values[] = {"hit_rate", "mscore"};
static const char *const hit_rows[] = {"wheel 1", "wheel 2", "wheel 3", "wheel 4", "wheel 5"};
static const char *const hit_columns[] = {"hit_rate", "mscore", "samples"};

static bool hit_metric(void *user, const uint32_t *index, size_t n, double *out) {
    evaluate_data *d = user;
    const on_wheels *m = d->more;
    score_hits hits[SCORE_WHEELS];
    d->status = score_hit_rates(d->call->ctx, m->wheels, &m->sets, &m->candidates, index, n, hits,
                                &out[0], &out[1]);
    return d->status == AFFECT_OK;
}

affect_status evaluate_task_hit_rate(const evaluate_call *call) {
    open_sets sets = {0};
    evaluate_report report;
    on_wheels m = {0};
    score_hits hits[SCORE_WHEELS];
    evaluate_data d = {.call = call, .join = &sets.join, .more = &m};
    base_text list = {0};
    evaluate_report_begin(call, &report, hit_values, BASE_COUNT(hit_values),
                          "the most frequent gold label for every sample");
    if (!call->wheels)
        return base_fail(call->ctx, AFFECT_ERROR_USAGE, "the hit rate wants --wheels DIR");
    affect_status status = read_open_sets(call, &sets, &report);
    /* Candidates: the label set of the corpus, --labels or every label that gold has. */
    base_text_append(&list, "[");
    for (size_t k = 0; k < sets.names.count && !call->labels; k++)
        base_text_printf(&list, "'%s',", sets.names.items[k]);
    if (call->labels) base_text_append(&list, call->labels);
    base_text_append(&list, "]");
    if (!status && list.failed) status = base_fail_memory(call->ctx);
    if (!status)
        status = score_labels_parse(call->ctx, list.data, SCORE_LABELS_LOWER | SCORE_LABELS_STRIP,
                                    &m.candidates);
    if (!status) status = score_wheels_open(call->ctx, call->wheels, &m.wheels);
    m.sets = (score_open_sets){sets.join.n, sets.gold, sets.predicted};
    if (!status) status = evaluate_values(&d, hit_metric, &report);
    if (!status)
        status = score_hit_rates(call->ctx, m.wheels, &m.sets, &m.candidates, NULL, 0, hits,
                                 &report.value[0], &report.value[1]);
    double *table = status ? NULL
                           : evaluate_report_table(&report, "wheels", hit_rows, SCORE_WHEELS,
                                                   hit_columns, BASE_COUNT(hit_columns));
    if (!status && !table) status = base_fail_memory(call->ctx);
    size_t most = 0;
    for (size_t k = 0; k < SCORE_WHEELS && !status; k++) {
        const double cells[] = {hits[k].hit_rate, hits[k].mscore, (double)hits[k].samples};
        memcpy(table + k * BASE_COUNT(cells), cells, sizeof cells);
        most = BASE_MAX(most, hits[k].samples);
    }
    evaluate_report_skip(&report,
                         "samples whose gold label is on no wheel (neutral, unknown words)",
                         (int64_t)(sets.join.n - most));
    m.sets.predicted = sets.majority;
    if (!status)
        status = score_hit_rates(call->ctx, m.wheels, &m.sets, &m.candidates, NULL, 0, hits,
                                 &report.majority[0], &report.majority[1]);
    if (!status) status = evaluate_report_write(call, &report);
    base_text_destroy(&list);
    score_labels_clear(&m.candidates);
    score_wheels_destroy(m.wheels);
    evaluate_report_clear(&report);
    evaluate_data_clear(&d);
    open_sets_clear(&sets);
    return status;
}
