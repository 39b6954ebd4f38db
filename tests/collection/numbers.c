/* The numbers of a collection's tables, of two made recordings, as they come out by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collection/collection_private.h"
#include "report/report_private.h"
#include "tests/test.h"

static affect_context *ctx;
static char folder[64];

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/affect-collection-XXXXXX");
    return affect_context_create(&ctx) != AFFECT_OK || !mkdtemp(folder);
}

static int tear_down(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    affect_context_destroy(ctx);
    return system(command) != 0; /* NOLINT(cert-env33-c): a name made above */
}

#define GOOD(call) assert_int_equal(call, AFFECT_OK)
static affect_time at(double s) { return time_from_seconds(s); }

static void interval(affect_timeline *t, const char *tier_id, double t0, double t1,
                     const char *label, int person, const char *attributes) {
    affect_tier *tier;
    affect_attributes *parsed = NULL;
    GOOD(timeline_tier(ctx, t, tier_id, AFFECT_MODALITY_NONE, &tier));
    if (attributes) GOOD(report_parse_attributes(ctx, attributes, &parsed));
    GOOD(tier_append(ctx, tier,
                     &(affect_interval){.t0 = at(t0),
                                        .t1 = at(t1),
                                        .label = label,
                                        .score = 0.75F,
                                        .person = person,
                                        .attributes = parsed}));
    affect_attributes_destroy(parsed);
}

static void word(affect_timeline *t, double t0, const char *label, const char *parent) {
    affect_tier *tier;
    GOOD(timeline_tier(ctx, t, "words", AFFECT_MODALITY_WORDS, &tier));
    GOOD(tier_append(
        ctx, tier,
        &(affect_interval){
            .t0 = at(t0), .t1 = at(t0 + .2), .label = label, .score = NAN, .parent = parent}));
}

static void event(affect_timeline *t, const char *kind, affect_modality modality, double onset,
                  int person) {
    GOOD(timeline_add_event(ctx, t,
                            &(affect_event){.kind = kind,
                                            .modality = modality,
                                            .onset = at(onset),
                                            .apex = at(onset + .5),
                                            .offset = at(onset + .75),
                                            .person = person,
                                            .strength = .5F,
                                            .confidence = .25F}));
}

/* Valence at whole seconds; arousal is minus that, the errors .1 and .2. */
static void trajectory(affect_timeline *t, int person, const float *valence, size_t count) {
    affect_track *track;
    GOOD(timeline_add_role(ctx, t, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, person, NULL, NULL,
                           0, &track));
    for (size_t i = 0; i < count; i++) {
        const float row[] = {valence[i], -valence[i], 0, .1F, .2F, .3F};
        GOOD(track_append(ctx, track, at((double)i), 1, row));
    }
}

static void write_rows(const affect_timeline *t, const char *id, const char *error) {
    char path[128], file[64], name[64];
    snprintf(path, sizeof path, "%s/recordings/%s", folder, id);
    snprintf(file, sizeof file, "films/%s.mp4", id);
    snprintf(name, sizeof name, "%s", id);
    const collection_recording recording = {name, file, 1234};
    GOOD(base_make_folder(ctx, path));
    GOOD(collection_write_rows(ctx, t, &recording, "a=1", error, path, true));
}

