/* Timelines that the tests of report/ render: made here, from no recording. */
#ifndef TESTS_REPORT_FIXTURE_H
#define TESTS_REPORT_FIXTURE_H

#include "track/track.h"

typedef enum fixture_kind {
    FIXTURE_TALK,  /* 53 s, two persons, every id of docs/timeline.md, sorted */
    FIXTURE_HARD,  /* scripts, emoji, quotes, markup, NaN, overlaps, no length, odd ids, order */
    FIXTURE_EMPTY, /* nothing at all */
    FIXTURE_LONG   /* `hours` of one person, voice and words */
} fixture_kind;

/* `hours` matters to FIXTURE_LONG alone. The caller destroys *out. */
affect_status fixture_build(affect_context *ctx, fixture_kind kind, double hours,
                            affect_timeline **out);

#endif
