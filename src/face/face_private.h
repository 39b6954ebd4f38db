/* face, private: the parts of the stage and what they hand each other. */
#ifndef FACE_PRIVATE_H
#define FACE_PRIVATE_H

#include "face/face.h"
#include "infer/infer.h"

/* ---- image.c: squares cut out of a frame ---- */

/* A square in the frame: centre and side in pixels, turned by `angle` (radians, clockwise as the
 * picture is seen). */
typedef struct face_roi {
    float x, y, side, angle;
} face_roi;

/* Samples the square into size x size x 3 floats, row by row: value = byte * gain + offset. What
 * lies outside the frame is `offset` (black). Averages where the frame is finer than the crop. */
void face_image_crop(const media_frame *frame, const face_roi *roi, int size, float gain,
                     float offset, float *out);
/* The same with and without the instructions of AVX2 (`lanes`, which the processor must have): the same bits. */
void face_image_crop_by(const media_frame *frame, const face_roi *roi, int size, float gain,
                        float offset, bool lanes, float *out);
/* Luma of ITU-R BT.601 of `pixels` triples. */
void face_image_grey(const float *rgb, size_t pixels, float *grey);
/* Crop pixel -> frame pixel. */
void face_image_to_frame(const face_roi *roi, int size, float u, float v, float *x, float *y);

/* ---- square.c: a model that is shown squares ---- */

enum { FACE_SQUARE_OUTPUTS = 8 };

typedef struct face_square {
    infer_model *model;
    int size; /* of its input; 0 = it takes no square of 32 to `largest` pixels a side */
    float *input;
} face_square;
/* What was opened is to be closed, whatever the status. Errors: as infer_model_load, MEMORY. */
AFFECT_MUST_USE affect_status face_square_open(affect_context *ctx, const char *model, int largest,
                                               face_square *out);
void face_square_close(face_square *square);
/* outputs: the first *count of the model, borrowed as infer_model_run says. */
AFFECT_MUST_USE affect_status face_square_run(affect_context *ctx, face_square *square,
                                              const media_frame *frame, const face_roi *roi,
                                              float gain, float offset,
                                              infer_tensor outputs[FACE_SQUARE_OUTPUTS],
                                              size_t *count);

/* ---- detect.c: BlazeFace ---- */

enum { DETECT_MAX = 64, DETECT_POINTS = 6 };

typedef struct face_detection {
    float score;                    /* 0..1 */
    float x0, y0, x1, y1;           /* frame pixels */
    float points[DETECT_POINTS][2]; /* right eye, left eye, nose, mouth, right ear, left ear */
} face_detection;

typedef struct face_detector face_detector;
AFFECT_MUST_USE affect_status face_detector_create(affect_context *ctx, const char *model,
                                                   face_detector **out);
void face_detector_destroy(face_detector *d);
/* Faces in the frame, best first, at most DETECT_MAX; `turns`: the network sees the picture turned by
 * so many right angles against the clock, and what comes out is in pixels of the frame all the same. */
AFFECT_MUST_USE affect_status face_detector_run(affect_context *ctx, face_detector *d,
                                                const media_frame *frame, int turns,
                                                face_detection *out, size_t *count);
face_roi face_detection_roi(const face_detection *detection);

/* ---- mesh.c: 468 points ---- */

enum { MESH_POINTS = 468 };

typedef struct face_mesh {
    float presence;               /* 0..1: is this a face? */
    float points[MESH_POINTS][3]; /* frame pixels; z in the same unit, smaller = nearer */
} face_mesh;

typedef struct face_mesher face_mesher;
AFFECT_MUST_USE affect_status face_mesher_create(affect_context *ctx, const char *model,
                                                 face_mesher **out);
void face_mesher_destroy(face_mesher *m);
AFFECT_MUST_USE affect_status face_mesher_run(affect_context *ctx, face_mesher *m,
                                              const media_frame *frame, const face_roi *roi,
                                              face_mesh *out);
face_roi face_mesh_roi(const face_mesh *mesh); /* where to look in the next frame */
/* The 68 points of Multi-PIE's scheme (Gross et al. 2010; those of dlib and OpenFace): x of all, then y of all,
 * as shares of the picture. Jaw 0..16, brows 17..26, nose 27..35, eyes 36..47, lips 48..67. */
enum { FACE_LANDMARKS = 68 };
void face_mesh_landmarks(const face_mesh *mesh, float width, float height,
                         float out[2 * FACE_LANDMARKS]);
void face_mesh_box(const face_mesh *mesh, float box[4]); /* x0, y0, x1, y1 in frame pixels */

