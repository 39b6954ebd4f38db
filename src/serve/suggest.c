/* What the analysis of a recording suggests to a rater, where the study allows it ("suggestions": true; without, raters see nothing
 * of a model): episodes and events whose name is one of the study's labels, as intervals to accept, correct or reject. */
#include <ctype.h>
#include <string.h>

#include "serve/traces.h"

/* "brow_raise" is "Brow raise". */
static bool same_name(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        int x = *a == '_' ? ' ' : tolower((unsigned char)*a),
            y = *b == '_' ? ' ' : tolower((unsigned char)*b);
        if (x != y) return false;
    }
    return *a == *b;
}

/* [tier, label, begin, end], in the study's own words. */
static void suggest(const json_t *labels, const char *name, affect_time t0, affect_time t1,
                    json_t *out) {
    if (t0 == AFFECT_TIME_NONE || t1 <= t0) return;
    for (size_t i = 0; i < json_array_size(labels); i++) {
        const json_t *one = json_array_get(labels, i);
        const char *label = json_string_value(json_object_get(one, "name")),
                   *tier = json_string_value(json_object_get(one, "tier"));
        if (label && same_name(label, name))
            json_array_append_new(out, json_pack("[s, s, f, f]", tier ? tier : "labels", label,
                                                 time_to_seconds(t0), time_to_seconds(t1)));
    }
}

affect_status serve_suggestions(serve_request *request, const json_t *study, const char *file,
                                json_t **out) {
    json_t *rows = NULL;
    const affect_timeline *timeline = NULL;
    *out = json_array();
    if (!*out) return base_fail_memory(request->ctx);
    if (!json_is_true(json_object_get(study, "suggestions"))) return AFFECT_OK;
    affect_status status =
        serve_store_ask(request->ctx, request->project, &rows,
                        "SELECT id FROM recordings WHERE path=? AND state='done'", "s", file);
    const char *id = json_string_value(json_array_get(json_array_get(rows, 0), 0));
    if (!status && id) status = serve_view_open(request->ctx, request->server, id, &timeline);
    json_decref(rows);
    const json_t *labels = json_object_get(study, "labels");
    const affect_tier *tier = timeline ? affect_timeline_find_tier(timeline, "episodes") : NULL;
    for (size_t i = 0; tier && i < affect_tier_count(tier); i++) {
        const affect_interval *e = affect_tier_interval(tier, i);
        suggest(labels, e->label, e->t0, e->t1, *out);
    }
    for (size_t i = 0; timeline && i < affect_timeline_event_count(timeline); i++) {
        const affect_event *e = affect_timeline_event(timeline, i);
        suggest(labels, e->kind, e->onset, e->offset, *out);
    }
    serve_view_close(request->server, timeline);
    if (!status) return AFFECT_OK;
    json_decref(*out);
    *out = NULL;
    return status;
}
