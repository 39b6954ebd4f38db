/* The timeline: everything that is known about one recording. It holds tracks (sampled values),
 * tiers (labelled intervals), events (onset-apex-offset) and warnings. All of it describes what was
 * expressed as people would perceive it, with uncertainty; none of it is a reading of an inner
 * state. */
#ifndef AFFECT_TIMELINE_H
#define AFFECT_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#include "affect/context.h"
#include "affect/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Nanoseconds from the first instant of the recording. */
typedef int64_t affect_time;
#define AFFECT_TIME_NONE INT64_MIN
#define AFFECT_SECOND INT64_C(1000000000)
#define AFFECT_MILLISECOND INT64_C(1000000)

typedef enum affect_modality {
    AFFECT_MODALITY_NONE = 0, /* of the recording as a whole, or of several modalities together */
    AFFECT_MODALITY_FACE = 1,
    AFFECT_MODALITY_VOICE = 2,
    AFFECT_MODALITY_WORDS = 3,
    AFFECT_MODALITY_FUSED = 4
} affect_modality;

#define AFFECT_PERSON_NONE 0 /* persons are numbered from 1 in order of appearance */

AFFECT_API const char *affect_modality_name(affect_modality modality); /* "face", "voice", ... */

typedef struct affect_timeline affect_timeline;
typedef struct affect_track affect_track;
typedef struct affect_tier affect_tier;

/* ---- attributes: typed key-value pairs of intervals ---- */

typedef enum affect_value_kind {
    AFFECT_VALUE_NONE = 0, /* there is no such value */
    AFFECT_VALUE_TEXT = 1,
    AFFECT_VALUE_NUMBER = 2,
    AFFECT_VALUE_BOOLEAN = 3,
    AFFECT_VALUE_LIST = 4 /* of texts, numbers and booleans */
} affect_value_kind;

typedef struct affect_value affect_value;
typedef struct affect_attributes affect_attributes;

/* Every reader takes NULL for "none". Values are in the order in which they were set. */
AFFECT_API size_t affect_attributes_count(const affect_attributes *attributes);
AFFECT_API const char *affect_attributes_key(const affect_attributes *attributes, size_t i);
AFFECT_API const affect_value *affect_attributes_value(const affect_attributes *attributes,
                                                       size_t i);
/* The value at a key, or NULL. */
AFFECT_API const affect_value *affect_attributes_find(const affect_attributes *attributes,
                                                      const char *key);
/* In one step: NULL, NaN or `otherwise` where there is no value of that kind at the key. */
AFFECT_API const char *affect_attributes_text(const affect_attributes *attributes, const char *key);
AFFECT_API double affect_attributes_number(const affect_attributes *attributes, const char *key);
AFFECT_API int affect_attributes_boolean(const affect_attributes *attributes, const char *key,
                                         int otherwise);

AFFECT_API affect_value_kind affect_value_kind_of(const affect_value *value);
AFFECT_API const char *affect_value_text(const affect_value *value); /* or NULL */
AFFECT_API double affect_value_number(const affect_value *value);    /* or NaN */
AFFECT_API int affect_value_boolean(const affect_value *value);      /* 1, else 0 */
AFFECT_API size_t affect_value_count(const affect_value *value);     /* items of a list, else 0 */
AFFECT_API const affect_value *affect_value_item(const affect_value *value, size_t i); /* or NULL */

/* Making them. Keys and texts are copied, as valid UTF-8; setting a key again replaces its value.
 * Errors: MEMORY; ARGUMENT for a number that is not finite. */
AFFECT_API AFFECT_MUST_USE affect_status affect_attributes_create(affect_context *context,
                                                                  affect_attributes **out);
AFFECT_API void affect_attributes_destroy(affect_attributes *attributes); /* NULL is fine */
AFFECT_API AFFECT_MUST_USE affect_status affect_attributes_set_text(affect_context *context,
                                                                    affect_attributes *attributes,
                                                                    const char *key,
                                                                    const char *text);
