/* The manifest: read, its files found, its gold read. */
#include <nettle/sha2.h>
#include <string.h>
#include <unistd.h>

#include "annotate/annotate.h"
#include "benchmark/benchmark_private.h"

affect_status benchmark_load(affect_context *ctx, const char *path, const char *schema,
                             json_t **out) {
    char *text = NULL;
    size_t length = 0;
    json_error_t error;
    *out = NULL;
    affect_status status = base_read_file(ctx, path, 0, &text, &length);
    if (status) return status;
    *out = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    base_free(text);
    if (!*out)
        return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s:%d: %s", path, error.line, error.text);
    if (strcmp(benchmark_text(*out, "schema"), schema) == 0) return AFFECT_OK;
    json_decref(*out);
    *out = NULL;
    return base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: expected an object with \"schema\": \"%s\"",
                     path, schema);
}

const char *benchmark_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Can it be a file's name: letters, digits, ".", "_", "-", not hidden? */
static bool is_id(const char *id) {
    size_t n = strlen(id);
    return n && n < 200 && *id != '.' &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

affect_status benchmark_open(affect_context *ctx, const char *path, benchmark_manifest *out) {
    *out = (benchmark_manifest){0};
    bool folder = base_is_folder(path);
    const char *slash = strrchr(path, '/');
    out->path = folder ? base_path_join(path, "benchmark.json") : base_strdup(path);
    out->folder = folder  ? base_strdup(path)
                  : slash ? base_strndup(path, (size_t)(slash - path))
                          : base_strdup(".");
    affect_status status = out->path && out->folder
                               ? benchmark_load(ctx, out->path, BENCHMARK_SCHEMA, &out->root)
                               : base_fail_memory(ctx);
    out->items = json_object_get(out->root, "items");
    out->dimensions = json_object_get(out->root, "dimensions");
    out->tiers = json_object_get(out->root, "tiers");
    if (!status && !json_array_size(out->items))
        status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: has no \"items\"", out->path);
    json_t *seen = json_object();
    for (size_t i = 0; !status && i < json_array_size(out->items); i++) {
        const char *id = benchmark_text(json_array_get(out->items, i), "id");
        if (!is_id(id) || json_object_get(seen, id))
            status =
                base_fail(ctx, AFFECT_ERROR_FORMAT,
                          "%s: item %zu: expected an \"id\" of its own, of letters, digits, '.', "
                          "'_' and '-'",
                          out->path, i + 1);
        else if (json_object_set_new(seen, id, json_true()))
            status = base_fail_memory(ctx);
    }
    json_decref(seen);
    if (status) benchmark_close(out);
    return status;
}

void benchmark_close(benchmark_manifest *m) {
    base_free(m->path);
    base_free(m->folder);
    json_decref(m->root);
    *m = (benchmark_manifest){0};
}

char *benchmark_inside(const char *folder, const char *name) {
    if (!*name || *name == '/') return NULL;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2])) return NULL;
    }
    return base_path_join(folder, name);
}

affect_status benchmark_sha256(affect_context *ctx, const char *path, char out[65],
                               int64_t *bytes) {
    int fd = base_open_regular(path);
    struct sha256_ctx sum;
    uint8_t chunk[1 << 16], digest[SHA256_DIGEST_SIZE];
    ssize_t n;
    if (fd < 0) return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    sha256_init(&sum);
    *bytes = 0;
    while ((n = read(fd, chunk, sizeof chunk)) > 0) {
        sha256_update(&sum, (size_t)n, chunk);
        *bytes += n;
    }
    close(fd);
    if (n < 0) return base_fail(ctx, AFFECT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    sha256_digest(&sum, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return AFFECT_OK;
}

bool benchmark_in_split(const json_t *item, const char *split) {
    return strcmp(split, "all") == 0 || strcmp(benchmark_text(item, "split"), split) == 0 ||
           !*benchmark_text(item, "split");
}

affect_status benchmark_gold(affect_context *ctx, const benchmark_manifest *m, const json_t *item,
                             data_annotation *out) {
    json_t *gold = json_object_get(item, "gold"), *file;
    const char *key;
    *out = (data_annotation){0};
    base_arena_init(&out->arena, 0);
    affect_status status = AFFECT_OK;
    json_object_foreach(json_object_get(gold, "traces"), key, file) {
        const char *name = json_string_value(file);
        char *path = name ? benchmark_inside(m->folder, name) : NULL;
        data_table *t = NULL;
        if (status) break;
        if (!path)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: gold of '%s' is no file below it",
                               m->path, benchmark_text(item, "id"));
        if (!status) status = data_table_open(ctx, path, NULL, &t);
        base_free(path);
        if (status) break;
        int time = data_table_column(t, "time"), value = data_table_column(t, "value");
        const data_trace like = {.recording = benchmark_text(item, "id"), .dimension = key};
        data_trace *trace = NULL;
        if (time < 0 || value < 0)
            status = base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: wants the columns time and value",
                               t->path);
        if (!status) status = data_annotation_add_trace(ctx, out, &like, t->rows, &trace);
        for (size_t r = 0; r < t->rows && !status; r++) {
            const char *a = data_table_cell(t, r, (size_t)time),
                       *b = data_table_cell(t, r, (size_t)value);
            double x = 0, y = 0;
            if (!base_parse_double(a, strlen(a), &x) || !base_parse_double(b, strlen(b), &y) ||
                (r && x < trace->times_s[trace->rows - 1]))
                continue; /* an empty cell is no value */
            trace->times_s[trace->rows] = x;
            trace->values[trace->rows++] = y;
        }
        data_table_destroy(t);
    }
    const char *name = benchmark_text(gold, "intervals");
    if (!status && *name) {
        char *path = benchmark_inside(m->folder, name);
        status = path ? annotate_add_file(ctx, path, out)
                      : base_fail(ctx, AFFECT_ERROR_FORMAT, "%s: '%s' is no file below it", m->path,
                                  name);
        base_free(path);
    }
    if (status) data_annotation_destroy(out);
    return status;
}
