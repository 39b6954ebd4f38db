/* face: RGB frames in; persons, pose, eyes, mouth, action units, expression, valence and arousal,
 * and facial events out, into a timeline.
 *
 * Way: BlazeFace detection now and then -> 468-point mesh on every frame, followed from frame to
 * frame -> persons with stable numbers -> geometry freed from head pose -> action units against the
 * person's own running neutral -> expression posteriors -> events. docs/face.md says what each
 * value means, how it is measured and what geometry cannot carry.
 *
 * Tracks of person P: face/P/box, pose, eyes, mouth, aus, expression, affect. Events: smile,
 * brow_raise, brow_furrow, blink, micro_expression.
 *
 * What a frame says becomes final FACE_LOOK_AHEAD_MS later (the neutral and the numbers of persons
 * need that much future); an event becomes final that long after its offset. The result depends on
 * the frames and their times only. Memory does not grow with the length of the recording. */
#ifndef FACE_H
#define FACE_H

#include "media/media.h"
#include "track/track.h"

enum { FACE_LOOK_AHEAD_MS = 1500, FACE_CATEGORIES = 8 };

/* neutral, happiness, surprise, sadness, anger, disgust, fear, contempt */
extern const char *const face_category_names[FACE_CATEGORIES];

typedef struct face_options {
    bool expression; /* expression posteriors and valence/arousal */
    bool events;     /* facial events */
    int max_persons; /* at most this many faces at a time, 1..32 */
    /* Models by name or folder; NULL = the default: face.detect.wide, face.mesh, face.emotion (or
     * face.expression where that is not installed), face.geometry. */
    const char *detector, *mesh, *expressions, *geometry;
} face_options;

/* { everything on, 8 persons, default models } */
face_options face_options_default(void);

typedef struct face_stage face_stage;

/* `options` may be NULL (defaults); strings are copied; `timeline` is borrowed until destroy. A
 * model that cannot be loaded is a warning in the timeline, and the stage does what it can without
 * it. Errors: MEMORY, ARGUMENT. */
AFFECT_MUST_USE affect_status face_create(affect_context *ctx, const face_options *options,
                                          affect_timeline *timeline, face_stage **out);
/* Frames in order of time (a frame that is not later than the one before is ignored). Any size from
 * 1 x 1. Errors: MEMORY, RUNTIME, CANCELLED. */
AFFECT_MUST_USE affect_status face_push(face_stage *stage, const media_frame *frame);
AFFECT_MUST_USE affect_status face_finish(face_stage *stage);
void face_destroy(face_stage *stage);

/* Seconds spent so far: [0] detection, [1] mesh, [2] other networks, [3] everything. For
 * benchmarks. */
void face_timing(const face_stage *stage, double seconds[4]);

#endif
