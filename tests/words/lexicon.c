#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "words/estimator.h"
#include "words/judge.h"

static words_estimator *emotion;

static words_affect affect_of(const char *text) {
    words_affect out;
    assert_int_equal(words_estimator_text(NULL, emotion, text, &out), AFFECT_OK);
    return out;
}

static float valence(const char *text) { return affect_of(text).value[0]; }

static float polarity(const char *a, const char *b, const char *c) {
    words_lexicon_token tokens[3] = {{.text = a}, {.text = b}, {.text = c}};
    words_lexicon_read(words_estimator_lexicon(emotion), tokens, 3);
    return tokens[2].polarity;
}

static void negation_and_degree_follow_the_measured_rules(void **state) {
    (void)state;
    float plain = polarity("it", "was", "good");
    assert_true(plain > .3F);
    assert_true(fabsf(polarity("was", "not", "good") - plain * -.74F) < 1e-5F);
    assert_true(fabsf(polarity("wasn\xe2\x80\x99t", "that", "good") - plain * -.74F) < 1e-5F);
    float tired = polarity("i", "am", "tired");
    assert_true(tired < 0 && polarity("no", "more", "tired") > 0);
    assert_float_equal(polarity("No", "I'm", "tired"), tired, 1e-6); /* an answer, no denial */
    assert_true(fabsf(polarity("was", "very", "good") - (plain + .293F / 4)) < 1e-5F);
    assert_true(fabsf(polarity("very", "very", "good") - (plain + .293F / 4 * 1.95F)) < 1e-5F);
    assert_true(fabsf(polarity("was", "slightly", "good") - (plain - .293F / 4)) < 1e-5F);
    assert_true(fabsf(polarity("was", "very", "bad") - (polarity("it", "was", "bad") - .293F / 4)) <
                1e-5F);
}

static void sentences_come_out_on_the_right_side(void **state) {
    (void)state;
    assert_true(valence("I love you, this is wonderful") > .2F);
    assert_true(valence("I hate this awful place and I want to die") < -.2F);
    assert_true(valence("I'm not happy") < valence("I'm happy") - .1F);
    assert_true(valence("it was good, but the end was terrible") <
                valence("the end was terrible, but it was good"));
    assert_true(affect_of("we won, this is fantastic, amazing, incredible!").value[1] >
                affect_of("the meeting is on the second floor").value[1]);
    words_affect none = affect_of("Bjarne spiser rugbrod");
    assert_false(none.scored);
    assert_true(isnan(none.value[0]) && isnan(none.sd[0]));
    assert_false(affect_of("").scored);
    assert_false(affect_of("...").scored);
}

static void roles_are_found(void **state) {
    (void)state;
    words_lexicon_token tokens[] = {{.text = "Hahaha"},
                                    {.text = "shit"},
                                    {.text = "never"},
                                    {.text = "really"},
                                    {.text = "haste"},
                                    {.text = "laughter"},
                                    {.text = "laughter", .described = true}};
    words_lexicon_read(words_estimator_lexicon(emotion), tokens, BASE_COUNT(tokens));
    assert_int_equal(tokens[0].roles, LEXICAL_LAUGHTER);
    assert_int_equal(tokens[1].roles, LEXICAL_SWEARING);
    assert_int_equal(tokens[2].roles, LEXICAL_NEGATION);
    assert_int_equal(tokens[3].roles, LEXICAL_INTENSIFIER);
    assert_int_equal(tokens[4].roles, 0);
    assert_int_equal(tokens[5].roles, 0);
    assert_int_equal(tokens[6].roles, LEXICAL_LAUGHTER);
}

static void damaged_files_are_refused_with_the_line(void **state) {
    (void)state;
    affect_context *ctx;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    const struct {
        const char *text, *message;
    } cases[] = {{"", "line 1"},
                 {"nonsense\n", "line 1"},
                 {"# affect lexicon 1\n", "line 1"},
                 {"# affect lexicon 1\na\t0\t0\t0\n", "line 2"},
                 {"# affect lexicon 1\na\t0\t0\t0\tx\n", "line 2"},
                 {"# affect lexicon 1\nb\t0\t0\t0\t0\na\t0\t0\t0\t0\n", "line 3"},
                 {"# affect lexicon 1\na\tinf\t0\t0\t0\n", "line 2"},
                 {"# affect lexicon 1\n=valence\t0\t0\n", "line 2"}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        words_lexicon *lexicon;
        assert_int_equal(
            words_lexicon_parse(ctx, "x", cases[i].text, strlen(cases[i].text), &lexicon),
            AFFECT_ERROR_MODEL);
        assert_null(lexicon);
        assert_non_null(strstr(affect_context_message(ctx), cases[i].message));
    }
    affect_context_destroy(ctx);
}

