/* Timelines that are looked at: read once, with the user's corrections in them, kept while somebody
 * asks; the page's first data as a file; what is searched as rows of the database. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report/report.h"
#include "serve/serve_private.h"

enum { KEPT = 3 };

typedef struct entry {
    char id[256];
    affect_timeline *whole, *made; /* as read and corrected; with merged persons as one, or NULL */
    const affect_timeline *shown;
    int users;
    bool old;
    uint64_t used;
    struct entry *next;
} entry;

typedef struct views {
    pthread_mutex_t mutex;
    pthread_mutex_t renewing; /* one correction at a time */
    entry *first;
    uint64_t clock;
} views;

affect_status serve_views_start(affect_context *ctx, serve_server *server) {
    views *v = base_calloc(1, sizeof *v);
    if (!v) return base_fail_memory(ctx);
    pthread_mutex_init(&v->mutex, NULL);
    pthread_mutex_init(&v->renewing, NULL);
    serve_keep(server, SERVE_PART_VIEWS, v);
    return AFFECT_OK;
}

static void free_entry(entry *e) {
    affect_timeline_destroy(e->made);
    affect_timeline_destroy(e->whole);
    base_free(e);
}

void serve_views_stop(serve_server *server) {
    views *v = serve_kept(server, SERVE_PART_VIEWS);
    if (!v) return;
    while (v->first) {
        entry *next = v->first->next;
        free_entry(v->first);
        v->first = next;
    }
    pthread_mutex_destroy(&v->mutex);
    pthread_mutex_destroy(&v->renewing);
    serve_keep(server, SERVE_PART_VIEWS, NULL);
    base_free(v);
}

/* What nobody uses and is old, or beyond those that are kept. With the mutex held. */
static void tidy(views *v) {
    for (;;) {
        entry **worst = NULL;
        int count = 0;
        for (entry **at = &v->first; *at; at = &(*at)->next) {
            count++;
            if ((*at)->users) continue;
            if (!worst || (*at)->old > (*worst)->old ||
                ((*at)->old == (*worst)->old && (*at)->used < (*worst)->used))
                worst = at;
        }
        if (!worst || (count <= KEPT && !(*worst)->old)) return;
        entry *e = *worst;
        *worst = e->next;
        free_entry(e);
    }
}

/* ---- reading ---- */

static affect_status file_of(affect_context *ctx, const serve_project *project, const char *id,
                             const char *name, char **out) {
    char path[600];
    *out = NULL;
    if (!serve_project_is_name(id))
        return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "there is no recording %s", id);
    snprintf(path, sizeof path, "recordings/%s/%s", id, name);
    *out = serve_project_state_path(project, path);
    return *out ? AFFECT_OK : base_fail_memory(ctx);
}

static affect_status read_corrections(affect_context *ctx, const serve_project *project,
                                      const char *id, affect_corrections **out) {
    char *path;
    *out = NULL;
    affect_status status = file_of(ctx, project, id, "corrections.csv", &path);
    if (status == AFFECT_OK) status = affect_corrections_create(ctx, out);
    if (status == AFFECT_OK && base_file_exists(path))
        status = affect_corrections_read(ctx, *out, path);
    base_free(path);
    if (status == AFFECT_OK) return status;
    affect_corrections_destroy(*out);
    *out = NULL;
    return status;
}

static affect_status read_timeline(affect_context *ctx, const serve_project *project,
                                   const char *id, const affect_corrections *corrections,
                                   affect_timeline **out) {
    char *path;
    *out = NULL;
    affect_status status = file_of(ctx, project, id, "timeline.json", &path);
    if (status == AFFECT_OK && !base_file_exists(path))
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s is not analyzed yet", id);
    if (status == AFFECT_OK) status = report_read_json(ctx, path, out);
    base_free(path);
    if (status == AFFECT_OK) status = affect_corrections_apply(ctx, corrections, *out);
    if (status == AFFECT_OK) return status;
    affect_timeline_destroy(*out);
    *out = NULL;
    return status;
}

