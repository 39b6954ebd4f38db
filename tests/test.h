/* What every cmocka test includes, in the order cmocka wants. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The folder of real recordings and data sets: $AFFECT_DATA, else ../shared/data from the source
 * root (tests run there). A test that needs it calls TEST_NEED_DATA() first and is skipped, with a
 * line that says so, where it is absent. */
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
