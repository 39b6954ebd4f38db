/* Turns of a dialogue as numbers, and what two fitted logistic regressions say of them. The task of
 * causes is RECCON's (Poria et al. 2021, arXiv 2012.11820): which earlier turns, or the turn itself,
 * hold the cause of its emotion. */
#include "reason/turns.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "model/model.h"

/* ---- what is seen of a text ---- */

enum { WORDS = 64, LONG_WORD = 4 /* letters; shorter words are mostly grammar */ };

typedef struct seen {
    uint64_t words[WORDS]; /* hashes of the long words, each once */
    size_t count;
    double length; /* log of 1 + all words */
    double asks, exclaims;
} seen;

static bool is_letter(unsigned char c) {
    return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\'';
}

static void look(const char *text, seen *out) {
    *out = (seen){0};
    size_t all = 0;
    for (const char *p = text; *p;) {
        if (!is_letter((unsigned char)*p)) {
            out->asks += *p == '?';
            out->exclaims += *p == '!';
            p++;
            continue;
        }
        uint64_t hash = 14695981039346656037U; /* FNV-1a */
        size_t letters = 0;
        for (; is_letter((unsigned char)*p); p++, letters++) {
            unsigned char c = (unsigned char)*p;
            hash = (hash ^ (c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c)) * 1099511628211U;
        }
        all++;
        bool known = letters < LONG_WORD || out->count == WORDS;
        for (size_t i = 0; i < out->count && !known; i++) known = out->words[i] == hash;
        if (!known) out->words[out->count++] = hash;
    }
    out->length = log1p((double)all);
    out->asks = fmin(out->asks, 1);
    out->exclaims = fmin(out->exclaims, 1);
}

static double shared(const seen *a, const seen *b) {
    double n = 0;
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++) n += a->words[i] == b->words[k];
    return n;
}

/* ---- what is seen of an emotion ---- */

static double expressed(const reason_turn *turn) { /* most of what is not neutral */
    double most = 0;
    for (int c = 1; c < CATEGORIES; c++) most = fmax(most, turn->emotion[c]);
    return most;
}

static double agreement(const reason_turn *a, const reason_turn *b) {
    double most = 0;
    for (int c = 1; c < CATEGORIES; c++) most = fmax(most, a->emotion[c] * b->emotion[c]);
    return most;
}

/* ---- features ---- */

void reason_cause_features(const reason_turn *turns, size_t target, size_t cause,
                           double out[REASON_CAUSE_FEATURES]) {
    const reason_turn *t = &turns[target], *c = &turns[cause];
    size_t d = target - cause, n = 0;
    const double near[3] = {d == 0, d == 1, d >= 2};
    seen told, cue;
    look(t->text, &told);
    look(c->text, &cue);
    memset(out, 0, REASON_CAUSE_FEATURES * sizeof *out);
    out[n++] = 1;
    for (size_t k = 1; k < 8; k++) out[n++] = k < 7 ? d == k : d >= 7;
    out[n++] = log1p((double)d);
    out[n++] = d > 0 && t->speaker == c->speaker;
    out[n++] = d == 2 && t->speaker == c->speaker;

    for (int k = 0; k < 3; k++) out[n++] = near[k] * cue.length;
    for (int k = 0; k < 3; k++) out[n++] = near[k] * told.length;
    for (int k = 0; k < 3; k++) out[n++] = near[k] * cue.asks;
    out[n++] = near[0] * told.exclaims;
    double common = shared(&told, &cue);
    out[n++] = d > 0 ? common / (1 + (double)told.count) : 0;
    out[n++] = d > 0 ? common / (1 + (double)cue.count) : 0;

    double alike = agreement(t, c);
    for (int k = 1; k < 3; k++) {
        out[n++] = near[k] * (1 - expressed(c));
        out[n++] = near[k] * alike;
        out[n++] = near[k] * fmax(0, expressed(c) * expressed(t) - alike);
    }
    double between = 0, sum = 0;
    for (size_t i = cause + 1; i < target; i++) {
        double a = agreement(t, &turns[i]);
        between = fmax(between, a);
        sum += a;
    }
    out[n++] = between;
    out[n++] = sum / (double)(d + 1);
    double before = 0; /* did the speaker express this already when he last spoke? */
    for (size_t i = target; i-- > 0;)
        if (turns[i].speaker == t->speaker) {
            before = agreement(t, &turns[i]);
            break;
        }
    for (int k = 0; k < 3; k++) out[n++] = near[k] * before;
    for (int e = 1; e < CATEGORIES - 1; e++) /* contempt has no examples */
        for (int k = 0; k < 3; k++) out[n++] = near[k] * t->emotion[e];
    out[n++] = target == 0;
    out[n++] = cause == 0;
    out[n++] = target == 1 && cause == 1;
    out[n++] = target == 1 && cause == 0;
}

