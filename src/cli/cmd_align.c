/* affect align: when did the same thing happen in two tables of values, or of events? */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/align.h"
#include "cli/options.h"
#include "evaluate/series.h"
#include "track/track.h"

typedef struct settings {
    double max_lag, step, block, drift, smooth, band;
    const char *measure, *columns, *path, *warp;
    bool events, json, force;
} settings;

/* ---- writing ---- */

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *lag_json(const affect_align_lag *lag, double p) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "lag_s", number(lag->lag_s), "sd_s",
                     number(lag->sd_s), "correlation", number(lag->correlation), "p", number(p),
                     "width_s", number(lag->width_s), "overlap_s", number(lag->overlap_s),
                     "at_bound", lag->at_bound);
}

static void print_lag(const evaluate_series *a, const evaluate_series *b,
                      const affect_align_lag *lag, double p) {
    if (isnan(lag->lag_s)) {
        printf("no lag: they share too little time, or one stands still\n");
        return;
    }
    base_put_line(stdout, "lag %+.3f s (sd %.3f): %s %s %s; correlation %.2f over %.1f s; p %.2g",
                  lag->lag_s, lag->sd_s, b->name, lag->lag_s < 0 ? "comes before" : "comes after",
                  a->name, lag->correlation, lag->overlap_s, p);
    if (lag->at_bound) printf("    the peak is the end of the range: try a larger --max-lag\n");
    if (!(p < 0.05)) printf("    unrelated tables show as much: this is no evidence of a lag\n");
}

static affect_status check_absent(affect_context *ctx, const settings *set, const char *path) {
    if (!path || set->force || !base_file_exists(path)) return AFFECT_OK;
    return base_fail(ctx, AFFECT_ERROR_EXISTS, "%s exists; --force overwrites it", path);
}

/* Rows of numbers under a header, to a file that appears when it is complete. */
static affect_status write_path(affect_context *ctx, const char *file,
                                const affect_align_lags *lags) {
    size_t count = affect_align_lags_count(lags);
    double *rows = base_alloc(BASE_MAX(5 * count, 1) * sizeof *rows);
    if (!rows) return base_fail_memory(ctx);
    for (size_t k = 0; k < count; k++) {
        const affect_align_step *s = affect_align_lags_step(lags, k);
        const double row[] = {s->t0_s, s->t1_s, s->lag_s, s->sd_s, s->correlation};
        memcpy(rows + 5 * k, row, sizeof row);
    }
    affect_status status =
        evaluate_series_write(ctx, file, "t0,t1,lag_s,sd_s,correlation", rows, count, 5);
    base_free(rows);
    return status;
}

static affect_status align_series(affect_context *ctx, const settings *set,
                                  const affect_align_options *options, evaluate_series *a,
                                  evaluate_series *b) {
    affect_align_series sa = {a->rows, a->channels, a->times, a->values};
    affect_align_series sb = {b->rows, b->channels, b->times, b->values};
    affect_align_lags *lags = NULL;
    affect_status status = affect_align_lags_estimate(ctx, &sa, &sb, options, &lags);
    if (status) return status;
    const affect_align_lag *lag = affect_align_lags_constant(lags);
    double p = affect_align_lags_p(lags);
    size_t count = affect_align_lags_count(lags);
    if (set->json) {
        json_t *path = json_array();
        for (size_t k = 0; k < count; k++) {
            const affect_align_step *s = affect_align_lags_step(lags, k);
            json_array_append_new(path, json_pack("{s:f, s:f, s:f, s:f, s:o}", "t0", s->t0_s, "t1",
                                                  s->t1_s, "lag_s", s->lag_s, "sd_s", s->sd_s,
                                                  "correlation", number(s->correlation)));
        }
        status = cli_print_json(ctx,
                                json_pack("{s:o, s:o, s:o}", "lag", lag_json(lag, lag->p), "p",
                                          number(p), "path", path),
                                EVALUATE_SERIES_DIGITS);
    } else {
        print_lag(a, b, lag, p);
        if (count && p < 0.05) printf("path of the lag:\n");
        for (size_t k = 0; k < count && p < 0.05; k++) {
            const affect_align_step *s = affect_align_lags_step(lags, k);
            char t0[TIME_TEXT_SIZE], t1[TIME_TEXT_SIZE];
            printf("  %s – %s  %+.3f s (sd %.3f)\n", time_to_clock(time_from_seconds(s->t0_s), t0),
                   time_to_clock(time_from_seconds(s->t1_s), t1), s->lag_s, s->sd_s);
        }
    }
    if (!status && set->path) status = write_path(ctx, set->path, lags);
    affect_align_lags_destroy(lags);
    if (!status && set->warp) status = evaluate_series_warp(ctx, a, b, set->band, set->warp);
    return status;
}

