/* Attributes as the text that the JSON writer gives them, for tests that look at several at once.
 */
#ifndef TESTS_ATTRIBUTES_H
#define TESTS_ATTRIBUTES_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_private.h"

/* The caller frees it. */
static inline char *attributes_text(const affect_attributes *attributes) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    report_put_attributes(out, attributes, JSON_IN_FILE);
    fclose(out);
    return text;
}

static inline bool attributes_have(const affect_attributes *attributes, const char *part) {
    char *text = attributes_text(attributes);
    bool found = strstr(text, part) != NULL;
    free(text);
    return found;
}

#endif
