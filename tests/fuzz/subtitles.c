/* Any bytes as SubRip and as WebVTT: a transcript or an error, never a crash. */
#include "data/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (transcript_format format = TRANSCRIPT_SRT; format <= TRANSCRIPT_VTT; format++) {
        transcript t;
        if (transcript_parse(NULL, "x", format, (const char *)data, size, &t) == AFFECT_OK)
            transcript_destroy(&t);
    }
    (void)transcript_detect(NULL, (const char *)data, size);
    return 0;
}
