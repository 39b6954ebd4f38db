/* Metrics of one label an item, all from the confusion matrix. */
#include <math.h>
#include <string.h>

#include "affect/score.h"
#include "base/base.h"

affect_status affect_score_confusion_init(affect_context *ctx, size_t classes,
                                          affect_score_confusion *out) {
    BASE_NEED(ctx, out);
    *out = (affect_score_confusion){.classes = classes};
    if (classes == 0 || classes > 65536)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "%zu classes: 1 to 65536 are supported", classes);
    out->counts = base_calloc(classes * classes, sizeof *out->counts);
    return out->counts ? AFFECT_OK : base_fail_memory(ctx);
}

void affect_score_confusion_clear(affect_score_confusion *c) {
    if (!c) return;
    base_free(c->counts);
    *c = (affect_score_confusion){0};
}

affect_status affect_score_confusion_add(affect_context *ctx, affect_score_confusion *c,
                                         const int32_t *gold, const int32_t *predicted, size_t n) {
    BASE_NEED(ctx, (!n || (gold && predicted)) && c);
    int64_t skipped = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t g = gold[i], p = predicted[i];
        if (g < 0 || p < 0) {
            skipped++;
            continue;
        }
        if ((size_t)g >= c->classes || (size_t)p >= c->classes)
            return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "item %zu: class %d of %zu classes", i,
                             (size_t)g >= c->classes ? g : p, c->classes);
        c->counts[(size_t)g * c->classes + (size_t)p]++;
    }
    c->skipped += skipped;
    c->items += (int64_t)n - skipped;
    return AFFECT_OK;
}

static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

/* Row (gold), column (predicted) and diagonal sums of one class. */
static void class_sums(const affect_score_confusion *c, size_t k, int64_t *gold, int64_t *predicted,
                       int64_t *right) {
    *gold = *predicted = 0;
    for (size_t j = 0; j < c->classes; j++) {
        *gold += c->counts[k * c->classes + j];
        *predicted += c->counts[j * c->classes + k];
    }
    *right = c->counts[k * c->classes + k];
}

static void majority_row(const affect_score_confusion *c, int64_t best, size_t gold_classes,
                         affect_score_classes *out) {
    double p = ratio((double)best, (double)c->items);
    double f1 = ratio(2 * p, 1 + p); /* precision p, recall 1 */
    out->majority_accuracy = p;
    out->majority_weighted_f1 = p * f1;
    out->majority_uar = ratio(1, (double)gold_classes);
    out->majority_macro_f1 = ratio(f1, (double)gold_classes);
}

void affect_score_classes_from(const affect_score_confusion *c, affect_score_average average,
                               affect_score_classes *out, affect_score_class *per_class) {
    if (!(c && out)) return;
    *out = (affect_score_classes){.items = c->items, .skipped = c->skipped, .majority_class = -1};
    int64_t right_all = 0, best = 0;
    size_t averaged = 0, gold_classes = 0, union_classes = 0;
    for (size_t k = 0; k < c->classes; k++) {
        int64_t gold, predicted, right;
        class_sums(c, k, &gold, &predicted, &right);
        affect_score_class one = {
            .precision = ratio((double)right, (double)predicted),
            .recall = ratio((double)right, (double)gold),
            .f1 = ratio(2 * (double)right, (double)(gold + predicted)),
            .support = gold,
            .predicted = predicted,
        };
        if (per_class) per_class[k] = one;
        right_all += right;
        if (gold > best) {
            best = gold;
            out->majority_class = (int32_t)k;
        }
        out->weighted_precision += one.precision * (double)gold;
        out->weighted_recall += one.recall * (double)gold;
        out->weighted_f1 += one.f1 * (double)gold;
        if (gold) {
            gold_classes++;
            out->uar += one.recall;
        }
        if (gold || predicted) {
            union_classes++;
            out->uf1 += one.f1;
        }
        if (average == AFFECT_SCORE_CLASSES_ALL || gold ||
            (average == AFFECT_SCORE_CLASSES_UNION && predicted)) {
            averaged++;
            out->macro_precision += one.precision;
            out->macro_recall += one.recall;
            out->macro_f1 += one.f1;
        }
    }
    if (c->items == 0) {
        double *all[] = {&out->accuracy,
                         &out->uar,
                         &out->macro_precision,
                         &out->macro_recall,
                         &out->macro_f1,
                         &out->weighted_precision,
                         &out->weighted_recall,
                         &out->weighted_f1,
                         &out->micro_f1,
                         &out->uf1,
                         &out->cohen_kappa,
                         &out->majority_accuracy,
                         &out->majority_weighted_f1,
                         &out->majority_uar,
                         &out->majority_macro_f1};
        for (size_t i = 0; i < BASE_COUNT(all); i++) *all[i] = NAN;
        return;
    }
    double n = (double)c->items;
    out->accuracy = out->micro_f1 = (double)right_all / n;
    out->uar /= (double)gold_classes;
    out->uf1 /= (double)union_classes;
    out->macro_precision /= (double)averaged;
    out->macro_recall /= (double)averaged;
    out->macro_f1 /= (double)averaged;
    out->weighted_precision /= n;
    out->weighted_recall /= n;
    out->weighted_f1 /= n;
    out->cohen_kappa = affect_score_cohen_kappa(c, AFFECT_SCORE_UNWEIGHTED);
    majority_row(c, best, gold_classes, out);
}

/* Cohen 1960, 1968: 1 - sum(w O) / sum(w E), w = 0 on the diagonal, E_ij = row_i column_j / n. The
 * sums of E need the marginals only: |i - j| is the number of steps between i and j, so linear
 * weights count, for each step, the pairs on both sides of it; squares multiply out. */
double affect_score_cohen_kappa(const affect_score_confusion *c, affect_score_weighting weighting) {
    if (!(c)) return NAN;
    size_t k = c->classes;
    double observed = 0, n = (double)c->items;
    if (c->items == 0) return NAN;
    double same = 0, steps = 0, rows = 0, columns = 0; /* sums of E, and of marginals so far */
    double row_mean = 0, column_mean = 0, squares = 0;
    for (size_t i = 0; i < k; i++) {
        int64_t row, column, right;
        double at = (double)i;
        class_sums(c, i, &row, &column, &right);
        same += (double)row * (double)column;
        rows += (double)row;
        columns += (double)column;
        steps += rows * (n - columns) + (n - rows) * columns;
        row_mean += at * (double)row;
        column_mean += at * (double)column;
        squares += at * at * (double)(row + column);
        for (size_t j = 0; row && j < k; j++) {
            double distance = at - (double)j;
            double w = weighting == AFFECT_SCORE_UNWEIGHTED ? i != j
                       : weighting == AFFECT_SCORE_LINEAR   ? fabs(distance)
                                                            : distance * distance;
            observed += w * (double)c->counts[i * k + j];
        }
    }
    double expected = weighting == AFFECT_SCORE_UNWEIGHTED ? n * n - same
                      : weighting == AFFECT_SCORE_LINEAR   ? steps
                                                         : n * squares - 2 * row_mean * column_mean;
    return expected > 0 ? 1 - observed * n / expected : NAN;
}
