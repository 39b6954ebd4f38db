/* Reports as text, Markdown, LaTeX and JSON, and the columns of papers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "evaluate/evaluate.h"

void evaluate_report_begin(const evaluate_call *call, evaluate_report *r, const char *const *names,
                           size_t count, const char *majority_name) {
    *r = (evaluate_report){.task = call->task,
                           .names = names,
                           .count = count,
                           .majority_name = majority_name,
                           .item = "items",
                           .unit = "items"};
    base_arena_init(&r->texts, 4096);
    for (size_t k = 0; k < EVALUATE_MOST_VALUES; k++) {
        r->value[k] = r->majority[k] = NAN;
        r->interval[k] = (affect_score_interval){NAN, NAN};
    }
}

double *evaluate_report_table(evaluate_report *r, const char *title, const char *const *rows,
                              size_t row_count, const char *const *columns, size_t column_count) {
    if (r->tables == EVALUATE_MOST_TABLES) return NULL;
    double *values = base_alloc((row_count * column_count + 1) * sizeof *values);
    for (size_t i = 0; values && i < row_count * column_count; i++) values[i] = NAN;
    if (values)
        r->table[r->tables++] =
            (evaluate_table){title, rows, columns, row_count, column_count, values};
    return values;
}

void evaluate_report_clear(evaluate_report *r) {
    for (size_t k = 0; k < r->tables; k++) base_free(r->table[k].values);
    r->tables = 0;
    base_arena_destroy(&r->texts);
}

void evaluate_report_skip(evaluate_report *report, const char *reason, int64_t count) {
    if (report->skips < EVALUATE_MOST_SKIPS) {
        report->skip[report->skips].reason = reason;
        report->skip[report->skips++].count = count;
    }
}

/* ---- columns of papers ---- */

typedef struct paper_column {
    const char *title, *value; /* "*" = F1 of every class */
    double scale;
    int decimals;
} paper_column;

static const struct {
    const char *name, *task, *labels; /* the columns' classes; NULL = those of the files */
    paper_column column[8];
} papers[] = {
/* MMSA's result tables, in percent */
#define MOSI_COLUMNS                                                                               \
    {                                                                                              \
        {"Acc2_has0", "acc2_has0", 100, 2}, {"F1_has0", "f1_has0", 100, 2},                        \
            {"Acc2_non0", "acc2_non0", 100, 2}, {"F1_non0", "f1_non0", 100, 2},                    \
            {"Acc5", "acc5", 100, 2}, {"Acc7", "acc7", 100, 2}, {"MAE", "mae", 100, 2}, {          \
            "Corr", "corr", 100, 2                                                                 \
        }                                                                                          \
    }
#define SIMS_COLUMNS                                                                               \
    {                                                                                              \
        {"Acc2", "acc2_has0", 100, 2}, {"Acc3", "acc3", 100, 2}, {"Acc5", "acc5", 100, 2},         \
            {"F1", "f1_has0", 100, 2}, {"MAE", "mae", 100, 2}, {                                   \
            "Corr", "corr", 100, 2                                                                 \
        }                                                                                          \
    }
#define ERC_COLUMNS                                                                                \
    {                                                                                              \
        {"*", "*", 100, 2}, {"Acc", "accuracy", 100, 2}, { "w-F1", "weighted_f1", 100, 2 }         \
    }
    {"mosi", "sentiment", NULL, MOSI_COLUMNS},
    {"mosei", "sentiment", NULL, MOSI_COLUMNS},
    {"sims", "sentiment", NULL, SIMS_COLUMNS},
    {"simsv2", "sentiment", NULL, SIMS_COLUMNS},
    /* recognition in conversation: F1 of each class, in the order of the tables */
    {"erc", "classes", NULL, ERC_COLUMNS},
    {"meld", "classes", "neutral,surprise,fear,sadness,joy,disgust,anger", ERC_COLUMNS},
    {"iemocap", "classes", "happy,sad,neutral,angry,excited,frustrated", ERC_COLUMNS},
    {"emobox",
     "classes",
     NULL,
     {{"UA", "uar", 100, 2}, {"WA", "accuracy", 100, 2}, {"F1", "macro_f1", 100, 2}}},
    {"dfew", "classes", NULL, {{"UAR", "uar", 100, 2}, {"WAR", "accuracy", 100, 2}}},
    {"megc", "classes", NULL, {{"UF1", "uf1", 1, 4}, {"UAR", "uar", 1, 4}}},
    {"megc-spotting",
     "spotting",
     NULL,
     {{"F1 spotting", "f1", 1, 4}, {"F1 analysis", "analysis_f1", 1, 4}, {"STRS", "strs", 1, 4}}},
    {"ferplus", "ferplus", NULL, {{"Accuracy", "accuracy", 100, 2}}},
    {"mer-unibench",
     "classes",
     NULL,
     {{"WAF", "weighted_f1", 100, 2}, {"ACC", "accuracy", 100, 2}}},
    {"mer-unibench-basic",
     "hit-rate",
     NULL,
     {{"HIT", "hit_rate", 100, 2}, {"mscore", "mscore", 100, 2}}},
    {"mer-unibench-ov",
     "mer-ov",
     NULL,
     {{"Fs", "f", 100, 2}, {"Precs", "precision", 100, 2}, {"Recalls", "recall", 100, 2}}},
    {"mer2024-ov",
     "mer-ov",
     NULL,
     {{"Acc", "accuracy", 100, 2}, {"Recall", "recall", 100, 2}, {"Avg", "mean", 100, 2}}},
    {"muse", "regression", NULL, {{"CCC", "ccc", 1, 4}, {"RMSE", "rmse", 1, 4}}},
    {"zed", "eder", NULL, {{"EDER (%)", "eder", 100, 1}}},
    {"semeval-2024-3", "cause", NULL, {{"w-avg. F1", "weighted_f1", 1, 4}, {"F1", "f1", 1, 4}}},
    {"goemotions",
     "multilabel",
     NULL,
     {{"Macro P", "macro_precision", 1, 2},
      {"Macro R", "macro_recall", 1, 2},
      {"Macro F1", "macro_f1", 1, 2}}},
};
const char evaluate_papers[] =
    "none|mosi|mosei|sims|simsv2|erc|meld|iemocap|emobox|dfew|megc|megc-spotting|ferplus|"
    "mer-unibench|mer-unibench-basic|mer-unibench-ov|mer2024-ov|muse|zed|semeval-2024-3|goemotions";

