/* What we say of an item ourselves: by everything, by the voice alone, or by what is most usual in the train split. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "affect/session.h"
#include "annotate/annotate.h"
#include "benchmark/benchmark_private.h"
#include "report/report.h"
#include "track/track.h"

enum { MOST_PERSONS = 64 };

/* At each time of the trajectories the value of the person of whom it is known best: everybody's trajectory runs through the
 * whole recording, but where somebody is neither seen nor heard it is hardly more than what is usual, with the deviation to
 * match. (The mean over all persons, as it was first, mixes that in.) */
static affect_status take_dimension(affect_context *ctx, const affect_timeline *timeline,
                                    const char *id, const char *dimension, data_annotation *out) {
    const affect_track *tracks[MOST_PERSONS + 1];
    size_t channels[MOST_PERSONS + 1], sds[MOST_PERSONS + 1], count = 0, rows = 0;
    char sd[80];
    snprintf(sd, sizeof sd, "%s_sd", dimension);
    for (int p = 0; p <= report_person_count(timeline, MOST_PERSONS); p++) {
        const affect_track *t = report_trajectory(timeline, p);
        size_t channel = t ? affect_track_find_channel(t, dimension) : SIZE_MAX;
        if (channel >= affect_track_channels(t) || (count && tracks[count - 1] == t)) continue;
        tracks[count] = t;
        sds[count] = affect_track_find_channel(t, sd);
        channels[count++] = channel;
        rows += affect_track_rows(t);
    }
    size_t at[MOST_PERSONS + 1] = {0};
    const data_trace like = {.recording = id, .dimension = dimension, .low = -1, .high = 1};
    data_trace *trace;
    affect_status status = data_annotation_add_trace(ctx, out, &like, rows, &trace);
    while (!status) {
        affect_time now = AFFECT_TIME_NONE;
        double surest = INFINITY, said = NAN;
        for (size_t k = 0; k < count; k++)
            if (at[k] < affect_track_rows(tracks[k]) &&
                (now == AFFECT_TIME_NONE || affect_track_time(tracks[k], at[k]) < now))
                now = affect_track_time(tracks[k], at[k]);
        if (now == AFFECT_TIME_NONE) break;
        for (size_t k = 0; k < count; k++) {
            if (at[k] >= affect_track_rows(tracks[k]) || affect_track_time(tracks[k], at[k]) > now)
                continue;
            const float *row = affect_track_row(tracks[k], at[k]++);
            double value = (double)row[channels[k]],
                   apart = sds[k] < affect_track_channels(tracks[k]) ? (double)row[sds[k]] : 1;
            if (!isfinite(apart)) apart = 1; /* as wide as the scale */
            if (isfinite(value) && apart < surest) surest = apart, said = value;
        }
        trace->times_s[trace->rows] = (double)now / AFFECT_SECOND;
        trace->values[trace->rows++] = said;
    }
    return status;
}

/* Whose trajectory says most at `time`: all its deviations together least; NONE: nobody's. */
static int known_best(const affect_timeline *timeline, affect_time time) {
    int best = AFFECT_PERSON_NONE;
    double least = INFINITY;
    for (int p = 0; p <= report_person_count(timeline, MOST_PERSONS); p++) {
        const affect_track *t = report_trajectory(timeline, p);
        size_t row = t ? track_row_at(t, time) : 0;
        if (!t || row >= affect_track_rows(t)) continue;
        double sum = 0;
        for (size_t c = 0; c < affect_track_channels(t); c++)
            if (base_ends_with(affect_track_channel_name(t, c), "_sd"))
                sum += (double)affect_track_row(t, row)[c];
        if (isfinite(sum) && sum < least) least = sum, best = affect_track_person(t);
    }
    return best;
}

/* Episodes as one voice: everybody's run through the whole recording, as the trajectories do, and at each instant those of the
 * person count of whom it is known best. */
