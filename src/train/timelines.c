/* `affect train` for the fusion network: timelines and their labels to sequences, a run, a model folder. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "affect/session.h"
#include "data/table.h"
#include "fuse/network.h"
#include "nn/safetensors.h"
#include "train/fusion.h"
#include "train/train.h"
#include "train/train_private.h"

static const char *const dimension_names[FUSE_DIMENSIONS] = {"valence", "arousal", "dominance"};

/* ---- labels ---- */

/* What a row of the table says: of an instant (t0 = t1) or of a stretch. */
typedef struct told {
    const char *recording, *group; /* borrowed from the table */
    int person;
    double t0, t1;
    float values[FUSE_DIMENSIONS];
} told;

typedef struct labels {
    data_table *table;
    told *items;
    size_t count, values;
    int column[FUSE_DIMENSIONS];        /* of each value in the table */
    size_t dimension[FUSE_DIMENSIONS];  /* which one each value is */
    const char *names[FUSE_DIMENSIONS]; /* of the values */
    bool stretches;
} labels;

static int by_recording(const void *a, const void *b) {
    const told *x = a, *y = b;
    int order = strcmp(x->recording, y->recording);
    if (order) return order;
    if (x->person != y->person) return x->person < y->person ? -1 : 1;
    return (x->t0 > y->t0) - (x->t0 < y->t0);
}

static affect_status read_number(affect_context *ctx, const data_table *t, size_t row, int column,
                                 double least, double most, double *out) {
    const char *cell = data_table_cell(t, row, (size_t)column);
    if (!base_parse_double(cell, strlen(cell), out) || !(*out >= least && *out <= most))
        return data_table_fail(ctx, t, row, (size_t)column, "a number from %g to %g", least, most);
    return AFFECT_OK;
}

static affect_status read_told(affect_context *ctx, const labels *l, size_t row, told *out) {
    enum { RECORDING, PERSON, GROUP, TIME, START, END, COLUMNS };
    static const char *const names[COLUMNS] = {"recording", "person", "group",
                                               "time",      "start",  "end"};
    int at[COLUMNS];
    double person = 1;
    affect_status status = AFFECT_OK;
    for (int k = 0; k < COLUMNS; k++) at[k] = data_table_column(l->table, names[k]);
    out->recording = data_table_cell(l->table, row, (size_t)at[RECORDING]);
    out->group = at[GROUP] < 0 ? out->recording : data_table_cell(l->table, row, (size_t)at[GROUP]);
    if (at[PERSON] >= 0) status = read_number(ctx, l->table, row, at[PERSON], 1, 1e6, &person);
    out->person = (int)person;
    int from = l->stretches ? at[START] : at[TIME], to = l->stretches ? at[END] : from;
    if (status == AFFECT_OK) status = read_number(ctx, l->table, row, from, 0, 1e6, &out->t0);
    if (status == AFFECT_OK) status = read_number(ctx, l->table, row, to, 0, 1e6, &out->t1);
    for (size_t k = 0; k < l->values && status == AFFECT_OK; k++) {
        double value = NAN;
        if (*data_table_cell(l->table, row, (size_t)l->column[k])) /* empty: not rated */
            status = read_number(ctx, l->table, row, l->column[k], -1, 1, &value);
        out->values[k] = (float)value;
    }
    return status;
}

static void close_labels(labels *l) {
    data_table_destroy(l->table);
    base_free(l->items);
}

