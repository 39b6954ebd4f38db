/* Reports as text, Markdown, LaTeX and JSON, and the columns of papers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/score.h"

void score_report_begin(const score_call *call, score_report *r, const char *const *names,
                        size_t count, const char *majority_name) {
    *r = (score_report){.task = call->task,
                        .names = names,
                        .count = count,
                        .majority_name = majority_name,
                        .item = "items",
                        .unit = "items"};
    for (size_t k = 0; k < SCORE_MOST_VALUES; k++) {
        r->value[k] = r->majority[k] = NAN;
        r->interval[k] = (affect_score_interval){NAN, NAN};
    }
}

double *score_report_table(score_report *r, const char *title, const char *const *rows,
                           size_t row_count, const char *const *columns, size_t column_count) {
    if (r->tables == SCORE_MOST_TABLES) return NULL;
    double *values = base_alloc((row_count * column_count + 1) * sizeof *values);
    for (size_t i = 0; values && i < row_count * column_count; i++) values[i] = NAN;
    if (values)
        r->table[r->tables++] =
            (score_table){title, rows, columns, row_count, column_count, values};
    return values;
}

void score_report_clear(score_report *r) {
    for (size_t k = 0; k < r->tables; k++) base_free(r->table[k].values);
    r->tables = 0;
}

void score_report_skip(score_report *report, const char *reason, int64_t count) {
    if (report->skips < SCORE_MOST_SKIPS) {
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
const char score_papers[] =
    "none|mosi|mosei|sims|simsv2|erc|meld|iemocap|emobox|dfew|megc|megc-spotting|ferplus|"
    "mer-unibench|mer-unibench-basic|mer-unibench-ov|mer2024-ov|muse|zed|semeval-2024-3|goemotions";

const char *score_paper_labels(const char *paper) {
    for (size_t k = 0; k < BASE_COUNT(papers); k++)
        if (strcmp(papers[k].name, paper) == 0) return papers[k].labels;
    return NULL;
}

const char *score_paper_task(const char *paper) {
    for (size_t k = 0; k < BASE_COUNT(papers); k++)
        if (strcmp(papers[k].name, paper) == 0) return papers[k].task;
    return NULL;
}

/* ---- cells ---- */

static void put_number(double x, int decimals) {
    if (isnan(x))
        printf("-");
    else
        printf("%.*f", decimals, x);
}

void score_put_json_number(double x) {
    if (isfinite(x))
        printf("%.17g", x);
    else
        printf("null");
}

void score_put_json_text(const char *text) {
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 32)
            printf("\\u%04x", *c);
        else
            putchar(*c);
    }
    putchar('"');
}

static void put_latex_text(const char *text) {
    for (; *text; text++) {
        if (strchr("_%&#$", *text)) putchar('\\');
        putchar(*text);
    }
}

/* ---- forms ---- */

enum { MOST_COLUMNS = SCORE_MOST_VALUES + 64 };

typedef struct table_column {
    const char *title;
    double value, majority;
    int decimals;
} table_column;

static size_t table_columns(const score_call *call, const score_report *r, table_column *out);

