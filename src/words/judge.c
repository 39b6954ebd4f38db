/* The rule: word confidences are posteriors of a minimum-Bayes-risk decoding over the lattice (Xu,
 * Povey, Mangu & Zhu 2011, Computer Speech & Language 25(4)). Where the sound is not English, many
 * paths explain it equally badly and posteriors spread. The mean log odds of the words of an
 * utterance and of those around it, drawn towards even odds by a few imaginary words, is compared
 * with a threshold. Where the numbers come from, and what they are worth on other recordings, is in
 * docs/words.md. */
#include <math.h>
#include <string.h>

#include "words/judge.h"

static const double MEAN_LOG_ODDS = 2.2; /* from which words are believed */
static const double EVEN_WORDS = 2;      /* imaginary words of log odds 0 */
enum { RECENT = 128 };

typedef struct pending {
    words_utterance utterance;
    words_item *items; /* texts are owned */
    double sum;
} pending;

typedef struct recent {
    affect_time t1;
    size_t count;
    double sum;
} recent;

struct words_judge {
    affect_context *ctx;
    affect_timeline *timeline;
    words_emitter *emitter;
    bool holding; /* the stretch is too young for a verdict */
    size_t held_words;
    size_t pending_count, pending_capacity;
    pending *pending;
    size_t recent_count; /* oldest first */
    recent recent[RECENT];
    bool lost; /* a stretch that is not understood is open */
    affect_time lost_t0, lost_t1;
};

double words_judge_word(float confidence) {
    double c = BASE_MAX(0.02, BASE_MIN(0.995, (double)confidence));
    return log(c / (1 - c));
}

bool words_judge_decide(double own_sum, size_t own_count, double other_sum, double other_count,
                        double threshold) {
    if (other_count > JUDGE_WINDOW_WORDS) {
        other_sum *= JUDGE_WINDOW_WORDS / other_count;
        other_count = JUDGE_WINDOW_WORDS;
    }
    return (own_sum + other_sum) / ((double)own_count + other_count + EVEN_WORDS) > threshold;
}

affect_status words_judge_create(affect_context *ctx, affect_timeline *timeline,
                                 words_emitter *emitter, words_judge **out) {
    words_judge *j = base_calloc(1, sizeof *j);
    *out = j;
    if (!j) return base_fail_memory(ctx);
    j->ctx = ctx;
    j->timeline = timeline;
    j->emitter = emitter;
    j->holding = true;
    return AFFECT_OK;
}

static void drop(pending *p) {
    for (size_t i = 0; i < p->utterance.count; i++) base_free((char *)p->items[i].text);
    base_free(p->items);
}

static affect_status copy(words_judge *j, const words_utterance *u) {
    if (!base_grow((void **)&j->pending, &j->pending_capacity, j->pending_count + 1,
                   sizeof *j->pending))
        return base_fail_memory(j->ctx);
    pending p = {.utterance = *u, .items = base_calloc(u->count, sizeof *p.items)};
    bool failed = !p.items;
    for (size_t i = 0; !failed && i < u->count; i++) {
        p.items[i] = u->items[i];
        p.items[i].text = base_strdup(u->items[i].text);
        failed = !p.items[i].text;
        p.sum += words_judge_word(u->items[i].confidence);
    }
    if (failed) {
        if (p.items) drop(&p);
        return base_fail_memory(j->ctx);
    }
    p.utterance.items = p.items;
    j->pending[j->pending_count++] = p;
    return AFFECT_OK;
}

static affect_status close_lost(words_judge *j) {
    if (!j->lost) return AFFECT_OK;
    j->lost = false;
    return timeline_warn(j->ctx, j->timeline, j->lost_t0, j->lost_t1,
                         "speech was not understood (another language, singing or noise?): no "
                         "words are given");
}

static void remember(words_judge *j, const pending *p) {
    if (j->recent_count == RECENT)
        memmove(j->recent, j->recent + 1, --j->recent_count * sizeof *j->recent);
    j->recent[j->recent_count++] = (recent){p->utterance.t1, p->utterance.count, p->sum};
}

static void forget(words_judge *j, affect_time now) {
    size_t old = 0;
    while (old < j->recent_count && now - j->recent[old].t1 > JUDGE_WINDOW_S * AFFECT_SECOND) old++;
    j->recent_count -= old;
    memmove(j->recent, j->recent + old, j->recent_count * sizeof *j->recent);
}

/* Decides all that is pending, each beside the others and what came before. */
static affect_status decide(words_judge *j) {
    affect_status status = AFFECT_OK;
    double sum = 0, count = 0;
    for (size_t i = 0; i < j->recent_count; i++) {
        sum += j->recent[i].sum;
        count += (double)j->recent[i].count;
    }
    for (size_t i = 0; i < j->pending_count; i++) {
        sum += j->pending[i].sum;
        count += (double)j->pending[i].utterance.count;
    }
    for (size_t i = 0; i < j->pending_count; i++) {
        pending *p = &j->pending[i];
        p->utterance.understood =
            words_judge_decide(p->sum, p->utterance.count, sum - p->sum,
                               count - (double)p->utterance.count, MEAN_LOG_ODDS);
        if (!status && p->utterance.understood) status = close_lost(j);
        if (!p->utterance.understood) {
            if (!j->lost) j->lost_t0 = p->utterance.t0;
            j->lost = true;
            j->lost_t1 = p->utterance.t1;
        }
        if (!status) status = words_emit(j->emitter, &p->utterance);
        remember(j, p);
        drop(p);
    }
    j->pending_count = 0;
    j->holding = false;
    return status;
}

affect_status words_judge_add(words_judge *j, const words_utterance *u) {
    if (!u->count) return AFFECT_OK;
    affect_status status = words_judge_advance(j, u->t0);
    if (!status) status = copy(j, u);
    if (status) return status;
    j->held_words += u->count;
    return j->holding && j->held_words < JUDGE_HOLD_WORDS ? AFFECT_OK : decide(j);
}

affect_status words_judge_advance(words_judge *j, affect_time now) {
    forget(j, now);
    if (j->pending_count)
        return now - j->pending[0].utterance.t1 > JUDGE_HOLD_S * AFFECT_SECOND ? decide(j)
                                                                               : AFFECT_OK;
    if (!j->recent_count && !j->holding) { /* long silence: who speaks next may be another */
        j->holding = true;
        j->held_words = 0;
    }
    return AFFECT_OK;
}

affect_status words_judge_finish(words_judge *j) {
    affect_status status = decide(j);
    return status ? status : close_lost(j);
}

void words_judge_destroy(words_judge *j) {
    if (!j) return;
    for (size_t i = 0; i < j->pending_count; i++) drop(&j->pending[i]);
    base_free(j->pending);
    base_free(j);
}
