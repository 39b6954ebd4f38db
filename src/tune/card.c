/* The cards of this room's models. */
#include <string.h>

#include "tune/tune_private.h"

static void put_field(base_text *card, const char *key, const char *value) {
    base_text_printf(card, ",\n  \"%s\": ", key);
    base_text_append_json(card, value);
}

void tune_card_begin(base_text *card, train_recipe *r, const char *task, const char *source) {
    base_text_append(card, "{\n  \"name\": ");
    base_text_append_json(card, train_recipe_text(r, "card", "name", "unnamed"));
    put_field(card, "task", task);
    put_field(card, "licence", train_recipe_text(r, "card", "licence", "unknown"));
    base_text_printf(
        card, ",\n  \"commercial\": %s",
        strcmp(train_recipe_text(r, "card", "commercial", "no"), "yes") == 0 ? "true" : "false");
    put_field(card, "training_data", train_recipe_text(r, "card", "training_data", "not stated"));
    put_field(card, "source", train_recipe_text(r, "card", "source", source));
}

affect_status tune_card_write(const tune_loop *loop, base_text *card) {
    base_text_append(card, "\n}\n");
    affect_status status = card->failed
                               ? base_fail_memory(loop->ctx)
                               : tune_write_at(loop, "card.json", card->data, card->length);
    base_text_destroy(card);
    return status;
}
