/* card.json: what is read, what is refused and with which words, and out of memory. */
#include <string.h>
#include <sys/stat.h>

#include "model/model_private.h"
#include "tests/test.h"

#define SUM "\"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""
#define HEAD                                                                                       \
    "{\"name\": \"t\", \"version\": \"1\", \"task\": \"test\", \"licence\": \"MIT\", "             \
    "\"training_data\": \"none\", \"commercial\": true"
#define GOOD                                                                                       \
    HEAD ", \"labels\": [\"a\", \"ä\"], \"files\": [{\"name\": \"w.onnx\", " SUM "}], \"x\": 1}"

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

static affect_status parse(const char *text, model_card **card) {
    return model_card_parse(ctx, text, strlen(text), "card.json", "folder", card);
}

static void reads_every_field(void **state) {
    (void)state;
    model_card *card;
    assert_int_equal(parse(GOOD, &card), AFFECT_OK);
    assert_string_equal(card->name, "t");
    assert_string_equal(card->task, "test");
    assert_string_equal(card->source, "");
    assert_true(card->commercial);
    assert_int_equal(card->label_count, 2);
    assert_string_equal(card->labels[1], "ä");
    assert_int_equal(card->file_count, 1);
    assert_string_equal(card->json, GOOD);
    char *path = model_card_path(card, card->files[0].name);
    assert_string_equal(path, "folder/w.onnx");
    base_free(path);
    model_card_destroy(card);
    model_card_destroy(NULL);
}

static void refuses_with_the_field(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "not valid JSON"},
        {"[]", "expected an object"},
        {"{\"name\": \"a\", \"name\": \"b\"}", "not valid JSON"},
        {"{}", "\"name\" is missing"},
        {"{\"name\": 7}", "\"name\" is a number"},
        {"{\"name\": \"\"}", "\"name\" is empty"},
        {HEAD "}", "\"files\" must be"},
        {HEAD ", \"files\": []}", "\"files\" must be"},
        {HEAD ", \"files\": [3]}", "\"files\"[0] is a number"},
        {HEAD ", \"files\": [{\"name\": \"w\"}]}", "\"sha256\" is missing"},
        {HEAD ", \"files\": [{\"name\": \"w\", \"sha256\": \"00\"}]}", "64 lower-case hex"},
        {HEAD ", \"files\": [{\"name\": \"../w\", " SUM "}]}", "inside the model folder"},
        {HEAD ", \"files\": [{\"name\": \"a//w\", " SUM "}]}", "inside the model folder"},
        {HEAD ", \"files\": [{\"name\": \"/etc/passwd\", " SUM "}]}", "inside the model folder"},
        {HEAD ", \"labels\": \"a\", \"files\": [{\"name\": \"w\", " SUM "}]}", "\"labels\""},
        {HEAD ", \"labels\": [\"\"], \"files\": [{\"name\": \"w\", " SUM "}]}", "\"labels\"[0]"},
        {"{\"name\": \"t\", \"version\": \"1\", \"task\": \"t\", \"licence\": \"MIT\", "
         "\"training_data\": \"n\", \"commercial\": 1}",
         "\"commercial\" must be"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        model_card *card;
        assert_int_equal(parse(cases[i].text, &card), AFFECT_ERROR_MODEL);
        assert_null(card);
        if (!strstr(affect_context_message(ctx), cases[i].says))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, affect_context_message(ctx),
                     cases[i].says);
    }
}

static void out_of_memory_is_an_error(void **state) {
    (void)state;
    for (long n = 1;; n++) {
        model_card *card;
        base_alloc_fail_at(n);
        affect_status status = parse(GOOD, &card);
        base_alloc_fail_at(0);
        if (status == AFFECT_OK) {
            assert_true(n > 10);
            model_card_destroy(card);
            return;
        }
        assert_int_equal(status, AFFECT_ERROR_MEMORY);
        assert_null(card);
    }
}

static void names_what_is_not_installed(void **state) {
    (void)state;
    model_card *card;
    assert_int_equal(model_card_load(ctx, "no.such.model", false, &card), AFFECT_ERROR_MODEL);
    const char *text = affect_context_message(ctx);
    assert_non_null(strstr(text, "no.such.model"));
    assert_non_null(strstr(text, "AFFECT_MODELS"));
    assert_int_equal(model_card_load(ctx, "", false, &card), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(model_card_load(ctx, "/nonexistent/folder", false, &card), AFFECT_ERROR_MODEL);
}

/* A card may come from a stranger: neither a device without an end nor a pipe without a writer is
 * read for its sum. */
static void weights_that_are_no_file_are_refused(void **state) {
    (void)state;
    char folder[] = "/tmp/affect-card-XXXXXX", weights[64];
    assert_non_null(mkdtemp(folder));
    snprintf(weights, sizeof weights, "%s/w.onnx", folder);
    model_card *card;
    assert_int_equal(model_card_parse(ctx, GOOD, strlen(GOOD), "card.json", folder, &card),
                     AFFECT_OK);
    for (int kind = 0; kind < 2; kind++) {
        assert_int_equal(kind ? mkfifo(weights, 0600) : symlink("/dev/zero", weights), 0);
        assert_int_equal(model_card_verify_file(ctx, card, 0), AFFECT_ERROR_MODEL);
        assert_non_null(strstr(affect_context_message(ctx), "not a regular file"));
        unlink(weights);
    }
    model_card_destroy(card);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(refuses_with_the_field),
        cmocka_unit_test(out_of_memory_is_an_error),
        cmocka_unit_test(names_what_is_not_installed),
        cmocka_unit_test(weights_that_are_no_file_are_refused),
    };
    return cmocka_run_group_tests_name("model/card", tests, set_up, tear_down);
}
