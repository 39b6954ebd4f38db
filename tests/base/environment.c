/* The entry that a library is loaded with: seen by getenv meanwhile, gone afterwards, and the host's
 * environment is what it was, whatever its other threads do. (tests/cli/private.py traces what it
 * does to ONNX Runtime, tests/words/stage.c to Vosk.) */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "tests/test.h"

#define SWITCH "AFFECT_TEST_SWITCH"

static base_environment *begin(void) {
    base_environment *off = base_environment_begin(SWITCH "=1");
    assert_non_null(off);
    return off;
}

static void the_entry_is_seen_only_inside(void **state) {
    (void)state;
    static const char *const hosts[] = {NULL, "0", "host's"};
    for (size_t i = 0; i < BASE_COUNT(hosts); i++) {
        if (hosts[i])
            setenv(SWITCH, hosts[i], 1);
        else
            unsetenv(SWITCH);
        setenv("AFFECT_TEST", "stays", 1);
        char **array = environ;
        size_t count = 0;
        while (environ[count]) count++;
        base_environment *off = begin();
        assert_string_equal(getenv(SWITCH), "1");
        assert_string_equal(getenv("AFFECT_TEST"), "stays");
        base_environment_end(off);
        assert_ptr_equal(environ, array);
        size_t after = 0;
        while (environ[after]) after++;
        assert_int_equal(after, count);
        if (hosts[i])
            assert_string_equal(getenv(SWITCH), hosts[i]);
        else
            assert_null(getenv(SWITCH));
    }
    unsetenv(SWITCH);
}

static void a_growing_or_missing_environment_is_followed(void **state) {
    (void)state;
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "AFFECT_TEST_%d", i);
        setenv(name, "x", 1);
        base_environment *off = begin();
        assert_string_equal(getenv(SWITCH), "1");
        assert_string_equal(getenv(name), "x");
        base_environment_end(off);
    }
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "AFFECT_TEST_%d", i);
        unsetenv(name);
    }
    char **before = environ;
    environ = NULL; /* as clearenv leaves it */
    base_environment *off = begin();
    assert_string_equal(getenv(SWITCH), "1");
    base_environment_end(off);
    assert_null(environ);
    environ = before;
}

static void what_the_host_sets_meanwhile_stays(void **state) {
    (void)state;
    base_environment *off = begin();
    setenv("AFFECT_TEST_MEANWHILE", "kept", 1);
    base_environment_end(off);
    assert_string_equal(getenv("AFFECT_TEST_MEANWHILE"), "kept");
    assert_null(getenv(SWITCH));
    unsetenv("AFFECT_TEST_MEANWHILE");
    base_environment_end(begin());
    assert_null(getenv(SWITCH));
}

static void names_that_begin_alike_are_others(void **state) {
    (void)state;
    setenv(SWITCH "_2", "host's", 1);
    base_environment *e = begin();
    assert_string_equal(getenv(SWITCH "_2"), "host's");
    base_environment_end(e);
    unsetenv(SWITCH "_2");
    char long_name[80];
    memset(long_name, 'A', sizeof long_name);
    memcpy(long_name + sizeof long_name - 3, "=1", 3);
    assert_null(base_environment_begin(long_name));
}

static void *read_environment(void *user) {
    atomic_bool *stop = user;
    size_t wrong = 0;
    while (!atomic_load(stop)) {
        const char *value = getenv("AFFECT_TEST_READ");
        wrong += !value || strcmp(value, "whole") != 0;
    }
    return (void *)(uintptr_t)wrong;
}

static void readers_always_see_a_whole_environment(void **state) {
    (void)state;
    setenv("AFFECT_TEST_READ", "whole", 1);
    atomic_bool stop = false;
    pthread_t readers[2];
    for (size_t i = 0; i < BASE_COUNT(readers); i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_environment, &stop), 0);
    for (int i = 0; i < 20000; i++) base_environment_end(begin());
    atomic_store(&stop, true);
    for (size_t i = 0; i < BASE_COUNT(readers); i++) {
        void *wrong;
        pthread_join(readers[i], &wrong);
        assert_null(wrong);
    }
    unsetenv("AFFECT_TEST_READ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_entry_is_seen_only_inside),
        cmocka_unit_test(a_growing_or_missing_environment_is_followed),
        cmocka_unit_test(what_the_host_sets_meanwhile_stays),
        cmocka_unit_test(names_that_begin_alike_are_others),
        cmocka_unit_test(readers_always_see_a_whole_environment),
    };
    return cmocka_run_group_tests_name("base/environment", tests, NULL, NULL);
}
