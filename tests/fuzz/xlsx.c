#include <stddef.h>
#include <stdint.h>

#include "data/xlsx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    data_table *table;
    if (data_xlsx_parse(NULL, "fuzz", bytes, length, NULL, &table)) return 0;
    for (size_t r = 0; r < table->rows; r++) (void)data_table_cell(table, r, table->columns - 1);
    data_table_destroy(table);
    return 0;
}
