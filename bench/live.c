/* Live: how long a push takes while the analysis cannot keep up, and what memory does over hours.
 * usage: bench-live RECORDING pushes [SPEED [SECONDS]]
 *            the recording again and again at SPEED (4) times real time for SECONDS (20): the distribution of what one push of
 *            sound (1024 samples) and of a picture took, and what was left out
 *        bench-live RECORDING hours [HOURS [PICTURES_A_SECOND [words]]]
 *            HOURS (3) of it as fast as they are analyzed, through the same queue, nothing left out: resident memory every ten
 *            minutes of it, what it grew by after the first ten, and how much of that is rows of the timeline */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "media/media.h"
#include "serve/live.h"
#include "track/track.h"

enum { BLOCK = 1024, FRAMES_MOST = 600 };

typedef struct clip {
    float *sound;
    size_t samples;
    int rate;
    struct {
        affect_time time;
        uint8_t *rgb;
    } frames[FRAMES_MOST];
    size_t frame_count;
    int width, height;
    affect_time length;
} clip;

typedef struct end {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool ready, over;
    affect_status status;
    double bytes; /* of the timeline's rows */
} end;

static bool read_clip(affect_context *ctx, const char *path, clip *out) {
    media_reader *reader;
    size_t room = 0;
    if (media_open(ctx, path, NULL, &reader) != AFFECT_OK) return false;
    bool good = true;
    for (media_item item = {0}; good && item.kind != MEDIA_END;) {
        good = media_next(reader, &item) == AFFECT_OK;
        if (good && item.kind == MEDIA_AUDIO) {
            good = base_grow((void **)&out->sound, &room, out->samples + item.audio.count,
                             sizeof *out->sound);
            if (!good) break;
            memcpy(out->sound + out->samples, item.audio.samples,
                   item.audio.count * sizeof *out->sound);
            out->samples += item.audio.count;
            out->rate = item.audio.sample_rate;
        }
        if (good && item.kind == MEDIA_FRAME && out->frame_count < FRAMES_MOST) {
            size_t row = (size_t)item.frame.width * 3;
            uint8_t *rgb = base_alloc(row * (size_t)item.frame.height);
            if (!rgb) break;
            for (int y = 0; y < item.frame.height; y++)
                memcpy(rgb + (size_t)y * row, item.frame.rgb + (size_t)y * item.frame.stride, row);
            out->width = item.frame.width;
            out->height = item.frame.height;
            out->frames[out->frame_count].time = item.frame.time;
            out->frames[out->frame_count++].rgb = rgb;
        }
    }
    media_close(reader);
    if (!good || !out->samples || !out->frame_count) return false;
    out->length = (affect_time)((double)out->samples / out->rate * AFFECT_SECOND);
    return true;
}

static void free_clip(clip *c) {
    for (size_t i = 0; i < c->frame_count; i++) base_free(c->frames[i].rgb);
    base_free(c->sound);
}

static void on_ready(void *user) {
    end *e = user;
    pthread_mutex_lock(&e->mutex);
    e->ready = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->mutex);
}

static void on_ended(void *user, affect_status status, const char *message,
                     affect_timeline *timeline) {
    end *e = user;
    if (status != AFFECT_OK) fprintf(stderr, "%s\n", message);
    pthread_mutex_lock(&e->mutex);
    e->ready = e->over = true;
    e->status = status;
    for (size_t i = 0; timeline && i < affect_timeline_track_count(timeline); i++) {
        const affect_track *t = affect_timeline_track(timeline, i);
        double bytes =
            (double)affect_track_rows(t) * (double)(affect_track_channels(t) * sizeof(float) +
                                                    sizeof(affect_time) + sizeof(float));
        e->bytes += bytes;
        if (bytes > 1e5) printf("  %-28s %8.2f MB of rows\n", affect_track_id(t), bytes / 1e6);
    }
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->mutex);
    affect_timeline_destroy(timeline);
}

static void wait_for(end *e, const bool *what) {
    pthread_mutex_lock(&e->mutex);
    while (!*what) pthread_cond_wait(&e->changed, &e->mutex);
    pthread_mutex_unlock(&e->mutex);
}

/* ---- what a push takes ---- */

typedef struct lengths {
    double *ms;
    size_t count, capacity;
} lengths;

static void add(lengths *l, double seconds) {
    if (base_grow((void **)&l->ms, &l->capacity, l->count + 1, sizeof *l->ms))
        l->ms[l->count++] = seconds * 1e3;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, lengths *l) {
    if (!l->count) return;
    qsort(l->ms, l->count, sizeof *l->ms, by_size);
    size_t over = 0;
    for (size_t i = 0; i < l->count; i++) over += l->ms[i] > 5;
    const double shares[] = {.5, .95, .99, .999};
    printf("%-8s %6zu pushes, ms:", what, l->count);
    for (size_t i = 0; i < BASE_COUNT(shares); i++)
        printf("  p%g %.3f", 100 * shares[i], l->ms[(size_t)(shares[i] * (double)(l->count - 1))]);
    printf("  most %.3f; over 5 ms: %zu\n", l->ms[l->count - 1], over);
    base_free(l->ms);
}

static void pace(double until) {
    double left = until - base_now_s();
    if (left <= 0) return;
    struct timespec t = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
    nanosleep(&t, NULL);
}

