/* The JSON's round trip and strictness, the other formats' rules that need no foreign reader, and
 * failures of memory and disk. What Praat, ELAN's structure and Chromium say is in readers.py. */
#include "tests/test.h"

#include <locale.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "report/private.h"
#include "tests/report/fixture.h"

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/affect-report-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

/* One format as text; NULL when it failed. */
static char *printed(const affect_timeline *timeline, report_format format, size_t *length) {
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    affect_status status = report_print(NULL, timeline, format, NULL, NULL, out);
    fclose(out);
    if (status == AFFECT_OK) return text;
    free(text);
    return NULL;
}

static affect_timeline *fixture(fixture_kind kind) {
    affect_timeline *timeline;
    assert_int_equal(fixture_build(NULL, kind, .05, &timeline), AFFECT_OK);
    return timeline;
}

static void reading_and_writing_again_gives_the_same_bytes(void **state) {
    (void)state;
    for (int kind = FIXTURE_TALK; kind <= FIXTURE_LONG; kind++) {
        affect_timeline *timeline = fixture((fixture_kind)kind), *again;
        size_t n, m;
        char *first = printed(timeline, REPORT_JSON, &n);
        assert_non_null(first);
        assert_int_equal(report_parse_json(NULL, "x", first, n, &again), AFFECT_OK);
        char *second = printed(again, REPORT_JSON, &m);
        assert_int_equal(n, m);
        assert_memory_equal(first, second, n);
        affect_timeline_destroy(timeline);
        affect_timeline_destroy(again);
        free(first);
        free(second);
    }
}

static bool same_float(float a, float b) { return (isnan(a) && isnan(b)) || a == b; }

static void what_is_read_is_what_was_written(void **state) {
    (void)state;
    affect_timeline *a = fixture(FIXTURE_TALK), *b;
    size_t n;
    char *text = printed(a, REPORT_JSON, &n);
    assert_int_equal(report_parse_json(NULL, "x", text, n, &b), AFFECT_OK);
    assert_int_equal(a->track_count, b->track_count);
    for (size_t i = 0; i < a->track_count; i++) {
        const affect_track *x = a->tracks[i], *y = b->tracks[i];
        assert_string_equal(x->id, y->id);
        assert_string_equal(x->model, y->model);
        assert_int_equal(x->person, y->person);
        assert_int_equal(x->modality, y->modality);
        assert_int_equal(x->rows, y->rows);
        for (size_t k = 0; k < x->rows * x->channel_count; k++)
            assert_true(same_float(x->values[k], y->values[k])); /* exact, not close */
        for (size_t k = 0; k < x->rows; k++) {
            assert_true(llabs(x->times[k] - y->times[k]) <= AFFECT_MILLISECOND / 2);
            assert_true(x->confidence[k] == y->confidence[k]);
        }
    }
    assert_int_equal(a->tier_count, b->tier_count);
    for (size_t i = 0; i < a->tier_count; i++)
        for (size_t k = 0; k < a->tiers[i]->count; k++) {
            const affect_interval *x = &a->tiers[i]->items[k], *y = &b->tiers[i]->items[k];
            assert_string_equal(x->label, y->label);
            assert_true(same_float(x->score, y->score));
            assert_int_equal(x->person, y->person);
            assert_true(!x->attributes == !y->attributes);
            if (x->attributes) assert_string_equal(x->attributes, y->attributes);
        }
    assert_int_equal(a->event_count, b->event_count);
    assert_int_equal(a->warnings->count, b->warnings->count);
    assert_int_equal(a->property_count, b->property_count);
    affect_timeline_destroy(a);
    affect_timeline_destroy(b);
    free(text);
}

