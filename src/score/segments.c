/* Metrics of labelled intervals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/score.h"
#include "base/base.h"
#include "score/sort.h"

static double least(double a, double b) { return a < b ? a : b; }

static double most(double a, double b) { return a > b ? a : b; }

static int order_of(const affect_score_segment *x, const affect_score_segment *y) {
    if (x->clip != y->clip) return x->clip < y->clip ? -1 : 1;
    return (x->t0 > y->t0) - (x->t0 < y->t0);
}

/* Merge sort by time of the segments of a clip; equals keep their order. */
static void sort_clip(affect_score_segment *items, affect_score_segment *spare, size_t n) {
    if (n <= 16) {
        for (size_t i = 1; i < n; i++) {
            affect_score_segment item = items[i];
            size_t k = i;
            for (; k && items[k - 1].t0 > item.t0; k--) items[k] = items[k - 1];
            items[k] = item;
        }
        return;
    }
    size_t half = n / 2;
    sort_clip(items, spare, half);
    sort_clip(items + half, spare, n - half);
    memcpy(spare, items, half * sizeof *items);
    for (size_t i = 0, j = half, k = 0; i < half; k++)
        items[k] = j < n && items[j].t0 < spare[i].t0 ? items[j++] : spare[i++];
}

/* The segments by clip, then by time. */
static affect_status sort_segments(affect_context *ctx, const affect_score_segment *in, size_t n,
                                   affect_score_segment *out) {
    int32_t first = in[0].clip;
    for (size_t i = 1; i < n; i++) first = BASE_MIN(first, in[i].clip);
    int place_bits = score_bits(n - 1);
    if (place_bits > 32) return base_fail(ctx, AFFECT_ERROR_LIMIT, "%zu segments: at most 2^32", n);
    uint64_t *words = base_alloc(2 * n * sizeof *words), place = (UINT64_C(1) << place_bits) - 1;
    affect_score_segment *spare = base_alloc(n * sizeof *spare);
    affect_status status = words && spare ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t i = 0; i < n && !status; i++)
        words[i] = (uint64_t)((int64_t)in[i].clip - first) << place_bits | i;
    const uint64_t *sorted = status ? NULL : score_sort_words(words, words + n, n, place_bits);
    for (size_t i = 0; i < n && !status; i++) out[i] = in[sorted[i] & place];
    for (size_t from = 0, to; from < n && !status; from = to) {
        for (to = from + 1; to < n && out[to].clip == out[from].clip;) to++;
        sort_clip(out + from, spare, to - from);
    }
    base_free(words);
    base_free(spare);
    return status;
}

