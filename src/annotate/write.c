/* Gold standards and their raters as tables. */
#include <math.h>
#include <string.h>

#include "annotate/annotate.h"
#include "annotate/quality.h"
#include "report/report.h"

enum { DIGITS = 9 };

static void cell(FILE *out, double x, char end) {
    if (isfinite(x)) fprintf(out, "%.*g", DIGITS, x);
    fputc(end, out);
}

void annotate_print_gold(FILE *out, const affect_gold *gold) {
    fprintf(out, "time,value,sd\n");
    for (size_t k = 0; k < affect_gold_count(gold); k++) {
        cell(out, affect_gold_time(gold, k), ',');
        cell(out, affect_gold_value(gold, k), ',');
        cell(out, affect_gold_sd(gold, k), '\n');
    }
}

affect_status annotate_write_gold(affect_context *ctx, const char *path, const affect_gold *gold) {
    base_output out = {0};
    affect_status status = base_output_open(ctx, path, &out);
    if (status) return status;
    annotate_print_gold(out.file, gold);
    status = base_output_commit(ctx, &out);
    base_output_abort(&out);
    return status;
}

enum { RATER_COLUMNS = 9 };

static const char *const rater_columns[RATER_COLUMNS] = {"lag_s",  "lag_sd_s",    "gain",
                                                         "offset", "noise_sd",    "lasting_s",
                                                         "weight", "reliability", "covered"};

static void rater_row(const affect_gold_rater *r, double out[RATER_COLUMNS]) {
    const double row[] = {r->lag_s,     r->lag_sd_s, r->gain,        r->offset, r->noise_sd,
                          r->lasting_s, r->weight,   r->reliability, r->covered};
    memcpy(out, row, sizeof row);
}

affect_status annotate_write_raters(affect_context *ctx, const char *path,
                                    const affect_gold *gold) {
    base_output out = {0};
    base_text text = {0};
    affect_status status = base_output_open(ctx, path, &out);
    if (status) return status;
    fputs("rater", out.file);
    for (size_t c = 0; c < RATER_COLUMNS; c++) fprintf(out.file, ",%s", rater_columns[c]);
    fputc('\n', out.file);
    for (size_t i = 0; i < affect_gold_rater_count(gold); i++) {
        double row[RATER_COLUMNS];
        const affect_gold_rater *r = affect_gold_rater_at(gold, i);
        rater_row(r, row);
        base_text_clear(&text);
        base_text_append_clean(&text, r->name);
        fputc('"', out.file);
        for (const char *c = text.length ? text.data : ""; *c; c++)
            fprintf(out.file, *c == '"' ? "\"\"" : "%c", *c);
        fputs("\",", out.file);
        for (size_t c = 0; c < RATER_COLUMNS; c++)
            cell(out.file, row[c], c + 1 < RATER_COLUMNS ? ',' : '\n');
    }
    base_text_destroy(&text);
    status = base_output_commit(ctx, &out);
    base_output_abort(&out);
    return status;
}

json_t *annotate_json_real(double x) { return isfinite(x) ? json_real(x) : json_null(); }

json_t *annotate_gold_json(const affect_gold *gold, const char *method, bool rows) {
    json_t *raters = json_array(), *values = json_array();
    for (size_t i = 0; i < affect_gold_rater_count(gold); i++) {
        double row[RATER_COLUMNS];
        rater_row(affect_gold_rater_at(gold, i), row);
        json_t *one = json_pack("{s:s}", "name", affect_gold_rater_at(gold, i)->name);
        for (size_t c = 0; c < RATER_COLUMNS; c++)
            json_object_set_new(one, rater_columns[c], annotate_json_real(row[c]));
        json_array_append_new(raters, one);
    }
    for (size_t k = 0; k < affect_gold_count(gold) && rows; k++)
        json_array_append_new(values,
                              json_pack("[o,o,o]", annotate_json_real(affect_gold_time(gold, k)),
                                        annotate_json_real(affect_gold_value(gold, k)),
                                        annotate_json_real(affect_gold_sd(gold, k))));
    json_t *root = json_pack("{s:s, s:o}", "method", method, "raters", raters);
    if (root && rows)
        json_object_set_new(root, "gold", values);
    else
        json_decref(values);
    return root;
}

void annotate_print_raters(FILE *out, const affect_gold *gold, const char *method) {
    fprintf(out, "%zu rows from %zu raters by %s\n", affect_gold_count(gold),
            affect_gold_rater_count(gold), method);
    fprintf(out, "%-20s %16s %6s %7s %7s %7s %12s\n", "rater", "lag (s)", "gain", "offset", "noise",
            "weight", "reliability");
    for (size_t i = 0; i < affect_gold_rater_count(gold); i++) {
        const affect_gold_rater *r = affect_gold_rater_at(gold, i);
        char lag[32] = "unknown", name[24], room[64];
        if (isfinite(r->lag_s)) snprintf(lag, sizeof lag, "%+.2f sd %.2f", r->lag_s, r->lag_sd_s);
        base_clean_line(r->name, name, sizeof name);
        snprintf(room, sizeof room, "%.3f", r->weight);
        base_put_line(out, "%-20s %16s %6.2f %7.2f %7.3f %7s %12.3f", name, lag, r->gain, r->offset,
                      r->noise_sd, isfinite(r->weight) ? room : "-", r->reliability);
    }
}

/* ---- agreement and quality ---- */

