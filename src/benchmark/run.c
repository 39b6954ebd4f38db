/* A run: a prediction for each item of the split, kept as it is made, and the score of all. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "annotate/annotate.h"
#include "benchmark/benchmark_private.h"

/* Another program's predictions: traces and intervals by recording, or a table name,label. */
static affect_status read_labels(affect_context *ctx, const char *path, data_annotation *out,
                                 bool *known) {
    data_table *t = NULL;
    const data_table_options options = {.ragged = true};
    *known = false;
    if (!base_ends_with(path, ".csv") && !base_ends_with(path, ".tsv")) return AFFECT_OK;
    affect_status status = data_table_open(ctx, path, &options, &t);
    if (status) return status;
    int name = data_table_column(t, "name"), label = data_table_column(t, "label");
    if (label < 0) label = data_table_column(t, "discrete");
    if (label < 0) label = data_table_column(t, "openset");
    *known = name >= 0 && label >= 0;
    for (size_t r = 0; r < t->rows && *known && !status; r++) {
        const data_mark mark = {.recording = data_table_cell(t, r, (size_t)name),
                                .tier = "label",
                                .label = data_table_cell(t, r, (size_t)label),
                                .confidence = NAN};
        status = data_annotation_add_mark(ctx, out, &mark);
    }
    data_table_destroy(t);
    return status;
}

/* Of all predictions those of one item. Of files without names of recordings everything, where there is one item. */
static affect_status pick(affect_context *ctx, const data_annotation *all, const char *id,
                          bool alone, data_annotation *out) {
    affect_status status = AFFECT_OK;
    base_arena_init(&out->arena, 0);
    for (size_t k = 0; k < all->trace_count && !status; k++) {
        const data_trace *from = &all->traces[k];
        data_trace *to;
        if (strcmp(from->recording, id) != 0 && !(alone && !*from->recording)) continue;
        status = data_annotation_add_trace(ctx, out, from, from->rows, &to);
        if (status) break;
        to->rows = from->rows;
        memcpy(to->times_s, from->times_s, from->rows * sizeof(double));
        memcpy(to->values, from->values, from->rows * sizeof(double));
    }
    for (size_t k = 0; k < all->mark_count && !status; k++)
        if (strcmp(all->marks[k].recording, id) == 0 || (alone && !*all->marks[k].recording))
            status = data_annotation_add_mark(ctx, out, &all->marks[k]);
    return status;
}

static char *lower(const char *text) {
    char *copy = base_strdup(text);
    for (char *c = copy; c && *c; c++) *c = (char)tolower((unsigned char)*c);
    return copy;
}

/* For official scorers: a row an item, under the columns that theirs have. */
static affect_status write_labels(affect_context *ctx, const benchmark_manifest *m,
                                  const char *folder, const benchmark_item *items, size_t count) {
    bool open = strcmp(benchmark_text(m->root, "labels"), "openset") == 0;
    char *path = base_path_join(folder, "predict.csv");
    base_output out = {0};
    size_t rows = 0;
    affect_status status = path ? base_output_open(ctx, path, &out) : base_fail_memory(ctx);
    if (!status) fprintf(out.file, "name,%s\n", open ? "openset" : "discrete");
    for (size_t i = 0; i < count && !status; i++)
        for (size_t k = 0; k < items[i].predicted.mark_count; k++) {
            const data_mark *mark = &items[i].predicted.marks[k];
            if (strcmp(mark->tier, "label") != 0) continue;
            fprintf(out.file, open ? "%s,\"['%s']\"\n" : "%s,%s\n", items[i].id, mark->label);
            rows++;
            break;
        }
    if (!status && rows) status = base_output_commit(ctx, &out);
    base_output_abort(&out);
    base_free(path);
    return status;
}

static affect_status fill(affect_context *ctx, const benchmark_manifest *m,
                          const benchmark_run_options *o, const data_annotation *others,
                          const char *folder, bool alone, const json_t *item, benchmark_item *out) {
    const char *id = benchmark_text(item, "id"),
               *label = json_string_value(json_object_get(item, "gold"));
    char name[256];
    out->id = id;
    affect_status status = AFFECT_OK;
    if (label && !(out->label = lower(label))) return base_fail_memory(ctx);
    status = benchmark_gold(ctx, m, item, &out->gold);
    if (!status && o->predictions) return pick(ctx, others, id, alone, &out->predicted);
    snprintf(name, sizeof name, "%s.json", id);
    char *kept = base_path_join(folder, name);
    if (!status && !kept) status = base_fail_memory(ctx);
    if (!status)
        status = benchmark_predict(ctx, m, item, o->system, o->media, kept, &out->predicted);
    base_free(kept);
    return status;
}

affect_status benchmark_run(affect_context *ctx, const benchmark_run_options *o, base_text *out) {
    benchmark_manifest m;
    data_annotation others = {0};
    affect_status status = benchmark_open(ctx, o->manifest, &m);
    if (status) return status;
    base_text folder = {0};
    if (o->output)
        base_text_append(&folder, o->output);
    else
        base_text_printf(&folder, "%s/predictions/%s", m.folder, o->system);
    size_t most = json_array_size(m.items), count = 0;
    benchmark_item *items = base_calloc(most, sizeof *items);
    if (!items || folder.failed) status = base_fail_memory(ctx);
    base_arena_init(&others.arena, 0);
    if (!status && o->predictions) {
        bool known;
        status = read_labels(ctx, o->predictions, &others, &known);
        if (!status && !known) status = annotate_add_file(ctx, o->predictions, &others);
    } else if (!status) {
        status = base_make_folder(ctx, folder.data);
    }
    size_t wanted = 0;
    for (size_t i = 0; i < most; i++)
        wanted += benchmark_in_split(json_array_get(m.items, i), o->split);
    if (!status && !wanted)
        status = base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: no item of the split '%s'", m.path,
                           o->split);
    for (size_t i = 0; i < most && !status; i++) {
        const json_t *item = json_array_get(m.items, i);
        if (!benchmark_in_split(item, o->split)) continue;
        if (affect_context_cancelled(ctx)) {
            status = base_fail(ctx, AFFECT_ERROR_CANCELLED,
                               "interrupted; what is predicted is kept: the same command goes on");
            break;
        }
        status = fill(ctx, &m, o, &others, folder.data, wanted == 1, item, &items[count++]);
    }
    if (!status && !o->predictions) status = write_labels(ctx, &m, folder.data, items, count);
    if (!status) status = benchmark_score(ctx, &m, o, items, count, out);
    for (size_t i = 0; i < count; i++) {
        data_annotation_destroy(&items[i].gold);
        data_annotation_destroy(&items[i].predicted);
        base_free(items[i].label);
    }
    data_annotation_destroy(&others);
    base_free(items);
    base_text_destroy(&folder);
    benchmark_close(&m);
    return status;
}
