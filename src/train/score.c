/* What a set of outputs is worth, and the temperature that calibrates it (Guo et al. 2017). */
#include <math.h>
#include <string.h>

#include "affect/score.h"
#include "train/train.h"

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

/* ---- labels of the data ---- */

/* Which of the network's labels some sample of the whole set has; returns how many. */
static size_t labels_present(const train_set *s, bool present[MAX_CLASSES]) {
    size_t count = 0;
    memset(present, 0, MAX_CLASSES * sizeof *present);
    for (size_t r = 0; r < s->count; r++)
        for (size_t i = 0; i < s->spec.classes; i++)
            present[i] |=
                s->spec.multi_label ? s->target[r * s->width + i] > .5f : s->gold[r] == (int32_t)i;
    for (size_t i = 0; i < s->spec.classes; i++) count += present[i];
    return count;
}

/* ---- one class a sample ---- */

static affect_status score_single(const train_set *s, const float *logits, double temperature,
                                  const uint32_t *index, size_t n, train_scores *out) {
    size_t c = s->spec.classes, clear = 0, clear_hits = 0;
    double *p = base_alloc((n + 1) * c * sizeof *p);
    int32_t *gold = base_alloc((n + 1) * sizeof *gold), *said = base_alloc((n + 1) * sizeof *said);
    affect_score_confusion confusion = {0};
    affect_status status = p && gold && said ? affect_score_confusion_init(s->ctx, c, &confusion)
                                             : base_fail_memory(s->ctx);
    for (size_t k = 0; status == AFFECT_OK && k < n; k++) {
        size_t r = index ? index[k] : k, at = out->scored;
        if (s->gold[r] < 0) {
            out->skipped++;
            continue;
        }
        posterior(logits + r * s->width, c, temperature, p + at * c);
        int32_t best = 0;
        for (size_t i = 1; i < c; i++)
            if (p[at * c + i] > p[at * c + (size_t)best]) best = (int32_t)i;
        gold[at] = s->gold[r];
        said[at] = best;
        if (s->clear && s->clear[r]) {
            clear++;
            clear_hits += best == s->gold[r];
        }
        out->scored++;
    }
    if (status == AFFECT_OK)
        status = affect_score_confusion_add(s->ctx, &confusion, gold, said, out->scored);
    if (status == AFFECT_OK && out->scored) {
        affect_score_classes all;
        /* Labels that the data do not have say nothing about the network. */
        affect_score_classes_from(&confusion, AFFECT_SCORE_CLASSES_GOLD, &all, NULL);
        affect_score_calibration calibration;
        affect_score_calibration_from(p, gold, out->scored, c, BINS, &calibration, NULL);
        out->accuracy = all.accuracy;
        out->uar = all.uar;
        out->weighted_f1 = all.weighted_f1;
        out->macro_f1 = all.macro_f1;
        out->majority = all.majority_accuracy;
        out->ece = calibration.ece;
        out->brier = calibration.brier;
        out->clear_accuracy = clear ? (double)clear_hits / (double)clear : (double)NAN;
    }
    affect_score_confusion_clear(&confusion);
    base_free(p);
    base_free(gold);
    base_free(said);
    return status;
}

/* ---- several labels a sample ---- */

/* Of label `i`, where it is known: is it not (0) or is it (1), in gold and as said above `cut`.
 * Adds to `pooled` unless NULL. */
