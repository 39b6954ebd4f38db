/* A benchmark from a study: recordings, who is in them, and what raters traced or what is known to be true. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/annotate.h"
#include "annotate/quality.h"
#include "benchmark/benchmark_private.h"

typedef struct maker {
    affect_context *ctx;
    const char *study, *folder; /* the study's file; where the benchmark grows */
    char *base;                 /* where the study's files are */
    json_t *root;
    data_annotation traces; /* of all raters */
} maker;

static affect_status wrong(const maker *k, const char *id, const char *what) {
    return base_fail(k->ctx, AFFECT_ERROR_FORMAT, "%s: recording '%s': %s", k->study, id, what);
}

/* ---- splits: persons who are ever together stay together ---- */

typedef struct group {
    double seconds;
    size_t first; /* the recording that names it */
    int split;
} group;

static size_t find(size_t *parent, size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

static bool share_person(const json_t *a, const json_t *b) {
    const json_t *x = json_object_get(a, "persons"), *y = json_object_get(b, "persons");
    for (size_t i = 0; i < json_array_size(x); i++)
        for (size_t j = 0; j < json_array_size(y); j++)
            if (json_equal(json_array_get(x, i), json_array_get(y, j))) return true;
    return false;
}

static int by_length(const void *a, const void *b) {
    const group *x = a, *y = b;
    if (x->seconds != y->seconds) return x->seconds > y->seconds ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Groups of recordings that share persons, the largest first, each to the split that lacks most of its share: .6, .2, .2. A
 * recording that names its split keeps it, and with it its group. */
static affect_status split(maker *k, json_t *items) {
    static const char *const names[] = {"train", "dev", "test"};
    static const double shares[] = {.6, .2, .2};
    size_t n = json_array_size(items), groups = 0;
    size_t *parent = base_alloc(BASE_MAX(n, 1) * sizeof *parent);
    group *list = base_calloc(BASE_MAX(n, 1), sizeof *list);
    double filled[3] = {0, 0, 0};
    affect_status status = parent && list ? AFFECT_OK : base_fail_memory(k->ctx);
    for (size_t i = 0; i < n && !status; i++) parent[i] = i;
    for (size_t i = 0; i < n && !status; i++)
        for (size_t j = 0; j < i; j++)
            if (share_person(json_array_get(items, i), json_array_get(items, j)))
                parent[find(parent, i)] = find(parent, j);
    for (size_t i = 0; i < n && !status; i++) {
        if (find(parent, i) != i) continue;
        group g = {.first = i, .split = -1};
        for (size_t j = 0; j < n; j++) {
            if (find(parent, j) != i) continue;
            const json_t *item = json_array_get(items, j);
            g.seconds += 1;
            for (int s = 0; s < 3; s++)
                if (strcmp(benchmark_text(item, "split"), names[s]) == 0) {
                    if (g.split >= 0 && g.split != s)
                        status = wrong(k, benchmark_text(item, "id"),
                                       "its persons are in another split too");
                    g.split = s;
                }
        }
        if (g.split >= 0) filled[g.split] += g.seconds;
        list[groups++] = g;
    }
    if (!status) qsort(list, groups, sizeof *list, by_length);
    for (size_t g = 0; g < groups && !status; g++) {
        int best = list[g].split;
        for (int s = 0; s < 3 && list[g].split < 0; s++)
            if (best < 0 || filled[s] / shares[s] < filled[best] / shares[best]) best = s;
        if (list[g].split < 0) filled[best] += list[g].seconds;
        for (size_t j = 0; j < n; j++)
            if (find(parent, j) == list[g].first)
                json_object_set_new(json_array_get(items, j), "split", json_string(names[best]));
    }
    base_free(parent);
    base_free(list);
    return status;
}

/* ---- gold ---- */

static affect_status write_trace(maker *k, const char *name, const data_trace *t) {
    char *path = base_path_join(k->folder, name);
    base_output out = {0};
    affect_status status = path ? base_output_open(k->ctx, path, &out) : base_fail_memory(k->ctx);
    if (!status) fprintf(out.file, "time,value,sd\n");
    for (size_t i = 0; i < t->rows && !status; i++)
        if (isfinite(t->values[i])) fprintf(out.file, "%.9g,%.9g,\n", t->times_s[i], t->values[i]);
    if (!status) status = base_output_commit(k->ctx, &out);
    base_output_abort(&out);
    base_free(path);
    return status;
}

static affect_status export_to(maker *k, const data_annotation *a, const char *name) {
    char *path = base_path_join(k->folder, name);
    affect_status status =
        path ? annotate_export(k->ctx, a, "json", path) : base_fail_memory(k->ctx);
    base_free(path);
    return status;
}

/* What is known to be true: as it is. */
static affect_status from_truth(maker *k, const char *id, const char *truth, json_t *gold) {
    data_annotation a = {0};
    char name[320];
    char *path = benchmark_inside(k->base, truth);
    base_arena_init(&a.arena, 0);
    affect_status status = path ? annotate_add_file(k->ctx, path, &a)
                                : wrong(k, id, "\"truth\" names no file below the study");
    for (size_t i = 0; i < a.trace_count && !status; i++) {
        snprintf(name, sizeof name, "gold/%s.%s.csv", id, a.traces[i].dimension);
        if (strchr(a.traces[i].dimension, '/')) status = wrong(k, id, "a dimension has a slash");
        if (!status) status = write_trace(k, name, &a.traces[i]);
        if (!status)
            json_object_set_new(json_object_get(gold, "traces"), a.traces[i].dimension,
                                json_string(name));
    }
    if (!status && a.mark_count) {
        data_annotation marks = a;
        marks.trace_count = 0;
        for (size_t i = 0; i < marks.mark_count; i++) marks.marks[i].recording = id;
        snprintf(name, sizeof name, "gold/%s.json", id);
        status = export_to(k, &marks, name);
        json_object_set_new(gold, "intervals", json_string(name));
    }
    base_free(path);
    data_annotation_destroy(&a);
    return status;
}

static affect_status gold_of(maker *k, const char *id, const char *dimension, json_t *gold,
                             json_t *item) {
    affect_gold_trace *traces = base_calloc(k->traces.trace_count + 1, sizeof *traces);
    size_t n = 0;
    if (!traces) return base_fail_memory(k->ctx);
    for (size_t i = 0; i < k->traces.trace_count; i++) {
        const data_trace *t = &k->traces.traces[i];
        if (strcmp(t->recording, id) == 0 && strcmp(t->dimension, dimension) == 0)
            traces[n++] = (affect_gold_trace){t->rater, t->rows, t->times_s, t->values};
    }
    char name[320];
    affect_gold_options options = AFFECT_GOLD_DEFAULTS;
    affect_gold *made = NULL;
    annotate_quality quality = {0};
    affect_status status = AFFECT_OK;
    options.step_s = .1;
    if (n) {
        status = affect_gold_make(k->ctx, traces, n, &options, &made);
        snprintf(name, sizeof name, "gold/%s.%s.csv", id, dimension);
        char *path = base_path_join(k->folder, name);
        if (!status)
            status = path ? annotate_write_gold(k->ctx, path, made) : base_fail_memory(k->ctx);
        base_free(path);
        json_object_set_new(json_object_get(gold, "traces"), dimension, json_string(name));
        if (!status) status = annotate_quality_check(k->ctx, traces, n, NULL, &quality);
        snprintf(name, sizeof name, "quality/%s.%s.csv", id, dimension);
        path = base_path_join(k->folder, name);
        if (!status)
            status = path ? annotate_write_quality(k->ctx, path, &quality, traces)
                          : base_fail_memory(k->ctx);
        base_free(path);
        if (!status && n > 1) {
            affect_gold_agreement before, after;
            status = affect_gold_agree(k->ctx, traces, n, &options, &before, &after, NULL);
            json_t *agreement = json_object_get(item, "agreement");
            if (!agreement) json_object_set_new(item, "agreement", agreement = json_object());
            if (!status && isfinite(after.pairwise_ccc) && isfinite(after.alpha))
                json_object_set_new(agreement, dimension,
                                    json_pack("{s:i, s:f, s:f, s:i}", "raters", (int)n,
                                              "pairwise_ccc", after.pairwise_ccc, "alpha",
                                              after.alpha, "findings", (int)quality.count));
        }
    }
    annotate_quality_destroy(&quality);
    affect_gold_destroy(made);
    base_free(traces);
    return status;
}

/* The raters' own traces and intervals. Intervals of one rater are gold; of several there is no rule to make one. */
static affect_status from_raters(maker *k, const char *id, json_t *gold, json_t *item) {
    data_annotation own = k->traces;
    char name[320];
    affect_status status = AFFECT_OK;
    const json_t *dimensions = json_object_get(k->root, "dimensions");
    for (size_t d = 0; d < json_array_size(dimensions) && !status; d++)
        status = gold_of(k, id, benchmark_text(json_array_get(dimensions, d), "name"), gold, item);
    own.traces = base_calloc(own.trace_count + 1, sizeof *own.traces);
    own.marks = base_calloc(own.mark_count + 1, sizeof *own.marks);
    if (!own.traces || !own.marks) status = status ? status : base_fail_memory(k->ctx);
    own.trace_count = own.mark_count = 0;
    for (size_t i = 0; i < k->traces.trace_count && !status; i++)
        if (strcmp(k->traces.traces[i].recording, id) == 0)
            own.traces[own.trace_count++] = k->traces.traces[i];
    for (size_t i = 0; i < k->traces.mark_count && !status; i++)
        if (strcmp(k->traces.marks[i].recording, id) == 0)
            own.marks[own.mark_count++] = k->traces.marks[i];
    if (!status && own.trace_count + own.mark_count) {
        snprintf(name, sizeof name, "raters/%s.json", id);
        status = export_to(k, &own, name);
        json_object_set_new(item, "raters", json_string(name));
    }
    for (size_t i = 1; i < own.mark_count && !status; i++)
        if (strcmp(own.marks[i].rater, own.marks[0].rater) != 0)
            status = wrong(k, id, "intervals of several raters: give one \"truth\" of them");
    if (!status && own.mark_count) {
        own.trace_count = 0;
        snprintf(name, sizeof name, "gold/%s.json", id);
        status = export_to(k, &own, name);
        json_object_set_new(gold, "intervals", json_string(name));
    }
    base_free(own.traces);
    base_free(own.marks);
    return status;
}

/* ---- recordings ---- */

static affect_status copy_file(affect_context *ctx, const char *from, const char *to) {
    char *bytes = NULL;
    size_t length = 0;
    affect_status status = base_read_file(ctx, from, (size_t)2 << 30, &bytes, &length);
    if (!status) status = base_write_file(ctx, to, bytes, length);
    base_free(bytes);
    return status;
}

static affect_status take_recording(maker *k, const json_t *recording, json_t *items) {
    const char *id = benchmark_text(recording, "id"), *file = benchmark_text(recording, "file"),
               *truth = benchmark_text(recording, "truth"),
               *subtitle = benchmark_text(recording, "subtitle");
    char *path = benchmark_inside(k->base, file), sum[65], name[512];
    const char *dot = strrchr(file, '.');
    int64_t bytes = 0;
    json_t *gold = json_pack("{s:{}}", "traces"), *item = json_object();
    affect_status status = path && *id
                               ? benchmark_sha256(k->ctx, path, sum, &bytes)
                               : wrong(k, id, "expected \"id\" and a \"file\" below the study");
    if (!status && !json_array_size(json_object_get(recording, "persons")))
        status = wrong(k, id, "names no \"persons\": splits are made by them");
    if (!status) {
        snprintf(name, sizeof name, "media/%s%s", id, dot ? dot : "");
        json_object_set_new(item, "id", json_string(id));
        json_object_set_new(item, "file", json_string(name));
        json_object_set_new(item, "sha256", json_string(sum));
        json_object_set_new(item, "bytes", json_integer(bytes));
        json_object_set(item, "persons", json_object_get(recording, "persons"));
        if (json_object_get(recording, "split"))
            json_object_set(item, "split", json_object_get(recording, "split"));
        if (json_is_true(json_object_get(k->root, "include_media"))) {
            char *to = base_path_join(k->folder, name);
            status = to ? copy_file(k->ctx, path, to) : base_fail_memory(k->ctx);
            base_free(to);
        }
    }
    if (!status && *subtitle) {
        char *from = benchmark_inside(k->base, subtitle), *to;
        const char *end = strrchr(subtitle, '.');
        snprintf(name, sizeof name, "subtitles/%s%s", id, end ? end : "");
        to = base_path_join(k->folder, name);
        status = from && to ? copy_file(k->ctx, from, to)
                            : wrong(k, id, "\"subtitle\" names no file below the study");
        json_object_set_new(item, "subtitle", json_string(name));
        base_free(from);
        base_free(to);
    }
    if (!status && json_is_string(json_object_get(recording, "gold")))
        json_object_set(item, "gold", json_object_get(recording, "gold"));
    else if (!status) {
        status = *truth ? from_truth(k, id, truth, gold) : from_raters(k, id, gold, item);
        json_object_set(item, "gold", gold);
    }
    if (!status && json_array_append(items, item)) status = base_fail_memory(k->ctx);
    json_decref(gold);
    json_decref(item);
    base_free(path);
    return status;
}

/* ---- the card ---- */

static affect_status write_card(maker *k, const json_t *items) {
    const json_t *card = json_object_get(k->root, "card"), *value;
    const char *key;
    size_t n[3] = {0};
    static const char *const names[] = {"train", "dev", "test"};
    base_text text = {0};
    base_text_printf(&text, "# %s\n\n", benchmark_text(k->root, "name"));
    json_object_foreach((json_t *)(uintptr_t)card, key, value) {
        base_text_printf(&text, "**%s** ", key);
        base_text_append_clean(&text, json_string_value(value) ? json_string_value(value) : "");
        base_text_append(&text, "\n\n");
    }
    for (size_t i = 0; i < json_array_size(items); i++)
        for (int s = 0; s < 3; s++)
            n[s] += strcmp(benchmark_text(json_array_get(items, i), "split"), names[s]) == 0;
    base_text_printf(
        &text,
        "%zu recordings: %zu train, %zu dev, %zu test; no person is in two splits.\n\n"
        "`affect benchmark check .` looks for leaks, missing files and other checksums;\n"
        "`affect benchmark run . --predictions FILE` scores.\n",
        json_array_size(items), n[0], n[1], n[2]);
    char *path = base_path_join(k->folder, "CARD.md");
    affect_status status = path && !text.failed
                               ? base_write_file(k->ctx, path, text.data, text.length)
                               : base_fail_memory(k->ctx);
    base_free(path);
    base_text_destroy(&text);
    return status;
}

static affect_status write_manifest(maker *k, json_t *items) {
    static const char *const same[] = {"name",   "version", "card",    "dimensions", "tiers",
                                       "labels", "classes", "sources", "rebuild"};
    json_t *root = json_pack("{s:s}", "schema", BENCHMARK_SCHEMA);
    for (size_t i = 0; i < BASE_COUNT(same); i++)
        if (json_object_get(k->root, same[i]))
            json_object_set(root, same[i], json_object_get(k->root, same[i]));
    json_object_set_new(root, "media",
                        json_string(json_is_true(json_object_get(k->root, "include_media"))
                                        ? "included"
                                        : "absent"));
    json_object_set(root, "items", items);
    char *text = json_dumps(root, JSON_INDENT(1)),
         *path = base_path_join(k->folder, "benchmark.json");
    json_decref(root);
    affect_status status =
        text && path ? base_write_file(k->ctx, path, text, strlen(text)) : base_fail_memory(k->ctx);
    free(text);
    base_free(path);
    return status;
}

static affect_status read_annotations(maker *k) {
    const json_t *list = json_object_get(k->root, "annotations");
    affect_status status = AFFECT_OK;
    for (size_t i = 0; i < json_array_size(list) && !status; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        char *path = name ? benchmark_inside(k->base, name) : NULL;
        status = path ? annotate_add_file(k->ctx, path, &k->traces)
                      : base_fail(k->ctx, AFFECT_ERROR_FORMAT,
                                  "%s: \"annotations\" are files below the study", k->study);
        base_free(path);
    }
    if (!status && data_annotation_normalise(&k->traces))
        base_log(k->ctx, AFFECT_LOG_WARNING, "relative traces were normalised to 0..1 each");
    return status;
}

affect_status benchmark_make(affect_context *ctx, const char *study, const char *folder) {
    static const char *const folders[] = {"gold", "raters", "quality", "media", "subtitles"};
    maker k = {.ctx = ctx, .study = study};
    base_folder out = {0};
    json_t *items = json_array();
    const char *slash = strrchr(study, '/');
    k.base = slash ? base_strndup(study, (size_t)(slash - study)) : base_strdup(".");
    base_arena_init(&k.traces.arena, 0);
    affect_status status = k.base && items ? benchmark_load(ctx, study, BENCHMARK_STUDY, &k.root)
                                           : base_fail_memory(ctx);
    const json_t *recordings = json_object_get(k.root, "recordings");
    if (!status && !json_array_size(recordings))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: has no \"recordings\"", study);
    if (!status && (base_file_exists(folder) || base_is_folder(folder)))
        status = base_fail(ctx, AFFECT_ERROR_EXISTS, "%s exists", folder);
    if (!status) status = read_annotations(&k);
    if (!status) status = base_folder_open(ctx, folder, &out);
    k.folder = out.temporary;
    for (size_t i = 0; i < BASE_COUNT(folders) && !status; i++) {
        char *path = base_path_join(k.folder, folders[i]);
        status = path ? base_make_folder(ctx, path) : base_fail_memory(ctx);
        base_free(path);
    }
    for (size_t i = 0; i < json_array_size(recordings) && !status; i++)
        status = take_recording(&k, json_array_get(recordings, i), items);
    if (!status) status = split(&k, items);
    if (!status) status = write_card(&k, items);
    if (!status) status = write_manifest(&k, items);
    if (!status) { /* as others will read it */
        benchmark_manifest m;
        status = benchmark_open(ctx, k.folder, &m);
        if (!status) benchmark_close(&m);
    }
    if (!status) status = base_folder_commit(ctx, &out);
    base_folder_abort(&out);
    json_decref(items);
    json_decref(k.root);
    data_annotation_destroy(&k.traces);
    base_free(k.base);
    return status;
}