static void numbers_are_the_shortest_that_read_back(void **state) {
    (void)state;
    char text[NUMBER_TEXT_SIZE];
    assert_string_equal(report_number(.1F, text), "0.1");
    assert_string_equal(report_number(-.5F, text), "-0.5");
    assert_string_equal(report_number(-0.F, text), "0");
    assert_string_equal(report_number(1.F / 3.F, text), "0.33333334");
    assert_string_equal(report_number(16777216.F, text), "16777216");
    assert_string_equal(report_number(3.4028235e38F, text), "3.4028235e+38");
    assert_string_equal(report_number(1.4e-45F, text), "1e-45");
    assert_string_equal(report_number(NAN, text), "");
    assert_string_equal(report_fixed(1234.5, 1, text), "1234.5");
    assert_string_equal(report_fixed(-.04, 1, text), "0.0");
    assert_string_equal(report_fixed(.05, 3, text), "0.050");
    uint32_t bits = 1;
    for (int i = 0; i < 200000; i++) { /* every 21473rd float or so, over all magnitudes */
        bits = bits * 1664525U + 1013904223U;
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        double back;
        report_number(value, text);
        assert_true(base_parse_double(text, strlen(text), &back));
        assert_true((float)back == value);
    }
}

static void numbers_do_not_follow_the_locale(void **state) {
    (void)state;
    affect_timeline *timeline = fixture(FIXTURE_HARD);
    size_t n, m;
    char *before = printed(timeline, REPORT_JSON, &n);
    bool german = setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "fr_FR.UTF-8");
    char *after = printed(timeline, REPORT_JSON, &m);
    setlocale(LC_ALL, "C");
    if (!german) print_message("no locale with a decimal comma here: compared with itself\n");
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    free(before);
    free(after);
    affect_timeline_destroy(timeline);
}

static void the_reader_refuses_what_the_writer_never_writes(void **state) {
    (void)state;
    static const char *const rest =
        ",\"properties\":{},\"warnings\":[],\"tiers\":[],\"events\":[]}";
    static const struct {
        const char *tracks, *complaint;
    } cases[] = {
        {"[]", NULL},
        {" [ ]\t", NULL},
        {"[{}]", "all members"},
        {"[,]", "a value"},
        {"[3]", "an object"},
        {"[] []", "',' or '}'"},
        {"[{\"id\":\"a\",\"modality\":\"face\",\"person\":null,\"model\":\"\",\"channels\":[],"
         "\"rows\":"
         "[[0.5,1],[0.4,1]]}]",
         "at or after"},
        {"[{\"id\":\"a\",\"modality\":\"face\",\"person\":null,\"model\":\"\",\"channels\":[],"
         "\"rows\":"
         "[[0.5,1,2]]}]",
         "']' after"},
        {"[{\"id\":\"a\",\"modality\":\"face\",\"person\":null,\"model\":\"\",\"channels\":[\"x\"],"
         "\"rows\":[[0.5,1]]}]",
         "a value for each channel"},
        {"[{\"id\":\"a\",\"modality\":\"face\",\"person\":null,\"model\":\"\",\"channels\":[\"x\"],"
         "\"rows\":[[0.5,1,1e39]]}]",
         "float32"},
        {"[{\"id\":\"a\",\"modality\":\"face\",\"person\":null,\"model\":\"\",\"channels\":[\"x\"],"
         "\"rows\":[[0.5,1.5,1]]}]",
         "from 0 to 1"},
        {"[{\"id\":\"a\",\"modality\":\"smell\",\"person\":null,\"model\":\"\",\"channels\":[],"
         "\"rows\":"
         "[]}]",
         "one of none"},
        {"[{\"id\":\"a\",\"modality\":\"face\",\"person\":0,\"model\":\"\",\"channels\":[],"
         "\"rows\":[]}]",
         "person"},
        {"[{\"id\":\"a\",\"id\":\"b\",\"modality\":\"face\",\"person\":null,\"model\":\"\","
         "\"channels\":[]"
         ",\"rows\":[]}]",
         "known member"},
        {"[{\"id\":\"a\\ud800\",\"modality\":\"face\",\"person\":null,\"model\":\"\",\"channels\":["
         "],"
         "\"rows\":[]}]",
         "surrogate"},
        {"[{\"id\":\"a\\u0000\",\"modality\":\"face\",\"person\":null,\"model\":\"\",\"channels\":["
         "],"
         "\"rows\":[]}]",
         "NUL"},
        {"[{\"id\":\"\xff\",\"modality\":\"face\",\"person\":null,\"model\":\"\",\"channels\":[],"
         "\"rows\":"
         "[]}]",
         "UTF-8"},
        {"[01]", "',' or ']'"},
        {"[nul]", "value"},
        {"[1.]", "digit after"},
    };
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        base_text text = {0};
        affect_timeline *timeline;
        base_text_printf(&text,
                         "{\"schema\":\"" REPORT_SCHEMA "\",\n\"duration\":0,\"tracks\":%s%s",
                         cases[i].tracks, rest);
        affect_status status = report_parse_json(ctx, "case", text.data, text.length, &timeline);
        if (cases[i].complaint) {
            assert_int_equal(status, AFFECT_ERROR_FORMAT);
            assert_null(timeline);
            if (!strstr(affect_context_message(ctx), cases[i].complaint))
                fail_msg("%s\n%s", cases[i].tracks, affect_context_message(ctx));
        } else {
            assert_int_equal(status, AFFECT_OK);
        }
        affect_timeline_destroy(timeline);
        for (size_t cut = 0; cut + 1 < text.length; cut++) { /* every truncation is an error */
            assert_int_equal(report_parse_json(NULL, "x", text.data, cut, &timeline),
                             AFFECT_ERROR_FORMAT);
            assert_null(timeline);
        }
        base_text_destroy(&text);
    }
    affect_timeline *timeline;
    assert_int_equal(report_parse_json(ctx, "n",
                                       "{\"schema\":\"affect-timeline/2\",\"duration\":0,"
                                       "\"properties\":{},\"warnings\":[],\"tracks\":[],"
                                       "\"tiers\":[],\"events\":[]}",
                                       107, &timeline),
                     AFFECT_ERROR_FORMAT);
    char deep[4096];
    memset(deep, '[', sizeof deep);
    assert_int_equal(report_parse_json(ctx, "deep", deep, sizeof deep, &timeline),
                     AFFECT_ERROR_FORMAT);
    assert_int_equal(report_read_json(ctx, "/nonexistent.json", &timeline), AFFECT_ERROR_NOT_FOUND);
    affect_context_destroy(ctx);
}

