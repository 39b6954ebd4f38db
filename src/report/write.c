/* From a set of formats to files. */
#include <string.h>

#include "report/report_private.h"

static const struct {
    const char *word, *file;
} formats_table[] = {
#define REPORT_FORMAT_ROW(symbol, word, file) {word, file},
    REPORT_FORMAT_TABLE(REPORT_FORMAT_ROW)
#undef REPORT_FORMAT_ROW
};

const char *report_format_word(report_format format) {
    return format < REPORT_FORMAT_COUNT ? formats_table[format].word : "unknown";
}

const char *report_format_file(report_format format) {
    return format < REPORT_FORMAT_COUNT ? formats_table[format].file : "unknown";
}

affect_status report_formats_parse(affect_context *ctx, const char *words, unsigned *formats) {
    *formats = 0;
    for (const char *at = words;; at++) {
        size_t n = strcspn(at, ",");
        unsigned found = n == 3 && strncmp(at, "all", n) == 0 ? REPORT_ALL : 0;
        for (unsigned i = 0; i < REPORT_FORMAT_COUNT; i++)
            if (strlen(formats_table[i].word) == n && strncmp(at, formats_table[i].word, n) == 0)
                found |= 1U << i;
        if (!found)
            return base_fail(
                ctx, AFFECT_ERROR_USAGE,
                "unknown format '%.*s': wants all, json, csv, eaf, textgrid, vtt, svg, "
                "html, pdf, png, openface, video or proxy, or several with commas",
                (int)BASE_MIN(n, 80), at);
        *formats |= found;
        at += n;
        if (!*at) return AFFECT_OK;
    }
}

static affect_status print(affect_context *ctx, const affect_timeline *timeline,
                           report_format format, const char *beside, const report_options *options,
                           FILE *out) {
    report_media media = {0};
    report_likeliest rows = {0};
    affect_status status = AFFECT_OK;
    if (format == REPORT_EAF || format == REPORT_TEXTGRID)
        status = report_likeliest_add(ctx, timeline, &rows);
    if (status == AFFECT_OK && (format == REPORT_EAF || format == REPORT_HTML))
        status = report_media_find(ctx, timeline, beside, options, &media);
    if (status == AFFECT_OK && format == REPORT_HTML && options && options->embed)
        status = report_media_embeddable(ctx, &media);
    if (status != AFFECT_OK) {
        report_likeliest_clear(&rows);
        report_media_clear(&media);
        return status;
    }
    switch (format) {
    case REPORT_JSON: status = report_print_json(ctx, timeline, out); break;
    case REPORT_EAF: status = report_print_eaf(ctx, &rows.with, &media, out); break;
    case REPORT_TEXTGRID: status = report_print_textgrid(ctx, &rows.with, out); break;
    case REPORT_VTT: status = report_print_vtt(ctx, timeline, out); break;
    case REPORT_HTML: status = report_print_html(ctx, timeline, &media, options, out); break;
    case REPORT_SVG: status = report_print_svg(ctx, timeline, options, out); break;
    case REPORT_PDF: status = report_print_pdf(ctx, timeline, options, out); break;
    case REPORT_PNG: status = report_print_png(ctx, timeline, options, out); break;
    case REPORT_OPENFACE: status = report_print_openface(ctx, timeline, out); break;
    case REPORT_CSV:
    case REPORT_VIDEO:
    case REPORT_PROXY:
    case REPORT_FORMAT_COUNT:
    default:
        status =
            base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%s is not one file", report_format_word(format));
    }
    report_likeliest_clear(&rows);
    report_media_clear(&media);
    timeline_leave_rows(timeline);
    return status;
}

affect_status report_print(affect_context *ctx, const affect_timeline *timeline,
                           report_format format, const char *beside, const report_options *options,
                           FILE *out) {
    affect_timeline *made = NULL;
    affect_status status = AFFECT_OK;
    /* JSON keeps what perception said, and the merges as records. */
    if (format != REPORT_JSON) status = timeline_resolve(ctx, timeline, &made, &timeline);
    if (status == AFFECT_OK) status = print(ctx, timeline, format, beside, options, out);
    affect_timeline_destroy(made);
    return status;
}

static bool wanted(unsigned formats, unsigned i) { return formats >> i & 1U; }

/* Whoever made a link chooses where our files go, and which of his would be replaced. */
static affect_status check_link(affect_context *ctx, const char *folder) {
    if (!base_is_link(folder)) return AFFECT_OK;
    return base_fail(ctx, AFFECT_ERROR_OUTPUT,
                     "%s: is a symbolic link, which is not followed for writing; name the folder "
                     "itself",
                     folder);
}