affect_status serve_view_open(affect_context *ctx, serve_server *server, const char *id,
                              const affect_timeline **out) {
    views *v = serve_kept(server, SERVE_PART_VIEWS);
    *out = NULL;
    pthread_mutex_lock(&v->mutex);
    for (entry *e = v->first; e; e = e->next)
        if (!e->old && strcmp(e->id, id) == 0) {
            e->users++;
            e->used = ++v->clock;
            *out = e->shown;
            break;
        }
    pthread_mutex_unlock(&v->mutex);
    if (*out) return AFFECT_OK;
    serve_project *project = serve_project_of(server);
    affect_corrections *corrections;
    entry *e = base_calloc(1, sizeof *e);
    if (!e) return base_fail_memory(ctx);
    affect_status status = read_corrections(ctx, project, id, &corrections);
    if (status == AFFECT_OK) status = read_timeline(ctx, project, id, corrections, &e->whole);
    if (status == AFFECT_OK) status = timeline_resolve(ctx, e->whole, &e->made, &e->shown);
    affect_corrections_destroy(corrections);
    if (status != AFFECT_OK) {
        free_entry(e);
        return status;
    }
    snprintf(e->id, sizeof e->id, "%s", id);
    pthread_mutex_lock(&v->mutex);
    e->users = 1;
    e->used = ++v->clock;
    e->next = v->first;
    v->first = e;
    tidy(v);
    pthread_mutex_unlock(&v->mutex);
    *out = e->shown;
    return AFFECT_OK;
}

void serve_view_close(serve_server *server, const affect_timeline *timeline) {
    views *v = serve_kept(server, SERVE_PART_VIEWS);
    if (!timeline) return;
    pthread_mutex_lock(&v->mutex);
    for (entry *e = v->first; e; e = e->next)
        if (e->shown == timeline) e->users--;
    tidy(v);
    pthread_mutex_unlock(&v->mutex);
}

static void forget(views *v, const char *id) {
    pthread_mutex_lock(&v->mutex);
    for (entry *e = v->first; e; e = e->next)
        if (strcmp(e->id, id) == 0) e->old = true;
    tidy(v);
    pthread_mutex_unlock(&v->mutex);
}

/* ---- what is made of a timeline once ---- */

static void append_words(base_text *out, const char *label) {
    for (const char *c = label; *c; c++) {
        char plain = *c == '_' ? ' ' : *c;
        base_text_append_n(out, &plain, 1);
    }
}

static affect_status find_row(affect_context *ctx, serve_project *project, const char *recording,
                              const char *what, const char *id, int person, affect_time t0,
                              affect_time t1, float score, const char *text) {
    return serve_store_ask(ctx, project, NULL, "INSERT INTO finds VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                           "sssiddds", recording, what, id, (int64_t)person, time_to_seconds(t0),
                           time_to_seconds(t1), (double)score, text);
}

