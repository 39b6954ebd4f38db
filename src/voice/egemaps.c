/* eGeMAPS v02 on top of the descriptor stream: smoothing over three frames, voiced and unvoiced
 * regions, functionals. */
#include "voice/egemaps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "voice/contour.h"

/* Columns of the rows that are smoothed, in the order of the descriptor file. */
enum {
    PLAIN = 10,   /* loudness, alpha ratio, Hammarberg, 2 slopes, flux, MFCC 1-4 */
    TRACKED = 15, /* F0, jitter, shimmer, HNR, H1-H2, H1-A3, 3 x (frequency, bandwidth, level) */
    VOICED = 9,   /* plain without loudness, where voiced */
    UNVOICED = 5, /* plain without loudness and MFCC, where unvoiced */
    FORMANTS = 6  /* frequency and bandwidth where voiced */
};

const char *const voice_egemaps_descriptor_names[VOICE_EGEMAPS_DESCRIPTORS] = {
    "Loudness_sma3",
    "alphaRatio_sma3",
    "hammarbergIndex_sma3",
    "slope0-500_sma3",
    "slope500-1500_sma3",
    "spectralFlux_sma3",
    "mfcc1_sma3",
    "mfcc2_sma3",
    "mfcc3_sma3",
    "mfcc4_sma3",
    "F0semitoneFrom27.5Hz_sma3nz",
    "jitterLocal_sma3nz",
    "shimmerLocaldB_sma3nz",
    "HNRdBACF_sma3nz",
    "logRelF0-H1-H2_sma3nz",
    "logRelF0-H1-A3_sma3nz",
    "F1frequency_sma3nz",
    "F1bandwidth_sma3nz",
    "F1amplitudeLogRelF0_sma3nz",
    "F2frequency_sma3nz",
    "F2bandwidth_sma3nz",
    "F2amplitudeLogRelF0_sma3nz",
    "F3frequency_sma3nz",
    "F3bandwidth_sma3nz",
    "F3amplitudeLogRelF0_sma3nz",
};

#define CONTOUR(name)                                                                              \
    name "_amean", name "_stddevNorm", name "_percentile20.0", name "_percentile50.0",             \
        name "_percentile80.0", name "_pctlrange0-2", name "_meanRisingSlope",                     \
        name "_stddevRisingSlope", name "_meanFallingSlope", name "_stddevFallingSlope"
#define MOMENTS(name) name "_amean", name "_stddevNorm"

const char *const voice_egemaps_functional_names[VOICE_EGEMAPS_FUNCTIONALS] = {
    CONTOUR("F0semitoneFrom27.5Hz_sma3nz"),
    CONTOUR("loudness_sma3"),
    MOMENTS("spectralFlux_sma3"),
    MOMENTS("mfcc1_sma3"),
    MOMENTS("mfcc2_sma3"),
    MOMENTS("mfcc3_sma3"),
    MOMENTS("mfcc4_sma3"),
    MOMENTS("jitterLocal_sma3nz"),
    MOMENTS("shimmerLocaldB_sma3nz"),
    MOMENTS("HNRdBACF_sma3nz"),
    MOMENTS("logRelF0-H1-H2_sma3nz"),
    MOMENTS("logRelF0-H1-A3_sma3nz"),
    MOMENTS("F1frequency_sma3nz"),
    MOMENTS("F1bandwidth_sma3nz"),
    MOMENTS("F1amplitudeLogRelF0_sma3nz"),
    MOMENTS("F2frequency_sma3nz"),
    MOMENTS("F2bandwidth_sma3nz"),
    MOMENTS("F2amplitudeLogRelF0_sma3nz"),
    MOMENTS("F3frequency_sma3nz"),
    MOMENTS("F3bandwidth_sma3nz"),
    MOMENTS("F3amplitudeLogRelF0_sma3nz"),
    MOMENTS("alphaRatioV_sma3nz"),
    MOMENTS("hammarbergIndexV_sma3nz"),
    MOMENTS("slopeV0-500_sma3nz"),
    MOMENTS("slopeV500-1500_sma3nz"),
    MOMENTS("spectralFluxV_sma3nz"),
    MOMENTS("mfcc1V_sma3nz"),
    MOMENTS("mfcc2V_sma3nz"),
    MOMENTS("mfcc3V_sma3nz"),
    MOMENTS("mfcc4V_sma3nz"),
    "alphaRatioUV_sma3nz_amean",
    "hammarbergIndexUV_sma3nz_amean",
    "slopeUV0-500_sma3nz_amean",
    "slopeUV500-1500_sma3nz_amean",
    "spectralFluxUV_sma3nz_amean",
    "loudnessPeaksPerSec",
    "VoicedSegmentsPerSec",
    "MeanVoicedSegmentLengthSec",
    "StddevVoicedSegmentLengthSec",
    "MeanUnvoicedSegmentLength",
    "StddevUnvoicedSegmentLength",
    "equivalentSoundLevel_dBp",
};

