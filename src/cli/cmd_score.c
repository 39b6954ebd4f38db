/* affect score: the field's metrics on files of gold labels and predictions. */
#include <stddef.h>
#include <string.h>

#include "cli/options.h"
#include "evaluate/evaluate.h"

static const struct {
    const char *name;
    affect_status (*run)(const evaluate_call *call);
    bool one_file; /* no --pred */
    bool by_rows;  /* items are rows of the gold file, which --by may group */
} tasks[] = {{"mer-ov", evaluate_task_open, false, true},
             {"hit-rate", evaluate_task_hit_rate, false, true},
             {"classes", evaluate_task_classes, false, true},
             {"multilabel", evaluate_task_multilabel, false, true},
             {"regression", evaluate_task_regression, false, true},
             {"continuous", evaluate_task_regression, false, true},
             {"sentiment", evaluate_task_sentiment, false, true},
             {"ferplus", evaluate_task_ferplus, false, true},
             {"agreement", evaluate_task_agreement, true, true},
             {"calibration", evaluate_task_calibration, false, true},
             {"dynamics", evaluate_task_dynamics, false, false},
             {"spotting", evaluate_task_spotting, false, false},
             {"localisation", evaluate_task_localisation, false, false},
             {"eder", evaluate_task_eder, false, false},
             {"cause", evaluate_task_cause, false, false}};

#define SCORE_TASKS                                                                                \
    "mer-ov, hit-rate, classes, multilabel, regression (or continuous), sentiment, ferplus, "      \
    "agreement, calibration, dynamics, spotting, localisation, eder, "                             \
    "cause"

/* Two names of one task. */
static const char *alias(const char *task) {
    return strcmp(task, "continuous") == 0 ? "regression" : task;
}

