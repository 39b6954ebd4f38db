/* affect evaluate: a trained network on labelled data, with intervals, beside the majority
 * baseline. */
#include <string.h>

#include "cli/options.h"
#include "train/train.h"

int cli_evaluate(int argc, char **argv);

typedef struct evaluate_settings {
    train_evaluation how;
    int64_t threads, rounds;
} evaluate_settings;

static const cli_option evaluate_options[] = {
    CLI_OPTION(evaluate_settings, "json", CLI_FLAG, how.json, .help = "print the result as JSON"),
    CLI_OPTION(evaluate_settings, "only", CLI_TEXT, how.only, .meta = "RULE",
               .help = "use rows where \"COLUMN VALUE,VALUE\" holds"),
    CLI_OPTION(evaluate_settings, "except", CLI_TEXT, how.except, .meta = "RULE",
               .help = "leave out rows where \"COLUMN VALUE,VALUE\" holds"),
    CLI_OPTION(evaluate_settings, "map", CLI_TEXT, how.map, .meta = "LABELS.tsv",
               .help = "read labels by other names, in the data and of the model: a line each, "
                       "LABEL tab LABEL, where - leaves out"),
    CLI_OPTION(evaluate_settings, "scores", CLI_TEXT, how.scores, .meta = "FILE.tsv",
               .help = "write what came out for each sample there, logits and values"),
    CLI_OPTION(evaluate_settings, "cache", CLI_TEXT, how.cache, .meta = "FOLDER",
               .help = "keep there, and find there, what a clip's summary is, as a recipe's cache"),
    CLI_OPTION(evaluate_settings, "temperature", CLI_NUMBER, how.temperature, .meta = "T",
               .help = "divide logits by this and not by the card's", .max = 1000),
    CLI_OPTION(evaluate_settings, "by", CLI_TEXT, how.by, .meta = "COLUMN",
               .help = "figures of each of its values (speaker, gender, language), with intervals "
                       "and the largest gap"),
    CLI_OPTION(evaluate_settings, "rounds", CLI_INT, rounds, .meta = "N",
               .help = "bootstrap rounds of the 95 % intervals; 0 for none", .max = 100000),
    CLI_OPTION(evaluate_settings, "confusion", CLI_TEXT, how.svg, .meta = "FILE.svg",
               .help = "write the confusion matrix there"),
    CLI_OPTION(evaluate_settings, "threads", CLI_INT, threads, .meta = "N",
               .help = "compute threads; results do not depend on it", .min = 1, .max = 256),
};

static affect_status evaluate_files(affect_context *ctx, void *user, const cli_list *operands) {
    evaluate_settings *set = user;
    base_text data = {0}, out = {0};
    affect_context_set_log(ctx, AFFECT_LOG_WARNING, NULL, NULL);
    for (size_t i = 1; i < operands->count; i++)
        base_text_printf(&data, "%s%s", i > 1 ? " " : "", operands->items[i]);
    set->how.threads = (int)set->threads;
    set->how.rounds = (size_t)set->rounds;
    affect_status status =
        data.failed ? base_fail_memory(ctx)
                    : train_evaluate(ctx, operands->items[0], data.data, &set->how, &out);
    if (status == AFFECT_OK) fputs(out.data, stdout);
    base_text_destroy(&out);
    base_text_destroy(&data);
    return status;
}

int cli_evaluate(int argc, char **argv) {
    evaluate_settings set = {.threads = 2, .rounds = 1000};
    const cli_usage usage = {
        .verb = "evaluate",
        .synopsis = "affect evaluate [OPTIONS] MODEL DATA...",
        .text =
            "Runs a trained network on labelled data and prints its scores with bootstrap "
            "intervals "
            "(over speakers where they are known), per class, beside the majority baseline, and "
            "its "
            "calibration. Clips whose speakers are known are judged twice: against the speaker's "
            "others, and each by itself. DATA: IMAGES.npz VOTES.csv for faces; tables "
            "path,label[,speaker] for "
            "audio; GoEmotions tsv, EmoBank csv, MELD csv and other tables for text; pickles of "
            "MMSA and computational sequences (.csd) for features.",
        .examples = "affect evaluate face.emotion test_images.npz test_votes.csv\n"
                    "affect evaluate runs/voice manifest.csv --json --only \"speaker 03,04\"",
        .options = evaluate_options,
        .into = &set,
        .option_count = BASE_COUNT(evaluate_options),
    };
    return cli_run(&usage, argc, argv, 2, SIZE_MAX, "a model and data files", evaluate_files);
}