static affect_status align_events(affect_context *ctx, const settings *set,
                                  const affect_align_options *options, const evaluate_series *a,
                                  const evaluate_series *b) {
    double t0 = fmin(a->events[0].time_s, b->events[0].time_s) - 1;
    double t1 = fmax(a->events[a->rows - 1].time_s, b->events[b->rows - 1].time_s) + 1;
    affect_align_lag lag;
    affect_align_match_options mo = AFFECT_ALIGN_MATCH_DEFAULTS;
    size_t most = BASE_MIN(a->rows, b->rows), count = 0;
    affect_align_match *matches = base_alloc(most * sizeof *matches);
    double *rows = base_alloc(4 * most * sizeof *rows);
    affect_status status = matches && rows ? AFFECT_OK : base_fail_memory(ctx);
    if (!status)
        status = affect_align_event_lag(ctx, a->events, a->rows, b->events, b->rows, t0, t1,
                                        set->smooth, options, &lag);
    if (!status) {
        mo.lag_s = isfinite(lag.lag_s) ? lag.lag_s : 0;
        mo.lag_sd_s = set->smooth;
        status = affect_align_match_events(ctx, a->events, a->rows, b->events, b->rows, &mo,
                                           matches, &count, NULL);
    }
    json_t *list = set->json ? json_array() : NULL;
    for (size_t k = 0; k < count && !status; k++) {
        const affect_align_match *m = &matches[k];
        const double row[] = {a->events[m->a].time_s, b->events[m->b].time_s, m->lag_s, m->score};
        memcpy(rows + 4 * k, row, sizeof row);
        if (list)
            json_array_append_new(list,
                                  json_pack("{s:f, s:f, s:f, s:f}", "time_a", row[0], "time_b",
                                            row[1], "lag_s", row[2], "score", row[3]));
    }
    if (!status && set->json) {
        status = cli_print_json(ctx,
                                json_pack("{s:o, s:o, s:O}", "lag", lag_json(&lag, lag.p), "p",
                                          number(lag.p), "matches", list),
                                EVALUATE_SERIES_DIGITS);
    } else if (!status) {
        print_lag(a, b, &lag, lag.p);
        printf("%zu of %zu and %zu events are matched\n", count, a->rows, b->rows);
        for (size_t k = 0; k < count; k++)
            printf("  %10.3f  %10.3f  %+.3f s  score %.2f\n", rows[4 * k], rows[4 * k + 1],
                   rows[4 * k + 2], rows[4 * k + 3]);
    }
    json_decref(list);
    if (!status && set->path)
        status = evaluate_series_write(ctx, set->path, "time_a,time_b,lag_s,score", rows, count, 4);
    base_free(matches);
    base_free(rows);
    return status;
}

