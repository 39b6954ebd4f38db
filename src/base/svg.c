/* SVG 1.1 elements (W3C), the few that charts need. */
#include "base/svg.h"

#include <math.h>

void base_svg_begin(base_text *svg, int width, int height, const char *attributes,
                    const char *title) {
    base_text_printf(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" %s>\n",
                     width, height, attributes);
    if (!title) return;
    base_text_append(svg, "<title>");
    base_text_append_xml(svg, title);
    base_text_append(svg, "</title>\n");
}

void base_svg_end(base_text *svg) { base_text_append(svg, "</svg>\n"); }

/* As printf's %.1f, but for ties, and many times as fast; nothing where there is no place. */
void base_svg_number(base_text *svg, double value) {
    if (!(fabs(value) <= 1e12)) return;
    double n = floor(fabs(value) * 10 + .5);
    uint64_t tenths = (uint64_t)n;
    char text[24];
    size_t at = sizeof text;
    text[--at] = (char)('0' + tenths % 10);
    text[--at] = '.';
    tenths /= 10;
    do text[--at] = (char)('0' + tenths % 10);
    while (tenths /= 10);
    if (value < 0 && n > 0) text[--at] = '-';
    base_text_append_n(svg, text + at, sizeof text - at);
}

static void attribute(base_text *svg, const char *name, double value) {
    base_text_append(svg, " ");
    base_text_append(svg, name);
    base_text_append(svg, "=\"");
    base_svg_number(svg, value);
    base_text_append(svg, "\"");
}

static void begin(base_text *svg, const char *name, const char *attributes) {
    base_text_append(svg, "<");
    base_text_append(svg, name);
    if (*attributes) base_text_append(svg, " ");
    base_text_append(svg, attributes);
}

void base_svg_text(base_text *svg, const char *attributes, double x, double y, const char *text) {
    begin(svg, "text", attributes);
    attribute(svg, "x", x);
    attribute(svg, "y", y);
    base_text_append(svg, ">");
    base_text_append_xml(svg, text);
    base_text_append(svg, "</text>\n");
}

void base_svg_rect(base_text *svg, const char *attributes, double x, double y, double width,
                   double height, const char *more, const char *title) {
    begin(svg, "rect", attributes);
    attribute(svg, "x", x);
    attribute(svg, "y", y);
    attribute(svg, "width", width);
    attribute(svg, "height", height);
    if (*more) base_text_append(svg, " ");
    base_text_append(svg, more);
    if (title) {
        base_text_append(svg, "><title>");
        base_text_append_xml(svg, title);
        base_text_append(svg, "</title></rect>\n");
    } else {
        base_text_append(svg, "/>\n");
    }
}

void base_svg_circle(base_text *svg, const char *attributes, double x, double y, double radius) {
    begin(svg, "circle", attributes);
    attribute(svg, "cx", x);
    attribute(svg, "cy", y);
    attribute(svg, "r", radius);
    base_text_append(svg, "/>\n");
}

void base_svg_line(base_text *svg, const char *attributes, double x0, double y0, double x1,
                   double y1) {
    base_svg_path_begin(svg, attributes);
    base_svg_path_point(svg, true, x0, y0);
    base_svg_path_point(svg, false, x1, y1);
    base_svg_path_end(svg);
}

void base_svg_path_begin(base_text *svg, const char *attributes) {
    begin(svg, "path", attributes);
    base_text_append(svg, " d=\"");
}

void base_svg_path_point(base_text *svg, bool move, double x, double y) {
    base_text_append(svg, move ? "M" : "L");
    base_svg_number(svg, x);
    base_text_append(svg, " ");
    base_svg_number(svg, y);
}

void base_svg_path_close(base_text *svg) { base_text_append(svg, "Z"); }
void base_svg_path_end(base_text *svg) { base_text_append(svg, "\"/>\n"); }
