/* affect data: what a data file or folder is, and annotations from one program's form into another's. */
#include <string.h>

#include "annotate/annotate.h"
#include "cli/options.h"
#include "datasets/datasets.h"

typedef struct data_settings {
    bool json, check, force;
    const char *output, *format;
    annotate_choice choice;
} data_settings;

static const cli_option data_options[] = {
    CLI_OPTION(data_settings, "json", CLI_FLAG, json,
               .help = "print JSON: an array with an object a file"),
    CLI_OPTION(data_settings, "check", CLI_FLAG, check,
               .help = "compare files with the SHA-256 sums that their "
                       "publishers give; another sum is an error"),
    CLI_OPTION(data_settings, "output", CLI_TEXT, output, .letter = 'o', .meta = "FILE",
               .help = "of convert: where to"),
    CLI_OPTION(data_settings, "format", CLI_CHOICE, format, .choices = ANNOTATE_FORMAT_WORDS,
               .help = "of convert: the form that is written (default json)"),
    CLI_OPTION(data_settings, "recording", CLI_TEXT, choice.recording, .meta = "NAME",
               .help = "of convert: only this one"),
    CLI_OPTION(data_settings, "dimension", CLI_TEXT, choice.dimension, .meta = "NAME",
               .help = "of convert: only this dimension or tier"),
    CLI_OPTION(data_settings, "rater", CLI_TEXT, choice.rater, .meta = "NAME",
               .help = "of convert: only his"),
    CLI_OPTION(data_settings, "step", CLI_NUMBER, choice.step_s, .meta = "S", .min = 0.001,
               .max = 3600, .help = "of convert: traces on one grid of that step"),
    CLI_OPTION(data_settings, "force", CLI_FLAG, force, .help = "overwrite a file that exists")};

static affect_status convert(affect_context *ctx, const data_settings *set,
                             const cli_list *operands) {
    if (!set->output) return base_fail(ctx, AFFECT_ERROR_USAGE, "convert wants --output FILE");
    if (!set->force && base_file_exists(set->output))
        return base_fail(ctx, AFFECT_ERROR_EXISTS, "%s exists; --force overwrites it", set->output);
    return annotate_convert(ctx, operands->items + 1, operands->count - 1, &set->choice,
                            set->format, set->output);
}

/* What a reader took for granted (an encoding, decimal commas) is part of what is said of a file. */
static void keep_remark(void *user, affect_log_level level, const char *line) {
    (void)level;
    base_text_printf(user, "  ! %s\n", line);
}

static affect_status describe(affect_context *ctx, void *user, const cli_list *operands) {
    const data_settings *set = user;
    base_text remarks = {0};
    if (strcmp(operands->items[0], "convert") == 0) return convert(ctx, set, operands);
    if (strcmp(operands->items[0], "info") != 0 || (set->json && operands->count > 2))
        return base_fail(ctx, AFFECT_ERROR_USAGE,
                         "wants: info or convert, and a file or folder%s; see affect data --help",
                         set->json ? " (one with --json)" : "");
    affect_context_set_log(ctx, AFFECT_LOG_WARNING, set->json ? NULL : keep_remark, &remarks);
    affect_status status = AFFECT_OK;
    for (size_t i = 1; i < operands->count && !status; i++) {
        base_text text = {0};
        size_t mismatches = 0;
        status =
            datasets_describe(ctx, operands->items[i], set->json, set->check, &text, &mismatches);
        if (!status && text.length) fwrite(text.data, 1, text.length, stdout);
        if (!status && remarks.length) fwrite(remarks.data, 1, remarks.length, stdout);
        base_text_clear(&remarks);
        base_text_destroy(&text);
        if (!status && mismatches)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: %zu files are not as published",
                               operands->items[i], mismatches);
    }
    affect_context_set_log(ctx, AFFECT_LOG_WARNING, NULL, NULL);
    base_text_destroy(&remarks);
    return status;
}

int cli_data(int argc, char **argv) {
    data_settings set = {.format = "json"};
    const cli_usage usage = {
        .verb = "data",
        .synopsis = "affect data info|convert FILE|FOLDER ... [OPTIONS]",
        .text =
            "info says what a data file is: which published set, its shapes, splits, label "
            "balance, "
            "licence note and oddities.\nconvert writes annotations (traces, intervals) of other "
            "programs in the form of another: docs/annotate.md.",
        .examples = "affect data info meld/train_sent_emo.csv\n"
                    "affect data info ravdess/ --json\n"
                    "affect data info aligned_50.pkl --check\n"
                    "affect data convert rater1.annotation --format carma -o rater1.csv",
        .options = data_options,
        .into = &set,
        .option_count = BASE_COUNT(data_options),
    };
    return cli_run(&usage, argc, argv, 2, SIZE_MAX, "info or convert, and a file or folder",
                   describe);
}