void reason_next_features(const reason_turn *turns, size_t count, int speaker,
                          double out[REASON_NEXT_FEATURES]) {
    double *last = out, *second = out + CATEGORIES, *lately = out + 2 * CATEGORIES;
    double *own = out + 3 * CATEGORIES, *rest = out + 4 * CATEGORIES;
    memset(out, 0, REASON_NEXT_FEATURES * sizeof *out);
    rest[0] = 1;
    if (!count) return;
    memcpy(last, turns[count - 1].emotion, sizeof turns->emotion);
    if (count > 1) memcpy(second, turns[count - 2].emotion, sizeof turns->emotion);
    double weight = 1, sum = 0;
    bool spoke = false;
    for (size_t i = count; i-- > 0; weight *= 0.8) {
        for (int c = 0; c < CATEGORIES; c++) lately[c] += weight * turns[i].emotion[c];
        sum += weight;
        if (!spoke && speaker >= 0 && turns[i].speaker == speaker) {
            memcpy(own, turns[i].emotion, sizeof turns->emotion);
            spoke = true;
        }
    }
    for (int c = 0; c < CATEGORIES; c++) lately[c] /= sum;
    seen heard;
    look(turns[count - 1].text, &heard);
    rest[1] = count == 1;
    rest[2] = log((double)count);
    rest[3] = heard.asks;
    rest[4] = heard.exclaims;
    rest[5] = heard.length;
    rest[6] = speaker >= 0 && !spoke;
    rest[7] = speaker >= 0 && turns[count - 1].speaker == speaker;
}

/* ---- the models ---- */

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

double reason_turn_caused(const reason_turns_model *model, const reason_turn *turns, size_t target,
                          size_t cause) {
    double x[REASON_CAUSE_FEATURES];
    if (target - cause > REASON_TURNS_BACK) return 0;
    reason_cause_features(turns, target, cause, x);
    return 1 / (1 + exp(-dot(model->cause, x, REASON_CAUSE_FEATURES)));
}

void reason_turn_next(const reason_turns_model *model, const reason_turn *turns, size_t count,
                      int speaker, double out[CATEGORIES]) {
    double x[REASON_NEXT_FEATURES], top = -INFINITY, sum = 0;
    reason_next_features(turns, count, speaker, x);
    for (int c = 0; c < CATEGORIES; c++) {
        out[c] = dot(model->next[c], x, REASON_NEXT_FEATURES);
        top = fmax(top, out[c]);
    }
    for (int c = 0; c < CATEGORIES; c++) sum += out[c] = exp(out[c] - top);
    for (int c = 0; c < CATEGORIES; c++) out[c] /= sum;
}

static bool take(const json_t *list, double *out, size_t count) {
    if (json_array_size(list) != count) return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        out[i] = json_is_number(value) ? json_number_value(value) : NAN;
        if (!isfinite(out[i])) return false;
    }
    return true;
}

affect_status reason_turns_load(affect_context *ctx, const char *model, reason_turns_model **out) {
    char *path = NULL, *text = NULL;
    size_t length = 0;
    *out = NULL;
    affect_status status =
        model_card_text(ctx, model ? model : "reason.turns", false, &path, &text, &length);
    if (status) return status;
    reason_turns_model *m = base_calloc(1, sizeof *m);
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *next = json_object_get(root, "next");
    bool good = m && take(json_object_get(root, "cause"), m->cause, REASON_CAUSE_FEATURES) &&
                json_array_size(next) == CATEGORIES;
    for (size_t c = 0; good && c < CATEGORIES; c++)
        good = take(json_array_get(next, c), m->next[c], REASON_NEXT_FEATURES);
    if (good) {
        m->threshold = json_number_value(json_object_get(root, "threshold"));
        good = m->threshold > 0 && m->threshold < 1;
    }
    json_decref(root);
    if (!m)
        status = base_fail_memory(ctx);
    else if (!good)
        status =
            base_fail(ctx, AFFECT_ERROR_MODEL,
                      "%s: no weights of the turns of a dialogue (\"cause\": %d numbers, \"next\": "
                      "%d times %d, \"threshold\")",
                      path, (int)REASON_CAUSE_FEATURES, (int)CATEGORIES, (int)REASON_NEXT_FEATURES);
    else
        *out = m;
    if (status) base_free(m);
    base_free(path);
    base_free(text);
    return status;
}
