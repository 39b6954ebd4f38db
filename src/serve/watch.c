/* affect live: cameras, microphones and streams, by FFmpeg's own program in a process of its own (its
 * libavdevice and its network protocols), which gives raw pictures and sound through a pipe; files
 * and pipes by our own reader, without dropping anything. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "media/media.h"
#include "report/report.h"
#include "serve/live.h"
#include "serve/serve.h"
#include "track/track.h"

enum { SOURCES_MOST = 2 };

typedef struct watch {
    affect_context *ctx;
    const serve_watch_options *options;
    double told_s[64]; /* by person, the last */
    pid_t child;
    int pipe;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t ended;
    bool over;
    affect_status status;
    char message[512];
    affect_timeline *timeline;
} watch;

/* ---- sources ---- */

typedef struct kind {
    const char *prefix, *format,
        *otherwise;        /* libavdevice's name; the device where none is named */
    const char *protocols; /* of an address: what it may use; NULL: a device */
} kind;

static const kind kinds[] = {{"v4l2:", "v4l2", "/dev/video0", NULL},
                             {"camera", "v4l2", "/dev/video0", NULL},
                             {"alsa:", "alsa", "default", NULL},
                             {"pulse:", "pulse", "default", NULL},
                             {"microphone", "pulse", "default", NULL},
                             {"lavfi:", "lavfi", NULL, NULL},
                             {"rtsp://", NULL, NULL, "rtsp,rtp,udp,tcp"},
                             {"http://", NULL, NULL, "http,tcp"},
                             {"https://", NULL, NULL, "https,tls,tcp,crypto"}};

static const kind *kind_of(const char *source) {
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        size_t length = strlen(kinds[i].prefix);
        if (strncmp(source, kinds[i].prefix, length) != 0) continue;
        if (kinds[i].prefix[length - 1] == ':' || kinds[i].protocols || !source[length])
            return &kinds[i];
    }
    return NULL;
}

