/* The reader of clips for tuning: any bytes are clips whose tokens, times and rows are whole, or an error with a line. Texts become their bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tune/tune_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static affect_status spell(void *user, const char *text, bool begin, int32_t **tokens,
                           size_t *count, size_t *capacity) {
    (void)user;
    size_t n = strlen(text);
    if (!base_grow((void **)tokens, capacity, *count + n + 1, sizeof **tokens))
        return AFFECT_ERROR_MEMORY;
    if (begin) (*tokens)[(*count)++] = 1;
    for (size_t i = 0; i < n; i++) (*tokens)[(*count)++] = (unsigned char)text[i];
    return AFFECT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    const tune_options o = {.data = "fuzz.jsonl", .tokenise = spell};
    tune_clips clips = {.names = {"face", "voice"}, .streams = 2, .vocabulary = 300, .end = 2};
    char *text = base_strndup((const char *)bytes, length);
    if (!text) abort();
    affect_status status = tune_clips_parse(&clips, &o, text, strlen(text));
    for (size_t i = 0; !status && i < clips.count; i++) {
        const tune_clip *c = &clips.items[i];
        if (!c->answer || c->answer >= c->count || c->tokens[c->count - 1] != 2) abort();
        for (size_t k = 0; k < c->count; k++)
            if (c->tokens[k] >= 300 || c->tokens[k] < -3 || c->tokens[k] == -1) abort();
        for (size_t s = 0; s < 2; s++) {
            for (size_t k = 1; k < c->steps[s]; k++)
                if (!(c->times[s][k] >= c->times[s][k - 1])) abort();
            for (size_t k = 0; k < c->steps[s] * clips.features[s]; k++)
                if (isnan(c->rows[s][k])) abort();
        }
    }
    tune_clips_clear(&clips);
    base_free(text);
    return 0;
}
