#include "tests/test.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"

static char folder[64];
static affect_context *ctx;

static int setup(void **state) {
    (void)state;
    strcpy(folder, "/tmp/affect-test-XXXXXX");
    return mkdtemp(folder) && affect_context_create(&ctx) == AFFECT_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    return rmdir(folder); /* fails, and so fails the test, if anything was left behind */
}

static void output_appears_only_when_committed(void **state) {
    (void)state;
    char *path = base_path_join(folder, "out.txt");
    base_output out;
    assert_int_equal(base_output_open(ctx, path, &out), AFFECT_OK);
    fputs("hello", out.file);
    assert_false(base_file_exists(path));
    base_output_abort(&out);
    assert_false(base_file_exists(path));

    assert_int_equal(base_write_file(ctx, path, "hello", 5), AFFECT_OK);
    char *data;
    size_t length;
    assert_int_equal(base_read_file(ctx, path, 0, &data, &length), AFFECT_OK);
    assert_int_equal(length, 5);
    assert_string_equal(data, "hello");
    base_free(data);
    assert_int_equal(base_read_file(ctx, path, 4, &data, &length), AFFECT_ERROR_LIMIT);
    unlink(path);
    base_free(path);
}

static void errors_name_the_file(void **state) {
    (void)state;
    char *data;
    size_t length;
    assert_int_equal(base_read_file(ctx, "/nowhere/x", 0, &data, &length), AFFECT_ERROR_NOT_FOUND);
    assert_non_null(strstr(affect_context_message(ctx), "/nowhere/x"));
    assert_int_equal(base_read_file(ctx, folder, 0, &data, &length), AFFECT_ERROR_NOT_FOUND);
    base_output out;
    assert_int_equal(base_output_open(ctx, "/nowhere/x", &out), AFFECT_ERROR_OUTPUT);
    assert_int_equal(base_write_file(ctx, "/dev/full/x", "x", 1), AFFECT_ERROR_OUTPUT);
}

static void folders_are_made_with_their_parents(void **state) {
    (void)state;
    char *deep = base_path_join(folder, "a/b");
    char *parent = base_path_join(folder, "a");
    assert_int_equal(base_make_folder(ctx, deep), AFFECT_OK);
    assert_int_equal(base_make_folder(ctx, deep), AFFECT_OK);
    assert_true(base_is_folder(deep));
    assert_int_equal(base_make_folder(ctx, "/proc/affect/x"), AFFECT_ERROR_OUTPUT);
    rmdir(deep);
    rmdir(parent);
    base_free(deep);
    base_free(parent);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_appears_only_when_committed),
        cmocka_unit_test(errors_name_the_file),
        cmocka_unit_test(folders_are_made_with_their_parents),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