/* Episodes by all their labels, utterances by their words, events by their kind. */
static affect_status put_finds(affect_context *ctx, serve_project *project, const char *id,
                               const affect_timeline *timeline) {
    affect_status status =
        serve_store_ask(ctx, project, NULL, "DELETE FROM finds WHERE recording=?", "s", id);
    static const char *const tiers[][2] = {{"episodes", "episode"}, {"utterances", "words"}};
    for (size_t k = 0; k < BASE_COUNT(tiers); k++) {
        const affect_tier *tier = affect_timeline_find_tier(timeline, tiers[k][0]);
        for (size_t i = 0; status == AFFECT_OK && tier && i < affect_tier_count(tier); i++) {
            const affect_interval *one = affect_tier_interval(tier, i);
            base_text text = {0};
            if (one->t0 == AFFECT_TIME_NONE) continue;
            append_words(&text, one->label);
            const affect_value *more = affect_attributes_find(one->attributes, "labels");
            for (size_t n = 1; n < affect_value_count(more); n++) {
                const char *label = affect_value_text(affect_value_item(more, n));
                if (!label) continue;
                base_text_append(&text, "; ");
                append_words(&text, label);
            }
            status = text.failed
                         ? base_fail_memory(ctx)
                         : find_row(ctx, project, id, tiers[k][1], one->id, one->person, one->t0,
                                    one->t1, one->score, text.data ? text.data : "");
            base_text_destroy(&text);
        }
    }
    for (size_t i = 0; status == AFFECT_OK && i < timeline->event_count; i++) {
        const affect_event *event = &timeline->events[i];
        base_text text = {0};
        if (event->onset == AFFECT_TIME_NONE || strcmp(event->kind, "blink") == 0) continue;
        append_words(&text, event->kind);
        status = text.failed ? base_fail_memory(ctx)
                             : find_row(ctx, project, id, "event", event->id, event->person,
                                        event->onset, event->offset, event->confidence, text.data);
        base_text_destroy(&text);
    }
    return status;
}

static affect_status put_summary(affect_context *ctx, serve_project *project, const char *id,
                                 const affect_timeline *timeline) {
    const affect_tier *episodes = affect_timeline_find_tier(timeline, "episodes");
    const affect_interval *most = NULL;
    for (size_t i = 0; episodes && i < affect_tier_count(episodes); i++) {
        const affect_interval *e = affect_tier_interval(episodes, i);
        if (strcmp(e->label, "neutral") == 0) continue;
        if (!most || e->t1 - e->t0 > most->t1 - most->t0) most = e;
    }
    int64_t persons = 0;
    for (int p = 1, last = report_person_count(timeline, 999); p <= last; p++)
        persons += affect_timeline_resolve_person(timeline, p) == p;
    return serve_store_ask(ctx, project, NULL,
                           "UPDATE recordings SET seconds=?, persons=?, label=? WHERE id=?", "diss",
                           time_to_seconds(BASE_MAX(0, affect_timeline_duration(timeline))),
                           persons, most ? most->label : "", id);
}