static const cli_option align_options[] = {
    CLI_OPTION(settings, "max-lag", CLI_NUMBER, max_lag, .meta = "S", .min = 0.01, .max = 3600,
               .help = "lags up to so many seconds to each side are tried (default 1.5)"),
    CLI_OPTION(
        settings, "measure", CLI_CHOICE, measure, .choices = "correlation|magnitude|information",
        .help = "rise together; together or against each other; Gaussian mutual information of "
                "levels and slopes, which is taken by itself where there are several columns"),
    CLI_OPTION(settings, "columns", CLI_TEXT, columns, .meta = "LIST",
               .help = "columns to use, with commas (default: all of numbers, but 'time')"),
    CLI_OPTION(settings, "events", CLI_FLAG, events,
               .help =
                   "rows are events: columns time (or apex) and, where there are, sd, strength, "
                   "valence, arousal; finds their lag and who matches whom"),
    CLI_OPTION(settings, "smooth", CLI_NUMBER, smooth, .meta = "S", .min = 0.001, .max = 60,
               .help = "with --events: their times are sure to so many seconds (default .15)"),
    CLI_OPTION(settings, "block", CLI_NUMBER, block, .meta = "S", .max = 3600,
               .help = "one value of the lag's path in so many seconds (default: as --max-lag)"),
    CLI_OPTION(settings, "drift", CLI_NUMBER, drift, .meta = "S", .max = 60,
               .help = "how far a lag wanders in a second, as standard deviation (default .06)"),
    CLI_OPTION(settings, "step", CLI_NUMBER, step, .meta = "S", .max = 60,
               .help = "grid for the search (default: that of the denser table)"),
    CLI_OPTION(settings, "path", CLI_TEXT, path, .letter = 'o', .meta = "FILE",
               .help = "write the lag's path, or with --events the matches, as CSV"),
    CLI_OPTION(settings, "warp", CLI_TEXT, warp, .meta = "FILE",
               .help = "write the warping (pairs of times) as CSV: dynamic time warping, canonical "
                       "where there are several columns"),
    CLI_OPTION(
        settings, "band", CLI_NUMBER, band, .meta = "SHARE", .max = 1,
        .help = "how far a warping may leave the diagonal, as a share of the length (default .1)"),
    CLI_OPTION(settings, "force", CLI_FLAG, force,
               .help = "overwrite the files of --path and --warp"),
    CLI_OPTION(settings, "json", CLI_FLAG, json, .help = "print JSON"),
};

static affect_status align(affect_context *ctx, void *user, const cli_list *operands) {
    const settings *set = user;
    evaluate_series a = {0}, b = {0};
    affect_align_options o = AFFECT_ALIGN_DEFAULTS;
    affect_context_set_log(ctx, AFFECT_LOG_WARNING, NULL, NULL);
    o.max_lag_s = set->max_lag;
    o.step_s = set->step;
    o.block_s = set->block;
    o.drift_s = set->drift;
    o.measure = set->measure[0] == 'c'   ? AFFECT_ALIGN_CORRELATION
                : set->measure[0] == 'm' ? AFFECT_ALIGN_MAGNITUDE
                                         : AFFECT_ALIGN_INFORMATION;
    affect_status status = check_absent(ctx, set, set->path);
    if (!status) status = check_absent(ctx, set, set->warp);
    if (!status)
        status = evaluate_series_read(ctx, operands->items[0], set->columns, set->events, &a);
    if (!status)
        status = evaluate_series_read(ctx, operands->items[1], set->columns, set->events, &b);
    if (!status)
        status =
            set->events ? align_events(ctx, set, &o, &a, &b) : align_series(ctx, set, &o, &a, &b);
    evaluate_series_destroy(&a);
    evaluate_series_destroy(&b);
    return status;
}

int cli_align(int argc, char **argv) {
    settings set = {.max_lag = 1.5, .smooth = 0.15, .band = 0.1, .measure = "correlation"};
    const cli_usage usage = {
        .verb = "align",
        .synopsis = "affect align [OPTIONS] A.csv B.csv",
        .text = "Says how much later B is than A, with the error of that and the probability that\n"
                "unrelated tables look as related, and how the lag drifts. Tables have a column\n"
                "'time' in seconds, at any sampling; an empty cell is a missing value.",
        .examples =
            "affect align face.csv voice.csv --columns valence --max-lag 3 --warp warping.csv\n"
            "affect align smiles.csv accents.csv --events --json",
        .options = align_options,
        .into = &set,
        .option_count = BASE_COUNT(align_options)};
    return cli_run(&usage, argc, argv, 2, 2, "two tables", align);
}