static void members_may_stand_in_any_order(void **state) {
    (void)state;
    static const char text[] =
        "{\"events\":[],\"tiers\":[],\"tracks\":[{\"rows\":[[-1.5,0.5,2.5e0]],\"model\":\"m\","
        "\"channels\":[\"\\u00e9\\ud83d\\ude00\"],\"person\":3,\"modality\":\"voice\",\"id\":\"t\"}"
        "],"
        "\"warnings\":[],\"properties\":{\"a\":\"b\"},\"duration\":9223372036.855,"
        "\"schema\":\"affect-timeline/1\"}";
    affect_timeline *timeline;
    assert_int_equal(report_parse_json(NULL, "x", text, sizeof text - 1, &timeline), AFFECT_OK);
    assert_true(timeline->duration == INT64_MAX);
    assert_true(timeline->tracks[0]->times[0] == -1500 * AFFECT_MILLISECOND);
    assert_true(timeline->tracks[0]->values[0] == 2.5F);
    assert_string_equal(timeline->tracks[0]->channels[0], "é😀");
    affect_timeline_destroy(timeline);
}

static void attributes_are_kept_whatever_they_are(void **state) {
    (void)state;
    base_text out = {0};
    assert_true(report_compact_object(" { \"a b\" : [ 1.50 , \"x \\\" y\" ] } ", &out));
    assert_string_equal(out.data, "{\"a b\":[1.50,\"x \\\" y\"]}");
    base_text_clear(&out);
    assert_false(report_compact_object("[1]", &out));
    assert_false(report_compact_object("{} x", &out));
    assert_false(report_compact_object("", &out));
    double number = 0;
    base_text scratch = {0};
    assert_true(report_attribute_number("{\"x\":{\"valence\":1},\"valence\":-0.5}", "valence",
                                        &scratch, &number));
    base_text_destroy(&scratch);
    assert_true(number == -.5);
    assert_true(report_attribute_text("{\"a\":\"\\u0041b\"}", "a", &out));
    assert_string_equal(out.data, "Ab");
    base_text_destroy(&out);
}

