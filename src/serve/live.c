/* The engine: two queues, merged by time, into one session. */
#include <math.h>
#include <string.h>

#include "serve/live.h"
#include "track/track.h"

enum {
    PICTURES_WAITING = 3,
    RATE_LEAST = 8000,
    RATE_MOST = 192000,
    SIDE_MOST = 4096,
    PIXELS_MOST = 1920 * 1080
};
/* Sound that waits: from here on pictures are left out; from here on it is lost. */
static const double BEHIND_S = .5, LOST_S = 60;
/* How long an item of one kind waits for an earlier one of the other kind, which takes another way. */
static const double ORDER_S = .12;

typedef struct item {
    struct item *next;
    affect_time time;
    double came_s;
    int rate, width, height;
    size_t count;
    unsigned char data[]; /* float samples, or RGB */
} item;

typedef struct items {
    item *first, **last;
    size_t count;
    bool expected;
} items;

struct serve_live {
    serve_live_settings settings;
    affect_context *ctx; /* of the thread */
    affect_options *options;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t came, room;
    items sound, pictures;
    double sound_s; /* that waits */
    serve_live_counts counts;
    bool finished, failed;
};

/* ---- pushing ---- */

static void append(serve_live *live, items *to, item *one) { /* mutex held */
    one->next = NULL;
    one->came_s = base_now_s();
    *to->last = one;
    to->last = &one->next;
    to->count++;
    pthread_cond_signal(&live->came);
}

static item *take_first(items *from) {
    item *one = from->first;
    from->first = one->next;
    if (!from->first) from->last = &from->first;
    from->count--;
    return one;
}

void serve_live_push_sound(serve_live *live, affect_time t0, int rate, const float *samples,
                           size_t count) {
    double seconds = (double)count / rate;
    item *one = count ? base_alloc(sizeof *one + count * sizeof *samples) : NULL;
    if (one) {
        *one = (item){.time = t0, .rate = rate, .count = count};
        memcpy(one->data, samples, count * sizeof *samples);
    }
    pthread_mutex_lock(&live->mutex);
    while (live->settings.lossless && live->sound_s > 2 && !live->finished && !live->failed)
        pthread_cond_wait(&live->room, &live->mutex);
    if (!one || live->finished || live->failed || live->sound_s > LOST_S) {
        if (count && !live->finished) live->counts.lost_s += seconds;
        base_free(one);
    } else {
        live->sound_s += seconds;
        append(live, &live->sound, one);
    }
    pthread_mutex_unlock(&live->mutex);
}

void serve_live_push_picture(serve_live *live, affect_time time, int width, int height,
                             size_t stride, int bytes, const uint8_t *pixels) {
    size_t row = (size_t)width * 3;
    pthread_mutex_lock(&live->mutex);
    bool late = !live->settings.lossless && live->sound_s > BEHIND_S;
    bool over = live->finished || live->failed;
    if (late && !over) live->counts.dropped++;
    pthread_mutex_unlock(&live->mutex);
    if (late || over) return;
    item *one = base_alloc(sizeof *one + row * (size_t)height);
    if (one) *one = (item){.time = time, .width = width, .height = height};
    for (int y = 0; one && y < height; y++) {
        const uint8_t *from = pixels + (size_t)y * stride;
        unsigned char *to = one->data + (size_t)y * row;
        if (bytes == 3)
            memcpy(to, from, row);
        else
            for (int x = 0; x < width; x++, from += 4, to += 3) memcpy(to, from, 3);
    }
    pthread_mutex_lock(&live->mutex);
    while (live->settings.lossless && live->pictures.count >= PICTURES_WAITING * 20 &&
           !live->finished && !live->failed)
        pthread_cond_wait(&live->room, &live->mutex);
    if (!one || live->finished || live->failed) {
        base_free(one);
    } else {
        if (!live->settings.lossless && live->pictures.count >= PICTURES_WAITING) {
            base_free(take_first(&live->pictures));
            live->counts.dropped++;
        }
        append(live, &live->pictures, one);
    }
    pthread_mutex_unlock(&live->mutex);
}

void serve_live_expect(serve_live *live, bool sound, bool pictures) {
    pthread_mutex_lock(&live->mutex);
    live->sound.expected = sound;
    live->pictures.expected = pictures;
    pthread_mutex_unlock(&live->mutex);
}