static affect_status take_episodes(affect_context *ctx, const affect_timeline *timeline,
                                   const char *id, data_annotation *out) {
    const affect_tier *tier = affect_timeline_find_tier(timeline, "episodes");
    const affect_time step = 100 * AFFECT_MILLISECOND;
    affect_time end = affect_timeline_duration(timeline);
    const affect_interval *now = NULL;
    data_mark mark = {.recording = id, .tier = "episodes"};
    affect_status status = AFFECT_OK;
    for (affect_time t = 0; tier && !status; t += step) {
        int person = t < end ? known_best(timeline, t) : AFFECT_PERSON_NONE;
        const affect_interval *at = NULL;
        for (size_t i = 0; i < affect_tier_count(tier) && t < end && !at; i++) {
            const affect_interval *e = affect_tier_interval(tier, i);
            if (t >= e->t0 && t < e->t1 &&
                affect_timeline_resolve_person(timeline, e->person) == person)
                at = e;
        }
        if (at != now) {
            if (now) {
                mark.t1_s = (double)t / AFFECT_SECOND;
                status = data_annotation_add_mark(ctx, out, &mark);
            }
            if (at) {
                mark.label = at->label;
                mark.t0_s = (double)t / AFFECT_SECOND;
                mark.confidence = (double)at->score;
            }
            now = at;
        }
        if (t >= end) break;
    }
    return status;
}

static affect_status take_tier(affect_context *ctx, const affect_timeline *timeline, const char *id,
                               const char *name, data_annotation *out) {
    affect_status status = AFFECT_OK;
    if (strcmp(name, "episodes") == 0) return take_episodes(ctx, timeline, id, out);
    for (size_t k = 0; k < affect_timeline_tier_count(timeline); k++) {
        const affect_tier *tier = affect_timeline_tier(timeline, k);
        if (strcmp(affect_tier_id(tier), name) != 0) continue;
        for (size_t i = 0; i < affect_tier_count(tier) && !status; i++) {
            const affect_interval *a = affect_tier_interval(tier, i);
            char person[16];
            snprintf(person, sizeof person, "%d",
                     affect_timeline_resolve_person(timeline, a->person));
            const data_mark mark = {.recording = id,
                                    .tier = name,
                                    .label = strcmp(name, "speaking") == 0 ? person : a->label,
                                    .t0_s = (double)a->t0 / AFFECT_SECOND,
                                    .t1_s = (double)a->t1 / AFFECT_SECOND,
                                    .confidence = (double)a->score};
            status = data_annotation_add_mark(ctx, out, &mark);
        }
    }
    return status;
}

/* A number that the timeline holds as a property, as a trace of one sample. */
static affect_status take_property(affect_context *ctx, const affect_timeline *timeline,
                                   const char *id, const char *key, data_annotation *out) {
    const char *text = affect_timeline_property(timeline, key);
    double value;
    if (!text || !base_parse_double(text, strlen(text), &value)) return AFFECT_OK;
    const data_trace like = {.recording = id, .dimension = key, .low = NAN, .high = NAN};
    data_trace *trace;
    affect_status status = data_annotation_add_trace(ctx, out, &like, 1, &trace);
    if (status) return status;
    trace->values[0] = value;
    trace->rows = 1;
    return AFFECT_OK;
}

/* The label of the whole: of the manifest's classes the one with most time, weighted by score. */
static affect_status take_label(affect_context *ctx, const benchmark_manifest *m,
                                const affect_timeline *timeline, const char *id,
                                data_annotation *out) {
    const json_t *classes = json_object_get(m->root, "classes");
    const char *best = NULL;
    double most = -1;
    for (size_t c = 0; c < json_array_size(classes); c++) {
        const char *name = json_string_value(json_array_get(classes, c));
        double weight = 0;
        for (size_t k = 0; k < affect_timeline_tier_count(timeline) && name; k++) {
            const affect_tier *tier = affect_timeline_tier(timeline, k);
            if (strcmp(affect_tier_id(tier), "episodes") != 0) continue;
            for (size_t i = 0; i < affect_tier_count(tier); i++) {
                const affect_interval *a = affect_tier_interval(tier, i);
                if (base_equal_ignore_case(a->label, name))
                    weight += (double)(a->t1 - a->t0) *
                              (isfinite((double)a->score) ? (double)a->score : 1);
            }
        }
        if (name && weight > most) most = weight, best = name;
    }
    if (!best) return AFFECT_OK;
    const data_mark mark = {
        .recording = id, .tier = "label", .label = best, .confidence = NAN, .t1_s = 0};
    return data_annotation_add_mark(ctx, out, &mark);
}