static const cli_option score_options[] = {
    CLI_OPTION(evaluate_call, "gold", CLI_TEXT, gold, .meta = "FILE",
               .help = "what is right: CSV, TSV, JSON Lines, npy, npz (FILE.npz:MEMBER) or pickle"),
    CLI_OPTION(evaluate_call, "pred", CLI_TEXT, predicted, .meta = "FILE",
               .help = "what was predicted, in any of the same forms"),
    CLI_OPTION(evaluate_call, "id", CLI_TEXT, id, .meta = "COLUMN",
               .help =
                   "joins the files by this column; default: a column id, name, clip, file ... of "
                   "both, else the order of the rows"),
    CLI_OPTION(evaluate_call, "column", CLI_TEXT, column, .meta = "COLUMN",
               .help = "the values, in both files: a name or a number from 0"),
    CLI_OPTION(evaluate_call, "gold-column", CLI_TEXT, gold_column, .meta = "COLUMN",
               .help = "the values in the gold file"),
    CLI_OPTION(evaluate_call, "pred-column", CLI_TEXT, predicted_column, .meta = "COLUMN",
               .help = "the values in the file of predictions"),
    CLI_OPTION(evaluate_call, "no-header", CLI_FLAG, no_header,
               .help = "the first line of a CSV or TSV is data"),
    CLI_OPTION(evaluate_call, "unit", CLI_TEXT, unit, .meta = "COLUMN",
               .help =
                   "of the gold file: the bootstrap draws its values (clips, speakers), not items"),
    CLI_OPTION(evaluate_call, "by", CLI_TEXT, by, .meta = "COLUMN",
               .help = "of the gold file: figures of each of its values (speaker, gender, "
                       "language), with intervals and the largest gap"),
    CLI_OPTION(
        evaluate_call, "fold", CLI_TEXT, fold, .meta = "COLUMN",
        .help = "of the gold file: classes are pooled over its values, each of which gets a row"),
    CLI_OPTION(evaluate_call, "labels", CLI_TEXT, labels, .meta = "A,B,...",
               .help = "the classes and their order; other labels are skipped and counted"),
    CLI_OPTION(
        evaluate_call, "average", CLI_CHOICE, average, .choices = "union|gold|all",
        .help = "classes that macro means run over: in gold or predictions (as scikit-learn), in "
                "gold, or all of --labels"),
    CLI_OPTION(evaluate_call, "variance", CLI_CHOICE, variance, .choices = "population|sample",
               .help = "in the CCC"),
    CLI_OPTION(evaluate_call, "set", CLI_CHOICE, set, .choices = "mosi|mosei|sims|simsv2",
               .help = "whose definitions the sentiment scores follow"),
    CLI_OPTION(evaluate_call, "classes", CLI_FLAG, classes,
               .help = "sentiment of three classes: gold is 0, 1, 2, predictions are three scores"),
    CLI_OPTION(evaluate_call, "table-bug", CLI_FLAG, table_bug,
               .help = "with --classes: the non0 columns as the MMSA tables printed them, where no "
                       "positive item can match"),
    CLI_OPTION(evaluate_call, "bins", CLI_INT, bins, .meta = "N", .min = 1, .max = 1000,
               .help = "of the confidence, in the calibration error"),
    CLI_OPTION(evaluate_call, "chart", CLI_TEXT, chart, .meta = "FILE.svg",
               .help = "writes the reliability diagram of a calibration"),
    CLI_OPTION(evaluate_call, "sd", CLI_TEXT, sd, .meta = "COLUMN",
               .help = "of the predictions: standard deviations, for the calibration of numbers"),
    CLI_OPTION(evaluate_call, "rule", CLI_CHOICE, rule, .choices = "fixed|top-k|tuned|tuned-single",
               .help = "how probabilities become sets of labels; tuned is a threshold a label, and "
                       "tuned-single one for all, with the best F1 on the development set"),
    CLI_OPTION(evaluate_call, "threshold", CLI_NUMBER, threshold, .meta = "X",
               .help = "of --rule fixed: a label counts above it"),
    CLI_OPTION(evaluate_call, "top-k", CLI_INT, top, .meta = "N", .min = 1, .max = 65536,
               .help = "labels an item of --rule top-k"),
    CLI_OPTION(evaluate_call, "at-least-one", CLI_FLAG, at_least_one,
               .help = "the best label counts where none is above its threshold"),
    CLI_OPTION(evaluate_call, "dev-gold", CLI_TEXT, dev_gold, .meta = "FILE",
               .help = "gold of the development set that thresholds are tuned on"),
    CLI_OPTION(evaluate_call, "dev-pred", CLI_TEXT, dev_predicted, .meta = "FILE",
               .help = "probabilities of the development set"),
    CLI_OPTION(evaluate_call, "convention", CLI_CHOICE, convention,
               .choices = "majority|probability|multi-target", .help = "what FER+ votes become"),
    CLI_OPTION(evaluate_call, "clip", CLI_TEXT, clip, .meta = "COLUMN",
               .help =
                   "of both files: which recording a sample, interval or pair is of; default: a "
                   "column clip, video, file, id ..."),
    CLI_OPTION(evaluate_call, "time", CLI_TEXT, time, .meta = "COLUMN",
               .help = "of both files: seconds of a sample; default: a column time, timestamp, t"),
    CLI_OPTION(evaluate_call, "rate", CLI_NUMBER, rate, .meta = "HZ", .min = 0.001, .max = 1e6,
               .help = "of samples without times; without it they are one second apart"),
    CLI_OPTION(evaluate_call, "tolerance", CLI_NUMBER, tolerance, .meta = "SECONDS", .min = 0,
               .max = 1e6, .help = "between turning points or changes that match"),
    CLI_OPTION(evaluate_call, "prominence", CLI_NUMBER, prominence, .meta = "X", .min = 0,
               .max = 1e6,
               .help = "of a turning point: how far the trace moves away from it on both sides"),
    CLI_OPTION(evaluate_call, "longest-lag", CLI_NUMBER, longest_lag, .meta = "SECONDS", .min = 0,
               .max = 1e6, .help = "that is looked for"),
    CLI_OPTION(evaluate_call, "iou", CLI_NUMBER, iou, .meta = "X", .min = 0.001, .max = 1,
               .help = "from which on an interval is spotted"),
    CLI_OPTION(evaluate_call, "durations", CLI_TEXT, durations, .meta = "FILE",
               .help =
                   "seconds of each clip (columns clip, duration); default: the end of its last "
                   "gold interval"),
    CLI_OPTION(
        evaluate_call, "fill", CLI_TEXT, fill, .meta = "LABEL",
        .help =
            "what gold's intervals do not cover counts as this label (eder); as the emotion of a "
            "pair, it is left out of the weighted F1 (cause)"),
    CLI_OPTION(evaluate_call, "paper", CLI_CHOICE, paper, .choices = evaluate_papers,
               .help = "prints the columns of that paper's table"),
    CLI_OPTION(evaluate_call, "format", CLI_CHOICE, format, .choices = "text|markdown|latex|json",
               .help = "of the output"),
    CLI_OPTION(evaluate_call, "edition", CLI_CHOICE, edition, .choices = "2024|2025|2026",
               .help = "of the open-vocabulary score"),
    CLI_OPTION(evaluate_call, "synonyms", CLI_TEXT, synonyms, .meta = "ZIP",
               .help = "groups of labels a sample (edition 2024)"),
    CLI_OPTION(
        evaluate_call, "wheels", CLI_TEXT, wheels, .meta = "DIR",
        .help = "folder with wheel_mapping.npz or its xlsx or csv tables (editions 2025, 2026; hit "
                "rate)"),
    CLI_OPTION(evaluate_call, "bootstrap", CLI_INT, rounds, .meta = "N", .min = 0, .max = 100000,
               .help = "rounds for the 95 % intervals; 0 = none"),
    CLI_OPTION(evaluate_call, "seed", CLI_INT, seed, .meta = "N", .help = "of the bootstrap"),
    CLI_OPTION(evaluate_call, "json", CLI_FLAG, json, .help = "print JSON in full precision"),
};