/* ---- moving average over three rows ---- */

/* Rows before the first and behind the last repeat them; the output has one row more than the
 * input, as the set's smoother gives. */
typedef struct smoother {
    size_t rows;
    float before[TRACKED], last[TRACKED];
} smoother;

static void average(const float *a, const float *b, const float *c, size_t n, bool skip_zeros,
                    float *out) {
    for (size_t i = 0; i < n; i++) {
        if (!skip_zeros) {
            out[i] = (b[i] + a[i] + c[i]) / 3.0f;
        } else if (b[i] == 0.0f) {
            out[i] = 0.0f; /* zero means "nothing there" and neither takes nor gives */
        } else {
            float sum = b[i], count = 1.0f;
            if (a[i] != 0.0f) sum += a[i], count += 1.0f;
            if (c[i] != 0.0f) sum += c[i], count += 1.0f;
            out[i] = sum / count;
        }
    }
}

/* Takes a row; true if a smoothed row came out (not for the first one). */
static bool smooth(smoother *s, const float *row, size_t n, bool skip_zeros, float *out) {
    bool ready = s->rows > 0;
    if (ready) average(s->before, s->last, row, n, skip_zeros, out);
    memcpy(s->before, ready ? s->last : row, n * sizeof *row);
    memcpy(s->last, row, n * sizeof *row);
    s->rows++;
    return ready;
}

/* The two rows that come out at the end: call with step 0, then 1. */
static bool smooth_end(const smoother *s, int step, size_t n, bool skip_zeros, float *out) {
    if (s->rows == 0) return false;
    average(step == 0 ? s->before : s->last, s->last, s->last, n, skip_zeros, out);
    return true;
}

/* ---- the set ---- */

struct voice_egemaps {
    affect_context *ctx;
    voice_descriptors *stream;
    smoother plain, tracked, voiced, unvoiced, formants;
    size_t plain_rows, tracked_rows; /* that came out */
    size_t pitch_rows;               /* that the functionals cover */
    /* Rows wait for their other half: plain ones come at most a frame before tracked ones. */
    float waiting[8][PLAIN];
    voice_contour_moments plain_moments[5], tracked_moments[TRACKED], voiced_moments[VOICED],
        unvoiced_moments[UNVOICED], formant_moments[FORMANTS];
    voice_contour_runs voiced_runs, unvoiced_runs;
    voice_contour_values f0, loudness;
    double energy;
    size_t energy_frames;
    float (*out)[VOICE_EGEMAPS_DESCRIPTORS];
    size_t out_count, out_capacity;
    bool finished;
};

affect_status voice_egemaps_create(affect_context *ctx, int sample_rate, voice_egemaps **out) {
    *out = NULL;
    voice_egemaps *set = base_calloc(1, sizeof *set);
    if (!set) return base_fail_memory(ctx);
    set->ctx = ctx;
    affect_status status = voice_descriptors_create(ctx, sample_rate, &set->stream);
    if (status != AFFECT_OK) {
        base_free(set);
        return status;
    }
    voice_egemaps_reset(set);
    *out = set;
    return AFFECT_OK;
}

void voice_egemaps_destroy(voice_egemaps *set) {
    if (!set) return;
    voice_descriptors_destroy(set->stream);
    base_free(set->f0.items);
    base_free(set->loudness.items);
    base_free(set->out);
    base_free(set);
}