/* Everything of the clip that lies in the block of sound at `at`: pictures first, then the sound. */
static void push_block(serve_live *live, const clip *c, affect_time begin, size_t at, size_t *frame,
                       double pictures_hz, affect_time *next, lengths *sound, lengths *pictures) {
    affect_time t0 = (affect_time)((double)at / c->rate * AFFECT_SECOND);
    size_t n = BASE_MIN((size_t)BLOCK, c->samples - at);
    for (; *frame < c->frame_count && c->frames[*frame].time <= t0; ++*frame) {
        affect_time time = begin + c->frames[*frame].time;
        if (time < *next) continue;
        *next = time + (affect_time)(AFFECT_SECOND / pictures_hz);
        double from = base_now_s();
        serve_live_push_picture(live, time, c->width, c->height, (size_t)c->width * 3, 3,
                                c->frames[*frame].rgb);
        if (pictures) add(pictures, base_now_s() - from);
    }
    double from = base_now_s();
    serve_live_push_sound(live, begin + t0, c->rate, c->sound + at, n);
    if (sound) add(sound, base_now_s() - from);
}

static int measure_pushes(serve_live *live, end *e, const clip *c, double speed, double seconds) {
    lengths sound = {0}, pictures = {0};
    wait_for(e, &e->ready);
    double start = base_now_s(), media = 0;
    affect_time begin = 0, next = 0;
    while (base_now_s() - start < seconds) {
        size_t frame = 0;
        for (size_t at = 0; at < c->samples && base_now_s() - start < seconds; at += BLOCK) {
            pace(start + (media + (double)at / c->rate) / speed);
            push_block(live, c, begin, at, &frame, 30, &next, &sound, &pictures);
        }
        begin += c->length;
        media += time_to_seconds(c->length);
    }
    serve_live_counts n = serve_live_count(live);
    printf("%g times real time for %.0f s: %llu pictures analyzed, %llu left out, %.1f s of sound "
           "waiting, %.1f s lost\n",
           speed, seconds, (unsigned long long)n.pictures, (unsigned long long)n.dropped,
           n.waiting_s, n.lost_s);
    print("sound", &sound);
    print("pictures", &pictures);
    return 0;
}

/* ---- memory ---- */

static double resident(void) { /* MB */
    long pages = 0, own = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &pages, &own) != 2) own = 0;
    if (f) fclose(f);
    return (double)own * 4096 / 1e6;
}

static void measure_hours(serve_live *live, end *e, const clip *c, double hours,
                          double pictures_hz) {
    const double every = 600;
    double told = 0, base = 0, start;
    affect_time begin = 0, next = 0;
    wait_for(e, &e->ready);
    start = base_now_s();
    for (double media = 0; media < hours * 3600 && !e->over; media = time_to_seconds(begin)) {
        size_t frame = 0;
        for (size_t at = 0; at < c->samples; at += BLOCK)
            push_block(live, c, begin, at, &frame, pictures_hz, &next, NULL, NULL);
        begin += c->length;
        if (time_to_seconds(begin) < told + every) continue;
        told += every;
        double now = resident();
        if (told <= every) base = now;
        printf("%6.0f min  %8.1f MB resident, %8.1f MB in use  %+7.1f MB since ten minutes  (%.0f "
               "s)\n",
               told / 60, now, (double)mallinfo2().uordblks / 1e6, now - base,
               base_now_s() - start);
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    if (argc < 3 || (strcmp(argv[2], "pushes") != 0 && strcmp(argv[2], "hours") != 0)) {
        fprintf(stderr,
                "usage: %s RECORDING pushes [SPEED [SECONDS]] | hours [HOURS "
                "[PICTURES_A_SECOND [words]]]\n",
                argv[0]);
        return 2;
    }
    bool pushes = strcmp(argv[2], "pushes") == 0;
    double first = argc > 3 ? strtod(argv[3], NULL)
                   : pushes ? 4
                            : 3,
           second = argc > 4 ? strtod(argv[4], NULL)
                    : pushes ? 20
                             : 12;
    affect_context *ctx = NULL;
    affect_options *options = NULL;
    static clip c;
    end e = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    serve_live *live = NULL;
    affect_status status = affect_context_create(&ctx);
    if (status == AFFECT_OK) status = affect_options_create(ctx, &options);
    if (status == AFFECT_OK && !read_clip(ctx, argv[1], &c)) status = AFFECT_ERROR_FORMAT;
    if (status == AFFECT_OK) {
        affect_options_set_words(options, pushes || argc > 5);
        const serve_live_settings settings = {.analysis = options,
                                              .models = base_models_folder(ctx),
                                              .lossless = !pushes,
                                              .ready = on_ready,
                                              .ended = on_ended,
                                              .user = &e};
        status = serve_live_start(ctx, &settings, &live);
    }
    if (status == AFFECT_OK) {
        if (pushes)
            measure_pushes(live, &e, &c, first, second);
        else
            measure_hours(live, &e, &c, first, second);
        serve_live_finish(live);
        wait_for(&e, &e.over);
        status = e.status;
        if (!pushes) printf("the timeline's rows: %.1f MB\n", e.bytes / 1e6);
    }
    if (status != AFFECT_OK)
        fprintf(stderr, "%s: %s\n", affect_status_text(status), affect_context_message(ctx));
    serve_live_destroy(live);
    affect_options_destroy(options);
    affect_context_destroy(ctx);
    free_clip(&c);
    return (int)status;
}
