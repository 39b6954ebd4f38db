/* Where the recording lies, as the page and ELAN want to be told, and whether it may be embedded. A
 * timeline is a stranger's file: what it names is not what the user names. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "media/media.h"
#include "report/report_private.h"

#define SCHEME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-"

typedef struct mime_type {
    const char *suffix, *mime;
} mime_type;

static const mime_type kinds[] = {
    {".mp4", "video/mp4"},      {".m4v", "video/mp4"},        {".mov", "video/quicktime"},
    {".webm", "video/webm"},    {".mkv", "video/x-matroska"}, {".avi", "video/x-msvideo"},
    {".mpg", "video/mpeg"},     {".mpeg", "video/mpeg"},      {".ogv", "video/ogg"},
    {".ts", "video/mp2t"},      {".wmv", "video/x-ms-wmv"},   {".flv", "video/x-flv"},
    {".3gp", "video/3gpp"},     {".wav", "audio/wav"},        {".mp3", "audio/mpeg"},
    {".m4a", "audio/mp4"},      {".aac", "audio/aac"},        {".flac", "audio/flac"},
    {".ogg", "audio/ogg"},      {".oga", "audio/ogg"},        {".opus", "audio/ogg"},
    {".wma", "audio/x-ms-wma"}, {".aif", "audio/aiff"},       {".aiff", "audio/aiff"},
    {".png", "image/png"},      {".jpg", "image/jpeg"},       {".jpeg", "image/jpeg"},
    {".webp", "image/webp"},    {".gif", "image/gif"},        {".bmp", "image/bmp"},
};

const char *report_mime(const char *name) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < BASE_COUNT(kinds); i++)
        if (base_equal_ignore_case(dot, kinds[i].suffix)) return kinds[i].mime;
    return "application/octet-stream";
}

static void set_kind(report_media *media) {
    media->mime = report_mime(media->name);
    media->video = base_starts_with(media->mime, "video/");
    media->audio = base_starts_with(media->mime, "audio/");
    media->image = base_starts_with(media->mime, "image/");
}

/* RFC 3986 path characters stay, everything else is percent-encoded. A leading segment with a colon
 * would read as a scheme, so ':' is encoded too. */
static void put_url(base_text *out, const char *path) {
    for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("/-._~!$&'()*+,;=@", *c);
        if (plain)
            base_text_append_n(out, (const char *)c, 1);
        else
            base_text_printf(out, "%%%02X", *c);
    }
}

/* The way from one absolute folder to one absolute file. */
static void put_relative(base_text *out, const char *from, const char *to) {
    size_t same = 0, i = 0;
    for (; from[i] && from[i] == to[i]; i++)
        if (from[i] == '/') same = i + 1;
    if (!from[i] && to[i] == '/') same = i + 1;
    if (same < strlen(from)) { /* one step up for each folder that is left */
        base_text_append(out, "../");
        for (const char *c = from + same; *c; c++)
            if (*c == '/') base_text_append(out, "../");
    }
    put_url(out, to + same);
}

/* A FIFO or a device would keep whoever opens it waiting. */
static bool is_regular(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static bool is_address(const char *text) {
    const char *colon = strstr(text, "://");
    return colon && colon != text && strspn(text, SCHEME_CHARACTERS) == (size_t)(colon - text);
}

/* Sets path and trusted; the path stays NULL where there is no such file. */
static affect_status find_file(affect_context *ctx, const char *given,
                               const report_options *options, report_media *out) {
    bool named = options && options->media;
    if (strcmp(given, "-") == 0 || !*given) return AFFECT_OK;
    if (is_address(given) && !named) return AFFECT_OK;
    if (is_address(given))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "%s: the page links a file of this machine, no address", given);
    if (!named && options && options->source) {
        out->path = base_beside(options->source, out->name);
        out->trusted = out->path != NULL;
        if (out->trusted) return AFFECT_OK;
    }
    if (!is_regular(given)) return AFFECT_OK;
    out->path = base_strdup(given);
    out->trusted = named;
    return out->path ? AFFECT_OK : base_fail_memory(ctx);
}

affect_status report_media_find(affect_context *ctx, const affect_timeline *timeline,
                                const char *beside, const report_options *options,
                                report_media *out) {
    *out = (report_media){0};
    const char *given = options && options->media ? options->media : NULL;
    if (!given && timeline) given = affect_timeline_property(timeline, "input");
    if (!given) given = "";
    const char *slash = strrchr(given, '/');
    out->name = base_strdup(slash ? slash + 1 : given);
    if (!out->name) return base_fail_memory(ctx);
    set_kind(out);
    affect_status status = find_file(ctx, given, options, out);
    char *file = out->path ? realpath(out->path, NULL) : NULL;
    char *folder = realpath(beside ? beside : ".", NULL);
    base_text relative = {0}, absolute = {0};
    if (file) {
        base_text_append(&absolute, "file://");
        put_url(&absolute, file);
        if (folder) put_relative(&relative, folder, file);
    }
    if (!status && (relative.failed || absolute.failed)) status = base_fail_memory(ctx);
    free(file);
    free(folder);
    out->relative = relative.data;
    out->absolute = absolute.data;
    if (status) report_media_clear(out);
    return status;
}

affect_status report_fail_too_large(affect_context *ctx, const char *path) {
    return base_fail(ctx, AFFECT_ERROR_LIMIT,
                     "%s: larger than %zu MiB: too large to embed, link it instead", path,
                     REPORT_EMBED_LIMIT >> 20);
}

affect_status report_media_embeddable(affect_context *ctx, const report_media *media) {
    if (!media->path)
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND,
                         "%s: there is no such regular file to embed; name the recording with "
                         "--media FILE",
                         *media->name ? media->name : "-");
    if (!media->trusted)
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT,
                         "%s: only the timeline names it, and it does not lie beside it; to embed "
                         "it all the same, name it with --media",
                         media->path);
    struct stat about;
    if (stat(media->path, &about) == 0 && about.st_size > (off_t)REPORT_EMBED_LIMIT)
        return report_fail_too_large(ctx, media->path);
    media_options options = media_options_default();
    media_reader *reader = NULL;
    affect_status status = media_open(ctx, media->path, &options, &reader);
    media_close(reader);
    return status;
}

affect_status report_check_media(affect_context *ctx, const report_options *options) {
    if (!options || !options->embed) return AFFECT_OK;
    report_media media;
    affect_status status = report_media_find(ctx, NULL, NULL, options, &media);
    if (!status) status = report_media_embeddable(ctx, &media);
    report_media_clear(&media);
    return status;
}

void report_media_clear(report_media *media) {
    base_free(media->path);
    base_free(media->relative);
    base_free(media->absolute);
    base_free(media->name);
    *media = (report_media){0};
}
