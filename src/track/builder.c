/* The public functions that make a timeline: what a caller hands in is checked here, once. */
#include <string.h>

#include "track/track.h"

enum { CHANNELS_LIMIT = 4096 };

static affect_status fail_null(affect_context *ctx, const char *what) {
    return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%s at NULL", what);
}

/* A struct of a program that knows fewer members than we do (or more): what it does not have is 0.
 * `least` is how large the struct was when it was first published. */
static affect_status take(affect_context *ctx, void *to, size_t ours, const void *from, size_t size,
                          size_t least, const char *what) {
    if (!from) return fail_null(ctx, what);
    if (size < least)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%s of %zu bytes: give sizeof of the struct",
                         what, size);
    memset(to, 0, ours);
    memcpy(to, from, BASE_MIN(ours, size));
    return AFFECT_OK;
}

static affect_status check_modality(affect_context *ctx, affect_modality modality) {
    if ((unsigned)modality <= AFFECT_MODALITY_FUSED) return AFFECT_OK;
    return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "modality %d is none of affect_modality",
                     (int)modality);
}

affect_status affect_timeline_create(affect_context *ctx, affect_time duration,
                                     affect_timeline **out) {
    if (!out) return fail_null(ctx, "the place for a timeline");
    *out = NULL;
    if (duration < 0) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "a duration below 0");
    affect_status status = timeline_create(ctx, out);
    if (status == AFFECT_OK) (*out)->duration = duration;
    return status;
}

affect_status affect_timeline_add_track(affect_context *ctx, affect_timeline *timeline,
                                        const char *id, affect_modality modality, int person,
                                        const char *model, const char *const *channels,
                                        size_t channel_count, affect_track **out) {
    if (!out) return fail_null(ctx, "the place for a track");
    *out = NULL;
    if (!timeline || !id || !channels) return fail_null(ctx, "a timeline, an id or channels");
    if (channel_count < 1 || channel_count > CHANNELS_LIMIT || !*id || person < 0)
        return base_fail(
            ctx, AFFECT_ERROR_ARGUMENT,
            "track \"%s\" of person %d with %zu channels: an id, a person from 0 and 1 "
            "to %d channels",
            id, person, channel_count, CHANNELS_LIMIT);
    for (size_t i = 0; i < channel_count; i++)
        if (!channels[i]) return fail_null(ctx, "the name of a channel");
    affect_status status = check_modality(ctx, modality);
    if (status != AFFECT_OK) return status;
    return timeline_add_track(ctx, timeline, id, modality, person, model, channels, channel_count,
                              out);
}

affect_status affect_track_append(affect_context *ctx, affect_track *track, affect_time time,
                                  float confidence, const float *values) {
    if (!track || !values) return fail_null(ctx, "a track or its values");
    if (time == AFFECT_TIME_NONE)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "track %s: a row without a time", track->id);
    return track_append(ctx, track, time, confidence, values);
}

affect_status affect_timeline_add_tier(affect_context *ctx, affect_timeline *timeline,
                                       const char *id, affect_modality modality,
                                       affect_tier **out) {
    if (!out) return fail_null(ctx, "the place for a tier");
    *out = NULL;
    if (!timeline || !id) return fail_null(ctx, "a timeline or an id");
    if (!*id || strcmp(id, timeline->warnings->id) == 0)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "a tier called \"%s\"", id);
    affect_status status = check_modality(ctx, modality);
    return status == AFFECT_OK ? timeline_tier(ctx, timeline, id, modality, out) : status;
}

affect_status affect_tier_append(affect_context *ctx, affect_tier *tier,
                                 const affect_interval *interval, size_t size) {
    affect_interval full;
    if (!tier) return fail_null(ctx, "a tier");
    affect_status status =
        take(ctx, &full, sizeof full, interval, size,
             offsetof(affect_interval, parent) + sizeof full.parent, "an interval");
    return status == AFFECT_OK ? tier_append(ctx, tier, &full) : status;
}

affect_status affect_timeline_add_event(affect_context *ctx, affect_timeline *timeline,
                                        const affect_event *event, size_t size) {
    affect_event full;
    if (!timeline) return fail_null(ctx, "a timeline");
    affect_status status = take(ctx, &full, sizeof full, event, size,
                                offsetof(affect_event, model) + sizeof full.model, "an event");
    if (status != AFFECT_OK) return status;
    if (!full.kind) return fail_null(ctx, "the kind of an event");
    status = check_modality(ctx, full.modality);
    return status == AFFECT_OK ? timeline_add_event(ctx, timeline, &full) : status;
}

affect_status affect_timeline_add_link(affect_context *ctx, affect_timeline *timeline,
                                       const affect_link *link, size_t size) {
    affect_link full;
    if (!timeline) return fail_null(ctx, "a timeline");
    affect_status status = take(ctx, &full, sizeof full, link, size,
                                offsetof(affect_link, person) + sizeof full.person, "a link");
    if (status != AFFECT_OK) return status;
    if ((unsigned)full.kind > AFFECT_LINK_CITES)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "link kind %d is none of affect_link_kind",
                         (int)full.kind);
    return timeline_add_link(ctx, timeline, &full);
}

affect_status affect_timeline_set_person(affect_context *ctx, affect_timeline *timeline,
                                         const affect_person *person, size_t size) {
    affect_person full;
    if (!timeline) return fail_null(ctx, "a timeline");
    affect_status status = take(ctx, &full, sizeof full, person, size,
                                offsetof(affect_person, score) + sizeof full.score, "a person");
    return status == AFFECT_OK ? timeline_set_person(ctx, timeline, &full) : status;
}

affect_status affect_timeline_set_property(affect_context *ctx, affect_timeline *timeline,
                                           const char *key, const char *value) {
    if (!timeline || !key || !value) return fail_null(ctx, "a timeline, a key or a value");
    return timeline_set_property(ctx, timeline, key, value);
}

void affect_timeline_sort(affect_timeline *timeline) {
    if (timeline) timeline_sort(timeline);
}
