/* Any bytes as a card.json: a card or an error, never a crash. */
#include "model/model_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_card *card = NULL;
    if (model_card_parse(NULL, (const char *)data, size, "card.json", ".", &card) == AFFECT_OK)
        model_card_destroy(card);
    return 0;
}