void voice_egemaps_reset(voice_egemaps *set) {
    voice_descriptors_reset(set->stream);
    smoother *smoothers[] = {&set->plain, &set->tracked, &set->voiced, &set->unvoiced,
                             &set->formants};
    for (size_t i = 0; i < BASE_COUNT(smoothers); i++) smoothers[i]->rows = 0;
    set->plain_rows = set->tracked_rows = set->pitch_rows = 0;
    memset(set->plain_moments, 0, sizeof set->plain_moments);
    memset(set->tracked_moments, 0, sizeof set->tracked_moments);
    memset(set->voiced_moments, 0, sizeof set->voiced_moments);
    memset(set->unvoiced_moments, 0, sizeof set->unvoiced_moments);
    memset(set->formant_moments, 0, sizeof set->formant_moments);
    voice_contour_runs_reset(&set->voiced_runs);
    voice_contour_runs_reset(&set->unvoiced_runs);
    set->f0.count = set->loudness.count = 0;
    set->energy = 0.0;
    set->energy_frames = set->out_count = 0;
    set->finished = false;
}

double voice_egemaps_period(const voice_egemaps *set) {
    return voice_descriptors_period(set->stream);
}

const float *voice_egemaps_take(voice_egemaps *set, size_t *rows) {
    *rows = set->out_count;
    set->out_count = 0;
    return set->out ? set->out[0] : NULL;
}

/* ---- rows out ---- */

/* What the functionals see. openSMILE computes them when the input has just ended and before the
 * last frames have passed through, so that they cover the frames decided by then (`limit`), the
 * last of which has no neighbour yet where jitter is involved. The descriptors cover everything. */

static affect_status plain_out(voice_egemaps *set, const float row[PLAIN], bool counts) {
    memcpy(set->waiting[set->plain_rows % BASE_COUNT(set->waiting)], row, PLAIN * sizeof *row);
    set->plain_rows++;
    if (!counts) return AFFECT_OK;
    for (int i = 0; i < 5; i++) voice_contour_moments_add(&set->plain_moments[i], row[5 + i]);
    if (!voice_contour_values_add(&set->loudness, row[0])) return base_fail_memory(set->ctx);
    return AFFECT_OK;
}

static affect_status descriptors_out(voice_egemaps *set, const float row[TRACKED]) {
    if (!base_grow((void **)&set->out, &set->out_capacity, set->out_count + 1, sizeof *set->out))
        return base_fail_memory(set->ctx);
    float *out = set->out[set->out_count++];
    memcpy(out, set->waiting[set->tracked_rows % BASE_COUNT(set->waiting)], PLAIN * sizeof *out);
    memcpy(out + PLAIN, row, TRACKED * sizeof *out);
    set->tracked_rows++;
    return AFFECT_OK;
}

static void add_nonzero(voice_contour_moments *moments, const float *row, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (row[i] != 0.0f) voice_contour_moments_add(&moments[i], row[i]);
}

static affect_status add_pitch(voice_egemaps *set, float pitch) {
    bool is_voiced = pitch != 0.0f;
    voice_contour_runs_add(&set->voiced_runs, is_voiced);
    voice_contour_runs_add(&set->unvoiced_runs, !is_voiced);
    set->pitch_rows++;
    if (is_voiced && !voice_contour_values_add(&set->f0, pitch)) return base_fail_memory(set->ctx);
    return AFFECT_OK;
}

/* ---- rows in ---- */

/* Semitones above 27.5 Hz; 0 is kept for "unvoiced", so that the lowest value is 1. */
static float semitones(float f0) {
    if (f0 > 29.136f) return (float)(12.0 * log2((double)(f0 / 27.5f)));
    return f0 > 0.0f ? 1.0f : 0.0f;
}

static affect_status add_plain(voice_egemaps *set, const voice_frame *f) {
    float row[PLAIN] = {f->loudness, f->alpha_ratio, f->hammarberg, f->slope[0], f->slope[1],
                        f->flux,     f->mfcc[0],     f->mfcc[1],    f->mfcc[2],  f->mfcc[3]};
    float out[PLAIN];
    set->energy += (double)f->energy;
    set->energy_frames++;
    return smooth(&set->plain, row, PLAIN, false, out) ? plain_out(set, out, true) : AFFECT_OK;
}

