/* affect analyze: a recording in, a timeline out. */
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "affect/affect.h"
#include "cli/options.h"
#include "collection/collection.h"
#include "reason/reason.h"
#include "report/report.h"

typedef struct request {
    affect_context *ctx;
    const char *input, *output, *format, *subtitles, *models, *licence, *participants, *shard;
    bool no_face, no_voice, no_words, keep_offset, embed, force, json, quiet, explain, fast;
    const char *identity;
    int64_t person_count;
    int64_t audio_stream, threads, jobs;
    double rate_hz, subtitles_offset;
    cli_list other_models;
    const char *recogniser, *fusion;
    unsigned formats;
    bool bar_shown;
} request;

/* ---- progress on a terminal ---- */

static void show_progress(void *user, affect_time done, affect_time total, double left_s) {
    char clock[TIME_TEXT_SIZE], text[TIME_TEXT_SIZE + 16];
    bool known = total != AFFECT_TIME_NONE && total > 0;
    snprintf(text, sizeof text, "%s taken in", time_to_clock(done, clock));
    report_progress(&((request *)user)->bar_shown,
                    known ? BASE_MIN((double)done / (double)total, 1.0) : NAN, known ? "" : text,
                    left_s);
}

static void show_collection(void *user, const collection_progress *p) {
    char text[96] = "";
    int n = snprintf(text, sizeof text, "  %zu of %zu recordings", p->done, p->total);
    if (p->failed) snprintf(text + n, sizeof text - (size_t)n, ", %zu failed", p->failed);
    report_progress(&((request *)user)->bar_shown, p->share, text, p->left_s);
}

/* ---- checks before minutes of work ---- */

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
    status = base_check_writable(ctx, r->output);
    if (status == AFFECT_OK) status = report_check_folder(ctx, r->output, r->formats, r->force);
    const report_options how = {.media = r->input,
                                .embed = r->embed && r->formats >> REPORT_HTML & 1U};
    if (status == AFFECT_OK) status = report_check_media(ctx, &how);
    return status;
}

static affect_status set_options(request *r, affect_options *o) {
    affect_options_set_face(o, !r->no_face);
    affect_options_set_identity(o, strcmp(r->identity, "off") != 0);
    affect_options_set_voice(o, !r->no_voice);
    affect_options_set_words(o, !r->no_words);
    affect_options_set_keep_offset(o, r->keep_offset);
    affect_options_set_fast(o, r->fast);
    affect_options_set_landmarks(o, r->formats >> REPORT_OPENFACE & 1U);
    affect_status status = affect_options_set_rate(o, r->rate_hz);
    if (status == AFFECT_OK) status = affect_options_set_person_count(o, (int)r->person_count);
    if (status == AFFECT_OK) status = affect_options_set_audio_stream(o, (int)r->audio_stream);
    if (status == AFFECT_OK) status = affect_options_set_subtitles(o, r->subtitles);
    if (status == AFFECT_OK) status = affect_options_set_subtitles_offset(o, r->subtitles_offset);
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
    if (r->recogniser && status == AFFECT_OK)
        status = affect_options_set_model(o, "words.recognition.en", r->recogniser);
    if (r->fusion && status == AFFECT_OK) status = affect_options_set_model(o, "fusion", r->fusion);
    if (!r->quiet && isatty(STDERR_FILENO)) affect_options_on_progress(o, show_progress, r);
    return status;
}

/* ---- output ---- */

static affect_status print_one(request *r, const affect_timeline *timeline) {
    report_format format = REPORT_JSON;
    while (!r->json && !(r->formats >> format & 1U)) format++;
    const report_options how = {.media = r->input};
    affect_status status = report_print(r->ctx, timeline, format, NULL, &how, stdout);
    return status == AFFECT_OK ? cli_flush(r->ctx) : status;
}

static affect_status print_summary(request *r, const affect_timeline *timeline) {
    base_text text = {0};
    affect_status status = report_print_summary(r->ctx, timeline, stdout);
    if (status == AFFECT_OK && r->explain) base_text_append(&text, "\n");
    if (status == AFFECT_OK && r->explain) status = reason_put_text(r->ctx, timeline, &text);
    if (status == AFFECT_OK && text.failed) status = base_fail_memory(r->ctx);
    if (status == AFFECT_OK && r->explain) fputs(text.data, stdout);
    if (status == AFFECT_OK) status = cli_flush(r->ctx);
    base_text_destroy(&text);
    return status;
}

