/* What a user names of a recording: a stretch, and persons. */
#include <string.h>

#include "report/report_private.h"

/* "75.5", "1:15.5" or "0:01:15.5". */
static bool parse_time(const char *text, affect_time *out) {
    double seconds = 0;
    int parts = 0;
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ":");
        double part;
        if (!n || !base_parse_double(at, n, &part) || !(part >= 0 && part < 1e7) || ++parts > 3 ||
            (parts > 1 && part >= 60))
            return false;
        seconds = seconds * 60 + part;
        at += n;
        if (!*at) break;
    }
    *out = time_from_seconds(seconds);
    return true;
}

affect_status report_choose(affect_context *ctx, const char *from, const char *to,
                            const char *persons, int **list, report_options *options) {
    *list = NULL;
    const char *const texts[] = {from, to};
    affect_time *const times[] = {&options->from, &options->to};
    for (size_t i = 0; i < BASE_COUNT(texts); i++)
        if (texts[i] && !parse_time(texts[i], times[i]))
            return base_fail(ctx, AFFECT_ERROR_USAGE,
                             "--%s wants a time like 75.5, 1:15.5 or 0:01:15, not '%.40s'",
                             i ? "to" : "from", texts[i]);
    if (to && options->to <= options->from)
        return base_fail(ctx, AFFECT_ERROR_USAGE, "--to must lie behind --from");
    size_t capacity = 0, count = 0;
    for (const char *at = persons; at && *at;) {
        size_t n = strcspn(at, ",");
        int64_t number;
        if (!base_parse_int64(at, n, &number) || number < 1 || number > 100000) {
            base_free(*list);
            *list = NULL;
            return base_fail(ctx, AFFECT_ERROR_USAGE,
                             "--persons wants numbers of persons with commas, not '%.40s'",
                             persons);
        }
        if (!base_grow((void **)list, &capacity, count + 1, sizeof **list)) {
            base_free(*list);
            *list = NULL;
            return base_fail_memory(ctx);
        }
        (*list)[count++] = (int)number;
        at += n + (at[n] == ',');
    }
    options->persons = *list;
    options->person_count = count;
    return AFFECT_OK;
}
