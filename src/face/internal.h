/* face, private: the parts of the stage and what they hand each other. */
#ifndef FACE_INTERNAL_H
#define FACE_INTERNAL_H

#include "face/face.h"
#include "infer/infer.h"

/* ---- image.c: squares cut out of a frame ----------------------------------------------------- */

/* A square in the frame: centre and side in pixels, turned by `angle` (radians, clockwise as the
 * picture is seen). */
typedef struct face_roi {
    float x, y, side, angle;
} face_roi;

/* Samples the square into size x size x 3 floats, row by row: value = byte * gain + offset. What
 * lies outside the frame is `offset` (black). Averages where the frame is finer than the crop. */
void image_crop(const media_frame *frame, const face_roi *roi, int size, float gain, float offset,
                float *out);
/* Crop pixel -> frame pixel. */
void image_to_frame(const face_roi *roi, int size, float u, float v, float *x, float *y);

/* ---- detect.c: BlazeFace ---------------------------------------------------------------------
 */

enum { DETECT_MAX = 64, DETECT_POINTS = 6 };

typedef struct face_detection {
    float score;                    /* 0..1 */
    float x0, y0, x1, y1;           /* frame pixels */
    float points[DETECT_POINTS][2]; /* right eye, left eye, nose, mouth, right ear, left ear */
} face_detection;

typedef struct detector detector;
AFFECT_MUST_USE affect_status detector_create(affect_context *ctx, const char *model,
                                              detector **out);
void detector_destroy(detector *d);
/* Faces in the frame, best first, at most DETECT_MAX. */
AFFECT_MUST_USE affect_status detector_run(affect_context *ctx, detector *d,
                                           const media_frame *frame, face_detection *out,
                                           size_t *count);
face_roi detection_roi(const face_detection *detection);

/* ---- mesh.c: 468 points ----------------------------------------------------------------------
 */

enum { MESH_POINTS = 468 };

typedef struct face_mesh {
    float presence;               /* 0..1: is this a face? */
    float points[MESH_POINTS][3]; /* frame pixels; z in the same unit, smaller = nearer */
} face_mesh;

typedef struct mesher mesher;
AFFECT_MUST_USE affect_status mesher_create(affect_context *ctx, const char *model, mesher **out);
void mesher_destroy(mesher *m);
AFFECT_MUST_USE affect_status mesher_run(affect_context *ctx, mesher *m, const media_frame *frame,
                                         const face_roi *roi, face_mesh *out);
face_roi mesh_roi(const face_mesh *mesh);           /* where to look in the next frame */
void mesh_box(const face_mesh *mesh, float box[4]); /* x0, y0, x1, y1 in frame pixels */

/* ---- geometry.c: the mesh freed from head pose ------------------------------------------------
 */

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

void geometry_measure(const face_mesh *mesh, face_geometry *out);
/* Only pose, scale, residual and aligned points. */
void geometry_align(const face_mesh *mesh, face_geometry *out);

/* ---- assign.c: who is who ---------------------------------------------------------------------
 */

/* Assigns each of `rows` to at most one of `columns` (row-major costs, `rows` x `columns`) so that
 * as many as possible of the pairs with a finite cost are made, at the least sum. to[row] is the
 * column or -1. Both sides at most ASSIGN_MAX. */
enum { ASSIGN_MAX = 64 };
void assign_least_cost(const float *costs, size_t rows, size_t columns, int to[]);

/* ---- looks.c: what a face looks like, to tell persons apart -----------------------------------
 */

enum { LOOKS_GRID = 12, LOOKS_SIZE = LOOKS_GRID * LOOKS_GRID + 6 };

typedef struct face_looks {
    float values[LOOKS_SIZE]; /* brightness pattern of unit norm, then colours */
    float weight;             /* frames that went in; 0 = none */
} face_looks;

void looks_measure(const media_frame *frame, const face_mesh *mesh, face_looks *out);
void looks_update(face_looks *mean, const face_looks *now);
/* 0 = alike; two shots of one person are mostly below LOOKS_SAME, two persons mostly above. */
float looks_distance(const face_looks *a, const face_looks *b);

/* ---- people.c: faces of a frame as persons ----------------------------------------------------
 */

typedef struct people people;
typedef struct people_face {
    int key; /* names a person for ever; not yet the number the user sees */
    int was; /* not 0: what was this key up to now turned out to be `key`, who had been lost */
    face_mesh mesh;
} people_face;

typedef struct people_models {
    detector *detect; /* borrowed */
    mesher *mesh;     /* borrowed */
} people_models;

AFFECT_MUST_USE affect_status people_create(affect_context *ctx, const people_models *models,
                                            int max_persons, people **out);
