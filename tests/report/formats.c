/* The JSON's round trip and strictness, the other formats' rules that need no foreign reader, and
 * failures of memory and disk. What Praat, ELAN's structure and Chromium say is in readers.py. */
#include "tests/test.h"

#include <locale.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "report/report_private.h"
#include "tests/attributes.h"
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
            assert_string_equal(x->id, y->id);
            char *p = attributes_text(x->attributes), *q = attributes_text(y->attributes);
            assert_string_equal(p, q);
            free(p);
            free(q);
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
        ",\"properties\":{},\"warnings\":[],\"tiers\":[],\"events\":[],\"persons\":[],"
        "\"links\":[]}";
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

/* What came with version 2. */
static void the_reader_is_strict_about_ids_links_and_persons(void **state) {
    (void)state;
    static const struct {
        const char *items, *events, *persons, *links, *complaint;
    } cases[] = {
#define ITEM(id, parent, attributes)                                                               \
    "{\"id\":" id ",\"t0\":0,\"t1\":1,\"label\":\"\",\"score\":null,\"person\":null,"              \
    "\"parent\":" parent ",\"attributes\":" attributes "}"
#define EVENT(id)                                                                                  \
    "{\"id\":" id ",\"onset\":0,\"apex\":0,\"offset\":0,\"kind\":\"k\",\"modality\":\"face\","     \
    "\"person\":null,\"model\":\"m\",\"strength\":1,\"confidence\":1}"
#define LINK(from, kind)                                                                           \
    "{\"from\":" from ",\"to\":\"w1\",\"kind\":" kind ",\"lag\":null,\"lag_sd\":0.5,\"score\":1,"  \
    "\"person\":null}"
#define PERSON(id, into) "{\"id\":" id ",\"name\":\"\",\"merged_into\":" into ",\"score\":null}"
        {ITEM("\"w1\"", "\"u1\"", "{\"a\":[1,\"x\",true],\"b\":false}"), EVENT("\"f1\""),
         PERSON("1", "2") "," PERSON("2", "null"), LINK("\"f1\"", "\"co_occurs\""), NULL},
        {ITEM("\"\"", "null", "null"), "", "", "", "an id"},
        {ITEM("\"w1\"", "null", "null") "," ITEM("\"w1\"", "null", "null"), "", "", "", "twice"},
        {ITEM("\"f1\"", "null", "null"), EVENT("\"f1\""), "", "", "twice"},
        {ITEM("\"w1\"", "\"\"", "null"), "", "", "", "an id"},
        {ITEM("\"w1\"", "null", "{\"a\":null}"), "", "", "", "a text, number"},
        {ITEM("\"w1\"", "null", "{\"a\":{}}"), "", "", "", "a text, number"},
        {ITEM("\"w1\"", "null", "{\"a\":[[1]]}"), "", "", "", "a text, number"},
        {ITEM("\"w1\"", "null", "{\"a\":1,\"a\":2}"), "", "", "", "each attribute once"},
        {ITEM("\"w1\"", "null", "[1]"), "", "", "", "an object or null"},
        {"", "", PERSON("1", "1"), "", "circle"},
        {"", "", PERSON("1", "2") "," PERSON("2", "1"), "", "circle"},
        {"", "", PERSON("1", "null") "," PERSON("1", "null"), "", "once"},
        {"", "", PERSON("null", "null"), "", "once"},
        {"", "", "", LINK("\"\"", "\"leads\""), "an id"},
        {"", "", "", LINK("\"f1\"", "\"hates\""), "kind of link"},
    };
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        base_text text = {0};
        affect_timeline *timeline;
        base_text_printf(
            &text,
            "{\"schema\":\"affect-timeline/2\",\"duration\":0,\"properties\":{},"
            "\"persons\":[%s],\"warnings\":[],\"tracks\":[],\"tiers\":[{\"id\":\"words\","
            "\"modality\":\"words\",\"intervals\":[%s]}],\"events\":[%s],\"links\":[%s]}",
            cases[i].persons, cases[i].items, cases[i].events, cases[i].links);
        affect_status status = report_parse_json(ctx, "case", text.data, text.length, &timeline);
        if (!cases[i].complaint) {
            assert_int_equal(status, AFFECT_OK);
            assert_string_equal(affect_timeline_find_interval(timeline, "w1", NULL)->parent, "u1");
            assert_string_equal(affect_timeline_find_event(timeline, "f1")->model, "m");
            assert_int_equal(affect_timeline_link(timeline, 0)->kind, AFFECT_LINK_CO_OCCURS);
            assert_true(affect_timeline_link(timeline, 0)->lag == AFFECT_TIME_NONE);
            assert_true(affect_timeline_link(timeline, 0)->lag_sd == AFFECT_SECOND / 2);
            assert_int_equal(affect_timeline_resolve_person(timeline, 1), 2);
        } else if (status != AFFECT_ERROR_FORMAT ||
                   !strstr(affect_context_message(ctx), cases[i].complaint)) {
            fail_msg("%s\n%d %s", text.data, (int)status, affect_context_message(ctx));
        }
        affect_timeline_destroy(timeline);
        base_text_destroy(&text);
    }
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

