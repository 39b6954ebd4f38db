/* From a set of formats to files. */
#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "report/private.h"

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
            return base_fail(ctx, AFFECT_ERROR_USAGE,
                             "unknown format '%.*s': wants all, json, csv, eaf, textgrid, vtt, svg "
                             "or html, or several with commas",
                             (int)BASE_MIN(n, 80), at);
        *formats |= found;
        at += n;
        if (!*at) return AFFECT_OK;
    }
}

affect_status report_print(affect_context *ctx, const affect_timeline *timeline,
                           report_format format, const char *beside, const report_options *options,
                           FILE *out) {
    report_media media = {0};
    affect_status status = AFFECT_OK;
    if (format == REPORT_EAF || format == REPORT_HTML)
        status = report_media_find(ctx, timeline, beside, options, &media);
    if (status != AFFECT_OK) return status;
    switch (format) {
    case REPORT_JSON: status = report_print_json(ctx, timeline, out); break;
    case REPORT_EAF: status = report_print_eaf(ctx, timeline, &media, out); break;
    case REPORT_TEXTGRID: status = report_print_textgrid(ctx, timeline, out); break;
    case REPORT_VTT: status = report_print_vtt(ctx, timeline, out); break;
    case REPORT_HTML: status = report_print_html(ctx, timeline, &media, options, out); break;
    case REPORT_SVG: status = report_print_svg(ctx, timeline, out); break;
    case REPORT_CSV:
    case REPORT_FORMAT_COUNT:
    default:
        status =
            base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%s is not one file", report_format_word(format));
    }
    report_media_clear(&media);
    return status;
}

static bool wanted(unsigned formats, unsigned i) { return formats >> i & 1U; }

affect_status report_check_folder(affect_context *ctx, const char *folder, unsigned formats,
                                  bool force) {
    if (base_file_exists(folder) && !base_is_folder(folder))
        return base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: is a file, not a folder", folder);
    affect_status status = AFFECT_OK;
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

static affect_status write_one(affect_context *ctx, const affect_timeline *timeline,
                               report_format format, const char *folder,
                               const report_options *options) {
    char *path = base_path_join(folder, report_format_file(format));
    if (!path) return base_fail_memory(ctx);
    affect_status status;
    base_output out;
    if (format == REPORT_CSV) {
        status = report_write_csv(ctx, timeline, path);
    } else if ((status = base_output_open(ctx, path, &out)) == AFFECT_OK) {
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
                               const char *folder, unsigned formats,
                               const report_options *options) {
    affect_status status = base_make_folder(ctx, folder);
    for (unsigned i = 0; status == AFFECT_OK && i < REPORT_FORMAT_COUNT; i++)
        if (wanted(formats, i))
            status = write_one(ctx, timeline, (report_format)i, folder, options);
    return status;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

affect_status report_remove_folder(affect_context *ctx, const char *folder) {
    if (!base_file_exists(folder) || nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0)
        return AFFECT_OK;
    return base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: cannot remove: %s", folder, strerror(errno));
}

affect_status report_fill_folder(affect_context *ctx, const char *folder, report_fill_fn fill,
                                 void *user) {
    char *final = base_strdup(folder);
    if (!final) return base_fail_memory(ctx);
    for (size_t n = strlen(final); n > 1 && final[n - 1] == '/';) final[--n] = '\0';
    char *slash = strrchr(final, '/');
    base_text hidden = {0};
    if (slash) base_text_append_n(&hidden, final, (size_t)(slash - final) + 1);
    base_text_printf(&hidden, ".%s.partial-%ld", slash ? slash + 1 : final, (long)getpid());
    affect_status status = hidden.failed ? base_fail_memory(ctx) : AFFECT_OK;
    if (status == AFFECT_OK) {
        status = fill(hidden.data, user);
        if (status == AFFECT_OK && rename(hidden.data, final) != 0)
            status = base_fail(ctx, AFFECT_ERROR_OUTPUT, "%s: %s", final, strerror(errno));
        if (status != AFFECT_OK) nftw(hidden.data, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    base_text_destroy(&hidden);
    base_free(final);
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
    return write_all(f->ctx, f->timeline, folder, f->formats, f->options);
}

affect_status report_write(affect_context *ctx, const affect_timeline *timeline, const char *folder,
                           unsigned formats, const report_options *options) {
    affect_status status = report_check_folder(ctx, folder, formats, options && options->force);
    if (status != AFFECT_OK) return status;
    if (base_is_folder(folder)) return write_all(ctx, timeline, folder, formats, options);
    filling what = {ctx, timeline, formats, options};
    return report_fill_folder(ctx, folder, fill, &what);
}
