/* Composes a recording of people from clips, with its truth as a timeline.
 *
 * usage: compose SCENE.txt DATA OUT     writes OUT.mp4 and OUT.truth/timeline.json
 *        compose --help                 what a scene may say
 *
 * Pictures are put together by the ffmpeg command, sound is mixed here, sample by sample. */
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "affect/session.h"
#include "media/media.h"
#include "tools/compose/compose.h"

extern char **environ;

static const char *const usage_text =
    "usage: compose SCENE.txt DATA OUT      (files of a scene lie in the folder DATA)\n"
    "\n"
    "A scene is text, one thing a line; '#' begins a comment. Times are in seconds.\n"
    "  size W H FPS            the picture; first line\n"
    "  shot LENGTH [dissolve S]\n"
    "                          the picture from here on, cut to or dissolved into\n"
    "  flash AT S              S seconds of this shot are nearly white, AT after it began\n"
    "  see WHO FILE PLACE [from S] [height PIXELS] [crf N] [mirror] [turn]\n"
    "                          WHO is in this shot, as in FILE; PLACE is full, left, right, or "
    "X,Y,W,H.\n"
    "                          height: the clip is scaled down to it first; crf: and encoded so "
    "badly\n"
    "  photo WHO FILE PLACE    a still of FILE's first picture: there, but not a person who "
    "speaks\n"
    "  hear WHO FILE at S [from S] [for S] [gain DB] [label EMOTION]\n"
    "                          WHO (or nobody) says what FILE says, from time `at` of the scene "
    "on\n"
    "  noise DB                of the room, against full scale (-66)\n"
    "  offset S                the sound is so much later than the picture\n"
    "  interval TIER WHO T0 T1 LABEL\n"
    "  event KIND MODALITY WHO ONSET APEX OFFSET\n"
    "  property KEY VALUE      each goes into the truth as it is\n"
    "Clips that are shorter than what is asked of them end in their last picture, and in "
    "silence.\n";

/* ---- running ffmpeg ---- */

typedef struct command {
    char *words[256];
    size_t count;
} command;

static void word(command *c, const char *text) {
    if (c->count + 1 < BASE_COUNT(c->words)) c->words[c->count++] = base_strdup(text);
    c->words[c->count] = NULL;
}
AFFECT_PRINTF(2, 3) static void wordf(command *c, const char *format, ...) {
    base_text text = {0};
    va_list arguments;
    va_start(arguments, format);
    base_text_vprintf(&text, format, arguments);
    va_end(arguments);
    word(c, text.data ? text.data : "");
    base_text_destroy(&text);
}

static affect_status run(affect_context *ctx, command *c) {
    pid_t child;
    int state = 0, failed = posix_spawnp(&child, c->words[0], NULL, NULL, c->words, environ);
    if (!failed)
        while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;
    affect_status status = AFFECT_OK;
    if (failed || !WIFEXITED(state) || WEXITSTATUS(state))
        status = base_fail(ctx, AFFECT_ERROR_RUNTIME, "%s could not make %s", c->words[0],
                           c->words[c->count - 1]);
    for (size_t i = 0; i < c->count; i++) base_free(c->words[i]);
    c->count = 0;
    return status;
}

static void begin(command *c) {
    c->count = 0;
    word(c, "ffmpeg");
    word(c, "-nostdin");
    word(c, "-v");
    word(c, "error");
    word(c, "-y");
}

/* ---- pictures ---- */

static bool is_still(const char *file) {
    return base_ends_with(file, ".jpg") || base_ends_with(file, ".png");
}

/* One shot as a file in which every picture is a key picture, with as much more at its end as the
 * next shot's dissolve wants of it. */
