/* Annotations of other programs: the first byte says whether the rest is a table, JSON, or the two files of NOVA with a
 * line "~~" between them. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "data/annotation.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check(data_annotation *a) {
    data_table *table;
    for (size_t k = 0; k < a->trace_count; k++)
        for (size_t i = 0; i < a->traces[k].rows; i++) {
            double t = a->traces[k].times_s[i];
            if (!isfinite(t) || (i && t < a->traces[k].times_s[i - 1])) __builtin_trap();
        }
    for (size_t i = 0; i < a->mark_count; i++) {
        if (!(a->marks[i].t0_s <= a->marks[i].t1_s)) __builtin_trap();
        (void)strlen(a->marks[i].label);
    }
    (void)data_annotation_normalise(a);
    for (size_t k = 0; k < a->trace_count; k++)
        for (size_t i = 0; i < a->traces[k].rows && strcmp(a->format, "pagan") == 0; i++)
            if (isfinite(a->traces[k].values[i]) &&
                !(a->traces[k].values[i] >= 0 && a->traces[k].values[i] <= 1))
                __builtin_trap();
    if ((a->trace_count || a->mark_count) &&
        data_annotation_table(NULL, "fuzz", a, &table) == AFFECT_OK)
        data_table_destroy(table);
    data_annotation_destroy(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    data_annotation a;
    bool known = false;
    if (!length) return 0;
    const char *text = (const char *)bytes + 1;
    length--;
    if (*bytes == 'j') {
        if (data_annotation_parse_json(NULL, "fuzz", text, length, &a, &known) == AFFECT_OK &&
            known)
            check(&a);
    } else if (*bytes == 'n') {
        const char *mark = length ? memmem(text, length, "\n~~\n", 4) : NULL;
        size_t head = mark ? (size_t)(mark - text) : length;
        size_t rest = mark ? length - head - 4 : 0;
        if (data_annotation_parse_nova(NULL, "fuzz", text, head, mark ? mark + 4 : "", rest, &a) ==
            AFFECT_OK)
            check(&a);
    } else {
        const data_table_options options = {.ragged = true};
        data_table *table;
        if (data_table_parse(NULL, "fuzz.csv", text, length, &options, &table)) return 0;
        if (data_annotation_take(NULL, table, &a, &known) == AFFECT_OK && known) check(&a);
        data_table_destroy(table);
    }
    return 0;
}
