/* affect score: the field's metrics on files of gold labels and predictions. One function a task.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/score.h"
#include "data/npy.h"
#include "data/table.h"
#include "score/score.h"
#include "score/wheel.h"

/* ---- open vocabulary ---- */

typedef struct open_sets {
    data_table *gold, *predicted;
    score_labels *gold_labels, *predicted_labels;
    const char **names;
    size_t count, unmatched_gold, unmatched_predicted;
} open_sets;

static void open_sets_clear(open_sets *s) {
    for (size_t i = 0; i < s->count; i++) {
        score_labels_clear(&s->gold_labels[i]);
        score_labels_clear(&s->predicted_labels[i]);
    }
    base_free(s->gold_labels);
    base_free(s->predicted_labels);
    base_free(s->names);
    data_table_destroy(s->gold);
    data_table_destroy(s->predicted);
}

static affect_status open_table(affect_context *ctx, const char *path, data_table **table,
                                size_t column[2]) {
    static const char *const wanted[2] = {"name", "openset"};
    affect_status status = data_table_open(ctx, path, NULL, table);
    for (int k = 0; k < 2 && !status; k++) {
        int at = data_table_column(*table, wanted[k]);
        if (at < 0)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no column '%s'", path, wanted[k]);
        else
            column[k] = (size_t)at;
    }
    return status;
}

/* Joins gold and predictions by name, in the order of the gold file. */
static affect_status read_open_sets(const score_call *call, open_sets *out) {
    size_t gold_column[2], predicted_column[2];
    *out = (open_sets){0};
    unsigned form = strcmp(call->edition, "2024") == 0 ? SCORE_LABELS_LOWER
                                                       : SCORE_LABELS_LOWER | SCORE_LABELS_STRIP;
    affect_status status = open_table(call->ctx, call->gold, &out->gold, gold_column);
    if (!status) status = open_table(call->ctx, call->predicted, &out->predicted, predicted_column);
    if (status) return status;
    size_t rows = out->gold->rows, others = out->predicted->rows, matched = 0;
    out->gold_labels = base_calloc(rows + 1, sizeof *out->gold_labels);
    out->predicted_labels = base_calloc(rows + 1, sizeof *out->predicted_labels);
    out->names = base_calloc(rows + 1, sizeof *out->names);
    if (!out->gold_labels || !out->predicted_labels || !out->names)
        return base_fail_memory(call->ctx);
    for (size_t i = 0; i < rows; i++) {
        const char *name = data_table_cell(out->gold, i, gold_column[0]);
        size_t j = 0;
        /* Both files usually have one order: look at the same place first. */
        if (i < others &&
            strcmp(data_table_cell(out->predicted, i, predicted_column[0]), name) == 0)
            j = i;
        else
            while (j < others &&
                   strcmp(data_table_cell(out->predicted, j, predicted_column[0]), name) != 0)
                j++;
        if (j == others) {
            out->unmatched_gold++;
            continue;
        }
        matched++;
        status = score_labels_parse(call->ctx, data_table_cell(out->gold, i, gold_column[1]), form,
                                    &out->gold_labels[out->count]);
        if (!status)
            status = score_labels_parse(call->ctx,
                                        data_table_cell(out->predicted, j, predicted_column[1]),
                                        form, &out->predicted_labels[out->count]);
        out->names[out->count++] = name;
        if (status) return status;
    }
    out->unmatched_predicted = others - BASE_MIN(matched, others);
    if (!out->count)
        return base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s and %s have no name in common",
                         call->gold, call->predicted);
    if (out->unmatched_gold || out->unmatched_predicted)
        fprintf(stderr,
                "affect score: %zu gold samples without a prediction and %zu predictions without "
                "gold were skipped\n",
                out->unmatched_gold, out->unmatched_predicted);
    return AFFECT_OK;
}

/* The groups of a sample, by name, out of the zip of npy files. */
static affect_status read_groups(const score_call *call, const open_sets *sets, char ***out) {
    data_npz *zip;
    *out = NULL;
    affect_status status = data_npz_open(call->ctx, call->synonyms, &zip);
    if (status) return status;
    char **groups = base_calloc(sets->count, sizeof *groups);
    if (!groups) status = base_fail_memory(call->ctx);
    for (size_t i = 0; i < sets->count && !status; i++) {
        const char *member = NULL;
        for (size_t k = 0; k < data_npz_count(zip) && !member; k++) {
            const char *name = data_npz_name(zip, k), *slash = strrchr(name, '/');
            if (strcmp(slash ? slash + 1 : name, sets->names[i]) == 0) member = name;
        }
        if (!member) {
            status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: no groups for sample %s",
                               call->synonyms, sets->names[i]);
            break;
        }
        data_npy *text;
        status = data_npz_array(call->ctx, zip, member, &text);
        if (status) break;
        groups[i] = data_array_text(&text->values, 0);
        if (text->values.type != DATA_UNICODE)
            status = base_fail(call->ctx, AFFECT_ERROR_FORMAT, "%s: %s holds no text",
                               call->synonyms, member);
        else if (!groups[i])
            status = base_fail_memory(call->ctx);
        data_npy_destroy(text);
    }
    data_npz_destroy(zip);
    *out = groups;
    return status;
}