/* Two persons who overlap with themselves, something said by nobody, events of all. */
static void make_first(void) {
    affect_timeline *t;
    GOOD(affect_timeline_create(ctx, at(10), &t));
    interval(t, "persons", 0, 6, "Person 1", 1, NULL);
    interval(t, "persons", 4, 8, "Person 1", 1, NULL);
    interval(t, "persons", 2, 5, "Person 2", 2, NULL);
    interval(t, "episodes", 0, 3, "happiness", 1,
             "{\"labels\":[\"happiness\",\"surprise\"],\"label_scores\":[0.8,0.15],\"region\":"
             "\"pleased\",\"valence\":0.5,"
             "\"valence_sd\":0.1,\"arousal\":0.25,\"arousal_sd\":0.2,\"dominance\":-0.125,"
             "\"dominance_sd\":0.3}");
    interval(t, "episodes", 3, 8, "sadness", 1, NULL);
    interval(t, "episodes", 2, 5, "tense", 2, NULL);
    interval(t, "utterances", 1, 3, "I am glad", 1,
             "{\"labels\":[\"joy\",\"love\"],\"label_scores\":[0.5,0.25],\"denied_labels\":["
             "\"anger\"],\"denied_scores\":[0.125],"
             "\"valence\":0.75,\"arousal\":0.5,\"dominance\":0.25,\"speaker\":\"B\"}");
    interval(t, "utterances", 6, 7, "mm", 0, "{\"understood\":false}");
    interval(t, "utterances", 3, 4, "no", 2, NULL);
    word(t, 1, "I", "u1");
    word(t, 1.5, "am", "u1");
    word(t, 3, "glad", "u1"); /* at its very end */
    word(t, 3, "no", "u3");
    interval(t, "speech", 1, 7, "", 0, NULL);
    interval(t, "speakers", 1, 3.5, "B", 1, NULL);
    interval(t, "speakers", 3, 4, "C", 2, NULL);
    event(t, "smile", AFFECT_MODALITY_FACE, 1.5, 1);
    event(t, "smile", AFFECT_MODALITY_FACE, 7.5,
          1); /* its apex is at the end of the last episode */
    event(t, "pitch_rise", AFFECT_MODALITY_VOICE, 3, 2);
    event(t, "negation", AFFECT_MODALITY_WORDS, 3, 0);
    trajectory(t, 1, (const float[]){0, .2F, .4F, .6F, NAN}, 5);
    GOOD(timeline_set_person(ctx, t, &(affect_person){.id = 1, .name = "Ann"}));
    GOOD(timeline_set_property(ctx, t, "media/video", "h264"));
    GOOD(timeline_warn(ctx, t, AFFECT_TIME_NONE, AFFECT_TIME_NONE, "one"));
    timeline_sort(t);
    write_rows(t, "one", NULL);
    affect_timeline_destroy(t);
}

/* One person: whatever nobody else can have said is hers. */
static void make_second(void) {
    affect_timeline *t;
    GOOD(affect_timeline_create(ctx, at(4), &t));
    interval(t, "persons", 0, 4, "Person 1", 1, NULL);
    interval(t, "episodes", 0, 1, "happiness", 1, NULL);
    interval(t, "utterances", 1, 2, "=2+2", 0, NULL);
    interval(t, "speech", 0, 2, "", 0, NULL);
    trajectory(t, 1, (const float[]){.5F, .7F}, 2);
    event(t, "pause", AFFECT_MODALITY_VOICE, 1, 0);
    timeline_sort(t);
    write_rows(t, "two", "broken off");
    affect_timeline_destroy(t);
}

static void put(const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    GOOD(base_write_file(ctx, path, text, strlen(text)));
}

static data_table *open_table(const char *name) {
    static const data_table_options comma = {.delimiter = ','};
    char path[128];
    data_table *t;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    GOOD(data_table_open(ctx, path, &comma, &t));
    return t;
}

/* Cells by name, as "column=text column=text"; `row` from 0. */
static void row_is(const data_table *t, size_t row, const char *const (*cells)[2], size_t count) {
    assert_true(row < t->rows);
    for (size_t i = 0; i < count; i++) {
        int column = data_table_column(t, cells[i][0]);
        if (column < 0) fail_msg("%s has no column %s", t->path, cells[i][0]);
        const char *text = data_table_cell(t, row, (size_t)column);
        if (strcmp(text, cells[i][1]) != 0)
            fail_msg("%s: row %zu, %s is '%s', not '%s'", t->path, row, cells[i][0], text,
                     cells[i][1]);
    }
}
#define ROW(t, row, ...)                                                                           \
    do {                                                                                           \
        static const char *const cells[][2] = {__VA_ARGS__};                                       \
        row_is(t, row, cells, BASE_COUNT(cells));                                                  \
    } while (0)

