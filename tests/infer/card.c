/* card.json: what is read, what is refused and with which words, and out of memory. */
#include <string.h>

#include "infer/internal.h"
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

static affect_status parse(const char *text, infer_card **card) {
    return card_parse(ctx, text, strlen(text), "card.json", "folder", card);
}

static void reads_every_field(void **state) {
    (void)state;
    infer_card *card;
    assert_int_equal(parse(GOOD, &card), AFFECT_OK);
    assert_string_equal(card->name, "t");
    assert_string_equal(card->task, "test");
    assert_string_equal(card->source, "");
    assert_true(card->commercial);
    assert_int_equal(card->label_count, 2);
    assert_string_equal(card->labels[1], "ä");
    assert_int_equal(card->file_count, 1);
    assert_string_equal(card->json, GOOD);
    char *path = infer_card_path(card, card->files[0].name);
    assert_string_equal(path, "folder/w.onnx");
    base_free(path);
    infer_card_destroy(card);
    infer_card_destroy(NULL);
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
        infer_card *card;
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
        infer_card *card;
        base_alloc_fail_at(n);
        affect_status status = parse(GOOD, &card);
        base_alloc_fail_at(0);
        if (status == AFFECT_OK) {
            assert_true(n > 10);
            infer_card_destroy(card);
            return;
        }
        assert_int_equal(status, AFFECT_ERROR_MEMORY);
        assert_null(card);
    }
}

static void names_what_is_not_installed(void **state) {
    (void)state;
    infer_card *card;
    assert_int_equal(infer_card_load(ctx, "no.such.model", false, &card), AFFECT_ERROR_MODEL);
    const char *text = affect_context_message(ctx);
    assert_non_null(strstr(text, "no.such.model"));
    assert_non_null(strstr(text, "AFFECT_MODELS"));
    assert_int_equal(infer_card_load(ctx, "", false, &card), AFFECT_ERROR_ARGUMENT);
    assert_int_equal(infer_card_load(ctx, "/nonexistent/folder", false, &card), AFFECT_ERROR_MODEL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(refuses_with_the_field),
        cmocka_unit_test(out_of_memory_is_an_error),
        cmocka_unit_test(names_what_is_not_installed),
    };
    return cmocka_run_group_tests_name("infer/card", tests, set_up, tear_down);
}
