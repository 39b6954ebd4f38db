/* Reads a 16-bit mono PCM WAV file for tests of the signal processing, which need nothing of
 * FFmpeg. */
#ifndef TESTS_VOICE_WAVE_H
#define TESTS_VOICE_WAVE_H

#include <string.h>

#include "base/base.h"

static inline float *test_wave(const char *path, size_t *count, int *rate) {
    char *bytes;
    size_t length;
    if (base_read_file(NULL, path, 0, &bytes, &length) != AFFECT_OK) return NULL;
    float *samples = NULL;
    *count = 0;
    memcpy(rate, bytes + 24, 4);
    for (size_t at = 12; at + 8 <= length;) {
        uint32_t size;
        memcpy(&size, bytes + at + 4, 4);
        if (memcmp(bytes + at, "data", 4) == 0) {
            if (size > length - at - 8) size = (uint32_t)(length - at - 8);
            *count = size / 2;
            samples = base_alloc(*count * sizeof *samples);
            for (size_t i = 0; samples && i < *count; i++) {
                int16_t value;
                memcpy(&value, bytes + at + 8 + 2 * i, 2);
                samples[i] = (float)value / 32768.0f;
            }
            break;
        }
        at += 8 + (size_t)size + (size & 1);
    }
    base_free(bytes);
    return samples;
}

#endif
