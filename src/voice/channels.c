/* Levels and likeness of two channels, window by window. */
#include "voice/channels.h"

#include <math.h>
#include <string.h>

#include "voice/activity.h"

enum { RATE = 16000, WINDOW = VOICE_CHANNELS_WINDOW, DELAYS = 16, HISTORY = 313 /* 10 s */ };

static const float alone_db = 10;   /* one channel over the other */
static const float quiet_db = 35;   /* below the loudest of the last seconds nothing is loud */
static const float fall_db = 0.16F; /* of that, a window: 5 dB a second */
static const float least_db = -60;
static const double alike_least = 0.8;
static const size_t alone_least = 10; /* windows, 0.3 s */
static const float speech_least = 0.5F;
static const double together_share = 0.1, again_share = 0.5;
static const size_t again_least = 60; /* loud windows, 2 s, of which half are alike */

struct voice_channels {
    affect_context *ctx;
    char *model;
    float mix[WINDOW], side[WINDOW];
    size_t filled;
    bool sided; /* the window has a side */
    size_t count;
    voice_channels_window windows[VOICE_CHANNELS_KEPT];
    float peak_db;
    bool loud[HISTORY], alike[HISTORY]; /* the latest windows of all stretches */
    size_t seen;
    size_t loud_count, alike_count;
    size_t alone[2];  /* windows, whatever is heard in them */
    size_t speech[2]; /* and of those that are speech */
    bool separate, deaf;
    affect_timeline *heard; /* the network's; NULL before it is needed */
    voice_activity *activity;
    affect_time next; /* of its clock */
};

const char *const voice_channels_names[2] = {"left", "right"};

affect_status voice_channels_create(affect_context *ctx, const char *model, voice_channels **out) {
    *out = NULL;
    voice_channels *c = base_calloc(1, sizeof *c);
    if (!c) return base_fail_memory(ctx);
    c->ctx = ctx;
    c->peak_db = -100;
    if (model && !(c->model = base_strdup(model))) {
        base_free(c);
        return base_fail_memory(ctx);
    }
    *out = c;
    return AFFECT_OK;
}

void voice_channels_destroy(voice_channels *c) {
    if (!c) return;
    voice_activity_destroy(c->activity);
    affect_timeline_destroy(c->heard);
    base_free(c->model);
    base_free(c);
}

void voice_channels_begin(voice_channels *c) {
    c->filled = c->count = 0;
    c->sided = false;
    c->next += AFFECT_SECOND; /* the network begins afresh */
}

bool voice_channels_separate(const voice_channels *c) { return c->separate; }
size_t voice_channels_count(const voice_channels *c) { return c->count; }

const voice_channels_window *voice_channels_at(const voice_channels *c, size_t window) {
    return &c->windows[window % VOICE_CHANNELS_KEPT];
}

bool voice_channels_own(const voice_channels_window *w, int channel) {
    float mine = w->level_db[channel], others = w->level_db[1 - channel];
    return mine > least_db && mine > others - (w->alike ? alone_db / 2 : 2 * alone_db);
}

static float level(const float *x) {
    double sum = 0;
    for (size_t i = 0; i < WINDOW; i++) sum += (double)x[i] * (double)x[i];
    return (float)(10 * log10(fmax(sum / WINDOW, 1e-10)));
}

/* Does one wave follow the other at some delay up to 1 ms? */
static bool are_alike(const float *a, const float *b) {
    for (int delay = -DELAYS; delay <= DELAYS; delay++) {
        double ab = 0, aa = 0, bb = 0;
        size_t first = delay < 0 ? (size_t)-delay : 0, end = (size_t)(WINDOW - BASE_MAX(delay, 0));
        for (size_t i = first; i < end; i++) {
            double x = (double)a[i], y = (double)b[(size_t)((int)i + delay)];
            ab += x * y;
            aa += x * x;
            bb += y * y;
        }
        if (aa > 0 && bb > 0 && fabs(ab) > alike_least * sqrt(aa * bb)) return true;
    }
    return false;
}

