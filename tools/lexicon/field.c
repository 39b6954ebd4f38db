/* Ridge regression, and the Gaussian field that puts all sources together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lexicon/emotions.h"

/* Cholesky of the normal equations; the constant is not shrunk. */
void ridge_fit(const float *const *x, const double *y, size_t n, double lambda, int fold, int folds,
               double *w) {
    enum { N = WIDTH + 1 };
    static double a[N][N];
    double b[N] = {0};
    memset(a, 0, sizeof a);
    for (size_t i = 0; i < n; i++) {
        if (isnan(y[i]) || (int)(i % (size_t)folds) == fold) continue;
        for (size_t r = 0; r < N; r++) {
            double xr = r < WIDTH ? (double)x[i][r] : 1;
            for (size_t c = 0; c <= r; c++) a[r][c] += xr * (c < WIDTH ? (double)x[i][c] : 1);
            b[r] += xr * y[i];
        }
    }
    for (size_t r = 0; r < N; r++) a[r][r] += r < WIDTH ? lambda : 1e-9;
    for (size_t r = 0; r < N; r++)
        for (size_t c = 0; c <= r; c++) {
            double sum = a[r][c];
            for (size_t k = 0; k < c; k++) sum -= a[r][k] * a[c][k];
            a[r][c] = r == c ? sqrt(sum) : sum / a[c][c];
        }
    for (size_t r = 0; r < N; r++) {
        for (size_t k = 0; k < r; k++) b[r] -= a[r][k] * b[k];
        b[r] /= a[r][r];
    }
    for (size_t r = N; r-- > 0;) {
        for (size_t k = r + 1; k < N; k++) b[r] -= a[k][r] * b[k];
        b[r] /= a[r][r];
    }
    memcpy(w, b, sizeof b);
}

double ridge_value(const double *w, const float *x) {
    double sum = w[WIDTH];
    for (size_t k = 0; k < WIDTH; k++) sum += w[k] * (double)x[k];
    return sum;
}

double correlation(const double *x, const double *y, size_t n) {
    double mx = 0, my = 0, xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++) {
        mx += x[i] / (double)n;
        my += y[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        xy += (x[i] - mx) * (y[i] - my);
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
    }
    return xy / sqrt(xx * yy);
}

/* ---- the field ---- */

