/* A frozen speech embedding: Google's speech_embedding (Lin et al. 2020, "Training keyword spotters
 * with limited and synthesized speech data"), 96 numbers for every 76 mel frames (775 ms). In:
 * samples. Out: rows. The network is a chain of convolutions without padding along time, so a
 * stretch is run as a whole: the rows are those of windows taken one by one, at a tenth of the
 * work. */
#ifndef VOICE_EMBEDDING_H
#define VOICE_EMBEDDING_H

#include "base/base.h"

enum {
    VOICE_EMBEDDING_WIDTH = 96,
    VOICE_EMBEDDING_RATE = 16000,
    VOICE_EMBEDDING_WINDOW =
        12512,                  /* samples behind one row: 75 steps of 160 and a window of 512 */
    VOICE_EMBEDDING_STEP = 1280 /* samples from row to row */
};

typedef struct voice_embedding voice_embedding;

/* `model`: name or folder; NULL = "voice.embedding". Errors: MODEL, MEMORY. */
AFFECT_MUST_USE affect_status voice_embedding_create(affect_context *ctx, const char *model,
                                                     voice_embedding **out);
void voice_embedding_destroy(voice_embedding *embedding);
/* Rows of `count` samples (-1..1): 0 below a window, else one more each step. */
size_t voice_embedding_rows(size_t count);
/* out: voice_embedding_rows(count) x 96. What is more than 80 dB below the loudest mel value of the
 * stretch counts as that. One call at a time on an object. Errors: MEMORY. */
AFFECT_MUST_USE affect_status voice_embedding_compute(voice_embedding *embedding,
                                                      const float *samples, size_t count,
                                                      float *out);

#endif