static affect_status by_analysis(affect_context *ctx, const benchmark_manifest *m,
                                 const json_t *item, bool voice_only, const char *media,
                                 data_annotation *out) {
    const char *id = benchmark_text(item, "id"), *subtitle = benchmark_text(item, "subtitle");
    char *path = benchmark_inside(media ? media : m->folder, benchmark_text(item, "file")),
         *words = *subtitle ? benchmark_inside(m->folder, subtitle) : NULL;
    affect_options *options = NULL;
    affect_timeline *timeline = NULL;
    affect_status status =
        path ? AFFECT_OK
             : base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: '%s' names no file below it", m->path, id);
    if (!status && !base_file_exists(path))
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND,
                           "%s is not there: --media FOLDER says where the recordings are", path);
    if (!status) status = affect_options_create(ctx, &options);
    if (!status && voice_only) {
        affect_options_set_face(options, 0);
        affect_options_set_words(options, 0);
    }
    if (!status && words && !voice_only) status = affect_options_set_subtitles(options, words);
    if (!status) status = affect_analyze(ctx, path, options, &timeline);
    for (size_t d = 0; d < json_array_size(m->dimensions) && !status; d++) {
        const char *name = benchmark_text(json_array_get(m->dimensions, d), "name");
        status = strcmp(benchmark_text(json_array_get(m->dimensions, d), "metric"), "mae") == 0
                     ? take_property(ctx, timeline, id, name, out)
                     : take_dimension(ctx, timeline, id, name, out);
    }
    for (size_t t = 0; t < json_array_size(m->tiers) && !status; t++)
        status =
            take_tier(ctx, timeline, id, benchmark_text(json_array_get(m->tiers, t), "name"), out);
    if (!status) status = take_label(ctx, m, timeline, id, out);
    affect_timeline_destroy(timeline);
    affect_options_destroy(options);
    base_free(path);
    base_free(words);
    return status;
}

/* ---- what is most usual in the train split ---- */

/* Adds seconds (or 1) to a label's count. */
static void count(json_t *tally, const char *label, double weight) {
    json_t *old = json_object_get(tally, label);
    json_object_set_new(tally, label, json_real((old ? json_real_value(old) : 0) + weight));
}

static const char *most(json_t *tally) {
    const char *label, *best = NULL;
    double highest = -1;
    json_t *value;
    json_object_foreach(tally, label, value) if (json_real_value(value) > highest) {
        highest = json_real_value(value);
        best = label;
    }
    return best;
}

