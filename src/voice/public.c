/* affect/features.h: the voice's features for callers of the library. */
#include "affect/features.h"

#include "voice/egemaps.h"

_Static_assert(AFFECT_EGEMAPS_FUNCTIONALS == VOICE_EGEMAPS_FUNCTIONALS,
               "the public count is the room's");

const char *affect_egemaps_name(size_t index) {
    return index < VOICE_EGEMAPS_FUNCTIONALS ? voice_egemaps_functional_names[index] : NULL;
}

affect_status affect_egemaps(affect_context *ctx, const float *samples, size_t count,
                             int sample_rate, float *out) {
    BASE_NEED(ctx, ctx && samples && out);
    voice_egemaps *set = NULL;
    affect_status status = voice_egemaps_create(ctx, sample_rate, &set);
    if (!status) status = voice_egemaps_push(set, samples, count);
    if (!status) status = voice_egemaps_finish(set);
    if (!status) status = voice_egemaps_functionals(set, out);
    voice_egemaps_destroy(set);
    return status;
}