static affect_status write_view(affect_context *ctx, serve_project *project, const char *id,
                                const affect_timeline *timeline) {
    char *media = NULL, *path = NULL;
    affect_status status = serve_recordings_path(ctx, project, id, &media);
    if (status == AFFECT_OK) status = file_of(ctx, project, id, "view.json", &path);
    base_output out = {0};
    if (status == AFFECT_OK) status = base_output_open(ctx, path, &out);
    if (status == AFFECT_OK) {
        const char *slash = strrchr(media, '/');
        base_text url = {0};
        base_text_append(&url, "/media/");
        for (const unsigned char *c = (const unsigned char *)id; *c; c++)
            base_text_printf(&url,
                             (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                                     (*c >= '0' && *c <= '9')
                                 ? "%c"
                                 : "%%%02X",
                             *c);
        status = report_put_view(ctx, timeline, slash ? slash + 1 : media + (*media == ':'),
                                 url.failed || *media == ':' ? "" : url.data, out.file);
        base_text_destroy(&url);
        if (status == AFFECT_OK)
            status = base_output_commit(ctx, &out);
        else
            base_output_abort(&out);
    }
    base_free(media);
    base_free(path);
    return status;
}

static affect_status make_all(affect_context *ctx, serve_project *project, const char *id,
                              const affect_timeline *timeline) {
    affect_status status = write_view(ctx, project, id, timeline);
    if (status != AFFECT_OK) return status;
    status = serve_store_begin(ctx, project);
    if (status == AFFECT_OK) status = put_finds(ctx, project, id, timeline);
    if (status == AFFECT_OK) status = put_summary(ctx, project, id, timeline);
    return serve_store_end(ctx, project, status);
}

affect_status serve_view_renew(affect_context *ctx, serve_server *server, const char *id) {
    const affect_timeline *timeline;
    forget(serve_kept(server, SERVE_PART_VIEWS), id);
    affect_status status = serve_view_open(ctx, server, id, &timeline);
    if (status != AFFECT_OK) return status;
    status = make_all(ctx, serve_project_of(server), id, timeline);
    serve_view_close(server, timeline);
    return status;
}

/* ---- addresses ---- */

affect_status serve_get_view(serve_request *request) {
    const char *id = request->parts[0];
    char *path;
    affect_status status = serve_recordings_path(request->ctx, request->project, id, &path);
    base_free(path);
    if (status == AFFECT_OK)
        status = file_of(request->ctx, request->project, id, "view.json", &path);
    if (status != AFFECT_OK) return status;
    if (!base_file_exists(path)) status = serve_view_renew(request->ctx, request->server, id);
    int fd = status == AFFECT_OK ? base_open_regular(path) : -1;
    if (status == AFFECT_OK && fd < 0)
        status = base_fail(request->ctx, AFFECT_ERROR_NOT_FOUND, "%s cannot be read", path);
    base_free(path);
    return status == AFFECT_OK ? serve_reply_file(request, "application/json", fd) : status;
}

static bool query_number(const serve_request *request, const char *key, double least, double most,
                         double *out) {
    char text[64];
    return serve_request_query(request, key, text, sizeof text) &&
           base_parse_double(text, strlen(text), out) && *out >= least && *out <= most;
}

/* What a writer prints to a stream, as an answer: through a file without a name. */
static affect_status begin_file(serve_request *request, FILE **out) {
    FILE *file = tmpfile();
    *out = file;
    return file ? AFFECT_OK
                : base_fail(request->ctx, AFFECT_ERROR_OUTPUT, "a temporary file cannot be made");
}

static affect_status end_file(serve_request *request, FILE *file, affect_status status,
                              const char *type) {
    if (status == AFFECT_OK && (fflush(file) != 0 || ferror(file)))
        status = base_fail(request->ctx, AFFECT_ERROR_OUTPUT, "the disk is full");
    int fd = status == AFFECT_OK ? dup(fileno(file)) : -1;
    fclose(file);
    if (status == AFFECT_OK && fd < 0) status = base_fail_memory(request->ctx);
    return status == AFFECT_OK ? serve_reply_file(request, type, fd) : status;
}

affect_status serve_get_rows(serve_request *request) {
    double track, from, to, rows;
    const affect_timeline *timeline;
    if (!query_number(request, "track", 0, 1e6, &track) ||
        !query_number(request, "from", 0, 4e7, &from) ||
        !query_number(request, "to", 0, 4e7, &to) ||
        !query_number(request, "rows", 1, 20000, &rows))
        return base_fail(request->ctx, AFFECT_ERROR_ARGUMENT,
                         "wants track, from, to (seconds) and rows (up to 20000)");
    affect_status status =
        serve_view_open(request->ctx, request->server, request->parts[0], &timeline);
    if (status != AFFECT_OK) return status;
    FILE *out;
    status = begin_file(request, &out);
    if (status == AFFECT_OK) {
        status = report_put_rows(request->ctx, timeline, (size_t)track, time_from_seconds(from),
                                 time_from_seconds(to), (size_t)rows, out);
        status = end_file(request, out, status, "application/json");
    }
    serve_view_close(request->server, timeline);
    return status;
}

affect_status serve_get_export(serve_request *request) {
    affect_context *ctx = request->ctx;
    char word[32], header[400];
    unsigned formats = 0, format = 0;
    const affect_timeline *timeline;
    if (!serve_request_query(request, "format", word, sizeof word) || strchr(word, ','))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "wants one format");
    affect_status status = report_formats_parse(ctx, word, &formats);
    while (status == AFFECT_OK && !(formats >> format & 1U)) format++;
    if (status == AFFECT_OK &&
        (formats & (formats - 1) || format == REPORT_CSV || format >= REPORT_VIDEO))
        status = base_fail(ctx, AFFECT_ERROR_ARGUMENT, "%s is not one file", word);
    if (status == AFFECT_OK)
        status = serve_view_open(ctx, request->server, request->parts[0], &timeline);
    if (status != AFFECT_OK) return status;
    FILE *out;
    status = begin_file(request, &out);
    if (status == AFFECT_OK) {
        status = report_print(ctx, timeline, (report_format)format, NULL, NULL, out);
        const char *type = format == REPORT_JSON   ? "application/json"
                           : format == REPORT_HTML ? "application/octet-stream"
                           : format == REPORT_SVG  ? "image/svg+xml"
                           : format == REPORT_PDF  ? "application/pdf"
                           : format == REPORT_PNG  ? "image/png"
                                                   : "text/plain; charset=utf-8";
        status = end_file(request, out, status, type);
        if (status == AFFECT_OK) {
            snprintf(header, sizeof header, "attachment; filename=\"%s\"",
                     report_format_file((report_format)format));
            serve_reply_header(request, "content-disposition", header);
        }
    }
    serve_view_close(request->server, timeline);
    return status;
}

