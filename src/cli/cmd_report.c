/* affect report: renders a written timeline. */
#include <string.h>

#include "cli/options.h"
#include "report/report.h"

int cli_report(int argc, char **argv) {
    const char *folder = NULL, *format = "all", *media = NULL;
    bool embed = false, force = false, quiet = false;
    const cli_option options[] = {
        {.name = "output",
         .letter = 'o',
         .type = CLI_TEXT,
         .value = &folder,
         .meta = "FOLDER",
         .help = "where the files go; without it one format goes to standard output"},
        {.name = "format",
         .letter = 'f',
         .type = CLI_TEXT,
         .value = &format,
         .meta = "LIST",
         .help = "json, csv, eaf, textgrid, vtt, svg, html, several with commas, or all"},
        {.name = "media",
         .type = CLI_TEXT,
         .value = &media,
         .meta = "FILE",
         .help = "the recording for the player, when it is not where the timeline says"},
        {.name = "embed",
         .type = CLI_FLAG,
         .value = &embed,
         .help = "put the recording into report.html instead of linking it"},
        {.name = "force", .type = CLI_FLAG, .value = &force, .help = "overwrite existing files"},
        {.name = "quiet",
         .letter = 'q',
         .type = CLI_FLAG,
         .value = &quiet,
         .help = "print no summary"},
    };
    const cli_usage usage = {
        .verb = "report",
        .synopsis = "affect report [OPTIONS] TIMELINE.json",
        .text =
            "Renders a timeline that 'affect analyze' wrote: the page with the player, ELAN and\n"
            "Praat files, CSV tables, subtitles with the labels, a plot. Without -o and without\n"
            "--format it prints the summary.",
        .examples = "affect report talk/timeline.json -o talk-page/ --format html --embed\n"
                    "affect report talk/timeline.json --format vtt > talk.vtt",
        .options = options,
        .option_count = BASE_COUNT(options)};
    cli_list operands = {0};
    bool help;
    affect_status status = cli_parse(&usage, argc, argv, &operands, &help);
    if (status != AFFECT_OK || help) {
        base_free(operands.items);
        return (int)status;
    }
    const char *path = operands.count == 1 ? operands.items[0] : NULL;
    base_free(operands.items);
    if (!path)
        return cli_fail_text("report", AFFECT_ERROR_USAGE,
                             "wants one timeline.json; see affect report --help");

    affect_context *ctx;
    affect_timeline *timeline = NULL;
    status = affect_context_create(&ctx);
    if (status != AFFECT_OK) return cli_fail("report", NULL, status);
    const report_options how = {.media = media, .embed = embed, .force = force};
    unsigned formats;
    status = report_formats_parse(ctx, format, &formats);
    if (status == AFFECT_OK && folder) status = report_check_folder(ctx, folder, formats, force);
    if (status == AFFECT_OK) status = report_read_json(ctx, path, &timeline);
    if (status == AFFECT_OK && folder) {
        status = report_write(ctx, timeline, folder, formats, &how);
    } else if (status == AFFECT_OK && strcmp(format, "all") != 0) {
        report_format one = 0;
        while (!(formats >> one & 1U)) one++;
        if (formats != 1U << one || one == REPORT_CSV)
            status = base_fail(ctx, AFFECT_ERROR_USAGE,
                               "only one format, and not csv, goes to standard output; give -o");
        if (status == AFFECT_OK) status = report_print(ctx, timeline, one, NULL, &how, stdout);
        if (status == AFFECT_OK && (fflush(stdout) != 0 || ferror(stdout)))
            status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "cannot write to standard output");
        quiet = true;
    }
    if (status == AFFECT_OK && !quiet) {
        base_text text = {0};
        int columns;
        bool colour;
        report_terminal(stdout, &columns, &colour);
        report_summary(timeline, columns, colour, &text);
        if (text.failed)
            status = base_fail_memory(ctx);
        else
            fputs(text.data, stdout);
        base_text_destroy(&text);
    }
    int code = status == AFFECT_OK ? 0 : cli_fail("report", ctx, status);
    affect_timeline_destroy(timeline);
    affect_context_destroy(ctx);
    return code;
}
