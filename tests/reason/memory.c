/* Out of memory is an error like others: explaining, checking, asking and labelling, with each
 * allocation failing in turn. */
#include <stdlib.h>
#include <string.h>

#include "reason/reason.h"
#include "report/report.h"
#include "tests/reason/timeline.h"
#include "tests/test.h"

static affect_context *ctx;
static affect_reasoner *reasoner;
static affect_timeline *timeline;

static int set_up(void **state) {
    (void)state;
    assert_int_equal(affect_context_create(&ctx), AFFECT_OK);
    assert_int_equal(affect_reasoner_create(ctx, NULL, &reasoner), AFFECT_OK);
    return report_parse_json(ctx, "t", TIMELINE, sizeof TIMELINE - 1, &timeline);
}

static int tear_down(void **state) {
    (void)state;
    affect_timeline_destroy(timeline);
    affect_reasoner_destroy(reasoner);
    affect_context_destroy(ctx);
    return 0;
}

/* ---- each gives what it was given back, whatever fails ---- */

static affect_status explain_and_check(void *user) {
    (void)user;
    affect_explanation *e = NULL, *again = NULL;
    const char *text;
    affect_status status = affect_explain(reasoner, timeline, NULL, 0, &e);
    if (!status) status = affect_explanation_check(reasoner, timeline, e);
    if (!status) status = affect_explanation_verdicts(ctx, e, &text);
    if (!status) status = affect_explanation_text(ctx, e, &text);
    if (!status) status = affect_explanation_json(ctx, e, &text);
    if (!status) status = affect_explanation_parse(ctx, "again", text, strlen(text), &again);
    if (!status) assert_int_equal(affect_explanation_count(again), affect_explanation_count(e));
    if (!status) assert_true(affect_explanation_faithfulness(e) == 1);
    affect_explanation_destroy(e);
    affect_explanation_destroy(again);
    return status;
}

static affect_status ask(void *question) {
    const affect_answer *answer = NULL;
    affect_status status = affect_ask(reasoner, timeline, question, &answer);
    if (!status) assert_true(!answer->refused && *answer->value && *answer->text);
    affect_answer_destroy(answer);
    return status;
}

static affect_status label(void *user) {
    static const char *const own[] = {"happy", "sad"};
    affect_labels *a = NULL, *b = NULL;
    (void)user;
    affect_status status =
        affect_labels_from_text(reasoner, "She seems relieved, not \"angry\"; he is sad.", &a);
    if (!status) assert_true(affect_labels_count(a) > 0);
    if (!status) status = affect_labels_of_episode(reasoner, timeline, "e1", own, 2, &b);
    if (!status) assert_string_equal(affect_labels_word(b, 0), "happy");
    affect_labels_destroy(a);
    affect_labels_destroy(b);
    return status;
}

static affect_status prompt(void *user) {
    (void)user;
    char *text = NULL;
    const affect_llm_options o = {.url = "http://127.0.0.1:1/v1", .prompt = "few-shot"};
    affect_status status = affect_llm_prompt(reasoner, timeline, &o, sizeof o, &text);
    if (!status) assert_non_null(strstr(text, "episode e1 person 1"));
    affect_text_free(text);
    return status;
}

static void every_allocation(void **state) {
    (void)state;
    assert_true(test_fail_each_allocation("explain", explain_and_check, NULL) > 20);
    assert_true(test_fail_each_allocation("label", label, NULL) > 5);
    assert_true(test_fail_each_allocation("prompt", prompt, NULL) > 2);
    static const char *const questions[] = {
        "How does person 2 look after person 2 says \"no thanks\"?",
        "Why does Ann's mood change at 0:10?", "Who smiles more, Ann or person 2?",
        "When does Ann first become sad?", "Which came first, the smile or the fall of pitch?"};
    for (size_t i = 0; i < BASE_COUNT(questions); i++)
        assert_true(test_fail_each_allocation(questions[i], ask, (void *)(uintptr_t)questions[i]) >
                    3);
}

static void what_is_not_there(void **state) {
    (void)state;
    affect_labels *labels;
    const affect_llm_options o = {.url = "http://127.0.0.1:1/v1"};
    char *text;
    assert_int_equal(affect_labels_of_episode(reasoner, timeline, "u1", NULL, 0, &labels),
                     AFFECT_ERROR_NOT_FOUND);
    assert_int_equal(affect_llm_prompt(reasoner, timeline, &o, 3, &text), AFFECT_ERROR_ARGUMENT);
    assert_null(affect_labels_word(NULL, 0));
    assert_null(affect_explanation_claim(NULL, 0));
    assert_string_equal(affect_claim_kind_name((affect_claim_kind)99), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation),
        cmocka_unit_test(what_is_not_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
