/* Files: the page's own, which the build puts into the program, and the recordings of the folder. */
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "serve/page.h"
#include "serve/serve_private.h"
#include "serve/traces.h"

affect_status serve_get_page(serve_request *request) {
    return serve_reply_constant(request, "text/html; charset=utf-8", serve_page_html,
                                serve_page_html_length);
}

affect_status serve_get_style(serve_request *request) {
    return serve_reply_constant(request, "text/css; charset=utf-8", serve_page_css,
                                serve_page_css_length);
}

affect_status serve_get_script(serve_request *request) {
    return serve_reply_constant(request, "text/javascript; charset=utf-8", serve_page_js,
                                serve_page_js_length);
}

affect_status serve_get_worklet(serve_request *request) {
    return serve_reply_constant(request, "text/javascript; charset=utf-8", serve_page_worklet,
                                serve_page_worklet_length);
}

affect_status serve_get_project(serve_request *request) {
    const char *slash = strrchr(request->project->folder, '/');
    const char *name = slash && slash[1] ? slash + 1 : request->project->folder;
    char *clean = base_utf8_clean(name, strlen(name));
    json_t *out = clean ? json_pack("{ssss}", "name", clean, "version", AFFECT_VERSION) : NULL;
    base_free(clean);
    return serve_reply_json(request, out);
}

/* What a function of the report's writer prints, as an answer. */
static affect_status reply_printed(serve_request *request, const char *type, const char *before,
                                   void (*put)(FILE *out), const char *after) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out) return base_fail_memory(request->ctx);
    fputs(before, out);
    put(out);
    fputs(after, out);
    affect_status status = fclose(out) == 0 ? serve_reply_text(request, type, text, length)
                                            : base_fail_memory(request->ctx);
    free(text);
    return status;
}

affect_status serve_get_colours(serve_request *request) {
    return reply_printed(request, "text/css; charset=utf-8", "", report_put_colours, "");
}

/* The report page, whose script asks for its data. */
affect_status serve_get_report(serve_request *request) {
    return reply_printed(
        request, "text/html; charset=utf-8",
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>Recording · affect</title>\n<link rel=\"stylesheet\" href=\"/app.css\">\n"
        "<link rel=\"stylesheet\" href=\"/colours.css\">\n"
        "<script src=\"/recording.js\" defer></script>\n</head>\n<body>\n",
        report_put_body, "</body>\n</html>\n");
}

affect_status serve_get_recording_script(serve_request *request) {
    return serve_reply_constant(request, "text/javascript; charset=utf-8", serve_page_recording,
                                serve_page_recording_length);
}

/* The same frame as the first page's, with another script. */
static affect_status reply_frame(serve_request *request, const char *other) {
    static const char script[] = "/app.js";
    const char *text = (const char *)serve_page_html;
    const char *at = memmem(text, serve_page_html_length, script, strlen(script));
    base_text out = {0};
    if (!at) return base_fail(request->ctx, AFFECT_ERROR_INTERNAL, "the page names no script");
    size_t before = (size_t)(at - text), behind = before + strlen(script);
    base_text_append_n(&out, text, before);
    base_text_append(&out, other);
    base_text_append_n(&out, text + behind, serve_page_html_length - behind);
    affect_status status =
        out.failed ? base_fail_memory(request->ctx)
                   : serve_reply_text(request, "text/html; charset=utf-8", out.data, out.length);
    base_text_destroy(&out);
    return status;
}

affect_status serve_get_compare(serve_request *request) {
    return reply_frame(request, "/compare.js");
}

affect_status serve_get_rate_page(serve_request *request) {
    return reply_frame(request, "/rate.js");
}

affect_status serve_get_rate_script(serve_request *request) {
    return serve_reply_constant(request, "text/javascript; charset=utf-8", serve_page_rate,
                                serve_page_rate_length);
}

affect_status serve_get_compare_script(serve_request *request) {
    return serve_reply_constant(request, "text/javascript; charset=utf-8", serve_page_compare,
                                serve_page_compare_length);
}
