/* The trained fusion: what a network (nn/fusion.h) says of a person from the rows of all modalities at their own times.
 * In: rows of six streams (estimates and posteriors of face, voice and words) as they become final. Out: valence,
 * arousal and dominance, or those of them that the model tells, at any time of a piece.
 *
 * The recording is cut into steps of FUSE_STEP; step k is told from the rows of steps k - 1, k and k + 1 (a piece), with
 * times that begin at 0 in each piece. Training cuts its recordings the same way. So a step is final when the next one
 * is over, memory is bounded, and the answer depends neither on how the input was cut nor on what is asked. */
#ifndef FUSE_NETWORK_H
#define FUSE_NETWORK_H

#include "fuse/fuse.h"
#include "nn/fusion_model.h"

#define FUSE_STEP (4 * AFFECT_SECOND)
enum {
    FUSE_INPUTS = 6, /* face, voice, words: estimates, then posteriors of each */
    FUSE_INPUT_MOST = FUSE_CATEGORIES + 1,
    FUSE_PIECE_S = 12
};

/* ---- rows of one person (rows.c) ---- */

typedef struct fuse_rows {
    struct fuse_input {
        affect_time *times; /* in the picture's time, never decreasing */
        float *values;      /* count x fuse_input_width */
        size_t count, times_capacity, values_capacity;
    } inputs[FUSE_INPUTS];
} fuse_rows;

/* Valence, arousal, dominance and the confidence; or the categories' shares and the confidence. */
size_t fuse_input_width(size_t input);
/* Which stream the rows of that track are, or -1. */
int fuse_input_of(const affect_track *track);
/* Takes row `row` of a track at `time`; the confidence counts `share`. A row that says nothing is passed over. Errors:
 * MEMORY. */
AFFECT_MUST_USE affect_status fuse_rows_take(affect_context *ctx, fuse_rows *rows,
                                             const affect_track *track, size_t row,
                                             affect_time time, double share);
/* All rows of a finished timeline that are that person's. */
AFFECT_MUST_USE affect_status fuse_rows_collect(affect_context *ctx, fuse_rows *rows,
                                                const timeline_view *view, int person);
void fuse_rows_forget(fuse_rows *rows, affect_time before);
void fuse_rows_destroy(fuse_rows *rows); /* of a zeroed one too */

/* ---- the model (network.c) ---- */

typedef struct fuse_network fuse_network;
/* Errors: MODEL (which field, and what it must be), MEMORY. */
AFFECT_MUST_USE affect_status fuse_network_load(affect_context *ctx, const char *model,
                                                fuse_network **out);
void fuse_network_destroy(fuse_network *network);
const char *fuse_network_name(const fuse_network *network); /* of the card */
/* Which dimensions it tells, and how far off it is (RMSE on people left out, as the card states it). */
bool fuse_network_tells(const fuse_network *network, size_t dimension);
double fuse_network_error(const fuse_network *network, size_t dimension);

/* What it said of one piece: the last one, so that the times of a step ask once. */
typedef struct fuse_piece {
    int64_t step;
    bool made;
    float *values; /* references x values */
} fuse_piece;
void fuse_piece_destroy(fuse_piece *piece); /* of a zeroed one too */

/* In: mean = the latent model's, which a network may correct. Out: mean[d] of the dimensions that it tells, at `time` (0 or more), from rows that reach to the end of the step after it.
 * Errors: MEMORY, those of the pass. */
AFFECT_MUST_USE affect_status fuse_network_tell(affect_context *ctx, fuse_network *network,
                                                const fuse_rows *rows, fuse_piece *piece,
                                                affect_time time, double mean[FUSE_DIMENSIONS]);

/* References of a piece at that rate, and the rows around one step as a pass takes them; training uses the same. `index`
 * is of the first row of each stream in `rows`. */
size_t fuse_piece_references(double rate_hz);
static inline affect_time fuse_piece_start(int64_t step) { return (step - 1) * FUSE_STEP; }
void fuse_piece_rows(const fuse_rows *rows, int64_t step, size_t first[FUSE_INPUTS],
                     size_t count[FUSE_INPUTS]);

#endif