static affect_status open_labels(affect_context *ctx, const char *path, labels *l) {
    *l = (labels){.count = 0};
    affect_status status = data_table_open(ctx, path, NULL, &l->table);
    if (status != AFFECT_OK) return status;
    for (int d = 0; d < FUSE_DIMENSIONS; d++) {
        int column = data_table_column(l->table, dimension_names[d]);
        if (column < 0) continue;
        l->names[l->values] = dimension_names[d];
        l->dimension[l->values] = (size_t)d;
        l->column[l->values++] = column;
    }
    l->stretches = data_table_column(l->table, "start") >= 0;
    if (!l->values || data_table_column(l->table, "recording") < 0 ||
        (l->stretches ? data_table_column(l->table, "end") : data_table_column(l->table, "time")) <
            0)
        return base_fail(
            ctx, AFFECT_ERROR_FORMAT,
            "%s: expected the columns recording, time (or start and end), and valence, "
            "arousal or dominance; person and group where there are several",
            path);
    l->items = base_calloc(BASE_MAX(l->table->rows, (size_t)1), sizeof *l->items);
    if (!l->items) return base_fail_memory(ctx);
    for (size_t r = 0; r < l->table->rows && status == AFFECT_OK; r++)
        status = read_told(ctx, l, r, &l->items[l->count++]);
    if (status == AFFECT_OK && !l->count)
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: no labels", path);
    if (status == AFFECT_OK) qsort(l->items, l->count, sizeof *l->items, by_recording);
    return status;
}

/* Where the labels of times up to the latest one asked for end; times mostly come in order. */
typedef struct place {
    size_t at;
    double t;
} place;

/* The first label that may say something about `t`. */
static size_t find_place(const labels *l, size_t first, size_t end, double t, place *p) {
    if (p->at < first || t < p->t) p->at = first;
    p->t = t;
    size_t at = p->at;
    while (at < end &&
           (l->stretches ? l->items[at].t1 <= t
                         : at + 1 < end && l->items[at].t0 < t && l->items[at + 1].t0 <= t))
        at++;
    return p->at = at;
}

/* What is known of value k at `t`, from label `from` on: of the stretch around it, or between two instants
 * not more than LONGEST apart. */
static float value_at(const labels *l, size_t from, size_t end, size_t k, double t) {
    static const double LONGEST = 2;
    for (size_t i = from; i < end && l->items[i].t0 <= t; i++) {
        const told *a = &l->items[i];
        if (l->stretches) {
            if (t >= a->t0 && t < a->t1) return a->values[k];
            continue;
        }
        if (a->t0 == t) return a->values[k];
        if (i + 1 == end || t < a->t0 || t >= a[1].t0) continue;
        double gap = a[1].t0 - a->t0;
        if (gap > LONGEST) return (float)NAN;
        return a->values[k] + (float)((t - a->t0) / gap) * (a[1].values[k] - a->values[k]);
    }
    return (float)NAN;
}

/* What the trajectory says of dimension `d` at `t`: between two rows at most LONGEST apart it is drawn straight; else 0, the
 * middle. */
static float told_at(const affect_track *trajectory, size_t d, affect_time t) {
    static const affect_time LONGEST = AFFECT_SECOND;
    if (!trajectory || !trajectory->rows) return 0;
    size_t after = track_row_at(trajectory, t), width = trajectory->channel_count;
    const float *v = trajectory->values + d;
    if (after < trajectory->rows && trajectory->times[after] == t)
        return isfinite(v[after * width]) ? v[after * width] : 0;
    if (!after || after == trajectory->rows) return 0;
    affect_time t0 = trajectory->times[after - 1], gap = trajectory->times[after] - t0;
    if (gap > LONGEST) return 0;
    float a = v[(after - 1) * width], b = v[after * width],
          value = a + (float)((double)(t - t0) / (double)gap) * (b - a);
    return isfinite(value) ? value : 0; /* a file may hold rows without a number */
}

/* ---- sequences ---- */

