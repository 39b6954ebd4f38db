/* What each modality alone says, as intervals: the page's rows "Face looks", "Voice sounds" and "Words
 * say" for programs that show tiers and no curves. Stretches of a network's posteriors in which one
 * label is the likeliest; the page's likeliest() does the same. */
#include <math.h>
#include <string.h>

#include "report/report_private.h"

/* A row stands for the time around it, half way to its neighbours and at most a second; the last for
 * half a second. Stretches of one label that touch are one. */
static const affect_time MOST = AFFECT_SECOND, LAST = AFFECT_SECOND / 2,
                         TOUCH = 50 * AFFECT_MILLISECOND;

static affect_time half(const affect_track *track, size_t i, size_t k) {
    affect_time between = track->times[i] - track->times[k];
    return BASE_MIN((between < 0 ? -between : between) / 2, MOST);
}

static const affect_interval *utterance_at(const affect_timeline *timeline, affect_time time) {
    const affect_tier *tier = affect_timeline_find_tier(timeline, "utterances");
    for (size_t i = 0; tier && i < tier->count && tier->items[i].t0 <= time; i++)
        if (tier->items[i].t0 != AFFECT_TIME_NONE && time <= tier->items[i].t1)
            return &tier->items[i];
    return NULL;
}

static affect_status add_track(affect_context *ctx, const affect_timeline *timeline,
                               const affect_track *track, affect_tier *tier) {
    affect_interval open = {.label = NULL};
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < track->rows && status == AFFECT_OK; i++) {
        const float *values = track->values + i * track->channel_count;
        size_t best = SIZE_MAX;
        for (size_t c = 0; c < track->channel_count; c++)
            if (!isnan(values[c]) && (best == SIZE_MAX || values[c] > values[best])) best = c;
        if (best == SIZE_MAX) continue;
        affect_time time = track->times[i];
        const affect_interval *said =
            track->modality == AFFECT_MODALITY_WORDS ? utterance_at(timeline, time) : NULL;
        affect_time t0 = said ? said->t0 : time - (i ? half(track, i, i - 1) : 0);
        affect_time t1 =
            said ? said->t1 : time + (i + 1 < track->rows ? half(track, i, i + 1) : LAST);
        if (open.label && strcmp(open.label, track->channels[best]) == 0 && t0 - open.t1 < TOUCH) {
            open.t1 = BASE_MAX(open.t1, t1);
            open.score = BASE_MAX(open.score, values[best]);
            continue;
        }
        if (open.label) status = tier_append(ctx, tier, &open);
        open = (affect_interval){.t0 = t0,
                                 .t1 = t1,
                                 .label = track->channels[best],
                                 .score = values[best],
                                 .person = track->person};
    }
    if (open.label && status == AFFECT_OK) status = tier_append(ctx, tier, &open);
    return status;
}

affect_status report_likeliest_add(affect_context *ctx, const affect_timeline *timeline,
                                   report_likeliest *out) {
    static const struct {
        affect_modality modality;
        const char *tier;
    } rows[] = {{AFFECT_MODALITY_FACE, "face_looks"},
                {AFFECT_MODALITY_VOICE, "voice_sounds"},
                {AFFECT_MODALITY_WORDS, "words_say"}};
    *out = (report_likeliest){.with = *timeline};
    affect_status status = timeline_create(ctx, &out->made);
    for (size_t r = 0; r < BASE_COUNT(rows); r++) {
        affect_tier *tier = NULL;
        if (affect_timeline_find_tier(timeline, rows[r].tier)) continue; /* somebody's own */
        for (size_t i = 0; i < timeline->track_count && status == AFFECT_OK; i++) {
            const affect_track *track = timeline->tracks[i];
            if (!track->kind || track->kind->role != TRACK_ROLE_CATEGORIES || !track->rows ||
                track->modality != rows[r].modality)
                continue;
            if (!tier)
                status = timeline_tier(ctx, out->made, rows[r].tier, rows[r].modality, &tier);
            if (status == AFFECT_OK) status = add_track(ctx, timeline, track, tier);
        }
    }
    size_t count = status == AFFECT_OK ? timeline->tier_count + out->made->tier_count : 0;
    if (status == AFFECT_OK && !(out->tiers = base_calloc(count + 1, sizeof *out->tiers)))
        status = base_fail_memory(ctx);
    if (status != AFFECT_OK) {
        report_likeliest_clear(out);
        return status;
    }
    timeline_sort(out->made);
    if (timeline->tier_count)
        memcpy(out->tiers, timeline->tiers, timeline->tier_count * sizeof *out->tiers);
    if (out->made->tier_count)
        memcpy(out->tiers + timeline->tier_count, out->made->tiers,
               out->made->tier_count * sizeof *out->tiers);
    out->with.tiers = out->tiers;
    out->with.tier_count = count;
    return AFFECT_OK;
}

void report_likeliest_clear(report_likeliest *out) {
    base_free(out->tiers);
    affect_timeline_destroy(out->made);
    *out = (report_likeliest){0};
}
