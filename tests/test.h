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

#endif
