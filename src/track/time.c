/* Conversions between stream ticks, nanoseconds and text. */
#include <math.h>

#include "track/track.h"

__extension__ typedef __int128 wide;

affect_time time_from_ticks(int64_t ticks, int64_t num, int64_t den) {
    if (ticks == AFFECT_TIME_NONE || den <= 0) return AFFECT_TIME_NONE;
    /* Split off whole seconds' worth so that 128 bits always suffice: |ticks * num| < 2^126. */
    wide product = (wide)ticks * num;
    wide whole = product / den, rest = product % den;
    if (whole > INT64_MAX / AFFECT_SECOND) return INT64_MAX;
    if (whole < INT64_MIN / AFFECT_SECOND) return -INT64_MAX;
    wide scaled = rest * AFFECT_SECOND;
    wide half = den / 2;
    wide ns = (scaled >= 0 ? scaled + half : scaled - half) / den;
    return (affect_time)(whole * AFFECT_SECOND + ns);
}

affect_time time_from_seconds(double seconds) {
    if (isnan(seconds)) return AFFECT_TIME_NONE;
    double ns = seconds * 1e9;
    if (ns >= 9.2e18) return INT64_MAX;
    if (ns <= -9.2e18) return -INT64_MAX;
    return (affect_time)llround(ns);
}

double time_to_seconds(affect_time time) {
    return time == AFFECT_TIME_NONE ? NAN : (double)time / 1e9;
}

/* Milliseconds rounded half up, without overflow near the ends. */
static int64_t milliseconds(affect_time time) {
    int64_t ms = time / AFFECT_MILLISECOND, rest = time % AFFECT_MILLISECOND;
    if (rest < 0) {
        rest += AFFECT_MILLISECOND;
        ms--;
    }
    return rest >= AFFECT_MILLISECOND / 2 ? ms + 1 : ms;
}

const char *time_to_text(affect_time time, char out[TIME_TEXT_SIZE]) {
    out[0] = '\0';
    if (time == AFFECT_TIME_NONE) return out;
    int64_t ms = milliseconds(time);
    const char *sign = ms < 0 ? "-" : "";
    if (ms < 0) ms = -ms;
    snprintf(out, TIME_TEXT_SIZE, "%s%lld.%03lld", sign, (long long)(ms / 1000),
             (long long)(ms % 1000));
    return out;
}

const char *time_to_clock(affect_time time, char out[TIME_TEXT_SIZE]) {
    out[0] = '\0';
    if (time == AFFECT_TIME_NONE) return out;
    int64_t ms = milliseconds(time < 0 ? 0 : time);
    snprintf(out, TIME_TEXT_SIZE, "%02lld:%02lld:%02lld.%03lld", (long long)(ms / 3600000),
             (long long)(ms / 60000 % 60), (long long)(ms / 1000 % 60), (long long)(ms % 1000));
    return out;
}
