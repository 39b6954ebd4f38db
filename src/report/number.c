/* Numbers as text, whatever the locale of the process. */
#include <math.h>
#include <string.h>

#include "report/report_private.h"

static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6, 1e7,
                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};

/* digits / 10^decimals as text. */
static const char *place_point(bool negative, uint64_t digits, int decimals,
                               char out[NUMBER_TEXT_SIZE]) {
    char reversed[NUMBER_TEXT_SIZE];
    int n = 0;
    do {
        if (n == decimals && decimals) reversed[n++] = '.';
        reversed[n++] = (char)('0' + digits % 10);
        digits /= 10;
    } while (digits || n <= decimals);
    if (negative) reversed[n++] = '-';
    for (int i = 0; i < n; i++) out[i] = reversed[n - 1 - i];
    out[n] = '\0';
    return out;
}

/* Rare magnitudes: the C library's digits with the locale's decimal sign put right. */
static const char *with_exponent(double value, bool single, char out[NUMBER_TEXT_SIZE]) {
    for (int precision = 0; precision < (single ? 9 : 17); precision++) {
        char text[NUMBER_TEXT_SIZE * 2];
        snprintf(text, sizeof text, "%.*e", precision, value);
        size_t n = 0;
        for (const char *c = text; *c && n + 1 < NUMBER_TEXT_SIZE; c++) {
            if (strchr("0123456789e+-", *c))
                out[n++] = *c;
            else if (n && out[n - 1] != '.')
                out[n++] = '.';
        }
        out[n] = '\0';
        double back;
        if (base_parse_double(out, n, &back) &&
            (single ? (float)back == (float)value : back == value))
            break;
    }
    return out;
}

const char *report_number(float value, char out[NUMBER_TEXT_SIZE]) {
    out[0] = '\0';
    if (!isfinite(value)) return out;
    double size = fabs((double)value);
    if (size == 0) return memcpy(out, "0", 2);
    if (size < 1e-5 || size >= 1e9) return with_exponent((double)value, true, out);
    /* n / 10^k with n < 2^53 and 10^k exact is the correctly rounded double of the decimal text, so
     * this test says what a reader will get. Nine significant digits always suffice. */
    for (int k = 0; k < (int)BASE_COUNT(powers); k++) {
        double n = nearbyint(size * powers[k]);
        if ((float)(n / powers[k]) == (float)size)
            return place_point(value < 0, (uint64_t)n, k, out);
    }
    return with_exponent((double)value, true, out);
}

const char *report_double(double value, char out[NUMBER_TEXT_SIZE]) {
    out[0] = '\0';
    if (!isfinite(value)) return out;
    double size = fabs(value);
    if (size == 0) return memcpy(out, "0", 2);
    if (size < 1e-5 || size >= 1e9) return with_exponent(value, false, out);
    for (int k = 0; k < (int)BASE_COUNT(powers); k++) { /* as above */
        double n = nearbyint(size * powers[k]);
        if (n < 9007199254740992.0 && n / powers[k] == size)
            return place_point(value < 0, (uint64_t)n, k, out);
    }
    return with_exponent(value, false, out);
}

const char *report_fixed(double value, int decimals, char out[NUMBER_TEXT_SIZE]) {
    out[0] = '\0';
    if (!(fabs(value) <= 1e12)) return out;
    double n = floor(fabs(value) * powers[decimals] + 0.5);
    return place_point(value < 0 && n > 0, (uint64_t)n, decimals, out);
}
