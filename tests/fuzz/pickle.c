#include <stddef.h>
#include <stdint.h>

#include "data/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    data_document *document;
    if (data_pickle_parse(NULL, "fuzz", bytes, length, NULL, &document) == AFFECT_OK) {
        const data_value *root = data_document_root(document);
        for (size_t i = 0; i < 4 && root; i++) {
            double number;
            (void)data_number(root, &number);
            (void)data_get(root, "key");
            if (root->kind == DATA_ARRAY && root->as.array->count)
                base_free(data_array_text(root->as.array, root->as.array->count - 1));
            root = data_item(root, 0);
        }
        data_document_destroy(document);
    }
    return 0;
}
