/* The descriptor stream: cuts samples into frames, runs the kernels on eight frames at a time, lets
 * the pitch path decide, then adds what depends on the decided pitch. */
#include "voice/descriptors.h"

#include <math.h>
#include <string.h>

#include "voice/tracking.h"

enum {
    FRAME_RING = 64, /* frames between analysis and decision: PITCH_LAG + VOICE_LANES, and room */
    BLOCK_RING = FRAME_RING / VOICE_LANES
};
_Static_assert(FRAME_RING >= PITCH_LAG + 2 * VOICE_LANES, "undecided frames must fit");

/* openSMILE divides 16-bit samples by 32767, everything else by 32768. */
static const float SAMPLE_SCALE = 32768.0f / 32767.0f;
static const float LEAST_RMS = 0.001f; /* quieter frames are unvoiced */

struct voice_descriptors {
    affect_context *ctx;
    voice_plan *plan;
    const voice_kernels *kernels;
    /* samples[0] is sample `start` of the recording */
    float *samples;
    size_t start, count, capacity;
    size_t analysed, given, decided; /* frames */
    bool finished;
    voice_pitch_path path;
    voice_pitch_periods periods;
    voice_frame ring[FRAME_RING];
    float candidate[FRAME_RING][VOICE_CANDIDATES];
    float *magnitude[BLOCK_RING]; /* of the long frames */
    float *previous;              /* magnitudes of the last short frame */
    void *scratch;
    float *correlation;
    voice_frame *out;
    size_t out_count, out_capacity;
};

affect_status voice_descriptors_create(affect_context *ctx, int sample_rate,
                                       voice_descriptors **out) {
    *out = NULL;
    voice_plan *plan;
    affect_status status = voice_plan_create(ctx, sample_rate, &plan);
    if (status != AFFECT_OK) return status;
    voice_descriptors *s = base_calloc(1, sizeof *s);
    if (!s) {
        voice_plan_destroy(plan);
        return base_fail_memory(ctx);
    }
    s->ctx = ctx;
    s->plan = plan;
    s->kernels = voice_kernels_get(NULL);
    s->scratch = base_alloc_aligned(64, voice_scratch_size(plan));
    s->previous = base_alloc(plan->short_bins * sizeof *s->previous);
    s->correlation = base_alloc(2 * plan->long_fft.size * sizeof *s->correlation);
    bool good = s->scratch && s->previous && s->correlation;
    for (int b = 0; b < BLOCK_RING; b++) {
        s->magnitude[b] =
            base_alloc_aligned(64, plan->long_bins * VOICE_LANES * sizeof *s->magnitude[b]);
        good &= s->magnitude[b] != NULL;
    }
    if (!good) {
        voice_descriptors_destroy(s);
        return base_fail_memory(ctx);
    }
    voice_descriptors_reset(s);
    *out = s;
    return AFFECT_OK;
}

void voice_descriptors_reset(voice_descriptors *s) {
    s->start = s->count = s->analysed = s->given = s->decided = s->out_count = 0;
    s->finished = false;
    voice_pitch_path_reset(&s->path);
    voice_pitch_periods_reset(&s->periods);
}

void voice_descriptors_destroy(voice_descriptors *s) {
    if (!s) return;
    for (int b = 0; b < BLOCK_RING; b++) base_free(s->magnitude[b]);
    base_free(s->scratch);
    base_free(s->previous);
    base_free(s->correlation);
    base_free(s->samples);
    base_free(s->out);
    voice_plan_destroy(s->plan);
    base_free(s);
}

double voice_descriptors_period(const voice_descriptors *s) {
    return (double)s->plan->step / (double)s->plan->sample_rate;
}

size_t voice_descriptors_decided(const voice_descriptors *s) { return s->decided; }

static const float *samples_at(const voice_descriptors *s, size_t sample) {
    return s->samples + (sample - s->start);
}

/* ---- out ---- */