static affect_status score_2024(const score_call *call, const open_sets *sets) {
    char **groups = NULL;
    double accuracy = 0, recall = 0;
    if (!call->synonyms)
        return base_fail(call->ctx, AFFECT_ERROR_USAGE, "edition 2024 wants --synonyms ZIP");
    affect_status status = read_groups(call, sets, &groups);
    const score_open_sets view = {sets->count, sets->gold_labels, sets->predicted_labels};
    if (!status)
        status =
            score_grouped_sets(call->ctx, &view, (const char *const *)groups, &accuracy, &recall);
    for (size_t i = 0; groups && i < sets->count; i++) base_free(groups[i]);
    base_free(groups);
    if (status) return status;
    double mean = (accuracy + recall) / 2;
    if (call->json)
        printf("{\"task\":\"mer-ov\",\"edition\":2024,\"samples\":%zu,\"skipped\":%zu,\"accuracy\":"
               "%.17g,\"recall\":%.17g,"
               "\"mean\":%.17g}\n",
               sets->count, sets->unmatched_gold, accuracy, recall, mean);
    else
        printf("MER2024 open vocabulary, %zu samples, %zu skipped\nset accuracy  %.6f\nset recall  "
               "  %.6f\nmean          %.6f\n",
               sets->count, sets->unmatched_gold, accuracy, recall, mean);
    return AFFECT_OK;
}

typedef struct wheel_metric {
    affect_context *ctx;
    const score_wheels *wheels;
    const score_open_sets *sets;
    size_t levels;
} wheel_metric;

static bool wheel_bootstrap(void *user, const uint32_t *index, size_t n, double *out) {
    const wheel_metric *m = user;
    score_wheel_row rows[SCORE_WHEELS][SCORE_WHEEL_LEVELS];
    return score_wheel_sets(m->ctx, m->wheels, m->sets, index, n, m->levels, rows, out) ==
           AFFECT_OK;
}

static affect_status score_wheel_edition(const score_call *call, const open_sets *sets,
                                         int edition) {
    score_wheels *wheels;
    size_t levels = edition == 2025 ? 2 : 1;
    if (!call->wheels)
        return base_fail(call->ctx, AFFECT_ERROR_USAGE, "edition %d wants --wheels DIR", edition);
    affect_status status = score_wheels_open(call->ctx, call->wheels, &wheels);
    if (status) return status;
    const score_open_sets view = {sets->count, sets->gold_labels, sets->predicted_labels};
    score_wheel_row rows[SCORE_WHEELS][SCORE_WHEEL_LEVELS];
    double mean[3];
    score_interval interval[3] = {{NAN, NAN}, {NAN, NAN}, {NAN, NAN}};
    status = score_wheel_sets(call->ctx, wheels, &view, NULL, 0, levels, rows, mean);
    if (!status && call->rounds) {
        int32_t *unit = base_alloc(sets->count * sizeof *unit);
        if (!unit) status = base_fail_memory(call->ctx);
        for (size_t i = 0; i < sets->count && unit; i++) unit[i] = (int32_t)i;
        wheel_metric metric = {call->ctx, wheels, &view, levels};
        if (!status)
            status =
                score_bootstrap(call->ctx, unit, sets->count, sets->count, (size_t)call->rounds,
                                (uint64_t)call->seed, 0.95, wheel_bootstrap, &metric, 3, interval);
        base_free(unit);
    }
    double hit_rate = NAN;
    size_t hit_samples = 0;
    if (!status) status = score_hit_rate(call->ctx, wheels, &view, &hit_rate, &hit_samples);
    score_wheels_destroy(wheels);
    if (status) return status;
    if (call->json) {
        printf("{\"task\":\"mer-ov\",\"edition\":%d,\"samples\":%zu,\"skipped\":%zu,\"f\":%.17g,"
               "\"precision\":%.17g,"
               "\"recall\":%.17g,",
               edition, sets->count, sets->unmatched_gold, mean[0], mean[1], mean[2]);
        if (call->rounds)
            printf("\"f_interval\":[%.17g,%.17g],", interval[0].low, interval[0].high);
        printf("\"wheels\":[");
        for (size_t level = 0; level < levels; level++)
            for (size_t k = 0; k < SCORE_WHEELS; k++)
                printf("%s{\"wheel\":%zu,\"level\":%zu,\"f\":%.17g,\"precision\":%.17g,\"recall\":%"
                       ".17g,\"samples\":%zu}",
                       k || level ? "," : "", k + 1, level + 1, rows[k][level].f,
                       rows[k][level].precision, rows[k][level].recall, rows[k][level].samples);
        printf("],\"hit_rate\":%.17g,\"hit_rate_samples\":%zu}\n", hit_rate, hit_samples);
        return AFFECT_OK;
    }
    printf("MER%d open vocabulary, %zu samples, %zu skipped\nwheel  level  F         precision  "
           "recall    samples\n",
           edition, sets->count, sets->unmatched_gold);
    for (size_t level = 0; level < levels; level++)
        for (size_t k = 0; k < SCORE_WHEELS; k++)
            printf("%zu      %zu      %.6f  %.6f   %.6f  %zu\n", k + 1, level + 1, rows[k][level].f,
                   rows[k][level].precision, rows[k][level].recall, rows[k][level].samples);
    printf("mean          %.6f  %.6f   %.6f\n", mean[0], mean[1], mean[2]);
    if (call->rounds)
        printf("95 %% interval of F over samples: %.6f to %.6f\n", interval[0].low,
               interval[0].high);
    printf("hit rate, level 1, without neutral-only samples: %.6f (%zu samples)\n", hit_rate,
           hit_samples);
    return AFFECT_OK;
}

