/* Meaning: word vectors corrected for polarity, families, synonym groups. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lexicon/emotions.h"

/* Weight of V, A, D beside the unit vectors. Two unrelated words are about 1.3 apart in the
 * vectors; from "sad" to "happy" is 1.7 in valence. */
static const double axis[DIMS] = {1.3, 0.9, 0.6};

static double dot(const double *a, const double *b) {
    double sum = 0;
    for (size_t k = 0; k < WIDTH; k++) sum += a[k] * b[k];
    return sum;
}

static void normalise(double *v) {
    double norm = sqrt(dot(v, v));
    for (size_t k = 0; k < WIDTH && norm > 0; k++) v[k] /= norm;
}

/* Vectors are drawn together along WordNet's links (retrofitting: Faruqui et al. 2015) and
 * antonyms pushed apart until they are at right angles (counter-fitting: Mrksic et al. 2016). Words
 * without a vector take the mean of what they are linked to. */
void meaning_correct(lexicon *lx) {
    static const double draw[LINK_KINDS] = {1, 1, .4, .3, 0};
    enum { ROUNDS = 12 };
    size_t n = lx->term_count;
    double *q = lexicon_calloc(n * WIDTH, sizeof *q), *next = lexicon_calloc(n * WIDTH, sizeof *q);
    double *degree = lexicon_calloc(n, sizeof *degree);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < WIDTH && lx->terms[i].vector; k++)
            q[i * WIDTH + k] = (double)lx->terms[i].vector[k];
    for (size_t i = 0; i < lx->link_count; i++) {
        degree[lx->links[i].a] += draw[lx->links[i].kind];
        degree[lx->links[i].b] += draw[lx->links[i].kind];
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < WIDTH; k++)
                next[i * WIDTH + k] = lx->terms[i].vector ? (double)lx->terms[i].vector[k] : 0;
        for (size_t i = 0; i < lx->link_count; i++) {
            const link *l = &lx->links[i];
            const uint32_t ends[2][2] = {{l->a, l->b}, {l->b, l->a}};
            double apart = BASE_MAX(0.0, dot(q + l->a * WIDTH, q + l->b * WIDTH));
            for (int e = 0; e < 2; e++) {
                uint32_t to = ends[e][0], from = ends[e][1];
                double w = l->kind == LINK_OPPOSITE ? -apart : draw[l->kind] / degree[to];
                for (size_t k = 0; k < WIDTH; k++) next[to * WIDTH + k] += w * q[from * WIDTH + k];
            }
        }
        for (size_t i = 0; i < n; i++) normalise(next + i * WIDTH);
        memcpy(q, next, n * WIDTH * sizeof *q);
    }
    base_free(next);
    base_free(degree);
    lx->corrected = q;
}

double meaning_distance(const lexicon *lx, size_t a, size_t b) {
    const double *x = lx->corrected + a * WIDTH, *y = lx->corrected + b * WIDTH;
    double sum = 2 - 2 * dot(x, y);
    for (size_t k = 0; k < DIMS; k++) {
        double d = axis[k] * (lx->terms[a].vad[k] - lx->terms[b].vad[k]);
        sum += d * d;
    }
    return sum;
}

/* ---- families ---- */

typedef struct edge {
    uint32_t a, b;
    double weight;
} edge;

enum { NEIGHBOURS = 12 };

/* WordNet's links and the nearest neighbours in the corrected space. */
static edge *make_edges(const lexicon *lx, size_t *count) {
    static const double strength[LINK_KINDS] = {1, 1, .5, .5, 0};
    size_t n = lx->term_count, used = 0;
    edge *edges = lexicon_calloc(lx->link_count + n * NEIGHBOURS, sizeof *edges);
    for (size_t i = 0; i < lx->link_count; i++) {
        const link *l = &lx->links[i];
        if (strength[l->kind] <= 0) continue;
        double d = meaning_distance(lx, l->a, l->b);
        edges[used++] = (edge){l->a, l->b, strength[l->kind] * exp(-d / 2)};
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t best[NEIGHBOURS];
        double far[NEIGHBOURS];
        size_t kept = 0;
        for (size_t k = 0; k < n; k++) {
            if (k == i) continue;
            double d = meaning_distance(lx, i, k);
            if (kept == NEIGHBOURS && d >= far[kept - 1]) continue;
            size_t at = kept < NEIGHBOURS ? kept++ : kept - 1;
            for (; at > 0 && far[at - 1] > d; at--) {
                far[at] = far[at - 1];
                best[at] = best[at - 1];
            }
            far[at] = d;
            best[at] = (uint32_t)k;
        }
        for (size_t k = 0; k < kept; k++)
            edges[used++] = (edge){(uint32_t)i, best[k], .5 * exp(-far[k] / .6)};
    }
    *count = used;
    return edges;
}

/* Label spreading (Zhu and Ghahramani 2002) from the seeds; labelled sentences and the network
 * speak as weak seeds. */