static void print_json(const score_call *call, const score_report *r) {
    printf("{\"task\":\"%s\",\"items\":%lld,\"skipped\":{", r->task, (long long)r->items);
    for (size_t k = 0; k < r->skips; k++) {
        printf(k ? "," : "");
        score_put_json_text(r->skip[k].reason);
        printf(":%lld", (long long)r->skip[k].count);
    }
    printf("},\"values\":{");
    for (size_t k = 0; k < r->count; k++) {
        printf("%s\"%s\":", k ? "," : "", r->names[k]);
        score_put_json_number(r->value[k]);
    }
    printf("}");
    if (r->with_intervals) {
        printf(",\"bootstrap\":{\"rounds\":%lld,\"seed\":%lld,\"over\":", (long long)call->rounds,
               (long long)call->seed);
        score_put_json_text(r->unit);
        printf(",\"units\":%lld,\"level\":0.95},\"intervals\":{", (long long)r->units);
        for (size_t k = 0; k < r->count; k++) {
            printf("%s\"%s\":[", k ? "," : "", r->names[k]);
            score_put_json_number(r->interval[k].low);
            putchar(',');
            score_put_json_number(r->interval[k].high);
            putchar(']');
        }
        printf("}");
    }
    if (r->majority_name) {
        printf(",\"majority\":{\"rule\":");
        score_put_json_text(r->majority_name);
        printf(",\"label\":");
        score_put_json_text(r->majority_label);
        printf(",\"values\":{");
        bool first = true;
        for (size_t k = 0; k < r->count; k++) {
            if (isnan(r->majority[k])) continue;
            printf("%s\"%s\":", first ? "" : ",", r->names[k]);
            score_put_json_number(r->majority[k]);
            first = false;
        }
        printf("}}");
    }
    if (r->class_rows) {
        printf(",\"classes\":[");
        for (size_t k = 0; k < r->classes; k++) {
            printf("%s{\"label\":", k ? "," : "");
            score_put_json_text(r->class_names[k]);
            const affect_score_class *c = &r->class_rows[k];
            printf(",\"precision\":%.17g,\"recall\":%.17g,\"f1\":%.17g,\"support\":%lld,"
                   "\"predicted\":%lld}",
                   c->precision, c->recall, c->f1, (long long)c->support, (long long)c->predicted);
        }
        printf("]");
    }
    if (strcmp(call->paper, "none") != 0) {
        table_column column[MOST_COLUMNS];
        size_t n = table_columns(call, r, column);
        printf(",\"paper\":{\"name\":\"%s\",\"columns\":{", call->paper);
        for (size_t c = 0; c < n; c++) {
            printf(c ? "," : "");
            score_put_json_text(column[c].title);
            putchar(':');
            score_put_json_number(column[c].value);
        }
        printf("}}");
    }
    for (size_t t = 0; t < r->tables; t++) {
        const score_table *table = &r->table[t];
        printf(",\"%s\":{", table->title);
        for (size_t i = 0; i < table->row_count; i++) {
            printf(i ? "," : "");
            score_put_json_text(table->rows[i]);
            printf(":{");
            for (size_t c = 0; c < table->column_count; c++) {
                printf(c ? "," : "");
                score_put_json_text(table->columns[c]);
                putchar(':');
                score_put_json_number(table->values[i * table->column_count + c]);
            }
            printf("}");
        }
        printf("}");
    }
    printf("}\n");
}

static void print_text(const score_call *call, const score_report *r) {
    printf("%s: %lld %s\n", r->task, (long long)r->items, r->item);
    for (size_t k = 0; k < r->skips; k++)
        if (r->skip[k].count)
            printf("skipped: %lld %s\n", (long long)r->skip[k].count, r->skip[k].reason);
    printf("%-22s %12s", "", "value");
    if (r->with_intervals) printf("  %-26s", "95 % interval");
    if (r->majority_name) printf("  %12s", "majority");
    printf("\n");
    for (size_t k = 0; k < r->count; k++) {
        if (isnan(r->value[k]) && isnan(r->majority[k])) continue;
        char number[32], interval[64] = "";
        snprintf(number, sizeof number, isnan(r->value[k]) ? "-" : "%.6f", r->value[k]);
        printf("%-22s %12s", r->names[k], number);
        if (r->with_intervals) {
            if (isfinite(r->interval[k].low))
                snprintf(interval, sizeof interval, "%.6f to %.6f", r->interval[k].low,
                         r->interval[k].high);
            printf("  %-26s", interval);
        }
        if (r->majority_name) {
            number[0] = '\0';
            if (!isnan(r->majority[k])) snprintf(number, sizeof number, "%.6f", r->majority[k]);
            printf("  %12s", number);
        }
        printf("\n");
    }
    if (r->majority_name)
        printf("majority: %s%s%s\n", r->majority_name, *r->majority_label ? ", " : "",
               r->majority_label);
    if (r->with_intervals)
        printf("intervals: percentiles of %lld bootstrap rounds over %lld %s\n",
               (long long)call->rounds, (long long)r->units, r->unit);
    if (r->class_rows) {
        printf("%-22s %12s  %9s  %9s  %8s  %9s\n", "class", "precision", "recall", "F1", "support",
               "predicted");
        for (size_t k = 0; k < r->classes; k++)
            printf("%-22s %12.6f  %9.6f  %9.6f  %8lld  %9lld\n", r->class_names[k],
                   r->class_rows[k].precision, r->class_rows[k].recall, r->class_rows[k].f1,
                   (long long)r->class_rows[k].support, (long long)r->class_rows[k].predicted);
    }
    for (size_t t = 0; t < r->tables; t++) {
        const score_table *table = &r->table[t];
        printf("%-22s", table->title);
        for (size_t c = 0; c < table->column_count; c++) printf(" %12s", table->columns[c]);
        printf("\n");
        for (size_t i = 0; i < table->row_count; i++) {
            printf("%-22s", table->rows[i]);
            for (size_t c = 0; c < table->column_count; c++) {
                double x = table->values[i * table->column_count + c];
                if (isnan(x))
                    printf(" %12s", "-");
                else
                    printf(rint(x) == x && fabs(x) >= 2 ? " %12.0f" : " %12.6f", x);
            }
            printf("\n");
        }
    }
}

