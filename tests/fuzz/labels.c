/* The readers of labels for clips: any bytes give rows with all their texts and a part, or an error. The first byte chooses the form. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tune/data_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static const char *const names[] = {"fuzz.csv", "fuzz.json", "fuzz.jsonl", "fuzz.tsv"};
    tune_rows rows = {0};
    if (!length) return 0;
    const char *name = names[bytes[0] % 4];
    char *text = base_strndup((const char *)bytes + 1, length - 1);
    if (!text) abort();
    bool json = strstr(name, ".json") != NULL;
    affect_status status = tune_rows_parse(&rows, name, text, strlen(text), json);
    if (!status) status = tune_rows_deal(&rows, 2, "a");
    for (size_t i = 0; !status && i < rows.count; i++) {
        const tune_row *r = &rows.items[i];
        if (!r->split || !*r->split || r->person < 0 || isnan(r->t0) != isnan(r->t1)) abort();
        if (strpbrk(r->text[TUNE_WORDS], "[]<>;|") || strpbrk(r->text[TUNE_LABEL], "[]<>;|,"))
            abort();
    }
    tune_rows_clear(&rows);
    base_free(text);
    return 0;
}
