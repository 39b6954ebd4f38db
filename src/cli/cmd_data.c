/* affect data info: what a data file or folder is. */
#include <string.h>

#include "cli/options.h"
#include "data/describe.h"

int cli_data(int argc, char **argv) {
    bool json = false, check = false, help;
    const cli_option options[] = {{.name = "json",
                                   .type = CLI_FLAG,
                                   .value = &json,
                                   .help = "print JSON: an array with an object a file"},
                                  {.name = "check",
                                   .type = CLI_FLAG,
                                   .value = &check,
                                   .help = "compare files with the SHA-256 sums that their "
                                           "publishers give; another sum is an error"}};
    const cli_usage usage = {
        .verb = "data",
        .synopsis = "affect data info FILE|FOLDER ... [OPTIONS]",
        .text = "Says what a data file is: which published set, its shapes, splits, label balance, "
                "licence note and oddities.",
        .examples = "affect data info meld/train_sent_emo.csv\n"
                    "affect data info ravdess/ --json\n"
                    "affect data info aligned_50.pkl --check",
        .options = options,
        .option_count = BASE_COUNT(options),
    };
    cli_list operands = {0};
    affect_context *ctx = NULL;
    affect_status status = cli_parse(&usage, argc, argv, &operands, &help);
    if (status || help) goto cleanup;
    if (operands.count < 2 || strcmp(operands.items[0], "info") != 0 ||
        (json && operands.count > 2)) {
        status = AFFECT_ERROR_USAGE;
        cli_fail_text("data", status, "wants: info and a file or folder%s; see affect data --help",
                      json ? " (one with --json)" : "");
        goto cleanup;
    }
    status = affect_context_create(&ctx);
    for (size_t i = 1; i < operands.count && !status; i++) {
        base_text text = {0};
        size_t mismatches = 0;
        status = data_describe(ctx, operands.items[i], json, check, &text, &mismatches);
        if (!status && text.length) fwrite(text.data, 1, text.length, stdout);
        base_text_destroy(&text);
        if (!status && mismatches)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: %zu files are not as published",
                               operands.items[i], mismatches);
    }
    if (status) cli_fail("data", ctx, status);
cleanup:
    affect_context_destroy(ctx);
    base_free(operands.items);
    return (int)status;
}
