/* One threshold for every label of several at once. A label's best cut by F1 depends on how often and how well it is told. It is
 * found on samples set aside, that nothing was learnt from: samples that a network has learnt by heart make it too sure.
 *
 * Counting F1 would be noise for rare labels (a handful of positives), so the cut comes from probabilities instead: a slope for
 * all labels together and an intercept for each, by maximum likelihood (at the best intercept the mean probability is the
 * label's share), and the cut that makes the expected F1 of those probabilities largest (Lipton, Elkan, Naryanaswamy 2014,
 * "Optimal thresholding of classifiers to maximize F1 measure"). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/tape.h"
#include "train/train_private.h"

enum { ASIDE_EVERY = 20, SLOPES = 41 };
/* A bias that is this near is left as it is, so that a finished run that is called again changes nothing. */
static const double near = .05;

static const float *known_targets(const training *t) {
    return t->untaught ? t->untaught : t->train->target;
}

static bool all_known(const training *t, size_t sample) {
    const float *target = known_targets(t) + sample * t->train->width;
    for (size_t c = 0; c < t->classes; c++)
        if (target[c] < 0) return false;
    return true;
}

/* Of a sample's labels the one that is rarest in the training set; MAX_LABELS: it has none. */
static size_t rarest_of(const training *t, size_t sample, const size_t *count) {
    const float *target = known_targets(t) + sample * t->train->width;
    size_t rarest = MAX_LABELS;
    for (size_t c = 0; c < t->classes; c++)
        if (target[c] > .5F && (rarest == MAX_LABELS || count[c] < count[rarest])) rarest = c;
    return rarest;
}

affect_status train_set_aside(training *t) {
    t->aside = base_calloc(BASE_MAX(t->train->count, (size_t)1), sizeof *t->aside);
    if (!t->aside) return base_fail_memory(t->ctx);
    size_t count[MAX_LABELS] = {0}, seen[MAX_LABELS + 1] = {0};
    for (size_t i = 0; i < t->train->count; i++)
        for (size_t c = 0; all_known(t, i) && c < t->classes; c++)
            count[c] += known_targets(t)[i * t->train->width + c] > .5F;
    for (size_t i = 0; i < t->train->count; i++)
        if (all_known(t, i))
            t->aside[i] = seen[rarest_of(t, i, count)]++ % ASIDE_EVERY == ASIDE_EVERY / 2;
    return AFFECT_OK;
}

bool train_learns(const training *t, size_t i) {
    return train_usable(t->train, i) && !(t->aside && t->aside[i]);
}

static double probability(double slope, double logit, double intercept) {
    return 1 / (1 + exp(-slope * logit - intercept));
}

/* The intercept at which the mean probability over the samples is `share`; the mean grows with it, so by bisection. */
static double intercept_of(const double *logit, size_t n, double slope, double share) {
    double low = -40, high = 40;
    for (int step = 0; step < 50; step++) {
        const double middle = (low + high) / 2;
        double mean = 0;
        for (size_t k = 0; k < n; k++) mean += probability(slope, logit[k], middle) / (double)n;
        *(mean > share ? &high : &low) = middle;
    }
    return (low + high) / 2;
}

static int falling(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Logit above which the expected F1 of the probabilities is largest; sorts the logits. */
static double best_cut(double *logit, size_t n, double slope, double intercept) {
    double sum = 0, right = 0, best = -1, cut = 0;
    qsort(logit, n, sizeof *logit, falling);
    for (size_t k = 0; k < n; k++) sum += probability(slope, logit[k], intercept);
    for (size_t k = 0; k < n; k++) {
        right += probability(slope, logit[k], intercept);
        const double f1 = 2 * right / ((double)(k + 1) + sum);
        if (f1 <= best) continue;
        best = f1;
        cut = k + 1 < n ? (logit[k] + logit[k + 1]) / 2 : logit[k] - 1;
    }
    return cut;
}

/* Log likelihood of what was known of label c with its intercept at this slope. */
static double likelihood(const training *t, const uint32_t *index, size_t n, size_t c,
                         const double *logit, double slope, double share) {
    const double intercept = intercept_of(logit, n, slope, share);
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        const double p = probability(slope, logit[k], intercept);
        const bool is = known_targets(t)[index[k] * t->train->width + c] > .5F;
        sum += log(fmax(is ? p : 1 - p, 1e-12));
    }
    return sum;
}

affect_status train_settle_threshold(training *t, float *values, double *common) {
    const nn_params *params = nn_net_params(t->net);
    const int id = nn_param_find(params, "head.bias");
    const size_t count = t->train->count, width = t->train->width;
    uint32_t *index = base_calloc(count + 1, sizeof *index);
    float *outputs = base_calloc(count * width + 1, sizeof *outputs);
    double share[MAX_LABELS] = {0}, own[MAX_LABELS] = {0}, *logit = NULL;
    size_t n = 0, labels = 0;
    for (size_t i = 0; index && i < count; i++)
        if (t->aside[i]) index[n++] = (uint32_t)i;
    for (size_t c = 0; c < t->classes; c++)
        for (size_t k = 0; k < n; k++)
            share[c] += known_targets(t)[index[k] * width + c] > .5F ? 1 / (double)n : 0;
    logit = base_calloc(t->classes * n + 1, sizeof *logit);
    affect_status status = index && outputs && logit ? AFFECT_OK : base_fail_memory(t->ctx);
    if (status == AFFECT_OK && n) status = train_pass(t, t->train, index, n, outputs, NULL);
    double slope = 1, most = -INFINITY;
    for (size_t c = 0; status == AFFECT_OK && c < t->classes; c++)
        for (size_t k = 0; k < n; k++) logit[c * n + k] = (double)outputs[index[k] * width + c];
    for (size_t s = 0; status == AFFECT_OK && s < SLOPES; s++) {
        const double here = .3 * pow(10, (double)s / (SLOPES - 1));
        double sum = 0;
        for (size_t c = 0; c < t->classes; c++)
            if (share[c] > 0) sum += likelihood(t, index, n, c, logit + c * n, here, share[c]);
        if (sum > most) most = sum, slope = here;
    }
    *common = 0;
    for (size_t c = 0; status == AFFECT_OK && n && c < t->classes; c++) {
        if (share[c] <= 0) continue; /* nothing is known of it */
        double *of = logit + c * n;
        own[c] = best_cut(of, n, slope, intercept_of(of, n, slope, share[c]));
        *common += own[c];
        labels++;
    }
    if (labels) *common /= (double)labels;
    for (size_t c = 0; status == AFFECT_OK && id >= 0 && labels && c < t->classes; c++)
        if (share[c] > 0 && fabs(*common - own[c]) > near)
            values[params->items[id].offset + c] += (float)(*common - own[c]);
    base_free(index);
    base_free(outputs);
    base_free(logit);
    return status;
}