serve_live_counts serve_live_count(serve_live *live) {
    pthread_mutex_lock(&live->mutex);
    serve_live_counts counts = live->counts;
    counts.waiting_s = live->sound_s;
    pthread_mutex_unlock(&live->mutex);
    return counts;
}

/* ---- the thread ---- */

static const char *region_of(double valence, double arousal) {
    const char *best = "";
    double least = INFINITY;
    for (int r = 0; isfinite(valence) && isfinite(arousal) && r < CATEGORY_REGIONS; r++) {
        double v = valence - category_regions[r].valence, a = arousal - category_regions[r].arousal;
        if (v * v + a * a < least) least = v * v + a * a, best = category_regions[r].name;
    }
    return best;
}

static void on_provisional(void *user, const affect_track *track, size_t first, size_t count) {
    serve_live *live = user;
    static const char *const names[] = {"valence",    "arousal",    "dominance",
                                        "valence_sd", "arousal_sd", "dominance_sd"};
    for (size_t row = first; row < first + count; row++) {
        serve_live_now now = {.at = track->times[row], .person = track->person};
        double *const values[] = {&now.valence,    &now.arousal,    &now.dominance,
                                  &now.valence_sd, &now.arousal_sd, &now.dominance_sd};
        for (size_t i = 0; i < BASE_COUNT(names); i++) {
            size_t channel = affect_track_find_channel(track, names[i]);
            *values[i] = channel == SIZE_MAX
                             ? NAN
                             : (double)track->values[row * track->channel_count + channel];
        }
        now.label = region_of(now.valence, now.arousal);
        if (live->settings.now) live->settings.now(live->settings.user, &now);
    }
}

/* The next item in order of time across the kinds; NULL at the end. */
static item *next_item(serve_live *live, bool *picture) {
    item *one = NULL;
    pthread_mutex_lock(&live->mutex);
    for (;;) {
        item *sound = live->sound.first, *shown = live->pictures.first;
        /* While sound waits too long already, what is seen gives way. */
        while (!live->settings.lossless && shown && live->sound_s > BEHIND_S) {
            base_free(take_first(&live->pictures));
            live->counts.dropped++;
            shown = live->pictures.first;
        }
        bool first_is_picture = shown && (!sound || shown->time < sound->time);
        item *first = first_is_picture ? shown : sound;
        /* One reader of a file pushes in order. */
        bool other =
            live->settings.lossless ||
            (first_is_picture ? sound || !live->sound.expected : shown || !live->pictures.expected);
        double left = first ? ORDER_S - (base_now_s() - first->came_s) : 0;
        if (first && (other || live->finished || left <= 0)) {
            one = take_first(first_is_picture ? &live->pictures : &live->sound);
            *picture = first_is_picture;
            if (!first_is_picture) live->sound_s -= (double)one->count / one->rate;
            if (!live->sound.count) live->sound_s = 0;
            if (first_is_picture) live->counts.pictures++;
            pthread_cond_broadcast(&live->room);
            break;
        }
        if (!first && live->finished) break;
        if (!first) {
            pthread_cond_wait(&live->came, &live->mutex);
        } else {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec += (long)(BASE_MAX(left, .001) * 1e9);
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            pthread_cond_timedwait(&live->came, &live->mutex, &until);
        }
    }
    pthread_mutex_unlock(&live->mutex);
    return one;
}

static affect_status push(affect_session *session, const item *one, bool picture) {
    if (picture)
        return affect_session_push_frame(session, one->time, one->width, one->height,
                                         (size_t)one->width * 3, one->data);
    return affect_session_push_audio(session, one->time, one->rate,
                                     (const float *)(const void *)one->data, one->count);
}

