/* Open vocabulary for programs: texts of labels in, scores out. wheel.c has the definitions. */
#include <math.h>

#include "affect/score.h"
#include "base/base.h"
#include "score/wheel.h"

affect_status affect_score_wheels_open(affect_context *ctx, const char *path,
                                       affect_score_wheels **out) {
    BASE_NEED(ctx, path && out);
    return score_wheels_open(ctx, path, out);
}

void affect_score_wheels_destroy(affect_score_wheels *wheels) { score_wheels_destroy(wheels); }

/* Gold's labels, then the predicted ones, in one array. */
static affect_status parse_all(affect_context *ctx, const char *const *gold,
                               const char *const *predicted, size_t n, unsigned form,
                               score_labels **out) {
    *out = base_calloc(2 * n + 1, sizeof **out);
    affect_status status = *out ? AFFECT_OK : base_fail_memory(ctx);
    for (size_t i = 0; i < 2 * n && !status; i++)
        status = score_labels_parse(ctx, i < n ? gold[i] : predicted[i - n], form, &(*out)[i]);
    return status;
}

static void clear_all(score_labels *labels, size_t n) {
    for (size_t i = 0; i < 2 * n && labels; i++) score_labels_clear(&labels[i]);
    base_free(labels);
}

affect_status affect_score_open_sets(affect_context *ctx, affect_score_edition edition,
                                     const affect_score_wheels *wheels, const char *const *groups,
                                     const char *const *gold, const char *const *predicted,
                                     size_t n, affect_score_open *out) {
    BASE_NEED(ctx, (!n || (gold && predicted)) && out);
    bool grouped = edition == AFFECT_SCORE_MER2024;
    *out = (affect_score_open){NAN, NAN, NAN, (int64_t)n};
    if (grouped ? !groups : !wheels)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "the open-vocabulary score of this edition %s",
                         grouped ? "wants groups of synonyms" : "wants wheels");
    score_labels *labels;
    affect_status status =
        parse_all(ctx, gold, predicted, n,
                  grouped ? SCORE_LABELS_LOWER : SCORE_LABELS_LOWER | SCORE_LABELS_STRIP, &labels);
    const score_open_sets sets = {n, labels, labels ? labels + n : NULL};
    if (!status && grouped) {
        status = score_grouped_sets(ctx, &sets, groups, &out->precision, &out->recall);
        out->score = (out->precision + out->recall) / 2;
    } else if (!status) {
        score_wheel_row rows[SCORE_WHEELS][SCORE_WHEEL_LEVELS];
        double mean[3] = {NAN, NAN, NAN};
        status = score_wheel_sets(ctx, wheels, &sets, NULL, 0,
                                  edition == AFFECT_SCORE_MER2025 ? 2 : 1, rows, mean);
        out->score = mean[0];
        out->precision = mean[1];
        out->recall = mean[2];
    }
    clear_all(labels, n);
    return status;
}

affect_status affect_score_hit_rates(affect_context *ctx, const affect_score_wheels *wheels,
                                     const char *const *gold, const char *const *predicted,
                                     size_t n, const char *known, affect_score_hits *out) {
    BASE_NEED(ctx, (!n || (gold && predicted)) && wheels && known && out);
    *out = (affect_score_hits){.hit_rate = NAN, .mscore = NAN};
    if (!wheels) return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "the hit rate wants wheels");
    unsigned form = SCORE_LABELS_LOWER | SCORE_LABELS_STRIP;
    score_labels *labels, candidates = {0};
    score_hits hits[SCORE_WHEELS];
    affect_status status = parse_all(ctx, gold, predicted, n, form, &labels);
    if (!status) status = score_labels_parse(ctx, known, form, &candidates);
    const score_open_sets sets = {n, labels, labels ? labels + n : NULL};
    if (!status)
        status = score_hit_rates(ctx, wheels, &sets, &candidates, NULL, 0, hits, &out->hit_rate,
                                 &out->mscore);
    for (size_t k = 0; k < SCORE_WHEELS && !status; k++)
        out->samples = BASE_MAX(out->samples, (int64_t)hits[k].samples);
    out->skipped = (int64_t)n - out->samples;
    score_labels_clear(&candidates);
    clear_all(labels, n);
    return status;
}