static void print_last_line(const request *r, const affect_timeline *timeline, double seconds) {
    double length = time_to_seconds(affect_timeline_duration(timeline));
    base_text where = {0};
    if (r->output) {
        bool page = r->formats >> REPORT_HTML & 1U;
        base_text_printf(&where, ": %s%s%s", r->output, base_ends_with(r->output, "/") ? "" : "/",
                         page ? "report.html" : "");
    }
    cli_last_line("%.1f s analyzed in %.1f s (%.1f\u00d7 real time)%s", length, seconds,
                  seconds > 0 ? length / seconds : 0.0, where.length ? where.data : "");
    base_text_destroy(&where);
}

/* A read error in the middle: what came before it is written, and the command fails all the same.
 */
static affect_status check_whole(request *r, const affect_timeline *timeline) {
    const char *error = affect_timeline_property(timeline, "media/error");
    if (!error) return AFFECT_OK;
    return base_fail(r->ctx, AFFECT_ERROR_NOT_FOUND,
                     "%s: could not be read to its end: %s; what came before was analyzed, the "
                     "warnings say from when to when it was not",
                     r->input, error);
}

static affect_status run(request *r) {
    affect_options *options = NULL;
    affect_timeline *timeline = NULL;
    double start = base_now_s();
    bool printing = !r->output || r->json; /* a format to standard output */
    bool summary = !r->quiet && !r->json && !(printing && r->format);
    affect_status status = check(r);
    if (status == AFFECT_OK && r->explain && r->output)
        status = reason_check_folder(r->ctx, r->output, r->force);
    if (status == AFFECT_OK) status = affect_options_create(r->ctx, &options);
    if (status == AFFECT_OK) status = set_options(r, options);
    if (status == AFFECT_OK) status = affect_analyze(r->ctx, r->input, options, &timeline);
    report_progress_end(&r->bar_shown);
    const report_options how = {.media = r->input, .embed = r->embed, .force = r->force};
    if (status == AFFECT_OK && r->output)
        status = report_write(r->ctx, timeline, r->output, r->formats, &how);
    if (status == AFFECT_OK && r->output && r->explain)
        status = reason_write(r->ctx, timeline, r->output, r->force);
    if (status == AFFECT_OK && printing && (r->json || r->format)) status = print_one(r, timeline);
    if (status == AFFECT_OK && summary) status = print_summary(r, timeline);
    if (status == AFFECT_OK) status = check_whole(r, timeline);
    if (status == AFFECT_OK && !r->quiet) print_last_line(r, timeline, base_now_s() - start);
    affect_timeline_destroy(timeline);
    affect_options_destroy(options);
    return status;
}

/* ---- many recordings ---- */

static void say_failure(void *user, const char *path, const char *message) {
    request *r = user;
    report_progress_end(&r->bar_shown);
    base_put_line(stderr, "affect analyze: %s%s%s", strstr(message, path) ? "" : path,
                  strstr(message, path) ? "" : ": ", message);
}

static affect_status check_many(request *r) {
    if (!r->output)
        return base_fail(r->ctx, AFFECT_ERROR_USAGE,
                         "several recordings want a folder for what they give: -o FOLDER");
    if (r->explain) return base_fail(r->ctx, AFFECT_ERROR_USAGE, "--explain is for one recording");
    if (r->json || (r->subtitles && !base_starts_with(r->subtitles, "stream")))
        return base_fail(r->ctx, AFFECT_ERROR_USAGE, "%s is for one recording; there are several",
                         r->json ? "--json" : "a file with --subtitles");
    affect_status status = report_formats_parse(r->ctx, r->format ? r->format : "all", &r->formats);
    return status == AFFECT_OK ? base_check_writable(r->ctx, r->output) : status;
}