static void *work(void *user) {
    serve_live *live = user;
    affect_session *session = NULL;
    affect_timeline *timeline = NULL;
    affect_status status = affect_session_create(live->ctx, live->options, &session);
    if (status == AFFECT_OK && live->settings.ready) live->settings.ready(live->settings.user);
    while (status == AFFECT_OK) {
        bool picture = false;
        item *one = next_item(live, &picture);
        if (!one) break;
        affect_status pushed = push(session, one, picture);
        /* What goes back in time is left out, as a clock may jump. */
        if (pushed != AFFECT_OK && pushed != AFFECT_ERROR_ARGUMENT) status = pushed;
        base_free(one);
    }
    if (status == AFFECT_OK) status = affect_session_finish(session, &timeline);
    affect_session_destroy(session);
    pthread_mutex_lock(&live->mutex);
    live->failed = true; /* nobody takes anything any more */
    pthread_cond_broadcast(&live->room);
    pthread_mutex_unlock(&live->mutex);
    live->settings.ended(live->settings.user, status, affect_context_message(live->ctx), timeline);
    return NULL;
}

affect_status serve_live_start(affect_context *ctx, const serve_live_settings *settings,
                               serve_live **out) {
    *out = NULL;
    serve_live *live = base_calloc(1, sizeof *live);
    if (!live) return base_fail_memory(ctx);
    live->settings = *settings;
    live->sound.last = &live->sound.first;
    live->pictures.last = &live->pictures.first;
    live->sound.expected = live->pictures.expected = true;
    pthread_mutex_init(&live->mutex, NULL);
    pthread_cond_init(&live->came, NULL);
    pthread_cond_init(&live->room, NULL);
    affect_status status = affect_context_create(&live->ctx);
    if (status == AFFECT_OK && settings->models)
        status = affect_context_set_models(live->ctx, settings->models);
    if (status == AFFECT_OK)
        status = settings->analysis
                     ? affect_options_copy(live->ctx, settings->analysis, &live->options)
                     : affect_options_create(live->ctx, &live->options);
    if (status == AFFECT_OK) {
        affect_options_on_provisional(live->options, on_provisional, live);
        *out = live; /* before the thread calls anybody who looks there */
        if (pthread_create(&live->thread, NULL, work, live) == 0) return AFFECT_OK;
        status = AFFECT_ERROR_MEMORY;
        *out = NULL;
    }
    (void)base_fail(ctx, status, "%s", affect_status_text(status));
    affect_options_destroy(live->options);
    affect_context_destroy(live->ctx);
    base_free(live);
    return status;
}

void serve_live_finish(serve_live *live) {
    pthread_mutex_lock(&live->mutex);
    live->finished = true;
    pthread_cond_broadcast(&live->came);
    pthread_cond_broadcast(&live->room);
    pthread_mutex_unlock(&live->mutex);
}

void serve_live_destroy(serve_live *live) {
    if (!live) return;
    serve_live_finish(live);
    pthread_join(live->thread, NULL);
    while (live->sound.first) base_free(take_first(&live->sound));
    while (live->pictures.first) base_free(take_first(&live->pictures));
    affect_options_destroy(live->options);
    affect_context_destroy(live->ctx);
    pthread_cond_destroy(&live->came);
    pthread_cond_destroy(&live->room);
    pthread_mutex_destroy(&live->mutex);
    base_free(live);
}

/* ---- messages ---- */

static uint32_t u32(const unsigned char *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

bool serve_live_parse(const void *bytes, size_t length, serve_live_message *out) {
    enum { HEADER = 24 };
    const unsigned char *at = bytes;
    *out = (serve_live_message){0};
    if (length < HEADER || u32(at + 12) != 0) return false;
    uint64_t low = u32(at + 16), bits = low | (uint64_t)u32(at + 20) << 32;
    uint32_t kind = u32(at), a = u32(at + 4), b = u32(at + 8);
    memcpy(&out->time_s, &bits, sizeof bits);
    if (!(out->time_s >= 0 && out->time_s < 1e6)) return false;
    out->data = at + HEADER;
    if (kind == 1) {
        if (a < RATE_LEAST || a > RATE_MOST || b < 1 || b > a) return false; /* up to a second */
        out->rate = (int)a;
        out->count = b;
        return length - HEADER == (size_t)b * sizeof(float);
    }
    if (kind != 2 || a < 16 || b < 16 || a > SIDE_MOST || b > SIDE_MOST || a * b > PIXELS_MOST)
        return false;
    out->picture = true;
    out->width = (int)a;
    out->height = (int)b;
    return length - HEADER == (size_t)a * b * 4;
}
