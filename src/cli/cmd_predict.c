/* affect predict: what a trained network thinks of inputs: pictures of faces, audio files, lines of
 * text. */
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "train/train.h"

int cli_predict(int argc, char **argv);

static const cli_option predict_options[] = {
    CLI_OPTION(train_predictor, "json", CLI_FLAG, json, .help = "print one JSON object a line"),
};

static affect_status predict(affect_context *ctx, void *user, const cli_list *operands) {
    train_predictor *p = user;
    p->ctx = ctx;
    affect_context_set_log(ctx, AFFECT_LOG_WARNING, NULL, NULL);
    affect_status status = train_model_open(ctx, operands->items[0], &p->model);
    for (size_t i = 1; status == AFFECT_OK && i < operands->count; i++) {
        if (strcmp(operands->items[i], "-") != 0) {
            status = train_predict(p, operands->items[i]);
            continue;
        }
        char *line = NULL;
        size_t room = 0;
        for (ssize_t n; status == AFFECT_OK && (n = getline(&line, &room, stdin)) > 0;) {
            if (line[n - 1] == '\n') line[n - 1] = '\0';
            if (*line) status = train_predict(p, line);
        }
        free(line);
    }
    train_predictor_end(p);
    return status;
}

int cli_predict(int argc, char **argv) {
    train_predictor p = {0};
    const cli_usage usage = {
        .verb = "predict",
        .synopsis = "affect predict [OPTIONS] MODEL INPUT...",
        .text = "Prints what a trained network thinks of each input: each face of a "
                "picture (without one, and up to 64 x 64 pixels, its middle square), "
                "or an npz of faces; an audio file; a text. \"-\" reads inputs from "
                "standard input, one a line.",
        .examples = "affect predict face.emotion portrait.jpg\n"
                    "affect predict runs/text \"I can't believe you did that for me!\"",
        .options = predict_options,
        .into = &p,
        .option_count = BASE_COUNT(predict_options),
    };
    return cli_run(&usage, argc, argv, 2, SIZE_MAX, "a model and inputs", predict);
}
