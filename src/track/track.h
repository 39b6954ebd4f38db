/* track: the nouns. In: values with times from perception. Out: one timeline object that every
 * later room reads and every writer takes. Nothing assumes a constant rate.
 *
 * docs/timeline.md lists the ids of tracks and tiers and how the ids of intervals and events
 * begin. */
#ifndef TRACK_H
#define TRACK_H

#include "affect/timeline.h"
#include "base/base.h"

/* ---- roles.c, view.c: what tracks there are ---- */

typedef enum track_role {
    TRACK_ROLE_BOX,
    TRACK_ROLE_POSE,
    TRACK_ROLE_EYES,
    TRACK_ROLE_MOUTH,
    TRACK_ROLE_UNITS,
    TRACK_ROLE_CATEGORIES, /* posteriors of a network's labels */
    TRACK_ROLE_AFFECT,     /* valence, arousal, dominance by one modality alone */
    TRACK_ROLE_ACTIVITY,
    TRACK_ROLE_PROSODY,
    TRACK_ROLE_RATE,
    TRACK_ROLE_TRAJECTORY, /* everything together */
    TRACK_ROLE_CONSISTENCY /* how far the modalities agree */
} track_role;

/* One row of the table; role and modality together are unique. */
typedef struct track_kind {
    track_role role;
    affect_modality modality;
    const char *pattern; /* of the id, with P for the number of the person */
    const char *name;    /* of the role */
    const char *unit;
    const char *const *channels; /* NULL: the model's labels or descriptors */
    size_t channel_count;
} track_kind;

const track_kind *track_kind_at(size_t i); /* NULL at the end of the table */
const track_kind *track_kind_of(track_role role, affect_modality modality); /* or NULL */
/* By the whole id; the one place that reads it. NULL: a track of somebody's own. */
const track_kind *track_kind_of_id(const char *id);
enum { TRACK_ID_SIZE = 64 };
void track_kind_id(const track_kind *kind, int person, char id[TRACK_ID_SIZE]);
bool track_kind_personal(const track_kind *kind); /* is there one for each person? */

struct affect_track {
    char *id;
    const track_kind *kind; /* or NULL */
    affect_modality modality;
    int person;
    char *model; /* id of the model that made it, or "" */
    size_t channel_count;
    char **channels;
    size_t rows;
    const affect_time *times; /* rows; never decreasing */
    const float *confidence;  /* rows; 0..1 */
    const float *values;      /* rows x channel_count; NaN = unknown */
    struct { /* what they point into: in memory what is young, in a file what is old */
        base_spilled times, confidence, values;
        base_spill *file;
    } stored;
};

struct affect_tier {
    char *id;
    affect_modality modality;
    size_t count, capacity;
    affect_interval *items; /* strings and attributes owned by the tier */
    uint64_t made;          /* the highest number in an id of its own form */
};

typedef struct timeline_property {
    char *key, *value;
} timeline_property;

