/* Mel spectrogram, twenty convolutions, five poolings. Data lie as [time][band][channel]; each
 * convolution is a few matrix products over rows that overlap in memory, so nothing is gathered. */
#include "voice/embedding.h"

#include <math.h>
#include <string.h>

#include "model/model.h"
#include "nn/kernels.h"
#include "nn/safetensors.h"
#include "voice/kernels.h"

enum {
    BANDS = 32,
    FRAME = 512, /* what a frame is counted as; its window lies in the middle */
    WINDOW = 400,
    STEP = 160,
    BINS = FRAME / 2 + 1,
    LAYERS = 20,
    CONTEXT = 76, /* frames behind one row */
    HOP = 8       /* frames from row to row */
};

/* Kernel over time and bands, channels out, and the pooling that follows (0 = none). */
static const struct layer_shape {
    size_t time, bands, out, pool_time, pool_bands;
} shapes[LAYERS] = {
    {3, 3, 24, 0, 0}, {1, 3, 24, 0, 0}, {3, 1, 24, 2, 2}, {1, 3, 48, 0, 0}, {3, 1, 48, 0, 0},
    {1, 3, 48, 0, 0}, {3, 1, 48, 1, 2}, {1, 3, 72, 0, 0}, {3, 1, 72, 0, 0}, {1, 3, 72, 0, 0},
    {3, 1, 72, 2, 2}, {1, 3, 96, 0, 0}, {3, 1, 96, 0, 0}, {1, 3, 96, 0, 0}, {3, 1, 96, 1, 2},
    {1, 3, 96, 0, 0}, {3, 1, 96, 0, 0}, {1, 3, 96, 0, 0}, {3, 1, 96, 2, 2}, {3, 1, 96, 0, 0},
};

typedef struct layer {
    float *packed[3]; /* a tap of time each: [bands x in][out] */
    float *bias;      /* NULL: none, and no activation */
    size_t in;
} layer;

typedef struct buffer {
    float *items;
    size_t capacity;
} buffer;

struct voice_embedding {
    affect_context *ctx;
    const voice_kernels *kernels;
    voice_fft fft;
    voice_mel mel;
    float gain[BANDS]; /* ln of what makes a filter's area 1, and of samples as 16-bit integers */
    float window[WINDOW];
    layer layers[LAYERS];
    buffer data, padded, made;
    void *scratch; /* of the mel spectrogram */
};

/* Slaney's scale (Auditory Toolbox): linear up to 1 kHz, then logarithmic. */
static double hz_of(double mel) {
    return mel < 15 ? 200. / 3 * mel : 1000 * exp(log(6.4) / 27 * (mel - 15));
}
static double mel_of(double hz) {
    return hz < 1000 ? hz * 3 / 200 : 15 + log(hz / 1000) * 27 / log(6.4);
}

static bool make_mel(voice_embedding *e) {
    const double low = mel_of(60), high = mel_of(3800), bin = VOICE_EMBEDDING_RATE / (double)FRAME;
    double edge[BANDS + 2];
    for (size_t i = 0; i < BANDS + 2; i++)
        edge[i] = hz_of(low + (high - low) * (double)i / (BANDS + 1));
    e->mel = (voice_mel){.bands = BANDS,
                         .first_bin = (size_t)ceil(edge[0] / bin),
                         .end_bin = (size_t)ceil(edge[BANDS + 1] / bin),
                         .band = base_calloc(BINS, sizeof *e->mel.band),
                         .weight = base_calloc(BINS, sizeof *e->mel.weight)};
    if (!e->mel.band || !e->mel.weight) return false;
    for (size_t k = e->mel.first_bin, m = 0; k < e->mel.end_bin; k++) {
        while ((double)k * bin >= edge[m + 1]) m++;
        e->mel.band[k] = (int)m - 1;
        e->mel.weight[k] = (float)((edge[m + 1] - (double)k * bin) / (edge[m + 1] - edge[m]));
    }
    for (size_t b = 0; b < BANDS; b++)
        e->gain[b] = (float)(log(2 / (edge[b + 2] - edge[b])) + 2 * log(32768));
    for (size_t i = 0; i < WINDOW; i++)
        e->window[i] = (float)(0.5 - 0.5 * cos(6.283185307179586 * (double)i / WINDOW));
    return true;
}

static affect_status bad_tensor(affect_context *ctx, const char *path, const char *name,
                                nn_shape shape) {
    char text[96];
    return base_fail(ctx, AFFECT_ERROR_MODEL, "%s: %s is %s, which this network has no place for",
                     path, name, nn_shape_text(shape, text));
}