/* ---- tables: a row for the predictions and one for the majority ---- */

static size_t find_value(const score_report *r, const char *name) {
    size_t k = 0;
    while (k < r->count && strcmp(r->names[k], name) != 0) k++;
    return k;
}

static size_t table_columns(const score_call *call, const score_report *r, table_column *out) {
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

static void table_row(const table_column *column, size_t n, const char *name, bool majority,
                      const char *before, const char *between, const char *after) {
    printf("%s%s", before, name);
    for (size_t c = 0; c < n; c++) {
        printf("%s", between);
        put_number(majority ? column[c].majority : column[c].value, column[c].decimals);
    }
    printf("%s\n", after);
}

static void print_table(const score_call *call, const score_report *r, bool latex) {
    table_column column[MOST_COLUMNS];
    size_t n = table_columns(call, r, column);
    if (latex) {
        printf("\\begin{tabular}{l");
        for (size_t c = 0; c < n; c++) putchar('r');
        printf("}\n\\hline\n");
        for (size_t c = 0; c < n; c++) {
            printf(" & ");
            put_latex_text(column[c].title);
        }
        printf(" \\\\\n\\hline\n");
        table_row(column, n, "predictions", false, "", " & ", " \\\\");
        if (r->majority_name) table_row(column, n, "majority", true, "", " & ", " \\\\");
        printf("\\hline\n\\end{tabular}\n");
        return;
    }
    printf("| |");
    for (size_t c = 0; c < n; c++) printf(" %s |", column[c].title);
    printf("\n|---|");
    for (size_t c = 0; c < n; c++) printf("---:|");
    printf("\n");
    table_row(column, n, "predictions", false, "| ", " | ", " |");
    if (r->majority_name) table_row(column, n, "majority", true, "| ", " | ", " |");
}

/* The columns of a paper, under one another's decimals. */
static void print_text_table(const score_call *call, const score_report *r) {
    table_column column[MOST_COLUMNS];
    size_t n = table_columns(call, r, column);
    for (int row = 0; row < (r->majority_name ? 3 : 2); row++) {
        printf("%-12s", row == 0 ? call->paper : row == 1 ? "predictions" : "majority");
        for (size_t c = 0; c < n; c++) {
            int width = (int)BASE_MAX(strlen(column[c].title), 8);
            double x = row == 2 ? column[c].majority : column[c].value;
            if (row == 0)
                printf("  %*s", width, column[c].title);
            else if (isnan(x))
                printf("  %*s", width, "-");
            else
                printf("  %*.*f", width, column[c].decimals, x);
        }
        printf("\n");
    }
}

affect_status score_report_print(const score_call *call, const score_report *r) {
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
    if (!call->json && (paper || strcmp(call->format, "text") != 0))
        for (size_t k = 0; k < r->skips; k++)
            if (r->skip[k].count)
                fprintf(stderr, "affect score: skipped %lld %s\n", (long long)r->skip[k].count,
                        r->skip[k].reason);
    return AFFECT_OK;
}