AFFECT_API AFFECT_MUST_USE affect_status affect_attributes_set_number(affect_context *context,
                                                                      affect_attributes *attributes,
                                                                      const char *key,
                                                                      double number);
AFFECT_API AFFECT_MUST_USE affect_status affect_attributes_set_boolean(
    affect_context *context, affect_attributes *attributes, const char *key, int boolean);
AFFECT_API AFFECT_MUST_USE affect_status affect_attributes_set_texts(affect_context *context,
                                                                     affect_attributes *attributes,
                                                                     const char *key,
                                                                     const char *const *texts,
                                                                     size_t count);
AFFECT_API AFFECT_MUST_USE affect_status
affect_attributes_set_numbers(affect_context *context, affect_attributes *attributes,
                              const char *key, const double *numbers, size_t count);

/* ---- what a timeline holds
 * -----------------------------------------------------------------------
 *
 * The structs below are handed out by pointer and may get further members at their end in later
 * versions: a program reads the members that it knows, and never copies one by its size or puts
 * them into an array of its own that a later library fills. Where a program hands one in, it says
 * how large its own is. */

/* An interval's or event's id names it for good: its maker gives it, and sorting, joining, writing
 * and reading keep it. Evidence is cited by it. docs/timeline.md lists the beginnings in use. */

typedef struct affect_interval {
    affect_time t0, t1;                  /* t0 <= t1 */
    const char *label;                   /* UTF-8, never NULL */
    float score;                         /* 0..1, NaN where there is none */
    int person;                          /* AFFECT_PERSON_NONE if unknown */
    const affect_attributes *attributes; /* NULL where there are none */
    const char *id;                      /* "w42"; never NULL; "" for a warning */
    const char *parent;                  /* id of the interval that it is part of, or NULL */
} affect_interval;

typedef struct affect_event {
    affect_time onset, apex, offset; /* onset <= apex <= offset */
    const char *kind;                /* "smile", "pitch_rise", "negation", ... never NULL */
    affect_modality modality;
    int person;
    float strength;    /* 0..1 */
    float confidence;  /* 0..1 */
    const char *id;    /* "f17"; never NULL */
    const char *model; /* id of the model that found it; "" if none did; never NULL */
} affect_event;

/* X(symbol, word): what one interval or event is to another. */
#define AFFECT_LINK_TABLE(X)                                                                       \
    X(MATCHES, "matches")         /* the same thing in two modalities */                           \
    X(CO_OCCURS, "co_occurs")     /* at the same time, whatever the reason */                      \
    X(LEADS, "leads")             /* `from` comes before `to`, regularly */                        \
    X(CAUSES, "causes")           /* `from` is a candidate for the reason of `to` */               \
    X(CONTRADICTS, "contradicts") /* they speak for different things */                            \
    X(CONTINUES, "continues")     /* `to` goes on with what `from` began */                        \
    X(CITES, "cites")             /* `from` rests on `to` as its evidence */

typedef enum affect_link_kind {
#define AFFECT_LINK_ENUM(symbol, word) AFFECT_LINK_##symbol,
    AFFECT_LINK_TABLE(AFFECT_LINK_ENUM)
#undef AFFECT_LINK_ENUM
} affect_link_kind;

AFFECT_API const char *affect_link_kind_name(affect_link_kind kind); /* "matches", ... */

typedef struct affect_link {
    const char *from, *to; /* ids of intervals or events, never NULL */
    affect_link_kind kind;
    affect_time lag;    /* how long `to` comes after `from`; AFFECT_TIME_NONE if it has none */
    affect_time lag_sd; /* its standard deviation; AFFECT_TIME_NONE if unknown */
    float score;        /* 0..1, NaN where there is none */
    int person;         /* AFFECT_PERSON_NONE if it is nobody's, or of several */
} affect_link;

/* What is known of a person beyond the number. Rows, intervals and events keep the number that they
 * were made with; that two numbers are one person is said here, and readers resolve it. */