/* The tensors of layer i: "...conv2d[_i]/...". */
static affect_status load_layer(voice_embedding *e, const nn_file *file, const char *path, size_t i,
                                size_t in) {
    const struct layer_shape *s = &shapes[i];
    layer *l = &e->layers[i];
    char stem[32];
    if (i)
        snprintf(stem, sizeof stem, "model/conv2d_%zu/", i);
    else
        snprintf(stem, sizeof stem, "model/conv2d/");
    l->in = in;
    size_t depth = s->bands * in;
    for (size_t t = 0; t < nn_file_count(file); t++) {
        const char *name = nn_file_name(file, t);
        nn_shape shape = nn_file_shape(file, t);
        if (!base_starts_with(name, stem)) continue;
        size_t count = nn_shape_count(shape);
        bool bias = shape.rank == 1 && count == s->out;
        if (!bias && !nn_shape_equal(shape, NN_SHAPE(s->out, in, s->time, s->bands)))
            return bad_tensor(e->ctx, path, name, shape);
        float *values = base_alloc((count + depth * s->out) * sizeof *values);
        if (!values) return base_fail_memory(e->ctx);
        affect_status status = nn_file_read(e->ctx, file, t, values, count);
        if (status != AFFECT_OK || bias) {
            base_free(l->bias);
            l->bias = values;
            if (status != AFFECT_OK) return status;
            continue;
        }
        float *tap = values + count; /* [bands][in][out] */
        for (size_t k = 0; k < s->time; k++) {
            for (size_t o = 0; o < s->out; o++)
                for (size_t c = 0; c < in; c++)
                    for (size_t b = 0; b < s->bands; b++)
                        tap[(b * in + c) * s->out + o] =
                            values[((o * in + c) * s->time + k) * s->bands + b];
            base_free(l->packed[k]);
            l->packed[k] =
                base_alloc_aligned(64, nn_packed_size(depth, s->out) * sizeof *l->packed[k]);
            if (!l->packed[k]) break;
            nn_pack(tap, depth, s->out, s->out, false, l->packed[k]);
        }
        base_free(values);
        if (!l->packed[s->time - 1]) return base_fail_memory(e->ctx);
    }
    if (!l->packed[0] || (!l->bias && i + 1 < LAYERS))
        return base_fail(e->ctx, AFFECT_ERROR_MODEL, "%s: has no weights %s...", path, stem);
    return AFFECT_OK;
}

affect_status voice_embedding_create(affect_context *ctx, const char *model,
                                     voice_embedding **out) {
    *out = NULL;
    model_card *card = NULL;
    nn_file *file = NULL;
    char *path = NULL;
    voice_embedding *e = base_calloc(1, sizeof *e);
    if (!e) return base_fail_memory(ctx);
    e->ctx = ctx;
    e->kernels = voice_kernels_get(NULL);
    affect_status status = model_card_load(ctx, model ? model : "voice.embedding", false, &card);
    if (status == AFFECT_OK && !(path = model_card_path(card, card->files[0].name)))
        status = base_fail_memory(ctx);
    if (status == AFFECT_OK) status = nn_file_open(ctx, path, &file);
    if (status == AFFECT_ERROR_FORMAT || status == AFFECT_ERROR_NOT_FOUND)
        status = AFFECT_ERROR_MODEL; /* the text stays */
    for (size_t i = 0, in = 1; status == AFFECT_OK && i < LAYERS; in = shapes[i++].out)
        status = load_layer(e, file, path, i, in);
    e->scratch = base_alloc_aligned(64, 4 * (FRAME + 4) * VOICE_LANES * sizeof(float));
    if (status == AFFECT_OK && (!make_mel(e) || !voice_fft_init(&e->fft, FRAME) || !e->scratch))
        status = base_fail_memory(ctx);
    nn_file_close(file);
    base_free(path);
    model_card_destroy(card);
    if (status != AFFECT_OK) {
        voice_embedding_destroy(e);
        return status;
    }
    *out = e;
    return AFFECT_OK;
}

void voice_embedding_destroy(voice_embedding *e) {
    if (!e) return;
    for (size_t i = 0; i < LAYERS; i++) {
        for (size_t k = 0; k < 3; k++) base_free(e->layers[i].packed[k]);
        base_free(e->layers[i].bias);
    }
    base_free(e->data.items);
    base_free(e->padded.items);
    base_free(e->made.items);
    base_free(e->scratch);
    voice_fft_destroy(&e->fft);
    voice_mel_destroy(&e->mel);
    base_free(e);
}

static size_t frames_of(size_t count) { return count < FRAME ? 0 : (count - FRAME) / STEP + 1; }

size_t voice_embedding_rows(size_t count) {
    size_t frames = frames_of(count);
    return frames < CONTEXT ? 0 : (frames - CONTEXT) / HOP + 1;
}

