/* What a dialogue tells about its turns: hand-made dialogues whose order of probabilities is known, and
 * models that are none. What it is worth on annotated dialogues: tests/reason/turns.py. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reason/turns.h"
#include "tests/test.h"

static affect_context *ctx;
static reason_turns_model *model;

static int set_up(void **state) {
    (void)state;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    return reason_turns_load(ctx, NULL, &model);
}

static int tear_down(void **state) {
    (void)state;
    base_free(model);
    affect_context_destroy(ctx);
    return 0;
}

enum { NEUTRAL, HAPPINESS, SURPRISE, SADNESS, ANGER };

/* B is sad at the end; what A said just before is about it, the opening is not. */
static const reason_turn talk[] = {
    {"Shall we take the bus?", 0, {[NEUTRAL] = 1}},
    {"Yes, it is late.", 1, {[NEUTRAL] = 1}},
    {"What a day.", 0, {[NEUTRAL] = 1}},
    {"By the way, the hospital called about your grandmother. She died.", 0, {[SADNESS] = .8}},
    {"My grandmother? Oh no.", 1, {[SADNESS] = 1}},
};

static void the_turn_before_more_than_an_earlier_one(void **state) {
    (void)state;
    double last = reason_turn_caused(model, talk, 4, 3),
           first = reason_turn_caused(model, talk, 4, 0);
    assert_true(last > model->threshold);
    assert_true(first < model->threshold);
    for (size_t c = 0; c <= 4; c++) {
        double p = reason_turn_caused(model, talk, 4, c);
        assert_true(p > 0 && p < 1 && p <= last + 1e-12);
    }
}

static void far_away_is_no_cause(void **state) {
    (void)state;
    reason_turn many[REASON_TURNS_BACK + 2];
    for (size_t i = 0; i < BASE_COUNT(many); i++) many[i] = talk[i % 4];
    assert_true(reason_turn_caused(model, many, REASON_TURNS_BACK + 1, 0) == 0);
    assert_true(reason_turn_caused(model, many, REASON_TURNS_BACK + 1, 1) > 0);
}

/* Place, speaker and emotions count; what stands in the features is what the header says. */
static void features_of_a_pair(void **state) {
    (void)state;
    double same[REASON_CAUSE_FEATURES], other[REASON_CAUSE_FEATURES];
    reason_turn turns[5];
    memcpy(turns, talk, sizeof turns);
    reason_cause_features(turns, 4, 3, same);
    assert_true(same[0] == 1);                   /* the constant */
    assert_true(same[1] == 1 && same[2] == 0);   /* one turn back */
    assert_true(fabs(same[8] - log(2)) < 1e-12); /* log of 1 + distance */
    assert_true(same[9] == 0);                   /* another speaker */
    turns[3].speaker = 1;
    reason_cause_features(turns, 4, 3, other);
    assert_true(other[9] == 1);
    turns[3] = talk[3];
    turns[3].text =
        "By the way, the bakery called about a cake. It is ready."; /* nothing in common */
    reason_cause_features(turns, 4, 3, other);
    double common = 0, none = 0;
    for (size_t i = 0; i < REASON_CAUSE_FEATURES; i++) {
        assert_true(isfinite(same[i]) && isfinite(other[i]));
        common += same[i];
        none += other[i];
    }
    assert_true(common != none);
}

static void text_in_any_state(void **state) {
    (void)state;
    char *longest = malloc(100001);
    assert_non_null(longest);
    for (size_t i = 0; i < 100000; i++) longest[i] = (char)(i % 7 ? 0x80 + i % 120 : ' ');
    longest[100000] = 0;
    const reason_turn turns[] = {{longest, 0, {0}}, {"", 1, {0}}};
    double x[REASON_CAUSE_FEATURES], p[CATEGORIES], sum = 0;
    reason_cause_features(turns, 1, 0, x);
    for (size_t i = 0; i < REASON_CAUSE_FEATURES; i++) assert_true(isfinite(x[i]));
    reason_turn_next(model, turns, 2, -1, p);
    for (int c = 0; c < CATEGORIES; c++) sum += p[c];
    assert_true(fabs(sum - 1) < 1e-12);
    free(longest);
}

static void what_comes_next(void **state) {
    (void)state;
    const reason_turn glad[] = {{"We won!", 0, {[HAPPINESS] = 1}},
                                {"Great.", 1, {[HAPPINESS] = 1}}};
    const reason_turn cross[] = {{"You again.", 0, {[ANGER] = 1}}, {"Leave me.", 1, {[ANGER] = 1}}};
    double a[CATEGORIES], b[CATEGORIES], none[CATEGORIES];
    reason_turn_next(model, glad, 2, 0, a);
    reason_turn_next(model, cross, 2, 0, b);
    reason_turn_next(model, NULL, 0, -1, none);
    assert_true(a[HAPPINESS] > b[HAPPINESS] && b[ANGER] > a[ANGER]);
    assert_true(a[HAPPINESS] > a[ANGER]);
    double sum = 0;
    for (int c = 0; c < CATEGORIES; c++) {
        assert_true(none[c] > 0);
        sum += none[c];
    }
    assert_true(fabs(sum - 1) < 1e-12);
}

static void models_that_are_none(void **state) {
    (void)state;
    static const char *const weights[] = {"", "{}", "[1",
                                          "{\"cause\":[1,2],\"next\":[],\"threshold\":0.5}",
                                          "{\"cause\":null,\"next\":[[]],\"threshold\":2}"};
    char folder[] = "/tmp/affect-turns-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/card.json", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(
        "{\"name\":\"x\",\"version\":\"1\",\"task\":\"reason.turns\",\"licence\":\"MIT\","
        "\"commercial\":true,"
        "\"training_data\":\"none\",\"source\":\"a "
        "test\",\"files\":[{\"name\":\"weights.json\",\"sha256\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\"}],\"limits\":\"-\"}",
        f);
    fclose(f);
    snprintf(path, sizeof path, "%s/weights.json", folder);
    for (size_t i = 0; i < BASE_COUNT(weights); i++) {
        reason_turns_model *out = NULL;
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(weights[i], f);
        fclose(f);
        assert_int_equal(reason_turns_load(ctx, folder, &out), AFFECT_ERROR_MODEL);
        assert_null(out);
    }
    unlink(path);
    snprintf(path, sizeof path, "%s/card.json", folder);
    unlink(path);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_turn_before_more_than_an_earlier_one),
        cmocka_unit_test(far_away_is_no_cause),
        cmocka_unit_test(features_of_a_pair),
        cmocka_unit_test(text_in_any_state),
        cmocka_unit_test(what_comes_next),
        cmocka_unit_test(models_that_are_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
