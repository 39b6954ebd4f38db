/* Where models are looked for, in which order, what a broken one means, and that sums are checked: in folders made here. The
 * sums are those of sha256sum for the bytes "one" and "two". */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/model_private.h"
#include "tests/test.h"

#define ONE "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
#define TWO "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"

static affect_context *ctx;
static char root[] = "/tmp/affect-models-XXXXXX";

static char *at(const char *path) {
    static char out[4][256];
    static int next;
    char *to = out[next++ % 4];
    snprintf(to, sizeof out[0], "%s/%s", root, path);
    return to;
}

static void put(const char *path, const char *text) {
    assert_int_equal(base_write_file(ctx, at(path), text, strlen(text)), AFFECT_OK);
}

/* FOLDER/NAME/card.json with two files; `version` tells copies apart. */
static void model(const char *folder, const char *name, const char *version, const char *sum,
                  bool commercial) {
    char path[128], card[640];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mkdir(at(path), 0700), 0);
    snprintf(path, sizeof path, "%s/%s/w", folder, name);
    put(path, "one");
    snprintf(path, sizeof path, "%s/%s/x", folder, name);
    put(path, "two");
    snprintf(card, sizeof card,
             "{\"name\": \"%s\", \"version\": \"%s\", \"task\": \"t\", \"licence\": \"MIT\", "
             "\"training_data\": \"none\", "
             "\"commercial\": %s, \"files\": [{\"name\": \"w\", \"sha256\": \"" ONE
             "\"}, {\"name\": \"x\", \"sha256\": \"%s\"}]}",
             name, version, commercial ? "true" : "false", sum);
    snprintf(path, sizeof path, "%s/%s/card.json", folder, name);
    put(path, card);
}

static int set_up(void **state) {
    (void)state;
    if (affect_context_create(&ctx) || !mkdtemp(root) || mkdir(at("chosen"), 0700) ||
        mkdir(at("named"), 0700))
        return 1;
    model("chosen", "both", "chosen", TWO, true);
    model("named", "both", "named", TWO, true);
    model("named", "mine", "named", TWO, false);
    model("named", "wrong", "1", ONE, true); /* of x */
    model("named", "lost", "1", TWO, true);
    model("named", ".hidden", "1", TWO, true);
    model("chosen", "voice.activity", "broken", TWO, true);
    put("chosen/voice.activity/card.json", "{\"name\": \"voice.activity\"");
    if (unlink(at("named/lost/x")) || mkdir(at("named/empty"), 0700)) return 1;
    put("named/stray", "no folder");
    return setenv("AFFECT_MODELS", at("named"), 1) || affect_context_set_models(ctx, at("chosen"));
}

static int tear_down(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    affect_context_destroy(ctx);
    return system(command);
}

static affect_status load(const char *name, bool verify, const char *version) {
    model_card *card = NULL;
    affect_status status = model_card_load(ctx, name, verify, &card);
    assert_true((status == AFFECT_OK) == (card != NULL));
    if (card && version) assert_string_equal(card->version, version);
    model_card_destroy(card);
    return status;
}

static void says(const char *text) {
    if (!strstr(affect_context_message(ctx), text))
        fail_msg("'%s' does not say '%s'", affect_context_message(ctx), text);
}

/* The context's folder, then the variable's, then those of the installation; a path is taken as it is. */
static void the_nearest_folder_wins(void **state) {
    (void)state;
    assert_int_equal(load("both", true, "chosen"), AFFECT_OK);
    assert_int_equal(load("mine", true, "named"), AFFECT_OK);
    assert_int_equal(load(at("named/both"), true, "named"), AFFECT_OK);
    assert_int_equal(load("face.mesh", false, NULL), AFFECT_OK); /* of the build */
    assert_int_equal(load("nobody", false, NULL), AFFECT_ERROR_MODEL);
    says("nobody is not installed");
    says(at("chosen/nobody")); /* where it was looked for */
    says(at("named/nobody"));
    assert_int_equal(load("empty", false, NULL),
                     AFFECT_ERROR_MODEL); /* a folder without a card is none */
    assert_int_equal(load("", false, NULL), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(load(NULL, false, NULL), AFFECT_ERROR_ARGUMENT);
}

/* Another model does not stand in for a broken one in a folder that the user named. */
static void a_broken_one_is_no_reason_to_take_another(void **state) {
    (void)state;
    assert_int_equal(load("voice.activity", false, NULL), AFFECT_ERROR_MODEL);
    says("not valid JSON");
    assert_int_equal(load("lost", false, NULL), AFFECT_ERROR_MODEL);
    says("named/lost/x is missing");
}

static void sums_are_checked_when_asked(void **state) {
    (void)state;
    assert_int_equal(load("wrong", false, "1"), AFFECT_OK);
    assert_int_equal(load("wrong", true, NULL), AFFECT_ERROR_MODEL); /* the second file's */
    says("named/wrong/x");
    char *path, *text;
    size_t length;
    assert_int_equal(model_card_text(ctx, "wrong", false, &path, &text, &length), AFFECT_OK);
    assert_string_equal(path, at("named/wrong/w"));
    assert_int_equal(length, 3);
    assert_memory_equal(text, "one", 3);
    base_free(path);
    base_free(text);
    assert_int_equal(model_card_text(ctx, "wrong", true, &path, &text, &length),
                     AFFECT_ERROR_MODEL);
    assert_null(path);
    assert_null(text);
}

static void rights_are_asked_for(void **state) {
    (void)state;
    affect_context_set_commercial(ctx, true);
    assert_int_equal(load("mine", false, NULL), AFFECT_ERROR_MODEL);
    says("not for commercial use");
    assert_int_equal(load("both", false, "chosen"), AFFECT_OK);
    affect_context_set_commercial(ctx, false);
    assert_int_equal(load("mine", false, "named"), AFFECT_OK);
}

/* Every name once, in order of the alphabet; what is no model or hidden is none. */
static void names_are_listed_once(void **state) {
    (void)state;
    char **names;
    size_t count, seen = 0;
    assert_int_equal(model_names(ctx, &names, &count), AFFECT_OK);
    for (size_t i = 0; i < count; i++) {
        if (i) assert_true(strcmp(names[i - 1], names[i]) < 0);
        assert_true(strcmp(names[i], "empty") != 0 && strcmp(names[i], "stray") != 0 &&
                    names[i][0] != '.');
        static const char *const there[] = {"both", "face.mesh",      "lost",
                                            "mine", "voice.activity", "wrong"};
        for (size_t k = 0; k < BASE_COUNT(there); k++) seen += strcmp(names[i], there[k]) == 0;
    }
    assert_int_equal(seen, 6);
    for (size_t i = 0; i < count; i++) base_free(names[i]);
    base_free(names);
    bool over = false;
    for (long n = 1; !over; n++) {
        base_alloc_fail_at(n);
        affect_status status = model_names(ctx, &names, &count);
        over = base_alloc_count() < n;
        base_alloc_fail_at(0);
        assert_int_equal(status, over ? AFFECT_OK : AFFECT_ERROR_MEMORY);
        for (size_t i = 0; i < count; i++) base_free(names[i]);
        base_free(names);
        assert_true(n < 10000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_folder_wins),
        cmocka_unit_test(a_broken_one_is_no_reason_to_take_another),
        cmocka_unit_test(sums_are_checked_when_asked),
        cmocka_unit_test(rights_are_asked_for),
        cmocka_unit_test(names_are_listed_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
