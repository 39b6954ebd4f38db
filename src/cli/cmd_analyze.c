/* affect analyze: a recording in, a timeline out. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "affect/affect.h"
#include "cli/options.h"
#include "report/report.h"

typedef struct request {
    affect_context *ctx;
    const char *input, *output, *format, *subtitles, *models;
    bool no_face, no_voice, no_words, embed, force, json, quiet;
    int64_t audio_stream, threads;
    double rate_hz;
    cli_list other_models;
    unsigned formats;
    bool progress_shown;
} request;

/* ---- Ctrl-C: the first asks to stop, the second ends the program at once ---- */

static affect_context *volatile interrupted_context;

static void interrupt(int signal_number) {
    (void)signal_number;
    affect_context *ctx = interrupted_context;
    if (ctx) affect_context_cancel(ctx);
}

static void catch_interrupts(affect_context *ctx) {
    interrupted_context = ctx;
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    if (ctx) {
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
}

/* ---- progress on a terminal ---- */

static void show_progress(void *user, affect_time done, affect_time total, double left_s) {
    request *r = user;
    enum { WIDTH = 24 };
    char bar[WIDTH * 3 + 1] = "", clock[TIME_TEXT_SIZE];
    r->progress_shown = true;
    if (total == AFFECT_TIME_NONE || total <= 0) {
        fprintf(stderr, "\r\033[K  %s taken in", time_to_clock(done, clock));
        return;
    }
    double share = BASE_MIN((double)done / (double)total, 1.0);
    int full = (int)(share * WIDTH + 0.5);
    for (int i = 0; i < WIDTH; i++) strcat(bar, i < full ? "\u2588" : "\u2591");
    fprintf(stderr, "\r\033[K  %s %3.0f %%", bar, 100.0 * share);
    if (isfinite(left_s))
        fprintf(stderr, "  %d:%02d left", (int)(left_s + 0.5) / 60, (int)(left_s + 0.5) % 60);
    fflush(stderr);
}

static void end_progress(request *r) {
    if (r->progress_shown) fprintf(stderr, "\r\033[K");
    r->progress_shown = false;
}

/* ---- checks before minutes of work ---- */

/* The nearest folder that exists must let us write; a file in the way is said now, not later. */
static affect_status check_writable(request *r) {
    char *path = base_strdup(r->output);
    if (!path) return base_fail_memory(r->ctx);
    affect_status status = AFFECT_OK;
    for (;;) {
        struct stat info;
        size_t n = strlen(path);
        while (n > 1 && path[n - 1] == '/') path[--n] = '\0';
        if (stat(path, &info) == 0) {
            if (!S_ISDIR(info.st_mode))
                status =
                    base_fail(r->ctx, AFFECT_ERROR_OUTPUT, "%s is a file: -o wants a folder", path);
            else if (access(path, W_OK | X_OK) != 0)
                status = base_fail(r->ctx, AFFECT_ERROR_OUTPUT,
                                   "%s: %s; choose another folder with -o", path, strerror(errno));
            break;
        }
        if (errno != ENOENT) {
            status = base_fail(r->ctx, AFFECT_ERROR_OUTPUT, "%s: %s", path, strerror(errno));
            break;
        }
        char *slash = strrchr(path, '/');
        if (slash == path) slash++;
        if (slash)
            *slash = '\0';
        else
            strcpy(path, ".");
    }
    base_free(path);
    return status;
}

static affect_status check(request *r) {
    affect_context *ctx = r->ctx;
    affect_status status = report_formats_parse(ctx,
                                                r->format   ? r->format
                                                : r->output ? "all"
                                                            : "json",
                                                &r->formats);
    if (status != AFFECT_OK) return status;
    if (!r->output) {
        if (r->embed)
            return base_fail(ctx, AFFECT_ERROR_USAGE, "--embed needs an output folder: -o FOLDER");
        if (r->format && ((r->formats & (r->formats - 1)) || r->formats >> REPORT_CSV & 1U))
            return base_fail(ctx, AFFECT_ERROR_USAGE,
                             "only one format, and not csv, goes to standard output; give -o "
                             "FOLDER");
        return AFFECT_OK;
    }
    status = check_writable(r);
    if (status == AFFECT_OK) status = report_check_folder(ctx, r->output, r->formats, r->force);
    return status;
}

static affect_status set_options(request *r, affect_options *o) {
    affect_options_set_face(o, !r->no_face);
    affect_options_set_voice(o, !r->no_voice);
    affect_options_set_words(o, !r->no_words);
    affect_status status = affect_options_set_rate(o, r->rate_hz);
    if (status == AFFECT_OK) status = affect_options_set_audio_stream(o, (int)r->audio_stream);
    if (status == AFFECT_OK) status = affect_options_set_subtitles(o, r->subtitles);
    for (size_t i = 0; i < r->other_models.count && status == AFFECT_OK; i++) {
        const char *equal = strchr(r->other_models.items[i], '=');
        if (!equal || equal == r->other_models.items[i] || !equal[1])
            return base_fail(r->ctx, AFFECT_ERROR_USAGE, "--model wants TASK=MODEL, not '%s'",
                             r->other_models.items[i]);
        char *task =
            base_strndup(r->other_models.items[i], (size_t)(equal - r->other_models.items[i]));
        if (!task) return base_fail_memory(r->ctx);
        status = affect_options_set_model(o, task, equal + 1);
        base_free(task);
    }
    if (!r->quiet && isatty(STDERR_FILENO)) affect_options_on_progress(o, show_progress, r);
    return status;
}

/* ---- output ---- */

static affect_status print_one(request *r, const affect_timeline *timeline) {
    report_format format = REPORT_JSON;
    while (!r->json && !(r->formats >> format & 1U)) format++;
    const report_options how = {.media = r->input};
    affect_status status = report_print(r->ctx, timeline, format, NULL, &how, stdout);
    if (status == AFFECT_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = base_fail(r->ctx, AFFECT_ERROR_OUTPUT, "standard output: %s", strerror(errno));
    return status;
}

static affect_status print_summary(request *r, const affect_timeline *timeline) {
    int columns;
    bool colour;
    base_text text = {0};
    report_terminal(stdout, &columns, &colour);
    report_summary(timeline, columns, colour, &text);
    affect_status status = text.failed ? base_fail_memory(r->ctx) : AFFECT_OK;
    if (status == AFFECT_OK && text.length &&
        (fwrite(text.data, 1, text.length, stdout) != text.length || fflush(stdout) != 0))
        status = base_fail(r->ctx, AFFECT_ERROR_OUTPUT, "standard output: %s", strerror(errno));
    base_text_destroy(&text);
    return status;
}

static void print_last_line(const request *r, const affect_timeline *timeline, double seconds) {
    double length = time_to_seconds(affect_timeline_duration(timeline));
    fprintf(stderr, "%.1f s analyzed in %.1f s (%.1f\u00d7 real time)", length, seconds,
            seconds > 0 ? length / seconds : 0.0);
    if (r->output) {
        size_t n = strlen(r->output);
        bool page = r->formats >> REPORT_HTML & 1U;
        fprintf(stderr, ": %s%s%s", r->output, n && r->output[n - 1] == '/' ? "" : "/",
                page ? "report.html" : "");
    }
    fputc('\n', stderr);
}

static affect_status run(request *r) {
    affect_options *options = NULL;
    affect_timeline *timeline = NULL;
    double start = base_now_s();
    bool printing = !r->output || r->json; /* a format to standard output */
    bool summary = !r->quiet && !r->json && !(printing && r->format);
    affect_status status = check(r);
    if (status == AFFECT_OK) status = affect_options_create(r->ctx, &options);
    if (status == AFFECT_OK) status = set_options(r, options);
    if (status == AFFECT_OK) status = affect_analyze(r->ctx, r->input, options, &timeline);
    end_progress(r);
    const report_options how = {.media = r->input, .embed = r->embed, .force = r->force};
    if (status == AFFECT_OK && r->output)
        status = report_write(r->ctx, timeline, r->output, r->formats, &how);
    if (status == AFFECT_OK && printing && (r->json || r->format)) status = print_one(r, timeline);
    if (status == AFFECT_OK && summary) status = print_summary(r, timeline);
    if (status == AFFECT_OK && !r->quiet) print_last_line(r, timeline, base_now_s() - start);
    affect_timeline_destroy(timeline);
    affect_options_destroy(options);
    return status;
}

int cli_analyze(int argc, char **argv) {
    request r = {.audio_stream = -1, .rate_hz = 10.0};
    const char *licence = NULL;
    const cli_option options[] = {
        {.name = "output",
         .letter = 'o',
         .type = CLI_TEXT,
         .value = &r.output,
         .meta = "FOLDER",
         .help = "where the files go; without it only a summary is printed"},
        {.name = "format",
         .letter = 'f',
         .type = CLI_TEXT,
         .value = &r.format,
         .meta = "LIST",
         .help = "json, csv, eaf, textgrid, vtt, svg, html, several with commas, or all; without "
                 "-o one format goes to standard output"},
        {.name = "subtitles",
         .type = CLI_TEXT,
         .value = &r.subtitles,
         .meta = "FILE",
         .help = "a transcript (SRT, WebVTT, TextGrid, EAF, JSON) instead of recognition"},
        {.name = "audio-stream",
         .type = CLI_INT,
         .value = &r.audio_stream,
         .meta = "N",
         .help = "which of several audio streams, from 0; -1 is the best",
         .min = -1,
         .max = 99},
        {.name = "no-face", .type = CLI_FLAG, .value = &r.no_face, .help = "leave faces alone"},
        {.name = "no-voice",
         .type = CLI_FLAG,
         .value = &r.no_voice,
         .help = "leave the voice alone"},
        {.name = "no-words", .type = CLI_FLAG, .value = &r.no_words, .help = "leave words alone"},
        {.name = "rate",
         .type = CLI_NUMBER,
         .value = &r.rate_hz,
         .meta = "HZ",
         .help = "rows of the trajectory a second",
         .min = 0.1,
         .max = 1000},
        {.name = "threads",
         .type = CLI_INT,
         .value = &r.threads,
         .meta = "N",
         .help = "threads to use, 0 = one a processor; the result does not depend on it",
         .min = 0,
         .max = 256},
        {.name = "models",
         .type = CLI_TEXT,
         .value = &r.models,
         .meta = "FOLDER",
         .help = "look for models here first"},
        {.name = "model",
         .type = CLI_LIST,
         .value = &r.other_models,
         .meta = "TASK=MODEL",
         .help = "use another model (a name or a folder) for a task, e.g. face.emotion"},
        {.name = "licence",
         .type = CLI_CHOICE,
         .value = &licence,
         .choices = "any|commercial",
         .help = "commercial: refuse models that may not be used commercially, and use what "
                 "remains"},
        {.name = "embed",
         .type = CLI_FLAG,
         .value = &r.embed,
         .help = "put the recording into report.html instead of linking it"},
        {.name = "force", .type = CLI_FLAG, .value = &r.force, .help = "overwrite existing files"},
        {.name = "json",
         .type = CLI_FLAG,
         .value = &r.json,
         .help = "print the timeline as JSON instead of the summary"},
        {.name = "quiet",
         .letter = 'q',
         .type = CLI_FLAG,
         .value = &r.quiet,
         .help = "print neither progress nor summary"},
    };
    const cli_usage usage = {
        .verb = "analyze",
        .synopsis = "affect analyze [OPTIONS] RECORDING",
        .text =
            "Turns a recording (any file FFmpeg opens; - is standard input) into a timeline of\n"
            "what was expressed in face, voice and words, as people would perceive it, with\n"
            "uncertainty. What is missing (no picture, a model that is not installed) is said\n"
            "and the rest goes on.",
        .examples = "affect analyze talk.mp4 -o talk/\n"
                    "affect analyze interview.wav --subtitles interview.srt -o out/\n"
                    "affect analyze - --format json < stream.mkv > timeline.json",
        .options = options,
        .option_count = BASE_COUNT(options)};
    cli_list operands = {0};
    bool help;
    affect_status status = cli_parse(&usage, argc, argv, &operands, &help);
    if (status == AFFECT_OK && !help) {
        if (operands.count != 1)
            status = (affect_status)cli_fail_text(
                "analyze", AFFECT_ERROR_USAGE,
                operands.count ? "wants one recording, not %zu; see affect analyze --help"
                               : "wants a recording; see affect analyze --help",
                operands.count);
        else
            r.input = operands.items[0];
    }
    base_free(operands.items);
    if (!r.input) {
        base_free(r.other_models.items);
        return (int)status;
    }
    status = affect_context_create(&r.ctx);
    if (status != AFFECT_OK) return cli_fail("analyze", NULL, status);
    catch_interrupts(r.ctx);
    affect_context_set_threads(r.ctx, (int)r.threads);
    affect_context_set_commercial(r.ctx, licence && strcmp(licence, "commercial") == 0);
    status = affect_context_set_models(r.ctx, r.models);
    if (status == AFFECT_OK) status = run(&r);
    interrupted_context = NULL;
    int code = status == AFFECT_OK ? 0 : cli_fail("analyze", r.ctx, status);
    base_free(r.other_models.items);
    affect_context_destroy(r.ctx);
    return code;
}
