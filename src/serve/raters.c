/* A study for raters: who they are (a token each, no names), what they are asked, what they answered. Traces come over a
 * socket (traces.c); everything else by requests, which show the rater's token. What the server's own user sees, gold
 * and agreement among it, is at /api/study. */
#include <math.h>
#include <string.h>
#include <sys/random.h>

#include "annotate/annotate.h"
#include "annotate/quality.h"
#include "serve/traces.h"

/* The latent model leaves each rater out once for its band, so its time grows with their square: of more than these the page
 * shows EWE, which takes no time, and says so; affect gold makes the other. */
enum { MOST_RATERS = 500, MOST_ANSWERS = 4096, MOST_LATENT = 12 };

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const json_t *study_of(const serve_request *request) {
    const serve_traces *t = serve_kept(request->server, SERVE_PART_TRACES);
    return t ? t->study : NULL;
}

static affect_status no_study(const serve_request *request) {
    return base_fail(request->ctx, AFFECT_ERROR_NOT_FOUND,
                     "this folder has no study: affect annotate STUDY opens one");
}

/* ---- raters ---- */

static bool make_token(char out[SERVE_TOKEN_SIZE]) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[SERVE_TOKEN_SIZE - 1];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) return false;
    for (size_t i = 0; i < sizeof bytes; i++) out[i] = letters[bytes[i] & 63];
    out[sizeof bytes] = 0;
    return true;
}

affect_status serve_raters_prepare(affect_context *ctx, serve_project *project,
                                   const json_t *study) {
    const json_t *raters = json_object_get(study, "raters");
    size_t count = json_is_array(raters)     ? json_array_size(raters)
                   : json_is_integer(raters) ? (size_t)BASE_MAX(json_integer_value(raters), 0)
                                             : 1;
    if (count > MOST_RATERS)
        return base_fail(ctx, AFFECT_ERROR_LIMIT, "%zu raters, at most %d", count, MOST_RATERS);
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < count && !status; i++) {
        char label[64], token[SERVE_TOKEN_SIZE];
        const char *given = json_string_value(json_array_get(raters, i));
        snprintf(label, sizeof label, "r%zu", i + 1);
        if (!make_token(token)) return base_fail(ctx, AFFECT_ERROR_RUNTIME, "no random numbers");
        status = serve_store_ask(ctx, project, NULL,
                                 "INSERT OR IGNORE INTO raters (token, label) VALUES (?, ?)", "ss",
                                 token, given && *given ? given : label);
    }
    return status;
}

affect_status serve_rater_find(affect_context *ctx, serve_project *project, const char *token,
                               int64_t *id, char label[SERVE_LABEL_SIZE]) {
    json_t *rows = NULL;
    affect_status status = serve_store_ask(
        ctx, project, &rows, "SELECT id, label FROM raters WHERE token = ?", "s", token);
    const json_t *row = json_array_get(rows, 0);
    if (!status && !row) status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "this link is no rater's");
    if (!status) {
        *id = json_integer_value(json_array_get(row, 0));
        base_clean_line(json_string_value(json_array_get(row, 1)), label, SERVE_LABEL_SIZE);
    }
    json_decref(rows);
    return status;
}

static affect_status who(serve_request *request, int64_t *id, char label[SERVE_LABEL_SIZE]) {
    char token[2 * SERVE_TOKEN_SIZE];
    if (!study_of(request)) return no_study(request);
    if (!serve_request_query(request, "rater", token, sizeof token))
        return base_fail(request->ctx, AFFECT_ERROR_NOT_FOUND, "this link is no rater's");
    return serve_rater_find(request->ctx, request->project, token, id, label);
}

/* ---- what a rater is asked ---- */

