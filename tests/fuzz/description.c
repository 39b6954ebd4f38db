#include <stddef.h>
#include <stdint.h>

#include "affect/reason.h"
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static affect_reasoner *reasoner;
    if (!reasoner && affect_reasoner_create(NULL, "models/words.emotions", &reasoner)) return 0;
    char *text = base_strndup((const char *)bytes, length);
    affect_labels *labels;
    if (text && affect_labels_from_text(reasoner, text, &labels) == AFFECT_OK) {
        double sum = 0;
        for (size_t i = 0; i < affect_labels_count(labels); i++)
            sum += affect_labels_score(labels, i);
        if (affect_labels_count(labels) && !(sum > 0.999 && sum < 1.001)) __builtin_trap();
        affect_labels_destroy(labels);
    }
    base_free(text);
    return 0;
}
