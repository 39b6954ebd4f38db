/* affect serve: the page, for a browser on this machine. */
#include <string.h>

#include "cli/options.h"
#include "serve/serve.h"

static const cli_option serve_arguments[] = {
    CLI_OPTION(serve_options, "port", CLI_INT, port, .meta = "N", .max = 65535,
               .help = "where it listens; 0 takes a free one; default 8044"),
    CLI_OPTION(serve_options, "address", CLI_TEXT, address, .meta = "ADDRESS",
               .help = "an address of this machine that others can reach; wants --token"),
    CLI_OPTION(serve_options, "token", CLI_TEXT, token, .meta = "TEXT",
               .help = "what a browser must show once, as ?token=TEXT"),
    CLI_OPTION(serve_options, "jobs", CLI_INT, jobs, .meta = "N", .max = 64,
               .help = "recordings analyzed at once; default one for every two processors"),
};

static void say(void *user, const char *address) {
    (void)user;
    puts(address);
    fflush(stdout);
}

static affect_status serve(affect_context *ctx, void *user, const cli_list *operands) {
    serve_options *options = user;
    options->folder = operands->count ? operands->items[0] : ".";
    options->on_ready = say;
    return serve_run(ctx, options);
}

int cli_serve(int argc, char **argv) {
    serve_options set = {.port = 8044};
    const cli_usage usage = {
        .verb = "serve",
        .synopsis = "affect serve [OPTIONS] [FOLDER]",
        .text =
            "Opens a folder of recordings to a browser on this machine: analyses with progress,\n"
            "reports, comparison, search, corrections, and live analysis of camera and\n"
            "microphone. Its address is the first line that is printed; Ctrl-C ends it.",
        .examples = "affect serve recordings/\n"
                    "affect serve --port 0 .",
        .options = serve_arguments,
        .into = &set,
        .option_count = BASE_COUNT(serve_arguments)};
    return cli_run(&usage, argc, argv, 0, 1, "one folder", serve);
}

/* The folder is the study's. */
static affect_status annotate(affect_context *ctx, void *user, const cli_list *operands) {
    serve_options *options = user;
    const char *path = operands->items[0], *slash = strrchr(path, '/');
    char *folder =
        slash ? base_strndup(path, BASE_MAX((size_t)(slash - path), 1)) : base_strdup(".");
    if (!folder) return base_fail_memory(ctx);
    options->folder = folder;
    options->study = slash ? slash + 1 : path;
    options->on_ready = say;
    affect_status status = serve_run(ctx, options);
    base_free(folder);
    return status;
}

int cli_annotate(int argc, char **argv) {
    serve_options set = {.port = 8044};
    const cli_usage usage = {
        .verb = "annotate",
        .synopsis = "affect annotate [OPTIONS] STUDY.json",
        .text =
            "Opens a study to its raters: a link each, continuous traces, intervals, comparisons.\n"
            "The page that it prints shows the links, gold standards and agreement under Study.",
        .examples = "affect annotate study/study.json\n"
                    "affect annotate --address 192.168.1.5 --token 0123456789abcdef study.json",
        .options = serve_arguments,
        .into = &set,
        .option_count = BASE_COUNT(serve_arguments)};
    return cli_run(&usage, argc, argv, 1, 1, "one study", annotate);
}
