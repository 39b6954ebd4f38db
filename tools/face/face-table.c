/* face-table: runs the face stage over clips and prints a row for each: persons, events by kind,
 * the mean and peak of each action unit, the mean posterior of each category and the best.
 *
 * usage: face-table [--rows PREFIX] [--timing] [--commercial] CLIP...
 *        face-table --labels TABLE.csv
 * --rows PREFIX  also writes every row of every person to PREFIX<clip>.<person>.csv
 * --timing       prints the time spent, and its share of the clip's length
 * --commercial   with models that may be used commercially only
 * --labels CSV   runs over the clips of the column "path" (beside the table) and prints how often
 * the first person's best mean posterior is the column "label" */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/table.h"
#include "face/face.h"

static void print_line(void *user, affect_log_level level, const char *line) {
    (void)user, (void)level;
    fprintf(stderr, "%s\n", line);
}

static void mean_and_peak(const affect_track *t, size_t c, double *mean, double *peak) {
    double sum = 0, weight = 0;
    *peak = NAN;
    for (size_t i = 0; i < t->rows; i++) {
        double v = (double)t->values[i * t->channel_count + c];
        if (isnan(v)) continue;
        sum += v * (double)t->confidence[i];
        weight += (double)t->confidence[i];
        if (!(v <= *peak)) *peak = v;
    }
    *mean = weight > 0 ? sum / weight : NAN;
}

static const affect_track *track_of(const affect_timeline *t, int person, const char *name) {
    char id[64];
    snprintf(id, sizeof id, "face/%d/%s", person, name);
    return affect_timeline_find_track(t, id);
}

static void print_person(const affect_timeline *t, int person) {
    const affect_track *box = track_of(t, person, "box"), *aus = track_of(t, person, "aus");
    const affect_track *expression = track_of(t, person, "expression");
    const affect_track *pose = track_of(t, person, "pose");
    if (!box->rows) return;
    printf("  person %d: %zu rows, %.2f-%.2f s", person, box->rows, time_to_seconds(box->times[0]),
           time_to_seconds(box->times[box->rows - 1]));
    double mean, peak;
    for (size_t c = 0; pose && c < 3; c++) {
        mean_and_peak(pose, c, &mean, &peak);
        printf(" %s %.0f", pose->channels[c], mean);
    }
    printf("\n    AU mean/peak:");
    for (size_t c = 0; aus && c < aus->channel_count; c++) {
        mean_and_peak(aus, c, &mean, &peak);
        if (peak >= 0.5) printf(" %s %.1f/%.1f", aus->channels[c] + 2, mean, peak);
    }
    printf("\n    expression:");
    size_t best = 0;
    double top = -1;
    for (size_t c = 0; expression && c < expression->channel_count; c++) {
        mean_and_peak(expression, c, &mean, &peak);
        printf(" %.3s %.2f", expression->channels[c], mean);
        if (mean > top) {
            top = mean;
            best = c;
        }
    }
    double trust = 0;
    for (size_t i = 0; expression && i < expression->rows; i++)
        trust += (double)expression->confidence[i] / (double)expression->rows;
    if (expression) printf("  best %s, confidence %.2f", expression->channels[best], trust);
    static const char *const kinds[] = {"smile", "brow_raise", "brow_furrow", "blink",
                                        "micro_expression"};
    printf("\n    events:");
    for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
        int n = 0;
        for (size_t i = 0; i < t->event_count; i++)
            n += t->events[i].person == person && strcmp(t->events[i].kind, kinds[k]) == 0;
        printf(" %s %d", kinds[k], n);
    }
    printf("\n");
    for (size_t i = 0; i < t->event_count; i++)
        if (t->events[i].person == person)
            printf("      %-16s %.3f %.3f %.3f strength %.2f confidence %.2f\n", t->events[i].kind,
                   time_to_seconds(t->events[i].onset), time_to_seconds(t->events[i].apex),
                   time_to_seconds(t->events[i].offset), (double)t->events[i].strength,
                   (double)t->events[i].confidence);
}

static void write_rows(const affect_timeline *t, int person, const char *prefix, const char *clip) {
    char path[1024];
    const char *name = strrchr(clip, '/');
    snprintf(path, sizeof path, "%s%s.%d.csv", prefix, name ? name + 1 : clip, person);
    FILE *file = fopen(path, "w");
    if (!file) return;
    static const char *const names[] = {"box", "pose",       "eyes",  "mouth",
                                        "aus", "expression", "affect"};
    const affect_track *box = track_of(t, person, "box");
    fprintf(file, "time,confidence");
    for (size_t n = 0; n < BASE_COUNT(names); n++) {
        const affect_track *track = track_of(t, person, names[n]);
        for (size_t c = 0; track && c < track->channel_count; c++)
            fprintf(file, ",%s", track->channels[c]);
    }
    for (size_t i = 0; i < box->rows; i++) {
        fprintf(file, "\n%.3f,%.3f", time_to_seconds(box->times[i]), (double)box->confidence[i]);
        for (size_t n = 0; n < BASE_COUNT(names); n++) {
            const affect_track *track = track_of(t, person, names[n]);
            for (size_t c = 0; track && c < track->channel_count; c++)
                fprintf(file, ",%.4f", (double)track->values[i * track->channel_count + c]);
        }
    }
    fprintf(file, "\n");
    fclose(file);
}