static affect_status run_many(request *r, const cli_list *operands) {
    affect_options *options = NULL;
    collection_list list = {0};
    collection_counts n = {0}, all = {0};
    collection_options how = {.folder = r->output,
                              .participants = r->participants,
                              .embed = r->embed,
                              .force = r->force,
                              .jobs = (int)r->jobs,
                              .on_failure = say_failure,
                              .user = r};
    double start = base_now_s();
    if (!r->quiet && isatty(STDERR_FILENO)) how.on_progress = show_collection;
    affect_status status = check_many(r);
    how.formats = r->formats;
    if (status == AFFECT_OK) status = collection_shard_parse(r->ctx, r->shard, &how.shard);
    if (status == AFFECT_OK)
        status = collection_find(r->ctx, operands->items, operands->count, &list);
    if (status == AFFECT_OK) status = affect_options_create(r->ctx, &options);
    if (status == AFFECT_OK) status = set_options(r, options);
    if (status == AFFECT_OK) status = collection_analyze(r->ctx, &list, options, &how, &n);
    report_progress_end(&r->bar_shown);
    if (status == AFFECT_OK && how.shard.count == 1) {
        affect_context_set_log(
            r->ctx, AFFECT_LOG_WARNING, cli_log,
            (void *)(uintptr_t) "analyze"); /* of the tables, not of each recording */
        status = collection_merge(r->ctx, &how.folder, 1, r->participants, r->output, &all);
    }
    if (status == AFFECT_OK && how.shard.count > 1 && !r->quiet)
        cli_last_line("shard %d of %d (%s): %zu of %zu recordings, %zu failed; when all are done: "
                      "affect collection merge %s",
                      how.shard.index, how.shard.count, how.shard.from, n.recordings - n.failed,
                      n.recordings, n.failed, r->output);
    else if (status == AFFECT_OK && all.failed) /* of a shard: a launcher would end the others */
        status = base_fail(r->ctx, n.first ? n.first : AFFECT_ERROR_NOT_FOUND,
                           "%zu of %zu recordings could not be analyzed (%s/recordings.csv says "
                           "why); the rest is done",
                           all.failed, all.recordings, r->output);
    else if (status == AFFECT_OK && !r->quiet)
        cli_last_line("%zu recordings, %zu of them now: %.1f s analyzed in %.1f s (%.1f\u00d7 real "
                      "time): %s/index.html",
                      n.recordings, n.analyzed, n.analyzed_s, base_now_s() - start,
                      n.analyzed_s / BASE_MAX(base_now_s() - start, 1e-3), r->output);
    collection_list_destroy(&list);
    affect_options_destroy(options);
    return status;
}

/* One file is a recording, unless it is to be put into a collection. */
static bool is_many(const request *r, const cli_list *operands) {
    return operands->count > 1 || base_is_folder(operands->items[0]) || r->jobs || r->shard ||
           r->participants || (r->output && collection_is(r->output));
}

