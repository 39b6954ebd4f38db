/* One recording's rows of the tables, from its timeline. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collection/collection_private.h"

enum { DIMENSIONS = 3 };
static const char *const dimension_names[DIMENSIONS] = {"valence", "arousal", "dominance"};

typedef struct rows {
    const affect_timeline *timeline;
    const collection_recording *recording;
    const char *settings, *error;
    int persons; /* the highest number */
    int sole;    /* the only person there is, or AFFECT_PERSON_NONE */
} rows;

/* ---- cells ---- */

static void put_text(FILE *out, const char *text) {
    putc(',', out);
    if (text) report_put_csv_field(out, text);
}

static void put_double(FILE *out, double value, int decimals) {
    char text[NUMBER_TEXT_SIZE];
    fprintf(out, ",%s", report_fixed(value, decimals, text));
}

static void put_time(FILE *out, affect_time time) {
    char text[TIME_TEXT_SIZE];
    fprintf(out, ",%s", time_to_text(time, text));
}

static void put_count(FILE *out, size_t count) { fprintf(out, ",%zu", count); }

static void put_place(FILE *out, affect_time t0, affect_time t1) {
    put_time(out, t0);
    put_time(out, t1);
    put_time(out, t0 == AFFECT_TIME_NONE || t1 == AFFECT_TIME_NONE ? AFFECT_TIME_NONE : t1 - t0);
}

static void put_first(const rows *r, FILE *out, int person) {
    report_put_csv_field(out, r->recording->id);
    if (person > 0)
        fprintf(out, ",%d", person);
    else
        putc(',', out);
}

static void put_header(FILE *out, collection_table table) {
    collection_column columns[COLUMNS_MOST];
    size_t n = collection_columns(table, columns);
    for (size_t i = 0; i < n; i++) fprintf(out, "%s%s", i ? "," : "", columns[i].name);
    fputs("\r\n", out);
}

/* Item i of the lists `labels` and `scores`; NULL and NaN where there is none. */
static void put_label(FILE *out, const affect_attributes *a, const char *labels, const char *scores,
                      size_t i) {
    put_text(out, affect_value_text(affect_value_item(affect_attributes_find(a, labels), i)));
    put_double(out, affect_value_number(affect_value_item(affect_attributes_find(a, scores), i)),
               4);
}

/* ---- tables ---- */

static const affect_tier *tier_of(const rows *r, const char *id) {
    return affect_timeline_find_tier(r->timeline, id);
}

static int person_of(const rows *r, int person) { return person > 0 ? person : r->sole; }

static void put_episodes(const rows *r, FILE *out) {
    const affect_tier *tier = tier_of(r, "episodes");
    for (size_t i = 0; tier && i < tier->count; i++) {
        const affect_interval *e = &tier->items[i];
        put_first(r, out, e->person);
        put_text(out, e->id);
        put_place(out, e->t0, e->t1);
        put_text(out, e->label);
        put_double(out, (double)e->score, 4);
        put_label(out, e->attributes, "labels", "label_scores", 1);
        put_text(out, affect_attributes_text(e->attributes, "region"));
        for (int d = 0; d < DIMENSIONS; d++) {
            char sd[32];
            snprintf(sd, sizeof sd, "%s_sd", dimension_names[d]);
            put_double(out, affect_attributes_number(e->attributes, dimension_names[d]), 3);
            put_double(out, affect_attributes_number(e->attributes, sd), 3);
        }
        for (int m = AFFECT_MODALITY_FACE; m <= AFFECT_MODALITY_WORDS; m++)
            put_text(out, report_cue(e, (affect_modality)m));
        fputs("\r\n", out);
    }
}

static size_t words_between(const rows *r, const affect_interval *utterance) {
    const affect_tier *tier = tier_of(r, "words");
    size_t count = 0, low = 0, high = tier ? tier->count : 0;
    while (low < high) { /* words are in order of time, and inside their utterance */
        size_t middle = low + (high - low) / 2;
        if (tier->items[middle].t0 < utterance->t0)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; tier && i < tier->count && tier->items[i].t0 <= utterance->t1; i++)
        count += tier->items[i].parent && strcmp(tier->items[i].parent, utterance->id) == 0;
    return count;
}

