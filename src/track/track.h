/* track: the nouns. In: values with times from perception. Out: one timeline object that every
 * later room reads and every writer takes. Nothing assumes a constant rate.
 *
 * Conventions for ids (writers and readers rely on them; docs/timeline.md lists all):
 *   tracks  "face/1/pose", "face/1/aus", "face/1/expression", "voice/prosody", "voice/affect",
 *           "words/affect", "trajectory/1" (channels valence, arousal, dominance, valence_sd, ...)
 *   tiers   "words", "utterances", "speech", "speakers", "episodes", "media"
 * The number in a face or trajectory id is the person. */
#ifndef TRACK_H
#define TRACK_H

#include "affect/timeline.h"
#include "base/base.h"

struct affect_track {
    char *id;
    affect_modality modality;
    int person;
    char *model; /* id of the model that made it, or "" */
    size_t channel_count;
    char **channels;
    size_t rows, times_capacity, confidence_capacity, values_capacity;
    affect_time *times; /* rows; never decreasing */
    float *confidence;  /* rows; 0..1 */
    float *values;      /* rows x channel_count; NaN = unknown */
};

struct affect_tier {
    char *id;
    affect_modality modality;
    size_t count, capacity;
    affect_interval *items; /* strings owned by the tier */
};

typedef struct timeline_property {
    char *key, *value;
} timeline_property;

struct affect_timeline {
    affect_time duration;
    size_t track_count, track_capacity;
    affect_track **tracks; /* pointers stay valid while the timeline lives */
    size_t tier_count, tier_capacity;
    affect_tier **tiers;
    size_t event_count, event_capacity;
    affect_event *events;  /* `kind` owned by the timeline */
    affect_tier *warnings; /* label = the sentence */
    size_t property_count, property_capacity;
    timeline_property *properties; /* provenance: "input", "program", "model/face.detect", ... */
};

AFFECT_MUST_USE affect_status timeline_create(affect_context *ctx, affect_timeline **out);

/* Adds a track; its id must be new (ERROR_ARGUMENT). `channels` is copied. */
AFFECT_MUST_USE affect_status timeline_add_track(affect_context *ctx, affect_timeline *timeline,
                                                 const char *id, affect_modality modality,
                                                 int person, const char *model,
                                                 const char *const *channels, size_t channel_count,
                                                 affect_track **out);
/* Appends one row; times must not decrease (ERROR_ARGUMENT). Infinities become NaN; a confidence
 * outside 0..1 or NaN is clamped (NaN to 0). */
AFFECT_MUST_USE affect_status track_append(affect_context *ctx, affect_track *track,
                                           affect_time time, float confidence, const float *values);

/* The tier with that id, made if it is not there yet. */
AFFECT_MUST_USE affect_status timeline_tier(affect_context *ctx, affect_timeline *timeline,
                                            const char *id, affect_modality modality,
                                            affect_tier **out);
/* Appends a copy; the label is cleaned to valid UTF-8; t1 < t0 is ERROR_ARGUMENT. Order: by t0 at
 * the end, see timeline_sort. */
AFFECT_MUST_USE affect_status tier_append(affect_context *ctx, affect_tier *tier,
                                          const affect_interval *interval);
AFFECT_MUST_USE affect_status timeline_add_event(affect_context *ctx, affect_timeline *timeline,
                                                 const affect_event *event);
/* A warning about [t0, t1); both AFFECT_TIME_NONE when it concerns the whole recording. */
AFFECT_PRINTF(5, 6)
AFFECT_MUST_USE affect_status timeline_warn(affect_context *ctx, affect_timeline *timeline,
                                            affect_time t0, affect_time t1, const char *format,
                                            ...);
AFFECT_MUST_USE affect_status timeline_set_property(affect_context *ctx, affect_timeline *timeline,
                                                    const char *key, const char *value);
const char *timeline_property_get(const affect_timeline *timeline, const char *key); /* or NULL */

/* Brings tracks and tiers into order of id, events into order of (onset, modality, kind, person),
 * and intervals into order of (t0, t1), stably: the same content gives the same bytes whatever
 * thread wrote first. */
void timeline_sort(affect_timeline *timeline);

/* ---- time.c: the one file of conversions ---- */

/* ticks * num / den seconds in nanoseconds, rounded to nearest (half away from zero), exact for all
 * int64 ticks whose result fits; saturates otherwise. den > 0. */
affect_time time_from_ticks(int64_t ticks, int64_t num, int64_t den);
affect_time time_from_seconds(double seconds); /* NaN gives AFFECT_TIME_NONE; saturates */
double time_to_seconds(affect_time time);
/* "12.345" (always three decimals, rounded half up) for text formats; "" for AFFECT_TIME_NONE. */
enum { TIME_TEXT_SIZE = 32 };
const char *time_to_text(affect_time time, char out[TIME_TEXT_SIZE]);
/* "00:01:02.345", hours as needed; used by WebVTT and the terminal. */
const char *time_to_clock(affect_time time, char out[TIME_TEXT_SIZE]);

#endif