static void lanes_never_overlap(void **state) {
    (void)state;
    for (int points = 0; points < 2; points++)
        for (int kind = FIXTURE_TALK; kind <= FIXTURE_LONG; kind++) {
            affect_timeline *timeline = fixture((fixture_kind)kind);
            report_lanes lanes;
            assert_int_equal(report_lanes_build(NULL, timeline, points, &lanes), AFFECT_OK);
            size_t marks = 0, wanted = timeline->event_count + timeline->warnings->count;
            for (size_t i = 0; i < timeline->tier_count; i++) wanted += timeline->tiers[i]->count;
            for (size_t i = 0; i < lanes.count; i++) {
                const report_lane *lane = &lanes.lanes[i];
                int64_t end = lanes.start_ms;
                marks += lane->count;
                for (size_t k = 0; k < lane->count; k++) {
                    assert_true(lane->marks[k].t0_ms >= end);
                    assert_true(lane->points == (lane->marks[k].t0_ms == lane->marks[k].t1_ms));
                    end = lane->marks[k].t1_ms;
                }
                assert_true(end <= lanes.end_ms);
                for (size_t k = 0; k < i; k++)
                    assert_string_not_equal(lane->name, lanes.lanes[k].name);
            }
            assert_int_equal(marks, wanted); /* nothing is lost */
            report_lanes_destroy(&lanes);
            affect_timeline_destroy(timeline);
        }
}

static void an_existing_report_is_kept_without_force(void **state) {
    (void)state;
    affect_timeline *timeline = fixture(FIXTURE_HARD);
    char path[128], csv[160];
    snprintf(path, sizeof path, "%s/a/b", folder);
    assert_int_equal(report_write(NULL, timeline, path, REPORT_ALL, NULL), AFFECT_OK);
    assert_int_equal(report_write(NULL, timeline, path, REPORT_ALL, NULL), AFFECT_ERROR_EXISTS);
    assert_int_equal(
        report_write(NULL, timeline, path, REPORT_ALL, &(report_options){.force = true}),
        AFFECT_OK);
    for (unsigned i = 0; i < REPORT_FORMAT_COUNT; i++) {
        if (!(REPORT_ALL >> i & 1U)) continue;
        snprintf(csv, sizeof csv, "%s/%s", path, report_format_file((report_format)i));
        if (!base_file_exists(csv)) fail_msg("%s is missing", csv);
    }
    static const char *const names[] = {"odd-..-..-id__x_.csv", "events-2.csv", "words-1-2.csv",
                                        "index.csv", "Words-2.csv"};
    for (size_t i = 0; i < BASE_COUNT(names) - 3; i++) {
        snprintf(csv, sizeof csv, "%s/csv/%s", path, names[i]);
        if (!base_file_exists(csv)) fail_msg("%s is missing", csv);
    }
    affect_timeline_destroy(timeline);
}

/* Lines of `text` that are wider than `columns`, or -1 if `wanted` is not in it. */
static int too_wide(const char *text, int columns, const char *wanted) {
    int wide = 0;
    if (!strstr(text, wanted)) return -1;
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        int letters = 0;
        for (size_t i = 0; i < n; i++) letters += ((unsigned char)line[i] & 0xC0) != 0x80;
        wide += letters > columns;
        line += n + (line[n] == '\n');
    }
    return wide;
}

