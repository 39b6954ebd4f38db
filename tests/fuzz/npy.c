#include <stddef.h>
#include <stdint.h>

#include "data/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    data_npy *array;
    if (data_npy_parse(NULL, "fuzz", bytes, length, &array)) return 0;
    if (array->type < DATA_NPY_BYTES && array->count) {
        (void)data_npy_get(array, 0);
        (void)data_npy_get(array, array->count - 1);
    }
    data_npy_destroy(array);
    return 0;
}
