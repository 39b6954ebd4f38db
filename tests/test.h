/* What every cmocka test includes, in the order cmocka wants. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Skips are counted, over all files of the program, and said: the line "skipped cases: 2 of 9" is
 * what tools/test-summary adds up, and a program whose every case skipped ends with 77, meson's
 * SKIP. */
__attribute__((weak)) int test_cases_skipped;

#undef skip
#define skip()                                                                                     \
    do {                                                                                           \
        test_cases_skipped++;                                                                      \
        _skip(__FILE__, __LINE__);                                                                 \
    } while (0)

#undef cmocka_run_group_tests
#define cmocka_run_group_tests(cases, setup, teardown)                                             \
    cmocka_run_group_tests_name(#cases, cases, setup, teardown)
#undef cmocka_run_group_tests_name
#define cmocka_run_group_tests_name(name, cases, setup, teardown)                                  \
    test_run_cases(name, cases, sizeof(cases) / sizeof((cases)[0]), setup, teardown)

static inline int test_run_cases(const char *name, const struct CMUnitTest *cases, size_t count,
                                 CMFixtureFunction setup, CMFixtureFunction teardown) {
    int failed = _cmocka_run_group_tests(name, cases, count, setup, teardown);
    if (test_cases_skipped) print_message("skipped cases: %d of %zu\n", test_cases_skipped, count);
    return !failed && (size_t)test_cases_skipped == count ? 77 : failed;
}

/* The folder of real recordings and data sets: $AFFECT_DATA, else ../shared/data from the source
 * root (tests run there). A test that needs it calls TEST_NEED_DATA() first and is skipped, with a
 * line that says so, where it is absent. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"

static inline const char *test_data(void) {
    const char *folder = getenv("AFFECT_DATA");
    return folder ? folder : "../shared/data";
}

#define TEST_NEED_DATA()                                                                           \
    do {                                                                                           \
        if (access(test_data(), R_OK) != 0) {                                                      \
            print_message("skipped: no data folder %s (set AFFECT_DATA)\n", test_data());          \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* |value - expected| <= tolerance; NaN is never near. */
#define assert_near(value, expected, tolerance)                                                    \
    do {                                                                                           \
        double near_value = (value), near_expected = (expected);                                   \
        if (!(fabs(near_value - near_expected) <= (tolerance)))                                    \
            fail_msg("%s is %.6f, expected %.6f +- %g", #value, near_value, near_expected,         \
                     (double)(tolerance));                                                         \
    } while (0)

/* Fails the first allocation of a piece of work, then the second, until one run needs no more.
 * `work` makes, uses and gives back all that it needs, so that a sanitizer sees what leaks. A
 * failed allocation must end in ERROR_MEMORY; work that goes on without it, or ends otherwise,
 * fails the test under the name `what`. Returns how many allocations the work makes. */
static inline long test_fail_each_allocation(const char *what, affect_status (*work)(void *user),
                                             void *user) {
    for (long n = 1; n < 100000; n++) {
        base_alloc_fail_at(n);
        affect_status status = work(user);
        long made = base_alloc_count();
        base_alloc_fail_at(0);
        if (made < n) {
            if (status != AFFECT_OK)
                fail_msg("%s: %s with all the memory it wants", what, affect_status_name(status));
            return made;
        }
        if (status != AFFECT_ERROR_MEMORY)
            fail_msg("%s without allocation %ld of %ld: %s", what, n, made,
                     status ? affect_status_name(status) : "goes on");
    }
    fail_msg("%s: 100000 allocations were not enough", what);
    return 0;
}

#endif
