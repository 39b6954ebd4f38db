/* The front ends beside each other. */
#include "voice/summary.h"

#include <math.h>
#include <string.h>

#include "voice/descriptors.h"

enum { BANDS = VOICE_SUMMARY_BANDS };

struct voice_summary {
    affect_context *ctx;
    voice_egemaps *egemaps;
    voice_embedding *embedding;
    voice_log_mel *mel;
    float *samples, *rows, *frames;
    size_t sample_capacity, row_capacity, frame_capacity;
};

affect_status voice_summary_create(affect_context *ctx, voice_summary **out) {
    *out = NULL;
    voice_summary *s = base_calloc(1, sizeof *s);
    if (!s) return base_fail_memory(ctx);
    s->ctx = ctx;
    voice_log_mel_options mel = voice_log_mel_network(BANDS, .02);
    affect_status status = voice_embedding_create(ctx, NULL, &s->embedding);
    if (status == AFFECT_OK) status = voice_egemaps_create(ctx, VOICE_SUMMARY_RATE, &s->egemaps);
    if (status == AFFECT_OK) status = voice_log_mel_create(ctx, &mel, &s->mel);
    if (status != AFFECT_OK) {
        voice_summary_destroy(s);
        return status;
    }
    *out = s;
    return AFFECT_OK;
}

void voice_summary_destroy(voice_summary *s) {
    if (!s) return;
    voice_egemaps_destroy(s->egemaps);
    voice_embedding_destroy(s->embedding);
    voice_log_mel_destroy(s->mel);
    base_free(s->samples);
    base_free(s->rows);
    base_free(s->frames);
    base_free(s);
}

/* Mean, then deviation, of each column. */
static void moments(const float *rows, size_t count, size_t width, float *out) {
    for (size_t k = 0; k < width; k++) {
        double sum = 0, square = 0;
        for (size_t r = 0; r < count; r++) {
            double x = (double)rows[r * width + k];
            sum += x;
            square += x * x;
        }
        double mean = sum / (double)count;
        out[k] = (float)mean;
        out[width + k] = (float)sqrt(fmax(square / (double)count - mean * mean, 0));
    }
}

static affect_status embed(voice_summary *s, const float *samples, size_t count, float *out) {
    /* A stretch shorter than a window stands in the middle of one. */
    size_t whole = BASE_MAX(count, (size_t)VOICE_EMBEDDING_WINDOW), before = (whole - count) / 2;
    if (!base_grow((void **)&s->samples, &s->sample_capacity, 2 * whole, sizeof *s->samples))
        return base_fail_memory(s->ctx);
    if (before) {
        float *padded = s->samples + whole;
        memset(padded, 0, whole * sizeof *padded);
        memcpy(padded + before, samples, count * sizeof *padded);
        samples = padded;
    }
    size_t rows = voice_embedding_rows(whole);
    if (!base_grow((void **)&s->rows, &s->row_capacity, rows * VOICE_EMBEDDING_WIDTH,
                   sizeof *s->rows))
        return base_fail_memory(s->ctx);
    affect_status status = voice_embedding_compute(s->embedding, samples, whole, s->rows);
    if (status == AFFECT_OK) moments(s->rows, rows, VOICE_EMBEDDING_WIDTH, out);
    return status;
}

/* Mean, deviation, and the usual change from step to step. */
static affect_status describe_mel(voice_summary *s, const float *samples, size_t count,
                                  float *out) {
    size_t rows = voice_log_mel_frames(s->mel, count);
    if (rows < 8) return AFFECT_OK;
    if (!base_grow((void **)&s->frames, &s->frame_capacity, rows * BANDS, sizeof *s->frames))
        return base_fail_memory(s->ctx);
    affect_status status = voice_log_mel_compute(s->ctx, s->mel, samples, count, s->frames);
    if (status != AFFECT_OK) return status;
    float top = -INFINITY;
    for (size_t i = 0; i < rows * BANDS; i++) top = fmaxf(top, s->frames[i]);
    /* What is 60 dB down is as good as silent, whatever lies there. */
    for (size_t i = 0; i < rows * BANDS; i++) s->frames[i] = fmaxf(s->frames[i], top - 13.8F);
    moments(s->frames, rows, BANDS, out);
    for (size_t b = 0; b < BANDS; b++) {
        double change = 0;
        for (size_t r = 1; r < rows; r++) {
            double d = (double)(s->frames[r * BANDS + b] - s->frames[(r - 1) * BANDS + b]);
            change += d * d;
        }
        out[2 * BANDS + b] = (float)sqrt(change / (double)(rows - 1));
    }
    return AFFECT_OK;
}

affect_status voice_summary_describe(voice_summary *s, const float *samples, size_t count,
                                     float out[VOICE_SUMMARY_WIDTH]) {
    const double level = -26; /* dB below full scale: the mean of what is not a pause */
    for (size_t k = 0; k < VOICE_SUMMARY_WIDTH; k++) out[k] = NAN;
    enum { BLOCK = VOICE_SUMMARY_RATE / 50 };
    double loudest = 0, sum = 0, blocks = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i + BLOCK <= count; i += BLOCK) {
            double power = 0;
            for (size_t k = 0; k < BLOCK; k++)
                power += (double)samples[i + k] * (double)samples[i + k];
            if (!isfinite(power))
                return base_fail(s->ctx, AFFECT_ERROR_FORMAT, "a sample is not finite");
            if (pass == 0)
                loudest = fmax(loudest, power);
            else if (power >= 1e-3 * loudest)
                sum += power, blocks++;
        }
    if (!(loudest > 0)) return AFFECT_OK;
    double heard = 10 * log10(sum / (blocks * BLOCK));
    float gain = (float)pow(10, (level - heard) / 20);
    size_t room = BASE_MAX(count, (size_t)VOICE_EMBEDDING_WINDOW);
    if (!base_grow((void **)&s->samples, &s->sample_capacity, 2 * room, sizeof *s->samples))
        return base_fail_memory(s->ctx);
    float *x = s->samples;
    for (size_t i = 0; i < count; i++) x[i] = gain * samples[i];
    affect_status status = voice_egemaps_describe(s->egemaps, x, count, out);
    if (status == AFFECT_OK) status = embed(s, x, count, out + VOICE_SUMMARY_EMBEDDING);
    if (status == AFFECT_OK) status = describe_mel(s, x, count, out + VOICE_SUMMARY_MEL);
    out[VOICE_SUMMARY_LEVEL] = (float)heard;
    return status;
}

float voice_against(float x, float usual, float spread, double weight, double sum, double square) {
    double all = VOICE_BORROWED + weight, u = (double)usual, s = (double)spread;
    double mean = (VOICE_BORROWED * u + sum) / all;
    double variance = (VOICE_BORROWED * (s * s + u * u) + square) / all - mean * mean;
    return variance > 0 ? (float)(((double)x - mean) / sqrt(variance)) : 0;
}