static void a_recordings_rows_are_its_timelines(void **state) {
    (void)state;
    make_first();
    data_table *t = open_table("recordings/one/tables/episodes.csv");
    assert_int_equal(t->rows, 3);
    ROW(t, 0, {"recording", "one"}, {"person", "1"}, {"episode", "e1"}, {"start", "0.000"},
        {"end", "3.000"}, {"duration", "3.000"}, {"label", "happiness"}, {"score", "0.7500"},
        {"runner_up", "surprise"}, {"runner_up_score", "0.1500"}, {"region", "pleased"},
        {"valence", "0.500"}, {"valence_sd", "0.100"}, {"arousal", "0.250"},
        {"arousal_sd", "0.200"}, {"dominance", "-0.125"}, {"dominance_sd", "0.300"},
        {"face_cue", ""});
    ROW(t, 1, {"person", "2"}, {"start", "2.000"}, {"label", "tense"}, {"runner_up", ""},
        {"valence", ""});
    data_table_destroy(t);
    t = open_table("recordings/one/tables/utterances.csv");
    assert_int_equal(t->rows, 3);
    ROW(t, 0, {"person", "1"}, {"utterance", "u1"}, {"text", "I am glad"}, {"words", "3"},
        {"confidence", "0.7500"}, {"speaker", "B"}, {"label", "joy"}, {"score", "0.5000"},
        {"runner_up", "love"}, {"runner_up_score", "0.2500"}, {"denied", "anger"},
        {"denied_score", "0.1250"}, {"valence", "0.750"}, {"arousal", "0.500"},
        {"dominance", "0.250"}, {"understood", "TRUE"});
    ROW(t, 1, {"person", "2"}, {"words", "1"}, {"label", ""});
    ROW(t, 2, {"person", ""}, {"words", "0"}, {"understood", "FALSE"});
    data_table_destroy(t);
    t = open_table("recordings/one/tables/events.csv");
    assert_int_equal(t->rows, 4);
    ROW(t, 0, {"person", "1"}, {"kind", "smile"}, {"onset", "1.500"}, {"apex", "2.000"},
        {"offset", "2.250"}, {"duration", "0.750"}, {"modality", "face"}, {"strength", "0.5000"},
        {"confidence", "0.2500"}, {"label", "happiness"}, {"valence", "0.400"},
        {"valence_sd", "0.100"}, {"arousal", "-0.400"}, {"arousal_sd", "0.200"},
        {"dominance", "0.000"}, {"dominance_sd", "0.300"});
    ROW(t, 1, {"person", "2"}, {"kind", "pitch_rise"}, {"modality", "voice"}, {"label", "tense"},
        {"valence", ""});
    ROW(t, 2, {"person", ""}, {"kind", "negation"}, {"label", ""});
    ROW(t, 3, {"kind", "smile"}, {"apex", "8.000"}, {"label", ""},
        {"valence", ""}); /* four seconds after the last row */
    data_table_destroy(t);
    t = open_table("recordings/one/tables/summary.csv");
    assert_int_equal(t->rows, 3);
    /* Mean .3 of 0, .2, .4, .6; sum of squares about it .2, over three. */
    ROW(t, 0, {"person", "1"}, {"name", "Ann"}, {"seen_s", "8.000"}, {"speech_s", "2.500"},
        {"utterances", "1"}, {"words", "3"}, {"episodes", "2"}, {"labelled_s", "8.000"},
        {"samples", "4"}, {"valence_mean", "0.3000"}, {"valence_sd", "0.2582"},
        {"valence_error", "0.1000"}, {"arousal_mean", "-0.3000"}, {"arousal_error", "0.2000"},
        {"dominance_mean", "0.0000"}, {"dominance_sd", "0.0000"}, {"label", "sadness"},
        {"share_happiness", "0.3750"}, {"share_sadness", "0.6250"}, {"share_other", "0.0000"},
        {"smile_per_min", "15.0000"}, {"pitch_rise_per_min", "0.0000"},
        {"negation_per_min", "0.0000"});
    ROW(t, 1, {"person", "2"}, {"name", ""}, {"seen_s", "3.000"}, {"speech_s", "1.000"},
        {"words", "1"}, {"samples", "0"}, {"valence_mean", ""}, {"share_tense", "1.0000"},
        {"share_fear", "0.0000"}, {"share_other", "0.0000"}, {"smile_per_min", "0.0000"},
        {"pitch_rise_per_min", "60.0000"});
    ROW(t, 2, {"person", ""}, {"seen_s", "0.000"}, {"speech_s", "6.000"}, {"utterances", "1"},
        {"words", "0"}, {"labelled_s", "0.000"}, {"share_other", ""}, {"smile_per_min", ""},
        {"negation_per_min", "10.0000"});
    data_table_destroy(t);
    t = open_table("recordings/one/tables/recording.csv");
    ROW(t, 0, {"recording", "one"}, {"file", "films/one.mp4"}, {"bytes", "1234"},
        {"duration", "10.000"}, {"persons", "2"}, {"video", "h264"}, {"audio", ""},
        {"warnings", "1"}, {"error", ""}, {"settings", "a=1"});
    data_table_destroy(t);
}

