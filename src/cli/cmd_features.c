/* affect features: voice features of recordings as tables, in openSMILE's column names and formats.
 */
#include <stdlib.h>
#include <string.h>

#include "annotate/annotate.h"
#include "cli/options.h"
#include "voice/features.h"

typedef struct request {
    affect_context *ctx;
    const char *output, *lld, *segments, *tier, *name, *set_name;
    double window, step;
    int64_t rate, threads, bands;
    bool force, quiet;
    voice_features_segment *segment; /* sorted by t0; labels are those of `said` */
    size_t segment_count;
    data_annotation said;
} request;

static int by_time(const void *a, const void *b) {
    const voice_features_segment *x = a, *y = b;
    if (x->t0 != y->t0) return x->t0 < y->t0 ? -1 : 1;
    return (x->t1 > y->t1) - (x->t1 < y->t1);
}

/* A timeline of ours by tier id; any transcript (TextGrid, EAF, SRT, ...) by tier name. */
static affect_status read_segments(request *r) {
    affect_status status = annotate_read_file(r->ctx, r->segments, &r->said);
    const char *tier = r->tier                                                     ? r->tier
                       : r->said.format && strcmp(r->said.format, "timeline") == 0 ? "utterances"
                                                                                   : NULL;
    r->segment = base_calloc(r->said.mark_count + 1, sizeof *r->segment);
    if (!r->segment && !status) status = base_fail_memory(r->ctx);
    for (size_t i = 0; i < r->said.mark_count && !status; i++) {
        const data_mark *m = &r->said.marks[i];
        if (m->t1_s > m->t0_s && (!tier || strcmp(m->tier, tier) == 0))
            r->segment[r->segment_count++] = (voice_features_segment){m->t0_s, m->t1_s, m->label};
    }
    if (!status && r->segment_count == 0)
        status = base_fail(r->ctx, AFFECT_ERROR_FORMAT, "%s has no intervals%s%s", r->segments,
                           r->tier ? " in a tier named " : "", r->tier ? r->tier : "");
    if (r->segment_count) qsort(r->segment, r->segment_count, sizeof *r->segment, by_time);
    return status;
}

static affect_status check(request *r) {
    if (r->lld && strcmp(r->set_name, "egemaps") != 0)
        return base_fail(r->ctx, AFFECT_ERROR_USAGE, "--lld goes with --set egemaps");
    if ((r->segments || r->window > 0.0) && strcmp(r->set_name, "egemaps") != 0)
        return base_fail(r->ctx, AFFECT_ERROR_USAGE,
                         "--segments and --window go with --set egemaps");
    if (r->segments && r->window > 0.0)
        return base_fail(r->ctx, AFFECT_ERROR_USAGE, "--segments and --window exclude each other");
    if (r->window > 0.0 && (r->window < 0.06 || r->window / (r->step > 0 ? r->step : r->window) >
                                                    VOICE_FEATURES_OVERLAP - 1))
        return base_fail(r->ctx, AFFECT_ERROR_USAGE,
                         "--window wants at least 0.06 s and at most %d steps",
                         VOICE_FEATURES_OVERLAP - 1);
    return AFFECT_OK;
}