static const cli_option analyze_options[] = {
    CLI_OPTION(request, "output", CLI_TEXT, output, .letter = 'o', .meta = "FOLDER",
               .help = "where the files go; without it only a summary is printed"),
    CLI_OPTION(request, "format", CLI_TEXT, format, .letter = 'f', .meta = "LIST",
               .help =
                   "json, csv, eaf, textgrid, vtt, svg, html, several with commas, or all; without "
                   "-o one format goes to standard output"),
    CLI_OPTION(
        request, "subtitles", CLI_TEXT, subtitles, .meta = "FILE",
        .help =
            "a transcript (SRT, WebVTT, ASS, SBV, LRC, TTML, TSV, TextGrid, EAF, JSON) instead of "
            "recognition; stream or stream:N takes text subtitles inside the recording"),
    CLI_OPTION(request, "subtitles-offset", CLI_NUMBER, subtitles_offset, .meta = "S",
               .help = "seconds added to all times of the transcript, e.g. -3600", .min = -360000,
               .max = 360000),
    CLI_OPTION(request, "audio-stream", CLI_INT, audio_stream, .meta = "N",
               .help = "which of several audio streams, from 0; -1 is the best", .min = -1,
               .max = 99),
    CLI_OPTION(request, "no-face", CLI_FLAG, no_face, .help = "leave faces alone"),
    CLI_OPTION(request, "no-voice", CLI_FLAG, no_voice, .help = "leave the voice alone"),
    CLI_OPTION(request, "no-words", CLI_FLAG, no_words, .help = "leave words alone"),
    CLI_OPTION(
        request, "identity", CLI_CHOICE, identity, .choices = "on|off",
        .help =
            "tell persons apart by embeddings of face and voice (biometric data, kept in memory "
            "only), or faces by motion and appearance alone"),
    CLI_OPTION(request, "person-count", CLI_INT, person_count, .meta = "N",
               .help = "how many people there are, as a hint; 0 = not known", .min = 0,
               .max = 1000),
    CLI_OPTION(request, "keep-offset", CLI_FLAG, keep_offset,
               .help =
                   "leave sound and picture as far apart as the recording has them; they are moved "
                   "together where lips and voice show that they are not"),
    CLI_OPTION(request, "fast", CLI_FLAG, fast,
               .help = "fewer pictures, twice the speed: misses blinks and short expressions"),
    CLI_OPTION(request, "rate", CLI_NUMBER, rate_hz, .meta = "HZ",
               .help = "rows of the trajectory a second", .min = 0.1, .max = 1000),
    CLI_OPTION(request, "explain", CLI_FLAG, explain,
               .help = "say what was expressed and why: explanation.json and explanation.txt "
                       "beside the rest, or below the summary"),
    CLI_OPTION(request, "threads", CLI_INT, threads, .meta = "N",
               .help = "threads to use, 0 = one a processor; the result does not depend on it",
               .min = 0, .max = 256),
    CLI_OPTION(request, "jobs", CLI_INT, jobs, .meta = "N",
               .help = "of several recordings, how many at once, 0 = as many as threads", .min = 0,
               .max = 256),
    CLI_OPTION(request, "participants", CLI_TEXT, participants, .meta = "FILE",
               .help =
                   "of several: a table with recording, person, participant and conditions, which "
                   "are joined to all tables"),
    CLI_OPTION(request, "shard", CLI_TEXT, shard, .meta = "I/N",
               .help =
                   "of several: take part I of N, for N machines; under Slurm and Open MPI that is "
                   "known"),
    CLI_OPTION(request, "models", CLI_TEXT, models, .meta = "FOLDER",
               .help = "look for models here first"),
    CLI_OPTION(request, "model", CLI_LIST, other_models, .meta = "TASK=MODEL",
               .help = "use another model (a name or a folder) for a task, e.g. face.emotion"),
    CLI_OPTION(request, "recogniser", CLI_TEXT, recogniser, .meta = "MODEL",
               .help = "whisper:FILE hears with Whisper (docs/words.md)"),
    CLI_OPTION(request, "fusion", CLI_TEXT, fusion, .meta = "MODEL",
               .help = "a trained fusion makes the trajectory (docs/fusion.md)"),
    CLI_OPTION(request, "licence", CLI_CHOICE, licence, .choices = "any|commercial",
               .help = "commercial: refuse models that may not be used commercially, and use what "
                       "remains"),
    CLI_OPTION(request, "embed", CLI_FLAG, embed,
               .help = "put the recording into report.html instead of linking it"),
    CLI_OPTION(request, "force", CLI_FLAG, force, .help = "overwrite existing files"),
    CLI_OPTION(request, "json", CLI_FLAG, json,
               .help = "print the timeline as JSON instead of the summary"),
    CLI_OPTION(request, "quiet", CLI_FLAG, quiet, .letter = 'q',
               .help = "print neither progress nor summary"),
};

static affect_status analyze(affect_context *ctx, void *user, const cli_list *operands) {
    request *r = user;
    r->ctx = ctx;
    r->input = operands->items[0];
    affect_context_set_log(ctx, AFFECT_LOG_WARNING, NULL, NULL); /* they stand in the timeline */
    affect_context_set_threads(ctx, (int)r->threads);
    affect_context_set_commercial(ctx, r->licence && strcmp(r->licence, "commercial") == 0);
    affect_status status = affect_context_set_models(ctx, r->models);
    if (status != AFFECT_OK) return status;
    return is_many(r, operands) ? run_many(r, operands) : run(r);
}

int cli_analyze(int argc, char **argv) {
    request r = {.audio_stream = -1, .rate_hz = 10.0, .identity = "on"};
    const cli_usage usage = {
        .verb = "analyze",
        .synopsis = "affect analyze [OPTIONS] RECORDING...",
        .text =
            "Turns a recording (any file FFmpeg opens; - is standard input) into a timeline of\n"
            "what was expressed in face, voice and words, as people would perceive it, with\n"
            "uncertainty. What is missing (no picture, a model that is not installed) is said\n"
            "and the rest goes on. Several recordings, or a folder of them, make a collection: a\n"
            "folder a recording, and tables over all; what is done already is not done again.",
        .examples = "affect analyze talk.mp4 -o talk/\n"
                    "affect analyze interview.wav --subtitles interview.srt -o out/\n"
                    "affect analyze study/ --participants participants.csv -o collection/\n"
                    "affect analyze - --format json < stream.mkv > timeline.json",
        .options = analyze_options,
        .into = &r,
        .option_count = BASE_COUNT(analyze_options)};
    int code = cli_run(&usage, argc, argv, 1, SIZE_MAX, "a recording", analyze);
    base_free(r.other_models.items);
    return code;
}
