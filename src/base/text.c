/* Growable text, UTF-8 and locale-independent numbers. */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

void base_text_append_n(base_text *text, const char *bytes, size_t n) {
    if (text->failed) return;
    if (n >= SIZE_MAX - text->length ||
        !base_grow((void **)&text->data, &text->capacity, text->length + n + 1, 1)) {
        text->failed = true;
        return;
    }
    memcpy(text->data + text->length, bytes, n);
    text->length += n;
    text->data[text->length] = '\0';
}

void base_text_append(base_text *text, const char *string) {
    base_text_append_n(text, string, strlen(string));
}

void base_text_printf(base_text *text, const char *format, ...) {
    if (text->failed) return;
    char small[256];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int n = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (n < 0) {
        text->failed = true;
    } else if ((size_t)n < sizeof small) {
        base_text_append_n(text, small, (size_t)n);
    } else if (!base_grow((void **)&text->data, &text->capacity, text->length + (size_t)n + 1, 1)) {
        text->failed = true;
    } else {
        vsnprintf(text->data + text->length, (size_t)n + 1, format, again);
        text->length += (size_t)n;
    }
    va_end(again);
}

void base_text_clear(base_text *text) {
    text->length = 0;
    text->failed = false;
    if (text->data) text->data[0] = '\0';
}

void base_text_destroy(base_text *text) {
    base_free(text->data);
    *text = (base_text){0};
}

uint32_t base_utf8_next(const char *text, size_t length, size_t *at) {
    const unsigned char *s = (const unsigned char *)text + *at;
    size_t left = length - *at;
    uint32_t c = s[0];
    size_t extra = c < 0x80                ? 0
                   : c >= 0xC2 && c < 0xE0 ? 1
                   : c >= 0xE0 && c < 0xF0 ? 2
                   : c >= 0xF0 && c < 0xF5 ? 3
                                           : SIZE_MAX;
    if (extra == 0) {
        *at += 1;
        return c;
    }
    if (extra == SIZE_MAX || extra >= left) goto malformed;
    uint32_t value = c & (0x3Fu >> extra);
    for (size_t i = 1; i <= extra; i++) {
        if ((s[i] & 0xC0) != 0x80) goto malformed;
        value = value << 6 | (s[i] & 0x3Fu);
    }
    /* Overlong forms, surrogates and values past Unicode's end are malformed too. */
    if ((extra == 2 && value < 0x800) || (extra == 3 && value < 0x10000) || value > 0x10FFFF ||
        (value >= 0xD800 && value < 0xE000))
        goto malformed;
    *at += extra + 1;
    return value;
malformed:
    *at += 1;
    return 0xFFFD;
}

size_t base_utf8_put(uint32_t c, char out[4]) {
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = 0xFFFD;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

bool base_utf8_valid(const char *text, size_t length) {
    for (size_t at = 0; at < length;) {
        size_t before = at;
        if (base_utf8_next(text, length, &at) == 0xFFFD && at == before + 1) return false;
    }
    return true;
}

char *base_utf8_clean(const char *text, size_t length) {
    base_text clean = {0};
    base_text_append_n(&clean, "", 0);
    for (size_t at = 0; at < length;) {
        char bytes[4];
        base_text_append_n(&clean, bytes, base_utf8_put(base_utf8_next(text, length, &at), bytes));
    }
    if (clean.failed) base_text_destroy(&clean);
    return clean.data;
}

bool base_parse_double(const char *text, size_t length, double *out) {
    /* strtod follows the process's locale, which belongs to the caller: use a "C" locale of our
     * own. */
    char buffer[64];
    if (length == 0 || length >= sizeof buffer || isspace((unsigned char)text[0])) return false;
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\0' || text[i] == 'x' || text[i] == 'X' || text[i] == '(') return false;
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale) return false;
    char *end = NULL;
    double value = strtod_l(buffer, &end, c_locale);
    freelocale(c_locale);
    if (end != buffer + length) return false;
    *out = value;
    return true;
}

bool base_parse_int64(const char *text, size_t length, int64_t *out) {
    char buffer[32];
    if (length == 0 || length >= sizeof buffer) return false;
    for (size_t i = 0; i < length; i++)
        if (!isdigit((unsigned char)text[i]) && !(i == 0 && (text[i] == '-' || text[i] == '+')))
            return false;
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    errno = 0;
    char *end = NULL;
    long long value = strtoll(buffer, &end, 10);
    if (errno || end == buffer || *end) return false;
    *out = value;
    return true;
}

bool base_starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool base_ends_with(const char *text, const char *suffix) {
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

bool base_equal_ignore_case(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        int x = *a >= 'A' && *a <= 'Z' ? *a + 32 : *a;
        int y = *b >= 'A' && *b <= 'Z' ? *b + 32 : *b;
        if (x != y) return false;
    }
    return *a == *b;
}
