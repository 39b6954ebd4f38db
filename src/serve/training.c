/* "Train from my corrections": what `affect train` needs to fit a fusion to labels that a user corrected, below
 * FOLDER/.affect/training: recipe.ini, the corrected timelines, and labels.csv, a row an episode. A label stands for its place
 * in words.emotions; the episodes beside a corrected one count as they are, since whoever mended that one saw them. */
#include <string.h>

#include "report/report.h"
#include "serve/serve_private.h"
#include "words/emotions.h"

/* %zu: one group of recordings in so many validates. The network's form and losses are those of recipes/fusion.ini; epochs are more,
 * because corrections are few and an epoch is short, and `patience` ends them. */
static const char recipe_form[] =
    "# A fusion of face, voice and words from the labels that were corrected in the page "
    "(docs/fusion.md).\n"
    "#     %s\n"
    "\n"
    "[data]\nkind = timelines\nrate_hz = 4\nvalid_every = %zu\n\n"
    "[model]\nkind = fusion\nwidth = 32\npath = 16\nheads = 4\ncontext = 16\ndropout = 0.3\n"
    "reach_s = 2\n\n"
    "[loss]\nccc = 1\nerror = 0.5\nslope = 0.05\ncontrast = 0.1\nrank = 0.05\n\n"
    "[train]\nepochs = 60\npatience = 12\nbatch = 16\nrate = 0.002\ndecay = 0.02\ndrop = 0.3\n"
    "seed = 1\n\n"
    "[card]\nname = fusion\ntask = trained fusion of face, voice and words\nlicence = unknown\n"
    "commercial = no\ntraining_data = labels corrected in the page: %zu of %zu episodes of %zu "
    "recordings\n";

enum { VALIDATES_ONE_IN = 5 };

typedef struct training {
    affect_context *ctx;
    serve_server *server;
    serve_project *project;
    words_emotions *words;
    base_text table;
    size_t recordings, corrected, rows, unknown;
    char first_unknown[80];
} training;

static void put_cell(base_text *out, const char *text) {
    base_text_append(out, "\"");
    for (const char *c = text; *c; c++)
        base_text_append_n(out, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    base_text_append(out, "\"");
}

static bool is_corrected(const affect_interval *e) {
    return affect_attributes_find(e->attributes, "label_was") != NULL;
}

static void put_row(training *t, const char *id, const affect_interval *e) {
    long at = words_emotions_lookup(t->words, e->label);
    bool corrected = is_corrected(e);
    if (at == WORDS_EMOTION_NONE) {
        if (corrected && !t->unknown++)
            base_clean_line(e->label, t->first_unknown, sizeof t->first_unknown);
        return;
    }
    const float *vad = words_emotions_at(t->words, (size_t)at)->vad;
    put_cell(&t->table, id);
    base_text_printf(&t->table, ",%d,%.3f,%.3f,%.3f,%.3f,%.3f,", e->person, time_to_seconds(e->t0),
                     time_to_seconds(e->t1), (double)vad[0], (double)vad[1], (double)vad[2]);
    put_cell(&t->table, e->label);
    base_text_printf(&t->table, ",%s\n", corrected ? "corrected" : "as analyzed");
    t->rows++;
    t->corrected += corrected;
}

static affect_status write_timeline(const training *t, const char *id,
                                    const affect_timeline *timeline) {
    base_output out = {0};
    base_text name = {0};
    base_text_printf(&name, "training/timelines/%s.json", id);
    char *path = name.failed ? NULL : serve_project_state_path(t->project, name.data);
    affect_status status = path ? base_output_open(t->ctx, path, &out) : base_fail_memory(t->ctx);
    if (status == AFFECT_OK) {
        status = report_print(t->ctx, timeline, REPORT_JSON, NULL, NULL, out.file);
        if (status == AFFECT_OK)
            status = base_output_commit(t->ctx, &out);
        else
            base_output_abort(&out);
    }
    base_free(path);
    base_text_destroy(&name);
    return status;
}

/* Its episodes and its timeline, where one of them has a label of the user's that the lexicon knows. */
static affect_status add_recording(training *t, const char *id) {
    const affect_timeline *timeline;
    affect_status status = serve_view_open(t->ctx, t->server, id, &timeline);
    if (status != AFFECT_OK) return status;
    const affect_tier *tier = affect_timeline_find_tier(timeline, "episodes");
    size_t n = tier ? affect_tier_count(tier) : 0, before = t->corrected;
    bool any = false;
    for (size_t i = 0; i < n; i++) any |= is_corrected(affect_tier_interval(tier, i));
    size_t length = t->table.length, rows = t->rows;
    for (size_t i = 0; i < n && any; i++) {
        const affect_interval *e = affect_tier_interval(tier, i);
        if (e->t0 != AFFECT_TIME_NONE && e->t1 > e->t0 && e->person > 0) put_row(t, id, e);
    }
    if (t->corrected > before) {
        t->recordings++;
        status = write_timeline(t, id, timeline);
    } else if (t->rows > rows && !t->table.failed) { /* only labels without a place were mended */
        t->table.length = length;
        t->table.data[length] = '\0';
        t->rows = rows;
    }
    serve_view_close(t->server, timeline);
    return status;
}

static affect_status make_folders(const training *t) {
    static const char *const folders[] = {"training", "training/timelines"};
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < BASE_COUNT(folders) && status == AFFECT_OK; i++) {
        char *path = serve_project_state_path(t->project, folders[i]);
        status = path ? base_make_folder(t->ctx, path) : base_fail_memory(t->ctx);
        base_free(path);
    }
    return status;
}