static affect_status give(voice_descriptors *s, const voice_frame *frame) {
    if (!base_grow((void **)&s->out, &s->out_capacity, s->out_count + 1, sizeof *s->out))
        return base_fail_memory(s->ctx);
    s->out[s->out_count++] = *frame;
    s->given++;
    return AFFECT_OK;
}

/* Completes frame n, whose pitch has been decided, and gives it out. */
static affect_status complete(voice_descriptors *s, size_t n) {
    const voice_plan *plan = s->plan;
    voice_frame *frame = &s->ring[n % FRAME_RING];
    int state = voice_pitch_path_state(&s->path, n);
    frame->complete = true;
    frame->f0 = state < VOICE_CANDIDATES && frame->rms > LEAST_RMS
                    ? s->candidate[n % FRAME_RING][state]
                    : 0.0f;
    size_t first = n * plan->step;
    voice_pitch_periods_frame(&s->periods, plan, s->kernels, samples_at(s, s->periods.position),
                              frame->f0, &frame->jitter, &frame->shimmer_db);
    frame->hnr_db =
        voice_harmonics_noise(plan, s->kernels, samples_at(s, first), frame->f0, s->correlation);
    voice_harmonics_levels(plan, s->magnitude[n / VOICE_LANES % BLOCK_RING] + n % VOICE_LANES,
                           frame->f0, frame->formant, &frame->h1_h2, &frame->h1_a3,
                           frame->formant_level);
    return give(s, frame);
}

static affect_status complete_decided(voice_descriptors *s) {
    while (s->given < s->path.decided) {
        affect_status status = complete(s, s->given);
        if (status != AFFECT_OK) return status;
    }
    return AFFECT_OK;
}

/* ---- in ---- */

static void store_short(voice_frame *frame, const voice_block *b, size_t l) {
    frame->energy = b->energy[l];
    frame->loudness = b->loudness[l];
    frame->alpha_ratio = b->alpha[l];
    frame->hammarberg = b->hammarberg[l];
    frame->flux = b->flux[l];
    for (int i = 0; i < 2; i++) frame->slope[i] = b->slope[i][l];
    for (int i = 0; i < VOICE_MFCC; i++) frame->mfcc[i] = b->mfcc[i][l];
    for (int i = 0; i < VOICE_FORMANTS; i++) {
        frame->formant[i] = b->formant[i][l];
        frame->bandwidth[i] = b->bandwidth[i][l];
    }
}

/* Analyses the block that begins at frame `analysed`: long_count frames have their 60 ms. */
static affect_status analyse(voice_descriptors *s, size_t long_count, size_t short_count) {
    const voice_plan *plan = s->plan;
    voice_block block;
    size_t first = s->analysed;
    const float *samples = samples_at(s, first * plan->step);
    float *magnitude = s->magnitude[first / VOICE_LANES % BLOCK_RING];
    if (long_count)
        s->kernels->long_frames(plan, samples, long_count, s->scratch, magnitude, &block);
    s->kernels->short_frames(plan, samples, short_count, first == 0, s->previous, s->scratch,
                             &block);
    for (size_t l = 0; l < short_count; l++) {
        size_t n = first + l;
        voice_frame *frame = &s->ring[n % FRAME_RING];
        memset(frame, 0, sizeof *frame);
        frame->index = n;
        store_short(frame, &block, l);
        if (l >= long_count) continue;
        frame->rms = block.rms[l];
        frame->voicing = block.voicing[l][0];
        memcpy(s->candidate[n % FRAME_RING], block.f0[l], sizeof block.f0[l]);
        voice_pitch_path_push(&s->path, block.f0[l], block.voicing[l]);
        affect_status status = complete_decided(s);
        if (status != AFFECT_OK) return status;
    }
    s->analysed += short_count;
    return AFFECT_OK;
}

static size_t whole_frames(size_t samples, size_t size, size_t step) {
    return samples < size ? 0 : (samples - size) / step + 1;
}