static void the_summary_shows_the_cue_of_each_modality(void **state) {
    (void)state;
    affect_timeline *timeline;
    affect_tier *tier;
    assert_int_equal(timeline_create(NULL, &timeline), AFFECT_OK);
    timeline->duration = 20 * AFFECT_SECOND;
    assert_int_equal(timeline_set_property(NULL, timeline, "input", "my/two_people.mp4"),
                     AFFECT_OK);
    assert_int_equal(timeline_tier(NULL, timeline, "episodes", AFFECT_MODALITY_FUSED, &tier),
                     AFFECT_OK);
    assert_int_equal(
        tier_append(NULL, tier,
                    &(affect_interval){.t0 = AFFECT_SECOND,
                                       .t1 = 9 * AFFECT_SECOND,
                                       .label = "happiness",
                                       .score = .9f,
                                       .person = 1,
                                       .attributes =
                                           "{\"cues\":{\"face\":\"micro_expression at 5.833 s\","
                                           "\"voice\":\"emphasis at 25.520 s\","
                                           "\"words\":\"we won\"}}"}),
        AFFECT_OK);
    static const int columns[] = {60, 80, 130};
    for (size_t i = 0; i < BASE_COUNT(columns); i++) {
        base_text text = {0};
        report_summary(timeline, columns[i], false, &text);
        assert_int_equal(too_wide(text.data, columns[i], "micro expression at 5.833 s"), 0);
        assert_int_equal(too_wide(text.data, columns[i], "emphasis at 25.520 s"), 0);
        assert_int_equal(too_wide(text.data, columns[i], "we won"), 0);
        assert_non_null(strstr(text.data, "two_people.mp4")); /* the name as it is */
        base_text_destroy(&text);
    }
    timeline->duration = tier->items[0].t0 = tier->items[0].t1 = 0;
    base_text text = {0};
    report_summary(timeline, 80, false, &text);
    assert_non_null(strstr(text.data, "one picture"));
    assert_null(strstr(text.data, "0:00"));
    base_text_destroy(&text);
    affect_timeline_destroy(timeline);
}

/* Tables of an earlier timeline would pass for tables of this one. */
static void forced_tables_replace_those_of_before(void **state) {
    (void)state;
    char path[128], name[180];
    snprintf(path, sizeof path, "%s/forced", folder);
    affect_timeline *talk = fixture(FIXTURE_TALK), *empty = fixture(FIXTURE_EMPTY);
    const report_options force = {.force = true};
    unsigned csv = 1U << REPORT_CSV;
    assert_int_equal(report_write(NULL, talk, path, csv, &force), AFFECT_OK);
    snprintf(name, sizeof name, "%s/csv/mine.csv", path);
    assert_int_equal(base_write_file(NULL, name, "x\n", 2), AFFECT_OK);
    assert_int_equal(report_write(NULL, empty, path, csv, &force), AFFECT_OK);
    snprintf(name, sizeof name, "%s/csv/trajectory-1.csv", path);
    assert_false(base_file_exists(name));
    snprintf(name, sizeof name, "%s/csv/mine.csv", path); /* in no index: not ours */
    assert_true(base_file_exists(name));
    snprintf(name, sizeof name, "%s/csv/index.csv", path);
    assert_true(base_file_exists(name));
    snprintf(name, sizeof name, "%s/csv/.fresh", path);
    assert_false(base_file_exists(name));
    affect_timeline_destroy(empty);
    affect_timeline_destroy(talk);
}

static void a_full_disk_is_an_error_that_leaves_no_file(void **state) {
    (void)state;
    affect_timeline *timeline = fixture(FIXTURE_TALK);
    FILE *full = fopen("/dev/full", "w");
    if (!full) skip();
    assert_int_equal(report_print(NULL, timeline, REPORT_JSON, NULL, NULL, full), AFFECT_OK);
    assert_true(ferror(full) || fflush(full) != 0); /* which base_output_commit asks for */
    fclose(full);
    assert_int_equal(report_write(NULL, timeline, "/proc/nowhere", REPORT_ALL, NULL),
                     AFFECT_ERROR_OUTPUT);
    affect_timeline_destroy(timeline);
}

