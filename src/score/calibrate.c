/* Calibration: do probabilities and error bars mean what they say? */
#include <math.h>

#include "affect/score.h"
#include "base/base.h"

/* The greatest probability of a row, the sum, and the squares of what is missing to 1 in `gold` and
 * to 0 elsewhere. False where one is NaN. */
static bool row_of(const double *p, size_t classes, size_t gold, double *best, double *sum,
                   double *square) {
    double top = p[0], total = 0, squares = 0;
    for (size_t k = 0; k < classes; k++) {
        double e = p[k] - (k == gold);
        top = p[k] > top ? p[k] : top;
        total += p[k];
        squares += e * e;
    }
    *best = top;
    *sum = total;
    *square = squares;
    bool missing = false;
    for (size_t k = 0; k < classes && isnan(total); k++) missing |= isnan(p[k]);
    return !missing;
}

void affect_score_calibration_from(const double *probability, const int32_t *gold, size_t n,
                                   size_t classes, size_t bins, affect_score_calibration *out,
                                   affect_score_bin *bin) {
    if (!((!n || (probability && gold)) && out)) return;
    enum { MAX_BINS = 1000 };
    affect_score_bin own[MAX_BINS];
    if (bins < 1) bins = 1;
    if (bins > MAX_BINS && !bin) bins = MAX_BINS;
    affect_score_bin *b = bin ? bin : own;
    for (size_t i = 0; i < bins; i++) b[i] = (affect_score_bin){0};
    *out = (affect_score_calibration){.ece = NAN, .mce = NAN, .nll = NAN, .brier = NAN};
    double nll = 0, brier = 0, product = 1;
    for (size_t i = 0; i < n; i++) {
        const double *p = probability + i * classes;
        double best, sum, square;
        if (gold[i] < 0 || (size_t)gold[i] >= classes ||
            !row_of(p, classes, (size_t)gold[i], &best, &sum, &square)) {
            out->skipped++;
            continue;
        }
        brier += square;
        double likelihood = p[gold[i]] / sum;
        /* The logarithm of sixteen likelihoods at once: their product is at least 1e-240. */
        product *= likelihood >= 1e-15 ? BASE_MIN(likelihood, 1 - 1e-15) : 1e-15;
        if (++out->items % 16 == 0) {
            nll -= log(product);
            product = 1;
        }
        double at = best * (double)bins; /* bins are (lo, hi] */
        size_t slot = !(at > 0) ? 0 : at >= (double)bins ? bins - 1 : (size_t)at;
        slot -= slot && (double)slot == at;
        bool right = p[gold[i]] == best;
        for (int32_t k = 0; k < gold[i] && right; k++)
            right = p[k] != best; /* the first of equals */
        b[slot].confidence += best;
        b[slot].accuracy += right;
        b[slot].items++;
    }
    nll -= log(product);
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
    if (!(!n || (probability && target))) return NAN;
    double sum = 0;
    for (size_t i = 0; i < n * classes; i++)
        if (target[i] > 0) sum -= target[i] * log(fmax(probability[i], 1e-15));
    return n ? sum / (double)n : NAN;
}

double affect_score_coverage(const double *gold, const double *mean, const double *sd, size_t n,
                             double z, int64_t *skipped) {
    if (!(!n || (gold && mean && sd))) return NAN;
    int64_t inside = 0, items = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(gold[i]) || isnan(mean[i]) || isnan(sd[i])) continue;
        items++;
        inside += fabs(gold[i] - mean[i]) <= z * sd[i];
    }
    if (skipped) *skipped = (int64_t)n - items;
    return items ? (double)inside / (double)items : NAN;
}
