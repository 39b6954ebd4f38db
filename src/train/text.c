/* Texts as the network eats them: units of words, and what the text looks like. */
#include <string.h>

#include "nn/tape.h"
#include "train/train.h"

enum { LONGEST = WORDS_UNITS_TOKENS, PIECES = WORDS_UNITS_PIECES };

affect_status train_text_add(train_set *s, const char *text) {
    char **texts = base_realloc(s->texts, (s->count + 1) * sizeof *texts);
    if (!texts) return base_fail_memory(s->ctx);
    s->texts = texts;
    char *copy = base_utf8_clean(text, strlen(text));
    if (!copy) return base_fail_memory(s->ctx);
    affect_status status = train_set_add(s, NULL);
    if (status != AFFECT_OK) {
        base_free(copy);
        return status;
    }
    s->texts[s->count - 1] = copy;
    if (!s->spec.surface) return AFFECT_OK;
    float *side = base_realloc(s->side, s->count * WORDS_UNITS_SURFACE * sizeof *side);
    if (!side) return base_fail_memory(s->ctx);
    s->side = side;
    words_units_surface(copy, side + (s->count - 1) * WORDS_UNITS_SURFACE);
    return AFFECT_OK;
}

bool train_text_batch(const train_set *s, nn_tape *tape, const uint32_t *index, size_t n,
                      const train_augment *a, uint64_t seed, nn_batch *batch) {
    size_t *length = nn_tape_bytes_alloc(tape, n * sizeof *length);
    size_t *sizes = nn_tape_bytes_alloc(tape, n * LONGEST * sizeof *sizes);
    int32_t *units = nn_tape_bytes_alloc(tape, n * LONGEST * PIECES * sizeof *units);
    if (!length || !sizes || !units) return false;
    float *side = s->spec.surface ? nn_tape_alloc(tape, n * WORDS_UNITS_SURFACE) : NULL;
    if (s->spec.surface && !side) return false;
    for (size_t i = 0; side && i < n; i++)
        memcpy(side + i * WORDS_UNITS_SURFACE, s->side + index[i] * WORDS_UNITS_SURFACE,
               WORDS_UNITS_SURFACE * sizeof *side);
    size_t longest = 1;
    for (size_t i = 0; i < n; i++) {
        train_dice d = {seed ^ (uint64_t)index[i] * 0x9e3779b97f4a7c15u, 0};
        size_t count = 0;
        char token[48];
        for (size_t at = 0; count < LONGEST && words_units_token(s->texts[index[i]], &at, token);) {
            if (a && train_roll(&d) < a->drop) continue;
            size_t k = i * LONGEST + count;
            sizes[k] = words_units_of(s->spec.words, token, a && train_roll(&d) < a->pieces,
                                      units + k * PIECES, PIECES);
            count++;
        }
        if (count == 0) sizes[i * LONGEST] = 0;
        length[i] = BASE_MAX(count, (size_t)1);
        longest = BASE_MAX(longest, length[i]);
    }
    size_t *start = nn_tape_bytes_alloc(tape, (n * longest + 1) * sizeof *start), total = 0;
    if (!start) return false;
    int32_t *packed = units; /* moves only towards the front */
    for (size_t i = 0; i < n; i++)
        for (size_t t = 0; t < longest; t++) {
            start[i * longest + t] = total;
            if (t >= length[i]) continue;
            size_t k = i * LONGEST + t;
            memmove(packed + total, units + k * PIECES, sizes[k] * sizeof *units);
            total += sizes[k];
        }
    start[n * longest] = total;
    *batch = (nn_batch){.count = n,
                        .steps = longest,
                        .length = length,
                        .index = packed,
                        .start = start,
                        .side = side};
    return true;
}
