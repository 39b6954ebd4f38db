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

void base_text_vprintf(base_text *text, const char *format, va_list arguments) {
    if (text->failed) return;
    char small[256];
    va_list again;
    va_copy(again, arguments);
    int n = vsnprintf(small, sizeof small, format, arguments);
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

void base_text_printf(base_text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    base_text_vprintf(text, format, arguments);
    va_end(arguments);
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

void base_text_append_base64(base_text *text, const void *bytes, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *b = bytes;
    char out[4096];
    size_t filled = 0;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t group = (uint32_t)b[i] << 16;
        if (i + 1 < n) group |= (uint32_t)b[i + 1] << 8;
        if (i + 2 < n) group |= b[i + 2];
        out[filled++] = digits[group >> 18];
        out[filled++] = digits[group >> 12 & 63];
        out[filled++] = i + 1 < n ? digits[group >> 6 & 63] : '=';
        out[filled++] = i + 2 < n ? digits[group & 63] : '=';
        if (filled == sizeof out || i + 3 >= n) {
            base_text_append_n(text, out, filled);
            filled = 0;
        }
    }
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

bool base_control(uint32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

bool base_harmful(uint32_t c) {
    return base_control(c) || c == 0x61C || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c < 0x202F) || (c >= 0x2066 && c < 0x206A);
}

/* One code point of `text` at *at as it may be shown; returns the length in `out`. */
static size_t clean_next(const char *text, size_t length, size_t *at, char out[4]) {
    size_t before = *at;
    uint32_t c = base_utf8_next(text, length, at);
    bool malformed = c == 0xFFFD && *at == before + 1;
    if (c == '\t' || c == '\n' || c == '\r')
        c = ' ';
    else if (malformed || base_harmful(c))
        c = '?';
    return base_utf8_put(c, out);
}

char *base_clean_line(const char *text, char *out, size_t size) {
    size_t length = strlen(text), used = 0;
    for (size_t at = 0; at < length;) {
        char bytes[4];
        size_t n = clean_next(text, length, &at, bytes);
        if (used + n >= size) break;
        memcpy(out + used, bytes, n);
        used += n;
    }
    out[used] = '\0';
    return out;
}

void base_text_append_clean(base_text *out, const char *text) {
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        char bytes[4];
        size_t n = clean_next(text, length, &at, bytes);
        base_text_append_n(out, bytes, n);
    }
}

void base_text_append_json(base_text *out, const char *text) {
    size_t length = strlen(text);
    base_text_append(out, "\"");
    for (size_t at = 0; at < length;) {
        char bytes[4];
        uint32_t c = base_utf8_next(text, length, &at);
        if (c == '"' || c == '\\')
            base_text_printf(out, "\\%c", (int)c);
        else if (base_harmful(c))
            base_text_printf(out, "\\u%04x", (unsigned)c);
        else
            base_text_append_n(out, bytes, base_utf8_put(c, bytes));
    }
    base_text_append(out, "\"");
}

void base_text_append_xml(base_text *out, const char *text) {
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        char bytes[4];
        uint32_t c = base_utf8_next(text, length, &at);
        const char *entity = c == '&'    ? "&amp;"
                             : c == '<'  ? "&lt;"
                             : c == '>'  ? "&gt;"
                             : c == '"'  ? "&quot;"
                             : c == '\t' ? "&#9;"
                             : c == '\n' ? "&#10;"
                             : c == '\r' ? "&#13;"
                                         : NULL;
        if (base_control(c) || c == 0xFFFE || c == 0xFFFF) c = 0xFFFD; /* XML 1.0, production 2 */
        if (entity)
            base_text_append(out, entity);
        else
            base_text_append_n(out, bytes, base_utf8_put(c, bytes));
    }
}

void base_text_append_safe_json(base_text *out, const char *json) {
    size_t length = strlen(json);
    for (size_t at = 0; at < length;) {
        char bytes[4];
        uint32_t c = base_utf8_next(json, length, &at);
        if (base_harmful(c) && c >= 0x20) /* below are the spaces between the values */
            base_text_printf(out, "\\u%04x", (unsigned)c);
        else
            base_text_append_n(out, bytes, base_utf8_put(c, bytes));
    }
}

void base_put_line(FILE *out, const char *format, ...) {
    base_text text = {0}, clean = {0};
    va_list arguments;
    va_start(arguments, format);
    base_text_vprintf(&text, format, arguments);
    va_end(arguments);
    base_text_append_clean(&clean, text.data ? text.data : "");
    if (text.failed || clean.failed)
        fputs("out of memory", out);
    else if (clean.length)
        fwrite(clean.data, 1, clean.length, out);
    putc('\n', out);
    base_text_destroy(&text);
    base_text_destroy(&clean);
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