/* The network's probability that somebody speaks in the window. */
static affect_status hear(voice_channels *c, float *speech) {
    *speech = 0;
    affect_status status = AFFECT_OK;
    if (!c->activity && !c->deaf) {
        status = timeline_create(c->ctx, &c->heard);
        if (status == AFFECT_OK)
            status = voice_activity_create(c->ctx, c->model, c->heard, &c->activity);
        c->deaf = status == AFFECT_ERROR_MODEL || status == AFFECT_ERROR_RUNTIME;
        if (c->deaf) status = AFFECT_OK;
    }
    if (status != AFFECT_OK || c->deaf) return status;
    status = voice_activity_push(
        c->activity,
        &(media_block){.t0 = c->next, .sample_rate = RATE, .count = WINDOW, .samples = c->mix});
    c->next += time_from_ticks(WINDOW, 1, RATE);
    affect_track *track = c->heard->tracks[0];
    if (status == AFFECT_OK && track->rows) {
        *speech = track->values[track->rows - 1];
        track->rows = 0; /* nobody else reads it */
    }
    return status;
}

static void decide(voice_channels *c) {
    double loud = (double)c->loud_count, alike = (double)c->alike_count;
    if (c->separate) {
        c->separate = !(c->loud_count >= again_least && alike >= again_share * loud);
        if (!c->separate) c->speech[0] = c->speech[1] = c->alone[0] = c->alone[1] = 0;
    } else {
        c->separate = c->speech[0] >= alone_least && c->speech[1] >= alone_least &&
                      alike < together_share * loud;
    }
}

static affect_status take_window(voice_channels *c) {
    voice_channels_window *w = &c->windows[c->count % VOICE_CHANNELS_KEPT];
    *w = (voice_channels_window){.level_db = {-100, -100}, .separate = c->separate};
    affect_status status = AFFECT_OK;
    bool loud = false;
    if (c->sided) {
        float left[WINDOW], right[WINDOW];
        for (size_t i = 0; i < WINDOW; i++) {
            left[i] = c->mix[i] + c->side[i];
            right[i] = c->mix[i] - c->side[i];
        }
        w->level_db[0] = level(left);
        w->level_db[1] = level(right);
        float top = fmaxf(w->level_db[0], w->level_db[1]);
        c->peak_db = fmaxf(c->peak_db - fall_db, top);
        loud = top > least_db && top > c->peak_db - quiet_db;
        int more = w->level_db[0] > w->level_db[1] ? 0 : 1;
        bool alone = loud && w->level_db[more] > w->level_db[1 - more] + alone_db;
        w->alike = loud && are_alike(left, right);
        if (alone) c->alone[more]++;
        float speech = 0;
        if (!c->separate && c->alone[0] >= alone_least / 2 && c->alone[1] >= alone_least / 2)
            status = hear(c, &speech);
        if (alone && !w->alike && speech >= speech_least) c->speech[more]++;
    }
    size_t at = c->seen++ % HISTORY;
    c->loud_count = c->loud_count + loud - c->loud[at];
    c->alike_count = c->alike_count + w->alike - c->alike[at];
    c->loud[at] = loud;
    c->alike[at] = w->alike;
    if (c->sided) decide(c);
    w->separate = c->separate;
    c->count++;
    c->filled = 0;
    c->sided = false;
    return status;
}

affect_status voice_channels_push(voice_channels *c, const float *samples, const float *side,
                                  size_t count) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < count && status == AFFECT_OK;) {
        size_t n = BASE_MIN(count - i, WINDOW - c->filled);
        memcpy(c->mix + c->filled, samples + i, n * sizeof *samples);
        if (side)
            memcpy(c->side + c->filled, side + i, n * sizeof *side);
        else
            memset(c->side + c->filled, 0, n * sizeof *c->side);
        c->sided = c->sided || side;
        c->filled += n;
        i += n;
        if (c->filled == WINDOW) status = take_window(c);
    }
    return status;
}