static uint64_t draw(uint64_t *state) { /* SplitMix64 (Steele et al. 2014) */
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The recordings in the rater's own order, which is the same each time. */
static json_t *shuffled(const json_t *recordings, int64_t rater) {
    json_t *out = json_array();
    size_t n = json_array_size(recordings);
    uint64_t state = (uint64_t)rater;
    for (size_t i = 0; i < n; i++) {
        const json_t *r = json_array_get(recordings, i);
        json_array_append_new(out, json_pack("{s:s}", "id", text_of(r, "id")));
    }
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)(draw(&state) % i);
        json_t *a = json_incref(json_array_get(out, i - 1)),
               *b = json_incref(json_array_get(out, j));
        json_array_set_new(out, i - 1, b);
        json_array_set_new(out, j, a);
    }
    return out;
}

affect_status serve_get_rate(serve_request *request) {
    static const char *const same[] = {"name",     "instructions", "dimensions",  "labels",
                                       "practice", "comparisons",  "break_after", "suggestions"};
    int64_t id;
    char label[SERVE_LABEL_SIZE];
    json_t *traces = NULL, *trials = NULL, *choices = NULL;
    affect_status status = who(request, &id, label);
    if (!status)
        status = serve_store_ask(request->ctx, request->project, &traces,
                                 "SELECT recording, dimension FROM traces WHERE rater = ? AND done",
                                 "i", id);
    if (!status)
        status = serve_store_ask(request->ctx, request->project, &trials,
                                 "SELECT count(*) FROM reactions WHERE rater = ?", "i", id);
    if (!status)
        status = serve_store_ask(request->ctx, request->project, &choices,
                                 "SELECT number FROM choices WHERE rater = ?", "i", id);
    if (status) {
        json_decref(traces);
        json_decref(trials);
        return status;
    }
    const json_t *study = study_of(request);
    json_t *out =
        json_pack("{s:s, s:o, s:o, s:O, s:o}", "rater", label, "recordings",
                  shuffled(json_object_get(study, "recordings"), id), "done", traces, "trials",
                  json_array_get(json_array_get(trials, 0), 0), "chosen", choices);
    for (size_t i = 0; i < BASE_COUNT(same); i++)
        if (json_object_get(study, same[i]))
            json_object_set(out, same[i], json_object_get(study, same[i]));
    json_decref(trials);
    return serve_reply_json(request, out);
}

static const json_t *recording_of(const json_t *study, const char *id) {
    const json_t *list = json_object_get(study, "recordings");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(text_of(json_array_get(list, i), "id"), id) == 0) return json_array_get(list, i);
    return NULL;
}

affect_status serve_get_rate_media(serve_request *request) {
    int64_t id;
    char label[SERVE_LABEL_SIZE];
    int fd;
    affect_status status = who(request, &id, label);
    if (status) return status;
    const json_t *recording = recording_of(study_of(request), request->parts[0]);
    if (!recording)
        return base_fail(request->ctx, AFFECT_ERROR_NOT_FOUND, "no such recording in the study");
    const char *file = text_of(recording, "file");
    status = serve_project_open_file(request->ctx, request->project, file, &fd);
    if (status) return status;
    const char *type = base_ends_with(file, ".webm")  ? "video/webm"
                       : base_ends_with(file, ".wav") ? "audio/wav"
                       : base_ends_with(file, ".ogg") ? "audio/ogg"
                       : base_ends_with(file, ".mp3") ? "audio/mpeg"
                                                      : "video/mp4";
    return serve_reply_file(request, type, fd);
}

/* Is it one of the study's, or two of them with a plus ("valence+arousal", of the plane)? */
static bool is_dimension(const json_t *study, const char *name) {
    const json_t *list = json_object_get(study, "dimensions");
    const char *plus = strchr(name, '+');
    size_t n = plus ? (size_t)(plus - name) : strlen(name);
    bool first = false, second = !plus;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = text_of(json_array_get(list, i), "name");
        first |= strlen(one) == n && strncmp(one, name, n) == 0;
        second |= plus && strcmp(one, plus + 1) == 0;
    }
    return first && second;
}

