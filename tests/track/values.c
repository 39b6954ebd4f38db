/* Copies of attributes own what they hold; labels of networks fall under the categories that their makers name. */
#include <string.h>

#include "tests/test.h"
#include "track/track.h"

static affect_context *ctx;

static int set_up(void **state) {
    (void)state;
    return affect_context_create(&ctx) != AFFECT_OK;
}

static int tear_down(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return 0;
}

static void a_copy_owns_its_lists_and_texts(void **state) {
    (void)state;
    affect_attributes *from, *copy;
    const char *const words[] = {"glad", "calm"};
    const double numbers[] = {0.5, -2};
    assert_int_equal(affect_attributes_create(ctx, &from), AFFECT_OK);
    assert_int_equal(affect_attributes_set_texts(ctx, from, "labels", words, 2), AFFECT_OK);
    assert_int_equal(affect_attributes_set_numbers(ctx, from, "scores", numbers, 2), AFFECT_OK);
    assert_int_equal(affect_attributes_set_text(ctx, from, "cue", "a smile"), AFFECT_OK);
    assert_int_equal(affect_attributes_set_boolean(ctx, from, "seen", true), AFFECT_OK);
    assert_int_equal(attributes_copy(ctx, from, &copy), AFFECT_OK);
    const affect_value *mine = affect_attributes_find(copy, "labels"),
                       *theirs = affect_attributes_find(from, "labels");
    assert_ptr_not_equal(affect_value_item(mine, 0), affect_value_item(theirs, 0));
    assert_ptr_not_equal(affect_value_text(affect_value_item(mine, 1)),
                         affect_value_text(affect_value_item(theirs, 1)));
    affect_attributes_destroy(
        from); /* what follows would read freed memory if anything were shared */
    assert_int_equal(affect_attributes_count(copy), 4);
    assert_int_equal(affect_value_count(mine), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(affect_value_text(affect_value_item(mine, i)), words[i]);
        assert_true(affect_value_number(affect_value_item(affect_attributes_find(copy, "scores"),
                                                          i)) == numbers[i]);
    }
    assert_string_equal(affect_attributes_text(copy, "cue"), "a smile");
    assert_int_equal(affect_attributes_boolean(copy, "seen", 0), 1);
    affect_attributes_destroy(copy);
    assert_int_equal(affect_attributes_create(ctx, &from), AFFECT_OK);
    assert_int_equal(attributes_copy(ctx, from, &copy), AFFECT_OK);
    assert_null(copy); /* of nothing, nothing */
    affect_attributes_destroy(from);
}

/* GoEmotions' grouping (Demszky et al. 2020, appendix; ekman_mapping of its repository). */
static void labels_fall_under_ekmans_six(void **state) {
    (void)state;
    static const struct {
        const char *category, *labels[13];
    } groups[] = {{"anger", {"anger", "annoyance", "disapproval"}},
                  {"disgust", {"disgust"}},
                  {"fear", {"fear", "nervousness"}},
                  {"happiness",
                   {"joy", "amusement", "approval", "excitement", "gratitude", "love", "optimism",
                    "relief", "pride", "admiration", "desire", "caring"}},
                  {"sadness", {"sadness", "disappointment", "embarrassment", "grief", "remorse"}},
                  {"surprise", {"surprise", "realization", "confusion", "curiosity"}},
                  {"neutral", {"neutral"}}};
    size_t synonyms = 0;
    int of;
    while (category_synonym(synonyms, &of)) synonyms++;
    assert_int_equal(synonyms,
                     22); /* the 28 less anger, disgust, fear, sadness, surprise, neutral */
    for (size_t g = 0; g < BASE_COUNT(groups); g++)
        for (size_t k = 0; groups[g].labels[k]; k++) {
            int c = category_of_label(groups[g].labels[k]);
            assert_in_range(c, 0, CATEGORIES - 1);
            assert_string_equal(category_names[c], groups[g].category);
            assert_string_equal(category_table[c].name, groups[g].category);
        }
    assert_int_equal(category_of_label("zeal"), -1);
    /* A region has the colour of its category, a label that nothing knows a colour of its own. */
    assert_ptr_equal(category_colour("grief"), category_colour("sadness"));
    assert_ptr_equal(category_colour("downcast"), category_colour("sadness"));
    assert_ptr_equal(category_colour("zeal"), &category_other);
}

static void properties_are_found_by_their_key(void **state) {
    (void)state;
    affect_timeline *t;
    assert_int_equal(timeline_create(ctx, &t), AFFECT_OK);
    assert_null(affect_timeline_property(t, "a"));
    assert_null(affect_timeline_property(NULL, "a"));
    assert_null(affect_timeline_property(t, NULL));
    assert_int_equal(timeline_set_property(ctx, t, "a", "1"), AFFECT_OK);
    assert_int_equal(timeline_set_property(ctx, t, "b", "2"), AFFECT_OK);
    assert_int_equal(timeline_set_property(ctx, t, "a", "3"), AFFECT_OK);
    assert_string_equal(affect_timeline_property(t, "a"), "3");
    assert_string_equal(affect_timeline_property(t, "b"), "2");
    assert_null(affect_timeline_property(t, "c"));
    assert_null(affect_timeline_property(NULL, "a"));
    affect_timeline_destroy(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_owns_its_lists_and_texts),
        cmocka_unit_test(labels_fall_under_ekmans_six),
        cmocka_unit_test(properties_are_found_by_their_key),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
