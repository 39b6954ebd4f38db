#include "tests/test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

static size_t count_hidden(void) {
    size_t n = 0;
    DIR *open = opendir(folder);
    assert_non_null(open);
    for (const struct dirent *entry; (entry = readdir(open));)
        n += entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0 &&
             strcmp(entry->d_name, "..") != 0;
    closedir(open);
    return n;
}

/* A run that is killed leaves its temporaries; the next one removes them, and nothing that somebody
 * has in use or that only looks alike. */
static void what_killed_runs_left_is_removed(void **state) {
    (void)state;
    char *path = base_path_join(folder, "out.txt"), *tree = base_path_join(folder, "tree");
    pid_t child = fork();
    if (child == 0) {
        base_output out;
        base_folder made;
        if (base_output_open(ctx, path, &out) != AFFECT_OK ||
            base_folder_open(ctx, tree, &made) != AFFECT_OK)
            _exit(1);
        char *inside = base_path_join(made.temporary, "inside");
        FILE *file = fopen(inside, "w");
        if (!file || fputs("x", file) < 0 || fclose(file) != 0) _exit(1);
        raise(SIGKILL);
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);
    assert_int_equal(count_hidden(), 2);

    char *theirs = base_path_join(folder, ".mine.affect-partial-1234567"); /* one too many */
    char *target = base_path_join(folder, "target");
    char *link = base_path_join(folder, ".link.affect-partial-abcdef");
    fclose(fopen(theirs, "w"));
    fclose(fopen(target, "w"));
    assert_int_equal(symlink("target", link), 0);
    base_output held, out;
    assert_int_equal(base_output_open(ctx, path, &held), AFFECT_OK);
    assert_int_equal(count_hidden(), 3); /* held, theirs, the link: the dead are gone */
    assert_int_equal(base_output_open(ctx, tree, &out), AFFECT_OK);
    assert_true(base_file_exists(held.temporary)); /* it has a living holder */
    base_output_abort(&out);
    assert_int_equal(base_output_commit(ctx, &held), AFFECT_OK);
    assert_true(base_file_exists(theirs));
    assert_true(base_file_exists(target));
    unlink(theirs);
    unlink(target);
    unlink(link);
    unlink(path);
    assert_int_equal(count_hidden(), 0);
    base_free(theirs);
    base_free(target);
    base_free(link);
    base_free(path);
    base_free(tree);
}

static void a_folder_appears_whole(void **state) {
    (void)state;
    char *path = base_path_join(folder, "whole//");
    char *bare = base_path_join(folder, "whole");
    base_folder made;
    assert_int_equal(base_folder_open(ctx, path, &made), AFFECT_OK);
    assert_false(base_file_exists(bare));
    char *inside = base_path_join(made.temporary, "x");
    assert_int_equal(base_write_file(ctx, inside, "x", 1), AFFECT_OK);
    assert_int_equal(base_folder_commit(ctx, &made), AFFECT_OK);
    assert_true(base_is_folder(bare));
    assert_false(base_is_link(bare));
    base_folder_abort(&made);
    assert_true(base_is_folder(bare));
    char *link = base_path_join(folder, "link"), *slashed = base_path_join(folder, "link//");
    assert_int_equal(symlink("whole", link), 0);
    assert_true(base_is_link(link));
    assert_true(base_is_link(slashed));
    unlink(link);
    assert_int_equal(base_folder_open(ctx, link, &made), AFFECT_OK);
    base_free(inside);
    inside = base_path_join(made.temporary, "x");
    assert_int_equal(base_write_file(ctx, inside, "x", 1), AFFECT_OK);
    base_folder_abort(&made);
    assert_int_equal(count_hidden(), 0);
    base_free(inside);
    inside = base_path_join(bare, "x");
    unlink(inside);
    rmdir(bare);
    base_free(inside);
    base_free(link);
    base_free(slashed);
    base_free(bare);
    base_free(path);
}

/* What is interrupted does not appear. */
static void cancelled_output_does_not_appear(void **state) {
    (void)state;
    affect_context *own;
    assert_int_equal(affect_context_create(&own), AFFECT_OK);
    char *path = base_path_join(folder, "late.txt");
    base_output out;
    assert_int_equal(base_output_open(own, path, &out), AFFECT_OK);
    affect_context_cancel(own);
    assert_int_equal(base_output_commit(own, &out), AFFECT_ERROR_CANCELLED);
    assert_false(base_file_exists(path));
    assert_int_equal(count_hidden(), 0);
    base_free(path);
    affect_context_destroy(own);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_appears_only_when_committed),
        cmocka_unit_test(errors_name_the_file),
        cmocka_unit_test(what_killed_runs_left_is_removed),
        cmocka_unit_test(a_folder_appears_whole),
        cmocka_unit_test(cancelled_output_does_not_appear),
        cmocka_unit_test(folders_are_made_with_their_parents),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
