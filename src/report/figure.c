/* The picture as PDF and PNG, by librsvg and cairo through dlopen: their C interfaces are declared here
 * as far as they are used, so that the program builds and starts without them. */
#include <dlfcn.h>
#include <string.h>

#include "report/report_private.h"

/* librsvg's RsvgRectangle and cairo's enums, which are part of their stable interfaces. */
typedef struct rectangle {
    double x, y, width, height;
} rectangle;
enum { CAIRO_ARGB32 = 0, CAIRO_PDF_CREATED = 5 };
enum { PNG_SCALE = 2 }; /* of a picture that is 1.2 thousand units wide: sharp at a page's width */

typedef unsigned (*write_fn)(void *user, const unsigned char *data, unsigned length);

typedef struct drawer {
    report_drawer cairo;
    void *rsvg, *objects; /* of dlopen */
    void *(*handle_new)(const unsigned char *data, size_t length, void **error);
    int (*render)(void *handle, void *cr, const rectangle *viewport, void **error);
    void (*unref)(void *object);
    void *(*pdf)(write_fn write, void *user, double width, double height);
    void (*pdf_metadata)(void *surface, int which, const char *text);
    void *(*image)(int format, int width, int height);
    int (*png)(void *surface, write_fn write, void *user);
    int (*status)(void *surface);
} drawer;

affect_status report_drawer_load(affect_context *ctx, report_drawer *d) {
    d->library = dlopen("libcairo.so.2", RTLD_NOW | RTLD_LOCAL);
    const struct {
        const char *name;
        void *slot;
    } symbols[] = {
        {"cairo_image_surface_create_for_data", &d->on_memory},
        {"cairo_create", &d->create},
        {"cairo_destroy", &d->destroy},
        {"cairo_surface_finish", &d->finish},
        {"cairo_surface_destroy", &d->surface_destroy},
        {"cairo_set_source_rgba", &d->source},
        {"cairo_set_line_width", &d->line_width},
        {"cairo_set_font_size", &d->font_size},
        {"cairo_rectangle", &d->rectangle},
        {"cairo_move_to", &d->move_to},
        {"cairo_line_to", &d->line_to},
        {"cairo_stroke", &d->stroke},
        {"cairo_fill", &d->fill},
        {"cairo_select_font_face", &d->font},
        {"cairo_show_text", &d->text},
    };
    for (size_t i = 0; i < BASE_COUNT(symbols); i++) {
        void *symbol = d->library ? dlsym(d->library, symbols[i].name) : NULL;
        if (!symbol)
            return base_fail(ctx, AFFECT_ERROR_RUNTIME,
                             "cairo 1.16 or later draws this, and was not found (%s): install "
                             "libcairo2",
                             symbols[i].name);
        memcpy(symbols[i].slot, &symbol, sizeof symbol);
    }
    return AFFECT_OK;
}

static affect_status load(affect_context *ctx, drawer *d) {
    affect_status status = report_drawer_load(ctx, &d->cairo);
    if (status != AFFECT_OK) return status;
    d->rsvg = dlopen("librsvg-2.so.2", RTLD_NOW | RTLD_LOCAL);
    d->objects = dlopen("libgobject-2.0.so.0", RTLD_NOW | RTLD_LOCAL);
    const struct {
        void *library;
        const char *name;
        void *slot;
    } symbols[] = {
        {d->rsvg, "rsvg_handle_new_from_data", &d->handle_new},
        {d->rsvg, "rsvg_handle_render_document", &d->render},
        {d->objects, "g_object_unref", &d->unref},
        {d->cairo.library, "cairo_pdf_surface_create_for_stream", &d->pdf},
        {d->cairo.library, "cairo_pdf_surface_set_metadata", &d->pdf_metadata},
        {d->cairo.library, "cairo_image_surface_create", &d->image},
        {d->cairo.library, "cairo_surface_write_to_png_stream", &d->png},
        {d->cairo.library, "cairo_surface_status", &d->status},
    };
    for (size_t i = 0; i < BASE_COUNT(symbols); i++) {
        void *symbol = symbols[i].library ? dlsym(symbols[i].library, symbols[i].name) : NULL;
        if (!symbol)
            return base_fail(ctx, AFFECT_ERROR_RUNTIME,
                             "PDF and PNG are drawn by librsvg 2.46 and cairo 1.16 or later, which "
                             "were not found (%s): install librsvg2-2, or take svg",
                             symbols[i].name);
        memcpy(symbols[i].slot, &symbol, sizeof symbol);
    }
    return AFFECT_OK;
}

static unsigned put(void *user, const unsigned char *data, unsigned length) {
    return fwrite(data, 1, length, user) == length ? 0 : 11; /* CAIRO_STATUS_WRITE_ERROR */
}

/* The number behind an attribute of the <svg> element, which is ours. */
static double size_of(const char *svg, const char *name) {
    const char *at = strstr(svg, name);
    double value = 0;
    at = at ? at + strlen(name) : svg;
    return base_parse_double(at, strcspn(at, "\""), &value) ? value : 0;
}

static affect_status print(affect_context *ctx, const affect_timeline *timeline,
                           const report_options *options, bool as_pdf, FILE *out) {
    /* The libraries stay loaded for the life of the process: GLib has types that cannot go away. */
    drawer d = {0};
    base_text svg = {0};
    affect_status status = load(ctx, &d);
    if (status == AFFECT_OK) status = report_draw(ctx, timeline, options, &svg);
    if (status != AFFECT_OK) {
        base_text_destroy(&svg);
        return status;
    }
    rectangle all = {0, 0, size_of(svg.data, " width=\""), size_of(svg.data, " height=\"")};
    if (!as_pdf) all.width *= PNG_SCALE, all.height *= PNG_SCALE;
    void *handle = d.handle_new((const unsigned char *)svg.data, svg.length, NULL);
    /* A PDF's unit is a point, 4/3 of ours; then a picture is as large as a browser prints it. */
    if (as_pdf) all.width *= .75, all.height *= .75;
    void *surface = as_pdf ? d.pdf(put, out, all.width, all.height)
                           : d.image(CAIRO_ARGB32, (int)all.width, (int)all.height);
    if (as_pdf) d.pdf_metadata(surface, CAIRO_PDF_CREATED, ""); /* no clock: the same bytes again */
    void *cr = d.cairo.create(surface);
    bool drawn = handle && d.render(handle, cr, &all, NULL);
    d.cairo.destroy(cr);
    if (drawn && !as_pdf) drawn = d.png(surface, put, out) == 0;
    d.cairo.finish(surface);
    drawn = drawn && (!as_pdf || d.status(surface) == 0);
    d.cairo.surface_destroy(surface);
    if (handle) d.unref(handle);
    base_text_destroy(&svg);
    if (drawn || ferror(out)) return AFFECT_OK; /* the caller looks at the file */
    return base_fail(ctx, AFFECT_ERROR_LIMIT,
                     "the picture is too large for cairo: choose a stretch "
                     "or persons, or take svg");
}

affect_status report_print_pdf(affect_context *ctx, const affect_timeline *timeline,
                               const report_options *options, FILE *out) {
    return print(ctx, timeline, options, true, out);
}

affect_status report_print_png(affect_context *ctx, const affect_timeline *timeline,
                               const report_options *options, FILE *out) {
    return print(ctx, timeline, options, false, out);
}
