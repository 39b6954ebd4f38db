#include <stddef.h>
#include <stdint.h>

#include "data/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    data_npy *array;
    if (data_npy_parse(NULL, "fuzz", bytes, length, &array)) return 0;
    if (array->values.type < DATA_CHARS && array->values.count) {
        (void)data_array_number(&array->values, 0);
        (void)data_array_number(&array->values, array->values.count - 1);
    }
    data_npy_destroy(array);
    return 0;
}