/* ---- corrections ---- */

static const char *const kinds[] = {
#define KIND(symbol, word) word,
    AFFECT_CORRECTION_TABLE(KIND)
#undef KIND
};

affect_status serve_get_corrections(serve_request *request) {
    affect_corrections *all;
    affect_status status =
        read_corrections(request->ctx, request->project, request->parts[0], &all);
    if (status != AFFECT_OK) return status;
    json_t *list = json_array();
    for (size_t i = 0; i < affect_corrections_count(all); i++) {
        const affect_correction *c = affect_corrections_get(all, i);
        json_t *one = json_pack("{ss ss ss ss ss}", "kind", kinds[c->kind], "target", c->target,
                                "value", c->value, "by", c->by, "at", c->at);
        if (c->t0 != AFFECT_TIME_NONE)
            json_object_set_new(one, "t0", json_real(time_to_seconds(c->t0)));
        if (c->t1 != AFFECT_TIME_NONE)
            json_object_set_new(one, "t1", json_real(time_to_seconds(c->t1)));
        json_array_append_new(list, one);
    }
    affect_corrections_destroy(all);
    return serve_reply_json(request, json_pack("{so}", "corrections", list));
}

/* All of them are tried on the timeline before they are written. */
static affect_status keep(serve_request *request, const affect_corrections *all) {
    const char *id = request->parts[0];
    affect_timeline *timeline = NULL;
    char *path = NULL;
    affect_status status = read_timeline(request->ctx, request->project, id, all, &timeline);
    affect_timeline_destroy(timeline);
    if (status == AFFECT_OK)
        status = file_of(request->ctx, request->project, id, "corrections.csv", &path);
    if (status == AFFECT_OK) status = affect_corrections_write(request->ctx, all, path);
    base_free(path);
    if (status == AFFECT_OK) status = serve_view_renew(request->ctx, request->server, id);
    if (status == AFFECT_OK)
        serve_broadcast(request->server, "/ws/events",
                        json_pack("{ssss}", "type", "corrected", "id", id));
    return status;
}

static affect_time time_member(const json_t *root, const char *key) {
    const json_t *value = json_object_get(root, key);
    double seconds = json_is_number(value) ? json_number_value(value) : -1;
    return seconds >= 0 && seconds < 1e9 ? time_from_seconds(seconds) : AFFECT_TIME_NONE;
}

