/* Grouping of speaker vectors. */
#include "voice/turns.h"

#include <math.h>
#include <string.h>

/* The mean vector of n seconds of speech is its speaker's and noise: the cosine of two such means is that
 * of their speakers divided by the root of (1 + NOISE_S / n) for each. Noise and line are fitted by
 * bench/voices.py (docs/voice.md): so that one speaker in many moods is hardly ever taken for two. */
static const double NOISE_S = 2.1, SAME_SPEAKER = 0.55;
/* While turns come they are gathered in groups more alike than this, at most so many. */
static const double GATHER = 0.8;
enum { GATHERED = 256 };
static const affect_time JOIN_GAP = 500 * AFFECT_MILLISECOND;
static const double RELIABLE_S = 1.0; /* less speech than this never opens a group */
static const double LEAST_S = 4.0;    /* nor is a voice with less a voice of its own in the end */

typedef struct turn {
    affect_time t0, t1;
    float *vector; /* unit length, or NULL */
    double weight;
    int group; /* -1 = not decided */
} turn;

typedef struct group {
    double *sum; /* weighted sum of unit vectors */
    double weight;
    int merged_into; /* -1 = alive */
} group;

struct voice_turns {
    affect_context *ctx;
    affect_timeline *timeline;
    size_t d;
    turn *turns;
    size_t turn_count, turn_capacity;
    group *groups;
    size_t group_count, group_capacity;
};

affect_status voice_turns_create(affect_context *ctx, affect_timeline *timeline,
                                 voice_turns **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    (*out)->ctx = ctx;
    (*out)->timeline = timeline;
    return AFFECT_OK;
}

void voice_turns_destroy(voice_turns *v) {
    if (!v) return;
    for (size_t i = 0; i < v->turn_count; i++) base_free(v->turns[i].vector);
    for (size_t i = 0; i < v->group_count; i++) base_free(v->groups[i].sum);
    base_free(v->turns);
    base_free(v->groups);
    base_free(v);
}

/* What the cosine of two speakers is, by that of means of so many seconds of their speech. */
static double freed(double c, double seconds, double others) {
    return c * sqrt((1 + NOISE_S / fmax(seconds, 0.1)) * (1 + NOISE_S / fmax(others, 0.1)));
}

static double cosine(const double *a, const double *b, size_t d) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < d; i++) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static double cosine_to_group(const group *g, const float *unit, size_t d) {
    double ab = 0, aa = 0;
    for (size_t i = 0; i < d; i++) {
        ab += g->sum[i] * (double)unit[i];
        aa += g->sum[i] * g->sum[i];
    }
    return aa > 0 ? ab / sqrt(aa) : 0;
}

/* Joins the nearest group if it is near enough, opens a new one if the vector is reliable. */
static affect_status assign(voice_turns *v, turn *t) {
    int best = -1;
    double best_cosine = -2;
    for (size_t g = 0; g < v->group_count; g++) {
        double c =
            freed(cosine_to_group(&v->groups[g], t->vector, v->d), t->weight, v->groups[g].weight);
        if (c > best_cosine) {
            best_cosine = c;
            best = (int)g;
        }
    }
    if (best < 0 || (best_cosine < GATHER && v->group_count < GATHERED)) {
        if (t->weight < RELIABLE_S) return AFFECT_OK; /* decided at the end */
        if (!base_grow((void **)&v->groups, &v->group_capacity, v->group_count + 1,
                       sizeof *v->groups))
            return base_fail_memory(v->ctx);
        double *sum = base_calloc(v->d, sizeof *sum);
        if (!sum) return base_fail_memory(v->ctx);
        best = (int)v->group_count;
        v->groups[v->group_count++] = (group){.sum = sum, .merged_into = -1};
    }
    group *g = &v->groups[best];
    for (size_t i = 0; i < v->d; i++) g->sum[i] += t->weight * (double)t->vector[i];
    g->weight += t->weight;
    t->group = best;
    return AFFECT_OK;
}

affect_status voice_turns_add(voice_turns *v, affect_time t0, affect_time t1, const float *vector,
                              size_t d, double weight) {
    if (vector && v->d && d != v->d)
        return base_fail(v->ctx, AFFECT_ERROR_SHAPE,
                         "speaker vector of %zu values after ones of %zu", d, v->d);
    if (!base_grow((void **)&v->turns, &v->turn_capacity, v->turn_count + 1, sizeof *v->turns))
        return base_fail_memory(v->ctx);
    turn t = {.t0 = t0, .t1 = t1, .weight = weight, .group = -1};
    double norm = 0;
    for (size_t i = 0; vector && i < d; i++) norm += (double)vector[i] * (double)vector[i];
    if (vector && norm > 0 && isfinite(norm)) {
        v->d = d;
        t.vector = base_alloc(d * sizeof *t.vector);
        if (!t.vector) return base_fail_memory(v->ctx);
        for (size_t i = 0; i < d; i++) t.vector[i] = (float)((double)vector[i] / sqrt(norm));
    }
    v->turns[v->turn_count++] = t;
    return t.vector ? assign(v, &v->turns[v->turn_count - 1]) : AFFECT_OK;
}