/* The pieces of one person of one recording: those of its labels. */
static affect_status add_pieces(train_sequences *set, const labels *l, size_t first, size_t end,
                                const fuse_rows *rows, const affect_track *trajectory,
                                double rate_hz) {
    double last = 0;
    place latest = {first, -INFINITY};
    affect_status status = AFFECT_OK;
    for (size_t i = first; i < end; i++) last = fmax(last, l->items[i].t1);
    int64_t steps = time_from_seconds(last) / FUSE_STEP;
    for (int64_t step = 0; step <= steps && status == AFFECT_OK; step++) {
        size_t from[FUSE_INPUTS], count[FUSE_INPUTS], n = fuse_piece_references(rate_hz);
        train_sequence *s = NULL;
        double start = time_to_seconds(fuse_piece_start(step));
        fuse_piece_rows(rows, step, from, count);
        status = train_sequences_add(set, l->items[first].recording, l->items[first].group, n,
                                     count, &s);
        if (status != AFFECT_OK) break;
        for (size_t r = 0; r < n; r++) {
            double at = (double)r / rate_hz;
            size_t known = find_place(l, first, end, start + at, &latest);
            s->times[r] = (float)at;
            for (size_t k = 0; k < l->values; k++) {
                s->values[r * l->values + k] = value_at(l, known, end, k, start + at);
                s->base[r * l->values + k] =
                    told_at(trajectory, l->dimension[k], time_from_seconds(start + at));
            }
        }
        for (size_t m = 0; m < FUSE_INPUTS; m++) {
            const struct fuse_input *in = &rows->inputs[m];
            size_t width = fuse_input_width(m);
            for (size_t r = 0; r < count[m]; r++)
                s->row_times[m][r] =
                    (float)time_to_seconds(in->times[from[m] + r] - fuse_piece_start(step));
            if (count[m])
                memcpy(s->row_values[m], in->values + from[m] * width,
                       count[m] * width * sizeof *in->values);
        }
    }
    return status;
}

/* FOLDER/NAME.json, or FOLDER/NAME/timeline.json as `affect analyze -o` leaves it. */
static affect_status open_timeline(affect_context *ctx, const char *folder, const char *name,
                                   affect_timeline **out) {
    base_text path = {0};
    base_text_printf(&path, "%s/%s.json", folder, name);
    if (!path.failed && !base_file_exists(path.data)) {
        base_text_clear(&path);
        base_text_printf(&path, "%s/%s/timeline.json", folder, name);
    }
    affect_status status =
        path.failed ? base_fail_memory(ctx) : affect_timeline_read(ctx, path.data, out);
    base_text_destroy(&path);
    return status;
}

/* A person is cut into pieces of 12 s, one every 4 s, as the stage does (fuse/network.h). */
static affect_status read_sequences(affect_context *ctx, const char *folder, const char *table,
                                    double rate_hz, bool based, train_sequences **out) {
    labels l;
    size_t inputs[FUSE_INPUTS];
    affect_timeline *timeline = NULL;
    for (size_t m = 0; m < FUSE_INPUTS; m++) inputs[m] = fuse_input_width(m);
    *out = NULL;
    affect_status status = open_labels(ctx, table, &l);
    if (status == AFFECT_OK)
        status = train_sequences_create(ctx, FUSE_INPUTS, inputs, 0, l.values, out);
    for (size_t i = 0, end; i < l.count && status == AFFECT_OK; i = end) {
        const told *at = &l.items[i];
        for (end = i + 1; end < l.count && strcmp(l.items[end].recording, at->recording) == 0 &&
                          l.items[end].person == at->person;)
            end++;
        if (i == 0 || strcmp(at[-1].recording, at->recording) != 0) {
            affect_timeline_destroy(timeline);
            timeline = NULL;
            status = open_timeline(ctx, folder, at->recording, &timeline);
        }
        if (status != AFFECT_OK) break;
        const affect_timeline *const all[] = {timeline};
        fuse_rows rows = {.inputs = {{.count = 0}}};
        const timeline_view view = {all, 1};
        const affect_track *trajectory =
            view_track(&view, TRACK_ROLE_TRAJECTORY, AFFECT_MODALITY_FUSED, at->person);
        if (based && trajectory && trajectory->model && *trajectory->model)
            status = base_fail(
                ctx, AFFECT_ERROR_FORMAT,
                "%s: its trajectory is that of the model %s; [model] base wants the default "
                "fusion's (analyze without --fusion)",
                at->recording, trajectory->model);
        if (status == AFFECT_OK) status = fuse_rows_collect(ctx, &rows, &view, at->person);
        if (status == AFFECT_OK) status = add_pieces(*out, &l, i, end, &rows, trajectory, rate_hz);
        fuse_rows_destroy(&rows);
    }
    affect_timeline_destroy(timeline);
    close_labels(&l);
    if (status != AFFECT_OK) {
        train_sequences_destroy(*out);
        *out = NULL;
    }
    return status;
}

