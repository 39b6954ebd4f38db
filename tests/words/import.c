#include "tests/test.h"

#include "tests/attributes.h"

#include <math.h>
#include <string.h>

#include "words/words.h"

#define MS AFFECT_MILLISECOND

static affect_context *ctx;
static char folder[] = "/tmp/affect-words-XXXXXX";

static affect_timeline *import(const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(base_write_file(ctx, path, text, strlen(text)), AFFECT_OK);
    affect_timeline *timeline = NULL;
    assert_int_equal(timeline_create(ctx, &timeline), AFFECT_OK);
    affect_status status = words_import(ctx, path, timeline);
    unlink(path);
    if (status) print_error("%s\n", affect_context_message(ctx));
    assert_int_equal(status, AFFECT_OK);
    return timeline;
}

static affect_interval at(const affect_timeline *timeline, const char *tier, size_t i) {
    const affect_tier *t = affect_timeline_find_tier(timeline, tier);
    assert_non_null(t);
    assert_true(i < affect_tier_count(t));
    return *affect_tier_interval(t, i);
}

static size_t count(const affect_timeline *timeline, const char *tier) {
    return affect_tier_count(affect_timeline_find_tier(timeline, tier));
}

static const affect_event *event(const affect_timeline *timeline, const char *kind) {
    for (size_t i = 0; i < timeline->event_count; i++)
        if (!strcmp(timeline->events[i].kind, kind)) return &timeline->events[i];
    return NULL;
}

static bool has(const affect_interval v, const char *attribute) {
    return attributes_have(v.attributes, attribute);
}

static void subtitles_become_words_with_marked_times_and_scores(void **state) {
    (void)state;
    affect_timeline *t =
        import("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nI am not happy!\n\n"
                        "2\n00:00:03,000 --> 00:00:05,000\nI love this so damn much. [laughter]\n");
    assert_int_equal(count(t, "utterances"), 2);
    assert_int_equal(count(t, "words"), 11);
    assert_string_equal(at(t, "utterances", 0).label, "I am not happy!");
    affect_interval word = at(t, "words", 3); /* 3 of 11 letters stand before "not" */
    assert_string_equal(word.label, "happy");
    assert_int_equal(word.t0, 1000 * MS + 1000 * MS * 6 / 11);
    assert_int_equal(word.t1, 2000 * MS);
    assert_true(has(word, "\"interpolated\":true") && has(word, "\"negated\":true") &&
                has(word, "\"valence\":-0."));
    const affect_track *track = affect_timeline_find_track(t, "words/affect");
    assert_non_null(track);
    assert_int_equal(affect_track_rows(track), 2);
    assert_int_equal(affect_track_time(track, 0), 1500 * MS);
    assert_true(affect_track_row(track, 0)[0] < -.05F); /* not happy */
    assert_true(affect_track_row(track, 1)[0] > 0);     /* love, and swearing */
    assert_true(affect_track_row(track, 0)[3] > .05F);
    assert_non_null(event(t, "negation"));
    assert_true(event(t, "negation")->strength == 1);
    assert_non_null(event(t, "swearing"));
    assert_non_null(event(t, "laughter"));
    affect_timeline_destroy(t);
}

/* Everything after the words has a row for each instant up to the last one. */
static void a_cue_far_beyond_any_recording_is_left_out(void **state) {
    (void)state;
    affect_timeline *t = import("far.srt", "1\n00:00:01,000 --> 00:00:02,000\nhello there\n\n"
                                           "2\n99999:00:00,000 --> 99999:00:02,000\nI am happy\n");
    assert_int_equal(count(t, "utterances"), 1);
    assert_int_equal(count(t, "words"), 2);
    assert_non_null(strstr(t->warnings->items[0].label, "1 cues left out: they lie beyond"));
    affect_timeline_destroy(t);
}

static void any_script_is_carried_through_and_marked_unscored(void **state) {
    (void)state;
    const char *texts[] = {"Guten Morgen, die war müde", "早上好，你今天怎么样？", "Доброе утро",
                           "صباح الخير", "Bonjour, comment allez-vous"};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        char file[200];
        snprintf(file, sizeof file, "WEBVTT\n\n00:01.000 --> 00:02.000\n%s\n", texts[i]);
        affect_timeline *t = import("a.vtt", file);
        assert_string_equal(at(t, "utterances", 0).label, texts[i]);
        assert_true(has(at(t, "utterances", 0), "\"scored\":false"));
        assert_true(has(at(t, "words", 0), "\"scored\":false"));
        const affect_track *track = affect_timeline_find_track(t, "words/affect");
        assert_true(isnan(affect_track_row(track, 0)[0]));
        assert_true(affect_track_confidence(track, 0) == 0);
        assert_int_equal(t->event_count, 0);
        affect_timeline_destroy(t);
    }
    /* The file says that it is German: English look-alikes are not scored. */
    affect_timeline *t = import("a.json", "{\"language\":\"de\",\"segments\":[{\"start\":0,"
                                          "\"end\":1,\"text\":\"die war gut so\"}]}");
    assert_true(has(at(t, "utterances", 0), "\"scored\":false"));
    affect_timeline_destroy(t);
}

