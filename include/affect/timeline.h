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

typedef struct affect_interval {
    affect_time t0, t1;     /* t0 <= t1 */
    const char *label;      /* UTF-8, never NULL */
    float score;            /* 0..1, NaN where there is none */
    int person;             /* AFFECT_PERSON_NONE if unknown */
    const char *attributes; /* a JSON object as text, or NULL */
} affect_interval;

typedef struct affect_event {
    affect_time onset, apex, offset; /* onset <= apex <= offset */
    const char *kind;                /* "smile", "pitch_rise", "negation", ... never NULL */
    affect_modality modality;
    int person;
    float strength;   /* 0..1 */
    float confidence; /* 0..1 */
} affect_event;

/* ---- reading a timeline. All pointers are borrowed and live as long as the timeline ---- */

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
AFFECT_API affect_interval affect_tier_interval(const affect_tier *tier, size_t i);

AFFECT_API size_t affect_timeline_event_count(const affect_timeline *timeline);
AFFECT_API affect_event affect_timeline_event(const affect_timeline *timeline, size_t i);

AFFECT_API size_t affect_timeline_warning_count(const affect_timeline *timeline);
AFFECT_API affect_interval affect_timeline_warning(const affect_timeline *timeline, size_t i);

AFFECT_API void affect_timeline_destroy(affect_timeline *timeline);

#ifdef __cplusplus
}
#endif
#endif
