/* Voice features of samples in memory. For whole corpora there is `affect features`. */
#ifndef AFFECT_FEATURES_H
#define AFFECT_FEATURES_H

#include <stddef.h>

#include "affect/context.h"
#include "affect/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AFFECT_EGEMAPS_FUNCTIONALS 88

/* openSMILE's name of an eGeMAPS v02 functional ("F0semitoneFrom27.5Hz_sma3nz_amean"); NULL beyond 87. */
AFFECT_API const char *affect_egemaps_name(size_t index);
/* The functionals of `count` mono samples (-1..1) at 8000 to 192000 Hz into out[88], always finite. docs/egemaps.md says
 * how close they are to openSMILE's. Errors: ARGUMENT, FORMAT (shorter than 60 ms; a sample that is not finite), MEMORY. */
AFFECT_API AFFECT_MUST_USE affect_status affect_egemaps(affect_context *context,
                                                        const float *samples, size_t count,
                                                        int sample_rate, float *out);

#ifdef __cplusplus
}
#endif
#endif
