/* The emotion lexicon's file. */
#include <string.h>

#include "words/emotion_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    emotion_words *words;
    if (emotion_words_parse(NULL, "input", (const char *)data, size, &words)) return 0;
    size_t near[4];
    emotion_words_neighbours(words, 0, 4, near, NULL);
    const char *word = emotion_words_at(words, 0)->word;
    emotion_words_lookup(words, word);
    emotion_words_destroy(words);
    return 0;
}