/* ---- the judge ---- */

typedef struct said {
    double t0_s;
    float confidence;
    size_t words;
} said;

static affect_timeline *judged(const said *list, size_t count) {
    affect_timeline *timeline;
    words_emitter *emitter;
    words_judge *judge;
    words_options options = {0};
    assert_int_equal(timeline_create(NULL, &timeline), AFFECT_OK);
    assert_int_equal(words_emitter_create(NULL, &options, timeline, &emitter), AFFECT_OK);
    assert_int_equal(words_judge_create(NULL, timeline, emitter, &judge), AFFECT_OK);
    for (size_t i = 0; i < count; i++) {
        words_item items[32];
        affect_time t0 = time_from_seconds(list[i].t0_s);
        for (size_t k = 0; k < list[i].words; k++)
            items[k] = (words_item){.t0 = t0,
                                    .t1 = t0 + AFFECT_SECOND,
                                    .text = "word",
                                    .confidence = list[i].confidence};
        words_utterance u = {
            .t0 = t0, .t1 = t0 + AFFECT_SECOND, .count = list[i].words, .items = items};
        assert_int_equal(words_judge_add(judge, &u), AFFECT_OK);
    }
    assert_int_equal(words_judge_finish(judge), AFFECT_OK);
    words_judge_destroy(judge);
    words_emitter_destroy(emitter);
    return timeline;
}

static void verdicts_use_what_stands_around(void **state) {
    (void)state;
    /* Clear speech; a mumbled word inside it is carried by the rest. */
    const said clear[] = {{0, .98F, 8}, {3, .98F, 8}, {6, .5F, 2}, {9, .98F, 8}};
    affect_timeline *t = judged(clear, BASE_COUNT(clear));
    assert_int_equal(affect_tier_count(affect_timeline_find_tier(t, "words")), 26);
    assert_int_equal(affect_timeline_warning_count(t), 0);
    affect_timeline_destroy(t);
    /* Another language: no word comes through, also not a confident one by chance. */
    const said foreign[] = {{0, .6F, 8}, {3, .7F, 8}, {6, .97F, 2}, {9, .6F, 8}};
    t = judged(foreign, BASE_COUNT(foreign));
    assert_int_equal(affect_tier_count(affect_timeline_find_tier(t, "words")), 0);
    assert_int_equal(affect_tier_count(affect_timeline_find_tier(t, "utterances")), 4);
    assert_int_equal(
        affect_attributes_boolean(
            affect_tier_interval(affect_timeline_find_tier(t, "utterances"), 2)->attributes,
            "understood", 1),
        0);
    assert_int_equal(affect_timeline_warning_count(t), 1);
    affect_interval warning = *affect_timeline_warning(t, 0);
    assert_true(warning.t0 == 0 && warning.t1 == 10 * AFFECT_SECOND);
    affect_timeline_destroy(t);
    /* After a minute of silence the slate is clean. */
    const said change[] = {{0, .6F, 16}, {100, .98F, 16}};
    t = judged(change, BASE_COUNT(change));
    assert_int_equal(affect_tier_count(affect_timeline_find_tier(t, "words")), 16);
    affect_timeline_destroy(t);
    /* One lone "yeah" in music */
    const said lone[] = {{0, .99F, 1}};
    t = judged(lone, 1);
    assert_int_equal(affect_tier_count(affect_timeline_find_tier(t, "words")), 0);
    affect_timeline_destroy(t);
}

static int load(void **state) {
    (void)state;
    return words_estimator_load(NULL, "models/words.lexicon", &emotion);
}

static int unload(void **state) {
    (void)state;
    words_estimator_destroy(emotion);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(negation_and_degree_follow_the_measured_rules),
        cmocka_unit_test(sentences_come_out_on_the_right_side),
        cmocka_unit_test(roles_are_found),
        cmocka_unit_test(damaged_files_are_refused_with_the_line),
        cmocka_unit_test(verdicts_use_what_stands_around),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
