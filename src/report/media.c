/* Where the recording lies, as the page and ELAN want to be told. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "report/private.h"

typedef struct media_kind {
    const char *suffix, *mime;
} media_kind;

static const media_kind kinds[] = {
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

static void set_kind(report_media *media) {
    const char *dot = strrchr(media->name, '.');
    media->mime = "application/octet-stream";
    for (size_t i = 0; dot && i < BASE_COUNT(kinds); i++)
        if (base_equal_ignore_case(dot, kinds[i].suffix)) media->mime = kinds[i].mime;
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

affect_status report_media_find(affect_context *ctx, const affect_timeline *timeline,
                                const char *beside, const report_options *options,
                                report_media *out) {
    *out = (report_media){0};
    const char *given = options && options->media ? options->media : NULL;
    if (!given) given = timeline_property_get(timeline, "input");
    if (!given) given = "";
    const char *slash = strrchr(given, '/');
    out->name = base_strdup(slash ? slash + 1 : given);
    if (!out->name) return base_fail_memory(ctx);
    set_kind(out);
    if (base_starts_with(given, "https://") || base_starts_with(given, "http://")) {
        out->relative = base_strdup(given);
        out->absolute = base_strdup(given);
        if (out->relative && out->absolute) return AFFECT_OK;
        report_media_clear(out);
        return base_fail_memory(ctx);
    }
    if (strcmp(given, "-") == 0 || !*given) return AFFECT_OK;
    char *file = realpath(given, NULL), *folder = realpath(beside ? beside : ".", NULL);
    base_text relative = {0}, absolute = {0};
    if (file && !base_is_folder(file)) {
        out->path = base_strdup(given);
        base_text_append(&absolute, "file://");
        put_url(&absolute, file);
        if (folder) put_relative(&relative, folder, file);
    }
    bool failed = relative.failed || absolute.failed || (absolute.data && !out->path);
    free(file);
    free(folder);
    out->relative = relative.data;
    out->absolute = absolute.data;
    if (!failed) return AFFECT_OK;
    report_media_clear(out);
    return base_fail_memory(ctx);
}

void report_media_clear(report_media *media) {
    base_free(media->path);
    base_free(media->relative);
    base_free(media->absolute);
    base_free(media->name);
    *media = (report_media){0};
}