static affect_status shot_render(affect_context *ctx, const scene *s, size_t index,
                                 const char *folder) {
    const scene_shot *shot = &s->shots[index];
    double tail = index + 1 < s->shot_count ? s->shots[index + 1].dissolve_s : 0;
    double length = shot->length_s + tail;
    command c;
    base_text filter = {0};
    begin(&c);
    word(&c, "-f");
    word(&c, "lavfi");
    word(&c, "-i");
    wordf(&c, "color=c=0x56606b:s=%dx%d:r=%g:d=%.6f", s->width, s->height, s->fps, length);
    size_t inputs = 1;
    base_text_printf(&filter, "[0:v]format=yuv444p[p0];");
    for (size_t i = 0; i < s->sight_count; i++) {
        const scene_sight *sight = &s->sights[i];
        if (sight->shot != index) continue;
        char *path = sight->made ? base_strdup(sight->file) : base_path_join(s->data, sight->file);
        if (is_still(sight->file)) {
            word(&c, "-loop");
            word(&c, "1");
        }
        word(&c, "-ss");
        wordf(&c, "%.6f", sight->from_s);
        word(&c, "-i");
        word(&c, path);
        base_free(path);
        base_text_printf(&filter, "[%zu:v]", inputs);
        if (sight->photo) base_text_printf(&filter, "trim=end_frame=1,");
        if (sight->height) base_text_printf(&filter, "scale=-2:%d:flags=area,", sight->height);
        if (sight->mirror) base_text_printf(&filter, "hflip,");
        if (sight->turn) base_text_printf(&filter, "vflip,hflip,");
        base_text_printf(
            &filter,
            "fps=%g,scale=%d:%d:force_original_aspect_ratio=increase:flags=bicubic,"
            "crop=%d:%d,setsar=1,tpad=stop_mode=clone:stop_duration=%.3f,trim=0:%.6f,"
            "setpts=PTS-STARTPTS,format=yuv444p[c%zu];[p%zu][c%zu]overlay=%d:%d[p%zu];",
            s->fps, sight->w, sight->h, sight->w, sight->h, length, length, inputs, inputs - 1,
            inputs, sight->x, sight->y, inputs);
        inputs++;
    }
    size_t last = inputs - 1;
    if (shot->dissolve_s > 0 && index > 0) {
        word(&c, "-ss");
        wordf(&c, "%.6f", s->shots[index - 1].length_s);
        word(&c, "-i");
        wordf(&c, "%s/shot%zu.mkv", folder, index - 1);
        base_text_printf(&filter,
                         "[%zu:v]format=yuva444p,fade=t=out:st=0:d=%.6f:alpha=1[d];"
                         "[p%zu][d]overlay=eof_action=pass[p%zu];",
                         inputs, shot->dissolve_s, last, inputs);
        last = inputs;
    }
    if (shot->flash_t1_s > shot->flash_t0_s)
        base_text_printf(&filter,
                         "[p%zu]drawbox=c=white@0.85:t=fill:enable='gte(t,%.6f)*lt(t,%.6f)'[f];"
                         "[f]trim=0:%.6f[out]",
                         last, shot->flash_t0_s, shot->flash_t1_s, length);
    else
        base_text_printf(&filter, "[p%zu]trim=0:%.6f[out]", last, length);
    word(&c, "-filter_complex");
    word(&c, filter.data ? filter.data : "");
    word(&c, "-map");
    word(&c, "[out]");
    word(&c, "-c:v");
    word(&c, "libx264");
    word(&c, "-preset");
    word(&c, "ultrafast");
    word(&c, "-crf");
    word(&c, "6");
    word(&c, "-g");
    word(&c, "1");
    word(&c, "-pix_fmt");
    word(&c, "yuv420p");
    wordf(&c, "%s/shot%zu.mkv", folder, index);
    base_text_destroy(&filter);
    return run(ctx, &c);
}

/* A clip that is to be seen badly encoded is encoded so first. */
static affect_status spoil(affect_context *ctx, scene *s, const char *folder) {
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < s->sight_count && !status; i++) {
        scene_sight *sight = &s->sights[i];
        if (!sight->crf) continue;
        char *path = base_path_join(s->data, sight->file);
        command c;
        begin(&c);
        word(&c, "-i");
        word(&c, path);
        word(&c, "-an");
        if (sight->height) {
            word(&c, "-vf");
            wordf(&c, "scale=-2:%d:flags=area", sight->height);
        }
        word(&c, "-c:v");
        word(&c, "libx264");
        word(&c, "-crf");
        wordf(&c, "%d", sight->crf);
        word(&c, "-pix_fmt");
        word(&c, "yuv420p");
        wordf(&c, "%s/spoilt%zu.mkv", folder, i);
        status = run(ctx, &c);
        base_free(path);
        base_text name = {0};
        base_text_printf(&name, "%s/spoilt%zu.mkv", folder, i);
        base_free(sight->file);
        sight->file = name.data;
        sight->made = true;
    }
    return status;
}

/* ---- sound ---- */

