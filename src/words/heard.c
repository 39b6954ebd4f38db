/* What a recogniser heard: words with times, and the sentence that they make. */
#include "words/words_private.h"

void words_heard_clear(words_heard *heard) {
    for (size_t i = 0; i < heard->count; i++) base_free(heard->items[i].text);
    base_text_clear(&heard->text);
    heard->count = heard->speaker_count = 0;
    heard->foreign = heard->judged = false;
}

void words_heard_destroy(words_heard *heard) {
    words_heard_clear(heard);
    base_text_destroy(&heard->text);
    base_free(heard->items);
    base_free(heard->speaker);
    *heard = (words_heard){0};
}
