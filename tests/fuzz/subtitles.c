/* Any bytes as every format of subtitles: a transcript or an error, never a crash. */
#include "transcript/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const transcript_format formats[] = {TRANSCRIPT_SRT,  TRANSCRIPT_VTT, TRANSCRIPT_ASS,
                                                TRANSCRIPT_SBV,  TRANSCRIPT_LRC, TRANSCRIPT_TTML,
                                                TRANSCRIPT_TABLE};
    for (size_t i = 0; i < BASE_COUNT(formats); i++) {
        transcript t;
        if (transcript_parse(NULL, "x", formats[i], (const char *)data, size, &t) == AFFECT_OK)
            transcript_destroy(&t);
    }
    (void)transcript_detect(NULL, (const char *)data, size);
    return 0;
}