const char *evaluate_paper_labels(const char *paper) {
    for (size_t k = 0; k < BASE_COUNT(papers); k++)
        if (strcmp(papers[k].name, paper) == 0) return papers[k].labels;
    return NULL;
}

const char *evaluate_paper_task(const char *paper) {
    for (size_t k = 0; k < BASE_COUNT(papers); k++)
        if (strcmp(papers[k].name, paper) == 0) return papers[k].task;
    return NULL;
}

/* ---- cells ---- */

static void put_number(base_text *out, double x, int decimals) {
    if (isnan(x))
        base_text_append(out, "-");
    else
        base_text_printf(out, "%.*f", decimals, x);
}

void evaluate_append_number(base_text *out, double x) {
    if (isfinite(x))
        base_text_printf(out, "%.17g", x);
    else
        base_text_append(out, "null");
}

/* A label from inside a file as a terminal may see it. */
enum { SHOWN = 256 };
static const char *shown(const char *text, char out[SHOWN]) {
    return base_clean_line(text, out, SHOWN);
}

static void put_latex_text(base_text *out, const char *text) {
    for (; *text; text++) {
        if (strchr("_%&#$", *text)) base_text_append(out, "\\");
        base_text_append_n(out, text, 1);
    }
}

/* ---- forms ---- */

enum { MOST_COLUMNS = EVALUATE_MOST_VALUES + 64 };

typedef struct table_column {
    const char *title;
    double value, majority;
    int decimals;
} table_column;

static size_t table_columns(const evaluate_call *call, const evaluate_report *r, table_column *out);