static bool room(buffer *b, size_t count) {
    return base_grow((void **)&b->items, &b->capacity, count, sizeof *b->items);
}

/* Decibels over ten, and two: what the network was trained on. */
static void scale_mel(const voice_embedding *e, float *x, size_t frames) {
    const float decibels = 4.342944819F, floor = 1e-10F;
    float top = -INFINITY;
    for (size_t i = 0; i < frames * BANDS; i++) {
        x[i] = decibels * fmaxf(x[i] + e->gain[i % BANDS], logf(floor));
        top = fmaxf(top, x[i]);
    }
    for (size_t i = 0; i < frames * BANDS; i++) x[i] = fmaxf(x[i], top - 80) / 10 + 2;
}

/* A column of zeros before and after the bands. */
static void pad(const float *x, size_t frames, size_t row, size_t channels, float *out) {
    for (size_t t = 0; t < frames; t++, out += row + 2 * channels) {
        memset(out, 0, channels * sizeof *out);
        memcpy(out + channels, x + t * row, row * sizeof *out);
        memset(out + channels + row, 0, channels * sizeof *out);
    }
}

/* Bias, leaky ReLU that stops at -0.4; `used` of every `stride` values are kept. */
static void activate(const layer *l, size_t out, const float *from, size_t frames, size_t used,
                     size_t stride, float *to) {
    for (size_t t = 0; t < frames; t++, from += stride, to += used)
        for (size_t i = 0; i < used; i += out)
            for (size_t c = 0; c < out; c++) {
                float x = from[i + c] + l->bias[c];
                to[i + c] = fmaxf(fmaxf(x, 0.2F * x), -0.4F);
            }
}

static void pool(float *x, size_t frames, size_t bands, size_t channels,
                 const struct layer_shape *s) {
    float *out = x; /* never ahead of what is read */
    for (size_t t = 0; t < frames / s->pool_time; t++)
        for (size_t b = 0; b < bands / s->pool_bands; b++, out += channels)
            for (size_t c = 0; c < channels; c++) {
                float most = -INFINITY;
                for (size_t i = 0; i < s->pool_time; i++)
                    for (size_t k = 0; k < s->pool_bands; k++)
                        most = fmaxf(
                            most,
                            x[((t * s->pool_time + i) * bands + b * s->pool_bands + k) * channels +
                              c]);
                out[c] = most;
            }
}

affect_status voice_embedding_compute(voice_embedding *e, const float *samples, size_t count,
                                      float *out) {
    const size_t rows = voice_embedding_rows(count);
    if (!rows) return AFFECT_OK;
    size_t frames = CONTEXT + (rows - 1) * HOP, bands = BANDS;
    /* The widest layers: 24 channels at 32 bands. */
    const size_t most = frames * (BANDS + 2) * 24 + 256;
    if (!room(&e->data, most) || !room(&e->padded, most) || !room(&e->made, most))
        return base_fail_memory(e->ctx);
    float *x = e->data.items, *made = e->made.items;
    for (size_t n = 0; n < frames; n += VOICE_LANES)
        e->kernels->log_mel(&e->fft, e->window, WINDOW, STEP, &e->mel, 1e-37F,
                            samples + n * STEP + (FRAME - WINDOW) / 2,
                            BASE_MIN(frames - n, (size_t)VOICE_LANES), e->scratch, x + n * BANDS,
                            BANDS);
    scale_mel(e, x, frames);
    for (size_t i = 0; i < LAYERS; i++) {
        const struct layer_shape *s = &shapes[i];
        const layer *l = &e->layers[i];
        const float *from = x;
        size_t row = bands * l->in, wide = bands, depth = s->bands * l->in;
        if (s->bands == 3) {
            pad(x, frames, row, l->in, e->padded.items);
            from = e->padded.items;
            row += 2 * l->in;
            wide += 2;
        }
        frames -= s->time - 1;
        /* Products that straddle two frames fall into the two columns that are dropped. */
        size_t products = frames * wide - (wide - bands);
        for (size_t k = 0; k < s->time; k++)
            nn_multiply(products, s->out, depth, from + k * row, l->in, l->packed[k], made, s->out,
                        k > 0);
        if (l->bias)
            activate(l, s->out, made, frames, bands * s->out, wide * s->out, x);
        else
            memcpy(x, made, frames * s->out * sizeof *x);
        if (!s->pool_time) continue;
        pool(x, frames, bands, s->out, s);
        frames /= s->pool_time;
        bands /= s->pool_bands;
    }
    memcpy(out, x, rows * VOICE_EMBEDDING_WIDTH * sizeof *out);
    return AFFECT_OK;
}
