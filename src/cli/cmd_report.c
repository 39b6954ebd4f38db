/* affect report: renders a written timeline. */
#include <string.h>

#include "cli/options.h"
#include "report/report.h"

typedef struct report_settings {
    const char *folder, *format, *media, *names, *overlay, *from, *to, *persons, *explanation;
    cli_list questions;
    bool embed, force, quiet, blur, proxy;
} report_settings;

static const cli_option report_arguments[] = {
    CLI_OPTION(report_settings, "output", CLI_TEXT, folder, .letter = 'o', .meta = "FOLDER",
               .help = "where the files go; without it one format goes to standard output"),
    CLI_OPTION(report_settings, "format", CLI_TEXT, format, .letter = 'f', .meta = "LIST",
               .help = "json, csv, eaf, textgrid, vtt, svg, html, several with commas, or all of "
                       "these; or pdf, png, openface (a table as OpenFace 2 writes it), video "
                       "(a copy with boxes, labels and curves)"),
    CLI_OPTION(report_settings, "from", CLI_TEXT, from, .meta = "TIME",
               .help = "where a figure (svg, pdf, png) or video begins, as 75.5 or 1:15.5"),
    CLI_OPTION(report_settings, "to", CLI_TEXT, to, .meta = "TIME", .help = "where it ends"),
    CLI_OPTION(report_settings, "persons", CLI_TEXT, persons, .meta = "LIST",
               .help = "whom it shows, by number with commas"),
    CLI_OPTION(report_settings, "explanation", CLI_TEXT, explanation, .meta = "FILE",
               .help = "whose claims report.html checks and shows; without it our own"),
    CLI_OPTION(report_settings, "ask", CLI_LIST, questions, .meta = "QUESTION",
               .help = "what report.html answers, with evidence to click on; several times"),
    CLI_OPTION(report_settings, "blur-faces", CLI_FLAG, blur,
               .help = "of a video or proxy: make faces unrecognisable"),
    CLI_OPTION(report_settings, "proxy", CLI_FLAG, proxy,
               .help = "put a small WebM beside report.html, which plays it, for recordings that "
                       "browsers cannot play"),
    CLI_OPTION(
        report_settings, "media", CLI_TEXT, media, .meta = "FILE",
        .help = "the recording for the player, when it does not lie beside the timeline or where "
                "the timeline says"),
    CLI_OPTION(
        report_settings, "embed", CLI_FLAG, embed,
        .help = "put the recording into report.html instead of linking it; one that does not lie "
                "beside the timeline must be named with --media"),
    CLI_OPTION(report_settings, "names", CLI_TEXT, names, .meta = "FILE",
               .help = "names of persons, as a table with the columns person and name"),
    CLI_OPTION(report_settings, "overlay", CLI_TEXT, overlay, .meta = "FILE",
               .help =
                   "corrections (names, merges, splits, labels, words, speakers, boundaries) as a "
                   "table: docs/timeline.md"),
    CLI_OPTION(report_settings, "force", CLI_FLAG, force, .help = "overwrite existing files"),
    CLI_OPTION(report_settings, "quiet", CLI_FLAG, quiet, .letter = 'q',
               .help = "print no summary"),
};

static report_format first_of(unsigned formats) { return (report_format)__builtin_ctz(formats); }

