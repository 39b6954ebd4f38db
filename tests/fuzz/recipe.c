/* Any bytes as a training recipe: values, or an error that names the line, never a crash. */
#include <string.h>

#include "train/train.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    affect_context *ctx;
    train_recipe *r;
    if (affect_context_create(&ctx)) return 0;
    affect_status status = train_recipe_parse(ctx, "fuzz", (const char *)data, size, &r);
    if (status) {
        const char *text = affect_context_message(ctx);
        if (strncmp(text, "fuzz:", 5) != 0) __builtin_trap(); /* no line */
    } else {
        size_t counts[4];
        for (size_t i = 0; i < r->count; i++) {
            const char *section = r->items[i].section, *key = r->items[i].key;
            if (!train_recipe_text(r, section, key, NULL)) __builtin_trap();
            double x = train_recipe_number(r, section, key, 1, -10, 10);
            size_t n = train_recipe_count(r, section, key, 2, 1, 64);
            if (!(x >= -10 && x <= 10) || n < 1 || n > 64) __builtin_trap();
            if (train_recipe_counts(r, section, key, counts, 4) > 4) __builtin_trap();
            (void)train_recipe_choice(r, section, key, "adam", "adam|sgd|plateau");
        }
        (void)train_recipe_text(r, "absent", "key", "x");
        if (train_recipe_finish(r) == AFFECT_OK && r->status) __builtin_trap();
        train_recipe_destroy(r);
    }
    affect_context_destroy(ctx);
    return 0;
}
