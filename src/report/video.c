/* A copy of the recording with boxes, labels and curves drawn into it, faces made unrecognisable where
 * that is wanted; and the page's proxy, a small copy that any browser plays. Frames come from media/ as
 * analysis sees them, cairo draws (drawer.c), and the program ffmpeg, which is started for it, encodes
 * them beside the recording's own sound. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "media/media.h"
#include "report/report_private.h"

extern char **environ;

/* How long a box holds where no face was found in between, and how much larger than the face what is
 * made unrecognisable is: hair and chin give people away too. */
static const affect_time HOLD = AFFECT_SECOND / 2;
static const double WIDEN = .25;
enum { MOSAIC = 9 }; /* pieces across a face: no feature is left (Newton et al. 2005 want few) */
static const double CURVE_S = 10;

typedef struct film {
    affect_context *ctx;
    const affect_timeline *timeline;
    const report_options *options;
    report_drawer cairo;
    bool drawn; /* overlay; else the proxy */
    int width, height, persons;
    uint8_t *picture; /* width x height BGRA */
    int pipe;
    pid_t encoder;
} film;

/* ---- the encoder ---- */

static affect_status start(film *f, const char *recording, const char *out, double fps,
                           double from_s) {
    char size[32], rate[32], from[32];
    base_text source = {0};
    snprintf(size, sizeof size, "%dx%d", f->width, f->height);
    snprintf(rate, sizeof rate, "%.6g", fps);
    snprintf(from, sizeof from, "%.3f", from_s);
    base_text_printf(&source, "file:%s", recording);
    if (source.failed) return base_fail_memory(f->ctx);
    const char *head[] = {"ffmpeg",
                          "-v",
                          "error",
                          "-y",
                          "-f",
                          "rawvideo",
                          "-pix_fmt",
                          "bgra",
                          "-s",
                          size,
                          "-r",
                          rate,
                          "-i",
                          "pipe:0",
                          "-protocol_whitelist",
                          "file,pipe",
                          "-ss",
                          from,
                          "-i",
                          source.data,
                          "-map",
                          "0:v:0",
                          "-map",
                          "1:a:0?",
                          "-shortest",
                          "-map_metadata",
                          "-1",
                          "-vf",
                          "pad=ceil(iw/2)*2:ceil(ih/2)*2",
                          "-pix_fmt",
                          "yuv420p"};
    static const char *const overlay[] = {"-c:v",      "libx264",    "-preset", "veryfast",
                                          "-crf",      "21",         "-c:a",    "aac",
                                          "-movflags", "+faststart", "-f",      "mp4"};
    static const char *const proxy[] = {"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used",
                                        "8",    "-b:v",   "500k",      "-c:a",     "libopus",
                                        "-b:a", "64k",    "-f",        "webm"};
    const char *const *tail = f->drawn ? overlay : proxy;
    size_t count = f->drawn ? BASE_COUNT(overlay) : BASE_COUNT(proxy), n = 0;
    const char *arguments[BASE_COUNT(head) + BASE_COUNT(proxy) + 2];
    for (size_t i = 0; i < BASE_COUNT(head); i++) arguments[n++] = head[i];
    for (size_t i = 0; i < count; i++) arguments[n++] = tail[i];
    arguments[n++] = out;
    arguments[n] = NULL;
    int pair[2];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        base_text_destroy(&source);
        return base_fail(f->ctx, AFFECT_ERROR_RUNTIME, "no pipe to ffmpeg: %s", strerror(errno));
    }
    int error = posix_spawn_file_actions_init(&actions);
    if (!error) error = posix_spawnattr_init(&attributes);
    if (!error) {
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        error = posix_spawn_file_actions_adddup2(&actions, pair[1], STDIN_FILENO);
        if (!error)
            error =
                posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        if (!error)
            error = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
        if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        if (!error)
            error = posix_spawnp(&f->encoder, "ffmpeg", &actions, &attributes,
                                 (char *const *)(uintptr_t)arguments, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(pair[1]);
    base_text_destroy(&source);
    f->pipe = pair[0];
    if (!error) return AFFECT_OK;
    f->encoder = 0;
    return base_fail(f->ctx, AFFECT_ERROR_RUNTIME,
                     "the program ffmpeg, which encodes films, cannot be started: %s",
                     strerror(error));
}

/* The pipe closed: what the encoder says at its end. */
static affect_status end(film *f, bool wanted) {
    int code = 0;
    if (f->pipe >= 0) close(f->pipe);
    f->pipe = -1;
    if (f->encoder <= 0) return AFFECT_OK;
    if (!wanted) kill(f->encoder, SIGKILL);
    while (waitpid(f->encoder, &code, 0) < 0 && errno == EINTR) {
    }
    f->encoder = 0;
    if (!wanted || code == 0) return AFFECT_OK;
    return base_fail(f->ctx, AFFECT_ERROR_RUNTIME,
                     "ffmpeg could not encode the film: it wants %s, and room on the disk",
                     f->drawn ? "libx264 and aac" : "libvpx and libopus");
}

static bool send_picture(film *f) {
    size_t left = (size_t)f->width * (size_t)f->height * 4;
    for (const uint8_t *at = f->picture; left;) {
        ssize_t n = send(f->pipe, at, left, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        left -= (size_t)n;
    }
    return true;
}

/* ---- faces ---- */

typedef struct box {
    double x, y, width, height; /* pixels */
} box;

static bool row_box(const film *f, const affect_track *track, size_t row, box *out) {
    static const char *const names[] = {"x", "y", "width", "height"};
    double v[4];
    for (size_t i = 0; i < 4; i++) {
        size_t c = affect_track_find_channel(track, names[i]);
        v[i] = c == SIZE_MAX ? NAN : (double)track->values[row * track->channel_count + c];
        if (!isfinite(v[i])) return false;
    }
    *out = (box){v[0] * f->width, v[1] * f->height, v[2] * f->width, v[3] * f->height};
    return out->width > 0 && out->height > 0;
}

/* The mean of each piece, in place. */
static void mosaic(film *f, box b) {
    b.x -= b.width * WIDEN;
    b.y -= b.height * WIDEN;
    b.width *= 1 + 2 * WIDEN;
    b.height *= 1 + 2 * WIDEN;
    for (int row = 0; row < MOSAIC; row++)
        for (int column = 0; column < MOSAIC; column++) {
            int x0 = (int)fmax(0, b.x + b.width * column / MOSAIC),
                x1 = (int)fmin(f->width, ceil(b.x + b.width * (column + 1) / MOSAIC)),
                y0 = (int)fmax(0, b.y + b.height * row / MOSAIC),
                y1 = (int)fmin(f->height, ceil(b.y + b.height * (row + 1) / MOSAIC));
            unsigned long long sum[3] = {0}, n = 0;
            for (int y = y0; y < y1; y++)
                for (int x = x0; x < x1; x++, n++)
                    for (int c = 0; c < 3; c++)
                        sum[c] +=
                            f->picture[((size_t)y * (size_t)f->width + (size_t)x) * 4 + (size_t)c];
            for (int y = y0; n && y < y1; y++)
                for (int x = x0; x < x1; x++)
                    for (int c = 0; c < 3; c++)
                        f->picture[((size_t)y * (size_t)f->width + (size_t)x) * 4 + (size_t)c] =
                            (uint8_t)(sum[c] / n);
        }
}

/* Whoever was seen shortly before or will be shortly after: a face that detection lost for a moment is
 * still there. */
static void hide_faces(film *f, affect_time time) {
    for (int p = 1; p <= f->persons; p++) {
        const affect_track *track =
            timeline_role(f->timeline, TRACK_ROLE_BOX, AFFECT_MODALITY_FACE, p);
        size_t row = track ? track_row_at(track, time) : 0;
        box b;
        if (!track) continue;
        if (row < track->rows && track->times[row] - time <= HOLD && row_box(f, track, row, &b))
            mosaic(f, b);
        if (row && time - track->times[row - 1] <= HOLD && row_box(f, track, row - 1, &b))
            mosaic(f, b);
    }
}

/* ---- drawing ---- */

static bool is_shown(const film *f, int person) {
    const report_options *o = f->options;
    if (!o || !o->person_count) return true;
    for (size_t i = 0; i < o->person_count; i++)
        if (o->persons[i] == person) return true;
    return false;
}

static const affect_interval *episode_at(const film *f, int person, affect_time time) {
    const affect_tier *tier = affect_timeline_find_tier(f->timeline, "episodes");
    for (size_t i = 0; tier && i < tier->count; i++)
        if (tier->items[i].person == person && tier->items[i].t0 <= time &&
            time < tier->items[i].t1)
            return &tier->items[i];
    return NULL;
}

static void paint(const film *f, void *cr, const char *colour, double alpha) {
    unsigned c = (unsigned)strtoul(colour + 1, NULL, 16);
    f->cairo.source(cr, (c >> 16) / 255.0, (c >> 8 & 255) / 255.0, (c & 255) / 255.0, alpha);
}

static void put_face(const film *f, void *cr, int person, affect_time time) {
    const affect_track *track =
        timeline_role(f->timeline, TRACK_ROLE_BOX, AFFECT_MODALITY_FACE, person);
    size_t row = track ? track_row_at(track, time) : 0;
    box b;
    if (!track || !track->rows) return;
    if (row == track->rows || (row && track->times[row] != time)) row--;
    affect_time off = track->times[row] - time;
    if (off > HOLD || off < -HOLD || !row_box(f, track, row, &b)) return;
    const affect_interval *e = episode_at(f, person, time);
    const char *colour = e ? category_colour(e->label)->colour : category_other.colour;
    char name[PERSON_TITLE_SIZE];
    base_text label = {0};
    base_text_append_clean(&label, report_person_title(f->timeline, person, "Person", name));
    if (e) {
        base_text_append(&label, ": ");
        base_text_append_clean(&label, e->label);
        if (isfinite(e->score)) base_text_printf(&label, " %.0f %%", (double)(e->score * 100));
    }
    double font = BASE_MAX(12, f->height / 36.0);
    paint(f, cr, colour, 1);
    f->cairo.line_width(cr, BASE_MAX(2, f->height / 240.0));
    f->cairo.rectangle(cr, b.x, b.y, b.width, b.height);
    f->cairo.stroke(cr);
    double top = b.y - font * 1.45 < 0 ? b.y + b.height : b.y - font * 1.45;
    if (!label.failed) {
        paint(f, cr, "#1c1b1f", .75);
        f->cairo.rectangle(cr, b.x, top, .58 * font * (double)label.length + font, font * 1.4);
        f->cairo.fill(cr);
        paint(f, cr, "#ffffff", 1);
        f->cairo.font_size(cr, font);
        f->cairo.move_to(cr, b.x + font / 2, top + font);
        f->cairo.text(cr, label.data);
    }
    base_text_destroy(&label);
}

/* The last seconds of valence and arousal, now at the right. */
static void put_curves(const film *f, void *cr, int person, affect_time time, double y,
                       double height) {
    static const struct {
        const char *channel, *name, *colour;
    } lines[] = {{"valence", "valence", "#ff9be0"}, {"arousal", "arousal", "#8fd3ff"}};
    const affect_track *track = report_trajectory(f->timeline, person);
    if (!track) return;
    paint(f, cr, "#1c1b1f", .6);
    f->cairo.rectangle(cr, 0, y, f->width, height);
    f->cairo.fill(cr);
    paint(f, cr, "#ffffff", .4);
    f->cairo.line_width(cr, 1);
    f->cairo.move_to(cr, 0, y + height / 2);
    f->cairo.line_to(cr, f->width, y + height / 2);
    f->cairo.stroke(cr);
    size_t first = track_row_at(track, time - time_from_seconds(CURVE_S)),
           last = track_row_at(track, time + 1);
    double font = BASE_MAX(11, height / 5);
    for (size_t k = 0; k < BASE_COUNT(lines); k++) {
        size_t c = affect_track_find_channel(track, lines[k].channel);
        bool open = false;
        if (c == SIZE_MAX) continue;
        paint(f, cr, lines[k].colour, 1);
        f->cairo.line_width(cr, BASE_MAX(1.5, f->height / 300.0));
        for (size_t row = first; row < last; row++) {
            double v = (double)track->values[row * track->channel_count + c];
            double x = f->width * (1 - time_to_seconds(time - track->times[row]) / CURVE_S);
            if (!isfinite(v)) {
                open = false;
                continue;
            }
            (open ? f->cairo.line_to
                  : f->cairo.move_to)(cr, x, y + height / 2 * (1 - BASE_MAX(-1, BASE_MIN(1, v))));
            open = true;
        }
        f->cairo.stroke(cr);
        f->cairo.font_size(cr, font);
        f->cairo.move_to(cr, font / 2 + (double)k * 6 * font, y + font * 1.1);
        f->cairo.text(cr, lines[k].name);
    }
}

static void draw(film *f, affect_time time) {
    void *surface = f->cairo.on_memory(f->picture, 0, f->width, f->height, f->width * 4);
    void *cr = f->cairo.create(surface);
    int shown = 0;
    double height = f->height / 8.0;
    f->cairo.font(cr, "sans-serif", 0, 0);
    for (int p = 1; p <= f->persons && shown < 2; p++) /* of more there is no room */
        if (is_shown(f, p) && report_trajectory(f->timeline, p))
            put_curves(f, cr, p, time, f->height - height * ++shown, height);
    for (int p = 1; p <= f->persons; p++)
        if (is_shown(f, p)) put_face(f, cr, p, time);
    f->cairo.destroy(cr);
    f->cairo.finish(surface);
    f->cairo.surface_destroy(surface);
}

/* ---- the film ---- */

static void take_picture(film *f, const media_frame *frame, affect_time time) {
    for (int y = 0; y < f->height && y < frame->height; y++) {
        const uint8_t *from = frame->rgb + (size_t)y * frame->stride;
        uint8_t *to = f->picture + (size_t)y * (size_t)f->width * 4;
        for (int x = 0; x < f->width && x < frame->width; x++, from += 3, to += 4) {
            to[0] = from[2];
            to[1] = from[1];
            to[2] = from[0];
            to[3] = 255;
        }
    }
    if (f->options && f->options->blur) hide_faces(f, time);
    if (f->drawn) draw(f, time);
}

/* Frames at a constant rate, each of which shows the last one of the recording by then: the encoder
 * knows no times. */
static affect_status encode(film *f, media_reader *reader, const char *recording, const char *out) {
    const media_info *info = media_reader_info(reader);
    double fps = info->fps >= 1 && info->fps <= 60 ? info->fps : 25;
    affect_time from = f->options ? f->options->from : 0, to = f->options ? f->options->to : 0;
    long long sent = 0;
    affect_status status = AFFECT_OK;
    media_item item = {0};
    affect_time shown_until = 0;
    while (status == AFFECT_OK && (status = media_next(reader, &item)) == AFFECT_OK &&
           item.kind != MEDIA_END) {
        if (item.kind != MEDIA_FRAME || item.frame.time < from) continue;
        if (to && item.frame.time >= to) break;
        if (!f->picture) {
            f->width = item.frame.width;
            f->height = item.frame.height;
            f->picture = base_calloc((size_t)f->width * (size_t)f->height, 4);
            status = f->picture ? start(f, recording, out, fps, time_to_seconds(from))
                                : base_fail_memory(f->ctx);
        } else {
            /* The one before stays until this one comes. */
            while (status == AFFECT_OK && from + time_from_seconds((double)sent / fps) <
                                              item.frame.time - AFFECT_MILLISECOND) {
                if (!send_picture(f)) status = AFFECT_ERROR_RUNTIME;
                sent++;
            }
        }
        if (status == AFFECT_OK) take_picture(f, &item.frame, item.frame.time);
        shown_until = item.frame.time + BASE_MAX(item.frame.duration, AFFECT_MILLISECOND);
    }
    while (status == AFFECT_OK && f->picture &&
           (from + time_from_seconds((double)sent / fps) < shown_until || !sent)) {
        if (!send_picture(f)) status = AFFECT_ERROR_RUNTIME;
        sent++;
    }
    if (status == AFFECT_OK && !f->picture)
        return base_fail(f->ctx, AFFECT_ERROR_NO_STREAM, "%s: there is no picture in it",
                         recording);
    if (status == AFFECT_OK || status == AFFECT_ERROR_RUNTIME) {
        affect_status ended = end(f, true);
        if (ended != AFFECT_OK) return ended;
        if (status != AFFECT_OK)
            return base_fail(f->ctx, status, "ffmpeg ended before the film did");
    }
    return status;
}

affect_status report_write_film(affect_context *ctx, const affect_timeline *timeline,
                                report_format format, const report_media *media,
                                const report_options *options, const char *out) {
    film f = {.ctx = ctx,
              .timeline = timeline,
              .options = options,
              .drawn = format == REPORT_VIDEO,
              .persons = report_person_count(timeline, 1000),
              .pipe = -1};
    media_reader *reader = NULL;
    if (!media->path || !media->trusted)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND,
                         "a film is made of the recording: name it with --media");
    media_options wanted = media_options_default();
    wanted.want_audio = false;
    wanted.max_height = f.drawn ? 0 : 360;
    affect_status status = f.drawn ? report_drawer_load(ctx, &f.cairo) : AFFECT_OK;
    if (status == AFFECT_OK) status = media_open(ctx, media->path, &wanted, &reader);
    if (status == AFFECT_OK) status = encode(&f, reader, media->path, out);
    (void)end(&f, false);
    media_close(reader);
    base_free(f.picture);
    return status;
}