/* ---- geometry.c: the mesh freed from head pose ---- */

/* Measures of the aligned face. The unit is the distance between the outer eye corners of the
 * canonical face; "up" is positive. _r and _l are the person's right and left. Names say what
 * grows: the comment names the action unit (FACS, Ekman, Friesen & Hager 2002) it speaks for. */
#define FACE_MEASURE_TABLE(X)                                                                      \
    X(brow_inner_r) /* inner brow over the eye corners: AU1 up, AU4 down */                        \
    X(brow_inner_l)                                                                                \
    X(brow_middle_r)                                                                               \
    X(brow_middle_l)                                                                               \
    X(brow_outer_r) /* AU2 */                                                                      \
    X(brow_outer_l)                                                                                \
    X(brow_gap)   /* between the inner brows: AU4 makes it smaller */                              \
    X(eye_open_r) /* lid distance over eye width: AU43, AU5, AU7 */                                \
    X(eye_open_l)                                                                                  \
    X(lid_upper_r) /* upper lid over the eye corners: AU5 */                                       \
    X(lid_upper_l)                                                                                 \
    X(lid_lower_r) /* lower lid, up is positive: AU7, AU6 */                                       \
    X(lid_lower_l)                                                                                 \
    X(cheek_r) /* cheek under the eye, up: AU6 */                                                  \
    X(cheek_l)                                                                                     \
    X(alar_r) /* wing of the nose, up: AU9 */                                                      \
    X(alar_l)                                                                                      \
    X(alar_width)                                                                                  \
    X(fold_r) /* nasolabial fold, outward: AU12, AU10 */                                           \
    X(fold_l)                                                                                      \
    X(lip_upper) /* nose to upper lip, smaller = raised: AU10 */                                   \
    X(lip_upper_sides)                                                                             \
    X(corner_up_r) /* mouth corner over the middle of the closed lips: AU12, AU15 */               \
    X(corner_up_l)                                                                                 \
    X(corner_eye_r) /* mouth corner against the eye line */                                        \
    X(corner_eye_l)                                                                                \
    X(corner_depth) /* mouth corners backward: AU12, AU14, AU20 */                                 \
    X(mouth_width)                                                                                 \
    X(mouth_open)      /* inner lips apart: AU25 */                                                \
    X(lip_thick_upper) /* red of the lips: AU23 thinner */                                         \
    X(lip_thick_lower)                                                                             \
    X(lip_lower)        /* lower lip over the chin: AU17 */                                        \
    X(lip_lower_curve)  /* lower lip's middle over its sides */                                    \
    X(jaw_drop)         /* chin under the nose: AU26 */                                            \
    X(chin_depth)       /* chin boss forward: AU17 */                                              \
    X(corner_asymmetry) /* left corner over right: AU14 of one side, contempt */

typedef enum face_measure {
#define FACE_MEASURE_ENUM(name) MEASURE_##name,
    FACE_MEASURE_TABLE(FACE_MEASURE_ENUM)
#undef FACE_MEASURE_ENUM
        FACE_MEASURES
} face_measure;

extern const char *const face_measure_names[FACE_MEASURES];

typedef struct face_geometry {
    float yaw, pitch, roll; /* degrees; yaw > 0: towards the viewer's right; pitch > 0: up; roll >
                               0: clockwise as seen */
    float scale;            /* frame pixels of one unit */
    float residual;         /* root mean square misfit of the rigid points, units */
    float points[MESH_POINTS][3]; /* aligned: x to the viewer's right, y down, z away; units */
    float measures[FACE_MEASURES];
} face_geometry;

void face_geometry_measure(const face_mesh *mesh, face_geometry *out);
/* Only pose, scale, residual and aligned points. */
void face_geometry_align(const face_mesh *mesh, face_geometry *out);

/* ---- assign.c: who is who ---- */

/* Assigns each of `rows` to at most one of `columns` (row-major costs, `rows` x `columns`) so that
 * as many as possible of the pairs with a finite cost are made, at the least sum. to[row] is the
 * column or -1. Both sides at most ASSIGN_MAX. */
enum { ASSIGN_MAX = 128 };
void face_assign_least_cost(const float *costs, size_t rows, size_t columns, int to[]);

/* ---- appearance.c: what a face looks like, to tell persons apart ---- */

enum { APPEARANCE_GRID = 12, APPEARANCE_SIZE = APPEARANCE_GRID * APPEARANCE_GRID + 6 };