/* `end`: the row before this one is the last that the functionals cover. */
static affect_status add_tracked(voice_egemaps *set, const voice_frame *f, bool counts, bool end) {
    float pitch = semitones(f->f0);
    float row[TRACKED] = {pitch,         f->jitter,       f->shimmer_db,
                          f->hnr_db,     f->h1_h2,        f->h1_a3,
                          f->formant[0], f->bandwidth[0], f->formant_level[0],
                          f->formant[1], f->bandwidth[1], f->formant_level[1],
                          f->formant[2], f->bandwidth[2], f->formant_level[2]};
    float spectral[VOICED] = {f->alpha_ratio, f->hammarberg, f->slope[0], f->slope[1], f->flux,
                              f->mfcc[0],     f->mfcc[1],    f->mfcc[2],  f->mfcc[3]};
    float resonances[FORMANTS] = {f->formant[0],   f->bandwidth[0], f->formant[1],
                                  f->bandwidth[1], f->formant[2],   f->bandwidth[2]};
    const float nothing[TRACKED] = {0};
    bool is_voiced = pitch > 0.0f;
    float ended[TRACKED], ended_formants[FORMANTS], out[TRACKED];
    if (end) {
        smooth_end(&set->tracked, 0, TRACKED, true, ended);
        smooth_end(&set->formants, 0, FORMANTS, true, ended_formants);
    }
    if (smooth(&set->voiced, is_voiced ? spectral : nothing, VOICED, true, out) && counts)
        add_nonzero(set->voiced_moments, out, VOICED);
    if (smooth(&set->unvoiced, is_voiced ? nothing : spectral, UNVOICED, true, out) && counts)
        add_nonzero(set->unvoiced_moments, out, UNVOICED);
    if (smooth(&set->formants, is_voiced ? resonances : nothing, FORMANTS, true, out) && counts)
        add_nonzero(set->formant_moments, end ? ended_formants : out, FORMANTS);
    if (!smooth(&set->tracked, row, TRACKED, true, out)) return AFFECT_OK;
    if (counts) {
        affect_status status = add_pitch(set, out[0]);
        if (status != AFFECT_OK) return status;
        add_nonzero(set->tracked_moments, end ? ended : out, TRACKED);
    }
    return descriptors_out(set, end ? ended : out);
}

static affect_status drain(voice_egemaps *set, size_t limit) {
    size_t count;
    const voice_frame *frames = voice_descriptors_take(set->stream, &count);
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < count && status == AFFECT_OK; i++) {
        const voice_frame *f = &frames[i];
        status = add_plain(set, f);
        if (status == AFFECT_OK && f->complete)
            status = add_tracked(set, f, f->index <= limit, f->index == limit);
    }
    return status;
}

affect_status voice_egemaps_push(voice_egemaps *set, const float *samples, size_t count) {
    set->out_count = 0;
    affect_status status = voice_descriptors_push(set->stream, samples, count);
    return status == AFFECT_OK ? drain(set, SIZE_MAX) : status;
}

/* A recording of a single frame: nothing had been decided when it ended. */
static affect_status count_only_row(voice_egemaps *set, const float row[TRACKED]) {
    float out[TRACKED];
    if (smooth_end(&set->voiced, 0, VOICED, true, out))
        add_nonzero(set->voiced_moments, out, VOICED);
    if (smooth_end(&set->unvoiced, 0, UNVOICED, true, out))
        add_nonzero(set->unvoiced_moments, out, UNVOICED);
    if (smooth_end(&set->formants, 0, FORMANTS, true, out))
        add_nonzero(set->formant_moments, out, FORMANTS);
    add_nonzero(set->tracked_moments, row, TRACKED);
    return add_pitch(set, row[0]);
}

affect_status voice_egemaps_finish(voice_egemaps *set) {
    set->out_count = 0;
    if (set->finished) return AFFECT_OK;
    set->finished = true;
    affect_status status = voice_descriptors_finish(set->stream);
    size_t decided = voice_descriptors_decided(set->stream);
    if (status == AFFECT_OK) status = drain(set, BASE_MAX(decided, (size_t)1));
    for (int step = 0; step < 2 && status == AFFECT_OK; step++) {
        float out[TRACKED];
        if (smooth_end(&set->plain, step, PLAIN, false, out))
            status = plain_out(set, out, step == 0);
        if (status != AFFECT_OK || !smooth_end(&set->tracked, step, TRACKED, true, out)) continue;
        if (set->pitch_rows == 0) status = count_only_row(set, out);
        if (status == AFFECT_OK) status = descriptors_out(set, out);
    }
    return status;
}

/* ---- functionals ---- */