static void put_utterances(const rows *r, FILE *out) {
    const affect_tier *tier = tier_of(r, "utterances");
    for (size_t i = 0; tier && i < tier->count; i++) {
        const affect_interval *u = &tier->items[i];
        put_first(r, out, person_of(r, u->person));
        put_text(out, u->id);
        put_place(out, u->t0, u->t1);
        put_text(out, u->label);
        put_count(out, words_between(r, u));
        put_double(out, (double)u->score, 4);
        put_text(out, affect_attributes_text(u->attributes, "speaker"));
        put_label(out, u->attributes, "labels", "label_scores", 0);
        put_label(out, u->attributes, "labels", "label_scores", 1);
        put_label(out, u->attributes, "denied_labels", "denied_scores", 0);
        for (int d = 0; d < DIMENSIONS; d++)
            put_double(out, affect_attributes_number(u->attributes, dimension_names[d]), 3);
        put_text(out, affect_attributes_boolean(u->attributes, "understood", 1) ? "TRUE" : "FALSE");
        fputs("\r\n", out);
    }
}

static const affect_interval *episode_at(const rows *r, int person, affect_time time) {
    const affect_tier *tier = tier_of(r, "episodes");
    for (size_t i = 0; tier && i < tier->count; i++) {
        const affect_interval *e = &tier->items[i];
        if (e->person == person && e->t0 <= time && (time < e->t1 || e->t0 == e->t1)) return e;
    }
    return NULL;
}

/* The row of the trajectory nearest to an instant, SIZE_MAX where there is none within a second. */
static size_t row_near(const affect_track *track, affect_time time) {
    if (!track || !track->rows || time == AFFECT_TIME_NONE) return SIZE_MAX;
    size_t row = track_row_at(track, time);
    if (row == track->rows || (row && time - track->times[row - 1] < track->times[row] - time))
        row--;
    affect_time off = track->times[row] - time;
    return off > AFFECT_SECOND || off < -AFFECT_SECOND ? SIZE_MAX : row;
}

static double value_at(const affect_track *track, size_t row, const char *channel) {
    size_t c = row == SIZE_MAX ? SIZE_MAX : affect_track_find_channel(track, channel);
    return c == SIZE_MAX ? NAN : (double)track->values[row * track->channel_count + c];
}

static void put_events(const rows *r, FILE *out) {
    for (size_t i = 0; i < r->timeline->event_count; i++) {
        const affect_event *e = &r->timeline->events[i];
        int person = person_of(r, e->person);
        const affect_track *track = person > 0 ? report_trajectory(r->timeline, person) : NULL;
        const affect_interval *episode = person > 0 ? episode_at(r, person, e->apex) : NULL;
        size_t row = row_near(track, e->apex);
        put_first(r, out, person);
        put_text(out, e->id);
        put_time(out, e->onset);
        put_time(out, e->apex);
        put_time(out, e->offset);
        put_time(out, e->onset == AFFECT_TIME_NONE ? AFFECT_TIME_NONE : e->offset - e->onset);
        put_text(out, e->kind);
        put_text(out, affect_modality_name(e->modality));
        put_double(out, (double)e->strength, 4);
        put_double(out, (double)e->confidence, 4);
        put_text(out, episode ? episode->label : NULL);
        for (int d = 0; d < DIMENSIONS; d++) {
            char sd[32];
            snprintf(sd, sizeof sd, "%s_sd", dimension_names[d]);
            put_double(out, value_at(track, row, dimension_names[d]), 3);
            put_double(out, value_at(track, row, sd), 3);
        }
        fputs("\r\n", out);
    }
}

/* ---- the row a person ---- */

/* Seconds that a person's intervals of a tier cover; those of nobody are the sole person's. */
static double covered_s(const rows *r, const char *id, int person) {
    const affect_tier *tier = tier_of(r, id);
    affect_time sum = 0, until = AFFECT_TIME_NONE;
    for (size_t i = 0; tier && i < tier->count; i++) { /* in order of their begin */
        const affect_interval *v = &tier->items[i];
        if (person_of(r, v->person) != person || v->t0 == AFFECT_TIME_NONE) continue;
        affect_time from = until == AFFECT_TIME_NONE ? v->t0 : BASE_MAX(v->t0, until);
        if (v->t1 > from) sum += v->t1 - from;
        until = until == AFFECT_TIME_NONE ? v->t1 : BASE_MAX(until, v->t1);
    }
    return time_to_seconds(sum);
}

/* Time speaking: speech where it can only be one person's, else what is known of the turns, else
 * the utterances. */
