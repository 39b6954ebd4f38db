/* Rows of tracks, which come at any rate, as cells of one clock. */
#include <math.h>
#include <string.h>

#include "align/synchrony.h"

static const char *const sounds[ALIGN_SOUNDS - 1] = {
    "energy_db", "loudness", "voicing", "spectral_flux", "alpha_ratio_db", "f1_hz", "f2_hz"};
static const char *const units[] = {"AU25", "AU26", "AU17", "AU20", "AU10", "AU12", "AU23"};
enum { UNITS = BASE_COUNT(units) };
/* Between rows further apart nobody looked. */
#define LONGEST_STEP (250 * AFFECT_MILLISECOND)

static affect_time time_of(size_t k) { return (affect_time)k * ALIGN_CELL; }

/* The channel's mean over rows [first, end); NaN if none says anything. */
static double mean_of(const affect_track *track, size_t channel, size_t first, size_t end) {
    double sum = 0, n = 0;
    for (size_t i = first; i < end; i++) {
        double v = track->values[i * track->channel_count + channel];
        if (isfinite(v)) sum += v, n++;
    }
    return n > 0 ? sum / n : NAN;
}

/* Where `time` lies between the rows of a track: *row and *share of the way to the next one. */
static bool place_of(const affect_track *track, affect_time time, size_t *row, double *share) {
    size_t next = track_row_at(track, time);
    *share = 0;
    if (next < track->rows && (track->times[next] == time || next == 0)) {
        *row = next;
        return track->times[next] - time < ALIGN_CELL;
    }
    if (next == 0) return false;
    *row = next - 1;
    affect_time from = track->times[next - 1];
    if (next < track->rows && track->times[next] - from <= LONGEST_STEP) {
        *share = (double)(time - from) / (double)(track->times[next] - from);
        return true;
    }
    return time - from < 2 * ALIGN_CELL;
}

static double value_at(const affect_track *track, size_t row, double share, size_t channel) {
    double v = track->values[row * track->channel_count + channel];
    return share > 0
               ? v + share * ((double)track->values[(row + 1) * track->channel_count + channel] - v)
               : v;
}

bool align_read_sound(const timeline_view *view, size_t k, double out[ALIGN_SOUNDS]) {
    const affect_track *prosody =
        view_track(view, TRACK_ROLE_PROSODY, AFFECT_MODALITY_VOICE, AFFECT_PERSON_NONE);
    if (!prosody) return false;
    size_t first = track_row_at(prosody, time_of(k) - ALIGN_CELL / 2);
    size_t end = track_row_at(prosody, time_of(k) + ALIGN_CELL / 2);
    if (first == end) return false;
    for (size_t i = 0; i < ALIGN_SOUNDS - 1; i++) {
        size_t channel = affect_track_find_channel(prosody, sounds[i]);
        out[i] = channel == AFFECT_CHANNEL_NONE ? NAN : mean_of(prosody, channel, first, end);
    }
    const affect_track *activity =
        view_track(view, TRACK_ROLE_ACTIVITY, AFFECT_MODALITY_VOICE, AFFECT_PERSON_NONE);
    size_t row;
    double share;
    out[ALIGN_SOUNDS - 1] = activity && place_of(activity, time_of(k), &row, &share)
                                ? value_at(activity, row, share, 0)
                                : NAN;
    return true;
}

bool align_read_mouth(const timeline_view *view, const affect_track *mouth, size_t k,
                      double out[ALIGN_SHAPES]) {
    size_t row;
    double share;
    if (!place_of(mouth, time_of(k), &row, &share)) return false;
    out[0] = value_at(mouth, row, share, 0);
    out[1] = value_at(mouth, row, share, 1);
    const affect_track *aus =
        view_track(view, TRACK_ROLE_UNITS, AFFECT_MODALITY_FACE, mouth->person);
    bool there = aus && place_of(aus, time_of(k), &row, &share);
    for (size_t i = 0; i < UNITS; i++) {
        size_t channel = there ? affect_track_find_channel(aus, units[i]) : AFFECT_CHANNEL_NONE;
        out[2 + i] = channel == AFFECT_CHANNEL_NONE ? NAN : value_at(aus, row, share, channel);
    }
    return isfinite(out[0]);
}

size_t align_shot_at(const timeline_view *view, affect_time time) {
    for (size_t i = 0; i < view->count; i++) {
        const affect_tier *tier = affect_timeline_find_tier(view->items[i], "shots");
        size_t low = 0, high = tier ? tier->count : 0;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (tier->items[middle].t1 <= time && strcmp(tier->items[middle].label, "end") != 0)
                low = middle + 1;
            else
                high = middle;
        }
        if (tier) return low;
    }
    return 0;
}