static affect_status task_mer_ov(const score_call *call) {
    open_sets sets;
    affect_status status = read_open_sets(call, &sets);
    if (!status && strcmp(call->edition, "2024") == 0)
        status = score_2024(call, &sets);
    else if (!status)
        status = score_wheel_edition(call, &sets, strcmp(call->edition, "2025") == 0 ? 2025 : 2026);
    open_sets_clear(&sets);
    return status;
}

/* ---- the verb ---- */

static const struct {
    const char *name;
    affect_status (*run)(const score_call *call);
    bool one_file; /* no --pred */
} tasks[] = {{"mer-ov", task_mer_ov, false},
             {"classes", score_task_classes, false},
             {"regression", score_task_regression, false},
             {"sentiment", score_task_sentiment, false},
             {"multilabel", score_task_multilabel, false},
             {"agreement", score_task_agreement, true},
             {"calibration", score_task_calibration, false}};

#define SCORE_TASKS "mer-ov, classes, regression, sentiment, multilabel, agreement, calibration"

int cli_score(int argc, char **argv) {
    score_call call = {.edition = "2026",
                       .rounds = 1000,
                       .seed = 1,
                       .bins = 15,
                       .format = "text",
                       .paper = "none",
                       .set = "mosi",
                       .variance = "population",
                       .average = "union"};
    const cli_option options[] = {
        {.name = "gold",
         .type = CLI_TEXT,
         .value = &call.gold,
         .meta = "FILE",
         .help = "what is right: CSV, TSV, JSON Lines, npy, npz (FILE.npz:MEMBER) or pickle"},
        {.name = "pred",
         .type = CLI_TEXT,
         .value = &call.predicted,
         .meta = "FILE",
         .help = "what was predicted, in any of the same forms"},
        {.name = "id",
         .type = CLI_TEXT,
         .value = &call.id,
         .meta = "COLUMN",
         .help = "joins the files by this column; default: a column id, name, clip, file ... of "
                 "both, else the order of the rows"},
        {.name = "column",
         .type = CLI_TEXT,
         .value = &call.column,
         .meta = "COLUMN",
         .help = "the values, in both files: a name or a number from 0"},
        {.name = "gold-column",
         .type = CLI_TEXT,
         .value = &call.gold_column,
         .meta = "COLUMN",
         .help = "the values in the gold file"},
        {.name = "pred-column",
         .type = CLI_TEXT,
         .value = &call.predicted_column,
         .meta = "COLUMN",
         .help = "the values in the file of predictions"},
        {.name = "no-header",
         .type = CLI_FLAG,
         .value = &call.no_header,
         .help = "the first line of a CSV or TSV is data"},
        {.name = "unit",
         .type = CLI_TEXT,
         .value = &call.unit,
         .meta = "COLUMN",
         .help = "of the gold file: the bootstrap draws its values (clips, speakers), not items"},
        {.name = "labels",
         .type = CLI_TEXT,
         .value = &call.labels,
         .meta = "A,B,...",
         .help = "the classes and their order; other labels are skipped and counted"},
        {.name = "average",
         .type = CLI_CHOICE,
         .value = &call.average,
         .choices = "union|gold|all",
         .help = "classes that macro means run over: in gold or predictions (as scikit-learn), in "
                 "gold, or all of --labels"},
        {.name = "variance",
         .type = CLI_CHOICE,
         .value = &call.variance,
         .choices = "population|sample",
         .help = "in the CCC"},
        {.name = "set",
         .type = CLI_CHOICE,
         .value = &call.set,
         .choices = "mosi|mosei|sims",
         .help = "whose definitions the sentiment scores follow"},
        {.name = "classes",
         .type = CLI_FLAG,
         .value = &call.classes,
         .help = "sentiment of three classes: gold is 0, 1, 2, predictions are three scores"},
        {.name = "table-bug",
         .type = CLI_FLAG,
         .value = &call.table_bug,
         .help = "with --classes: the non0 columns as the MMSA tables printed them, where no "
                 "positive item can match"},
        {.name = "bins",
         .type = CLI_INT,
         .value = &call.bins,
         .meta = "N",
         .min = 1,
         .max = 1000,
         .help = "of the confidence, in the calibration error"},
        {.name = "chart",
         .type = CLI_TEXT,
         .value = &call.chart,
         .meta = "FILE.svg",
         .help = "writes the reliability diagram of a calibration"},
        {.name = "paper",
         .type = CLI_CHOICE,
         .value = &call.paper,
         .choices = score_papers,
         .help = "prints the columns of that paper's table"},
        {.name = "format",
         .type = CLI_CHOICE,
         .value = &call.format,
         .choices = "text|markdown|latex|json",
         .help = "of the output"},
        {.name = "edition",
         .type = CLI_CHOICE,
         .value = &call.edition,
         .choices = "2024|2025|2026",
         .help = "of the open-vocabulary score"},
        {.name = "synonyms",
         .type = CLI_TEXT,
         .value = &call.synonyms,
         .meta = "ZIP",
         .help = "groups of labels a sample (edition 2024)"},
        {.name = "wheels",
         .type = CLI_TEXT,
         .value = &call.wheels,
         .meta = "DIR",
         .help = "folder with wheel_mapping.npz (editions 2025, 2026)"},
        {.name = "bootstrap",
         .type = CLI_INT,
         .value = &call.rounds,
         .meta = "N",
         .min = 0,
         .max = 100000,
         .help = "rounds for the 95 % intervals; 0 = none"},
        {.name = "seed",
         .type = CLI_INT,
         .value = &call.seed,
         .meta = "N",
         .help = "of the bootstrap"},
        {.name = "json",
         .type = CLI_FLAG,
         .value = &call.json,
         .help = "print JSON in full precision"},
    };
    const cli_usage usage = {
        .verb = "score",
        .synopsis = "affect score TASK --gold FILE --pred FILE [OPTIONS]",
        .text = "Prints the metrics that papers print, with their intervals, the majority row and "
                "what was skipped.\nTASK is one of: " SCORE_TASKS ".",
        .examples = "affect score classes --gold gold.csv --pred pred.csv --column emotion --unit "
                    "speaker --paper erc\n"
                    "affect score mer-ov --edition 2026 --wheels wheels/ --gold gold.csv --pred "
                    "pred.csv --json",
        .options = options,
        .option_count = BASE_COUNT(options),
    };
    cli_list operands = {0};
    bool help;
    affect_status status = cli_parse(&usage, argc, argv, &operands, &help);
    if (status || help) goto cleanup;
    size_t task = 0;
    const char *wanted = operands.count == 1 ? operands.items[0] : "";
    if (!operands.count && strcmp(call.paper, "none") != 0) wanted = score_paper_task(call.paper);
    while (task < BASE_COUNT(tasks) && strcmp(tasks[task].name, wanted) != 0) task++;
    if (operands.count > 1 || task == BASE_COUNT(tasks)) {
        status = AFFECT_ERROR_USAGE;
        cli_fail_text("score", status,
                      "wants one task out of " SCORE_TASKS "; see affect score --help");
        goto cleanup;
    }
    if (strcmp(call.paper, "none") != 0 && strcmp(score_paper_task(call.paper), wanted) != 0) {
        status = AFFECT_ERROR_USAGE;
        cli_fail_text("score", status, "--paper %s is a table of the task %s", call.paper,
                      score_paper_task(call.paper));
        goto cleanup;
    }
    if (strcmp(call.paper, "sims") == 0) call.set = "sims";
    call.task = tasks[task].name;
    if (!call.gold || (!call.predicted && !tasks[task].one_file)) {
        status = AFFECT_ERROR_USAGE;
        cli_fail_text("score", status,
                      tasks[task].one_file
                          ? "--gold is needed; see affect score --help"
                          : "--gold and --pred are needed; see affect score --help");
        goto cleanup;
    }
    if (tasks[task].one_file) call.predicted = NULL;
    status = affect_context_create(&call.ctx);
    if (!status) status = tasks[task].run(&call);
    if (status) cli_fail("score", call.ctx, status);
cleanup:
    affect_context_destroy(call.ctx);
    base_free(operands.items);
    return (int)status;
}
