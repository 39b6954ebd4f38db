/* Silero VAD as a stream: windows of 512 samples, each seen with the 64 samples before it, and a
 * state of 2 x 1 x 128 that is carried from window to window. */
#include "voice/activity.h"

#include <math.h>
#include <string.h>

enum { RATE = 16000, WINDOW = 512, CONTEXT = 64, STATE = 2 * 1 * 128 };

/* Silero's own recommendation: open at .5, close .15 below, close only after 100 ms of silence,
 * drop speech shorter than 250 ms, and widen what remains by 30 ms. */
static const float OPEN_AT = 0.5F, CLOSE_AT = 0.35F;
static const affect_time MIN_SILENCE = 100 * AFFECT_MILLISECOND;
static const affect_time MIN_SPEECH = 250 * AFFECT_MILLISECOND;
static const affect_time PAD = 30 * AFFECT_MILLISECOND;

struct voice_activity {
    affect_context *ctx;
    affect_timeline *timeline;
    infer_model *model;
    affect_track *track;
    affect_tier *tier;
    float state[STATE];
    float samples[CONTEXT + WINDOW]; /* the context, then the window being filled */
    size_t filled;                   /* samples of the window that are there */
    affect_time window_t0;           /* of the window being filled */
    affect_time next_t0;             /* where the next block should start; NONE before the first */
    bool open;
    affect_time opened, quiet_since; /* quiet_since: NONE while above CLOSE_AT */
    affect_time last_end;            /* of the last interval written, for padding */
    double score_sum;
    size_t score_count;
};

affect_status voice_activity_create(affect_context *ctx, const char *model,
                                    affect_timeline *timeline, voice_activity **out) {
    *out = NULL;
    voice_activity *a = base_calloc(1, sizeof *a);
    if (!a) return base_fail_memory(ctx);
    a->ctx = ctx;
    a->timeline = timeline;
    a->next_t0 = a->quiet_since = a->last_end = AFFECT_TIME_NONE;
    affect_status status = infer_model_load(ctx, model ? model : "voice.activity", 1, &a->model);
    if (status == AFFECT_OK)
        status = timeline_add_role(ctx, timeline, TRACK_ROLE_ACTIVITY, AFFECT_MODALITY_VOICE,
                                   AFFECT_PERSON_NONE, infer_model_card(a->model)->name, NULL, 0,
                                   &a->track);
    if (status == AFFECT_OK)
        status = timeline_tier(ctx, timeline, "speech", AFFECT_MODALITY_VOICE, &a->tier);
    if (status != AFFECT_OK) {
        voice_activity_destroy(a);
        return status;
    }
    *out = a;
    return AFFECT_OK;
}

void voice_activity_destroy(voice_activity *a) {
    if (!a) return;
    infer_model_destroy(a->model);
    base_free(a);
}

static affect_status close_interval(voice_activity *a, affect_time end) {
    a->open = false;
    if (end - a->opened < MIN_SPEECH) return AFFECT_OK;
    affect_time start = BASE_MAX(a->opened - PAD, 0);
    if (a->last_end != AFFECT_TIME_NONE) start = BASE_MAX(start, a->last_end);
    affect_interval interval = {
        .t0 = start,
        .t1 = end + PAD,
        .label = "speech",
        .score = (float)(a->score_sum / (double)a->score_count),
    };
    a->last_end = interval.t1;
    return tier_append(a->ctx, a->tier, &interval);
}

/* Follows the probability of the window [t0, t1) with hysteresis. */
static affect_status follow(voice_activity *a, float speech, affect_time t0, affect_time t1) {
    if (!a->open) {
        if (speech < OPEN_AT) return AFFECT_OK;
        a->open = true;
        a->opened = t0;
        a->quiet_since = AFFECT_TIME_NONE;
        a->score_sum = 0;
        a->score_count = 0;
    }
    a->score_sum += (double)speech;
    a->score_count++;
    if (speech >= CLOSE_AT) {
        a->quiet_since = AFFECT_TIME_NONE;
        return AFFECT_OK;
    }
    if (a->quiet_since == AFFECT_TIME_NONE) a->quiet_since = t0;
    return t1 - a->quiet_since >= MIN_SILENCE ? close_interval(a, a->quiet_since) : AFFECT_OK;
}

