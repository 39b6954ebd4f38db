/* affect train: a recipe in, a model folder out. */
#include "cli/options.h"
#include "cli/train.h"

int cli_train(int argc, char **argv);

int cli_train(int argc, char **argv) {
    train_options o = {0};
    int64_t threads = 2, stop = 0;
    const cli_option options[] = {
        {"out", 'o', CLI_TEXT, &o.folder, "FOLDER",
         "where the run is kept (runs/NAME of the recipe)", 0, 0, NULL},
        {"fresh", 0, CLI_FLAG, &o.fresh, NULL, "throw away what an earlier run left there", 0, 0,
         NULL},
        {"threads", 0, CLI_INT, &threads, "N", "compute threads; results do not depend on it", 1,
         256, NULL},
        {"stop-after", 0, CLI_INT, &stop, "EPOCHS",
         "stop after so many epochs; going on is possible", 0, 100000, NULL},
        {"quiet", 'q', CLI_FLAG, &o.quiet, NULL, "print no progress", 0, 0, NULL},
    };
    const cli_usage usage = {
        "train",
        "affect train [OPTIONS] RECIPE.ini",
        "Trains a network as the recipe says: data, model, loss and schedule are in that one file. "
        "A "
        "run that was interrupted, even by kill -9, goes on from its last epoch with the same "
        "command "
        "and ends with the same weights, bit for bit.",
        "affect train recipes/face.ini\naffect train recipes/face.ini --fresh --out /tmp/face",
        options,
        BASE_COUNT(options)};
    cli_list operands = {0};
    bool help;
    affect_status status = cli_parse(&usage, argc, argv, &operands, &help);
    affect_context *ctx = NULL;
    if (status == AFFECT_OK && !help) {
        if (operands.count != 1) {
            status = (affect_status)cli_fail_text("train", AFFECT_ERROR_USAGE,
                                                  "wants one recipe; see affect train --help");
        } else if ((status = affect_context_create(&ctx)) == AFFECT_OK) {
            o.recipe = operands.items[0];
            o.threads = (int)threads;
            o.stop_after = (size_t)stop;
            status = train_run(ctx, &o);
            if (status != AFFECT_OK) cli_fail("train", ctx, status);
        }
    }
    affect_context_destroy(ctx);
    base_free(operands.items);
    return (int)status;
}