static void the_way_to_the_recording_is_relative(void **state) {
    (void)state;
    affect_timeline *timeline = fixture(FIXTURE_EMPTY);
    char file[160], beside[160];
    snprintf(beside, sizeof beside, "%s/out/deep", folder);
    assert_int_equal(base_make_folder(NULL, beside), AFFECT_OK);
    snprintf(file, sizeof file, "%s/a b#1?ü.MP4", folder);
    assert_int_equal(base_write_file(NULL, file, "x", 1), AFFECT_OK);
    report_media media;
    assert_int_equal(
        report_media_find(NULL, timeline, beside, &(report_options){.media = file}, &media),
        AFFECT_OK);
    assert_string_equal(media.relative, "../../a%20b%231%3F%C3%BC.MP4");
    assert_string_equal(media.mime, "video/mp4");
    assert_true(media.video);
    report_media_clear(&media);
    assert_int_equal(
        report_media_find(NULL, timeline, folder, &(report_options){.media = file}, &media),
        AFFECT_OK);
    assert_string_equal(media.relative, "a%20b%231%3F%C3%BC.MP4");
    report_media_clear(&media);
    assert_int_equal(
        report_media_find(NULL, timeline, "/", &(report_options){.media = file}, &media),
        AFFECT_OK);
    assert_true(base_starts_with(media.relative, "tmp/affect-report-"));
    report_media_clear(&media);
    assert_int_equal(
        report_media_find(NULL, timeline, "/", &(report_options){.media = "-"}, &media), AFFECT_OK);
    assert_null(media.relative);
    report_media_clear(&media);
    affect_timeline_destroy(timeline);
}

static void a_failed_allocation_is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    affect_timeline *timeline = fixture(FIXTURE_HARD);
    size_t length;
    char *text = printed(timeline, REPORT_JSON, &length);
    for (unsigned f = 0; f < REPORT_FORMAT_COUNT; f++) {
        if (!(REPORT_ALL >> f & 1U) || f == REPORT_CSV) continue;
        for (long n = 1;; n++) {
            FILE *out = fopen("/dev/null", "w");
            base_alloc_fail_at(n);
            affect_status status = report_print(NULL, timeline, (report_format)f, NULL, NULL, out);
            bool failed = base_alloc_count() >= n;
            base_alloc_fail_at(0);
            fclose(out);
            if (failed && status == AFFECT_OK)
                fail_msg("%s: failed allocation %ld went unnoticed",
                         report_format_word((report_format)f), n);
            assert_int_equal(status, failed ? AFFECT_ERROR_MEMORY : AFFECT_OK);
            if (!failed) break;
        }
    }
    for (long n = 1;; n++) {
        base_text summary = {0};
        base_alloc_fail_at(n);
        report_summary(timeline, 80, true, &summary);
        bool failed = base_alloc_count() >= n;
        base_alloc_fail_at(0);
        assert_true(summary.failed == failed);
        base_text_destroy(&summary);
        if (!failed) break;
    }
    for (long n = 1;; n++) {
        affect_timeline *again;
        base_alloc_fail_at(n);
        affect_status status = report_parse_json(NULL, "x", text, length, &again);
        bool failed = base_alloc_count() >= n;
        base_alloc_fail_at(0);
        affect_timeline_destroy(again);
        assert_int_equal(status, failed ? AFFECT_ERROR_MEMORY : AFFECT_OK);
        if (!failed) break;
    }
    free(text);
    affect_timeline_destroy(timeline);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_and_writing_again_gives_the_same_bytes),
        cmocka_unit_test(what_is_read_is_what_was_written),
        cmocka_unit_test(numbers_are_the_shortest_that_read_back),
        cmocka_unit_test(numbers_do_not_follow_the_locale),
        cmocka_unit_test(the_reader_refuses_what_the_writer_never_writes),
        cmocka_unit_test(members_may_stand_in_any_order),
        cmocka_unit_test(attributes_are_kept_whatever_they_are),
        cmocka_unit_test(lanes_never_overlap),
        cmocka_unit_test(an_existing_report_is_kept_without_force),
        cmocka_unit_test(the_summary_shows_the_cue_of_each_modality),
        cmocka_unit_test(forced_tables_replace_those_of_before),
        cmocka_unit_test(a_full_disk_is_an_error_that_leaves_no_file),
        cmocka_unit_test(the_way_to_the_recording_is_relative),
        cmocka_unit_test(a_failed_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
