/* What a set of outputs is worth, and the temperature that calibrates it (Guo et al. 2017). */
#include <math.h>
#include <string.h>

#include "cli/train.h"

enum { BINS = 15 };

/* Softmax of one row at a temperature, in double. */
static void posterior(const float *logits, size_t n, double temperature, double *p) {
    double top = logits[0], sum = 0;
    for (size_t i = 1; i < n; i++) top = BASE_MAX(top, (double)logits[i]);
    for (size_t i = 0; i < n; i++) sum += p[i] = exp((logits[i] - top) / temperature);
    for (size_t i = 0; i < n; i++) p[i] /= sum;
}

void train_score(const train_set *s, const float *logits, size_t outputs, double temperature,
                 train_scores *out) {
    *out = (train_scores){0};
    size_t c = s->classes, width = s->classes + s->values;
    double p[64], hits[64] = {0}, seen[64] = {0};
    double bin_sum[BINS] = {0}, bin_hit[BINS] = {0};
    for (size_t r = 0; r < s->count; r++) {
        if (s->gold[r] < 0) continue;
        posterior(logits + r * outputs, c, temperature, p);
        size_t best = 0;
        for (size_t i = 0; i < c; i++) {
            if (p[i] > p[best]) best = i;
            double t = s->target[r * width + i];
            if (t > 0) out->loss -= t * log(BASE_MAX(p[i], 1e-30));
        }
        bool hit = (int32_t)best == s->gold[r];
        seen[s->gold[r]]++;
        hits[s->gold[r]] += hit;
        out->accuracy += hit;
        size_t bin = BASE_MIN((size_t)(p[best] * BINS), (size_t)BINS - 1);
        bin_sum[bin] += p[best];
        bin_hit[bin] += hit;
        out->scored++;
    }
    if (!out->scored) return;
    double n = (double)out->scored, present = 0;
    for (size_t i = 0; i < c; i++) {
        if (seen[i] > 0) {
            out->uar += hits[i] / seen[i];
            present++;
        }
        out->majority = BASE_MAX(out->majority, seen[i] / n);
    }
    out->uar /= present;
    out->loss /= n;
    out->accuracy /= n;
    for (int b = 0; b < BINS; b++) out->ece += fabs(bin_sum[b] - bin_hit[b]) / n;
}

double train_temperature(const train_set *s, const float *logits, size_t outputs) {
    const double ratio = .6180339887498949;
    double low = log(.2), high = log(5.), a = high - ratio * (high - low),
           b = low + ratio * (high - low);
    train_scores at_a, at_b;
    train_score(s, logits, outputs, exp(a), &at_a);
    train_score(s, logits, outputs, exp(b), &at_b);
    for (int i = 0; i < 40; i++) {
        if (at_a.loss < at_b.loss) {
            high = b;
            b = a;
            at_b = at_a;
            a = high - ratio * (high - low);
            train_score(s, logits, outputs, exp(a), &at_a);
        } else {
            low = a;
            a = b;
            at_a = at_b;
            b = low + ratio * (high - low);
            train_score(s, logits, outputs, exp(b), &at_b);
        }
    }
    return exp((low + high) / 2);
}
