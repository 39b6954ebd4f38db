/* Whose voice and words those at an instant are. */
#include <math.h>
#include <string.h>

#include "align/align.h"
#include "align/speaking.h"

#define IN_VIEW (2 * AFFECT_SECOND)

/* Around an instant: long enough to fall on a turn of a tenth of a second. */
#define AROUND (50 * AFFECT_MILLISECOND)

int align_speaker(const timeline_view *view, affect_time time) {
    if (align_speaking_tier(view)) {
        align_speakers who;
        align_speakers_in(view, time - AROUND, time + AROUND, &who);
        return who.count ? who.items[0].person : AFFECT_PERSON_NONE;
    }
    int seen = AFFECT_PERSON_NONE, last = AFFECT_PERSON_NONE;
    affect_time last_time = INT64_MIN;
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->items[i]->track_count; k++) {
            const affect_track *track = view->items[i]->tracks[k];
            if (!track->kind || track->kind->role != TRACK_ROLE_AFFECT ||
                track->kind->modality != AFFECT_MODALITY_FACE)
                continue;
            size_t first = track_row_at(track, time - IN_VIEW);
            size_t end = track_row_at(track, time + IN_VIEW);
            if (first < end) {
                if (seen != AFFECT_PERSON_NONE && seen != track->person) return AFFECT_PERSON_NONE;
                seen = track->person;
            } else if (first && (track->times[first - 1] > last_time ||
                                 (track->times[first - 1] == last_time && track->person < last))) {
                last = track->person;
                last_time = track->times[first - 1];
            }
        }
    return seen != AFFECT_PERSON_NONE ? seen : last != AFFECT_PERSON_NONE ? last : 1;
}