/* ---- a run ---- */

typedef struct run {
    affect_context *ctx;
    train_recipe *recipe;
    train_sequences *set;
    train_fusion_options o;
    train_fusion_fit fit;
    double rate_hz, errors[FUSE_DIMENSIONS], ccc[FUSE_DIMENSIONS];
    size_t every; /* one group in so many validates */
    const char *hold_out;
    uint32_t *index, *valid;
    size_t count, valid_count;
    const char *names[FUSE_DIMENSIONS];
} run;

static void read_recipe(run *r) {
    train_recipe *p = r->recipe;
    train_fusion_options *o = &r->o;
    (void)train_recipe_choice(p, "data", "kind", NULL, "timelines");
    (void)train_recipe_choice(p, "model", "kind", NULL, "fusion");
    o->net.width = train_recipe_count(p, "model", "width", 32, 1, 1024);
    o->net.path = train_recipe_count(p, "model", "path", 16, 1, 1024);
    o->net.heads = train_recipe_count(p, "model", "heads", 4, 1, 64);
    o->net.context = train_recipe_count(p, "model", "context", 16, 0, 1024);
    o->net.based = train_recipe_second(p, "model", "base", "none|trajectory");
    o->net.dropout = train_recipe_number(p, "model", "dropout", .3, 0, .95);
    o->net.reach = train_recipe_number(p, "model", "reach_s", 2, 0, FUSE_PIECE_S);
    o->value_weight = train_recipe_number(p, "loss", "ccc", 1, 0, 100);
    o->error_weight = train_recipe_number(p, "loss", "error", 0, 0, 100);
    o->slope_weight = train_recipe_number(p, "loss", "slope", .05, 0, 100);
    o->contrast_weight = train_recipe_number(p, "loss", "contrast", .1, 0, 100);
    o->rank_weight = train_recipe_number(p, "loss", "rank", .05, 0, 100);
    o->epochs = train_recipe_count(p, "train", "epochs", 40, 1, 10000);
    o->patience = train_recipe_count(p, "train", "patience", 10, 0, 10000);
    o->batch = train_recipe_count(p, "train", "batch", 16, 2, 4096);
    o->rate = train_recipe_number(p, "train", "rate", .002, 1e-6, 1);
    o->decay = train_recipe_number(p, "train", "decay", .02, 0, 10);
    o->drop = train_recipe_number(p, "train", "drop", .3, 0, .95);
    o->seed = train_recipe_count(p, "train", "seed", 1, 0, 1000000);
}