static affect_status watch(affect_context *ctx, const char *clip, affect_timeline *timeline,
                           double seconds[4], affect_time *end) {
    face_stage *stage = NULL;
    media_reader *reader = NULL;
    media_options options = media_options_default();
    options.want_audio = false;
    *end = 0;
    affect_status status = media_open(ctx, clip, &options, &reader);
    if (!status) status = face_create(ctx, NULL, timeline, &stage);
    media_item item = {.kind = MEDIA_FRAME};
    while (!status && item.kind != MEDIA_END) {
        status = media_next(reader, &item);
        if (status || item.kind != MEDIA_FRAME) continue;
        *end = item.frame.time + item.frame.duration;
        status = face_push(stage, &item.frame);
    }
    if (!status) status = face_finish(stage);
    if (!status) face_timing(stage, seconds);
    face_destroy(stage);
    media_close(reader);
    return status;
}

static int category_of(const char *label) {
    for (int c = 0; c < FACE_CATEGORIES; c++)
        if (strcmp(label, category_names[c]) == 0) return c;
    return -1;
}

static affect_status compare(affect_context *ctx, const char *path) {
    data_table *table = NULL;
    affect_status status = data_table_open(ctx, path, NULL, &table);
    int paths = status ? -1 : data_table_column(table, "path");
    int labels = status ? -1 : data_table_column(table, "label");
    if (!status && (paths < 0 || labels < 0))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no columns path and label", path);
    int counts[FACE_CATEGORIES][FACE_CATEGORIES] = {{0}}, met = 0, all = 0, nobody = 0;
    const char *slash = strrchr(path, '/');
    for (size_t r = 0; !status && r < table->rows; r++) {
        char clip[1024];
        snprintf(clip, sizeof clip, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path,
                 data_table_cell(table, r, (size_t)paths));
        int label = category_of(data_table_cell(table, r, (size_t)labels)), best = 0;
        if (label < 0) continue;
        affect_timeline *timeline = NULL;
        double seconds[4], top = -1, mean, peak;
        affect_time end;
        status = timeline_create(ctx, &timeline);
        if (!status) status = watch(ctx, clip, timeline, seconds, &end);
        const affect_track *expression = status ? NULL : track_of(timeline, 1, "expression");
        for (int c = 0; expression && c < FACE_CATEGORIES; c++) {
            mean_and_peak(expression, (size_t)c, &mean, &peak);
            if (mean > top) {
                top = mean;
                best = c;
            }
        }
        all++;
        nobody += !expression;
        if (expression) counts[label][best]++;
        met += expression && best == label;
        affect_timeline_destroy(timeline);
    }
    if (!status) {
        printf("%s: best expression is the label in %d of %d clips (%.3f), no face in %d\n%-10s",
               path, met, all, (double)met / BASE_MAX(all, 1), nobody, "label");
        for (int c = 0; c < FACE_CATEGORIES; c++) printf(" %.6s", category_names[c]);
        for (int l = 0; l < FACE_CATEGORIES; l++) {
            printf("\n%-10s", category_names[l]);
            for (int c = 0; c < FACE_CATEGORIES; c++) printf(" %6d", counts[l][c]);
        }
        printf("\n");
    }
    data_table_destroy(table);
    return status;
}

static affect_status run(affect_context *ctx, const char *clip, const char *prefix, bool timing) {
    affect_timeline *timeline = NULL;
    double s[4];
    affect_time end = 0;
    affect_status status = timeline_create(ctx, &timeline);
    if (!status) status = watch(ctx, clip, timeline, s, &end);
    if (!status) {
        double length = time_to_seconds(end);
        printf("%s\n", clip);
        for (int person = 1; track_of(timeline, person, "box"); person++) {
            print_person(timeline, person);
            if (prefix) write_rows(timeline, person, prefix, clip);
        }
        for (size_t i = 0; i < affect_timeline_warning_count(timeline); i++)
            printf("  warning: %s\n", affect_timeline_warning(timeline, i)->label);
        if (timing)
            printf("  detection %.2f s, mesh %.2f s, other networks %.2f s, all %.2f s of %.2f s: "
                   "%.1f x real time\n",
                   s[0], s[1], s[2], s[3], length, length / s[3]);
    } else
        fprintf(stderr, "%s: %s\n", clip, affect_context_message(ctx));
    affect_timeline_destroy(timeline);
    return status;
}

int main(int count, char **arguments) {
    affect_context *ctx;
    if (affect_context_create(&ctx)) return 1;
    affect_context_set_log(ctx, AFFECT_LOG_ERROR, print_line, NULL);
    const char *prefix = NULL;
    bool timing = false;
    affect_status worst = AFFECT_OK;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--rows") == 0 && i + 1 < count)
            prefix = arguments[++i];
        else if (strcmp(arguments[i], "--timing") == 0)
            timing = true;
        else if (strcmp(arguments[i], "--commercial") == 0)
            affect_context_set_commercial(ctx, 1);
        else {
            bool labels = strcmp(arguments[i], "--labels") == 0 && i + 1 < count;
            affect_status status =
                labels ? compare(ctx, arguments[++i]) : run(ctx, arguments[i], prefix, timing);
            if (status) {
                fprintf(stderr, "face-table: %s\n", affect_context_message(ctx));
                worst = status;
            }
        }
    }
    affect_context_destroy(ctx);
    return (int)worst;
}