static affect_status run_window(voice_activity *a, size_t real_samples) {
    int64_t rate = RATE;
    infer_tensor inputs[] = {
        {.name = "input",
         .type = INFER_F32,
         .rank = 2,
         .shape = {1, CONTEXT + WINDOW},
         .data = a->samples},
        {.name = "state", .type = INFER_F32, .rank = 3, .shape = {2, 1, 128}, .data = a->state},
        {.name = "sr", .type = INFER_I64, .rank = 0, .data = &rate},
    };
    infer_tensor outputs[] = {{.name = "output"}, {.name = "stateN"}};
    affect_status status = infer_model_run(a->ctx, a->model, inputs, 3, outputs, 2);
    if (status != AFFECT_OK) return status;
    float speech = ((const float *)outputs[0].data)[0];
    memcpy(a->state, outputs[1].data, sizeof a->state);
    memmove(a->samples, a->samples + WINDOW, CONTEXT * sizeof *a->samples);
    a->filled = 0;

    affect_time t0 = a->window_t0, t1 = t0 + time_from_ticks((int64_t)real_samples, 1, RATE);
    a->window_t0 = t0 + time_from_ticks(WINDOW, 1, RATE);
    status = track_append(a->ctx, a->track, t0 + (t1 - t0) / 2, 1, &speech);
    return status == AFFECT_OK ? follow(a, speech, t0, t1) : status;
}

/* The rest of an unfinished window, padded with silence, and the end of an open interval. */
static affect_status flush(voice_activity *a) {
    affect_status status = AFFECT_OK;
    affect_time end = a->window_t0 + time_from_ticks((int64_t)a->filled, 1, RATE);
    if (a->filled) {
        memset(a->samples + CONTEXT + a->filled, 0, (WINDOW - a->filled) * sizeof *a->samples);
        status = run_window(a, a->filled);
    }
    if (status == AFFECT_OK && a->open) {
        status = close_interval(a, a->quiet_since != AFFECT_TIME_NONE ? a->quiet_since : end);
        /* Padding must not reach past what was heard. */
        if (a->tier->count && a->tier->items[a->tier->count - 1].t1 > end)
            a->last_end = a->tier->items[a->tier->count - 1].t1 = end;
    }
    return status;
}

affect_status voice_activity_push(voice_activity *a, const media_block *block) {
    if (block->sample_rate != RATE)
        return base_fail(a->ctx, AFFECT_ERROR_ARGUMENT, "speech activity wants 16000 Hz, not %d",
                         block->sample_rate);
    affect_status status = AFFECT_OK;
    affect_time jump = a->next_t0 == AFFECT_TIME_NONE ? INT64_MAX : block->t0 - a->next_t0;
    if (jump > AFFECT_MILLISECOND || jump < -AFFECT_MILLISECOND) {
        if (a->next_t0 != AFFECT_TIME_NONE) status = flush(a);
        memset(a->state, 0, sizeof a->state);
        memset(a->samples, 0, sizeof a->samples);
        a->filled = 0;
        a->window_t0 = block->t0;
    }
    for (size_t i = 0; i < block->count && status == AFFECT_OK;) {
        size_t n = BASE_MIN(block->count - i, WINDOW - a->filled);
        memcpy(a->samples + CONTEXT + a->filled, block->samples + i, n * sizeof *a->samples);
        a->filled += n;
        i += n;
        if (a->filled == WINDOW) status = run_window(a, WINDOW);
    }
    a->next_t0 = block->t0 + time_from_ticks((int64_t)block->count, 1, RATE);
    return status;
}

affect_status voice_activity_finish(voice_activity *a) {
    return a->next_t0 == AFFECT_TIME_NONE ? AFFECT_OK : flush(a);
}