affect_status serve_post_rate_trace(serve_request *request) {
    int64_t id;
    char label[SERVE_LABEL_SIZE];
    json_t *body = NULL, *rows = NULL;
    affect_status status = who(request, &id, label);
    if (!status) status = serve_request_json(request, &body);
    const char *recording = text_of(body, "recording"), *dimension = text_of(body, "dimension");
    if (!status && (!recording_of(study_of(request), recording) ||
                    !is_dimension(study_of(request), dimension)))
        status = base_fail(request->ctx, AFFECT_ERROR_ARGUMENT,
                           "the study has no such recording or dimension");
    if (!status)
        status =
            serve_store_ask(request->ctx, request->project, NULL,
                            "INSERT OR IGNORE INTO traces (rater, recording, dimension) VALUES "
                            "(?, ?, ?)",
                            "iss", id, recording, dimension);
    if (!status)
        status = serve_store_ask(
            request->ctx, request->project, &rows,
            "SELECT id, (SELECT coalesce(max(seq), -1) + 1 FROM samples WHERE trace = traces.id),"
            " (SELECT t FROM samples WHERE trace = traces.id ORDER BY seq DESC LIMIT 1)"
            " FROM traces WHERE rater = ? AND recording = ? AND dimension = ?",
            "iss", id, recording, dimension);
    json_decref(body);
    if (status) return status;
    const json_t *row = json_array_get(rows, 0);
    json_t *out = json_pack("{s:O, s:O, s:O}", "trace", json_array_get(row, 0), "next",
                            json_array_get(row, 1), "at", json_array_get(row, 2));
    json_decref(rows);
    return serve_reply_json(request, out);
}

affect_status serve_post_rate_done(serve_request *request) {
    int64_t id;
    char label[SERVE_LABEL_SIZE];
    json_t *body = NULL;
    affect_status status = who(request, &id, label);
    if (!status) status = serve_request_json(request, &body);
    if (!status)
        status = serve_store_ask(request->ctx, request->project, NULL,
                                 "UPDATE traces SET done = 1 WHERE id = ? AND rater = ?", "ii",
                                 (int64_t)json_integer_value(json_object_get(body, "trace")), id);
    json_decref(body);
    return status ? status : serve_reply_json(request, json_object());
}

/* How late the rater was in each trial of the reaction task, seconds. A later task replaces an earlier one. */
affect_status serve_post_rate_reactions(serve_request *request) {
    int64_t id;
    char label[SERVE_LABEL_SIZE];
    json_t *body = NULL;
    affect_status status = who(request, &id, label);
    if (!status) status = serve_request_json(request, &body);
    const json_t *lags = json_object_get(body, "lags");
    if (!status && (!json_array_size(lags) || json_array_size(lags) > MOST_ANSWERS))
        status = base_fail(request->ctx, AFFECT_ERROR_ARGUMENT, "wants the lags of some trials");
    for (size_t i = 0; i < json_array_size(lags) && !status; i++)
        if (!(json_number_value(json_array_get(lags, i)) > 0 &&
              json_number_value(json_array_get(lags, i)) < 60))
            status = base_fail(request->ctx, AFFECT_ERROR_ARGUMENT, "a lag is a number of seconds");
    if (!status) {
        status = serve_store_begin(request->ctx, request->project);
        if (!status)
            status = serve_store_ask(request->ctx, request->project, NULL,
                                     "DELETE FROM reactions WHERE rater = ?", "i", id);
        for (size_t i = 0; i < json_array_size(lags) && !status; i++)
            status =
                serve_store_ask(request->ctx, request->project, NULL,
                                "INSERT INTO reactions (rater, trial, lag_s) VALUES (?, ?, ?)",
                                "iid", id, (int64_t)i, json_number_value(json_array_get(lags, i)));
        status = serve_store_end(request->ctx, request->project, status);
    }
    json_decref(body);
    return status ? status : serve_reply_json(request, json_object());
}

/* ---- intervals: all of a rater's on a recording, as often as they change ---- */

affect_status serve_get_rate_labels(serve_request *request) {
    int64_t id;
    char label[SERVE_LABEL_SIZE];
    json_t *rows = NULL;
    affect_status status = who(request, &id, label);
    if (!status)
        status = serve_store_ask(request->ctx, request->project, &rows,
                                 "SELECT tier, label, t0, t1, made FROM labels WHERE rater = ? AND "
                                 "recording = ? ORDER BY t0, tier",
                                 "is", id, request->parts[0]);
    const json_t *recording = status ? NULL : recording_of(study_of(request), request->parts[0]);
    json_t *suggested = NULL;
    if (!status)
        status =
            serve_suggestions(request, study_of(request), text_of(recording, "file"), &suggested);
    if (!status)
        return serve_reply_json(request,
                                json_pack("{s:o, s:o}", "labels", rows, "suggestions", suggested));
    json_decref(rows);
    return status;
}

