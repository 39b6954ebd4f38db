/* affect gold and affect agreement: several people's traces of one recording. */
#include <math.h>
#include <string.h>

#include "annotate/annotate.h"
#include "annotate/quality.h"
#include "cli/options.h"

enum { DIGITS = 6 };

typedef struct settings {
    const char *method, *comparisons, *reactions, *output, *raters, *ask;
    annotate_choice choice;
    cli_list features;
    double lag, max_lag, step, window;
    bool lags_only, quality, json, force;
} settings;

/* What both verbs read. */
typedef struct input {
    annotate_traces traces, features;
    affect_gold_comparison *comparisons;
    affect_gold_reaction *reactions;
    affect_gold_options options;
} input;

static void input_destroy(input *in) {
    annotate_traces_destroy(&in->traces);
    annotate_traces_destroy(&in->features);
    base_free(in->comparisons);
    base_free(in->reactions);
}

static affect_status input_read(affect_context *ctx, const settings *set, const cli_list *files,
                                input *in) {
    affect_status status = AFFECT_OK;
    in->options = (affect_gold_options)AFFECT_GOLD_DEFAULTS;
    affect_gold_options *o = &in->options;
    for (size_t i = 0; i < files->count && !status; i++)
        status = annotate_traces_read(ctx, files->items[i], &set->choice, &in->traces);
    for (size_t i = 0; i < set->features.count && !status; i++)
        status = annotate_traces_read(ctx, set->features.items[i], NULL, &in->features);
    if (!status && set->comparisons)
        status = annotate_comparisons_read(ctx, set->comparisons, &in->comparisons,
                                           &o->comparison_count);
    if (!status && set->reactions)
        status = annotate_reactions_read(ctx, set->reactions, &in->reactions, &o->reaction_count);
    o->reactions = in->reactions;
    o->method = annotate_method(set->method);
    o->step_s = set->step;
    o->max_lag_s = set->max_lag;
    o->common_lag_s = set->lag;
    o->features = in->features.items;
    o->feature_count = in->features.count;
    o->feature_stream = !set->lags_only;
    o->comparisons = in->comparisons;
    return status;
}

static affect_status print_gold(affect_context *ctx, const settings *set, const affect_gold *gold) {
    if (set->json)
        return cli_print_json(ctx, annotate_gold_json(gold, set->method, !set->output), DIGITS + 3);
    if (set->output)
        annotate_print_raters(stdout, gold, set->method);
    else
        annotate_print_gold(stdout, gold);
    return AFFECT_OK;
}

#define OPTION(...) CLI_OPTION(settings, __VA_ARGS__)
/* Both verbs have these. */
#define SHARED_OPTIONS                                                                             \
    OPTION("recording", CLI_TEXT, choice.recording, .meta = "NAME",                                \
           .help = "of files that hold traces of several (docs/annotate.md)"),                     \
        OPTION("dimension", CLI_TEXT, choice.dimension, .meta = "NAME",                            \
               .help = "of files that hold several, as valence and arousal"),                      \
        OPTION(                                                                                    \
            "feature", CLI_LIST, features, .meta = "FILE",                                         \
            .help =                                                                                \
                "what was watched, as a table of times and values: tells how late each rater is"), \
        OPTION(                                                                                    \
            "lag", CLI_NUMBER, lag, .meta = "S", .max = 60,                                        \
            .help =                                                                                \
                "how late the raters are on average, where no feature tells (default: from how "   \
                "far they lie apart; see docs/gold.md)"),                                          \
        OPTION("max-lag", CLI_NUMBER, max_lag, .meta = "S", .min = 0.1, .max = 3600,               \
               .help = "no rater is later than that (default 6)"),                                 \
        OPTION("step", CLI_NUMBER, step, .meta = "S", .min = 0.001, .max = 3600,                   \
               .help = "step of the result (default: the median step of the traces)"),             \
        OPTION("json", CLI_FLAG, json, .help = "print JSON")

static const cli_option gold_options[] = {
    OPTION("method", CLI_CHOICE, method, .choices = "latent|mean|median|ewe|dba|mi-lag|ctw|raaw",
           .help =
               "raters as streams of one hidden value, with their lags; or a simpler way (default "
               "latent)"),
    OPTION("comparisons", CLI_TEXT, comparisons, .meta = "FILE",
           .help =
               "bend the result to comparisons of stretches: ref_start, ref_end, a_start, a_end, "
               "b_start, b_end, closer_to_ref (A or B)"),
    OPTION(
        "lags-only", CLI_FLAG, lags_only,
        .help =
            "features tell the lags only; else latent also takes the first as one rater more, as "
            "reliable as it turns out"),
    OPTION("output", CLI_TEXT, output, .letter = 'o', .meta = "FILE",
           .help =
               "write time,value,sd there (the band of 95 % is value +- 1.96 sd); without it they "
               "are printed"),
    OPTION("raters", CLI_TEXT, raters, .meta = "FILE",
           .help = "write a table of the raters: lag, gain, offset, noise, weight, reliability"),
    OPTION("reaction", CLI_TEXT, reactions, .meta = "FILE",
           .help = "how late each rater was in a reaction task (rater, lag_s, sd_s): the prior of "
                   "his lag"),
    OPTION("ask", CLI_TEXT, ask, .meta = "FILE",
           .help = "write stretches there, those first of which least is known: where another "
                   "rater tells most"),
    OPTION("ask-length", CLI_NUMBER, window, .meta = "S", .min = 0.1, .max = 36000,
           .help = "of those stretches (default 10)"),
    OPTION("force", CLI_FLAG, force, .help = "overwrite files that exist"),
    SHARED_OPTIONS,
};
static const cli_option agreement_options[] = {
    OPTION("quality", CLI_FLAG, quality,
           .help = "also say what is odd: late starts, blanks, flat stretches, out of sync, "
                   "duplicates, who disagrees with everybody"),
    OPTION("output", CLI_TEXT, output, .letter = 'o', .meta = "FILE",
           .help = "write what is odd there, as a table"),
    OPTION("force", CLI_FLAG, force, .help = "overwrite a file that exists"),
    SHARED_OPTIONS,
};

