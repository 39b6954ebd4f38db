/* Window features and the linear estimate on them. */
#include "voice/prosody.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer/infer.h"

/* pitch in semitones above 27.5 Hz; levels in dB; all means over voiced frames unless they say
 * otherwise */
const char *const voice_prosody_feature_names[VOICE_PROSODY_FEATURES] = {"pitch_mean",
                                                                         "pitch_sd",
                                                                         "pitch_range",
                                                                         "pitch_slope_rise",
                                                                         "pitch_slope_fall",
                                                                         "level_sd",
                                                                         "level_range",
                                                                         "level_slope_rise",
                                                                         "alpha_ratio",
                                                                         "alpha_ratio_sd",
                                                                         "hammarberg",
                                                                         "slope_0_500",
                                                                         "slope_500_1500",
                                                                         "flux_relative",
                                                                         "hnr",
                                                                         "hnr_sd",
                                                                         "jitter",
                                                                         "shimmer",
                                                                         "h1_h2",
                                                                         "h1_a3",
                                                                         "f1",
                                                                         "mfcc1",
                                                                         "mfcc2",
                                                                         "voiced_share",
                                                                         "syllable_rate",
                                                                         "voiced_length"};

static double to_db(double power) { return 10 * log10(fmax(power, 1e-10)); }
static double semitones(float hz) { return 12 * log2((double)hz / 27.5); }

static int compare_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct statistic {
    double n, sum, square;
} statistic;

static void add(statistic *s, double x) {
    s->n++;
    s->sum += x;
    s->square += x * x;
}
static double mean_of(const statistic *s) { return s->n > 0 ? s->sum / s->n : 0; }
static double sd_of(const statistic *s) {
    if (s->n < 2) return 0;
    double m = s->sum / s->n;
    return sqrt(fmax(s->square / s->n - m * m, 0));
}

/* 20th to 80th percentile: a range that one octave error does not move. */
static double range_of(double *values, size_t n) {
    if (n < 5) return 0;
    qsort(values, n, sizeof *values, compare_double);
    return values[n * 8 / 10] - values[n * 2 / 10];
}

/* Syllable nuclei: peaks of the smoothed level at voiced frames with 2 dB dips (de Jong & Wempe
 * 2009). */
static double nuclei_of(const voice_frame *frames, const bool *speech, size_t count) {
    double peak = -200, dip = 200, nuclei = 0;
    bool peak_voiced = false;
    for (size_t i = 0; i < count; i++) {
        double level = 0;
        size_t n = 0;
        for (size_t j = i >= 2 ? i - 2 : 0; j <= i + 2 && j < count; j++, n++)
            level += to_db((double)frames[j].energy);
        level = speech[i] ? level / (double)n : -100;
        if (level > peak) {
            peak = level;
            peak_voiced = frames[i].f0 > 0;
        }
        if (level < dip) {
            dip = level;
            if (peak - dip < 2) peak = level;
        }
        if (peak - level >= 2 && peak - dip >= 2 && peak_voiced) {
            nuclei++;
            peak_voiced = false;
            peak = dip = level;
        } else if (peak - level >= 2) {
            peak = dip = level;
        }
        if (level - dip >= 2) dip = level - 2;
    }
    return nuclei;
}

