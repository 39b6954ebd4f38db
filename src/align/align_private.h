/* align: when the same thing happened in two streams. In: series and events as plain arrays. Out:
 * lags, warping paths, matches. Implements affect/align.h; this header is what its files share. */
#ifndef ALIGN_PRIVATE_H
#define ALIGN_PRIVATE_H

#include "align/align.h"
#include "align/step.h"

/* ---- fft.c: complex transforms of a power of two, in place, double precision ---- */

typedef struct align_complex {
    double re, im;
} align_complex;

typedef struct align_fft {
    size_t size;
    align_complex *root; /* e^{-2 pi i k / size}, k < size / 2 */
} align_fft;

AFFECT_MUST_USE bool align_fft_init(align_fft *fft, size_t size);
void align_fft_destroy(align_fft *fft);
void align_fft_forward(const align_fft *fft, align_complex *data);
void align_fft_inverse(const align_fft *fft, align_complex *data); /* divides by size */

/* ---- linear.c: small dense matrices, row-major ---- */

/* Lower Cholesky factor in place (the part above the diagonal is zeroed); false where the matrix is
 * not positive definite. */
AFFECT_MUST_USE bool align_cholesky(double *a, size_t n);
/* Solves L x = b in place for `columns` right-hand sides (b is n x columns). */
void align_solve_lower(const double *l, size_t n, double *b, size_t columns);
/* Solves L' x = b in place. */
void align_solve_upper(const double *l, size_t n, double *b, size_t columns);
/* Eigenvalues (falling) and unit eigenvectors (columns of `vectors`) of a symmetric matrix, which
 * is destroyed; by Jacobi rotations. The component of largest size of each vector is positive. */
void align_eigen(double *a, size_t n, double *values, double *vectors);

/* ---- grid.c: both series on one uniform grid ---- */

typedef struct align_grid {
    double t0_s, step_s;
    size_t n, channels;
    float *valid;  /* n; 1 where every channel has a value, else 0 */
    double *x;     /* channels x n; standardised over the valid points, 0 elsewhere */
    size_t points; /* valid ones */
} align_grid;

/* Checks a series; ARGUMENT with its name in the text. */
AFFECT_MUST_USE affect_status align_series_check(affect_context *ctx, const char *name,
                                                 const affect_align_series *series);
/* The options with every 0 replaced. ARGUMENT where one is out of its range. */
AFFECT_MUST_USE affect_status align_options_settle(affect_context *ctx,
                                                   const affect_align_options *given,
                                                   const affect_align_series *a,
                                                   const affect_align_series *b,
                                                   affect_align_options *out);
/* Both on the grid that their common time spans; n = 0 where there is none. */
AFFECT_MUST_USE affect_status align_grids_make(affect_context *ctx, const affect_align_series *a,
                                               const affect_align_series *b, double step_s,
                                               align_grid *out_a, align_grid *out_b);
void align_grid_destroy(align_grid *grid);
/* Mean 0 and variance 1 over the valid points of each channel, 0 elsewhere; a constant channel
 * becomes 0. */
void align_grid_standardise(align_grid *grid);

/* ---- correlogram.c ---- */

/* The association of two grids at lags -reach..reach grid steps, and its null. */
typedef struct align_correlogram {
    size_t reach;
    double *r;       /* 2 reach + 1; NaN where too little overlaps */
    double *overlap; /* points that both have */
    size_t null_count[2];
    double *null[2]; /* r at circular shifts beyond the range; at all shifts of B reversed */
} align_correlogram;

AFFECT_MUST_USE affect_status align_correlogram_make(affect_context *ctx, const align_grid *a,
                                                     const align_grid *b,
                                                     affect_align_measure measure, size_t reach,
                                                     align_correlogram *out);
void align_correlogram_destroy(align_correlogram *c);

/* ---- lag.c ---- */

/* The peak of a correlogram with its error and p-value. *independent gets the number of independent
 * points that the null tells of (0 where it tells nothing). */
AFFECT_MUST_USE affect_status align_lag_from(affect_context *ctx, const align_correlogram *c,
                                             double step_s, affect_align_lag *out,
                                             double *independent);

/* The p-value of "related at some lag, fixed or drifting": of the correlogram itself and of its means
 * over an eighth, a quarter and a half of the range to each side, where a lag that wanders leaves its
 * correlation spread out. */
