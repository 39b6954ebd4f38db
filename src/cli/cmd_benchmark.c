/* affect benchmark: make, check, run. */
#include <string.h>

#include "benchmark/benchmark.h"
#include "cli/options.h"

static const cli_option benchmark_arguments[] = {
    CLI_OPTION(benchmark_run_options, "predictions", CLI_TEXT, predictions, .meta = "FILE",
               .help = "of run: another program's, as annotations or a table name,label"),
    CLI_OPTION(benchmark_run_options, "system", CLI_CHOICE, system,
               .choices = "default|prosody|majority",
               .help = "of run: what predicts without them: everything (default), the voice alone, "
                       "what is most usual in the train split"),
    CLI_OPTION(benchmark_run_options, "split", CLI_CHOICE, split, .choices = "test|dev|train|all",
               .help = "of run: which recordings (default test)"),
    CLI_OPTION(benchmark_run_options, "media", CLI_TEXT, media, .meta = "FOLDER",
               .help = "of run: where the recordings are, if not beside the manifest"),
    CLI_OPTION(benchmark_run_options, "output", CLI_TEXT, output, .letter = 'o', .meta = "FOLDER",
               .help = "of make: the benchmark; of run: where predictions are kept, so that an "
                       "interrupted run goes on"),
    CLI_OPTION(benchmark_run_options, "bootstrap", CLI_INT, rounds, .meta = "N", .max = 100000,
               .help = "of run: rounds of the intervals, which draw recordings (default 1000)"),
    CLI_OPTION(benchmark_run_options, "json", CLI_FLAG, json, .help = "of run: print JSON")};

static affect_status benchmark(affect_context *ctx, void *user, const cli_list *operands) {
    benchmark_run_options *set = user;
    const char *what = operands->items[0];
    base_text out = {0};
    size_t problems = 0;
    affect_status status;
    set->manifest = operands->items[1];
    if (strcmp(what, "make") == 0)
        status = set->output ? benchmark_make(ctx, set->manifest, set->output)
                             : base_fail(ctx, AFFECT_ERROR_USAGE, "make wants --output FOLDER");
    else if (strcmp(what, "check") == 0)
        status = benchmark_check(ctx, set->manifest, &out, &problems);
    else if (strcmp(what, "run") == 0)
        status = benchmark_run(ctx, set, &out);
    else
        status = base_fail(ctx, AFFECT_ERROR_USAGE, "wants make, check or run, not '%s'", what);
    if (!status && out.length) fwrite(out.data, 1, out.length, stdout);
    base_text_destroy(&out);
    return !status && problems
               ? base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: %zu problems", set->manifest, problems)
               : status;
}

int cli_benchmark(int argc, char **argv) {
    benchmark_run_options set = {.system = "default", .split = "test", .rounds = 1000};
    const cli_usage usage = {
        .verb = "benchmark",
        .synopsis = "affect benchmark make|check|run [OPTIONS] STUDY|FOLDER",
        .text = "make turns a study into a folder that others can score against; check looks for\n"
                "leaks between splits, missing files and other checksums; run scores us, a\n"
                "baseline or another program's predictions (docs/benchmark-set.md).",
        .examples = "affect benchmark make study.json -o benchmark/\n"
                    "affect benchmark run benchmark/ --predictions mine.json",
        .options = benchmark_arguments,
        .into = &set,
        .option_count = BASE_COUNT(benchmark_arguments)};
    return cli_run(&usage, argc, argv, 2, 2, "make, check or run, and a file or folder", benchmark);
}
