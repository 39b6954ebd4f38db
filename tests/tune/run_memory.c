/* Out of memory is an error like others: allocations fail in turn while clips are made of a recording, and while a model is taught with them. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tune/tune.h"

static const char TIMELINE[] =
    "{\"schema\":\"affect-timeline/2\",\"duration\":8.000,\"properties\":{},\"persons\":[],"
    "\"warnings\":[],\"tracks\":[{\"id\":\"face/1/aus\",\"modality\":\"face\",\"person\":1,"
    "\"model\":\"\",\"channels\":[\"AU12\"],\"rows\":[[0.0,1,0.5],[1.0,1,null],[4.0,1,0.7]]},"
    "{\"id\":\"voice/prosody\",\"modality\":\"voice\",\"person\":null,\"model\":\"\",\"channels\":["
    "\"f0_hz\"],\"rows\":[[0.1,1,110],[2.0,1,120]]}],\"tiers\":[{\"id\":\"episodes\",\"modality\":"
    "\"fused\",\"intervals\":[{\"id\":\"e1\",\"t0\":0.000,\"t1\":8.000,\"label\":\"happiness\","
    "\"score\":0.7,\"person\":1,\"parent\":null,\"attributes\":null}]}],\"events\":[{\"id\":\"f1\","
    "\"onset\":1.000,\"apex\":1.500,\"offset\":2.000,\"kind\":\"smile\",\"modality\":\"face\","
    "\"person\":1,\"model\":\"\",\"strength\":1,\"confidence\":1}],\"links\":[]}";
static const char LABELS[] = "recording,label,description\nr,joy,She seems relieved.\n";
static const char RECIPE[] = "[streams]\nnames = face\n[projector]\nkind = ridge\ntokens = 1\n"
                             "[lora]\nrank = 1\n[train]\nepochs = 1\nbatch = 1\n";
static const char CLIPS[] =
    "{\"split\":\"train\",\"prompt\":[1,\"<face>\"],\"answer\":[3],\"streams\":{\"face\":{"
    "\"channels\":[\"a\"],\"times\":[0],\"rows\":[[1]]}}}\n"
    "{\"split\":\"valid\",\"prompt\":[1,\"<face>\"],\"answer\":[4],\"streams\":{}}\n";

static char folder[] = "/tmp/affect-tune-memory-XXXXXX";

static void put(affect_context *ctx, const char *name, const char *text) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(base_write_file(ctx, path, text, strlen(text)), AFFECT_OK);
}

/* How many there were. A few may fail without harm: those of putting a folder's names on the disk at once. */
static long fail_each(affect_context *ctx, affect_status (*run)(affect_context *ctx)) {
    long at = 0, harmless = 0;
    bool failed = true;
    while (failed) {
        base_alloc_fail_at(++at);
        affect_status status = run(ctx);
        failed = base_alloc_count() >= at;
        base_alloc_fail_at(0);
        if (status) assert_int_equal(status, AFFECT_ERROR_MEMORY);
        harmless += failed && !status;
    }
    assert_true(harmless < 10);
    return at;
}

static affect_status make_clips(affect_context *ctx) {
    char timeline[200], labels[200], output[200];
    snprintf(timeline, sizeof timeline, "%s/r.json", folder);
    snprintf(labels, sizeof labels, "%s/l.csv", folder);
    snprintf(output, sizeof output, "%s/made.jsonl", folder);
    const char *const timelines[] = {timeline}, *const tables[] = {labels};
    const tune_data_options o = {.timelines = timelines,
                                 .timeline_count = 1,
                                 .labels = tables,
                                 .label_count = 1,
                                 .output = output,
                                 .kinds = "label,words,explanation,masked,question,description",
                                 .rate_hz = 5,
                                 .longest_s = 30,
                                 .claims = 4,
                                 .valid_every = 5};
    tune_data_counts counts;
    affect_status status = tune_data_make(ctx, &o, &counts);
    if (!status) assert_true(counts.clips >= 6);
    return status;
}

static affect_status teach(affect_context *ctx) {
    char recipe[200], clips[200], run[200];
    snprintf(recipe, sizeof recipe, "%s/r.ini", folder);
    snprintf(clips, sizeof clips, "%s/c.jsonl", folder);
    snprintf(run, sizeof run, "%s/run", folder);
    const tune_options o = {.recipe = recipe,
                            .base = "tests/fuzz/corpus/gguf/model-qwen3",
                            .data = clips,
                            .folder = run,
                            .fresh = true,
                            .threads = 1};
    return tune_run(ctx, &o);
}

static void in_making_clips(void **state) {
    affect_context *ctx = *state;
    put(ctx, "r.json", TIMELINE);
    put(ctx, "l.csv", LABELS);
    assert_int_equal(make_clips(ctx), AFFECT_OK);
    assert_true(fail_each(ctx, make_clips) > 200);
}

static void in_a_run(void **state) {
    affect_context *ctx = *state;
    put(ctx, "r.ini", RECIPE);
    put(ctx, "c.jsonl", CLIPS);
    assert_int_equal(teach(ctx), AFFECT_OK);
    assert_true(fail_each(ctx, teach) > 100);
}

static int begin(void **state) {
    if (!mkdtemp(folder)) return -1;
    return affect_context_create((affect_context **)state) ? -1 : 0;
}

static int end(void **state) {
    static const char *const names[] = {"r.json",
                                        "l.csv",
                                        "made.jsonl",
                                        "r.ini",
                                        "c.jsonl",
                                        "run/card.json",
                                        "run/log.csv",
                                        "run/curves.svg",
                                        "run/recipe.ini",
                                        "run/adapter.gguf",
                                        "run/projector.safetensors",
                                        "run/checkpoint.safetensors"};
    char path[200];
    affect_context_destroy(*state);
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/run", folder);
    rmdir(path);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_making_clips),
                                       cmocka_unit_test(in_a_run)};
    return cmocka_run_group_tests(tests, begin, end);
}
