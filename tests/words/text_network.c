/* Between text and its network: what is read, what is not, and that it is what the trainer reads.
 * The networks are tiny and untrained. */
#include "words/text_network.h"

#include <math.h>

#include "tests/nn/tiny.h"
#include "track/track.h"
#include "words/estimator.h"
#include "words/words.h"

static affect_context *ctx;
static tiny_model model;
static const char *affect_path;

#define VOCABULARY                                                                                 \
    "#buckets 50\ni\nam\nso\nhappy\nto\nsee\nyou\n!\n,\nwe\nlost\neverything\nand\nit\nhurts\n"

static int set_up(void **state) {
    (void)state;
    if (affect_context_create(&ctx)) return 1;
    model = tiny_make(
        ctx, "tiny.text",
        (nn_net_options){
            .kind = "text_gru", .outputs = 6, .inputs = 8, .vocabulary = 65, .width = 8},
        3, true, "\"joy\", \"grief\", \"a \\\"b\\\"\", \"valence\", \"arousal\", \"dominance\"",
        VOCABULARY, true,
        ", \"threshold\": 0.05, \"validation\": {\"errors\": {\"valence\": 0.25}}");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    tiny_remove(&model);
    affect_context_destroy(ctx);
    return 0;
}

static void known_words_are_read_others_are_not(void **state) {
    (void)state;
    words_network *n;
    words_reading r;
    size_t count;
    assert_int_equal(words_network_create(ctx, model.folder, &n), AFFECT_OK);
    assert_string_equal(words_network_labels(n, &count)[1], "grief");
    assert_int_equal(count, 3);
    assert_int_equal(words_network_read(ctx, n, "I am so HAPPY to see you!", &r), AFFECT_OK);
    assert_true(r.scored && r.coverage == 1);
    assert_true(r.sd[0] == 0.25F && r.sd[1] > 0.2F);
    for (size_t i = 0; i < 3; i++) assert_true(r.posteriors[i] > 0 && r.posteriors[i] < 1);
    static const char *const strange[] = {"",
                                          "  ",
                                          "...",
                                          "Ich freue mich sehr, dich zu sehen",
                                          "\xF0\x9F\x98\x80",
                                          "\xC3\xBC\xC3\xB6"};
    for (size_t i = 0; i < BASE_COUNT(strange); i++) {
        assert_int_equal(words_network_read(ctx, n, strange[i], &r), AFFECT_OK);
        assert_false(r.scored);
        assert_true(isnan(r.value[0]));
    }
    words_network_destroy(n);
}

/* What is read is combined with what the lexicon says, never outside the two. */
static void two_estimates_are_one(void **state) {
    (void)state;
    words_affect a = {
        .value = {0.2F, 0, NAN}, .sd = {0.4F, 0.4F, NAN}, .coverage = 1, .scored = true};
    const words_reading r = {.value = {0.8F, NAN, 0.5F},
                             .sd = {0.2F, NAN, 0.3F},
                             .in_distribution = 1,
                             .coverage = 1,
                             .scored = true},
                        none = {.scored = false};
    words_affect before = a;
    words_estimator_combine(&a, &none);
    assert_memory_equal(&a.value[0], &before.value[0], sizeof(float));
    words_estimator_combine(&a, &r);
    assert_true(a.value[0] > 0.2F && a.value[0] < 0.8F && a.sd[0] < 0.4F);
    assert_true(a.value[1] == 0 && a.value[2] == 0.5F);
    words_affect lone = {.value = {NAN, NAN, NAN}, .sd = {NAN, NAN, NAN}};
    words_estimator_combine(&lone, &r);
    assert_true(lone.scored && lone.value[0] == 0.8F && isnan(lone.value[1]));
}

static void an_utterance_gets_its_row_and_labels(void **state) {
    (void)state;
    affect_timeline *t;
    words_text *feed;
    words_options options = words_options_default();
    options.emotion_model = model.folder;
    options.lexicon = "/nowhere/lexicon";
    assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
    assert_int_equal(words_text_create(ctx, &options, t, &feed), AFFECT_OK);
    const affect_time s = AFFECT_SECOND;
    assert_int_equal(words_text_push(feed, 0, 2 * s, "We lost everything, and it hurts"),
                     AFFECT_OK);
    assert_int_equal(words_text_push(feed, 2 * s, 4 * s, "Alles ist gut geworden"), AFFECT_OK);
    assert_int_equal(words_text_push(feed, 4 * s, 6 * s, "I am so happy to see you"), AFFECT_OK);
    words_text_destroy(feed);
    const affect_track *emotion = affect_timeline_find_track(t, "words/emotion");
    const affect_track *affect = affect_timeline_find_track(t, "words/affect");
    assert_non_null(emotion);
    assert_int_equal(emotion->rows, 2);
    assert_string_equal(emotion->model, "tiny.text");
    assert_true(emotion->times[0] == s && emotion->times[1] == 5 * s);
    assert_int_equal(affect->rows, 3);
    assert_true(isfinite(affect->values[0]) && isnan(affect->values[6]));
    const affect_tier *utterances = affect_timeline_find_tier(t, "utterances");
    const affect_value *labels = affect_attributes_find(utterances->items[0].attributes, "labels");
    const affect_value *scores =
        affect_attributes_find(utterances->items[0].attributes, "label_scores");
    assert_true(affect_value_count(labels) >= 1);
    assert_int_equal(affect_value_count(labels), affect_value_count(scores));
    assert_true(*affect_value_text(affect_value_item(labels, 0)) != 0);
    assert_true(affect_value_number(affect_value_item(scores, 0)) > 0);
    assert_null(affect_attributes_find(utterances->items[1].attributes, "labels"));
    affect_timeline_destroy(t);
}