static void print_json(const evaluate_call *call, const evaluate_report *r) {
    base_text *out = call->out;
    base_text_printf(out, "{\"task\":\"%s\",\"items\":%lld,\"skipped\":{", r->task,
                     (long long)r->items);
    for (size_t k = 0; k < r->skips; k++) {
        base_text_append(out, k ? "," : "");
        base_text_append_json(out, r->skip[k].reason);
        base_text_printf(out, ":%lld", (long long)r->skip[k].count);
    }
    base_text_append(out, "},\"values\":{");
    for (size_t k = 0; k < r->count; k++) {
        base_text_printf(out, "%s\"%s\":", k ? "," : "", r->names[k]);
        evaluate_append_number(out, r->value[k]);
    }
    base_text_append(out, "}");
    if (r->with_intervals) {
        base_text_printf(out, ",\"bootstrap\":{\"rounds\":%lld,\"seed\":%lld,\"over\":",
                         (long long)call->rounds, (long long)call->seed);
        base_text_append_json(out, r->unit);
        base_text_printf(out, ",\"units\":%lld,\"level\":0.95},\"intervals\":{",
                         (long long)r->units);
        for (size_t k = 0; k < r->count; k++) {
            base_text_printf(out, "%s\"%s\":[", k ? "," : "", r->names[k]);
            evaluate_append_number(out, r->interval[k].low);
            base_text_append(out, ",");
            evaluate_append_number(out, r->interval[k].high);
            base_text_append(out, "]");
        }
        base_text_append(out, "}");
    }
    if (r->majority_name) {
        base_text_append(out, ",\"majority\":{\"rule\":");
        base_text_append_json(out, r->majority_name);
        base_text_append(out, ",\"label\":");
        base_text_append_json(out, r->majority_label);
        base_text_append(out, ",\"values\":{");
        bool first = true;
        for (size_t k = 0; k < r->count; k++) {
            if (isnan(r->majority[k])) continue;
            base_text_printf(out, "%s\"%s\":", first ? "" : ",", r->names[k]);
            evaluate_append_number(out, r->majority[k]);
            first = false;
        }
        base_text_append(out, "}}");
    }
    if (r->class_rows) {
        base_text_append(out, ",\"classes\":[");
        for (size_t k = 0; k < r->classes; k++) {
            base_text_printf(out, "%s{\"label\":", k ? "," : "");
            base_text_append_json(out, r->class_names[k]);
            const affect_score_class *c = &r->class_rows[k];
            base_text_printf(out,
                             ",\"precision\":%.17g,\"recall\":%.17g,\"f1\":%.17g,\"support\":%lld,"
                             "\"predicted\":%lld}",
                             c->precision, c->recall, c->f1, (long long)c->support,
                             (long long)c->predicted);
        }
        base_text_append(out, "]");
    }
    if (strcmp(call->paper, "none") != 0) {
        table_column column[MOST_COLUMNS];
        size_t n = table_columns(call, r, column);
        base_text_printf(out, ",\"paper\":{\"name\":\"%s\",\"columns\":{", call->paper);
        for (size_t c = 0; c < n; c++) {
            base_text_append(out, c ? "," : "");
            base_text_append_json(out, column[c].title);
            base_text_append(out, ":");
            evaluate_append_number(out, column[c].value);
        }
        base_text_append(out, "}}");
    }
    for (size_t t = 0; t < r->tables; t++) {
        const evaluate_table *table = &r->table[t];
        base_text_printf(out, ",\"%s\":{", table->title);
        for (size_t i = 0; i < table->row_count; i++) {
            base_text_append(out, i ? "," : "");
            base_text_append_json(out, table->rows[i]);
            base_text_append(out, ":{");
            for (size_t c = 0; c < table->column_count; c++) {
                base_text_append(out, c ? "," : "");
                base_text_append_json(out, table->columns[c]);
                base_text_append(out, ":");
                evaluate_append_number(out, table->values[i * table->column_count + c]);
            }
            base_text_append(out, "}");
        }
        base_text_append(out, "}");
    }
    base_text_append(out, "}\n");
}