/* Those that are held out, or else one group in `every`, by their first appearance, validate; at least one trains. */
static affect_status deal(run *r) {
    size_t n = r->set->count, groups = 0;
    r->index = base_calloc(BASE_MAX(n, (size_t)1), sizeof *r->index);
    r->valid = base_calloc(BASE_MAX(n, (size_t)1), sizeof *r->valid);
    size_t *number = base_calloc(BASE_MAX(n, (size_t)1), sizeof *number);
    for (size_t i = 0; i < n && r->index && r->valid && number; i++) {
        size_t k = 0;
        while (k < i && strcmp(r->set->items[k].group, r->set->items[i].group) != 0) k++;
        number[i] = k < i ? number[k] : groups++;
        if (r->hold_out ? strstr(r->set->items[i].group, r->hold_out) != NULL
                        : number[i] % r->every == r->every - 1)
            r->valid[r->valid_count++] = (uint32_t)i;
        else
            r->index[r->count++] = (uint32_t)i;
    }
    bool failed = !r->index || !r->valid || !number;
    base_free(number);
    if (failed) return base_fail_memory(r->ctx);
    if (r->hold_out && (!r->count || !r->valid_count))
        return base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                         "%s of %zu groups of recordings has '%s' in it",
                         r->count ? "no name" : "every name", groups, r->hold_out);
    if (!r->count || !r->valid_count)
        return base_fail(r->ctx, AFFECT_ERROR_FORMAT,
                         "%zu groups of recordings, and one in %zu validates: too few", groups,
                         r->every);
    return AFFECT_OK;
}

/* What the network is worth on the groups that validate, each value by itself. */
static affect_status measure(run *r) {
    size_t values = r->set->values, rows = 0;
    for (size_t i = 0; i < r->valid_count; i++) rows += r->set->items[r->valid[i]].references;
    float *said = base_calloc(BASE_MAX(rows * values, (size_t)1), sizeof *said);
    const train_view view = {.set = r->set, .index = r->valid, .n = r->valid_count};
    affect_status status =
        said ? train_fusion_predict(r->ctx, r->fit.net, &view, said) : base_fail_memory(r->ctx);
    for (size_t k = 0; k < values && status == AFFECT_OK; k++) {
        double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0, square = 0;
        const float *row = said + k;
        for (size_t i = 0; i < r->valid_count; i++) {
            const train_sequence *s = &r->set->items[r->valid[i]];
            for (size_t j = 0; j < s->references; j++, row += values) {
                double a = (double)*row, b = (double)s->values[j * values + k];
                if (isnan(b)) continue;
                n++, x += a, y += b, xx += a * a, yy += b * b, xy += a * b;
                square += (a - b) * (a - b);
            }
        }
        n = fmax(n, 1);
        double mx = x / n, my = y / n, apart = (mx - my) * (mx - my);
        r->ccc[k] = 2 * (xy / n - mx * my) / (xx / n - mx * mx + yy / n - my * my + apart + 1e-12);
        r->errors[k] = fmax(1e-3, fmin(2, sqrt(square / n)));
    }
    base_free(said);
    return status;
}

static void put(run *r, base_text *card, const char *key, const char *fallback) {
    base_text_printf(card, "\"%s\": ", key);
    base_text_append_json(card, train_recipe_text(r->recipe, "card", key, fallback));
    base_text_append(card, ",\n  ");
}

/* Texts of [card] that the recipe may have, asked for before training so that one of another name is an error then. */
static const char *const said_of_it[][2] = {{"name", "fusion"},
                                            {"version", "1"},
                                            {"task", "trained fusion of face, voice and words"},
                                            {"licence", "unknown"},
                                            {"training_data", "not stated"},
                                            {"source", "trained with affect train"}};