static affect_status put_labels(serve_request *request, int64_t id, const json_t *list) {
    affect_status status = serve_store_ask(request->ctx, request->project, NULL,
                                           "DELETE FROM labels WHERE rater = ? AND recording = ?",
                                           "is", id, request->parts[0]);
    for (size_t i = 0; i < json_array_size(list) && !status; i++) {
        const json_t *one = json_array_get(list, i);
        const char *tier = json_string_value(json_array_get(one, 0)),
                   *label = json_string_value(json_array_get(one, 1)),
                   *made = json_string_value(json_array_get(one, 4));
        double t0 = json_number_value(json_array_get(one, 2)),
               t1 = json_number_value(json_array_get(one, 3));
        if (!tier || !label || !(t0 >= 0 && t0 <= t1 && t1 < 1e6) || strlen(label) > 200 ||
            (made && strlen(made) > 100))
            return base_fail(request->ctx, AFFECT_ERROR_ARGUMENT,
                             "an interval is [tier, label, begin, end, by]");
        status = serve_store_ask(request->ctx, request->project, NULL,
                                 "INSERT INTO labels (rater, recording, tier, label, t0, t1, made) "
                                 "VALUES (?, ?, ?, ?, ?, ?, ?)",
                                 "isssdds", id, request->parts[0], tier, label, t0, t1,
                                 made ? made : "rater");
    }
    return status;
}

affect_status serve_put_rate_labels(serve_request *request) {
    int64_t id;
    char label[SERVE_LABEL_SIZE];
    json_t *body = NULL;
    affect_status status = who(request, &id, label);
    if (!status) status = serve_request_json(request, &body);
    const json_t *list = json_object_get(body, "labels");
    if (!status && !recording_of(study_of(request), request->parts[0]))
        status = base_fail(request->ctx, AFFECT_ERROR_NOT_FOUND, "no such recording in the study");
    if (!status && (!json_is_array(list) || json_array_size(list) > MOST_ANSWERS))
        status = base_fail(request->ctx, AFFECT_ERROR_ARGUMENT, "wants a list of intervals");
    if (!status) {
        status = serve_store_begin(request->ctx, request->project);
        if (!status) status = put_labels(request, id, list);
        status = serve_store_end(request->ctx, request->project, status);
    }
    json_decref(body);
    return status ? status : serve_reply_json(request, json_object());
}

/* ---- comparisons: the number of the study's, and a or b ---- */

affect_status serve_post_rate_choice(serve_request *request) {
    int64_t id;
    char label[SERVE_LABEL_SIZE];
    json_t *body = NULL;
    affect_status status = who(request, &id, label);
    if (!status) status = serve_request_json(request, &body);
    int64_t number = json_integer_value(json_object_get(body, "number"));
    const char *answer = text_of(body, "answer");
    size_t count = json_array_size(json_object_get(study_of(request), "comparisons"));
    if (!status && (number < 0 || (uint64_t)number >= count ||
                    (strcmp(answer, "a") != 0 && strcmp(answer, "b") != 0)))
        status = base_fail(request->ctx, AFFECT_ERROR_ARGUMENT,
                           "wants the number of a comparison, and a or b");
    if (!status)
        status = serve_store_ask(
            request->ctx, request->project, NULL,
            "INSERT OR REPLACE INTO choices (rater, number, answer) VALUES (?, ?, ?)", "iis", id,
            number, answer);
    json_decref(body);
    return status ? status : serve_reply_json(request, json_object());
}

/* ---- for who runs the study ---- */

