/* SVG elements appended to text: one writer for every picture of the program. Coordinates have one
 * decimal, texts are escaped, and `attributes` stand as they are given ("class=\"line\""), before
 * the coordinates. Failures are remembered by the text (base_text.failed). */
#ifndef BASE_SVG_H
#define BASE_SVG_H

#include "base/base.h"

/* <svg ...> of that size with its title, NULL for none; `attributes` of the element. */
void base_svg_begin(base_text *svg, int width, int height, const char *attributes,
                    const char *title);
void base_svg_end(base_text *svg);

void base_svg_number(base_text *svg, double value);
void base_svg_text(base_text *svg, const char *attributes, double x, double y, const char *text);
/* `more`: attributes behind the coordinates, or "". `title`: what a pointer that rests on it is
 * told, or NULL. */
void base_svg_rect(base_text *svg, const char *attributes, double x, double y, double width,
                   double height, const char *more, const char *title);
void base_svg_circle(base_text *svg, const char *attributes, double x, double y, double radius);
void base_svg_line(base_text *svg, const char *attributes, double x0, double y0, double x1,
                   double y1);
/* <path attributes d="...">: points between begin and end, the first of a stretch with `move`. */
void base_svg_path_begin(base_text *svg, const char *attributes);
void base_svg_path_point(base_text *svg, bool move, double x, double y);
void base_svg_path_close(base_text *svg); /* back to the first point of the stretch */
void base_svg_path_end(base_text *svg);

#endif