AFFECT_MUST_USE affect_status align_drift_p(affect_context *ctx, const align_correlogram *c,
                                            double *p);

/* ---- canonical.c ---- */

/* Canonical correlation of weighted pairs' covariances: directions (columns_a x dims), falling
 * correlations. Covariances are destroyed. False where they are singular after regularisation. */
AFFECT_MUST_USE bool align_canonical(double *caa, size_t da, double *cbb, size_t db,
                                     const double *cab, double regularise, size_t dims,
                                     double *direction_a, double *direction_b, double *correlation,
                                     double *scratch);
/* Doubles that `scratch` must hold. */
size_t align_canonical_scratch(size_t da, size_t db);

/* ---- stage.c, tree.c, consistency.c: the stage ---- */

/* An event of face, voice or words, or a word of feeling, as matching takes it. */
typedef struct align_happening {
    affect_time onset, apex, offset;
    affect_modality modality;
    int person; /* whose it is; of voice and words once `settled` */
    bool settled;
    affect_align_event event;
    const char *id, *kind; /* the timeline's */
} align_happening;

/* Sides of a contradiction that is going on. */
typedef struct align_run {
    bool open;
    affect_time onset, last, apex;
    double strength, confidence, peak; /* sums over `steps`; the highest value */
    double sides[2][ALIGN_SIGNS];      /* sums */
    size_t steps;
} align_run;

typedef struct align_person {
    int number;
    affect_track *consistency; /* NULL before the first row */
    affect_time first, last;   /* of the trajectory; first > last: none */
    struct {
        align_belief (*items)[ALIGN_PAIRS]; /* one a block */
        size_t count, capacity;
    } blocks;
    align_run runs[ALIGN_PAIRS];
} align_person;

struct align_stage {
    affect_context *ctx;
    affect_timeline *out;
    affect_tier *nodes[4], *sides; /* recording, episodes, utterances, moments */
    struct {
        align_happening *items; /* in order of time */
        size_t count, capacity;
    } happenings;
    struct {
        size_t *items; /* of each timeline in view: events, words, episodes taken */
        size_t count, capacity;
    } taken;
    struct {
        align_person **items; /* in order of number */
        size_t count, capacity;
    } persons;
    struct {
        affect_interval *items; /* episodes that wait; ids are the timeline's */
        size_t count, capacity;
    } waiting;
    struct {
        bool
            *items; /* utterances that have a node, of all timelines in view, one after the other */
        size_t count, capacity;
    } placed;
    size_t block;     /* the next one */
    affect_time done; /* blocks are understood up to here */
    affect_time end;  /* of the recording, once known */
    size_t contradictions;
};

/* Apexes are dated to some frames: the standard deviation of one, in seconds. */
#define ALIGN_APEX_SD_S 0.08

/* Which two modalities a pair is of: 0 face-voice, 1 face-words, 2 voice-words. */
extern const affect_modality align_pair_of[ALIGN_PAIRS][2];

/* The events of a person in a modality with apexes in [t0, t1), in order of time; `list` and
 * `index` (of the happening; may be NULL) have room for all happenings there. */
size_t align_events_of(const align_stage *stage, int person, affect_modality modality,
                       affect_time t0, affect_time t1, affect_align_event *list, size_t *index);
/* The first happening at or after `time`. */
size_t align_happening_at(const align_stage *stage, affect_time time);

/* tree.c: the node of an episode and those below it; what no episode holds, and recordings. */
AFFECT_MUST_USE affect_status align_tree_episode(align_stage *stage, const timeline_view *view,
                                                 const affect_interval *episode);
AFFECT_MUST_USE affect_status align_tree_end(align_stage *stage, const timeline_view *view);

/* consistency.c: rows of one block of a person, and contradictions in it. */
AFFECT_MUST_USE affect_status align_consistency_block(align_stage *stage, const timeline_view *view,
                                                      align_person *person, affect_time t0,
                                                      affect_time t1,
                                                      const align_belief lags[ALIGN_PAIRS]);
/* Ends contradictions that are still open. */
AFFECT_MUST_USE affect_status align_consistency_end(align_stage *stage, const timeline_view *view,
                                                    align_person *person);

#endif
