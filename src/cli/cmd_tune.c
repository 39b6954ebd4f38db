/* affect tune: a language model learns to answer about streams. */
#include <unistd.h>

#include "cli/options.h"
#include "reason/reason.h"
#include "tune/tune.h"

int cli_tune(int argc, char **argv);

typedef struct texts {
    affect_context *ctx;
    const char *base;
    reason_vocabulary *vocabulary; /* opened with the first text */
} texts;

static affect_status read_text(void *user, const char *text, bool begin, int32_t **tokens,
                               size_t *count, size_t *capacity) {
    texts *t = user;
    affect_status status =
        t->vocabulary ? AFFECT_OK : reason_vocabulary_open(t->ctx, t->base, &t->vocabulary);
    return status ? status
                  : reason_vocabulary_read(t->vocabulary, text, begin, tokens, count, capacity);
}

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
    texts known = {.ctx = ctx, .base = set->base};
    const tune_options o = {
        .recipe = operands->items[0],
        .base = set->base,
        .data = set->data,
        .folder = set->folder,
        .fresh = set->fresh,
        .threads = (int)set->threads,
        .stop_after = (size_t)set->stop,
        .tokenise = read_text,
        .tokenise_user = &known,
        .progress = !set->quiet && isatty(STDERR_FILENO) ? cli_show_epoch : NULL,
    };
    affect_status status = tune_run(ctx, &o);
    reason_vocabulary_close(known.vocabulary);
    if (status == AFFECT_OK) base_put_line(stdout, "%s", set->folder);
    return status;
}

int cli_tune(int argc, char **argv) {
    tune_settings set = {.threads = 2};
    const cli_usage usage = {
        .verb = "tune",
        .synopsis =
            "affect tune [OPTIONS] RECIPE.ini --base FILE.gguf --data CLIPS.jsonl -o FOLDER",
        .text =
            "Teaches a language model to answer about streams of a face and a voice: projectors "
            "make soft tokens of them, an adapter (LoRA) changes the model. A run that was "
            "interrupted, even by kill -9, goes on from its last epoch with the same command and "
            "ends with the same weights, bit for bit.",
        .examples = "affect tune recipes/tune-emotion.ini --base qwen2.5-0.5b-instruct.gguf --data "
                    "clips.jsonl -o my-tune\naffect tune recipes/tune-emotion.ini --base tiny.gguf "
                    "--data clips.jsonl -o my-tune --fresh --threads 1",
        .options = tune_arguments,
        .into = &set,
        .option_count = BASE_COUNT(tune_arguments),
    };
    return cli_run(&usage, argc, argv, 1, 1, "a recipe", run_tune);
}