/* What a release wrote before version 2 is read for good: the file is from the build of the day before
 * (`affect analyze clip.mp4 --no-face --rate 1`, two long tracks left out). */
static void a_file_of_version_1_gives_what_it_gave(void **state) {
    (void)state;
    affect_timeline *timeline;
    char *expected;
    size_t n, length;
    assert_int_equal(report_read_json(NULL, "tests/report/golden/version-1.json", &timeline),
                     AFFECT_OK);
    assert_int_equal(
        base_read_file(NULL, "tests/report/golden/version-2.json", 0, &expected, &length),
        AFFECT_OK);
    char *text = printed(timeline, REPORT_JSON, &n);
    assert_string_equal(text, expected);
    const affect_tier *episodes = affect_timeline_find_tier(timeline, "episodes");
    assert_true(affect_tier_count(episodes) > 0);
    for (size_t i = 0; i < affect_tier_count(episodes); i++) {
        const affect_interval *e = affect_tier_interval(episodes, i);
        assert_true(isfinite(affect_attributes_number(e->attributes, "valence")));
        assert_non_null(affect_attributes_text(e->attributes, "cue_words"));
        assert_string_equal(affect_value_text(affect_value_item(
                                affect_attributes_find(e->attributes, "labels"), 0)),
                            e->label);
    }
    free(text);
    base_free(expected);
    affect_timeline_destroy(timeline);
}

static void attributes_are_kept_whatever_they_are(void **state) {
    (void)state;
    affect_attributes *a;
    static const char *const same[] = {
        /* what version 1 could hold, and what it is now */
        "{ \"a b\" : [ 1.50 , \"x \\\" y\" ] } ",
        "{\"a b\":[1.5,\"x \\\" y\"]}",
        "{\"x\":{\"valence\":1},\"valence\":-0.5}",
        "{\"x\":\"{\\\"valence\\\":1}\",\"valence\":-0.5}",
        "{\"a\":\"\\u0041b\",\"n\":null,\"y\":true,\"l\":[]}",
        "{\"a\":\"Ab\",\"y\":true,\"l\":[]}",
        ("{\"labels\":[{\"label\":\"joy\",\"score\":0.25},"
         "{\"score\":1e-7,\"label\":\"fear\"}]}"),
        "{\"labels\":[\"joy\",\"fear\"],\"label_scores\":[0.25,1e-07]}",
        "{\"labels\":[{\"label\":1}]}",
        "{\"labels\":\"[{\\\"label\\\":1}]\"}",
        "{\"cues\":{\"face\":\"smile\",\"voice\":null},\"b\":1}",
        "{\"cue_face\":\"smile\",\"b\":1}",
        "{}",
        "null"};
    for (size_t i = 0; i < BASE_COUNT(same); i += 2) {
        assert_int_equal(report_parse_attributes(NULL, same[i], &a), AFFECT_OK);
        char *text = attributes_text(a);
        assert_string_equal(text, same[i + 1]);
        free(text);
        affect_attributes_destroy(a);
    }
    static const char *const wrong[] = {"[1]", "{} x", "", "{\"a\":}", "{\"a\" 1}", "{\"a\":1"};
    for (size_t i = 0; i < BASE_COUNT(wrong); i++)
        assert_int_equal(report_parse_attributes(NULL, wrong[i], &a), AFFECT_ERROR_FORMAT);
}

