/* What a set of outputs is worth, against numbers worked out by hand; samples and labels that are
 * not known are left out; a run that lacks memory says so. */
#include <math.h>
#include <string.h>

#include "tests/test.h"
#include "train/train.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static affect_context *ctx;
static int32_t nobody[5] = {-1, -1, -1, -1, -1};
static const char *const labels[] = {"a", "b", "c", "x"};

/* One class a sample: three right (one surely), one wrong, one without a class. */
static float logits_single[5 * 3] = {0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 5, 0, 0};
static float target_single[5 * 3] = {1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, -1, -1, -1};
static int32_t gold_single[5] = {0, 0, 1, 1, -1};

static void one_class(void **state) {
    (void)state;
    train_set set = {.ctx = ctx,
                     .spec = {.labels = labels, .classes = 3},
                     .count = 5,
                     .width = 3,
                     .target = target_single,
                     .gold = gold_single,
                     .group = nobody};
    train_scores s;
    assert_int_equal(train_score(&set, logits_single, 1, 0, NULL, 0, &s), AFFECT_OK);
    assert_int_equal(s.scored, 4);
    assert_int_equal(s.skipped, 1);
    NEAR(s.accuracy, .75);
    NEAR(s.uar, .75); /* a: 2 of 2, b: 1 of 2 */
    NEAR(s.majority, .5);
    double p1 = 1 / 3., p2 = exp(2) / (exp(2) + 2), p3 = exp(3) / (exp(3) + 2),
           p4 = exp(1) / (exp(1) + 2);
    /* four samples in four bins of 1/15: 1/3 is the upper end of the fifth */
    NEAR(s.ece, (1 - p1 + 1 - p2 + 1 - p3 + p4) / 4);
    NEAR(s.loss, -(log(p1) + log(p2) + log(p3) + log(1 / (exp(1) + 2))) / 4);
    assert_true(isnan(s.clear_accuracy));
    /* chosen samples, one twice */
    const uint32_t index[] = {3, 1, 1};
    assert_int_equal(train_score(&set, logits_single, 1, 0, index, 3, &s), AFFECT_OK);
    NEAR(s.accuracy, 2 / 3.);
}

/* Two labels that may hold together and a value; an unknown label (-1) and an unknown value (NaN).
 * */
static float logits_several[4 * 3] = {1, -1, .5f, 1, 1, 0, -1, 1, -.5f, 1, -1, 9};
static float target_several[4 * 3] = {1, 0, 1, 0, 1, 0, 1, -1, -1, 1, 1, NAN};
static int32_t gold_several[4] = {-1, -1, -1, -1};

static void several_labels(void **state) {
    (void)state;
    train_set set = {.ctx = ctx,
                     .spec = {.labels = labels, .classes = 2, .values = 1, .multi_label = true},
                     .count = 4,
                     .width = 3,
                     .target = target_several,
                     .gold = gold_several,
                     .group = nobody};
    train_scores s;
    assert_int_equal(train_score(&set, logits_several, 1, .5, NULL, 0, &s), AFFECT_OK);
    /* a: said 1 1 0 1, is 1 0 1 1: F1 2/3; b: said 0 1 0, is 0 1 1 (one unknown): F1 2/3 */
    NEAR(s.macro_f1, 2 / 3.);
    NEAR(s.micro_f1, 2 * 3. / (2 * 3 + 1 + 2));
    NEAR(s.threshold, .5);
    NEAR(s.r[0], 1);
    NEAR(s.ccc[0], 2 * (1 / 3.) / (1 / 6. + 2 / 3.)); /* half of gold's spread, the same mean */
    NEAR(s.rmse[0], sqrt(.5 / 3));
    /* what does not vary counts 0 */
    const uint32_t same[] = {1, 1};
    assert_int_equal(train_score(&set, logits_several, 1, .5, same, 2, &s), AFFECT_OK);
    NEAR(s.r[0], 0);
}

static affect_status score_both(void *user) {
    (void)user;
    train_set one = {.ctx = ctx,
                     .spec = {.labels = labels, .classes = 3},
                     .count = 5,
                     .width = 3,
                     .target = target_single,
                     .gold = gold_single,
                     .group = nobody};
    train_set many = {.ctx = ctx,
                      .spec = {.labels = labels, .classes = 2, .values = 1, .multi_label = true},
                      .count = 4,
                      .width = 3,
                      .target = target_several,
                      .gold = gold_several,
                      .group = nobody};
    train_scores s;
    base_text json = {0}, text = {0};
    affect_status status = train_score(&one, logits_single, 1, 0, NULL, 0, &s);
    if (!status) status = train_score(&many, logits_several, 1, .5, NULL, 0, &s);
    if (!status) status = train_report(&one, logits_single, 1, 0, 0, &json, &text);
    base_text_destroy(&json);
    base_text_destroy(&text);
    return status;
}

static void out_of_memory_is_an_error(void **state) {
    (void)state;
    assert_true(test_fail_each_allocation("scores", score_both, NULL) > 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_class),
                                       cmocka_unit_test(several_labels),
                                       cmocka_unit_test(out_of_memory_is_an_error)};
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    int failed = cmocka_run_group_tests_name("train/score", tests, NULL, NULL);
    affect_context_destroy(ctx);
    return failed;
}
