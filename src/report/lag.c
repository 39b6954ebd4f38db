/* What is said of the lag between two modalities in an episode. */
#include <math.h>
#include <string.h>

#include "report/report_private.h"

static const char *const pairs[REPORT_LAGS][2] = {
    {"face", "voice"}, {"face", "words"}, {"voice", "words"}};

/* Two that are surely no further apart come together. */
static const double TOGETHER_S = 0.5;

bool report_lag(const affect_timeline *timeline, const affect_interval *episode, int pair,
                char out[REPORT_LAG_SIZE]) {
    const affect_tier *nodes = affect_timeline_find_tier(timeline, "alignment/episodes");
    const affect_attributes *a = NULL;
    for (size_t i = 0; nodes && i < nodes->count && !a; i++) {
        const char *of = affect_attributes_text(nodes->items[i].attributes, "node");
        if (of && strcmp(of, episode->id) == 0) a = nodes->items[i].attributes;
    }
    const char *first = pairs[pair][0], *second = pairs[pair][1];
    char key[48];
    snprintf(key, sizeof key, "lag_%s_%s_s", first, second);
    double lag = affect_attributes_number(a, key);
    snprintf(key, sizeof key, "lag_%s_%s_sd_s", first, second);
    double sd = affect_attributes_number(a, key);
    snprintf(key, sizeof key, "lag_%s_%s_p", first, second);
    if (!(affect_attributes_number(a, key) < 0.05) || !(fabs(lag) < 1000) ||
        !(sd >= 0 && sd < 1000))
        return false;
    double size = round(fabs(lag) * 1000), error = round(sd * 1000);
    if (fabs(lag) <= 2 * sd && !(fabs(lag) + 2 * sd <= TOGETHER_S)) return false;
    if (fabs(lag) <= 2 * sd)
        snprintf(out, REPORT_LAG_SIZE, "%s and %s together within %.0f ± %.0f ms", first, second,
                 size, error);
    else
        snprintf(out, REPORT_LAG_SIZE, "%s leads %s by %.0f ± %.0f ms", lag < 0 ? second : first,
                 lag < 0 ? first : second, size, error);
    return true;
}