void meaning_families(lexicon *lx) {
    size_t n = lx->term_count, f = lx->family_count, edge_count;
    edge *edges = make_edges(lx, &edge_count);
    double *y = lexicon_calloc(n * f, sizeof *y), *next = lexicon_calloc(n * f, sizeof *y);
    double *seed = lexicon_calloc(n * f, sizeof *seed);
    bool *fixed = lexicon_calloc(n, sizeof *fixed);
    for (size_t k = 0; k < f; k++) {
        family *fam = &lx->families[k];
        for (size_t s = 0; s < fam->seed_count; s++) {
            const term *t = term_find(lx, fam->seeds[s]);
            if (!t) {
                fprintf(stderr, "emotions: seed %s of %s is no term\n", fam->seeds[s], fam->name);
                continue;
            }
            size_t i = (size_t)(t - lx->terms);
            fixed[i] = true;
            seed[i * f + k] = 1;
        }
    }
    for (size_t i = 0; i < n; i++) {
        double all = 0;
        for (size_t k = 0; k < f; k++) all += seed[i * f + k];
        for (size_t k = 0; k < f && fixed[i]; k++) y[i * f + k] = seed[i * f + k] /= all;
        for (size_t l = 0; l < label_count && !fixed[i]; l++) {
            double lean = lx->leaning[i * MAX_LABELS + l];
            for (size_t k = 0; k < f && labels[l].family && lean > .1; k++)
                if (!strcmp(lx->families[k].name, labels[l].family)) seed[i * f + k] += .15 * lean;
        }
    }
    for (int round = 0; round < 100; round++) {
        memcpy(next, seed, n * f * sizeof *next);
        for (size_t e = 0; e < edge_count; e++)
            for (size_t k = 0; k < f; k++) {
                next[edges[e].a * f + k] += edges[e].weight * y[edges[e].b * f + k];
                next[edges[e].b * f + k] += edges[e].weight * y[edges[e].a * f + k];
            }
        for (size_t i = 0; i < n; i++) {
            double all = 0;
            for (size_t k = 0; k < f; k++) all += next[i * f + k];
            for (size_t k = 0; k < f && !fixed[i] && all > 0; k++)
                y[i * f + k] = next[i * f + k] / all;
        }
    }
    for (size_t i = 0; i < n; i++) lx->terms[i].family = y + i * f;
    base_free(next);
    base_free(seed);
    base_free(fixed);
    base_free(edges);
}

/* ---- groups ---- */

static size_t top_family(const lexicon *lx, const term *t) {
    size_t best = 0;
    for (size_t k = 1; k < lx->family_count; k++)
        if (t->family[k] > t->family[best]) best = k;
    return best;
}

/* The most frequent noun names a group, else the most frequent word. */
static bool names_better(const term *a, const term *b) {
    unsigned x = a->pos & 1, y = b->pos & 1;
    if (x != y) return x > y;
    return a->rank < b->rank;
}

/* Average-linkage clustering of the members of one family. */
static void group_family(lexicon *lx, const uint32_t *members, size_t n, const double *bonus) {
    static const double most = .95;
    double *d = lexicon_calloc(n * n, sizeof *d), *size = lexicon_calloc(n, sizeof *size);
    size_t *into = lexicon_calloc(n, sizeof *into);
    for (size_t i = 0; i < n; i++) {
        size[i] = 1;
        into[i] = i;
        for (size_t k = 0; k < i; k++)
            d[i * n + k] = d[k * n + i] =
                BASE_MAX(0.0, meaning_distance(lx, members[i], members[k]) - bonus[i * n + k]);
    }
    for (;;) {
        size_t a = 0, b = 0;
        double least = most;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < i; k++)
                if (into[i] == i && into[k] == k && d[i * n + k] < least) {
                    least = d[i * n + k];
                    a = k;
                    b = i;
                }
        if (a == b) break;
        for (size_t k = 0; k < n; k++)
            d[a * n + k] = d[k * n + a] =
                (size[a] * d[a * n + k] + size[b] * d[b * n + k]) / (size[a] + size[b]);
        size[a] += size[b];
        into[b] = a;
    }
    for (size_t i = 0; i < n; i++) {
        size_t root = i;
        while (into[root] != root) root = into[root];
        into[i] = root;
    }
    for (size_t i = 0; i < n; i++) {
        size_t head = members[i];
        for (size_t k = 0; k < n; k++)
            if (into[k] == into[i] && names_better(&lx->terms[members[k]], &lx->terms[head]))
                head = members[k];
        lx->terms[members[i]].group = head;
    }
    base_free(d);
    base_free(size);
    base_free(into);
}

void meaning_groups(lexicon *lx) {
    static const double bonus_of[LINK_KINDS] = {.6, .7, .15, .1, -2};
    uint32_t *members = lexicon_calloc(lx->term_count, sizeof *members);
    size_t *place = lexicon_calloc(lx->term_count, sizeof *place);
    for (size_t k = 0; k < lx->family_count; k++) {
        size_t n = 0;
        for (size_t i = 0; i < lx->term_count; i++) {
            place[i] = SIZE_MAX;
            if (top_family(lx, &lx->terms[i]) != k) continue;
            place[i] = n;
            members[n++] = (uint32_t)i;
        }
        double *bonus = lexicon_calloc(n * n, sizeof *bonus);
        for (size_t i = 0; i < lx->link_count; i++) {
            const link *l = &lx->links[i];
            size_t a = place[l->a], b = place[l->b];
            if (a == SIZE_MAX || b == SIZE_MAX) continue;
            bonus[a * n + b] = bonus[b * n + a] =
                l->kind == LINK_OPPOSITE ? bonus_of[l->kind]
                                         : BASE_MAX(bonus[a * n + b], bonus_of[l->kind]);
        }
        group_family(lx, members, n, bonus);
        base_free(bonus);
    }
    base_free(members);
    base_free(place);
}
