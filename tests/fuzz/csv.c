#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "data/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    for (int form = 0; form < 4; form++) {
        const data_table_options options = {
            .no_header = form & 1, .ragged = form & 2, .plain = form == 3};
        data_table *table;
        if (data_table_parse(NULL, "fuzz", (const char *)bytes, length, &options, &table)) continue;
        size_t seen = 0;
        for (size_t r = 0; r < table->rows; r++)
            for (size_t c = 0; c < table->columns; c++)
                seen += strlen(data_table_cell(table, r, c));
        /* A byte in another encoding becomes at most three of UTF-8; else cells never grow. */
        if (seen > 3 * length) __builtin_trap();
        data_table_destroy(table);
    }
    return 0;
}
