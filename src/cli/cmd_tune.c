/* affect tune: a language model learns to answer about streams. */
#include <unistd.h>

#include "cli/options.h"
#include "reason/reason.h"
#include "tune/tune.h"

#define USAGE(word, table) .verb = (word), .options = (table), .option_count = BASE_COUNT(table)

typedef struct tune_settings {
    const char *base, *data, *folder;
    int64_t threads, stop;
    bool fresh, quiet;
} tune_settings;

static const cli_option tune_arguments[] = {
    CLI_OPTION(tune_settings, "base", CLI_TEXT, base, .meta = "FILE.gguf",
               .help = "the language model: of the family Llama, Qwen2 or Qwen3"),
    CLI_OPTION(tune_settings, "data", CLI_TEXT, data, .meta = "CLIPS.jsonl",
               .help = "prompts, answers and streams, a clip a line (docs/tuning.md)"),
    CLI_OPTION(tune_settings, "out", CLI_TEXT, folder, .letter = 'o', .meta = "FOLDER",
               .help = "where the run is kept"),
    CLI_OPTION(tune_settings, "fresh", CLI_FLAG, fresh,
               .help = "throw away what an earlier run left there"),
    CLI_OPTION(tune_settings, "threads", CLI_INT, threads, .meta = "N",
               .help = "compute threads; results do not depend on it", .min = 1, .max = 256),
    CLI_OPTION(tune_settings, "stop-after", CLI_INT, stop, .meta = "EPOCHS",
               .help = "stop after so many epochs; going on is possible", .max = 100000),
    CLI_OPTION(tune_settings, "quiet", CLI_FLAG, quiet, .letter = 'q', .help = "print no progress"),
};

static affect_status run_tune(affect_context *ctx, void *user, const cli_list *operands) {
    const tune_settings *set = user;
    if (!set->base || !set->data || !set->folder)
        return base_fail(ctx, AFFECT_ERROR_USAGE, "tune wants --base, --data and --out");
    affect_context_set_log(ctx, AFFECT_LOG_INFO, set->quiet ? NULL : cli_show_line, NULL);
    reason_vocabulary known = {.ctx = ctx, .path = set->base};
    const tune_options o = {
        .recipe = operands->items[0],
        .base = set->base,
        .data = set->data,
        .folder = set->folder,
        .fresh = set->fresh,
        .threads = (int)set->threads,
        .stop_after = (size_t)set->stop,
        .tokenise = reason_vocabulary_read,
        .tokenise_user = &known,
        .progress = !set->quiet && isatty(STDERR_FILENO) ? cli_show_epoch : NULL,
    };
    affect_status status = tune_run(ctx, &o);
    reason_vocabulary_close(&known);
    if (status == AFFECT_OK) base_put_line(stdout, "%s", set->folder);
    return status;
}

int cli_tune(int argc, char **argv) {
    tune_settings set = {.threads = 2};
    const cli_usage usage = {
        USAGE("tune", tune_arguments),
        .synopsis =
            "affect tune [OPTIONS] RECIPE.ini --base FILE.gguf --data CLIPS.jsonl -o FOLDER",
        .text =
            "Teaches a language model to answer about streams of a face and a voice: projectors "
            "make soft tokens of them, an adapter (LoRA) changes the model. A run that was "
            "interrupted goes on with the same command and ends with the same weights.",
        .examples =
            "affect tune recipes/tune-emotion.ini --base tiny.gguf --data clips.jsonl -o my-tune",
        .into = &set,
    };
    return cli_run(&usage, argc, argv, 1, 1, "a recipe", run_tune);
}

/* ---- affect tune-data ---- */

typedef struct data_settings {
    tune_data_options o;
    cli_list labels;
} data_settings;

#define DATA(...) CLI_OPTION(data_settings, __VA_ARGS__)
static const cli_option data_arguments[] = {
    DATA("labels", CLI_LIST, labels, .meta = "FILE",
         .help = "what people said of the recordings: a table, or MERR's, EMER's or MER-Caption's"),
    DATA("out", CLI_TEXT, o.output, .letter = 'o', .meta = "FILE", .help = "where the clips go"),
    DATA("kinds", CLI_TEXT, o.kinds, .meta = "LIST",
         .help = "label, words, explanation, masked, question; description (not by default)"),
    DATA("rate", CLI_NUMBER, o.rate_hz, .meta = "HZ", .min = 0.1, .max = 100,
         .help = "most rows a second of a stream"),
    DATA("longest", CLI_NUMBER, o.longest_s, .meta = "SECONDS", .min = 1, .max = 600,
         .help = "what is longer is taken by episode"),
    DATA("claims", CLI_INT, o.claims, .meta = "N", .min = 1, .max = 64,
         .help = "claims of an explanation, at most"),
    DATA("valid-every", CLI_INT, o.valid_every, .meta = "N", .min = 2, .max = 100000,
         .help = "one participant in N validates, where the labels name no split"),
    DATA("hold-out", CLI_TEXT, o.hold_out, .meta = "TEXT",
         .help = "participants whose name contains it are the split test"),
};

static affect_status make_data(affect_context *ctx, void *user, const cli_list *operands) {
    data_settings *set = user;
    tune_data_counts n;
    set->o.labels = set->labels.items, set->o.label_count = set->labels.count;
    set->o.timelines = operands->items, set->o.timeline_count = operands->count;
    affect_status status = tune_data_make(ctx, &set->o, &n);
    if (!status)
        base_put_line(stdout, "%zu clips: %zu train, %zu validate", n.clips, n.train, n.valid);
    return status;
}

int cli_tune_data(int argc, char **argv) {
    data_settings set = {.o = {.rate_hz = 5, .longest_s = 30, .claims = 4, .valid_every = 5}};
    const cli_usage usage = {
        USAGE("tune-data", data_arguments),
        .synopsis = "affect tune-data [OPTIONS] TIMELINES... --labels FILE -o CLIPS.jsonl",
        .text = "Prompts and answers for affect tune, of analyzed recordings and labels.",
        .examples = "affect tune-data talks/ --labels labels.csv -o clips.jsonl\n"
                    "affect tune-data clips/ --labels MERR_fine_grained.json -o clips.jsonl",
        .into = &set,
    };
    int code = cli_run(&usage, argc, argv, 1, SIZE_MAX, "timelines", make_data);
    base_free(set.labels.items);
    return code;
}