static void the_trainer_reads_the_same(void **state) {
    (void)state;
    static const char text[] = "We lost everything you see";
    char command[600], line[2000] = "";
    snprintf(command, sizeof command, "%s predict --json %s '%s'", affect_path, model.folder, text);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof line, pipe));
    assert_int_equal(pclose(pipe), 0);
    words_network *n;
    words_reading r;
    assert_int_equal(words_network_create(ctx, model.folder, &n), AFFECT_OK);
    assert_int_equal(words_network_read(ctx, n, text, &r), AFFECT_OK);
    const char *grief = strstr(line, "\"grief\": "), *arousal = strstr(line, "\"arousal\": ");
    assert_non_null(grief);
    assert_non_null(arousal);
    assert_true(fabs(strtod(grief + 9, NULL) - (double)r.posteriors[1]) < 2e-5);
    assert_true(fabs(strtod(arousal + 11, NULL) - (double)r.value[1]) < 2e-5);
    words_network_destroy(n);
}

/* A user's ONNX model with our inputs stands in by its card. */
static void a_plugged_in_model_reads_the_same(void **state) {
    (void)state;
    tiny_model onnx = tiny_plug(
        ctx, &model, "\"joy\", \"grief\", \"a \\\"b\\\"\", \"valence\", \"arousal\", \"dominance\"",
        true, ", \"multi_label\": true, \"threshold\": 0.05");
    words_network *n[2];
    words_reading r[2];
    assert_int_equal(words_network_create(ctx, model.folder, &n[0]), AFFECT_OK);
    if (words_network_create(ctx, onnx.folder, &n[1]) == AFFECT_ERROR_RUNTIME) {
        print_message("skipped: %s\n", affect_context_message(ctx));
        words_network_destroy(n[0]);
        tiny_remove(&onnx);
        skip();
    }
    assert_non_null(n[1]);
    for (int k = 0; k < 2; k++)
        assert_int_equal(words_network_read(ctx, n[k], "I am so happy to see you!", &r[k]),
                         AFFECT_OK);
    assert_true(r[1].scored && r[1].in_distribution == 1);
    for (size_t i = 0; i < 3; i++) {
        assert_true(fabsf(r[0].posteriors[i] - r[1].posteriors[i]) < 1e-5F);
        assert_true(fabsf(r[0].value[i] - r[1].value[i]) < 1e-5F);
    }
    words_network_destroy(n[0]);
    words_network_destroy(n[1]);
    tiny_remove(&onnx);
    /* one label a text is another task */
    onnx = tiny_plug(ctx, &model, "\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"", true, "");
    assert_int_equal(words_network_create(ctx, onnx.folder, &n[1]), AFFECT_ERROR_MODEL);
    assert_non_null(strstr(affect_context_message(ctx), "several labels"));
    tiny_remove(&onnx);
}

static void other_models_are_refused(void **state) {
    (void)state;
    words_network *n;
    tiny_model short_one =
        tiny_make(ctx, "tiny.short",
                  (nn_net_options){
                      .kind = "text_gru", .outputs = 2, .inputs = 8, .vocabulary = 60, .width = 8},
                  2, true, "\"a\", \"b\"", VOCABULARY, true, "");
    assert_int_equal(words_network_create(ctx, short_one.folder, &n), AFFECT_ERROR_MODEL);
    assert_non_null(strstr(affect_context_message(ctx), "65 units"));
    assert_null(n);
    tiny_remove(&short_one);
    assert_int_equal(words_network_create(ctx, "/nowhere", &n), AFFECT_ERROR_MODEL);
}

static affect_status load(void *user) {
    (void)user;
    words_network *n = NULL;
    affect_status status = words_network_create(ctx, model.folder, &n);
    assert_true((status == AFFECT_OK) == (n != NULL));
    words_network_destroy(n);
    return status;
}

static void out_of_memory_is_an_error(void **state) {
    (void)state;
    assert_true(test_fail_each_allocation("loading", load, NULL) > 5);
}

int main(int count, char **arguments) {
    affect_path = count > 1 ? arguments[1] : "affect";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_words_are_read_others_are_not),
        cmocka_unit_test(two_estimates_are_one),
        cmocka_unit_test(an_utterance_gets_its_row_and_labels),
        cmocka_unit_test(the_trainer_reads_the_same),
        cmocka_unit_test(a_plugged_in_model_reads_the_same),
        cmocka_unit_test(other_models_are_refused),
        cmocka_unit_test(out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests_name("words/text_network", tests, set_up, tear_down);
}