static affect_status save(run *r, const char *folder) {
    char *weights = base_path_join(folder, "weights.safetensors"),
         *path = base_path_join(folder, "card.json"), sum[65];
    nn_writer *w = NULL;
    base_text card = {0};
    affect_status status =
        weights && path ? base_make_folder(r->ctx, folder) : base_fail_memory(r->ctx);
    if (status == AFFECT_OK) status = nn_writer_create(r->ctx, weights, &w);
    if (status == AFFECT_OK) {
        nn_params_write(w, nn_fusion_params(r->fit.net), "", NULL, NN_F32, 0);
        status = nn_writer_commit(r->ctx, w);
    }
    if (status == AFFECT_OK) status = train_sha256(r->ctx, weights, sum);
    if (status == AFFECT_OK) {
        base_text_append(&card, "{\n  ");
        for (size_t i = 0; i < BASE_COUNT(said_of_it); i++)
            put(r, &card, said_of_it[i][0], said_of_it[i][1]);
        base_text_printf(&card, "\"commercial\": %s,\n  \"labels\": [",
                         train_recipe_second(r->recipe, "card", "commercial", "no|yes") ? "true"
                                                                                        : "false");
        for (size_t k = 0; k < r->set->values; k++)
            base_text_printf(&card, "%s\"%s\"", k ? ", " : "", r->names[k]);
        base_text_printf(
            &card,
            "],\n  \"files\": [{\"name\": \"weights.safetensors\", \"sha256\": \"%s\"}],\n"
            "  \"network\": ",
            sum);
        nn_fusion_describe(nn_fusion_get_options(r->fit.net), &card);
        base_text_printf(&card, ",\n  \"input\": {\"rate_hz\": %g},\n  \"errors\": {", r->rate_hz);
        for (size_t k = 0; k < r->set->values; k++)
            base_text_printf(&card, "%s\"%s\": %.6f", k ? ", " : "", r->names[k], r->errors[k]);
        base_text_printf(&card,
                         "},\n  \"best_epoch\": %zu,\n  \"validation\": {\"pieces\": %zu, "
                         "\"ccc\": {",
                         r->fit.epoch, r->valid_count);
        for (size_t k = 0; k < r->set->values; k++)
            base_text_printf(&card, "%s\"%s\": %.6f", k ? ", " : "", r->names[k], r->ccc[k]);
        base_text_append(&card, "}}\n}\n");
        status = card.failed ? base_fail_memory(r->ctx)
                             : base_write_file(r->ctx, path, card.data, card.length);
    }
    base_text_destroy(&card);
    base_free(weights);
    base_free(path);
    return status;
}

affect_status train_fusion_timelines(affect_context *ctx, const char *recipe, const char *timelines,
                                     const char *table, const char *hold_out, const char *folder) {
    run r = {.ctx = ctx, .hold_out = hold_out};
    labels l;
    affect_status status = train_recipe_open(ctx, recipe, &r.recipe);
    if (status == AFFECT_OK) {
        r.rate_hz = train_recipe_number(r.recipe, "data", "rate_hz", 4, 1, 20);
        r.every = train_recipe_count(r.recipe, "data", "valid_every", 5, 2, 1000);
        for (size_t i = 0; i < BASE_COUNT(said_of_it); i++)
            (void)train_recipe_text(r.recipe, "card", said_of_it[i][0], "");
        (void)train_recipe_second(r.recipe, "card", "commercial", "no|yes");
        read_recipe(&r);
        status = train_recipe_finish(r.recipe);
    }
    if (status == AFFECT_OK)
        status = read_sequences(ctx, timelines, table, r.rate_hz, r.o.net.based, &r.set);
    if (status == AFFECT_OK) {
        status = open_labels(ctx, table, &l); /* again, for the names of its values */
        memcpy(r.names, l.names, sizeof r.names);
        close_labels(&l);
    }
    if (status == AFFECT_OK) status = deal(&r);
    if (status == AFFECT_OK) {
        r.o = train_fusion_default(r.set);
        read_recipe(&r);
        status =
            train_fusion_run(ctx, r.set, r.index, r.count, r.valid, r.valid_count, &r.o, &r.fit);
    }
    if (status == AFFECT_OK) status = measure(&r);
    if (status == AFFECT_OK) status = save(&r, folder);
    for (size_t k = 0; r.set && k < r.set->values && status == AFFECT_OK; k++)
        base_log(ctx, AFFECT_LOG_INFO, "%s: CCC %.3f, RMSE %.3f on %zu pieces left out", r.names[k],
                 r.ccc[k], r.errors[k], r.valid_count);
    nn_fusion_destroy(r.fit.net);
    train_sequences_destroy(r.set);
    train_recipe_destroy(r.recipe);
    base_free(r.index);
    base_free(r.valid);
    return status;
}
