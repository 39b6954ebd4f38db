/* Everything of libaffect in one include.
 *
 *     affect_context *context;
 *     affect_timeline *timeline;
 *     affect_context_create(&context);
 *     if (affect_analyze(context, "talk.mp4", NULL, &timeline) != AFFECT_OK)
 *         fprintf(stderr, "%s\n", affect_context_message(context));
 *
 * One ownership rule: what a function hands out through a last `**out` argument is the caller's to
 * destroy with the _destroy of its type; every other pointer is borrowed. Nothing in the library
 * prints, exits or keeps global state. */
#ifndef AFFECT_AFFECT_H
#define AFFECT_AFFECT_H

#include "affect/context.h"
#include "affect/score.h"
#include "affect/session.h"
#include "affect/status.h"
#include "affect/timeline.h"

#endif