static affect_status report(affect_context *ctx, void *user, const cli_list *operands) {
    report_settings *set = user;
    const char *path = operands->items[0];
    affect_timeline *timeline = NULL;
    affect_context_set_log(ctx, AFFECT_LOG_WARNING, NULL, NULL);
    report_options how = {.media = set->media,
                          .source = path,
                          .embed = set->embed,
                          .force = set->force,
                          .explanation = set->explanation,
                          .questions = set->questions.items,
                          .question_count = set->questions.count,
                          .blur = set->blur,
                          .proxy = set->proxy};
    bool figure = set->from || set->to || set->persons;
    unsigned formats,
        figures = 1U << REPORT_SVG | 1U << REPORT_PDF | 1U << REPORT_PNG | 1U << REPORT_VIDEO;
    int *persons = NULL;
    if (!set->format) set->format = figure ? "svg" : "all";
    affect_status status = report_formats_parse(ctx, set->format, &formats);
    if (status == AFFECT_OK && set->proxy) formats |= 1U << REPORT_PROXY;
    if (status == AFFECT_OK && set->proxy && !(set->folder && formats >> REPORT_HTML & 1U))
        status = base_fail(ctx, AFFECT_ERROR_USAGE, "--proxy lies beside report.html: -o FOLDER");
    /* A film whose faces are hidden beside one whose are not would hide nothing. */
    if (status == AFFECT_OK && set->blur &&
        (!(formats & (1U << REPORT_VIDEO | 1U << REPORT_PROXY)) ||
         (formats >> REPORT_HTML & 1U && !set->proxy)))
        status = base_fail(ctx, AFFECT_ERROR_USAGE,
                           "--blur-faces is for --format video and for a page with --proxy");
    if (status == AFFECT_OK && figure && formats & ~figures)
        status =
            base_fail(ctx, AFFECT_ERROR_USAGE,
                      "--format %s: --from, --to and --persons choose what a figure or video shows "
                      "(svg, pdf, png, video), and not what is in %s",
                      set->format, report_format_word(first_of(formats & ~figures)));
    if (status == AFFECT_OK)
        status = report_choose(ctx, set->from, set->to, set->persons, &persons, &how);
    if (status == AFFECT_OK && set->folder)
        status = report_check_folder(ctx, set->folder, formats, set->force);
    if (status == AFFECT_OK) status = report_read_json(ctx, path, &timeline);
    affect_corrections *corrections = NULL;
    if (status == AFFECT_OK) status = affect_corrections_create(ctx, &corrections);
    if (status == AFFECT_OK && set->overlay)
        status = affect_corrections_read(ctx, corrections, set->overlay);
    if (status == AFFECT_OK && set->names) status = report_read_names(ctx, set->names, corrections);
    if (status == AFFECT_OK) status = affect_corrections_apply(ctx, corrections, timeline);
    affect_corrections_destroy(corrections);
    if (status == AFFECT_OK && set->folder) {
        status = report_write(ctx, timeline, set->folder, formats, &how);
    } else if (status == AFFECT_OK && strcmp(set->format, "all") != 0) {
        report_format one = first_of(formats);
        if (formats != 1U << one || one == REPORT_CSV || one >= REPORT_VIDEO)
            status = base_fail(ctx, AFFECT_ERROR_USAGE,
                               "only one format, no csv or film, goes to standard output; give -o");
        if (status == AFFECT_OK) status = report_print(ctx, timeline, one, NULL, &how, stdout);
        set->quiet = true;
    }
    if (status == AFFECT_OK && !set->quiet) status = report_print_summary(ctx, timeline, stdout);
    base_free(persons);
    base_free((void *)(uintptr_t)set->questions.items);
    affect_timeline_destroy(timeline);
    return status;
}

int cli_report(int argc, char **argv) {
    report_settings set = {0};
    const cli_usage usage = {
        .verb = "report",
        .synopsis = "affect report [OPTIONS] TIMELINE.json",
        .text =
            "Renders a timeline that 'affect analyze' wrote: the page with the player, ELAN and\n"
            "Praat files, CSV tables, subtitles with the labels, a plot. Without -o and without\n"
            "--format it prints the summary.",
        .examples =
            "affect report talk/timeline.json -o page/ --format html --media talk.mp4 --embed\n"
            "affect report talk/timeline.json -o figure/ --format svg,pdf --from 1:00 --to 2:00\n"
            "affect report talk/timeline.json --format vtt > talk.vtt",
        .options = report_arguments,
        .into = &set,
        .option_count = BASE_COUNT(report_arguments)};
    return cli_run(&usage, argc, argv, 1, 1, "one timeline.json", report);
}