/* Drops samples that no frame needs any more. */
static void forget(voice_descriptors *s) {
    size_t needed = BASE_MIN(s->periods.position, s->given * s->plan->step);
    if (needed <= s->start || needed - s->start < s->count / 2) return;
    size_t drop = BASE_MIN(needed - s->start, s->count);
    memmove(s->samples, s->samples + drop, (s->count - drop) * sizeof *s->samples);
    s->start += drop;
    s->count -= drop;
}

affect_status voice_descriptors_push(voice_descriptors *s, const float *samples, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(samples[i]))
            return base_fail(s->ctx, AFFECT_ERROR_FORMAT,
                             "sample %zu is not a finite number: the recording is damaged",
                             s->start + s->count + i);
    const voice_plan *plan = s->plan;
    s->out_count = 0;
    /* In slices, so that memory stays flat however much is pushed at once. */
    size_t slice = 64 * plan->step;
    for (size_t done = 0; done < count;) {
        size_t n = BASE_MIN(slice, count - done);
        if (!base_grow((void **)&s->samples, &s->capacity, s->count + n, sizeof *s->samples))
            return base_fail_memory(s->ctx);
        for (size_t i = 0; i < n; i++) s->samples[s->count + i] = samples[done + i] * SAMPLE_SCALE;
        s->count += n;
        done += n;
        size_t ready = whole_frames(s->start + s->count, plan->long_size, plan->step);
        while (s->analysed + VOICE_LANES <= ready) {
            affect_status status = analyse(s, VOICE_LANES, VOICE_LANES);
            if (status != AFFECT_OK) return status;
        }
        forget(s);
    }
    return AFFECT_OK;
}

affect_status voice_descriptors_finish(voice_descriptors *s) {
    s->out_count = 0;
    if (s->finished) return AFFECT_OK;
    s->finished = true;
    const voice_plan *plan = s->plan;
    size_t samples = s->start + s->count;
    size_t long_frames = whole_frames(samples, plan->long_size, plan->step);
    size_t short_frames = whole_frames(samples, plan->short_size, plan->step);
    affect_status status = AFFECT_OK;
    while (s->analysed < short_frames && status == AFFECT_OK) {
        size_t long_left = long_frames > s->analysed ? long_frames - s->analysed : 0;
        status = analyse(s, BASE_MIN(long_left, (size_t)VOICE_LANES),
                         BASE_MIN(short_frames - s->analysed, (size_t)VOICE_LANES));
    }
    if (status != AFFECT_OK) return status;
    s->decided = s->path.decided;
    voice_pitch_path_finish(&s->path);
    status = complete_decided(s);
    for (size_t n = long_frames; n < short_frames && status == AFFECT_OK; n++)
        status = give(s, &s->ring[n % FRAME_RING]);
    return status;
}

const voice_frame *voice_descriptors_take(voice_descriptors *s, size_t *count) {
    *count = s->out_count;
    s->out_count = 0;
    return s->out;
}

/* ---- prosody ---- */

const char *const voice_prosody_channels[VOICE_PROSODY_CHANNELS] = {
    "f0_hz",  "voicing",       "energy_db",      "loudness", "jitter", "shimmer_db",
    "hnr_db", "spectral_flux", "alpha_ratio_db", "f1_hz",    "f2_hz",  "f3_hz"};

void voice_prosody_row(const voice_frame *f, float row[VOICE_PROSODY_CHANNELS]) {
    bool voiced = f->f0 > 0.0f;
    row[0] = voiced ? f->f0 : NAN;
    row[1] = f->voicing;
    row[2] = (float)(10.0 * log10((double)f->energy + 1e-10));
    row[3] = f->loudness;
    row[4] = voiced ? f->jitter : NAN;
    row[5] = voiced ? f->shimmer_db : NAN;
    row[6] = voiced ? f->hnr_db : NAN;
    row[7] = f->flux;
    row[8] = f->alpha_ratio;
    for (int i = 0; i < VOICE_FORMANTS; i++)
        row[9 + i] = f->formant[i] > 0.0f ? f->formant[i] : NAN;
}