static affect_status check_absent(affect_context *ctx, const settings *set, const char *path) {
    if (!path || set->force || !base_file_exists(path)) return AFFECT_OK;
    return base_fail(ctx, AFFECT_ERROR_EXISTS, "%s exists; --force overwrites it", path);
}

static affect_status run_gold(affect_context *ctx, void *user, const cli_list *operands) {
    const settings *set = user;
    affect_gold *gold = NULL;
    input in = {0};
    affect_status status = input_read(ctx, set, operands, &in);
    if (!status) status = check_absent(ctx, set, set->output);
    if (!status) status = check_absent(ctx, set, set->raters);
    if (!status) status = check_absent(ctx, set, set->ask);
    if (!status)
        status = affect_gold_make(ctx, in.traces.items, in.traces.count, &in.options, &gold);
    if (!status && set->output) status = annotate_write_gold(ctx, set->output, gold);
    if (!status && set->raters) status = annotate_write_raters(ctx, set->raters, gold);
    if (!status && set->ask)
        status = annotate_write_asked(ctx, set->ask, gold, in.traces.items, in.traces.count,
                                      set->window);
    if (!status) status = print_gold(ctx, set, gold);
    affect_gold_destroy(gold);
    input_destroy(&in);
    return status;
}

static affect_status run_agreement(affect_context *ctx, void *user, const cli_list *operands) {
    const settings *set = user;
    affect_gold_agreement before = {0}, after = {0};
    annotate_quality quality = {0};
    input in = {0};
    affect_status status = input_read(ctx, set, operands, &in);
    const affect_gold_trace *traces = in.traces.items;
    double *lags = base_alloc(BASE_MAX(in.traces.count, 1) * sizeof *lags);
    if (!lags && !status) status = base_fail_memory(ctx);
    if (!status) status = check_absent(ctx, set, set->output);
    if (!status)
        status =
            affect_gold_agree(ctx, traces, in.traces.count, &in.options, &before, &after, lags);
    if (!status && (set->quality || set->output))
        status = annotate_quality_check(ctx, traces, in.traces.count, NULL, &quality);
    if (!status && set->output) status = annotate_write_quality(ctx, set->output, &quality, traces);
    if (!status && set->json) {
        json_t *root = annotate_agreement_json(&before, &after, traces, lags, in.traces.count);
        if (set->quality)
            json_object_set_new(root, "findings", annotate_quality_json(&quality, traces));
        status = cli_print_json(ctx, root, DIGITS);
    } else if (!status) {
        annotate_print_agreement(stdout, &before, &after, in.traces.count);
        if (set->quality) annotate_print_quality(stdout, &quality, traces, false);
    }
    annotate_quality_destroy(&quality);
    base_free(lags);
    input_destroy(&in);
    return status;
}

int cli_gold(int argc, char **argv) {
    settings set = {.method = "latent", .lag = NAN, .max_lag = 6, .window = 10};
    const cli_usage usage = {
        .verb = "gold",
        .synopsis = "affect gold [OPTIONS] TRACE.csv...",
        .text = "Makes one gold standard from the traces of several people who watched the same\n"
                "recording, with a band, and says how late, how strong and how reliable each was.\n"
                "A trace is a table of times in seconds and values; a table may hold several.",
        .examples =
            "affect gold rater*.csv --feature loudness.csv -o gold.csv --raters raters.csv\n"
            "affect gold arousal.tsv --method ewe --json",
        .options = gold_options,
        .into = &set,
        .option_count = BASE_COUNT(gold_options)};
    int code = cli_run(&usage, argc, argv, 1, SIZE_MAX, "traces", run_gold);
    base_free(set.features.items);
    return code;
}

int cli_agreement(int argc, char **argv) {
    settings set = {.method = "latent", .lag = NAN, .max_lag = 6};
    const cli_usage usage = {
        .verb = "agreement",
        .synopsis = "affect agreement [OPTIONS] TRACE.csv...",
        .text =
            "Says how well people's traces of one recording agree, as they were traced and with\n"
            "their lags taken off: pairwise CCC, Krippendorff's alpha, ICC. And what is odd about "
            "them.",
        .examples = "affect agreement rater*.csv --quality\naffect agreement arousal.tsv --json",
        .options = agreement_options,
        .into = &set,
        .option_count = BASE_COUNT(agreement_options)};
    int code = cli_run(&usage, argc, argv, 1, SIZE_MAX, "traces", run_agreement);
    base_free(set.features.items);
    return code;
}
