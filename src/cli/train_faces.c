/* Faces: an npz of grey pictures and a csv of votes, one row a picture (FER+: columns neutral ...
 * contempt, unknown, NF). */
#include <math.h>
#include <string.h>

#include "cli/train.h"
#include "data/npy.h"
#include "data/table.h"
#include "nn/kernels.h"

enum { FACE = 48 };

/* ---- faces ---- */

typedef struct vote_columns {
    int label[64];  /* column of each class */
    int nothing[2]; /* "unknown" and "NF" (no face), or -1 */
} vote_columns;

static affect_status find_columns(affect_context *ctx, const data_table *t,
                                  const char *const *labels, size_t classes, vote_columns *out) {
    for (size_t c = 0; c < classes; c++) {
        out->label[c] = data_table_column(t, labels[c]);
        if (out->label[c] < 0)
            return base_fail(ctx, AFFECT_ERROR_FORMAT,
                             "%s:1: expected a column '%s' with the votes for it", t->path,
                             labels[c]);
    }
    out->nothing[0] = data_table_column(t, "unknown");
    out->nothing[1] = data_table_column(t, "NF");
    return AFFECT_OK;
}

static affect_status read_vote(affect_context *ctx, const data_table *t, size_t row, int column,
                               double *out) {
    *out = 0;
    if (column < 0) return AFFECT_OK;
    const char *cell = data_table_cell(t, row, (size_t)column);
    if (!base_parse_double(cell, strlen(cell), out) || !(*out >= 0) || *out > 1e6)
        return data_table_fail(ctx, t, row, (size_t)column, "a count of votes");
    return AFFECT_OK;
}

/* The majority class is the column with most votes, the first of equals (as numpy's argmax); a row
 * whose majority is "unknown" or "no face" has none. The target is the distribution over the
 * classes; single votes are dropped as outliers when asked (Barsoum et al. 2016), unless nothing
 * would stay. A face is clear when, single votes aside, its class has more than half of the votes:
 * the only faces that FER+'s own scripts score. */
static affect_status read_votes(affect_context *ctx, const data_table *t, train_set *s,
                                bool drop_single) {
    vote_columns columns;
    affect_status status = find_columns(ctx, t, s->spec.labels, s->spec.classes, &columns);
    for (size_t r = 0; status == AFFECT_OK && r < s->count; r++) {
        double votes[64], sum = 0, kept = 0, nothing[2];
        int32_t best = -1;
        for (size_t c = 0; status == AFFECT_OK && c < s->spec.classes; c++) {
            status = read_vote(ctx, t, r, columns.label[c], &votes[c]);
            sum += votes[c];
            if (best < 0 || votes[c] > votes[best]) best = (int32_t)c;
            if (votes[c] > 1) kept += votes[c];
        }
        for (int k = 0; status == AFFECT_OK && k < 2; k++)
            status = read_vote(ctx, t, r, columns.nothing[k], &nothing[k]);
        if (status != AFFECT_OK) break;
        double all = kept;
        for (int k = 0; k < 2; k++) all += nothing[k] > 1 ? nothing[k] : 0;
        s->clear[r] = votes[best] > 1 && votes[best] > all / 2;
        bool none = sum <= 0 || nothing[0] > votes[best] || nothing[1] > votes[best];
        s->gold[r] = none ? -1 : best;
        bool drop = drop_single && kept > 0;
        for (size_t c = 0; c < s->spec.classes; c++) {
            double v = drop && votes[c] <= 1 ? 0 : votes[c];
            s->target[r * s->spec.classes + c] = none ? 0 : (float)(v / (drop ? kept : sum));
        }
    }
    return status;
}

affect_status train_faces_open(train_set *s, const char *images, const char *votes) {
    affect_context *ctx = s->ctx;
    data_npz *npz = NULL;
    data_npy *array = NULL;
    data_table *table = NULL;
    affect_status status = data_npz_open(ctx, images, &npz);
    s->owned[0] = npz;
    if (status == AFFECT_OK) status = data_npz_array(ctx, npz, "images", &array);
    s->owned[1] = array;
    if (status == AFFECT_OK &&
        (array->values.type != DATA_U8 || array->values.rank != 3 ||
         array->values.shape[1] != FACE || array->values.shape[2] != FACE || array->values.fortran))
        status =
            base_fail(ctx, AFFECT_ERROR_FORMAT,
                      "%s: 'images' has rank %zu and %zu-byte elements, expected uint8 of shape "
                      "[n, 48, 48]",
                      images, array->values.rank, array->values.item_size);
    if (status == AFFECT_OK) status = data_table_open(ctx, votes, NULL, &table);
    if (status == AFFECT_OK && table->rows != array->values.shape[0])
        status = base_fail(ctx, AFFECT_ERROR_FORMAT,
                           "%s: has %zu rows of votes, but %s has %zu pictures", votes, table->rows,
                           images, array->values.shape[0]);
    if (status == AFFECT_OK) {
        s->pixels = array->values.bytes;
        for (size_t r = 0; status == AFFECT_OK && r < table->rows; r++)
            status = train_set_add(s, NULL);
    }
    if (status == AFFECT_OK && !(s->clear = base_calloc(s->count, sizeof *s->clear)))
        status = base_fail_memory(ctx);
    if (status == AFFECT_OK) status = read_votes(ctx, table, s, s->spec.drop_single_votes);
    data_table_destroy(table);
    return status;
}