enum { RATE = 16000 };

/* All of a file's sound at 16 kHz, and where in it somebody is loud: frames of 20 ms within 35 dB of the
 * loudest, joined over .3 s. */
static affect_status sound_read(affect_context *ctx, const char *path, float **samples,
                                size_t *count) {
    media_options options = media_options_default();
    options.want_video = false;
    options.sample_rate = RATE;
    media_reader *reader = NULL;
    media_item item = {0};
    size_t capacity = 0;
    *samples = NULL;
    *count = 0;
    affect_status status = media_open(ctx, path, &options, &reader);
    while (!status && item.kind != MEDIA_END) {
        status = media_next(reader, &item);
        if (status || item.kind != MEDIA_AUDIO) continue;
        if (!base_grow((void **)samples, &capacity, *count + item.audio.count, sizeof **samples)) {
            status = base_fail_memory(ctx);
            break;
        }
        memcpy(*samples + *count, item.audio.samples, item.audio.count * sizeof **samples);
        *count += item.audio.count;
    }
    media_close(reader);
    return status;
}

static void loud_bounds(const float *samples, size_t count, double *from_s, double *to_s) {
    enum { FRAME = RATE / 50 };
    double loudest = 0;
    for (int pass = 0; pass < 2; pass++) {
        bool any = false;
        for (size_t at = 0; at + FRAME <= count; at += FRAME) {
            double energy = 0;
            for (size_t i = at; i < at + FRAME; i++) energy += (double)(samples[i] * samples[i]);
            if (!pass) {
                loudest = fmax(loudest, energy);
            } else if (energy > loudest * 3.16e-4) {
                if (!any) *from_s = (double)at / RATE;
                *to_s = (double)(at + FRAME) / RATE;
                any = true;
            }
        }
    }
}

static uint64_t noise_state = 1;
static double normal(void) {
    double u[2];
    for (int k = 0; k < 2; k++) {
        uint64_t z = noise_state += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        u[k] = ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
    }
    return sqrt(-2 * log(u[0])) * cos(6.283185307179586 * u[1]);
}

/* Mixes into a 16-bit WAV; notes when each really speaks. */
static affect_status sound_render(affect_context *ctx, scene *s, const char *folder) {
    size_t total = (size_t)(s->length_s * RATE + 0.5);
    float *mix = base_calloc(BASE_MAX(total, 1), sizeof *mix);
    if (!mix) return base_fail_memory(ctx);
    double room = pow(10, s->noise_db / 20);
    for (size_t i = 0; i < total; i++) mix[i] = (float)(room * normal());
    affect_status status = AFFECT_OK;
    for (size_t k = 0; k < s->voice_count && !status; k++) {
        scene_voice *v = &s->voices[k];
        char *path = base_path_join(s->data, v->file);
        float *samples;
        size_t count;
        status = sound_read(ctx, path, &samples, &count);
        base_free(path);
        if (status) break;
        size_t from = BASE_MIN((size_t)(v->from_s * RATE + 0.5), count);
        size_t wanted = v->for_s > 0 ? (size_t)(v->for_s * RATE) : count;
        size_t n = BASE_MIN(count - from, wanted);
        double low = 0, high = (double)n / RATE, gain = pow(10, v->gain_db / 20);
        loud_bounds(samples + from, n, &low, &high);
        v->t0_s = v->at_s + low;
        v->t1_s = fmin(v->at_s + high, s->length_s);
        double at = v->at_s + s->offset_s;
        for (size_t i = 0; i < n; i++) {
            double place = at * RATE + (double)i;
            if (place >= 0 && place < (double)total)
                mix[(size_t)place] += (float)(gain * (double)samples[from + i]);
        }
        base_free(samples);
    }
    float peak = 0.98F;
    for (size_t i = 0; i < total; i++) peak = fmaxf(peak, fabsf(mix[i]));
    base_text name = {0};
    base_text_printf(&name, "%s/sound.wav", folder);
    FILE *out = status || name.failed ? NULL : fopen(name.data, "wb");
    if (out) {
        uint32_t bytes = (uint32_t)(2 * total), rate = RATE, twice = 2 * RATE, sixteen = 16;
        uint32_t riff = 36 + bytes;
        uint16_t one = 1, two = 2, bits = 16;
        fwrite("RIFF", 1, 4, out), fwrite(&riff, 4, 1, out), fwrite("WAVEfmt ", 1, 8, out);
        fwrite(&sixteen, 4, 1, out), fwrite(&one, 2, 1, out), fwrite(&one, 2, 1, out);
        fwrite(&rate, 4, 1, out), fwrite(&twice, 4, 1, out), fwrite(&two, 2, 1, out);
        fwrite(&bits, 2, 1, out), fwrite("data", 1, 4, out), fwrite(&bytes, 4, 1, out);
        for (size_t i = 0; i < total; i++) {
            int16_t sample = (int16_t)lrintf(mix[i] * 0.98F / peak * 32767.0F);
            fwrite(&sample, 2, 1, out);
        }
    }
    if (!status && (!out || fclose(out)))
        status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: cannot be written", name.data);
    base_text_destroy(&name);
    base_free(mix);
    return status;
}

