#include <stddef.h>
#include <stdint.h>

#include "data/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    data_table *table;
    if (data_json_lines_parse(NULL, "fuzz", (const char *)bytes, length, &table)) return 0;
    for (size_t r = 0; r < table->rows; r++) (void)data_table_cell(table, r, table->columns - 1);
    data_table_destroy(table);
    return 0;
}
