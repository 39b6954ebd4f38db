/* What a set of outputs is worth, and the temperature that calibrates it (Guo et al. 2017). */
#include <math.h>
#include <string.h>

#include "affect/score.h"
#include "cli/train.h"

enum { BINS = 15, MAX_CLASSES = 64 };

static double sigmoid(double x) { return x > 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

/* Softmax of one row at a temperature, in double. */
static void posterior(const float *logits, size_t n, double temperature, double *p) {
    double top = logits[0], sum = 0;
    for (size_t i = 1; i < n; i++) top = fmax(top, (double)logits[i]);
    for (size_t i = 0; i < n; i++) sum += p[i] = exp((logits[i] - top) / temperature);
    for (size_t i = 0; i < n; i++) p[i] /= sum;
}

/* Mean cross-entropy over the chosen samples that have a target; the measure of calibration. */
static double soft_loss(const train_set *s, const float *logits, double temperature,
                        const uint32_t *index, size_t n) {
    double loss = 0, scored = 0, p[MAX_CLASSES];
    for (size_t k = 0; k < n; k++) {
        size_t r = index ? index[k] : k;
        const float *x = logits + r * s->width, *t = s->target + r * s->width;
        double mass = 0, part = 0;
        if (!s->spec.multi_label) posterior(x, s->spec.classes, temperature, p);
        for (size_t i = 0; i < s->spec.classes; i++) {
            if (t[i] < 0) continue;
            if (s->spec.multi_label) {
                double q = fmin(fmax(sigmoid(x[i] / temperature), 1e-12), 1 - 1e-12);
                part -= t[i] * log(q) + (1 - t[i]) * log(1 - q);
                mass = 1;
            } else {
                mass += t[i];
                if (t[i] > 0) part -= t[i] * log(fmax(p[i], 1e-30));
            }
        }
        if (mass <= 0) continue;
        loss += part;
        scored++;
    }
    return scored > 0 ? loss / scored : (double)NAN;
}

/* ---- one class a sample ---- */

static affect_status score_single(const train_set *s, const float *logits, double temperature,
                                  const uint32_t *index, size_t n, train_scores *out) {
    size_t c = s->spec.classes;
    double p[MAX_CLASSES], bin_sum[BINS] = {0}, bin_hit[BINS] = {0}, clear = 0, clear_hits = 0;
    affect_score_confusion confusion;
    affect_status status = affect_score_confusion_init(s->ctx, c, &confusion);
    for (size_t k = 0; status == AFFECT_OK && k < n; k++) {
        size_t r = index ? index[k] : k;
        if (s->gold[r] < 0) {
            out->skipped++;
            continue;
        }
        posterior(logits + r * s->width, c, temperature, p);
        int32_t best = 0;
        for (size_t i = 0; i < c; i++) {
            if (p[i] > p[best]) best = (int32_t)i;
            double miss = p[i] - ((int32_t)i == s->gold[r]);
            out->brier += miss * miss;
        }
        status = affect_score_confusion_add(s->ctx, &confusion, &s->gold[r], &best, 1);
        size_t bin = BASE_MIN((size_t)(p[best] * BINS), (size_t)BINS - 1);
        bin_sum[bin] += p[best];
        bin_hit[bin] += best == s->gold[r];
        if (s->clear && s->clear[r]) {
            clear++;
            clear_hits += best == s->gold[r];
        }
        out->scored++;
    }
    if (status == AFFECT_OK && out->scored) {
        affect_score_classes all;
        affect_score_classes_from(&confusion, AFFECT_SCORE_CLASSES_UNION, &all, NULL);
        out->accuracy = all.accuracy;
        out->uar = all.uar;
        out->weighted_f1 = all.weighted_f1;
        out->macro_f1 = all.macro_f1;
        out->majority = all.majority_accuracy;
        for (int b = 0; b < BINS; b++)
            out->ece += fabs(bin_sum[b] - bin_hit[b]) / (double)out->scored;
        out->brier /= (double)out->scored;
        out->clear_accuracy = clear > 0 ? clear_hits / clear : (double)NAN;
    }
    affect_score_confusion_clear(&confusion);
    return status;
}

/* ---- several labels a sample ---- */

static void multi_f1(const train_set *s, const float *logits, double temperature, double threshold,
                     const uint32_t *index, size_t n, double *macro, double *micro) {
    double tp[MAX_CLASSES] = {0}, fp[MAX_CLASSES] = {0}, fn[MAX_CLASSES] = {0};
    double cut = log(threshold / (1 - threshold)) * temperature, all[3] = {0};
    for (size_t k = 0; k < n; k++) {
        size_t r = index ? index[k] : k;
        for (size_t i = 0; i < s->spec.classes; i++) {
            float t = s->target[r * s->width + i];
            if (t < 0) continue;
            bool said = logits[r * s->width + i] > cut;
            tp[i] += said && t > .5f;
            fp[i] += said && t <= .5f;
            fn[i] += !said && t > .5f;
        }
    }
    *macro = 0;
    for (size_t i = 0; i < s->spec.classes; i++) {
        double below = 2 * tp[i] + fp[i] + fn[i];
        *macro += below > 0 ? 2 * tp[i] / below / (double)s->spec.classes : 0;
        all[0] += tp[i];
        all[1] += fp[i];
        all[2] += fn[i];
    }
    double below = 2 * all[0] + all[1] + all[2];
    *micro = below > 0 ? 2 * all[0] / below : 0;
}

static void score_multi(const train_set *s, const float *logits, double temperature,
                        double threshold, const uint32_t *index, size_t n, train_scores *out) {
    if (threshold <= 0) {
        double best = -1;
        for (double t = .05; t < .8; t += .01) {
            double macro, micro;
            multi_f1(s, logits, temperature, t, index, n, &macro, &micro);
            if (macro > best) {
                best = macro;
                threshold = t;
            }
        }
    }
    out->threshold = threshold;
    multi_f1(s, logits, temperature, threshold, index, n, &out->macro_f1, &out->micro_f1);
    double share[MAX_CLASSES] = {0}, most = 0;
    for (size_t k = 0; k < n; k++) {
        size_t r = index ? index[k] : k;
        bool known = false;
        for (size_t i = 0; i < s->spec.classes; i++) {
            float t = s->target[r * s->width + i];
            known |= t >= 0;
            share[i] += t > .5f;
        }
        out->scored += known;
        out->skipped += !known;
    }
    for (size_t i = 0; i < s->spec.classes && out->scored; i++)
        most = fmax(most, share[i] / (double)out->scored);
    /* always the most frequent label: F1 of that label 2p/(1+p), 0 for the others */
    out->majority = 2 * most / (1 + most) / (double)s->spec.classes;
}

/* ---- values ---- */

static void score_values(const train_set *s, const float *logits, const uint32_t *index, size_t n,
                         train_scores *out) {
    for (size_t v = 0; v < BASE_MIN(s->spec.values, (size_t)3); v++) {
        double m = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0, square = 0;
        for (size_t k = 0; k < n; k++) {
            size_t at = (index ? index[k] : k) * s->width + s->spec.classes + v;
            if (isnan(s->target[at])) continue;
            double x = logits[at], y = s->target[at];
            m++;
            mx += x;
            my += y;
            xx += x * x;
            yy += y * y;
            xy += x * y;
            square += (x - y) * (x - y);
        }
        out->r[v] = out->ccc[v] = out->rmse[v] = NAN;
        if (m < 2) continue;
        double vx = xx / m - mx * mx / m / m, vy = yy / m - my * my / m / m, gap = (mx - my) / m;
        double cov = xy / m - mx * my / m / m;
        out->r[v] = cov / sqrt(fmax(vx * vy, 1e-30));
        out->ccc[v] = 2 * cov / fmax(vx + vy + gap * gap, 1e-30);
        out->rmse[v] = sqrt(square / m);
    }
}

affect_status train_score(const train_set *s, const float *logits, double temperature,
                          double threshold, const uint32_t *index, size_t n, train_scores *out) {
    *out = (train_scores){0};
    if (!index) n = s->count;
    affect_status status = AFFECT_OK;
    out->loss = soft_loss(s, logits, temperature, index, n);
    if (s->spec.multi_label)
        score_multi(s, logits, temperature, threshold, index, n, out);
    else
        status = score_single(s, logits, temperature, index, n, out);
    score_values(s, logits, index, n, out);
    return status;
}

/* What the temperature is to make least. */
static double class_loss(const train_set *s, const float *logits, double temperature) {
    double loss = 0, scored = 0, p[MAX_CLASSES];
    for (size_t r = 0; r < s->count; r++) {
        if (s->gold[r] < 0) continue;
        posterior(logits + r * s->width, s->spec.classes, temperature, p);
        loss -= log(fmax(p[s->gold[r]], 1e-30));
        scored++;
    }
    return scored > 0 ? loss / scored : (double)NAN;
}

static double loss_at(const train_set *s, const float *logits, bool by_class, double exponent) {
    return by_class && !s->spec.multi_label ? class_loss(s, logits, exp(exponent))
                                            : soft_loss(s, logits, exp(exponent), NULL, s->count);
}

double train_temperature(const train_set *s, const float *logits, bool by_class) {
    const double ratio = .6180339887498949;
    double low = log(.2), high = log(5.), a = high - ratio * (high - low),
           b = low + ratio * (high - low);
    double at_a = loss_at(s, logits, by_class, a), at_b = loss_at(s, logits, by_class, b);
    if (isnan(at_a)) return 1;
    for (int i = 0; i < 40; i++) {
        if (at_a < at_b) {
            high = b;
            b = a;
            at_b = at_a;
            a = high - ratio * (high - low);
            at_a = loss_at(s, logits, by_class, a);
        } else {
            low = a;
            a = b;
            at_a = at_b;
            b = low + ratio * (high - low);
            at_b = loss_at(s, logits, by_class, b);
        }
    }
    return exp((low + high) / 2);
}

/* ---- the report ---- */

typedef struct metric_user {
    const train_set *set;
    const float *logits;
    double temperature, threshold;
} metric_user;

enum { PLAIN = 8, METRICS = PLAIN + 9 };
static const char *const single_names[PLAIN] = {
    "accuracy", "accuracy_clear", "uar", "weighted_f1", "macro_f1", "nll", "ece", "brier"};
static const char *const multi_names[PLAIN] = {"macro_f1", "micro_f1", "nll"};
static const char *const value_names[3] = {"r", "ccc", "rmse"}; /* each of up to three values */

static void metric_list(const train_set *s, const train_scores *m, double out[METRICS]) {
    for (int i = 0; i < METRICS; i++) out[i] = NAN;
    if (s->spec.multi_label) {
        out[0] = m->macro_f1;
        out[1] = m->micro_f1;
        out[2] = m->loss;
    } else {
        const double all[PLAIN] = {m->accuracy, m->clear_accuracy, m->uar, m->weighted_f1,
                                   m->macro_f1, m->loss,           m->ece, m->brier};
        memcpy(out, all, sizeof all);
    }
    for (size_t v = 0; v < BASE_MIN(s->spec.values, (size_t)3); v++) {
        out[PLAIN + v] = m->r[v];
        out[PLAIN + 3 + v] = m->ccc[v];
        out[PLAIN + 6 + v] = m->rmse[v];
    }
}

static bool metric(void *user, const uint32_t *index, size_t n, double *out) {
    const metric_user *u = user;
    train_scores m;
    if (train_score(u->set, u->logits, u->temperature, u->threshold, index, n, &m) != AFFECT_OK)
        return false;
    metric_list(u->set, &m, out);
    return true;
}

static void json_number(base_text *json, double v) {
    if (isfinite(v))
        base_text_printf(json, "%.17g", v);
    else
        base_text_append(json, "null");
}

/* Rows per class: precision, recall, F1, how many. */
static affect_status per_class(const train_set *s, const float *logits, double temperature,
                               double threshold, base_text *json, base_text *text) {
    size_t c = s->spec.classes;
    double cut = log(threshold / (1 - threshold)) * temperature;
    affect_score_class rows[MAX_CLASSES] = {0};
    int64_t counts[MAX_CLASSES][2] = {{0}}; /* true positives, false positives */
    affect_score_confusion confusion;
    affect_status status = affect_score_confusion_init(s->ctx, c, &confusion);
    for (size_t r = 0; status == AFFECT_OK && r < s->count; r++) {
        const float *x = logits + r * s->width, *t = s->target + r * s->width;
        if (s->spec.multi_label) {
            for (size_t i = 0; i < c; i++) {
                rows[i].support += t[i] > .5f;
                rows[i].predicted += t[i] >= 0 && x[i] > cut;
                counts[i][0] += t[i] > .5f && x[i] > cut;
            }
            continue;
        }
        if (s->gold[r] < 0) continue;
        int32_t best = 0;
        for (size_t i = 1; i < c; i++)
            if (x[i] > x[best]) best = (int32_t)i;
        status = affect_score_confusion_add(s->ctx, &confusion, &s->gold[r], &best, 1);
    }
    if (status == AFFECT_OK && !s->spec.multi_label) {
        affect_score_classes all;
        affect_score_classes_from(&confusion, AFFECT_SCORE_CLASSES_ALL, &all, rows);
    }
    base_text_append(json, "  \"classes\": [");
    base_text_printf(text, "%-16s %9s %9s %9s %8s\n", "class", "precision", "recall", "F1",
                     "samples");
    for (size_t i = 0; i < c; i++) {
        if (s->spec.multi_label) {
            rows[i].precision =
                rows[i].predicted ? (double)counts[i][0] / (double)rows[i].predicted : 0;
            rows[i].recall = rows[i].support ? (double)counts[i][0] / (double)rows[i].support : 0;
            double sum = rows[i].precision + rows[i].recall;
            rows[i].f1 = sum > 0 ? 2 * rows[i].precision * rows[i].recall / sum : 0;
        }
        base_text_printf(
            json,
            "%s\n    {\"label\": \"%s\", \"precision\": %.6f, \"recall\": %.6f, \"f1\": "
            "%.6f, \"support\": %lld}",
            i ? "," : "", s->spec.labels[i], rows[i].precision, rows[i].recall, rows[i].f1,
            (long long)rows[i].support);
        base_text_printf(text, "%-16s %9.3f %9.3f %9.3f %8lld\n", s->spec.labels[i],
                         rows[i].precision, rows[i].recall, rows[i].f1, (long long)rows[i].support);
    }
    base_text_append(json, "\n  ]");
    if (!s->spec.multi_label) {
        base_text_append(json, ",\n  \"confusion\": [");
        for (size_t i = 0; i < c; i++) {
            base_text_append(json, i ? ", [" : "[");
            for (size_t k = 0; k < c; k++)
                base_text_printf(json, "%s%lld", k ? ", " : "",
                                 (long long)confusion.counts[i * c + k]);
            base_text_append(json, "]");
        }
        base_text_append(json, "]");
    }
    affect_score_confusion_clear(&confusion);
    return status;
}

/* Resampling units: speakers where every sample has one and there are at least five, else samples.
 * Renumbered from 0. */
static size_t resampling_units(const train_set *s, int32_t *unit) {
    enum { LEAST_SPEAKERS = 5 };
    bool grouped = true;
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) grouped &= s->group[i] >= 0;
    for (size_t i = 0; grouped && i < s->count; i++) {
        size_t k = 0;
        while (k < i && s->group[k] != s->group[i]) k++;
        unit[i] = k < i ? unit[k] : (int32_t)count++;
    }
    if (count >= LEAST_SPEAKERS) return count;
    for (size_t i = 0; i < s->count; i++) unit[i] = (int32_t)i;
    return s->count;
}