typedef struct affect_person {
    int id;           /* from 1 */
    const char *name; /* UTF-8, never NULL; "" while nobody gave one */
    int merged_into;  /* the number of the person that this one is; AFFECT_PERSON_NONE: itself */
    float score;      /* how sure that is, 0..1, NaN where nobody said */
} affect_person;

/* ---- reading a timeline. All pointers are borrowed and live as long as the timeline. NULL and an
 * index beyond the end are no crash: they give 0, "", NULL, NaN or AFFECT_TIME_NONE ---- */

AFFECT_API affect_time affect_timeline_duration(const affect_timeline *timeline);

AFFECT_API size_t affect_timeline_track_count(const affect_timeline *timeline);
AFFECT_API const affect_track *affect_timeline_track(const affect_timeline *timeline, size_t i);
/* The track with this id, or NULL. */
AFFECT_API const affect_track *affect_timeline_find_track(const affect_timeline *timeline,
                                                          const char *id);
AFFECT_API const char *affect_track_id(const affect_track *track);
AFFECT_API affect_modality affect_track_modality(const affect_track *track);
AFFECT_API int affect_track_person(const affect_track *track);
AFFECT_API const char *affect_track_model(const affect_track *track); /* "" if made by no model */
AFFECT_API size_t affect_track_rows(const affect_track *track);
AFFECT_API size_t affect_track_channels(const affect_track *track);
AFFECT_API const char *affect_track_channel_name(const affect_track *track, size_t channel);
/* Where a channel of this name stands, or AFFECT_CHANNEL_NONE. */
AFFECT_API size_t affect_track_find_channel(const affect_track *track, const char *name);
#define AFFECT_CHANNEL_NONE SIZE_MAX
AFFECT_API affect_time affect_track_time(const affect_track *track, size_t row);
AFFECT_API float affect_track_confidence(const affect_track *track, size_t row); /* 0..1 */
/* The `channels` values of a row; NaN where a value is not known. */
AFFECT_API const float *affect_track_row(const affect_track *track, size_t row);

AFFECT_API size_t affect_timeline_tier_count(const affect_timeline *timeline);
AFFECT_API const affect_tier *affect_timeline_tier(const affect_timeline *timeline, size_t i);
AFFECT_API const affect_tier *affect_timeline_find_tier(const affect_timeline *timeline,
                                                        const char *id);
AFFECT_API const char *affect_tier_id(const affect_tier *tier);
AFFECT_API affect_modality affect_tier_modality(const affect_tier *tier);
AFFECT_API size_t affect_tier_count(const affect_tier *tier);
AFFECT_API const affect_interval *affect_tier_interval(const affect_tier *tier,
                                                       size_t i); /* or NULL */

AFFECT_API size_t affect_timeline_event_count(const affect_timeline *timeline);
AFFECT_API const affect_event *affect_timeline_event(const affect_timeline *timeline,
                                                     size_t i); /* or NULL */

AFFECT_API size_t affect_timeline_link_count(const affect_timeline *timeline);
AFFECT_API const affect_link *affect_timeline_link(const affect_timeline *timeline,
                                                   size_t i); /* or NULL */

/* The interval or event with an id, or NULL; for an interval, *tier (may be NULL) is where it
 * stands. Takes time in proportion to what the timeline holds. */
AFFECT_API const affect_interval *affect_timeline_find_interval(const affect_timeline *timeline,
                                                                const char *id,
                                                                const affect_tier **tier);
AFFECT_API const affect_event *affect_timeline_find_event(const affect_timeline *timeline,
                                                          const char *id);

/* Persons of whom more is known than their number. */
AFFECT_API size_t affect_timeline_person_count(const affect_timeline *timeline);
AFFECT_API const affect_person *affect_timeline_person(const affect_timeline *timeline,
                                                       size_t i); /* or NULL */
