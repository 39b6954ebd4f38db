/* Which encoding, and from it to UTF-8 by iconv. */
#include "data/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>
#include <uchardet/uchardet.h>

/* ---- marks and zeros ---- */

static const struct {
    const char *bytes, *name;
    size_t length;
} marks[] = {{"\xEF\xBB\xBF", "UTF-8", 3},
             {"\xFF\xFE\0\0", "UTF-32LE", 4}, /* before UTF-16, whose mark it begins with */
             {"\0\0\xFE\xFF", "UTF-32BE", 4},
             {"\xFF\xFE", "UTF-16LE", 2},
             {"\xFE\xFF", "UTF-16BE", 2},
             {"\x84\x31\x95\x33", "GB18030", 4}};

/* Text in UTF-16 has a zero in nearly every other byte wherever it is Latin, and line ends, digits
 * and spaces always are: enough to tell without a mark. */
static const char *utf16_by_zeros(const char *bytes, size_t length) {
    size_t n = BASE_MIN(length, (size_t)4096) & ~(size_t)1, even = 0, odd = 0;
    for (size_t i = 0; i < n; i += 2) {
        even += bytes[i] == 0;
        odd += bytes[i + 1] == 0;
    }
    if (n < 4) return NULL;
    if (odd > n / 8 && even * 8 < odd) return "UTF-16LE";
    if (even > n / 8 && odd * 8 < even) return "UTF-16BE";
    return NULL;
}

/* ---- conversion ---- */

/* Windows-1252 by hand: every byte means something in it (0x81, 0x8D, 0x8F, 0x90 and 0x9D stay C1
 * controls, as browsers read them), so that there is always a last resort. */
static affect_status from_windows_1252(affect_context *ctx, const char *bytes, size_t length,
                                       data_text *out) {
    static const uint16_t high[32] = {
        0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
    out->bytes = base_alloc(length * 3 + 1);
    if (!out->bytes) return base_fail_memory(ctx);
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        n += base_utf8_put(c >= 0x80 && c < 0xA0 ? high[c - 0x80] : c, out->bytes + n);
    }
    out->bytes[n] = 0;
    out->length = n;
    return AFFECT_OK;
}

/* Units that mean nothing become U+FFFD; false (and nothing changed) when iconv knows no such
 * encoding. */
static bool convert(affect_context *ctx, const char *name, const char *bytes, size_t length,
                    data_text *out, affect_status *status) {
    iconv_t way = iconv_open("UTF-8", name);
    if (way == (iconv_t)-1) return false;
    size_t room = length + length / 2 + 16, done = 0, left = length;
    size_t unit = !strncmp(name, "UTF-32", 6) ? 4 : !strncmp(name, "UTF-16", 6) ? 2 : 1;
    char *to = base_alloc(room + 1), *from = (char *)(uintptr_t)bytes;
    size_t replaced = 0;
    bool flushed = false;
    while (to && !flushed) {
        char *at = to + done;
        size_t space = room - done;
        flushed = !left;
        size_t code = iconv(way, left ? &from : NULL, left ? &left : NULL, &at, &space);
        int why = code == (size_t)-1 ? errno : 0;
        done = (size_t)(at - to);
        if (why) flushed = false;
        if ((why == EILSEQ || why == EINVAL) && left && space >= 3) {
            done += base_utf8_put(0xFFFD, to + done);
            size_t step = BASE_MIN(unit, left);
            from += step;
            left -= step;
            replaced++;
            iconv(way, NULL, NULL, NULL, NULL); /* a shift state that led nowhere is left */
        } else if (why) {
            char *larger = room > SIZE_MAX / 4 ? NULL : base_realloc(to, room * 2 + 1);
            if (!larger) base_free(to);
            to = larger;
            room *= 2;
        }
    }
    iconv_close(way);
    *status = to ? AFFECT_OK : base_fail_memory(ctx);
    if (!to) return true;
    to[done] = 0;
    out->bytes = to;
    out->length = done;
    out->replaced = replaced;
    return true;
}

static affect_status keep_utf8(affect_context *ctx, const char *bytes, size_t length, size_t broken,
                               data_text *out) {
    out->bytes = broken ? base_utf8_clean(bytes, length) : base_strndup(bytes, length);
    if (!out->bytes) return base_fail_memory(ctx);
    out->length = broken ? strlen(out->bytes) : length;
    out->replaced = broken;
    return AFFECT_OK;
}

