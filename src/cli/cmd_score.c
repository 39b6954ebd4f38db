/* affect score: the field's metrics on files of gold labels and predictions. */
#include <string.h>

#include "cli/options.h"
#include "cli/score.h"

static const struct {
    const char *name;
    affect_status (*run)(const score_call *call);
    bool one_file; /* no --pred */
} tasks[] = {{"mer-ov", score_task_open, false},
             {"hit-rate", score_task_hit_rate, false},
             {"classes", score_task_classes, false},
             {"multilabel", score_task_multilabel, false},
             {"regression", score_task_regression, false},
             {"continuous", score_task_regression, false},
             {"sentiment", score_task_sentiment, false},
             {"ferplus", score_task_ferplus, false},
             {"agreement", score_task_agreement, true},
             {"calibration", score_task_calibration, false},
             {"dynamics", score_task_dynamics, false},
             {"spotting", score_task_spotting, false},
             {"eder", score_task_eder, false},
             {"cause", score_task_cause, false}};

#define SCORE_TASKS                                                                                \
    "mer-ov, hit-rate, classes, multilabel, regression (or continuous), sentiment, ferplus, "      \
    "agreement, calibration, dynamics, spotting, eder, cause"

/* Two names of one task. */
static const char *alias(const char *task) {
    return strcmp(task, "continuous") == 0 ? "regression" : task;
}

int cli_score(int argc, char **argv) {
    score_call call = score_call_default();
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
        {.name = "fold",
         .type = CLI_TEXT,
         .value = &call.fold,
         .meta = "COLUMN",
         .help = "of the gold file: classes are pooled over its values, each of which gets a row"},
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
         .choices = "mosi|mosei|sims|simsv2",
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
        {.name = "sd",
         .type = CLI_TEXT,
         .value = &call.sd,
         .meta = "COLUMN",
         .help = "of the predictions: standard deviations, for the calibration of numbers"},
        {.name = "rule",
         .type = CLI_CHOICE,
         .value = &call.rule,
         .choices = "fixed|top-k|tuned|tuned-single",
         .help = "how probabilities become sets of labels; tuned is a threshold a label, and "
                 "tuned-single one for all, with the best F1 on the development set"},
        {.name = "threshold",
         .type = CLI_NUMBER,
         .value = &call.threshold,
         .meta = "X",
         .help = "of --rule fixed: a label counts above it"},
        {.name = "top-k",
         .type = CLI_INT,
         .value = &call.top,
         .meta = "N",
         .min = 1,
         .max = 65536,
         .help = "labels an item of --rule top-k"},
        {.name = "at-least-one",
         .type = CLI_FLAG,
         .value = &call.at_least_one,
         .help = "the best label counts where none is above its threshold"},
        {.name = "dev-gold",
         .type = CLI_TEXT,
         .value = &call.dev_gold,
         .meta = "FILE",
         .help = "gold of the development set that thresholds are tuned on"},
        {.name = "dev-pred",
         .type = CLI_TEXT,
         .value = &call.dev_predicted,
         .meta = "FILE",
         .help = "probabilities of the development set"},
        {.name = "convention",
         .type = CLI_CHOICE,
         .value = &call.convention,
         .choices = "majority|probability|multi-target",
         .help = "what FER+ votes become"},
        {.name = "clip",
         .type = CLI_TEXT,
         .value = &call.clip,
         .meta = "COLUMN",
         .help = "of both files: which recording a sample, interval or pair is of; default: a "
                 "column clip, video, file, id ..."},
        {.name = "time",
         .type = CLI_TEXT,
         .value = &call.time,
         .meta = "COLUMN",
         .help = "of both files: seconds of a sample; default: a column time, timestamp, t"},
        {.name = "rate",
         .type = CLI_NUMBER,
         .value = &call.rate,
         .meta = "HZ",
         .min = 0.001,
         .max = 1e6,
         .help = "of samples without times; without it they are one second apart"},
        {.name = "tolerance",
         .type = CLI_NUMBER,
         .value = &call.tolerance,
         .meta = "SECONDS",
         .min = 0,
         .max = 1e6,
         .help = "between turning points or changes that match"},
        {.name = "prominence",
         .type = CLI_NUMBER,
         .value = &call.prominence,
         .meta = "X",
         .min = 0,
         .max = 1e6,
         .help = "of a turning point: how far the trace moves away from it on both sides"},
        {.name = "longest-lag",
         .type = CLI_NUMBER,
         .value = &call.longest_lag,
         .meta = "SECONDS",
         .min = 0,
         .max = 1e6,
         .help = "that is looked for"},
        {.name = "iou",
         .type = CLI_NUMBER,
         .value = &call.iou,
         .meta = "X",
         .min = 0.001,
         .max = 1,
         .help = "from which on an interval is spotted"},
        {.name = "durations",
         .type = CLI_TEXT,
         .value = &call.durations,
         .meta = "FILE",
         .help = "seconds of each clip (columns clip, duration); default: the end of its last "
                 "gold interval"},
        {.name = "fill",
         .type = CLI_TEXT,
         .value = &call.fill,
         .meta = "LABEL",
         .help =
             "what gold's intervals do not cover counts as this label (eder); as the emotion of a "
             "pair, it is left out of the weighted F1 (cause)"},
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
         .help =
             "folder with wheel_mapping.npz or its xlsx or csv tables (editions 2025, 2026; hit "
             "rate)"},
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
    if (strcmp(call.paper, "none") != 0 &&
        strcmp(score_paper_task(call.paper), alias(wanted)) != 0) {
        status = AFFECT_ERROR_USAGE;
        cli_fail_text("score", status, "--paper %s is a table of the task %s", call.paper,
                      score_paper_task(call.paper));
        goto cleanup;
    }
    if (base_starts_with(call.paper, "sims")) call.set = "sims";
    if (!call.labels) call.labels = score_paper_labels(call.paper);
    if (strcmp(call.paper, "mer2024-ov") == 0) call.edition = "2024";
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
