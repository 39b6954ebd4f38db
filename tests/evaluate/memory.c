/* Out of memory is an error like others: every task of affect score, on small files, with each
 * allocation failing in turn. A task that goes on without what it asked for fails here. */
#include <stdlib.h>
#include <string.h>

#include "evaluate/evaluate.h"
#include "tests/test.h"

static char folder[] = "/tmp/affect-score-XXXXXX";

static const char *put(const char *name, const char *text) {
    static char path[16][64];
    static int next;
    char *at = path[next++ % 16];
    snprintf(at, sizeof path[0], "%s/%s", folder, name);
    FILE *file = fopen(at, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return at;
}

static evaluate_call call_of(const char *task, const char *gold, const char *predicted) {
    evaluate_call call = evaluate_call_default();
    call.task = task;
    call.gold = gold;
    call.predicted = predicted;
    call.format = "json";
    call.convention = "probability";
    call.longest_lag = 2;
    call.rounds = 12;
    return call;
}

typedef affect_status (*task_of)(const evaluate_call *call);
typedef struct work {
    evaluate_call call;
    task_of task;
} work;

static affect_status run(void *user) {
    work *w = user;
    affect_status status = affect_context_create(&w->call.ctx);
    if (status) return status;
    base_text out = {0};
    w->call.out = &out;
    status = w->task(&w->call);
    base_text_destroy(&out);
    affect_context_destroy(w->call.ctx);
    return status;
}

static void fail_each(evaluate_call call, task_of task) {
    work w = {call, task};
    assert_true(test_fail_each_allocation(call.task, run, &w) > 5);
}

static void columns(void **state) {
    (void)state;
    const char *gold = put("g.csv", "id,label,x,who\n1,a,0.5,s\n2,b,-1,s\n3,a,2,t\n4,,0,t\n");
    const char *pred = put("p.csv", "id,label,x,sd\n2,b,-1.5,1\n1,b,0.25,2\n3,a,1,1\n9,c,1,1\n");
    evaluate_call call = call_of("classes", gold, pred);
    call.unit = call.fold = "who";
    fail_each(call, evaluate_task_classes);
    call = call_of("regression", gold, pred);
    call.column = "x";
    call.unit = "who";
    fail_each(call, evaluate_task_regression);
    call.task = "sentiment";
    fail_each(call, evaluate_task_sentiment);
    call.task = "sims";
    call.set = "sims";
    fail_each(call, evaluate_task_sentiment);
    call.task = "calibration of numbers";
    call.sd = "sd";
    fail_each(call, evaluate_task_calibration);
    call = call_of("calibration", gold, put("q.csv", "id,a,b\n1,0.7,0.3\n2,0.2,0.8\n3,0.9,0.1\n"));
    call.gold_column = "label";
    fail_each(call, evaluate_task_calibration);
    call = call_of("agreement", put("r.csv", "ann,bob,eve\n1,1,2\n2,2,2\n3,,1\n1,1,1\n"), NULL);
    fail_each(call, evaluate_task_agreement);
    call.gold = put("w.csv", "ann,bob\nyes,no\nno,no\nyes,yes\n");
    fail_each(call, evaluate_task_agreement);
}

static void sets(void **state) {
    (void)state;
    const char *gold = put("mg.csv", "id,labels\n1,\"a,b\"\n2,b\n3,\n");
    evaluate_call call =
        call_of("multilabel", gold, put("mp.csv", "id,labels\n1,a\n2,\"a,b\"\n3,a\n"));
    fail_each(call, evaluate_task_multilabel);
    call.predicted = put("mq.csv", "id,a,b\n1,0.7,0.3\n2,0.2,0.8\n3,0.9,0.1\n");
    call.rule = "tuned";
    call.dev_gold = gold;
    call.dev_predicted = call.predicted;
    fail_each(call, evaluate_task_multilabel);
    call = call_of("ferplus",
                   put("v.csv", "id,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,"
                                "unknown,NF\n1,8,2,0,0,0,0,0,0,0,0\n2,0,6,4,0,0,0,0,0,0,0\n"
                                "3,1,1,1,1,1,1,1,1,1,1\n"),
                   put("s.csv", "id,label\n1,neutral\n2,surprise\n3,fear\n"));
    fail_each(call, evaluate_task_ferplus);
}

static void times(void **state) {
    (void)state;
    evaluate_call call =
        call_of("dynamics", put("t.csv", "clip,time,x\na,0,0\na,1,1\na,2,0\na,3,1\nb,0,1\nb,1,0\n"),
                put("u.csv", "clip,time,x\na,0,0\na,1,0.5\na,2,0\na,3,1\nb,0,1\nc,0,1\n"));
    fail_each(call, evaluate_task_dynamics);
    call.gold = put("l.csv", "clip,time,x\na,0,joy\na,1,joy\na,2,fear\n");
    call.predicted = put("k.csv", "clip,time,x\na,0,joy\na,1,fear\na,2,fear\n");
    fail_each(call, evaluate_task_dynamics);
    call = call_of("spotting", put("i.csv", "clip,onset,offset,label\na,0,1,x\na,2,3,y\nb,,,\n"),
                   put("j.csv", "clip,onset,offset,label\na,0,0.8,x\nb,2,3,y\n"));
    fail_each(call, evaluate_task_spotting);
    call.task = "eder";
    call.fill = "n";
    call.durations = put("d.csv", "clip,duration\na,4\nb,3\n");
    fail_each(call, evaluate_task_eder);
    call = call_of("cause",
                   put("c.csv", "clip,emotion_utterance,cause_utterance,emotion\na,1,1,joy\n"
                                "a,2,1,fear\n"),
                   put("e.csv", "clip,emotion_utterance,cause_utterance,emotion\na,1,1,joy\n"));
    fail_each(call, evaluate_task_cause);
}

static affect_status run_open(void *user) {
    const char *const is[] = {"['glad', 'sad']", "sad"}, *const said[] = {"['glad']",
                                                                          "['Sad', 'y']"};
    const char *const groups[] = {"[['glad', 'happy']]", "[]"};
    affect_score_open open;
    affect_score_hits hits;
    affect_status status =
        affect_score_open_sets(NULL, AFFECT_SCORE_MER2024, NULL, groups, is, said, 2, &open);
    if (!status)
        status = affect_score_open_sets(NULL, AFFECT_SCORE_MER2025, user, NULL, is, said, 2, &open);
    if (!status) status = affect_score_hit_rates(NULL, user, is, said, 2, "happy, sad", &hits);
    return status;
}

static void open_labels(void **state) {
    (void)state;
    char name[16];
    put("format.csv", "name,format\nglad,\"glad,gladly\"\nsad,sad\n");
    put("synonym.csv", "word_run1,synonym_run1\nglad,happy\nsad,sad\n");
    for (int k = 1; k <= 5; k++) {
        snprintf(name, sizeof name, "wheel%d.csv", k);
        put(name, "level1,level2,level3\nhappy,joy,glad\nsad,low,down\n");
    }
    const char *gold = put("og.csv", "name,openset\n1,\"['glad','sad']\"\n2,['sad']\n3,['x']\n");
    evaluate_call call = call_of(
        "mer-ov", gold, put("op.csv", "name,openset\n1,['glad']\n2,\"['Sad','y']\"\n3,[]\n"));
    call.wheels = folder;
    call.edition = "2025";
    fail_each(call, evaluate_task_open);
    call.task = "hit-rate";
    fail_each(call, evaluate_task_hit_rate);

    affect_score_open open;
    affect_score_hits hits;
    affect_score_wheels *wheels;
    const char *const is[] = {"['glad', 'sad']", "sad"}, *const said[] = {"['glad']",
                                                                          "['Sad', 'y']"};
    const char *const groups[] = {"[['glad', 'happy']]", "[]"};
    assert_int_equal(affect_score_wheels_open(NULL, folder, &wheels), AFFECT_OK);
    assert_int_equal(
        affect_score_open_sets(NULL, AFFECT_SCORE_MER2026, wheels, NULL, is, said, 2, &open),
        AFFECT_OK);
    assert_true(open.precision == 1 && open.recall == 0.75);
    assert_int_equal(
        affect_score_open_sets(NULL, AFFECT_SCORE_MER2024, NULL, groups, is, said, 2, &open),
        AFFECT_OK);
    assert_true(open.precision == 0.75 && open.recall == 0.75 && open.score == 0.75);
    assert_int_equal(affect_score_hit_rates(NULL, wheels, is, said, 2, "happy, glad, sad", &hits),
                     AFFECT_OK);
    assert_true(hits.samples == 2 && hits.skipped == 0 && hits.hit_rate == 1 && hits.mscore == 1);
    /* What is missing is an error. */
    assert_int_equal(
        affect_score_open_sets(NULL, AFFECT_SCORE_MER2024, wheels, NULL, is, said, 2, &open),
        AFFECT_ERROR_ARGUMENT);
    assert_int_equal(
        affect_score_open_sets(NULL, AFFECT_SCORE_MER2025, NULL, groups, is, said, 2, &open),
        AFFECT_ERROR_ARGUMENT);
    assert_true(test_fail_each_allocation("open vocabulary from C", run_open, wheels) > 10);
    affect_score_wheels_destroy(wheels);
}

static int open_quietly(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return 1;
    /* What the tasks print is the other tests' matter. */
    return freopen("/dev/null", "w", stdout) == NULL;
}

static int remove_files(void **state) {
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(columns), cmocka_unit_test(sets),
                                       cmocka_unit_test(times), cmocka_unit_test(open_labels)};
    return cmocka_run_group_tests(tests, open_quietly, remove_files);
}