/* ---- what do bytes look like ---- */

/* Characters beyond ASCII that are whole in UTF-8, and bytes that are part of none. */
static void count_utf8(const char *bytes, size_t length, size_t *whole, size_t *broken) {
    *whole = *broken = 0;
    for (size_t at = 0; at < length;) {
        size_t before = at;
        uint32_t c = base_utf8_next(bytes, length, &at);
        if (at - before > 1)
            ++*whole;
        else if (c == 0xFFFD)
            ++*broken;
    }
}

/* 1 upper, -1 lower, 0 neither: of the Greek, Cyrillic and Latin letters of the 8-bit sets. */
static int letter_case(uint32_t c) {
    if ((c >= 'A' && c <= 'Z') || (c >= 0x386 && c <= 0x3AB && c != 0x390) ||
        (c >= 0x400 && c <= 0x42F) || (c >= 0xC0 && c <= 0xDE && c != 0xD7))
        return 1;
    if ((c >= 'a' && c <= 'z') || (c >= 0x3AC && c <= 0x3CE) || c == 0x390 ||
        (c >= 0x430 && c <= 0x45F) || (c >= 0xDF && c <= 0xFF && c != 0xF7))
        return -1;
    return 0;
}

/* No word of a language with cases has a capital behind a small letter, nor signs among letters. */
static bool reads_as_words(const char *text, size_t length) {
    size_t odd = 0, high = 0;
    int before = 0;
    for (size_t at = 0; at < length;) {
        uint32_t c = base_utf8_next(text, length, &at);
        int now = letter_case(c);
        high += c >= 0x80;
        odd += (now > 0 && before < 0) || (c >= 0x80 && !now);
        before = now;
    }
    return odd * 10 <= high;
}

/* Are all runs of high bytes pairs out of the 3755 most common characters of GB 2312 (its rows 16
 * to 55), whose symbols and punctuation (rows 1 to 3) may stand between? Short Chinese texts, such
 * as a column of labels, are too little for the detector. */
static bool looks_like_gb2312(const char *bytes, size_t length) {
    const unsigned char *b = (const unsigned char *)bytes;
    size_t common = 0, other = 0;
    for (size_t i = 0; i < length;) {
        if (b[i] < 0x80) {
            i++;
            continue;
        }
        if (i + 1 >= length || b[i + 1] < 0xA1 || b[i + 1] == 0xFF) return false;
        if (b[i] >= 0xB0 && b[i] <= 0xD7)
            common++;
        else if (!(b[i] >= 0xA1 && b[i] <= 0xA3))
            other++;
        i += 2;
    }
    return common >= 2 && other * 10 <= common;
}

/* The detector's name of what it saw, as iconv's of the set that holds it and is what is meant. */
static const char *iconv_name(const char *name) {
    static const char *const pairs[][2] = {{"ISO-8859-1", "WINDOWS-1252"},
                                           {"ISO-8859-15", "WINDOWS-1252"},
                                           {"ISO-8859-9", "WINDOWS-1254"},
                                           {"TIS-620", "WINDOWS-874"},
                                           {"GB2312", "GB18030"},
                                           {"HZ-GB-2312", "HZ"},
                                           {"MAC-CYRILLIC", "MAC-CYRILLIC"},
                                           {"SHIFT_JIS", "WINDOWS-31J"}};
    for (size_t i = 0; i < BASE_COUNT(pairs); i++)
        if (!strcasecmp(name, pairs[i][0])) return pairs[i][1];
    return name;
}

/* Sets of several bytes a character: their structure proves them, single bytes only have habits. */
static bool is_multibyte(const char *name) {
    static const char *const names[] = {"GB18030",     "BIG5",   "EUC-JP", "WINDOWS-31J",
                                        "UHC",         "EUC-KR", "JOHAB",  "ISO-2022-JP",
                                        "ISO-2022-KR", "HZ",     "EUC-TW", "UTF-8"};
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (!strcasecmp(name, names[i])) return true;
    return false;
}

/* The name that the detector gives, "" if none. It is C++ and allocates by itself; what it throws
 * it catches. */
