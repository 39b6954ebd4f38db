/* affect evaluate: a trained network on labelled data, with intervals, beside the majority
 * baseline. */
#include "cli/options.h"
#include "cli/train.h"
#include "nn/model.h"

int cli_evaluate(int argc, char **argv);

static affect_status evaluate(affect_context *ctx, const char *model, const char *data,
                              const char *only, const char *except, int threads, size_t rounds,
                              const char *svg_path, bool json) {
    train_model *m = NULL;
    train_set *set = NULL;
    float *outputs = NULL;
    base_text as_json = {0}, as_text = {0}, svg = {0};
    affect_status status = train_model_open(ctx, model, &m);
    if (status == AFFECT_OK)
        status = train_set_open(ctx, train_model_spec(m), data, only, except, &set);
    if (status == AFFECT_OK) {
        outputs = base_calloc(set->count * set->width, sizeof *outputs);
        status =
            outputs ? train_model_outputs(ctx, m, set, threads, outputs) : base_fail_memory(ctx);
    }
    if (status == AFFECT_OK)
        status = train_report(set, outputs, nn_model_temperature(train_model_network(m)),
                              train_model_threshold(m), rounds, &as_json, &as_text);
    if (status == AFFECT_OK && svg_path) {
        status = train_confusion_svg(set, outputs, &svg);
        if (status == AFFECT_OK) status = base_write_file(ctx, svg_path, svg.data, svg.length);
    }
    if (status == AFFECT_OK) fputs(json ? as_json.data : as_text.data, stdout);
    base_text_destroy(&as_json);
    base_text_destroy(&as_text);
    base_text_destroy(&svg);
    base_free(outputs);
    train_set_destroy(set);
    train_model_close(m);
    return status;
}

int cli_evaluate(int argc, char **argv) {
    bool json = false;
    int64_t threads = 2, rounds = 1000;
    const char *only = NULL, *except = NULL, *svg = NULL;
    const cli_option options[] = {
        {"json", 0, CLI_FLAG, &json, NULL, "print the result as JSON", 0, 0, NULL},
        {"only", 0, CLI_TEXT, &only, "RULE", "use rows where \"COLUMN VALUE,VALUE\" holds", 0, 0,
         NULL},
        {"except", 0, CLI_TEXT, &except, "RULE",
         "leave out rows where \"COLUMN VALUE,VALUE\" holds", 0, 0, NULL},
        {"rounds", 0, CLI_INT, &rounds, "N", "bootstrap rounds of the 95 % intervals; 0 for none",
         0, 100000, NULL},
        {"confusion", 0, CLI_TEXT, &svg, "FILE.svg", "write the confusion matrix there", 0, 0,
         NULL},
        {"threads", 0, CLI_INT, &threads, "N", "compute threads; results do not depend on it", 1,
         256, NULL},
    };
    const cli_usage usage = {
        "evaluate",
        "affect evaluate [OPTIONS] MODEL DATA...",
        "Runs a trained network on labelled data and prints its scores with bootstrap intervals "
        "(over "
        "speakers where they are known), per class, beside the majority baseline, and its "
        "calibration. "
        "DATA: IMAGES.npz VOTES.csv for faces; csv manifests path,label[,speaker] for audio; "
        "GoEmotions tsv, EmoBank csv, MELD csv for text.",
        "affect evaluate face.emotion test_images.npz test_votes.csv\n"
        "affect evaluate runs/voice manifest.csv --json --only \"speaker 03,04\"",
        options,
        BASE_COUNT(options)};
    cli_list operands = {0};
    bool help;
    affect_status status = cli_parse(&usage, argc, argv, &operands, &help);
    affect_context *ctx = NULL;
    if (status == AFFECT_OK && !help) {
        base_text data = {0};
        for (size_t i = 1; i < operands.count; i++)
            base_text_printf(&data, "%s%s", i > 1 ? " " : "", operands.items[i]);
        if (operands.count < 2)
            status = (affect_status)cli_fail_text(
                "evaluate", AFFECT_ERROR_USAGE,
                "wants a model and data files; see affect evaluate --help");
        else if ((status = affect_context_create(&ctx)) == AFFECT_OK) {
            status = data.failed ? base_fail_memory(ctx)
                                 : evaluate(ctx, operands.items[0], data.data, only, except,
                                            (int)threads, (size_t)rounds, svg, json);
            if (status != AFFECT_OK) cli_fail("evaluate", ctx, status);
        }
        base_text_destroy(&data);
    }
    affect_context_destroy(ctx);
    base_free(operands.items);
    return (int)status;
}
