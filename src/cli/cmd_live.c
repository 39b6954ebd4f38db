/* affect live: what is expressed before a camera and a microphone, or in a stream, while it runs. */
#include "cli/options.h"
#include "serve/serve.h"

typedef struct settings {
    serve_watch_options how;
    bool quiet;
} settings;

static const cli_option live_arguments[] = {
    CLI_OPTION(settings, "output", CLI_TEXT, how.folder, .letter = 'o', .meta = "FOLDER",
               .help = "write the timeline there at the end"),
    CLI_OPTION(settings, "format", CLI_TEXT, how.formats, .letter = 'f', .meta = "LIST",
               .help = "as in affect analyze; default all"),
    CLI_OPTION(settings, "force", CLI_FLAG, how.force, .help = "overwrite existing files"),
    CLI_OPTION(settings, "json", CLI_FLAG, how.json,
               .help = "print every estimate as a line of JSON"),
    CLI_OPTION(settings, "quiet", CLI_FLAG, quiet, .letter = 'q', .help = "print no estimates"),
};

static affect_status live(affect_context *ctx, void *user, const cli_list *operands) {
    settings *set = user;
    serve_watch_counts n;
    set->how.sources = operands->items;
    set->how.source_count = operands->count;
    if (set->quiet) set->how.out = NULL;
    affect_status status = serve_watch(ctx, &set->how, &n);
    if (status == AFFECT_OK && !set->quiet)
        cli_last_line(
            "%.1f s, %llu pictures, %llu left out so that sound keeps up, %.1f s of sound lost",
            n.seconds, (unsigned long long)n.pictures, (unsigned long long)n.dropped, n.lost_s);
    return status;
}

int cli_live(int argc, char **argv) {
    settings set = {.how = {.formats = "all", .out = stdout}};
    const cli_usage usage = {
        .verb = "live",
        .synopsis = "affect live [OPTIONS] SOURCE [SOURCE]",
        .text =
            "Prints what is known of a source while it runs, within a second, and writes the\n"
            "timeline when it ends or at Ctrl-C. A source is camera, microphone (v4l2:DEVICE,\n"
            "alsa:DEVICE, pulse:DEVICE), an address (rtsp://, http://), or a file or - (a pipe).",
        .examples = "affect live camera microphone -o today/\n"
                    "affect live rtsp://camera.example/stream --json",
        .options = live_arguments,
        .into = &set,
        .option_count = BASE_COUNT(live_arguments)};
    return cli_run(&usage, argc, argv, 1, 2, "a camera, a microphone, a stream or a file", live);
}
