/* Is what a modality shows below, at or above neutral in valence? A multinomial logistic regression
 * a modality on what it says by itself; docs/align.md says what it was fitted on. */
#include <math.h>
#include <string.h>

#include "align/align.h"

enum { FEATURES = 5 };

/* Printed by `bench/consistency.py fit`: constant, valence, arousal, happiness, categories below;
 * neutral's are 0. */
static const double weights[AFFECT_MODALITY_WORDS][2][FEATURES] = {
    {{-0.97, -1.44, 0.95, 0.54, 3.76}, {-2.92, 2.99, 1.75, 4.90, 0.38}},  /* face */
    {{-2.07, -1.10, 2.75, -1.08, 1.92}, {-1.62, 0.94, 3.44, 0.53, 0.32}}, /* voice */
    {{-1.81, -1.07, 0.66, 0.07, 3.62}, {-2.25, 1.70, 0.93, 4.46, -0.85}}, /* words */
};

/* The ridge of the fit leaves the probabilities too even. This factor, the distances below and the
 * threshold of a contradiction are from a grid: of those within .01 of the best F1 for telling pairs that
 * contradict each other the ones with the fewest false alarms (bench/consistency.py pairs). */
static const double SHARPEN = 3.0;

void align_signs_of(affect_modality modality, const align_reading *r, double out[ALIGN_SIGNS]) {
    const double x[FEATURES] = {1.0, isfinite(r->valence) ? r->valence : 0.0,
                                isfinite(r->arousal) ? r->arousal : 0.0, r->happiness, r->below};
    double score[ALIGN_SIGNS] = {0.0, 0.0, 0.0}, sum = 0.0;
    for (int k = 0; k < FEATURES; k++) {
        score[0] += SHARPEN * weights[modality - 1][0][k] * x[k];
        score[2] += SHARPEN * weights[modality - 1][1][k] * x[k];
    }
    double top = fmax(fmax(score[0], score[2]), 0.0);
    for (int s = 0; s < ALIGN_SIGNS; s++) sum += out[s] = exp(score[s] - top);
    for (int s = 0; s < ALIGN_SIGNS; s++) out[s] /= sum;
}

double align_disagreement(const double a[ALIGN_SIGNS], const double b[ALIGN_SIGNS]) {
    /* Cheerful words in a flat tone disagree half as much as in a sad one; sad words in a flat tone
     * hardly, since much that is sad is said and shown flatly. */
    static const double apart[ALIGN_SIGNS][ALIGN_SIGNS] = {{0, 0.2, 1}, {0.2, 0, 0.5}, {1, 0.5, 0}};
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

align_reading align_read(const affect_track *affect, const affect_track *categories, affect_time t0,
                         affect_time t1) {
    align_reading out = {NAN, NAN, 0, 0, 0};
    if (affect) read_affect(affect, t0, t1, &out);
    if (categories && out.confidence > 0) read_categories(categories, t0, t1, &out);
    return out;
}
