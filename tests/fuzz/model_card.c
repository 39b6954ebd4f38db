/* Any bytes as a card.json: a card or an error, never a crash. */
#include "infer/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    infer_card *card = NULL;
    if (card_parse(NULL, (const char *)data, size, "card.json", ".", &card) == AFFECT_OK)
        infer_card_destroy(card);
    return 0;
}