static void corrections_are_applied_and_leave_what_was(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/corrections.csv", folder);
    static const char text[] = "kind,target,value,t0,t1,by,at\r\n"
                               "name,1,\"Ann, \"\"A\"\"\",,,mk,today\r\n"
                               "merge,3,1,,,mk,\r\n"
                               "split,2,4,30.000,40.000,,\r\n"
                               "label,e2,relief,,,mk,today\r\n"
                               "word,w1,Thus,,,,\r\n"
                               "speaker,u1,2,,,,\r\n"
                               "boundary,w2,,,2.000,,\r\n";
    assert_int_equal(base_write_file(NULL, path, text, sizeof text - 1), AFFECT_OK);
    affect_corrections *overlay;
    assert_int_equal(affect_corrections_create(NULL, &overlay), AFFECT_OK);
    assert_int_equal(affect_corrections_read(NULL, overlay, path), AFFECT_OK);
    assert_int_equal(affect_corrections_count(overlay), 7);
    char *written = NULL, again[160];
    size_t n;
    snprintf(again, sizeof again, "%s/again.csv", folder);
    assert_int_equal(affect_corrections_write(NULL, overlay, again), AFFECT_OK);
    assert_int_equal(base_read_file(NULL, again, 0, &written, &n), AFFECT_OK);
    assert_string_equal(written, text); /* the same bytes */
    base_free(written);
    affect_timeline *t = fixture(FIXTURE_TALK);
    const affect_track *whole = timeline_role(t, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, 2);
    size_t rows = affect_track_rows(whole);
    assert_int_equal(affect_corrections_apply(NULL, overlay, t), AFFECT_OK);
    assert_string_equal(affect_timeline_person_name(t, 3), "Ann, \"A\"");
    assert_int_equal(affect_timeline_resolve_person(t, 3), 1);
    const affect_track *half = timeline_role(t, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, 4);
    assert_non_null(half);
    assert_int_equal(affect_track_rows(half) + affect_track_rows(whole), rows);
    assert_true(affect_track_time(half, 0) >= 30 * AFFECT_SECOND);
    assert_true(affect_track_time(half, affect_track_rows(half) - 1) < 40 * AFFECT_SECOND);
    const affect_interval *e = affect_timeline_find_interval(t, "e2", NULL);
    assert_string_equal(e->label, "relief");
    assert_string_equal(affect_attributes_text(e->attributes, "label_was"), "happiness");
    assert_string_equal(affect_attributes_text(e->attributes, "corrected_by"), "mk");
    assert_non_null(affect_attributes_find(e->attributes, "labels")); /* the rest stays */
    assert_string_equal(affect_timeline_find_interval(t, "w1", NULL)->label, "Thus");
    assert_int_equal(affect_timeline_find_interval(t, "u1", NULL)->person, 2);
    assert_true(affect_timeline_find_interval(t, "w2", NULL)->t1 == 2 * AFFECT_SECOND);
    assert_string_equal(affect_timeline_property(t, "corrections"), "7 by hand");
    base_text summary = {0};
    report_summary(t, 100, false, &summary);
    assert_non_null(strstr(summary.data, "Ann, \"A\""));
    assert_null(strstr(summary.data, "sound "));
    base_text_destroy(&summary);
    assert_int_equal(affect_timeline_set_property(NULL, t, "av_offset_s", "-0.240"), AFFECT_OK);
    assert_int_equal(affect_timeline_set_property(NULL, t, "av_offset_sd_s", "0.012"), AFFECT_OK);
    assert_int_equal(affect_timeline_set_property(NULL, t, "av_offset_corrected", "yes"),
                     AFFECT_OK);
    report_summary(t, 100, false, &summary);
    assert_non_null(strstr(summary.data, "sound 240 ms ahead of picture, \u00b1 12 ms: corrected"));
    base_text_destroy(&summary);
    /* A tracker that took one person for the other for five seconds: put right by way of a third. */
    const affect_track *other = timeline_role(t, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, 1);
    size_t rows_1 = other->rows, rows_2 = whole->rows;
    size_t from_1 = track_row_at(other, 10 * AFFECT_SECOND),
           to_1 = track_row_at(other, 15 * AFFECT_SECOND);
    size_t taken = to_1 - from_1;
    size_t given =
        track_row_at(whole, 15 * AFFECT_SECOND) - track_row_at(whole, 10 * AFFECT_SECOND);
    float was = affect_track_row(other, from_1)[0];
    static const char *const swap[][2] = {{"1", "9"}, {"2", "1"}, {"9", "2"}};
    affect_corrections *swaps;
    assert_int_equal(affect_corrections_create(NULL, &swaps), AFFECT_OK);
    for (size_t i = 0; i < BASE_COUNT(swap); i++) {
        const affect_correction split = {.kind = AFFECT_CORRECTION_SPLIT,
                                         .target = swap[i][0],
                                         .value = swap[i][1],
                                         .t0 = 10 * AFFECT_SECOND,
                                         .t1 = 15 * AFFECT_SECOND};
        assert_int_equal(affect_corrections_add(NULL, swaps, &split, sizeof split), AFFECT_OK);
    }
    assert_int_equal(affect_corrections_apply(NULL, swaps, t), AFFECT_OK);
    affect_corrections_destroy(swaps);
    assert_true(taken > 0 && given > 0);
    assert_int_equal(other->rows, rows_1 - taken + given);
    assert_int_equal(whole->rows, rows_2 - given + taken);
    assert_true(affect_track_row(whole, track_row_at(whole, 10 * AFFECT_SECOND))[0] == was);
    for (size_t i = 1; i < whole->rows; i++) assert_true(whole->times[i - 1] <= whole->times[i]);
    static const affect_correction wrong[] = {
        {.kind = AFFECT_CORRECTION_LABEL, .target = "none", .value = "x"},
        {.kind = AFFECT_CORRECTION_MERGE, .target = "1", .value = "3"}, /* a circle */
        {.kind = AFFECT_CORRECTION_NAME, .target = "Ann", .value = "x"},
        {.kind = AFFECT_CORRECTION_SPLIT, .target = "1", .value = "1"},
        {.kind = AFFECT_CORRECTION_SPEAKER, .target = "u1", .value = "x"}};
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        affect_corrections *one;
        assert_int_equal(affect_corrections_create(NULL, &one), AFFECT_OK);
        assert_int_equal(affect_corrections_add(NULL, one, &wrong[i], sizeof wrong[i]), AFFECT_OK);
        assert_int_equal(affect_corrections_apply(NULL, one, t), AFFECT_ERROR_ARGUMENT);
        affect_corrections_destroy(one);
    }
    affect_timeline_destroy(t);
    assert_int_equal(base_write_file(NULL, path, "kind,target,value\r\nhate,1,x\r\n", 28),
                     AFFECT_OK);
    assert_int_equal(affect_corrections_read(NULL, overlay, path), AFFECT_ERROR_FORMAT);
    affect_corrections_destroy(overlay);
}

