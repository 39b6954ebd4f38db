/* A track reduced to as many points as a picture has room for: equal stretches of time, each with
 * its mean and its range, so that no peak of a long recording is lost to the eye. */
#include <math.h>
#include <string.h>

#include "report/report_private.h"

static affect_time share(const affect_track *track, double i, size_t n) {
    double from = (double)track->times[0], to = (double)track->times[track->rows - 1];
    double at = from + (to - from) * i / (double)n;
    return at >= 9.2e18 ? INT64_MAX : at <= -9.2e18 ? -INT64_MAX : (affect_time)at;
}

report_stretch report_stretch_of(const affect_track *track, size_t i, size_t n) {
    if (n == track->rows) return (report_stretch){i, i + 1, track->times[i]};
    size_t first = i ? track_row_at(track, share(track, (double)i, n)) : 0;
    size_t end = i + 1 < n ? track_row_at(track, share(track, (double)i + 1, n)) : track->rows;
    affect_time time = share(track, (double)i + .5, n);
    if (first < end) time = track->times[first] / 2 + track->times[end - 1] / 2;
    return (report_stretch){first, end, time};
}

report_stretch report_stretch_between(const affect_track *track, affect_time t0, affect_time t1) {
    return (report_stretch){track_row_at(track, t0), track_row_at(track, t1), t0 / 2 + t1 / 2};
}

report_spread report_spread_of(const affect_track *track, size_t channel, report_stretch stretch) {
    report_spread spread = {NAN, INFINITY, -INFINITY};
    double sum = 0;
    size_t n = 0;
    for (size_t row = stretch.first; row < stretch.end; row++) {
        double value = (double)track->values[row * track->channel_count + channel];
        if (!isfinite(value)) continue;
        sum += value;
        if (value < spread.low) spread.low = value;
        if (value > spread.high) spread.high = value;
        n++;
    }
    if (!n) return (report_spread){NAN, NAN, NAN};
    spread.mean = sum / (double)n;
    return spread;
}

const affect_track *report_trajectory(const affect_timeline *timeline, int person) {
    return timeline_role(timeline, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, person);
}

double report_strength(const affect_timeline *timeline, const affect_interval *episode) {
    const affect_track *track = report_trajectory(timeline, episode->person);
    double square = 0;
    static const char *const names[] = {"valence", "arousal"};
    for (size_t d = 0; track && d < BASE_COUNT(names); d++) {
        size_t channel = affect_track_find_channel(track, names[d]);
        if (channel == SIZE_MAX) continue;
        double mean = report_spread_of(track, channel,
                                       report_stretch_between(track, episode->t0, episode->t1))
                          .mean;
        if (isfinite(mean)) square += mean * mean;
    }
    double score = isfinite(episode->score) ? (double)episode->score : .5;
    return score * (strcmp(episode->label, "neutral") == 0 ? .15 : 1) * (.35 + sqrt(square));
}

int report_person_count(const affect_timeline *timeline, int limit) {
    int most = 0;
    for (size_t i = 0; i < timeline->track_count; i++)
        most = BASE_MAX(most, timeline->tracks[i]->person);
    for (size_t i = 0; i < timeline->tier_count; i++)
        for (size_t k = 0; k < timeline->tiers[i]->count; k++)
            most = BASE_MAX(most, timeline->tiers[i]->items[k].person);
    for (size_t i = 0; i < timeline->event_count; i++)
        most = BASE_MAX(most, timeline->events[i].person);
    return BASE_MIN(most, limit);
}

/* The last instant that anything speaks of: a timeline without a duration has one in pictures. */
affect_time report_last_instant(const affect_timeline *timeline) {
    affect_time last = BASE_MAX(timeline->duration, 0);
    for (size_t i = 0; i < timeline->track_count; i++)
        if (timeline->tracks[i]->rows)
            last = BASE_MAX(last, timeline->tracks[i]->times[timeline->tracks[i]->rows - 1]);
    for (size_t i = 0; i < timeline->tier_count; i++)
        for (size_t k = 0; k < timeline->tiers[i]->count; k++)
            last = BASE_MAX(last, timeline->tiers[i]->items[k].t1);
    return last;
}