static void print_text(const evaluate_call *call, const evaluate_report *r) {
    base_text *out = call->out;
    char label[SHOWN];
    base_text_printf(out, "%s: %lld %s\n", r->task, (long long)r->items, r->item);
    for (size_t k = 0; k < r->skips; k++)
        if (r->skip[k].count)
            base_text_printf(out, "skipped: %lld %s\n", (long long)r->skip[k].count,
                             r->skip[k].reason);
    base_text_printf(out, "%-22s %12s", "", "value");
    if (r->with_intervals) base_text_printf(out, "  %-26s", "95 % interval");
    if (r->majority_name) base_text_printf(out, "  %12s", "majority");
    base_text_append(out, "\n");
    for (size_t k = 0; k < r->count; k++) {
        if (isnan(r->value[k]) && isnan(r->majority[k])) continue;
        char number[32], interval[64] = "";
        snprintf(number, sizeof number, isnan(r->value[k]) ? "-" : "%.6f", r->value[k]);
        base_text_printf(out, "%-22s %12s", r->names[k], number);
        if (r->with_intervals) {
            if (isfinite(r->interval[k].low))
                snprintf(interval, sizeof interval, "%.6f to %.6f", r->interval[k].low,
                         r->interval[k].high);
            base_text_printf(out, "  %-26s", interval);
        }
        if (r->majority_name) {
            number[0] = '\0';
            if (!isnan(r->majority[k])) snprintf(number, sizeof number, "%.6f", r->majority[k]);
            base_text_printf(out, "  %12s", number);
        }
        base_text_append(out, "\n");
    }
    if (r->majority_name)
        base_text_printf(out, "majority: %s%s%s\n", r->majority_name,
                         *r->majority_label ? ", " : "", shown(r->majority_label, label));
    if (r->with_intervals)
        base_text_printf(out, "intervals: percentiles of %lld bootstrap rounds over %lld %s\n",
                         (long long)call->rounds, (long long)r->units, r->unit);
    if (r->class_rows) {
        base_text_printf(out, "%-22s %12s  %9s  %9s  %8s  %9s\n", "class", "precision", "recall",
                         "F1", "support", "predicted");
        for (size_t k = 0; k < r->classes; k++)
            base_text_printf(
                out, "%-22s %12.6f  %9.6f  %9.6f  %8lld  %9lld\n", shown(r->class_names[k], label),
                r->class_rows[k].precision, r->class_rows[k].recall, r->class_rows[k].f1,
                (long long)r->class_rows[k].support, (long long)r->class_rows[k].predicted);
    }
    for (size_t t = 0; t < r->tables; t++) {
        const evaluate_table *table = &r->table[t];
        int wide = 22; /* of a name, at least */
        for (size_t i = 0; i < table->row_count; i++)
            wide = BASE_MAX(wide, (int)BASE_MIN(strlen(shown(table->rows[i], label)), 48));
        base_text_printf(out, "%-*s", wide, shown(table->title, label));
        for (size_t c = 0; c < table->column_count; c++)
            base_text_printf(out, " %12s", shown(table->columns[c], label));
        base_text_append(out, "\n");
        for (size_t i = 0; i < table->row_count; i++) {
            base_text_printf(out, "%-*s", wide, shown(table->rows[i], label));
            for (size_t c = 0; c < table->column_count; c++) {
                double x = table->values[i * table->column_count + c];
                if (isnan(x))
                    base_text_printf(out, " %12s", "-");
                else
                    base_text_printf(out, rint(x) == x && fabs(x) >= 2 ? " %12.0f" : " %12.6f", x);
            }
            base_text_append(out, "\n");
        }
    }
}

/* ---- tables: a row for the predictions and one for the majority ---- */

static size_t find_value(const evaluate_report *r, const char *name) {
    size_t k = 0;
    while (k < r->count && strcmp(r->names[k], name) != 0) k++;
    return k;
}

static size_t table_columns(const evaluate_call *call, const evaluate_report *r,
                            table_column *out) {
    size_t n = 0;
    if (strcmp(call->paper, "none") == 0) {
        for (size_t k = 0; k < r->count && n < MOST_COLUMNS; k++)
            if (!isnan(r->value[k]))
                out[n++] = (table_column){r->names[k], r->value[k], r->majority[k], 4};
        return n;
    }
    for (size_t p = 0; p < BASE_COUNT(papers); p++) {
        if (strcmp(papers[p].name, call->paper) != 0) continue;
        for (size_t c = 0; c < BASE_COUNT(papers[p].column) && papers[p].column[c].title; c++) {
            const paper_column *column = &papers[p].column[c];
            if (strcmp(column->value, "*") == 0) {
                for (size_t k = 0; k < r->classes && n < MOST_COLUMNS; k++)
                    out[n++] =
                        (table_column){r->class_names[k], r->class_rows[k].f1 * column->scale, NAN,
                                       column->decimals};
                continue;
            }
            size_t at = find_value(r, column->value);
            if (at < r->count && n < MOST_COLUMNS)
                out[n++] = (table_column){column->title, r->value[at] * column->scale,
                                          r->majority[at] * column->scale, column->decimals};
        }
    }
    return n;
}