bool voice_prosody_features(const voice_frame *frames, const bool *speech, size_t count,
                            float out[VOICE_PROSODY_FEATURES]) {
    enum { MOST = 6000 };
    if (count < 60 || count > MOST) return false;
    bool own[MOST];
    if (!speech) {
        double loudest = 0;
        for (size_t i = 0; i < count; i++) loudest = fmax(loudest, (double)frames[i].energy);
        for (size_t i = 0; i < count; i++)
            own[i] = (double)frames[i].energy > loudest * 1e-3 && loudest > 1e-9;
        speech = own;
    }
    statistic pitch = {0}, level = {0}, alpha = {0}, hammarberg = {0}, slope0 = {0}, slope1 = {0},
              flux = {0}, hnr = {0}, jitter = {0}, shimmer = {0}, h1_h2 = {0}, h1_a3 = {0},
              f1 = {0}, mfcc1 = {0}, mfcc2 = {0};
    statistic rise = {0}, fall = {0}, level_rise = {0};
    double pitches[MOST], levels[MOST];
    size_t voiced = 0, spoken = 0, runs = 0, last_voiced = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const voice_frame *f = &frames[i];
        if (!speech[i]) continue;
        double db = to_db((double)f->energy);
        levels[spoken++] = db;
        add(&level, db);
        if (f->loudness > 0)
            add(&flux, log((double)f->flux + 1e-6) - 2 * log((double)f->loudness + 1e-6));
        if (i && speech[i - 1]) {
            double step = db - to_db((double)frames[i - 1].energy);
            if (step > 0) add(&level_rise, step);
        }
        if (f->f0 <= 0) continue;
        double st = semitones(f->f0);
        pitches[voiced++] = st;
        add(&pitch, st);
        if (last_voiced != SIZE_MAX && last_voiced + 1 == i) {
            double step = st - semitones(frames[i - 1].f0);
            if (fabs(step) < 3)
                add(step > 0 ? &rise : &fall, fabs(step)); /* more is a tracker's jump */
        } else {
            runs++;
        }
        last_voiced = i;
        add(&alpha, (double)f->alpha_ratio);
        add(&hammarberg, (double)f->hammarberg);
        add(&slope0, (double)f->slope[0]);
        add(&slope1, (double)f->slope[1]);
        add(&hnr, (double)f->hnr_db);
        if (f->jitter > 0) add(&jitter, log((double)f->jitter + 1e-4));
        if (f->shimmer_db > 0) add(&shimmer, log((double)f->shimmer_db + 1e-3));
        add(&h1_h2, (double)f->h1_h2);
        add(&h1_a3, (double)f->h1_a3);
        if (f->formant[0] > 0) add(&f1, (double)f->formant[0]);
        add(&mfcc1, (double)f->mfcc[0]);
        add(&mfcc2, (double)f->mfcc[1]);
    }
    if (spoken < 60 || voiced < 25) return false;
    double seconds = (double)spoken * 0.01;
    double values[VOICE_PROSODY_FEATURES] = {mean_of(&pitch),
                                             sd_of(&pitch),
                                             range_of(pitches, voiced),
                                             mean_of(&rise),
                                             mean_of(&fall),
                                             sd_of(&level),
                                             range_of(levels, spoken),
                                             mean_of(&level_rise),
                                             mean_of(&alpha),
                                             sd_of(&alpha),
                                             mean_of(&hammarberg),
                                             mean_of(&slope0) * 100,
                                             mean_of(&slope1) * 100,
                                             mean_of(&flux),
                                             mean_of(&hnr),
                                             sd_of(&hnr),
                                             mean_of(&jitter),
                                             mean_of(&shimmer),
                                             mean_of(&h1_h2),
                                             mean_of(&h1_a3),
                                             mean_of(&f1) / 100,
                                             mean_of(&mfcc1),
                                             mean_of(&mfcc2),
                                             (double)voiced / (double)spoken,
                                             nuclei_of(frames, speech, count) / seconds,
                                             (double)voiced * 0.01 / (double)BASE_MAX(runs, 1)};
    for (size_t k = 0; k < VOICE_PROSODY_FEATURES; k++)
        out[k] = isfinite(values[k]) ? (float)values[k] : 0;
    return true;
}

/* ---- the model: weights.json beside the card ---- */

struct voice_prosody {
    char *name;
    double mean[VOICE_PROSODY_FEATURES], sd[VOICE_PROSODY_FEATURES];
    double weight[VOICE_PROSODY_TARGETS][VOICE_PROSODY_FEATURES];
    double offset[VOICE_PROSODY_TARGETS], error[VOICE_PROSODY_TARGETS];
};

static bool read_numbers(const json_t *array, double *out, size_t n) {
    if (!json_is_array(array) || json_array_size(array) != n) return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(array, i);
        if (!json_is_number(item)) return false;
        out[i] = json_number_value(item);
    }
    return true;
}

