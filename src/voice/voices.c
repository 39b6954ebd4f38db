/* Turns of each channel. */
#include "voice/voices.h"

#include <math.h>
#include <string.h>

enum { RATE = 16000, WAITING = 256 /* windows, 8 s, that are told apart with what comes then */ };
static const float speech_least = 0.5F;
static const affect_time pause = 500 * AFFECT_MILLISECOND;

typedef struct turn {
    affect_time t0, t1; /* t0 is NONE: none is open */
    double speech;      /* sums over windows */
    size_t windows;
} turn;

typedef struct heard {
    affect_time t0;
    float speech;
    voice_channels_window channels;
} heard;

struct voice_voices {
    affect_context *ctx;
    affect_timeline *timeline;
    affect_tier *tier; /* NULL before the first turn */
    turn turns[2];     /* of left and right */
    int numbers[2];    /* of their voices, 0 = none yet */
    int count;         /* voices */
    heard waiting[WAITING];
    size_t waiting_count; /* those seen since the stretch began, the latest in the ring */
    bool apart;
};

affect_status voice_voices_create(affect_context *ctx, affect_timeline *timeline,
                                  voice_voices **out) {
    *out = base_calloc(1, sizeof **out);
    if (!*out) return base_fail_memory(ctx);
    (*out)->ctx = ctx;
    (*out)->timeline = timeline;
    for (int c = 0; c < 2; c++) (*out)->turns[c].t0 = AFFECT_TIME_NONE;
    return AFFECT_OK;
}

void voice_voices_destroy(voice_voices *v) { base_free(v); }

static affect_status close_turn(voice_voices *v, int channel) {
    turn *t = &v->turns[channel];
    if (t->t0 == AFFECT_TIME_NONE) return AFFECT_OK;
    affect_attributes *a = NULL;
    char label[16];
    affect_status status = affect_attributes_create(v->ctx, &a);
    if (status == AFFECT_OK)
        status = affect_attributes_set_text(v->ctx, a, "channel", voice_channels_names[channel]);
    if (status == AFFECT_OK && !v->tier)
        status = timeline_tier(v->ctx, v->timeline, "speakers", AFFECT_MODALITY_VOICE, &v->tier);
    if (!v->numbers[channel]) v->numbers[channel] = ++v->count;
    snprintf(label, sizeof label, "S%d", v->numbers[channel]);
    if (status == AFFECT_OK)
        status = tier_append(v->ctx, v->tier,
                             &(affect_interval){.t0 = t->t0,
                                                .t1 = t->t1,
                                                .label = label,
                                                .score = (float)(t->speech / (double)t->windows),
                                                .attributes = a});
    affect_attributes_destroy(a);
    t->t0 = AFFECT_TIME_NONE;
    return status;
}

static affect_status take(voice_voices *v, const heard *h) {
    affect_status status = AFFECT_OK;
    affect_time t1 = h->t0 + time_from_ticks(VOICE_CHANNELS_WINDOW, 1, RATE);
    for (int c = 0; c < 2 && status == AFFECT_OK; c++) {
        turn *t = &v->turns[c];
        bool over =
            t->t0 != AFFECT_TIME_NONE && (h->t0 - t->t1 > pause || t1 - t->t0 > VOICE_TURN_LONGEST);
        if (over) status = close_turn(v, c);
        if (h->speech < speech_least || !voice_channels_own(&h->channels, c)) continue;
        if (t->t0 == AFFECT_TIME_NONE) *t = (turn){.t0 = h->t0};
        t->t1 = t1;
        t->speech += (double)h->speech;
        t->windows++;
    }
    return status;
}

affect_status voice_voices_window(voice_voices *v, affect_time t0, float speech,
                                  const voice_channels_window *channels) {
    heard h = {.t0 = t0, .speech = speech, .channels = *channels};
    affect_status status = AFFECT_OK;
    if (!channels->separate) {
        if (v->apart) status = voice_voices_end(v);
        v->waiting[v->waiting_count++ % WAITING] = h;
        return status;
    }
    size_t from = v->waiting_count > WAITING ? v->waiting_count - WAITING : 0;
    for (size_t i = from; i < v->waiting_count && status == AFFECT_OK; i++)
        status = take(v, &v->waiting[i % WAITING]);
    v->waiting_count = 0;
    v->apart = true;
    return status == AFFECT_OK ? take(v, &h) : status;
}

affect_status voice_voices_end(voice_voices *v) {
    affect_status status = AFFECT_OK;
    for (int c = 0; c < 2 && status == AFFECT_OK; c++) status = close_turn(v, c);
    v->waiting_count = 0;
    v->apart = false;
    return status;
}
