/* The files of web/serve, bundled by esbuild and put into the program by web/embed.c. */
#ifndef SERVE_PAGE_H
#define SERVE_PAGE_H

#include <stddef.h>

extern const unsigned char serve_page_html[], serve_page_css[], serve_page_js[];
extern const unsigned char serve_page_recording[], serve_page_compare[], serve_page_worklet[],
    serve_page_rate[];
extern const size_t serve_page_html_length, serve_page_css_length, serve_page_js_length;
extern const size_t serve_page_recording_length, serve_page_compare_length;
extern const size_t serve_page_worklet_length, serve_page_rate_length;

#endif
