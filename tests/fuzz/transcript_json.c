/* Any bytes as a JSON transcript: a transcript or an error, never a crash. */
#include "transcript/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    transcript t;
    if (transcript_parse(NULL, "x", TRANSCRIPT_JSON, (const char *)data, size, &t) == AFFECT_OK)
        transcript_destroy(&t);
    return 0;
}
