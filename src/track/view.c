/* Tracks by role: made, and found in one timeline or in several read as one. */
#include <string.h>

#include "track/track.h"

void track_kind_id(const track_kind *kind, int person, char id[TRACK_ID_SIZE]) {
    const char *place = strchr(kind->pattern, 'P');
    if (place)
        snprintf(id, TRACK_ID_SIZE, "%.*s%d%s", (int)(place - kind->pattern), kind->pattern, person,
                 place + 1);
    else
        snprintf(id, TRACK_ID_SIZE, "%s", kind->pattern);
}

affect_status timeline_add_role(affect_context *ctx, affect_timeline *timeline, track_role role,
                                affect_modality modality, int person, const char *model,
                                const char *const *channels, size_t channel_count,
                                affect_track **out) {
    *out = NULL;
    const track_kind *kind = track_kind_of(role, modality);
    if (!kind)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "no %s track has role %d",
                         affect_modality_name(modality), (int)role);
    char id[TRACK_ID_SIZE];
    track_kind_id(kind, person, id);
    return timeline_add_track(
        ctx, timeline, id, modality, track_kind_personal(kind) ? person : AFFECT_PERSON_NONE, model,
        channels ? channels : kind->channels, channels ? channel_count : kind->channel_count, out);
}

/* ---- views ---- */

const affect_track *view_track(const timeline_view *view, track_role role, affect_modality modality,
                               int person) {
    for (size_t i = 0; i < view->count; i++)
        for (size_t k = 0; k < view->items[i]->track_count; k++) {
            const affect_track *track = view->items[i]->tracks[k];
            if (track->kind && track->kind->role == role && track->kind->modality == modality &&
                (person == AFFECT_PERSON_NONE || track->person == person))
                return track;
        }
    return NULL;
}

const affect_track *timeline_role(const affect_timeline *timeline, track_role role,
                                  affect_modality modality, int person) {
    return view_track(&(timeline_view){&timeline, 1}, role, modality, person);
}

size_t track_row_at(const affect_track *track, affect_time time) {
    size_t low = 0, high = track->rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (track->times[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