static affect_status score(affect_context *ctx, void *user, const cli_list *operands) {
    evaluate_call *call = user;
    base_text out = {0};
    size_t task = 0;
    bool paper = strcmp(call->paper, "none") != 0;
    const char *wanted = operands->count == 1 ? operands->items[0] : "";
    if (!operands->count && paper) wanted = evaluate_paper_task(call->paper);
    while (task < BASE_COUNT(tasks) && strcmp(tasks[task].name, wanted) != 0) task++;
    if (operands->count > 1 || task == BASE_COUNT(tasks))
        return base_fail(ctx, AFFECT_ERROR_USAGE,
                         "wants one task out of " SCORE_TASKS "; see affect score --help");
    if (paper && strcmp(evaluate_paper_task(call->paper), alias(wanted)) != 0)
        return base_fail(ctx, AFFECT_ERROR_USAGE, "--paper %s is a table of the task %s",
                         call->paper, evaluate_paper_task(call->paper));
    if (base_starts_with(call->paper, "sims")) call->set = "sims";
    if (!call->labels) call->labels = evaluate_paper_labels(call->paper);
    if (strcmp(call->paper, "mer2024-ov") == 0) call->edition = "2024";
    call->task = tasks[task].name;
    if (call->by && !tasks[task].by_rows)
        return base_fail(ctx, AFFECT_ERROR_USAGE, "--by groups rows; the items of %s are none",
                         call->task);
    if (!call->gold || (!call->predicted && !tasks[task].one_file))
        return base_fail(ctx, AFFECT_ERROR_USAGE, "--gold%s needed; see affect score --help",
                         tasks[task].one_file ? " is" : " and --pred are");
    if (tasks[task].one_file) call->predicted = NULL;
    call->ctx = ctx;
    call->out = &out;
    affect_status status = tasks[task].run(call);
    if (!status && out.length) fwrite(out.data, 1, out.length, stdout);
    base_text_destroy(&out);
    return status;
}

int cli_score(int argc, char **argv) {
    evaluate_call call = evaluate_call_default();
    const cli_usage usage = {
        .verb = "score",
        .synopsis = "affect score TASK --gold FILE --pred FILE [OPTIONS]",
        .text = "Prints the metrics that papers print, with their intervals, the majority row and "
                "what was skipped.\nTASK is one of: " SCORE_TASKS ".",
        .examples = "affect score classes --gold gold.csv --pred pred.csv --column emotion --unit "
                    "speaker --paper erc\n"
                    "affect score mer-ov --edition 2026 --wheels wheels/ --gold gold.csv --pred "
                    "pred.csv --json",
        .options = score_options,
        .into = &call,
        .option_count = BASE_COUNT(score_options),
    };
    return cli_run(&usage, argc, argv, 0, SIZE_MAX, "a task", score);
}