/* The number of the person that `person` is after all merges (itself if there are none). */
AFFECT_API int affect_timeline_resolve_person(const affect_timeline *timeline, int person);
/* The name of that person, or "". */
AFFECT_API const char *affect_timeline_person_name(const affect_timeline *timeline, int person);

/* Provenance: "input", "program", "model/face.mesh", ... (docs/timeline.md), or NULL. */
AFFECT_API const char *affect_timeline_property(const affect_timeline *timeline, const char *key);
AFFECT_API size_t affect_timeline_property_count(const affect_timeline *timeline);
AFFECT_API const char *affect_timeline_property_key(const affect_timeline *timeline, size_t i);

AFFECT_API size_t affect_timeline_warning_count(const affect_timeline *timeline);
/* The label is the sentence; the times are AFFECT_TIME_NONE where it is about everything. */
AFFECT_API const affect_interval *affect_timeline_warning(const affect_timeline *timeline,
                                                          size_t i); /* or NULL */

AFFECT_API void affect_timeline_destroy(affect_timeline *timeline); /* NULL is fine */

/* ---- making a timeline ---------------------------------------------------------------------------
 *
 * What the library is given is copied; `context` may be NULL and carries the error's text. Functions that take a struct take sizeof of it too, so that a
 * program that was compiled before the struct grew still works. Errors: ARGUMENT, MEMORY. */

/* An empty timeline of a recording of that length (0 or more). The caller destroys it. */
AFFECT_API AFFECT_MUST_USE affect_status affect_timeline_create(affect_context *context,
                                                                affect_time duration,
                                                                affect_timeline **out);
/* A new track with 1 to 4096 channels; its id must be new. `model` may be NULL. *out is the
 * timeline's. */
AFFECT_API AFFECT_MUST_USE affect_status
affect_timeline_add_track(affect_context *context, affect_timeline *timeline, const char *id,
                          affect_modality modality, int person, const char *model,
                          const char *const *channels, size_t channel_count, affect_track **out);
/* Times must not decrease; confidence is clamped to 0..1; infinities become NaN. */
AFFECT_API AFFECT_MUST_USE affect_status affect_track_append(affect_context *context,
                                                             affect_track *track, affect_time time,
                                                             float confidence, const float *values);
/* The tier with that id, made if it is not there. *out is the timeline's. */
AFFECT_API AFFECT_MUST_USE affect_status affect_timeline_add_tier(affect_context *context,
                                                                  affect_timeline *timeline,
                                                                  const char *id,
                                                                  affect_modality modality,
                                                                  affect_tier **out);
/* Without an id it gets the tier's next one, which the last interval of the tier then shows. */
AFFECT_API AFFECT_MUST_USE affect_status affect_tier_append(affect_context *context,
                                                            affect_tier *tier,
                                                            const affect_interval *interval,
                                                            size_t size);
AFFECT_API AFFECT_MUST_USE affect_status affect_timeline_add_event(affect_context *context,
                                                                   affect_timeline *timeline,
                                                                   const affect_event *event,
                                                                   size_t size);
AFFECT_API AFFECT_MUST_USE affect_status affect_timeline_add_link(affect_context *context,
                                                                  affect_timeline *timeline,
                                                                  const affect_link *link,
                                                                  size_t size);
/* Adds or replaces what is known of a person; merges must not run in a circle. */
AFFECT_API AFFECT_MUST_USE affect_status affect_timeline_set_person(affect_context *context,
                                                                    affect_timeline *timeline,
                                                                    const affect_person *person,
                                                                    size_t size);
AFFECT_API AFFECT_MUST_USE affect_status affect_timeline_set_property(affect_context *context,
                                                                      affect_timeline *timeline,
                                                                      const char *key,
                                                                      const char *value);
/* Brings everything into the order of docs/timeline.md, which a session's result has. Pointers to
 * intervals, events and links are then others. */
AFFECT_API void affect_timeline_sort(affect_timeline *timeline);

#ifdef __cplusplus
}
#endif
#endif