static void recordings_are_merged_by_participant(void **state) {
    (void)state;
    collection_counts counts;
    make_first();
    make_second();
    put("inputs.csv", "recording,file,bytes\none,films/one.mp4,1234\nthree,films/"
                      "three.mp4,7\nfour,films/four.mp4,8\n");
    put("failed.csv", "recording,error\nfour,no such codec\n");
    put("who.csv", "recording,person,participant,group,rank\none.mp4,2,P02,a,1\nfilms/"
                   "one.mp4,1,P01,a,2\ntwo,,P01,b,2\nnobody,,P09,c,3\n");
    const char *folders[] = {folder};
    char who[128];
    snprintf(who, sizeof who, "%s/who.csv", folder);
    GOOD(collection_merge(ctx, folders, 1, who, folder, &counts));
    assert_int_equal(counts.recordings, 4);
    assert_int_equal(counts.missing, 1);
    assert_int_equal(counts.failed, 2); /* one could not be read to its end */
    data_table *t = open_table("summary.csv");
    assert_int_equal(t->rows, 4);
    ROW(t, 0, {"participant", "P01"}, {"group", "a"}, {"rank", "2"}, {"recording", "one"},
        {"person", "1"}, {"seen_s", "8.000"});
    ROW(t, 1, {"participant", "P02"}, {"group", "a"}, {"rank", "1"}, {"person", "2"});
    ROW(t, 2, {"participant", ""}, {"group", ""}, {"person", ""});
    ROW(t, 3, {"participant", "P01"}, {"group", "b"}, {"recording", "two"}, {"person", "1"},
        {"speech_s", "2.000"}, {"utterances", "1"}, {"label", "happiness"},
        {"share_happiness", "1.0000"}, {"pause_per_min", "30.0000"});
    data_table_destroy(t);
    t = open_table("utterances.csv");
    assert_int_equal(t->rows, 4);
    ROW(t, 3, {"participant", "P01"}, {"recording", "two"}, {"person", "1"}, {"text", "=2+2"});
    data_table_destroy(t);
    char path[128], *raw;
    size_t length;
    snprintf(path, sizeof path, "%s/utterances.csv", folder);
    GOOD(base_read_file(ctx, path, 0, &raw, &length));
    assert_non_null(strstr(raw, ",\"'=2+2\",")); /* no formula for a spreadsheet */
    base_free(raw);
    t = open_table("by_participant.csv");
    assert_int_equal(t->rows, 2);
    /* 0 .2 .4 .6 and .5 .7: mean .4, sum of squares about it .34, over five. */
    ROW(t, 0, {"participant", "P01"}, {"group", ""}, {"rank", "2"}, {"recordings", "2"},
        {"seen_s", "12.0000"}, {"speech_s", "4.5000"}, {"utterances", "2"}, {"words", "3"},
        {"labelled_s", "9.0000"}, {"samples", "6"}, {"valence_mean", "0.4000"},
        {"valence_sd", "0.2608"}, {"arousal_mean", "-0.4000"}, {"share_happiness", "0.4444"},
        {"share_sadness", "0.5556"}, {"smile_per_min", "10.0000"}, {"pause_per_min", "13.3333"});
    ROW(t, 1, {"participant", "P02"}, {"group", "a"}, {"recordings", "1"}, {"seen_s", "3.0000"},
        {"valence_mean", ""});
    data_table_destroy(t);
    t = open_table("recordings.csv");
    assert_int_equal(t->rows, 4);
    ROW(t, 0, {"recording", "four"}, {"status", "failed"}, {"error", "no such codec"},
        {"bytes", "8"}, {"file", "films/four.mp4"});
    ROW(t, 1, {"recording", "one"}, {"status", "done"}, {"persons", "2"}, {"duration", "10.000"},
        {"warnings", "1"});
    ROW(t, 2, {"recording", "three"}, {"status", "missing"}, {"error", ""});
    ROW(t, 3, {"recording", "two"}, {"status", "partial"}, {"error", "broken off"});
    data_table_destroy(t);
    t = open_table("codebook.csv");
    size_t found = 0;
    for (size_t row = 0; row < t->rows; row++) {
        const char *column = data_table_cell(t, row, 1);
        assert_true(*data_table_cell(t, row, 3) != '\0');
        found += !strcmp(column, "smile_per_min") && !strcmp(data_table_cell(t, row, 2), "1/min") &&
                 !strcmp(data_table_cell(t, row, 3), "events smile a minute in view");
    }
    assert_int_equal(found, 2); /* in the summary and by participant */
    data_table_destroy(t);
}

