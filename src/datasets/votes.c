/* Faces: an npz of grey pictures and a csv of votes, one row a picture (FER+: columns neutral ...
 * contempt, unknown, NF). */
#include <math.h>
#include <string.h>

#include "data/npy.h"
#include "datasets/datasets_private.h"

enum { FACE = 48 };

affect_status datasets_votes_find(affect_context *ctx, const data_frame *frame,
                                  const char *const *classes, size_t count, datasets_votes *out) {
    if (count > DATASETS_MOST_CLASSES)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "%zu classes of votes: at most %d", count,
                         DATASETS_MOST_CLASSES);
    out->classes = count;
    for (size_t c = 0; c < count; c++) {
        out->column[c] = data_frame_column(frame, classes[c]);
        if (out->column[c] < 0)
            return base_fail(ctx, AFFECT_ERROR_FORMAT,
                             "%s:1: expected a column '%s' with the votes for it", frame->path,
                             classes[c]);
    }
    out->column[count] = data_frame_column(frame, "unknown");
    out->column[count + 1] = data_frame_column(frame, "NF");
    return AFFECT_OK;
}

affect_status datasets_votes_row(affect_context *ctx, const data_frame *frame,
                                 const datasets_votes *votes, size_t row, double *out) {
    for (size_t c = 0; c < votes->classes + 2; c++) {
        const int column = votes->column[c];
        out[c] = 0;
        if (column < 0) continue;
        if (!data_frame_number(frame, row, (size_t)column, &out[c]) || !(out[c] >= 0) ||
            out[c] > 1e6)
            return data_frame_fail(ctx, frame, row, (size_t)column, "a count of votes");
    }
    return AFFECT_OK;
}

/* The majority class is the column with most votes, the first of equals (as numpy's argmax); a row
 * whose majority is "unknown" or "no face" has none. The shares are the distribution over the
 * classes; single votes are dropped as outliers when asked (Barsoum et al. 2016), unless nothing
 * would stay. A face is clear when, single votes aside, its class has more than half of the votes:
 * the only faces that FER+'s own scripts score. */
static affect_status read_votes(datasets_reader *r, const data_frame *t,
                                const datasets_votes *columns, size_t row,
                                datasets_sample *sample) {
    const size_t classes = columns->classes;
    double votes[DATASETS_MOST_CLASSES + 2], sum = 0, kept = 0;
    const double *nothing = votes + classes;
    int32_t best = -1;
    affect_status status = datasets_votes_row(r->ctx, t, columns, row, votes);
    if (status != AFFECT_OK) return status;
    for (size_t c = 0; c < classes; c++) {
        sum += votes[c];
        if (best < 0 || votes[c] > votes[best]) best = (int32_t)c;
        if (votes[c] > 1) kept += votes[c];
    }
    double all = kept;
    for (int k = 0; k < 2; k++) all += nothing[k] > 1 ? nothing[k] : 0;
    sample->clear = votes[best] > 1 && votes[best] > all / 2;
    bool none = sum <= 0 || nothing[0] > votes[best] || nothing[1] > votes[best];
    sample->label = none ? -1 : best;
    bool drop = r->request->drop_single_votes && kept > 0;
    for (size_t c = 0; c < classes; c++) {
        double v = drop && votes[c] <= 1 ? 0 : votes[c];
        r->shares[c] = none ? 0 : (float)(v / (drop ? kept : sum));
    }
    return AFFECT_OK;
}

affect_status datasets_read_faces(datasets_reader *r, const char *images, const char *votes) {
    affect_context *ctx = r->ctx;
    data_npz *npz = NULL;
    data_npy *array = NULL;
    data_frame *table = NULL;
    datasets_votes columns;
    affect_status status = data_npz_open(ctx, images, &npz);
    if (status == AFFECT_OK) status = data_npz_array(ctx, npz, "images", &array);
    if (status == AFFECT_OK &&
        (array->values.type != DATA_U8 || array->values.rank != 3 ||
         array->values.shape[1] != FACE || array->values.shape[2] != FACE || array->values.fortran))
        status =
            base_fail(ctx, AFFECT_ERROR_FORMAT,
                      "%s: 'images' has rank %zu and %zu-byte elements, expected uint8 of shape "
                      "[n, 48, 48]",
                      images, array->values.rank, array->values.item_size);
    if (status == AFFECT_OK) status = data_frame_open(ctx, votes, false, &table);
    if (status == AFFECT_OK && table->rows != array->values.shape[0])
        status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                           "%s: has %zu rows of votes, but %s has %zu pictures", votes, table->rows,
                           images, array->values.shape[0]);
    if (status == AFFECT_OK)
        status = datasets_votes_find(ctx, table, r->request->labels, r->request->classes, &columns);
    for (size_t row = 0; status == AFFECT_OK && row < table->rows; row++) {
        datasets_sample sample = datasets_sample_begin(r);
        sample.pixels = array->values.bytes + row * FACE * FACE;
        status = read_votes(r, table, &columns, row, &sample);
        if (status == AFFECT_OK) status = r->visit(r->user, &sample);
    }
    data_frame_destroy(table);
    data_npy_destroy(array);
    data_npz_destroy(npz);
    return status;
}