affect_status serve_get_study(serve_request *request) {
    json_t *raters = NULL, *traces = NULL, *reactions = NULL;
    if (!study_of(request)) return no_study(request);
    affect_status status = serve_store_ask(request->ctx, request->project, &raters,
                                           "SELECT label, token FROM raters ORDER BY id", "");
    if (!status)
        status = serve_store_ask(request->ctx, request->project, &traces,
                                 "SELECT label, recording, dimension, done, (SELECT count(*) FROM "
                                 "samples WHERE trace = traces.id) FROM traces JOIN raters ON "
                                 "raters.id = rater ORDER BY raters.id, recording, dimension",
                                 "");
    if (!status)
        status = serve_store_ask(request->ctx, request->project, &reactions,
                                 "SELECT label, count(*), avg(lag_s) FROM reactions JOIN raters ON "
                                 "raters.id = rater GROUP BY rater",
                                 "");
    if (status) {
        json_decref(raters);
        json_decref(traces);
        return status;
    }
    const json_t *study = study_of(request);
    return serve_reply_json(request, json_pack("{s:s, s:O?, s:O?, s:o, s:o, s:o}", "name",
                                               text_of(study, "name"), "dimensions",
                                               json_object_get(study, "dimensions"), "recordings",
                                               json_object_get(study, "recordings"), "raters",
                                               raters, "traces", traces, "reactions", reactions));
}

static bool is_relative(const json_t *study, const char *dimension) {
    const json_t *list = json_object_get(study, "dimensions");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(text_of(json_array_get(list, i), "name"), dimension) == 0)
            return strcmp(text_of(json_array_get(list, i), "tool"), "relative") == 0;
    return false;
}

/* One trace of the database as one or, from the plane, two. Where the rater went back, the later pass holds. */
static affect_status take_trace(serve_request *request, int64_t trace, const char *label,
                                const char *recording, const char *dimension,
                                data_annotation *out) {
    json_t *rows = NULL;
    char first[256];
    const char *plus = strchr(dimension, '+');
    affect_status status =
        serve_store_ask(request->ctx, request->project, &rows,
                        "SELECT t, v, w FROM samples WHERE trace = ? ORDER BY seq", "i", trace);
    snprintf(first, sizeof first, "%.*s", (int)(plus ? plus - dimension : (long)strlen(dimension)),
             dimension);
    for (int axis = 0; axis < (plus ? 2 : 1) && !status; axis++) {
        const char *name = axis ? plus + 1 : first;
        const data_trace like = {.recording = recording,
                                 .dimension = name,
                                 .rater = label,
                                 .low = -1,
                                 .high = 1,
                                 .relative = is_relative(study_of(request), name)};
        data_trace *t;
        status = data_annotation_add_trace(request->ctx, out, &like, json_array_size(rows), &t);
        for (size_t i = 0; i < json_array_size(rows) && !status; i++) {
            const json_t *row = json_array_get(rows, i);
            double time = json_number_value(json_array_get(row, 0));
            while (t->rows && t->times_s[t->rows - 1] >= time) t->rows--;
            t->times_s[t->rows] = time;
            t->values[t->rows++] = json_number_value(json_array_get(row, axis ? 2 : 1));
        }
    }
    json_decref(rows);
    return status;
}

/* How an interval came to be, for an export: what a rater made alone needs no word. */
static const char *made_of(const char *stored) {
    return !stored || strcmp(stored, "rater") == 0 ? "" : stored;
}

