/* affect collection: the tables of recordings that several machines analyzed. */
#include <string.h>

#include "cli/options.h"
#include "collection/collection.h"

typedef struct settings {
    const char *output, *participants;
    bool json, quiet;
} settings;

static const cli_option collection_arguments[] = {
    CLI_OPTION(settings, "output", CLI_TEXT, output, .letter = 'o', .meta = "FOLDER",
               .help = "where the tables go; default: the first folder"),
    CLI_OPTION(settings, "participants", CLI_TEXT, participants, .meta = "FILE",
               .help =
                   "a table with recording, person, participant and conditions, which are joined"),
    CLI_OPTION(settings, "json", CLI_FLAG, json,
               .help = "print how many recordings there are, failed and are missing, as JSON"),
    CLI_OPTION(settings, "quiet", CLI_FLAG, quiet, .letter = 'q',
               .help = "print nothing but errors"),
};

static affect_status merge(affect_context *ctx, void *user, const cli_list *operands) {
    const settings *set = user;
    if (strcmp(operands->items[0], "merge") != 0)
        return base_fail(ctx, AFFECT_ERROR_USAGE,
                         "wants merge and a folder; see affect collection --help");
    const char *out = set->output ? set->output : operands->items[1];
    collection_counts n;
    affect_status status =
        collection_merge(ctx, operands->items + 1, operands->count - 1, set->participants, out, &n);
    if (status == AFFECT_OK && set->json)
        status =
            cli_print_json(ctx,
                           json_pack("{sIsIsI}", "recordings", (json_int_t)n.recordings, "failed",
                                     (json_int_t)n.failed, "missing", (json_int_t)n.missing),
                           17);
    if (status == AFFECT_OK && n.failed + n.missing)
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND,
                           "of %zu recordings %zu failed and %zu are not analyzed yet "
                           "(%s/recordings.csv names them); the tables hold the rest",
                           n.recordings, n.failed, n.missing, out);
    else if (status == AFFECT_OK && !set->quiet)
        cli_last_line("%zu recordings: %s/index.html", n.recordings, out);
    return status;
}

int cli_collection(int argc, char **argv) {
    settings set = {0};
    const cli_usage usage = {
        .verb = "collection",
        .synopsis = "affect collection merge [OPTIONS] FOLDER...",
        .text =
            "Makes the tables of a collection from its recordings, those of its shards (affect\n"
            "analyze --shard) included; of several folders, one collection. Recordings that\n"
            "failed or are missing are counted, and named in recordings.csv.",
        .examples = "affect collection merge collection/\n"
                    "affect collection merge node1/ node2/ -o all/ --participants who.csv",
        .options = collection_arguments,
        .into = &set,
        .option_count = BASE_COUNT(collection_arguments)};
    return cli_run(&usage, argc, argv, 2, SIZE_MAX, "merge and a folder", merge);
}
