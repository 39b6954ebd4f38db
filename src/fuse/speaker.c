/* Who speaks: mouth motion against the voice's activity. Depends only on rows within
 * FUSE_SPEAKER_REACH of the instant, so a live session and a file give the same answer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuse/fuse.h"

/* First row at or after `time`. */
static size_t row_at(const affect_track *track, affect_time time) {
    size_t low = 0, high = track->rows;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (track->times[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const affect_track *voice_activity(const affect_timeline *const *inputs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const affect_track *track = affect_timeline_find_track(inputs[i], "voice/activity");
        if (track && track->rows) return track;
    }
    return NULL;
}

/* Speech probability at `time`; 1 without a track, so that motion alone decides. */
static double activity(const affect_track *track, affect_time time) {
    if (!track) return 1.0;
    size_t row = row_at(track, time);
    if (row == track->rows) row--;
    float p = track->values[row * track->channel_count];
    return isfinite(p) ? (double)p : 0.0;
}

/* Mean of |d opening / dt| times (activity - its mean): motion that comes with speech counts for
 * the person, motion in pauses against; a small share of plain motion breaks ties in speech without
 * pauses. False if the mouth is not in view. */
static bool mouth_score(const affect_track *mouth, const affect_track *voice, affect_time time,
                        double *score) {
    size_t first = row_at(mouth, time - FUSE_SPEAKER_REACH);
    size_t last = row_at(mouth, time + FUSE_SPEAKER_REACH);
    double motion_sum = 0.0, activity_sum = 0.0, product = 0.0;
    size_t n = 0;
    bool seen = false;
    for (size_t i = first; i < last; i++) {
        seen = seen || mouth->confidence[i] > 0;
        if (i == first) continue;
        double dt = time_to_seconds(mouth->times[i] - mouth->times[i - 1]);
        double change = (double)mouth->values[i * mouth->channel_count] -
                        (double)mouth->values[(i - 1) * mouth->channel_count];
        if (!(dt > 0.0) || dt > 0.5 || !isfinite(change)) continue;
        double motion = fabs(change) / dt, a = activity(voice, mouth->times[i]);
        motion_sum += motion;
        activity_sum += a;
        product += motion * a;
        n++;
    }
    if (!seen) return false;
    double k = n ? (double)n : 1.0;
    *score = (product - motion_sum * activity_sum / k) / k + 0.25 * motion_sum / k;
    return true;
}

int fuse_speaker(const affect_timeline *const *inputs, size_t count, affect_time time, int last) {
    const affect_track *voice = voice_activity(inputs, count);
    int best = AFFECT_PERSON_NONE;
    double best_score = -INFINITY;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < inputs[i]->track_count; k++) {
            const affect_track *track = inputs[i]->tracks[k];
            double score;
            if (!base_starts_with(track->id, "face/") || !base_ends_with(track->id, "/mouth") ||
                !mouth_score(track, voice, time, &score))
                continue;
            if (score > best_score || (score == best_score && track->person < best)) {
                best = track->person;
                best_score = score;
            }
        }
    if (best != AFFECT_PERSON_NONE) return best;
    return last != AFFECT_PERSON_NONE ? last : 1;
}
