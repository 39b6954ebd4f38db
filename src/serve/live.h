/* live: sound and pictures as they come, what is known of them within a second, a timeline at the end.
 * In: pushes that never wait. Out: calls on a thread of the engine's own. Where the analysis does not
 * keep up, pictures are dropped, never sound. Used by the page (camera and microphone of the browser)
 * and by `affect live`. */
#ifndef SERVE_LIVE_H
#define SERVE_LIVE_H

#include "affect/session.h"
#include "base/base.h"

typedef struct serve_live serve_live;

/* What is known at an instant, and may be said otherwise later. */
typedef struct serve_live_now {
    affect_time at; /* the latest instant that was taken in */
    int person;
    double valence, arousal, dominance, valence_sd, arousal_sd, dominance_sd; /* NaN: not known */
    const char *label; /* the region of the plane that it lies in ("tense"), static */
} serve_live_now;

typedef struct serve_live_counts {
    uint64_t pictures, dropped; /* taken in; left out, so that sound keeps up */
    double lost_s;              /* of sound, when a minute of it waited: the machine stood still */
    double waiting_s;           /* of sound that is not analyzed yet */
} serve_live_counts;

typedef struct serve_live_settings {
    const affect_options *analysis; /* NULL: the defaults; copied */
    const char *models;             /* folder, or NULL */
    bool lossless; /* a push waits for room instead of dropping, for what is no live source */
    /* All on the engine's thread. `ended` is called once, last; the timeline is its own to destroy, NULL
     * where the status is not OK. */
    void (*now)(void *user, const serve_live_now *now);
    void (*ready)(void *user); /* models are loaded */
    void (*ended)(void *user, affect_status status, const char *message, affect_timeline *timeline);
    void *user;
} serve_live_settings;

/* Starts the thread; models are loaded there, and what is pushed meanwhile waits. Errors: MEMORY. */
AFFECT_MUST_USE affect_status serve_live_start(affect_context *ctx,
                                               const serve_live_settings *settings,
                                               serve_live **out);
/* Mono samples in -1..1, the first at `t0`; copied. Times as for affect_session_push_audio. */
void serve_live_push_sound(serve_live *live, affect_time t0, int rate, const float *samples,
                           size_t count);
/* Rows of `bytes` (3: RGB, 4: RGBA, whose last is left out) a pixel, `stride` apart; copied. */
void serve_live_push_picture(serve_live *live, affect_time time, int width, int height,
                             size_t stride, int bytes, const uint8_t *pixels);
/* How many channels of the two kinds are to be expected, so that they are put in order of time: a kind
 * that is not there is not waited for. Before the first push; both are expected without. */
void serve_live_expect(serve_live *live, bool sound, bool pictures);
serve_live_counts serve_live_count(serve_live *live);
/* Nothing more comes; what waits is analyzed, then `ended` is called. Once. */
void serve_live_finish(serve_live *live);
/* Waits for the thread (after serve_live_finish, which it calls where nobody did). */
void serve_live_destroy(serve_live *live);

/* ---- the messages of the page: binary, little-endian ---- */

typedef struct serve_live_message {
    bool picture;
    int rate, width, height;
    double time_s;
    const void *data; /* float samples, not aligned, or RGBA */
    size_t count;     /* samples */
} serve_live_message;

/* Header of 24 bytes: kind (1 sound, 2 picture), rate or width, count or height, 0, as 32 bits; seconds as a
 * double. Then exactly the samples (float) or pixels (RGBA). False: it is none. */
bool serve_live_parse(const void *bytes, size_t length, serve_live_message *out);

#endif
