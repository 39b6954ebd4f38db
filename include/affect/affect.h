/* Everything of libaffect in one include.
 *
 *     affect_context *context;
 *     affect_timeline *timeline;
 *     if (affect_context_create(&context) != AFFECT_OK) return 1;
 *     if (affect_analyze(context, "talk.mp4", NULL, &timeline) != AFFECT_OK)
 *         fprintf(stderr, "%s\n", affect_context_message(context));
 *     const affect_tier *episodes =
 *         timeline ? affect_timeline_find_tier(timeline, "episodes") : NULL;
 *     for (size_t i = 0; episodes && i < affect_tier_count(episodes); i++) {
 *         const affect_interval *e = affect_tier_interval(episodes, i);
 *         printf("%s: %s, valence %+.2f\n", e->id, e->label,
 *                affect_attributes_number(e->attributes, "valence"));
 *     }
 *     affect_timeline_destroy(timeline);
 *     affect_context_destroy(context);
 *
 * One ownership rule: what a function hands out through a last `**out` argument is the caller's to
 * destroy with the _destroy of its type; every other pointer is borrowed. Nothing in the library
 * prints, exits or keeps global state. */
#ifndef AFFECT_AFFECT_H
#define AFFECT_AFFECT_H

#include "affect/align.h"
#include "affect/context.h"
#include "affect/corrections.h"
#include "affect/features.h"
#include "affect/gold.h"
#include "affect/reason.h"
#include "affect/score.h"
#include "affect/session.h"
#include "affect/status.h"
#include "affect/timeline.h"

#endif