static double speech_s(const rows *r, int person) {
    if (r->sole != AFFECT_PERSON_NONE || person == AFFECT_PERSON_NONE) {
        double speech = covered_s(r, "speech", person);
        if (speech > 0 || !tier_of(r, "utterances")) return speech;
    }
    double turns = covered_s(r, "speakers", person);
    return turns > 0 ? turns : covered_s(r, "utterances", person);
}

static size_t count_of(const rows *r, const char *id, int person, bool assigned) {
    const affect_tier *tier = tier_of(r, id);
    size_t n = 0;
    for (size_t i = 0; tier && i < tier->count; i++)
        n += (assigned ? tier->items[i].person : person_of(r, tier->items[i].person)) == person;
    return n;
}

static size_t words_of(const rows *r, int person) {
    const affect_tier *tier = tier_of(r, "utterances");
    size_t n = 0;
    for (size_t i = 0; tier && i < tier->count; i++)
        if (person_of(r, tier->items[i].person) == person) n += words_between(r, &tier->items[i]);
    return n;
}

/* The number, mean and standard deviation of a channel over time. */
static size_t moments(const affect_track *track, const char *channel, double *mean, double *sd) {
    size_t c = track ? affect_track_find_channel(track, channel) : SIZE_MAX, n = 0;
    double sum = 0, square = 0;
    *mean = *sd = NAN;
    if (c == SIZE_MAX) return 0;
    for (size_t row = 0; row < track->rows; row++) {
        double value = (double)track->values[row * track->channel_count + c];
        if (isfinite(value)) sum += value, n++;
    }
    if (n) *mean = sum / (double)n;
    for (size_t row = 0; n > 1 && row < track->rows; row++) {
        double off = (double)track->values[row * track->channel_count + c] - *mean;
        if (isfinite(off)) square += off * off;
    }
    if (n > 1) *sd = sqrt(square / (double)(n - 1));
    return n;
}

/* Of the label's intervals, seconds; with `by_count` how many. "" is all labels. */
static double labelled(const rows *r, int person, const char *label, bool by_count) {
    const affect_tier *tier = tier_of(r, "episodes");
    double sum = 0;
    for (size_t i = 0; tier && i < tier->count; i++) {
        const affect_interval *e = &tier->items[i];
        if (e->person != person || (*label && strcmp(e->label, label) != 0)) continue;
        sum += by_count ? 1 : time_to_seconds(e->t1 - e->t0);
    }
    return sum;
}

static const char *main_label(const rows *r, int person, bool by_count) {
    const affect_tier *tier = tier_of(r, "episodes");
    const char *best = NULL;
    double most = -1;
    for (size_t i = 0; tier && i < tier->count; i++) {
        if (tier->items[i].person != person) continue;
        double s = labelled(r, person, tier->items[i].label, by_count);
        if (s > most) most = s, best = tier->items[i].label; /* of two alike the earlier */
    }
    return best;
}

static double events_of(const rows *r, int person, const char *kind) {
    double n = 0;
    for (size_t i = 0; i < r->timeline->event_count; i++)
        n += person_of(r, r->timeline->events[i].person) == person &&
             strcmp(r->timeline->events[i].kind, kind) == 0;
    return n;
}

static void put_summary_row(const rows *r, FILE *out, int person) {
    collection_column columns[COLUMNS_MOST];
    size_t n = collection_columns(COLLECTION_SUMMARY, columns);
    const affect_track *track = person > 0 ? report_trajectory(r->timeline, person) : NULL;
    double seen = covered_s(r, "persons", person), speech = speech_s(r, person);
    double all = labelled(r, person, "", false), mean, sd, shares = 0;
    bool by_count = !(all > 0);
    if (by_count) all = labelled(r, person, "", true);
    const char *name = person > 0 ? affect_timeline_person_name(r->timeline, person) : "";
    put_first(r, out, person);
    put_text(out, name);
    put_double(out, seen, 3);
    put_double(out, speech, 3);
    put_count(out, count_of(r, "utterances", person, false));
    put_count(out, words_of(r, person));
    put_count(out, count_of(r, "episodes", person, true));
    put_double(out, by_count ? 0 : all, 3);
    put_count(out, moments(track, "valence", &mean, &sd));
    for (int d = 0; d < DIMENSIONS; d++) {
        char channel[32];
        moments(track, dimension_names[d], &mean, &sd);
        put_double(out, mean, 4);
        put_double(out, sd, 4);
        snprintf(channel, sizeof channel, "%s_sd", dimension_names[d]);
        moments(track, channel, &mean, &sd);
        put_double(out, mean, 4);
    }
    put_text(out, main_label(r, person, by_count));
    for (size_t i = 0; i < n; i++) {
        if (!base_starts_with(columns[i].name, "share_")) continue;
        double share = labelled(r, person, columns[i].about, by_count);
        if (strcmp(columns[i].about, "other") == 0) share = all - shares; /* what is left */
        shares += share;
        put_double(out, all > 0 ? BASE_MAX(0.0, share / all) : NAN, 4);
    }
    for (size_t k = 0; k < collection_kind_count; k++) {
        double time = collection_kinds[k].modality == AFFECT_MODALITY_FACE ? seen : speech;
        put_double(out, time > 0 ? events_of(r, person, collection_kinds[k].name) / time * 60 : NAN,
                   4);
    }
    fputs("\r\n", out);
}