void people_destroy(people *p);
/* The faces of one frame, in order of their keys; borrowed until the next call. */
AFFECT_MUST_USE affect_status people_step(affect_context *ctx, people *p, const media_frame *frame,
                                          const people_face **faces, size_t *count);
void people_timing(const people *p, double *detect_s, double *mesh_s);

/* ---- population.c: what faces are like, fitted (models/face.geometry) -------------------------
 */

typedef struct face_population {
    /* Expected measure of a neutral face at a pose: sum of these over 1, yaw, pitch, yaw^2,
     * pitch^2, yaw*pitch (degrees / 20). */
    float pose[FACE_MEASURES][6];
    float spread[FACE_MEASURES]; /* standard deviation between neutral faces */
    float weights[FACE_CATEGORIES][FACE_MEASURES + 1]; /* log-odds per spread; constant last */
} face_population;

AFFECT_MUST_USE affect_status population_load(affect_context *ctx, const char *model,
                                              face_population *out);
/* Deviation of each measure from a neutral face at that pose, in spreads, clamped to +-8. */
void population_deviation(const face_population *p, const face_geometry *g,
                          float out[FACE_MEASURES]);

/* ---- neutral.c: a person's own resting face ---------------------------------------------------
 */

typedef struct face_neutral {
    double mean[FACE_MEASURES], weight[FACE_MEASURES]; /* spreads; seconds of evidence */
    double seen_s;
} face_neutral;

/* Takes one frame's deviations that stood for dt seconds. */
void neutral_add(face_neutral *n, const float deviation[FACE_MEASURES], float confidence,
                 double dt_s);
void neutral_get(const face_neutral *n, float out[FACE_MEASURES]);

/* ---- units.c: action units --------------------------------------------------------------------
 */

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
void units_measure(const float deviation[FACE_MEASURES], float out[FACE_UNITS]);

/* ---- expression.c: the seam for a network ----------------------------------------------------
 */

typedef struct expresser expresser;
/* Errors: as infer_model_load; without it geometry alone speaks. */
AFFECT_MUST_USE affect_status expresser_create(affect_context *ctx, const char *model,
                                               expresser **out);
/* For fitting the calibration: expresser_look then gives the centred log-probability of each of the
 * card's labels (at most 32) instead of our categories. */
AFFECT_MUST_USE affect_status expresser_create_raw(affect_context *ctx, const char *model,
                                                   expresser **out);
void expresser_destroy(expresser *e);
/* What the picture says: log-likelihoods up to a constant; and how far it is of the kind that the
 * model was trained on, 0..1 (1 where that is not known). Called when the frame is there. */
AFFECT_MUST_USE affect_status expresser_look(affect_context *ctx, expresser *e,
                                             const media_frame *frame, const face_mesh *mesh,
                                             float out[], float *known);
/* The same of a given square. */
AFFECT_MUST_USE affect_status expresser_look_at(affect_context *ctx, expresser *e,
                                                const media_frame *frame, const face_roi *roi,
                                                float out[]);
/* A square around the mesh: side and shift towards the forehead in sides of the tight square;
 * `upright` 1 follows the head's roll, 0 only what of it is beyond that of the training faces. */
face_roi expression_frame(const face_mesh *mesh, float side, float up, float upright);
/* What the geometry's log-odds count beside this model (NULL: 1, it speaks alone). */
float expresser_geometry_weight(const expresser *e);
/* Posteriors that sum to 1, from what the picture said (NULL: nothing) and the geometry against the
 * neutral, whose log-odds count `weight`. */
void expression_posteriors(const face_population *p, const float deviation[FACE_MEASURES],
                           const float looked[FACE_CATEGORIES], float weight,
                           float out[FACE_CATEGORIES]);
/* valence, arousal, dominance and their standard deviations. */
void expression_affect(const float posteriors[FACE_CATEGORIES], float confidence, float out[6]);

/* ---- events.c ---------------------------------------------------------------------------------
 */

typedef struct face_events face_events;
AFFECT_MUST_USE affect_status events_create(affect_context *ctx, affect_timeline *timeline,
                                            int person, face_events **out);
void events_destroy(face_events *e);
typedef struct face_moment {
    affect_time time;
    float confidence;
    float units[FACE_UNITS];
    float eye_open;   /* mean of both eyes, raw */
    float mouth_open; /* deviation */
    float yaw, pitch;
} face_moment;
AFFECT_MUST_USE affect_status events_push(affect_context *ctx, face_events *e,
                                          const face_moment *moment);
AFFECT_MUST_USE affect_status events_finish(affect_context *ctx, face_events *e);

#endif