typedef struct face_appearance {
    float values[APPEARANCE_SIZE]; /* brightness pattern of unit norm, then colours */
    float weight;                  /* frames that went in; 0 = none */
} face_appearance;

void face_appearance_measure(const media_frame *frame, const face_mesh *mesh, face_appearance *out);
void face_appearance_update(face_appearance *mean, const face_appearance *now);
/* 0 = alike; two shots of one person are mostly below APPEARANCE_SAME, two persons mostly above. */
float face_appearance_distance(const face_appearance *a, const face_appearance *b);

/* ---- identity.c: who a face is ---- */

enum { FACE_IDENTITY_MAX = 1024 };

/* A person's direction among faces, from one picture or the mean of several. */
typedef struct face_identity {
    size_t width;
    float weight;                       /* pictures behind it; 0 = says nothing */
    float direction[FACE_IDENTITY_MAX]; /* unit length */
} face_identity;

typedef struct face_identifier face_identifier;
/* Errors: MODEL, RUNTIME, MEMORY. */
AFFECT_MUST_USE affect_status face_identifier_create(affect_context *ctx, const char *model,
                                                     face_identifier **out);
void face_identifier_destroy(face_identifier *m);
AFFECT_MUST_USE affect_status face_identifier_run(affect_context *ctx, face_identifier *m,
                                                  const media_frame *frame, const face_mesh *mesh,
                                                  face_identity *out);
void face_identity_add(face_identity *to, const face_identity *one);
/* Cosine of the two, -1..1; NaN where one says nothing. */
float face_identity_likeness(const face_identity *a, const face_identity *b);

/* ---- shots.c: where a shot ends ---- */

typedef struct face_shots face_shots;
/* NULL: no memory. */
face_shots *face_shots_create(void);
void face_shots_destroy(face_shots *s);
/* Takes the next picture. Is it so unlike the one before that nobody is where he was? With `doubtful` also where only
 * a part of it is. */
bool face_shots_push(face_shots *s, const media_frame *frame, bool doubtful);
/* Takes out what the latest picture showed to be over, if anything: `end` is a cut's next picture (up to three pictures
 * or 0.25 s ago) or a dissolve's middle (up to 1.2 s ago), `how` "cut" or "dissolve". Ask until there is no more. In
 * order of time; a flash of up to three pictures ends none. */
bool face_shots_over(face_shots *s, affect_time *end, const char **how);

/* ---- people.c: faces of a frame as persons ---- */

typedef struct face_people face_people;
typedef struct face_seen {
    int key; /* names a person for ever; not yet the number the user sees */
    int was; /* not 0: what was this key up to now turned out to be `key`, who had been lost */
    face_mesh mesh;
    const face_identity *identity; /* what is known of who it is, or NULL; borrowed as the rest */
} face_seen;

typedef struct face_people_models {
    face_detector *detect;     /* borrowed */
    face_mesher *mesh;         /* borrowed */
    face_identifier *identify; /* borrowed; NULL: appearance alone tells persons apart */
} face_people_models;

AFFECT_MUST_USE affect_status face_people_create(affect_context *ctx,
                                                 const face_people_models *models, int max_persons,
                                                 face_people **out);
void face_people_destroy(face_people *p);
/* The faces of one frame, in order of their keys; borrowed until the next call. */
AFFECT_MUST_USE affect_status face_people_step(affect_context *ctx, face_people *p,
                                               const media_frame *frame, const face_seen **faces,
                                               size_t *count);
/* Takes out a shot that is now known to be over, as face_shots_over does. */
bool face_people_shot(face_people *p, affect_time *end, const char **how);
void face_people_timing(const face_people *p, double *detect_s, double *mesh_s);
/* Was a face refused because `max_persons` were there already? */
bool face_people_crowded(const face_people *p);

/* ---- population.c: what faces are like, fitted (models/face.geometry) ---- */

typedef struct face_population {
    /* Expected measure of a neutral face at a pose: sum of these over 1, yaw, pitch, yaw^2,
     * pitch^2, yaw*pitch (degrees / 20). */
    float pose[FACE_MEASURES][6];
    float spread[FACE_MEASURES]; /* standard deviation between neutral faces */
    float weights[FACE_CATEGORIES][FACE_MEASURES + 1]; /* log-odds per spread; constant last */
} face_population;

AFFECT_MUST_USE affect_status face_population_load(affect_context *ctx, const char *model,
                                                   face_population *out);
/* Deviation of each measure from a neutral face at that pose, in spreads, clamped to +-8. */
void face_population_deviation(const face_population *p, const face_geometry *g,
                               float out[FACE_MEASURES]);

