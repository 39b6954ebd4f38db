/* Metrics of labelled intervals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/score.h"
#include "base/base.h"

static int compare_segment(const void *a, const void *b) {
    const affect_score_segment *x = a, *y = b;
    if (x->clip != y->clip) return (x->clip > y->clip) - (x->clip < y->clip);
    return (x->t0 > y->t0) - (x->t0 < y->t0);
}

static affect_status sorted_copy(affect_context *ctx, const affect_score_segment *segments,
                                 size_t n, const char *what, bool disjoint,
                                 affect_score_segment **out) {
    *out = base_alloc(n * sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    if (n) memcpy(*out, segments, n * sizeof **out);
    qsort(*out, n, sizeof **out, compare_segment);
    for (size_t i = 0; i < n; i++) {
        const affect_score_segment *s = &(*out)[i];
        if (!(s->t0 <= s->t1))
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                             "%s: a segment of clip %d ends at %g, before it "
                             "starts at %g",
                             what, s->clip, s->t1, s->t0);
        if (disjoint && i && s[-1].clip == s->clip && s->t0 < s[-1].t1)
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                             "%s: two segments of clip %d overlap at %g", what, s->clip, s->t0);
    }
    return AFFECT_OK;
}

affect_status affect_score_eder(affect_context *ctx, const affect_score_segment *gold,
                                size_t gold_count, const affect_score_segment *predicted,
                                size_t predicted_count, const double *clip_duration, size_t clips,
                                double *out) {
    *out = NAN;
    affect_score_segment *g = NULL, *p = NULL;
    affect_status status = sorted_copy(ctx, gold, gold_count, "gold", true, &g);
    if (status == AFFECT_OK)
        status = sorted_copy(ctx, predicted, predicted_count, "predictions", true, &p);
    double agree = 0, total = 0;
    for (size_t i = 0, j = 0; status == AFFECT_OK && i < gold_count && j < predicted_count;) {
        if (g[i].clip == p[j].clip) {
            double overlap = fmin(g[i].t1, p[j].t1) - fmax(g[i].t0, p[j].t0);
            if (overlap > 0 && g[i].label == p[j].label) agree += overlap;
        }
        bool gold_first = g[i].clip != p[j].clip ? g[i].clip < p[j].clip : g[i].t1 <= p[j].t1;
        if (gold_first)
            i++;
        else
            j++;
    }
    for (size_t c = 0; c < clips; c++) total += clip_duration[c];
    if (status == AFFECT_OK && total > 0) *out = 1 - agree / total;
    base_free(g);
    base_free(p);
    return status;
}

/* ---- spotting ---- */

static double iou_of(const affect_score_segment *a, const affect_score_segment *b) {
    double overlap = fmin(a->t1, b->t1) - fmax(a->t0, b->t0);
    double together = fmax(a->t1, b->t1) - fmin(a->t0, b->t0);
    return overlap > 0 && together > 0 ? overlap / together : 0;
}

/* Kuhn's augmenting paths; intervals of a clip are few. */
static bool augment(size_t i, const affect_score_segment *g, const affect_score_segment *p,
                    size_t predicted_count, double iou, int64_t *gold_of, uint8_t *seen) {
    for (size_t j = 0; j < predicted_count; j++) {
        if (seen[j] || p[j].clip != g[i].clip || iou_of(&g[i], &p[j]) < iou) continue;
        seen[j] = 1;
        if (gold_of[j] < 0 ||
            augment((size_t)gold_of[j], g, p, predicted_count, iou, gold_of, seen)) {
            gold_of[j] = (int64_t)i;
            return true;
        }
    }
    return false;
}

affect_status affect_score_spotting_from(affect_context *ctx, const affect_score_segment *gold,
                                         size_t gold_count, const affect_score_segment *predicted,
                                         size_t predicted_count, double iou, size_t classes,
                                         affect_score_spotting *out) {
    *out = (affect_score_spotting){.analysis_f1 = NAN, .strs = NAN};
    affect_score_segment *g = NULL, *p = NULL;
    int64_t *gold_of = base_alloc(predicted_count * sizeof *gold_of);
    uint8_t *seen = base_alloc(predicted_count);
    affect_status status = gold_of && seen ? AFFECT_OK : base_fail_memory(ctx);
    if (status == AFFECT_OK) status = sorted_copy(ctx, gold, gold_count, "gold", false, &g);
    if (status == AFFECT_OK)
        status = sorted_copy(ctx, predicted, predicted_count, "predictions", false, &p);
    if (status != AFFECT_OK) goto cleanup;

    for (size_t j = 0; j < predicted_count; j++) gold_of[j] = -1;
    /* Both are sorted by clip: only the predictions of a clip can match its gold segments. */
    for (size_t i = 0, from = 0; i < gold_count; i++) {
        while (from < predicted_count && p[from].clip < g[i].clip) from++;
        size_t to = from;
        while (to < predicted_count && p[to].clip == g[i].clip) to++;
        memset(seen, 0, to - from);
        out->spot.matched += augment(i, g, p + from, to - from, iou, gold_of + from, seen);
    }
    affect_score_confusion confusion;
    status = affect_score_confusion_init(ctx, classes ? classes : 1, &confusion);
    if (status != AFFECT_OK) goto cleanup;
    for (size_t j = 0; j < predicted_count && status == AFFECT_OK; j++) {
        if (gold_of[j] < 0) continue;
        int32_t a = g[gold_of[j]].label, b = p[j].label;
        out->labels_right += a == b;
        if (classes) status = affect_score_confusion_add(ctx, &confusion, &a, &b, 1);
    }
    out->spot.gold = (int64_t)gold_count;
    out->spot.predicted = (int64_t)predicted_count;
    double matched = (double)out->spot.matched;
    out->spot.precision = predicted_count ? matched / (double)predicted_count : 0;
    out->spot.recall = gold_count ? matched / (double)gold_count : 0;
    out->spot.f1 =
        gold_count + predicted_count ? 2 * matched / (double)(gold_count + predicted_count) : NAN;
    if (status == AFFECT_OK && classes) {
        affect_score_classes classes_out;
        affect_score_classes_from(&confusion, AFFECT_SCORE_CLASSES_UNION, &classes_out, NULL);
        out->analysis_f1 = confusion.items ? classes_out.uf1 : 0;
        out->strs = out->spot.f1 * out->analysis_f1;
    }
    affect_score_confusion_clear(&confusion);
cleanup:
    base_free(gold_of);
    base_free(seen);
    base_free(g);
    base_free(p);
    return status;
}

