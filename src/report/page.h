/* The files of web/report, put into the library by web/embed.c. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include <stddef.h>

extern const unsigned char report_page_html[], report_page_css[], report_page_js[];
extern const size_t report_page_html_length, report_page_css_length, report_page_js_length;

#endif