static affect_status by_majority(affect_context *ctx, const benchmark_manifest *m,
                                 const json_t *item, data_annotation *out) {
    size_t dimensions = json_array_size(m->dimensions), tiers = json_array_size(m->tiers);
    double *sum = base_calloc(2 * dimensions + 1, sizeof *sum);
    json_t *tally = json_array(), *labels = json_object();
    for (size_t t = 0; t < tiers; t++) json_array_append_new(tally, json_object());
    affect_status status = sum && tally && labels ? AFFECT_OK : base_fail_memory(ctx);
    double last = 0;
    for (size_t i = 0; i < json_array_size(m->items) && !status; i++) {
        const json_t *other = json_array_get(m->items, i);
        data_annotation gold;
        bool train = strcmp(benchmark_text(other, "split"), "train") == 0;
        if (!train && other != item) continue;
        status = benchmark_gold(ctx, m, other, &gold);
        if (status) break;
        for (size_t k = 0; k < gold.trace_count; k++)
            for (size_t d = 0; d < dimensions; d++) {
                const data_trace *t = &gold.traces[k];
                bool mine = strcmp(t->dimension,
                                   benchmark_text(json_array_get(m->dimensions, d), "name")) == 0;
                for (size_t r = 0; r < t->rows && mine; r++) {
                    if (train && isfinite(t->values[r]))
                        sum[2 * d] += t->values[r], sum[2 * d + 1]++;
                    if (other == item) last = fmax(last, t->times_s[r]);
                }
            }
        for (size_t k = 0; k < gold.mark_count; k++) {
            if (other == item) last = fmax(last, gold.marks[k].t1_s);
            for (size_t t = 0; t < tiers && train; t++)
                if (strcmp(gold.marks[k].tier,
                           benchmark_text(json_array_get(m->tiers, t), "name")) == 0)
                    count(json_array_get(tally, t), gold.marks[k].label,
                          gold.marks[k].t1_s - gold.marks[k].t0_s);
        }
        const char *label = json_string_value(json_object_get(other, "gold"));
        if (train && label) count(labels, label, 1);
        data_annotation_destroy(&gold);
    }
    const char *id = benchmark_text(item, "id");
    for (size_t d = 0; d < dimensions && !status; d++) {
        const data_trace like = {.recording = id,
                                 .dimension =
                                     benchmark_text(json_array_get(m->dimensions, d), "name"),
                                 .low = NAN,
                                 .high = NAN};
        data_trace *trace;
        if (!(sum[2 * d + 1] > 0)) continue;
        status = data_annotation_add_trace(ctx, out, &like, 2, &trace);
        if (status) break;
        trace->times_s[1] = last;
        trace->values[0] = trace->values[1] = sum[2 * d] / sum[2 * d + 1];
        trace->rows = 2;
    }
    for (size_t t = 0; t < tiers && !status; t++) {
        const json_t *tier = json_array_get(m->tiers, t);
        const char *label = most(json_array_get(tally, t));
        const data_mark mark = {.recording = id,
                                .tier = benchmark_text(tier, "name"),
                                .label = label,
                                .t1_s = last,
                                .confidence = NAN};
        if (label && strcmp(benchmark_text(tier, "metric"), "spans") != 0)
            status = data_annotation_add_mark(ctx, out, &mark);
    }
    if (!status && most(labels)) {
        const data_mark mark = {
            .recording = id, .tier = "label", .label = most(labels), .confidence = NAN};
        status = data_annotation_add_mark(ctx, out, &mark);
    }
    json_decref(tally);
    json_decref(labels);
    base_free(sum);
    return status;
}

affect_status benchmark_predict(affect_context *ctx, const benchmark_manifest *m,
                                const json_t *item, const char *system, const char *media,
                                const char *kept, data_annotation *out) {
    *out = (data_annotation){0};
    base_arena_init(&out->arena, 0);
    if (base_file_exists(kept)) {
        affect_status status = annotate_add_file(ctx, kept, out);
        if (status) data_annotation_destroy(out);
        return status;
    }
    affect_status status =
        strcmp(system, "majority") == 0
            ? by_majority(ctx, m, item, out)
            : by_analysis(ctx, m, item, strcmp(system, "prosody") == 0, media, out);
    if (!status && !out->trace_count &&
        !out->mark_count) { /* said nothing: that, too, is an answer */
        const data_mark mark = {.recording = benchmark_text(item, "id"),
                                .tier = "nothing",
                                .label = "",
                                .confidence = NAN};
        status = data_annotation_add_mark(ctx, out, &mark);
    }
    if (!status) status = annotate_export(ctx, out, "json", kept);
    if (status) data_annotation_destroy(out);
    return status;
}