static double likeness(const voice_turns *v, const group *a, const group *b) {
    return freed(cosine(a->sum, b->sum, v->d), a->weight, b->weight);
}

/* Merges the closest pair of groups until none is near enough; with `small`, pairs of which one has too
 * little speech, however near. */
static void merge_groups(voice_turns *v, bool small) {
    for (;;) {
        size_t best_a = 0, best_b = 0;
        double best = small ? -INFINITY : SAME_SPEAKER;
        for (size_t a = 0; a < v->group_count; a++)
            for (size_t b = a + 1; b < v->group_count; b++) {
                if (v->groups[a].merged_into >= 0 || v->groups[b].merged_into >= 0) continue;
                if (small && fmin(v->groups[a].weight, v->groups[b].weight) >= LEAST_S) continue;
                double c = likeness(v, &v->groups[a], &v->groups[b]);
                if (c > best) {
                    best = c;
                    best_a = a;
                    best_b = b;
                }
            }
        if (best_b == 0) return;
        group *a = &v->groups[best_a], *b = &v->groups[best_b];
        for (size_t i = 0; i < v->d; i++) a->sum[i] += b->sum[i];
        a->weight += b->weight;
        b->merged_into = (int)best_a;
    }
}

static int resolve(const voice_turns *v, int g) {
    while (g >= 0 && v->groups[g].merged_into >= 0) g = v->groups[g].merged_into;
    return g;
}

static affect_time distance(const turn *a, const turn *b) {
    return a->t0 >= b->t1 ? a->t0 - b->t1 : b->t0 >= a->t1 ? b->t0 - a->t1 : 0;
}

/* Turns without a group: by vector where there is one, else by the nearer decided neighbour. */
static void settle(voice_turns *v) {
    for (size_t i = 0; i < v->turn_count; i++) {
        turn *t = &v->turns[i];
        t->group = resolve(v, t->group);
        double best = -2;
        for (size_t g = 0; t->group < 0 && t->vector && g < v->group_count; g++) {
            if (v->groups[g].merged_into >= 0) continue;
            double c = cosine_to_group(&v->groups[g], t->vector, v->d);
            if (c > best) {
                best = c;
                t->group = -2 - (int)g; /* marked, so that it does not count as decided below */
            }
        }
    }
    for (size_t i = 0; i < v->turn_count; i++)
        if (v->turns[i].group <= -2) v->turns[i].group = -2 - v->turns[i].group;
    for (size_t i = 0; i < v->turn_count; i++) {
        turn *t = &v->turns[i];
        if (t->group >= 0) continue;
        affect_time nearest = INT64_MAX;
        for (size_t j = 0; j < v->turn_count; j++) {
            const turn *other = &v->turns[j];
            if (!other->vector || other->group < 0 || distance(t, other) >= nearest) continue;
            nearest = distance(t, other);
            t->group = other->group;
        }
    }
}

affect_status voice_turns_finish(voice_turns *v) {
    if (!v->turn_count) return AFFECT_OK;
    affect_tier *tier;
    affect_status status =
        timeline_tier(v->ctx, v->timeline, "speakers", AFFECT_MODALITY_VOICE, &tier);
    if (status != AFFECT_OK) return status;
    merge_groups(v, false);
    merge_groups(v, true);
    settle(v);

    int *speaker = base_alloc((v->group_count + 1) * sizeof *speaker);
    if (!speaker) return base_fail_memory(v->ctx);
    for (size_t g = 0; g <= v->group_count; g++) speaker[g] = 0;
    int speakers = 0;
    affect_interval open = {.t0 = AFFECT_TIME_NONE};
    char label[16] = "", open_label[16] = "";
    for (size_t i = 0; i < v->turn_count && status == AFFECT_OK; i++) {
        const turn *t = &v->turns[i];
        /* No vector anywhere: one speaker as far as can be told. */
        size_t slot = t->group >= 0 ? (size_t)t->group : v->group_count;
        if (!speaker[slot]) speaker[slot] = ++speakers;
        snprintf(label, sizeof label, "S%d", speaker[slot]);
        double c =
            t->group >= 0 && t->vector ? cosine_to_group(&v->groups[t->group], t->vector, v->d) : 0;
        float score = (float)(c < 0 ? 0 : c > 1 ? 1 : c);
        if (open.t0 != AFFECT_TIME_NONE && strcmp(label, open_label) == 0 &&
            t->t0 - open.t1 < JOIN_GAP) {
            open.t1 = BASE_MAX(open.t1, t->t1);
            open.score = BASE_MAX(open.score, score);
            continue;
        }
        if (open.t0 != AFFECT_TIME_NONE) status = tier_append(v->ctx, tier, &open);
        memcpy(open_label, label, sizeof label);
        open = (affect_interval){.t0 = t->t0, .t1 = t->t1, .label = open_label, .score = score};
    }
    if (status == AFFECT_OK) status = tier_append(v->ctx, tier, &open);
    base_free(speaker);
    return status;
}
