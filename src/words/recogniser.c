/* Which recogniser: Vosk, or Whisper where the model says "whisper:FILE". */
#include <string.h>

#include "words/words_private.h"

const char *words_whisper_file(const char *model) {
    static const char prefix[] = "whisper:";
    return model && base_starts_with(model, prefix) ? model + strlen(prefix) : NULL;
}

struct words_recogniser {
    words_vosk *vosk;
    words_whisper *whisper; /* one of the two */
};

affect_status words_recogniser_open(affect_context *ctx, const char *model, int rate_hz,
                                    words_recogniser **out) {
    *out = NULL;
    words_recogniser *r = base_calloc(1, sizeof *r);
    if (!r) return base_fail_memory(ctx);
    const char *file = words_whisper_file(model);
    affect_status status = file ? words_whisper_open(ctx, file, rate_hz, &r->whisper)
                                : words_vosk_open(ctx, model, rate_hz, &r->vosk);
    if (status == AFFECT_OK)
        *out = r;
    else
        base_free(r);
    return status;
}

affect_status words_recogniser_speakers(affect_context *ctx, words_recogniser *r,
                                        const char *model) {
    if (r->vosk) return words_vosk_speakers(r->vosk, model);
    return base_fail(ctx, AFFECT_ERROR_MODEL, "Whisper tells no voices apart");
}

affect_status words_recogniser_feed(words_recogniser *r, const float *samples, size_t count,
                                    bool *ended) {
    return r->vosk ? words_vosk_feed(r->vosk, samples, count, ended)
                   : words_whisper_feed(r->whisper, samples, count, ended);
}

affect_status words_recogniser_take(words_recogniser *r, bool last, words_heard *out) {
    return r->vosk ? words_vosk_take(r->vosk, last, out)
                   : words_whisper_take(r->whisper, last, out);
}

void words_recogniser_close(words_recogniser *r) {
    if (!r) return;
    words_vosk_close(r->vosk);
    words_whisper_close(r->whisper);
    base_free(r);
}
