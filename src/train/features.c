/* Features as the network eats them: sequences of rows of one width; a vector is a sequence of one. */
#include <string.h>

#include "nn/tape.h"
#include "train/train.h"

affect_status train_features_add(train_set *s, const char *name, const float *rows, size_t count,
                                 size_t width) {
    if (!s->spec.bands) s->spec.bands = width;
    if (width != s->spec.bands)
        return base_fail(s->ctx, AFFECT_ERROR_FORMAT,
                         "%s: has %zu features a row, others (or the model) %zu", name, width,
                         s->spec.bands);
    char *copy = base_strdup(name);
    if (!copy) return base_fail_memory(s->ctx);
    affect_status status = train_set_add(s, copy);
    if (status != AFFECT_OK) return status;
    size_t at = s->count > 1 ? s->first[s->count - 1] : 0;
    size_t *first = base_realloc(s->first, (s->count + 1) * sizeof *first);
    if (first) s->first = first;
    if (!first || !base_grow((void **)&s->frames, &s->frame_capacity, (at + count) * width,
                             sizeof *s->frames))
        return base_fail_memory(s->ctx);
    s->first[s->count - 1] = at;
    s->first[s->count] = at + count;
    memcpy(s->frames + at * width, rows, count * width * sizeof *rows);
    return AFFECT_OK;
}

bool train_features_batch(const train_set *s, nn_tape *tape, const uint32_t *index, size_t n,
                          nn_batch *batch) {
    size_t width = s->spec.bands, longest = 1,
           *length = nn_tape_bytes_alloc(tape, n * sizeof *length);
    if (!length) return false;
    for (size_t i = 0; i < n; i++) {
        length[i] = s->first[index[i] + 1] - s->first[index[i]];
        longest = BASE_MAX(longest, length[i]);
    }
    float *data = nn_tape_alloc(tape, n * longest * width);
    if (!data) return false;
    memset(data, 0, n * longest * width * sizeof *data);
    for (size_t i = 0; i < n; i++)
        memcpy(data + i * longest * width, s->frames + s->first[index[i]] * width,
               length[i] * width * sizeof *data);
    *batch =
        (nn_batch){.count = n, .data = data, .steps = longest, .bands = width, .length = length};
    return true;
}