/* ---- emotion-cause pairs ---- */

static int compare_pair(const void *a, const void *b) {
    const affect_score_pair *x = a, *y = b;
    if (x->clip != y->clip) return (x->clip > y->clip) - (x->clip < y->clip);
    if (x->emotion_utterance != y->emotion_utterance)
        return (x->emotion_utterance > y->emotion_utterance) -
               (x->emotion_utterance < y->emotion_utterance);
    if (x->cause_utterance != y->cause_utterance)
        return (x->cause_utterance > y->cause_utterance) -
               (x->cause_utterance < y->cause_utterance);
    return (x->emotion > y->emotion) - (x->emotion < y->emotion);
}

/* Sorts and drops repeats (a pair counts once); returns the new count. */
static size_t sort_unique(affect_score_pair *pairs, size_t n) {
    qsort(pairs, n, sizeof *pairs, compare_pair);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || compare_pair(&pairs[kept - 1], &pairs[i]) != 0) pairs[kept++] = pairs[i];
    return kept;
}

affect_status affect_score_cause_pairs(affect_context *ctx, const affect_score_pair *gold,
                                       size_t gold_count, const affect_score_pair *predicted,
                                       size_t predicted_count, size_t emotions, int32_t neutral,
                                       affect_score_f1 *overall, double *weighted) {
    *overall = (affect_score_f1){0};
    *weighted = NAN;
    affect_score_pair *g = base_alloc(gold_count * sizeof *g),
                      *p = base_alloc(predicted_count * sizeof *p);
    int64_t *counts = base_calloc(emotions * 3, sizeof *counts); /* gold, predicted, both */
    affect_status status = AFFECT_OK;
    if (!g || !p || !counts) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    if (gold_count) memcpy(g, gold, gold_count * sizeof *g);
    if (predicted_count) memcpy(p, predicted, predicted_count * sizeof *p);
    gold_count = sort_unique(g, gold_count);
    predicted_count = sort_unique(p, predicted_count);
    for (size_t i = 0; i < gold_count + predicted_count; i++) {
        int32_t e = i < gold_count ? g[i].emotion : p[i - gold_count].emotion;
        if (e < 0 || (size_t)e >= emotions) {
            status = base_fail(ctx, AFFECT_ERROR_ARGUMENT, "emotion %d of %zu", e, emotions);
            goto cleanup;
        }
        counts[(size_t)e * 3 + (i < gold_count ? 0 : 1)]++;
    }
    for (size_t i = 0, j = 0; i < gold_count && j < predicted_count;) {
        int order = compare_pair(&g[i], &p[j]);
        if (order == 0) {
            counts[(size_t)g[i].emotion * 3 + 2]++;
            overall->matched++;
        }
        i += order <= 0;
        j += order >= 0;
    }
    overall->gold = (int64_t)gold_count;
    overall->predicted = (int64_t)predicted_count;
    double matched = (double)overall->matched;
    overall->precision = predicted_count ? matched / (double)predicted_count : 0;
    overall->recall = gold_count ? matched / (double)gold_count : 0;
    overall->f1 =
        gold_count + predicted_count ? 2 * matched / (double)(gold_count + predicted_count) : NAN;
    double sum = 0, weight = 0;
    for (size_t e = 0; e < emotions; e++) {
        if ((int32_t)e == neutral || !counts[e * 3]) continue;
        double below = (double)(counts[e * 3] + counts[e * 3 + 1]);
        sum += (double)counts[e * 3] * 2 * (double)counts[e * 3 + 2] / below;
        weight += (double)counts[e * 3];
    }
    if (weight > 0) *weighted = sum / weight;
cleanup:
    base_free(g);
    base_free(p);
    base_free(counts);
    return status;
}