/* *out is `segments` itself where they are in order, as they mostly are, else *own in order. */
static affect_status in_order(affect_context *ctx, const affect_score_segment *segments, size_t n,
                              const char *what, bool disjoint, const affect_score_segment **out,
                              affect_score_segment **own) {
    bool sorted = true;
    *out = segments;
    for (size_t i = 1; i < n && sorted; i++) sorted = order_of(&segments[i - 1], &segments[i]) <= 0;
    if (!sorted) {
        *out = *own = base_alloc(n * sizeof **own);
        affect_status status = *own ? sort_segments(ctx, segments, n, *own) : base_fail_memory(ctx);
        if (status) return status;
    }
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
    BASE_NEED(ctx, (gold || !gold_count) && (predicted || !predicted_count) &&
                       (clip_duration || !clips) && out);
    *out = NAN;
    const affect_score_segment *g = NULL, *p = NULL;
    affect_score_segment *own[2] = {NULL, NULL};
    affect_status status = in_order(ctx, gold, gold_count, "gold", true, &g, &own[0]);
    if (status == AFFECT_OK)
        status = in_order(ctx, predicted, predicted_count, "predictions", true, &p, &own[1]);
    double agree = 0, total = 0;
    for (size_t i = 0, j = 0; status == AFFECT_OK && i < gold_count && j < predicted_count;) {
        if (g[i].clip == p[j].clip) {
            double overlap = least(g[i].t1, p[j].t1) - most(g[i].t0, p[j].t0);
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
    base_free(own[0]);
    base_free(own[1]);
    return status;
}

/* ---- spotting ---- */

static double iou_of(const affect_score_segment *a, const affect_score_segment *b) {
    double overlap = least(a->t1, b->t1) - most(a->t0, b->t0);
    return overlap > 0 ? overlap / (most(a->t1, b->t1) - least(a->t0, b->t0)) : 0;
}

/* Kuhn's augmenting paths; intervals of a clip are few. */
static bool augment(size_t i, const affect_score_segment *g, const affect_score_segment *p,
                    size_t predicted_count, double iou, int64_t *gold_of, uint8_t *seen) {
    for (size_t j = 0; j < predicted_count; j++) {
        if (p[j].t0 >= g[i].t1 && iou > 0) break; /* nor do those after it overlap */
        if (seen[j] || iou_of(&g[i], &p[j]) < iou) continue;
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
    BASE_NEED(ctx, (gold || !gold_count) && (predicted || !predicted_count) && out);
    *out = (affect_score_spotting){.analysis_f1 = NAN, .strs = NAN};
    const affect_score_segment *g = NULL, *p = NULL;
    affect_score_segment *own[2] = {NULL, NULL};
    int64_t *gold_of = base_alloc(predicted_count * sizeof *gold_of);
    uint8_t *seen = base_alloc(predicted_count);
    affect_status status = gold_of && seen ? AFFECT_OK : base_fail_memory(ctx);
    if (status == AFFECT_OK) status = in_order(ctx, gold, gold_count, "gold", false, &g, &own[0]);
    if (status == AFFECT_OK)
        status = in_order(ctx, predicted, predicted_count, "predictions", false, &p, &own[1]);
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
    base_free(own[0]);
    base_free(own[1]);
    return status;
}

/* ---- localisation ---- */

typedef struct ranked {
    double score;
    size_t at; /* place among the predictions as they came */
} ranked;

static int by_falling_score(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

/* One label's segments, by clip. */
typedef struct by_label {
    affect_score_segment *gold, *predicted;
    size_t gold_count, predicted_count;
    ranked *order;  /* of the predictions */
    uint8_t *taken; /* of gold */
} by_label;

static void pick_label(by_label *l, int32_t label, const affect_score_segment *gold, size_t n,
                       const affect_score_segment *predicted, const double *scores, size_t m) {
    l->gold_count = l->predicted_count = 0;
    for (size_t i = 0; i < n; i++)
        if (gold[i].label == label) l->gold[l->gold_count++] = gold[i];
    for (size_t j = 0; j < m; j++) {
        if (predicted[j].label != label) continue;
        l->order[l->predicted_count] = (ranked){scores ? scores[j] : 0, l->predicted_count};
        l->predicted[l->predicted_count++] = predicted[j];
    }
    qsort(l->order, l->predicted_count, sizeof *l->order, by_falling_score);
}

/* The area under the monotone precision-recall curve. */
static double average_precision(by_label *l, double iou, double *precision) {
    size_t right = 0;
    memset(l->taken, 0, l->gold_count);
    for (size_t k = 0; k < l->predicted_count; k++) {
        const affect_score_segment *p = &l->predicted[l->order[k].at];
        double best = -1;
        size_t of = 0;
        for (size_t i = 0; i < l->gold_count; i++) {
            if (l->taken[i] || l->gold[i].clip != p->clip) continue;
            double overlap = iou_of(&l->gold[i], p);
            if (overlap >= iou && overlap > best) best = overlap, of = i;
        }
        if (best >= 0) {
            l->taken[of] = 1;
            right++;
            precision[right - 1] = (double)right / (double)(k + 1); /* where recall rises */
        }
    }
    double area = 0, highest = 0;
    for (size_t k = right; k-- > 0;) {
        highest = most(highest, precision[k]);
        area += highest / (double)l->gold_count;
    }
    return area;
}

affect_status affect_score_localisation_from(affect_context *ctx, const affect_score_segment *gold,
                                             size_t gold_count,
                                             const affect_score_segment *predicted,
                                             const double *scores, size_t predicted_count,
                                             double iou, size_t classes,
                                             affect_score_localisation *out) {
    BASE_NEED(ctx, (gold || !gold_count) && (predicted || !predicted_count) && out);
    *out = (affect_score_localisation){.map = NAN};
    if (!classes || classes > 65536 || isnan(iou))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "localisation: wants 1 to 65536 labels");
    for (size_t k = 0; k < gold_count + predicted_count; k++) {
        const affect_score_segment *x = k < gold_count ? &gold[k] : &predicted[k - gold_count];
        if (x->label < 0 || (size_t)x->label >= classes || !(x->t0 <= x->t1))
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                             "localisation: a segment's label or times are out of range");
    }
    by_label l = {.gold = base_alloc(BASE_MAX(gold_count, 1) * sizeof *l.gold),
                  .predicted = base_alloc(BASE_MAX(predicted_count, 1) * sizeof *l.predicted),
                  .order = base_alloc(BASE_MAX(predicted_count, 1) * sizeof *l.order),
                  .taken = base_alloc(BASE_MAX(gold_count, 1))};
    double *precision = base_alloc(BASE_MAX(predicted_count, 1) * sizeof *precision);
    affect_status status = l.gold && l.predicted && l.order && l.taken && precision
                               ? AFFECT_OK
                               : base_fail_memory(ctx);
    double sum = 0, labels = 0;
    for (size_t c = 0; c < classes && status == AFFECT_OK; c++) {
        affect_score_spotting one;
        pick_label(&l, (int32_t)c, gold, gold_count, predicted, scores, predicted_count);
        if (l.gold_count) {
            sum += average_precision(&l, iou, precision);
            labels += 1;
        }
        if (!l.gold_count && !l.predicted_count) continue;
        status = affect_score_spotting_from(ctx, l.gold, l.gold_count, l.predicted,
                                            l.predicted_count, iou, 0, &one);
        if (status == AFFECT_OK) out->f1.matched += one.spot.matched;
    }
    if (status == AFFECT_OK) {
        double matched = (double)out->f1.matched;
        out->f1.gold = (int64_t)gold_count;
        out->f1.predicted = (int64_t)predicted_count;
        out->f1.precision = predicted_count ? matched / (double)predicted_count : 0;
        out->f1.recall = gold_count ? matched / (double)gold_count : 0;
        out->f1.f1 = gold_count + predicted_count
                         ? 2 * matched / (double)(gold_count + predicted_count)
                         : NAN;
        if (labels > 0) out->map = sum / labels;
    }
    base_free(l.gold);
    base_free(l.predicted);
    base_free(l.order);
    base_free(l.taken);
    base_free(precision);
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

/* Gold's pairs, then the predicted ones, as words that are equal where the pairs are, with the
 * emotion in the lowest bits. Numbers mostly span so little that all four fit into a word; else a
 * pair's word is its place among all pairs in order. */
static affect_status pack_pairs(affect_context *ctx, const affect_score_pair *const side[2],
                                const size_t count[2], int emotion_bits, uint64_t *out) {
    int64_t low[3] = {INT64_MAX, INT64_MAX, INT64_MAX}, high[3] = {INT64_MIN, INT64_MIN, INT64_MIN};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < count[k]; i++) {
            const affect_score_pair *p = &side[k][i];
            const int32_t field[3] = {p->clip, p->emotion_utterance, p->cause_utterance};
            for (int f = 0; f < 3; f++) {
                low[f] = BASE_MIN(low[f], field[f]);
                high[f] = BASE_MAX(high[f], field[f]);
            }
        }
    int bits[3] = {0}, all = emotion_bits;
    for (int f = 0; f < 3 && count[0] + count[1]; f++)
        all += bits[f] = score_bits((uint64_t)(high[f] - low[f]));
    if (all <= 64) {
        for (int k = 0; k < 2; k++)
            for (size_t i = 0; i < count[k]; i++) {
                const affect_score_pair *p = &side[k][i];
                uint64_t word = (uint64_t)(p->clip - low[0]);
                word = word << bits[1] | (uint64_t)(p->emotion_utterance - low[1]);
                word = word << bits[2] | (uint64_t)(p->cause_utterance - low[2]);
                *out++ = word << emotion_bits | (uint32_t)p->emotion;
            }
        return AFFECT_OK;
    }
    size_t n = count[0] + count[1];
    affect_score_pair *sorted = base_alloc(n * sizeof *sorted);
    if (!sorted) return base_fail_memory(ctx);
    if (count[0]) memcpy(sorted, side[0], count[0] * sizeof *sorted);
    if (count[1]) memcpy(sorted + count[0], side[1], count[1] * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_pair);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < count[k]; i++) {
            size_t from = 0, to = n; /* the first that is not before it */
            while (from < to) {
                size_t at = from + (to - from) / 2;
                if (compare_pair(&sorted[at], &side[k][i]) < 0)
                    from = at + 1;
                else
                    to = at;
            }
            *out++ = (uint64_t)from << emotion_bits | (uint32_t)side[k][i].emotion;
        }
    base_free(sorted);
    return AFFECT_OK;
}

affect_status affect_score_cause_pairs(affect_context *ctx, const affect_score_pair *gold,
                                       size_t gold_count, const affect_score_pair *predicted,
                                       size_t predicted_count, size_t emotions, int32_t neutral,
                                       affect_score_f1 *overall, double *weighted) {
    BASE_NEED(ctx, (gold || !gold_count) && (predicted || !predicted_count) && overall && weighted);
    *overall = (affect_score_f1){0};
    *weighted = NAN;
    const affect_score_pair *const side[2] = {gold, predicted};
    size_t count[2] = {gold_count, predicted_count},
           most_count = BASE_MAX(gold_count, predicted_count);
    int emotion_bits = score_bits(emotions ? emotions - 1 : 0);
    uint64_t *words = base_alloc((gold_count + predicted_count + most_count) * sizeof *words);
    int64_t *counts = base_calloc(emotions * 3, sizeof *counts); /* gold, predicted, both */
    affect_status status = words && counts ? AFFECT_OK : base_fail_memory(ctx);
    for (int k = 0; k < 2 && !status; k++)
        for (size_t i = 0; i < count[k] && !status; i++)
            if (side[k][i].emotion < 0 || (size_t)side[k][i].emotion >= emotions)
                status = base_fail(ctx, AFFECT_ERROR_ARGUMENT, "emotion %d of %zu",
                                   side[k][i].emotion, emotions);
    if (!status) status = pack_pairs(ctx, side, count, emotion_bits, words);
    if (status) goto cleanup;
    /* Sorted, without repeats. */
    uint64_t *sorted[2], *spare = words + gold_count + predicted_count;
    uint64_t emotion = (UINT64_C(1) << emotion_bits) - 1;
    for (int k = 0; k < 2; k++) {
        uint64_t *from = words + (k ? gold_count : 0);
        sorted[k] = score_sort_words(from, spare, count[k], 0);
        if (sorted[k] == spare) { /* the other side needs it */
            memcpy(from, spare, count[k] * sizeof *from);
            sorted[k] = from;
        }
        size_t kept = 0;
        for (size_t i = 0; i < count[k]; i++) {
            if (i && sorted[k][i] == sorted[k][kept - 1]) continue;
            sorted[k][kept++] = sorted[k][i];
            counts[(sorted[k][i] & emotion) * 3 + (size_t)k]++;
        }
        count[k] = kept;
    }
    gold_count = count[0];
    predicted_count = count[1];
    for (size_t i = 0, j = 0; i < gold_count && j < predicted_count;) {
        uint64_t g = sorted[0][i], p = sorted[1][j];
        if (g == p) {
            counts[(g & emotion) * 3 + 2]++;
            overall->matched++;
        }
        i += g <= p;
        j += g >= p;
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
    base_free(words);
    base_free(counts);
    return status;
}
