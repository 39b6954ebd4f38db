/* Loads FFmpeg's libraries and takes charge of their log. */
#include "media/ffmpeg.h"

#include <dlfcn.h>
#include <string.h>

media_ffmpeg_functions media_ff;

enum { LOG_LINE_SIZE = 512, LOAD_ERROR_SIZE = 256 };

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static char load_error[LOAD_ERROR_SIZE]; /* empty: loaded */

static _Thread_local affect_context *log_context;
static _Thread_local bool log_active;
static _Thread_local char log_error[LOG_LINE_SIZE];
static _Thread_local long log_errors;

/* FFmpeg's log callback is one for the process and carries no user pointer; the calling thread
 * tells which context is meant. Decoder threads of FFmpeg have none, and their lines are dropped:
 * what they have to say also comes as a return code. */
static void take_log_line(void *object, int level, const char *format, va_list arguments) {
    if (!log_active || level > AV_LOG_WARNING) return;
    char line[LOG_LINE_SIZE];
    int print_prefix = 0;
    if (media_ff.av_log_format_line2(object, level, format, arguments, line, (int)sizeof line,
                                     &print_prefix) < 0)
        return;
    size_t length = strcspn(line, "\r\n");
    line[length] = '\0';
    if (length == 0) return;
    if (level <= AV_LOG_ERROR) {
        memcpy(log_error, line, length + 1);
        log_errors++;
    }
    base_log(log_context, AFFECT_LOG_DEBUG, "FFmpeg: %s", line);
}

void media_ffmpeg_log_begin(affect_context *ctx) {
    log_context = ctx;
    log_active = true;
    log_error[0] = '\0';
    log_errors = 0;
}

void media_ffmpeg_log_end(void) {
    log_context = NULL;
    log_active = false;
}

const char *media_ffmpeg_log_error(void) { return log_error; }
long media_ffmpeg_log_errors(void) { return log_errors; }

#define SONAME(name, major) "lib" name ".so." AV_STRINGIFY(major)

static void *open_library(const char *name) {
    if (load_error[0]) return NULL;
    void *library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (!library) snprintf(load_error, sizeof load_error, "%s", dlerror());
    return library;
}

/* POSIX promises that a function pointer survives the void pointer of dlsym; ISO C does not. */
static void find_function(void *library, const char *name, void *slot) {
    if (load_error[0]) return;
    void *address = dlsym(library, name);
    if (!address) snprintf(load_error, sizeof load_error, "%s", dlerror());
    memcpy(slot, &address, sizeof address);
}

static void load(void) {
    void *avutil = open_library(SONAME("avutil", LIBAVUTIL_VERSION_MAJOR));
    void *swresample = open_library(SONAME("swresample", LIBSWRESAMPLE_VERSION_MAJOR));
    void *swscale = open_library(SONAME("swscale", LIBSWSCALE_VERSION_MAJOR));
    void *avcodec = open_library(SONAME("avcodec", LIBAVCODEC_VERSION_MAJOR));
    void *avformat = open_library(SONAME("avformat", LIBAVFORMAT_VERSION_MAJOR));
#define FFMPEG_FIND(library, function)                                                             \
    find_function(library, #function, (void *)&media_ff.function);
    FFMPEG_FUNCTIONS(FFMPEG_FIND)
#undef FFMPEG_FIND
    if (!load_error[0]) media_ff.av_log_set_callback(take_log_line);
}

affect_status media_ffmpeg_load(affect_context *ctx) {
    pthread_once(&load_once, load);
    if (load_error[0])
        return base_fail(ctx, AFFECT_ERROR_RUNTIME,
                         "FFmpeg's libraries cannot be loaded (%s); install the packages that "
                         "libavformat-dev names, or run set-up again",
                         load_error);
    return AFFECT_OK;
}