static affect_status start_child(watch *w) {
    const serve_watch_options *o = w->options;
    const char *arguments[64] = {"ffmpeg", "-nostdin", "-v", "error"};
    size_t n = 4;
    for (size_t i = 0; i < o->source_count; i++) {
        const kind *k = kind_of(o->sources[i]);
        const char *device = o->sources[i];
        if (!k)
            return base_fail(w->ctx, AFFECT_ERROR_USAGE,
                             "%s: a file is read alone; two sources are a camera and a microphone",
                             device);
        if (k->format) {
            arguments[n++] = "-f";
            arguments[n++] = k->format;
            device += strlen(k->prefix);
            if (!*device) device = k->otherwise ? k->otherwise : "";
        } else {
            arguments[n++] = "-protocol_whitelist";
            arguments[n++] = k->protocols;
        }
        /* What is no device may come as fast as it can be read. */
        if (!k->format || !k->otherwise) arguments[n++] = "-re";
        arguments[n++] = "-thread_queue_size";
        arguments[n++] = "64";
        arguments[n++] = "-i";
        arguments[n++] = device;
    }
    static const char *const maps[] = {"0:v:0?", "0:a:0?", "1:v:0?", "1:a:0?"};
    for (size_t i = 0; i < 2 * o->source_count; i++) {
        arguments[n++] = "-map";
        arguments[n++] = maps[i];
    }
    static const char *const rest[] = {"-vf",
                                       "fps=15,scale=-2:'min(360,ih)'",
                                       "-c:v",
                                       "rawvideo",
                                       "-pix_fmt",
                                       "yuv420p",
                                       "-c:a",
                                       "pcm_s16le",
                                       "-ac",
                                       "1",
                                       "-f",
                                       "nut",
                                       "-flush_packets",
                                       "1",
                                       "pipe:1"};
    for (size_t i = 0; i < BASE_COUNT(rest); i++) arguments[n++] = rest[i];
    int pair[2];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (pipe2(pair, O_CLOEXEC) != 0)
        return base_fail(w->ctx, AFFECT_ERROR_RUNTIME, "no pipe to ffmpeg: %s", strerror(errno));
    int error = posix_spawn_file_actions_init(&actions);
    if (!error) error = posix_spawnattr_init(&attributes);
    if (!error) {
        /* A group of its own: Ctrl-C is for us, and we end it. */
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                  POSIX_SPAWN_SETPGROUP);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        error = posix_spawn_file_actions_adddup2(&actions, pair[1], STDOUT_FILENO);
        if (!error)
            error =
                posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        if (!error)
            error = posix_spawnp(&w->child, "ffmpeg", &actions, &attributes,
                                 (char *const *)(uintptr_t)arguments, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(pair[1]);
    w->pipe = pair[0];
    if (!error) return AFFECT_OK;
    w->child = 0;
    return base_fail(w->ctx, AFFECT_ERROR_RUNTIME,
                     "the program ffmpeg, which reads devices and streams, cannot be started: %s",
                     strerror(error));
}

/* Waits in short turns, so that Ctrl-C ends the reading. */
static int64_t read_pipe(void *user, void *buffer, size_t size) {
    watch *w = user;
    for (;;) {
        struct pollfd ready = {.fd = w->pipe, .events = POLLIN};
        if (affect_context_cancelled(w->ctx)) return 0;
        int n = poll(&ready, 1, 100);
        if (n < 0 && errno != EINTR) return -1;
        if (n <= 0) continue;
        ssize_t got = read(w->pipe, buffer, size);
        if (got < 0 && errno == EINTR) continue;
        return got;
    }
}

static affect_status end_child(watch *w) {
    int code = 0;
    bool stopped = affect_context_cancelled(w->ctx);
    if (stopped && w->child > 0)
        kill(w->child, SIGKILL); /* before its pipe closes, which it would say */
    if (w->pipe >= 0) close(w->pipe);
    w->pipe = -1;
    if (w->child <= 0) return AFFECT_OK;
    while (waitpid(w->child, &code, 0) < 0 && errno == EINTR) {
    }
    w->child = 0;
    if (stopped || (WIFEXITED(code) && WEXITSTATUS(code) == 0)) return AFFECT_OK;
    return base_fail(w->ctx, AFFECT_ERROR_NOT_FOUND,
                     "%s: ffmpeg could not read it (its own line stands above)",
                     w->options->sources[0]);
}

/* ---- the engine's side ---- */

static void on_now(void *user, const serve_live_now *now) {
    watch *w = user;
    FILE *out = w->options->out;
    double t = time_to_seconds(now->at), *told = &w->told_s[now->person > 0 ? now->person % 64 : 0];
    if (!out || (!w->options->json && t - *told < 1) || !isfinite(now->valence + now->arousal))
        return;
    *told = t;
    if (w->options->json)
        base_put_line(out,
                      "{\"t\":%.3f,\"person\":%d,\"label\":\"%s\",\"valence\":%.3f,"
                      "\"valence_sd\":%.3f,\"arousal\":%.3f,\"arousal_sd\":%.3f}",
                      t, now->person, now->label, now->valence, now->valence_sd, now->arousal,
                      now->arousal_sd);
    else
        base_put_line(out, "%8.1f s  person %d  %-10s valence %+.2f (%.2f)  arousal %+.2f (%.2f)",
                      t, now->person, now->label, now->valence, now->valence_sd, now->arousal,
                      now->arousal_sd);
    fflush(out);
}

static void on_ended(void *user, affect_status status, const char *message,
                     affect_timeline *timeline) {
    watch *w = user;
    pthread_mutex_lock(&w->mutex);
    w->over = true;
    w->status = status;
    w->timeline = timeline;
    snprintf(w->message, sizeof w->message, "%s", message);
    pthread_cond_broadcast(&w->ended);
    pthread_mutex_unlock(&w->mutex);
}

static affect_status read_all(media_reader *reader, serve_live *live) {
    const media_info *info = media_reader_info(reader);
    affect_status status = AFFECT_OK;
    serve_live_expect(live, info->has_audio, info->has_video);
    for (media_item item = {0}; status == AFFECT_OK && item.kind != MEDIA_END;) {
        status = media_next(reader, &item);
        if (status != AFFECT_OK) break;
        if (item.kind == MEDIA_AUDIO)
            serve_live_push_sound(live, item.audio.t0, item.audio.sample_rate, item.audio.samples,
                                  item.audio.count);
        if (item.kind == MEDIA_FRAME)
            serve_live_push_picture(live, item.frame.time, item.frame.width, item.frame.height,
                                    item.frame.stride, 3, item.frame.rgb);
    }
    return status == AFFECT_ERROR_CANCELLED ? AFFECT_OK : status;
}

affect_status serve_watch(affect_context *ctx, const serve_watch_options *options,
                          serve_watch_counts *counts) {
    watch w = {.ctx = ctx, .options = options, .pipe = -1};
    *counts = (serve_watch_counts){0};
    if (!options->source_count || options->source_count > SOURCES_MOST)
        return base_fail(ctx, AFFECT_ERROR_USAGE, "wants a source, or a camera and a microphone");
    bool device = options->source_count > 1 || kind_of(options->sources[0]);
    media_reader *reader = NULL;
    serve_live *live = NULL;
    pthread_mutex_init(&w.mutex, NULL);
    pthread_cond_init(&w.ended, NULL);
    const media_source source = {.read = read_pipe, .user = &w};
    affect_status status = device ? start_child(&w) : AFFECT_OK;
    if (status == AFFECT_OK)
        status = media_open_source(ctx, device ? &source : NULL,
                                   device ? "live" : options->sources[0], NULL, &reader);
    bool unread = status != AFFECT_OK;
    const serve_live_settings settings = {.analysis = options->analysis,
                                          .models = base_models_folder(ctx),
                                          .lossless = !device,
                                          .now = on_now,
                                          .ended = on_ended,
                                          .user = &w};
    if (status == AFFECT_OK) status = serve_live_start(ctx, &settings, &live);
    if (status == AFFECT_OK) status = read_all(reader, live);
    media_close(reader);
    affect_status child = end_child(&w);
    if ((status == AFFECT_OK || unread) && child != AFFECT_OK) status = child;
    if (live) {
        /* What was taken in is analyzed and written, also after Ctrl-C: the second one ends all. */
        affect_context_reset(ctx);
        serve_live_finish(live);
        pthread_mutex_lock(&w.mutex);
        while (!w.over) pthread_cond_wait(&w.ended, &w.mutex);
        pthread_mutex_unlock(&w.mutex);
        serve_live_counts n = serve_live_count(live);
        *counts = (serve_watch_counts){n.pictures, n.dropped, n.lost_s, 0};
        if (status == AFFECT_OK && w.status != AFFECT_OK)
            status = base_fail(ctx, w.status, "%s", w.message);
        serve_live_destroy(live);
    }
    if (status == AFFECT_OK)
        counts->seconds = time_to_seconds(affect_timeline_duration(w.timeline));
    if (status == AFFECT_OK && options->folder)
        status = affect_timeline_write(ctx, w.timeline, options->folder, options->formats,
                                       options->force);
    affect_timeline_destroy(w.timeline);
    pthread_cond_destroy(&w.ended);
    pthread_mutex_destroy(&w.mutex);
    return status;
}
