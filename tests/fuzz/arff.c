#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "data/arff.h"

static affect_status read_row(void *user, const data_arff *arff, const char *const *cells,
                              size_t line) {
    size_t *sum = user;
    (void)line;
    for (size_t i = 0; i < arff->count; i++) *sum += cells[i] ? strlen(cells[i]) : 0;
    return AFFECT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    size_t sum = 0;
    affect_status status =
        data_arff_parse(NULL, "fuzz", (const char *)bytes, length, NULL, read_row, &sum);
    return status && sum == SIZE_MAX;
}
