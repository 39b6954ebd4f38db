/* Radix sort from the lowest digit, of only the bits in which the words differ. */
#include "score/sort.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

uint64_t *score_sort_words(uint64_t *words, uint64_t *spare, size_t n, int low) {
    uint64_t differ = 0;
    for (size_t i = 1; i < n; i++) differ |= words[i] ^ words[0];
    differ = differ >> low << low;
    if (!differ) return words;
    int from = __builtin_ctzll(differ), bits = score_bits(differ) - from;
    int passes = (bits + DIGIT_BITS - 1) / DIGIT_BITS, width = (bits + passes - 1) / passes;
    uint64_t mask = (UINT64_C(1) << width) - 1;
    for (int p = 0; p < passes; p++, from += width) {
        size_t count[DIGITS] = {0}, sum = 0;
        for (size_t i = 0; i < n; i++) count[words[i] >> from & mask]++;
        for (size_t d = 0; d <= mask; d++) {
            size_t here = count[d];
            count[d] = sum;
            sum += here;
        }
        for (size_t i = 0; i < n; i++) spare[count[words[i] >> from & mask]++] = words[i];
        uint64_t *sorted = spare;
        spare = words;
        words = sorted;
    }
    return words;
}
