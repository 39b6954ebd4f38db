/* The walk through a language model's file: any bytes are whole or damaged, and nothing is read behind their end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reason/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (!length) return 0; /* fmemopen wants one */
    FILE *f = fmemopen((void *)(uintptr_t)bytes, length, "rb");
    if (!f) return 0;
    const char *damage = reason_gguf_damage(f, (int64_t)length);
    if (!damage && (length < 24 || memcmp(bytes, "GGUF", 4) != 0)) abort();
    fclose(f);
    return 0;
}
