/* Projectors of the kind `ridge`: linear maps of a stream's mean row, found in one step instead of by gradients, and kept.
 *
 * Comes in: of each clip the mean row of each stream, x. Goes out: maps W with soft token = W x, fitted over all streams together to y,
 * the sum of the embeddings of the answer's tokens, each once and times log(clips / clips whose answer has it) (Sparck Jones 1972): a
 * token of all answers tells nothing. x and y are taken from their means; W is scaled so that soft tokens are as large as embeddings. The bias begins at 0 and is
 * learned: begun at the mean of y, it hid behind itself what differs between clips.
 *
 * Why: a map that is learned along with the model, or fitted to the very clips that the model then learns from, says more of
 * these clips than of others, and the model learns to trust it. Here the model learns from what a map says that was fitted
 * without the clip's participant (stacking: Wolpert 1992; of each of ten parts); the penalty (Hoerl & Kennard 1970) is that
 * with the least error of such maps; what is kept is the map of all training clips. */
#include <math.h>
#include <string.h>

#include "nn/tape.h"
#include "tune/tune_private.h"

/* The penalty a clip, of standardised features: from next to none to one that leaves little. */
static const double penalties[] = {.003, .01, .03, .1, .3, 1, 3, 10};
enum { MOST_FEATURES = 1024, FOLDS = 10 };

typedef struct fit {
    tune_network *network;
    tune_clips *clips;
    nn_tape *tape;
    size_t train, features, width, at[TUNE_STREAMS]; /* at: a stream's first feature in x */
    uint8_t *fold;                                   /* of each clip; FOLDS: it does not train */
    double *x, *y;                                   /* [clips, features], [clips, width] */
    double *weight;                                  /* of each token of the vocabulary */
    double *mean;             /* [features], of clips that have the stream; then [width] */
    double *square, *product; /* x^T x, x^T y; of each fold, then of all */
    double *left, *right;     /* of the system under way; right becomes the map */
    double *best;             /* the map of each fold, then of all, [features, width] */
    double *row;              /* [width] */
    double size, count;       /* sum of squares of the embeddings' values, and how many */
} fit;

enum { BUFFERS = 10 };

static void list_buffers(fit *f, double **out[BUFFERS]) {
    double **const all[BUFFERS] = {&f->x,       &f->y,    &f->weight, &f->mean, &f->square,
                                   &f->product, &f->left, &f->right,  &f->best, &f->row};
    memcpy(out, all, sizeof all);
}

static affect_status allocate(fit *f) {
    size_t n = f->clips->count, p = f->features, w = f->width, folds = FOLDS + 1;
    const size_t size[BUFFERS] = {
        n * p, n * w, f->clips->vocabulary, p + w, folds * p * p, folds * p * w,
        p * p, p * w, folds * p * w,        w};
    double **buffer[BUFFERS];
    list_buffers(f, buffer);
    for (size_t i = 0; i < BUFFERS; i++)
        if (!(*buffer[i] = base_calloc(size[i] + 1, sizeof **buffer[i])))
            return base_fail_memory(f->network->ctx);
    f->fold = base_calloc(n + 1, sizeof *f->fold);
    f->network->maps = base_calloc(FOLDS * p * w + 1, sizeof(float));
    return f->fold && f->network->maps ? AFFECT_OK : base_fail_memory(f->network->ctx);
}

static void clear(fit *f) {
    double **buffer[BUFFERS];
    list_buffers(f, buffer);
    for (size_t i = 0; i < BUFFERS; i++) base_free(*buffer[i]);
    base_free(f->fold);
    nn_tape_destroy(f->tape);
}

/* ---- which clips stay together ---- */

/* Participants in turn; where there is but one, clips in turn. */
static affect_status deal(fit *f) {
    uint64_t *seen = base_calloc(f->clips->count + 1, sizeof *seen);
    size_t count = 0;
    if (!seen) return base_fail_memory(f->network->ctx);
    for (size_t k = 0; k < f->clips->count; k++) {
        const tune_clip *c = &f->clips->items[k];
        f->fold[k] = FOLDS;
        if (c->split != TUNE_TRAIN) continue;
        size_t i = c->participant ? 0 : count;
        while (i < count && seen[i] != c->participant) i++;
        if (i == count) seen[count++] = c->participant;
        f->fold[k] = (uint8_t)(i % FOLDS);
        f->train++;
    }
    for (size_t k = 0; k < f->clips->count && count < 2; k++)
        if (f->fold[k] < FOLDS) f->fold[k] = (uint8_t)(k % FOLDS);
    base_free(seen);
    return AFFECT_OK;
}

/* ---- x and y ---- */

/* Is it the first of its kind in the answer? */
static bool is_first(const tune_clip *c, size_t i) {
    for (size_t k = c->answer; k < i; k++)
        if (c->tokens[k] == c->tokens[i]) return false;
    return true;
}

