/* The description of a stretch, and the two-covariance model. */
#include "align/voices.h"

#include <jansson.h>
#include <math.h>

#include "model/model.h"

static const struct {
    const char *channel;
    bool mean; /* else its deviation alone: the level is the recording's */
} measured[] = {{"f0_hz", true},     {"voicing", true},       {"energy_db", false},
                {"loudness", false}, {"jitter", true},        {"shimmer_db", true},
                {"hnr_db", true},    {"spectral_flux", true}, {"alpha_ratio_db", true},
                {"f1_hz", true},     {"f2_hz", true},         {"f3_hz", true}};
/* Rows that count: so voiced, and no more below the loudest of the stretch. */
static const double voiced_least = 0.5, range_db = 30;
/* In standard deviations; what is beyond is held there. */
static const double most = 3;

bool align_voice_measure(const timeline_view *view, affect_time t0, affect_time t1,
                         double out[ALIGN_VOICE_MEASURES]) {
    const affect_track *p =
        view_track(view, TRACK_ROLE_PROSODY, AFFECT_MODALITY_VOICE, AFFECT_PERSON_NONE);
    if (!p) return false;
    size_t channels[BASE_COUNT(measured)], first = track_row_at(p, t0), end = track_row_at(p, t1);
    for (size_t c = 0; c < BASE_COUNT(measured); c++) {
        channels[c] = affect_track_find_channel(p, measured[c].channel);
        if (channels[c] == AFFECT_CHANNEL_NONE) return false;
    }
    double loudest = -INFINITY;
    size_t voicing = channels[1], level = channels[2], next = 0, rows = 0;
    for (size_t i = first; i < end; i++) {
        double v = (double)p->values[i * p->channel_count + level];
        if (isfinite(v)) loudest = fmax(loudest, v);
    }
    for (size_t c = 0; c < BASE_COUNT(measured); c++) {
        double n = 0, sum = 0, square = 0;
        for (size_t i = first; i < end; i++) {
            const float *row = p->values + i * p->channel_count;
            double v = (double)row[channels[c]];
            if (!((double)row[level] >= loudest - range_db) ||
                !((double)row[voicing] >= voiced_least))
                continue;
            if (c == 0) v = v > 0 ? log(v) : NAN;
            if (!isfinite(v)) continue;
            n++;
            sum += v;
            square += v * v;
        }
        if (c == 1) rows = (size_t)n;
        double mean = n > 0 ? sum / n : NAN;
        if (measured[c].mean) out[next++] = mean;
        out[next++] = n > 0 ? sqrt(fmax(0, square / n - mean * mean)) : NAN;
    }
    return rows >= ALIGN_VOICE_LEAST;
}

bool align_voice_describe(const align_voices *v, const timeline_view *view, affect_time t0,
                          affect_time t1, double out[ALIGN_VOICE_MEASURES]) {
    double x[ALIGN_VOICE_MEASURES];
    if (!align_voice_measure(view, t0, t1, x)) return false;
    for (size_t i = 0; i < ALIGN_VOICE_MEASURES; i++)
        x[i] = isfinite(x[i]) ? fmax(-most, fmin(most, (x[i] - v->mean[i]) / v->scale[i])) : 0;
    for (size_t d = 0; d < ALIGN_VOICE_MEASURES; d++) {
        out[d] = 0;
        for (size_t i = 0; i < ALIGN_VOICE_MEASURES; i++) out[d] += v->project[d][i] * x[i];
    }
    return true;
}

double align_voice_ratio(const align_voices *v, const double x[ALIGN_VOICE_MEASURES], double count,
                         const double mean[ALIGN_VOICE_MEASURES]) {
    double sum = 0;
    for (size_t d = 0; d < ALIGN_VOICE_MEASURES; d++) {
        double left = 1 / (1 / v->between[d] + count); /* of the person's mean */
        double off = x[d] - left * count * mean[d], all = 1 + v->between[d];
        sum += .5 * (log(all / (1 + left)) + x[d] * x[d] / all - off * off / (1 + left));
    }
    return sum;
}

/* ---- weights ---- */

static bool read_numbers(const json_t *list, double least, double *out) {
    if (json_array_size(list) != ALIGN_VOICE_MEASURES) return false;
    for (size_t i = 0; i < ALIGN_VOICE_MEASURES; i++) {
        const json_t *value = json_array_get(list, i);
        out[i] = json_is_number(value) ? json_number_value(value) : NAN;
        if (!(out[i] >= least && out[i] < 1e6)) return false;
    }
    return true;
}

static affect_status parse(affect_context *ctx, const char *where, const char *text, size_t length,
                           align_voices **out) {
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return base_fail(ctx, AFFECT_ERROR_MODEL, "%s:%d: not valid JSON: %s", where, error.line,
                         error.text);
    align_voices *v = base_calloc(1, sizeof *v);
    bool whole = v && read_numbers(json_object_get(root, "mean"), -1e6, v->mean) &&
                 read_numbers(json_object_get(root, "scale"), 1e-9, v->scale) &&
                 read_numbers(json_object_get(root, "between"), 1e-9, v->between);
    for (size_t d = 0; d < ALIGN_VOICE_MEASURES && whole; d++)
        whole =
            read_numbers(json_array_get(json_object_get(root, "project"), d), -1e6, v->project[d]);
    json_decref(root);
    if (whole) {
        *out = v;
        return AFFECT_OK;
    }
    bool memory = !v;
    base_free(v);
    if (memory) return base_fail_memory(ctx);
    return base_fail(
        ctx, AFFECT_ERROR_MODEL,
        "%s: \"mean\", \"scale\" and \"between\" must be %d numbers (the last two above "
        "0), and \"project\" so many lists of so many",
        where, ALIGN_VOICE_MEASURES);
}

affect_status align_voices_load(affect_context *ctx, const char *model, align_voices **out) {
    *out = NULL;
    char *path, *text;
    size_t length = 0;
    affect_status status =
        model_card_text(ctx, model ? model : "align.voices", false, &path, &text, &length);
    if (status == AFFECT_OK) status = parse(ctx, path, text, length, out);
    base_free(path);
    base_free(text);
    return status;
}

void align_voices_destroy(align_voices *v) { base_free(v); }