static void table_row(base_text *out, const table_column *column, size_t n, const char *name,
                      bool majority, const char *before, const char *between, const char *after) {
    base_text_printf(out, "%s%s", before, name);
    for (size_t c = 0; c < n; c++) {
        base_text_printf(out, "%s", between);
        put_number(out, majority ? column[c].majority : column[c].value, column[c].decimals);
    }
    base_text_printf(out, "%s\n", after);
}

static void print_table(const evaluate_call *call, const evaluate_report *r, bool latex) {
    base_text *out = call->out;
    table_column column[MOST_COLUMNS];
    char label[SHOWN];
    size_t n = table_columns(call, r, column);
    if (latex) {
        base_text_append(out, "\\begin{tabular}{l");
        for (size_t c = 0; c < n; c++) base_text_append(out, "r");
        base_text_append(out, "}\n\\hline\n");
        for (size_t c = 0; c < n; c++) {
            base_text_append(out, " & ");
            put_latex_text(out, shown(column[c].title, label));
        }
        base_text_append(out, " \\\\\n\\hline\n");
        table_row(out, column, n, "predictions", false, "", " & ", " \\\\");
        if (r->majority_name) table_row(out, column, n, "majority", true, "", " & ", " \\\\");
        base_text_append(out, "\\hline\n\\end{tabular}\n");
        return;
    }
    base_text_append(out, "| |");
    for (size_t c = 0; c < n; c++) base_text_printf(out, " %s |", shown(column[c].title, label));
    base_text_append(out, "\n|---|");
    for (size_t c = 0; c < n; c++) base_text_append(out, "---:|");
    base_text_append(out, "\n");
    table_row(out, column, n, "predictions", false, "| ", " | ", " |");
    if (r->majority_name) table_row(out, column, n, "majority", true, "| ", " | ", " |");
}

/* The columns of a paper, under one another's decimals. */
static void print_text_table(const evaluate_call *call, const evaluate_report *r) {
    base_text *out = call->out;
    table_column column[MOST_COLUMNS];
    char label[SHOWN];
    size_t n = table_columns(call, r, column);
    for (int row = 0; row < (r->majority_name ? 3 : 2); row++) {
        base_text_printf(out, "%-12s",
                         row == 0   ? call->paper
                         : row == 1 ? "predictions"
                                    : "majority");
        for (size_t c = 0; c < n; c++) {
            int width = (int)BASE_MAX(strlen(column[c].title), 8);
            double x = row == 2 ? column[c].majority : column[c].value;
            if (row == 0)
                base_text_printf(out, "  %*s", width, shown(column[c].title, label));
            else if (isnan(x))
                base_text_printf(out, "  %*s", width, "-");
            else
                base_text_printf(out, "  %*.*f", width, column[c].decimals, x);
        }
        base_text_append(out, "\n");
    }
}

void evaluate_report_log(const evaluate_call *call, const evaluate_report *r) {
    for (size_t k = 0; k < r->skips; k++)
        if (r->skip[k].count)
            base_log(call->ctx, AFFECT_LOG_WARNING, "skipped %lld %s", (long long)r->skip[k].count,
                     r->skip[k].reason);
}

affect_status evaluate_report_write(const evaluate_call *call, const evaluate_report *r) {
    bool paper = strcmp(call->paper, "none") != 0;
    if (call->json || strcmp(call->format, "json") == 0)
        print_json(call, r);
    else if (strcmp(call->format, "latex") == 0)
        print_table(call, r, true);
    else if (strcmp(call->format, "markdown") == 0)
        print_table(call, r, false);
    else if (paper)
        print_text_table(call, r);
    else
        print_text(call, r);
    if (!call->json && (paper || strcmp(call->format, "text") != 0)) evaluate_report_log(call, r);
    return call->out->failed ? base_fail_memory(call->ctx) : AFFECT_OK;
}