static const struct {
    const char *name, *key;
    size_t at;
} agreements[] = {
    {"mean pairwise CCC", "pairwise_ccc", offsetof(affect_gold_agreement, pairwise_ccc)},
    {"Krippendorff's alpha", "alpha", offsetof(affect_gold_agreement, alpha)},
    {"ICC(2,1)", "icc21", offsetof(affect_gold_agreement, icc21)},
    {"ICC(2,k)", "icc2k", offsetof(affect_gold_agreement, icc2k)}};

static double figure(const affect_gold_agreement *a, size_t i) {
    double value;
    memcpy(&value, (const char *)a + agreements[i].at, sizeof value);
    return value;
}

void annotate_print_agreement(FILE *out, const affect_gold_agreement *before,
                              const affect_gold_agreement *after, size_t raters) {
    fprintf(out, "%zu raters%16s%24s\n", raters, "as traced", "lags taken off");
    for (size_t i = 0; i < BASE_COUNT(agreements); i++)
        fprintf(out, "%-20s %8.3f %22.3f\n", agreements[i].name, figure(before, i),
                figure(after, i));
}

json_t *annotate_agreement_json(const affect_gold_agreement *before,
                                const affect_gold_agreement *after, const affect_gold_trace *traces,
                                const double *lags_s, size_t raters) {
    json_t *root = json_pack("{s:{}, s:{}, s:{}}", "before", "after", "lag_s");
    for (size_t i = 0; i < BASE_COUNT(agreements); i++) {
        json_object_set_new(json_object_get(root, "before"), agreements[i].key,
                            annotate_json_real(figure(before, i)));
        json_object_set_new(json_object_get(root, "after"), agreements[i].key,
                            annotate_json_real(figure(after, i)));
    }
    for (size_t i = 0; i < raters; i++)
        json_object_set_new(json_object_get(root, "lag_s"), traces[i].name,
                            annotate_json_real(lags_s[i]));
    return root;
}

static void csv_text(FILE *out, const char *text) { report_put_csv_field(out, text ? text : ""); }

void annotate_print_quality(FILE *out, const annotate_quality *q, const affect_gold_trace *traces,
                            bool csv) {
    if (csv)
        fprintf(out, "rater,finding,from_s,to_s,value,other\n");
    else
        fprintf(out, "%zu findings%s\n", q->count, q->count ? "" : ": nothing odd");
    for (size_t i = 0; i < q->count; i++) {
        const annotate_oddity *o = &q->items[i];
        const char *other = o->other == SIZE_MAX ? "" : traces[o->other].name;
        if (csv) {
            csv_text(out, traces[o->rater].name);
            fprintf(out, ",%s,", annotate_oddity_names[o->kind]);
            cell(out, o->from_s, ',');
            cell(out, o->to_s, ',');
            cell(out, o->value, ',');
            csv_text(out, other);
            fputc('\n', out);
            continue;
        }
        base_put_line(out, "%-20s %-12s %9.2f to %9.2f s %8.2f  %s%s%s", traces[o->rater].name,
                      annotate_oddity_names[o->kind], o->from_s, o->to_s, o->value,
                      annotate_oddity_texts[o->kind], *other ? ": " : "", other);
    }
}

json_t *annotate_quality_json(const annotate_quality *q, const affect_gold_trace *traces) {
    json_t *list = json_array();
    for (size_t i = 0; i < q->count; i++) {
        const annotate_oddity *o = &q->items[i];
        json_t *one =
            json_pack("{s:s, s:s, s:o, s:o, s:o}", "rater", traces[o->rater].name, "finding",
                      annotate_oddity_names[o->kind], "from_s", annotate_json_real(o->from_s),
                      "to_s", annotate_json_real(o->to_s), "value", annotate_json_real(o->value));
        if (one && o->other != SIZE_MAX)
            json_object_set_new(one, "other", json_string(traces[o->other].name));
        json_array_append_new(list, one);
    }
    return list;
}

static void print_unsure(FILE *out, const annotate_unsure *list, size_t count) {
    fprintf(out, "rank,from_s,to_s,sd,spread,raters,sd_with_one_more\n");
    for (size_t i = 0; i < count; i++) {
        const annotate_unsure *u = &list[i];
        const double row[] = {u->from_s, u->to_s, u->sd, u->spread, u->raters, u->sd_with_one_more};
        fprintf(out, "%zu,", i + 1);
        for (size_t c = 0; c < BASE_COUNT(row); c++)
            cell(out, row[c], c + 1 < BASE_COUNT(row) ? ',' : '\n');
    }
}

affect_status annotate_write_quality(affect_context *ctx, const char *path,
                                     const annotate_quality *q, const affect_gold_trace *traces) {
    base_output out = {0};
    affect_status status = base_output_open(ctx, path, &out);
    if (!status) annotate_print_quality(out.file, q, traces, true);
    if (!status) status = base_output_commit(ctx, &out);
    base_output_abort(&out);
    return status;
}

affect_status annotate_write_asked(affect_context *ctx, const char *path, const affect_gold *gold,
                                   const affect_gold_trace *traces, size_t count, double window_s) {
    annotate_unsure *list = NULL;
    size_t found = 0;
    base_output out = {0};
    affect_status status = annotate_ask(ctx, gold, traces, count, window_s, &list, &found);
    if (!status) status = base_output_open(ctx, path, &out);
    if (!status) print_unsure(out.file, list, found);
    if (!status) status = base_output_commit(ctx, &out);
    base_output_abort(&out);
    base_free(list);
    return status;
}
