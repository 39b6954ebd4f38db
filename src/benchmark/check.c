/* What is wrong with a benchmark. */
#include <string.h>

#include "benchmark/benchmark_private.h"

typedef struct report {
    affect_context *ctx;
    const benchmark_manifest *m;
    base_text *out;
    size_t problems;
} report;

AFFECT_PRINTF(2, 3) static void say(report *r, const char *format, ...) {
    base_text line = {0};
    va_list arguments;
    va_start(arguments, format);
    base_text_vprintf(&line, format, arguments);
    va_end(arguments);
    base_text_append_clean(r->out, line.length ? line.data : "");
    base_text_append(r->out, "\n");
    base_text_destroy(&line);
    r->problems++;
}

/* Remembers who is in which split, and says when somebody is in two. */
static void place(report *r, json_t *seen, const char *what, const char *who, const char *split) {
    const char *other = json_string_value(json_object_get(seen, who));
    if (!*who) return;
    if (!other)
        json_object_set_new(seen, who, json_string(split));
    else if (strcmp(other, split) != 0)
        say(r, "leak: %s '%s' is in the splits '%s' and '%s'", what, who, other, split);
}

static affect_status check_media(report *r, const json_t *item) {
    const char *id = benchmark_text(item, "id"), *want = benchmark_text(item, "sha256");
    char *path = benchmark_inside(r->m->folder, benchmark_text(item, "file")), sum[65];
    int64_t bytes = 0;
    affect_status status = AFFECT_OK;
    if (!path) {
        say(r, "%s: 'file' names no file below the benchmark", id);
    } else if (!base_file_exists(path)) {
        if (strcmp(benchmark_text(r->m->root, "media"), "absent") != 0)
            say(r, "%s: %s is missing", id, benchmark_text(item, "file"));
    } else if (*want) {
        status = benchmark_sha256(r->ctx, path, sum, &bytes);
        if (!status && strcmp(sum, want) != 0)
            say(r, "%s: %s has another checksum than the manifest", id,
                benchmark_text(item, "file"));
    }
    if (!*want) say(r, "%s: the manifest has no checksum of its recording", id);
    base_free(path);
    return status == AFFECT_ERROR_MEMORY ? status : AFFECT_OK;
}

static affect_status check_gold(report *r, const json_t *item) {
    const char *id = benchmark_text(item, "id");
    const json_t *gold = json_object_get(item, "gold");
    data_annotation a;
    if (!gold) say(r, "%s: has no gold", id);
    if (!json_is_object(gold)) return AFFECT_OK;
    affect_status status = benchmark_gold(r->ctx, r->m, item, &a);
    if (status == AFFECT_ERROR_MEMORY) return status;
    if (status) {
        say(r, "%s: %s", id, affect_context_message(r->ctx));
        return AFFECT_OK;
    }
    for (size_t d = 0; d < json_array_size(r->m->dimensions); d++) {
        const char *name = benchmark_text(json_array_get(r->m->dimensions, d), "name");
        size_t values = 0;
        for (size_t k = 0; k < a.trace_count; k++)
            if (strcmp(a.traces[k].dimension, name) == 0) values += a.traces[k].rows;
        if (!values) say(r, "%s: no gold of '%s'", id, name);
    }
    data_annotation_destroy(&a);
    return AFFECT_OK;
}

affect_status benchmark_check(affect_context *ctx, const char *folder, base_text *out,
                              size_t *problems) {
    benchmark_manifest m;
    affect_status status = benchmark_open(ctx, folder, &m);
    if (status) return status;
    report r = {.ctx = ctx, .m = &m, .out = out};
    json_t *persons = json_object(), *sums = json_object(), *card = json_object_get(m.root, "card");
    static const char *const wanted[] = {"who", "how", "consent", "licence"};
    for (size_t i = 0; i < BASE_COUNT(wanted); i++)
        if (!*benchmark_text(card, wanted[i])) say(&r, "card: nothing said about '%s'", wanted[i]);
    for (size_t i = 0; i < json_array_size(m.items) && !status; i++) {
        const json_t *item = json_array_get(m.items, i), *list = json_object_get(item, "persons");
        const char *split = benchmark_text(item, "split");
        if (strcmp(split, "train") != 0 && strcmp(split, "dev") != 0 && strcmp(split, "test") != 0)
            say(&r, "%s: split '%s' is none of train, dev, test", benchmark_text(item, "id"),
                split);
        if (!json_array_size(list)) say(&r, "%s: names no person", benchmark_text(item, "id"));
        for (size_t p = 0; p < json_array_size(list); p++) {
            const char *who = json_string_value(json_array_get(list, p));
            place(&r, persons, "person", who ? who : "", split);
        }
        place(&r, sums, "the recording with checksum", benchmark_text(item, "sha256"), split);
        status = check_media(&r, item);
        if (!status) status = check_gold(&r, item);
    }
    json_decref(persons);
    json_decref(sums);
    benchmark_close(&m);
    if (!status && out->failed) status = base_fail_memory(ctx);
    *problems = r.problems;
    return status;
}
