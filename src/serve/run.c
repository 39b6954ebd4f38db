/* What the server answers: the table of its addresses. */
#include "serve/serve_private.h"
#include "serve/traces.h"

/* pages.c */
affect_status serve_get_page(serve_request *request);
affect_status serve_get_style(serve_request *request);
affect_status serve_get_script(serve_request *request);
affect_status serve_get_worklet(serve_request *request);
affect_status serve_get_project(serve_request *request);
affect_status serve_get_colours(serve_request *request);
affect_status serve_get_report(serve_request *request);
affect_status serve_get_recording_script(serve_request *request);
affect_status serve_get_compare(serve_request *request);
affect_status serve_get_compare_script(serve_request *request);
/* recordings.c */
affect_status serve_get_recordings(serve_request *request);
affect_status serve_post_recording(serve_request *request);
affect_status serve_get_media(serve_request *request);
affect_status serve_get_picture(serve_request *request);
affect_status serve_post_analysis(serve_request *request);
affect_status serve_delete_analysis(serve_request *request);
/* views.c */
affect_status serve_get_view(serve_request *request);
affect_status serve_get_rows(serve_request *request);
affect_status serve_get_export(serve_request *request);
affect_status serve_get_corrections(serve_request *request);
affect_status serve_post_correction(serve_request *request);
affect_status serve_delete_correction(serve_request *request);
affect_status serve_get_search(serve_request *request);
/* training.c */
affect_status serve_post_training(serve_request *request);

static const serve_route routes[] = {
    {SERVE_GET, "/", serve_get_page, .open = false},
    {SERVE_GET, "/app.css", serve_get_style, .open = true}, /* raters' pages have it too */
    {SERVE_GET, "/app.js", serve_get_script, .open = false},
    {SERVE_GET, "/worklet.js", serve_get_worklet, .open = false},
    {SERVE_GET, "/recording.js", serve_get_recording_script, .open = false},
    {SERVE_GET, "/colours.css", serve_get_colours, .open = false},
    {SERVE_GET, "/recording/?", serve_get_report, .open = false},
    {SERVE_GET, "/compare", serve_get_compare, .open = false},
    {SERVE_GET, "/compare.js", serve_get_compare_script, .open = false},
    {SERVE_GET, "/media/?", serve_get_media, .open = false},
    {SERVE_GET, "/api/project", serve_get_project, .open = false},
    {SERVE_GET, "/api/recordings", serve_get_recordings, .open = false},
    {SERVE_POST, "/api/recordings", serve_post_recording, .upload = true},
    {SERVE_GET, "/api/recordings/?/picture", serve_get_picture, .open = false},
    {SERVE_POST, "/api/recordings/?/analysis", serve_post_analysis, .open = false},
    {SERVE_DELETE, "/api/recordings/?/analysis", serve_delete_analysis, .open = false},
    {SERVE_GET, "/api/recordings/?/view", serve_get_view, .open = false},
    {SERVE_GET, "/api/recordings/?/rows", serve_get_rows, .open = false},
    {SERVE_GET, "/api/recordings/?/export", serve_get_export, .open = false},
    {SERVE_GET, "/api/recordings/?/corrections", serve_get_corrections, .open = false},
    {SERVE_POST, "/api/recordings/?/corrections", serve_post_correction, .open = false},
    {SERVE_DELETE, "/api/recordings/?/corrections/?", serve_delete_correction, .open = false},
    {SERVE_GET, "/api/search", serve_get_search, .open = false},
    {SERVE_POST, "/api/training", serve_post_training, .open = false},
    {SERVE_GET, "/api/study", serve_get_study, .open = false},
    {SERVE_GET, "/api/study/annotations", serve_get_study_annotations, .open = false},
    {SERVE_GET, "/api/study/reactions", serve_get_study_reactions, .open = false},
    {SERVE_GET, "/api/study/gold", serve_get_study_gold, .open = false},
    /* what a rater sees: each request shows the rater's own token */
    {SERVE_GET, "/rate", serve_get_rate_page, .open = true},
    {SERVE_GET, "/rate.js", serve_get_rate_script, .open = true},
    {SERVE_GET, "/api/rate", serve_get_rate, .open = true},
    {SERVE_GET, "/api/rate/media/?", serve_get_rate_media, .open = true},
    {SERVE_POST, "/api/rate/trace", serve_post_rate_trace, .open = true},
    {SERVE_POST, "/api/rate/done", serve_post_rate_done, .open = true},
    {SERVE_POST, "/api/rate/reactions", serve_post_rate_reactions, .open = true},
    {SERVE_GET, "/api/rate/labels/?", serve_get_rate_labels, .open = true},
    {SERVE_PUT, "/api/rate/labels/?", serve_put_rate_labels, .open = true},
    {SERVE_POST, "/api/rate/choice", serve_post_rate_choice, .open = true},
    {SERVE_GET, NULL, NULL, .open = false},
};

static const serve_channel channels[] = {
    {.path = "/ws/events", .limit = 1024}, /* only speaks: what changed (serve_broadcast) */
    {.path = "/ws/live",
     .limit = 9 << 20,
     .opened = serve_live_opened,
     .message = serve_live_message_came,
     .closed = serve_live_gone},
    {.path = "/ws/trace",
     .limit = 1 << 20,
     .opened = serve_trace_opened,
     .message = serve_trace_message,
     .closed = serve_trace_closed,
     .open = true},
    {.path = NULL},
};

static affect_status start(affect_context *ctx, serve_server *server) {
    affect_status status = serve_traces_start(ctx, server, serve_study_of(server));
    if (status == AFFECT_OK) status = serve_recordings_find(ctx, serve_project_of(server));
    if (status == AFFECT_OK) status = serve_views_start(ctx, server);
    if (status == AFFECT_OK) status = serve_live_open(ctx, server);
    return status == AFFECT_OK ? serve_jobs_start(ctx, server) : status;
}

static void stop(serve_server *server) {
    serve_traces_stop(server);
    serve_jobs_stop(server);
    serve_live_close(server);
    serve_views_stop(server);
}

affect_status serve_run(affect_context *ctx, const serve_options *options) {
    static const serve_table table = {
        .routes = routes, .channels = channels, .start = start, .stop = stop};
    serve_project *project;
    affect_status status = serve_project_open(ctx, options->folder, &project);
    if (status != AFFECT_OK) return status;
    status = serve_loop(ctx, options, project, &table);
    serve_project_close(project);
    return status;
}
