/* The emotion lexicon's file. */
#include <string.h>

#include "words/emotions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    words_emotions *words;
    if (words_emotions_parse(NULL, "input", (const char *)data, size, &words)) return 0;
    size_t near[4];
    words_emotions_neighbours(words, 0, 4, near, NULL);
    const char *word = words_emotions_at(words, 0)->word;
    words_emotions_lookup(words, word);
    words_emotions_destroy(words);
    return 0;
}
