/* Times on a clock, as subtitles write them. */
#include "transcript/transcript_private.h"

static bool digits(const char *s, size_t n, size_t *at, size_t most, int64_t *out, size_t *count) {
    size_t start = *at;
    *out = 0;
    while (*at < n && s[*at] >= '0' && s[*at] <= '9' && *at - start < most)
        *out = *out * 10 + (s[(*at)++] - '0');
    *count = *at - start;
    return *count > 0;
}

/* Typists and translators put blanks behind the colons and the comma. */
static void blanks(const char *s, size_t n, size_t *at) {
    size_t i = *at;
    while (i < n && (s[i] == ' ' || s[i] == '\t')) i++;
    if (i < n && s[i] >= '0' && s[i] <= '9') *at = i;
}

bool transcript_clock(const char *s, size_t n, size_t *at, int64_t most, affect_time *out) {
    int64_t field[3] = {0}, part = 0;
    size_t fields = 0, count, i = *at;
    bool negative = i < n && (s[i] == '-' || s[i] == '+') && s[i++] == '-';
    while (fields < 3) {
        blanks(s, n, &i);
        if (!digits(s, n, &i, 6, &field[fields], &count)) return false;
        fields++;
        if (i >= n || s[i] != ':' || fields == 3) break;
        i++;
    }
    if (fields < 2) return false;
    int64_t hours = fields == 3 ? field[0] : 0;
    int64_t minutes = field[fields - 2], seconds = field[fields - 1];
    if ((minutes > most && fields == 3) || seconds > most) return false;
    if (i < n && (s[i] == '.' || s[i] == ',' || (s[i] == ':' && fields == 3))) {
        bool colon = s[i++] == ':';
        blanks(s, n, &i);
        if (!digits(s, n, &i, 9, &part, &count)) return false;
        if (colon && count != 3) return false; /* frames of an unknown rate */
        for (; count < 9; count++) part *= 10;
    }
    *at = i;
    *out = (((hours * 60 + minutes) * 60 + seconds) * AFFECT_SECOND + part) * (negative ? -1 : 1);
    return true;
}