struct affect_timeline {
    affect_time duration;
    base_spill *file; /* of rows, shared with its tracks */
    size_t track_count, track_capacity;
    affect_track **tracks; /* pointers stay valid while the timeline lives */
    size_t tier_count, tier_capacity;
    affect_tier **tiers;
    size_t event_count, event_capacity;
    affect_event *events;                            /* strings owned by the timeline */
    uint64_t events_made[AFFECT_MODALITY_FUSED + 1]; /* as `made` of a tier */
    size_t link_count, link_capacity;
    affect_link *links; /* strings owned by the timeline */
    size_t person_count, person_capacity;
    affect_person *persons; /* in order of id; names owned by the timeline */
    affect_tier *warnings;  /* label = the sentence */
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
/* The same by role: id and, unless given, channels are from the table. */
AFFECT_MUST_USE affect_status timeline_add_role(affect_context *ctx, affect_timeline *timeline,
                                                track_role role, affect_modality modality,
                                                int person, const char *model,
                                                const char *const *channels, size_t channel_count,
                                                affect_track **out);
/* What is person `from`'s becomes `to`'s, of whom nothing may be there yet. Errors: MEMORY. */
AFFECT_MUST_USE affect_status timeline_renumber(affect_context *ctx, affect_timeline *timeline,
                                                int from, int to);
/* Appends one row; times must not decrease (ERROR_ARGUMENT). Infinities become NaN; a confidence
 * outside 0..1 or NaN is clamped (NaN to 0). */
AFFECT_MUST_USE affect_status track_append(affect_context *ctx, affect_track *track,
                                           affect_time time, float confidence, const float *values);

/* What was read of old rows takes no memory any more; for who has read many. */
void track_leave_rows(const affect_track *track);
void timeline_leave_rows(const affect_timeline *timeline); /* of all tracks */

/* Moves rows [first, end) to another track of the same channels, in order of time. Errors: ARGUMENT
 * (other channels), MEMORY; then nothing has moved. */
AFFECT_MUST_USE affect_status track_move_rows(affect_context *ctx, affect_track *from, size_t first,
                                              size_t end, affect_track *to);

/* The first row at or after `time`, or the count of rows. */
size_t track_row_at(const affect_track *track, affect_time time);

/* Several timelines read as one, while they grow: those of perception and of what builds on it.
 * Borrowed. */
typedef struct timeline_view {
    const affect_timeline *const *items;
    size_t count;
} timeline_view;

/* The first track of that kind, of that person (AFFECT_PERSON_NONE: of anybody or nobody), or NULL.
 */
const affect_track *view_track(const timeline_view *view, track_role role, affect_modality modality,
                               int person);
const affect_track *timeline_role(const affect_timeline *timeline, track_role role,
                                  affect_modality modality, int person);

/* The tier with that id, made if it is not there yet. */
AFFECT_MUST_USE affect_status timeline_tier(affect_context *ctx, affect_timeline *timeline,
                                            const char *id, affect_modality modality,
                                            affect_tier **out);
/* Appends a copy; the label is cleaned to valid UTF-8; t1 < t0 is ERROR_ARGUMENT. Without an id it
 * gets the tier's next one. Order: by t0 at the end, see timeline_sort. */
AFFECT_MUST_USE affect_status tier_append(affect_context *ctx, affect_tier *tier,
                                          const affect_interval *interval);
/* Puts another interval in the place of one; the id must be the same. */
AFFECT_MUST_USE affect_status tier_replace(affect_context *ctx, affect_tier *tier, size_t i,
                                           const affect_interval *interval);
/* As it was before the first interval: ids begin again as well. */
void tier_clear(affect_tier *tier);
/* Takes the tier's next id, for an interval that others name before it is appended. */
void tier_take_id(affect_tier *tier, base_text *out);
/* Appends a copy; without an id it gets the next one of its modality. */
AFFECT_MUST_USE affect_status timeline_add_event(affect_context *ctx, affect_timeline *timeline,
                                                 const affect_event *event);
AFFECT_MUST_USE affect_status timeline_add_link(affect_context *ctx, affect_timeline *timeline,
                                                const affect_link *link);
/* Adds what is known of a person, or replaces it. Ids and merges are numbers from 1; a merge that
 * would make a circle is ERROR_ARGUMENT. */
AFFECT_MUST_USE affect_status timeline_set_person(affect_context *ctx, affect_timeline *timeline,
                                                  const affect_person *person);
const affect_person *timeline_find_person(const affect_timeline *timeline, int id); /* or NULL */
/* The timeline with its merged persons as one (persons.c): tracks of one kind become one track of
 * that person, rows in order of time (of several at one instant the most confident), and intervals,
 * events and links are his. *out is `timeline` itself where nobody is merged, and *made NULL; else
 * *out is *made, a copy that the caller destroys. *out is borrowed from either. Errors: MEMORY. */
AFFECT_MUST_USE affect_status timeline_resolve(affect_context *ctx, const affect_timeline *timeline,
                                               affect_timeline **made, const affect_timeline **out);
/* ERROR_ARGUMENT if two intervals or events have the same id. */
AFFECT_MUST_USE affect_status timeline_check_ids(affect_context *ctx,
                                                 const affect_timeline *timeline);
/* Moves everything of `from` to the end of `to`; ids stay, tracks keep their memory. */
AFFECT_MUST_USE affect_status timeline_join(affect_context *ctx, affect_timeline *to,
                                            affect_timeline *from);
/* A warning about [t0, t1); both AFFECT_TIME_NONE when it concerns the whole recording. */
AFFECT_PRINTF(5, 6)
AFFECT_MUST_USE affect_status timeline_warn(affect_context *ctx, affect_timeline *timeline,
                                            affect_time t0, affect_time t1, const char *format,
                                            ...);
AFFECT_MUST_USE affect_status timeline_set_property(affect_context *ctx, affect_timeline *timeline,
                                                    const char *key, const char *value);

/* Brings tracks and tiers into order of id, events into order of (onset, modality, kind, person),
 * intervals into order of (t0, t1) and links into order of their ends; ids break ties. The same
 * content gives the same bytes whatever thread wrote first. */
void timeline_sort(affect_timeline *timeline);

/* ---- attributes.c: what the public functions do not have ---- */

enum { ATTRIBUTES_LIMIT = 1000 };                     /* keys of one set; more are ERROR_LIMIT */
void attributes_clear(affect_attributes *attributes); /* keeps the memory */
/* Rounded to three decimals, as perception writes its estimates. */
AFFECT_MUST_USE affect_status attributes_set_rounded(affect_context *ctx,
                                                     affect_attributes *attributes, const char *key,
                                                     double number);
/* A list with room for `most` items, which the next functions add. */
AFFECT_MUST_USE affect_status attributes_set_list(affect_context *ctx,
                                                  affect_attributes *attributes, const char *key,
                                                  size_t most);
AFFECT_MUST_USE affect_status attributes_add_text(affect_context *ctx,
                                                  affect_attributes *attributes, const char *key,
                                                  const char *text);
AFFECT_MUST_USE affect_status attributes_add_number(affect_context *ctx,
                                                    affect_attributes *attributes, const char *key,
                                                    double number);
AFFECT_MUST_USE affect_status attributes_add_boolean(affect_attributes *attributes, const char *key,
                                                     bool boolean);
/* A copy that can be changed, of NULL an empty one; the caller destroys it. */
AFFECT_MUST_USE affect_status attributes_change(affect_context *ctx, const affect_attributes *from,
                                                affect_attributes **out);
/* A copy in one block, NULL for an empty set; it cannot be changed. */
AFFECT_MUST_USE affect_status attributes_copy(affect_context *ctx, const affect_attributes *from,
                                              affect_attributes **out);

/* ---- category.c: the categories of emotion ---- */

enum { CATEGORIES = 8, CATEGORY_REGIONS = 9 };
typedef struct emotion_category {
    const char *name;
    double place[3];           /* valence, arousal, dominance */
    const char *colour, *dark; /* "#rrggbb", on a light and on a dark ground */
} emotion_category;
extern const emotion_category category_table[CATEGORIES]; /* neutral first */
extern const emotion_category category_other;             /* the colour of what is none of them */
extern const char *const category_names[CATEGORIES];

typedef struct category_region {
    const char *name;
    double valence, arousal;
    int category; /* whose colour it has */
} category_region;
extern const category_region category_regions[CATEGORY_REGIONS];

/* The category that a network's label speaks for, by name or synonym, or -1. */
int category_of_label(const char *label);
/* Whose colour a label has: a category's, its synonym's, a region's; else category_other. */
const emotion_category *category_colour(const char *label);
/* The i-th synonym and the category it stands for; NULL at the end. */
const char *category_synonym(size_t i, int *of);

/* ---- kinds.c: what kinds of events say ---- */

typedef struct event_kind {
    const char *kind;
    double valence, arousal; /* of a clear event, -1..1; NaN: says nothing of it */
} event_kind;
/* Of a kind that is not known: nothing, with that kind. */
event_kind event_kind_of(const char *kind);

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