static const cli_option features_options[] = {
    CLI_OPTION(request, "set", CLI_CHOICE, set_name, .letter = 's', .help = "which features",
               .choices = "egemaps|prosody|logmel"),
    CLI_OPTION(request, "output", CLI_TEXT, output, .letter = 'o', .meta = "FILE",
               .help =
                   "table to write (.csv, .arff, .npy); without it CSV goes to standard output"),
    CLI_OPTION(request, "lld", CLI_TEXT, lld, .meta = "FILE",
               .help = "table of the 25 descriptors every 10 ms (.csv, .arff, .npy)"),
    CLI_OPTION(request, "segments", CLI_TEXT, segments, .meta = "FILE",
               .help = "one row for each interval of a timeline, TextGrid, EAF or subtitle file"),
    CLI_OPTION(request, "tier", CLI_TEXT, tier, .meta = "NAME",
               .help = "tier of the segments (default: utterances, or all)"),
    CLI_OPTION(request, "window", CLI_NUMBER, window, .meta = "S",
               .help = "one row for each window of so many seconds", .min = 0, .max = 86400),
    CLI_OPTION(request, "step", CLI_NUMBER, step, .meta = "S",
               .help = "from one window to the next (default: the window)", .min = 0, .max = 86400),
    CLI_OPTION(request, "rate", CLI_INT, rate, .meta = "HZ",
               .help = "resample to this rate first, 0 = the recording's own", .min = 0,
               .max = 192000),
    CLI_OPTION(request, "bands", CLI_INT, bands, .meta = "N", .help = "mel bands of --set logmel",
               .min = 1, .max = 256),
    CLI_OPTION(request, "name", CLI_TEXT, name, .meta = "TEXT",
               .help = "the name column (default: the file's name without its ending)"),
    CLI_OPTION(request, "threads", CLI_INT, threads, .meta = "N",
               .help = "files at a time, 0 = one a processor; the result does not depend on it",
               .min = 0, .max = 1024),
    CLI_OPTION(request, "force", CLI_FLAG, force, .help = "overwrite existing files"),
    CLI_OPTION(request, "quiet", CLI_FLAG, quiet, .letter = 'q', .help = "print no status"),
};

static void say_failed(void *user, const affect_context *ctx, affect_status status) {
    (void)user;
    cli_fail("features", ctx, status);
}

static affect_status features(affect_context *ctx, void *user, const cli_list *inputs) {
    request *r = user;
    r->ctx = ctx;
    affect_context_set_threads(ctx, (int)r->threads);
    if (r->quiet) affect_context_set_log(ctx, AFFECT_LOG_WARNING, NULL, NULL);
    affect_status status = check(r);
    if (status == AFFECT_OK && r->segments) status = read_segments(r);
    const voice_features_options options = {
        .set = strcmp(r->set_name, "prosody") == 0  ? VOICE_FEATURES_PROSODY
               : strcmp(r->set_name, "logmel") == 0 ? VOICE_FEATURES_LOGMEL
                                                    : VOICE_FEATURES_EGEMAPS,
        .output = r->output,
        .lld = r->lld,
        .name = r->name,
        .otherwise = stdout,
        .segments = r->segment,
        .segment_count = r->segment_count,
        .window = r->window,
        .step = r->step > 0 ? r->step : r->window,
        .rate = (int)r->rate,
        .bands = (size_t)r->bands,
        .force = r->force,
        .flush = cli_flush,
        .failed = say_failed};
    voice_features_result result = {0};
    if (status == AFFECT_OK)
        status = voice_features_write(ctx, &options, inputs->items, inputs->count, &result);
    if (status == AFFECT_OK && !r->quiet && result.took_s > 0.0)
        cli_last_line("%zu files, %.1f s of sound in %.2f s (%.0fx real time)", inputs->count,
                      result.heard_s, result.took_s, result.heard_s / result.took_s);
    data_annotation_destroy(&r->said);
    base_free(r->segment);
    return status;
}

int cli_features(int argc, char **argv) {
    request r = {.bands = 64, .set_name = "egemaps"};
    const cli_usage usage = {
        .verb = "features",
        .synopsis = "affect features [OPTIONS] RECORDING...",
        .text =
            "Computes voice features. The eGeMAPS v02 set has openSMILE's column names, order and\n"
            "numbers: 88 functionals a recording, segment or window, and 25 descriptors every 10\n"
            "ms. prosody is what analyze uses; logmel are log-mel spectrograms (25 ms, 10 ms).",
        .examples = "affect features --set egemaps speech.wav -o functionals.csv --lld lld.csv\n"
                    "affect features talk.mp4 --segments talk.TextGrid --tier words -o words.arff",
        .options = features_options,
        .into = &r,
        .option_count = BASE_COUNT(features_options)};
    return cli_run(&usage, argc, argv, 1, SIZE_MAX, "at least one recording", features);
}