/* ---- the whole ---- */

static affect_status join(affect_context *ctx, const scene *s, const char *folder,
                          const char *out) {
    base_text list = {0}, path = {0};
    for (size_t i = 0; i < s->shot_count; i++)
        base_text_printf(&list, "file 'shot%zu.mkv'\noutpoint %.6f\n", i, s->shots[i].length_s);
    base_text_printf(&path, "%s/list.txt", folder);
    affect_status status = list.failed || path.failed
                               ? base_fail_memory(ctx)
                               : base_write_file(ctx, path.data, list.data, list.length);
    if (!status) {
        command c;
        begin(&c);
        word(&c, "-f");
        word(&c, "concat");
        word(&c, "-safe");
        word(&c, "0");
        word(&c, "-i");
        word(&c, path.data);
        word(&c, "-i");
        wordf(&c, "%s/sound.wav", folder);
        word(&c, "-map");
        word(&c, "0:v");
        word(&c, "-map");
        word(&c, "1:a");
        word(&c, "-c:v");
        word(&c, "libx264");
        word(&c, "-preset");
        word(&c, "veryfast");
        word(&c, "-crf");
        word(&c, "21");
        word(&c, "-pix_fmt");
        word(&c, "yuv420p");
        word(&c, "-c:a");
        word(&c, "aac");
        word(&c, "-b:a");
        word(&c, "96k");
        word(&c, "-movflags");
        word(&c, "+faststart");
        wordf(&c, "%s.mp4", out);
        status = run(ctx, &c);
    }
    base_text_destroy(&list);
    base_text_destroy(&path);
    return status;
}

static affect_status compose(affect_context *ctx, const char *text, const char *data,
                             const char *out) {
    scene s = {0};
    affect_timeline *truth = NULL;
    base_text folder = {0}, truth_folder = {0};
    affect_status status = scene_read(ctx, text, data, &s);
    base_text_printf(&folder, "%s.work-%ld", out, (long)getpid());
    if (!status) status = base_make_folder(ctx, folder.data);
    if (!status) status = sound_render(ctx, &s, folder.data);
    if (!status) status = spoil(ctx, &s, folder.data);
    for (size_t i = 0; i < s.shot_count && !status; i++)
        status = shot_render(ctx, &s, i, folder.data);
    if (!status) status = join(ctx, &s, folder.data, out);
    if (!status) status = scene_truth(ctx, &s, &truth);
    if (!status) {
        base_text_printf(&truth_folder, "%s.truth", out);
        status = affect_timeline_write(ctx, truth, truth_folder.data, "json", 1);
    }
    command c = {0};
    word(&c, "rm");
    word(&c, "-rf");
    word(&c, "--");
    word(&c, folder.data);
    if (folder.data && base_is_folder(folder.data)) {
        affect_status removed = run(ctx, &c);
        if (!status) status = removed;
    }
    affect_timeline_destroy(truth);
    scene_destroy(&s);
    base_text_destroy(&folder);
    base_text_destroy(&truth_folder);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fputs(usage_text, argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
        return argc == 2 && !strcmp(argv[1], "--help") ? 0 : AFFECT_ERROR_USAGE;
    }
    affect_context *ctx;
    if (affect_context_create(&ctx)) return AFFECT_ERROR_MEMORY;
    affect_status status = compose(ctx, argv[1], argv[2], argv[3]);
    if (status) fprintf(stderr, "compose: %s\n", affect_context_message(ctx));
    affect_context_destroy(ctx);
    return (int)status;
}
