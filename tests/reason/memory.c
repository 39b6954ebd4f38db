/* Out of memory is an error like others: explaining, checking, asking and labelling, with each
 * allocation failing in turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/media.h"
#include "reason/attach.h"
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

/* ---- the pictures and the sound of a recording ---- */

/* A picture of one colour, and a second of sound: files that a recording can be. */
static void make_recordings(void) {
    static uint8_t rgb[40 * 30 * 3];
    static const uint8_t head[44] =
        "RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\0\x7d\0";
    memset(rgb, 90, sizeof rgb);
    const media_frame frame = {.width = 40, .height = 30, .stride = 120, .rgb = rgb};
    base_text png = {0}, wav = {0};
    assert_true(media_put_png(&frame, &png));
    base_text_append_n(&wav, (const char *)head, sizeof head);
    for (int i = 0; i < 16000; i++) base_text_append_n(&wav, i % 50 < 25 ? "\0\x10" : "\0\xf0", 2);
    assert_int_equal(base_write_file(ctx, "reason-memory.png", png.data, png.length), AFFECT_OK);
    assert_int_equal(base_write_file(ctx, "reason-memory.wav", wav.data, wav.length), AFFECT_OK);
    base_text_destroy(&png);
    base_text_destroy(&wav);
}

static affect_status attach(void *user) {
    const char *path = user;
    const bool sound = base_ends_with(path, ".wav");
    reason_graph graph;
    reason_attachments a = {0};
    size_t pictures = 0;
    double seconds = 0;
    affect_status status = reason_graph_build(reasoner, timeline, &graph);
    if (status) return status;
    const reason_scope scopes[] = {{.episode = graph.episodes[0]}, {.least = 0}};
    status = reason_attach_plan(ctx, &graph, !sound, sound, scopes, 2, &a);
    if (!status) status = reason_attach_read(ctx, path, &a);
    if (!status) {
        reason_attach_count(&a, &pictures, &seconds);
        assert_int_equal(pictures, sound ? 0 : 1); /* the smile */
        assert_true(a.items[0].data.length > (sound ? 1000 : 60));
        assert_memory_equal(a.items[0].data.data, sound ? "RIFF" : "\x89PNG", 4);
        assert_true(!sound || (seconds > 0.99 && seconds < 1.01));
    }
    reason_attach_clear(&a);
    reason_graph_clear(&graph);
    return status;
}

static void every_attachment(void **state) {
    (void)state;
    char folder[] = "/tmp/affect-reason-XXXXXX";
    static char picture[] = "reason-memory.png", wav[] = "reason-memory.wav";
    assert_non_null(mkdtemp(folder));
    char *back = getcwd(NULL, 0);
    assert_int_equal(chdir(folder), 0);
    make_recordings();
    assert_true(test_fail_each_allocation("picture", attach, picture) > 5);
    assert_true(test_fail_each_allocation("sound", attach, wav) > 5);
    assert_int_equal(unlink(picture) | unlink(wav) | chdir(back) | rmdir(folder), 0);
    free(back);
}

static void every_allocation(void **state) {
    (void)state;
    assert_true(test_fail_each_allocation("explain", explain_and_check, NULL) > 20);
    assert_true(test_fail_each_allocation("label", label, NULL) > 5);
    assert_true(test_fail_each_allocation("prompt", prompt, NULL) > 2);
    static const char *const questions[] = {
        "How does person 2 look after person 2 says \"no thanks\"?",
        "Why does Ann's mood change at 0:10?",
        "Who smiles more, Ann or person 2?",
        "When does Ann first become sad?",
        "When is Ann happiest?",
        "In what order do Ann's emotions come?",
        "Which came first, the smile or the fall of pitch?"};
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
        cmocka_unit_test(every_attachment),
        cmocka_unit_test(what_is_not_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
