/* Calibration: do probabilities and error bars mean what they say? */
#include <math.h>

#include "affect/score.h"
#include "base/base.h"

void affect_score_calibration_from(const double *probability, const int32_t *gold, size_t n,
                                   size_t classes, size_t bins, affect_score_calibration *out,
                                   affect_score_bin *bin) {
    enum { MAX_BINS = 1000 };
    affect_score_bin own[MAX_BINS];
    if (bins < 1) bins = 1;
    if (bins > MAX_BINS && !bin) bins = MAX_BINS;
    affect_score_bin *b = bin ? bin : own;
    for (size_t i = 0; i < bins; i++) b[i] = (affect_score_bin){0};
    *out = (affect_score_calibration){.ece = NAN, .mce = NAN, .nll = NAN, .brier = NAN};
    double nll = 0, brier = 0;
    for (size_t i = 0; i < n; i++) {
        const double *p = probability + i * classes;
        bool missing = gold[i] < 0 || (size_t)gold[i] >= classes;
        size_t best = 0;
        double sum = 0;
        for (size_t k = 0; k < classes && !missing; k++) {
            missing = isnan(p[k]);
            sum += p[k];
            if (p[k] > p[best]) best = k;
        }
        if (missing) {
            out->skipped++;
            continue;
        }
        out->items++;
        for (size_t k = 0; k < classes; k++) {
            double e = p[k] - (k == (size_t)gold[i]);
            brier += e * e;
        }
        double likelihood = p[gold[i]] / sum;
        nll -= log(fmin(fmax(likelihood, 1e-15), 1 - 1e-15));
        double at = ceil(p[best] * (double)bins) - 1; /* (lo, hi] */
        size_t slot = at <= 0 ? 0 : at >= (double)bins ? bins - 1 : (size_t)at;
        b[slot].confidence += p[best];
        b[slot].accuracy += best == (size_t)gold[i];
        b[slot].items++;
    }
    if (!out->items) return;
    double all = (double)out->items;
    out->nll = nll / all;
    out->brier = brier / all;
    out->ece = out->mce = 0;
    for (size_t i = 0; i < bins; i++) {
        if (!b[i].items) continue;
        b[i].confidence /= (double)b[i].items;
        b[i].accuracy /= (double)b[i].items;
        double gap = fabs(b[i].confidence - b[i].accuracy);
        out->ece += gap * (double)b[i].items / all;
        out->mce = fmax(out->mce, gap);
    }
}

double affect_score_soft_nll(const double *probability, const double *target, size_t n,
                             size_t classes) {
    double sum = 0;
    for (size_t i = 0; i < n * classes; i++)
        if (target[i] > 0) sum -= target[i] * log(fmax(probability[i], 1e-15));
    return n ? sum / (double)n : NAN;
}

double affect_score_coverage(const double *gold, const double *mean, const double *sd, size_t n,
                             double z, int64_t *skipped) {
    int64_t inside = 0, items = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(gold[i]) || isnan(mean[i]) || isnan(sd[i])) continue;
        items++;
        inside += fabs(gold[i] - mean[i]) <= z * sd[i];
    }
    if (skipped) *skipped = (int64_t)n - items;
    return items ? (double)inside / (double)items : NAN;
}
