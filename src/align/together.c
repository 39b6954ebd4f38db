/* Mean field over who speaks, annealed: lips alone first, voices by and by. */
#include "align/together.h"

#include <math.h>
#include <string.h>

enum {
    ROUNDS = 30,
    WARM = 8,   /* rounds until voices count in full */
    REACH = 128 /* stretches to either side whose likeness is looked at: memory stays linear */
};

typedef struct state {
    const align_together_rule *rule;
    const align_voices *voices;
    const align_stretch *stretches;
    size_t count, faces;
    const double *lips;
    double *now;          /* [count][faces + 1] */
    double *sums;         /* [faces][1 + measures]: weight, and the sum of descriptions */
    double *likeness;     /* [count][2 REACH + 1]: log likelihood ratio of one voice */
    double *next, *score; /* [faces + 1] */
} state;

static double *likeness_of(const state *s, size_t i, size_t k) {
    return s->likeness + i * (2 * REACH + 1) + (k + REACH - i);
}

static void compare(state *s) {
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = i > REACH ? i - REACH : 0; k <= BASE_MIN(i + REACH, s->count - 1); k++)
            *likeness_of(s, i, k) =
                i != k && s->stretches[i].heard && s->stretches[k].heard
                    ? align_voice_ratio(s->voices, s->stretches[i].voice, 1, s->stretches[k].voice)
                    : 0;
}

static void add_up(state *s) {
    size_t width = 1 + ALIGN_VOICE_MEASURES;
    memset(s->sums, 0, s->faces * width * sizeof *s->sums);
    for (size_t i = 0; i < s->count; i++)
        for (size_t f = 0; f < s->faces && s->stretches[i].heard; f++) {
            double share = s->now[i * (s->faces + 1) + f], *sum = s->sums + f * width;
            sum[0] += share;
            for (size_t d = 0; d < ALIGN_VOICE_MEASURES; d++)
                sum[1 + d] += share * s->stretches[i].voice[d];
        }
}

/* Of stretch i, from the others of the face. */
static double fits_face(const state *s, size_t i, size_t f) {
    const double *sum = s->sums + f * (1 + ALIGN_VOICE_MEASURES);
    double share = s->now[i * (s->faces + 1) + f], count = sum[0] - share;
    double mean[ALIGN_VOICE_MEASURES];
    if (!(count > 1e-3)) return 0;
    for (size_t d = 0; d < ALIGN_VOICE_MEASURES; d++)
        mean[d] = (sum[1 + d] - share * s->stretches[i].voice[d]) / count;
    return align_voice_ratio(s->voices, s->stretches[i].voice, count, mean);
}

static double fits_nobody(const state *s, size_t i) {
    size_t first = i > REACH ? i - REACH : 0, last = BASE_MIN(i + REACH, s->count - 1);
    double top = 0, all = s->rule->new_voice, sum;
    for (size_t k = first; k <= last; k++) top = fmax(top, *likeness_of(s, i, k));
    sum = s->rule->new_voice * exp(-top);
    for (size_t k = first; k <= last; k++) {
        if (k == i || !s->stretches[k].heard) continue;
        double share = s->now[k * (s->faces + 1) + s->faces];
        all += share;
        sum += share * exp(*likeness_of(s, i, k) - top);
    }
    return top + log(sum / all);
}

static void score(state *s, size_t i, double voice) {
    size_t n = s->faces + 1;
    for (size_t f = 0; f < n; f++) {
        s->score[f] = f < s->faces ? s->rule->lips * s->lips[i * s->faces + f] : s->rule->nobody;
        if (voice > 0 && s->stretches[i].heard)
            s->score[f] += voice * (f < s->faces ? fits_face(s, i, f) : fits_nobody(s, i));
        if (s->stretches[i].bound) s->score[f] += s->rule->bond * s->now[(i - 1) * n + f];
        if (i + 1 < s->count && s->stretches[i + 1].bound)
            s->score[f] += s->rule->bond * s->now[(i + 1) * n + f];
    }
    double top = -INFINITY, sum = 0;
    for (size_t f = 0; f < n; f++) top = fmax(top, s->score[f]);
    for (size_t f = 0; f < n; f++) sum += s->score[f] = exp(s->score[f] - top);
    for (size_t f = 0; f < n; f++) s->score[f] /= sum;
}

affect_status align_together(affect_context *ctx, const align_together_rule *rule,
                             const align_voices *voices, const align_stretch *stretches,
                             size_t count, size_t faces, const double *lips, double *out) {
    if (!count) return AFFECT_OK;
    size_t n = faces + 1, width = 1 + ALIGN_VOICE_MEASURES;
    state s = {.rule = rule,
               .voices = voices,
               .stretches = stretches,
               .count = count,
               .faces = faces,
               .lips = lips,
               .now = out};
    s.sums = base_calloc(n * width, sizeof *s.sums);
    s.likeness = base_calloc(count * (2 * REACH + 1), sizeof *s.likeness);
    s.score = base_calloc(n, sizeof *s.score);
    s.next = base_calloc(count * n, sizeof *s.next);
    affect_status status = AFFECT_OK;
    if (!s.sums || !s.likeness || !s.score || !s.next) {
        status = base_fail_memory(ctx);
        goto cleanup;
    }
    for (size_t i = 0; i < count * n; i++) out[i] = 1 / (double)n;
    if (voices) compare(&s);
    for (int round = 0; round < ROUNDS + 1; round++) {
        /* Round 0 is lips alone. */
        double voice = voices ? rule->voice * fmin(1, (double)round / WARM) : 0;
        add_up(&s);
        for (size_t i = 0; i < count; i++) {
            score(&s, i, voice);
            for (size_t f = 0; f < n; f++)
                s.next[i * n + f] = round ? .5 * (out[i * n + f] + s.score[f]) : s.score[f];
        }
        memcpy(out, s.next, count * n * sizeof *out);
    }
cleanup:
    base_free(s.sums);
    base_free(s.likeness);
    base_free(s.score);
    base_free(s.next);
    return status;
}