bool field_hides(const lexicon *lx, size_t index, int hidden) {
    /* By the first letters, so that "joyful" does not give "joy" away, nor another vocabulary
     * another fold. */
    enum { STEM = 4 };
    uint64_t h = UINT64_C(14695981039346656037);
    const char *word = lx->terms[index].word;
    for (const char *s = word; *s && s < word + STEM; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    return (int)((h >> 33) % FIELD_FOLDS) == hidden;
}

/* Values of a dimension from the word vectors: fitted on anchors (and for valence on all rated
 * words), predicted out of fold for the words it was fitted on. */
static void predict_from_vectors(lexicon *lx, size_t dim, int hidden) {
    enum { INNER = 10 };
    const double lambda[DIMS] = {12, 6, 6};
    size_t n = 0, room = lx->term_count + (dim == 0 ? lx->vector_count : 0);
    const float **x = lexicon_calloc(room, sizeof *x);
    double *y = lexicon_calloc(room, sizeof *y), w[INNER + 1][WIDTH + 1];
    uint32_t *row = lexicon_calloc(lx->term_count, sizeof *row); /* + 1 */
    const double *anchor = lx->value[FROM_ANCHOR];
    for (size_t i = 0; i < lx->term_count; i++) {
        const term *t = &lx->terms[i];
        if (!t->vector || field_hides(lx, i, hidden)) continue;
        double a = anchor[i * DIMS + dim];
        if (isnan(a) && dim == 0) a = lx->polarity[t->rank];
        if (isnan(a)) continue;
        x[n] = t->vector;
        y[n] = a;
        row[i] = (uint32_t)++n;
    }
    for (size_t i = 0; dim == 0 && i < lx->vector_count; i++)
        if (!isnan(lx->polarity[i]) && !term_find(lx, lx->vector_words[i])) {
            x[n] = lx->vectors + i * WIDTH;
            y[n++] = lx->polarity[i];
        }
    for (int f = -1; f < INNER; f++) ridge_fit(x, y, n, lambda[dim], f, INNER, w[f + 1]);
    if (!lx->value[FROM_VECTORS])
        lx->value[FROM_VECTORS] =
            lexicon_calloc(lx->term_count * DIMS, sizeof *lx->value[FROM_VECTORS]);
    for (size_t i = 0; i < lx->term_count; i++)
        lx->value[FROM_VECTORS][i * DIMS + dim] =
            lx->terms[i].vector &&
                    lx->terms[i].pos != 8 /* adverbs lie elsewhere; they are derived */
                ? ridge_value(w[row[i] ? 1 + (row[i] - 1) % INNER : 0], lx->terms[i].vector)
                : NAN;
    base_free(x);
    base_free(y);
    base_free(row);
}

typedef struct gain {
    double slope, offset, precision, r;
    double mean, spread; /* of the anchors it was fitted on: mean and 1 / variance */
    size_t n;
} gain;

/* The line from a source to the anchors, and how far they lie from it. */
static gain fit_gain(const lexicon *lx, source s, size_t dim, int hidden) {
    double *x = lexicon_calloc(lx->term_count, sizeof *x),
           *y = lexicon_calloc(lx->term_count, sizeof *y);
    gain g = {0};
    for (size_t i = 0; lx->value[s] && i < lx->term_count; i++) {
        double a = lx->value[FROM_ANCHOR][i * DIMS + dim], v = lx->value[s][i * DIMS + dim];
        if (isnan(a) || isnan(v) || field_hides(lx, i, hidden)) continue;
        x[g.n] = v;
        y[g.n++] = a;
    }
    double mx = 0, my = 0, xy = 0, xx = 0, left = 0;
    for (size_t i = 0; i < g.n; i++) {
        mx += x[i] / (double)g.n;
        my += y[i] / (double)g.n;
    }
    for (size_t i = 0; i < g.n; i++) {
        xy += (x[i] - mx) * (y[i] - my);
        xx += (x[i] - mx) * (x[i] - mx);
    }
    if (g.n >= 20 && xy > 0) {
        g.slope = xy / xx;
        g.offset = my - g.slope * mx;
        for (size_t i = 0; i < g.n; i++) {
            double e = y[i] - g.offset - g.slope * x[i];
            left += e * e;
        }
        g.precision = (double)(g.n - 2) / left;
        double yy = 0;
        for (size_t i = 0; i < g.n; i++) yy += (y[i] - my) * (y[i] - my);
        g.mean = my;
        g.spread = (double)(g.n - 1) / yy;
        g.r = correlation(x, y, g.n);
    }
    base_free(x);
    base_free(y);
    return g;
}

/* Precision of "linked terms are alike" (antonyms: opposite about 0, in valence only), from pairs
 * of anchors. A tenth of it where there are too few. */
static double fit_link(const lexicon *lx, link_kind kind, size_t dim, int hidden) {
    double squares = 0, n = 0;
    for (size_t i = 0; i < lx->link_count; i++) {
        const link *l = &lx->links[i];
        if (l->kind != kind || field_hides(lx, l->a, hidden) || field_hides(lx, l->b, hidden))
            continue;
        double a = lx->value[FROM_ANCHOR][l->a * DIMS + dim],
               b = lx->value[FROM_ANCHOR][l->b * DIMS + dim];
        double e = kind == LINK_OPPOSITE ? a + b : a - b;
        if (isnan(e)) continue;
        squares += e * e;
        n++;
    }
    if (kind == LINK_OPPOSITE && dim != 0) return 0;
    /* as if five more pairs had been seen that differ by .5 */
    return (n + 5) / (squares + 5 * .25);
}

void field_solve(lexicon *lx, int hidden, bool report, double *out) {
    static const char *const source_names[SOURCES] = {"anchor",  "vader",  "afinn", "vectors",
                                                      "emobank", "labels", "model", "guesses"};
    static const char *const link_names[] = {"synonym", "derived", "similar", "broader",
                                             "opposite"};
    size_t n = lx->term_count;
    double *precision = lexicon_calloc(n, sizeof *precision),
           *pull = lexicon_calloc(n, sizeof *pull);
    double *degree = lexicon_calloc(n, sizeof *degree), *x = lexicon_calloc(n, sizeof *x);
    double *base = lexicon_calloc(n, sizeof *base),
           *weight = lexicon_calloc(lx->link_count, sizeof *weight);
    for (size_t i = 0; i < lx->link_count; i++) {
        degree[lx->links[i].a]++;
        degree[lx->links[i].b]++;
    }
    for (size_t dim = 0; dim < DIMS; dim++) {
        predict_from_vectors(lx, dim, hidden);
        const double prior = .5; /* weak: sd 1.4 about 0 */
        for (size_t i = 0; i < n; i++) {
            base[i] = prior;
            pull[i] = 0;
            x[i] = 0;
        }
        for (source s = FROM_ANCHOR; s < SOURCES; s++) {
            if (!lx->value[s]) continue;
            gain g = fit_gain(lx, s, dim, hidden);
            if (s == FROM_ANCHOR)
                g = (gain){.slope = 1, .precision = 100, .r = 1, .n = g.n}; /* placed to a tenth */
            if (report && g.precision > 0)
                printf("source  %-9s %zu  n %4zu  r %.3f  slope %6.3f  sd %.3f\n", source_names[s],
                       dim, g.n, g.r, g.slope, 1 / sqrt(g.precision));
            for (size_t i = 0; i < n && g.precision > 0; i++) {
                double v = lx->value[s][i * DIMS + dim];
                if (isnan(v) || (s <= FROM_AFINN && field_hides(lx, i, hidden))) continue;
                /* The line leans towards the anchors' mean as far as the source is weak; without
                 * that lean, which would be counted once a source, this is what it says itself. The
                 * sources that read sentences err together. */
                double share = s >= FROM_READERS ? .5 : 1;
                base[i] += share * (g.precision - g.spread);
                pull[i] += share * (g.precision * (g.offset + g.slope * v) - g.spread * g.mean);
                if (hidden < 0) lx->terms[i].sources |= 1U << s;
            }
        }
        memcpy(precision, base, n * sizeof *base);
        double by_kind[LINK_KINDS];
        for (link_kind k = 0; k < LINK_KINDS; k++) {
            by_kind[k] = fit_link(lx, k, dim, hidden);
            if (report)
                printf("link    %-9s %zu  sd %.3f\n", link_names[k], dim, 1 / sqrt(by_kind[k]));
        }
        for (size_t i = 0; i < lx->link_count; i++) {
            const link *l = &lx->links[i];
            /* The links of a term with many are not independent; those to its own derivations are
             * few. */
            weight[i] = l->kind == LINK_DERIVED
                            ? by_kind[l->kind]
                            : by_kind[l->kind] / sqrt(sqrt(degree[l->a] * degree[l->b]));
            precision[l->a] += weight[i];
            precision[l->b] += weight[i];
        }
        double *sum = lexicon_calloc(n, sizeof *sum);
        for (int round = 0; round < 300; round++) { /* Jacobi; the prior makes it converge */
            memcpy(sum, pull, n * sizeof *sum);
            for (size_t i = 0; i < lx->link_count; i++) {
                const link *l = &lx->links[i];
                double w = l->kind == LINK_OPPOSITE ? -weight[i] : weight[i];
                sum[l->a] += w * x[l->b];
                sum[l->b] += w * x[l->a];
            }
            for (size_t i = 0; i < n; i++) x[i] = sum[i] / precision[i];
        }
        base_free(sum);
        for (size_t i = 0; i < n; i++) out[i * DIMS + dim] = BASE_MAX(-1.0, BASE_MIN(1.0, x[i]));
    }
    base_free(precision);
    base_free(pull);
    base_free(degree);
    base_free(x);
    base_free(base);
    base_free(weight);
}