static affect_status write_file(const training *t, const char *name, const base_text *text) {
    char *path = serve_project_state_path(t->project, name);
    affect_status status = path && !text->failed
                               ? base_write_file(t->ctx, path, text->data, text->length)
                               : base_fail_memory(t->ctx);
    base_free(path);
    return status;
}

/* For a shell: between quotes, quotes themselves as '\''. */
static void put_path(base_text *out, const serve_project *project, const char *name) {
    char *path = serve_project_state_path(project, name);
    base_text_append(out, " '");
    for (const char *c = path ? path : ""; *c; c++)
        base_text_append_n(out, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
    base_text_append(out, "'");
    out->failed |= !path;
    base_free(path);
}

static affect_status write_all(const training *t, const base_text *command) {
    base_text recipe = {0};
    base_text_printf(&recipe, recipe_form, command->data,
                     BASE_MAX((size_t)2, BASE_MIN(t->recordings, (size_t)VALIDATES_ONE_IN)),
                     t->corrected, t->rows, t->recordings);
    affect_status status = write_file(t, "training/labels.csv", &t->table);
    if (status == AFFECT_OK) status = write_file(t, "training/recipe.ini", &recipe);
    base_text_destroy(&recipe);
    return status;
}

static affect_status gather(training *t) {
    json_t *ids = NULL;
    base_text_append(&t->table,
                     "recording,person,start,end,valence,arousal,dominance,label,from\n");
    affect_status status = words_emotions_load(t->ctx, NULL, &t->words);
    if (status == AFFECT_OK) status = make_folders(t);
    if (status == AFFECT_OK)
        status = serve_store_ask(t->ctx, t->project, &ids,
                                 "SELECT id FROM recordings WHERE state='done' ORDER BY id", "");
    for (size_t i = 0; i < json_array_size(ids) && status == AFFECT_OK; i++) {
        const char *id = json_string_value(json_array_get(json_array_get(ids, i), 0));
        if (id && serve_project_is_name(id)) status = add_recording(t, id);
        if (status == AFFECT_ERROR_NOT_FOUND) status = AFFECT_OK; /* it went away meanwhile */
    }
    json_decref(ids);
    if (status != AFFECT_OK || t->recordings >= 2) return status;
    if (t->unknown)
        return base_fail(
            t->ctx, AFFECT_ERROR_ARGUMENT,
            "nothing is known of the place of \"%s\" in valence and arousal; corrected "
            "labels in two recordings are wanted: one trains, the other tells how well",
            t->first_unknown);
    return base_fail(t->ctx, AFFECT_ERROR_ARGUMENT,
                     "%s; two recordings with corrected labels of episodes are wanted: one trains, "
                     "the other tells how well",
                     t->recordings ? "only one recording has corrected labels"
                                   : "no label of an episode is corrected yet");
}

affect_status serve_post_training(serve_request *request) {
    training t = {.ctx = request->ctx, .server = request->server, .project = request->project};
    base_text command = {0}, use = {0};
    affect_status status = gather(&t);
    if (status == AFFECT_OK) {
        base_text_append(&command, "affect train");
        put_path(&command, t.project, "training/recipe.ini");
        put_path(&command, t.project, "training/timelines");
        put_path(&command, t.project, "training/labels.csv");
        base_text_append(&command, " -o");
        put_path(&command, t.project, "training/model");
        base_text_append(&use, "affect analyze --fusion");
        put_path(&use, t.project, "training/model");
        base_text_append(&use, " RECORDING");
        status = command.failed || use.failed || t.table.failed ? base_fail_memory(t.ctx)
                                                                : write_all(&t, &command);
    }
    if (status == AFFECT_OK)
        status = serve_reply_json(
            request, json_pack("{ss ss sI sI sI sI ss}", "train", command.data, "use", use.data,
                               "recordings", (json_int_t)t.recordings, "corrected",
                               (json_int_t)t.corrected, "rows", (json_int_t)t.rows, "unknown",
                               (json_int_t)t.unknown, "first_unknown", t.first_unknown));
    words_emotions_destroy(t.words);
    base_text_destroy(&t.table);
    base_text_destroy(&command);
    base_text_destroy(&use);
    return status;
}