static affect_status add_label(const train_set *s, const float *logits, double cut,
                               const uint32_t *index, size_t n, size_t i, int32_t *scratch,
                               affect_score_confusion *pooled, affect_score_class *out) {
    int32_t *gold = scratch, *said = scratch + n;
    size_t known = 0;
    for (size_t k = 0; k < n; k++) {
        size_t at = (index ? index[k] : k) * s->width + i;
        if (s->target[at] < 0) continue;
        gold[known] = s->target[at] > .5f;
        said[known++] = logits[at] > cut;
    }
    affect_score_confusion confusion;
    affect_status status = affect_score_confusion_init(s->ctx, 2, &confusion);
    if (status == AFFECT_OK)
        status = affect_score_confusion_add(s->ctx, &confusion, gold, said, known);
    if (status == AFFECT_OK && pooled)
        status = affect_score_confusion_add(s->ctx, pooled, gold, said, known);
    if (status == AFFECT_OK) {
        affect_score_class both[2];
        affect_score_classes all;
        affect_score_classes_from(&confusion, AFFECT_SCORE_CLASSES_ALL, &all, both);
        *out = both[1];
    }
    affect_score_confusion_clear(&confusion);
    return status;
}

static affect_status multi_f1(const train_set *s, const float *logits, double temperature,
                              double threshold, const uint32_t *index, size_t n, int32_t *scratch,
                              double *macro, double *micro) {
    bool present[MAX_CLASSES];
    size_t count = labels_present(s, present);
    double cut = log(threshold / (1 - threshold)) * temperature;
    affect_score_confusion pooled;
    affect_status status = affect_score_confusion_init(s->ctx, 2, &pooled);
    *macro = *micro = 0;
    for (size_t i = 0; status == AFFECT_OK && i < s->spec.classes; i++) {
        affect_score_class one;
        status = add_label(s, logits, cut, index, n, i, scratch, &pooled, &one);
        if (status == AFFECT_OK && present[i]) *macro += one.f1 / (double)count;
    }
    if (status == AFFECT_OK) {
        affect_score_class both[2];
        affect_score_classes all;
        affect_score_classes_from(&pooled, AFFECT_SCORE_CLASSES_ALL, &all, both);
        *micro = both[1].f1;
    }
    affect_score_confusion_clear(&pooled);
    return status;
}

static affect_status score_multi(const train_set *s, const float *logits, double temperature,
                                 double threshold, const uint32_t *index, size_t n,
                                 train_scores *out) {
    int32_t *scratch = base_alloc((2 * n + 1) * sizeof *scratch);
    affect_status status = scratch ? AFFECT_OK : base_fail_memory(s->ctx);
    if (threshold <= 0) {
        double best = -1;
        for (double t = .05; status == AFFECT_OK && t < .8; t += .01) {
            double macro, micro;
            status = multi_f1(s, logits, temperature, t, index, n, scratch, &macro, &micro);
            if (macro > best) {
                best = macro;
                threshold = t;
            }
        }
    }
    out->threshold = threshold;
    if (status == AFFECT_OK)
        status = multi_f1(s, logits, temperature, threshold, index, n, scratch, &out->macro_f1,
                          &out->micro_f1);
    base_free(scratch);
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
    bool present[MAX_CLASSES];
    size_t count = labels_present(s, present);
    out->majority = count ? 2 * most / (1 + most) / (double)count : 0;
    return status;
}

/* ---- values ---- */

static affect_status score_values(const train_set *s, const float *logits, const uint32_t *index,
                                  size_t n, train_scores *out) {
    double *gold = base_alloc((2 * n + 1) * sizeof *gold), *said = gold ? gold + n : NULL;
    affect_status status = gold ? AFFECT_OK : base_fail_memory(s->ctx);
    for (size_t v = 0; status == AFFECT_OK && v < BASE_MIN(s->spec.values, (size_t)3); v++) {
        size_t known = 0;
        for (size_t k = 0; k < n; k++) {
            size_t at = (index ? index[k] : k) * s->width + s->spec.classes + v;
            if (isnan(s->target[at])) continue;
            gold[known] = s->target[at];
            said[known++] = logits[at];
        }
        out->r[v] = out->ccc[v] = out->rmse[v] = NAN;
        if (known < 2) continue;
        affect_score_regression all;
        status =
            affect_score_regression_from(s->ctx, gold, said, known, AFFECT_SCORE_POPULATION, &all);
        /* of what does not vary there is no correlation; a run that is to get better counts it 0 */
        out->r[v] = isnan(all.pearson) ? 0 : all.pearson;
        out->ccc[v] = isnan(all.ccc) ? 0 : all.ccc;
        out->rmse[v] = all.rmse;
    }
    base_free(gold);
    return status;
}

