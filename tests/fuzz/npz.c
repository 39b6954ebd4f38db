#include <stddef.h>
#include <stdint.h>

#include "data/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    data_npz *zip;
    if (data_npz_parse(NULL, "fuzz", bytes, length, &zip)) return 0;
    for (size_t i = 0; i < data_npz_count(zip) && i < 8; i++) {
        data_npy *array;
        if (data_npz_array(NULL, zip, data_npz_name(zip, i), &array)) continue;
        if (array->values.count) {
            (void)data_array_number(&array->values, 0);
            (void)data_array_number(&array->values, array->values.count - 1);
            char *text = data_array_text(&array->values, array->values.count - 1);
            base_free(text);
        }
        data_npy_destroy(array);
    }
    data_npz_destroy(zip);
    return 0;
}