/* What all said of a recording ("": of all), but for suggestions that were rejected. */
static affect_status take_all(serve_request *request, const char *recording, data_annotation *out) {
    json_t *traces = NULL, *marks = NULL;
    *out = (data_annotation){.format = "json"};
    base_arena_init(&out->arena, 0);
    affect_status status =
        serve_store_ask(request->ctx, request->project, &traces,
                        "SELECT traces.id, label, recording, dimension FROM traces JOIN raters ON "
                        "raters.id = rater WHERE ?1 = '' OR recording = ?1 ORDER BY recording, "
                        "dimension, raters.id",
                        "s", recording);
    for (size_t i = 0; i < json_array_size(traces) && !status; i++) {
        const json_t *row = json_array_get(traces, i);
        status = take_trace(request, json_integer_value(json_array_get(row, 0)),
                            json_string_value(json_array_get(row, 1)),
                            json_string_value(json_array_get(row, 2)),
                            json_string_value(json_array_get(row, 3)), out);
    }
    if (!status)
        status =
            serve_store_ask(request->ctx, request->project, &marks,
                            "SELECT raters.label, recording, tier, labels.label, t0, t1, made FROM "
                            "labels JOIN raters ON raters.id = rater WHERE made <> 'rejected' AND "
                            "(?1 = '' OR recording "
                            "= ?1) ORDER BY recording, tier, t0",
                            "s", recording);
    for (size_t i = 0; i < json_array_size(marks) && !status; i++) {
        const json_t *row = json_array_get(marks, i);
        const data_mark mark = {.rater = json_string_value(json_array_get(row, 0)),
                                .recording = json_string_value(json_array_get(row, 1)),
                                .tier = json_string_value(json_array_get(row, 2)),
                                .label = json_string_value(json_array_get(row, 3)),
                                .t0_s = json_number_value(json_array_get(row, 4)),
                                .t1_s = json_number_value(json_array_get(row, 5)),
                                .made = made_of(json_string_value(json_array_get(row, 6))),
                                .confidence = NAN};
        status = data_annotation_add_mark(request->ctx, out, &mark);
    }
    json_decref(traces);
    json_decref(marks);
    if (status) data_annotation_destroy(out);
    return status;
}

affect_status serve_get_study_annotations(serve_request *request) {
    data_annotation all;
    if (!study_of(request)) return no_study(request);
    affect_status status = take_all(request, "", &all);
    if (status) return status;
    base_text text = {0};
    status = annotate_append_json(request->ctx, &all, &text);
    data_annotation_destroy(&all);
    serve_reply_header(request, "Content-Disposition", "attachment; filename=\"annotations.json\"");
    if (!status) status = serve_reply_text(request, "application/json", text.data, text.length);
    base_text_destroy(&text);
    return status;
}

affect_status serve_get_study_reactions(serve_request *request) {
    json_t *rows = NULL;
    base_text text = {0};
    if (!study_of(request)) return no_study(request);
    affect_status status = serve_store_ask(
        request->ctx, request->project, &rows,
        "SELECT label, avg(lag_s), avg(lag_s * lag_s), count(*) FROM reactions JOIN raters ON "
        "raters.id = rater GROUP BY rater ORDER BY rater",
        "");
    if (status) return status;
    base_text_append(&text, "rater,lag_s,sd_s\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        double mean = json_number_value(json_array_get(row, 1)),
               square = json_number_value(json_array_get(row, 2));
        base_text_printf(&text, "%s,%.4f,%.4f\n", json_string_value(json_array_get(row, 0)), mean,
                         sqrt(fmax(square - mean * mean, 0)));
    }
    json_decref(rows);
    serve_reply_header(request, "Content-Disposition", "attachment; filename=\"reactions.csv\"");
    status = text.failed
                 ? base_fail_memory(request->ctx)
                 : serve_reply_text(request, "text/csv; charset=utf-8", text.data, text.length);
    base_text_destroy(&text);
    return status;
}

/* [[from, to, sd, spread, sd with one more rater], ...] of stretches, the least sure first, `most` at most. */
static affect_status add_stretches(affect_context *ctx, json_t *into, const char *key,
                                   const affect_gold *gold, const affect_gold_trace *traces,
                                   size_t count, double window_s, size_t most) {
    annotate_unsure *list = NULL;
    size_t n = 0;
    affect_status status = annotate_ask(ctx, gold, traces, count, window_s, &list, &n);
    json_t *out = json_array();
    for (size_t i = 0; i < n && i < most; i++)
        json_array_append_new(out, json_pack("[f, f, o, o, o]", list[i].from_s, list[i].to_s,
                                             annotate_json_real(list[i].sd),
                                             annotate_json_real(list[i].spread),
                                             annotate_json_real(list[i].sd_with_one_more)));
    base_free(list);
    json_object_set_new(into, key, out);
    return status;
}

