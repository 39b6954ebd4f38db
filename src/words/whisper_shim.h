/* The narrow interface to whisper.cpp: what libaffect-whisper.so offers and words/whisper.c takes by dlopen.
 * Its own structs, which grow from release to release, stay on the other side. Plain C, no exception
 * crosses it. tools/build-whisper makes the library from the source that its npm package brings. */
#ifndef WORDS_WHISPER_SHIM_H
#define WORDS_WHISPER_SHIM_H

#include <stddef.h>

enum { AFFECT_WHISPER_INTERFACE = 1 };

typedef struct affect_whisper_token {
    const char *text;  /* UTF-8 or a part of it; begins with a blank where a word begins */
    double t0_s, t1_s; /* in the samples */
    float p;           /* 0..1 */
    int segment;
    float no_speech, logprob; /* of the segment: probability of no speech, mean log probability */
} affect_whisper_token;

typedef struct affect_whisper_api {
    int interface;
    const char *version; /* whisper.cpp's */
    /* NULL where the file is no model. `threads`: at least 1. */
    void *(*open)(const char *path, int threads);
    void (*close)(void *whisper);
    /* Samples at 16 kHz, -1..1. The tokens of text, in order of time, live until the next call. Negative:
     * it failed, or `stop` said so. *language: "en", ... */
    int (*read)(void *whisper, const float *samples, int count, int (*stop)(void *user), void *user,
                const affect_whisper_token **tokens, const char **language);
} affect_whisper_api;

/* The only symbol: `affect_whisper`. */
typedef const affect_whisper_api *affect_whisper_entry(void);

#endif