/* ---- augmentation: one random view of a face ---- */

/* Bilinear, edges repeated. */
static float pixel_at(const unsigned char *image, float x, float y) {
    x = fminf(fmaxf(x, 0), FACE - 1);
    y = fminf(fmaxf(y, 0), FACE - 1);
    int x0 = (int)x, y0 = (int)y, x1 = BASE_MIN(x0 + 1, FACE - 1), y1 = BASE_MIN(y0 + 1, FACE - 1);
    float fx = x - (float)x0, fy = y - (float)y0;
    float top = (1 - fx) * image[y0 * FACE + x0] + fx * image[y0 * FACE + x1];
    float low = (1 - fx) * image[y1 * FACE + x0] + fx * image[y1 * FACE + x1];
    return (1 - fy) * top + fy * low;
}

static void augment_face(const unsigned char *image, const train_augment *a, uint64_t seed,
                         float *out) {
    train_dice d = {seed, 0};
    bool flip = train_roll(&d) < a->flip;
    double angle = train_spread(&d, a->rotate) * 3.141592653589793 / 180;
    double size = 1 / (1 + train_spread(&d, a->scale)), aspect = 1 + train_spread(&d, a->scale / 3);
    double shear = train_spread(&d, a->shear);
    double dx = train_spread(&d, a->shift), dy = train_spread(&d, a->shift);
    float gamma = (float)exp(train_spread(&d, a->gamma)),
          noise = (float)(train_roll(&d) * a->noise);
    double c = cos(angle) * size, s = sin(angle) * size;
    float xx = (float)(c * aspect), xy = (float)(-s + shear), yx = (float)(s * aspect),
          yy = (float)c;
    const float middle = (FACE - 1) / 2.f;
    float curve[257];
    for (int i = 0; i <= 256; i++) curve[i] = powf((float)i / 255.f, gamma) * 255.f;
    const int size_out = (int)a->size;
    const float step = (float)FACE / (float)size_out, centre = (float)(size_out - 1) / 2;
    for (int y = 0; y < size_out; y++)
        for (int x = 0; x < size_out; x++) {
            float u = (flip ? centre - (float)x : (float)x - centre) * step;
            float v = ((float)y - centre) * step;
            float value = pixel_at(image, xx * u + xy * v + middle + (float)dx,
                                   yx * u + yy * v + middle + (float)dy);
            int i = (int)value;
            out[y * size_out + x] = curve[i] + (value - (float)i) * (curve[i + 1] - curve[i]);
        }
    if (noise > 0)
        for (int i = 0; i < size_out * size_out; i++)
            out[i] += noise * (float)(train_roll(&d) + train_roll(&d) + train_roll(&d) - 1.5) * 2;
    if (train_roll(&d) < a->erase) { /* random erasing (Zhong et al. 2020), grey of its own */
        double least = size_out / 8., more = size_out * 3 / 8.;
        int w = (int)(least + train_roll(&d) * more), h = (int)(least + train_roll(&d) * more);
        int x0 = (int)(train_roll(&d) * (size_out - w)),
            y0 = (int)(train_roll(&d) * (size_out - h));
        float grey = (float)(train_roll(&d) * 255);
        for (int y = y0; y < y0 + h; y++)
            for (int x = x0; x < x0 + w; x++) out[y * size_out + x] = grey;
    }
}

bool train_faces_batch(const train_set *s, nn_tape *tape, const uint32_t *index, size_t n,
                       const train_augment *a, uint64_t seed, nn_batch *batch) {
    size_t size = a ? a->size : FACE, pixels = size * size;
    float *data = nn_tape_alloc(tape, n * pixels);
    if (!data) return false;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *image = s->pixels + (size_t)index[i] * FACE * FACE;
        float *out = data + i * pixels;
        if (a)
            augment_face(image, a, seed ^ (uint64_t)index[i] * 0x9e3779b97f4a7c15u, out);
        else
            for (size_t k = 0; k < FACE * FACE; k++) out[k] = image[k];
        nn_standardise(out, pixels);
    }
    *batch = (nn_batch){.count = n, .data = data, .height = size, .width = size};
    return true;
}