static void a_table_of_participants_must_be_clear(void **state) {
    (void)state;
    static const struct {
        const char *text, *said;
    } wrong[] = {{"person,participant\n1,a\n", "wants a column recording"},
                 {"recording,person\na,0\n", "the number of a person"},
                 {"recording,person\na,x\n", "the number of a person"},
                 {"recording,person\na,1\na,1\n",
                  "who.csv:3: recording a, person 1 has a row already, in line 2"},
                 {"recording,participant\na,1\na,2\n", "recording a has a row already"},
                 {"recording,label\na,1\n", "one that the tables have already"},
                 {"recording,Status\na,1\n", "one that the tables have already"},
                 {"recording,g,g\na,1,2\n", "'g', is one that"},
                 {"recording,\na,1\n", "is empty"}};
    char path[128];
    snprintf(path, sizeof path, "%s/who.csv", folder);
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        collection_participants who;
        put("who.csv", wrong[i].text);
        assert_int_equal(collection_participants_read(ctx, path, &who), AFFECT_ERROR_FORMAT);
        if (!strstr(affect_context_message(ctx), wrong[i].said))
            fail_msg("'%s' is said of: %s", affect_context_message(ctx), wrong[i].text);
    }
    collection_participants who;
    bool own;
    put("who.csv", "recording,person,participant\nb,2,P2\na,,P1\nb,1,P3\nb,,P4\n");
    GOOD(collection_participants_read(ctx, path, &who));
    assert_int_equal(collection_participants_find(&who, "b", "x/b.mp4", "1", &own), 2);
    assert_true(own);
    assert_int_equal(collection_participants_find(&who, "b", "x/b.mp4", "3", &own),
                     3); /* of nobody in particular */
    assert_false(own);
    assert_int_equal(collection_participants_find(&who, "x-a", "x/a.mp4", "", &own),
                     1); /* by the file's name */
    assert_true(own);
    assert_true(collection_participants_find(&who, "c", "x/c.mp4", "1", &own) == SIZE_MAX);
    collection_participants_destroy(&who);
}

