/* Recordings with a flash and a beep at known instants, made with the ffmpeg command, and what a
 * reader makes of them. */
#ifndef TESTS_MEDIA_RECORDING_H
#define TESTS_MEDIA_RECORDING_H

#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "media/media.h"

static char folder[64];
static affect_context *ctx;

/* A black picture that is white from 1.0 to 1.2 s; silence with a 1 kHz tone (amplitude .5) from
 * 1.0 to 1.2 s. 3 s long. */
#define VIDEO_IN(size, rate)                                                                       \
    " -f lavfi -i \"color=c=black:s=" size ":r=" rate                                              \
    ":d=3,drawbox=c=white:t=fill:enable='gte(t,0.9999)*lt(t,1.1999)'\" "
#define AUDIO_IN(rate)                                                                             \
    " -f lavfi -i \"aevalsrc='if(gte(t,1)*lt(t,1.2),0.5*sin(2*PI*1000*(t-1)),0)':s=" rate ":d="    \
    "3\" "
#define VIDEO VIDEO_IN("160x120", "25")
#define AUDIO AUDIO_IN("48000")
#define H264 " -c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p "

static inline int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/affect-media-XXXXXX");
    return !mkdtemp(folder) || affect_context_create(&ctx) != AFFECT_OK;
}

static inline int remove_folder(void **state) {
    (void)state;
    affect_context_destroy(ctx);
    DIR *dir = opendir(folder);
    if (!dir) return 0;
    struct dirent *entry;
    char path[512];
    while ((entry = readdir(dir))) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    closedir(dir);
    return rmdir(folder);
}

static inline bool have_ffmpeg(void) { return system("command -v ffmpeg >/dev/null 2>&1") == 0; }