affect_status train_report(const train_set *s, const float *logits, double temperature,
                           double threshold, size_t rounds, base_text *json, base_text *text) {
    metric_user user = {s, logits, temperature, threshold};
    train_scores m;
    affect_status status = train_score(s, logits, temperature, threshold, NULL, 0, &m);
    if (status != AFFECT_OK) return status;
    user.threshold = threshold = s->spec.multi_label ? m.threshold : threshold;
    double values[METRICS];
    affect_score_interval intervals[METRICS];
    for (int i = 0; i < METRICS; i++) intervals[i] = (affect_score_interval){NAN, NAN};
    metric_list(s, &m, values);
    int32_t *unit = base_calloc(s->count, sizeof *unit);
    if (!unit) return base_fail_memory(s->ctx);
    size_t units = resampling_units(s, unit);
    if (rounds)
        status = affect_score_bootstrap(s->ctx, unit, s->count, units, rounds, 1, .95, metric,
                                        &user, METRICS, intervals);
    base_free(unit);
    if (status != AFFECT_OK) return status;
    const char *const *names = s->spec.multi_label ? multi_names : single_names;
    base_text_printf(json,
                     "{\n  \"samples\": %zu,\n  \"scored\": %zu,\n  \"skipped\": %zu,\n  "
                     "\"temperature\": %.6g,\n",
                     s->count, m.scored, m.skipped, temperature);
    base_text_printf(text, "%zu samples, %zu scored, %zu without a single known class\n", s->count,
                     m.scored, m.skipped);
    if (s->spec.multi_label) {
        base_text_printf(json, "  \"threshold\": %.4f,\n", threshold);
        base_text_printf(text, "threshold %.2f\n", threshold);
    }
    base_text_append(json, "  \"metrics\": {");
    bool first = true;
    for (int i = 0; i < METRICS; i++) {
        if ((i < PLAIN && !names[i]) || isnan(values[i])) continue;
        char name[80];
        if (i < PLAIN)
            snprintf(name, sizeof name, "%s", names[i]);
        else
            snprintf(name, sizeof name, "%s_%s", value_names[(i - PLAIN) / 3],
                     s->spec.labels[s->spec.classes + (size_t)(i - PLAIN) % 3]);
        base_text_printf(json, "%s\n    \"%s\": {\"value\": ", first ? "" : ",", name);
        json_number(json, values[i]);
        base_text_append(json, ", \"low\": ");
        json_number(json, intervals[i].low);
        base_text_append(json, ", \"high\": ");
        json_number(json, intervals[i].high);
        base_text_append(json, "}");
        base_text_printf(text, "%-16s %8.4f", name, values[i]);
        if (!isnan(intervals[i].low))
            base_text_printf(text, "   95%% interval %.4f to %.4f", intervals[i].low,
                             intervals[i].high);
        base_text_append(text, "\n");
        first = false;
    }
    base_text_append(json, "\n  },\n");
    first = true;
    for (size_t v = 0; v < BASE_MIN(s->spec.values, BASE_COUNT(m.rmse)); v++) {
        if (isnan(m.rmse[v])) continue; /* what perception states as its error */
        base_text_printf(json, "%s\"%s\": %.6f", first ? "  \"errors\": {" : ", ",
                         s->spec.labels[s->spec.classes + v], m.rmse[v]);
        first = false;
    }
    base_text_printf(json, "%s  \"majority\": %.6f,\n", first ? "" : "},\n", m.majority);
    base_text_printf(text, "%-16s %8.4f   (%s of always saying the most frequent class)\n",
                     "majority", m.majority, s->spec.multi_label ? "macro F1" : "accuracy");
    status = per_class(s, logits, temperature, threshold > 0 ? threshold : .5, json, text);
    base_text_append(json, "\n}\n");
    if (status == AFFECT_OK && (json->failed || text->failed)) status = base_fail_memory(s->ctx);
    return status;
}