/* A browser that heard no answer asks again: the same correction twice in a row is one. */
static bool is_last(const affect_corrections *all, const affect_correction *one) {
    size_t count = affect_corrections_count(all);
    const affect_correction *last = count ? affect_corrections_get(all, count - 1) : NULL;
    return last && last->kind == one->kind && strcmp(last->target, one->target) == 0 &&
           strcmp(last->value, one->value) == 0 && last->t0 == one->t0 && last->t1 == one->t1;
}

affect_status serve_post_correction(serve_request *request) {
    affect_context *ctx = request->ctx;
    views *v = serve_kept(request->server, SERVE_PART_VIEWS);
    json_t *root;
    affect_corrections *all = NULL;
    affect_status status = serve_request_json(request, &root);
    if (status != AFFECT_OK) return status;
    const char *kind = json_string_value(json_object_get(root, "kind")),
               *target = json_string_value(json_object_get(root, "target")),
               *value = json_string_value(json_object_get(root, "value"));
    size_t k = 0;
    while (kind && k < BASE_COUNT(kinds) && strcmp(kind, kinds[k]) != 0) k++;
    if (!kind || k == BASE_COUNT(kinds) || !target)
        status = base_fail(ctx, AFFECT_ERROR_ARGUMENT, "wants kind, target, value");
    char at[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    const affect_correction one = {.kind = (affect_correction_kind)k,
                                   .target = target,
                                   .value = value ? value : "",
                                   .t0 = time_member(root, "t0"),
                                   .t1 = time_member(root, "t1"),
                                   .by = "page",
                                   .at = at};
    pthread_mutex_lock(&v->renewing);
    if (status == AFFECT_OK)
        status = read_corrections(ctx, request->project, request->parts[0], &all);
    if (status == AFFECT_OK && !is_last(all, &one)) {
        status = affect_corrections_add(ctx, all, &one, sizeof one);
        if (status == AFFECT_OK) status = keep(request, all);
    }
    pthread_mutex_unlock(&v->renewing);
    affect_corrections_destroy(all);
    json_decref(root);
    return status == AFFECT_OK ? serve_reply_json(request, json_pack("{sb}", "kept", 1)) : status;
}

/* DELETE /api/recordings/ID/corrections/N: the N-th, from 0. */
affect_status serve_delete_correction(serve_request *request) {
    affect_context *ctx = request->ctx;
    views *v = serve_kept(request->server, SERVE_PART_VIEWS);
    affect_corrections *all = NULL, *rest = NULL;
    int64_t number;
    if (!base_parse_int64(request->parts[1], strlen(request->parts[1]), &number))
        return base_fail(ctx, AFFECT_ERROR_ARGUMENT, "wants the number of a correction");
    pthread_mutex_lock(&v->renewing);
    affect_status status = read_corrections(ctx, request->project, request->parts[0], &all);
    if (status == AFFECT_OK) status = affect_corrections_create(ctx, &rest);
    if (status == AFFECT_OK && (number < 0 || (size_t)number >= affect_corrections_count(all)))
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "there is no such correction");
    for (size_t i = 0; status == AFFECT_OK && i < affect_corrections_count(all); i++)
        if (i != (size_t)number)
            status = affect_corrections_add(ctx, rest, affect_corrections_get(all, i),
                                            sizeof(affect_correction));
    if (status == AFFECT_OK) status = keep(request, rest);
    pthread_mutex_unlock(&v->renewing);
    affect_corrections_destroy(all);
    affect_corrections_destroy(rest);
    return status == AFFECT_OK ? serve_reply_json(request, json_pack("{sb}", "removed", 1))
                               : status;
}

/* ---- search ---- */

enum { TERMS = 3, FINDS_MOST = 300 };

/* "%text%" for LIKE, its own signs escaped. */
static void put_pattern(const char *text, size_t length, char *out, size_t size) {
    size_t n = 0;
    out[n++] = '%';
    for (size_t i = 0; i < length && n + 4 < size; i++) {
        if (strchr("%_\\", text[i])) out[n++] = '\\';
        out[n++] = text[i];
    }
    out[n++] = '%';
    out[n] = '\0';
}