static bool read_weights(const json_t *root, voice_prosody *e) {
    const json_t *names = json_object_get(root, "features");
    if (json_array_size(names) != VOICE_PROSODY_FEATURES) return false;
    for (size_t i = 0; i < VOICE_PROSODY_FEATURES; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!name || strcmp(name, voice_prosody_feature_names[i]) != 0) return false;
    }
    static const char *const targets[] = {"valence", "arousal", "dominance"};
    for (size_t t = 0; t < VOICE_PROSODY_TARGETS; t++) {
        const json_t *one = json_object_get(json_object_get(root, "targets"), targets[t]);
        if (!read_numbers(json_object_get(one, "weights"), e->weight[t], VOICE_PROSODY_FEATURES))
            return false;
        e->offset[t] = json_number_value(json_object_get(one, "offset"));
        e->error[t] = json_number_value(json_object_get(one, "error_sd"));
        if (!(e->error[t] > 0)) return false;
    }
    if (!read_numbers(json_object_get(root, "mean"), e->mean, VOICE_PROSODY_FEATURES) ||
        !read_numbers(json_object_get(root, "sd"), e->sd, VOICE_PROSODY_FEATURES))
        return false;
    for (size_t i = 0; i < VOICE_PROSODY_FEATURES; i++)
        if (!(e->sd[i] > 0)) return false;
    return true;
}

affect_status voice_prosody_create(affect_context *ctx, const char *model, voice_prosody **out) {
    *out = NULL;
    model_card *card = NULL;
    char *path = NULL, *text = NULL;
    size_t length;
    json_t *root = NULL;
    voice_prosody *e = base_calloc(1, sizeof *e);
    if (!e) return base_fail_memory(ctx);
    affect_status status = model_card_load(ctx, model ? model : "voice.prosody", false, &card);
    if (status != AFFECT_OK) goto cleanup;
    path = card->file_count ? model_card_path(card, card->files[0].name) : NULL;
    e->name = base_strdup(card->name);
    if (!e->name || !path) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    status = base_read_file(ctx, path, (size_t)1 << 20, &text, &length);
    if (status != AFFECT_OK) goto cleanup;
    root = json_loadb(text, length, 0, NULL);
    if (!root || !read_weights(root, e))
        status = base_fail(ctx, AFFECT_ERROR_MODEL,
                           "%s: is not a set of prosody weights for these features", path);
cleanup:
    json_decref(root);
    model_card_destroy(card);
    base_free(path);
    base_free(text);
    if (status != AFFECT_OK)
        voice_prosody_destroy(e);
    else
        *out = e;
    return status;
}

void voice_prosody_destroy(voice_prosody *e) {
    if (!e) return;
    base_free(e->name);
    base_free(e);
}

const char *voice_prosody_model(const voice_prosody *e) { return e->name; }

void voice_prosody_estimate(const voice_prosody *e, const float features[VOICE_PROSODY_FEATURES],
                            float mean[VOICE_PROSODY_TARGETS], float sd[VOICE_PROSODY_TARGETS]) {
    double z[VOICE_PROSODY_FEATURES], strange = 0;
    for (size_t i = 0; i < VOICE_PROSODY_FEATURES; i++) {
        double raw = ((double)features[i] - e->mean[i]) / e->sd[i];
        /* Voices unlike any of the training set: not further out than its edge, and less sure. */
        z[i] = raw < -3 ? -3 : raw > 3 ? 3 : raw;
        strange += fmax(fabs(raw) - 3, 0);
    }
    for (size_t t = 0; t < VOICE_PROSODY_TARGETS; t++) {
        double sum = e->offset[t];
        for (size_t i = 0; i < VOICE_PROSODY_FEATURES; i++) sum += e->weight[t][i] * z[i];
        mean[t] = (float)(sum < -1 ? -1 : sum > 1 ? 1 : sum);
        sd[t] = (float)(e->error[t] * (1 + 0.25 * fmin(strange, 8)));
    }
}