/* How often a text stands in a file of the folder. */
static int times_in(const char *file, const char *wanted) {
    char path[256], *text;
    size_t length;
    int n = 0;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    assert_int_equal(base_read_file(NULL, path, 0, &text, &length), AFFECT_OK);
    for (const char *at = text; (at = strstr(at, wanted)); at += strlen(wanted)) n++;
    base_free(text);
    return n;
}

static bool is_there(const char *file) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return base_file_exists(path);
}

static void merged_persons_are_one_in_every_report(void **state) {
    (void)state;
    affect_timeline *t = fixture(FIXTURE_TALK);
    const affect_track *of_1 = timeline_role(t, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, 1);
    const affect_track *of_2 = timeline_role(t, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, 2);
    int instants = (int)of_1->rows;
    for (size_t i = 0; i < of_2->rows; i++) {
        size_t at = track_row_at(of_1, of_2->times[i]);
        instants += at == of_1->rows || of_1->times[at] != of_2->times[i];
    }
    char before[256], after[256];
    snprintf(before, sizeof before, "%s/apart", folder);
    snprintf(after, sizeof after, "%s/merged", folder);
    assert_int_equal(report_write(NULL, t, before, REPORT_ALL, NULL), AFFECT_OK);
    assert_true(is_there("apart/csv/trajectory-2.csv"));
    assert_true(times_in("apart/timeline.eaf", "PARTICIPANT=\"person 2\"") > 0);
    const affect_person ann = {.id = 1, .name = "Ann <1>", .score = NAN};
    const affect_person same = {.id = 2, .name = "", .merged_into = 1, .score = 1};
    assert_int_equal(timeline_set_person(NULL, t, &ann), AFFECT_OK);
    assert_int_equal(timeline_set_person(NULL, t, &same), AFFECT_OK);
    assert_int_equal(report_write(NULL, t, after, REPORT_ALL, NULL), AFFECT_OK);
    assert_false(is_there("merged/csv/trajectory-2.csv"));
    assert_int_equal(times_in("merged/csv/trajectory-1.csv", "\n"), instants + 1);
    assert_int_equal(times_in("merged/csv/episodes.csv", "\r\n"),
                     times_in("apart/csv/episodes.csv", "\r\n"));
    assert_int_equal(times_in("merged/timeline.eaf", "PARTICIPANT=\"person"), 0);
    assert_true(times_in("merged/timeline.eaf", "PARTICIPANT=\"Ann &lt;1&gt;\"") > 0);
    assert_int_equal(times_in("merged/timeline.svg", "Ann &lt;1&gt;"), 1);
    assert_int_equal(times_in("apart/report.html", "\"trajectory/2\""), 1);
    assert_int_equal(times_in("merged/report.html", "\"trajectory/2\""), 0);
    /* JSON keeps what perception said, and the record. */
    assert_int_equal(times_in("merged/timeline.json", "\"id\":\"trajectory/2\""), 1);
    assert_int_equal(times_in("merged/timeline.json", "\"merged_into\":1"), 1);
    base_text summary = {0};
    report_summary(t, 100, false, &summary);
    const char *once = strstr(summary.data, "Ann <1>");
    assert_non_null(once);
    assert_null(strstr(once + 1, "Ann <1>"));
    assert_null(strstr(summary.data, "Person 2"));
    base_text_destroy(&summary);
    /* Whatever fails, nothing leaks and the summary says so. */
    for (long n = 1;; n++) {
        base_text text = {0};
        affect_timeline *made = NULL;
        const affect_timeline *resolved;
        base_alloc_fail_at(n);
        affect_status status = timeline_resolve(NULL, t, &made, &resolved);
        bool over = base_alloc_count() < n;
        base_alloc_fail_at(0);
        affect_timeline_destroy(made);
        if (over) break;
        assert_int_equal(status, AFFECT_ERROR_MEMORY);
        assert_null(made);
        if (n > 200) n += n / 8;
        base_alloc_fail_at(1);
        report_summary(t, 100, false, &text);
        base_alloc_fail_at(0);
        assert_true(text.failed);
        base_text_destroy(&text);
    }
    affect_timeline_destroy(t);
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

/* A timeline of one episode with a cue, something against it, and a node that says when the voice
 * comes. */
static affect_timeline *with_lag(double lag_s, double sd_s, double p) {
    affect_timeline *timeline;
    affect_tier *tier;
    affect_attributes *a;
    const char *against[] = {"words: everything is terrible"};
    affect_interval episode = {.t0 = AFFECT_SECOND,
                               .t1 = 9 * AFFECT_SECOND,
                               .label = "happiness",
                               .score = .9f,
                               .person = 1};
    assert_int_equal(timeline_create(NULL, &timeline), AFFECT_OK);
    timeline->duration = 20 * AFFECT_SECOND;
    assert_int_equal(timeline_tier(NULL, timeline, "episodes", AFFECT_MODALITY_FUSED, &tier),
                     AFFECT_OK);
    assert_int_equal(affect_attributes_create(NULL, &a), AFFECT_OK);
    assert_int_equal(affect_attributes_set_text(NULL, a, "cue_face", "smile at 2.000 s"),
                     AFFECT_OK);
    assert_int_equal(affect_attributes_set_texts(NULL, a, "against", against, 1), AFFECT_OK);
    episode.attributes = a;
    assert_int_equal(tier_append(NULL, tier, &episode), AFFECT_OK);
    affect_attributes_destroy(a);
    assert_int_equal(
        timeline_tier(NULL, timeline, "alignment/episodes", AFFECT_MODALITY_FUSED, &tier),
        AFFECT_OK);
    assert_int_equal(affect_attributes_create(NULL, &a), AFFECT_OK);
    assert_int_equal(affect_attributes_set_text(NULL, a, "node", "e1"), AFFECT_OK);
    assert_int_equal(affect_attributes_set_number(NULL, a, "lag_face_voice_s", lag_s), AFFECT_OK);
    assert_int_equal(affect_attributes_set_number(NULL, a, "lag_face_voice_sd_s", sd_s), AFFECT_OK);
    assert_int_equal(affect_attributes_set_number(NULL, a, "lag_face_voice_p", p), AFFECT_OK);
    episode.attributes = a;
    episode.id = "ae1";
    assert_int_equal(tier_append(NULL, tier, &episode), AFFECT_OK);
    affect_attributes_destroy(a);
    return timeline;
}

/* Breaks when a lag that chance explains is told, or the wrong side is said to lead. */
static void the_summary_tells_lags_that_are_no_chance(void **state) {
    (void)state;
    static const struct {
        double lag_s, sd_s, p;
        const char *said; /* NULL: nothing of lags */
    } cases[] = {{-0.24, 0.06, 0.01, "voice leads face by 240 ± 60 ms"},
                 {0.3, 0.05, 0.049, "face leads voice by 300 ± 50 ms"},
                 {0.02, 0.05, 0.01, "face and voice together within 20 ± 50 ms"},
                 {-0.24, 0.06, 0.05, NULL},
                 {0.4, 0.5, 0.001, NULL}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        affect_timeline *timeline = with_lag(cases[i].lag_s, cases[i].sd_s, cases[i].p);
        base_text text = {0};
        report_summary(timeline, 80, false, &text);
        assert_false(text.failed);
        assert_non_null(strstr(text.data, "against words: everything is terrible"));
        if (cases[i].said)
            assert_non_null(strstr(text.data, cases[i].said));
        else
            assert_true(!strstr(text.data, "leads") && !strstr(text.data, "together"));
        base_text_destroy(&text);
        affect_timeline_destroy(timeline);
    }
}

static void the_summary_shows_the_cue_of_each_modality(void **state) {
    (void)state;
    affect_timeline *timeline;
    affect_tier *tier;
    affect_attributes *attributes;
    assert_int_equal(timeline_create(NULL, &timeline), AFFECT_OK);
    timeline->duration = 20 * AFFECT_SECOND;
    assert_int_equal(timeline_set_property(NULL, timeline, "input", "my/two_people.mp4"),
                     AFFECT_OK);
    assert_int_equal(timeline_tier(NULL, timeline, "episodes", AFFECT_MODALITY_FUSED, &tier),
                     AFFECT_OK);
    assert_int_equal(
        report_parse_attributes(NULL,
                                "{\"cues\":{\"face\":\"micro_expression at 5.833 s\","
                                "\"voice\":\"emphasis at 25.520 s\",\"words\":\"we won\"}}",
                                &attributes),
        AFFECT_OK);
    assert_int_equal(tier_append(NULL, tier,
                                 &(affect_interval){.t0 = AFFECT_SECOND,
                                                    .t1 = 9 * AFFECT_SECOND,
                                                    .label = "happiness",
                                                    .score = .9f,
                                                    .person = 1,
                                                    .attributes = attributes}),
                     AFFECT_OK);
    affect_attributes_destroy(attributes);
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

/* The strongest come in order of time, each with the label that is next. */
static void the_summary_is_in_order_of_time(void **state) {
    (void)state;
    affect_timeline *timeline;
    affect_tier *tier;
    affect_attributes *attributes;
    assert_int_equal(timeline_create(NULL, &timeline), AFFECT_OK);
    timeline->duration = 30 * AFFECT_SECOND;
    assert_int_equal(timeline_tier(NULL, timeline, "episodes", AFFECT_MODALITY_FUSED, &tier),
                     AFFECT_OK);
    static const char *const labels[] = {"sadness", "anger", "happiness"};
    static const float scores[] = {.5f, .6f, .9f};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(report_parse_attributes(NULL,
                                                 i == 1 ? "{\"labels\":[\"anger\"],"
                                                          "\"label_scores\":[0.6]}"
                                                        : "{\"labels\":[\"x\",\"deep_calm\"],"
                                                          "\"label_scores\":[0.5,0.284]}",
                                                 &attributes),
                         AFFECT_OK);
        assert_int_equal(tier_append(NULL, tier,
                                     &(affect_interval){.t0 = 10 * i * AFFECT_SECOND,
                                                        .t1 = 10 * (i + 1) * AFFECT_SECOND,
                                                        .label = labels[i],
                                                        .score = scores[i],
                                                        .person = 1,
                                                        .attributes = attributes}),
                         AFFECT_OK);
        affect_attributes_destroy(attributes);
    }
    base_text text = {0};
    report_summary(timeline, 80, false, &text);
    const char *first = strstr(text.data, "sadness"), *second = strstr(text.data, "anger"),
               *third = strstr(text.data, "happiness");
    assert_true(first && second && third && first < second && second < third);
    const char *next = strstr(first, "or deep calm 28 %");
    assert_true(next && next < second); /* in the same line */
    assert_non_null(strstr(third, "or deep calm 28 %"));
    const char *none = strstr(second, " or ");
    assert_true(!none || none > third);
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

/* The timeline is a stranger's: whatever its "input" names, nothing of the user's gets into the
 * page, nothing waits, and no host is asked. */
static void a_hostile_input_is_not_embedded(void **state) {
    (void)state;
    char fifo[160], out[160], source[160], near[160], link[160];
    snprintf(fifo, sizeof fifo, "%s/fifo.mp4", folder);
    snprintf(out, sizeof out, "%s/hostile", folder);
    snprintf(source, sizeof source, "%s/elsewhere/timeline.json", folder);
    snprintf(near, sizeof near, "%s/elsewhere", folder);
    assert_int_equal(base_make_folder(NULL, near), AFFECT_OK);
    snprintf(near, sizeof near, "%s/elsewhere/near.mp4", folder);
    snprintf(link, sizeof link, "%s/elsewhere/link.mp4", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(base_write_file(NULL, near, "no recording", 12), AFFECT_OK);
    const struct {
        const char *input, *media;
        affect_status status;
        const char *says;
    } cases[] = {
        {"/etc/passwd", NULL, AFFECT_ERROR_ARGUMENT, "only the timeline names it"},
        {"../elsewhere/link.mp4", NULL, AFFECT_ERROR_NOT_FOUND, "no such regular file"},
        {link, NULL, AFFECT_ERROR_ARGUMENT, "only the timeline names it"},
        {fifo, NULL, AFFECT_ERROR_NOT_FOUND, "no such regular file"},
        {"/dev/zero", NULL, AFFECT_ERROR_NOT_FOUND, "no such regular file"},
        {"https://127.0.0.1:9/a.mp4", NULL, AFFECT_ERROR_NOT_FOUND, "no such regular file"},
        {"/somewhere/near.mp4", NULL, AFFECT_ERROR_FORMAT, "FFmpeg can read"},
        {NULL, "/etc/passwd", AFFECT_ERROR_FORMAT, "FFmpeg can read"},
        {NULL, fifo, AFFECT_ERROR_NOT_FOUND, "no such regular file"},
        {NULL, "/dev/zero", AFFECT_ERROR_NOT_FOUND, "no such regular file"},
        {NULL, "https://127.0.0.1:9/a.mp4", AFFECT_ERROR_ARGUMENT, "no address"},
    };
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        affect_timeline *timeline = fixture(FIXTURE_EMPTY);
        if (cases[i].input)
            assert_int_equal(timeline_set_property(NULL, timeline, "input", cases[i].input),
                             AFFECT_OK);
        const report_options how = {.media = cases[i].media, .source = source, .embed = true};
        affect_status status = report_write(ctx, timeline, out, 1U << REPORT_HTML, &how);
        if (status != cases[i].status || !strstr(affect_context_message(ctx), cases[i].says))
            fail_msg("case %zu: %s: %s", i, affect_status_name(status),
                     affect_context_message(ctx));
        affect_timeline_destroy(timeline);
    }
    affect_context_destroy(ctx);
    unlink(fifo);
    unlink(link);
    unlink(near);
    snprintf(near, sizeof near, "%s/elsewhere", folder);
    rmdir(near);
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
        cmocka_unit_test(the_reader_is_strict_about_ids_links_and_persons),
        cmocka_unit_test(members_may_stand_in_any_order),
        cmocka_unit_test(a_file_of_version_1_gives_what_it_gave),
        cmocka_unit_test(attributes_are_kept_whatever_they_are),
        cmocka_unit_test(merged_persons_are_one_in_every_report),
        cmocka_unit_test(corrections_are_applied_and_leave_what_was),
        cmocka_unit_test(lanes_never_overlap),
        cmocka_unit_test(an_existing_report_is_kept_without_force),
        cmocka_unit_test(the_summary_tells_lags_that_are_no_chance),
        cmocka_unit_test(the_summary_shows_the_cue_of_each_modality),
        cmocka_unit_test(the_summary_is_in_order_of_time),
        cmocka_unit_test(forced_tables_replace_those_of_before),
        cmocka_unit_test(a_full_disk_is_an_error_that_leaves_no_file),
        cmocka_unit_test(the_way_to_the_recording_is_relative),
        cmocka_unit_test(a_hostile_input_is_not_embedded),
        cmocka_unit_test(a_failed_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