static void detect(const char *bytes, size_t length, char name[32]) {
    name[0] = 0;
    uchardet_t detector = uchardet_new();
    if (!detector) return;
    if (!uchardet_handle_data(detector, bytes, BASE_MIN(length, (size_t)1 << 20))) {
        uchardet_data_end(detector);
        const char *found = uchardet_get_charset(detector);
        if (found) snprintf(name, 32, "%s", iconv_name(found));
    }
    uchardet_delete(detector);
}

/* Fewer high bytes than this have no habits: then Windows-1252, the commonest, is the guess. */
enum { FEW = 6 };

static affect_status guess(affect_context *ctx, const char *bytes, size_t length, data_text *out) {
    affect_status status = AFFECT_OK;
    size_t high = 0;
    for (size_t i = 0; i < length; i++) high += (unsigned char)bytes[i] >= 0x80;
    detect(bytes, length, out->encoding);
    out->guessed = true;
    bool pairs = looks_like_gb2312(bytes, length);
    if (out->encoding[0] && !is_multibyte(out->encoding) && (high >= FEW || pairs)) {
        if (convert(ctx, out->encoding, bytes, length, out, &status)) {
            if (status) return status;
            if (!pairs || reads_as_words(out->bytes, out->length)) return AFFECT_OK;
            data_text_destroy(out);
            out->guessed = true;
        }
    } else if (is_multibyte(out->encoding) &&
               convert(ctx, out->encoding, bytes, length, out, &status)) {
        /* More than a few units that mean nothing: it is something else. */
        if (status || out->replaced * 20 <= high) return status;
        data_text_destroy(out);
        out->guessed = true;
    }
    snprintf(out->encoding, sizeof out->encoding, "%s", pairs ? "GB18030" : "WINDOWS-1252");
    if (pairs && convert(ctx, out->encoding, bytes, length, out, &status)) return status;
    snprintf(out->encoding, sizeof out->encoding, "WINDOWS-1252");
    return from_windows_1252(ctx, bytes, length, out);
}

static affect_status decode(affect_context *ctx, const char *encoding, const char *bytes,
                            size_t length, data_text *out) {
    affect_status status = AFFECT_OK;
    size_t whole, broken;
    const char *name = NULL;
    for (size_t i = 0; !name && i < BASE_COUNT(marks); i++)
        if (length >= marks[i].length && !memcmp(bytes, marks[i].bytes, marks[i].length)) {
            name = marks[i].name;
            bytes += marks[i].length;
            length -= marks[i].length;
        }
    if (!name) name = utf16_by_zeros(bytes, length);
    if (!name && encoding && strncasecmp(encoding, "UTF-", 4) != 0 &&
        strcasecmp(encoding, "US-ASCII") != 0)
        name = encoding;
    if (name && strcmp(name, "UTF-8") != 0) {
        snprintf(out->encoding, sizeof out->encoding, "%s", name);
        if (convert(ctx, name, bytes, length, out, &status)) return status;
    }
    count_utf8(bytes, length, &whole, &broken);
    /* ISO 2022 is ASCII with shifts: an escape and "$" begin its Japanese and Korean. */
    bool shifts = !whole && !broken && memmem(bytes, length, "\x1b$", 2);
    if (name ? !strcmp(name, "UTF-8") : broken * 9 <= whole && !shifts) {
        snprintf(out->encoding, sizeof out->encoding, "UTF-8");
        return keep_utf8(ctx, bytes, length, broken, out);
    }
    return guess(ctx, bytes, length, out);
}

affect_status data_text_decode_as(affect_context *ctx, const char *encoding, const char *bytes,
                                  size_t length, data_text *out) {
    *out = (data_text){0};
    affect_status status = decode(ctx, encoding, bytes, length, out);
    if (status) data_text_destroy(out);
    return status;
}

affect_status data_text_decode(affect_context *ctx, const char *bytes, size_t length,
                               data_text *out) {
    return data_text_decode_as(ctx, NULL, bytes, length, out);
}

void data_text_remark(const data_text *text, char *out, size_t size) {
    char bad[120] = "";
    if (text->replaced)
        snprintf(bad, sizeof bad, "%zu bytes that mean nothing in %s were replaced", text->replaced,
                 text->encoding);
    if (text->guessed)
        snprintf(out, size, "it is not UTF-8; read as %s (a guess)%s%s", text->encoding,
                 *bad ? "; " : "", bad);
    else
        snprintf(out, size, "%s", bad);
}

void data_text_destroy(data_text *text) {
    base_free(text->bytes);
    *text = (data_text){0};
}
