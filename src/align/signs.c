/* Is what a modality shows below, at or above neutral in valence? A multinomial logistic regression
 * a modality on what it says by itself; docs/align.md says what it was fitted on. */
#include <math.h>
#include <string.h>

#include "align/align.h"

enum { FEATURES = 6 };

/* Printed by `VOICE=... bench/consistency.py fit`: constant, valence, arousal, happiness, categories below, smile;
 * neutral's are 0. */
static const double weights[AFFECT_MODALITY_WORDS + 1][2][FEATURES] = {
    {{-0.57, -0.72, 0.49, 0.27, 2.33, -0.07}, {-2.44, 1.50, 0.87, 2.45, 0.11, 1.14}}, /* face */
    {{-3.15, -0.80, 3.12, -0.77, 3.27, 0}, {-1.74, 1.46, 2.36, 1.48, 1.38, 0}},       /* voice */
    {{-1.69, -1.22, 0.68, -0.02, 3.50, 0}, {-2.11, 1.65, 0.68, 4.59, -0.74, 0}},      /* words */
    {{-0.98, -1.44, 0.97, 0.53, 3.76, 0},
     {-2.91, 3.00, 1.74, 4.90, 0.36, 0}}, /* face without action units */
};

/* The ridge of the fit leaves the probabilities too even, so scores are multiplied by what makes those of people
 * whom the weights have not seen likeliest (voices of strangers are told badly, and are less sure for it). With
 * the distances below and the threshold of a contradiction from `bench/consistency.py pairs`: of what is within .01 of the
 * best F1 for telling pairs that contradict each other with them, few false alarms. */
static const double sharpen[AFFECT_MODALITY_WORDS] = {2.0, 1.5, 1.5};

void align_signs_of(affect_modality modality, const align_reading *r, double out[ALIGN_SIGNS]) {
    const double x[FEATURES] = {1.0,
                                isfinite(r->valence) ? r->valence : 0.0,
                                isfinite(r->arousal) ? r->arousal : 0.0,
                                r->happiness,
                                r->below,
                                isfinite(r->smile) ? r->smile : 0.0};
    double score[ALIGN_SIGNS] = {0.0, 0.0, 0.0}, sum = 0.0;
    bool plain = modality == AFFECT_MODALITY_FACE && !isfinite(r->smile);
    size_t row = plain ? AFFECT_MODALITY_WORDS : modality - 1;
    for (int k = 0; k < FEATURES; k++) {
        score[0] += sharpen[modality - 1] * weights[row][0][k] * x[k];
        score[2] += sharpen[modality - 1] * weights[row][1][k] * x[k];
    }
    double top = fmax(fmax(score[0], score[2]), 0.0);
    for (int s = 0; s < ALIGN_SIGNS; s++) sum += out[s] = exp(score[s] - top);
    for (int s = 0; s < ALIGN_SIGNS; s++) out[s] /= sum;
}

double align_disagreement(const double a[ALIGN_SIGNS], const double b[ALIGN_SIGNS]) {
    /* Cheerful words in a flat tone disagree by a tenth of what they do in a sad one; sad words in a flat
     * tone not at all, since much that is sad is said and shown flatly. */
    static const double apart[ALIGN_SIGNS][ALIGN_SIGNS] = {{0, 0, 1}, {0, 0, 0.1}, {1, 0.1, 0}};
    double sum = 0.0;
    for (int i = 0; i < ALIGN_SIGNS; i++)
        for (int k = 0; k < ALIGN_SIGNS; k++) sum += apart[i][k] * a[i] * b[k];
    return sum;
}

static void read_affect(const affect_track *track, affect_time t0, affect_time t1,
                        align_reading *out) {
    double sum[2] = {0, 0}, weight[2] = {0, 0}, square = 0, all = 0;
    for (size_t i = track_row_at(track, t0); i < track->rows && track->times[i] <= t1; i++) {
        double w = track->confidence[i];
        for (size_t k = 0; k < 2 && k < track->channel_count; k++) {
            double value = track->values[i * track->channel_count + k];
            if (isfinite(value)) sum[k] += w * value, weight[k] += w;
        }
        all += w;
        square += w * w;
    }
    out->valence = weight[0] > 0 ? sum[0] / weight[0] : NAN;
    out->arousal = weight[1] > 0 ? sum[1] / weight[1] : NAN;
    out->confidence =
        weight[0] > 0 ? square / all : 0.0; /* rows that count little do not lower it */
}

/* Labels of one category join as labels that may hold together do: 1 - product of (1 - p). */
static void read_categories(const affect_track *track, affect_time t0, affect_time t1,
                            align_reading *out) {
    enum { MOST = 64 };
    if (track->channel_count > MOST) return;
    int category[MOST];
    double weight = 0, happiness = 0, below = 0;
    for (size_t k = 0; k < track->channel_count; k++)
        category[k] = category_of_label(track->channels[k]);
    for (size_t i = track_row_at(track, t0); i < track->rows && track->times[i] <= t1; i++) {
        const float *row = track->values + i * track->channel_count;
        double absent[CATEGORIES], sum = 0, down = 0, w = track->confidence[i];
        bool whole = w > 0;
        for (int c = 0; c < CATEGORIES; c++) absent[c] = 1;
        for (size_t k = 0; k < track->channel_count; k++) {
            whole = whole && isfinite(row[k]);
            if (category[k] >= 0) absent[category[k]] *= 1 - fmax(0, fmin(1, (double)row[k]));
        }
        for (int c = 0; c < CATEGORIES; c++) {
            sum += 1 - absent[c];
            if (category_table[c].place[0] < 0) down += 1 - absent[c];
        }
        if (!whole || !(sum > 0)) continue;
        weight += w;
        happiness += w * (1 - absent[1]) / sum;
        below += w * down / sum;
    }
    if (!(weight > 0)) return;
    out->happiness = happiness / weight;
    out->below = below / weight;
}

static void read_units(const affect_track *track, affect_time t0, affect_time t1,
                       align_reading *out) {
    double sum = 0, weight = 0;
    size_t channel = 0;
    while (channel < track->channel_count && strcmp(track->channels[channel], "AU12") != 0)
        channel++;
    if (channel == track->channel_count) return;
    for (size_t i = track_row_at(track, t0); i < track->rows && track->times[i] <= t1; i++) {
        double value = track->values[i * track->channel_count + channel];
        if (!isfinite(value)) continue;
        sum += track->confidence[i] * value;
        weight += track->confidence[i];
    }
    if (weight > 0) out->smile = sum / weight;
}

align_reading align_read(const affect_track *affect, const affect_track *categories,
                         const affect_track *units, affect_time t0, affect_time t1) {
    align_reading out = {NAN, NAN, 0, 0, NAN, 0};
    if (affect) read_affect(affect, t0, t1, &out);
    if (categories && out.confidence > 0) read_categories(categories, t0, t1, &out);
    if (units && out.confidence > 0) read_units(units, t0, t1, &out);
    return out;
}