#define TIER(name, a, b, text)                                                                     \
    "\"IntervalTier\"\n\"" name "\"\n0\n2\n2\n0\n" a "\n\"\"\n" a "\n" b "\n\"" text "\"\n"
#define GRID(n, tiers) "File type = \"ooTextFile\"\n\"TextGrid\"\n0\n2\n<exists>\n" n "\n" tiers

static void tiers_are_told_apart(void **state) {
    (void)state;
    affect_timeline *t =
        import("a.TextGrid",
               GRID("3", TIER("phones", "0.5", "0.6", "HH") TIER("Words", "0.5", "1", "hello")
                             TIER("utterance", "0.25", "2", "Hello, there")));
    assert_int_equal(count(t, "utterances"), 1);
    assert_int_equal(count(t, "words"), 1);
    affect_interval word = at(t, "words", 0);
    assert_string_equal(word.label, "hello");
    assert_int_equal(word.t0, 500 * MS);
    assert_false(has(word, "interpolated"));
    assert_string_equal(at(t, "utterances", 0).label, "Hello, there");
    affect_timeline_destroy(t);
    /* words alone: pauses make utterances */
    t = import("a.json", "{\"tiers\":[{\"id\":\"words\",\"intervals\":["
                         "{\"t0\":0,\"t1\":0.4,\"label\":\"oh\",\"score\":0.5},"
                         "{\"t0\":0.5,\"t1\":0.9,\"label\":\"well\",\"score\":1},"
                         "{\"t0\":1.5,\"t1\":1.9,\"label\":\"yes\",\"score\":1}]}]}");
    assert_int_equal(count(t, "utterances"), 2);
    assert_string_equal(at(t, "utterances", 0).label, "oh well");
    assert_true(at(t, "words", 0).score == .5F);
    affect_timeline_destroy(t);
    /* nothing named: a tier a speaker */
    t = import("a.TextGrid", GRID("1", TIER("Anna", "0.5", "2", "what a lovely day")));
    assert_int_equal(count(t, "utterances"), 1);
    assert_int_equal(count(t, "words"), 4);
    affect_timeline_destroy(t);
}

static void errors_are_passed_on(void **state) {
    (void)state;
    affect_timeline *timeline = NULL;
    assert_int_equal(timeline_create(ctx, &timeline), AFFECT_OK);
    assert_int_equal(words_import(ctx, "/nonexistent.srt", timeline), AFFECT_ERROR_NOT_FOUND);
    affect_timeline_destroy(timeline);
    affect_timeline *t = import("a.srt", "1\n00:00:02,000 --> 00:00:01,000\nx\n");
    assert_int_equal(affect_timeline_warning_count(t), 1);
    assert_non_null(strstr(affect_timeline_warning(t, 0)->label, "line 2"));
    affect_timeline_destroy(t);
}

static void every_failed_allocation_is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    const char *text = "WEBVTT\n\n00:01.000 --> 00:04.000\n<v A>not a <00:02.000>\"good\" day\n";
    char path[64];
    snprintf(path, sizeof path, "%s/words.vtt", folder);
    assert_int_equal(base_write_file(ctx, path, text, strlen(text)), AFFECT_OK);
    /* The card's parsing and the reading of the lexicon are other tests' business. */
    words_options options = words_options_default();
    options.affect = false;
    for (long n = 1;; n++) {
        affect_timeline *timeline = NULL;
        assert_int_equal(timeline_create(NULL, &timeline), AFFECT_OK);
        base_alloc_fail_at(n);
        affect_status status = words_import_with(NULL, path, &options, timeline);
        bool failed = base_alloc_count() >= n;
        base_alloc_fail_at(0);
        affect_timeline_destroy(timeline);
        if (!failed) {
            assert_int_equal(status, AFFECT_OK);
            break;
        }
        /* Without memory to look at the bytes, the kind of file is taken from its name. */
        if (status != AFFECT_ERROR_MEMORY && !(n == 2 && !status))
            fail_msg("allocation %ld: %d", n, (int)status);
    }
    unlink(path);
}

static int make_context(void **state) {
    (void)state;
    if (!mkdtemp(folder) || affect_context_create(&ctx)) return 1;
    return affect_context_set_models(ctx, "models"); /* the lexicon is committed there */
}

static int drop_context(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subtitles_become_words_with_marked_times_and_scores),
        cmocka_unit_test(a_cue_far_beyond_any_recording_is_left_out),
        cmocka_unit_test(any_script_is_carried_through_and_marked_unscored),
        cmocka_unit_test(tiers_are_told_apart),
        cmocka_unit_test(errors_are_passed_on),
        cmocka_unit_test(every_failed_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