affect_status train_score(const train_set *s, const float *logits, double temperature,
                          double threshold, const uint32_t *index, size_t n, train_scores *out) {
    *out = (train_scores){0};
    if (!index) n = s->count;
    affect_status status = AFFECT_OK;
    out->loss = soft_loss(s, logits, temperature, index, n);
    if (s->spec.multi_label)
        status = score_multi(s, logits, temperature, threshold, index, n, out);
    else
        status = score_single(s, logits, temperature, index, n, out);
    if (status == AFFECT_OK && s->spec.values) status = score_values(s, logits, index, n, out);
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
    double ece_sum, ece_count; /* over the rounds of the bootstrap */
} metric_user;

enum { ECE = 6, PLAIN = 8, METRICS = PLAIN + 9 };
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
    metric_user *u = user;
    train_scores m;
    if (train_score(u->set, u->logits, u->temperature, u->threshold, index, n, &m) != AFFECT_OK)
        return false;
    u->ece_sum += m.ece;
    u->ece_count++;
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
    int32_t *scratch = base_alloc((2 * s->count + 1) * sizeof *scratch);
    affect_score_confusion confusion;
    affect_status status = affect_score_confusion_init(s->ctx, c, &confusion);
    if (status == AFFECT_OK && !scratch) status = base_fail_memory(s->ctx);
    for (size_t i = 0; status == AFFECT_OK && s->spec.multi_label && i < c; i++)
        status = add_label(s, logits, cut, NULL, s->count, i, scratch, NULL, &rows[i]);
    base_free(scratch);
    for (size_t r = 0; status == AFFECT_OK && !s->spec.multi_label && r < s->count; r++) {
        const float *x = logits + r * s->width;
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
    if (status != AFFECT_OK) {
        affect_score_confusion_clear(&confusion);
        return status;
    }
    base_text_append(json, "  \"classes\": [");
    base_text_printf(text, "%-16s %9s %9s %9s %8s\n", "class", "precision", "recall", "F1",
                     "samples");
    for (size_t i = 0; i < c; i++) {
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

/* A data set with fewer labels than the network: the averages are over those that occur. */
static void say_labels(const train_set *s, base_text *json, base_text *text) {
    bool present[MAX_CLASSES];
    size_t count = labels_present(s, present), said = 0;
    if (!s->spec.classes) return;
    base_text_printf(json, "  \"labels\": %zu,\n  \"labels_present\": %zu,\n", s->spec.classes,
                     count);
    if (count == s->spec.classes) return;
    base_text_printf(
        text, "averages are over the %zu of %zu labels that occur in the data; not there:", count,
        s->spec.classes);
    for (size_t i = 0; i < s->spec.classes; i++)
        if (!present[i]) base_text_printf(text, "%s %s", said++ ? "," : "", s->spec.labels[i]);
    base_text_append(text, "\n");
}

/* The same where the network may answer only what the data ask: an answer outside counts as wrong
 * above, here the others share its probability. */
static affect_status renormalised(const train_set *s, const float *logits, double temperature,
                                  base_text *json, base_text *text) {
    bool present[MAX_CLASSES];
    size_t count = labels_present(s, present);
    if (s->spec.multi_label || count < 2 || count == s->spec.classes) return AFFECT_OK;
    float *masked = base_alloc(s->count * s->width * sizeof *masked);
    if (!masked) return base_fail_memory(s->ctx);
    memcpy(masked, logits, s->count * s->width * sizeof *masked);
    for (size_t r = 0; r < s->count; r++)
        for (size_t i = 0; i < s->spec.classes; i++)
            if (!present[i]) masked[r * s->width + i] = -1e30F;
    train_scores m;
    affect_status status = train_score(s, masked, temperature, 0, NULL, 0, &m);
    base_free(masked);
    if (status != AFFECT_OK) return status;
    base_text_printf(json,
                     "  \"renormalised\": {\"accuracy\": %.17g, \"uar\": %.17g, \"macro_f1\": "
                     "%.17g, \"ece\": %.17g},\n",
                     m.accuracy, m.uar, m.macro_f1, m.ece);
    base_text_printf(text,
                     "renormalised to those labels: accuracy %.4f, uar %.4f, macro_f1 %.4f, ece "
                     "%.4f (elsewhere an answer outside them counts as wrong)\n",
                     m.accuracy, m.uar, m.macro_f1, m.ece);
    return AFFECT_OK;
}

/* A network of several labels on data that have one each: what it says loudest of what the data ask. */
static affect_status strongest(const train_set *s, const float *logits, base_text *json,
                               base_text *text) {
    bool present[MAX_CLASSES], one = s->spec.multi_label && labels_present(s, present) > 1;
    for (size_t r = 0; one && r < s->count; r++) one = s->gold[r] >= 0;
    if (!one) return AFFECT_OK;
    float *masked = base_alloc(s->count * s->width * sizeof *masked);
    if (!masked) return base_fail_memory(s->ctx);
    for (size_t r = 0; r < s->count; r++)
        for (size_t i = 0; i < s->width; i++)
            masked[r * s->width + i] =
                i < s->spec.classes && !present[i] ? -1e30F : logits[r * s->width + i];
    train_set single = *s;
    single.spec.multi_label = false;
    train_scores m;
    affect_status status = train_score(&single, masked, 1, 0, NULL, 0, &m);
    base_free(masked);
    if (status != AFFECT_OK) return status;
    base_text_printf(json,
                     "  \"strongest\": {\"accuracy\": %.17g, \"uar\": %.17g, \"weighted_f1\": "
                     "%.17g, \"majority\": %.17g},\n",
                     m.accuracy, m.uar, m.weighted_f1, m.majority);
    base_text_printf(text,
                     "strongest label: accuracy %.4f (majority %.4f), uar %.4f, weighted_f1 %.4f\n",
                     m.accuracy, m.majority, m.uar, m.weighted_f1);
    return AFFECT_OK;
}

/* Fewer distinct samples look worse calibrated: the ECE of a round is above that of the set by about as
 * much as the set's is above the truth. Moved by that, the interval is around what it belongs to. */
static void centre_ece(const metric_user *user, const double *values,
                       affect_score_interval *intervals) {
    if (!(user->ece_count > 0) || user->set->spec.multi_label) return;
    double bias = user->ece_sum / user->ece_count - values[ECE];
    intervals[ECE].low = fmax(intervals[ECE].low - bias, 0);
    intervals[ECE].high -= bias;
}

/* The name of metric i; false where there is none. */
static bool metric_name(const train_set *s, int i, char out[80]) {
    const char *const *names = s->spec.multi_label ? multi_names : single_names;
    size_t value = i < PLAIN ? 0 : (size_t)(i - PLAIN) % 3;
    if (i < PLAIN ? !names[i] : value >= s->spec.values) return false;
    if (i < PLAIN)
        snprintf(out, 80, "%s", names[i]);
    else
        snprintf(out, 80, "%s_%s", value_names[(i - PLAIN) / 3],
                 s->spec.labels[s->spec.classes + value]);
    return true;
}

/* ---- groups ---- */

typedef struct group_user {
    metric_user whole;
    uint32_t *items, *drawn; /* of the group by place; of a draw */
    size_t room;
} group_user;

static bool group_metric(void *user, const uint32_t *index, size_t n, double *out) {
    group_user *g = user;
    if (n > g->room) { /* units differ in size */
        uint32_t *larger = base_realloc(g->drawn, (n + n / 4) * sizeof *larger);
        if (!larger) return false;
        g->drawn = larger;
        g->room = n + n / 4;
    }
    for (size_t i = 0; i < n; i++) g->drawn[i] = g->items[index[i]];
    return metric(&g->whole, g->drawn, n, out);
}

/* One group's values and intervals, drawing its own units. */
static affect_status one_group(const train_set *s, group_user *g, int32_t group,
                               const int32_t *unit, size_t rounds, int32_t *own, size_t *count,
                               double *values, affect_score_interval *intervals) {
    size_t n = 0, units = 0;
    int32_t *number = base_alloc((s->count + 1) * sizeof *number);
    if (!number) return base_fail_memory(s->ctx);
    for (size_t i = 0; i < s->count; i++) number[i] = -1;
    for (size_t i = 0; i < s->count; i++) {
        if (s->by[i] != group) continue;
        int32_t *mine = &number[unit[i]];
        if (*mine < 0) *mine = (int32_t)units++;
        own[n] = *mine;
        g->items[n++] = (uint32_t)i;
    }
    base_free(number);
    *count = n;
    for (int i = 0; i < METRICS; i++) {
        values[i] = NAN;
        intervals[i] = (affect_score_interval){NAN, NAN};
    }
    if (!metric(&g->whole, g->items, n, values) || !rounds) return AFFECT_OK;
    g->whole.ece_sum = g->whole.ece_count = 0;
    affect_status status = affect_score_bootstrap(s->ctx, own, n, units, rounds, 1, .95,
                                                  group_metric, g, METRICS, intervals);
    if (status == AFFECT_OK) centre_ece(&g->whole, values, intervals);
    return status;
}

static void json_interval(base_text *json, affect_score_interval interval) {
    base_text_append(json, ", \"low\": ");
    json_number(json, interval.low);
    base_text_append(json, ", \"high\": ");
    json_number(json, interval.high);
}

static void put_gap(const train_set *s, int i, const double *values,
                    const affect_score_interval *intervals, bool first, base_text *json,
                    base_text *text) {
    char name[80];
    affect_score_gap gap;
    affect_score_gap_from(values + i, intervals + i, s->by_count, METRICS, &gap);
    if (!metric_name(s, i, name) || isnan(gap.gap)) return;
    const char *high = s->by_names[gap.highest], *low = s->by_names[gap.lowest];
    base_text_printf(json, "%s\n    \"%s\": {\"gap\": %.17g", first ? "" : ",", name, gap.gap);
    json_interval(json, gap.interval);
    base_text_append(json, ", \"highest\": ");
    base_text_append_json(json, high);
    base_text_append(json, ", \"lowest\": ");
    base_text_append_json(json, low);
    base_text_append(json, "}");
    base_text_printf(text, "%-16s largest gap %.4f", name, gap.gap);
    if (isfinite(gap.interval.low))
        base_text_printf(text, " (%.4f to %.4f)", gap.interval.low, gap.interval.high);
    base_text_append(text, ": ");
    base_text_append_clean(text, high);
    base_text_append(text, " over ");
    base_text_append_clean(text, low);
    base_text_append(text, "\n");
}

static void put_group(const train_set *s, size_t k, size_t count, const double *values,
                      const affect_score_interval *intervals, base_text *json, base_text *text) {
    base_text_append(json, k ? ",\n    " : "\n    ");
    base_text_append_json(json, s->by_names[k]);
    base_text_printf(json, ": {\"samples\": %zu", count);
    base_text_append_clean(text, s->by_names[k]);
    base_text_printf(text, ": %zu samples\n", count);
    for (int i = 0; i < METRICS; i++) {
        char name[80];
        if (!metric_name(s, i, name) || isnan(values[i])) continue;
        base_text_printf(json, ", \"%s\": {\"value\": %.17g", name, values[i]);
        json_interval(json, intervals[i]);
        base_text_append(json, "}");
        base_text_printf(text, "    %-16s %8.4f", name, values[i]);
        if (!isnan(intervals[i].low))
            base_text_printf(text, "   95%% interval %.4f to %.4f", intervals[i].low,
                             intervals[i].high);
        base_text_append(text, "\n");
    }
    base_text_append(json, "}");
}

/* Figures of each group of spec.by, and the two that lie furthest apart. */
static affect_status report_groups(const train_set *s, const metric_user *whole, size_t rounds,
                                   base_text *json, base_text *text) {
    size_t n = s->by_count;
    group_user g = {*whole, base_alloc((s->count + 1) * sizeof *g.items),
                    base_alloc((s->count + 1) * sizeof *g.drawn), s->count};
    int32_t *unit = base_calloc(s->count + 1, sizeof *unit),
            *own = base_calloc(s->count + 1, sizeof *own);
    double *values = base_alloc(n * METRICS * sizeof *values);
    affect_score_interval *intervals = base_alloc(n * METRICS * sizeof *intervals);
    affect_status status = g.items && g.drawn && unit && own && values && intervals
                               ? AFFECT_OK
                               : base_fail_memory(s->ctx);
    if (status == AFFECT_OK) resampling_units(s, unit);
    base_text_append(json, ",\n  \"groups\": {");
    base_text_append(text, "groups by ");
    base_text_append_clean(text, s->spec.by);
    base_text_append(text, "\n");
    for (size_t k = 0; k < n && status == AFFECT_OK; k++) {
        size_t count = 0;
        status = one_group(s, &g, (int32_t)k, unit, rounds, own, &count, values + k * METRICS,
                           intervals + k * METRICS);
        if (status == AFFECT_OK)
            put_group(s, k, count, values + k * METRICS, intervals + k * METRICS, json, text);
    }
    base_text_append(json, "\n  },\n  \"largest_gap\": {");
    size_t before = json->length;
    for (int i = 0; i < METRICS && status == AFFECT_OK; i++)
        put_gap(s, i, values, intervals, json->length == before, json, text);
    base_text_append(json, "\n  }");
    base_free(g.items);
    base_free(g.drawn);
    base_free(unit);
    base_free(own);
    base_free(values);
    base_free(intervals);
    return status;
}

affect_status train_report(const train_set *s, const float *logits, double temperature,
                           double threshold, size_t rounds, base_text *json, base_text *text) {
    metric_user user = {
        .set = s, .logits = logits, .temperature = temperature, .threshold = threshold};
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
    centre_ece(&user, values, intervals);
    base_text_printf(json,
                     "{\n  \"samples\": %zu,\n  \"scored\": %zu,\n  \"skipped\": %zu,\n  "
                     "\"temperature\": %.6g,\n",
                     s->count, m.scored, m.skipped, temperature);
    base_text_printf(text, "%zu samples, %zu scored, %zu without a single known class\n", s->count,
                     m.scored, m.skipped);
    say_labels(s, json, text);
    if (s->spec.multi_label) {
        base_text_printf(json, "  \"threshold\": %.4f,\n", threshold);
        base_text_printf(text, "threshold %.2f\n", threshold);
    }
    base_text_append(json, "  \"metrics\": {");
    bool first = true;
    for (int i = 0; i < METRICS; i++) {
        char name[80];
        if (!metric_name(s, i, name) || isnan(values[i])) continue;
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
    status = renormalised(s, logits, temperature, json, text);
    if (status == AFFECT_OK) status = strongest(s, logits, json, text);
    if (status == AFFECT_OK)
        status = per_class(s, logits, temperature, threshold > 0 ? threshold : .5, json, text);
    if (status == AFFECT_OK && s->by_count) status = report_groups(s, &user, rounds, json, text);
    base_text_append(json, "\n}\n");
    if (status == AFFECT_OK && (json->failed || text->failed)) status = base_fail_memory(s->ctx);
    return status;
}