affect_status report_check_folder(affect_context *ctx, const char *folder, unsigned formats,
                                  bool force) {
    if (base_file_exists(folder) && !base_is_folder(folder))
        return base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: is a file, not a folder", folder);
    affect_status status = check_link(ctx, folder);
    char *tables = base_path_join(folder, report_format_file(REPORT_CSV));
    if (!tables) status = base_fail_memory(ctx);
    if (status == AFFECT_OK && wanted(formats, REPORT_CSV)) status = check_link(ctx, tables);
    base_free(tables);
    for (unsigned i = 0; status == AFFECT_OK && !force && i < REPORT_FORMAT_COUNT; i++) {
        char *path = base_path_join(folder, formats_table[i].file);
        if (!path) return base_fail_memory(ctx);
        if (wanted(formats, i) && base_file_exists(path))
            status = base_fail(ctx, AFFECT_ERROR_EXISTS,
                               "%s exists already: use --force to "
                               "overwrite it, or another folder",
                               path);
        base_free(path);
    }
    return status;
}

/* ffmpeg writes into the file that is hidden still. */
static affect_status write_film(affect_context *ctx, const affect_timeline *timeline,
                                report_format format, const char *path,
                                const report_options *options) {
    report_media media = {0};
    base_output out;
    affect_status status = report_media_find(ctx, timeline, NULL, options, &media);
    if (status == AFFECT_OK) status = base_output_open(ctx, path, &out);
    if (status == AFFECT_OK) {
        status = report_write_film(ctx, timeline, format, &media, options, out.temporary);
        if (status == AFFECT_OK)
            status = base_output_commit(ctx, &out);
        else
            base_output_abort(&out);
    }
    report_media_clear(&media);
    return status;
}

static affect_status write_one(affect_context *ctx, const affect_timeline *timeline,
                               report_format format, const char *folder, bool hidden,
                               const report_options *options) {
    char *path = base_path_join(folder, report_format_file(format));
    if (!path) return base_fail_memory(ctx);
    affect_status status;
    base_output out;
    if (format == REPORT_CSV) {
        status = report_write_csv(ctx, timeline, path, hidden);
    } else if (format == REPORT_VIDEO || format == REPORT_PROXY) {
        status = write_film(ctx, timeline, format, path, options);
    } else if ((status = base_output_open(ctx, path, &out)) == AFFECT_OK) {
        out.unsynced = hidden;
        status = report_print(ctx, timeline, format, folder, options, out.file);
        if (status == AFFECT_OK)
            status = base_output_commit(ctx, &out);
        else
            base_output_abort(&out);
    }
    base_free(path);
    return status;
}

static affect_status write_all(affect_context *ctx, const affect_timeline *timeline,
                               const char *folder, bool hidden, unsigned formats,
                               const report_options *options) {
    affect_timeline *made = NULL;
    const affect_timeline *resolved = timeline; /* once for all formats */
    affect_status status = base_make_folder(ctx, folder);
    if (status == AFFECT_OK) status = timeline_resolve(ctx, timeline, &made, &resolved);
    report_options own = options ? *options : (report_options){0};
    char *proxy = NULL; /* first: the page links it */
    if (status == AFFECT_OK && wanted(formats, REPORT_PROXY)) {
        status = write_one(ctx, resolved, REPORT_PROXY, folder, hidden, options);
        proxy = base_path_join(folder, report_format_file(REPORT_PROXY));
        if (status == AFFECT_OK && !proxy) status = base_fail_memory(ctx);
    }
    for (unsigned i = 0; status == AFFECT_OK && i < REPORT_PROXY; i++) {
        own.media = proxy && own.proxy && i == REPORT_HTML ? proxy
                    : options                              ? options->media
                                                           : NULL;
        if (wanted(formats, i))
            status = write_one(ctx, i == REPORT_JSON ? timeline : resolved, (report_format)i,
                               folder, hidden, &own);
    }
    base_free(proxy);
    affect_timeline_destroy(made);
    return status;
}

typedef struct filling {
    affect_context *ctx;
    const affect_timeline *timeline;
    unsigned formats;
    const report_options *options;
} filling;

static affect_status fill(const char *folder, void *user) {
    const filling *f = user;
    return write_all(f->ctx, f->timeline, folder, true, f->formats, f->options);
}

affect_status report_write(affect_context *ctx, const affect_timeline *timeline, const char *folder,
                           unsigned formats, const report_options *options) {
    affect_status status = report_check_folder(ctx, folder, formats, options && options->force);
    if (status != AFFECT_OK) return status;
    if (base_is_folder(folder))
        return write_all(ctx, timeline, folder, options && options->unsynced, formats, options);
    filling what = {ctx, timeline, formats, options};
    return report_fill_folder(ctx, folder, options && options->unsynced, fill, &what);
}
