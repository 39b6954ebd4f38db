/* How far groups lie apart. */
#include <math.h>

#include "affect/score.h"

void affect_score_gap_from(const double *value, const affect_score_interval *interval,
                           size_t groups, size_t stride, affect_score_gap *out) {
    if (!out) return;
    *out = (affect_score_gap){0, 0, NAN, {NAN, NAN}};
    bool any = false;
    for (size_t g = 0; value && g < groups; g++) {
        double x = value[g * stride];
        if (isnan(x)) continue;
        if (!any || x > value[out->highest * stride]) out->highest = g;
        if (!any || x < value[out->lowest * stride]) out->lowest = g;
        any = true;
    }
    if (!any || out->highest == out->lowest) return;
    double a = value[out->highest * stride], b = value[out->lowest * stride];
    out->gap = a - b;
    if (!interval) return;
    const affect_score_interval x = interval[out->highest * stride],
                                y = interval[out->lowest * stride];
    out->interval.low = out->gap - sqrt((a - x.low) * (a - x.low) + (y.high - b) * (y.high - b));
    out->interval.high = out->gap + sqrt((x.high - a) * (x.high - a) + (b - y.low) * (b - y.low));
}