static void weigh_tokens(const fit *f) {
    for (size_t k = 0; k < f->clips->count; k++) {
        const tune_clip *c = &f->clips->items[k];
        for (size_t i = c->answer; f->fold[k] < FOLDS && i < c->count; i++)
            f->weight[c->tokens[i]] += is_first(c, i);
    }
    for (size_t v = 0; v < f->clips->vocabulary; v++)
        f->weight[v] = f->weight[v] > 0 ? log((double)f->train / f->weight[v]) : 0;
}

static affect_status describe(fit *f, size_t k) {
    const tune_clip *c = &f->clips->items[k];
    double *x = f->x + k * f->features, *y = f->y + k * f->width;
    size_t t = c->count - c->answer;
    for (size_t s = 0; s < f->clips->streams; s++)
        for (size_t j = 0; j < c->steps[s] * f->clips->features[s]; j++)
            x[f->at[s] + j % f->clips->features[s]] += (double)c->rows[s][j] / (double)c->steps[s];
    nn_tape_begin(f->tape, false, 0, NULL);
    const nn_tensor *e =
        nn_decoder_embed(f->network->decoder, f->tape, c->tokens + c->answer, NN_SHAPE(1, t), NULL);
    if (!e) return nn_tape_status(f->tape);
    for (size_t i = 0; i < t; i++) {
        const nn_real *row = e->data + i * f->width;
        double weight = is_first(c, c->answer + i) ? f->weight[c->tokens[c->answer + i]] : 0;
        for (size_t j = 0; j < f->width; j++) {
            y[j] += weight * (double)row[j];
            f->size += (double)row[j] * (double)row[j];
        }
    }
    f->count += (double)(t * f->width);
    return AFFECT_OK;
}

/* Takes the training clips' means away; a stream that is absent stays at 0. */
static void centre(const fit *f) {
    size_t p = f->features, w = f->width, n = f->clips->count;
    double *mean = f->mean + p;
    for (size_t k = 0; k < n; k++)
        for (size_t j = 0; f->fold[k] < FOLDS && j < w; j++)
            mean[j] += f->y[k * w + j] / (double)f->train;
    for (size_t k = 0; k < n; k++)
        for (size_t j = 0; j < w; j++) f->y[k * w + j] -= mean[j];
    for (size_t s = 0; s < f->clips->streams; s++) {
        size_t from = f->at[s], to = from + f->clips->features[s], there = 0;
        for (size_t k = 0; k < n; k++) {
            if (f->fold[k] == FOLDS || !f->clips->items[k].steps[s]) continue;
            there++;
            for (size_t j = from; j < to; j++) f->mean[j] += f->x[k * p + j];
        }
        for (size_t j = from; j < to; j++) f->mean[j] /= (double)BASE_MAX(there, (size_t)1);
        for (size_t k = 0; k < n; k++)
            for (size_t j = from; f->clips->items[k].steps[s] && j < to; j++)
                f->x[k * p + j] -= f->mean[j];
    }
}

static void sum_products(const fit *f) {
    size_t p = f->features, w = f->width;
    for (size_t k = 0; k < f->clips->count; k++) {
        if (f->fold[k] == FOLDS) continue;
        const double *x = f->x + k * p, *y = f->y + k * w;
        double *square = f->square + f->fold[k] * p * p, *product = f->product + f->fold[k] * p * w;
        for (size_t i = 0; i < p; i++) {
            if (x[i] == 0) continue;
            for (size_t j = 0; j <= i; j++) square[i * p + j] += x[i] * x[j];
            for (size_t j = 0; j < w; j++) product[i * w + j] += x[i] * y[j];
        }
    }
    for (size_t g = 0; g < FOLDS; g++) {
        for (size_t i = 0; i < p * p; i++) f->square[FOLDS * p * p + i] += f->square[g * p * p + i];
        for (size_t i = 0; i < p * w; i++)
            f->product[FOLDS * p * w + i] += f->product[g * p * w + i];
    }
}

/* ---- the maps ---- */

/* right = (square + penalty)^-1 product of all but a fold (FOLDS: of all), by Cholesky's factor. */
static void solve(const fit *f, size_t fold, double penalty) {
    size_t p = f->features, w = f->width;
    double *l = f->left, *b = f->right;
    const double *square = f->square + FOLDS * p * p, *product = f->product + FOLDS * p * w;
    for (size_t i = 0; i < p * p; i++)
        l[i] = square[i] - (fold < FOLDS ? f->square[fold * p * p + i] : 0);
    for (size_t i = 0; i < p * w; i++)
        b[i] = product[i] - (fold < FOLDS ? f->product[fold * p * w + i] : 0);
    for (size_t i = 0; i < p; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = l[i * p + j] + (i == j ? penalty : 0);
            for (size_t k = 0; k < j; k++) sum -= l[i * p + k] * l[j * p + k];
            l[i * p + j] = i == j ? sqrt(fmax(sum, 1e-12)) : sum / l[j * p + j];
        }
        for (size_t k = 0; k < i; k++)
            for (size_t j = 0; j < w; j++) b[i * w + j] -= l[i * p + k] * b[k * w + j];
        for (size_t j = 0; j < w; j++) b[i * w + j] /= l[i * p + i];
    }
    for (size_t i = p; i-- > 0;) {
        for (size_t k = i + 1; k < p; k++)
            for (size_t j = 0; j < w; j++) b[i * w + j] -= l[k * p + i] * b[k * w + j];
        for (size_t j = 0; j < w; j++) b[i * w + j] /= l[i * p + i];
    }
}

