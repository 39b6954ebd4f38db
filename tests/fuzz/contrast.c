/* Any bytes as rules of sentences: sentences with targets in their range, or an error that names the file. */
#include <math.h>
#include <string.h>

#include "train/train_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const labels[] = {"joy", "sadness", "neutral", "valence", "arousal"};
    enum { CLASSES = 3, WIDTH = 5, SENTENCES = 20 };
    affect_context *ctx;
    if (affect_context_create(&ctx)) return 0;
    train_set *set = base_calloc(1, sizeof *set);
    char *text = base_alloc(size + 1);
    if (!set || !text) __builtin_trap();
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    set->ctx = ctx;
    set->spec = (train_spec){.kind = TRAIN_TEXT,
                             .labels = labels,
                             .classes = CLASSES,
                             .values = WIDTH - CLASSES,
                             .multi_label = true,
                             .surface = true};
    set->width = WIDTH;
    affect_status status = train_contrast_parse(set, "fuzz", text, SENTENCES, 1);
    if (status != AFFECT_OK && strncmp(affect_context_message(ctx), "fuzz:", 5) != 0)
        __builtin_trap();
    if (status == AFFECT_OK && set->count != SENTENCES) __builtin_trap();
    for (size_t i = 0; status == AFFECT_OK && i < set->count; i++)
        for (size_t c = 0; c < WIDTH; c++) {
            float x = set->target[i * WIDTH + c];
            if (!isnan(x) && !(x >= -1 && x <= 1)) __builtin_trap();
        }
    train_set_destroy(set);
    base_free(text);
    affect_context_destroy(ctx);
    return 0;
}