static void shards_come_from_words_or_launchers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int index, count; /* 0: refused */
    } words[] = {{"1/1", 1, 1}, {"3/3", 3, 3}, {"2/1000000", 2, 1000000},
                 {"0/3", 0, 0}, {"4/3", 0, 0}, {"1/0", 0, 0},
                 {"1", 0, 0},   {"/3", 0, 0},  {"1/1000001", 0, 0},
                 {"a/3", 0, 0}, {"1/3x", 0, 0}};
    static const char *const variables[] = {"SLURM_ARRAY_TASK_ID",
                                            "SLURM_ARRAY_TASK_COUNT",
                                            "SLURM_ARRAY_TASK_MIN",
                                            "SLURM_ARRAY_TASK_STEP",
                                            "SLURM_STEP_NUM_TASKS",
                                            "SLURM_PROCID",
                                            "OMPI_COMM_WORLD_SIZE",
                                            "OMPI_COMM_WORLD_RANK",
                                            "PMI_SIZE",
                                            "PMI_RANK"};
    static const struct {
        const char *values[BASE_COUNT(variables)];
        int index, count;
        const char *from;
    } launchers[] = {
        {.index = 1, .count = 1},
        {{"6", "4", "2", "2"}, 3, 4, "Slurm's array"},
        {{"2", "4"}, 3, 4, "Slurm's array"},
        {{"6", "4", "2", "0"}, 0, 0, NULL}, /* a step of nothing is one: the fifth of four */
        {{NULL, NULL, NULL, NULL, "5", "4"}, 5, 5, "Slurm"},
        {{NULL, NULL, NULL, NULL, NULL, "4"}, 1, 1, NULL}, /* the batch script */
        {{"6", "4", "2", "2", "3", "1"}, 8, 12, "Slurm"},
        {{NULL, NULL, NULL, NULL, NULL, NULL, "4", "0"}, 1, 4, "Open MPI"},
        {{NULL, NULL, NULL, NULL, NULL, NULL, "4", "4"}, 0, 0, NULL},
        {{NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "2", "1"}, 2, 2, "MPI"}};
    collection_shard shard;
    for (size_t i = 0; i < BASE_COUNT(words); i++) {
        assert_int_equal(collection_shard_parse(ctx, words[i].text, &shard),
                         words[i].index ? AFFECT_OK : AFFECT_ERROR_USAGE);
        if (!words[i].index) continue;
        assert_int_equal(shard.index, words[i].index);
        assert_int_equal(shard.count, words[i].count);
    }
    for (size_t i = 0; i < BASE_COUNT(launchers); i++) {
        for (size_t v = 0; v < BASE_COUNT(variables); v++) {
            unsetenv(variables[v]);
            if (launchers[i].values[v]) setenv(variables[v], launchers[i].values[v], 1);
        }
        assert_int_equal(collection_shard_parse(ctx, NULL, &shard),
                         launchers[i].index ? AFFECT_OK : AFFECT_ERROR_USAGE);
        if (!launchers[i].index) continue;
        assert_int_equal(shard.index, launchers[i].index);
        assert_int_equal(shard.count, launchers[i].count);
        if (launchers[i].from)
            assert_string_equal(shard.from, launchers[i].from);
        else
            assert_null(shard.from);
    }
    for (size_t v = 0; v < BASE_COUNT(variables); v++) unsetenv(variables[v]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        CASE(a_recordings_rows_are_its_timelines),
        CASE(recordings_are_merged_by_participant),
        CASE(a_table_of_participants_must_be_clear),
        CASE(shards_come_from_words_or_launchers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
