/* affect train: a recipe in, a model folder out. */
#include <unistd.h>

#include "cli/options.h"
#include "train/fusion.h"
#include "train/train.h"
#include "tune/tune.h"

int cli_train(int argc, char **argv);

void cli_show_epoch(void *user, const train_progress *now) {
    (void)user;
    fprintf(stderr, "\repoch %zu/%zu  %3.0f%%  loss %.4f  %.0f min left   ", now->epoch,
            now->epochs, 100 * now->share, now->loss, now->left_s / 60);
    fflush(stderr);
}

void cli_show_line(void *user, affect_log_level level, const char *line) {
    (void)user, (void)level;
    fprintf(stderr, "%s%s\n", isatty(STDERR_FILENO) ? "\r" : "", line);
}

typedef struct train_settings {
    const char *folder, *hold_out;
    int64_t threads, stop;
    bool fresh, quiet;
} train_settings;

static const cli_option train_arguments[] = {
    CLI_OPTION(train_settings, "out", CLI_TEXT, folder, .letter = 'o', .meta = "FOLDER",
               .help = "where the run is kept (runs/NAME of the recipe)"),
    CLI_OPTION(train_settings, "hold-out", CLI_TEXT, hold_out, .meta = "RULE",
               .help = "leave these out of the training and validate on them: \"PART\", the data "
                       "files whose path contains PART (a corpus), or \"PART: COLUMN "
                       "VALUE,VALUE\", rows of theirs (a speaker); of timelines the groups (or "
                       "recordings) whose name contains it"),
    CLI_OPTION(train_settings, "fresh", CLI_FLAG, fresh,
               .help = "throw away what an earlier run left there"),
    CLI_OPTION(train_settings, "threads", CLI_INT, threads, .meta = "N",
               .help = "compute threads; results do not depend on it", .min = 1, .max = 256),
    CLI_OPTION(train_settings, "stop-after", CLI_INT, stop, .meta = "EPOCHS",
               .help = "stop after so many epochs; going on is possible", .max = 100000),
    CLI_OPTION(train_settings, "quiet", CLI_FLAG, quiet, .letter = 'q',
               .help = "print no progress"),
};

static affect_status train(affect_context *ctx, void *user, const cli_list *operands) {
    const train_settings *set = user;
    char *folder = NULL;
    train_options o = {.recipe = operands->items[0],
                       .folder = set->folder,
                       .hold_out = set->hold_out,
                       .fresh = set->fresh,
                       .threads = (int)set->threads,
                       .stop_after = (size_t)set->stop};
    affect_context_set_log(ctx, AFFECT_LOG_INFO, set->quiet ? NULL : cli_show_line, NULL);
    if (!set->quiet && isatty(STDERR_FILENO)) o.progress = cli_show_epoch;
    const char *const *more = (const char *const *)operands->items + 1; /* timelines and a table */
    affect_status status;
    if (operands->count == 2)
        return base_fail(ctx, AFFECT_ERROR_USAGE,
                         "train wants a recipe, or RECIPE TIMELINES TABLE");
    if (operands->count == 3) {
        const char *out = set->folder ? set->folder : "runs/fusion";
        status = train_fusion_timelines(ctx, o.recipe, more[0], more[1], o.hold_out, out);
        if (status == AFFECT_OK) base_put_line(stdout, "%s", out);
        return status;
    }
    bool language = false;
    status = tune_is_language(ctx, o.recipe, &language);
    if (!status) status = (language ? tune_language : train_run)(ctx, &o, &folder);
    if (folder) base_put_line(stdout, "%s", folder);
    base_free(folder);
    return status;
}

int cli_train(int argc, char **argv) {
    train_settings set = {.threads = 2};
    const cli_usage usage = {
        .verb = "train",
        .synopsis = "affect train [OPTIONS] RECIPE.ini [TIMELINES LABELS.csv]",
        .text =
            "Trains a network as the recipe says: data, model, loss and schedule are in that one "
            "file. A run that was interrupted, even by kill -9, goes on from its last epoch with "
            "the same command and ends with the same weights, bit for bit. A fusion "
            "(recipes/fusion.ini) takes a folder of timelines and a table of labels as well.",
        .examples =
            "affect train recipes/face.ini\naffect train recipes/face.ini --fresh --out /tmp/face",
        .options = train_arguments,
        .into = &set,
        .option_count = BASE_COUNT(train_arguments),
    };
    return cli_run(&usage, argc, argv, 1, 3, "a recipe", train);
}