/* Where another rater tells most, in stretches of ten seconds (of a short recording a sixth of it); how far the raters lie apart, second by
 * second. */
static affect_status add_unsure(affect_context *ctx, json_t *into, const affect_gold *gold,
                                const affect_gold_trace *traces, size_t count) {
    enum { ASKED = 5, SECONDS = 7200 };
    size_t n = affect_gold_count(gold);
    if (n < 2) return AFFECT_OK;
    double length = affect_gold_time(gold, n - 1) - affect_gold_time(gold, 0);
    affect_status status =
        add_stretches(ctx, into, "ask", gold, traces, count, fmax(1, fmin(10, length / 6)), ASKED);
    return status ? status : add_stretches(ctx, into, "apart", gold, traces, count, 1, SECONDS);
}

/* Gold standard with its band, agreement and findings of one recording and dimension. */
affect_status serve_get_study_gold(serve_request *request) {
    char recording[256], dimension[256];
    data_annotation all;
    affect_gold *gold = NULL;
    annotate_quality quality = {0};
    affect_gold_agreement before, after;
    if (!study_of(request)) return no_study(request);
    if (!serve_request_query(request, "recording", recording, sizeof recording) || !*recording ||
        !serve_request_query(request, "dimension", dimension, sizeof dimension))
        return base_fail(request->ctx, AFFECT_ERROR_ARGUMENT, "wants ?recording=&dimension=");
    affect_status status = take_all(request, recording, &all);
    if (status) return status;
    (void)data_annotation_normalise(&all);
    affect_gold_trace *traces = base_calloc(all.trace_count + 1, sizeof *traces);
    double *lags = base_calloc(all.trace_count + 1, sizeof *lags);
    size_t n = 0;
    if (!traces || !lags) status = base_fail_memory(request->ctx);
    for (size_t i = 0; i < all.trace_count && !status; i++)
        if (strcmp(all.traces[i].dimension, dimension) == 0 && all.traces[i].rows > 1)
            traces[n++] = (affect_gold_trace){all.traces[i].rater, all.traces[i].rows,
                                              all.traces[i].times_s, all.traces[i].values};
    if (!status && !n)
        status = base_fail(request->ctx, AFFECT_ERROR_NOT_FOUND, "nobody has traced that yet");
    affect_gold_options options = AFFECT_GOLD_DEFAULTS;
    options.step_s = .1;
    if (n > MOST_LATENT) options.method = AFFECT_GOLD_EWE;
    if (!status) status = affect_gold_make(request->ctx, traces, n, &options, &gold);
    if (!status) status = annotate_quality_check(request->ctx, traces, n, NULL, &quality);
    json_t *out =
        status ? NULL : annotate_gold_json(gold, n > MOST_LATENT ? "ewe" : "latent", true);
    /* traces that do not move agree on nothing: that is no failure of the request */
    if (!status && n > 1 &&
        affect_gold_agree(request->ctx, traces, n, &options, &before, &after, lags) == AFFECT_OK)
        json_object_set_new(out, "agreement",
                            annotate_agreement_json(&before, &after, traces, lags, n));
    json_t *drawn = json_object();
    for (size_t i = 0; i < n && !status; i++) {
        json_t *points = json_array();
        size_t every = BASE_MAX(traces[i].rows / 600, 1);
        for (size_t k = 0; k < traces[i].rows; k += every)
            json_array_append_new(points, json_pack("[f, o]", traces[i].times_s[k],
                                                    annotate_json_real(traces[i].values[k])));
        json_object_set_new(drawn, traces[i].name, points);
    }
    if (!status) json_object_set_new(out, "findings", annotate_quality_json(&quality, traces));
    if (!status) status = add_unsure(request->ctx, out, gold, traces, n);
    if (!status) json_object_set(out, "traces", drawn);
    json_decref(drawn);
    annotate_quality_destroy(&quality);
    affect_gold_destroy(gold);
    base_free(traces);
    base_free(lags);
    data_annotation_destroy(&all);
    if (!status) return serve_reply_json(request, out);
    json_decref(out);
    return status;
}
