/* Raters' votes as targets: the conventions of FER+ (Barsoum, Zhang, Canton Ferrer & Zhang 2016,
 * "Training deep networks for facial expression recognition with crowd-sourced label distribution",
 * and their public reader, whose order of steps decides the borderline items). */
#include <math.h>

#include "affect/score.h"
#include "base/base.h"

enum { MOST_CLASSES = 62, MOST_SHARES = 3 };

/* The largest counts until they hold 75 % of the votes. Equal counts are taken together, so there
 * can be more than three, which throws the item away; unknown or not-a-face among them ends it. */
static bool probability_shares(double *votes, size_t classes, double all, double *kept) {
    double part = 0, sum = 0;
    int taken = 0;
    bool emotions_only = true;
    while (part < 0.75 * all && taken < MOST_SHARES && emotions_only) {
        double most = 0;
        for (size_t k = 0; k < classes + 2; k++) most = fmax(most, votes[k]);
        if (most <= 0) break;
        for (size_t k = 0; k < classes + 2; k++) {
            if (votes[k] != most) continue;
            kept[k] = most;
            votes[k] = 0;
            part += most;
            sum += most;
            taken++;
            if (k < classes) continue;
            emotions_only = false;
            if (sum > most) { /* emotions came before it: they stand without it */
                kept[k] = 0;
                sum -= most;
                taken--;
            }
            break;
        }
    }
    return sum > 0.5 * all && taken <= MOST_SHARES;
}

bool affect_score_votes_target(const double *votes, size_t classes, affect_score_votes convention,
                               double *target, int32_t *label, bool *not_a_face) {
    if (!(votes && target && label)) return false;
    double counted[MOST_CLASSES + 2], kept[MOST_CLASSES + 2] = {0}, all = 0;
    *label = -1;
    if (not_a_face) *not_a_face = false;
    for (size_t k = 0; k < classes; k++) target[k] = 0;
    if (classes < 1 || classes > MOST_CLASSES) return false;
    size_t best = 0;
    for (size_t k = 0; k < classes + 2; k++) {
        counted[k] = votes[k] > 1 ? votes[k] : 0; /* a single vote is an outlier; NaN is none */
        all += counted[k];
        if (counted[k] > counted[best]) best = k;
    }
    if (all <= 0) return false;
    bool good = false;
    if (convention == AFFECT_SCORE_MAJORITY) {
        kept[best] = counted[best];
        good = counted[best] > 0.5 * all;
    } else if (convention == AFFECT_SCORE_PROBABILITY) {
        good = probability_shares(counted, classes, all, kept);
    } else {
        double sum = 0;
        for (size_t k = 0; k < classes + 2; k++) {
            if (counted[k] >= 0.3 * all) kept[k] = counted[k];
            sum += kept[k];
        }
        good = sum > 0.5 * all;
    }
    if (!good) return false;
    double sum = 0;
    size_t largest = 0;
    for (size_t k = 0; k < classes + 2; k++) {
        if (kept[k] > kept[largest]) largest = k;
        if (k < classes) sum += kept[k];
    }
    if (largest >= classes) {
        if (not_a_face) *not_a_face = largest == classes + 1;
        return false;
    }
    for (size_t k = 0; k < classes; k++) target[k] = kept[k] / sum;
    *label = (int32_t)largest;
    return true;
}
