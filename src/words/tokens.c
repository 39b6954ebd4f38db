/* Words of a text in any script. */
#include "words/tokens.h"

static bool is_space(uint32_t c) {
    return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200B) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000 || c == 0xFEFF;
}

/* Punctuation that may stand around a word; the apostrophe inside a word stays. */
static bool is_punctuation(uint32_t c) {
    if (c < 0x80)
        return c > 0x20 && !((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9');
    return (c >= 0xA1 && c <= 0xBF && c != 0xAA && c != 0xB5 && c != 0xBA) ||
           (c >= 0x2010 && c <= 0x206F) || (c >= 0x3001 && c <= 0x303F && c != 0x3005) ||
           c == 0x061F || c == 0x060C || c == 0x061B || c == 0x0964 || c == 0x0965 ||
           (c >= 0xFF01 && c <= 0xFF0F) || c == 0xFF1A || c == 0xFF1B || c == 0xFF1F ||
           (c >= 0xFF3B && c <= 0xFF40) || (c >= 0xFF5B && c <= 0xFF65) ||
           (c >= 0x2190 && c <= 0x2BFF && !(c >= 0x2600 && c <= 0x27BF));
}

bool words_next_token(const char *text, size_t length, size_t *at, words_token *out) {
    while (*at < length) {
        size_t i = *at;
        uint32_t c = base_utf8_next(text, length, &i);
        if (!is_space(c)) break;
        *at = i;
    }
    if (*at >= length) return false;
    size_t first = 0, last = *at;
    bool seen = false;
    int depth = out->depth;
    *out = (words_token){.described = depth > 0};
    while (*at < length) {
        size_t i = *at;
        uint32_t c = base_utf8_next(text, length, &i);
        if (is_space(c)) break;
        if (c == '[' || c == '(' || c == 0xFF08 || c == 0x3010) {
            depth++;
            if (!seen) out->described = true;
        }
        if ((c == ']' || c == ')' || c == 0xFF09 || c == 0x3011) && depth) depth--;
        if (!is_punctuation(c)) {
            if (!seen) first = *at;
            seen = true;
            last = i;
            out->weight++;
        }
        *at = i;
    }
    out->start = seen ? first : last;
    out->end = last;
    out->depth = depth;
    return true;
}