static float *put_contour(float *out, const voice_contour_values *values,
                          const voice_contour_peaks *peaks, float *sorted) {
    voice_contour_moments moments = {0};
    for (size_t i = 0; i < values->count; i++)
        voice_contour_moments_add(&moments, values->items[i]);
    *out++ = voice_contour_mean(&moments);
    *out++ = voice_contour_variation(&moments);
    float low = voice_contour_percentile(sorted, values->count, 0.2);
    float high = voice_contour_percentile(sorted, values->count, 0.8);
    *out++ = low;
    *out++ = voice_contour_percentile(sorted, values->count, 0.5);
    *out++ = high;
    *out++ = fabsf(high - low);
    *out++ = peaks->rising_mean;
    *out++ = peaks->rising_deviation;
    *out++ = peaks->falling_mean;
    *out++ = peaks->falling_deviation;
    return out;
}

static float *put_moments(float *out, const voice_contour_moments *moments) {
    *out++ = voice_contour_mean(moments);
    *out++ = voice_contour_variation(moments);
    return out;
}

affect_status voice_egemaps_functionals(voice_egemaps *set, float out[VOICE_EGEMAPS_FUNCTIONALS]) {
    if (!set->finished || set->tracked_rows == 0)
        return base_fail(set->ctx, AFFECT_ERROR_FORMAT,
                         "eGeMAPS needs at least 60 ms of sound, here are less");
    size_t most = BASE_MAX(set->f0.count, set->loudness.count);
    float *sorted = base_alloc(most * sizeof *sorted);
    voice_contour_peaks f0, loudness;
    float period = (float)voice_egemaps_period(set);
    if (!sorted || !voice_contour_find_peaks(&set->f0, period, &f0) ||
        !voice_contour_find_peaks(&set->loudness, period, &loudness)) {
        base_free(sorted);
        return base_fail_memory(set->ctx);
    }
    float *at = out;
    voice_contour_sort(&set->f0, sorted);
    at = put_contour(at, &set->f0, &f0, sorted);
    voice_contour_sort(&set->loudness, sorted);
    at = put_contour(at, &set->loudness, &loudness, sorted);
    base_free(sorted);

    for (int i = 0; i < 5; i++) at = put_moments(at, &set->plain_moments[i]);
    for (int i = 1; i <= 5; i++) at = put_moments(at, &set->tracked_moments[i]);
    for (int f = 0; f < 3; f++) {
        at = put_moments(at, &set->formant_moments[2 * f]);
        at = put_moments(at, &set->formant_moments[2 * f + 1]);
        at = put_moments(at, &set->tracked_moments[8 + 3 * f]);
    }
    for (int i = 0; i < VOICED; i++) at = put_moments(at, &set->voiced_moments[i]);
    for (int i = 0; i < UNVOICED; i++) *at++ = voice_contour_mean(&set->unvoiced_moments[i]);

    float rows = (float)set->pitch_rows;
    *at++ = (float)loudness.maxima / ((float)set->loudness.count * period);
    voice_contour_runs_finish(&set->voiced_runs);
    voice_contour_runs_finish(&set->unvoiced_runs);
    *at++ = (float)set->voiced_runs.count / (period * rows);
    *at++ = voice_contour_runs_mean(&set->voiced_runs) * period;
    *at++ = voice_contour_runs_deviation(&set->voiced_runs) * period;
    *at++ = voice_contour_runs_mean(&set->unvoiced_runs) * period;
    *at++ = voice_contour_runs_deviation(&set->unvoiced_runs) * period;
    double level = set->energy / (double)set->energy_frames;
    *at++ = (float)(10.0 * log10(level > 1e-12 ? level : 1e-12));
    return AFFECT_OK;
}

affect_status voice_egemaps_describe(voice_egemaps *set, const float *samples, size_t count,
                                     float out[VOICE_EGEMAPS_FUNCTIONALS]) {
    voice_egemaps_reset(set);
    affect_status status = voice_egemaps_push(set, samples, count);
    if (status == AFFECT_OK) status = voice_egemaps_finish(set);
    if (status == AFFECT_OK && voice_egemaps_functionals(set, out) != AFFECT_OK)
        for (size_t k = 0; k < VOICE_EGEMAPS_FUNCTIONALS; k++) out[k] = NAN;
    return status;
}
