/* Who speaks: mouth motion against the voice's activity. Depends only on rows within
 * FUSE_SPEAKER_REACH of the instant, so a live session and a file give the same answer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "align/speaking.h"
#include "fuse/fuse.h"

/* Speech probability at `time`; 1 without a track, so that motion alone decides. */
static double activity(const affect_track *track, affect_time time) {
    if (!track) return 1.0;
    size_t row = track_row_at(track, time);
    if (row == track->rows) row--;
    float p = track->values[row * track->channel_count];
    return isfinite(p) ? (double)p : 0.0;
}

/* Mean of |d opening / dt| times (activity - its mean): motion that comes with speech counts for
 * the person, motion in pauses against; a small share of plain motion breaks ties in speech without
 * pauses. False if the mouth is not in view. */
static bool mouth_score(const affect_track *mouth, const affect_track *voice, affect_time time,
                        double *score) {
    size_t first = track_row_at(mouth, time - FUSE_SPEAKER_REACH);
    size_t last = track_row_at(mouth, time + FUSE_SPEAKER_REACH);
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

int fuse_speaker(const timeline_view *view, affect_time time, int last) {
    const affect_track *voice =
        view_track(view, TRACK_ROLE_ACTIVITY, AFFECT_MODALITY_VOICE, AFFECT_PERSON_NONE);
    if (voice && !voice->rows) voice = NULL;
    int best = AFFECT_PERSON_NONE;
    double best_score = -INFINITY;
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->items[i]->track_count; k++) {
            const affect_track *track = view->items[i]->tracks[k];
            double score;
            if (!track->kind || track->kind->role != TRACK_ROLE_MOUTH ||
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

/* What is heard at an instant is an utterance's, or the pitch's around it. */
#define AROUND AFFECT_SECOND

static int speaks(const timeline_view *view, const char *channel, affect_time time, int last,
                  double *share) {
    align_speakers speakers = {.count = 0};
    *share = 1;
    if (align_speaking_tier(view))
        align_speakers_of(view, channel, time - AROUND, time + AROUND, &speakers);
    if (!speakers.count) return fuse_speaker(view, time, last);
    *share = (double)speakers.items[0].time / (double)speakers.spoken;
    return speakers.items[0].person;
}

int fuse_speaks(const timeline_view *view, const affect_track *track, affect_time time, int last,
                double *share) {
    bool words = track->modality == AFFECT_MODALITY_WORDS;
    return speaks(view, words ? align_utterance_channel(view, time) : NULL, time, last, share);
}

bool fuse_says(const timeline_view *view, const affect_track *track, affect_time time, int person) {
    double share;
    if (!align_speaking_tier(view)) return true;
    return fuse_speaks(view, track, time, AFFECT_PERSON_NONE, &share) == person;
}

/* On composed scenes nine in ten of what is said with such a score is the person's own, eight in ten of all. */
static const double SURE = 0.9;

bool fuse_surely_says(const timeline_view *view, affect_time time, int person) {
    align_speakers speakers = {.count = 0};
    double share;
    if (!align_speaking_tier(view)) return fuse_speaker(view, time, person) == person;
    align_speakers_in(view, time - AROUND / 4, time + AROUND / 4, &speakers);
    return speakers.count ? speakers.items[0].person == person && speakers.items[0].sure >= SURE
                          : speaks(view, NULL, time, AFFECT_PERSON_NONE, &share) == person;
}