static bool is_there(const rows *r, int person) {
    return (person > 0 && report_trajectory(r->timeline, person)) ||
           count_of(r, "episodes", person, true) || count_of(r, "utterances", person, true) ||
           count_of(r, "persons", person, true);
}

static void put_summary(const rows *r, FILE *out) {
    for (int person = 1; person <= r->persons; person++)
        if (is_there(r, person)) put_summary_row(r, out, person);
    /* What was said by nobody knows whom, and a recording in which nobody is. */
    bool any = false;
    for (int person = 1; person <= r->persons; person++) any = any || is_there(r, person);
    if (!any ||
        (r->sole == AFFECT_PERSON_NONE && (count_of(r, "utterances", AFFECT_PERSON_NONE, true) ||
                                           covered_s(r, "speech", AFFECT_PERSON_NONE) > 0)))
        put_summary_row(r, out, AFFECT_PERSON_NONE);
}

static void put_recording(const rows *r, FILE *out) {
    size_t persons = 0;
    for (int person = 1; person <= r->persons; person++) persons += is_there(r, person);
    report_put_csv_field(out, r->recording->id);
    put_text(out, r->recording->path);
    fprintf(out, ",%lld", (long long)r->recording->bytes);
    put_time(out, affect_timeline_duration(r->timeline));
    put_count(out, persons);
    put_text(out, affect_timeline_property(r->timeline, "media/video"));
    put_text(out, affect_timeline_property(r->timeline, "media/audio"));
    put_count(out, r->timeline->warnings->count);
    put_text(out, r->error);
    put_text(out, r->settings);
    fputs("\r\n", out);
}

/* ---- files ---- */

static affect_status write_table(affect_context *ctx, const rows *r, const char *folder,
                                 collection_table table, bool unsynced) {
    static void (*const puts[])(const rows *, FILE *) = {put_episodes, put_utterances, put_events,
                                                         put_summary, put_recording};
    char *path = base_path_join(folder, collection_file(table));
    if (!path) return base_fail_memory(ctx);
    base_output out;
    affect_status status = base_output_open(ctx, path, &out);
    if (status == AFFECT_OK) {
        out.unsynced = unsynced;
        put_header(out.file, table);
        puts[table](r, out.file);
        status = base_output_commit(ctx, &out);
    }
    base_free(path);
    return status;
}

affect_status collection_write_rows(affect_context *ctx, const affect_timeline *timeline,
                                    const collection_recording *recording, const char *settings,
                                    const char *error, const char *folder, bool unsynced) {
    affect_timeline *made = NULL;
    affect_status status = timeline_resolve(ctx, timeline, &made, &timeline);
    char *tables = base_path_join(folder, "tables");
    if (status == AFFECT_OK && !tables) status = base_fail_memory(ctx);
    if (status == AFFECT_OK) {
        rows r = {.timeline = timeline,
                  .recording = recording,
                  .settings = settings,
                  .error = error,
                  .persons = report_person_count(timeline, 100000)};
        size_t persons = 0;
        for (int p = 1; p <= r.persons; p++)
            if (is_there(&r, p) && persons++ == 0) r.sole = p;
        if (persons != 1) r.sole = AFFECT_PERSON_NONE;
        status = base_make_folder(ctx, tables);
        /* The recording's own row last: it says that the others are complete. */
        for (int t = 0; status == AFFECT_OK && t < COLLECTION_TABLES; t++)
            status = write_table(ctx, &r, tables, (collection_table)t, unsynced);
    }
    base_free(tables);
    affect_timeline_destroy(made);
    return status;
}
