/* face: RGB frames in; persons, pose, eyes, mouth, action units, expression, valence and arousal,
 * and facial events out, into a timeline.
 *
 * Way: BlazeFace detection now and then -> 468-point mesh on every frame, followed from frame to
 * frame -> persons with stable numbers -> geometry freed from head pose -> action units against the
 * person's own running neutral -> expression posteriors -> events. docs/face.md says what each
 * value means, how it is measured and what geometry cannot carry.
 *
 * Tracks of person P: face/P/box, pose, eyes, mouth, aus, expression, affect. Events: smile,
 * brow_raise, brow_furrow, blink, micro_expression. Tier persons: when each is in view. Two numbers that
 * turn out to be one person at the end become a merge (affect_person).
 *
 * What a frame says becomes final FACE_LOOK_AHEAD_MS later (the neutral and the numbers of persons
 * need that much future); an event becomes final that long after its offset. The result depends on
 * the frames and their times only. Memory does not grow with the length of the recording. */
#ifndef FACE_H
#define FACE_H

#include "media/media.h"
#include "track/track.h"

enum { FACE_LOOK_AHEAD_MS = 1500, FACE_CATEGORIES = CATEGORIES };

/* neutral, happiness, surprise, sadness, anger, disgust, fear, contempt */

typedef struct face_options {
    bool expression; /* expression posteriors and valence/arousal */
    bool events;     /* facial events */
    bool landmarks;  /* 68 points of each face */
    bool
        identity; /* tell persons apart by an embedding, which stays in memory and is never written */
    int person_count; /* how many people there are in all, as far as the user knows; 0 = not known */
    int max_persons;  /* at most this many faces at a time, 1..60 */
    /* Models by name or folder; NULL = the default: face.detect.wide, face.mesh, face.emotion (or
     * face.expression where that is not installed), face.geometry, face.identity. */
    const char *detector, *mesh, *expressions, *geometry, *identifier;
} face_options;

/* { everything on, 60 persons, default models } */
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

/* find.c: the faces of single pictures, for networks that are shown faces. */
enum { FACE_FOUND_SIDE = 48 };
typedef struct face_found {
    float box[4]; /* x, y, width, height of the mesh, 0..1 of the frame */
    uint8_t grey[FACE_FOUND_SIDE * FACE_FOUND_SIDE]; /* the square that the stage's network sees */
} face_found;
typedef struct face_finder face_finder;
/* Errors: as infer_model_load, MEMORY. */
AFFECT_MUST_USE affect_status face_finder_create(affect_context *ctx, face_finder **out);
void face_finder_destroy(face_finder *finder);
/* The faces of a picture from left to right, at most 32; borrowed until the next call. Errors:
 * MEMORY, RUNTIME. */
AFFECT_MUST_USE affect_status face_finder_run(affect_context *ctx, face_finder *finder,
                                              const media_frame *frame, const face_found **faces,
                                              size_t *count);
/* The middle square of a picture, as face_finder_run would cut it out were it a face's square. */
void face_middle_square(const media_frame *frame, uint8_t grey[FACE_FOUND_SIDE * FACE_FOUND_SIDE]);

/* Seconds spent so far: [0] detection, [1] mesh, [2] other networks, [3] everything. For
 * benchmarks. */
void face_timing(const face_stage *stage, double seconds[4]);

#endif