#define NEED_FFMPEG()                                                                              \
    do {                                                                                           \
        if (!have_ffmpeg()) {                                                                      \
            print_message("skipped: no ffmpeg command\n");                                         \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* Path of `name` in the test's folder; one of eight buffers in turn. */
static inline const char *in_folder(const char *name) {
    static char paths[8][256];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Runs ffmpeg with these arguments and `name` as output; gives its path. */
__attribute__((format(printf, 2, 3))) static inline const char *make(const char *name,
                                                                     const char *format, ...) {
    char arguments[2048], command[4096];
    va_list list;
    va_start(list, format);
    vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    const char *path = in_folder(name);
    snprintf(command, sizeof command, "cd %s && ffmpeg -v error -nostdin -y %s %s", folder,
             arguments, name);
    if (system(command) != 0) fail_msg("the ffmpeg command failed: %s", command);
    return path;
}

enum { MAX_GAPS = 64, MAX_FRAMES = 4096 };

typedef struct heard {
    affect_status status;
    media_info info;
    double flash, beep; /* seconds, NAN if none */
    double first_sample, last_sample, first_frame, last_frame, last_frame_end;
    long samples, frames, blocks;
    int width, height; /* of the last frame */
    double peak;
    int gaps;
    struct {
        double t0, t1;
        char text[128];
    } gap[MAX_GAPS];
    double frame_time[MAX_FRAMES], frame_duration[MAX_FRAMES];
    bool in_order;   /* items came in order of time */
    bool contiguous; /* blocks met except at gaps */
    bool finite;
    uint64_t hash;
} heard;

static inline void hash_bytes(uint64_t *hash, const void *bytes, size_t n) {
    const uint8_t *b = bytes;
    for (size_t i = 0; i < n; i++) *hash = (*hash ^ b[i]) * UINT64_C(1099511628211);
}

static inline void hear_block(heard *h, const media_block *block, affect_time *end) {
    if (h->samples == 0)
        h->first_sample = time_to_seconds(block->t0);
    else if (*end != AFFECT_TIME_NONE && llabs(block->t0 - *end) > 1)
        h->contiguous = false;
    for (size_t i = 0; i < block->count; i++) {
        float x = block->samples[i];
        if (!isfinite(x) || fabsf(x) > 1) h->finite = false;
        if (fabsf(x) > h->peak) h->peak = fabsf(x);
        if (isnan(h->beep) && fabsf(x) > .12f)
            h->beep = time_to_seconds(block->t0) + (double)i / block->sample_rate;
    }
    *end = block->t0 + time_from_ticks((int64_t)block->count, 1, block->sample_rate);
    h->last_sample = time_to_seconds(*end);
    h->samples += (long)block->count;
    h->blocks++;
    hash_bytes(&h->hash, block->samples, block->count * sizeof *block->samples);
}

static inline void hear_frame(heard *h, const media_frame *frame) {
    if (h->frames == 0) h->first_frame = time_to_seconds(frame->time);
    double sum = 0;
    for (int y = 0; y < frame->height; y++) {
        const uint8_t *row = frame->rgb + (size_t)y * frame->stride;
        for (int x = 0; x < frame->width * 3; x++) sum += row[x];
        hash_bytes(&h->hash, row, (size_t)frame->width * 3);
    }
    if (isnan(h->flash) && sum / (3. * frame->width * frame->height) > 128)
        h->flash = time_to_seconds(frame->time);
    h->last_frame = time_to_seconds(frame->time);
    h->last_frame_end = time_to_seconds(frame->time + frame->duration);
    if (h->frames < MAX_FRAMES) {
        h->frame_time[h->frames] = h->last_frame;
        h->frame_duration[h->frames] = time_to_seconds(frame->duration);
    }
    h->frames++;
    h->width = frame->width;
    h->height = frame->height;
}

static inline heard *hear_with(const char *path, const media_options *options) {
    heard *h = calloc(1, sizeof *h);
    *h = (heard){.flash = NAN,
                 .beep = NAN,
                 .first_sample = NAN,
                 .last_sample = NAN,
                 .first_frame = NAN,
                 .last_frame = NAN,
                 .in_order = true,
                 .contiguous = true,
                 .finite = true,
                 .hash = UINT64_C(14695981039346656037)};
    media_reader *reader = NULL;
    h->status = media_open(ctx, path, options, &reader);
    if (h->status != AFFECT_OK) {
        assert_null(reader);
        return h;
    }
    h->info = *media_reader_info(reader);
    affect_time end = AFFECT_TIME_NONE, before = AFFECT_TIME_NONE;
    for (;;) {
        media_item item;
        h->status = media_next(reader, &item);
        if (h->status != AFFECT_OK || item.kind == MEDIA_END) break;
        affect_time t = item.kind == MEDIA_AUDIO   ? item.audio.t0
                        : item.kind == MEDIA_FRAME ? item.frame.time
                                                   : item.gap.t0;
        if (t < before) h->in_order = false;
        before = t;
        if (item.kind == MEDIA_AUDIO) hear_block(h, &item.audio, &end);
        if (item.kind == MEDIA_FRAME) hear_frame(h, &item.frame);
        if (item.kind == MEDIA_GAP) {
            if (strncmp(item.gap.text, "audio", 5) == 0) end = AFFECT_TIME_NONE;
            if (h->gaps < MAX_GAPS) {
                h->gap[h->gaps].t0 = time_to_seconds(item.gap.t0);
                h->gap[h->gaps].t1 = time_to_seconds(item.gap.t1);
                snprintf(h->gap[h->gaps].text, sizeof h->gap[0].text, "%s", item.gap.text);
            }
            h->gaps++;
        }
    }
    if (h->status == AFFECT_OK) {
        media_item item;
        assert_int_equal(media_next(reader, &item), AFFECT_OK);
        assert_int_equal(item.kind, MEDIA_END); /* and stays there */
    }
    media_close(reader);
    return h;
}

static inline heard *hear(const char *path) { return hear_with(path, NULL); }

static inline void tell(const char *name, const heard *h) {
    print_message(
        "%-26s %-10.10s flash %.4f beep %.5f | audio %.4f..%.4f %ld | video %.4f..%.4f %ld "
        "%dx%d | gaps %d\n",
        name, h->info.format, h->flash, h->beep, h->first_sample, h->last_sample, h->samples,
        h->first_frame, h->last_frame, h->frames, h->width, h->height, h->gaps);
    for (int i = 0; i < h->gaps && i < 8; i++)
        print_message("    gap %.4f..%.4f %s\n", h->gap[i].t0, h->gap[i].t1, h->gap[i].text);
}

#define MS 1e-3
#define HALF_FRAME .02 /* at 25 frames per second */

#endif