/* "anger", or "anger with smile": things at the same time (within a second), of one person or of
 * nobody in particular. */
affect_status serve_get_search(serve_request *request) {
    static const char *const queries[TERMS] = {
        "SELECT a.recording, r.path, a.what, a.id, a.person, a.t0, a.t1, a.score, a.text, '' "
        "FROM finds a JOIN recordings r ON r.id=a.recording AND r.state<>'gone' "
        "WHERE a.text LIKE ?1 ESCAPE '\\' ORDER BY r.path, a.t0 LIMIT 300",
        "SELECT a.recording, r.path, a.what, a.id, a.person, a.t0, a.t1, a.score, a.text, b.text "
        "FROM finds a JOIN recordings r ON r.id=a.recording AND r.state<>'gone' JOIN finds b ON "
        "b.recording=a.recording AND b.rowid<>a.rowid AND b.t0<a.t1+1 AND a.t0<b.t1+1 AND "
        "(a.person=b.person OR a.person<1 OR b.person<1) "
        "WHERE a.text LIKE ?1 ESCAPE '\\' AND b.text LIKE ?2 ESCAPE '\\' "
        "GROUP BY a.rowid ORDER BY r.path, a.t0 LIMIT 300",
        "SELECT a.recording, r.path, a.what, a.id, a.person, a.t0, a.t1, a.score, a.text, "
        "b.text || ', ' || c.text "
        "FROM finds a JOIN recordings r ON r.id=a.recording AND r.state<>'gone' JOIN finds b ON "
        "b.recording=a.recording AND b.rowid<>a.rowid AND b.t0<a.t1+1 AND a.t0<b.t1+1 AND "
        "(a.person=b.person OR a.person<1 OR b.person<1) JOIN finds c ON "
        "c.recording=a.recording AND c.rowid<>a.rowid AND c.rowid<>b.rowid AND c.t0<a.t1+1 AND "
        "a.t0<c.t1+1 AND (a.person=c.person OR a.person<1 OR c.person<1) "
        "WHERE a.text LIKE ?1 ESCAPE '\\' AND b.text LIKE ?2 ESCAPE '\\' AND "
        "c.text LIKE ?3 ESCAPE '\\' GROUP BY a.rowid ORDER BY r.path, a.t0 LIMIT 300"};
    char text[400], patterns[TERMS][420];
    int terms = 0;
    if (!serve_request_query(request, "q", text, sizeof text) || !text[strspn(text, " ")])
        return base_fail(request->ctx, AFFECT_ERROR_ARGUMENT, "wants something to search for");
    for (const char *at = text; at && terms < TERMS;) {
        const char *with = strstr(at, " with ");
        size_t length = with ? (size_t)(with - at) : strlen(at);
        while (length && *at == ' ') at++, length--;
        while (length && at[length - 1] == ' ') length--;
        if (length) put_pattern(at, length, patterns[terms++], sizeof patterns[0]);
        at = with ? with + 6 : NULL;
    }
    if (!terms)
        return base_fail(request->ctx, AFFECT_ERROR_ARGUMENT, "wants something to search for");
    json_t *rows;
    affect_status status =
        serve_store_ask(request->ctx, request->project, &rows, queries[terms - 1],
                        &"sss"[TERMS - terms], patterns[0], patterns[1], patterns[2]);
    if (status != AFFECT_OK) return status;
    static const char *const names[] = {"recording", "path", "what",  "id",   "person",
                                        "t0",        "t1",   "score", "text", "with"};
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *one = json_object();
        for (size_t k = 0; k < BASE_COUNT(names); k++)
            json_object_set(one, names[k], json_array_get(json_array_get(rows, i), k));
        json_array_append_new(list, one);
    }
    json_decref(rows);
    return serve_reply_json(request, json_pack("{sosi}", "finds", list, "most", FINDS_MOST));
}