/* ---- neutral.c: a person's own resting face ---- */

typedef struct face_neutral {
    double mean[FACE_MEASURES], weight[FACE_MEASURES]; /* spreads; seconds of evidence */
    double seen_s;
} face_neutral;

/* Takes one frame's deviations that stood for dt seconds. */
void face_neutral_add(face_neutral *n, const float deviation[FACE_MEASURES], float confidence,
                      double dt_s);
void face_neutral_get(const face_neutral *n, float out[FACE_MEASURES]);

/* ---- units.c: action units ---- */

#define FACE_UNIT_TABLE(X)                                                                         \
    X(AU01)                                                                                        \
    X(AU02)                                                                                        \
    X(AU04)                                                                                        \
    X(AU05)                                                                                        \
    X(AU06)                                                                                        \
    X(AU07) X(AU09) X(AU10) X(AU12) X(AU14) X(AU15) X(AU17) X(AU20) X(AU23) X(AU25) X(AU26) X(AU43)

typedef enum face_unit {
#define FACE_UNIT_ENUM(name) UNIT_##name,
    FACE_UNIT_TABLE(FACE_UNIT_ENUM)
#undef FACE_UNIT_ENUM
        FACE_UNITS
} face_unit;

extern const char *const face_unit_names[FACE_UNITS];

/* Intensities 0..5 from deviations against the person's neutral; NaN for what geometry cannot
 * carry. */
void face_units_measure(const float deviation[FACE_MEASURES], float out[FACE_UNITS]);

/* ---- expression.c: the seam for a network ---- */

typedef struct face_classifier face_classifier;
/* Errors: as infer_model_load; without it geometry alone speaks. */
AFFECT_MUST_USE affect_status face_classifier_create(affect_context *ctx, const char *model,
                                                     face_classifier **out);
/* For fitting the calibration: face_classifier_run then gives the centred log-probability of each
 * of the card's labels (at most 32) instead of our categories. */
AFFECT_MUST_USE affect_status face_classifier_create_raw(affect_context *ctx, const char *model,
                                                         face_classifier **out);
void face_classifier_destroy(face_classifier *e);
/* What the picture says: log-likelihoods up to a constant; and how far it is of the kind that the
 * model was trained on, 0..1 (1 where that is not known). Called when the frame is there. */
AFFECT_MUST_USE affect_status face_classifier_run(affect_context *ctx, face_classifier *e,
                                                  const media_frame *frame, const face_mesh *mesh,
                                                  float out[], float *in_distribution);
/* The same of a given square. */
AFFECT_MUST_USE affect_status face_classifier_run_at(affect_context *ctx, face_classifier *e,
                                                     const media_frame *frame, const face_roi *roi,
                                                     float out[]);
/* A square around the mesh: side and shift towards the forehead in sides of the tight square;
 * `upright` 1 follows the head's roll, 0 only what of it is beyond that of the training faces. */
face_roi face_expression_roi(const face_mesh *mesh, float side, float up, float upright);
/* The one that our own networks are shown. */
face_roi face_expression_own_roi(const face_mesh *mesh);
/* What the geometry's log-odds count beside this model (NULL: 1, it speaks alone). */
float face_classifier_geometry_weight(const face_classifier *e);
/* Posteriors that sum to 1, from what the picture said (NULL: nothing) and the geometry against the
 * neutral, whose log-odds count `weight`. */
void face_expression_posteriors(const face_population *p, const float deviation[FACE_MEASURES],
                                const float looked[FACE_CATEGORIES], float weight,
                                float out[FACE_CATEGORIES]);
/* valence, arousal, dominance and their standard deviations. */
void face_expression_affect(const float posteriors[FACE_CATEGORIES], float confidence,
                            float out[6]);

/* ---- events.c ---- */

typedef struct face_events face_events;
/* `model` made the action units that the events are found in; copied into each. Borrowed for the
 * life of the events. */
AFFECT_MUST_USE affect_status face_events_create(affect_context *ctx, affect_timeline *timeline,
                                                 int person, const char *model, face_events **out);
void face_events_destroy(face_events *e);
typedef struct face_moment {
    affect_time time;
    float confidence;
    float units[FACE_UNITS];
    float eye_open;   /* mean of both eyes, raw */
    float mouth_open; /* deviation */
    float yaw, pitch;
} face_moment;
AFFECT_MUST_USE affect_status face_events_push(affect_context *ctx, face_events *e,
                                               const face_moment *moment);
AFFECT_MUST_USE affect_status face_events_finish(affect_context *ctx, face_events *e);

#endif