/* What a map says of a clip, added up over its streams, in f->row. */
static void predict(const fit *f, const double *map, size_t k) {
    memset(f->row, 0, f->width * sizeof *f->row);
    for (size_t i = 0; i < f->features; i++) {
        double x = f->x[k * f->features + i];
        for (size_t j = 0; x != 0 && j < f->width; j++) f->row[j] += x * map[i * f->width + j];
    }
}

/* The maps of the penalty with the least error on what they were not fitted to. */
static affect_status choose(const fit *f) {
    size_t size = f->features * f->width;
    double least = INFINITY, chosen = 0;
    for (size_t i = 0; i < BASE_COUNT(penalties); i++) {
        double error = 0, penalty = penalties[i] * (double)f->train;
        for (size_t g = 0; g < FOLDS; g++) {
            if (affect_context_cancelled(f->network->ctx))
                return base_fail(f->network->ctx, AFFECT_ERROR_CANCELLED, "interrupted");
            solve(f, g, penalty);
            for (size_t k = 0; k < f->clips->count; k++) {
                if (f->fold[k] != g) continue;
                predict(f, f->right, k);
                for (size_t j = 0; j < f->width; j++) {
                    double miss = f->row[j] - f->y[k * f->width + j];
                    error += miss * miss;
                }
            }
        }
        if (error < least) chosen = penalty;
        least = fmin(least, error);
    }
    for (size_t g = 0; g <= FOLDS; g++) {
        solve(f, g, chosen);
        memcpy(f->best + g * size, f->right, size * sizeof *f->best);
    }
    return AFFECT_OK;
}

/* A stream's part of a map as numbers [features, width]. */
static void put_map(const fit *f, size_t s, const double *map, double scale, float *out) {
    for (size_t i = 0; i < f->clips->features[s] * f->width; i++)
        out[i] = (float)(scale * map[f->at[s] * f->width + i]);
}

static void set(const fit *f) {
    size_t size = f->features * f->width;
    double sum = 0;
    for (size_t k = 0; k < f->clips->count; k++) {
        if (f->fold[k] == FOLDS) continue;
        predict(f, f->best + FOLDS * size, k);
        for (size_t j = 0; j < f->width; j++) sum += f->row[j] * f->row[j];
    }
    sum /= (double)(f->train * f->width);
    double scale = sum > 0 ? sqrt(f->size / f->count / sum) : 1;
    nn_params *params = f->network->params;
    float *at = f->network->maps;
    for (size_t s = 0; s < f->clips->streams; s++) {
        int w = nn_projector_map(f->network->projector[s]);
        params->items[w].frozen = true;
        put_map(f, s, f->best + FOLDS * size, scale, nn_param_value(params, w));
        for (size_t g = 0; g < FOLDS; g++) {
            put_map(f, s, f->best + g * size, scale, at);
            for (size_t k = 0; k < f->clips->count; k++)
                if (f->fold[k] == g) f->clips->items[k].map[s] = at;
            at += f->clips->features[s] * f->width;
        }
    }
}

affect_status tune_network_fit(tune_network *network, tune_clips *clips) {
    fit f = {
        .network = network, .clips = clips, .width = nn_decoder_get_shape(network->decoder)->width};
    for (size_t s = 0; s < clips->streams; s++) {
        f.at[s] = f.features;
        f.features += clips->features[s];
    }
    if (!f.features) return AFFECT_OK;
    if (f.features > MOST_FEATURES)
        return base_fail(network->ctx, AFFECT_ERROR_LIMIT,
                         "streams of %zu numbers are too many for projectors of the kind ridge: up "
                         "to %d",
                         f.features, MOST_FEATURES);
    affect_status status = allocate(&f);
    if (!status) status = nn_tape_create(network->ctx, network->params, &f.tape);
    if (!status) status = deal(&f);
    if (!status) weigh_tokens(&f);
    for (size_t k = 0; !status && k < clips->count; k++) status = describe(&f, k);
    if (!status) {
        centre(&f);
        sum_products(&f);
        status = choose(&f);
    }
    if (!status) set(&f);
    clear(&f);
    return status;
}
